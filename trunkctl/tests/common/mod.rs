//! A daemon that is none, and trunkctl as a process against it.
#![allow(dead_code, reason = "each test program uses its part")]

use control::*;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// So long ago that the screens say `5 min` for the next minute.
pub fn five_minutes_ago() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64 - 300_000
}

/// A gateway in the middle of its day.
pub struct Fake {
    pub hub: NoticeHub,
    pub asked: Mutex<Vec<Request>>,
    /// What the followed call is at, one for each time it is asked after; then it is not listed.
    pub progress: Mutex<VecDeque<ExchangeCallInfo>>,
    /// There is nothing: no spans, calls, events.
    pub empty: bool,
}

impl Handler for Fake {
    fn handle(&self, _: &Peer, request: Request) -> Result<Reply, Problem> {
        self.asked.lock().expect("whole").push(request.clone());
        if let Request::Conference { event } = &request
            && event == "12"
        {
            return Err(Problem::malformed("12 is no event number: an event number has 10 digits"));
        }
        if self.empty {
            return Ok(match request {
                Request::Spans => Reply::Spans(vec![]),
                Request::Channels { .. } => Reply::Channels(vec![]),
                Request::Calls => Reply::Calls(vec![]),
                Request::Events => Reply::Events(vec![]),
                Request::Conferences => Reply::Conferences(vec![]),
                Request::Conference { .. } => {
                    return Err(Problem::not_found("nobody is in a conference of this event now")
                        .with_hint("`trunkctl conference list` shows those that are on"));
                }
                Request::ListenPorts => Reply::Ports(vec![]),
                Request::ExchangeCalls => Reply::ExchangeCalls(vec![]),
                Request::Suspensions => Reply::Suspensions(vec![]),
                Request::Doctor => Reply::Findings(vec![]),
                Request::Alarms { .. } => Reply::Alarms(vec![]),
                Request::Performance { .. } => Reply::Performance(vec![]),
                Request::Tests => Reply::Tests(vec![]),
                Request::Fault { .. } | Request::PortFault { .. } => Reply::Faults(vec![]),
                _ => Reply::Status(Box::default()),
            });
        }
        Ok(match request {
            Request::Status => Reply::Status(Box::new(status())),
            Request::Spans => Reply::Spans(spans()),
            Request::Channels { span: Some(9) } => {
                return Err(Problem::not_found("there is no span 9").with_hint("`trunkctl spans` lists them"));
            }
            Request::Channels { .. } => Reply::Channels(channels()),
            Request::Calls => Reply::Calls(calls()),
            Request::Alarms { history } => Reply::Alarms(if history { past_alarms() } else { vec![alarm()] }),
            Request::Performance { span } => Reply::Performance(vec![performance(span.unwrap_or(1))]),
            Request::Events => Reply::Events(events()),
            Request::ListenPorts => Reply::Ports(ports()),
            Request::Reserve(reserve) => Reply::Reserved(Reservation {
                event: "100200305".into(),
                title: reserve.title,
                pins: Pins { host: "86421357".into(), speaker: "13572468".into(), listener: "97531864".into() },
                listen: vec!["listen at the address `trunkctl events` shows once somebody speaks".into()],
            }),
            Request::Announce { event } => Reply::done(format!("event {event} is listed")),
            Request::Cancel { event } => Reply::done(format!("event {event} is cancelled")),
            Request::End { event } => Reply::done(format!("event {event} is ended, 2 callers were let go")),
            Request::Conferences => Reply::Conferences(vec![conference()]),
            Request::Conference { .. } => Reply::Conference(Box::new(conference())),
            Request::ConferenceOrder { order, .. } => Reply::done(format!("{} is done", order.verb())),
            Request::HangUp { call } => Reply::done(format!("call {call} is being cleared")),
            Request::Suspend(wish) => Reply::Suspended(suspension(&wish)),
            Request::PlanSuspend(wish) => Reply::Plan(plan(&wish)),
            Request::Resume(wish) => {
                Reply::done(format!("{} is resumed; it was suspended: span 1 by kim", wish.target))
            }
            Request::Suspensions => {
                // Asked a second time, its calls have ended.
                let asked = self.asked.lock().expect("whole");
                let drained = asked.iter().filter(|r| matches!(r, Request::Suspensions)).count() > 1;
                let mut one = suspension(&Suspend::new(Target::Span(1)));
                if drained {
                    one.progress = Progress { channels: 23, done: true, ..Progress::default() };
                }
                Reply::Suspensions(vec![one])
            }
            Request::Doctor => Reply::Findings(findings()),
            Request::Test(wish) => Reply::Test(Box::new(tested(&wish, TestState::Running))),
            Request::PlanTest(wish) => Reply::TestPlan(TestPlan {
                target: wish.target.to_string(),
                channels: 23,
                calls: plan(&Suspend::new(Target::Span(1))).calls,
                text: vec![
                    "its channels go into maintenance, and come back when the test is over".into(),
                    "the D channel of span 1 goes down while the loopback stands".into(),
                ],
            }),
            // Asked after a second time, it is over.
            Request::Tests => {
                let asked = self.asked.lock().expect("whole");
                let last = asked
                    .iter()
                    .rev()
                    .find_map(|r| if let Request::Test(wish) = r { Some(wish.clone()) } else { None });
                let times = asked.iter().filter(|r| matches!(r, Request::Tests)).count();
                let state = if last.is_none() || times > 1 { TestState::Over } else { TestState::Running };
                Reply::Tests(vec![tested(&last.unwrap_or_else(bert), state)])
            }
            Request::Checks => {
                let item = |what: &str, verdict, text: &str| Check { what: what.into(), verdict, text: text.into() };
                Reply::Checks(vec![
                    item("encoder mp3", Verdict::Passed, "42 frames of 1000 ms of tone in 6 ms"),
                    item("port 10003", Verdict::Failed, "127.0.0.1:10003 does not answer: connection refused"),
                ])
            }
            Request::StopTest { id } => Reply::done(format!("test {id} is stopped; its channels come back")),
            Request::ReleaseLoops { target } => Reply::done(format!("the loopback of {target} is released")),
            Request::Fault { .. } => Reply::Faults(vec!["errors 1e-6".into(), "sent los".into()]),
            Request::PortFault { dead, .. } => {
                Reply::Faults(if dead == Some(true) { vec!["dead".into()] } else { vec![] })
            }
            Request::Watch | Request::Trace(_) => return Err(Problem::internal("the server keeps this to itself")),
            Request::ExchangeDial(_) => Reply::Dialled { id: 3 },
            Request::ExchangeCalls => {
                let call = self.progress.lock().expect("whole").pop_front();
                Reply::ExchangeCalls(call.into_iter().collect())
            }
            Request::ExchangeHangUp { id } => Reply::done(format!("call {id} is being cleared")),
        })
    }

