//! What is done about the echo that the filter leaves: silence it while the near end is silent, behind comfort noise.
//!
//! Data path: what the filter left, and the powers of the block → samples.
//! Time: one block of 5 ms a call.
//! Source: ITU-T G.168, clauses 3.18 (nonlinear processor) and 3.4 (comfort noise): the far end must hear neither echo nor the
//! line going dead. Our own in how it decides.
//! Words: *residue*, the echo that is left.

use super::filter::{BLOCK, Powers};
use crate::level::mean_square_of;
use crate::ramp::Ramp;

/// Of an echo that the filter knows, G.711 on the way leaves at least this: 33 dB down.
const UNKNOWABLE: f32 = 5e-4;

/// What is this much louder than the residue usually is is a voice at the near end: 9 dB.
const LOUDER: f32 = 8.0;

/// How fast the belief in what is left of an echo follows what is left: some 100 ms.
const FOLLOWS: f32 = 0.05;

/// What is more than that by a voice's distance tells nothing of the echo, unless it goes on for seconds: 3 dB in one.
const CREEPS: f32 = 1.0035;

/// Blocks for which a voice is let through after its last loud one: 150 ms.
const HANG_OVER: u32 = 30;

/// An echo below this needs nothing done about it.
const INAUDIBLE_DBM0: f32 = -66.0;

/// Comfort noise is never louder.
const LOUDEST_NOISE_DBM0: f32 = -40.0;

/// Blocks over which the quietest moment is the background: half a second, and how many of these are looked back at.
const STRETCH: u32 = 100;
const STRETCHES: usize = 4;

/// Gates the residue of one leg.
#[derive(Debug, Clone)]
pub(super) struct Residue {
    /// Smoothed over some blocks, so that a voice's own zeros do not close it.
    left: f32,
    estimate: f32,
    /// What is left of an echo, as a share of it.
    share: f32,
    may_be: f32,
    voice_for: u32,
    pass: Ramp,
    floors: [f32; STRETCHES],
    stretch: usize,
    blocks: u32,
    random: u32,
    colour: f32,
}

impl Residue {
    pub fn new() -> Self {
        Self {
            left: 0.0,
            estimate: 0.0,
            share: 1.0,
            may_be: 0.0,
            voice_for: 0,
            // A voice is let in within 2 ms, and the residue silenced within 10.
            pass: Ramp::new(1.0, 16, 80),
            floors: [0.0; STRETCHES],
            stretch: 0,
            blocks: 0,
            random: 1,
            colour: 0.0,
        }
    }

    pub fn process(&mut self, powers: &Powers, samples: &mut [i16; BLOCK]) {
        let background = self.background();
        self.left += (powers.left - self.left) * 0.5;
        self.estimate += (powers.estimate - self.estimate) * 0.5;
        self.learn_background();
        self.learn_share(background);
        let may_be = powers.doubt + self.share * powers.estimate;
        // The echo's own envelope falls more slowly than a block: what was possible a moment ago still is.
        self.may_be = may_be.max(self.may_be * 0.7);
        let voice = powers.left.min(self.left) > LOUDER * self.may_be + 2.0 * background;
        self.voice_for = if voice { HANG_OVER } else { self.voice_for.saturating_sub(1) };
        let passes = voice || self.voice_for > 0 || self.may_be < mean_square_of(INAUDIBLE_DBM0);
        let before = *samples;
        self.pass.apply(if passes { 1.0 } else { 0.0 }, samples);
        // What fades out must leave as much noise as it takes away.
        if before != *samples {
            let level = background.min(mean_square_of(LOUDEST_NOISE_DBM0)).sqrt() * (1.0 - self.pass.now());
            for sample in samples {
                *sample = sample.saturating_add((self.noise() * level) as i16);
            }
        }
    }

    /// What is left of an echo that is well above the background.
    fn learn_share(&mut self, background: f32) {
        if self.estimate * UNKNOWABLE < background {
            return;
        }
        let share = self.left / self.estimate;
        self.share =
            if share < self.share * LOUDER { self.share + (share - self.share) * FOLLOWS } else { self.share * CREEPS };
        self.share = self.share.clamp(UNKNOWABLE, 1.0);
    }

    fn background(&self) -> f32 {
        self.floors.iter().copied().fold(f32::INFINITY, f32::min)
    }

    fn learn_background(&mut self) {
        let floor = &mut self.floors[self.stretch];
        *floor = if self.blocks == 0 { self.left } else { floor.min(self.left) };
        self.blocks += 1;
        if self.blocks == STRETCH {
            (self.blocks, self.stretch) = (0, (self.stretch + 1) % STRETCHES);
        }
    }

    /// Noise of mean square 1, a little stronger at the low end as rooms are.
    fn noise(&mut self) -> f32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = (self.random >> 8) as f32 / (1 << 23) as f32 - 1.0;
        // White of mean square 1/3 through a pole at 0.5 has 1/3 / (1 - 0.25).
        self.colour = self.colour * 0.5 + white;
        self.colour * 1.5
    }
}
