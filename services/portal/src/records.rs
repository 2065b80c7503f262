//! What is recorded of reservations and audiences, for reports: in a journal on the disk before it is answered.
//!
//! ```text
//!   STATE/portal/outbox/               reservations, changes, orders to cancel and end, listeners and octets by minute
//!   STATE/portal/audience/NUMBER.jsonl the audience of an event, for its host's page also after a restart
//! ```
//!
//! The keeper brings the outbox to the database, when there is one. No page and no reservation waits for it.
//!
//! Data path: events, [`Minutes`](crate::minutes::Minutes) → here → files; files → host's page.
//! Time: milliseconds of UTC, given by the caller.

use crate::events::Known;
use crate::minutes::{self, Rise};
use crate::problem::Problem;
use crate::state::locked;
use event::EventNumber;
use records::{Happened, Happening, JournalError, Outbox, Record, Reservation, Usage};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// Minutes of listeners that may wait for a disk with room.
const MOST_WAITING: usize = 10_000;
/// A portal that is just ending lets go of the outbox soon.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// The way to the journal.
pub(crate) struct Records {
    directory: PathBuf,
    /// None while it cannot be opened.
    outbox: Mutex<Option<Outbox>>,
    /// Of listeners: those that the disk did not take.
    waiting: Mutex<VecDeque<Record>>,
}

impl Records {
    /// Opens the journal of a portal with this directory of its own. One that cannot be opened is tried again with each record.
    pub(crate) fn open(directory: &Path) -> Records {
        let records = Records { directory: directory.to_owned(), outbox: Mutex::default(), waiting: Mutex::default() };
        for _ in 0..TRIES {
            match records.outbox() {
                Err(JournalError::InUse { .. }) => std::thread::sleep(PAUSE),
                _ => break,
            }
        }
        if let Err(error) = records.outbox() {
            log::error!(target: "portal", "nothing can be reserved: {}", chain(&error));
        }
        records
    }

    fn outbox(&self) -> Result<Outbox, JournalError> {
        let mut outbox = locked(&self.outbox);
        match &*outbox {
            Some(outbox) => Ok(outbox.clone()),
            None => Ok(outbox.insert(Outbox::open(&self.directory.join("outbox"))?).clone()),
        }
    }

    /// Keeps a record: it is on the disk when this returns. Waits for the disk.
    ///
    /// # Errors
    /// 503, when it is not kept.
    pub(crate) fn keep(&self, record: &Record) -> Result<(), Problem> {
        let kept = match self.outbox() {
            Ok(outbox) => outbox.keep_blocking(record).map_err(|error| chain(&error)),
            Err(error) => Err(chain(&error)),
        };
        kept.map_err(|why| {
            log::error!(target: "portal", "{why}; nothing is reserved or changed until it can be written");
            Problem::unavailable(
                "the journal of reservations cannot be written, so nothing was done: try again later; \
                 whoever runs this server finds the reason in its log",
            )
        })
    }

    /// Keeps what somebody did with an event. What cannot be recorded is done all the same, and said to the log.
    pub(crate) fn happened(&self, number: EventNumber, what: &str, by: &str, server: &str, at_ms: u64) {
        let happening = Happening {
            at_ms,
            server: server.to_owned(),
            event: number,
            what: Happened::from(what),
            by: by.to_owned(),
        };
        // It has said why.
        let _ = self.keep(&Record::Happening(happening));
    }

    fn audience_file(&self, number: EventNumber) -> PathBuf {
        self.directory.join("audience").join(format!("{number}.jsonl"))
    }

    /// The audience of an event as it was noted, the oldest first.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn audience(&self, number: EventNumber) -> std::io::Result<Vec<Rise>> {
        minutes::read(&self.audience_file(number))
    }

    /// Notes that more listen to an event than before in this minute.
    pub(crate) fn note(&self, number: EventNumber, rise: &Rise) {
        if let Err(error) = minutes::append(&self.audience_file(number), rise) {
            log::warn!(target: "portal", "the audience of event {} is not noted: {error}", number.grouped());
        }
    }

    /// Keeps the listeners of a minute that is over, and what the disk did not take before.
    pub(crate) fn minute(&self, number: EventNumber, most: &Rise, server: &str) {
        let mut waiting = locked(&self.waiting);
        waiting.extend(usage(number, most, server));
        let over = waiting.len().saturating_sub(MOST_WAITING);
        waiting.drain(..over);
        while let Some(record) = waiting.front() {
            if self.keep(record).is_err() {
                return;
            }
            waiting.pop_front();
        }
    }

    /// The last minutes that were noted before the portal was stopped or killed. Whether they had been kept is not known: of a
    /// record told twice the larger counts.
    pub(crate) fn last_minutes(&self, now_ms: u64) -> Vec<(EventNumber, Rise)> {
        let Ok(entries) = std::fs::read_dir(self.directory.join("audience")) else { return Vec::new() };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| EventNumber::parse(name.strip_suffix(".jsonl")?).ok());
            let Some(number) = number else { continue };
            if !minutes::is_recent(&entry.path(), now_ms) {
                continue;
            }
            if let Ok(rises) = self.audience(number)
                && let Some(most) = minutes::last_minute(&rises)
            {
                found.push((number, most));
            }
        }
        found
    }
}

fn usage(number: EventNumber, most: &Rise, server: &str) -> Vec<Record> {
    let usage = |(format, (listeners, octets)): (&str, (u32, u64))| {
        Record::Usage(Usage {
            event: number,
            server: server.to_owned(),
            format: format.to_owned(),
            minute_ms: minutes::minute_of(most.at_ms),
            listeners: u64::from(listeners),
            octets,
        })
    };
    most.by_format().into_iter().map(usage).collect()
}

/// All that is known of an event now.
pub(crate) fn reservation(known: &Known, changed_ms: u64) -> Record {
    Record::Reservation(Reservation {
        event: known.number,
        title: known.title.clone(),
        owner: known.owner.clone(),
        created_ms: known.created_ms,
        changed_ms,
        starts_ms: known.starts_ms,
        formats: known.formats.clone(),
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}
