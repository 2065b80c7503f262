//! What a line has suffered, for people and for programs.
//!
//! A [`Report`] is plain data that goes through serde to wherever it is shown. [`Report::text`] gives it the form
//! technicians know from a controller's display: current interval, total of 24 hours, and the intervals one a line, the
//! last first, 80 columns wide. Intervals in which nothing happened, or of which nothing is known, are told in one line.

use crate::interval::{DAY, INTERVALS, Interval, QUARTER, Quality};
use crate::monitor::Monitor;
use crate::performance::EndPerformance;
use crate::rate::{Rate, RateKind};
use crate::{Availability, Counter, Counts, FailureKind, Framing};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The state and history of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How it is framed.
    pub framing: Framing,
    /// The failures that stand, worst first.
    pub failures: Vec<Standing>,
    /// Errors of which there are too many.
    pub too_many: Vec<TooMany>,
    /// What we receive.
    pub near: EndReport,
    /// What the far end receives, where it tells.
    pub far: Option<EndReport>,
}

/// How much of a report is wanted, besides failures, the current interval and the total of what we receive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// So many of the ended intervals, the last ones: those that have something to say, a line each.
    pub intervals: usize,
    /// What the far end receives as well.
    pub far: bool,
    /// The current day and the one before as well.
    pub day: bool,
}

/// A failure that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Which.
    pub kind: FailureKind,
    /// For how long there has been the defect, in seconds.
    pub for_s: u64,
}

/// Errors of which there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooMany {
    /// Which.
    pub kind: RateKind,
    /// How many.
    pub count: u32,
    /// In how many seconds.
    pub window_s: u64,
}

/// One end of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndReport {
    /// Whether it can be used now.
    pub availability: Availability,
    /// The current quarter of an hour.
    pub current: Entry,
    /// The ended quarters, the last first; at most 96.
    pub intervals: Vec<Entry>,
    /// The sum of those.
    pub total: Counts,
    /// The current day.
    pub day: Entry,
    /// The day before.
    pub previous_day: Option<Entry>,
}

/// One interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it began, in seconds since 1970.
    pub start: u64,
    /// How many of its seconds have passed.
    pub elapsed: u32,
    /// How many of them were observed.
    pub observed: u32,
    /// How far its counts can be trusted.
    pub quality: Quality,
    /// Nothing happened in it, and all of it was seen: it may be left out.
    pub zero_suppressed: bool,
    /// What was counted.
    pub counts: Counts,
}

impl Report {
    /// The report of a line now.
    #[must_use]
    pub fn of(monitor: &Monitor, now: Duration) -> Self {
        let performance = monitor.performance();
        let standing = |(kind, since)| Standing { kind, for_s: now.saturating_sub(since).as_secs() };
        let too_many = |rate: &Rate| TooMany {
            kind: rate.kind(),
            count: rate.in_window(),
            window_s: rate.limit().window.as_secs(),
        };
        Report {
            framing: performance.framing(),
            failures: monitor.failures().standing().map(standing).collect(),
            too_many: monitor.rates().iter().filter(|rate| rate.is_raised()).map(too_many).collect(),
            near: EndReport::of(performance.near()),
            far: performance.far().map(EndReport::of),
        }
    }

    /// As text, 80 columns wide.
    #[must_use]
    pub fn text(&self, view: View) -> impl fmt::Display + '_ {
        Text { report: self, view }
    }
}

impl EndReport {
    fn of(end: EndPerformance<'_>) -> Self {
        let entry = |interval: Interval, elapsed| Entry {
            start: interval.start,
            elapsed,
            observed: interval.observed,
            quality: interval.quality(elapsed),
            zero_suppressed: elapsed == interval.length && interval.zero_suppressed(),
            counts: interval.counts,
        };
        EndReport {
            availability: end.availability(),
            current: entry(end.current(), end.elapsed()),
            intervals: end.ended().map(|interval| entry(interval, QUARTER)).collect(),
            total: end.total().0,
            day: entry(end.day(), end.day_elapsed()),
            previous_day: end.previous_day().map(|day| entry(day, DAY)),
        }
    }
}

struct Text<'a> {
    report: &'a Report,
    view: View,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        write!(f, "Line: {}. Failures:", report.framing)?;
        match &report.failures[..] {
            [] => writeln!(f, " none.")?,
            failures => {
                let mut before = "";
                for Standing { kind, for_s } in failures {
                    write!(f, "{before} {kind} for {}", Span(*for_s))?;
                    before = ",";
                }
                writeln!(f, ".")?;
            }
        }
        for TooMany { kind, count, window_s } in &report.too_many {
            writeln!(f, "Too many: {count} {kind} in {}.", Span(*window_s))?;
        }
        writeln!(f, "Near end: {}.", report.near.availability)?;
        self.end(f, &report.near)?;
        match &report.far {
            _ if !self.view.far => Ok(()),
            Some(far) => {
                writeln!(f, "Far end: {}.", far.availability)?;
                self.end(f, far)
            }
            None => writeln!(f, "Far end: with this framing it does not tell what it receives."),
        }
    }
}

