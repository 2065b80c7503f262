//! Calls: those of the gateway, and those the exchange in software makes.

use crate::Masked;
use serde::{Deserialize, Serialize};

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStage {
    /// Not yet answered, or the exchange has not yet acknowledged the answer.
    Ringing,
    /// The language is asked for.
    AskingLanguage,
    /// The event number is asked for.
    AskingEvent,
    /// The PIN is asked for.
    AskingPin,
    /// Let in by its PIN; it waits, or is asked for a name.
    Waiting,
    /// In the conference.
    InConference,
    /// The server has placed it, for a test.
    TestCall,
    /// Called from a conference: not answered yet.
    Calling,
    /// Called from a conference: it rings there.
    RingingThere,
    /// Called from a conference, and invited to press a key to come in.
    Invited,
    /// Last words, clearing.
    Leaving,
    /// A stage this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What somebody is in an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May end it.
    Host,
    /// Speaks and hears.
    Speaker,
    /// Hears.
    Listener,
    /// A role this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallInfo {
    /// Its number, counted from 1 since the daemon's start.
    pub id: u64,
    /// Its span, from 1.
    pub span: u16,
    /// Its timeslot, from 1.
    pub channel: u8,
    /// The caller's number; none when it was withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calling: Option<Masked>,
    /// The number that was called, which is the gateway's own; of an outgoing call, as much of it as may be shown.
    pub called: String,
    /// The server has placed it, from a conference.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outgoing: bool,
    /// How far it has come.
    pub state: CallStage,
    /// The number of its event, once it was let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// As whom it was let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// When it came: milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// Not heard in its conference, for whatever reason.
    pub muted: bool,
    /// Talking at the moment.
    pub talking: bool,
    /// Level of the last second in dBm0, while in a conference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_dbm0: Option<f32>,
    /// Samples of what it was sent that were too loud, as several talk loudly at once, and were clamped.
    pub samples_clipped: u64,
    /// How many keys were pressed; which ones is nobody's business.
    pub keys_pressed: u32,
    /// The last of them that was let go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_key: Option<KeyPress>,
    /// Code of the language in which the caller is spoken to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// How a key sounded, and not which it was. In whole decibels, as finer figures could tell one key of a telephone from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyPress {
    /// When it was pressed: milliseconds since 1970 UTC.
    pub pressed_ms: u64,
    /// How long it was held, in milliseconds.
    pub lasted_ms: u32,
    /// Level of its row (low group) tone, in dBm0.
    pub row_dbm0: i8,
    /// Level of its column (high group) tone, in dBm0.
    pub column_dbm0: i8,
    /// How much stronger the column tone is than the row tone, in dB.
    pub twist_db: i8,
    /// How far what else was heard is below the tones, in dB.
    pub snr_db: i8,
    /// A tone is further off its frequency than the 1.5 % that must be understood.
    pub off_frequency: bool,
}

/// How far a call made by the exchange has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeCallState {
    /// Looking for a channel; SETUP is sent.
    Trying,
    /// The gateway works on it, or rings.
    Ringing,
    /// Connected: keying, speaking, listening.
    Connected,
    /// Being cleared.
    Clearing,
    /// Over.
    Ended,
    /// A state this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A call made by the exchange in software. It stays listed for a while after its end, so that whoever
/// follows it learns how it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExchangeCallInfo {
    /// Its number, counted from 1 since the daemon's start.
    pub id: u64,
    /// The number dialled.
    pub called: String,
    /// The caller's number, when it tells one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calling: Option<Masked>,
    /// The caller's name, when it tells one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far it has come.
    pub state: ExchangeCallState,
    /// What the caller is at, in words: `keying the PIN`, `speaking`, `listening`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub doing: String,
    /// Span it was put on, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<u16>,
    /// Timeslot it was put on, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<u8>,
    /// When it was dialled: milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// Milliseconds it was, or is, connected.
    pub connected_ms: u64,
    /// Level of what the caller hears in dBm0, over the last half second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hears_dbm0: Option<f32>,
    /// Keys found in what was heard: should be none from a conference.
    pub keys_heard: u32,
    /// Where what is heard is written: an absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Why it ended: Q.850 cause value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<u8>,
    /// The same in words, or what went wrong here (a recording that could not be written).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_text: Option<String>,
}
