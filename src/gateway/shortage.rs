//! The watch over free stream ports: when they run low, calls are kept away before one arrives that could not be streamed.
//!
//! ```text
//!            free <= low, dwell over
//!   Enough ──────────────────────────► Short        each change is followed by at least the dwell
//!          ◄──────────────────────────
//!            free >= high, dwell over
//! ```
//!
//! Between two changes lies the dwell, so that ports flapping around a mark do not become SERVICE messages by the hundred. A
//! shortage that begins within the dwell is met call by call (cause 34), which is the gateway's business.
//!
//! Time: `now` is given; [`Shortage::poll_timeout`] says when a change that waits for the dwell is due.
//! Words: mark, a count of free ports; dwell, the shortest time between two changes.

use std::time::Duration;

/// How the watch is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Free ports at which channels are taken out.
    pub low: usize,
    /// Free ports at which they come back.
    pub high: usize,
    /// The shortest time between the two.
    pub dwell: Duration,
}

/// The watch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shortage {
    marks: Marks,
    short: bool,
    /// When the last change was.
    since: Option<Duration>,
    /// A change is due, and waits for the dwell.
    due: Option<Duration>,
}

impl Shortage {
    pub const fn new(marks: Marks) -> Shortage {
        Shortage { marks, short: false, since: None, due: None }
    }

    /// So many ports are free now; `Some` when channels are to be taken out (true) or put back (false).
    pub fn look(&mut self, now: Duration, free: usize) -> Option<bool> {
        let wanted = if self.short { free < self.marks.high } else { free <= self.marks.low };
        if wanted == self.short {
            self.due = None;
            return None;
        }
        let allowed = self.since.map_or(now, |since| since.saturating_add(self.marks.dwell));
        if now < allowed {
            self.due = Some(allowed);
            return None;
        }
        (self.short, self.since, self.due) = (wanted, Some(now), None);
        Some(wanted)
    }

    /// Channels are out for want of ports.
    pub const fn is_short(&self) -> bool {
        self.short
    }

    /// When to look again although nothing has happened.
    pub const fn poll_timeout(&self) -> Option<Duration> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks { low: 1, high: 3, dwell: Duration::from_secs(30) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn between_the_marks_everything_stays_as_it_is() {
        let mut shortage = Shortage::new(MARKS);
        assert_eq!(shortage.look(at(0), 2), None);
        assert_eq!(shortage.look(at(1), 1), Some(true));
        assert_eq!(shortage.look(at(60), 2), None, "one more is not enough");
        assert_eq!(shortage.look(at(61), 3), Some(false));
        assert_eq!(shortage.look(at(100), 2), None);
    }

    #[test]
    fn a_change_waits_for_the_dwell_and_is_made_then_if_it_is_still_due() {
        let mut shortage = Shortage::new(MARKS);
        assert_eq!(shortage.look(at(5), 0), Some(true));
        assert_eq!((shortage.look(at(6), 9), shortage.poll_timeout()), (None, Some(at(35))));
        assert_eq!((shortage.look(at(20), 0), shortage.poll_timeout()), (None, None), "it was momentary");
        assert_eq!((shortage.look(at(30), 9), shortage.poll_timeout()), (None, Some(at(35))));
        assert_eq!(shortage.look(at(35), 9), Some(false));
        assert!(!shortage.is_short());
    }

    #[test]
    fn an_hour_of_flapping_makes_at_most_a_change_each_dwell() {
        let mut shortage = Shortage::new(MARKS);
        let changes = (0..36_000u64).filter(|tenth| {
            let free = if tenth % 7 < 3 { 0 } else { 5 };
            shortage.look(Duration::from_millis(tenth * 100), free).is_some()
        });
        let changes = changes.count();
        assert!((60..=121).contains(&changes), "{changes}");
    }
}
