//! Thirty-two side by side with AVX2, which looks up bytes in 16. What is left at the end is made as if it were as many.

use super::{Parts, STEP, Scale};
use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_shuffle_epi32, _mm256_add_epi16, _mm256_adds_epi16,
    _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_castsi256_si128,
    _mm256_cmpeq_epi8, _mm256_cmpeq_epi16, _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_max_epu8, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_mullo_epi16, _mm256_or_si256,
    _mm256_packs_epi16, _mm256_packus_epi16, _mm256_packus_epi32, _mm256_permute4x64_epi64, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_ps, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sign_epi16, _mm256_slli_epi16,
    _mm256_srai_epi16, _mm256_srli_epi16, _mm256_srli_epi32, _mm256_storeu_si256, _mm256_sub_epi16, _mm256_sub_ps,
    _mm256_subs_epi16, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm256_xor_si256,
};

/// Samples in a register, and octets made at a time.
const WORDS: usize = 16;
const AT_ONCE: usize = 2 * WORDS;
/// Samples of 20 ms.
const USUAL: usize = 160;

/// Sixteen samples, or thirty-two octets.
#[target_feature(enable = "avx2")]
#[inline]
fn words(samples: &[i16; WORDS]) -> __m256i {
    // SAFETY: it is a reference to an array of 32 octets.
    unsafe { _mm256_loadu_si256(samples.as_ptr().cast()) }
}

