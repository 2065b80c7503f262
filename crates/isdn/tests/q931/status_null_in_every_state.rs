//! STATUS says that the far end has no such call: it is over here too, in each state, without a word.
//!
//! Clauses: Q.931 5.8.11

use crate::common::octets::status;
use crate::common::states::{InState, all};
use isdn::Side;
use isdn::q931::message::MessageType;

#[test]
fn over_at_once() {
    for (side, state) in all() {
        let mut it = InState::new(side, state);
        assert_eq!(it.say(MessageType::STATUS, &status(30, 0)), [""; 0], "{side:?} {state}");
        assert_eq!(it.alone.state(), [], "{side:?} {state}");
        let known = !matches!((side, state), (Side::User, 25) | (Side::Network, 2));
        let expected = match state {
            _ if !known => vec![],
            11 => vec![(16, false)],
            19 => vec![(16, true)],
            _ => vec![(41, true)],
        };
        assert_eq!(it.alone.released(), expected, "{side:?} {state}");
        assert_eq!(it.alone.d.counters().calls.status_in, 1);
    }
}
