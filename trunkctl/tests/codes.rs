//! What goes wrong, what is said about it, and the exit code.

mod common;

use common::{Bench, told};
use control::{ENVIRONMENT, Notice, Request, Severity, Topic};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn refused_by_the_daemon_is_1_with_its_words_and_advice() {
    let bench = Bench::new();
    let (code, shown, complaint) = told(&bench.run(&["channels", "9"]));
    assert_eq!((code, shown.as_str()), (1, ""));
    assert_eq!(complaint, "trunkctl: there is no span 9\n  `trunkctl spans` lists them\n");
    let (code, shown, complaint) = told(&bench.run(&["channels", "9", "--json"]));
    assert_eq!((code, complaint.as_str()), (1, ""));
    let document: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(document["error"]["kind"], "not_found");
    assert_eq!(document["error"]["hint"], "`trunkctl spans` lists them");
}

#[test]
fn a_wrong_command_line_is_2() {
    let bench = Bench::new();
    for args in [
        &["flap"][..],
        &[],
        &["channels", "one"],
        &["reserve"],
        &["reserve", ""],
        &["reserve", "  "],
        &["reserve", "x", "--over-after", "soon"],
        &["hang-up", "17", "--yes", "--dry-run"],
        &["trace"],
        &["test", "bert"],
        &["test", "bert", "span", "1", "--insert-errors", "often"],
        &["test", "tone", "span", "1", "--level", "20"],
        &["test", "loopback", "span", "1"],
        &["test", "loopback", "span", "1", "around"],
        &["fault"],
        &["trace", "one"],
        &["exchange", "dial", "--repeat", "0"],
        &["exchange", "dial", "--pin", "1", "--pin-file", "x"],
        &["exchange", "dial", "--pin-file", "no such file"],
        &["exchange", "dial", "--event", "one"],
        &["exchange", "dial", "--key-on", "0"],
    ] {
        let (code, shown, complaint) = told(&bench.run(args));
        assert_eq!((code, shown.as_str()), (2, ""), "{args:?}");
        assert!(!complaint.is_empty(), "{args:?}");
    }
    assert_eq!(bench.requests(), [], "nothing of it reached the daemon");
}

#[test]
fn no_daemon_is_3_and_says_where_it_was_looked_for() {
    let mut bench = Bench::new();
    bench.server.stop();
    let missing = bench.file("elsewhere.sock");
    let output = bench.command(&["status"]).env(ENVIRONMENT, &missing).output().expect("started");
    let (code, _, complaint) = told(&output);
    assert_eq!(code, 3);
    assert!(
        complaint.contains("elsewhere.sock: not there") && complaint.contains("cargo run --release"),
        "{complaint}"
    );
    let output = bench.command(&["status", "--json"]).env(ENVIRONMENT, &missing).output().expect("started");
    let (code, shown, _) = told(&output);
    let document: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((code, &document["error"]["kind"]), (3, &Value::from("no_daemon")));
}

#[test]
fn the_daemon_is_found_from_below_its_directory_and_by_name() {
    let bench = Bench::new();
    let below = bench.file("below/deeper");
    std::fs::create_dir_all(&below).expect("made");
    let output = bench.command(&["calls"]).current_dir(&below).output().expect("started");
    assert_eq!(told(&output).0, 0);
    let socket = bench.file("trunkcast-state/control.sock");
    let output = bench.command(&["calls"]).current_dir("/").env(ENVIRONMENT, &socket).output().expect("started");
    assert_eq!(told(&output).0, 0);
    let named = ["calls", "--socket", socket.to_str().expect("UTF-8")];
    let output = bench.command(&named).current_dir("/").env(ENVIRONMENT, "/nowhere").output().expect("started");
    assert_eq!(told(&output).0, 0);
}

