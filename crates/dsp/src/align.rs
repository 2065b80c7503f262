//! Comparing two recordings of the same sound.
//!
//! For acceptance runs and tests: how late, and how faithfully, did what one caller said reach another's
//! ear, the stream or the recording?
//!
//! Data path: what was spoken and what was heard → [`align`] → lag and likeness.
//! Time: whole recordings; takes memory for copies of both, so never on the real-time thread. Two minutes take a
//! fraction of a second.
//! Source: normalised cross-correlation within the telephone band, 300-3400 Hz (ITU-T G.712), so that mains hum, the
//! offset of A-law and an encoder's choice of what to leave out above the band do not count.
//! Words: *lag* is how much later the second recording has the same sound; an *envelope* is loudness every 10 ms.

use std::f64::consts::PI;

/// How one recording lies in another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// Samples by which the second recording lags behind the first; negative when it is ahead.
    pub lag: i64,
    /// What the lag is beyond whole samples, from -0.5 to 0.5: resampling on the way makes such lags.
    pub fraction: f64,
    /// Normalised correlation of the overlap at that lag, within 300-3400 Hz: 1 is the same sound at any level,
    /// -1 the same upside down.
    pub correlation: f64,
    /// Samples that were compared.
    pub overlap: usize,
}

/// Finds the lag at which `heard` is most like `spoken`.
///
/// At least half of the shorter recording must lie within the other. `None` when either holds less than 50 ms, or nothing
/// in the telephone band.
#[must_use]
pub fn align(spoken: &[i16], heard: &[i16]) -> Option<Alignment> {
    if spoken.len().min(heard.len()) < MINIMUM {
        return None;
    }
    let (spoken, heard) = (band_limit_300_3400(spoken), band_limit_300_3400(heard));
    let best = coarse_lags(&envelope(&spoken), &envelope(&heard))
        .into_iter()
        .map(|bins| fine_lag(&spoken, &heard, bins * BIN as i64))
        .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    refine(&spoken, &heard, best.0)
}

/// The likeness of two recordings at a lag that is known, to within half a sample.
///
/// `None` when the overlap is shorter than 50 ms or holds nothing in the telephone band.
#[must_use]
pub fn correlation_at(spoken: &[i16], heard: &[i16], lag: i64) -> Option<Alignment> {
    refine(&band_limit_300_3400(spoken), &band_limit_300_3400(heard), lag)
}

/// Aligns a recording piece by piece, for sound with gaps, slips or a drifting clock.
///
/// The first piece starts from the lag of the whole; each later one is looked for within `wander` samples of where the
/// one before was found. Pieces that are silent, or of which less than 50 ms was heard, give `None` and leave the lag as it was.
#[must_use]
pub fn align_pieces(spoken: &[i16], heard: &[i16], piece: usize, wander: u32) -> Vec<Option<Alignment>> {
    let Some(whole) = align(spoken, heard) else { return vec![] };
    let (spoken, heard) = (band_limit_300_3400(spoken), band_limit_300_3400(heard));
    let mut lag = whole.lag;
    let wander = i64::from(wander);
    let pieces = spoken.chunks(piece.max(MINIMUM)).enumerate();
    pieces
        .map(|(number, part)| {
            let start = (number * piece.max(MINIMUM)) as i64;
            let (nearby, _) = best_within(part, &heard, start + lag - wander, start + lag + wander);
            let found = refine(part, &heard, nearby)?;
            lag = found.lag - start;
            Some(Alignment { lag, ..found })
        })
        .collect()
}

