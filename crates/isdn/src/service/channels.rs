//! The procedures of service messages on one D channel: telling, acknowledging, waiting, auditing.
//!
//! ```text
//!                      set_near, link up, far end heard, call offered
//!            ┌────────────────────────────┐
//!            ▼                            │
//!   Idle ──► Due ──link, turn──► Waiting ─┴─SERVICE ACKNOWLEDGE──► Idle
//!                                  │  ▲                              (another state: Audit)
//!                     T3M1, again ─┘  │
//!                     T3M1, last ──► Audit (far end silent) ──► Waiting, once every 15 minutes
//! ```
//!
//! The diagram is one channel's telling of its near state. What the far end tells is acknowledged in every state and
//! changes the far state only: the near state is the owner's, and nothing from the line ever touches it.
//!
//! Data path: maintenance messages, changes of the link, RESTARTs, offered calls, the owner's `set_near` → here →
//! messages, events, the channel sets on the `desk`.
//! Time: T3M1, the audit and the dwell of [`Rules`], for each channel; T309 for the link.
//! Source: AT&T TR 41459 for T3M1 sent twice; the rest is the practice of PBXs with these exchanges. Departures: what the
//! far end said before the link was lost is kept until it says something new, so that no call is put on a channel that was
//! taken away; a channel whose RESTART stays unanswered is audited rather than put in maintenance here, because then
//! it comes back by itself.
//! Words: told, what the far end has said; learnt, it has said so since the link came up.

use super::pace::Pace;
use super::{ChannelService, Counters, FarState, Manner, Pending, Rules, ServiceState, usability};
use crate::maintenance::{Kind, ServiceMessage};
use crate::q931::channel::ChannelIdentification;
use crate::q931::interfaces::{Interfaces, Timeslots};
use crate::q931::{Desk, Timer};
use crate::{Channel, ChannelSet, Event, Refused, TIMESLOTS_MAX};
use std::ops::Range;
use std::time::Duration;

/// SERVICEs of one channel that may follow one another at once.
const CHANNEL_BURST: u32 = 3;

/// Answers that may follow one another at once, for each interface: all channels of an E1, four times over.
const ANSWER_BURST: u32 = 124;

/// The pace of answers after that: no exchange asks more often for longer, and an echo that does is slowed to nothing.
const ANSWER_STEP: Duration = Duration::from_millis(500);

/// When to try again what the data link's queue had no room for.
const QUEUE_FULL: Duration = Duration::from_secs(1);

/// Where a channel's telling of its near state has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// The far end knows, as far as we know.
    Idle,
    /// To be sent at this time, when the link is up; so often it has been sent before.
    Due { at: Duration, sent: u8 },
    /// T3M1 runs.
    Waiting { t3m1: Duration, sent: u8 },
    /// To be sent once more at this time, to see whether the far end answers.
    Audit { at: Duration },
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    near: ServiceState,
    manner: Manner,
    told: ServiceState,
    /// What its last acknowledgement spoke of, if that was another state than the one told. It counts until one fits, or the far
    /// end tells.
    claimed: ServiceState,
    learnt: bool,
    silent: bool,
    telling: Telling,
    pace: Pace,
    /// What the last SERVICE said, and which states others said before it that may still be acknowledged (bit 0: in service).
    sent: ServiceState,
    overtaken: u8,
    /// The owner waits to be told how his order went.
    ordered: bool,
    /// How it went.
    settled: Option<bool>,
    /// The near state was told once more because the far end had called the channel in service.
    insisted: bool,
    /// And the far end did so again.
    contested: bool,
    contested_told: bool,
    /// The far state the owner knows.
    known: FarState,
}

impl Entry {
    fn far(&self) -> FarState {
        let told = self.told.max(self.claimed);
        // A far end that had told something worse before it fell silent has still told it.
        if self.silent && told == ServiceState::InService { FarState::Unknown } else { told.into() }
    }

    fn is_pending(&self) -> bool {
        matches!(self.telling, Telling::Due { .. } | Telling::Waiting { .. })
    }

