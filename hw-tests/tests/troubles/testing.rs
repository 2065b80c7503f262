//! A technician tests channels of a server that takes calls: with patterns, tones and loopbacks, and with faults on the line.
//! No test takes a call away, and none outlives the daemon.

use super::support::{SOON, call_in, caller, reserve, trunkctl};
use control::{ChannelInfo, LinkState, LoopWord, ServiceState, Target, TestInfo, TestKind, TestState, TestWish};
use hw_tests::daemon::{Daemon, T1};
use serde_json::Value;

fn channels(daemon: &Daemon) -> Vec<ChannelInfo> {
    daemon.client().channels(Some(1)).expect("answered")
}

fn near(daemon: &Daemon, state: ServiceState) -> Vec<u8> {
    channels(daemon).iter().filter(|c| c.near == state && c.pending.is_none()).map(|c| c.channel).collect()
}

fn wish(target: &str, kind: TestKind) -> TestWish {
    let target: Target = target.parse().expect("a target");
    TestWish { target, kind, drain: false, idle_only: false, for_s: None }
}

fn looped(loop_: LoopWord) -> TestKind {
    TestKind::Loopback { loop_ }
}

fn info(daemon: &Daemon, id: u64) -> TestInfo {
    daemon.client().tests().expect("answered").into_iter().find(|t| t.id == id).expect("remembered")
}

/// `trunkctl ... --json`: the exit code, and the last document.
fn last(daemon: &Daemon, args: &[&str]) -> (Option<i32>, Value) {
    let (code, shown, complaint) = trunkctl(daemon, &[args, &["--json"]].concat());
    let document = shown.lines().last().and_then(|line| serde_json::from_str(line).ok());
    (code, document.unwrap_or_else(|| panic!("{args:?}: {shown}{complaint}\n{}", daemon.log())))
}

#[test]
fn every_error_put_into_a_pattern_is_found_and_the_channels_come_back() {
    let daemon = Daemon::start("", "", T1);
    let bert = ["test", "bert", "channel", "1/5-6", "--loop", "timeslot", "--for", "4s", "--yes"];
    let (code, passed) = last(&daemon, &[&bert[..], &["--insert-errors", "7"]].concat());
    assert_eq!((code, &passed["passed"]), (Some(0), &Value::from(true)), "{passed}");
    for channel in passed["channels"].as_array().expect("two") {
        let bits = &channel["bits"];
        assert_eq!((&bits["inserted"], &bits["bit_errors"]), (&Value::from(7), &Value::from(7)), "{bits}");
        assert!(bits["bits"].as_u64().expect("a number") > 200_000 && bits["sync_losses"] == 0, "{bits}");
    }
    let (code, passed) = last(&daemon, &[&bert[..], &["--insert-errors", "1e-3", "--pattern", "prbs15"]].concat());
    let bits = &passed["channels"][0]["bits"];
    assert_eq!((code, &bits["bit_errors"]), (Some(0), &bits["inserted"]), "{passed}");
    assert!(bits["inserted"].as_u64().expect("a number") > 100, "{bits}");

    // Without a loop nothing comes back, and the exit code says so.
    let (code, failed) = last(&daemon, &["test", "bert", "channel", "1/5", "--for", "1s", "--yes"]);
    assert_eq!((code, &failed["channels"][0]["bits"]["sync"]), (Some(1), &Value::from("waiting")), "{failed}");
    daemon.wait_for("all channels to be back", SOON, |_| {
        (near(&daemon, ServiceState::InService).len() == 23).then_some(())
    });

    let (code, heard) = last(&daemon, &["test", "level", "channel", "1/5", "--for", "3s", "--yes"]);
    assert_eq!(code, Some(0));
    assert!(heard["channels"][0]["sound"]["level_dbm0"].as_f64().expect("heard") < -50.0, "idle: {heard}");
}

