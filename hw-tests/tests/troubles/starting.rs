//! What keeps the daemon from starting, or from being reached by its exchange.

use super::support::{logged, raised, reserve, run_to_end, trunkcastd, trunkctl};
use control::{DialPlan, LinkState};
use hw_tests::daemon::{Daemon, PORTS, free_ports, program};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CARD: &str = "[[card]]\nboard = \"loopback\"\nname = \"c\"\n";

/// Both ways to give the daemon a configuration refuse this one, with all of these in the message.
fn refused(directory: &Path, text: &str, parts: &[&str]) {
    let file = directory.join("wrong.toml");
    fs::write(&file, text).expect("written");
    let file = file.to_str().expect("text");
    for how in ["--check-config", "--config"] {
        let (status, out, err) =
            trunkcastd(&[how, file, "--state-dir", directory.join("never").to_str().expect("text")]);
        assert_eq!((status, out.as_str()), (Some(1), ""), "{how}: {err}");
        assert!(err.starts_with(&format!("trunkcastd: {file}: ")), "{how}: no file: {err}");
        for part in parts {
            assert!(err.contains(part), "{how}: no \"{part}\" in: {err}");
        }
        println!("{}", err.trim_end());
    }
    assert!(!directory.join("never").exists(), "nothing is begun with a wrong configuration");
}

#[test]
fn a_wrong_configuration_is_answered_with_file_line_and_field() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path();
    refused(at, "[loop]\ntick_ms = 15\n", &["line 2", "tick_ms", "5, 10 or 20 ms"]);
    refused(at, "[server]\nname = \"a/b\"\n", &["line 2", "name", "letters, digits, hyphens"]);
    refused(at, "[stream]\nports = \"10049-10000\"\n", &["line 2", "ports", "backwards"]);
    refused(at, "[call_in]\nlanguage = 7\n", &["line 2", "language", "a list of languages"]);
    refused(at, "[stream]\n\nprots = \"1-2\"\n", &["line 3", "unknown field `prots`", "`ports`"]);
    refused(at, "[streams]\n", &["line 1", "unknown field `streams`", "`stream`"]);
    refused(at, "[stream\n", &["line 1", "unclosed table"]);
    let times = "[stream]\nport_reuse_s = 60\nauthentication_code_s = 600\n";
    refused(
        at,
        times,
        &["line 2", "stream.port_reuse_s (60)", "stream.authentication_code_s (600)", "at least as long"],
    );
    let span = |far_end: &str| format!("{CARD}[[card.span]]\nline = \"E1\"\nswitch = \"euroisdn\"\n{far_end}\n");
    refused(at, &span("far_end = \"socket\""), &["line 7", "far_end", "needs `socket"]);
    let both = span("far_end = \"exchange\"\nsocket = \"/run/span1\"");
    refused(at, &both, &["line 7", "far_end", "leave one of the two out"]);
    refused(at, CARD, &["line 3", "card \"c\"", "no [[card.span]]"]);
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    for how in ["--check-config", "--config"] {
        let (status, _, err) = trunkcastd(&[how, "/nowhere/trunkcastd.toml"]);
        assert_eq!(status, Some(1));
        assert!(err.contains("cannot read the configuration /nowhere/trunkcastd.toml: No such file"), "{err}");
    }
}

