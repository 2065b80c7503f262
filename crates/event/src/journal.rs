//! The journal of what became of events: one JSON object a line, only ever added to.
//!
//! ```text
//! {"at_ms":1795184325123,"event":"1012345679","what":"ended","by":"host"}
//! ```
//!
//! An event that was ended, cancelled or is over takes no more calls, also after a restart and when no
//! database can be reached: this file says so. Every entry is on the disk before [`Journal::append`]
//! returns. When it cannot be (disk full), the entry counts all the same, is kept in memory and written
//! with the next one or by [`Journal::flush`].
//!
//! Data path: ends and reservations, from the daemon's slow side → here → file; file, at the start →
//! [`Journal::events`], for the [`ClosedSet`](crate::ClosedSet) of the real-time thread.
//! Time: milliseconds of UTC, given with each entry and only written down.
//! Recovery: a last line without its end was being written when the power went: it is taken off, unless it
//! is whole but for the line end. Lines that make no sense, and kinds of a newer version, are left in the
//! file and passed over.
//! Words: *closing*, a happening after which an event takes no more calls.

use crate::files;
use crate::number::EventNumber;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The journal's name in the state directory.
const FILE_NAME: &str = "events.jsonl";
/// A line longer than this was not written by us.
const LONGEST_LINE: u64 = 4096;
/// Characters kept of who did it.
const LONGEST_BY: usize = 200;
/// Entries that wait for a disk with room; at some hundred octets each.
const MOST_PENDING: usize = 4096;

/// Something that happens to an event once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// It was reserved.
    Reserved,
    /// Its host, or an operator, ended it.
    Ended,
    /// It was cancelled.
    Cancelled,
    /// Nobody had called for the time after which it is over.
    Over,
    /// Its archive is to be made.
    ArchiveDue,
}

impl Happening {
    /// Why the event takes no more calls from then on, if that is what it means.
    #[must_use]
    pub const fn closing(self) -> Option<Closing> {
        match self {
            Happening::Ended => Some(Closing::Ended),
            Happening::Cancelled => Some(Closing::Cancelled),
            Happening::Over => Some(Closing::Over),
            Happening::Reserved | Happening::ArchiveDue => None,
        }
    }
}

/// Why an event takes no more calls. Of several the greatest is told: an event that nobody called any
/// more and that was then cancelled is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Closing {
    /// Nobody called for a while.
    Over,
    /// Its host, or an operator, ended it.
    Ended,
    /// It was cancelled.
    Cancelled,
}

/// What the journal has of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventState {
    /// Why it takes no more calls, if it does not.
    pub closed: Option<Closing>,
    /// Whether its archive is to be made.
    pub archive_due: bool,
    /// What happened last.
    pub last: Happening,
    /// When that was, in milliseconds of UTC.
    pub at_ms: u64,
}

/// What opening the journal came upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Entries understood.
    pub entries: u64,
    /// Entries of a kind that this version does not know.
    pub unknown: u64,
    /// Lines that are no entries.
    pub damaged: u64,
    /// The last line had no end, and was given one or taken off.
    pub torn: bool,
}

/// A journal that cannot be opened or written.
#[derive(Debug)]
pub enum JournalError {
    /// It cannot be opened, read or repaired.
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program has it open: a second daemon was given the same state directory.
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Entries are not on the disk yet. They count, and wait.
    Write {
        /// The file.
        path: PathBuf,
        /// How many entries wait.
        pending: usize,
        /// Why.
        source: io::Error,
    },
    /// Too many entries wait: this one counts until the daemon stops, but will not be written.
    Lost {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Open { path, .. } => write!(f, "cannot open the event journal {}", path.display()),
            JournalError::InUse { path } => {
                write!(f, "the event journal {} is in use: another daemon runs in this state directory", path.display())
            }
            JournalError::Write { path, pending, .. } => write!(
                f,
                "cannot write the event journal {} ({pending} entries are kept in memory and tried again)",
                path.display()
            ),
            JournalError::Lost { path } => write!(
                f,
                "an entry of the event journal {} is lost: {MOST_PENDING} others wait to be written already",
                path.display()
            ),
        }
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JournalError::Open { source, .. } | JournalError::Write { source, .. } => Some(source),
            JournalError::InUse { .. } | JournalError::Lost { .. } => None,
        }
    }
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    at_ms: u64,
    event: EventNumber,
    /// As JSON, so that a kind this version does not know is told from damage.
    what: serde_json::Value,
    #[serde(default)]
    by: String,
}

enum Meaning {
    Entry(EventNumber, Happening, u64),
    Unknown,
    Damaged,
}

fn meaning(line: &[u8]) -> Meaning {
    let Ok(line) = serde_json::from_slice::<Line>(line) else { return Meaning::Damaged };
    if !line.what.is_string() {
        return Meaning::Damaged;
    }
    match serde_json::from_value(line.what) {
        Ok(what) => Meaning::Entry(line.event, what, line.at_ms),
        Err(_) => Meaning::Unknown,
    }
}

/// The journal, open for writing by this program alone.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Up to here the file has whole lines that are on the disk.
    length: u64,
    /// Whether something may be behind that, left by a write that failed.
    ragged: bool,
    pending: VecDeque<Vec<u8>>,
    events: HashMap<EventNumber, EventState>,
    recovery: Recovery,
    /// The same open file, so that the lock lasts as long as the journal.
    _lock: Flock<File>,
}

