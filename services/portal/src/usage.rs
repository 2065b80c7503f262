//! What came of an event: its calls, from the gateway's call records, and its audience.
//!
//! Records are JSON lines, a file a day (docs/RECORDS.md). They hold whole numbers of callers; what leaves here holds two digits.
//!
//! Data path: files under `records` in the gateway's state directory → [`of`] → report of API and host page.

use crate::audience::Point;
use crate::minutes::{self, Heard, Rise};
use crate::problem::Problem;
use crate::state::Shared;
use control::Masked;
use event::{EventNumber, utc};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Calls in a report.
const MOST_CALLS: usize = 10_000;

/// What a report needs of a call's record.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
struct Record {
    event: Option<String>,
    role: Option<String>,
    calling: Option<String>,
    joined_ms: Option<u64>,
    left_ms: Option<u64>,
    end_ms: u64,
    cause: Option<u8>,
}

/// A call that was in the event's conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) role: String,
    /// Masked; empty when it was withheld.
    pub(crate) number: String,
    pub(crate) joined_ms: u64,
    pub(crate) left_ms: u64,
    /// In the conference.
    pub(crate) seconds: u64,
    pub(crate) cause: Option<u8>,
}

impl Call {
    pub(crate) fn to_value(&self) -> Value {
        json!({
            "role": self.role, "number": self.number, "joined": utc::rfc3339(self.joined_ms),
            "left": utc::rfc3339(self.left_ms), "seconds": self.seconds, "cause": self.cause,
        })
    }
}

/// What came of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Calls that have ended, in the order they did.
    pub(crate) calls: Vec<Call>,
    /// How many listened from when on.
    pub(crate) audience: Vec<Point>,
    /// How many listened in each minute and format, and the octets they were sent.
    pub(crate) heard: Vec<Heard>,
}

impl Usage {
    /// The calls as a table for spreadsheets (RFC 4180).
    pub(crate) fn calls_csv(&self) -> String {
        let mut out = "role,number,joined,left,seconds,cause\r\n".to_owned();
        for call in &self.calls {
            let cause = call.cause.map_or(String::new(), |cause| cause.to_string());
            let (joined, left) = (utc::rfc3339(call.joined_ms), utc::rfc3339(call.left_ms));
            let _ = write!(out, "{},{},{joined},{left},{},{cause}\r\n", call.role, call.number, call.seconds);
        }
        out
    }

    /// The audience as such a table: a row a minute and format.
    pub(crate) fn audience_csv(&self) -> String {
        let mut out = "minute,format,listeners,octets\r\n".to_owned();
        for row in &self.heard {
            let minute = utc::rfc3339(row.minute_ms);
            let _ = write!(out, "{minute},{},{},{}\r\n", row.format, row.listeners, row.octets);
        }
        out
    }

    /// By format: the most listeners of a minute, and all octets sent.
    pub(crate) fn by_format(&self) -> BTreeMap<&str, (u32, u64)> {
        let mut all: BTreeMap<&str, (u32, u64)> = BTreeMap::new();
        for row in &self.heard {
            let (most, octets) = all.entry(&row.format).or_default();
            *most = (*most).max(row.listeners);
            *octets += row.octets;
        }
        all
    }
}

/// What came of this event so far.
///
/// # Errors
/// When the records cannot be read.
pub(crate) async fn of(portal: &Shared, number: EventNumber) -> Result<Usage, Problem> {
    let directory = portal.config.state_dir.join("records");
    let remembered = remembered(portal, number);
    let mut noted = noted(portal, number).await?;
    let audience = minutes::points(&noted, &remembered, utc::now_ms());
    noted.extend(portal.gateway.minute(&number.to_string()));
    let heard = minutes::rows(&noted);
    let calls = portal
        .slowly(move |_| {
            read(&directory, number).map_err(|error| {
                log::warn!(target: "portal", "{}: {error}", directory.display());
                Problem::unavailable("the call records cannot be read at this moment")
            })
        })
        .await?;
    Ok(Usage { calls, audience, heard })
}

