//! The registers of one end: the current quarter and day, those before, and the rule of ten seconds.
//!
//! A line becomes unavailable with the first of ten severely errored seconds in a row, or with the first of the severely
//! errored seconds that led to a failure; it becomes available again with the first of ten seconds in a row that are not
//! severely errored. So what a second counts as may be known only nine seconds later, in the next quarter perhaps. Such
//! seconds are kept in the *run*; everything else is counted at once and for good. Who reads the registers sees the run
//! counted as things stand, so that readings are up to date and are adjusted, as RFC 4805 allows, when a run is decided.
//!
//! Time: none; [`crate::Performance`] says when a second, a quarter or a day has passed.
//! Source: RFC 4805 section 3.4.3, "Unavailable Seconds" and "Degraded Minutes"; ANSI T1.231.
//! RFC 4805 has the line stay unavailable while a failure is being cleared for more than ten seconds. Every second with
//! a defect that leads to a failure is severely errored, so ten good seconds never begin before that clearing does.

use crate::interval::{DAY, INTERVALS, Interval, QUARTER};
use crate::second::Mark;
use crate::threshold::{Crossing, End, Period, Thresholds};
use crate::{Counts, Framing};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;

/// Seconds in a row that change the availability of a line.
const TEN: usize = 10;

/// Whether an end can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It can.
    Available,
    /// Ten severely errored seconds in a row have been, or a failure, and not yet ten better ones.
    Unavailable,
    /// The last second was not observed.
    Unknown,
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Availability::Available => "available",
            Availability::Unavailable => "unavailable",
            Availability::Unknown => "not known",
        })
    }
}

/// Seconds collected towards a degraded minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Minute {
    seconds: u8,
    errors: u32,
}

/// The registers of one end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registers {
    unavailable: bool,
    /// The last second was observed.
    known: bool,
    /// Seconds in a row that speak against `unavailable`, oldest first; at most nine.
    run: heapless::Vec<Mark, TEN>,
    minute: Minute,
    quarter: Interval,
    /// Ended quarters, the last first.
    ended: VecDeque<Interval>,
    day: Interval,
    previous_day: Option<Interval>,
}

/// What a second that was counted may lead to: where crossings go, and by which rules they are found.
pub(crate) struct Watch<'a> {
    pub framing: Framing,
    pub end: End,
    pub thresholds: &'a Thresholds,
    pub crossings: &'a mut dyn FnMut(Crossing),
}

impl Registers {
    /// Empty registers of the quarter and day of this second.
    pub fn new(at: u64) -> Self {
        Registers {
            unavailable: false,
            known: false,
            run: heapless::Vec::new(),
            minute: Minute::default(),
            quarter: Interval::new(start_of(at, QUARTER), QUARTER),
            ended: VecDeque::with_capacity(INTERVALS + 1),
            day: Interval::new(start_of(at, DAY), DAY),
            previous_day: None,
        }
    }

    /// A second passed and counts as this; `failed` when a failure stands that makes the line unavailable.
    pub fn second(&mut self, mark: Mark, failed: bool, watch: &mut Watch<'_>) {
        self.known = true;
        self.quarter.observed = self.quarter.observed.saturating_add(1);
        self.day.observed = self.day.observed.saturating_add(1);
        if mark.severe() == self.unavailable {
            // It agrees with what the line is, and so decides that the run before it was no change.
            self.settle_run(watch);
            self.settle(mark, watch);
            return;
        }
        // There is always room: a run of ten is settled below.
        let _ = self.run.push(mark);
        if self.run.len() == TEN || (failed && !self.unavailable) {
            self.unavailable = !self.unavailable;
            self.settle_run(watch);
        }
    }

    /// Seconds are missing: what comes after is not in a row with what was before.
    pub fn hole(&mut self, watch: &mut Watch<'_>) {
        self.known = false;
        self.settle_run(watch);
        self.minute = Minute::default();
    }

    /// The second that comes next is this one: end the quarter and the day if it is not in them.
    pub fn move_to(&mut self, at: u64) {
        let start = start_of(at, QUARTER);
        if start != self.quarter.start {
            self.run.iter_mut().for_each(|mark| mark.quarter_over = true);
            let ended = std::mem::replace(&mut self.quarter, Interval::new(start, QUARTER));
            self.keep(ended);
            // Quarters nobody saw. Of more than can be kept, only the last.
            let unseen = start.saturating_sub(ended.start) / u64::from(QUARTER);
            for back in (1..unseen.min(INTERVALS as u64 + 1)).rev() {
                self.keep(Interval::new(start - back * u64::from(QUARTER), QUARTER));
            }
        }
        let start = start_of(at, DAY);
        if start != self.day.start {
            self.run.iter_mut().for_each(|mark| mark.day_over = true);
            let ended = std::mem::replace(&mut self.day, Interval::new(start, DAY));
            let follows = start < ended.start || start - ended.start == u64::from(DAY);
            self.previous_day = Some(if follows { ended } else { Interval::new(start - u64::from(DAY), DAY) });
        }
    }

