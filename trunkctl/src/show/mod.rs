//! What the daemon answered, as people read it.
//!
//! Each function makes text from an answer; `now_ms` is given, so that the same answer makes the same text.

mod alarms;
mod bench;
mod calls;
mod conference;
mod doctor;
mod events;
mod service;
mod status;
mod trunk;

pub use alarms::{alarms, past_alarms, performance};
pub use bench::{checks, faults, test_begun, test_plan, test_progress, test_result, tests};
pub use calls::{calls, calls_long, calls_within, exchange_calls, exchange_progress};
pub use conference::{conference, conference_count, conferences, hands, mode, roll};
pub use doctor::findings;
pub use events::{closing, events, ports, reservation};
pub use service::{progress, suspend_plan, suspended, suspensions};
pub use status::{closing_down, status};
pub use trunk::{channels, spans, why};

use crate::words;
use control::{Notice, Severity, Topic};

/// A notice in a line.
pub fn notice(notice: &Notice) -> String {
    let severity = severity(notice.severity);
    let topic = match notice.topic {
        Topic::Server => "server",
        Topic::Span => "span",
        Topic::Call => "call",
        Topic::Event => "event",
        Topic::Stream => "stream",
        Topic::Recording => "recording",
        Topic::Guard => "guard",
        Topic::Exchange => "exchange",
        Topic::Unknown => "other",
    };
    format!("{}  {severity:<8}  {topic:<9}  {}\n", words::time_of_day(notice.at_ms), words::clean(&notice.text))
}

/// A severity in a word.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Cleared => "cleared",
        Severity::Warning => "warning",
        Severity::Minor => "minor",
        Severity::Major => "major",
        Severity::Critical => "critical",
        Severity::Unknown => "unknown",
    }
}

/// A dash for what is not there.
pub fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".into(), |text| text.to_string())
}
