//! A forwarded call brings the number that forwarded it, with or without the octets that say whether it may be shown and why it
//! was forwarded.
//!
//! Clauses: Q.931 4.6.7

use crate::common::Alone;
use crate::common::octets::{CHANNEL_5, SPEECH, theirs};
use isdn::q931::message::MessageType;
use isdn::{Number, Presentation, Screening, Side};

#[test]
fn octet_by_octet() {
    use Presentation::{Allowed, Restricted};
    use Screening::{Network, UserNotScreened, UserPassed};
    let cases: [(&[u8], u8, Presentation, Screening); 4] = [
        (&[0xa1, b'4', b'2'], 2, Allowed, UserNotScreened),
        (&[0x21, 0x81, b'4', b'2'], 2, Allowed, UserPassed),
        (&[0x21, 0x23, 0x8f, b'4', b'2'], 2, Restricted, Network), // unconditional
        (&[0x41, 0x01, 0x82, b'4', b'2'], 4, Allowed, UserPassed), // no reply
    ];
    for (content, kind, presentation, screening) in cases {
        let mut alone = Alone::up(Side::User);
        let element = [&[0x74, content.len() as u8], content].concat();
        alone.say(&theirs(1, MessageType::SETUP, &[&SPEECH, &CHANNEL_5, &element]));
        let setup = alone.offered().1;
        assert_eq!(setup.redirecting, Some(Number { kind, presentation, screening, ..Number::new("42") }));
        assert_eq!(setup.calling, None, "it is not the caller");
    }
}
