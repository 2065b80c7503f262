//! Echo: how much of what is sent comes back, and when.
//!
//! A burst of noise is sent and what comes back meanwhile and for a while after is kept. The noise is a pseudo-random
//! sequence, which resembles nothing but itself: how much a delay resembles it is the answer of the line at that delay.
//!
//! Data path: [`EchoProbe::fill`] → timeslot → line → [`EchoProbe::process`] → [`EchoProbe::echo`].
//! Time: counted in samples; sending and receiving move on alike.
//! Source: ITU-T G.122 (echo return loss); the noise is the 2^11-1 sequence of O.150, a sample a bit.

use crate::bert::{Generator, Pattern, Width};
use crate::level::{SILENCE_DBM0, mean_square_of, peak_of};

/// Samples of the burst: once through the sequence, 256 ms.
const BURST: usize = 2_047;
/// Samples around the strongest that belong to the same echo: 8 ms on each side.
const SPREAD: usize = 64;

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Echo {
    /// Samples from sending to the strongest return: the way there and back.
    pub delay_samples: u32,
    /// How much weaker it is than what was sent, in dB, all of the echo taken together.
    pub return_loss_db: f32,
}

impl Echo {
    /// The delay in milliseconds.
    #[must_use]
    pub fn delay_ms(&self) -> f32 {
        self.delay_samples as f32 / (crate::SAMPLE_RATE / 1_000) as f32
    }
}

/// Sends a burst and keeps what comes back.
#[derive(Debug, Clone)]
pub struct EchoProbe {
    burst: Box<[i16]>,
    sent: usize,
    heard: Box<[i16]>,
    filled: usize,
}

impl EchoProbe {
    /// A probe of this level that finds delays up to `longest_ms` (at most 2,000). Its memory is taken here.
    #[must_use]
    pub fn new(dbm0: f32, longest_ms: u32) -> Self {
        let mut octets = [0; BURST.div_ceil(8)];
        Generator::new(Pattern::Prbs11, Width::Full).fill(&mut octets);
        // The sequence has the same strength at every sample: its peak is its effective value.
        let value = (peak_of(dbm0) / std::f32::consts::SQRT_2).round() as i16;
        let burst = (0..BURST).map(|at| if octets[at / 8] << (at % 8) & 0x80 != 0 { value } else { -value }).collect();
        let longest = crate::samples_in_ms(longest_ms.min(2_000)) as usize;
        Self { burst, sent: 0, heard: vec![0; BURST + longest].into_boxed_slice(), filled: 0 }
    }

    /// The next samples of the burst, and silence after it.
    pub fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            *sample = self.burst.get(self.sent).copied().unwrap_or(0);
            self.sent += 1;
        }
    }

    /// Keeps what came back in the tick of the last [`EchoProbe::fill`]; true once there is enough.
    pub fn process(&mut self, samples: &[i16]) -> bool {
        let room = &mut self.heard[self.filled..];
        let taken = room.len().min(samples.len());
        room[..taken].copy_from_slice(&samples[..taken]);
        self.filled += taken;
        self.filled == self.heard.len()
    }

    /// The echo, if anything in what came back resembles the burst. Compares every delay, some ten million steps: for
    /// a thread that may take its time.
    #[must_use]
    pub fn echo(&self) -> Option<Echo> {
        if self.filled < self.heard.len() {
            return None;
        }
        let energy = |samples: &[i16]| samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>();
        let sent = energy(&self.burst);
        let answers: Vec<f64> = self
            .heard
            .windows(BURST)
            .map(|heard| heard.iter().zip(&self.burst).map(|(h, s)| f64::from(*h) * f64::from(*s)).sum::<f64>() / sent)
            .collect();
        let (delay, strongest) =
            answers.iter().map(|answer| answer.abs()).enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        // By chance one delay in thousands resembles the burst by a tenth of what is there at most.
        let chance = (energy(&self.heard[delay..delay + BURST]) / sent).sqrt() / 10.0;
        let floor = f64::from(mean_square_of(SILENCE_DBM0)).sqrt() / (sent / BURST as f64).sqrt();
        if strongest <= chance.max(floor) {
            return None;
        }
        let around = &answers[delay.saturating_sub(SPREAD)..(delay + SPREAD).min(answers.len())];
        // Of the answers around only those that are no chance likeness of the strongest: less adds little.
        let power: f64 = around.iter().filter(|a| a.abs() > strongest / 5.0).map(|a| a * a).sum();
        Some(Echo { delay_samples: delay as u32, return_loss_db: (-10.0 * power.log10()) as f32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::Law;

    /// A line that answers with these delays and gains, companded both ways, with noise.
    fn through(line: &[(usize, f32)], noise: i32, chunk: usize) -> Option<Echo> {
        let mut probe = EchoProbe::new(-13.0, 500);
        let mut past = vec![0.0_f32; 8_000];
        let mut state = 1_u32;
        loop {
            let mut out = vec![0; chunk];
            probe.fill(&mut out);
            past.extend(out.iter().map(|s| f32::from(Law::A.decode_one(Law::A.encode_one(*s)))));
            let from = past.len() - chunk;
            let back: Vec<i16> = (from..past.len())
                .map(|at| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let noise = if noise > 0 { (state >> 16) as i32 % (2 * noise) - noise } else { 0 };
                    let sum: f32 = line.iter().map(|(delay, gain)| past[at - delay] * gain).sum();
                    Law::A.decode_one(Law::A.encode_one((sum + noise as f32) as i16))
                })
                .collect();
            if probe.process(&back) {
                return probe.echo();
            }
        }
    }

    #[test]
    fn delay_and_loss_of_an_echo_are_found() {
        for (delay, db) in [(0, 0.0), (160, 6.0), (1_234, 20.0), (4_000, 30.0)] {
            for chunk in [40, 80, 160] {
                let echo = through(&[(delay, 10f32.powf(-db / 20.0))], 0, chunk).expect("an echo");
                assert_eq!(echo.delay_samples as usize, delay);
                // A burst has one strength only, and weak ones fall between the steps of the law.
                let step = if db < 30.0 { 0.3 } else { 0.6 };
                assert!((echo.return_loss_db - db).abs() < step, "{db}: {echo:?}");
            }
        }
    }

    #[test]
    fn an_echo_is_found_in_noise_and_turned_over() {
        let echo = through(&[(200, -0.1)], 300, 80).expect("an echo of 20 dB");
        assert_eq!(echo.delay_samples, 200);
        assert!((echo.return_loss_db - 20.0).abs() < 0.5, "{echo:?}");
        assert!((echo.delay_ms() - 25.0).abs() < 1e-6);
    }

    #[test]
    fn parts_of_an_echo_add_up() {
        // Half and half of half: 10 log10 (1/4 + 1/16) = -5.05 dB.
        let echo = through(&[(100, 0.5), (110, 0.25)], 0, 80).expect("an echo");
        assert_eq!(echo.delay_samples, 100);
        assert!((echo.return_loss_db - 5.05).abs() < 0.3, "{echo:?}");
    }

    #[test]
    fn silence_and_noise_alone_are_no_echo() {
        assert_eq!(through(&[], 0, 80), None);
        assert_eq!(through(&[], 1_000, 80), None);
        assert_eq!(EchoProbe::new(-13.0, 100).echo(), None, "not heard out");
    }
}
