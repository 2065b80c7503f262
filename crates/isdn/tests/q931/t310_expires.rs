//! CALL PROCEEDING, and then nothing: T310 bounds the wait. ALERTING and CONNECT end it; the far end hears 102, our owner 18,
//! no user responding.
//!
//! Clauses: Q.931 5.1.5.1, 5.2.5.3, 9 T310; Q.850 2 (18)

use crate::common::SECOND;
use crate::common::states::InState;
use isdn::Side;
use isdn::q931::message::MessageType;

#[test]
fn silence() {
    for (side, state, seconds, arrow) in [(Side::User, 3, 30, '>'), (Side::Network, 9, 10, '<')] {
        let mut it = InState::new(side, state);
        it.alone.run(SECOND * (seconds - 1));
        assert_eq!(it.alone.ladder, [""; 0]);
        it.alone.run(SECOND);
        assert_eq!(it.alone.ladder, [format!("{seconds}.0 {arrow} DISCONNECT 1 cause 102")]);
        assert_eq!(it.say(MessageType::RELEASE, &[]), ["RELEASE COMPLETE 1"]);
        assert_eq!(it.alone.released(), [(18, false)]);
    }
}

#[test]
fn ended_by_whatever_comes_next() {
    for (kind, state) in [(MessageType::ALERTING, 7), (MessageType::CONNECT, 10)] {
        let mut it = InState::new(Side::Network, 9);
        it.alone.run(SECOND * 9);
        it.say(kind, &[]);
        it.alone.ladder.clear();
        it.alone.run(SECOND * 5);
        assert_eq!((it.alone.state(), &it.alone.ladder[..]), (vec![state], &[][..]), "{}", kind.name());
    }
}
