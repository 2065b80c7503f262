//! Service policy: for which reasons a channel is kept from calls, and what that makes of its state at our end.
//!
//! Reasons are counted, not overwritten: a channel suspended by a technician while ports are short comes back when both are
//! over, in whatever order. An idle channel follows its reasons at once, a busy one when its call has ended, unless they are
//! forced. Calls that are up when a line fails are never dropped for it: T309 and the far end decide about them. A span whose
//! every channel is suspended is taken away from the exchange as its variant understands it ([`WhenOut`]).
//!
//! Data path: [`Command::Hold`](crate::reports::Command), calls that come and go → here → near states for the D channel,
//! [`What::Held`], [`What::Near`], [`What::SpanOut`].
//! Time: none; what ends by the clock is ended by the office.
//! Source: ITU-T X.731 for unlocked, shutting down and locked; the out-of-service behaviours are those of trunk gateways.
//! Words: hold, a reason that applies; forced, of a hold: calls are not waited for; draining, of a channel: held, and its
//! call goes on.

use super::{Channel, Gateway, SPAN_TIMESLOTS};
use crate::prompts::Prompt;
use crate::reports::What;
use hal::Timeslot;
use isdn::{Manner, ServiceState};
use std::time::Duration;

bitflags::bitflags! {
    /// Reasons that keep a channel from calls.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Holds: u8 {
        /// A technician suspended it.
        const OPERATOR = 1 << 0;
        /// The group of servers wants its calls elsewhere.
        const LOAD = 1 << 1;
        /// Too few stream ports are free.
        const NO_PORT = 1 << 2;
        /// A failure of the line makes it useless.
        const ALARM = 1 << 3;
        /// A technician tests it.
        const TEST = 1 << 4;
        /// The self-test tests it, or has found it bad.
        const SELF_TEST = 1 << 5;
        /// The daemon is on its way out and waits for its calls; ends with it, as nothing writes it down.
        const DRAIN = 1 << 6;
    }
}

impl Holds {
    /// Those that take a whole span away from the exchange; the others pass, and calls are refused one by one.
    const LASTING: Holds = Holds::OPERATOR.union(Holds::LOAD).union(Holds::DRAIN);
    /// Those that put a channel into maintenance (X.731: in test) rather than out of service; any other reason is worse.
    const TESTING: Holds = Holds::TEST.union(Holds::SELF_TEST);
}

/// What becomes of a span towards the exchange when its last channel is out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenOut {
    /// SERVICE has told it of every channel; the D channel stays up.
    Service,
    /// The data link is released and refused, so that the exchange marks the interface down.
    #[default]
    DChannel,
    /// The same, and AIS is sent in place of the signal.
    Alarm,
    /// Nothing: each call is refused, with cause 44 or 34.
    Reject,
    /// SERVICE first, and then the data link is released as well.
    ServiceAndDChannel,
}

impl WhenOut {
    /// Whether the data link goes.
    #[must_use]
    pub const fn releases_link(self) -> bool {
        matches!(self, WhenOut::DChannel | WhenOut::Alarm | WhenOut::ServiceAndDChannel)
    }
}

/// One channel's reasons, and what was made of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    holds: Holds,
    forced: Holds,
    near: ServiceState,
}

impl Entry {
    /// The near state these reasons ask for. A call that was taken on a channel already out changes nothing.
    fn wanted(self, busy: bool) -> ServiceState {
        if self.holds.is_empty() {
            ServiceState::InService
        } else if busy && self.forced.is_empty() {
            self.near
        } else if Holds::TESTING.contains(self.holds) {
            ServiceState::Maintenance
        } else {
            ServiceState::OutOfService
        }
    }

    const fn manner(self) -> Manner {
        if self.forced.is_empty() { Manner::Drain } else { Manner::Force }
    }
}

/// Channels of one span in a state, and what the office was told of them: bit n-1 stands for timeslot n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NearSets {
    /// Out of service at our end.
    pub out: u32,
    /// In maintenance at our end: they are tested.
    pub maintenance: u32,
    /// Held, and waiting for the end of a call.
    pub draining: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct SpanEntry {
    when_out: WhenOut,
    told: NearSets,
    out: bool,
}

/// The reasons of all channels.
#[derive(Debug)]
pub(super) struct Policy {
    channels: Vec<Entry>,
    spans: Vec<SpanEntry>,
}