impl Text<'_> {
    fn end(&self, f: &mut fmt::Formatter<'_>, end: &EndReport) -> fmt::Result {
        running(f, "Current interval", QUARTER, &end.current)?;
        self.intervals(f, end)?;
        if self.view.day {
            running(f, "Current day", DAY, &end.day)?;
            match &end.previous_day {
                Some(day) => running(f, "Day before", DAY, day)?,
                None => writeln!(f, "  Nothing is known of the day before.")?,
            }
        }
        Ok(())
    }

    fn intervals(&self, f: &mut fmt::Formatter<'_>, end: &EndReport) -> fmt::Result {
        if end.intervals.is_empty() {
            return writeln!(f, "  No interval has ended yet.");
        }
        let unlike = |quality| end.intervals.iter().filter(|entry| entry.quality == quality).count();
        let day = if end.intervals.len() == INTERVALS { " (24 hours)" } else { "" };
        write!(f, "  Total of {} intervals before{day}", end.intervals.len())?;
        for (quality, words) in [
            (Quality::Incomplete, "incomplete"),
            (Quality::Absent, "not observed"),
            (Quality::ClockSet, "with the clock set"),
        ] {
            let number = unlike(quality);
            if number > 0 {
                write!(f, ", {number} {words}")?;
            }
        }
        writeln!(f, ":")?;
        block(f, &end.total)?;
        match self.view.intervals.min(end.intervals.len()) {
            0 => Ok(()),
            wanted => table(f, &end.intervals[..wanted]),
        }
    }
}

/// An interval or day, how much of it has passed, and what was counted in it.
fn running(f: &mut fmt::Formatter<'_>, name: &str, length: u32, entry: &Entry) -> fmt::Result {
    write!(f, "  {name}, {} of {length} s elapsed", entry.elapsed)?;
    match entry.quality {
        Quality::Whole => writeln!(f, ":")?,
        Quality::ClockSet => writeln!(f, ", the clock was set:")?,
        Quality::Incomplete | Quality::Absent => writeln!(f, ", {} s observed:", entry.observed)?,
    }
    block(f, &entry.counts)
}

/// The counters in words, two a line.
fn block(f: &mut fmt::Formatter<'_>, counts: &Counts) -> fmt::Result {
    for pair in Counter::ALL.chunks(2) {
        let [left, right] = pair else { unreachable!("there are ten counters") };
        let (l, r) = (counts.get(*left), counts.get(*right));
        writeln!(f, "  {l:>10} {:<32}{r:>10} {}", left.words(), right.words())?;
    }
    Ok(())
}

/// One interval a line; a stretch of clean or unseen ones is one line.
fn table(f: &mut fmt::Formatter<'_>, intervals: &[Entry]) -> fmt::Result {
    writeln!(f, "  Intervals, the last first; when they began is UTC:")?;
    write!(f, "      No  began  seen")?;
    for counter in Counter::ALL {
        write!(f, "{:>width$}", counter.name(), width = width(counter))?;
    }
    writeln!(f)?;
    let nothing = |entry: &Entry| match (entry.zero_suppressed, entry.quality) {
        (true, _) => Some("clean"),
        (false, Quality::Absent) => Some("not observed"),
        _ => None,
    };
    let mut number = 1;
    for stretch in intervals.chunk_by(|one, next| nothing(one).is_some() && nothing(one) == nothing(next)) {
        let (first, last) = (number, number + stretch.len() - 1);
        number = last + 1;
        let Some(entry) = stretch.last() else { continue };
        let (hour, minute) = (entry.start / 3_600 % 24, entry.start / 60 % 60);
        let numbers = if last > first { format!("{first}-{last}") } else { first.to_string() };
        write!(f, "  {numbers:>6}  {hour:02}:{minute:02}")?;
        if let Some(word) = nothing(entry) {
            writeln!(f, "  {word}")?;
            continue;
        }
        let mark = if entry.quality == Quality::Whole { ' ' } else { '!' };
        write!(f, "{:>5}{mark}", entry.observed)?;
        for counter in Counter::ALL {
            let width = width(counter);
            write!(f, "{:>width$}", Short(entry.counts.get(counter)))?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn width(counter: Counter) -> usize {
    match counter {
        Counter::Lcv | Counter::Pcv => 8,
        Counter::Dm => 4,
        _ => 5,
    }
}

/// A count in at most seven characters.
struct Short(u32);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..=9_999_999 => f.pad_integral(true, "", &self.0.to_string()),
            count => f.pad_integral(true, "", &format!("{}M", count / 1_000_000)),
        }
    }
}

/// Seconds as people say them.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            s @ 0..120 => write!(f, "{s} s"),
            s @ 120..7_200 => write!(f, "{} min", s / 60),
            s => write!(f, "{} h", s / 3_600),
        }
    }
}
