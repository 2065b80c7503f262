//! From what a framer has counted since it was started to what was seen in each second.
//!
//! The caller reads the counters about once a second, a little late as a rule and very late now and then. Seconds are
//! those of a grid that begins with construction, so that lateness does not add up. If several seconds passed between
//! two readings, each of them is known when nothing happened in them; otherwise they are left out, for nobody can say in
//! which second the errors were. Counters that went down belong to a card that was started anew: that second is left out.
//!
//! Data path: [`Raw`] and [`Defects`] → here → [`Sample`] for [`crate::Performance`] and the rates.
//! Time: `now` since the start for the grid; the clock on the wall only to number the seconds. It is looked at with each
//! reading, and followed when it differs by two seconds from what it should be: it was set.

use crate::{Defects, FarSecond, Framing, Second};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// After this many seconds without a reading they are left out, whatever was in them.
const LATEST: u64 = 60;

/// What a framer has counted since it was started. All go up only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// Line code violations.
    pub line_violations: u64,
    /// CRC-6 or CRC-4 errors.
    pub crc_errors: u64,
    /// Framing bit errors.
    pub framing_errors: u64,
    /// Times frame alignment was lost.
    pub out_of_frame: u64,
    /// Controlled slips.
    pub slips: u64,
    /// Performance reports received (T1 ESF); without meaning on E1.
    pub far_reports: u64,
    /// CRC errors reported by the far end.
    pub far_crc_errors: u64,
    /// Reports in which the far end was out of frame.
    pub far_out_of_frame: u64,
    /// Reports in which the far end saw line code violations.
    pub far_line_violations: u64,
    /// Reports in which the far end had a slip.
    pub far_slips: u64,
    /// D-channel frames that were aborted.
    pub aborts: u64,
    /// D-channel frames with a wrong frame check sequence.
    pub wrong_fcs: u64,
}

impl Raw {
    /// What was counted since `before`, or `None` when the counters have begun anew.
    #[must_use]
    pub fn since(&self, before: &Raw) -> Option<Raw> {
        Some(Raw {
            line_violations: self.line_violations.checked_sub(before.line_violations)?,
            crc_errors: self.crc_errors.checked_sub(before.crc_errors)?,
            framing_errors: self.framing_errors.checked_sub(before.framing_errors)?,
            out_of_frame: self.out_of_frame.checked_sub(before.out_of_frame)?,
            slips: self.slips.checked_sub(before.slips)?,
            far_reports: self.far_reports.checked_sub(before.far_reports)?,
            far_crc_errors: self.far_crc_errors.checked_sub(before.far_crc_errors)?,
            far_out_of_frame: self.far_out_of_frame.checked_sub(before.far_out_of_frame)?,
            far_line_violations: self.far_line_violations.checked_sub(before.far_line_violations)?,
            far_slips: self.far_slips.checked_sub(before.far_slips)?,
            aborts: self.aborts.checked_sub(before.aborts)?,
            wrong_fcs: self.wrong_fcs.checked_sub(before.wrong_fcs)?,
        })
    }
}

/// What one reading told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Counted since the reading before; nothing when the counters have begun anew.
    pub counted: Raw,
    /// The seconds of which it is known what they were: the first one's number since 1970, how many, and what each was.
    pub seconds: Option<(u64, u32, Second)>,
}

/// Reads the counters of one line.
#[derive(Clone, Debug)]
pub struct Sampler {
    framing: Framing,
    /// The end of the last second of the grid.
    grid: Duration,
    /// The number since 1970 of the second that begins there.
    next: u64,
    last: Raw,
    defects: Defects,
    /// All defects since the last reading.
    seen: Defects,
    /// They changed since the last reading.
    changed: bool,
    /// Reports that came early, for a second in which none comes.
    reports: u64,
}

impl Sampler {
    /// Begin now; `wall` is the time since 1970, `raw` what the counters are.
    #[must_use]
    pub fn new(framing: Framing, now: Duration, wall: Duration, raw: Raw) -> Self {
        let none = Defects::empty();
        let next = rounded(wall);
        Sampler { framing, grid: now, next, last: raw, defects: none, seen: none, changed: false, reports: 0 }
    }

    /// The number since 1970 of the next second.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The defects are now these.
    pub fn handle_defects(&mut self, defects: Defects) {
        self.changed |= defects != self.defects;
        self.defects = defects;
        self.seen |= defects;
    }

    /// When the counters are wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Duration {
        self.grid + SECOND
    }

    /// The counters are these. `None` when less than a second has passed.
    pub fn handle_counters(&mut self, now: Duration, wall: Duration, raw: &Raw) -> Option<Sample> {
        let late = now.checked_sub(self.grid)?;
        let passed = late.as_secs();
        if passed == 0 {
            return None;
        }
        let into_next = late - Duration::from_secs(passed);
        self.grid += Duration::from_secs(passed);
        let mut first = self.next;
        self.next += passed;
        // What the wall says now, less what has passed of the second that began.
        let by_wall = rounded(wall.saturating_sub(into_next));
        if by_wall.abs_diff(self.next) >= 2 {
            self.next = by_wall;
            first = by_wall.saturating_sub(passed);
        }
        let counted = raw.since(&self.last);
        self.last = *raw;
        let (seen, changed) = (std::mem::replace(&mut self.seen, self.defects), std::mem::take(&mut self.changed));
        let Some(counted) = counted else { return Some(Sample { counted: Raw::default(), seconds: None }) };
        let far = self.far_second(&counted, passed);
        let quiet = Raw { far_reports: counted.far_reports, ..Raw::default() } == counted && !changed;
        let known = passed == 1 || (quiet && passed <= LATEST);
        let second = Second {
            defects: seen,
            line_violations: clamp(counted.line_violations),
            crc_errors: clamp(counted.crc_errors),
            framing_errors: clamp(counted.framing_errors),
            out_of_frame: counted.out_of_frame > 0,
            slips: clamp(counted.slips),
            far,
        };
        Some(Sample { counted, seconds: known.then_some((first, passed as u32, second)) })
    }

    /// What the far end told. E bits are in every multiframe. Performance reports come once a second by another clock
    /// than ours, so that a second may have none and the next two: one that came early is kept.
    fn far_second(&mut self, counted: &Raw, passed: u64) -> Option<FarSecond> {
        if self.framing == Framing::T1Esf {
            let reports = self.reports + counted.far_reports;
            self.reports = reports.saturating_sub(passed).min(1);
            if reports < passed {
                return None;
            }
        }
        Some(FarSecond {
            crc_errors: clamp(counted.far_crc_errors),
            out_of_frame: counted.far_out_of_frame > 0,
            line_violation: counted.far_line_violations > 0,
            slip: counted.far_slips > 0,
        })
    }
}

fn rounded(time: Duration) -> u64 {
    (time + SECOND / 2).as_secs()
}

fn clamp(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
