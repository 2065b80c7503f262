//! Events that wait for the owner.
//!
//! An [`Event`] is as large as the largest of them, which is a SETUP, and nearly all are a few octets. So what waits is small, and
//! what is long waits beside it, in the same order; an event is made when it is collected.
//!
//! Data path: `desk` → here → [`DChannel::poll_output`](crate::DChannel::poll_output).
//! Time: none.
//! Words: notice, an event that waits.

use crate::{CallReference, Cause, Channel, ChannelSet, Event, LinkId, LinkState, Location, Name, Output, Setup};
use std::collections::VecDeque;

/// The events of calls, restarts and links, without what is long in them; [`Event`] says what they mean.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice {
    LinkUp { reset: bool },
    LinkDown,
    LinkState { link: LinkId, state: LinkState },
    Incoming { call: CallReference },
    Proceeding { call: CallReference, channel: Channel },
    Alerting { call: CallReference, in_band: bool },
    Name { call: CallReference },
    Progress { call: CallReference, location: Location, description: u8 },
    Connected { call: CallReference },
    Disconnecting { call: CallReference, cause: Cause, in_band: bool },
    Released { call: CallReference, cause: Cause, by_peer: bool },
    Restarted,
    RestartDone { channel: Channel, acknowledged: bool },
}

/// A queue of them. It is never longer than it was made for.
#[derive(Debug)]
pub(crate) struct Notices {
    room: usize,
    order: VecDeque<Notice>,
    setups: VecDeque<Setup>,
    names: VecDeque<Name>,
    restarted: VecDeque<ChannelSet>,
}

impl Notices {
    pub fn new(room: usize) -> Notices {
        Notices {
            room,
            order: VecDeque::with_capacity(room),
            setups: VecDeque::with_capacity(room),
            names: VecDeque::with_capacity(room),
            restarted: VecDeque::with_capacity(room),
        }
    }

    /// For how many more there is room.
    pub fn room(&self) -> usize {
        self.room - self.order.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Adds one that has nothing beside it. That there is room is the caller's to know, here and below.
    #[inline]
    pub fn add(&mut self, notice: Notice) {
        debug_assert!(self.room() > 0, "the caller has looked");
        self.order.push_back(notice);
    }

    pub fn add_incoming(&mut self, call: CallReference, setup: Setup) {
        self.setups.push_back(setup);
        self.add(Notice::Incoming { call });
    }

    pub fn add_name(&mut self, call: CallReference, name: Name) {
        self.names.push_back(name);
        self.add(Notice::Name { call });
    }

    pub fn add_restarted(&mut self, channels: &ChannelSet) {
        self.restarted.push_back(*channels);
        self.add(Notice::Restarted);
    }

    /// The oldest.
    pub fn first(&self) -> Option<&Notice> {
        self.order.front()
    }

    /// The channels that the oldest [`Notice::Restarted`] speaks of.
    pub fn restarted(&self) -> ChannelSet {
        self.restarted.front().copied().unwrap_or_default()
    }

    /// Takes out the oldest, as an event.
    pub fn next(&mut self) -> Option<Output<'static>> {
        let notice = next_of(&mut self.order)?;
        self.told(notice)
    }

    /// What a notice says. A function of its own with one way out for each, so that of an event no more is written than it has:
    /// with one way out for all of them, each would be copied whole.
    #[inline(never)]
    fn told(&mut self, notice: Notice) -> Option<Output<'static>> {
        use Output::Event as Told;
        match notice {
            Notice::LinkUp { reset } => Some(Told(Event::LinkUp { reset })),
            Notice::LinkDown => Some(Told(Event::LinkDown)),
            Notice::LinkState { link, state } => Some(Told(Event::LinkState { link, state })),
            Notice::Incoming { call } => Some(Told(Event::Incoming { call, setup: next_of(&mut self.setups)? })),
            Notice::Proceeding { call, channel } => Some(Told(Event::Proceeding { call, channel })),
            Notice::Alerting { call, in_band } => Some(Told(Event::Alerting { call, in_band })),
            Notice::Name { call } => Some(Told(Event::Name { call, name: next_of(&mut self.names)? })),
            Notice::Progress { call, location, description } => {
                Some(Told(Event::Progress { call, location, description }))
            }
            Notice::Connected { call } => Some(Told(Event::Connected { call })),
            Notice::Disconnecting { call, cause, in_band } => Some(Told(Event::Disconnecting { call, cause, in_band })),
            Notice::Released { call, cause, by_peer } => Some(Told(Event::Released { call, cause, by_peer })),
            Notice::Restarted => Some(Told(Event::Restarted { channels: next_of(&mut self.restarted)? })),
            Notice::RestartDone { channel, acknowledged } => Some(Told(Event::RestartDone { channel, acknowledged })),
        }
    }
}

/// Takes out the first. The next begins in front again, where the cache is warm, instead of marching through all the room there is.
#[inline]
fn next_of<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.is_empty() {
        queue.clear();
    }
    first
}
