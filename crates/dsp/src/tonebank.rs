//! Two tones fitted to the last few milliseconds: what every decision about keys is made of.
//!
//! [`ToneBank`] correlates each block of 16 samples with the eight DTMF frequencies, all eight side by side so that
//! one instruction can serve several, and without a branch a sample. Every two milliseconds [`ToneBank::fit`] puts
//! the last blocks together and answers: if this were one row tone and one column tone, how strong, how far off
//! their nominal frequencies, and how much of the signal would they leave unexplained?
//!
//! Data path: a leg's samples → here → [`Fit`] every [`BLOCK`] samples → the press logic in `dtmf`.
//! Time: counted in blocks; block limits depend on the position in the signal, never on how it was cut in chunks.
//! Source: least squares. Each tone has four terms, A cos + B sin + t (C cos + D sin): the latter two take up a small
//! error of frequency (quadrature to A, B) and a change of level (in phase). The fit is joint, so the tones do
//! not leak into one another although the window is a mere eight periods of the lowest.
//! Words: *explained* is the energy of the fitted tones, *unexplained* what the fit leaves.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use crate::SAMPLE_RATE;
use crate::dtmf::{COLUMN_HZ, Key, ROW_HZ};

/// Samples in a block: 2 ms.
pub(crate) const BLOCK: usize = 16;

/// Blocks in the window of one fit: 12 ms.
pub(crate) const WINDOW: usize = 6;

const LANES: usize = 8;
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

#[derive(Debug, Clone, Copy)]
struct BlockSums {
    re: [f32; LANES],
    im: [f32; LANES],
    energy: f32,
}

const EMPTY: BlockSums = BlockSums { re: [0.0; LANES], im: [0.0; LANES], energy: 0.0 };

/// The running correlations of one leg.
#[derive(Debug, Clone)]
pub(crate) struct ToneBank {
    tables: &'static Tables,
    current: BlockSums,
    filled: usize,
    ring: [BlockSums; WINDOW],
    /// The oldest block of the ring, the one to be replaced next.
    oldest: usize,
}

impl ToneBank {
    pub fn new() -> Self {
        Self { tables: &TABLES, current: EMPTY, filled: 0, ring: [EMPTY; WINDOW], oldest: 0 }
    }

    /// How many samples the current block still takes, from 1 to [`BLOCK`].
    pub fn wanted(&self) -> usize {
        BLOCK - self.filled
    }

    /// Takes no more than [`ToneBank::wanted`] samples; true when they complete the block.
    pub fn absorb(&mut self, samples: &[i16]) -> bool {
        let end = (self.filled + samples.len()).min(BLOCK);
        // Copies, so that the sums stay in registers.
        let (mut re, mut im, mut energy) = (self.current.re, self.current.im, self.current.energy);
        for (&sample, (cos, sin)) in samples.iter().zip(&self.tables.wave[self.filled..end]) {
            let value = f32::from(sample);
            for lane in 0..LANES {
                re[lane] += value * cos[lane];
                im[lane] += value * sin[lane];
            }
            energy += value * value;
        }
        self.current = BlockSums { re, im, energy };
        self.filled = end;
        if self.filled < BLOCK {
            return false;
        }
        self.ring[self.oldest] = std::mem::replace(&mut self.current, EMPTY);
        self.oldest = (self.oldest + 1) % WINDOW;
        self.filled = 0;
        true
    }

    /// Mean square of the last window.
    pub fn mean_square(&self) -> f32 {
        self.ring.iter().map(|block| block.energy).sum::<f32>() / (WINDOW * BLOCK) as f32
    }

    /// Fits the strongest row and the strongest column to the last window, unless a look shows that they are not half
    /// of what could be worth fitting.
    pub fn fit(&self) -> Option<Fit> {
        let (mut re, mut im) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (new, old) = self.ring.split_at(self.oldest);
        for (block, (turn_re, turn_im)) in old.iter().chain(new).zip(&self.tables.turn) {
            for lane in 0..LANES {
                re[lane] += block.re[lane] * turn_re[lane] - block.im[lane] * turn_im[lane];
                im[lane] += block.re[lane] * turn_im[lane] + block.im[lane] * turn_re[lane];
            }
        }
        let mut strength = [0.0f32; LANES];
        for lane in 0..LANES {
            strength[lane] = re[lane] * re[lane] + im[lane] * im[lane];
        }
        let (row, column) = (strongest(&strength[..4]), strongest(&strength[4..]));
        let total = self.mean_square();
        let samples = (WINDOW * BLOCK) as f32;
        // A tone of mean square m has m n² / 2 here, or little less.
        if strength[row] + strength[4 + column] < WORTH * total * samples * samples / 2.0 {
            return None;
        }
        let key = Key::at(row, column)?;
        let (row_t, column_t) = (self.timed(row), self.timed(4 + column));
        let sums: [f32; TERMS] =
            [re[row], im[row], row_t.0, row_t.1, re[4 + column], im[4 + column], column_t.0, column_t.1];
        let inverse = &self.tables.inverse[row * 4 + column];
        let solution: [f32; TERMS] =
            std::array::from_fn(|i| inverse[i].iter().zip(&sums).map(|(inverse, sum)| inverse * sum).sum());
        let explained: f32 = solution.iter().zip(&sums).map(|(solution, sum)| solution * sum).sum();
        Some(Fit {
            key,
            row: FittedTone::new(&solution[..4]),
            column: FittedTone::new(&solution[4..]),
            total,
            explained: explained / samples,
        })
    }

