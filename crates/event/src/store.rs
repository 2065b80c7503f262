//! Events in the content store: a directory each, named by the event number.
//!
//! ```text
//! STORE/events/1012345679/event-info.xml
//! ```
//!
//! A number is claimed by making its directory, which of two programs only one can; nothing else is set
//! aside for an event, and no database is asked.
//!
//! Data path: [`Request`] → [`reserve`] → directory and `event-info.xml`; the same file ↔ [`read`], [`write()`].

use crate::files;
use crate::info::{EventInfo, InvalidInfo, Status};
use crate::keyring::Keyring;
use crate::number::EventNumber;
use crate::role::Role;
use crate::xml::Element;
use nix::fcntl::{Flock, FlockArg};
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const DIRECTORY: &str = "events";
const FILE_NAME: &str = "event-info.xml";
/// A day of recordings in parts of a minute stays below a third of it.
const LONGEST_FILE: u64 = 1024 * 1024;
/// Owner and group: the PINs are in it.
const MODE: u32 = 0o640;
/// Numbers tried before saying that there are no more. With half of all numbers of a key taken, one more
/// reservation in 10^30 fails.
const TRIES: usize = 100;
const LONGEST_TITLE: usize = 200;
const MOST_FORMATS: usize = 16;
const LONGEST_FORMAT: usize = 32;

/// What is asked for with a new event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// What it is called, for people: up to 200 characters.
    pub title: String,
    /// The formats to stream and record; none for the configured default. Up to 16 names of up to 32
    /// letters, digits, hyphens, dots and underscores.
    pub formats: Vec<String>,
    /// Now, in milliseconds of UTC.
    pub created_ms: u64,
    /// When it is to begin, in milliseconds of UTC, if that is known.
    pub starts_ms: Option<u64>,
    /// Seconds after the last hang-up until it is over, if not the configured default.
    pub over_after_s: Option<u32>,
    /// Seconds after the last hang-up until it is archived, if not the configured default.
    pub archive_after_s: Option<u32>,
    /// What whoever reserves wants to find again in the event's record, in elements of his own names.
    pub others: Vec<Element>,
}

/// What goes wrong with events in the store.
#[derive(Debug)]
pub enum InfoError {
    /// There is no such event in this store.
    NotFound {
        /// The event.
        number: EventNumber,
    },
    /// The file is there, but it is no `event-info.xml` that we can read.
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: InvalidInfo,
    },
    /// The file is of another event than its directory says.
    Misplaced {
        /// The file.
        path: PathBuf,
        /// The number in it.
        number: EventNumber,
    },
    /// The request cannot be granted as it is.
    Request {
        /// Why.
        what: &'static str,
    },
    /// No free number was found: nearly all of the current key's are taken, and a new key is due.
    NoNumber,
    /// The store cannot do what was asked.
    Store {
        /// What was attempted.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Display for InfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InfoError::NotFound { number } => write!(f, "there is no event {number}"),
            InfoError::Invalid { path, .. } => write!(f, "the event information {} is unusable", path.display()),
            InfoError::Misplaced { path, number } => {
                write!(f, "the event information {} is of another event, {number}", path.display())
            }
            InfoError::Request { what } => write!(f, "the event cannot be reserved: {what}"),
            InfoError::NoNumber => f.write_str("no free event number was found: make a new key the current one"),
            InfoError::Store { operation, path, .. } => write!(f, "cannot {operation} {}", path.display()),
        }
    }
}

impl std::error::Error for InfoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            InfoError::Invalid { source, .. } => Some(source),
            InfoError::Store { source, .. } => Some(source),
            _ => None,
        }
    }
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> InfoError {
    let path = path.to_owned();
    move |source| InfoError::Store { operation, path, source }
}

/// Reserves an event: a random number under the current key that is not taken in this store, its
/// directory, its PINs, its `event-info.xml`.
///
/// # Errors
/// [`InfoError::Request`], [`InfoError::NoNumber`] or [`InfoError::Store`]; then nothing is reserved.
pub fn reserve(store_dir: &Path, keyring: &Keyring, request: Request) -> Result<EventInfo, InfoError> {
    reserve_as(store_dir, keyring, request, || EventNumber::random(keyring.current()))
}

