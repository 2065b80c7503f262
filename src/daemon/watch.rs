//! The main thread while the daemon runs: it waits for signals, sees that the other threads are there, drains, and keeps the
//! service manager informed.
//!
//! Data path: signals, the desk's figures → [`Ending`], [`Manager`] → the order to drain; at last why the daemon ends.
//! Time: several looks a second.

use super::ending::{Ending, Step, Why};
use super::manager::Manager;
use super::{Failure, WATCH_MS};
use crate::control::Desk;
use crate::office::now_ms;
use control::{DrainInfo, Fact, Status};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Look after the daemon until it is to say goodbye, and why it is. `ended` says that a thread has ended which should not have.
///
/// # Errors
/// When signals cannot be waited for.
pub fn watch(
    signals: &SigSet,
    desk: &Desk,
    manager: &mut Manager,
    mut ending: Ending,
    ended: impl Fn() -> bool,
) -> Result<Why, Failure> {
    let cannot = |e: Errno| format!("cannot wait for signals: {}", e.desc());
    let descriptor = SignalFd::with_flags(signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(cannot)?;
    let beat = manager.beat().map_or(u64::MAX, |beat| beat.as_millis() as u64);
    let pause = PollTimeout::from(WATCH_MS.min(u16::try_from(beat).unwrap_or(u16::MAX)));
    while !ended() {
        match poll(&mut [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)], pause) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(cannot(error)),
        }
        let now = desk.shared.now();
        if let Some(taken) = descriptor.read_signal().map_err(cannot)? {
            // Of the signals in the set there is none that nix does not know.
            let signal = i32::try_from(taken.ssi_signo).ok().and_then(|n| Signal::try_from(n).ok());
            match ending.signalled(now, signal.unwrap_or(Signal::SIGTERM)) {
                Step::Drain => begin(desk, manager, ending.patience()),
                Step::Goodbye(why) => return Ok(why),
                Step::GoOn | Step::Tell => {}
            }
        }
        manager.look(now, desk.statistics.ticks.load(Relaxed));
        let Some(drain) = desk.drain() else {
            manager.status(now, || serving(&desk.status()));
            continue;
        };
        manager.wait_longer(now);
        manager.status(now, || draining(now_ms(), &drain));
        match ending.look(now, &drain.progress) {
            Step::Tell => tell(desk, draining(now_ms(), &drain), drain),
            Step::Goodbye(why) => return Ok(why),
            Step::GoOn | Step::Drain => {}
        }
    }
    Ok(Why::Broken)
}

fn begin(desk: &Desk, manager: &mut Manager, patience: Duration) {
    let since_ms = now_ms();
    let until_ms = since_ms.saturating_add(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
    desk.shared.picture().drain = Some((since_ms, until_ms));
    manager.stopping();
    let text = format!(
        "closing down: channels go out of service, calls may end by themselves for {}; a second signal ends them at once",
        brief(patience.as_secs())
    );
    tell(desk, text, desk.drain().unwrap_or_default());
}

fn tell(desk: &Desk, text: String, drain: DrainInfo) {
    desk.shared.tell(log::Level::Info, "server", text, Fact::Drain { drain });
}

/// How a daemon that serves is, in a line.
fn serving(status: &Status) -> String {
    let alarms = match status.alarms.first() {
        None => "no alarms".to_owned(),
        Some(worst) => format!("{}, the worst: {}", count(status.alarms.len() as u32, "alarm"), worst.what),
    };
    let (calls, listeners) = (count(status.calls, "call"), count(status.listeners, "listener"));
    format!("{calls}, {}, {listeners}; {alarms}", count(status.conferences, "conference"))
}

/// How far a drain has come, in a line.
fn draining(now_ms: u64, drain: &DrainInfo) -> String {
    let progress = &drain.progress;
    let mut text = format!(
        "closing down: {} left, {} of {} channels out",
        count(progress.calls_left, "call"),
        progress.channels.saturating_sub(progress.channels_left),
        progress.channels
    );
    if let Some(estimate) = progress.estimate_s.filter(|estimate| *estimate > 0) {
        text += &format!(", about {} to go", brief(estimate));
    }
    text + &format!("; callers are let go in {} at the latest", brief(drain.until_ms.saturating_sub(now_ms) / 1000))
}

fn count(n: u32, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn brief(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::{AlarmInfo, Progress};

    #[test]
    fn a_line_says_how_it_is() {
        let mut status = Status { calls: 1, conferences: 1, listeners: 40, ..Status::default() };
        assert_eq!(serving(&status), "1 call, 1 conference, 40 listeners; no alarms");
        status.alarms = vec![AlarmInfo { what: "span 2 LOS".into(), ..AlarmInfo::default() }];
        assert!(serving(&status).ends_with("; 1 alarm, the worst: span 2 LOS"));
    }

    #[test]
    fn a_line_says_how_far_a_drain_has_come() {
        let progress =
            Progress { channels: 53, channels_left: 23, calls_left: 23, estimate_s: Some(1500), ..Progress::default() };
        let drain = DrainInfo { since_ms: 0, until_ms: 600_000, progress };
        assert_eq!(
            draining(60_000, &drain),
            "closing down: 23 calls left, 30 of 53 channels out, about 25 min to go; callers are let go in 9 min at the latest"
        );
    }
}
