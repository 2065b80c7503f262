//! The raw form of a layer 3 message: discriminator, call reference, message type, and elements one after the other.
//!
//! What the elements say is `content`'s; nothing here is copied, and nothing here trusts a length.
//!
//! Data path: the information field of an I frame → [`split`] → a [`Raw`] and its [`Elements`]; and the other way,
//! [`write_start`] → `content` → the data link.
//! Source: Q.931 (05/98) clauses 4.2 to 4.5, figures 4-1 to 4-10; error handling of these parts in 5.8.1 to 5.8.3.
//! Words: codeset, one of eight meanings of an element's identifier; 0 is Q.931's own.

use crate::CallReference;
use crate::q921::Writer;

/// Protocol discriminator of call control (table 4-1).
pub const CALL_CONTROL: u8 = 0x08;

/// Protocol discriminators of maintenance messages: the exchanges' own, and the national one.
pub const MAINTENANCE: [u8; 2] = [0x03, 0x43];

/// Message types (table 4-2). Only those that Q.931 itself has; [`is_defined`](MessageType::is_defined) tells them from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageType(pub u8);

#[allow(missing_docs, reason = "their names are their documentation: table 4-2")]
impl MessageType {
    pub const ALERTING: MessageType = MessageType(0x01);
    pub const CALL_PROCEEDING: MessageType = MessageType(0x02);
    pub const PROGRESS: MessageType = MessageType(0x03);
    pub const SETUP: MessageType = MessageType(0x05);
    pub const CONNECT: MessageType = MessageType(0x07);
    pub const SETUP_ACKNOWLEDGE: MessageType = MessageType(0x0d);
    pub const CONNECT_ACKNOWLEDGE: MessageType = MessageType(0x0f);
    pub const USER_INFORMATION: MessageType = MessageType(0x20);
    pub const SUSPEND_REJECT: MessageType = MessageType(0x21);
    pub const RESUME_REJECT: MessageType = MessageType(0x22);
    pub const SUSPEND: MessageType = MessageType(0x25);
    pub const RESUME: MessageType = MessageType(0x26);
    pub const SUSPEND_ACKNOWLEDGE: MessageType = MessageType(0x2d);
    pub const RESUME_ACKNOWLEDGE: MessageType = MessageType(0x2e);
    pub const DISCONNECT: MessageType = MessageType(0x45);
    pub const RESTART: MessageType = MessageType(0x46);
    pub const RELEASE: MessageType = MessageType(0x4d);
    pub const RESTART_ACKNOWLEDGE: MessageType = MessageType(0x4e);
    pub const RELEASE_COMPLETE: MessageType = MessageType(0x5a);
    pub const SEGMENT: MessageType = MessageType(0x60);
    pub const FACILITY: MessageType = MessageType(0x62);
    pub const NOTIFY: MessageType = MessageType(0x6e);
    pub const STATUS_ENQUIRY: MessageType = MessageType(0x75);
    pub const CONGESTION_CONTROL: MessageType = MessageType(0x79);
    pub const INFORMATION: MessageType = MessageType(0x7b);
    pub const STATUS: MessageType = MessageType(0x7d);
}

const NAMES: [(MessageType, &str); 26] = [
    (MessageType::ALERTING, "ALERTING"),
    (MessageType::CALL_PROCEEDING, "CALL PROCEEDING"),
    (MessageType::PROGRESS, "PROGRESS"),
    (MessageType::SETUP, "SETUP"),
    (MessageType::CONNECT, "CONNECT"),
    (MessageType::SETUP_ACKNOWLEDGE, "SETUP ACKNOWLEDGE"),
    (MessageType::CONNECT_ACKNOWLEDGE, "CONNECT ACKNOWLEDGE"),
    (MessageType::USER_INFORMATION, "USER INFORMATION"),
    (MessageType::SUSPEND_REJECT, "SUSPEND REJECT"),
    (MessageType::RESUME_REJECT, "RESUME REJECT"),
    (MessageType::SUSPEND, "SUSPEND"),
    (MessageType::RESUME, "RESUME"),
    (MessageType::SUSPEND_ACKNOWLEDGE, "SUSPEND ACKNOWLEDGE"),
    (MessageType::RESUME_ACKNOWLEDGE, "RESUME ACKNOWLEDGE"),
    (MessageType::DISCONNECT, "DISCONNECT"),
    (MessageType::RESTART, "RESTART"),
    (MessageType::RELEASE, "RELEASE"),
    (MessageType::RESTART_ACKNOWLEDGE, "RESTART ACKNOWLEDGE"),
    (MessageType::RELEASE_COMPLETE, "RELEASE COMPLETE"),
    (MessageType::SEGMENT, "SEGMENT"),
    (MessageType::FACILITY, "FACILITY"),
    (MessageType::NOTIFY, "NOTIFY"),
    (MessageType::STATUS_ENQUIRY, "STATUS ENQUIRY"),
    (MessageType::CONGESTION_CONTROL, "CONGESTION CONTROL"),
    (MessageType::INFORMATION, "INFORMATION"),
    (MessageType::STATUS, "STATUS"),
];

