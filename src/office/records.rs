//! Call detail records: one JSON line a call leg, in a file a day, lost by nothing.
//!
//! A line is written when a call has ended. What is known of calls that have not is kept beside it (`open_calls`), so
//! that a daemon that was killed writes their records at its next start. A full disk makes records wait
//! in memory and be tried again.
//!
//! Source of the fields: what operators bill and look for; see `docs/RECORDS.md`.

use super::line_file::append_whole;
use super::open_calls::OpenCalls;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// The direction of a call that has come.
pub const INCOMING: &str = "incoming";
/// The direction of a call that was placed.
pub const OUTGOING: &str = "outgoing";
/// Records that may wait for the disk.
const MOST_WAITING: usize = 100_000;

/// One call leg. Times are milliseconds since 1970, UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallRecord {
    /// The server.
    pub server: String,
    /// The call, counted since the daemon's start.
    pub call: u64,
    /// `incoming`, or `outgoing`: called from a conference.
    pub direction: String,
    /// Span, from 1.
    pub span: u16,
    /// Timeslot.
    pub channel: u8,
    /// Number called; of an outgoing call as much of it as may be shown.
    pub called: String,
    /// Number calling; masked when its presentation is restricted.
    pub calling: Option<String>,
    /// Presentation of the calling number is restricted.
    pub calling_restricted: bool,
    /// Who vouches for the calling number: user, user_verified, user_failed or network.
    pub calling_screening: Option<String>,
    /// Name of the caller, if it may be shown.
    pub calling_name: Option<String>,
    /// A name was told, or withheld, that must not be shown.
    pub calling_name_restricted: bool,
    /// Number that forwarded the call; masked when its presentation is restricted.
    pub redirecting: Option<String>,
    /// Presentation of the redirecting number is restricted.
    pub redirecting_restricted: bool,
    /// Who vouches for the redirecting number, as above.
    pub redirecting_screening: Option<String>,
    /// Of an outgoing call, that of the host who wanted it; `None`: it was ordered.
    pub invited_by: Option<u64>,
    /// SETUP received, or sent.
    pub setup_ms: u64,
    /// CONNECT acknowledged.
    pub connect_ms: Option<u64>,
    /// In the conference, after all waiting.
    pub joined_ms: Option<u64>,
    /// Out of the conference.
    pub left_ms: Option<u64>,
    /// Released; `None` when the daemon was killed before.
    pub end_ms: Option<u64>,
    /// Seconds from connect to end, begun ones counting whole; `None` for a call that never was connected.
    pub seconds: Option<u64>,
    /// The event.
    pub event: Option<String>,
    /// host, speaker or listener.
    pub role: Option<String>,
    /// Code of the language in which the caller was spoken to.
    pub language: Option<String>,
    /// Entries of number and PIN that were wrong.
    pub wrong_entries: u32,
    /// Milliseconds that it waited for a host, or to be let in.
    pub waited_ms: u64,
    /// Milliseconds of talk.
    pub talk_ms: u64,
    /// Milliseconds muted by the caller.
    pub muted_ms: u64,
    /// In the list of open calls alone: since when the caller waits, talks and is muted by himself, which is not in the sums yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_since_ms: Option<u64>,
    /// See above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub talks_since_ms: Option<u64>,
    /// See above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_since_ms: Option<u64>,
    /// Q.850 cause.
    pub cause: Option<u8>,
    /// Who said the cause (Q.850 clause 2.2.3): user, private_local, public_local, ...
    pub cause_location: Option<String>,
    /// far_end, near_end or daemon_stopped.
    pub released_by: String,
}

impl CallRecord {
    /// Something goes on that is not in the sums yet.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.waits_since_ms.is_some() || self.talks_since_ms.is_some() || self.muted_since_ms.is_some()
    }

    /// What goes on, put into the sums up to then.
    pub fn sum_up_until(&mut self, at_ms: u64) {
        let lasted = |since: &mut Option<u64>| since.take().map_or(0, |since| at_ms.saturating_sub(since));
        self.waited_ms += lasted(&mut self.waits_since_ms);
        self.talk_ms += lasted(&mut self.talks_since_ms);
        self.muted_ms += lasted(&mut self.muted_since_ms);
    }
}

