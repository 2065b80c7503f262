//! Telephone audio on slices: G.711, DTMF, tones, level, mix-minus; and what a channel is tested with.
//!
//! Everything a bearer channel's samples go through between a timeslot and a conference. The crate knows
//! no card, no call and no clock; it leans on nothing of ours.
//!
//! Data path: octets of a timeslot → [`g711::decode`] → [`keyfilter::KeyFilter`] and
//! [`level::TalkDetector`] → where wanted [`gate::NoiseGate`], [`agc::Agc`], [`talkers::Floor`] → [`mix::Sum`] →
//! [`g711::encode`] → octets for the timeslot; and [`mix::Sum`] → [`later::Later`] → the stream.
//! Time: counted in samples since a leg began; a tick's chunk may have any length, and the same samples give
//! the same results whichever way they are cut.
//! Source: ITU-T G.711 (11/88), Q.23, Q.24, G.223 for levels.
//! Words: *chunk* is what one timeslot brings in one tick; *leg* is one caller's way into a conference.
//!
//! The structures are of fixed size or take their memory when they are made; nothing here allocates, locks or
//! panics afterwards, so all of it may run on the real-time thread. [`align`] and [`keycheck`] are the exceptions: they look at
//! whole recordings and are for tests, acceptance runs and tools.

pub mod agc;
pub mod align;
pub mod bert;
pub mod dtmf;
pub mod echo;
pub mod g711;
pub mod gate;
pub mod keycheck;
pub mod keyfilter;
pub mod later;
pub mod level;
mod lines;
pub mod loopcode;
pub mod measure;
pub mod mix;
pub mod ramp;
mod screen;
pub mod selftest;
pub mod signals;
pub mod talkers;
pub mod tape;
mod tonebank;
pub mod tones;

/// Samples a second of a bearer channel (G.711, clause 2).
pub const SAMPLE_RATE: u32 = 8_000;

/// Samples in `ms` milliseconds.
#[must_use]
pub const fn samples_in_ms(ms: u32) -> u32 {
    ms * (SAMPLE_RATE / 1_000)
}

/// Samples in the longest of usual chunks: 20 ms.
pub(crate) const FRAME: usize = samples_in_ms(20) as usize;

/// The greater of two that are numbers: one instruction, which `f32::max` is not.
#[inline(always)]
pub(crate) const fn greater(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

/// The lesser of two that are numbers.
#[inline(always)]
pub(crate) const fn lesser(one: f32, other: f32) -> f32 {
    if one < other { one } else { other }
}
