//! Sums of squares of blocks of samples: what the energy of a leg is made of.
//!
//! Written out by hand like [`crate::mirror`], and for the same reason: multiplying sixteen bits by sixteen and adding in pairs is one
//! instruction. The arithmetic is that of whole numbers and exact, so the plain version gives the same.
//!
//! Data path: blocks of samples → [`each`] → a sum for each block.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]

use crate::{Instructions, Set};

/// The sum of the squares of each block, of the samples without so many lowest bits; with fewer sums than blocks, or the other way round,
/// the fewer decide.
#[inline]
pub fn each<const N: usize, const LEFT_OUT: i32>(blocks: &[[i16; N]], sums: &mut [u64]) {
    match Instructions::in_use().0 {
        // SAFETY: every processor of this architecture has it.
        #[cfg(target_arch = "x86_64")]
        Set::Plain => unsafe { with_sse2::<N, LEFT_OUT>(blocks, sums) },
        #[cfg(not(target_arch = "x86_64"))]
        Set::Plain => plain::<N, LEFT_OUT>(blocks, sums),
        // SAFETY: there are such `Instructions` only where the processor has them, see `Instructions::run`.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => unsafe { with_avx2::<N, LEFT_OUT>(blocks, sums) },
    }
}

/// The square of a sample without so many lowest bits.
#[inline(always)]
pub const fn square<const LEFT_OUT: i32>(sample: i16) -> u64 {
    let sample = (sample >> LEFT_OUT) as i64;
    (sample * sample) as u64
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn plain<const N: usize, const LEFT_OUT: i32>(blocks: &[[i16; N]], sums: &mut [u64]) {
    for (sum, block) in sums.iter_mut().zip(blocks) {
        *sum = block.iter().copied().map(square::<LEFT_OUT>).sum();
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn with_sse2<const N: usize, const LEFT_OUT: i32>(blocks: &[[i16; N]], sums: &mut [u64]) {
    use std::arch::x86_64::{
        _mm_add_epi64, _mm_and_si128, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_madd_epi16, _mm_set1_epi64x,
        _mm_setzero_si128, _mm_srai_epi16, _mm_srli_epi64, _mm_unpackhi_epi64,
    };
    let low = _mm_set1_epi64x(0xffff_ffff);
    for (sum, block) in sums.iter_mut().zip(blocks) {
        let (eights, rest) = block.as_chunks::<8>();
        let mut total = _mm_setzero_si128();
        for eight in eights {
            // SAFETY: it is 16 octets.
            let samples = unsafe { _mm_loadu_si128(std::ptr::from_ref(eight).cast()) };
            let samples = _mm_srai_epi16::<LEFT_OUT>(samples);
            // Two squares are 2^31 at most: without a sign they fit.
            let pairs = _mm_madd_epi16(samples, samples);
            let even = _mm_and_si128(pairs, low);
            total = _mm_add_epi64(total, _mm_add_epi64(even, _mm_srli_epi64::<32>(pairs)));
        }
        let total = _mm_add_epi64(total, _mm_unpackhi_epi64(total, total));
        *sum = _mm_cvtsi128_si64(total) as u64 + rest.iter().copied().map(square::<LEFT_OUT>).sum::<u64>();
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<const N: usize, const LEFT_OUT: i32>(blocks: &[[i16; N]], sums: &mut [u64]) {
    use std::arch::x86_64::{
        _mm_add_epi64, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_unpackhi_epi64, _mm256_add_epi64, _mm256_and_si256,
        _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi64x,
        _mm256_setzero_si256, _mm256_srai_epi16, _mm256_srli_epi64, _mm256_zextsi128_si256,
    };
    let low = _mm256_set1_epi64x(0xffff_ffff);
    let pairs_of = |samples| {
        let samples = _mm256_srai_epi16::<LEFT_OUT>(samples);
        // Two squares are 2^31 at most: without a sign they fit.
        let pairs = _mm256_madd_epi16(samples, samples);
        _mm256_add_epi64(_mm256_and_si256(pairs, low), _mm256_srli_epi64::<32>(pairs))
    };
    for (sum, block) in sums.iter_mut().zip(blocks) {
        let (sixteens, rest) = block.as_chunks::<16>();
        let (eights, rest) = rest.as_chunks::<8>();
        let mut total = _mm256_setzero_si256();
        for sixteen in sixteens {
            // SAFETY: it is 32 octets.
            let samples = unsafe { _mm256_loadu_si256(std::ptr::from_ref(sixteen).cast()) };
            total = _mm256_add_epi64(total, pairs_of(samples));
        }
        for eight in eights {
            // SAFETY: it is 16 octets.
            let samples = unsafe { _mm_loadu_si128(std::ptr::from_ref(eight).cast()) };
            total = _mm256_add_epi64(total, pairs_of(_mm256_zextsi128_si256(samples)));
        }
        let two = _mm_add_epi64(_mm256_castsi256_si128(total), _mm256_extracti128_si256::<1>(total));
        let one = _mm_add_epi64(two, _mm_unpackhi_epi64(two, two));
        *sum = _mm_cvtsi128_si64(one) as u64 + rest.iter().copied().map(square::<LEFT_OUT>).sum::<u64>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same<const N: usize, const LEFT_OUT: i32>() {
        let _alone = crate::tests::alone();
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16
        };
        let mut blocks: Vec<[i16; N]> = (0..40).map(|_| std::array::from_fn(|_| random())).collect();
        blocks.extend([[i16::MAX; N], [i16::MIN; N], [0; N]]);
        let (mut expected, mut sums) = (vec![0; blocks.len()], vec![1; blocks.len()]);
        plain::<N, LEFT_OUT>(&blocks, &mut expected);
        for instructions in Instructions::all() {
            instructions.put_to_use();
            each::<N, LEFT_OUT>(&blocks, &mut sums);
            assert_eq!(sums, expected, "{N} samples, {}", instructions.name());
        }
    }

    #[test]
    fn by_hand_and_plain_give_the_same() {
        same::<1, 0>();
        same::<1, 2>();
        same::<16, 0>();
        same::<16, 2>();
        same::<40, 0>();
        same::<40, 2>();
        same::<43, 0>();
        same::<43, 2>();
    }

    #[test]
    fn the_fewer_decide() {
        let mut sums = [7; 2];
        each::<8, 0>(&[[3; 8]], &mut sums);
        each::<8, 0>(&[], &mut sums);
        assert_eq!(sums, [72, 7]);
    }
}
