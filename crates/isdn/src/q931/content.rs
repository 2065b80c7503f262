//! What a message says: the elements of the basic call, gathered in one value.
//!
//! Reading takes whatever comes: elements of other codesets and those we have no use for (low and high layer compatibility,
//! user-user and so on) are skipped; what is wrong is noted in [`Faults`] for the procedures to judge.
//!
//! Data path: [`Raw`] elements → [`decode`] → `call`, `restart`; and back, [`encode`] → the data link.
//! Source: Q.931 (05/98) clauses 3.1 and 4.5; 5.8.5 for duplicates, 4.5.1 for the order of elements and the
//! meaning of their identifiers.
//! Words: comprehension required, an unknown element without which its message must not be acted upon.

use super::channel::{BadContent, ChannelIdentification};
use super::element::{self, BearerCapability, CauseElement, Display, Progress, RestartClass, id};
use super::facility::Facility;
use super::message::{Elements, MessageType, Raw, Reference, write_start};
use crate::q921::{Message, N201_MAX, Writer};
use crate::{NUMBER_MAX, Number};
use heapless::{String, Vec};

/// Progress indicators that are kept of a message (clause 3.1: two at most).
pub const PROGRESS_MAX: usize = 2;

/// Wrong elements that are remembered of a message; more are only counted.
pub const INVALID_MAX: usize = 8;

/// The elements of a message. Absent ones are `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named as Q.931 names the elements")]
pub struct Content {
    pub sending_complete: bool,
    pub bearer: Option<BearerCapability>,
    pub cause: Option<CauseElement>,
    /// The number of a call state, or of a global one (clause 4.5.7).
    pub call_state: Option<u8>,
    pub channel: Option<ChannelIdentification>,
    /// The first that says something of the caller's name.
    pub facility: Option<Facility>,
    pub progress: Vec<Progress, PROGRESS_MAX>,
    pub notification: Option<u8>,
    pub display: Option<Display>,
    pub keypad: Option<String<NUMBER_MAX>>,
    pub calling: Option<Number>,
    pub called: Option<Number>,
    pub redirecting: Option<Number>,
    pub restart: Option<RestartClass>,
}

/// What was wrong with a message's elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Identifiers of elements whose content made no sense.
    pub invalid: Vec<u8, INVALID_MAX>,
    /// An element that we do not know and must (clause 5.8.7.1), the first one.
    pub comprehension_required: Option<u8>,
}

impl Faults {
    /// Whether this element was there but made no sense.
    #[must_use]
    pub fn is_invalid(&self, identifier: u8) -> bool {
        self.invalid.contains(&identifier)
    }
}

/// An encoded message is longer than a data link carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// How an exchange wants its messages to be read, where exchanges differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// An element behind a non-locking shift is passed over, whichever codeset the shift names.
    pub passes_over_shifted: bool,
    /// An octet with bit 8 set behind octet 3 of a number is octet 3a, also where octet 3 says that there is none.
    pub unannounced_octet_3a: bool,
}

impl Reading {
    /// All that can be understood is.
    pub const LENIENT: Reading = Reading { passes_over_shifted: false, unannounced_octet_3a: true };
}

/// Reads the elements of a message, all that can be understood.
#[must_use]
pub fn decode(raw: &Raw<'_>) -> (Content, Faults) {
    decode_as(raw, Reading::LENIENT)
}

/// Reads the elements of a message as an exchange means them.
#[must_use]
pub fn decode_as(raw: &Raw<'_>, reading: Reading) -> (Content, Faults) {
    let mut read = (Content::default(), Faults::default());
    read.0.take(raw, reading, &mut read.1);
    read
}
/// The elements that [`Content`] keeps.
fn is_read(identifier: u8) -> bool {
    matches!(
        identifier,
        id::BEARER_CAPABILITY
            | id::CAUSE
            | id::CALL_STATE
            | id::CHANNEL_IDENTIFICATION
            | id::FACILITY
            | id::PROGRESS_INDICATOR
            | id::NOTIFICATION_INDICATOR
            | id::DISPLAY
            | id::KEYPAD_FACILITY
            | id::CALLING_PARTY_NUMBER
            | id::CALLED_PARTY_NUMBER
            | id::REDIRECTING_NUMBER
            | id::RESTART_INDICATOR
    )
}

