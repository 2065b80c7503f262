//! With AVX2: samples are folded, one span is correlated after the other, and then all are compared side by side.

use super::{
    AHEAD, BEFORE, BLOCK, Chunk, Energies, FORTY, HISTORY, History, LEFT_OUT, MEAN, MOST, SPAN, Samples, Shares,
    Sought, WAVES, WHOLE, Waves,
};
use crate::fold;
use std::arch::x86_64::{
    __m128, __m128i, __m256, __m256i, _CMP_GE_OQ, _mm_add_epi32, _mm_add_ps, _mm_alignr_epi8, _mm_castps_si128,
    _mm_castsi128_ps, _mm_cvtepi32_ps, _mm_cvtss_f32, _mm_hadd_ps, _mm_loadu_ps, _mm_min_ps, _mm_min_ss,
    _mm_movehdup_ps, _mm_movehl_ps, _mm_setzero_ps, _mm_storeu_ps, _mm_storeu_si128, _mm256_add_epi32, _mm256_add_ps,
    _mm256_alignr_epi8, _mm256_and_ps, _mm256_blend_ps, _mm256_castpd_ps, _mm256_castps_pd, _mm256_castps_si256,
    _mm256_castps256_ps128, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cvtepi32_ps,
    _mm256_extractf128_ps, _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_hadd_ps, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_ps, _mm256_min_ps, _mm256_movemask_ps, _mm256_mul_ps,
    _mm256_permute2f128_ps, _mm256_permute2x128_si256, _mm256_permute4x64_pd, _mm256_permutevar8x32_ps,
    _mm256_set_m128, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_shuffle_epi32,
    _mm256_shuffle_ps, _mm256_srai_epi16, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_unpackhi_ps,
    _mm256_unpacklo_ps,
};

/// Four or eight numbers, from so many of the first on to the second.
macro_rules! from {
    (4, $one:expr, $other:expr) => {
        _mm256_permute2f128_ps::<0x21>($one, $other)
    };
    ($count:literal, $one:expr, $other:expr) => {
        _mm256_castsi256_ps(_mm256_alignr_epi8::<{ 4 * $count }>(
            _mm256_castps_si256(from!(4, $one, $other)),
            _mm256_castps_si256($one),
        ))
    };
}
macro_rules! from_four {
    ($count:literal, $one:expr, $other:expr) => {
        _mm_castsi128_ps(_mm_alignr_epi8::<{ 4 * $count }>(_mm_castps_si128($other), _mm_castps_si128($one)))
    };
}

/// The squares of a block, each two added; none if there is none.
#[target_feature(enable = "avx2")]
#[inline]
fn squares(block: Option<&[i16; BLOCK]>) -> __m256i {
    let Some(block) = block else { return _mm256_setzero_si256() };
    // SAFETY: it is a reference to an array of 32 octets.
    let samples = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
    let samples = _mm256_srai_epi16::<{ LEFT_OUT as i32 }>(samples);
    _mm256_madd_epi16(samples, samples)
}

/// Energies of halves of four blocks: the first halves, then the second ones.
#[target_feature(enable = "avx2")]
#[inline]
fn halves(blocks: [Option<&[i16; BLOCK]>; 4]) -> __m256i {
    let both = |one, other| _mm256_hadd_epi32(squares(one), squares(other));
    _mm256_hadd_epi32(both(blocks[0], blocks[1]), both(blocks[2], blocks[3]))
}

impl History {
    /// [`History::take_plain`] by hand.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn take_with_avx2(&mut self, samples: impl Samples, sought: &Sought, all: &mut Energies) -> u32 {
        let (Chunk { blocks, spans, first_end }, Sought { waves, shares }) = (samples.chunk(), sought);
        let is_whole = blocks.len() == AHEAD && first_end == 1;
        let halves = [0, 4, 8].map(|first| halves([0, 1, 2, 3].map(|n| blocks.get(first + n))));
        let whole: [__m128i; 3] = [0, 1, 2]
            .map(|n| _mm_add_epi32(_mm256_castsi256_si128(halves[n]), _mm256_extracti128_si256::<1>(halves[n])));
        forties(&halves, &whole, &mut all.forties);

