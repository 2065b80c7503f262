//! The calls of a D channel: which message is for which, new ones of either side, and those that nobody knows.
//!
//! Data path: messages from the data link → here → `call` or `restart`; the owner's `dial` → here.
//! Time: the calls'; `now` is the desk's.
//! Source: Q.931 (05/98) clauses 4.3 (call references), 5.1.1, 5.2.1, 5.2.3 (channel selection), 5.7 (collisions),
//! 5.8.3.2 (call references in error).
//! Words: superseded, a call whose channel the far end offers for another before it has confirmed our RELEASE.

use super::CallSummary;
use super::call::Call;
use super::channel::{ChannelIdentification, Selection};
use super::content::{Content, Faults};
use super::desk::Desk;
use super::element::id;
use super::message::{MessageType, NotAMessage, Raw, Reference};
use super::notices::Notice;
use super::paper::TooLong;
use super::restart::Restarts;
use super::setup;
use super::state::{Ending, State};
use super::trace::Why;
use crate::q921::SendError;
use crate::{CallReference, Channel, ChannelChoice, Refused, Setup, Side};
use std::time::Duration;

/// The largest call reference value of two octets (clause 4.3).
const REFERENCE_MAX: u16 = 0x7fff;

/// A call, and where it is.
#[derive(Clone, Copy, Debug)]
struct Entry {
    reference: CallReference,
    place: u16,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Calls {
    /// One for each call there may be; a call stays in its place from beginning to end.
    places: Box<[Call]>,
    /// The calls, oldest first, and behind them the places that are free. Small, so that to look one up is quick.
    entries: Box<[Entry]>,
    /// How many calls there are.
    count: usize,
    /// When the call in each place wants to be woken, and the earliest of these.
    wakes: Box<[Option<Duration>]>,
    earliest: Option<Duration>,
    /// The value our last call got: the next gets another, so that stragglers of the old one find nobody.
    last_value: u16,
}

impl Calls {
    /// Room for so many.
    pub fn new(max_calls: usize) -> Calls {
        let reference = CallReference { value: 0, ours: false };
        Calls {
            places: (0..max_calls).map(|_| Call::place()).collect(),
            entries: (0..max_calls).map(|place| Entry { reference, place: place as u16 }).collect(),
            count: 0,
            wakes: (0..max_calls).map(|_| None).collect(),
            earliest: None,
            last_value: 0,
        }
    }

