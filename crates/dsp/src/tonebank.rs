//! Two tones fitted to the last few milliseconds: what every decision about keys is made of.
//!
//! [`ToneBank`] correlates blocks of 16 samples with the eight DTMF frequencies, all eight side by side so that
//! one instruction can serve several, and without a branch a sample; each block once, and only if somebody looks. [`ToneBank::look`]
//! tells at the price of the blocks that are new whether the strongest row and column could be worth a fit; in silence and in most of
//! speech `screen` lets nobody look. [`ToneBank::fit`] then answers: if this were one row tone and one column tone, how strong, how far
//! off their nominal frequencies, and how much of the signal would they leave unexplained?
//!
//! Data path: a leg's samples in a circle → here, where `screen` finds them suspicious → [`Fit`] every [`BLOCK`] samples → the press
//! logic in `dtmf`.
//! Time: counted in blocks; block limits depend on the position in the signal, never on how it was cut in chunks.
//! Source: least squares. Each tone has four terms, A cos + B sin + t (C cos + D sin): the latter two take up a small
//! error of frequency (quadrature to A, B) and a change of level (in phase). The fit is joint, so the tones do
//! not leak into one another although the window is a mere eight periods of the lowest.
//! Words: *explained* is the energy of the fitted tones, *unexplained* what the fit leaves.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use simd::mirror::{self, Correlation, Waves};

use crate::SAMPLE_RATE;
use crate::dtmf::{COLUMN_HZ, Key, ROW_HZ};

/// Samples in a block: 2 ms.
pub(crate) const BLOCK: usize = mirror::BLOCK;

/// Blocks in the window of one fit: 12 ms.
pub(crate) const WINDOW: usize = 6;

/// The last samples of a leg, in a circle of whole blocks.
pub(crate) type Kept = [[i16; BLOCK]; KEPT_BLOCKS];

/// Blocks kept: 100 ms, the delay of the stream and a chunk of 20 ms. Chunks of 40, 80 or 160 samples fit without a remainder.
pub(crate) const KEPT_BLOCKS: usize = 50;

/// Most blocks taken at a time: 20 ms.
pub(crate) const AHEAD: usize = 10;

const LANES: usize = mirror::WAVES;
const TERMS: usize = 8;

/// One tone of a [`Fit`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FittedTone {
    /// Mean square of the tone.
    pub mean_square: f32,
    /// Distance from the nominal frequency in Hz. Honest up to about 30 Hz, beyond that it exaggerates.
    pub offset_hz: f32,
    /// Relative change of amplitude in a block.
    pub slope: f32,
}

/// The best row and column tone for the last window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fit {
    pub key: Key,
    pub row: FittedTone,
    pub column: FittedTone,
    /// Mean square of the window.
    pub total: f32,
    /// Mean square of what the fit explains.
    pub explained: f32,
}

/// A complex number for each of the eight frequencies.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Lanes {
    re: [f32; LANES],
    im: [f32; LANES],
}

const NOTHING: Lanes = Lanes { re: [0.0; LANES], im: [0.0; LANES] };

impl Lanes {
    #[inline(always)]
    fn map2(self, other: Lanes, f: impl Fn(f32, f32) -> f32) -> Lanes {
        Lanes {
            re: std::array::from_fn(|lane| f(self.re[lane], other.re[lane])),
            im: std::array::from_fn(|lane| f(self.im[lane], other.im[lane])),
        }
    }

    #[inline(always)]
    fn times(&self, other: &Lanes) -> Lanes {
        Lanes {
            re: std::array::from_fn(|lane| self.re[lane] * other.re[lane] - self.im[lane] * other.im[lane]),
            im: std::array::from_fn(|lane| self.re[lane] * other.im[lane] + self.im[lane] * other.re[lane]),
        }
    }
}

/// The correlations of the last window of one leg.
#[derive(Debug, Clone)]
pub(crate) struct ToneBank {
    /// Correlation of each block of the window with the frequencies, in a circle; phases counted from the first block ever.
    sums: [Lanes; WINDOW],
    /// Correlation of the window.
    window: Lanes,
    /// Blocks so far, modulo [`AROUND`].
    count: u32,
    /// How many of the newest blocks are not in `sums`: where nobody looks none are made.
    missing: u32,
    tables: &'static Tables,
}

/// Blocks after which all circles, and the phases, are at their beginning.
const AROUND: u32 = (PERIOD * 3) as u32;
const _: () = assert!((AROUND as usize).is_multiple_of(WINDOW) && (AROUND as usize).is_multiple_of(KEPT_BLOCKS));