    fn watch(&self) -> Subscription {
        self.hub.subscribe()
    }

    fn trace(&self, wish: TraceWish) -> Result<Box<dyn TraceFeed>, Problem> {
        self.asked.lock().expect("whole").push(Request::Trace(wish));
        if wish.span == 9 {
            return Err(Problem::not_found("there is no span 9").with_hint("`trunkctl spans` lists them"));
        }
        Ok(Box::new(Traced { wish, frames: frames().into() }))
    }
}

/// What went over the D channel of span 1: the link, and the beginning of a call.
pub fn frames() -> Vec<TraceFrame> {
    let frame = |number, sent, octets: &[u8]| TraceFrame {
        number,
        at_us: 1_767_225_600_000_000 + number * 10_500,
        sent,
        octets: Octets(octets.to_vec()),
    };
    vec![
        frame(7, false, &[0x02, 0x01, 0x7f]),
        frame(8, true, &[0x02, 0x01, 0x73]),
        frame(
            9,
            false,
            b"\x02\x01\x00\x00\x08\x02\x00\x01\x05\x04\x03\x80\x90\xa3\x18\x03\xa9\x83\x81\x6c\x06\x21\x83xx42\x70\x04\x81123\xa1",
        ),
        frame(10, true, b"\x00\x01\x00\x02\x08\x02\x80\x01\x02\x18\x03\xa9\x83\x81"),
        frame(11, false, b"\x02\x01\x02\x02\x08\x02\x00\x01\x45\x08\x02\x82"),
    ]
}

/// These frames; then that was all, or the daemon stops.
struct Traced {
    wish: TraceWish,
    frames: VecDeque<TraceFrame>,
}

impl TraceFeed for Traced {
    fn head(&self) -> TraceHead {
        TraceHead {
            span: self.wish.span,
            card: "soft0".into(),
            line: "E1".into(),
            switch: "euroisdn".into(),
            side: Side::User,
            held: 5,
            lost: 2,
        }
    }

