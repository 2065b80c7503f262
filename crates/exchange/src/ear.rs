//! What a caller hears: measured, searched for keys, recorded.
//!
//! Data path: linear samples of a call → here → recording, and [`Heard`] for whoever asks.
//! Time: samples.

use crate::wav::{Recording, SAMPLE_RATE};
use dsp::dtmf::{DtmfReceiver, KeyEvent};
use dsp::level::{SILENCE_DBM0, dbm0_of};

/// Keys that are kept of what was heard; later ones are counted only.
const KEYS_MAX: usize = 64;

/// Samples over which the level is measured (half a second).
const LEVEL_OVER: u32 = SAMPLE_RATE / 2;

/// What counts as sound rather than line noise, in dBm0.
const SOUND_DBM0: f32 = -45.0;

/// Where a recording goes.
#[derive(Default)]
pub enum Sink {
    /// Nowhere.
    #[default]
    None,
    /// Memory, up to so many samples; later ones are left out.
    Memory {
        /// What was heard so far.
        samples: Vec<i16>,
        /// Samples kept at most.
        at_most: usize,
    },
    /// A file.
    File(Recording),
}

impl Sink {
    /// Into memory, for tests and measurements: at most so many samples.
    #[must_use]
    pub fn memory(at_most: usize) -> Sink {
        Sink::Memory { samples: Vec::new(), at_most }
    }
}

/// What was heard so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Samples since the call was connected.
    pub samples: u64,
    /// Of these, samples of half seconds that were louder than -45 dBm0.
    pub sound_samples: u64,
    /// Level of the last full half second, in dBm0 (the lowest value there is before it).
    pub level_dbm0: f32,
    /// Highest level of any half second, in dBm0.
    pub loudest_dbm0: f32,
    /// Keys heard, the first 64.
    pub keys: String,
    /// All keys heard.
    pub key_count: u64,
    /// Why the recording stopped, if it did before its end.
    pub recording_error: Option<String>,
}

/// The hearing half of a caller.
pub struct Ear {
    heard: Heard,
    sink: Sink,
    keys: Option<DtmfReceiver>,
    energy: f64,
    measured: u32,
}

impl Ear {
    /// An ear that records into `sink`, and listens for keys if told to.
    #[must_use]
    pub fn new(sink: Sink, find_keys: bool) -> Ear {
        let heard = Heard { level_dbm0: SILENCE_DBM0, loudest_dbm0: SILENCE_DBM0, ..Heard::default() };
        Ear { heard, sink, keys: find_keys.then(DtmfReceiver::new), energy: 0.0, measured: 0 }
    }

    /// The next samples of the call.
    pub fn hear(&mut self, samples: &[i16]) {
        self.record(samples);
        self.measure(samples);
        let heard = &mut self.heard;
        heard.samples += samples.len() as u64;
        if let Some(receiver) = &mut self.keys {
            receiver.process(samples, &mut |event| {
                if let KeyEvent::Down { key, .. } = event {
                    heard.key_count += 1;
                    if heard.keys.len() < KEYS_MAX {
                        heard.keys.push(key.to_char());
                    }
                }
            });
        }
    }

    /// What was heard so far.
    #[must_use]
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// End the recording and say what was heard; with a memory sink, also every sample.
    #[must_use]
    pub fn close(mut self) -> (Heard, Vec<i16>) {
        match self.sink {
            Sink::None => (self.heard, Vec::new()),
            Sink::Memory { samples, .. } => (self.heard, samples),
            Sink::File(recording) => {
                if let Err(why) = recording.close() {
                    self.heard.recording_error = Some(why.to_string());
                }
                (self.heard, Vec::new())
            }
        }
    }

    fn record(&mut self, heard: &[i16]) {
        match &mut self.sink {
            Sink::None => {}
            Sink::Memory { samples, at_most } => {
                let room = at_most.saturating_sub(samples.len()).min(heard.len());
                samples.extend_from_slice(&heard[..room]);
            }
            Sink::File(recording) => {
                if let Err(why) = recording.write(heard) {
                    // The call is worth more than its recording: it goes on without.
                    log::warn!("exchange: recording {} stops: {why}", recording.path().display());
                    self.heard.recording_error = Some(why.to_string());
                    self.sink = Sink::None;
                }
            }
        }
    }

    fn measure(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min((LEVEL_OVER - self.measured) as usize));
            self.energy += now.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>();
            self.measured += now.len() as u32;
            if self.measured == LEVEL_OVER {
                let level = dbm0_of((self.energy / f64::from(LEVEL_OVER)) as f32);
                self.heard.level_dbm0 = level;
                self.heard.loudest_dbm0 = self.heard.loudest_dbm0.max(level);
                if level > SOUND_DBM0 {
                    self.heard.sound_samples += u64::from(LEVEL_OVER);
                }
                (self.energy, self.measured) = (0.0, 0);
            }
            samples = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::level::power_dbm0;
    use dsp::tones::{DtmfSequence, Oscillator, Tone};
    use std::io::Cursor;
    use std::path::Path;

    #[test]
    fn sound_is_measured_by_half_seconds() {
        let mut tone = vec![0; 8000];
        Oscillator::new(Tone::new(1004.0, -10.0)).fill(&mut tone[..4000]);
        let mut ear = Ear::new(Sink::None, false);
        for chunk in tone[..6000].chunks(80) {
            ear.hear(chunk);
        }
        assert!((ear.heard().level_dbm0 - power_dbm0(&tone[..4000])).abs() < 0.01, "{:?}", ear.heard());
        for chunk in tone[6000..].chunks(160) {
            ear.hear(chunk);
        }
        let (heard, _) = ear.close();
        assert_eq!((heard.samples, heard.sound_samples, heard.level_dbm0), (8000, 4000, SILENCE_DBM0));
        assert!((heard.loudest_dbm0 + 10.0).abs() < 0.1, "{heard:?}");
    }

    #[test]
    fn keys_are_written_down_and_beyond_a_bound_counted() {
        let digits = "159*0#".repeat(20);
        let mut keyed = vec![0; digits.len() * 100 * 8];
        DtmfSequence::new(&digits, 50, 50, -10.0).expect("keys").fill(&mut keyed);
        let mut ear = Ear::new(Sink::None, true);
        keyed.chunks(80).for_each(|chunk| ear.hear(chunk));
        assert_eq!(ear.heard().keys, digits[..KEYS_MAX]);
        assert_eq!(ear.heard().key_count, digits.len() as u64);
    }

    #[test]
    fn memory_is_bounded() {
        let mut ear = Ear::new(Sink::memory(100), false);
        ear.hear(&[1; 80]);
        ear.hear(&[2; 80]);
        let (heard, samples) = ear.close();
        assert_eq!(samples, [vec![1; 80], vec![2; 20]].concat());
        assert_eq!(heard.samples, 160);
    }

    #[test]
    fn a_full_disk_stops_the_recording_and_not_the_call() {
        let medium = Cursor::new(vec![0; 20_000].into_boxed_slice());
        let recording = Recording::on(Path::new("a.wav"), Box::new(medium)).expect("begins");
        let mut ear = Ear::new(Sink::File(recording), false);
        for _ in 0..200 {
            ear.hear(&[1; 80]);
        }
        assert!(ear.heard().recording_error.is_some(), "32000 octets went where 20000 fit");
        assert_eq!(ear.close().0.samples, 16_000, "the rest was heard");
    }
}
