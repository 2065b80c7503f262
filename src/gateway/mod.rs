//! The gateway: what becomes of every call, decided without a card, a sample or a clock.
//!
//! It owns the D channels, the table of bearer channels (which is also the table of calls: a channel
//! carries at most one), the conferences (which are also the ports in use: one port an event), the
//! key ring and the guard. The voice path does what it is told by [`Voice`] and tells what it heard.
//!
//! Data path: D-channel frames, keys, ends of prompts, talk → here → frames, [`Voice`] commands,
//! [`Report`]s.
//! Time: `now` is since the start and never goes back; [`Gateway::poll_timeout`] says when
//! [`Gateway::handle_timeout`] wants to be called. After every input drain [`Gateway::poll_output`].
//! After construction nothing here allocates.
//! Source: of the choice of channel in `offer`, of D channels in `trunk`; the rest is ours, see `docs/ARCHITECTURE.md`.

mod afresh;
pub mod callin;
mod callout;
mod cause;
mod conference;
mod controls;
mod inviting;
mod offer;
mod phrases;
pub mod ports;
mod service;
mod shortage;
mod sweep;
mod trunk;

use crate::prompts::{LanguageIndex, Menu, Phrase, Prompt};
use crate::reports::{CallStage, Command, Report, What};
use crate::voice::{Clipped, Press};
use ::conference::{Conferences, DialOut, Menus, Policy as Rules, Room, Seat};
use afresh::Afresh;
use callin::{Action, CallIn, Patience};
pub use callout::NotPlaced;
use callout::TestCall;
pub use cause::Reason;
pub use conference::ClosedEvents;
use conference::{Conference, Membership};
use dsp::dtmf::Key;
use event::{EventNumber, Guard, Keyring};
use hal::{Alarms, FrameFault, Line, Timeslot};
use inviting::Invite;
pub use inviting::Inviting;
use isdn::{CallReference, Cause};
use ports::PortPool;
use service::Policy;
pub use service::{Holds, NearSets, WhenOut};
pub use shortage::Marks;
use shortage::Shortage;
use std::collections::VecDeque;
use std::time::Duration;
pub use sweep::Stuck;
use sweep::Sweep;
use trunk::{LINK_SILENCE, Span, Trunk};

/// A call, for as long as the daemon runs: counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// A bearer channel: a timeslot of a span, spans counted from 0 over all cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// The span.
    pub span: u16,
    /// The timeslot.
    pub timeslot: Timeslot,
}

/// Timeslots a span has at most; the place of a channel in tables is a multiple of it.
pub const SPAN_TIMESLOTS: usize = 31;

impl Channel {
    /// Its place in an array over all spans.
    #[must_use]
    pub const fn index(self) -> usize {
        self.span as usize * SPAN_TIMESLOTS + self.timeslot.index()
    }

    /// The channel at this place.
    #[must_use]
    pub const fn at(index: usize) -> Channel {
        Channel { span: (index / SPAN_TIMESLOTS) as u16, timeslot: Timeslot((index % SPAN_TIMESLOTS) as u8 + 1) }
    }
}

/// A conference, by the port its stream has (counted from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConferenceIndex(pub u16);