/// What bytes from 0 to 15 are looked up in.
#[target_feature(enable = "avx2")]
#[inline]
fn table(bytes: [u8; 16]) -> __m256i {
    // SAFETY: it is an array of 16 octets.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// The same of each segment, whatever the sign.
const fn twice(segments: [u8; 8]) -> [u8; 16] {
    let (mut both, mut n) = ([0; 16], 0);
    while n < both.len() {
        both[n] = segments[n % 8];
        n += 1;
    }
    both
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn expand<S: Scale>(from: &[u8], to: &mut [i16]) {
    let count = from.len().min(to.len());
    let ((from, from_rest), (to, to_rest)) = (from[..count].as_chunks::<WORDS>(), to[..count].as_chunks_mut::<WORDS>());
    for (from, to) in from.iter().zip(to) {
        expand_words::<S>(from, to);
    }
    if !to_rest.is_empty() {
        let (mut octets, mut samples) = ([0; WORDS], [0; WORDS]);
        octets[..from_rest.len()].copy_from_slice(from_rest);
        expand_words::<S>(&octets, &mut samples);
        to_rest.copy_from_slice(&samples[..to_rest.len()]);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn expand_words<S: Scale>(from: &[u8; WORDS], to: &mut [i16; WORDS]) {
    // SAFETY: it is a reference to an array of 16 octets.
    let octets = _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(from.as_ptr().cast()) });
    // Sign, segment and step, and the highest bit of each word, which keeps bytes there from being looked up.
    let code = _mm256_xor_si256(octets, _mm256_set1_epi16(i16::MIN | i16::from(S::INVERTED)));
    // Of a byte looked up the bits in between do not matter.
    let segment = _mm256_srai_epi16::<4>(code);
    let step = _mm256_and_si256(code, _mm256_set1_epi16(i16::MIN | 15));
    let steps = _mm256_shuffle_epi8(table(S::STEPS), step);
    let times = _mm256_shuffle_epi8(table(const { twice(S::TIMES) }), segment);
    let mut value = _mm256_mullo_epi16(steps, times);
    if let Some(more) = const { S::MORE } {
        let more = _mm256_shuffle_epi8(table(twice(more)), segment);
        value = _mm256_add_epi16(value, _mm256_slli_epi16::<8>(more));
    }
    let mut sign = _mm256_slli_epi16::<8>(code);
    if S::BIAS == 0 {
        // The least is more than nothing, and has a sign.
        sign = _mm256_or_si256(sign, _mm256_set1_epi16(1));
    } else {
        value = _mm256_sub_epi16(value, _mm256_set1_epi16(S::BIAS));
    }
    let samples = _mm256_sign_epi16(value, sign);
    // SAFETY: it is a reference to an array of 32 octets.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), samples) };
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn compress<S: Scale>(samples: &[i16], to: &mut [u8]) {
    let count = samples.len().min(to.len());
    let ((samples, samples_rest), (to, to_rest)) =
        (samples[..count].as_chunks::<AT_ONCE>(), to[..count].as_chunks_mut::<AT_ONCE>());
    for (samples, to) in samples.iter().zip(to) {
        write::<S>(halves(samples), to);
    }
    if !to_rest.is_empty() {
        let mut octets = [0; AT_ONCE];
        write::<S>(halves(&padded(samples_rest)), &mut octets);
        to_rest.copy_from_slice(&octets[..to_rest.len()]);
    }
}

/// As if there were more.
fn padded(rest: &[i16]) -> [i16; AT_ONCE] {
    let mut samples = [0; AT_ONCE];
    samples[..rest.len()].copy_from_slice(rest);
    samples
}

#[target_feature(enable = "avx2")]
#[inline]
fn halves(samples: &[i16; AT_ONCE]) -> [__m256i; 2] {
    let (halves, _) = samples.as_chunks();
    [words(&halves[0]), words(&halves[1])]
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn compress_others<S: Scale>(sum: Parts, own: &[i16], to: &mut [u8]) -> u32 {
    let count = sum.fits.len().min(sum.over.len()).min(own.len()).min(to.len());
    let (own, to) = (&own[..count], &mut to[..count]);
    if sum.is_over {
        return others_of_much::<S>(sum, own, to);
    }
    let fits = &sum.fits[..count];
    // The usual length once more: of one that is known there is nothing to count.
    let loudest = match to.first_chunk_mut::<USUAL>() {
        Some(to) if count == USUAL => others_that_fit::<S>(fits, own, to),
        _ => others_that_fit::<S>(fits, own, to),
    };
    // What is clamped has the greatest of all codes, which is seldom there at all.
    if _mm256_movemask_epi8(_mm256_cmpeq_epi8(loudest, _mm256_set1_epi8(-1))) == 0 {
        return 0;
    }
    // In as many bits as the samples, so that it is done side by side: a chunk has far fewer samples.
    let is_clamped = |(fits, own): (&i16, &i16)| u16::from(fits.saturating_sub(*own) != fits.wrapping_sub(*own));
    u32::from(fits.iter().zip(own).map(is_clamped).fold(0, u16::wrapping_add))
}

/// Of a sum of which nothing is over. Says the greatest code, see [`write`]: of which of them does not matter.
#[target_feature(enable = "avx2")]
#[inline]
fn others_that_fit<S: Scale>(fits: &[i16], own: &[i16], to: &mut [u8]) -> __m256i {
    let (fits, fits_rest) = fits[..to.len()].as_chunks::<AT_ONCE>();
    let (own, own_rest) = own[..to.len()].as_chunks::<AT_ONCE>();
    let (to, to_rest) = to.as_chunks_mut::<AT_ONCE>();
    let others = |fits, own| {
        let ([one, other], own) = (halves(fits), halves(own));
        [_mm256_subs_epi16(one, own[0]), _mm256_subs_epi16(other, own[1])]
    };
    let mut loudest = _mm256_setzero_si256();
    for ((fits, own), to) in fits.iter().zip(own).zip(to) {
        loudest = _mm256_max_epu8(loudest, write::<S>(others(fits, own), to));
    }
    if !to_rest.is_empty() {
        let mut octets = [0; AT_ONCE];
        let others = others(&padded(fits_rest), &padded(own_rest));
        loudest = _mm256_max_epu8(loudest, write::<S>(others, &mut octets));
        to_rest.copy_from_slice(&octets[..to_rest.len()]);
    }
    loudest
}

/// Of any sum, as long as its parts are. Says how many are clamped.
#[target_feature(enable = "avx2")]
#[inline]
fn others_of_much<S: Scale>(sum: Parts, own: &[i16], to: &mut [u8]) -> u32 {
    let mut exact = _mm256_setzero_si256();
    let mut others = |fits, over, own| {
        let (fits, over, own) = (halves(fits), halves(over), halves(own));
        let of_half = |n: usize| {
            // Where anything is over, what fits is at the end of its range: nothing is lost by what is clamped first, and whatever was is
            // clamped in the end.
            let own = _mm256_subs_epi16(own[n], over[n]);
            let others = _mm256_subs_epi16(fits[n], own);
            (others, _mm256_cmpeq_epi16(others, _mm256_sub_epi16(fits[n], own)))
        };
        let ((one, is_one_exact), (other, is_other_exact)) = (of_half(0), of_half(1));
        // What is true is -1.
        exact = _mm256_sub_epi16(exact, _mm256_add_epi16(is_one_exact, is_other_exact));
        [one, other]
    };
    let count = to.len();
    let (fits, fits_rest) = sum.fits[..count].as_chunks::<AT_ONCE>();
    let (over, over_rest) = sum.over[..count].as_chunks::<AT_ONCE>();
    let (own, own_rest) = own[..count].as_chunks::<AT_ONCE>();
    let (to, to_rest) = to[..count].as_chunks_mut::<AT_ONCE>();
    let mut made = to.len() * AT_ONCE;
    for (((fits, over), own), to) in fits.iter().zip(over).zip(own).zip(to) {
        write::<S>(others(fits, over, own), to);
    }
    if !to_rest.is_empty() {
        let mut octets = [0; AT_ONCE];
        write::<S>(others(&padded(fits_rest), &padded(over_rest), &padded(own_rest)), &mut octets);
        to_rest.copy_from_slice(&octets[..to_rest.len()]);
        made += AT_ONCE;
    }
    // Fewer in each place than fit into 16 bits, if it is no more than 65 s.
    let pairs = _mm256_madd_epi16(exact, _mm256_set1_epi16(1));
    let four = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0x4e>(four));
    let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0xb1>(two));
    made as u32 - _mm_cvtsi128_si32(one) as u32
}

/// The highest bit of a code, which is the sign on the line.
const TOP: u8 = 0x80;

/// Writes the octets of two times sixteen samples. Says their codes, in some order: segment and step, with the highest bit set.
#[target_feature(enable = "avx2")]
#[inline]
fn write<S: Scale>([one, other]: [__m256i; 2], to: &mut [u8; AT_ONCE]) -> __m256i {
    let (one_sign, other_sign) = (_mm256_srai_epi16::<15>(one), _mm256_srai_epi16::<15>(other));
    let (one, other) = (_mm256_xor_si256(one, one_sign), _mm256_xor_si256(other, other_sign));
    let mut codes = _mm256_packus_epi16(segments_and_steps::<S>(one), segments_and_steps::<S>(other));
    if let Some(steps) = S::EQUAL_STEPS {
        let equal = |magnitude| _mm256_srli_epi16::<{ STEP as i32 }>(magnitude);
        let equal = _mm256_packus_epi16(equal(one), equal(other));
        let equal = _mm256_min_epu8(equal, _mm256_set1_epi8(steps as i8 - 1));
        codes = _mm256_max_epu8(codes, _mm256_or_si256(equal, _mm256_set1_epi8(TOP as i8)));
    }
    let sign = _mm256_and_si256(_mm256_packs_epi16(one_sign, other_sign), _mm256_set1_epi8(TOP as i8));
    let octets = _mm256_xor_si256(_mm256_xor_si256(codes, sign), _mm256_set1_epi8((S::INVERTED ^ TOP) as i8));
    // To pack takes half of the one and half of the other in turn.
    let in_order = _mm256_permute4x64_epi64::<0xd8>(octets);
    // SAFETY: it is a reference to an array of 32 octets.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), in_order) };
    codes
}

/// Exponent and the four bits after the leading one of sixteen magnitudes, with the bias, as a floating-point number has them: 128 more than
/// the law says, and of what is less than 128 less than that.
#[target_feature(enable = "avx2")]
#[inline]
fn segments_and_steps<S: Scale>(magnitudes: __m256i) -> __m256i {
    // A number of this exponent has the magnitude in its lowest bits. Less what it would be without, it is the magnitude times a power of two
    // by which 1 has an exponent of 1, and 128 one of 8, which is the first segment with the highest bit set. That is exact, and the least of
    // them is no subnormal number.
    const EXPONENT: u32 = 24;
    // What goes beyond a sample is as much as fits.
    let biased = _mm256_adds_epi16(magnitudes, _mm256_set1_epi16(S::BIAS));
    let exponent = _mm256_set1_epi16((EXPONENT << 7) as i16);
    let least = _mm256_set1_ps(f32::from_bits(EXPONENT << 23));
    let part = |number| _mm256_srli_epi32::<19>(_mm256_castps_si256(_mm256_sub_ps(_mm256_castsi256_ps(number), least)));
    _mm256_packus_epi32(part(_mm256_unpacklo_epi16(biased, exponent)), part(_mm256_unpackhi_epi16(biased, exponent)))
}
