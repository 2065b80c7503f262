//! What the metrics are made from: the answers `trunkctl` gets, so that the two cannot differ.

use super::{Desk, formats};
use crate::metrics::Readings;
use cast::Format;
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
            samples_clipped: self.statistics.samples_clipped.load(Relaxed),
            clipped_by_event: self.shared.picture().clipped_by_event(),
            formats: self.by_format(),
        }
    }

    /// Of every format there could be, the events that are cast in it and its listeners.
    fn by_format(&self) -> Vec<(&'static str, u64, u64)> {
        let live: Vec<_> = self.caster.status().iter().flat_map(|(_, port)| formats(port)).collect();
        let one = |format: Format| {
            let of_it = live.iter().filter(|(other, ..)| *other == format);
            (format.name(), of_it.clone().count() as u64, of_it.map(|(_, listeners, _)| listeners).sum())
        };
        Format::ALL.into_iter().map(one).collect()
    }
}