fn reserve_as(
    store_dir: &Path,
    keyring: &Keyring,
    request: Request,
    mut next: impl FnMut() -> EventNumber,
) -> Result<EventInfo, InfoError> {
    let title = EventInfo::tidy_text(&request.title);
    if title.chars().count() > LONGEST_TITLE {
        return Err(InfoError::Request { what: "the title is longer than 200 characters" });
    }
    let is_name = |format: &String| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        (1..=LONGEST_FORMAT).contains(&format.len()) && format.bytes().all(allowed)
    };
    if request.formats.len() > MOST_FORMATS || !request.formats.iter().all(is_name) {
        return Err(InfoError::Request { what: "a format is a short name, and there are at most 16" });
    }
    let number = claim(store_dir, &mut next)?;
    let pin = |role| keyring.pin(number, role).expect("the current key is usable");
    let info = EventInfo {
        number,
        title,
        status: Status::Reserved,
        created_ms: request.created_ms,
        starts_ms: request.starts_ms,
        formats: request.formats,
        host_pin: pin(Role::Host),
        speaker_pin: pin(Role::Speaker),
        listener_pin: Some(pin(Role::Listener)),
        attendee_link: None,
        over_after_s: request.over_after_s,
        archive_after_s: request.archive_after_s,
        recordings: Vec::new(),
        link_epoch: 0,
        others: request.others,
    };
    write(store_dir, &info).inspect_err(|_| {
        // Give the number back. If that fails too, one of ten million is lost.
        let _ = fs::remove_dir(event_dir(store_dir, number));
    })?;
    Ok(info)
}

/// Makes the directory of a number that had none.
fn claim(store_dir: &Path, next: &mut dyn FnMut() -> EventNumber) -> Result<EventNumber, InfoError> {
    let events = store_dir.join(DIRECTORY);
    DirBuilder::new().recursive(true).mode(0o750).create(&events).map_err(failed("create the directory", &events))?;
    for _ in 0..TRIES {
        let number = next();
        let directory = event_dir(store_dir, number);
        match DirBuilder::new().mode(0o750).create(&directory) {
            Ok(()) => {
                files::sync_directory_of(&directory).map_err(failed("bring to the disk", &events))?;
                return Ok(number);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("create the directory", &directory)(error)),
        }
    }
    Err(InfoError::NoNumber)
}

/// Reads the `event-info.xml` of an event.
///
/// # Errors
/// [`InfoError::NotFound`], [`InfoError::Invalid`], [`InfoError::Misplaced`] or [`InfoError::Store`].
pub fn read(store_dir: &Path, number: EventNumber) -> Result<EventInfo, InfoError> {
    let path = event_dir(store_dir, number).join(FILE_NAME);
    let octets = match File::open(&path).and_then(|file| files::read_bounded(file, LONGEST_FILE)) {
        Ok(octets) => octets,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(InfoError::NotFound { number }),
        Err(error) => return Err(failed("read", &path)(error)),
    };
    match EventInfo::from_xml(&String::from_utf8_lossy(&octets)) {
        Ok(info) if info.number == number => Ok(info),
        Ok(info) => Err(InfoError::Misplaced { path, number: info.number }),
        Err(source) => Err(InfoError::Invalid { path, source }),
    }
}

/// Writes the `event-info.xml` of an event whose directory is there, as a whole or not at all.
///
/// # Errors
/// [`InfoError::NotFound`] when the event was never reserved here, or [`InfoError::Store`].
pub fn write(store_dir: &Path, info: &EventInfo) -> Result<(), InfoError> {
    let path = event_dir(store_dir, info.number).join(FILE_NAME);
    match files::replace(&path, MODE, info.to_xml().as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(InfoError::NotFound { number: info.number }),
        written => written.map_err(failed("write", &path)),
    }
}

/// Reads the `event-info.xml` of an event, lets it be changed, and writes it if `change` says that it was. Programs that do so at
/// the same time come one after the other, on file systems with locks (flock(2)); on others the last one has its way.
///
/// # Errors
/// As for [`read`] and [`write()`].
pub fn update(
    store_dir: &Path,
    number: EventNumber,
    change: impl FnOnce(&mut EventInfo) -> bool,
) -> Result<EventInfo, InfoError> {
    // The directory stays while the file in it is replaced, so the lock is on that.
    let directory = File::open(event_dir(store_dir, number));
    let _lock = directory.ok().and_then(|directory| Flock::lock(directory, FlockArg::LockExclusive).ok());
    let mut info = read(store_dir, number)?;
    if change(&mut info) {
        write(store_dir, &info)?;
    }
    Ok(info)
}

