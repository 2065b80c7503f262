//! Every message type there can be, in every state a call can rest in. What the state has no place for is answered with STATUS,
//! which tells the state as it is; types nobody knows change nothing; and whatever was said, the call ends once and leaves
//! nothing behind.
//!
//! Clauses: Q.931 4.4, 5.8.4; Q.850 2 (97), 2 (101)

use crate::common::NORMAL;
use crate::common::octets::CLEARING;
use crate::common::states::{InState, all};
use isdn::q931::message::MessageType;
use isdn::{Event, Side};

#[test]
fn all_of_them() {
    for (side, state) in all() {
        for kind in (0..=255).map(MessageType) {
            let mut it = InState::new(side, state);
            let said = it.say(kind, &CLEARING);
            let name = format!("{side:?} {state} {:02x} {}: {said:?}", kind.0, kind.name());
            let after = it.alone.state();
            for line in said.iter().filter(|line| line.starts_with("STATUS ") && !line.starts_with("STATUS ENQ")) {
                let told = format!("state {}", after.first().copied().unwrap_or(0));
                assert!(line.ends_with(&told), "{name}");
                assert!([30, 96, 97, 98, 101].iter().any(|cause| line.contains(&format!("cause {cause} "))), "{name}");
            }
            if !kind.is_defined() {
                assert_eq!(after, [state], "{name}");
                let flag = if it.call.ours { "" } else { "*" };
                let status = format!("STATUS {flag}1 cause 97 [{:02x}] state {state}", kind.0);
                // After a clearing message of ours whatever comes is on its way out of the call.
                let expected = if matches!(state, 11 | 19) { vec![] } else { vec![status] };
                assert_eq!(said, expected, "{name}");
            }
            assert!(said.len() <= 1, "{name}");
            let known = !matches!((side, state), (Side::User, 25) | (Side::Network, 2))
                || it.alone.events.iter().any(|event| matches!(event, Event::Incoming { .. }));
            let _ = it.alone.d.clear(it.alone.now, it.call, NORMAL);
            it.alone.d.stop(it.alone.now);
            it.alone.settle();
            assert_eq!(it.alone.state(), [], "{name}");
            assert_eq!(it.alone.released().len(), usize::from(known), "{name}");
        }
    }
}
