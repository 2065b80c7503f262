//! What a data link counts, each by a name a technician knows.
//!
//! Counters only grow; they are for reading, no procedure depends on them.
//!
//! Data path: every event of the link → here → status, metrics.
//! Time: none of its own; the time of the last reset is the caller's `now`.
//! Source: Q.921 (09/97) Appendix II for the error conditions, by their MDL-ERROR letters where they have one.

use std::time::Duration;

/// Counts since the link was made. One end of one D channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames handed in, whatever became of them.
    pub frames_in: u64,
    /// Frames handed out.
    pub frames_out: u64,
    /// I frames accepted and delivered.
    pub information_in: u64,
    /// I frames sent for the first time.
    pub information_out: u64,
    /// I frames sent again.
    pub retransmissions: u64,
    /// REJ frames received.
    pub rejects_in: u64,
    /// REJ frames sent.
    pub rejects_out: u64,
    /// RNR frames received: the far end was busy.
    pub receiver_not_ready_in: u64,
    /// FRMR frames received (error K).
    pub frame_rejects_in: u64,
    /// SABME frames sent, repetitions included.
    pub sabme_out: u64,
    /// Expiries of T200 (no acknowledgement).
    pub t200_expiries: u64,
    /// Expiries of T203 (the line was idle; the far end is polled).
    pub t203_expiries: u64,
    /// Attempts at establishing given up after N200 SABMEs (error G).
    pub attempts_failed: u64,
    /// Times the far end answered none of N200 polls (error I).
    pub polls_exhausted: u64,
    /// Times the link came up from being down.
    pub established: u64,
    /// Times the link was lost or released after it had been up.
    pub released: u64,
    /// Times the link was established again while up, by either end.
    pub resets: u64,
    /// When the last reset was.
    pub last_reset: Option<Duration>,
    /// I frames out of sequence: N(S) was not V(R).
    pub sequence_errors: u64,
    /// N(R) outside what was sent (error J).
    pub acknowledgement_errors: u64,
    /// Frames that are no frames: too short, or no two-octet address (clause 2.9).
    pub invalid: u64,
    /// Frames rejected for their control field, length or direction (clause 5.8.5; errors L, M, N, O).
    pub malformed: u64,
    /// Frames for another SAPI or TEI.
    pub other_address: u64,
    /// Well-formed frames that the state has no use for, unsolicited UA and DM included.
    pub ignored: u64,
    /// Messages discarded from our queue because the link was reset or lost.
    pub messages_discarded: u64,
    /// Outputs that found the output queue full because the owner had not drained it.
    pub outputs_dropped: u64,
}
