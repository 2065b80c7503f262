//! Something that happened, as told to those who watch.

use crate::Fact;
use serde::{Deserialize, Serialize};

/// How bad something is (ITU-T X.733 clause 8.1.2.3), with `info` for what is no alarm. Ordered: the
/// most severe is the greatest, and one that is not understood counts as such, so as not to be overlooked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Ordinary life.
    #[default]
    Info,
    /// An alarm has gone.
    Cleared,
    /// May become a fault.
    Warning,
    /// A fault that costs nobody a call.
    Minor,
    /// Calls are affected: act soon.
    Major,
    /// No calls at all: act now.
    Critical,
    /// A severity this version has no word for.
    #[serde(other)]
    Unknown,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The daemon itself: start, shutdown, limits.
    Server,
    /// A span, its line and its data link.
    Span,
    /// A call and its caller.
    Call,
    /// An event: reserved, ended, over.
    Event,
    /// A stream and its listeners.
    Stream,
    /// A recording and the disk under it.
    Recording,
    /// Guessing of PINs.
    Guard,
    /// The exchange in software.
    Exchange,
    /// A topic this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// When: milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub topic: Topic,
    /// What happened, in one sentence. Numbers of callers in it are masked, digits that were keyed absent.
    pub text: String,
    /// The event concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The call concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// The span concerned, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<u16>,
    /// The same for programs; its fields stand beside these. Absent where words are all there is.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub fact: Option<Fact>,
}

/// Why no more notices come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchEnd {
    /// The watcher did not keep up: notices were lost after the last one.
    Slow,
    /// The daemon stops.
    Shutdown,
    /// That was all there is.
    Complete,
    /// A reason this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_severe_is_the_greatest() {
        let worst = [Severity::Warning, Severity::Critical, Severity::Info].into_iter().max();
        assert_eq!(worst, Some(Severity::Critical));
        let future: Severity = serde_json::from_str("\"catastrophic\"").expect("a word");
        assert!(future > Severity::Critical);
    }

    #[test]
    fn a_kind_of_the_future_leaves_the_words() {
        let text = r#"{"at_ms":5,"text":"something new","kind":"eclipse","moon":"full","span":2}"#;
        let notice: Notice = serde_json::from_str(text).expect("read");
        assert_eq!((notice.text.as_str(), notice.span, notice.fact), ("something new", Some(2), None));
    }
}
