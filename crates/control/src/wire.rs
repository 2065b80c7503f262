//! The lines on the socket: envelopes around requests, replies, problems and notices.
//!
//! Data path: [`Request`] → [`encode_request`] → line → [`decode_request`] → handler → [`Said`] → line.
//! Source: our own protocol, version 1.

use crate::{
    AlarmInfo, CallInfo, ChannelInfo, Check, ConferenceInfo, EventInfo, ExchangeCallInfo, Finding, Notice,
    PerformanceInfo, PortInfo, Problem, ProblemKind, Request, Reservation, SpanInfo, Status, SuspendPlan,
    SuspensionInfo, TestInfo, TestPlan, TraceFrame, TraceHead, WatchEnd,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the protocol spoken here: the `v` of a request.
pub const PROTOCOL_VERSION: u32 = 1;

/// Octets in a request at most, its line feed included.
pub const REQUEST_LINE_MAX: usize = 64 * 1024;

/// Octets in a line of the server at most: tens of thousands of channels fit.
pub const REPLY_LINE_MAX: usize = 16 * 1024 * 1024;

/// The answer to a request that was carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `status`.
    Status(Box<Status>),
    /// To `spans`, in the order of their numbers.
    Spans(Vec<SpanInfo>),
    /// To `channels`, by span and timeslot.
    Channels(Vec<ChannelInfo>),
    /// To `calls`, the oldest first.
    Calls(Vec<CallInfo>),
    /// To `events`.
    Events(Vec<EventInfo>),
    /// To `conferences`, by event.
    Conferences(Vec<ConferenceInfo>),
    /// To `conference`.
    Conference(Box<ConferenceInfo>),
    /// To `listen_ports`, by port.
    Ports(Vec<PortInfo>),
    /// To `reserve`.
    Reserved(Reservation),
    /// To `suspend`.
    Suspended(SuspensionInfo),
    /// To `plan_suspend`.
    Plan(SuspendPlan),
    /// To `suspensions`, the oldest first.
    Suspensions(Vec<SuspensionInfo>),
    /// To `doctor`, the most severe first.
    Findings(Vec<Finding>),
    /// To `alarms`: those that stand, the most severe first, or those that stood, the last that was cleared first.
    Alarms(Vec<AlarmInfo>),
    /// To `performance`, in the order of the spans.
    Performance(Vec<PerformanceInfo>),
    /// To `test`.
    Test(Box<TestInfo>),
    /// To `plan_test`.
    TestPlan(TestPlan),
    /// To `tests`, the oldest first.
    Tests(Vec<TestInfo>),
    /// To `checks`.
    Checks(Vec<Check>),
    /// To `fault`: those that stand, each as it is ordered.
    Faults(Vec<String>),
    /// To `watch`: notices follow. Given by the server itself.
    Watching,
    /// To `trace`: frames follow.
    Tracing(TraceHead),
    /// To `exchange_dial`.
    Dialled {
        /// The number of the call, for `exchange_hang_up`.
        id: u64,
    },
    /// To `exchange_calls`, the oldest first.
    ExchangeCalls(Vec<ExchangeCallInfo>),
    /// To what has no other answer.
    Done(Done),
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Done {
    /// In words, for instance `event 100200305 was ended, 3 callers were let go`.
    pub text: String,
    /// The call that was placed, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
}

impl Reply {
    /// It was done: this.
    #[must_use]
    pub fn done(text: impl Into<String>) -> Reply {
        Reply::Done(Done { text: text.into(), call: None })
    }
}

/// A line of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "short-lived values, one at a time")]
pub enum Said {
    /// The request was carried out.
    Ok(Reply),
    /// It was not.
    Error(Problem),
    /// Something happened.
    Notice(Notice),
    /// A frame went over the D channel that is traced.
    Frame(TraceFrame),
    /// No more notices or frames.
    End(WatchEnd),
}

#[derive(Serialize)]
struct Envelope<'a> {
    v: u32,
    request: &'a Request,
}

/// A request as a line, without line feed.
///
/// # Errors
/// When the request holds a number JSON cannot say.
pub fn encode_request(request: &Request) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Envelope { v: PROTOCOL_VERSION, request })
}

/// The request on a line, checked.
///
/// The version is looked at first, so that a client of another version learns that, rather than that it
/// cannot spell.
///
/// # Errors
/// `malformed` or `version`, with what is expected.
pub fn decode_request(line: &[u8]) -> Result<Request, Problem> {
    let hint = "a request is one line such as {\"v\":1,\"request\":\"status\"}";
    let value: Value = serde_json::from_slice(line).map_err(|e| {
        // The parser's own words, without its position in a document of one line.
        let what = if e.is_eof() { "it ends too early".to_owned() } else { format!("column {}", e.column()) };
        Problem::malformed(format!("the request is not JSON: {what}")).with_hint(hint)
    })?;
    let Value::Object(mut fields) = value else {
        return Err(Problem::malformed("the request is not a JSON object").with_hint(hint));
    };
    match fields.remove("v") {
        Some(v) if v == PROTOCOL_VERSION => {}
        Some(v) => {
            // Shown short: it may be anything.
            let v: String = v.to_string().chars().take(20).collect();
            return Err(Problem::new(ProblemKind::Version, format!("version {v} of the protocol is not spoken here"))
                .with_hint(format!("this daemon speaks version {PROTOCOL_VERSION}: use its own trunkctl")));
        }
        None => return Err(Problem::malformed("the request has no `v`").with_hint(hint)),
    }
    let Some(request) = fields.remove("request") else {
        return Err(Problem::malformed("the request has no `request`").with_hint(hint));
    };
    if let Some(field) = fields.keys().next() {
        return Err(Problem::malformed(format!("unknown field `{}`", shortened(field))).with_hint(hint));
    }
    let request: Request =
        serde_json::from_value(request).map_err(|e| Problem::malformed(complaint(&e.to_string())))?;
    request.check()?;
    Ok(request)
}

