//! Whether there may be a key at all: energy, and a coarse look for two tones, at a fraction of the price of a fit.
//!
//! Nearly all of what callers say is nowhere near a key. Every 4 ms a span of 32 samples is correlated with four waves, two
//! among the rows and two among the columns: a window as short as that sees so broad a band around each that the eight
//! frequencies need no more. Three spans are a window of `tonebank`: where in these together, and in the last of them, most of the energy
//! is elsewhere, and in silence, nobody looks any closer. A voice has much of its energy there at times, but hardly in three spans at
//! once; a tone that fills enough of a window to speak of a key does.
//!
//! Data path: blocks of a leg's samples on its tape → [`Screen::take`] → [`Taken`]: the mean square of each window, and which spans are suspicious.
//! Time: counted in blocks; a span ends with every second block since the first ever.
//! Words: a *span* is two blocks; it is *suspicious* if the window that ends with it might be part of a key.

use crate::SAMPLE_RATE;
use crate::tape::{BLOCK, SLOT_BLOCKS};
use crate::tonebank::WINDOW;
use simd::screen::{self, AHEAD, Chunk, Energies, FORTY, HISTORY, History, SPAN, Shares, Sought, WAVES, Waves, Whole};
use std::f64::consts::TAU;
use std::sync::LazyLock;

/// Two waves among the rows, two among the columns, in Hz: no tone within 2.7 % of a key's is further than 123 Hz from one
/// of them, where a span shows it 4 dB weaker; no row is further than 71 Hz and 1.2 dB.
const HZ: [f64; WAVES] = [725.0, 900.0, 1_280.0, 1_560.0];

/// What must show in a suspicious span and those before it.
///
/// Of the first windows in earnest of 9,654 presses, at the limits and beyond, clean and in noise down to 2 dB below them, all but five have
/// as much, and those were in noise of 4 dB and less. A press at the limits may have 0.012 of a column. A voice fades between the beats of
/// its pitch; a quarter of what else would be suspicious in speech is not for that.
const SHARES: Shares =
    Shares { alone: 0.3, of_two: 0.38, of_three: 0.37, row: 0.08, column: 0.01, energy: LOUD, fading: 2.3 };
/// Lowest mean square looked at: -46 dBm0, a decibel below what a window must have.
const FLOOR: f32 = 6_400.0;
/// The energy of a span that has it.
const LOUD: f32 = FLOOR * SPAN as f32 / SQUARE;

/// How far [`Taken::back`] may go at most, in blocks.
pub(crate) const LOOK_BACK: usize = HISTORY + 1 - WINDOW;

const _: () = assert!(SPAN == 2 * BLOCK && SLOT_BLOCKS.is_multiple_of(2) && screen::WINDOW == WINDOW);
const _: () = assert!(LOOK_BACK + AHEAD == 16);

/// What is remembered of one leg.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    history: History,
}

/// Blocks that were taken, to be gone through one after the other.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    energies: Energies,
    /// Which is the present block; one before the first taken at the beginning.
    at: usize,
    /// How many were taken, and whether each ends a suspicious span, the first in the lowest bit.
    count: usize,
    suspicious: u32,
    /// How many blocks up to the present one the background has not heard.
    pub unheard: usize,
}

impl Screen {
    pub fn new() -> Self {
        LazyLock::force(&KEYS);
        Self { history: History::default() }
    }

    /// Takes the next so many blocks of this slot, from this one on.
    #[inline(always)]
    pub fn take(&mut self, slot: &[[i16; BLOCK]; SLOT_BLOCKS], first: usize, count: usize, taken: &mut Taken) {
        taken.suspicious = if count == slot.len() {
            self.history.take_whole(Whole(slot), &KEYS, &mut taken.energies)
        } else {
            // Spans begin where the slot begins.
            let (begun, blocks) = (first % 2, &slot[first..][..count]);
            let spans = &slot.as_flattened().as_chunks().0[first / 2..][..(begun + count) / 2];
            self.history.take(Chunk { blocks, spans, first_end: 1 - begun }, &KEYS, &mut taken.energies)
        };
        (taken.at, taken.count, taken.unheard) = (HISTORY - 1, count, 0);
    }
}

impl Taken {
    /// Moves on by a block.
    #[inline(always)]
    pub fn advance(&mut self) {
        self.at += 1;
    }

    /// Moves back by so many blocks, [`LOOK_BACK`] at most.
    pub fn back(&mut self, blocks: usize) {
        self.at -= blocks;
    }

    /// Whether the present block ends a suspicious span.
    #[inline(always)]
    pub fn is_suspicious(&self) -> bool {
        self.suspicious >> (self.at - HISTORY) & 1 != 0
    }

    /// The blocks taken that end suspicious spans, counted from zero, each with the mean square of the window it ends.
    #[inline(always)]
    pub fn suspicious(&self) -> impl Iterator<Item = (usize, f32)> {
        let mut left = self.suspicious;
        std::iter::from_fn(move || {
            let block = left.trailing_zeros() as usize;
            left &= left.checked_sub(1)?;
            Some((block, self.energies.windows[block + HISTORY + 1 - WINDOW]))
        })
    }

    /// Mean square of the window that ends with the present block.
    #[inline(always)]
    pub fn mean_square(&self) -> f32 {
        self.energies.windows[self.at + 1 - WINDOW]
    }