    fn next(&mut self, _: std::time::Duration) -> Result<Option<TraceFrame>, WatchEnd> {
        let end = if self.wish.ring { WatchEnd::Complete } else { WatchEnd::Slow };
        self.frames.pop_front().map(Some).ok_or(end)
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
        realtime: RealtimeInfo {
            fifo: false,
            locked: true,
            pinned: false,
            note: Some("SCHED_FIFO was refused: give CAP_SYS_NICE".into()),
        },
        loop_: LoopInfo {
            ticks: 750_000,
            overruns: 1,
            late: Timing {
                p50_us: 12,
                p99_us: 80,
                max_us: 1200,
                sum_us: 9_000_000,
                buckets: vec![Bucket { up_to_us: 12, count: 1 }],
            },
            work: Timing { p50_us: 200, p99_us: 300, max_us: 12_000, sum_us: 150_000_000, buckets: vec![] },
        },
        calls: 3,
        conferences: 1,
        streams: 1,
        listeners: 40,
        recordings: 1,
        free_ports: 48,
        failed_ports: 0,
        total_ports: 50,
        alarms: vec![alarm()],
        dropped_reports: 7,
        drain: None,
    }
}

fn findings() -> Vec<Finding> {
    vec![
        Finding::new(
            Severity::Major,
            "span 2 line",
            "span 2: LOS",
            "cable or far end: see that the cable is plugged in at both ends, then ask the carrier whether he sends",
        ),
        Finding::new(Severity::Info, "span 1", "2 losses of the data link since the start", ""),
    ]
}

fn alarm() -> AlarmInfo {
    AlarmInfo {
        id: 7,
        severity: Severity::Critical,
        what: "span 2 LOS".into(),
        cause: "loss_of_signal".into(),
        text: "span 2: LOS: no signal arrives: look at cable and connectors, then ask the carrier whether the far end sends"
            .into(),
        since_ms: five_minutes_ago(),
        cleared_ms: None,
    }
}

fn past_alarms() -> Vec<AlarmInfo> {
    let lof = AlarmInfo {
        id: 6,
        what: "span 2 LOF".into(),
        cause: "loss_of_frame".into(),
        since_ms: FIXED_MS,
        cleared_ms: Some(FIXED_MS + 24_000),
        ..alarm()
    };
    let port = AlarmInfo {
        id: 1,
        severity: Severity::Major,
        what: "recording on port 10003".into(),
        cause: String::new(),
        cleared_ms: Some(FIXED_MS + 5_400_000),
        ..lof.clone()
    };
    vec![lof, port]
}

/// Three quarters of an hour and a bit, with a cable pulled for a minute.
fn performance(span: u16) -> PerformanceInfo {
    let entry = |quarter: u64, elapsed, counts: serde_json::Value| {
        let mut all = serde_json::json!({
            "lcv": 0, "pcv": 0, "es": 0, "ses": 0, "sefs": 0, "uas": 0, "css": 0, "les": 0, "bes": 0, "dm": 0
        });
        all.as_object_mut().expect("counts").extend(counts.as_object().expect("counts").clone());
        let clean = elapsed == 900 && counts.as_object().is_some_and(|c| c.is_empty());
        serde_json::json!({
            "start": FIXED_MS / 1000 + quarter * 900,
            "elapsed": elapsed, "observed": elapsed, "quality": "whole", "zero_suppressed": clean, "counts": all
        })
    };
    let bad = || serde_json::json!({ "es": 61, "ses": 61, "sefs": 61, "uas": 61 });
    let end = |bad: serde_json::Value| {
        serde_json::json!({
            "availability": "available",
            "current": entry(3, 120, serde_json::json!({ "css": 1, "es": 1 })),
            "intervals": [entry(2, 900, bad.clone()), entry(1, 900, serde_json::json!({})), entry(0, 900, serde_json::json!({}))],
            "total": entry(0, 900, bad.clone())["counts"],
            "day": entry(0, 2820, bad),
            "previous_day": null
        })
    };
    let report = serde_json::json!({
        "framing": "t1_esf",
        "failures": [{ "kind": "los", "for_s": 320 }],
        "too_many": [{ "kind": "slips", "count": 6, "window_s": 86_400 }],
        "near": end(bad()),
        "far": end(serde_json::json!({}))
    });
    PerformanceInfo { span, card: "soft0".into(), report: serde_json::from_value(report).expect("a report") }
}

