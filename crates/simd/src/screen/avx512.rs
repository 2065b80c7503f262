//! All spans side by side with AVX-512: nothing is folded, for four samples at a time are multiplied by all forms of all waves.

use super::{
    AHEAD, BEFORE, BLOCK, Chunk, Energies, HISTORY, History, LEFT_OUT, MEAN, MOST, SPAN, Samples, Shares, Sought, WHOLE,
};

/// A span, four samples at a time.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Fours([[i16; 4]; SPAN / 4]);

impl History {
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
    #[inline]
    pub(super) fn take_with_avx512(&mut self, samples: impl Samples, sought: &Sought, all: &mut Energies) -> u32 {
        let (Chunk { blocks, first_end, .. }, Sought { shares, .. }) = (samples.chunk(), sought);
        use std::arch::x86_64::{
            __m512i, _CMP_GE_OQ, _mm_storeu_si128, _mm512_add_epi32, _mm512_add_ps, _mm512_alignr_epi32,
            _mm512_castps_si512, _mm512_castsi512_ps, _mm512_castsi512_si128, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps,
            _mm512_loadu_si512, _mm512_madd_epi16, _mm512_mask_blend_epi32, _mm512_mask_reduce_min_ps,
            _mm512_mask_storeu_ps, _mm512_maskz_loadu_epi16, _mm512_maskz_loadu_ps, _mm512_maskz_permutex2var_epi32,
            _mm512_maskz_permutexvar_ps, _mm512_mul_ps, _mm512_permutex2var_epi32, _mm512_permutex2var_ps,
            _mm512_permutexvar_epi32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32, _mm512_shuffle_epi32,
            _mm512_srai_epi16, _mm512_storeu_ps,
        };
        // Two blocks at a time; what there are no blocks for is zero.
        let pairs: [__m512i; AHEAD / 2] = if let Some(all) = blocks.first_chunk::<AHEAD>() {
            // SAFETY: two blocks are 64 octets.
            std::array::from_fn(|two| unsafe { _mm512_loadu_si512(all[2 * two..2 * two + 2].as_ptr().cast()) })
        } else {
            std::array::from_fn(|two| {
                let left = blocks.len().saturating_sub(2 * two).min(2);
                let samples = blocks.as_ptr().wrapping_add(2 * two).cast();
                // SAFETY: as many samples are loaded as there are blocks left.
                unsafe { _mm512_maskz_loadu_epi16(((1u64 << (left * BLOCK)) - 1) as u32, samples) }
            })
        };
        let squares = |two: usize| -> __m512i {
            let samples = _mm512_srai_epi16::<LEFT_OUT>(pairs[two]);
            let squares = _mm512_madd_epi16(samples, samples);
            _mm512_add_epi32(squares, _mm512_shuffle_epi32::<0xb1>(squares))
        };
        // Rows and columns change places, so that one addition serves four.
        let [one, other] = [0, 2].map(|two| _mm512_mask_blend_epi32(0xaaaa, squares(two), squares(two + 1)));
        let one = _mm512_add_epi32(one, _mm512_shuffle_epi32::<0x4e>(one));
        let other = _mm512_add_epi32(other, _mm512_shuffle_epi32::<0x4e>(other));
        let back = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let first = _mm512_permutexvar_epi32(back, _mm512_mask_blend_epi32(0xcccc, one, other));
        let last = squares(4);
        let last = _mm512_permutexvar_epi32(back, _mm512_add_epi32(last, _mm512_shuffle_epi32::<0x4e>(last)));
        // Five halves: each quarter has the next of each five.
        let fives = [0, 1, 2, 3, 4].map(|n| {
            let places = _mm512_setr_epi32(n, 5 + n, 10 + n, 15 + n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
            _mm512_permutex2var_epi32(first, places, last)
        });
        let pairs = [_mm512_add_epi32(fives[0], fives[1]), _mm512_add_epi32(fives[2], fives[3])];
        let forties = _mm512_add_epi32(_mm512_add_epi32(pairs[0], pairs[1]), fives[4]);
        // SAFETY: it is 16 octets.
        unsafe { _mm_storeu_si128(all.forties.as_mut_ptr().cast(), _mm512_castsi512_si128(forties)) };
        let both = |halves: __m512i| _mm512_add_epi32(halves, _mm512_shuffle_epi32::<0xb1>(halves));
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 0, 0, 0, 0, 0, 0);
        let new = _mm512_cvtepi32_ps(_mm512_maskz_permutex2var_epi32(0x3ff, both(first), even, both(last)));
        const EACH: u16 = (1 << HISTORY) - 1;
        // SAFETY: as many are loaded as there are.
        let before = unsafe { _mm512_maskz_loadu_ps(EACH, self.energies.as_ptr()) };
        let beside = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 19, 20);
        let low = _mm512_permutex2var_ps(before, beside, new);
        let rest = _mm512_setr_epi32(5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        let high = _mm512_maskz_permutexvar_ps(0x1f, rest, new);
        macro_rules! from {
            ($block:literal, $low:expr, $high:expr) => {
                _mm512_castsi512_ps(_mm512_alignr_epi32::<$block>(
                    _mm512_castps_si512($high),
                    _mm512_castps_si512($low),
                ))
            };
        }
        let two = _mm512_add_ps(low, from!(1, low, high));
        let two_high = _mm512_add_ps(high, from!(1, high, high));
        let windows = _mm512_add_ps(_mm512_add_ps(two, from!(2, two, two_high)), from!(4, two, two_high));
        let windows = _mm512_mul_ps(windows, _mm512_set1_ps(MEAN));
        all.quietest = _mm512_mask_reduce_min_ps(((1 << AHEAD) - 1) << (16 - AHEAD), windows);
        let count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let next = _mm512_add_epi32(count, _mm512_set1_epi32(blocks.len() as i32));
        // SAFETY: one is 64 octets, of the other as many are stored as there are.
        unsafe {
            _mm512_storeu_ps(all.windows.as_mut_ptr(), windows);
            _mm512_mask_storeu_ps(self.energies.as_mut_ptr(), EACH, _mm512_permutex2var_ps(low, next, high));
        }
        // A span that is loud has a block with half of it, or the one before.
        let loud = _mm512_set1_ps(shares.energy / 2.0);
        let (of_low, of_high) =
            (_mm512_cmp_ps_mask::<_CMP_GE_OQ>(low, loud), _mm512_cmp_ps_mask::<_CMP_GE_OQ>(high, loud));
        if of_low >> (HISTORY - 1) | of_high == 0 {
            self.powers = Default::default();
            return 0;
        }
        // Two energies a span, from the first of those before.
        let from = _mm512_add_epi32(count, _mm512_set1_epi32((HISTORY + first_end - 1 - 2 * BEFORE) as i32));
        let energies = _mm512_permutex2var_ps(low, from, high);
        self.look_with_avx512(samples, energies, sought)
    }

    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
    #[inline]
    fn look_with_avx512(
        &mut self,
        samples: impl Samples,
        energies: std::arch::x86_64::__m512,
        Sought { waves, shares }: &Sought,
    ) -> u32 {
        let Chunk { spans, .. } = samples.chunk();
        use std::arch::x86_64::{
            __m256, __m512i, _mm256_add_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm512_add_epi32,
            _mm512_castps256_ps512, _mm512_castps512_ps256, _mm512_cvtepi32_ps, _mm512_extractf32x8_ps,
            _mm512_insertf32x8, _mm512_loadu_si512, _mm512_mask_blend_epi32, _mm512_mul_ps, _mm512_permutex2var_ps,
            _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_shuffle_epi32, _mm512_srai_epi16,
            _mm512_storeu_si512,
        };
        // From memory four samples at a time come to all forms without any work.
        let without = |span: &[i16; SPAN]| {
            let mut fours = Fours([[0; 4]; SPAN / 4]);
            // SAFETY: either is a reference to an array of 64 octets.
            unsafe {
                let samples = _mm512_loadu_si512(std::ptr::from_ref(span).cast());
                _mm512_storeu_si512(std::ptr::from_mut(&mut fours).cast(), _mm512_srai_epi16::<LEFT_OUT>(samples));
            }
            fours
        };
        let none = Fours([[0; 4]; SPAN / 4]);
        let fours: [Fours; MOST] = std::array::from_fn(|n| spans.get(n).map_or(none, without));
        // SAFETY: each is a reference to an array of 64 octets.
        let waves: [__m512i; SPAN / 4] =
            std::array::from_fn(|n| unsafe { _mm512_loadu_si512(waves.fours[n].as_ptr().cast()) });
        // Of each form the sum over the first two of all fours, and that over the last two.
        let correlate = |span: usize| -> __m512i {
            let mut sums = [_mm512_setzero_si512(); 2];
            let at = std::ptr::from_ref(&fours[span]);
            macro_rules! four {
                ($n:literal) => {
                    // SAFETY: the four is in the array, and there is the instruction where this is run. By itself the compiler makes two of
                    // it, and loads some fours twice.
                    unsafe {
                        let _four: __m512i;
                        std::arch::asm!(
                            "vpbroadcastq {four}, qword ptr [{at} + 8 * {n}]",
                            "vpdpwssd {sum}, {four}, {wave}",
                            at = in(reg) at,
                            n = const $n,
                            four = out(zmm_reg) _four,
                            sum = inout(zmm_reg) sums[$n % 2],
                            wave = in(zmm_reg) waves[$n],
                            options(pure, readonly, nostack, preserves_flags),
                        );
                    }
                };
            }
            four!(0);
            four!(1);
            four!(2);
            four!(3);
            four!(4);
            four!(5);
            four!(6);
            four!(7);
            _mm512_add_epi32(sums[0], sums[1])
        };
        // Two spans beside each other: of each wave that of the first, then that of the second.
        let powers = |one: __m512i, other: __m512i| -> __m256 {
            let straight = _mm512_mask_blend_epi32(0xaaaa, one, other);
            let crossed = _mm512_mask_blend_epi32(0xaaaa, other, one);
            let sums = _mm512_cvtepi32_ps(_mm512_add_epi32(straight, _mm512_shuffle_epi32::<0xb1>(crossed)));
            let squares = _mm512_mul_ps(sums, sums);
            _mm256_add_ps(_mm512_castps512_ps256(squares), _mm512_extractf32x8_ps::<1>(squares))
        };
        let none = _mm256_setzero_ps();
        let first = powers(correlate(0), correlate(1));
        let second = if spans.len() > 2 { powers(correlate(2), correlate(3)) } else { none };
        let third = if spans.len() > 4 { powers(correlate(4), _mm512_setzero_si512()) } else { none };
        // SAFETY: the powers of two spans are 32 octets.
        let before = _mm512_castps256_ps512(unsafe { _mm256_loadu_ps(self.powers.as_ptr().cast()) });
        let (early, late) =
            (_mm512_insertf32x8::<1>(before, first), _mm512_insertf32x8::<1>(_mm512_castps256_ps512(second), third));
        // One span after the other: the first row and the first column, the others of both.
        let firsts = _mm512_setr_epi32(0, 4, 8, 9, 16, 17, 24, 25, 2, 6, 12, 13, 20, 21, 28, 29);
        let others = _mm512_setr_epi32(1, 5, 10, 11, 18, 19, 26, 27, 3, 7, 14, 15, 22, 23, 30, 31);
        let firsts = _mm512_permutex2var_ps(early, firsts, late);
        let others = _mm512_permutex2var_ps(early, others, late);
        let last = _mm512_setr_epi32(0, 16, 8, 24, 1, 17, 9, 25, 0, 0, 0, 0, 0, 0, 0, 0);
        let last = _mm512_add_epi32(last, _mm512_set1_epi32(spans.len() as i32));
        let last = _mm512_castps512_ps256(_mm512_permutex2var_ps(firsts, last, others));
        // SAFETY: as above.
        unsafe { _mm256_storeu_ps(self.powers.as_mut_ptr().cast(), last) };
        compare_with_avx512(firsts, others, energies, shares)
    }
}

