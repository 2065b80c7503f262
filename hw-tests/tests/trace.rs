//! The trace of a D channel, from the daemon as a process to a dissector made by others: what trunkctl says in words is
//! what tshark finds in the capture, nothing is malformed, and nothing that was keyed or must be masked is in either.

use control::{DialPlan, Reserve};
use hw_tests::daemon::{Daemon, program};
use hw_tests::peers::{TSHARK, assert_no_malformed, require, tshark_fields};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NUMBER: &str = "5550100";
const CALLING: &str = "4930901820";
const NAME: &str = "Ada Lovelace";
const PATIENCE: Duration = Duration::from_secs(30);

/// Message types by their numbers (Q.931 table 4-2), as the dissector reports them.
const TYPES: [(u8, &str); 9] = [
    (0x01, "ALERTING"),
    (0x02, "CALL PROCEEDING"),
    (0x03, "PROGRESS"),
    (0x05, "SETUP"),
    (0x07, "CONNECT"),
    (0x0f, "CONNECT ACKNOWLEDGE"),
    (0x45, "DISCONNECT"),
    (0x4d, "RELEASE"),
    (0x5a, "RELEASE COMPLETE"),
];

fn trunkctl(daemon: &Daemon, args: &[&str]) -> Command {
    let mut command = Command::new(program("trunkctl"));
    command.arg("--socket").arg(daemon.socket()).args(args).stdin(Stdio::null());
    command
}

fn told(daemon: &Daemon, args: &[&str]) -> String {
    let output = trunkctl(daemon, args).output().expect("it runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {complaint}\n{}", daemon.log());
    String::from_utf8(output.stdout).expect("text")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn has(octets: &[u8], text: &str) -> bool {
    octets.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The value of an element, in words.
fn value<'a>(line: &'a Value, element: &str) -> Option<&'a str> {
    line["message"]["elements"].as_array()?.iter().find(|e| e["name"] == element)?["value"].as_str()
}

/// The text between quotation marks that a number's words begin with.
fn digits(words: &str) -> &str {
    words.split('"').nth(1).unwrap_or_default()
}

fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_call_is_remembered_explained_and_dissected_alike_without_what_was_keyed() {
    if !require("trace", &[TSHARK]) {
        return;
    }
    let mut daemon = Daemon::start("", "", &format!("[call_in]\nnumbers = [\"{NUMBER}\"]"));
    let live = daemon.file("live.pcap");
    let mut watching = trunkctl(&daemon, &["trace", "1", "--messages", "--write", &live.display().to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    wait_until("the live capture to begin", || fs::metadata(&live).is_ok_and(|m| m.len() >= 24));

    let mut client = daemon.client();
    let event = client.reserve(Reserve { title: "Trace".into(), ..Reserve::default() }).expect("reserved");
    let plan = DialPlan {
        called: Some(NUMBER.into()),
        calling: Some(CALLING.into()),
        name: Some(NAME.into()),
        event: Some(event.event.clone()),
        pin: Some(event.pins.host.clone()),
        ..DialPlan::default()
    };
    let call = client.exchange_dial(plan.clone()).expect("dialled");
    daemon.wait_for("the caller", PATIENCE, |c| (c.events().ok()?.first()?.callers == 1).then_some(()));
    client.exchange_hang_up(call).expect("hung up");
    daemon.wait_for("the end of the call", PATIENCE, |c| c.calls().ok()?.is_empty().then_some(()));
    // Somebody dials number and PIN in one go. The gateway has no such number; the trace sees it all the same.
    let in_one_go =
        DialPlan { called: Some(format!("{NUMBER}{}", event.pins.speaker)), event: None, pin: None, ..plan };
    let wrong = client.exchange_dial(in_one_go).expect("dialled");
    daemon.wait_for("its refusal", PATIENCE, |c| {
        let call = c.exchange_calls().ok()?.into_iter().find(|call| call.id == wrong)?;
        (call.state == control::ExchangeCallState::Ended).then_some(())
    });
    // The copies are collected a moment later.
    let names = |lines: &[Value]| -> Vec<String> {
        lines.iter().filter_map(|line| Some(line["message"]["name"].as_str()?.to_owned())).collect()
    };
    wait_until("the last message", || {
        let names = names(&lines(&told(&daemon, &["trace", "1", "--ring", "--json"])));
        names.iter().filter(|name| *name == "RELEASE COMPLETE").count() == 2
    });

    let capture = daemon.file("ring.pcap");
    let capture_name = capture.display().to_string();
    told(&daemon, &["trace", "1", "--ring", "--write", &capture_name]);
    let json = told(&daemon, &["trace", "1", "--ring", "--json"]);
    let text = told(&daemon, &["trace", "1", "--ring"]);
    let with_numbers = told(&daemon, &["trace", "1", "--ring", "--numbers"]);
    let whole = daemon.file("numbers.pcap");
    told(&daemon, &["trace", "1", "--ring", "--numbers", "--write", &whole.display().to_string()]);

    // What tshark finds is what was said.
    let frames = lines(&json);
    let found: BTreeSet<String> = names(&frames).into_iter().collect();
    for name in
        ["SETUP", "CALL PROCEEDING", "CONNECT", "CONNECT ACKNOWLEDGE", "DISCONNECT", "RELEASE", "RELEASE COMPLETE"]
    {
        assert!(found.contains(name), "no {name} in\n{text}");
        assert!(text.contains(&format!("  {name}, call ")), "{name}\n{text}");
    }
    compare(&capture, &frames);
    assert_no_malformed(&whole);

    // Nothing that was keyed is anywhere, and who called only where it was asked for.
    let octets = |file: &Path| fs::read(file).expect("there");
    let everywhere =
        [octets(&capture), octets(&whole), json.clone().into(), text.clone().into(), with_numbers.clone().into()];
    for pin in [&event.pins.host, &event.pins.speaker] {
        let in_hex: String = pin.bytes().map(|b| format!("{b:02x}")).collect();
        let spaced = pin.bytes().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        for place in &everywhere {
            assert!(
                ![pin.as_str(), &in_hex, &spaced].into_iter().any(|form| has(place, form)),
                "a PIN is in the trace"
            );
        }
    }
    assert!(text.contains(&format!("\"{NUMBER}xxxxxxxx\"")), "{text}");
    for (masked, shown) in [(octets(&capture), octets(&whole)), (text.into(), with_numbers.into())] {
        assert!(!has(&masked, CALLING) && has(&masked, "xxxxxxxx20") && has(&shown, CALLING));
        assert!(!has(&masked, "Lovelace"));
    }

    // Ended in the middle of its life, the live capture is whole as well.
    wait_until("the live capture's last message", || {
        let messages = tshark_fields(&live, &["q931.message_type"]);
        messages.iter().filter(|row| number(&row[0]) == Some(0x5a)).count() == 2
    });
    let pid = nix::unistd::Pid::from_raw(watching.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it runs");
    watching.wait().expect("ended");
    assert_no_malformed(&live);
    assert!(!has(&octets(&live), &event.pins.speaker));
    assert!(daemon.terminate().success());
}

fn number(field: &str) -> Option<u8> {
    u8::from_str_radix(field.strip_prefix("0x")?, 16).ok()
}

/// Compares what tshark finds in the capture with what was told of the same frames.
fn compare(capture: &Path, frames: &[Value]) {
    assert_no_malformed(capture);
    let fields = [
        "lapd.direction",
        "q931.message_type",
        "q931.channel.number",
        "q931.calling_party_number.digits",
        "q931.called_party_number.digits",
        "q931.cause_value",
        "frame.time_epoch",
        "frame.len",
    ];
    let rows = tshark_fields(capture, &fields);
    // The link may have spoken between the two questions.
    assert!(rows.len() <= frames.len() && rows.len() > 14, "{} and {} frames", rows.len(), frames.len());
    let mut messages = 0;
    for (row, frame) in rows.iter().zip(frames) {
        let from_network = matches!(row[0].as_str(), "1" | "True");
        assert_eq!(from_network, frame["from"] == "network", "{row:?} {frame}");
        let kind = number(&row[1]).and_then(|kind| TYPES.iter().find(|(number, _)| *number == kind));
        assert_eq!(kind.map(|(_, name)| *name), frame["message"]["name"].as_str(), "{row:?} {frame}");
        messages += usize::from(kind.is_some());
        let channel = value(frame, "Channel identification").and_then(|words| words.split(' ').nth(1));
        assert_eq!(row[2], channel.unwrap_or_default().trim_end_matches(','), "{row:?} {frame}");
        assert_eq!(row[3], value(frame, "Calling party number").map(digits).unwrap_or_default(), "{row:?} {frame}");
        assert_eq!(row[4], value(frame, "Called party number").map(digits).unwrap_or_default(), "{row:?} {frame}");
        let cause = value(frame, "Cause").and_then(|words| words.split(' ').next()).unwrap_or_default();
        assert_eq!(row[5], cause, "{row:?} {frame}");
        let at_us = frame["at_us"].as_u64().expect("a date");
        assert!(row[6].starts_with(&format!("{}.{:06}", at_us / 1_000_000, at_us % 1_000_000)), "{row:?} {frame}");
        let octets = frame["octets"].as_str().expect("octets").len() / 2;
        // The dissector has taken the 16 octets before the frame away.
        assert_eq!(row[7], octets.to_string(), "{row:?} {frame}");
    }
    assert!(messages >= 9, "{messages} messages: two calls have more");
}
