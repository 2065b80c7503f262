//! A pace that may be run ahead of by a few steps: the guard against storms of maintenance messages.
//!
//! Data path: `channels` asks it before each message.
//! Time: `now` of the caller; it remembers one moment and counts nothing.
//! Source: the virtual scheduling form of the generic cell rate algorithm (ITU-T I.371, annex A).

use std::time::Duration;

/// One message every `step`, up to `burst` of them at once after a rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    step: Duration,
    /// How far the messages may be ahead of the step: all but one of a burst.
    ahead: Duration,
    /// When the messages so far would have gone out, had they kept the step.
    due: Duration,
}

impl Pace {
    pub const fn new(step: Duration, burst: u32) -> Pace {
        Pace { step, ahead: step.saturating_mul(burst.saturating_sub(1)), due: Duration::ZERO }
    }

    /// From when the next message may be sent.
    pub fn ready(&self) -> Duration {
        self.due.saturating_sub(self.ahead)
    }

    /// Takes a step, if it is time; whether it was.
    pub fn step(&mut self, now: Duration) -> bool {
        let ready = self.ready() <= now;
        if ready {
            self.due = self.due.max(now).saturating_add(self.step);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_at_once_then_one_a_step() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(second * 30, 3);
        let mut sent = Vec::new();
        for now in 0..200 {
            while pace.step(second * now) {
                sent.push(now);
            }
        }
        assert_eq!(sent, [0, 0, 0, 30, 60, 90, 120, 150, 180]);
        assert_eq!(pace.ready(), second * 210);
        let rested = second * 1000;
        assert_eq!((0..5).filter(|_| pace.step(rested)).count(), 3);
    }
}
