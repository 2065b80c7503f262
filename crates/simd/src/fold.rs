//! Samples folded around their middle: what the kernels by hand of [`crate::mirror`] and [`crate::screen`] have in common.
//!
//! A wave that is even around the middle sees the sum of the two samples that are as far from it, an odd one their difference: half the
//! multiplications.

#![allow(unsafe_code, reason = "see SAFETY")]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_loadu_si256, _mm256_permute4x64_epi64, _mm256_set_epi8, _mm256_shuffle_epi8,
    _mm256_srai_epi16, _mm256_sub_epi16,
};

/// Sixteen samples and the sixteen that are as far behind the middle, all without so many lowest bits: what is even in them, and what is
/// odd and counts as it is after the middle, the samples farthest from the middle first.
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn sixteen<const LEFT_OUT: i32>(early: &[i16; 16], late: &[i16; 16]) -> (__m256i, __m256i) {
    // SAFETY: it is a reference to an array of 32 octets.
    let load = |samples: &[i16; 16]| unsafe { _mm256_loadu_si256(std::ptr::from_ref(samples).cast()) };
    let early = _mm256_srai_epi16::<LEFT_OUT>(load(early));
    let late = _mm256_srai_epi16::<LEFT_OUT>(load(late));
    let late = _mm256_permute4x64_epi64::<0x4e>(_mm256_shuffle_epi8(late, backwards()));
    (_mm256_add_epi16(late, early), _mm256_sub_epi16(late, early))
}

/// Which octets bring eight samples in either half backwards.
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn backwards() -> __m256i {
    _mm256_set_epi8(
        1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14,
    )
}
