//! The ledger of suspensions: which channels technicians have taken out, who, why, since when and until when.
//!
//! It is written down, and made to survive a loss of power, before an order is carried out; a restart finds every
//! channel as it was left. Suspensions may overlap: a channel is held while one of them covers it. Channels are remembered
//! by card and place on it, so that a card added to the configuration moves nobody's lock; what belongs to a card that is
//! not configured now is kept.
//!
//! Data path: orders from the control socket, the passing of time → here → the channel sets the office hands to the
//! gateway.
//! Time: milliseconds since 1970 in UTC.
//! Words: those of `control::Target` and `gateway::Holds`.

use crate::gateway::Holds;
use crate::reports::Command;
use control::{Hold, Target};
use hal::Line;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file's name in the state directory.
pub const FILE: &str = "service.json";

/// The layout of the file; a newer one is refused rather than misread.
const VERSION: u32 = 1;

/// A span of this server, as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The card.
    pub card: String,
    /// Which of its spans, from 1.
    pub span: u16,
    /// T1 or E1.
    pub line: Line,
    /// It has a D channel.
    pub d_channel: bool,
}

impl Place {
    /// Its bearer channels: bit n-1 stands for timeslot n.
    #[must_use]
    pub fn bearers(&self) -> u32 {
        self.line.bearers_beside(self.d_channel).fold(0, |set, timeslot| set | 1 << timeslot.index())
    }
}

/// Channels of one span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    card: String,
    span: u16,
    /// Bit n-1 stands for timeslot n.
    channels: u32,
}

/// An order that keeps channels out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Never given twice.
    pub id: u64,
    /// The target, as it was named.
    pub target: String,
    /// For which reason it counts.
    pub hold: Hold,
    /// Who ordered it.
    pub by: String,
    /// When.
    pub since_ms: u64,
    /// When calls are no longer waited for.
    #[serde(default)]
    pub forced_at_ms: Option<u64>,
    /// When it ends by itself.
    #[serde(default)]
    pub until_ms: Option<u64>,
    /// Why, in words.
    #[serde(default)]
    pub reason: Option<String>,
    /// Number of a ticket.
    #[serde(default)]
    pub ticket: Option<String>,
    parts: Vec<Part>,
}

/// What a new suspension says of itself.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// For which reason it counts.
    pub hold: Hold,
    /// Who orders it.
    pub by: String,
    /// When calls are no longer waited for.
    pub forced_at_ms: Option<u64>,
    /// When it ends by itself.
    pub until_ms: Option<u64>,
    /// Why, in words.
    pub reason: Option<String>,
    /// Number of a ticket.
    pub ticket: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct Written {
    version: u32,
    next: u64,
    suspensions: Vec<Suspension>,
}

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    file: PathBuf,
    places: Vec<Place>,
    next: u64,
    suspensions: Vec<Suspension>,
    revision: u64,
}

/// Channels by span, in the order of the server's spans.
pub type Sets = Vec<u32>;

impl Ledger {
    /// What was written, for a server with these spans; nothing if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or understood: starting without it would put channels into service that a technician
    /// has taken out.
    pub fn open(file: &Path, places: Vec<Place>) -> io::Result<Ledger> {
        let written: Written = match std::fs::read(file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Written { version: VERSION, next: 1, ..Written::default() }
            }
            Err(e) => return Err(e),
        };
        if written.version != VERSION {
            let what = format!("written in layout {}, and this version reads {VERSION}", written.version);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(Ledger {
            file: file.to_owned(),
            places,
            next: written.next.max(1),
            suspensions: written.suspensions,
            revision: 0,
        })
    }

    /// Counts changes.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The server's spans.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The channels a target means; `None` when it means none of this server's.
    #[must_use]
    pub fn resolve(&self, target: &Target) -> Option<Sets> {
        let of = |index: usize, place: &Place| match target {
            Target::Server => place.bearers(),
            Target::Card(name) if *name == place.card => place.bearers(),
            Target::Span(span) if usize::from(*span) == index + 1 => place.bearers(),
            Target::Channels { span, first, last } if usize::from(*span) == index + 1 => {
                let up_to = |n: u8| u32::try_from((1u64 << n) - 1).unwrap_or(u32::MAX);
                place.bearers() & up_to(*last) & !up_to(first - 1)
            }
            Target::Card(_) | Target::Span(_) | Target::Channels { .. } => 0,
        };
        let sets: Sets = self.places.iter().enumerate().map(|(index, place)| of(index, place)).collect();
        sets.iter().any(|set| *set != 0).then_some(sets)
    }

