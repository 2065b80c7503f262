//! What a technician sees, committed as text, and what a program gets instead.

mod common;

use common::Bench;
use serde_json::Value;
use std::path::PathBuf;

const SCREENS: [(&str, &[&str]); 28] = [
    ("status", &["status"]),
    ("spans", &["spans"]),
    ("channels", &["channels", "1"]),
    ("calls", &["calls"]),
    ("calls_long", &["calls", "--long"]),
    ("events", &["events"]),
    ("ports", &["ports"]),
    ("reserve", &["reserve", "Town hall"]),
    ("hang_up", &["hang-up", "17", "--dry-run"]),
    ("end", &["end", "100200305", "--dry-run"]),
    ("conference_list", &["conference", "list"]),
    ("conference_show", &["conference", "show", "100200305"]),
    ("conference_hands", &["conference", "hands", "100200305"]),
    ("conference_kick", &["conference", "kick", "100200305", "last", "--dry-run"]),
    ("suspend", &["suspend", "span", "1", "--yes", "--no-follow"]),
    ("plan", &["plan", "suspend", "span", "1"]),
    ("suspensions", &["suspensions"]),
    ("resume", &["resume", "span", "1", "--dry-run"]),
    ("alarms", &["alarms"]),
    ("alarms_history", &["alarms", "--history"]),
    ("performance", &["performance", "2"]),
    ("performance_all", &["performance", "2", "--intervals", "96", "--far", "--day"]),
    ("test_list", &["test", "list"]),
    ("test_plan", &["test", "loopback", "span", "1", "line", "--dry-run"]),
    ("test_loopback", &["test", "loopback", "span", "1", "line", "--yes"]),
    ("test_level", &["test", "level", "channel", "1/5-6", "--yes"]),
    ("fault", &["fault", "1"]),
    ("fault_port", &["fault", "port", "10003", "dead"]),
];

fn screen(name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(name).with_extension("txt");
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

#[test]
fn screens_are_as_committed() {
    let bench = Bench::new();
    for (name, args) in SCREENS {
        assert_eq!(bench.shown(args), screen(name), "{name}");
    }
}

#[test]
fn tables_fit_a_terminal_of_80_columns_and_move_no_cursor() {
    for (name, _) in SCREENS {
        for line in screen(name).lines() {
            assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
            // An address is of no use when it is cut, so it may stick out.
            assert!(line.chars().count() <= 80 || line.contains("http://"), "{name}: {line}");
        }
    }
}

#[test]
fn with_json_each_answer_is_one_document() {
    let bench = Bench::new();
    let json = |args: &[&str]| -> Value {
        let shown = bench.shown(&[args, &["--json"]].concat());
        serde_json::from_str(&shown).unwrap_or_else(|e| panic!("{args:?}: {e}: {shown}"))
    };
    assert_eq!(json(&["status"])["loop"]["late"]["p99_us"], 80);
    assert_eq!(json(&["spans"])[1]["alarms"][0], "LOS");
    assert_eq!(json(&["channels", "1"])[4]["call"], 17);
    assert_eq!(json(&["channels", "1"])[1]["holds"][0]["ticket"], "INC-4711");
    assert_eq!(json(&["plan", "suspend", "span", "1"])["calls"][0]["age_ms"], 2_580_000);
    assert_eq!(json(&["suspend", "server", "--now", "--yes"])["target"], "server");
    assert_eq!(json(&["suspend", "server", "--dry-run"])["plan"]["at_once"], 21);
    assert_eq!(json(&["resume", "server", "--dry-run"])["suspensions"][0]["by"], "kim");
    assert_eq!(json(&["calls"])[0]["calling"], "+xxxxxxxxx42");
    assert_eq!(json(&["calls"])[0]["last_key"]["twist_db"], 2);
    assert_eq!(json(&["events"])[0]["streams"][0]["port"], 10_000);
    assert_eq!(json(&["alarms"])[0]["cause"], "loss_of_signal");
    assert_eq!(json(&["alarms", "--history"])[0]["id"], 6);
    assert_eq!(json(&["performance", "2"])[0]["report"]["near"]["intervals"][0]["counts"]["es"], 61);
    assert_eq!(json(&["ports"]).as_array().expect("an array").len(), 50);
    assert_eq!(json(&["reserve", "Town hall"])["pins"]["speaker"], "13572468");
    assert_eq!(json(&["hang-up", "17", "--dry-run"])["call"]["id"], 17);
    assert_eq!(json(&["end", "100200305", "--dry-run"])["event"]["callers"], 2);
    assert_eq!(json(&["cancel", "42", "--dry-run"])["event"], Value::Null);
    assert_eq!(json(&["end", "100200305", "--yes"])["text"], "event 100200305 is ended, 2 callers were let go");
    assert_eq!(json(&["conference", "list"])[0]["mode"], "question");
    assert_eq!(json(&["conference", "show", "100200305"])["members"][1]["muted"], "mode");
    assert_eq!(json(&["conference", "count", "100200305"])["waiting"], 1);
    assert_eq!(json(&["conference", "roll", "100200305"]).as_array().map(Vec::len), Some(2));
    assert_eq!(json(&["conference", "hands", "100200305"])[0]["call"], 18);
    assert_eq!(json(&["conference", "kick", "100200305", "last", "--dry-run"])["member"]["call"], 18);
    assert_eq!(json(&["conference", "end", "100200305", "--dry-run"])["conference"]["present"], 2);
    assert_eq!(json(&["test", "list"])[0]["channels"][1]["bits"]["bit_errors"], 4);
    assert_eq!(json(&["test", "bert", "span", "1", "--dry-run"])["plan"]["calls"][0]["call"], 17);
    assert_eq!(json(&["test", "stop", "7"])["text"], "test 7 is stopped; its channels come back");
    assert_eq!(json(&["test", "loopback", "span", "1", "off"])["text"], "the loopback of span 1 is released");
    assert_eq!(json(&["fault", "1", "sent", "los"])["faults"][1], "sent los");
    assert_eq!(json(&["exchange", "calls"]), serde_json::json!([]));
    assert_eq!(json(&["exchange", "hang-up", "3"])["text"], "call 3 is being cleared");
    assert_eq!(json(&["exchange", "dial"])["id"], 3);
}

#[test]
fn nothing_is_said_in_words() {
    let bench = Bench::with(true);
    for (args, words) in [
        (&["spans"][..], "no spans\n"),
        (&["channels"], "no channels\n"),
        (&["calls"], "no calls\n"),
        (&["events"], "no events; reserve one with `trunkctl reserve TITLE`\n"),
        (&["ports"], "no stream ports\n"),
        (&["exchange", "calls"], "no calls\n"),
        (&["suspensions"], "nothing is suspended\n"),
        (&["conference", "list"], "no conferences\n"),
        (&["alarms"], "no alarms\n"),
        (&["alarms", "--history"], "no alarms were cleared yet\n"),
        (&["performance"], "no spans\n"),
        (&["test", "list"], "nothing is or was tested since the daemon started\n"),
    ] {
        assert_eq!(bench.shown(args), words);
        assert_eq!(bench.shown(&[args, &["--json"]].concat()), "[]\n");
    }
}

#[test]
fn completions_are_there_for_every_shell_without_a_daemon() {
    let mut bench = Bench::new();
    bench.server.stop();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.shown(&["completions", shell]);
        assert!(script.contains("hang-up") && script.contains("trunkctl"), "{shell}");
    }
}

