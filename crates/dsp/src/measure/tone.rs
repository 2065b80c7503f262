//! Tones to measure with.
//!
//! Data path: nothing → here → octets or samples for a timeslot.
//! Time: counted in samples.
//! Source: ITU-T G.711 tables 5 and 6; IEEE 743 for the three tones (4 Hz off, to stay clear of submultiples of the
//! sampling rate).

use crate::g711::Law;
use crate::level::peak_of;
use crate::{SAMPLE_RATE, samples_in_ms};
use std::f64::consts::TAU;

/// G.711 table 5: 1 kHz at 0 dBm0 in A-law, one period.
pub const MILLIWATT_A: [u8; 8] = [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4];
/// G.711 table 6: the same in µ-law.
pub const MILLIWATT_MU: [u8; 8] = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e];

/// Fills a chunk with the digital milliwatt, going on from the `from`th sample; returns where the next chunk goes on.
pub fn milliwatt(law: Law, from: usize, octets: &mut [u8]) -> usize {
    let period = match law {
        Law::Mu => &MILLIWATT_MU,
        Law::A => &MILLIWATT_A,
    };
    let mut at = from % period.len();
    for octet in octets {
        *octet = period[at];
        at = (at + 1) % period.len();
    }
    at
}

/// The tones of a gain slope test, in Hz; 1004 is the reference. [`crate::tones::Oscillator`] makes them at any level.
pub const GAIN_SLOPE_HZ: [f32; 3] = [404.0, 1_004.0, 2_804.0];

/// A tone that moves evenly from one frequency to another, then begins again.
#[derive(Debug, Clone)]
pub struct Sweep {
    from_hz: f64,
    to_hz: f64,
    samples: u32,
    at: u32,
    phase: f64,
    peak: f32,
}

impl Sweep {
    /// A sweep that takes so many milliseconds (at least one).
    #[must_use]
    pub fn new(from_hz: f32, to_hz: f32, ms: u32, dbm0: f32) -> Self {
        Self {
            from_hz: f64::from(from_hz),
            to_hz: f64::from(to_hz),
            samples: samples_in_ms(ms.max(1)),
            at: 0,
            phase: 0.0,
            peak: peak_of(dbm0),
        }
    }

    /// The frequency of the next sample, in Hz.
    #[must_use]
    pub fn hz(&self) -> f32 {
        let way = f64::from(self.at) / f64::from(self.samples);
        (self.from_hz + (self.to_hz - self.from_hz) * way) as f32
    }

    /// Fills a chunk.
    pub fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            *sample = ((self.phase * TAU).sin() as f32 * self.peak).round() as i16;
            self.phase = (self.phase + f64::from(self.hz()) / f64::from(SAMPLE_RATE)).fract();
            self.at = (self.at + 1) % self.samples;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::decode;
    use crate::level::power_dbm0;

    #[test]
    fn the_milliwatt_goes_on_over_chunks_of_any_length() {
        for (law, period) in [(Law::Mu, MILLIWATT_MU), (Law::A, MILLIWATT_A)] {
            let (mut at, mut octets) = (0, [0; 23]);
            at = milliwatt(law, at, &mut octets[..5]);
            milliwatt(law, at, &mut octets[5..]);
            assert!(octets.iter().zip(period.iter().cycle()).all(|(octet, expected)| octet == expected));
            let mut samples = [0; 8];
            decode(law, &octets[..8], &mut samples);
            assert!(power_dbm0(&samples).abs() < 0.08, "A-law reads 0.07 high on our scale");
        }
    }

    #[test]
    fn a_sweep_goes_where_it_is_told_at_its_level() {
        let mut sweep = Sweep::new(300.0, 3_400.0, 1_000, -10.0);
        let mut samples = [0; 4_000];
        sweep.fill(&mut samples);
        assert!((sweep.hz() - 1_850.0).abs() < 1.0);
        assert!((power_dbm0(&samples) + 10.0).abs() < 0.05);
        // Half a second from 300 to 1850 Hz: 537 periods, two crossings each.
        let crossings = samples.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        assert!((1_072..=1_078).contains(&crossings), "{crossings}");
        sweep.fill(&mut samples);
        assert!((sweep.hz() - 300.0).abs() < 1.0, "it begins again");
    }
}
