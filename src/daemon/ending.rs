//! The way out, from the first signal to the goodbye.
//!
//! SIGTERM is how a service manager stops a daemon, and may drain: channels go out of service as their calls end. SIGINT comes
//! from a person at a terminal, who wants the daemon to end now. Whatever signal comes during a drain ends the drain.
//!
//! ```text
//!             SIGTERM, patience > 0             done, time over, a signal
//! (serving) ────────────────────────► Draining ───────────────────────────► Goodbye
//!     └────────────────────── SIGINT, SIGTERM without patience ─────────────────▲
//! ```
//!
//! Data path: signals, [`Progress`] → here → [`Step`]s for the main thread.
//! Time: `now` is since the daemon's start.
//! Words: patience, how long calls may take to end by themselves; goodbye, callers are told and let go.

use control::Progress;
use nix::sys::signal::Signal;
use std::fmt;
use std::time::Duration;

/// Progress that has changed is told this often at most.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Progress that has not is told this often all the same: so that a log shows that somebody still waits.
const REMIND_EVERY: Duration = Duration::from_secs(120);

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    GoOn,
    /// Take every channel out of service as its call ends.
    Drain,
    /// Say how far that has come.
    Tell,
    /// Tell the callers that remain, and end.
    Goodbye(Why),
}

/// Why callers are waited for no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// This signal, and calls are not to be waited for.
    Asked(Signal),
    /// This signal in the middle of a drain.
    Hurried(Signal),
    /// No call is left.
    Drained,
    /// The patience is over.
    TimeOver,
    /// A thread that should never end has ended.
    Broken,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Asked(signal) => write!(f, "{signal}: callers are told, calls are cleared"),
            Why::Hurried(signal) => write!(f, "{signal}: calls are waited for no longer; callers are told"),
            Why::Drained => f.write_str("no call is left: the daemon ends"),
            Why::TimeOver => f.write_str("calls have been waited for long enough: callers are told"),
            Why::Broken => f.write_str("a thread that should never end has ended: the daemon closes down"),
        }
    }
}

/// The way out.
#[derive(Clone, Debug)]
pub struct Ending {
    patience: Duration,
    drain: Option<Drain>,
}

#[derive(Clone, Debug)]
struct Drain {
    until: Duration,
    /// Calls left when that was told last.
    told: u32,
    told_at: Duration,
}

impl Ending {
    /// One that waits for calls so long at most; zero for not at all.
    #[must_use]
    pub const fn new(patience: Duration) -> Ending {
        Ending { patience, drain: None }
    }

    /// How long calls are waited for at most.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.patience
    }

    /// A signal came.
    #[must_use]
    pub fn signalled(&mut self, now: Duration, signal: Signal) -> Step {
        if self.drain.is_some() {
            return Step::Goodbye(Why::Hurried(signal));
        }
        if signal != Signal::SIGTERM || self.patience.is_zero() {
            return Step::Goodbye(Why::Asked(signal));
        }
        self.drain = Some(Drain { until: now + self.patience, told: u32::MAX, told_at: now });
        Step::Drain
    }

    /// Look at how far the drain has come.
    #[must_use]
    pub fn look(&mut self, now: Duration, progress: &Progress) -> Step {
        let Some(drain) = &mut self.drain else { return Step::GoOn };
        if progress.done && progress.calls_left == 0 {
            return Step::Goodbye(Why::Drained);
        }
        if drain.until <= now {
            return Step::Goodbye(Why::TimeOver);
        }
        let silent_for = now.saturating_sub(drain.told_at);
        let first = drain.told == u32::MAX;
        if first || silent_for >= REMIND_EVERY || (drain.told != progress.calls_left && silent_for >= TELL_EVERY) {
            (drain.told, drain.told_at) = (progress.calls_left, now);
            return Step::Tell;
        }
        Step::GoOn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn left(calls_left: u32) -> Progress {
        Progress { channels: 30, channels_left: calls_left, calls_left, done: calls_left == 0, ..Progress::default() }
    }

    #[test]
    fn without_patience_and_from_a_terminal_the_goodbye_comes_at_once() {
        assert_eq!(
            Ending::new(Duration::ZERO).signalled(SECOND, Signal::SIGTERM),
            Step::Goodbye(Why::Asked(Signal::SIGTERM))
        );
        assert_eq!(
            Ending::new(SECOND * 600).signalled(SECOND, Signal::SIGINT),
            Step::Goodbye(Why::Asked(Signal::SIGINT))
        );
        assert_eq!(Ending::new(SECOND * 600).look(SECOND, &left(0)), Step::GoOn, "nobody has asked it to end");
    }

    #[test]
    fn a_drain_ends_with_its_last_call_with_its_time_or_with_another_signal() {
        let draining = || {
            let mut ending = Ending::new(SECOND * 600);
            assert_eq!(ending.signalled(SECOND, Signal::SIGTERM), Step::Drain);
            assert_eq!(ending.look(SECOND, &left(3)), Step::Tell);
            ending
        };
        assert_eq!(draining().look(SECOND * 2, &left(0)), Step::Goodbye(Why::Drained));
        assert_eq!(draining().look(SECOND * 600, &left(1)), Step::Tell, "not yet");
        assert_eq!(draining().look(SECOND * 601, &left(1)), Step::Goodbye(Why::TimeOver));
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            assert_eq!(draining().signalled(SECOND * 2, signal), Step::Goodbye(Why::Hurried(signal)));
        }
    }

    #[test]
    fn a_call_that_has_gone_is_not_the_end_while_its_channel_is_not_out() {
        let mut ending = Ending::new(SECOND * 600);
        assert_eq!(ending.signalled(SECOND, Signal::SIGTERM), Step::Drain);
        let progress = Progress { channels_left: 1, done: false, ..left(0) };
        assert_eq!(ending.look(SECOND, &progress), Step::Tell);
        assert_eq!(ending.look(SECOND * 2, &progress), Step::GoOn);
    }

    #[test]
    fn progress_is_told_when_it_changes_but_not_for_every_call_and_now_and_then_anyhow() {
        let mut ending = Ending::new(SECOND * 6000);
        assert_eq!(ending.signalled(Duration::ZERO, Signal::SIGTERM), Step::Drain);
        assert_eq!(ending.look(Duration::ZERO, &left(9)), Step::Tell);
        assert_eq!(ending.look(SECOND * 9, &left(8)), Step::GoOn);
        assert_eq!(ending.look(SECOND * 10, &left(7)), Step::Tell);
        assert_eq!(ending.look(SECOND * 129, &left(7)), Step::GoOn);
        assert_eq!(ending.look(SECOND * 130, &left(7)), Step::Tell);
    }
}
