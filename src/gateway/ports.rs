//! The pool of stream ports pre-assigned to this server.
//!
//! One port carries one event at a time. A port that was used is held back for the port-reuse
//! time-out before another event may have it, since a listener's code for the old event must not open
//! the new one; the same event may come back to its own port at once, so that its players find it.
//! Among free ports the one unused for longest is taken.
//!
//! Time: `now` is given; expiry is looked at when a port is wanted, so there is no timer.

use event::EventNumber;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free {
        since: Duration,
    },
    /// In use; until `held` listeners' codes for an earlier stream of the same event may be valid.
    Used {
        event: EventNumber,
        held: Option<Duration>,
    },
    Held {
        event: EventNumber,
        until: Duration,
    },
}

/// The pool; ports are counted from 0 (the first of the range).
#[derive(Debug)]
pub struct PortPool {
    states: Vec<State>,
    /// Ports that are given to no event, because what is behind them does not work.
    failed: Vec<bool>,
    reuse_after: Duration,
}

impl PortPool {
    /// A pool of so many ports.
    #[must_use]
    pub fn new(count: usize, reuse_after: Duration) -> Self {
        PortPool { states: vec![State::Free { since: Duration::ZERO }; count], failed: vec![false; count], reuse_after }
    }

    /// No event gets this port from now on, or it may be given again; a stream on it is left alone.
    pub fn set_failed(&mut self, port: u16, failed: bool) {
        if let Some(entry) = self.failed.get_mut(usize::from(port)) {
            *entry = failed;
        }
    }

    /// This port carried an event before the daemon was started anew, and is held back until then.
    pub fn hold(&mut self, port: u16, event: EventNumber, until: Duration) {
        self.states[usize::from(port)] = State::Held { event, until };
    }

    /// A port for this event, or `None` when all are used or held back.
    pub fn take(&mut self, now: Duration, event: EventNumber) -> Option<u16> {
        let well = || self.states.iter().enumerate().filter(|(i, _)| !self.failed[*i]);
        let own = well().find(|(_, s)| matches!(s, State::Held { event: e, .. } if *e == event)).map(|(i, _)| i);
        let port = own.or_else(|| {
            let free = well().filter_map(|(i, s)| match *s {
                State::Free { since } => Some((since, i)),
                State::Held { until, .. } if until <= now => Some((until, i)),
                State::Held { .. } | State::Used { .. } => None,
            });
            free.min().map(|(_, i)| i)
        })?;
        let held = match self.states[port] {
            State::Held { event: e, until } if e == event => Some(until),
            State::Free { .. } | State::Used { .. } | State::Held { .. } => None,
        };
        self.states[port] = State::Used { event, held };
        Some(port as u16)
    }

    /// The stream on this port has ended: hold it back.
    pub fn release(&mut self, now: Duration, port: u16) {
        if let State::Used { event, .. } = self.states[usize::from(port)] {
            self.states[usize::from(port)] = State::Held { event, until: now + self.reuse_after };
        }
    }

    /// The port was taken but carried nothing this time: free at once, unless an earlier stream of the
    /// same event still holds it back.
    pub fn give_back(&mut self, now: Duration, port: u16) {
        let state = &mut self.states[usize::from(port)];
        *state = match *state {
            State::Used { event, held: Some(until) } if until > now => State::Held { event, until },
            State::Free { .. } | State::Used { .. } | State::Held { .. } => State::Free { since: now },
        };
    }

    /// Ports that [`PortPool::take`] could answer with for an event not seen before.
    #[must_use]
    pub fn free(&self, now: Duration) -> usize {
        let free = |s: &State| match *s {
            State::Free { .. } => true,
            State::Held { until, .. } => until <= now,
            State::Used { .. } => false,
        };
        self.states.iter().zip(&self.failed).filter(|(s, failed)| !**failed && free(s)).count()
    }

    /// When the next port that is held back is free again.
    #[must_use]
    pub fn next_free(&self, now: Duration) -> Option<Duration> {
        let until = |s: &State| match *s {
            State::Held { until, .. } if until > now => Some(until),
            State::Free { .. } | State::Used { .. } | State::Held { .. } => None,
        };
        self.states.iter().filter_map(until).min()
    }

