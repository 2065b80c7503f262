//! Looking events up in the content store, on a thread of its own: the store may be slow or away, and
//! nothing waits for it.

use cast::Format;
use crossbeam_channel::{Receiver, Sender, bounded};
use event::EventNumber;
use std::path::PathBuf;

/// What the record of an event says that matters here.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Its title.
    pub title: String,
    /// Formats it is to be streamed in; none: the configured ones.
    pub formats: Vec<Format>,
    /// Seconds after the last hang-up until it is over.
    pub over_after_s: Option<u64>,
    /// Seconds after the last hang-up until its archive is due.
    pub archive_after_s: Option<u64>,
}

/// The way to the thread that reads.
pub struct Store {
    questions: Sender<EventNumber>,
    answers: Receiver<(EventNumber, Result<Found, String>)>,
}

impl Store {
    /// Begin to read records under this content store.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(content_dir: PathBuf) -> std::io::Result<Store> {
        let (questions, asked) = bounded::<EventNumber>(1024);
        let (answer, answers) = bounded(1024);
        std::thread::Builder::new().name("store".into()).spawn(move || {
            for event in asked {
                let found = event::info::read(&content_dir, event).map(found).map_err(|e| super::chain(&e));
                if answer.send((event, found)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Store { questions, answers })
    }

    /// Ask for an event's record. With too many questions waiting this one is not asked, and the
    /// defaults serve.
    pub fn look_up(&self, event: EventNumber) {
        let _ = self.questions.try_send(event);
    }

    /// The next answer.
    pub fn poll(&self) -> Option<(EventNumber, Result<Found, String>)> {
        self.answers.try_recv().ok()
    }
}

fn found(info: event::EventInfo) -> Found {
    Found {
        title: info.title,
        formats: info.formats.iter().filter_map(|f| f.parse().ok()).collect(),
        over_after_s: info.over_after_s.map(u64::from),
        archive_after_s: info.archive_after_s.map(u64::from),
    }
}
