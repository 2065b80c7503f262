//! DISCONNECT is not answered: after T305 RELEASE follows with the cause that DISCONNECT had. From then on it is RELEASE that is
//! answered, and a RELEASE of the far end still ends the call.
//!
//! Clauses: Q.931 5.3.3, 5.3.4, 9 T305

use crate::common::SECOND;
use crate::common::octets::CLEARING;
use crate::common::states::InState;
use isdn::q931::message::MessageType;
use isdn::{Side, Timer};

#[test]
fn then_release() {
    for (side, arrow) in [(Side::User, '>'), (Side::Network, '<')] {
        for answer in [MessageType::RELEASE_COMPLETE, MessageType::RELEASE] {
            let mut it = InState::new(side, 11);
            it.alone.run(SECOND * 29);
            assert_eq!(it.alone.ladder, [""; 0]);
            it.alone.run(SECOND);
            assert_eq!(it.alone.ladder, [format!("30.0 {arrow} RELEASE *1 cause 16")]);
            assert_eq!(it.alone.state(), [19]);
            assert_eq!(it.alone.d.counters().calls.expiries(Timer::T305), 1);
            assert_eq!(it.say(answer, &CLEARING), [""; 0], "{}", answer.name());
            assert_eq!(it.alone.released(), [(16, false)]);
            it.alone.run(SECOND * 60);
            assert_eq!(it.alone.released().len(), 1);
        }
    }
}

/// In time: RELEASE is confirmed and nothing more is said.
#[test]
fn in_time() {
    let mut it = InState::new(Side::User, 11);
    it.alone.run(SECOND * 29);
    assert_eq!(it.say(MessageType::RELEASE, &CLEARING), ["RELEASE COMPLETE *1"]);
    it.alone.run(SECOND * 60);
    assert_eq!((&it.alone.ladder[..], it.alone.released()), (&[][..], vec![(16, false)]));
}
