//! Service states of B channels: ours, the far end's, what is on its way between the two, and what calls that allows.
//!
//! Looks after the words and the table of what may be used; `service/channels.rs` has the procedures, `service/pace.rs`
//! the guard against too many messages, [`maintenance`](crate::maintenance) the octets.
//!
//! Data path: SERVICE from the far end, the owner's [`set_near`](crate::DChannel::set_near) → here → SERVICE, events, and
//! two channel sets that `q931` asks before a call gets a channel.
//! Time: [`Rules`] has the timers; `now` comes from the D channel.
//! Source: the procedures of AT&T TR 41459 (T3M1) and of PBXs that follow it; ITU-T X.731 for keeping the two ends' states
//! apart.
//! Words: near and far, the state that this end and the other end has given a channel; silent, of a far end: it left
//! SERVICE unanswered; audit, SERVICE sent only to see whether it is answered; controlled, of a channel: with SERVICE.

mod channels;
mod pace;

pub(crate) use channels::Services;

use crate::maintenance::Discriminator;
use std::time::Duration;

/// What one end says of a channel. Ordered by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceState {
    /// Calls may be carried.
    #[default]
    InService,
    /// Under test or repair.
    Maintenance,
    /// No calls.
    OutOfService,
}

/// What is known of the far end's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FarState {
    /// The far end said so, or has said nothing else so far.
    InService,
    /// The far end said so.
    Maintenance,
    /// The far end said so.
    OutOfService,
    /// It left SERVICE unanswered, or the link has been down for T309.
    Unknown,
}

impl From<ServiceState> for FarState {
    fn from(state: ServiceState) -> FarState {
        match state {
            ServiceState::InService => FarState::InService,
            ServiceState::Maintenance => FarState::Maintenance,
            ServiceState::OutOfService => FarState::OutOfService,
        }
    }
}

impl std::fmt::Display for ServiceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        FarState::from(*self).fmt(f)
    }
}

impl std::fmt::Display for FarState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FarState::InService => "in service",
            FarState::Maintenance => "maintenance",
            FarState::OutOfService => "out of service",
            FarState::Unknown => "unknown",
        })
    }
}

/// How a channel is taken out of service. Calls that it has are the owner's to end, either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Manner {
    /// A call that the far end sent before it knew is taken.
    #[default]
    Drain,
    /// Such a call is refused with cause 44, or gets another channel if it may.
    Force,
}

/// SERVICE is out, or about to go out, and not yet acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The near state the far end is being told.
    pub state: ServiceState,
    /// How often it has been sent.
    pub sent: u8,
    /// Until when an answer is waited for; `None` while it waits for the link or for its turn.
    pub until: Option<Duration>,
}

/// A channel's service state as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelService {
    /// Ours.
    pub near: ServiceState,
    /// The far end's.
    pub far: FarState,
    /// What the far end is being told.
    pub pending: Option<Pending>,
    /// A call that the far end offers on it may be taken.
    pub incoming: bool,
    /// A call of ours may be put on it.
    pub outgoing: bool,
}

/// How SERVICE is spoken with one kind of exchange: a column of [`crate::variant`], to be altered by a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The discriminator of our requests; replies have that of the request.
    pub discriminator: Discriminator,
    /// T3M1 in seconds: how long an acknowledgement is waited for.
    pub t3m1_seconds: u64,
    /// SERVICE is sent so often before the far end counts as silent.
    pub attempts: u8,
    /// Seconds from one audit of a silent far end to the next.
    pub audit_seconds: u64,
    /// A channel's SERVICEs are so many seconds apart in the long run; a few may follow one another faster.
    pub dwell_seconds: u64,
    /// RESTART from the far end puts the far state back in service.
    pub restart_clears_far: bool,
    /// A call is taken on a channel that the far end has called out of service and offers all the same.
    pub incoming_when_far_out: bool,
    /// A call is taken on a channel that we have put in maintenance.
    pub incoming_in_maintenance: bool,
}

/// The service messages of a variant that has none were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoServiceMessages;

impl std::fmt::Display for NoServiceMessages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this switch variant has no SERVICE messages")
    }
}

impl std::error::Error for NoServiceMessages {}

/// Counts since the D channel was made. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// SERVICE received and applied.
    pub requests_in: u64,
    /// SERVICE sent, repetitions and audits included.
    pub requests_out: u64,
    /// SERVICE ACKNOWLEDGE received for what was pending.
    pub acknowledged: u64,
    /// SERVICE ACKNOWLEDGE sent.
    pub answers: u64,
    /// SERVICE applied and left unanswered, because too many came.
    pub answers_withheld: u64,
    /// SERVICE ACKNOWLEDGE for what was not pending.
    pub unsolicited: u64,
    /// Acknowledgements of another state than the one told.
    pub mismatches: u64,
    /// Expiries of T3M1.
    pub t3m1_expiries: u64,
    /// Messages for channels or interfaces that we do not have.
    pub unknown_channel: u64,
    /// Maintenance messages that could not be understood.
    pub not_understood: u64,
    /// Times the far end called a channel in service that we keep out of it.
    pub contested: u64,
}

/// What a channel may be used for: the more severe of the two states decides.
///
/// | near | far | incoming | outgoing |
/// |---|---|---|---|
/// | in service | in service | yes | yes |
/// | in service | maintenance, unknown | yes | no |
/// | in service | out of service | [`Rules::incoming_when_far_out`] | no |
/// | maintenance | any | [`Rules::incoming_in_maintenance`] | no |
/// | out of service | any | no | no |
///
/// Without service messages only the near state counts.
#[must_use]
pub const fn usability(near: ServiceState, far: FarState, rules: Option<&Rules>) -> (bool, bool) {
    match (near, far, rules) {
        (ServiceState::InService, _, None) | (ServiceState::InService, FarState::InService, _) => (true, true),
        (ServiceState::InService, FarState::Maintenance | FarState::Unknown, _) => (true, false),
        (ServiceState::InService, FarState::OutOfService, Some(rules)) => (rules.incoming_when_far_out, false),
        (ServiceState::Maintenance, _, Some(rules)) => (rules.incoming_in_maintenance, false),
        (ServiceState::Maintenance, _, None) | (ServiceState::OutOfService, _, _) => (false, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Switch;

    #[test]
    fn the_more_severe_state_decides() {
        use FarState as Far;
        use ServiceState::{InService, Maintenance, OutOfService};
        let lenient = Switch::Ess5.row().service.expect("5ESS has them");
        let strict = Rules { incoming_when_far_out: false, ..lenient };
        let testing = Rules { incoming_in_maintenance: true, ..lenient };
        for (near, far, expected) in [
            (InService, Far::InService, (true, true)),
            (InService, Far::Maintenance, (true, false)),
            (InService, Far::Unknown, (true, false)),
            (Maintenance, Far::InService, (false, false)),
            (OutOfService, Far::InService, (false, false)),
            (OutOfService, Far::OutOfService, (false, false)),
        ] {
            assert_eq!(usability(near, far, Some(&strict)), expected, "{near}, {far}");
            assert_eq!(usability(near, far, Some(&lenient)), expected, "{near}, {far}");
        }
        assert_eq!(usability(InService, Far::OutOfService, Some(&strict)), (false, false));
        assert_eq!(usability(InService, Far::OutOfService, Some(&lenient)), (true, false));
        assert_eq!(usability(Maintenance, Far::Unknown, Some(&testing)), (true, false));
        assert_eq!(usability(InService, Far::InService, None), (true, true));
        assert_eq!(usability(Maintenance, Far::InService, None), (false, false));
    }
}
