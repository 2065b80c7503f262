//! The elements of the basic call one by one, except Channel Identification, which has a module of its own.
//!
//! Each has a way in from its content octets, and a way out. Content that cannot be understood is [`BadContent`].
//!
//! Data path: `content` ↔ here.
//! Source: Q.931 (05/98) clause 4.5, Q.850 (05/98) clause 2 for causes.
//! Words: content, an element without its identifier and length.

use super::channel::BadContent;
use crate::q921::Writer;
use crate::{Bearer, Cause, Location, Number, Presentation, Screening};
use heapless::{String, Vec};

/// Identifiers of codeset 0 that we read or write (table 4-3).
#[allow(missing_docs, reason = "their names are their documentation")]
pub mod id {
    pub const SEGMENTED_MESSAGE: u8 = 0x00;
    pub const BEARER_CAPABILITY: u8 = 0x04;
    pub const CAUSE: u8 = 0x08;
    pub const CALL_STATE: u8 = 0x14;
    pub const CHANNEL_IDENTIFICATION: u8 = 0x18;
    pub const FACILITY: u8 = 0x1c;
    pub const PROGRESS_INDICATOR: u8 = 0x1e;
    pub const NOTIFICATION_INDICATOR: u8 = 0x27;
    pub const DISPLAY: u8 = 0x28;
    pub const KEYPAD_FACILITY: u8 = 0x2c;
    pub const CALLING_PARTY_NUMBER: u8 = 0x6c;
    pub const CALLED_PARTY_NUMBER: u8 = 0x70;
    pub const REDIRECTING_NUMBER: u8 = 0x74;
    pub const RESTART_INDICATOR: u8 = 0x79;
    pub const SENDING_COMPLETE: u8 = 0xa1;
}

/// Progress description: in-band information or an appropriate pattern is now available (4.5.23).
pub const IN_BAND: u8 = 8;

/// Octets of diagnostics that are kept with a cause.
pub const DIAGNOSTICS_MAX: usize = 8;

/// The longest content any of these elements has.
pub const CONTENT_MAX: usize = 42;

/// What an element says, ready to be put into a message.
pub type Content = Vec<u8, CONTENT_MAX>;

/// An element's content, for those who want it without a message around it.
fn alone(write: impl FnOnce(&mut Writer<'_>)) -> Content {
    let mut content = Content::from_array([0; CONTENT_MAX]);
    let mut writer = Writer::new(&mut content);
    write(&mut writer);
    let length = writer.length();
    debug_assert!(length.is_some(), "CONTENT_MAX is the longest there is");
    content.truncate(length.unwrap_or_default());
    content
}

impl Location {
    /// The location's code point (Q.850 clause 2.2.3).
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Location::User => 0,
            Location::PrivateLocal => 1,
            Location::PublicLocal => 2,
            Location::Transit => 3,
            Location::PublicRemote => 4,
            Location::PrivateRemote => 5,
            Location::International => 7,
            Location::BeyondInterworking => 10,
            Location::Other(code) => code & 0x0f,
        }
    }

    /// The location of a code point.
    #[must_use]
    pub const fn from_code(code: u8) -> Location {
        match code & 0x0f {
            0 => Location::User,
            1 => Location::PrivateLocal,
            2 => Location::PublicLocal,
            3 => Location::Transit,
            4 => Location::PublicRemote,
            5 => Location::PrivateRemote,
            7 => Location::International,
            10 => Location::BeyondInterworking,
            other => Location::Other(other),
        }
    }
}

/// Cause (4.5.12, Q.850).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseElement {
    /// The cause.
    pub cause: Cause,
    /// What it is about, for instance the identifier of a missing element.
    pub diagnostics: Vec<u8, DIAGNOSTICS_MAX>,
}

impl CauseElement {
    /// A cause with diagnostics, of which as many as fit are kept.
    #[must_use]
    pub fn new(cause: Cause, diagnostics: &[u8]) -> CauseElement {
        CauseElement { cause, diagnostics: diagnostics.iter().copied().take(DIAGNOSTICS_MAX).collect() }
    }

