//! The exchange's signalling: calls from callers over trunk groups, and from the far end to subscribers.
//!
//! Looks after the D channel of every span (network side), who has which channel, and hunting. It hears
//! no audio ([`crate::caller`]) and touches no card ([`crate::Exchange`]).
//!
//! Data path: D-channel frames and orders → here → D-channel frames and [`CallerEvent`]s.
//! Time: `now` comes in with every call; [`Switch::poll_timeout`] says when [`Switch::handle_timeout`] is
//! wanted. Drain [`Switch::poll_output`] after every input.
//! Source: ITU-T Q.931 (05/98) clauses 5.1, 5.2, 5.3 seen from the network; channel selection 5.1.2, 5.2.3.
//! An offered call that is refused for want of equipment goes on to the next channel or span
//! ([`crate::route`]) as long as nobody rings.
//!
//! ```text
//!            originate            PROCEEDING           ALERTING          CONNECT
//!   (caller) ────────► Offered ───────────► Proceeding ────────► Ringing ───────► Connected
//!                        │ ▲ refused, next place │                  │                 │
//!                        └─┴─────────────────────┘                  │                 │
//!   (far end) SETUP ──► BeingCalled ──answer──► Answering ──────────┼─────────────────┤
//!                                                                   ▼                 ▼
//!                       hang up, DISCONNECT: Clearing ──────────────────► Released: gone
//! ```

use crate::answer::{Answer, Subscriber, find_subscriber};
use crate::call::{CallOrder, CallerEvent, CallerId, exchange_cause, setup_of};
use crate::route::{Hunt, Reaction, SpanId, TrunkGroup, bearers, bit, channels, find_group, reaction_to};
use crate::trunk::{SharedDChannel, Span, Trunk};
use hal::{DFrame, Line, Timeslot};
use isdn::{
    CallReference, Cause, Channel, ChannelChoice, Config, DChannel, Event, LinkId, Manner, NoServiceMessages, Refused,
    ServiceState, Setup, Side,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// SETUPs sent for one call before the exchange gives up.
pub const OFFERS_MAX: u32 = 256;

/// A span as the switch sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanPlan {
    /// Its kind, which fixes its channels.
    pub line: Line,
    /// What dialect its far end speaks.
    pub switch: isdn::Switch,
}

/// What a switch is made of.
#[derive(Clone, Debug, Default)]
pub struct SwitchPlan {
    /// The spans, in the order of their [`SpanId`].
    pub spans: Vec<SpanPlan>,
    /// Of these, the ones that share a D channel. One that cannot be, as its dialect has none, is left out and logged.
    pub shared: Vec<SharedDChannel>,
    /// Where numbers are routed.
    pub groups: Vec<TrunkGroup>,
    /// Who answers calls that come from the far end.
    pub subscribers: Vec<Subscriber>,
    /// Leave the choice of another channel to the far end instead of insisting on the one named.
    pub channel_preferred: bool,
    /// Never ask about calls when a link is back (STATUS ENQUIRY), as many exchanges do not: a call that the far end has forgotten
    /// stays until its caller hangs up, or RESTART.
    pub never_enquires: bool,
}

/// What the switch wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "short-lived values in one queue")]
pub enum Output {
    /// Send this frame.
    Frame {
        /// On this span.
        span: SpanId,
        /// The frame, without frame check sequence.
        frame: DFrame,
    },
    /// Something happened to a caller.
    Caller {
        /// To this one.
        caller: CallerId,
        /// This.
        event: CallerEvent,
    },
}

/// A channel as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Its span.
    pub span: SpanId,
    /// Its timeslot.
    pub channel: Timeslot,
    /// Calls may be put on it.
    pub in_service: bool,
    /// Who has it.
    pub caller: Option<CallerId>,
}

#[derive(Debug)]
enum Phase {
    /// SETUP sent, nothing heard yet (N6).
    Offered { hunt: Hunt },
    /// The far end works on it (N9). It may still find that it cannot.
    Proceeding { hunt: Hunt },
    /// The far end rings (N7): whatever it says now is for the caller.
    Ringing,
    /// A subscriber is being called (N9 or N7 of an incoming call); `answer_at` says when he takes it, if ever.
    BeingCalled { answer_at: Option<Duration> },
    /// The subscriber answered, the acknowledgement is awaited (N8).
    Answering,
    /// Through (N10).
    Connected,
    /// Waiting for the channel to be free.
    Clearing,
}

