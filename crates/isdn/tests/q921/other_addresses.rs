//! Frames for somebody else: layer management (SAPI 63), packets (SAPI 16), other terminals and the group TEI. They are
//! counted, never answered, and disturb no state; TEI management has no part in a primary rate interface.
//!
//! Clauses: Q.921 3.3.3, 3.3.4, 5.3

use crate::support::{fate, user_in};
use isdn::Side;
use isdn::q921::StateName::{
    AwaitingEstablishment, AwaitingRelease, MultipleFrameEstablished, TeiAssigned, TimerRecovery,
};

#[test]
fn in_every_state() {
    let frames: [&[u8]; 6] = [
        &[0xfe, 0xff, 0x03, 0x0f, 0x12, 0x34, 0x04, 0xff], // identity check request
        &[0xfe, 0xff, 0x03, 0x0f, 0x00, 0x00, 0x06, 0x01], // identity remove, TEI 0
        &[0x42, 0x01, 0x7f],                               // SABME for packets
        &[0x02, 0x03, 0x53],                               // DISC for TEI 1
        &[0x02, 0xff, 0x03, 0x08, 0x01, 0x01, 0x05, 0xa1, 0x04, 0x00], // a broadcast SETUP
        &[0x02, 0x03, 0x00, 0x00, 0x08],                   // an I frame for TEI 1
    ];
    for state in [TeiAssigned, AwaitingEstablishment, AwaitingRelease, MultipleFrameEstablished, TimerRecovery] {
        for frame in frames {
            assert_eq!(fate(state, frame), (vec![], vec![], state), "{frame:02x?}");
        }
        let mut pair = user_in(state);
        let deadline = pair.user.link.poll_timeout();
        for frame in frames {
            pair.inject(Side::User, frame);
        }
        assert_eq!(pair.user.link.counters().other_address, 6);
        assert_eq!(pair.user.link.poll_timeout(), deadline, "no timer is touched");
    }
}