    /// Reads the content. Causes of national and other coding standards are taken for what their number says.
    ///
    /// # Errors
    /// No cause value, or the value 0.
    #[inline(always)]
    pub fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (&octet_3, rest) = content.split_first().ok_or(BadContent)?;
        // Octet 3a, the Recommendation, when bit 8 of octet 3 is 0.
        let rest = if octet_3 & 0x80 == 0 { rest.get(1..).ok_or(BadContent)? } else { rest };
        let (&octet_4, diagnostics) = rest.split_first().ok_or(BadContent)?;
        let cause = Cause { value: octet_4 & 0x7f, location: Location::from_code(octet_3) };
        if cause.value == 0 { Err(BadContent) } else { Ok(CauseElement::new(cause, diagnostics)) }
    }

    /// Writes the content.
    #[must_use]
    pub fn encode(&self) -> Content {
        alone(|writer| self.write(writer))
    }

    #[inline]
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        write_cause(writer, self.cause, &self.diagnostics);
    }
}

/// Writes the content of a cause with diagnostics.
#[inline]
pub(crate) fn write_cause(writer: &mut Writer<'_>, cause: Cause, diagnostics: &[u8]) {
    writer.put(&[0x80 | cause.location.code(), 0x80 | cause.value]);
    writer.put(diagnostics);
}

/// Bearer Capability (4.5.5) as far as it concerns us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BearerCapability {
    /// What is carried.
    pub bearer: Bearer,
    /// Layer 1 is G.711 A-law, otherwise µ-law. Means something for speech and audio only.
    pub a_law: bool,
}

impl BearerCapability {
    /// Reads the content. What is not ITU-coded is [`Bearer::Other`], with its coding standard in bits 7-6.
    ///
    /// # Errors
    /// Fewer than two octets.
    pub fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let [octet_3, _, rest @ ..] = content else { return Err(BadContent) };
        let bearer = match octet_3 & 0x7f {
            0x00 => Bearer::Speech,
            0x10 => Bearer::Audio31,
            other => Bearer::Other(other),
        };
        let audio = matches!(bearer, Bearer::Speech | Bearer::Audio31);
        Ok(BearerCapability { bearer, a_law: audio && rest.first() == Some(&0xa3) })
    }

    /// Writes the content: circuit mode, 64 kbit/s.
    #[must_use]
    pub fn encode(&self) -> Content {
        alone(|writer| self.write(writer))
    }

    #[inline]
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        let law = if self.a_law { 0xa3 } else { 0xa2 };
        match self.bearer {
            Bearer::Speech => writer.put(&[0x80, 0x90, law]),
            Bearer::Audio31 => writer.put(&[0x90, 0x90, law]),
            Bearer::Other(code) => writer.put(&[0x80 | code, 0x90]),
        }
    }
}

/// Progress Indicator (4.5.23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Who says so.
    pub location: Location,
    /// What: 1 not end-to-end ISDN, 2 destination non-ISDN, 3 origination non-ISDN, 8 in-band information.
    pub description: u8,
}

impl Progress {
    /// There is something to hear (descriptions 1 and 8).
    #[must_use]
    pub const fn in_band(self) -> bool {
        matches!(self.description, 1 | IN_BAND)
    }

    /// Reads the content.
    ///
    /// # Errors
    /// Fewer than two octets.
    pub fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let [octet_3, octet_4, ..] = content else { return Err(BadContent) };
        Ok(Progress { location: Location::from_code(*octet_3), description: octet_4 & 0x7f })
    }

    /// Writes the content.
    #[must_use]
    pub fn encode(&self) -> Content {
        alone(|writer| self.write(writer))
    }

    #[inline]
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        writer.put(&[0x80 | self.location.code(), 0x80 | self.description]);
    }
}

/// Restart Indicator (4.5.25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartClass {
    /// The channels that Channel Identification names.
    IndicatedChannels,
    /// One interface: the D channel's own, or the one that Channel Identification names.
    SingleInterface,
    /// All interfaces of the D channel.
    AllInterfaces,
}

impl RestartClass {
    /// Reads the content.
    ///
    /// # Errors
    /// Empty, or a reserved class.
    pub fn decode(content: &[u8]) -> Result<Self, BadContent> {
        match content.first().ok_or(BadContent)? & 0x07 {
            0 => Ok(RestartClass::IndicatedChannels),
            6 => Ok(RestartClass::SingleInterface),
            7 => Ok(RestartClass::AllInterfaces),
            _ => Err(BadContent),
        }
    }

    /// Writes the content.
    #[must_use]
    pub const fn encode(self) -> [u8; 1] {
        match self {
            RestartClass::IndicatedChannels => [0x80],
            RestartClass::SingleInterface => [0x86],
            RestartClass::AllInterfaces => [0x87],
        }
    }
}

/// Display (4.5.16): text for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Display {
    /// An octet that some exchanges put first, telling the character set (bit 8 set).
    pub character_set: Option<u8>,
    /// The text; what is not printable IA5 is shown as `?`.
    pub text: String<40>,
}

