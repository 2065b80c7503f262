//! The service manager that started the daemon, if one did: it is told what the daemon is up to, and that it lives.
//!
//! READY, STOPPING, STATUS, EXTEND_TIMEOUT_USEC and WATCHDOG go to the socket in `NOTIFY_SOCKET`; without that variable nothing
//! is told. The watchdog is fed only while the real-time loop ticks: a daemon whose threads are all there and whose callers hear
//! nothing is one that has to be started again. It is the main thread that looks, not the office, which may wait for a disk while
//! calls go on as they should.
//!
//! Data path: ticks of [`LoopStatistics`](crate::realtime::LoopStatistics), sentences → here → the manager's socket.
//! Time: `now` is since the daemon's start; looked at several times a second.
//! Source: sd_notify(3), sd_watchdog_enabled(3), systemd.service(5).

use sd_notify::NotifyState;
use std::time::Duration;

/// A sentence that has changed is told this often at most.
const STATUS_EVERY: Duration = Duration::from_secs(2);
/// By how much the manager is asked to wait longer, again and again while calls are waited for. The goodbye, the links and the
/// recordings need about half of it.
const EXTENSION: Duration = Duration::from_secs(30);
/// How often it is asked.
const EXTEND_EVERY: Duration = Duration::from_secs(5);

/// When the watchdog is to be fed.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    every: Duration,
    fed_at: Duration,
    ticks: u64,
}

impl Heartbeat {
    /// For a manager that takes silence for `limit` as death, from `now` on.
    #[must_use]
    pub fn new(now: Duration, limit: Duration) -> Heartbeat {
        // sd_watchdog_enabled(3) asks for half; a third leaves one to be late.
        Heartbeat { every: limit / 3, fed_at: now, ticks: 0 }
    }

    /// The real-time loop has processed so many ticks: whether that is to be told.
    #[must_use]
    pub fn look(&mut self, now: Duration, ticks: u64) -> bool {
        if now.saturating_sub(self.fed_at) < self.every || ticks == self.ticks {
            return false;
        }
        (self.fed_at, self.ticks) = (now, ticks);
        true
    }
}

/// The service manager.
#[derive(Debug)]
pub struct Manager {
    heartbeat: Option<Heartbeat>,
    status: String,
    told_at: Option<Duration>,
    extended_at: Option<Duration>,
    failed: bool,
}

impl Manager {
    /// The one in this process's environment.
    #[must_use]
    pub fn of_environment(now: Duration) -> Manager {
        let heartbeat = sd_notify::watchdog_enabled().map(|limit| Heartbeat::new(now, limit));
        Manager { heartbeat, status: String::new(), told_at: None, extended_at: None, failed: false }
    }

    /// How often [`Manager::look`] wants to be called, if the manager has a watchdog.
    #[must_use]
    pub fn beat(&self) -> Option<Duration> {
        self.heartbeat.as_ref().map(|heartbeat| heartbeat.every)
    }

    /// Calls can be taken.
    pub fn ready(&mut self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// The daemon is on its way out.
    pub fn stopping(&mut self) {
        self.tell(&[NotifyState::Stopping]);
    }

    /// Feed the watchdog, if the real-time loop has ticked since.
    pub fn look(&mut self, now: Duration, ticks: u64) {
        if self.heartbeat.as_mut().is_some_and(|heartbeat| heartbeat.look(now, ticks)) {
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    /// How the daemon is, in a sentence made only when it is time for one.
    pub fn status(&mut self, now: Duration, sentence: impl FnOnce() -> String) {
        if self.told_at.is_some_and(|at| now.saturating_sub(at) < STATUS_EVERY) {
            return;
        }
        self.told_at = Some(now);
        let sentence = sentence();
        if sentence != self.status {
            self.tell(&[NotifyState::Status(&sentence)]);
            self.status = sentence;
        }
    }

    /// Calls are being waited for, within the bounds of the configuration: the daemon does not hang.
    pub fn wait_longer(&mut self, now: Duration) {
        if self.extended_at.is_none_or(|at| now.saturating_sub(at) >= EXTEND_EVERY) {
            self.extended_at = Some(now);
            self.extend();
        }
    }

    /// The goodbye begins, and takes this long at most.
    pub fn goodbye(&mut self, sentence: &str) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status(sentence)]);
        if self.extended_at.is_some() {
            self.extend();
        }
    }

    fn extend(&mut self) {
        let microseconds = u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX);
        self.tell(&[NotifyState::ExtendTimeoutUsec(microseconds)]);
    }

    /// A manager that cannot be told is no reason to end: it will see to that itself, if it waits to be told.
    fn tell(&mut self, what: &[NotifyState<'_>]) {
        match sd_notify::notify(what) {
            Ok(()) => self.failed = false,
            Err(error) if !self.failed => {
                self.failed = true;
                log::warn!(target: "server", "the service manager cannot be told how the daemon is: {error}");
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_watchdog_is_fed_three_times_within_its_limit_while_the_loop_ticks() {
        let mut heartbeat = Heartbeat::new(Duration::ZERO, SECOND * 15);
        let fed: Vec<u64> = (1..=60).filter(|s| heartbeat.look(SECOND * *s as u32, s * 100)).collect();
        assert_eq!(fed, (1..=12).map(|n| n * 5).collect::<Vec<_>>());
    }

    #[test]
    fn a_loop_that_stands_still_feeds_nothing_and_one_that_goes_on_does_at_once() {
        let mut heartbeat = Heartbeat::new(Duration::ZERO, SECOND * 15);
        assert!(heartbeat.look(SECOND * 5, 500));
        // It stops a little later: what it did since the last feed is told once.
        assert!(heartbeat.look(SECOND * 10, 517));
        assert!((11..600).all(|s| !heartbeat.look(SECOND * s, 517)), "nothing ticks");
        assert!(heartbeat.look(SECOND * 600, 518));
    }

    #[test]
    fn a_loop_that_has_never_ticked_is_not_alive() {
        let mut heartbeat = Heartbeat::new(Duration::ZERO, SECOND * 15);
        assert!((0..600).all(|s| !heartbeat.look(SECOND * s, 0)));
    }
}