impl MessageType {
    /// The name in table 4-2, or "unknown message".
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(kind, _)| *kind == self).map_or("unknown message", |(_, name)| name)
    }

    /// Whether table 4-2 has it.
    #[must_use]
    pub fn is_defined(self) -> bool {
        NAMES.iter().any(|(kind, _)| *kind == self)
    }
}

/// Whom a message is about (clause 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// One call.
    Call(CallReference),
    /// All calls of the D channel: the value 0, used by RESTART. True if its flag says that this side chose it.
    Global {
        /// As [`CallReference::ours`].
        ours: bool,
    },
}

/// A message taken apart as far as its type; the rest are elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a> {
    /// Whom it is about.
    pub reference: Reference,
    /// Its type.
    pub kind: MessageType,
    /// All octets behind the type.
    pub elements: &'a [u8],
}

/// Why octets are not a message for call control. None of these is ever answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAMessage {
    /// Too short to have a message type (clause 5.8.2).
    TooShort,
    /// A maintenance message, which has rules of its own.
    Maintenance,
    /// Another protocol discriminator (clause 5.8.1).
    OtherProtocol,
    /// A call reference of a length or form that a primary rate interface has not (clause 5.8.3.1), the dummy call
    /// reference included.
    BadReference,
}

/// Takes a message apart. `octets` came from the far end, so its flag is turned round.
///
/// # Errors
/// [`NotAMessage`] says what it is instead.
pub fn split(octets: &[u8]) -> Result<Raw<'_>, NotAMessage> {
    let (&discriminator, rest) = octets.split_first().ok_or(NotAMessage::TooShort)?;
    if MAINTENANCE.contains(&discriminator) {
        return Err(NotAMessage::Maintenance);
    }
    if discriminator != CALL_CONTROL {
        return Err(NotAMessage::OtherProtocol);
    }
    let (&length, rest) = rest.split_first().ok_or(NotAMessage::TooShort)?;
    // Two octets on a primary rate interface; values up to 127 may come in one (clause 4.3).
    let (flag, value, rest) = match (length, rest) {
        (1, [octet, rest @ ..]) => (octet & 0x80 != 0, u16::from(octet & 0x7f), rest),
        (2, [high, low, rest @ ..]) => (high & 0x80 != 0, u16::from_be_bytes([high & 0x7f, *low]), rest),
        (1 | 2, _) => return Err(NotAMessage::TooShort),
        _ => return Err(NotAMessage::BadReference),
    };
    let (&kind, elements) = rest.split_first().ok_or(NotAMessage::TooShort)?;
    let reference = match value {
        0 => Reference::Global { ours: flag },
        value => Reference::Call(CallReference { value, ours: flag }),
    };
    // Bit 8 is reserved for extension (figure 4-8): an escape to types we cannot know, which no defined type equals.
    Ok(Raw { reference, kind: MessageType(kind), elements })
}

/// Writes a message up to its type; its elements are to follow.
pub fn write_start(writer: &mut Writer<'_>, reference: Reference, kind: MessageType) {
    let (value, ours) = match reference {
        Reference::Call(CallReference { value, ours }) => (value & 0x7fff, ours),
        Reference::Global { ours } => (0, ours),
    };
    // The flag is 0 from the side that chose the value (clause 4.3).
    let [high, low] = (value | if ours { 0 } else { 0x8000 }).to_be_bytes();
    writer.put(&[CALL_CONTROL, 2, high, low, kind.0]);
}

/// One element as it stands in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawElement<'a> {
    /// In which codeset its identifier is to be read.
    pub codeset: u8,
    /// The identifier; for a single-octet element of type 1 its upper half (0x80 to 0xf0), of type 2 the whole octet.
    pub identifier: u8,
    /// What it says; for a single-octet element of type 1 empty.
    pub content: &'a [u8],
    /// The message ended before the element did (its length was a lie).
    pub truncated: bool,
    /// A non-locking shift stood before it (clause 4.5.4).
    pub shifted_once: bool,
}

/// The elements of a message in the order they stand in, shifts of the codeset followed and left out.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    locked: u8,
    once: Option<u8>,
}

