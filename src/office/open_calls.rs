//! What is known of calls that have not ended, on the disk: a daemon that was killed writes their records when it starts again.
//!
//! ```text
//! STATE/records/open-calls.journal      {"server":"gw1","call":7,...}      a call as it was when this was written
//!                                       {"ended":7}                        its record stands among the others
//!                                       {"alive_ms":1767225600000}         what went on went on until then
//! ```
//!
//! A change costs a line, however many calls there are; when most lines are of the past, the file is written anew with those that
//! count. What only adds up (time talked, waited, muted) is written once a second: two thousand people stop talking a thousand
//! times a second. Of what goes on a record has the beginning, and one line a second says for all of them that it still does.
//!
//! Data path: changes of records, from the office → here → file; file, at the start → the calls that were left.
//! Time: milliseconds since 1970 come with each save, and say only whether it is time for what adds up.
//! Recovery: that of a [`LineFile`]; what was not saved is saved the next time.

use super::line_file::LineFile;
use super::records::CallRecord;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// The file's name among the records.
const FILE: &str = "open-calls.journal";
/// What adds up is saved this often.
const SUMS_EVERY_MS: u64 = 1000;
/// Lines of the past that are always left in the file.
const SPARE_LINES: usize = 1000;

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Entry<Record> {
    Ended { ended: u64 },
    Alive { alive_ms: u64 },
    Open(Record),
}

/// The records of calls that have not ended.
pub(super) struct OpenCalls {
    file: LineFile,
    calls: BTreeMap<u64, CallRecord>,
    /// Calls of which the file does not know the newest.
    changed: BTreeSet<u64>,
    /// Those of which it lacks no more than sums.
    summed: BTreeSet<u64>,
    sums_saved_ms: u64,
    /// When something was last seen to go on.
    alive_ms: u64,
}

impl OpenCalls {
    /// Those of this directory: none yet, and the calls that had not ended when the file was last written, in the order of their
    /// numbers. The file is left as it is until [`OpenCalls::write_anew`].
    pub(super) fn open(directory: &Path) -> (OpenCalls, Vec<CallRecord>) {
        let file = LineFile::new(directory.join(FILE), 0o600);
        let (mut left, mut alive) = (BTreeMap::<u64, CallRecord>::new(), 0);
        // Something else in its place is not worth the start.
        for entry in file.read::<Entry<CallRecord>>().unwrap_or_default() {
            match entry {
                Entry::Open(record) => drop(left.insert(record.call, record)),
                Entry::Ended { ended } => drop(left.remove(&ended)),
                Entry::Alive { alive_ms } => alive = alive_ms,
            }
        }
        left.values_mut().for_each(|record| record.sum_up_until(alive));
        let (calls, changed, summed) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        (OpenCalls { file, calls, changed, summed, sums_saved_ms: 0, alive_ms: 0 }, left.into_values().collect())
    }

    pub(super) fn get(&self, call: u64) -> Option<&CallRecord> {
        self.calls.get(&call)
    }

    pub(super) fn insert(&mut self, record: CallRecord) {
        self.changed.insert(record.call);
        self.calls.insert(record.call, record);
    }

    pub(super) fn change(&mut self, call: u64, change: impl FnOnce(&mut CallRecord)) {
        if let Some(record) = self.calls.get_mut(&call) {
            change(record);
            self.changed.insert(call);
        }
    }

    /// As [`OpenCalls::change`], for what only adds up.
    pub(super) fn sum_up(&mut self, call: u64, change: impl FnOnce(&mut CallRecord)) {
        if let Some(record) = self.calls.get_mut(&call) {
            change(record);
            self.summed.insert(call);
        }
    }

    /// A call has ended.
    pub(super) fn remove(&mut self, call: u64) -> Option<CallRecord> {
        let record = self.calls.remove(&call)?;
        self.summed.remove(&call);
        self.changed.insert(call);
        Some(record)
    }

    /// Bring the file up to date.
    ///
    /// # Errors
    /// The disk's; then the next one tries it again.
    pub(super) fn save(&mut self, now_ms: u64) -> io::Result<()> {
        // A clock that was put back does not keep sums waiting.
        let mut alive = None;
        if now_ms.abs_diff(self.sums_saved_ms) >= SUMS_EVERY_MS {
            self.sums_saved_ms = now_ms;
            self.changed.append(&mut self.summed);
            if self.calls.values().any(CallRecord::goes_on) {
                self.alive_ms = now_ms;
                alive = Some(Entry::Alive { alive_ms: now_ms });
            }
        }
        if self.changed.is_empty() && alive.is_none() {
            return Ok(());
        }
        // When nobody calls, nothing of those who called stays behind.
        if self.calls.is_empty() || self.file.lines() + self.changed.len() > 2 * self.calls.len() + SPARE_LINES {
            return self.write_anew();
        }
        let calls = &self.calls;
        let entry = |call: &u64| calls.get(call).map_or(Entry::Ended { ended: *call }, Entry::Open);
        self.file.append(self.changed.iter().map(entry).chain(alive))?;
        self.changed.clear();
        Ok(())
    }

