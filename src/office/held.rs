//! Which stream ports are held back, over a restart.
//!
//! A listener's code for an event opens whatever its port carries. So a port that carried an event stays
//! closed to others until no such code can be valid, also when the daemon was stopped or killed meanwhile.
//!
//! Time: milliseconds since 1970 in UTC.

use event::EventNumber;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The file's name in the state directory.
pub const FILE: &str = "ports.json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    event: String,
    /// `None` while the stream is on the air.
    until_ms: Option<u64>,
}

/// Ports by their TCP number, so that a changed range cannot shift them.
#[derive(Debug, PartialEq, Eq)]
pub struct HeldPorts {
    file: PathBuf,
    ports: BTreeMap<u16, Held>,
    changed: bool,
}

impl HeldPorts {
    /// What [`HeldPorts::save`] wrote. A stream that was on the air when the daemon was killed holds its
    /// port back for the whole time from now; what has run out is forgotten.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn restore(file: &Path, now_ms: u64, reuse_ms: u64) -> io::Result<HeldPorts> {
        let mut ports: BTreeMap<u16, Held> = match std::fs::read(file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(e),
        };
        for held in ports.values_mut() {
            held.until_ms.get_or_insert(now_ms + reuse_ms);
        }
        ports.retain(|_, held| held.until_ms.is_some_and(|until| until > now_ms));
        Ok(HeldPorts { file: file.to_owned(), ports, changed: true })
    }

    /// None, to be saved in this file.
    #[must_use]
    pub fn none(file: &Path) -> HeldPorts {
        HeldPorts { file: file.to_owned(), ports: BTreeMap::new(), changed: true }
    }

    /// Ports held back, with their events and until when.
    pub fn iter(&self) -> impl Iterator<Item = (u16, EventNumber, u64)> {
        self.ports
            .iter()
            .filter_map(|(port, held)| Some((*port, EventNumber::parse(&held.event).ok()?, held.until_ms?)))
    }

    /// A port is on the air.
    pub fn live(&mut self, port: u16, event: EventNumber) {
        self.ports.insert(port, Held { event: event.to_string(), until_ms: None });
        self.changed = true;
    }

    /// Its stream has ended; held back until then.
    pub fn until(&mut self, port: u16, event: EventNumber, until_ms: u64) {
        self.ports.insert(port, Held { event: event.to_string(), until_ms: Some(until_ms) });
        self.changed = true;
    }

    /// Write it down if anything has changed, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written; it is tried again with the next call.
    pub fn save(&mut self) -> io::Result<()> {
        if self.changed {
            let fresh = self.file.with_extension("new");
            std::fs::write(&fresh, serde_json::to_vec(&self.ports)?)?;
            std::fs::rename(fresh, &self.file)?;
            self.changed = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_held_back_over_a_restart_and_those_on_the_air_for_the_whole_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("ports.json");
        let event = || EventNumber::random(event::KeyId::FIRST);
        let (over, live, past) = (event(), event(), event());
        let mut held = HeldPorts::restore(&file, 1000, 500).expect("nothing there yet");
        held.until(10_000, over, 2000);
        held.live(10_001, live);
        held.until(10_002, past, 1100);
        held.save().expect("written");
        let again = HeldPorts::restore(&file, 1200, 500).expect("read");
        assert_eq!(again.iter().collect::<Vec<_>>(), [(10_000, over, 2000), (10_001, live, 1700)]);
        std::fs::write(&file, "nonsense").expect("written");
        HeldPorts::restore(&file, 1200, 500).expect_err("nonsense");
    }
}
