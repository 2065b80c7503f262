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
//! Source: Q.931 clause 5.2.3 for the choice of channel; the rest is ours, see `docs/ARCHITECTURE.md`.

mod afresh;
pub mod callin;
mod cause;
mod host_keys;
pub mod ports;
mod service;
mod shortage;

use crate::prompts::Prompt;
use crate::reports::{CallStage, Closed, Command, Locked, Report, What};
use afresh::Afresh;
use callin::{Action, CallIn, Patience, Prompts};
pub use cause::Reason;
use dsp::dtmf::Key;
use event::{ClosedSet, EventNumber, Guard, Keyring, Role};
use hal::{Alarms, FrameFault, Line, Timeslot};
use host_keys::{HostKeys, KeyMeaning};
use isdn::{Bearer, CallReference, Cause, ChannelChoice, DChannel, Number, Setup};
use ports::PortPool;
use service::Policy;
pub use service::{Holds, NearSets, WhenOut};
pub use shortage::Marks;
use shortage::Shortage;
use std::collections::VecDeque;
use std::time::Duration;

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
    /// Play these to a channel, instead of what plays now; tell when they are done.
    Play(Channel, Prompts),
    /// Stop playing.
    Hush(Channel),
    /// Put a channel into a conference.
    Join(Channel, ConferenceIndex),
    /// Take it out.
    Leave(Channel),
    /// Keep what a channel says out of its conference, or not.
    Mute(Channel, bool),
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
    /// Called numbers that are ours; none: all.
    pub numbers: Vec<String>,
    /// Patience with callers.
    pub patience: Patience,
    /// Tones when somebody enters or leaves.
    pub tones: bool,
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

/// Events that take no more calls, by reason.
pub struct ClosedEvents {
    ended: ClosedSet,
    cancelled: ClosedSet,
    over: ClosedSet,
}

impl ClosedEvents {
    /// Room for so many of each.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let set = || ClosedSet::with_capacity(capacity);
        ClosedEvents { ended: set(), cancelled: set(), over: set() }
    }

    /// Remember one; false when there is no room.
    pub fn insert(&mut self, event: EventNumber, closed: Closed) -> bool {
        let set = match closed {
            Closed::Ended => &mut self.ended,
            Closed::Cancelled => &mut self.cancelled,
            Closed::Over => &mut self.over,
        };
        set.insert(event.as_u64()).is_ok()
    }

    /// Why an event is closed, if it is.
    #[must_use]
    pub fn why(&self, event: EventNumber) -> Option<Closed> {
        let number = event.as_u64();
        if self.cancelled.contains(number) {
            Some(Closed::Cancelled)
        } else if self.ended.contains(number) {
            Some(Closed::Ended)
        } else if self.over.contains(number) {
            Some(Closed::Over)
        } else {
            None
        }
    }
}

/// How long callers are given to hear that the server closes down, and to be cleared.
pub const SHUTDOWN_BOUND: Duration = Duration::from_secs(8);
/// How long the release of the data links may take at the end.
const RELEASE_BOUND: Duration = Duration::from_millis(500);
/// Without an answer for so long, the exchange is said to be silent.
const LINK_SILENCE: Duration = Duration::from_secs(10);

struct Span {
    line: Line,
    switch: isdn::Switch,
    /// Channels whose SERVICE is not acknowledged; `None` without service messages.
    pending: Option<u32>,
    dchannel: DChannel,
    afresh: Afresh,
    link_up: bool,
    /// When to say that nobody answers.
    silence: Option<Duration>,
    alarms: Alarms,
}

struct Call {
    id: CallId,
    reference: CallReference,
    /// The number calling, for the guard; `None` when it is not told.
    caller: Option<u64>,
    /// The dialogue, from CONNECT ACKNOWLEDGE on.
    dialogue: Option<CallIn>,
    membership: Option<Membership>,
    /// The caller is talking, in a conference or not yet.
    talking: bool,
    /// The protocol is clearing it: nothing more to say.
    clearing: bool,
}

