//! Energy of blocks of 16 samples and of windows of them, and correlation of spans of 32 with four waves: a first, coarse look at whether
//! tones are there at all.
//!
//! Written out by hand like [`crate::mirror`], of which it is a wider and cheaper kind: half the waves over twice the samples. Where the widest
//! vectors are, nothing is folded: four samples at a time are multiplied by all forms of all waves, which takes no shuffles. The correlation is
//! that of whole numbers, and what follows is in the same order everywhere, so the plain version gives the same.
//!
//! Data path: blocks of samples → [`History`], which knows those before → [`Energies`]; spans of samples, [`Waves`] → the power of each wave in
//! each span, and in those before → which of the spans have what may be a row and a column.
//! Words: *even* is what is the same before and after the middle of a span, *odd* what has the opposite sign. A *row* is one of the first two
//! waves, a *column* one of the others.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::{Instructions, Set};

/// Samples in a block.
pub const BLOCK: usize = 16;
/// Samples in a span.
pub const SPAN: usize = 32;
/// Waves, each in its even and its odd form: two rows, then two columns.
pub const WAVES: usize = 4;
/// Of the samples so many lowest bits are left out, so that all sums fit into 32 bits.
pub const LEFT_OUT: u32 = 2;
/// Greatest value of a wave.
pub const AMPLITUDE: f64 = 8_000.0;

/// Waves at the samples of a span.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Waves {
    /// At each four samples, the first two of each form beside the last two of it: the even forms of all waves, then the odd ones.
    #[cfg(target_arch = "x86_64")]
    fours: [[[[i16; 2]; 2]; 2 * WAVES]; SPAN / 4],
    pairs: Pairs,
}

/// Pairs of samples after the middle of a span.
const PAIRS: usize = SPAN / 4;
type Pairs = [[[i16; 2]; 2 * WAVES]; PAIRS];

impl Waves {
    /// At the samples after the middle, the last sample first, two beside each other: the even forms, then the odd ones, which are positive
    /// after the middle.
    #[must_use]
    pub fn new(pairs: Pairs) -> Self {
        #[cfg(target_arch = "x86_64")]
        let value = |sample: usize, form: usize| {
            let outer = sample.min(SPAN - 1 - sample);
            let value = pairs[outer / 2][form][outer % 2];
            if form >= WAVES && sample == outer { -value } else { value }
        };
        Self {
            #[cfg(target_arch = "x86_64")]
            fours: std::array::from_fn(|four| {
                std::array::from_fn(|form| {
                    [0, 1].map(|half| [0, 1].map(|second| value(4 * four + 2 * half + second, form)))
                })
            }),
            pairs,
        }
    }
}

/// Blocks in a window.
pub const WINDOW: usize = 6;
/// Blocks before those taken whose energies are known.
pub const HISTORY: usize = 11;
/// Most blocks taken at a time.
pub const AHEAD: usize = 10;
/// So many samples, beginning with the first taken, have their energy told as well: 5 ms, two blocks and a half.
pub const FORTY: usize = 40;
/// Samples in half a block.
const HALF: usize = 8;

/// What the last blocks of a leg were.
#[derive(Debug, Clone, Default)]
#[repr(C)]
pub struct History {
    /// Their energies, the newest last, of samples without their [`LEFT_OUT`] bits.
    energies: [f32; HISTORY],
    /// What the last spans showed.
    powers: [[f32; WAVES]; BEFORE],
}

/// The energy of blocks that were taken, and of those before them.
#[derive(Debug, Clone, Default)]
#[repr(C, align(64))]
pub struct Energies {
    /// Means over the windows that end with each of these from the [`WINDOW`]th on, of samples with all their bits. What there is
    /// beyond the last block means nothing.
    pub windows: [f32; 16],
    /// The quietest of the windows that end with the last [`AHEAD`] blocks, if so many were taken.
    pub quietest: f32,
    /// Of each [`FORTY`] samples taken, of samples without their [`LEFT_OUT`] bits. What there is beyond the last block means nothing.
    pub forties: [u32; AHEAD * BLOCK / FORTY],
}

/// What a sum of squares of a window is to be multiplied by for a mean.
const MEAN: f32 = (1 << (2 * LEFT_OUT)) as f32 / (WINDOW * BLOCK) as f32;

