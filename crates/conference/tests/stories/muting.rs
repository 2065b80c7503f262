//! Who is heard: the key that always works, the host's mutes, and the modes. Nobody is muted without knowing, or for good.

use crate::common::{Hall, own};
use conference::{
    Answer, By, Happening, HostLeaves, Mode, MutedBy, Order, Policy, QuestionUnmute, Refused, Role, Spoken,
};

fn three(policy: Policy) -> (Hall, [conference::Seat; 3]) {
    let mut hall = Hall::new(policy);
    let host = hall.enter(0, Role::Host);
    let [ann, bob] = [1, 2].map(|seat| hall.enter(seat, Role::Speaker));
    for seat in [host, ann, bob] {
        hall.heard(seat);
    }
    (hall, [host, ann, bob])
}

#[test]
fn star_six_mutes_and_unmutes_whoever_keys_it() {
    let (mut hall, seats) = three(Policy::default());
    for seat in seats {
        hall.keys(seat, "*6");
        assert!(!hall.is_heard(seat));
        assert_eq!(hall.heard(seat), [Spoken::Muted]);
        let muted = Happening::Muted { who: seat, muted: Some(MutedBy::Oneself), by: own(seat) };
        assert_eq!(hall.happened.last(), Some(&muted));
        hall.keys(seat, "*6");
        assert!(hall.is_heard(seat));
        assert_eq!(hall.heard(seat), [Spoken::Unmuted]);
    }
}

#[test]
fn who_was_muted_by_the_host_unmutes_himself() {
    let (mut hall, [host, ann, bob]) = three(Policy::default());
    hall.keys(host, "#6");
    assert_eq!(hall.announced(), [Spoken::AllMuted]);
    assert!(hall.is_heard(host) && !hall.is_heard(ann) && !hall.is_heard(bob));
    hall.keys(ann, "*6");
    assert!(hall.is_heard(ann));
    // Whoever comes meanwhile is muted as well, and is told how to change that.
    let cid = hall.enter(3, Role::Speaker);
    assert_eq!(hall.heard(cid), [Spoken::Joined, Spoken::MutedByHost]);
    hall.keys(host, "#8");
    assert_eq!(hall.announced(), [Spoken::AllUnmuted]);
    assert!([ann, bob, cid].iter().all(|seat| hall.is_heard(*seat)));
}

#[test]
fn locked_mutes_hold_and_whoever_tries_is_told() {
    let (mut hall, [host, ann, bob]) = three(Policy::default());
    assert_eq!(hall.order(Order::MuteAll { lock: true }), Ok(Answer::Done(2)));
    hall.keys(ann, "*6");
    assert!(!hall.is_heard(ann));
    assert_eq!(hall.heard(ann), [Spoken::MutesLocked]);
    // A host is nobody's to silence.
    assert_eq!(hall.order(Order::Mute(host)), Ok(Answer::Done(1)));
    hall.keys(host, "*6");
    assert!(hall.is_heard(host));
    // There are two ways out of it: to be called on, and to be unmuted.
    hall.keys(ann, "*2");
    hall.keys(host, "*2");
    assert!(hall.is_heard(ann));
    assert_eq!(hall.order(Order::Unmute(bob)), Ok(Answer::Done(1)));
    assert!(hall.is_heard(bob));
}

#[test]
fn the_lock_of_mutes_goes_with_the_last_host() {
    let (mut hall, [host, ann, _]) = three(Policy::default());
    assert_eq!(hall.order(Order::MuteAll { lock: true }), Ok(Answer::Done(2)));
    hall.leave(host);
    hall.keys(ann, "*6");
    assert!(hall.is_heard(ann), "nobody is left who could unmute him");
}

#[test]
fn nobody_opens_a_microphone_that_its_owner_has_closed() {
    let (mut hall, [host, ann, _]) = three(Policy::default());
    hall.keys(ann, "*6");
    assert_eq!(hall.order(Order::Mute(ann)), Ok(Answer::Done(1)));
    hall.heard(ann);
    assert_eq!(hall.order(Order::Unmute(ann)), Ok(Answer::Asked));
    assert!(!hall.is_heard(ann));
    assert_eq!(hall.heard(ann), [Spoken::AskedToUnmute]);
    hall.keys(host, "#8");
    assert!(!hall.is_heard(ann));
    hall.keys(ann, "*6");
    assert!(hall.is_heard(ann));
    assert_eq!(hall.order(Order::Unmute(ann)), Ok(Answer::Unchanged));
}

