//! Spans and their channels, as a technician sees them.

use crate::{Hold, Masked};
use serde::{Deserialize, Serialize};

/// Which Q.931 side we play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The subscriber's, as a gateway does.
    User,
    /// The exchange's.
    Network,
    /// A side this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The data link of a D channel (Q.921).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Established: calls can be signalled.
    Up,
    /// Being established: SABME is sent and not yet answered.
    Establishing,
    /// Not there.
    Down,
    /// Taken down by us: the span is suspended.
    Released,
    /// Established, and signals for several spans.
    Active,
    /// Established, and stands by for the one of another span.
    Standby,
    /// There is none: another span's signals for this one.
    Shared,
    /// A state this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Whether calls may be carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// Calls may be carried.
    InService,
    /// Under test or repair.
    Maintenance,
    /// No calls.
    OutOfService,
    /// A state this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpanInfo {
    /// Its number over all cards, from 1.
    pub number: u16,
    /// Name of its card.
    pub card: String,
    /// `T1` or `E1`.
    pub line: String,
    /// Switch variant spoken on the D channel: `ni2`, `5ess`, `euroisdn`...
    pub switch: String,
    /// Which side we play.
    pub side: Side,
    /// The data link.
    pub link: LinkState,
    /// Since when it is in that state: milliseconds since 1970 UTC.
    pub link_since_ms: u64,
    /// The group whose spans share their D channels, if it is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nfas: Option<String>,
    /// The spans, from 1, that have the D channels of that group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub d_channels_on: Vec<u16>,
    /// Layer 1 alarms present: `LOS`, `LOF`, `AIS`, `RAI`...
    pub alarms: Vec<String>,
    /// Bearer channels.
    pub channels_total: u16,
    /// Of these, with a call.
    pub in_use: u16,
    /// Of these, out of service or in maintenance at either end.
    pub out_of_service: u16,
    /// What was counted since the start.
    pub counters: SpanCounters,
}

/// What was counted on a span since the daemon's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpanCounters {
    /// Calls taken.
    pub calls_taken: u64,
    /// Calls refused at their SETUP.
    pub calls_refused: u64,
    /// Times the data link was lost.
    pub link_losses: u64,
    /// RESTARTs carried out for the exchange.
    pub restarts: u64,
    /// D-channel frames that arrived spoilt.
    pub frames_lost: u64,
    /// D-channel frames the card had no room to send.
    pub frames_unsent: u64,
    /// Chunks dropped or put in because two clocks differ, or a tick was late.
    pub slips: u64,
    /// Chunks that did not arrive in time.
    pub underruns: u64,
    /// Line code violations (B8ZS, HDB3).
    pub line_code_violations: u64,
    /// CRC-6 or CRC-4 errors.
    pub path_code_violations: u64,
    /// Errors the far end reports.
    pub far_end_errors: u64,
    /// Framing bit errors.
    pub framing_errors: u64,
}

/// What a channel is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelUse {
    /// Nothing.
    Idle,
    /// A call is being set up on it.
    Arriving,
    /// A call is connected.
    Connected,
    /// Its call is being cleared.
    Clearing,
    /// It is being restarted.
    Restarting,
    /// Something this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A reason that keeps a channel from calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HoldInfo {
    /// The reason.
    pub hold: Hold,
    /// The suspension, by its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<u64>,
    /// Who ordered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Since when: milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of a ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// A bearer channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelInfo {
    /// Its span, from 1.
    pub span: u16,
    /// Its timeslot, from 1.
    pub channel: u8,
    /// Our end's service state.
    pub near: ServiceState,
    /// The far end's service state.
    pub far: ServiceState,
    /// The near state the far end is being told and has not acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<ServiceState>,
    /// Why it is kept from calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<HoldInfo>,
    /// It goes out of service when its call has ended.
    pub draining: bool,
    /// What it is doing. (`use` is a word of Rust's.)
    #[serde(rename = "use")]
    pub use_: ChannelUse,
    /// The call on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// The event of that call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Masked>,
    /// Since when it is as it is: milliseconds since 1970 UTC.
    pub since_ms: u64,
}
