//! A call from the exchange: what is ordered, where the PIN comes from, how it is followed.

mod common;

use common::{Bench, told};
use control::{DialPlan, ExchangeCallInfo, ExchangeCallState, Repeat, Request};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;

fn ordered(bench: &Bench) -> DialPlan {
    let mut plans = bench.requests().into_iter().filter_map(|request| match request {
        Request::ExchangeDial(plan) => Some(plan),
        _ => None,
    });
    plans.next_back().expect("a call was ordered")
}

#[test]
fn everything_on_the_command_line_reaches_the_exchange_with_paths_from_the_root() {
    let bench = Bench::new();
    let args = "exchange dial --event 100200305 --pin 86421357 --wav speech.wav --record /tmp/../heard.wav --hold 1m30s \
                --calling +15555550142 --called 5550100 --name Ada --repeat forever --key-on 40 --key-off 41 --key-level -25.5";
    let args: Vec<&str> = args.split_whitespace().collect();
    assert_eq!(bench.shown(&args), "call 3 is dialled\n");
    let wav = bench.directory.path().canonicalize().expect("a path").join("speech.wav");
    let expected = DialPlan {
        called: Some("5550100".into()),
        calling: Some("+15555550142".into()),
        name: Some("Ada".into()),
        event: Some("100200305".into()),
        pin: Some("86421357".into()),
        wav: Some(wav.to_str().expect("UTF-8").into()),
        record: Some("/tmp/../heard.wav".into()),
        repeat: Repeat::Forever,
        key_on_ms: 40,
        key_off_ms: 41,
        key_level_dbm0: -25.5,
        hold_ms: Some(90_000),
    };
    assert!(ordered(&bench) == expected, "{:?}", ordered(&bench));
}

#[test]
fn nothing_said_is_the_defaults() {
    let bench = Bench::new();
    bench.shown(&["exchange", "dial"]);
    assert!(ordered(&bench) == DialPlan::default());
}

#[test]
fn the_pin_comes_from_a_file_or_the_standard_input_as_well() {
    let bench = Bench::new();
    std::fs::write(bench.file("pin"), "86421357\nnot this\n").expect("written");
    bench.shown(&["exchange", "dial", "--pin-file", "pin"]);
    assert_eq!(ordered(&bench).pin.as_deref(), Some("86421357"));
    let mut child = bench
        .command(&["exchange", "dial", "--pin", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    child.stdin.take().expect("piped").write_all(b"13572468\n").expect("written");
    assert!(child.wait().expect("ended").success());
    assert_eq!(ordered(&bench).pin.as_deref(), Some("13572468"));
}

fn stages() -> Vec<ExchangeCallInfo> {
    let call = ExchangeCallInfo {
        id: 3,
        called: "5550100".into(),
        state: ExchangeCallState::Trying,
        record: Some("/home/ada/heard.wav".into()),
        ..ExchangeCallInfo::default()
    };
    let connected = ExchangeCallInfo {
        state: ExchangeCallState::Connected,
        doing: "speaking".into(),
        span: Some(1),
        channel: Some(2),
        connected_ms: 1,
        ..call.clone()
    };
    let ended = ExchangeCallInfo {
        state: ExchangeCallState::Ended,
        cause: Some(16),
        cause_text: Some("normal clearing".into()),
        ..connected.clone()
    };
    vec![call, connected.clone(), connected, ended]
}

#[test]
fn a_followed_call_tells_its_changes_and_its_end() {
    let bench = Bench::new();
    bench.fake.progress.lock().expect("whole").extend(stages());
    let shown = bench.shown(&["exchange", "dial", "--follow"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 5, "{shown}");
    assert!(lines[0].starts_with("call 3 is dialled"));
    assert!(lines[1].ends_with(" s  trying"));
    assert!(lines[2].ends_with(" s  connected on 1/2, speaking"));
    assert!(lines[3].ends_with(" s  ended: normal clearing (cause 16)"));
    assert_eq!(lines[4], "what was heard is in /home/ada/heard.wav");
}

#[test]
fn with_json_a_followed_call_is_one_document() {
    let bench = Bench::new();
    bench.fake.progress.lock().expect("whole").extend(stages());
    let shown = bench.shown(&["exchange", "dial", "--follow", "--json"]);
    let document: Value = serde_json::from_str(&shown).expect("one document");
    assert_eq!((&document["state"], &document["cause"]), (&Value::from("ended"), &Value::from(16)));
}

#[test]
fn a_call_that_does_not_get_through_is_a_failure() {
    let bench = Bench::new();
    let failed = ExchangeCallInfo {
        id: 3,
        state: ExchangeCallState::Ended,
        cause: Some(34),
        cause_text: Some("no circuit or channel available".into()),
        ..ExchangeCallInfo::default()
    };
    for json in [false, true] {
        bench.fake.progress.lock().expect("whole").push_back(failed.clone());
        let args: &[&str] =
            if json { &["exchange", "dial", "--follow", "--json"] } else { &["exchange", "dial", "--follow"] };
        let (code, shown, complaint) = told(&bench.run(args));
        assert_eq!(code, 1);
        if json {
            assert!(serde_json::from_str::<Value>(&shown).is_ok() && complaint.is_empty(), "{shown}{complaint}");
        } else {
            assert!(shown.contains("no circuit or channel available (cause 34)"), "{shown}");
            assert_eq!(complaint, "trunkctl: call 3 did not get through\n");
        }
    }
}

#[test]
fn a_call_nobody_lists_is_not_followed_for_ever() {
    let bench = Bench::new();
    let (code, _, complaint) = told(&bench.run(&["exchange", "dial", "--follow"]));
    assert_eq!(code, 1);
    assert!(complaint.contains("not listed"), "{complaint}");
}