impl Policy {
    pub fn new(spans: usize) -> Policy {
        Policy { channels: vec![Entry::default(); spans * SPAN_TIMESLOTS], spans: vec![SpanEntry::default(); spans] }
    }

    pub fn set_when_out(&mut self, span: usize, when_out: WhenOut) {
        self.spans[span].when_out = when_out;
    }

    /// Whether a channel is kept from calls, for whatever reason.
    pub fn is_held(&self, channel: Channel) -> bool {
        !self.channels[channel.index()].holds.is_empty()
    }

    /// Whether a span has been taken away from the exchange altogether.
    pub fn is_withdrawn(&self, span: usize) -> bool {
        self.spans[span].out && self.spans[span].when_out.releases_link()
    }
}

impl Gateway {
    /// Exactly these channels of a span are held for this reason from now on, and those of them that are `forced` do not wait
    /// for their calls to end.
    pub(super) fn hold(&mut self, now: Duration, span: usize, hold: Holds, channels: u32, forced: u32) {
        let bearers = self.bearers(span);
        let (channels, forced) = (channels & bearers, forced & channels & bearers);
        let (mut before, mut forced_before) = (0, 0);
        for place in places(bearers) {
            let index = span * SPAN_TIMESLOTS + place;
            let entry = &mut self.policy.channels[index];
            before |= u32::from(entry.holds.contains(hold)) << place;
            forced_before |= u32::from(entry.forced.contains(hold)) << place;
            entry.holds.set(hold, channels & 1 << place != 0);
            entry.forced.set(hold, forced & 1 << place != 0);
        }
        if before != channels {
            self.report(now, What::Held { span: span as u16, hold, channels });
        }
        if self.policy.spans[span].out {
            // A span that comes back has its link first: the SERVICEs of its channels go over it.
            self.settle_span(now, span);
        }
        for place in places(bearers) {
            self.settle_channel(now, span * SPAN_TIMESLOTS + place);
        }
        self.drain_dchannel(now, self.spans[span].trunk);
        for place in places(forced & !forced_before) {
            let index = span * SPAN_TIMESLOTS + place;
            if self.calls[index].is_some() {
                self.dismiss(now, index, Prompt::Closing);
            }
        }
        self.settle_span(now, span);
    }

    /// Look at the free ports, whenever they may have changed: too few, and no channel takes calls.
    pub(super) fn watch_ports(&mut self, now: Duration) {
        let free = self.ports.free(now);
        let Some(short) = self.shortage.as_mut().and_then(|shortage| shortage.look(now, free)) else { return };
        self.report(now, What::PortsShort { short, free: free as u16 });
        for span in 0..self.spans.len() {
            let channels = if short { self.bearers(span) } else { 0 };
            self.hold(now, span, Holds::NO_PORT, channels, 0);
        }
    }

    /// When to look at the ports again although nothing has happened: a change is due, or held-back ports become free.
    pub(super) fn ports_timeout(&self, now: Duration) -> Option<Duration> {
        let shortage = self.shortage.as_ref()?;
        let freed = if shortage.is_short() { self.ports.next_free(now) } else { None };
        [shortage.poll_timeout(), freed].into_iter().flatten().min()
    }

    /// A call has come to this channel or left it.
    pub(super) fn settle_service(&mut self, now: Duration, index: usize) {
        if !self.policy.channels[index].holds.is_empty() {
            self.settle_channel(now, index);
            self.settle_span(now, index / SPAN_TIMESLOTS);
        }
    }

    fn settle_channel(&mut self, now: Duration, index: usize) {
        let busy = self.calls[index].is_some();
        let entry = &mut self.policy.channels[index];
        let wanted = entry.wanted(busy);
        if wanted == entry.near {
            return;
        }
        entry.near = wanted;
        let (manner, channel) = (entry.manner(), Channel::at(index));
        let span = &self.spans[usize::from(channel.span)];
        let (trunk, channel) = (span.trunk, span.channel(channel.timeslot));
        // Refused only for a channel that is none, of which there are no entries in use.
        let _ = self.trunks[trunk].dchannel.set_near(now, channel, wanted, manner);
    }

