//! An exchange on a thread of its own, by the real clock, and the handle to it.
//!
//! Looks after pace and commands; everything else is [`crate::Exchange`].
//!
//! Data path: [`Handle`] → bounded queue of commands → the thread → replies.
//! Time: a turn each chunk length, at absolute deadlines: a late turn does not delay those after it. Commands are
//! carried out between turns as they come, some of them also when the next turn is due already: a thread that is always late
//! still answers.

use crate::call::CallerId;
use crate::exchange::Exchange;
use crate::party::EndedCaller;
use crate::plan::{DialPlan, PlanError, Prepared};
use crate::route::SpanId;
use crate::status::CallerStatus;
use hal::Timeslot;
use std::fmt;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Commands that wait at most; more senders wait for room.
const COMMANDS_MAX: usize = 64;

/// Commands carried out between two turns at most when the thread is late, so that a flood of them does not make it later.
const COMMANDS_A_TURN: usize = 4;

/// Turns that are made up for; what is owed beyond them, after a suspended machine or on one that is too slow, is written off. Cards
/// remember no more chunks than this either.
const LATE_MAX: u32 = crate::cards::OWED_MAX;

/// Between two complaints about it.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// How long a shutdown waits for calls to be cleared.
const CLEARING_MAX: Duration = Duration::from_secs(2);

/// Between two looks for a link that is to come up.
const LINK_LOOK: Duration = Duration::from_millis(20);

/// Why a call was not dialled.
#[derive(Debug)]
pub enum DialError {
    /// The plan cannot be carried out.
    Plan {
        /// Why.
        source: PlanError,
    },
    /// The exchange has been shut down.
    Stopped,
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DialError::Plan { .. } => "the call cannot be made",
            DialError::Stopped => "the exchange has been shut down",
        })
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DialError::Plan { source } => Some(source),
            DialError::Stopped => None,
        }
    }
}

enum Command {
    Dial(Box<Prepared>, SyncSender<CallerId>),
    HangUp(CallerId, SyncSender<bool>),
    Callers(SyncSender<Vec<CallerStatus>>),
    TakeEnded(CallerId, SyncSender<Option<EndedCaller>>),
    ChannelInService(SpanId, Timeslot, bool, SyncSender<bool>),
    LinkUp(SpanId, SyncSender<bool>),
    SomeLinkUp(SyncSender<bool>),
    Shutdown,
}

/// A running exchange. It can be shared; dropping it shuts the exchange down.
pub struct Handle {
    commands: SyncSender<Command>,
    thread: Mutex<Option<JoinHandle<Vec<CallerStatus>>>>,
}

impl Exchange {
    /// Run on a thread of its own. Its clock goes on from the `now` it was started with.
    ///
    /// # Errors
    /// The operating system's, when there can be no thread.
    pub fn spawn(self) -> std::io::Result<Handle> {
        let (commands, queue) = sync_channel(COMMANDS_MAX);
        let run = move || run(self, &queue);
        let thread = std::thread::Builder::new().name("exchange".into()).spawn(run)?;
        Ok(Handle { commands, thread: Mutex::new(Some(thread)) })
    }
}

impl Handle {
    /// Prepare a call, which reads its sound file on the caller's thread, and dial.
    ///
    /// # Errors
    /// [`DialError`]; nothing was dialled.
    pub fn dial(&self, plan: &DialPlan) -> Result<CallerId, DialError> {
        self.dial_prepared(plan.prepare().map_err(|source| DialError::Plan { source })?)
    }

    /// Dial a call that was prepared before.
    ///
    /// # Errors
    /// [`DialError::Stopped`].
    pub fn dial_prepared(&self, call: Prepared) -> Result<CallerId, DialError> {
        self.ask(|reply| Command::Dial(Box::new(call), reply)).ok_or(DialError::Stopped)
    }

    /// Hang up. False when there is no such call, or it is ending already.
    pub fn hang_up(&self, id: CallerId) -> bool {
        self.ask(|reply| Command::HangUp(id, reply)).unwrap_or(false)
    }

    /// All callers, see [`Exchange::callers`]; none after a shutdown.
    #[must_use]
    pub fn callers(&self) -> Vec<CallerStatus> {
        self.ask(Command::Callers).unwrap_or_default()
    }

    /// Take a caller that has ended out of the list, see [`Exchange::take_ended`].
    #[must_use]
    pub fn take_ended(&self, id: CallerId) -> Option<EndedCaller> {
        self.ask(|reply| Command::TakeEnded(id, reply)).flatten()
    }

    /// Take a channel out of service for new calls, or put it back. False when there is no such channel.
    pub fn channel_in_service(&self, span: SpanId, channel: Timeslot, in_service: bool) -> bool {
        self.ask(|reply| Command::ChannelInService(span, channel, in_service, reply)).unwrap_or(false)
    }

    /// Whether the data link of a span is up.
    #[must_use]
    pub fn link_up(&self, span: SpanId) -> bool {
        self.ask(|reply| Command::LinkUp(span, reply)).unwrap_or(false)
    }

