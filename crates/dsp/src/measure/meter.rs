//! Level, frequency and noise of what a timeslot brings.
//!
//! The samples are taken in overlapping blocks, shaped by a Hann window and turned into a spectrum; the spectra of a
//! reading are added up. A tone shows as its strongest place with the neighbours the window gives it; noise is weighted
//! place by place.
//!
//! Data path: samples → blocks → power at each frequency → [`Reading`].
//! Time: counted in samples; a reading wants 1,024 and gets steadier with more: a second is good.
//! Source: IEEE 743 (C-message), ITU-T O.41 table 1 (psophometric), IEEE 743 for the notch around the test tone.

use crate::SAMPLE_RATE;
use crate::level::dbm0_of;
use std::f64::consts::TAU;
use std::sync::LazyLock;

/// Samples of a block.
const BLOCK: usize = 1_024;
/// Samples from one block to the next.
const STEP: usize = BLOCK / 2;
/// Places of the spectrum, from nothing to half the sampling rate.
const PLACES: usize = BLOCK / 2 + 1;
/// Places on each side that belong to a tone: the window's main lobe and its first side lobes.
const NEIGHBOURS: usize = 4;
/// Hz from one place to the next.
const SPACING: f64 = SAMPLE_RATE as f64 / BLOCK as f64;

/// What a meter shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Level of everything but direct current, in dBm0, unweighted.
    pub level_dbm0: f32,
    /// Frequency of the strongest tone, in Hz.
    pub tone_hz: f32,
    /// Level of the strongest tone, in dBm0.
    pub tone_dbm0: f32,
    /// Level of all the rest, in dBm0: harmonics, quantising, noise.
    pub rest_dbm0: f32,
    /// Noise weighted by C-message, in dBrnC0.
    pub noise_dbrnc0: f32,
    /// The same with the strongest tone taken out: noise with tone.
    pub notched_dbrnc0: f32,
    /// Noise weighted psophometrically, in dBm0p.
    pub noise_dbm0p: f32,
    /// Samples measured.
    pub samples: u64,
}

impl Reading {
    /// How far the strongest tone is above the rest, in dB: signal to total distortion.
    #[must_use]
    pub fn tone_to_rest_db(&self) -> f32 {
        self.tone_dbm0 - self.rest_dbm0
    }
}