    /// Write the file anew, with the calls there are: whatever else it holds is of the past.
    ///
    /// # Errors
    /// The disk's; then the file is as it was.
    pub(super) fn write_anew(&mut self) -> io::Result<()> {
        let alive = (!self.calls.is_empty()).then_some(Entry::Alive { alive_ms: self.alive_ms });
        self.file.rewrite(self.calls.values().map(Entry::Open).chain(alive))?;
        self.changed.clear();
        self.summed.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};

    fn record(call: u64) -> CallRecord {
        CallRecord { call, called: "100".into(), ..CallRecord::default() }
    }

    fn left(directory: &Path) -> Vec<(u64, u64)> {
        OpenCalls::open(directory).1.iter().map(|record| (record.call, record.talk_ms)).collect()
    }

    fn octets(directory: &Path) -> u64 {
        fs::metadata(directory.join(FILE)).map_or(0, |file| file.len())
    }

    #[test]
    fn what_is_left_is_every_call_as_it_was_last() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut calls, _) = OpenCalls::open(dir.path());
        for call in 1..=3 {
            calls.insert(record(call));
        }
        calls.save(0).expect("saved");
        calls.change(2, |r| r.talk_ms = 7);
        calls.change(9, |_| unreachable!("nobody knows that call"));
        assert!(calls.remove(1).is_some() && calls.remove(1).is_none());
        calls.save(0).expect("saved");
        assert_eq!(left(dir.path()), [(2, 7), (3, 0)]);
        calls.write_anew().expect("written");
        assert_eq!(left(dir.path()), [(2, 7), (3, 0)], "anew, the same");
        for call in [2, 3] {
            assert!(calls.remove(call).is_some());
        }
        calls.save(0).expect("saved");
        assert_eq!(octets(dir.path()), 0, "nothing of them");
    }

    /// With thousands of calls a change is a line, and the file does not grow for ever.
    #[test]
    fn a_change_costs_a_line_and_the_past_is_thrown_away() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut calls, _) = OpenCalls::open(dir.path());
        (0..2000).for_each(|call| calls.insert(record(call)));
        calls.save(0).expect("saved");
        let (whole, mut most) = (octets(dir.path()), 0);
        calls.change(5, |r| r.talk_ms = 1);
        calls.save(0).expect("saved");
        assert!(octets(dir.path()) - whole < whole / 1000, "one line of 2000");
        for nth in 0..20_000 {
            calls.change(nth % 2000, |r| r.talk_ms = nth);
            calls.save(0).expect("saved");
            most = most.max(octets(dir.path()));
        }
        assert!(most < 3 * whole, "{most} octets, of {whole} that are needed");
        assert_eq!(left(dir.path()).last(), Some(&(1999, 19_999)));
    }

    #[test]
    fn what_adds_up_is_written_once_a_second() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut calls, _) = OpenCalls::open(dir.path());
        calls.insert(record(1));
        calls.save(10_000).expect("saved");
        for tenth in 1..=10 {
            calls.sum_up(1, |r| r.talk_ms += 50);
            calls.save(10_000 + tenth * 100).expect("saved");
            assert_eq!(left(dir.path()), [(1, if tenth < 10 { 0 } else { 500 })]);
        }
        calls.sum_up(1, |r| r.talk_ms += 50);
        calls.save(4_000).expect("saved");
        assert_eq!(left(dir.path()), [(1, 550)], "also when the clock was put back");
    }

    #[test]
    fn what_still_goes_on_is_in_the_sums_of_a_killed_daemon() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut calls, _) = OpenCalls::open(dir.path());
        (1..=2).for_each(|call| calls.insert(record(call)));
        calls.sum_up(1, |r| r.talks_since_ms = Some(10_000));
        for tenth in 0..=35 {
            calls.save(10_000 + tenth * 100).expect("saved");
        }
        assert_eq!(left(dir.path()), [(1, 3000), (2, 0)]);
        calls.sum_up(1, |r| r.sum_up_until(13_700));
        calls.save(14_500).expect("saved");
        calls.write_anew().expect("written");
        assert_eq!(left(dir.path()), [(1, 3700), (2, 0)], "and not twice");
    }

    #[test]
    fn a_torn_line_costs_what_it_says_and_no_more() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut calls, _) = OpenCalls::open(dir.path());
        (1..=2).for_each(|call| calls.insert(record(call)));
        calls.save(0).expect("saved");
        calls.change(2, |r| r.talk_ms = 9);
        calls.save(0).expect("saved");
        let file = OpenOptions::new().write(true).open(dir.path().join(FILE)).expect("there");
        file.set_len(octets(dir.path()) - 20).expect("torn");
        assert_eq!(left(dir.path()), [(1, 0), (2, 0)]);
    }

    #[test]
    fn what_the_disk_did_not_take_is_written_when_it_does() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut calls, _) = OpenCalls::open(dir.path());
        calls.insert(record(1));
        // A directory where the file should be: nothing can be written, as on a full disk.
        fs::create_dir(dir.path().join(FILE)).expect("a directory");
        calls.save(0).expect_err("blocked");
        fs::remove_dir(dir.path().join(FILE)).expect("removed");
        calls.save(0).expect("saved");
        assert_eq!(left(dir.path()), [(1, 0)]);
    }
}
