//! Ends: hosts who leave, too long, too few, an order; and what comes first.

use crate::common::{Hall, ROOM, seconds};
use conference::{
    Answer, By, EndReason, Happening, HostLeaves, LastWord, Mode, Order, Place, Policy, Refused, Role, Seat, Spoken,
    Waiting,
};

fn ended(hall: &Hall) -> Vec<EndReason> {
    let of = |(_, word): &(Seat, LastWord)| match word {
        LastWord::Ended(why) => Some(*why),
        LastWord::Kicked => None,
    };
    hall.dismissed.iter().filter_map(of).collect()
}

#[test]
fn it_ends_with_its_last_host() {
    let mut hall = Hall::new(Policy { host_leaves: HostLeaves::End, ..Policy::default() });
    let [one, two] = [0, 1].map(|seat| hall.enter(seat, Role::Host));
    hall.enter(2, Role::Speaker);
    hall.leave(one);
    assert_eq!(ended(&hall), []);
    hall.leave(two);
    assert_eq!(ended(&hall), [EndReason::HostLeft]);
    assert_eq!(hall.conferences.state(ROOM).expect("open").count.present, 0);
}

#[test]
fn a_host_who_comes_back_in_time_finds_it_as_it_was() {
    let mut hall = Hall::new(Policy { host_leaves: HostLeaves::Grace(seconds(120)), ..Policy::default() });
    let host = hall.enter(0, Role::Host);
    let ann = hall.enter(1, Role::Speaker);
    hall.keys(host, "*7");
    hall.announced();
    hall.leave(host);
    assert_eq!(hall.announced(), [Spoken::HostLeft]);
    assert!(hall.happened.contains(&Happening::HostGone { ends_at: Some(hall.now + seconds(120)) }));
    hall.pass(seconds(110));
    let host = hall.enter(0, Role::Host);
    hall.pass(seconds(3600));
    assert_eq!(ended(&hall), []);
    assert!(!hall.is_heard(ann), "questions still");
    hall.leave(host);
    hall.pass(seconds(121));
    assert_eq!(ended(&hall), [EndReason::HostLeft]);
}

#[test]
fn what_only_a_host_could_undo_is_undone_when_it_goes_on_without() {
    let mut hall = Hall::new(Policy { host_leaves: HostLeaves::GoOn, ..Policy::default() });
    let host = hall.enter(0, Role::Host);
    hall.enter(1, Role::Speaker);
    hall.keys(host, "*5*7");
    hall.announced();
    hall.leave(host);
    let state = hall.conferences.state(ROOM).expect("open");
    assert_eq!((state.locked, state.mode), (false, Mode::Conversation));
    assert_eq!(hall.announced(), [Spoken::Unlocked, Spoken::ModeIs(Mode::Conversation)]);
    assert!(hall.happened.contains(&Happening::Locked { locked: false, by: By::Rules }));
    hall.enter(2, Role::Speaker);
    // A lock by order, with no host who leaves, stays.
    assert_eq!(hall.order(Order::Lock(true)), Ok(Answer::Done(0)));
    hall.leave(Seat(2));
    assert_eq!(hall.try_enter(2, Role::Speaker), Err(Refused::Locked));
}

#[test]
fn who_waits_to_be_let_in_waits_for_the_next_host() {
    let mut hall = Hall::new(Policy { waiting_room: true, ..Policy::default() });
    let host = hall.enter(0, Role::Host);
    let second = hall.enter(1, Role::Host);
    let ann = hall.enter(2, Role::Speaker);
    hall.keys(host, "#1");
    let bob = hall.enter(3, Role::Speaker);
    hall.leave(second);
    hall.leave(host);
    assert!(hall.is_heard(ann));
    assert_eq!(hall.place(bob), Some(Place::Waiting(Waiting::Admission)), "a lost line lets nobody in");
    let host = hall.enter(0, Role::Host);
    hall.keys(host, "#1");
    assert!(hall.is_heard(bob));
}

#[test]
fn nobody_who_leaves_but_the_last_host_ends_anything() {
    let mut hall = Hall::new(Policy { host_leaves: HostLeaves::End, ..Policy::default() });
    let [ann, _] = [1, 2].map(|seat| hall.enter(seat, Role::Speaker));
    hall.leave(ann);
    assert_eq!(ended(&hall), []);
}

#[test]
fn it_lasts_as_long_as_it_may_and_says_so_before() {
    let policy = Policy { max_duration: Some(seconds(3600)), warning: seconds(300), ..Policy::default() };
    let mut hall = Hall::new(policy);
    hall.pass(seconds(5000));
    hall.enter(1, Role::Speaker);
    hall.pass(seconds(3296));
    assert_eq!(hall.announced(), []);
    hall.pass(seconds(2));
    assert_eq!(hall.announced(), [Spoken::EndingSoon(5)]);
    hall.enter(2, Role::Speaker);
    hall.pass(seconds(300));
    assert_eq!(ended(&hall), [EndReason::TooLong; 2]);
    // Whoever calls then has an hour of his own.
    hall.enter(1, Role::Speaker);
    hall.pass(seconds(3500));
    assert_eq!(ended(&hall).len(), 2);
}

#[test]
fn less_than_a_minute_is_called_so() {
    for (left, minutes) in [(15, 0), (44, 0), (45, 1), (89, 1), (90, 2), (300, 5)] {
        let policy = Policy { max_duration: Some(seconds(3600)), warning: seconds(left), ..Policy::default() };
        let mut hall = Hall::new(policy);
        hall.enter(1, Role::Speaker);
        hall.pass(seconds(3600));
        assert_eq!(hall.announced(), [Spoken::EndingSoon(minutes)], "{left} s");
    }
}

