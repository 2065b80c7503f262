//! SERVICE and SERVICE ACKNOWLEDGE: the messages with which two ends tell one another whether a B channel may carry calls.
//!
//! Looks after octets only; what the messages do to a channel is `service`'s.
//!
//! ```text
//!   octet 1    discriminator    0x03 the exchanges' own, 0x43 national
//!   octet 2-4  call reference   2 octets, value 0; flag 0: SERVICE, flag 1: SERVICE ACKNOWLEDGE
//!   octet 5    message type     0x0f and 0x07 under 0x03; the other way round under 0x43
//!   then       Change Status (0x01) and Channel Identification (0x18)
//! ```
//!
//! Data path: information fields of I frames with one of the two discriminators → [`ServiceMessage::decode`] → `service`;
//! and the other way, [`ServiceMessage::encode`] → the data link.
//! Source: the exchanges' own primary rate specifications (AT&T TR 41459, Nortel NIS A211-1, Telcordia SR-4994). That the
//! types change places under 0x43 is what equipment in service does. Departure: under 0x43 the flag alone tells a request
//! from a reply, so that a far end with the types the other way round is understood, and a reply has the type that the
//! request did not have.
//! Words: status, what Change Status says, as a code; request and reply, the two kinds by their direction.

use crate::ServiceState;
use crate::q921::{Message, N201_MAX, Writer};
use crate::q931::channel::ChannelIdentification;
use crate::q931::element::id;
use crate::q931::message::Elements;

/// Identifier of Change Status in codeset 0 of maintenance messages.
pub const CHANGE_STATUS: u8 = 0x01;

/// The two message types; which is which depends on the discriminator.
const TYPES: [u8; 2] = [0x07, 0x0f];

/// Change Status of one channel: extension bit, and preference "channel".
const CHANNEL_PREFERENCE: u8 = 0xc0;

/// Which family of maintenance messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Discriminator {
    /// 0x03: 5ESS, 4ESS, DMS-100.
    Exchange = 0x03,
    /// 0x43: National ISDN.
    National = 0x43,
}

impl Discriminator {
    /// The message type of a request; a reply has the other.
    const fn request_type(self) -> u8 {
        match self {
            Discriminator::Exchange => 0x0f,
            Discriminator::National => 0x07,
        }
    }
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// SERVICE: a channel's status changes, or is told again.
    Service,
    /// SERVICE ACKNOWLEDGE.
    Acknowledge,
}

/// A message taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceMessage {
    /// Its family.
    pub discriminator: Discriminator,
    /// Its direction.
    pub kind: Kind,
    /// Its type as it stands in the message, 0x07 or 0x0f.
    pub code: u8,
    /// The octet of Change Status, whole: a reply gives back what the request had.
    pub status: u8,
    /// Which channels are meant, as they were written.
    pub channels: ChannelIdentification,
}

/// Why octets are no SERVICE and no SERVICE ACKNOWLEDGE. None of these is ever answered: two ends that answered what they
/// do not understand would never stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another protocol discriminator.
    Discriminator,
    /// Too short to have a message type.
    TooShort,
    /// The call reference is not the global one of one or two octets.
    Reference,
    /// Another maintenance message, or a type that does not go with the flag.
    Type,
    /// Change Status is missing or empty.
    Status,
    /// Channel Identification is missing or cannot be understood.
    Channels,
}

impl ServiceMessage {
    /// SERVICE for these channels.
    #[must_use]
    pub const fn request(discriminator: Discriminator, state: ServiceState, channels: ChannelIdentification) -> Self {
        let code = discriminator.request_type();
        ServiceMessage { discriminator, kind: Kind::Service, code, status: status_of(state), channels }
    }

    /// The answer to a request, for those of its channels that it was applied to.
    #[must_use]
    pub const fn acknowledgement(&self, channels: ChannelIdentification) -> Self {
        ServiceMessage { kind: Kind::Acknowledge, code: self.code ^ (TYPES[0] ^ TYPES[1]), channels, ..*self }
    }

    /// The state it speaks of; `None` for a code that has no meaning here (loopback and continuity tests, reserved ones).
    #[must_use]
    pub const fn state(&self) -> Option<ServiceState> {
        match self.status & 0x07 {
            0 => Some(ServiceState::InService),
            1 => Some(ServiceState::Maintenance),
            2 => Some(ServiceState::OutOfService),
            _ => None,
        }
    }

