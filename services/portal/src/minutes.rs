//! The most that listened to an event in each minute and the octets they were sent, by format, in a file that a restart does not
//! take away.
//!
//! ```text
//! {"at_ms":1795184325123,"listeners":3,"formats":{"mp3":2,"pcmu":1},"octets":{"mp3":163840},
//!  "counters":{"mp3":{"since_ms":1795184300456,"octets":163840}}}
//! ```
//!
//! A line is added at once when more listen than before in the minute and when nobody does any more, else every [`PAUSE_MS`] when
//! another number does (`now`), and with what was sent when the minute or the last stream is over. Without a line in the next minute
//! nobody listens.
//!
//! The gateway counts octets from the start of a stream. What the counters stood at is noted with the line, so that after a restart
//! the next minute has what was sent meanwhile, and none is counted twice or left out but those of a stream that ended meanwhile.
//!
//! Data path: streams of the gateway's events → [`Minutes::note`] → [`Noted`] → file, records; file → [`read`] → [`points`] → chart.
//! Time: milliseconds of UTC, given by the caller.

use crate::audience::Point;
use control::StreamInfo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const MINUTE_MS: u64 = 60_000;
/// How soon a smaller number than the minute's most is noted.
const PAUSE_MS: u64 = 10_000;
/// A file that changed longer ago holds nothing that was not handed on.
const RECENT_MS: u64 = 24 * 3600 * 1000;
/// Lines of an event that are read: months of a restless audience.
const MOST_LINES: usize = 200_000;

/// What a stream's counter of octets stood at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counter {
    /// The stream is the one on the air since then.
    since_ms: u64,
    octets: u64,
}

type Counters = BTreeMap<String, Counter>;

/// A minute as far as it is known at this moment: the most at a time, and what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rise {
    pub(crate) at_ms: u64,
    /// In all formats together.
    pub(crate) listeners: u32,
    /// In each.
    pub(crate) formats: BTreeMap<String, u32>,
    /// How many listen at this moment, if that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<u32>,
    /// Octets of sound sent in each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) octets: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    counters: Counters,
}

impl Rise {
    /// A moment, without what was sent.
    fn of(at_ms: u64, streams: &[StreamInfo]) -> Rise {
        let mut rise = Rise { at_ms, ..Rise::default() };
        for stream in streams {
            if stream.listeners > 0 {
                *rise.formats.entry(stream.format.clone()).or_default() += stream.listeners;
                rise.listeners += stream.listeners;
            }
            let counter = Counter { since_ms: stream.since_ms, octets: stream.octets };
            rise.counters.insert(stream.format.clone(), counter);
        }
        rise
    }

    /// Takes in what is more there; whether more listen.
    fn raise(&mut self, other: &Rise) -> bool {
        let mut more = other.listeners > self.listeners;
        self.listeners = self.listeners.max(other.listeners);
        for (format, listeners) in &other.formats {
            let most = self.formats.entry(format.clone()).or_default();
            more |= listeners > most;
            *most = (*most).max(*listeners);
        }
        for (format, octets) in &other.octets {
            let most = self.octets.entry(format.clone()).or_default();
            *most = (*most).max(*octets);
        }
        more
    }

    /// How many listen at this moment.
    pub(crate) fn listening(&self) -> u32 {
        self.now.unwrap_or(self.listeners)
    }

    /// By format: the most listeners, and the octets sent to them.
    pub(crate) fn by_format(&self) -> BTreeMap<&str, (u32, u64)> {
        let mut all: BTreeMap<&str, (u32, u64)> = BTreeMap::new();
        self.formats.iter().for_each(|(format, listeners)| all.entry(format).or_default().0 = *listeners);
        self.octets.iter().for_each(|(format, octets)| all.entry(format).or_default().1 = *octets);
        all
    }
}

/// When the minute of a moment begins.
pub(crate) fn minute_of(at_ms: u64) -> u64 {
    at_ms - at_ms % MINUTE_MS
}

/// What is known of an event.
#[derive(Debug, Default)]
struct Known {
    /// A minute in which somebody listened, until it is handed on.
    minute: Option<Rise>,
    /// All of it is in the file.
    written: bool,
    /// The last line that was added: when, and how many listened then.
    told: (u64, u32),
    /// Of its streams.
    counters: Counters,
}

/// The minute that is on, for all events that are heard.
#[derive(Debug, Default)]
pub(crate) struct Minutes {
    events: BTreeMap<String, Known>,
}

