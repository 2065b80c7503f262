//! What can go wrong with a card: plans, scripts and counts.
//!
//! Looks after the words. The engine that draws from a seed and follows a script is in `engine`, the card
//! that does as it says in `faulty`.
//!
//! Data path: none.
//! Time: ticks begun since the first start; a removal does not set them back.
//! Faults on request, in the line itself, are in `rehearsal`.
//! Words: *mishap*, what happens to one D-channel frame; *episode*, ticks during which alarms show.

use hal::{Alarms, SpanIndex};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use crate::capture::Direction;

/// Chances for each D-channel frame, from 0 (never) to 1 (always); at most one mishap befalls a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameChances {
    /// Not delivered. A received frame shows as [`hal::CardEvent::FrameLost`], a sent one not at all.
    pub lose: f64,
    /// Delivered with one bit changed: what the check sequence should have caught and did not.
    pub corrupt: f64,
    /// Delivered twice.
    pub duplicate: f64,
}

/// What is to go wrong. The default is nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    /// Frames from the far end.
    pub received: FrameChances,
    /// Frames to the far end.
    pub sent: FrameChances,
    /// Chance of a slip, for each tick and span. As in a real slip buffer of two chunks, every other
    /// slip repeats a chunk and the ones between drop one.
    pub slip: f64,
    /// Chance that an alarm episode begins, for each tick and span without one.
    pub alarm: f64,
    /// What such an episode shows.
    pub alarms: Alarms,
    /// How many ticks it lasts, drawn evenly.
    pub alarm_ticks: RangeInclusive<u32>,
    /// Chance that the card is removed, for each tick.
    pub removal: f64,
    /// How often a removed card is looked for in vain in [`crate::FaultySlot`] before it is back.
    pub vain_looks: u32,
    /// What happens besides, in any order.
    pub script: Vec<ScriptedFault>,
}

impl Default for FaultPlan {
    fn default() -> Self {
        FaultPlan {
            received: FrameChances::default(),
            sent: FrameChances::default(),
            slip: 0.0,
            alarm: 0.0,
            alarms: Alarms::LOS,
            alarm_ticks: 1..=500,
            removal: 0.0,
            vain_looks: 0,
            script: Vec::new(),
        }
    }
}

/// One fault at one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptedFault {
    /// The tick, counted from 0.
    pub tick: u64,
    /// What happens in it.
    pub fault: CardFault,
}

/// A fault of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardFault {
    /// To the next D-channel frame of this span and direction, in this tick or later.
    Frame(SpanIndex, Direction, Mishap),
    /// One chunk repeated or dropped.
    Slip(SpanIndex),
    /// Alarms on a span for so many ticks, in place of an episode that may be running; 0 ends it.
    Alarms(SpanIndex, Alarms, u32),
    /// The card goes, and is looked for in vain so many times.
    Remove(u32),
}

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mishap {
    /// As [`FrameChances::lose`].
    Lose,
    /// As [`FrameChances::corrupt`].
    Corrupt,
    /// As [`FrameChances::duplicate`].
    Duplicate,
}

/// How many frames of a direction met with what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MishapCounts {
    /// Lost, those that came in during an alarm included.
    pub lost: u64,
    /// One bit changed.
    pub corrupted: u64,
    /// Delivered twice.
    pub duplicated: u64,
}

/// What has gone wrong so far, over all starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Frames from the far end.
    pub received: MishapCounts,
    /// Frames to the far end.
    pub sent: MishapCounts,
    /// Chunks repeated or dropped.
    pub slips: u64,
    /// Alarm episodes begun.
    pub alarm_episodes: u64,
    /// Removals.
    pub removals: u64,
    /// Events that found the queue full because nobody drained it.
    pub events_lost: u64,
}

/// The counts, for whoever wants to read them while the card runs.
#[derive(Clone)]
pub struct FaultTally {
    pub(crate) tally: Arc<Tally>,
}

impl FaultTally {
    /// The counts now.
    #[must_use]
    pub fn counts(&self) -> FaultCounts {
        self.tally.counts()
    }
}

#[derive(Default)]
pub(crate) struct Tally {
    mishaps: [[AtomicU64; 3]; 2],
    pub(crate) slips: AtomicU64,
    pub(crate) alarm_episodes: AtomicU64,
    pub(crate) removals: AtomicU64,
    pub(crate) events_lost: AtomicU64,
}

impl Tally {
    pub(crate) fn mishap(&self, direction: Direction, mishap: Mishap) {
        self.mishaps[direction as usize][mishap as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn counts(&self) -> FaultCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mishaps = |direction: Direction| {
            let counters = &self.mishaps[direction as usize];
            MishapCounts {
                lost: read(&counters[Mishap::Lose as usize]),
                corrupted: read(&counters[Mishap::Corrupt as usize]),
                duplicated: read(&counters[Mishap::Duplicate as usize]),
            }
        };
        FaultCounts {
            received: mishaps(Direction::Received),
            sent: mishaps(Direction::Sent),
            slips: read(&self.slips),
            alarm_episodes: read(&self.alarm_episodes),
            removals: read(&self.removals),
            events_lost: read(&self.events_lost),
        }
    }
}
