//! What becomes of an event after its last caller has left.
//!
//! Two clocks start with the last hang-up and stop when somebody calls again: after one the archive is
//! due, after the other the event is over. They are separate: an archive may be wanted minutes after
//! the talk although people may still call for hours.
//!
//! Time: milliseconds since 1970 in UTC, since the clocks go on while the daemon is down.

use event::EventNumber;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The two time-outs of an event, in milliseconds from the last hang-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeOuts {
    /// Until it is over.
    pub over_ms: u64,
    /// Until its archive is due.
    pub archive_ms: u64,
}

/// What has come to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The archive of this event.
    Archive(EventNumber),
    /// This event is over.
    Over(EventNumber),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Life {
    time_outs: TimeOuts,
    /// `None` while somebody is in the conference.
    idle_since_ms: Option<u64>,
    archive_told: bool,
}

/// Events that have been called and are not closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    events: BTreeMap<EventNumber, Life>,
}

impl Lifecycle {
    /// Somebody is in the conference of this event; `time_outs` are those to begin with, until its own are
    /// known.
    pub fn joined(&mut self, event: EventNumber, time_outs: TimeOuts) {
        let time_outs = self.events.get(&event).map_or(time_outs, |life| life.time_outs);
        let life = Life { time_outs, idle_since_ms: None, archive_told: false };
        self.events.insert(event, life);
    }

    /// The time-outs of an event have become known.
    pub fn set_time_outs(&mut self, event: EventNumber, time_outs: TimeOuts) {
        if let Some(life) = self.events.get_mut(&event) {
            life.time_outs = time_outs;
        }
    }

    /// Somebody left; `remaining` are still there.
    pub fn left(&mut self, now_ms: u64, event: EventNumber, remaining: u16) {
        if let Some(life) = self.events.get_mut(&event).filter(|_| remaining == 0) {
            life.idle_since_ms = Some(now_ms);
        }
    }

    /// The event was ended or cancelled: its archive is due at once. True if that was not yet told.
    pub fn closed(&mut self, event: EventNumber) -> bool {
        self.events.remove(&event).is_some_and(|life| !life.archive_told)
    }

    /// When an event will be over unless somebody calls; `None` while somebody is there.
    #[must_use]
    pub fn over_at_ms(&self, event: EventNumber) -> Option<u64> {
        let life = self.events.get(&event)?;
        Some(life.idle_since_ms?.saturating_add(life.time_outs.over_ms))
    }

    /// What was `from` by the clock as it was set is `to` now.
    pub fn clock_set(&mut self, from: u64, to: u64) {
        for since in self.events.values_mut().filter_map(|life| life.idle_since_ms.as_mut()) {
            *since = since.saturating_add(to).saturating_sub(from);
        }
    }

    /// Events nobody is in, with when they will be over unless somebody calls.
    pub fn idle(&self) -> impl Iterator<Item = (EventNumber, u64)> {
        self.events.iter().filter_map(|(event, life)| Some((*event, life.idle_since_ms? + life.time_outs.over_ms)))
    }

    /// What is due by now; each is told once.
    pub fn due(&mut self, now_ms: u64) -> Vec<Due> {
        let mut due = Vec::new();
        for (event, life) in &mut self.events {
            let Some(since) = life.idle_since_ms else { continue };
            let idle = now_ms.saturating_sub(since);
            let over = idle >= life.time_outs.over_ms;
            if !life.archive_told && (over || idle >= life.time_outs.archive_ms) {
                life.archive_told = true;
                due.push(Due::Archive(*event));
            }
            if over {
                due.push(Due::Over(*event));
            }
        }
        for due in &due {
            if let Due::Over(event) = due {
                self.events.remove(event);
            }
        }
        due
    }

