//! A run of windows that say the same key, from the first suspicion to the end of the press.
//!
//! Data path: judged windows → [`Run`] → whether it is a press, since when, and its [`Sound`].
//! Time: positions in samples, given with each window.
//! Source: ITU-T Q.24 (11/88) table A-1 for the length of a press, its frequencies and its twist.

use super::Key;
use super::judgement::{COLUMN_LIMIT_HZ, ROW_LIMIT_HZ, Verdict};
use crate::level::dbm0_of;
use crate::tape::BLOCK;
use crate::tonebank::{Fit, FittedTone, WINDOW, offset_variance_in_noise, true_offset_hz};

/// How a press sounded: what a technician asks when a key was not heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sound {
    /// Level of the row (low group) tone in dBm0.
    pub row_dbm0: f32,
    /// Level of the column (high group) tone in dBm0.
    pub column_dbm0: f32,
    /// Distance of the row tone from its nominal frequency in Hz.
    pub row_offset_hz: f32,
    /// Distance of the column tone from its nominal frequency in Hz.
    pub column_offset_hz: f32,
    /// Level of all else that was heard with it, in dBm0. A frequency off by 1.5 % puts it 17 dB below the tones by itself.
    pub rest_dbm0: f32,
}

impl Sound {
    /// How much stronger the column tone is than the row tone, in dB; negative if it is weaker.
    #[must_use]
    pub fn twist_db(&self) -> f32 {
        self.column_dbm0 - self.row_dbm0
    }
}

/// Consecutive windows that say the same key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub key: Key,
    /// Windows since the last that said so.
    pub misses: u32,
    /// Windows that said so in earnest.
    pub good: u32,
    pub pressed: bool,
    /// End of the first window that said so, in samples.
    first: u64,
    /// End of the last window that said so.
    pub last: u64,
    /// Windows that said so in earnest and held little else.
    pure: u32,
    /// Sum over the earnest windows.
    twist_db: f32,
    /// Weighted sums over the earnest windows, and the sum of the weights.
    row: ToneSums,
    column: ToneSums,
    rest: f32,
    weight: f32,
}

/// Weighted sums of what the windows say of one tone.
#[derive(Debug, Clone, Copy, Default)]
struct ToneSums {
    mean_square: f32,
    offset_hz: f32,
    offset_hz_squared: f32,
}

/// Windows in earnest before a press is believed. A tone of 20 ms fills 5 windows and touches 2 or 3 more; one of
/// 40 ms fills 15.
const BELIEVE: u32 = 12;

/// Pure windows after which a run is suspect: some 24 ms of tone.
const SUSPECT: u32 = 9;

/// Share of a window's energy that the tones must have for the window to be pure. Receivers elsewhere want more.
const PURE: f32 = 0.75;

/// By how much the column may be stronger than the row, in dB: what must be accepted, and the limit.
const TWIST_HIGH_DB: (f32, f32) = (4.1, 5.3);
/// The same where the row is stronger.
const TWIST_LOW_DB: (f32, f32) = (-8.1, -9.5);

fn twist_db(fit: &Fit) -> f32 {
    decibels((fit.column.mean_square / fit.row.mean_square.max(1.0)).max(1e-9))
}

/// A ratio of powers in dB, to 0.01 dB: it is asked for in every window, and a logarithm takes longer than the rest of the window.
fn decibels(ratio: f32) -> f32 {
    // As a floating-point number has it: an exponent, and a mantissa from 1 to 2, whose logarithm a curve of the third degree follows.
    let bits = ratio.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let mantissa = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    let x = mantissa - 1.0;
    let log2 = 0.000_825 + x * (1.415_653 + x * (-0.568_704 + x * 0.152_7));
    10.0 * std::f32::consts::LOG10_2 * (exponent as f32 + log2)
}

