//! What the bearer is to carry is told to the owner, who takes speech and 3.1 kHz audio in either law and refuses the rest with
//! 65, 58 or 88: a data call in a conference is noise.
//!
//! Clauses: Q.931 4.5.5, 5.2.2; Q.850 2 (65), 2 (58), 2 (88)

use crate::common::Alone;
use crate::common::octets::{CHANNEL_5, theirs};
use isdn::q931::message::MessageType;
use isdn::{Bearer, Cause, Side};

#[test]
fn told_and_refused() {
    let cases: [(&[u8], Bearer); 9] = [
        (&[0x80, 0x90, 0xa2], Bearer::Speech),
        (&[0x80, 0x90, 0xa3], Bearer::Speech),
        (&[0x90, 0x90, 0xa2], Bearer::Audio31),
        (&[0x90, 0x90, 0xa3], Bearer::Audio31),
        (&[0x88, 0x90], Bearer::Other(8)),             // 64 kbit/s, unrestricted
        (&[0x88, 0x90, 0x21, 0x8f], Bearer::Other(8)), // 56 kbit/s
        (&[0x89, 0x90], Bearer::Other(9)),             // restricted
        (&[0x91, 0x90, 0xa5], Bearer::Other(0x11)),    // unrestricted with tones
        (&[0x98, 0x90], Bearer::Other(0x18)),          // video
    ];
    for (content, bearer) in cases {
        for cause in [65, 58, 88] {
            let mut alone = Alone::up(Side::User);
            let element = [&[0x04, content.len() as u8], content].concat();
            alone.say(&theirs(1, MessageType::SETUP, &[&element, &CHANNEL_5]));
            let (call, setup) = alone.offered();
            assert_eq!(setup.bearer, bearer, "{content:02x?}");
            alone.clear(call, Cause::user(cause));
            assert_eq!(alone.heard(), [format!("RELEASE COMPLETE *1 cause {cause}")]);
            assert_eq!(alone.state(), []);
        }
    }
}
