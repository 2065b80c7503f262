//! RESTART: bringing channels back to idle at both ends, and everything else that is about no single call.
//!
//! ```text
//!   Rest0 ── restart ──► Rest1 ── RESTART ACKNOWLEDGE, T316 twice ──► Rest0     (a channel of its own each)
//!   Rest0 ── RESTART ──► calls ended, RESTART ACKNOWLEDGE ──► Rest0             (Rest2 takes no time)
//! ```
//!
//! Data path: messages with the global call reference, the owner's `restart` → here → `calls`, events.
//! Time: T316 for each channel. T317 has nothing to watch: calls are ended, and their owner has been told, before the answer
//! is written; so it is shorter than any T316 of the far end.
//! Source: Q.931 (05/98) clause 5.5; 5.8.3.2 f and following for the global call reference in error. Departure: a channel
//! whose RESTART is not acknowledged is taken for idle when the far end offers it a second time; exchanges that ignore
//! RESTART would otherwise lose their channels one by one.
//! Words: pending, of a channel: RESTART is sent and not acknowledged.

use super::calls::Calls;
use super::channel::ChannelIdentification;
use super::content::{Content, Faults};
use super::desk::Desk;
use super::element::{RestartClass, id};
use super::interfaces::{Interfaces, Timeslots};
use super::message::{MessageType, Raw, Reference};
use super::notices::Notice;
use super::state::Ending;
use super::timers::Timer;
use super::trace::Why;
use crate::{Channel, ChannelSet, Refused, TIMESLOTS_MAX};
use std::time::Duration;

/// Call state of the global call reference while a RESTART of ours is pending (table 4-13).
const REST_1: u8 = 61;

/// A RESTART is sent so often (N316).
const ATTEMPTS: u8 = 2;

/// One channel's RESTART.
#[derive(Clone, Copy, Debug)]
struct Pending {
    channel: Channel,
    t316: Duration,
    sent: u8,
    /// The far end has offered the channel once already.
    offered: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Restarts {
    /// Lowest channel first. Nearly always empty, and never longer than it was made for.
    pending: Vec<Pending>,
}

impl Restarts {
    pub fn new(interfaces: &Interfaces) -> Restarts {
        Restarts { pending: Vec::with_capacity(usize::from(interfaces.count()) * TIMESLOTS_MAX) }
    }

    /// Where a channel's RESTART is in the list.
    fn find(&self, channel: Channel) -> Option<usize> {
        self.pending.iter().position(|pending| pending.channel == channel)
    }

    /// Whether a channel waits for its RESTART to be acknowledged.
    pub fn is_pending(&self, channel: Channel) -> bool {
        self.find(channel).is_some()
    }

    pub fn poll_timeout(&self) -> Option<Duration> {
        self.pending.iter().map(|pending| pending.t316).min()
    }

    /// Sends RESTART for a channel; a call on it ends (5.5.1).
    pub fn restart(&mut self, desk: &mut Desk, calls: &mut Calls, channel: Channel) -> Result<(), Refused> {
        if !desk.up {
            return Err(Refused::LinkDown);
        }
        if self.is_pending(channel) || !desk.settings.interfaces.has(channel) {
            return Err(Refused::WrongState);
        }
        let place = self.pending.partition_point(|pending| pending.channel < channel);
        let t316 = desk.deadline(Timer::T316);
        self.pending.insert(place, Pending { channel, t316, sent: 1, offered: false });
        send_restart(desk, channel);
        end_calls(desk, calls, &[channel].into_iter().collect(), false, false);
        Ok(())
    }

    /// T316 (5.5.1.2). If the channel has a call by now, the far end has put it there or taken it there, so the channel is idle
    /// no more and RESTART would end the call at that end only. Of a channel that is `out` of service by now the second RESTART is
    /// put off until it is back, because RESTART might put it back.
    pub fn handle_timeout(&mut self, desk: &mut Desk, calls: &mut Calls, out: impl Fn(Channel) -> bool) {
        self.pending.retain_mut(|pending| {
            if pending.t316 > desk.now {
                return true;
            }
            let channel = pending.channel;
            desk.counters.count_expiry(Timer::T316);
            if out(channel) {
                pending.t316 = desk.deadline(Timer::T316);
            } else if calls.is_taken(channel) {
                desk.tell(Notice::RestartDone { channel, acknowledged: true });
                return false;
            } else if pending.sent < ATTEMPTS {
                pending.sent += 1;
                pending.t316 = desk.deadline(Timer::T316);
                send_restart(desk, channel);
            } else {
                desk.tell(Notice::RestartDone { channel, acknowledged: false });
                return false;
            }
            true
        });
    }

    /// Whether the far end may have a call on this channel; see the departure in the header.
    pub fn may_be_offered(&mut self, desk: &mut Desk, channel: Channel) -> bool {
        let Some(place) = self.find(channel) else { return true };
        if std::mem::replace(&mut self.pending[place].offered, true) {
            self.pending.remove(place);
            desk.tell(Notice::RestartDone { channel, acknowledged: true });
            return true;
        }
        false
    }

    /// The link is lost for good: nothing will be acknowledged.
    pub fn give_up(&mut self, desk: &mut Desk) {
        for Pending { channel, .. } in self.pending.drain(..) {
            desk.tell(Notice::RestartDone { channel, acknowledged: false });
        }
    }