/// Measures what it is given until it is read.
#[derive(Debug, Clone)]
pub struct Meter {
    block: Box<[f32; BLOCK]>,
    filled: usize,
    power: Box<[f64; PLACES]>,
    work: Box<[(f32, f32); BLOCK]>,
    blocks: u32,
    samples: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl Meter {
    /// A meter that has heard nothing yet. Its memory is taken here.
    #[must_use]
    pub fn new() -> Self {
        LazyLock::force(&TABLES);
        Self {
            block: Box::new([0.0; BLOCK]),
            filled: 0,
            power: Box::new([0.0; PLACES]),
            work: Box::new([(0.0, 0.0); BLOCK]),
            blocks: 0,
            samples: 0,
        }
    }

    /// Listens to a chunk of any length.
    pub fn process(&mut self, samples: &[i16]) {
        self.samples += samples.len() as u64;
        for &sample in samples {
            self.block[self.filled] = f32::from(sample);
            self.filled += 1;
            if self.filled == BLOCK {
                self.add_block();
                self.block.copy_within(STEP.., 0);
                self.filled = BLOCK - STEP;
            }
        }
    }

    /// What was heard since the last reading, which this ends; nothing before a whole block was heard.
    pub fn read(&mut self) -> Option<Reading> {
        if self.blocks == 0 {
            return None;
        }
        let scale = 1.0 / f64::from(self.blocks);
        let power = |range: std::ops::Range<usize>, weight: &dyn Fn(usize) -> f64| -> f64 {
            range.map(|place| self.power[place] * scale * weight(place)).sum()
        };
        // The first places are direct current and what the window makes of it.
        let all = 2..PLACES;
        let peak =
            (2..PLACES - 1).fold(2, |best, place| if self.power[place] > self.power[best] { place } else { best });
        let tone = peak.saturating_sub(NEIGHBOURS).max(2)..(peak + NEIGHBOURS + 1).min(PLACES);
        let flat = |_: usize| 1.0;
        let (c_message, psophometric) = (&TABLES.c_message, &TABLES.psophometric);
        let level = power(all.clone(), &flat);
        let tone_power = power(tone.clone(), &flat);
        let c = power(all.clone(), &|place| c_message[place]);
        let c_of_tone = power(tone, &|place| c_message[place]);
        let reading = Reading {
            level_dbm0: dbm0_of(level as f32),
            tone_hz: self.frequency(peak),
            tone_dbm0: dbm0_of(tone_power as f32),
            rest_dbm0: dbm0_of((level - tone_power).max(0.0) as f32),
            noise_dbrnc0: dbm0_of(c as f32) + 90.0,
            notched_dbrnc0: dbm0_of((c - c_of_tone).max(0.0) as f32) + 90.0,
            noise_dbm0p: dbm0_of(power(all, &|place| psophometric[place]) as f32),
            samples: self.samples,
        };
        self.power.fill(0.0);
        (self.blocks, self.samples) = (0, 0);
        Some(reading)
    }

    /// Where a tone lies between its two strongest places: the Hann window has a closed form for it.
    fn frequency(&self, peak: usize) -> f32 {
        let amplitude = |place: usize| self.power[place].sqrt();
        let (below, at, above) = (amplitude(peak - 1), amplitude(peak), amplitude(peak + 1));
        if at == 0.0 {
            return 0.0;
        }
        let shift = if above >= below { (2.0 * above - at) / (above + at) } else { -(2.0 * below - at) / (below + at) };
        ((peak as f64 + shift) * SPACING) as f32
    }

    fn add_block(&mut self) {
        let tables = &*TABLES;
        for ((work, sample), window) in self.work.iter_mut().zip(self.block.iter()).zip(&tables.window) {
            *work = (sample * window, 0.0);
        }
        transform(&mut self.work, &tables.turns);
        // Parseval: both halves of the spectrum, over the energy of the window.
        for (place, (power, (re, im))) in self.power.iter_mut().zip(self.work.iter()).enumerate() {
            let halves = if place == 0 || place == PLACES - 1 { 1.0 } else { 2.0 };
            *power += f64::from(re * re + im * im) * halves * tables.scale;
        }
        self.blocks += 1;
    }
}

/// The fast Fourier transform, in place: bit reversal, then butterflies of growing size.
fn transform(values: &mut [(f32, f32); BLOCK], turns: &[(f32, f32); BLOCK / 2]) {
    for at in 0..BLOCK {
        let other = at.reverse_bits() >> (usize::BITS - BLOCK.ilog2());
        if at < other {
            values.swap(at, other);
        }
    }
    let mut half = 1;
    while half < BLOCK {
        for start in (0..BLOCK).step_by(2 * half) {
            for at in 0..half {
                let (cos, sin) = turns[at * (BLOCK / 2 / half)];
                let (one, other) = (values[start + at], values[start + at + half]);
                let turned = (other.0 * cos - other.1 * sin, other.0 * sin + other.1 * cos);
                values[start + at] = (one.0 + turned.0, one.1 + turned.1);
                values[start + at + half] = (one.0 - turned.0, one.1 - turned.1);
            }
        }
        half *= 2;
    }
}

#[derive(Debug)]
struct Tables {
    window: [f32; BLOCK],
    turns: [(f32, f32); BLOCK / 2],
    /// From squared magnitude to mean square.
    scale: f64,
    /// Weight of the power at each place.
    c_message: [f64; PLACES],
    psophometric: [f64; PLACES],
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let hann = |at: usize| 0.5 - 0.5 * (TAU * at as f64 / BLOCK as f64).cos();
    let energy: f64 = (0..BLOCK).map(|at| hann(at) * hann(at)).sum();
    let angle = |at: usize| -TAU * at as f64 / BLOCK as f64;
    Tables {
        window: std::array::from_fn(|at| hann(at) as f32),
        turns: std::array::from_fn(|at| (angle(at).cos() as f32, angle(at).sin() as f32)),
        scale: 1.0 / (energy * BLOCK as f64),
        c_message: std::array::from_fn(|place| weight(&C_MESSAGE, place)),
        psophometric: std::array::from_fn(|place| weight(&PSOPHOMETRIC, place)),
    }
});