/// What becomes of a note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// For the file, in this order.
    pub(crate) lines: Vec<Rise>,
    /// The minute before is over: its most.
    pub(crate) over: Option<Rise>,
}

impl Minutes {
    /// Goes on from the last minute that was noted of an event, and what came after it.
    pub(crate) fn resume(&mut self, event: &str, last: Rise) {
        let (told, counters) = ((last.at_ms, last.listening()), last.counters.clone());
        self.events.insert(event.to_owned(), Known { minute: Some(last), written: true, told, counters });
    }

    /// The streams of an event as they are now.
    pub(crate) fn note(&mut self, event: &str, at_ms: u64, streams: &[StreamInfo]) -> Noted {
        let known = self.events.entry(event.to_owned()).or_default();
        let noted = known.note(at_ms, streams);
        if known.is_nothing() {
            self.events.remove(event);
        }
        noted
    }

    /// The minutes before this one of events that the gateway no longer speaks of.
    pub(crate) fn left(&mut self, at_ms: u64) -> Vec<(String, Noted)> {
        let noted = self.events.iter_mut().map(|(event, known)| (event.clone(), known.over(at_ms)));
        let noted = noted.filter(|(_, noted)| noted.over.is_some()).collect();
        self.events.retain(|_, known| !known.is_nothing());
        noted
    }

    /// What is known of the last minute of an event, if it is not handed on yet.
    pub(crate) fn of(&self, event: &str) -> Option<&Rise> {
        self.events.get(event)?.minute.as_ref()
    }
}

impl Known {
    fn note(&mut self, at_ms: u64, streams: &[StreamInfo]) -> Noted {
        let mut noted = self.over(at_ms);
        let now = Rise::of(at_ms, streams);
        let sent = self.count(now.counters.clone());
        if now.listeners == 0 && sent.is_empty() && self.minute.is_none() && self.told.1 == 0 {
            return noted;
        }
        self.written &= self.minute.is_some() && sent.is_empty();
        let most = self.minute.get_or_insert_default();
        let more = most.raise(&now);
        for (format, octets) in sent {
            *most.octets.entry(format).or_default() += octets;
        }
        (most.at_ms, most.counters) = (at_ms, now.counters);
        most.now = (now.listeners != most.listeners).then_some(now.listeners);
        let gone = now.listeners == 0 && self.told.1 > 0;
        let other = now.listeners != self.told.1 && at_ms.abs_diff(self.told.0) >= PAUSE_MS;
        let last = streams.is_empty() && !self.written;
        if more || gone || other || last {
            noted.lines.push(most.clone());
            self.told = (at_ms, now.listeners);
            self.written = true;
        }
        noted
    }

    /// What was sent since the counters were looked at last, by format.
    fn count(&mut self, counters: Counters) -> BTreeMap<String, u64> {
        let before = std::mem::replace(&mut self.counters, counters);
        let sent = self.counters.iter().map(|(format, counter)| {
            let counted = before.get(format).filter(|before| before.since_ms == counter.since_ms);
            (format.clone(), counter.octets.saturating_sub(counted.map_or(0, |before| before.octets)))
        });
        sent.filter(|(_, octets)| *octets > 0).collect()
    }

    /// Takes the minute when it is not this one any more.
    fn over(&mut self, at_ms: u64) -> Noted {
        let over = self.minute.take_if(|minute| minute_of(minute.at_ms) != minute_of(at_ms));
        let line = over.clone().filter(|_| !self.written);
        Noted { lines: line.into_iter().collect(), over }
    }

    fn is_nothing(&self) -> bool {
        self.minute.is_none() && self.counters.is_empty() && self.told.1 == 0
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

/// The audience over time: what was noted, and after it what is remembered but could not be written.
pub(crate) fn points(rises: &[Rise], remembered: &[Point], now_ms: u64) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut note = |at_ms, listeners| {
        if points.last().map_or(0, |(_, before)| *before) != listeners {
            points.push((at_ms, listeners));
        }
    };
    let mut until = u64::MAX;
    for rise in rises {
        let minute = minute_of(rise.at_ms);
        if until < minute {
            note(until, 0);
        }
        note(rise.at_ms, rise.listening());
        until = minute + MINUTE_MS;
    }
    let noted_ms = rises.last().map_or(0, |rise| rise.at_ms);
    let rest = &remembered[remembered.partition_point(|(at, _)| *at <= noted_ms)..];
    if until < minute_of(rest.first().map_or(now_ms, |(at, _)| *at)) {
        note(until, 0);
    }
    rest.iter().for_each(|&(at_ms, listeners)| note(at_ms, listeners));
    points
}

/// An event in one minute and format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) minute_ms: u64,
    pub(crate) format: String,
    /// The most at a time.
    pub(crate) listeners: u32,
    /// Octets of sound sent to them.
    pub(crate) octets: u64,
}

