//! What programs are told: `trunkctl watch --json` beside a daemon under which a line fails, channels are suspended and tested,
//! people call, and which is stopped at last. Every kind of document comes, with the fields the manual promises.

use control::{DialPlan, Hold, Reserve, Resume, Suspend};
use hw_tests::daemon::{Daemon, E1, T1, program};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(40);

/// `trunkctl watch --json`, and what it has printed.
struct Watch {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<Value>,
}

impl Watch {
    fn on(daemon: &Daemon) -> Watch {
        let mut child = Command::new(program("trunkctl"))
            .args(["watch", "--json", "--socket"])
            .arg(daemon.socket())
            .stdout(Stdio::piped())
            .spawn()
            .expect("trunkctl starts");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let watch = Watch { child, lines, seen: Vec::new() };
        // It hears what happens after it has subscribed: something happens until it has.
        let nudge: control::Target = "channel 1/23".parse().expect("a target");
        let deadline = Instant::now() + SOON;
        loop {
            daemon.client().suspend(Suspend::new(nudge.clone())).expect("suspended");
            let resume = Resume { target: nudge.clone(), hold: Hold::Operator, reason: None, ticket: None };
            daemon.client().resume(resume).expect("resumed");
            if watch.lines.recv_timeout(Duration::from_millis(300)).is_ok() {
                return watch;
            }
            assert!(Instant::now() < deadline, "nothing is told");
        }
    }

