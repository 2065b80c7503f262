//! What can go wrong when the daemon asks for something.
//!
//! Failures of running streams and recordings are not here: nobody waits for them, so they are
//! [`CastEvent`](crate::CastEvent)s.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A request to the caster that was not carried out.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A port of the range could not be bound: in use, not permitted, or the address is not ours.
    Bind {
        /// The address and port.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The range of ports is empty.
    NoPorts,
    /// A thread, its poll or its waker could not be made.
    Thread {
        /// Which part.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The spool directory cannot be used.
    Spool {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The port is not of the range.
    NotOurs(u16),
    /// The port is live; stop it first.
    Live(u16),
    /// The port is not live.
    NotLive(u16),
    /// The event's text does not do for a path: 1 to 64 letters, digits or hyphens.
    BadEvent(String),
    /// A stream needs at least one format, each at most once.
    BadFormats,
    /// The casting thread has too many commands waiting, or has ended.
    Busy(u16),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Bind { address, .. } => write!(f, "cannot listen on {address}"),
            Error::NoPorts => f.write_str("the range of stream ports is empty"),
            Error::Thread { what, .. } => write!(f, "cannot make the {what}"),
            Error::Spool { path, .. } => write!(f, "cannot use the recording spool {}", path.display()),
            Error::NotOurs(port) => write!(f, "port {port} is not of this server's range"),
            Error::Live(port) => write!(f, "port {port} has a live stream"),
            Error::NotLive(port) => write!(f, "port {port} has no live stream"),
            Error::BadEvent(event) => write!(f, "{event:?} cannot name an event in a path"),
            Error::BadFormats => f.write_str("a stream needs one or more different formats"),
            Error::Busy(port) => write!(f, "the casting thread of port {port} takes no more commands"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Bind { source, .. } | Error::Thread { source, .. } | Error::Spool { source, .. } => Some(source),
            _ => None,
        }
    }
}
