//! A D channel as a whole: its data link, its calls and the service states of its channels, behind one interface.
//!
//! Looks after who is told what and when; the data link is `q921`'s, calls are `q931`'s, service states
//! `service`'s. What is on the B channels, and which of them a call gets, is the owner's.
//!
//! Data path: D-channel frames → [`DChannel::handle_frame`] → [`Output::Event`]; `dial`, `clear` and their like →
//! [`Output::Frame`].
//! Time: the caller supplies `now` with every input and calls [`DChannel::handle_timeout`] when
//! [`DChannel::poll_timeout`] says so. After every input it collects [`DChannel::poll_output`] until `None`.
//! Source: Q.931 (05/98) clause 5, Q.921 (09/97) clause 5.
//! Words: owner, whoever has the `DChannel` and handles its calls.

use crate::q921::{self, DataLink, Parameters};
use crate::q931::interfaces::Interfaces;
use crate::q931::message::{MessageType, NotAMessage, split};
use crate::q931::{
    self, CALLS_MAX, CallSummary, Calls, Change, Desk, Links, Notice, Restarts, Segments, Settings, Timer, Timers,
    Transition,
};
use crate::service::{self, ChannelService, Manner, NoServiceMessages, Rules, ServiceState, Services};
use crate::{CallReference, Cause, Channel, Event, Group, GroupError, LinkId, LinkState, Refused, Setup, Side, Switch};
use std::time::Duration;

/// What a D channel has to know before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Our role.
    pub side: Side,
    /// What the other end speaks.
    pub switch: Switch,
    /// E1: channels 1 to 15 and 17 to 31, A-law. Otherwise T1: channels 1 to 23, µ-law.
    pub e1: bool,
    /// Calls at one time, those that are ending included; at most [`CALLS_MAX`] for each interface.
    pub max_calls: usize,
    /// Timers of layer 3; the variant's by default.
    pub timers: Timers,
    /// Parameters of the data link; the variant's by default.
    pub link: Parameters,
    /// On E1, B channels are numbered 1 to 30 in messages; the variant's by default.
    pub logical_channels: bool,
    /// Digits of a complete called number, where the variant has overlap receiving.
    pub number_length: usize,
    /// A call that the far end clears with a tone or an announcement is held so that it can be heard, until the owner clears it
    /// or T306 runs out; [`Event::Disconnecting`] says so. By default it is released at once. Of the user side only.
    pub listen: bool,
    /// When the link was lost or reset, ask the far end about calls (STATUS ENQUIRY, Q.931 clauses 5.8.8 to 5.8.10). On by default;
    /// off, this end is like many exchanges: a call that the far end has forgotten stays until somebody clears it, or RESTART.
    pub enquires: bool,
    /// Tell the far end which channels may be used, with SERVICE, and listen to what it tells. Off by default: both ends must
    /// agree, because an end that is not answered takes its channels for lost. Nothing on variants without SERVICE.
    pub service_messages: Option<Rules>,
    /// The interfaces that share the D channel; by default it has one of its own.
    pub group: Option<Group>,
}

impl Config {
    /// The variant's usual values.
    #[must_use]
    pub fn new(side: Side, switch: Switch, e1: bool) -> Config {
        let row = switch.row();
        Config {
            side,
            switch,
            e1,
            max_calls: CALLS_MAX,
            timers: switch.timers(side),
            link: Parameters { t203: Duration::from_secs(row.t203_seconds), ..Parameters::default() },
            logical_channels: row.logical_channels,
            number_length: 1,
            listen: false,
            enquires: true,
            service_messages: None,
            group: None,
        }
    }

    /// The same with service messages as the variant speaks them.
    ///
    /// # Errors
    /// [`NoServiceMessages`]: the variant has none (EuroISDN, QSIG).
    pub fn with_service_messages(self) -> Result<Config, NoServiceMessages> {
        let rules = self.switch.row().service.ok_or(NoServiceMessages)?;
        Ok(Config { service_messages: Some(rules), ..self })
    }

    /// The same for interfaces that share the D channel, and with room for their calls.
    ///
    /// # Errors
    /// [`GroupError::Variant`]: on this variant they do not; [`GroupError::E1`].
    pub fn with_group(self, group: Group) -> Result<Config, GroupError> {
        let row = self.switch.row();
        if !row.shared_d_channel {
            return Err(GroupError::Variant(row.name));
        }
        if self.e1 {
            return Err(GroupError::E1);
        }
        Ok(Config { group: Some(group), max_calls: CALLS_MAX * group.identifiers().len(), ..self })
    }
}

