//! What an operator is told of a caller: plain values, ready to be written down.
//!
//! Data path: the exchange's bookkeeping → [`CallerStatus`] → control socket, tests, acceptance reports.
//! Time: milliseconds since the exchange was started.

use crate::call::CallerId;
use crate::ear::Heard;

/// How far a caller has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerState {
    /// Offered to the far end, which has not answered yet.
    Trying,
    /// The far end works on it.
    Proceeding,
    /// It rings.
    Alerting,
    /// A call from the far end rings at a subscriber.
    Called,
    /// Through.
    Connected,
    /// Being cleared.
    Clearing,
    /// Over.
    Ended,
}

impl CallerState {
    /// The state in one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CallerState::Trying => "trying",
            CallerState::Proceeding => "proceeding",
            CallerState::Alerting => "alerting",
            CallerState::Called => "called",
            CallerState::Connected => "connected",
            CallerState::Clearing => "clearing",
            CallerState::Ended => "ended",
        }
    }
}

impl std::fmt::Display for CallerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A caller now, or as it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct CallerStatus {
    /// Which one.
    pub id: CallerId,
    /// The number dialled.
    pub called: String,
    /// The caller's number, empty when it is not told.
    pub calling: String,
    /// The caller's name, empty when it has none.
    pub name: String,
    /// How far it has come.
    pub state: CallerState,
    /// The span it is or was last on, counted from 1 over all cards; 0 when it never was on any.
    pub span: u32,
    /// The channel it is or was last on, counted from 1; 0 when it never was on any.
    pub channel: u8,
    /// SETUPs sent for it.
    pub offers: u32,
    /// When it dialled, in ms since the exchange was started.
    pub dialled_at_ms: u64,
    /// When it was connected.
    pub connected_at_ms: Option<u64>,
    /// When it was over.
    pub ended_at_ms: Option<u64>,
    /// Why it is ending or has ended: a Q.850 cause value.
    pub cause: Option<u8>,
    /// It was the far end that began to clear.
    pub by_far_end: bool,
    /// What it has heard.
    pub heard: Heard,
}
