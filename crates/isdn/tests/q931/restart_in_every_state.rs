//! RESTART for the channel of a call, in each of its states: the call is over without a word of its own, the channel is idle,
//! and the acknowledgement says so. Calls elsewhere know nothing of it.
//!
//! Clauses: Q.931 5.5.2

use crate::common::SECOND;
use crate::common::octets::{CHANNEL_5, channel, theirs};
use crate::common::states::{InState, all};
use isdn::q931::message::MessageType;
use isdn::{Event, Side};

#[test]
fn over_without_a_word() {
    for (side, state) in all() {
        let mut it = InState::new(side, state);
        let said = it.alone.ask(&theirs(0, MessageType::RESTART, &[&CHANNEL_5, &[0x79, 1, 0x80]]));
        assert_eq!(said, ["RESTART ACKNOWLEDGE *global channel 5!"], "{side:?} {state}");
        assert_eq!(it.alone.state(), [], "{side:?} {state}");
        let known = !matches!((side, state), (Side::User, 25) | (Side::Network, 2));
        assert_eq!(it.alone.released().len(), usize::from(known), "{side:?} {state}");
        assert!(matches!(it.alone.events.last(), Some(Event::Restarted { .. })));
        it.alone.run(SECOND * 300);
        assert_eq!(it.alone.heard(), [""; 0], "no timer is left behind");
    }
}

#[test]
fn elsewhere() {
    for (side, state) in all() {
        let mut it = InState::new(side, state);
        it.alone.say(&theirs(0, MessageType::RESTART, &[&channel(6), &[0x79, 1, 0x80]]));
        assert_eq!((it.alone.state(), it.alone.released()), (vec![state], vec![]), "{side:?}");
    }
}
