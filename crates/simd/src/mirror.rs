//! Correlation of blocks of samples with waves that are even or odd around the middle of the block.
//!
//! The one kernel that is written out by hand: multiplying sixteen bits by sixteen and adding in pairs is one instruction,
//! and compilers do not find it here; it takes half the time. The arithmetic is that of whole numbers, so the
//! plain version gives the same.
//!
//! Data path: blocks of 16 samples, [`Waves`] → [`correlate`] → a [`Correlation`] for each block.
//! Words: *even* is what is the same before and after the middle, *odd* what has the opposite sign.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]

use crate::{Instructions, Set};

/// Samples in a block.
pub const BLOCK: usize = 16;
/// Waves, each in its even and its odd form.
pub const WAVES: usize = 8;
/// Of the samples so many lowest bits are left out, so that all sums fit into 32 bits.
pub const LEFT_OUT: u32 = 2;
/// Greatest value of a wave.
pub const AMPLITUDE: f64 = 16_000.0;

/// The waves at the samples after the middle of a block, the last first, two samples beside each other: `[pair][wave]`.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Waves {
    /// Their even form.
    pub even: [[[i16; 2]; WAVES]; BLOCK / 4],
    /// Their odd form, positive after the middle.
    pub odd: [[[i16; 2]; WAVES]; BLOCK / 4],
}

/// Sums of products of a block's samples with each of the waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Correlation {
    /// With their even form.
    pub even: [i32; WAVES],
    /// With their odd form.
    pub odd: [i32; WAVES],
}

impl Correlation {
    /// That of silence.
    pub const NONE: Correlation = Correlation { even: [0; WAVES], odd: [0; WAVES] };
}

