//! What every call of a D channel has around it: the clock, the settings, the link, and the way to its owner.
//!
//! Data path: `call`, `calls`, `restart` → here → data link, events, counters.
//! Time: `now` of the last input; deadlines are made here.

use super::content::{self, Content};
use super::counters::Counters;
use super::element::{self, CauseElement, id};
use super::interfaces::Interfaces;
use super::links::Links;
use super::message::{self, MessageType, Reference};
use super::notices::{Notice, Notices};
use super::timers::{Timer, Timers};
use super::trace::Trace;
use crate::q921::{SendError, Writer};
use crate::variant::Row;
use crate::{CallReference, Cause, Channel, ChannelSet, Location, Name, Setup, Side};
use std::time::Duration;

/// Events that can wait, for each interface: more than one input can cause, all calls ended by a lost link included.
const EVENTS: usize = 96;

/// Without room for so many events, no message is taken from the link.
const ROOM: usize = 34;

/// What does not change while a D channel lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub side: Side,
    pub row: &'static Row,
    pub interfaces: Interfaces,
    pub timers: Timers,
    pub number_length: usize,
    pub listen: bool,
    pub enquires: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Desk {
    pub settings: Settings,
    pub now: Duration,
    pub links: Links,
    /// Layer 3 has been told that the link is up.
    pub up: bool,
    pub counters: Counters,
    pub trace: Trace,
    /// Channels on which no call is taken, as `service` has it.
    pub no_incoming: ChannelSet,
    /// Channels on which no call of ours is put.
    pub no_outgoing: ChannelSet,
    /// The message at hand names a channel that another call has.
    pub named_in_use: bool,
    /// The channel that the far end named in a SETUP, for `service` to collect.
    pub offered: Option<Channel>,
    /// There are calls that have ended, and whose owner has to be told.
    pub to_sweep: bool,
    pub notices: Notices,
}

impl Desk {
    pub fn new(settings: Settings, links: Links) -> Self {
        let room = EVENTS * usize::from(settings.interfaces.count());
        Desk {
            settings,
            now: Duration::ZERO,
            links,
            up: false,
            counters: Counters::default(),
            trace: Trace::default(),
            no_incoming: ChannelSet::default(),
            no_outgoing: ChannelSet::default(),
            named_in_use: false,
            offered: None,
            to_sweep: false,
            notices: Notices::new(room),
        }
    }

    /// When a timer that starts now expires.
    pub fn deadline(&self, timer: Timer) -> Duration {
        self.now.saturating_add(self.settings.timers.get(timer))
    }

    /// A cause as said by this side: by a user, or by the network next to one.
    pub const fn cause(&self, value: u8) -> Cause {
        let location = match self.settings.side {
            Side::User => Location::User,
            Side::Network => Location::PublicLocal,
        };
        Cause { value, location }
    }

    /// Sends a message. That it could not be is counted; the timers make it good, or the [reset](Self::send_once) of the link.
    pub fn send(&mut self, reference: Reference, kind: MessageType, content: &Content) {
        self.send_once(|writer| content::write(writer, reference, kind, content));
    }

    /// Sends a message that nobody will give us again. One that the link's queue has no room for is lost, and of some the
    /// far end would never hear: after RELEASE COMPLETE, say, it holds a call that we have forgotten. So the link, which takes
    /// nothing any more, is established anew; then both ends compare notes (5.8.8).
    fn send_once(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        if self.send_with(write) == Err(SendError::QueueFull) {
            self.links.reset(self.now);
        }
    }

    /// Sends a message that is encoded already, and that the caller has again if the link does not take it.
    pub fn send_octets(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.send_with(|writer| writer.put(message))
    }

    /// Sends a message that is written where it will wait.
    pub fn send_with(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        let sent = if self.up { self.links.send_with(self.now, write) } else { Err(SendError::LinkDown) };
        match sent {
            Ok(()) => self.counters.messages_out += 1,
            Err(_) => self.counters.not_sent += 1,
        }
        sent
    }

    /// Sends a message that has a cause and nothing else.
    pub fn send_cause(&mut self, reference: Reference, kind: MessageType, cause: Cause, diagnostics: &[u8]) {
        self.send_once(|writer| {
            message::write_start(writer, reference, kind);
            writer.put_element(id::CAUSE, |writer| element::write_cause(writer, cause, diagnostics));
        });
    }

    /// Sends a message without elements.
    pub fn send_bare(&mut self, reference: Reference, kind: MessageType) {
        self.send_once(|writer| message::write_start(writer, reference, kind));
    }

    /// Sends a message without elements, if that leaves room in the link's queue for those that cannot wait; false if not.
    pub fn try_send_bare(&mut self, reference: Reference, kind: MessageType) -> bool {
        self.links.has_room_to_spare() && self.send_with(|writer| message::write_start(writer, reference, kind)).is_ok()
    }

    /// Sends STATUS (clause 5.8).
    pub fn send_status(&mut self, reference: Reference, value: u8, state: u8, diagnostics: &[u8]) {
        let content = Content {
            cause: Some(CauseElement::new(self.cause(value), diagnostics)),
            call_state: Some(state),
            ..Content::default()
        };
        self.send(reference, MessageType::STATUS, &content);
    }

    /// Whether there is room for the events that a message may cause. Endings of calls wait when there is none.
    pub fn has_room(&self) -> bool {
        self.notices.room() >= ROOM
    }

    /// Whether there is room for one event; if not, that it was lost is counted.
    fn can_tell(&mut self) -> bool {
        let fits = self.notices.room() > 0;
        self.counters.events_dropped += u64::from(!fits);
        fits
    }

    /// Tells the owner, or counts that it was not possible.
    pub fn tell(&mut self, notice: Notice) {
        if self.can_tell() {
            self.notices.add(notice);
        }
    }

    /// Tells the owner of a call that has come in; false if he has let too much pile up.
    pub fn tell_incoming(&mut self, call: CallReference, setup: Setup) -> bool {
        let fits = self.can_tell();
        if fits {
            self.notices.add_incoming(call, setup);
        }
        fits
    }

    pub fn tell_name(&mut self, call: CallReference, name: &Name) {
        if self.can_tell() {
            self.notices.add_name(call, name.clone());
        }
    }

    pub fn tell_restarted(&mut self, channels: &ChannelSet) {
        if self.can_tell() {
            self.notices.add_restarted(channels);
        }
    }
}
