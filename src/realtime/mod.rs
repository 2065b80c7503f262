//! The real-time thread: one poll, one tick.
//!
//! It waits on a timer of the tick's length and on the cards' descriptors, and then processes as many
//! ticks as [`Pace`] allows and as the leading card has chunks for. After start-up it allocates nothing, takes
//! no lock, touches no file; its only system calls are the poll, the timer's read and the cards' own.
//!
//! Time: the monotonic clock since the start; whose clock sets the pace is told in `pace`.

mod engine;
mod histogram;
mod pace;
mod returning;
mod ring;
mod sched;
mod slip;

pub use engine::{Engine, EngineCard, Turn};
pub use histogram::Histogram;
pub use pace::Pace;
pub use returning::ReturningCard;
pub use ring::ring;
pub use sched::{Granted, lock_memory};
pub use slip::SlipBuffered;

use crate::reports::Order;
use hal::ChunkLength;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Commands carried out in one turn at most, so that a flood of them cannot hold a tick up.
const COMMANDS_A_TURN: usize = 16;

/// What the loop counts about itself.
#[derive(Debug, Default)]
pub struct LoopStatistics {
    /// Ticks processed.
    pub ticks: AtomicU64,
    /// Ticks written off because too many were owed.
    pub overruns: AtomicU64,
    /// Turns in which a tick was due and the leading card had no chunk.
    pub waits: AtomicU64,
    /// Reports lost because the office did not take them.
    pub reports_lost: AtomicU64,
    /// Samples lost because an encoder did not take them.
    pub stream_samples_lost: AtomicU64,
    /// Samples of conferences that were too loud and were clamped.
    pub samples_clipped: AtomicU64,
    /// From when a tick was due to when it began, in microseconds.
    pub lateness: Histogram,
    /// From its beginning to its end, in microseconds.
    pub work: Histogram,
    /// Set on the way out; nothing is processed any more.
    pub stopped: AtomicBool,
}

/// How the thread is to run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Length of a tick.
    pub tick: ChunkLength,
    /// Ask for SCHED_FIFO.
    pub realtime: bool,
    /// With this priority.
    pub priority: i32,
    /// On this core, unless negative.
    pub core: i32,
}

const TIMER: Token = Token(usize::MAX);

/// The loop, ready to run on the thread that calls [`RealtimeLoop::run`].
pub struct RealtimeLoop {
    poll: Poll,
    events: Events,
    timer: TimerFd,
    engine: Engine,
    commands: crossbeam_channel::Receiver<Order>,
    statistics: Arc<LoopStatistics>,
    settings: Settings,
    epoch: Instant,
}

impl RealtimeLoop {
    /// Prepare everything that allocates or opens something.
    ///
    /// # Errors
    /// When the poll or the timer cannot be had.
    pub fn new(
        engine: Engine,
        commands: crossbeam_channel::Receiver<Order>,
        statistics: Arc<LoopStatistics>,
        settings: Settings,
        epoch: Instant,
    ) -> std::io::Result<Self> {
        let poll = Poll::new()?;
        // Not blocking, so that a timer read after a spurious wake-up does not hold the loop.
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        poll.registry().register(&mut SourceFd(&timer.as_fd().as_raw_fd()), TIMER, Interest::READABLE)?;
        for (index, descriptor) in engine.descriptors().into_iter().enumerate() {
            poll.registry().register(&mut SourceFd(&descriptor), Token(index), Interest::READABLE)?;
        }
        let events = Events::with_capacity(256);
        Ok(RealtimeLoop { poll, events, timer, engine, commands, statistics, settings, epoch })
    }

    /// Run until the gateway has finished after [`crate::reports::Command::Shutdown`]. `granted` is called once with
    /// what the operating system allowed.
    ///
    /// # Errors
    /// When the timer or the poll fail, which they do not on a sound system.
    pub fn run(mut self, granted: impl FnOnce(Granted)) -> std::io::Result<()> {
        if self.settings.realtime {
            let mut asked = Granted::default();
            sched::become_realtime(&mut asked, self.settings.priority, self.settings.core);
            granted(asked);
        }
        let tick = self.settings.tick.duration();
        self.engine.start(self.epoch.elapsed());
        self.timer.set(Expiration::Interval(TimeSpec::from_duration(tick)), TimerSetTimeFlags::empty())?;
        let mut pace = Pace::new(tick, self.epoch.elapsed());
        while !self.engine.gateway().is_finished() {
            match self.poll.poll(&mut self.events, None) {
                Err(e) if e.kind() != std::io::ErrorKind::Interrupted => return Err(e),
                _ => {}
            }
            let overruns = pace.expired(self.expirations());
            if overruns > 0 {
                self.statistics.overruns.fetch_add(overruns, Relaxed);
                self.engine.was_late(self.epoch.elapsed());
            }
            for _ in 0..COMMANDS_A_TURN {
                let Ok(order) = self.commands.try_recv() else { break };
                self.engine.order(self.epoch.elapsed(), order);
            }
            self.engine.serve(self.epoch.elapsed());
            while pace.may_tick(self.engine.is_paced()) {
                let begun = self.epoch.elapsed();
                if self.engine.tick(begun) == Turn::NotYet {
                    self.statistics.waits.fetch_add(u64::from(pace.waited()), Relaxed);
                    break;
                }
                let ended = self.epoch.elapsed();
                let late = pace.ticked(begun);
                if late >= tick {
                    self.engine.was_late(begun);
                }
                self.statistics.lateness.count(micros(late));
                self.statistics.work.count(micros(ended - begun));
                self.statistics.ticks.fetch_add(1, Relaxed);
            }
            self.statistics.reports_lost.store(self.engine.reports_lost(), Relaxed);
            self.statistics.stream_samples_lost.store(self.engine.voice().stream_samples_lost(), Relaxed);
            self.statistics.samples_clipped.store(self.engine.voice().samples_clipped(), Relaxed);
        }
        self.statistics.stopped.store(true, Relaxed);
        Ok(())
    }

    /// How many tick lengths have passed since this was last asked.
    fn expirations(&self) -> u64 {
        let mut count = [0; 8];
        match nix::unistd::read(&self.timer, &mut count) {
            Ok(8) => u64::from_ne_bytes(count),
            _ => 0,
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
