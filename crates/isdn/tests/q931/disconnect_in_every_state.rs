//! DISCONNECT comes in each state: RELEASE answers it and RELEASE COMPLETE ends the call, except where we are further on
//! than that already.
//!
//! Clauses: Q.931 5.3.3, 5.3.4, 5.3.5

use crate::common::octets::CLEARING;
use crate::common::states::{InState, all};
use isdn::q931::message::MessageType;

#[test]
fn answered_with_release() {
    for (side, state) in all() {
        let mut it = InState::new(side, state);
        let said = it.say(MessageType::DISCONNECT, &CLEARING);
        let flag = if it.call.ours { "" } else { "*" };
        let expected = if state == 19 { vec![] } else { vec![format!("RELEASE {flag}1 cause 16")] };
        assert_eq!(said, expected, "{side:?} {state}");
        assert_eq!(it.alone.state(), [19]);
        assert_eq!(it.alone.released(), []);
        assert_eq!(it.say(MessageType::RELEASE_COMPLETE, &[]), [""; 0]);
        assert_eq!(it.alone.state(), []);
        // In state 11 we had begun; in 25 (user) and 2 (network) the owner has never heard of the call.
        let known = !matches!((side, state), (isdn::Side::User, 25) | (isdn::Side::Network, 2));
        let expected = if known { vec![(16, state != 11)] } else { vec![] };
        assert_eq!(it.alone.released(), expected, "{side:?} {state}");
    }
}