fn spans() -> Vec<SpanInfo> {
    let since = five_minutes_ago();
    let good = SpanInfo {
        number: 1,
        card: "soft0".into(),
        line: "E1".into(),
        switch: "euroisdn".into(),
        side: Side::User,
        link: LinkState::Up,
        link_since_ms: since,
        alarms: vec![],
        channels_total: 30,
        in_use: 3,
        out_of_service: 0,
        counters: SpanCounters { calls_taken: 12, ..SpanCounters::default() },
        ..SpanInfo::default()
    };
    let bad = SpanInfo {
        number: 2,
        card: "a card with a name of some length".into(),
        line: "T1".into(),
        switch: "dms100".into(),
        link: LinkState::Down,
        alarms: vec!["LOS".into(), "LOF".into(), "RECOVERING".into()],
        channels_total: 23,
        in_use: 0,
        out_of_service: 23,
        counters: SpanCounters { link_losses: 4, slips: 2, frames_lost: 9, ..SpanCounters::default() },
        ..good.clone()
    };
    let shared = SpanInfo {
        number: 3,
        line: "T1".into(),
        switch: "ni2".into(),
        link: LinkState::Shared,
        nfas: Some("east".into()),
        d_channels_on: vec![4, 5],
        channels_total: 24,
        counters: SpanCounters::default(),
        ..good.clone()
    };
    vec![good, bad, shared]
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
        since_ms: five_minutes_ago(),
    };
    let busy = ChannelInfo {
        channel: 31,
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
        since_ms: FIXED_MS,
        reason: Some("a cable is moved".into()),
        ticket: Some("INC-4711".into()),
    };
    let out = ChannelInfo {
        channel: 2,
        near: ServiceState::OutOfService,
        far: ServiceState::InService,
        pending: Some(ServiceState::OutOfService),
        holds: vec![hold],
        ..idle.clone()
    };
    let next = ChannelInfo { channel: 3, pending: None, ..out.clone() };
    let draining =
        ChannelInfo { near: ServiceState::InService, draining: true, holds: out.holds.clone(), ..busy.clone() };
    let alarm = HoldInfo {
        hold: Hold::Alarm,
        suspension: None,
        by: None,
        since_ms: FIXED_MS,
        reason: Some("LOS".into()),
        ticket: None,
    };
    let failed = ChannelInfo { channel: 4, pending: None, holds: vec![alarm], ..out.clone() };
    vec![idle, out, next, draining, busy, failed]
}

/// 2026-03-01 12:00:00 UTC.
const FIXED_MS: u64 = 1_772_366_400_000;

fn suspension(wish: &Suspend) -> SuspensionInfo {
    SuspensionInfo {
        id: 4,
        target: wish.target.to_string(),
        channels: vec!["span 1: 1-23".into()],
        hold: wish.hold,
        by: "kim".into(),
        since_ms: five_minutes_ago(),
        forced_at_ms: None,
        until_ms: wish.until_ms,
        reason: wish.reason.clone(),
        ticket: Some("INC-4711".into()),
        progress: Progress {
            channels: 23,
            channels_left: 2,
            unacknowledged: 0,
            calls_left: 2,
            oldest_call_ms: Some(2_580_000),
            estimate_s: Some(1500),
            done: false,
        },
    }
}

fn plan(wish: &Suspend) -> SuspendPlan {
    let hit = |call, channel, minutes: u64| CallHit {
        call,
        span: 1,
        channel,
        age_ms: minutes * 60_000,
        event: Some(Masked::new("100200305")),
    };
    SuspendPlan {
        target: wish.target.to_string(),
        channels: 23,
        at_once: 21,
        already: 0,
        calls: vec![hit(17, 23, 43), hit(18, 22, 12)],
        calls_text: "calls go on until they end; each channel goes out then".into(),
        estimate_s: Some(1500),
        remaining: 30,
        spans: vec![SpanPlan {
            span: 1,
            channels: "1-23".into(),
            whole: true,
            told: "SERVICE tells the exchange of each channel at once".into(),
            unanswered: "SERVICE is sent once more after 2 minutes".into(),
        }],
    }
}

fn bert() -> TestWish {
    let kind = TestKind::Bert { pattern: "qrss".into(), loop_: LoopWord::Timeslot, insert: None };
    TestWish {
        target: Target::Channels { span: 1, first: 5, last: 6 },
        kind,
        drain: false,
        idle_only: false,
        for_s: None,
    }
}

