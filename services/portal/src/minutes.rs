//! The most that listened to an event in each minute, by format, in a file that a restart does not take away.
//!
//! ```text
//! {"at_ms":1795184325123,"listeners":3,"formats":{"mp3":2,"pcmu":1}}
//! ```
//!
//! A line is added when more listen than before in the minute: what was noted is not lost with the minute. What follows the last
//! line of a minute is not told; without a line in the next minute nobody listens.
//!
//! Data path: streams of the gateway's events → [`Minutes::note`] → [`Rise`] → file; file → [`read`] → [`points`] → chart.
//! Time: milliseconds of UTC, given by the caller.

use crate::audience::Point;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const MINUTE_MS: u64 = 60_000;
/// A file that changed longer ago holds nothing that was not handed on.
const RECENT_MS: u64 = 24 * 3600 * 1000;
/// Lines of an event that are read: months of a restless audience.
const MOST_LINES: usize = 200_000;

/// The most at a time in this minute, from this moment on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rise {
    pub(crate) at_ms: u64,
    /// In all formats together.
    pub(crate) listeners: u32,
    /// In each.
    pub(crate) formats: BTreeMap<String, u32>,
}

impl Rise {
    /// Takes in what is more there; whether anything was.
    fn raise(&mut self, other: &Rise) -> bool {
        let mut more = other.listeners > self.listeners;
        self.listeners = self.listeners.max(other.listeners);
        for (format, listeners) in &other.formats {
            let most = self.formats.entry(format.clone()).or_default();
            more |= listeners > most;
            *most = (*most).max(*listeners);
        }
        self.at_ms = if more { other.at_ms } else { self.at_ms };
        more
    }
}

/// When the minute of a moment begins.
pub(crate) fn minute_of(at_ms: u64) -> u64 {
    at_ms - at_ms % MINUTE_MS
}

/// The minute that is on, for all events that are heard.
#[derive(Debug, Default)]
pub(crate) struct Minutes {
    most: BTreeMap<String, Rise>,
}

/// What becomes of a note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// More than before in this minute.
    pub(crate) rise: Option<Rise>,
    /// The minute before is over: its most.
    pub(crate) over: Option<Rise>,
}

impl Minutes {
    /// So many listen to an event now, by format; formats that nobody hears are left out.
    pub(crate) fn note<'a>(&mut self, event: &str, at_ms: u64, streams: impl Iterator<Item = (&'a str, u32)>) -> Noted {
        let mut now = Rise { at_ms, ..Rise::default() };
        for (format, listeners) in streams.filter(|(_, listeners)| *listeners > 0) {
            *now.formats.entry(format.to_owned()).or_default() += listeners;
            now.listeners += listeners;
        }
        let mut noted = Noted::default();
        if self.most.get(event).is_some_and(|most| minute_of(most.at_ms) != minute_of(at_ms)) {
            noted.over = self.most.remove(event);
        }
        if now.listeners == 0 {
            return noted;
        }
        let most = self.most.entry(event.to_owned()).or_default();
        noted.rise = most.raise(&now).then(|| most.clone());
        noted
    }
}

/// Adds a line, and makes file and directory if need be. It is not waited for on the disk: a chart is no bill.
pub(crate) fn append(file: &Path, rise: &Rise) -> io::Result<()> {
    let mut line = serde_json::to_vec(rise)?;
    line.push(b'\n');
    if let Some(directory) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
    }
    let mut out = OpenOptions::new().append(true).create(true).mode(0o640).open(file)?;
    let before = out.metadata()?.len();
    // Half a line would spoil the one after it.
    out.write_all(&line).inspect_err(|_| drop(out.set_len(before)))
}

