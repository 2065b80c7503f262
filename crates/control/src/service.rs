//! Taking channels out of service and putting them back: the words for it.
//!
//! Time: dates are milliseconds since 1970 UTC, spans of time have their unit in the name.
//! Words: target, what is taken out: a channel, some, a span, a card, the server; suspension, an order that keeps a target
//! out until it is resumed; draining, of a channel: its call goes on, and it is out after that.

use crate::{Masked, Problem};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Characters of a reason or ticket at most.
const TEXT_MAX: usize = 200;

/// A grace or end further away than this is a slip of the pen.
const FAR_AWAY_S: u64 = 366 * 24 * 3600;

/// What is taken out of service: `server`, `card NAME`, `span N`, `channel N/M` or `channel N/M-K`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything.
    Server,
    /// All spans of a card.
    Card(String),
    /// A span, from 1.
    Span(u16),
    /// Channels of a span, by timeslot, from 1.
    Channels {
        /// The span.
        span: u16,
        /// The first.
        first: u8,
        /// The last; the same for one alone.
        last: u8,
    },
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTarget(String);

impl fmt::Display for NoTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no target: `server`, `card NAME`, `span N`, `channel N/M` or `channel N/M-K`", self.0)
    }
}

impl std::error::Error for NoTarget {}

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Target, NoTarget> {
        let wrong = || NoTarget(text.chars().filter(|c| !c.is_control()).take(60).collect());
        let number = |digits: &str| digits.parse().ok().filter(|n| *n > 0);
        let (kind, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let rest = rest.trim();
        match kind {
            "server" if rest.is_empty() => Ok(Target::Server),
            "card" if !rest.is_empty() && !rest.chars().any(char::is_control) => Ok(Target::Card(rest.to_owned())),
            "span" => number(rest).map(Target::Span).ok_or_else(wrong),
            "channel" => {
                let (span, channels) = rest.split_once('/').ok_or_else(wrong)?;
                let (first, last) = channels.split_once('-').unwrap_or((channels, channels));
                let timeslot = |digits: &str| digits.parse::<u8>().ok().filter(|n| (1..=31).contains(n));
                match (number(span), timeslot(first), timeslot(last)) {
                    (Some(span), Some(first), Some(last)) if first <= last => {
                        Ok(Target::Channels { span, first, last })
                    }
                    _ => Err(wrong()),
                }
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Server => f.write_str("server"),
            Target::Card(name) => write!(f, "card {name}"),
            Target::Span(span) => write!(f, "span {span}"),
            Target::Channels { span, first, last } if first == last => write!(f, "channel {span}/{first}"),
            Target::Channels { span, first, last } => write!(f, "channel {span}/{first}-{last}"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a channel is kept from calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// A technician suspended it.
    #[default]
    Operator,
    /// The group of servers wants its calls elsewhere.
    Load,
    /// Too few stream ports are free.
    NoPort,
    /// The line has failed; nobody orders that, and it ends with the failure.
    Alarm,
    /// A technician tests it.
    Test,
    /// The self-test tests it, or has found it bad.
    SelfTest,
    /// The daemon is on its way out and waits for its calls to end.
    Drain,
    /// A reason this version has no word for.
    #[serde(other)]
    Unknown,
}

/// What is to be taken out, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspend {
    /// What.
    pub target: Target,
    /// For which reason it counts.
    #[serde(default)]
    pub hold: Hold,
    /// Calls are not waited for longer than this: 0 for not at all; until they end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_s: Option<u64>,
    /// Resumed by itself then; when absent, by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

impl Suspend {
    /// Until its calls end and somebody resumes it.
    #[must_use]
    pub fn new(target: Target) -> Suspend {
        Suspend { target, hold: Hold::Operator, grace_s: None, until_ms: None, reason: None, ticket: None }
    }

    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.grace_s.is_some_and(|s| s > FAR_AWAY_S) {
            return Err(Problem::malformed("`grace_s` is more than a year"));
        }
        check_hold(self.hold)?;
        for (field, text) in [("reason", &self.reason), ("ticket", &self.ticket)] {
            check_text(field, text.as_deref())?;
        }
        Ok(())
    }
}

/// What is to be put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// What.
    pub target: Target,
    /// The reason that no longer applies.
    #[serde(default)]
    pub hold: Hold,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

impl Resume {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        check_hold(self.hold)?;
        for (field, text) in [("reason", &self.reason), ("ticket", &self.ticket)] {
            check_text(field, text.as_deref())?;
        }
        Ok(())
    }
}

fn check_hold(hold: Hold) -> Result<(), Problem> {
    match hold {
        Hold::Operator | Hold::Load => Ok(()),
        Hold::NoPort | Hold::Alarm | Hold::Test | Hold::SelfTest | Hold::Drain | Hold::Unknown => {
            Err(Problem::malformed("`hold` is \"operator\" or \"load\""))
        }
    }
}

fn check_text(field: &str, text: Option<&str>) -> Result<(), Problem> {
    let Some(text) = text else { return Ok(()) };
    if text.chars().count() > TEXT_MAX {
        return Err(Problem::malformed(format!("`{field}` is longer than {TEXT_MAX} characters")));
    }
    crate::request::one_line(field, text)
}

/// A suspension, and how far it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuspensionInfo {
    /// Its number; numbers are never given twice.
    pub id: u64,
    /// The target, as it was named.
    pub target: String,
    /// The channels it still keeps out: `span 1: 1-15, 17-31`.
    pub channels: Vec<String>,
    /// For which reason it counts.
    pub hold: Hold,
    /// Who ordered it.
    pub by: String,
    /// When.
    pub since_ms: u64,
    /// When calls are no longer waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forced_at_ms: Option<u64>,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of a ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// How far it has come.
    pub progress: Progress,
}

/// How far a suspension has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Channels it keeps out.
    pub channels: u32,
    /// Of these, those that are not out yet.
    pub channels_left: u32,
    /// Of these, those whose state the far end has not acknowledged.
    pub unacknowledged: u32,
    /// Calls on them.
    pub calls_left: u32,
    /// Age of the oldest of these calls, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_call_ms: Option<u64>,
    /// Seconds until the last call has ended: from the length of calls so far, or when they are no longer waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate_s: Option<u64>,
    /// All are out and no call is left.
    pub done: bool,
}

