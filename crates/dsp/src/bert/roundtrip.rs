//! How long a pattern takes to come back.
//!
//! Data path: a [`Receiver`] in sync → where in the sequence it stands → bits between sending and receiving.
//! Time: that of the pattern: sending and receiving have begun in the same tick, and move on alike.
//! Source: the place of a pseudo-random sequence in its period says when it was sent.

use super::pattern::{Pattern, Shape, Source};
use super::receiver::Receiver;
use super::{Sync, Width};

/// Longest delay looked for: one second.
const LONGEST_MS: u64 = 1_000;

/// Finds the delay of a pattern that began at its beginning in the tick in which its receiver was made.
#[derive(Debug, Clone)]
pub struct RoundTrip {
    /// A copy of what was sent, a second behind.
    trail: Source,
    behind: u64,
    longest: u64,
    random: bool,
}

impl RoundTrip {
    /// For a test over so many timeslots together.
    #[must_use]
    pub fn new(pattern: Pattern, width: Width, timeslots: usize) -> Self {
        Self {
            trail: Source::new(pattern),
            behind: 0,
            longest: u64::from(width.bits_a_second()) * timeslots as u64 * LONGEST_MS / 1_000,
            random: matches!(pattern.shape(), Shape::Random(_)),
        }
    }

    /// The delay in bits, if the receiver is in sync and the pattern was sent less than a second ago. Fixed patterns
    /// tell nothing, and the shorter sequences only what is left of the delay after whole periods: 2^11-1 comes round
    /// in 32 ms, 2^15-1 in half a second of one timeslot.
    ///
    /// Steps through a second of the pattern: to be asked now and then, not every tick.
    pub fn bits(&mut self, receiver: &Receiver) -> Option<u64> {
        let heard = receiver.heard();
        if receiver.report().sync != Sync::InSync || !self.random {
            return None;
        }
        while self.behind + self.longest < heard {
            self.trail.next_bit();
            self.behind += 1;
        }
        let mut sent = self.trail.clone();
        let mut found = None;
        for at in self.behind..=heard {
            if receiver.stands_at(&sent) {
                found = Some(heard - at);
            }
            sent.next_bit();
        }
        found
    }
}
