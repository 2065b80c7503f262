//! Bit error tests: patterns sent over one timeslot or several, and compared when they come back.
//!
//! Patterns are in `pattern`, sending in `generator`, comparing in `receiver`, the delay in
//! `roundtrip`. Several timeslots tested together are
//! one channel whose bits are in the order of the line: a frame's timeslots one after the other, each octet's most
//! significant bit first. [`deal`] and [`gather`] go between that order and the chunk of each timeslot.
//!
//! Data path: [`Generator`] → [`deal`] → timeslots → line, loop, line → [`gather`] → [`Receiver`] → [`Report`].
//! Time: counted in octets; no clock.
//! Source: ITU-T O.150 to O.153; ANSI T1.403.
//! Words: *polarity*, whether a sequence is sent as the register gives it or turned over; *slip*, whole octets lost
//! or repeated, seen as a loss of synchronism.
//!
//! A tick of a test over timeslots 1 to 4, chunks of 80 octets, nothing allocated in it:
//!
//! ```
//! use dsp::bert::{Generator, Pattern, Receiver, Sync, Width, deal, gather};
//!
//! let mut generator = Generator::new(Pattern::Qrss, Width::Full);
//! let mut receiver = Receiver::new(Pattern::Qrss, Width::Full, 4);
//! let mut channel = [0; 4 * 80];
//! let mut line = [[0; 80]; 4];
//!
//! generator.fill(&mut channel);
//! for (at, timeslot) in line.iter_mut().enumerate() {
//!     deal(&channel, 4, at, timeslot);
//! }
//! for (at, timeslot) in line.iter().enumerate() {
//!     gather(timeslot, 4, at, &mut channel);
//! }
//! receiver.process(&channel);
//! assert_eq!(receiver.report().sync, Sync::InSync);
//! assert_eq!(receiver.report().bit_errors, 0);
//! ```

mod generator;
mod pattern;
mod receiver;
mod roundtrip;

pub use generator::Generator;
pub use pattern::{Pattern, UnknownPattern, UserPattern};
pub use receiver::{Receiver, Report, Sync};
pub use roundtrip::RoundTrip;

/// How much of each octet carries the pattern.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Width {
    /// All eight bits: 64 kbit/s.
    #[default]
    Full,
    /// The first seven, where the last is robbed for signalling or held at one: 56 kbit/s.
    Seven,
}

impl Width {
    /// Bits of the pattern in an octet.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Full => 8,
            Self::Seven => 7,
        }
    }

    /// Bits a second of one timeslot.
    #[must_use]
    pub const fn bits_a_second(self) -> u32 {
        self.bits() * crate::SAMPLE_RATE
    }

    const fn place(self, value: u8) -> u8 {
        match self {
            Self::Full => value,
            Self::Seven => value << 1 | 1,
        }
    }
}

/// Takes the octets of timeslot `at` (counted from 0) out of a channel of so many timeslots.
pub fn deal(channel: &[u8], timeslots: usize, at: usize, timeslot: &mut [u8]) {
    for (octet, frame) in timeslot.iter_mut().zip(channel.chunks_exact(timeslots)) {
        *octet = frame[at];
    }
}

/// Puts the octets of timeslot `at` (counted from 0) into a channel of so many timeslots.
pub fn gather(timeslot: &[u8], timeslots: usize, at: usize, channel: &mut [u8]) {
    for (octet, frame) in timeslot.iter().zip(channel.chunks_exact_mut(timeslots)) {
        frame[at] = *octet;
    }
}
