//! Energy of blocks of 16 samples, and correlation of spans of 32 with four waves: a first, coarse look at whether tones are there at
//! all.
//!
//! Written out by hand like [`crate::mirror`], of which it is a wider and cheaper kind: half the waves over twice the samples, even and odd
//! forms side by side. The arithmetic is that of whole numbers, so the plain version gives the same.
//!
//! Data path: blocks of samples → [`energies`]; spans of samples, [`Waves`] → [`correlate`] → the power of each wave in each span.
//! Words: *even* is what is the same before and after the middle of a span, *odd* what has the opposite sign.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]

use crate::{Instructions, Set};

/// Samples in a block.
pub const BLOCK: usize = 16;
/// Samples in a span.
pub const SPAN: usize = 32;
/// Waves, each in its even and its odd form.
pub const WAVES: usize = 4;
/// Of the samples so many lowest bits are left out, so that all sums fit into 32 bits.
pub const LEFT_OUT: u32 = 2;
/// Greatest value of a wave.
pub const AMPLITUDE: f64 = 8_000.0;

/// The waves at the samples after the middle of a span, the last first, two samples beside each other: the even forms, then the odd
/// ones, which are positive after the middle.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Waves(pub [[[i16; 2]; 2 * WAVES]; SPAN / 4]);

