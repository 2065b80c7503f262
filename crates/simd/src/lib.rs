//! Runs a kernel with the vector instructions the processor has.
//!
//! A kernel is plain Rust: loops over arrays that the compiler turns into vector instructions by itself. It is compiled
//! several times, for what every processor of the architecture has and for what newer ones have, and [`run`] chooses once
//! and for all when it is first called. The source is the same, floating point is neither reordered nor contracted, so all
//! of them give the same result, bit for bit.
//!
//! Some kernels are written out by hand: [`companding`], [`mirror`], [`screen`] and [`squares`], in whole numbers or in the order of their
//! plain versions, which give the same as well.
//!
//! Data path: a [`Kernel`] holding its slices → [`run`] → what it returns, and what it wrote into them.
//! Time: none. The first call asks the processor; later ones read an atomic. Nothing allocates or locks.
//! Words: *instructions* are a set of vector instructions, the plain one being what the compiler takes for granted.

pub mod companding;
#[cfg(target_arch = "x86_64")]
mod fold;
pub mod mirror;
pub mod screen;
pub mod squares;

use std::sync::atomic::{AtomicU8, Ordering};

/// A computation to be compiled for each of the [`Instructions`].
///
/// `run`, and all that is to profit, must be `#[inline(always)]`: what is called out of line is compiled for the
/// plain instructions only.
pub trait Kernel {
    /// What comes out.
    type Output;

    /// The computation.
    fn run(self) -> Self::Output;
}

/// Which instructions kernels are run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instructions(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Set {
    Plain = 1,
    #[cfg(target_arch = "x86_64")]
    Avx2 = 2,
    #[cfg(target_arch = "x86_64")]
    Avx512 = 3,
}

/// The set in use, zero until somebody asks.
static IN_USE: AtomicU8 = AtomicU8::new(0);

impl Instructions {
    /// What every processor of this architecture has.
    pub const PLAIN: Instructions = Instructions(Set::Plain);

    /// The most this processor has, of what kernels are compiled for.
    #[must_use]
    pub fn best() -> Instructions {
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("bmi1")
                && std::arch::is_x86_feature_detected!("lzcnt")
                && std::arch::is_x86_feature_detected!("popcnt");
            // With all that is asked for AVX2: whoever has the greater set is given the lesser by `all`.
            if has_avx2
                && std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512dq")
                && std::arch::is_x86_feature_detected!("avx512vl")
                && std::arch::is_x86_feature_detected!("avx512vnni")
            {
                return Instructions(Set::Avx512);
            }
            if has_avx2 {
                return Instructions(Set::Avx2);
            }
        }
        Instructions::PLAIN
    }

    /// All that this processor has, the plain ones first.
    pub fn all() -> impl Iterator<Item = Instructions> {
        #[cfg(target_arch = "x86_64")]
        let sets = [Set::Plain, Set::Avx2, Set::Avx512];
        #[cfg(not(target_arch = "x86_64"))]
        let sets = [Set::Plain];
        sets.into_iter().map(Instructions).filter(|set| *set <= Instructions::best())
    }

    /// Those in use: the best, unless told otherwise.
    #[must_use]
    #[inline]
    pub fn in_use() -> Instructions {
        match IN_USE.load(Ordering::Relaxed) {
            #[cfg(target_arch = "x86_64")]
            3 => Instructions(Set::Avx512),
            #[cfg(target_arch = "x86_64")]
            2 => Instructions(Set::Avx2),
            1 => Instructions::PLAIN,
            _ => Instructions::best().put_to_use(),
        }
    }

    /// Whether kernels written out for AVX-512 are to be run; not before somebody has asked for those in use.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn are_avx512() -> bool {
        // One comparison where there is most to gain.
        IN_USE.load(Ordering::Relaxed) == Set::Avx512 as u8
    }

    /// The same of those for AVX2.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn are_avx2() -> bool {
        IN_USE.load(Ordering::Relaxed) == Set::Avx2 as u8
    }

    /// Run all kernels of this process with these from now on: for tests and measurements.
    #[cold]
    pub fn put_to_use(self) -> Instructions {
        IN_USE.store(self.0 as u8, Ordering::Relaxed);
        self
    }

    /// What they are called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "AVX-512",
        }
    }

    /// Run a kernel with these.
    #[inline(always)]
    #[cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Set::Plain => kernel.run(),
            // SAFETY: an `Instructions` other than the plain one is made only by `best`, which has asked the processor for
            // every feature these functions are compiled with, and by `all` and `in_use`, which make none above `best`: each set has
            // all that the one below it has.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { with_avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { with_avx512(kernel) },
        }
    }
}

/// Asks for memory that will be needed soon and goes on at once: the line of the cache in which a value begins, and those after it, so many in
/// all. For what is too large to be fetched in time by itself.
#[inline(always)]
#[cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]
pub fn fetch_lines<T>(first: &T, lines: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..lines {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let begin: *const i8 = std::ptr::from_ref(first).cast();
        // SAFETY: a hint, which may be of any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(begin.wrapping_add(line * LINE)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (first, lines);
}

/// Octets in a line of the processor's cache.
pub const LINE: usize = 64;

/// Which of some numbers are greater than those beside them, four at most: the first in the lowest bit. Compilers go from lane to lane.
#[inline(always)]
#[cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]
pub fn which_exceed<const COUNT: usize>(numbers: &[f32; COUNT], others: &[f32; COUNT]) -> u32 {
    const { assert!(COUNT <= 4, "there are four side by side") };
    let four =
        |numbers: &[f32; COUNT]| -> [f32; 4] { std::array::from_fn(|n| if n < COUNT { numbers[n] } else { 0.0 }) };
    let (numbers, others) = (four(numbers), four(others));
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_cmpgt_ps, _mm_loadu_ps, _mm_movemask_ps};
        // SAFETY: either is an array of four; every such processor has these instructions.
        unsafe { _mm_movemask_ps(_mm_cmpgt_ps(_mm_loadu_ps(numbers.as_ptr()), _mm_loadu_ps(others.as_ptr()))) as u32 }
    }
    #[cfg(not(target_arch = "x86_64"))]
    (0..COUNT).map(|n| u32::from(numbers[n] > others[n]) << n).sum()
}

/// Run a kernel with the instructions in use.
#[inline(always)]
#[cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if Instructions::are_avx512() {
        // SAFETY: they are in use only where the processor has them, see `Instructions::run`.
        return unsafe { with_avx512(kernel) };
    }
    Instructions::in_use().run(kernel)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,lzcnt,popcnt")]
fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi1,popcnt")]
fn with_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// For as long as this is held no other test puts instructions to use: they are those of the whole process.
    pub(crate) fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn every_number_is_compared_with_the_one_beside_it() {
        for bits in 0..16u32 {
            let numbers: [f32; 4] = std::array::from_fn(|n| if bits >> n & 1 != 0 { 1.5 } else { 1.0 });
            assert_eq!(which_exceed(&numbers, &[1.0; 4]), bits);
            assert_eq!(which_exceed(numbers.first_chunk::<2>().unwrap(), &[1.0; 2]), bits & 3);
            assert_eq!(which_exceed(&[numbers[0]], &[1.0]), bits & 1);
        }
        assert_eq!(which_exceed(&[-1.0, 0.0], &[-2.0, 0.0]), 1);
    }
}