    /// Takes a message apart.
    ///
    /// # Errors
    /// [`Fault`] says what is wrong.
    pub fn decode(octets: &[u8]) -> Result<Self, Fault> {
        let (&first, rest) = octets.split_first().ok_or(Fault::TooShort)?;
        let discriminator = match first {
            0x03 => Discriminator::Exchange,
            0x43 => Discriminator::National,
            _ => return Err(Fault::Discriminator),
        };
        let (reply, rest) = match rest {
            [1, reference, rest @ ..] if reference & 0x7f == 0 => (reference & 0x80 != 0, rest),
            [2, high, 0, rest @ ..] if high & 0x7f == 0 => (high & 0x80 != 0, rest),
            [] | [1 | 2] | [2, _] => return Err(Fault::TooShort),
            _ => return Err(Fault::Reference),
        };
        let (&code, elements) = rest.split_first().ok_or(Fault::TooShort)?;
        let kind = match (discriminator, reply, code) {
            // Ends that know nothing of service messages send them back so, with the flag as it was.
            (Discriminator::Exchange, _, 0x07) => Kind::Acknowledge,
            (Discriminator::Exchange, false, 0x0f) | (Discriminator::National, false, 0x07 | 0x0f) => Kind::Service,
            (Discriminator::National, true, 0x07 | 0x0f) => Kind::Acknowledge,
            _ => return Err(Fault::Type),
        };
        let (mut status, mut channels) = (None, None);
        for element in Elements::new(elements).filter(|element| element.codeset == 0 && !element.truncated) {
            // Of an element that comes twice the first counts (Q.931 clause 5.8.5.2).
            match element.identifier {
                CHANGE_STATUS => status = status.or(element.content.first().copied()),
                id::CHANNEL_IDENTIFICATION if channels.is_none() => {
                    channels = Some(ChannelIdentification::decode(element.content).map_err(|_| Fault::Channels)?);
                }
                _ => {}
            }
        }
        let status = status.ok_or(Fault::Status)?;
        let channels = channels.ok_or(Fault::Channels)?;
        Ok(ServiceMessage { discriminator, kind, code, status, channels })
    }

    /// Writes the message.
    #[must_use]
    pub fn encode(&self) -> Message {
        let mut message = Message::from_array([0; N201_MAX]);
        let mut writer = Writer::new(&mut message);
        self.write(&mut writer);
        let length = writer.length();
        debug_assert!(length.is_some(), "N201 is far longer");
        message.truncate(length.unwrap_or_default());
        message
    }

    /// Writes the message where there is room for it.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        let flag = match self.kind {
            Kind::Service => 0,
            Kind::Acknowledge => 0x80,
        };
        writer.put(&[self.discriminator as u8, 2, flag, 0, self.code, CHANGE_STATUS, 1, self.status]);
        writer.put_element(id::CHANNEL_IDENTIFICATION, |writer| self.channels.write(writer));
    }
}

