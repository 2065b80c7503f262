//! The rest of a host's keys: help, the end with a question, calling somebody in, the # of a PIN.

use crate::common::{Hall, ROOM, seconds};
use conference::{DialOut, Order, Policy, Refused, Role, Seat, Spoken};

#[test]
fn the_end_is_asked_about_once_more_unless_399_is_keyed() {
    let mut hall = Hall::new(Policy::default());
    let host = hall.enter(0, Role::Host);
    let ann = hall.enter(1, Role::Speaker);
    hall.heard(host);
    hall.keys(host, "##");
    assert_eq!(hall.heard(host), [Spoken::ConfirmEnd]);
    hall.keys(host, "5");
    assert_eq!((hall.heard(host), hall.closed.len()), (vec![Spoken::NotEnded], 0));
    hall.keys(host, "##1");
    assert_eq!(hall.closed, [(ROOM, host)]);
    hall.keys(host, "##");
    hall.pass(seconds(11));
    hall.keys(host, "1");
    assert_eq!(hall.closed.len(), 1, "a late answer is none");
    hall.keys(ann, "399##1");
    assert_eq!(hall.closed.len(), 1, "for hosts alone");
    hall.keys(host, "*399");
    assert_eq!(hall.closed.len(), 2);
}

#[test]
fn the_hash_that_ends_a_pin_begins_nothing() {
    let mut hall = Hall::new(Policy::default());
    let host = hall.enter(0, Role::Host);
    hall.heard(host);
    // What is keyed without a pause: PIN, #, and then # and 6 for all others' mute.
    hall.now -= seconds(3);
    hall.keys(host, "##6");
    assert_eq!(hall.announced(), [Spoken::AllMuted]);
}

#[test]
fn help_is_for_everybody_his_own() {
    let mut hall = Hall::new(Policy { recorded: true, ..Policy::default() });
    for (seat, role) in [(0, Role::Host), (1, Role::Speaker), (2, Role::Listener)] {
        let seat = hall.enter(seat, role);
        hall.heard(seat);
        hall.keys(seat, "*0*9");
        assert_eq!(hall.heard(seat), [Spoken::Help, Spoken::Recorded]);
    }
    assert_eq!(hall.announced(), []);
}

#[test]
fn whoever_has_heard_the_key_he_wants_need_not_hear_the_rest() {
    let mut hall = Hall::new(Policy::default());
    let ann = hall.enter(1, Role::Speaker);
    hall.keys(ann, "*0");
    let before = hall.hushed;
    hall.keys(ann, "*6");
    assert_eq!(hall.hushed, before + 1, "with the first key");
    hall.keys(ann, "*0");
    hall.played(ann);
    hall.keys(ann, "*6");
    assert_eq!(hall.hushed, before + 1, "what is said to all after it is not cut off by keys");
}

#[test]
fn that_it_is_recorded_is_said_on_entry_and_when_it_begins() {
    let mut hall = Hall::new(Policy { recorded: true, announce_recording: true, ..Policy::default() });
    let ann = hall.enter(1, Role::Speaker);
    assert_eq!(hall.heard(ann), [Spoken::First, Spoken::Recorded]);
    hall.conferences.on_air(ROOM);
    hall.conferences.on_air(ROOM);
    hall.pass(seconds(1));
    hall.keys(ann, "*9");
    assert_eq!(hall.announced(), [Spoken::RecordingStarts]);
}

/// A host of a conference from which numbers may be called that begin with 49.
fn caller() -> (Hall, Seat) {
    let allowed = DialOut { enabled: true, allow: vec!["49".into()], ..DialOut::default() };
    let mut hall = Hall::with_dial_out(Policy::default(), allowed);
    let host = hall.enter(0, Role::Host);
    hall.heard(host);
    (hall, host)
}

#[test]
fn a_number_has_its_time_from_the_end_of_the_question_and_from_each_digit() {
    let (mut hall, host) = caller();
    hall.keys(host, "*1");
    hall.pass(seconds(30));
    hall.played(host);
    hall.pass(seconds(9));
    hall.keys(host, "49");
    hall.pass(seconds(9));
    hall.keys(host, "3012");
    // Something else is said to all meanwhile.
    hall.pass(seconds(9));
    hall.played(host);
    hall.pass(seconds(9));
    hall.keys(host, "3#");
    assert_eq!((hall.heard(host), &hall.dialled[..]), (vec![Spoken::EnterNumber], &["4930123".to_owned()][..]));
}

#[test]
fn what_comes_too_late_of_a_number_does_not_end_the_event() {
    let (mut hall, host) = caller();
    hall.keys(host, "*1493012");
    hall.pass(seconds(11));
    assert_eq!(hall.heard(host), [Spoken::EnterNumber, Spoken::NumberLate], "without a key");
    hall.keys(host, "399");
    hall.pass(seconds(9));
    hall.keys(host, "399#6");
    assert_eq!((hall.closed.len(), hall.dialled.len()), (0, 0));
    assert_eq!(hall.announced(), [], "the hash ends the number, and begins nothing");
    hall.keys(host, "399");
    assert_eq!(hall.closed.len(), 1, "what comes after it is a key again");

    hall.keys(host, "*14930");
    hall.pass(seconds(11));
    hall.keys(host, "12*6");
    assert!(!hall.is_heard(host), "the star begins keys again");
    hall.keys(host, "*14930");
    hall.pass(seconds(11));
    hall.keys(host, "12");
    hall.pass(seconds(11));
    hall.keys(host, "399");
    assert_eq!(hall.closed.len(), 2, "and so does a pause");
    assert_eq!(hall.conferences.poll_timeout(), None);
}

#[test]
fn a_late_digit_is_none_also_when_nobody_has_looked_at_the_time() {
    let (mut hall, host) = caller();
    hall.keys(host, "*1493012");
    hall.now += seconds(10);
    hall.keys(host, "399#");
    assert_eq!((hall.closed.len(), hall.dialled.len()), (0, 0));
    assert_eq!(hall.heard(host), [Spoken::EnterNumber, Spoken::NumberLate]);
}

#[test]
fn calling_out_is_off_until_it_is_allowed() {
    let mut hall = Hall::new(Policy::default());
    let host = hall.enter(0, Role::Host);
    hall.heard(host);
    hall.keys(host, "*1");
    assert_eq!(hall.heard(host), [Spoken::DialOutUnavailable]);
    let number = conference::Digits::parse("4930123").expect("digits");
    assert_eq!(hall.order(Order::DialOut(number)), Err(Refused::DialOutOff));

    let allowed = DialOut { enabled: true, allow: vec!["49".into()], never: vec!["4911".into()], ..DialOut::default() };
    let mut hall = Hall::with_dial_out(Policy::default(), allowed);
    let host = hall.enter(0, Role::Host);
    hall.heard(host);
    hall.pass(seconds(5));
    hall.keys(host, "*14930123#");
    assert_eq!((hall.heard(host), &hall.dialled[..]), (vec![Spoken::EnterNumber], &["4930123".to_owned()][..]));
    for forbidden in ["*1900123#", "*14911#", "*1#", "*1493012345678901234567890#"] {
        hall.keys(host, forbidden);
        assert_eq!(hall.heard(host), [Spoken::EnterNumber, Spoken::DialOutForbidden], "{forbidden}");
    }
    hall.keys(host, "*149*");
    assert_eq!(hall.heard(host), [Spoken::EnterNumber, Spoken::Done], "given up");
    hall.keys(host, "*6");
    assert!(!hall.is_heard(host), "the keys mean again what they did");
    assert_eq!(hall.dialled.len(), 1);
}
