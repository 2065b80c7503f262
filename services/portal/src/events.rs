//! Events as the portal keeps them: the records of the content store, and an index of them for lists.
//!
//! The record is the truth, for the gateway as well. What the portal wants to find again it writes into elements of its own names:
//! `owner`, who reserved it, and `request-key`, the hash of the Idempotency-Key it was reserved with, by which a request that is
//! repeated finds it, also after the portal was killed between the record and the answer; `listener-limit` and `link-password`, which
//! its attendee link is to have.
//!
//! Everything here may wait for the store; the callers do so on threads that may.

use crate::accounts::hash_of;
use crate::config::Config;
use crate::problem::Problem;
use crate::records::{self, Records};
use event::info::{self, Element};
use event::link::{Attendee, Bearer, Link, Standing};
use event::{Closing, EventInfo, EventNumber, Keyring, Links, Status, utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

const OWNER: &str = "owner";
const REQUEST_KEY: &str = "request-key";
const LISTENER_LIMIT: &str = "listener-limit";
const LINK_PASSWORD: &str = "link-password";
/// Formats a stream can have, as the gateway calls them.
const FORMATS: [&str; 5] = ["mp3", "pcmu", "webm", "ogg", "hls"];
const LONGEST_TITLE: usize = 200;
const LONGEST_PASSWORD: usize = 64;
const RENEWED_TOO_OFTEN: &str = "the links of this event were renewed as often as can be";
/// A time-out of more than a year is a slip of the pen.
const LONGEST_TIME_OUT_S: u32 = 366 * 24 * 3600;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// What an event is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) title: String,
    pub(crate) starts_ms: Option<u64>,
    pub(crate) formats: Vec<String>,
    pub(crate) over_after_s: Option<u32>,
    pub(crate) archive_after_s: Option<u32>,
    pub(crate) attendance: Attendance,
}

/// What its link asks of those who listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attendance {
    /// So many at a time; none: any number.
    pub(crate) limit: Option<u16>,
    /// A password; none: the link is enough.
    pub(crate) password: Option<String>,
}

impl Attendance {
    fn of(info: &EventInfo) -> Attendance {
        let limit = other(info, LISTENER_LIMIT).and_then(|text| text.parse().ok()).filter(|limit| *limit > 0);
        Attendance { limit, password: other(info, LINK_PASSWORD).filter(|password| !password.is_empty()) }
    }

    fn elements(&self) -> Vec<Element> {
        let limit = self.limit.map(|limit| Element::text(LISTENER_LIMIT, limit));
        let password = self.password.as_ref().map(|password| Element::text(LINK_PASSWORD, password));
        limit.into_iter().chain(password).collect()
    }

    fn check(&self) -> Result<(), Problem> {
        if self.limit == Some(0) {
            return Err(Problem::wrong("a limit of listeners is at least 1"));
        }
        if let Some(password) = &self.password
            && (password.trim().is_empty()
                || password.chars().count() > LONGEST_PASSWORD
                || password.chars().any(char::is_control))
        {
            return Err(Problem::wrong(format!("a password has 1 to {LONGEST_PASSWORD} characters on one line")));
        }
        Ok(())
    }
}

/// What is to be changed of it; what is none stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) title: Option<String>,
    pub(crate) starts_ms: Option<Option<u64>>,
    pub(crate) formats: Option<Vec<String>>,
    pub(crate) over_after_s: Option<Option<u32>>,
    pub(crate) archive_after_s: Option<Option<u32>>,
    pub(crate) limit: Option<Option<u16>>,
    pub(crate) password: Option<Option<String>>,
}

/// An event, without its PINs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) number: EventNumber,
    pub(crate) title: String,
    pub(crate) status: Status,
    pub(crate) created_ms: u64,
    pub(crate) starts_ms: Option<u64>,
    pub(crate) formats: Vec<String>,
    pub(crate) over_after_s: Option<u32>,
    pub(crate) archive_after_s: Option<u32>,
    pub(crate) link: Option<String>,
    pub(crate) link_epoch: u16,
    pub(crate) owner: Option<String>,
    pub(crate) attendance: Attendance,
}