/// Spans before the present one that are looked at together with it.
const BEFORE: usize = 2;
/// Most spans that end in blocks taken at a time.
const MOST: usize = AHEAD / 2;
const _: () = assert!(BEFORE + MOST < 8);

/// Some bits with as many zeroes between them.
const EVERY_SECOND: [u16; 1 << MOST] = {
    let mut spread = [0; 1 << MOST];
    let mut bits = 0;
    while bits < spread.len() {
        let mut bit = 0;
        while bit < MOST {
            spread[bits] |= ((bits as u16) >> bit & 1) << (2 * bit);
            bit += 1;
        }
        bits += 1;
    }
    spread
};

/// How much of the energy of a span, and of those before it, must show at the strongest row and the strongest column.
///
/// They are shares of what a single tone of the same energy would show.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// At both together in the span alone.
    pub alone: f32,
    /// At both together in it and the one before.
    pub of_two: f32,
    /// At both together in it and the two before.
    pub of_three: f32,
    /// At the row, and at the column, in all three.
    pub row: f32,
    /// See `row`.
    pub column: f32,
    /// Least energy of the span alone.
    pub energy: f32,
    /// How many times the energy of the lesser of the last two spans that of the one before them may be: what fades is no key that begins.
    pub fading: f32,
}

/// What spans are searched for.
#[derive(Debug, Clone, Copy)]
pub struct Sought {
    /// With these waves.
    pub waves: Waves,
    /// So much of them.
    pub shares: Shares,
}

/// Samples to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// The next blocks, [`AHEAD`] at most; more are left out.
    pub blocks: &'a [[i16; BLOCK]],
    /// The spans that end with them.
    pub spans: &'a [[i16; SPAN]],
    /// With which of the blocks, counted from zero, the first of the spans ends, the first or the second; the others end with every second
    /// after it.
    pub first_end: usize,
}

/// Samples to be taken that begin with a span: as many as can be.
#[derive(Debug, Clone, Copy)]
pub struct Whole<'a>(pub &'a [[i16; BLOCK]; AHEAD]);

/// Either of these: of the latter all is known when it is compiled but where it is.
trait Samples: Copy {
    fn chunk(&self) -> Chunk<'_>;
}

impl Samples for Chunk<'_> {
    #[inline(always)]
    fn chunk(&self) -> Chunk<'_> {
        *self
    }
}

impl Samples for Whole<'_> {
    #[inline(always)]
    fn chunk(&self) -> Chunk<'_> {
        Chunk { blocks: self.0, spans: self.0.as_flattened().as_chunks().0, first_end: 1 }
    }
}

impl History {
    /// Takes the next chunk. Says which of its blocks end a span with as much as is sought, the first in the lowest bit.
    #[inline(always)]
    pub fn take(&mut self, chunk: Chunk, sought: &Sought, all: &mut Energies) -> u32 {
        let Chunk { blocks, spans, first_end } = chunk;
        let (blocks, spans) = (&blocks[..blocks.len().min(AHEAD)], &spans[..spans.len().min(MOST)]);
        self.take_samples(Chunk { blocks, spans, first_end }, sought, all)
    }

    /// The same of as much as can be taken.
    #[inline(always)]
    pub fn take_whole(&mut self, whole: Whole, sought: &Sought, all: &mut Energies) -> u32 {
        self.take_samples(whole, sought, all)
    }

    #[inline(always)]
    fn take_samples(&mut self, samples: impl Samples, sought: &Sought, all: &mut Energies) -> u32 {
        #[cfg(target_arch = "x86_64")]
        let found = if Instructions::are_avx512() {
            // SAFETY: they are in use only where the processor has them, see `Instructions::run`.
            unsafe { self.take_with_avx512(samples, sought, all) }
        } else if Instructions::are_avx2() {
            // SAFETY: as above.
            unsafe { self.take_with_avx2(samples, sought, all) }
        } else {
            self.take_plain(samples.chunk(), sought, all)
        };
        #[cfg(not(target_arch = "x86_64"))]
        let found = self.take_plain(samples.chunk(), sought, all);
        let Chunk { spans, first_end, .. } = samples.chunk();
        // What there is no span for shows nothing, but may be as quiet as nothing.
        u32::from(EVERY_SECOND[found as usize & ((1 << spans.len()) - 1)]) << first_end
    }

