//! The test of one timeslot: a pattern out, a loop somewhere, the pattern back, a verdict.
//!
//! It runs beside calls on other timeslots, on an idle bearer channel that somebody keeps out of calls and has looped
//! (at our framer, at the far end, or by a cable); setting the loop and keeping calls away are the caller's.
//!
//! ```text
//!  Settling ──► Measuring ──► Done: Passed, Errors, Slipped, Inverted
//!      │            │
//!      └────────────┴──────► Done: NoLoop, with what was heard instead
//! ```
//!
//! Data path: chunk of the timeslot → [`TimeslotTest::tick`] → chunk for the timeslot; [`Verdict`] at the end.
//! Time: counted in octets of the timeslot, 8,000 a second.
//! Source: ITU-T O.150, O.152; the pattern is 2^23-1 unless told otherwise.
//! Words: *settling*, the time a loop may take to be set and the pattern to be found.
//!
//! ```
//! use dsp::selftest::{TestPlan, TimeslotTest};
//!
//! // In the tick, between a card's begin and end; here the line is a wire.
//! let mut test = TimeslotTest::new(TestPlan { measure_ms: 1_000, ..TestPlan::default() });
//! let (mut received, mut to_send) = ([0xff; 80], [0xff; 80]);
//! while test.verdict().is_none() {
//!     test.tick(&received, &mut to_send);
//!     received = to_send;
//! }
//! let verdict = test.verdict().expect("it has ended");
//! assert_eq!(verdict.to_string(), "passed: 64000 bits, 0 wrong, back after 10.000 ms");
//! # assert!(verdict.passed());
//! ```

use crate::bert::{Generator, Pattern, Receiver, Report, RoundTrip, Sync, Width};
use crate::{SAMPLE_RATE, samples_in_ms};
use std::fmt;

/// How a timeslot is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestPlan {
    /// The pattern. Only pseudo-random ones tell the delay.
    pub pattern: Pattern,
    /// 64 or 56 kbit/s.
    pub width: Width,
    /// How long the pattern may take to come back, in ms.
    pub settle_ms: u32,
    /// How long it is compared after that, in ms.
    pub measure_ms: u32,
    /// Wrong bits that still pass.
    pub errors_allowed: u64,
}

impl Default for TestPlan {
    /// Two seconds to settle, ten to measure, not one bit wrong.
    fn default() -> Self {
        Self { pattern: Pattern::Prbs23, width: Width::Full, settle_ms: 2_000, measure_ms: 10_000, errors_allowed: 0 }
    }
}

/// Octets in sync before measuring begins: a quarter of a second. What an earlier test left on the way is past then.
const STEADY: u32 = SAMPLE_RATE / 4;

/// What was heard where the pattern should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The same octet all the time: an idle channel, a stuck timeslot, an alarm.
    Constant(u8),
    /// Something else: speech, noise, another's pattern.
    Other,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The pattern came back as it was sent.
    Passed {
        /// Octets on the way, if the pattern tells.
        delay: Option<u32>,
        /// Bits compared.
        bits: u64,
        /// Wrong bits, as many as were allowed.
        errors: u64,
    },
    /// It came back with too many wrong bits.
    Errors {
        /// Bits compared.
        bits: u64,
        /// Wrong bits.
        errors: u64,
    },
    /// It was lost on the way: a slip, an interruption.
    Slipped {
        /// How often.
        losses: u64,
    },
    /// It came back with all bits turned over.
    Inverted,
    /// It did not come back.
    NoLoop {
        /// What came instead.
        heard: Heard,
    },
}

