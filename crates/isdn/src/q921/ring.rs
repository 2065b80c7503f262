//! A queue of messages, each in a place with room before it for the frame it will be sent in.
//!
//! A message is written once, where it waits, and lent from there: neither it nor its frame is copied on the way.
//!
//! Data path: `link` → here → `link`, for those to be sent; `link` → here → the owner, for those received.

use super::writer::Writer;
use super::{FRAME_MAX, N201_MAX};

/// Octets of address and control before a message.
const HEADER: usize = FRAME_MAX - N201_MAX;

/// One place.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Of the message.
    length: u16,
    octets: [u8; FRAME_MAX],
}

/// Up to `N` messages.
#[derive(Debug)]
pub(super) struct Ring<const N: usize> {
    slots: [Slot; N],
    first: usize,
    count: usize,
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Ring { slots: [Slot { length: 0, octets: [0; FRAME_MAX] }; N], first: 0, count: 0 }
    }
}

impl<const N: usize> Ring<N> {
    pub const fn len(&self) -> usize {
        self.count
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub const fn is_full(&self) -> bool {
        self.count == N
    }

    pub const fn clear(&mut self) {
        (self.first, self.count) = (0, 0);
    }

    /// Adds a message of at most [`N201_MAX`] octets; false if there is no room.
    pub fn push(&mut self, message: &[u8]) -> bool {
        !self.is_full() && self.push_with(N201_MAX, |writer| writer.put(message))
    }

    /// Adds a message that is written there and then. False if it is longer than it may be; there has to be room.
    pub fn push_with(&mut self, longest: usize, write: impl FnOnce(&mut Writer<'_>)) -> bool {
        debug_assert!(!self.is_full(), "the caller has looked");
        let slot = &mut self.slots[(self.first + self.count) % N];
        let mut writer = Writer::new(&mut slot.octets[HEADER..HEADER + longest]);
        write(&mut writer);
        let Some(length) = writer.length() else { return false };
        slot.length = length as u16;
        self.count += 1;
        true
    }

    /// Takes out the oldest message, and lends it.
    pub fn pop(&mut self) -> &[u8] {
        if self.is_empty() {
            return &[];
        }
        let at = self.first;
        self.drop_oldest(1);
        let slot = &self.slots[at];
        &slot.octets[HEADER..HEADER + usize::from(slot.length)]
    }

    /// Takes out the oldest messages.
    pub const fn drop_oldest(&mut self, count: usize) {
        self.count = self.count.saturating_sub(count);
        // The next begins in front again, where the cache is warm, instead of marching through all the room there is.
        self.first = if self.count == 0 { 0 } else { (self.first + count) % N };
    }

    /// The message at a place in the queue, in a frame with this header.
    pub fn framed(&mut self, place: usize, header: [u8; HEADER]) -> &[u8] {
        debug_assert!(place < self.count, "there is such a message");
        let slot = &mut self.slots[(self.first + place) % N];
        slot.octets[..HEADER].copy_from_slice(&header);
        &slot.octets[..HEADER + usize::from(slot.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_in_first_out_and_the_header_before_it() {
        let mut ring = Ring::<3>::default();
        for round in 0..5u8 {
            assert!(ring.push(&[round]) && ring.push(&[round, 1]) && ring.push(&[]));
            assert!(ring.is_full() && !ring.push(&[9]));
            assert_eq!(ring.framed(1, [1, 2, 3, 4]), [1, 2, 3, 4, round, 1]);
            assert_eq!(ring.pop(), [round]);
            assert!(ring.push_with(2, |writer| writer.put(&[7, 7])));
            ring.drop_oldest(1);
            assert_eq!((ring.len(), ring.pop().len(), ring.pop()), (2, 0, &[7, 7][..]));
            assert!(ring.is_empty());
        }
    }

    #[test]
    fn what_is_too_long_is_not_added() {
        let mut ring = Ring::<2>::default();
        assert!(!ring.push_with(2, |writer| writer.put(&[1, 2, 3])) && ring.is_empty());
        assert!(!ring.push(&[0; N201_MAX + 1]) && ring.push(&[5; N201_MAX]));
        assert_eq!(ring.framed(0, [0; 4]).len(), FRAME_MAX);
    }
}