impl Known {
    fn of(info: &EventInfo) -> Known {
        Known {
            number: info.number,
            title: info.title.clone(),
            status: info.status.clone(),
            created_ms: info.created_ms,
            starts_ms: info.starts_ms,
            formats: info.formats.clone(),
            over_after_s: info.over_after_s,
            archive_after_s: info.archive_after_s,
            link: info.attendee_link.clone(),
            link_epoch: info.link_epoch,
            owner: other(info, OWNER),
            attendance: Attendance::of(info),
        }
    }

    /// Whether its record says that it takes no more calls.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.status, Status::Ended | Status::Cancelled | Status::Over | Status::Archived)
    }
}

fn other(info: &EventInfo, name: &str) -> Option<String> {
    info.others.iter().find(|element| element.name == name).map(|element| element.text.clone())
}

#[derive(Default)]
struct Index {
    events: BTreeMap<EventNumber, Known>,
    /// From the hash of a key to the event it reserved and what was wished for.
    by_key: HashMap<String, (EventNumber, String)>,
}

/// The events of this installation.
pub(crate) struct Events {
    store: PathBuf,
    base: String,
    link_days: u32,
    keyring: Keyring,
    links: Links,
    index: RwLock<Index>,
    records: Arc<Records>,
    /// Keys of reservations that are being made.
    being_reserved: Mutex<BTreeSet<String>>,
    /// Who changes a record holds this.
    changing: Mutex<()>,
}

impl Events {
    pub(crate) fn open(config: &Config, base: &str, keyring: Keyring) -> Events {
        Events {
            store: config.content_dir(),
            base: base.to_owned(),
            link_days: config.link_days,
            keyring,
            links: Links::new(&config.installation),
            index: RwLock::default(),
            records: Arc::new(Records::open(&config.own_dir())),
            being_reserved: Mutex::default(),
            changing: Mutex::default(),
        }
    }

