//! The records of events in the content store: looked up, and told when an event takes no more calls. On a thread
//! of its own: the store may be slow or away, and nothing waits for it.
//!
//! Time: what the store does not take is tried again every [`AGAIN`].

use cast::Format;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use event::{Closing, EventNumber, InfoError};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
    /// How many recordings of an event are published.
    Recordings(EventNumber, u32),
}

/// The way to the thread that reads and writes. Answers come in the order of the questions; with a store that is away, once more when it
/// is back.
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
            // Whoever does not take an answer asks nothing more either.
            let count = |event, there| {
                recordings(&content_dir, event, there)
                    .is_some_and(|count| answer.send(Answer::Recordings(event, count)).is_ok())
            };
            // What the store was away for.
            let mut unread = BTreeSet::new();
            let mut uncounted = BTreeSet::new();
            let mut closings = BTreeMap::new();
            let mut tried = Instant::now();
            loop {
                let nothing_waits = unread.is_empty() && uncounted.is_empty() && closings.is_empty();
                let asked = if nothing_waits { asked.recv().map_err(Into::into) } else { asked.recv_timeout(AGAIN) };
                // Before anything is looked for, and once more where it was not found: a store that comes back meanwhile, or goes, is not one
                // without the event.
                let there = content_dir.is_dir();
                let to_count = match asked {
                    Ok(Question::LookUp(event)) => {
                        let read = event::info::read(&content_dir, event);
                        if read.as_ref().is_err_and(|error| !is_final(error, &content_dir, there)) {
                            unread.insert(event);
                        }
                        let _ = answer.send(Answer::Record(event, read.map(found).map_err(|e| super::chain(&e))));
                        Some(event)
                    }
                    Ok(Question::Count(event)) => Some(event),
                    Ok(Question::Close(event, closing)) => {
                        if !closed(&content_dir, event, closing, there) {
                            closings.insert(event, closing);
                        }
                        None
                    }
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                uncounted.extend(to_count.filter(|event| !count(*event, there)));
                if nothing_waits {
                    tried = Instant::now();
                } else if tried.elapsed() >= AGAIN {
                    unread.retain(|event| match event::info::read(&content_dir, *event) {
                        Ok(info) => answer.send(Answer::Record(*event, Ok(found(info)))).is_err(),
                        Err(error) => !is_final(&error, &content_dir, there),
                    });
                    closings.retain(|event, closing| !closed(&content_dir, *event, *closing, there));
                    uncounted.retain(|event| !count(*event, there));
                    tried = Instant::now();
                }
            }
        })?;
        Ok(Store { questions, answers })
    }

    /// Ask for an event's record, and how many recordings are published. With too many questions waiting this one is not asked, and the
    /// defaults serve.
    pub fn look_up(&self, event: EventNumber) {
        let _ = self.questions.try_send(Question::LookUp(event));
    }

    /// Ask how many recordings of an event are published. A store that is away is asked again; with too many questions waiting the next
    /// look-up tells.
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
fn closed(content_dir: &Path, event: EventNumber, closing: Closing, there: bool) -> bool {
    match event::info::update(content_dir, event, |info| info.close(closing)) {
        Ok(_) => true,
        // The journal says it all the same.
        Err(error) if is_final(&error, content_dir, there) => true,
        Err(error) => {
            log::warn!(target: "event", "the record of event {} does not say yet that it has ended: {}", event.grouped(), super::chain(&error));
            false
        }
    }
}

