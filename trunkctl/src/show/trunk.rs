//! `trunkctl spans`, `trunkctl channels`.

use super::or_dash;
use crate::table::{Set, Table};
use crate::words::{ago, date};
use control::{ChannelInfo, ChannelUse, Hold, HoldInfo, LinkState, ServiceState, Side, SpanInfo};

/// Spans, with what went wrong on each.
pub fn spans(spans: &[SpanInfo], now_ms: u64) -> String {
    if spans.is_empty() {
        return "no spans\n".into();
    }
    let mut table = Table::new(&[
        ("SPAN", Set::Right),
        ("CARD", Set::Cut),
        ("LINE", Set::Left),
        ("SWITCH", Set::Left),
        ("SIDE", Set::Left),
        ("LINK", Set::Left),
        ("FOR", Set::Left),
        ("IN USE", Set::Right),
        ("OUT", Set::Right),
        ("ALARMS", Set::Left),
    ]);
    for span in spans {
        let side = match span.side {
            Side::User => "user",
            Side::Network => "network",
            Side::Unknown => "?",
        };
        let link = match span.link {
            LinkState::Up => "up",
            LinkState::Establishing => "starting",
            LinkState::Down => "DOWN",
            LinkState::Released => "suspended",
            LinkState::Active => "active",
            LinkState::Standby => "standby",
            LinkState::Shared => "-",
            LinkState::Unknown => "?",
        };
        table.row([
            span.number.to_string(),
            span.card.clone(),
            span.line.clone(),
            span.switch.clone(),
            side.into(),
            link.into(),
            ago(now_ms, span.link_since_ms),
            format!("{}/{}", span.in_use, span.channels_total),
            span.out_of_service.to_string(),
            match &span.alarms[..] {
                [] => "none".into(),
                [alarm] => alarm.clone(),
                [first, others @ ..] => format!("{first} +{}", others.len()),
            },
        ]);
        if span.alarms.len() > 1 {
            table.note(&format!("alarms {}", span.alarms.join(", ")));
        }
        if let (LinkState::Shared, Some(group)) = (span.link, &span.nfas) {
            let on: Vec<String> = span.d_channels_on.iter().map(u16::to_string).collect();
            let place = match &on[..] {
                [one] => format!("its D channel is on span {one}"),
                several => format!("its D channels are on spans {}", several.join(" and ")),
            };
            table.note(&format!("{place} (nfas {group})"));
        }
        let trouble = trouble(span);
        if !trouble.is_empty() {
            table.note(&trouble);
        }
    }
    table.text()
}

/// The counters that should be zero and are not.
fn trouble(span: &SpanInfo) -> String {
    let counters = &span.counters;
    let named = [
        ("calls refused", counters.calls_refused),
        ("link losses", counters.link_losses),
        ("restarts", counters.restarts),
        ("frames lost", counters.frames_lost),
        ("frames unsent", counters.frames_unsent),
        ("slips", counters.slips),
        ("underruns", counters.underruns),
        ("code violations", counters.line_code_violations),
        ("CRC errors", counters.path_code_violations),
        ("far-end errors", counters.far_end_errors),
        ("framing errors", counters.framing_errors),
    ];
    let named = named.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}"));
    named.collect::<Vec<_>>().join(", ")
}

/// Channels.
pub fn channels(channels: &[ChannelInfo], now_ms: u64) -> String {
    if channels.is_empty() {
        return "no channels\n".into();
    }
    let mut table = Table::new(&[
        ("CHANNEL", Set::Left),
        ("NEAR END", Set::Left),
        ("FAR END", Set::Left),
        ("USE", Set::Left),
        ("FOR", Set::Left),
        ("CALL", Set::Right),
        ("EVENT", Set::CutFront),
    ]);
    // Said once for channels that follow one another.
    let mut told = None;
    for channel in channels {
        let use_ = match channel.use_ {
            ChannelUse::Idle => "idle",
            ChannelUse::Arriving => "arriving",
            ChannelUse::Connected => "connected",
            ChannelUse::Clearing => "clearing",
            ChannelUse::Restarting => "restarting",
            ChannelUse::Unknown => "?",
        };
        table.row([
            format!("{}/{}", channel.span, channel.channel),
            near_end(channel),
            service(channel.far).into(),
            use_.into(),
            ago(now_ms, channel.since_ms),
            or_dash(channel.call),
            or_dash(channel.event.as_ref()),
        ]);
        for hold in &channel.holds {
            let note = why(hold);
            if told.as_ref() != Some(&note) {
                table.remark(&note);
                told = Some(note);
            }
        }
        if channel.holds.is_empty() {
            told = None;
        }
    }
    table.text()
}

/// Who keeps a channel out, and why.
pub fn why(hold: &HoldInfo) -> String {
    match hold.hold {
        Hold::NoPort => return "too few stream ports are free".into(),
        Hold::Test => return "in test, see `trunkctl test list`".into(),
        Hold::SelfTest => return "in self-test".into(),
        Hold::Drain => return "the server is closing down".into(),
        _ => {}
    }
    let mut text = match (hold.hold, &hold.by) {
        (Hold::Operator, Some(by)) => format!("suspended by {by}"),
        (Hold::Load, Some(by)) => format!("given up for other servers by {by}"),
        (Hold::Alarm, _) => "held as the line has failed".to_owned(),
        (_, by) => format!("held ({})", by.as_deref().unwrap_or("?")),
    };
    text += &format!(" since {}", date(hold.since_ms));
    for (what, value) in [("ticket", &hold.ticket), ("reason", &hold.reason)] {
        if let Some(value) = value {
            text += &format!(", {what} {value}");
        }
    }
    text
}

/// The near state, and whether the far end knows.
fn near_end(channel: &ChannelInfo) -> String {
    let near = service(channel.near);
    match (channel.draining, channel.pending) {
        (true, _) => "draining".to_owned(),
        (false, Some(_)) => format!("{near}, pending"),
        (false, None) => near.to_owned(),
    }
}

fn service(state: ServiceState) -> &'static str {
    match state {
        ServiceState::InService => "in service",
        ServiceState::Maintenance => "maintenance",
        ServiceState::OutOfService => "OUT OF SERVICE",
        ServiceState::Unknown => "?",
    }
}
