//! How long a pattern takes to come back.
//!
//! Data path: octets as they are sent and as they come back → here → octets between the two.
//! Time: counted in octets; sending and receiving have begun together and move on alike.
//! Source: eight octets of a pseudo-random sequence come but once in its period, so they say when they were sent.

use super::Width;
use super::pattern::{Pattern, Shape};
use crate::SAMPLE_RATE;

/// Finds the delay of a pseudo-random pattern.
#[derive(Debug, Clone)]
pub struct RoundTrip {
    /// What was sent in the last second, and where the next octet goes.
    sent: Box<[u8]>,
    sent_octets: u64,
    received_octets: u64,
    /// The last eight octets received, the newest lowest.
    last: u64,
    mask: u64,
    random: bool,
}

impl RoundTrip {
    /// For a test over so many timeslots together; a second of what they send is kept. Its memory is taken here.
    #[must_use]
    pub fn new(pattern: Pattern, width: Width, timeslots: usize) -> Self {
        let octet = match width {
            Width::Full => 0xff,
            // The last bit may come back as it likes.
            Width::Seven => 0xfe,
        };
        Self {
            sent: vec![0; SAMPLE_RATE as usize * timeslots.max(1)].into_boxed_slice(),
            sent_octets: 0,
            received_octets: 0,
            last: 0,
            mask: u64::from_ne_bytes([octet; 8]),
            random: matches!(pattern.shape(), Shape::Random(_)),
        }
    }

    /// One tick: what came back, and what was sent in the same tick.
    pub fn tick(&mut self, received: &[u8], sent: &[u8]) {
        for &octet in received {
            self.last = self.last << 8 | u64::from(octet);
        }
        self.received_octets += received.len() as u64;
        let length = self.sent.len() as u64;
        for (at, &octet) in (self.sent_octets..).zip(sent) {
            self.sent[(at % length) as usize] = octet;
        }
        self.sent_octets += sent.len() as u64;
    }

    /// Octets from sending to receiving, if the last eight that came were sent less than a second ago; one timeslot
    /// has eight a millisecond. Fixed patterns tell nothing, and 2^11-1 tells delays below 2,047 octets only, for
    /// then it comes round.
    ///
    /// Looks through a second of octets: to be asked now and then, not every tick.
    #[must_use]
    pub fn octets(&self) -> Option<u32> {
        if !self.random || self.received_octets < 8 {
            return None;
        }
        let length = self.sent.len() as u64;
        let oldest = self.sent_octets.saturating_sub(length);
        let octet = |at: u64| u64::from(self.sent[(at % length) as usize]);
        // From the newest on; the octet at `end` is the last of the eight.
        let newest = self.received_octets.min(self.sent_octets).checked_sub(1)?;
        let mut eight = 0;
        for end in (oldest..=newest).rev() {
            if end == newest {
                eight = (0..8).fold(0, |eight, back| eight | end.checked_sub(back).map_or(0, octet) << (8 * back));
            } else {
                eight = eight >> 8 | end.checked_sub(7).map_or(0, octet) << 56;
            }
            if end < oldest + 7 {
                break;
            }
            if (eight ^ self.last) & self.mask == 0 {
                return u32::try_from(self.received_octets - 1 - end).ok();
            }
        }
        None
    }
}