/// What the voice path is to do.
#[derive(Clone, Debug)]
pub enum Voice {
    /// Listen to a channel for keys and send it what it is to hear.
    Open(Channel),
    /// No more: send the idle pattern.
    Close(Channel),
    /// The language of what is played to a channel from now on; of a channel just opened, the first.
    Language(Channel, LanguageIndex),
    /// Play this to a channel, instead of what plays now; tell when it is done.
    Play(Channel, Phrase),
    /// Play this to a channel, after what plays now.
    Tell(Channel, Phrase),
    /// Stop playing.
    Hush(Channel),
    /// Put a channel into a conference.
    Join(Channel, ConferenceIndex),
    /// Take it out.
    Leave(Channel),
    /// Keep what a channel says out of its conference, or not.
    Mute(Channel, bool),
    /// Let a channel hear music while nothing is played to it, or not.
    Hold(Channel, bool),
    /// Keep what a channel says next as its name, after a tone; tell when it is done.
    RecordName(Channel),
    /// That was the name.
    KeepName(Channel),
    /// Play to a channel the name of another, instead of what plays now; tell when it is done.
    PlayName(Channel, Channel),
    /// Play this to everybody in a conference, after what plays to him now.
    Announce(ConferenceIndex, Phrase),
    /// Play to everybody in a conference the name of a channel, and that it has come, or left.
    AnnounceName(ConferenceIndex, Channel, bool),
    /// Sound the tone of somebody who waits to be let in.
    KnockTone(ConferenceIndex),
    /// Sound the tone of somebody entering.
    EntryTone(ConferenceIndex),
    /// Sound the tone of somebody leaving.
    ExitTone(ConferenceIndex),
    /// Hand the conference to the encoder from now on, beginning with what was said just before.
    StreamOpen(ConferenceIndex),
    /// No more.
    StreamClose(ConferenceIndex),
}

/// What the gateway wants done.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "kept by value so that the real-time thread need not allocate")]
pub enum Output {
    /// Send a frame on the D channel of this span.
    Frame(u16, isdn::LapdFrame),
    /// Tell the voice path.
    Voice(Voice),
    /// Tell the office.
    Report(Report),
}

/// What the gateway is to know before the first call.
pub struct Settings {
    /// The spans, in their order over all cards: line and switch variant.
    pub spans: Vec<(Line, isdn::Switch)>,
    /// Called numbers that are ours, with the languages they are answered in; none: all.
    pub numbers: Vec<(String, Menu)>,
    /// The languages of whoever calls any other number.
    pub languages: Menu,
    /// Patience with callers.
    pub patience: Patience,
    /// The rules of conferences.
    pub rules: Rules,
    /// What keys do in conferences.
    pub menus: Menus,
    /// Who may be called from conferences.
    pub dial_out: DialOut,
    /// How they are called.
    pub inviting: Inviting,
    /// Stream ports.
    pub ports: usize,
    /// Until a used port may carry another event.
    pub port_reuse: Duration,
    /// How long a stream goes on after the last caller.
    pub linger: Duration,
    /// The keys of PINs.
    pub keyring: Keyring,
    /// The guard against guessing.
    pub guard: Guard,
    /// Events that take no more calls.
    pub closed: ClosedEvents,
}

impl Settings {
    /// The usual settings, for these spans and with these keys: 50 ports, the usual rules, no event closed yet.
    #[must_use]
    pub fn new(spans: Vec<(Line, isdn::Switch)>, keyring: Keyring) -> Settings {
        Settings {
            spans,
            numbers: Vec::new(),
            languages: [LanguageIndex::default()].into_iter().collect(),
            patience: Patience {
                first_digit: Duration::from_secs(10),
                digit: Duration::from_secs(5),
                tries: 3,
                repeat: false,
            },
            rules: Rules::default(),
            menus: Menus::default(),
            dial_out: DialOut::default(),
            inviting: Inviting::default(),
            ports: 50,
            port_reuse: Duration::from_secs(900),
            linger: Duration::from_secs(30),
            keyring,
            guard: Guard::new(event::Limits::default()),
            closed: ClosedEvents::with_capacity(1024),
        }
    }
}

/// How long callers are given to hear that the server closes down, and to be cleared.
pub const SHUTDOWN_BOUND: Duration = Duration::from_secs(8);
/// How long the release of the data links may take at the end.
const RELEASE_BOUND: Duration = Duration::from_millis(500);

