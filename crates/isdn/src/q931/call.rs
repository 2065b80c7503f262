//! One call: setting it up, being connected, and the checks that every message passes first.
//!
//! Ending it is `clearing`'s, comparing notes with the far end `status`'s; which call a message belongs to is `calls`'s.
//!
//! Data path: messages and orders → here → messages, events.
//! Time: the one timer of the state, and T322 beside it; `now` is the desk's.
//! Source: Q.931 (05/98) clauses 5.1 (from the user), 5.2 (to the user), 5.8.4 to 5.8.7 (errors); the map of states is
//! in `state`.
//! Words: insist, ask for one channel and no other (exclusive); named, of a channel: agreed with the far end.

use super::channel::Selection;
use super::content::{Content, Faults};
use super::desk::Desk;
use super::element::{Progress, id};
use super::facility::{CallingName, Facility};
use super::message::{MessageType, Raw, Reference};
use super::notices::Notice;
use super::paper::Paper;
use super::state::{Ending, State, StateName};
use super::status::Enquiry;
use super::timers::Timer;
use super::trace::{Transition, Why};
use crate::variant::NameBy;
use crate::{CallReference, Channel, ChannelChoice, Location, Refused, Setup, Side};
use std::time::Duration;

/// A call, or a place for one.
#[derive(Debug)]
pub(crate) struct Call {
    pub reference: CallReference,
    pub(super) state: State,
    pub since: Duration,
    /// Its channel, as asked for or as agreed.
    pub channel: Option<Channel>,
    /// The first response to SETUP has been sent or received: the channel is agreed.
    pub(super) named: bool,
    /// A call to us that was there when the link came up, and of which the far end has not shown since that it has our first
    /// response: that may have been lost, or the far end may have forgotten the call.
    pub(super) in_doubt: bool,
    /// The owner knows of it: he has dialled it, or been told that it came in.
    pub known: bool,
    pub(super) enquiry: Option<Enquiry>,
    pub(super) paper: Box<Paper>,
}

impl Call {
    /// A place for a call.
    pub fn place() -> Call {
        Call {
            reference: CallReference { value: 0, ours: false },
            state: State::SetupReceived,
            since: Duration::ZERO,
            channel: None,
            named: false,
            in_doubt: false,
            known: false,
            enquiry: None,
            paper: Box::default(),
        }
    }

    /// The place becomes a call of ours, whose SETUP has just been sent and is in its paper.
    pub fn dialled(&mut self, desk: &Desk, reference: CallReference, said: &Setup) {
        let insisted = matches!(said.channel, ChannelChoice::Exclusive(_));
        let later =
            desk.settings.side == Side::Network && matches!(desk.settings.row.calling_name, NameBy::FacilityLater(_));
        self.paper.said.name = if later { said.name.clone() } else { None };
        let state = State::SetupSent { t303: desk.deadline(Timer::T303), again: false, insisted };
        self.begin(desk, reference, said.channel, state);
    }

    /// The place becomes a call whose SETUP has just arrived.
    pub fn offered(&mut self, desk: &Desk, reference: CallReference, channel: ChannelChoice) {
        self.begin(desk, reference, channel, State::SetupReceived);
    }

    fn begin(&mut self, desk: &Desk, reference: CallReference, channel: ChannelChoice, state: State) {
        self.reference = reference;
        self.state = state;
        self.since = desk.now;
        self.channel = match channel {
            ChannelChoice::Preferred(channel) | ChannelChoice::Exclusive(channel) => Some(channel),
            ChannelChoice::Any | ChannelChoice::None => None,
        };
        (self.named, self.in_doubt) = (false, false);
        self.known = reference.ours;
        self.enquiry = None;
    }

