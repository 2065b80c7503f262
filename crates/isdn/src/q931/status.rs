//! Comparing notes with the far end: STATUS and STATUS ENQUIRY, and what a lost or reset link means for a call.
//!
//! Data path: STATUS, changes of the link → here → STATUS ENQUIRY, clearing.
//! Time: T322, as often as [`ENQUIRIES`] says, and [`TURN`] where the link is full; T309 belongs to the Active state.
//! Source: Q.931 (05/98) clauses 5.8.8 to 5.8.11. Departures: a STATUS that does not fit is checked by asking before the
//! call is cleared for it, as it may have been overtaken; calls that no timer watches are also asked about after a
//! reset of the link, because the far end may have restarted and forgotten them; for the same reason a SETUP for a call whose
//! answer is older than the link clears it (5.8.3.2 e would have it ignored); and a RELEASE that no timer would repeat is sent
//! again after a reset (5.8.8 would have nothing done).

use super::call::Call;
use super::content::Content;
use super::desk::Desk;
use super::message::{MessageType, Reference};
use super::state::{Ending, State, StateName};
use super::timers::Timer;
use super::trace::Why;
use std::time::Duration;

/// STATUS ENQUIRY is sent so often before a call counts as lost (N322 of the Recommendation, plus the first).
pub const ENQUIRIES: u8 = 3;

/// How soon an enquiry that found no room is tried again.
const TURN: Duration = Duration::from_millis(250);

/// STATUS ENQUIRY has been sent, or waits for room in the link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Enquiry {
    /// When T322 runs out, or there may be room.
    pub t322: Duration,
    pub sent: u8,
    /// For room: this one has not been sent.
    pub waits: bool,
}

impl Call {
    pub(super) fn enquire(&mut self, desk: &mut Desk) {
        if self.enquiry.is_none() && desk.settings.enquires {
            self.send_enquiry(desk, 0);
        }
    }

    /// One more than these. Where several interfaces share a D channel there may be more calls to ask about than messages can
    /// wait: one that found no room has not been asked, and waits for its turn.
    fn send_enquiry(&mut self, desk: &mut Desk, before: u8) {
        let sent = desk.try_send_bare(Reference::Call(self.reference), MessageType::STATUS_ENQUIRY);
        self.enquiry = Some(match sent {
            true => Enquiry { t322: desk.deadline(Timer::T322), sent: before + 1, waits: false },
            false => Enquiry { t322: desk.now.saturating_add(TURN), sent: before, waits: true },
        });
    }

    /// T322 expired (5.8.10), or the turn of one that waited has come.
    pub(super) fn enquire_again(&mut self, desk: &mut Desk) {
        let Some(Enquiry { sent, waits, .. }) = self.enquiry else { return };
        if !waits {
            desk.counters.count_expiry(Timer::T322);
        }
        if sent >= ENQUIRIES {
            // 41: temporary failure.
            self.begin_disconnect(desk, 41, 41, Why::Expired(Timer::T322));
        } else {
            self.send_enquiry(desk, sent);
        }
    }

    /// STATUS (5.8.11). It is never answered with another.
    pub(super) fn handle_status(&mut self, desk: &mut Desk, content: &Content) {
        desk.counters.status_in += 1;
        let why = Why::Received(MessageType::STATUS);
        let reported = content.call_state.and_then(StateName::from_number);
        if reported == Some(StateName::Null) {
            // The far end has no such call.
            self.end_lost(desk, 41, true, why);
            return;
        }
        let user_called = self.user_called(desk);
        if reported.is_some_and(|reported| self.state.fits(reported, user_called)) {
            self.enquiry = None;
            return;
        }
        desk.counters.status_mismatches += 1;
        if self.state.is_clearing() {
            return;
        }
        // 30 is the answer to an enquiry, so this is how it is and not how it was.
        let answers = content.cause.as_ref().is_some_and(|element| element.cause.value == 30);
        if self.enquiry.is_none() {
            self.enquire(desk);
        } else if answers {
            self.begin_disconnect(desk, 101, 101, why);
        }
    }

    /// SETUP for a call that is there: it was sent before the answer to the first arrived, and is ignored (5.8.3.2 e). But if our
    /// response is older than the link, the far end has lost that, or it has forgotten the call and means another: then one
    /// end would put the call on this channel and the other on that one. RELEASE ends it at both.
    pub(super) fn handle_second_setup(&mut self, desk: &mut Desk) {
        desk.counters.unexpected += 1;
        if self.in_doubt && self.named && !self.state.is_clearing() {
            // 41: temporary failure.
            let cause = desk.cause(41);
            let ending = Ending { cause, by_peer: true };
            self.begin_release(desk, cause, ending, Why::Received(MessageType::SETUP));
        }
    }

    /// The link is lost (5.8.9).
    pub fn link_lost(&mut self, desk: &mut Desk) {
        self.enquiry = None;
        let deadline = desk.deadline(Timer::T309);
        match &mut self.state {
            State::Active { t309 } => *t309 = t309.or(Some(deadline)),
            State::Ended { .. } => {}
            // 27: destination out of order.
            _ => self.end_lost(desk, 27, false, Why::LinkLost),
        }
    }

    /// The link is up again after it was lost (5.8.9), or reset without having been (5.8.8).
    pub fn link_established(&mut self, desk: &mut Desk, reset: bool) {
        self.in_doubt = !self.reference.ours;
        match &mut self.state {
            // Digits may have been lost with the old link.
            State::OverlapSending { .. } | State::OverlapReceiving { t302: Some(_) } if reset => {
                self.begin_disconnect(desk, 41, 41, Why::LinkReset);
            }
            State::Active { t309 } => {
                *t309 = None;
                self.enquire(desk);
            }
            State::SetupReceived
            | State::OverlapReceiving { .. }
            | State::ProceedingSent
            | State::AlertingSent
            // After PROGRESS nothing else would find out either.
            | State::ProceedingReceived { t310: None }
            | State::AlertingReceived { t301: None } => self.enquire(desk),
            // The last RELEASE there would be may have been lost with the old link, and the far end hold the call for ever.
            State::ReleaseSent { again: true, cause, .. } => {
                let cause = *cause;
                desk.send_cause(Reference::Call(self.reference), MessageType::RELEASE, cause, &[]);
            }
            State::SetupSent { .. }
            | State::OverlapSending { .. }
            | State::ProceedingReceived { .. }
            | State::AlertingReceived { .. }
            | State::ConnectSent { .. }
            | State::DisconnectSent { .. }
            | State::InBand { .. }
            | State::ReleaseSent { again: false, .. }
            | State::Ended { .. } => {}
        }
    }
}
