//! A run of windows that say the same key, from the first suspicion to the end of the press.
//!
//! Data path: judged windows → [`Run`] → whether it is a press, since when, and its [`Sound`].
//! Time: positions in samples, given with each window.
//! Source: ITU-T Q.24 (11/88) table A-1 for the length of a press, its frequencies and its twist.

use super::Key;
use super::judgement::{COLUMN_LIMIT_HZ, ROW_LIMIT_HZ, Verdict};
use crate::level::dbm0_of;
use crate::tonebank::{BLOCK, Fit, WINDOW, true_offset_hz};

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
    /// Windows that said so and held little else.
    pure: u32,
    /// Sums over the earnest windows.
    row_offset_hz: f32,
    column_offset_hz: f32,
    twist_db: f32,
    /// Weighted sums over the earnest windows, and the sum of the weights: mean square and offset of each tone, mean square
    /// of the rest.
    row: (f32, f32),
    column: (f32, f32),
    rest: f32,
    weight: f32,
}

/// Windows in earnest before a press is believed. A tone of 20 ms fills 5 windows and touches 2 or 3 more; one of
/// 40 ms fills 15.
const BELIEVE: u32 = 12;

/// Pure windows after which a run is suspect: some 24 ms of tone.
const SUSPECT: u32 = 9;

/// Share of a window's energy that the tones must have for the window to be pure. Receivers elsewhere want more.
const PURE: f32 = 0.75;

/// Most by which the column may be stronger than the row, in dB: 4 must be accepted.
const TWIST_HIGH_DB: f32 = 5.3;
/// Most by which the row may be stronger than the column: 8 must be accepted.
const TWIST_LOW_DB: f32 = -9.5;

fn twist_db(fit: &Fit) -> f32 {
    10.0 * (fit.column.mean_square / fit.row.mean_square.max(1.0)).max(1e-9).log10()
}

/// How far the first and last windows of a run commonly reach beyond the tone, in samples.
const ONSET_REACH: u64 = 56;

/// Change of amplitude in a block below which a window lies within the tone, noise allowed for. One that reaches beyond an
/// edge of it shows more.
const STEADY: f32 = 0.08;
/// What windows at an edge count for in the levels of a press: next to nothing, unless there are no others.
const EDGE_WEIGHT: f32 = 1e-3;

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
            row_offset_hz: 0.0,
            column_offset_hz: 0.0,
            twist_db: 0.0,
            row: (0.0, 0.0),
            column: (0.0, 0.0),
            rest: 0.0,
            weight: 0.0,
        };
        run.hear(at, verdict, fit);
        run
    }

    /// One more window that says so.
    pub fn hear(&mut self, at: u64, verdict: Verdict, fit: &Fit) {
        self.last = at;
        self.misses = 0;
        self.pure = self.pure.saturating_add(u32::from(fit.explained >= PURE * fit.total));
        if matches!(verdict, Verdict::Good(_) | Verdict::Clean(_)) {
            self.good = self.good.saturating_add(1);
            self.row_offset_hz += fit.row.offset_hz;
            self.column_offset_hz += fit.column.offset_hz;
            self.twist_db += twist_db(fit);
            let steady = fit.row.slope.abs().max(fit.column.slope.abs()) < STEADY;
            let weight = if steady { 1.0 } else { EDGE_WEIGHT };
            for (sums, tone) in [(&mut self.row, &fit.row), (&mut self.column, &fit.column)] {
                sums.0 += weight * tone.mean_square;
                sums.1 += weight * tone.offset_hz;
            }
            self.rest += weight * (fit.total - fit.explained).max(0.0);
            self.weight += weight;
        }
    }

    /// Whether it is long enough, and its tones near enough to those of the key.
    pub fn is_believable(&self) -> bool {
        let count = self.good as f32;
        let (row, column) = (self.key.row(), self.key.column());
        self.good >= BELIEVE
            && self.row_offset_hz.abs() <= ROW_LIMIT_HZ[row] * count
            && self.column_offset_hz.abs() <= COLUMN_LIMIT_HZ[column] * count
            && self.twist_db <= TWIST_HIGH_DB * count
            && self.twist_db >= TWIST_LOW_DB * count
    }

    /// Whether it has gone on for so long that another receiver might take it for a key.
    pub fn is_suspect(&self) -> bool {
        self.pressed || self.pure >= SUSPECT
    }

    /// What its earnest windows say of its sound.
    pub fn sound(&self) -> Sound {
        let weight = self.weight.max(EDGE_WEIGHT);
        Sound {
            row_dbm0: dbm0_of(self.row.0 / weight),
            column_dbm0: dbm0_of(self.column.0 / weight),
            row_offset_hz: true_offset_hz(self.row.1 / weight),
            column_offset_hz: true_offset_hz(self.column.1 / weight),
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
