//! Automatic gain: brings a quiet voice up and a loud one down, slowly, towards one level.
//!
//! What is measured is the level of the voice while it speaks, not that of the line; in silence nothing moves, so that the
//! noise between two sentences is not brought up. A peak that would be clamped lowers the gain at once.
//!
//! Data path: a leg's conversation and its delayed twin for the stream → [`Agc`] → the same, at another level.
//! Time: counted in samples; the level is judged every 10 ms of voice.
//! Source: our own. ITU-T P.56 for what the level of a voice is: its mean while it is active. ITU-T G.169 (automatic
//! level control) for what such a device owes the network: bounded gain, no pumping of noise, no overload.
//! Words: *active*, a stretch in which the caller is believed to talk and is not far below his own level.

use crate::level::{MILLIWATT_MEAN_SQUARE, dbm0_of, mean_square_of};
use crate::ramp::Ramp;

/// Samples between two judgements: 10 ms.
const BLOCK: usize = 80;

/// Weight of a new block in the level of the voice: about a second of active speech.
const LEVEL_WEIGHT: f32 = 0.01;

/// Blocks more than this below the voice's own level are its pauses: 15 dB.
const PAUSE: f32 = 0.0316;

/// A block of such a level is never a voice.
const LOWEST_VOICE_DBM0: f32 = -50.0;

/// Active blocks before the level is trusted: 0.3 s.
const TRUSTED_AFTER: u32 = 30;

/// How an [`Agc`] decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgcSettings {
    /// The level a voice is brought towards, in dBm0 while it is active. Default -18.
    pub target_dbm0: f32,
    /// Gain at most, in dB. Default 9.
    pub most_gain_db: f32,
    /// Loss at most, in dB. Default 9.
    pub most_loss_db: f32,
    /// How fast the gain rises, in dB a second of active speech. Default 3.
    pub rise_db_s: f32,
    /// How fast it falls. Default 9.
    pub fall_db_s: f32,
}

impl Default for AgcSettings {
    fn default() -> Self {
        Self { target_dbm0: -18.0, most_gain_db: 9.0, most_loss_db: 9.0, rise_db_s: 3.0, fall_db_s: 9.0 }
    }
}

/// The gain control of one leg.
#[derive(Debug, Clone)]
pub struct Agc {
    settings: AgcSettings,
    energy: f32,
    peak: u16,
    filled: usize,
    /// Mean square of the voice while active.
    level: f32,
    active_blocks: u32,
    gain_db: f32,
    gain: f32,
    now: Ramp,
    delayed: Ramp,
}

impl Default for Agc {
    fn default() -> Self {
        Self::new(AgcSettings::default())
    }
}

impl Agc {
    /// A gain of 0 dB, for a voice not heard yet.
    #[must_use]
    pub fn new(settings: AgcSettings) -> Self {
        // Up it never hurries; down, before a peak, it takes 5 ms for each unit, which does not click.
        let ramp = Ramp::new(1.0, 800, 40);
        Self {
            settings,
            energy: 0.0,
            peak: 0,
            filled: 0,
            level: 0.0,
            active_blocks: 0,
            gain_db: 0.0,
            gain: 1.0,
            now: ramp.clone(),
            delayed: ramp,
        }
    }

    /// Applies the gain to what is said `now` and to what was said before and is streamed, `delayed`, which has the same
    /// length (the shorter decides). `talking`: whether the caller is believed to talk in this chunk.
    pub fn process(&mut self, talking: bool, now: &mut [i16], delayed: &mut [i16]) {
        let total = now.len().min(delayed.len());
        let mut done = 0;
        while done < total {
            let end = total.min(done + BLOCK - self.filled);
            let part = &mut now[done..end];
            let (mut energy, mut peak) = (0.0, 0);
            for &sample in &*part {
                energy += f32::from(sample) * f32::from(sample);
                peak = sample.unsigned_abs().max(peak);
            }
            self.energy += energy;
            self.peak = self.peak.max(peak);
            self.spare_peak(peak);
            self.now.apply(self.gain, part);
            self.delayed.apply(self.gain, &mut delayed[done..end]);
            self.filled += end - done;
            if self.filled == BLOCK {
                self.judge(talking);
                (self.energy, self.peak, self.filled) = (0.0, 0, 0);
            }
            done = end;
        }
    }

    /// The gain in dB that is aimed at now.
    #[must_use]
    pub fn gain_db(&self) -> f32 {
        self.gain_db
    }

    /// Level of the voice while it is active, before the gain, in dBm0.
    #[must_use]
    pub fn voice_dbm0(&self) -> f32 {
        dbm0_of(self.level)
    }

    /// Lowers the gain at once when it would clamp this peak. A peak that is clamped without any gain is not our doing.
    fn spare_peak(&mut self, peak: u16) {
        let room = f32::from(i16::MAX) / f32::from(peak.max(1));
        if self.gain > 1.0 && self.gain > room {
            self.set(20.0 * room.max(1.0).log10());
        }
    }

