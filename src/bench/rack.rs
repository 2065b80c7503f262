//! The probes at work in the real-time thread.
//!
//! A call has priority: on a channel that is open for a caller the probe rests, until the office has taken it out.
//!
//! Time: one chunk a tick. Nothing here allocates after construction; probes come and go by queues.

use super::probe::{Probe, Reading};
use crate::gateway::Channel;
use dsp::g711::Law;

/// Octets of the longest chunk.
const CHUNK_MAX: usize = 160;

/// The probes of all channels.
#[derive(Debug)]
pub struct Rack {
    /// By [`Channel::index`].
    probes: Vec<Option<Box<Probe>>>,
    /// How many there are.
    placed: usize,
    /// Probes that were taken out, on their way to where they may be read and dropped.
    used: rtrb::Producer<(Channel, Box<Probe>)>,
    received: [u8; CHUNK_MAX],
}

impl Rack {
    /// An empty rack for so many channels.
    #[must_use]
    pub fn new(channels: usize, used: rtrb::Producer<(Channel, Box<Probe>)>) -> Rack {
        Rack { probes: (0..channels).map(|_| None).collect(), placed: 0, used, received: [0; CHUNK_MAX] }
    }

    /// Put a probe on a channel, or none; the one that was there goes back.
    pub fn place(&mut self, channel: Channel, probe: Option<Box<Probe>>) {
        let Some(place) = self.probes.get_mut(channel.index()) else { return };
        self.placed = self.placed + usize::from(probe.is_some()) - usize::from(place.is_some());
        if let Some(used) = std::mem::replace(place, probe) {
            // The queue holds one for each channel and is emptied as often as the office looks; dropping here would only
            // cost time.
            let _ = self.used.push((channel, used));
        }
    }

    /// Whether there is no probe on any channel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.placed == 0
    }

    /// Whether a probe is on a channel.
    #[must_use]
    pub fn is_probed(&self, channel: Channel) -> bool {
        self.probes[channel.index()].is_some()
    }

    /// What came on a channel in this tick.
    pub fn take_in(&mut self, received: &[u8]) {
        self.received[..received.len()].copy_from_slice(received);
    }

    /// What goes on it; a reading, now and then.
    pub fn fill(&mut self, channel: Channel, law: Law, to_send: &mut [u8]) -> Option<Reading> {
        self.probes[channel.index()].as_mut()?.tick(law, &self.received[..to_send.len()], to_send)
    }
}