#[test]
fn no_call_is_taken_away_and_a_test_ends_with_a_daemon_that_is_killed() {
    let mut daemon = Daemon::start("", "", T1);
    let event = reserve(&daemon, "Tested");
    let ids = call_in(&daemon, &event.event, vec![caller(&event.event, &event.pins.host)]);
    let busy = channels(&daemon).into_iter().find(|c| c.call.is_some()).expect("a call").channel;
    let target = format!("channel 1/{busy}");
    let refused = daemon.client().test(wish(&target, TestKind::Level)).expect_err("it carries a call").to_string();
    assert!(refused.contains("takes no call away"), "{refused}");
    let waiting = TestWish { drain: true, ..wish(&target, looped(LoopWord::Timeslot)) };
    let waiting = daemon.client().test(waiting).expect("it waits").id;
    let looped = daemon.client().test(wish("channel 1/9", looped(LoopWord::Timeslot))).expect("idle").id;
    daemon.wait_for("the loopback", SOON, |_| (info(&daemon, looped).state == TestState::Running).then_some(()));
    // The loopback begins when the gateway has blocked the channel, the exchange acknowledges a moment later.
    daemon.wait_for("the exchange to know of channel 9 alone", SOON, |_| {
        (near(&daemon, ServiceState::Maintenance) == [9]).then_some(())
    });
    assert_eq!(info(&daemon, waiting).state, TestState::Blocking);
    assert!(channels(&daemon).iter().any(|c| c.call.is_some()), "the call goes on");
    let again = daemon.client().test(wish("span 1", TestKind::Level)).expect_err("it is in use").to_string();
    assert!(again.contains("call"), "{again}");

    for id in ids {
        daemon.client().exchange_hang_up(id).expect("up");
    }
    daemon
        .wait_for("the test that waited", SOON, |_| (info(&daemon, waiting).state == TestState::Running).then_some(()));
    daemon.kill();
    daemon.launch();
    daemon.wait_for("all channels to be in service", SOON, |client| {
        let up = client.spans().ok()?[0].link == LinkState::Up;
        (up && near(&daemon, ServiceState::InService).len() == 23).then_some(())
    });
    assert_eq!(daemon.client().tests().expect("answered"), []);
    call_in(&daemon, &event.event, vec![caller(&event.event, &event.pins.host)]);
}

#[test]
fn a_loopback_of_the_whole_span_takes_the_d_channel_down_until_it_is_released() {
    let daemon = Daemon::start("", "", T1);
    let part = daemon.client().test(wish("channel 1/1-5", looped(LoopWord::Payload))).expect_err("a part").to_string();
    assert!(part.contains("all of span 1"), "{part}");
    let plan = daemon.client().plan_test(wish("span 1", looped(LoopWord::Local))).expect("planned");
    assert!(plan.channels == 23 && plan.text.iter().any(|t| t.contains("D channel of span 1 goes down")), "{plan:?}");
    let (code, shown, _) = trunkctl(&daemon, &["test", "loopback", "span", "1", "local", "--yes"]);
    assert!(code == Some(0) && shown.contains("local loopback"), "{shown}");
    daemon.wait_for("the D channel to be gone", SOON, |client| {
        (client.spans().ok()?[0].link != LinkState::Up).then_some(())
    });
    let (code, shown, _) = trunkctl(&daemon, &["test", "loopback", "span", "1", "off"]);
    assert_eq!((code, shown.as_str()), (Some(0), "the loopback of span 1 is released\n"));
    daemon.wait_for("the D channel and all channels", SOON, |client| {
        let up = client.spans().ok()?[0].link == LinkState::Up;
        (up && near(&daemon, ServiceState::InService).len() == 23).then_some(())
    });
}

#[test]
fn a_rehearsed_fault_is_heard_and_gone_when_it_is_cleared() {
    let daemon = Daemon::start("", "", T1);
    let (code, shown, complaint) = trunkctl(&daemon, &["fault", "1", "lost"]);
    assert!(code == Some(2) && complaint.contains("no fault \"lost\"; there are los"), "{shown}{complaint}");
    let (code, _, complaint) = trunkctl(&daemon, &["fault", "2", "los"]);
    assert!(code == Some(1) && complaint.contains("software card"), "{complaint}");
    let (code, shown, _) = trunkctl(&daemon, &["fault", "span", "1", "noisy", "7"]);
    assert_eq!((code, shown.as_str()), (Some(0), "span 1: noisy 7\n"));
    let levels = || {
        let (_, heard) = last(&daemon, &["test", "level", "channel", "1/6-7", "--for", "3s", "--yes"]);
        [0, 1].map(|n| heard["channels"][n]["sound"]["level_dbm0"].as_f64().expect("heard"))
    };
    let [quiet, noisy] = levels();
    assert!(quiet < -50.0 && noisy > -20.0, "{quiet} {noisy}");
    let (_, shown, _) = trunkctl(&daemon, &["fault", "1", "clear"]);
    assert_eq!(shown, "no fault stands on span 1\n");
    let [_, noisy] = levels();
    assert!(noisy < -50.0, "{noisy}");
}