impl Verdict {
    /// Whether the timeslot is well.
    #[must_use]
    pub fn passed(self) -> bool {
        matches!(self, Self::Passed { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Passed { delay, bits, errors } => {
                write!(f, "passed: {bits} bits, {errors} wrong")?;
                match delay {
                    // An octet is an eighth of a millisecond.
                    Some(octets) => write!(f, ", back after {:.3} ms", f64::from(octets) / 8.0),
                    None => Ok(()),
                }
            }
            Self::Errors { bits, errors } => write!(f, "failed: {errors} of {bits} bits wrong"),
            Self::Slipped { losses: 1 } => f.write_str("failed: the pattern was lost once"),
            Self::Slipped { losses } => write!(f, "failed: the pattern was lost {losses} times"),
            Self::Inverted => f.write_str("failed: all bits come back turned over"),
            Self::NoLoop { heard: Heard::Constant(octet) } => {
                write!(f, "failed: the pattern does not come back, only {octet:#04x}")
            }
            Self::NoLoop { heard: Heard::Other } => {
                f.write_str("failed: the pattern does not come back, but something else does")
            }
        }
    }
}

/// Tests a timeslot, a chunk at a time.
#[derive(Debug, Clone)]
pub struct TimeslotTest {
    plan: TestPlan,
    generator: Generator,
    receiver: Receiver,
    way: RoundTrip,
    state: State,
    last: u8,
    /// Octets together that were all the same.
    same: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Octets until it is too late, and octets together in sync.
    Settling {
        left: u32,
        steady: u32,
    },
    Measuring {
        left: u32,
        from: Report,
    },
    Done(Verdict),
}

impl TimeslotTest {
    /// A test that has sent nothing yet.
    #[must_use]
    pub fn new(plan: TestPlan) -> Self {
        Self {
            plan,
            generator: Generator::new(plan.pattern, plan.width),
            receiver: Receiver::new(plan.pattern, plan.width, 1),
            way: RoundTrip::new(plan.pattern, plan.width, 1),
            state: State::Settling { left: samples_in_ms(plan.settle_ms), steady: 0 },
            last: 0,
            same: 0,
        }
    }

    /// One tick: what came on the timeslot, and what is to go. Once the test is over nothing is written, so that the
    /// idle pattern stands.
    pub fn tick(&mut self, received: &[u8], to_send: &mut [u8]) {
        if matches!(self.state, State::Done(_)) {
            return;
        }
        // Received first: what is sent in this tick cannot have come back in it.
        self.receiver.process(received);
        self.generator.fill(to_send);
        self.way.tick(received, to_send);
        for &octet in received {
            self.same = if octet == self.last { self.same.saturating_add(1) } else { 1 };
            self.last = octet;
        }
        let octets = received.len() as u32;
        self.state = match self.state {
            State::Settling { left, steady } => self.settle(left.saturating_sub(octets), steady + octets),
            State::Measuring { left, from } if left > octets => State::Measuring { left: left - octets, from },
            State::Measuring { from, .. } => State::Done(self.judge(from)),
            done @ State::Done(_) => done,
        };
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        match self.state {
            State::Done(verdict) => Some(verdict),
            State::Settling { .. } | State::Measuring { .. } => None,
        }
    }

    /// What the receiver shows, while the test runs.
    #[must_use]
    pub fn report(&self) -> Report {
        self.receiver.report()
    }

    fn settle(&mut self, left: u32, steady: u32) -> State {
        let report = self.receiver.report();
        match report.sync {
            Sync::InSync if steady < STEADY => State::Settling { left, steady },
            Sync::InSync if report.inverted => State::Done(Verdict::Inverted),
            Sync::InSync => State::Measuring { left: samples_in_ms(self.plan.measure_ms), from: report },
            Sync::Waiting | Sync::Lost if left == 0 => State::Done(Verdict::NoLoop { heard: self.heard() }),
            Sync::Waiting | Sync::Lost => State::Settling { left, steady: 0 },
        }
    }

    fn judge(&self, from: Report) -> Verdict {
        let report = self.receiver.report();
        let (bits, errors) = (report.bits.saturating_sub(from.bits), report.bit_errors.saturating_sub(from.bit_errors));
        let losses = report.sync_losses - from.sync_losses;
        if report.sync != Sync::InSync {
            return Verdict::NoLoop { heard: self.heard() };
        }
        if losses > 0 {
            return Verdict::Slipped { losses };
        }
        if errors > self.plan.errors_allowed {
            return Verdict::Errors { bits, errors };
        }
        Verdict::Passed { delay: self.way.octets(), bits, errors }
    }

    fn heard(&self) -> Heard {
        // A tenth of a second of the same octet is no chance.
        if self.same > SAMPLE_RATE / 10 { Heard::Constant(self.last) } else { Heard::Other }
    }
}