/// Sets a field that is not set yet.
fn first<T>(field: &mut Option<T>, read: impl FnOnce() -> Result<T, BadContent>) -> Result<bool, BadContent> {
    if field.is_none() {
        *field = Some(read()?);
    }
    Ok(true)
}

/// The same for what is longer than a few octets: it is read where it stays.
fn in_place<T: Default>(
    field: &mut Option<T>,
    read: impl FnOnce(&mut T) -> Result<(), BadContent>,
) -> Result<bool, BadContent> {
    if field.is_none() && read(field.insert(T::default())).is_err() {
        *field = None;
        return Err(BadContent);
    }
    Ok(true)
}

impl Content {
    /// Takes in the elements of a message. It is large, so it is filled where it is.
    pub(crate) fn take(&mut self, raw: &Raw<'_>, reading: Reading, faults: &mut Faults) {
        for element in Elements::new(raw.elements) {
            // Codesets 5 to 7 are for others: national, of this network, of this user (clause 4.5.2).
            if element.codeset != 0 || reading.passes_over_shifted && element.shifted_once {
                continue;
            }
            let identifier = element.identifier;
            // The first one counts (5.8.5.2), also if it was wrong.
            if faults.is_invalid(identifier) {
                continue;
            }
            let read = if element.truncated && is_read(identifier) {
                Err(BadContent)
            } else {
                self.read(identifier, element.content, reading)
            };
            match read {
                Ok(true) => {}
                Ok(false) => {
                    // Bits 8-5 all 0: comprehension required (clause 4.5.1).
                    if identifier & 0xf0 == 0 && faults.comprehension_required.is_none() {
                        faults.comprehension_required = Some(identifier);
                    }
                }
                // A second one may be as wrong as it likes. A full list only loses diagnostics; what is mandatory is missed
                // either way.
                Err(BadContent) if self.has(identifier) => {}
                Err(BadContent) => drop(faults.invalid.push(identifier)),
            }
        }
    }

    /// Takes one element in; `false` if it is none of ours.
    fn read(&mut self, identifier: u8, octets: &[u8], reading: Reading) -> Result<bool, BadContent> {
        let number = |number: &mut Number| element::read_number(octets, reading.unannounced_octet_3a, number);
        match identifier {
            id::SENDING_COMPLETE => {
                self.sending_complete = true;
                Ok(true)
            }
            id::BEARER_CAPABILITY => first(&mut self.bearer, || BearerCapability::decode(octets)),
            id::CAUSE => first(&mut self.cause, || CauseElement::decode(octets)),
            id::CALL_STATE => first(&mut self.call_state, || octets.first().map(|o| o & 0x3f).ok_or(BadContent)),
            id::CHANNEL_IDENTIFICATION => first(&mut self.channel, || ChannelIdentification::decode(octets)),
            id::FACILITY => {
                if self.facility.is_none() {
                    self.facility = Facility::decode(octets)?;
                }
                Ok(true)
            }
            id::PROGRESS_INDICATOR => {
                let progress = Progress::decode(octets)?;
                // A third one is one too many: left out.
                let _ = self.progress.push(progress);
                Ok(true)
            }
            id::NOTIFICATION_INDICATOR => {
                first(&mut self.notification, || octets.first().map(|o| o & 0x7f).ok_or(BadContent))
            }
            id::DISPLAY => first(&mut self.display, || Ok(Display::decode(octets))),
            id::KEYPAD_FACILITY => in_place(&mut self.keypad, |keypad| element::read_digits(octets, keypad)),
            id::CALLING_PARTY_NUMBER => in_place(&mut self.calling, number),
            id::CALLED_PARTY_NUMBER => in_place(&mut self.called, number),
            id::REDIRECTING_NUMBER => in_place(&mut self.redirecting, number),
            id::RESTART_INDICATOR => first(&mut self.restart, || RestartClass::decode(octets)),
            // What was segmented is whole here; an element left over from it says nothing.
            id::SEGMENTED_MESSAGE => Ok(true),
            _ => Ok(false),
        }
    }

