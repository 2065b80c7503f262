//! RELEASE comes in each state, DISCONNECT or not: RELEASE COMPLETE answers it and the call is over. Where RELEASE of ours is out
//! the two have crossed, and nothing more is said.
//!
//! Clauses: Q.931 5.3.3, 5.3.5, 5.8.4

use crate::common::SECOND;
use crate::common::octets::CLEARING;
use crate::common::states::{InState, all};
use isdn::Side;
use isdn::q931::message::MessageType;

#[test]
fn over_at_once() {
    for (side, state) in all() {
        for kind in [MessageType::RELEASE, MessageType::RELEASE_COMPLETE] {
            let mut it = InState::new(side, state);
            let said = it.say(kind, &CLEARING);
            let flag = if it.call.ours { "" } else { "*" };
            let answered = kind == MessageType::RELEASE && state != 19;
            let expected = if answered { vec![format!("RELEASE COMPLETE {flag}1")] } else { vec![] };
            assert_eq!(said, expected, "{side:?} {state} {}", kind.name());
            assert_eq!(it.alone.state(), []);
            let known = !matches!((side, state), (Side::User, 25) | (Side::Network, 2));
            let expected = if known { vec![(16, state != 11)] } else { vec![] };
            assert_eq!(it.alone.released(), expected, "{side:?} {state} {}", kind.name());
            // No timer is left behind.
            it.alone.ladder.clear();
            it.alone.run(SECOND * 300);
            assert_eq!(it.alone.ladder, [""; 0]);
        }
    }
}