#[test]
fn whoever_watches_knows_when_it_ends() {
    let mut hall = Hall::new(Policy {
        max_duration: Some(seconds(3600)),
        host_leaves: HostLeaves::Grace(seconds(120)),
        min_members: 2,
        min_grace: seconds(60),
        ..Policy::default()
    });
    let ends = |hall: &Hall| hall.ends.get(&ROOM).copied().flatten();
    assert_eq!(ends(&hall), None);
    let ann = hall.enter(1, Role::Speaker);
    let begun = hall.now - seconds(3);
    let longest = Some(begun + seconds(3600));
    assert_eq!(ends(&hall), longest, "from the beginning, and not from the warning on");
    let host = hall.enter(0, Role::Host);
    let bob = hall.enter(2, Role::Speaker);
    hall.leave(host);
    assert_eq!(ends(&hall), Some(hall.now + seconds(120)), "for want of a host");
    hall.leave(bob);
    assert_eq!(ends(&hall), Some(hall.now + seconds(60)), "for want of people before that");
    hall.pass(seconds(10));
    hall.enter(0, Role::Host);
    assert_eq!(ends(&hall), longest, "a host is back, and with her they are enough: the longest it may last stands");
    hall.leave(ann);
    hall.leave(Seat(0));
    assert_eq!(ends(&hall), None, "nobody is left");
}

#[test]
fn it_ends_when_too_few_are_left_for_too_long() {
    let mut hall = Hall::new(Policy { min_members: 2, min_grace: seconds(60), ..Policy::default() });
    hall.enter(1, Role::Speaker);
    hall.pass(seconds(3600));
    assert_eq!(ended(&hall), [], "there were never enough");
    let bob = hall.enter(2, Role::Speaker);
    hall.leave(bob);
    assert_eq!(hall.announced(), [Spoken::EndingSoon(1)]);
    hall.pass(seconds(50));
    let bob = hall.enter(2, Role::Speaker);
    hall.pass(seconds(3600));
    hall.leave(bob);
    hall.pass(seconds(61));
    assert_eq!(ended(&hall), [EndReason::TooFew]);
}

#[test]
fn a_name_that_is_said_as_it_ends_lets_nobody_in() {
    let mut hall = Hall::new(Policy { names: true, max_duration: Some(seconds(60)), ..Policy::default() });
    let ann = hall.enter(1, Role::Speaker);
    hall.conferences.named(hall.now, ann, true);
    hall.drain();
    hall.pass(seconds(54));
    let bob = hall.enter(2, Role::Speaker);
    hall.played(bob);
    // Both times have come when somebody looks.
    hall.now += seconds(10);
    hall.pass(seconds(0));
    assert_eq!(ended(&hall), [EndReason::TooLong; 2]);
    assert!(hall.mix.is_empty());
}

#[test]
fn too_few_and_no_host_are_two_reasons_and_each_is_lifted_by_itself() {
    let policy = Policy {
        host_leaves: HostLeaves::Grace(seconds(300)),
        min_members: 3,
        min_grace: seconds(60),
        ..Policy::default()
    };
    let full = || {
        let mut hall = Hall::new(policy);
        let host = hall.enter(0, Role::Host);
        let [ann, bob] = [1, 2].map(|seat| hall.enter(seat, Role::Speaker));
        (hall, host, ann, bob)
    };
    // Too few first, and then no host: the earlier end stands.
    let (mut hall, host, _, bob) = full();
    hall.leave(bob);
    let few = hall.now + seconds(60);
    hall.pass(seconds(10));
    hall.leave(host);
    assert_eq!(hall.conferences.state(ROOM).expect("open").ends_at, Some(few));
    // A host comes, and they are too few still.
    hall.enter(3, Role::Host);
    hall.leave(Seat(3));
    hall.enter(3, Role::Host);
    hall.leave(Seat(1));
    hall.pass(seconds(60));
    assert_eq!(ended(&hall), [EndReason::TooFew]);
    // With as many as there have to be, but no host.
    let (mut hall, host, ..) = full();
    hall.leave(host);
    let no_host = hall.now + seconds(300);
    hall.enter(3, Role::Speaker);
    assert_eq!(hall.conferences.state(ROOM).expect("open").ends_at, Some(no_host));
    hall.pass(seconds(300));
    assert_eq!(ended(&hall), [EndReason::HostLeft; 3]);
}

#[test]
fn an_order_ends_it_for_all_those_who_wait_included() {
    let mut hall = Hall::new(Policy { waiting_room: true, ..Policy::default() });
    hall.enter(0, Role::Host);
    hall.enter(1, Role::Speaker);
    assert_eq!(hall.order(Order::End), Ok(Answer::Done(2)));
    assert_eq!(ended(&hall), [EndReason::Ordered; 2]);
    assert!(hall.mix.is_empty() && hall.held.is_empty());
    assert_eq!(hall.order(Order::Count), Ok(Answer::Count(conference::Count::default())), "and may be called again");
    hall.conferences.close(ROOM);
    assert_eq!(hall.order(Order::Count), Err(Refused::NoConference));
    assert_eq!(hall.conferences.poll_timeout(), None);
}

#[test]
fn entries_are_told_by_tones_unless_there_are_too_many() {
    let mut hall = Hall::new(Policy { quiet_above: 3, ..Policy::default() });
    let seats: Vec<_> = (0..5).map(|seat| hall.enter(seat, Role::Speaker)).collect();
    assert_eq!(hall.tones.len(), 3);
    for seat in &seats {
        hall.leave(*seat);
    }
    assert_eq!(hall.tones.len(), 3 + 3, "not of the first who left, nor to nobody");
}
