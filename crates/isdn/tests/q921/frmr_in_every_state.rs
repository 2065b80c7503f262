//! FRMR: the far end cannot make sense of a frame of ours. Only a link that is up is established again; we never send one.
//!
//! Clauses: Q.921 3.6.11, 5.8.6, 5.7.1

use crate::support::{fate, user_in};
use isdn::Side;
use isdn::q921::StateName::{
    AwaitingEstablishment, AwaitingRelease, MultipleFrameEstablished, TeiAssigned, TimerRecovery,
};

/// With and without F, its five octets of reasons behind.
const FRAMES: [[u8; 8]; 2] = [[0x00, 0x01, 0x97, 1, 0, 0, 0, 1], [0x00, 0x01, 0x87, 1, 0, 0, 0, 1]];

#[test]
fn up_and_down() {
    for frame in FRAMES {
        for state in [TeiAssigned, AwaitingEstablishment, AwaitingRelease] {
            assert_eq!(fate(state, &frame), (vec![], vec![], state));
        }
        for state in [MultipleFrameEstablished, TimerRecovery] {
            let again = (vec!["> SABME P".to_string()], vec![], AwaitingEstablishment);
            assert_eq!(fate(state, &frame), again);
        }
    }
}

/// What it rejected is not repeated to it: it would reject it again.
#[test]
fn what_was_rejected_is_not_sent_again() {
    let mut pair = user_in(MultipleFrameEstablished);
    pair.send(Side::User, b"of which it makes no sense");
    pair.inject(Side::User, &FRAMES[1]);
    pair.inject(Side::User, &[0x00, 0x01, 0x73]);
    assert_eq!(pair.ladder, ["> I 0 0 lost", "> SABME P lost"]);
    assert_eq!(pair.user.link.counters().messages_discarded, 1);
}
