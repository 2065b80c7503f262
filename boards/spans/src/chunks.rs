//! The chunks of a span in a tick: one buffer a direction for all timeslots.
//!
//! Data path: what a board reads → [`Chunks::received`]; [`Chunks::to_send`] → what it writes.
//! Time: none.

use hal::{ChunkLength, Line, Timeslot};
use std::ops::Range;

/// See the module.
pub struct Chunks {
    line: Line,
    samples: usize,
    received: Box<[u8]>,
    to_send: Box<[u8]>,
}

impl Chunks {
    /// Of a line, so many octets a timeslot and tick; idle.
    #[must_use]
    pub fn new(line: Line, samples: usize) -> Chunks {
        let idle = || vec![line.idle_octet(); usize::from(line.timeslots()) * samples].into_boxed_slice();
        Chunks { line, samples, received: idle(), to_send: idle() }
    }

    /// Octets of a chunk.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// What the line carries when nobody writes.
    #[must_use]
    pub fn idle_octet(&self) -> u8 {
        self.line.idle_octet()
    }

    /// What came on a timeslot; empty where the line has none.
    #[must_use]
    pub fn received(&self, timeslot: Timeslot) -> &[u8] {
        self.received.get(self.place(timeslot)).unwrap_or(&[])
    }

    /// The place of what comes on a timeslot.
    pub fn received_mut(&mut self, timeslot: Timeslot) -> &mut [u8] {
        let place = self.place(timeslot);
        self.received.get_mut(place).unwrap_or(&mut [])
    }

    /// What is to be sent on a timeslot.
    pub fn to_send(&mut self, timeslot: Timeslot) -> &mut [u8] {
        let place = self.place(timeslot);
        self.to_send.get_mut(place).unwrap_or(&mut [])
    }

    /// A copy of what is to be sent on a timeslot, in the first [`Chunks::samples`] octets: a board can change its state while it writes it.
    #[must_use]
    pub fn copy_to_send(&self, timeslot: Timeslot) -> [u8; ChunkLength::MAX_SAMPLES] {
        let mut chunk = [self.idle_octet(); ChunkLength::MAX_SAMPLES];
        if let Some(octets) = self.to_send.get(self.place(timeslot)) {
            chunk[..octets.len()].copy_from_slice(octets);
        }
        chunk
    }

    /// Nothing came that anybody may hear.
    pub fn silence_received(&mut self) {
        self.received.fill(self.line.idle_octet());
    }

    /// What was to be sent has been; until somebody writes the next it is idle.
    pub fn clear_to_send(&mut self) {
        self.to_send.fill(self.line.idle_octet());
    }

    fn place(&self, timeslot: Timeslot) -> Range<usize> {
        let start = usize::from(timeslot.0).wrapping_sub(1).wrapping_mul(self.samples);
        start..start.wrapping_add(self.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_timeslot_has_its_place_and_no_other() {
        let mut chunks = Chunks::new(Line::T1, 40);
        for timeslot in 1..=24 {
            assert_eq!(chunks.received(Timeslot(timeslot)), [0xff; 40]);
            chunks.received_mut(Timeslot(timeslot)).fill(timeslot);
            chunks.to_send(Timeslot(timeslot)).fill(timeslot + 100);
        }
        for timeslot in 1..=24 {
            assert_eq!(chunks.received(Timeslot(timeslot)), [timeslot; 40]);
            assert_eq!(chunks.copy_to_send(Timeslot(timeslot))[..40], [timeslot + 100; 40]);
        }
        for none in [0, 25, 255] {
            assert!(chunks.received(Timeslot(none)).is_empty() && chunks.to_send(Timeslot(none)).is_empty());
        }
        chunks.silence_received();
        chunks.clear_to_send();
        assert_eq!((chunks.received(Timeslot(24))[39], chunks.to_send(Timeslot(1))[0]), (0xff, 0xff));
    }
}