    /// A message with the global call reference.
    pub fn handle(&mut self, desk: &mut Desk, calls: &mut Calls, raw: &Raw<'_>, content: &Content, faults: &Faults) {
        let Reference::Global { ours } = raw.reference else { return };
        match (raw.kind, ours) {
            (MessageType::RESTART, false) => self.handle_restart(desk, calls, raw.reference, content, faults),
            (MessageType::RESTART_ACKNOWLEDGE, true) => self.handle_acknowledge(desk, calls, content),
            (MessageType::STATUS, _) => desk.counters.status_in += 1,
            // 81: invalid call reference value; the flag is wrong, or no other message has business here (5.8.3.2 f, h).
            _ => {
                desk.counters.unexpected += 1;
                self.send_status(desk, raw.reference, 81, &[]);
            }
        }
    }

    fn send_status(&self, desk: &mut Desk, reference: Reference, value: u8, diagnostics: &[u8]) {
        let state = if self.pending.is_empty() { 0 } else { REST_1 };
        desk.send_status(reference, value, state, diagnostics);
    }

    /// RESTART from the far end (5.5.2).
    fn handle_restart(
        &mut self,
        desk: &mut Desk,
        calls: &mut Calls,
        reference: Reference,
        content: &Content,
        faults: &Faults,
    ) {
        let missing = |identifier| (if faults.is_invalid(identifier) { 100 } else { 96 }, Some(identifier));
        let channels = match (faults.comprehension_required, content.restart, content.channel.as_ref()) {
            (Some(identifier), ..) => Err((96, Some(identifier))),
            (None, None, _) => Err(missing(id::RESTART_INDICATOR)),
            (None, Some(RestartClass::IndicatedChannels), None) => Err(missing(id::CHANNEL_IDENTIFICATION)),
            (None, Some(RestartClass::IndicatedChannels), Some(element)) => indicated(desk, element).map(Into::into),
            (None, Some(RestartClass::SingleInterface), Some(element)) => {
                indicated(desk, element).map(|named| desk.settings.interfaces.all_of(named.interface))
            }
            // The interface that the D channel is on, when none is named (4.5.25 note 2).
            (None, Some(RestartClass::SingleInterface), None) => Ok(desk.settings.interfaces.all_of_own()),
            (None, Some(RestartClass::AllInterfaces), _) => Ok(desk.settings.interfaces.channels()),
        };
        let channels = match channels {
            Ok(channels) => channels,
            Err((value, identifier)) => {
                desk.counters.element_missing += u64::from(value == 96);
                desk.counters.element_invalid += u64::from(value == 100);
                return self.send_status(desk, reference, value, identifier.as_slice());
            }
        };
        desk.counters.restarts_in += 1;
        // A call without a channel yet is on none of several interfaces.
        let whole =
            content.restart != Some(RestartClass::IndicatedChannels) && channels == desk.settings.interfaces.channels();
        end_calls(desk, calls, &channels, whole, true);
        // The same elements come back (5.5.2).
        let answer = Content { channel: content.channel, restart: content.restart, ..Content::default() };
        desk.send(reference, MessageType::RESTART_ACKNOWLEDGE, &answer);
        desk.tell_restarted(&channels);
    }

    /// RESTART ACKNOWLEDGE (5.5.1). A call that came to the channel while RESTART was on its way had been put there before the far
    /// end saw that, and has ended at that end.
    fn handle_acknowledge(&mut self, desk: &mut Desk, calls: &mut Calls, content: &Content) {
        let element = content.channel.as_ref();
        let channels = element.and_then(|element| desk.settings.interfaces.channels_in(element));
        let mut known = false;
        for channel in channels.into_iter().flat_map(Timeslots::iter) {
            if let Some(place) = self.find(channel) {
                self.pending.remove(place);
                known = true;
                desk.tell(Notice::RestartDone { channel, acknowledged: true });
                calls.for_each(|call| {
                    if call.named && call.channel == Some(channel) && !call.state.is_clearing() {
                        // 41: temporary failure. Said to the far end, for the case that it has the call after all.
                        call.begin_disconnect(desk, 41, 41, Why::Restarted);
                    }
                });
            }
        }
        if !known {
            desk.counters.unexpected += 1;
        }
    }
}

/// The channels an element names, or what is wrong with it. 82: identified channel does not exist.
fn indicated(desk: &Desk, element: &ChannelIdentification) -> Result<Timeslots, (u8, Option<u8>)> {
    match desk.settings.interfaces.channels_in(element) {
        Some(channels) if channels.bits == 0 => Err((100, Some(id::CHANNEL_IDENTIFICATION))),
        Some(channels) => Ok(channels),
        None => Err((82, None)),
    }
}

fn send_restart(desk: &mut Desk, channel: Channel) {
    let content = Content {
        channel: Some(desk.settings.interfaces.identify(channel, true)),
        restart: Some(RestartClass::IndicatedChannels),
        ..Content::default()
    };
    desk.counters.restarts_out += 1;
    desk.send(Reference::Global { ours: true }, MessageType::RESTART, &content);
}

/// Ends the calls on these channels, without a word to the far end, which knows (5.5.2). `whole`: those without a channel too.
fn end_calls(desk: &mut Desk, calls: &mut Calls, channels: &ChannelSet, whole: bool, by_peer: bool) {
    calls.for_each(|call| {
        let named = call.channel.is_some_and(|channel| channels.contains(channel));
        if !call.is_ended() && (named || whole) {
            // 41: temporary failure.
            call.end_lost(desk, 41, by_peer, Why::Restarted);
        }
    });
    calls.sweep(desk);
}

/// What ends a call when the D channel is taken down on purpose. 27: destination out of order.
pub(crate) fn end_all_calls(desk: &mut Desk, calls: &mut Calls) {
    let ending = Ending { cause: desk.cause(27), by_peer: false };
    calls.for_each(|call| {
        if !call.is_ended() {
            call.end(desk, ending, Why::Ordered);
        }
    });
    calls.sweep(desk);
}
