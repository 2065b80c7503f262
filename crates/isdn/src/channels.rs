//! B channels and sets of them, on one interface or on the several that share a D channel.
//!
//! Data path: none; words of the whole crate and of its owners.
//! Time: none.
//! Source: Q.931 (05/98) clause 4.5.13 (interface and channel), Annex F.1 (interfaces that share a D channel).
//! Words: interface, a span as one D channel sees it: its place among those that share the D channel; alone, of an
//! interface: it shares its D channel with no other, as nearly all do.

/// Interfaces that can share a D channel.
pub const INTERFACES_MAX: usize = 31;

/// Timeslots an interface has at most; tables over all channels have so many places for each.
pub const TIMESLOTS_MAX: usize = 31;

/// A B channel of a D channel.
///
/// Where an interface is alone its timeslot says it all, so one is made from the timeslot: `5.into()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// The place of its interface among those that share the D channel, from 0. What messages call it is in the
    /// configuration.
    pub interface: u8,
    /// Its timeslot, from 1.
    pub timeslot: u8,
}

impl Channel {
    /// A channel of the first interface, which is the only one unless several share a D channel.
    #[must_use]
    pub const fn new(timeslot: u8) -> Channel {
        Channel { interface: 0, timeslot }
    }

    /// A channel of any interface.
    #[must_use]
    pub const fn on(interface: u8, timeslot: u8) -> Channel {
        Channel { interface, timeslot }
    }

    /// Its place in a table over all channels; `None` for what can be no channel of any interface.
    #[must_use]
    pub const fn place(self) -> Option<usize> {
        let (interface, timeslot) = (self.interface as usize, self.timeslot as usize);
        if interface < INTERFACES_MAX && timeslot >= 1 && timeslot <= TIMESLOTS_MAX {
            Some(interface * TIMESLOTS_MAX + timeslot - 1)
        } else {
            None
        }
    }

    /// The channel at a place of such a table.
    #[must_use]
    pub const fn at(place: usize) -> Channel {
        Channel { interface: (place / TIMESLOTS_MAX) as u8, timeslot: (place % TIMESLOTS_MAX) as u8 + 1 }
    }
}

impl From<u8> for Channel {
    fn from(timeslot: u8) -> Channel {
        Channel::new(timeslot)
    }
}

/// `5`, or `2/5` on an interface that is not the first.
impl std::fmt::Display for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.interface {
            0 => self.timeslot.fmt(f),
            interface => write!(f, "{interface}/{}", self.timeslot),
        }
    }
}

/// A set of B channels, of all interfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChannelSet {
    /// By interface; bit n-1 stands for timeslot n.
    timeslots: [u32; INTERFACES_MAX],
}

impl ChannelSet {
    /// Timeslots of one interface: bit n-1 stands for timeslot n. Empty if there is no such interface.
    #[must_use]
    pub const fn on(interface: u8, timeslots: u32) -> ChannelSet {
        let mut set = ChannelSet { timeslots: [0; INTERFACES_MAX] };
        if (interface as usize) < INTERFACES_MAX {
            set.timeslots[interface as usize] = timeslots & 0x7fff_ffff;
        }
        set
    }

    /// Its channels on one interface: bit n-1 stands for timeslot n.
    #[must_use]
    pub fn timeslots(&self, interface: u8) -> u32 {
        self.timeslots.get(usize::from(interface)).copied().unwrap_or(0)
    }

    /// Adds a channel.
    pub fn insert(&mut self, channel: Channel) {
        self.set(channel, true);
    }

    /// Takes a channel in, or out.
    pub fn set(&mut self, channel: Channel, member: bool) {
        let Some(place) = channel.place() else { return };
        let (word, bit) = (&mut self.timeslots[place / TIMESLOTS_MAX], 1 << (place % TIMESLOTS_MAX));
        *word = if member { *word | bit } else { *word & !bit };
    }

    /// Whether a channel is among them.
    #[must_use]
    pub fn contains(&self, channel: Channel) -> bool {
        channel.place().is_some_and(|place| self.timeslots[place / TIMESLOTS_MAX] & 1 << (place % TIMESLOTS_MAX) != 0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timeslots == [0; INTERFACES_MAX]
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timeslots.iter().map(|timeslots| timeslots.count_ones() as usize).sum()
    }

    /// The only channel, if there is exactly one.
    #[must_use]
    pub fn single(&self) -> Option<Channel> {
        let mut channels = self.iter();
        channels.next().filter(|_| channels.next().is_none())
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(&self, other: &ChannelSet) -> ChannelSet {
        ChannelSet {
            timeslots: std::array::from_fn(|interface| self.timeslots[interface] & other.timeslots[interface]),
        }
    }

    /// Those that are in either.
    #[must_use]
    pub fn or(&self, other: &ChannelSet) -> ChannelSet {
        ChannelSet {
            timeslots: std::array::from_fn(|interface| self.timeslots[interface] | other.timeslots[interface]),
        }
    }

    /// The channels, by interface and timeslot.
    pub fn iter(&self) -> impl Iterator<Item = Channel> + use<> {
        let sets = self.timeslots;
        let (mut interface, mut left) = (0, sets[0]);
        std::iter::from_fn(move || {
            while left == 0 {
                interface += 1;
                left = *sets.get(interface)?;
            }
            let timeslot = left.trailing_zeros() as u8 + 1;
            left &= left - 1;
            Some(Channel { interface: interface as u8, timeslot })
        })
    }
}

impl FromIterator<Channel> for ChannelSet {
    fn from_iter<I: IntoIterator<Item = Channel>>(channels: I) -> ChannelSet {
        let mut set = ChannelSet::default();
        channels.into_iter().for_each(|channel| set.insert(channel));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_channels_own() {
        let mut places = Vec::new();
        for interface in 0..INTERFACES_MAX as u8 {
            for timeslot in 1..=TIMESLOTS_MAX as u8 {
                let place = Channel::on(interface, timeslot).place().expect("there is such a channel");
                assert_eq!(Channel::at(place), Channel::on(interface, timeslot));
                places.push(place);
            }
        }
        places.sort_unstable();
        assert!(places.into_iter().eq(0..INTERFACES_MAX * TIMESLOTS_MAX));
        for nothing in [Channel::new(0), Channel::new(32), Channel::on(31, 1)] {
            assert_eq!(nothing.place(), None);
        }
    }

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let channels = [Channel::new(1), Channel::new(31), Channel::on(1, 24), Channel::on(30, 31)];
        let mut set: ChannelSet = channels.into_iter().chain([Channel::new(0), Channel::on(31, 1)]).collect();
        assert!(set.iter().eq(channels), "what is no channel is not in it");
        assert_eq!((set.len(), set.is_empty(), set.single()), (4, false, None));
        assert_eq!((set.timeslots(0), set.timeslots(1), set.timeslots(99)), (1 | 1 << 30, 1 << 23, 0));
        assert_eq!(set.and(&ChannelSet::on(1, u32::MAX)).single(), Some(Channel::on(1, 24)));
        assert_eq!(set.or(&ChannelSet::on(1, 1)).len(), 5);
        channels.into_iter().for_each(|channel| set.set(channel, false));
        assert!(set.is_empty() && set.iter().next().is_none() && !set.contains(channels[0]));
    }

    #[test]
    fn channels_as_people_read_them() {
        assert_eq!((Channel::new(5).to_string(), Channel::on(2, 5).to_string()), ("5".into(), "2/5".into()));
    }
}
