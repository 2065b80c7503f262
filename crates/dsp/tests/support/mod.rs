//! Material for the tests: lines with noise, keys on them, and what a receiver makes of it.
#![allow(dead_code, reason = "each test file uses its share")]

mod wav;

use dsp::dtmf::{DtmfReceiver, KeyEvent};
use dsp::g711::{Law, decode, encode};
use dsp::level::mean_square_of;
use dsp::tones::{DtmfSequence, Oscillator, Tone};

/// All keys, for sequences.
pub const ALL_KEYS: &str = "123A456B789C*0#D";

/// Silence before the first key, in samples.
pub const LEAD: usize = 3_000;

/// Keys on a line, as they were sent.
#[derive(Debug, Clone)]
pub struct Line {
    pub keys: DtmfSequence,
    pub noise_dbm0: Option<f32>,
    pub background: Vec<Tone>,
    pub law: Option<Law>,
    pub seed: u64,
}

impl Line {
    pub fn new(digits: &str, on_ms: u32, off_ms: u32, level_dbm0: f32) -> Self {
        let keys = DtmfSequence::new(digits, on_ms, off_ms, level_dbm0).unwrap();
        Self { keys, noise_dbm0: None, background: vec![], law: Some(Law::Mu), seed: 1 }
    }

    pub fn twist(self, db: f32) -> Self {
        Self { keys: self.keys.with_twist(db), ..self }
    }

    pub fn off_by(self, percent: f32) -> Self {
        Self { keys: self.keys.with_frequency_error(percent), ..self }
    }

    pub fn noise(self, dbm0: f32, seed: u64) -> Self {
        Self { noise_dbm0: Some(dbm0), seed, ..self }
    }

    /// The samples as they come off the line: [`LEAD`], the keys, and a quarter of a second more.
    pub fn samples(mut self) -> Vec<i16> {
        let length = self.keys.len_samples() as usize;
        let mut samples = vec![0; LEAD + length + 2_000];
        self.keys.fill(&mut samples[LEAD..LEAD + length]);
        for tone in self.background {
            let mut oscillator = Oscillator::new(tone);
            for sample in &mut samples {
                *sample = sample.saturating_add(oscillator.next_sample().round() as i16);
            }
        }
        if let Some(dbm0) = self.noise_dbm0 {
            add_noise(&mut samples, dbm0, self.seed);
        }
        if let Some(law) = self.law {
            let mut octets = vec![0; samples.len()];
            encode(law, &samples, &mut octets);
            decode(law, &octets, &mut samples);
        }
        samples
    }
}

/// Adds white noise, near enough Gaussian: the sum of twelve even ones.
pub fn add_noise(samples: &mut [i16], dbm0: f32, seed: u64) {
    let deviation = mean_square_of(dbm0).sqrt();
    let mut random = Random::new(seed);
    for sample in samples {
        let sum: f32 = (0..12).map(|_| random.fraction()).sum();
        *sample = sample.saturating_add(((sum - 6.0) * deviation).round() as i16);
    }
}

/// A small generator that gives the same numbers everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn fraction(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn up_to(&mut self, limit: usize) -> usize {
        ((self.fraction() * limit as f32) as usize).min(limit.saturating_sub(1))
    }
}

/// Everything a receiver says about a recording.
pub fn events(samples: &[i16]) -> Vec<KeyEvent> {
    let mut events = vec![];
    DtmfReceiver::new().process(samples, &mut |event| events.push(event));
    events
}

/// The keys a receiver finds in a recording.
pub fn keys(samples: &[i16]) -> String {
    keys_of(&events(samples))
}

pub fn keys_of(events: &[KeyEvent]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            KeyEvent::Down { key, .. } => Some(key.to_char()),
            KeyEvent::Up { .. } => None,
        })
        .collect()
}

/// The speech and the English prompts of the repository, with their names.
pub fn speech() -> Vec<(String, Vec<i16>)> {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let assets = here.ancestors().map(|folder| folder.join("assets")).find(|folder| folder.is_dir()).expect("assets");
    let mut files = vec![];
    let mut folders = vec![assets.join("speech"), assets.join("prompts/en")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "wav") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let (rate, samples) = wav::read(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(rate, 8_000.0, "{}", path.display());
            (path.display().to_string(), samples)
        })
        .collect()
}
