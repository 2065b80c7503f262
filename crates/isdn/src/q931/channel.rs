//! Channel Identification: which B channels a message speaks of, in every form there is on a primary rate interface.
//!
//! Data path: an element's octets ↔ [`ChannelIdentification`] ↔ `interfaces`, which knows the channels there are.
//! Source: Q.931 (05/98) clause 4.5.13, figures 4-18 and 4-19, tables 4-8 and following.
//! Words: slot map, the form with a bit a timeslot.

use crate::q921::Writer;
use heapless::Vec;

/// Longest content we write: octet 3, an interface identifier, octet 3.2, a list of 31 channels.
pub const CONTENT_MAX: usize = 38;

/// How channels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// By number, one or several.
    Number,
    /// As the slot map of a T1, three octets.
    Map24,
    /// As the slot map of an E1, four octets.
    Map32,
}

/// What is asked for or spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selection {
    /// No B channel.
    None,
    /// Any B channel.
    Any,
    /// The interface as a whole ("as indicated in the following octets", and none follow).
    Interface,
    /// These B channels.
    Channels {
        /// The set, as numbered on the wire: bit n-1 stands for number n; never empty.
        set: u32,
        /// How it is written.
        form: Form,
    },
}

/// The element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelIdentification {
    /// Another interface than the D channel's own, by its identifier.
    pub interface: Option<u32>,
    /// Nothing else will do.
    pub exclusive: bool,
    /// Which channels.
    pub selection: Selection,
}

/// The content cannot be understood (clause 5.8.6.2 or 5.8.7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadContent;

impl ChannelIdentification {
    /// One channel on the D channel's own interface.
    #[must_use]
    pub const fn one(channel: u8, exclusive: bool) -> ChannelIdentification {
        let set = if channel >= 1 && channel <= 32 { 1 << (channel - 1) } else { 0 };
        ChannelIdentification { interface: None, exclusive, selection: Selection::Channels { set, form: Form::Number } }
    }

    /// The only channel, if there is exactly one.
    #[must_use]
    pub fn single(&self) -> Option<u8> {
        match self.selection {
            Selection::Channels { set, .. } if set.count_ones() == 1 => Some(set.trailing_zeros() as u8 + 1),
            _ => None,
        }
    }

    /// Reads an element's content.
    ///
    /// # Errors
    /// [`BadContent`] for what is wrong and for what a primary rate interface has not: basic rate, D channels, channel
    /// units other than B.
    #[inline(always)]
    pub fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (&octet_3, mut rest) = content.split_first().ok_or(BadContent)?;
        let primary_rate = octet_3 & 0x20 != 0;
        let d_channel = octet_3 & 0x04 != 0;
        if !primary_rate || d_channel {
            return Err(BadContent);
        }
        let mut interface = None;
        if octet_3 & 0x40 != 0 {
            let mut identifier = 0u32;
            for count in 0.. {
                let (&octet, behind) = rest.split_first().ok_or(BadContent)?;
                rest = behind;
                identifier = identifier << 7 | u32::from(octet & 0x7f);
                if octet & 0x80 != 0 {
                    break;
                }
                if count == 3 {
                    return Err(BadContent);
                }
            }
            interface = Some(identifier);
        }
        let selection = match octet_3 & 0x03 {
            0 => Selection::None,
            1 if rest.is_empty() => Selection::Interface,
            1 => Self::decode_channels(rest)?,
            3 => Selection::Any,
            _ => return Err(BadContent),
        };
        Ok(ChannelIdentification { interface, exclusive: octet_3 & 0x08 != 0, selection })
    }

    fn decode_channels(octets: &[u8]) -> Result<Selection, BadContent> {
        let (&octet_3_2, slots) = octets.split_first().ok_or(BadContent)?;
        // ITU coding (bits 7-6), B-channel units (bits 4-1).
        if octet_3_2 & 0x60 != 0 || octet_3_2 & 0x0f != 0x03 {
            return Err(BadContent);
        }
        let (set, form) = if octet_3_2 & 0x10 == 0 {
            let mut set = 0u32;
            for octet in slots {
                let number = octet & 0x7f;
                if !(1..=31).contains(&number) {
                    return Err(BadContent);
                }
                set |= 1 << (number - 1);
                if octet & 0x80 != 0 {
                    break;
                }
            }
            (set, Form::Number)
        } else {
            match *slots {
                // Channel 24 first, channel 1 in the last bit.
                [a, b, c] => (u32::from_be_bytes([0, a, b, c]), Form::Map24),
                // Timeslot 31 first; the last bit is timeslot 0, which is no channel.
                [a, b, c, d] => (u32::from_be_bytes([a, b, c, d]) >> 1, Form::Map32),
                _ => return Err(BadContent),
            }
        };
        if set == 0 { Err(BadContent) } else { Ok(Selection::Channels { set, form }) }
    }

    /// Writes the element's content.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, CONTENT_MAX> {
        let mut content = Vec::from_array([0; CONTENT_MAX]);
        let mut writer = Writer::new(&mut content);
        self.write(&mut writer);
        let length = writer.length();
        debug_assert!(length.is_some(), "CONTENT_MAX is the longest there is");
        content.truncate(length.unwrap_or_default());
        content
    }

    #[inline]
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        let selection = match self.selection {
            Selection::None => 0,
            Selection::Any => 3,
            Selection::Interface | Selection::Channels { .. } => 1,
        };
        let explicit = if self.interface.is_some() { 0x40 } else { 0 };
        let octet_3 = 0xa0 | explicit | if self.exclusive { 0x08 } else { 0 } | selection;
        writer.put(&[octet_3]);
        if let Some(identifier) = self.interface {
            write_interface(writer, identifier);
        }
        match self.selection {
            Selection::Channels { set, form: Form::Number } => {
                writer.put(&[0x83]);
                let mut left = set & 0x7fff_ffff;
                while left != 0 {
                    let number = left.trailing_zeros() as u8 + 1;
                    left &= left - 1;
                    writer.put(&[number | if left == 0 { 0x80 } else { 0 }]);
                }
            }
            Selection::Channels { set, form: Form::Map24 } => {
                let [_, a, b, c] = set.to_be_bytes();
                writer.put(&[0x93, a, b, c]);
            }
            Selection::Channels { set, form: Form::Map32 } => {
                let [a, b, c, d] = (set << 1).to_be_bytes();
                writer.put(&[0x93, a, b, c, d]);
            }
            Selection::None | Selection::Any | Selection::Interface => {}
        }
    }
}

