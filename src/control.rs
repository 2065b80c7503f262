//! What `trunkctl` asks for, answered.
//!
//! Questions are answered from the office's picture, orders go to the real-time thread; nothing here
//! waits for either.

mod auditing;
pub(crate) mod bench;
pub(crate) mod checks;
mod conference;
mod doctor;
mod metrics;
mod service;

pub(crate) use service::progress;

use crate::config::Config;
use crate::gateway::{CallId, Channel, SPAN_TIMESLOTS};
use crate::office::audit::Audit;
use crate::office::picture::{CallPicture, EventPicture, Picture, SharedPicture, SpanPicture};
use crate::office::{self, Shared, chain, now_ms};
use crate::realtime::{Granted, Histogram, LoopStatistics};
use crate::reports::{CallStage, Closed, Command, Order};
use crate::trace::Traces;
use board_loopback::FaultDesk;
use cast::{Caster, PortStatus};
use control::{
    Bucket, CallInfo, ChannelInfo, ChannelUse, EventInfo, EventState, ExchangeCallInfo, ExchangeCallState, Handler,
    LinkState, LoopInfo, NoticeHub, Peer, PerformanceInfo, Pins, PortInfo, PortState, Problem, ProblemKind,
    RealtimeInfo, Reply, Request, Reservation, Reserve, ServiceState, Side, SpanCounters, SpanInfo, Status, StreamInfo,
    Subscription, Timing, TraceFeed, TraceWish,
};
use event::{EventNumber, Keyring, Role};
use hal::SpanIndex;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

/// Ended calls of the exchange that are still shown.
const ENDED_SHOWN: usize = 50;

/// How long a call of the exchange waits for a link that is coming up.
const LINK_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// The daemon as the control socket sees it.
pub struct Desk {
    /// The office's.
    pub shared: Shared,
    /// Streams.
    pub caster: Arc<Caster>,
    /// The loop's figures.
    pub statistics: Arc<LoopStatistics>,
    /// What the operating system granted.
    pub granted: Arc<Mutex<Granted>>,
    /// The exchange in software, if there is one.
    pub exchange: Option<Arc<exchange::Handle>>,
    /// Frames of the D channels.
    pub traces: Arc<Traces>,
    /// PIN keys.
    pub keyring: Keyring,
    /// Server's name.
    pub server: String,
    /// Milliseconds of a tick.
    pub tick_ms: u32,
    /// Milliseconds since 1970, UTC.
    pub started_ms: u64,
    /// The state directory.
    pub state_dir: PathBuf,
    /// The content store.
    pub content_dir: PathBuf,
    /// Formats when none are asked for.
    pub formats: Vec<cast::Format>,
    /// The first stream port.
    pub first_port: u16,
    /// By span, where faults are put on the line of a software card.
    pub faults: Vec<Option<(FaultDesk, SpanIndex)>>,
    /// Spans whose card was asked for echo cancellation and has none.
    pub without_canceller: Vec<u16>,
    /// Where the stream ports are reached from here.
    pub listen: IpAddr,
    /// The audit log.
    pub audit: Audit,
    /// The configuration it was started with.
    pub config: Config,
    /// Where streams are heard: `http://127.0.0.1`.
    pub address: String,
}

impl Handler for Desk {
    fn handle(&self, peer: &Peer, request: Request) -> Result<Reply, Problem> {
        let order = auditing::Order::of(&request);
        let answer = self.answer(peer, request);
        if let Some(order) = order {
            self.note(peer, &order, answer.as_ref().err().map(|problem| problem.kind));
        }
        answer
    }

    fn denied(&self, peer: &Peer, request: &Request) {
        if let Some(order) = auditing::Order::of(request) {
            log::warn!(target: "server", "{} may not {} {}", peer.name, order.verb, order.target);
            self.note(peer, &order, Some(ProblemKind::Denied));
        }
    }

    fn watch(&self) -> Subscription {
        self.shared.hub.subscribe()
    }

