//! An echo canceller for one leg: takes out of what a caller's line returns what was sent to it.
//!
//! Where a line of two wires begins, a hybrid returns part of what arrives. On a long way the others hear themselves a moment
//! later. The canceller knows what was sent and learns what comes back.
//!
//! Data path: what was sent to the leg and what it returns → [`EchoCanceller`] → what its caller says.
//! Time: blocks of 5 ms; no delay is added.
//! Source: ITU-T G.168. In the form of its figure 1: an adaptive filter (`filter`), a nonlinear processor with comfort noise
//! (`residue`), and a disabler for modems (`disabler`). Its tests are followed by `tests/echo.rs` with material of
//! our own; it is not certified to anything.
//! Words: *ERL*, how far below what is sent its echo is; *ERLE*, how much further the canceller brings it; *tail*, the
//! longest echo path that can be learnt, from where we hand a sample over to where its last echo comes back: the card's
//! own buffers are part of it.

mod disabler;
mod filter;
mod residue;

use crate::level::mean_square_of;
use crate::ramp::rounded;
use disabler::ToneWatch;
use filter::{BLOCK, Filter};
use residue::Residue;

/// Samples at a time: chunks are multiples of it, as every tick's is.
pub const ECHO_BLOCK: usize = BLOCK;

/// What is sent below this returns no echo worth a look.
const SILENT_DBM0: f32 = -60.0;

/// The echo canceller of one leg.
#[derive(Clone)]
pub struct EchoCanceller {
    filter: Filter,
    residue: Residue,
    to_leg: ToneWatch,
    from_leg: ToneWatch,
    /// Blocks since something was sent, and after how many there can be no echo any more.
    silent_for: u32,
    tail_blocks: u32,
    /// Mean square of what is sent in vain.
    silent_below: i32,
    nonlinear: bool,
    received_power: f32,
    left_power: f32,
}

impl std::fmt::Debug for EchoCanceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EchoCanceller").field("erle_db", &self.erle_db()).finish_non_exhaustive()
    }
}

impl EchoCanceller {
    /// A canceller for echoes of up to `tail_ms` (64 and 128 are usual). This is the only allocation it ever makes.
    #[must_use]
    pub fn new(tail_ms: u32) -> Self {
        Self {
            filter: Filter::new(tail_ms),
            residue: Residue::new(),
            to_leg: ToneWatch::new(),
            from_leg: ToneWatch::new(),
            silent_for: 0,
            tail_blocks: tail_ms / 5 + 4,
            silent_below: mean_square_of(SILENT_DBM0) as i32,
            nonlinear: true,
            received_power: 0.0,
            left_power: 0.0,
        }
    }

    /// Without the nonlinear processor: what the filter leaves is let through, as G.168 asks for some of its tests.
    #[must_use]
    pub fn without_nonlinear_processor(mut self) -> Self {
        self.nonlinear = false;
        self
    }

    /// Somebody else is there: nothing is known of the line.
    pub fn reset(&mut self) {
        self.filter.forget();
        self.residue = Residue::new();
        (self.to_leg, self.from_leg) = (ToneWatch::new(), ToneWatch::new());
        (self.silent_for, self.received_power, self.left_power) = (0, 0.0, 0.0);
    }

    /// Takes the echo of what was `sent` out of what was `received`, in place. `sent` is as the line got it, coded and decoded; the
    /// first of it must not be later than what could come back with the first of `received`.
    ///
    /// Both have the same length, a multiple of [`ECHO_BLOCK`]; what is beyond is left as it is.
    pub fn process(&mut self, sent: &[i16], received: &mut [i16]) {
        let (sent, _) = sent.as_chunks();
        let (received, _) = received.as_chunks_mut();
        for (sent, received) in sent.iter().zip(received) {
            self.to_leg.process(sent);
            self.from_leg.process(received);
            if self.has_echo(sent) && !self.is_disabled() {
                self.cancel(received);
            }
        }
    }

    /// Whether a modem or fax machine has asked it to step aside (G.168, clause 7).
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.to_leg.is_disabled() || self.from_leg.is_disabled()
    }

    /// How much was taken out by the filter over the last seconds while there was an echo, in dB.
    #[must_use]
    pub fn erle_db(&self) -> f32 {
        10.0 * ((self.received_power + 1.0) / (self.left_power + 1.0)).log10()
    }

    /// Takes note of what was sent; whether any of it can come back.
    fn has_echo(&mut self, sent: &[i16; BLOCK]) -> bool {
        let loud = i64::from(self.silent_below) * BLOCK as i64;
        let energy: i64 = sent.iter().map(|&s| i64::from(i32::from(s) * i32::from(s))).sum();
        self.silent_for = if energy > loud { 0 } else { self.silent_for.saturating_add(1) };
        if self.silent_for > self.tail_blocks {
            self.filter.nothing_sent();
            return false;
        }
        self.filter.sent(sent);
        true
    }

    fn cancel(&mut self, received: &mut [i16; BLOCK]) {
        let mut left = [0.0; BLOCK];
        let powers = self.filter.cancel(&received.map(f32::from), &mut left);
        self.received_power += (powers.received - self.received_power) * 0.002;
        self.left_power += (powers.left - self.left_power) * 0.002;
        // While the filter is wrong it may make things louder; then it is better not listened to.
        if powers.left < powers.received {
            *received = left.map(rounded);
        }
        if self.nonlinear {
            self.residue.process(&powers, received);
        }
    }
}
