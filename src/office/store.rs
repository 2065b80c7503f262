//! The records of events in the content store: looked up, and told when an event takes no more calls. On a thread
//! of its own: the store may be slow or away, and nothing waits for it.
//!
//! Time: what the store does not take is tried again every [`AGAIN`].

use cast::Format;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use event::{Closing, EventNumber, InfoError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Recordings that are published, if they can be counted.
    pub recordings: Option<u32>,
}

/// Questions that may wait: after a start, all events that are listed are asked for.
const QUESTIONS: usize = 16_384;
/// Pause between attempts to write a record.
const AGAIN: Duration = Duration::from_secs(5);

/// What the thread is to do.
enum Question {
    LookUp(EventNumber),
    Count(EventNumber),
    Close(EventNumber, Closing),
}

/// What the thread has found.
pub enum Answer {
    /// An event's record.
    Record(EventNumber, Result<Found, String>),
    /// How many recordings of an event are published, if they can be counted.
    Recordings(EventNumber, Option<u32>),
}

/// The way to the thread that reads and writes. Answers come in the order of the questions.
pub struct Store {
    questions: Sender<Question>,
    answers: Receiver<Answer>,
}

impl Store {
    /// Begin to read records under this content store.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(content_dir: PathBuf) -> std::io::Result<Store> {
        let (questions, asked) = bounded::<Question>(QUESTIONS);
        let (answer, answers) = bounded(QUESTIONS);
        std::thread::Builder::new().name("store".into()).spawn(move || {
            let mut closings = BTreeMap::new();
            loop {
                match if closings.is_empty() { asked.recv().map_err(Into::into) } else { asked.recv_timeout(AGAIN) } {
                    Ok(Question::LookUp(event)) => {
                        let found = event::info::read(&content_dir, event)
                            .map(|info| found(info, recordings(&content_dir, event)))
                            .map_err(|e| super::chain(&e));
                        if answer.send(Answer::Record(event, found)).is_err() {
                            break;
                        }
                    }
                    Ok(Question::Count(event)) => {
                        if answer.send(Answer::Recordings(event, recordings(&content_dir, event))).is_err() {
                            break;
                        }
                    }
                    Ok(Question::Close(event, closing)) => {
                        if !closed(&content_dir, event, closing) {
                            closings.insert(event, closing);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        closings.retain(|event, closing| !closed(&content_dir, *event, *closing));
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        })?;
        Ok(Store { questions, answers })
    }

    /// Ask for an event's record. With too many questions waiting this one is not asked, and the
    /// defaults serve.
    pub fn look_up(&self, event: EventNumber) {
        let _ = self.questions.try_send(Question::LookUp(event));
    }

    /// Ask how many recordings of an event are published: one more, or one of before that was seen already.
    pub fn count_recordings(&self, event: EventNumber) {
        let _ = self.questions.try_send(Question::Count(event));
    }

    /// Have an event's record say that it takes no more calls. With too many questions waiting the journal
    /// alone says so until the next start.
    pub fn close(&self, event: EventNumber, closing: Closing) {
        let _ = self.questions.try_send(Question::Close(event, closing));
    }

    /// The next answer.
    pub fn poll(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

/// Whether the record of an event says that it takes no more calls, or never will; false: to be tried again.
fn closed(content_dir: &Path, event: EventNumber, closing: Closing) -> bool {
    match event::info::update(content_dir, event, |info| info.close(closing)) {
        // Reserved elsewhere, or not one of ours to mend: the journal says it all the same.
        Ok(_) | Err(InfoError::NotFound { .. } | InfoError::Invalid { .. } | InfoError::Misplaced { .. }) => true,
        Err(error) => {
            log::warn!(target: "event", "the record of event {} does not say yet that it has ended: {}", event.grouped(), super::chain(&error));
            false
        }
    }
}

/// Those of these formats that there are, each once.
fn formats(names: &[String]) -> Vec<Format> {
    let mut formats: Vec<Format> = names.iter().filter_map(|f| f.parse().ok()).collect();
    formats.sort_unstable();
    formats.dedup();
    formats
}

/// How many recordings of an event are published; nothing if the store is away.
fn recordings(content_dir: &Path, event: EventNumber) -> Option<u32> {
    let entries = std::fs::read_dir(content_dir.join("events").join(event.to_string())).ok()?;
    let is_recording = |entry: &std::fs::DirEntry| {
        let name = entry.path();
        name.extension().and_then(|e| e.to_str()).is_some_and(|e| Format::of_extension(e).is_some())
    };
    Some(entries.filter_map(Result::ok).filter(is_recording).count() as u32)
}

fn found(info: event::EventInfo, recordings: Option<u32>) -> Found {
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
    fn an_event_that_is_closed_says_so_in_its_record() {
        let content = tempfile::tempdir().expect("a directory");
        let request = event::Request { created_ms: 1, ..event::Request::default() };
        let number = event::info::reserve(content.path(), &event::Keyring::random(), request).expect("reserved").number;
        let store = Store::start(content.path().to_owned()).expect("a thread");
        store.close(number, Closing::Over);
        store.close(EventNumber::random(event::KeyId::LAST), Closing::Ended);
        store.look_up(number);
        while store.poll().is_none() {
            std::thread::yield_now();
        }
        let info = event::info::read(content.path(), number).expect("there");
        assert_eq!(info.status, event::Status::Over);
    }

    #[test]
    fn a_recording_that_is_published_while_its_event_is_looked_up_counts_once() {
        let content = tempfile::tempdir().expect("a directory");
        let request = event::Request { created_ms: 1, ..event::Request::default() };
        let number = event::info::reserve(content.path(), &event::Keyring::random(), request).expect("reserved").number;
        let folder = content.path().join("events").join(number.to_string());
        std::fs::write(folder.join("one.mp3"), b"").expect("written");
        std::fs::write(folder.join("one.txt"), b"").expect("written");
        let store = Store::start(content.path().to_owned()).expect("a thread");
        store.look_up(number);
        store.count_recordings(number);
        let next = || std::iter::repeat_with(|| store.poll()).flatten().next();
        assert!(matches!(next(), Some(Answer::Record(of, Ok(Found { recordings: Some(1), .. }))) if of == number));
        assert!(matches!(next(), Some(Answer::Recordings(of, Some(1))) if of == number));
    }

    #[test]
    fn formats_named_twice_or_unknown_do_not_keep_an_event_off_the_air() {
        let names = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(formats(&names(&["webm", "mp3", "smoke-signals", "mp3"])), [Format::Mp3, Format::Webm]);
        assert_eq!(formats(&names(&["smoke-signals"])), []);
    }
}
