//! Calls that the gateway places itself: on which channel, and those that a technician wants, to know whether the trunk takes them.
//! Of calls out of a conference `inviting` has the rest.
//!
//! A test call is in the call table like any other, without a dialogue and without a conference. So its channel is given to
//! nobody else, a server that drains waits for it, and one that closes down clears it. No voice path is opened for it: what is
//! heard is the business of a probe of the office.
//!
//! ```text
//!   dial ──► Dialling ──► Proceeding ──► Alerting ──► Answered ──► Leaving
//!               │  no answer in time        │            │ its time is over
//!               └───────────────────────────┴────────────┴─────────────► Leaving
//! ```
//!
//! Data path: [`Command::PlaceCall`](crate::reports::Command) → SETUP; the exchange's answers → [`What::CallStage`],
//! [`What::CallConnected`], [`What::CallEnded`].
//! Time: so long it waits for an answer, and so long again it stays once it is answered; part of the gateway's.
//! Source: Q.931 (05/98) clause 5.1; of the channel 5.1.2.

use super::{Call, CallId, Channel, Gateway, Life};
use crate::prompts::Menu;
use crate::reports::{CallStage, What};
use conference::Went;
use isdn::{CallReference, ChannelChoice, Number, Refused, Setup};
use std::time::Duration;

/// What a test call is besides a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct TestCall {
    /// The test it belongs to.
    pub test: u64,
    /// When it is hung up.
    pub until: Duration,
    /// How long it stays once it is answered.
    pub stay: Duration,
}

/// A call that is to be placed.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// The number to call.
    pub called: Number,
    /// The number to show, if any.
    pub calling: Option<Number>,
    /// On this span; without, on any.
    pub span: Option<u16>,
    /// Not on this channel.
    pub but: Option<Channel>,
}

/// Why a call was not placed: nothing was sent then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotPlaced {
    /// There is no such span.
    NoSpan,
    /// Nobody is there to signal it to.
    LinkDown,
    /// No channel is in service at both ends.
    OutOfService,
    /// Every channel that is in service has a call, or is just being restarted.
    NoneIdle,
    /// The server is being closed down.
    Closing,
}

impl Gateway {
    /// Place a call, on this span or on any, and hang it up by itself.
    pub(super) fn place_call(&mut self, now: Duration, test: u64, span: Option<u16>, called: Number, stay: Duration) {
        let wanted = Wanted { span, called: called.clone(), ..Wanted::default() };
        let (channel, reference) = match self.dial_out(now, &wanted) {
            Ok(placed) => placed,
            Err(why) => return self.report(now, What::TestCallNotPlaced { test, why }),
        };
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.calls[channel.index()] = Some(Call {
            id,
            reference,
            caller: None,
            languages: Menu::new(),
            dialogue: None,
            membership: None,
            talking: false,
            clearing: false,
            test: Some(TestCall { test, until: now + stay, stay }),
            invite: None,
        });
        self.report(now, What::TestCallPlaced { test, call: id, channel, called });
        self.drain_dchannel(now, self.spans[usize::from(channel.span)].trunk);
    }

    /// The test is over: its call too, if it still has one.
    pub(super) fn hang_up_test(&mut self, now: Duration, test: u64) {
        let is_it = |call: &Option<Call>| call.as_ref().and_then(|c| c.test).is_some_and(|of| of.test == test);
        if let Some(index) = self.calls.iter().position(is_it) {
            self.clear_call(now, index, super::Reason::Normal);
        }
    }

    /// A call of ours has come this far. Of calls that came in nothing is said: their stages are the dialogue's.
    pub(super) fn placed_call_at(&mut self, now: Duration, trunk: usize, reference: CallReference, stage: CallStage) {
        let Some(index) = self.index_of(trunk, reference) else { return };
        let Some(call) = self.calls[index].as_ref().filter(|call| call.is_ours() && !call.clearing) else { return };
        let call = call.id;
        self.report(now, What::CallStage { call, stage });
        if stage == CallStage::Alerting {
            self.invitation_went(now, index, Went::Ringing);
        }
    }

    /// SETUP on the highest channel that can be had: exchanges hunt from the lowest, so the two seldom meet.
    pub(super) fn dial_out(&mut self, now: Duration, wanted: &Wanted) -> Result<(Channel, CallReference), NotPlaced> {
        if !matches!(self.life, Life::Serving) {
            return Err(NotPlaced::Closing);
        }
        let spans = match wanted.span {
            Some(span) if usize::from(span) < self.spans.len() => usize::from(span)..usize::from(span) + 1,
            Some(_) => return Err(NotPlaced::NoSpan),
            None => 0..self.spans.len(),
        };
        let mut why = NotPlaced::OutOfService;
        for span in spans.rev() {
            let trunk = self.spans[span].trunk;
            if !self.trunks[trunk].link_up {
                // Given back by ourselves: then it is not the exchange that is missing.
                if why == NotPlaced::OutOfService && !self.is_withdrawn(trunk) {
                    why = NotPlaced::LinkDown;
                }
                continue;
            }
            for timeslot in self.bearers_of(span).rev() {
                let channel = Channel { span: span as u16, timeslot };
                if !self.serves(channel) || wanted.but == Some(channel) {
                    continue;
                }
                why = NotPlaced::NoneIdle;
                if self.calls[channel.index()].is_some() || self.is_owed(channel) {
                    continue;
                }
                let setup = Setup {
                    called: wanted.called.clone(),
                    calling: wanted.calling.clone(),
                    channel: ChannelChoice::Exclusive(self.spans[span].channel(timeslot)),
                    sending_complete: true,
                    ..Setup::default()
                };
                match self.trunks[trunk].dchannel.dial(now, &setup) {
                    Ok(reference) => return Ok((channel, reference)),
                    // The D channel has something on it that the table does not know of, a RESTART perhaps.
                    Err(Refused::WrongState | Refused::OutOfService) => {}
                    Err(Refused::LinkDown | Refused::Full) => break,
                }
            }
        }
        Err(why)
    }

    /// Whether a channel is in service at both ends, kept from calls for no reason, on a line that carries speech.
    fn serves(&self, channel: Channel) -> bool {
        let span = &self.spans[usize::from(channel.span)];
        let service = self.trunks[span.trunk].dchannel.service(span.channel(channel.timeslot));
        service.is_some_and(|service| service.outgoing) && !self.policy.is_held(channel) && span.alarms.usable()
    }
}