    fn settle(&mut self, acknowledged: bool) {
        if std::mem::take(&mut self.ordered) {
            self.settled = Some(acknowledged);
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Services {
    rules: Option<Rules>,
    interfaces: Interfaces,
    all: ChannelSet,
    /// By [`Channel::place`].
    entries: Box<[Entry]>,
    answers: Pace,
    up: bool,
    /// When a link that is down has been so for T309.
    forgotten: Option<Duration>,
    /// Places of which something may have to be told to the owner.
    news: Range<usize>,
    pub counters: Counters,
}

/// The places of a channel set, lowest first.
fn places(set: &ChannelSet) -> impl Iterator<Item = usize> + use<> {
    set.iter().filter_map(Channel::place)
}

fn places_in(timeslots: Timeslots) -> impl Iterator<Item = usize> {
    timeslots.iter().filter_map(Channel::place)
}

impl Services {
    pub fn new(rules: Option<Rules>, interfaces: Interfaces) -> Services {
        let dwell = Duration::from_secs(rules.map_or(0, |rules| rules.dwell_seconds));
        let entry = Entry {
            near: ServiceState::InService,
            manner: Manner::Drain,
            told: ServiceState::InService,
            claimed: ServiceState::InService,
            learnt: false,
            silent: false,
            telling: Telling::Idle,
            pace: Pace::new(dwell, CHANNEL_BURST),
            sent: ServiceState::InService,
            overtaken: 0,
            ordered: false,
            settled: None,
            insisted: false,
            contested: false,
            contested_told: false,
            known: FarState::InService,
        };
        Services {
            rules,
            interfaces,
            all: interfaces.channels(),
            entries: (0..usize::from(interfaces.count()) * TIMESLOTS_MAX).map(|_| entry).collect(),
            answers: Pace::new(ANSWER_STEP, ANSWER_BURST * u32::from(interfaces.count())),
            up: false,
            forgotten: None,
            news: 0..0,
            counters: Counters::default(),
        }
    }

    /// Whether service messages are spoken here at all.
    pub const fn is_on(&self) -> bool {
        self.rules.is_some()
    }

    fn place(&self, channel: Channel) -> Option<usize> {
        channel.place().filter(|_| self.interfaces.has(channel))
    }

    pub fn service(&self, channel: Channel) -> Option<ChannelService> {
        let entry = &self.entries[self.place(channel)?];
        let pending = match entry.telling {
            Telling::Due { sent, .. } => Some(Pending { state: entry.near, sent, until: None }),
            Telling::Waiting { t3m1, sent } => Some(Pending { state: entry.near, sent, until: Some(t3m1) }),
            Telling::Idle | Telling::Audit { .. } => None,
        };
        let (incoming, outgoing) = self.usable(entry);
        Some(ChannelService { near: entry.near, far: entry.far(), pending, incoming, outgoing })
    }

    fn usable(&self, entry: &Entry) -> (bool, bool) {
        let (incoming, outgoing) = usability(entry.near, entry.far(), self.rules.as_ref());
        // What the far end sent before our SERVICE reached it.
        let crossed = entry.manner == Manner::Drain && entry.is_pending() && self.rules.is_some();
        (incoming || crossed, outgoing)
    }

    /// Whether either end has taken a channel out of service: then it is not restarted.
    pub fn is_out(&self, channel: Channel) -> bool {
        self.service(channel)
            .is_some_and(|service| service.near == ServiceState::OutOfService || service.far == FarState::OutOfService)
    }

    pub fn poll_timeout(&self) -> Option<Duration> {
        self.rules?;
        let telling = self.entries.iter().filter_map(|entry| match entry.telling {
            Telling::Due { at, .. } | Telling::Audit { at } if self.up => Some(at),
            Telling::Waiting { t3m1, .. } => Some(t3m1),
            _ => None,
        });
        telling.chain(self.forgotten).min()
    }

    /// Whether there may be something that the owner has not been told yet.
    #[inline]
    pub fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// What the owner has not been told yet.
    pub fn next_event(&mut self) -> Option<Event> {
        while let Some(place) = self.news.next() {
            let entry = &mut self.entries[place];
            // There may be more than one of a channel.
            let here = place..self.news.end;
            let (channel, far) = (Channel::at(place), entry.far());
            if far != entry.known {
                (entry.known, self.news) = (far, here);
                return Some(Event::FarChanged { channel, state: far });
            }
            if let Some(acknowledged) = entry.settled.take() {
                self.news = here;
                return Some(Event::ServiceSettled { channel, state: entry.near, acknowledged });
            }
            if entry.contested && !entry.contested_told {
                entry.contested_told = true;
                return Some(Event::ServiceContested { channel });
            }
        }
        None
    }

    /// To be called after every change: what `q931` asks, and the owner hears, follows from the channels.
    fn publish(&mut self, desk: &mut Desk) {
        places(&self.all).for_each(|place| self.publish_one(desk, place));
    }

    /// The same for a channel, if no other has changed.
    fn publish_one(&mut self, desk: &mut Desk, place: usize) {
        let news = if self.news.is_empty() { place..place + 1 } else { self.news.clone() };
        self.news = news.start.min(place)..news.end.max(place + 1);
        let (incoming, outgoing) = self.usable(&self.entries[place]);
        desk.no_incoming.set(Channel::at(place), !incoming);
        desk.no_outgoing.set(Channel::at(place), !outgoing);
    }

    // Telling the far end.

    /// The owner's order.
    pub fn set_near(
        &mut self,
        desk: &mut Desk,
        channel: Channel,
        state: ServiceState,
        manner: Manner,
    ) -> Result<(), Refused> {
        let place = self.place(channel).ok_or(Refused::WrongState)?;
        let entry = &mut self.entries[place];
        let same = entry.near == state;
        (entry.near, entry.manner, entry.ordered) = (state, manner, true);
        if self.rules.is_none() {
            entry.settle(false);
        } else if !same {
            (entry.insisted, entry.contested, entry.contested_told) = (false, false, false);
            self.tell(desk, place, 0);
        } else if let Telling::Idle | Telling::Audit { .. } = entry.telling {
            let acknowledged = !entry.silent;
            entry.settle(acknowledged);
        }
        self.publish(desk);
        Ok(())
    }

    /// Sends SERVICE, now or when it may be; `sent` is how often this has been done in vain.
    fn tell(&mut self, desk: &mut Desk, place: usize, sent: u8) {
        let Some(rules) = self.rules else { return };
        let entry = &mut self.entries[place];
        if matches!(entry.telling, Telling::Waiting { .. }) && entry.sent != entry.near {
            entry.overtaken |= 1 << entry.sent as u8;
        }
        let ready = entry.pace.ready();
        entry.telling = if !self.up || ready > desk.now {
            Telling::Due { at: ready.max(desk.now), sent }
        } else {
            let channel = self.interfaces.identify(Channel::at(place), true);
            let message = ServiceMessage::request(rules.discriminator, entry.near, channel);
            if desk.send_with(|writer| message.write(writer)).is_ok() {
                entry.pace.step(desk.now);
                entry.sent = entry.near;
                self.counters.requests_out += 1;
                let t3m1 = desk.now.saturating_add(Duration::from_secs(rules.t3m1_seconds));
                Telling::Waiting { t3m1, sent: sent.saturating_add(1) }
            } else {
                Telling::Due { at: desk.now + QUEUE_FULL, sent }
            }
        };
    }

    pub fn handle_timeout(&mut self, desk: &mut Desk) {
        let Some(rules) = self.rules else { return };
        if self.poll_timeout().is_none_or(|at| at > desk.now) {
            return;
        }
        for place in places(&self.all) {
            let entry = &mut self.entries[place];
            match entry.telling {
                Telling::Due { at, sent } if self.up && at <= desk.now => self.tell(desk, place, sent),
                // One SERVICE an audit: as if all but the last attempt had been made.
                Telling::Audit { at } if self.up && at <= desk.now => {
                    self.tell(desk, place, rules.attempts.saturating_sub(1));
                }
                Telling::Waiting { t3m1, sent } if t3m1 <= desk.now => {
                    self.counters.t3m1_expiries += 1;
                    if sent < rules.attempts {
                        self.tell(desk, place, sent);
                    } else {
                        entry.silent = true;
                        entry.settle(false);
                        // Counted from the SERVICE that went unanswered.
                        let wait = rules.audit_seconds.saturating_sub(rules.t3m1_seconds);
                        entry.telling = Telling::Audit { at: desk.now.saturating_add(Duration::from_secs(wait)) };
                    }
                }
                _ => {}
            }
        }
        if self.forgotten.is_some_and(|at| at <= desk.now) {
            self.forgotten = None;
            places(&self.all).for_each(|place| self.entries[place].silent = true);
        }
        self.publish(desk);
    }

    fn audit_later(&mut self, desk: &Desk, place: usize) {
        let wait = Duration::from_secs(self.rules.map_or(0, |rules| rules.audit_seconds));
        self.entries[place].telling = Telling::Audit { at: desk.now.saturating_add(wait) };
    }

    // The link.

    /// The far end may have forgotten everything, or all of its SERVICEs may have been lost: each end tells all again.
    pub fn link_established(&mut self, desk: &mut Desk) {
        (self.up, self.forgotten) = (true, None);
        if !self.is_on() {
            return;
        }
        for place in places(&self.all) {
            let entry = &mut self.entries[place];
            (entry.learnt, entry.insisted) = (false, false);
            // What was on its way when the link was reset may still arrive, and be acknowledged; not so when it was lost.
            let on_its_way = matches!(entry.telling, Telling::Waiting { .. });
            entry.overtaken = if on_its_way { entry.overtaken } else { 0 };
            self.tell(desk, place, 0);
        }
        self.publish(desk);
    }

    pub fn link_lost(&mut self, desk: &mut Desk) {
        self.up = false;
        if !self.is_on() {
            return;
        }
        self.forgotten = self.forgotten.or(Some(desk.deadline(Timer::T309)));
        for entry in &mut self.entries {
            // An order stays pending; the rest is told again by itself when the link is back.
            entry.telling = if entry.ordered { Telling::Due { at: desk.now, sent: 0 } } else { Telling::Idle };
        }
        self.publish(desk);
    }

    // The far end.

    /// A maintenance message.
    pub fn handle(&mut self, desk: &mut Desk, octets: &[u8]) {
        desk.counters.messages_in += 1;
        let Ok(message) = ServiceMessage::decode(octets) else {
            self.counters.not_understood += 1;
            return;
        };
        let Some((channels, element)) = desk.settings.interfaces.applicable(&message.channels) else {
            self.counters.unknown_channel += 1;
            return;
        };
        match message.kind {
            Kind::Service => self.handle_service(desk, &message, channels, element),
            Kind::Acknowledge => places_in(channels).for_each(|place| self.handle_acknowledge(desk, &message, place)),
        }
        places_in(channels).for_each(|place| self.publish_one(desk, place));
    }

    fn handle_service(
        &mut self,
        desk: &mut Desk,
        message: &ServiceMessage,
        channels: Timeslots,
        applied: ChannelIdentification,
    ) {
        self.counters.requests_in += 1;
        if self.answers.step(desk.now) {
            let answer = message.acknowledgement(applied);
            if desk.send_with(|writer| answer.write(writer)).is_ok() {
                self.counters.answers += 1;
            }
        } else {
            self.counters.answers_withheld += 1;
        }
        // Tests that are asked for and not done here: acknowledged, and nothing changes.
        let Some(state) = message.state() else { return };
        for place in places_in(channels) {
            let entry = &mut self.entries[place];
            let before = std::mem::replace(&mut entry.told, state);
            (entry.claimed, entry.learnt, entry.silent) = (ServiceState::InService, true, false);
            match entry.telling {
                // It speaks to us again; it has not been told yet.
                Telling::Audit { .. } => self.tell(desk, place, 0),
                // Coming back from a state of its own, it speaks of itself; saying so without need, it speaks against us.
                Telling::Idle
                    if (before, state) == (ServiceState::InService, ServiceState::InService)
                        && entry.near != ServiceState::InService =>
                {
                    self.counters.contested += 1;
                    if std::mem::replace(&mut entry.insisted, true) {
                        entry.contested = true;
                    } else {
                        self.tell(desk, place, 0);
                    }
                }
                Telling::Idle | Telling::Due { .. } | Telling::Waiting { .. } => {}
            }
        }
    }

    fn handle_acknowledge(&mut self, desk: &mut Desk, message: &ServiceMessage, place: usize) {
        let entry = &mut self.entries[place];
        let Telling::Waiting { .. } = entry.telling else {
            self.counters.unsolicited += 1;
            return;
        };
        self.counters.acknowledged += 1;
        entry.silent = false;
        let state = message.state();
        // For a SERVICE of ours that a newer one has overtaken.
        if let Some(state) = state.filter(|state| *state != entry.near && entry.overtaken & 1 << *state as u8 != 0) {
            entry.overtaken &= !(1 << state as u8);
            return;
        }
        (entry.telling, entry.overtaken) = (Telling::Idle, 0);
        entry.settle(true);
        let Some(state) = state else { return };
        if state != entry.near {
            self.counters.mismatches += 1;
            entry.claimed = state;
            self.audit_later(desk, place);
        } else {
            entry.claimed = ServiceState::InService;
            if state == ServiceState::InService && !entry.learnt {
                // Both are in service, whatever was said on the link before this one.
                (entry.told, entry.learnt) = (state, true);
            }
        }
    }

    // Calls and restarts.

    /// The far end offered a call on this channel: one that it had called unusable is asked about at once.
    pub fn offered(&mut self, desk: &mut Desk, channel: Channel) {
        let Some(place) = channel.place().filter(|_| self.is_on() && self.all.contains(channel)) else { return };
        let entry = &mut self.entries[place];
        if entry.far() != FarState::InService && !entry.is_pending() {
            // It does not keep to what it said; what it acknowledges now counts.
            entry.learnt = false;
            self.tell(desk, place, 0);
            self.publish_one(desk, place);
        }
    }

    /// RESTART from the far end was acknowledged. The near state stays, and is told again if it is not "in service".
    pub fn restarted(&mut self, desk: &mut Desk, channels: &ChannelSet) {
        let Some(rules) = self.rules else { return };
        for place in places(&channels.and(&self.all)) {
            let entry = &mut self.entries[place];
            if rules.restart_clears_far {
                (entry.told, entry.claimed) = (ServiceState::InService, ServiceState::InService);
            }
            if entry.near != ServiceState::InService {
                self.tell(desk, place, 0);
            }
        }
        self.publish(desk);
    }

    /// T316 expired twice for our RESTART of a channel.
    pub fn restart_unanswered(&mut self, desk: &mut Desk, channel: Channel) {
        if let Some(place) = self.place(channel).filter(|_| self.is_on()) {
            self.entries[place].silent = true;
            if self.entries[place].telling == Telling::Idle {
                self.audit_later(desk, place);
            }
            self.publish(desk);
        }
    }
}