impl ToneBank {
    pub fn new() -> Self {
        Self { sums: [NOTHING; WINDOW], window: NOTHING, count: AROUND - 1, missing: 0, tables: &TABLES }
    }

    /// Moves the window on by so many blocks.
    #[inline(always)]
    pub fn advance(&mut self, blocks: u32) {
        self.count += blocks;
        self.count -= if self.count >= AROUND { AROUND } else { 0 };
        self.missing = (self.missing + blocks).min(WINDOW as u32);
    }

    /// Moves the window back by so many blocks.
    pub fn back(&mut self, blocks: u32) {
        self.count = (self.count + AROUND - blocks) % AROUND;
        self.missing = WINDOW as u32;
    }

    /// Correlates the blocks from this one on, which do not go around the circle; phases counted from the first ever.
    #[inline(always)]
    fn correlate(&mut self, kept: &Kept, count: usize, blocks: usize) {
        let place = count % KEPT_BLOCKS;
        let mut found = [Correlation::NONE; WINDOW];
        mirror::correlate(&kept[place..place + blocks], &self.tables.waves, &mut found);
        for (n, found) in found[..blocks].iter().enumerate() {
            self.sums[(count + n) % WINDOW] = self.turned(found, count + n);
        }
    }

    /// What was found in a block, phases counted from the first ever.
    #[inline(always)]
    fn turned(&self, found: &Correlation, count: usize) -> Lanes {
        let block = Lanes { re: found.even.map(|re| re as f32), im: found.odd.map(|im| im as f32) };
        block.times(&self.tables.turns[count % PERIOD])
    }

    /// Whether a look at the last window shows the strongest row and the strongest column to be half of what could be worth
    /// fitting. `mean_square` is that of the window, which ends with the newest block in `kept` that was moved on to.
    #[inline(always)]
    pub fn look(&mut self, kept: &Kept, mean_square: f32) -> bool {
        let newest = self.count as usize % WINDOW;
        if self.missing == 1 && newest != 0 {
            // What is written is not read again at once, so that nobody waits for it.
            let place = self.count as usize % KEPT_BLOCKS;
            let mut found = [Correlation::NONE];
            mirror::correlate(&kept[place..=place], &self.tables.waves, &mut found);
            let new = self.turned(&found[0], self.count as usize);
            let old = std::mem::replace(&mut self.sums[newest], new);
            self.window = self.window.map2(new, |window, new| window + new).map2(old, |window, old| window - old);
        } else {
            // Once in a round anew, so that the rounding of what has long gone is not carried on.
            let missing = self.missing as usize;
            let first = (self.count as usize + AROUND as usize + 1 - missing) % AROUND as usize;
            let before_the_end = missing.min(KEPT_BLOCKS - first % KEPT_BLOCKS);
            self.correlate(kept, first, before_the_end);
            if before_the_end < missing {
                self.correlate(kept, first + before_the_end, missing - before_the_end);
            }
            self.window =
                self.sums.iter().fold(NOTHING, |window, sums| window.map2(*sums, |window, sums| window + sums));
        }
        self.missing = 0;
        let Lanes { re, im } = &self.window;
        let all: [f32; LANES] = std::array::from_fn(|lane| re[lane] * re[lane] + im[lane] * im[lane]);
        let half: [f32; LANES / 2] = std::array::from_fn(|lane| greater(all[lane], all[lane + LANES / 2]));
        let (row, column) = (greater(half[0], half[2]), greater(half[1], half[3]));
        // A tone of mean square m has m n² / 2 here, or little less.
        (row + column >= WORTH * ((WINDOW * BLOCK) * (WINDOW * BLOCK)) as f32 / 2.0 * mean_square)
            & (row >= TWIST.0 * column)
            & (column >= TWIST.1 * row)
    }

    /// The key of the strongest row and the strongest column in the window that was looked at.
    #[inline(always)]
    pub fn strongest(&self) -> Option<Key> {
        let Lanes { re, im } = &self.window;
        let strength: [f32; LANES] = std::array::from_fn(|lane| re[lane] * re[lane] + im[lane] * im[lane]);
        Key::at(strongest(&strength, row_lane), strongest(&strength, column_lane))
    }

