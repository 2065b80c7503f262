//! A caller and its bookkeeping: what an operator sees of it, and where its voice goes.
//!
//! Data path: [`CallerEvent`]s → [`Party::follow`] → status and place; octets go to its [`Caller`].
//! Time: milliseconds since the exchange was started, told with every event.

use crate::call::{CallerEvent, CallerId};
use crate::caller::Caller;
use crate::route::SpanId;
use crate::status::{CallerState, CallerStatus};
use hal::Timeslot;
use isdn::Cause;
use std::time::Duration;

/// A caller and its bookkeeping.
pub(crate) struct Party {
    pub(crate) status: CallerStatus,
    /// Where it is heard, once connected.
    pub(crate) place: Option<(SpanId, Timeslot)>,
    pub(crate) caller: Caller,
    pub(crate) hang_up_after: Option<Duration>,
    pub(crate) hang_up_at: Option<Duration>,
}

/// A caller that is gone, with all it has heard if that was kept in memory.
#[derive(Clone, Debug)]
pub struct EndedCaller {
    /// As it was in the end.
    pub status: CallerStatus,
    /// What it heard, with [`crate::Sink::Memory`].
    pub samples: Vec<i16>,
}

impl Party {
    /// A caller that begins in this state.
    pub(crate) fn new(id: CallerId, state: CallerState, caller: Caller, now_ms: u64) -> Party {
        let status = CallerStatus {
            id,
            called: String::new(),
            calling: String::new(),
            name: String::new(),
            state,
            span: 0,
            channel: 0,
            offers: 0,
            dialled_at_ms: now_ms,
            connected_at_ms: None,
            ended_at_ms: None,
            cause: None,
            by_far_end: false,
            heard: caller.heard().clone(),
        };
        Party { status, place: None, caller, hang_up_after: None, hang_up_at: None }
    }

    /// How it stands.
    pub(crate) fn status(&self) -> CallerStatus {
        CallerStatus { heard: self.caller.heard().clone(), ..self.status.clone() }
    }

    /// Something happened to it. Says how it ended, when it did: why, and whether it was the far end.
    pub(crate) fn follow(&mut self, event: CallerEvent, now: Duration, now_ms: u64) -> Option<(Cause, bool)> {
        let status = &mut self.status;
        match event {
            CallerEvent::Trying { span, channel } => {
                status.at(span, channel);
                status.offers += 1;
                status.state = CallerState::Trying;
            }
            CallerEvent::Refused { cause, .. } => status.cause = Some(cause.value),
            CallerEvent::Proceeding { span, channel } => {
                status.at(span, channel);
                status.state = CallerState::Proceeding;
            }
            CallerEvent::Called { span, channel, called, calling } => {
                status.at(span, channel);
                status.called = called.digits.to_string();
                status.calling = calling.map(|number| number.digits.to_string()).unwrap_or_default();
            }
            CallerEvent::Alerting { .. } => status.state = CallerState::Alerting,
            CallerEvent::Connected { span, channel } => {
                status.at(span, channel);
                status.state = CallerState::Connected;
                status.connected_at_ms = Some(now_ms);
                // The refusals on the way here are history.
                status.cause = None;
                self.place = Some((span, channel));
                self.hang_up_at = self.hang_up_after.map(|after| now + after);
            }
            CallerEvent::Disconnecting { cause } => {
                status.state = CallerState::Clearing;
                status.cause = Some(cause.value);
                status.by_far_end = true;
                self.place = None;
            }
            CallerEvent::Ended { cause, by_far_end } => return Some((cause, by_far_end)),
            // Without a single offer it was this exchange that found no way.
            CallerEvent::NoRoute { cause } => return Some((cause, status.offers > 0)),
        }
        None
    }

    /// The caller itself hangs up, or is hung up on by an operator.
    pub(crate) fn hang_up(&mut self, cause: Cause) {
        self.status.state = CallerState::Clearing;
        self.status.cause = Some(cause.value);
        self.place = None;
        self.hang_up_at = None;
    }

    /// It is over: close the recording.
    pub(crate) fn end(self, now_ms: u64, cause: Cause, by_far_end: bool) -> EndedCaller {
        let (heard, samples) = self.caller.close();
        let (state, cause, ended_at_ms) = (CallerState::Ended, Some(cause.value), Some(now_ms));
        let status = CallerStatus { state, ended_at_ms, cause, by_far_end, heard, ..self.status };
        EndedCaller { status, samples }
    }

    /// The exchange itself is over: close the recording of a call that is still there.
    pub(crate) fn abandon(self) -> CallerStatus {
        let (heard, _) = self.caller.close();
        CallerStatus { heard, ..self.status }
    }
}

impl CallerStatus {
    fn at(&mut self, span: SpanId, channel: Timeslot) {
        self.span = u32::try_from(span.0 + 1).unwrap_or(u32::MAX);
        self.channel = channel.0;
    }
}