impl Journal {
    /// Opens the journal of a state directory, which must exist, or begins it.
    ///
    /// # Errors
    /// [`JournalError::InUse`] or [`JournalError::Open`].
    pub fn open(state_directory: &Path) -> Result<Journal, JournalError> {
        let path = state_directory.join(FILE_NAME);
        let failed = |source| JournalError::Open { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o640);
        let file = options.open(&path).map_err(failed)?;
        let duplicate = file.try_clone().map_err(failed)?;
        let lock = Flock::lock(duplicate, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
            Errno::EWOULDBLOCK => JournalError::InUse { path: path.clone() },
            other => failed(other.into()),
        })?;
        let mut journal = Journal {
            path: path.clone(),
            file,
            length: 0,
            ragged: false,
            pending: VecDeque::new(),
            events: HashMap::new(),
            recovery: Recovery::default(),
            _lock: lock,
        };
        journal.recover().map_err(failed)?;
        files::sync_directory_of(&path).map_err(failed)?;
        Ok(journal)
    }

    /// Writes down what happened to an event, when (milliseconds of UTC), and by whom: a word or an
    /// operator's name, never a caller's number.
    ///
    /// # Errors
    /// [`JournalError::Write`] or [`JournalError::Lost`]; in both cases [`Journal::state`] knows it.
    pub fn append(&mut self, at_ms: u64, event: EventNumber, what: Happening, by: &str) -> Result<(), JournalError> {
        self.note(event, what, at_ms);
        if self.pending.len() == MOST_PENDING {
            // Perhaps there is room by now.
            if self.flush().is_err() {
                return Err(JournalError::Lost { path: self.path.clone() });
            }
        }
        self.pending.push_back(encode(at_ms, event, what, by));
        self.flush()
    }

    /// Tries again to write what waits; does nothing if nothing does.
    ///
    /// # Errors
    /// [`JournalError::Write`].
    pub fn flush(&mut self) -> Result<(), JournalError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        match self.write_pending() {
            Ok(()) => {
                self.pending.clear();
                Ok(())
            }
            Err(source) => Err(JournalError::Write { path: self.path.clone(), pending: self.pending.len(), source }),
        }
    }

    /// Entries that are not on the disk yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// What is known of an event, if anything is.
    #[must_use]
    pub fn state(&self, event: EventNumber) -> Option<EventState> {
        self.events.get(&event).copied()
    }

    /// All events of which something is known, in no order.
    pub fn events(&self) -> impl Iterator<Item = (EventNumber, EventState)> {
        self.events.iter().map(|(&event, &state)| (event, state))
    }

    /// What opening came upon: worth a line in the log.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        self.recovery
    }

    fn note(&mut self, event: EventNumber, what: Happening, at_ms: u64) {
        let fresh = EventState { closed: None, archive_due: false, last: what, at_ms };
        let state = self.events.entry(event).or_insert(fresh);
        state.closed = state.closed.max(what.closing());
        state.archive_due |= what == Happening::ArchiveDue;
        (state.last, state.at_ms) = (what, at_ms);
    }

    fn write_pending(&mut self) -> io::Result<()> {
        if self.ragged {
            self.file.set_len(self.length)?;
        }
        // Until all of it is known to be on the disk, nothing behind `length` is.
        self.ragged = true;
        self.file.seek(SeekFrom::Start(self.length))?;
        let octets = self.pending.iter().flatten().copied().collect::<Vec<u8>>();
        let written = self.file.write_all(&octets).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // So that whoever reads the file meanwhile sees whole lines; if it fails it is tried again.
            self.ragged = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.ragged = false;
        self.length += octets.len() as u64;
        Ok(())
    }

    fn recover(&mut self) -> io::Result<()> {
        let mut reader = BufReader::new(self.file.try_clone()?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let taken = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line)? as u64;
            if taken == 0 {
                return Ok(());
            }
            let mut whole = line.last() == Some(&b'\n');
            let mut skipped = 0;
            if !whole && taken == LONGEST_LINE {
                (skipped, whole) = skip_line(&mut reader)?;
            }
            let meaning = if skipped > 0 { Meaning::Damaged } else { meaning(&line) };
            if !whole {
                return self.mend(taken, meaning);
            }
            self.length += taken + skipped;
            self.understand(&meaning);
        }
    }

    /// Gives the last line its end, or takes it off.
    fn mend(&mut self, taken: u64, meaning: Meaning) -> io::Result<()> {
        self.recovery.torn = true;
        if matches!(meaning, Meaning::Damaged) {
            self.file.set_len(self.length)?;
        } else {
            self.length += taken;
            self.file.seek(SeekFrom::Start(self.length))?;
            self.file.write_all(b"\n")?;
            self.length += 1;
            self.understand(&meaning);
        }
        self.file.sync_data()
    }

    fn understand(&mut self, meaning: &Meaning) {
        match *meaning {
            Meaning::Entry(event, what, at_ms) => {
                self.recovery.entries += 1;
                self.note(event, what, at_ms);
            }
            Meaning::Unknown => self.recovery.unknown += 1,
            Meaning::Damaged => self.recovery.damaged += 1,
        }
    }
}

fn encode(at_ms: u64, event: EventNumber, what: Happening, by: &str) -> Vec<u8> {
    let by = by.chars().take(LONGEST_BY).collect();
    let what = serde_json::to_value(what).expect("a name is JSON");
    let mut line = serde_json::to_vec(&Line { at_ms, event, what, by }).expect("numbers and text are JSON");
    line.push(b'\n');
    line
}

/// Passes over the rest of a line; how long it was, and whether it had an end.
fn skip_line(reader: &mut impl BufRead) -> io::Result<(u64, bool)> {
    let mut skipped = 0;
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Ok((skipped, false));
        }
        let end = available.iter().position(|&b| b == b'\n');
        let used = end.map_or(available.len(), |place| place + 1);
        reader.consume(used);
        skipped += used as u64;
        if end.is_some() {
            return Ok((skipped, true));
        }
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
