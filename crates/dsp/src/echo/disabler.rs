//! Hears the tone by which a modem or fax machine asks echo cancellers to step aside.
//!
//! The tone is 2100 Hz with its phase reversed every 450 ms. The same tone without reversals is another's business (it asks echo
//! suppressors alone) and is left unheard.
//!
//! Data path: samples of one direction → [`ToneWatch`] → the canceller of the leg, which lets everything through.
//! Time: one block of 5 ms a call.
//! Source: ITU-T G.168, clause 7 (formerly G.165, clause 4): 2100 Hz ± 21 Hz from -31 dBm0 up; a reversal is a jump of 180° ± 25°,
//! a jump of 110° or less is none; to operate within a second, to be released when the level has been below -36 dBm0 for
//! 250 ± 150 ms, and not by gaps up to 100 ms.
//! Words: *reversal*, a sudden change of phase by half a turn.

use super::filter::BLOCK;
use crate::SAMPLE_RATE;
use crate::level::mean_square_of;
use std::f32::consts::{PI, TAU};

const TONE_HZ: f32 = 2_100.0;

/// Sums are kept in so many lanes, for the compiler to add them side by side.
const LANES: usize = 8;

/// The faintest tone that must be heard, with a margin: -31 dBm0.
const FAINTEST_DBM0: f32 = -33.0;

/// Blocks below this for so long release: 250 ms.
const RELEASE_DBM0: f32 = -36.0;
const RELEASE_BLOCKS: u32 = 50;

/// Share of a block's power that must be the tone's.
const PURITY: f32 = 0.8;

/// Blocks of clean tone before a reversal counts: 200 ms, longer than speech stays on one frequency.
const BEFORE: u32 = 40;

/// And clean blocks after it: 50 ms.
const AFTER: u32 = 10;

/// Blocks that a reversal may spoil: it falls into one, or between two.
const SPOILT: u32 = 2;

/// A turn of at least this is a reversal: half-way between 110° and 155°.
const REVERSED: f32 = 132.5 / 180.0 * PI;

/// The most that 21 Hz turn the phase in a block, with a margin: 22 of 38 are 31.5 Hz.
const MOST_DRIFT: f32 = TAU * 31.5 * BLOCK as f32 / SAMPLE_RATE as f32;

/// Listens to one direction of a leg.
#[derive(Debug, Clone)]
pub(super) struct ToneWatch {
    faintest: f32,
    release: f32,
    /// Whether this block has the reference the right way round: the tone turns 21 times in two blocks.
    odd: bool,
    /// Phase of the last clean block.
    phase: Option<f32>,
    /// Turn of the phase in a block, learnt.
    drift: f32,
    clean: u32,
    spoilt: u32,
    /// Clean blocks since a reversal that may yet prove none.
    since: Option<u32>,
    silent: u32,
    disabled: bool,
}

impl ToneWatch {
    /// A watch that has heard nothing yet.
    pub fn new() -> Self {
        Self {
            faintest: mean_square_of(FAINTEST_DBM0),
            release: mean_square_of(RELEASE_DBM0),
            odd: false,
            phase: None,
            drift: 0.0,
            clean: 0,
            spoilt: 0,
            since: None,
            silent: 0,
            disabled: false,
        }
    }

    /// Listens to a block.
    pub fn process(&mut self, samples: &[i16; BLOCK]) {
        // A block is ten and a half turns: the reference of every other one stands the other way round.
        self.odd = !self.odd;
        let sign = if self.odd { 1.0 } else { -1.0 };
        let (mut re, mut im, mut energy) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let reference = REFERENCE.as_chunks::<LANES>().0;
        for (samples, reference) in samples.as_chunks::<LANES>().0.iter().zip(reference) {
            for lane in 0..LANES {
                let value = f32::from(samples[lane]);
                re[lane] += value * reference[lane].0;
                im[lane] += value * reference[lane].1;
                energy[lane] += value * value;
            }
        }
        let sum = |lanes: [f32; LANES]| lanes.iter().sum::<f32>();
        self.judge(sum(re) * sign, sum(im) * sign, sum(energy) / BLOCK as f32);
    }

