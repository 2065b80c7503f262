//! A table of recent failures by number, of fixed size, with a lock for whoever fails too often.
//!
//! One of these looks after events, one after callers, one after trunks; [`guard`](crate::guard) puts
//! them together.
//!
//! Time: `now` since the start; should it go back, it is taken to have stood still.
//! Source: the window slides: every failure is kept with its time until it is a window old, so nobody
//! gains by waiting for the change of an hour. What that costs is 16 octets for each failure that the
//! limit allows, for each place in the table.

use crate::guard::Policy;
use std::time::Duration;

/// What is known of one number.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    last: Duration,
    /// Locked while this is later than now.
    until: Duration,
    /// Where its oldest failure is in its part of `times`, and how many there are.
    oldest: u16,
    count: u16,
}

/// Failures by number.
#[derive(Clone, Debug)]
pub struct Failures {
    policy: Policy,
    /// The numbers of the places; by themselves, because they are what is searched.
    numbers: Box<[u64]>,
    places: Box<[Place]>,
    used: usize,
    /// `policy.limit` for each place, in a ring.
    times: Box<[Duration]>,
}

impl Failures {
    /// An empty table of so many places, at least one: the only allocation.
    pub fn new(policy: Policy, places: usize) -> Failures {
        let places = places.max(1);
        Failures {
            policy,
            numbers: vec![0; places].into_boxed_slice(),
            places: vec![Place::default(); places].into_boxed_slice(),
            used: 0,
            times: vec![Duration::ZERO; places * usize::from(policy.limit)].into_boxed_slice(),
        }
    }

    /// Until when this number is locked, if it is.
    pub fn locked_until(&self, now: Duration, number: u64) -> Option<Duration> {
        self.find(number).map(|index| self.places[index].until).filter(|&until| until > now)
    }

    /// Failures of this number within the window before now; none while it is locked.
    pub fn count(&self, now: Duration, number: u64) -> u16 {
        let Some(index) = self.find(number) else { return 0 };
        let place = &self.places[index];
        (0..place.count).filter(|&nth| self.recent(now, self.times[self.slot(index, nth)])).count() as u16
    }

    /// Counts a failure; true when it is the one that locks the number. While locked nothing is counted:
    /// whoever goes on does not make the lock last longer for the others.
    pub fn failed(&mut self, now: Duration, number: u64) -> bool {
        let limit = self.policy.limit;
        if limit == 0 {
            return false;
        }
        let index = self.find(number).unwrap_or_else(|| self.make_room(now, number));
        let now = now.max(self.places[index].last);
        if self.places[index].until > now {
            return false;
        }
        self.forget_old(now, index);
        self.places[index].last = now;
        // The newest goes behind those that are left, of which there are fewer than the limit.
        let slot = self.slot(index, self.places[index].count);
        self.times[slot] = now;
        let place = &mut self.places[index];
        place.count += 1;
        if place.count < limit {
            return false;
        }
        place.count = 0;
        place.until = now.saturating_add(self.policy.lock_for);
        true
    }

    /// Takes back the newest failure of this number. A lock stays.
    pub fn forgive(&mut self, number: u64) {
        if let Some(index) = self.find(number) {
            self.places[index].count = self.places[index].count.saturating_sub(1);
        }
    }

    fn find(&self, number: u64) -> Option<usize> {
        // A walk over the whole table: under a microsecond for a thousand places, and only when a PIN was keyed.
        self.numbers[..self.used].iter().position(|&n| n == number)
    }

    /// A place for a number that has none: a free one, else that of the number which failed longest ago,
    /// locked ones last of all, so that a flood of new numbers does not wash a lock away.
    fn make_room(&mut self, now: Duration, number: u64) -> usize {
        let index = if self.used < self.places.len() {
            self.used += 1;
            self.used - 1
        } else {
            let by_use = self.places.iter().enumerate().min_by_key(|(_, p)| (p.until > now, p.last));
            by_use.map_or(0, |(index, _)| index)
        };
        self.numbers[index] = number;
        self.places[index] = Place::default();
        index
    }

    fn forget_old(&mut self, now: Duration, index: usize) {
        while self.places[index].count > 0 && !self.recent(now, self.times[self.slot(index, 0)]) {
            let place = &mut self.places[index];
            place.oldest = (place.oldest + 1) % self.policy.limit;
            place.count -= 1;
        }
    }

    fn recent(&self, now: Duration, time: Duration) -> bool {
        now.saturating_sub(time) < self.policy.window
    }

