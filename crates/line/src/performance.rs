//! The performance of a line: what it has suffered, second by second, in quarters of an hour and days, at both ends.
//!
//! Kept are the current quarter and 96 ended ones, the current day and the one before, for what we receive and for
//! what the far end says it receives. Quarters and days are those of the clock on the wall, which is given with each
//! second. A second that was not given was not observed: its interval is incomplete, never clean. That covers a program
//! that was down as well as a clock that was set forward. A clock that is set back marks the interval it was set in; if
//! it goes back over the start of the quarter, that quarter ends and an earlier one begins once more.
//!
//! Data path: [`Second`]s from [`crate::Sampler`] → here → [`Interval`]s for those who ask, [`Crossing`]s for the log.
//! Time: one call a second, with the second's number since 1970. Nothing is allocated after construction.
//! Source: RFC 4805 (DS1-MIB) sections 3.3 and 3.4; ANSI T1.231.
//! Words: *quarter*, a 15-minute interval.

use crate::interval::{DAY, Interval, QUARTER};
use crate::registers::{Availability, Registers, Watch};
use crate::threshold::{Crossing, End, Thresholds};
use crate::{Counts, Framing, Second};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Failures that make the ends unavailable at once, without waiting for ten seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    /// LOS, LOF or AIS failure, or the card is absent.
    pub near: bool,
    /// RAI failure.
    pub far: bool,
}

/// The performance of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    framing: Framing,
    /// The last second that was counted.
    last: u64,
    near: Registers,
    far: Option<Registers>,
}

impl Performance {
    /// Nothing observed yet; the first second will be `next` (since 1970) or later.
    #[must_use]
    pub fn new(framing: Framing, next: u64) -> Self {
        Performance {
            framing,
            last: next.saturating_sub(1),
            near: Registers::new(next),
            far: framing.has_far_end().then(|| Registers::new(next)),
        }
    }

    /// The second `at` (since 1970) has passed and this was seen in it. `crossings` is told which thresholds were crossed.
    pub fn second(
        &mut self,
        at: u64,
        second: &Second,
        failed: Failed,
        thresholds: &Thresholds,
        mut crossings: impl FnMut(Crossing),
    ) {
        let in_a_row = at == self.last + 1;
        let set_back = at <= self.last;
        self.last = at;
        let ends = [
            (End::Near, Some(&mut self.near), Some(second.near(self.framing)), failed.near),
            (End::Far, self.far.as_mut(), second.far(self.framing), failed.far),
        ];
        for (end, registers, mark, failed) in ends {
            let Some(registers) = registers else { continue };
            let mut watch = Watch { framing: self.framing, end, thresholds, crossings: &mut crossings };
            if !in_a_row {
                registers.hole(&mut watch);
            }
            if set_back {
                registers.clock_set();
            }
            registers.move_to(at);
            if set_back {
                registers.clock_set();
            }
            match mark {
                Some(mark) => registers.second(mark, failed, &mut watch),
                None => registers.hole(&mut watch),
            }
        }
    }

    /// The framing whose rules are followed.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The last second that was counted, since 1970.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// What we receive.
    #[must_use]
    pub fn near(&self) -> EndPerformance<'_> {
        EndPerformance { last: self.last, registers: &self.near }
    }

    /// What the far end receives; `None` for a framing that has no reports from there.
    #[must_use]
    pub fn far(&self) -> Option<EndPerformance<'_>> {
        let registers = self.far.as_ref()?;
        Some(EndPerformance { last: self.last, registers })
    }

    /// All that has to outlive the program.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { version: VERSION, performance: self.clone() }
    }

    /// Go on from what was kept. The seconds until the next one that is given will be missing.
    ///
    /// # Errors
    /// When the snapshot is of another version or framing, or cannot have been made by [`Performance::snapshot`].
    pub fn restore(framing: Framing, snapshot: Snapshot) -> Result<Self, RestoreError> {
        let Snapshot { version, mut performance } = snapshot;
        if version != VERSION {
            return Err(RestoreError::Version(version));
        }
        if performance.framing != framing {
            return Err(RestoreError::Framing(performance.framing));
        }
        let Performance { last, near, far, .. } = &mut performance;
        let sound = *last < u64::MAX - u64::from(DAY)
            && far.is_some() == framing.has_far_end()
            && near.is_sound()
            && far.as_ref().is_none_or(Registers::is_sound);
        if !sound {
            return Err(RestoreError::Damaged);
        }
        near.reserve();
        far.iter_mut().for_each(Registers::reserve);
        Ok(performance)
    }
}

/// The performance of one end, for reading.
#[derive(Clone, Copy, Debug)]
pub struct EndPerformance<'a> {
    last: u64,
    registers: &'a Registers,
}

impl<'a> EndPerformance<'a> {
    /// Whether the end is available, as far as is known yet.
    #[must_use]
    pub fn availability(&self) -> Availability {
        self.registers.availability()
    }

    /// Seconds of the current quarter that have passed, observed or not.
    #[must_use]
    pub fn elapsed(&self) -> u32 {
        elapsed(self.registers.quarter().start, self.last, QUARTER)
    }

    /// Seconds of the current day that have passed, observed or not.
    #[must_use]
    pub fn day_elapsed(&self) -> u32 {
        elapsed(self.registers.day().start, self.last, DAY)
    }

    /// The current quarter.
    #[must_use]
    pub fn current(&self) -> Interval {
        self.registers.quarter()
    }

    /// Ended quarters, the last first; at most 96.
    pub fn ended(&self) -> impl Iterator<Item = Interval> + 'a {
        self.registers.ended()
    }

    /// The current day.
    #[must_use]
    pub fn day(&self) -> Interval {
        self.registers.day()
    }

    /// The day before, if anything was kept of it.
    #[must_use]
    pub fn previous_day(&self) -> Option<Interval> {
        self.registers.previous_day()
    }

    /// The sum of the ended quarters that are kept: the 24 hours before the current quarter (`dsx1TotalTable`), and how
    /// many of their seconds were observed. Departure: RFC 4805 lets an invalid interval count as 0; here what was seen in
    /// it counts, for an error does not go away because seconds beside it were missed.
    #[must_use]
    pub fn total(&self) -> (Counts, u32) {
        self.ended().fold((Counts::default(), 0), |(mut counts, observed), interval| {
            counts.add(&interval.counts);
            (counts, u32::saturating_add(observed, interval.observed))
        })
    }
}

fn elapsed(start: u64, last: u64, length: u32) -> u32 {
    // Before the first second is counted the last one lies before the start.
    (last + 1).saturating_sub(start).min(u64::from(length)) as u32
}

/// The version of [`Snapshot`] that is written and understood.
const VERSION: u32 = 1;

/// What is kept over a restart; it goes through serde to wherever it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    performance: Performance,
}

/// Why a snapshot is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// It is of this version, which is not ours.
    Version(u32),
    /// The line has been framed otherwise since: it was this.
    Framing(Framing),
    /// It holds what no line can have counted.
    Damaged,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreError::Version(version) => write!(f, "kept performance has version {version}, not {VERSION}"),
            RestoreError::Framing(framing) => write!(f, "kept performance is of a line framed as {framing}"),
            RestoreError::Damaged => f.write_str("kept performance is damaged"),
        }
    }
}

impl std::error::Error for RestoreError {}
