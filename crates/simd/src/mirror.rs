//! Correlation of a window of samples with waves that are even or odd around its middle.
//!
//! Written out by hand: multiplying sixteen bits by sixteen and adding in pairs is one instruction, and compilers do not find it here; it
//! takes a fraction of the time. The arithmetic is that of whole numbers, so the plain version gives the same.
//!
//! Data path: a window of 96 samples, [`Waves`] → [`correlate`] → a [`Correlation`].
//! Words: *even* is what is the same before and after the middle, *odd* what has the opposite sign.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]

#[cfg(target_arch = "x86_64")]
use crate::fold;
use crate::{Instructions, Set};

/// Samples in a window.
pub const LENGTH: usize = 96;
/// Waves, each in an even and an odd form.
pub const WAVES: usize = 8;
/// Of the samples so many lowest bits are left out, so that all sums fit into 32 bits.
pub const LEFT_OUT: u32 = 2;
/// What the values of a wave in half a window may come to in all, without their signs.
pub const MOST: i32 = i32::MAX / (2 << (15 - LEFT_OUT));

/// Samples that are folded at a time.
const GROUP: usize = 16;

/// The waves at the samples after the middle of a window, the last first, two samples beside each other: the even forms, then the odd
/// ones, which count as they are after the middle. None may come to more than [`MOST`].
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Waves(pub [[[i16; 2]; 2 * WAVES]; LENGTH / 4]);

/// Sums of products of a window's samples with each of the waves.
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

