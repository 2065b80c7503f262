//! The screens as text, and what keys lead to.

use super::panes::map;
use super::state::{Dialog, Event, Key, Order, Pane, Snapshot, Top};
use super::view::{Theme, draw};
use control::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use std::path::PathBuf;

/// 2026-03-01 12:00:00 UTC.
const NOW: u64 = 1_772_366_400_000;

fn minutes_ago(minutes: u64) -> u64 {
    NOW - minutes * 60_000
}

fn channel(number: u8) -> ChannelInfo {
    ChannelInfo {
        span: 1,
        channel: number,
        near: ServiceState::InService,
        far: ServiceState::InService,
        use_: ChannelUse::Idle,
        since_ms: minutes_ago(50),
        ..ChannelInfo::default()
    }
}

fn call(id: u64, channel: u8) -> CallInfo {
    CallInfo {
        id,
        span: 1,
        channel,
        calling: Some(Masked::new("+15555550142")),
        called: "5550100".into(),
        state: CallStage::InConference,
        event: Some("100200305".into()),
        role: Some(Role::Speaker),
        since_ms: minutes_ago(12),
        talking: true,
        level_dbm0: Some(-18.4),
        samples_clipped: 0,
        ..CallInfo::default()
    }
}

fn conference() -> ConferenceInfo {
    let member = |call, name: &str| ConferenceMember {
        call,
        role: Role::Speaker,
        place: MemberPlace::Present,
        name: (!name.is_empty()).then(|| name.to_owned()),
        ..ConferenceMember::default()
    };
    ConferenceInfo {
        event: "100200305".into(),
        title: "Town hall \u{1b}[31min red".into(),
        mode: ConferenceMode::Question,
        locked: true,
        on_air: true,
        present: 3,
        hosts: 1,
        waiting: 1,
        hands: 2,
        since_ms: minutes_ago(12),
        members: vec![
            ConferenceMember { role: Role::Host, talking: true, ..member(17, "Ada") },
            ConferenceMember { hand: Some(2), muted: Some(MutedBy::Mode), talking: true, ..member(18, "") },
            ConferenceMember { hand: Some(1), muted: Some(MutedBy::Mode), ..member(20, "Grace") },
            ConferenceMember { place: MemberPlace::WaitingForAdmission, ..member(21, "") },
        ],
        ..ConferenceInfo::default()
    }
}

