//! What a client can ask for.
//!
//! Time: spans of time are given with their unit in the name; nothing here has a date.
//! Source: our own protocol, version 1. Lengths and ranges are checked before the daemon sees a request,
//! so that nothing unbounded is kept on behalf of a client.

use crate::{ConferenceOrder, Problem, Resume, Suspend, Target, TestWish, TraceWish};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Characters in a title at most.
const TITLE_MAX: usize = 200;

/// Formats of an event at most.
const FORMATS_MAX: usize = 8;

/// Digits in a number that is keyed or dialled at most.
const DIGITS_MAX: usize = 32;

/// A time-out of more than a year is a slip of the pen.
const TIME_OUT_MAX_S: u64 = 366 * 24 * 3600;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How the daemon is. Answered with `Status`.
    Status,
    /// All spans. Answered with `Spans`.
    Spans,
    /// The channels of a span, or of all. Answered with `Channels`.
    Channels {
        /// The span, from 1; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        span: Option<u16>,
    },
    /// All calls. Answered with `Calls`.
    Calls,
    /// All events that are reserved or were called. Answered with `Events`.
    Events,
    /// All stream ports. Answered with `Ports`.
    ListenPorts,
    /// Reserve an event. Answered with `Reserved`.
    Reserve(Reserve),
    /// An event was reserved or changed in the content store by another program: list it, with its title. It takes calls without.
    /// Answered with `Done`.
    Announce {
        /// Its number.
        event: String,
    },
    /// Cancel an event: it takes no calls, now or ever. Answered with `Done`.
    Cancel {
        /// Its number.
        event: String,
    },
    /// End an event, as a host does with 399. Answered with `Done`.
    End {
        /// Its number.
        event: String,
    },
    /// All conferences that are on. Answered with `Conferences`.
    Conferences,
    /// The conference of an event. Answered with `Conference`.
    Conference {
        /// The number of the event.
        event: String,
    },
    /// Do something in the conference of an event. Answered with `Done`.
    ConferenceOrder {
        /// The number of the event.
        event: String,
        /// What.
        order: ConferenceOrder,
    },
    /// Clear a call of the gateway. Answered with `Done`.
    HangUp {
        /// Its number in the answer to `calls`.
        call: u64,
    },
    /// Take channels out of service. Answered with `Suspended`.
    Suspend(Suspend),
    /// Say what that would hit, and do nothing. Answered with `Plan`.
    PlanSuspend(Suspend),
    /// Put channels back. Answered with `Done`.
    Resume(Resume),
    /// All suspensions, and how far they have come. Answered with `Suspensions`.
    Suspensions,
    /// What is wrong, and what to do about it. Answered with `Findings`.
    Doctor,
    /// The alarms that stand, or those that stood. Answered with `Alarms`.
    Alarms {
        /// Those that stood: the last thousand.
        #[serde(default)]
        history: bool,
    },
    /// What the line of a span, or of all, has suffered. Answered with `Performance`.
    Performance {
        /// The span, from 1; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        span: Option<u16>,
    },
    /// Begin a test. Answered with `Test`.
    Test(TestWish),
    /// Say what that would hit, and do nothing. Answered with `TestPlan`.
    PlanTest(TestWish),
    /// The tests that go on, and the last that are over. Answered with `Tests`.
    Tests,
    /// Try encoders, stream ports, state directory and clock. Answered with `Checks`.
    Checks,
    /// End a test. Answered with `Done`.
    StopTest {
        /// Its number.
        id: u64,
    },
    /// Release every loopback that tests have set on these channels. Answered with `Done`.
    ReleaseLoops {
        /// Which.
        target: Target,
    },
    /// Put a fault on the line of a software card, or clear it; only say what stands when `words` is absent. Answered with
    /// `Faults`.
    Fault {
        /// The span, from 1.
        span: u16,
        /// The fault: `sent los`, `errors 1e-6`, `clear`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<String>,
    },
    /// Let the encoders of a stream port give nothing, or work again; only say what stands when `dead` is absent. Answered
    /// with `Faults`.
    PortFault {
        /// The TCP port.
        port: u16,
        /// Whether its encoders are to be dead, from the next stream on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dead: Option<bool>,
    },
    /// Tell what happens from now on. Answered with `Watching`, then notices.
    Watch,
    /// Tell what goes over the D channel of a span. Answered with `Tracing`, then frames.
    Trace(TraceWish),
    /// Make a call from the exchange in software. Answered with `Dialled`.
    ExchangeDial(DialPlan),
    /// The calls the exchange makes, and made lately. Answered with `ExchangeCalls`.
    ExchangeCalls,
    /// Hang up a call of the exchange. Answered with `Done`.
    ExchangeHangUp {
        /// Its number in the answer to `exchange_dial`.
        id: u64,
    },
}

