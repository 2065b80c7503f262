//! The lists of the full-screen view, as lines of text with a tone each.

use super::state::{Pane, Snapshot, Top};
use crate::table::{Set, Table};
use crate::words::{ago, clean, date};
use crate::{show, words};
use control::{ChannelInfo, ChannelUse, ConferenceMember, EventState, LinkState, ServiceState, Severity};

/// How a line is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    /// To be looked at.
    Warn,
    /// Something is broken.
    Bad,
}

/// A list: its heading, its rows, and more about the chosen one.
#[derive(Debug, Default)]
pub struct List {
    pub heading: String,
    pub rows: Vec<(String, Tone)>,
    pub about: String,
}

fn list(table: &Table, tones: impl IntoIterator<Item = Tone>, about: String) -> List {
    let text = table.text();
    let mut lines = text.lines().map(str::to_owned);
    List { heading: lines.next().unwrap_or_default(), rows: lines.zip(tones).collect(), about }
}

/// The spans.
pub fn spans(snapshot: &Snapshot, now_ms: u64, width: usize) -> List {
    let columns = [
        ("SPAN", Set::Right),
        ("CARD", Set::Cut),
        ("LINE", Set::Left),
        ("SWITCH", Set::Left),
        ("LINK", Set::Left),
        ("FOR", Set::Left),
        ("IN USE", Set::Right),
        ("OUT", Set::Right),
        ("ALARMS", Set::Cut),
    ];
    let mut table = Table::within(&columns, width);
    let mut tones = Vec::new();
    for span in &snapshot.spans {
        let (link, tone) = match span.link {
            LinkState::Up => ("up", Tone::Plain),
            LinkState::Establishing => ("STARTING", Tone::Bad),
            LinkState::Down => ("DOWN", Tone::Bad),
            LinkState::Released => ("suspended", Tone::Warn),
            LinkState::Active => ("active", Tone::Plain),
            LinkState::Standby => ("standby", Tone::Plain),
            LinkState::Shared => ("-", Tone::Plain),
            LinkState::Unknown => ("?", Tone::Warn),
        };
        table.row([
            span.number.to_string(),
            span.card.clone(),
            span.line.clone(),
            span.switch.clone(),
            link.into(),
            ago(now_ms, span.link_since_ms),
            format!("{}/{}", span.in_use, span.channels_total),
            span.out_of_service.to_string(),
            if span.alarms.is_empty() { "none".into() } else { span.alarms.join(", ") },
        ]);
        tones.push(match (&span.alarms[..], tone) {
            ([], Tone::Plain) if span.out_of_service > 0 => Tone::Warn,
            ([], tone) => tone,
            _ => Tone::Bad,
        });
    }
    list(&table, tones, String::new())
}

/// A span in a line, a character for each channel.
pub fn map(channels: &[ChannelInfo]) -> String {
    let mark = |c: &ChannelInfo| match c {
        ChannelInfo { draining: true, .. } => 'd',
        ChannelInfo { near: ServiceState::OutOfService | ServiceState::Maintenance, .. } => 'X',
        ChannelInfo { call: Some(_), .. } => '*',
        ChannelInfo { far: ServiceState::OutOfService | ServiceState::Maintenance, .. } => 'x',
        ChannelInfo { far: ServiceState::Unknown, .. } => '?',
        _ => '.',
    };
    let marks: String = channels.iter().map(mark).collect();
    format!("{marks}  .idle *call d:drain X:out x:far out ?:unknown")
}

/// The list of a pane, with more about the row that is chosen.
pub fn pane(top: &Top, snapshot: &Snapshot, now_ms: u64, width: usize) -> List {
    match top.pane {
        Pane::Trunks => channels(top, snapshot, now_ms, width),
        Pane::Calls => {
            let text = show::calls_within(&snapshot.calls, now_ms, width);
            let mut lines = text.lines().map(str::to_owned);
            let heading = lines.next().unwrap_or_default();
            List { heading, rows: lines.map(|line| (line, Tone::Plain)).collect(), about: String::new() }
        }
        Pane::Events => events(top, snapshot, now_ms, width),
        Pane::Conferences => conferences(top, snapshot, now_ms, width),
        Pane::Alarms => alarms(top, snapshot, now_ms, width),
        Pane::Out => suspensions(top, snapshot, now_ms, width),
    }
}