/// Two spans; on the first, one channel is suspended, one drains under call 17, one is out at the far end, one has call 18.
fn snapshot() -> Snapshot {
    let span = SpanInfo {
        number: 1,
        card: "soft0".into(),
        line: "T1".into(),
        switch: "ni2".into(),
        side: Side::User,
        link: LinkState::Up,
        link_since_ms: minutes_ago(50),
        channels_total: 23,
        in_use: 2,
        out_of_service: 2,
        ..SpanInfo::default()
    };
    let broken = SpanInfo {
        number: 2,
        line: "E1".into(),
        switch: "euroisdn".into(),
        link: LinkState::Establishing,
        link_since_ms: minutes_ago(3),
        alarms: vec!["LOS".into(), "RAI".into()],
        channels_total: 30,
        in_use: 0,
        out_of_service: 0,
        ..span.clone()
    };
    let hold = HoldInfo {
        hold: Hold::Operator,
        suspension: Some(4),
        by: Some("kim".into()),
        since_ms: minutes_ago(5),
        reason: Some("a cable is moved".into()),
        ticket: Some("INC-4711".into()),
    };
    let mut channels: Vec<ChannelInfo> = (1..=23).map(channel).collect();
    channels[1] = ChannelInfo {
        near: ServiceState::OutOfService,
        pending: Some(ServiceState::OutOfService),
        holds: vec![hold.clone()],
        ..channel(2)
    };
    let connected = |call, number| ChannelInfo {
        use_: ChannelUse::Connected,
        call: Some(call),
        event: Some(Masked::new("100200305")),
        ..channel(number)
    };
    channels[2] = ChannelInfo { draining: true, holds: vec![hold], ..connected(17, 3) };
    channels[3] = ChannelInfo { far: ServiceState::OutOfService, ..channel(4) };
    channels[22] = connected(18, 23);
    let time = |p50_us, p99_us| Timing { p50_us, p99_us, ..Timing::default() };
    Snapshot {
        at_ms: NOW,
        status: Status {
            version: "0.1.0".into(),
            server: "gw-a".into(),
            uptime_s: 7500,
            loop_: LoopInfo { late: time(12, 80), work: time(200, 1300), ..LoopInfo::default() },
            calls: 2,
            conferences: 1,
            streams: 1,
            listeners: 40,
            recordings: 1,
            free_ports: 47,
            total_ports: 50,
            alarms: vec![AlarmInfo {
                severity: Severity::Major,
                what: "span 2 line".into(),
                text: "span 2: LOS, RAI: no signal arrives; look at the cable, then at the far end".into(),
                since_ms: minutes_ago(3),
                ..AlarmInfo::default()
            }],
            ..Status::default()
        },
        spans: vec![span, broken],
        channels,
        calls: vec![call(17, 3), call(18, 23)],
        events: vec![EventInfo {
            number: "100200305".into(),
            title: "Town hall \u{1b}[31min red".into(),
            state: EventState::Live,
            callers: 2,
            streams: vec![StreamInfo {
                url: "http://127.0.0.1:10000/100200305.mp3".into(),
                listeners: 40,
                ..StreamInfo::default()
            }],
            since_ms: Some(minutes_ago(12)),
            ..EventInfo::default()
        }],
        conferences: vec![conference()],
        suspensions: vec![SuspensionInfo {
            id: 4,
            target: "channel 1/2-3".into(),
            by: "kim".into(),
            since_ms: minutes_ago(5),
            reason: Some("a cable is moved".into()),
            ticket: Some("INC-4711".into()),
            progress: Progress {
                channels: 2,
                channels_left: 1,
                calls_left: 1,
                oldest_call_ms: Some(720_000),
                unacknowledged: 1,
                ..Progress::default()
            },
            ..SuspensionInfo::default()
        }],
    }
}

fn top() -> Top {
    let mut top = Top::default();
    assert_eq!(top.handle(Event::News(Box::new(snapshot()))), None);
    top
}

/// The last order these keys lead to.
fn press(top: &mut Top, keys: &[Key]) -> Option<Order> {
    keys.iter().fold(None, |_, key| top.handle(Event::Key(*key)))
}

fn drawn(top: &Top, colour: bool, (width, height): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a backend without terminal");
    terminal.draw(|frame| draw(frame, top, Theme { colour }, NOW)).expect("drawn");
    terminal
}

fn text(top: &Top, size: (u16, u16)) -> String {
    let terminal = drawn(top, false, size);
    let buffer = terminal.backend().buffer();
    let lines = buffer.content.chunks(usize::from(size.0));
    lines.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n").collect()
}

#[track_caller]
fn assert_screen(name: &str, top: &Top) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(format!("top_{name}.txt"));
    let shown = text(top, (80, 24));
    let committed = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    assert_eq!(shown, committed, "{name}:\n{shown}");
}

fn plan() -> SuspendPlan {
    SuspendPlan {
        target: "span 1".into(),
        channels: 23,
        at_once: 21,
        already: 2,
        calls: vec![CallHit { call: 17, span: 1, channel: 3, age_ms: 720_000, event: None }],
        calls_text: "calls go on until they end; each channel goes out then".into(),
        remaining: 30,
        spans: vec![SpanPlan {
            span: 1,
            whole: true,
            told: "SERVICE tells the exchange of each channel at once".into(),
            unanswered: "SERVICE is sent once more after 2 minutes".into(),
            ..SpanPlan::default()
        }],
        ..SuspendPlan::default()
    }
}

