//! The interfaces of a D channel: which B channels they have, and what messages call them.
//!
//! An interface that has its D channel to itself is not named in messages. Where several share one (non-facility
//! associated signalling), each has an identifier, and we always write it; one that the far end does not name is the
//! interface that the message came in on.
//!
//! Data path: [`ChannelIdentification`] ↔ here ↔ [`Channel`] and [`ChannelSet`], for `call`, `calls`, `restart`, `service`.
//! Source: Q.931 (05/98) clause 4.5.13 (interface identifier), Annex F.1.

use super::channel::{ChannelIdentification, Form, Selection};
use crate::{Channel, ChannelSet, Group, INTERFACES_MAX, LinkId};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// What messages call it.
    pub identifier: u8,
    /// Timeslot 24 of a T1, 16 of an E1, is a D channel.
    pub d_channel: bool,
}

/// Channels of one interface, as an element names them: a word, where a [`ChannelSet`] of all interfaces is 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeslots {
    /// The place of the interface.
    pub interface: u8,
    /// Bit n-1 stands for timeslot n.
    pub bits: u32,
}

impl Timeslots {
    /// Whether a channel is among them.
    #[must_use]
    pub const fn contains(self, channel: Channel) -> bool {
        let bit = if channel.timeslot >= 1 && channel.timeslot <= 31 { 1 << (channel.timeslot - 1) } else { 0 };
        channel.interface == self.interface && self.bits & bit != 0
    }

    /// The only channel, if there is exactly one.
    #[must_use]
    pub fn single(self) -> Option<Channel> {
        (self.bits.count_ones() == 1).then(|| Channel::on(self.interface, self.bits.trailing_zeros() as u8 + 1))
    }

    /// The channels, lowest first.
    pub fn iter(self) -> impl Iterator<Item = Channel> {
        let mut left = self.bits;
        std::iter::from_fn(move || {
            let timeslot = (left != 0).then(|| left.trailing_zeros() as u8 + 1)?;
            left &= left - 1;
            Some(Channel::on(self.interface, timeslot))
        })
    }
}

