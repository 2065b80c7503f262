//! The readers: what they understood can be written and read again, and what they refuse they refuse without a panic.
//!
//! Data path: octets → a reader of [`isdn`] → its writer → the reader again.

use isdn::explain::Masker;
use isdn::maintenance::{Kind, ServiceMessage};
use isdn::q921::Message;
use isdn::q921::frame::{self, Frame, Unnumbered};
use isdn::q931::channel::ChannelIdentification;
use isdn::q931::content;
use isdn::q931::element::{
    BearerCapability, CauseElement, Display, Progress, RestartClass, decode_number, encode_number,
};
use isdn::q931::facility::{Components, Facility, text_at};
use isdn::q931::message::{Elements, split};
use isdn::{Number, Side};

/// Q.921: a frame is written as it was read, but for information that only its sender understands.
pub fn lapd_frame(input: &[u8]) {
    for sender in [Side::User, Side::Network] {
        let Ok(read) = frame::decode(input, sender, 260) else { continue };
        let written = match read {
            Frame::Information { n_s, n_r, poll, information } => {
                let message = Message::from_slice(information).expect("no longer than N201");
                frame::write_information(sender, n_s, n_r, poll, &message).to_vec()
            }
            Frame::Supervisory { function, command, n_r, poll_final } => {
                frame::write_supervisory(sender, function, command, n_r, poll_final).to_vec()
            }
            Frame::Unnumbered { function, poll_final } => {
                frame::write_unnumbered(sender, function, poll_final).to_vec()
            }
        };
        match read {
            // XID may be either; its content, and that of FRMR and UI, is not kept.
            Frame::Unnumbered { function: Unnumbered::Xid, .. } => {}
            Frame::Unnumbered { function: Unnumbered::Frmr | Unnumbered::Ui, .. } => {
                assert_eq!(written[..], input[..written.len()]);
            }
            _ => assert_eq!(written[..], *input),
        }
        assert_eq!(frame::decode(&written, sender, 260).map(again), Ok(again(read)));
    }
}

/// The frame without what is not written.
fn again(frame: Frame<'_>) -> (Option<Unnumbered>, Vec<u8>) {
    match frame {
        Frame::Unnumbered { function, .. } => (Some(function), Vec::new()),
        Frame::Information { information, .. } => (None, information.to_vec()),
        Frame::Supervisory { .. } => (None, Vec::new()),
    }
}

/// Q.931: every octet of the message is in one element, or is a shift; what was understood can be said again.
pub fn message(input: &[u8]) {
    let Ok(raw) = split(input) else { return };
    let mut octets = 0;
    for element in Elements::new(raw.elements) {
        octets += element.content.len();
        assert!(element.codeset < 8);
    }
    assert!(octets <= raw.elements.len());
    let (mut content, faults) = content::decode(&raw);
    for identifier in &faults.invalid {
        assert!(!content.has(*identifier), "{identifier:#04x} is there and is not");
    }
    if let Some(called) = &mut content.called {
        // A called number has no octet 3a (4.5.8); one that came with it is written without.
        let Number { digits, kind, plan, .. } = called.clone();
        *called = Number { digits, kind, plan, ..Number::default() };
    }
    content.facility = content.facility.as_ref().map(as_written);
    if let Ok(written) = content::encode(raw.reference, raw.kind, &content) {
        let back = split(&written).expect("we wrote it");
        assert_eq!(back.kind, raw.kind);
        assert_eq!(content::decode(&back), (content, content::Faults::default()));
    }
}