#[test]
fn every_list_is_as_committed() {
    let mut top = top();
    assert_screen("trunks", &top);
    press(&mut top, &[Key::Enter, Key::Down, Key::Down]);
    assert_screen("channels", &top);
    for (key, name) in [('c', "calls"), ('e', "events"), ('m', "conferences"), ('a', "alarms"), ('o', "out")] {
        press(&mut top, &[Key::Char(key)]);
        assert_screen(name, &top);
    }
    press(&mut top, &[Key::Char('?')]);
    assert_screen("help", &top);
}

#[test]
fn suspending_shows_the_plan_and_waits_for_a_yes() {
    let mut top = top();
    let order = press(&mut top, &[Key::Char('s')]);
    let Some(Order::Plan(wish)) = order else { panic!("{order:?}") };
    assert_eq!(wish.target, Target::Span(1));
    assert_eq!(top.handle(Event::Planned(wish.clone(), Ok(Box::new(plan())))), None);
    assert_screen("suspend", &top);
    // Whatever else is pressed, nothing happens; nor is it another span when the screen moves on.
    let keys = [Key::Enter, Key::Char('s'), Key::Char(' '), Key::Down, Key::Tab];
    assert_eq!(press(&mut top, &keys), None);
    assert_eq!(top.handle(Event::News(Box::new(snapshot()))), None);
    assert_eq!(press(&mut top, &[Key::Char('y')]), Some(Order::Suspend(wish.clone())));
    assert_eq!(top.dialog, None);
    top.handle(Event::Planned(wish, Ok(Box::new(plan()))));
    assert_eq!(press(&mut top, &[Key::Escape, Key::Char('y')]), None, "it was refused, and the question is gone");
}

#[test]
fn a_channel_is_suspended_and_resumed_by_its_number() {
    let mut top = top();
    let order = press(&mut top, &[Key::Right, Key::Down, Key::Char('s')]);
    assert_eq!(order, Some(Order::Plan(Suspend::new(Target::Channels { span: 1, first: 2, last: 2 }))));
    assert_eq!(press(&mut top, &[Key::Char('r')]), None);
    assert_screen("resume", &top);
    let resume = Resume {
        target: Target::Channels { span: 1, first: 2, last: 2 },
        hold: Hold::Operator,
        reason: None,
        ticket: None,
    };
    assert_eq!(press(&mut top, &[Key::Char('y')]), Some(Order::Resume(resume)));
    assert_eq!(press(&mut top, &[Key::Up, Key::Char('r'), Key::Char('y')]), None, "channel 1 is in service");
    let whole = press(&mut top, &[Key::Char('o'), Key::Char('r'), Key::Char('y')]);
    let Some(Order::Resume(whole)) = whole else { panic!("{whole:?}") };
    assert_eq!(whole.target, Target::Channels { span: 1, first: 2, last: 3 });
}

#[test]
fn hanging_up_names_the_call_and_hits_no_other_that_takes_its_place() {
    let mut top = top();
    press(&mut top, &[Key::Char('c'), Key::Down]);
    // Call 17 ends before the key is pressed: 18 stays the chosen one.
    let mut later = snapshot();
    later.calls.remove(0);
    top.handle(Event::News(Box::new(later)));
    assert_eq!(press(&mut top, &[Key::Char('h')]), None);
    assert_screen("hang_up", &top);
    // Call 18 ends, and 19 has its row, before the yes.
    let mut later = snapshot();
    later.calls = vec![call(19, 3)];
    top.handle(Event::News(Box::new(later)));
    assert_eq!(press(&mut top, &[Key::Char('y')]), Some(Order::HangUp(18)));
    // From the channel it is on, too.
    let mut top = self::top();
    press(&mut top, &[Key::Enter, Key::Down, Key::Down]);
    assert_eq!(press(&mut top, &[Key::Char('h'), Key::Char('y')]), Some(Order::HangUp(17)));
}

