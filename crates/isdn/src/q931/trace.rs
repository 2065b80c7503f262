//! The last changes of state of a D channel's calls, for whoever asks what happened.
//!
//! Data path: `Call::enter` → here → logs, `status`.
//! Time: the caller's `now`.

use super::message::MessageType;
use super::state::StateName;
use super::timers::Timer;
use crate::CallReference;
use heapless::HistoryBuf;
use std::time::Duration;

/// Changes that are remembered: about eight calls from beginning to end.
const LENGTH: usize = 64;

/// What made a call change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// This message arrived.
    Received(MessageType),
    /// This timer expired.
    Expired(Timer),
    /// Its owner wanted it.
    Ordered,
    /// The data link was lost (5.8.9).
    LinkLost,
    /// The data link was reset (5.8.8).
    LinkReset,
    /// Its channel was restarted (5.5).
    Restarted,
    /// Its channel was offered for another call while ours was waiting for its release to be confirmed.
    OfferedAnew,
}

/// One change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When, by the caller's clock.
    pub at: Duration,
    /// Of which call.
    pub call: CallReference,
    /// The state left.
    pub from: StateName,
    /// The state entered.
    pub to: StateName,
    /// What made it so.
    pub why: Why,
}

/// The last changes of state.
#[derive(Debug, Default)]
pub(crate) struct Trace {
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