/// The weight of a place: decibels between two frequencies of the table are on a straight line.
fn weight(table: &[(f64, f64)], place: usize) -> f64 {
    let hz = place as f64 * SPACING;
    let above = table.partition_point(|(at, _)| *at < hz).clamp(1, table.len() - 1);
    let ((from, low), (to, high)) = (table[above - 1], table[above]);
    let db = low + (high - low) * ((hz.max(from) - from) / (to - from)).min(1.0);
    10f64.powf(db / 10.0)
}

/// IEEE 743: C-message weighting, Hz and dB.
const C_MESSAGE: [(f64, f64); 21] = [
    (60.0, -55.7),
    (100.0, -42.5),
    (200.0, -25.1),
    (300.0, -16.3),
    (400.0, -11.2),
    (500.0, -7.7),
    (600.0, -5.0),
    (700.0, -2.8),
    (800.0, -1.3),
    (900.0, -0.3),
    (1_000.0, 0.0),
    (1_200.0, -0.4),
    (1_300.0, -0.7),
    (1_500.0, -1.2),
    (1_800.0, -1.3),
    (2_000.0, -1.1),
    (2_500.0, -1.1),
    (2_800.0, -2.0),
    (3_000.0, -3.0),
    (3_500.0, -7.1),
    (4_000.0, -14.6),
];

