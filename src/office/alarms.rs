//! The alarms: those that stand, and the last thousand that stood.
//!
//! An alarm is known by what it is about (`span 2 LOS`); raised again while it stands, it keeps its number and its beginning.
//! Each is written down when it is raised and once more when it is cleared, a JSON line each; the later line of a number
//! counts. What stood when the daemon ended counts as cleared when it is started again: what is still wrong is raised anew.
//!
//! Data path: those who raise and clear → [`AlarmList`] in the picture → [`AlarmLog`] → the disk.
//! Time: milliseconds since 1970 in UTC.
//! Source: ITU-T X.733 for severities and probable causes.

use super::line_file::LineFile;
use control::{AlarmInfo, Fact};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;

/// The file's name in the state directory.
pub const FILE: &str = "alarms.jsonl";

/// Alarms that are remembered after they were cleared.
const KEPT: usize = 1000;

/// With more lines than this the file is written afresh.
const LINES_MOST: usize = 10 * KEPT;

/// Alarms that stand, and those that stood.
#[derive(Clone, Debug, Default)]
pub struct AlarmList {
    standing: BTreeMap<String, AlarmInfo>,
    /// The oldest first.
    past: VecDeque<AlarmInfo>,
    next: u64,
    unwritten: VecDeque<AlarmInfo>,
    /// Raised and cleared, and not told yet.
    news: VecDeque<AlarmInfo>,
}

/// An alarm that was raised or cleared, for programs.
#[must_use]
pub fn fact(alarm: AlarmInfo) -> Fact {
    if alarm.cleared_ms.is_none() { Fact::AlarmRaised { alarm } } else { Fact::AlarmCleared { alarm } }
}

impl AlarmList {
    /// This is wrong. If that is known already, only severity and words are followed.
    pub fn raise(&mut self, alarm: AlarmInfo) {
        if let Some(known) = self.standing.get_mut(&alarm.what) {
            (known.severity, known.text) = (alarm.severity, alarm.text);
            return;
        }
        self.next += 1;
        let alarm = AlarmInfo { id: self.next, cleared_ms: None, ..alarm };
        self.write(alarm.clone());
        self.standing.insert(alarm.what.clone(), alarm);
    }

    /// It is well again; the alarm, if there was one.
    pub fn clear(&mut self, now_ms: u64, what: &str) -> Option<&AlarmInfo> {
        let mut alarm = self.standing.remove(what)?;
        alarm.cleared_ms = Some(now_ms.max(alarm.since_ms));
        self.write(alarm.clone());
        self.remember(alarm);
        self.past.back()
    }

    /// Whether this is known to be wrong.
    #[must_use]
    pub fn contains(&self, what: &str) -> bool {
        self.standing.contains_key(what)
    }

    /// Those that stand, the most severe first, of those the oldest.
    #[must_use]
    pub fn standing(&self) -> Vec<AlarmInfo> {
        let mut all: Vec<AlarmInfo> = self.standing.values().cloned().collect();
        sort(&mut all);
        all
    }

    /// Those that stood, the last that was cleared first.
    #[must_use]
    pub fn past(&self) -> Vec<AlarmInfo> {
        self.past.iter().rev().cloned().collect()
    }

    fn remember(&mut self, alarm: AlarmInfo) {
        if self.past.len() == KEPT {
            self.past.pop_front();
        }
        self.past.push_back(alarm);
    }

    /// What was raised or cleared since somebody took it.
    pub fn take_news(&mut self) -> Vec<AlarmInfo> {
        self.news.drain(..).collect()
    }

    /// The same of one alarm, by what it is about: whoever takes it tells of it.
    pub fn take_news_of(&mut self, what: &str) -> Option<AlarmInfo> {
        let place = self.news.iter().position(|alarm| alarm.what == what)?;
        self.news.remove(place)
    }

    /// A disk that is full for days must not fill the memory as well.
    fn write(&mut self, alarm: AlarmInfo) {
        for queue in [&mut self.unwritten, &mut self.news] {
            if queue.len() == KEPT {
                queue.pop_front();
            }
            queue.push_back(alarm.clone());
        }
    }

    /// Put what was kept before what there is already.
    fn restore(&mut self, past: Vec<AlarmInfo>) {
        let before = past.iter().map(|alarm| alarm.id).max().unwrap_or_default();
        let since = std::mem::replace(&mut self.past, past.into());
        for alarm in since {
            self.remember(AlarmInfo { id: alarm.id + before, ..alarm });
        }
        self.standing
            .values_mut()
            .chain(&mut self.unwritten)
            .chain(&mut self.news)
            .for_each(|alarm| alarm.id += before);
        self.next += before;
    }
}

/// The most severe first, of those the oldest.
pub fn sort(alarms: &mut [AlarmInfo]) {
    alarms.sort_by(|one, other| other.severity.cmp(&one.severity).then(one.since_ms.cmp(&other.since_ms)));
}

/// Where alarms are written down.
#[derive(Debug)]
pub struct AlarmLog {
    file: LineFile,
}

