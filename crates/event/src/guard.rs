//! The guard against guessing: who has failed too often waits, or is not let in at all for a while.
//!
//! Failures are counted for the event number that was tried, whether or not there is such an event; for
//! the caller's number; and for the trunk the call came by. Each has its own policy. A lock must not be
//! told from a wrong PIN: the daemon verifies nevertheless, then says the same words after the same delay.
//!
//! Data path: event, caller, trunk, from the call's dialogue → here → [`Verdict`], new locks for the log and
//! the alarm, delay before the next prompt.
//! Time: `now` since the start, given with every call. Nothing happens by itself.
//! Source: a full T1 can try 8280 PINs an hour (23 lines, 3 tries a call, 120 calls an hour). With the
//! defaults an event is tried at most 120 times an hour: of 10^8 PINs two are right, so a guesser who never
//! rests needs some thirty years for an even chance. What remains is that he can keep an event locked, at
//! the cost of being locked himself and of raising an alarm.
//! Words: *limit*, the failure that locks; *window*, how long a failure counts; *lock*, how long nobody
//! is let in.

use crate::number::EventNumber;
use crate::table::Failures;
use std::time::Duration;

/// How many failures lock, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The failure within the window that locks; 0 for never.
    pub limit: u16,
    /// How long a failure counts.
    pub window: Duration,
    /// How long the lock lasts.
    pub lock_for: Duration,
}

/// The policies of a [`Guard`], and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For an event number: 20 failures in 10 minutes lock it for 10 minutes.
    pub event: Policy,
    /// For a caller's number: 6 failures in 10 minutes lock it for 30 minutes.
    pub caller: Policy,
    /// For a trunk: 200 failures in 10 minutes lock it for 2 minutes.
    pub trunk: Policy,
    /// Events, and callers, remembered at the same time (1024): of more, those are forgotten that have
    /// failed least recently. An entry takes 16 octets for each failure its limit allows, and 48 more.
    pub remembered: usize,
    /// Trunks remembered at the same time (64).
    pub trunks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Limits {
            event: Policy { limit: 20, window: 10 * MINUTE, lock_for: 10 * MINUTE },
            caller: Policy { limit: 6, window: 10 * MINUTE, lock_for: 30 * MINUTE },
            trunk: Policy { limit: 200, window: 10 * MINUTE, lock_for: 2 * MINUTE },
            remembered: 1024,
            trunks: 64,
        }
    }
}

/// Whether a right PIN may be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It may not, as if it were wrong.
    Locked {
        /// Until then, since the start.
        until: Duration,
    },
}

impl Verdict {
    /// Whether it may.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Verdict::Allowed)
    }
}

/// What a failure has locked that was not locked before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewLocks {
    /// The event number.
    pub event: bool,
    /// The caller's number.
    pub caller: bool,
    /// The trunk.
    pub trunk: bool,
}

impl NewLocks {
    /// Whether it has locked anything.
    #[must_use]
    pub const fn any(self) -> bool {
        self.event || self.caller || self.trunk
    }
}

/// Counts failures and locks. Its memory is taken when it is made; see [`Limits::remembered`].
///
/// A caller is any number that stands for the digits he called from, such as a hash of them, or `None`
/// if they are not known: then only event and trunk are counted, lest one guesser who withholds his
/// number lock out everybody else who does.
#[derive(Clone, Debug)]
pub struct Guard {
    limits: Limits,
    events: Failures,
    callers: Failures,
    trunks: Failures,
}

impl Default for Guard {
    fn default() -> Self {
        Guard::new(Limits::default())
    }
}

