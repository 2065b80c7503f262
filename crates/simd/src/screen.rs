//! Energy of blocks of 16 samples and of windows of them, and correlation of spans of 32 with four waves: a first, coarse look at whether
//! tones are there at all.
//!
//! Written out by hand like [`crate::mirror`], of which it is a wider and cheaper kind: half the waves over twice the samples, even and odd
//! forms side by side. The arithmetic is that of whole numbers, so the plain version gives the same.
//!
//! Data path: blocks of samples → [`History`] → [`Energies`]; spans of samples, [`Waves`] → [`correlate`] → the power of each wave in each span.
//! Words: *even* is what is the same before and after the middle of a span, *odd* what has the opposite sign.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]

#[cfg(target_arch = "x86_64")]
use crate::fold;
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

/// Blocks in a window.
pub const WINDOW: usize = 6;
/// Blocks before those taken whose energies are known.
pub const HISTORY: usize = 11;
/// Most blocks taken at a time.
pub const AHEAD: usize = 10;
/// Samples in half a block, whose energies are told as well.
pub const HALF: usize = 8;

/// The energies of the last blocks of a leg, the newest last, of samples without their [`LEFT_OUT`] bits; then whatever it may be.
#[derive(Debug, Clone, Default)]
#[repr(C, align(64))]
pub struct History(pub [f32; 16]);

/// The energy of blocks that were taken, and of those before them.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Energies {
    /// Of the [`HISTORY`] blocks before, and of those taken, of samples without their [`LEFT_OUT`] bits; then zeroes.
    pub blocks: [f32; 32],
    /// Means over the windows that end with each of these from the [`WINDOW`]th on, of samples with all their bits. What there is
    /// beyond the last block means nothing.
    pub windows: [f32; 16],
    /// Of each half of a block taken, of samples without their [`LEFT_OUT`] bits; then zeroes.
    pub halves: [u32; 2 * AHEAD],
    /// One of the blocks taken, or the one before, has as much as was asked for.
    pub is_loud: bool,
}

/// What a sum of squares of a window is to be multiplied by for a mean.
const MEAN: f32 = (1 << (2 * LEFT_OUT)) as f32 / (WINDOW * BLOCK) as f32;

impl History {
    /// Takes the next blocks, [`AHEAD`] at most; more are left out.
    #[inline]
    pub fn take(&mut self, blocks: &[[i16; BLOCK]], loud: f32) -> Energies {
        let blocks = &blocks[..blocks.len().min(AHEAD)];
        match Instructions::in_use().0 {
            // SAFETY: there are such `Instructions` only where the processor has them, see `Instructions::run`.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { self.take_with_avx512(blocks, loud) },
            _ => self.take_plain(blocks, loud),
        }
    }

