//! Both ends have chosen the same value: two calls that only the flag tells apart. Each goes its own way.
//!
//! Clauses: Q.931 4.3

use crate::common::octets::{CLEARING, channel, ours, theirs};
use crate::common::{Alone, exclusive};
use isdn::Side;
use isdn::q931::message::MessageType;

#[test]
fn each_goes_its_own_way() {
    let mut alone = Alone::up(Side::User);
    let in_call = alone.be_connected();
    let out_call = alone.dial(exclusive(6));
    assert_eq!((in_call.value, out_call.value), (1, 1));
    alone.say(&ours(1, MessageType::CALL_PROCEEDING, &[&channel(6)]));
    assert_eq!(alone.ask(&ours(1, MessageType::STATUS_ENQUIRY, &[])), ["STATUS 1 cause 30 state 3"]);
    assert_eq!(alone.ask(&theirs(1, MessageType::STATUS_ENQUIRY, &[])), ["STATUS *1 cause 30 state 10"]);
    assert_eq!(alone.ask(&theirs(1, MessageType::RELEASE, &[&CLEARING])), ["RELEASE COMPLETE *1"]);
    assert_eq!(alone.state(), [3]);
    assert_eq!(alone.ask(&ours(1, MessageType::RELEASE, &[&CLEARING])), ["RELEASE COMPLETE 1"]);
    assert_eq!(alone.state(), []);
}