/// The part of a recording between 300 and 3400 Hz, of the same length and without delay.
#[must_use]
pub fn band_limit_300_3400(samples: &[i16]) -> Vec<f32> {
    let taps = band_pass_taps();
    let middle = TAPS / 2;
    let mut padded = vec![0.0; samples.len() + TAPS - 1];
    for (padded, &sample) in padded[middle..].iter_mut().zip(samples) {
        *padded = f32::from(sample);
    }
    // Tap by tap over the whole recording: the inner loop is one that compilers lay out in vectors.
    let mut limited = vec![0.0; samples.len()];
    for (offset, &tap) in taps.iter().enumerate() {
        for (limited, &sample) in limited.iter_mut().zip(&padded[offset..]) {
            *limited += tap * sample;
        }
    }
    limited
}

/// Shortest recording that is compared: 50 ms.
const MINIMUM: usize = 400;
/// Samples in a bin of an envelope: 10 ms.
const BIN: usize = 80;
/// Length of the band-pass filter: some 150 Hz from pass to stop at either edge.
const TAPS: usize = 161;
/// Coarse lags that are looked at closely.
const CANDIDATES: usize = 5;
/// Samples of the loudest passage used to look closely: 4 s.
const PASSAGE: usize = 32_000;
/// Whole lags either side used to find the fraction of a sample.
const SIDE: i64 = 12;

/// The difference of two ideal low-pass filters under a Hamming window.
fn band_pass_taps() -> [f32; TAPS] {
    let ideal = |cutoff: f64, n: f64| {
        if n == 0.0 { 2.0 * cutoff } else { (2.0 * PI * cutoff * n).sin() / (PI * n) }
    };
    std::array::from_fn(|index| {
        let n = index as f64 - (TAPS / 2) as f64;
        let window = 0.54 + 0.46 * (2.0 * PI * n / (TAPS - 1) as f64).cos();
        ((ideal(3_400.0 / 8_000.0, n) - ideal(300.0 / 8_000.0, n)) * window) as f32
    })
}

/// Loudness every 10 ms, less its mean: speech is known by its rhythm.
fn envelope(samples: &[f32]) -> Vec<f32> {
    let mut bins: Vec<f32> =
        samples.chunks(BIN).map(|bin| bin.iter().map(|sample| sample.abs()).sum::<f32>().sqrt()).collect();
    let mean = bins.iter().sum::<f32>() / bins.len().max(1) as f32;
    bins.iter_mut().for_each(|bin| *bin -= mean);
    bins
}

/// The lags, in bins, at which two envelopes are most alike, best first.
fn coarse_lags(spoken: &[f32], heard: &[f32]) -> Vec<i64> {
    let least = (spoken.len().min(heard.len()) / 2).max(1) as i64;
    let mut scored: Vec<(i64, f64)> = (least - spoken.len() as i64..=heard.len() as i64 - least)
        .map(|lag| {
            let (one, other) = overlap(spoken, heard, lag);
            let (product, energy) = (dot(one, other), (dot(one, one) * dot(other, other)).sqrt());
            // A short overlap is easily alike: prefer the longer of two that are equally good.
            let weight = (one.len() as f64 / spoken.len().min(heard.len()) as f64).sqrt();
            (lag, if energy > 0.0 { product / energy * weight } else { 0.0 })
        })
        .collect();
    scored.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    let mut lags: Vec<i64> = vec![];
    for (lag, _) in scored {
        if lags.len() == CANDIDATES {
            break;
        }
        // The fine search reaches over a bin either way.
        if lags.iter().all(|known| known.abs_diff(lag) > 1) {
            lags.push(lag);
        }
    }
    lags
}

/// The best lag near a coarse one, judged by the loudest passage both have.
fn fine_lag(spoken: &[f32], heard: &[f32], coarse: i64) -> (i64, f64) {
    let reach = 3 * BIN as i64 / 2;
    let (one, _) = overlap(spoken, heard, coarse);
    let offset = (-coarse).max(0) as usize;
    let loudest = one
        .chunks(PASSAGE)
        .enumerate()
        .max_by(|(_, a), (_, b)| dot(a, a).total_cmp(&dot(b, b)))
        .map_or(0, |(number, _)| number * PASSAGE);
    let start = offset + loudest;
    let passage = &spoken[start..(start + PASSAGE).min(spoken.len())];
    let base = start as i64 + coarse;
    let (lag, correlation) = best_within(passage, heard, base - reach, base + reach);
    (lag - start as i64, correlation)
}