    /// Whether an element of those that a message may have to have is there.
    #[must_use]
    pub fn has(&self, identifier: u8) -> bool {
        match identifier {
            id::BEARER_CAPABILITY => self.bearer.is_some(),
            id::CAUSE => self.cause.is_some(),
            id::CALL_STATE => self.call_state.is_some(),
            id::CHANNEL_IDENTIFICATION => self.channel.is_some(),
            id::FACILITY => self.facility.is_some(),
            id::PROGRESS_INDICATOR => !self.progress.is_empty(),
            id::NOTIFICATION_INDICATOR => self.notification.is_some(),
            id::RESTART_INDICATOR => self.restart.is_some(),
            _ => false,
        }
    }
}

/// Writes a message.
///
/// # Errors
/// [`TooLong`] if all fields are at their longest at once, which no message of the basic call has.
pub fn encode(reference: Reference, kind: MessageType, content: &Content) -> Result<Message, TooLong> {
    let mut message = Message::from_array([0; N201_MAX]);
    let mut writer = Writer::new(&mut message);
    write(&mut writer, reference, kind, content);
    let length = writer.length().ok_or(TooLong)?;
    message.truncate(length);
    Ok(message)
}

/// Writes a message where there is room for it, elements in ascending order (4.5.1), Sending Complete first (table 3-15).
pub(crate) fn write(writer: &mut Writer<'_>, reference: Reference, kind: MessageType, content: &Content) {
    write_start(writer, reference, kind);
    if content.sending_complete {
        writer.put(&[id::SENDING_COMPLETE]);
    }
    if let Some(bearer) = &content.bearer {
        writer.put_element(id::BEARER_CAPABILITY, |writer| bearer.write(writer));
    }
    if let Some(cause) = &content.cause {
        writer.put_element(id::CAUSE, |writer| cause.write(writer));
    }
    if let Some(state) = content.call_state {
        writer.put(&[id::CALL_STATE, 1, state & 0x3f]);
    }
    if let Some(channel) = &content.channel {
        writer.put_element(id::CHANNEL_IDENTIFICATION, |writer| channel.write(writer));
    }
    if let Some(facility) = &content.facility {
        writer.put_element(id::FACILITY, |writer| writer.put(&facility.encode()));
    }
    for progress in &content.progress {
        writer.put_element(id::PROGRESS_INDICATOR, |writer| progress.write(writer));
    }
    if let Some(notification) = content.notification {
        writer.put(&[id::NOTIFICATION_INDICATOR, 1, 0x80 | notification]);
    }
    if let Some(display) = &content.display {
        writer.put_element(id::DISPLAY, |writer| display.write(writer));
    }
    if let Some(keypad) = &content.keypad {
        writer.put_element(id::KEYPAD_FACILITY, |writer| writer.put(keypad.as_bytes()));
    }
    for (identifier, number) in [
        (id::CALLING_PARTY_NUMBER, &content.calling),
        (id::CALLED_PARTY_NUMBER, &content.called),
        (id::REDIRECTING_NUMBER, &content.redirecting),
    ] {
        if let Some(number) = number {
            let screening = (identifier != id::CALLED_PARTY_NUMBER).then_some(number.screening);
            writer.put_element(identifier, |writer| element::write_number(writer, number, screening));
        }
    }
    if let Some(class) = content.restart {
        writer.put_element(id::RESTART_INDICATOR, |writer| writer.put(&class.encode()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::q931::channel::{self, Selection};
    use crate::q931::facility::{CallingName, Form};
    use crate::q931::message::split;
    use crate::{Bearer, CallReference, Cause, Location, Name, Presentation, Screening};
    use proptest::prelude::*;

    fn read(octets: &[u8]) -> (Content, Faults) {
        decode(&split(octets).expect("a message"))
    }

    /// A SETUP as a national exchange sends it, with elements that are skipped (tables 3-15, 4-6, 4-8, 4-9).
    #[test]
    fn a_setup_is_read() {
        let (content, faults) = read(&[
            0x08, 0x02, 0x00, 0x05, 0x05, // SETUP
            0xa1, // Sending Complete
            0x04, 0x03, 0x80, 0x90, 0xa2, // Bearer Capability: speech
            0x18, 0x03, 0xa9, 0x83, 0x85, // Channel Identification: 5, exclusive
            0x1e, 0x02, 0x82, 0x83, // Progress Indicator: origination is non-ISDN
            0x20, 0x02, 0x00, 0xe1, // Network-Specific Facilities
            0x28, 0x05, 0xb1, b'A', b'N', b'N', b'E', // Display
            0x6c, 0x05, 0x21, 0x83, b'2', b'1', b'2', // Calling Party Number
            0x70, 0x04, 0xc1, b'5', b'5', b'5', // Called Party Number
            0x7c, 0x03, 0x80, 0x90, 0xa2, // Low Layer Compatibility
            0x96, 0x01, 0x01, 0x00, // codeset 6 from here on
        ]);
        assert_eq!(faults, Faults::default());
        assert!(content.sending_complete);
        assert_eq!(content.bearer.map(|b| b.bearer), Some(Bearer::Speech));
        assert_eq!(content.channel.and_then(|c| c.single()), Some(5));
        assert_eq!(content.progress[..], [Progress { location: Location::PublicLocal, description: 3 }]);
        assert_eq!(content.display.map(|d| d.text), Some("ANNE".chars().collect()));
        assert_eq!(content.calling.map(|n| n.digits), Some("212".chars().collect()));
        assert_eq!(content.called.map(|n| n.digits), Some("555".chars().collect()));
    }

    #[test]
    fn the_first_of_two_counts_also_if_it_is_wrong() {
        let (content, _) = read(&[8, 2, 0, 1, 0x45, 0x08, 2, 0x80, 0x90, 0x08, 2, 0x80, 0x91]);
        assert_eq!(content.cause.map(|c| c.cause.value), Some(16));
        let (content, faults) = read(&[8, 2, 0, 1, 0x45, 0x08, 1, 0x80, 0x08, 2, 0x80, 0x91]);
        assert_eq!(content.cause, None);
        assert!(faults.is_invalid(id::CAUSE));
    }

    /// Clause 4.5.1: identifiers 0000xxxx of codeset 0 must be understood, no others.
    #[test]
    fn comprehension_is_required_of_few() {
        assert_eq!(read(&[8, 2, 0, 1, 5, 0x02, 0]).1.comprehension_required, Some(2));
        assert_eq!(read(&[8, 2, 0, 1, 5, 0x12, 0, 0x9d, 0x02, 0, 0xd0]).1, Faults::default());
    }

    #[test]
    fn an_element_cut_short_is_wrong_content() {
        let (content, faults) = read(&[8, 2, 0, 1, 5, 0x04, 3, 0x80, 0x90]);
        assert_eq!(content.bearer, None);
        assert!(faults.is_invalid(id::BEARER_CAPABILITY));
    }

    fn digits(longest: usize) -> impl Strategy<Value = String<NUMBER_MAX>> {
        proptest::collection::vec(proptest::sample::select(b"0123456789*#".as_slice()), 0..=longest)
            .prop_map(|digits| digits.into_iter().map(char::from).collect())
    }

    fn number() -> impl Strategy<Value = Number> {
        let presentation =
            proptest::sample::select(&[Presentation::Allowed, Presentation::Restricted, Presentation::Unavailable][..]);
        let screening = proptest::sample::select(
            &[Screening::UserNotScreened, Screening::UserPassed, Screening::UserFailed, Screening::Network][..],
        );
        (digits(NUMBER_MAX), 0u8..8, 0u8..16, presentation, screening).prop_map(
            |(digits, kind, plan, presentation, screening)| Number { digits, kind, plan, presentation, screening },
        )
    }

    fn called() -> impl Strategy<Value = Number> {
        number().prop_map(|number| Number {
            presentation: Presentation::default(),
            screening: Screening::default(),
            ..number
        })
    }

    prop_compose! {
        fn cause()(value in 1u8..128, code in 0u8..16, diagnostics in proptest::collection::vec(any::<u8>(), 0..=8)) -> CauseElement {
            CauseElement::new(Cause { value, location: Location::from_code(code) }, &diagnostics)
        }
    }

    fn bearer() -> impl Strategy<Value = BearerCapability> {
        (0u8..128, any::<bool>()).prop_map(|(code, a_law)| match code {
            0x00 => BearerCapability { bearer: Bearer::Speech, a_law },
            0x10 => BearerCapability { bearer: Bearer::Audio31, a_law },
            code => BearerCapability { bearer: Bearer::Other(code), a_law: false },
        })
    }

    fn channel() -> impl Strategy<Value = ChannelIdentification> {
        (any::<bool>(), 1u32..1 << 31, 0..3).prop_map(|(exclusive, set, kind)| {
            let selection = match kind {
                0 => Selection::Any,
                1 => Selection::Channels { set: 1 << (set % 31), form: channel::Form::Number },
                _ => Selection::Channels { set, form: channel::Form::Map32 },
            };
            ChannelIdentification { interface: None, exclusive, selection }
        })
    }

    prop_compose! {
        fn display()(set in proptest::option::of(0x80u8..), text in "[ -~]{0,40}") -> Display {
            Display { character_set: set, text: text.chars().collect() }
        }
    }

    fn facility() -> impl Strategy<Value = Facility> {
        (any::<bool>(), "[A-Za-zé]{0,32}", any::<bool>()).prop_map(|(private, text, follows)| {
            let form = if private { Form::Private } else { Form::National };
            let name = if follows { CallingName::Follows } else { CallingName::Told(Name::new(&text)) };
            Facility { form, name }
        })
    }

    prop_compose! {
        fn content()(
            sending_complete: bool,
            bearer in proptest::option::of(bearer()),
            cause in proptest::option::of(cause()),
            call_state in proptest::option::of(0u8..64),
            channel in proptest::option::of(channel()),
            facility in proptest::option::of(facility()),
            progress in proptest::collection::vec((0u8..16, 0u8..128), 0..=PROGRESS_MAX),
            display in proptest::option::of(display()),
            calling in proptest::option::of(number()),
            called in proptest::option::of(called()),
            redirecting in proptest::option::of(number()),
            restart in proptest::option::of(proptest::sample::select(
                &[RestartClass::IndicatedChannels, RestartClass::SingleInterface, RestartClass::AllInterfaces][..]
            )),
        ) -> Content {
            let progress = progress.into_iter();
            Content {
                sending_complete, bearer, cause, call_state, channel, facility, display, calling, called, redirecting, restart,
                progress: progress.map(|(code, description)| Progress { location: Location::from_code(code), description }).collect(),
                notification: None,
                keypad: None,
            }
        }
    }

    proptest! {
        #[test]
        fn round_trip(value in 1u16..0x8000, ours: bool, kind in 0u8..0x80, content in content()) {
            let reference = Reference::Call(CallReference { value, ours });
            let octets = encode(reference, MessageType(kind), &content).expect("short enough");
            let raw = split(&octets).expect("a message");
            prop_assert_eq!(raw.reference, Reference::Call(CallReference { value, ours: !ours }));
            prop_assert_eq!(raw.kind, MessageType(kind));
            prop_assert_eq!(decode(&raw), (content, Faults::default()));
        }

        #[test]
        fn numbers_alone(notification in 0u8..128, keypad in digits(NUMBER_MAX)) {
            let content = Content { notification: Some(notification), keypad: Some(keypad), ..Content::default() };
            let octets = encode(Reference::Global { ours: true }, MessageType::NOTIFY, &content).expect("short enough");
            prop_assert_eq!(decode(&split(&octets).expect("a message")).0, content);
        }

        #[test]
        fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..260)) {
            if let Ok(raw) = split(&octets) {
                let (content, _) = decode(&raw);
                // What was understood can be said again.
                if let Ok(again) = encode(raw.reference, raw.kind, &content) {
                    prop_assert_eq!(decode(&split(&again).expect("ours")).0, content);
                }
            }
        }

        #[test]
        fn elements_that_lie_are_survived(elements in proptest::collection::vec(
            (proptest::sample::select(&[0x04u8, 0x08, 0x14, 0x18, 0x1e, 0x28, 0x2c, 0x6c, 0x70, 0x74, 0x79, 0x96, 0x9d, 0x00, 0x7e][..]),
             any::<u8>(), proptest::collection::vec(any::<u8>(), 0..12)), 0..8)) {
            let mut octets = vec![8, 2, 0, 1, 5];
            for (identifier, lie, content) in elements {
                octets.push(identifier);
                octets.push(if lie < 64 { lie } else { content.len() as u8 });
                octets.extend(content);
            }
            let (content, faults) = decode(&split(&octets).expect("a message"));
            for identifier in faults.invalid {
                prop_assert!(!content.has(identifier));
            }
        }
    }
}
