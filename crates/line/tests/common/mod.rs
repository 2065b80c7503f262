//! A line that is fed second by second, written as a script.

#![allow(dead_code, reason = "each test file uses its part")]

use line::{Crossing, Defects, EndPerformance, Failed, FarSecond, Framing, Performance, Second, Thresholds};

/// 2026-03-01 00:00:00 UTC: the start of a day, and so of a quarter.
pub const MIDNIGHT: u64 = 1_772_323_200;

/// A clean second in which the far end says it is well.
pub fn clean() -> Second {
    Second { far: Some(FarSecond::default()), ..Second::default() }
}

/// A second with so many CRC errors.
pub fn crc(errors: u32) -> Second {
    Second { crc_errors: errors, ..clean() }
}

/// A second with these defects.
pub fn with(defects: Defects) -> Second {
    Second { defects, ..clean() }
}

/// A second in which the far end tells of so many CRC errors.
pub fn far_crc(errors: u32) -> Second {
    Second { far: Some(FarSecond { crc_errors: errors, ..FarSecond::default() }), ..Second::default() }
}

/// A line under test.
pub struct Bench {
    pub performance: Performance,
    pub next: u64,
    pub thresholds: Thresholds,
    pub crossings: Vec<Crossing>,
    pub failed: Failed,
}

impl Bench {
    pub fn new(framing: Framing) -> Self {
        Bench::at(framing, MIDNIGHT)
    }

    pub fn at(framing: Framing, start: u64) -> Self {
        Bench {
            performance: Performance::new(framing, start),
            next: start,
            thresholds: Thresholds::none(),
            crossings: Vec::new(),
            failed: Failed::default(),
        }
    }

    /// So many such seconds pass.
    pub fn pass(&mut self, times: u32, second: Second) -> &mut Self {
        for _ in 0..times {
            let Bench { performance, thresholds, crossings, .. } = self;
            performance.second(self.next, &second, self.failed, thresholds, |crossing| crossings.push(crossing));
            self.next += 1;
        }
        self
    }

    /// So many seconds pass that nobody sees.
    pub fn unseen(&mut self, seconds: u64) -> &mut Self {
        self.next += seconds;
        self
    }

    pub fn near(&self) -> EndPerformance<'_> {
        self.performance.near()
    }

    pub fn far(&self) -> EndPerformance<'_> {
        self.performance.far().expect("this framing has a far end")
    }
}

/// The counts in the order of a listing: LCV PCV ES SES SEFS UAS CSS LES BES DM.
pub fn row(counts: &line::Counts) -> [u32; 10] {
    line::Counter::ALL.map(|counter| counts.get(counter))
}
