//! `trunkctl events`, `trunkctl ports`, and what a reservation or a closing means.

use super::or_dash;
use crate::table::{Set, Table};
use crate::words::{ago, brief, clean, count, shortened};
use control::{EventInfo, EventState, PortInfo, PortState, Reservation};
use std::time::Duration;

/// Events with their streams.
pub fn events(events: &[EventInfo], now_ms: u64) -> String {
    if events.is_empty() {
        return "no events; reserve one with `trunkctl reserve TITLE`\n".into();
    }
    let mut table = Table::new(&[
        ("EVENT", Set::Left),
        ("STATE", Set::Left),
        ("FOR", Set::Left),
        ("CALLERS", Set::Right),
        ("HOSTS", Set::Right),
        ("RECORDINGS", Set::Right),
        ("TITLE", Set::Cut),
    ]);
    for event in events {
        table.row([
            event.number.clone(),
            state(event.state).into(),
            event.since_ms.map_or_else(|| "-".into(), |since| ago(now_ms, since)),
            event.callers.to_string(),
            event.hosts.to_string(),
            event.recordings.to_string(),
            event.title.clone(),
        ]);
        for stream in &event.streams {
            table.note(&format!("{} {}, {}", stream.format, stream.url, count(stream.listeners.into(), "listener")));
        }
        if let Some(over) = event.over_at_ms.filter(|over| *over > now_ms) {
            table.note(&format!("over in {} unless somebody calls", brief(Duration::from_millis(over - now_ms))));
        }
    }
    table.text()
}

fn state(state: EventState) -> &'static str {
    match state {
        EventState::Reserved => "reserved",
        EventState::Live => "live",
        EventState::Idle => "idle",
        EventState::ArchiveDue => "archive due",
        EventState::Over => "over",
        EventState::Ended => "ended",
        EventState::Cancelled => "cancelled",
        EventState::Unknown => "?",
    }
}

/// What closing an event does to those in it.
pub fn closing(verb: &str, number: &str, event: Option<&EventInfo>) -> String {
    let Some(event) = event else {
        return format!("This {verb} event {}, which this daemon does not list.\n", clean(number));
    };
    let listeners: u64 = event.streams.iter().map(|stream| u64::from(stream.listeners)).sum();
    let title =
        if event.title.is_empty() { String::new() } else { format!(" \"{}\"", clean(&shortened(&event.title, 30))) };
    format!(
        "This {verb} event {}{title} ({}).\n{} let go, {} cut off.\n",
        clean(&event.number),
        state(event.state),
        count(event.callers.into(), "caller"),
        count(listeners, "listener")
    )
}

/// Stream ports; neighbours that are free are one line.
pub fn ports(ports: &[PortInfo], now_ms: u64) -> String {
    if ports.is_empty() {
        return "no stream ports\n".into();
    }
    let mut table = Table::new(&[
        ("PORT", Set::Left),
        ("STATE", Set::Left),
        ("EVENT", Set::Left),
        ("LISTENERS", Set::Right),
        ("STILL FOR", Set::Left),
    ]);
    let alike = |a: &PortInfo, b: &PortInfo| {
        a.state == PortState::Free && b.state == PortState::Free && a.port.checked_add(1) == Some(b.port)
    };
    for run in ports.chunk_by(alike) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let port = if run.len() == 1 { first.port.to_string() } else { format!("{}-{}", first.port, last.port) };
        let state = match first.state {
            PortState::Free => "free",
            PortState::InUse => "in use",
            PortState::HeldBack => "held back",
            PortState::Unavailable => "UNAVAILABLE",
            PortState::Unknown => "?",
        };
        let still = first.until_ms.map(|until| brief(Duration::from_millis(until.saturating_sub(now_ms))));
        let listeners = if first.state == PortState::InUse { first.listeners.to_string() } else { "-".into() };
        table.row([port, state.into(), or_dash(first.event.as_ref()), listeners, or_dash(still)]);
    }
    let free = ports.iter().filter(|port| port.state == PortState::Free).count();
    format!("{}{free} of {} free\n", table.text(), count(ports.len() as u64, "port"))
}

/// A reservation that was made.
pub fn reservation(reservation: &Reservation) -> String {
    let mut text = String::new();
    for (label, what) in [
        ("event number", &reservation.event),
        ("host PIN", &reservation.pins.host),
        ("speaker PIN", &reservation.pins.speaker),
        ("listener PIN", &reservation.pins.listener),
        ("title", &reservation.title),
    ] {
        text.push_str(&format!("{label:<14}{}\n", clean(what)));
    }
    for hint in &reservation.listen {
        text.push_str(&format!("  {}\n", clean(hint)));
    }
    text.push_str("Keep the PINs: they are not shown again.\n");
    text
}