/// How far off the tones may be, as a share of the limits, when they are so many times as strong as all else.
///
/// Above 14 dB half-way to what must be refused; above 8 dB no more than 1.5 % and 2 Hz, and what noise adds to that; above
/// 5.5 dB no more than 1 %, for telephones are better than they must be and voices are anywhere.
const TOLERANCE: [(f32, f32); 3] = [(25.0, 1.0), (6.3, 0.7), (3.5, 0.4)];
/// The same when what else there is was there before, noise or dial tone: 2 dB will do.
const TOLERANCE_IN_NOISE: [(f32, f32); 3] = [(25.0, 1.0), (2.8, 0.7), (1.6, 0.4)];
/// What must be accepted of an offset, as a share of the limits. What is beyond it and beyond that of twist counts together:
/// a telephone is at the edge in one of them, if at all.
const MUST: f32 = 0.65;
/// Share of the earnest windows that must be steady: a voice that resembles a key swells and fades.
const STEADY_SHARE: f32 = 0.34;
/// How often as much as in noise the offsets may scatter if they are beyond what must be accepted: a voice glides.
const SCATTER: f32 = 8.0;
/// What the fit leaves of steady tones, as a share of them: two terms do not quite follow a tone off its frequency.
const MODEL_ERROR: f32 = 0.03;
/// As much noise as there was before: so many times the quietest that was heard of it.
const NOISE: std::ops::Range<f32> = 0.8..2.2;

/// How far the first and last windows of a run commonly reach beyond the tone, in samples.
const ONSET_REACH: u64 = 56;

/// Change of amplitude in a block below which a window lies within the tone, noise allowed for. One that reaches beyond an
/// edge of it shows more.
const STEADY: f32 = 0.08;
/// What windows at an edge count for in the levels of a press: next to nothing, unless there are no others.
const EDGE_WEIGHT: f32 = 1e-3;

impl ToneSums {
    fn add(&mut self, weight: f32, tone: &FittedTone) {
        self.mean_square += weight * tone.mean_square;
        self.offset_hz += weight * tone.offset_hz;
        self.offset_hz_squared += weight * tone.offset_hz * tone.offset_hz;
    }

    /// Variance of the offset, relative to what white noise of as much power as `rest` gives it.
    fn scatter(&self, weight: f32, rest: f32) -> f32 {
        let mean = self.offset_hz / weight;
        let variance = self.offset_hz_squared / weight - mean * mean;
        variance * self.mean_square / rest / offset_variance_in_noise()
    }
}

impl Run {
    /// A run that begins with the window that ends `at`.
    pub fn begin(at: u64, verdict: Verdict, fit: &Fit) -> Self {
        let mut run = Self {
            key: fit.key,
            misses: 0,
            good: 0,
            pressed: false,
            first: at,
            last: at,
            pure: 0,
            twist_db: 0.0,
            row: ToneSums::default(),
            column: ToneSums::default(),
            rest: 0.0,
            weight: 0.0,
        };
        run.hear(at, verdict, fit, 1);
        run
    }

    /// One more window that says so, and stands for so many.
    pub fn hear(&mut self, at: u64, verdict: Verdict, fit: &Fit, windows: u32) {
        self.last = at;
        self.misses = 0;
        if verdict.is_in_earnest() {
            self.good = self.good.saturating_add(windows);
            self.pure = self.pure.saturating_add(u32::from(fit.explained >= PURE * fit.total));
            self.twist_db += windows as f32 * twist_db(fit);
            let steady = fit.slope() < STEADY;
            let weight = windows as f32 * if steady { 1.0 } else { EDGE_WEIGHT };
            self.row.add(weight, &fit.row);
            self.column.add(weight, &fit.column);
            self.rest += weight * (fit.total - fit.explained).max(0.0);
            self.weight += weight;
        }
    }

