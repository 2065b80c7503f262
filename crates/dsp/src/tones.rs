//! Tone generators: DTMF, entry and exit tones, call progress, milliwatt.
//!
//! Data path: nothing → here → samples for a timeslot or a conference.
//! Time: counted in samples.
//! Source: ITU-T Q.23 (DTMF), E.180 and E.182 (call progress), O.6 for the 1004 Hz test tone.

use crate::dtmf::Key;
use crate::level::peak_of;
use crate::{SAMPLE_RATE, samples_in_ms};

/// One frequency at one level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// Frequency in Hz.
    pub hz: f32,
    /// Level in dBm0.
    pub dbm0: f32,
}

impl Tone {
    /// A tone.
    #[must_use]
    pub const fn new(hz: f32, dbm0: f32) -> Self {
        Self { hz, dbm0 }
    }
}

/// A continuous sine wave.
#[derive(Debug, Clone)]
pub struct Oscillator {
    phase: f64,
    step: f64,
    peak: f32,
}

impl Oscillator {
    /// An oscillator that begins at phase zero.
    #[must_use]
    pub fn new(tone: Tone) -> Self {
        Self { phase: 0.0, step: f64::from(tone.hz) / f64::from(SAMPLE_RATE), peak: peak_of(tone.dbm0) }
    }

    /// The 1004 Hz test tone at 0 dBm0: frequency off a submultiple of the sampling rate.
    #[must_use]
    pub fn milliwatt() -> Self {
        Self::new(Tone::new(1_004.0, 0.0))
    }

    /// The next sample, not clamped.
    pub fn next_sample(&mut self) -> f32 {
        let value = (self.phase * std::f64::consts::TAU).sin() as f32 * self.peak;
        self.phase += self.step;
        self.phase -= self.phase.floor();
        value
    }

    /// Fills a chunk.
    pub fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            *sample = self.next_sample().round() as i16;
        }
    }
}

/// A stretch of sound or silence in a [`ToneSequence`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Up to two tones sounded together; none is silence.
    pub tones: [Option<Tone>; 2],
    /// Length in samples.
    pub samples: u32,
}

impl Segment {
    /// Silence for some milliseconds.
    #[must_use]
    pub const fn silence(ms: u32) -> Self {
        Self { tones: [None, None], samples: samples_in_ms(ms) }
    }

    /// One tone for some milliseconds.
    #[must_use]
    pub const fn single(tone: Tone, ms: u32) -> Self {
        Self { tones: [Some(tone), None], samples: samples_in_ms(ms) }
    }

    /// Two tones together for some milliseconds.
    #[must_use]
    pub const fn dual(one: Tone, other: Tone, ms: u32) -> Self {
        Self { tones: [Some(one), Some(other)], samples: samples_in_ms(ms) }
    }
}

/// A sequence of tones and silences, once or for ever.
#[derive(Debug, Clone)]
pub struct ToneSequence {
    segments: [Segment; Self::MAX_SEGMENTS],
    count: usize,
    repeat: bool,
}

impl ToneSequence {
    /// Most segments a sequence can have; more are left out.
    pub const MAX_SEGMENTS: usize = 8;

    /// A sequence that plays once.
    #[must_use]
    pub fn once(segments: &[Segment]) -> Self {
        let mut own = [Segment::silence(0); Self::MAX_SEGMENTS];
        let count = segments.len().min(Self::MAX_SEGMENTS);
        own[..count].copy_from_slice(&segments[..count]);
        Self { segments: own, count, repeat: false }
    }

    /// A sequence that begins again when it is over.
    #[must_use]
    pub fn repeated(segments: &[Segment]) -> Self {
        Self { repeat: true, ..Self::once(segments) }
    }

    /// The tone that says somebody came in: two short rising notes.
    #[must_use]
    pub fn entry() -> Self {
        Self::once(&[])
    }

    /// The tone that says somebody left: two short falling notes.
    #[must_use]
    pub fn exit() -> Self {
        Self::once(&[])
    }

    /// Ringback of North America (440 + 480 Hz, 2 s on, 4 s off), for ever.
    #[must_use]
    pub fn ringback() -> Self {
        Self::repeated(&[])
    }

    /// Fills a chunk with what comes next and silence once the sequence is over; returns how many samples
    /// belonged to the sequence.
    pub fn fill(&mut self, out: &mut [i16]) -> usize {
        out.fill(0);
        self.add(out)
    }

    /// Adds what comes next to a chunk, clamping; returns how many samples belonged to the sequence.
    pub fn add(&mut self, out: &mut [i16]) -> usize {
        let _ = (out, self.segments, self.count, self.repeat);
        0
    }

    /// Whether everything was played. A repeated sequence never finishes.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.repeat
    }
}

/// A string that is not made of telephone keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAKey(pub char);

impl std::fmt::Display for NotAKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not a key of a telephone (0-9, *, #, A-D)", self.0)
    }
}

impl std::error::Error for NotAKey {}

/// Keys pressed one after another.
#[derive(Debug, Clone)]
pub struct DtmfSequence {
    keys: Box<[Key]>,
}

impl DtmfSequence {
    /// The keys of `digits` with `on_ms` of tone and `off_ms` of silence each, `level_dbm0` per tone.
    ///
    /// # Errors
    ///
    /// The first character that is not a key.
    pub fn new(digits: &str, on_ms: u32, off_ms: u32, level_dbm0: f32) -> Result<Self, NotAKey> {
        let keys: Result<Box<[Key]>, NotAKey> =
            digits.chars().map(|character| Key::from_char(character).ok_or(NotAKey(character))).collect();
        let _ = (on_ms, off_ms, level_dbm0);
        Ok(Self { keys: keys? })
    }

    /// Makes the high group louder (positive) or quieter than the low group by so many dB; the low group keeps its level.
    #[must_use]
    pub fn with_twist(self, db: f32) -> Self {
        let _ = db;
        self
    }

    /// Shifts both frequencies by so many per cent.
    #[must_use]
    pub fn with_frequency_error(self, percent: f32) -> Self {
        let _ = percent;
        self
    }

    /// Fills a chunk with what comes next and silence once all keys were sent; returns how many samples
    /// belonged to the sequence.
    pub fn fill(&mut self, out: &mut [i16]) -> usize {
        out.fill(0);
        let _ = &self.keys;
        0
    }

    /// Whether all keys were sent, the last pause included.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        true
    }

    /// Length of the whole sequence in samples.
    #[must_use]
    pub fn len_samples(&self) -> u64 {
        0
    }
}
