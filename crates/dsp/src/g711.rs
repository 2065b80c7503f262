//! G.711 companding: octets of a timeslot to linear samples and back.
//!
//! Data path: timeslot octets → [`decode`] → 16-bit linear samples; mixed samples → [`encode`] → octets.
//! Time: none; each sample stands alone.
//! Source: ITU-T G.711 (11/88), tables 1a, 1b (A-law) and 2a, 2b (µ-law). Linear values are the tables' output
//! values times 8 (A-law, ±4032) or times 4 (µ-law, ±8031), which brings both laws to one 16-bit scale. A value
//! exactly on a decision threshold goes away from zero when positive and towards zero when negative: the
//! Recommendation leaves the tie open, and one's complement decides it without a branch.

use simd::Kernel;
use simd::companding::{self, Scale, Values};

/// The companding law of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law: T1 spans, North America and Japan.
    Mu,
    /// A-law: E1 spans, with the even bits inverted as they are on the line.
    A,
}

impl Law {
    /// The octet sent on an idle bearer channel: the law's positive zero, the quietest thing it can say.
    #[must_use]
    pub const fn idle_octet(self) -> u8 {
        match self {
            Self::Mu => 0xff,
            Self::A => 0xd5,
        }
    }

    /// The linear value of one octet.
    #[must_use]
    #[inline(always)]
    pub const fn decode_one(self, octet: u8) -> i16 {
        match self {
            Self::Mu => decode_mu(octet),
            Self::A => decode_a(octet),
        }
    }

    /// The octet of one linear sample.
    #[must_use]
    #[inline(always)]
    pub const fn encode_one(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample),
            Self::A => encode_a(sample),
        }
    }
}

/// Decodes a chunk of octets; with slices of different lengths, the shorter one decides.
#[inline(always)]
pub fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
    let done = match law {
        Law::Mu => companding::expand::<ScaleMu>(octets, samples),
        Law::A => companding::expand::<ScaleA>(octets, samples),
    };
    if !done {
        simd::run(Decode { law, octets, samples });
    }
}

/// Encodes a chunk of samples; with slices of different lengths, the shorter one decides.
#[inline]
pub fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
    let done = match law {
        Law::Mu => companding::compress::<ScaleMu>(samples, octets),
        Law::A => companding::compress::<ScaleA>(samples, octets),
    };
    if !done {
        simd::run(Encode { law, samples, octets });
    }
}

/// Whether nothing but the octet of an idle channel is there.
#[must_use]
#[inline]
pub fn is_idle(law: Law, octets: &[u8]) -> bool {
    // Most of those who speak are told by their first octet.
    octets.first().is_none_or(|&octet| octet == law.idle_octet())
        && simd::run(IsIdle { idle: law.idle_octet(), octets })
}

struct IsIdle<'a> {
    idle: u8,
    octets: &'a [u8],
}

impl Kernel for IsIdle<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        // All of them, for to stop at the first that differs would be one after the other.
        self.octets.iter().fold(0, |differs, octet| differs | (octet ^ self.idle)) == 0
    }
}

struct Decode<'a> {
    law: Law,
    octets: &'a [u8],
    samples: &'a mut [i16],
}

impl Kernel for Decode<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let pairs = self.samples.iter_mut().zip(self.octets);
        // The law is chosen once a chunk: each arm is a loop without a branch.
        match self.law {
            Law::Mu => pairs.for_each(|(sample, &octet)| *sample = decode_mu(octet)),
            Law::A => pairs.for_each(|(sample, &octet)| *sample = decode_a(octet)),
        }
    }
}

struct Encode<'a> {
    law: Law,
    samples: &'a [i16],
    octets: &'a mut [u8],
}

impl Kernel for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let pairs = self.octets.iter_mut().zip(self.samples);
        match self.law {
            Law::Mu => pairs.for_each(|(octet, &sample)| *octet = encode_mu(sample)),
            Law::A => pairs.for_each(|(octet, &sample)| *octet = encode_a(sample)),
        }
    }
}

// Arithmetic and not tables: it works on many samples at once. Sixteen bits, so that a vector holds twice as many.

#[inline(always)]
const fn decode_mu(octet: u8) -> i16 {
    // On the line all bits are inverted (table 2a, note 2). The 33 is the bias that makes the segments powers of two.
    let code = !octet as u16;
    let magnitude = (((code & 15) << 3) + 132) << ((code >> 4) & 7);
    with_sign((magnitude - 132) as i16, code as i16)
}

#[inline(always)]
const fn decode_a(octet: u8) -> i16 {
    let code = (octet ^ 0x55) as u16;
    let segment = (code >> 4) & 7;
    // The first two segments have the same steps; from the second on there is a leading one.
    let first = (segment == 0) as u16;
    let magnitude = (((code & 15) << 4) + 8 + (256 - (first << 8))) << (segment + first - 1);
    with_sign(magnitude as i16, !code as i16)
}