    /// Reads the records there are. One that cannot be read is left out of lists, and said to the log.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub(crate) fn load(&self) -> Result<usize, Problem> {
        let numbers = info::list(&self.store)?;
        for number in &numbers {
            match info::read(&self.store, *number) {
                Ok(info) => self.remember(&info),
                Err(info::InfoError::NotFound { .. }) => {}
                Err(error) => log::warn!(target: "portal", "{error}"),
            }
        }
        Ok(numbers.len())
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, info: &EventInfo) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.events.insert(info.number, Known::of(info));
        let mark = info.others.iter().find(|element| element.name == REQUEST_KEY);
        if let Some(mark) = mark {
            let wish = mark.attribute("wish").unwrap_or_default().to_owned();
            index.by_key.insert(mark.text.clone(), (info.number, wish));
        }
    }

    /// What is recorded of them.
    pub(crate) fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// The keys of PINs and links.
    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// What makes and opens links.
    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// All events, by number.
    pub(crate) fn all(&self) -> Vec<Known> {
        self.index().events.values().cloned().collect()
    }

    /// An event, from the index or, if it is not there yet, from its record.
    ///
    /// # Errors
    /// When there is none, or the store does not answer.
    pub(crate) fn find(&self, number: EventNumber) -> Result<Known, Problem> {
        if let Some(known) = self.index().events.get(&number) {
            return Ok(known.clone());
        }
        let info = info::update(&self.store, number, |info| self.add_link(info))?;
        self.remember(&info);
        Ok(Known::of(&info))
    }

    /// What is known of an event without asking the store: for links, which need none.
    pub(crate) fn at_hand(&self, number: EventNumber) -> Option<Known> {
        self.index().events.get(&number).cloned()
    }

    /// For a link of this event, as far as its record was read.
    pub(crate) fn standing(&self, number: EventNumber) -> Standing {
        Standing::Open { epoch: self.at_hand(number).map_or(0, |known| known.link_epoch) }
    }

    /// Reserves an event, or finds the one that was reserved with this key before; whether it was new.
    ///
    /// # Errors
    /// What cannot be granted; 409 when the key reserved something else, or is at it.
    pub(crate) fn reserve(
        &self,
        wish: &Wish,
        owner: Option<&str>,
        key: Option<&str>,
    ) -> Result<(EventInfo, bool), Problem> {
        check(Some(&wish.title), &wish.formats, [wish.over_after_s, wish.archive_after_s])?;
        wish.attendance.check()?;
        let key = key.map(|key| hash_of(&format!("{}\n{key}", owner.unwrap_or_default())));
        let print = hash_of(&format!("{wish:?}"));
        let _claim = match &key {
            Some(key) => {
                let claim = Claim::take(&self.being_reserved, key)?;
                let found = self.index().by_key.get(key).cloned();
                if let Some((number, wished)) = found {
                    if wished != print {
                        return Err(Problem::conflict("this Idempotency-Key was used for another reservation"));
                    }
                    let info = info::read(&self.store, number)?;
                    // Perhaps the portal was killed before this was recorded; recorded twice it counts once.
                    self.records.keep(&records::reservation(&Known::of(&info), info.created_ms))?;
                    return Ok((info, false));
                }
                Some(claim)
            }
            None => None,
        };
        let mut others = Vec::new();
        others.extend(owner.map(|owner| Element::text(OWNER, owner)));
        others.extend(wish.attendance.elements());
        others.extend(key.map(|key| Element::text(REQUEST_KEY, key).with("wish", &print)));
        let request = event::Request {
            title: wish.title.clone(),
            formats: wish.formats.clone(),
            created_ms: utc::now_ms(),
            starts_ms: wish.starts_ms,
            over_after_s: wish.over_after_s,
            archive_after_s: wish.archive_after_s,
            others,
        };
        let mut info = info::reserve(&self.store, &self.keyring, request)?;
        self.add_link(&mut info);
        let recorded = info::write(&self.store, &info)
            .map_err(Problem::from)
            .and_then(|()| self.records.keep(&records::reservation(&Known::of(&info), info.created_ms)));
        if let Err(problem) = recorded {
            if let Err(error) = info::discard(&self.store, info.number) {
                log::error!(target: "portal", "event {} is in the store and was not granted: {error}", info.number.grouped());
            }
            return Err(problem);
        }
        self.remember(&info);
        Ok((info, true))
    }

    /// Reads the record again, which another program has changed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) fn reread(&self, number: EventNumber) -> Result<(), Problem> {
        self.remember(&info::read(&self.store, number)?);
        Ok(())
    }

    /// Sees that there is an attendee link in the record; whether it was missing.
    fn add_link(&self, info: &mut EventInfo) -> bool {
        if info.attendee_link.is_some() {
            return false;
        }
        let (wanted, attendee) = (Attendance::of(info), Attendee::random());
        let mark = |password: &String| self.links.mark(&self.keyring, info.number, info.link_epoch, attendee, password);
        let link = Link {
            event: info.number,
            epoch: info.link_epoch,
            attendee,
            bearer: Bearer::Listener,
            archive: true,
            not_before_ms: 0,
            expires_ms: utc::now_ms().saturating_add(u64::from(self.link_days) * DAY_MS),
            limit: wanted.limit.unwrap_or(0),
            password: wanted.password.as_ref().and_then(mark),
        };
        // Events of a key that is retired have no links any more.
        info.attendee_link = self.links.issue(&self.keyring, &link).map(|token| format!("{}/a/{token}/", self.base));
        info.attendee_link.is_some()
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, number: EventNumber, change: impl FnOnce(&mut EventInfo)) -> Result<Known, Problem> {
        let _changing = self.changing();
        let info = info::update(&self.store, number, |info| {
            change(info);
            self.add_link(info);
            true
        })?;
        self.remember(&info);
        Ok(Known::of(&info))
    }

    /// The same, undone when it cannot be recorded.
    fn update_recorded(&self, number: EventNumber, change: impl FnOnce(&mut EventInfo)) -> Result<Known, Problem> {
        let before = info::read(&self.store, number)?;
        let known = self.update(number, change)?;
        if let Err(problem) = self.records.keep(&records::reservation(&known, utc::now_ms())) {
            let _changing = self.changing();
            info::write(&self.store, &before)?;
            self.remember(&before);
            return Err(problem);
        }
        Ok(known)
    }

    /// Changes an event.
    ///
    /// # Errors
    /// What cannot be granted.
    pub(crate) fn change(&self, number: EventNumber, change: Change) -> Result<Known, Problem> {
        let time_outs = [change.over_after_s.flatten(), change.archive_after_s.flatten()];
        check(change.title.as_deref(), change.formats.as_deref().unwrap_or_default(), time_outs)?;
        let known = self.find(number)?;
        let wanted = Attendance {
            limit: change.limit.unwrap_or(known.attendance.limit),
            password: change.password.clone().unwrap_or_else(|| known.attendance.password.clone()),
        };
        wanted.check()?;
        // A link that was given out says what it asks: another takes its place.
        let renewed = wanted != known.attendance;
        if renewed && known.link_epoch == u16::MAX {
            return Err(Problem::conflict(RENEWED_TOO_OFTEN));
        }
        self.update_recorded(number, |info| {
            let Change { title, starts_ms, formats, over_after_s, archive_after_s, .. } = change;
            if renewed {
                info.others.retain(|element| ![LISTENER_LIMIT, LINK_PASSWORD].contains(&element.name.as_str()));
                info.others.extend(wanted.elements());
                info.link_epoch = info.link_epoch.saturating_add(1);
                info.attendee_link = None;
            }
            title.into_iter().for_each(|title| title.trim().clone_into(&mut info.title));
            starts_ms.into_iter().for_each(|starts| info.starts_ms = starts);
            formats.into_iter().for_each(|formats| info.formats = formats);
            over_after_s.into_iter().for_each(|seconds| info.over_after_s = seconds);
            archive_after_s.into_iter().for_each(|seconds| info.archive_after_s = seconds);
        })
    }

    /// Notes in the record that it was ended or cancelled, if the gateway has not done so yet.
    ///
    /// # Errors
    /// When the store does not take it.
    pub(crate) fn close(&self, number: EventNumber, closing: Closing) -> Result<Known, Problem> {
        self.update(number, |info| {
            info.close(closing);
        })
    }

    /// Makes a new attendee link; all that were given out before are void.
    ///
    /// # Errors
    /// When they were renewed as often as can be, or the store does not take it.
    pub(crate) fn renew_link(&self, number: EventNumber) -> Result<Known, Problem> {
        if self.find(number)?.link_epoch == u16::MAX {
            return Err(Problem::conflict(RENEWED_TOO_OFTEN));
        }
        self.update(number, |info| {
            info.link_epoch = info.link_epoch.saturating_add(1);
            info.attendee_link = None;
        })
    }
}

