//! Names: asked for at the door, announced, and called over; the count where there are none.

use crate::common::{Hall, seconds};
use conference::{EntryExit, Place, Policy, Role, Seat, Spoken};

fn named() -> Hall {
    Hall::new(Policy { names: true, entry_exit: EntryExit::Name, ..Policy::default() })
}

/// He comes and says his name.
fn come(hall: &mut Hall, seat: usize, role: Role) -> Seat {
    let seat = hall.enter(seat, role);
    hall.played(seat);
    hall.keys(seat, "#");
    seat
}

#[test]
fn a_name_is_asked_for_and_then_announced() {
    let mut hall = named();
    let ann = hall.enter(1, Role::Speaker);
    assert_eq!((hall.place(ann), hall.heard(ann)), (Some(Place::Naming), vec![Spoken::StateName]));
    hall.keys(ann, "#");
    assert_eq!(hall.place(ann), Some(Place::Naming), "there is no name before the tone");
    hall.played(ann);
    assert!(hall.recording.contains(&ann));
    hall.keys(ann, "#");
    assert!(hall.is_heard(ann));
    assert_eq!((&hall.announced_names[..], hall.tones.len()), (&[(ann, false)][..], 0));
    let bob = come(&mut hall, 2, Role::Speaker);
    hall.leave(bob);
    assert_eq!(hall.announced_names[1..], [(bob, false), (bob, true)]);
}

#[test]
fn who_says_nothing_comes_in_with_a_tone() {
    let mut hall = named();
    let ann = hall.enter(1, Role::Speaker);
    hall.played(ann);
    hall.pass(seconds(6));
    assert!(hall.is_heard(ann));
    assert_eq!((hall.announced_names.len(), hall.tones.len()), (0, 1));
    // Listeners are asked nothing.
    let lea = hall.enter(2, Role::Listener);
    assert_eq!(hall.place(lea), Some(Place::Present));
}

#[test]
fn a_roll_call_says_one_name_after_the_other() {
    let mut hall = named();
    let [ann, bob] = [5, 3].map(|seat| come(&mut hall, seat, Role::Speaker));
    let host = come(&mut hall, 0, Role::Host);
    let lea = hall.enter(7, Role::Listener);
    hall.heard(host);
    hall.keys(host, "*8");
    for _ in 0..4 {
        hall.played(host);
    }
    assert_eq!(hall.played, [(host, ann), (host, bob), (host, host)], "in the order they came");
    assert_eq!(hall.heard(host), [Spoken::CountIs(4)], "as one has no name");
    // Somebody leaves meanwhile; a key ends it.
    hall.leave(lea);
    hall.keys(ann, "*8");
    hall.leave(bob);
    hall.played(ann);
    assert_eq!(hall.played[3..], [(ann, ann), (ann, host)]);
    hall.keys(ann, "5");
    hall.played(ann);
    assert_eq!(hall.played.len(), 5);
}

#[test]
fn without_names_a_roll_call_is_the_count() {
    let mut hall = Hall::new(Policy::default());
    let ann = hall.enter(1, Role::Speaker);
    hall.enter(2, Role::Speaker);
    hall.heard(ann);
    hall.keys(ann, "*8");
    assert_eq!(hall.heard(ann), [Spoken::CountIs(2)]);
    hall.played(ann);
    assert_eq!(hall.played, []);
}
