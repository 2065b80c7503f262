//! Writing into room that somebody lends; what does not fit is noticed at the end.
//!
//! Data path: `content`, `maintenance` → here → a place in the data link's queue.

/// Octets written one after the other.
#[derive(Debug)]
pub struct Writer<'a> {
    room: &'a mut [u8],
    at: usize,
    fits: bool,
}

impl<'a> Writer<'a> {
    /// Nothing written yet; `room` is all there is.
    #[must_use]
    pub const fn new(room: &'a mut [u8]) -> Writer<'a> {
        Writer { room, at: 0, fits: true }
    }

    /// Writes these.
    #[inline]
    pub fn put(&mut self, octets: &[u8]) {
        match self.room.get_mut(self.at..self.at + octets.len()) {
            Some(place) => {
                place.copy_from_slice(octets);
                self.at += octets.len();
            }
            None => self.fits = false,
        }
    }

    /// Writes an identifier, the count of octets that `write` writes, and these.
    #[inline]
    pub fn put_element(&mut self, identifier: u8, write: impl FnOnce(&mut Writer<'_>)) {
        let start = self.at;
        self.put(&[identifier, 0]);
        write(self);
        let length = (self.at - start).wrapping_sub(2);
        debug_assert!(!self.fits || length < 256, "an element has one octet of length");
        if let Some(octet) = self.room.get_mut(start + 1) {
            *octet = length as u8;
        }
    }

    /// How many octets were written, if all of them fitted.
    #[must_use]
    pub const fn length(&self) -> Option<usize> {
        if self.fits { Some(self.at) } else { None }
    }
}