fn channels(top: &Top, snapshot: &Snapshot, now_ms: u64, width: usize) -> List {
    let columns = [
        ("CHANNEL", Set::Left),
        ("NEAR", Set::Left),
        ("FAR", Set::Left),
        ("USE", Set::Left),
        ("FOR", Set::Left),
        ("CALL", Set::Right),
        ("EVENT", Set::CutFront),
        ("HELD", Set::Cut),
    ];
    let mut table = Table::within(&columns, width);
    let mut tones = Vec::new();
    for channel in &snapshot.channels {
        let near = match (channel.draining, channel.pending) {
            (true, _) => "draining".to_owned(),
            (false, Some(_)) => format!("{}, pending", state(channel.near)),
            (false, None) => state(channel.near).to_owned(),
        };
        let use_ = match channel.use_ {
            ChannelUse::Idle => "idle",
            ChannelUse::Arriving => "arriving",
            ChannelUse::Connected => "connected",
            ChannelUse::Clearing => "clearing",
            ChannelUse::Restarting => "restarting",
            ChannelUse::Unknown => "?",
        };
        let held =
            channel.holds.first().map(|h| h.reason.clone().or_else(|| h.by.clone()).unwrap_or_else(|| show::why(h)));
        table.row([
            format!("{}/{}", channel.span, channel.channel),
            near,
            state(channel.far).into(),
            use_.into(),
            ago(now_ms, channel.since_ms),
            show::or_dash(channel.call),
            show::or_dash(channel.event.as_ref()),
            show::or_dash(held),
        ]);
        let well = |state| state == ServiceState::InService;
        let in_service = well(channel.near) && well(channel.far) && !channel.draining;
        tones.push(if in_service { Tone::Plain } else { Tone::Warn });
    }
    let holds = top.channel().map(|channel| channel.holds.iter().map(show::why).collect::<Vec<_>>().join("; "));
    list(&table, tones, clean(&holds.unwrap_or_default()))
}

fn state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::InService => "in service",
        ServiceState::Maintenance => "MAINT",
        ServiceState::OutOfService => "OUT",
        ServiceState::Unknown => "?",
    }
}

fn events(top: &Top, snapshot: &Snapshot, now_ms: u64, width: usize) -> List {
    let columns = [
        ("EVENT", Set::Left),
        ("TITLE", Set::Cut),
        ("STATE", Set::Left),
        ("CALLERS", Set::Right),
        ("LISTENERS", Set::Right),
        ("FOR", Set::Left),
    ];
    let mut table = Table::within(&columns, width);
    let mut tones = Vec::new();
    for event in &snapshot.events {
        let state = match event.state {
            EventState::Reserved => "reserved",
            EventState::Live => "LIVE",
            EventState::Idle => "idle",
            EventState::ArchiveDue => "archive due",
            EventState::Over => "over",
            EventState::Ended => "ended",
            EventState::Cancelled => "cancelled",
            EventState::Unknown => "?",
        };
        table.row([
            event.number.clone(),
            event.title.clone(),
            state.into(),
            event.callers.to_string(),
            event.streams.iter().map(|s| s.listeners).sum::<u32>().to_string(),
            ago(now_ms, event.since_ms.unwrap_or(0)),
        ]);
        tones.push(Tone::Plain);
    }
    let chosen = snapshot.events.get(top.row).map(|event| event.streams.iter().map(|s| s.url.as_str()));
    list(&table, tones, clean(&chosen.into_iter().flatten().collect::<Vec<_>>().join("  ")))
}

/// Conferences: how each stands, and of the chosen one who speaks and whose hand is raised.
fn conferences(top: &Top, snapshot: &Snapshot, now_ms: u64, width: usize) -> List {
    let columns = [
        ("EVENT", Set::Left),
        ("TITLE", Set::Cut),
        ("MODE", Set::Left),
        ("IN", Set::Right),
        ("HOSTS", Set::Right),
        ("WAIT", Set::Right),
        ("HANDS", Set::Right),
        ("SPEAK", Set::Right),
        ("FOR", Set::Left),
        ("LOCK", Set::Left),
    ];
    let mut table = Table::within(&columns, width);
    let mut tones = Vec::new();
    let speaks = |member: &&ConferenceMember| member.talking && member.muted.is_none();
    for one in &snapshot.conferences {
        table.row([
            one.event.clone(),
            one.title.clone(),
            show::mode(one.mode).into(),
            one.present.to_string(),
            one.hosts.to_string(),
            one.waiting.to_string(),
            one.hands.to_string(),
            one.members.iter().filter(speaks).count().to_string(),
            ago(now_ms, one.since_ms),
            if one.locked { "locked" } else { "-" }.into(),
        ]);
        // Somebody wants something of the host.
        tones.push(if one.waiting + one.hands > 0 { Tone::Warn } else { Tone::Plain });
    }
    let who = |member: &ConferenceMember| match member.name.as_ref().or(member.number.as_ref()) {
        Some(name) => format!("{name} (call {})", member.call),
        None => format!("call {}", member.call),
    };
    let all = |members: Vec<&ConferenceMember>, nobody: &str| match &members[..] {
        [] => nobody.to_owned(),
        some => some.iter().map(|member| who(member)).collect::<Vec<_>>().join(", "),
    };
    let about = snapshot.conferences.get(top.row).map(|one| {
        let mut hands: Vec<_> = one.members.iter().filter(|member| member.hand.is_some()).collect();
        hands.sort_by_key(|member| member.hand);
        let speaking = all(one.members.iter().filter(speaks).collect(), "nobody");
        clean(&format!("speaking: {speaking}; hands: {}", all(hands, "none")))
    });
    list(&table, tones, about.unwrap_or_default())
}

