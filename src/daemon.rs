//! The composition: cards, gateway, voice path, casters, office, control socket, exchange; started in
//! this order and stopped in the other.

mod cards;
pub mod ending;
pub mod manager;
mod watch;
#[cfg(feature = "portal")]
mod web;

use crate::bench::Rack;
use crate::config::call_in::Languages;
use crate::config::nfas::{SharedDChannel, group_of, has_d_channel};
use crate::config::voice::EchoCanceller;
use crate::config::{Board, Card as CardConfig, Config, FarEnd, Listeners, Span as SpanConfig};
use crate::control::Desk;
use crate::demonstration;
use crate::doorkeeper::Doorkeeper;
use crate::gateway::callin::Patience;
use crate::gateway::{ClosedEvents, Gateway, SPAN_TIMESLOTS, Settings as GatewaySettings};
use crate::metrics;
use crate::office::audit::Audit;
use crate::office::held::HeldPorts;
use crate::office::ledger::{Ledger, Place};
use crate::office::lifecycle::TimeOuts;
use crate::office::picture::{Picture, SpanPicture};
use crate::office::{self, CardControl, Inlets, Office, RING_SAMPLES, Store, chain, now_ms};
use crate::prompts::{Menu, Sounds, is_built_in};
use crate::realtime::{
    Engine, EngineCard, Granted, LoopStatistics, RealtimeLoop, Settings as LoopSettings, SlipBuffered, lock_memory,
    ring,
};
use crate::reports::{Closed, Command, Order, Report, What};
use crate::trace::{self, Collector, SpanName, Traces};
use crate::voice::VoicePath;
use board_loopback::CapturingCard;
use cards::{Built, Cards};
use cast::{Caster, RecorderSettings};
use ending::{Ending, Why};
use event::{Guard, Journal, JournalError, Keyring};
use hal::{Card, Line, SpanIndex};
use manager::Manager;
use nix::sys::signal::{SigSet, Signal};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Events of each kind that may be closed until the next restart: with one every minute, enough for two months.
const CLOSED_REMEMBERED: usize = 100_000;
/// Reports that may wait for the office.
const REPORTS: usize = 65_536;
/// Orders that may wait for the real-time thread.
const ORDERS: usize = 1024;

/// How long the order to close down may find the queue full.
const ORDER_PATIENCE: Duration = Duration::from_secs(2);
/// How often the daemon looks whether its threads are all there, in milliseconds.
const WATCH_MS: u16 = 250;

/// How long the demonstration waits for its D channel.
const LINK_PATIENCE: Duration = Duration::from_secs(10);

/// Why the daemon cannot start or go on: a sentence for the person who started it.
pub type Failure = String;

/// What a valid configuration may still run into on this machine.
#[must_use]
pub fn preflight(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let groups = config.groups();
    let spans = cards_of(config).into_iter().flat_map(|card| card.spans);
    let bearers = |(number, span): (u16, SpanConfig)| span.line.bearers_beside(has_d_channel(&groups, number)).count();
    let channels: usize = (0u16..).zip(spans).map(bearers).sum();
    if config.stream.ports.len() < channels / 2 {
        warnings.push(format!(
            "stream.ports = \"{}\" holds {} ports for {channels} channels: with more events of one or two callers than \
             that, callers are turned away",
            config.stream.ports,
            config.stream.ports.len()
        ));
    }
    warnings.extend(config.conference.warnings());
    warnings
}

/// What keeps the daemon from starting with a valid configuration, in the words it ends with then: files and accounts that are not
/// there. Ports that another program has now may be free by then, and are told by [`crate::doctor::obstacles`].
#[must_use]
pub fn hindrances(config: &Config) -> Vec<String> {
    [load_sounds(config).err(), config.control.admission().err()].into_iter().flatten().collect()
}

/// What callers hear.
fn load_sounds(config: &Config) -> Result<Sounds, String> {
    let languages = config.call_in.languages();
    Sounds::load(&config.call_in.prompts, &languages, &config.call_in.music).map_err(|error| {
        // Which languages there are is said by the error; files of one's own can be done without where all are built in.
        match languages.iter().all(|code| is_built_in(code)) {
            true => {
                format!("{error}; put it right, or leave call_in.prompts and call_in.music empty for what is built in")
            }
            false => error.to_string(),
        }
    })
}