    /// The clock was set back: the quarter and the day now hold seconds twice, or not those they should.
    pub fn clock_set(&mut self) {
        self.quarter.clock_set = true;
        self.day.clock_set = true;
    }

    /// Whether the line is available, as far as is known yet.
    pub fn availability(&self) -> Availability {
        match (self.known, self.unavailable) {
            (false, _) => Availability::Unknown,
            (true, false) => Availability::Available,
            (true, true) => Availability::Unavailable,
        }
    }

    /// The current quarter, with the run counted as things stand.
    pub fn quarter(&self) -> Interval {
        self.with_run(self.quarter, |mark| !mark.quarter_over)
    }

    /// The current day, likewise.
    pub fn day(&self) -> Interval {
        self.with_run(self.day, |mark| !mark.day_over)
    }

    /// The day before, likewise.
    pub fn previous_day(&self) -> Option<Interval> {
        self.previous_day.map(|day| self.with_run(day, |mark| mark.day_over))
    }

    /// Ended quarters, the last first, likewise.
    pub fn ended(&self) -> impl Iterator<Item = Interval> + '_ {
        self.ended.iter().enumerate().map(|(back, interval)| {
            if back == 0 { self.with_run(*interval, |mark| mark.quarter_over) } else { *interval }
        })
    }

    /// Whether these can have come from a register: what is read from a disk may be anything.
    pub fn is_sound(&self) -> bool {
        let well = |i: &Interval, length: u32| i.length == length && i.start.is_multiple_of(u64::from(length));
        self.run.len() < TEN
            && self.run.iter().all(|mark| mark.severe() != self.unavailable)
            && (!self.ended.is_empty() || self.run.iter().all(|mark| !mark.quarter_over))
            && self.ended.len() <= INTERVALS
            && self.minute.seconds < 60
            && self.ended.iter().chain([&self.quarter]).all(|i| well(i, QUARTER))
            && self.previous_day.iter().chain([&self.day]).all(|i| well(i, DAY))
    }

    /// Make the room that [`Registers::new`] makes, so that nothing is allocated later.
    pub fn reserve(&mut self) {
        self.ended.reserve_exact((INTERVALS + 1).saturating_sub(self.ended.len()));
    }

    fn keep(&mut self, ended: Interval) {
        self.ended.push_front(ended);
        self.ended.truncate(INTERVALS);
    }

    fn settle_run(&mut self, watch: &mut Watch<'_>) {
        for mark in std::mem::take(&mut self.run) {
            self.settle(mark, watch);
        }
    }

    /// Count a second for good.
    fn settle(&mut self, mark: Mark, watch: &mut Watch<'_>) {
        let mut counts = counted(&mark, self.unavailable);
        counts.dm = self.minute(&mark, watch.framing).into();
        let quarter = if mark.quarter_over { self.ended.front_mut() } else { Some(&mut self.quarter) };
        let day = if mark.day_over { self.previous_day.as_mut() } else { Some(&mut self.day) };
        for (period, interval) in [(Period::Quarter, quarter), (Period::Day, day)] {
            let Some(interval) = interval else { continue };
            interval.counts.add(&counts);
            for crossing in watch.thresholds.newly_crossed(watch.end, period, interval) {
                (watch.crossings)(crossing);
            }
        }
    }

    /// Group available seconds that are not severely errored in sixties; whether this one completes a degraded one.
    fn minute(&mut self, mark: &Mark, framing: Framing) -> bool {
        if self.unavailable || mark.severe() {
            return false;
        }
        // Bit errors are seen as CRC or framing errors where there is a CRC, else as line code violations.
        let errors = if framing.has_crc() { mark.counts.pcv } else { mark.counts.pcv.saturating_add(mark.counts.lcv) };
        self.minute.errors = self.minute.errors.saturating_add(errors);
        self.minute.seconds += 1;
        if self.minute.seconds < 60 {
            return false;
        }
        std::mem::take(&mut self.minute).errors > framing.degraded_above()
    }

    fn with_run(&self, mut interval: Interval, is_of: impl Fn(&Mark) -> bool) -> Interval {
        for mark in self.run.iter().filter(|mark| is_of(mark)) {
            interval.counts.add(&counted(mark, self.unavailable));
        }
        interval
    }
}

/// What a second adds: everything while the line is available, nothing but itself while it is not.
fn counted(mark: &Mark, unavailable: bool) -> Counts {
    if unavailable { Counts { uas: 1, ..Counts::default() } } else { mark.counts }
}

/// The start of the interval this second is in.
fn start_of(at: u64, length: u32) -> u64 {
    at - at % u64::from(length)
}
