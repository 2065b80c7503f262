//! Tests by the number: of so many presses or PINs, how many are heard.

use crate::detectors::Detector;
use crate::edges::common;
use crate::support::{ALL_KEYS, Line, Random, add_noise, speech};
use dsp::g711::{decode, encode};
use dsp::tones::Tone;

/// Presses in a test: sixty lines of all sixteen keys.
const LINES: u64 = 60;

/// Level of two tones together, and so of noise so many dB below them.
fn noise_below(row_dbm0: f32, column_dbm0: f32, db: f32) -> f32 {
    10.0 * (10f32.powf(row_dbm0 / 10.0) + 10f32.powf(column_dbm0 / 10.0)).log10() - db
}

/// How many presses of the lines are heard; what is heard besides is told.
fn count(detector: &mut dyn Detector, mut line: impl FnMut(u64) -> Vec<i16>) -> String {
    let (mut hits, mut extra) = (0, 0);
    for seed in 0..LINES {
        let keys = detector.keys(&line(seed));
        let found = common(&keys, ALL_KEYS);
        hits += found;
        extra += keys.len() - found;
    }
    if extra == 0 { hits.to_string() } else { format!("{hits} and {extra} false") }
}

pub fn noise(detector: &mut dyn Detector, below: f32) -> String {
    let level = noise_below(-10.0, -10.0, below);
    count(detector, |seed| Line::new(ALL_KEYS, 40, 40, -10.0).noise(level, seed).samples())
}

/// The shortest press and everything else anywhere between its limits.
pub fn in_the_limits(detector: &mut dyn Detector) -> String {
    let mut random = Random::new(20);
    count(detector, |seed| {
        let twist = -8.0 + 12.0 * random.fraction();
        // The weaker tone is within the limits, too.
        let level = (-36.0 + twist.abs()) * random.fraction();
        let error = -1.5 + 3.0 * random.fraction();
        Line::new(ALL_KEYS, 40, 40, level).twist(twist).off_by(error).noise(-62.0, seed).samples()
    })
}

pub fn dial_tone(detector: &mut dyn Detector, hz: &[f32]) -> String {
    count(detector, |seed| {
        let background = hz.iter().map(|&hz| Tone::new(hz, -13.0)).collect();
        Line { background, ..Line::new(ALL_KEYS, 50, 50, -10.0) }.noise(-50.0, seed).samples()
    })
}

/// A prompt comes back through the hybrid while the caller keys over it.
pub fn barge_in(detector: &mut dyn Detector, below: f32) -> String {
    let prompts: Vec<_> = speech().into_iter().filter(|(name, _)| name.contains("prompts")).collect();
    let mut random = Random::new(3);
    count(detector, |seed| {
        let (_, prompt) = &prompts[random.up_to(prompts.len())];
        let power = prompt.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / prompt.len() as f64;
        let wanted = f64::from(dsp::level::mean_square_of(noise_below(-12.0, -12.0, below)));
        let gain = (wanted / power).sqrt();
        let line = Line { law: None, ..Line::new(ALL_KEYS, 60, 60, -12.0) };
        let law = dsp::g711::Law::Mu;
        let mut samples = line.noise(-55.0, seed).samples();
        let from = random.up_to(prompt.len());
        for (sample, leak) in samples.iter_mut().zip(prompt.iter().cycle().skip(from)) {
            *sample = sample.saturating_add((f64::from(*leak) * gain) as i16);
        }
        let mut octets = vec![0; samples.len()];
        encode(law, &samples, &mut octets);
        decode(law, &octets, &mut samples);
        samples
    })
}

/// How many of 300 PINs are heard whole, with nothing more.
fn whole(detector: &mut dyn Detector, mut line: impl FnMut(&str, &mut Random) -> Line) -> String {
    let mut random = Random::new(300);
    let hits = (0..300).filter(|&seed| {
        let pin: String = (0..6).map(|_| char::from(b'0' + random.up_to(10) as u8)).collect();
        let line = line(&pin, &mut random);
        let noise = line.noise_dbm0.unwrap_or(-62.0);
        detector.keys(&line.noise(noise, seed).samples()) == pin
    });
    hits.count().to_string()
}

fn sign(random: &mut Random) -> f32 {
    if random.up_to(2) == 0 { -1.0 } else { 1.0 }
}

pub fn pins(detector: &mut dyn Detector) -> String {
    whole(detector, |pin, random| {
        let twist = -8.0 + 12.0 * random.fraction();
        let level = -25.0 + 20.0 * random.fraction();
        let noise = noise_below(level - twist.max(0.0), level + twist.min(0.0), 20.0);
        Line::new(pin, 50, 50, level).twist(twist).off_by(1.5 * sign(random)).noise(noise, 0)
    })
}

fn pins_in_noise(detector: &mut dyn Detector, below: f32) -> String {
    whole(detector, |pin, random| {
        let twist = [-6.0, -4.0, 3.0][random.up_to(3)];
        let noise = noise_below(-25.0 - f32::max(twist, 0.0), -25.0 + f32::min(twist, 0.0), below);
        Line::new(pin, 45, 45, -25.0).twist(twist).off_by(sign(random)).noise(noise, 0)
    })
}

pub fn harsh_pins(detector: &mut dyn Detector) -> String {
    pins_in_noise(detector, 12.0)
}

pub fn harsher_pins(detector: &mut dyn Detector) -> String {
    pins_in_noise(detector, 9.0)
}

pub fn noise_alone(detector: &mut dyn Detector) -> String {
    let found: usize = (0..5)
        .map(|step| {
            let mut samples = vec![0; 960_000];
            add_noise(&mut samples, -50.0 + 10.0 * step as f32, step);
            detector.keys(&samples).len()
        })
        .sum();
    found.to_string()
}
