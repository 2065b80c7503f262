//! Why a command did not do what it was to do, and the exit code that says so.

use control::{ClientError, ProblemKind};
use serde_json::{Value, json};
use std::error::Error as _;
use std::fmt;
use std::io;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The daemon did not do it.
    Client(ClientError),
    /// The command line is wrong, or a file it names cannot be read.
    Usage(String),
    /// Somebody was asked and did not say yes.
    NotConfirmed,
    /// A call that was followed did not get through; this was its end.
    CallFailed(String),
    /// A test that was followed found a fault, or could not go on.
    TestFailed(String),
    /// The notices ended before they should.
    WatchEnded(&'static str),
    /// The doctor found something, and has said so.
    Unwell,
    /// The answer could not be written.
    Output(io::Error),
}

impl Failure {
    /// The exit code, as the help text promises.
    pub fn exit_code(&self) -> u8 {
        match self {
            // Only the daemon knew that it was wrong: an event number, a format.
            Failure::Client(ClientError::Refused(problem)) if problem.kind == ProblemKind::Malformed => 2,
            Failure::Client(ClientError::Refused(_)) | Failure::NotConfirmed => 1,
            Failure::CallFailed(_) | Failure::TestFailed(_) => 1,
            Failure::Output(_) | Failure::Unwell => 1,
            Failure::Usage(_) => 2,
            Failure::Client(_) | Failure::WatchEnded(_) => 3,
        }
    }

    /// Whoever read our output has read enough: `trunkctl calls | head`.
    pub fn is_quiet(&self) -> bool {
        matches!(self, Failure::Output(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }

    /// There is nothing left to say.
    pub fn is_told(&self) -> bool {
        matches!(self, Failure::Unwell)
    }

    /// What to do about it.
    fn hint(&self) -> Option<&str> {
        match self {
            Failure::Client(ClientError::Refused(problem)) => problem.hint.as_deref(),
            _ => None,
        }
    }

    /// For `--json`.
    pub fn json(&self) -> Value {
        let kind = match self {
            Failure::Client(ClientError::Refused(problem)) => problem.kind.as_str(),
            Failure::Client(ClientError::NoDaemon { .. }) => "no_daemon",
            Failure::Client(_) | Failure::WatchEnded(_) => "connection",
            Failure::Usage(_) => "usage",
            Failure::NotConfirmed => "not_confirmed",
            Failure::CallFailed(_) => "call_failed",
            Failure::Unwell => "unwell",
            Failure::TestFailed(_) => "test_failed",
            Failure::Output(_) => ProblemKind::Internal.as_str(),
        };
        let mut error = json!({ "kind": kind, "message": self.to_string() });
        if let Some(hint) = self.hint() {
            error["hint"] = hint.into();
        }
        json!({ "error": error })
    }

    /// For people: what, why, and what to do.
    pub fn text(&self) -> String {
        let mut text = format!("trunkctl: {self}");
        if let Some(hint) = self.hint() {
            text.push_str("\n  ");
            text.push_str(hint);
        }
        // Line feeds are our own; anything else comes from outside.
        text.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Client(e) => match e.source() {
                Some(source) => write!(f, "{e}: {source}"),
                None => e.fmt(f),
            },
            Failure::Usage(what) | Failure::CallFailed(what) | Failure::TestFailed(what) => f.write_str(what),
            Failure::NotConfirmed => f.write_str("nothing was done"),
            Failure::Unwell => f.write_str("something is wrong"),
            Failure::WatchEnded(why) => f.write_str(why),
            Failure::Output(e) => write!(f, "the answer cannot be written: {e}"),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Failure::Client(error)
    }
}

impl From<io::Error> for Failure {
    /// Input and output here are those of the terminal; files are [`Failure::Usage`].
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}
