//! The office: everything that may wait.
//!
//! One thread takes the reports of the real-time thread and the events of the casters, keeps the
//! picture, writes log, call records and journal, starts and stops streams, and does what follows from
//! time. Questions from the control socket are answered from the picture.
//!
//! Data path: [`Report`]s, [`CastEvent`]s → here → [`Picture`], log, records, journal, caster, [`Order`]s.
//! Time: it looks at its queues every few milliseconds; what it waits for (disk, store) delays only itself.

pub mod alarms;
pub mod audit;
mod bench;
pub mod conference;
pub mod facts;
mod failing;
pub mod held;
pub mod ledger;
pub mod lifecycle;
mod line_file;
pub mod lines;
mod open_calls;
pub mod picture;
pub mod records;
mod selftest;
mod service;
mod standby;
mod store;
pub mod words;

use crate::bench::{Probe, Schedule};
use crate::gateway::{CallId, Channel, Stuck, WhenOut};
use crate::realtime::ring;
use crate::reports::{Closed, Command, Order, Report, What};
use ::conference::{Happening as InConference, MutedBy};
use alarms::AlarmLog;
use cast::{CastEvent, Caster, Codec, Format, StreamStart};
use control::{Fact, Notice, NoticeHub, Severity, Topic};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use event::{EventNumber, Happening, Journal};
pub(crate) use facts::ordered;
use held::HeldPorts;
use ledger::Ledger;
use lifecycle::{Due, Lifecycle, TimeOuts};
use lines::Lines;
use picture::{CallPicture, Picture};
use records::{CallRecord, INCOMING, OUTGOING, Records};
pub(crate) use service::in_words;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
pub use store::Store;

/// How long the office rests between two looks at its queues.
const PAUSE: Duration = Duration::from_millis(5);
/// Samples a ring to an encoder holds: four seconds.
pub const RING_SAMPLES: usize = 32_768;
/// How long an event that takes no more calls is still listed.
pub const CLOSED_SHOWN_MS: u64 = 24 * 3600 * 1000;
/// How often events that were listed long enough are looked for.
const TIDY_EVERY_MS: u64 = 60_000;
/// Notices a watcher may lag behind by.
const NOTICES: usize = 1024;
/// The alarm that the content store could not be used at the start; cleared when something is read from it.
pub const CONTENT_STORE: &str = "content store";
/// The alarm that a recording could not be published; cleared when one is.
const PUBLISHING: &str = "publishing recordings";
/// The alarm that the journal is behind.
pub const JOURNAL: &str = "journal";
/// How often records are made to survive a loss of power, and what could not be done is tried again.
const SYNC_EVERY_MS: u64 = 1000;
/// A clock that is off by more than this has been set; less is its regulation.
const CLOCK_SET_MS: u64 = 1000;
/// What a stream begins with was said so long before it was noticed that somebody talks, in milliseconds: the pre-roll
/// and the stream's delay.
const BEGUN_BEFORE_MS: u64 = 400 + dsp::keyfilter::STREAM_DELAY as u64 / 8;

/// Milliseconds since 1970, UTC.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What the office shares with the control socket.
#[derive(Clone)]
pub struct Shared {
    picture: Arc<Mutex<Picture>>,
    journal: Arc<Mutex<Journal>>,
    ledger: Arc<Mutex<Ledger>>,
    lines: Arc<Mutex<Lines>>,
    orders: Sender<Order>,
    epoch: Instant,
    bench: Arc<Mutex<Schedule>>,
    /// Orders in conferences so far.
    tickets: Arc<AtomicU64>,
    /// By span, what its card can do for a test.
    pub supports: Arc<[hal::Support]>,
    /// Notices to whoever watches.
    pub hub: Arc<NoticeHub>,
}