    fn trace(&self, wish: TraceWish) -> Result<Box<dyn TraceFeed>, Problem> {
        self.traces.feed(wish)
    }
}

impl Desk {
    fn answer(&self, peer: &Peer, request: Request) -> Result<Reply, Problem> {
        match request {
            Request::Status => Ok(Reply::Status(Box::new(self.status()))),
            Request::Spans => Ok(Reply::Spans(self.spans())),
            Request::Channels { span } => self.channels(span),
            Request::Calls => Ok(Reply::Calls(self.calls())),
            Request::Events => Ok(Reply::Events(self.events())),
            Request::ListenPorts => Ok(Reply::Ports(self.ports())),
            Request::Reserve(wish) => self.reserve(wish),
            Request::Announce { event } => self.announce(&event),
            Request::Cancel { event } => self.close(&event, Closed::Cancelled),
            Request::End { event } => self.close(&event, Closed::Ended),
            Request::Conferences => Ok(self.conferences()),
            Request::Conference { event } => self.conference(&event),
            Request::ConferenceOrder { event, order } => self.order_conference(&event, &order),
            Request::HangUp { call } => self.hang_up(call),
            Request::Suspend(wish) => self.suspend(peer, wish),
            Request::PlanSuspend(wish) => self.plan_suspend(&wish),
            Request::Resume(wish) => self.resume(peer, &wish),
            Request::Suspensions => Ok(self.suspensions()),
            Request::Doctor => Ok(self.doctor()),
            Request::Alarms { history: false } => Ok(Reply::Alarms(self.alarms())),
            Request::Alarms { history: true } => Ok(Reply::Alarms(self.shared.picture().alarms.past())),
            Request::Performance { span } => self.performance(span),
            Request::Test(wish) => self.test(peer, &wish),
            Request::PlanTest(wish) => self.plan_test(&wish),
            Request::Tests => Ok(self.tests()),
            Request::Checks => Ok(self.checks()),
            Request::StopTest { id } => self.stop_test(id),
            Request::ReleaseLoops { target } => self.release_loops(&target),
            Request::Fault { span, words } => self.fault(peer, span, words.as_deref()),
            Request::PortFault { port, dead } => self.port_fault(peer, port, dead),
            Request::ExchangeDial(plan) => self.dial(plan),
            Request::ExchangeCalls => self.exchange_calls(),
            Request::ExchangeHangUp { id } => self.exchange_hang_up(id),
            Request::Watch | Request::Trace(_) => Err(Problem::internal("watching is the server's own business")),
        }
    }

    /// The hub of notices, to be closed at the end.
    #[must_use]
    pub fn hub(&self) -> &NoticeHub {
        &self.shared.hub
    }

