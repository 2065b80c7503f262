//! What a notice says to programs: the kind of thing that happened, with its particulars under names that stay.
//!
//! On the wire the fields of a fact stand beside those of its [`Notice`](crate::Notice), told apart by `kind`. Channels are
//! timeslots of the notice's span. Fields may be added; none changes its meaning.

use crate::{
    AlarmInfo, CalledState, ConferenceMode, DrainInfo, Hold, KeyPress, Masked, MutedBy, Progress, ServiceState,
};
use serde::{Deserialize, Serialize};

/// What a D channel did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFact {
    /// It came up.
    Up,
    /// The far end set it up anew; calls go on.
    Reset,
    /// It was lost.
    Down,
    /// It was taken down, as the whole span is out of service.
    Released,
    /// The exchange does not answer.
    Silent,
}

/// Who did something in a conference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoneBy {
    /// A member, with his keys: `by_call`.
    Member,
    /// An order over the control socket.
    Order,
    /// The rules of the conference.
    Rules,
    /// Somebody this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Who did something in a conference, and which call he is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Doer {
    /// Who.
    pub by: DoneBy,
    /// The member's call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_call: Option<u64>,
}

/// Who ordered a suspension, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ordered {
    /// Its number.
    pub suspension: u64,
    /// The target, as it was named.
    pub target: String,
    /// Who ordered it.
    pub by: String,
    /// When: milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of a ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// Something that happened, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "it is on its way out, one at a time")]