/// What may be asked for.
fn check(title: Option<&str>, formats: &[String], time_outs_s: [Option<u32>; 2]) -> Result<(), Problem> {
    if let Some(title) = title
        && (title.trim().is_empty() || title.chars().count() > LONGEST_TITLE || title.chars().any(char::is_control))
    {
        return Err(Problem::wrong(format!("a title has 1 to {LONGEST_TITLE} characters on one line")));
    }
    if let Some(format) = formats.iter().find(|format| !FORMATS.contains(&format.as_str())) {
        let known = FORMATS.join(", ");
        return Err(Problem::wrong(format!(
            "{:?} is no format: {known} are",
            format.chars().take(32).collect::<String>()
        )));
    }
    let twice = formats.iter().enumerate().any(|(place, format)| formats[..place].contains(format));
    if twice {
        return Err(Problem::wrong("a format is named twice"));
    }
    if time_outs_s.iter().flatten().any(|seconds| *seconds > LONGEST_TIME_OUT_S) {
        return Err(Problem::wrong("a time-out is at most a year"));
    }
    Ok(())
}

/// Only one reservation with a key at a time.
struct Claim<'a> {
    keys: &'a Mutex<BTreeSet<String>>,
    key: String,
}

impl<'a> Claim<'a> {
    fn take(keys: &'a Mutex<BTreeSet<String>>, key: &str) -> Result<Claim<'a>, Problem> {
        if keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned()) {
            Ok(Claim { keys, key: key.to_owned() })
        } else {
            Err(Problem::conflict("a reservation with this Idempotency-Key is being made"))
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(directory: &std::path::Path, keyring: &Keyring) -> Events {
        let config = Config { state_dir: directory.to_owned(), ..Config::default() };
        Events::open(&config, "https://events.example", keyring.clone())
    }

    fn wish(title: &str) -> Wish {
        Wish { title: title.to_owned(), ..Wish::default() }
    }

    #[test]
    fn a_title_is_enough_and_the_link_opens() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = Keyring::random();
        let events = events(directory.path(), &keyring);
        let (info, new) = events.reserve(&wish("Town hall"), Some("kim"), None).unwrap();
        assert!(new && keyring.verify(info.number, info.host_pin.as_bytes()) == Some(event::Role::Host));
        let link = info.attendee_link.clone().unwrap();
        let token = link.strip_prefix("https://events.example/a/").and_then(|t| t.strip_suffix('/')).unwrap();
        let open = |token: &str| {
            events.links().open(&keyring, token, utc::now_ms(), |n| events.standing(n), None).map(|link| link.event)
        };
        assert_eq!(open(token), Ok(info.number));
        let renewed = events.renew_link(info.number).unwrap();
        assert_eq!(open(token), Err(event::Refused::Revoked));
        let token = renewed
            .link
            .as_deref()
            .and_then(|l| l.strip_prefix("https://events.example/a/")?.strip_suffix('/'))
            .unwrap();
        assert_eq!(open(token), Ok(info.number));
        assert_eq!(events.find(info.number).unwrap().owner.as_deref(), Some("kim"));
    }

    #[test]
    fn a_repeated_request_finds_its_reservation_also_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = Keyring::random();
        let first = events(directory.path(), &keyring);
        let (one, new) = first.reserve(&wish("One"), None, Some("k1")).unwrap();
        assert!(new);
        let again = first.reserve(&wish("One"), None, Some("k1")).unwrap();
        assert_eq!((again.0.number, again.0.host_pin.as_str(), again.1), (one.number, one.host_pin.as_str(), false));
        assert_eq!(first.reserve(&wish("Two"), None, Some("k1")).unwrap_err().status.as_u16(), 409);
        let other = first.reserve(&wish("One"), Some("kim"), Some("k1")).unwrap();
        assert!(other.1, "another's key is another key");
        drop(first);
        let second = events(directory.path(), &keyring);
        assert_eq!(second.load().unwrap(), 2);
        let again = second.reserve(&wish("One"), None, Some("k1")).unwrap();
        assert_eq!((again.0.number, again.1), (one.number, false));
        assert_eq!(second.all().len(), 2);
    }

