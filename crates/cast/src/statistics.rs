//! Counters of one stream, written by its casting thread and read by anybody.
//!
//! Time: read whenever wanted; the values are each exact but not taken at one instant.

use crate::format::Format;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of a stream from its start.
#[derive(Debug, Default)]
pub struct Statistics {
    pub(crate) listeners: AtomicU64,
    by_format: [AtomicU64; Format::ALL.len()],
    pub(crate) listeners_peak: AtomicU64,
    pub(crate) listeners_total: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) refused: AtomicU64,
    octets_by_format: [AtomicU64; Format::ALL.len()],
    pub(crate) frames: AtomicU64,
    pub(crate) silence_samples: AtomicU64,
    pub(crate) recording_gaps: AtomicU64,
}

/// What [`Statistics::read`] answers: plain numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Figures {
    /// Listeners now.
    pub listeners: u64,
    /// The most there were at once.
    pub listeners_peak: u64,
    /// All that ever were.
    pub listeners_total: u64,
    /// Listeners cut off because they fell out of the backlog.
    pub dropped: u64,
    /// Listeners refused because the port was full.
    pub refused: u64,
    /// Octets of sound handed to listeners' sockets.
    pub octets_sent: u64,
    /// Frames encoded of its first format.
    pub frames: u64,
    /// Samples of silence inserted because nobody fed the stream.
    pub silence_samples: u64,
    /// Frames that are in the stream but not in the recording because the disk could not follow.
    pub recording_gaps: u64,
}

impl Statistics {
    /// The figures now.
    #[must_use]
    pub fn read(&self) -> Figures {
        Figures {
            listeners: self.listeners.load(Relaxed),
            listeners_peak: self.listeners_peak.load(Relaxed),
            listeners_total: self.listeners_total.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            refused: self.refused.load(Relaxed),
            octets_sent: self.octets_by_format.iter().map(|octets| octets.load(Relaxed)).sum(),
            frames: self.frames.load(Relaxed),
            silence_samples: self.silence_samples.load(Relaxed),
            recording_gaps: self.recording_gaps.load(Relaxed),
        }
    }

    /// Listeners of this format now; of HLS, whose listeners come and go with every segment, about how many.
    #[must_use]
    pub fn listeners_of(&self, format: Format) -> u64 {
        self.by_format[format.index()].load(Relaxed)
    }

    /// Octets of sound in this format handed to listeners' sockets.
    #[must_use]
    pub fn octets_of(&self, format: Format) -> u64 {
        self.octets_by_format[format.index()].load(Relaxed)
    }

    pub(crate) fn sent(&self, format: Format, octets: u64) {
        self.octets_by_format[format.index()].fetch_add(octets, Relaxed);
    }

    pub(crate) fn joined(&self, format: Format) {
        self.by_format[format.index()].fetch_add(1, Relaxed);
        let now = self.listeners.fetch_add(1, Relaxed) + 1;
        self.listeners_peak.fetch_max(now, Relaxed);
        self.listeners_total.fetch_add(1, Relaxed);
    }

    pub(crate) fn left(&self, format: Format) {
        self.by_format[format.index()].fetch_sub(1, Relaxed);
        self.listeners.fetch_sub(1, Relaxed);
    }

    /// So many are estimated to listen to a format that is fetched in pieces.
    pub(crate) fn estimated(&self, format: Format, now: u64) {
        let before = self.by_format[format.index()].swap(now, Relaxed);
        if now >= before {
            let all = self.listeners.fetch_add(now - before, Relaxed) + (now - before);
            self.listeners_peak.fetch_max(all, Relaxed);
        } else {
            self.listeners.fetch_sub(before - now, Relaxed);
        }
    }
}