/// The writer of records.
pub struct Records {
    directory: PathBuf,
    open: OpenCalls,
    waiting: VecDeque<String>,
    lost: u64,
    unsynced: Option<File>,
}

impl Records {
    /// Open the records in this directory. Calls that had not ended when the daemon was last killed get
    /// their records now; their number is returned.
    ///
    /// # Errors
    /// When the directory cannot be made or written.
    pub fn open(directory: &Path, now_ms: u64) -> io::Result<(Records, usize)> {
        std::fs::create_dir_all(directory)?;
        let (open, left) = OpenCalls::open(directory);
        let mut records =
            Records { directory: directory.to_owned(), open, waiting: VecDeque::new(), lost: 0, unsynced: None };
        // Where the disk had room for a record and then none for the word that its call has ended, the call stands in both.
        let written = if left.is_empty() { BTreeSet::new() } else { records.lately_written() };
        let left: Vec<CallRecord> = left.into_iter().filter(|r| !written.contains(&(r.call, r.setup_ms))).collect();
        let count = left.len();
        for mut record in left {
            record.released_by = "daemon_stopped".into();
            records.waiting.push_back(line(&record));
        }
        records.write_waiting(now_ms)?;
        records.open.write_anew()?;
        Ok((records, count))
    }

    /// The calls in the newest two files, by number and time of SETUP.
    fn lately_written(&self) -> BTreeSet<(u64, u64)> {
        let paths = std::fs::read_dir(&self.directory).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
        let mut files: Vec<PathBuf> = paths.filter(|p| p.extension().is_some_and(|e| e == "jsonl")).collect();
        files.sort();
        let lines = files.iter().rev().take(2).filter_map(|f| File::open(f).ok()).flat_map(|f| {
            // A line that cannot be read is none of these calls'.
            io::BufReader::new(f).lines().map_while(Result::ok)
        });
        lines
            .filter_map(|line| serde_json::from_str::<CallRecord>(&line).ok())
            .map(|record| (record.call, record.setup_ms))
            .collect()
    }

    /// A call began.
    pub fn began(&mut self, record: CallRecord) {
        self.open.insert(record);
    }

    /// Something became known of a call that has not ended.
    pub fn update(&mut self, call: u64, change: impl FnOnce(&mut CallRecord)) {
        self.open.change(call, change);
    }

    /// The same of what only adds up, and may be on the disk a second later.
    pub fn sum_up(&mut self, call: u64, change: impl FnOnce(&mut CallRecord)) {
        self.open.sum_up(call, change);
    }

    /// A call that has not ended.
    #[must_use]
    pub fn get(&self, call: u64) -> Option<&CallRecord> {
        self.open.get(call)
    }

    /// A call ended: its record is written by the next [`Records::flush`].
    pub fn ended(&mut self, call: u64, change: impl FnOnce(&mut CallRecord)) {
        if let Some(mut record) = self.open.remove(call) {
            change(&mut record);
            if self.waiting.len() == MOST_WAITING {
                self.waiting.pop_front();
                self.lost += 1;
            }
            self.waiting.push_back(line(&record));
        }
    }

    /// Records that wait for the disk, and those given up because too many did.
    #[must_use]
    pub fn waiting(&self) -> (usize, u64) {
        (self.waiting.len(), self.lost)
    }

    /// Write what waits. On an error everything unwritten waits on.
    ///
    /// # Errors
    /// The disk's.
    pub fn flush(&mut self, now_ms: u64) -> io::Result<()> {
        self.write_waiting(now_ms)?;
        self.open.save(now_ms)
    }

