//! A file of JSON lines: a change is a line more, and when most lines are of the past it is written anew.
//!
//! Data path: entries → here → file; file, at the start → entries.
//! Recovery: a line is in the file whole or not at all, also on a full disk; one that a loss of power has torn is passed over.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Such a file, and how many lines it has.
#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    mode: u32,
    lines: usize,
}

impl LineFile {
    /// The file of this name, with these permissions if it is made. It is not touched.
    pub(super) fn new(path: PathBuf, mode: u32) -> LineFile {
        LineFile { path, mode, lines: 0 }
    }

    /// Lines since it was written anew.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// All that can be read; nothing if it is not there.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn read<T: DeserializeOwned>(&self) -> io::Result<Vec<T>> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text?,
        };
        Ok(text.split(|&octet| octet == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Adds lines, all of them or none.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn append<T: Serialize>(&mut self, entries: impl Iterator<Item = T>) -> io::Result<()> {
        let (text, count) = lines_of(entries)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(self.mode).open(&self.path)?;
        append_whole(&mut file, &text)?;
        self.lines += count;
        Ok(())
    }

    /// Puts these lines in place of all there are.
    ///
    /// # Errors
    /// The disk's; then the file is as it was.
    pub(super) fn rewrite<T: Serialize>(&mut self, entries: impl Iterator<Item = T>) -> io::Result<()> {
        let (text, count) = lines_of(entries)?;
        let fresh = self.path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(self.mode).open(&fresh)?;
        file.write_all(&text)?;
        fs::rename(fresh, &self.path)?;
        self.lines = count;
        Ok(())
    }
}

/// Adds octets to a file that is open for it, all of them or none: half a line would spoil the one after it.
///
/// # Errors
/// The disk's.
pub(super) fn append_whole(file: &mut File, octets: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    file.write_all(octets).inspect_err(|_| drop(file.set_len(before)))
}

/// The entries as lines, and how many.
fn lines_of<T: Serialize>(entries: impl Iterator<Item = T>) -> io::Result<(Vec<u8>, usize)> {
    let (mut text, mut count) = (Vec::new(), 0);
    for entry in entries {
        serde_json::to_writer(&mut text, &entry)?;
        text.push(b'\n');
        count += 1;
    }
    Ok((text, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_counted_and_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("numbers.jsonl");
        let mut file = LineFile::new(path.clone(), 0o600);
        assert_eq!(file.read::<u32>().expect("read"), [0; 0], "not there");
        file.append([1, 2].iter()).expect("appended");
        file.append([3].iter()).expect("appended");
        assert_eq!((file.lines(), file.read::<u32>().expect("read")), (3, vec![1, 2, 3]));
        file.rewrite([7].iter()).expect("written");
        assert_eq!((file.lines(), file.read::<u32>().expect("read")), (1, vec![7]));
        fs::write(&path, "7\n{\"to").expect("torn");
        assert_eq!(file.read::<u32>().expect("read"), [7]);
    }
}
