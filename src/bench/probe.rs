//! What sends and measures on one timeslot.
//!
//! Made by the office, handed to the real-time thread and handed back, so that nothing is allocated or dropped there.
//!
//! Data path: chunk of the timeslot → [`Probe::tick`] → chunk for the timeslot; a [`Reading`] once a second, and the last one
//! when the probe comes back.
//! Time: counted in octets of the timeslot.

use dsp::bert::{Generator, Pattern, Receiver, Report, Sync, Width};
use dsp::g711::{self, Law};
use dsp::measure::{self, Meter};
use dsp::signals::Signal;
use dsp::tones::{Oscillator, Tone, ToneSequence};
use dsp::{SAMPLE_RATE, samples_in_ms};
use std::num::NonZeroU64;

/// Octets of the longest chunk.
const CHUNK_MAX: usize = 160;
/// No error is put in so shortly before the end, in octets: what is put in has come back by then.
const LAST: u64 = SAMPLE_RATE as u64;
/// When errors are counted out one by one, one bit in so many is wrong: more than the longest chunk holds, so that there is never
/// one too many, and few enough not to lose the pattern.
const ONE_BY_ONE: NonZeroU64 = NonZeroU64::new(CHUNK_MAX as u64 * 8 + 1).expect("more than nothing");

/// Errors to put into the pattern, beginning when it is seen to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    /// None.
    Nothing,
    /// One bit in so many.
    OneIn(NonZeroU64),
    /// So many bits.
    Count(u64),
}

/// A bit error test of one timeslot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitPlan {
    /// The pattern.
    pub pattern: Pattern,
    /// Errors.
    pub insert: Insert,
    /// How long, in ms.
    pub run_ms: u32,
}

/// What is sent while what comes is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sent {
    /// A tone.
    Tone(Tone),
    /// A signal of exchanges and test sets.
    Signal(&'static Signal),
}

/// What a probe shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Of a bit error test.
    Bits {
        /// What the receiver has found.
        report: Report,
        /// Errors put in so far.
        inserted: u64,
        /// The time of the test is over.
        done: bool,
    },
    /// Of what was heard over the last second.
    Sound(measure::Reading),
}

/// What works on a timeslot.
#[derive(Debug)]
pub struct Probe {
    work: Work,
    /// Octets since the last reading.
    since: u32,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one in a box for each channel in test")]
enum Work {
    Bits { insert: Insert, generator: Generator, receiver: Receiver, inserting: bool, left: u64 },
    Sound { source: Option<Source>, meter: Meter, samples: [i16; CHUNK_MAX] },
}

/// What makes it.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one in a box for each channel in test")]
enum Source {
    Tone(Oscillator),
    Signal(ToneSequence),
}

impl Source {
    fn fill(&mut self, out: &mut [i16]) {
        match self {
            Source::Tone(oscillator) => oscillator.fill(out),
            // A signal goes on for ever.
            Source::Signal(sequence) => drop(sequence.fill(out)),
        }
    }
}

impl Probe {
    /// A bit error test.
    #[must_use]
    pub fn bits(plan: BitPlan) -> Probe {
        let BitPlan { pattern, insert, run_ms } = plan;
        Probe::of(Work::Bits {
            insert,
            generator: Generator::new(pattern, Width::Full),
            receiver: Receiver::new(pattern, Width::Full, 1),
            inserting: false,
            left: samples_in_ms(run_ms).into(),
        })
    }

    /// Measure what comes; send this, or the idle pattern.
    #[must_use]
    pub fn sound(sent: Option<Sent>) -> Probe {
        Probe::of(Work::Sound {
            source: sent.map(|sent| match sent {
                Sent::Tone(tone) => Source::Tone(Oscillator::new(tone)),
                Sent::Signal(signal) => Source::Signal(signal.sequence()),
            }),
            meter: Meter::new(),
            samples: [0; CHUNK_MAX],
        })
    }

    fn of(work: Work) -> Probe {
        Probe { work, since: 0 }
    }

