//! Lines that no database would take: kept in a file for people, out of the way of all others.
//!
//! One line of JSON each in `set-aside.jsonl`, with where it came from and why. It is on the disk before the
//! place in its file moves on, so that it is in one file or the other at any moment.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "set-aside.jsonl";

#[derive(Serialize, Deserialize)]
struct Entry {
    source: String,
    position: u64,
    reason: String,
    line: String,
}

/// The file, and what is in it.
#[derive(Debug)]
pub struct SetAside {
    path: PathBuf,
    known: BTreeSet<(String, u64)>,
}

impl SetAside {
    /// Opens the file in this directory, which is made if need be.
    pub fn open(directory: &Path) -> io::Result<SetAside> {
        DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
        let path = directory.join(FILE_NAME);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let entries = text.split(|&b| b == b'\n').filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
        let known = entries.map(|entry| (entry.source, entry.position)).collect();
        Ok(SetAside { path, known })
    }

    /// Sets a line aside; once, however often it comes up.
    pub fn put(&mut self, source: &str, position: u64, reason: &str, line: &[u8]) -> io::Result<()> {
        let key = (source.to_owned(), position);
        if self.known.contains(&key) {
            return Ok(());
        }
        log::error!("records: a line of {source} at {position} is set aside: {reason}");
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        let entry = Entry { source: source.to_owned(), position, reason: reason.to_owned(), line };
        let mut octets = serde_json::to_vec(&entry)?;
        octets.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).mode(0o640).open(&self.path)?;
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(&octets).and_then(|()| file.sync_all()) {
            // Half a line would spoil the one after it; if it stays it is passed over when read.
            let _ = file.set_len(before);
            return Err(error);
        }
        self.known.insert(key);
        Ok(())
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.known.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once_also_after_a_start() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let mut aside = SetAside::open(directory.path()).unwrap();
            aside.put("calls/a", 10, "no record", b"\xff{\n").unwrap();
            aside.put("calls/a", 10, "no record", b"\xff{\n").unwrap();
            aside.put("calls/a", 12, "no record", b"}\n").unwrap();
            assert_eq!(aside.count(), 2);
        }
        assert_eq!(fs::read_to_string(directory.path().join(FILE_NAME)).unwrap().lines().count(), 2);
    }
}
