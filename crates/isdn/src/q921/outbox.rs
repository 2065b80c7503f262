//! What the link has produced and its owner has not collected yet.
//!
//! An owner who drains after every input never sees a limit. For one who does not, the limits are chosen by what
//! can be made good: a frame not sent is as good as one lost on the line; a message not taken is left unacknowledged,
//! so that the far end sends it again; a change of the link's state is never withheld.
//!
//! Data path: `link` → here → `DataLink::poll_output`.

use super::{LapdFrame, Message, Output};
use heapless::Deque;

const CAPACITY: usize = 32;
const ROOM_FOR_FRAMES: usize = 24;
const ROOM_FOR_MESSAGES: usize = 28;

/// The queue of outputs.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Deque<Output, CAPACITY>,
}

impl Outbox {
    /// Adds a frame; false if it was dropped.
    pub fn transmit(&mut self, frame: LapdFrame) -> bool {
        self.queue.len() < ROOM_FOR_FRAMES && self.queue.push_back(Output::Transmit(frame)).is_ok()
    }

    /// Adds a message; false if it was not taken and must not be acknowledged.
    pub fn deliver(&mut self, information: &[u8]) -> bool {
        let Ok(message) = Message::from_slice(information) else { return false };
        self.queue.len() < ROOM_FOR_MESSAGES && self.queue.push_back(Output::Information(message)).is_ok()
    }

    /// Adds a change of state; returns how many uncollected outputs had to make room for it.
    pub fn announce(&mut self, change: Output) -> u64 {
        let mut dropped = 0;
        if self.queue.is_full() {
            dropped = self.queue.len() as u64;
            self.queue.clear();
        }
        let added = self.queue.push_back(change).is_ok();
        debug_assert!(added, "room was made");
        dropped
    }

    /// Whether all has been collected.
    pub fn is_drained(&mut self) -> bool {
        let is_drained = self.queue.is_empty();
        if is_drained {
            // The next begins in front again, where the cache is warm, instead of marching through all the room there is.
            self.queue.clear();
        }
        is_drained
    }

    /// The oldest output.
    pub fn next(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }
}