    /// Mean squares of the windows that end with this and the last blocks: so many of those taken.
    #[inline(always)]
    pub fn windows(&self, last: usize) -> &[f32] {
        let next = self.at + 2 - WINDOW;
        &self.energies.windows[next - last..next]
    }

    /// The quietest of as many as can be taken, if they were.
    #[inline(always)]
    pub fn quietest(&self) -> f32 {
        self.energies.quietest
    }

    /// Moves on up to the next block that ends a suspicious span; says by how many.
    #[inline(always)]
    pub fn skip(&mut self) -> u32 {
        let from = self.at + 1 - HISTORY;
        let to = self.count.min(from + (self.suspicious >> from).trailing_zeros() as usize);
        self.at = HISTORY - 1 + to;
        (to - from) as u32
    }

    /// Moves on to the last of those taken, all of which are still to come; says by how many.
    #[inline(always)]
    pub fn skip_all(&mut self) -> u32 {
        self.at = HISTORY - 1 + self.count;
        self.count as u32
    }

    /// Energy of each 5 ms of the blocks, of samples without their lowest bits; what there is beyond the last block means nothing.
    #[inline(always)]
    pub fn forties(&self) -> &[u32; AHEAD * BLOCK / FORTY] {
        &self.energies.forties
    }
}

/// What a sum of squares is to be multiplied by.
const SQUARE: f32 = (1 << (2 * screen::LEFT_OUT)) as f32;

/// Made once for all legs; [`Screen::new`] forces it, so that no tick ever has to.
static KEYS: LazyLock<Sought> = LazyLock::new(|| {
    let value = |pair: usize, second: usize, wave: usize| {
        let time = (SPAN as f64 - 1.0) / 2.0 - (2 * pair + second) as f64;
        let angle = TAU * HZ[wave % WAVES] / f64::from(SAMPLE_RATE) * time;
        (screen::AMPLITUDE * if wave < WAVES { angle.cos() } else { angle.sin() }).round() as i16
    };
    let pair = |pair| std::array::from_fn(|wave| [0, 1].map(|second| value(pair, second, wave)));
    Sought { waves: Waves::new(std::array::from_fn(pair)), shares: SHARES }
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtmf::Key;
    use crate::tones::{Oscillator, Tone};

    /// Which of the spans are suspicious.
    fn suspicious(samples: &[i16]) -> Vec<bool> {
        let (mut screen, mut slot, mut found) = (Screen::new(), [[0; BLOCK]; SLOT_BLOCKS], vec![]);
        for (count, block) in samples.as_chunks::<BLOCK>().0.iter().enumerate() {
            let place = count % SLOT_BLOCKS;
            slot[place] = *block;
            let mut taken = Taken::default();
            screen.take(&slot, place, 1, &mut taken);
            taken.advance();
            if count % 2 == 1 {
                found.push(taken.is_suspicious());
            }
        }
        found
    }

    fn tones(tones: &[(f32, f32)]) -> Vec<i16> {
        let mut samples = vec![0i16; 1_600];
        for &(hz, dbm0) in tones {
            let mut tone = vec![0; samples.len()];
            Oscillator::new(Tone::new(hz, dbm0)).fill(&mut tone);
            samples.iter_mut().zip(tone).for_each(|(sample, tone)| *sample += tone);
        }
        samples
    }

    #[test]
    fn every_key_is_suspicious_off_its_frequencies_and_with_twist() {
        for key in Key::ALL {
            let (row, column) = key.frequencies();
            let offs = [0.0, 0.015, -0.015, 0.02, -0.02].map(|off| [off, -off].map(|other| (off, other)));
            for (off, other_off) in offs.into_iter().flatten() {
                for (row_dbm0, column_dbm0) in [(-10.0, -10.0), (-10.0, -18.0), (-14.0, -10.0), (-42.0, -42.0)] {
                    let samples = tones(&[(row * (1.0 + off), row_dbm0), (column * (1.0 + other_off), column_dbm0)]);
                    let found = suspicious(&samples);
                    let longest = found.split(|found| *found).map(<[bool]>::len).max();
                    assert!(longest <= Some(1), "{key} {off} {other_off} {row_dbm0} {column_dbm0}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn what_fades_is_not() {
        let steady = tones(&[(770.0, -6.0), (1_336.0, -6.0)]);
        let fading = |db_in_a_span: f32| -> Vec<i16> {
            let gain = |n: usize| 10f32.powf(-db_in_a_span * n as f32 / SPAN as f32 / 20.0);
            steady.iter().enumerate().take(8 * SPAN).map(|(n, &sample)| (f32::from(sample) * gain(n)) as i16).collect()
        };
        // What begins does not fade yet.
        assert!(suspicious(&fading(1.0))[2..].iter().all(|&found| found));
        assert!(!suspicious(&fading(4.0))[2..].contains(&true));
    }

    #[test]
    fn what_is_quiet_or_elsewhere_is_not() {
        for samples in
            [tones(&[]), tones(&[(697.0, -52.0), (1_209.0, -52.0)]), tones(&[(300.0, -10.0), (2_500.0, -10.0)])]
        {
            assert!(!suspicious(&samples).contains(&true));
        }
    }
}