/// What a D channel has for its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "kept by value so that a real-time thread need not allocate")]
pub enum Output<'a> {
    /// Send this frame on this D channel, after those before it. It is lent from the data link until the next input or output.
    Frame(LinkId, &'a [u8]),
    /// Something happened.
    Event(Event),
}

/// Counts of both layers since the D channel was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The data link's.
    pub link: q921::Counters,
    /// The calls'.
    pub calls: q931::Counters,
    /// The service messages'.
    pub service: service::Counters,
}

/// One D channel.
///
/// It allocates nothing after it was made, and is large (about 50 kB, and as much again for each interface), so its owner
/// keeps it in one place.
#[derive(Debug)]
pub struct DChannel {
    desk: Desk,
    calls: Calls,
    restarts: Restarts,
    services: Services,
    segments: Segments,
    group: Option<Group>,
}

impl DChannel {
    /// A D channel at rest: no link, no calls. It answers a far end that establishes the link.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let interfaces = match &config.group {
            Some(group) => Interfaces::shared(group),
            None => Interfaces::alone(config.e1, config.logical_channels),
        };
        let settings = Settings {
            side: config.side,
            row: config.switch.row(),
            interfaces,
            timers: config.timers,
            number_length: config.number_length,
            listen: config.listen && config.side == Side::User,
            enquires: config.enquires,
        };
        let with_backup = config.group.is_some_and(|group| group.interface_of(LinkId::Backup).is_some());
        let links = Links::new(config.side, config.link, with_backup, settings.timers.get(Timer::T321));
        let desk = Desk::new(settings, links);
        let rules = config.service_messages.filter(|_| config.switch.row().service.is_some());
        let services = Services::new(rules, settings.interfaces);
        let restarts = Restarts::new(&settings.interfaces);
        DChannel {
            desk,
            calls: Calls::new(config.max_calls.min(CALLS_MAX * usize::from(interfaces.count()))),
            restarts,
            services,
            segments: Segments::default(),
            group: config.group,
        }
    }

    /// Establishes the link and keeps it up until [`stop`](Self::stop). [`Event::LinkUp`] tells when it is.
    pub fn start(&mut self, now: Duration) {
        self.advance(now);
        self.desk.links.start(now);
        self.heed_links();
    }

    /// The line carries frames again: a link that is wanted and not up is asked for at once.
    pub fn line_restored(&mut self, now: Duration) {
        self.line_restored_on(now, LinkId::Primary);
    }

    /// The same of either D channel.
    pub fn line_restored_on(&mut self, now: Duration, link: LinkId) {
        self.advance(now);
        self.desk.links.line_restored(now, link);
        self.heed_links();
    }

    /// The line of a D channel carries no frames any more: if it carries the signalling, and the other one of its group
    /// stands by, that takes over at once. Otherwise nothing changes; the data link finds out by itself.
    pub fn line_failed(&mut self, now: Duration, link: LinkId) {
        self.advance(now);
        let change = self.desk.links.line_failed(now, link);
        self.follow(change);
        self.heed_links();
    }

    /// Holds a D channel down, or lets it go. The other one of its group takes over if need be; without one, it is the end of
    /// the link, and of its calls after T309.
    pub fn hold_link(&mut self, now: Duration, link: LinkId, held: bool) {
        self.advance(now);
        let change = self.desk.links.set_manual(now, link, held);
        self.follow(change);
        self.heed_links();
    }

    /// Ends all calls without a word to the far end, cause 27, and releases the link. Polite owners clear their calls and
    /// wait for them to be released before.
    pub fn stop(&mut self, now: Duration) {
        self.end_everything(now);
        self.desk.links.stop(now);
        self.heed_links();
    }

    /// As [`stop`](Self::stop), and a far end that wants the link back is refused until [`start`](Self::start): so an exchange
    /// without SERVICE sees that the whole span is out of service.
    pub fn withdraw(&mut self, now: Duration) {
        self.end_everything(now);
        self.desk.links.withdraw(now);
        self.heed_links();
    }

    /// Takes a D-channel frame as it came from the line, without FCS. Any octets are survived.
    pub fn handle_frame(&mut self, now: Duration, frame: &[u8]) {
        self.handle_frame_on(now, LinkId::Primary, frame);
    }

    /// The same from either D channel of a group. Without a backup, nothing is heard from it.
    pub fn handle_frame_on(&mut self, now: Duration, link: LinkId, frame: &[u8]) {
        self.advance(now);
        if let Some(message) = self.desk.links.take_frame(now, link, frame, self.desk.has_room()) {
            if self.group.is_none() || self.is_heard(now, link) {
                self.handle_message(message);
            } else {
                self.desk.counters.on_standby += 1;
            }
        }
        self.heed_links();
    }

    /// To be called at the time told by [`poll_timeout`](Self::poll_timeout) or later; earlier does nothing.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
        if let Some(change) = self.desk.links.handle_timeout(now) {
            self.desk.counters.count_expiry(Timer::T321);
            self.follow(change);
        }
        self.heed_links();
        self.calls.handle_timeout(&mut self.desk);
        let services = &self.services;
        self.restarts.handle_timeout(&mut self.desk, &mut self.calls, |channel| services.is_out(channel));
        self.services.handle_timeout(&mut self.desk);
        self.segments.handle_timeout(&mut self.desk);
        self.calls.sweep(&mut self.desk);
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, by the caller's clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let link = self.desk.links.poll_timeout();
        let (calls, restarts) = (self.calls.poll_timeout(), self.restarts.poll_timeout());
        let timeouts = [link, calls, restarts, self.services.poll_timeout(), self.segments.poll_timeout()];
        timeouts.into_iter().flatten().min()
    }

    /// The next output. To be called after every input until there is none.
    #[inline]
    pub fn poll_output(&mut self) -> Option<Output<'_>> {
        if self.desk.to_sweep || !self.desk.notices.is_empty() || self.services.has_news() {
            return self.next_event();
        }
        self.desk.links.next_frame().map(|(link, frame)| Output::Frame(link, frame))
    }

    /// Whether the data link is up: [`Event::LinkUp`] came last, and not [`Event::LinkDown`].
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.desk.up
    }

    /// Calls: sends SETUP (state U1 or N6). `setup.channel` says which B channel is wanted; [`Event::Proceeding`] tells
    /// which it is.
    ///
    /// # Errors
    /// [`Refused::LinkDown`]; [`Refused::Full`] when there are as many calls as there may be, or the link's queue is
    /// full; [`Refused::WrongState`] when the channel has a call, is being restarted, or does not exist;
    /// [`Refused::OutOfService`] when one of the two ends has taken it out of service. Nothing was sent then.
    pub fn dial(&mut self, now: Duration, setup: &Setup) -> Result<CallReference, Refused> {
        self.advance(now);
        self.calls.dial(&mut self.desk, &self.restarts, setup)
    }

    /// Answers SETUP with CALL PROCEEDING on this channel, exclusively (to U9 or N3). That the channel is free, and that it
    /// is the one asked for if no other will do, is the owner's to know.
    ///
    /// # Errors
    /// [`Refused::WrongState`]: no such call or channel, or a response has been sent already.
    pub fn proceed(&mut self, now: Duration, call: CallReference, channel: impl Into<Channel>) -> Result<(), Refused> {
        let channel = channel.into();
        self.order(now, call, |call, desk| call.proceed(desk, channel))
    }

    /// Tells the far end that it rings: ALERTING (to U7 or N4). Without [`proceed`](Self::proceed) before, on the channel
    /// that SETUP named.
    ///
    /// # Errors
    /// [`Refused::WrongState`]: no such call, it rings or was answered already, or no channel is known.
    pub fn alert(&mut self, now: Duration, call: CallReference) -> Result<(), Refused> {
        self.order(now, call, q931::Call::alert)
    }

    /// Answers: CONNECT. The user side waits for it to be acknowledged (U8, T313), the network side does not;
    /// [`Event::Connected`] comes either way. Channel as with [`alert`](Self::alert).
    ///
    /// # Errors
    /// [`Refused::WrongState`]: no such call, it was answered already, or no channel is known.
    pub fn connect(&mut self, now: Duration, call: CallReference) -> Result<(), Refused> {
        self.order(now, call, q931::Call::connect)
    }

    /// Ends a call: RELEASE COMPLETE in answer to SETUP, DISCONNECT otherwise. [`Event::Released`] follows, at the latest
    /// after T305 and twice T308; at once if the link is down.
    ///
    /// # Errors
    /// [`Refused::WrongState`]: no such call, or it is ending already.
    pub fn clear(&mut self, now: Duration, call: CallReference, cause: Cause) -> Result<(), Refused> {
        self.order(now, call, |call, desk| call.clear(desk, cause))
    }

    /// Ends a call of the network's side and lets the user hear why: DISCONNECT with progress indicator 8 (N12). What there is
    /// to hear is the owner's to put on the channel, until [`Event::Released`]: the user releases the call, or
    /// [`clear`](Self::clear) does, or T306 runs out.
    ///
    /// # Errors
    /// [`Refused::WrongState`]: no such call, we are the user, no channel has been agreed, or it is ending already;
    /// [`Refused::LinkDown`].
    pub fn disconnect_in_band(&mut self, now: Duration, call: CallReference, cause: Cause) -> Result<(), Refused> {
        self.order(now, call, |call, desk| call.disconnect_in_band(desk, cause))
    }

    /// Sends RESTART for a channel; a call on it ends. [`Event::RestartDone`] tells how it went, and until then no call can
    /// be placed on the channel.
    ///
    /// # Errors
    /// [`Refused::LinkDown`]; [`Refused::WrongState`]: no such channel, or its RESTART is under way;
    /// [`Refused::OutOfService`]: one of the two ends has taken it out of service, and RESTART might put it back.
    pub fn restart(&mut self, now: Duration, channel: impl Into<Channel>) -> Result<(), Refused> {
        let channel = channel.into();
        self.advance(now);
        if self.services.is_out(channel) {
            return Err(Refused::OutOfService);
        }
        self.restarts.restart(&mut self.desk, &mut self.calls, channel)
    }

    /// Puts a channel into this service state at our end, and tells the far end so as soon as the link and the pace allow;
    /// [`Event::ServiceSettled`] tells how that went. The state is in force at once; a call on the channel goes on until the
    /// owner ends it. It lasts until the next order: no message changes it. With service messages off, or on a variant that has
    /// none, the channel is closed or opened all the same, and nobody is told.
    ///
    /// # Errors
    /// [`Refused::WrongState`]: no such channel.
    pub fn set_near(
        &mut self,
        now: Duration,
        channel: impl Into<Channel>,
        state: ServiceState,
        manner: Manner,
    ) -> Result<(), Refused> {
        self.advance(now);
        self.services.set_near(&mut self.desk, channel.into(), state, manner)
    }

    /// A channel's service state, and what calls it allows; `None` if there is no such channel.
    #[must_use]
    pub fn service(&self, channel: impl Into<Channel>) -> Option<ChannelService> {
        self.services.service(channel.into())
    }

    /// The calls there are, those that are ending included.
    pub fn calls(&self) -> impl Iterator<Item = CallSummary> {
        self.calls.summaries(&self.desk)
    }

    /// The last changes of state of calls, oldest first.
    pub fn transitions(&self) -> impl Iterator<Item = &Transition> {
        self.desk.trace.iter()
    }

    /// The data link, to look at: of a group with a backup, that of the primary D channel.
    #[must_use]
    pub fn link(&self) -> &DataLink {
        self.desk.links.primary()
    }

    /// What a D channel is doing; `None` for a backup that there is not.
    #[must_use]
    pub fn link_state(&self, link: LinkId) -> Option<LinkState> {
        self.desk.links.get(link).map(|_| self.desk.links.state(link))
    }

    /// The D channel that carries the signalling, while one does.
    #[must_use]
    pub fn active_link(&self) -> Option<LinkId> {
        self.desk.links.active()
    }

    /// The counts of one D channel's link; those of [`counters`](Self::counters) are of the primary's.
    #[must_use]
    pub fn link_counters(&self, link: LinkId) -> Option<&q921::Counters> {
        self.desk.links.get(link).map(DataLink::counters)
    }

    /// What happened so far, in numbers.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { link: *self.link().counters(), calls: self.desk.counters, service: self.services.counters }
    }

    fn order(
        &mut self,
        now: Duration,
        call: CallReference,
        order: impl FnOnce(&mut q931::Call, &mut Desk) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        self.advance(now);
        let done = self.calls.order(call, |call| order(call, &mut self.desk));
        self.calls.sweep(&mut self.desk);
        done.unwrap_or(Err(Refused::WrongState))
    }

    /// The next event for the owner, or a frame if there is none. What a restart means for service states is done on its way.
    fn next_event(&mut self) -> Option<Output<'_>> {
        // Endings that found the queue of events full, and find room now.
        self.calls.sweep(&mut self.desk);
        match self.desk.notices.first() {
            Some(Notice::Restarted) => {
                let channels = self.desk.notices.restarted();
                self.services.restarted(&mut self.desk, &channels);
            }
            Some(&Notice::RestartDone { channel, acknowledged: false }) => {
                self.services.restart_unanswered(&mut self.desk, channel);
            }
            Some(_) => {}
            None => {
                if let Some(event) = self.services.next_event() {
                    return Some(Output::Event(event));
                }
                return self.desk.links.next_frame().map(|(link, frame)| Output::Frame(link, frame));
            }
        }
        self.desk.notices.next()
    }

    /// Whether a message counts that a link of a group has brought, and acts upon what it means for the links.
    fn is_heard(&mut self, now: Duration, link: LinkId) -> bool {
        let (counts, change) = self.desk.links.heard(now, link);
        self.follow(change);
        counts
    }

    /// The information field of an I frame.
    fn handle_message(&mut self, message: &[u8]) {
        match split(message) {
            Ok(raw) if raw.kind == MessageType::SEGMENT => {
                if let Some(whole) = self.segments.take(&mut self.desk, message, &raw) {
                    self.calls.handle_message(&mut self.desk, &mut self.restarts, split(whole));
                }
            }
            taken_apart => {
                // In between segments no other message may come (Annex H.2 g), so there is no rest to wait for.
                self.segments.drop_all(&mut self.desk);
                if taken_apart == Err(NotAMessage::Maintenance) && self.services.is_on() {
                    return self.services.handle(&mut self.desk, message);
                }
                self.calls.handle_message(&mut self.desk, &mut self.restarts, taken_apart);
            }
        }
        if let Some(channel) = self.desk.offered.take() {
            self.services.offered(&mut self.desk, channel);
        }
    }

    /// Acts upon what has become of the links.
    #[inline]
    fn heed_links(&mut self) {
        if self.desk.links.has_change() {
            self.heed_changes();
        }
    }

    fn heed_changes(&mut self) {
        while let Some((link, change)) = self.desk.links.take_change() {
            let now = self.desk.now;
            let change = match change {
                q921::Change::Established { reset } => self.desk.links.established(now, link, reset),
                q921::Change::Released => self.desk.links.released(now, link),
            };
            self.follow(change);
        }
    }

    /// What a change of the links means for everything above them.
    fn follow(&mut self, change: Change) {
        if let Some(place) = self.desk.links.active().and_then(|link| self.group?.interface_of(link)) {
            self.desk.settings.interfaces.carried_on(place);
        }
        while let Some((link, state)) = self.desk.links.next_news() {
            self.desk.tell(Notice::LinkState { link, state });
        }
        match change {
            Change::None => {}
            Change::Up { reset } => self.link_established(reset),
            Change::Down => self.link_lost(),
            Change::TakenOver => self.taken_over(),
        }
    }

    /// The other D channel carries the signalling now (Q.931 Annex F.2.2). To the calls it is a reset of the link: what was on
    /// its way is lost, and nothing else; so one whose digits were on their way is cleared (5.8.8 a). Service states are the group's and are not told again; SERVICE is repeated by T3M1.
    fn taken_over(&mut self) {
        self.calls.for_each(|call| call.link_established(&mut self.desk, true));
        self.calls.sweep(&mut self.desk);
    }

    /// DL-ESTABLISH indication or confirm.
    fn link_established(&mut self, reset: bool) {
        self.desk.up = true;
        self.segments.drop_all(&mut self.desk);
        self.desk.tell(Notice::LinkUp { reset });
        self.calls.for_each(|call| call.link_established(&mut self.desk, reset));
        self.services.link_established(&mut self.desk);
        self.calls.sweep(&mut self.desk);
    }

    /// DL-RELEASE indication or confirm.
    fn link_lost(&mut self) {
        self.desk.up = false;
        self.segments.drop_all(&mut self.desk);
        self.desk.tell(Notice::LinkDown);
        self.calls.for_each(|call| call.link_lost(&mut self.desk));
        self.services.link_lost(&mut self.desk);
        self.calls.sweep(&mut self.desk);
    }

    fn end_everything(&mut self, now: Duration) {
        self.advance(now);
        q931::end_all_calls(&mut self.desk, &mut self.calls);
        self.restarts.give_up(&mut self.desk);
    }

    /// A clock that goes back is taken to stand still.
    fn advance(&mut self, now: Duration) {
        self.desk.now = self.desk.now.max(now);
    }
}