/// O.41 table 1: telephone circuit psophometer, Hz and dB.
const PSOPHOMETRIC: [(f64, f64); 20] = [
    (50.0, -63.0),
    (100.0, -41.0),
    (200.0, -21.0),
    (300.0, -10.6),
    (400.0, -6.3),
    (500.0, -3.6),
    (600.0, -2.0),
    (700.0, -0.9),
    (800.0, 0.0),
    (900.0, 0.6),
    (1_000.0, 1.0),
    (1_200.0, 0.0),
    (1_400.0, -0.9),
    (1_600.0, -1.7),
    (1_800.0, -2.4),
    (2_000.0, -3.0),
    (2_500.0, -4.2),
    (3_000.0, -5.6),
    (3_500.0, -8.5),
    (4_000.0, -15.0),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::{Law, decode, encode};
    use crate::level::{SILENCE_DBM0, mean_square_of};
    use crate::measure::{MILLIWATT_MU, milliwatt};
    use crate::tones::{Oscillator, Tone};

    fn reading(samples: &[i16]) -> Reading {
        let mut meter = Meter::new();
        samples.chunks(80).for_each(|chunk| meter.process(chunk));
        meter.read().expect("more than a block")
    }

    fn tone(hz: f32, dbm0: f32) -> Vec<i16> {
        let mut samples = vec![0; 8_000];
        Oscillator::new(Tone::new(hz, dbm0)).fill(&mut samples);
        samples
    }

    fn noise(dbm0: f32) -> Vec<i16> {
        let mut state = 1_u32;
        let peak = (3.0 * mean_square_of(dbm0)).sqrt();
        let mut even = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
        };
        (0..80_000).map(|_| (even() * peak).round() as i16).collect()
    }

    #[test]
    fn tones_read_their_level_and_frequency_wherever_they_are() {
        for hz in [204.0, 404.0, 1_000.0, 1_004.0, 1_007.8, 1_011.7, 2_804.0, 3_333.3] {
            for dbm0 in [0.0, -13.0, -40.0] {
                let reading = reading(&tone(hz, dbm0));
                assert!((reading.tone_dbm0 - dbm0).abs() < 0.02, "{hz} Hz {dbm0} dBm0: {reading:?}");
                assert!((reading.level_dbm0 - dbm0).abs() < 0.02, "{hz} Hz {dbm0} dBm0: {reading:?}");
                assert!((reading.tone_hz - hz).abs() < 0.1, "{hz} Hz {dbm0} dBm0: {reading:?}");
            }
        }
    }

    #[test]
    fn the_milliwatt_of_the_recommendation_reads_zero() {
        let (mut octets, mut samples) = ([0; 8_000], [0; 8_000]);
        milliwatt(Law::Mu, 0, &mut octets);
        assert_eq!(octets[..8], MILLIWATT_MU);
        decode(Law::Mu, &octets, &mut samples);
        let reading = reading(&samples);
        assert!(reading.tone_dbm0.abs() < 0.01 && (reading.tone_hz - 1_000.0).abs() < 0.05, "{reading:?}");
        assert!((reading.noise_dbrnc0 - 90.0).abs() < 0.02, "C-message is 0 dB at 1 kHz: {reading:?}");
    }

    #[test]
    fn quantising_leaves_the_distortion_that_g711_allows() {
        let (mut octets, mut samples) = ([0; 8_000], tone(1_004.0, -10.0));
        encode(Law::Mu, &samples, &mut octets);
        decode(Law::Mu, &octets, &mut samples);
        let reading = reading(&samples);
        // G.712: better than 33 dB from 0 to -30 dBm0; the law itself gives about 38.
        assert!((35.0..42.0).contains(&reading.tone_to_rest_db()), "{reading:?}");
        assert!((reading.tone_dbm0 + 10.0).abs() < 0.05);
        assert!(reading.notched_dbrnc0 < 90.0 - 10.0 - 35.0, "noise with tone is not the tone: {reading:?}");
    }

    #[test]
    fn white_noise_weighs_what_the_curves_say() {
        let reading = reading(&noise(-40.0));
        assert!((reading.level_dbm0 + 40.0).abs() < 0.15, "{reading:?}");
        // The curves over 0 to 4 kHz: C-message takes 2.7 dB from white noise, the psophometer 3.6 dB.
        let lost = |table: &[(f64, f64)]| {
            10.0 * ((0..4_000).map(|hz| weight(table, (f64::from(hz) / SPACING) as usize)).sum::<f64>() / 4_000.0)
                .log10()
        };
        assert!((f64::from(reading.noise_dbrnc0) - (50.0 + lost(&C_MESSAGE))).abs() < 0.2, "{reading:?}");
        assert!((f64::from(reading.noise_dbm0p) - (-40.0 + lost(&PSOPHOMETRIC))).abs() < 0.2, "{reading:?}");
        assert!((lost(&C_MESSAGE) + 2.7).abs() < 0.3 && (lost(&PSOPHOMETRIC) + 3.6).abs() < 0.3);
    }

    #[test]
    fn weighted_tones_lose_what_the_tables_say() {
        for (hz, c, p) in [(300.0, -16.3, -10.6), (800.0, -1.3, 0.0), (1_000.0, 0.0, 1.0), (3_000.0, -3.0, -5.6)] {
            let reading = reading(&tone(hz, -20.0));
            // A tone spreads over places whose weights differ a little.
            assert!((reading.noise_dbrnc0 - (70.0 + c)).abs() < 0.2, "{hz}: {reading:?}");
            assert!((reading.noise_dbm0p - (-20.0 + p)).abs() < 0.2, "{hz}: {reading:?}");
        }
    }

    #[test]
    fn a_reading_begins_where_the_last_ended() {
        let mut meter = Meter::new();
        assert_eq!(meter.read(), None);
        meter.process(&tone(1_004.0, 0.0));
        assert!(meter.read().expect("a second").tone_dbm0.abs() < 0.02);
        assert_eq!(meter.read(), None);
        meter.process(&[0; 1_024]);
        meter.read();
        meter.process(&[0; 8_000]);
        let silence = meter.read().expect("a second");
        assert_eq!((silence.level_dbm0, silence.samples), (SILENCE_DBM0, 8_000));
        // Direct current is no sound.
        let offset: Vec<i16> = vec![1_000; 8_000];
        assert!(reading(&offset).level_dbm0 < -60.0, "{:?}", reading(&offset));
    }
}