/// A call that is refused; it rings the first time it is asked after.
fn called(wish: &TestWish, called: &str, state: TestState) -> TestInfo {
    let over = state == TestState::Over;
    let call = CallFound {
        span: 1,
        channel: 23,
        proceeding_ms: Some(31),
        alerting_ms: Some(412),
        ended_ms: over.then_some(2_048),
        cause: over.then_some(17),
        cause_text: over.then(|| "user busy".into()),
        cause_location: over.then(|| "public_remote".into()),
        released_by: over.then(|| "far_end".into()),
        ..CallFound::default()
    };
    TestInfo {
        id: 7,
        target: wish.target.to_string(),
        what: format!("call to {called}"),
        by: "kim".into(),
        since_ms: five_minutes_ago(),
        state,
        passed: over.then_some(false),
        outcome: over.then(|| "refused by the far end, cause 17 (user busy), said by public_remote".into()),
        channels: vec![TestChannel { span: 1, channel: 23, ..TestChannel::default() }],
        call: Some(call),
        ..TestInfo::default()
    }
}

/// Of two channels the first passes a pattern test, the second does not.
fn tested(wish: &TestWish, state: TestState) -> TestInfo {
    if let TestKind::Call { called: number } = &wish.kind {
        return called(wish, number, state);
    }
    let over = state == TestState::Over;
    let good = BitsFound {
        sync: SyncState::InSync,
        bits: 3_840_000,
        seconds: 60,
        seconds_in_sync: 59,
        error_rate: Some(0.0),
        ..BitsFound::default()
    };
    let bad = BitsFound { bit_errors: 4, errored_seconds: 3, error_rate: Some(1e-6), ..good.clone() };
    let heard =
        SoundFound { level_dbm0: -10.1, tone_hz: 1_004.0, tone_dbm0: -10.1, noise_dbrnc0: 79.9, notched_dbrnc0: 18.2 };
    let pattern = matches!(wish.kind, TestKind::Bert { .. });
    let sound = matches!(wish.kind, TestKind::Tone { .. } | TestKind::Signal { .. } | TestKind::Level);
    let channel = |channel, bits: BitsFound, passed| TestChannel {
        span: 1,
        channel,
        bits: pattern.then_some(bits),
        passed: (pattern && over).then_some(passed),
        sound: sound.then(|| heard.clone()),
    };
    TestInfo {
        id: 7,
        target: wish.target.to_string(),
        what: match wish.kind {
            TestKind::Bert { .. } => "pattern qrss, local loopback of each channel".into(),
            TestKind::Loopback { .. } => "line loopback".into(),
            TestKind::Tone { .. } | TestKind::Signal { .. } | TestKind::Level | TestKind::Call { .. } => "level".into(),
        },
        by: "kim".into(),
        since_ms: five_minutes_ago(),
        state,
        until_ms: (!over).then(|| five_minutes_ago() + 600_000),
        passed: (pattern && over).then_some(false),
        outcome: over.then(|| if pattern { "failed, 1 of 2 channels".into() } else { "its time was over".into() }),
        left_out: vec![],
        channels: vec![channel(5, good, true), channel(6, bad, false)],
        call: None,
    }
}

fn conference() -> ConferenceInfo {
    let host = ConferenceMember {
        call: 17,
        role: Role::Host,
        place: MemberPlace::Present,
        name: Some("Ada \u{1b}[31min red, of a town with a long name".into()),
        number: Some("xxxxxxxx0142".into()),
        talking: true,
        level_dbm0: Some(-18.4),
        samples_clipped: 0,
        since_ms: five_minutes_ago(),
        ..ConferenceMember::default()
    };
    let asks = ConferenceMember {
        call: 18,
        role: Role::Speaker,
        name: None,
        muted: Some(MutedBy::Mode),
        hand: Some(1),
        talking: false,
        level_dbm0: None,
        ..host.clone()
    };
    let waits = ConferenceMember {
        call: 19,
        role: Role::Listener,
        place: MemberPlace::WaitingForAdmission,
        number: None,
        muted: Some(MutedBy::Role),
        hand: None,
        ..asks.clone()
    };
    ConferenceInfo {
        event: "100200305".into(),
        title: "Town hall".into(),
        mode: ConferenceMode::Question,
        locked: true,
        all_muted: false,
        mutes_locked: false,
        on_air: true,
        present: 2,
        hosts: 1,
        waiting: 1,
        hands: 1,
        since_ms: five_minutes_ago(),
        samples_clipped: 0,
        ends_at_ms: None,
        members: vec![host, asks, waits],
        called: Vec::new(),
    }
}