struct Membership {
    conference: ConferenceIndex,
    role: Role,
    muted: bool,
    keys: HostKeys,
}

struct Conference {
    event: EventNumber,
    members: u16,
    on_air: bool,
    /// When the stream ends, counted from when the last caller left.
    until: Option<Duration>,
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
    /// By [`Channel::index`].
    calls: Vec<Option<Call>>,
    /// By [`ConferenceIndex`].
    conferences: Vec<Option<Conference>>,
    ports: PortPool,
    numbers: Vec<String>,
    patience: Patience,
    tones: bool,
    linger: Duration,
    keyring: Keyring,
    guard: Guard,
    closed: ClosedEvents,
    next_call: u64,
    policy: Policy,
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
            .map(|&(line, switch)| Span {
                line,
                switch,
                pending: None,
                dchannel: DChannel::new(isdn::Config::new(isdn::Side::User, switch, line == Line::E1)),
                afresh: Afresh::default(),
                link_up: false,
                silence: None,
                alarms: Alarms::empty(),
            })
            .collect();
        let policy = Policy::new(spans.len());
        let channels = spans.len() * SPAN_TIMESLOTS;
        // The worst there is: at the end of the shutdown's time every call is cleared, every stream ended.
        let outputs = VecDeque::with_capacity(256 + channels * 8 + settings.ports * 2);
        Gateway {
            spans,
            calls: (0..channels).map(|_| None).collect(),
            conferences: (0..settings.ports).map(|_| None).collect(),
            ports: PortPool::new(settings.ports, settings.port_reuse),
            numbers: settings.numbers,
            patience: settings.patience,
            tones: settings.tones,
            linger: settings.linger,
            keyring: settings.keyring,
            guard: settings.guard,
            closed: settings.closed,
            next_call: 1,
            policy,
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

    /// Have service messages on a span: to be called before [`Gateway::start`]. The exchange must have them too.
    ///
    /// # Errors
    /// The span's switch variant has none.
    pub fn with_service_messages(&mut self, span: u16) -> Result<(), isdn::NoServiceMessages> {
        let span = &mut self.spans[usize::from(span)];
        let config = isdn::Config::new(isdn::Side::User, span.switch, span.line == Line::E1);
        span.dchannel = DChannel::new(config.with_service_messages()?);
        span.pending = Some(0);
        Ok(())
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
        for span in 0..self.spans.len() {
            if self.policy.is_withdrawn(span) {
                continue;
            }
            self.spans[span].silence = Some(now + LINK_SILENCE);
            self.spans[span].dchannel.start(now);
            self.drain_dchannel(now, span);
        }
    }

    /// What is to be done next; drain after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Gateway::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let spans =
            self.spans.iter().flat_map(|s| [s.dchannel.poll_timeout(), s.silence, s.afresh.poll_timeout()]).flatten();
        let calls = self.calls.iter().flatten().filter_map(|c| c.dialogue.as_ref()?.deadline());
        let conferences = self.conferences.iter().flatten().filter_map(|c| c.until);
        let life = match self.life {
            Life::Closing { hard } | Life::Releasing { hard } => Some(hard),
            Life::Serving | Life::Finished => None,
        };
        spans.chain(calls).chain(conferences).chain(life).chain(self.ports_timeout(self.now)).min()
    }

    /// A D-channel frame arrived on a span.
    pub fn handle_frame(&mut self, now: Duration, span: u16, frame: &[u8]) {
        let span = usize::from(span);
        self.spans[span].dchannel.handle_frame(now, frame);
        self.drain_dchannel(now, span);
        self.finish(now);
    }