    /// How the daemon as a whole is.
    pub(crate) fn status(&self) -> Status {
        let drain = self.drain();
        let ports = self.caster.status();
        let live = |status: &PortStatus| matches!(status, PortStatus::Live { .. });
        let alarms = self.alarms();
        let picture = self.shared.picture();
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let loop_ = &self.statistics;
        let in_use: BTreeSet<u16> = picture.events.values().filter_map(|e| Some(e.port?.0)).collect();
        let (used, now) = (in_use.len(), now_ms());
        let failed: BTreeSet<u16> = picture.failed_ports.iter().map(|port| port - self.first_port).collect();
        let failed: BTreeSet<u16> = failed.difference(&in_use).copied().collect();
        let held = picture.held_until_ms.iter().filter(|(_, until)| **until > now);
        let held = held.filter(|(port, _)| !in_use.contains(port) && !failed.contains(port)).count();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            server: self.server.clone(),
            started_at_ms: self.started_ms,
            uptime_s: now_ms().saturating_sub(self.started_ms) / 1000,
            tick_ms: self.tick_ms,
            state_dir: self.state_dir.display().to_string(),
            content_dir: self.content_dir.display().to_string(),
            realtime: RealtimeInfo {
                fifo: granted.fifo,
                locked: granted.memory_locked,
                pinned: granted.pinned,
                note: (!granted.warnings.is_empty()).then(|| granted.warnings.join("; ")),
            },
            loop_: LoopInfo {
                ticks: loop_.ticks.load(Relaxed),
                overruns: loop_.overruns.load(Relaxed),
                late: timing(&loop_.lateness),
                work: timing(&loop_.work),
            },
            calls: count(picture.calls.len()),
            conferences: count(used),
            streams: count(ports.iter().filter(|(_, s)| live(s)).count()),
            listeners: count(ports.iter().map(|(_, s)| listeners(s) as usize).sum()),
            recordings: picture.recording,
            free_ports: count(ports.len().saturating_sub(used + held + failed.len())),
            failed_ports: count(failed.len()),
            total_ports: count(ports.len()),
            alarms,
            dropped_reports: loop_.reports_lost.load(Relaxed),
            drain,
        }
    }

    /// Alarms that stand, the most severe first.
    fn alarms(&self) -> Vec<control::AlarmInfo> {
        let mut alarms = self.shared.picture().alarms.standing();
        let lost = self.statistics.stream_samples_lost.load(Relaxed);
        if lost > 0 {
            alarms.push(control::AlarmInfo {
                severity: control::Severity::Minor,
                what: "encoders".to_owned(),
                text: format!("{lost} samples never reached an encoder: the casting threads are overloaded"),
                since_ms: self.started_ms,
                ..control::AlarmInfo::default()
            });
            office::alarms::sort(&mut alarms);
        }
        alarms
    }

    /// What one line, or all of them, have suffered.
    fn performance(&self, wanted: Option<u16>) -> Result<Reply, Problem> {
        let now = self.shared.now();
        let lines = self.shared.lines();
        let info = |span: u16| {
            let card = lines.place(span)?.card.clone();
            Some(PerformanceInfo { span: span + 1, card, report: lines.report(span, now)? })
        };
        if let Some(number) = wanted {
            let found = number.checked_sub(1).and_then(info);
            return found.map(|one| Reply::Performance(vec![one])).ok_or_else(|| no_span(number, lines.len()));
        }
        Ok(Reply::Performance((0..lines.len() as u16).filter_map(info).collect()))
    }

    fn spans(&self) -> Vec<SpanInfo> {
        let picture = self.shared.picture();
        picture
            .spans
            .iter()
            .enumerate()
            .map(|(index, span)| {
                let in_use = picture.calls.values().filter(|c| usize::from(c.channel.span) == index).count();
                // Unknown is no state: the exchange has said nothing.
                let out = |state: &isdn::FarState| *state != isdn::FarState::Unknown;
                let far = picture.far.iter().filter(|(c, (state, _))| usize::from(c.span) == index && out(state));
                let far = far.fold(0, |set: u32, (channel, _)| set | 1 << channel.timeslot.index());
                let near = picture.near.get(&(index as u16)).map_or(0, |(sets, _)| sets.out | sets.maintenance);
                let shared = span.shared.as_ref();
                SpanInfo {
                    nfas: shared.map(|shared| shared.group.clone()),
                    d_channels_on: shared.map_or_else(Vec::new, |shared| {
                        picture.d_channels_of(&shared.group).map(|number| number + 1).collect()
                    }),
                    ..span_info(index, span, in_use, (near | far).count_ones() as usize)
                }
            })
            .collect()
    }

    fn channels(&self, wanted: Option<u16>) -> Result<Reply, Problem> {
        // In this order everywhere.
        let ledger = self.shared.ledger();
        let picture = self.shared.picture();
        if let Some(number) = wanted.filter(|n| usize::from(*n) > picture.spans.len()) {
            return Err(no_span(number, picture.spans.len()));
        }
        let mut channels = Vec::new();
        for (index, span) in picture.spans.iter().enumerate() {
            if wanted.is_some_and(|n| usize::from(n) != index + 1) {
                continue;
            }
            for timeslot in span.bearers() {
                let far = picture.far.get(&Channel { span: index as u16, timeslot });
                let has = |set: u32| set & 1 << timeslot.index() != 0;
                let pending = picture.pending.get(&(index as u16)).is_some_and(|set| has(*set));
                let (sets, near_since_ms) = picture.near.get(&(index as u16)).copied().unwrap_or_default();
                let near = match (has(sets.out), has(sets.maintenance)) {
                    (true, _) => ServiceState::OutOfService,
                    (false, true) => ServiceState::Maintenance,
                    (false, false) => ServiceState::InService,
                };
                let call = picture
                    .calls
                    .iter()
                    .find(|(_, c)| usize::from(c.channel.span) == index && c.channel.timeslot == timeslot);
                channels.push(ChannelInfo {
                    span: count(index + 1) as u16,
                    channel: timeslot.0,
                    near,
                    // In service until the exchange says something else, which it can with service messages only.
                    far: match (span.up, far.map(|(state, _)| *state)) {
                        (false, None) | (_, Some(isdn::FarState::Unknown)) => ServiceState::Unknown,
                        (true, None) | (_, Some(isdn::FarState::InService)) => ServiceState::InService,
                        (_, Some(isdn::FarState::Maintenance)) => ServiceState::Maintenance,
                        (_, Some(isdn::FarState::OutOfService)) => ServiceState::OutOfService,
                    },
                    // The near state, which is what the exchange is being told.
                    pending: pending.then_some(near),
                    holds: self.holds(&picture, &ledger, index as u16, timeslot),
                    draining: has(sets.draining),
                    use_: call.map_or(ChannelUse::Idle, |(_, c)| match c.stage {
                        CallStage::Answering => ChannelUse::Arriving,
                        CallStage::Leaving => ChannelUse::Clearing,
                        _ => ChannelUse::Connected,
                    }),
                    call: call.map(|(id, _)| id.0),
                    event: call.and_then(|(_, c)| c.event).map(|(e, _)| control::Masked::new(&e.to_string())),
                    since_ms: match (call, far) {
                        (Some((_, call)), _) => call.since_ms,
                        (None, _) if near != ServiceState::InService => near_since_ms,
                        (None, Some((_, since_ms))) => *since_ms,
                        (None, None) => span.since_ms,
                    },
                });
            }
        }
        debug_assert!(channels.len() <= picture.spans.len() * SPAN_TIMESLOTS);
        Ok(Reply::Channels(channels))
    }

    fn calls(&self) -> Vec<CallInfo> {
        let picture = self.shared.picture();
        picture.calls.iter().map(|(id, call)| call_info(&picture, *id, call)).collect()
    }

    fn events(&self) -> Vec<EventInfo> {
        let ports = self.caster.status();
        let picture = self.shared.picture();
        picture.events.iter().map(|(number, event)| self.event_info(*number, event, &ports)).collect()
    }

    fn event_info(&self, number: EventNumber, event: &EventPicture, ports: &[(u16, PortStatus)]) -> EventInfo {
        let state = match event.closed {
            Some(Closed::Ended) => EventState::Ended,
            Some(Closed::Cancelled) => EventState::Cancelled,
            Some(Closed::Over) => EventState::Over,
            None if event.callers > 0 => EventState::Live,
            None if event.archive_due => EventState::ArchiveDue,
            None if event.over_at_ms.is_some() => EventState::Idle,
            None => EventState::Reserved,
        };
        let streams = match event.port {
            Some((index, true, since_ms)) => {
                let port = self.first_port + index;
                let status = ports.iter().find(|(p, _)| *p == port).map(|(_, s)| s);
                let stream = |(format, listeners, octets): (cast::Format, u64, u64)| StreamInfo {
                    format: format.to_string(),
                    url: format!("{}:{port}/{number}.{}", self.address, format.extension()),
                    port,
                    listeners: u32::try_from(listeners).unwrap_or(u32::MAX),
                    octets,
                    since_ms,
                };
                status.map(formats).unwrap_or_default().into_iter().map(stream).collect()
            }
            _ => Vec::new(),
        };
        EventInfo {
            number: number.to_string(),
            title: event.title.clone(),
            state,
            callers: count(event.callers),
            hosts: count(event.hosts),
            streams,
            recordings: event.recordings + event.recording,
            since_ms: Some(event.since_ms),
            over_at_ms: event.over_at_ms,
        }
    }

    fn ports(&self) -> Vec<PortInfo> {
        let now = now_ms();
        let (held, failed) = {
            let picture = self.shared.picture();
            (picture.held_until_ms.clone(), picture.failed_ports.clone())
        };
        let held = |port: u16| held.get(&(port - self.first_port)).copied().filter(|until| *until > now);
        let info = |(port, status): (u16, PortStatus)| {
            let (state, event) = match &status {
                PortStatus::Reserved { event } | PortStatus::Live { event, .. } => (PortState::InUse, Some(event)),
                PortStatus::Idle | PortStatus::Over { .. } if failed.contains(&port) => (PortState::Unavailable, None),
                PortStatus::Over { event, .. } if held(port).is_some() => (PortState::HeldBack, Some(event)),
                PortStatus::Idle if held(port).is_some() => (PortState::HeldBack, None),
                PortStatus::Idle | PortStatus::Over { .. } => (PortState::Free, None),
            };
            let until_ms = held(port).filter(|_| state == PortState::HeldBack);
            PortInfo { port, state, event: event.cloned(), listeners: listeners(&status), until_ms }
        };
        self.caster.status().into_iter().map(info).collect()
    }

    fn reserve(&self, wish: Reserve) -> Result<Reply, Problem> {
        let formats = if wish.formats.is_empty() {
            self.formats.iter().map(ToString::to_string).collect()
        } else {
            for format in &wish.formats {
                if format.parse::<cast::Format>().is_err() {
                    let known = cast::Format::ALL.map(cast::Format::name).join(", ");
                    return Err(Problem::malformed(format!("`{format}` is no format of this server"))
                        .with_hint(format!("formats there are: {known}")));
                }
            }
            let mut formats = wish.formats;
            formats.sort_unstable();
            formats.dedup();
            formats
        };
        let request = event::Request {
            title: wish.title,
            formats,
            created_ms: now_ms(),
            // A year of seconds, which the protocol allows at most, fits.
            over_after_s: wish.over_after_s.and_then(|s| u32::try_from(s).ok()),
            archive_after_s: wish.archive_after_s.and_then(|s| u32::try_from(s).ok()),
            ..event::Request::default()
        };
        let info = event::info::reserve(&self.content_dir, &self.keyring, request).map_err(|error| {
            Problem::unavailable(format!("the event cannot be reserved: {}", chain(&error)))
                .with_hint(format!("see that {} exists and has room", self.content_dir.display()))
        })?;
        let pin = |role| self.keyring.pin(info.number, role).map(|p| p.as_str().to_owned()).unwrap_or_default();
        let pins = Pins { host: pin(Role::Host), speaker: pin(Role::Speaker), listener: pin(Role::Listener) };
        self.list(info.number, &info.title);
        Ok(Reply::Reserved(Reservation {
            event: info.number.to_string(),
            title: info.title,
            pins,
            listen: vec!["the address is told by `trunkctl events` as soon as somebody speaks".to_owned()],
        }))
    }

    /// Lists an event that has been reserved, also after a restart.
    fn list(&self, number: EventNumber, title: &str) {
        let now = now_ms();
        let written = {
            let mut journal = self.shared.journal();
            if journal.state(number).is_some() {
                Ok(())
            } else {
                journal.append(now, number, event::Happening::Reserved, &self.server)
            }
        };
        if let Err(error) = written {
            let text = format!("journal: {}", chain(&error));
            log::error!(target: "event", "{text}");
            self.shared.picture().raise(now, office::JOURNAL, control::Severity::Major, text);
        }
        title.clone_into(&mut self.shared.picture().event(now, number).title);
    }

    fn announce(&self, event: &str) -> Result<Reply, Problem> {
        let number = number_of(event)?;
        let info = event::info::read(&self.content_dir, number).map_err(|error| match error {
            event::InfoError::NotFound { .. } => Problem::not_found(chain(&error))
                .with_hint(format!("its record is looked for in {}", self.content_dir.display())),
            error => Problem::unavailable(chain(&error)),
        })?;
        self.list(number, &info.title);
        Ok(Reply::done(format!("event {} is listed", number.grouped())))
    }

    fn close(&self, event: &str, closed: Closed) -> Result<Reply, Problem> {
        let number = number_of(event)?;
        let callers = {
            let picture = self.shared.picture();
            let known = picture.events.get(&number);
            if known.is_some_and(|e| e.closed.is_some()) {
                return Err(Problem::conflict(format!("event {} takes no more calls already", number.grouped())));
            }
            known.map_or(0, |e| e.callers)
        };
        self.order(Command::CloseEvent { event: number, closed })?;
        let what = if closed == Closed::Cancelled { "cancelled" } else { "ended" };
        Ok(Reply::done(format!("event {} is {what}; callers told and let go: {callers}", number.grouped())))
    }

    fn hang_up(&self, call: u64) -> Result<Reply, Problem> {
        if !self.shared.picture().calls.contains_key(&CallId(call)) {
            return Err(Problem::not_found(format!("there is no call {call}")).with_hint("`trunkctl calls` lists them"));
        }
        self.order(Command::HangUp { call: CallId(call) })?;
        Ok(Reply::done(format!("call {call} is being cleared")))
    }

    fn order(&self, command: Command) -> Result<(), Problem> {
        if self.shared.order(Order::Gateway(command)) {
            Ok(())
        } else {
            Err(Problem::busy("the real-time thread takes no more orders at this moment").with_hint("try again"))
        }
    }

    // ---- the exchange in software ----

    fn exchange(&self) -> Result<&exchange::Handle, Problem> {
        self.exchange.as_deref().ok_or_else(|| {
            Problem::unavailable("no span of this server ends at the exchange in software")
                .with_hint("give a span of a loopback card far_end = \"exchange\"")
        })
    }

    fn dial(&self, plan: control::DialPlan) -> Result<Reply, Problem> {
        let exchange = self.exchange()?;
        let default = exchange::DialPlan::default();
        let plan = exchange::DialPlan {
            called: plan.called.unwrap_or_else(|| self.config.call_in.dialled_by_default()),
            calling: plan.calling.unwrap_or_default(),
            name: plan.name.unwrap_or_default(),
            event: plan.event,
            pin: plan.pin,
            wav: plan.wav.map(PathBuf::from),
            record: plan.record.map(PathBuf::from),
            repeat: match plan.repeat {
                control::Repeat::Times(n) => exchange::Repeat::Times(n),
                control::Repeat::Forever => exchange::Repeat::Forever,
            },
            key_on_ms: plan.key_on_ms,
            key_off_ms: plan.key_off_ms,
            key_level_dbm0: plan.key_level_dbm0,
            hold: plan.hold_ms.map(std::time::Duration::from_millis),
            ..default
        };
        let ended: Vec<_> =
            exchange.callers().into_iter().filter(|c| c.state == exchange::CallerState::Ended).map(|c| c.id).collect();
        for id in ended.iter().take(ended.len().saturating_sub(ENDED_SHOWN)) {
            // Its recording is closed; only the entry goes.
            drop(exchange.take_ended(*id));
        }
        // Where every link stays down the call is dialled all the same and ends with its cause.
        let _ = exchange.wait_for_link(LINK_PATIENCE);
        match exchange.dial(&plan) {
            Ok(id) => Ok(Reply::Dialled { id: u64::from(id.0) }),
            Err(error @ exchange::DialError::Plan { .. }) => Err(Problem::malformed(chain(&error))),
            Err(error) => Err(Problem::unavailable(chain(&error))),
        }
    }

    fn exchange_calls(&self) -> Result<Reply, Problem> {
        let started = self.started_ms;
        let info = |c: exchange::CallerStatus| ExchangeCallInfo {
            id: u64::from(c.id.0),
            called: c.called,
            calling: (!c.calling.is_empty()).then(|| control::Masked::new(&c.calling)),
            name: (!c.name.is_empty()).then_some(c.name),
            state: match c.state {
                exchange::CallerState::Trying | exchange::CallerState::Proceeding => ExchangeCallState::Trying,
                exchange::CallerState::Alerting | exchange::CallerState::Called => ExchangeCallState::Ringing,
                exchange::CallerState::Connected => ExchangeCallState::Connected,
                exchange::CallerState::Clearing => ExchangeCallState::Clearing,
                exchange::CallerState::Ended => ExchangeCallState::Ended,
            },
            doing: String::new(),
            span: u16::try_from(c.span).ok().filter(|n| *n > 0),
            channel: Some(c.channel).filter(|n| *n > 0),
            since_ms: started + c.dialled_at_ms,
            connected_ms: c.connected_at_ms.map_or(0, |from| {
                let now = now_ms().saturating_sub(started);
                c.ended_at_ms.unwrap_or(now).saturating_sub(from)
            }),
            hears_dbm0: Some(c.heard.level_dbm0),
            keys_heard: c.heard.keys.len() as u32,
            record: None,
            cause: c.cause,
            cause_text: None,
        };
        Ok(Reply::ExchangeCalls(self.exchange()?.callers().into_iter().map(info).collect()))
    }

    fn exchange_hang_up(&self, id: u64) -> Result<Reply, Problem> {
        let exchange = self.exchange()?;
        let wanted = u32::try_from(id).map(exchange::CallerId);
        if wanted.is_ok_and(|id| exchange.hang_up(id)) {
            Ok(Reply::done(format!("call {id} of the exchange is being hung up")))
        } else {
            Err(Problem::not_found(format!("the exchange has no call {id} that could be hung up"))
                .with_hint("`trunkctl exchange calls` lists them"))
        }
    }
}