    /// Whether it is long enough, and its tones near enough to those of the key for what else there is.
    pub fn is_believable(&self, background: f32) -> bool {
        if self.good < BELIEVE {
            return false;
        }
        let tones = self.row.mean_square + self.column.mean_square;
        // As much as was there before. What remains beside the tones of a voice or an instrument came with them, or the tones
        // were there before, too.
        let noise = NOISE.start * background * self.weight..=NOISE.end * background * self.weight;
        let in_noise = noise.contains(&self.rest);
        let tolerance = if in_noise { &TOLERANCE_IN_NOISE } else { &TOLERANCE };
        let Some((_, share)) = tolerance.iter().find(|(clear, _)| tones >= clear * self.rest) else { return false };
        let stray = self.stray();
        let steady =
            self.weight >= STEADY_SHARE * self.good as f32 && (stray <= MUST || self.scatter(tones) <= SCATTER);
        stray <= *share && self.twist_beyond() + (stray - MUST) / (1.0 - MUST) <= 1.0 && (in_noise || steady)
    }

    /// The larger mean offset of its tones, as a share of the limits.
    fn stray(&self) -> f32 {
        let row = self.row.offset_hz.abs() / ROW_LIMIT_HZ[self.key.row()];
        let column = self.column.offset_hz.abs() / COLUMN_LIMIT_HZ[self.key.column()];
        row.max(column) / self.weight
    }

    /// How far its twist is on the way from what must be accepted (0 or less) to the limit (1).
    fn twist_beyond(&self) -> f32 {
        let twist = self.twist_db / self.good as f32;
        let high = (twist - TWIST_HIGH_DB.0) / (TWIST_HIGH_DB.1 - TWIST_HIGH_DB.0);
        let low = (twist - TWIST_LOW_DB.0) / (TWIST_LOW_DB.1 - TWIST_LOW_DB.0);
        if high.max(low) > 1.0 { f32::INFINITY } else { high.max(low).max(0.0) }
    }

    /// How often as much the offsets scatter as what else there is can make them, on the mean of the two tones.
    fn scatter(&self, tones: f32) -> f32 {
        let rest = self.rest + MODEL_ERROR * tones;
        (self.row.scatter(self.weight, rest) + self.column.scatter(self.weight, rest)) / 2.0
    }

    /// Whether it has gone on for so long that another receiver might take it for a key.
    pub fn is_suspect(&self) -> bool {
        self.pressed || self.pure >= SUSPECT
    }

    /// What its earnest windows say of its sound.
    pub fn sound(&self) -> Sound {
        let weight = self.weight.max(EDGE_WEIGHT);
        Sound {
            row_dbm0: dbm0_of(self.row.mean_square / weight),
            column_dbm0: dbm0_of(self.column.mean_square / weight),
            row_offset_hz: true_offset_hz(self.row.offset_hz / weight),
            column_offset_hz: true_offset_hz(self.column.offset_hz / weight),
            rest_dbm0: dbm0_of(self.rest / weight),
        }
    }

    /// First sample of the first window that said so.
    pub fn earliest(&self) -> u64 {
        self.first.saturating_sub((WINDOW * BLOCK) as u64)
    }

    /// Likely first sample of the tone: the first window that speaks of a key reaches beyond it.
    pub fn started_at(&self) -> u64 {
        self.earliest() + ONSET_REACH
    }

    /// Likely end of the tone: the last window that speaks of a key reaches beyond it.
    pub fn ended_at(&self) -> u64 {
        self.last.saturating_sub(ONSET_REACH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_what_a_logarithm_says() {
        for step in -900..900 {
            let db = step as f32 / 10.0;
            let found = decibels(10f32.powf(db / 10.0));
            assert!((found - db).abs() < 0.01, "{db} dB: {found}");
        }
    }

    #[test]
    fn the_true_offset_is_that_of_the_tone() {
        for (fitted_hz, hz) in [(0.0, 0.0), (-1.0, -1.0), (10.1, 10.0), (-33.0, -30.0), (68.6, 50.0), (1e9, 80.0)] {
            let found = true_offset_hz(fitted_hz);
            assert!((found - hz).abs() < 0.1, "{fitted_hz} Hz fitted: {found}");
        }
    }
}