impl Shared {
    /// The picture, for a moment.
    pub fn picture(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal, for a moment.
    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger of suspensions, for a moment.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The watch over the lines, for a moment.
    pub fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the daemon's start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// The tests, for a moment.
    pub fn bench(&self) -> MutexGuard<'_, Schedule> {
        self.bench.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Say something that is no report, to log and watchers.
    pub fn tell(&self, level: log::Level, topic: &'static str, text: String, fact: Fact) {
        log::log!(target: topic, level, "{text}");
        self.hub.publish(Notice {
            at_ms: now_ms(),
            severity: severity_of(level),
            topic: topic_of(topic),
            text,
            fact: Some(fact),
            ..Notice::default()
        });
    }

    /// The number of an order that wants an answer.
    fn next_ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Say something of a call that is no report, to log and watchers.
    fn tell_of_call(&self, event: EventNumber, call: CallId, text: String, fact: Fact) {
        log::info!(target: "call", "{text}");
        self.hub.publish(Notice {
            at_ms: now_ms(),
            topic: Topic::Call,
            text,
            event: Some(event.to_string()),
            call: Some(call.0),
            fact: Some(fact),
            ..Notice::default()
        });
    }

    /// Tell the real-time thread; false when it takes no more orders.
    #[must_use]
    pub fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// The same for what must not be lost: the order comes back if there is no room for it now. To a thread
    /// that has ended nothing matters any more.
    fn offer(&self, order: Order) -> Result<(), Order> {
        match self.orders.try_send(order) {
            Err(TrySendError::Full(order)) => Err(order),
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    }
}

/// What the office needs to begin.
pub struct Settings {
    /// The server's name.
    pub server: String,
    /// The state directory.
    pub state_dir: PathBuf,
    /// Formats of an event whose record cannot be had.
    pub formats: Vec<Format>,
    /// Time-outs of an event that has none of its own.
    pub time_outs: TimeOuts,
    /// The first stream port.
    pub first_port: u16,
    /// Record what is streamed.
    pub record: bool,
    /// The daemon's start, as reports count from it.
    pub epoch: Instant,
    /// How long a port is held back after a stream.
    pub port_reuse: Duration,
    /// Ports that were held back when the daemon was started.
    pub held: HeldPorts,
    /// How often idle channels, encoders and ports are tried; never if it is not given.
    pub self_test: Option<Duration>,
}

/// A started card, as far as it is looked after and not driven.
pub struct CardControl {
    /// The card's.
    pub control: Box<dyn hal::Control>,
    /// How many spans it has.
    pub spans: u16,
}

/// What the office takes over: where reports, events and used rings come from, and what it looks after.
pub struct Inlets {
    /// From the real-time thread.
    pub reports: rtrb::Consumer<Report>,
    /// Rings it has used up.
    pub used_rings: rtrb::Consumer<rtrb::Producer<i16>>,
    /// Probes it was told to take out.
    pub used_probes: rtrb::Consumer<(Channel, Box<Probe>)>,
    /// From the casters.
    pub cast_events: Receiver<CastEvent>,
    /// The reading ends of the rings to the encoders, by port.
    pub rings: Vec<rtrb::Consumer<i16>>,
    /// Channels that are suspended.
    pub ledger: Ledger,
    /// The cards, in the order that numbers their spans.
    pub cards: Vec<CardControl>,
}

/// What is known of an event that is being called.
#[derive(Clone, Debug, Default)]
struct KnownRecord {
    title: String,
    formats: Vec<Format>,
}

/// The office.
pub struct Office {
    settings: Settings,
    reports: rtrb::Consumer<Report>,
    used_rings: rtrb::Consumer<rtrb::Producer<i16>>,
    used_probes: rtrb::Consumer<(Channel, Box<Probe>)>,
    cast_events: Receiver<CastEvent>,
    cards: Vec<CardControl>,
    service: service::Handed,
    failing: failing::Failing,
    self_test: Option<selftest::SelfTest>,
    standby: standby::Standby,
    alarm_log: AlarmLog,
    rings: Vec<Option<rtrb::Consumer<i16>>>,
    caster: Arc<Caster>,
    store: Store,
    shared: Shared,
    records: Records,
    lifecycle: Lifecycle,
    held: HeldPorts,
    lifecycle_changed: bool,
    known: BTreeMap<EventNumber, KnownRecord>,
    /// Events asked for at the start only to be listed: a record that is not there is no news.
    listed: BTreeSet<EventNumber>,
    /// Orders the real-time thread had no room for, oldest first; at most a few a port or event.
    orders: VecDeque<Order>,
    /// Events that should be on the air and could not be put there, by port.
    unstarted: BTreeMap<u16, EventNumber>,
    /// The daemon's start, in milliseconds since 1970, UTC, by the clock as it is set now.
    epoch_ms: u64,
    synced_ms: u64,
    tidied_ms: u64,
    finished: bool,
}

impl Office {
    /// An office with its picture, journal and records open.
    ///
    /// # Errors
    /// When the state directory cannot be used.
    pub fn open(
        mut settings: Settings,
        mut inlets: Inlets,
        caster: Arc<Caster>,
        store: Store,
        picture: Picture,
        journal: Journal,
        orders: Sender<Order>,
    ) -> std::io::Result<Office> {
        let now = now_ms();
        let (records, unfinished) = Records::open(&settings.state_dir.join("records"), now)?;
        if unfinished > 0 {
            log::warn!(target: "server", "{unfinished} call(s) had not ended when the daemon last stopped; their records are written");
        }
        let held = std::mem::replace(&mut settings.held, HeldPorts::none(&settings.state_dir.join(held::FILE)));
        let lifecycle_file = settings.state_dir.join("events.json");
        let lifecycle = Lifecycle::restore(&lifecycle_file, now).unwrap_or_else(|error| {
            log::error!(target: "server", "{}: {error}; events that wait to be over start anew", lifecycle_file.display());
            Lifecycle::default()
        });
        let mut picture = picture;
        picture.epoch_ms = epoch_ms(settings.epoch);
        for (event, over_at_ms) in lifecycle.idle() {
            picture.events.entry(event).or_default().over_at_ms = Some(over_at_ms);
        }
        // Titles and recordings of what is listed, without waiting for the store.
        let listed: BTreeSet<EventNumber> = picture.events.keys().copied().collect();
        for event in &listed {
            store.look_up(*event);
        }
        // What a kill or a store that was away has kept out of the records.
        for (event, closed) in picture.events.iter().filter_map(|(event, entry)| Some((event, entry.closed?))) {
            store.close(*event, closed.into());
        }
        let alarm_log = AlarmLog::open(&settings.state_dir, now, &mut picture.alarms).unwrap_or_else(|error| {
            log::error!(target: "server", "{}: {error}; alarms of before are not shown", alarms::FILE);
            AlarmLog::anew(&settings.state_dir)
        });
        let lines = watch(&settings, &inlets, &picture);
        let standby = standby::Standby::new(&picture);
        let supports: Arc<[hal::Support]> = bench::take_over(&mut inlets.cards).into();
        let self_test = settings.self_test.map(|every| {
            let bearers = inlets.ledger.places().iter().map(ledger::Place::bearers);
            selftest::SelfTest::new(every, selftest::testable(bearers, &supports), settings.formats.clone())
        });
        let shared = Shared {
            picture: Arc::new(Mutex::new(picture)),
            journal: Arc::new(Mutex::new(journal)),
            ledger: Arc::new(Mutex::new(inlets.ledger)),
            lines: Arc::new(Mutex::new(lines)),
            orders,
            epoch: settings.epoch,
            bench: Arc::default(),
            tickets: Arc::default(),
            supports,
            hub: Arc::new(NoticeHub::new(NOTICES)),
        };
        let rings = inlets.rings.into_iter().map(Some).collect();
        let epoch_ms = epoch_ms(settings.epoch);
        let unbound = caster.unbound();
        let mut office = Office {
            settings,
            reports: inlets.reports,
            used_rings: inlets.used_rings,
            used_probes: inlets.used_probes,
            cast_events: inlets.cast_events,
            cards: inlets.cards,
            service: service::Handed::default(),
            failing: failing::Failing::default(),
            self_test,
            standby,
            alarm_log,
            rings,
            caster,
            store,
            shared,
            records,
            lifecycle,
            held,
            lifecycle_changed: false,
            known: BTreeMap::new(),
            listed,
            orders: VecDeque::new(),
            unstarted: BTreeMap::new(),
            epoch_ms,
            synced_ms: now,
            tidied_ms: now,
            finished: false,
        };
        office.begin_without(&unbound);
        Ok(office)
    }

    /// What the control socket is answered from.
    #[must_use]
    pub fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// Work until the real-time thread has finished, or is there no more, and everything it said is written down.
    pub fn run(mut self) {
        while !self.finished {
            // Looked at first: what it said last is taken in the turn after.
            let gone = self.reports.is_abandoned();
            if !self.turn() {
                if gone {
                    log::error!(target: "server", "the real-time thread is gone: recordings and records are closed");
                    break;
                }
                std::thread::sleep(PAUSE);
            }
        }
        self.close();
    }

    /// One look at all queues; true when there was something to do.
    fn turn(&mut self) -> bool {
        let mut busy = false;
        self.follow_clock();
        while let Ok(report) = self.reports.pop() {
            busy = true;
            self.take(&report);
        }
        while self.used_rings.pop().is_ok() {}
        while let Ok(event) = self.cast_events.try_recv() {
            busy = true;
            self.take_cast_event(&event);
        }
        while let Some(answer) = self.store.poll() {
            busy = true;
            match answer {
                store::Answer::Record(event, info) => self.take_event_info(event, info),
                store::Answer::Recordings(event, count) => {
                    // It may come late, when the event is no longer shown.
                    if let Some(entry) = self.shared.picture().events.get_mut(&event) {
                        entry.recordings = count;
                    }
                }
            }
        }
        self.see_to_time();
        self.see_to_service();
        self.see_to_lines();
        self.see_to_standby();
        self.see_to_tests();
        self.see_to_self_test();
        self.send_orders();
        self.write_down();
        self.tell_alarms();
        busy
    }

    /// The last things: everything that was said is written, streams are ended and published.
    fn close(&mut self) {
        self.close_tests();
        self.close_self_test();
        let in_time = self.caster.shutdown(Duration::from_secs(5));
        while let Ok(event) = self.cast_events.try_recv() {
            self.take_cast_event(&event);
        }
        if !in_time {
            log::warn!(target: "recording", "not every recording is published yet; the rest follows at the next start");
        }
        self.save_lines();
        // The last try for everything that waits.
        self.synced_ms = 0;
        self.write_down();
        if let Err(error) = self.records.sync() {
            log::error!(target: "server", "call records: {error}");
        }
    }

    // ---- reports ----

    fn take(&mut self, report: &Report) {
        let since = u64::try_from(report.at.as_millis()).unwrap_or(u64::MAX);
        let at_ms = self.epoch_ms.saturating_add(since);
        // In words before the picture forgets the call, after it has learnt of it.
        let ends = matches!(report.what, What::CallEnded { .. } | What::Left { .. });
        match report.what {
            What::Talking { call, talking: false } => self.count_talk(call, at_ms),
            What::Conference { what: InConference::Muted { who, .. }, .. } => self.count_muted(who, at_ms),
            What::Conference { what: InConference::Admitted { who, .. }, .. } => self.count_waiting(who, at_ms),
            What::Left { call, .. } => {
                self.count_talk(call, at_ms);
                self.count_muted(call, at_ms);
                self.count_waiting(call, at_ms);
            }
            _ => {}
        }
        let mut fact = facts::of(&report.what, &self.shared.picture());
        if let (Some(fact), What::Held { span, .. }) = (&mut fact, &report.what) {
            facts::add_orders(fact, *span, &self.shared.ledger());
        }
        if ends {
            self.say(at_ms, &report.what, fact.clone());
        }
        self.shared.picture().apply(at_ms, &report.what);
        match report.what {
            What::Talking { call, .. } | What::Left { call, .. } => self.note_what_goes_on(call),
            What::Conference { what: InConference::Muted { who, .. } | InConference::Waits { who, .. }, .. }
            | What::Conference { what: InConference::Admitted { who, .. }, .. } => self.note_what_goes_on(who),
            _ => {}
        }
        if !ends {
            self.say(at_ms, &report.what, fact);
        }
        self.record(at_ms, &report.what);
        self.watch_line(report.at, &report.what);
        self.follow_up(at_ms, &report.what);
    }

    fn say(&self, at_ms: u64, what: &What, fact: Option<Fact>) {
        let Some(sentence) = words::describe(what, &self.shared.picture()) else { return };
        let (event, call, span) = subject(what);
        // Of talk the real-time thread says no more than whose it is.
        let event = event.or_else(|| match what {
            What::Talking { call, .. } => self.shared.picture().calls.get(call)?.event.map(|(event, _)| event),
            _ => None,
        });
        crate::logging::tell(
            sentence.level,
            sentence.topic,
            &sentence.text,
            &[
                ("event", event.map(EventNumber::as_u64)),
                ("call", call.map(|c| c.0)),
                ("span", span.map(|s| u64::from(s) + 1)),
            ],
        );
        self.shared.hub.publish(Notice {
            at_ms,
            severity: severity_of(sentence.level),
            topic: topic_of(sentence.topic),
            text: sentence.text,
            event: event.map(|e| e.to_string()),
            call: call.map(|c| c.0),
            span: span.map(|s| s + 1),
            fact,
        });
    }

    /// Say something that is no report.
    fn announce(&self, level: log::Level, topic: &'static str, event: Option<&str>, text: String) {
        log::log!(target: topic, level, "{text}");
        self.shared.hub.publish(Notice {
            at_ms: now_ms(),
            severity: severity_of(level),
            topic: topic_of(topic),
            text,
            event: event.map(str::to_owned),
            ..Notice::default()
        });
    }

    /// Alarms that nobody has told of yet.
    fn tell_alarms(&self) {
        let news = self.shared.picture().alarms.take_news();
        for alarm in news {
            let (severity, how) = match alarm.cleared_ms {
                None => (alarm.severity, "raised"),
                Some(_) => (Severity::Cleared, "cleared"),
            };
            self.shared.hub.publish(Notice {
                at_ms: now_ms(),
                severity,
                topic: Topic::Server,
                text: format!("alarm {how}: {}", alarm.what),
                fact: Some(alarms::fact(alarm)),
                ..Notice::default()
            });
        }
    }

    fn record(&mut self, at_ms: u64, what: &What) {
        match what {
            What::CallTaken { call, channel, called, calling, redirecting } => {
                let restricted = |n: &isdn::Number| n.presentation != isdn::Presentation::Allowed;
                let screening = |n: &isdn::Number| words::screening_in_words(n.screening).to_owned();
                // Each number says for itself whether it may be shown.
                let shown = |n: &isdn::Number| match n.presentation {
                    isdn::Presentation::Allowed => n.digits.to_string(),
                    _ => control::Masked::new(&n.digits).to_string(),
                };
                self.records.began(CallRecord {
                    server: self.settings.server.clone(),
                    call: call.0,
                    direction: INCOMING.to_owned(),
                    span: channel.span + 1,
                    channel: channel.timeslot.0,
                    called: self.shared.picture().called(called),
                    calling: calling.as_ref().map(shown),
                    calling_restricted: calling.as_ref().is_some_and(restricted),
                    calling_screening: calling.as_ref().map(screening),
                    redirecting: redirecting.as_ref().map(shown),
                    redirecting_restricted: redirecting.as_ref().is_some_and(restricted),
                    redirecting_screening: redirecting.as_ref().map(screening),
                    setup_ms: at_ms,
                    ..CallRecord::default()
                });
            }
            What::InvitePlaced { event, call, channel, called, calling, by } => self.records.began(CallRecord {
                server: self.settings.server.clone(),
                call: call.0,
                direction: OUTGOING.to_owned(),
                span: channel.span + 1,
                channel: channel.timeslot.0,
                called: self.shared.picture().invited(called),
                calling: calling.as_ref().map(|n| n.digits.to_string()),
                setup_ms: at_ms,
                event: Some(event.to_string()),
                invited_by: by.map(|host| host.0),
                ..CallRecord::default()
            }),
            What::InviteMoved { call, channel } => self.records.update(call.0, |r| {
                (r.span, r.channel) = (channel.span + 1, channel.timeslot.0);
            }),
            What::CallNamed { call, name } => self.records.update(call.0, |r| {
                r.calling_name = name.shown().map(str::to_owned);
                r.calling_name_restricted = name.presentation == isdn::Presentation::Restricted;
            }),
            What::CallConnected { call } => self.records.update(call.0, |r| r.connect_ms = Some(at_ms)),
            What::CallLanguage { call, language } => {
                let language = self.shared.picture().language(*language);
                self.records.update(call.0, |r| r.language = language);
            }
            What::EntryWrong { call, .. } => self.records.update(call.0, |r| r.wrong_entries += 1),
            What::LetIn { call, event, role } => self.records.update(call.0, |r| {
                r.event = Some(event.to_string());
                r.role = Some(words::role_in_words(*role).to_owned());
            }),
            What::Joined { call, .. } => self.records.update(call.0, |r| r.joined_ms = Some(at_ms)),
            What::Left { call, .. } => self.records.update(call.0, |r| r.left_ms = Some(at_ms)),
            What::CallEnded { call, cause, by_peer } => self.records.ended(call.0, |r| {
                r.end_ms = Some(at_ms);
                r.cause = Some(cause.value);
                r.cause_location = Some(words::location_in_words(cause.location));
                r.released_by = words::released_by(*by_peer).to_owned();
                r.seconds = r.connect_ms.map(|connected| at_ms.saturating_sub(connected).div_ceil(1000));
            }),
            _ => {}
        }
    }

    /// If the caller was talking until now, that goes into his record.
    fn count_talk(&mut self, call: CallId, at_ms: u64) {
        let from = self.shared.picture().calls.get(&call).filter(|c| c.talking).and_then(|c| c.talked_from_ms);
        if let Some(from) = from {
            self.records.sum_up(call.0, |r| r.talk_ms += at_ms.saturating_sub(from));
        }
    }

    /// The same for the time he has waited.
    fn count_waiting(&mut self, call: CallId, at_ms: u64) {
        let picture = self.shared.picture();
        let member = picture.calls.get(&call).map(|c| &c.member).filter(|member| member.waits_for.is_some());
        let from = member.map(|member| member.waiting_since_ms);
        drop(picture);
        if let Some(from) = from {
            self.records.sum_up(call.0, |r| r.waited_ms += at_ms.saturating_sub(from));
        }
    }

    /// The same for the time he has muted himself.
    fn count_muted(&mut self, call: CallId, at_ms: u64) {
        let by_himself = |c: &&CallPicture| c.member.muted == Some(MutedBy::Oneself);
        let from = self.shared.picture().calls.get(&call).filter(by_himself).map(|c| c.muted_since_ms);
        if let Some(from) = from {
            self.records.sum_up(call.0, |r| r.muted_ms += at_ms.saturating_sub(from));
        }
    }

    /// What goes on with a caller goes into his record with its beginning: a daemon that is killed counts it no more.
    fn note_what_goes_on(&mut self, call: CallId) {
        let picture = self.shared.picture();
        let Some(known) = picture.calls.get(&call) else { return };
        let waits = known.member.waits_for.map(|_| known.member.waiting_since_ms);
        let talks = known.talked_from_ms.filter(|_| known.talking);
        let muted = (known.member.muted == Some(MutedBy::Oneself)).then_some(known.muted_since_ms);
        drop(picture);
        self.records.sum_up(call.0, |r| (r.waits_since_ms, r.talks_since_ms, r.muted_since_ms) = (waits, talks, muted));
    }

    fn follow_up(&mut self, at_ms: u64, what: &What) {
        match what {
            What::ConferenceOpened { event, port } => {
                self.store.look_up(*event);
                self.cast(*event, |caster, first| caster.reserve(first + port, &event.to_string()));
            }
            What::ConferenceClosed { event, port } => {
                self.cast(*event, |caster, first| caster.release(first + port));
                self.known.remove(event);
            }
            What::StreamStart { event, port } => {
                self.held.live(self.settings.first_port + port, *event);
                self.start_stream(*event, *port, at_ms.saturating_sub(BEGUN_BEFORE_MS));
            }
            What::StreamStop { event, port } => {
                if self.unstarted.remove(port).is_some() {
                    self.shared.picture().clear(&stream_alarm(self.settings.first_port + port));
                } else {
                    self.cast(*event, |caster, first| caster.stop(first + port));
                }
                self.known.remove(event);
                self.renew_ring(*port);
                let until_ms =
                    at_ms.saturating_add(u64::try_from(self.settings.port_reuse.as_millis()).unwrap_or(u64::MAX));
                self.held.until(self.settings.first_port + port, *event, until_ms);
                self.shared.picture().held_until_ms.insert(*port, until_ms);
            }
            What::LetIn { event, .. } => {
                let time_outs = self.settings.time_outs;
                self.lifecycle.joined(*event, time_outs);
                self.store.look_up(*event);
                self.lifecycle_changed = true;
                self.shared.picture().event(at_ms, *event).over_at_ms = None;
            }
            What::Left { event, remaining, .. } => {
                self.lifecycle.left(at_ms, *event, *remaining);
                self.lifecycle_changed = true;
                let over_at_ms = self.lifecycle.over_at_ms(*event);
                self.shared.picture().event(at_ms, *event).over_at_ms = over_at_ms;
            }
            What::EventClosed { event, closed, .. } => {
                self.store.close(*event, (*closed).into());
                let kind = match closed {
                    Closed::Ended => Happening::Ended,
                    Closed::Cancelled => Happening::Cancelled,
                    Closed::Over => Happening::Over,
                };
                self.journal(*event, kind);
                if self.lifecycle.closed(*event) {
                    self.archive_due(*event);
                }
                self.lifecycle_changed = true;
            }
            What::SpanOut { span, out, how: WhenOut::Alarm } => self.send_alarm(*span, *out),
            What::PortsShort { short, .. } => {
                let mut picture = self.shared.picture();
                if *short {
                    let text = words::describe(what, &picture).map(|s| s.text).unwrap_or_default();
                    picture.raise(at_ms, service::PORTS_SHORT, Severity::Major, text);
                } else {
                    picture.clear(service::PORTS_SHORT);
                }
            }
            What::Stuck { stuck, stands } => {
                let mut picture = self.shared.picture();
                let alarm = format!("{} stuck", words::stuck_in_words(*stuck, picture.listen.1));
                if *stands {
                    let text = words::describe(what, &picture).map(|s| s.text).unwrap_or_default();
                    picture.raise(at_ms, &alarm, Severity::Major, text);
                } else {
                    picture.clear(&alarm);
                }
            }
            What::ServiceContested { span, timeslot } => {
                let alarm = service::contested(*span, *timeslot);
                let text = words::describe(what, &self.shared.picture()).map(|s| s.text).unwrap_or_default();
                self.shared.picture().raise(at_ms, &alarm, Severity::Minor, text);
            }
            What::Near { span, sets } => self.clear_contested(*span, sets.out),
            What::FarChanged { span, .. } => self.count_unanswered(at_ms, *span),
            What::Probed { channel, reading } => self.read_probe(*channel, *reading),
            What::CallTaken { channel, .. } => self.shared.bench().call_came(at_ms, *channel),
            What::TestCallPlaced { test, call, channel, .. } => {
                self.shared.bench().call_placed(at_ms, *test, *call, *channel);
            }
            What::TestCallNotPlaced { test, why } => {
                self.shared.bench().call_not_placed(at_ms, *test, words::not_placed_in_words(*why).to_owned());
            }
            What::CallStage { call, stage } => self.shared.bench().call_at(at_ms, *call, *stage),
            What::CallEnded { call, cause, by_peer } => {
                self.shared.bench().call_ended(at_ms, *call, *cause, *by_peer);
            }
            What::Finished => self.finished = true,
            _ => {}
        }
    }

    fn cast(&self, event: EventNumber, act: impl FnOnce(&Caster, u16) -> Result<(), cast::Error>) {
        if let Err(error) = act(&self.caster, self.settings.first_port) {
            let text = format!("event {}: {}", event.grouped(), chain(&error));
            self.announce(log::Level::Error, "stream", Some(&event.to_string()), text);
        }
    }

    /// Put an event on the air. What prevents it is an alarm, and it is tried again: the conversation goes on.
    /// `first_ms` is when its first sample was spoken.
    fn start_stream(&mut self, event: EventNumber, port: u16, first_ms: u64) {
        let known = self.known.get(&event).cloned().unwrap_or_default();
        let formats = if known.formats.is_empty() { self.settings.formats.clone() } else { known.formats };
        let Some(samples) = self.rings[usize::from(port)].take() else { return };
        let stream = StreamStart {
            event: event.to_string(),
            title: known.title,
            formats,
            samples,
            started: UNIX_EPOCH + Duration::from_millis(first_ms),
            record: self.settings.record,
        };
        let number = self.settings.first_port + port;
        let Err(error) = self.caster.start(number, stream) else {
            if self.unstarted.remove(&port).is_some() {
                self.shared.picture().clear(&stream_alarm(number));
                let text = format!("event {} is on the air after all, on port {number}", event.grouped());
                self.announce(log::Level::Info, "stream", Some(&event.to_string()), text);
            }
            return;
        };
        if matches!(error, cast::Error::Live(_)) {
            // Of a stream that could not be stopped when it ended.
            drop(self.caster.stop(number));
        }
        if self.unstarted.insert(port, event).is_none() {
            let text = format!(
                "event {} cannot be put on the air on port {number}: {}; it is neither heard nor recorded; tried again",
                event.grouped(),
                chain(&error)
            );
            self.shared.picture().raise(now_ms(), &stream_alarm(number), Severity::Major, text.clone());
            self.announce(log::Level::Error, "stream", Some(&event.to_string()), text);
        }
    }

    /// The ring went with the start that failed, so each try has one of its own.
    fn retry_streams(&mut self) {
        for (port, event) in self.unstarted.clone() {
            self.renew_ring(port);
            // What was said until now is lost.
            self.start_stream(event, port, now_ms());
        }
    }

    /// A fresh ring for the next stream on this port.
    fn renew_ring(&mut self, port: u16) {
        let (producer, consumer) = ring(RING_SAMPLES, || 0);
        self.rings[usize::from(port)] = Some(consumer);
        self.orders.push_back(Order::Outlet(port, producer));
        self.send_orders();
    }

    /// Hand over what waits, as far as there is room.
    fn send_orders(&mut self) {
        while let Some(order) = self.orders.pop_front() {
            if let Err(order) = self.shared.offer(order) {
                self.orders.push_front(order);
                break;
            }
        }
    }

    // ---- casters and store ----

    fn take_cast_event(&mut self, event: &CastEvent) {
        {
            let mut picture = self.shared.picture();
            match event {
                CastEvent::RecordingOpened { event, port, .. } => {
                    picture.recording += 1;
                    if let Ok(number) = EventNumber::parse(event) {
                        picture.event(now_ms(), number).recording += 1;
                    }
                    picture.clear(&format!("recording on port {port}"));
                }
                CastEvent::RecordingClosed { event, .. } => {
                    picture.recording = picture.recording.saturating_sub(1);
                    if let Ok(number) = EventNumber::parse(event) {
                        let entry = picture.event(now_ms(), number);
                        entry.recording = entry.recording.saturating_sub(1);
                    }
                }
                CastEvent::RecordingFailed { port, disk_full, .. } => {
                    let hint = if *disk_full { "; make room, and it resumes by itself" } else { "; it is tried again" };
                    let text = format!("{event}{hint}");
                    picture.raise(now_ms(), &format!("recording on port {port}"), Severity::Major, text);
                }
                CastEvent::PublishDelayed { .. } => {
                    picture.raise(now_ms(), PUBLISHING, Severity::Major, event.to_string());
                }
                CastEvent::EncoderFailed { port, codec, .. } => {
                    picture.raise(now_ms(), &encoder_alarm(*codec, *port), Severity::Minor, event.to_string());
                }
                CastEvent::PushFailed { port, target, .. } => {
                    picture.raise(now_ms(), &push_alarm(*port, target), Severity::Minor, event.to_string());
                }
                CastEvent::PushStarted { port, target, .. } | CastEvent::PushStopped { port, target, .. } => {
                    picture.clear(&push_alarm(*port, target));
                }
                CastEvent::StreamStopped { port, .. } => {
                    picture.clear(&format!("recording on port {port}"));
                    for codec in Codec::ALL {
                        picture.clear(&encoder_alarm(codec, *port));
                    }
                }
                CastEvent::RecordingPublished { event, .. } => {
                    picture.clear(PUBLISHING);
                    if let Ok(number) = EventNumber::parse(event) {
                        // Who looked the event up a moment ago may have seen it already, so it is not one more.
                        self.store.count_recordings(number);
                    }
                }
                _ => {}
            }
        }
        let (level, topic) = match event {
            CastEvent::EncoderFailed { .. } | CastEvent::StreamWasDry { .. } => (log::Level::Error, "stream"),
            CastEvent::PushFailed { .. } => (log::Level::Warn, "stream"),
            CastEvent::PushStarted { .. } | CastEvent::PushStopped { .. } => (log::Level::Info, "stream"),
            _ if event.is_trouble() => (log::Level::Error, "recording"),
            // The report that started or stopped it has said so already.
            CastEvent::StreamStarted { .. } => (log::Level::Debug, "stream"),
            CastEvent::StreamStopped { .. } | CastEvent::ListenersDropped { .. } => (log::Level::Info, "stream"),
            CastEvent::RecordingClosed { .. } => (log::Level::Debug, "recording"),
            _ => (log::Level::Info, "recording"),
        };
        self.announce(level, topic, None, event.to_string());
    }

    fn take_event_info(&mut self, event: EventNumber, info: Result<store::Found, String>) {
        match info {
            Ok(found) => {
                self.listed.remove(&event);
                let default = self.settings.time_outs;
                let time_outs = TimeOuts {
                    over_ms: found.over_after_s.map_or(default.over_ms, |s| s * 1000),
                    archive_ms: found.archive_after_s.map_or(default.archive_ms, |s| s * 1000),
                };
                self.lifecycle.set_time_outs(event, time_outs);
                self.lifecycle_changed = true;
                let mut picture = self.shared.picture();
                picture.clear(CONTENT_STORE);
                // The answer may come late: when the event is no longer shown, or when its conference has gone.
                if let Some(entry) = picture.events.get_mut(&event) {
                    entry.over_at_ms = self.lifecycle.over_at_ms(event);
                    entry.title.clone_from(&found.title);
                    if entry.port.is_some() {
                        self.known.insert(event, KnownRecord { title: found.title, formats: found.formats });
                    }
                }
            }
            Err(_) if self.listed.remove(&event) => {}
            Err(why) => {
                let text = format!(
                    "event {}: its record cannot be had ({why}); the configured formats are used",
                    event.grouped()
                );
                self.announce(log::Level::Warn, "event", Some(&event.to_string()), text);
            }
        }
    }

    // ---- time and disk ----

    /// Dates are counted from the start; when the clock is set (after a boot without one, say), the start moves
    /// along, and with it what counts from a hang-up: else every idle event would be over at once.
    fn follow_clock(&mut self) {
        let epoch_ms = epoch_ms(self.settings.epoch);
        if epoch_ms.abs_diff(self.epoch_ms) > CLOCK_SET_MS {
            let (from, to) = (self.epoch_ms, epoch_ms);
            log::warn!(target: "server", "the clock was set, by {} s", (i128::from(to) - i128::from(from)) / 1000);
            self.lifecycle.clock_set(from, to);
            self.lifecycle_changed = true;
            self.epoch_ms = epoch_ms;
            self.shared.picture().epoch_ms = epoch_ms;
        }
    }

    fn see_to_time(&mut self) {
        let now = now_ms();
        if now.saturating_sub(self.tidied_ms) >= TIDY_EVERY_MS {
            self.tidied_ms = now;
            let shown =
                |e: &picture::EventPicture| e.closed.is_none() || now.saturating_sub(e.since_ms) <= CLOSED_SHOWN_MS;
            self.shared.picture().events.retain(|_, event| event.port.is_some() || shown(event));
        }
        for due in self.lifecycle.due(now) {
            self.lifecycle_changed = true;
            match due {
                Due::Archive(event) => self.archive_due(event),
                // The gateway answers with a report, from which the rest follows.
                Due::Over(event) => {
                    let command = Command::CloseEvent { event, closed: Closed::Over };
                    self.orders.push_back(Order::Gateway(command));
                }
            }
        }
    }

    fn archive_due(&mut self, event: EventNumber) {
        self.journal(event, Happening::ArchiveDue);
        self.shared.picture().event(now_ms(), event).archive_due = true;
        let text = format!("the archive of event {} is due", event.grouped());
        self.announce(log::Level::Info, "event", Some(&event.to_string()), text);
    }

    fn journal(&self, event: EventNumber, what: Happening) {
        let written = self.shared.journal().append(now_ms(), event, what, &self.settings.server);
        if let Err(error) = written {
            let text =
                format!("journal: {}; event {} may take calls again after a restart", chain(&error), event.grouped());
            self.shared.picture().raise(now_ms(), JOURNAL, Severity::Major, text.clone());
            self.announce(log::Level::Error, "event", Some(&event.to_string()), text);
        } else {
            self.shared.picture().clear(JOURNAL);
        }
    }

    /// What the journal could not write is tried again, also when nothing new happens.
    fn retry_journal(&self) {
        let mut journal = self.shared.journal();
        if journal.pending() == 0 {
            return;
        }
        let flushed = journal.flush();
        drop(journal);
        if flushed.is_ok() {
            self.shared.picture().clear(JOURNAL);
            self.announce(log::Level::Info, "event", None, "the event journal is written again".to_owned());
        }
    }

    /// An alarm that cannot be written down is known all the same; it is tried again.
    fn write_alarms(&mut self) {
        let mut picture = self.shared.picture();
        match self.alarm_log.write(&mut picture.alarms) {
            Ok(()) => drop(picture.clear(alarms::FILE)),
            Err(error) => {
                let text = format!("{} cannot be written ({error}); alarms are kept in memory only", alarms::FILE);
                picture.raise(now_ms(), alarms::FILE, Severity::Minor, text);
            }
        }
    }

    fn write_down(&mut self) {
        let now = now_ms();
        let mut result = self.records.flush(now);
        if self.lifecycle_changed && result.is_ok() {
            result = self.lifecycle.save(&self.settings.state_dir.join("events.json"));
            self.lifecycle_changed = result.is_err();
        }
        if result.is_ok() {
            result = self.held.save();
        }
        self.write_alarms();
        if now.saturating_sub(self.synced_ms) >= SYNC_EVERY_MS {
            self.synced_ms = now;
            result = result.and(self.records.sync());
            self.retry_journal();
            self.retry_streams();
        }
        match result {
            Ok(()) => {
                if self.shared.picture().clear("call records") {
                    self.announce(log::Level::Info, "server", None, "call records are written again".to_owned());
                }
            }
            Err(error) => {
                let known = self.shared.picture().alarms.contains("call records");
                let (waiting, lost) = self.records.waiting();
                let text = format!("call records cannot be written ({error}); {waiting} wait in memory, {lost} lost");
                self.shared.picture().raise(now, "call records", Severity::Major, text.clone());
                if !known {
                    self.announce(log::Level::Error, "server", None, text);
                }
            }
        }
    }
}

/// The watch over the spans of the picture, with what was kept of them.
fn watch(settings: &Settings, inlets: &Inlets, picture: &Picture) -> Lines {
    let counters: Vec<hal::Counters> = inlets
        .cards
        .iter()
        .flat_map(|card| (0..card.spans).map(|span| card.control.counters(hal::SpanIndex(span as u8))))
        .collect();
    let framings = picture.spans.iter().map(|span| span.framing);
    let mut lines = Lines::new(
        &settings.state_dir.join(lines::FILE),
        inlets.ledger.places().iter().cloned().zip(framings).collect(),
        settings.epoch.elapsed(),
        Duration::from_millis(now_ms()),
        |span| counters.get(usize::from(span)).copied().unwrap_or_default(),
    );
    for (number, span) in (0u16..).zip(&picture.spans) {
        if span.shared.as_ref().is_some_and(|shared| shared.with_backup) {
            lines.set_one_of_two(number);
        }
    }
    for complaint in lines.restore() {
        log::warn!(target: "span", "{complaint}");
    }
    lines
}

/// The alarm that an event cannot be put on the air on this port.
/// A server that a stream is pushed to does not take it.
fn push_alarm(port: u16, target: &str) -> String {
    format!("push from port {port} to {target}")
}

/// Stands until the stream ends: whatever else it encodes, sound is missing already.
fn encoder_alarm(codec: Codec, port: u16) -> String {
    format!("encoder {codec} on port {port}")
}

fn stream_alarm(port: u16) -> String {
    format!("stream on port {port}")
}

/// When the daemon started, in milliseconds since 1970, UTC, by the clock as it is set now.
fn epoch_ms(epoch: Instant) -> u64 {
    now_ms().saturating_sub(u64::try_from(epoch.elapsed().as_millis()).unwrap_or(u64::MAX))
}

fn subject(what: &What) -> (Option<EventNumber>, Option<CallId>, Option<u16>) {
    match what {
        What::LinkUp { span, .. }
        | What::LinkDown { span }
        | What::LinkSilent { span }
        | What::DChannel { span, .. }
        | What::Alarms { span, .. }
        | What::FrameLost { span, .. }
        | What::FrameUnsent { span }
        | What::Slip { span, .. }
        | What::Restarted { span, .. }
        | What::StartedAfresh { span, .. }
        | What::RestartUnanswered { span, .. }
        | What::FarChanged { span, .. }
        | What::ServicePending { span, .. }
        | What::ServiceContested { span, .. }
        | What::Held { span, .. }
        | What::Near { span, .. }
        | What::SpanOut { span, .. }
        | What::LinkReleased { span }
        | What::Refused { span, .. } => (None, None, Some(*span)),
        What::Probed { channel, .. } => (None, None, Some(channel.span)),
        What::CallTaken { call, channel, .. } | What::TestCallPlaced { call, channel, .. } => {
            (None, Some(*call), Some(channel.span))
        }
        What::LetIn { call, event, .. }
        | What::Joined { call, event, .. }
        | What::Left { call, event, .. }
        | What::TurnedAway { call, event, .. }
        | What::InviteWent { call, event, .. } => (Some(*event), Some(*call), None),
        What::InvitePlaced { event, call, channel, .. } => (Some(*event), Some(*call), Some(channel.span)),
        What::InviteMoved { call, channel } => (None, Some(*call), Some(channel.span)),
        What::EventClosed { event, by, .. } | What::DialOutUnavailable { event, by, .. } => (Some(*event), *by, None),
        What::Conference { event, what } => (Some(*event), what.who().copied(), None),
        What::ConferenceOpened { event, .. }
        | What::ConferenceEnds { event, .. }
        | What::ConferenceClosed { event, .. }
        | What::StreamStart { event, .. }
        | What::StreamStop { event, .. } => (Some(*event), None, None),
        What::CallConnected { call }
        | What::CallNamed { call, .. }
        | What::CallStage { call, .. }
        | What::EntryWrong { call, .. }
        | What::GuardLocked { call, .. }
        | What::Talking { call, .. }
        | What::Level { call, .. }
        | What::KeyPressed { call }
        | What::KeyLetGo { call, .. }
        | What::CallLanguage { call, .. }
        | What::CallEnded { call, .. } => (None, Some(*call), None),
        What::Stuck { stuck: Stuck::Channel(channel), .. } => (None, None, Some(channel.span)),
        What::CardRemoved { .. }
        | What::CardReturned { .. }
        | What::PortsShort { .. }
        | What::Stuck { stuck: Stuck::Port(_), .. }
        | What::TestCallNotPlaced { .. }
        | What::Answered { .. }
        | What::ClosedFull
        | What::Finished => (None, None, None),
    }
}

fn severity_of(level: log::Level) -> Severity {
    match level {
        log::Level::Error => Severity::Major,
        log::Level::Warn => Severity::Warning,
        log::Level::Info | log::Level::Debug | log::Level::Trace => Severity::Info,
    }
}

fn topic_of(topic: &str) -> Topic {
    match topic {
        "span" => Topic::Span,
        "call" => Topic::Call,
        "event" => Topic::Event,
        "stream" => Topic::Stream,
        "recording" => Topic::Recording,
        _ => Topic::Server,
    }
}

/// An error with what caused it, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
