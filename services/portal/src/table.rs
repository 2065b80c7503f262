//! The monitoring table of one server: which event is heard in which format, where, and since when.
//!
//! The gateway's notices say when to look; what it then tells of its events is the table. With more servers, each would bring rows
//! of its own.
//!
//! Data path: notices and events of the control socket → [`Table::replace`] → answers of API and pages.

use control::{EventInfo, EventState};
use serde::Serialize;
use std::collections::BTreeMap;

/// A stream on the air.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// The event's number.
    pub(crate) event: String,
    /// The format.
    pub(crate) format: String,
    /// Where the gateway casts it.
    pub(crate) address: String,
    /// Its TCP port.
    pub(crate) port: u16,
    /// On the air since: milliseconds of UTC.
    pub(crate) since_ms: u64,
    /// Who listens.
    pub(crate) listeners: u32,
}

/// What is known of the gateway's events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    events: BTreeMap<String, EventInfo>,
    /// The gateway answers.
    pub(crate) reached: bool,
    /// What the gateway's server is called; empty until it has answered once.
    pub(crate) server: String,
}

impl Table {
    /// Takes what the gateway says.
    pub(crate) fn replace(&mut self, events: Vec<EventInfo>) {
        self.events = events.into_iter().map(|event| (event.number.clone(), event)).collect();
        self.reached = true;
    }

    /// The gateway is away: what it said last stays known, but nothing is on the air.
    pub(crate) fn away(&mut self) {
        self.reached = false;
        for event in self.events.values_mut() {
            event.streams.clear();
            event.callers = 0;
            event.hosts = 0;
            if event.state == EventState::Live {
                event.state = EventState::Idle;
            }
        }
    }

    /// What the gateway says of an event.
    pub(crate) fn event(&self, number: &str) -> Option<&EventInfo> {
        self.events.get(number)
    }

    /// Where an event is heard in this format.
    pub(crate) fn port(&self, number: &str, format: &str) -> Option<u16> {
        self.event(number)?.streams.iter().find(|s| s.format == format).map(|s| s.port)
    }

    /// The rows, by event.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let row = |event: &EventInfo, stream: &control::StreamInfo| Row {
            event: event.number.clone(),
            format: stream.format.clone(),
            address: stream.url.clone(),
            port: stream.port,
            since_ms: stream.since_ms,
            listeners: stream.listeners,
        };
        self.events.values().flat_map(|event| event.streams.iter().map(move |stream| row(event, stream))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::StreamInfo;

    fn event(number: &str, formats: &[&str]) -> EventInfo {
        let stream = |format: &&str| StreamInfo {
            format: (*format).to_owned(),
            port: 10_000,
            since_ms: 5,
            ..StreamInfo::default()
        };
        EventInfo {
            number: number.to_owned(),
            state: EventState::Live,
            callers: 2,
            streams: formats.iter().map(stream).collect(),
            ..EventInfo::default()
        }
    }

    #[test]
    fn rows_come_and_go_with_the_streams() {
        let mut table = Table::default();
        table.replace(vec![event("1", &[])]);
        assert!(table.reached && table.rows().is_empty());
        table.replace(vec![event("1", &["mp3", "pcmu"])]);
        let rows = table.rows();
        assert_eq!(
            rows.iter().map(|r| (r.event.as_str(), r.format.as_str())).collect::<Vec<_>>(),
            [("1", "mp3"), ("1", "pcmu")]
        );
        assert_eq!(
            (table.port("1", "mp3"), table.port("1", "ogg"), table.port("2", "mp3")),
            (Some(10_000), None, None)
        );
        table.replace(vec![event("1", &[])]);
        assert!(table.rows().is_empty());
    }

    #[test]
    fn without_the_gateway_nothing_is_on_the_air_but_events_stay_known() {
        let mut table = Table::default();
        table.replace(vec![event("1", &["mp3"])]);
        table.away();
        assert!(!table.reached && table.rows().is_empty());
        assert_eq!(table.event("1").map(|e| (e.state, e.callers)), Some((EventState::Idle, 0)));
    }
}