/// Change Status of one channel.
const fn status_of(state: ServiceState) -> u8 {
    CHANNEL_PREFERENCE
        | match state {
            ServiceState::InService => 0,
            ServiceState::Maintenance => 1,
            ServiceState::OutOfService => 2,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::q931::channel::{Form, Selection};
    use proptest::prelude::*;

    const FIVE: ChannelIdentification = ChannelIdentification::one(5, true);

    /// Octets that another stack sent, by family: SERVICE for channel 5, and what it was answered with.
    #[test]
    fn as_other_equipment_writes_them() {
        use ServiceState::{InService, Maintenance, OutOfService};
        for (state, octet) in [(InService, 0xc0), (Maintenance, 0xc1), (OutOfService, 0xc2)] {
            for (discriminator, first, service, acknowledge) in
                [(Discriminator::Exchange, 0x03, 0x0f, 0x07), (Discriminator::National, 0x43, 0x07, 0x0f)]
            {
                let elements = [0x01, 0x01, octet, 0x18, 0x03, 0xa9, 0x83, 0x85];
                let sent = [&[first, 0x02, 0x00, 0x00, service], &elements[..]].concat();
                let answered = [&[first, 0x02, 0x80, 0x00, acknowledge], &elements[..]].concat();
                let request = ServiceMessage::request(discriminator, state, FIVE);
                assert_eq!(request.encode()[..], sent[..]);
                assert_eq!(ServiceMessage::decode(&sent), Ok(request));
                assert_eq!(request.acknowledgement(FIVE).encode()[..], answered[..]);
                assert_eq!(ServiceMessage::decode(&answered), Ok(request.acknowledgement(FIVE)));
                assert_eq!(request.state(), Some(state));
            }
        }
    }

    /// The types the other way round under 0x43, and an answer whose flag was not turned.
    #[test]
    fn either_reading_of_the_types() {
        let elements = [0x01, 0x01, 0xc2, 0x18, 0x03, 0xa9, 0x83, 0x85];
        let cases: [(&[u8], Kind); 5] = [
            (&[0x43, 2, 0x00, 0, 0x0f], Kind::Service),
            (&[0x43, 2, 0x80, 0, 0x07], Kind::Acknowledge),
            (&[0x03, 2, 0x00, 0, 0x07], Kind::Acknowledge),
            (&[0x03, 1, 0x80, 0x07], Kind::Acknowledge),
            (&[0x03, 1, 0x00, 0x0f], Kind::Service),
        ];
        for (start, kind) in cases {
            let octets = [start, &elements].concat();
            assert_eq!(ServiceMessage::decode(&octets).map(|message| message.kind), Ok(kind), "{octets:02x?}");
        }
        let swapped = ServiceMessage::decode(&[cases[0].0, &elements].concat()).expect("a request");
        assert_eq!(swapped.acknowledgement(FIVE).encode()[..5], [0x43, 2, 0x80, 0, 0x07]);
    }

    #[test]
    fn what_is_none_is_named() {
        let cases: [(&[u8], Fault); 15] = [
            (&[], Fault::TooShort),
            (&[0x03, 2, 0], Fault::TooShort),
            (&[0x03, 2, 0, 0], Fault::TooShort),
            (&[0x08, 2, 0, 0, 0x0f, 1, 1, 0xc2, 0x18, 1, 0xa9], Fault::Discriminator),
            (&[0x03, 2, 0, 1, 0x0f, 1, 1, 0xc2, 0x18, 1, 0xa9], Fault::Reference),
            (&[0x03, 2, 0x40, 0, 0x0f, 1, 1, 0xc2, 0x18, 1, 0xa9], Fault::Reference),
            (&[0x03, 0, 0x0f, 1, 1, 0xc2, 0x18, 1, 0xa9], Fault::Reference),
            // A reply of the request's type; what an end without service messages makes of an acknowledgement.
            (&[0x03, 2, 0x80, 0, 0x0f, 1, 1, 0xc2, 0x18, 1, 0xa9], Fault::Type),
            (&[0x03, 2, 0x80, 0, 0xff, 1, 1, 0xc2, 0x18, 1, 0xa9], Fault::Type),
            (&[0x43, 2, 0x00, 0, 0xff, 1, 1, 0xc2, 0x18, 1, 0xa9], Fault::Type),
            (&[0x03, 2, 0, 0, 0x0f, 0x18, 1, 0xa9], Fault::Status),
            (&[0x03, 2, 0, 0, 0x0f, 1, 0, 0x18, 1, 0xa9], Fault::Status),
            (&[0x03, 2, 0, 0, 0x0f, 1, 1, 0xc2], Fault::Channels),
            (&[0x03, 2, 0, 0, 0x0f, 1, 1, 0xc2, 0x18, 3, 0xa9, 0x83], Fault::Channels),
            (&[0x03, 2, 0, 0, 0x0f, 1, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x80], Fault::Channels),
        ];
        for (octets, fault) in cases {
            assert_eq!(ServiceMessage::decode(octets), Err(fault), "{octets:02x?}");
        }
    }

    #[test]
    fn codes_without_a_meaning_here_are_kept() {
        for status in [0xc3, 0xc4, 0xff, 0x87] {
            let octets = [0x03, 2, 0, 0, 0x0f, 1, 1, status, 0x18, 3, 0xa9, 0x83, 0x85];
            let message = ServiceMessage::decode(&octets).expect("readable");
            assert_eq!((message.state(), message.status), (None, status));
            assert_eq!(message.encode()[..], octets);
        }
    }

    proptest! {
        #[test]
        fn round_trip(national: bool, reply: bool, status: u8, set in 1u32..1 << 31, form in 0..3) {
            let discriminator = if national { Discriminator::National } else { Discriminator::Exchange };
            let form = [Form::Number, Form::Map32, Form::Number][form as usize];
            let channels = ChannelIdentification {
                interface: None, exclusive: true, selection: Selection::Channels { set, form },
            };
            let request = ServiceMessage {
                status, ..ServiceMessage::request(discriminator, ServiceState::InService, channels)
            };
            let message = if reply { request.acknowledgement(channels) } else { request };
            prop_assert_eq!(ServiceMessage::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn any_octets_are_survived(national: bool, octets in proptest::collection::vec(any::<u8>(), 0..24)) {
            let start: &[u8] = if national { &[0x43, 2, 0, 0, 0x07] } else { &[0x03, 2, 0, 0, 0x0f] };
            if let Ok(message) = ServiceMessage::decode(&[start, &octets].concat()) {
                prop_assert_eq!(ServiceMessage::decode(&message.encode()), Ok(message));
            }
        }
    }
}
