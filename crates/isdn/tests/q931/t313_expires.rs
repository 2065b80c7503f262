//! We answer and the network does not acknowledge: after T313 the user side clears with 102. The network side has no T313: it is
//! connected as soon as it has sent CONNECT.
//!
//! Clauses: Q.931 5.2.7, 5.2.8, 9 T313

use crate::common::SECOND;
use crate::common::states::InState;
use isdn::q931::message::MessageType;
use isdn::{Event, Side, Timer};

#[test]
fn the_user_waits() {
    let mut it = InState::new(Side::User, 8);
    it.alone.run(SECOND * 3);
    assert_eq!(it.alone.ladder, [""; 0]);
    it.alone.run(SECOND);
    assert_eq!(it.alone.ladder, ["4.0 > DISCONNECT *1 cause 102"]);
    assert_eq!(it.alone.d.counters().calls.expiries(Timer::T313), 1);
    // The acknowledgement that was on its way comes to nothing.
    assert_eq!(it.say(MessageType::CONNECT_ACKNOWLEDGE, &[]), [""; 0]);
    assert_eq!(it.say(MessageType::RELEASE, &[]), ["RELEASE COMPLETE *1"]);
    assert_eq!(it.alone.released(), [(102, false)]);
    assert!(!it.alone.events.contains(&Event::Connected { call: it.call }));
}

#[test]
fn in_time() {
    let mut it = InState::new(Side::User, 8);
    it.alone.run(SECOND * 3);
    it.say(MessageType::CONNECT_ACKNOWLEDGE, &[]);
    it.alone.run(SECOND * 60);
    assert_eq!((it.alone.state(), &it.alone.events[..]), (vec![10], &[Event::Connected { call: it.call }][..]));
}

#[test]
fn the_network_does_not() {
    let mut it = InState::new(Side::Network, 4);
    it.alone.connect(it.call);
    assert_eq!(it.alone.events, [Event::Connected { call: it.call }]);
    it.alone.run(SECOND * 600);
    assert_eq!(it.alone.state(), [10]);
}
