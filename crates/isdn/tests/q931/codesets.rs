//! Elements of other codesets are stepped over, whatever they look like: one of them after a non-locking shift, all the rest
//! after a locking one.
//!
//! Clauses: Q.931 4.5.2, 4.5.3, 4.5.4

use crate::common::Alone;
use crate::common::octets::{CHANNEL_5, SPEECH, theirs};
use isdn::q931::message::MessageType;
use isdn::{Config, Side, Switch};

/// Called numbers in our codeset, and what looks like one in another.
const NUMBER: [u8; 4] = [0x70, 2, 0x80, b'1'];
const FOREIGN: [u8; 4] = [0x70, 2, 0x80, b'9'];

fn called(elements: &[&[u8]]) -> String {
    let mut alone = Alone::up_with(Config::new(Side::User, Switch::Ni2, false));
    alone.say(&theirs(1, MessageType::SETUP, &[&SPEECH, &CHANNEL_5, &elements.concat()]));
    alone.offered().1.called.digits.as_str().into()
}

#[test]
fn stepped_over() {
    for codeset in [5, 6, 7] {
        let locking = [0x90 | codeset];
        let once = [0x98 | codeset];
        assert_eq!(called(&[&once, &FOREIGN, &NUMBER]), "1", "for one element");
        assert_eq!(called(&[&once, &FOREIGN, &once, &FOREIGN, &NUMBER]), "1");
        assert_eq!(called(&[&once, &[0xa1], &NUMBER]), "1", "of one octet too");
        assert_eq!(called(&[&NUMBER, &locking, &FOREIGN, &FOREIGN]), "1", "for all that follow");
        assert_eq!(called(&[&locking, &FOREIGN]), "");
        assert_eq!(called(&[&NUMBER, &once]), "1", "a shift with nothing behind it");
        assert_eq!(called(&[&NUMBER, &locking]), "1");
    }
}