impl<'a> Elements<'a> {
    /// The elements in these octets.
    #[must_use]
    pub fn new(octets: &'a [u8]) -> Self {
        Elements { rest: octets, locked: 0, once: None }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = RawElement<'a>;

    fn next(&mut self) -> Option<RawElement<'a>> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            self.rest = rest;
            if first & 0xf0 == 0x90 {
                let codeset = first & 0x07;
                if first & 0x08 != 0 {
                    self.once = Some(codeset);
                } else if codeset > self.locked {
                    // A locking shift leads to a higher codeset only (clause 4.5.3).
                    self.locked = codeset;
                }
                continue;
            }
            let shifted_once = self.once.is_some();
            let codeset = self.once.take().unwrap_or(self.locked);
            if first & 0x80 != 0 {
                let identifier = if first & 0xf0 == 0xa0 { first } else { first & 0xf0 };
                return Some(RawElement { codeset, identifier, content: &[], truncated: false, shifted_once });
            }
            let Some((&length, rest)) = self.rest.split_first() else {
                return Some(RawElement { codeset, identifier: first, content: &[], truncated: true, shifted_once });
            };
            let (content, rest, truncated) = match rest.split_at_checked(usize::from(length)) {
                Some((content, rest)) => (content, rest, false),
                None => (rest, &[][..], true),
            };
            self.rest = rest;
            return Some(RawElement { codeset, identifier: first, content, truncated, shifted_once });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_turned_round() {
        let octets = [0x08, 0x02, 0x80, 0x01, 0x07, 0x18, 0x03, 0xa9, 0x83, 0x85];
        let raw = split(&octets).expect("a message");
        assert_eq!(raw.reference, Reference::Call(CallReference { value: 1, ours: true }));
        assert_eq!(raw.kind, MessageType::CONNECT);
        assert_eq!(raw.elements, [0x18, 0x03, 0xa9, 0x83, 0x85]);
        let mut back = [0; 5];
        let reference = Reference::Call(CallReference { value: 1, ours: true });
        write_start(&mut Writer::new(&mut back), reference, MessageType::CONNECT);
        assert_eq!(back, [0x08, 0x02, 0x00, 0x01, 0x07]);
    }

    #[test]
    fn one_octet_of_reference_is_read() {
        let raw = split(&[0x08, 0x01, 0x85, 0x07]).expect("a message");
        assert_eq!(raw.reference, Reference::Call(CallReference { value: 5, ours: true }));
    }

    /// Clauses 5.8.1 to 5.8.3.1.
    #[test]
    fn what_is_no_message_is_named() {
        let cases: [(&[u8], NotAMessage); 10] = [
            (&[], NotAMessage::TooShort),
            (&[0x08], NotAMessage::TooShort),
            (&[0x08, 0x02, 0x00], NotAMessage::TooShort),
            (&[0x08, 0x02, 0x00, 0x01], NotAMessage::TooShort),
            (&[0x41, 0x02, 0x00, 0x01, 0x05], NotAMessage::OtherProtocol),
            (&[0x03, 0x02, 0x00, 0x00, 0x0f, 0x01, 0x01, 0xc2], NotAMessage::Maintenance),
            (&[0x43, 0x02, 0x00, 0x00, 0x07], NotAMessage::Maintenance),
            (&[0x08, 0x00, 0x62], NotAMessage::BadReference),
            (&[0x08, 0x05, 0, 0, 0, 0, 1, 0x05], NotAMessage::BadReference),
            (&[0x08, 0x12, 0x00, 0x01, 0x05], NotAMessage::BadReference),
        ];
        for (octets, expected) in cases {
            assert_eq!(split(octets), Err(expected), "{octets:02x?}");
        }
    }

    fn list(octets: &[u8]) -> Vec<(u8, u8, Vec<u8>, bool)> {
        Elements::new(octets).map(|e| (e.codeset, e.identifier, e.content.to_vec(), e.truncated)).collect()
    }

    #[test]
    fn shifts_are_followed() {
        // 4.5.4: once, for the next element only.
        assert_eq!(
            list(&[0x9d, 0x28, 1, b'x', 0x28, 1, b'y']),
            [(5, 0x28, vec![b'x'], false), (0, 0x28, vec![b'y'], false)]
        );
        // 4.5.3: from here on, never back, and a non-locking shift in between.
        assert_eq!(
            list(&[0x96, 0x01, 0, 0x98, 0x28, 0, 0x95, 0x02, 0]),
            [(6, 0x01, vec![], false), (0, 0x28, vec![], false), (6, 0x02, vec![], false)]
        );
    }

    #[test]
    fn single_octets_have_no_length() {
        assert_eq!(
            list(&[0xa1, 0xd3, 0x08, 0]),
            [(0, 0xa1, vec![], false), (0, 0xd0, vec![], false), (0, 8, vec![], false)]
        );
    }

    #[test]
    fn a_length_that_lies_ends_the_message() {
        assert_eq!(list(&[0x08, 200, 1, 2]), [(0, 0x08, vec![1, 2], true)]);
        assert_eq!(list(&[0x08]), [(0, 0x08, vec![], true)]);
        assert_eq!(list(&[0x9d]), []);
    }
}