    /// Make sure that what was written survives a loss of power.
    ///
    /// # Errors
    /// The disk's.
    pub fn sync(&mut self) -> io::Result<()> {
        self.unsynced.take().map_or(Ok(()), |file| file.sync_data())
    }

    fn write_waiting(&mut self, now_ms: u64) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let day = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(now_ms)).to_string();
        let file = self.directory.join(format!("calls-{}.jsonl", day.get(..10).unwrap_or("undated")));
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
        while let Some(line) = self.waiting.front() {
            append_whole(&mut file, line.as_bytes())?;
            self.waiting.pop_front();
        }
        self.unsynced = Some(file);
        Ok(())
    }
}

fn line(record: &CallRecord) -> String {
    // A structure of strings and numbers always becomes JSON.
    let mut line = serde_json::to_string(record).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(call: u64) -> CallRecord {
        CallRecord { call, span: 1, channel: 3, called: "100".into(), setup_ms: 1, ..CallRecord::default() }
    }

    fn lines(directory: &Path) -> Vec<CallRecord> {
        let text = std::fs::read_to_string(directory.join("calls-1970-01-01.jsonl")).unwrap_or_default();
        text.lines().map(|l| serde_json::from_str(l).expect("a record a line")).collect()
    }

    #[test]
    fn a_call_becomes_one_line_when_it_has_ended() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut records, _) = Records::open(dir.path(), 0).expect("opened");
        records.began(record(1));
        records.update(1, |r| r.joined_ms = Some(5));
        records.flush(0).expect("written");
        assert!(lines(dir.path()).is_empty());
        records.ended(1, |r| r.cause = Some(16));
        records.flush(0).expect("written");
        records.sync().expect("synced");
        let written = lines(dir.path());
        assert_eq!((written.len(), written[0].joined_ms, written[0].cause), (1, Some(5), Some(16)));
    }

    #[test]
    fn a_killed_daemon_writes_the_records_of_its_calls_when_it_starts_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut records, _) = Records::open(dir.path(), 0).expect("opened");
        records.began(record(1));
        records.began(record(2));
        records.ended(2, |r| r.end_ms = Some(9));
        records.flush(0).expect("written");
        drop(records);
        let (_, count) = Records::open(dir.path(), 0).expect("opened");
        assert_eq!(count, 1);
        let written = lines(dir.path());
        assert_eq!(written.iter().map(|r| r.call).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((written[1].released_by.as_str(), written[1].end_ms), ("daemon_stopped", None));
        let (_, count) = Records::open(dir.path(), 0).expect("opened");
        assert_eq!(count, 0, "once only");
    }

    #[test]
    fn a_record_is_written_once_also_when_the_list_of_open_calls_could_not_be() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut records, _) = Records::open(dir.path(), 0).expect("opened");
        records.began(record(1));
        records.flush(0).expect("written");
        let list = std::fs::read(dir.path().join("open-calls.journal")).expect("there");
        records.ended(1, |r| r.end_ms = Some(9));
        records.flush(0).expect("written");
        drop(records);
        std::fs::write(dir.path().join("open-calls.journal"), list).expect("as it was before");
        let (_, count) = Records::open(dir.path(), 0).expect("opened");
        let written = lines(dir.path());
        assert_eq!((count, written.len(), written[0].end_ms), (0, 1, Some(9)));
    }

    #[test]
    fn records_wait_while_the_disk_does_not_take_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut records, _) = Records::open(dir.path(), 0).expect("opened");
        // A directory where the file should be: nothing can be written, as on a full disk.
        let blocked = dir.path().join("calls-1970-01-01.jsonl");
        std::fs::create_dir(&blocked).expect("a directory");
        records.began(record(1));
        records.ended(1, |_| {});
        records.flush(0).expect_err("blocked");
        assert_eq!(records.waiting(), (1, 0));
        std::fs::remove_dir(blocked).expect("removed");
        records.flush(0).expect("written");
        assert_eq!((lines(dir.path()).len(), records.waiting()), (1, (0, 0)));
    }
}
