//! The outbox's journal: lines on the disk before they are acknowledged.
//!
//! ```text
//! DIRECTORY/outbox-00000000000000000001.jsonl      {"journal":"9c1e...","segment":1}
//!                                                  {"kind":"reservation",...}
//! ```
//!
//! A segment is only ever added to; when it is long another begins, and the one before is removed by whoever
//! has applied it (a feed). The first line of a segment tells it from those of any other
//! journal, so that one that is begun afresh after a loss is not taken for the old one.
//!
//! Data path: lines, from the [`Outbox`](crate::Outbox)'s thread → here → segment; [`Tail`] → feed.
//! Recovery: a last line without its end was never acknowledged, and is taken off. When the disk does not take a
//! line (disk full), nothing of it stays, and who gave it is told.

use nix::fcntl::{Flock, FlockArg};
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;

/// How a segment's name begins.
pub(crate) const PREFIX: &str = "outbox-";
const SUFFIX: &str = ".jsonl";
/// A segment of this many octets is the last but one.
const LONG: u64 = 8 * 1024 * 1024;

/// Up to where the journal is on the disk: nothing behind it was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Tail(Arc<Mutex<(u64, u64)>>);

impl Tail {
    /// The last segment, and its octets that are on the disk.
    #[must_use]
    pub fn get(&self) -> (u64, u64) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn set(&self, segment: u64, length: u64) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (segment, length);
    }
}

/// A journal that cannot be opened or written.
#[derive(Debug)]
pub enum JournalError {
    /// It cannot be opened or repaired.
    Open {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program has it open.
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// What was given is not kept.
    Write {
        /// The file.
        path: PathBuf,
        /// Why: often a full disk.
        source: Arc<io::Error>,
    },
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Open { path, .. } => write!(f, "cannot open the outbox {}", path.display()),
            JournalError::InUse { path } => write!(f, "the outbox {} is in use by another program", path.display()),
            JournalError::Write { path, source } if source.kind() == io::ErrorKind::StorageFull => {
                write!(f, "the disk of the outbox {} is full: nothing more can be kept", path.display())
            }
            JournalError::Write { path, .. } => write!(f, "cannot write the outbox {}", path.display()),
        }
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JournalError::Open { source, .. } => Some(source),
            JournalError::Write { source, .. } => Some(source),
            JournalError::InUse { .. } => None,
        }
    }
}

/// The journal, open for writing by this program alone.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    segment: u64,
    file: File,
    /// Up to here the segment is on the disk and acknowledged.
    length: u64,
    /// Whether something may be behind that, left by a write that failed.
    ragged: bool,
    long: u64,
    tail: Tail,
    _lock: Flock<File>,
}

impl Journal {
    /// Opens the journal in this directory, which is made if need be, or begins it.
    ///
    /// # Errors
    /// [`JournalError::InUse`] or [`JournalError::Open`].
    pub fn open(directory: &Path) -> Result<Journal, JournalError> {
        Self::open_with(directory, LONG)
    }

    /// The same, with segments of about `long` octets.
    ///
    /// # Errors
    /// As for [`Journal::open`].
    pub fn open_with(directory: &Path, long: u64) -> Result<Journal, JournalError> {
        let failed = |source| JournalError::Open { path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o750).create(directory).map_err(failed)?;
        let lock = OpenOptions::new().create(true).append(true).mode(0o640).open(directory.join(".lock"));
        let lock =
            Flock::lock(lock.map_err(failed)?, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
                nix::errno::Errno::EWOULDBLOCK => JournalError::InUse { path: directory.to_owned() },
                other => failed(other.into()),
            })?;
        let last = segments(directory).map_err(failed)?.pop();
        let (segment, file, length) = match last {
            Some(segment) => {
                let (file, length) = recover(&directory.join(name(segment)), segment).map_err(failed)?;
                (segment, file, length)
            }
            None => {
                let (file, length) = begin(directory, 1).map_err(failed)?;
                (1, file, length)
            }
        };
        let tail = Tail::default();
        tail.set(segment, length);
        Ok(Journal { directory: directory.to_owned(), segment, file, length, ragged: false, long, tail, _lock: lock })
    }

    /// Up to where the journal is on the disk, also as it grows.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Writes lines, each with its end, and brings them to the disk: all of them or none.
    ///
    /// # Errors
    /// [`JournalError::Write`]; then none is kept.
    pub fn append(&mut self, lines: &[Vec<u8>]) -> Result<(), JournalError> {
        debug_assert!(lines.iter().all(|line| line.last() == Some(&b'\n')), "a line has its end");
        self.write(lines).map_err(|source| JournalError::Write {
            path: self.directory.join(name(self.segment)),
            source: Arc::new(source),
        })?;
        self.tail.set(self.segment, self.length);
        if self.length >= self.long {
            // If there is no room for another segment this one simply gets longer.
            if let Ok((file, length)) = begin(&self.directory, self.segment + 1) {
                (self.segment, self.file, self.length) = (self.segment + 1, file, length);
                self.tail.set(self.segment, self.length);
            }
        }
        Ok(())
    }

    fn write(&mut self, lines: &[Vec<u8>]) -> io::Result<()> {
        if self.ragged {
            self.file.set_len(self.length)?;
        }
        // Until all of it is known to be on the disk, nothing behind `length` is.
        self.ragged = true;
        self.file.seek(SeekFrom::Start(self.length))?;
        let octets = lines.concat();
        if let Err(error) = self.file.write_all(&octets).and_then(|()| self.file.sync_data()) {
            self.ragged = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.ragged = false;
        self.length += octets.len() as u64;
        Ok(())
    }
}

