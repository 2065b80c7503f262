//! Signals that end a program: taken one loop later, so that the terminal is given back first.
//!
//! Source: signal(7). The program still dies of the signal, as whoever sent it expects to see.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;

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

    /// The signal that has come.
    pub fn taken(&self) -> io::Result<Option<Signal>> {
        let taken = self.descriptor.read_signal()?;
        Ok(taken.and_then(|taken| Signal::try_from(i32::try_from(taken.ssi_signo).ok()?).ok()))
    }

    /// End by this signal. What comes back is why that could not be.
    pub fn die_of(&self, signal: Signal) -> io::Error {
        let died = self.set.thread_unblock().and_then(|()| raise(signal));
        died.err().unwrap_or(Errno::EINTR).into()
    }
}
