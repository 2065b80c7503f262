//! Music: chords and melodies of plucked, blown and bowed strings and pipes that exist nowhere.
//!
//! Two notes at once are what a key is. These have overtones as instruments do, and some have hardly any, as flutes.

use crate::material::Random;

/// Overtones of an instrument, relative to the first, and how fast it dies away, a second.
const INSTRUMENTS: [(&[f64], f64); 6] = [
    (&[1.0, 0.5, 0.33, 0.25, 0.2, 0.16, 0.14], 1.5),
    (&[1.0, 0.3, 0.1, 0.05], 3.0),
    (&[1.0, 0.15, 0.05], 0.2),
    (&[1.0, 0.0, 0.4, 0.0, 0.25, 0.0, 0.15], 0.3),
    (&[1.0, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05], 0.5),
    (&[0.6, 1.0, 0.8, 0.4, 0.5, 0.2], 4.0),
];

/// Steps of a scale, in semitones.
const SCALES: [&[i32]; 4] =
    [&[0, 2, 4, 5, 7, 9, 11], &[0, 2, 3, 5, 7, 8, 10], &[0, 2, 4, 7, 9], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]];

/// So many samples of a piece of its own for each seed.
pub fn piece(seed: u64, length: usize) -> Vec<i16> {
    let mut random = Random::new(seed + 1_000);
    let mut mix = vec![0.0f32; length];
    let (overtones, decay) = INSTRUMENTS[random.up_to(INSTRUMENTS.len())];
    let scale = SCALES[random.up_to(SCALES.len())];
    let beat = 800 + random.up_to(4_000);
    let tuning = 0.98 + 0.04 * random.fraction();
    let voices = 1 + random.up_to(4);
    let mut at = 0;
    while at < length {
        for _ in 0..voices {
            let degree = random.up_to(scale.len() * 3);
            let semitones = scale[degree % scale.len()] + 12 * (degree / scale.len()) as i32 - 12;
            let hz = 261.63 * tuning * 2f64.powf(f64::from(semitones) / 12.0);
            let held = beat * (1 + random.up_to(3));
            let end = (at + held).min(length);
            note(&mut mix[at..end], hz, overtones, decay);
        }
        at += beat;
    }
    let peak = mix.iter().fold(1.0f32, |peak, sample| peak.max(sample.abs()));
    mix.iter().map(|sample| (sample / peak * 20_000.0) as i16).collect()
}

fn note(out: &mut [f32], hz: f64, overtones: &[f64], decay: f64) {
    let length = out.len() as f64;
    for (index, &strength) in overtones.iter().enumerate().filter(|(_, strength)| **strength > 0.0) {
        let turn = std::f64::consts::TAU * hz * (index + 1) as f64 / 8_000.0;
        if turn > 2.7 {
            break;
        }
        // A rotating pointer: no sine a sample.
        let (step_sin, step_cos) = turn.sin_cos();
        let (mut sin, mut cos) = (0.0, strength);
        let fade = (-decay / 8_000.0).exp();
        for (n, out) in out.iter_mut().enumerate() {
            let edge = (n as f64 / 40.0).min((length - n as f64) / 80.0).min(1.0);
            *out += (sin * edge) as f32;
            (sin, cos) = ((sin * step_cos + cos * step_sin) * fade, (cos * step_cos - sin * step_sin) * fade);
        }
    }
}