/// What an event is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// Its title, up to 200 characters.
    pub title: String,
    /// Formats it is streamed in (`mp3`, `pcmu`, `webm`, `ogg`, `hls`); the configured ones when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Seconds after the last hang-up until it is over and takes no more calls; the configured ones when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_after_s: Option<u64>,
    /// Seconds after the last hang-up until its archive is due; the configured ones when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_after_s: Option<u64>,
}

/// How often something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// So many times.
    Times(u32),
    /// Until the call ends.
    Forever,
}

/// A call the exchange is to make: dial, key event number and PIN, speak, listen, hang up. Its `Debug`
/// form shows neither the event number nor the PIN.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DialPlan {
    /// The number to dial: digits, `*`, `#`, a leading `+`; the gateway's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
    /// The caller's number; not told when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calling: Option<String>,
    /// The caller's name; not told when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The event number to key; none is keyed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The PIN to key; none is keyed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// What to say: absolute path of a WAV file the daemon can read (8 kHz, one channel, 16 bit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wav: Option<String>,
    /// Where to write what is heard: absolute path of a WAV file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// How often to say it.
    #[serde(default = "once")]
    pub repeat: Repeat,
    /// Milliseconds a key is held.
    #[serde(default = "key_ms")]
    pub key_on_ms: u32,
    /// Milliseconds between keys.
    #[serde(default = "key_ms")]
    pub key_off_ms: u32,
    /// Level of each of a key's two tones, in dBm0.
    #[serde(default = "key_level")]
    pub key_level_dbm0: f32,
    /// Milliseconds to listen after the last word before hanging up; until the far end does when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u64>,
}

fn once() -> Repeat {
    Repeat::Times(1)
}

fn key_ms() -> u32 {
    100
}

fn key_level() -> f32 {
    -10.0
}

impl Default for DialPlan {
    /// Dial the gateway and listen; keys of 100 ms with 100 ms between, -10 dBm0 a tone.
    fn default() -> DialPlan {
        DialPlan {
            called: None,
            calling: None,
            name: None,
            event: None,
            pin: None,
            wav: None,
            record: None,
            repeat: once(),
            key_on_ms: key_ms(),
            key_off_ms: key_ms(),
            key_level_dbm0: key_level(),
            hold_ms: None,
        }
    }
}

impl fmt::Debug for DialPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialPlan")
            .field("called", &self.called)
            .field("event", &self.event.as_ref().map(|_| "hidden"))
            .field("pin", &self.pin.as_ref().map(|_| "hidden"))
            .field("wav", &self.wav)
            .field("record", &self.record)
            .field("repeat", &self.repeat)
            .field("hold_ms", &self.hold_ms)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// Check lengths and ranges. Whether an event exists is the daemon's to find out.
    ///
    /// # Errors
    /// `malformed`, naming the field and what it may hold.
    pub fn check(&self) -> Result<(), Problem> {
        match self {
            Request::Channels { span: Some(0) }
            | Request::Performance { span: Some(0) }
            | Request::Trace(TraceWish { span: 0, .. })
            | Request::Fault { span: 0, .. } => Err(Problem::malformed("spans are counted from 1, so there is no 0")),
            Request::Reserve(reserve) => reserve.check(),
            Request::Suspend(suspend) | Request::PlanSuspend(suspend) => suspend.check(),
            Request::Resume(resume) => resume.check(),
            Request::Test(wish) | Request::PlanTest(wish) => wish.check(),
            Request::Fault { words: Some(words), .. } if words.len() > 100 => {
                Err(Problem::malformed("`words` are a short order such as \"errors 1e-6\""))
            }
            Request::Fault { words: Some(words), .. } => one_line("words", words),
            Request::Announce { event }
            | Request::Cancel { event }
            | Request::End { event }
            | Request::Conference { event } => digits("event", event, ""),
            Request::ConferenceOrder { event, order } => {
                digits("event", event, "")?;
                order.check()
            }
            Request::ExchangeDial(plan) => plan.check(),
            _ => Ok(()),
        }
    }
}

impl Reserve {
    fn check(&self) -> Result<(), Problem> {
        if self.title.chars().count() > TITLE_MAX {
            return Err(Problem::malformed(format!("`title` is longer than {TITLE_MAX} characters")));
        }
        one_line("title", &self.title)?;
        if self.formats.len() > FORMATS_MAX || self.formats.iter().any(|f| f.len() > 16 || f.is_empty()) {
            return Err(Problem::malformed(format!("`formats` are up to {FORMATS_MAX} short names such as \"mp3\"")));
        }
        for (field, seconds) in [("over_after_s", self.over_after_s), ("archive_after_s", self.archive_after_s)] {
            if seconds.is_some_and(|s| s > TIME_OUT_MAX_S) {
                return Err(Problem::malformed(format!("`{field}` is more than a year")));
            }
        }
        Ok(())
    }
}