/// Correlates a window; what comes out has the samples without their [`LEFT_OUT`] bits.
#[inline]
#[must_use]
pub fn correlate(window: &[i16; LENGTH], waves: &Waves) -> Correlation {
    match Instructions::in_use().0 {
        // Pairs are multiplied and added there as well.
        // SAFETY: every processor of this architecture has it.
        #[cfg(target_arch = "x86_64")]
        Set::Plain => unsafe { with_sse2(window, waves) },
        #[cfg(not(target_arch = "x86_64"))]
        Set::Plain => plain(window, waves),
        // SAFETY, of both: there are such `Instructions` only where the processor has them, see `Instructions::run`.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => unsafe { with_avx2(window, waves) },
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => unsafe { with_avx512(window, waves) },
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn plain(window: &[i16; LENGTH], waves: &Waves) -> Correlation {
    let mut result = Correlation::NONE;
    let sample = |n: usize| i32::from(window[n] >> LEFT_OUT);
    for (pair, waves) in waves.0.iter().enumerate() {
        for (early, second) in [(2 * pair, 0), (2 * pair + 1, 1)] {
            let late = LENGTH - 1 - early;
            for wave in 0..WAVES {
                result.even[wave] += (sample(late) + sample(early)) * i32::from(waves[wave][second]);
                result.odd[wave] += (sample(late) - sample(early)) * i32::from(waves[WAVES + wave][second]);
            }
        }
    }
    result
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn with_sse2(window: &[i16; LENGTH], waves: &Waves) -> Correlation {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi16, _mm_add_epi32, _mm_loadu_si128, _mm_madd_epi16, _mm_setzero_si128, _mm_shuffle_epi32,
        _mm_shufflehi_epi16, _mm_shufflelo_epi16, _mm_srai_epi16, _mm_storeu_si128, _mm_sub_epi16,
    };
    let (eights, _) = window.as_chunks::<8>();
    // SAFETY, of all that goes through pointers: each is a reference to an array of so many octets.
    let load = |eight: &[i16; 8]| unsafe { _mm_loadu_si128(std::ptr::from_ref(eight).cast()) };
    let wave = |four: &[[i16; 2]; 4]| unsafe { _mm_loadu_si128(std::ptr::from_ref(four).cast()) };
    let mut sums = [_mm_setzero_si128(); 4];
    for (n, waves) in waves.0.as_chunks::<4>().0.iter().enumerate() {
        let early = _mm_srai_epi16::<{ LEFT_OUT as i32 }>(load(&eights[n]));
        let late = _mm_srai_epi16::<{ LEFT_OUT as i32 }>(load(&eights[eights.len() - 1 - n]));
        let late = _mm_shuffle_epi32::<0x4e>(_mm_shufflehi_epi16::<0x1b>(_mm_shufflelo_epi16::<0x1b>(late)));
        let spread = |folded: __m128i| {
            [
                _mm_shuffle_epi32::<0x00>(folded),
                _mm_shuffle_epi32::<0x55>(folded),
                _mm_shuffle_epi32::<0xaa>(folded),
                _mm_shuffle_epi32::<0xff>(folded),
            ]
        };
        let (even, odd) = (spread(_mm_add_epi16(late, early)), spread(_mm_sub_epi16(late, early)));
        for (pair, waves) in waves.iter().enumerate() {
            let folded = [even[pair], even[pair], odd[pair], odd[pair]];
            for ((sum, folded), waves) in sums.iter_mut().zip(folded).zip(waves.as_chunks::<4>().0) {
                *sum = _mm_add_epi32(*sum, _mm_madd_epi16(folded, wave(waves)));
            }
        }
    }
    let mut result = Correlation::NONE;
    let fours = result.even.as_chunks_mut::<4>().0.iter_mut().chain(result.odd.as_chunks_mut().0);
    for (four, sum) in fours.zip(sums) {
        // SAFETY: it is 16 octets.
        unsafe { _mm_storeu_si128(std::ptr::from_mut(four).cast(), sum) };
    }
    result
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(window: &[i16; LENGTH], waves: &Waves) -> Correlation {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_permute2x128_si256, _mm256_setzero_si256,
        _mm256_shuffle_epi32, _mm256_storeu_si256,
    };
    // SAFETY: it is a reference to an array of 32 octets.
    let wave = |form: &[[i16; 2]; WAVES]| unsafe { _mm256_loadu_si256(std::ptr::from_ref(form).cast()) };
    let (groups, _) = window.as_chunks::<GROUP>();
    let (mut even_sum, mut odd_sum) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for (n, waves) in waves.0.as_chunks::<{ GROUP / 2 }>().0.iter().enumerate() {
        let (even, odd) = fold::sixteen::<{ LEFT_OUT as i32 }>(&groups[n], &groups[groups.len() - 1 - n]);
        macro_rules! four {
            ($half:literal, $waves:expr) => {
                // Four pairs in both halves, so that a shuffle within halves brings a pair everywhere.
                let even = _mm256_permute2x128_si256::<$half>(even, even);
                let odd = _mm256_permute2x128_si256::<$half>(odd, odd);
                four!(even, odd, $waves, 0, 0x00);
                four!(even, odd, $waves, 1, 0x55);
                four!(even, odd, $waves, 2, 0xaa);
                four!(even, odd, $waves, 3, 0xff);
            };
            ($even:expr, $odd:expr, $waves:expr, $pair:literal, $shuffle:literal) => {
                let forms = $waves[$pair].as_chunks::<WAVES>().0;
                let even = _mm256_madd_epi16(_mm256_shuffle_epi32::<$shuffle>($even), wave(&forms[0]));
                let odd = _mm256_madd_epi16(_mm256_shuffle_epi32::<$shuffle>($odd), wave(&forms[1]));
                (even_sum, odd_sum) = (_mm256_add_epi32(even_sum, even), _mm256_add_epi32(odd_sum, odd));
            };
        }
        four!(0x00, waves[..4]);
        four!(0x11, waves[4..]);
    }
    let mut result = Correlation::NONE;
    // SAFETY: each is 32 octets.
    unsafe {
        _mm256_storeu_si256(std::ptr::from_mut(&mut result.even).cast(), even_sum);
        _mm256_storeu_si256(std::ptr::from_mut(&mut result.odd).cast(), odd_sum);
    }
    result
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
fn with_avx512(window: &[i16; LENGTH], waves: &Waves) -> Correlation {
    use std::arch::x86_64::{
        _mm512_add_epi32, _mm512_castsi256_si512, _mm512_inserti64x4, _mm512_loadu_si512, _mm512_madd_epi16,
        _mm512_setzero_si512, _mm512_shuffle_epi32, _mm512_shuffle_i64x2, _mm512_storeu_si512,
    };
    // SAFETY: it is a reference to an array of 64 octets.
    let wave = |forms: &[[i16; 2]; 2 * WAVES]| unsafe { _mm512_loadu_si512(std::ptr::from_ref(forms).cast()) };
    let (groups, _) = window.as_chunks::<GROUP>();
    // Two sums, so that one addition need not wait for the other.
    let mut sums = [_mm512_setzero_si512(); 2];
    for (n, waves) in waves.0.as_chunks::<{ GROUP / 2 }>().0.iter().enumerate() {
        let (even, odd) = fold::sixteen::<{ LEFT_OUT as i32 }>(&groups[n], &groups[groups.len() - 1 - n]);
        let both = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(even), odd);
        macro_rules! four {
            ($half:literal, $sum:literal, $waves:expr) => {
                // Four pairs in each quarter: the even ones below, the odd ones above.
                let four = _mm512_shuffle_i64x2::<$half>(both, both);
                four!(four, $sum, $waves, 0, 0x00);
                four!(four, $sum, $waves, 1, 0x55);
                four!(four, $sum, $waves, 2, 0xaa);
                four!(four, $sum, $waves, 3, 0xff);
            };
            ($four:expr, $sum:literal, $waves:expr, $pair:literal, $shuffle:literal) => {
                let product = _mm512_madd_epi16(_mm512_shuffle_epi32::<$shuffle>($four), wave(&$waves[$pair]));
                sums[$sum] = _mm512_add_epi32(sums[$sum], product);
            };
        }
        four!(0xa0, 0, waves[..4]);
        four!(0xf5, 1, waves[4..]);
    }
    let mut result = Correlation::NONE;
    // SAFETY: it is 64 octets, first the even ones, then the odd ones.
    unsafe { _mm512_storeu_si512(std::ptr::from_mut(&mut result).cast(), _mm512_add_epi32(sums[0], sums[1])) };
    result
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
        let any = Waves(std::array::from_fn(|_| std::array::from_fn(|_| [random() / 12, random() / 12])));
        let mut windows: Vec<[i16; LENGTH]> = (0..40).map(|_| std::array::from_fn(|_| random())).collect();
        windows.extend([[i16::MAX; LENGTH], [i16::MIN; LENGTH]]);
        windows.push(std::array::from_fn(|n| if n % 2 == 0 { i16::MIN } else { i16::MAX }));
        windows.push(std::array::from_fn(|n| if n < LENGTH / 2 { i16::MIN } else { i16::MAX }));
        let most = (MOST / (LENGTH as i32 / 2)) as i16;
        let full = Waves([[[most; 2]; 2 * WAVES]; LENGTH / 4]);
        for waves in [&any, &full] {
            for window in &windows {
                let expected = plain(window, waves);
                for instructions in Instructions::all() {
                    instructions.put_to_use();
                    assert!(correlate(window, waves) == expected, "{}", instructions.name());
                }
            }
        }
    }
}
