//! What can be recorded, as it is written in the journal: a JSON object a line.
//!
//! None has a PIN or a keyed digit: there is no place for them. Each can be applied twice without harm, which
//! is the second defence against counting twice; the first is the writer's place in the file.
//!
//! Compatibility: fields may be added, with a default; a kind this version does not know is set aside.

use event::EventNumber;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something to be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// An event was reserved or changed: all that is known of it now.
    Reservation(Reservation),
    /// Something became of an event, or happened in its conference.
    Happening(Happening),
    /// A call leg has ended.
    Call(Box<Call>),
    /// Listeners in one minute.
    Usage(Usage),
}

/// An event as its host wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The event.
    pub event: EventNumber,
    /// What it is called, for people.
    pub title: String,
    /// The account it belongs to, if there are accounts.
    #[serde(default)]
    pub owner: Option<String>,
    /// When it was reserved, in milliseconds of UTC.
    pub created_ms: u64,
    /// When it was reserved or last changed, in milliseconds of UTC: of two the later counts.
    pub changed_ms: u64,
    /// When it is to begin, in milliseconds of UTC: a guide for people.
    #[serde(default)]
    pub starts_ms: Option<u64>,
    /// The formats it is streamed in; none stands for the configured default.
    #[serde(default)]
    pub formats: Vec<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was reserved.
    Reserved,
    /// Nobody had called for the time after which it is over.
    Over,
    /// Its host, or an operator, ended it.
    Ended,
    /// It was cancelled.
    Cancelled,
    /// Anything else, in a word: `joined`, `left`, `muted`, `locked`, `stream-start` ...
    Other(String),
}

impl Happened {
    /// The word.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Happened::Reserved => "reserved",
            Happened::Over => "over",
            Happened::Ended => "ended",
            Happened::Cancelled => "cancelled",
            Happened::Other(word) => word,
        }
    }

    /// Whether the event takes no more calls from then on.
    #[must_use]
    pub const fn closes(&self) -> bool {
        matches!(self, Happened::Over | Happened::Ended | Happened::Cancelled)
    }
}

impl From<&str> for Happened {
    fn from(word: &str) -> Happened {
        match word {
            "reserved" => Happened::Reserved,
            "over" => Happened::Over,
            "ended" => Happened::Ended,
            "cancelled" => Happened::Cancelled,
            other => Happened::Other(other.to_owned()),
        }
    }
}

impl Serialize for Happened {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Happened {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Happened::from(word.as_str()))
    }
}

/// Something that happened to an event or in its conference. The gateway's journal of events has lines of
/// this form, without a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// When, in milliseconds of UTC.
    pub at_ms: u64,
    /// The server on which.
    #[serde(default)]
    pub server: String,
    /// The event.
    pub event: EventNumber,
    /// What.
    pub what: Happened,
    /// By whom, or to whom: a role and a call, an operator's name; never a telephone number.
    #[serde(default)]
    pub by: String,
}

/// Listeners of an event in one format and minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The event.
    pub event: EventNumber,
    /// The server that streamed.
    pub server: String,
    /// The format.
    pub format: String,
    /// The minute's begin, in milliseconds of UTC.
    pub minute_ms: u64,
    /// Most listeners at once. If told twice the larger counts.
    pub listeners: u64,
    /// Octets sent to them. If told twice the larger counts.
    #[serde(default)]
    pub octets: u64,
}

/// A call leg, as the gateway writes it; each field is explained in `docs/RECORDS.md`. Fields that the
/// database has no column for stay in the gateway's file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Call {
    /// The server.
    pub server: String,
    /// The call, counted since the daemon's start.
    pub call: u64,
    /// `incoming` or `outgoing`.
    pub direction: String,
    /// Span, from 1.
    pub span: u64,
    /// Timeslot.
    pub channel: u64,
    /// Number called.
    pub called: String,
    /// Number calling, masked if it must not be shown.
    pub calling: Option<String>,
    /// SETUP received or sent, in milliseconds of UTC like all that follow.
    pub setup_ms: u64,
    /// CONNECT acknowledged.
    pub connect_ms: Option<u64>,
    /// In the conference.
    pub joined_ms: Option<u64>,
    /// Out of the conference.
    pub left_ms: Option<u64>,
    /// Released.
    pub end_ms: Option<u64>,
    /// Seconds from connect to end.
    pub seconds: Option<u64>,
    /// The event.
    pub event: Option<String>,
    /// host, speaker or listener.
    pub role: Option<String>,
    /// Entries of number and PIN that were wrong.
    pub wrong_entries: u64,
    /// Milliseconds of waiting.
    pub waited_ms: u64,
    /// Milliseconds of talk.
    pub talk_ms: u64,
    /// Milliseconds muted by the caller.
    pub muted_ms: u64,
    /// Q.850 cause.
    pub cause: Option<u64>,
    /// Who said the cause.
    pub cause_location: Option<String>,
    /// far_end, near_end or daemon_stopped.
    pub released_by: String,
}

