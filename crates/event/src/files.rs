//! Files that appear whole or not at all, and stay after a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Reads a file of at most `limit` octets; a longer one is [`io::ErrorKind::FileTooLarge`].
pub fn read_bounded(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    file.take(limit + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(octets)
}

/// Puts a file in place of what is there: written beside it, brought to the disk, renamed.
pub fn replace(path: &Path, mode: u32, octets: &[u8]) -> io::Result<()> {
    let beside = write_beside(path, mode, octets)?;
    fs::rename(&beside, path).inspect_err(|_| discard(&beside))?;
    sync_directory_of(path)
}

/// Puts a file where there is none; false when there is one already, which then is left alone. Of two
/// programs that try at the same time one succeeds.
pub fn create(path: &Path, mode: u32, octets: &[u8]) -> io::Result<bool> {
    let beside = write_beside(path, mode, octets)?;
    // Unlike a rename, a link does not replace.
    let linked = fs::hard_link(&beside, path);
    discard(&beside);
    match linked {
        Ok(()) => sync_directory_of(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Brings the directory that holds a path to the disk, so that the name is there after a power cut.
pub fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

fn write_beside(path: &Path, mode: u32, octets: &[u8]) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    // A name nobody else has: another program, another thread, or one that was killed halfway.
    let beside = path.with_file_name(format!(".{name}.{:016x}", getrandom::u64().map_err(io::Error::other)?));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    let written = file.write_all(octets).and_then(|()| file.sync_all());
    written.inspect_err(|_| discard(&beside)).map(|()| beside)
}

/// Takes away a file of ours that is of no use. That it stays behind would be untidy, not wrong.
fn discard(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn create_leaves_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert!(create(&path, 0o600, b"first").unwrap());
        assert!(!create(&path, 0o600, b"second").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(directory.path()), ["file"], "nothing is left beside it");
    }

    #[test]
    fn replace_replaces_or_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        replace(&path, 0o600, b"first").unwrap();
        replace(&path, 0o600, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        // A directory cannot be replaced by a file.
        let taken = directory.path().join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(replace(&taken, 0o600, b"third").is_err());
        assert_eq!(names(directory.path()), ["file", "taken"]);
    }

    #[test]
    fn a_long_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, [b'x'; 11]).unwrap();
        assert_eq!(read_bounded(File::open(&path).unwrap(), 11).unwrap().len(), 11);
        let error = read_bounded(File::open(&path).unwrap(), 10).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
