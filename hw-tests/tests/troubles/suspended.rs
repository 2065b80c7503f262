//! Suspensions: a drain that a crash interrupts, and orders that cannot be written down.

use super::support::{SOON, call_in, logged, reserve, speaker};
use control::{ChannelInfo, ClientError, LinkState, ProblemKind, Resume, ServiceState, Suspend, Target};
use hw_tests::daemon::{Daemon, E1, T1};
use std::fs;

fn target(text: &str) -> Target {
    text.parse().expect("a target")
}

fn suspend(text: &str, reason: &str) -> Suspend {
    Suspend { reason: Some(reason.into()), ticket: Some("INC-4711".into()), ..Suspend::new(target(text)) }
}

fn resume(text: &str) -> Resume {
    Resume { target: target(text), hold: control::Hold::Operator, reason: None, ticket: None }
}

fn channels(daemon: &Daemon, span: u16) -> Vec<ChannelInfo> {
    daemon.client().channels(Some(span)).expect("answered")
}

fn out(daemon: &Daemon, span: u16) -> usize {
    channels(daemon, span).iter().filter(|c| c.near == ServiceState::OutOfService && c.pending.is_none()).count()
}

fn links(daemon: &Daemon) -> Vec<LinkState> {
    daemon.client().spans().expect("answered").iter().map(|span| span.link).collect()
}

#[test]
fn a_drain_goes_on_after_the_daemon_was_killed_in_the_middle_of_it() {
    let mut daemon = Daemon::start("", "", &format!("{T1}{E1}"));
    let event = reserve(&daemon, "Drained");
    call_in(&daemon, &event.event, vec![speaker(&event.event, &event.pins.host)]);
    let busy = channels(&daemon, 1).iter().position(|c| c.call.is_some()).expect("on the first span");
    let plan = daemon.client().plan_suspend(suspend("span 1", "")).expect("planned");
    assert_eq!((plan.channels, plan.at_once, plan.calls.len(), plan.remaining), (23, 22, 1, 30));
    assert!(plan.spans[0].told.contains("SERVICE") && plan.spans[0].whole, "{plan:?}");
    daemon.client().suspend(suspend("span 1", "cable works")).expect("suspended");
    daemon.client().suspend(suspend("span 2", "exchange works")).expect("suspended");

    daemon.wait_for("the idle channels to be out", SOON, |_| (out(&daemon, 1) == 22).then_some(()));
    daemon.wait_for("the second span to be taken down", SOON, |_| {
        (links(&daemon) == [LinkState::Up, LinkState::Released]).then_some(())
    });
    let draining = &channels(&daemon, 1)[busy];
    assert!(draining.draining && draining.call.is_some() && draining.near == ServiceState::InService, "{draining:?}");
    assert_eq!(draining.holds[0].ticket.as_deref(), Some("INC-4711"));
    let progress = daemon.client().suspensions().expect("answered")[0].progress.clone();
    assert_eq!((progress.channels, progress.channels_left, progress.calls_left, progress.done), (23, 1, 1, false));
    daemon.kill();

    daemon.launch();
    println!("{}", logged(&daemon, &["still suspended: span 1", "reason cable works", "ticket INC-4711"]));
    daemon.wait_for("all channels of the first span, and the exchange to know it", SOON, |client| {
        let spans = client.spans().ok()?;
        (spans[0].link == LinkState::Up && out(&daemon, 1) == 23).then_some(())
    });
    assert_eq!(links(&daemon), [LinkState::Up, LinkState::Released], "the second was not even asked for");
    let suspensions = daemon.client().suspensions().expect("answered");
    assert!(suspensions.iter().all(|s| s.progress.done && s.progress.calls_left == 0), "{suspensions:?}");

    daemon.client().resume(resume("server")).expect("resumed");
    daemon.wait_for("both spans to be back", SOON, |_| {
        (links(&daemon) == [LinkState::Up; 2] && out(&daemon, 1) + out(&daemon, 2) == 0).then_some(())
    });
    call_in(&daemon, &event.event, vec![speaker(&event.event, &event.pins.host)]);
    assert_eq!(daemon.client().suspensions().expect("answered"), []);
    let audit = fs::read_to_string(daemon.state().join("audit.jsonl")).expect("there");
    let verbs: Vec<_> = audit
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|entry| format!("{} {}", entry["verb"].as_str().unwrap_or("?"), entry["target"].as_str().unwrap_or("?")))
        .filter(|order| order.starts_with("suspend ") || order.starts_with("resume "))
        .collect();
    assert_eq!(verbs, ["suspend span 1", "suspend span 2", "resume server"]);
}

#[test]
fn an_order_that_cannot_be_written_down_changes_nothing() {
    let mut daemon = Daemon::start("", "", &format!("{T1}{E1}"));
    let in_the_way = daemon.state().join("service.new");
    fs::create_dir(&in_the_way).expect("made");
    let Err(ClientError::Refused(problem)) = daemon.client().suspend(suspend("span 1", "")) else {
        panic!("taken without being written down")
    };
    assert_eq!(problem.kind, ProblemKind::Unavailable, "{problem}");
    assert!(problem.message.contains("service.json") && problem.message.contains("nothing was changed"), "{problem}");
    assert_eq!(out(&daemon, 1), 0);
    fs::remove_dir(&in_the_way).expect("removed");
    let info = daemon.client().suspend(suspend("channel 1/3-4", "")).expect("there is room now");
    assert_eq!((info.progress.channels, info.progress.estimate_s), (2, Some(0)));
    daemon.wait_for("the two channels", SOON, |_| (out(&daemon, 1) == 2).then_some(()));

    // What a technician took out is nobody's guess: without the ledger there is no start.
    daemon.terminate();
    fs::write(daemon.state().join("service.json"), "{").expect("written");
    let refused = std::process::Command::new(hw_tests::daemon::program("trunkcastd"))
        .args(["--config".as_ref(), daemon.file("trunkcastd.toml").as_os_str()])
        .output()
        .expect("run");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned() + &String::from_utf8_lossy(&refused.stdout);
    assert!(!refused.status.success() && said.contains("service.json") && said.contains("move it away"), "{said}");
}