impl Guard {
    /// A guard that has seen nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Guard {
        Guard {
            limits,
            events: Failures::new(limits.event, limits.remembered),
            callers: Failures::new(limits.caller, limits.remembered),
            trunks: Failures::new(limits.trunk, limits.trunks),
        }
    }

    /// Whether a PIN may be accepted if it is right. To be asked after it was verified, so that a lock
    /// does not answer sooner than a wrong PIN.
    pub fn check(&self, now: Duration, event: EventNumber, caller: impl Into<Option<u64>>, trunk: u16) -> Verdict {
        let event = self.events.locked_until(now, event.as_u64());
        let caller = caller.into().and_then(|caller| self.callers.locked_until(now, caller));
        let trunk = self.trunks.locked_until(now, trunk.into());
        match event.max(caller).max(trunk) {
            Some(until) => Verdict::Locked { until },
            None => Verdict::Allowed,
        }
    }

    /// Counts a failure: a wrong PIN, or any PIN while locked. Says what it has just locked.
    pub fn failed(
        &mut self,
        now: Duration,
        event: EventNumber,
        caller: impl Into<Option<u64>>,
        trunk: u16,
    ) -> NewLocks {
        NewLocks {
            event: self.events.failed(now, event.as_u64()),
            caller: caller.into().is_some_and(|caller| self.callers.failed(now, caller)),
            trunk: self.trunks.failed(now, trunk.into()),
        }
    }

    /// Notes that a caller was let in, which takes back the newest of his failures and no more: an office
    /// where many call from one number and some mistype is not locked out, and somebody with a PIN of
    /// his own cannot wipe out a series of guesses with it. The event's and the trunk's failures stay.
    pub fn succeeded(&mut self, _now: Duration, caller: impl Into<Option<u64>>) {
        if let Some(caller) = caller.into() {
            self.callers.forgive(caller);
        }
    }

    /// How long to wait before the next prompt, 0, 1, 2 or 4 s: a caller waits 1 s after his first failure,
    /// 2 s after the second, 4 s from then on; everybody waits 1, 2 or 4 s when a quarter, half or three
    /// quarters of what locks the event or the trunk is used up. Locked counts as used up.
    #[must_use]
    pub fn delay(&self, now: Duration, event: EventNumber, caller: impl Into<Option<u64>>, trunk: u16) -> Duration {
        let caller = caller.into();
        let by_caller = caller.map_or(0, |caller| self.callers.count(now, caller).min(3));
        let by_event = quarters(self.events.count(now, event.as_u64()), self.limits.event.limit);
        let by_trunk = quarters(self.trunks.count(now, trunk.into()), self.limits.trunk.limit);
        let step = match self.check(now, event, caller, trunk) {
            Verdict::Allowed => by_caller.max(by_event).max(by_trunk),
            Verdict::Locked { .. } => 3,
        };
        Duration::from_secs([0, 1, 2, 4][usize::from(step)])
    }
}

