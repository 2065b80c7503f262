//! Conferences, which are also the ports in use: who is let in, and how each opens, goes on the air and ends. What people may do
//! in them is in `controls`.
//!
//! Data path: what callers have keyed, orders to close events → here → [`Voice`], reports.
//! Time: `now` is given; how long a stream outlives its last caller is in `Conference::until`.
//! Source: ours; what must hold is in docs/ARCHITECTURE.md.

use super::{CallId, Channel, ConferenceIndex, Gateway, Voice};
use crate::prompts::Prompt;
use crate::reports::{Closed, Locked, NotLetIn, What};
use conference::{Place, Refused, Room, Seat};
use event::{ClosedSet, EventNumber, Role};
use std::time::Duration;

/// Events that take no more calls, by reason.
pub struct ClosedEvents {
    ended: ClosedSet,
    cancelled: ClosedSet,
    over: ClosedSet,
}

impl ClosedEvents {
    /// Room for so many of each.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let set = || ClosedSet::with_capacity(capacity);
        ClosedEvents { ended: set(), cancelled: set(), over: set() }
    }

    /// Remember one; false when there is no room.
    pub fn insert(&mut self, event: EventNumber, closed: Closed) -> bool {
        let set = match closed {
            Closed::Ended => &mut self.ended,
            Closed::Cancelled => &mut self.cancelled,
            Closed::Over => &mut self.over,
        };
        set.insert(event.as_u64()).is_ok()
    }

    /// Why an event is closed, if it is.
    #[must_use]
    pub fn why(&self, event: EventNumber) -> Option<Closed> {
        let number = event.as_u64();
        if self.cancelled.contains(number) {
            Some(Closed::Cancelled)
        } else if self.ended.contains(number) {
            Some(Closed::Ended)
        } else if self.over.contains(number) {
            Some(Closed::Over)
        } else {
            None
        }
    }
}

pub(super) struct Membership {
    pub conference: ConferenceIndex,
}

pub(super) struct Conference {
    pub event: EventNumber,
    pub members: u16,
    pub on_air: bool,
    /// When the stream ends, counted from when the last caller left.
    pub until: Option<Duration>,
}

impl Gateway {
    pub(super) fn verify(&mut self, now: Duration, index: usize) {
        let Some(call) = self.calls[index].as_mut() else { return };
        let (id, caller) = (call.id, call.caller);
        let Some(dialogue) = call.dialogue.as_mut() else { return };
        let trunk = Channel::at(index).span;
        let Ok(number) = EventNumber::parse(dialogue.event().as_str()) else {
            // The check digit is wrong or digits are missing: a slip of the finger, no guess.
            let action = dialogue.rejected(now, Duration::ZERO);
            self.report(now, What::EntryWrong { call: id, mistyped: true });
            return self.act(now, index, action);
        };
        // Verified even when locked out, so that a lock cannot be told from a wrong PIN by its timing.
        let role = self.keyring.verify(number, dialogue.pin().as_bytes());
        let locked = !self.guard.check(now, number, caller, trunk).is_allowed();
        let Some(role) = role.filter(|_| !locked) else {
            let outcome = self.guard.failed(now, number, caller, trunk);
            let pause = self.guard.delay(now, number, caller, trunk);
            let action = dialogue.rejected(now, pause);
            self.report(now, What::EntryWrong { call: id, mistyped: false });
            let locks = [
                (outcome.event, Locked::Event(number)),
                (outcome.caller, Locked::Caller),
                (outcome.trunk, Locked::Trunk),
            ];
            for (_, what) in locks.into_iter().filter(|(just, _)| *just) {
                self.report(now, What::GuardLocked { call: id, what });
            }
            return self.act(now, index, action);
        };
        self.guard.succeeded(now, caller);
        self.admit(now, index, number, role);
    }

    pub(super) fn admit(&mut self, now: Duration, index: usize, event: EventNumber, role: Role) {
        let role_there = match role {
            Role::Host => conference::Role::Host,
            Role::Speaker => conference::Role::Speaker,
            Role::Listener => conference::Role::Listener,
        };
        let place = match self.closed.why(event) {
            Some(closed) => Err(NotLetIn::Closed(closed)),
            None => self.conference_of(now, event).ok_or(NotLetIn::NoPort),
        };
        let place = place.and_then(|conference| {
            let room = Room(usize::from(conference.0));
            match self.rooms.may_enter(room, role_there) {
                Ok(()) => Ok(conference),
                Err(Refused::Locked) => Err(NotLetIn::Locked),
                Err(_) => Err(NotLetIn::Full),
            }
        });
        let Some(call) = self.calls[index].as_mut() else { return };
        let id = call.id;
        let Some(dialogue) = call.dialogue.as_mut() else { return };
        let conference = match place {
            Ok(conference) => conference,
            Err(why) => {
                let action = dialogue.closed(match why {
                    NotLetIn::Closed(Closed::Ended) => Prompt::EventEnded,
                    NotLetIn::Closed(Closed::Cancelled) => Prompt::EventCancelled,
                    NotLetIn::Closed(Closed::Over) => Prompt::EventOver,
                    NotLetIn::NoPort => Prompt::Unavailable,
                    NotLetIn::Locked => Prompt::ConferenceLocked,
                    NotLetIn::Full => Prompt::ConferenceFull,
                });
                self.report(now, What::TurnedAway { call: id, event, why });
                return self.act(now, index, action);
            }
        };
        dialogue.admitted();
        call.membership = Some(Membership { conference });
        let Some(entry) = self.conferences[usize::from(conference.0)].as_mut() else { return };
        entry.members += 1;
        entry.until = None;
        self.report(now, What::LetIn { call: id, event, role });
        let entered = self.rooms.enter(now, Room(usize::from(conference.0)), Seat(index), role_there);
        debug_assert!(entered.is_ok(), "it has just been asked");
        self.carry_out_rooms(now);
    }