    /// Fits the strongest row and the strongest column to the window that was looked at, whose mean square is `total`.
    #[inline(always)]
    pub fn fit(&self, total: f32) -> Option<Fit> {
        let key = self.strongest()?;
        let (row, column) = (key.row(), key.column());
        let weighted = self.weighted_by_time();
        let turn = &self.tables.turns[(self.count as usize + PERIOD + 1 - WINDOW) % PERIOD];
        let (row_sums, column_sums) =
            (self.terms(row_lane(row), &weighted, turn), self.terms(column_lane(column), &weighted, turn));
        let sums: [f32; TERMS] = std::array::from_fn(|i| if i < 4 { row_sums[i] } else { column_sums[i - 4] });
        let inverse = &self.tables.inverse[row * 4 + column];
        // The matrix is symmetric, so its rows serve as columns: eight results side by side.
        let mut solution = [0.0; TERMS];
        for (inverse, sum) in inverse.iter().zip(&sums) {
            for (solution, inverse) in solution.iter_mut().zip(inverse) {
                *solution += inverse * sum;
            }
        }
        let explained: f32 = solution.iter().zip(&sums).map(|(solution, sum)| solution * sum).sum();
        Some(Fit {
            key,
            row: FittedTone::new(&solution[..4]),
            column: FittedTone::new(&solution[4..]),
            total,
            explained: explained / (WINDOW * BLOCK) as f32,
        })
    }

    /// The correlation of the window, weighted by time from its middle.
    #[inline(always)]
    fn weighted_by_time(&self) -> Lanes {
        let oldest = (self.count as usize + 1) % WINDOW;
        let (new, old) = self.sums.split_at(oldest);
        let mut all = NOTHING;
        for (sums, t) in old.iter().chain(new).zip(&self.tables.time) {
            all = all.map2(*sums, |all, sums| all + t * sums);
        }
        all
    }

    /// The correlation of one lane, and the same weighted by time; phases counted from the middle of the window's first block.
    #[inline(always)]
    fn terms(&self, lane: usize, weighted: &Lanes, turn: &Lanes) -> [f32; 4] {
        let (back_re, back_im) = (turn.re[lane] / SCALE, -turn.im[lane] / SCALE);
        let turned = |re: f32, im: f32| (re * back_re - im * back_im, re * back_im + im * back_re);
        let (p_re, p_im) = turned(self.window.re[lane], self.window.im[lane]);
        let (q_re, q_im) = turned(weighted.re[lane], weighted.im[lane]);
        [p_re, p_im, q_re, q_im]
    }
}

impl Fit {
    /// The larger relative change of amplitude in a block, of the two tones.
    #[inline(always)]
    pub fn slope(&self) -> f32 {
        self.row.slope.abs().max(self.column.slope.abs())
    }
}

impl FittedTone {
    /// From the solution p + jp', q + jq' of the terms (1, j, t, jt).
    #[inline(always)]
    fn new(solution: &[f32]) -> Self {
        let (p_re, p_im, q_re, q_im) = (solution[0], solution[1], solution[2], solution[3]);
        let power = p_re * p_re + p_im * p_im;
        let spread = (q_re * q_re + q_im * q_im) * spread_of_time() as f32;
        // q / p is the growth of amplitude (real) and of phase (imaginary) in a block. The tiny term keeps
        // silence from dividing by zero.
        let scale = 1.0 / (power + 1e-9);
        Self {
            mean_square: (power + spread) / 2.0,
            offset_hz: (q_im * p_re - q_re * p_im) * scale * (SAMPLE_RATE as f32 / BLOCK as f32) / TAU as f32,
            slope: (q_re * p_re + q_im * p_im) * scale,
        }
    }
}

/// Variance of the offset of a tone in white noise of the same mean square, in square hertz.
pub(crate) const fn offset_variance_in_noise() -> f32 {
    let hz = SAMPLE_RATE as f64 / BLOCK as f64 / TAU;
    (hz * hz / ((WINDOW * BLOCK) as f64 * spread_of_time())) as f32
}

/// The offset of a steady tone whose fit shows this one, in Hz: the fit exaggerates what goes beyond about 30 Hz.
pub(crate) fn true_offset_hz(fitted_hz: f32) -> f32 {
    let shown = &TABLES.shown_hz;
    let above = shown.partition_point(|&shown| shown <= fitted_hz.abs()).clamp(1, OFFSETS);
    let (low, high) = (shown[above - 1], shown[above]);
    let share = ((fitted_hz.abs() - low) / (high - low)).min(1.0);
    ((above - 1) as f32 + share).copysign(fitted_hz)
}