    /// The correlation of one lane weighted by time from the middle of the window.
    fn timed(&self, lane: usize) -> (f32, f32) {
        let (new, old) = self.ring.split_at(self.oldest);
        let (mut re, mut im) = (0.0, 0.0);
        for ((block, (turn_re, turn_im)), t) in old.iter().chain(new).zip(&self.tables.turn).zip(&self.tables.time) {
            re += t * (block.re[lane] * turn_re[lane] - block.im[lane] * turn_im[lane]);
            im += t * (block.re[lane] * turn_im[lane] + block.im[lane] * turn_re[lane]);
        }
        (re, im)
    }
}

impl FittedTone {
    /// From the solution p + jp', q + jq' of the terms (1, j, t, jt).
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

/// The offset of a steady tone whose fit shows this one, in Hz: the fit exaggerates what goes beyond about 30 Hz.
pub(crate) fn true_offset_hz(fitted_hz: f32) -> f32 {
    let to_radians = std::f32::consts::TAU * BLOCK as f32 / SAMPLE_RATE as f32;
    // For a tone that turns by `turn` in a block the fit shows sum(t sin) / sum(t t) over mean(cos).
    let shown = |turn: f32| {
        let times = (0..WINDOW).map(|block| centred(block) as f32);
        let (sin, cos) = times.fold((0.0, 0.0), |(sin, cos), t| (sin + t * (turn * t).sin(), cos + (turn * t).cos()));
        sin / (spread_of_time() as f32 * cos)
    };
    let (wanted, mut low, mut high) = (fitted_hz.abs() * to_radians, 0.0, std::f32::consts::PI / WINDOW as f32);
    for _ in 0..20 {
        let middle = (low + high) / 2.0;
        if shown(middle) < wanted { low = middle } else { high = middle }
    }
    low.copysign(fitted_hz) / to_radians
}

fn strongest(strength: &[f32]) -> usize {
    (1..strength.len()).fold(0, |best, lane| if strength[lane] > strength[best] { lane } else { best })
}

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

/// Constants of the eight frequencies; rows first, then columns.
#[derive(Debug)]
struct Tables {
    /// Cosine and negative sine for each sample of a block.
    wave: [([f32; LANES], [f32; LANES]); BLOCK],
    /// e^-jωt at the start of each block of the window.
    turn: [([f32; LANES], [f32; LANES]); WINDOW],
    /// Time of each block from the middle of the window, in blocks.
    time: [f32; WINDOW],
    /// For each key, the inverse of the matrix of products of its eight terms.
    inverse: [[[f32; TERMS]; TERMS]; 16],
}

/// Made once for all legs; [`ToneBank::new`] forces it, so that no tick ever has to.
static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let step: [f64; LANES] = std::array::from_fn(|lane| {
        f64::from(if lane < 4 { ROW_HZ[lane] } else { COLUMN_HZ[lane - 4] }) * TAU / f64::from(SAMPLE_RATE)
    });
    let wave = std::array::from_fn(|n| {
        (step.map(|step| (step * n as f64).cos() as f32), step.map(|step| -(step * n as f64).sin() as f32))
    });
    let turn = std::array::from_fn(|k| {
        let n = (k * BLOCK) as f64;
        (step.map(|step| (step * n).cos() as f32), step.map(|step| -(step * n).sin() as f32))
    });
    let inverse = std::array::from_fn(|key| invert(products(step[key / 4], step[4 + key % 4])));
    Tables { wave, turn, time: std::array::from_fn(|k| centred(k) as f32), inverse }
});

/// Products of the eight terms of two tones with one another, summed over the window.
fn products(row: f64, column: f64) -> [[f64; TERMS]; TERMS] {
    let mut matrix = [[0.0; TERMS]; TERMS];
    for n in 0..WINDOW * BLOCK {
        let (time, t) = (n as f64, centred(n / BLOCK));
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
