//! What fails its self-test leaves the pool before a call can land on it, and comes back when it is mended.

use super::support::{SOON, call_in, cleared, logged, on_air, raised, reserve, speaker, trunkctl};
use control::{ChannelInfo, PortState, ServiceState};
use hw_tests::daemon::{Daemon, PORTS, T1};
use std::net::{Ipv4Addr, TcpListener};

const ROUNDS: &str = "[self_test]\nevery_s = 1\n";

fn channel(daemon: &Daemon, number: u8) -> ChannelInfo {
    let all = daemon.client().channels(Some(1)).expect("answered");
    all.into_iter().find(|c| c.channel == number).expect("one of 23")
}

fn ordered(daemon: &Daemon, words: &[&str]) {
    let (code, shown, complaint) = trunkctl(daemon, words);
    assert_eq!(code, Some(0), "{words:?}: {shown}{complaint}");
}

#[test]
fn a_stuck_timeslot_gets_no_calls_until_it_is_mended() {
    let daemon = Daemon::start("", "", &format!("{ROUNDS}{T1}"));
    let event = reserve(&daemon, "Without channel 1");
    assert_eq!(channel(&daemon, 1).near, ServiceState::InService);
    ordered(&daemon, &["fault", "1", "stuck", "1"]);
    let text = raised(&daemon, "channel 1/1 self-test");
    assert!(text.contains("gets no calls until it passes"), "{text}");
    daemon.wait_for("the exchange to know", SOON, |_| {
        let one = channel(&daemon, 1);
        (one.near == ServiceState::Maintenance && one.pending.is_none()).then_some(())
    });

    // The exchange hunts from the first channel on.
    let ids = call_in(&daemon, &event.event, vec![speaker(&event.event, &event.pins.host)]);
    assert!(channel(&daemon, 1).call.is_none() && channel(&daemon, 2).call.is_some());
    assert_eq!(daemon.client().tests().expect("answered"), [], "tests are those of technicians");

    ordered(&daemon, &["fault", "1", "clear"]);
    cleared(&daemon, "channel 1/1 self-test");
    daemon.wait_for("channel 1 in service", SOON, |_| {
        let one = channel(&daemon, 1);
        (one.near == ServiceState::InService && one.pending.is_none()).then_some(())
    });
    daemon.client().exchange_hang_up(ids[0]).expect("up");
}

#[test]
fn a_dead_encoder_carries_no_event_until_it_is_mended() {
    let daemon = Daemon::start("", "", &format!("{ROUNDS}{T1}"));
    let dead = daemon.port;
    ordered(&daemon, &["fault", "port", &dead.to_string(), "dead"]);
    let text = raised(&daemon, &format!("stream port {dead}"));
    assert!(text.contains("the encoder gives nothing"), "{text}");

    // The port that was free for longest is taken: it would have been the first.
    let event = reserve(&daemon, "On another port");
    let ids = call_in(&daemon, &event.event, vec![speaker(&event.event, &event.pins.host)]);
    let (url, _) = on_air(&daemon, &event.event);
    assert!(url.contains(&format!(":{}/", dead + 1)), "{url}");

    ordered(&daemon, &["fault", "port", &dead.to_string(), "clear"]);
    cleared(&daemon, &format!("stream port {dead}"));
    daemon.client().exchange_hang_up(ids[0]).expect("up");
    let next = reserve(&daemon, "On this one");
    call_in(&daemon, &next.event, vec![speaker(&next.event, &next.pins.host)]);
    let (url, _) = on_air(&daemon, &next.event);
    assert!(url.contains(&format!(":{dead}/")), "{url}");
    let (code, _, complaint) = trunkctl(&daemon, &["fault", "port", "1", "dead"]);
    assert!(code == Some(1) && complaint.contains("trunkctl ports"), "{complaint}");
}

#[test]
fn a_port_that_cannot_be_bound_is_done_without_until_it_is_free() {
    let mut daemon = Daemon::prepare("", "", &format!("{ROUNDS}{T1}"));
    let taken = daemon.port;
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, taken)).expect("free until now");
    daemon.run();
    let text = raised(&daemon, &format!("stream port {taken}"));
    assert!(text.contains("another program has it; no event gets it"), "{text}");
    let are = |state: PortState| {
        let ports = daemon.client().ports().expect("answered");
        ports.iter().filter(|port| port.state == state).count()
    };
    assert_eq!((are(PortState::Unavailable), are(PortState::Free)), (1, usize::from(PORTS) - 1));
    let event = reserve(&daemon, "On another port");
    call_in(&daemon, &event.event, vec![speaker(&event.event, &event.pins.host)]);
    let (url, _) = on_air(&daemon, &event.event);
    assert!(url.contains(&format!(":{}/", taken + 1)), "{url}");

    drop(other);
    cleared(&daemon, &format!("stream port {taken}"));
    logged(&daemon, &[&format!("stream port {taken} works again")]);
    assert_eq!(are(PortState::Unavailable), 0);
    let next = reserve(&daemon, "On this one");
    call_in(&daemon, &next.event, vec![speaker(&next.event, &next.pins.host)]);
    let (url, _) = on_air(&daemon, &next.event);
    assert!(url.contains(&format!(":{taken}/")), "{url}");
}
