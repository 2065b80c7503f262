//! We ask for any channel, and the answer names one that has a call, or one we do not have: not acceptable. The call on it goes
//! on.
//!
//! Clauses: Q.931 5.1.2; Q.850 2 (6)

use crate::common::Alone;
use crate::common::octets::{channel, ours};
use isdn::q931::message::MessageType;
use isdn::{ChannelChoice, Side};

#[test]
fn not_acceptable() {
    for kind in
        [MessageType::SETUP_ACKNOWLEDGE, MessageType::CALL_PROCEEDING, MessageType::ALERTING, MessageType::CONNECT]
    {
        for number in [5, 24, 31] {
            let mut alone = Alone::up(Side::User);
            alone.be_connected();
            alone.dial(ChannelChoice::Any);
            let said = alone.ask(&ours(1, kind, &[&channel(number)]));
            assert_eq!(said, ["RELEASE 1 cause 6"], "{} {number}", kind.name());
            alone.say(&ours(1, MessageType::RELEASE_COMPLETE, &[]));
            assert_eq!(alone.released(), [(6, false)]);
            assert_eq!(alone.state(), [10]);
        }
    }
}
