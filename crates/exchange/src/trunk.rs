//! D channels of the exchange, each with the spans it signals for: mostly the one it is on, and several where they share it.
//!
//! Data path: `switch` asks here which D channel a frame is for, and which channels are free.
//! Time: none.
//! Source: Q.931 (05/98) Annex F.1.
//! Words: trunk, a D channel with its spans; interface, the place of a span among those of its trunk.

use crate::call::CallerId;
use crate::route::{SpanId, bit, channels};
use hal::Timeslot;
use isdn::{CallReference, Channel, ChannelService, Config, DChannel, Group, LinkId};
use std::collections::BTreeMap;

/// Spans that share a D channel (Q.931 Annex F.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedDChannel {
    /// The spans, in the order of their interfaces.
    pub spans: Vec<SpanId>,
    /// Where the D channels are, and what messages call the interfaces.
    pub group: Group,
}

impl SharedDChannel {
    /// Whether a span is one of them and has no D channel.
    #[must_use]
    pub fn lacks_d_channel(&self, span: SpanId) -> bool {
        let has =
            |link| self.group.interface_of(link).and_then(|place| self.spans.get(usize::from(place))) == Some(&span);
        self.spans.contains(&span) && ![LinkId::Primary, LinkId::Backup].into_iter().any(has)
    }
}

/// A D channel, and the spans it signals for: mostly the one it is on.
pub(crate) struct Trunk {
    pub config: Config,
    pub d: DChannel,
    /// By interface.
    pub spans: Vec<SpanId>,
    pub calls: BTreeMap<CallReference, CallerId>,
}

impl Trunk {
    pub fn new(config: Config, spans: Vec<SpanId>) -> Trunk {
        Trunk { config, d: DChannel::new(config), spans, calls: BTreeMap::new() }
    }

    /// The span that a D channel is on.
    pub fn span_of(&self, link: LinkId) -> Option<SpanId> {
        match &self.config.group {
            None => (link == LinkId::Primary).then(|| self.spans[0]),
            Some(group) => group.interface_of(link).map(|interface| self.spans[usize::from(interface)]),
        }
    }

    /// The D channel that is on a span, if there is one.
    pub fn link_on(&self, span: SpanId) -> Option<LinkId> {
        [LinkId::Primary, LinkId::Backup].into_iter().find(|link| self.span_of(*link) == Some(span))
    }
}

pub(crate) struct Span {
    /// Its place in [`Switch::trunks`].
    pub trunk: usize,
    /// Its place among the spans of that.
    pub interface: u8,
    /// Its bearer channels.
    pub bearers: u32,
    /// Layer 1 lets speech through.
    pub usable: bool,
    /// Channels that may be given calls: bit n-1 stands for channel n.
    pub in_service: u32,
    pub occupied: BTreeMap<Timeslot, CallerId>,
}

impl Span {
    /// Channels that have no call and are in service here.
    pub fn free(&self) -> u32 {
        let occupied = self.occupied.keys().fold(0, |set, channel| set | bit(*channel));
        self.in_service & !occupied
    }

    /// Of these, those that a call could be put on, as far as both ends have said.
    pub fn free_for_calls_out(&self, d: &DChannel) -> u32 {
        self.free() & self.allowed(d, |service| service.outgoing)
    }

    /// Of these, those that a call of the far end could be taken on.
    pub fn free_for_calls_in(&self, d: &DChannel) -> u32 {
        self.free() & self.allowed(d, |service| service.incoming)
    }

    fn allowed(&self, d: &DChannel, allows: impl Fn(&ChannelService) -> bool) -> u32 {
        let channels = channels(self.bearers).filter(|c| d.service(self.channel(*c)).is_some_and(|s| allows(&s)));
        channels.fold(0, |set, channel| set | bit(channel))
    }

    /// A channel of it, as the D channel knows it.
    pub fn channel(&self, channel: Timeslot) -> Channel {
        Channel::on(self.interface, channel.0)
    }
}