struct Call {
    id: CallId,
    reference: CallReference,
    /// The number calling, for the guard; `None` when it is not told.
    caller: Option<u64>,
    /// What he may choose to be spoken to in.
    languages: Menu,
    /// The dialogue, from CONNECT ACKNOWLEDGE on.
    dialogue: Option<CallIn>,
    membership: Option<Membership>,
    /// The caller is talking, in a conference or not yet.
    talking: bool,
    /// The protocol is clearing it: nothing more to say.
    clearing: bool,
    /// We have placed it, for a test.
    test: Option<TestCall>,
    /// We have placed it, for a conference.
    invite: Option<Invite>,
}

impl Call {
    /// When something is due of it.
    fn deadline(&self) -> Option<Duration> {
        match (&self.dialogue, self.test, &self.invite) {
            (Some(dialogue), ..) => dialogue.deadline(),
            (None, Some(test), _) => (!self.clearing).then_some(test.until),
            (None, None, Some(invite)) => invite.until.filter(|_| !self.clearing),
            (None, None, None) => None,
        }
    }

    /// We have placed it.
    const fn is_ours(&self) -> bool {
        self.test.is_some() || self.invite.is_some()
    }
}

enum Life {
    Serving,
    /// Callers are being told; at this time the rest are cleared without a word.
    Closing {
        hard: Duration,
    },
    /// Links are being released; at this time that is good enough.
    Releasing {
        hard: Duration,
    },
    Finished,
}

/// The gateway.
pub struct Gateway {
    spans: Vec<Span>,
    trunks: Vec<Trunk>,
    /// By [`Channel::index`].
    calls: Vec<Option<Call>>,
    /// By [`ConferenceIndex`].
    conferences: Vec<Option<Conference>>,
    /// Who may do what in them: seats are channels by [`Channel::index`], rooms conferences.
    rooms: Conferences,
    rules: Rules,
    ports: PortPool,
    numbers: Vec<(String, Menu)>,
    languages: Menu,
    patience: Patience,
    linger: Duration,
    inviting: Inviting,
    keyring: Keyring,
    guard: Guard,
    closed: ClosedEvents,
    next_call: u64,
    policy: Policy,
    sweep: Sweep,
    /// The watch over free ports, if there is one.
    shortage: Option<Shortage>,
    /// The time of the last input, for what follows from it.
    now: Duration,
    /// The data links are wanted.
    started: bool,
    life: Life,
    outputs: VecDeque<Output>,
    lost_outputs: u64,
}

