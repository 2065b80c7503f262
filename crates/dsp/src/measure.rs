//! Test tones and meters: what a transmission test set does.
//!
//! Tones are in `tone`, the meter of level, frequency and noise in `meter`, echo and delay in `echo`.
//!
//! Data path: [`milliwatt`], [`Sweep`] or an oscillator at one of [`GAIN_SLOPE_HZ`] → a timeslot; samples of a timeslot → [`Meter`] → [`Reading`].
//! Time: counted in samples; a reading is over the time since the one before.
//! Source: ITU-T G.711 tables 5 and 6 (the digital milliwatt), O.41 (psophometric weighting), IEEE 743 and 661
//! (C-message weighting, 404, 1004 and 2804 Hz), G.122 (echo return loss).
//! Words: *dBm0*, level referred to the point of zero level, as everywhere in this crate; *dBrnC0*, noise weighted by
//! C-message above -90 dBm0; *dBm0p*, noise weighted psophometrically; *notched*, with the test tone taken out.

mod echo;
mod meter;
mod tone;

pub use echo::{Echo, EchoProbe};
pub use meter::{Meter, Reading};
pub use tone::{GAIN_SLOPE_HZ, MILLIWATT_A, MILLIWATT_MU, Sweep, milliwatt};
