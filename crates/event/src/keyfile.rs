//! The key file: one key a line, readable by nobody but its owner.
//!
//! ```text
//! # id  state    key
//! 10    retired  6b1f...  (64 hexadecimal digits)
//! 11    current  90c2...
//! ```
//!
//! Whoever reads this file can compute every PIN, so a file that others than its owner may read is refused
//! rather than used with a warning: warnings about files are read after the damage.
//!
//! Data path: file, at the start and on reload → [`Keyring`]; [`Keyring`] → file, replaced as a whole.

use crate::files;
use crate::key::{Key, KeyId};
use crate::keyring::{KeyState, Keyring};
use std::fmt::{self, Write};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// 90 keys take less than 8 KiB; the rest is for comments.
const LONGEST_FILE: u64 = 64 * 1024;

/// A key file that cannot be used. No message repeats what is in the file.
#[derive(Debug)]
pub enum KeyFileError {
    /// It cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written or created.
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read or write it.
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode, as `chmod` takes it.
        mode: u32,
    },
    /// A line is not id, state and key.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Not exactly one key is current, or an id is there twice.
    Keys {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyFileError::Read { path, .. } => write!(f, "cannot read the key file {}", path.display()),
            KeyFileError::Write { path, .. } => write!(f, "cannot write the key file {}", path.display()),
            KeyFileError::Open { path, mode } => write!(
                f,
                "the key file {0} is open to others (mode {mode:03o}); if nobody has read it, run: chmod 600 {0}",
                path.display()
            ),
            KeyFileError::Line { path, line, what } => {
                write!(f, "the key file {}, line {line}: {what}", path.display())
            }
            KeyFileError::Keys { path } => {
                write!(f, "the key file {} must have one line that says \"current\" and each id once", path.display())
            }
        }
    }
}

impl std::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            KeyFileError::Read { source, .. } | KeyFileError::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Keyring {
    /// Reads the key file.
    ///
    /// # Errors
    /// The file is absent, open to others, or not a key file.
    pub fn load(path: &Path) -> Result<Keyring, KeyFileError> {
        let read = |source| KeyFileError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        // Asked of the open file, so that it is this file that is as it should be.
        let mode = file.metadata().map_err(read)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Open { path: path.to_owned(), mode });
        }
        let octets = files::read_bounded(file, LONGEST_FILE).map_err(read)?;
        let mut lines = Vec::new();
        for (index, line) in String::from_utf8_lossy(&octets).lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what| KeyFileError::Line { path: path.to_owned(), line: index + 1, what };
            lines.push(parse_line(line).map_err(wrong)?);
        }
        Keyring::of_lines(lines).ok_or_else(|| KeyFileError::Keys { path: path.to_owned() })
    }

    /// Reads the key file, or makes one with one fresh key if there is none. When two programs do this at
    /// once, both get the same key.
    ///
    /// # Errors
    /// As [`Keyring::load`], or it cannot be created.
    pub fn load_or_create(path: &Path) -> Result<Keyring, KeyFileError> {
        match Keyring::load(path) {
            Err(KeyFileError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let fresh = Keyring::random();
                files::create(path, 0o600, fresh.to_text().as_bytes())
                    .map_err(|source| KeyFileError::Write { path: path.to_owned(), source })?;
                Keyring::load(path)
            }
            loaded => loaded,
        }
    }

    /// Writes the key file, in place of what is there.
    ///
    /// # Errors
    /// It cannot be written; what was there is still there.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        files::replace(path, 0o600, self.to_text().as_bytes())
            .map_err(|source| KeyFileError::Write { path: path.to_owned(), source })
    }

    fn to_text(&self) -> String {
        let mut text = String::from(
            "# Keys of event PINs: id, state (current, valid or retired), key.\n\
             # Whoever reads this can compute every PIN. Keep a copy in a safe place: without it no PIN is valid.\n",
        );
        for (id, state, key) in self.lines() {
            let _ = write!(text, "{id} {} ", state.name());
            for octet in key.octets() {
                let _ = write!(text, "{octet:02x}");
            }
            text.push('\n');
        }
        text
    }
}

