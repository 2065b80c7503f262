//! A host calls somebody in: what he is told of it, how many may be called, and who gives it up.

use crate::common::{Hall, ROOM, seconds};
use conference::{Answer, DialOut, Digits, Order, Policy, Refused, Role, Room, Seat, Spoken, Went};

fn allowed() -> DialOut {
    DialOut { enabled: true, allow: vec!["49".into()], max_at_once: 2, max_in_all: 3, ..DialOut::default() }
}

/// A conference with a host who has heard what there was to hear.
fn hall(policy: Policy) -> (Hall, Seat) {
    let mut hall = Hall::with_dial_out(policy, allowed());
    let host = hall.enter(0, Role::Host);
    hall.heard(host);
    (hall, host)
}

impl Hall {
    /// The gateway has placed the call the host has keyed.
    fn places(&mut self, call: u64, host: Seat) {
        self.keys(host, "*14930123#");
        assert_eq!(self.dialled.pop().as_deref(), Some("4930123"), "{:?}", self.heard(host));
        self.conferences.calls(call, ROOM, Some(host));
        self.pass(seconds(0));
    }

    fn went(&mut self, call: u64, went: Went) {
        self.conferences.call_went(call, went);
        self.drain();
    }

    fn over(&mut self, call: u64, went: Went) {
        let _ = self.conferences.call_over(call, went);
        self.drain();
    }

    fn given_up(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.given_up)
    }
}

fn number() -> Digits {
    Digits::parse("4930123").expect("digits")
}

#[test]
fn the_host_hears_how_his_call_goes_and_nobody_else_does() {
    let (mut hall, host) = hall(Policy::default());
    let ann = hall.enter(1, Role::Speaker);
    hall.heard(ann);
    hall.places(7, host);
    for went in [Went::Ringing, Went::Answered, Went::Joined] {
        hall.went(7, went);
    }
    hall.over(7, Went::NotJoined);
    let told = [Spoken::EnterNumber, Spoken::Calling, Spoken::Ringing, Spoken::CallAnswered];
    assert_eq!(hall.heard(host), told, "who has come in may leave without a word");
    assert_eq!(hall.heard(ann), []);
}

#[test]
fn what_comes_of_a_call_is_told_after_that_it_is_being_called() {
    let (mut hall, host) = hall(Policy::default());
    hall.places(7, host);
    hall.drain();
    let before = hall.cut_short;
    hall.went(7, Went::Ringing);
    hall.over(7, Went::NoAnswer);
    assert_eq!(hall.cut_short, before, "each sentence is whole");
    assert_eq!(hall.heard(host)[1..], [Spoken::Calling, Spoken::Ringing, Spoken::CallNoAnswer]);
    hall.places(8, host);
    hall.keys(host, "*0");
    let before = hall.cut_short;
    hall.over(8, Went::Busy);
    assert_eq!(hall.cut_short, before + 1, "a list of keys is not heard out first");
}

#[test]
fn each_end_of_a_call_has_a_sentence_of_its_own() {
    let (mut hall, host) = hall(Policy::default());
    for (went, sentence) in [
        (Went::Busy, Spoken::CallBusy),
        (Went::NoAnswer, Spoken::CallNoAnswer),
        (Went::Declined, Spoken::CallDeclined),
        (Went::NoSuchNumber, Spoken::NoSuchNumber),
        (Went::NotReached, Spoken::CallNotReached),
        (Went::NotJoined, Spoken::CallNotJoined),
    ] {
        hall.places(1, host);
        hall.over(1, went);
        assert_eq!(hall.heard(host).last(), Some(&sentence));
    }
}

#[test]
fn no_more_are_called_at_a_time_than_may_be() {
    let (mut hall, host) = hall(Policy::default());
    hall.places(1, host);
    hall.places(2, host);
    hall.went(2, Went::Joined);
    hall.heard(host);
    hall.keys(host, "*14930123#");
    assert_eq!(hall.heard(host), [Spoken::EnterNumber, Spoken::TooManyCalls], "who has come in counts");
    assert_eq!(hall.order(Order::DialOut(number())), Err(Refused::TooManyCalls));
    // Another conference has the one that is left of all.
    hall.conferences.open(Room(1), Policy::default());
    hall.conferences.calls(3, Room(1), None);
    assert_eq!(hall.conferences.may_call(Room(1), &number()), Err(Refused::TooManyCalls));
    hall.over(1, Went::Busy);
    assert_eq!(hall.order(Order::DialOut(number())), Ok(Answer::Done(0)));
}

#[test]
fn nobody_is_called_who_could_not_come_in() {
    let (mut hall, host) = hall(Policy { max_members: 2, ..Policy::default() });
    hall.enter(1, Role::Speaker);
    hall.places(1, host);
    hall.heard(host);
    hall.keys(host, "*14930123#");
    assert_eq!(hall.heard(host).last(), Some(&Spoken::Full), "the last place is for the one being called");
    hall.over(1, Went::NoAnswer);
    hall.keys(host, "*5*14930123#");
    assert_eq!(hall.heard(host).last(), Some(&Spoken::Locked));
    assert_eq!(hall.conferences.may_call(Room(2), &number()), Err(Refused::NoConference));
}

#[test]
fn a_host_who_leaves_takes_his_calls_with_him_and_no_others() {
    let (mut hall, host) = hall(Policy::default());
    let second = hall.enter(1, Role::Host);
    hall.places(1, host);
    hall.conferences.calls(2, ROOM, Some(second));
    hall.leave(host);
    assert_eq!(hall.given_up(), [1]);
    // Whoever takes his seat hears nothing of it.
    let other = hall.enter(0, Role::Speaker);
    hall.heard(other);
    hall.over(1, Went::GivenUp);
    assert_eq!(hall.heard(other), []);
    hall.went(2, Went::Joined);
    hall.leave(second);
    assert_eq!(hall.given_up(), [], "who has come in stays");
}

#[test]
fn what_is_on_its_way_is_given_up_once_when_the_conference_ends() {
    let ends: [fn(&mut Hall); 4] = [
        |hall| assert_eq!(hall.order(Order::End), Ok(Answer::Done(1))),
        |hall| hall.leave(Seat(0)),
        |hall| hall.conferences.shut(ROOM),
        |hall| hall.conferences.close(ROOM),
    ];
    for end in ends {
        let (mut hall, _) = hall(Policy::default());
        hall.conferences.calls(5, ROOM, None);
        end(&mut hall);
        hall.conferences.shut(ROOM);
        hall.pass(seconds(1));
        hall.drain();
        assert_eq!(hall.given_up(), [5]);
    }
}

#[test]
fn one_call_is_given_up_by_order() {
    let (mut hall, host) = hall(Policy::default());
    hall.places(1, host);
    assert!(!hall.conferences.give_up_call(Room(1), 1), "another conference");
    assert!(hall.conferences.give_up_call(ROOM, 1));
    assert!(!hall.conferences.give_up_call(ROOM, 1), "it is over as far as anybody here cares");
    hall.drain();
    assert_eq!(hall.given_up(), [1]);
}
