//! Questions: hands are raised, the host calls on the first, who may then unmute.

use crate::common::{Hall, ROOM, own};
use conference::{Answer, By, Happening, Mode, Order, Policy, Refused, Role, Seat, Spoken};

fn question() -> (Hall, Seat, [Seat; 3]) {
    let mut hall = Hall::new(Policy { mode: Mode::Question, ..Policy::default() });
    let host = hall.enter(0, Role::Host);
    let others = [4, 2, 3].map(|seat| hall.enter(seat, Role::Speaker));
    for seat in [host].iter().chain(&others) {
        hall.heard(*seat);
    }
    (hall, host, others)
}

#[test]
fn who_raised_his_hand_first_is_called_on_first_and_unmutes_himself() {
    let (mut hall, host, [ann, bob, cid]) = question();
    hall.keys(host, "*2");
    assert_eq!(hall.heard(host), [Spoken::NoHands]);
    hall.keys(ann, "*6");
    assert_eq!(hall.heard(ann), [Spoken::QuestionMuted], "and is told how to be heard");
    for seat in [bob, ann, cid] {
        hall.keys(seat, "*2");
        assert_eq!(hall.heard(seat), [Spoken::HandRaised]);
    }
    hall.keys(cid, "*2");
    assert_eq!(hall.heard(cid), [Spoken::HandLowered]);
    hall.keys(host, "*2");
    assert_eq!((hall.heard(bob), hall.heard(host)), (vec![Spoken::CalledOn], vec![Spoken::Done]));
    assert!(!hall.is_heard(bob), "not before he has unmuted");
    hall.keys(bob, "*6");
    assert!(hall.is_heard(bob));
    hall.heard(bob);
    // The next: the floor goes on.
    hall.keys(host, "*2");
    hall.keys(ann, "*6");
    assert!(hall.is_heard(ann) && !hall.is_heard(bob));
    assert_eq!(hall.heard(bob), [Spoken::QuestionMuted], "he knows that he is muted again");
    hall.keys(host, "*2");
    assert_eq!(hall.heard(host), [Spoken::Done, Spoken::NoHands]);
}

#[test]
fn who_leaves_lowers_his_hand() {
    let (mut hall, _, [ann, bob, _]) = question();
    hall.keys(ann, "*2");
    hall.keys(bob, "*2");
    hall.leave(ann);
    assert_eq!(hall.conferences.state(ROOM).expect("open").count.hands, 1);
    assert_eq!(hall.order(Order::CallOnNext), Ok(Answer::Done(1)));
    assert!(hall.happened.contains(&Happening::CalledOn { who: bob, by: By::Office }));
}

#[test]
fn hands_are_lowered_by_the_host_or_from_outside() {
    let (mut hall, host, [ann, bob, cid]) = question();
    for seat in [ann, bob, cid] {
        hall.keys(seat, "*2");
        hall.heard(seat);
    }
    assert_eq!(hall.order(Order::LowerHand(bob)), Ok(Answer::Done(1)));
    assert_eq!(hall.heard(bob), [Spoken::HandLowered]);
    assert_eq!(hall.order(Order::LowerHand(bob)), Err(Refused::NoHand));
    hall.keys(host, "#2");
    assert_eq!(hall.count(|w| matches!(w, Happening::HandLowered { by, .. } if *by == own(host))), 2);
    assert_eq!(hall.order(Order::LowerHands), Err(Refused::NoHand));
}

#[test]
fn in_a_lecture_a_question_may_be_let_through() {
    let (mut hall, host, [ann, ..]) = question();
    hall.keys(host, "*7");
    hall.keys(ann, "*2");
    hall.keys(host, "*2");
    hall.keys(ann, "*6");
    assert!(hall.is_heard(ann));
    assert_eq!(hall.order(Order::Mute(ann)), Ok(Answer::Done(1)), "and be ended");
    hall.keys(ann, "*6");
    assert!(!hall.is_heard(ann));
    hall.keys(host, "*7");
    hall.keys(ann, "*6");
    assert!(hall.is_heard(ann), "in a conversation the key works as ever");
}