/// The exchange in software has a milliwatt at 102, and allocates no other number.
#[test]
fn a_test_call_hears_the_milliwatt_and_names_the_cause_where_there_is_none() {
    let daemon = Daemon::start("", "", T1);
    daemon.wait_for("the D channel", SOON, |client| (client.spans().ok()?[0].link == LinkState::Up).then_some(()));
    let (code, heard) = last(&daemon, &["test", "call", "102", "--for", "4s", "--yes"]);
    assert_eq!((code, &heard["passed"]), (Some(0), &Value::from(true)), "{heard}");
    let sound = |what: &str| heard["channels"][0]["sound"][what].as_f64().unwrap_or_else(|| panic!("{what}: {heard}"));
    assert!((sound("tone_hz") - 1_004.0).abs() < 1.0, "{heard}");
    assert!(sound("tone_dbm0").abs() < 0.5 && sound("level_dbm0").abs() < 0.5, "{heard}");
    let call = &heard["call"];
    let after = |what: &str| call[what].as_u64().unwrap_or_else(|| panic!("{what}: {heard}"));
    assert!(after("proceeding_ms") <= after("alerting_ms") && after("alerting_ms") <= after("answered_ms"), "{call}");
    assert!(after("answered_ms") < after("ended_ms"), "{call}");
    assert_eq!((&call["cause"], &call["released_by"]), (&Value::from(16), &Value::from("near_end")), "{call}");
    assert_eq!((&call["span"], &call["channel"]), (&Value::from(1), &Value::from(23)), "the highest");

    let (code, refused) = last(&daemon, &["test", "call", "999", "--span", "1", "--yes"]);
    let call = &refused["call"];
    assert_eq!(
        (code, &refused["passed"], &call["cause"]),
        (Some(1), &Value::from(false), &Value::from(1)),
        "{refused}"
    );
    assert_eq!(
        (&call["cause_text"], &call["released_by"]),
        (&"unallocated number".into(), &"far_end".into()),
        "{call}"
    );

    // One that is stopped is hung up, and nothing stays behind.
    let long = TestWish { for_s: Some(60), ..wish("server", TestKind::Call { called: "102".into() }) };
    let id = daemon.client().test(long).expect("a channel is idle").id;
    daemon.wait_for("the answer", SOON, |_| info(&daemon, id).call?.answered_ms);
    let (code, _, complaint) = trunkctl(&daemon, &["test", "call", "102", "--yes"]);
    assert!(code != Some(0) && complaint.contains(&format!("test {id} has a call")), "{complaint}");
    daemon.client().stop_test(id).expect("it goes on");
    daemon.wait_for("the call to be gone", SOON, |_| (info(&daemon, id).state == TestState::Over).then_some(()));
    daemon.wait_for("every channel to be idle", SOON, |client| client.calls().ok()?.is_empty().then_some(()));
    assert!(channels(&daemon).iter().all(|c| c.call.is_none() && c.near == ServiceState::InService));
    let log = daemon.log();
    assert!(log.contains("call to 102") && !log.contains("stuck"), "{log}");
}

/// A server that is well passes; one whose state directory cannot be written to says so.
#[test]
fn the_self_test_names_what_has_failed() {
    let daemon = Daemon::start("", "", T1);
    let (code, shown, complaint) = trunkctl(&daemon, &["selftest", "--json"]);
    let verdicts: Value = serde_json::from_str(&shown).unwrap_or_else(|e| panic!("{e}: {shown}{complaint}"));
    assert_eq!((code, &verdicts["passed"]), (Some(0), &Value::from(true)), "{shown}");
    let items = verdicts["items"].as_array().expect("items");
    let passed = |what: &str| {
        let named = |i: &&Value| i["verdict"] == "passed" && i["what"].as_str().is_some_and(|w| w.starts_with(what));
        items.iter().filter(named).count()
    };
    for (what, number) in [("channel 1/", 23), ("encoder mp3", 1), ("ports", 1), ("state directory", 1), ("clock", 1)] {
        assert_eq!(passed(what), number, "{what}: {shown}");
    }

    // Where the self-test would write there is something else.
    std::fs::create_dir(daemon.state().join("self-test")).expect("made");
    let (code, shown, complaint) = trunkctl(&daemon, &["selftest", "channel", "1/5-8"]);
    assert!(code == Some(1) && complaint.contains("1 of 10 items failed"), "{shown}{complaint}");
    assert!(shown.lines().any(|l| l.contains("state directory") && l.contains("FAILED")), "{shown}");
}
