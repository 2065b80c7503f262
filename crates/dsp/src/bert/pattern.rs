//! Test patterns: their names, and the bits they are made of.
//!
//! Data path: nothing → [`Source::next_bit`] → a generator, or the reference a receiver compares with.
//! Time: counted in bits.
//! Source: ITU-T O.150 clause 5 (taps and polarity of the pseudo-random sequences), O.151, O.152, O.153; ANSI T1.403
//! for the patterns of few ones.
//! Words: *stage*, one cell of the shift register of O.150; *turn*, one period of a fixed pattern.

use std::fmt;
use std::str::FromStr;

/// A pattern to test a channel with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// 2^11-1: 2,047 bits (O.152, O.153).
    Prbs11,
    /// 2^15-1: 32,767 bits, sent inverted (O.151).
    Prbs15,
    /// 2^20-1: 1,048,575 bits (O.153).
    Prbs20,
    /// 2^20-1 with other taps, in which no more than 14 zeros follow one another: the quasi-random signal of T1.
    Qrss,
    /// 2^23-1: 8,388,607 bits, sent inverted (O.151).
    Prbs23,
    /// Nothing but ones.
    Ones,
    /// Nothing but zeros. On a T1 without B8ZS it takes the signal away.
    Zeros,
    /// A one and a zero in turn.
    Alternating,
    /// A one and seven zeros: 1:7.
    OneInEight,
    /// Three ones in 24 bits, with fifteen zeros together: the fewest ones a T1 without B8ZS must carry.
    ThreeIn24,
    /// A pattern of one's own.
    User(UserPattern),
}

/// Up to 32 bits that repeat, leftmost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserPattern {
    bits: u32,
    length: u8,
}

impl UserPattern {
    /// A pattern of the lowest `length` bits of `bits`, the highest of them sent first; `None` unless there are 1
    /// to 32.
    #[must_use]
    pub const fn new(bits: u32, length: u8) -> Option<Self> {
        if length == 0 || length > 32 {
            return None;
        }
        Some(Self { bits: if length == 32 { bits } else { bits & ((1 << length) - 1) }, length })
    }

    const fn of(bits: u32, length: u8) -> Self {
        Self { bits, length }
    }
}

/// Words of the patterns that have a name.
const WORDS: [(Pattern, &str); 10] = [
    (Pattern::Prbs11, "2^11-1"),
    (Pattern::Prbs15, "2^15-1"),
    (Pattern::Prbs20, "2^20-1"),
    (Pattern::Qrss, "qrss"),
    (Pattern::Prbs23, "2^23-1"),
    (Pattern::Ones, "ones"),
    (Pattern::Zeros, "zeros"),
    (Pattern::Alternating, "alternating"),
    (Pattern::OneInEight, "1:7"),
    (Pattern::ThreeIn24, "3-in-24"),
];

/// A word that names no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPattern;

impl fmt::Display for UnknownPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such pattern; there are ")?;
        for (_, word) in WORDS {
            write!(f, "{word}, ")?;
        }
        f.write_str("and up to 32 bits of your own such as 0b0001")
    }
}

impl std::error::Error for UnknownPattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(UserPattern { bits, length }) => write!(f, "0b{bits:0width$b}", width = usize::from(*length)),
            named => f.write_str(WORDS.iter().find(|(one, _)| one == named).map_or("", |(_, word)| word)),
        }
    }
}

impl FromStr for Pattern {
    type Err = UnknownPattern;

    fn from_str(text: &str) -> Result<Self, UnknownPattern> {
        if let Some((pattern, _)) = WORDS.iter().find(|(_, word)| *word == text) {
            return Ok(*pattern);
        }
        let digits = text.strip_prefix("0b").filter(|digits| digits.len() <= 32).ok_or(UnknownPattern)?;
        if !digits.bytes().all(|digit| matches!(digit, b'0' | b'1')) {
            return Err(UnknownPattern);
        }
        let bits = u32::from_str_radix(digits, 2).map_err(|_| UnknownPattern)?;
        UserPattern::new(bits, digits.len() as u8).map(Self::User).ok_or(UnknownPattern)
    }
}

impl Pattern {
    /// The patterns that have a name.
    pub fn named() -> impl Iterator<Item = Self> {
        WORDS.into_iter().map(|(pattern, _)| pattern)
    }

    /// Whether O.150 has it sent inverted: 2^15-1 and 2^23-1.
    #[must_use]
    pub const fn sent_inverted(self) -> bool {
        matches!(self, Self::Prbs15 | Self::Prbs23)
    }

