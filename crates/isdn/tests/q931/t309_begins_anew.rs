//! The link is lost under a call, comes back within T309, and is lost again: each time the call has all of T309. Nobody clears
//! it in between, and T309 does not run while the link is there.
//!
//! Clauses: Q.931 5.8.9, 9 T309; Q.850 2 (27)

use crate::common::octets::status;
use crate::common::states::InState;
use crate::common::{SECOND, t};
use isdn::q931::message::MessageType;
use isdn::{Event, Side, Timer};

#[test]
fn each_loss_has_all_of_it() {
    let mut it = InState::new(Side::User, 10);
    let t309 = t(Timer::T309);
    for _ in 0..3 {
        // Taken down on purpose by the far end, which answers nothing for a while.
        it.alone.far.release(it.alone.now);
        it.alone.settle();
        assert!(!it.alone.d.is_up());
        it.alone.now += t309 - SECOND;
        it.alone.d.handle_timeout(it.alone.now);
        assert_eq!(it.alone.state(), [10]);
        it.alone.far.establish(it.alone.now);
        it.alone.settle();
        assert!(it.alone.d.is_up());
        it.say(MessageType::STATUS, &status(30, 10));
        it.alone.run(t309 * 2);
        assert_eq!(it.alone.state(), [10]);
    }
    assert_eq!(it.alone.d.counters().calls.expiries(Timer::T309), 0);
    assert!(!it.alone.events.iter().any(|event| matches!(event, Event::Released { .. })));
}

/// All of it and no more.
#[test]
fn and_then_it_is_over() {
    let mut it = InState::new(Side::User, 10);
    it.alone.d.stop(it.alone.now);
    it.alone.settle();
    assert_eq!(it.alone.released(), [(27, false)], "stopping waits for nothing");

    let mut pair = crate::common::Pair::up();
    let (_, theirs) = pair.connected(Side::Network, 5);
    pair.cut = true;
    while pair.user.d.is_up() {
        pair.run(SECOND / 10);
    }
    pair.run(t(Timer::T309) - SECOND);
    assert_eq!(pair.user.state(theirs), 10);
    pair.run(SECOND * 2);
    assert_eq!(pair.user.ended(), (27, false));
    assert_eq!(pair.user.d.counters().calls.expiries(Timer::T309), 1);
}
