//! What is listened to: recorded and synthetic voices, music, noise, the tones of exchanges.
//!
//! Everything is made or read when the test runs; nothing of it is in the repository but its own speech and prompts.
//! Data path: packages and synthesizers → [`recordings`] → [`Recording::vary`], at another speed, level and law each round.

use crate::{music, wav};
use dsp::g711::Law;
use dsp::tones::{Oscillator, Segment, Tone, ToneSequence};
use hw_tests::peers::{Package, Probe};
use hw_tests::sound::RECORDED_SPEECH;
use std::path::Path;
use std::process::Command;

const FLITE: Package = Package { name: "flite", probe: Probe::Program("flite") };
const ESPEAK: Package = Package { name: "espeak-ng", probe: Probe::Program("espeak-ng") };
/// What a machine needs for it.
pub const PACKAGES: [Package; 3] = [RECORDED_SPEECH, FLITE, ESPEAK];

/// What sort of sound it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    RecordedSpeech,
    SyntheticSpeech,
    Animals,
    Music,
    Tones,
    Noise,
}

impl Kind {
    pub fn is_speech(self) -> bool {
        matches!(self, Self::RecordedSpeech | Self::SyntheticSpeech)
    }
}

/// Sound as it was made.
#[derive(Debug)]
pub struct Recording {
    pub name: String,
    pub kind: Kind,
    /// Samples a second.
    pub rate: f64,
    pub samples: Vec<i16>,
}

/// Sound as it goes out on a line, 8 kHz.
#[derive(Debug)]
pub struct Varied {
    pub samples: Vec<i16>,
    pub round: u64,
    pub speed: f64,
    pub dbm0: f32,
    pub law: Law,
}

impl Recording {
    /// The recording at a speed (and so a pitch), a level and a law of its own in each round.
    pub fn vary(&self, round: u64) -> Varied {
        let mut random = Random::new(round.wrapping_mul(1_000_003) ^ self.name.bytes().map(u64::from).sum::<u64>());
        // The tones of exchanges stay what they are, nearly; a voice may be a child's or a giant's.
        let reach = if self.kind == Kind::Tones { 0.01 } else { 0.25 };
        let speed = if round == 0 { 1.0 } else { 1.0 - reach + 2.0 * reach * random.fraction() };
        let dbm0 = -35.0 + 25.0 * random.fraction() as f32;
        let law = if random.fraction() < 0.5 { Law::Mu } else { Law::A };
        Varied { samples: resampled(&self.samples, self.rate * speed / 8_000.0), round, speed, dbm0, law }
    }
}

/// All of it, some hours.
pub fn recordings() -> Vec<Recording> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut all = recorded();
    all.extend(spoken(folder.path()));
    all.extend((0..30).map(|seed| Recording {
        name: format!("music {seed}"),
        kind: Kind::Music,
        rate: 8_000.0,
        samples: music::piece(seed, 180 * 8_000),
    }));
    all.extend(tones());
    all.extend((0..6).map(|seed| Recording {
        name: format!("noise {seed}"),
        kind: Kind::Noise,
        rate: 8_000.0,
        samples: noise(seed, 120 * 8_000),
    }));
    all
}

fn recorded() -> Vec<Recording> {
    let package = Path::new("/usr/share/asterisk/sounds/en_US_f_Allison");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets");
    let mut files = vec![];
    let mut folders = vec![package.to_owned(), own];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("readable").path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "wav" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let from = |path: &Path| Recording {
        name: path.display().to_string(),
        // The monkeys of the package are the hardest of all.
        kind: if path.ends_with("tt-monkeys.wav") { Kind::Animals } else { Kind::RecordedSpeech },
        rate: 8_000.0,
        samples: read(path).1,
    };
    files.iter().map(|path| from(path)).collect()
}

/// Voices of synthesizers reading what there is to read here.
fn spoken(folder: &Path) -> Vec<Recording> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manual = std::fs::read_to_string(root.join("docs/MANUAL.md")).expect("the manual");
    let lecture = root.join("assets/speech/lecture.txt");
    let mut all = vec![];
    // A sixth of the manual each, some six minutes, each from a tenth further on.
    let part = manual.len() / 10;
    for (index, voice) in ESPEAK_VOICES.iter().enumerate() {
        let from = index * part % (manual.len() - 2 * part);
        let to = from + 7 * part / 4;
        let text = folder.join("part.txt");
        std::fs::write(&text, String::from_utf8_lossy(&manual.as_bytes()[from..to]).as_bytes()).expect("written");
        let file = folder.join("spoken.wav");
        run(Command::new("espeak-ng").args(["-v", voice, "-s", "165", "-f"]).arg(&text).arg("-w").arg(&file));
        all.push(read_any(&file, voice));
    }
    for voice in ["awb", "rms", "slt", "kal", "kal16"] {
        let file = folder.join("spoken.wav");
        run(Command::new("flite").args(["-voice", voice, "-f"]).arg(&lecture).arg("-o").arg(&file));
        all.push(read_any(&file, voice));
    }
    all
}

/// Men, women and machines, some with the accent of another language.
const ESPEAK_VOICES: [&str; 28] = [
    "en+m1",
    "en+m2",
    "en+m3",
    "en+m4",
    "en+m5",
    "en+m6",
    "en+m7",
    "en+f1",
    "en+f2",
    "en+f3",
    "en+f4",
    "en+f5",
    "en-us",
    "en-gb-scotland",
    "en+klatt",
    "en+klatt3",
    "en+croak",
    "en+whisper",
    "en+whisperf",
    "en+grandma",
    "en+robosoft",
    "de",
    "fr-fr",
    "es",
    "it+f2",
    "sv+f3",
    "pl+m3",
    "cmn",
];