impl Phase {
    fn name(&self) -> &'static str {
        match self {
            Phase::Offered { .. } => "offered",
            Phase::Proceeding { .. } => "proceeding",
            Phase::Ringing => "ringing",
            Phase::BeingCalled { .. } => "being called",
            Phase::Answering => "answering",
            Phase::Connected => "connected",
            Phase::Clearing => "clearing",
        }
    }
}

struct Leg {
    span: SpanId,
    channel: Timeslot,
    call: CallReference,
    /// What to offer again elsewhere; empty for calls from the far end.
    setup: Setup,
    phase: Phase,
}

/// The signalling core of the exchange.
pub struct Switch {
    spans: Vec<Span>,
    trunks: Vec<Trunk>,
    groups: Vec<TrunkGroup>,
    subscribers: Vec<Subscriber>,
    channel_preferred: bool,
    legs: BTreeMap<CallerId, Leg>,
    outputs: VecDeque<Output>,
    callers_so_far: u32,
    /// Of the last input.
    now: Duration,
}

impl Switch {
    /// A switch of this plan, with all channels in service and all links down.
    ///
    /// Spans that a group names but the plan lacks are never hunted.
    #[must_use]
    pub fn new(plan: SwitchPlan) -> Switch {
        let mut trunks = Vec::new();
        for shared in plan.shared {
            let first = shared.spans.first().and_then(|span| plan.spans.get(span.0));
            match first.map(|span| config_of(span, plan.never_enquires).with_group(shared.group)) {
                Some(Ok(config)) => trunks.push(Trunk::new(config, shared.spans)),
                Some(Err(why)) => log::warn!("exchange: no shared D channel: {why}"),
                None => log::warn!("exchange: a shared D channel is on a span there is not"),
            }
        }
        for (span, about) in plan.spans.iter().enumerate() {
            if !trunks.iter().any(|trunk: &Trunk| trunk.spans.contains(&SpanId(span))) {
                trunks.push(Trunk::new(config_of(about, plan.never_enquires), vec![SpanId(span)]));
            }
        }
        let span = |(id, about): (usize, &SpanPlan)| {
            let at = |trunk: &Trunk| trunk.spans.iter().position(|span| span.0 == id);
            let places = trunks.iter().enumerate().find_map(|(place, trunk)| Some((place, at(trunk)?)));
            let (trunk, interface) = places.expect("every span has been given a D channel");
            let bearers = bearers(about.line, trunks[trunk].link_on(SpanId(id)).is_some());
            let interface = u8::try_from(interface).expect("a group has room for 31 interfaces");
            Span { trunk, interface, bearers, usable: true, in_service: bearers, occupied: BTreeMap::new() }
        };
        Switch {
            spans: plan.spans.iter().enumerate().map(span).collect(),
            trunks,
            groups: plan.groups,
            subscribers: plan.subscribers,
            channel_preferred: plan.channel_preferred,
            legs: BTreeMap::new(),
            outputs: VecDeque::new(),
            callers_so_far: 0,
            now: Duration::ZERO,
        }
    }

    /// Have service messages on a span, and on those it shares its D channel with: to be called before [`Switch::start`].
    /// The far end must have them too.
    ///
    /// # Errors
    /// The span's dialect has none.
    pub fn with_service_messages(&mut self, span: SpanId) -> Result<(), NoServiceMessages> {
        let Some(span) = self.spans.get(span.0) else { return Ok(()) };
        let trunk = &mut self.trunks[span.trunk];
        trunk.config = trunk.config.with_service_messages()?;
        trunk.d = DChannel::new(trunk.config);
        Ok(())
    }

    /// The subscriber, as a place in the plan's table, who has this number.
    #[must_use]
    pub fn subscriber(&self, called: &str) -> Option<usize> {
        find_subscriber(&self.subscribers, called)
    }