impl DialPlan {
    fn check(&self) -> Result<(), Problem> {
        for (field, number, extra) in [
            ("called", &self.called, "*#"),
            ("calling", &self.calling, "*#"),
            ("event", &self.event, "*#"),
            ("pin", &self.pin, "*#"),
        ] {
            let Some(number) = number else { continue };
            let dialled = matches!(field, "called" | "calling");
            let number = if dialled { number.strip_prefix('+').unwrap_or(number) } else { number };
            digits(field, number, extra)?;
        }
        if let Some(name) = &self.name {
            one_line("name", name)?;
            if name.chars().count() > 80 {
                return Err(Problem::malformed("`name` is longer than 80 characters"));
            }
        }
        for (field, path) in [("wav", &self.wav), ("record", &self.record)] {
            if path.as_ref().is_some_and(|p| !p.starts_with('/') || p.contains('\0')) {
                return Err(Problem::malformed(format!("`{field}` is not an absolute path"))
                    .with_hint("the daemon's working directory is not the client's: give the path from the root on"));
            }
        }
        if self.wav.is_some() && self.wav == self.record {
            return Err(Problem::malformed("`record` would overwrite the file that is being spoken"));
        }
        if !(1..=10_000).contains(&self.key_on_ms) || self.key_off_ms > 10_000 {
            return Err(Problem::malformed("a key is held for 1 to 10000 ms, with at most 10000 ms between two"));
        }
        if !(-60.0..=3.0).contains(&self.key_level_dbm0) {
            return Err(Problem::malformed("`key_level_dbm0` is between -60 and 3"));
        }
        if self.hold_ms.is_some_and(|ms| ms > 24 * 3_600_000) {
            return Err(Problem::malformed("`hold_ms` is more than a day: leave it out to listen to the end"));
        }
        Ok(())
    }
}

/// Some digits, and no others; the message does not repeat them, as they may be a PIN.
fn digits(field: &str, number: &str, extra: &str) -> Result<(), Problem> {
    if number.is_empty() || number.len() > DIGITS_MAX {
        return Err(Problem::malformed(format!("`{field}` has 1 to {DIGITS_MAX} digits")));
    }
    if !number.chars().all(|c| c.is_ascii_digit() || extra.contains(c)) {
        return Err(Problem::malformed(format!("`{field}` holds something that is not a digit")));
    }
    Ok(())
}

/// Control characters would spoil logs and terminals.
pub(crate) fn one_line(field: &str, text: &str) -> Result<(), Problem> {
    if text.chars().any(char::is_control) {
        return Err(Problem::malformed(format!("`{field}` holds a control character")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProblemKind;

    fn dial(change: impl FnOnce(&mut DialPlan)) -> Request {
        let mut plan = DialPlan::default();
        change(&mut plan);
        Request::ExchangeDial(plan)
    }

    #[test]
    fn sensible_requests_pass() {
        for request in [
            Request::Channels { span: Some(1) },
            Request::Reserve(Reserve { title: "Größe und Güte".into(), ..Reserve::default() }),
            Request::End { event: "100200305".into() },
            dial(|p| p.called = Some("+4930123456".into())),
            dial(|p| p.hold_ms = Some(0)),
        ] {
            assert_eq!(request.check(), Ok(()), "{request:?}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused_before_the_daemon_sees_it() {
        for request in [
            Request::Channels { span: Some(0) },
            Request::Performance { span: Some(0) },
            Request::Reserve(Reserve { title: "x".repeat(201), ..Reserve::default() }),
            Request::Reserve(Reserve { title: "bell\u{7}".into(), ..Reserve::default() }),
            Request::Reserve(Reserve { formats: vec!["mp3".into(); 9], ..Reserve::default() }),
            Request::Reserve(Reserve { over_after_s: Some(u64::MAX), ..Reserve::default() }),
            Request::End { event: String::new() },
            Request::Cancel { event: "12; rm".into() },
            Request::Cancel { event: "1".repeat(33) },
            dial(|p| p.wav = Some("speech.wav".into())),
            dial(|p| (p.wav, p.record) = (Some("/a.wav".into()), Some("/a.wav".into()))),
            dial(|p| p.key_on_ms = 0),
            dial(|p| p.key_level_dbm0 = f32::NAN),
            dial(|p| p.hold_ms = Some(u64::MAX)),
            dial(|p| p.event = Some("+12".into())),
            dial(|p| p.name = Some("a\nb".into())),
        ] {
            let problem = request.check().expect_err("out of range");
            assert_eq!(problem.kind, ProblemKind::Malformed, "{request:?}");
        }
    }

    #[test]
    fn neither_debug_nor_a_complaint_shows_a_pin() {
        let request = dial(|p| (p.event, p.pin) = (Some("100200305".into()), Some("86420x".into())));
        let shown = format!("{request:?} {:?}", request.check());
        assert!(!shown.contains("86420") && !shown.contains("100200305"), "{shown}");
    }
}
