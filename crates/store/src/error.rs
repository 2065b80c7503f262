//! What goes wrong with mirrors, and with the store made of them.

use event::EventNumber;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// One mirror could not do something.
#[derive(Debug)]
pub enum MirrorError {
    /// It cannot be used now: not mounted, not reachable, out of time.
    Away {
        /// The mirror.
        mirror: String,
        /// Why.
        reason: String,
    },
    /// It was used and failed: full, not allowed.
    Failed {
        /// The mirror.
        mirror: String,
        /// What was attempted, and on what.
        operation: String,
        /// Why.
        source: object_store::Error,
    },
    /// Its copy is not what its sum says.
    Bad {
        /// The mirror.
        mirror: String,
        /// The file.
        file: String,
    },
    /// It has something that cannot be understood.
    Garbled {
        /// The mirror.
        mirror: String,
        /// What.
        what: String,
    },
}

impl fmt::Display for MirrorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MirrorError::Away { mirror, reason } => write!(f, "the mirror {mirror} is away: {reason}"),
            MirrorError::Failed { mirror, operation, source } => {
                write!(f, "the mirror {mirror} cannot {operation}: {source}")
            }
            MirrorError::Bad { mirror, file } => write!(f, "the copy of {file} on the mirror {mirror} is bad"),
            MirrorError::Garbled { mirror, what } => write!(f, "the mirror {mirror} has {what} that makes no sense"),
        }
    }
}

impl std::error::Error for MirrorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MirrorError::Failed { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The store cannot do what was asked.
#[derive(Debug)]
pub enum StoreError {
    /// The configuration makes no sense.
    Config {
        /// Why.
        reason: String,
    },
    /// The ledger cannot be read or written.
    Ledger {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A local file cannot be read or written.
    Local {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no name for a file of an event.
    Name {
        /// The name.
        name: String,
    },
    /// Fewer mirrors have it than are needed. It may be there later all the same.
    TooFew {
        /// Mirrors that have it.
        done: usize,
        /// Mirrors that are needed.
        enough: usize,
        /// What became of the others.
        failures: Vec<MirrorError>,
    },
    /// There is no such file on any mirror that answers.
    NotFound {
        /// The event.
        event: EventNumber,
        /// The file.
        file: String,
    },
    /// No mirror has a good copy to give.
    Unavailable {
        /// The event.
        event: EventNumber,
        /// The file.
        file: String,
        /// What is wrong with each.
        failures: Vec<MirrorError>,
    },
    /// The file is longer than what is read at once.
    TooLong {
        /// The file.
        file: String,
    },
    /// The event was removed.
    Removed {
        /// The event.
        event: EventNumber,
    },
}

fn listed(failures: &[MirrorError]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Config { reason } => write!(f, "the content store cannot be configured so: {reason}"),
            StoreError::Ledger { path, source } => write!(f, "the store's ledger {}: {source}", path.display()),
            StoreError::Local { path, source } => write!(f, "{}: {source}", path.display()),
            StoreError::Name { name } => write!(f, "\"{name}\" is no name for a file of an event"),
            StoreError::TooFew { done, enough, failures } => {
                write!(f, "{done} of {enough} mirrors that are needed have it: {}", listed(failures))
            }
            StoreError::NotFound { event, file } => write!(f, "event {event} has no file {file}"),
            StoreError::Unavailable { event, file, failures } => {
                write!(f, "no good copy of {file} of event {event} can be had: {}", listed(failures))
            }
            StoreError::TooLong { file } => write!(f, "{file} is too long to be read at once"),
            StoreError::Removed { event } => write!(f, "event {event} was removed"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Ledger { source, .. } | StoreError::Local { source, .. } => Some(source),
            _ => None,
        }
    }
}