/// How octets are made by hand, see [`encode_mu`], and what they stand for, see [`decode_mu`].
pub(crate) struct ScaleMu;
/// See [`encode_a`], [`decode_a`].
pub(crate) struct ScaleA;

impl Scale for ScaleMu {
    const BIAS: i16 = 33 << 2;
    const EQUAL_STEPS: Option<i16> = None;
    const INVERTED: u8 = 0xff;
    const VALUES: &'static Values = &VALUES[Law::Mu as usize];
    const STEPS: [u8; 16] = steps(33 << 2, 8);
    const TIMES: [u8; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
    const MORE: Option<[u8; 8]> = None;
}

impl Scale for ScaleA {
    const BIAS: i16 = 0;
    const EQUAL_STEPS: Option<i16> = Some(32);
    const INVERTED: u8 = 0xd5;
    const VALUES: &'static Values = &VALUES[Law::A as usize];
    const STEPS: [u8; 16] = steps(8, 16);
    const TIMES: [u8; 8] = [1, 1, 2, 4, 8, 16, 32, 64];
    const MORE: Option<[u8; 8]> = Some([0, 1, 2, 4, 8, 16, 32, 64]);
}

/// Sixteen steps from this one on, so far apart.
const fn steps(first: u8, apart: u8) -> [u8; 16] {
    let (mut all, mut step) = ([0; 16], 0);
    while step < all.len() {
        all[step] = first + apart * step as u8;
        step += 1;
    }
    all
}

/// By law.
static VALUES: [Values; 2] = [values(Law::Mu), values(Law::A)];

const fn values(law: Law) -> Values {
    let (mut all, mut code) = ([0; 128], 0);
    while code < 128 {
        all[code] = law.decode_one(0x80 | code as u8);
        code += 1;
    }
    Values(all)
}

/// The magnitude, negative if bit 7 of `code` is set.
#[inline(always)]
const fn with_sign(magnitude: i16, code: i16) -> i16 {
    let sign = (code << 8) >> 15;
    (magnitude ^ sign) - sign
}

/// The sample as sign (0 or -1) and magnitude. One's complement folds the negative half onto the positive one: -32768 needs
/// no special care.
#[inline(always)]
const fn folded(sample: i16) -> (i16, i16) {
    let sign = sample >> 15;
    (sign, sample ^ sign)
}

/// Exponent and the four bits after the leading one, as a floating-point number has them: what the laws call segment and
/// step, with `bias` added to the segment.
#[inline(always)]
const fn segment_and_step(magnitude: i16, bias: i32) -> i16 {
    ((magnitude as i32 as f32).to_bits() as i32 >> 19) as i16 - ((127 + bias) << 4) as i16
}

#[inline(always)]
const fn encode_mu(sample: i16) -> u8 {
    let (sign, magnitude) = folded(sample);
    let biased = (magnitude >> 2) + 33;
    let biased = if biased > 8_191 { 8_191 } else { biased };
    // The leading one of the biased value is the segment.
    !(segment_and_step(biased, 5) as u8) ^ (sign as u8 & 0x80)
}

#[inline(always)]
const fn encode_a(sample: i16) -> u8 {
    let (sign, magnitude) = folded(sample);
    let magnitude = magnitude >> 4;
    // The first two segments are one of 32 equal steps.
    let linear = if magnitude > 31 { 31 } else { magnitude };
    let curved = segment_and_step(magnitude, 3);
    let code = if curved > linear { curved } else { linear };
    (code as u8) ^ 0xd5 ^ (sign as u8 & 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use simd::Instructions;

    /// The magnitudes of a law as its table lists them: segments of sixteen equal steps, each twice the last.
    fn definition(law: Law) -> (Vec<i32>, Vec<i32>) {
        let (mut threshold, mut thresholds, mut values) = (0, vec![], vec![]);
        match law {
            // Table 2a: in the first segment one step of 1 and fifteen of 2; values half-way, the first 0.
            Law::Mu => {
                for segment in 0..8 {
                    for step in 0..16 {
                        let width = if segment == 0 && step == 0 { 1 } else { 2 << segment };
                        values.push(if segment == 0 && step == 0 { 0 } else { (2 * threshold + width) * 2 });
                        thresholds.push(threshold * 4);
                        threshold += width;
                    }
                }
            }
            // Table 1a: the first two segments have steps of 2; values half-way.
            Law::A => {
                for segment in 0..8 {
                    for _ in 0..16 {
                        let width = if segment == 0 { 2 } else { 2 << (segment - 1) };
                        values.push((2 * threshold + width) * 4);
                        thresholds.push(threshold * 8);
                        threshold += width;
                    }
                }
            }
        }
        (thresholds, values)
    }

    /// The octet on the line of a sign and the number of a step (0 to 127).
    fn on_the_line(law: Law, negative: bool, step: usize) -> u8 {
        let sign = if negative { 0x80 } else { 0 };
        match law {
            Law::Mu => !(sign | step as u8),
            Law::A => ((sign ^ 0x80) | step as u8) ^ 0x55,
        }
    }

    #[test]
    fn a_channel_is_idle_until_one_octet_is_not() {
        for law in [Law::Mu, Law::A] {
            let mut octets = [law.idle_octet(); 161];
            assert!(is_idle(law, &octets) && is_idle(law, &[]));
            for place in [0, 1, 80, 160] {
                octets[place] ^= 1;
                assert!(!is_idle(law, &octets), "{law:?}, {place}");
                octets[place] ^= 1;
            }
        }
    }

    #[test]
    fn every_octet_decodes_to_the_value_of_its_table() {
        for law in [Law::Mu, Law::A] {
            let (_, values) = definition(law);
            for (step, &value) in values.iter().enumerate() {
                assert_eq!(i32::from(law.decode_one(on_the_line(law, false, step))), value, "{law:?} +{step}");
                assert_eq!(i32::from(law.decode_one(on_the_line(law, true, step))), -value, "{law:?} -{step}");
            }
        }
        assert_eq!(Law::Mu.decode_one(0x80), 32_124);
        assert_eq!(Law::A.decode_one(0xaa), 32_256);
    }

    #[test]
    fn every_sample_encodes_to_the_step_it_lies_in() {
        for law in [Law::Mu, Law::A] {
            let (thresholds, _) = definition(law);
            for sample in i16::MIN..=i16::MAX {
                let negative = sample < 0;
                let magnitude = if negative { -1 - i32::from(sample) } else { i32::from(sample) };
                let step = thresholds.partition_point(|&threshold| threshold <= magnitude) - 1;
                assert_eq!(law.encode_one(sample), on_the_line(law, negative, step), "{law:?} {sample}");
            }
        }
    }

    #[test]
    fn octets_survive_decoding_and_encoding() {
        for law in [Law::Mu, Law::A] {
            let all: Vec<u8> = (0..=255).collect();
            let (mut samples, mut back) = ([0; 256], [0; 256]);
            decode(law, &all, &mut samples);
            encode(law, &samples, &mut back);
            for (octet, back) in all.into_iter().zip(back) {
                // µ-law has two zeros, and 16-bit samples one.
                assert!(octet == back || (law == Law::Mu && octet == 0x7f && back == 0xff), "{law:?} {octet:#x}");
            }
        }
    }

    #[test]
    fn chunks_are_the_same_with_all_instructions_and_at_all_lengths() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        for instructions in Instructions::all() {
            instructions.put_to_use();
            for law in [Law::Mu, Law::A] {
                for length in [0, 1, 7, 8, 39, 40, 80, 160, 65_536] {
                    let samples = &samples[samples.len() - length..];
                    let (mut octets, mut back) = (vec![0; length], vec![0; length]);
                    encode(law, samples, &mut octets);
                    decode(law, &octets, &mut back);
                    for ((&sample, octet), back) in samples.iter().zip(octets).zip(back) {
                        assert_eq!(octet, law.encode_one(sample), "{} {law:?} {sample}", instructions.name());
                        assert_eq!(back, law.decode_one(octet), "{} {law:?} {octet:#x}", instructions.name());
                    }
                }
            }
        }
    }

    #[test]
    fn idle_octets_are_the_quietest() {
        assert_eq!(Law::Mu.decode_one(Law::Mu.idle_octet()), 0);
        assert_eq!(Law::A.decode_one(Law::A.idle_octet()), 8);
        for law in [Law::Mu, Law::A] {
            assert_eq!(law.encode_one(0), law.idle_octet());
        }
    }

    #[test]
    fn the_shorter_slice_decides() {
        let mut samples = [7; 4];
        decode(Law::Mu, &[0xff, 0xff], &mut samples);
        assert_eq!(samples, [0, 0, 7, 7]);
        let mut octets = [1; 2];
        encode(Law::A, &[0; 9], &mut octets);
        assert_eq!(octets, [0xd5; 2]);
        // By hand as well, with a rest.
        let mut octets = [1; 40];
        encode(Law::A, &[0; 33], &mut octets);
        assert!(octets[..33] == [0xd5; 33] && octets[33..] == [1; 7]);
        let mut samples = [7; 33];
        decode(Law::Mu, &[0xff; 40], &mut samples);
        assert_eq!(samples, [0; 33]);
        let mut samples = [7; 40];
        decode(Law::Mu, &[0xff; 33], &mut samples);
        assert!(samples[..33] == [0; 33] && samples[33..] == [7; 7]);
    }
}
