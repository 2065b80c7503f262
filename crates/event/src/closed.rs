//! A set of event numbers that never allocates once it is made.
//!
//! Filled from the journal at the start and by the real-time thread when an event is ended, so that a
//! caller can be told that it has. Nothing is ever taken out: an event that has ended stays ended.
//!
//! Time: none.
//! Source: open addressing with linear probing, at most half full, so a look-up ends after a few steps.

use std::fmt;

/// A set of at most so many numbers. 0 is a number like any other.
#[derive(Clone, Debug)]
pub struct ClosedSet {
    /// Value plus one, 0 for a free place; a power of two of them, at least two and at least twice the capacity.
    places: Box<[u64]>,
    len: usize,
    capacity: usize,
    /// `u64::MAX` cannot be stored plus one.
    has_max: bool,
}

/// The set holds as many numbers as it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the set of closed events is full")
    }
}

impl std::error::Error for Full {}

impl ClosedSet {
    /// An empty set for so many numbers: the only allocation, 16 to 32 octets a number.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> ClosedSet {
        let places = (capacity * 2).next_power_of_two().max(2);
        ClosedSet { places: vec![0; places].into_boxed_slice(), len: 0, capacity, has_max: false }
    }

    /// Puts a number in; true when it was not there before.
    ///
    /// # Errors
    /// [`Full`] when it would be one too many; the set stays as it was.
    pub fn insert(&mut self, value: u64) -> Result<bool, Full> {
        if self.contains(value) {
            return Ok(false);
        }
        if self.len == self.capacity {
            return Err(Full);
        }
        self.len += 1;
        match value.checked_add(1) {
            Some(stored) => {
                let place = self.place_of(stored);
                self.places[place] = stored;
            }
            None => self.has_max = true,
        }
        Ok(true)
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, value: u64) -> bool {
        match value.checked_add(1) {
            Some(stored) => self.places[self.place_of(stored)] == stored,
            None => self.has_max,
        }
    }

    /// How many numbers are in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many numbers it can take in all.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Where this is, or the free place where it would be. Ends because a free place always remains.
    fn place_of(&self, stored: u64) -> usize {
        let mask = self.places.len() - 1;
        // Multiplication by an odd constant near 2^64 / golden ratio spreads neighbouring numbers; the
        // upper half of the product is the well-mixed one.
        let mut place = (stored.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.places[place] != 0 && self.places[place] != stored {
            place = (place + 1) & mask;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn full_is_said_and_changes_nothing() {
        let mut set = ClosedSet::with_capacity(3);
        for value in [1, 0, u64::MAX] {
            assert_eq!(set.insert(value), Ok(true));
        }
        assert_eq!(set.insert(7), Err(Full));
        assert_eq!(set.insert(0), Ok(false), "what is there already needs no room");
        assert!(!set.contains(7));
        assert_eq!((set.len(), set.capacity()), (3, 3));
    }

    #[test]
    fn room_for_none_is_room_for_none() {
        let mut set = ClosedSet::with_capacity(0);
        assert!(set.is_empty() && !set.contains(0));
        assert_eq!(set.insert(0), Err(Full));
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_set(values in prop::collection::vec(prop_oneof![0u64..64, any::<u64>()], 0..200)) {
            let mut set = ClosedSet::with_capacity(50);
            let mut model = HashSet::new();
            for value in values {
                let expected = if model.contains(&value) {
                    Ok(false)
                } else if model.len() == 50 {
                    Err(Full)
                } else {
                    model.insert(value);
                    Ok(true)
                };
                prop_assert_eq!(set.insert(value), expected);
                prop_assert_eq!(set.len(), model.len());
                for probe in 0..64 {
                    prop_assert_eq!(set.contains(probe), model.contains(&probe));
                }
            }
            prop_assert!(model.iter().all(|v| set.contains(*v)));
        }
    }
}