impl Gateway {
    /// A gateway with its data links not yet started.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let spans: Vec<Span> = settings
            .spans
            .iter()
            .enumerate()
            .map(|(trunk, &(line, _))| Span {
                line,
                trunk,
                interface: 0,
                pending: 0,
                afresh: Afresh::default(),
                alarms: Alarms::empty(),
            })
            .collect();
        let config = |line, switch| isdn::Config::new(isdn::Side::User, switch, line == Line::E1);
        let alone = |(span, &(line, switch)): (u16, &_)| Trunk::new(config(line, switch), vec![span]);
        let trunks = (0u16..).zip(&settings.spans).map(alone).collect();
        let policy = Policy::new(spans.len());
        let channels = spans.len() * SPAN_TIMESLOTS;
        // The worst there is: at the end of the shutdown's time every call is cleared, every stream ended.
        let outputs = VecDeque::with_capacity(256 + channels * 12 + settings.ports * 2);
        Gateway {
            spans,
            trunks,
            calls: (0..channels).map(|_| None).collect(),
            conferences: (0..settings.ports).map(|_| None).collect(),
            rooms: Conferences::new(channels, settings.ports, settings.menus, settings.dial_out),
            rules: settings.rules,
            ports: PortPool::new(settings.ports, settings.port_reuse),
            numbers: settings.numbers,
            languages: settings.languages,
            patience: settings.patience,
            linger: settings.linger,
            inviting: settings.inviting,
            keyring: settings.keyring,
            guard: settings.guard,
            closed: settings.closed,
            next_call: 1,
            policy,
            sweep: Sweep::new(channels, settings.ports),
            shortage: None,
            now: Duration::ZERO,
            started: false,
            life: Life::Serving,
            outputs,
            lost_outputs: 0,
        }
    }

    /// A port (counted from 0) that carried an event before the daemon was started anew is held back until
    /// then; a port beyond the range is none of ours any more.
    pub fn hold_port(&mut self, port: u16, event: EventNumber, until: Duration) {
        if usize::from(port) < self.conferences.len() {
            self.ports.hold(port, event, until);
        }
    }

    /// What becomes of a span towards the exchange when its last channel is suspended: to be called before
    /// [`Gateway::start`].
    pub fn set_when_out(&mut self, span: u16, when_out: WhenOut) {
        self.policy.set_when_out(usize::from(span), when_out);
    }

    /// Keep calls away while stream ports are short: to be called before [`Gateway::start`].
    pub fn set_marks(&mut self, marks: Marks) {
        self.shortage = Some(Shortage::new(marks));
    }

    /// Establish the data links, except those of spans that are suspended.
    pub fn start(&mut self, now: Duration) {
        self.started = true;
        for trunk in 0..self.trunks.len() {
            if self.is_withdrawn(trunk) {
                continue;
            }
            self.trunks[trunk].silence = Some(now + LINK_SILENCE);
            self.trunks[trunk].dchannel.start(now);
            self.drain_dchannel(now, trunk);
        }
    }

    /// What is to be done next; drain after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Gateway::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let trunks = self.trunks.iter().flat_map(|t| [t.dchannel.poll_timeout(), t.silence]).flatten();
        let afresh = self.spans.iter().filter_map(|span| span.afresh.poll_timeout());
        let calls = self.calls.iter().flatten().filter_map(Call::deadline);
        let conferences = self.conferences.iter().flatten().filter_map(|c| c.until);
        let life = match self.life {
            Life::Closing { hard } | Life::Releasing { hard } => Some(hard),
            Life::Serving | Life::Finished => None,
        };
        // Seen to while calls are taken, see `finish`: later they would name a time at which nothing happens.
        let upkeep = afresh.chain(self.ports_timeout(self.now)).chain(self.sweep.poll_timeout());
        trunks
            .chain(upkeep.filter(|_| matches!(self.life, Life::Serving)))
            .chain(calls)
            .chain(conferences)
            .chain(life)
            .chain(self.rooms.poll_timeout())
            .min()
    }

    /// The time of [`Gateway::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        for trunk in 0..self.trunks.len() {
            if self.trunks[trunk].dchannel.poll_timeout().is_some_and(|t| t <= now) {
                self.trunks[trunk].dchannel.handle_timeout(now);
                self.drain_dchannel(now, trunk);
            }
            if self.trunks[trunk].silence.is_some_and(|t| t <= now) {
                self.trunks[trunk].silence = None;
                let span = self.trunks[trunk].named_by();
                self.report(now, What::LinkSilent { span });
            }
        }
        for index in 0..self.calls.len() {
            let Some(call) = self.calls[index].as_mut() else { continue };
            if call.deadline().is_none_or(|t| t > now) {
                continue;
            }
            match call.dialogue.as_mut() {
                Some(dialogue) => {
                    let action = dialogue.timed_out(now);
                    self.act(now, index, action);
                }
                // A call of ours: nobody answers, or a test has been up for as long as was wanted.
                None => {
                    self.nobody_answers(index);
                    self.clear_call(now, index, Reason::Normal);
                }
            }
        }
        for index in 0..self.conferences.len() {
            if self.conferences[index].as_ref().and_then(|c| c.until).is_some_and(|t| t <= now) {
                self.close_conference(now, ConferenceIndex(index as u16));
            }
        }
        if self.rooms.poll_timeout().is_some_and(|t| t <= now) {
            self.rooms.handle_timeout(now);
        }
        self.finish(now);
    }

    /// A D-channel frame was lost on the line.
    pub fn handle_frame_lost(&mut self, now: Duration, span: u16, fault: FrameFault) {
        self.report(now, What::FrameLost { span, fault });
    }

    /// Something else happened that only needs telling.
    pub fn note(&mut self, now: Duration, what: What) {
        self.report(now, what);
    }

    /// A caller pressed a key.
    pub fn handle_key(&mut self, now: Duration, channel: Channel, key: Key) {
        self.take_key(now, channel, key);
        self.finish(now);
    }

    fn take_key(&mut self, now: Duration, channel: Channel, key: Key) {
        let index = channel.index();
        let Some(id) = self.calls[index].as_ref().map(|call| call.id) else { return };
        // That a key was pressed, never which.
        self.report(now, What::KeyPressed { call: id });
        let Some(call) = self.calls[index].as_mut() else { return };
        if call.membership.is_some() {
            return self.rooms.key(now, Seat(index), key.to_char() as u8);
        }
        let Some(dialogue) = call.dialogue.as_mut() else { return };
        let action = dialogue.key(now, key);
        self.act(now, index, action);
    }

    /// A key was let go.
    pub fn handle_press(&mut self, now: Duration, channel: Channel, press: Press) {
        if let Some(call) = self.calls[channel.index()].as_ref() {
            let call = call.id;
            let pressed = now.saturating_sub(Duration::from_millis(press.began_ago_ms.into()));
            self.report(now, What::KeyLetGo { call, pressed, press });
        }
    }

    /// All prompts of a channel have been played.
    pub fn handle_prompts_done(&mut self, now: Duration, channel: Channel) {
        let index = channel.index();
        let Some(call) = self.calls[index].as_mut() else { return };
        if call.membership.is_some() {
            self.rooms.said(now, Seat(index));
        } else if let Some(dialogue) = call.dialogue.as_mut() {
            let action = dialogue.prompts_done(now);
            self.act(now, index, action);
        }
        self.finish(now);
    }

    /// What was kept as the name of a channel is complete; it is more than silence, or not.
    pub fn handle_named(&mut self, now: Duration, channel: Channel, said: bool) {
        self.rooms.named(now, Seat(channel.index()), said);
        self.finish(now);
    }

    /// A caller began or ceased to talk. The first talker of a conference puts it on the air.
    pub fn handle_talking(&mut self, now: Duration, channel: Channel, talking: bool) {
        let Some(call) = self.calls[channel.index()].as_mut() else { return };
        call.talking = talking;
        let Some(member) = call.membership.as_ref() else { return };
        let (id, conference, seat) = (call.id, member.conference, Seat(channel.index()));
        if !self.is_present(seat) {
            return;
        }
        self.report(now, What::Talking { call: id, talking });
        if talking && self.rooms.is_heard(seat) {
            self.put_on_air(now, conference);
        }
        self.finish(now);
    }

    /// The level of a caller, measured over the last second, and what was too loud for him and his conference.
    pub fn handle_level(&mut self, now: Duration, channel: Channel, tenth_dbm0: i16, clipped: Clipped) {
        if let Some(call) = self.calls[channel.index()].as_ref() {
            let call = call.id;
            self.report(now, What::Level { call, tenth_dbm0, clipped });
        }
    }

    /// Somebody outside wants something.
    pub fn handle_command(&mut self, now: Duration, command: Command) {
        match command {
            Command::CloseEvent { event, closed } => self.close_event(now, event, closed, None),
            Command::HangUp { call } => {
                let found = self.calls.iter().position(|c| c.as_ref().is_some_and(|c| c.id == call));
                if let Some(index) = found {
                    self.clear_call(now, index, Reason::Normal);
                }
            }
            Command::Conference { ticket, event, order } => self.order_conference(now, ticket, event, order),
            Command::PlaceCall { test, span, called, stay } => self.place_call(now, test, span, called, stay),
            Command::HangUpTest { test } => self.hang_up_test(now, test),
            Command::Hold { span, hold, channels, forced } => {
                if usize::from(span) < self.spans.len() {
                    self.hold(now, usize::from(span), hold, channels, forced);
                }
            }
            Command::PortFailed { port, failed } => self.ports.set_failed(port, failed),
            Command::Shutdown => {
                if matches!(self.life, Life::Serving) {
                    self.life = Life::Closing { hard: now + SHUTDOWN_BOUND };
                    for room in 0..self.conferences.len() {
                        self.rooms.shut(Room(room));
                    }
                    for index in 0..self.calls.len() {
                        self.dismiss(now, index, Prompt::Closing);
                    }
                }
            }
        }
        self.finish(now);
    }

    /// Whether everything has been cleared after [`Command::Shutdown`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.life, Life::Finished)
    }

    /// Channels that carry a call, with the call and the conference it is in.
    pub fn calls(&self) -> impl Iterator<Item = (Channel, CallId, Option<ConferenceIndex>)> {
        self.calls.iter().enumerate().filter_map(|(index, call)| {
            let call = call.as_ref()?;
            Some((Channel::at(index), call.id, call.membership.as_ref().map(|m| m.conference)))
        })
    }

    /// Conferences there are: port, event, members, on the air.
    pub fn conferences(&self) -> impl Iterator<Item = (ConferenceIndex, EventNumber, u16, bool)> {
        self.conferences.iter().enumerate().filter_map(|(index, conference)| {
            let c = conference.as_ref()?;
            Some((ConferenceIndex(index as u16), c.event, c.members, c.on_air))
        })
    }

    /// The pool of ports.
    #[must_use]
    pub fn ports(&self) -> &PortPool {
        &self.ports
    }

    /// Outputs that found no room. Anything but 0 is a mistake of ours.
    #[must_use]
    pub fn lost_outputs(&self) -> u64 {
        self.lost_outputs + self.rooms.lost_outputs()
    }

    /// Who is in which conference as what, and how each stands.
    #[must_use]
    pub fn rooms(&self) -> &Conferences {
        &self.rooms
    }

    // ---- calls ----

    fn act(&mut self, now: Duration, index: usize, action: Action) {
        let channel = Channel::at(index);
        match action {
            Action::None => {}
            Action::Play(phrase) => {
                let Some(call) = self.calls[index].as_ref() else { return };
                let stage = match &call.dialogue {
                    Some(d) if d.at_pin() => CallStage::AskingPin,
                    Some(d) if d.is_invited() => CallStage::Invited,
                    Some(d) if d.at_language() => CallStage::AskingLanguage,
                    _ => CallStage::AskingEvent,
                };
                let id = call.id;
                self.report(now, What::CallStage { call: id, stage });
                self.voice(Voice::Play(channel, phrase));
            }
            Action::Speak(language, phrase) => {
                self.voice(Voice::Language(channel, language));
                if let Some(call) = self.calls[index].as_ref().map(|call| call.id) {
                    self.report(now, What::CallLanguage { call, language });
                }
                self.act(now, index, Action::Play(phrase));
            }
            Action::Hush => self.voice(Voice::Hush(channel)),
            Action::Verify => self.verify(now, index),
            Action::Join => self.accept(now, index),
            Action::Leave(phrase) => {
                let Some(call) = self.calls[index].as_ref() else { return };
                let id = call.id;
                self.report(now, What::CallStage { call: id, stage: CallStage::Leaving });
                self.voice(Voice::Play(channel, phrase));
            }
            Action::Clear => self.clear_call(now, index, Reason::Normal),
        }
    }

    /// The call is as good as gone: out of the conference, nothing heard, nothing played.
    fn silence_call(&mut self, now: Duration, index: usize) {
        self.leave_conference(now, index);
        let Some(call) = self.calls[index].as_mut() else { return };
        if call.clearing {
            return;
        }
        call.clearing = true;
        let (id, opened) = (call.id, call.dialogue.take().is_some());
        if opened {
            self.voice(Voice::Close(Channel::at(index)));
        }
        self.report(now, What::CallStage { call: id, stage: CallStage::Leaving });
    }

    /// The call is no more.
    fn end_call(&mut self, now: Duration, index: usize, cause: Cause, by_peer: bool) {
        self.silence_call(now, index);
        self.invitation_over(now, index, cause, by_peer);
        if let Some(call) = self.calls[index].take() {
            self.report(now, What::CallEnded { call: call.id, cause, by_peer });
        }
        self.settle_service(now, index);
    }

    fn clear_call(&mut self, now: Duration, index: usize, reason: Reason) {
        self.silence_call(now, index);
        let Some(call) = self.calls[index].as_ref() else { return };
        let (reference, trunk) = (call.reference, self.spans[index / SPAN_TIMESLOTS].trunk);
        // Refused only when the call is being cleared already; its Released event comes all the same.
        let _ = self.trunks[trunk].dchannel.clear(now, reference, reason.cause());
        self.drain_dchannel(now, trunk);
    }

    /// Take a caller out of whatever he is in, say this, and let him go.
    fn dismiss(&mut self, now: Duration, index: usize, last_word: Prompt) {
        self.leave_conference(now, index);
        let Some(call) = self.calls[index].as_mut() else { return };
        if call.clearing {
            return;
        }
        match call.dialogue.as_mut() {
            Some(dialogue) => {
                let action = dialogue.leave(&[last_word]);
                self.act(now, index, action);
            }
            // Whoever waits to be answered may be taken by another server; a call of ours nobody waits for.
            None => {
                let reason = if call.is_ours() { Reason::Normal } else { Reason::NoneFree };
                self.clear_call(now, index, reason);
            }
        }
    }

    /// At the end of an input: what follows from all it has changed.
    fn finish(&mut self, now: Duration) {
        self.now = now;
        self.carry_out_rooms(now);
        if matches!(self.life, Life::Serving) {
            self.watch_ports(now);
            self.start_afresh(now);
            self.sweep(now);
        }
        self.go_on_closing(now);
        self.carry_out_rooms(now);
    }

    // ---- closing down ----

    /// Called at the end of an input, never from within one: what it clears brings events of its own.
    fn go_on_closing(&mut self, now: Duration) {
        if let Life::Closing { hard } = self.life {
            if hard <= now {
                for index in 0..self.calls.len() {
                    self.clear_call(now, index, Reason::Normal);
                }
            }
            // A call the exchange does not answer for any more is not waited for beyond the bound.
            if self.calls.iter().all(Option::is_none) || hard <= now {
                for index in 0..self.conferences.len() {
                    self.close_conference(now, ConferenceIndex(index as u16));
                }
                self.life = Life::Releasing { hard: now + RELEASE_BOUND };
                for trunk in 0..self.trunks.len() {
                    // An exchange that wants the link back at once is refused: nobody would answer it in a moment.
                    self.trunks[trunk].dchannel.withdraw(now);
                    self.drain_dchannel(now, trunk);
                }
            }
        }
        if let Life::Releasing { hard } = self.life
            && (hard <= now || self.trunks.iter().all(|t| !t.link_up))
        {
            self.life = Life::Finished;
            self.report(now, What::Finished);
        }
    }

    // ---- out ----

    fn voice(&mut self, command: Voice) {
        self.push(Output::Voice(command));
    }

    fn report(&mut self, now: Duration, what: What) {
        self.push(Output::Report(Report { at: now, what }));
    }

    fn push(&mut self, output: Output) {
        // Growing would allocate on the real-time thread.
        if self.outputs.len() < self.outputs.capacity() {
            self.outputs.push_back(output);
        } else {
            self.lost_outputs += 1;
        }
    }
}

/// The cause of a call that ended as it should.
#[must_use]
pub fn is_normal(cause: Cause) -> bool {
    matches!(cause.value, 16 | 31)
}
