//! Tone generators: DTMF, entry and exit tones, milliwatt; those of exchanges are in [`crate::signals`].
//!
//! Data path: nothing → here → samples for a timeslot or a conference.
//! Time: counted in samples.
//! Source: ITU-T Q.23 (DTMF), O.6 for the 1004 Hz test tone.

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
    /// Segment being played.
    current: usize,
    voice: Voice,
}

impl ToneSequence {
    /// Most segments a sequence can have; more are left out.
    pub const MAX_SEGMENTS: usize = 8;

    /// A sequence that plays once. Segments of no length are left out.
    #[must_use]
    pub fn once(segments: &[Segment]) -> Self {
        let mut own = [Segment::silence(0); Self::MAX_SEGMENTS];
        let mut count = 0;
        for segment in segments.iter().filter(|segment| segment.samples > 0).take(Self::MAX_SEGMENTS) {
            own[count] = *segment;
            count += 1;
        }
        Self { segments: own, count, repeat: false, current: 0, voice: Voice::new(own[0]) }
    }

    /// A sequence that begins again when it is over.
    #[must_use]
    pub fn repeated(segments: &[Segment]) -> Self {
        Self { repeat: true, ..Self::once(segments) }
    }

    /// The tone that says somebody came in: two short rising notes, a fourth apart.
    ///
    /// Single tones below the lowest frequency of DTMF cannot make up a key.
    #[must_use]
    pub fn entry() -> Self {
        Self::once(&[Segment::single(LOW_NOTE, 110), Segment::single(HIGH_NOTE, 160)])
    }

    /// The tone that says somebody left: the notes of [`ToneSequence::entry`] falling.
    #[must_use]
    pub fn exit() -> Self {
        Self::once(&[Segment::single(HIGH_NOTE, 110), Segment::single(LOW_NOTE, 160)])
    }

    /// The tone that says somebody waits to be let in: the low note twice, as a knock.
    #[must_use]
    pub fn knock() -> Self {
        Self::once(&[Segment::single(LOW_NOTE, 80), Segment::silence(80), Segment::single(LOW_NOTE, 80)])
    }

    /// The tone after which something is recorded: the high note, for a third of a second.
    #[must_use]
    pub fn record() -> Self {
        Self::once(&[Segment::single(HIGH_NOTE, 330)])
    }

    /// Fills a chunk with what comes next and silence once the sequence is over; returns how many samples
    /// belonged to the sequence.
    pub fn fill(&mut self, out: &mut [i16]) -> usize {
        out.fill(0);
        self.add(out)
    }

    /// Adds what comes next to a chunk, clamping; returns how many samples belonged to the sequence.
    pub fn add(&mut self, out: &mut [i16]) -> usize {
        let mut done = 0;
        while done < out.len() && !self.is_finished() {
            done += self.voice.add(&mut out[done..]);
            if self.voice.is_finished() {
                self.current += 1;
                if self.repeat && self.current == self.count {
                    self.current = 0;
                }
                if self.current < self.count {
                    self.voice = Voice::new(self.segments[self.current]);
                }
            }
        }
        done
    }

    /// Whether everything was played. A repeated sequence finishes only if it has no segment.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.current >= self.count
    }
}

/// Concert A, below the lowest row frequency of DTMF.
const LOW_NOTE: Tone = Tone::new(440.0, -22.0);
/// The D above it, still more than a tenth below the lowest row frequency (697 Hz).
const HIGH_NOTE: Tone = Tone::new(587.33, -22.0);

/// One segment being played, with raised-cosine edges.
#[derive(Debug, Clone)]
struct Voice {
    oscillators: [Option<Oscillator>; 2],
    samples: u32,
    played: u32,
}

impl Voice {
    fn new(segment: Segment) -> Self {
        Self { oscillators: segment.tones.map(|tone| tone.map(Oscillator::new)), samples: segment.samples, played: 0 }
    }

    fn is_finished(&self) -> bool {
        self.played >= self.samples
    }

