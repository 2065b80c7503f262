//! What goes over the socket, committed as text: one file a line, pretty-printed.
//!
//! Each sample is what the value beside its name is written as, and is read back as that value. A change
//! that breaks scripts or older clients shows up here as a difference in a file.

use control::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn sample(name: &str) -> Value {
    let file = directory().join(name).with_extension("json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn requests() -> Vec<(&'static str, Request)> {
    vec![
        ("request_status", Request::Status),
        ("request_channels", Request::Channels { span: Some(2) }),
        ("request_hang_up", Request::HangUp { call: 17 }),
        ("request_conference", Request::Conference { event: "100200305".into() }),
        (
            "request_conference_order",
            Request::ConferenceOrder { event: "100200305".into(), order: ConferenceOrder::MuteAll { lock: true } },
        ),
        (
            "request_conference_mode",
            Request::ConferenceOrder {
                event: "100200305".into(),
                order: ConferenceOrder::Mode { mode: ConferenceMode::Lecture },
            },
        ),
        ("request_trace", Request::Trace(TraceWish { span: 2, ring: true, numbers: false })),
        (
            "request_reserve",
            Request::Reserve(Reserve {
                title: "Town hall".into(),
                formats: vec!["mp3".into()],
                over_after_s: Some(14_400),
                archive_after_s: Some(900),
            }),
        ),
        ("request_suspend", Request::Suspend(suspend())),
        ("request_plan_suspend", Request::PlanSuspend(Suspend::new(Target::Channels { span: 1, first: 5, last: 9 }))),
        (
            "request_resume",
            Request::Resume(Resume {
                target: Target::Server,
                hold: Hold::Load,
                reason: None,
                ticket: Some("7".into()),
            }),
        ),
        ("request_suspensions", Request::Suspensions),
        ("request_doctor", Request::Doctor),
        ("request_alarms", Request::Alarms { history: true }),
        ("request_performance", Request::Performance { span: Some(2) }),
        ("request_test", Request::Test(test_wish())),
        ("request_fault", Request::Fault { span: 1, words: Some("sent los".into()) }),
        ("request_port_fault", Request::PortFault { port: 10003, dead: Some(true) }),
        (
            "request_exchange_dial",
            Request::ExchangeDial(DialPlan {
                called: Some("5550100".into()),
                calling: Some("+15555550142".into()),
                name: Some("Ada".into()),
                event: Some("100200305".into()),
                pin: Some("86421357".into()),
                wav: Some("/home/ada/speech.wav".into()),
                record: Some("/home/ada/heard.wav".into()),
                repeat: Repeat::Times(3),
                hold_ms: Some(5000),
                ..DialPlan::default()
            }),
        ),
    ]
}

fn conference() -> ConferenceInfo {
    let member = ConferenceMember {
        call: 18,
        role: Role::Speaker,
        place: MemberPlace::Present,
        name: Some("Ada".into()),
        number: Some("xxxxxxxx0142".into()),
        muted: Some(MutedBy::Mode),
        hand: Some(1),
        has_floor: false,
        talking: true,
        level_dbm0: Some(-18.5),
        samples_clipped: 80,
        since_ms: 1_767_225_600_000,
    };
    ConferenceInfo {
        event: "100200305".into(),
        title: "Town hall".into(),
        mode: ConferenceMode::Question,
        locked: true,
        on_air: true,
        present: 1,
        hands: 1,
        since_ms: 1_767_225_600_000,
        ends_at_ms: Some(1_767_229_200_000),
        samples_clipped: 320,
        members: vec![member],
        ..ConferenceInfo::default()
    }
}

fn said() -> Vec<(&'static str, Said)> {
    vec![
        ("reply_status", Said::Ok(Reply::Status(Box::new(status())))),
        ("reply_spans", Said::Ok(Reply::Spans(vec![span()]))),
        ("reply_channels", Said::Ok(Reply::Channels(channels()))),
        ("reply_suspensions", Said::Ok(Reply::Suspensions(vec![suspension()]))),
        (
            "reply_findings",
            Said::Ok(Reply::Findings(vec![Finding::new(Severity::Major, "span 2 line", "LOS", "cable or far end")])),
        ),
        (
            "reply_alarms",
            Said::Ok(Reply::Alarms(vec![alarm(), AlarmInfo { cleared_ms: Some(1_767_232_824_000), ..alarm() }])),
        ),
        ("reply_performance", Said::Ok(Reply::Performance(vec![performance()]))),
        ("reply_plan", Said::Ok(Reply::Plan(plan()))),
        ("reply_test", Said::Ok(Reply::Test(Box::new(test_info())))),
        ("reply_test_plan", Said::Ok(Reply::TestPlan(test_plan()))),
        ("reply_checks", Said::Ok(Reply::Checks(vec![checked()]))),
        ("reply_faults", Said::Ok(Reply::Faults(vec!["errors 1e-6".into(), "sent los".into()]))),
        ("reply_calls", Said::Ok(Reply::Calls(vec![call()]))),
        ("reply_conference", Said::Ok(Reply::Conference(Box::new(conference())))),
        ("reply_events", Said::Ok(Reply::Events(vec![event()]))),
        ("reply_ports", Said::Ok(Reply::Ports(ports()))),
        ("reply_reserved", Said::Ok(Reply::Reserved(reservation()))),
        ("reply_watching", Said::Ok(Reply::Watching)),
        ("reply_tracing", Said::Ok(Reply::Tracing(trace_head()))),
        ("reply_dialled", Said::Ok(Reply::Dialled { id: 3 })),
        ("reply_exchange_calls", Said::Ok(Reply::ExchangeCalls(vec![exchange_call()]))),
        ("reply_done", Said::Ok(Reply::done("event 100200305 was ended, 3 callers were let go"))),
        ("error", Said::Error(Problem::not_found("there is no call 17").with_hint("`trunkctl calls` lists them"))),
        ("notice", Said::Notice(notice())),
        ("notice_hold", Said::Notice(hold_notice())),
        ("frame", Said::Frame(trace_frame())),
        ("end", Said::End(WatchEnd::Slow)),
    ]
}

fn test_wish() -> TestWish {
    TestWish {
        target: Target::Channels { span: 1, first: 5, last: 5 },
        kind: TestKind::Bert {
            pattern: "2^15-1".into(),
            loop_: LoopWord::Timeslot,
            insert: Some(InsertErrors::OneIn(1000)),
        },
        drain: true,
        idle_only: false,
        for_s: Some(60),
    }
}

fn test_info() -> TestInfo {
    TestInfo {
        id: 7,
        target: "channel 1/5".into(),
        what: "pattern 2^15-1, local loopback of each channel".into(),
        by: "kim".into(),
        since_ms: 1_767_225_600_000,
        state: TestState::Over,
        until_ms: None,
        passed: Some(true),
        outcome: Some("passed, 1 of 1 channels".into()),
        left_out: vec!["span 1: 6".into()],
        channels: vec![TestChannel {
            span: 1,
            channel: 5,
            bits: Some(BitsFound {
                sync: SyncState::InSync,
                inverted: false,
                bits: 3_840_000,
                bit_errors: 2,
                inserted: 2,
                error_rate: Some(5e-7),
                seconds: 60,
                seconds_in_sync: 59,
                errored_seconds: 2,
                sync_losses: 0,
            }),
            passed: Some(true),
            sound: None,
        }],
        call: None,
    }
}

fn checked() -> Check {
    Check { what: "encoder mp3".into(), verdict: Verdict::Passed, text: "42 frames of 1000 ms of tone in 6 ms".into() }
}

fn test_plan() -> TestPlan {
    TestPlan {
        target: "channel 1/5".into(),
        channels: 1,
        calls: vec![CallHit { call: 17, span: 1, channel: 5, age_ms: 2_580_000, event: None }],
        text: vec!["it ends by itself after 60 s".into()],
    }
}

fn status() -> Status {
    Status {
        version: "0.1.0".into(),
        server: "gw-a".into(),
        started_at_ms: 1_767_225_600_000,
        uptime_s: 7500,
        tick_ms: 10,
        state_dir: "/var/lib/trunkcast".into(),
        content_dir: "/var/lib/trunkcast/content".into(),
        realtime: RealtimeInfo { fifo: true, locked: true, pinned: false, note: Some("no core is set apart".into()) },
        loop_: LoopInfo {
            ticks: 750_000,
            overruns: 1,
            late: Timing {
                p50_us: 12,
                p99_us: 80,
                max_us: 1200,
                sum_us: 9_000_000,
                buckets: vec![Bucket { up_to_us: 12, count: 400_000 }, Bucket { up_to_us: 80, count: 350_000 }],
            },
            work: Timing { p50_us: 200, p99_us: 300, max_us: 12_000, sum_us: 150_000_000, buckets: vec![] },
        },
        calls: 3,
        conferences: 1,
        streams: 1,
        listeners: 40,
        recordings: 1,
        free_ports: 49,
        failed_ports: 0,
        total_ports: 50,
        alarms: vec![alarm()],
        dropped_reports: 0,
        drain: Some(DrainInfo {
            since_ms: 1_767_233_100_000,
            until_ms: 1_767_233_700_000,
            progress: Progress {
                channels: 53,
                channels_left: 3,
                unacknowledged: 0,
                calls_left: 3,
                oldest_call_ms: Some(2_580_000),
                estimate_s: Some(540),
                done: false,
            },
        }),
    }
}

fn alarm() -> AlarmInfo {
    AlarmInfo {
        id: 7,
        severity: Severity::Critical,
        what: "span 2 LOS".into(),
        cause: "loss_of_signal".into(),
        text: "span 2: LOS: no signal arrives: look at cable and connectors".into(),
        since_ms: 1_767_232_800_000,
        cleared_ms: None,
    }
}

/// Read from the sample itself: `line` holds its own words to their form.
fn performance() -> PerformanceInfo {
    let sample = sample("reply_performance")["ok"]["performance"][0].clone();
    serde_json::from_value(sample).expect("a report")
}

fn span() -> SpanInfo {
    SpanInfo {
        number: 1,
        card: "soft0".into(),
        line: "E1".into(),
        switch: "euroisdn".into(),
        side: Side::User,
        link: LinkState::Up,
        link_since_ms: 1_767_225_601_000,
        nfas: Some("east".into()),
        d_channels_on: vec![1, 2],
        alarms: vec!["RAI".into()],
        channels_total: 30,
        in_use: 3,
        out_of_service: 1,
        counters: SpanCounters { calls_taken: 12, calls_refused: 1, slips: 2, ..SpanCounters::default() },
    }
}

fn channels() -> Vec<ChannelInfo> {
    let idle = ChannelInfo {
        span: 1,
        channel: 1,
        near: ServiceState::InService,
        far: ServiceState::OutOfService,
        pending: None,
        holds: vec![],
        draining: false,
        use_: ChannelUse::Idle,
        call: None,
        event: None,
        since_ms: 1_767_225_601_000,
    };
    let busy = ChannelInfo {
        channel: 2,
        far: ServiceState::InService,
        use_: ChannelUse::Connected,
        call: Some(17),
        event: Some(Masked::new("100200305")),
        ..idle.clone()
    };
    let hold = HoldInfo {
        hold: Hold::Operator,
        suspension: Some(4),
        by: Some("kim".into()),
        since_ms: 1_767_225_600_000,
        reason: Some("a cable is moved".into()),
        ticket: None,
    };
    let out = ChannelInfo {
        channel: 3,
        near: ServiceState::OutOfService,
        pending: Some(ServiceState::OutOfService),
        holds: vec![hold],
        ..idle.clone()
    };
    vec![idle, busy, out]
}

fn suspend() -> Suspend {
    Suspend {
        grace_s: Some(600),
        until_ms: Some(1_767_240_000_000),
        reason: Some("a cable is moved".into()),
        ticket: Some("INC-4711".into()),
        ..Suspend::new(Target::Span(1))
    }
}

fn suspension() -> SuspensionInfo {
    SuspensionInfo {
        id: 4,
        target: "span 1".into(),
        channels: vec!["span 1: 1-15, 17-31".into()],
        hold: Hold::Operator,
        by: "kim".into(),
        since_ms: 1_767_225_600_000,
        forced_at_ms: Some(1_767_226_200_000),
        until_ms: None,
        reason: None,
        ticket: Some("INC-4711".into()),
        progress: Progress {
            channels: 30,
            channels_left: 1,
            unacknowledged: 2,
            calls_left: 1,
            oldest_call_ms: Some(60_000),
            estimate_s: Some(30),
            done: false,
        },
    }
}

fn plan() -> SuspendPlan {
    SuspendPlan {
        target: "span 1".into(),
        channels: 30,
        at_once: 29,
        already: 0,
        calls: vec![CallHit { call: 17, span: 1, channel: 2, age_ms: 60_000, event: Some(Masked::new("100200305")) }],
        calls_text: "calls go on until they end".into(),
        estimate_s: Some(30),
        remaining: 0,
        spans: vec![SpanPlan {
            span: 1,
            channels: "1-15, 17-31".into(),
            whole: true,
            told: "SERVICE".into(),
            unanswered: "an alarm".into(),
        }],
    }
}

fn call() -> CallInfo {
    CallInfo {
        id: 17,
        span: 1,
        channel: 2,
        calling: Some(Masked::new("+15555550142")),
        called: "5550100".into(),
        outgoing: false,
        state: CallStage::InConference,
        event: Some("100200305".into()),
        role: Some(Role::Host),
        since_ms: 1_767_232_000_000,
        muted: false,
        talking: true,
        level_dbm0: Some(-18.5),
        samples_clipped: 80,
        keys_pressed: 19,
        last_key: Some(KeyPress {
            pressed_ms: 1_767_232_020_000,
            lasted_ms: 85,
            row_dbm0: -12,
            column_dbm0: -10,
            twist_db: 2,
            snr_db: 32,
            off_frequency: false,
        }),
        language: Some("en".into()),
    }
}

fn event() -> EventInfo {
    EventInfo {
        number: "100200305".into(),
        title: "Town hall".into(),
        state: EventState::Live,
        callers: 3,
        hosts: 1,
        streams: vec![StreamInfo {
            format: "mp3".into(),
            url: "http://127.0.0.1:10000/100200305.mp3".into(),
            port: 10_000,
            listeners: 40,
            octets: 9_600_000,
            since_ms: 1_767_232_010_000,
        }],
        recordings: 1,
        since_ms: Some(1_767_232_000_000),
        over_at_ms: None,
    }
}

fn ports() -> Vec<PortInfo> {
    vec![
        PortInfo {
            port: 10_000,
            state: PortState::InUse,
            event: Some("100200305".into()),
            listeners: 40,
            until_ms: None,
        },
        PortInfo {
            port: 10_001,
            state: PortState::HeldBack,
            event: Some("100200313".into()),
            listeners: 0,
            until_ms: Some(1_767_233_000_000),
        },
        PortInfo { port: 10_002, state: PortState::Free, ..PortInfo::default() },
    ]
}

fn reservation() -> Reservation {
    Reservation {
        event: "100200305".into(),
        title: "Town hall".into(),
        pins: Pins { host: "86421357".into(), speaker: "13572468".into(), listener: "97531864".into() },
        listen: vec!["once somebody speaks: a port of 127.0.0.1:10000-10049, see `trunkctl events`".into()],
    }
}

fn exchange_call() -> ExchangeCallInfo {
    ExchangeCallInfo {
        id: 3,
        called: "5550100".into(),
        calling: Some(Masked::new("+15555550142")),
        name: Some("Ada".into()),
        state: ExchangeCallState::Ended,
        doing: String::new(),
        span: Some(1),
        channel: Some(2),
        since_ms: 1_767_232_000_000,
        connected_ms: 12_000,
        hears_dbm0: Some(-20.0),
        keys_heard: 0,
        record: Some("/home/ada/heard.wav".into()),
        cause: Some(16),
        cause_text: Some("normal clearing".into()),
    }
}

fn notice() -> Notice {
    Notice {
        at_ms: 1_767_232_000_123,
        severity: Severity::Info,
        topic: Topic::Call,
        text: "call 17 from xxxxxxxxxx42 is in the conference as host".into(),
        event: Some("100200305".into()),
        call: Some(17),
        span: Some(1),
        fact: Some(Fact::CallJoined { role: "host".into() }),
    }
}

fn hold_notice() -> Notice {
    let order = Ordered {
        suspension: 4,
        target: "channel 1/2-4".into(),
        by: "kim".into(),
        since_ms: 1_767_232_000_100,
        reason: Some("cable works".into()),
        ticket: Some("INC-4711".into()),
    };
    Notice {
        call: None,
        event: None,
        topic: Topic::Span,
        text: "span 1: suspended by an operator: channels 2-4".into(),
        fact: Some(Fact::Hold { hold: Hold::Operator, placed: vec![2, 3, 4], released: vec![], orders: vec![order] }),
        ..notice()
    }
}

fn trace_head() -> TraceHead {
    TraceHead {
        span: 2,
        card: "soft0".into(),
        line: "E1".into(),
        switch: "euroisdn".into(),
        side: Side::User,
        held: 2000,
        lost: 3,
    }
}

fn trace_frame() -> TraceFrame {
    TraceFrame { number: 1234, at_us: 1_767_232_000_123_456, sent: true, octets: Octets(vec![0x00, 0x01, 0x01, 0x0a]) }
}

#[test]
fn requests_are_written_and_read_as_committed() {
    for (name, request) in requests() {
        let committed = sample(name);
        let written: Value = serde_json::from_str(&encode_request(&request).expect("JSON")).expect("JSON");
        assert_eq!(written, committed, "{name}");
        assert_eq!(decode_request(committed.to_string().as_bytes()), Ok(request), "{name}");
    }
}

#[test]
fn what_the_server_says_is_written_and_read_as_committed() {
    for (name, said) in said() {
        let committed = sample(name);
        assert_eq!(serde_json::to_value(&said).expect("JSON"), committed, "{name}");
        assert_eq!(serde_json::from_value::<Said>(committed).expect(name), said, "{name}");
    }
}

#[test]
fn every_committed_sample_is_used() {
    let committed: BTreeSet<String> = std::fs::read_dir(directory())
        .expect("samples")
        .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let used = requests().into_iter().map(|(name, _)| name).chain(said().into_iter().map(|(name, _)| name));
    assert_eq!(committed, used.map(str::to_owned).collect());
}

#[test]
fn an_older_daemon_may_leave_out_whatever_it_has_not_heard_of() {
    let said: Said = serde_json::from_str(r#"{"ok":{"status":{}}}"#).expect("a status");
    assert_eq!(said, Said::Ok(Reply::Status(Box::default())));
    for kind in ["spans", "channels", "calls", "events", "ports", "exchange_calls", "alarms"] {
        let said = serde_json::json!({ "ok": { kind: [{}] } });
        assert!(serde_json::from_value::<Said>(said).is_ok(), "{kind}");
    }
}

#[test]
fn a_number_of_a_caller_is_nowhere_whole_and_a_pin_only_in_the_reservation() {
    for (name, said) in said() {
        let text = serde_json::to_string(&said).expect("JSON");
        assert!(!text.contains("555555"), "{name}");
        assert_eq!(text.contains("86421357"), name == "reply_reserved", "{name}");
        assert!(!format!("{said:?}").contains("86421357"), "{name}");
    }
}
