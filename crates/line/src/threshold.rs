//! Threshold crossing alerts: a counter has reached in an interval what should not be reached.
//!
//! Each counter of each end has a threshold for the quarter of an hour and one for the day; 0 switches it off. There is
//! one alert a counter and interval, when the count reaches the threshold. Only seconds counted for good are looked at,
//! so no alert is ever taken back; it comes at most nine seconds late.
//!
//! Source: ANSI T1.231 for the alerts; the defaults are those customary for DS1 in network elements.

use crate::counts::{COUNTERS, Counter};
use crate::interval::Interval;
use serde::{Deserialize, Serialize};

/// Which end of the line a count is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// What we receive.
    Near,
    /// What the far end receives from us, as it tells us.
    Far,
}

/// The kind of interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// 15 minutes.
    Quarter,
    /// 24 hours.
    Day,
}

/// A counter reached its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// Of which end.
    pub end: End,
    /// In which kind of interval.
    pub period: Period,
    /// When that interval began: seconds since 1970.
    pub start: u64,
    /// Which counter.
    pub counter: Counter,
    /// What it has counted.
    pub count: u32,
    /// What it should not have reached.
    pub threshold: u32,
}

/// Thresholds, for each counter one for 15 minutes and one for 24 hours; 0 for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    quarter: [u32; COUNTERS],
    day: [u32; COUNTERS],
}

impl Default for Thresholds {
    fn default() -> Self {
        let mut thresholds = Thresholds::none();
        for (counter, quarter, day) in [
            (Counter::Lcv, 13_340, 133_400),
            (Counter::Pcv, 13_296, 132_960),
            (Counter::Es, 65, 648),
            (Counter::Ses, 10, 100),
            (Counter::Sefs, 2, 17),
            (Counter::Uas, 10, 10),
            (Counter::Css, 1, 4),
            (Counter::Les, 65, 648),
        ] {
            thresholds.set(counter, Period::Quarter, quarter);
            thresholds.set(counter, Period::Day, day);
        }
        thresholds
    }
}

impl Thresholds {
    /// No thresholds at all.
    #[must_use]
    pub const fn none() -> Self {
        Thresholds { quarter: [0; COUNTERS], day: [0; COUNTERS] }
    }

    /// Set one; 0 switches it off.
    pub fn set(&mut self, counter: Counter, period: Period, threshold: u32) {
        match period {
            Period::Quarter => self.quarter[counter as usize] = threshold,
            Period::Day => self.day[counter as usize] = threshold,
        }
    }

    /// One of them; 0 for none.
    #[must_use]
    pub fn get(&self, counter: Counter, period: Period) -> u32 {
        match period {
            Period::Quarter => self.quarter[counter as usize],
            Period::Day => self.day[counter as usize],
        }
    }

    /// The crossings of an interval nobody was told of; they are told of now.
    pub(crate) fn newly_crossed<'a>(
        &'a self,
        end: End,
        period: Period,
        interval: &'a mut Interval,
    ) -> impl Iterator<Item = Crossing> + 'a {
        Counter::ALL.into_iter().filter_map(move |counter| {
            let (threshold, count) = (self.get(counter, period), interval.counts.get(counter));
            let bit = 1 << counter as u16;
            if threshold == 0 || count < threshold || interval.crossed & bit != 0 {
                return None;
            }
            interval.crossed |= bit;
            Some(Crossing { end, period, start: interval.start, counter, count, threshold })
        })
    }
}