/// The parser's complaint without the value it complains about, which may be a PIN.
fn complaint(text: &str) -> String {
    match text.split_once(", expected ") {
        Some((what, expected)) if what.starts_with("invalid ") && !what.starts_with("invalid length") => {
            format!("a value is of the wrong kind: expected {}", shortened(expected))
        }
        _ => shortened(text),
    }
}

/// What a client wrote may come back in a complaint, but not a page of it.
fn shortened(text: &str) -> String {
    const MAX: usize = 300;
    if text.chars().count() <= MAX {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MAX).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DialPlan, Repeat, Reserve};

    fn problem(line: &str) -> Problem {
        decode_request(line.as_bytes()).expect_err(line)
    }

    #[test]
    fn every_request_survives_the_wire() {
        for request in [
            Request::Status,
            Request::Spans,
            Request::Channels { span: None },
            Request::Channels { span: Some(3) },
            Request::Calls,
            Request::Events,
            Request::ListenPorts,
            Request::Reserve(Reserve { title: "Town hall".into(), over_after_s: Some(60), ..Reserve::default() }),
            Request::Announce { event: "100200305".into() },
            Request::Cancel { event: "100200305".into() },
            Request::End { event: "100200305".into() },
            Request::HangUp { call: 7 },
            Request::Doctor,
            Request::Alarms { history: true },
            Request::Performance { span: None },
            Request::Performance { span: Some(1) },
            Request::Watch,
            Request::Trace(crate::TraceWish { span: 2, ring: true, numbers: true }),
            Request::ExchangeDial(DialPlan { repeat: Repeat::Forever, hold_ms: Some(500), ..DialPlan::default() }),
            Request::ExchangeCalls,
            Request::ExchangeHangUp { id: 1 },
        ] {
            let line = encode_request(&request).expect("JSON");
            assert_eq!(decode_request(line.as_bytes()), Ok(request), "{line}");
        }
    }

    #[test]
    fn a_misspelt_field_is_refused_and_named() {
        let told = problem(r#"{"v":1,"request":{"channels":{"spam":1}}}"#);
        assert!(told.kind == ProblemKind::Malformed && told.message.contains("spam"), "{told:?}");
        let told = problem(r#"{"v":1,"request":{"reserve":{"title":"a","colour":"red"}}}"#);
        assert!(told.message.contains("colour"), "{told:?}");
        let told = problem(r#"{"v":1,"request":{"exchange_dial":{"pinn":"1"}}}"#);
        assert!(told.message.contains("pinn"), "{told:?}");
        let told = problem(r#"{"v":1,"request":"status","id":4}"#);
        assert!(told.message.contains("`id`"), "{told:?}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_not_repeated() {
        let told = problem(r#"{"v":1,"request":{"exchange_dial":{"pin":86421357}}}"#);
        assert!(!told.message.contains("8642") && told.message.contains("expected a string"), "{told:?}");
    }

    #[test]
    fn another_version_is_told_so_even_when_the_rest_is_strange() {
        let told = problem(r#"{"v":2,"request":{"fly":{"to":"the moon"}},"auth":"x"}"#);
        assert_eq!(told.kind, ProblemKind::Version);
        assert_eq!(problem(r#"{"v":"1","request":"status"}"#).kind, ProblemKind::Version);
        assert_eq!(problem(r#"{"request":"status"}"#).kind, ProblemKind::Malformed);
    }

    #[test]
    fn what_is_no_request_is_answered_in_words_of_bounded_length() {
        let long = format!(r#"{{"v":1,"request":"{}"}}"#, "x".repeat(60_000));
        let deep = "[".repeat(60_000);
        let lines =
            ["", "{", "null", "[]", "42", "\"status\"", "{}", "{\"v\":1}", "{\"v\":1,\"request\":null}", &long, &deep];
        for line in lines {
            let told = problem(line);
            assert_eq!(told.kind, ProblemKind::Malformed);
            assert!(!told.message.is_empty() && told.message.len() < 1000, "{}", told.message.len());
        }
        assert_eq!(decode_request(b"\xff\xfe{}").expect_err("no UTF-8").kind, ProblemKind::Malformed);
    }

    #[test]
    fn fields_and_words_of_a_newer_daemon_are_tolerated() {
        let line = r#"{"ok":{"events":[{"number":"1","state":"postponed","weather":"fine"}]}}"#;
        let Ok(Said::Ok(Reply::Events(events))) = serde_json::from_str(line) else { panic!("not events") };
        assert_eq!((events[0].number.as_str(), events[0].state), ("1", crate::EventState::Unknown));
    }
}
