//! The gateway's content directory, looked over for what is new.
//!
//! Data path: `event-info.xml` and recordings → here → reservations for the outbox, events for the store.
//! Time: looked over every [`EVERY`]; what a mirror does not take is tried again, ever less often.

use event::{EventInfo, EventNumber};
use records::{Backoff, Outbox, Record, Reservation};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use store::Store;

/// How often the directory is looked over.
const EVERY: Duration = Duration::from_secs(1);
const INFO: &str = "event-info.xml";

/// What an event's directory looked like: names, lengths, times.
type Looks = Vec<(String, u64, SystemTime)>;

/// The directory, and how far it has been brought elsewhere.
pub(crate) struct Content {
    directory: PathBuf,
    outbox: Option<Outbox>,
    store: Option<Store>,
    recorded: BTreeMap<EventNumber, (u64, SystemTime)>,
    brought: BTreeMap<EventNumber, Looks>,
    backoff: Backoff,
    not_before: Option<tokio::time::Instant>,
}

impl Content {
    pub(crate) fn new(directory: PathBuf, outbox: Option<Outbox>, store: Option<Store>) -> Content {
        Content {
            directory,
            outbox,
            store,
            recorded: BTreeMap::new(),
            brought: BTreeMap::new(),
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(60)),
            not_before: None,
        }
    }

    /// Follows it until dropped.
    pub(crate) async fn follow(mut self) {
        let mut troubled = false;
        loop {
            match self.look_over().await {
                Ok(()) if std::mem::take(&mut troubled) => log::info!("{} is read again", self.directory.display()),
                Ok(()) => {}
                Err(error) if !std::mem::replace(&mut troubled, true) => {
                    log::warn!("{}: {error}", self.directory.display());
                }
                Err(_) => {}
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look_over(&mut self) -> io::Result<()> {
        let numbers = event::info::list(&self.directory).map_err(io::Error::other)?;
        self.recorded.retain(|number, _| numbers.binary_search(number).is_ok());
        self.brought.retain(|number, _| numbers.binary_search(number).is_ok());
        for number in numbers {
            let looks = looks(&self.directory.join("events").join(number.to_string()))?;
            self.record(number, &looks).await;
            self.bring(number, looks).await;
        }
        Ok(())
    }

    /// Keeps the reservation, if it is new or has changed.
    async fn record(&mut self, number: EventNumber, looks: &Looks) {
        let Some(outbox) = &self.outbox else { return };
        let Some((_, length, changed)) = looks.iter().find(|(name, ..)| name == INFO) else { return };
        if self.recorded.get(&number) == Some(&(*length, *changed)) {
            return;
        }
        match event::info::read(&self.directory, number) {
            Ok(info) => {
                // One that is not kept is tried again with the next look; the outbox has said why.
                if outbox.keep(&reservation(info, *changed)).await.is_err() {
                    return;
                }
            }
            Err(error) => log::warn!("event {number} is in no database: {error}"),
        }
        self.recorded.insert(number, (*length, *changed));
    }

    /// Brings it to the mirrors, if anything of it is new or has changed.
    async fn bring(&mut self, number: EventNumber, looks: Looks) {
        let Some(store) = &self.store else { return };
        let early = self.not_before.is_some_and(|then| tokio::time::Instant::now() < then);
        if early || self.brought.get(&number) == Some(&looks) {
            return;
        }
        match store.sync_event(&self.directory, number).await {
            Ok(_) => {
                self.backoff.worked();
                self.brought.insert(number, looks);
            }
            // It was removed from all mirrors, and stays so.
            Err(store::StoreError::Removed { .. }) => drop(self.brought.insert(number, looks)),
            Err(error) => {
                let pause = self.backoff.failed(u64::MAX);
                self.not_before = Some(tokio::time::Instant::now() + pause);
                log::warn!("event {number} is not in the store yet: {error}");
            }
        }
    }
}

fn looks(directory: &Path) -> io::Result<Looks> {
    let mut looks = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // What is hidden is half made, or the store's own.
        if name.starts_with('.') {
            continue;
        }
        match entry.metadata() {
            // Replaced just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => {
                let found = found?;
                looks.push((name, found.len(), found.modified()?));
            }
        }
    }
    looks.sort_unstable();
    Ok(looks)
}

fn reservation(info: EventInfo, changed: SystemTime) -> Record {
    let changed_ms = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let owner = info.others.iter().find(|element| element.name == "owner").map(|element| element.text.clone());
    Record::Reservation(Reservation {
        event: info.number,
        title: info.title,
        owner,
        created_ms: info.created_ms,
        changed_ms,
        starts_ms: info.starts_ms,
        formats: info.formats,
    })
}
