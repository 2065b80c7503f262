//! Small words everyone shares: line, span, timeslot, chunk length, service state.

use std::fmt;

/// The kind of line, which fixes how many timeslots a span has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// 1,544 kbit/s: timeslots 1 to 24, D channel on 24 (ANSI T1.403).
    T1,
    /// 2,048 kbit/s: timeslots 1 to 31 beside the framing slot 0, D channel on 16 (ITU-T G.704).
    E1,
}

impl Line {
    /// Timeslots that carry something, numbered from 1.
    #[must_use]
    pub const fn timeslots(self) -> u8 {
        match self {
            Line::T1 => 24,
            Line::E1 => 31,
        }
    }

    /// The timeslot of the D channel of a primary rate access.
    #[must_use]
    pub const fn d_channel(self) -> Timeslot {
        match self {
            Line::T1 => Timeslot(24),
            Line::E1 => Timeslot(16),
        }
    }

    /// What an idle bearer channel carries: silence in the line's law.
    #[must_use]
    pub const fn idle_octet(self) -> u8 {
        match self {
            Line::T1 => 0xff,
            Line::E1 => 0xd5,
        }
    }

    /// Bearer timeslots of a span with a D channel, lowest first.
    pub fn bearers(self) -> impl DoubleEndedIterator<Item = Timeslot> {
        self.bearers_beside(true)
    }

    /// Bearer timeslots, lowest first: all of them on a span whose D channel is on another one.
    pub fn bearers_beside(self, d_channel: bool) -> impl DoubleEndedIterator<Item = Timeslot> {
        let d = self.d_channel();
        (1..=self.timeslots()).map(Timeslot).filter(move |t| !d_channel || *t != d)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Line::T1 => "T1",
            Line::E1 => "E1",
        })
    }
}

/// A span of one card, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanIndex(pub u8);

/// A timeslot of a span, counted from 1 as the line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timeslot(pub u8);

impl Timeslot {
    /// Its place in an array of timeslots.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }
}

impl fmt::Display for Timeslot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Samples a timeslot carries in one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkLength {
    /// 40 samples.
    Ms5,
    /// 80 samples.
    Ms10,
    /// 160 samples.
    Ms20,
}

impl ChunkLength {
    /// The longest chunk there is, in samples.
    pub const MAX_SAMPLES: usize = 160;

    /// Samples (octets on the line) of a timeslot.
    #[must_use]
    pub const fn samples(self) -> usize {
        self.milliseconds() as usize * 8
    }

    /// Milliseconds of a tick.
    #[must_use]
    pub const fn milliseconds(self) -> u32 {
        match self {
            ChunkLength::Ms5 => 5,
            ChunkLength::Ms10 => 10,
            ChunkLength::Ms20 => 20,
        }
    }

    /// The time of a tick.
    #[must_use]
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.milliseconds() as u64)
    }

    /// The length of so many milliseconds, if it is one of the three.
    #[must_use]
    pub const fn from_milliseconds(ms: u32) -> Option<Self> {
        match ms {
            5 => Some(ChunkLength::Ms5),
            10 => Some(ChunkLength::Ms10),
            20 => Some(ChunkLength::Ms20),
            _ => None,
        }
    }
}

/// Whether a channel, span or card may carry calls. Ordered by severity: the more severe of two wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceState {
    /// Calls may be carried.
    #[default]
    InService,
    /// Under test or repair; whether calls are taken is the configuration's choice.
    Maintenance,
    /// No calls.
    OutOfService,
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServiceState::InService => "in service",
            ServiceState::Maintenance => "maintenance",
            ServiceState::OutOfService => "out of service",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearers_leave_out_the_d_channel() {
        assert_eq!(Line::T1.bearers().count(), 23);
        assert_eq!(Line::E1.bearers().count(), 30);
        assert!(Line::T1.bearers_beside(false).eq((1..=24).map(Timeslot)));
        assert!(Line::E1.bearers().all(|t| t.0 != 16));
    }

    #[test]
    fn the_more_severe_state_wins() {
        assert_eq!(ServiceState::Maintenance.max(ServiceState::OutOfService), ServiceState::OutOfService);
    }

    #[test]
    fn a_chunk_is_eight_samples_a_millisecond() {
        for ms in [5, 10, 20] {
            let chunk = ChunkLength::from_milliseconds(ms).expect("one of the three");
            assert_eq!(chunk.samples(), ms as usize * 8);
        }
        assert_eq!(ChunkLength::from_milliseconds(15), None);
    }
}