    fn add(&mut self, out: &mut [i16]) -> usize {
        let count = out.len().min((self.samples - self.played) as usize);
        for sample in &mut out[..count] {
            let sound: f32 = self.oscillators.iter_mut().flatten().map(Oscillator::next_sample).sum();
            let edge = edge_gain(self.played.min(self.samples - 1 - self.played));
            // Clamped once, where float becomes integer.
            *sample = (f32::from(*sample) + sound * edge).round() as i16;
            self.played += 1;
        }
        count
    }
}

/// Raised cosine over [`EDGE`] samples, counted from the nearer end of a segment.
fn edge_gain(from_end: u32) -> f32 {
    if from_end >= EDGE {
        return 1.0;
    }
    let angle = std::f32::consts::PI * (from_end as f32 + 0.5) / EDGE as f32;
    0.5 - 0.5 * angle.cos()
}

/// Length of an edge: 2 ms. Long enough not to click, short enough for 40 ms of DTMF.
const EDGE: u32 = samples_in_ms(2);

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
    on: u32,
    off: u32,
    level_dbm0: f32,
    twist_db: f32,
    stretch: f32,
    /// Next key to begin.
    next: usize,
    voice: Voice,
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
        Ok(Self {
            keys: keys?,
            on: samples_in_ms(on_ms),
            off: samples_in_ms(off_ms),
            level_dbm0,
            twist_db: 0.0,
            stretch: 1.0,
            next: 0,
            voice: Voice::new(Segment::silence(0)),
        })
    }

    /// Makes the high group louder (positive) or quieter than the low group by so many dB; the louder one keeps
    /// its level.
    #[must_use]
    pub fn with_twist(self, db: f32) -> Self {
        Self { twist_db: db, ..self }
    }

    /// Shifts both frequencies by so many per cent.
    #[must_use]
    pub fn with_frequency_error(self, percent: f32) -> Self {
        Self { stretch: 1.0 + percent / 100.0, ..self }
    }

    /// Fills a chunk with what comes next and silence once all keys were sent; returns how many samples
    /// belonged to the sequence.
    pub fn fill(&mut self, out: &mut [i16]) -> usize {
        out.fill(0);
        self.add(out)
    }

    /// Adds what comes next to a chunk, clamping; returns how many samples belonged to the sequence.
    pub fn add(&mut self, out: &mut [i16]) -> usize {
        let mut done = 0;
        while done < out.len() && !self.is_finished() {
            if self.voice.is_finished() {
                self.voice = self.step();
            }
            done += self.voice.add(&mut out[done..]);
        }
        done
    }

    /// Whether all keys were sent, the last pause included.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.voice.is_finished() && self.next >= 2 * self.keys.len()
    }

    /// Length of the whole sequence in samples.
    #[must_use]
    pub fn len_samples(&self) -> u64 {
        self.keys.len() as u64 * (u64::from(self.on) + u64::from(self.off))
    }

    /// The next tone (even steps) or pause (odd ones).
    fn step(&mut self) -> Voice {
        let step = self.next;
        self.next += 1;
        if step % 2 == 1 {
            return Voice::new(Segment { tones: [None, None], samples: self.off });
        }
        let (low, high) = self.keys[step / 2].frequencies();
        let low = Tone::new(low * self.stretch, self.level_dbm0 - self.twist_db.max(0.0));
        let high = Tone::new(high * self.stretch, self.level_dbm0 + self.twist_db.min(0.0));
        Voice::new(Segment { tones: [Some(low), Some(high)], samples: self.on })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::power_dbm0;

    /// Level of one frequency in a recording, in dBm0.
    fn level_at(samples: &[i16], hz: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &sample) in samples.iter().enumerate() {
            let angle = std::f64::consts::TAU * hz * n as f64 / f64::from(SAMPLE_RATE);
            re += f64::from(sample) * angle.cos();
            im += f64::from(sample) * angle.sin();
        }
        let peak = 2.0 * re.hypot(im) / samples.len() as f64;
        20.0 * (peak / f64::from(peak_of(0.0))).log10()
    }

    #[test]
    fn the_milliwatt_is_one() {
        let mut samples = vec![0; 8_000];
        Oscillator::milliwatt().fill(&mut samples);
        assert!(power_dbm0(&samples).abs() < 0.01);
        assert!(level_at(&samples, 1_004.0).abs() < 0.01);
        assert!(level_at(&samples, 1_000.0) < -40.0);
    }

    #[test]
    fn keys_have_their_frequencies_levels_and_times() {
        for key in Key::ALL {
            let (low, high) = key.frequencies();
            let mut sequence = DtmfSequence::new(&key.to_string(), 100, 50, -12.0).unwrap();
            assert_eq!(sequence.len_samples(), 1_200);
            let mut samples = vec![1; 2_000];
            assert_eq!(sequence.fill(&mut samples), 1_200);
            assert!(sequence.is_finished());
            for hz in [low, high] {
                assert!((level_at(&samples[16..784], f64::from(hz)) + 12.0).abs() < 0.5, "{key} at {hz} Hz");
            }
            assert!(samples[800..].iter().all(|&sample| sample == 0));
        }
    }

    #[test]
    fn twist_lowers_the_weaker_group() {
        for (db, low_dbm0, high_dbm0) in [(3.0, -13.0, -10.0), (-6.0, -10.0, -16.0)] {
            let mut samples = vec![0; 1_600];
            DtmfSequence::new("1", 200, 0, -10.0).unwrap().with_twist(db).fill(&mut samples);
            assert!((level_at(&samples[16..1_584], 697.0) - low_dbm0).abs() < 0.3);
            assert!((level_at(&samples[16..1_584], 1_209.0) - high_dbm0).abs() < 0.3);
        }
    }

    #[test]
    fn every_edge_is_soft() {
        let mut samples = vec![0; 12_000];
        ToneSequence::entry().add(&mut samples[2_000..]);
        ToneSequence::exit().add(&mut samples[7_000..]);
        let steps = samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
        // The steepest step of a sine wave of the higher note; an edge adds nothing to it.
        let steepest = peak_of(HIGH_NOTE.dbm0) * (std::f32::consts::TAU * HIGH_NOTE.hz / SAMPLE_RATE as f32);
        assert!(steps <= Some(steepest as i32 + 2), "{steps:?} against {steepest}");
    }

    #[test]
    fn sequences_end_or_begin_again() {
        let mut out = [0; 2_500];
        let mut entry = ToneSequence::entry();
        assert_eq!((entry.fill(&mut out), entry.is_finished()), (2_160, true));
        assert_eq!(entry.fill(&mut out), 0);
        let on = Segment::dual(Tone::new(480.0, -24.0), Tone::new(620.0, -24.0), 500);
        let mut busy = ToneSequence::repeated(&[on, Segment::silence(500)]);
        let mut long = vec![0; 16_000];
        assert_eq!((busy.fill(&mut long), busy.is_finished()), (16_000, false));
        assert_eq!(power_dbm0(&long[4_000..8_000]), crate::level::SILENCE_DBM0);
        assert!((power_dbm0(&long[8_000..12_000]) + 21.0).abs() < 0.2, "two tones of -24 dBm0 are -21 dBm0");
    }

    #[test]
    fn nothing_to_play_is_over_at_once() {
        let mut out = [5; 10];
        for mut sequence in [ToneSequence::once(&[]), ToneSequence::repeated(&[Segment::silence(0)])] {
            assert!(sequence.is_finished());
            assert_eq!(sequence.fill(&mut out), 0);
        }
        for mut keys in [DtmfSequence::new("", 40, 40, 0.0), DtmfSequence::new("123", 0, 0, 0.0)].map(Result::unwrap) {
            assert_eq!(keys.fill(&mut out), 0);
            assert!(keys.is_finished());
        }
        assert_eq!(out, [0; 10]);
    }

    #[test]
    fn what_is_no_key_is_named() {
        assert_eq!(DtmfSequence::new("12e4", 40, 40, 0.0).unwrap_err(), NotAKey('e'));
        assert!(DtmfSequence::new("0123456789*#abcdABCD", 40, 40, 0.0).is_ok());
    }

    #[test]
    fn loud_sums_are_clamped() {
        let mut out = [i16::MAX; 160];
        let loud = Segment::dual(Tone::new(500.0, 3.0), Tone::new(510.0, 3.0), 20);
        ToneSequence::once(&[loud]).add(&mut out);
        assert!(out.contains(&i16::MAX));
    }
}