#[test]
fn the_printed_configuration_is_valid_from_a_pipe_and_from_a_file() {
    let (status, printed, err) = trunkcastd(&["--print-config"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("printed.toml");
    fs::write(&file, &printed).expect("written");
    let (status, out, err) = trunkcastd(&["--check-config", file.to_str().expect("text")]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out.ends_with("the configuration is valid\n"), "{out}");

    let mut check = Command::new(program("trunkcastd"))
        .args(["--check-config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    check.stdin.take().expect("piped").write_all(printed.as_bytes()).expect("read");
    let output = check.wait_with_output().expect("ends");
    assert!(output.status.success() && output.stdout.ends_with(b"the configuration is valid\n"), "{output:?}");
}

#[test]
fn ports_of_other_programs_are_named_with_what_to_do() {
    let daemon = Daemon::prepare("", "", "");
    let port = daemon.port;
    let other = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("free until now");
    let _others: Vec<TcpListener> = (port..port + PORTS).map(other).collect();
    let configuration = daemon.file("trunkcastd.toml");
    let (status, _, err) = trunkcastd(&["--config", configuration.to_str().expect("text")]);
    assert_eq!(status, Some(1), "{err}");
    let line = err.lines().last().expect("a message");
    assert!(
        line.starts_with(&format!("trunkcastd: cannot listen on 127.0.0.1:{port}: Address already in use")),
        "{line}"
    );
    assert!(line.contains("stop it, or give this server a range of its own"), "{line}");
    println!("{line}");
}

#[test]
fn a_second_daemon_on_a_state_directory_is_sent_away_and_the_first_goes_on() {
    let daemon = Daemon::start("", "", "");
    let event = reserve(&daemon, "Ours");
    let before = super::support::files_under(&daemon.state());
    let first = free_ports(PORTS);
    let text = fs::read_to_string(daemon.file("trunkcastd.toml")).expect("there");
    let ports = |first: u16| format!("ports = \"{first}-{}\"", first + PORTS - 1);
    let text = text.replace(&ports(daemon.port), &ports(first));
    assert!(text.contains(&ports(first)), "the second has ports of its own");
    let file = daemon.file("second.toml");
    fs::write(&file, text).expect("written");
    let (status, _, err) = trunkcastd(&["--config", file.to_str().expect("text")]);
    assert_eq!(status, Some(1), "{err}");
    let line = err.lines().last().expect("a message");
    assert!(line.contains("another daemon runs in this state directory"), "{line}");
    assert!(line.contains("stop that one, or give this one a server.state_dir of its own"), "{line}");
    println!("{line}");

    assert_eq!(super::support::files_under(&daemon.state()), before, "the second left nothing and took nothing");
    let mut client = daemon.client();
    assert!(client.spans().expect("answered").iter().all(|s| s.link == LinkState::Up));
    assert_eq!(client.events().expect("answered")[0].number, event.event);
}

#[test]
fn a_prompt_that_cannot_be_used_is_named_with_what_is_wrong() {
    let prompts = tempfile::tempdir().expect("a directory");
    let path = prompts.path().to_str().expect("text");
    let (status, _, err) = trunkcastd(&["--write-prompts", path]);
    assert_eq!(status, Some(0), "{err}");
    let english = prompts.path().join("en");
    let daemon = Daemon::prepare("", "", &format!("[call_in]\nprompts = {:?}\n", prompts.path()));
    let configuration = daemon.file("trunkcastd.toml");
    let configuration = configuration.to_str().expect("text");
    let (status, out, _) = trunkcastd(&["--check-config", configuration]);
    assert!(status == Some(0) && !out.contains("prompt"), "{out}");

    let says = |what: &str| {
        let (status, out, checked) = trunkcastd(&["--check-config", configuration]);
        assert!(status == Some(1) && !out.contains("is valid"), "{out}{checked}");
        let (status, _, err) = trunkcastd(&["--config", configuration]);
        assert_eq!(status, Some(1), "{err}");
        let line = err.lines().last().expect("a message");
        assert_eq!(checked.trim_end(), line, "the check says what the start says");
        assert!(line.contains("en/goodbye.wav") && line.contains(what) && line.contains("call_in.prompts"), "{line}");
        println!("{line}");
    };
    let goodbye = english.join("goodbye.wav");
    fs::remove_file(&goodbye).expect("removed");
    says("No such file");
    // Unreadable for everybody, whoever runs the test.
    fs::create_dir(&goodbye).expect("made");
    says("Is a directory");
    fs::remove_dir(&goodbye).expect("removed");
    fs::write(&goodbye, "RIFF but no more").expect("written");
    says("no readable WAV file");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    hound::WavWriter::create(&goodbye, spec).expect("created").finalize().expect("written");
    says("44100 Hz, 2 channel(s), 16 bit; needed: 8000 Hz");

    // The translator's tool says the same, and all at once.
    fs::remove_file(english.join("numbers/20.wav")).expect("removed");
    let (status, out, _) = trunkcastd(&["--check-prompts", path]);
    assert_eq!(status, Some(1), "{out}");
    for what in ["en/goodbye.wav: 44100 Hz", "en/numbers/20.wav: No such file", "de: Deutsch", "cannot be used: 2;"] {
        assert!(out.contains(what), "{what}: {out}");
    }
}

#[test]
fn a_language_there_is_none_of_is_told_with_those_there_are() {
    let daemon = Daemon::prepare("", "", "[call_in]\nlanguage = \"xx\"\n");
    let configuration = daemon.file("trunkcastd.toml");
    let configuration = configuration.to_str().expect("text");
    for option in ["--check-config", "--config"] {
        let (status, _, err) = trunkcastd(&[option, configuration]);
        assert_eq!(status, Some(1), "{err}");
        let line = err.lines().last().expect("a message");
        for what in ["language \"xx\" is not built in", "(de, en, es, fr)", "set call_in.prompts"] {
            assert!(line.contains(what), "{what}: {line}");
        }
        assert!(!line.contains("leave call_in.prompts"), "what is built in has it no more: {line}");
        println!("{line}");
    }
    let (_, told, _) = trunkctl(&daemon, &["doctor", "--config", configuration, "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let about = |what: &str| told.as_array().expect("a list").iter().find(|one| one["what"] == what).expect("told");
    assert_eq!(about("configuration")["severity"], "critical", "{told}");
    assert!(!about("daemon")["remedy"].as_str().expect("text").contains("--config"), "{told}");
}

#[test]
fn an_echo_canceller_no_card_has_is_refused_before_the_start() {
    let daemon = Daemon::prepare("", "", &format!("{}[voice]\necho_canceller = \"hardware\"\n", hw_tests::daemon::T1));
    let configuration = daemon.file("trunkcastd.toml");
    let configuration = configuration.to_str().expect("text");
    for option in ["--check-config", "--config"] {
        let (status, _, err) = trunkcastd(&[option, configuration]);
        assert_eq!(status, Some(1), "{err}");
        let line = err.lines().last().expect("a message");
        for what in ["card \"soft0\"", "loopback cards have no echo canceller", "use \"software\""] {
            assert!(line.contains(what), "{what}: {line}");
        }
        println!("{line}");
    }
}

#[test]
fn an_exchange_that_never_answers_is_an_alarm_and_does_not_hold_up_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("span1");
    let span = format!(
        "[[card]]\nboard = \"loopback\"\nname = \"soft0\"\n[[card.span]]\nline = \"E1\"\nswitch = \"euroisdn\"\nfar_end = \
         \"socket\"\nsocket = {socket:?}\n"
    );
    let mut daemon = Daemon::prepare("", "", &span);
    daemon.launch();
    let said =
        logged(&daemon, &["ERROR", "the exchange does not answer on the D channel", "check that it is attached"]);
    println!("{said}");
    let text = raised(&daemon, "span 1 absent");
    assert!(text.contains("the program at the far end") && text.contains("started"), "{text}");
    let (status, shown, _) = trunkctl(&daemon, &["status"]);
    assert!(status == Some(0) && shown.contains("critical  span 1 absent"), "{shown}");
    println!("{shown}");
    let spans = daemon.client().spans().expect("answered");
    assert_eq!(spans[0].link, LinkState::Establishing);
    let refused = daemon.client().exchange_dial(DialPlan::default()).expect_err("no exchange in software").to_string();
    assert!(refused.contains("no span of this server ends at the exchange in software"), "{refused}");

    let asked = Instant::now();
    assert!(daemon.terminate().success(), "{}", daemon.log());
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    assert!(!daemon.socket().exists() && !socket.exists(), "no socket is left behind");
}

#[test]
fn a_tool_without_a_daemon_says_where_it_looked() {
    let daemon = Daemon::prepare("", "", "");
    let (status, _, err) = trunkctl(&daemon, &["status"]);
    assert_eq!(status, Some(3), "{err}");
    assert!(err.contains("no daemon answers") && err.contains("control.sock"), "{err}");
    let help = run_to_end(Command::new(program("trunkcastd")).arg("--no-such-option"));
    assert_eq!(help.status.code(), Some(2));
}
