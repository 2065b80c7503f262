//! Calls out of a conference: somebody is called, told what it is, and comes in with a key.
//!
//! Such a call is in the call table like any other, so that its channel is given to nobody else, and a server that drains or a
//! channel that is to be suspended waits for it. Who may be called, how many at a time and what the host hears is for
//! [`conference::Conferences`] to say; the channel is chosen in `callout`; what is said to the one called is in `callin`.
//!
//! ```text
//!   invite ──► (SETUP) ──► ringing ──answered──► invited ──1──► in the conference, as a speaker
//!                 │  │        │ nobody answers      │ another key, or none; a mailbox
//!     cause 44 ───┘  └────────┴─ refused, given up ─┴──────────────► over
//!     once, on another channel
//! ```
//!
//! Data path: a host's keys or an order → [`Gateway::invite`] → SETUP; the exchange's answers → the host, [`What::InviteWent`].
//! Time: [`Inviting::no_answer`] from SETUP to the answer; part of the gateway's.
//! Source: Q.931 (05/98) clauses 5.1 and 5.7 (glare); the causes are Q.850's.

use super::callin::CallIn;
use super::callout::Wanted;
use super::{Call, CallId, Channel, ConferenceIndex, Gateway, Life, SPAN_TIMESLOTS, Voice};
use crate::prompts::{Menu, Prompt};
use crate::reports::{CallStage, What};
use conference::{Digits, Refused, Room, Seat, Went};
use event::{EventNumber, Role};
use isdn::{Cause, Number};
use std::time::Duration;

/// How people are called from conferences.
#[derive(Clone, Debug)]
pub struct Inviting {
    /// How long it may ring.
    pub no_answer: Duration,
    /// The number they are shown.
    pub calling: Option<Number>,
}

impl Default for Inviting {
    fn default() -> Inviting {
        Inviting { no_answer: Duration::from_secs(45), calling: None }
    }
}

/// What a call out of a conference is besides a call.
#[derive(Clone, Debug)]
pub(super) struct Invite {
    event: EventNumber,
    conference: ConferenceIndex,
    called: Number,
    /// When it is given up; `None`: it was answered.
    pub until: Option<Duration>,
    /// How it will be said to have ended, if that is known before.
    ends: Option<Went>,
    /// Another channel was tried already.
    again: bool,
}

impl Gateway {
    /// Call somebody into a conference that may; by a host with his keys, or by order.
    pub(super) fn invite(
        &mut self,
        now: Duration,
        room: Room,
        by: Option<Seat>,
        number: &Digits,
    ) -> Result<CallId, Refused> {
        let event = self.event_of(room).ok_or(Refused::NoConference)?;
        let host = by.and_then(|seat| self.calls[seat.0].as_ref()).map(|call| call.id);
        let (called, calling) = (Number::new(number.as_str()), self.inviting.calling.clone());
        let wanted = Wanted { called: called.clone(), calling: calling.clone(), ..Wanted::default() };
        let (channel, reference) = match self.dial_out(now, &wanted) {
            Ok(placed) => placed,
            Err(why) => {
                self.report(now, What::DialOutUnavailable { event, by: host, why });
                return Err(Refused::DialOutUnavailable);
            }
        };
        let call = CallId(self.next_call);
        self.next_call += 1;
        let until = Some(now + self.inviting.no_answer);
        let conference = ConferenceIndex(room.0 as u16);
        self.calls[channel.index()] = Some(Call {
            id: call,
            reference,
            caller: None,
            languages: Menu::new(),
            dialogue: None,
            membership: None,
            talking: false,
            clearing: false,
            test: None,
            invite: Some(Invite { event, conference, called: called.clone(), until, ends: None, again: false }),
        });
        self.report(now, What::InvitePlaced { event, call, channel, called, calling, by: host });
        self.rooms.calls(call.0, room, by);
        self.drain_dchannel(now, self.spans[usize::from(channel.span)].trunk);
        Ok(call)
    }

    /// It has come this far.
    pub(super) fn invitation_went(&mut self, now: Duration, index: usize, went: Went) {
        let Some((call, invite)) = self.invited(index) else { return };
        let event = invite.event;
        self.report(now, What::InviteWent { event, call, went, cause: None });
        self.rooms.call_went(call.0, went);
    }

    /// It was answered: tell whoever it is what this is.
    pub(super) fn answered(&mut self, now: Duration, index: usize) {
        let language = self.languages.first().copied().unwrap_or_default();
        let (dialogue, action) = CallIn::invite(self.patience, language);
        let Some(call) = self.calls[index].as_mut() else { return };
        call.dialogue = Some(dialogue);
        let id = call.id;
        if let Some(invite) = call.invite.as_mut() {
            invite.until = None;
        }
        self.report(now, What::CallConnected { call: id });
        self.voice(Voice::Open(Channel::at(index)));
        self.invitation_went(now, index, Went::Answered);
        if matches!(self.life, Life::Serving) {
            self.act(now, index, action);
        } else {
            self.dismiss(now, index, Prompt::Closing);
        }
    }