/// What the fit shows of a steady tone that is so many Hz off.
fn shown_hz(hz: f64) -> f64 {
    let to_radians = TAU * BLOCK as f64 / f64::from(SAMPLE_RATE);
    // For a tone that turns by `turn` in a block the fit shows sum(t sin) / sum(t t) over mean(cos).
    let times = (0..WINDOW).map(centred);
    let (sin, cos) = times.fold((0.0, 0.0), |(sin, cos), t| {
        let angle = hz * to_radians * t;
        (sin + t * angle.sin(), cos + angle.cos())
    });
    sin / (spread_of_time() * cos) / to_radians
}

/// Offsets of whole Hz that are told apart: below those where the blocks of a window cancel one another.
const OFFSETS: usize = 80;

/// Rows and columns take turns, so that halving the lanes compares rows with rows and columns with columns.
const fn row_lane(row: usize) -> usize {
    row * 2
}

const fn column_lane(column: usize) -> usize {
    column * 2 + 1
}

const fn lane_hz(lane: usize) -> f32 {
    if lane.is_multiple_of(2) { ROW_HZ[lane / 2] } else { COLUMN_HZ[lane / 2] }
}

fn strongest(strength: &[f32; LANES], lane: impl Fn(usize) -> usize) -> usize {
    (1..LANES / 2).fold(0, |best, other| if strength[lane(other)] > strength[lane(best)] { other } else { best })
}

/// The greater of two that are numbers: one instruction.
#[inline(always)]
pub(crate) const fn greater(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

/// What a correlation counted in whole numbers is to be multiplied by.
const SCALE: f32 = (1 << mirror::LEFT_OUT) as f32 / mirror::AMPLITUDE as f32;

/// The middle of a block, in samples from its first.
const MIDDLE: f64 = (BLOCK as f64 - 1.0) / 2.0;

/// Time of a block from the middle of the window, in blocks.
const fn centred(block: usize) -> f64 {
    block as f64 - (WINDOW as f64 - 1.0) / 2.0
}

/// Mean square of [`centred`] over the window.
const fn spread_of_time() -> f64 {
    ((WINDOW * WINDOW) as f64 - 1.0) / 12.0
}

/// Share of the energy that the two strongest lanes must show at first sight.
const WORTH: f32 = 0.25;

/// Least power of the row beside the column, and of the column beside the row, at first sight: half of what could be a key, whose
/// tones may be off their frequencies.
const TWIST: (f32, f32) = (0.06, 0.01);

/// Blocks after which all the frequencies, whole numbers of Hz, are in phase with themselves again: a second.
const PERIOD: usize = SAMPLE_RATE as usize / BLOCK;

/// Constants of the eight frequencies.
#[derive(Debug)]
struct Tables {
    /// Cosine and negative sine.
    waves: Waves,
    /// e^-jωt in the middle of each block, over a second, times [`SCALE`].
    turns: [Lanes; PERIOD],
    /// Time of each block from the middle of the window, in blocks.
    time: [f32; WINDOW],
    /// What the fit shows of a tone that is so many Hz off.
    shown_hz: [f32; OFFSETS + 1],
    /// For each key, the inverse of the matrix of products of its eight terms.
    inverse: [[[f32; TERMS]; TERMS]; 16],
}

/// Made once for all legs; [`ToneBank::new`] forces it, so that no tick ever has to.
static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let step: [f64; LANES] = std::array::from_fn(|lane| f64::from(lane_hz(lane)) * TAU / f64::from(SAMPLE_RATE));
    // The wave of a frequency at two neighbouring samples.
    let pair = |wave: fn(f64) -> f64, pair: usize, lane: usize| {
        [2 * pair, 2 * pair + 1].map(|n| (wave(step[lane] * (MIDDLE - n as f64)) * mirror::AMPLITUDE).round() as i16)
    };
    let waves = Waves {
        even: std::array::from_fn(|n| std::array::from_fn(|lane| pair(f64::cos, n, lane))),
        odd: std::array::from_fn(|n| std::array::from_fn(|lane| pair(|angle| -angle.sin(), n, lane))),
    };
    let turns = std::array::from_fn(|k| {
        let turn = step.map(|step| step * ((k * BLOCK) as f64 + MIDDLE));
        let scale = f64::from(SCALE);
        Lanes { re: turn.map(|turn| (turn.cos() * scale) as f32), im: turn.map(|turn| (-turn.sin() * scale) as f32) }
    });
    let inverse = std::array::from_fn(|key| invert(products(step[row_lane(key / 4)], step[column_lane(key % 4)])));
    let time = std::array::from_fn(|k| centred(k) as f32);
    Tables { waves, turns, time, shown_hz: std::array::from_fn(|hz| shown_hz(hz as f64) as f32), inverse }
});

