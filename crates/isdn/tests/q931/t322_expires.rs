//! STATUS ENQUIRY is not answered: it is said three times, T322 apart, and then the call is cleared with 41. STATUS that says 30,
//! 97 or 98 answers it, and so does any clearing message.
//!
//! Clauses: Q.931 5.8.10, 9 T322; Q.850 2 (41)

use crate::common::SECOND;
use crate::common::octets::{CLEARING, status};
use crate::common::states::InState;
use isdn::q931::message::MessageType;
use isdn::{Side, Timer};

/// A connected call whose link was lost and is back: we ask.
fn asking(side: Side) -> InState {
    let mut it = InState::new(side, 10);
    it.alone.far.release(it.alone.now);
    it.alone.settle();
    it.alone.far.establish(it.alone.now);
    it.alone.settle();
    assert_eq!(it.alone.heard(), ["STATUS ENQUIRY *1"]);
    it
}

#[test]
fn three_times() {
    for (side, arrow) in [(Side::User, '>'), (Side::Network, '<')] {
        let mut it = asking(side);
        it.alone.run(SECOND * 12);
        assert_eq!(
            it.alone.ladder,
            [
                format!("4.0 {arrow} STATUS ENQUIRY *1"),
                format!("8.0 {arrow} STATUS ENQUIRY *1"),
                format!("12.0 {arrow} DISCONNECT *1 cause 41")
            ]
        );
        assert_eq!(it.alone.d.counters().calls.expiries(Timer::T322), 3);
    }
}

#[test]
fn answered() {
    for cause in [30, 97, 98] {
        let mut it = asking(Side::User);
        it.alone.run(SECOND * 11);
        it.alone.ladder.clear();
        assert_eq!(it.say(MessageType::STATUS, &status(cause, 10)), [""; 0], "{cause}");
        it.alone.run(SECOND * 60);
        assert_eq!((it.alone.state(), &it.alone.ladder[..]), (vec![10], &[][..]), "{cause}");
    }
}

#[test]
fn answered_by_clearing() {
    for (kind, answer) in [
        (MessageType::DISCONNECT, &["RELEASE *1 cause 16"][..]),
        (MessageType::RELEASE, &["RELEASE COMPLETE *1"]),
        (MessageType::RELEASE_COMPLETE, &[]),
    ] {
        let mut it = asking(Side::User);
        assert_eq!(it.say(kind, &CLEARING), answer);
        it.alone.ladder.clear();
        it.alone.run(SECOND * 60);
        assert!(!it.alone.ladder.iter().any(|line| line.contains("ENQUIRY")), "{:?}", it.alone.ladder);
        assert_eq!(it.alone.released(), [(16, true)]);
    }
}
