//! What one window of the signal says of keys, and the limits it is held to.
//!
//! Data path: a [`Fit`] and the level of the background → [`judge`] → a [`Verdict`] for the run of windows.
//! Time: none; a window is judged by itself. [`Background`] remembers the windows before.
//! Source: ITU-T Q.24 (11/88) table A-1; the limits here lie between what it wants accepted and what refused.

use super::Key;
use crate::{greater, tonebank::Fit};

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
/// The quietest window of each stretch of 16 to 20 ms is kept; if those of the last ten stretches are alike, the quietest is background.
/// A voice is hardly ever as even. Nothing is learned while a run is on, for the key itself is not background.
#[derive(Debug, Clone)]
#[repr(C)] // What every chunk needs comes first.
pub(super) struct Background {
    stretches: [f32; Self::STRETCHES],
    /// Where the next stretch goes in the circle.
    next: u32,
    /// Of the present frame, in which nobody has looked at a window.
    frame: Quietest,
    /// Of the present stretch, which has windows that were looked at, and of frames that had some.
    stretch: Quietest,
}

/// The quietest of some windows, in bits, which of what is not negative are in the same order.
#[derive(Debug, Clone, Copy)]
struct Quietest {
    bits: u32,
    count: u32,
}

impl Quietest {
    const OF_NONE: Quietest = Quietest { bits: u32::MAX, count: 0 };

    #[inline(always)]
    fn hear(&mut self, windows: &[f32]) {
        self.bits = windows.iter().map(|window| window.to_bits()).fold(self.bits, u32::min);
        self.count += windows.len() as u32;
    }
}

impl Default for Background {
    fn default() -> Self {
        let none = Quietest::OF_NONE;
        Self { frame: none, stretch: none, next: 0, stretches: [0.0; Self::STRETCHES] }
    }
}

impl Background {
    /// So many octets of it are what every chunk needs.
    pub(super) const NEEDED: usize = std::mem::offset_of!(Background, frame);
    /// Windows in a frame, which begins at every so many.
    pub(super) const FRAME: usize = 10;
    /// Windows in a stretch of others, at least.
    const STRETCH: u32 = 8;
    /// Stretches compared.
    const STRETCHES: usize = 10;
    /// How much the stretches may differ: 3 dB.
    const EVEN: f32 = 2.0;

    /// A window that was looked at, and is no part of a run.
    #[inline(always)]
    pub(super) fn hear(&mut self, window: f32) {
        self.stretch.hear(&[window]);
        self.end_stretch();
    }

    /// A frame in which nobody has looked at a window, the quietest of which has so much: a stretch by itself.
    #[inline(always)]
    pub(super) fn pass_frame(&mut self, quietest: f32) {
        self.keep(Quietest { bits: quietest.to_bits(), count: Self::FRAME as u32 });
    }

    /// The next window of a frame that nobody has looked at.
    pub(super) fn pass(&mut self, window: f32) {
        self.frame.hear(&[window]);
    }

    /// The frame is over.
    pub(super) fn end_frame(&mut self) {
        let frame = std::mem::replace(&mut self.frame, Quietest::OF_NONE);
        if frame.count as usize == Self::FRAME {
            self.keep(frame);
        } else {
            self.add(frame);
        }
    }

    /// From here on the windows of the frame are looked at, and so are so many before: if there were no others, they do not count.
    pub(super) fn cut_frame(&mut self, overlooked: u32) {
        let frame = std::mem::replace(&mut self.frame, Quietest::OF_NONE);
        if frame.count > overlooked {
            self.add(frame);
        }
    }

    fn add(&mut self, frame: Quietest) {
        self.stretch.bits = self.stretch.bits.min(frame.bits);
        self.stretch.count += frame.count;
        self.end_stretch();
    }

    #[inline(always)]
    fn end_stretch(&mut self) {
        if self.stretch.count >= Self::STRETCH {
            let stretch = std::mem::replace(&mut self.stretch, Quietest::OF_NONE);
            self.keep(stretch);
        }
    }

    #[inline(always)]
    fn keep(&mut self, quietest: Quietest) {
        self.stretches[self.next as usize] = f32::from_bits(quietest.bits);
        self.next = if self.next + 1 == Self::STRETCHES as u32 { 0 } else { self.next + 1 };
    }

    /// The mean square of the background, zero if there is no steady one.
    pub(super) fn level(&self) -> f32 {
        let lowest = self.stretches.into_iter().fold(f32::INFINITY, |one, other| if other < one { other } else { one });
        let highest = self.stretches.into_iter().fold(0.0, greater);
        if highest <= lowest * Self::EVEN { lowest } else { 0.0 }
    }
}