/// Products of the eight terms of two tones with one another, summed over the window.
fn products(row: f64, column: f64) -> [[f64; TERMS]; TERMS] {
    let mut matrix = [[0.0; TERMS]; TERMS];
    for n in 0..WINDOW * BLOCK {
        let (time, t) = (n as f64 - MIDDLE, centred(n / BLOCK));
        let mut terms = [0.0; TERMS];
        for (terms, step) in terms.chunks_exact_mut(4).zip([row, column]) {
            let (cos, sin) = ((step * time).cos(), -(step * time).sin());
            terms.copy_from_slice(&[cos, sin, t * cos, t * sin]);
        }
        for i in 0..TERMS {
            for j in 0..TERMS {
                matrix[i][j] += terms[i] * terms[j];
            }
        }
    }
    matrix
}

/// Gauss-Jordan without pivoting: the matrix is symmetric and well away from singular.
fn invert(mut matrix: [[f64; TERMS]; TERMS]) -> [[f32; TERMS]; TERMS] {
    let mut inverse: [[f64; TERMS]; TERMS] =
        std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }));
    for pivot in 0..TERMS {
        let scale = 1.0 / matrix[pivot][pivot];
        matrix[pivot] = matrix[pivot].map(|value| value * scale);
        inverse[pivot] = inverse[pivot].map(|value| value * scale);
        let (pivot_row, pivot_inverse) = (matrix[pivot], inverse[pivot]);
        for i in (0..TERMS).filter(|&i| i != pivot) {
            let factor = matrix[i][pivot];
            for j in 0..TERMS {
                matrix[i][j] -= factor * pivot_row[j];
                inverse[i][j] -= factor * pivot_inverse[j];
            }
        }
    }
    inverse.map(|row| row.map(|value| value as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: every sample of the window times e^-jωn, phases counted from the first sample ever.
    fn by_definition(samples: &[i16], lane: usize) -> (f64, f64) {
        let hz = f64::from(lane_hz(lane));
        let first = samples.len().saturating_sub(WINDOW * BLOCK);
        samples.iter().enumerate().skip(first).fold((0.0, 0.0), |(re, im), (n, &sample)| {
            let angle = hz * TAU * n as f64 / f64::from(SAMPLE_RATE);
            (re + f64::from(sample) * angle.cos(), im - f64::from(sample) * angle.sin())
        })
    }

    /// Four seconds of noise, now loud, now quiet; between times nobody looks, and sometimes he looks back.
    #[test]
    fn what_is_looked_at_is_the_correlation_of_the_window() {
        let mut state = 1u32;
        let (mut bank, mut samples, mut looked) = (ToneBank::new(), Vec::new(), 0);
        let mut kept = [[0; BLOCK]; KEPT_BLOCKS];
        for block in 0..2_000u32 {
            let shift = if block / 90 % 2 == 0 { 16 } else { 25 };
            let noise: [i16; BLOCK] = std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state as i32 >> shift) as i16) & !3
            });
            samples.extend(noise);
            kept[block as usize % KEPT_BLOCKS] = noise;
            bank.advance(1);
            let back = if block % 97 == 96 { 3 } else { 0 };
            bank.back(back);
            let samples = &samples[..samples.len() - back as usize * BLOCK];
            if block % 50 >= 3 && block % 7 != 6 || back > 0 {
                let window = &samples[samples.len().saturating_sub(WINDOW * BLOCK)..];
                let energy: f64 = window.iter().map(|&sample| f64::from(sample).powi(2)).sum();
                bank.look(&kept, energy as f32);
                looked += 1;
                let bound = (energy * 96.0).sqrt() * 1e-4 + 0.5;
                for lane in 0..LANES {
                    let ((re, im), (re_by, im_by)) =
                        ((bank.window.re[lane], bank.window.im[lane]), by_definition(samples, lane));
                    assert!(
                        (f64::from(re) - re_by).abs() < bound && (f64::from(im) - im_by).abs() < bound,
                        "block {block}, lane {lane}: {re} {im}, by definition {re_by} {im_by}"
                    );
                }
            }
            bank.advance(back);
        }
        assert!(looked > 1_500);
    }
}