    /// Keep these channels out.
    ///
    /// # Errors
    /// When it cannot be written down; nothing has changed then.
    pub fn suspend(&mut self, now_ms: u64, target: &Target, sets: &[u32], terms: Terms) -> io::Result<u64> {
        let Terms { hold, by, forced_at_ms, until_ms, reason, ticket } = terms;
        let part = |(place, set): (&Place, &u32)| {
            (*set != 0).then(|| Part { card: place.card.clone(), span: place.span, channels: *set })
        };
        let parts = self.places.iter().zip(sets).filter_map(part).collect();
        let (id, target) = (self.next, target.to_string());
        let since_ms = now_ms;
        let mut suspensions = self.suspensions.clone();
        suspensions.push(Suspension { id, target, hold, by, since_ms, forced_at_ms, until_ms, reason, ticket, parts });
        self.write(id + 1, suspensions)?;
        Ok(id)
    }

    /// Keep these channels out no longer for this reason; the suspensions that covered them are given back as they were.
    ///
    /// # Errors
    /// When it cannot be written down; nothing has changed then.
    pub fn resume(&mut self, sets: &[u32], hold: Hold) -> io::Result<Vec<Suspension>> {
        let mut suspensions = self.suspensions.clone();
        let mut covered = Vec::new();
        for suspension in suspensions.iter_mut().filter(|s| s.hold == hold) {
            let before = suspension.clone();
            for (place, set) in self.places.iter().zip(sets) {
                for part in suspension.parts.iter_mut().filter(|p| p.is(place)) {
                    part.channels &= !set;
                }
            }
            suspension.parts.retain(|part| part.channels != 0);
            if *suspension != before {
                covered.push(before);
            }
        }
        suspensions.retain(|s| !s.parts.is_empty());
        if !covered.is_empty() {
            self.write(self.next, suspensions)?;
        }
        Ok(covered)
    }

    /// End those whose time is over, and say which.
    ///
    /// # Errors
    /// When it cannot be written down; they go on then.
    pub fn expire(&mut self, now_ms: u64) -> io::Result<Vec<Suspension>> {
        let over = |s: &Suspension| s.until_ms.is_some_and(|until| until <= now_ms);
        if !self.suspensions.iter().any(over) {
            return Ok(Vec::new());
        }
        let (ended, lasting) = self.suspensions.iter().cloned().partition(over);
        self.write(self.next, lasting)?;
        Ok(ended)
    }

    /// The channels held for a reason, and those of them whose calls are not waited for.
    #[must_use]
    pub fn held(&self, now_ms: u64, hold: Hold) -> (Sets, Sets) {
        let of_hold = || self.suspensions.iter().filter(|s| s.hold == hold);
        let forced = of_hold().filter(|s| s.forced_at_ms.is_some_and(|at| at <= now_ms));
        (self.union(of_hold()), self.union(forced))
    }

    /// What a gateway has to be told to be as it is written here, whatever it was told before.
    #[must_use]
    pub fn orders(&self, now_ms: u64) -> Vec<Command> {
        let holds = [Hold::Operator, Hold::Load].into_iter().filter_map(|hold| Some((hold, holds(hold)?)));
        let orders = holds.flat_map(|(hold, reason)| {
            let (held, forced) = self.held(now_ms, hold);
            let sets = (0u16..).zip(held.into_iter().zip(forced));
            sets.map(move |(span, (channels, forced))| Command::Hold { span, hold: reason, channels, forced })
        });
        orders.collect()
    }

    /// All suspensions, the oldest first.
    #[must_use]
    pub fn suspensions(&self) -> &[Suspension] {
        &self.suspensions
    }