impl AlarmLog {
    /// The log of a state directory; what it holds goes into the list.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or cannot be written. The list is as it was then.
    pub fn open(state_dir: &Path, now_ms: u64, list: &mut AlarmList) -> io::Result<AlarmLog> {
        let mut log = AlarmLog::anew(state_dir);
        let lines: Vec<AlarmInfo> = log.file.read()?;
        if lines.is_empty() {
            return Ok(log);
        }
        let by_number: BTreeMap<u64, AlarmInfo> = lines.into_iter().map(|alarm| (alarm.id, alarm)).collect();
        let mut past: Vec<AlarmInfo> = by_number.into_values().collect();
        past.drain(..past.len().saturating_sub(KEPT));
        for alarm in &mut past {
            alarm.cleared_ms.get_or_insert(now_ms.max(alarm.since_ms));
        }
        past.sort_by_key(|alarm| alarm.cleared_ms);
        log.file.rewrite(past.iter())?;
        list.restore(past);
        Ok(log)
    }

    /// Without what the file holds: the log of a state directory whose file is of no use.
    #[must_use]
    pub fn anew(state_dir: &Path) -> AlarmLog {
        AlarmLog { file: LineFile::new(state_dir.join(FILE), 0o644) }
    }

    /// Append what the list has not written yet.
    ///
    /// # Errors
    /// When it cannot be; it is tried again with the next call.
    pub fn write(&mut self, list: &mut AlarmList) -> io::Result<()> {
        if list.unwritten.is_empty() {
            return Ok(());
        }
        if self.file.lines() > LINES_MOST {
            let mut all: Vec<AlarmInfo> = list.past.iter().chain(list.standing.values()).cloned().collect();
            all.sort_by_key(|alarm| alarm.id);
            self.file.rewrite(all.iter())?;
        } else {
            self.file.append(list.unwritten.iter())?;
        }
        list.unwritten.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::Severity;
    use std::fs::OpenOptions;
    use std::io::Write;

    fn alarm(what: &str, severity: Severity, since_ms: u64) -> AlarmInfo {
        AlarmInfo { what: what.to_owned(), severity, since_ms, ..AlarmInfo::default() }
    }

    fn names(alarms: &[AlarmInfo]) -> Vec<(u64, &str)> {
        alarms.iter().map(|alarm| (alarm.id, alarm.what.as_str())).collect()
    }

    #[test]
    fn an_alarm_raised_again_keeps_its_number_and_beginning() {
        let mut list = AlarmList::default();
        list.raise(alarm("disk", Severity::Minor, 10));
        list.raise(alarm("span 1 LOS", Severity::Critical, 20));
        list.raise(alarm("disk", Severity::Major, 30));
        let standing = list.standing();
        assert_eq!(names(&standing), [(2, "span 1 LOS"), (1, "disk")], "the most severe first");
        assert_eq!((standing[1].severity, standing[1].since_ms), (Severity::Major, 10));
        assert_eq!(list.clear(40, "disk").and_then(|alarm| alarm.cleared_ms), Some(40));
        assert_eq!(list.clear(50, "disk"), None);
        list.raise(alarm("disk", Severity::Minor, 60));
        assert_eq!(list.standing()[1].id, 3, "another one");
        assert_eq!(names(&list.past()), [(1, "disk")]);
    }

    #[test]
    fn what_stood_is_found_after_a_restart_and_what_stands_counts_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut list = AlarmList::default();
        let mut log = AlarmLog::open(dir.path(), 0, &mut list).expect("nothing there yet");
        list.raise(alarm("disk", Severity::Minor, 10));
        list.raise(alarm("journal", Severity::Major, 20));
        log.write(&mut list).expect("written");
        list.clear(30, "disk");
        log.write(&mut list).expect("written");
        // Killed; the last line was torn.
        let mut file = OpenOptions::new().append(true).open(dir.path().join(FILE)).expect("there");
        file.write_all(b"{\"id\":3,\"what\":\"sp").expect("written");

        let mut list = AlarmList::default();
        list.raise(alarm("content store", Severity::Major, 90));
        let mut log = AlarmLog::open(dir.path(), 100, &mut list).expect("read");
        let past = list.past();
        assert_eq!(names(&past), [(2, "journal"), (1, "disk")]);
        assert_eq!((past[0].cleared_ms, past[1].cleared_ms), (Some(100), Some(30)));
        assert_eq!(names(&list.standing()), [(3, "content store")]);
        log.write(&mut list).expect("written");
        let text = std::fs::read_to_string(dir.path().join(FILE)).expect("there");
        assert!(text.lines().all(|line| serde_json::from_str::<AlarmInfo>(line).is_ok()), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }

    #[test]
    fn neither_list_nor_file_grows_without_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut list = AlarmList::default();
        let mut log = AlarmLog::open(dir.path(), 0, &mut list).expect("nothing there yet");
        for at in 0..20_000 {
            list.raise(alarm("flapping", Severity::Minor, at));
            list.clear(at + 1, "flapping");
            log.write(&mut list).expect("written");
        }
        assert_eq!(list.past().len(), KEPT);
        let lines = std::fs::read_to_string(dir.path().join(FILE)).expect("there").lines().count();
        assert!(lines <= LINES_MOST + 2, "{lines}");
        let mut again = AlarmList::default();
        AlarmLog::open(dir.path(), 0, &mut again).expect("read");
        assert_eq!(again.past()[0].id, 20_000);
    }
}
