//! The last seconds of a stream, shared by everybody who listens to it.
//!
//! Octets have positions counted from the start of the stream. A listener keeps only a position, so a
//! thousand of them cost no copies; one whose position is no longer here has fallen behind.
//!
//! Data path: whole frames from the encoder → here → slices for listeners' sockets.

/// A ring of whole frames.
#[derive(Debug)]
pub(crate) struct Backlog {
    octets: Box<[u8]>,
    frame: usize,
    end: u64,
}

impl Backlog {
    /// Room for at most so many octets, rounded down to whole frames (but two at least), so that a frame
    /// never lies across the seam.
    pub(crate) fn new(frame_bytes: usize, capacity: usize) -> Self {
        let frames = (capacity / frame_bytes).max(2);
        Backlog { octets: vec![0; frames * frame_bytes].into_boxed_slice(), frame: frame_bytes, end: 0 }
    }

    /// Appends whole frames, forgetting as many of the oldest.
    pub(crate) fn append(&mut self, frames: &[u8]) {
        debug_assert_eq!(frames.len() % self.frame, 0);
        let size = self.octets.len();
        let mut rest = frames;
        while !rest.is_empty() {
            let at = (self.end % size as u64) as usize;
            let (now, later) = rest.split_at(rest.len().min(size - at));
            self.octets[at..at + now.len()].copy_from_slice(now);
            self.end += now.len() as u64;
            rest = later;
        }
    }

    /// One after the newest octet: the length of the stream so far.
    #[cfg(test)]
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The oldest octet still here.
    pub(crate) fn oldest(&self) -> u64 {
        self.end.saturating_sub(self.octets.len() as u64)
    }

    /// Where a new listener begins: the newest frame boundary with at least `burst` octets after it, or the oldest.
    ///
    /// The burst is rounded up, since a browser that waits for 32 kB counts what is left after it has found
    /// its first frame.
    pub(crate) fn entry(&self, burst: usize) -> u64 {
        let frame = self.frame as u64;
        let wanted = (burst as u64).div_ceil(frame) * frame;
        self.end.saturating_sub(wanted).max(self.oldest())
    }

    /// What comes from this position on, as far as it lies in one piece; empty at the end, `None` when it has
    /// been forgotten.
    pub(crate) fn from(&self, position: u64) -> Option<&[u8]> {
        if position < self.oldest() {
            return None;
        }
        let size = self.octets.len();
        let at = (position % size as u64) as usize;
        let length = self.end.saturating_sub(position) as usize;
        Some(&self.octets[at..at + length.min(size - at)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(n: u8) -> [u8; 4] {
        [0xFF, n, n, n]
    }

    #[test]
    fn a_reader_at_any_pace_within_the_ring_gets_every_octet() {
        let mut backlog = Backlog::new(4, 22);
        let (mut position, mut heard, mut all) = (0, Vec::new(), Vec::new());
        for n in 0..200u8 {
            backlog.append(&frame(n));
            all.extend_from_slice(&frame(n));
            // Three octets at a time at first, then in one go: never more than the ring behind.
            let take = if backlog.end() - position > 16 { usize::MAX } else { 3 };
            while let Some(slice) = backlog.from(position).filter(|s| !s.is_empty()) {
                let slice = &slice[..slice.len().min(take)];
                heard.extend_from_slice(slice);
                position += slice.len() as u64;
                if take == 3 {
                    break;
                }
            }
        }
        assert_eq!(heard, all[..heard.len()]);
        assert!(heard.len() + 20 >= all.len());
    }

    #[test]
    fn what_fell_out_is_said_to_be_gone() {
        let mut backlog = Backlog::new(4, 20);
        (0..5).for_each(|n| backlog.append(&frame(n)));
        assert_eq!(backlog.from(0).map(<[u8]>::len), Some(20));
        backlog.append(&frame(5));
        assert_eq!(backlog.from(0), None);
        assert_eq!(backlog.from(3), None);
        assert_eq!(backlog.from(4).map(|s| s[1]), Some(1));
        assert_eq!(backlog.from(backlog.end()), Some(&[][..]));
    }

    #[test]
    fn entry_is_a_frame_boundary_with_the_burst_after_it() {
        let mut backlog = Backlog::new(4, 400);
        assert_eq!(backlog.entry(10), 0);
        for n in 0..50 {
            backlog.append(&frame(n));
        }
        assert_eq!(backlog.entry(0), 200);
        assert_eq!(backlog.entry(10), 188);
        assert_eq!(backlog.entry(100_000), 0);
        for n in 50..150 {
            backlog.append(&frame(n));
        }
        assert_eq!(backlog.entry(100_000), backlog.oldest());
        assert_eq!(backlog.from(backlog.entry(10)).unwrap()[0], 0xFF);
    }

    #[test]
    fn more_than_the_ring_at_once_leaves_the_newest() {
        let mut backlog = Backlog::new(4, 12);
        let many: Vec<u8> = (0..10).flat_map(frame).collect();
        backlog.append(&many);
        assert_eq!((backlog.oldest(), backlog.end()), (28, 40));
        let newest = [backlog.from(28).unwrap(), &backlog.octets[..4]].concat();
        assert_eq!(newest[..12], many[28..]);
    }
}
