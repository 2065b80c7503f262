//! Segmented messages, put together again before anything else looks at them.
//!
//! ```text
//!   SEGMENT, first, 2 remain ─► T314 ─► SEGMENT, 1 remains ─► T314 ─► SEGMENT, 0 remain ─► the whole message
//!                                └─ T314, a gap, another message ─► what came so far is dropped
//! ```
//!
//! A segment that does not follow its predecessor is dropped without an answer, and so is all that belongs to it; a message of
//! another kind is acted upon. Of ours none is ever so long: the longest SETUP still is one frame.
//!
//! Data path: segments → here → whole messages for `calls`.
//! Time: T314, from each segment to the next.
//! Source: Q.931 (05/98) clause 4.5.26 and Annex H, whose rules may not be interleaved with other messages of the D channel.
//! Words: remaining, segments of a message that are still to come.

use super::desk::Desk;
use super::message::{MessageType, Raw};
use super::timers::Timer;
use crate::q921::N201_MAX;
use heapless::Vec;
use std::time::Duration;

/// Segments of one message at most (Annex H.2 a).
const SEGMENTS_MAX: u8 = 8;

/// The longest message they can make.
const LENGTH_MAX: usize = SEGMENTS_MAX as usize * N201_MAX;

/// Receiving a segmented message.
#[derive(Clone, Copy, Debug)]
struct Receiving {
    t314: Duration,
    remaining: u8,
    /// Octets of discriminator and call reference, in which all segments agree.
    header: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// The message so far, from its discriminator on, as if it had come in one piece.
    octets: Vec<u8, LENGTH_MAX>,
    receiving: Option<Receiving>,
}

impl Segments {
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.receiving.map(|receiving| receiving.t314)
    }

    /// T314 (H.3 d).
    pub fn handle_timeout(&mut self, desk: &mut Desk) {
        if self.receiving.is_some_and(|receiving| receiving.t314 <= desk.now) {
            desk.counters.count_expiry(Timer::T314);
            self.drop_all(desk);
        }
    }

    /// What came so far is of no use any more: the rest will not come.
    pub fn drop_all(&mut self, desk: &mut Desk) {
        if self.receiving.take().is_some() {
            desk.counters.segments_lost += 1;
        }
    }

    /// Takes a segment, whole and taken apart; gives the message, if this completes one.
    pub fn take(&mut self, desk: &mut Desk, message: &[u8], raw: &Raw<'_>) -> Option<&[u8]> {
        let header = message.len() - raw.elements.len() - 1;
        match self.append(desk, &message[..header], raw.elements) {
            Some(0) => {
                self.receiving = None;
                Some(&self.octets)
            }
            Some(remaining) => {
                self.receiving = Some(Receiving { t314: desk.deadline(Timer::T314), remaining, header });
                None
            }
            None => {
                desk.counters.segments_lost += u64::from(self.receiving.is_none());
                self.drop_all(desk);
                None
            }
        }
    }

    /// Puts one segment behind the others; tells how many remain, or nothing if it does not belong there.
    fn append(&mut self, desk: &mut Desk, header: &[u8], elements: &[u8]) -> Option<u8> {
        // The element has to be the first (H.2 b), and its two octets are all it has (4.5.26).
        let [0x00, 2, place, kind, rest @ ..] = elements else { return None };
        let (first, remaining) = (place & 0x80 != 0, place & 0x7f);
        if MessageType(*kind) == MessageType::SEGMENT {
            return None;
        }
        if first {
            self.drop_all(desk);
            if remaining >= SEGMENTS_MAX {
                return None;
            }
            self.octets.clear();
            self.octets.extend_from_slice(header).ok()?;
            self.octets.push(*kind).ok()?;
        } else {
            let receiving = self.receiving?;
            let same = self.octets.get(..receiving.header) == Some(header)
                && self.octets.get(receiving.header) == Some(kind)
                && remaining + 1 == receiving.remaining;
            if !same {
                return None;
            }
        }
        self.octets.extend_from_slice(rest).ok()?;
        Some(remaining)
    }
}