    /// One of them.
    #[must_use]
    pub fn find(&self, id: u64) -> Option<&Suspension> {
        self.suspensions.iter().find(|s| s.id == id)
    }

    /// The channels a suspension keeps out, by span.
    #[must_use]
    pub fn sets(&self, suspension: &Suspension) -> Sets {
        self.union(std::iter::once(suspension))
    }

    /// Cards and spans that suspensions name and the configuration does not.
    #[must_use]
    pub fn strangers(&self) -> Vec<String> {
        let parts = self.suspensions.iter().flat_map(|s| &s.parts);
        let strange = parts.filter(|part| !self.places.iter().any(|place| part.is(place)));
        let mut names: Vec<_> = strange.map(|part| format!("card {}, its span {}", part.card, part.span)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn union<'a>(&self, suspensions: impl Iterator<Item = &'a Suspension>) -> Sets {
        let mut sets = vec![0; self.places.len()];
        for part in suspensions.flat_map(|s| &s.parts) {
            for (set, _) in sets.iter_mut().zip(&self.places).filter(|(_, place)| part.is(place)) {
                *set |= part.channels;
            }
        }
        for (set, place) in sets.iter_mut().zip(&self.places) {
            *set &= place.bearers();
        }
        sets
    }

    fn write(&mut self, next: u64, suspensions: Vec<Suspension>) -> io::Result<()> {
        let written = Written { version: VERSION, next, suspensions };
        let fresh = self.file.with_extension("new");
        let mut file = std::fs::File::create(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(&written)?)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.file)?;
        if let Some(directory) = self.file.parent() {
            std::fs::File::open(directory)?.sync_all()?;
        }
        (self.next, self.suspensions) = (next, written.suspensions);
        self.revision += 1;
        Ok(())
    }
}

impl Part {
    fn is(&self, place: &Place) -> bool {
        self.card == place.card && self.span == place.span
    }
}