    /// Wait until calls can be signalled on some span, or so long; whether they can. A call dialled before ends at once for
    /// want of a route: each side of a link sees it come up at a moment of its own.
    #[must_use]
    pub fn wait_for_link(&self, at_most: Duration) -> bool {
        let deadline = Instant::now() + at_most;
        loop {
            match self.ask(Command::SomeLinkUp) {
                Some(true) => return true,
                Some(false) if Instant::now() < deadline => std::thread::sleep(LINK_LOOK),
                Some(false) | None => return false,
            }
        }
    }

    /// Hang all callers up, wait a bounded time for the far end to agree, close all recordings, end the thread.
    /// Returns all callers as they ended; nothing when it was shut down before.
    pub fn shutdown(&self) -> Vec<CallerStatus> {
        // A thread that has ended already has no queue.
        let _ = self.commands.send(Command::Shutdown);
        let mut thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match thread.take().map(JoinHandle::join) {
            Some(Ok(callers)) => callers,
            Some(Err(_)) => {
                log::error!("exchange: its thread ended by a panic");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn ask<T>(&self, command: impl FnOnce(SyncSender<T>) -> Command) -> Option<T> {
        let (reply, answer) = sync_channel(1);
        self.commands.send(command(reply)).ok()?;
        // The thread answers between two turns, or has dropped the reply with its queue.
        answer.recv().ok()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// The clock of the thread, in the exchange's terms.
struct Clock {
    began: Instant,
    offset: Duration,
}

impl Clock {
    fn now(&self) -> Duration {
        self.offset + self.began.elapsed()
    }
}

/// What is left of the thread's life.
enum Life {
    Running,
    /// Calls are being cleared, until then at most.
    Clearing(Duration),
}

fn run(mut exchange: Exchange, queue: &Receiver<Command>) -> Vec<CallerStatus> {
    let clock = Clock { began: Instant::now(), offset: exchange.started() };
    let chunk = exchange.chunk().duration();
    let mut next = clock.now() + chunk;
    let mut life = Life::Running;
    let mut written_off = WrittenOff::default();
    loop {
        if let Life::Clearing(until) = life
            && (exchange.calls() == 0 || clock.now() >= until)
        {
            break;
        }
        let mut taken = 0;
        loop {
            let left = next.saturating_sub(clock.now());
            if left.is_zero() && taken == COMMANDS_A_TURN {
                break;
            }
            taken += usize::from(left.is_zero());
            match (queue.recv_timeout(left), &life) {
                (Err(RecvTimeoutError::Timeout), _) => break,
                (Ok(Command::Shutdown) | Err(RecvTimeoutError::Disconnected), Life::Running) => {
                    life = Life::Clearing(clock.now() + CLEARING_MAX);
                    exchange.hang_up_all(clock.now());
                }
                (Ok(command), _) => obey(&mut exchange, clock.now(), command, matches!(life, Life::Clearing(_))),
                // Nobody is left who could send; do not spin.
                (Err(RecvTimeoutError::Disconnected), _) => std::thread::sleep(left),
            }
        }
        let now = clock.now();
        let owed = (now.saturating_sub(next).as_nanos() / chunk.as_nanos()) as u32;
        if owed > LATE_MAX {
            next += chunk * (owed - LATE_MAX);
            written_off.count(now, u64::from(owed - LATE_MAX));
        }
        exchange.tick(now);
        next += chunk;
    }
    // The last tick carries the DISC frames; whether the far end hears them is its affair.
    exchange.stop(clock.now());
    exchange.tick(clock.now());
    exchange.close()
}

/// Turns that were not made up for, told once in a while.
#[derive(Default)]
struct WrittenOff {
    untold: u64,
    told_at: Option<Duration>,
}

impl WrittenOff {
    fn count(&mut self, now: Duration, turns: u64) {
        self.untold += turns;
        if self.told_at.is_none_or(|at| now.saturating_sub(at) >= COMPLAIN_EVERY) {
            log::warn!("exchange: too slow for its cards, or stopped: {} turns are written off", self.untold);
            (self.untold, self.told_at) = (0, Some(now));
        }
    }
}

fn obey(exchange: &mut Exchange, now: Duration, command: Command, closing: bool) {
    // A reply that nobody waits for any more is no error.
    fn answer<T>(reply: &SyncSender<T>, value: T) {
        let _ = reply.send(value);
    }
    match command {
        // Dropping the reply says that the exchange has stopped.
        Command::Dial(..) if closing => {}
        Command::Dial(call, reply) => answer(&reply, exchange.dial(now, *call)),
        Command::HangUp(id, reply) => answer(&reply, exchange.hang_up(now, id)),
        Command::Callers(reply) => answer(&reply, exchange.callers().collect()),
        Command::TakeEnded(id, reply) => answer(&reply, exchange.take_ended(id)),
        Command::ChannelInService(span, channel, in_service, reply) => {
            answer(&reply, exchange.channel_in_service(span, channel, in_service));
        }
        Command::LinkUp(span, reply) => answer(&reply, exchange.switch().link_up(span)),
        Command::SomeLinkUp(reply) => answer(&reply, exchange.switch().some_link_up()),
        Command::Shutdown => {}
    }
}
