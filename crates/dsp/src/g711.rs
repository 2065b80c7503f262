//! G.711 companding: octets of a timeslot to linear samples and back.
//!
//! Data path: timeslot octets → [`decode`] → 16-bit linear samples; mixed samples → [`encode`] → octets.
//! Time: none; each sample stands alone.
//! Source: ITU-T G.711 (11/88), tables 1a, 1b (A-law) and 2a, 2b (µ-law). Linear values are the tables' output
//! values times 8 (A-law, ±4032) or times 4 (µ-law, ±8031), which brings both laws to one 16-bit scale. A value
//! exactly on a decision threshold goes away from zero when positive and towards zero when negative: the
//! Recommendation leaves the tie open, and one's complement decides it without a branch.

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
    pub const fn decode_one(self, octet: u8) -> i16 {
        match self {
            Self::Mu => MU_DECODE[octet as usize],
            Self::A => A_DECODE[octet as usize],
        }
    }

    /// The octet of one linear sample.
    #[must_use]
    pub const fn encode_one(self, sample: i16) -> u8 {
        // One's complement folds the negative half onto the positive one; -32768 needs no special care.
        let sign = sample >> 15;
        let magnitude = (sample ^ sign) as usize;
        let sign = sign as u8 & 0x80;
        match self {
            Self::Mu => MU_ENCODE[magnitude >> 2] ^ sign,
            Self::A => A_ENCODE[magnitude >> 4] ^ sign,
        }
    }
}

/// Decodes a chunk of octets; with slices of different lengths, the shorter one decides.
pub fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
    let table = match law {
        Law::Mu => &MU_DECODE,
        Law::A => &A_DECODE,
    };
    for (sample, &octet) in samples.iter_mut().zip(octets) {
        *sample = table[usize::from(octet)];
    }
}

/// Encodes a chunk of samples; with slices of different lengths, the shorter one decides.
pub fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
    // The law is chosen once a chunk: each arm is a loop without a branch.
    match law {
        Law::Mu => samples.iter().zip(octets).for_each(|(&sample, octet)| *octet = Law::Mu.encode_one(sample)),
        Law::A => samples.iter().zip(octets).for_each(|(&sample, octet)| *octet = Law::A.encode_one(sample)),
    }
}

static MU_DECODE: [i16; 256] = mu_decode_table();
static A_DECODE: [i16; 256] = a_decode_table();
/// Octets of the non-negative µ-law values, by the sample divided by 4.
static MU_ENCODE: [u8; 8_192] = mu_encode_table();
/// Octets of the non-negative A-law values, by the sample divided by 16.
static A_ENCODE: [u8; 2_048] = a_encode_table();

const fn mu_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        // On the line all bits are inverted (table 2a, note 2). The 33 is the bias that makes the segments
        // powers of two.
        let code = !(octet as u8);
        let segment = (code >> 4) & 7;
        let step = (code & 15) as i16;
        let magnitude = (((2 * step + 33) << segment) - 33) * 4;
        table[octet] = if code & 0x80 == 0 { magnitude } else { -magnitude };
        octet += 1;
    }
    table
}

const fn a_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let code = octet as u8 ^ 0x55;
        let segment = (code >> 4) & 7;
        let step = (code & 15) as i16;
        let magnitude = match segment {
            0 => (2 * step + 1) * 8,
            _ => ((2 * step + 33) << (segment - 1)) * 8,
        };
        table[octet] = if code & 0x80 != 0 { magnitude } else { -magnitude };
        octet += 1;
    }
    table
}

const fn mu_encode_table() -> [u8; 8_192] {
    let mut table = [0; 8_192];
    let mut magnitude = 0;
    while magnitude < 8_192 {
        let biased = if magnitude + 33 > 8_191 { 8_191 } else { magnitude as u32 + 33 };
        // The leading one of the biased value is the segment, the four bits after it the step.
        let segment = biased.ilog2() - 5;
        let step = (biased >> (segment + 1)) & 15;
        table[magnitude] = !((segment << 4 | step) as u8);
        magnitude += 1;
    }
    table
}

const fn a_encode_table() -> [u8; 2_048] {
    let mut table = [0; 2_048];
    let mut magnitude = 0;
    while magnitude < 2_048 {
        let code = if magnitude < 32 {
            magnitude as u32
        } else {
            let segment = (magnitude as u32).ilog2() - 3;
            segment << 4 | ((magnitude as u32 >> (segment - 1)) & 15)
        };
        table[magnitude] = (code as u8 | 0x80) ^ 0x55;
        magnitude += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