    /// The time of [`Gateway::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        for span in 0..self.spans.len() {
            if self.spans[span].dchannel.poll_timeout().is_some_and(|t| t <= now) {
                self.spans[span].dchannel.handle_timeout(now);
                self.drain_dchannel(now, span);
            }
            if self.spans[span].silence.is_some_and(|t| t <= now) {
                self.spans[span].silence = None;
                self.report(now, What::LinkSilent { span: span as u16 });
            }
        }
        for index in 0..self.calls.len() {
            let Some(dialogue) = self.calls[index].as_mut().and_then(|c| c.dialogue.as_mut()) else { continue };
            if dialogue.deadline().is_some_and(|t| t <= now) {
                let action = dialogue.timed_out(now);
                self.act(now, index, action);
            }
        }
        for index in 0..self.conferences.len() {
            if self.conferences[index].as_ref().and_then(|c| c.until).is_some_and(|t| t <= now) {
                self.close_conference(now, ConferenceIndex(index as u16));
            }
        }
        self.finish(now);
    }

    /// The alarms of a span are now these. A data link that is up is not touched by them: LAPD finds out
    /// by itself whether the far end is still there, and calls live on under T309. One that is down is
    /// asked for as soon as the line is sound.
    pub fn handle_alarms(&mut self, now: Duration, span: u16, alarms: Alarms) {
        let index = usize::from(span);
        let before = std::mem::replace(&mut self.spans[index].alarms, alarms);
        self.report(now, What::Alarms { span, alarms });
        if alarms.usable() && !before.usable() {
            self.spans[index].dchannel.line_restored(now);
            self.drain_dchannel(now, index);
        }
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
        if let Some(member) = call.membership.as_mut() {
            match member.keys.key(now, key) {
                KeyMeaning::EndEvent if member.role == Role::Host => {
                    let event = self.conferences[usize::from(member.conference.0)].as_ref().map(|c| c.event);
                    let by = Some(call.id);
                    if let Some(event) = event {
                        self.close_event(now, event, Closed::Ended, by);
                    }
                }
                KeyMeaning::Mute => {
                    member.muted = !member.muted;
                    let (id, muted) = (call.id, member.muted);
                    let (conference, talking) = (member.conference, call.talking);
                    self.voice(Voice::Mute(channel, muted));
                    let said = if muted { Prompt::Muted } else { Prompt::Unmuted };
                    self.voice(Voice::Play(channel, [said].into_iter().collect()));
                    self.report(now, What::Muted { call: id, muted });
                    if talking && !muted {
                        self.put_on_air(now, conference);
                    }
                }
                KeyMeaning::EndEvent | KeyMeaning::Nothing => {}
            }
            return;
        }
        let Some(dialogue) = call.dialogue.as_mut() else { return };
        let action = dialogue.key(now, key);
        self.act(now, index, action);
    }

    /// All prompts of a channel have been played.
    pub fn handle_prompts_done(&mut self, now: Duration, channel: Channel) {
        let index = channel.index();
        let Some(dialogue) = self.calls[index].as_mut().and_then(|c| c.dialogue.as_mut()) else { return };
        let action = dialogue.prompts_done(now);
        self.act(now, index, action);
        self.finish(now);
    }

    /// A caller began or ceased to talk. The first talker of a conference puts it on the air.
    pub fn handle_talking(&mut self, now: Duration, channel: Channel, talking: bool) {
        let Some(call) = self.calls[channel.index()].as_mut() else { return };
        call.talking = talking;
        let Some(member) = call.membership.as_ref() else { return };
        let (id, conference, muted) = (call.id, member.conference, member.muted);
        self.report(now, What::Talking { call: id, talking });
        if talking && !muted {
            self.put_on_air(now, conference);
        }
    }

    /// The level of a caller, measured over the last second.
    pub fn handle_level(&mut self, now: Duration, channel: Channel, tenth_dbm0: i16) {
        if let Some(call) = self.calls[channel.index()].as_ref() {
            let call = call.id;
            self.report(now, What::Level { call, tenth_dbm0 });
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
            Command::Hold { span, hold, channels, forced } => {
                if usize::from(span) < self.spans.len() {
                    self.hold(now, usize::from(span), hold, channels, forced);
                }
            }
            Command::Shutdown => {
                if matches!(self.life, Life::Serving) {
                    self.life = Life::Closing { hard: now + SHUTDOWN_BOUND };
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

    /// Whether the data link of a span is up.
    #[must_use]
    pub fn link_up(&self, span: u16) -> bool {
        self.spans[usize::from(span)].link_up
    }

    /// Calls the D channel of a span knows of, in whatever state.
    #[must_use]
    pub fn signalled_calls(&self, span: u16) -> usize {
        self.spans[usize::from(span)].dchannel.calls().count()
    }

    /// Outputs that found no room. Anything but 0 is a mistake of ours.
    #[must_use]
    pub fn lost_outputs(&self) -> u64 {
        self.lost_outputs
    }

    // ---- D channels ----

    fn drain_dchannel(&mut self, now: Duration, span: usize) {
        // Channels of which the exchange says the same are told of together.
        let mut far: Option<(isdn::FarState, u32)> = None;
        while let Some(output) = self.spans[span].dchannel.poll_output() {
            match output {
                isdn::Output::Frame(_, frame) => match isdn::LapdFrame::from_slice(frame) {
                    Ok(frame) => self.push(Output::Frame(span as u16, frame)),
                    Err(_) => self.lost_outputs += 1,
                },
                isdn::Output::Event(isdn::Event::FarChanged { channel, state }) => {
                    let so_far = match far {
                        Some((same, channels)) if same == state => channels,
                        other => {
                            self.report_far(now, span, other);
                            0
                        }
                    };
                    far = Some((state, so_far | 1 << (channel.timeslot - 1)));
                }
                isdn::Output::Event(event) => self.handle_event(now, span, event),
            }
        }
        self.report_far(now, span, far);
        self.report_pending(now, span);
    }

    fn report_far(&mut self, now: Duration, span: usize, far: Option<(isdn::FarState, u32)>) {
        if let Some((state, channels)) = far {
            self.report(now, What::FarChanged { span: span as u16, channels, state });
        }
    }

    fn report_pending(&mut self, now: Duration, span: usize) {
        let Span { line, dchannel, pending: Some(known), .. } = &mut self.spans[span] else { return };
        let waits = |timeslot: &Timeslot| dchannel.service(timeslot.0).is_some_and(|s| s.pending.is_some());
        let channels = line.bearers().filter(waits).fold(0, |set, timeslot| set | 1 << timeslot.index());
        if std::mem::replace(known, channels) != channels {
            self.report(now, What::ServicePending { span: span as u16, channels });
            self.settle_span(now, span);
        }
    }

    fn handle_event(&mut self, now: Duration, span: usize, event: isdn::Event) {
        match event {
            isdn::Event::LinkUp { reset } => {
                self.spans[span].link_up = true;
                self.spans[span].silence = None;
                self.report(now, What::LinkUp { span: span as u16, reset });
            }
            isdn::Event::LinkDown => {
                self.spans[span].link_up = false;
                // Released by ourselves: nothing to be alarmed about.
                if self.policy.is_withdrawn(span) {
                    self.report(now, What::LinkReleased { span: span as u16 });
                } else if !matches!(self.life, Life::Releasing { .. }) {
                    self.spans[span].silence = Some(now + LINK_SILENCE);
                    self.report(now, What::LinkDown { span: span as u16 });
                }
            }
            // Of D channels with a backup, which no span has here.
            isdn::Event::LinkState { .. } => {}
            isdn::Event::Incoming { call, setup } => self.incoming(now, span, call, setup),
            isdn::Event::Connected { call } => {
                let Some(index) = self.index_of(span, call) else { return };
                let (dialogue, action) = CallIn::begin(self.patience);
                let Some(call) = self.calls[index].as_mut().filter(|c| !c.clearing) else { return };
                call.dialogue = Some(dialogue);
                let id = call.id;
                self.report(now, What::CallConnected { call: id });
                self.voice(Voice::Open(Channel::at(index)));
                self.report(now, What::CallStage { call: id, stage: CallStage::AskingEvent });
                if matches!(self.life, Life::Serving) {
                    self.act(now, index, action);
                } else {
                    self.dismiss(now, index, Prompt::Closing);
                }
            }
            isdn::Event::Disconnecting { call, .. } => {
                if let Some(index) = self.index_of(span, call) {
                    self.silence_call(now, index);
                }
            }
            isdn::Event::Released { call, cause, by_peer } => {
                if let Some(index) = self.index_of(span, call) {
                    self.silence_call(now, index);
                    if let Some(call) = self.calls[index].take() {
                        self.report(now, What::CallEnded { call: call.id, cause, by_peer });
                    }
                    self.settle_service(now, index);
                }
            }
            isdn::Event::Restarted { channels } => {
                self.report(now, What::Restarted { span: span as u16, channels: channels.len() as u32 });
            }
            // Of calls we place, which the gateway does not yet do.
            isdn::Event::Proceeding { .. } | isdn::Event::Alerting { .. } => {}
            isdn::Event::RestartDone { acknowledged: true, .. } => {}
            isdn::Event::RestartDone { channel, acknowledged: false } => {
                self.report(now, What::RestartUnanswered { span: span as u16, timeslot: Timeslot(channel.timeslot) });
            }
            isdn::Event::Name { call, name } => {
                if let Some(call) = self.index_of(span, call).and_then(|index| self.calls[index].as_ref()) {
                    let call = call.id;
                    self.report(now, What::CallNamed { call, name });
                }
            }
            // The answer follows SETUP at once, so there is nothing that could be getting on.
            isdn::Event::Progress { .. } => {}
            // Taken together by `drain_dchannel`.
            isdn::Event::FarChanged { .. } => {}
            // An answer is told by `report_pending`, its absence as an unknown far state.
            isdn::Event::ServiceSettled { .. } => {}
            isdn::Event::ServiceContested { channel } => {
                self.report(now, What::ServiceContested { span: span as u16, timeslot: Timeslot(channel.timeslot) });
            }
        }
    }

    fn incoming(&mut self, now: Duration, span: usize, reference: CallReference, setup: Setup) {
        let choice = self.choose(span, &setup);
        let timeslot = match choice {
            Ok(timeslot) => timeslot,
            Err(reason) => {
                // The call may be gone already: then there is nobody to tell.
                let _ = self.spans[span].dchannel.clear(now, reference, reason.cause());
                let (called, calling) = (setup.called, setup.calling);
                self.report(now, What::Refused { span: span as u16, called, calling, reason });
                return;
            }
        };
        let channel = Channel { span: span as u16, timeslot };
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.calls[channel.index()] = Some(Call {
            id,
            reference,
            caller: caller_hash(setup.calling.as_ref()),
            dialogue: None,
            membership: None,
            talking: false,
            clearing: false,
        });
        let Setup { called, calling, redirecting, name, .. } = setup;
        self.report(now, What::CallTaken { call: id, channel, called, calling, redirecting });
        if let Some(name) = name {
            self.report(now, What::CallNamed { call: id, name });
        }
        self.report(now, What::CallStage { call: id, stage: CallStage::Answering });
        self.settle_service(now, channel.index());
        self.not_owed(channel);
        let dchannel = &mut self.spans[span].dchannel;
        let answered = dchannel.proceed(now, reference, timeslot.0).and_then(|()| dchannel.connect(now, reference));
        if answered.is_err() {
            self.clear_call(now, channel.index(), Reason::Fault);
        }
    }

    /// The bearer channel a SETUP gets, or why it gets none (Q.931 clause 5.2.3).
    fn choose(&self, span: usize, setup: &Setup) -> Result<Timeslot, Reason> {
        if !matches!(self.life, Life::Serving) {
            return Err(Reason::NoneFree);
        }
        if let Bearer::Other(_) = setup.bearer {
            return Err(Reason::Bearer);
        }
        if !self.numbers.is_empty() && !self.numbers.iter().any(|n| n.as_str() == setup.called.digits.as_str()) {
            return Err(Reason::NotOurs);
        }
        // A shortage the exchange has not been told of: call by call.
        if self.shortage.is_some() && self.ports.free(self.now) == 0 {
            return Err(Reason::NoPort);
        }
        let line = self.spans[span].line;
        let idle = |timeslot: Timeslot| {
            let exists = timeslot.0 >= 1 && timeslot.0 <= line.timeslots() && timeslot != line.d_channel();
            let may = |timeslot: Timeslot| self.spans[span].dchannel.service(timeslot.0).is_some_and(|s| s.incoming);
            exists && may(timeslot) && self.calls[Channel { span: span as u16, timeslot }.index()].is_none()
        };
        // Highest first: exchanges hunt from the lowest, so the two seldom meet.
        // Where the choice is ours, one that is in service at both ends.
        let good = |timeslot: Timeslot| self.spans[span].dchannel.service(timeslot.0).is_some_and(|s| s.outgoing);
        let any = || {
            let free = || line.bearers().rev().filter(|t| idle(*t));
            free().find(|t| good(*t)).or_else(|| free().next()).ok_or(Reason::NoneFree)
        };
        match setup.channel {
            ChannelChoice::Exclusive(n) if idle(Timeslot(n.timeslot)) => Ok(Timeslot(n.timeslot)),
            ChannelChoice::Exclusive(_) => Err(Reason::ChannelUnavailable),
            ChannelChoice::Preferred(n) if idle(Timeslot(n.timeslot)) => Ok(Timeslot(n.timeslot)),
            ChannelChoice::Preferred(_) | ChannelChoice::Any => any(),
            // Call waiting, which a conference has no use for.
            ChannelChoice::None => Err(Reason::NoneFree),
        }
    }

    fn index_of(&self, span: usize, reference: CallReference) -> Option<usize> {
        let first = span * SPAN_TIMESLOTS;
        (first..first + SPAN_TIMESLOTS).find(|&i| self.calls[i].as_ref().is_some_and(|c| c.reference == reference))
    }

    // ---- calls ----

    fn act(&mut self, now: Duration, index: usize, action: Action) {
        let channel = Channel::at(index);
        match action {
            Action::None => {}
            Action::Play(prompts) => {
                let Some(call) = self.calls[index].as_ref() else { return };
                let stage = match &call.dialogue {
                    Some(d) if d.at_pin() => CallStage::AskingPin,
                    _ => CallStage::AskingEvent,
                };
                let id = call.id;
                self.report(now, What::CallStage { call: id, stage });
                self.voice(Voice::Play(channel, prompts));
            }
            Action::Hush => self.voice(Voice::Hush(channel)),
            Action::Verify => self.verify(now, index),
            Action::Leave(prompts) => {
                let Some(call) = self.calls[index].as_ref() else { return };
                let id = call.id;
                self.report(now, What::CallStage { call: id, stage: CallStage::Leaving });
                self.voice(Voice::Play(channel, prompts));
            }
            Action::Clear => self.clear_call(now, index, Reason::Normal),
        }
    }

    fn verify(&mut self, now: Duration, index: usize) {
        let Some(call) = self.calls[index].as_mut() else { return };
        let (id, caller) = (call.id, call.caller);
        let Some(dialogue) = call.dialogue.as_mut() else { return };
        let trunk = Channel::at(index).span;
        let Ok(number) = EventNumber::parse(dialogue.event().as_str()) else {
            // The check digit is wrong or digits are missing: a slip of the finger, no guess.
            let action = dialogue.rejected(now, Duration::ZERO);
            self.report(now, What::EntryWrong { call: id, mistyped: true });
            return self.act(now, index, action);
        };
        // Verified even when locked out, so that a lock cannot be told from a wrong PIN by its timing.
        let role = self.keyring.verify(number, dialogue.pin().as_bytes());
        let locked = !self.guard.check(now, number, caller, trunk).is_allowed();
        let Some(role) = role.filter(|_| !locked) else {
            let outcome = self.guard.failed(now, number, caller, trunk);
            let pause = self.guard.delay(now, number, caller, trunk);
            let action = dialogue.rejected(now, pause);
            self.report(now, What::EntryWrong { call: id, mistyped: false });
            let locks = [
                (outcome.event, Locked::Event(number)),
                (outcome.caller, Locked::Caller),
                (outcome.trunk, Locked::Trunk),
            ];
            for (_, what) in locks.into_iter().filter(|(just, _)| *just) {
                self.report(now, What::GuardLocked { call: id, what });
            }
            return self.act(now, index, action);
        };
        self.guard.succeeded(now, caller);
        self.admit(now, index, number, role);
    }

    fn admit(&mut self, now: Duration, index: usize, event: EventNumber, role: Role) {
        let closed = self.closed.why(event);
        let conference = match closed {
            Some(_) => None,
            None => self.conference_of(now, event),
        };
        let Some(call) = self.calls[index].as_mut() else { return };
        let id = call.id;
        let Some(dialogue) = call.dialogue.as_mut() else { return };
        let Some(conference) = conference else {
            let action = dialogue.closed(match closed {
                Some(Closed::Ended) => Prompt::EventEnded,
                Some(Closed::Cancelled) => Prompt::EventCancelled,
                Some(Closed::Over) => Prompt::EventOver,
                None => Prompt::Unavailable,
            });
            self.report(now, What::TurnedAway { call: id, event, closed });
            return self.act(now, index, action);
        };
        dialogue.admitted();
        call.membership = Some(Membership { conference, role, muted: false, keys: HostKeys::default() });
        let Some(entry) = self.conferences[usize::from(conference.0)].as_mut() else { return };
        entry.members += 1;
        entry.until = None;
        let alone = entry.members == 1;
        let talking = call.talking;
        let channel = Channel::at(index);
        self.report(now, What::Joined { call: id, event, role });
        self.report(now, What::CallStage { call: id, stage: CallStage::InConference });
        // In the mix from this moment: whoever speaks over the announcement is heard.
        self.voice(Voice::Join(channel, conference));
        let said = if alone { Prompt::First } else { Prompt::Joined };
        self.voice(Voice::Play(channel, [said].into_iter().collect()));
        if self.tones {
            self.voice(Voice::EntryTone(conference));
        }
        // Who was speaking already while he keyed would otherwise be noticed only after his next pause.
        if talking {
            self.report(now, What::Talking { call: id, talking });
            self.put_on_air(now, conference);
        }
    }

    /// The conference of an event, opened if need be; `None` when no port is free for its stream.
    fn conference_of(&mut self, now: Duration, event: EventNumber) -> Option<ConferenceIndex> {
        let open = self.conferences.iter().position(|c| c.as_ref().is_some_and(|c| c.event == event));
        if let Some(index) = open {
            return Some(ConferenceIndex(index as u16));
        }
        let port = self.ports.take(now, event)?;
        self.conferences[usize::from(port)] = Some(Conference { event, members: 0, on_air: false, until: None });
        self.report(now, What::ConferenceOpened { event, port });
        Some(ConferenceIndex(port))
    }

    /// Out of the conference, if in one; the conference itself stays.
    fn leave_conference(&mut self, now: Duration, index: usize) {
        let Some(call) = self.calls[index].as_mut() else { return };
        let id = call.id;
        let Some(member) = call.membership.take() else { return };
        self.voice(Voice::Leave(Channel::at(index)));
        let Some(conference) = self.conferences[usize::from(member.conference.0)].as_mut() else { return };
        conference.members -= 1;
        let (event, remaining) = (conference.event, conference.members);
        if remaining == 0 {
            conference.until = Some(now + self.linger);
        } else if self.tones {
            self.voice(Voice::ExitTone(member.conference));
        }
        self.report(now, What::Left { call: id, event, remaining });
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

    fn clear_call(&mut self, now: Duration, index: usize, reason: Reason) {
        self.silence_call(now, index);
        let Some(call) = self.calls[index].as_ref() else { return };
        let (reference, span) = (call.reference, index / SPAN_TIMESLOTS);
        // Refused only when the call is being cleared already; its Released event comes all the same.
        let _ = self.spans[span].dchannel.clear(now, reference, reason.cause());
        self.drain_dchannel(now, span);
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
            None => self.clear_call(now, index, Reason::NoneFree),
        }
    }

    // ---- conferences and events ----

    fn put_on_air(&mut self, now: Duration, index: ConferenceIndex) {
        let Some(conference) = self.conferences[usize::from(index.0)].as_mut() else { return };
        if !conference.on_air {
            conference.on_air = true;
            let event = conference.event;
            self.voice(Voice::StreamOpen(index));
            self.report(now, What::StreamStart { event, port: index.0 });
        }
    }

    fn close_conference(&mut self, now: Duration, index: ConferenceIndex) {
        let Some(conference) = self.conferences[usize::from(index.0)].take() else { return };
        let (event, port) = (conference.event, index.0);
        // Also when nothing was streamed: what was kept to begin a stream with is forgotten.
        self.voice(Voice::StreamClose(index));
        if conference.on_air {
            self.ports.release(now, port);
            self.report(now, What::StreamStop { event, port });
        } else {
            self.ports.give_back(now, port);
            self.report(now, What::ConferenceClosed { event, port });
        }
    }

    fn close_event(&mut self, now: Duration, event: EventNumber, closed: Closed, by: Option<CallId>) {
        // Somebody called while the order was on its way: then it is not over.
        let live = self.conferences.iter().flatten().any(|c| c.event == event && c.members > 0);
        if closed == Closed::Over && live {
            return;
        }
        if self.closed.why(event).is_none() {
            if !self.closed.insert(event, closed) {
                self.report(now, What::ClosedFull);
            }
            self.report(now, What::EventClosed { event, closed, by });
        }
        let Some(conference) = self.conferences.iter().position(|c| c.as_ref().is_some_and(|c| c.event == event))
        else {
            return;
        };
        let conference = ConferenceIndex(conference as u16);
        let last_word = match closed {
            Closed::Ended => Prompt::HostEnded,
            Closed::Cancelled => Prompt::EventCancelled,
            Closed::Over => Prompt::EventOver,
        };
        for index in 0..self.calls.len() {
            let member = self.calls[index].as_ref().and_then(|c| c.membership.as_ref());
            if member.is_some_and(|m| m.conference == conference) {
                self.dismiss(now, index, last_word);
            }
        }
        self.close_conference(now, conference);
    }

    /// At the end of an input: what follows from all it has changed.
    fn finish(&mut self, now: Duration) {
        self.now = now;
        if matches!(self.life, Life::Serving) {
            self.watch_ports(now);
            self.start_afresh(now);
        }
        self.go_on_closing(now);
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
                for span in 0..self.spans.len() {
                    self.spans[span].dchannel.stop(now);
                    self.drain_dchannel(now, span);
                }
            }
        }
        if let Life::Releasing { hard } = self.life
            && (hard <= now || self.spans.iter().all(|s| !s.link_up))
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

/// A caller for the guard: FNV-1a over the digits.
fn caller_hash(calling: Option<&Number>) -> Option<u64> {
    let digits = calling.map(|n| n.digits.as_bytes()).filter(|d| !d.is_empty())?;
    let step = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
    Some(digits.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// The cause of a call that ended as it should.
#[must_use]
pub fn is_normal(cause: Cause) -> bool {
    matches!(cause.value, 16 | 31)
}