    #[inline(always)]
    fn take_plain(&mut self, blocks: &[[i16; BLOCK]], loud: f32) -> Energies {
        let mut all = Energies { blocks: [0.0; 32], windows: [0.0; 16], halves: [0; 2 * AHEAD], is_loud: false };
        all.blocks[..HISTORY].copy_from_slice(&self.0[..HISTORY]);
        for (half, samples) in all.halves.iter_mut().zip(blocks.as_flattened().as_chunks::<HALF>().0) {
            *half = samples.iter().map(|&sample| i32::from(sample >> LEFT_OUT).pow(2)).sum::<i32>() as u32;
        }
        for (energy, [one, other]) in all.blocks[HISTORY..].iter_mut().zip(all.halves.as_chunks().0) {
            *energy = (one + other) as i32 as f32;
        }
        // All windows side by side; each adds in the order of its blocks.
        for energies in all.blocks[..WINDOW + 15].windows(16) {
            all.windows.iter_mut().zip(energies).for_each(|(window, energy)| *window += energy);
        }
        all.windows = all.windows.map(|window| window * MEAN);
        all.is_loud = all.blocks[HISTORY - 1..].iter().any(|&energy| energy >= loud);
        self.0[..HISTORY].copy_from_slice(&all.blocks[blocks.len()..][..HISTORY]);
        all
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
    fn take_with_avx512(&mut self, blocks: &[[i16; BLOCK]], loud: f32) -> Energies {
        use std::arch::x86_64::{
            __m512, __m512i, _CMP_GE_OQ, _mm_storeu_si128, _mm512_add_epi32, _mm512_add_ps, _mm512_alignr_epi32,
            _mm512_castps_si512, _mm512_castsi512_ps, _mm512_castsi512_si128, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps,
            _mm512_loadu_ps, _mm512_madd_epi16, _mm512_mask_blend_epi32, _mm512_maskz_loadu_epi16,
            _mm512_maskz_permutex2var_epi32, _mm512_maskz_permutexvar_ps, _mm512_mul_ps, _mm512_permutex2var_ps,
            _mm512_permutexvar_epi32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32, _mm512_shuffle_epi32,
            _mm512_srai_epi16, _mm512_storeu_ps, _mm512_storeu_si512,
        };
        let mut all = Energies { blocks: [0.0; 32], windows: [0.0; 16], halves: [0; 2 * AHEAD], is_loud: false };
        // Two blocks at a time; what there are no blocks for is zero.
        let squares = |two: usize| -> __m512i {
            let left = blocks.len().saturating_sub(2 * two).min(2);
            let samples = blocks.as_ptr().wrapping_add(2 * two).cast();
            // SAFETY: as many samples are loaded as there are blocks left.
            let samples = unsafe { _mm512_maskz_loadu_epi16(((1u64 << (left * BLOCK)) - 1) as u32, samples) };
            let samples = _mm512_srai_epi16::<LEFT_OUT>(samples);
            let pairs = _mm512_madd_epi16(samples, samples);
            _mm512_add_epi32(pairs, _mm512_shuffle_epi32::<0xb1>(pairs))
        };
        // Rows and columns change places, so that one addition serves four.
        let [one, other] = [0, 2].map(|two| _mm512_mask_blend_epi32(0xaaaa, squares(two), squares(two + 1)));
        let one = _mm512_add_epi32(one, _mm512_shuffle_epi32::<0x4e>(one));
        let other = _mm512_add_epi32(other, _mm512_shuffle_epi32::<0x4e>(other));
        let back = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let first = _mm512_permutexvar_epi32(back, _mm512_mask_blend_epi32(0xcccc, one, other));
        let last = squares(4);
        let last = _mm512_permutexvar_epi32(back, _mm512_add_epi32(last, _mm512_shuffle_epi32::<0x4e>(last)));
        // SAFETY: sixteen and four halves.
        unsafe {
            _mm512_storeu_si512(all.halves.as_mut_ptr().cast(), first);
            _mm_storeu_si128(all.halves.as_mut_ptr().add(16).cast(), _mm512_castsi512_si128(last));
        }
        let both = |halves: __m512i| _mm512_add_epi32(halves, _mm512_shuffle_epi32::<0xb1>(halves));
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 0, 0, 0, 0, 0, 0);
        let new = _mm512_cvtepi32_ps(_mm512_maskz_permutex2var_epi32(0x3ff, both(first), even, both(last)));
        // SAFETY: it is 64 octets.
        let before = unsafe { _mm512_loadu_ps(self.0.as_ptr()) };
        let beside = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 19, 20);
        let low = _mm512_permutex2var_ps(before, beside, new);
        let rest = _mm512_setr_epi32(5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        let high = _mm512_maskz_permutexvar_ps(0x1f, rest, new);
        macro_rules! from {
            ($block:literal) => {
                _mm512_castsi512_ps(_mm512_alignr_epi32::<$block>(_mm512_castps_si512(high), _mm512_castps_si512(low)))
            };
        }
        let add = |one: __m512, other: __m512| _mm512_add_ps(one, other);
        let windows = add(add(add(add(add(low, from!(1)), from!(2)), from!(3)), from!(4)), from!(5));
        let loud = _mm512_set1_ps(loud);
        all.is_loud = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(low, loud) >> (HISTORY - 1) != 0
            || _mm512_cmp_ps_mask::<_CMP_GE_OQ>(high, loud) != 0;
        let count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let next = _mm512_add_epi32(count, _mm512_set1_epi32(blocks.len() as i32));
        // SAFETY: each is 64 octets.
        unsafe {
            _mm512_storeu_ps(all.windows.as_mut_ptr(), _mm512_mul_ps(windows, _mm512_set1_ps(MEAN)));
            _mm512_storeu_ps(all.blocks.as_mut_ptr(), low);
            _mm512_storeu_ps(all.blocks.as_mut_ptr().add(16), high);
            _mm512_storeu_ps(self.0.as_mut_ptr(), _mm512_permutex2var_ps(low, next, high));
        }
        all
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
        // SAFETY, of both: there are such `Instructions` only where the processor has them, see `Instructions::run`.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => unsafe { with_avx2(spans, waves, powers) },
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => unsafe { with_avx512(spans, waves, powers) },
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

/// The sums of the squares of what the even forms of the waves show and what the odd ones do.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn power(sum: std::arch::x86_64::__m256i, powers: &mut [f32; WAVES]) {
    use std::arch::x86_64::{
        _mm_add_ps, _mm_storeu_ps, _mm256_castps256_ps128, _mm256_cvtepi32_ps, _mm256_extractf128_ps, _mm256_mul_ps,
    };
    let sum = _mm256_cvtepi32_ps(sum);
    let squares = _mm256_mul_ps(sum, sum);
    let power = _mm_add_ps(_mm256_castps256_ps128(squares), _mm256_extractf128_ps::<1>(squares));
    // SAFETY: the powers of a span are 16 octets.
    unsafe { _mm_storeu_ps(std::ptr::from_mut(powers).cast(), power) };
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_permute2x128_si256, _mm256_shuffle_epi32,
    };
    // SAFETY: it is a reference to an array of 32 octets.
    let wave = |pair: &[[i16; 2]; 2 * WAVES]| unsafe { _mm256_loadu_si256(std::ptr::from_ref(pair).cast()) };
    for (powers, span) in powers.iter_mut().zip(spans) {
        let (halves, _) = span.as_chunks();
        let (even, odd) = fold::sixteen::<{ LEFT_OUT as i32 }>(&halves[0], &halves[1]);
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
        power(sum, powers);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
fn with_avx512(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_loadu_si256, _mm512_add_epi32, _mm512_castsi256_si512, _mm512_castsi512_si256,
        _mm512_extracti64x4_epi64, _mm512_inserti64x4, _mm512_madd_epi16, _mm512_shuffle_epi32, _mm512_shuffle_i64x2,
    };
    // SAFETY: it is a reference to an array of 32 octets.
    let wave = |pair: &[[i16; 2]; 2 * WAVES]| unsafe { _mm256_loadu_si256(std::ptr::from_ref(pair).cast()) };
    // Those of an outer pair below, those of an inner one above.
    let both: [_; 4] = std::array::from_fn(|pair| {
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(wave(&waves.0[pair])), wave(&waves.0[4 + pair]))
    });
    for (powers, span) in powers.iter_mut().zip(spans) {
        let (halves, _) = span.as_chunks();
        let (even, odd) = fold::sixteen::<{ LEFT_OUT as i32 }>(&halves[0], &halves[1]);
        // By quarters: the outer pairs even and odd, then the inner ones.
        let folded = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(even), odd);
        let folded = _mm512_shuffle_i64x2::<0xd8>(folded, folded);
        let first = _mm512_madd_epi16(_mm512_shuffle_epi32::<0x00>(folded), both[0]);
        let second = _mm512_madd_epi16(_mm512_shuffle_epi32::<0x55>(folded), both[1]);
        let third = _mm512_madd_epi16(_mm512_shuffle_epi32::<0xaa>(folded), both[2]);
        let fourth = _mm512_madd_epi16(_mm512_shuffle_epi32::<0xff>(folded), both[3]);
        let sum = _mm512_add_epi32(_mm512_add_epi32(first, second), _mm512_add_epi32(third, fourth));
        let sum = _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum));
        power(sum, powers);
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
        blocks.extend([[i16::MIN; BLOCK], [i16::MAX; BLOCK], [0; BLOCK], [0; BLOCK]]);
        for instructions in Instructions::all() {
            instructions.put_to_use();
            let (mut one, mut other) = (History::default(), History::default());
            let mut energies = vec![0.0; HISTORY];
            for round in 0..200 {
                let count = round % (AHEAD + 1);
                let blocks = &blocks[round % 3..][..count];
                let loud = [1.0, 1e9][round % 2];
                let (one, other) = (one.take(blocks, loud), other.take_plain(blocks, loud));
                assert_eq!(format!("{one:?}"), format!("{other:?}"), "{count} blocks, {}", instructions.name());
                energies.extend(
                    blocks
                        .iter()
                        .map(|block| block.iter().map(|&sample| f32::from(sample >> LEFT_OUT).powi(2)).sum::<f32>()),
                );
                let last = &energies[energies.len() - HISTORY - count..];
                for (found, expected) in one.blocks.iter().zip(last) {
                    assert!((found - expected).abs() <= expected * 1e-6, "{count} blocks");
                }
                for (found, blocks) in one.windows.iter().zip(last.windows(WINDOW)) {
                    let expected = blocks.iter().sum::<f32>() * 16.0 / 96.0;
                    assert!((found - expected).abs() <= expected * 1e-6, "{count} blocks");
                }
                assert_eq!(one.is_loud, last[HISTORY - 1..].iter().any(|&energy| energy >= loud));
            }
        }
    }
}