/// Whole quarters of `limit` in `count`, 0 to 3.
fn quarters(count: u16, limit: u16) -> u16 {
    (u32::from(count) * 4).checked_div(u32::from(limit)).map_or(0, |quarters| quarters.min(3) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyId;

    fn event(serial: u32) -> EventNumber {
        EventNumber::with_serial(KeyId::FIRST, serial)
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn seconds(delay: Duration) -> u64 {
        delay.as_secs()
    }

    #[test]
    fn a_caller_who_fails_six_times_waits_half_an_hour() {
        let mut guard = Guard::default();
        for n in 0..5 {
            assert_eq!(guard.failed(at(n), event(n as u32), 1, 0), NewLocks::default());
            assert!(guard.check(at(n), event(99), 1, 0).is_allowed());
        }
        let locks = guard.failed(at(5), event(5), 1, 0);
        assert_eq!(locks, NewLocks { caller: true, ..NewLocks::default() });
        assert!(locks.any());
        assert_eq!(guard.check(at(6), event(99), 1, 0), Verdict::Locked { until: at(1805) });
        assert!(guard.check(at(6), event(99), 2, 0).is_allowed(), "the others go on");
        assert!(guard.check(at(1805), event(99), 1, 0).is_allowed());
    }

    #[test]
    fn an_event_is_locked_whoever_guesses() {
        let mut guard = Guard::default();
        for n in 0..19 {
            assert!(!guard.failed(at(n), event(7), n, n as u16).any());
        }
        assert!(guard.failed(at(19), event(7), 19, 19).event);
        assert!(!guard.check(at(20), event(7), 1000, 1000).is_allowed());
        assert!(guard.check(at(20), event(8), 1000, 1000).is_allowed());
        assert!(guard.check(at(619), event(7), 1000, 1000).is_allowed());
    }

    #[test]
    fn a_trunk_is_locked_for_two_minutes() {
        let mut guard = Guard::default();
        let locking = (0..200).filter(|&n| guard.failed(at(n), event(n as u32), n, 3).trunk).collect::<Vec<_>>();
        assert_eq!(locking, [199]);
        assert!(!guard.check(at(200), event(1000), 1000, 3).is_allowed());
        assert!(guard.check(at(200), event(1000), 1000, 4).is_allowed());
        assert!(guard.check(at(319), event(1000), 1000, 3).is_allowed());
    }

    #[test]
    fn the_longest_lock_is_told() {
        let mut guard = Guard::default();
        (0..20).for_each(|n| _ = guard.failed(at(n), event(7), 1, 0));
        assert_eq!(guard.check(at(20), event(7), 1, 0), Verdict::Locked { until: at(1805) });
    }

    #[test]
    fn who_withholds_his_number_locks_nobody_who_does() {
        let mut guard = Guard::default();
        (0..19).for_each(|n| assert!(!guard.failed(at(n), event(n as u32), None, 0).any()));
        assert!(guard.check(at(20), event(99), None, 0).is_allowed());
    }

    #[test]
    fn the_delay_grows() {
        let mut guard = Guard::default();
        let mut delays = vec![seconds(guard.delay(at(0), event(1), 1, 0))];
        for n in 1..8 {
            guard.failed(at(n), event(1), 1, 0);
            delays.push(seconds(guard.delay(at(n), event(1), 1, 0)));
        }
        assert_eq!(delays, [0, 1, 2, 4, 4, 4, 4, 4]);
        assert_eq!(seconds(guard.delay(at(8), event(1), 2, 1)), 1, "another caller: a quarter of the event's limit");
        assert_eq!(seconds(guard.delay(at(8), event(2), 2, 1)), 0);
        assert_eq!(seconds(guard.delay(at(700), event(1), 3, 0)), 0, "all is forgotten");
    }

    #[test]
    fn success_takes_back_one_failure() {
        let mut guard = Guard::default();
        // A switchboard's number: two in three mistype once, then get it right.
        for n in 0..60 {
            assert!(!guard.failed(at(n), event(n as u32), 1, 0).caller);
            guard.succeeded(at(n), 1);
        }
        // Somebody with a PIN of his own who uses it once in a while.
        let locked = (60..100).position(|n| {
            if n % 5 == 0 {
                guard.succeeded(at(n), 2);
            }
            guard.failed(at(n), event(n as u32), 2, 0).caller
        });
        assert_eq!(locked, Some(6));
    }

    #[test]
    fn a_switched_off_policy_neither_locks_nor_delays() {
        let off = Policy { limit: 0, window: at(600), lock_for: at(600) };
        let mut guard = Guard::new(Limits { event: off, caller: off, trunk: off, ..Limits::default() });
        (0..1000).for_each(|n| assert!(!guard.failed(at(n), event(1), 1, 0).any()));
        assert!(guard.check(at(1000), event(1), 1, 0).is_allowed());
        assert_eq!(guard.delay(at(1000), event(1), 1, 0), Duration::ZERO);
    }

    /// Ten hours of a try every half second on one event, each from another number and trunk.
    #[test]
    fn an_event_under_attack_is_tried_120_times_an_hour_at_most() {
        let mut guard = Guard::default();
        let mut tried = 0;
        for n in 0..72_000u64 {
            let now = Duration::from_millis(n * 500);
            tried += u32::from(guard.check(now, event(1), n, (n % 40) as u16 + 1000).is_allowed());
            let _ = guard.failed(now, event(1), n, n as u16);
        }
        assert!((1000..=1200).contains(&tried), "{tried}");
    }
}
