//! What one window of the signal says of keys, and the limits it is held to.
//!
//! Data path: a [`Fit`] and the level of the background → [`judge`] → a [`Verdict`] for the run of windows.
//! Time: none; a window is judged by itself. [`Background`] remembers the windows before.
//! Source: ITU-T Q.24 (11/88) table A-1; the limits here lie between what it wants accepted and what refused.

use super::Key;
use crate::tonebank::{Fit, greater};

/// What one window of the signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No key.
    Nothing,
    /// It may be part of a key: enough to keep a run going.
    Plausible(Key),
    /// It looks like a key within the limits of Q.24, noise allowed for.
    Good(Key),
    /// It looks like a key and like little else: enough to mute a conversation at once.
    Clean(Key),
}

impl Verdict {
    /// Whether it counts for a press.
    pub(crate) fn is_in_earnest(self) -> bool {
        matches!(self, Self::Good(_) | Self::Clean(_))
    }

    pub(crate) fn key(self) -> Option<Key> {
        match self {
            Self::Nothing => None,
            Self::Plausible(key) | Self::Good(key) | Self::Clean(key) => Some(key),
        }
    }
}

/// Lowest mean square looked at: -45 dBm0.
pub(super) const LEVEL_FLOOR: f32 = 8_100.0;

/// Lowest mean square of a tone of a key: -43 dBm0. 7 dB below what must be accepted, so that the filter takes out
/// what receivers elsewhere still hear (some go down to -41 dBm0).
const TONE_FLOOR: f32 = 12_870.0;

/// Lowest mean square of a tone that may be part of a key: -46 dBm0.
const PLAUSIBLE_FLOOR: f32 = 6_450.0;

/// Largest mean offset of a row tone in Hz: half-way between the ±1.5 % (and 2 Hz) that must be accepted and the
/// ±3.5 % that must be refused, as the fit sees it (it exaggerates large offsets).
pub(super) const ROW_LIMIT_HZ: [f32; 4] = [19.0, 21.1, 23.4, 26.0];
/// The same for the column tones.
pub(super) const COLUMN_LIMIT_HZ: [f32; 4] = [34.4, 38.9, 44.1, 50.9];

/// Judges one window against the level of the background.
#[inline(always)]
pub(super) fn judge(fit: &Fit, background: f32) -> Verdict {
    let (row, column) = (fit.key.row(), fit.key.column());
    let twist = fit.column.mean_square / fit.row.mean_square.max(1.0);
    let weaker = fit.row.mean_square.min(fit.column.mean_square);
    let (row_error, column_error) =
        (fit.row.offset_hz.abs() / ROW_LIMIT_HZ[row], fit.column.offset_hz.abs() / COLUMN_LIMIT_HZ[column]);
    let error = row_error.max(column_error);
    let slope = fit.slope();
    let foreground = fit.total - background.min(fit.total / 2.0);
    if weaker < PLAUSIBLE_FLOOR
        || fit.explained < 0.6 * foreground
        || fit.explained < 0.4 * fit.total
        || error > 2.0
        || !(0.04..=6.3).contains(&twist)
    {
        return Verdict::Nothing;
    }
    if weaker < TONE_FLOOR
        || fit.explained < 0.8 * foreground
        || fit.explained < 0.55 * fit.total
        || error > 1.4
        || slope > 0.4
        || !(0.08..=4.5).contains(&twist)
    {
        return Verdict::Plausible(fit.key);
    }
    if fit.explained < 0.93 * fit.total || error > 1.0 || slope > 0.15 || !(0.11..=3.4).contains(&twist) {
        return Verdict::Good(fit.key);
    }
    Verdict::Clean(fit.key)
}

/// The level that was there before a key and may well stay: noise, dial tone, hum.
///
/// The quietest window of each 16 ms stretch is kept; if those of the last 160 ms are alike, the quietest is background.
/// A voice is hardly ever as even. Nothing is learned while a run is on, for the key itself is not background.
#[derive(Debug, Clone)]
pub(super) struct Background {
    /// Of the present stretch.
    quietest: f32,
    count: u32,
    /// The present stretch, in a circle with the last ones.
    present: usize,
    stretches: [f32; Self::STRETCHES + 1],
}

impl Default for Background {
    fn default() -> Self {
        Self { quietest: f32::INFINITY, count: 0, present: 0, stretches: [0.0; Self::STRETCHES + 1] }
    }
}

impl Background {
    /// Windows in a stretch.
    const STRETCH: u32 = 8;
    /// Stretches compared.
    const STRETCHES: usize = 10;
    /// How much the stretches may differ: 3 dB.
    const EVEN: f32 = 2.0;

    /// Takes the mean squares of the next windows.
    #[inline(always)]
    pub(super) fn hear(&mut self, windows: &[f32]) {
        let Self { mut quietest, mut count, mut present, .. } = *self;
        for &window in windows {
            // Written each time: when a stretch ends cannot be foreseen, and a wrong guess takes longer.
            quietest = if window < quietest { window } else { quietest };
            self.stretches[present] = quietest;
            count += 1;
            let is_over = count == Self::STRETCH;
            let next = if present == Self::STRETCHES { 0 } else { present + 1 };
            quietest = if is_over { f32::INFINITY } else { quietest };
            present = if is_over { next } else { present };
            count = if is_over { 0 } else { count };
        }
        (self.quietest, self.count, self.present) = (quietest, count, present);
    }

    /// The mean square of the background, zero if there is no steady one.
    pub(super) fn level(&self) -> f32 {
        // All but the present one, side by side.
        let (mut low, mut high) = (self.stretches, self.stretches);
        (low[self.present], high[self.present]) = (f32::INFINITY, 0.0);
        let lowest = low.into_iter().fold(f32::INFINITY, |one, other| if other < one { other } else { one });
        let highest = high.into_iter().fold(0.0, greater);
        if highest <= lowest * Self::EVEN { lowest } else { 0.0 }
    }
}