    pub fn name(&self, desk: &Desk) -> StateName {
        self.state.name(desk.settings.side)
    }

    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }

    /// Our SETUP is out and nothing has come back: the channel is only asked for.
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::SetupSent { .. })
    }

    /// RELEASE is out: the far end may have done with the channel already.
    pub fn is_releasing(&self) -> bool {
        matches!(self.state, State::ReleaseSent { .. })
    }

    /// The calling side of a user: which names its states have on either side.
    pub(super) fn user_called(&self, desk: &Desk) -> bool {
        (desk.settings.side == Side::User) == self.reference.ours
    }

    /// Gives a channel up for a call that has more right to it (clause 5.7); the far end's answer may name another.
    pub fn yield_channel(&mut self) {
        self.channel = None;
        if let State::SetupSent { insisted, .. } = &mut self.state {
            *insisted = false;
        }
    }

    /// The one place where the state changes. In line, so that a state is written where it stays and nowhere before.
    #[inline(always)]
    pub(super) fn enter(&mut self, desk: &mut Desk, next: State, why: Why) {
        let (from, to) = (self.state.name(desk.settings.side), next.name(desk.settings.side));
        self.state = next;
        self.entered(desk, from, to, why);
    }

    /// What goes with every change of the state; an enquiry ends with the call.
    fn entered(&mut self, desk: &mut Desk, from: StateName, to: StateName, why: Why) {
        desk.trace.add(Transition { at: desk.now, call: self.reference, from, to, why });
        if let State::Active { .. } = self.state {
            desk.counters.connected += 1;
        }
        if self.state.is_clearing() {
            self.enquiry = None;
            desk.to_sweep |= self.is_ended();
        }
        self.since = desk.now;
    }

    pub(super) fn send(&self, desk: &mut Desk, kind: MessageType, content: &Content) {
        desk.send(Reference::Call(self.reference), kind, content);
    }

    pub(super) fn send_status(&self, desk: &mut Desk, value: u8, diagnostics: &[u8]) {
        let state = self.name(desk).number();
        desk.send_status(Reference::Call(self.reference), value, state, diagnostics);
    }

    // Messages.

    /// A message for this call; SETUP never is one.
    pub fn handle(&mut self, desk: &mut Desk, raw: &Raw<'_>, content: &Content, faults: &Faults) {
        if self.is_ended() {
            return;
        }
        self.in_doubt &= !shows_our_response(raw.kind, content);
        if let Some((value, identifier)) = self.objection(raw.kind, content, faults) {
            if value == 100 {
                desk.counters.element_invalid += 1;
            } else {
                desk.counters.element_missing += 1;
            }
            self.object(desk, raw.kind, content, value, identifier);
            return;
        }
        if !faults.invalid.is_empty() {
            // 5.8.7.2: act on the message as if the element were absent.
            desk.counters.element_ignored += 1;
        }
        match raw.kind {
            MessageType::STATUS => self.handle_status(desk, content),
            MessageType::STATUS_ENQUIRY => self.send_status(desk, 30, &[]),
            MessageType::DISCONNECT => self.handle_disconnect(desk, content),
            MessageType::RELEASE => self.handle_release(desk, content),
            MessageType::RELEASE_COMPLETE => self.handle_release_complete(desk, content),
            // Both may come at any time and ask for nothing (5.9, Q.932).
            MessageType::NOTIFY => {}
            MessageType::FACILITY => self.handle_facility(desk, content),
            kind => match &self.state {
                State::SetupSent { .. }
                | State::OverlapSending { .. }
                | State::ProceedingReceived { .. }
                | State::AlertingReceived { .. } => self.handle_response(desk, kind, content),
                State::OverlapReceiving { t302: Some(_) } if kind == MessageType::INFORMATION => {
                    self.handle_digits(desk, content);
                }
                State::SetupReceived | State::OverlapReceiving { .. } | State::ProceedingSent | State::AlertingSent => {
                    match kind {
                        MessageType::INFORMATION => {}
                        MessageType::PROGRESS => self.tell_progress(desk, content),
                        other => self.handle_unexpected(desk, other),
                    }
                }
                State::ConnectSent { .. } => match kind {
                    MessageType::CONNECT_ACKNOWLEDGE => self.become_active(desk, Why::Received(kind)),
                    MessageType::INFORMATION => {}
                    MessageType::PROGRESS => self.tell_progress(desk, content),
                    other => self.handle_unexpected(desk, other),
                },
                State::Active { .. } => match kind {
                    // The user acknowledges although the network need not be told (5.1.8).
                    MessageType::CONNECT_ACKNOWLEDGE | MessageType::INFORMATION => {}
                    MessageType::PROGRESS => self.tell_progress(desk, content),
                    other => self.handle_unexpected(desk, other),
                },
                // Sent before our clearing message was seen (5.3.3).
                State::DisconnectSent { .. }
                | State::InBand { .. }
                | State::ReleaseSent { .. }
                | State::Ended { .. } => {
                    desk.counters.unexpected += 1;
                }
            },
        }
    }

    /// What is wrong with a message's elements: 96 missing or unknown, 100 wrong content, with the element (5.8.6, 5.8.7.1).
    fn objection(&self, kind: MessageType, content: &Content, faults: &Faults) -> Option<(u8, u8)> {
        if let Some(identifier) = faults.comprehension_required {
            return Some((96, identifier));
        }
        let first_response = self.state_awaits_channel() && self.channel.is_none();
        let mandatory = match kind {
            MessageType::DISCONNECT => id::CAUSE,
            // In answer to DISCONNECT it may come without.
            MessageType::RELEASE if !self.state.is_clearing() => id::CAUSE,
            // These cross clearing messages and are not looked at then.
            MessageType::NOTIFY if !self.state.is_clearing() => id::NOTIFICATION_INDICATOR,
            MessageType::PROGRESS if !self.state.is_clearing() => id::PROGRESS_INDICATOR,
            // STATUS without a cause still says what counts.
            MessageType::STATUS => id::CALL_STATE,
            MessageType::SETUP_ACKNOWLEDGE
            | MessageType::CALL_PROCEEDING
            | MessageType::ALERTING
            | MessageType::CONNECT
                if first_response =>
            {
                id::CHANNEL_IDENTIFICATION
            }
            _ => return None,
        };
        match (content.has(mandatory), faults.is_invalid(mandatory)) {
            (true, _) => None,
            (false, true) => Some((100, mandatory)),
            (false, false) => Some((96, mandatory)),
        }
    }

    fn state_awaits_channel(&self) -> bool {
        self.is_asking() && !self.named
    }

    /// Clauses 5.8.6.1 and 5.8.6.2: clearing messages clear all the same, others are not acted upon.
    fn object(&mut self, desk: &mut Desk, kind: MessageType, content: &Content, value: u8, identifier: u8) {
        match kind {
            MessageType::DISCONNECT | MessageType::RELEASE => {
                self.clear_for_bad_message(desk, kind, content, value, identifier);
            }
            MessageType::RELEASE_COMPLETE => self.handle_release_complete(desk, content),
            // Never answered with another: two ends that disagree would go on for ever.
            MessageType::STATUS => {}
            _ => self.send_status(desk, value, &[identifier]),
        }
    }

    /// Clause 5.8.4.
    fn handle_unexpected(&mut self, desk: &mut Desk, kind: MessageType) {
        desk.counters.unexpected += 1;
        let value = match kind {
            MessageType::SETUP_ACKNOWLEDGE
            | MessageType::CALL_PROCEEDING
            | MessageType::ALERTING
            | MessageType::CONNECT
            | MessageType::CONNECT_ACKNOWLEDGE
            | MessageType::PROGRESS
            | MessageType::INFORMATION
            | MessageType::RESTART
            | MessageType::RESTART_ACKNOWLEDGE => 101,
            // Not existent, or not implemented.
            _ => 97,
        };
        self.send_status(desk, value, &[kind.0]);
    }

    // Calls of ours.

    /// What the far end says to our SETUP, by and by (5.1.3 to 5.1.8, 5.2.4 to 5.2.8).
    fn handle_response(&mut self, desk: &mut Desk, kind: MessageType, content: &Content) {
        let why = Why::Received(kind);
        let in_band = content.progress.iter().any(|progress| progress.in_band());
        match (&self.state, kind) {
            (State::SetupSent { .. }, MessageType::SETUP_ACKNOWLEDGE) => {
                if self.agree_on_channel(desk, content) {
                    let t304 = Some(desk.deadline(Timer::T304));
                    self.enter(desk, State::OverlapSending { t304 }, why);
                    self.tell_progress(desk, content);
                    if desk.settings.row.sending_complete {
                        // We dial in one piece; say again that this was all.
                        let complete = Content { sending_complete: true, ..Content::default() };
                        self.send(desk, MessageType::INFORMATION, &complete);
                    }
                }
            }
            (State::SetupSent { .. } | State::OverlapSending { .. }, MessageType::CALL_PROCEEDING) => {
                if self.agree_on_channel(desk, content) {
                    let t310 = Some(desk.deadline(Timer::T310));
                    self.enter(desk, State::ProceedingReceived { t310 }, why);
                    self.tell_progress(desk, content);
                }
            }
            (
                State::SetupSent { .. } | State::OverlapSending { .. } | State::ProceedingReceived { .. },
                MessageType::ALERTING,
            ) => {
                if self.agree_on_channel(desk, content) {
                    let t301 = Some(desk.deadline(Timer::T301));
                    self.enter(desk, State::AlertingReceived { t301 }, why);
                    desk.tell(Notice::Alerting { call: self.reference, in_band });
                }
            }
            (_, MessageType::CONNECT) => {
                if self.agree_on_channel(desk, content) {
                    // From the network it is required, from the user allowed (5.2.8, 5.1.8).
                    desk.send_bare(Reference::Call(self.reference), MessageType::CONNECT_ACKNOWLEDGE);
                    self.become_active(desk, why);
                }
            }
            // PROGRESS changes no state and stops what watches it: the call has left for a network that takes its time (5.1.6).
            (State::OverlapSending { .. }, MessageType::PROGRESS) => {
                self.state = State::OverlapSending { t304: None };
                self.tell_progress(desk, content);
            }
            (State::ProceedingReceived { .. }, MessageType::PROGRESS) => {
                self.state = State::ProceedingReceived { t310: None };
                self.tell_progress(desk, content);
            }
            (State::AlertingReceived { .. }, MessageType::PROGRESS) => {
                self.state = State::AlertingReceived { t301: None };
                self.tell_progress(desk, content);
            }
            (_, MessageType::INFORMATION) => {}
            (_, kind) => self.handle_unexpected(desk, kind),
        }
    }

    /// The channel of the first response (5.1.2, 5.2.3). False if the call is being cleared because there is no agreement.
    fn agree_on_channel(&mut self, desk: &mut Desk, content: &Content) -> bool {
        if self.named {
            return true;
        }
        let answer = content.channel.as_ref().and_then(|element| {
            let channel = desk.settings.interfaces.channels_in(element)?.single();
            channel.filter(|_| matches!(element.selection, Selection::Channels { .. }))
        });
        let agreed = match (answer, content.channel.is_some(), &self.state) {
            (Some(channel), _, State::SetupSent { insisted: true, .. }) => {
                Some(channel).filter(|_| self.channel == Some(channel))
            }
            // Two calls cannot share one.
            (Some(_), ..) if desk.named_in_use => {
                desk.counters.channel_conflicts += 1;
                None
            }
            // One that we have taken out of service is no more acceptable than one that we do not have.
            (Some(channel), ..) => Some(channel).filter(|channel| !desk.no_incoming.contains(*channel)),
            // A channel that we do not have.
            (None, true, _) => None,
            // Not named: the one asked for.
            (None, false, _) => self.channel,
        };
        let Some(channel) = agreed else {
            // 6: channel unacceptable.
            let cause = desk.cause(6);
            self.begin_release(desk, cause, Ending { cause, by_peer: false }, Why::Ordered);
            return false;
        };
        self.channel = Some(channel);
        self.named = true;
        desk.tell(Notice::Proceeding { call: self.reference, channel });
        self.tell_name(desk);
        true
    }

    /// The name that SETUP has announced.
    fn tell_name(&self, desk: &mut Desk) {
        let (State::SetupSent { .. }, Some(name)) = (&self.state, &self.paper.said.name) else { return };
        let NameBy::FacilityLater(form) = desk.settings.row.calling_name else { return };
        let facility = Some(Facility { form, name: CallingName::Told(name.clone()) });
        self.send(desk, MessageType::FACILITY, &Content { facility, ..Content::default() });
    }

    /// What a message says of how the call is getting on (4.5.23); ALERTING says it itself.
    fn tell_progress(&self, desk: &mut Desk, content: &Content) {
        for Progress { location, description } in &content.progress {
            if self.known {
                let (location, description) = (*location, *description);
                desk.tell(Notice::Progress { call: self.reference, location, description });
            }
        }
    }

    fn become_active(&mut self, desk: &mut Desk, why: Why) {
        self.enter(desk, State::Active { t309: None }, why);
        desk.tell(Notice::Connected { call: self.reference });
    }

    // Calls to us.

    /// The owner is told of a call; what it says may still be incomplete (5.2.4).
    pub fn present(&mut self, desk: &mut Desk, mut setup: Setup) {
        let row = desk.settings.row;
        let complete = !row.overlap_receiving || is_complete(&setup, desk.settings.number_length);
        match self.channel {
            // Without a channel there is nothing to acknowledge with: let the owner choose one at once.
            Some(channel) if !complete => {
                let element = desk.settings.interfaces.identify(channel, true);
                let content = Content { channel: Some(element), ..Content::default() };
                self.send(desk, MessageType::SETUP_ACKNOWLEDGE, &content);
                self.named = true;
                setup.channel = ChannelChoice::Exclusive(channel);
                let t302 = Some(desk.deadline(Timer::T302));
                self.paper.said = setup;
                self.enter(desk, State::OverlapReceiving { t302 }, Why::Received(MessageType::SETUP));
            }
            _ => self.offer(desk, setup),
        }
    }

    /// FACILITY: the caller's name may have taken longer than SETUP.
    fn handle_facility(&mut self, desk: &mut Desk, content: &Content) {
        let Some(Facility { name: CallingName::Told(name), .. }) = &content.facility else { return };
        match &self.state {
            _ if self.reference.ours => desk.counters.unexpected += 1,
            State::OverlapReceiving { t302: Some(_) } => self.paper.said.name = Some(name.clone()),
            state if self.known && !state.is_clearing() => {
                desk.tell_name(self.reference, name);
            }
            _ => {}
        }
    }

    /// The owner is told. One who does not listen gets no call, rather than a call nobody cares for.
    fn offer(&mut self, desk: &mut Desk, setup: Setup) {
        self.known = desk.tell_incoming(self.reference, setup);
        if !self.known {
            let why = Why::Received(MessageType::SETUP);
            // 41: temporary failure. Nothing has been said before, or SETUP ACKNOWLEDGE.
            if self.named {
                self.begin_disconnect(desk, 41, 41, why);
            } else {
                self.release_complete(desk, 41, 41, why);
            }
        }
    }

    /// More digits (5.2.4).
    fn handle_digits(&mut self, desk: &mut Desk, content: &Content) {
        let deadline = desk.deadline(Timer::T302);
        let State::OverlapReceiving { t302 } = &mut self.state else { return };
        let setup = &mut self.paper.said;
        let called = content.called.as_ref().map(|number| number.digits.as_str());
        let keypad = content.keypad.as_ref().map(|keypad| keypad.as_str());
        for digit in called.or(keypad).unwrap_or_default().chars() {
            // Beyond what a number can have, digits mean nothing.
            let _ = setup.called.digits.push(digit);
        }
        setup.sending_complete |= content.sending_complete;
        if is_complete(setup, desk.settings.number_length) {
            self.present_collected(desk);
        } else {
            *t302 = Some(deadline);
        }
    }

    /// The number is complete, or nothing more will come.
    pub(super) fn present_collected(&mut self, desk: &mut Desk) {
        if let State::OverlapReceiving { t302 } = &mut self.state {
            *t302 = None;
            let setup = std::mem::take(&mut self.paper.said);
            self.offer(desk, setup);
        }
    }

    /// CALL PROCEEDING with the channel (5.2.5.1, 5.1.5.1).
    pub fn proceed(&mut self, desk: &mut Desk, channel: Channel) -> Result<(), Refused> {
        match &self.state {
            State::SetupReceived => {}
            State::OverlapReceiving { t302: None } if self.channel == Some(channel) => {}
            _ => return Err(Refused::WrongState),
        }
        if !desk.settings.interfaces.has(channel) {
            return Err(Refused::WrongState);
        }
        self.channel = Some(channel);
        let content = self.first_response(desk);
        self.send(desk, MessageType::CALL_PROCEEDING, &content);
        self.enter(desk, State::ProceedingSent, Why::Ordered);
        Ok(())
    }

    /// ALERTING (5.2.5.2, 5.1.7).
    pub fn alert(&mut self, desk: &mut Desk) -> Result<(), Refused> {
        match &self.state {
            State::SetupReceived if self.channel.is_some() => {}
            State::OverlapReceiving { t302: None } | State::ProceedingSent => {}
            _ => return Err(Refused::WrongState),
        }
        let mut content = self.first_response(desk);
        let (location, description) = match desk.settings.side {
            Side::User => (Location::User, desk.settings.row.user_alerting_progress),
            Side::Network => (Location::PublicLocal, desk.settings.row.network_alerting_progress),
        };
        if let Some(description) = description {
            let fits = content.progress.push(Progress { location, description });
            debug_assert!(fits.is_ok(), "it is the only one");
        }
        self.send(desk, MessageType::ALERTING, &content);
        self.enter(desk, State::AlertingSent, Why::Ordered);
        Ok(())
    }

    /// CONNECT. The user waits to be acknowledged, the network does not (5.2.7, 5.1.8).
    pub fn connect(&mut self, desk: &mut Desk) -> Result<(), Refused> {
        match &self.state {
            State::SetupReceived if self.channel.is_some() => {}
            State::OverlapReceiving { t302: None } | State::ProceedingSent | State::AlertingSent => {}
            _ => return Err(Refused::WrongState),
        }
        let content = self.first_response(desk);
        self.send(desk, MessageType::CONNECT, &content);
        match desk.settings.side {
            Side::User => {
                let t313 = desk.deadline(Timer::T313);
                self.enter(desk, State::ConnectSent { t313 }, Why::Ordered);
            }
            Side::Network => self.become_active(desk, Why::Ordered),
        }
        Ok(())
    }

    /// The channel, if it has not been named yet (5.2.3: the first response does), or if the response that named it may have
    /// been lost with a link.
    fn first_response(&mut self, desk: &Desk) -> Content {
        let channel = self.channel.filter(|_| !self.named || self.in_doubt || desk.links.is_coming_up());
        self.named = true;
        let channel = channel.map(|channel| desk.settings.interfaces.identify(channel, true));
        Content { channel, ..Content::default() }
    }

    // Time.

    /// When the call wants to be woken.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let state = self.state.timer().map(|(_, deadline)| deadline);
        match self.enquiry {
            None => state,
            Some(Enquiry { t322, .. }) => Some(state.map_or(t322, |deadline| deadline.min(t322))),
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, desk: &mut Desk) {
        if let Some((timer, _)) = self.state.timer().filter(|(_, deadline)| *deadline <= desk.now) {
            desk.counters.count_expiry(timer);
            self.expire(desk, timer);
        }
        if self.enquiry.is_some_and(|enquiry| enquiry.t322 <= desk.now) {
            self.enquire_again(desk);
        }
    }

    /// What the expiry of each timer means (tables 9-1 and 9-2).
    fn expire(&mut self, desk: &mut Desk, timer: Timer) {
        let why = Why::Expired(timer);
        match &mut self.state {
            State::SetupSent { t303, again: again @ false, .. } => {
                *again = true;
                *t303 = desk.deadline(Timer::T303);
                // A SETUP the link does not take is as good as lost: the second expiry ends the call.
                let _ = desk.send_octets(self.paper.sent());
            }
            // The far end may have seen one of them: RELEASE COMPLETE tells it (5.2.5.3).
            State::SetupSent { .. } => self.release_complete(desk, 102, 18, why),
            State::OverlapSending { .. } => self.begin_disconnect(desk, 102, 102, why),
            State::ProceedingReceived { .. } => self.begin_disconnect(desk, 102, 18, why),
            // 19: no answer from user (user alerted).
            State::AlertingReceived { .. } => self.begin_disconnect(desk, 102, 19, why),
            State::OverlapReceiving { .. } => {
                if self.paper.said.called.digits.is_empty() {
                    // 28: invalid number format (incomplete number).
                    self.begin_disconnect(desk, 28, 28, why);
                } else {
                    self.present_collected(desk);
                }
            }
            State::ConnectSent { .. } => self.begin_disconnect(desk, 102, 102, why),
            // 27: destination out of order (5.8.9).
            State::Active { .. } => {
                let cause = desk.cause(27);
                self.end(desk, Ending { cause, by_peer: false }, why);
            }
            // 5.3.3; 5.3.4.1 for what was there to hear.
            State::DisconnectSent { cause, ending, .. } | State::InBand { cause, ending, .. } => {
                let (cause, ending) = (*cause, *ending);
                self.begin_release(desk, cause, ending, why);
            }
            State::ReleaseSent { .. } => self.release_again(desk, why),
            State::SetupReceived | State::ProceedingSent | State::AlertingSent | State::Ended { .. } => {}
        }
    }
}

/// Whether the far end, which has called, shows with this that it has had our first response to its SETUP.
fn shows_our_response(kind: MessageType, content: &Content) -> bool {
    match kind {
        MessageType::STATUS => {
            let waits = [StateName::CallInitiated.number(), StateName::CallPresent.number()];
            content.call_state.is_some_and(|state| !waits.contains(&state))
        }
        MessageType::STATUS_ENQUIRY | MessageType::FACILITY | MessageType::NOTIFY => false,
        _ => true,
    }
}

/// No more digits will follow, or none are needed (5.2.4).
fn is_complete(setup: &Setup, number_length: usize) -> bool {
    setup.sending_complete || setup.called.digits.len() >= number_length || setup.called.digits.ends_with('#')
}