    /// Tell what has changed on a span, and take it away from the exchange or give it back: with all those it shares its D
    /// channel with, and not before all are out.
    pub(super) fn settle_span(&mut self, now: Duration, span: usize) {
        let sets = self.near_sets(span);
        if std::mem::replace(&mut self.policy.spans[span].told, sets) != sets {
            self.report(now, What::Near { span: span as u16, sets });
        }
        let trunk = self.spans[span].trunk;
        let out = self.trunks[trunk].spans.iter().all(|span| self.is_out(usize::from(*span)));
        if self.policy.spans[span].out == out {
            return;
        }
        let how = self.policy.spans[span].when_out;
        for interface in 0..self.trunks[trunk].spans.len() {
            let span = self.trunks[trunk].spans[interface];
            self.policy.spans[usize::from(span)].out = out;
            self.report(now, What::SpanOut { span, out, how });
        }
        if how.releases_link() {
            self.withdraw_link(now, trunk, out);
        }
    }

    fn near_sets(&self, span: usize) -> NearSets {
        let mut sets = NearSets::default();
        for place in places(self.bearers(span)) {
            let index = span * SPAN_TIMESLOTS + place;
            let (entry, busy) = (self.policy.channels[index], self.calls[index].is_some());
            sets.out |= u32::from(entry.near == ServiceState::OutOfService) << place;
            sets.maintenance |= u32::from(entry.near == ServiceState::Maintenance) << place;
            sets.draining |= u32::from(!entry.holds.is_empty() && busy) << place;
        }
        sets
    }

    /// Whether all channels of a span are out for good, and the exchange has been told as far as it has to be.
    fn is_out(&self, span: usize) -> bool {
        let bearers = self.bearers(span);
        let gone = |place: usize| {
            let index = span * SPAN_TIMESLOTS + place;
            let entry = self.policy.channels[index];
            let out = entry.near == ServiceState::OutOfService && entry.holds.intersects(Holds::LASTING);
            out && self.calls[index].is_none()
        };
        places(bearers).all(gone) && (self.policy.spans[span].out || !self.waits_for_answers(span))
    }

    /// Whether the link has to stay up until the exchange has acknowledged, or left unanswered, what it is being told.
    fn waits_for_answers(&self, span: usize) -> bool {
        self.policy.spans[span].when_out == WhenOut::ServiceAndDChannel
            && self.link_up(span as u16)
            && self.with_service(span, |service| service.pending.is_some()) != 0
    }

    /// Whether a D channel has been taken away from the exchange, with all its spans.
    pub(super) fn is_withdrawn(&self, trunk: usize) -> bool {
        self.trunks[trunk].spans.iter().all(|span| self.policy.is_withdrawn(usize::from(*span)))
    }

    fn withdraw_link(&mut self, now: Duration, trunk: usize, out: bool) {
        let started = self.started;
        let entry = &mut self.trunks[trunk];
        if out {
            entry.silence = None;
            entry.dchannel.withdraw(now);
        } else if started {
            entry.silence = Some(now + super::trunk::LINK_SILENCE);
            entry.dchannel.start(now);
        }
        self.drain_dchannel(now, trunk);
    }

    /// The bearer channels of a span.
    pub(super) fn bearers(&self, span: usize) -> u32 {
        self.bearers_of(span).map(Timeslot::index).fold(0, |set, place| set | 1 << place)
    }
}

/// The places of a channel set, lowest first.
pub(super) fn places(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_channel_waits_for_its_call_unless_it_is_forced() {
        let idle = Entry { holds: Holds::OPERATOR, ..Entry::default() };
        assert_eq!(idle.wanted(false), ServiceState::OutOfService);
        assert_eq!(idle.wanted(true), ServiceState::InService);
        assert_eq!(Entry { forced: Holds::OPERATOR, ..idle }.wanted(true), ServiceState::OutOfService);
        let out = Entry { near: ServiceState::OutOfService, ..idle };
        assert_eq!(out.wanted(true), ServiceState::OutOfService, "taken before the exchange knew");
        assert_eq!(Entry { holds: Holds::empty(), ..out }.wanted(true), ServiceState::InService);
        let tested = Entry { holds: Holds::TEST, ..Entry::default() };
        assert_eq!(tested.wanted(false), ServiceState::Maintenance);
        assert_eq!(tested.wanted(true), ServiceState::InService, "a call is never dropped for a test");
        assert_eq!(Entry { holds: Holds::TEST | Holds::OPERATOR, ..tested }.wanted(false), ServiceState::OutOfService);
    }
}
