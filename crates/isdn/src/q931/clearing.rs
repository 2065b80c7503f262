//! Ending a call, from whichever side and state.
//!
//! ```text
//!   we begin:    DISCONNECT ─►  (T305)   ◄─ RELEASE     RELEASE COMPLETE ─►
//!   they begin:  ◄─ DISCONNECT  RELEASE ─►  (T308)      ◄─ RELEASE COMPLETE
//!                ◄─ DISCONNECT with something to hear (T306)  RELEASE ─►  (T308)  ...   for those who listen
//!   at once:     RELEASE or RELEASE COMPLETE instead of any of these
//! ```
//!
//! Data path: orders, clearing messages, expiries → here → `State::Ended`, which `calls` tells the owner of.
//! Time: T305 or T306, then T308 twice; after that the call is over whatever the far end does.
//! Source: Q.931 (05/98) clause 5.3; 5.8.6 for clearing messages with errors. Departures: DISCONNECT with in-band
//! information is answered with RELEASE at once unless the owner wants to listen, as a tone is of no use to a machine; and
//! who listens does so for T306, so that a tone without end ends.

use super::call::Call;
use super::content::Content;
use super::desk::Desk;
use super::element::{CauseElement, IN_BAND, Progress};
use super::message::{MessageType, Reference};
use super::notices::Notice;
use super::state::{Ending, State};
use super::timers::Timer;
use super::trace::Why;
use crate::{Cause, Refused, Side};
use heapless::Vec;

/// Normal, unspecified: for clearing messages that do not say why (5.8.6.1).
const UNSPECIFIED: u8 = 31;

impl Call {
    /// The owner wants the call to end.
    pub fn clear(&mut self, desk: &mut Desk, cause: Cause) -> Result<(), Refused> {
        let ending = Ending { cause, by_peer: false };
        match &self.state {
            State::DisconnectSent { .. } | State::ReleaseSent { .. } | State::Ended { .. } => {
                return Err(Refused::WrongState);
            }
            // Heard enough.
            State::InBand { ending, .. } if desk.up => {
                let ending = *ending;
                self.begin_release(desk, cause, ending, Why::Ordered);
            }
            State::InBand { ending, .. } => {
                let ending = *ending;
                self.end(desk, ending, Why::Ordered);
            }
            // Nobody can be told; he will find out by STATUS ENQUIRY, or T309.
            _ if !desk.up => self.end(desk, ending, Why::Ordered),
            // Instead of a first response (5.2.5.1, 5.1.5.3).
            State::SetupReceived => {
                desk.send_cause(Reference::Call(self.reference), MessageType::RELEASE_COMPLETE, cause, &[]);
                self.end(desk, ending, Why::Ordered);
            }
            State::SetupSent { .. }
            | State::OverlapSending { .. }
            | State::ProceedingReceived { .. }
            | State::AlertingReceived { .. }
            | State::OverlapReceiving { .. }
            | State::ProceedingSent
            | State::AlertingSent
            | State::ConnectSent { .. }
            | State::Active { .. } => self.disconnect(desk, cause, ending, Why::Ordered),
        }
        Ok(())
    }

    /// DISCONNECT on our own account, with a cause for the far end and one for the owner.
    pub(super) fn begin_disconnect(&mut self, desk: &mut Desk, said: u8, told: u8, why: Why) {
        let ending = Ending { cause: desk.cause(told), by_peer: false };
        let cause = desk.cause(said);
        self.disconnect(desk, cause, ending, why);
    }

    /// The network's owner wants the call to end, and the user to hear why (5.3.4.1).
    pub fn disconnect_in_band(&mut self, desk: &mut Desk, cause: Cause) -> Result<(), Refused> {
        // Without an agreed channel there is nothing to hear it on.
        if desk.settings.side == Side::User || self.state.is_clearing() || !self.named {
            return Err(Refused::WrongState);
        }
        if !desk.up {
            return Err(Refused::LinkDown);
        }
        let progress = Vec::from_array([Progress { location: cause.location, description: IN_BAND }]);
        let cause_element = Some(CauseElement::new(cause, &[]));
        let content = Content { cause: cause_element, progress, ..Content::default() };
        self.send(desk, MessageType::DISCONNECT, &content);
        let t306 = desk.deadline(Timer::T306);
        self.enter(desk, State::InBand { t306, cause, ending: Ending { cause, by_peer: false } }, Why::Ordered);
        Ok(())
    }

    fn disconnect(&mut self, desk: &mut Desk, cause: Cause, ending: Ending, why: Why) {
        desk.send_cause(Reference::Call(self.reference), MessageType::DISCONNECT, cause, &[]);
        let t305 = desk.deadline(Timer::T305);
        self.enter(desk, State::DisconnectSent { t305, cause, ending }, why);
    }

    /// RELEASE, and wait for its confirmation.
    pub(super) fn begin_release(&mut self, desk: &mut Desk, cause: Cause, ending: Ending, why: Why) {
        desk.send_cause(Reference::Call(self.reference), MessageType::RELEASE, cause, &[]);
        let t308 = desk.deadline(Timer::T308);
        self.enter(desk, State::ReleaseSent { t308, again: false, cause, ending }, why);
    }

