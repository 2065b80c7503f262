//! Offered calls: the channel that each gets, or why it gets none.
//!
//! Data path: SETUP from `trunk` → here → CALL PROCEEDING and CONNECT, or a cause to refuse with.
//! Time: none.
//! Source: Q.931 (05/98) clause 5.2.3.

use super::{Call, CallId, Channel, Gateway, Life, Reason};
use crate::prompts::Menu;
use crate::reports::{CallStage, What};
use hal::Timeslot;
use isdn::{Bearer, CallReference, ChannelChoice, Number, Setup};
use std::time::Duration;

impl Gateway {
    pub(super) fn incoming(&mut self, now: Duration, trunk: usize, reference: CallReference, setup: Setup) {
        let choice = self.choose(trunk, &setup);
        let channel = match choice {
            Ok(channel) => channel,
            Err(reason) => {
                // The call may be gone already: then there is nobody to tell.
                let _ = self.trunks[trunk].dchannel.clear(now, reference, reason.cause());
                let span = self.asked_for(trunk, &setup).map_or(self.trunks[trunk].named_by(), |channel| channel.span);
                let (called, calling) = (setup.called, setup.calling);
                self.report(now, What::Refused { span, called, calling, reason });
                return;
            }
        };
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.calls[channel.index()] = Some(Call {
            id,
            reference,
            caller: caller_hash(setup.calling.as_ref()),
            languages: self.menu_of(&setup.called).unwrap_or(&self.languages).clone(),
            dialogue: None,
            membership: None,
            talking: false,
            clearing: false,
            test: None,
            invite: None,
        });
        let Setup { called, calling, redirecting, name, .. } = setup;
        self.report(now, What::CallTaken { call: id, channel, called, calling, redirecting });
        if let Some(name) = name {
            self.report(now, What::CallNamed { call: id, name });
        }
        self.report(now, What::CallStage { call: id, stage: CallStage::Answering });
        self.settle_service(now, channel.index());
        self.not_owed(channel);
        let given = self.spans[usize::from(channel.span)].channel(channel.timeslot);
        let dchannel = &mut self.trunks[trunk].dchannel;
        let answered = dchannel.proceed(now, reference, given).and_then(|()| dchannel.connect(now, reference));
        if answered.is_err() {
            self.clear_call(now, channel.index(), Reason::Fault);
        }
    }

    /// The languages of a called number that is listed.
    fn menu_of(&self, called: &Number) -> Option<&Menu> {
        self.numbers.iter().find(|(digits, _)| digits.as_str() == called.digits.as_str()).map(|(_, menu)| menu)
    }

    /// The channel of ours that a SETUP names.
    pub(super) fn asked_for(&self, trunk: usize, setup: &Setup) -> Option<Channel> {
        let (ChannelChoice::Exclusive(named) | ChannelChoice::Preferred(named)) = setup.channel else { return None };
        let span = *self.trunks[trunk].spans.get(usize::from(named.interface))?;
        let timeslot = Timeslot(named.timeslot);
        self.bearers_of(usize::from(span)).any(|bearer| bearer == timeslot).then_some(Channel { span, timeslot })
    }

    /// The bearer channel a SETUP gets, or why it gets none (Q.931 clause 5.2.3).
    pub(super) fn choose(&self, trunk: usize, setup: &Setup) -> Result<Channel, Reason> {
        if !matches!(self.life, Life::Serving) {
            return Err(Reason::NoneFree);
        }
        if let Bearer::Other(_) = setup.bearer {
            return Err(Reason::Bearer);
        }
        if !self.numbers.is_empty() && self.menu_of(&setup.called).is_none() {
            return Err(Reason::NotOurs);
        }
        // A shortage the exchange has not been told of: call by call.
        if self.shortage.is_some() && self.ports.free(self.now) == 0 {
            return Err(Reason::NoPort);
        }
        let entry = &self.trunks[trunk];
        let about = |channel: &Channel| &self.spans[usize::from(channel.span)];
        let service = |c: &Channel| entry.dchannel.service(about(c).channel(c.timeslot));
        // A D channel can outlive the line of a span it signals for; nobody is heard there.
        let carries = |c: &Channel| entry.spans.len() == 1 || about(c).alarms.usable();
        let may = |c: &Channel| service(c).is_some_and(|s| s.incoming) && carries(c);
        let idle = |c: &Channel| self.calls[c.index()].is_none() && may(c);
        // Highest first: exchanges hunt from the lowest, so the two seldom meet.
        let channels = |span: &u16| {
            let span = *span;
            self.bearers_of(usize::from(span)).rev().map(move |timeslot| Channel { span, timeslot })
        };
        let free = || entry.spans.iter().rev().flat_map(channels).filter(idle);
        // Where the choice is ours, one that is in service at both ends.
        let good = |c: &Channel| service(c).is_some_and(|s| s.outgoing);
        let any = || free().find(good).or_else(|| free().next()).ok_or(Reason::NoneFree);
        let asked_for = || self.asked_for(trunk, setup).filter(idle);
        match setup.channel {
            ChannelChoice::Exclusive(_) => asked_for().ok_or(Reason::ChannelUnavailable),
            ChannelChoice::Preferred(_) => asked_for().map_or_else(any, Ok),
            ChannelChoice::Any => any(),
            // Call waiting, which a conference has no use for.
            ChannelChoice::None => Err(Reason::NoneFree),
        }
    }
}

/// A caller for the guard: FNV-1a over the digits.
fn caller_hash(calling: Option<&Number>) -> Option<u64> {
    let digits = calling.map(|n| n.digits.as_bytes()).filter(|d| !d.is_empty())?;
    let step = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
    Some(digits.iter().fold(0xcbf2_9ce4_8422_2325, step))
}
