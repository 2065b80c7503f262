//! One interval of a performance register: a quarter of an hour, or a day.

use crate::Counts;
use serde::{Deserialize, Serialize};

/// Seconds of a 15-minute interval.
pub const QUARTER: u32 = 900;
/// Seconds of a 24-hour interval.
pub const DAY: u32 = 86_400;
/// Ended 15-minute intervals that are kept: 24 hours (RFC 4805).
pub const INTERVALS: usize = 96;

/// How far the counts of an interval can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Every second was observed.
    Whole,
    /// Some seconds were not: the program was down, or the far end told nothing.
    Incomplete,
    /// Not one second was observed.
    Absent,
    /// The clock was set within it, so that its seconds are not those of its quarter.
    ClockSet,
}

/// What was counted in an interval, and how much of it was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// When it began: seconds since 1970, a multiple of its length.
    pub start: u64,
    /// Its length in seconds, [`QUARTER`] or [`DAY`].
    pub length: u32,
    /// Seconds observed in it.
    pub observed: u32,
    /// The clock was set backwards within it.
    pub clock_set: bool,
    /// What was counted.
    pub counts: Counts,
    /// Counters whose threshold was crossed, a bit each in the order of [`crate::Counter`].
    pub(crate) crossed: u16,
}

impl Interval {
    pub(crate) fn new(start: u64, length: u32) -> Self {
        Interval { start, length, observed: 0, clock_set: false, counts: Counts::default(), crossed: 0 }
    }

    /// How far its counts can be trusted, if `elapsed` of its seconds have passed ([`Interval::length`] once it has ended).
    #[must_use]
    pub fn quality(&self, elapsed: u32) -> Quality {
        if self.clock_set {
            Quality::ClockSet
        } else if self.observed == 0 && elapsed > 0 {
            Quality::Absent
        } else if self.observed < elapsed {
            Quality::Incomplete
        } else {
            Quality::Whole
        }
    }

    /// Whether the ended interval is valid in the sense of `dsx1IntervalValidData`: within 10 s of its length (T1.231).
    /// A shorter one is no proof of a good line.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.clock_set && self.length.abs_diff(self.observed) <= 10
    }

    /// Whether the ended interval may be left out of a listing: whole, and nothing counted ("zero suppression").
    #[must_use]
    pub fn zero_suppressed(&self) -> bool {
        self.quality(self.length) == Quality::Whole && self.counts.is_zero()
    }
}