    #[inline(always)]
    fn take_plain(&mut self, chunk: Chunk, sought: &Sought, all: &mut Energies) -> u32 {
        let (Chunk { blocks, spans, first_end }, Sought { waves, shares }) = (chunk, sought);
        *all = Energies::default();
        // Of those before, and of those taken; then zeroes.
        let mut energies = [0.0; 32];
        energies[..HISTORY].copy_from_slice(&self.energies);
        let mut halves = [0; 2 * AHEAD];
        for (half, samples) in halves.iter_mut().zip(blocks.as_flattened().as_chunks::<HALF>().0) {
            *half = samples.iter().map(|&sample| i32::from(sample >> LEFT_OUT).pow(2)).sum::<i32>() as u32;
        }
        for (energy, [one, other]) in energies[HISTORY..].iter_mut().zip(halves.as_chunks().0) {
            *energy = (one + other) as i32 as f32;
        }
        for (forty, halves) in all.forties.iter_mut().zip(halves.as_chunks::<{ FORTY / HALF }>().0) {
            *forty = halves.iter().sum();
        }
        // Three times two blocks each.
        let two: [f32; 20] = std::array::from_fn(|n| energies[n] + energies[n + 1]);
        all.windows = std::array::from_fn(|n| ((two[n] + two[n + 2]) + two[n + 4]) * MEAN);
        all.quietest = all.windows[16 - AHEAD..].iter().copied().fold(f32::INFINITY, f32::min);
        self.energies.copy_from_slice(&energies[blocks.len()..][..HISTORY]);
        if !energies[HISTORY - 1..].iter().any(|&energy| energy >= shares.energy / 2.0) {
            self.powers = Default::default();
            return 0;
        }
        let mut powers = [[0.0; WAVES]; BEFORE + MOST];
        powers[..BEFORE].copy_from_slice(&self.powers);
        correlate(spans, waves, &mut powers[BEFORE..]);
        self.powers.copy_from_slice(&powers[spans.len()..][..BEFORE]);
        // Two energies a span, from the first of those before.
        let energies = energies[HISTORY + first_end - 1 - 2 * BEFORE..].first_chunk().expect("there are as many");
        compare(&powers, energies, shares)
    }
}

/// Of a tone of mean square m, a span shows m [`SPAN`]² / 2 and has an energy of [`SPAN`] m; both with waves of [`AMPLITUDE`].
const WHOLE: f32 = (SPAN as f64 / 2.0 * AMPLITUDE * AMPLITUDE) as f32;

/// Every bit is a span, without those before.
#[inline(always)]
fn compare(powers: &[[f32; WAVES]; BEFORE + MOST], energies: &[f32; 16], shares: &Shares) -> u32 {
    let whole: [f32; 8] = std::array::from_fn(|span| (energies[2 * span] + energies[2 * span + 1]) * WHOLE);
    let mut found = 0;
    for span in 0..MOST {
        let ([eldest, elder, one], [all_before, before, all]) =
            ([0, 1, 2].map(|n| powers[span + n]), [0, 1, 2].map(|n| whole[span + n]));
        let two: [f32; WAVES] = std::array::from_fn(|wave| one[wave] + elder[wave]);
        let three: [f32; WAVES] = std::array::from_fn(|wave| two[wave] + eldest[wave]);
        let (of_two, of_three) = (all + before, all + before + all_before);
        let [alone, in_two, in_three] = [one, two, three].map(|power| (power[0].max(power[1]), power[2].max(power[3])));
        let is_found = (alone.0 + alone.1 >= shares.alone * all)
            & (in_two.0 + in_two.1 >= shares.of_two * of_two)
            & (in_three.0 + in_three.1 >= shares.of_three * of_three)
            & (in_three.0 >= shares.row * of_three)
            & (in_three.1 >= shares.column * of_three)
            & (all >= shares.energy * WHOLE)
            & (shares.fading * all.min(before) >= all_before);
        found |= u32::from(is_found) << span;
    }
    found
}

