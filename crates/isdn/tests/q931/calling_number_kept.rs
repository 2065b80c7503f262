//! The caller's number with what is said of it: type, plan, whether it may be shown, and who vouches for it. An absent octet 3a
//! means that it may be shown and nobody vouches; a number may be withheld, and then there are no digits.
//!
//! Clauses: Q.931 4.5.10

use crate::common::octets::{CHANNEL_5, SPEECH, theirs};
use crate::common::{Alone, Pair, SHORT, exclusive, setup};
use isdn::q931::message::MessageType;
use isdn::{Config, Number, Presentation, Screening, Setup, Side, Switch};

const PRESENTATIONS: [Presentation; 3] = [Presentation::Allowed, Presentation::Restricted, Presentation::Unavailable];
const SCREENINGS: [Screening; 4] =
    [Screening::UserNotScreened, Screening::UserPassed, Screening::UserFailed, Screening::Network];

#[test]
fn from_end_to_end() {
    let config = |side| Config::new(side, Switch::EuroIsdn, true);
    for from in [Side::User, Side::Network] {
        for (presentation, screening) in PRESENTATIONS.into_iter().flat_map(|p| SCREENINGS.map(|s| (p, s))) {
            for kind in 0..8 {
                let calling = Number { kind, presentation, screening, ..Number::new("2125550100") };
                let mut pair = Pair::up_with(config(Side::User), config(Side::Network));
                let now = pair.now;
                let said = Setup { calling: Some(calling.clone()), ..setup(exclusive(5)) };
                pair.end(from).d.dial(now, &said).expect("up");
                pair.run(SHORT);
                assert_eq!(pair.end(from.peer()).offers()[0].calling, Some(calling));
            }
        }
    }
}

#[test]
fn octet_by_octet() {
    use Presentation::{Allowed, Restricted, Unavailable};
    use Screening::{Network, UserFailed, UserNotScreened, UserPassed};
    type Case<'a> = (&'a [u8], &'a str, u8, u8, Presentation, Screening);
    let cases: [Case; 6] = [
        (&[0x80, b'1'], "1", 0, 0, Allowed, UserNotScreened),
        (&[0xa1, b'2', b'1'], "21", 2, 1, Allowed, UserNotScreened),
        (&[0x21, 0x81, b'1'], "1", 2, 1, Allowed, UserPassed),
        (&[0x11, 0x82, b'1'], "1", 1, 1, Allowed, UserFailed),
        (&[0x41, 0xa3, b'1'], "1", 4, 1, Restricted, Network),
        (&[0x00, 0xc3], "", 0, 0, Unavailable, Network),
    ];
    for (content, digits, kind, plan, presentation, screening) in cases {
        let mut alone = Alone::up(Side::User);
        let element = [&[0x6c, content.len() as u8], content].concat();
        alone.say(&theirs(1, MessageType::SETUP, &[&SPEECH, &CHANNEL_5, &element]));
        let expected = Number { digits: digits.chars().collect(), kind, plan, presentation, screening };
        assert_eq!(alone.offered().1.calling, Some(expected), "{content:02x?}");
    }
}