/// Whether a record that was not to be had never will be: the store was there before and is now, and the event was reserved elsewhere; or it
/// is not one of ours to mend.
fn is_final(error: &InfoError, content_dir: &Path, there: bool) -> bool {
    match error {
        InfoError::NotFound { .. } => there && content_dir.is_dir(),
        InfoError::Invalid { .. } | InfoError::Misplaced { .. } => true,
        _ => false,
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
fn recordings(content_dir: &Path, event: EventNumber, there: bool) -> Option<u32> {
    let entries = match std::fs::read_dir(content_dir.join("events").join(event.to_string())) {
        Err(error) if error.kind() == ErrorKind::NotFound && there && content_dir.is_dir() => return Some(0),
        entries => entries.ok()?,
    };
    let mut count = 0;
    for entry in entries {
        let name = entry.ok()?.path();
        let extension = name.extension().and_then(|extension| extension.to_str());
        count += u32::from(extension.and_then(Format::of_extension).is_some());
    }
    Some(count)
}

fn found(info: event::EventInfo) -> Found {
    Found {
        title: info.title,
        formats: formats(&info.formats),
        over_after_s: info.over_after_s.map(u64::from),
        archive_after_s: info.archive_after_s.map(u64::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(store: &Store) -> Answer {
        store.answers.recv_timeout(12 * AGAIN).expect("an answer comes")
    }

    fn reserved(content: &Path) -> EventNumber {
        let request = event::Request { created_ms: 1, ..event::Request::default() };
        event::info::reserve(content, &event::Keyring::random(), request).expect("reserved").number
    }

    #[test]
    fn an_event_that_is_closed_says_so_in_its_record() {
        let content = tempfile::tempdir().expect("a directory");
        let number = reserved(content.path());
        let store = Store::start(content.path().to_owned()).expect("a thread");
        store.close(number, Closing::Over);
        store.close(EventNumber::random(event::KeyId::LAST), Closing::Ended);
        store.look_up(number);
        next(&store);
        let info = event::info::read(content.path(), number).expect("there");
        assert_eq!(info.status, event::Status::Over);
    }

    #[test]
    fn a_recording_that_is_published_while_its_event_is_looked_up_counts_once() {
        let content = tempfile::tempdir().expect("a directory");
        let number = reserved(content.path());
        let folder = content.path().join("events").join(number.to_string());
        std::fs::write(folder.join("one.mp3"), b"").expect("written");
        std::fs::write(folder.join("one.txt"), b"").expect("written");
        let store = Store::start(content.path().to_owned()).expect("a thread");
        store.look_up(number);
        store.count_recordings(number);
        assert!(matches!(next(&store), Answer::Record(of, Ok(_)) if of == number));
        for _ in 0..2 {
            assert!(matches!(next(&store), Answer::Recordings(of, 1) if of == number));
        }
    }

    #[test]
    fn what_the_store_was_away_for_is_done_when_it_is_back() {
        let place = tempfile::tempdir().expect("a directory");
        let content = place.path().join("content");
        let prepared = place.path().join("prepared");
        std::fs::create_dir(&prepared).expect("made");
        let (looked_up, asked) = (reserved(&prepared), reserved(&prepared));
        for (event, recordings) in [(looked_up, 1), (asked, 2)] {
            let folder = prepared.join("events").join(event.to_string());
            for n in 0..recordings {
                std::fs::write(folder.join(format!("{n}.mp3")), b"").expect("written");
            }
        }
        let store = Store::start(content.clone()).expect("a thread");
        store.count_recordings(asked);
        store.close(asked, Closing::Over);
        store.look_up(looked_up);
        assert!(matches!(next(&store), Answer::Record(of, Err(_)) if of == looked_up), "it is away");
        // All of it at once, as when it is mounted.
        std::fs::rename(&prepared, &content).expect("moved");
        let (mut counts, mut records) = (BTreeMap::new(), Vec::new());
        for _ in 0..3 {
            match next(&store) {
                Answer::Record(event, found) => records.push((event, found.is_ok())),
                Answer::Recordings(event, count) => assert_eq!(counts.insert(event, count), None, "once"),
            }
        }
        assert_eq!(records, [(looked_up, true)]);
        assert_eq!(counts, BTreeMap::from([(looked_up, 1), (asked, 2)]));
        // Told before what was asked about it is counted.
        assert_eq!(event::info::read(&content, asked).expect("there").status, event::Status::Over);
    }

    #[test]
    fn a_store_without_the_event_has_no_recordings_of_it() {
        let content = tempfile::tempdir().expect("a directory");
        let store = Store::start(content.path().to_owned()).expect("a thread");
        store.count_recordings(EventNumber::random(event::KeyId::LAST));
        assert!(matches!(next(&store), Answer::Recordings(_, 0)));
    }

    #[test]
    fn formats_named_twice_or_unknown_do_not_keep_an_event_off_the_air() {
        let names = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(formats(&names(&["webm", "mp3", "smoke-signals", "mp3"])), [Format::Mp3, Format::Webm]);
        assert_eq!(formats(&names(&["smoke-signals"])), []);
    }
}