    fn judge(&mut self, talking: bool) {
        let mean_square = self.energy / BLOCK as f32;
        if !talking || mean_square < mean_square_of(LOWEST_VOICE_DBM0).max(self.level * PAUSE) {
            return;
        }
        self.active_blocks = self.active_blocks.saturating_add(1);
        // A plain mean at first, so that the first word counts no more than the others.
        let weight = (1.0 / self.active_blocks as f32).max(LEVEL_WEIGHT);
        self.level += (mean_square - self.level) * weight;
        if self.active_blocks < TRUSTED_AFTER {
            return;
        }
        let AgcSettings { target_dbm0, most_gain_db, most_loss_db, rise_db_s, fall_db_s } = self.settings;
        let wanted =
            (target_dbm0 - 10.0 * (self.level / MILLIWATT_MEAN_SQUARE).log10()).clamp(-most_loss_db, most_gain_db);
        let a_block = BLOCK as f32 / crate::SAMPLE_RATE as f32;
        // Gain that would clamp the peak of this very block is not given.
        let headroom = 20.0 * (f32::from(i16::MAX) / f32::from(self.peak.max(1))).log10();
        let step = (wanted - self.gain_db).clamp(-fall_db_s * a_block, rise_db_s * a_block);
        if step < 0.0 || self.gain_db + step < headroom {
            self.set(self.gain_db + step);
        }
    }

    fn set(&mut self, gain_db: f32) {
        self.gain_db = gain_db;
        self.gain = 10f32.powf(gain_db / 20.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::power_dbm0;
    use crate::tones::{Oscillator, Tone};

    /// Bursts of a tone, 300 ms on and 200 ms off, for so many seconds, as the leg's talk detector would follow them;
    /// what came out.
    fn voice(agc: &mut Agc, dbm0: f32, seconds: usize) -> Vec<i16> {
        let mut out = vec![];
        let mut tone = Oscillator::new(Tone::new(500.0, dbm0));
        for chunk in 0..seconds * 100 {
            let (mut samples, mut stream) = ([0; 80], [0; 80]);
            if chunk % 50 < 30 {
                tone.fill(&mut samples);
            }
            agc.process(true, &mut samples, &mut stream);
            out.extend(samples);
        }
        out
    }

    fn level_of_last_burst(samples: &[i16]) -> f32 {
        // 300 ms of tone, then 200 ms of silence at the very end.
        let end = samples.len() - 1_600;
        power_dbm0(&samples[end - 800..end])
    }

    #[test]
    fn quiet_and_loud_voices_meet_at_the_target() {
        for dbm0 in [-26.0, -22.0, -18.0, -12.0] {
            let mut agc = Agc::default();
            let out = voice(&mut agc, dbm0, 20);
            assert!((level_of_last_burst(&out) + 18.0).abs() < 0.5, "{dbm0}: {}", level_of_last_burst(&out));
            assert!((agc.voice_dbm0() - dbm0).abs() < 0.3);
        }
    }

    #[test]
    fn gain_and_loss_are_limited() {
        for (dbm0, gain) in [(-40.0, 9.0), (0.0, -9.0)] {
            let mut agc = Agc::default();
            voice(&mut agc, dbm0, 30);
            assert!((agc.gain_db() - gain).abs() < 0.01, "{dbm0}: {}", agc.gain_db());
        }
    }

    #[test]
    fn it_is_slow_and_frozen_in_silence() {
        let mut agc = Agc::default();
        voice(&mut agc, -26.0, 1);
        // Six tenths of a second were active, of which three were needed to trust the level.
        assert!((0.5..=2.0).contains(&agc.gain_db()), "{}", agc.gain_db());
        voice(&mut agc, -26.0, 20);
        let settled = agc.gain_db();
        // A noise while nobody talks, and a fainter one believed to be talk: it is far below the voice.
        for (talking, dbm0) in [(false, -30.0), (true, -45.0)] {
            let mut noise = Oscillator::new(Tone::new(300.0, dbm0));
            for _ in 0..6_000 {
                let (mut samples, mut stream) = ([0; 80], [0; 80]);
                noise.fill(&mut samples);
                agc.process(talking, &mut samples, &mut stream);
            }
            assert_eq!(agc.gain_db(), settled);
        }
    }

    #[test]
    fn a_peak_is_never_clamped_by_the_gain() {
        let mut agc = Agc::default();
        voice(&mut agc, -30.0, 30);
        assert!(agc.gain_db() > 8.9);
        // A shout: full scale from one sample to the next.
        let (mut samples, mut stream) = ([0; 800], [0; 800]);
        Oscillator::new(Tone::new(500.0, 3.0)).fill(&mut samples);
        let said = samples;
        agc.process(true, &mut samples, &mut stream);
        let gains = samples.iter().zip(said).skip(80).filter(|(_, said)| *said != 0);
        let most = gains.map(|(&out, said)| f32::from(out) / f32::from(said)).fold(0.0, f32::max);
        assert!(most <= f32::from(i16::MAX) / 32_003.0, "a gain of {most} 10 ms after the shout began");
    }

    #[test]
    fn the_stream_gets_the_same_gain() {
        let mut agc = Agc::default();
        let (mut now, mut delayed) = (vec![0; 80_000], vec![0; 80_000]);
        Oscillator::new(Tone::new(500.0, -25.0)).fill(&mut now);
        delayed.copy_from_slice(&now);
        agc.process(true, &mut now, &mut delayed);
        assert_eq!(now, delayed);
        assert!((power_dbm0(&now[72_000..]) + 18.0).abs() < 0.3);
    }

    #[test]
    fn the_length_of_chunks_changes_nothing() {
        let mut said = vec![0; 40_000];
        Oscillator::new(Tone::new(700.0, -28.0)).fill(&mut said);
        let run = |chunk: usize| {
            let (mut agc, mut now, mut delayed) = (Agc::default(), said.clone(), said.clone());
            for (now, delayed) in now.chunks_mut(chunk).zip(delayed.chunks_mut(chunk)) {
                agc.process(true, now, delayed);
            }
            now
        };
        // The peak is looked for in each chunk, which makes no difference where nothing is near the clamp.
        assert_eq!(run(40), run(160));
        assert_eq!(run(37), run(80));
    }
}
