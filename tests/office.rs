//! The office with a caster and a disk of its own, and a real-time thread that only exists in reports.

use cast::{Caster, RecorderSettings, Settings as CastSettings};
use conference::{By, Happening, MutedBy};
use event::{EventNumber, Journal, KeyId, Role};
use hal::{Line, Timeslot};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trunkcast::gateway::{CallId, Channel};
use trunkcast::office::held::HeldPorts;
use trunkcast::office::ledger::Ledger;
use trunkcast::office::lifecycle::TimeOuts;
use trunkcast::office::picture::{Picture, SpanPicture};
use trunkcast::office::records::Records;
use trunkcast::office::{Inlets, Office, RING_SAMPLES, Settings, Store};
use trunkcast::reports::{Order, Report, What};

const CALL: CallId = CallId(1);

struct RealTime {
    reports: rtrb::Producer<Report>,
    outlet: rtrb::Producer<i16>,
    orders: crossbeam_channel::Receiver<Order>,
    caster: Arc<Caster>,
    port: u16,
}

impl RealTime {
    fn tell(&mut self, what: What) {
        self.reports.push(Report { at: Duration::from_secs(1), what }).expect("room");
    }

    /// Somebody calls, joins and speaks for a second.
    fn call(&mut self, event: EventNumber) {
        let channel = Channel { span: 0, timeslot: Timeslot(1) };
        let called = isdn::Number::default();
        self.tell(What::CallTaken { call: CALL, channel, called, calling: None, redirecting: None });
        self.tell(What::ConferenceOpened { event, port: 0 });
        self.tell(What::LetIn { call: CALL, event, role: Role::Speaker });
        self.tell(What::Joined { call: CALL, event, role: Role::Speaker });
        self.speak();
        self.tell(What::StreamStart { event, port: 0 });
    }

    fn speak(&mut self) {
        for n in 0..8000i16 {
            self.outlet.push(n % 100 * 200).expect("room");
        }
    }
}

fn span() -> SpanPicture {
    SpanPicture {
        card: "soft0".into(),
        line: Line::E1,
        switch: isdn::Switch::EuroIsdn,
        shared: None,
        far_end: String::new(),
        service_messages: false,
        when_out: trunkcast::gateway::WhenOut::default(),
        released: false,
        up: true,
        since_ms: 0,
        alarms: hal::Alarms::empty(),
        alarms_since_ms: 0,
        framing: line::Framing::E1Crc4,
        failures: Vec::new(),
        counters: hal::Counters::default(),
        silent: false,
        link_losses: 0,
        link_resets: 0,
        frames_lost: 0,
        slips: 0,
        refused: 0,
        taken: 0,
        restarts: 0,
        frames_unsent: 0,
    }
}

fn office(dir: &Path) -> (Office, RealTime) {
    let content = dir.join("content");
    std::fs::create_dir_all(&content).expect("a directory");
    let (cast_sender, cast_events) = crossbeam_channel::bounded(1000);
    // A port that was free a moment ago; should somebody else take it, the next one.
    let (caster, port) = (0..20)
        .find_map(|_| {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok()?.port();
            let settings = CastSettings { ports: port..=port, ..CastSettings::default() };
            let recorder =
                RecorderSettings { min_free_mb: 0, ..RecorderSettings::new(dir.join("spool"), &content, "s") };
            Some((Caster::launch(settings, Some(recorder), cast_sender.clone()).ok()?, port))
        })
        .expect("a free port");
    let caster = Arc::new(caster);
    let (report_sender, reports) = rtrb::RingBuffer::new(100);
    let (_, used_rings) = rtrb::RingBuffer::new(10);
    let (_, used_probes) = rtrb::RingBuffer::new(10);
    let (outlet, ring) = rtrb::RingBuffer::new(RING_SAMPLES);
    let (order_sender, orders) = crossbeam_channel::bounded(10);
    let settings = Settings {
        server: "s".into(),
        state_dir: dir.into(),
        formats: vec![cast::Format::Mp3],
        time_outs: TimeOuts { over_ms: 3_600_000, archive_ms: 600_000 },
        first_port: port,
        record: true,
        epoch: Instant::now(),
        port_reuse: Duration::from_secs(900),
        held: HeldPorts::none(&dir.join("ports.json")),
        self_test: None,
    };
    let ledger = Ledger::open(&dir.join("service.json"), Vec::new()).expect("nothing is suspended");
    let inlets = Inlets { reports, used_rings, used_probes, cast_events, rings: vec![ring], ledger, cards: Vec::new() };
    let store = Store::start(content).expect("a thread");
    let journal = Journal::open(dir).expect("opened");
    let picture = Picture { spans: vec![span()], ..Picture::default() };
    let office = Office::open(settings, inlets, caster.clone(), store, picture, journal, order_sender).expect("opened");
    (office, RealTime { reports: report_sender, outlet, orders, caster, port })
}