/// Its audience over time, from before the start of the portal too.
///
/// # Errors
/// When what was noted cannot be read.
pub(crate) async fn audience(portal: &Shared, number: EventNumber) -> Result<Vec<Point>, Problem> {
    let remembered = remembered(portal, number);
    Ok(minutes::points(&noted(portal, number).await?, &remembered, utc::now_ms()))
}

fn remembered(portal: &Shared, number: EventNumber) -> Vec<Point> {
    portal.gateway.audiences().of(&number.to_string()).to_vec()
}

async fn noted(portal: &Shared, number: EventNumber) -> Result<Vec<Rise>, Problem> {
    let noted = portal.slowly(move |portal| {
        portal.events.records().audience(number).map_err(|error| {
            log::warn!(target: "portal", "the audience of event {}: {error}", number.grouped());
            Problem::unavailable("the audience cannot be read at this moment")
        })
    });
    noted.await
}

fn read(directory: &Path, number: EventNumber) -> std::io::Result<Vec<Call>> {
    let mut files: Vec<_> = match std::fs::read_dir(directory) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    // Named by their days.
    files.sort_unstable();
    let digits = number.to_string();
    let mut calls = Vec::new();
    for path in files {
        for line in BufReader::new(File::open(path)?).lines() {
            let line = line?;
            // Most lines are of other events: they are not worth a parser.
            if line.contains(&digits)
                && let Ok(record) = serde_json::from_str::<Record>(&line)
                && record.event.as_deref() == Some(digits.as_str())
                && calls.len() < MOST_CALLS
            {
                calls.extend(call(record));
            }
        }
    }
    Ok(calls)
}

fn call(record: Record) -> Option<Call> {
    let joined_ms = record.joined_ms?;
    let left_ms = record.left_ms.unwrap_or(record.end_ms);
    Some(Call {
        role: record.role.unwrap_or_default(),
        number: record.calling.map_or(String::new(), |number| Masked::new(&number).to_string()),
        joined_ms,
        left_ms,
        seconds: left_ms.saturating_sub(joined_ms).div_ceil(1000),
        cause: record.cause,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_holds_the_calls_of_the_event_and_no_whole_number() {
        let directory = tempfile::tempdir().unwrap();
        let number = EventNumber::with_serial(event::KeyId::FIRST, 7);
        let line = |event: &str, calling: &str, joined: u64| {
            format!(
                "{{\"event\":\"{event}\",\"role\":\"host\",\"calling\":\"{calling}\",\"joined_ms\":{joined},\"left_ms\":{},\"end_ms\":9,\"cause\":16}}\n",
                joined + 61_000
            )
        };
        let lines =
            [line(&number.to_string(), "+4930555014273", 1000), line("1", "5550142", 2000), "no record\n".to_owned()];
        std::fs::write(directory.path().join("2026-11-21.jsonl"), lines.concat()).unwrap();
        std::fs::write(directory.path().join("open.json"), line(&number.to_string(), "1", 5)).unwrap();
        let usage = Usage { calls: read(directory.path(), number).unwrap(), ..Usage::default() };
        assert_eq!(usage.calls.len(), 1);
        assert_eq!((usage.calls[0].seconds, usage.calls[0].cause), (61, Some(16)));
        let csv = usage.calls_csv();
        assert!(
            csv.lines().count() == 2 && !csv.contains("5550142") && csv.contains("73,1970-01-01T00:00:01.000Z"),
            "{csv}"
        );
        assert_eq!(read(&directory.path().join("none"), number).unwrap(), []);
    }

    #[test]
    fn octets_are_in_the_table_of_the_audience_and_added_up_by_format() {
        let row = |minute_ms, format: &str, listeners, octets| Heard {
            minute_ms,
            format: format.to_owned(),
            listeners,
            octets,
        };
        let heard = vec![row(60_000, "mp3", 2, 1000), row(60_000, "pcmu", 1, 50), row(120_000, "mp3", 1, 500)];
        let usage = Usage { heard, ..Usage::default() };
        assert_eq!(usage.by_format(), BTreeMap::from([("mp3", (2, 1500)), ("pcmu", (1, 50))]));
        let table = usage.audience_csv();
        assert_eq!(table.lines().count(), 4);
        assert!(table.contains("\r\n1970-01-01T00:02:00.000Z,mp3,1,500\r\n"), "{table}");
    }
}