/// Each element by itself: the first octet says which, the rest is its content.
pub fn element(input: &[u8]) {
    let Some((which, content)) = input.split_first() else { return };
    match which % 16 {
        0 => again_the_same(content, |o| CauseElement::decode(o).ok(), |e| e.encode().to_vec()),
        1 => again_the_same(content, |o| BearerCapability::decode(o).ok(), |e| e.encode().to_vec()),
        2 => again_the_same(content, |o| Progress::decode(o).ok(), |e| e.encode().to_vec()),
        3 => again_the_same(content, |o| RestartClass::decode(o).ok(), |e| e.encode().to_vec()),
        4 => again_the_same(content, |o| Some(Display::decode(o)), |e| e.encode().to_vec()),
        5 => again_the_same(content, |o| decode_number(o, true).ok(), |e| encode_number(e, true).to_vec()),
        6 => again_the_same(content, |o| ChannelIdentification::decode(o).ok(), |e| e.encode().to_vec()),
        8 => facility(content),
        // Behind the type of a message, whatever the identifier.
        _ => message(&[&[8, 2, 0, 1, 5], content].concat()),
    }
}

/// A caller's name in Facility, and where it stands, for those who hide it.
fn facility(content: &[u8]) {
    if let Ok(Some(facility)) = Facility::decode(content) {
        let written = as_written(&facility);
        assert_eq!(as_written(&written), written);
        assert_eq!(written.form, facility.form);
    }
    for component in Components::new(content) {
        if let Some(text) = text_at(content, &component) {
            assert!(content.get(text.clone()).is_some(), "{text:?} of {} octets", content.len());
        }
    }
}

/// What is left of it in writing: the text of a name that must not be shown is not told, nor letters that we do not write.
fn as_written(facility: &Facility) -> Facility {
    Facility::decode(&facility.encode()).expect("we wrote it").expect("and it is about a name")
}

fn again_the_same<T: PartialEq + std::fmt::Debug>(
    content: &[u8],
    read: impl Fn(&[u8]) -> Option<T>,
    write: impl Fn(&T) -> Vec<u8>,
) {
    if let Some(element) = read(content) {
        let written = write(&element);
        assert_eq!(read(&written).as_ref(), Some(&element), "{written:02x?}");
        let stable = read(&written).map(|element| write(&element));
        assert_eq!(stable, Some(written));
    }
}

/// Maintenance messages: written as read, and an answer is never something to be answered.
pub fn maintenance(input: &[u8]) {
    let Ok(read) = ServiceMessage::decode(input) else { return };
    // An acknowledgement with the flag as it was (0x03 only) is written with the flag it should have had.
    assert_eq!(ServiceMessage::decode(&read.encode()), Ok(read));
    let answer = read.acknowledgement(read.channels);
    match ServiceMessage::decode(&answer.encode()) {
        Ok(answer) => assert_eq!(answer.kind, Kind::Acknowledge),
        // To what was no request, no answer can be made.
        Err(_) => assert_eq!(read.kind, Kind::Acknowledge),
    }
}

/// Explaining and hiding: text in lines whatever the frame, nothing left out, and hiding changes no length and no structure.
pub fn explain(input: &[u8]) {
    let Some((first, octets)) = input.split_first() else { return };
    let from_network = first & 1 != 0;
    let before = isdn::explain::explain(octets, from_network);
    let text = before.to_string();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    let hidden = hide(octets, from_network);
    assert_eq!(hidden.len(), octets.len());
    let after = isdn::explain::explain(&hidden, from_network);
    assert_eq!(shape(&before), shape(&after));
    assert_eq!(hide(&hidden, from_network), hidden, "hidden twice is hidden once");
    if let Some(message) = &after.message {
        for element in message.elements.iter().filter(|element| element.identifier == 0x2c) {
            assert!(element.octets.iter().skip(2).all(|octet| *octet == b'x'), "the keypad shows: {element:?}");
        }
    }
}

fn hide(octets: &[u8], from_network: bool) -> Vec<u8> {
    let mut frame = octets.to_vec();
    Masker::new(4).hide_secrets(&mut frame, from_network);
    Masker::hide_persons(&mut frame);
    frame
}

fn shape(explanation: &isdn::explain::Explanation) -> (String, Vec<(u8, u8, usize)>) {
    let elements = explanation.message.iter().flat_map(|message| &message.elements);
    (explanation.link.clone(), elements.map(|e| (e.codeset, e.identifier, e.octets.len())).collect())
}