    /// Write it down, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, file: &Path) -> std::io::Result<()> {
        let list: Vec<(String, Life)> = self.events.iter().map(|(event, life)| (event.to_string(), *life)).collect();
        let fresh = file.with_extension("new");
        std::fs::write(&fresh, serde_json::to_vec(&list)?)?;
        std::fs::rename(fresh, file)
    }

    /// Read what [`Lifecycle::save`] wrote. Conferences that were live then are idle from `now_ms` on.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn restore(file: &Path, now_ms: u64) -> std::io::Result<Self> {
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(e),
        };
        let list: Vec<(String, Life)> = serde_json::from_slice(&text)?;
        let events = list.into_iter().filter_map(|(number, life)| {
            let event = EventNumber::parse(&number).ok()?;
            Some((event, Life { idle_since_ms: life.idle_since_ms.or(Some(now_ms)), ..life }))
        });
        Ok(Lifecycle { events: events.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME_OUTS: TimeOuts = TimeOuts { over_ms: 1000, archive_ms: 100 };

    fn event() -> EventNumber {
        EventNumber::random(event::KeyId::FIRST)
    }

    #[test]
    fn archive_and_end_have_their_own_clocks_from_the_last_hang_up() {
        let (mut lives, e) = (Lifecycle::default(), event());
        lives.joined(e, TIME_OUTS);
        lives.left(0, e, 1);
        assert_eq!(lives.due(10_000), []);
        lives.left(10_000, e, 0);
        assert_eq!(lives.due(10_099), []);
        assert_eq!(lives.due(10_100), [Due::Archive(e)]);
        assert_eq!(lives.due(10_999), []);
        assert_eq!(lives.due(11_000), [Due::Over(e)]);
        assert_eq!(lives.due(99_999), []);
    }

    #[test]
    fn a_caller_who_returns_stops_both() {
        let (mut lives, e) = (Lifecycle::default(), event());
        lives.joined(e, TIME_OUTS);
        lives.left(0, e, 0);
        lives.joined(e, TIME_OUTS);
        assert_eq!(lives.due(5000), []);
        lives.left(5000, e, 0);
        assert_eq!(lives.due(6000), [Due::Archive(e), Due::Over(e)]);
    }

    #[test]
    fn what_is_known_of_an_event_outlives_its_next_caller() {
        let (mut lives, e) = (Lifecycle::default(), event());
        lives.joined(e, TIME_OUTS);
        lives.set_time_outs(e, TimeOuts { over_ms: 5000, archive_ms: 50 });
        lives.joined(e, TIME_OUTS);
        lives.left(0, e, 0);
        assert_eq!(lives.idle().collect::<Vec<_>>(), [(e, 5000)]);
        assert_eq!(lives.due(50), [Due::Archive(e)]);
        assert_eq!(lives.due(4999), []);
    }

    #[test]
    fn a_clock_that_is_set_ends_nothing() {
        let (mut lives, e) = (Lifecycle::default(), event());
        lives.joined(e, TIME_OUTS);
        lives.left(7000, e, 0);
        lives.clock_set(6000, 1_800_000_006_000);
        assert_eq!(lives.due(1_800_000_007_099), []);
        assert_eq!(lives.due(1_800_000_007_100), [Due::Archive(e)]);
        lives.clock_set(1_800_000_006_000, 6000);
        assert_eq!(lives.due(7999), []);
        assert_eq!(lives.due(8000), [Due::Over(e)]);
    }

    #[test]
    fn the_clocks_go_on_while_the_daemon_is_down() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("idle");
        let (mut lives, idle, live) = (Lifecycle::default(), event(), event());
        lives.joined(idle, TIME_OUTS);
        lives.joined(live, TIME_OUTS);
        lives.left(1000, idle, 0);
        lives.save(&file).expect("written");
        let mut again = Lifecycle::restore(&file, 1500).expect("read");
        let waiting: BTreeMap<_, _> = again.idle().collect();
        assert_eq!(waiting, BTreeMap::from([(idle, 2000), (live, 2500)]));
        let due = again.due(1600);
        assert!(due.len() == 2 && due.contains(&Due::Archive(idle)) && due.contains(&Due::Archive(live)));
        assert_eq!(again.due(2000), [Due::Over(idle)]);
        assert_eq!(Lifecycle::restore(&dir.path().join("none"), 0).expect("empty"), Lifecycle::default());
    }
}