/// The same as [`super::compare`], all spans side by side: the first row and then the first column, the other row and then the other column.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
#[inline]
fn compare_with_avx512(
    firsts: std::arch::x86_64::__m512,
    others: std::arch::x86_64::__m512,
    blocks: std::arch::x86_64::__m512,
    shares: &Shares,
) -> u32 {
    use std::arch::x86_64::{
        __m256, __m512, _CMP_GE_OQ, _mm256_add_ps, _mm256_cmp_ps_mask, _mm256_mul_ps, _mm256_set1_ps, _mm512_add_ps,
        _mm512_alignr_epi32, _mm512_castps_si512, _mm512_castps256_ps512, _mm512_castps512_ps256, _mm512_castsi512_ps,
        _mm512_cmp_ps_mask, _mm512_extractf32x8_ps, _mm512_insertf32x8, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
        _mm512_permute_ps, _mm512_permutexvar_ps, _mm512_set1_ps, _mm512_setr_epi32,
    };
    // What is so far from the end of a half is that of the other half, or nothing, and not asked for.
    let next = |spans: __m512| {
        _mm512_castsi512_ps(_mm512_alignr_epi32::<1>(_mm512_castps_si512(spans), _mm512_castps_si512(spans)))
    };
    let add = |one: __m512, other: __m512| _mm512_add_ps(one, other);
    // What begins with each span: two of them, three of them.
    let two = [firsts, others].map(|one| add(next(one), one));
    let three = [add(next(two[0]), firsts), add(next(two[1]), others)];
    let whole = _mm512_mul_ps(add(blocks, _mm512_permute_ps::<0xb1>(blocks)), _mm512_set1_ps(WHOLE));
    let in_order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
    let all = _mm512_permutexvar_ps(in_order, whole);
    let of_two = add(next(all), all);
    let of_three = add(next(of_two), all);

    let together = |strongest: __m512| -> __m256 {
        _mm256_add_ps(_mm512_castps512_ps256(strongest), _mm512_extractf32x8_ps::<1>(strongest))
    };
    let enough = |strongest: __m512, share: f32, all: __m512| {
        let least = _mm256_mul_ps(_mm256_set1_ps(share), _mm512_castps512_ps256(all));
        u32::from(_mm256_cmp_ps_mask::<_CMP_GE_OQ>(together(strongest), least))
    };
    let is_loud = u32::from(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(all, _mm512_set1_ps(shares.energy * WHOLE)));
    let alone = enough(_mm512_max_ps(firsts, others), shares.alone, all);
    let in_two = enough(_mm512_max_ps(two[0], two[1]), shares.of_two, of_two);
    let strongest = _mm512_max_ps(three[0], three[1]);
    let in_three = enough(strongest, shares.of_three, of_three);
    let each =
        _mm512_insertf32x8::<1>(_mm512_castps256_ps512(_mm256_set1_ps(shares.row)), _mm256_set1_ps(shares.column));
    let each = u32::from(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(strongest, _mm512_mul_ps(each, of_three)));
    let lesser = _mm512_mul_ps(_mm512_set1_ps(shares.fading), _mm512_min_ps(next(all), all));
    let holds = u32::from(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(next(lesser), all));
    ((alone & is_loud) >> 2) & (in_two >> 1) & in_three & each & (each >> 8) & holds
}
