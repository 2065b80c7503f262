//! Names of files and objects.

use event::EventNumber;
use object_store::path::Path;

const EVENTS: &str = "events";
const REMOVED: &str = "removed";
/// Where the sums of an event are.
pub(crate) const SUMS: &str = ".sums";
const LONGEST: usize = 200;

/// Whether a file of this name is kept: letters, digits, hyphens, underscores and dots, none at the beginning.
/// What has another name is hidden, half made, or a stranger's.
pub(crate) fn is_plain(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('.')
}

/// The part of an object's name that is the mirror's own, before `events`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    prefix: Vec<String>,
}

impl Names {
    pub(crate) fn under(prefix: &str) -> Names {
        Names { prefix: prefix.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect() }
    }

    fn path<'a>(&'a self, parts: impl IntoIterator<Item = &'a str>) -> Path {
        self.prefix.iter().map(String::as_str).chain(parts).collect()
    }

    pub(crate) fn events(&self) -> Path {
        self.path([EVENTS])
    }

    pub(crate) fn event(&self, event: EventNumber) -> Path {
        self.path([EVENTS, event.to_string().as_str()])
    }

    pub(crate) fn file(&self, event: EventNumber, file: &str) -> Path {
        self.path([EVENTS, event.to_string().as_str(), file])
    }

    pub(crate) fn sum(&self, event: EventNumber, file: &str) -> Path {
        self.path([EVENTS, event.to_string().as_str(), SUMS, format!("{file}.json").as_str()])
    }

    pub(crate) fn removed(&self, event: EventNumber) -> Path {
        self.path([REMOVED, format!("{event}.json").as_str()])
    }

    pub(crate) fn all_removed(&self) -> Path {
        self.path([REMOVED])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_lead_nowhere_else_are_kept() {
        for good in ["event-info.xml", "1012345679_20261120T142155Z_gw-1_p10003-2.mp3.json"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", ".a.mp3.part", "..", "a/b", "a b", "a%2fb", "a#1", "\u{e4}.mp3", &"x".repeat(201)] {
            assert!(!is_plain(bad), "{bad}");
        }
    }

    #[test]
    fn objects_are_under_the_prefix() {
        let event = EventNumber::with_serial(event::KeyId::FIRST, 1);
        let names = Names::under("/a/b/");
        assert_eq!(names.sum(event, "x.mp3").as_ref(), format!("a/b/events/{event}/.sums/x.mp3.json"));
        assert_eq!(Names::default().events().as_ref(), "events");
    }
}
