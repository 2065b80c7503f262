//! `event-info.xml`: what the host of an event asked for, and what has come of it.
//!
//! It lies in the event's directory of the content store and is written by whoever reserves or changes
//! the event. A call does not depend on it: number and PIN verify by themselves, and formats have
//! configured defaults. Since it holds the PINs, it is readable by owner and group only.
//!
//! ```xml
//! <event-info version="1">
//!   <number>1012345679</number>
//!   <title>Annual meeting</title>
//!   <status>reserved</status>
//!   <created>2026-11-20T14:18:45.123Z</created>
//!   <formats><format>mp3</format></formats>
//!   <host-pin>12345678</host-pin>
//!   <speaker-pin>87654321</speaker-pin>
//!   <listener-pin>24681357</listener-pin>
//!   <over-after-s>1800</over-after-s>
//!   <recordings>
//!     <recording file="a.mp3" format="mp3" started="2026-11-20T15:00:02.000Z" server="g1"/>
//!   </recordings>
//! </event-info>
//! ```
//!
//! Data path: a [`Request`] → [`reserve`] → file; file → [`read`] → [`EventInfo`] → [`write()`] → file.
//! Time: milliseconds of UTC, given by the caller; RFC 3339 in the file.
//! Compatibility: elements are in any order; those this version does not know are kept, with their
//! attributes and children, and written back at the end; a document of a greater version is refused, because
//! to write it back could lose what mattered to its writer. `docs/EVENT-INFO.md` tells each element,
//! `docs/event-info.xsd` describes what is written.

use crate::journal::Closing;
use crate::number::EventNumber;
use crate::pin::Pin;
use crate::utc;
use crate::xml;
use std::fmt;

pub use crate::store::{InfoError, Request, discard, list, read, reserve, update, write};
pub use crate::xml::Element;

/// The version of the document that is written, and the greatest that is read.
pub const VERSION: u32 = 1;

/// Where an event stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Reserved; nobody has spoken yet.
    Reserved,
    /// Somebody is calling or has called.
    Live,
    /// Ended by its host or an operator.
    Ended,
    /// Cancelled.
    Cancelled,
    /// Nobody has called for the time that makes it over.
    Over,
    /// Its archive is there.
    Archived,
    /// Something a newer program wrote.
    Other(String),
}

impl Status {
    const NAMES: [(Status, &'static str); 6] = [
        (Status::Reserved, "reserved"),
        (Status::Live, "live"),
        (Status::Ended, "ended"),
        (Status::Cancelled, "cancelled"),
        (Status::Over, "over"),
        (Status::Archived, "archived"),
    ];

    /// Its name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Status::Other(name) => name,
            known => Status::NAMES.iter().find(|(status, _)| status == known).map_or("", |(_, name)| name),
        }
    }

    fn of_name(name: &str) -> Status {
        let known = Status::NAMES.into_iter().find(|(_, n)| *n == name);
        known.map_or_else(|| Status::Other(name.to_owned()), |(status, _)| status)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<Closing> for Status {
    fn from(closing: Closing) -> Status {
        match closing {
            Closing::Over => Status::Over,
            Closing::Ended => Status::Ended,
            Closing::Cancelled => Status::Cancelled,
        }
    }
}

/// A recording of the event, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Its name within the event's directory.
    pub file: String,
    /// Its format, as in [`EventInfo::formats`].
    pub format: String,
    /// When it begins, in milliseconds of UTC.
    pub started_ms: u64,
    /// When it ends, in milliseconds of UTC; none while it grows.
    pub ended_ms: Option<u64>,
    /// The server that recorded it.
    pub server: String,
}