/// What was noted, as a row a minute and format; of a minute with several lines the most counts.
pub(crate) fn rows(rises: &[Rise]) -> Vec<Heard> {
    let mut minutes: BTreeMap<u64, Rise> = BTreeMap::new();
    for rise in rises {
        minutes.entry(minute_of(rise.at_ms)).or_default().raise(rise);
    }
    let rows = minutes.iter().flat_map(|(&minute_ms, rise)| {
        rise.by_format().into_iter().map(move |(format, (listeners, octets))| Heard {
            minute_ms,
            format: format.to_owned(),
            listeners,
            octets,
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audience::Audiences;

    fn rise(at_ms: u64, mp3: u32) -> Rise {
        Rise { at_ms, listeners: mp3, formats: BTreeMap::from([("mp3".to_owned(), mp3)]), ..Rise::default() }
    }

    /// A stream on the air since then.
    fn stream(format: &str, since_ms: u64, listeners: u32, octets: u64) -> StreamInfo {
        StreamInfo { format: format.to_owned(), since_ms, listeners, octets, ..StreamInfo::default() }
    }

    /// What of an event is in a line: listeners, octets.
    fn told(noted: &Noted) -> Vec<(u32, u64)> {
        noted.lines.iter().map(|line| (line.listeners, line.octets.values().sum())).collect()
    }

    #[test]
    fn a_minute_is_told_by_its_most_and_each_rise_is_a_line() {
        let mut minutes = Minutes::default();
        let mut note =
            |at_ms, mp3, pcmu| minutes.note("1", at_ms, &[stream("mp3", 5, mp3, 0), stream("pcmu", 5, pcmu, 0)]);
        assert_eq!(note(1000, 0, 0), Noted::default(), "nobody is not noted");
        assert_eq!(told(&note(2000, 1, 0)), [(1, 0)]);
        assert_eq!(note(3000, 1, 0), Noted::default());
        let more = note(4000, 1, 2).lines.remove(0);
        assert_eq!((more.listeners, more.formats["pcmu"]), (3, 2));
        assert_eq!(note(5000, 1, 0), Noted::default(), "less is not told at once");
        assert_eq!(told(&note(14_000, 1, 0)), [(3, 0)], "but soon");
        assert_eq!(note(15_000, 0, 0).lines[0].listening(), 0, "nobody at once");
        let next = note(61_000, 1, 0);
        assert_eq!(next.over.as_ref().map(|over| over.listeners), Some(3), "the minute is over");
        assert_eq!(told(&next), [(1, 0)], "all of the last one was told");
        let gone = note(125_000, 0, 0);
        assert_eq!(
            (gone.over.map(|over| (over.at_ms, over.listeners)), gone.lines),
            (
                Some((61_000, 1)),
                vec![Rise { at_ms: 125_000, counters: next.lines[0].counters.clone(), ..Rise::default() }]
            )
        );
    }

    #[test]
    fn each_octet_is_in_one_minute_also_when_streams_come_and_go_and_the_portal_restarts() {
        let mut minutes = Minutes::default();
        assert_eq!(told(&minutes.note("1", 1000, &[stream("mp3", 500, 1, 100)])), [(1, 100)]);
        assert_eq!(told(&minutes.note("1", 2000, &[stream("mp3", 500, 1, 300)])), [], "more octets are no line yet");
        assert_eq!(minutes.of("1").map(|most| most.octets["mp3"]), Some(300));
        let noted = minutes.note("1", 61_000, &[stream("mp3", 500, 1, 450)]);
        assert_eq!(told(&noted), [(1, 300), (1, 150)], "the end of the minute, and the next one's begin");
        let last = noted.lines[1].clone();
        // The portal is killed; the one after it goes on in the same minute.
        let mut minutes = Minutes::default();
        minutes.resume("1", last.clone());
        minutes.note("1", 62_000, &[stream("mp3", 500, 1, 500)]);
        assert_eq!(minutes.of("1").map(|most| most.octets["mp3"]), Some(200));
        // Another, which was away longer, has the rest in its first minute.
        let mut minutes = Minutes::default();
        minutes.resume("1", last);
        let noted = minutes.note("1", 185_000, &[stream("mp3", 500, 1, 1450)]);
        assert_eq!(noted.over.as_ref().map(|over| over.octets["mp3"]), Some(150));
        assert_eq!(told(&noted), [(1, 1000)], "what was in the file is not written again");
        // Another stream of the event counts from nought; what nobody seems to hear was sent all the same.
        minutes.note("1", 186_000, &[]);
        minutes.note("1", 187_000, &[stream("mp3", 186_500, 0, 70)]);
        assert_eq!(told(&minutes.note("1", 188_000, &[])), [(1, 1070)], "the last of the event");
        let noted = minutes.note("1", 241_000, &[]);
        assert_eq!(told(&noted), []);
        assert_eq!(noted.over.map(|over| over.octets["mp3"]), Some(1070));
    }

    #[test]
    fn of_an_event_that_the_gateway_has_forgotten_the_last_minute_is_told_too() {
        let mut minutes = Minutes::default();
        minutes.note("1", 1000, &[stream("mp3", 500, 1, 100)]);
        assert_eq!(minutes.left(59_000), []);
        let left = minutes.left(60_000);
        assert_eq!(
            left.iter().map(|(event, noted)| (event.as_str(), told(noted))).collect::<Vec<_>>(),
            [("1", vec![])]
        );
        assert_eq!(left[0].1.over.as_ref().map(|over| over.octets["mp3"]), Some(100));
        assert_eq!(minutes.left(120_000), []);
        // It was away, and still has the stream.
        let noted = minutes.note("1", 130_000, &[stream("mp3", 500, 1, 130)]);
        assert_eq!(told(&noted), [(1, 30)]);
    }

    #[test]
    fn the_points_of_what_was_noted_are_those_that_are_remembered() {
        let (mut minutes, mut audiences, mut lines) = (Minutes::default(), Audiences::default(), Vec::new());
        for (at_ms, listeners) in
            [(1000, 2), (2000, 5), (3000, 4), (40_000, 4), (59_000, 6), (61_000, 6), (119_000, 1), (121_000, 0)]
        {
            let noted = minutes.note("1", at_ms, &[stream("mp3", 500, listeners, at_ms)]);
            noted.lines.iter().for_each(|line| audiences.note("1", line.at_ms, line.listening()));
            lines.extend(noted.lines);
        }
        let seen = [(1000, 2), (2000, 5), (40_000, 4), (59_000, 6), (119_000, 1), (121_000, 0)];
        assert_eq!(points(&lines, &[], 500_000), seen);
        assert_eq!(points(&lines, audiences.of("1"), 500_000), seen);
        assert_eq!(points(&[], audiences.of("1"), 500_000), seen, "nor is the disk needed");
    }

    #[test]
    fn a_row_is_a_minute_and_format() {
        let mut minutes = Minutes::default();
        let streams = |octets| [stream("mp3", 500, 1, octets), stream("hls", 500, 0, octets / 2)];
        let mut lines = minutes.note("1", 1000, &streams(100)).lines;
        minutes.note("1", 2000, &streams(300));
        lines.extend(minutes.note("1", 61_000, &streams(400)).lines);
        let row = |minute_ms, format: &str, listeners, octets| Heard {
            minute_ms,
            format: format.to_owned(),
            listeners,
            octets,
        };
        assert_eq!(
            rows(&lines),
            [row(0, "hls", 0, 150), row(0, "mp3", 1, 300), row(60_000, "hls", 0, 50), row(60_000, "mp3", 1, 100)]
        );
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
            points(&found, &[], 420_000),
            [(61_000, 2), (62_000, 5), (180_000, 0), (300_000, 1), (360_000, 0)],
            "a minute without a line is a minute without listeners"
        );
        assert_eq!(points(&found[..2], &[], 120_000), [(61_000, 2), (62_000, 5)], "this minute's line may be to come");
        let remembered = [(62_000, 5), (121_000, 7)];
        assert_eq!(points(&found[..2], &remembered, 420_000), [(61_000, 2), (62_000, 5), (121_000, 7)]);
        assert_eq!(points(&[], &[(5, 1)], 420_000), [(5, 1)]);
        assert_eq!(last_minute(&rises[..2]), Some(rise(62_000, 5)));
    }
}
