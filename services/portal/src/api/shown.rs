//! How an event is shown to programs.

use crate::events::Known;
use crate::state::Portal;
use event::{EventInfo, utc};
use serde_json::{Value, json};

/// An event. PINs are in the answer to its reservation and nowhere else.
pub(super) fn event(portal: &Portal, known: &Known) -> Value {
    let number = known.number.to_string();
    let table = portal.gateway.table();
    let live = table.event(&number);
    let stream = |stream: &control::StreamInfo| {
        json!({
            "format": stream.format, "address": stream.url, "port": stream.port,
            "since": utc::rfc3339(stream.since_ms), "listeners": stream.listeners,
        })
    };
    let streams: Vec<Value> = live.map(|e| e.streams.iter().map(stream).collect()).unwrap_or_default();
    let (callers, hosts) = live.map_or((0, 0), |e| (e.callers, e.hosts));
    drop(table);
    json!({
        "number": number,
        "title": known.title,
        "status": portal.state_of(known),
        "created": utc::rfc3339(known.created_ms),
        "starts": known.starts_ms.map(utc::rfc3339),
        "formats": known.formats,
        "over_after_s": known.over_after_s,
        "archive_after_s": known.archive_after_s,
        "listener_limit": known.attendance.limit,
        "has_password": known.attendance.password.is_some(),
        "link": known.link,
        "dial_in": portal.config.dial_in,
        "callers": callers,
        "hosts": hosts,
        "streams": streams,
    })
}

/// A reservation: the event with its PINs.
pub(super) fn reservation(portal: &Portal, known: &Known, info: &EventInfo) -> Value {
    let mut value = event(portal, known);
    value["pins"] = json!({
        "host": info.host_pin.as_str(),
        "speaker": info.speaker_pin.as_str(),
        "listener": info.listener_pin.map(|pin| pin.as_str().to_owned()),
    });
    value
}

/// What came of an event: its usage.
pub(crate) fn record(portal: &Portal, known: &Known, usage: &crate::usage::Usage) -> Value {
    let number = known.number.to_string();
    let point = |(at, listeners): &(u64, u32)| json!({"at": utc::rfc3339(*at), "listeners": listeners});
    let formats = usage.by_format();
    let format = |(format, (listeners, octets)): (&&str, &(u32, u64))| json!({"format": format, "peak_listeners": listeners, "octets": octets});
    json!({
        "number": number,
        "title": known.title,
        "status": portal.state_of(known),
        "calls": usage.calls.iter().map(crate::usage::Call::to_value).collect::<Vec<_>>(),
        "call_seconds": usage.calls.iter().map(|call| call.seconds).sum::<u64>(),
        "peak_listeners": crate::audience::peak(&usage.audience),
        "listeners": usage.audience.iter().map(point).collect::<Vec<_>>(),
        "octets": formats.values().map(|(_, octets)| octets).sum::<u64>(),
        "formats": formats.iter().map(format).collect::<Vec<_>>(),
    })
}