/// Correlates each span; gives the sum of the squares of what its even and its odd form show, for each wave. The samples are without
/// their [`LEFT_OUT`] bits. With fewer powers than spans, or the other way round, the fewer decide.
#[inline]
fn correlate(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
    match Instructions::in_use().0 {
        // SAFETY: every processor of this architecture has it.
        #[cfg(target_arch = "x86_64")]
        Set::Plain => unsafe { with_sse2(spans, waves, powers) },
        #[cfg(not(target_arch = "x86_64"))]
        Set::Plain => plain(spans, waves, powers),
        // SAFETY: there are such `Instructions` only where the processor has them, see `Instructions::run`.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => unsafe { avx2::correlate(spans, waves, powers) },
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn plain(spans: &[[i16; SPAN]], waves: &Waves, powers: &mut [[f32; WAVES]]) {
    for (powers, span) in powers.iter_mut().zip(spans) {
        let (mut even, mut odd) = ([0; WAVES], [0; WAVES]);
        let sample = |n: usize| i32::from(span[n] >> LEFT_OUT);
        for (pair, waves) in waves.pairs.iter().enumerate() {
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
            for (pair, waves) in waves.pairs[4 * half..4 * half + 4].iter().enumerate() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand_and_plain_give_the_same() {
        let _alone = crate::tests::alone();
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16
        };
        let any = Waves::new(std::array::from_fn(|_| std::array::from_fn(|_| [random() / 4, random() / 4])));
        let mut spans: Vec<[i16; SPAN]> = (0..40).map(|_| std::array::from_fn(|_| random())).collect();
        spans.extend([[i16::MAX; SPAN], [i16::MIN; SPAN]]);
        spans.push(std::array::from_fn(|n| if n < SPAN / 2 { i16::MIN } else { i16::MAX }));
        let full = Waves::new([[[AMPLITUDE as i16; 2]; 2 * WAVES]; SPAN / 4]);
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

    /// Waves somewhere among those of speech, and shares around those that noise has.
    fn to_look_for() -> Sought {
        let shares = Shares { alone: 0.2, of_two: 0.2, of_three: 0.2, row: 0.1, column: 0.1, energy: 3e8, fading: 2.0 };
        let waves = Waves::new(std::array::from_fn(|pair| {
            std::array::from_fn(|form| {
                let time = |second: usize| 15.5 - (2 * pair + second) as f64;
                let angle = |second| time(second) * [0.57, 0.71, 1.0, 1.23][form % WAVES];
                [0, 1].map(|second| {
                    let angle: f64 = angle(second);
                    (AMPLITUDE * if form < WAVES { angle.cos() } else { angle.sin() }) as i16
                })
            })
        }));
        Sought { waves, shares }
    }

    #[test]
    fn energies_by_hand_and_plain_are_the_same() {
        let _alone = crate::tests::alone();
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16
        };
        let mut blocks: Vec<[i16; BLOCK]> = (0..9).map(|_| std::array::from_fn(|_| random())).collect();
        blocks.extend([[i16::MIN; BLOCK], [i16::MAX; BLOCK], [0; BLOCK], [0; BLOCK], [0; BLOCK]]);
        let sought = to_look_for();
        let mut found = [0; 2];
        for instructions in Instructions::all() {
            instructions.put_to_use();
            let (mut history, mut other) = (History::default(), History::default());
            let mut energies = vec![0.0; HISTORY];
            for round in 0..3_000 {
                let count = round % (AHEAD + 1);
                let first_end = round / 3 % 2;
                let louder = if round % 100 > 80 { 8 } else { 0 };
                let blocks: Vec<[i16; BLOCK]> =
                    (0..count).map(|n| blocks[(round * 5 + n) % blocks.len()].map(|sample| sample >> louder)).collect();
                let spans: Vec<[i16; SPAN]> = (0..(count + 1 - first_end) / 2)
                    .map(|n| {
                        let mut span = [0; SPAN];
                        span[..BLOCK].copy_from_slice(&blocks[2 * n]);
                        span[BLOCK..].copy_from_slice(&blocks[(2 * n + 1) % count]);
                        span
                    })
                    .collect();
                let (mut one, mut plain) = (Energies::default(), Energies::default());
                let chunk = Chunk { blocks: &blocks, spans: &spans, first_end };
                let whole = blocks.first_chunk().filter(|_| first_end == 1).map(Whole);
                let suspicious = match whole {
                    Some(whole) => history.take_whole(whole, &sought, &mut one),
                    None => history.take(chunk, &sought, &mut one),
                };
                let expected = other.take_plain(chunk, &sought, &mut plain);
                let expected = u32::from(EVERY_SECOND[expected as usize & ((1 << spans.len()) - 1)]) << first_end;
                assert_eq!(suspicious, expected, "{count} blocks, {}", instructions.name());
                found[0] += suspicious.count_ones();
                found[1] += spans.len() as u32;
                assert_eq!(history.powers, other.powers, "{count} blocks, {}", instructions.name());
                assert_eq!(format!("{one:?}"), format!("{plain:?}"), "{count} blocks, {}", instructions.name());
                energies.extend(
                    blocks
                        .iter()
                        .map(|block| block.iter().map(|&sample| f32::from(sample >> LEFT_OUT).powi(2)).sum::<f32>()),
                );
                let last = &energies[energies.len() - HISTORY - count..];
                for (found, blocks) in one.windows.iter().zip(last.windows(WINDOW)) {
                    let expected = blocks.iter().sum::<f32>() * 16.0 / 96.0;
                    assert!((found - expected).abs() <= expected * 1e-6, "{count} blocks");
                }
                if count == AHEAD {
                    assert!(one.windows[16 - AHEAD..].contains(&one.quietest));
                    assert!(one.windows[16 - AHEAD..].iter().all(|&window| window >= one.quietest));
                }
                for (found, samples) in one.forties.iter().zip(blocks.as_flattened().as_chunks::<FORTY>().0) {
                    let expected: i64 = samples.iter().map(|&sample| i64::from(sample >> LEFT_OUT).pow(2)).sum();
                    assert_eq!(i64::from(*found), expected, "{count} blocks");
                }
            }
        }
        assert!(found[0] > 0 && found[0] < found[1], "{found:?}");
    }

    /// Of voices, noise and tones at all levels, with limits that decide one by one.
    #[test]
    fn each_limit_is_the_same_by_hand_and_plain() {
        let _alone = crate::tests::alone();
        let mut state = 9u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as u16
        };
        let mut sought = to_look_for();
        let mut found = [0; 2];
        for instructions in Instructions::all() {
            instructions.put_to_use();
            let (mut history, mut other) = (History::default(), History::default());
            for round in 0..40_000 {
                let quiet = round % 2 == 0;
                sought.shares = Shares {
                    alone: 0.05,
                    of_two: 0.05,
                    of_three: if quiet { 0.05 } else { 0.2 },
                    row: 0.02,
                    column: 0.01,
                    energy: if quiet { 1e5 } else { 3e8 },
                    fading: 2.0,
                };
                let (count, first_end) = (usize::from(random()) % (AHEAD + 1), usize::from(random() % 2));
                let tones = random() % 3 == 0;
                let blocks: Vec<[i16; BLOCK]> = (0..count)
                    .map(|block| {
                        let less = random() % 16;
                        std::array::from_fn(|n| {
                            let time = (block * BLOCK + n) as f64;
                            let tone = ((time * 0.57).sin() + (time * 1.23).sin()) * 16_000.0;
                            (if tones { tone as i16 } else { random() as i16 }) >> less
                        })
                    })
                    .collect();
                let spans: Vec<[i16; SPAN]> = (0..(count + 1 - first_end) / 2)
                    .map(|n| {
                        // The first may begin with a block of the chunk before.
                        let second = first_end + 2 * n;
                        let first = second.checked_sub(1).map_or([0; BLOCK], |first| blocks[first]);
                        let mut span = [0; SPAN];
                        span[..BLOCK].copy_from_slice(&first);
                        span[BLOCK..].copy_from_slice(&blocks[second]);
                        span
                    })
                    .collect();
                let (mut energies, mut expected) = (Energies::default(), Energies::default());
                let chunk = Chunk { blocks: &blocks, spans: &spans, first_end };
                let suspicious = history.take(chunk, &sought, &mut energies);
                let plain = other.take_plain(chunk, &sought, &mut expected);
                let plain = u32::from(EVERY_SECOND[plain as usize & ((1 << spans.len()) - 1)]) << first_end;
                assert_eq!(suspicious, plain, "{count} blocks, round {round}, {}", instructions.name());
                assert_eq!(history.powers, other.powers, "{count} blocks, round {round}, {}", instructions.name());
                found[0] += suspicious.count_ones();
                found[1] += spans.len() as u32;
            }
        }
        assert!(found[0] * 10 > found[1] && found[0] < found[1], "{found:?}");
    }
}