/// A segment's file name.
fn name(segment: u64) -> String {
    format!("{PREFIX}{segment:020}{SUFFIX}")
}

/// The segment of which this is the file name.
pub(crate) fn segment_of(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// The segments in a directory, oldest first.
fn segments(directory: &Path) -> io::Result<Vec<u64>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(directory)? {
        segments.extend(entry?.file_name().to_str().and_then(segment_of));
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Begins a segment: its first line is on the disk, and so is its name.
fn begin(directory: &Path, segment: u64) -> io::Result<(File, u64)> {
    let path = directory.join(name(segment));
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o640).open(&path)?;
    let begun = head(&mut file, segment).and_then(|length| {
        File::open(directory)?.sync_all()?;
        Ok(length)
    });
    match begun {
        Ok(length) => Ok((file, length)),
        Err(error) => {
            // A segment without its first line is completed when it is opened; without it is tidier.
            let _ = fs::remove_file(&path);
            Err(error)
        }
    }
}

fn head(file: &mut File, segment: u64) -> io::Result<u64> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).map_err(io::Error::other)?;
    let journal = u128::from_be_bytes(octets);
    let line = format!("{{\"journal\":\"{journal:032x}\",\"segment\":{segment}}}\n");
    file.seek(SeekFrom::Start(0))?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    Ok(line.len() as u64)
}

/// Takes off what the power cut short.
fn recover(path: &Path, segment: u64) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut octets = Vec::new();
    file.read_to_end(&mut octets)?;
    let length = octets.iter().rposition(|&b| b == b'\n').map_or(0, |place| place as u64 + 1);
    if length < octets.len() as u64 {
        log::warn!(
            "outbox: {} octets of an unfinished line taken off {}",
            octets.len() as u64 - length,
            path.display()
        );
        file.set_len(length)?;
        file.sync_all()?;
    }
    let length = if length == 0 { head(&mut file, segment)? } else { length };
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u32) -> Vec<u8> {
        format!("{{\"n\":{n}}}\n").into_bytes()
    }

    fn lines(directory: &Path) -> Vec<String> {
        let all =
            segments(directory).unwrap().into_iter().map(|s| fs::read_to_string(directory.join(name(s))).unwrap());
        all.flat_map(|text| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn lines_are_there_in_order_over_segments_and_openings() {
        let directory = tempfile::tempdir().unwrap();
        for round in 0..3 {
            let mut journal = Journal::open_with(directory.path(), 200).unwrap();
            for n in 0..20 {
                journal.append(&[line(round * 20 + n)]).unwrap();
            }
        }
        assert!(segments(directory.path()).unwrap().len() > 2);
        assert_eq!(lines(directory.path()), (0..60).map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>());
    }

    #[test]
    fn an_unfinished_line_is_taken_off_and_the_next_one_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        drop(Journal::open(directory.path()).map(|mut journal| journal.append(&[line(1)])));
        let file = directory.path().join(name(1));
        let whole = fs::read(&file).unwrap();
        fs::write(&file, [&whole[..], b"{\"n\":"].concat()).unwrap();
        let mut journal = Journal::open(directory.path()).unwrap();
        journal.append(&[line(2)]).unwrap();
        assert_eq!(lines(directory.path()), ["{\"n\":1}", "{\"n\":2}"]);
        drop(journal);
        // Cut anywhere, also in the first line, it opens and takes lines.
        let whole = fs::read(&file).unwrap();
        for cut in 0..whole.len() {
            fs::write(&file, &whole[..cut]).unwrap();
            let mut journal = Journal::open(directory.path()).unwrap();
            journal.append(&[line(9)]).unwrap();
            assert_eq!(lines(directory.path()).last().unwrap(), "{\"n\":9}", "cut at {cut}");
        }
    }

    #[test]
    fn a_second_program_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let _journal = Journal::open(directory.path()).unwrap();
        assert!(matches!(Journal::open(directory.path()), Err(JournalError::InUse { .. })));
    }

    #[test]
    fn a_journal_begun_afresh_is_not_taken_for_the_old_one() {
        let first_line = || {
            let directory = tempfile::tempdir().unwrap();
            drop(Journal::open(directory.path()).unwrap());
            fs::read_to_string(directory.path().join(name(1))).unwrap()
        };
        assert_ne!(first_line(), first_line());
    }
}