/// All that `event-info.xml` says. Its `Debug` form leaves out the PINs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventInfo {
    /// Number of the event.
    pub number: EventNumber,
    /// What it is called, for people.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// When it was reserved, in milliseconds of UTC.
    pub created_ms: u64,
    /// When it is to begin, in milliseconds of UTC: a guide for people, not enforced.
    pub starts_ms: Option<u64>,
    /// The formats to stream and record; none stands for the configured default.
    pub formats: Vec<String>,
    /// The host's PIN.
    pub host_pin: Pin,
    /// The speakers' PIN.
    pub speaker_pin: Pin,
    /// The listeners' PIN; none in a document from before there were listeners, though they have one.
    pub listener_pin: Option<Pin>,
    /// Where attendees listen.
    pub attendee_link: Option<String>,
    /// Seconds after the last hang-up until the event is over; none stands for the configured default.
    pub over_after_s: Option<u32>,
    /// Seconds after the last hang-up until it is archived; none stands for the configured default.
    pub archive_after_s: Option<u32>,
    /// Its recordings so far.
    pub recordings: Vec<Recording>,
    /// How often its attendee links were renewed: the epoch of those that are good ([`link`](crate::link)).
    pub link_epoch: u16,
    /// Elements this version does not know, with all that is in them.
    pub others: Vec<Element>,
}

/// A document that is not an `event-info.xml` of a version we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInfo(String);

impl fmt::Display for InvalidInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidInfo {}

fn invalid<T>(what: impl Into<String>) -> Result<T, InvalidInfo> {
    Err(InvalidInfo(what.into()))
}

impl EventInfo {
    /// Notes that it takes no more calls, and why; whether that is news. Of several reasons the greatest is told, and an event
    /// with an archive has one.
    pub fn close(&mut self, closing: Closing) -> bool {
        let known =
            [Closing::Over, Closing::Ended, Closing::Cancelled].into_iter().find(|c| self.status == Status::from(*c));
        let news = self.status != Status::Archived && known < Some(closing);
        if news {
            self.status = closing.into();
        }
        news
    }

    /// The document.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let time = |name, ms: Option<u64>| ms.map(|ms| Element::text(name, utc::rfc3339(ms)));
        let seconds = |name, value: Option<u32>| value.map(|value| Element::text(name, value));
        let formats = self.formats.iter().map(|format| Element::text("format", format)).collect();
        let mut children = vec![
            Element::text("number", self.number),
            Element::text("title", &self.title),
            Element::text("status", &self.status),
            Element::text("created", utc::rfc3339(self.created_ms)),
        ];
        children.extend(time("starts", self.starts_ms));
        children.push(Element::parent("formats", formats));
        children.push(Element::text("host-pin", self.host_pin));
        children.push(Element::text("speaker-pin", self.speaker_pin));
        children.extend(self.listener_pin.map(|pin| Element::text("listener-pin", pin)));
        children.extend(self.attendee_link.as_ref().map(|link| Element::text("attendee-link", link)));
        let renewed = (self.link_epoch > 0).then(|| Element::text("link-epoch", self.link_epoch));
        children.extend(renewed);
        children.extend(seconds("over-after-s", self.over_after_s));
        children.extend(seconds("archive-after-s", self.archive_after_s));
        children.push(Element::parent("recordings", self.recordings.iter().map(Recording::to_element).collect()));
        children.extend(self.others.iter().cloned());
        Element::parent("event-info", children).with("version", VERSION).to_document()
    }

    /// Reads the document.
    ///
    /// # Errors
    /// What is wrong with it: a line for text that is no XML, an element for contents that make no sense.
    /// PINs are not repeated in messages.
    pub fn from_xml(document: &str) -> Result<EventInfo, InvalidInfo> {
        let root = Element::parse(document).map_err(|error| InvalidInfo(error.to_string()))?;
        if root.name != "event-info" {
            return invalid(format!("the root element is <{}>, not <event-info>", root.name));
        }
        let version = root.attribute("version").unwrap_or("1");
        match version.parse::<u32>() {
            Ok(1..=VERSION) => {}
            Ok(_) => return invalid(format!("version {version} is not known here, only up to {VERSION}")),
            Err(_) => return invalid(format!("\"{version}\" is no version")),
        }
        let mut others = Vec::new();
        let mut number = None;
        let [mut host_pin, mut speaker_pin, mut listener_pin] = [None; 3];
        let mut title = String::new();
        let mut status = Status::Reserved;
        let (mut attendee_link, mut link_epoch) = (None, 0);
        let [mut created_ms, mut starts_ms] = [None, None];
        let [mut over_after_s, mut archive_after_s] = [None, None];
        let (mut formats, mut recordings) = (Vec::new(), Vec::new());
        for element in root.children {
            let text = element.text.as_str();
            match element.name.as_str() {
                "number" => {
                    let parsed = EventNumber::parse(text);
                    number = Some(parsed.map_err(|error| InvalidInfo(format!("<number>: {error}")))?);
                }
                "title" => title = element.text,
                "status" => status = Status::of_name(text),
                "created" => created_ms = Some(time("created", text)?),
                "starts" => starts_ms = Some(time("starts", text)?),
                "formats" => formats = element.children.into_iter().map(|child| child.text).collect(),
                "host-pin" => host_pin = Some(pin("host-pin", text)?),
                "speaker-pin" => speaker_pin = Some(pin("speaker-pin", text)?),
                "listener-pin" => listener_pin = Some(pin("listener-pin", text)?),
                "attendee-link" => attendee_link = Some(element.text),
                "link-epoch" => {
                    let epoch = text.parse();
                    link_epoch = epoch.map_err(|_| InvalidInfo("<link-epoch>: no number up to 65535".to_owned()))?;
                }
                "over-after-s" => over_after_s = Some(seconds("over-after-s", text)?),
                "archive-after-s" => archive_after_s = Some(seconds("archive-after-s", text)?),
                "recordings" => {
                    let known = element.children.iter().filter(|child| child.name == "recording");
                    recordings = known.map(Recording::of_element).collect::<Result<_, _>>()?;
                }
                _ => others.push(element),
            }
        }
        let missing = |name| InvalidInfo(format!("<{name}> is missing"));
        Ok(EventInfo {
            number: number.ok_or_else(|| missing("number"))?,
            title,
            status,
            created_ms: created_ms.ok_or_else(|| missing("created"))?,
            starts_ms,
            formats,
            host_pin: host_pin.ok_or_else(|| missing("host-pin"))?,
            speaker_pin: speaker_pin.ok_or_else(|| missing("speaker-pin"))?,
            listener_pin,
            attendee_link,
            link_epoch,
            over_after_s,
            archive_after_s,
            recordings,
            others,
        })
    }

    /// The same with text as it comes back from a document: nothing XML cannot express, no white space
    /// at the ends.
    #[must_use]
    pub(crate) fn tidy_text(text: &str) -> String {
        xml::characters(text).trim().to_owned()
    }
}