    /// The conference of an event, opened if need be; `None` when no port is free for its stream.
    pub(super) fn conference_of(&mut self, now: Duration, event: EventNumber) -> Option<ConferenceIndex> {
        let open = self.conferences.iter().position(|c| c.as_ref().is_some_and(|c| c.event == event));
        if let Some(index) = open {
            return Some(ConferenceIndex(index as u16));
        }
        let port = self.ports.take(now, event)?;
        self.conferences[usize::from(port)] = Some(Conference { event, members: 0, on_air: false, until: None });
        self.rooms.open(Room(usize::from(port)), self.rules);
        self.report(now, What::ConferenceOpened { event, port });
        Some(ConferenceIndex(port))
    }

    /// Out of the conference, if in one; the conference itself stays.
    pub(super) fn leave_conference(&mut self, now: Duration, index: usize) {
        let Some(call) = self.calls[index].as_mut() else { return };
        let id = call.id;
        let Some(member) = call.membership.take() else { return };
        let (channel, seat) = (Channel::at(index), Seat(index));
        match self.rooms.member(seat).map(|look| look.place) {
            Some(Place::Present) => self.voice(Voice::Leave(channel)),
            Some(Place::Waiting(_)) => self.voice(Voice::Hold(channel, false)),
            Some(Place::Naming) | None => {}
        }
        self.rooms.leave(now, seat);
        let Some(conference) = self.conferences[usize::from(member.conference.0)].as_mut() else { return };
        conference.members -= 1;
        let (event, remaining) = (conference.event, conference.members);
        if remaining == 0 {
            conference.until = Some(now + self.linger);
        }
        self.report(now, What::Left { call: id, event, remaining });
    }

    pub(super) fn put_on_air(&mut self, now: Duration, index: ConferenceIndex) {
        let Some(conference) = self.conferences[usize::from(index.0)].as_mut() else { return };
        if !conference.on_air {
            conference.on_air = true;
            let event = conference.event;
            self.voice(Voice::StreamOpen(index));
            self.report(now, What::StreamStart { event, port: index.0 });
            self.rooms.on_air(Room(usize::from(index.0)));
        }
    }

    pub(super) fn close_conference(&mut self, now: Duration, index: ConferenceIndex) {
        let Some(conference) = self.conferences[usize::from(index.0)].take() else { return };
        let (event, port) = (conference.event, index.0);
        self.rooms.close(Room(usize::from(port)));
        // Also when nothing was streamed: what was kept to begin a stream with is forgotten.
        self.voice(Voice::StreamClose(index));
        if conference.on_air {
            self.ports.release(now, port);
            self.report(now, What::StreamStop { event, port });
        } else {
            self.ports.give_back(now, port);
            self.report(now, What::ConferenceClosed { event, port });
        }
    }

    pub(super) fn close_event(&mut self, now: Duration, event: EventNumber, closed: Closed, by: Option<CallId>) {
        // Somebody called while the order was on its way: then it is not over.
        let live = self.conferences.iter().flatten().any(|c| c.event == event && c.members > 0);
        if closed == Closed::Over && live {
            return;
        }
        if self.closed.why(event).is_none() {
            if !self.closed.insert(event, closed) {
                self.report(now, What::ClosedFull);
            }
            self.report(now, What::EventClosed { event, closed, by });
        }
        let Some(conference) = self.conferences.iter().position(|c| c.as_ref().is_some_and(|c| c.event == event))
        else {
            return;
        };
        let conference = ConferenceIndex(conference as u16);
        let last_word = match closed {
            Closed::Ended => Prompt::HostEnded,
            Closed::Cancelled => Prompt::EventCancelled,
            Closed::Over => Prompt::EventOver,
        };
        self.rooms.shut(Room(usize::from(conference.0)));
        for index in 0..self.calls.len() {
            let member = self.calls[index].as_ref().and_then(|c| c.membership.as_ref());
            if member.is_some_and(|m| m.conference == conference) {
                self.dismiss(now, index, last_word);
            }
        }
        self.close_conference(now, conference);
    }
}