    /// Whoever was called comes in, as others do.
    pub(super) fn accept(&mut self, now: Duration, index: usize) {
        let Some((_, invite)) = self.invited(index) else { return };
        let (event, conference) = (invite.event, invite.conference);
        // Given up when that ended, so that it is still the same.
        debug_assert!(
            self.event_of(Room(conference.0.into())) == Some(event),
            "called into a conference that is no more"
        );
        self.admit(now, index, event, Role::Speaker);
        if self.calls[index].as_ref().is_some_and(|call| call.membership.is_some()) {
            self.invitation_went(now, index, Went::Joined);
        }
    }

    /// It has rung for as long as it may.
    pub(super) fn nobody_answers(&mut self, index: usize) {
        self.ends(index, Went::NoAnswer);
    }

    /// Nobody waits for it any more.
    pub(super) fn give_up(&mut self, now: Duration, call: CallId) {
        let is_it = |known: &Option<Call>| known.as_ref().is_some_and(|known| known.id == call);
        let Some(index) = self.calls.iter().position(is_it) else { return };
        self.ends(index, Went::GivenUp);
        self.dismiss(now, index, Prompt::Goodbye);
    }

    fn ends(&mut self, index: usize, went: Went) {
        if let Some(invite) = self.calls[index].as_mut().and_then(|call| call.invite.as_mut()) {
            invite.ends = Some(went);
        }
    }

    /// It is over: say so, unless somebody had come in.
    pub(super) fn invitation_over(&mut self, now: Duration, index: usize, cause: Cause, by_peer: bool) {
        let Some((call, invite)) = self.invited(index) else { return };
        let went = invite.ends.unwrap_or(match invite.until {
            None => Went::NotJoined,
            Some(_) => outcome(cause, by_peer),
        });
        let event = invite.event;
        if self.rooms.call_over(call.0, went) {
            self.report(now, What::InviteWent { event, call, went, cause: Some(cause) });
        }
    }

    /// Whether a refused call is tried once more: the exchange has something else on the channel (44, and a SETUP that crossed ours
    /// is the usual case).
    pub(super) fn may_try_again(&self, index: usize, cause: Cause) -> bool {
        let fresh = |call: &&Call| {
            let unanswered = |invite: &Invite| invite.until.is_some() && invite.ends.is_none() && !invite.again;
            !call.clearing && call.invite.as_ref().is_some_and(unanswered)
        };
        cause.value == 44 && matches!(self.life, Life::Serving) && self.calls[index].as_ref().filter(fresh).is_some()
    }

    /// Try it on another channel; false when it is over.
    pub(super) fn try_again(&mut self, now: Duration, index: usize, cause: Cause) -> bool {
        if !self.may_try_again(index, cause) {
            return false;
        }
        let Some((_, invite)) = self.invited(index) else { return false };
        let (called, calling) = (invite.called.clone(), self.inviting.calling.clone());
        let but = Some(Channel::at(index));
        let Ok((channel, reference)) = self.dial_out(now, &Wanted { called, calling, but, ..Wanted::default() }) else {
            return false;
        };
        let Some(mut call) = self.calls[index].take() else { return false };
        call.reference = reference;
        if let Some(invite) = call.invite.as_mut() {
            invite.again = true;
        }
        let id = call.id;
        self.calls[channel.index()] = Some(call);
        self.report(now, What::InviteMoved { call: id, channel });
        self.report(now, What::CallStage { call: id, stage: CallStage::Dialling });
        self.settle_service(now, index);
        self.drain_dchannel(now, self.spans[channel.index() / SPAN_TIMESLOTS].trunk);
        true
    }

    fn invited(&self, index: usize) -> Option<(CallId, &Invite)> {
        let call = self.calls[index].as_ref()?;
        Some((call.id, call.invite.as_ref()?))
    }
}

/// How a call that nobody answered went (Q.850 table 1).
fn outcome(cause: Cause, by_peer: bool) -> Went {
    match (cause.value, by_peer) {
        (17, _) => Went::Busy,
        // 102: our own timers, T303, T310 or T301.
        (18 | 19, _) | (102, false) => Went::NoAnswer,
        (21, _) => Went::Declined,
        (1 | 22 | 28, _) => Went::NoSuchNumber,
        // We have hung up, and nobody is waiting.
        (16, false) => Went::GivenUp,
        _ => Went::NotReached,
    }
}
