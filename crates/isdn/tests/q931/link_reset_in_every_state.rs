//! The far end establishes a link that was up: messages may have been lost. Calls in the middle of a number are cleared with 41,
//! all others go on, and where the two ends could now differ they are asked.
//!
//! Clauses: Q.931 5.8.8

use crate::common::SECOND;
use crate::common::states::{InState, all};
use isdn::{Event, Output, Side};

/// RELEASE has been sent for the second time, after which no timer sends it, and both are lost with the old link. Without a third
/// the far end would hold the call for ever: what it hears of ours, Release Request, fits whatever it is in.
#[test]
fn the_last_release_is_sent_again() {
    for (side, state) in all().filter(|(_, state)| *state == 19) {
        let mut it = InState::new(side, state);
        let sabme = if side == Side::User { [0x02, 0x01, 0x7f] } else { [0x00, 0x01, 0x7f] };
        let mut released = Vec::new();
        for second in 0..8u32 {
            it.alone.now += SECOND;
            it.alone.d.handle_timeout(it.alone.now);
            if second == 5 {
                it.alone.d.handle_frame(it.alone.now, &sabme);
            }
            while let Some(output) = it.alone.d.poll_output() {
                match output {
                    Output::Frame(_, frame) if frame[2] & 1 == 0 && frame[8] == 0x4d => released.push(second),
                    _ => {}
                }
            }
        }
        assert_eq!(released, [3, 5], "{side:?}");
    }
}

#[test]
fn what_becomes_of_each() {
    for (side, state) in all() {
        let mut it = InState::new(side, state);
        let sabme = if side == Side::User { [0x02, 0x01, 0x7f] } else { [0x00, 0x01, 0x7f] };
        it.alone.d.handle_frame(it.alone.now, &sabme);
        let mut said = Vec::new();
        let mut events = Vec::new();
        while let Some(output) = it.alone.d.poll_output() {
            match output {
                Output::Frame(_, frame) if frame[2] & 1 == 0 => said.push(frame[8]),
                Output::Frame(_, _) => {}
                Output::Event(event) => events.push(event),
            }
        }
        assert_eq!(events, [Event::LinkUp { reset: true }], "{side:?} {state}");
        let overlap = matches!(state, 2 | 25);
        let called = matches!((side, state), (Side::User, 6 | 7 | 9) | (Side::Network, 1 | 3 | 4));
        let next = if overlap { 11 } else { state };
        assert_eq!(it.alone.state(), [next], "{side:?} {state}");
        match state {
            _ if overlap => assert_eq!(said, [0x45], "DISCONNECT"),
            // No timer of this side would find out.
            10 => assert_eq!(said, [0x75], "STATUS ENQUIRY"),
            _ if called => assert_eq!(said, [0x75], "STATUS ENQUIRY"),
            _ => assert_eq!(said, [], "{side:?} {state}"),
        }
        // A far end that says nothing more: each ends by its timers.
        for _ in 0..400 {
            it.alone.now += SECOND;
            it.alone.d.handle_timeout(it.alone.now);
            while it.alone.d.poll_output().is_some() {}
        }
        assert_eq!(it.alone.state(), [], "{side:?} {state}");
    }
}