fn run(command: &mut Command) {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}

fn read(file: &Path) -> (f64, Vec<i16>) {
    let octets = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    wav::read(&octets).unwrap_or_else(|| panic!("{}: no sound", file.display()))
}

fn read_any(file: &Path, voice: &str) -> Recording {
    let (rate, samples) = read(file);
    assert!(samples.len() > 10_000, "{voice} says nothing");
    Recording { name: format!("the voice {voice}"), kind: Kind::SyntheticSpeech, rate, samples }
}

/// What exchanges, facsimile machines and modems send.
fn tones() -> Vec<Recording> {
    let single = |hz: f32, ms: u32| Segment::single(Tone::new(hz, -13.0), ms);
    let dual = |one: f32, other: f32, ms: u32| Segment::dual(Tone::new(one, -16.0), Tone::new(other, -16.0), ms);
    let silence = Segment::silence;
    let sequences: [(&str, Vec<Segment>); 13] = [
        ("dial tone", vec![dual(350.0, 440.0, 3_000)]),
        ("dial tone of Europe", vec![single(425.0, 3_000)]),
        ("ringback", vec![dual(440.0, 480.0, 2_000), silence(4_000)]),
        ("busy", vec![dual(480.0, 620.0, 500), silence(500)]),
        ("congestion", vec![dual(480.0, 620.0, 250), silence(250)]),
        ("busy of Europe", vec![single(425.0, 500), silence(500)]),
        ("special information", vec![single(950.0, 330), single(1_400.0, 330), single(1_800.0, 330), silence(1_000)]),
        (
            "special information, lower",
            vec![single(913.8, 274), single(1_370.6, 274), single(1_776.7, 380), silence(900)],
        ),
        ("calling facsimile", vec![single(1_100.0, 500), silence(3_000)]),
        ("answering facsimile", vec![single(2_100.0, 3_000), silence(75)]),
        ("call waiting", vec![single(440.0, 300), silence(2_000)]),
        (
            "multi-frequency",
            vec![dual(700.0, 900.0, 68), silence(68), dual(1_100.0, 1_300.0, 68), dual(900.0, 1_500.0, 68)],
        ),
        ("howler", vec![dual(1_400.0, 2_060.0, 100), silence(100)]),
    ];
    let mut all: Vec<_> = sequences
        .into_iter()
        .map(|(name, segments)| {
            let mut samples = vec![0; 60 * 8_000];
            ToneSequence::repeated(&segments).fill(&mut samples);
            Recording { name: name.to_owned(), kind: Kind::Tones, rate: 8_000.0, samples }
        })
        .collect();
    let mut sweep = vec![0; 120 * 8_000];
    for (second, part) in sweep.chunks_mut(400).enumerate() {
        Oscillator::new(Tone::new(300.0 + 1.25 * second as f32, -13.0)).fill(part);
    }
    all.push(Recording { name: "sweep".into(), kind: Kind::Tones, rate: 8_000.0, samples: sweep });
    all
}

/// Noise: white, or the rougher the higher the seed.
fn noise(seed: u64, length: usize) -> Vec<i16> {
    let mut random = Random::new(seed + 77);
    let smooth = 0.15 * seed as f64;
    let mut last = 0.0;
    (0..length)
        .map(|_| {
            let white: f64 = (0..6).map(|_| random.fraction() - 0.5).sum();
            last = smooth * last + (1.0 - smooth) * white;
            (last * 8_000.0) as i16
        })
        .collect()
}

/// The samples at a rate `step` times lower, by windowed sinc.
fn resampled(samples: &[i16], step: f64) -> Vec<i16> {
    const HALF: usize = 12;
    const PHASES: usize = 64;
    // What the new rate cannot carry is taken out.
    let width = step.max(1.0);
    let reach = (HALF as f64 * width).ceil() as usize;
    let kernels: Vec<Vec<f32>> = (0..PHASES)
        .map(|phase| {
            let at = phase as f64 / PHASES as f64;
            let taps = (0..2 * reach).map(|tap| {
                let x = (tap as f64 - reach as f64 + 1.0 - at) / width;
                let window = (0.5 + 0.5 * (std::f64::consts::PI * x / HALF as f64).cos()).max(0.0);
                let sinc = if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
                (if x.abs() < HALF as f64 { sinc * window } else { 0.0 } / width) as f32
            });
            taps.collect()
        })
        .collect();
    if step == 1.0 {
        return samples.to_vec();
    }
    let count = (samples.len().saturating_sub(2 * reach + 1) as f64 / step) as usize;
    (0..count)
        .map(|n| {
            let at = n as f64 * step;
            let (whole, phase) = (at as usize, (at.fract() * PHASES as f64) as usize);
            let sum: f32 = samples[whole..whole + 2 * reach]
                .iter()
                .zip(&kernels[phase])
                .map(|(&sample, &weight)| f32::from(sample) * weight)
                .sum();
            sum.clamp(-32_000.0, 32_000.0) as i16
        })
        .collect()
}

/// A small generator that gives the same numbers everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to `limit` - 1.
    pub fn up_to(&mut self, limit: usize) -> usize {
        ((self.fraction() * limit as f64) as usize).min(limit.saturating_sub(1))
    }
}