    /// Whether an event has this port.
    #[must_use]
    pub fn is_used(&self, port: u16) -> bool {
        matches!(self.states.get(usize::from(port)), Some(State::Used { .. }))
    }

    /// Ports in use, with the event each carries.
    pub fn used(&self) -> impl Iterator<Item = (u16, EventNumber)> {
        self.states.iter().enumerate().filter_map(|(i, s)| match *s {
            State::Used { event, .. } => Some((i as u16, event)),
            State::Free { .. } | State::Held { .. } => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REUSE: Duration = Duration::from_secs(900);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_used_port_is_held_back_from_strangers_but_not_from_its_own_event() {
        let (a, b) = (EventNumber::random(event::KeyId::FIRST), EventNumber::random(event::KeyId::FIRST));
        let mut pool = PortPool::new(1, REUSE);
        assert_eq!(pool.take(at(0), a), Some(0));
        assert_eq!(pool.take(at(1), b), None);
        pool.release(at(10), 0);
        assert_eq!(pool.take(at(11), b), None);
        assert_eq!(pool.take(at(11), a), Some(0));
        pool.release(at(20), 0);
        assert_eq!((pool.free(at(919)), pool.free(at(920))), (0, 1));
        assert_eq!(pool.take(at(920), b), Some(0));
    }

    #[test]
    fn a_port_that_has_failed_is_given_to_nobody_and_its_stream_is_left_alone() {
        let (a, b) = (EventNumber::random(event::KeyId::FIRST), EventNumber::random(event::KeyId::FIRST));
        let mut pool = PortPool::new(2, REUSE);
        assert_eq!(pool.take(at(0), a), Some(0));
        pool.set_failed(0, true);
        pool.set_failed(1, true);
        assert_eq!((pool.free(at(1)), pool.take(at(1), b), pool.used().count()), (0, None, 1));
        pool.release(at(2), 0);
        assert_eq!(pool.take(at(3), a), None, "not even to the event it was held back for");
        pool.set_failed(1, false);
        assert_eq!((pool.free(at(4)), pool.take(at(4), a)), (1, Some(1)));
    }

    #[test]
    fn an_event_that_returns_without_a_word_does_not_free_its_port_early() {
        let (a, b) = (EventNumber::random(event::KeyId::FIRST), EventNumber::random(event::KeyId::FIRST));
        let mut pool = PortPool::new(1, REUSE);
        assert_eq!(pool.take(at(0), a), Some(0));
        pool.release(at(10), 0);
        assert_eq!(pool.take(at(20), a), Some(0));
        pool.give_back(at(30), 0);
        assert_eq!(pool.take(at(31), b), None, "listeners of the stream that ended at 10 s may still come");
        assert_eq!(pool.take(at(910), b), Some(0));
        pool.give_back(at(911), 0);
        assert_eq!(pool.take(at(911), a), Some(0), "a port that carried nothing is nobody's");
    }

    #[test]
    fn a_port_held_back_before_a_restart_still_is() {
        let (a, b) = (EventNumber::random(event::KeyId::FIRST), EventNumber::random(event::KeyId::FIRST));
        let mut pool = PortPool::new(1, REUSE);
        pool.hold(0, a, at(100));
        assert_eq!(pool.take(at(99), b), None);
        assert_eq!(pool.take(at(100), b), Some(0));
    }

    #[test]
    fn the_port_unused_for_longest_goes_first() {
        let event = || EventNumber::random(event::KeyId::FIRST);
        let mut pool = PortPool::new(3, at(1));
        for expected in [0, 1, 2] {
            let port = pool.take(at(1), event()).expect("free");
            assert_eq!(port, expected);
            pool.release(at(1), port);
        }
        assert_eq!(pool.take(at(100), event()), Some(0));
        pool.give_back(at(101), 0);
        assert_eq!(pool.take(at(102), event()), Some(1));
    }
}
