//! Messages of the basic call's neighbours: notifications ask for nothing, suspending and user-to-user signalling are not
//! done here and are refused as any message type that is not implemented, and the call goes on.
//!
//! Clauses: Q.931 3.1.7, 5.6.3, 5.6.5, 5.8.4, 5.9

use crate::common::Alone;
use isdn::Side;

/// NOTIFY: taken, whatever it says, in any state of a call.
#[test]
fn notify() {
    let suspended = [8, 2, 0x00, 0x01, 0x6e, 0x27, 1, 0x80];
    let mut alone = Alone::up(Side::User);
    alone.be_called();
    assert_eq!(alone.ask(&suspended), [""; 0]);
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    for indication in [0x80, 0x81, 0xf9, 0xfa, 0xff] {
        assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x6e, 0x27, 1, indication]), [""; 0]);
    }
    assert_eq!((alone.state(), alone.events.len()), (vec![10], 0));
}

/// Without its indicator it says nothing: mandatory (3.1.7).
#[test]
fn notify_without_an_indicator() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x6e]), ["STATUS *1 cause 96 [27] state 10"]);
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x6e, 0x27, 0]), ["STATUS *1 cause 100 [27] state 10"]);
}

/// INFORMATION with text for a telephone's display, in the middle of a call.
#[test]
fn information_in_a_conversation() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x7b, 0x28, 4, b'0', b'.', b'1', b'2']), [""; 0]);
    assert_eq!((alone.state(), alone.events.len()), (vec![10], 0));
}

/// USER INFORMATION and CONGESTION CONTROL belong to user-to-user signalling, which nobody has agreed on; SUSPEND and the
/// answers to it to the basic rate. A network without suspension treats SUSPEND so too (5.6.3).
#[test]
fn what_is_not_implemented_is_refused() {
    let messages: [(&[u8], &str); 7] = [
        (&[0x20, 0x7e, 3, 0x04, b'h', b'i'], "STATUS *1 cause 97 [20] state 10"),
        (&[0x79, 0xbf, 0x08, 2, 0x82, 0xab], "STATUS *1 cause 97 [79] state 10"),
        (&[0x25, 0x10, 1, 0x31], "STATUS *1 cause 97 [25] state 10"),
        (&[0x2d], "STATUS *1 cause 97 [2d] state 10"),
        (&[0x21, 0x08, 2, 0x82, 0x9d], "STATUS *1 cause 97 [21] state 10"),
        (&[0x2e, 0x18, 3, 0xa9, 0x83, 0x85], "STATUS *1 cause 97 [2e] state 10"),
        (&[0x22, 0x08, 2, 0x82, 0x9d], "STATUS *1 cause 97 [22] state 10"),
    ];
    for side in [Side::User, Side::Network] {
        let mut alone = Alone::up(side);
        alone.be_connected();
        for (message, answer) in messages {
            assert_eq!(alone.ask(&[&[8, 2, 0x00, 0x01], message].concat()), [answer], "{side:?}");
        }
        assert_eq!((alone.state(), alone.events.len()), (vec![10], 0));
        assert_eq!(alone.d.counters().calls.unexpected, 7);
    }
}

/// RESUME comes with a call reference of its own, which a network without resumption does not know (5.8.3.2 a).
#[test]
fn resume() {
    let mut alone = Alone::up(Side::Network);
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x09, 0x26, 0x10, 1, 0x31]), ["RELEASE COMPLETE *9 cause 81"]);
}
