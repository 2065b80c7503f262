//! The last seconds of a stream, shared by everybody who listens to it.
//!
//! Octets have positions counted from the start of the stream. A listener keeps only a position, so a
//! thousand of them cost no copies; one whose position is no longer here has fallen behind.
//!
//! Data path: wrapped frames → here → slices for listeners' sockets.
//! Words: an *entry* is a position where a new listener may begin.

use std::collections::VecDeque;

/// A ring of octets that remembers its entries.
#[derive(Debug)]
pub(crate) struct Backlog {
    octets: Box<[u8]>,
    end: u64,
    /// Those that are still here, rising.
    entries: VecDeque<u64>,
}

impl Backlog {
    /// Room for so many octets.
    pub(crate) fn new(capacity: usize) -> Self {
        Backlog { octets: vec![0; capacity.max(1)].into_boxed_slice(), end: 0, entries: VecDeque::new() }
    }

    /// Appends octets with their entries (offsets in them), forgetting as many of the oldest.
    pub(crate) fn append(&mut self, octets: &[u8], entries: &[usize]) {
        self.entries.extend(entries.iter().map(|&offset| self.end + offset as u64));
        let size = self.octets.len();
        let mut rest = octets;
        while !rest.is_empty() {
            let at = (self.end % size as u64) as usize;
            let (now, later) = rest.split_at(rest.len().min(size - at));
            self.octets[at..at + now.len()].copy_from_slice(now);
            self.end += now.len() as u64;
            rest = later;
        }
        let oldest = self.oldest();
        while self.entries.front().is_some_and(|&entry| entry < oldest) {
            self.entries.pop_front();
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

    /// Where a new listener begins: the newest entry with at least `burst` octets after it, or the oldest;
    /// before anything is here, the end.
    ///
    /// The burst is rounded up, since a browser that waits for 32 kB counts what is left after it has found
    /// its first frame.
    pub(crate) fn entry(&self, burst: usize) -> u64 {
        let latest = self.end.saturating_sub(burst as u64);
        let after = self.entries.partition_point(|&entry| entry <= latest);
        self.entries.get(after.saturating_sub(1)).copied().unwrap_or(self.end)
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

    fn append(backlog: &mut Backlog, n: u8) {
        backlog.append(&frame(n), &[0]);
    }

    #[test]
    fn a_reader_at_any_pace_within_the_ring_gets_every_octet() {
        let mut backlog = Backlog::new(22);
        let (mut position, mut heard, mut all) = (0, Vec::new(), Vec::new());
        for n in 0..200u8 {
            append(&mut backlog, n);
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
        let mut backlog = Backlog::new(20);
        (0..5).for_each(|n| append(&mut backlog, n));
        assert_eq!(backlog.from(0).map(<[u8]>::len), Some(20));
        append(&mut backlog, 5);
        assert_eq!(backlog.from(0), None);
        assert_eq!(backlog.from(3), None);
        assert_eq!(backlog.from(4).map(|s| s[1]), Some(1));
        assert_eq!(backlog.from(backlog.end()), Some(&[][..]));
    }

    #[test]
    fn a_listener_begins_at_an_entry_with_the_burst_after_it() {
        let mut backlog = Backlog::new(402);
        assert_eq!(backlog.entry(10), 0);
        (0..50).for_each(|n| append(&mut backlog, n));
        assert_eq!(backlog.entry(1), 196);
        assert_eq!(backlog.entry(10), 188);
        assert_eq!(backlog.entry(100_000), 0);
        (50..150).for_each(|n| append(&mut backlog, n));
        // The ring holds half a frame more than whole ones: the oldest entry is after its oldest octet.
        assert_eq!((backlog.oldest(), backlog.entry(100_000)), (198, 200));
        assert_eq!(backlog.from(backlog.entry(10)).unwrap()[0], 0xFF);
    }

    #[test]
    fn entries_need_not_be_regular() {
        let mut backlog = Backlog::new(1000);
        backlog.append(&[0; 100], &[30]);
        assert_eq!(backlog.entry(1), 30);
        backlog.append(&[0; 100], &[]);
        assert_eq!(backlog.entry(1), 30);
        backlog.append(&[0; 100], &[10, 90]);
        assert_eq!((backlog.entry(1), backlog.entry(11), backlog.entry(91)), (290, 210, 30));
    }

    #[test]
    fn more_than_the_ring_at_once_leaves_the_newest() {
        let mut backlog = Backlog::new(12);
        let many: Vec<u8> = (0..10).flat_map(frame).collect();
        backlog.append(&many, &[0, 4, 8, 12, 16, 20, 24, 28, 32, 36]);
        assert_eq!((backlog.oldest(), backlog.end(), backlog.entry(1000)), (28, 40, 28));
        let newest = [backlog.from(28).unwrap(), &backlog.octets[..4]].concat();
        assert_eq!(newest[..12], many[28..]);
    }
}
