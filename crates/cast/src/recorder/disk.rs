//! The spool's disk, as little of it as the writer needs.
//!
//! A trait, so that tests can fill it up, fail it and tear writes apart without an actual disk doing so.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// A disk that recordings grow on.
pub(crate) trait Disk: Send + Sync {
    /// Megabytes that may still be written below this directory.
    fn free_mb(&self, directory: &Path) -> io::Result<u64>;

    /// A new file; an existing one is an error.
    fn create(&self, path: &Path) -> io::Result<Box<dyn SpoolFile>>;

    /// Makes what was written to a file or done in a directory reach the disk. May take long.
    fn sync(&self, path: &Path) -> io::Result<()>;
}

/// A file that grows.
pub(crate) trait SpoolFile: Write + Send {
    /// Cuts it to this length, which is not more than was written.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug)]
pub(crate) struct LocalDisk;

impl Disk for LocalDisk {
    fn free_mb(&self, directory: &Path) -> io::Result<u64> {
        let figures = nix::sys::statvfs::statvfs(directory)?;
        // What is reserved for root is not ours to fill.
        Ok(figures.blocks_available().saturating_mul(figures.fragment_size()) >> 20)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn SpoolFile>> {
        Ok(Box::new(OpenOptions::new().append(true).create_new(true).open(path)?))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl SpoolFile for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Is this the want of room, as against a broken disk?
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