/// The configured cards, or that of the demonstration.
fn cards_of(config: &Config) -> Vec<CardConfig> {
    if !config.cards.is_empty() {
        return config.cards.clone();
    }
    let span = SpanConfig {
        line: Line::E1,
        framing: None,
        switch: isdn::Switch::EuroIsdn,
        far_end: Some(FarEnd::Exchange),
        socket: PathBuf::new(),
        service_messages: false,
        restart_at_start: false,
        out_of_service: crate::config::OutOfService::Default,
        at: None,
        timing: None,
        coding: None,
        build_out: None,
    };
    vec![CardConfig {
        board: Board::Loopback,
        name: "soft0".to_owned(),
        configure: None,
        reserve_ms: None,
        echo_cancel_taps: None,
        socket: PathBuf::new(),
        spans: vec![span],
    }]
}

/// The languages offered, as they were loaded.
fn menu_of(sounds: &Sounds, offered: &Languages) -> Menu {
    offered.0.iter().filter_map(|code| sounds.index_of(code)).collect()
}

/// Run until SIGINT or SIGTERM, and until calls have ended where they are waited for.
///
/// # Errors
/// In words: what cannot be used, and what to do about it.
pub fn run(config: Config, demonstrate: bool) -> Result<(), Failure> {
    crate::logging::start(config.log.level, config.log.format);
    // Blocked before any thread is started, so that only the wait below ever takes them.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    signals.thread_block().map_err(|e| format!("cannot set up signals: {}", e.desc()))?;

    let state_dir = config.server.state_dir.clone();
    make_directory(&state_dir)?;
    let content_dir = config.content_dir();
    // A store that is away keeps nobody from calling; recordings wait in the spool.
    let store_away = make_directory(&content_dir).err();
    if let Some(why) = &store_away {
        log::error!(target: "server", "content store: {why}; calls are taken, recordings wait in the spool");
    }
    let sounds = load_sounds(&config)?;
    // What callers are told of their keys is what these do.
    let rules = &config.conference;
    let sounds = sounds.with_menus(&rules.menus().useful(&rules.rules(config.recording.enabled), &rules.dial_out()));
    let keyring = Keyring::load_or_create(&config.keys()).map_err(|e| chain(&e))?;
    let journal = Journal::open(&state_dir).map_err(|error| match &error {
        JournalError::InUse { .. } => {
            format!("{}; stop that one, or give this one a server.state_dir of its own", chain(&error))
        }
        _ => chain(&error),
    })?;
    let server = config.server_name();
    let epoch = Instant::now();
    let started_ms = now_ms();

    // Memory first, so that everything taken from now on is locked as well.
    let mut granted = Granted::default();
    if config.realtime.realtime {
        lock_memory(&mut granted);
    }

    let (cast_sender, cast_events) = crossbeam_channel::bounded(4096);
    let ports = config.stream.ports;
    let cast_settings = cast::Settings {
        address: config.stream.address,
        public: config.stream.public.clone(),
        push: config.stream.push.clone(),
        ports: ports.first..=ports.last,
        threads: usize::from(config.stream.threads),
        max_listeners: config.stream.max_listeners,
        door: door(&config, &keyring),
        ..cast::Settings::default()
    };
    let recorder = config.recording.enabled.then(|| RecorderSettings {
        min_free_mb: config.recording.min_free_mb,
        ..RecorderSettings::new(state_dir.join("spool"), &content_dir, &server)
    });
    let caster = Caster::launch(cast_settings, recorder, cast_sender).map_err(|error| match &error {
        cast::Error::Bind { .. } => format!(
            "{}; another program, or another trunkcastd, has a port of stream.ports = \"{ports}\": stop it, or give this \
             server a range of its own",
            chain(&error)
        ),
        _ => chain(&error),
    })?;
    let caster = Arc::new(caster);

    let cards = Cards::build(&config)?;
    let lines: Vec<Line> = cards.pictures.iter().map(|s| s.line).collect();
    let closed = closed_events(&journal, &keyring);
    let mut gateway = Gateway::new(GatewaySettings {
        spans: cards.pictures.iter().map(|s| (s.line, s.switch)).collect(),
        numbers: config
            .call_in
            .numbers
            .iter()
            .map(|n| (n.digits.clone(), menu_of(&sounds, n.language.as_ref().unwrap_or(&config.call_in.language))))
            .collect(),
        languages: menu_of(&sounds, &config.call_in.language),
        patience: Patience {
            first_digit: config.call_in.first_digit,
            digit: config.call_in.digit,
            tries: config.call_in.tries,
            repeat: config.call_in.repeat_event_number,
        },
        rules: config.conference.rules(config.recording.enabled),
        menus: config.conference.menus(),
        dial_out: config.conference.dial_out(),
        inviting: config.conference.inviting(),
        ports: ports.len(),
        port_reuse: Duration::from_secs(*config.stream.port_reuse_s.get_ref()),
        linger: config.stream.linger,
        keyring: keyring.clone(),
        guard: Guard::new(guard_limits(&config)),
        closed,
    });
    gateway.set_marks(config.stream.marks());
    let groups = config.groups();
    for group in &groups {
        gateway.with_group(&group.spans, group.group).map_err(|why| format!("nfas \"{}\": {why}", group.name))?;
    }
    let held = held_ports(&config, &state_dir);
    let mut held_until_ms = std::collections::BTreeMap::new();
    for (port, event, until_ms) in held.iter() {
        let Some(index) = port.checked_sub(ports.first) else { continue };
        gateway.hold_port(index, event, Duration::from_millis(until_ms.saturating_sub(started_ms)));
        held_until_ms.insert(index, until_ms);
    }
    let spans = cards_of(&config).into_iter().flat_map(|card| card.spans);
    for (number, span) in (0u16..).zip(spans) {
        gateway.set_when_out(number, span.when_out());
        gateway.set_restart_at_start(number, span.restart_at_start);
        if span.service_messages {
            gateway
                .with_service_messages(number)
                .map_err(|why| format!("span {} ({}): {why}", number + 1, crate::config::switch_name(span.switch)))?;
        }
    }
    let ledger = ledger(&config, &state_dir)?;
    // Before the links come up, so that the exchange is told what is, and no call comes in between.
    for order in ledger.orders(started_ms) {
        gateway.handle_command(Duration::ZERO, order);
    }
    let (outlets, rings) = (0..ports.len()).map(|_| ring(RING_SAMPLES, || 0)).unzip();
    let tick = config.realtime.tick;
    let voice_settings = config.voice.settings(config.conference.talk_dbm0);
    let mut voice = VoicePath::new(&lines, tick, voice_settings, Arc::new(sounds), outlets);
    if config.conference.names {
        voice = voice.with_names();
    }

    // The far ends, before the near end looks for them.
    let exchange = start_exchange(&config, cards.exchange)?;
    let span_name = |(number, s): (u16, &SpanPicture)| SpanName {
        card: s.card.clone(),
        line: s.line.to_string(),
        switch: crate::config::switch_name(s.switch).to_owned(),
        elsewhere: group_of(&groups, number).filter(|group| !group.has_d_channel(number)).map(SharedDChannel::in_words),
    };
    let traced = (0u16..).zip(&cards.pictures).map(span_name).collect();
    let traces = Arc::new(Traces::new(traced, trace::dialled_digits(&config.call_in.called_digits())));
    let mut collector = Collector::new(traces.clone());
    let (mut engine_cards, mut card_controls, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let (configured, mut without_canceller) = (cards_of(&config), Vec::new());
    for (index, Built { mut card, faults: desk }) in cards.cards.into_iter().enumerate() {
        let name = card.name().to_owned();
        let lines: Vec<Line> = card.spans().iter().map(|s| s.line).collect();
        for (place, number) in (0u8..).zip(faults.len() as u16..).take(lines.len()) {
            if !has_d_channel(&groups, number) {
                let refused = |e| format!("span {} cannot be without a D channel: {}", number + 1, chain(&e));
                card.without_d_channel(SpanIndex(place)).map_err(refused)?;
            }
        }
        let first = faults.len() as u16;
        faults.extend((0..lines.len()).map(|place| Some((desk.clone()?, SpanIndex(place as u8)))));
        let mut cancels = configured.get(index).is_some_and(|card| card.echo_cancel_taps.is_some_and(|taps| taps > 0));
        if config.voice.echo_canceller == EchoCanceller::Hardware {
            card.cancel_echo(config.voice.echo_tail_ms)
                .map_err(|e| format!("card \"{name}\": {}: use voice.echo_canceller = \"software\"", chain(&e)))?;
            cancels = true;
        }
        let (card, copies) = CapturingCard::new(card, trace::QUEUE * lines.len());
        collector.add(copies, lines.len());
        let running = Box::new(card).start(tick).map_err(|e| format!("card \"{name}\": {}", chain(&e)))?;
        let echoes = |(_, place): &(u16, u8)| cancels && !running.control.cancels_echo(SpanIndex(*place));
        let spans = (first..).zip(0u8..).take(lines.len());
        without_canceller.extend(spans.filter(echoes).map(|(number, _)| number + 1));
        // A card that has nothing to wait for has no clock either: it is taken from when there is a tick.
        let has_clock = !running.traffic.descriptors().is_empty();
        let traffic = match index {
            1.. if has_clock => Box::new(SlipBuffered::new(running.traffic, lines.clone(), tick)),
            _ => running.traffic,
        };
        card_controls.push(CardControl { control: running.control, spans: lines.len() as u16 });
        engine_cards.push(EngineCard { traffic, lines });
    }

    let (report_sender, reports) = ring(REPORTS, || Report { at: Duration::ZERO, what: What::Finished });
    let (used_sender, used_rings) = rtrb::RingBuffer::new(ports.len() * 4);
    let (order_sender, orders) = crossbeam_channel::bounded(ORDERS);
    // Each channel's probe may be on its way back while the next is sent.
    let channels = lines.len() * SPAN_TIMESLOTS;
    let (probe_sender, used_probes) = rtrb::RingBuffer::new(2 * channels);
    let rack = Rack::new(channels, probe_sender);
    let engine = Engine::new(gateway, voice, engine_cards, report_sender, used_sender).with_rack(rack);
    let statistics = Arc::new(LoopStatistics::default());
    let loop_settings = LoopSettings {
        tick,
        realtime: config.realtime.realtime,
        priority: config.realtime.priority,
        core: config.realtime.core,
    };
    let realtime = RealtimeLoop::new(engine, orders, statistics.clone(), loop_settings, epoch)
        .map_err(|e| format!("the real-time loop cannot be set up: {e}"))?;

    let mut picture = Picture {
        spans: cards.pictures,
        listen: (address_of(&config), ports.first),
        held_until_ms,
        languages: config.call_in.languages().iter().map(ToString::to_string).collect(),
        dialled: Some(trace::dialled_digits(&config.call_in.called_digits())),
        show_numbers: config.conference.show_numbers,
        ..Picture::default()
    };
    if let Some(why) = store_away {
        picture.raise(now_ms(), office::CONTENT_STORE, control::Severity::Major, why);
    }
    for (event, state) in journal.events() {
        if state.closed.is_some() && started_ms.saturating_sub(state.at_ms) > office::CLOSED_SHOWN_MS {
            continue;
        }
        let entry = picture.events.entry(event).or_default();
        entry.closed = state.closed.map(closed_as);
        (entry.archive_due, entry.since_ms) = (state.archive_due, state.at_ms);
    }
    let office_settings = office::Settings {
        server: server.clone(),
        state_dir: state_dir.clone(),
        formats: config.stream.formats.clone(),
        time_outs: TimeOuts {
            over_ms: config.event.over_after.as_millis() as u64,
            archive_ms: config.event.archive_after.as_millis() as u64,
        },
        first_port: ports.first,
        record: config.recording.enabled,
        epoch,
        port_reuse: Duration::from_secs(*config.stream.port_reuse_s.get_ref()),
        held,
        self_test: config.self_test.every(),
    };
    let store = Store::start(content_dir.clone()).map_err(|e| format!("no thread for the content store: {e}"))?;
    let inlets = Inlets { reports, used_rings, used_probes, cast_events, rings, ledger, cards: card_controls };
    let office = Office::open(office_settings, inlets, caster.clone(), store, picture, journal, order_sender.clone())
        .map_err(|e| format!("the state directory {} cannot be used: {e}", state_dir.display()))?;
    let shared = office.shared();

    let mut servers = Vec::new();
    for offered in cards.offered {
        let socket = offered.socket.clone();
        let server = board_loopback::e1d::Server::spawn(&offered.socket, vec![offered.far_end])
            .map_err(|e| format!("the socket {} cannot be offered: {}", socket.display(), chain(&e)))?;
        log::info!(target: "span", "a span is offered to other programs on {}", socket.display());
        servers.push(server);
    }

    let collector = collector.spawn().map_err(|e| format!("no thread for the trace: {e}"))?;
    let granted = Arc::new(Mutex::new(granted));
    let realtime_granted = granted.clone();
    let realtime = std::thread::Builder::new()
        .name("realtime".into())
        .spawn(move || {
            realtime.run(|asked| {
                let mut granted = realtime_granted.lock().unwrap_or_else(PoisonError::into_inner);
                (granted.fifo, granted.pinned) = (asked.fifo, asked.pinned);
                granted.warnings.extend(asked.warnings);
                for warning in &granted.warnings {
                    log::warn!(target: "server", "{warning}");
                }
            })
        })
        .map_err(|e| format!("no real-time thread: {e}"))?;
    let office = std::thread::Builder::new()
        .name("office".into())
        .spawn(move || office.run())
        .map_err(|e| format!("no office thread: {e}"))?;

    let desk = Arc::new(Desk {
        shared: shared.clone(),
        caster,
        statistics,
        granted,
        exchange: exchange.clone(),
        traces,
        keyring: keyring.clone(),
        server: server.clone(),
        tick_ms: tick.milliseconds(),
        started_ms,
        faults,
        without_canceller,
        listen: crate::control::checks::reached(config.stream.address),
        audit: Audit::of(&state_dir),
        state_dir: state_dir.clone(),
        content_dir: content_dir.clone(),
        formats: config.stream.formats.clone(),
        first_port: ports.first,
        address: address_of(&config),
        config: config.clone(),
    });
    let socket = config.control_socket();
    let mut control =
        control::Server::bind_with(&socket, desk.clone(), control::Limits::default(), config.control.admission()?)
            .map_err(|e| format!("the control socket cannot be used: {e}"))?;

    let metrics = start_metrics(&config, &desk)?;

    // Control socket, stream ports and cards are there.
    let mut manager = Manager::of_environment(epoch.elapsed());
    manager.ready();

    #[cfg(feature = "portal")]
    let web = if demonstrate && exchange.is_some() { Some(web::start(&config)?) } else { None };
    if demonstrate && let Some(exchange) = &exchange {
        let event = reserve_demonstration(&config, &keyring)?;
        #[cfg(feature = "portal")]
        let words = web.as_ref().map_or(String::new(), |web| web.in_words(event.number));
        #[cfg(not(feature = "portal"))]
        let words = String::new();
        show(&config, exchange, &keyring, &event, &words)?;
    }

    let ending = Ending::new(Duration::from_secs(config.server.shutdown_drain_s));
    let why = watch::watch(&signals, &desk, &mut manager, ending, || realtime.is_finished() || office.is_finished())?;
    match why {
        Why::Broken => log::error!(target: "server", "{why}"),
        Why::Asked(_) | Why::Hurried(_) | Why::Drained | Why::TimeOver => log::info!(target: "server", "{why}"),
    }
    manager.goodbye(&why.to_string());
    // A second signal means now: the default action ends the process; nothing recorded is lost by it.
    let _ = signals.thread_unblock();

    // Callers of our own exchange stay until they have heard the last words.
    let deadline = Instant::now() + ORDER_PATIENCE;
    while !shared.order(Order::Gateway(Command::Shutdown)) && !realtime.is_finished() {
        if Instant::now() >= deadline {
            return Err("the real-time thread takes no orders".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let result = realtime.join();
    // The office ends when it has read the last report; also of a thread that has broken down.
    let written = office.join();
    // The cards have gone with the real-time thread.
    let _ = collector.join();
    desk.hub().close();
    control.stop();
    drop(metrics);
    if let Some(exchange) = exchange {
        drop(exchange.shutdown());
    }
    drop(servers);
    result
        .map_err(|_| "the real-time thread broke down".to_owned())?
        .map_err(|e| format!("the real-time loop failed: {e}"))?;
    written.map_err(|_| "the office thread broke down".to_owned())?;
    if why == Why::Broken { Err("the daemon ended by itself".to_owned()) } else { Ok(()) }
}

/// The endpoint for Prometheus, where one is configured.
fn start_metrics(config: &Config, desk: &Arc<Desk>) -> Result<Option<metrics::Server>, Failure> {
    let Some(address) = config.metrics.address else { return Ok(None) };
    let desk = desk.clone();
    let server = metrics::Server::bind(address, move || metrics::exposition(&desk.readings())).map_err(|e| {
        format!("metrics.address = \"{address}\" cannot be used: {e}; choose another, or leave it empty for no metrics")
    })?;
    log::info!(target: "server", "metrics are at http://{}/metrics", server.address());
    Ok(Some(server))
}

fn make_directory(directory: &std::path::Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|e| format!("the directory {} cannot be made: {e}", directory.display()))
}

/// Ports that may not carry another event yet. A file that cannot be read costs the memory of them, not the
/// start: all ports then count as free.
fn held_ports(config: &Config, state_dir: &std::path::Path) -> HeldPorts {
    let file = state_dir.join(office::held::FILE);
    let reuse_ms = config.stream.port_reuse_s.get_ref().saturating_mul(1000);
    HeldPorts::restore(&file, now_ms(), reuse_ms).unwrap_or_else(|error| {
        log::error!(target: "stream", "{}: {error}; ports used before the restart count as free", file.display());
        HeldPorts::none(&file)
    })
}

/// What technicians have suspended. Without it the start is refused: nobody else may undo what they did.
fn ledger(config: &Config, state_dir: &std::path::Path) -> Result<Ledger, Failure> {
    let mut places = Vec::new();
    let groups = config.groups();
    for card in cards_of(config) {
        let first = places.len() as u16;
        let place = |(span, about): (u16, &SpanConfig)| Place {
            card: card.name.clone(),
            span,
            line: about.line,
            d_channel: has_d_channel(&groups, first + span - 1),
        };
        places.extend((1..).zip(&card.spans).map(place));
    }
    let file = state_dir.join(office::ledger::FILE);
    let ledger = Ledger::open(&file, places).map_err(|error| {
        format!(
            "{}, which holds the channels that are suspended, cannot be used: {error}; put it right, or move it away, and \
             every channel comes into service",
            file.display()
        )
    })?;
    for stranger in ledger.strangers() {
        log::warn!(target: "server", "suspensions of {stranger} are kept: it is not configured");
    }
    for suspension in ledger.suspensions() {
        log::warn!(target: "server", "still suspended: {}", office::in_words(suspension));
    }
    Ok(ledger)
}

fn guard_limits(config: &Config) -> event::Limits {
    let g = &config.guard;
    let policy = |limit, lock_for| event::Policy { limit, window: g.window, lock_for };
    event::Limits {
        event: policy(g.event_failures, g.event_lock),
        caller: policy(g.caller_failures, g.caller_lock),
        trunk: policy(g.trunk_failures, g.trunk_lock),
        ..event::Limits::default()
    }
}

/// Who decides about listeners, if not everybody may listen.
fn door(config: &Config, keyring: &Keyring) -> Option<Arc<dyn cast::Door>> {
    match config.stream.listeners {
        Listeners::Anyone => None,
        Listeners::Link => Some(Arc::new(Doorkeeper::new(keyring.clone(), &config.stream.installation))),
    }
}

/// The closed events of the journal, with as much room again as a daemon needs while it runs: a restart makes
/// room. Those of keys that are retired or gone cannot be called anyhow.
fn closed_events(journal: &Journal, keyring: &Keyring) -> ClosedEvents {
    let valid: BTreeSet<_> =
        keyring.states().filter(|(_, state)| *state != event::KeyState::Retired).map(|(id, _)| id).collect();
    let known: Vec<_> = journal
        .events()
        .filter(|(event, _)| valid.contains(&event.key_id()))
        .filter_map(|(event, state)| Some((event, closed_as(state.closed?))))
        .collect();
    let mut closed = ClosedEvents::with_capacity(known.len() + CLOSED_REMEMBERED);
    for (event, why) in known {
        // There is room for all of them and more.
        let _ = closed.insert(event, why);
    }
    closed
}

const fn closed_as(closing: event::Closing) -> Closed {
    match closing {
        event::Closing::Over => Closed::Over,
        event::Closing::Ended => Closed::Ended,
        event::Closing::Cancelled => Closed::Cancelled,
    }
}

fn address_of(config: &Config) -> String {
    let address = config.stream.address;
    if address.is_unspecified() {
        return format!("http://{}", config.server_name());
    }
    match address {
        std::net::IpAddr::V4(v4) => format!("http://{v4}"),
        std::net::IpAddr::V6(v6) => format!("http://[{v6}]"),
    }
}

/// A switch variant, with or without service messages.
type Dialect = (isdn::Switch, bool);

/// The far end of a span, with the span's number over all cards, from 0.
type ExchangeEnd = (u16, board_loopback::FarEnd);

/// By card: its name, what its spans speak, their ends.
type ExchangeEnds = Vec<(String, Dialect, Vec<ExchangeEnd>)>;

fn start_exchange(config: &Config, ends: ExchangeEnds) -> Result<Option<Arc<exchange::Handle>>, Failure> {
    if ends.is_empty() {
        return Ok(None);
    }
    let mut builder = exchange::Exchange::builder(config.realtime.tick).extension(exchange::test_line::milliwatt());
    // The exchange counts its spans as its cards are added.
    let numbers: Vec<u16> = ends.iter().flat_map(|(_, _, ends)| ends.iter().map(|(number, _)| *number)).collect();
    for group in config.groups() {
        let id = |number: &u16| numbers.iter().position(|known| known == number).map(exchange::SpanId);
        // None where the far end is elsewhere: spans of a group have theirs in one place.
        if let Some(spans) = group.spans.iter().map(id).collect() {
            builder = builder.shared_d_channel(exchange::SharedDChannel { spans, group: group.group });
        }
    }
    for (name, (switch, service_messages), ends) in ends {
        let ends: Vec<_> = ends.into_iter().map(|(_, end)| end).collect();
        let card = board_loopback::FarEnd::card(format!("far end of {name}"), &ends)
            .map_err(|e| format!("the far end of card \"{name}\": {}", chain(&e)))?;
        builder = builder.card("this server", Box::new(card), switch);
        if service_messages {
            builder = builder.with_service_messages();
        }
    }
    let exchange = builder.start(Duration::ZERO).map_err(|e| format!("the exchange in software: {}", chain(&e)))?;
    let handle = exchange.spawn().map_err(|e| format!("no thread for the exchange in software: {e}"))?;
    Ok(Some(Arc::new(handle)))
}

fn reserve_demonstration(config: &Config, keyring: &Keyring) -> Result<event::EventInfo, Failure> {
    let formats: Vec<String> = config.stream.formats.iter().map(ToString::to_string).collect();
    demonstration::reserve(&config.content_dir(), keyring, formats).map_err(|e| chain(&e))
}

/// Tells what there is, the portal's part in `web`, and lets the callers dial.
fn show(
    config: &Config,
    exchange: &exchange::Handle,
    keyring: &Keyring,
    event: &event::EventInfo,
    web: &str,
) -> Result<(), Failure> {
    let pin = |role| keyring.pin(event.number, role).map(|p| p.grouped()).unwrap_or_default();
    println!(
        "\nTrunkcast {} on the software card. State: {}\n\n  \
         event        {}  \"{}\"\n  \
         host PIN     {}      speaker PIN  {}\n  \
         listen       {}:{}/  (in a browser or player, once somebody speaks: in a few seconds)\n{web}\n\
         Two callers dial in now, key the number and a PIN, and talk. `trunkctl status` shows more; Ctrl-C stops.\n",
        env!("CARGO_PKG_VERSION"),
        config.server.state_dir.display(),
        event.number.grouped(),
        event.title,
        pin(event::Role::Host),
        pin(event::Role::Speaker),
        address_of(config),
        config.stream.ports.first,
    );
    // A call dialled before the D channel is up would find no route.
    if !exchange.wait_for_link(LINK_PATIENCE) {
        return Err("the exchange in software and the gateway do not reach each other".to_owned());
    }
    demonstration::call_in(exchange, &config.call_in.dialled_by_default(), keyring, event)
}