pub enum Fact {
    /// A D channel changed.
    Link {
        /// How.
        link: LinkFact,
    },
    /// What a line shows at this moment.
    Line {
        /// Its defects: `LOS`, `AIS`, ...; none: nothing is wrong.
        defects: Vec<String>,
    },
    /// Channels are held from calls for a reason, or are not any more.
    Hold {
        /// The reason.
        hold: Hold,
        /// Channels it holds now and did not before.
        placed: Vec<u8>,
        /// Channels it held before and does not now.
        released: Vec<u8>,
        /// The orders behind it, for reasons that somebody orders.
        orders: Vec<Ordered>,
    },
    /// The service states of a span's channels at our end.
    Near {
        /// Channels out of service.
        out_of_service: Vec<u8>,
        /// Channels in maintenance.
        maintenance: Vec<u8>,
        /// Channels that go out when their calls have ended.
        draining: Vec<u8>,
    },
    /// The exchange's service state of some channels.
    Far {
        /// The channels.
        channels: Vec<u8>,
        /// Their state now.
        state: ServiceState,
    },
    /// A suspension was ordered.
    Suspended {
        /// Who, and why.
        order: Ordered,
        /// For which reason it counts.
        hold: Hold,
        /// When calls are no longer waited for.
        #[serde(skip_serializing_if = "Option::is_none")]
        forced_at_ms: Option<u64>,
        /// When it ends by itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        until_ms: Option<u64>,
    },
    /// A suspension has come further: channels are out, calls have ended.
    SuspensionProgress {
        /// Which.
        order: Ordered,
        /// How far.
        progress: Progress,
    },
    /// Channels were resumed by somebody.
    Resumed {
        /// The target, as it was named.
        target: String,
        /// Who ordered it.
        by: String,
        /// Why, in words.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Number of a ticket.
        #[serde(skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
        /// The suspensions that covered them.
        orders: Vec<Ordered>,
    },
    /// A suspension ended by itself.
    SuspensionOver {
        /// Which.
        order: Ordered,
    },
    /// Something is wrong.
    AlarmRaised {
        /// What.
        alarm: AlarmInfo,
    },
    /// It is well again.
    AlarmCleared {
        /// What was wrong.
        alarm: AlarmInfo,
    },
    /// A call was taken.
    CallTaken {
        /// Its channel.
        channel: u8,
        /// Number called.
        called: String,
        /// Number calling, masked; absent when it is not told.
        #[serde(skip_serializing_if = "Option::is_none")]
        calling: Option<Masked>,
    },
    /// A call was refused at its SETUP.
    CallRefused {
        /// Number called.
        called: String,
        /// The Q.850 cause it was refused with.
        cause: u8,
    },
    /// A caller is in a conference.
    CallJoined {
        /// `host`, `speaker` or `listener`.
        role: String,
    },
    /// A caller was let in by his PIN, and waits.
    CallWaiting {
        /// `host` or `admission`: for what.
        waits_for: String,
    },
    /// He waits no longer and is in the conference.
    CallAdmitted {
        /// Who has let him in.
        #[serde(flatten)]
        by: Doer,
    },
    /// A caller pressed a key and let it go.
    CallKey {
        /// How it sounded.
        #[serde(flatten)]
        press: KeyPress,
    },
    /// A caller is spoken to in another language.
    CallLanguage {
        /// Its code.
        language: String,
    },
    /// A caller began to talk, or ceased; heard or not.
    CallTalking {
        /// Which.
        talking: bool,
    },
    /// A caller is not heard any more, or for another reason, or is heard again.
    CallMuted {
        /// Why he is not heard; absent: he is.
        #[serde(skip_serializing_if = "Option::is_none")]
        muted: Option<MutedBy>,
        /// Who did it.
        #[serde(flatten)]
        by: Doer,
    },
    /// A caller has raised his hand.
    HandRaised,
    /// A caller's hand is lowered.
    HandLowered {
        /// Who did it.
        #[serde(flatten)]
        by: Doer,
    },
    /// A caller was given the floor.
    CalledOn {
        /// Who gave it.
        #[serde(flatten)]
        by: Doer,
    },
    /// A caller was put out of the conference.
    CallKicked {
        /// Who did it.
        #[serde(flatten)]
        by: Doer,
    },
    /// A caller was given a name.
    CallNamed {
        /// The name; empty: it was taken away.
        name: String,
    },
    /// A caller could not be let in though number and PIN were right.
    CallTurnedAway {
        /// `ended`, `cancelled`, `over`, `no_port`, `locked` or `full`.
        why: String,
    },
    /// Who is heard in a conference has changed.
    ConferenceMode {
        /// To this.
        mode: ConferenceMode,
        /// Who did it.
        #[serde(flatten)]
        by: Doer,
    },
    /// Nobody but hosts is let in any more, or everybody again.
    ConferenceLocked {
        /// Which.
        locked: bool,
        /// Who did it.
        #[serde(flatten)]
        by: Doer,
    },
    /// Everybody but hosts was muted, or may be heard again.
    ConferenceMuted {
        /// Which.
        muted: bool,
        /// Nobody can unmute himself.
        mutes_locked: bool,
        /// Who did it.
        #[serde(flatten)]
        by: Doer,
    },
    /// A host is there, where none was.
    HostCame,
    /// The last host has left.
    HostGone {
        /// When the conference ends unless one comes back; absent: it goes on.
        #[serde(skip_serializing_if = "Option::is_none")]
        ends_at_ms: Option<u64>,
    },
    /// A conference will end.
    ConferenceEndsAt {
        /// Then.
        ends_at_ms: u64,
    },
    /// A conference has ended for all.
    ConferenceEnded {
        /// `ordered`, `host_left`, `too_long` or `too_few`.
        why: String,
        /// Who did it.
        #[serde(flatten)]
        by: Doer,
    },
    /// Somebody wanted a number called from a conference; no channel could be had for it.
    DialOutUnavailable {
        /// Why, in words.
        why: String,
    },
    /// Somebody is being called from a conference.
    InvitePlaced {
        /// Its channel.
        channel: u8,
        /// The number called, as much of it as may be shown.
        called: String,
        /// Who wanted it.
        #[serde(flatten)]
        by: Doer,
    },
    /// So that call went.
    InviteWent {
        /// How.
        went: CalledState,
        /// The Q.850 cause it ended with, unless somebody came in.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<u8>,
    },
    /// A caller has left it.
    CallLeft {
        /// Those still in it.
        remaining: u16,
    },
    /// A call is gone.
    CallEnded {
        /// The Q.850 cause.
        cause: u8,
        /// Who said so, as in the call's record.
        cause_location: String,
        /// `far_end` or `near_end`, as in the call's record.
        released_by: String,
    },
    /// A test began.
    TestBegun {
        /// Its number.
        test: u64,
        /// What is tested.
        target: String,
        /// How.
        what: String,
        /// Who ordered it.
        by: String,
    },
    /// A test is over.
    TestOver {
        /// Its number.
        test: u64,
        /// What was tested.
        target: String,
        /// How.
        what: String,
        /// Who ordered it.
        by: String,
        /// Whether all channels passed; absent where nothing was judged.
        #[serde(skip_serializing_if = "Option::is_none")]
        passed: Option<bool>,
        /// What came of it, in words.
        outcome: String,
    },
    /// The server is closing down and waits for its calls.
    Drain {
        /// Until when, and how far it has come.
        drain: DrainInfo,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Notice;

    #[test]
    fn who_did_something_stands_beside_what_was_done() {
        let by = Doer { by: DoneBy::Member, by_call: Some(7) };
        let fact = Fact::CallMuted { muted: Some(MutedBy::Host), by };
        let notice = Notice { at_ms: 5, text: "muted".into(), call: Some(9), fact: Some(fact), ..Notice::default() };
        let line = serde_json::to_value(&notice).expect("JSON");
        let fields = ["kind", "call", "muted", "by", "by_call"].map(|field| line[field].to_string());
        assert_eq!(fields, ["\"call_muted\"", "9", "\"host\"", "\"member\"", "7"], "{line}");
        assert_eq!(serde_json::from_value::<Notice>(line).expect("read"), notice);
        let heard = Fact::CallMuted { muted: None, by: Doer { by: DoneBy::Order, by_call: None } };
        assert_eq!(serde_json::to_string(&heard).expect("JSON"), r#"{"kind":"call_muted","by":"order"}"#);
    }
}