#[test]
fn nobody_is_cut_off_without_a_yes() {
    let bench = Bench::new();
    for args in [&["hang-up", "17"][..], &["end", "100200305"], &["cancel", "100200305"]] {
        let (code, _, complaint) = told(&bench.run(args));
        assert_eq!(code, 2, "{args:?}");
        assert!(complaint.contains("--yes") && complaint.contains("--dry-run"), "{complaint}");
        assert_eq!(told(&bench.run(&[args, &["--json"]].concat())).0, 2);
        assert_eq!(told(&bench.run(&[args, &["--dry-run"]].concat())).0, 0);
    }
    let harmless = |request: &Request| matches!(request, Request::Calls | Request::Events | Request::Conference { .. });
    assert!(bench.requests().iter().all(harmless), "{:?}", bench.requests());
    assert_eq!(bench.shown(&["hang-up", "17", "--yes"]), "call 17 is being cleared\n");
    assert_eq!(bench.shown(&["end", "100200305", "-y"]), "event 100200305 is ended, 2 callers were let go\n");
    assert_eq!(bench.shown(&["cancel", "100200305", "-y"]), "event 100200305 is cancelled\n");
    let done: Vec<Request> = bench.requests().into_iter().filter(|r| !harmless(r)).collect();
    let event = || "100200305".to_owned();
    assert_eq!(
        done,
        [Request::HangUp { call: 17 }, Request::End { event: event() }, Request::Cancel { event: event() }]
    );
}

#[test]
fn a_call_that_is_gone_cannot_be_hung_up() {
    let bench = Bench::new();
    let (code, _, complaint) = told(&bench.run(&["hang-up", "99", "--dry-run"]));
    assert_eq!(code, 1);
    assert!(complaint.contains("there is no call 99"), "{complaint}");
}

#[test]
fn whoever_reads_only_the_first_line_hears_no_complaint() {
    let bench = Bench::new();
    // The reading end is closed before anything is written.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = bench.command(&["calls"]).stdout(writer).output().expect("started");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn watching_tells_what_is_severe_enough_until_the_daemon_stops() {
    let mut bench = Bench::new();
    for (json, expected) in [
        (false, ["00:00:01.000  major     span       LOS on span 2", "00:00:02.000  critical  call       ?[2J"]),
        (true, [r#"{"at_ms":1000,"severity":"major","topic":"span","text":"LOS on span 2","span":2}"#, ""]),
    ] {
        let args: &[&str] =
            if json { &["watch", "--at-least", "major", "--json"] } else { &["watch", "--at-least", "major"] };
        let mut watch = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        while bench.fake.hub.watchers() == 0 {
            std::thread::yield_now();
        }
        let notice = |at_ms, severity, topic, text: &str, span| {
            bench.fake.hub.publish(Notice { at_ms, severity, topic, text: text.into(), span, ..Notice::default() });
        };
        notice(500, Severity::Minor, Topic::Call, "not severe enough", None);
        notice(1000, Severity::Major, Topic::Span, "LOS on span 2", Some(2));
        notice(2000, Severity::Critical, Topic::Call, "\u{1b}[2J", None);
        let mut lines = BufReader::new(watch.stdout.take().expect("piped")).lines();
        assert_eq!(lines.next().expect("a line").expect("read"), expected[0]);
        let second = lines.next().expect("a line").expect("read");
        assert!(json && second.contains("critical") || second == expected[1], "{second}");
        if json {
            bench.server.stop();
            assert!(lines.next().expect("the error").expect("read").contains('{'));
            assert_eq!(watch.wait().expect("ended").code(), Some(3));
        } else {
            watch.kill().expect("ours to end");
            watch.wait().expect("ended");
            // Forgotten at the next notice; the second round must not take it for its own.
            while bench.fake.hub.watchers() > 0 {
                notice(0, Severity::Info, Topic::Server, "is anybody there?", None);
                std::thread::yield_now();
            }
        }
    }
}

#[test]
fn help_and_version_need_no_daemon() {
    let mut bench = Bench::new();
    bench.server.stop();
    assert!(bench.shown(&["--version"]).starts_with("trunkctl "));
    let help = bench.shown(&["--help"]);
    assert!(help.contains("Exit codes") && help.contains(ENVIRONMENT), "{help}");
    for command in ["reserve", "cancel", "end", "hang-up", "watch", "trace", "completions"] {
        assert!(bench.shown(&[command, "--help"]).contains("Example"), "{command}");
    }
    assert!(bench.shown(&["exchange", "dial", "--help"]).contains("Examples"));
}
