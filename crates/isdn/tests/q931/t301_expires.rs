//! It rings and nobody answers. T301 runs from ALERTING, whichever message came before; an answer in its last second is an
//! answer. The far end hears 102, recovery on timer expiry, our owner 19, no answer.
//!
//! Clauses: Q.931 5.1.7, 5.2.5.3, 9 T301; Q.850 2 (19), 2 (102)

use crate::common::octets::CHANNEL_5;
use crate::common::states::InState;
use crate::common::{SECOND, timers};
use isdn::q931::message::MessageType;
use isdn::{Side, Timer};

#[test]
fn nobody_answers() {
    for (side, state, arrow) in [(Side::User, 4, '>'), (Side::Network, 7, '<')] {
        let mut it = InState::new(side, state);
        let t301 = timers(side).get(Timer::T301);
        assert!(t301 >= SECOND * 180, "three minutes or more");
        it.alone.run(t301 - SECOND);
        assert_eq!((it.alone.state(), &it.alone.ladder[..]), (vec![state], &[][..]));
        it.alone.run(SECOND);
        assert_eq!(it.alone.ladder, [format!("180.0 {arrow} DISCONNECT 1 cause 102")]);
        assert_eq!(it.say(MessageType::RELEASE, &[]), ["RELEASE COMPLETE 1"]);
        assert_eq!(it.alone.released(), [(19, false)]);
    }
}

/// T301 begins anew with ALERTING, however long CALL PROCEEDING was ago.
#[test]
fn from_alerting_on() {
    let mut it = InState::new(Side::User, 3);
    it.alone.run(SECOND * 20);
    it.say(MessageType::ALERTING, &[]);
    it.alone.run(SECOND * 179);
    assert_eq!(it.alone.state(), [4]);
    it.say(MessageType::CONNECT, &[]);
    it.alone.run(SECOND * 600);
    assert_eq!((it.alone.state(), it.alone.released()), (vec![10], vec![]));
}

/// ALERTING a second time is nothing new, and gives no more time.
#[test]
fn ringing_twice_is_ringing_once() {
    let mut it = InState::new(Side::User, 4);
    it.alone.run(SECOND * 100);
    it.say(MessageType::ALERTING, &CHANNEL_5);
    it.alone.ladder.clear();
    it.alone.run(SECOND * 81);
    assert_eq!(it.alone.ladder, ["180.0 > DISCONNECT 1 cause 102"]);
}
