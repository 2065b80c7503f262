//! An element nobody here knows, and need not know, in every message of a call: each does what it would have done without.
//!
//! Clauses: Q.931 5.8.7.1, 4.5.1

use crate::common::octets::{CHANNEL_5, CLEARING, SPEECH, ours, theirs};
use crate::common::{Alone, exclusive};
use isdn::Side;
use isdn::q931::message::MessageType;

/// Of several octets, of one with a value, and of one without: none of them in table 4-3.
const UNKNOWN: [&[u8]; 3] = [&[0x37, 3, 1, 2, 3], &[0xc5], &[0xae]];

#[test]
fn in_every_message() {
    for unknown in UNKNOWN {
        let mut alone = Alone::up(Side::User);
        alone.dial(exclusive(5));
        for (kind, elements, state) in [
            (MessageType::CALL_PROCEEDING, &CHANNEL_5[..], 3),
            (MessageType::ALERTING, &[], 4),
            (MessageType::CONNECT, &[], 10),
            (MessageType::NOTIFY, &[0x27, 1, 0x80], 10),
            (MessageType::DISCONNECT, &CLEARING, 19),
        ] {
            let said = alone.ask(&ours(1, kind, &[elements, unknown]));
            assert!(!said.iter().any(|line| line.starts_with("STATUS")), "{unknown:02x?}: {said:?}");
            assert_eq!(alone.state(), [state], "{} {unknown:02x?}", kind.name());
        }
        alone.say(&ours(1, MessageType::RELEASE_COMPLETE, &[unknown]));
        assert_eq!(alone.state(), []);

        let mut alone = Alone::up(Side::User);
        alone.say(&theirs(1, MessageType::SETUP, &[&SPEECH, &CHANNEL_5, unknown]));
        let call = alone.offered().0;
        alone.connect(call);
        alone.say(&theirs(1, MessageType::CONNECT_ACKNOWLEDGE, &[unknown]));
        assert_eq!(alone.state(), [10]);
        assert_eq!(alone.ask(&theirs(1, MessageType::RELEASE, &[&CLEARING, unknown])), ["RELEASE COMPLETE *1"]);
    }
}
