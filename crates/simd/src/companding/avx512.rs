//! Thirty-two side by side with AVX-512, which looks up words in 64 and has a mask for what is left at the end.

use super::{STEP, Scale, Values};
use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm256_mask_storeu_epi8, _mm256_maskz_loadu_epi8, _mm256_storeu_si256,
    _mm512_add_epi16, _mm512_and_si512, _mm512_castps_si512, _mm512_cmpneq_epi16_mask, _mm512_cvtepi16_epi8,
    _mm512_cvtepi32_ps, _mm512_cvtepu8_epi16, _mm512_loadu_si512, _mm512_mask_mov_epi16, _mm512_mask_storeu_epi16,
    _mm512_mask_sub_epi16, _mm512_maskz_loadu_epi16, _mm512_max_epi16, _mm512_min_epi16, _mm512_packus_epi32,
    _mm512_permutex2var_epi16, _mm512_set1_epi16, _mm512_setzero_si512, _mm512_srai_epi16, _mm512_srli_epi16,
    _mm512_srli_epi32, _mm512_storeu_si512, _mm512_sub_epi16, _mm512_subs_epi16, _mm512_test_epi16_mask,
    _mm512_testn_epi16_mask, _mm512_unpackhi_epi16, _mm512_unpacklo_epi16, _mm512_xor_si512,
};

/// Samples done at a time.
const AT_ONCE: usize = 32;
/// Samples of 20 ms.
const USUAL: usize = 160;

/// A bit for each of what is left, which is less than [`AT_ONCE`].
fn left(count: usize) -> u32 {
    (1 << count) - 1
}