/// The sum of the squares of each block, of the samples without their [`LEFT_OUT`] bits. The sums are four to a group; what there is
/// in the last group beyond the last block is zero.
#[inline]
pub fn energies(blocks: &[[i16; BLOCK]], sums: &mut [[f32; 4]]) {
    match Instructions::in_use().0 {
        // SAFETY: every processor of this architecture has it.
        #[cfg(target_arch = "x86_64")]
        Set::Plain => unsafe { energies_with_sse2(blocks, sums) },
        #[cfg(not(target_arch = "x86_64"))]
        Set::Plain => plain_energies(blocks, sums),
        // SAFETY: there are such `Instructions` only where the processor has them, see `Instructions::run`.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => unsafe { energies_with_avx2(blocks, sums) },
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn plain_energies(blocks: &[[i16; BLOCK]], sums: &mut [[f32; 4]]) {
    for (sums, blocks) in sums.iter_mut().zip(blocks.chunks(4)) {
        let energy =
            |block: &[i16; BLOCK]| block.iter().map(|&sample| i32::from(sample >> LEFT_OUT).pow(2)).sum::<i32>() as f32;
        *sums = std::array::from_fn(|n| blocks.get(n).map_or(0.0, energy));
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn energies_with_sse2(blocks: &[[i16; BLOCK]], sums: &mut [[f32; 4]]) {
    use std::arch::x86_64::{
        _mm_add_epi32, _mm_cvtepi32_ps, _mm_loadu_si128, _mm_madd_epi16, _mm_setzero_si128, _mm_srai_epi16,
        _mm_storeu_ps, _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi32, _mm_unpacklo_epi64,
    };
    // SAFETY, of all that goes through pointers: each is a reference to an array of 16 octets.
    let load = |eight: &[i16; 8]| unsafe {
        _mm_srai_epi16::<{ LEFT_OUT as i32 }>(_mm_loadu_si128(std::ptr::from_ref(eight).cast()))
    };
    for (sums, blocks) in sums.iter_mut().zip(blocks.chunks(4)) {
        let mut four = [_mm_setzero_si128(); 4];
        for (squares, block) in four.iter_mut().zip(blocks) {
            let (eights, _) = block.as_chunks::<8>();
            let (one, other) = (load(&eights[0]), load(&eights[1]));
            *squares = _mm_add_epi32(_mm_madd_epi16(one, one), _mm_madd_epi16(other, other));
        }
        // Rows and columns change places, so that one addition serves four blocks.
        let (low, high) = (_mm_unpacklo_epi32(four[0], four[1]), _mm_unpacklo_epi32(four[2], four[3]));
        let first = _mm_add_epi32(_mm_unpacklo_epi64(low, high), _mm_unpackhi_epi64(low, high));
        let (low, high) = (_mm_unpackhi_epi32(four[0], four[1]), _mm_unpackhi_epi32(four[2], four[3]));
        let last = _mm_add_epi32(_mm_unpacklo_epi64(low, high), _mm_unpackhi_epi64(low, high));
        // SAFETY: as above.
        unsafe { _mm_storeu_ps(std::ptr::from_mut(sums).cast(), _mm_cvtepi32_ps(_mm_add_epi32(first, last))) };
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn energies_with_avx2(blocks: &[[i16; BLOCK]], sums: &mut [[f32; 4]]) {
    use std::arch::x86_64::{
        _mm_add_epi32, _mm_cvtepi32_ps, _mm_storeu_ps, _mm256_castsi256_si128, _mm256_extracti128_si256,
        _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_setzero_si256, _mm256_srai_epi16,
    };
    for (sums, blocks) in sums.iter_mut().zip(blocks.chunks(4)) {
        let mut four = [_mm256_setzero_si256(); 4];
        for (squares, block) in four.iter_mut().zip(blocks) {
            // SAFETY: a block is 32 octets.
            let samples = unsafe { _mm256_loadu_si256(std::ptr::from_ref(block).cast()) };
            let samples = _mm256_srai_epi16::<{ LEFT_OUT as i32 }>(samples);
            *squares = _mm256_madd_epi16(samples, samples);
        }
        let [one, two] = [0, 2].map(|n| _mm256_hadd_epi32(four[n], four[n + 1]));
        let halves = _mm256_hadd_epi32(one, two);
        let sum = _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves));
        // SAFETY: the sums of a group are 16 octets.
        unsafe { _mm_storeu_ps(std::ptr::from_mut(sums).cast(), _mm_cvtepi32_ps(sum)) };
    }
}

/// Correlates each span; gives the sum of the squares of what its even and its odd form show, for each wave. The samples are without
/// their [`LEFT_OUT`] bits. With fewer powers than spans, or the other way round, the fewer decide.
#[inline]
pub fn correlate(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
    match Instructions::in_use().0 {
        // SAFETY: every processor of this architecture has it.
        #[cfg(target_arch = "x86_64")]
        Set::Plain => unsafe { with_sse2(spans, waves, powers) },
        #[cfg(not(target_arch = "x86_64"))]
        Set::Plain => plain(spans, waves, powers),
        // SAFETY: there are such `Instructions` only where the processor has them, see `Instructions::run`.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => unsafe { with_avx2(spans, waves, powers) },
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn plain(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
    for (powers, span) in powers.iter_mut().zip(spans) {
        let (mut even, mut odd) = ([0; WAVES], [0; WAVES]);
        let sample = |n: usize| i32::from(span[n] >> LEFT_OUT);
        for (pair, waves) in waves.0.iter().enumerate() {
            for (early, second) in [(2 * pair, 0), (2 * pair + 1, 1)] {
                let late = SPAN - 1 - early;
                for wave in 0..WAVES {
                    even[wave] += (sample(late) + sample(early)) * i32::from(waves[wave][second]);
                    odd[wave] += (sample(late) - sample(early)) * i32::from(waves[WAVES + wave][second]);
                }
            }
        }
        *powers = std::array::from_fn(|wave| (even[wave] as f32).powi(2) + (odd[wave] as f32).powi(2));
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn with_sse2(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi16, _mm_add_epi32, _mm_add_ps, _mm_cvtepi32_ps, _mm_loadu_si128, _mm_madd_epi16,
        _mm_mul_ps, _mm_setzero_si128, _mm_shuffle_epi32, _mm_shufflehi_epi16, _mm_shufflelo_epi16, _mm_srai_epi16,
        _mm_storeu_ps, _mm_sub_epi16,
    };
    // SAFETY, of all that goes through pointers: each is a reference to an array of 16 octets.
    let load = |eight: &[i16; 8]| unsafe { _mm_loadu_si128(std::ptr::from_ref(eight).cast()) };
    let wave = |pair: &[[i16; 2]; WAVES]| unsafe { _mm_loadu_si128(std::ptr::from_ref(pair).cast()) };
    let backwards = |eight| _mm_shuffle_epi32::<0x4e>(_mm_shufflehi_epi16::<0x1b>(_mm_shufflelo_epi16::<0x1b>(eight)));
    for (powers, span) in powers.iter_mut().zip(spans) {
        let (eights, _) = span.as_chunks::<8>();
        let (mut even_sum, mut odd_sum) = (_mm_setzero_si128(), _mm_setzero_si128());
        for half in 0..2 {
            let early = _mm_srai_epi16::<{ LEFT_OUT as i32 }>(load(&eights[half]));
            let late = backwards(_mm_srai_epi16::<{ LEFT_OUT as i32 }>(load(&eights[3 - half])));
            let spread = |folded: __m128i| {
                [
                    _mm_shuffle_epi32::<0x00>(folded),
                    _mm_shuffle_epi32::<0x55>(folded),
                    _mm_shuffle_epi32::<0xaa>(folded),
                    _mm_shuffle_epi32::<0xff>(folded),
                ]
            };
            let (even, odd) = (spread(_mm_add_epi16(late, early)), spread(_mm_sub_epi16(late, early)));
            for (pair, waves) in waves.0[4 * half..4 * half + 4].iter().enumerate() {
                let (forms, _) = waves.as_chunks::<WAVES>();
                even_sum = _mm_add_epi32(even_sum, _mm_madd_epi16(even[pair], wave(&forms[0])));
                odd_sum = _mm_add_epi32(odd_sum, _mm_madd_epi16(odd[pair], wave(&forms[1])));
            }
        }
        let (even, odd) = (_mm_cvtepi32_ps(even_sum), _mm_cvtepi32_ps(odd_sum));
        let power = _mm_add_ps(_mm_mul_ps(even, even), _mm_mul_ps(odd, odd));
        // SAFETY: the powers of a span are 16 octets.
        unsafe { _mm_storeu_ps(std::ptr::from_mut(powers).cast(), power) };
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
    use std::arch::x86_64::{
        _mm_add_ps, _mm_storeu_ps, _mm256_add_epi16, _mm256_add_epi32, _mm256_castps256_ps128, _mm256_cvtepi32_ps,
        _mm256_extractf128_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps, _mm256_permute2x128_si256,
        _mm256_permute4x64_epi64, _mm256_set_epi8, _mm256_shuffle_epi8, _mm256_shuffle_epi32, _mm256_srai_epi16,
        _mm256_sub_epi16,
    };
    // SAFETY, of all that goes through pointers: each is a reference to an array of 32 octets.
    let load = |sixteen: &[i16; 16]| unsafe { _mm256_loadu_si256(std::ptr::from_ref(sixteen).cast()) };
    let wave = |pair: &[[i16; 2]; 2 * WAVES]| unsafe { _mm256_loadu_si256(std::ptr::from_ref(pair).cast()) };
    let backwards = _mm256_set_epi8(
        1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14,
    );
    for (powers, span) in powers.iter_mut().zip(spans) {
        let (halves, _) = span.as_chunks::<16>();
        let early = _mm256_srai_epi16::<{ LEFT_OUT as i32 }>(load(&halves[0]));
        let late = _mm256_srai_epi16::<{ LEFT_OUT as i32 }>(load(&halves[1]));
        let late = _mm256_permute4x64_epi64::<0x4e>(_mm256_shuffle_epi8(late, backwards));
        let (even, odd) = (_mm256_add_epi16(late, early), _mm256_sub_epi16(late, early));
        // In each the even pairs are below and the odd ones above, so that a shuffle within halves brings both everywhere.
        let outer = _mm256_permute2x128_si256::<0x20>(even, odd);
        let inner = _mm256_permute2x128_si256::<0x31>(even, odd);
        macro_rules! products {
            ($folded:expr, $pair:literal, $shuffle:literal) => {
                _mm256_madd_epi16(_mm256_shuffle_epi32::<$shuffle>($folded), wave(&waves.0[$pair]))
            };
        }
        macro_rules! sum {
            ($folded:expr, $first:literal, $second:literal, $third:literal, $fourth:literal) => {
                _mm256_add_epi32(
                    _mm256_add_epi32(products!($folded, $first, 0x00), products!($folded, $second, 0x55)),
                    _mm256_add_epi32(products!($folded, $third, 0xaa), products!($folded, $fourth, 0xff)),
                )
            };
        }
        let sum = _mm256_add_epi32(sum!(outer, 0, 1, 2, 3), sum!(inner, 4, 5, 6, 7));
        let sum = _mm256_cvtepi32_ps(sum);
        let squares = _mm256_mul_ps(sum, sum);
        let power = _mm_add_ps(_mm256_castps256_ps128(squares), _mm256_extractf128_ps::<1>(squares));
        // SAFETY: the powers of a span are 16 octets.
        unsafe { _mm_storeu_ps(std::ptr::from_mut(powers).cast(), power) };
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
        let any = Waves(std::array::from_fn(|_| std::array::from_fn(|_| [random() / 4, random() / 4])));
        let mut spans: Vec<[i16; SPAN]> = (0..40).map(|_| std::array::from_fn(|_| random())).collect();
        spans.extend([[i16::MAX; SPAN], [i16::MIN; SPAN]]);
        spans.push(std::array::from_fn(|n| if n < SPAN / 2 { i16::MIN } else { i16::MAX }));
        let full = Waves([[[AMPLITUDE as i16; 2]; 2 * WAVES]; SPAN / 4]);
        for waves in [&any, &full] {
            let (mut one, mut other) = (vec![[0.0; WAVES]; spans.len()], vec![[1.0; WAVES]; spans.len()]);
            plain(&spans, waves, &mut one);
            for instructions in Instructions::all() {
                instructions.put_to_use();
                correlate(&spans, waves, &mut other);
                assert!(one == other, "{}", instructions.name());
            }
        }
    }

    #[test]
    fn energies_by_hand_and_plain_are_the_same() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16
        };
        let mut blocks: Vec<[i16; BLOCK]> = (0..9).map(|_| std::array::from_fn(|_| random())).collect();
        blocks.extend([[i16::MIN; BLOCK], [i16::MAX; BLOCK]]);
        for count in 0..=blocks.len() {
            let (mut one, mut other) = ([[1.0; 4]; 3], [[1.0; 4]; 3]);
            plain_energies(&blocks[..count], &mut one);
            for instructions in Instructions::all() {
                instructions.put_to_use();
                energies(&blocks[..count], &mut other);
                assert_eq!(one, other, "{count} blocks, {}", instructions.name());
            }
        }
    }
}
