//! Who is let in, and who is put out: the lock, the cap, the host's keys.

use crate::common::{Hall, ROOM, own};
use conference::{Answer, DialOut, Digits, Happening, LastWord, Order, Policy, Refused, Role, Spoken};

#[test]
fn a_locked_conference_takes_nobody_but_hosts() {
    let mut hall = Hall::new(Policy::default());
    let host = hall.enter(0, Role::Host);
    hall.keys(host, "*5");
    assert_eq!(hall.announced(), [Spoken::Locked]);
    assert_eq!(hall.try_enter(1, Role::Speaker), Err(Refused::Locked));
    assert_eq!(hall.try_enter(1, Role::Listener), Err(Refused::Locked));
    let second = hall.enter(2, Role::Host);
    assert!(hall.is_heard(second), "a host always may");
    hall.keys(second, "*5");
    assert_eq!(hall.announced(), [Spoken::Unlocked]);
    hall.enter(1, Role::Speaker);
    assert_eq!(hall.order(Order::Lock(false)), Ok(Answer::Unchanged));
}

#[test]
fn a_full_conference_takes_one_more_when_one_has_left() {
    let mut hall = Hall::new(Policy { max_members: 2, ..Policy::default() });
    let [ann, _] = [1, 2].map(|seat| hall.enter(seat, Role::Speaker));
    assert_eq!(hall.try_enter(3, Role::Speaker), Err(Refused::Full));
    hall.enter(0, Role::Host);
    assert_eq!(hall.try_enter(3, Role::Speaker), Err(Refused::Full), "hosts are not counted");
    hall.leave(ann);
    hall.enter(3, Role::Speaker);
}

#[test]
fn a_host_is_not_counted_while_he_says_his_name() {
    let mut hall = Hall::with_dial_out(
        Policy { max_members: 1, names: true, ..Policy::default() },
        DialOut { enabled: true, allow: vec!["49".into()], ..DialOut::default() },
    );
    let host = hall.enter(0, Role::Host);
    let number = Digits::parse("4930123").expect("digits");
    assert_eq!(hall.conferences.may_call(ROOM, &number), Ok(()));
    hall.enter(1, Role::Speaker);
    assert_eq!(hall.try_enter(2, Role::Speaker), Err(Refused::Full));
    hall.leave(host);
    assert_eq!(hall.try_enter(2, Role::Speaker), Err(Refused::Full));
    let host = hall.enter(0, Role::Host);
    hall.conferences.named(hall.now, host, true);
    hall.drain();
    assert_eq!(hall.conferences.may_call(ROOM, &number), Err(Refused::Full));
}

#[test]
fn a_host_puts_out_who_came_last() {
    let mut hall = Hall::new(Policy::default());
    let ann = hall.enter(7, Role::Speaker);
    let host = hall.enter(0, Role::Host);
    let bob = hall.enter(1, Role::Speaker);
    let second = hall.enter(2, Role::Host);
    hall.keys(host, "#7");
    assert_eq!(hall.dismissed, [(bob, LastWord::Kicked)], "never a host");
    assert!(hall.happened.contains(&Happening::Kicked { who: bob, by: own(host) }));
    hall.keys(second, "#7");
    assert_eq!(hall.dismissed.last(), Some(&(ann, LastWord::Kicked)));
    hall.heard(host);
    hall.keys(host, "#7");
    assert_eq!(hall.heard(host), [Spoken::CountIs(2)], "nobody else is there");
    assert_eq!(hall.order(Order::Kick(bob)), Err(Refused::NoMember));
    assert_eq!(hall.order(Order::Kick(second)), Ok(Answer::Done(1)), "by name also a host");
}

#[test]
fn orders_reach_nobody_in_another_conference() {
    let mut hall = Hall::new(Policy::default());
    let ann = hall.enter(1, Role::Speaker);
    let other = conference::Room(1);
    assert_eq!(hall.conferences.order(hall.now, other, &Order::Count), Err(Refused::NoConference));
    hall.conferences.open(other, Policy::default());
    assert_eq!(hall.conferences.enter(hall.now, other, conference::Seat(5), Role::Speaker), Ok(()));
    while hall.conferences.poll_output().is_some() {}
    for order in [Order::Mute(ann), Order::Unmute(ann), Order::Kick(ann), Order::Admit(ann), Order::CallOn(ann)] {
        assert_eq!(hall.conferences.order(hall.now, other, &order), Err(Refused::NoMember), "{order:?}");
    }
    assert!(hall.is_heard(ann));
    assert_eq!(hall.conferences.state(ROOM).expect("open").count.present, 1);
}
