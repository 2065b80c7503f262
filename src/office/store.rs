//! Looking events up in the content store, on a thread of its own: the store may be slow or away, and
//! nothing waits for it.

use cast::Format;
use crossbeam_channel::{Receiver, Sender, bounded};
use event::EventNumber;
use std::path::{Path, PathBuf};

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
    /// Recordings that are published.
    pub recordings: u32,
}

/// Questions that may wait: after a start, all events that are still open are asked for.
const QUESTIONS: usize = 16_384;

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
        let (questions, asked) = bounded::<EventNumber>(QUESTIONS);
        let (answer, answers) = bounded(QUESTIONS);
        std::thread::Builder::new().name("store".into()).spawn(move || {
            for event in asked {
                let found = event::info::read(&content_dir, event)
                    .map(|info| found(info, recordings(&content_dir, event)))
                    .map_err(|e| super::chain(&e));
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

/// Those of these formats that there are, each once.
fn formats(names: &[String]) -> Vec<Format> {
    let mut formats: Vec<Format> = names.iter().filter_map(|f| f.parse().ok()).collect();
    formats.sort_unstable();
    formats.dedup();
    formats
}

/// How many recordings of an event are published.
fn recordings(content_dir: &Path, event: EventNumber) -> u32 {
    let Ok(entries) = std::fs::read_dir(content_dir.join("events").join(event.to_string())) else { return 0 };
    let is_recording = |entry: &std::fs::DirEntry| {
        let name = entry.path();
        name.extension().and_then(|e| e.to_str()).is_some_and(|e| Format::of_extension(e).is_some())
    };
    entries.filter_map(Result::ok).filter(is_recording).count() as u32
}

fn found(info: event::EventInfo, recordings: u32) -> Found {
    Found {
        title: info.title,
        formats: formats(&info.formats),
        over_after_s: info.over_after_s.map(u64::from),
        archive_after_s: info.archive_after_s.map(u64::from),
        recordings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_named_twice_or_unknown_do_not_keep_an_event_off_the_air() {
        let names = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(formats(&names(&["webm", "mp3", "smoke-signals", "mp3"])), [Format::Mp3, Format::Webm]);
        assert_eq!(formats(&names(&["smoke-signals"])), []);
    }
}