fn recordings(dir: &Path, event: EventNumber) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(dir.join("content/events").join(event.to_string())) else { return Vec::new() };
    let files = entries.map(|e| e.expect("readable")).filter(|e| e.path().extension().is_some_and(|x| x == "mp3"));
    files.map(|e| e.metadata().expect("readable").len()).collect()
}

/// The real-time thread breaks down in the middle of a call: its end of the reports is gone, and no last word came.
#[test]
fn a_recording_is_published_when_the_real_time_thread_is_gone() {
    let dir = tempfile::tempdir().expect("a directory");
    let event = EventNumber::random(KeyId::FIRST);
    let (office, mut realtime) = office(dir.path());
    realtime.call(event);
    drop(realtime);
    office.run();
    let published = recordings(dir.path(), event);
    assert!(published.len() == 1 && published[0] > 10_000, "about 16 kB of sound: {published:?}");
    let open = std::fs::read_to_string(dir.path().join("records/open-calls.journal")).expect("written");
    assert!(open.contains(&event.to_string()), "the next start writes the call's record: {open}");
}

/// Killed while somebody talks and has muted himself: what was going on is in the sums, up to the last second but one.
#[test]
fn what_goes_on_as_the_daemon_is_killed_is_in_the_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let event = EventNumber::random(KeyId::FIRST);
    let (office, mut realtime) = office(dir.path());
    realtime.call(event);
    realtime.tell(What::Talking { call: CALL, talking: true });
    let (muted, by) = (Some(MutedBy::Oneself), By::Member(CALL));
    realtime.tell(What::Conference { event, what: Happening::Muted { who: CALL, muted, by } });
    let office = std::thread::spawn(|| office.run());
    // What was told is of one second after the start.
    std::thread::sleep(Duration::from_millis(4500));
    let killed = tempfile::tempdir().expect("a directory");
    std::fs::copy(dir.path().join("records/open-calls.journal"), killed.path().join("open-calls.journal"))
        .expect("copied");
    drop(realtime);
    office.join().expect("the office");
    let (_, count) = Records::open(killed.path(), 0).expect("opened");
    let text = std::fs::read_to_string(killed.path().join("calls-1970-01-01.jsonl")).expect("a record");
    let record: serde_json::Value = serde_json::from_str(text.trim()).expect("one record");
    for sum in ["talk_ms", "muted_ms"] {
        assert!((1500..=3500).contains(&record[sum].as_u64().expect("a number")), "{sum} in {count}: {text}");
    }
    assert!(!text.contains("since_ms"), "{text}");
}

/// What the exchange says of the caller, the name with some delay, stands in the record of the call; what must not be shown
/// does not.
#[test]
fn a_record_tells_who_called_as_far_as_it_may_be_told() {
    use isdn::{Name, Number, Presentation, Screening};
    let dir = tempfile::tempdir().expect("a directory");
    let (office, mut realtime) = office(dir.path());
    let channel = Channel { span: 0, timeslot: Timeslot(1) };
    let withheld = Number { presentation: Presentation::Restricted, ..Number::new("5550123") };
    let calls = [
        (Name::new("Ada"), Some(Number { screening: Screening::UserPassed, ..Number::new("5550199") })),
        (Name { presentation: Presentation::Restricted, ..Name::new("Bob") }, Some(withheld)),
    ];
    for (call, (name, redirecting)) in (7..).map(CallId).zip(calls) {
        let called = Number::new("100");
        realtime.tell(What::CallTaken { call, channel, called, calling: None, redirecting });
        realtime.tell(What::CallNamed { call, name: Name::new("an older name") });
        realtime.tell(What::CallNamed { call, name });
        realtime.tell(What::CallEnded { call, cause: isdn::Cause::user(16), by_peer: false });
    }
    drop(realtime);
    office.run();
    let files =
        std::fs::read_dir(dir.path().join("records")).expect("a directory").map(|f| f.expect("readable").path());
    let file = files.into_iter().find(|path| path.extension().is_some_and(|e| e == "jsonl")).expect("a day's records");
    let text = std::fs::read_to_string(file).expect("readable");
    let records: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    assert_eq!(records[0]["calling_name"], "Ada");
    assert_eq!(records[0]["redirecting"], "5550199");
    assert_eq!(records[0]["redirecting_screening"], "user_verified");
    assert_eq!(records[0]["redirecting_restricted"], false);
    assert_eq!(records[1]["calling_name"], serde_json::Value::Null);
    assert_eq!(records[1]["calling_name_restricted"], true);
    assert_eq!(records[1]["redirecting_restricted"], true);
    assert!(!text.contains("Bob") && !text.contains("5550123"), "{text}");
}