/// The gateway's word for a reason.
#[must_use]
pub const fn holds(hold: Hold) -> Option<Holds> {
    match hold {
        Hold::Operator => Some(Holds::OPERATOR),
        Hold::Load => Some(Holds::LOAD),
        // The gateway's own, those of tests and of the daemon's end, which no restart outlives, and what nobody can order.
        Hold::NoPort | Hold::Alarm | Hold::Test | Hold::SelfTest | Hold::Drain | Hold::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Vec<Place> {
        let place = |card: &str, span, line| Place { card: card.into(), span, line, d_channel: true };
        vec![place("north", 1, Line::T1), place("north", 2, Line::T1), place("south", 1, Line::E1)]
    }

    fn terms(by: &str) -> Terms {
        Terms { by: by.into(), ..Terms::default() }
    }

    fn target(text: &str) -> Target {
        text.parse().expect("a target")
    }

    fn suspend(ledger: &mut Ledger, text: &str, terms: Terms) -> u64 {
        let sets = ledger.resolve(&target(text)).expect("it means some");
        ledger.suspend(1000, &target(text), &sets, terms).expect("written")
    }

    #[test]
    fn a_target_means_bearer_channels_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let ledger = Ledger::open(&dir.path().join(FILE), places()).expect("nothing there yet");
        let resolve = |text: &str| ledger.resolve(&target(text));
        assert_eq!(resolve("channel 3/15-17"), Some(vec![0, 0, 1 << 14 | 1 << 16]), "16 is the D channel");
        assert_eq!(resolve("span 2"), Some(vec![0, (1 << 23) - 1, 0]));
        assert_eq!(resolve("card north"), Some(vec![(1 << 23) - 1, (1 << 23) - 1, 0]));
        assert_eq!(resolve("channel 3/31").expect("one")[2], 1 << 30);
        assert!(resolve("server").expect("all").iter().all(|set| *set != 0));
        for nothing in ["span 4", "card west", "channel 1/24", "channel 1/25-31"] {
            assert_eq!(resolve(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_was_suspended_is_so_after_a_restart_whatever_became_of_the_configuration() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(FILE);
        let mut ledger = Ledger::open(&file, places()).expect("nothing there yet");
        let south = Terms { reason: Some("water".into()), ticket: Some("T1".into()), ..terms("kim") };
        suspend(&mut ledger, "span 3", south);
        drop(ledger);
        let mut order = places();
        order.rotate_right(1);
        let ledger = Ledger::open(&file, order).expect("read");
        let (held, forced) = ledger.held(2000, Hold::Operator);
        assert_eq!((held[0].count_ones(), held[1], held[2], forced), (30, 0, 0, vec![0; 3]), "south is span 1 now");
        let suspension = &ledger.suspensions()[0];
        assert_eq!(
            (suspension.by.as_str(), suspension.ticket.as_deref(), suspension.since_ms),
            ("kim", Some("T1"), 1000)
        );

        let ledger = Ledger::open(&file, places()[..2].to_vec()).expect("read without the card");
        assert_eq!(ledger.held(2000, Hold::Operator).0, [0, 0]);
        assert_eq!(ledger.strangers(), ["card south, its span 1"]);
        let ledger = Ledger::open(&file, places()).expect("and with it again");
        assert_eq!(ledger.held(2000, Hold::Operator).0[2].count_ones(), 30);
    }

    #[test]
    fn suspensions_overlap_and_resuming_takes_the_target_out_of_all_of_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut ledger = Ledger::open(&dir.path().join(FILE), places()).expect("nothing there yet");
        let first = suspend(&mut ledger, "span 1", terms("kim"));
        let second = suspend(&mut ledger, "channel 1/3-5", Terms { until_ms: Some(5000), ..terms("lee") });
        assert!(second > first);
        let one = ledger.resolve(&target("channel 1/4")).expect("one");
        let covered = ledger.resume(&one, Hold::Operator).expect("written");
        assert_eq!(covered.iter().map(|s| s.id).collect::<Vec<_>>(), [first, second]);
        assert_eq!(ledger.held(2000, Hold::Operator).0[0], ((1 << 23) - 1) & !(1 << 3));
        assert!(ledger.resume(&one, Hold::Operator).expect("nothing to do").is_empty());

        assert_eq!(ledger.expire(5000).expect("written").len(), 1);
        assert_eq!(ledger.held(5000, Hold::Operator).0[0].count_ones(), 22, "span 1 is still suspended without 1/4");
        let rest = ledger.resolve(&Target::Server).expect("all");
        ledger.resume(&rest, Hold::Operator).expect("written");
        assert!(ledger.suspensions().is_empty());
        assert!(suspend(&mut ledger, "span 1", terms("kim")) > second, "numbers are not given twice");
    }

    #[test]
    fn reasons_are_apart_and_grace_ends_by_the_clock() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut ledger = Ledger::open(&dir.path().join(FILE), places()).expect("nothing there yet");
        suspend(&mut ledger, "span 1", Terms { hold: Hold::Load, ..terms("group") });
        suspend(&mut ledger, "channel 1/1", Terms { forced_at_ms: Some(3000), ..terms("kim") });
        let all = ledger.resolve(&Target::Server).expect("all");
        assert_eq!(ledger.held(2999, Hold::Operator).1[0], 0);
        assert_eq!(ledger.held(3000, Hold::Operator).1[0], 1);
        ledger.resume(&all, Hold::Operator).expect("written");
        assert_eq!(ledger.held(3000, Hold::Load).0[0].count_ones(), 23);
    }

    #[test]
    fn what_cannot_be_written_is_not_done_and_what_cannot_be_read_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(FILE);
        let mut ledger = Ledger::open(&file, places()).expect("nothing there yet");
        std::fs::create_dir(file.with_extension("new")).expect("in the way");
        let all = ledger.resolve(&Target::Server).expect("all");
        ledger.suspend(1, &Target::Server, &all, terms("kim")).expect_err("a directory is in the way");
        assert!(ledger.suspensions().is_empty());
        std::fs::write(&file, "{\"version\":2,\"next\":1,\"suspensions\":[]}").expect("written");
        assert!(Ledger::open(&file, places()).expect_err("newer").to_string().contains("layout 2"));
        std::fs::write(&file, "").expect("written");
        Ledger::open(&file, places()).expect_err("nothing in it");
    }
}
