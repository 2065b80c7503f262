//! Conferences: how each stands, and who is in it as what.

use crate::Role;
use serde::{Deserialize, Serialize};

/// Who is heard in a conference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceMode {
    /// Everybody but listeners.
    Conversation,
    /// The hosts, and whom they call on.
    Question,
    /// The hosts.
    Lecture,
    /// A mode this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Why a member is not heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MutedBy {
    /// By his own key.
    Oneself,
    /// By a host, or by an order from here.
    Host,
    /// The mode lets only hosts speak.
    Mode,
    /// He is a listener.
    Role,
    /// A reason this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Where a member is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberPlace {
    /// He is asked for his name.
    Naming,
    /// He waits for a host to come.
    WaitingForHost,
    /// He waits to be let in.
    WaitingForAdmission,
    /// In the conference.
    Present,
    /// A place this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A member of a conference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConferenceMember {
    /// His call, by which orders name him.
    pub call: u64,
    /// As what he is there.
    pub role: Role,
    /// Where he is.
    pub place: MemberPlace,
    /// The name he was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// His number, as much of it as `conference.show_numbers` lets be seen; none when it was withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Why he is not heard; none: he is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<MutedBy>,
    /// His hand is raised: his place among those whose are, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hand: Option<u32>,
    /// A host has called on him.
    pub has_floor: bool,
    /// Talking at the moment, heard or not.
    pub talking: bool,
    /// Level of the last second in dBm0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_dbm0: Option<f32>,
    /// Samples of what he heard that were too loud and were clamped.
    pub samples_clipped: u64,
    /// When he came: milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// A conference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConferenceInfo {
    /// The number of its event.
    pub event: String,
    /// The title of its event.
    pub title: String,
    /// Who is heard.
    pub mode: ConferenceMode,
    /// Nobody but hosts is let in.
    pub locked: bool,
    /// Whoever comes is muted.
    pub all_muted: bool,
    /// Nobody can lift a host's mute himself.
    pub mutes_locked: bool,
    /// It is on the air.
    pub on_air: bool,
    /// In the conference, hosts and listeners included.
    pub present: u32,
    /// Of these, hosts.
    pub hosts: u32,
    /// Who wait, or are asked for their names.
    pub waiting: u32,
    /// Raised hands.
    pub hands: u32,
    /// When it opened: milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// When it ends as it stands: milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at_ms: Option<u64>,
    /// Samples of the sum of all who speak that were too loud and were clamped.
    pub samples_clipped: u64,
    /// Its members, in the order they came.
    pub members: Vec<ConferenceMember>,
    /// Who was called from it lately, the latest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<CalledOut>,
}

/// How far a call out of a conference has come, or how it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalledState {
    /// On its way.
    Calling,
    /// It rings there.
    Ringing,
    /// Somebody has answered, and is asked whether he wants to come in.
    Answered,
    /// He is in.
    Joined,
    /// Whoever has answered did not come in.
    NotJoined,
    /// The number is busy.
    Busy,
    /// Nobody has answered.
    NoAnswer,
    /// Whoever was called has refused.
    Declined,
    /// There is no such number.
    NoSuchNumber,
    /// It could not be reached for another reason.
    NotReached,
    /// It was given up.
    GivenUp,
    /// A state this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

impl CalledState {
    /// Nothing more will come of it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, CalledState::Calling | CalledState::Ringing | CalledState::Answered)
    }
}

/// Somebody who was called from a conference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalledOut {
    /// The number of the call.
    pub call: u64,
    /// The number called, as much of it as may be shown.
    pub number: String,
    /// The call of the host who wanted it; absent: it was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_call: Option<u64>,
    /// How it went.
    pub state: CalledState,
    /// The same in words.
    pub text: String,
    /// The Q.850 cause it ended with, unless somebody came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<u8>,
    /// When it was placed: milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// When it came so far: milliseconds since 1970 UTC.
    pub at_ms: u64,
}