fn number_of(event: &str) -> Result<EventNumber, Problem> {
    EventNumber::parse(event)
        .map_err(|e| Problem::malformed(format!("{event} is no event number: {e}")).with_hint("check the digits"))
}

fn no_span(number: u16, spans: usize) -> Problem {
    Problem::not_found(format!("there is no span {number}")).with_hint(format!("spans are numbered 1 to {spans}"))
}

fn timing(histogram: &Histogram) -> Timing {
    Timing {
        p50_us: histogram.quantile(0.5),
        p99_us: histogram.quantile(0.99),
        max_us: histogram.max(),
        sum_us: histogram.sum(),
        buckets: histogram.filled().map(|(up_to_us, count)| Bucket { up_to_us, count }).collect(),
    }
}

/// What a port is casting as, how many listen to each, and the octets of sound they were sent.
fn formats(status: &PortStatus) -> Vec<(cast::Format, u64, u64)> {
    match status {
        PortStatus::Live { formats, statistics, .. } => {
            let of = |&format| (format, statistics.listeners_of(format), statistics.octets_of(format));
            formats.iter().map(of).collect()
        }
        PortStatus::Idle | PortStatus::Reserved { .. } | PortStatus::Over { .. } => Vec::new(),
    }
}

fn listeners(status: &PortStatus) -> u32 {
    match status {
        PortStatus::Live { statistics, .. } | PortStatus::Over { statistics, .. } => {
            u32::try_from(statistics.read().listeners).unwrap_or(u32::MAX)
        }
        PortStatus::Idle | PortStatus::Reserved { .. } => 0,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn span_info(index: usize, span: &SpanPicture, in_use: usize, out_of_service: usize) -> SpanInfo {
    SpanInfo {
        number: count(index + 1) as u16,
        card: span.card.clone(),
        line: span.line.to_string(),
        switch: crate::config::switch_name(span.switch).to_owned(),
        side: Side::User,
        link: match span {
            SpanPicture { shared: Some(SharedPicture { link: None, .. }), .. } => LinkState::Shared,
            SpanPicture { shared: Some(shared), released: false, .. } if shared.with_backup => match shared.link {
                Some(isdn::LinkState::InService) => LinkState::Active,
                Some(isdn::LinkState::Standby) => LinkState::Standby,
                None | Some(isdn::LinkState::OutOfService) => LinkState::Establishing,
                Some(isdn::LinkState::MaintenanceBusy | isdn::LinkState::Manual) => LinkState::Down,
            },
            SpanPicture { up: true, .. } => LinkState::Up,
            SpanPicture { released: true, .. } => LinkState::Released,
            _ => LinkState::Establishing,
        },
        link_since_ms: span.since_ms,
        alarms: span.alarms.iter_names().map(|(name, _)| name.to_owned()).collect(),
        channels_total: count(span.bearers().count()) as u16,
        in_use: count(in_use) as u16,
        out_of_service: count(out_of_service) as u16,
        counters: SpanCounters {
            calls_taken: span.taken,
            calls_refused: span.refused,
            link_losses: span.link_losses,
            restarts: span.restarts,
            frames_lost: span.frames_lost,
            frames_unsent: span.frames_unsent,
            slips: span.slips,
            underruns: span.counters.underruns,
            line_code_violations: span.counters.line_code_violations,
            path_code_violations: span.counters.path_code_violations,
            far_end_errors: span.counters.far_end_errors,
            framing_errors: span.counters.framing_errors,
        },
        ..SpanInfo::default()
    }
}

fn call_info(picture: &Picture, id: CallId, call: &CallPicture) -> CallInfo {
    CallInfo {
        id: id.0,
        span: call.channel.span + 1,
        channel: call.channel.timeslot.0,
        calling: call.calling.clone(),
        called: call.called.clone(),
        state: match call.stage {
            CallStage::Answering => control::CallStage::Ringing,
            CallStage::AskingLanguage => control::CallStage::AskingLanguage,
            CallStage::AskingEvent => control::CallStage::AskingEvent,
            CallStage::AskingPin => control::CallStage::AskingPin,
            CallStage::Waiting => control::CallStage::Waiting,
            CallStage::InConference => control::CallStage::InConference,
            CallStage::Dialling | CallStage::Proceeding | CallStage::Alerting | CallStage::Answered
                if call.for_test =>
            {
                control::CallStage::TestCall
            }
            CallStage::Dialling | CallStage::Proceeding => control::CallStage::Calling,
            CallStage::Alerting => control::CallStage::RingingThere,
            CallStage::Answered | CallStage::Invited => control::CallStage::Invited,
            CallStage::Leaving => control::CallStage::Leaving,
        },
        outgoing: call.invited_to.is_some(),
        event: call.event.map(|(e, _)| e).or(call.invited_to).map(|e| e.to_string()),
        role: call.event.map(|(_, role)| office::conference::role_of(role)),
        since_ms: call.since_ms,
        muted: call.muted,
        talking: call.talking,
        level_dbm0: call.tenth_dbm0.map(|t| f32::from(t) / 10.0),
        samples_clipped: call.samples_clipped,
        keys_pressed: call.keys_pressed,
        last_key: call.last_key.map(|(pressed_ms, press)| office::facts::key_press(pressed_ms, press)),
        language: call.language.and_then(|language| picture.language(language)),
    }
}
