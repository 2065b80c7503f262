//! RESTART of a single interface ends the calls of that interface and no others: of the one that it names, or of the one that
//! has the D channel if it names none.
//!
//! Clauses: Q.931 4.5.25 (notes 2 and 3), 5.5.2

use crate::common::Alone;
use crate::support::config;
use isdn::{CallReference, Channel, ChannelSet, Event, Group, Side};

/// Three interfaces; the D channel is on the second. A call is connected on channel 5 of each, and one has just come in
/// that has no channel yet.
fn with_calls() -> Alone {
    let group = Group::new(&[0, 1, 2], 1, None).expect("a group can be so");
    let mut alone = Alone::up_with(config(Side::User, group));
    for interface in 0..3 {
        let setup = [0x04, 3, 0x80, 0x90, 0xa2, 0x18, 4, 0xe9, 0x80 | interface, 0x83, 0x85];
        alone.say(&[&[8, 2, 0, 1 + interface, 0x05][..], &setup].concat());
        let call = CallReference { value: u16::from(interface) + 1, ours: false };
        alone.d.proceed(alone.now, call, Channel::on(interface, 5)).expect("new");
        alone.d.connect(alone.now, call).expect("not answered");
        alone.settle();
        alone.say(&[8, 2, 0, 1 + interface, 0x0f]);
    }
    alone.say(&[8, 2, 0, 4, 0x05, 0x04, 3, 0x80, 0x90, 0xa2, 0x18, 1, 0xab]);
    assert_eq!(alone.state(), [10, 10, 10, 6]);
    alone.events.clear();
    alone
}

/// What RESTART with these elements leaves of the calls, by reference, and the channels it was about.
fn left_after(elements: &[u8]) -> (Vec<u16>, ChannelSet) {
    let mut alone = with_calls();
    let said = alone.ask(&[&[8, 2, 0, 0, 0x46][..], elements].concat());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("RESTART ACKNOWLEDGE *global"), "{said:?}");
    let restarted = alone.events.iter().find_map(|event| match event {
        Event::Restarted { channels } => Some(*channels),
        _ => None,
    });
    (alone.d.calls().map(|call| call.call.value).collect(), restarted.expect("the owner is told"))
}

#[test]
fn the_one_that_is_named() {
    assert_eq!(left_after(&[0x18, 2, 0xe9, 0x82, 0x79, 1, 0x86]), (vec![1, 2, 4], ChannelSet::on(2, 0x00ff_ffff)));
    assert_eq!(left_after(&[0x18, 2, 0xe9, 0x80, 0x79, 1, 0x86]), (vec![2, 3, 4], ChannelSet::on(0, 0x00ff_ffff)));
}

#[test]
fn without_a_name_the_one_with_the_d_channel() {
    assert_eq!(left_after(&[0x79, 1, 0x86]), (vec![1, 3, 4], ChannelSet::on(1, 0x007f_ffff)));
}

#[test]
fn all_interfaces() {
    let (left, channels) = left_after(&[0x79, 1, 0x87]);
    assert_eq!((left, channels.len()), (vec![], 24 + 23 + 24));
}

/// Cause 82: identified channel does not exist.
#[test]
fn one_there_is_not_ends_no_call() {
    let mut alone = with_calls();
    let said = alone.ask(&[8, 2, 0, 0, 0x46, 0x18, 2, 0xe9, 0x89, 0x79, 1, 0x86]);
    assert!(said[0].starts_with("STATUS *global") && said[0].contains("cause 82"), "{said:?}");
    assert_eq!(alone.state(), [10, 10, 10, 6]);
}
