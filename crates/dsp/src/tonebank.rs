//! Two tones fitted to the last few milliseconds: what every decision about keys is made of.
//!
//! [`ToneBank`] correlates a window of 12 ms with the eight DTMF frequencies, all eight side by side so that one instruction serves
//! several, and without a branch a sample. Nothing is kept from one window to the next: in silence and in most of speech `screen` lets
//! nobody look. [`ToneBank::look`] tells whether the strongest row and column could be worth a fit. [`ToneBank::fit`] then answers: if
//! this were one row tone and one column tone, how strong, how far off their nominal frequencies, and how much of the signal would they
//! leave unexplained?
//!
//! Data path: a leg's samples on its tape → here, where `screen` finds them suspicious → [`Fit`] every [`BLOCK`] samples → the press
//! logic in `dtmf`.
//! Time: from the middle of the window, in samples for the tones and in blocks for their change.
//! Source: least squares. Each tone has four terms, A cos + B sin + t (C cos + D sin): the latter two take up a small
//! error of frequency (quadrature to A, B) and a change of level (in phase). The fit is joint, so the tones do
//! not leak into one another although the window is a mere eight periods of the lowest. Half of the terms are even around the middle,
//! half are odd, and those know nothing of one another: two small systems of equations instead of a large one.
//! Words: *explained* is the energy of the fitted tones, *unexplained* what the fit leaves.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use simd::mirror::{self, Correlation, LENGTH, Waves};

use crate::dtmf::{COLUMN_HZ, Key, ROW_HZ};
use crate::tape::BLOCK;
use crate::{SAMPLE_RATE, greater};

/// Blocks in the window of one fit: 12 ms.
pub(crate) const WINDOW: usize = LENGTH / BLOCK;

/// Most blocks taken at a time: 20 ms.
pub(crate) const AHEAD: usize = simd::screen::AHEAD;

const LANES: usize = mirror::WAVES;

/// Terms of the two tones that are even, and as many that are odd: one of each tone as it is, then one of each times the time.
const TERMS: usize = 4;

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

/// The best row and column tone for a window.
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

/// A window that was looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    found: Correlation,
    /// Square of the correlation with each of the frequencies.
    strength: [f32; LANES],
}

/// What windows are looked at with.
#[derive(Debug, Clone)]
pub(crate) struct ToneBank {
    tables: &'static Tables,
}

impl ToneBank {
    /// Makes its constants, so that no tick ever has to.
    pub fn make_ready() {
        LazyLock::force(&TABLES);
    }

    #[inline(always)]
    pub fn new() -> Self {
        Self { tables: &TABLES }
    }

    /// Looks at a window. Nothing, if the strongest row and column do not show tones of this mean square, or one of them is too weak
    /// beside the other.
    #[inline(always)]
    pub fn look(&self, window: &[i16; LENGTH], worth: f32) -> Option<Look> {
        let found = mirror::correlate(window, &self.tables.waves);
        let strength: [f32; LANES] = std::array::from_fn(|lane| {
            let (even, odd) = (found.even[lane] as f32, found.odd[lane] as f32);
            even * even + odd * odd
        });
        let half: [f32; LANES / 2] = std::array::from_fn(|lane| greater(strength[lane], strength[lane + LANES / 2]));
        let (row, column) = (greater(half[0], half[2]), greater(half[1], half[3]));
        // A tone of mean square m has m n² / 2 here, or little less.
        let least = ((LENGTH * LENGTH) as f32 / 2.0 / (SCALE * SCALE)) * worth;
        ((row + column >= least) & (row >= TWIST.0 * column) & (column >= TWIST.1 * row))
            .then_some(Look { found, strength })
    }

    /// Fits the strongest row and the strongest column to a window that was looked at, whose mean square is `total`.
    #[inline(always)]
    pub fn fit(&self, window: &[i16; LENGTH], look: &Look, total: f32) -> Option<Fit> {
        let key = look.strongest()?;
        let weighted = mirror::correlate(window, &self.tables.weighted);
        let lanes = [row_lane(key.row()), column_lane(key.column())];
        let sums = |found: &[i32; LANES], weighted: &[i32; LANES]| {
            let [row, column] = lanes.map(|lane| found[lane] as f32 * SCALE);
            let [weighted_row, weighted_column] = lanes.map(|lane| weighted[lane] as f32 * WEIGHTED_SCALE);
            [row, column, weighted_row, weighted_column]
        };
        let (even_sums, odd_sums) = (sums(&look.found.even, &weighted.even), sums(&look.found.odd, &weighted.odd));
        let inverse = &self.tables.inverse[key.row() * 4 + key.column()];
        // The matrices are symmetric, so their rows serve as columns: all results side by side.
        let (mut even, mut odd) = ([0.0; TERMS], [0.0; TERMS]);
        for term in 0..TERMS {
            for n in 0..TERMS {
                even[n] += inverse.even[term][n] * even_sums[term];
                odd[n] += inverse.odd[term][n] * odd_sums[term];
            }
        }
        let explained: f32 = (0..TERMS).map(|term| even[term] * even_sums[term] + odd[term] * odd_sums[term]).sum();
        // As a complex number, the even term of a tone is the real part, of its change the odd one.
        let tone = |n: usize| FittedTone::new((even[n], odd[n]), (odd[n + 2], even[n + 2]));
        Some(Fit { key, row: tone(0), column: tone(1), total, explained: explained / LENGTH as f32 })
    }
}