    /// Whether a shift by whole octets changes it. Of a pattern it does not change, slips cannot be seen.
    #[must_use]
    pub const fn shows_slips(self) -> bool {
        match self.shape() {
            Shape::Random(_) => true,
            // A shift by one octet changes it unless the turn divides eight bits, or the bits have a shorter turn.
            Shape::Fixed(turn) => {
                let mut bit = 0;
                while bit < turn.length {
                    if turn.bit(bit) != turn.bit((bit + 8) % turn.length) {
                        return true;
                    }
                    bit += 1;
                }
                false
            }
        }
    }

    pub(super) const fn shape(self) -> Shape {
        // O.150: the stages whose sum is fed back.
        match self {
            Self::Prbs11 => Shape::Random(Register { stages: 11, tap: 9, limited: false }),
            Self::Prbs15 => Shape::Random(Register { stages: 15, tap: 14, limited: false }),
            Self::Prbs20 => Shape::Random(Register { stages: 20, tap: 3, limited: false }),
            Self::Qrss => Shape::Random(Register { stages: 20, tap: 17, limited: true }),
            Self::Prbs23 => Shape::Random(Register { stages: 23, tap: 18, limited: false }),
            Self::Ones => Shape::Fixed(UserPattern::of(1, 1)),
            Self::Zeros => Shape::Fixed(UserPattern::of(0, 1)),
            Self::Alternating => Shape::Fixed(UserPattern::of(0b10, 2)),
            Self::OneInEight => Shape::Fixed(UserPattern::of(0b0100_0000, 8)),
            Self::ThreeIn24 => Shape::Fixed(UserPattern::of(0b0100_0100_0000_0000_0000_0100, 24)),
            Self::User(turn) => Shape::Fixed(turn),
        }
    }
}

impl UserPattern {
    pub(super) const fn length(self) -> u8 {
        self.length
    }

    /// The bit at a place of the turn, as 0 or 1.
    pub(super) const fn bit(self, at: u8) -> u32 {
        self.bits >> (self.length - 1 - at) & 1
    }
}

/// What a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Random(Register),
    Fixed(UserPattern),
}

/// A shift register with feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Register {
    pub(super) stages: u32,
    /// The stage that is added to the last.
    pub(super) tap: u32,
    /// A zero before fourteen zeros becomes a one.
    limited: bool,
}

impl Register {
    /// What follows `stages` bits of the sequence, oldest in the lowest place.
    pub(super) const fn next(self, state: u32) -> u32 {
        (state ^ state >> (self.stages - self.tap)) & 1
    }
}

/// The fourteen bits after the one that is sent.
const NEXT_FOURTEEN: u32 = 0x7ffe;

/// The bits of a pattern, in the polarity of the shift register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    shape: Shape,
    /// The next bits of a sequence, the next one lowest; or the place in the turn.
    state: u32,
}

impl Source {
    /// From the register full of ones, or the beginning of the turn.
    pub(super) fn new(pattern: Pattern) -> Self {
        let shape = pattern.shape();
        let state = match shape {
            Shape::Random(register) => (1 << register.stages) - 1,
            Shape::Fixed(_) => 0,
        };
        Self { shape, state }
    }

    /// From a register, or a place in the turn.
    pub(super) fn at(pattern: Pattern, state: u32) -> Self {
        Self { shape: pattern.shape(), state }
    }