    /// Bring the links of all spans up, and keep them up.
    pub fn start(&mut self, now: Duration) {
        for trunk in &mut self.trunks {
            trunk.d.start(now);
        }
        self.collect(now);
    }

    /// Release the links of all spans.
    pub fn stop(&mut self, now: Duration) {
        for trunk in &mut self.trunks {
            trunk.d.stop(now);
        }
        self.collect(now);
    }

    /// A D-channel frame arrived on a span. One without a D channel has none.
    pub fn handle_frame(&mut self, now: Duration, span: SpanId, frame: &[u8]) {
        let Some(trunk) = self.spans.get(span.0).map(|about| &mut self.trunks[about.trunk]) else { return };
        if let Some(link) = trunk.link_on(span) {
            trunk.d.handle_frame_on(now, link, frame);
            self.collect(now);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        for trunk in &mut self.trunks {
            if trunk.d.poll_timeout().is_some_and(|at| at <= now) {
                trunk.d.handle_timeout(now);
            }
        }
        let due: Vec<CallerId> = self
            .legs
            .iter()
            .filter(|(_, leg)| matches!(leg.phase, Phase::BeingCalled { answer_at: Some(at) } if at <= now))
            .map(|(caller, _)| *caller)
            .collect();
        for caller in due {
            self.answer(now, caller);
        }
        self.collect(now);
    }

    /// When [`Switch::handle_timeout`] wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let links = self.trunks.iter().filter_map(|trunk| trunk.d.poll_timeout());
        let answers = self.legs.values().filter_map(|leg| match leg.phase {
            Phase::BeingCalled { answer_at } => answer_at,
            _ => None,
        });
        links.chain(answers).min()
    }

    /// The next thing to be done, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Somebody dials. What becomes of it is told by events.
    pub fn originate(&mut self, now: Duration, order: &CallOrder) -> CallerId {
        let caller = self.new_caller();
        match find_group(&self.groups, order.called.trim_start_matches('+')) {
            Some(group) => {
                let hunt = Hunt::new(&self.groups[group], OFFERS_MAX);
                self.offer(now, caller, setup_of(order), hunt, None);
            }
            // 3: no route to destination.
            None => self.tell(caller, CallerEvent::NoRoute { cause: exchange_cause(3) }),
        }
        self.collect(now);
        caller
    }

    /// A caller, or a called subscriber, hangs up. False when there is no such call, or it is ending already.
    pub fn hang_up(&mut self, now: Duration, caller: CallerId, cause: Cause) -> bool {
        let Some(leg) = self.legs.get(&caller) else { return false };
        if matches!(leg.phase, Phase::Clearing) {
            return false;
        }
        self.clear(now, caller, cause);
        self.collect(now);
        true
    }

    /// Take a channel out of service for new calls, or put it back; a call on it goes on. The far end is told where the span
    /// has service messages.
    /// False when the span has no such bearer channel.
    pub fn channel_in_service(&mut self, span: SpanId, channel: Timeslot, in_service: bool) -> bool {
        let Some(span) = self.spans.get_mut(span.0) else { return false };
        let mask = bit(channel) & span.bearers;
        if in_service {
            span.in_service |= mask;
        } else {
            span.in_service &= !mask;
        }
        let state = if in_service { ServiceState::InService } else { ServiceState::OutOfService };
        // Refused only where there is no such channel.
        let d = &mut self.trunks[span.trunk].d;
        let done = mask != 0 && d.set_near(self.now, span.channel(channel), state, Manner::Force).is_ok();
        self.collect(self.now);
        done
    }

    /// Layer 1 of a span lets speech through, or no longer does. New calls avoid a span that does not; calls
    /// on it are the D channel's business, which ends them when the alarm lasts (T309). Where a backup stands by, it takes
    /// over at once.
    pub fn span_usable(&mut self, id: SpanId, usable: bool) {
        let Some(span) = self.spans.get_mut(id.0) else { return };
        if std::mem::replace(&mut span.usable, usable) == usable {
            return;
        }
        let trunk = &mut self.trunks[span.trunk];
        if let Some(link) = trunk.link_on(id) {
            if usable {
                trunk.d.line_restored_on(self.now, link);
            } else {
                trunk.d.line_failed(self.now, link);
            }
            self.collect(self.now);
        }
    }