    /// Whether a canceller has to step aside.
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    fn judge(&mut self, re: f32, im: f32, mean_square: f32) {
        self.silent = if mean_square < self.release { self.silent.saturating_add(1) } else { 0 };
        if self.silent >= RELEASE_BLOCKS {
            self.disabled = false;
        }
        // A tone of mean square m has m n² / 2 here.
        let tone = 2.0 * (re * re + im * im) / (BLOCK * BLOCK) as f32;
        if mean_square < self.faintest || tone < PURITY * mean_square {
            self.spoil();
            return;
        }
        let phase = im.atan2(re);
        let Some(before) = self.phase else {
            (self.phase, self.clean, self.spoilt) = (Some(phase), 1, 0);
            return;
        };
        let blocks = (1 + self.spoilt) as f32;
        let turn = wrapped(phase - before - self.drift * blocks);
        if turn.abs() >= REVERSED && self.clean >= BEFORE {
            (self.clean, self.since) = (0, Some(0));
        } else if turn.abs() <= MOST_DRIFT && self.spoilt == 0 {
            // The frequency is learnt from whole blocks that follow one another.
            self.drift += turn / (self.clean.clamp(1, 16) as f32);
            self.drift = self.drift.clamp(-MOST_DRIFT, MOST_DRIFT);
            self.clean += 1;
        } else if turn.abs() > MOST_DRIFT {
            // Some other jump: begin anew from here.
            (self.clean, self.drift, self.since) = (0, 0.0, None);
        }
        (self.phase, self.spoilt) = (Some(phase), 0);
        if let Some(since) = &mut self.since {
            *since += 1;
            if *since > AFTER {
                (self.disabled, self.silent, self.since) = (true, 0, None);
            }
        }
    }

    /// A block that is not the tone alone: the one a reversal falls into, or the end of it.
    fn spoil(&mut self) {
        self.spoilt += 1;
        if self.spoilt > SPOILT {
            (self.phase, self.clean, self.drift, self.since, self.spoilt) = (None, 0, 0.0, None, 0);
        }
    }
}

fn wrapped(angle: f32) -> f32 {
    angle - TAU * (angle / TAU).round()
}

/// Cosine and negative sine of the tone over one block.
static REFERENCE: std::sync::LazyLock<[(f32, f32); BLOCK]> = std::sync::LazyLock::new(|| {
    std::array::from_fn(|n| {
        let angle = TAU * TONE_HZ * n as f32 / SAMPLE_RATE as f32;
        (angle.cos(), -angle.sin())
    })
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::peak_of;

    /// Seconds of tone whose phase jumps by so many degrees every 450 ms.
    fn answer_tone(hz: f32, dbm0: f32, jump: f32, seconds: f32) -> Vec<i16> {
        let (mut phase, mut samples) = (0.3, vec![]);
        for n in 0..(seconds * 8_000.0) as usize {
            // Off the grid of blocks, so that a reversal falls into the middle of one.
            if n % 3_600 == 1_817 {
                phase += jump / 360.0 * TAU;
            }
            phase += TAU * hz / 8_000.0;
            samples.push((phase.sin() * peak_of(dbm0)) as i16);
        }
        samples
    }

    /// Milliseconds until the watch asks to step aside.
    fn disabled_after(samples: &[i16]) -> Option<usize> {
        let mut watch = ToneWatch::new();
        let (blocks, _) = samples.as_chunks();
        blocks
            .iter()
            .position(|block| {
                watch.process(block);
                watch.is_disabled()
            })
            .map(|blocks| 5 * (blocks + 1))
    }

    #[test]
    fn it_operates_within_a_second_over_the_whole_range() {
        for hz in [2_079.0, 2_090.0, 2_100.0, 2_121.0] {
            for dbm0 in [-31.0, -12.0, 0.0] {
                for jump in [155.0, 180.0, 205.0] {
                    let after = disabled_after(&answer_tone(hz, dbm0, jump, 2.0));
                    assert!(after.is_some_and(|ms| ms <= 1_000), "{hz} Hz, {dbm0} dBm0, {jump}°: {after:?}");
                }
            }
        }
    }

    #[test]
    fn a_tone_without_reversals_and_smaller_jumps_are_not_for_us() {
        for jump in [0.0, 45.0, -90.0, 110.0] {
            assert_eq!(disabled_after(&answer_tone(2_100.0, -12.0, jump, 10.0)), None, "{jump}°");
        }
        for (hz, dbm0) in [(1_990.0, -12.0), (2_220.0, -12.0), (2_100.0, -40.0)] {
            assert_eq!(disabled_after(&answer_tone(hz, dbm0, 180.0, 10.0)), None, "{hz} Hz, {dbm0} dBm0");
        }
    }

    #[test]
    fn it_holds_through_a_short_gap_and_lets_go_after_a_quarter_of_a_second() {
        let mut watch = ToneWatch::new();
        let hear = |watch: &mut ToneWatch, samples: &[i16]| {
            samples.as_chunks().0.iter().for_each(|block| watch.process(block));
        };
        hear(&mut watch, &answer_tone(2_100.0, -12.0, 180.0, 1.0));
        assert!(watch.is_disabled());
        hear(&mut watch, &[0; 800]);
        assert!(watch.is_disabled(), "100 ms");
        // Data follow: as loud, and anything but a tone.
        hear(&mut watch, &answer_tone(1_234.0, -20.0, 70.0, 5.0));
        assert!(watch.is_disabled(), "as long as there is a signal");
        hear(&mut watch, &[0; 4 * 800]);
        assert!(!watch.is_disabled(), "400 ms");
    }
}
