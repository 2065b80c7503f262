//! A conference's sum that is heard later, and put right until then.
//!
//! The stream of a conference comes some tens of milliseconds after what is said, so that keys can be taken out of it whole. There is no
//! need to keep every voice back for so long: what is kept is their sum, and where a key changes a voice, that voice is put right in it.
//! Sums are exact, so nothing remains of what was taken out.
//!
//! Data path: what everybody says now, summed, and what differs for later → [`Later`] → the same, a while ago.
//! Time: one chunk a tick; *ago* is counted in chunks, the present one being 0.

use crate::lines::{Lines, lines};
use crate::mix::clamp;
use simd::Kernel;

/// The sums of the last chunks.
#[derive(Debug, Clone)]
pub struct Later {
    /// One after the other, in a circle.
    sums: Lines<i32>,
    samples: usize,
    /// How many chunks later they are heard.
    delay: usize,
    /// Which is the present one.
    at: usize,
}

impl Later {
    /// Silence, of chunks of so many samples that are heard so many chunks later. It allocates nothing afterwards.
    ///
    /// # Panics
    /// If a chunk has no samples.
    #[must_use]
    pub fn new(samples: usize, chunks: usize) -> Self {
        assert!(samples > 0, "a chunk has samples");
        Self { sums: lines(samples * (chunks + 1)), samples, delay: chunks, at: 0 }
    }

    /// How many chunks later it is heard.
    #[must_use]
    pub fn delay(&self) -> usize {
        self.delay
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.sums.fill(0);
    }

    /// The chunk is over: writes what is to be heard in it, clamped once, and begins the next, for which the oldest makes room.
    pub fn advance(&mut self, heard: &mut [i16]) {
        self.at = if self.at < self.delay { self.at + 1 } else { 0 };
        simd::run(Advance { sums: self.chunk(0), heard });
    }

    /// Adds the sum of what is said now.
    pub fn add(&mut self, totals: &[i32]) {
        simd::run(Add { sums: self.chunk(0), totals });
    }

    /// Somebody says this in place of that, in the chunk so long ago, [`Later::delay`] at most; longer ago it is too late.
    pub fn replace(&mut self, ago: usize, that: &[i16], this: &[i16]) {
        if ago <= self.delay() {
            simd::run(Replace { sums: self.chunk(ago), that, this });
        }
    }

    /// Somebody did not say this after all.
    pub fn take_out(&mut self, ago: usize, that: &[i16]) {
        if ago <= self.delay() {
            for (sum, &that) in self.chunk(ago).iter_mut().zip(that) {
                *sum -= i32::from(that);
            }
        }
    }

    /// What is said now, to be added to.
    pub(crate) fn present(&mut self) -> &mut [i32] {
        self.chunk(0)
    }

    fn chunk(&mut self, ago: usize) -> &mut [i32] {
        let chunk = if ago <= self.at { self.at - ago } else { self.at + self.delay + 1 - ago };
        &mut self.sums[chunk * self.samples..][..self.samples]
    }
}

struct Add<'a> {
    sums: &'a mut [i32],
    totals: &'a [i32],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (sum, total) in self.sums.iter_mut().zip(self.totals) {
            *sum += total;
        }
    }
}

struct Advance<'a> {
    sums: &'a mut [i32],
    heard: &'a mut [i16],
}

impl Kernel for Advance<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (heard, sum) in self.heard.iter_mut().zip(self.sums) {
            *heard = clamp(std::mem::take(sum));
        }
    }
}

struct Replace<'a> {
    sums: &'a mut [i32],
    that: &'a [i16],
    this: &'a [i16],
}

impl Kernel for Replace<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((sum, &that), &this) in self.sums.iter_mut().zip(self.that).zip(self.this) {
            *sum += i32::from(this) - i32::from(that);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(later: &mut Later) -> [i16; 2] {
        let mut out = [0; 2];
        later.advance(&mut out);
        out
    }

    #[test]
    fn what_is_said_comes_later_and_as_it_was_put_right() {
        let mut later = Later::new(2, 3);
        assert_eq!(later.delay(), 3);
        let mut all = vec![];
        for tick in 0..10i32 {
            later.add(&[100 * tick, 40_000]);
            match tick {
                2 => later.replace(0, &[0, 5_000], &[7, 0]),
                5 => later.take_out(1, &[400, 30_000]),
                6 => later.replace(3, &[300, 0], &[-1, 0]),
                7 => later.take_out(4, &[1; 2]),
                _ => {}
            }
            all.push(heard(&mut later));
        }
        let expected = [
            [0, 0],
            [0, 0],
            [0, 0],
            [0, i16::MAX],
            [100, i16::MAX],
            [207, i16::MAX],
            [-1, i16::MAX],
            [0, 10_000],
            [500, i16::MAX],
            [600, i16::MAX],
        ];
        assert_eq!(all, expected);
        later.clear();
        assert_eq!(heard(&mut later), [0, 0]);
    }
}