impl Recording {
    fn to_element(&self) -> Element {
        let element = Element::text("recording", "")
            .with("file", &self.file)
            .with("format", &self.format)
            .with("started", utc::rfc3339(self.started_ms));
        let element = match self.ended_ms {
            Some(ms) => element.with("ended", utc::rfc3339(ms)),
            None => element,
        };
        element.with("server", &self.server)
    }

    fn of_element(element: &Element) -> Result<Recording, InvalidInfo> {
        let needed = |name| {
            element.attribute(name).ok_or_else(|| InvalidInfo(format!("<recording> has no attribute \"{name}\"")))
        };
        let file = needed("file")?;
        // Whoever opens it joins it to the event's directory, and must not be led out of there.
        if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\', '\0']) {
            return invalid("<recording>: the attribute \"file\" is no plain file name");
        }
        Ok(Recording {
            file: file.to_owned(),
            format: needed("format")?.to_owned(),
            started_ms: time("recording", needed("started")?)?,
            ended_ms: element.attribute("ended").map(|text| time("recording", text)).transpose()?,
            server: element.attribute("server").unwrap_or_default().to_owned(),
        })
    }
}

fn time(name: &str, text: &str) -> Result<u64, InvalidInfo> {
    utc::parse_rfc3339(text).ok_or_else(|| InvalidInfo(format!("<{name}>: no time of the form 2026-01-31T12:00:00Z")))
}

fn pin(name: &str, text: &str) -> Result<Pin, InvalidInfo> {
    Pin::parse(text).ok_or_else(|| InvalidInfo(format!("<{name}>: not 8 digits")))
}

fn seconds(name: &str, text: &str) -> Result<u32, InvalidInfo> {
    text.parse().map_err(|_| InvalidInfo(format!("<{name}>: no whole number of seconds")))
}

#[cfg(test)]
#[path = "info_tests.rs"]
mod tests;
