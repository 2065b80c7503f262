//! What happens in conferences, in sentences, and what came of orders.

use crate::gateway::CallId;
use crate::reports::{Closed, NotLetIn};
use conference::{By, EndReason, Happening, Mode, MutedBy, Refused, Waiting, Went};

/// One sentence; for the log and for those who watch. The event is told beside it.
#[must_use]
pub fn happening(event: &str, what: &Happening<CallId>) -> String {
    match what {
        Happening::Waits { who, what } => {
            let what = match what {
                Waiting::Host => "waits for a host",
                Waiting::Admission => "waits to be let in",
            };
            format!("call {} {what} to event {event}", who.0)
        }
        Happening::Admitted { who, by } => format!("call {} was let in{}", who.0, doer(*by, *who)),
        Happening::Muted { who, muted: None, by } => format!("call {} can be heard{}", who.0, doer(*by, *who)),
        Happening::Muted { who, muted: Some(muted), by } => {
            format!("call {} is not heard: {}{}", who.0, muted_in_words(*muted), doer(*by, *who))
        }
        Happening::HandRaised { who } => format!("call {} raises his hand", who.0),
        Happening::HandLowered { who, by } => format!("the hand of call {} is lowered{}", who.0, doer(*by, *who)),
        Happening::CalledOn { who, by } => format!("call {} has the floor{}", who.0, doer(*by, *who)),
        Happening::Kicked { who, by } => format!("call {} was put out of event {event}{}", who.0, doer(*by, *who)),
        Happening::Mode { mode, by } => format!("event {event}: {}{}", mode_in_words(*mode), anybody(*by)),
        Happening::Locked { locked: true, by } => {
            format!("event {event} is locked: only hosts are let in{}", anybody(*by))
        }
        Happening::Locked { locked: false, by } => format!("event {event} is open again{}", anybody(*by)),
        Happening::AllMuted { muted: true, locked, by } => {
            let kept = if *locked { ", and nobody can unmute himself" } else { "" };
            format!("event {event}: everybody but hosts is muted{kept}{}", anybody(*by))
        }
        Happening::AllMuted { muted: false, by, .. } => {
            format!("event {event}: the host's mute is lifted{}", anybody(*by))
        }
        Happening::HostCame => format!("event {event}: a host is there"),
        Happening::HostGone { ends_at: Some(_) } => {
            format!("event {event}: the last host has left; its conference ends unless one comes back")
        }
        Happening::HostGone { ends_at: None } => {
            format!("event {event}: the last host has left; its conference goes on")
        }
        Happening::EndsSoon(_) => format!("event {event}: its conference ends soon"),
        Happening::Ended { why, by } => {
            format!("the conference of event {event} has ended: {}{}", end_in_words(*why), anybody(*by))
        }
    }
}

/// By whom, unless by himself.
fn doer(by: By<CallId>, who: CallId) -> String {
    match by {
        By::Member(call) if call == who => String::new(),
        by => anybody(by),
    }
}

fn anybody(by: By<CallId>) -> String {
    match by {
        By::Member(call) => format!(" (by call {})", call.0),
        By::Office => " (by order)".to_owned(),
        By::Rules => String::new(),
    }
}

/// A mode, in words.
#[must_use]
pub const fn mode_in_words(mode: Mode) -> &'static str {
    match mode {
        Mode::Conversation => "conversation, everybody is heard",
        Mode::Question => "questions, the hosts are heard and whom they call on",
        Mode::Lecture => "lecture, the hosts are heard",
    }
}

/// Why somebody is not heard, in words.
#[must_use]
pub const fn muted_in_words(muted: MutedBy) -> &'static str {
    match muted {
        MutedBy::Oneself => "he has muted himself",
        MutedBy::Host => "a host has muted him",
        MutedBy::Mode => "only hosts are heard",
        MutedBy::Role => "he is a listener",
    }
}

/// Why a conference has ended, in words.
#[must_use]
pub const fn end_in_words(why: EndReason) -> &'static str {
    match why {
        EndReason::Ordered => "it was ordered",
        EndReason::HostLeft => "no host was left",
        EndReason::TooLong => "it has lasted as long as it may",
        EndReason::TooFew => "too few were left",
    }
}

/// Why somebody was not let in, in words.
#[must_use]
pub const fn not_let_in(why: NotLetIn) -> &'static str {
    match why {
        NotLetIn::Closed(Closed::Ended) => "it has ended",
        NotLetIn::Closed(Closed::Cancelled) => "it was cancelled",
        NotLetIn::Closed(Closed::Over) => "it is over",
        NotLetIn::NoPort => "no stream port is free: enlarge stream.ports",
        NotLetIn::Locked => "its conference is locked",
        NotLetIn::Full => "its conference is full: see conference.max_members",
    }
}

/// How a call out of a conference went, in words.
#[must_use]
pub const fn went(went: Went) -> &'static str {
    match went {
        Went::Calling => "calling",
        Went::Ringing => "it rings",
        Went::Answered => "answered, and invited to press 1",
        Went::Joined => "came in",
        Went::NotJoined => "answered, but did not come in",
        Went::Busy => "busy",
        Went::NoAnswer => "no answer",
        Went::Declined => "declined",
        Went::NoSuchNumber => "no such number",
        Went::NotReached => "not reached",
        Went::GivenUp => "given up",
    }
}

/// Why an order was not carried out, in words.
#[must_use]
pub const fn refused(why: Refused) -> &'static str {
    match why {
        Refused::NoConference => "nobody is in a conference of this event now",
        Refused::NoMember => "this call is not in the conference of this event",
        Refused::NotWaiting => "this caller does not wait to be let in",
        Refused::NobodyWaits => "nobody waits to be let in",
        Refused::StillWaiting => "this caller is not in the conference yet: let him in first",
        Refused::NoHand => "no hand is raised",
        Refused::NobodyElse => "nobody but hosts is in the conference",
        Refused::IsListener => {
            "this caller is a listener: he is heard only when he is called on, if conference.listeners_may_ask is set"
        }
        Refused::Locked => "the conference is locked",
        Refused::Full => "the conference is full",
        Refused::DialOutOff => "calling out is off: set conference.dial_out.enabled and conference.dial_out.allow",
        Refused::DialOutForbidden => {
            "this number is not one of those that may be called: see conference.dial_out.allow"
        }
        Refused::DialOutNever => "this number is never called: it is one of conference.dial_out.never",
        Refused::DialOutUnavailable => "no channel can be had for the call: the log says why",
        Refused::TooManyCalls => {
            "as many are being called, or were called in, as may be at a time: see conference.dial_out.max_at_once"
        }
    }
}