/// Correlates each block; what comes out has the samples without their [`LEFT_OUT`] bits. With fewer results than blocks, or the other
/// way round, the fewer decide.
#[inline]
pub fn correlate(blocks: &[[i16; BLOCK]], waves: &Waves, results: &mut [Correlation]) {
    match Instructions::in_use().0 {
        // Pairs are multiplied and added there as well.
        // SAFETY: every processor of this architecture has it.
        #[cfg(target_arch = "x86_64")]
        Set::Plain => unsafe { with_sse2(blocks, waves, results) },
        #[cfg(not(target_arch = "x86_64"))]
        Set::Plain => plain(blocks, waves, results),
        // SAFETY: there are such `Instructions` only where the processor has them, see `Instructions::run`.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => unsafe { with_avx2(blocks, waves, results) },
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn plain(blocks: &[[i16; BLOCK]], waves: &Waves, results: &mut [Correlation]) {
    for (result, block) in results.iter_mut().zip(blocks) {
        *result = Correlation::NONE;
        let sample = |n: usize| i32::from(block[n] >> LEFT_OUT);
        for (pair, (even, odd)) in waves.even.iter().zip(&waves.odd).enumerate() {
            let (one, other) = (2 * pair, 2 * pair + 1);
            let (last, last_but_one) = (BLOCK - 1 - one, BLOCK - 1 - other);
            for wave in 0..WAVES {
                result.even[wave] += (sample(last) + sample(one)) * i32::from(even[wave][0])
                    + (sample(last_but_one) + sample(other)) * i32::from(even[wave][1]);
                result.odd[wave] += (sample(last) - sample(one)) * i32::from(odd[wave][0])
                    + (sample(last_but_one) - sample(other)) * i32::from(odd[wave][1]);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn with_sse2(blocks: &[[i16; BLOCK]], waves: &Waves, results: &mut [Correlation]) {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi16, _mm_add_epi32, _mm_loadu_si128, _mm_madd_epi16, _mm_shuffle_epi32, _mm_shufflehi_epi16,
        _mm_shufflelo_epi16, _mm_srai_epi16, _mm_storeu_si128, _mm_sub_epi16,
    };
    for (result, block) in results.iter_mut().zip(blocks) {
        let samples: *const __m128i = std::ptr::from_ref(block).cast();
        // SAFETY: a block is two times 16 octets.
        let (early, late) = unsafe { (_mm_loadu_si128(samples), _mm_loadu_si128(samples.add(1))) };
        let early = _mm_srai_epi16::<{ LEFT_OUT as i32 }>(early);
        let late = _mm_srai_epi16::<{ LEFT_OUT as i32 }>(late);
        let late = _mm_shuffle_epi32::<0x4e>(_mm_shufflehi_epi16::<0x1b>(_mm_shufflelo_epi16::<0x1b>(late)));
        let pairs = |folded| {
            let pair = [
                _mm_shuffle_epi32::<0x00>(folded),
                _mm_shuffle_epi32::<0x55>(folded),
                _mm_shuffle_epi32::<0xaa>(folded),
                _mm_shuffle_epi32::<0xff>(folded),
            ];
            move |waves: &[[[i16; 2]; WAVES]; BLOCK / 4], half: usize, out: *mut __m128i| {
                let mut product = [pair[0]; 4];
                for (product, waves) in product.iter_mut().zip(waves.iter().enumerate()) {
                    let (n, waves) = (waves.0, std::ptr::from_ref(waves.1).cast::<__m128i>());
                    // SAFETY: the waves of a pair are two times 16 octets.
                    *product = _mm_madd_epi16(pair[n], unsafe { _mm_loadu_si128(waves.add(half)) });
                }
                let sum = _mm_add_epi32(_mm_add_epi32(product[0], product[1]), _mm_add_epi32(product[2], product[3]));
                // SAFETY: `out` is a result, two times 16 octets.
                unsafe { _mm_storeu_si128(out.add(half), sum) };
            }
        };
        let (even, odd) = (pairs(_mm_add_epi16(late, early)), pairs(_mm_sub_epi16(late, early)));
        for half in 0..2 {
            even(&waves.even, half, std::ptr::from_mut(&mut result.even).cast());
            odd(&waves.odd, half, std::ptr::from_mut(&mut result.odd).cast());
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(blocks: &[[i16; BLOCK]], waves: &Waves, results: &mut [Correlation]) {
    use std::arch::x86_64::{
        _mm_add_epi16, _mm_set_epi8, _mm_shuffle_epi8, _mm_sub_epi16, _mm256_add_epi32, _mm256_broadcastsi128_si256,
        _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_shuffle_epi32,
        _mm256_srai_epi16, _mm256_storeu_si256,
    };
    // SAFETY, of all that goes through pointers: each is a reference to an array of 32 octets.
    let load = |pairs: &[[i16; 2]; WAVES]| unsafe { _mm256_loadu_si256(std::ptr::from_ref(pairs).cast()) };
    let backwards = _mm_set_epi8(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    for (result, block) in results.iter_mut().zip(blocks) {
        // SAFETY: as above.
        let samples = unsafe { _mm256_loadu_si256(std::ptr::from_ref(block).cast()) };
        let samples = _mm256_srai_epi16::<{ LEFT_OUT as i32 }>(samples);
        let (early, late) = (_mm256_castsi256_si128(samples), _mm256_extracti128_si256::<1>(samples));
        let late = _mm_shuffle_epi8(late, backwards);
        // Both halves hold all eight, so that a shuffle within halves brings a pair everywhere.
        let even = _mm256_broadcastsi128_si256(_mm_add_epi16(late, early));
        let odd = _mm256_broadcastsi128_si256(_mm_sub_epi16(late, early));
        macro_rules! products {
            ($folded:expr, $waves:expr, $pair:literal, $shuffle:literal) => {
                _mm256_madd_epi16(_mm256_shuffle_epi32::<$shuffle>($folded), load(&$waves[$pair]))
            };
        }
        macro_rules! sum {
            ($folded:expr, $waves:expr) => {
                _mm256_add_epi32(
                    _mm256_add_epi32(products!($folded, $waves, 0, 0x00), products!($folded, $waves, 1, 0x55)),
                    _mm256_add_epi32(products!($folded, $waves, 2, 0xaa), products!($folded, $waves, 3, 0xff)),
                )
            };
        }
        let (even, odd) = (sum!(even, waves.even), sum!(odd, waves.odd));
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_si256(std::ptr::from_mut(&mut result.even).cast(), even);
            _mm256_storeu_si256(std::ptr::from_mut(&mut result.odd).cast(), odd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand_and_plain_give_the_same() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16
        };
        let mut wave = || std::array::from_fn(|_| std::array::from_fn(|_| [random() / 2, random() / 2]));
        let waves = Waves { even: wave(), odd: wave() };
        let mut blocks: Vec<[i16; BLOCK]> = (0..40).map(|_| std::array::from_fn(|_| random())).collect();
        blocks.push([i16::MAX; BLOCK]);
        blocks.push([i16::MIN; BLOCK]);
        blocks.push(std::array::from_fn(|n| if n % 2 == 0 { i16::MIN } else { i16::MAX }));
        let full = Waves { even: [[[16_000; 2]; WAVES]; 4], odd: [[[16_000; 2]; WAVES]; 4] };
        for waves in [&waves, &full] {
            let (mut one, mut other) = ([Correlation::NONE; 43], [Correlation::NONE; 43]);
            plain(&blocks, waves, &mut one);
            for instructions in Instructions::all() {
                instructions.put_to_use();
                correlate(&blocks, waves, &mut other);
                assert!(one == other, "{}", instructions.name());
            }
        }
    }
}
