//! Sending a test pattern, with errors on demand.
//!
//! Data path: pattern → here, some bits turned over → octets for the timeslots.
//! Time: counted in bits.
//! Source: ITU-T O.150 clause 5 for the polarity; the error rates are those of O.151 for testing the tester.

use super::Width;
use super::pattern::{Pattern, Source};
use std::num::NonZeroU64;

/// Sends a pattern.
#[derive(Debug, Clone)]
pub struct Generator {
    source: Source,
    width: Width,
    inverted: bool,
    /// One bit in so many is turned over, and bits until the next one.
    spacing: Option<NonZeroU64>,
    until_error: u64,
    /// Bits still to be turned over at once.
    burst: u32,
    bits: u64,
    errors: u64,
}

impl Generator {
    /// A generator of a pattern in the polarity O.150 gives it, from its beginning.
    #[must_use]
    pub fn new(pattern: Pattern, width: Width) -> Self {
        Self {
            source: Source::new(pattern),
            width,
            inverted: pattern.sent_inverted(),
            spacing: None,
            until_error: 0,
            burst: 0,
            bits: 0,
            errors: 0,
        }
    }

    /// The same with all bits turned over against O.150.
    #[must_use]
    pub fn against_polarity(mut self) -> Self {
        self.inverted = !self.inverted;
        self
    }

    /// Turn over one bit in so many from now on, exactly; none to stop. 1,000 is a rate of 10^-3.
    pub fn inject_one_in(&mut self, bits: Option<NonZeroU64>) {
        self.spacing = bits;
        self.until_error = bits.map_or(0, NonZeroU64::get);
    }

    /// Turn over the next bits, so many together.
    pub fn inject_burst(&mut self, bits: u32) {
        self.burst = self.burst.saturating_add(bits);
    }

    /// Bits of the pattern sent.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// Bits turned over.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// The next octets: of one timeslot, or of several as [`super::deal`] deals them out.
    pub fn fill(&mut self, octets: &mut [u8]) {
        for octet in octets {
            let mut value = 0;
            // O.150: the most significant bit of an octet goes first.
            for _ in 0..self.width.bits() {
                value = value << 1 | self.next_bit();
            }
            *octet = self.width.place(value as u8);
        }
    }

    fn next_bit(&mut self) -> u32 {
        let mut wrong = self.burst > 0;
        self.burst = self.burst.saturating_sub(1);
        if let Some(spacing) = self.spacing {
            self.until_error -= 1;
            if self.until_error == 0 {
                self.until_error = spacing.get();
                wrong = true;
            }
        }
        self.bits += 1;
        self.errors += u64::from(wrong);
        self.source.next_bit() ^ u32::from(self.inverted ^ wrong)
    }
}