impl From<Timeslots> for ChannelSet {
    fn from(timeslots: Timeslots) -> ChannelSet {
        ChannelSet::on(timeslots.interface, timeslots.bits)
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interfaces {
    e1: bool,
    logical_channels: bool,
    /// Messages name the interface.
    shared: bool,
    count: u8,
    list: [Interface; INTERFACES_MAX],
    /// The place of the interface that messages come in on.
    own: u8,
}

impl Interfaces {
    /// An interface with a D channel of its own. `logical_channels`: E1 channels are numbered 1 to 30, timeslots 17 to 31
    /// being channels 16 to 30.
    #[must_use]
    pub const fn alone(e1: bool, logical_channels: bool) -> Interfaces {
        let list = [Interface { identifier: 0, d_channel: true }; INTERFACES_MAX];
        Interfaces { e1, logical_channels, shared: false, count: 1, list, own: 0 }
    }

    /// The T1 interfaces of a group.
    #[must_use]
    pub fn shared(group: &Group) -> Interfaces {
        let has_d_channel =
            |place| [LinkId::Primary, LinkId::Backup].iter().any(|d| group.interface_of(*d) == Some(place));
        let mut interfaces = Interfaces::alone(false, false);
        (interfaces.shared, interfaces.count) = (true, group.identifiers().len() as u8);
        for (place, identifier) in (0..).zip(group.identifiers()) {
            let interface = Interface { identifier: *identifier, d_channel: has_d_channel(place) };
            interfaces.list[usize::from(place)] = interface;
        }
        interfaces.own = group.interface_of(LinkId::Primary).unwrap_or_default();
        interfaces
    }

    /// Messages come in on the interface at this place.
    pub fn carried_on(&mut self, place: u8) {
        self.own = place;
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// E1, otherwise T1.
    #[must_use]
    pub const fn is_e1(&self) -> bool {
        self.e1
    }

    /// The B channels of one interface: timeslots of an E1 but 16, of a T1 but 24 where that is a D channel.
    #[must_use]
    pub const fn timeslots_of(&self, place: u8) -> u32 {
        if place >= self.count {
            return 0;
        }
        match (self.e1, self.list[place as usize].d_channel) {
            (true, true) => 0x7fff_7fff,
            (true, false) => 0x7fff_ffff,
            (false, true) => 0x007f_ffff,
            (false, false) => 0x00ff_ffff,
        }
    }

    /// All B channels.
    #[must_use]
    pub fn channels(&self) -> ChannelSet {
        (0..self.count).fold(ChannelSet::default(), |set, place| set.or(&self.all_of(place)))
    }

    /// The B channels of the interface at this place.
    #[must_use]
    pub fn all_of(&self, place: u8) -> ChannelSet {
        ChannelSet::on(place, self.timeslots_of(place))
    }

    /// The B channels of the interface that messages come in on.
    #[must_use]
    pub fn all_of_own(&self) -> ChannelSet {
        self.all_of(self.own)
    }

    /// Whether there is such a B channel.
    #[must_use]
    pub const fn has(&self, channel: Channel) -> bool {
        let timeslots = self.timeslots_of(channel.interface);
        channel.timeslot >= 1 && channel.timeslot <= 31 && timeslots & 1 << (channel.timeslot - 1) != 0
    }

    /// A set as numbered in messages, by timeslot. Slot maps are by timeslot always.
    const fn timeslots_from(&self, set: u32, form: Form) -> u32 {
        match form {
            Form::Number if self.e1 && self.logical_channels => set & 0x7fff | (set & 0x3fff_8000) << 1,
            Form::Number | Form::Map24 | Form::Map32 => set,
        }
    }

    /// A set of timeslots as numbered in messages.
    const fn numbers_of(&self, set: u32, form: Form) -> u32 {
        match form {
            Form::Number if self.e1 && self.logical_channels => set & 0x7fff | (set & 0x7fff_0000) >> 1,
            Form::Number | Form::Map24 | Form::Map32 => set,
        }
    }

    /// What an element is to call the interface at this place.
    #[must_use]
    pub const fn identifier(&self, place: u8) -> Option<u32> {
        if self.shared && place < self.count { Some(self.list[place as usize].identifier as u32) } else { None }
    }

    /// The element for one channel.
    #[must_use]
    pub const fn identify(&self, channel: Channel, exclusive: bool) -> ChannelIdentification {
        let element = ChannelIdentification::one(channel.timeslot, exclusive);
        let selection = match element.selection {
            Selection::Channels { set, form } => Selection::Channels { set: self.numbers_of(set, form), form },
            other => other,
        };
        ChannelIdentification { interface: self.identifier(channel.interface), selection, ..element }
    }

    /// The place of the interface an element speaks of, if it is one of ours.
    #[must_use]
    pub fn place_of(&self, element: &ChannelIdentification) -> Option<u8> {
        match element.interface {
            None => Some(self.own),
            // An interface that is alone needs no identifier; some equipment writes 0 all the same.
            Some(identifier) if !self.shared => (identifier == 0).then_some(0),
            Some(identifier) => {
                (0..self.count).find(|place| u32::from(self.list[usize::from(*place)].identifier) == identifier)
            }
        }
    }

    /// The channels an element speaks of; `None` if some of them are no B channels of ours.
    #[must_use]
    pub fn channels_in(&self, element: &ChannelIdentification) -> Option<Timeslots> {
        let place = self.place_of(element)?;
        let named = match element.selection {
            Selection::None | Selection::Any => 0,
            Selection::Interface => self.timeslots_of(place),
            Selection::Channels { set, form } => self.timeslots_from(set, form),
        };
        (named & !self.timeslots_of(place) == 0).then_some(Timeslots { interface: place, bits: named })
    }

    /// Those of the channels an element speaks of that are ours, with their interface's place, and the element in the same
    /// form for no more than these; `None` if there are none.
    #[must_use]
    pub fn applicable(&self, element: &ChannelIdentification) -> Option<(Timeslots, ChannelIdentification)> {
        let place = self.place_of(element)?;
        let (named, selection) = match element.selection {
            Selection::None | Selection::Any => return None,
            Selection::Interface => (self.timeslots_of(place), Selection::Interface),
            Selection::Channels { set, form } => {
                let named = self.timeslots_from(set, form) & self.timeslots_of(place);
                (named, Selection::Channels { set: self.numbers_of(named, form), form })
            }
        };
        let timeslots = Timeslots { interface: place, bits: named };
        (named != 0).then_some((timeslots, ChannelIdentification { selection, ..*element }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(interfaces: &Interfaces, element: &ChannelIdentification) -> Option<Channel> {
        interfaces.channels_in(element)?.single()
    }

    #[test]
    fn timeslots_and_numbers() {
        let physical = Interfaces::alone(true, false);
        let logical = Interfaces::alone(true, true);
        for slot in (1..=15).chain(17..=31) {
            let channel = Channel::new(slot);
            assert!(physical.has(channel));
            assert_eq!(physical.identify(channel, true).single(), Some(slot));
            let number = if slot < 16 { slot } else { slot - 1 };
            let element = logical.identify(channel, true);
            assert_eq!(element.single(), Some(number));
            assert_eq!(one(&logical, &element), Some(channel));
        }
        assert_eq!(physical.channels_in(&ChannelIdentification::one(16, true)), None);
        let t1 = Interfaces::alone(false, false);
        assert_eq!(t1.channels_in(&ChannelIdentification::one(24, true)), None);
        assert!(t1.has(23.into()) && !t1.has(0.into()) && !t1.has(24.into()) && !t1.has(Channel::on(1, 1)));
        assert_eq!(t1.channels().len(), 23);
    }

    #[test]
    fn an_interface_that_is_alone_is_not_named() {
        let t1 = Interfaces::alone(false, false);
        assert_eq!(t1.identify(5.into(), true).interface, None);
        let named = |interface| ChannelIdentification { interface, ..ChannelIdentification::one(5, true) };
        assert_eq!(one(&t1, &named(Some(0))), Some(5.into()), "superfluous, and not wrong");
        assert_eq!(t1.channels_in(&named(Some(1))), None);
    }
}
