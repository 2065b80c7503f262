//! Spans the driver has, and the channels of each.
//!
//! Data path: the driver's control file → [`FoundSpan`].
//! Time: before a card is started, and whenever a technician asks.

use crate::abi::{Blank, Parameters, SpanInfo};
use crate::driver::{Driver, Node, Request};
use crate::meaning;
use crate::settings::At;
use hal::{Alarms, Line, Timeslot};
use std::io;

/// Spans a system has at most, and channels.
const SPANS: i32 = 128;
const CHANNELS: i32 = 1024;

/// A channel of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundChannel {
    /// The driver's number.
    pub number: i32,
    /// Its timeslot.
    pub timeslot: Timeslot,
    /// What it is configured for, of [`crate::abi::signalling`].
    pub signalling: i32,
    /// What it can be configured for, as bits.
    pub capable: i32,
}

/// A span, as the driver shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSpan {
    /// Its number.
    pub number: i32,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its kind, if it is one of ours.
    pub line: Option<Line>,
    /// Framing and coding, as [`crate::abi::line`] bits; 0: not configured.
    pub configured: i32,
    /// The span its board takes its clock from; 0: the board's own clock.
    pub clock_source: i32,
    /// Its alarms now.
    pub alarms: Alarms,
    /// Its channels, by timeslot.
    pub channels: Vec<FoundChannel>,
}

impl FoundSpan {
    /// The channel of a timeslot.
    #[must_use]
    pub fn channel(&self, timeslot: Timeslot) -> Option<FoundChannel> {
        self.channels.iter().copied().find(|channel| channel.timeslot == timeslot)
    }

    fn is(&self, at: &At) -> bool {
        match at {
            At::Number(number) => self.number == i32::from(*number),
            At::Name(name) => self.name == *name,
        }
    }
}

/// All spans.
///
/// # Errors
/// The system's: `NotFound` where the driver is not loaded, `PermissionDenied` where it is another's.
pub fn list(driver: &dyn Driver) -> io::Result<Vec<FoundSpan>> {
    let control = driver.control()?;
    let mut spans: Vec<FoundSpan> = (1..=SPANS).filter_map(|number| span(&*control, number)).collect();
    let mut missing: usize = spans.iter().map(|span| usize::from(span.line.map_or(0, Line::timeslots))).sum();
    for number in 1..CHANNELS {
        if missing == 0 {
            break;
        }
        let mut asked = Parameters { channel: number, ..Parameters::BLANK };
        if control.request(Request::Parameters(&mut asked)).is_err() {
            continue;
        }
        let Some(span) = spans.iter_mut().find(|span| span.number == asked.span && span.line.is_some()) else {
            continue;
        };
        let timeslot = Timeslot(asked.position as u8);
        let (signalling, capable) = (asked.signalling, asked.capable);
        span.channels.push(FoundChannel { number, timeslot, signalling, capable });
        missing -= 1;
    }
    Ok(spans)
}

/// Those of a card, in its order; the error says in words which is not there.
pub(crate) fn of_card(driver: &dyn Driver, wanted: &[(At, Line)]) -> io::Result<Vec<FoundSpan>> {
    let all = list(driver).map_err(in_words)?;
    let one = |(at, line): &(At, Line)| {
        let found = all.iter().find(|span| span.is(at)).ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|span| format!("{} \"{}\"", span.number, span.name)).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            other(io::ErrorKind::NotFound, format!("the driver has no span {at}; it has {names}"))
        })?;
        let kind = found.line.map_or_else(|| "neither T1 nor E1".to_owned(), |line| line.to_string());
        if found.line != Some(*line) {
            return Err(other(
                io::ErrorKind::InvalidInput,
                format!("span {at} is {kind}, not {line}: set `line`, or the board's jumper or module parameter"),
            ));
        }
        let channels = found.channels.len();
        if channels != usize::from(line.timeslots()) {
            return Err(other(io::ErrorKind::InvalidData, format!("span {at} has {channels} channels")));
        }
        Ok(found.clone())
    };
    wanted.iter().map(one).collect()
}

/// What most often keeps a daemon from the driver.
fn in_words(error: io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => "the driver is not loaded: `modprobe dahdi` and the board's own module",
        io::ErrorKind::PermissionDenied => {
            "give the daemon's user the files in /dev/dahdi by a udev rule (docs/CARDS.md)"
        }
        _ => return error,
    };
    other(error.kind(), format!("{error}: {advice}"))
}

pub(crate) fn other(kind: io::ErrorKind, text: String) -> io::Error {
    io::Error::new(kind, text)
}

/// The state of a span.
pub(crate) fn status(control: &dyn Node, number: i32) -> io::Result<SpanInfo> {
    let mut info = SpanInfo { span: number, ..SpanInfo::BLANK };
    control.request(Request::SpanStatus(&mut info))?;
    Ok(info)
}

fn span(control: &dyn Node, number: i32) -> Option<FoundSpan> {
    let info = status(control, number).ok()?;
    let line = match info.channels {
        24 => Some(Line::T1),
        31 => Some(Line::E1),
        _ => None,
    };
    Some(FoundSpan {
        number,
        name: meaning::text(&{ info.name }),
        description: meaning::text(&{ info.description }),
        line,
        configured: info.line,
        clock_source: info.clock_source,
        alarms: meaning::alarms(info.alarms),
        channels: Vec::new(),
    })
}