#[test]
fn without_a_daemon_the_last_picture_stays_and_no_order_is_taken() {
    let mut top = top();
    press(&mut top, &[Key::Char('c'), Key::Char('h')]);
    top.handle(Event::Lost("/run/trunkcast/control.sock: not there".into()));
    assert_eq!(top.dialog, None, "after a restart call 17 may be another's");
    assert_screen("lost", &top);
    assert_eq!(press(&mut top, &[Key::Char('y'), Key::Char('h'), Key::Char('y')]), None);
    top.handle(Event::News(Box::new(snapshot())));
    assert_eq!(top.lost, None);
    press(&mut top, &[Key::Char('h')]);
    assert!(matches!(top.dialog, Some(Dialog::Ask { order: Order::HangUp(17), .. })));
}

#[test]
fn a_server_that_closes_down_says_so_before_anything_else() {
    let mut closing = snapshot();
    let progress = Progress {
        channels: 53,
        channels_left: 2,
        calls_left: 2,
        oldest_call_ms: Some(720_000),
        estimate_s: Some(540),
        ..Progress::default()
    };
    closing.status.drain = Some(DrainInfo { since_ms: minutes_ago(1), until_ms: NOW + 540_000, progress });
    let drained = HoldInfo { hold: Hold::Drain, since_ms: minutes_ago(1), ..HoldInfo::default() };
    for channel in &mut closing.channels {
        channel.holds.push(drained.clone());
    }
    closing.channels[0].near = ServiceState::OutOfService;
    let mut top = top();
    top.handle(Event::News(Box::new(closing)));
    press(&mut top, &[Key::Enter]);
    assert_screen("closing", &top);
}

#[test]
fn another_span_is_asked_for_and_the_old_one_s_channels_are_not_taken_for_its_own() {
    let mut top = top();
    assert_eq!(press(&mut top, &[Key::Down]), Some(Order::Look(2)));
    assert_eq!(top.rows(), 0);
    assert_eq!(press(&mut top, &[Key::Down]), None, "it is the last");
    let mut fewer = snapshot();
    fewer.spans.truncate(1);
    assert_eq!(top.handle(Event::News(Box::new(fewer))), Some(Order::Look(1)), "the daemon came back with one span");
}

#[test]
fn tab_goes_around_and_q_and_ctrl_c_end_it() {
    let mut top = top();
    press(&mut top, &[Key::BackTab]);
    assert_eq!(top.pane, Pane::Out);
    press(&mut top, &[Key::Tab]);
    assert_eq!(top.pane, Pane::Trunks);
    press(&mut top, &[Key::Char('?'), Key::Char('q')]);
    assert!(!top.quit, "it closes the help");
    press(&mut top, &[Key::Char('q')]);
    assert!(top.quit);
    let mut asked = self::top();
    press(&mut asked, &[Key::Char('c'), Key::Char('h'), Key::Interrupt]);
    assert!(asked.quit);
}

#[test]
fn a_small_terminal_is_told_so_and_any_size_is_drawn() {
    let mut top = top();
    assert!(
        text(&top, (79, 24)).starts_with("This terminal has 79 columns and 24 lines; trunkctl top needs 80 and 24.")
    );
    press(&mut top, &[Key::Char('r')]);
    for size in [(1, 1), (10, 3), (80, 23), (80, 24), (200, 60), (300, 24)] {
        assert!(!text(&top, size).is_empty());
        assert!(!text(&Top::default(), size).is_empty());
    }
}

#[test]
fn colour_is_used_only_when_it_is_wanted() {
    let colours = |colour| {
        let terminal = drawn(&top(), colour, (80, 24));
        terminal.backend().buffer().content.iter().filter(|cell| cell.fg != Color::Reset).count()
    };
    assert!(colours(true) > 0);
    assert_eq!(colours(false), 0);
}

#[test]
fn text_from_elsewhere_moves_no_cursor() {
    let mut top = top();
    press(&mut top, &[Key::Char('e')]);
    assert!(!text(&top, (80, 24)).contains('\u{1b}'));
}

#[test]
fn a_span_is_a_line_of_characters() {
    let marks: String = map(&snapshot().channels).chars().take(23).collect();
    assert_eq!(marks, ".Xdx..................*");
    assert!(map(&(1..=30).map(channel).collect::<Vec<_>>()).chars().count() <= 78);
}