fn parse_line(line: &str) -> Result<(KeyId, KeyState, Key), &'static str> {
    let mut words = line.split_ascii_whitespace();
    let (Some(id), Some(state), Some(key), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err("expected three words: id, state and key");
    };
    let id = id.parse().ok().and_then(KeyId::new).ok_or("the key id must be 10 to 99")?;
    let state = [KeyState::Current, KeyState::Valid, KeyState::Retired]
        .into_iter()
        .find(|s| s.name() == state)
        .ok_or("the state must be current, valid or retired")?;
    let key = parse_hex(key).ok_or("the key must be 64 hexadecimal digits")?;
    Ok((id, state, Key::new(key)))
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut octets = [0; 32];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|d| char::from(d).to_digit(16));
        *octet = (high? * 16 + low?) as u8;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventNumber, Role};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        (directory, path)
    }

    fn message(text: &str) -> String {
        let (directory, path) = written(text);
        let message = Keyring::load(&path).unwrap_err().to_string();
        message.replace(&directory.path().display().to_string(), "")
    }

    #[test]
    fn made_when_absent_and_the_same_ever_after() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        assert!(Keyring::load(&path).is_err());
        let made = Keyring::load_or_create(&path).unwrap();
        let again = Keyring::load_or_create(&path).unwrap();
        let number = EventNumber::random(made.current());
        assert_eq!(made.pin(number, Role::Host), again.pin(number, Role::Host));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn saved_and_read_back() {
        let (_directory, path) = written("");
        let mut ring = Keyring::random();
        let next = KeyId::new(57).unwrap();
        ring.add(next, Key::random()).unwrap();
        ring.make_current(next).unwrap();
        ring.retire(KeyId::FIRST).unwrap();
        ring.save(&path).unwrap();
        let read = Keyring::load(&path).unwrap();
        assert_eq!(read.states().collect::<Vec<_>>(), ring.states().collect::<Vec<_>>());
        let number = EventNumber::random(next);
        assert_eq!(read.pin(number, Role::Speaker), ring.pin(number, Role::Speaker));
    }

    #[test]
    fn a_file_open_to_others_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        Keyring::load_or_create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o644, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let message = Keyring::load_or_create(&path).unwrap_err().to_string();
            assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");
            assert!(message.contains(&format!("mode {mode:o}")), "{message}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(Keyring::load(&path).is_ok());
    }

    #[test]
    fn people_edit_it() {
        let text = format!("# mine\r\n\r\n  12\tvalid   {}\r\n 11 current {}", "aB".repeat(32), "0".repeat(64));
        let (_directory, path) = written(&text);
        let ring = Keyring::load(&path).unwrap();
        assert_eq!(ring.current().get(), 11);
        assert_eq!(ring.states().count(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let key = "5".repeat(64);
        assert_eq!(message("\n10 current"), "the key file /keys, line 2: expected three words: id, state and key");
        assert_eq!(message(&format!("9 current {key}")), "the key file /keys, line 1: the key id must be 10 to 99");
        assert_eq!(
            message(&format!("10 new {key}")),
            "the key file /keys, line 1: the state must be current, valid or retired"
        );
        for bad in ["5".repeat(63), "5".repeat(65), "g".repeat(64), "é".repeat(32), "+5".repeat(32)] {
            let text = message(&format!("10 current {bad}"));
            assert_eq!(text, "the key file /keys, line 1: the key must be 64 hexadecimal digits");
        }
        let keys = "the key file /keys must have one line that says \"current\" and each id once";
        assert_eq!(message(""), keys);
        assert_eq!(message(&format!("10 valid {key}")), keys);
        assert_eq!(message(&format!("10 current {key}\n11 current {key}")), keys);
        assert_eq!(message(&format!("10 current {key}\n10 valid {key}")), keys);
        assert_eq!(message(&"#".repeat(LONGEST_FILE as usize + 1)), "cannot read the key file /keys");
    }
}