#[test]
fn in_a_lecture_only_hosts_are_heard_and_others_are_told_so() {
    let (mut hall, [host, ann, bob]) = three(Policy::default());
    hall.keys(host, "*7*7");
    assert_eq!(hall.announced(), [Spoken::ModeIs(Mode::Question), Spoken::ModeIs(Mode::Lecture)]);
    assert!(hall.is_heard(host) && !hall.is_heard(ann));
    hall.keys(ann, "*6");
    assert!(!hall.is_heard(ann));
    assert_eq!(hall.heard(ann), [Spoken::LectureMuted]);
    let cid = hall.enter(3, Role::Speaker);
    assert_eq!(hall.heard(cid), [Spoken::Joined, Spoken::LectureMuted]);
    assert_eq!(hall.order(Order::Unmute(bob)), Ok(Answer::Done(1)));
    assert!(hall.is_heard(bob), "somebody by name may be let speak in any mode");
    hall.keys(bob, "*6");
    hall.keys(bob, "*6");
    assert!(hall.is_heard(bob), "and can mute himself meanwhile");
    hall.keys(host, "*7");
    assert!([host, ann, bob, cid].iter().all(|seat| hall.is_heard(*seat)));
}

#[test]
fn a_mute_of_ones_own_outlasts_a_lecture() {
    let (mut hall, [host, ann, _]) = three(Policy::default());
    hall.keys(ann, "*6");
    hall.keys(host, "*7*7*7");
    assert!(!hall.is_heard(ann));
    hall.keys(ann, "*6");
    assert!(hall.is_heard(ann));
}

#[test]
fn without_a_host_nobody_is_kept_silent_by_a_mode() {
    let (mut hall, [host, ann, _]) = three(Policy { host_leaves: HostLeaves::GoOn, ..Policy::default() });
    hall.keys(host, "*7*7");
    hall.announced();
    hall.leave(host);
    assert!(hall.is_heard(ann));
    assert_eq!(hall.announced(), [Spoken::ModeIs(Mode::Conversation)]);
}

#[test]
fn question_mode_may_leave_it_to_the_callers() {
    let policy = Policy { mode: Mode::Question, question_unmute: QuestionUnmute::Anybody, ..Policy::default() };
    let (mut hall, [_, ann, bob]) = three(policy);
    assert!(!hall.is_heard(ann));
    hall.keys(ann, "*6");
    hall.keys(bob, "*6");
    assert!(hall.is_heard(ann) && hall.is_heard(bob));
    hall.keys(ann, "*6");
    assert!(!hall.is_heard(ann));
}

#[test]
fn a_listener_is_never_heard_whatever_is_ordered() {
    let (mut hall, [host, ..]) = three(Policy::default());
    let lea = hall.enter(4, Role::Listener);
    assert!(hall.mix.contains_key(&lea) && !hall.is_heard(lea));
    assert_eq!(hall.heard(lea), [Spoken::Joined], "he knows that he listens");
    assert_eq!(hall.order(Order::Unmute(lea)), Err(Refused::IsListener));
    assert_eq!(hall.order(Order::CallOn(lea)), Err(Refused::IsListener));
    hall.keys(lea, "*2*6");
    assert_eq!(hall.heard(lea), [Spoken::ListenerMuted, Spoken::ListenerMuted]);
    hall.keys(host, "#8");
    assert!(!hall.is_heard(lea));
    assert_eq!(hall.count(|w| matches!(w, Happening::Muted { muted: None, by: By::Office, .. })), 0);
}

#[test]
fn listeners_who_may_ask_are_heard_while_they_have_the_floor() {
    let (mut hall, [host, ann, _]) = three(Policy { listeners_ask: true, ..Policy::default() });
    let lea = hall.enter(4, Role::Listener);
    hall.keys(lea, "*2");
    hall.keys(ann, "*2");
    hall.keys(host, "*2");
    assert!(!hall.is_heard(lea), "not before he wants to be");
    hall.keys(lea, "*6");
    assert!(hall.is_heard(lea));
    hall.keys(host, "*2");
    assert!(!hall.is_heard(lea));
    assert_eq!(hall.heard(lea).last(), Some(&Spoken::ListenerMuted));
}
