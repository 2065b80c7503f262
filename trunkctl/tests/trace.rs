//! The trace of a D channel as people, programs and dissectors get it.

mod common;

use common::{Bench, frames, told};
use control::{Request, TraceWish};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

#[test]
fn frames_are_told_in_words_as_committed() {
    let bench = Bench::new();
    let shown = bench.shown(&["trace", "1", "--ring"]);
    assert_eq!(shown, include_str!("screens/trace.txt"), "\n{shown}");
    let wish = TraceWish { span: 1, ring: true, numbers: false };
    assert_eq!(bench.requests(), [Request::Trace(wish)]);
}

#[test]
fn programs_get_a_line_a_frame_with_the_same_in_fields() {
    let bench = Bench::new();
    let lines: Vec<Value> = bench
        .shown(&["trace", "1", "--ring", "--numbers", "--json"])
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!((&lines[0]["link"], &lines[0]["message"]), (&Value::from("SABME, P"), &Value::Null));
    assert_eq!((&lines[1]["from"], &lines[1]["octets"]), (&Value::from("user"), &Value::from("020173")));
    let setup = &lines[2]["message"];
    assert_eq!((&setup["name"], &setup["call"]), (&Value::from("SETUP"), &Value::from(1)));
    assert_eq!(setup["elements"][2]["value"], "\"xx42\" national, E.164, allowed, of the network");
    assert_eq!(setup["elements"][1]["octets"], "1803a98381");
    assert_eq!(lines[4]["message"]["elements"][0]["value"], "content not understood");
    assert_eq!(lines[4]["at_us"], 1_767_225_600_115_500_u64);
    assert!(matches!(bench.requests()[..], [Request::Trace(TraceWish { numbers: true, .. })]));
}

#[test]
fn frames_without_message_can_be_left_out() {
    let bench = Bench::new();
    let shown = bench.shown(&["trace", "1", "--ring", "--messages"]);
    assert!(shown.contains("SETUP") && !shown.contains("SABME"), "{shown}");
}

#[test]
fn a_capture_holds_every_frame_and_is_for_its_owner() {
    let bench = Bench::new();
    let file = bench.file("trace.pcap");
    // A longer one that was there is replaced.
    std::fs::write(&file, [0; 5000]).expect("written");
    let name = file.display().to_string();
    assert_eq!(bench.shown(&["trace", "1", "--ring", "--write", &name]), format!("5 frames written to {name}\n"));
    let written = std::fs::read(&file).expect("there");
    let octets: usize = frames().iter().map(|frame| 32 + frame.octets.0.len()).sum();
    assert_eq!(written.len(), 24 + octets);
    assert_eq!((written[24 + 16 + 6], written[24 + 35 + 16 + 6]), (1, 0), "the network's, then ours");

    let fresh = bench.file("fresh.pcap");
    let name = fresh.display().to_string();
    let answer: Value =
        serde_json::from_str(&bench.shown(&["trace", "1", "--ring", "--write", &name, "--json"])).expect("JSON");
    assert_eq!(answer["frames"], 5);
    assert_eq!(std::fs::metadata(&fresh).expect("there").permissions().mode() & 0o777, 0o600);

    let piped = bench.run(&["trace", "1", "--ring", "--write", "-"]);
    assert_eq!(piped.stdout, written);
}

#[test]
fn what_cannot_be_had_is_said_and_costs_no_file() {
    let bench = Bench::new();
    let (code, _, complaint) = told(&bench.run(&["trace", "1", "--ring", "--write", "no such directory/x.pcap"]));
    assert!(code == 2 && complaint.contains("no such directory/x.pcap cannot be written"), "{complaint}");
    let precious = bench.file("precious.pcap");
    std::fs::write(&precious, "of another span").expect("written");
    let (code, _, complaint) = told(&bench.run(&["trace", "9", "--write", &precious.display().to_string()]));
    assert_eq!((code, complaint.as_str()), (1, "trunkctl: there is no span 9\n  `trunkctl spans` lists them\n"));
    assert_eq!(std::fs::read_to_string(&precious).expect("there"), "of another span");
}

#[test]
fn a_live_trace_shows_what_comes_and_says_why_it_ends() {
    let bench = Bench::new();
    let (code, shown, complaint) = told(&bench.run(&["trace", "1"]));
    assert!(shown.starts_with("span 1 (soft0 E1 euroisdn): from now on, 2 lost; times are UTC\n"), "{shown}");
    assert!(shown.contains("CALL PROCEEDING"), "{shown}");
    assert_eq!((code, complaint.as_str()), (3, "trunkctl: frames came faster than they were read: some are lost\n"));
    let file = bench.file("live.pcap");
    let (code, _, complaint) = told(&bench.run(&["trace", "1", "--write", &file.display().to_string()]));
    assert!(code == 3 && complaint.contains("until Ctrl-C"), "{complaint}");
    // What came before the end is there, whole.
    let octets: usize = frames().iter().map(|frame| 32 + frame.octets.0.len()).sum();
    assert_eq!(std::fs::metadata(&file).expect("there").len() as usize, 24 + octets);
}