// SAFETY, of all that goes through pointers in the next four: what is whole is a reference to an array of so many octets, of the
// rest a slice only as many are touched as it has.

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn words(samples: &[i16]) -> __m512i {
    match samples.first_chunk::<AT_ONCE>() {
        Some(all) => unsafe { _mm512_loadu_si512(all.as_ptr().cast()) },
        None => unsafe { _mm512_maskz_loadu_epi16(left(samples.len()), samples.as_ptr()) },
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
#[inline]
fn octets(octets: &[u8]) -> __m512i {
    _mm512_cvtepu8_epi16(match octets.first_chunk::<AT_ONCE>() {
        Some(all) => unsafe { _mm256_loadu_si256(all.as_ptr().cast()) },
        None => unsafe { _mm256_maskz_loadu_epi8(left(octets.len()), octets.as_ptr().cast()) },
    })
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn write_words(samples: &mut [i16], what: __m512i) {
    match samples.first_chunk_mut::<AT_ONCE>() {
        Some(all) => unsafe { _mm512_storeu_si512(all.as_mut_ptr().cast(), what) },
        None => unsafe { _mm512_mask_storeu_epi16(samples.as_mut_ptr(), left(samples.len()), what) },
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
#[inline]
fn write_octets(octets: &mut [u8], what: __m256i) {
    match octets.first_chunk_mut::<AT_ONCE>() {
        Some(all) => unsafe { _mm256_storeu_si256(all.as_mut_ptr().cast(), what) },
        None => unsafe { _mm256_mask_storeu_epi8(octets.as_mut_ptr().cast(), left(octets.len()), what) },
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
pub(super) fn expand(values: &Values, from: &[u8], to: &mut [i16]) {
    let table: [__m512i; 4] = std::array::from_fn(|n| words(&values.0[n * AT_ONCE..]));
    let count = from.len().min(to.len());
    let ((from, from_rest), (to, to_rest)) =
        (from[..count].as_chunks::<AT_ONCE>(), to[..count].as_chunks_mut::<AT_ONCE>());
    for (from, to) in from.iter().zip(to) {
        write_words(to, expanded(&table, octets(from)));
    }
    if !from_rest.is_empty() {
        write_words(to_rest, expanded(&table, octets(from_rest)));
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
#[inline]
fn expanded(table: &[__m512i; 4], octets: __m512i) -> __m512i {
    // Six bits choose among two registers, the seventh between the pairs, the eighth is the sign.
    let low = _mm512_permutex2var_epi16(table[0], octets, table[1]);
    let high = _mm512_permutex2var_epi16(table[2], octets, table[3]);
    let is_high = _mm512_test_epi16_mask(octets, _mm512_set1_epi16(0x40));
    let value = _mm512_mask_mov_epi16(low, is_high, high);
    let is_negative = _mm512_testn_epi16_mask(octets, _mm512_set1_epi16(0x80));
    _mm512_mask_sub_epi16(value, is_negative, _mm512_setzero_si512(), value)
}

/// Exponent and the four bits after the leading one, as a floating-point number has them.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
#[inline]
fn segment_and_step(biased: __m512i) -> __m512i {
    _mm512_srli_epi32::<19>(_mm512_castps_si512(_mm512_cvtepi32_ps(biased)))
}

/// What is to be taken from that: a leading one of 128 is in the first segment.
const OFFSET: i16 = (127 + 7) << 4;

/// The octets of thirty-two samples.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
#[inline]
fn octets_of<S: Scale>(samples: __m512i) -> __m256i {
    let sign = _mm512_srai_epi16::<15>(samples);
    let magnitude = _mm512_xor_si512(samples, sign);
    let least = _mm512_min_epi16(magnitude, _mm512_set1_epi16(i16::MAX - S::BIAS));
    let biased = _mm512_add_epi16(least, _mm512_set1_epi16(S::BIAS));
    // As longs and back again, which brings them into the order they were in.
    let none = _mm512_setzero_si512();
    let one = segment_and_step(_mm512_unpacklo_epi16(biased, none));
    let other = segment_and_step(_mm512_unpackhi_epi16(biased, none));
    let code = _mm512_sub_epi16(_mm512_packus_epi32(one, other), _mm512_set1_epi16(OFFSET));
    let code = match S::EQUAL_STEPS {
        Some(steps) => {
            let step = _mm512_srli_epi16::<STEP>(magnitude);
            _mm512_max_epi16(code, _mm512_min_epi16(step, _mm512_set1_epi16(steps - 1)))
        }
        None => code,
    };
    let inverted = _mm512_xor_si512(code, _mm512_set1_epi16(i16::from(S::INVERTED)));
    _mm512_cvtepi16_epi8(_mm512_xor_si512(inverted, _mm512_and_si512(sign, _mm512_set1_epi16(0x80))))
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
pub(super) fn compress<S: Scale>(samples: &[i16], to: &mut [u8]) {
    let count = samples.len().min(to.len());
    let ((samples, samples_rest), (to, to_rest)) =
        (samples[..count].as_chunks::<AT_ONCE>(), to[..count].as_chunks_mut::<AT_ONCE>());
    for (samples, to) in samples.iter().zip(to) {
        write_octets(to, octets_of::<S>(words(samples)));
    }
    if !samples_rest.is_empty() {
        write_octets(to_rest, octets_of::<S>(words(samples_rest)));
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
#[inline]
pub(super) fn compress_others<S: Scale>(fits: &[i16], over: &[i16], own: &[i16], to: &mut [u8]) -> u32 {
    let count = fits.len().min(over.len()).min(own.len()).min(to.len());
    let (fits, over, own, to) = (&fits[..count], &over[..count], &own[..count], &mut to[..count]);
    // The usual length once more: of one that is known there is nothing to count.
    match to.first_chunk_mut::<USUAL>() {
        Some(to) if count == USUAL => compress_as_many::<S>(fits, over, own, to),
        _ => compress_as_many::<S>(fits, over, own, to),
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
#[inline]
fn compress_as_many<S: Scale>(fits: &[i16], over: &[i16], own: &[i16], to: &mut [u8]) -> u32 {
    let (fits, fits_rest) = fits[..to.len()].as_chunks::<AT_ONCE>();
    let (over, over_rest) = over[..to.len()].as_chunks::<AT_ONCE>();
    let (own, own_rest) = own[..to.len()].as_chunks::<AT_ONCE>();
    let (to, to_rest) = to.as_chunks_mut::<AT_ONCE>();
    let mut clamped = 0;
    for (((fits, over), own), to) in fits.iter().zip(over).zip(own).zip(to) {
        let (others, are_clamped) = others(words(fits), words(over), words(own));
        clamped += are_clamped.count_ones();
        write_octets(to, octets_of::<S>(others));
    }
    if !to_rest.is_empty() {
        let (others, are_clamped) = others(words(fits_rest), words(over_rest), words(own_rest));
        clamped += are_clamped.count_ones();
        write_octets(to_rest, octets_of::<S>(others));
    }
    clamped
}

/// The others in a sum, clamped, and which of them are.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
#[inline]
fn others(fits: __m512i, over: __m512i, own: __m512i) -> (__m512i, u32) {
    // Where anything is over, what fits is at the end of its range: nothing is lost by what is clamped first.
    let others = _mm512_subs_epi16(fits, _mm512_subs_epi16(own, over));
    (others, _mm512_cmpneq_epi16_mask(others, _mm512_sub_epi16(fits, _mm512_sub_epi16(own, over))))
}