/// The best whole lag in a range and the normalised correlation there.
fn best_within(spoken: &[f32], heard: &[f32], from: i64, to: i64) -> (i64, f64) {
    let mut best = (from, f64::NEG_INFINITY);
    for lag in from..=to {
        let (one, other) = overlap(spoken, heard, lag);
        let energy = (dot(one, one) * dot(other, other)).sqrt();
        if energy > 0.0 && one.len() * 2 >= spoken.len().min(heard.len()) {
            let correlation = dot(one, other) / energy;
            if correlation > best.1 {
                best = (lag, correlation);
            }
        }
    }
    best
}

/// The likeness near a whole lag, between samples too: the correlation of band-limited signals is itself band-limited,
/// so its values at whole lags tell those in between.
fn refine(spoken: &[f32], heard: &[f32], lag: i64) -> Option<Alignment> {
    let (one, other) = overlap(spoken, heard, lag);
    let energy = (dot(one, one) * dot(other, other)).sqrt();
    // A mean square below one is silence: what the filter leaves of nothing.
    if one.len() < MINIMUM || energy < one.len() as f64 {
        return None;
    }
    let whole: Vec<f64> = (-SIDE..=SIDE)
        .map(|side| {
            let (one, other) = overlap(spoken, heard, lag + side);
            dot(one, other) / energy
        })
        .collect();
    let between = |fraction: f64| -> f64 {
        whole
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let n = fraction - (index as i64 - SIDE) as f64;
                let window = (PI * n / (2.0 * (SIDE + 1) as f64)).cos().max(0.0);
                if n.abs() < 1e-12 { *value } else { value * (PI * n).sin() / (PI * n) * window }
            })
            .sum()
    };
    let (fraction, correlation) = (-50..=50)
        .map(|hundredths| f64::from(hundredths) / 100.0)
        .map(|fraction| (fraction, between(fraction)))
        .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    // Between samples the interpolation may overshoot by a few parts in ten thousand.
    let correlation = correlation.clamp(-1.0, 1.0);
    Some(Alignment { lag, fraction, correlation, overlap: one.len() })
}

/// The samples that two recordings have in common at a lag; empty when there are none.
fn overlap<'a>(spoken: &'a [f32], heard: &'a [f32], lag: i64) -> (&'a [f32], &'a [f32]) {
    let skip = |by: i64, samples: &'a [f32]| &samples[usize::try_from(by).unwrap_or(0).min(samples.len())..];
    let (one, other) = (skip(lag.saturating_neg(), spoken), skip(lag, heard));
    let common = one.len().min(other.len());
    (&one[..common], &other[..common])
}