    /// T308: RELEASE once more, then no more.
    pub(super) fn release_again(&mut self, desk: &mut Desk, why: Why) {
        let t308 = desk.deadline(Timer::T308);
        let State::ReleaseSent { cause, ending, again, .. } = self.state else { return };
        if again {
            desk.counters.releases_unanswered += 1;
            self.end(desk, ending, why);
        } else {
            desk.send_cause(Reference::Call(self.reference), MessageType::RELEASE, cause, &[]);
            self.state = State::ReleaseSent { t308, again: true, cause, ending };
        }
    }

    /// RELEASE COMPLETE on our own account.
    pub(super) fn release_complete(&mut self, desk: &mut Desk, said: u8, told: u8, why: Why) {
        let cause = desk.cause(said);
        desk.send_cause(Reference::Call(self.reference), MessageType::RELEASE_COMPLETE, cause, &[]);
        let ending = Ending { cause: desk.cause(told), by_peer: false };
        self.end(desk, ending, why);
    }

    /// The call is over, without a message.
    pub fn end(&mut self, desk: &mut Desk, ending: Ending, why: Why) {
        self.enter(desk, State::Ended { ending }, why);
    }

    /// What the owner will be told: whoever began said why.
    fn ending(&self, desk: &Desk, content: &Content) -> Ending {
        match &self.state {
            State::DisconnectSent { ending, .. }
            | State::InBand { ending, .. }
            | State::ReleaseSent { ending, .. }
            | State::Ended { ending } => *ending,
            _ => {
                let cause = content.cause.as_ref().map_or(desk.cause(UNSPECIFIED), |element| element.cause);
                Ending { cause, by_peer: true }
            }
        }
    }

    fn tell_disconnecting(&self, desk: &mut Desk, cause: Cause, in_band: bool) {
        if self.known {
            desk.tell(Notice::Disconnecting { call: self.reference, cause, in_band });
        }
    }

    pub(super) fn handle_disconnect(&mut self, desk: &mut Desk, content: &Content) {
        let why = Why::Received(MessageType::DISCONNECT);
        let ending = self.ending(desk, content);
        match &self.state {
            // Too late: RELEASE has been sent already.
            State::ReleaseSent { .. } | State::Ended { .. } => desk.counters.unexpected += 1,
            // Both at once (5.3.5); or the network has said it again, without a tone this time.
            State::DisconnectSent { cause, .. } | State::InBand { cause, .. } => {
                let cause = *cause;
                self.begin_release(desk, cause, ending, why);
            }
            _ => {
                // 5.3.3: the answer says the same cause, from our side.
                let cause = desk.cause(ending.cause.value);
                let listen = desk.settings.listen && self.known && self.has_something_to_hear(content);
                self.tell_disconnecting(desk, ending.cause, listen);
                if listen {
                    let t306 = desk.deadline(Timer::T306);
                    self.enter(desk, State::InBand { t306, cause, ending }, why);
                } else {
                    self.begin_release(desk, cause, ending, why);
                }
            }
        }
    }

    /// The network has left the channel open, with a tone or an announcement on it (5.3.4.1).
    fn has_something_to_hear(&self, content: &Content) -> bool {
        self.named && content.progress.iter().any(|progress| progress.description == IN_BAND)
    }

    pub(super) fn handle_release(&mut self, desk: &mut Desk, content: &Content) {
        let ending = self.ending(desk, content);
        // Both released at once: neither confirms (5.3.5).
        if !self.is_releasing() {
            desk.send_bare(Reference::Call(self.reference), MessageType::RELEASE_COMPLETE);
        }
        self.end(desk, ending, Why::Received(MessageType::RELEASE));
    }

    pub(super) fn handle_release_complete(&mut self, desk: &mut Desk, content: &Content) {
        let ending = self.ending(desk, content);
        self.end(desk, ending, Why::Received(MessageType::RELEASE_COMPLETE));
    }

    /// DISCONNECT or RELEASE with an error in it: it clears, and the answer says what was wrong (5.8.6).
    pub(super) fn clear_for_bad_message(
        &mut self,
        desk: &mut Desk,
        kind: MessageType,
        content: &Content,
        value: u8,
        identifier: u8,
    ) {
        let ending = self.ending(desk, content);
        let reference = Reference::Call(self.reference);
        let cause = desk.cause(value);
        if kind == MessageType::RELEASE {
            if !self.is_releasing() {
                desk.send_cause(reference, MessageType::RELEASE_COMPLETE, cause, &[identifier]);
            }
            self.end(desk, ending, Why::Received(kind));
        } else if !self.is_releasing() {
            if !self.state.is_clearing() {
                self.tell_disconnecting(desk, ending.cause, false);
            }
            desk.send_cause(reference, MessageType::RELEASE, cause, &[identifier]);
            let t308 = desk.deadline(Timer::T308);
            self.enter(desk, State::ReleaseSent { t308, again: false, cause, ending }, Why::Received(kind));
        }
    }

    /// Our side of an ending that the far end, or the loss of it, has brought about.
    pub(super) fn end_lost(&mut self, desk: &mut Desk, value: u8, by_peer: bool, why: Why) {
        let ending = match &self.state {
            State::DisconnectSent { ending, .. }
            | State::InBand { ending, .. }
            | State::ReleaseSent { ending, .. }
            | State::Ended { ending } => *ending,
            _ => Ending { cause: desk.cause(value), by_peer },
        };
        self.end(desk, ending, why);
    }
}
