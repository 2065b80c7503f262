//! Who may listen.

use std::any::Any;
use std::fmt;

/// A listener's place, kept as long as somebody listens and dropped when he has gone.
pub type Seat = Box<dyn Any + Send>;

/// Decides who may listen, and to see lists and segments.
///
/// It is asked on the casting threads, between the pieces of all streams: it must answer from memory.
pub trait Door: fmt::Debug + Send + Sync {
    /// Whoever asks for something of this event with this pass in the address; `to_stay` when he is going to
    /// listen until he leaves, and the seat is kept meanwhile.
    ///
    /// # Errors
    /// Why he may not.
    fn admit(&self, event: &str, pass: Option<&str>, to_stay: bool) -> Result<Option<Seat>, TurnedAway>;
}

/// Why somebody may not listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAway {
    /// What the answer's status says.
    pub because: Because,
    /// What its text says, one line.
    pub text: String,
}

/// Kinds of refusal (RFC 9110 clause 15, RFC 6585 clause 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// No pass, or not a good one: 403.
    Forbidden,
    /// There is nothing any more: 410.
    Gone,
    /// As many as may are there: 429.
    TooMany,
}

/// The pass in a path `/m/PASS/...`, and the path without it. A path without one stays as it is.
pub(crate) fn split_pass(path: &str) -> (Option<&str>, &str) {
    let inside = path.strip_prefix(PREFIX).and_then(|rest| rest.find('/').map(|at| rest.split_at(at)));
    match inside {
        Some((pass, rest)) if !pass.is_empty() => (Some(pass), rest),
        _ => (None, path),
    }
}

/// What comes before a path in the addresses of somebody who came with this pass.
pub(crate) fn with_pass(pass: Option<&str>, path: &str) -> String {
    match pass {
        Some(pass) => format!("{}{pass}/{path}", &PREFIX[1..]),
        None => path.to_owned(),
    }
}

const PREFIX: &str = "/m/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_a_directory_of_its_own() {
        assert_eq!(split_pass("/m/m1.10.a.b/123.mp3"), (Some("m1.10.a.b"), "/123.mp3"));
        assert_eq!(split_pass("/m/x/123/5000-0.m4s"), (Some("x"), "/123/5000-0.m4s"));
        assert_eq!(split_pass("/m/x/"), (Some("x"), "/"));
        for none in ["/", "/123.mp3", "/m", "/m/", "/m/x", "/m//123.mp3", "/mm/x/123.mp3"] {
            assert_eq!(split_pass(none), (None, none));
        }
        assert_eq!(with_pass(Some("x"), "123.mp3"), "m/x/123.mp3");
        assert_eq!(with_pass(None, "123.mp3"), "123.mp3");
    }
}
