//! Messages without an element they must have, with one that makes no sense, or with one we do not know (5.8.6, 5.8.7).
//! Clearing messages clear all the same; others are not acted upon, and STATUS says why.
//!
//! Clauses: Q.931 5.8.4, 5.8.6.1, 5.8.6.2, 5.8.7.1, 5.8.7.2; Q.850 2 (31), 2 (96), 2 (100)

use crate::common::Alone;
use isdn::{ChannelChoice, Event, Side};

/// SETUP: the call never comes to be.
#[test]
fn in_setup() {
    let cases: [(&[u8], &str); 6] = [
        (&[0x18, 3, 0xa9, 0x83, 0x85, 0x70, 3, 0x80, b'1', b'2'], "RELEASE COMPLETE *35 cause 96 [04]"),
        (&[0x04, 1, 0x80, 0x18, 3, 0xa9, 0x83, 0x85], "RELEASE COMPLETE *35 cause 100 [04]"),
        (&[0x04, 3, 0x80, 0x90, 0xa2], "RELEASE COMPLETE *35 cause 96 [18]"),
        (&[0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x80], "RELEASE COMPLETE *35 cause 100 [18]"),
        (&[0x02, 0, 0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85], "RELEASE COMPLETE *35 cause 96 [02]"),
        (&[0x04, 200, 0x80, 0x90, 0xa2], "RELEASE COMPLETE *35 cause 100 [04]"),
    ];
    let mut alone = Alone::up(Side::User);
    for (elements, answer) in cases {
        let message = [&[8, 2, 0x00, 0x23, 0x05], elements].concat();
        assert_eq!(alone.ask(&message), [answer], "{elements:02x?}");
    }
    assert_eq!((alone.events.len(), alone.state()), (0, vec![]));
    let counters = alone.d.counters().calls;
    assert_eq!((counters.element_missing, counters.element_invalid), (3, 3));
}

/// Elements that may be absent and are wrong, or unknown without needing to be known: as if they were not there.
#[test]
fn optional_elements_do_not_matter() {
    let mut alone = Alone::up(Side::User);
    let elements = [
        &[0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85][..],
        &[0x1e, 1, 0x80],       // Progress Indicator cut short
        &[0x6c, 2, 0x80, b'x'], // a calling number of no digits
        &[0x35, 2, 1, 2],       // not in table 4-3
        &[0x70, 3, 0x80, b'1', b'2'],
        &[0x96, 0x02, 1, 0], // must be understood, but not in codeset 6
    ]
    .concat();
    assert_eq!(alone.ask(&[&[8, 2, 0x00, 0x23, 0x05], &elements[..]].concat()), [""; 0]);
    let Some(Event::Incoming { setup, .. }) = alone.events.last() else { panic!("offered") };
    assert_eq!(setup.called.digits, "12");
    assert_eq!(setup.calling, None);
    assert_eq!(alone.d.counters().calls.element_ignored, 1);
}

/// Towards the network the channel may be left open.
#[test]
fn the_network_needs_no_channel() {
    let mut alone = Alone::up(Side::Network);
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x23, 0x05, 0x04, 3, 0x80, 0x90, 0xa2]), [""; 0]);
    let Some(Event::Incoming { setup, .. }) = alone.events.last() else { panic!("offered") };
    assert_eq!(setup.channel, ChannelChoice::Any);
}

#[test]
fn in_clearing_messages() {
    type Released = Option<(u8, bool)>;
    let cases: [(&[u8], &str, Released); 6] = [
        (&[0x45], "RELEASE *1 cause 96 [08]", None),
        (&[0x45, 0x08, 1, 0x80], "RELEASE *1 cause 100 [08]", None),
        (&[0x45, 0x08, 2, 0x80, 0x90, 0x03, 0], "RELEASE *1 cause 96 [03]", None),
        (&[0x4d], "RELEASE COMPLETE *1 cause 96 [08]", Some((31, true))),
        (&[0x4d, 0x08, 2, 0x80, 0x80], "RELEASE COMPLETE *1 cause 100 [08]", Some((31, true))),
        (&[0x4d, 0x08, 2, 0x80, 0x91, 0x03, 0], "RELEASE COMPLETE *1 cause 96 [03]", Some((17, true))),
    ];
    for (rest, answer, released) in cases {
        let mut alone = Alone::up(Side::User);
        alone.be_connected();
        assert_eq!(alone.ask(&[&[8, 2, 0x00, 0x01], rest].concat()), [answer], "{rest:02x?}");
        assert_eq!(alone.released(), released.into_iter().collect::<Vec<_>>());
        if released.is_none() {
            assert_eq!(alone.state(), [19]);
            alone.say(&[8, 2, 0x00, 0x01, 0x5a]);
            assert_eq!(alone.released().len(), 1);
        }
    }
}

/// RELEASE COMPLETE without a cause is taken for normal, unspecified.
#[test]
fn release_complete_without_a_cause() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x5a]), [""; 0]);
    assert_eq!(alone.released(), [(31, true)]);
}

/// RELEASE in answer to DISCONNECT needs no cause.
#[test]
fn release_in_answer() {
    let mut alone = Alone::up(Side::User);
    let call = alone.be_connected();
    alone.d.clear(alone.now, call, crate::common::NORMAL).expect("active");
    alone.settle();
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x4d]), ["RELEASE COMPLETE *1"]);
    assert_eq!(alone.released(), [(16, false)]);
}

/// The first response to our SETUP must name a channel if we did not (5.8.6.1); it is not acted upon.
#[test]
fn in_the_first_response() {
    let mut alone = Alone::up(Side::User);
    alone.dial(ChannelChoice::Any);
    assert_eq!(alone.ask(&[8, 2, 0x80, 0x01, 0x02]), ["STATUS 1 cause 96 [18] state 1"]);
    assert_eq!(alone.ask(&[8, 2, 0x80, 0x01, 0x02, 0x18, 1, 0x80]), ["STATUS 1 cause 100 [18] state 1"]);
    assert_eq!(alone.state(), [1]);
    assert_eq!(alone.ask(&[8, 2, 0x80, 0x01, 0x02, 0x18, 3, 0xa9, 0x83, 0x85]), [""; 0]);
    assert_eq!(alone.state(), [3]);
}

/// Unknown types and types out of turn in every state a connected call goes through (5.8.4): 97 and 101, and the call goes on.
#[test]
fn unexpected_messages() {
    let mut alone = Alone::up(Side::User);
    alone.be_called();
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x07]), ["STATUS *1 cause 101 [07] state 6"]);
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    let cases: [(u8, &[&str]); 8] = [
        (0x3f, &["STATUS *1 cause 97 [3f] state 10"]),
        (0xff, &["STATUS *1 cause 97 [ff] state 10"]),
        (0x25, &["STATUS *1 cause 97 [25] state 10"]), // SUSPEND: basic rate
        (0x02, &["STATUS *1 cause 101 [02] state 10"]),
        (0x46, &["STATUS *1 cause 101 [46] state 10"]), // RESTART with a call's reference
        (0x0f, &[]),                                    // CONNECT ACKNOWLEDGE again
        (0x62, &[]),                                    // FACILITY
        (0x75, &["STATUS *1 cause 30 state 10"]),
    ];
    for (kind, answer) in cases {
        assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, kind]), answer, "{kind:02x}");
    }
    assert_eq!(alone.state(), [10]);
    // A message that must be understood and is not, in the middle of a call.
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x7b, 0x05, 1, 0]), ["STATUS *1 cause 96 [05] state 10"]);
}