impl Look {
    /// The key of the strongest row and the strongest column.
    #[inline(always)]
    fn strongest(&self) -> Option<Key> {
        Key::at(strongest(&self.strength, row_lane), strongest(&self.strength, column_lane))
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
    /// From the tone in the middle of the window, and its change in a block.
    #[inline(always)]
    fn new((p_re, p_im): (f32, f32), (q_re, q_im): (f32, f32)) -> Self {
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

/// Greatest values of the waves, and of the waves times the time.
const AMPLITUDE: f64 = 4_000.0;
const WEIGHTED_AMPLITUDE: f64 = 2_500.0;

/// What a correlation counted in whole numbers is to be multiplied by.
const SCALE: f32 = (1 << mirror::LEFT_OUT) as f32 / AMPLITUDE as f32;
const WEIGHTED_SCALE: f32 = (1 << mirror::LEFT_OUT) as f32 / WEIGHTED_AMPLITUDE as f32;

/// Time of a block from the middle of the window, in blocks.
const fn centred(block: usize) -> f64 {
    block as f64 - (WINDOW as f64 - 1.0) / 2.0
}

/// Mean square of [`centred`] over the window.
const fn spread_of_time() -> f64 {
    ((WINDOW * WINDOW) as f64 - 1.0) / 12.0
}

/// Least power of the row beside the column, and of the column beside the row, at first sight: half of what could be a key, whose
/// tones may be off their frequencies.
const TWIST: (f32, f32) = (0.06, 0.01);

/// Constants of the eight frequencies.
#[derive(Debug)]
struct Tables {
    /// Cosine and negative sine.
    waves: Waves,
    /// Both times the time from the middle of the window in blocks, by which what was even is odd.
    weighted: Waves,
    /// What the fit shows of a tone that is so many Hz off.
    shown_hz: [f32; OFFSETS + 1],
    /// For each key, the inverses of the matrices of products of its terms.
    inverse: [Inverse; 16],
}

/// Of the even and of the odd terms of a key.
#[derive(Debug)]
struct Inverse {
    even: [[f32; TERMS]; TERMS],
    odd: [[f32; TERMS]; TERMS],
}

/// Made once for all legs, see [`ToneBank::make_ready`].
static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let step: [f64; LANES] = std::array::from_fn(|lane| f64::from(lane_hz(lane)) * TAU / f64::from(SAMPLE_RATE));
    let waves = |amplitude: f64, even: fn(f64, f64) -> f64, odd: fn(f64, f64) -> f64| {
        let form = |lane: usize| if lane < LANES { even } else { odd };
        let value = |n: usize, lane: usize| (amplitude * form(lane)(step[lane % LANES], time(n))).round() as i16;
        let pair = |pair: usize, lane: usize| [LENGTH - 1 - 2 * pair, LENGTH - 2 - 2 * pair].map(|n| value(n, lane));
        Waves(std::array::from_fn(|n| std::array::from_fn(|lane| pair(n, lane))))
    };
    let inverse = |key: usize| {
        let tones = [step[row_lane(key / 4)], step[column_lane(key % 4)]];
        Inverse {
            even: invert(products(tones, cosine, sine_by_time)),
            odd: invert(products(tones, sine, cosine_by_time)),
        }
    };
    Tables {
        waves: waves(AMPLITUDE, cosine, sine),
        weighted: waves(WEIGHTED_AMPLITUDE, sine_by_time, cosine_by_time),
        shown_hz: std::array::from_fn(|hz| shown_hz(hz as f64) as f32),
        inverse: std::array::from_fn(inverse),
    }
});

/// Time of a sample from the middle of the window, in samples, and that of its block, in blocks.
fn time(n: usize) -> f64 {
    n as f64 - (LENGTH as f64 - 1.0) / 2.0
}

fn block_time(time: f64) -> f64 {
    centred((time + LENGTH as f64 / 2.0) as usize / BLOCK)
}

fn cosine(step: f64, time: f64) -> f64 {
    (step * time).cos()
}

fn sine(step: f64, time: f64) -> f64 {
    -(step * time).sin()
}

fn cosine_by_time(step: f64, time: f64) -> f64 {
    block_time(time) * cosine(step, time)
}

fn sine_by_time(step: f64, time: f64) -> f64 {
    block_time(time) * sine(step, time)
}

/// Products of these terms of two tones with one another, summed over the window.
fn products(tones: [f64; 2], term: fn(f64, f64) -> f64, weighted: fn(f64, f64) -> f64) -> [[f64; TERMS]; TERMS] {
    let mut matrix = [[0.0; TERMS]; TERMS];
    for time in (0..LENGTH).map(time) {
        let [row, column] = tones;
        let terms = [term(row, time), term(column, time), weighted(row, time), weighted(column, time)];
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

    /// Noise, loud and quiet, and tones as loud as can be.
    fn windows() -> Vec<[i16; LENGTH]> {
        let mut state = 1u32;
        let mut noise = |shift: u32| {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state as i32 >> shift) as i16) & !3
            })
        };
        let mut windows: Vec<[i16; LENGTH]> = (0..200).map(|n| noise(if n % 2 == 0 { 16 } else { 25 })).collect();
        for key in Key::ALL {
            let (row, column) = key.frequencies();
            windows.push(std::array::from_fn(|n| {
                let tone = |hz: f32| (f64::from(hz) * TAU * n as f64 / f64::from(SAMPLE_RATE)).sin();
                ((16_000.0 * (tone(row) + tone(column))) as i16) & !3
            }));
        }
        windows
    }

    #[test]
    fn what_is_looked_at_is_the_correlation_of_the_window() {
        let bank = ToneBank::new();
        type Form = fn(f64, f64) -> f64;
        let forms: [(&Waves, f32, [Form; 2]); 2] = [
            (&bank.tables.waves, SCALE, [cosine, sine]),
            (&bank.tables.weighted, WEIGHTED_SCALE, [sine_by_time, cosine_by_time]),
        ];
        for window in windows() {
            let energy: f64 = window.iter().map(|&sample| f64::from(sample).powi(2)).sum();
            for (waves, scale, [even, odd]) in forms {
                let found = mirror::correlate(&window, waves);
                for lane in 0..LANES {
                    let step = f64::from(lane_hz(lane)) * TAU / f64::from(SAMPLE_RATE);
                    let by_definition = |form: fn(f64, f64) -> f64| -> f64 {
                        window.iter().enumerate().map(|(n, &sample)| f64::from(sample) * form(step, time(n))).sum()
                    };
                    let bound = (energy * LENGTH as f64).sqrt() * 2e-4;
                    for (found, form) in [(found.even[lane], even), (found.odd[lane], odd)] {
                        let difference = f64::from(found) * f64::from(scale) - by_definition(form);
                        assert!(difference.abs() < bound, "lane {lane}: {difference}, more than {bound}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_sum_can_overflow() {
        for waves in [&TABLES.waves, &TABLES.weighted] {
            for lane in 0..2 * LANES {
                let all = waves.0.iter().flat_map(|pair| pair[lane]);
                assert!(all.map(|value| i32::from(value).abs()).sum::<i32>() <= mirror::MOST);
            }
        }
    }

    #[test]
    fn a_fit_finds_the_tones_that_are_there() {
        let bank = ToneBank::new();
        for key in Key::ALL {
            let (row_hz, column_hz) = key.frequencies();
            for (off, growth) in [(0.0, 0.0), (9.0, 0.02), (-9.0, -0.02)] {
                let tone = |hz: f32, n: usize, phase: f64| {
                    let angle = f64::from(hz + off) * TAU / f64::from(SAMPLE_RATE) * n as f64 + phase;
                    angle.cos() * (1.0 + growth * time(n) / BLOCK as f64)
                };
                let window: [i16; LENGTH] = std::array::from_fn(|n| {
                    (8_000.0 * tone(row_hz, n, 1.0) + 5_000.0 * tone(column_hz, n, 2.0)).round() as i16
                });
                let total = window.iter().map(|&sample| f32::from(sample).powi(2)).sum::<f32>() / LENGTH as f32;
                let look = bank.look(&window, total / 2.0).expect("it is worth it");
                let fit = bank.fit(&window, &look, total).expect("there is a key");
                assert_eq!(fit.key, key);
                assert!(fit.explained > 0.98 * total && fit.explained < 1.01 * total, "{fit:?}");
                for (tone, peak) in [(fit.row, 8_000.0f32), (fit.column, 5_000.0)] {
                    assert!((tone.mean_square / (peak * peak / 2.0) - 1.0).abs() < 0.1, "{key} {off}: {fit:?}");
                    assert!((tone.offset_hz - off).abs() < 1.0, "{key} {off}: {fit:?}");
                    assert!((tone.slope - growth as f32).abs() < 0.02, "{key} {off}: {fit:?}");
                }
            }
        }
    }
}
