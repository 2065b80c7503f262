//! What ends a program besides its keys: signals, taken one loop later, so that the terminal is given back first; and a terminal
//! that is gone, which has no more keys and would be read from for ever.
//!
//! Source: signal(7), poll(2). The program still dies of the signal, as whoever sent it expects to see.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::AsFd;

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    None,
    /// Keys to read.
    Keys,
    /// A signal has come.
    Signal(Signal),
    /// The terminal has gone.
    Gone,
}

/// Signals that wait until they are asked for.
pub struct Signals {
    set: SigSet,
    descriptor: SignalFd,
}

impl Signals {
    /// Keep them from this thread and those it starts.
    pub fn hold() -> io::Result<Signals> {
        let set = SigSet::from_iter([Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT]);
        set.thread_block()?;
        let descriptor = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Signals { set, descriptor })
    }

    /// Wait for a signal, or keys on standard input.
    pub fn wait(&self, at_most: PollTimeout) -> io::Result<News> {
        let keys = io::stdin();
        let mut both =
            [PollFd::new(keys.as_fd(), PollFlags::POLLIN), PollFd::new(self.descriptor.as_fd(), PollFlags::POLLIN)];
        match poll(&mut both, at_most) {
            // A signal that is not one of these: the window has another size, say.
            Err(Errno::EINTR) => return Ok(News::None),
            other => other?,
        };
        if let Some(taken) = self.descriptor.read_signal()? {
            let signal = i32::try_from(taken.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
            return Ok(signal.map_or(News::None, News::Signal));
        }
        let shown = both[0].revents().unwrap_or(PollFlags::empty());
        Ok(match shown {
            _ if shown.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) => News::Gone,
            _ if shown.contains(PollFlags::POLLIN) => News::Keys,
            _ => News::None,
        })
    }

    /// End by this signal. What comes back is why that could not be.
    pub fn die_of(&self, signal: Signal) -> io::Error {
        match self.set.thread_unblock().and_then(|()| raise(signal)) {
            // Whoever started us has it ignored, as nohup does: then by the number a shell has for it.
            Ok(()) => std::process::exit(128 + signal as i32),
            Err(error) => error.into(),
        }
    }
}
