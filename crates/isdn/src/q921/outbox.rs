//! What the link has produced and its owner has not collected yet, I frames and plain acknowledgements excepted.
//!
//! An owner who drains after every input never sees a limit. For one who does not, the limits are chosen by what
//! can be made good: a frame not sent is as good as one lost on the line; a message not taken is left unacknowledged,
//! so that the far end sends it again; a change of the link's state is never withheld.
//!
//! Data path: `link` → here → `DataLink::poll_output`.

use super::frame::ShortFrame;
use super::ring::Ring;
use heapless::Deque;

const CAPACITY: usize = 32;
const ROOM_FOR_FRAMES: usize = 24;
const ROOM_FOR_MESSAGES: usize = 28;

/// Messages that wait for their owner: a window of 7, and one.
const MESSAGES: usize = 8;

/// One output.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A frame without information.
    Frame(ShortFrame),
    /// See [`Change`].
    Change(Change),
    /// The oldest message.
    Message,
}

/// What layer 3 is told of the link's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// DL-ESTABLISH.
    Established { reset: bool },
    /// DL-RELEASE.
    Released,
}

/// The queue of outputs.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Deque<Item, CAPACITY>,
    messages: Ring<MESSAGES>,
    /// Changes among them.
    changes: usize,
}

impl Outbox {
    /// Adds a frame; false if it was dropped.
    pub fn transmit(&mut self, frame: ShortFrame) -> bool {
        self.queue.len() < ROOM_FOR_FRAMES && self.queue.push_back(Item::Frame(frame)).is_ok()
    }

    /// Whether there is room for a message.
    pub fn has_room(&self) -> bool {
        self.queue.len() < ROOM_FOR_MESSAGES && !self.messages.is_full()
    }

    /// Adds a message. That there is room is the caller's to know.
    pub fn deliver(&mut self, information: &[u8]) {
        let added = self.messages.push(information) && self.queue.push_back(Item::Message).is_ok();
        debug_assert!(added, "there was room");
    }

    /// Adds a change of state; returns how many uncollected outputs had to make room for it.
    pub fn announce(&mut self, change: Change) -> u64 {
        let mut dropped = 0;
        if self.queue.is_full() {
            dropped = self.queue.len() as u64;
            self.queue.clear();
            self.messages.clear();
            self.changes = 0;
        }
        let added = self.queue.push_back(Item::Change(change)).is_ok();
        debug_assert!(added, "room was made");
        self.changes += 1;
        dropped
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    #[inline]
    pub fn has_change(&self) -> bool {
        self.changes > 0
    }

    /// The oldest output.
    pub fn next(&mut self) -> Option<Item> {
        let item = self.queue.pop_front();
        self.changes -= usize::from(matches!(item, Some(Item::Change(_))));
        item
    }

    /// The message of an [`Item::Message`] that was just given.
    pub fn message(&mut self) -> &[u8] {
        self.messages.pop()
    }

    /// The oldest change of state, taken out from among the others.
    pub fn take_change(&mut self) -> Option<Change> {
        if !self.has_change() {
            return None;
        }
        let mut taken = None;
        for _ in 0..self.queue.len() {
            match self.queue.pop_front() {
                Some(Item::Change(change)) if taken.is_none() => taken = Some(change),
                Some(item) => drop(self.queue.push_back(item)),
                None => {}
            }
        }
        self.changes -= 1;
        taken
    }
}