    /// The next bit, 0 or 1.
    pub(super) fn next_bit(&mut self) -> u32 {
        let state = self.state;
        match self.shape {
            Shape::Random(register) => {
                self.state = state >> 1 | register.next(state) << (register.stages - 1);
                // O.150: the output is forced to one whenever the fourteen bits that follow are zeros.
                state & 1 | u32::from(register.limited && state & NEXT_FOURTEEN == 0)
            }
            Shape::Fixed(turn) => {
                self.state = if state + 1 == u32::from(turn.length) { 0 } else { state + 1 };
                turn.bit(state as u8)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCES: [(Pattern, u32); 5] = [
        (Pattern::Prbs11, 11),
        (Pattern::Prbs15, 15),
        (Pattern::Prbs20, 20),
        (Pattern::Qrss, 20),
        (Pattern::Prbs23, 23),
    ];

    fn bits(pattern: Pattern, number: usize) -> Vec<u32> {
        let mut source = Source::new(pattern);
        (0..number).map(|_| source.next_bit()).collect()
    }

    /// The longest runs of zeros and of ones, the sequence taken as a ring.
    fn longest_runs(bits: &[u32]) -> [usize; 2] {
        let (mut longest, mut run, mut last) = ([0; 2], 0, 2);
        for &bit in bits.iter().chain(bits.iter().take(64)) {
            run = if bit == last { run + 1 } else { 1 };
            last = bit;
            longest[bit as usize] = longest[bit as usize].max(run);
        }
        longest
    }

    #[test]
    fn every_sequence_has_its_full_period_and_no_shorter_one() {
        for (pattern, stages) in SEQUENCES {
            let mut source = Source::new(pattern);
            let first = source.clone();
            let mut period = 0_u32;
            loop {
                source.next_bit();
                period += 1;
                if source == first {
                    break;
                }
            }
            assert_eq!(period, (1 << stages) - 1, "{pattern}");
        }
    }

    #[test]
    fn ones_and_zeros_are_balanced_and_the_longest_runs_are_those_of_the_register() {
        for (pattern, stages) in SEQUENCES {
            let bits = bits(pattern, (1 << stages) - 1);
            let ones = bits.iter().filter(|bit| **bit == 1).count();
            if pattern == Pattern::Qrss {
                // O.150: no more than 14 zeros together. The 2^5 - 1 windows of 15 to 19 zeros each gained a one.
                assert_eq!(longest_runs(&bits)[0], 14);
                assert_eq!(ones, (1 << 19) + 31);
            } else {
                assert_eq!(ones, 1 << (stages - 1), "{pattern}");
                assert_eq!(longest_runs(&bits), [stages as usize - 1, stages as usize], "{pattern}");
            }
        }
    }

    #[test]
    fn the_zero_limit_changes_exactly_the_zeros_before_fourteen_zeros() {
        let limited = bits(Pattern::Qrss, (1 << 20) - 1);
        // The same register without the limit, by its recurrence: bit n is bit n-17 plus bit n-20.
        let mut plain = vec![1; 20];
        for at in 20..(1 << 20) + 13 {
            plain.push(plain[at - 17] ^ plain[at - 20]);
        }
        for (at, bit) in limited.iter().enumerate() {
            let expected = plain[at] | u32::from(plain[at + 1..at + 15].iter().all(|next| *next == 0));
            assert_eq!(*bit, expected, "bit {at}");
        }
    }

    #[test]
    fn the_first_bits_are_those_worked_out_by_hand() {
        let text =
            |pattern, number| bits(pattern, number).iter().map(|bit| if *bit == 1 { '1' } else { '0' }).collect();
        let first: [String; 3] = [text(Pattern::Prbs11, 33), text(Pattern::Prbs15, 45), text(Pattern::Prbs20, 24)];
        // Stages 9 and 11: eleven ones, nine zeros, two ones (0 + 1), seven zeros, four ones.
        assert_eq!(first[0], "111111111110000000001100000001111");
        // Stages 14 and 15: fifteen ones, fourteen zeros, 1, thirteen zeros, 1 1.
        assert_eq!(first[1], "111111111111111000000000000001000000000000011");
        // Stages 3 and 20: twenty ones, three zeros, 1.
        assert_eq!(first[2], "111111111111111111110001");
        assert_eq!(bits(Pattern::ThreeIn24, 24).iter().sum::<u32>(), 3);
        assert_eq!(longest_runs(&bits(Pattern::ThreeIn24, 24))[0], 15);
        assert_eq!(longest_runs(&bits(Pattern::OneInEight, 64)), [7, 1]);
    }

    #[test]
    fn patterns_are_read_as_they_are_written() {
        for pattern in Pattern::named() {
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
        let own: Pattern = "0b00010".parse().expect("five bits");
        assert_eq!(own, Pattern::User(UserPattern::new(2, 5).expect("five bits")));
        assert_eq!(own.to_string(), "0b00010");
        for wrong in ["", "0b", "0b2", "0b+1", "prbs", &format!("0b{}", "1".repeat(33))] {
            assert_eq!(wrong.parse::<Pattern>(), Err(UnknownPattern), "{wrong}");
        }
        let longest: Pattern = format!("0b{}", "10".repeat(16)).parse().expect("32 bits");
        assert_eq!(longest.to_string().len(), 34);
    }

    #[test]
    fn patterns_that_hide_slips_say_so() {
        let hiding: Vec<_> = Pattern::named().filter(|pattern| !pattern.shows_slips()).collect();
        assert_eq!(hiding, [Pattern::Ones, Pattern::Zeros, Pattern::Alternating, Pattern::OneInEight]);
        assert!("0b00001".parse::<Pattern>().expect("five bits").shows_slips());
        assert!(!"0b1111000011110000".parse::<Pattern>().expect("sixteen bits").shows_slips());
    }
}
