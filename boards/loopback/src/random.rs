//! A small generator of random numbers that gives the same ones for the same seed, for ever.
//!
//! A fault that a seed found has to be found again by that seed after any upgrade of anything, so the
//! generator is ours and fixed.
//!
//! Data path: none.
//! Time: none.
//! Source: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).

/// The generator.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// A generator for one purpose: each `stream` of a seed goes its own way, so that what is drawn for
    /// one thing does not shift what is drawn for another.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Random { state: seed };
        let offset = random.next_u64();
        Random { state: offset ^ Random { state: stream }.next_u64() }
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to just below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits are what the significand holds.
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `end`, 0 when there is none. The bias is one in 2^32 at worst.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        (((self.next_u64() >> 32) * u64::from(end)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // First outputs for the state 1234567, as given with the reference implementation.
        let mut random = Random { state: 1_234_567 };
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_stay_in_their_range_and_fill_it() {
        let mut random = Random::new(1, 2);
        let mut seen = [0_u32; 10];
        let mut sum = 0.0;
        for _ in 0..10_000 {
            seen[random.below(10) as usize] += 1;
            sum += random.unit();
        }
        assert!(seen.iter().all(|n| (850..1150).contains(n)), "{seen:?}");
        assert!((4_800.0..5_200.0).contains(&sum));
        assert_eq!(random.below(0), 0);
    }
}
