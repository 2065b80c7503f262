//! Ends: by a host, an operator, time, a hang-up, the end of the daemon; and what comes after them.

use crate::town::{Town, close, seconds};
use trunkcast::gateway::{SHUTDOWN_BOUND, Voice};
use trunkcast::prompts::Prompt;
use trunkcast::reports::{Closed, Command, NotLetIn, What};

#[test]
fn a_host_ends_the_event_by_399_and_nobody_gets_in_again() {
    let mut town = Town::new(|_| {});
    let event = town.events[0].clone();
    let host = town.enter("5551", event.number, &event.host);
    let speaker = town.enter("5552", event.number, &event.speaker);
    town.talk(speaker, true);
    let from = town.voice.len();
    // A speaker cannot.
    town.keys(speaker, "399");
    assert!(town.conference(speaker).is_some());
    town.keys(host, "*399");
    for caller in [host, speaker] {
        assert_eq!(town.heard(town.channels[&caller], from), [Prompt::HostEnded]);
        assert_eq!(town.conference(caller), None, "out of the mix while the last words are said");
    }
    assert_eq!(town.count(|w| matches!(w, What::EventClosed { closed: Closed::Ended, by: Some(_), .. })), 1);
    assert_eq!(town.count(|w| matches!(w, What::StreamStop { .. })), 1, "at once, without lingering");
    town.pass(seconds(5));
    assert_eq!((town.causes[&host], town.causes[&speaker]), (16, 16));
    town.check_empty();

    let from = town.voice.len();
    let late = town.enter("5553", event.number, &event.speaker);
    assert!(town.heard(town.channels[&late], from).ends_with(&[Prompt::EventEnded, Prompt::Goodbye]));
    assert_eq!(town.count(|w| matches!(w, What::TurnedAway { why: NotLetIn::Closed(Closed::Ended), .. })), 1);
    town.pass(seconds(10));
    town.check_empty();
}

#[test]
fn an_event_is_cancelled_in_mid_conference() {
    let mut town = Town::new(|_| {});
    let (event, other) = (town.events[0].clone(), town.events[1].clone());
    let in_it = town.enter("5551", event.number, &event.host);
    let elsewhere = town.enter("5552", other.number, &other.speaker);
    let keying = town.call("5553");
    town.keys(keying, &event.number.to_string());
    town.talk(in_it, true);
    town.order(close(event.number, Closed::Cancelled));
    assert_eq!(town.heard(town.channels[&in_it], 0).last(), Some(&Prompt::EventCancelled));
    assert!(town.conference(elsewhere).is_some(), "another event is another event");
    // Who was at the door learns it after a valid PIN, not before.
    town.keys(keying, &event.speaker);
    assert!(town.heard(town.channels[&keying], 0).ends_with(&[Prompt::EventCancelled, Prompt::Goodbye]));
    town.pass(seconds(10));
    assert!(town.causes.contains_key(&in_it) && town.causes.contains_key(&keying));
    assert_eq!(town.gateway.conferences().count(), 1);
    // Cancelling once more says nothing again.
    town.order(close(event.number, Closed::Cancelled));
    assert_eq!(town.count(|w| matches!(w, What::EventClosed { .. })), 1);
}

#[test]
fn an_event_is_not_over_when_somebody_has_just_come() {
    let mut town = Town::new(|_| {});
    let event = town.events[0].clone();
    let caller = town.enter("5551", event.number, &event.speaker);
    town.order(close(event.number, Closed::Over));
    assert!(town.conference(caller).is_some());
    assert_eq!(town.count(|w| matches!(w, What::EventClosed { .. })), 0);
    // Once he has left it is, also while its stream lingers.
    town.hang_up(caller);
    town.order(close(event.number, Closed::Over));
    assert_eq!(town.count(|w| matches!(w, What::EventClosed { closed: Closed::Over, .. })), 1);
    town.check_empty();
}

#[test]
fn a_shutdown_tells_callers_refuses_new_ones_and_leaves_nothing() {
    let mut town = Town::new(|_| {});
    let event = town.events[0].clone();
    let member = town.enter("5551", event.number, &event.speaker);
    town.talk(member, true);
    let keying = town.call("5552");
    let from = town.voice.len();
    let began = town.now;
    town.order(Command::Shutdown);
    let late = town.dial(&exchange::CallOrder { called: "100".into(), ..Default::default() });
    assert_eq!(town.causes.get(&late), Some(&34), "another server may have room");
    for caller in [member, keying] {
        assert_eq!(town.heard(town.channels[&caller], from), [Prompt::Closing]);
    }
    town.pass(seconds(3));
    assert!(town.gateway.is_finished() && town.now < began + SHUTDOWN_BOUND);
    assert_eq!(town.count(|w| matches!(w, What::StreamStop { .. })), 1);
    let last = town.told.iter().position(|w| matches!(w, What::Finished)).expect("the last word");
    let after = |w: &What| matches!(w, What::CallEnded { .. } | What::StreamStop { .. } | What::Left { .. });
    assert!(!town.told[last..].iter().any(after), "whoever writes things down may stop at the last word");
    town.check_empty();
}

#[test]
fn a_shutdown_ends_also_when_the_exchange_answers_no_more() {
    let mut town = Town::new(|_| {});
    let event = town.events[0].clone();
    for n in 0..20 {
        town.enter(&format!("55{n}"), event.number, &event.speaker);
    }
    // From here on the exchange hears nothing and says nothing.
    let mut now = town.now;
    town.gateway.handle_command(now, Command::Shutdown);
    let bound = now + SHUTDOWN_BOUND + seconds(1);
    let (mut open, mut ended) = (20, 0);
    while !town.gateway.is_finished() {
        while let Some(output) = town.gateway.poll_output() {
            match output {
                trunkcast::gateway::Output::Voice(Voice::Close(_)) => open -= 1,
                trunkcast::gateway::Output::Report(r) => ended += usize::from(matches!(r.what, What::CallEnded { .. })),
                _ => {}
            }
        }
        now = now.max(town.gateway.poll_timeout().expect("something is waited for"));
        assert!(now <= bound, "not within the bound");
        town.gateway.handle_timeout(now);
    }
    while let Some(output) = town.gateway.poll_output() {
        match output {
            trunkcast::gateway::Output::Voice(Voice::Close(_)) => open -= 1,
            trunkcast::gateway::Output::Report(r) => ended += usize::from(matches!(r.what, What::CallEnded { .. })),
            _ => {}
        }
    }
    assert_eq!((open, ended), (0, 20), "every leg is closed, every call has its record");
    assert_eq!((town.gateway.calls().count(), town.gateway.conferences().count()), (0, 0));
    assert_eq!(town.gateway.lost_outputs(), 0);
}
