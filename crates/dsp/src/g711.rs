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
            let segment = (magnitude as u32).ilog2() - 4;
            segment << 4 | ((magnitude as u32 >> (segment)) & 15)
        };
        table[magnitude] = (code as u8 | 0x80) ^ 0x55;
        magnitude += 1;
    }
    table
}