impl Display {
    /// A text with the octet that goes before it; what does not fit is dropped.
    #[must_use]
    pub fn new(character_set: Option<u8>, text: &str) -> Self {
        let mut display = Display { character_set, text: String::new() };
        for character in text.chars() {
            let _ = display.text.push(character);
        }
        display
    }

    /// Reads the content, of which as much as fits is kept. There is nothing that a text could do wrong.
    #[must_use]
    pub fn decode(content: &[u8]) -> Self {
        let (character_set, text) = match content {
            [first, rest @ ..] if first & 0x80 != 0 => (Some(*first), rest),
            all => (None, all),
        };
        let shown = |octet: &u8| if (0x20..0x7f).contains(octet) { char::from(*octet) } else { '?' };
        Display { character_set, text: text.iter().take(40).map(shown).collect() }
    }

    /// Writes the content; what IA5 has not becomes `?`.
    #[must_use]
    pub fn encode(&self) -> Content {
        alone(|writer| self.write(writer))
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        if let Some(set) = self.character_set {
            writer.put(&[0x80 | set]);
        }
        for c in self.text.chars() {
            writer.put(&[if c.is_ascii() && !c.is_ascii_control() { c as u8 } else { b'?' }]);
        }
    }
}

/// Adds digits as they stand in a message, or none if something else is among them or they are more than are kept: half a number
/// would be another number.
///
/// # Errors
/// See above.
pub(crate) fn read_digits<const N: usize>(octets: &[u8], digits: &mut String<N>) -> Result<(), BadContent> {
    for octet in octets {
        let digit = char::from(octet & 0x7f);
        if !matches!(digit, '0'..='9' | '*' | '#') {
            return Err(BadContent);
        }
        digits.push(digit).map_err(|_| BadContent)?;
    }
    Ok(())
}

/// Reads a calling, called or redirecting number (4.5.8, 4.5.10 and the like).
///
/// Some exchanges set bit 8 of octet 3, which says that octet 3a is absent, and send it all the same. No digit has
/// that bit, so an octet that has it is none: where `unannounced` says that the exchange may be one of them.
///
/// # Errors
/// Too short, or digits that are none.
pub fn decode_number(content: &[u8], unannounced: bool) -> Result<Number, BadContent> {
    let mut number = Number::default();
    read_number(content, unannounced, &mut number)?;
    Ok(number)
}

/// The same into a number that is new, where it is to stay.
pub(crate) fn read_number(content: &[u8], unannounced: bool, number: &mut Number) -> Result<(), BadContent> {
    let (&octet_3, mut rest) = content.split_first().ok_or(BadContent)?;
    (number.kind, number.plan) = (octet_3 >> 4 & 0x07, octet_3 & 0x0f);
    let mut last = octet_3 & 0x80 != 0;
    let mut octet_3a = None;
    for _ in 0..2 {
        match rest.split_first() {
            Some((&octet, behind)) if !last || unannounced && octet & 0x80 != 0 => {
                // Octet 3b is the reason for a redirection.
                octet_3a = octet_3a.or(Some(octet));
                last = octet & 0x80 != 0;
                rest = behind;
            }
            _ => break,
        }
    }
    if !last {
        return Err(BadContent);
    }
    if let Some(octet) = octet_3a {
        number.presentation = match octet >> 5 & 0x03 {
            0 => Presentation::Allowed,
            1 => Presentation::Restricted,
            _ => Presentation::Unavailable,
        };
        number.screening = match octet & 0x03 {
            0 => Screening::UserNotScreened,
            1 => Screening::UserPassed,
            2 => Screening::UserFailed,
            _ => Screening::Network,
        };
    }
    read_digits(rest, &mut number.digits)
}

/// Writes a number; octet 3a, presentation and screening, goes with all but the called one.
#[must_use]
pub fn encode_number(number: &Number, with_octet_3a: bool) -> Content {
    alone(|writer| write_number(writer, number, with_octet_3a.then_some(number.screening)))
}

