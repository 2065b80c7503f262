//! Elements in another order than the table's, or more often than once: the message is understood, and of what may come once the
//! first counts.
//!
//! Clauses: Q.931 5.8.5.1, 5.8.5.2

use crate::common::Alone;
use crate::common::octets::{CHANNEL_5, SPEECH, cause, channel, theirs};
use isdn::q931::message::MessageType;
use isdn::{Bearer, Side};

const NUMBER: [u8; 4] = [0x70, 2, 0x80, b'1'];
const CALLING: [u8; 4] = [0x6c, 2, 0x80, b'2'];

#[test]
fn in_any_order() {
    let orders: [[&[u8]; 4]; 4] = [
        [&SPEECH, &CHANNEL_5, &CALLING, &NUMBER],
        [&NUMBER, &CALLING, &CHANNEL_5, &SPEECH],
        [&CHANNEL_5, &NUMBER, &SPEECH, &CALLING],
        [&CALLING, &SPEECH, &NUMBER, &CHANNEL_5],
    ];
    let mut first = None;
    for order in orders {
        let mut alone = Alone::up(Side::User);
        alone.say(&theirs(1, MessageType::SETUP, &order));
        let setup = alone.offered().1;
        assert_eq!(setup.called.digits, "1");
        assert_eq!(first.get_or_insert_with(|| setup.clone()), &setup);
    }
}

#[test]
fn the_first_counts() {
    let mut alone = Alone::up(Side::User);
    let data = [0x04, 2, 0x88, 0x90];
    let other = [0x70, 2, 0x80, b'9'];
    alone.say(&theirs(1, MessageType::SETUP, &[&SPEECH, &data, &CHANNEL_5, &channel(6), &NUMBER, &other]));
    let (call, setup) = alone.offered();
    assert_eq!((setup.bearer, setup.called.digits.as_str()), (Bearer::Speech, "1"));
    alone.connect(call);
    assert_eq!(alone.heard(), ["CONNECT *1 channel 5!"]);
    alone.say(&theirs(1, MessageType::RELEASE, &[&cause(17), &cause(16)]));
    assert_eq!(alone.released(), [(17, true)]);
}
