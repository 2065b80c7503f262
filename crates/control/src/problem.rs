//! Why a request was not carried out.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of obstacle it was, for programs to decide by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The request is not one: no JSON, an unknown or missing field, a value out of its range.
    Malformed,
    /// The request is in a version of the protocol that is not spoken here.
    Version,
    /// The line is longer than [`crate::REQUEST_LINE_MAX`].
    TooLong,
    /// There is no such event, call, span or file.
    NotFound,
    /// It exists, but is in no state for this: an event that is over, a call that is clearing.
    Conflict,
    /// This daemon cannot: it runs no exchange, its disk is full, it is shutting down.
    Unavailable,
    /// Too much of it at once: connections, calls, reservations. Try again later.
    Busy,
    /// The caller may not.
    Denied,
    /// The daemon's own fault.
    Internal,
    /// A kind this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

impl ProblemKind {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ProblemKind::Malformed => "malformed",
            ProblemKind::Version => "version",
            ProblemKind::TooLong => "too_long",
            ProblemKind::NotFound => "not_found",
            ProblemKind::Conflict => "conflict",
            ProblemKind::Unavailable => "unavailable",
            ProblemKind::Busy => "busy",
            ProblemKind::Denied => "denied",
            ProblemKind::Internal => "internal",
            ProblemKind::Unknown => "unknown",
        }
    }
}

/// Why a request was not carried out. Nothing was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// For programs.
    pub kind: ProblemKind,
    /// For people: what is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it, when something can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Problem {
        Problem { kind, message: message.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// The request is not one.
    #[must_use]
    pub fn malformed(message: impl Into<String>) -> Problem {
        Problem::new(ProblemKind::Malformed, message)
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Problem {
        Problem::new(ProblemKind::NotFound, message)
    }

    /// It is in no state for this.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Problem {
        Problem::new(ProblemKind::Conflict, message)
    }

    /// This daemon cannot do it.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Problem {
        Problem::new(ProblemKind::Unavailable, message)
    }

    /// Too much at once.
    #[must_use]
    pub fn busy(message: impl Into<String>) -> Problem {
        Problem::new(ProblemKind::Busy, message)
    }

    /// Our own fault.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Problem {
        Problem::new(ProblemKind::Internal, message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_from_the_future_is_read_as_unknown() {
        let text = r#"{"kind":"quota_exceeded","message":"no more","since":12}"#;
        let problem: Problem = serde_json::from_str(text).expect("a problem");
        assert_eq!((problem.kind, problem.message.as_str()), (ProblemKind::Unknown, "no more"));
    }

    #[test]
    fn the_word_of_a_kind_is_the_one_on_the_wire() {
        use ProblemKind::*;
        for kind in [Malformed, Version, TooLong, NotFound, Conflict, Unavailable, Busy, Denied, Internal, Unknown] {
            assert_eq!(serde_json::to_string(&kind).expect("text"), format!("\"{}\"", kind.as_str()));
        }
    }
}
