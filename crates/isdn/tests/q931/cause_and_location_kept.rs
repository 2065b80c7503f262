//! Why a call ended, and who says so, comes through as it was said: every location, with and without the octet that names a
//! recommendation, diagnostics or not, in each of the clearing messages.
//!
//! Clauses: Q.931 4.5.12; Q.850 2.2, 2.2.3

use crate::common::states::InState;
use crate::common::{Pair, SHORT};
use isdn::q931::message::MessageType;
use isdn::{Cause, Event, Location, Side};

const LOCATIONS: [(u8, Location); 10] = [
    (0, Location::User),
    (1, Location::PrivateLocal),
    (2, Location::PublicLocal),
    (3, Location::Transit),
    (4, Location::PublicRemote),
    (5, Location::PrivateRemote),
    (6, Location::Other(6)),
    (7, Location::International),
    (10, Location::BeyondInterworking),
    (12, Location::Other(12)),
];

#[test]
fn as_it_was_said() {
    for (code, location) in LOCATIONS {
        for kind in [MessageType::DISCONNECT, MessageType::RELEASE, MessageType::RELEASE_COMPLETE] {
            for octets in [vec![0x80 | code, 0x91], vec![code, 0x80, 0x91], vec![0x80 | code, 0x91, 0x01, 0x02, 0x03]] {
                let mut it = InState::new(Side::User, 10);
                it.say(kind, &[&[0x08, octets.len() as u8], &octets[..]].concat());
                it.say(MessageType::RELEASE_COMPLETE, &[]);
                let cause = Cause { value: 17, location };
                let released = Event::Released { call: it.call, cause, by_peer: true };
                assert_eq!(it.alone.events.last(), Some(&released), "{} {octets:02x?}", kind.name());
            }
        }
    }
}

/// And ours arrives as our owner said it.
#[test]
fn as_we_say_it() {
    for (_, location) in LOCATIONS {
        for value in [16, 17, 27, 34, 44, 127] {
            let mut pair = Pair::up();
            let (ours, theirs) = pair.connected(Side::Network, 5);
            let cause = Cause { value, location };
            pair.clear(Side::Network, ours, cause);
            pair.run(SHORT);
            assert_eq!(pair.user.events.last(), Some(&Event::Released { call: theirs, cause, by_peer: true }));
        }
    }
}
