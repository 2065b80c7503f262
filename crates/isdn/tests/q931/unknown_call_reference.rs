//! Messages for calls that are not there, and with the global call reference where it does not belong (5.8.3.2).
//!
//! Clauses: Q.931 4.2, 5.8.1, 5.8.2, 5.8.3.1, 5.8.3.2; Q.850 2 (81)

use crate::common::Alone;
use isdn::Side;

/// What comes back for a message to nobody. Call reference 0x22, chosen by the far end or by us.
#[test]
fn for_a_call_that_is_not_there() {
    let cases: [(&[u8], &[&str]); 13] = [
        (&[8, 2, 0x00, 0x22, 0x07], &["RELEASE COMPLETE *34 cause 81"]), // CONNECT
        (&[8, 2, 0x80, 0x22, 0x02], &["RELEASE COMPLETE 34 cause 81"]),  // CALL PROCEEDING
        (&[8, 2, 0x00, 0x22, 0x45, 0x08, 2, 0x80, 0x90], &["RELEASE COMPLETE *34 cause 81"]), // DISCONNECT
        (&[8, 2, 0x00, 0x22, 0x4d], &["RELEASE COMPLETE *34 cause 81"]), // RELEASE
        (&[8, 2, 0x00, 0x22, 0x5a], &[]),                                // RELEASE COMPLETE
        (&[8, 2, 0x80, 0x22, 0x05, 0x04, 3, 0x80, 0x90, 0xa2], &[]),     // SETUP that is no answer to us
        (&[8, 2, 0x00, 0x22, 0x75], &["STATUS *34 cause 30 state 0"]),   // STATUS ENQUIRY
        (&[8, 2, 0x00, 0x22, 0x7d, 0x08, 2, 0x80, 0x9e, 0x14, 1, 10], &["RELEASE COMPLETE *34 cause 101"]),
        (&[8, 2, 0x00, 0x22, 0x7d, 0x08, 2, 0x80, 0x9e, 0x14, 1, 0], &[]),
        (&[8, 2, 0x00, 0x22, 0x7d], &[]),
        (&[8, 2, 0x00, 0x22, 0x3f], &["RELEASE COMPLETE *34 cause 81"]), // unknown type
        (&[8, 1, 0x22, 0x07], &["RELEASE COMPLETE *34 cause 81"]),       // reference of one octet
        (&[8, 0, 0x62], &[]),                                            // dummy call reference
    ];
    for side in [Side::User, Side::Network] {
        let mut alone = Alone::up(side);
        for (message, answer) in cases {
            assert_eq!(alone.ask(message), answer, "{side:?} {message:02x?}");
        }
        assert_eq!(alone.events, []);
        assert_eq!(alone.state(), []);
        assert_eq!(alone.d.counters().calls.unknown_call, 12);
    }
}

/// The global call reference is for RESTART and STATUS; the flag must be right as well.
#[test]
fn the_global_reference() {
    let cases: [(&[u8], &[&str]); 6] = [
        (
            &[8, 2, 0x00, 0x00, 0x05, 0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85],
            &["STATUS *global cause 81 state 0"],
        ),
        (&[8, 2, 0x80, 0x00, 0x46, 0x18, 3, 0xa9, 0x83, 0x85, 0x79, 1, 0x80], &["STATUS global cause 81 state 0"]),
        (&[8, 2, 0x00, 0x00, 0x4e, 0x18, 3, 0xa9, 0x83, 0x85, 0x79, 1, 0x80], &["STATUS *global cause 81 state 0"]),
        (&[8, 2, 0x00, 0x00, 0x75], &["STATUS *global cause 81 state 0"]),
        (&[8, 2, 0x00, 0x00, 0x7d, 0x08, 2, 0x80, 0xd1, 0x14, 1, 0], &[]),
        (&[8, 2, 0x80, 0x00, 0x4e, 0x18, 3, 0xa9, 0x83, 0x85, 0x79, 1, 0x80], &[]),
    ];
    let mut alone = Alone::up(Side::User);
    for (message, answer) in cases {
        assert_eq!(alone.ask(message), answer, "{message:02x?}");
    }
    assert_eq!(alone.events, []);
}

/// Another protocol, or too short to say anything: not a word (5.8.1, 5.8.2). Nor to maintenance messages, acknowledgements or
/// not: two ends that answer what they do not understand never stop.
#[test]
fn what_is_not_for_us() {
    let cases: [&[u8]; 10] = [
        &[0x41, 2, 0, 0x22, 0x07],
        &[],
        &[8],
        &[8, 2, 0],
        &[8, 2, 0, 0x22],
        &[8, 5, 0, 0, 0, 0, 1, 5, 4, 3, 0x80, 0x90, 0xa2],
        &[0x03, 2, 0x00, 0, 0x0f, 0x01, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
        &[0x03, 2, 0x80, 0, 0x07, 0x01, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
        &[0x43, 2, 0x00, 0, 0x07, 0x01, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
        &[0x43, 2, 0x80, 0, 0x0f, 0x01, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
    ];
    let mut alone = Alone::up(Side::User);
    for message in cases {
        assert_eq!(alone.ask(message), [""; 0], "{message:02x?}");
    }
    assert_eq!(alone.events, []);
    let counters = alone.d.counters().calls;
    assert_eq!((counters.maintenance, counters.not_understood), (4, 6));
}

/// A second SETUP for a call that is there was answered by the first answer.
#[test]
fn setup_twice() {
    let mut alone = Alone::up(Side::User);
    alone.be_called();
    let again = [8, 2, 0x00, 0x01, 0x05, 0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x86];
    assert_eq!(alone.ask(&again), [""; 0]);
    assert_eq!((alone.events.len(), alone.state()), (1, vec![6]));
}