/// Takes away a reservation that was not granted after all: its record, and its directory if nothing else is in it.
///
/// # Errors
/// [`InfoError::Store`]; then it may be there yet.
pub fn discard(store_dir: &Path, number: EventNumber) -> Result<(), InfoError> {
    let directory = event_dir(store_dir, number);
    let path = directory.join(FILE_NAME);
    fs::remove_file(&path).map_err(failed("remove", &path))?;
    fs::remove_dir(&directory).map_err(failed("remove the directory", &directory))
}

/// The numbers of all events in the store, lowest first. A store without events has none.
///
/// # Errors
/// [`InfoError::Store`].
pub fn list(store_dir: &Path) -> Result<Vec<EventNumber>, InfoError> {
    let events = store_dir.join(DIRECTORY);
    let entries = match fs::read_dir(&events) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", &events)(error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("list", &events))?;
        let name = entry.file_name();
        // Only names that are written as we write them: "101 234 567 9" is somebody else's.
        let number = name.to_str().and_then(|name| EventNumber::parse(name).ok().filter(|n| n.to_string() == name));
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn event_dir(store_dir: &Path, number: EventNumber) -> PathBuf {
    store_dir.join(DIRECTORY).join(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyId;
    use std::os::unix::fs::PermissionsExt;

    fn request() -> Request {
        Request {
            title: " Annual \u{1}meeting\n".to_owned(),
            formats: vec!["mp3".to_owned()],
            created_ms: 1_795_184_325_123,
            over_after_s: Some(600),
            ..Request::default()
        }
    }

    fn number(serial: u32) -> EventNumber {
        EventNumber::with_serial(KeyId::FIRST, serial)
    }

    #[test]
    fn reserved_and_read_back() {
        let store = tempfile::tempdir().unwrap();
        let ring = Keyring::random();
        let info = reserve(store.path(), &ring, request()).unwrap();
        assert_eq!(info.title, "Annual meeting");
        assert_eq!(info.number.key_id(), ring.current());
        assert_eq!(ring.verify(info.number, info.host_pin.as_bytes()), Some(Role::Host));
        assert_eq!(ring.verify(info.number, info.speaker_pin.as_bytes()), Some(Role::Speaker));
        assert_eq!(read(store.path(), info.number).unwrap(), info);
        assert_eq!(list(store.path()).unwrap(), [info.number]);
        let directory = event_dir(store.path(), info.number);
        let mode = fs::metadata(directory.join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o137, 0, "not for others, not for the group to write");
        assert_eq!(fs::read_dir(directory).unwrap().count(), 1, "nothing else is set aside");
    }

    #[test]
    fn a_taken_number_is_passed_over() {
        let store = tempfile::tempdir().unwrap();
        let ring = Keyring::random();
        let mut serials = [1, 1, 1, 2].into_iter();
        let mut next = || number(serials.next().unwrap());
        let first = reserve_as(store.path(), &ring, request(), &mut next).unwrap();
        let second = reserve_as(store.path(), &ring, request(), &mut next).unwrap();
        assert_eq!((first.number, second.number), (number(1), number(2)));
        let error = reserve_as(store.path(), &ring, request(), || number(1)).unwrap_err();
        assert!(matches!(error, InfoError::NoNumber), "{error}");
        assert_eq!(read(store.path(), number(1)).unwrap(), first);
    }

    #[test]
    fn several_at_once_get_a_number_each() {
        let store = tempfile::tempdir().unwrap();
        let ring = Keyring::random();
        // Few numbers and many threads, so that they do meet.
        let reserve_some = || {
            let mut serial = 0;
            let next = move || {
                serial += 1;
                number(serial)
            };
            let mut next = next;
            (0..8).map(|_| reserve_as(store.path(), &ring, request(), &mut next).unwrap().number).collect::<Vec<_>>()
        };
        let mut numbers = std::thread::scope(|scope| {
            let threads = [0; 4].map(|_| scope.spawn(reserve_some));
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        numbers.sort_unstable();
        assert_eq!(
            numbers,
            (1..=32).map(number).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn changed_as_a_whole() {
        let store = tempfile::tempdir().unwrap();
        let mut info = reserve(store.path(), &Keyring::random(), request()).unwrap();
        info.status = Status::Cancelled;
        write(store.path(), &info).unwrap();
        assert_eq!(read(store.path(), info.number).unwrap().status, Status::Cancelled);
        assert_eq!(fs::read_dir(event_dir(store.path(), info.number)).unwrap().count(), 1);
    }

    #[test]
    fn of_many_who_change_it_at_once_none_undoes_anothers_change() {
        let store = tempfile::tempdir().unwrap();
        let number = reserve(store.path(), &Keyring::random(), request()).unwrap().number;
        let add = |thread: u32| {
            for n in 0..20 {
                let element = Element::text("note", thread * 100 + n);
                update(store.path(), number, |info| {
                    info.others.push(element);
                    true
                })
                .unwrap();
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|thread| drop(scope.spawn(move || add(thread)))));
        assert_eq!(read(store.path(), number).unwrap().others.len(), 80);
        let before = fs::metadata(event_dir(store.path(), number).join(FILE_NAME)).unwrap().modified().unwrap();
        update(store.path(), number, |_| false).unwrap();
        let after = fs::metadata(event_dir(store.path(), number).join(FILE_NAME)).unwrap().modified().unwrap();
        assert_eq!(before, after, "what is not changed is not written");
    }

    #[test]
    fn what_is_discarded_was_never_there() {
        let store = tempfile::tempdir().unwrap();
        let ring = Keyring::random();
        let (kept, gone) =
            (reserve(store.path(), &ring, request()).unwrap(), reserve(store.path(), &ring, request()).unwrap());
        discard(store.path(), gone.number).unwrap();
        assert_eq!(list(store.path()).unwrap(), [kept.number]);
        assert!(matches!(discard(store.path(), gone.number), Err(InfoError::Store { .. })));
    }

    #[test]
    fn what_is_asked_too_much_reserves_nothing() {
        let store = tempfile::tempdir().unwrap();
        let ring = Keyring::random();
        for wrong in [
            Request { title: "x".repeat(201), ..request() },
            Request { formats: vec!["mp3".to_owned(); 17], ..request() },
            Request { formats: vec!["../mp3".to_owned()], ..request() },
            Request { formats: vec![String::new()], ..request() },
            Request { formats: vec!["m".repeat(33)], ..request() },
        ] {
            let error = reserve(store.path(), &ring, wrong).unwrap_err();
            assert!(matches!(error, InfoError::Request { .. }), "{error}");
        }
        assert!(list(store.path()).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let store = tempfile::tempdir().unwrap();
        let info = reserve(store.path(), &Keyring::random(), request()).unwrap();
        let file = event_dir(store.path(), info.number).join(FILE_NAME);
        let other = EventNumber::with_serial(KeyId::LAST, 1);
        assert!(matches!(read(store.path(), other), Err(InfoError::NotFound { number }) if number == other));
        assert!(matches!(
            write(store.path(), &EventInfo { number: other, ..info.clone() }),
            Err(InfoError::NotFound { .. })
        ));
        fs::write(&file, EventInfo { number: other, ..info.clone() }.to_xml()).unwrap();
        assert!(matches!(read(store.path(), info.number), Err(InfoError::Misplaced { .. })));
        fs::write(&file, b"\xff\xfe<").unwrap();
        assert!(matches!(read(store.path(), info.number), Err(InfoError::Invalid { .. })));
        fs::write(&file, vec![b' '; LONGEST_FILE as usize + 1]).unwrap();
        assert!(matches!(read(store.path(), info.number), Err(InfoError::Store { .. })));
        fs::remove_file(&file).unwrap();
        assert!(matches!(read(store.path(), info.number), Err(InfoError::NotFound { .. })));
        // A file where the directory of all events should be.
        fs::write(store.path().join("file"), "").unwrap();
        let error = reserve(&store.path().join("file"), &Keyring::random(), request()).unwrap_err();
        assert!(matches!(error, InfoError::Store { operation: "create the directory", .. }), "{error}");
    }

    #[test]
    fn strangers_in_the_store_are_not_listed() {
        let store = tempfile::tempdir().unwrap();
        assert!(list(store.path()).unwrap().is_empty());
        for name in ["lost+found", "1012345670", "101 234 567 9"] {
            fs::create_dir_all(store.path().join(DIRECTORY).join(name)).unwrap();
        }
        let known = reserve(store.path(), &Keyring::random(), request()).unwrap();
        assert_eq!(list(store.path()).unwrap(), [known.number]);
    }
}
