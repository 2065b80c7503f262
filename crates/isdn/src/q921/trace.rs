//! The last changes of state of a link, for the technician who asks why it went down.
//!
//! Data path: `DataLink::enter` → here → logs, `status`.
//! Time: the caller's `now`.

use super::StateName;
use heapless::HistoryBuf;
use std::time::Duration;

/// Changes of state that are remembered.
const LENGTH: usize = 16;

/// What made a link change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Layer 3 asked for it.
    Requested,
    /// The pause after a failed or ended link is over, and layer 3 still wants one.
    TriedAgain,
    /// SABME from the far end.
    PeerEstablished,
    /// DISC from the far end.
    PeerReleased,
    /// UA: the far end agrees.
    Acknowledged,
    /// DM: the far end has no link.
    PeerDisconnected,
    /// FRMR: the far end could not make sense of a frame of ours (error K).
    PeerRejectedFrame,
    /// T200 or T203 ran out: the far end is polled.
    Polled,
    /// The poll was answered.
    PollAnswered,
    /// None of N200 polls was answered (error I).
    PollsExhausted,
    /// None of N200 SABMEs or DISCs was answered (errors G, H).
    AttemptsExhausted,
    /// N(R) acknowledges what was never sent (error J).
    WrongAcknowledgement,
    /// A frame with an undefined control field or a wrong length (errors L, M, N, O).
    MalformedFrame,
}

/// One change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When, by the caller's clock.
    pub at: Duration,
    /// The state left.
    pub from: StateName,
    /// The state entered.
    pub to: StateName,
    /// What made it so.
    pub why: Why,
}

/// The last changes of state.
#[derive(Debug, Default)]
pub(super) struct Trace {
    entries: HistoryBuf<Transition, LENGTH>,
}

impl Trace {
    pub fn add(&mut self, transition: Transition) {
        self.entries.write(transition);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Transition> {
        self.entries.oldest_ordered()
    }
}
