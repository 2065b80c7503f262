//! SETUP ACKNOWLEDGE, and then nothing: T304 bounds the wait for more. Any further response ends it.
//!
//! Clauses: Q.931 5.1.3, 5.2.5.3, 9 T304

use crate::common::SECOND;
use crate::common::states::InState;
use isdn::Side;
use isdn::q931::message::MessageType;

#[test]
fn silence() {
    for (side, state, seconds, arrow) in [(Side::User, 2, 30, '>'), (Side::Network, 25, 20, '<')] {
        let mut it = InState::new(side, state);
        it.alone.run(SECOND * (seconds - 1));
        assert_eq!(it.alone.ladder, [""; 0]);
        it.alone.run(SECOND);
        assert_eq!(it.alone.ladder, [format!("{seconds}.0 {arrow} DISCONNECT 1 cause 102")]);
        assert_eq!(it.say(MessageType::RELEASE, &[]), ["RELEASE COMPLETE 1"]);
        assert_eq!(it.alone.released(), [(102, false)]);
    }
}

#[test]
fn ended_by_whatever_comes_next() {
    for (kind, state) in [(MessageType::CALL_PROCEEDING, 3), (MessageType::ALERTING, 4), (MessageType::CONNECT, 10)] {
        let mut it = InState::new(Side::User, 2);
        it.alone.run(SECOND * 29);
        it.say(kind, &[]);
        it.alone.ladder.clear();
        it.alone.run(SECOND * 5);
        assert_eq!((it.alone.state(), &it.alone.ladder[..]), (vec![state], &[][..]), "{}", kind.name());
    }
}
