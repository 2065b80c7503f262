//! Everything that watches over one line, behind one interface.
//!
//! Data path: defects as they change, counters once a second → here → [`Output`] for log and alarm list,
//! [`crate::show::Report`] for those who ask, [`Snapshot`] for the disk.
//! Time: `now` since the start and `wall` since 1970 with the inputs; the caller reads the counters and calls
//! [`Monitor::handle_timeout`] when [`Monitor::poll_timeout`] says so, and collects [`Monitor::poll_output`] until `None`
//! after each input. Nothing is allocated but by [`Monitor::snapshot`] and by making reports.

use crate::failure::{Change, Failures, KINDS, RULES, Rule};
use crate::performance::{Failed, Performance, RestoreError, Snapshot};
use crate::rate::{Limit, Rate, RateChange, RateKind};
use crate::sampler::{Raw, Sampler};
use crate::threshold::{Crossing, Thresholds};
use crate::{COUNTERS, Defects, Framing};
use std::time::Duration;

/// By which rules a line is watched.
#[derive(Clone, Debug)]
pub struct Config {
    /// How it is framed.
    pub framing: Framing,
    /// When defects become failures.
    pub failures: [Rule; KINDS],
    /// Which counts are worth an alert.
    pub thresholds: Thresholds,
    /// How many slips are too many.
    pub slips: Limit,
    /// How many aborted frames are too many.
    pub aborts: Limit,
    /// How many frames with a wrong frame check sequence are too many.
    pub wrong_fcs: Limit,
}

impl Config {
    /// The usual rules.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Config {
            framing,
            failures: RULES,
            thresholds: Thresholds::default(),
            slips: Limit::SLIPS,
            aborts: Limit::FRAMES,
            wrong_fcs: Limit::FRAMES,
        }
    }
}

/// What should be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A failure was declared or cleared.
    Failure(Change),
    /// A counter reached its threshold.
    Crossing(Crossing),
    /// Errors became too many, or few again.
    Rate(RateChange),
}

/// The most a single input can bring: a counter crosses once an interval, and one reading reaches three quarters and
/// three days of two ends at most (the last one, that before, and another when the clock was set); a rate changes once.
const OUTPUTS: usize = 3 * 2 * 2 * COUNTERS + 3;

/// The watch over one line.
#[derive(Clone, Debug)]
pub struct Monitor {
    thresholds: Thresholds,
    failures: Failures,
    sampler: Sampler,
    performance: Performance,
    rates: [Rate; 3],
    outputs: heapless::Deque<Output, OUTPUTS>,
}

impl Monitor {
    /// Begin to watch now; `raw` is what the counters are, `wall` the time since 1970.
    #[must_use]
    pub fn new(config: Config, now: Duration, wall: Duration, raw: Raw) -> Self {
        let sampler = Sampler::new(config.framing, now, wall, raw);
        Monitor {
            performance: Performance::new(config.framing, sampler.next()),
            failures: Failures::new(config.failures),
            rates: [
                Rate::new(RateKind::Slips, config.slips),
                Rate::new(RateKind::Aborts, config.aborts),
                Rate::new(RateKind::WrongFcs, config.wrong_fcs),
            ],
            thresholds: config.thresholds,
            sampler,
            outputs: heapless::Deque::new(),
        }
    }

    /// Go on from what was kept before the program ended. The seconds in between will be missing.
    ///
    /// # Errors
    /// When the snapshot is of no use; the monitor then goes on without it.
    pub fn restore(&mut self, snapshot: Snapshot) -> Result<(), RestoreError> {
        self.performance = Performance::restore(self.performance.framing(), snapshot)?;
        Ok(())
    }

    /// What has to outlive the program.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.performance.snapshot()
    }

    /// The defects are now these.
    pub fn handle_defects(&mut self, now: Duration, defects: Defects) {
        self.failures.handle_defects(now, defects);
        self.sampler.handle_defects(defects);
    }

    /// Time has passed; the counters are these. `wall` is the time since 1970.
    pub fn handle_timeout(&mut self, now: Duration, wall: Duration, raw: &Raw) {
        self.failures.handle_timeout(now);
        let Some(sample) = self.sampler.handle_counters(now, wall, raw) else { return };
        let outputs = &mut self.outputs;
        let mut put = |output| {
            let kept = outputs.push_back(output);
            debug_assert!(kept.is_ok(), "outputs are collected after every input");
        };
        if let Some((first, seconds, second)) = sample.seconds {
            let failed = Failed { near: self.failures.any_of(Defects::LOSS), far: self.failures.any_of(Defects::RAI) };
            for at in first..first + u64::from(seconds) {
                self.performance
                    .second(at, &second, failed, &self.thresholds, |crossing| put(Output::Crossing(crossing)));
            }
        }
        let counted = [sample.counted.slips, sample.counted.aborts, sample.counted.wrong_fcs];
        for (rate, errors) in self.rates.iter_mut().zip(counted) {
            rate.count(now, errors).into_iter().for_each(|change| put(Output::Rate(change)));
        }
    }

    /// When [`Monitor::handle_timeout`] is wanted next: once a second, or sooner for a failure.
    #[must_use]
    pub fn poll_timeout(&self) -> Duration {
        let second = self.sampler.poll_timeout();
        self.failures.poll_timeout().map_or(second, |failure| failure.min(second))
    }

    /// The next thing to tell.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.failures.poll_output().map(Output::Failure).or_else(|| self.outputs.pop_front())
    }

    /// The failures.
    #[must_use]
    pub fn failures(&self) -> &Failures {
        &self.failures
    }

    /// The performance.
    #[must_use]
    pub fn performance(&self) -> &Performance {
        &self.performance
    }

    /// The rates: slips, aborted frames, wrong frame check sequences.
    #[must_use]
    pub fn rates(&self) -> &[Rate; 3] {
        &self.rates
    }
}
