//! Events, their streams and ports, and reservations.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where an event stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// Reserved; nobody has called yet.
    Reserved,
    /// Somebody is in its conference.
    Live,
    /// Everybody has left; its time-outs run.
    Idle,
    /// As idle, and its archive is due.
    ArchiveDue,
    /// Nobody called for the time that makes it over.
    Over,
    /// A host or an operator ended it.
    Ended,
    /// It was cancelled.
    Cancelled,
    /// A state this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventInfo {
    /// Its number.
    pub number: String,
    /// Its title; empty when its record cannot be had.
    pub title: String,
    /// Where it stands.
    pub state: EventState,
    /// Callers in its conference, hosts included.
    pub callers: u32,
    /// Of these, hosts.
    pub hosts: u32,
    /// Its streams on the air.
    pub streams: Vec<StreamInfo>,
    /// Recordings there are, the one being written included.
    pub recordings: u32,
    /// Since when it stands there: milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// When it will be over unless somebody calls: milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_at_ms: Option<u64>,
}

/// A stream on the air.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamInfo {
    /// `mp3`, `pcmu`, `webm`, `ogg` or `hls`.
    pub format: String,
    /// Where to listen.
    pub url: String,
    /// Its TCP port.
    pub port: u16,
    /// Who listens now; of HLS, about how many.
    pub listeners: u32,
    /// Octets of sound sent to listeners since it went on the air.
    pub octets: u64,
    /// On the air since: milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// What a stream port is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// Could carry another event now.
    Free,
    /// Belongs to an event.
    InUse,
    /// Its event has gone; held back until no listener's code for it can be valid any more.
    HeldBack,
    /// Cannot be used: another program has it, or its encoder has failed the self-test.
    Unavailable,
    /// A state this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A stream port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortInfo {
    /// TCP port.
    pub port: u16,
    /// What it is doing.
    pub state: PortState,
    /// The event it belongs to, or did before it was held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Listeners on it.
    pub listeners: u32,
    /// Until when it is held back: milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// A reservation that was made: the only place where PINs are ever shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reservation {
    /// The event's number, with its check digit.
    pub event: String,
    /// Its title.
    pub title: String,
    /// Its PINs.
    pub pins: Pins,
    /// How to listen, in words and addresses, one hint a line.
    pub listen: Vec<String>,
}

/// The PINs of an event. Their `Debug` form does not show them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pins {
    /// For those who may end it.
    pub host: String,
    /// For those who speak.
    pub speaker: String,
    /// For those who only listen.
    pub listener: String,
}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pins(hidden)")
    }
}
