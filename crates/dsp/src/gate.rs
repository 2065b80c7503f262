//! A noise gate: a leg on which nobody speaks adds nothing to the conference.
//!
//! It opens within a block of the first loud one and closes only after a hang-over, so that the soft end of a word passes. What
//! is streamed is 80 ms older than what is judged: the gate of the stream has opened before a word begins.
//!
//! Data path: a leg's conversation and its delayed twin for the stream → [`NoiseGate`] → the same, or silence.
//! Time: counted in samples; judged every 5 ms.
//! Source: our own; ITU-T G.116 and P.800 series experience that chopped words are worse than noise, hence hang-over and
//! two thresholds.
//! Words: *hang-over*, how long the gate stays open after the last loud block.

use crate::level::mean_square_of;
use crate::ramp::Ramp;
use crate::samples_in_ms;

/// Samples in a block: 5 ms.
const BLOCK: usize = 40;

/// Open, it takes blocks this much quieter for a voice still: 6 dB.
const STAYS: f32 = 0.25;

/// From closed to open, and from open to closed, in samples: 2 and 30 ms.
const OPENS_IN: u32 = samples_in_ms(2);
const CLOSES_IN: u32 = samples_in_ms(30);

/// How a [`NoiseGate`] decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateSettings {
    /// The level that opens the gate, in dBm0 over 5 ms. Default -45.
    pub threshold_dbm0: f32,
    /// How long it stays open after the last loud block, in ms. Default 400.
    pub hang_over_ms: u32,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self { threshold_dbm0: -45.0, hang_over_ms: 400 }
    }
}

/// The noise gate of one leg.
#[derive(Debug, Clone)]
pub struct NoiseGate {
    opens: f32,
    stays: f32,
    hang_over: u32,
    energy: f32,
    filled: usize,
    /// Blocks it stays open yet.
    left: u32,
    now: Ramp,
    delayed: Ramp,
}

impl Default for NoiseGate {
    fn default() -> Self {
        Self::new(GateSettings::default())
    }
}

impl NoiseGate {
    /// A closed gate.
    #[must_use]
    pub fn new(settings: GateSettings) -> Self {
        let opens = mean_square_of(settings.threshold_dbm0);
        let ramp = Ramp::new(0.0, OPENS_IN, CLOSES_IN);
        Self {
            opens,
            stays: opens * STAYS,
            hang_over: (samples_in_ms(settings.hang_over_ms) / BLOCK as u32).max(1),
            energy: 0.0,
            filled: 0,
            left: 0,
            now: ramp.clone(),
            delayed: ramp,
        }
    }

    /// Lets what is said `now`, and what was said before and is streamed, `delayed`, through or not. Both have the same length;
    /// if not, the shorter decides.
    pub fn process(&mut self, now: &mut [i16], delayed: &mut [i16]) {
        let total = now.len().min(delayed.len());
        let mut done = 0;
        while done < total {
            let end = total.min(done + BLOCK - self.filled);
            let part = &mut now[done..end];
            self.energy += part.iter().map(|&sample| f32::from(sample) * f32::from(sample)).sum::<f32>();
            self.filled += part.len();
            // A loud block opens the gate for itself where it is whole in the chunk, as with ticks it is.
            let over = self.filled == BLOCK;
            if over {
                self.judge();
            }
            let target = if self.left > 0 { 1.0 } else { 0.0 };
            self.now.apply(target, part);
            self.delayed.apply(target, &mut delayed[done..end]);
            if over {
                (self.energy, self.filled) = (0.0, 0);
            }
            done = end;
        }
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.left > 0
    }

    fn judge(&mut self) {
        let mean_square = self.energy / BLOCK as f32;
        let loud = mean_square >= if self.left > 0 { self.stays } else { self.opens };
        self.left = if loud { self.hang_over } else { self.left.saturating_sub(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tones::{Oscillator, Tone};

    fn tone(dbm0: f32, ms: u32) -> Vec<i16> {
        let mut samples = vec![0; samples_in_ms(ms) as usize];
        Oscillator::new(Tone::new(500.0, dbm0)).fill(&mut samples);
        samples
    }

    /// What passes, of the conversation and of the stream, which comes 640 samples later.
    fn pass(gate: &mut NoiseGate, said: &[i16]) -> (Vec<i16>, Vec<i16>) {
        let mut now = said.to_vec();
        let mut delayed = vec![0; 640];
        delayed.extend(&said[..said.len() - 640]);
        for (now, delayed) in now.chunks_mut(80).zip(delayed.chunks_mut(80)) {
            gate.process(now, delayed);
        }
        (now, delayed)
    }

    #[test]
    fn noise_is_kept_out_and_a_word_passes_whole() {
        let noise = tone(-52.0, 500);
        let word = tone(-20.0, 300);
        let said = [noise.clone(), word.clone(), noise.clone(), noise].concat();
        let mut gate = NoiseGate::default();
        let (now, stream) = pass(&mut gate, &said);
        assert!(now[..4_000].iter().all(|&s| s == 0), "nothing before the word");
        // The gate is open 2 ms after the word began, and stays for 400 ms after it.
        assert_eq!(now[4_016..6_400 + 3_200 - 40], said[4_016..6_400 + 3_200 - 40]);
        assert!(now[6_400 + 3_200 + 300..].iter().all(|&s| s == 0), "closed again");
        // Streamed, the word comes with what went before it, and not a sample of it is changed.
        assert_eq!(stream[4_640..7_040], word[..]);
        assert!(!gate.is_open());
    }

    #[test]
    fn the_soft_end_of_a_word_and_a_pause_in_a_sentence_are_not_chopped() {
        // It ends 5 dB below what would open the gate, and pauses for 350 ms.
        let said = [tone(-20.0, 200), tone(-50.0, 600), vec![0; 2_800], tone(-44.0, 100), vec![0; 640]].concat();
        let (now, _) = pass(&mut NoiseGate::default(), &said);
        assert_eq!(now[16..], said[16..]);
    }

    #[test]
    fn it_does_not_click() {
        let said = [vec![0; 800], tone(-10.0, 100), vec![0; 8_000]].concat();
        let mut held = said.clone();
        // A direct current shows the gate's own shape.
        held.iter_mut().for_each(|s| *s = 8_000);
        let mut gate = NoiseGate::default();
        let mut stream = held.clone();
        for ((said, _), stream) in said.chunks(80).zip(held.chunks(80)).zip(stream.chunks_mut(80)) {
            gate.process(&mut said.to_vec(), stream);
        }
        let steepest = stream.windows(2).map(|w| (w[1] - w[0]).abs()).max();
        assert_eq!(steepest, Some(8_000 / OPENS_IN as i16));
        assert_eq!((stream[0], stream[1_600], stream[stream.len() - 1]), (0, 8_000, 0));
    }
}
