//! Ports run low: calls are kept away before one comes that could not be streamed, and the D channel is not flooded.

use crate::town::{LINGER, PORT_REUSE, Town, seconds};
use exchange::{CallOrder, CallerId};
use std::time::Duration;
use trunkcast::gateway::{Marks, Reason};
use trunkcast::reports::What;

const MARKS: Marks = Marks { low: 0, high: 1, dwell: Duration::from_secs(30) };

fn town(ports: usize) -> Town {
    let mut town = Town::new(|s| s.ports = ports);
    town.gateway.set_marks(MARKS);
    town
}

fn dial(town: &mut Town, calling: &str) -> CallerId {
    town.dial(&CallOrder { called: "100".into(), calling: Some(calling.into()), ..CallOrder::default() })
}

fn shortages(town: &Town) -> Vec<bool> {
    let short = |what: &What| match what {
        What::PortsShort { short, .. } => Some(*short),
        _ => None,
    };
    town.told.iter().filter_map(short).collect()
}

fn refusals(town: &Town) -> Vec<Reason> {
    let reason = |what: &What| match what {
        What::Refused { reason, .. } => Some(*reason),
        _ => None,
    };
    town.told.iter().filter_map(reason).collect()
}

#[test]
fn with_the_last_port_taken_idle_channels_go_out_and_come_back_with_it() {
    let mut town = town(1);
    let (event, other) = (town.events[0].clone(), town.events[1].clone());
    let caller = town.enter("5551", event.number, &event.host);
    town.talk(caller, true);
    assert_eq!(shortages(&town), [true]);
    assert!(town.conference(caller).is_some(), "who is in stays in");
    let refused = dial(&mut town, "5552");
    assert!(!town.channels.contains_key(&refused));
    assert_eq!(town.causes[&refused], 44, "the exchange insisted on a channel that is out, and may try another server");

    town.hang_up(caller);
    town.pass(LINGER);
    assert_eq!(shortages(&town), [true], "the port is held back for those who still have its code");
    town.pass(PORT_REUSE);
    assert_eq!(shortages(&town), [true, false]);
    let next = town.enter("5552", other.number, &other.speaker);
    assert!(town.conference(next).is_some());
}

/// The port is free again within the dwell, and taken again: that is met call by call.
#[test]
fn a_momentary_shortage_is_answered_call_by_call() {
    let mut town = town(1);
    let (a, b) = (town.events[0].clone(), town.events[1].clone());
    let first = town.enter("5551", a.number, &a.host);
    town.hang_up(first);
    town.pass(LINGER);
    assert_eq!(shortages(&town), [true, false], "nobody spoke, so the port is free at once");
    let second = town.enter("5552", b.number, &b.host);
    assert!(town.conference(second).is_some());
    assert_eq!(shortages(&town), [true, false], "too soon for another change");
    dial(&mut town, "5553");
    assert_eq!(refusals(&town).last(), Some(&Reason::NoPort));
    town.pass(seconds(30));
    assert_eq!(shortages(&town), [true, false, true], "but this one lasts");
}
