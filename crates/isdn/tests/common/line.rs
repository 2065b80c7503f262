//! One direction of a D channel: frames arrive in order, each [`DELAY`] after it was sent.

use std::collections::VecDeque;
use std::time::Duration;

/// One way, card to card; a real line with HDLC buffering is about this slow.
pub const DELAY: Duration = Duration::from_millis(5);

/// The frames on their way to one end.
#[derive(Default)]
pub struct Towards(VecDeque<(Duration, Vec<u8>)>);

impl Towards {
    pub fn put(&mut self, now: Duration, frame: &[u8]) {
        self.0.push_back((now + DELAY, frame.to_vec()));
    }

    /// When the next one arrives.
    pub fn next(&self) -> Option<Duration> {
        self.0.front().map(|(arrival, _)| *arrival)
    }

    /// One that has arrived by now.
    pub fn take(&mut self, now: Duration) -> Option<Vec<u8>> {
        self.next().filter(|arrival| *arrival <= now)?;
        self.0.pop_front().map(|(_, frame)| frame)
    }

    /// A fault: the last two change places, if both are such as may.
    pub fn swap_last(&mut self, may: impl Fn(&[u8]) -> bool) {
        if let [.., (_, before), (_, last)] = self.0.make_contiguous()
            && may(before)
            && may(last)
        {
            std::mem::swap(before, last);
        }
    }
}
