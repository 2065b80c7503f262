//! When a tick may begin: whose clock is followed, and how late a tick is by it.
//!
//! **A card that says when it is ready leads.** Its last bearer channel becomes readable when a chunk is there; that, and not the timer,
//! begins the tick, and as many ticks follow as it has chunks. A timer a little slower than the line would else let chunks pile up in
//! the card, which is delay. The timer goes on beside: time has to pass for calls and timers also when the card stands still.
//! **Without such a card the timer leads**, and proposes ticks: what is due and cannot begin yet is owed, up to [`MOST_OWED`].
//! **A card that does not lead** keeps its own time behind [`super::SlipBuffered`], served whenever it is ready; the difference
//! of the two clocks comes out as a slip now and then, which is counted, and never as delay.
//!
//! Time: comes in.

use std::time::Duration;

/// Ticks that may be owed before the rest is written off as an overrun, and those that follow on one another without a look at the
/// orders.
const MOST_OWED: u64 = 50;
/// The share of a tick by which the expected time of the next moves on beyond it: twice what the slowest line may differ
/// (T1.403: 32 parts in a million, and the network's equipment 130).
const FORGETTING: u32 = 4096;

/// See the module.
#[derive(Debug)]
pub struct Pace {
    tick: Duration,
    /// When the next tick is due: by the timer, or by the earliest the card has been of late.
    due_at: Duration,
    owed: u64,
    /// Times the timer has expired since the last tick.
    unanswered: u64,
    by_card: bool,
    at_once: u64,
}

impl Pace {
    /// From now on.
    #[must_use]
    pub fn new(tick: Duration, now: Duration) -> Pace {
        Pace { tick, due_at: now + tick, owed: 0, unanswered: 0, by_card: false, at_once: 0 }
    }

    /// The timer has expired so often since this was last told; how many ticks are written off.
    pub fn expired(&mut self, times: u64) -> u64 {
        self.at_once = 0;
        self.unanswered += times;
        if self.by_card {
            return 0;
        }
        self.owed += times;
        let excess = self.owed.saturating_sub(MOST_OWED);
        self.owed -= excess;
        self.due_at += self.tick * u32::try_from(excess).unwrap_or(u32::MAX);
        excess
    }

    /// Whether a tick may begin, where a card leads or not.
    pub fn may_tick(&mut self, by_card: bool) -> bool {
        if by_card != std::mem::replace(&mut self.by_card, by_card) {
            self.owed = 0;
        }
        if by_card { self.at_once < MOST_OWED } else { self.owed > 0 }
    }

    /// It has begun; how late.
    pub fn ticked(&mut self, begun: Duration) -> Duration {
        self.unanswered = 0;
        if self.by_card {
            self.at_once += 1;
            self.due_at = self.due_at.min(begun);
            let late = begun - self.due_at;
            self.due_at += self.tick + self.tick / FORGETTING;
            // After a card stood still its old rhythm says nothing any more.
            if late > self.tick * MOST_OWED as u32 {
                self.due_at = begun + self.tick;
            }
            return late;
        }
        let late = begun.saturating_sub(self.due_at);
        self.due_at += self.tick;
        self.owed -= 1;
        late
    }

    /// There was no chunk; whether that is worth counting.
    pub fn waited(&mut self) -> bool {
        // A card that leads has none most of the time it is asked: only one that lets a whole tick pass is slow.
        !self.by_card || std::mem::take(&mut self.unanswered) > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(10);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_timer_that_was_not_heard_for_long_is_made_up_for_and_then_written_off() {
        let mut pace = Pace::new(TICK, Duration::ZERO);
        assert_eq!(pace.expired(3), 0);
        let mut late = Vec::new();
        while pace.may_tick(false) {
            late.push(pace.ticked(TICK * 3));
        }
        assert_eq!(late, [TICK * 2, TICK, Duration::ZERO]);
        assert_eq!(pace.expired(80), 30);
        let mut ticks = 0;
        while pace.may_tick(false) {
            pace.ticked(TICK * 83);
            ticks += 1;
        }
        assert_eq!(ticks, 50);
    }

    /// A card on a clock of its own against our timer: how many chunks ever wait, and the latest tick. The loop is woken by whichever
    /// comes first, and takes 300 microseconds to run.
    fn against_a_card(period: Duration, seconds: u32) -> (u64, Duration) {
        let mut pace = Pace::new(TICK, Duration::ZERO);
        let (mut chunk_at, mut timer_at) = (period, TICK);
        let (mut most, mut latest) = (0, Duration::ZERO);
        while timer_at < SECOND * seconds {
            let now = chunk_at.min(timer_at) + Duration::from_micros(300);
            let mut expirations = 0;
            while timer_at <= now {
                timer_at += TICK;
                expirations += 1;
            }
            assert_eq!(pace.expired(expirations), 0);
            let mut chunks = 0;
            while chunk_at <= now {
                chunk_at += period;
                chunks += 1;
            }
            most = most.max(chunks);
            while pace.may_tick(true) {
                if chunks == 0 {
                    assert!(!pace.waited(), "a card only a little slow is not waited for");
                    break;
                }
                chunks -= 1;
                latest = latest.max(pace.ticked(now));
            }
            assert_eq!(chunks, 0, "nothing is left in the card");
        }
        (most, latest)
    }

    #[test]
    fn chunks_do_not_pile_up_in_a_card_whatever_its_clock() {
        for parts_in_a_million in [-200_i64, -32, 0, 32, 200] {
            let period = Duration::from_nanos((10_000_000 + 10 * parts_in_a_million).unsigned_abs());
            let (most, latest) = against_a_card(period, 3600);
            assert_eq!(most, 1, "{parts_in_a_million} parts in a million");
            assert!(latest < Duration::from_millis(1), "{parts_in_a_million}: {latest:?} late");
        }
    }

    #[test]
    fn a_card_that_stands_still_is_seen_and_then_followed_again() {
        let mut pace = Pace::new(TICK, Duration::ZERO);
        assert!(pace.may_tick(true));
        pace.ticked(TICK);
        let mut waits = 0;
        for _ in 0..100 {
            pace.expired(1);
            assert!(pace.may_tick(true));
            waits += u64::from(pace.waited());
        }
        assert!(waits <= 100, "{waits}");
        pace.ticked(SECOND * 2);
        pace.expired(1);
        assert!(pace.may_tick(true));
        assert_eq!(pace.ticked(SECOND * 2 + TICK), Duration::ZERO, "its new rhythm counts");
        // The card has gone: the timer leads, and owes nothing of before.
        assert!(!pace.may_tick(false));
        pace.expired(1);
        assert!(pace.may_tick(false));
    }
}
