//! What happens in conferences, for programs.

use super::{mode_of, muted_of};
use crate::gateway::CallId;
use crate::reports::{Closed, NotLetIn};
use conference::{By, EndReason, Happening, Waiting};
use control::{Doer, DoneBy, Fact};
use std::time::Duration;

/// The fact of something that has happened; `at_ms` puts dates to times.
#[must_use]
pub fn of(what: &Happening<CallId>, at_ms: impl Fn(Duration) -> u64) -> Fact {
    match *what {
        Happening::Waits { what, .. } => Fact::CallWaiting {
            waits_for: match what {
                Waiting::Host => "host".to_owned(),
                Waiting::Admission => "admission".to_owned(),
            },
        },
        Happening::Admitted { by, .. } => Fact::CallAdmitted { by: doer(by) },
        Happening::Muted { muted, by, .. } => Fact::CallMuted { muted: muted.map(muted_of), by: doer(by) },
        Happening::HandRaised { .. } => Fact::HandRaised,
        Happening::HandLowered { by, .. } => Fact::HandLowered { by: doer(by) },
        Happening::CalledOn { by, .. } => Fact::CalledOn { by: doer(by) },
        Happening::Kicked { by, .. } => Fact::CallKicked { by: doer(by) },
        Happening::Mode { mode, by } => Fact::ConferenceMode { mode: mode_of(mode), by: doer(by) },
        Happening::Locked { locked, by } => Fact::ConferenceLocked { locked, by: doer(by) },
        Happening::AllMuted { muted, locked, by } => {
            Fact::ConferenceMuted { muted, mutes_locked: locked, by: doer(by) }
        }
        Happening::HostCame => Fact::HostCame,
        Happening::HostGone { ends_at } => Fact::HostGone { ends_at_ms: ends_at.map(at_ms) },
        Happening::EndsSoon(at) => Fact::ConferenceEndsAt { ends_at_ms: at_ms(at) },
        Happening::Ended { why, by } => Fact::ConferenceEnded {
            why: match why {
                EndReason::Ordered => "ordered",
                EndReason::HostLeft => "host_left",
                EndReason::TooLong => "too_long",
                EndReason::TooFew => "too_few",
            }
            .to_owned(),
            by: doer(by),
        },
    }
}

/// The fact that somebody was not let in.
#[must_use]
pub fn turned_away(why: NotLetIn) -> Fact {
    let why = match why {
        NotLetIn::Closed(Closed::Ended) => "ended",
        NotLetIn::Closed(Closed::Cancelled) => "cancelled",
        NotLetIn::Closed(Closed::Over) => "over",
        NotLetIn::NoPort => "no_port",
        NotLetIn::Locked => "locked",
        NotLetIn::Full => "full",
    };
    Fact::CallTurnedAway { why: why.to_owned() }
}

/// Who has done something.
#[must_use]
pub fn doer(by: By<CallId>) -> Doer {
    match by {
        By::Member(call) => Doer { by: DoneBy::Member, by_call: Some(call.0) },
        By::Office => Doer { by: DoneBy::Order, by_call: None },
        By::Rules => Doer { by: DoneBy::Rules, by_call: None },
    }
}