/// Writes the content of a number, octet 3a with this screening.
#[inline]
pub(crate) fn write_number(writer: &mut Writer<'_>, number: &Number, screening: Option<Screening>) {
    let octet_3 = (number.kind & 0x07) << 4 | number.plan & 0x0f;
    match screening {
        Some(screening) => {
            let presentation = match number.presentation {
                Presentation::Allowed => 0x00,
                Presentation::Restricted => 0x20,
                Presentation::Unavailable => 0x40,
            };
            let screening = match screening {
                Screening::UserNotScreened => 0,
                Screening::UserPassed => 1,
                Screening::UserFailed => 2,
                Screening::Network => 3,
            };
            writer.put(&[octet_3, 0x80 | presentation | screening]);
        }
        None => writer.put(&[0x80 | octet_3]),
    }
    writer.put(number.digits.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Q.850: location public network local, cause 16; with octet 3a; with diagnostics.
    #[test]
    fn causes() {
        let cases: [(&[u8], u8, Location, &[u8]); 3] = [
            (&[0x82, 0x90], 16, Location::PublicLocal, &[]),
            (&[0x0a, 0x80, 0x9b], 27, Location::BeyondInterworking, &[]),
            (&[0x80, 0xe0, 0x04], 96, Location::User, &[0x04]),
        ];
        for (octets, value, location, diagnostics) in cases {
            let element = CauseElement::new(Cause { value, location }, diagnostics);
            assert_eq!(CauseElement::decode(octets), Ok(element), "{octets:02x?}");
        }
        for octets in [&[][..], &[0x80], &[0x00, 0x90], &[0x80, 0x80]] {
            assert_eq!(CauseElement::decode(octets), Err(BadContent), "{octets:02x?}");
        }
    }

    #[test]
    fn every_location_has_its_code() {
        for code in 0..16 {
            assert_eq!(Location::from_code(code).code(), code);
        }
    }

    /// Table 4-6: speech µ-law, 3.1 kHz A-law, unrestricted 64 kbit/s, speech of another coding standard.
    #[test]
    fn bearers() {
        let cases: [(&[u8], Bearer, bool); 4] = [
            (&[0x80, 0x90, 0xa2], Bearer::Speech, false),
            (&[0x90, 0x90, 0xa3], Bearer::Audio31, true),
            (&[0x88, 0x90], Bearer::Other(8), false),
            (&[0xc0, 0x90], Bearer::Other(0x40), false),
        ];
        for (octets, bearer, a_law) in cases {
            let element = BearerCapability { bearer, a_law };
            assert_eq!(BearerCapability::decode(octets), Ok(element));
            assert_eq!(element.encode()[..], *octets);
        }
        assert_eq!(BearerCapability::decode(&[0x80]), Err(BadContent));
    }

    /// Figure 4-16: national E.164, restricted, network provided.
    #[test]
    fn a_calling_number() {
        let octets = [0x21, 0xa3, b'5', b'5', b'5'];
        let number = decode_number(&octets, true).expect("a number");
        assert_eq!((number.kind, number.plan, number.digits.as_str()), (2, 1, "555"));
        assert_eq!(number.presentation, Presentation::Restricted);
        assert_eq!(number.screening, Screening::Network);
        assert_eq!(encode_number(&number, true)[..], octets);
    }

    /// As 5ESS sends it: octet 3 claims to be the last, and octet 3a follows.
    #[test]
    fn octet_3a_behind_a_set_extension_bit() {
        let number = decode_number(&[0xa1, 0x83, b'7'], true).expect("a number");
        assert_eq!((number.screening, number.digits.as_str()), (Screening::Network, "7"));
    }

    #[test]
    fn a_redirecting_number_has_a_reason() {
        let number = decode_number(&[0x21, 0x01, 0x8f, b'4', b'2'], true).expect("a number");
        assert_eq!((number.screening, number.digits.as_str()), (Screening::UserPassed, "42"));
    }

    #[test]
    fn numbers_that_are_none() {
        let long = [b'1'; 34];
        for octets in [&[][..], &[0x21], &[0x21, 0x03], &[0x80, b'a'], &[0x80, 0x1b], &long] {
            assert_eq!(decode_number(octets, true), Err(BadContent), "{octets:02x?}");
        }
        // Nothing but presentation is how a withheld number comes.
        assert_eq!(decode_number(&[0x00, 0xa3], true).map(|n| n.presentation), Ok(Presentation::Restricted));
    }

    #[test]
    fn a_display_has_text_only() {
        let display = Display::decode(&[0xb1, b'A', 0x07, 0xff, b'B']);
        assert_eq!((display.character_set, display.text.as_str()), (Some(0xb1), "A??B"));
        assert_eq!(Display::decode(&[b'x'; 200]).text.len(), 40);
        let display = Display { character_set: None, text: "Zoë".chars().collect() };
        assert_eq!(display.encode()[..], *b"Zo?");
    }
}