fn calls() -> Vec<CallInfo> {
    let host = CallInfo {
        id: 17,
        span: 1,
        channel: 31,
        calling: Some(Masked::new("+15555550142")),
        called: "5550100".into(),
        outgoing: false,
        state: CallStage::InConference,
        event: Some("100200305".into()),
        role: Some(Role::Host),
        since_ms: five_minutes_ago(),
        muted: false,
        talking: true,
        level_dbm0: Some(-18.4),
        samples_clipped: 0,
        keys_pressed: 19,
        last_key: Some(KeyPress {
            pressed_ms: five_minutes_ago(),
            lasted_ms: 85,
            row_dbm0: -12,
            column_dbm0: -10,
            twist_db: 2,
            snr_db: 32,
            off_frequency: false,
        }),
        language: Some("en".into()),
    };
    let muted = CallInfo { id: 18, channel: 2, role: Some(Role::Speaker), muted: true, ..host.clone() };
    let asked = CallInfo {
        id: 19,
        channel: 3,
        calling: None,
        state: CallStage::AskingPin,
        event: None,
        role: None,
        talking: false,
        level_dbm0: None,
        ..host.clone()
    };
    vec![host, muted, asked]
}

fn events() -> Vec<EventInfo> {
    let live = EventInfo {
        number: "100200305".into(),
        title: "Town hall \u{1b}[31min red, and with a title that goes on for longer than a line has room".into(),
        state: EventState::Live,
        callers: 2,
        hosts: 1,
        streams: vec![StreamInfo {
            format: "mp3".into(),
            url: "http://gateway-a.conferences.example.com:10000/events/100200305/live/stream.mp3".into(),
            port: 10_000,
            listeners: 40,
            octets: 9_600_000,
            since_ms: five_minutes_ago(),
        }],
        recordings: 1,
        since_ms: Some(five_minutes_ago()),
        over_at_ms: None,
    };
    let idle = EventInfo {
        number: "100200313".into(),
        title: "Board".into(),
        state: EventState::Idle,
        callers: 0,
        hosts: 0,
        streams: vec![],
        over_at_ms: Some(five_minutes_ago() + 300_000 + 630_000),
        ..live.clone()
    };
    vec![live, idle]
}

fn ports() -> Vec<PortInfo> {
    let used = PortInfo {
        port: 10_000,
        state: PortState::InUse,
        event: Some("100200305".into()),
        listeners: 40,
        until_ms: None,
    };
    let held = PortInfo {
        port: 10_003,
        state: PortState::HeldBack,
        event: Some("100200313".into()),
        listeners: 0,
        until_ms: Some(five_minutes_ago() + 300_000 + 630_000),
    };
    let free = |port| PortInfo { port, state: PortState::Free, ..PortInfo::default() };
    let mut ports = vec![used, free(10_001), free(10_002), held];
    ports.extend((10_004..10_049).map(free));
    ports.push(PortInfo { port: 10_049, state: PortState::Unavailable, ..PortInfo::default() });
    ports
}

/// A served socket and a directory to run trunkctl in.
pub struct Bench {
    pub fake: Arc<Fake>,
    pub server: Server,
    pub directory: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(false)
    }

    pub fn with(empty: bool) -> Bench {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().join("trunkcast-state");
        std::fs::create_dir(&state).expect("made");
        let fake =
            Arc::new(Fake { hub: NoticeHub::new(64), asked: Mutex::default(), progress: Mutex::default(), empty });
        let server = Server::bind(&state.join("control.sock"), fake.clone()).expect("bound");
        Bench { fake, server, directory }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// trunkctl in the directory that the state directory is in, with nothing on its standard input.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkctl"));
        command.args(args).current_dir(self.directory.path()).env_remove(ENVIRONMENT).stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("started")
    }

    /// The standard output of a command that succeeds and complains about nothing.
    pub fn shown(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaints.is_empty(), "{args:?}: {} {complaints}", output.status);
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub fn requests(&self) -> Vec<Request> {
        self.fake.asked.lock().expect("whole").clone()
    }
}

/// Exit code, standard output, standard error.
pub fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("not killed"), text(&output.stdout), text(&output.stderr))
}