    /// Wait for a document of this kind of which this holds; also one that has come already.
    fn wait_for(&mut self, kind: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        let wanted = |document: &&Value| document["kind"] == kind && holds(document);
        loop {
            if let Some(document) = self.seen.iter().find(wanted) {
                println!("{document}");
                return document.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else { break };
            let document: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
            for field in ["at_ms", "severity", "topic", "text"] {
                assert!(!document[field].is_null(), "no {field}: {line}");
            }
            self.seen.push(document);
        }
        panic!("no such {kind} in\n{}", self.seen.iter().map(|d| format!("{d}\n")).collect::<String>());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It ends with the daemon; after a failure it may still be there.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn trunkctl(daemon: &Daemon, arguments: &[&str]) {
    let output = Command::new(program("trunkctl")).args(arguments).arg("--socket").arg(daemon.socket()).output();
    let output = output.expect("run");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_kind_of_document_comes_with_its_fields() {
    let mut daemon = Daemon::start("shutdown_drain_s = 3600", "", &format!("{T1}{E1}"));
    let mut watch = Watch::on(&daemon);
    let event = daemon.client().reserve(Reserve { title: "Watched".into(), ..Reserve::default() }).expect("reserved");

    let order =
        ["suspend", "channel", "1/2-4", "--reason", "cable works", "--ticket", "INC-4711", "--yes", "--no-follow"];
    trunkctl(&daemon, &order);
    let by_kim =
        |document: &Value| document["order"]["ticket"] == "INC-4711" && document["order"]["reason"] == "cable works";
    let suspended = watch.wait_for("suspended", by_kim);
    assert_eq!((&suspended["hold"], &suspended["order"]["target"]), (&"operator".into(), &"channel 1/2-4".into()));
    let by = suspended["order"]["by"].clone();
    assert!(by.is_string() && suspended["order"]["since_ms"].is_u64(), "{suspended}");
    let hold = watch.wait_for("hold", |d| d["placed"] == serde_json::json!([2, 3, 4]));
    assert_eq!((&hold["hold"], &hold["orders"][0]["by"], &hold["span"]), (&"operator".into(), &by, &1.into()));
    watch.wait_for("near", |d| d["span"] == 1 && d["out_of_service"] == serde_json::json!([2, 3, 4]));
    watch.wait_for("suspension_progress", |d| by_kim(d) && d["progress"]["done"] == true);
    trunkctl(&daemon, &["resume", "channel", "1/2-4", "--reason", "done", "--yes"]);
    let resumed = watch.wait_for("resumed", |d| d["target"] == "channel 1/2-4");
    assert_eq!((&resumed["reason"], &resumed["orders"][0]["ticket"]), (&"done".into(), &"INC-4711".into()));
    watch.wait_for("hold", |d| d["released"] == serde_json::json!([2, 3, 4]));
    watch.wait_for("near", |d| d["span"] == 1 && d["out_of_service"] == serde_json::json!([]));

    trunkctl(&daemon, &["test", "level", "channel", "1/5", "--for", "1s", "--yes"]);
    let begun = watch.wait_for("test_begun", |d| d["target"] == "channel 1/5" && d["what"] == "level");
    watch.wait_for("hold", |d| d["hold"] == "test" && d["placed"] == serde_json::json!([5]));
    watch.wait_for("test_over", |d| d["test"] == begun["test"] && d["outcome"].is_string());

    trunkctl(&daemon, &["fault", "2", "los"]);
    watch.wait_for("line", |d| d["span"] == 2 && d["defects"].as_array().is_some_and(|all| !all.is_empty()));
    let raised = watch.wait_for("alarm_raised", |d| d["alarm"]["what"] == "span 2 LOS");
    assert_eq!(
        (&raised["alarm"]["severity"], &raised["alarm"]["cause"]),
        (&"critical".into(), &"loss_of_signal".into())
    );
    watch.wait_for("hold", |d| d["hold"] == "alarm" && d["span"] == 2);
    trunkctl(&daemon, &["fault", "2", "clear"]);
    let cleared = watch.wait_for("alarm_cleared", |d| d["alarm"]["what"] == "span 2 LOS");
    assert_eq!(cleared["alarm"]["id"], raised["alarm"]["id"]);

    let plan = DialPlan {
        calling: Some("5550142".into()),
        event: Some(event.event.clone()),
        pin: Some(event.pins.host.clone()),
        key_on_ms: 60,
        key_off_ms: 60,
        ..DialPlan::default()
    };
    daemon.client().exchange_dial(plan).expect("dialled");
    let taken = watch.wait_for("call_taken", |d| d["channel"].is_u64());
    assert_eq!(taken["calling"], "xxxxx42", "a caller's number is masked");
    let joined = watch.wait_for("call_joined", |d| d["call"] == taken["call"]);
    assert_eq!((&joined["role"], &joined["event"]), (&"host".into(), &event.event.as_str().into()));

    kill(Pid::from_raw(daemon.pid().cast_signed()), Signal::SIGTERM).expect("it runs");
    let drain = watch.wait_for("drain", |d| d["drain"]["progress"]["calls_left"] == 1);
    assert!(drain["drain"]["until_ms"].as_u64() > drain["drain"]["since_ms"].as_u64(), "{drain}");
    watch.wait_for("hold", |d| d["hold"] == "drain" && d["span"] == 2);
    watch.wait_for("link", |d| d["span"] == 2 && d["link"] == "released");
    daemon.client().hang_up(taken["call"].as_u64().expect("a number")).expect("hung up");
    watch.wait_for("call_left", |d| d["remaining"] == 0);
    let ended = watch.wait_for("call_ended", |d| d["call"] == taken["call"]);
    assert_eq!(
        (&ended["cause"], &ended["cause_location"], &ended["released_by"]),
        (&16.into(), &"user".into(), &"near_end".into())
    );
    assert!(daemon.ended().success(), "{}", daemon.log());

    let records =
        std::fs::read_dir(daemon.state().join("records")).expect("there").map(|file| file.expect("read").path());
    let file = records.into_iter().find(|file| file.extension().is_some_and(|kind| kind == "jsonl")).expect("a file");
    let record: Value = serde_json::from_str(std::fs::read_to_string(file).expect("read").trim()).expect("one record");
    println!("{record}");
    let told = |field: &str| record[field].clone();
    assert_eq!(
        (told("cause"), told("cause_location"), told("released_by")),
        (16.into(), "user".into(), "near_end".into())
    );
    assert_eq!((told("role"), told("event")), ("host".into(), event.event.as_str().into()));
    let times: Vec<u64> =
        ["setup_ms", "connect_ms", "joined_ms", "left_ms", "end_ms"].iter().filter_map(|f| told(f).as_u64()).collect();
    assert!(times.len() == 5 && times.is_sorted(), "{record}");
    assert_eq!(told("seconds").as_u64(), Some((times[4] - times[1]).div_ceil(1000)));
}