        // Of the last before, and of those taken; then zeroes. In order: 8 of those before, 3 and 5, 5 and nothing.
        let [first, second, third] = whole.map(|four| _mm_cvtepi32_ps(four));
        // SAFETY: there are eleven.
        let (low, last) = unsafe {
            let energies = self.energies.as_ptr();
            (_mm256_loadu_ps(energies), _mm_loadu_ps(energies.add(HISTORY - 4)))
        };
        let middle = _mm256_set_m128(from_four!(1, first, second), from_four!(1, last, first));
        let high = _mm256_set_m128(from_four!(1, third, _mm_setzero_ps()), from_four!(1, second, third));
        // Three times two blocks each.
        let two = [
            _mm256_add_ps(low, from!(1, low, middle)),
            _mm256_add_ps(middle, from!(1, middle, high)),
            _mm256_add_ps(high, from!(1, high, _mm256_setzero_ps())),
        ];
        let windows = |one: __m256, other: __m256| {
            let six = _mm256_add_ps(_mm256_add_ps(one, from!(2, one, other)), from!(4, one, other));
            _mm256_mul_ps(six, _mm256_set1_ps(MEAN))
        };
        let windows = [windows(two[0], two[1]), windows(two[1], two[2])];
        all.quietest = least(_mm256_min_ps(windows[1], _mm256_blend_ps::<0b1100_0000>(windows[1], windows[0])));
        let mut in_order = [0.0; 32];
        // SAFETY: there are sixteen of the one, eleven of the other, and four times eight of what is in order.
        unsafe {
            _mm256_storeu_ps(all.windows.as_mut_ptr(), windows[0]);
            _mm256_storeu_ps(all.windows.as_mut_ptr().add(8), windows[1]);
            if is_whole {
                let energies = self.energies.as_mut_ptr();
                _mm_storeu_ps(energies, from_four!(3, last, first));
                _mm_storeu_ps(energies.add(4), from_four!(3, first, second));
                _mm_storeu_ps(energies.add(HISTORY - 4), from_four!(2, second, third));
            } else {
                _mm256_storeu_ps(in_order.as_mut_ptr(), low);
                _mm256_storeu_ps(in_order.as_mut_ptr().add(8), middle);
                _mm256_storeu_ps(in_order.as_mut_ptr().add(16), high);
                self.energies.copy_from_slice(&in_order[blocks.len()..][..HISTORY]);
            }
        }
        // A span that is loud has a block with half of it, or the one before.
        let loud =
            |energies| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(energies, _mm256_set1_ps(shares.energy / 2.0)));
        if loud(middle) >> (HISTORY - 1 - 8) | loud(high) == 0 {
            self.powers = Default::default();
            return 0;
        }
        // Two energies a span, from the first of those before.
        let energies = if is_whole {
            _mm256_set_m128(_mm_hadd_ps(second, third), _mm_hadd_ps(last, first))
        } else {
            let from = &in_order[HISTORY + first_end - 1 - 2 * BEFORE..][..16];
            // SAFETY: there are sixteen.
            let (one, other) = unsafe { (_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))) };
            let both = _mm256_castps_pd(_mm256_hadd_ps(one, other));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(both))
        };
        let mut powers = [[0.0; WAVES]; 8];
        powers[..BEFORE].copy_from_slice(&self.powers);
        correlate(spans, waves, &mut powers[BEFORE..BEFORE + MOST]);
        self.powers.copy_from_slice(&powers[spans.len()..][..BEFORE]);
        compare(&powers, energies, shares)
    }
}

/// Five halves each, of blocks of which the halves and the wholes are told.
#[target_feature(enable = "avx2")]
#[inline]
fn forties(halves: &[__m256i; 3], whole: &[__m128i; 3], forties: &mut [u32; AHEAD * BLOCK / FORTY]) {
    let mut of = [[0u32; 4]; 3];
    for (of, whole) in of.iter_mut().zip(whole) {
        // SAFETY: it is 16 octets.
        unsafe { _mm_storeu_si128(of.as_mut_ptr().cast(), *whole) };
    }
    let of = of.as_flattened();
    let half = |block: usize, second: usize| {
        let mut halves_of = [0u32; 8];
        // SAFETY: it is 32 octets.
        unsafe { _mm256_storeu_si256(halves_of.as_mut_ptr().cast(), halves[block / 4]) };
        halves_of[4 * second + block % 4]
    };
    *forties = [
        of[0] + of[1] + half(2, 0),
        half(2, 1) + of[3] + of[4],
        of[5] + of[6] + half(7, 0),
        half(7, 1) + of[8] + of[9],
    ];
}