/// An interface identifier, seven bits an octet, in as few as it needs.
fn write_interface(writer: &mut Writer<'_>, identifier: u32) {
    let octets = match identifier {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    };
    for place in (0..octets).rev() {
        let last = if place == 0 { 0x80 } else { 0 };
        writer.put(&[last | (identifier >> (7 * place) & 0x7f) as u8]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn channels(set: u32, form: Form) -> Selection {
        Selection::Channels { set, form }
    }

    /// Octets as other equipment sends them, with what they say (clause 4.5.13).
    #[test]
    fn the_forms() {
        let cases: [(&[u8], Option<u32>, bool, Selection); 11] = [
            (&[0xa9, 0x83, 0x85], None, true, channels(1 << 4, Form::Number)),
            (&[0xa1, 0x83, 0x9f], None, false, channels(1 << 30, Form::Number)),
            (&[0xe9, 0x81, 0x83, 0x85], Some(1), true, channels(1 << 4, Form::Number)),
            (&[0xe9, 0x01, 0x80, 0x83, 0x85], Some(128), true, channels(1 << 4, Form::Number)),
            (&[0xa9], None, true, Selection::Interface),
            (&[0xab], None, true, Selection::Any),
            (&[0xa3], None, false, Selection::Any),
            (&[0xa0], None, false, Selection::None),
            (&[0xa9, 0x83, 0x01, 0x02, 0x83], None, true, channels(0b111, Form::Number)),
            (&[0xa9, 0x93, 0x00, 0x00, 0x1f], None, true, channels(0b11111, Form::Map24)),
            (&[0xa9, 0x93, 0x00, 0x00, 0x00, 0x1e], None, true, channels(0b1111, Form::Map32)),
        ];
        for (octets, interface, exclusive, selection) in cases {
            let element = ChannelIdentification { interface, exclusive, selection };
            assert_eq!(ChannelIdentification::decode(octets), Ok(element), "{octets:02x?}");
            assert_eq!(element.encode()[..], *octets, "{element:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let cases: [&[u8]; 12] = [
            &[],
            &[0x89],                               // basic rate
            &[0xad, 0x83, 0x85],                   // the D channel
            &[0xa2],                               // reserved selection
            &[0xe9],                               // interface identifier missing
            &[0xe9, 0, 0, 0, 0, 0x80, 0x83, 0x85], // and too long
            &[0xa9, 0x83],                         // no channel
            &[0xa9, 0x83, 0x80],                   // channel 0
            &[0xa9, 0x83, 0xa0],                   // channel 32
            &[0xa9, 0xa3, 0x85],                   // another coding standard
            &[0xa9, 0x86, 0x81],                   // H0 units
            &[0xa9, 0x93, 0, 0],                   // a map of two octets
        ];
        for octets in cases {
            assert_eq!(ChannelIdentification::decode(octets), Err(BadContent), "{octets:02x?}");
        }
    }

    /// A list whose last number lacks the extension bit ends with the element.
    #[test]
    fn a_list_may_lack_its_last_bit() {
        let element = ChannelIdentification::decode(&[0xa9, 0x83, 0x05]).expect("readable");
        assert_eq!(element.single(), Some(5));
    }

    proptest! {
        #[test]
        fn round_trip(interface in proptest::option::of(0u32..1 << 28), exclusive: bool, set in 1u32..1 << 31, kind in 0..6) {
            let selection = match kind {
                0 => Selection::None,
                1 => Selection::Any,
                2 => Selection::Interface,
                3 => channels(set, Form::Number),
                4 => channels((set & 0xff_ffff).max(1), Form::Map24),
                _ => channels(set, Form::Map32),
            };
            let element = ChannelIdentification { interface, exclusive, selection };
            prop_assert_eq!(ChannelIdentification::decode(&element.encode()), Ok(element));
        }

        #[test]
        fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Ok(element) = ChannelIdentification::decode(&octets) {
                prop_assert_eq!(ChannelIdentification::decode(&element.encode()), Ok(element));
            }
        }
    }
}
