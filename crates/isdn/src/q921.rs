//! The data link: Q.921 point to point, SAPI 0, TEI 0, modulo 128.
//!
//! Under construction: the interface is final, the procedures follow in the next commit.

mod counters;

use crate::Side;
use std::time::Duration;

pub use counters::Counters;

/// The longest information field in octets: N201 (Q.921 clause 5.9.3).
pub const N201_MAX: usize = 260;
/// The longest frame in octets without FCS: address, two control octets, information.
pub const FRAME_MAX: usize = N201_MAX + 4;
/// A whole frame without FCS.
pub type LapdFrame = heapless::Vec<u8, FRAME_MAX>;
/// The information field of an I frame: one Q.931 message.
pub type Message = heapless::Vec<u8, N201_MAX>;

/// What may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Window.
    pub k: u8,
    /// Transmissions before giving up.
    pub n200: u8,
    /// Longest information field.
    pub n201: usize,
    /// Acknowledgement timer.
    pub t200: Duration,
    /// Idle timer.
    pub t203: Duration,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters { k: 7, n200: 3, n201: 260, t200: Duration::from_secs(1), t203: Duration::from_secs(10) }
    }
}

/// The states by their names in Q.921.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateName {
    /// State 4.
    TeiAssigned,
    /// State 5.
    AwaitingEstablishment,
    /// State 6.
    AwaitingRelease,
    /// State 7.
    MultipleFrameEstablished,
    /// State 8.
    TimerRecovery,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The link is down.
    LinkDown,
    /// The queue is full.
    QueueFull,
    /// Longer than N201.
    TooLong,
}

/// What the link has for its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame.
    Transmit(LapdFrame),
    /// The link is up.
    Established {
        /// It was up before.
        reset: bool,
    },
    /// The link is down.
    Released,
    /// A message arrived.
    Information(Message),
}

/// One end of the link.
#[derive(Debug)]
pub struct DataLink {
    side: Side,
    parameters: Parameters,
    counters: Counters,
}

impl DataLink {
    /// A link at rest.
    #[must_use]
    pub fn new(side: Side, parameters: Parameters) -> Self {
        DataLink { side, parameters, counters: Counters::default() }
    }
    /// DL-ESTABLISH request.
    pub fn establish(&mut self, _now: Duration) {}
    /// DL-RELEASE request.
    pub fn release(&mut self, _now: Duration) {}
    /// DL-DATA request.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn send(&mut self, _now: Duration, _information: &[u8]) -> Result<(), SendError> {
        Err(SendError::LinkDown)
    }
    /// A frame arrived.
    pub fn handle_frame(&mut self, _now: Duration, _frame: &[u8]) {}
    /// The time told by `poll_timeout` has come.
    pub fn handle_timeout(&mut self, _now: Duration) {}
    /// When `handle_timeout` wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        None
    }
    /// The next output.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }
    /// The state.
    #[must_use]
    pub fn state(&self) -> StateName {
        let _ = (self.side, self.parameters);
        StateName::TeiAssigned
    }
    /// The counters.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