fn alarms(top: &Top, snapshot: &Snapshot, now_ms: u64, width: usize) -> List {
    let columns = [("SEVERITY", Set::Left), ("WHAT", Set::Left), ("FOR", Set::Left), ("ALARM", Set::Cut)];
    let mut table = Table::within(&columns, width);
    let mut tones = Vec::new();
    for alarm in &snapshot.status.alarms {
        table.row([
            show::severity(alarm.severity).into(),
            alarm.what.clone(),
            ago(now_ms, alarm.since_ms),
            alarm.text.clone(),
        ]);
        tones.push(if alarm.severity >= Severity::Major { Tone::Bad } else { Tone::Warn });
    }
    list(&table, tones, snapshot.status.alarms.get(top.row).map(|a| clean(&a.text)).unwrap_or_default())
}

fn suspensions(top: &Top, snapshot: &Snapshot, now_ms: u64, width: usize) -> List {
    let columns = [
        ("NO", Set::Right),
        ("TARGET", Set::Cut),
        ("BY", Set::Cut),
        ("FOR", Set::Left),
        ("OUT", Set::Right),
        ("CALLS", Set::Right),
        ("TICKET", Set::Cut),
        ("PROGRESS", Set::Left),
    ];
    let mut table = Table::within(&columns, width);
    let mut tones = Vec::new();
    for one in &snapshot.suspensions {
        let progress = &one.progress;
        let out = progress.channels.saturating_sub(progress.channels_left);
        table.row([
            one.id.to_string(),
            one.target.clone(),
            one.by.clone(),
            ago(now_ms, one.since_ms),
            format!("{out}/{}", progress.channels),
            progress.calls_left.to_string(),
            show::or_dash(one.ticket.as_ref()),
            bar(out, progress.channels),
        ]);
        tones.push(if progress.done { Tone::Plain } else { Tone::Warn });
    }
    let about = snapshot.suspensions.get(top.row).map(|one| {
        let mut text = show::progress(&one.progress);
        if let Some(reason) = &one.reason {
            text += &format!("; reason: {reason}");
        }
        for (what, at) in [("calls are let go at", one.forced_at_ms), ("it comes back at", one.until_ms)] {
            if let Some(at) = at.filter(|at| *at > now_ms) {
                text += &format!("; {what} {} UTC", date(at));
            }
        }
        clean(&text)
    });
    list(&table, tones, about.unwrap_or_default())
}

/// How much is done, in ten characters.
fn bar(done: u32, all: u32) -> String {
    let filled = (10 * done).checked_div(all).unwrap_or(10).min(10) as usize;
    format!("[{}{}]", "#".repeat(filled), "-".repeat(10 - filled))
}

/// Nothing in a list, in words.
pub fn nothing(pane: Pane) -> &'static str {
    match pane {
        Pane::Trunks => "asking for its channels",
        Pane::Calls => "no calls",
        Pane::Events => "no events",
        Pane::Conferences => "no conferences",
        Pane::Alarms => "no alarms",
        Pane::Out => "nothing is suspended",
    }
}

/// Alarms by severity: `1 major, 2 minor`.
pub fn alarm_counts(snapshot: &Snapshot) -> (String, Tone) {
    let count = |severity| snapshot.status.alarms.iter().filter(|a| a.severity == severity).count();
    let severities = [Severity::Critical, Severity::Major, Severity::Minor, Severity::Warning];
    let named: Vec<String> = severities
        .into_iter()
        .filter(|severity| count(*severity) > 0)
        .map(|severity| format!("{} {}", count(severity), show::severity(severity)))
        .collect();
    let tone = if count(Severity::Critical) + count(Severity::Major) > 0 { Tone::Bad } else { Tone::Warn };
    if named.is_empty() { ("none".into(), Tone::Plain) } else { (named.join(", "), tone) }
}

/// How the loop keeps time: half and 99 of 100.
pub fn timing(timing: &control::Timing) -> String {
    format!("{} / {}", words::micros(timing.p50_us), words::micros(timing.p99_us))
}
