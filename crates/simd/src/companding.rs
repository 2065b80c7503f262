//! Companded octets by hand: sixteen and more side by side, looked up or made.
//!
//! Compilers turn the arithmetic of `dsp::g711` into vectors by way of floating point, for want of a logarithm of whole numbers. Where the
//! processor looks up bytes or words in registers it takes half of the instructions. There is no plain version here: on other processors
//! nothing is done, and the caller's own arithmetic gives the same.
//!
//! Data path: octets, a [`Scale`] → [`expand`] → samples; samples, a [`Scale`] → [`compress`] and those beside it → octets.
//! Words: *others* is a sum less what one member said himself; *clamped* is what did not fit into a sample.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "see SAFETY"))]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
use crate::Instructions;

/// What the 128 octets with their highest bit set stand for; each of the others is the negative of one of these.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Values(pub [i16; 128]);

/// How a law makes octets: a magnitude is limited and a bias added, and of what comes out the exponent and the four bits after its leading
/// one are the segment and the step. And what octets stand for.
pub trait Scale {
    /// What is added to a magnitude; no more than fits into a sample comes out.
    const BIAS: i16;
    /// Of how many equal steps of [`STEP`] bits the first segments are; none where the bias takes care of them.
    const EQUAL_STEPS: Option<i16>;
    /// Bits that are inverted on the line, of what is not negative.
    const INVERTED: u8;
    /// What octets stand for, in full.
    const VALUES: &'static Values;
    /// The same in parts: the magnitude of a step of the first segment, with the bias.
    const STEPS: [u8; 16];
    /// How many times that it is in each segment,
    const TIMES: [u8; 8];
    /// and how many times 256 are added.
    const MORE: Option<[u8; 8]>;
}

/// Lowest bits of a magnitude that one of equal steps leaves out.
pub const STEP: u32 = 4;

/// Writes the samples of some octets, as many as there are of both; or says that this processor cannot.
#[inline(always)]
pub fn expand<S: Scale>(octets: &[u8], samples: &mut [i16]) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY, of all there are here: they are in use only where the processor has them, see `Instructions::run`.
        if Instructions::are_avx512() {
            unsafe { avx512::expand(S::VALUES, octets, samples) };
            return true;
        }
        if Instructions::are_avx2() {
            unsafe { avx2::expand::<S>(octets, samples) };
            return true;
        }
    }
    false
}

/// Writes the octets of some samples, as many as there are of both; or says that this processor cannot.
#[inline(always)]
pub fn compress<S: Scale>(samples: &[i16], octets: &mut [u8]) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: as above.
        if Instructions::are_avx512() {
            unsafe { avx512::compress::<S>(samples, octets) };
            return true;
        }
        if Instructions::are_avx2() {
            unsafe { avx2::compress::<S>(samples, octets) };
            return true;
        }
    }
    false
}

/// A sum, told as what fits into samples and what is over.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Each clamped to a sample.
    pub fits: &'a [i16],
    /// What is missing then, clamped as well: none where what fits is not at an end of its range.
    pub over: &'a [i16],
    /// Whether anything is over at all. If not, nobody need look.
    pub is_over: bool,
}

/// Writes the octets of the others in a sum, each clamped to a sample, as many as there are of all. How many were clamped, modulo 2^16 at
/// least: a chunk has far fewer; or nothing if this processor cannot.
#[inline(always)]
pub fn compress_others<S: Scale>(sum: Parts, own: &[i16], octets: &mut [u8]) -> Option<u32> {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: as above.
        if Instructions::are_avx512() {
            return Some(unsafe { avx512::compress_others::<S>(sum.fits, sum.over, own, octets) });
        }
        if Instructions::are_avx2() {
            return Some(unsafe { avx2::compress_others::<S>(sum, own, octets) });
        }
    }
    None
}
