//! Callers who come before the host, and callers whom a host has to let in.

use crate::common::{Hall, seconds};
use conference::{Answer, By, Happening, HostLeaves, Order, Place, Policy, Refused, Role, Spoken, Tone, Waiting};

fn until_host() -> Hall {
    Hall::new(Policy { wait_for_host: true, ..Policy::default() })
}

#[test]
fn who_comes_before_the_host_hears_music_and_is_in_as_soon_as_the_host_is() {
    let mut hall = until_host();
    let [ann, bob] = [1, 2].map(|seat| hall.enter(seat, Role::Speaker));
    for seat in [ann, bob] {
        assert_eq!(hall.place(seat), Some(Place::Waiting(Waiting::Host)));
        assert_eq!(hall.heard(seat), [Spoken::WaitForHost]);
        assert!(hall.held.contains(&seat) && hall.mix.is_empty());
    }
    let host = hall.enter(0, Role::Host);
    assert!(hall.held.is_empty() && [host, ann, bob].iter().all(|seat| hall.is_heard(*seat)));
    assert_eq!((hall.heard(host), hall.heard(ann)), (vec![Spoken::First], vec![Spoken::Joined]));
    assert_eq!(hall.count(|w| matches!(w, Happening::Admitted { by: By::Rules, .. })), 2);
    // Nobody waits for a host who has been there, also when he has left meanwhile.
    hall.leave(host);
    let cid = hall.enter(3, Role::Speaker);
    assert!(hall.is_heard(cid));
}

#[test]
fn a_host_lets_in_who_has_waited_longest() {
    let mut hall = Hall::new(Policy { waiting_room: true, ..Policy::default() });
    let host = hall.enter(0, Role::Host);
    hall.heard(host);
    hall.keys(host, "#1");
    assert_eq!(hall.heard(host), [Spoken::NobodyWaits]);
    hall.tones.clear();
    // The seat says nothing about who came first.
    let [early, late, last] = [5, 2, 7].map(|seat| hall.enter(seat, Role::Speaker));
    assert_eq!(hall.tones, [Tone::Knock; 3], "the host hears that somebody waits");
    hall.keys(host, "#1");
    assert_eq!(hall.heard(host), [Spoken::Done]);
    assert!(hall.is_heard(early) && !hall.is_heard(late));
    assert_eq!(hall.count(|w| *w == Happening::Admitted { who: early, by: By::Member(host) }), 1);
    hall.keys(host, "*4");
    assert_eq!(hall.heard(host), [Spoken::CountIs(2), Spoken::WaitingAre(2)]);
    assert_eq!(hall.order(Order::Admit(last)), Ok(Answer::Done(1)));
    assert_eq!(hall.order(Order::Admit(last)), Err(Refused::NotWaiting));
    hall.keys(host, "#3");
    assert!(hall.is_heard(late));
    assert_eq!(hall.order(Order::AdmitAll), Err(Refused::NobodyWaits));
}

#[test]
fn who_waited_for_the_host_then_waits_to_be_let_in() {
    let mut hall = Hall::new(Policy { wait_for_host: true, waiting_room: true, ..Policy::default() });
    let ann = hall.enter(1, Role::Speaker);
    hall.enter(0, Role::Host);
    assert_eq!(hall.place(ann), Some(Place::Waiting(Waiting::Admission)));
    assert_eq!(hall.heard(ann), [Spoken::WaitForHost, Spoken::WaitForAdmission]);
    // Without a host the office can let in; nobody waits for ever.
    assert_eq!(hall.order(Order::AdmitNext), Ok(Answer::Done(1)));
    assert!(hall.is_heard(ann));
}

#[test]
fn who_tries_keys_while_waiting_is_told_what_for() {
    let mut hall = until_host();
    let ann = hall.enter(1, Role::Speaker);
    hall.heard(ann);
    hall.keys(ann, "*6");
    assert_eq!(hall.heard(ann), [Spoken::WaitForHost]);
    assert!(hall.order(Order::Mute(ann)) == Err(Refused::StillWaiting));
    // He may be put out, and may hang up, like anybody.
    assert_eq!(hall.order(Order::Kick(ann)), Ok(Answer::Done(1)));
    assert_eq!((hall.dismissed.len(), hall.held.len()), (1, 0));
    let bob = hall.enter(2, Role::Speaker);
    hall.leave(bob);
    assert_eq!(hall.conferences.state(crate::common::ROOM).expect("open").count.waiting, 0);
}

#[test]
fn an_empty_conference_begins_anew() {
    let mut hall = Hall::new(Policy { wait_for_host: true, host_leaves: HostLeaves::GoOn, ..Policy::default() });
    let host = hall.enter(0, Role::Host);
    hall.keys(host, "*5");
    hall.keys(host, "*7");
    hall.leave(host);
    hall.pass(seconds(5));
    let ann = hall.enter(1, Role::Speaker);
    assert_eq!(hall.place(ann), Some(Place::Waiting(Waiting::Host)), "neither locked nor begun");
    assert_eq!(hall.count(|w| matches!(w, Happening::Locked { locked: false, .. })), 1, "and whoever watches knows");
}