    /// Where in `times` the nth failure of a place is, from the oldest.
    fn slot(&self, index: usize, nth: u16) -> usize {
        let limit = usize::from(self.policy.limit);
        index * limit + (usize::from(self.places[index].oldest) + usize::from(nth)) % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const POLICY: Policy = Policy { limit: 3, window: Duration::from_secs(10), lock_for: Duration::from_secs(20) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_failure_that_reaches_the_limit_locks() {
        let mut table = Failures::new(POLICY, 4);
        assert!(!table.failed(at(0), 7));
        assert!(!table.failed(at(5), 7));
        assert_eq!(table.count(at(5), 7), 2);
        assert!(table.failed(at(9), 7));
        assert_eq!(table.locked_until(at(9), 7), Some(at(29)));
        assert_eq!(table.locked_until(at(9), 8), None, "others are not locked");
        assert!(!table.failed(at(28), 7), "nothing is counted while locked");
        assert_eq!(table.locked_until(at(29), 7), None);
        assert_eq!(table.count(at(29), 7), 0, "and afterwards it begins anew");
    }

    #[test]
    fn a_failure_is_forgotten_when_it_is_a_window_old() {
        let mut table = Failures::new(POLICY, 4);
        for seconds in [0, 5, 10, 15, 20] {
            assert!(!table.failed(at(seconds), 7), "never three within ten seconds");
        }
        assert!(table.failed(at(24), 7), "15, 20 and 24 are");
    }

    #[test]
    fn room_is_made_by_forgetting_the_longest_silent_and_locks_last() {
        let mut table = Failures::new(POLICY, 2);
        for seconds in 0..3 {
            table.failed(at(seconds), 1);
        }
        table.failed(at(3), 2);
        table.failed(at(4), 3);
        assert_eq!(table.count(at(4), 2), 0, "2 made room for 3");
        assert!(table.locked_until(at(4), 1).is_some(), "although 1 has been silent for longer");
        // Once the lock is over its place is the first to go.
        table.failed(at(23), 4);
        assert_eq!(table.count(at(23), 4), 1);
        assert_eq!(table.find(1), None);
    }

    #[test]
    fn forgiving_takes_back_one() {
        let mut table = Failures::new(POLICY, 2);
        table.forgive(9);
        table.failed(at(0), 9);
        table.failed(at(1), 9);
        table.forgive(9);
        assert_eq!(table.count(at(1), 9), 1);
        assert!(!table.failed(at(2), 9));
        assert!(table.failed(at(3), 9));
        table.forgive(9);
        assert!(table.locked_until(at(4), 9).is_some(), "a lock is not forgiven");
    }

    #[test]
    fn without_a_limit_nothing_locks() {
        let mut table = Failures::new(Policy { limit: 0, ..POLICY }, 2);
        assert!((0..100).all(|_| !table.failed(at(0), 1)));
        assert_eq!((table.count(at(0), 1), table.locked_until(at(0), 1)), (0, None));
    }

    #[test]
    fn a_clock_that_goes_back_stands_still() {
        let mut table = Failures::new(POLICY, 2);
        table.failed(at(100), 1);
        table.failed(at(3), 1);
        assert!(table.failed(at(101), 1));
        assert_eq!(table.locked_until(at(101), 1), Some(at(121)));
    }

    proptest! {
        /// With room for all, the table agrees with a list of everything that ever happened.
        #[test]
        fn agrees_with_a_full_record(steps in prop::collection::vec((0u64..8, 0u64..4, any::<bool>()), 0..200)) {
            let mut table = Failures::new(POLICY, 4);
            let mut record: HashMap<u64, (Vec<Duration>, Duration)> = HashMap::new();
            let mut now = Duration::ZERO;
            for (wait, number, fails) in steps {
                now += at(wait);
                let (failures, until) = record.entry(number).or_default();
                let locked = *until > now;
                prop_assert_eq!(table.locked_until(now, number), locked.then_some(*until));
                if fails {
                    let mut expected = false;
                    if !locked {
                        failures.retain(|&t| now < t + POLICY.window);
                        failures.push(now);
                        if failures.len() == 3 {
                            failures.clear();
                            *until = now + POLICY.lock_for;
                            expected = true;
                        }
                    }
                    prop_assert_eq!(table.failed(now, number), expected);
                } else {
                    table.forgive(number);
                    failures.pop();
                }
            }
        }
    }
}