#[test]
fn the_doctor_says_what_to_do_and_its_exit_code_whether() {
    let bench = Bench::new();
    let (code, shown, complaints) = common::told(&bench.run(&["doctor"]));
    assert_eq!((code, complaints.as_str()), (1, ""));
    assert!(shown.starts_with(&screen("doctor")), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    let (code, shown, _) = common::told(&bench.run(&["doctor", "--json"]));
    let findings: Value = serde_json::from_str(&shown).expect("one document");
    assert_eq!((code, &findings[0]["severity"]), (1, &Value::from("major")));
    let mut bench = Bench::with(true);
    // The daemon that is none has a version that is none.
    let (code, shown, _) = common::told(&bench.run(&["doctor"]));
    assert!(code == 1 && shown.contains("warning   version:"), "{shown}");
    bench.server.stop();
    let (code, shown, complaints) = common::told(&bench.run(&["doctor"]));
    assert!(code == 1 && complaints.is_empty() && shown.starts_with("critical  daemon: "), "{shown}");
}

#[test]
fn top_wants_a_terminal_and_names_what_to_use_without() {
    let bench = Bench::new();
    let (code, shown, complaints) = common::told(&bench.run(&["top"]));
    assert_eq!((code, shown.as_str()), (2, ""));
    assert!(complaints.contains("trunkctl status"), "{complaints}");
}

#[test]
fn every_command_has_a_manual_page_without_a_daemon() {
    let mut bench = Bench::new();
    bench.server.stop();
    assert_eq!(bench.shown(&["man", "man1"]), "");
    let page = |name: &str| {
        let file = bench.file("man1").join(name);
        std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    };
    let help = bench.shown(&["help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut count = 0;
    for line in commands.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let command = line.split_whitespace().next().expect("a command");
        if command == "help" {
            continue;
        }
        assert!(page(&format!("trunkctl-{command}.1")).contains(".SH SYNOPSIS"), "{command}");
        count += 1;
    }
    assert!(count > 15, "{help}");
    assert!(page("trunkctl-exchange-dial.1").contains("speech.wav"), "examples are part of it");
    assert!(page("trunkctl.1").contains("TRUNKCAST_SOCKET"));
    assert_eq!(bench.shown(&["man"]), page("trunkctl.1"));
}

#[test]
fn a_suspension_is_followed_until_its_channels_are_out() {
    let bench = Bench::new();
    let told = bench.shown(&["suspend", "span", "1", "--yes", "--follow"]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[lines.len() - 2..],
        ["21 of 23 channels out, 2 calls left, the oldest 43 min, about 25 min to go", "23 of 23 channels out"]
    );
    let told = Bench::new().shown(&["suspend", "span", "1", "--yes", "--follow", "--json"]);
    let done: Vec<bool> = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a document a line")["progress"]["done"] == true)
        .collect();
    assert_eq!(done, [false, true], "{told}");
}

/// Shown as it goes, then channel by channel; the exit code is the verdict.
#[test]
fn a_pattern_test_is_followed_to_its_verdict() {
    let bench = Bench::new();
    let args = ["test", "bert", "channel", "1/5-6", "--loop", "timeslot", "--insert-errors", "1e-3", "--yes"];
    let (code, shown, complaint) = common::told(&bench.run(&args));
    assert_eq!((code, complaint.as_str()), (1, "trunkctl: failed, 1 of 2 channels\n"));
    assert_eq!(shown, screen("test_bert"));
    let (code, shown, complaint) = common::told(&Bench::new().run(&[&args[..], &["--json"]].concat()));
    let lines: Vec<Value> = shown.lines().map(|l| serde_json::from_str(l).expect("a document a line")).collect();
    assert_eq!((code, complaint.as_str()), (1, ""));
    let last = lines.last().expect("the verdict");
    assert_eq!((&last["passed"], &last["channels"][0]["passed"]), (&Value::from(false), &Value::from(true)));
    let wish =
        bench.requests().into_iter().find_map(|r| if let control::Request::Test(w) = r { Some(w) } else { None });
    let control::TestKind::Bert { pattern, loop_, insert } = wish.expect("asked for").kind else {
        panic!("another kind")
    };
    let one_in = control::InsertErrors::OneIn(1000);
    assert_eq!((pattern.as_str(), loop_, insert), ("qrss", control::LoopWord::Timeslot, Some(one_in)));
}

#[test]
fn a_signal_is_sent_by_its_name_and_a_wrong_one_brings_the_names() {
    let bench = Bench::new();
    let tone = |more: &[&str]| common::told(&bench.run(&[&["test", "tone"], more, &["--yes"]].concat()));
    assert_eq!(tone(&["channel", "1/5-6", "busy-europe"]).0, 0);
    assert_eq!(tone(&["server", "sit"]).0, 0);
    assert_eq!(tone(&["span", "1", "--level", "-16"]).0, 0);
    let kinds = bench.requests().into_iter().filter_map(|r| match r {
        control::Request::Test(wish) => Some((wish.target.to_string(), wish.kind)),
        _ => None,
    });
    let signal = |name: &str| control::TestKind::Signal { name: name.into() };
    let expected = [
        ("channel 1/5-6", signal("busy-europe")),
        ("server", signal("sit")),
        ("span 1", control::TestKind::Tone { hz: 1004.0, dbm0: -16.0 }),
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected.map(|(target, kind)| (target.to_owned(), kind)));
    let (code, _, complaint) = tone(&["channel", "1/5", "buzy"]);
    assert!(code == 2 && complaint.contains("no signal is called `buzy`; there are dial, dial-europe,"), "{complaint}");
    let (code, _, complaint) = tone(&["channel", "1/5", "busy", "--level", "-3"]);
    assert!(code == 2 && complaint.contains("give one or the other"), "{complaint}");
    let help = bench.shown(&["test", "tone", "--help"]);
    assert!(help.contains("congestion-europe  congestion (Europe)"), "{help}");
}

/// How far it came, the cause, who said it and who released it.
#[test]
fn a_test_call_is_followed_to_its_cause() {
    let bench = Bench::new();
    let (code, shown, complaint) = common::told(&bench.run(&["test", "call", "5550142", "--span", "1", "--yes"]));
    let why = "trunkctl: refused by the far end, cause 17 (user busy), said by public_remote\n";
    assert_eq!((code, complaint.as_str()), (1, why));
    assert_eq!(shown, screen("test_call"));
    let wish =
        bench.requests().into_iter().find_map(|r| if let control::Request::Test(w) = r { Some(w) } else { None });
    let wish = wish.expect("asked for");
    assert_eq!((wish.target, wish.for_s), (control::Target::Span(1), Some(10)));
    assert_eq!(wish.kind, control::TestKind::Call { called: "5550142".into() });
}

/// The fake's channels 5 and 6 were tested; the others it lists are left out.
#[test]
fn a_self_test_has_a_verdict_for_every_item_and_fails_with_one() {
    let (code, shown, complaint) = common::told(&Bench::new().run(&["selftest", "channel", "1/1-8"]));
    assert_eq!((code, complaint.as_str()), (1, "trunkctl: 1 of 6 items failed\n"));
    assert_eq!(shown, screen("selftest"));
    let (code, shown, complaint) = common::told(&Bench::new().run(&["selftest", "channel", "1/1-8", "--json"]));
    let document: Value = serde_json::from_str(&shown).expect("one document");
    assert_eq!((code, complaint.as_str(), &document["passed"]), (1, "", &Value::from(false)));
    assert_eq!(document["items"][0]["verdict"], "skipped");
}
