//! How long to leave the database alone after it did not answer: longer each time, and not all at once.

use std::time::Duration;

/// Pauses that double, up to a longest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Begins with `first` and never pauses longer than `most`.
    #[must_use]
    pub const fn new(first: Duration, most: Duration) -> Backoff {
        Backoff { first, most, next: first }
    }

    /// It failed: how long to wait now. `chance` is any number; half of the pause hangs on it, so that those
    /// who lost the database together do not come back together.
    pub fn failed(&mut self, chance: u64) -> Duration {
        let pause = self.next.min(self.most);
        self.next = (pause * 2).min(self.most);
        let half = pause / 2;
        half + half.mul_f64(chance as f64 / u64::MAX as f64)
    }

    /// It worked: the next failure begins anew.
    pub fn worked(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(2));
        let pauses: Vec<_> = (0..5).map(|_| backoff.failed(u64::MAX).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 2000]);
        backoff.worked();
        assert_eq!(backoff.failed(0).as_millis(), 125, "at least half of it, whatever chance has it");
    }
}
