//! Conferences, their streams and ports.

use crate::town::{LINGER, PORT_REUSE, Town, seconds};
use trunkcast::gateway::Voice;
use trunkcast::prompts::Prompt;
use trunkcast::reports::{NotLetIn, What};

fn starts(town: &Town) -> Vec<u16> {
    let ports = town.told.iter().filter_map(|w| match w {
        What::StreamStart { port, .. } => Some(*port),
        _ => None,
    });
    ports.collect()
}

#[test]
fn the_last_caller_leaves_and_returns_while_the_stream_lingers() {
    let mut town = Town::new(|_| {});
    let event = town.events[0].clone();
    let first = town.enter("5551", event.number, &event.speaker);
    assert_eq!(town.heard(town.channels[&first], 0).last(), Some(&Prompt::First));
    assert!(starts(&town).is_empty(), "nobody has spoken");
    town.talk(first, true);
    let port = starts(&town)[0];
    town.hang_up(first);
    town.pass(LINGER - seconds(12));
    let again = town.enter("5551", event.number, &event.speaker);
    assert_eq!(town.conference(again).map(|c| c.0), Some(port), "the same stream goes on");
    town.pass(LINGER * 2);
    town.talk(again, true);
    assert_eq!((starts(&town).len(), town.count(|w| matches!(w, What::StreamStop { .. }))), (1, 0));
    town.hang_up(again);
    town.pass(LINGER);
    assert_eq!(town.count(|w| matches!(w, What::StreamStop { .. })), 1);
    town.check_empty();
}

#[test]
fn the_same_event_comes_back_to_its_port_and_a_stranger_does_not_get_it() {
    let mut town = Town::new(|s| s.ports = 1);
    let (event, other) = (town.events[0].clone(), town.events[1].clone());
    let caller = town.enter("5551", event.number, &event.speaker);
    town.talk(caller, true);
    town.hang_up(caller);
    town.pass(LINGER);
    let stranger = town.enter("5552", other.number, &other.speaker);
    assert!(town.heard(town.channels[&stranger], 0).ends_with(&[Prompt::Unavailable, Prompt::Goodbye]));
    town.pass(seconds(10));
    // Back without a word: that does not set the port free for others either.
    let silent = town.enter("5551", event.number, &event.speaker);
    assert!(town.conference(silent).is_some());
    town.hang_up(silent);
    town.pass(LINGER);
    assert_eq!(town.count(|w| matches!(w, What::ConferenceClosed { .. })), 1);
    town.enter("5552", other.number, &other.speaker);
    assert_eq!(town.count(|w| matches!(w, What::TurnedAway { why: NotLetIn::NoPort, .. })), 2);
    town.pass(PORT_REUSE);
    let at_last = town.enter("5552", other.number, &other.speaker);
    assert!(town.conference(at_last).is_some());
}

#[test]
fn with_all_ports_taken_a_third_event_is_turned_away_and_a_member_is_not() {
    let mut town = Town::new(|_| {});
    let [a, b, c] = [0, 1, 2].map(|n| town.events[n].clone());
    let host = town.enter("5551", a.number, &a.host);
    let other = town.enter("5552", b.number, &b.host);
    assert_ne!(town.conference(host), town.conference(other));
    let third = town.enter("5553", c.number, &c.host);
    assert_eq!(town.conference(third), None);
    assert_eq!(town.count(|w| matches!(w, What::TurnedAway { why: NotLetIn::NoPort, .. })), 1);
    let joins = town.enter("5554", a.number, &a.speaker);
    assert_eq!(town.conference(joins), town.conference(host));
    // Nobody has spoken in b: its port is free as soon as it closes.
    town.hang_up(other);
    town.pass(LINGER);
    let third = town.enter("5553", c.number, &c.host);
    assert!(town.conference(third).is_some());
}

#[test]
fn who_talks_through_the_door_is_on_the_air_at_once() {
    let mut town = Town::new(|_| {});
    let event = town.events[0].clone();
    let caller = town.call("5551");
    town.keys(caller, &event.number.to_string());
    town.talk(caller, true);
    assert!(starts(&town).is_empty(), "not before he is in");
    town.keys(caller, &event.speaker);
    assert_eq!(starts(&town).len(), 1, "not only after his next pause");
    assert!(town.told.iter().any(|w| matches!(w, What::Talking { talking: true, .. })));
}

#[test]
fn who_unmutes_himself_while_speaking_is_on_the_air() {
    let mut town = Town::new(|_| {});
    let event = town.events[0].clone();
    let caller = town.enter("5551", event.number, &event.speaker);
    town.keys(caller, "*6");
    town.talk(caller, true);
    assert!(starts(&town).is_empty(), "what a muted caller says is nobody's business");
    town.keys(caller, "*6");
    assert_eq!(starts(&town).len(), 1);
    let mutes = town.voice.iter().filter_map(|v| match v {
        Voice::Mute(_, muted) => Some(*muted),
        _ => None,
    });
    assert_eq!(mutes.collect::<Vec<_>>(), [true, false]);
}
