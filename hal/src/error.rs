//! What can go wrong with a card, and what the daemon can do about it.

use std::fmt;

/// What the caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Try again at the next tick: a queue was full, a call was interrupted.
    Retry,
    /// Close the card, look for it again and start it anew.
    Reopen,
    /// The span is unusable while an alarm lasts; the card itself is well.
    Alarm,
    /// The board does not do this at all.
    Unsupported,
    /// Wrong configuration or a broken board: a person has to see to it.
    GiveUp,
}

/// A card operation that failed.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    source: Option<std::io::Error>,
}

impl Error {
    /// An error of `operation` (named as a person would: "send a D-channel frame") without an
    /// operating system error behind it. Allocates nothing.
    #[must_use]
    pub const fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Error { kind, operation, source: None }
    }

    /// An error of `operation` caused by the operating system.
    #[must_use]
    pub const fn io(kind: ErrorKind, operation: &'static str, source: std::io::Error) -> Self {
        Error { kind, operation, source: Some(source) }
    }

    /// What the caller can do.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was attempted.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            ErrorKind::Retry => "cannot be done at this moment",
            ErrorKind::Reopen => "the card has gone",
            ErrorKind::Alarm => "the span is in alarm",
            ErrorKind::Unsupported => "not supported by this board",
            ErrorKind::GiveUp => "failed",
        };
        write!(f, "{}: {why}", self.operation)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}
