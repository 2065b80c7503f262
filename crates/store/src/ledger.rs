//! Notes on the local disk about mirrors that lack something: a file an event.
//!
//! A note is made before a write begins and corrected when it has ended, so that whatever is killed in between
//! is found again at the next start.

use crate::error::StoreError;
use event::EventNumber;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What is noted of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Mirrors that may lack something.
    pub(crate) behind: BTreeSet<String>,
    /// The event was removed, and those mirrors may still have it: when, in milliseconds of UTC.
    #[serde(default)]
    pub(crate) removed_ms: Option<u64>,
}

/// The notes.
#[derive(Debug)]
pub(crate) struct Ledger {
    directory: PathBuf,
    notes: Mutex<BTreeMap<EventNumber, Note>>,
}

impl Ledger {
    pub(crate) fn open(directory: &Path) -> Result<Ledger, StoreError> {
        let failed = |source| StoreError::Ledger { path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o750).create(directory).map_err(failed)?;
        let mut notes = BTreeMap::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let number = EventNumber::parse(stem).ok().filter(|_| path.extension().is_some_and(|e| e == "json"));
            let Some(number) = number else { continue };
            let octets = fs::read(&path).map_err(failed)?;
            let note = serde_json::from_slice(&octets);
            notes.insert(number, note.map_err(|e| StoreError::Ledger { path, source: e.into() })?);
        }
        Ok(Ledger { directory: directory.to_owned(), notes: Mutex::new(notes) })
    }

    /// What is noted of an event.
    pub(crate) fn get(&self, event: EventNumber) -> Note {
        self.notes().get(&event).cloned().unwrap_or_default()
    }

    /// Events of which something is noted.
    pub(crate) fn events(&self) -> Vec<EventNumber> {
        self.notes().keys().copied().collect()
    }

    /// Notes this of an event, on the disk before it returns. A note without a mirror is taken away.
    pub(crate) fn set(&self, event: EventNumber, note: Note) -> Result<(), StoreError> {
        let path = self.directory.join(format!("{event}.json"));
        let mut notes = self.notes();
        if notes.get(&event).cloned().unwrap_or_default() == note {
            return Ok(());
        }
        let failed = |source| StoreError::Ledger { path: path.clone(), source };
        if note.behind.is_empty() {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
            notes.remove(&event);
            // Should it come back with the power, a repair more is all that happens.
            return Ok(());
        }
        self.write(&path, &note).map_err(failed)?;
        notes.insert(event, note);
        Ok(())
    }

    fn write(&self, path: &Path, note: &Note) -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&beside)?;
        file.write_all(&serde_json::to_vec(note)?)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(&self.directory)?.sync_all()
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, BTreeMap<EventNumber, Note>> {
        self.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_outlive_the_program_and_go_when_nothing_is_behind() {
        let directory = tempfile::tempdir().unwrap();
        let event = EventNumber::with_serial(event::KeyId::FIRST, 1);
        let note = Note { behind: BTreeSet::from(["vault".to_owned()]), removed_ms: Some(7) };
        Ledger::open(directory.path()).unwrap().set(event, note.clone()).unwrap();
        // A note half written when the power went is none.
        fs::write(directory.path().join("1012345679.new"), "{").unwrap();
        let ledger = Ledger::open(directory.path()).unwrap();
        assert_eq!((ledger.events(), ledger.get(event)), (vec![event], note));
        ledger.set(event, Note::default()).unwrap();
        assert!(Ledger::open(directory.path()).unwrap().events().is_empty());
    }
}
