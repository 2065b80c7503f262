//! STATUS ENQUIRY in each state: STATUS says the state and 30, and nothing changes, no timer either.
//!
//! Clauses: Q.931 4.5.7, 5.8.10; Q.850 2 (30)

use crate::common::states::{InState, all};
use isdn::q931::message::MessageType;

#[test]
fn told_as_it_is() {
    for (side, state) in all() {
        let mut it = InState::new(side, state);
        let deadline = it.alone.d.poll_timeout();
        let flag = if it.call.ours { "" } else { "*" };
        for _ in 0..3 {
            let said = it.say(MessageType::STATUS_ENQUIRY, &[]);
            assert_eq!(said, [format!("STATUS {flag}1 cause 30 state {state}")], "{side:?}");
        }
        assert_eq!((it.alone.state(), &it.alone.events[..]), (vec![state], &[][..]));
        assert_eq!(it.alone.d.poll_timeout(), deadline, "{side:?} {state}");
    }
}