    /// One tick: what came on the timeslot, and what is to go, in its law; a reading once a second and at the end.
    pub fn tick(&mut self, law: Law, received: &[u8], to_send: &mut [u8]) -> Option<Reading> {
        self.since += received.len() as u32;
        let mut ended = false;
        match &mut self.work {
            Work::Bits { left: 0, .. } => return None,
            Work::Bits { insert, generator, receiver, inserting, left } => {
                // Received first: what is sent in this tick cannot have come back in it.
                receiver.process(received);
                let wanted = receiver.report().sync == Sync::InSync && *left > LAST;
                let (wanted, spacing) = match *insert {
                    Insert::Nothing => (false, None),
                    Insert::OneIn(bits) => (wanted, Some(bits)),
                    Insert::Count(errors) => (wanted && generator.errors() < errors, Some(ONE_BY_ONE)),
                };
                if wanted != std::mem::replace(inserting, wanted) {
                    generator.inject_one_in(spacing.filter(|_| wanted));
                }
                generator.fill(to_send);
                *left = left.saturating_sub(received.len() as u64);
                ended = *left == 0;
            }
            Work::Sound { source, meter, samples } => {
                let samples = &mut samples[..received.len().min(CHUNK_MAX)];
                g711::decode(law, &received[..samples.len()], samples);
                meter.process(samples);
                if let Some(source) = source {
                    source.fill(samples);
                    g711::encode(law, samples, &mut to_send[..samples.len()]);
                }
            }
        }
        if self.since < SAMPLE_RATE && !ended {
            return None;
        }
        self.since = 0;
        self.read()
    }

    /// What it shows now; nothing of a sound that was too short.
    pub fn read(&mut self) -> Option<Reading> {
        match &mut self.work {
            Work::Bits { generator, receiver, left, .. } => {
                let (report, inserted) = (receiver.report(), generator.errors());
                Some(Reading::Bits { report, inserted, done: *left == 0 })
            }
            Work::Sound { meter, .. } => meter.read().map(Reading::Sound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over a wire of so many ticks.
    fn over_a_wire(mut probe: Probe, ticks: usize, delay: usize) -> Vec<Reading> {
        let mut wire = std::collections::VecDeque::from(vec![[0xd5; 80]; delay]);
        let mut readings = Vec::new();
        for _ in 0..ticks {
            let received = wire.pop_front().expect("as long as at the beginning");
            let mut sent = [0xd5; 80];
            readings.extend(probe.tick(Law::A, &received, &mut sent));
            wire.push_back(sent);
        }
        readings
    }

    fn bits(reading: &Reading) -> (Report, u64, bool) {
        match reading {
            Reading::Bits { report, inserted, done } => (*report, *inserted, *done),
            Reading::Sound(_) => panic!("{reading:?}"),
        }
    }

    #[test]
    fn every_error_that_was_put_in_is_counted_and_no_other() {
        for (insert, at_least) in [
            (Insert::Nothing, 0),
            (Insert::OneIn(NonZeroU64::new(1000).expect("some")), 200),
            (Insert::Count(17), 17),
            (Insert::Count(1), 1),
        ] {
            let plan = BitPlan { pattern: Pattern::Qrss, insert, run_ms: 5_000 };
            let readings = over_a_wire(Probe::bits(plan), 600, 4);
            assert_eq!(readings.len(), 5, "one a second, and nothing after the end");
            let (report, inserted, done) = bits(&readings[4]);
            assert!(done && report.sync == Sync::InSync && report.sync_losses == 0, "{report:?}");
            assert_eq!(report.bit_errors, inserted, "{insert:?}");
            assert!(inserted >= at_least && (at_least > 17 || inserted == at_least), "{insert:?}: {inserted}");
        }
    }

    #[test]
    fn without_a_loop_it_waits_and_puts_nothing_in() {
        let plan = BitPlan { pattern: Pattern::Prbs15, insert: Insert::Count(5), run_ms: 2_000 };
        let mut probe = Probe::bits(plan);
        let mut last = None;
        for _ in 0..200 {
            last = probe.tick(Law::A, &[0xd5; 80], &mut [0; 80]).or(last);
        }
        let (report, inserted, done) = bits(&last.expect("two seconds"));
        assert_eq!((report.sync, inserted, done), (Sync::Waiting, 0, true));
    }

    #[test]
    fn a_tone_comes_back_at_its_level_and_silence_stays_silent() {
        let heard = |tone| match over_a_wire(Probe::sound(tone), 210, 2).last() {
            Some(Reading::Sound(reading)) => *reading,
            other => panic!("{other:?}"),
        };
        let reading = heard(Some(Sent::Tone(Tone::new(1_004.0, -10.0))));
        assert!((reading.tone_hz - 1_004.0).abs() < 0.5 && (reading.tone_dbm0 + 10.0).abs() < 0.1, "{reading:?}");
        assert!(heard(None).level_dbm0 < -60.0);
        // A signal comes with its frequency, here on and off half of the time: 3 dB less on the mean.
        let reading = heard(Signal::of("busy-europe").map(Sent::Signal));
        assert!((reading.tone_hz - 425.0).abs() < 2.0 && (reading.level_dbm0 + 13.0).abs() < 0.3, "{reading:?}");
    }
}