/// The port is still taken when the event goes on the air: an alarm, another try with a fresh ring, then sound.
#[test]
fn a_stream_that_cannot_start_is_an_alarm_and_tried_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let (event, other) = (EventNumber::random(KeyId::FIRST), EventNumber::random(KeyId::FIRST));
    let (office, mut realtime) = office(dir.path());
    let (_feed, samples) = rtrb::RingBuffer::new(10);
    let blocking = cast::StreamStart {
        event: other.to_string(),
        title: String::new(),
        formats: vec![cast::Format::Mp3],
        samples,
        started: std::time::SystemTime::now(),
        record: false,
    };
    realtime.caster.start(realtime.port, blocking).expect("idle");
    let shared = office.shared();
    // Said when it is raised and kept for whoever subscribed before, however slow he is.
    let notices = shared.hub.subscribe();
    let office = std::thread::spawn(move || office.run());
    realtime.call(event);
    let alarm = format!("stream on port {}", realtime.port);
    loop {
        let notice = notices.next(Duration::from_secs(10)).expect("the office runs").expect("it says so");
        if notice.text.contains("cannot be put on the air") {
            assert_eq!(notice.severity, control::Severity::Major);
            break;
        }
    }
    let order = realtime.orders.recv().expect("an order");
    let Order::Outlet(0, fresh) = order else { panic!("{order:?}") };
    realtime.outlet = fresh;
    realtime.speak();
    while shared.picture().alarms.contains(&alarm) {
        std::thread::sleep(Duration::from_millis(5));
    }
    realtime.tell(What::StreamStop { event, port: 0 });
    realtime.tell(What::Finished);
    office.join().expect("no panic");
    assert_eq!(recordings(dir.path(), event).len(), 1);
}

/// Whoever watches one conference is told who talks in it: what the real-time thread tells of talk names the call alone.
#[test]
fn who_talks_is_told_with_the_event() {
    let dir = tempfile::tempdir().expect("a directory");
    let event = EventNumber::random(KeyId::FIRST);
    let (office, mut realtime) = office(dir.path());
    let notices = office.shared().hub.subscribe();
    let office = std::thread::spawn(move || office.run());
    realtime.call(event);
    realtime.tell(What::Talking { call: CALL, talking: true });
    realtime.tell(What::Talking { call: CALL, talking: false });
    for wanted in [true, false] {
        let notice = loop {
            let notice = notices.next(Duration::from_secs(10)).expect("the office runs").expect("it says so");
            if matches!(notice.fact, Some(control::Fact::CallTalking { .. })) {
                break notice;
            }
        };
        assert_eq!(notice.fact, Some(control::Fact::CallTalking { talking: wanted }));
        assert_eq!((notice.event.as_deref(), notice.call), (Some(event.to_string().as_str()), Some(CALL.0)));
    }
    realtime.tell(What::StreamStop { event, port: 0 });
    realtime.tell(What::Finished);
    office.join().expect("no panic");
}

/// An exchange that leaves SERVICE unanswered is one alarm for all channels of the span, and only for as long as there are any.
#[test]
fn service_left_unanswered_is_an_alarm_until_it_is_answered() {
    use isdn::FarState::{InService, Maintenance, Unknown};
    let dir = tempfile::tempdir().expect("a directory");
    let (office, mut realtime) = office(dir.path());
    let shared = office.shared();
    let notices = shared.hub.subscribe();
    let office = std::thread::spawn(move || office.run());
    let far = |channels, state| What::FarChanged { span: 0, channels, state };
    let is_alarm = |wanted: bool| {
        while shared.picture().alarms.contains("service messages of span 1") != wanted {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    realtime.tell(far(0b101, Unknown));
    is_alarm(true);
    realtime.tell(far(0b100, InService));
    realtime.tell(far(0b10, Maintenance));
    while !notices
        .next(Duration::from_secs(10))
        .expect("the office runs")
        .expect("it says so")
        .text
        .contains("maintenance")
    {}
    assert!(shared.picture().alarms.contains("service messages of span 1"), "one is left");
    realtime.tell(far(0b1, InService));
    is_alarm(false);
    realtime.tell(What::Finished);
    office.join().expect("no panic");
}