    fn entries(&self) -> &[Entry] {
        &self.entries[..self.count]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Call> {
        self.entries().iter().map(|entry| &self.places[usize::from(entry.place)])
    }

    pub fn for_each(&mut self, mut act: impl FnMut(&mut Call)) {
        for at in 0..self.count {
            self.alter(usize::from(self.entries[at].place), &mut act);
        }
    }

    /// Does something to a call. Nothing is done to one anywhere else, so that it is known when each wants to be woken.
    #[inline]
    fn alter<T>(&mut self, place: usize, act: impl FnOnce(&mut Call) -> T) -> T {
        let call = &mut self.places[place];
        let done = act(call);
        let wake = call.poll_timeout();
        let before = std::mem::replace(&mut self.wakes[place], wake);
        if wake.is_some_and(|wake| self.earliest.is_none_or(|earliest| wake <= earliest)) {
            self.earliest = wake;
        } else if before.is_some() && before == self.earliest {
            self.earliest = self.entries().iter().filter_map(|entry| self.wakes[usize::from(entry.place)]).min();
        }
        done
    }

    /// The place for the next call; `None` when there are as many as there may be.
    fn free_place(&self) -> Option<usize> {
        self.entries.get(self.count).map(|entry| usize::from(entry.place))
    }

    /// The free place has become this call.
    fn take_place(&mut self, reference: CallReference) {
        self.entries[self.count].reference = reference;
        self.count += 1;
    }

    pub fn summaries(&self, desk: &Desk) -> impl Iterator<Item = CallSummary> {
        let side = desk.settings.side;
        self.iter().map(move |call| CallSummary {
            call: call.reference,
            state: call.state.name(side),
            channel: call.channel,
            since: call.since,
        })
    }

    /// Does something to the call of this reference, unless that has ended.
    pub fn order<T>(&mut self, reference: CallReference, act: impl FnOnce(&mut Call) -> T) -> Option<T> {
        let place = self.place_of(reference)?;
        Some(self.alter(place, act))
    }

    fn place_of(&self, reference: CallReference) -> Option<usize> {
        let same = self.entries().iter().filter(|entry| entry.reference == reference);
        same.map(|entry| usize::from(entry.place)).find(|place| !self.places[*place].is_ended())
    }

    /// The call that has this channel, or asks for it.
    fn on_channel(&self, channel: Channel) -> Option<usize> {
        let mut places = self.entries().iter().map(|entry| usize::from(entry.place));
        places.find(|place| {
            let call = &self.places[*place];
            call.channel == Some(channel) && !call.is_ended()
        })
    }

    /// Whether a call has this channel, or asks for it.
    pub fn is_taken(&self, channel: Channel) -> bool {
        self.on_channel(channel).is_some()
    }

    #[inline]
    pub fn poll_timeout(&self) -> Option<Duration> {
        debug_assert_eq!(self.earliest, self.iter().filter_map(Call::poll_timeout).min(), "each change was noted");
        self.earliest
    }

    pub fn handle_timeout(&mut self, desk: &mut Desk) {
        if self.earliest.is_some_and(|earliest| earliest <= desk.now) {
            self.for_each(|call| call.handle_timeout(desk));
        }
    }

    /// Tells the owner of calls that have ended, and forgets them. One he cannot be told of yet stays until he can; of one
    /// he never knew (its number was not complete) he is told nothing.
    #[inline]
    pub fn sweep(&mut self, desk: &mut Desk) {
        if std::mem::take(&mut desk.to_sweep) {
            self.sweep_now(desk);
        }
    }

    fn sweep_now(&mut self, desk: &mut Desk) {
        let mut at = 0;
        while at < self.count {
            let call = &self.places[usize::from(self.entries[at].place)];
            match call.state {
                State::Ended { ending: Ending { cause, by_peer } } if !call.known || desk.notices.room() > 0 => {
                    if call.known {
                        desk.notices.add(Notice::Released { call: call.reference, cause, by_peer });
                    }
                    desk.counters.released += 1;
                    self.entries[at..self.count].rotate_left(1);
                    self.count -= 1;
                }
                State::Ended { .. } => {
                    desk.to_sweep = true;
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    // Messages.

    /// The information field of an I frame.
    pub fn handle_message(
        &mut self,
        desk: &mut Desk,
        restarts: &mut Restarts,
        taken_apart: Result<Raw<'_>, NotAMessage>,
    ) {
        desk.counters.messages_in += 1;
        let raw = match taken_apart {
            Ok(raw) => raw,
            // Never answered: an answer would be a maintenance message itself, and two that answer never stop.
            Err(NotAMessage::Maintenance) => return desk.counters.maintenance += 1,
            Err(_) => return desk.counters.not_understood += 1,
        };
        let (mut content, mut faults) = (Content::default(), Faults::default());
        content.take(&raw, desk.settings.row.reading, &mut faults);
        match raw.reference {
            Reference::Global { .. } => restarts.handle(desk, self, &raw, &content, &faults),
            Reference::Call(reference) => match self.place_of(reference) {
                Some(place) if raw.kind == MessageType::SETUP => {
                    self.alter(place, |call| call.handle_second_setup(desk));
                }
                Some(place) => {
                    desk.named_in_use =
                        self.places[place].is_asking() && self.names_one_in_use(desk, reference, &content);
                    self.alter(place, |call| call.handle(desk, &raw, &content, &faults));
                }
                None => self.handle_unknown(desk, restarts, reference, &raw, &content, &faults),
            },
        }
        self.sweep(desk);
    }

    /// Whether a message for a call names a channel that another has. One that is only asked for may be given to this call; one
    /// whose RELEASE is out is free at the far end.
    fn names_one_in_use(&self, desk: &Desk, reference: CallReference, content: &Content) -> bool {
        let interfaces = &desk.settings.interfaces;
        let Some(named) = content.channel.as_ref().and_then(|element| interfaces.channels_in(element)) else {
            return false;
        };
        self.iter().any(|other| {
            other.reference != reference
                && !(other.is_ended() || other.is_asking() || other.is_releasing())
                && other.channel.is_some_and(|channel| named.contains(channel))
        })
    }

    /// A message for a call that is not there (5.8.3.2).
    fn handle_unknown(
        &mut self,
        desk: &mut Desk,
        restarts: &mut Restarts,
        reference: CallReference,
        raw: &Raw<'_>,
        content: &Content,
        faults: &Faults,
    ) {
        let call = Reference::Call(reference);
        let release_complete = MessageType::RELEASE_COMPLETE;
        match raw.kind {
            MessageType::SETUP if !reference.ours => {
                self.handle_setup(desk, restarts, reference, content, faults);
                return;
            }
            // Claims to answer a SETUP of ours, or ends what has ended.
            MessageType::SETUP | MessageType::RELEASE_COMPLETE => {}
            MessageType::STATUS_ENQUIRY => desk.send_status(call, 30, 0, &[]),
            // 5.8.11: it should be in the Null state too.
            MessageType::STATUS if content.call_state.is_none_or(|state| state == 0) => {}
            MessageType::STATUS => desk.send_cause(call, release_complete, desk.cause(101), &[]),
            // 81: invalid call reference value.
            _ => desk.send_cause(call, release_complete, desk.cause(81), &[]),
        }
        desk.counters.unknown_call += 1;
    }

    /// A new call from the far end (5.1.1, 5.2.1).
    fn handle_setup(
        &mut self,
        desk: &mut Desk,
        restarts: &mut Restarts,
        reference: CallReference,
        content: &Content,
        faults: &Faults,
    ) {
        let refuse = |desk: &mut Desk, value: u8, diagnostics: &[u8]| {
            let cause = desk.cause(value);
            desk.send_cause(Reference::Call(reference), MessageType::RELEASE_COMPLETE, cause, diagnostics);
        };
        if let Some((value, identifier)) = objection(desk.settings.side, content, faults) {
            if value == 100 {
                desk.counters.element_invalid += 1;
            } else {
                desk.counters.element_missing += 1;
            }
            return refuse(desk, value, &[identifier]);
        }
        if !faults.invalid.is_empty() {
            desk.counters.element_ignored += 1;
        }
        desk.counters.setups_in += 1;
        let choice = match choice(desk, content.channel.as_ref()) {
            Ok(choice) => choice,
            Err(value) => return refuse(desk, value, &[]),
        };
        let choice = match self.settle(desk, restarts, choice) {
            Ok(choice) => choice,
            // 44: requested channel not available.
            Err(InUse) => return refuse(desk, 44, &[]),
        };
        // 42: switching equipment congestion.
        let Some(place) = self.free_place() else { return refuse(desk, 42, &[]) };
        self.take_place(reference);
        self.alter(place, |call| {
            call.offered(desk, reference, choice);
            call.present(desk, setup::said(content, choice));
        });
    }

    /// What becomes of the far end's choice of a channel when that is not idle here (5.2.3, 5.7).
    fn settle(
        &mut self,
        desk: &mut Desk,
        restarts: &mut Restarts,
        choice: ChannelChoice,
    ) -> Result<ChannelChoice, InUse> {
        let (ChannelChoice::Preferred(channel) | ChannelChoice::Exclusive(channel)) = choice else { return Ok(choice) };
        let elsewhere = match choice {
            ChannelChoice::Exclusive(_) => Err(InUse),
            _ => Ok(ChannelChoice::Any),
        };
        desk.offered = Some(channel);
        if desk.no_incoming.contains(channel) {
            desk.counters.out_of_service += 1;
            return elsewhere;
        }
        if !restarts.may_be_offered(desk, channel) {
            desk.counters.channel_conflicts += 1;
            return elsewhere;
        }
        let side = desk.settings.side;
        let Some(place) = self.on_channel(channel) else { return Ok(choice) };
        match &mut self.places[place] {
            // The network's call has priority over the user's (5.7).
            ours if ours.is_asking() => {
                desk.counters.glare += 1;
                if side == Side::User {
                    ours.yield_channel();
                    Ok(choice)
                } else {
                    elsewhere
                }
            }
            // The far end has done with the old call, or it would not offer the channel.
            old if old.is_releasing() => {
                self.alter(place, |old| old.end_lost(desk, 31, false, Why::OfferedAnew));
                self.sweep(desk);
                Ok(choice)
            }
            _ => {
                desk.counters.channel_conflicts += 1;
                elsewhere
            }
        }
    }

    // The owner.

    /// Sends SETUP (5.1.1, 5.2.1).
    pub fn dial(&mut self, desk: &mut Desk, restarts: &Restarts, setup: &Setup) -> Result<CallReference, Refused> {
        if !desk.up {
            return Err(Refused::LinkDown);
        }
        if let ChannelChoice::Preferred(channel) | ChannelChoice::Exclusive(channel) = setup.channel {
            let taken = self.is_taken(channel) || restarts.is_pending(channel);
            if taken || !desk.settings.interfaces.has(channel) {
                return Err(Refused::WrongState);
            }
            if desk.no_outgoing.contains(channel) {
                return Err(Refused::OutOfService);
            }
        }
        let place = self.free_place().ok_or(Refused::Full)?;
        let reference = self.next_reference();
        let call = &mut self.places[place];
        let written = call.paper.write(|writer| setup::write(writer, &desk.settings, reference, setup));
        written.map_err(|TooLong| Refused::Full)?;
        match desk.send_octets(call.paper.sent()) {
            Ok(()) => {}
            Err(SendError::LinkDown) => return Err(Refused::LinkDown),
            Err(SendError::QueueFull | SendError::TooLong) => return Err(Refused::Full),
        }
        desk.counters.setups_out += 1;
        self.take_place(reference);
        self.alter(place, |call| call.dialled(desk, reference, setup));
        Ok(reference)
    }

    /// A value that no call of ours has: there are far more values than calls.
    fn next_reference(&mut self) -> CallReference {
        loop {
            self.last_value = self.last_value % REFERENCE_MAX + 1;
            let reference = CallReference { value: self.last_value, ours: true };
            if self.entries().iter().all(|entry| entry.reference != reference) {
                return reference;
            }
        }
    }
}

/// The channel is in use here.
struct InUse;

/// What is wrong with a SETUP's elements (5.8.6.1, 5.8.6.2, 5.8.7.1).
fn objection(side: Side, content: &Content, faults: &Faults) -> Option<(u8, u8)> {
    if let Some(identifier) = faults.comprehension_required {
        return Some((96, identifier));
    }
    // Channel Identification is mandatory towards the user only (table 3-15).
    let mandatory: &[u8] = match side {
        Side::User => &[id::BEARER_CAPABILITY, id::CHANNEL_IDENTIFICATION],
        Side::Network => &[id::BEARER_CAPABILITY],
    };
    let missing = mandatory.iter().find(|identifier| !content.has(**identifier))?;
    Some((if faults.is_invalid(*missing) { 100 } else { 96 }, *missing))
}

/// The channel a SETUP asks for, or the cause why there is no such one.
fn choice(desk: &Desk, element: Option<&ChannelIdentification>) -> Result<ChannelChoice, u8> {
    let Some(element) = element else { return Ok(ChannelChoice::Any) };
    // 82: identified channel does not exist. A call takes one channel; more of them are for data.
    let channels = desk.settings.interfaces.channels_in(element).ok_or(82)?;
    match element.selection {
        Selection::None => Ok(ChannelChoice::None),
        Selection::Any => Ok(ChannelChoice::Any),
        Selection::Channels { .. } => match channels.single() {
            Some(channel) if element.exclusive => Ok(ChannelChoice::Exclusive(channel)),
            Some(channel) => Ok(ChannelChoice::Preferred(channel)),
            None => Err(82),
        },
        Selection::Interface => Err(82),
    }
}