/// The product of two runs of samples, in eight sums side by side.
fn dot(one: &[f32], other: &[f32]) -> f64 {
    const LANES: usize = 8;
    let mut total = 0.0;
    // Summed in single precision for a stretch only, so that long recordings lose nothing.
    for (one, other) in one.chunks(4_096).zip(other.chunks(4_096)) {
        let mut sums = [0.0f32; LANES];
        let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
        let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(one, other)| one * other).sum();
        for (one, other) in ones.zip(others) {
            for lane in 0..LANES {
                sums[lane] += one[lane] * other[lane];
            }
        }
        total += f64::from(sums.iter().sum::<f32>() + rest);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tones::{Oscillator, Tone};

    /// Noise that comes and goes like syllables; the same for the same seed.
    fn babble(seed: u64, samples: usize) -> Vec<i16> {
        let mut state = seed * 2 + 1;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f32 / (1u64 << 31) as f32
        };
        let mut loudness = 0.0;
        (0..samples)
            .map(|n| {
                if n % 1_100 == 0 {
                    loudness = random() * random();
                }
                ((random() - 0.5) * 20_000.0 * loudness) as i16
            })
            .collect()
    }

    #[test]
    fn finds_the_lag_either_way() {
        let spoken = babble(1, 80_000);
        for lag in [-20_001i64, -80, -1, 0, 1, 79, 640, 31_333] {
            let heard: Vec<i16> = if lag >= 0 {
                vec![0; lag as usize].into_iter().chain(spoken.iter().map(|sample| sample / 3)).collect()
            } else {
                spoken[(-lag) as usize..].to_vec()
            };
            let found = align(&spoken, &heard).unwrap();
            assert_eq!(found.lag, lag);
            assert!(found.correlation > 0.99, "{found:?}");
        }
    }

    #[test]
    fn strangers_are_not_alike() {
        let found = align(&babble(1, 40_000), &babble(2, 40_000)).unwrap();
        assert!(found.correlation < 0.3, "{found:?}");
    }

    #[test]
    fn what_lies_outside_the_band_does_not_count() {
        let spoken = babble(3, 40_000);
        let mut hum = vec![0; spoken.len()];
        Oscillator::new(Tone::new(50.0, -10.0)).fill(&mut hum);
        let heard: Vec<i16> = spoken.iter().zip(hum).map(|(sample, hum)| sample.saturating_add(hum)).collect();
        assert!(align(&spoken, &heard).unwrap().correlation > 0.99);
    }

    #[test]
    fn lags_between_samples_cost_nothing() {
        // The mean of two neighbours is the sound half a sample later, a little duller.
        let spoken = band_limit_300_3400(&babble(4, 40_000));
        let spoken: Vec<i16> = spoken.iter().map(|&sample| sample as i16).collect();
        let heard: Vec<i16> = spoken.windows(2).map(|pair| pair[0].midpoint(pair[1])).collect();
        let found = align(&spoken, &heard).unwrap();
        assert!((found.lag as f64 + found.fraction + 0.5).abs() < 0.02, "{found:?}");
        assert!(found.correlation > 0.93, "{found:?}");
    }

    #[test]
    fn pieces_follow_a_gap_in_what_was_heard() {
        let spoken = babble(5, 64_000);
        let heard: Vec<i16> = spoken[..32_000].iter().chain(&spoken[32_160..]).copied().collect();
        let pieces = align_pieces(&spoken, &heard, 8_000, 400);
        let lags: Vec<i64> = pieces.iter().map(|piece| piece.unwrap().lag).collect();
        assert_eq!(lags, [0, 0, 0, 0, -160, -160, -160, -160]);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        let sound = babble(6, 8_000);
        for (spoken, heard) in [(&[][..], &sound[..]), (&sound, &[]), (&sound, &[0; 8_000]), (&[0; 8_000], &[0; 8_000])]
        {
            assert_eq!(align(spoken, heard), None);
            assert_eq!(align_pieces(spoken, heard, 0, u32::MAX), vec![]);
        }
        assert_eq!(correlation_at(&sound, &sound, i64::MIN), None);
        assert_eq!(correlation_at(&sound, &sound, i64::MAX), None);
    }

    #[test]
    fn the_band_ends_where_it_should() {
        for (hz, passes) in
            [(100.0, false), (200.0, false), (400.0, true), (1_000.0, true), (3_300.0, true), (3_600.0, false)]
        {
            let mut tone = vec![0; 4_000];
            Oscillator::new(Tone::new(hz, -10.0)).fill(&mut tone);
            let limited = band_limit_300_3400(&tone);
            let inner = &limited[1_000..3_000];
            let level = crate::level::dbm0_of((dot(inner, inner) / 2_000.0) as f32) + 10.0;
            assert!(if passes { level.abs() < 0.5 } else { level < -20.0 }, "{hz} Hz: {level} dB");
        }
    }
}