    #[test]
    fn a_link_asks_what_its_host_wants_and_another_wish_makes_another_link() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = Keyring::random();
        let events = events(directory.path(), &keyring);
        let attendance = Attendance { limit: Some(3), password: Some("tulips".to_owned()) };
        let (info, _) = events.reserve(&Wish { attendance: attendance.clone(), ..wish("a") }, None, None).unwrap();
        let token = |link: &str| link.rsplit('/').nth(1).unwrap().to_owned();
        let open = |link: &str, password| {
            let token = token(link);
            let opened = events.links().open(&keyring, &token, utc::now_ms(), |n| events.standing(n), password);
            opened.map(|link| link.limit)
        };
        let link = info.attendee_link.unwrap();
        assert_eq!(open(&link, None), Err(event::Refused::PasswordWanted));
        assert_eq!(open(&link, Some("roses")), Err(event::Refused::WrongPassword));
        assert_eq!(open(&link, Some("tulips")), Ok(3));
        assert_eq!(events.find(info.number).unwrap().attendance, attendance);
        let title = Change { title: Some("b".to_owned()), ..Change::default() };
        assert_eq!(
            events.change(info.number, title).unwrap().link.as_deref(),
            Some(link.as_str()),
            "as good as before"
        );
        let open_to_all = Change { password: Some(None), ..Change::default() };
        let renewed = events.change(info.number, open_to_all).unwrap();
        assert_eq!(open(&link, Some("tulips")), Err(event::Refused::Revoked));
        assert_eq!(open(renewed.link.as_deref().unwrap(), None), Ok(3));
        let none = Change { password: Some(Some(" ".to_owned())), ..Change::default() };
        assert_eq!(events.change(info.number, none).unwrap_err().status.as_u16(), 422);
    }

    #[test]
    fn what_cannot_be_granted_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let events = events(directory.path(), &Keyring::random());
        for wrong in [
            wish(""),
            wish("  "),
            wish("bell\u{7}"),
            wish(&"x".repeat(201)),
            Wish { formats: vec!["smoke".into()], ..wish("a") },
            Wish { formats: vec!["mp3".into(), "mp3".into()], ..wish("a") },
            Wish { over_after_s: Some(u32::MAX), ..wish("a") },
        ] {
            assert_eq!(events.reserve(&wrong, None, None).map(|_| ()).unwrap_err().status.as_u16(), 422, "{wrong:?}");
        }
        assert!(events.all().is_empty());
        let stranger = EventNumber::with_serial(event::KeyId::FIRST, 1);
        assert_eq!(events.find(stranger).unwrap_err().status.as_u16(), 404);
        assert_eq!(events.change(stranger, Change::default()).unwrap_err().status.as_u16(), 404);
    }
}
