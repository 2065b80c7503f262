//! What the metrics are made from: the answers `trunkctl` gets, so that the two cannot differ.

use super::Desk;
use crate::metrics::Readings;
use control::Reply;
use std::sync::atomic::Ordering::Relaxed;

impl Desk {
    /// All figures, now.
    #[must_use]
    pub fn readings(&self) -> Readings {
        let Reply::Suspensions(suspensions) = self.suspensions() else { unreachable!("the answer to suspensions") };
        let Ok(Reply::Channels(channels)) = self.channels(None) else { unreachable!("all spans are there") };
        Readings {
            status: self.status(),
            spans: self.spans(),
            channels,
            suspensions,
            samples_lost: self.statistics.stream_samples_lost.load(Relaxed),
        }
    }
}