    /// Whether calls of a span can be signalled.
    #[must_use]
    pub fn link_up(&self, span: SpanId) -> bool {
        self.d_channel(span).is_some_and(DChannel::is_up)
    }

    /// Whether calls can be signalled on any span.
    #[must_use]
    pub fn some_link_up(&self) -> bool {
        self.trunks.iter().any(|trunk| trunk.d.is_up())
    }

    /// Whether layer 1 of a span is said to let speech through.
    #[must_use]
    pub fn is_usable(&self, span: SpanId) -> bool {
        self.spans.get(span.0).is_some_and(|span| span.usable)
    }

    /// The spans there are.
    pub fn spans(&self) -> impl Iterator<Item = SpanId> + use<> {
        (0..self.spans.len()).map(SpanId)
    }

    /// All bearer channels, by span and timeslot.
    pub fn channels(&self) -> impl Iterator<Item = ChannelStatus> + '_ {
        self.spans.iter().enumerate().flat_map(|(index, span)| {
            channels(span.bearers).map(move |channel| ChannelStatus {
                span: SpanId(index),
                channel,
                in_service: span.in_service & bit(channel) != 0,
                caller: span.occupied.get(&channel).copied(),
            })
        })
    }

    /// Calls there are, those that are ending included.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.legs.len()
    }

    /// The D channel that signals for a span, to look at its counters and calls.
    #[must_use]
    pub fn d_channel(&self, span: SpanId) -> Option<&DChannel> {
        self.spans.get(span.0).map(|span| &self.trunks[span.trunk].d)
    }

    // What follows is never called from outside; `collect` is called at the end of every input.

    fn new_caller(&mut self) -> CallerId {
        self.callers_so_far += 1;
        CallerId(self.callers_so_far)
    }

    fn tell(&mut self, caller: CallerId, event: CallerEvent) {
        match &event {
            // Its plain form would show numbers, which no log may.
            CallerEvent::Called { span, channel, called, .. } => {
                log::debug!("exchange: caller {caller}: calls {} on {span}/{channel}", called.masked());
            }
            other => log::debug!("exchange: caller {caller}: {other:?}"),
        }
        self.outputs.push_back(Output::Caller { caller, event });
    }

    /// The one place where a call changes its phase.
    fn enter(&mut self, caller: CallerId, next: Phase, why: &str) {
        if let Some(leg) = self.legs.get_mut(&caller) {
            log::trace!("exchange: caller {caller}: {} to {}: {why}", leg.phase.name(), next.name());
            leg.phase = next;
        }
    }

    /// Take what the D channels have to say until all are silent: what one says can make another speak.
    fn collect(&mut self, now: Duration) {
        self.now = now;
        loop {
            let mut silent = true;
            for index in 0..self.trunks.len() {
                let on = [LinkId::Primary, LinkId::Backup].map(|link| self.trunks[index].span_of(link));
                while let Some(output) = self.trunks[index].d.poll_output() {
                    silent = false;
                    match output {
                        isdn::Output::Frame(link, frame) => match (on[link as usize], DFrame::new(frame)) {
                            (Some(span), Some(frame)) => self.outputs.push_back(Output::Frame { span, frame }),
                            _ => log::warn!("exchange: a frame of {} octets is too long to send", frame.len()),
                        },
                        isdn::Output::Event(event) => self.handle_event(now, index, event),
                    }
                }
            }
            if silent {
                return;
            }
        }
    }

    /// Offer a call at the next place of its hunt; `refusal` is what the last place said.
    fn offer(&mut self, now: Duration, caller: CallerId, mut setup: Setup, mut hunt: Hunt, refusal: Option<Cause>) {
        let (spans, trunks) = (&mut self.spans, &mut self.trunks);
        let mut some_link_up = false;
        let (span, channel, call) = loop {
            let place = hunt.next(|id| match spans.get(id.0) {
                Some(span) if span.usable && trunks[span.trunk].d.is_up() => {
                    some_link_up = true;
                    span.free_for_calls_out(&trunks[span.trunk].d)
                }
                _ => 0,
            });
            let Some((id, channel)) = place else {
                // What the last place said is nearest to the truth. Nobody asked: 34 when all were full, 38
                // (network out of order) when all were down.
                let cause = refusal.unwrap_or(exchange_cause(if some_link_up { 34 } else { 38 }));
                return self.tell(caller, CallerEvent::NoRoute { cause });
            };
            let named = spans[id.0].channel(channel);
            setup.channel =
                if self.channel_preferred { ChannelChoice::Preferred(named) } else { ChannelChoice::Exclusive(named) };
            match trunks[spans[id.0].trunk].d.dial(now, &setup) {
                Ok(call) => break (id, channel, call),
                // The D channel still has something on this channel that the table does not know of, a restart perhaps.
                Err(Refused::WrongState | Refused::OutOfService) => hunt.leave_channel(channel),
                Err(Refused::LinkDown | Refused::Full) => hunt.leave_span(),
            }
        };
        spans[span.0].occupied.insert(channel, caller);
        trunks[spans[span.0].trunk].calls.insert(call, caller);
        self.legs.insert(caller, Leg { span, channel, call, setup, phase: Phase::Offered { hunt } });
        self.tell(caller, CallerEvent::Trying { span, channel });
    }

    /// Clear the call towards the far end; `Released` will follow.
    fn clear(&mut self, now: Duration, caller: CallerId, cause: Cause) {
        let Some(leg) = self.legs.get(&caller) else { return };
        let (trunk, call) = (self.spans[leg.span.0].trunk, leg.call);
        if let Err(why) = self.trunks[trunk].d.clear(now, call, cause) {
            // Its release is on the way already.
            log::debug!("exchange: caller {caller} cannot be cleared: {why}");
        }
        self.enter(caller, Phase::Clearing, "hung up");
    }

    fn answer(&mut self, now: Duration, caller: CallerId) {
        let Some(leg) = self.legs.get(&caller) else { return };
        let (trunk, call) = (self.spans[leg.span.0].trunk, leg.call);
        match self.trunks[trunk].d.connect(now, call) {
            Ok(()) => self.enter(caller, Phase::Answering, "answered"),
            Err(why) => {
                log::warn!("exchange: call {caller} cannot be answered: {why}");
                self.clear(now, caller, exchange_cause(41));
            }
        }
    }

    fn handle_event(&mut self, now: Duration, trunk: usize, event: Event) {
        let caller_of = |switch: &Switch, call| switch.trunks[trunk].calls.get(&call).copied();
        // Channels are named with their interface where there are several.
        let span = self.trunks[trunk].spans[0];
        match event {
            Event::LinkUp { reset } => {
                log::info!("exchange: link of span {span} {}", if reset { "reset" } else { "up" });
            }
            Event::LinkDown => log::info!("exchange: link of span {span} down"),
            Event::LinkState { link, state } => log::info!("exchange: {link} D channel of span {span}: {state}"),
            Event::Incoming { call, setup } => self.incoming(now, trunk, call, setup),
            Event::Proceeding { call, channel } => {
                if let Some(caller) = caller_of(self, call) {
                    self.proceeding(now, caller, channel);
                }
            }
            Event::Alerting { call, in_band } => {
                if let Some(caller) = caller_of(self, call)
                    && self.is_rerouted(caller)
                {
                    self.enter(caller, Phase::Ringing, "ALERTING");
                    self.tell(caller, CallerEvent::Alerting { in_band });
                }
            }
            Event::Connected { call } => {
                if let Some(caller) = caller_of(self, call) {
                    self.connected(caller);
                }
            }
            // Who calls a subscriber is told with the call; nobody waits for a name.
            Event::Name { .. } => {}
            Event::Progress { call, location, description } => {
                if let Some(caller) = caller_of(self, call) {
                    log::debug!("exchange: caller {caller}: progress {description} from {location:?}");
                }
            }
            Event::Disconnecting { call, cause, .. } => {
                if let Some(caller) = caller_of(self, call)
                    && !self.is_rerouted(caller)
                    && !matches!(self.legs[&caller].phase, Phase::Clearing)
                {
                    self.enter(caller, Phase::Clearing, "DISCONNECT");
                    self.tell(caller, CallerEvent::Disconnecting { cause });
                }
            }
            Event::Released { call, cause, by_peer } => {
                if let Some(caller) = caller_of(self, call) {
                    self.released(now, caller, cause, by_peer);
                }
            }
            Event::Restarted { channels } => {
                log::info!("exchange: far end restarted {} channels of span {span}", channels.len());
            }
            Event::RestartDone { channel, acknowledged } => {
                log::info!("exchange: restart of span {span} channel {channel}: acknowledged: {acknowledged}");
            }
            Event::FarChanged { channel, state } => {
                log::info!("exchange: span {span} channel {channel} is {state} at the far end");
            }
            Event::ServiceSettled { channel, state, acknowledged } => {
                log::debug!("exchange: span {span} channel {channel} {state} here: acknowledged: {acknowledged}");
            }
            Event::ServiceContested { channel } => {
                log::warn!(
                    "exchange: the far end calls span {span} channel {channel} in service, which it is not here"
                );
            }
        }
    }

    /// Whether a refusal now would send the call on its way to another place.
    fn is_rerouted(&self, caller: CallerId) -> bool {
        matches!(self.legs.get(&caller).map(|leg| &leg.phase), Some(Phase::Offered { .. } | Phase::Proceeding { .. }))
    }

    /// Clause 5.1.2: the first answer names the channel; with a preferred one it may be another.
    fn proceeding(&mut self, now: Duration, caller: CallerId, channel: Channel) {
        let Some(leg) = self.legs.get_mut(&caller) else { return };
        let named = self.trunks[self.spans[leg.span.0].trunk].spans.get(usize::from(channel.interface)).copied();
        let channel = Timeslot(channel.timeslot);
        if (named, channel) != (Some(leg.span), leg.channel) {
            let Some(id) = named.filter(|id| self.spans[id.0].free() & bit(channel) != 0) else {
                // 6: channel unacceptable. It is occupied or does not exist.
                return self.clear(now, caller, exchange_cause(6));
            };
            self.spans[leg.span.0].occupied.remove(&leg.channel);
            self.spans[id.0].occupied.insert(channel, caller);
            (leg.span, leg.channel) = (id, channel);
        }
        let id = leg.span;
        if let Phase::Offered { hunt } = &leg.phase {
            let hunt = hunt.clone();
            self.enter(caller, Phase::Proceeding { hunt }, "CALL PROCEEDING");
            self.tell(caller, CallerEvent::Proceeding { span: id, channel });
        }
    }

    fn connected(&mut self, caller: CallerId) {
        let Some(leg) = self.legs.get(&caller) else { return };
        match leg.phase {
            Phase::Offered { .. } | Phase::Proceeding { .. } | Phase::Ringing | Phase::Answering => {
                let (span, channel) = (leg.span, leg.channel);
                self.enter(caller, Phase::Connected, "CONNECT");
                self.tell(caller, CallerEvent::Connected { span, channel });
            }
            // Hung up while the answer was on its way: the clearing goes on.
            Phase::BeingCalled { .. } | Phase::Connected | Phase::Clearing => {
                log::debug!("exchange: caller {caller}: answer while {}", leg.phase.name());
            }
        }
    }

    /// The stack is done with a call: its channel is free, and the call ends here or goes on elsewhere.
    fn released(&mut self, now: Duration, caller: CallerId, cause: Cause, by_peer: bool) {
        let Some(leg) = self.legs.remove(&caller) else { return };
        let span = &mut self.spans[leg.span.0];
        span.occupied.remove(&leg.channel);
        let trunk = &mut self.trunks[span.trunk];
        trunk.calls.remove(&leg.call);
        let (mut hunt, proceeding) = match leg.phase {
            Phase::Offered { hunt } => (hunt, false),
            Phase::Proceeding { hunt } => (hunt, true),
            Phase::Ringing | Phase::BeingCalled { .. } | Phase::Answering | Phase::Connected | Phase::Clearing => {
                return self.tell(caller, CallerEvent::Ended { cause, by_far_end: by_peer });
            }
        };
        let reaction = match (by_peer, proceeding) {
            (true, _) => reaction_to(cause.value),
            // Nobody hung up here, so it was T303 or the loss of the link: try elsewhere (clause 5.1.1).
            (false, false) => Reaction::NextSpan,
            // T310, or the link was lost after CALL PROCEEDING: the far end had the call. Only when its link
            // has gone is it certain that nobody will answer there.
            (false, true) if !trunk.d.is_up() => Reaction::NextSpan,
            (false, true) => Reaction::Final,
        };
        match reaction {
            Reaction::NextChannel => hunt.leave_channel(leg.channel),
            Reaction::NextSpan => hunt.leave_span(),
            Reaction::Final => return self.tell(caller, CallerEvent::Ended { cause, by_far_end: by_peer }),
        }
        self.tell(caller, CallerEvent::Refused { span: leg.span, channel: leg.channel, cause });
        self.offer(now, caller, leg.setup, hunt, Some(cause));
    }

    /// A SETUP from the far end: find a channel and a subscriber (clauses 5.1.2 and 5.1.5).
    fn incoming(&mut self, now: Duration, place: usize, call: CallReference, setup: Setup) {
        let answer =
            find_subscriber(&self.subscribers, &setup.called.digits).map(|place| self.subscribers[place].answer);
        let (spans, trunk) = (&mut self.spans, &mut self.trunks[place]);
        let free = |id: &SpanId, channel: u8| spans[id.0].free_for_calls_in(&trunk.d) & bit(Timeslot(channel)) != 0;
        let named = |named: Channel| {
            let id = trunk.spans.get(usize::from(named.interface)).filter(|id| free(id, named.timeslot));
            id.map(|id| (*id, Timeslot(named.timeslot)))
        };
        let lowest = || {
            trunk.spans.iter().find_map(|id| {
                let free = spans[id.0].free_for_calls_in(&trunk.d);
                (free != 0).then(|| (*id, Timeslot(free.trailing_zeros() as u8 + 1)))
            })
        };
        let channel = match setup.channel {
            ChannelChoice::Any => lowest().ok_or(34),
            ChannelChoice::Preferred(channel) => named(channel).or_else(lowest).ok_or(34),
            ChannelChoice::Exclusive(channel) => named(channel).ok_or(44),
            ChannelChoice::None => Err(34),
        };
        let accepted = match (channel, answer) {
            (Err(cause), _) => Err(cause),
            // 1: unallocated number.
            (_, None) => Err(1),
            // 17: user busy.
            (_, Some(Answer::Busy)) => Err(17),
            (_, Some(Answer::Refuse(cause))) => Err(cause),
            (Ok(channel), Some(Answer::After(delay))) => Ok((channel, Some(now + delay))),
            (Ok(channel), Some(Answer::Never)) => Ok((channel, None)),
        };
        let ((id, channel), answer_at) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                if let Err(why) = trunk.d.clear(now, call, exchange_cause(cause)) {
                    log::debug!("exchange: a call on span {} ended before it was refused: {why}", trunk.spans[0]);
                }
                return;
            }
        };
        let d = &mut trunk.d;
        if let Err(why) = d.proceed(now, call, spans[id.0].channel(channel)).and_then(|()| d.alert(now, call)) {
            log::warn!("exchange: a call on span {id} cannot be taken: {why}");
            if let Err(why) = d.clear(now, call, exchange_cause(41)) {
                log::debug!("exchange: nor cleared: {why}");
            }
            return;
        }
        let caller = self.new_caller();
        self.spans[id.0].occupied.insert(channel, caller);
        self.trunks[place].calls.insert(call, caller);
        let (called, calling) = (setup.called, setup.calling);
        let phase = Phase::BeingCalled { answer_at };
        self.legs.insert(caller, Leg { span: id, channel, call, setup: Setup::default(), phase });
        self.tell(caller, CallerEvent::Called { span: id, channel, called, calling });
    }
}

fn config_of(span: &SpanPlan, never_enquires: bool) -> Config {
    Config { enquires: !never_enquires, ..Config::new(Side::Network, span.switch, span.line == Line::E1) }
}
