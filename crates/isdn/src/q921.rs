//! The data link: Q.921 between two points, SAPI 0, TEI 0, modulo 128.
//!
//! Looks after one D channel's layer 2, either side: it sets the link up and keeps it up, and carries messages over it
//! in order and once. What the messages mean is `q931`'s; flags and frame check sequence are the card's.
//!
//! Data path: frames without FCS from the card → [`DataLink::handle_frame`] → [`Output::Information`] for Q.931;
//! Q.931's messages → [`DataLink::send`] → [`Output::Transmit`] for the card.
//! Time: the caller supplies `now` with every input and calls [`DataLink::handle_timeout`] when
//! [`DataLink::poll_timeout`] says so. After every input it collects [`DataLink::poll_output`] until `None`.
//! Source: Q.921 (09/97) clauses 3 and 5, state names and numbers as in Annex B. TEI management (5.3) has no part in
//! a primary rate interface (5.3.1: TEI 0 is fixed).
//! Words: reset, an establishment of a link that layer 3 already believes to be up.

pub mod frame;

mod counters;
mod link;
mod outbox;
mod ring;
mod sequence;
mod trace;
mod writer;

pub use counters::Counters;
pub use link::DataLink;
pub use trace::{Transition, Why};
pub use writer::Writer;

pub(crate) use outbox::Change;

use std::time::Duration;

/// N201, the longest information field in octets (clause 5.9.3).
pub const N201_MAX: usize = 260;

/// The longest frame in octets without FCS: two of address, two of control, and N201.
pub const FRAME_MAX: usize = N201_MAX + 4;

/// The largest window: k may be set from 1 to this (clause 5.9.5 asks for 7).
pub const K_MAX: u8 = 64;

/// Messages that can wait in a link, those sent and not yet acknowledged included.
pub const QUEUE_LENGTH: usize = 128;

/// A whole frame without FCS.
pub type LapdFrame = heapless::Vec<u8, FRAME_MAX>;

/// The information field of an I frame: one Q.931 message.
pub type Message = heapless::Vec<u8, N201_MAX>;

/// The system parameters (clause 5.9).
///
/// | name | default | range | clause |
/// |---|---|---|---|
/// | k | 7 | 1 to [`K_MAX`] | 5.9.5 |
/// | N200 | 3 | any | 5.9.2 |
/// | N201 | 260 octets | 1 to [`N201_MAX`] | 5.9.3 |
/// | T200 | 1 s | 1 ms and more | 5.9.1 |
/// | T203 | 10 s (North American exchanges: 30 s) | 1 ms and more | 5.9.8 |
///
/// A value outside its range is brought to the nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Window: I frames sent and not acknowledged.
    pub k: u8,
    /// How often a frame is sent again before the far end counts as lost.
    pub n200: u8,
    /// Longest information field in octets, both ways.
    pub n201: usize,
    /// How long to wait for an acknowledgement.
    pub t200: Duration,
    /// How long the line may be idle before the far end is asked whether it is still there.
    pub t203: Duration,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters { k: 7, n200: 3, n201: N201_MAX, t200: Duration::from_secs(1), t203: Duration::from_secs(10) }
    }
}

impl Parameters {
    fn in_range(self) -> Self {
        let tick = Duration::from_millis(1);
        Parameters {
            k: self.k.clamp(1, K_MAX),
            n201: self.n201.clamp(1, N201_MAX),
            t200: self.t200.max(tick),
            t203: self.t203.max(tick),
            ..self
        }
    }
}

/// The states by their names in Q.921; the number is Annex B's. States 1 to 3 are for terminals without a TEI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StateName {
    /// 4: no link.
    TeiAssigned = 4,
    /// 5: SABME sent.
    AwaitingEstablishment = 5,
    /// 6: DISC sent.
    AwaitingRelease = 6,
    /// 7: the link is up.
    MultipleFrameEstablished = 7,
    /// 8: the link is up, but the far end owes an answer to a poll.
    TimerRecovery = 8,
}

/// Why [`DataLink::send`] did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Layer 3 has not been told that the link is up.
    LinkDown,
    /// [`QUEUE_LENGTH`] messages wait already: the far end is busy or slow.
    QueueFull,
    /// The message is longer than N201.
    TooLong,
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SendError::LinkDown => "the data link is down",
            SendError::QueueFull => "the data link's queue is full",
            SendError::TooLong => "the message is longer than N201",
        })
    }
}

impl std::error::Error for SendError {}

/// What the link has for its owner. Octets are lent from the link until its next input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// Send this frame, after those before it.
    Transmit(&'a [u8]),
    /// The link is up (DL-ESTABLISH indication or confirm).
    Established {
        /// Layer 3 believed it up before: messages may have been lost (Q.931 clause 5.8.8).
        reset: bool,
    },
    /// The link is down (DL-RELEASE indication or confirm); messages not yet acknowledged are gone.
    Released,
    /// A message arrived (DL-DATA indication).
    Information(&'a [u8]),
}