/// A line that is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(pub(crate) String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Record {
    /// The line of the journal.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("numbers and text are JSON");
        line.push(b'\n');
        line
    }

    /// Reads a line of the journal.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_line(line: &[u8]) -> Result<Record, Unusable> {
        serde_json::from_slice(line).map_err(|e| Unusable(format!("no record of a kind known here: {e}")))
    }

    /// Reads a line of the gateway's call records.
    ///
    /// # Errors
    /// What is wrong with it.
    #[cfg(feature = "database")]
    pub(crate) fn from_call_line(line: &[u8]) -> Result<Record, Unusable> {
        let call: Call = serde_json::from_slice(line).map_err(|e| Unusable(format!("no call record: {e}")))?;
        if call.setup_ms == 0 {
            return Err(Unusable("a call record without the time of its SETUP".to_owned()));
        }
        Ok(Record::Call(Box::new(call)))
    }

    /// Reads a line of the gateway's journal of events.
    ///
    /// # Errors
    /// What is wrong with it.
    #[cfg(feature = "database")]
    pub(crate) fn from_event_line(line: &[u8], server: &str) -> Result<Record, Unusable> {
        let happening: Happening =
            serde_json::from_slice(line).map_err(|e| Unusable(format!("no entry of the journal of events: {e}")))?;
        Ok(Record::Happening(Happening { server: server.to_owned(), ..happening }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::KeyId;

    #[test]
    fn every_kind_reads_back() {
        let event = EventNumber::with_serial(KeyId::FIRST, 1);
        let (server, by) = ("g1".to_owned(), "host".to_owned());
        let happening = |what| Happening { at_ms: 5, server: server.clone(), event, what, by: by.clone() };
        let reservation = Reservation {
            event,
            title: "Annual meeting".to_owned(),
            owner: None,
            created_ms: 1,
            changed_ms: 2,
            starts_ms: None,
            formats: vec!["mp3".to_owned()],
        };
        let usage = Usage {
            event,
            server: server.clone(),
            format: "mp3".to_owned(),
            minute_ms: 60_000,
            listeners: 3,
            octets: 9,
        };
        for record in [
            Record::Reservation(reservation),
            Record::Happening(happening(Happened::Ended)),
            Record::Happening(happening(Happened::Other("muted".to_owned()))),
            Record::Call(Box::new(Call { server: "g1".to_owned(), setup_ms: 7, ..Call::default() })),
            Record::Usage(usage),
        ] {
            let line = record.to_line();
            assert_eq!(line.iter().filter(|&&b| b == b'\n').count(), 1);
            assert_eq!(Record::from_line(&line), Ok(record));
        }
        assert!(Record::from_line(br#"{"kind":"weather"}"#).is_err());
    }

    #[test]
    fn lines_of_the_gateway_are_understood() {
        let event = EventNumber::with_serial(KeyId::FIRST, 1);
        let line = format!(r#"{{"at_ms":5,"event":"{event}","what":"cancelled","by":"host"}}"#);
        let Ok(Record::Happening(happening)) = Record::from_event_line(line.as_bytes(), "g1") else { panic!("{line}") };
        assert_eq!((happening.server.as_str(), happening.what), ("g1", Happened::Cancelled));
        let line = br#"{"server":"g1","call":4,"span":1,"setup_ms":9,"calling_name":"a new field","cause":16}"#;
        let Ok(Record::Call(call)) = Record::from_call_line(line) else { panic!("a call") };
        assert_eq!((call.call, call.cause), (4, Some(16)));
        assert!(Record::from_call_line(b"{}").is_err(), "nothing that ever was called");
    }
}
