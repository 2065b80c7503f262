//! The date of a tick: what a card counts, by the server's clock.
//!
//! A card's copies say how much of *its* time has passed since it was started. That time is even, but stands still while
//! the card does, and its clock is not the server's. The server's clock is looked at when the copies are taken out, a little
//! late. So the date of the first tick is taken from the earliest reading there was, as long as it explains the later ones.
//!
//! Time: `now` is since 1970, from the collector.

use std::time::Duration;

/// How late copies may be taken out. Later than that, it is the card that stood still, or one of the clocks that was set.
const LATE: Duration = Duration::from_millis(200);

/// Turns a card's time into dates.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TickClock {
    /// When the card's time was zero.
    start: Option<Duration>,
}

impl TickClock {
    /// The date of a copy made at `at` of the card's time and taken out `now`.
    pub fn date(&mut self, at: Duration, now: Duration) -> Duration {
        let latest = now.saturating_sub(at);
        let start = match self.start {
            Some(start) if start <= latest && latest - start <= LATE => start,
            _ => *self.start.insert(latest),
        };
        start + at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn distances_are_the_cards_and_the_date_the_servers() {
        let mut clock = TickClock::default();
        // Taken out 20 ms late, then at once, then late again: 10 ms apart as they were.
        assert_eq!(clock.date(ms(100), ms(50_120)), ms(50_120));
        assert_eq!(clock.date(ms(110), ms(50_110)), ms(50_110), "known better now");
        assert_eq!(clock.date(ms(120), ms(50_145)), ms(50_120));
        assert_eq!(clock.date(ms(130), ms(50_145)), ms(50_130));
    }

    #[test]
    fn a_card_that_stood_still_and_a_clock_that_was_set_are_followed() {
        let mut clock = TickClock::default();
        assert_eq!(clock.date(ms(10), ms(1_010)), ms(1_010));
        assert_eq!(clock.date(ms(20), ms(9_020)), ms(9_020));
        assert_eq!(clock.date(ms(30), ms(530)), ms(530));
        assert_eq!(clock.date(ms(40), ms(550)), ms(540));
    }

    #[test]
    fn a_card_that_runs_fast_or_slow_is_never_further_off_than_its_copies_may_be_late() {
        for (name, card, server) in [("fast", 1_001_u64, 1_000_u64), ("slow", 1_000, 1_001)] {
            let mut clock = TickClock::default();
            for second in 1..2_000 {
                let now = ms(server * second);
                let date = clock.date(ms(card * second), now + ms(1_000_000)).saturating_sub(ms(1_000_000));
                assert!(date.abs_diff(now) <= LATE, "{name}: {date:?} for {now:?}");
            }
        }
    }
}
