//! The number dialled in the forms exchanges write it: any type and plan, stars and hashes, none at all, and more digits than
//! we keep. One that cannot be a number is left out, and the call comes all the same.
//!
//! Clauses: Q.931 4.5.8, 5.8.7.2

use crate::common::Alone;
use crate::common::octets::{CHANNEL_5, SPEECH, theirs};
use isdn::q931::message::MessageType;
use isdn::{NUMBER_MAX, Side};

fn called(content: &[u8]) -> (String, u8, u8) {
    let mut alone = Alone::up(Side::User);
    let element = [&[0x70, content.len() as u8], content].concat();
    alone.say(&theirs(1, MessageType::SETUP, &[&SPEECH, &CHANNEL_5, &element]));
    let number = alone.offered().1.called;
    (number.digits.as_str().into(), number.kind, number.plan)
}

#[test]
fn as_they_are_written() {
    assert_eq!(called(&[0x80]), (String::new(), 0, 0));
    assert_eq!(called(&[0x80, b'*', b'6', b'#']), ("*6#".into(), 0, 0));
    for kind in 0..8u8 {
        for plan in [0, 1, 8, 9] {
            assert_eq!(called(&[0x80 | kind << 4 | plan, b'1', b'2']), ("12".into(), kind, plan));
        }
    }
}

#[test]
fn too_many_digits() {
    let long = [&[0x80][..], &[b'7'; 60]].concat();
    let (digits, ..) = called(&long);
    assert!(digits.len() <= NUMBER_MAX && digits.bytes().all(|digit| digit == b'7'), "{digits}");
}

#[test]
fn no_number() {
    for content in [&[0x80, b'x'][..], &[0x80, 0x00], &[]] {
        assert_eq!(called(content).0, "", "{content:02x?}");
    }
}
