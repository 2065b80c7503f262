//! What layer 3 counts, each by a name a technician knows.
//!
//! Data path: `calls`, `call`, `restart` → here → status, metrics.
//! Time: none.
//! Source: Q.931 (05/98) clause 5.8 for what counts as an error.

use super::timers::{TABLE, Timer};

/// Counts since the D channel was made. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages received, whatever became of them.
    pub messages_in: u64,
    /// Messages given to the data link.
    pub messages_out: u64,
    /// Messages the data link did not take: it was down, or its queue full.
    pub not_sent: u64,
    /// Calls offered to us.
    pub setups_in: u64,
    /// Calls of ours, repeated SETUPs not counted.
    pub setups_out: u64,
    /// Calls that reached the Active state.
    pub connected: u64,
    /// Calls that ended, answered or not.
    pub released: u64,
    /// Maintenance messages while service messages are off; they are not answered.
    pub maintenance: u64,
    /// Messages of other protocols, too short, or with a bad call reference (5.8.1 to 5.8.3.1).
    pub not_understood: u64,
    /// Messages for calls that we do not have (5.8.3.2).
    pub unknown_call: u64,
    /// Messages that a call's state has no place for, or of an unknown type (5.8.4).
    pub unexpected: u64,
    /// Messages without an element they must have, or with one we must know and do not (5.8.6.1, 5.8.7.1).
    pub element_missing: u64,
    /// Messages with wrong content in an element they must have (5.8.6.2).
    pub element_invalid: u64,
    /// Messages with wrong content in an element they need not have (5.8.7.2).
    pub element_ignored: u64,
    /// Segmented messages of which a part was missing, late or out of order, and parts of them that came later (Annex H).
    pub segments_lost: u64,
    /// STATUS received.
    pub status_in: u64,
    /// STATUS received that did not fit a call's state (5.8.11).
    pub status_mismatches: u64,
    /// Calls offered on a channel that is in use.
    pub channel_conflicts: u64,
    /// Calls offered on a channel that we have taken out of service, or whose state does not allow them.
    pub out_of_service: u64,
    /// Calls of both sides that met on one channel (5.7).
    pub glare: u64,
    /// Calls for which two RELEASEs went unanswered: their channels are in doubt (5.3.3).
    pub releases_unanswered: u64,
    /// RESTART received.
    pub restarts_in: u64,
    /// RESTART sent, repetitions included.
    pub restarts_out: u64,
    /// Events lost because the owner did not collect them; `Released` never is.
    pub events_dropped: u64,
    /// Messages that came in on the D channel that stands by, and were ignored.
    pub on_standby: u64,
    /// Expiries in the order of [`Timer`].
    expiries: [u64; TABLE.len()],
}

impl Counters {
    /// How often a timer has expired.
    #[must_use]
    pub const fn expiries(&self, timer: Timer) -> u64 {
        self.expiries[timer as usize]
    }

    pub(crate) const fn count_expiry(&mut self, timer: Timer) {
        self.expiries[timer as usize] += 1;
    }
}