/// Reads the lines of a file; none if it is not there. What makes no sense is passed over.
pub(crate) fn read(file: &Path) -> io::Result<Vec<Rise>> {
    let file = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let lines = BufReader::new(file).split(b'\n').take(MOST_LINES);
    let rises = lines.map(|line| Ok(serde_json::from_slice::<Rise>(&line?).ok()));
    Ok(rises.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Whether a file may hold a minute that was not handed on.
pub(crate) fn is_recent(file: &Path, now_ms: u64) -> bool {
    let changed = file.metadata().and_then(|data| data.modified()).ok();
    let changed = changed.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    changed.is_some_and(|since| now_ms.saturating_sub(since.as_millis() as u64) < RECENT_MS)
}

/// The most of the last minute there is.
pub(crate) fn last_minute(rises: &[Rise]) -> Option<Rise> {
    let last = rises.last()?;
    let mut most = last.clone();
    rises.iter().rev().take_while(|rise| minute_of(rise.at_ms) == minute_of(last.at_ms)).for_each(|rise| {
        most.raise(rise);
    });
    Some(most)
}

/// The audience over time: what was noted, up to what is remembered since the start.
pub(crate) fn points(rises: &[Rise], remembered: &[Point]) -> Vec<Point> {
    let from = remembered.first().map_or(u64::MAX, |(at, _)| *at);
    let mut points: Vec<Point> = Vec::new();
    let mut until = None;
    for rise in rises.iter().take_while(|rise| rise.at_ms < from) {
        let minute = minute_of(rise.at_ms);
        if let Some(until) = until.filter(|until| *until < minute) {
            points.push((until, 0));
        }
        if points.last().is_none_or(|(_, listeners)| *listeners != rise.listeners) {
            points.push((rise.at_ms, rise.listeners));
        }
        until = Some(minute + MINUTE_MS);
    }
    points.extend(until.filter(|until| *until < minute_of(from)).map(|until| (until, 0)));
    points.extend_from_slice(remembered);
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rise(at_ms: u64, mp3: u32) -> Rise {
        Rise { at_ms, listeners: mp3, formats: BTreeMap::from([("mp3".to_owned(), mp3)]) }
    }

    #[test]
    fn a_minute_is_told_by_its_most_and_each_rise_is_a_line() {
        let mut minutes = Minutes::default();
        let mut note = |at_ms, mp3, pcmu| minutes.note("1", at_ms, [("mp3", mp3), ("pcmu", pcmu)].into_iter());
        assert_eq!(note(1000, 0, 0), Noted::default(), "nobody is not noted");
        assert_eq!(note(2000, 1, 0).rise, Some(rise(2000, 1)));
        assert_eq!(note(3000, 1, 0), Noted::default());
        let more = note(4000, 1, 2).rise.expect("more");
        assert_eq!((more.listeners, more.formats["pcmu"]), (3, 2));
        assert_eq!(note(5000, 0, 0), Noted::default(), "less is no rise");
        let next = note(61_000, 1, 0);
        assert_eq!((next.over.expect("the minute is over").listeners, next.rise), (3, Some(rise(61_000, 1))));
        let gone = note(125_000, 0, 0);
        assert_eq!((gone.over, gone.rise), (Some(rise(61_000, 1)), None));
    }

    #[test]
    fn what_was_noted_reads_back_and_joins_what_is_remembered() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("audience/1.jsonl");
        assert_eq!(read(&file).unwrap(), []);
        let rises = [rise(61_000, 2), rise(62_000, 5), rise(121_000, 5), rise(300_000, 1)];
        rises.iter().for_each(|rise| append(&file, rise).unwrap());
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, [&whole[..], b"{\"at_ms\":"].concat()).unwrap();
        let found = read(&file).unwrap();
        assert_eq!(found, rises, "half a line is no line");
        assert_eq!(
            points(&found, &[]),
            [(61_000, 2), (62_000, 5), (180_000, 0), (300_000, 1), (360_000, 0)],
            "a minute without a line is a minute without listeners"
        );
        assert_eq!(points(&found, &[(121_000, 7)]), [(61_000, 2), (62_000, 5), (121_000, 7)]);
        assert_eq!(points(&[], &[(5, 1)]), [(5, 1)]);
        assert_eq!(last_minute(&rises[..2]), Some(rise(62_000, 5)));
    }
}
