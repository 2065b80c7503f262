//! After 32767 calls the call references begin at 1 again, and pass over the one that is in use.
//!
//! Clauses: Q.931 4.3

use crate::common::octets::{CLEARING, ours};
use crate::common::{Alone, exclusive};
use isdn::Side;
use isdn::q931::message::MessageType;

#[test]
fn round_and_past_the_one_in_use() {
    let mut alone = Alone::up(Side::User);
    let first = alone.dial(exclusive(1));
    assert_eq!(first.value, 1);
    alone.say(&ours(1, MessageType::CONNECT, &[&[0x18, 3, 0xa9, 0x83, 0x81]]));
    for value in (2..=32767).chain(2..=9) {
        let call = alone.dial(exclusive(5));
        assert_eq!(call.value, value, "one after the other, and 1 is in use");
        alone.say(&ours(value, MessageType::RELEASE_COMPLETE, &[&CLEARING]));
        alone.ladder.clear();
    }
    assert_eq!(alone.state(), [10]);
    assert_eq!(alone.released().len(), 32766 + 8);
    // Free again, 1 is taken when its turn comes.
    alone.say(&ours(1, MessageType::RELEASE_COMPLETE, &[&CLEARING]));
    assert_eq!(alone.dial(exclusive(5)).value, 10);
}