/// What a suspension would hit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuspendPlan {
    /// The target, as it was named.
    pub target: String,
    /// Channels.
    pub channels: u32,
    /// Of these, out at once.
    pub at_once: u32,
    /// Of these, suspended already.
    pub already: u32,
    /// Calls on them, the oldest first.
    pub calls: Vec<CallHit>,
    /// What becomes of these calls, in words.
    pub calls_text: String,
    /// How long until the last of them has ended, in seconds, as far as can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate_s: Option<u64>,
    /// Channels in service that remain on this server.
    pub remaining: u32,
    /// What each span's exchange is told, and what happens if it does not answer.
    pub spans: Vec<SpanPlan>,
}

/// A call that a suspension would hit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallHit {
    /// Its number.
    pub call: u64,
    /// Its span, from 1.
    pub span: u16,
    /// Its timeslot.
    pub channel: u8,
    /// Its age in milliseconds.
    pub age_ms: u64,
    /// The event it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Masked>,
}

/// What a suspension means for one span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpanPlan {
    /// The span, from 1.
    pub span: u16,
    /// The channels: `1-15, 17-31`.
    pub channels: String,
    /// All channels of the span will be suspended.
    pub whole: bool,
    /// What its exchange is told, in words.
    pub told: String,
    /// What happens if it does not answer, in words.
    pub unanswered: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_they_are_written() {
        for text in ["server", "card soft0", "span 3", "channel 1/5", "channel 12/5-31"] {
            let target: Target = text.parse().expect("a target");
            assert_eq!(target.to_string(), text);
        }
        assert_eq!("channel 2/7-7".parse::<Target>().expect("one").to_string(), "channel 2/7");
        for wrong in [
            "",
            "span",
            "span 0",
            "span x",
            "channel 1",
            "channel 1/0",
            "channel 1/9-5",
            "channel 1/32",
            "servers",
            "server 1",
            "card ",
        ] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong:?}");
        }
        let said = "span zero".parse::<Target>().expect_err("no number").to_string();
        assert!(said.contains("span zero") && said.contains("channel N/M-K"), "{said}");
    }

    #[test]
    fn what_is_too_long_or_unknown_is_refused() {
        let sound = Suspend::new(Target::Server);
        assert_eq!(sound.check(), Ok(()));
        for wrong in [
            Suspend { reason: Some("x".repeat(201)), ..sound.clone() },
            Suspend { ticket: Some("a\nb".into()), ..sound.clone() },
            Suspend { grace_s: Some(u64::MAX), ..sound.clone() },
            Suspend { hold: Hold::Unknown, ..sound.clone() },
            Suspend { hold: Hold::Alarm, ..sound.clone() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
