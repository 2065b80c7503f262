//! Memory that begins where a line of the processor's cache begins.
//!
//! Vectors of the widest kind are as long as a line. In memory that begins anywhere each of them lies in two, and takes twice as long.

use std::ops::{Deref, DerefMut};

/// Octets in a line of the cache.
const LINE: usize = 64;

/// Values that begin with a line.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    /// With room to begin later.
    all: Box<[T]>,
    begin: usize,
    count: usize,
}

impl<T: Copy + Default> Lines<T> {
    /// So many default values.
    pub fn new(count: usize) -> Self {
        let all = vec![T::default(); count + LINE / size_of::<T>()].into_boxed_slice();
        let begin = (LINE - all.as_ptr().addr() % LINE) % LINE / size_of::<T>();
        Self { all, begin, count }
    }
}

impl<T: Copy + Default> Clone for Lines<T> {
    fn clone(&self) -> Self {
        let mut lines = Self::new(self.count);
        lines.copy_from_slice(self);
        lines
    }
}

impl<T> Deref for Lines<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.all[self.begin..self.begin + self.count]
    }
}

impl<T> DerefMut for Lines<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.all[self.begin..self.begin + self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_begin_with_a_line() {
        for count in [0, 1, 160, 161] {
            let mut lines = Lines::<i32>::new(count);
            lines.fill(7);
            for lines in [lines.clone(), lines] {
                assert_eq!(lines.as_ptr().addr() % LINE, 0);
                assert_eq!(*lines, vec![7; count]);
            }
        }
    }
}