/// The least of eight.
#[target_feature(enable = "avx2")]
#[inline]
fn least(eight: __m256) -> f32 {
    let four = _mm_min_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_min_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)))
}

/// [`super::correlate`] by hand.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn correlate(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
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
                _mm256_madd_epi16(_mm256_shuffle_epi32::<$shuffle>($folded), wave(&waves.pairs[$pair]))
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

/// The sums of the squares of what the even forms of the waves show and what the odd ones do.
#[target_feature(enable = "avx2")]
#[inline]
fn power(sum: __m256i, powers: &mut [f32; WAVES]) {
    let sum = _mm256_cvtepi32_ps(sum);
    let squares = _mm256_mul_ps(sum, sum);
    let power = _mm_add_ps(_mm256_castps256_ps128(squares), _mm256_extractf128_ps::<1>(squares));
    // SAFETY: the powers of a span are 16 octets.
    unsafe { _mm_storeu_ps(std::ptr::from_mut(powers).cast(), power) };
}

/// The same as [`super::compare`], of spans whose energies are told.
#[target_feature(enable = "avx2")]
#[inline]
fn compare(powers: &[[f32; WAVES]; 8], energies: __m256, shares: &Shares) -> u32 {
    // SAFETY: the powers of a span are 16 octets.
    let span = |span: usize| -> __m128 { unsafe { _mm_loadu_ps(powers[span].as_ptr()) } };
    // Of each wave, one span after the other.
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| _mm256_set_m128(span(n + 4), span(n)));
    let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
    let rows = [_mm256_shuffle_ps::<0x44>(ab, cd), _mm256_shuffle_ps::<0xee>(ab, cd)];
    let (ab, cd) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
    let columns = [_mm256_shuffle_ps::<0x44>(ab, cd), _mm256_shuffle_ps::<0xee>(ab, cd)];

    // There is no next of the last, which is not asked for.
    let next = |spans: __m256| _mm256_permutevar8x32_ps(spans, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 7));
    let add = |one: __m256, other: __m256| _mm256_add_ps(one, other);
    let max = |[one, other]: [__m256; 2]| _mm256_max_ps(one, other);
    // What begins with each span: two of them, three of them.
    let all = _mm256_mul_ps(energies, _mm256_set1_ps(WHOLE));
    let after = next(all);
    let of_two = add(after, all);
    let of_three = add(next(of_two), all);
    let two = [rows, columns].map(|waves| waves.map(|wave| add(next(wave), wave)));
    let of = |waves: [__m256; 2], two: [__m256; 2]| [0, 1].map(|n| add(next(two[n]), waves[n]));
    let (row, column) = (max(of(rows, two[0])), max(of(columns, two[1])));

    let exceeds = |one: __m256, other: __m256| _mm256_cmp_ps::<_CMP_GE_OQ>(one, other);
    let enough = |found: __m256, share: f32, all: __m256| exceeds(found, _mm256_mul_ps(_mm256_set1_ps(share), all));
    let both = |one: __m256, other: __m256| _mm256_and_ps(one, other);
    let alone = both(
        enough(add(max(rows), max(columns)), shares.alone, all),
        exceeds(all, _mm256_set1_ps(shares.energy * WHOLE)),
    );
    let in_two = enough(add(max(two[0]), max(two[1])), shares.of_two, of_two);
    let lesser = next(_mm256_min_ps(after, all));
    let in_three = both(
        both(enough(add(row, column), shares.of_three, of_three), enough(row, shares.row, of_three)),
        both(
            enough(column, shares.column, of_three),
            exceeds(_mm256_mul_ps(_mm256_set1_ps(shares.fading), lesser), all),
        ),
    );
    let each = |found: __m256| _mm256_movemask_ps(found) as u32;
    (each(alone) >> 2) & (each(in_two) >> 1) & each(in_three)
}
