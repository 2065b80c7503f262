//! Octets as we write them, made by hand from the figures: reading them and writing them again changes none. Frames, messages of
//! every type, every element, maintenance messages, Channel Identification in all its forms.
//!
//! Beside the code of each there is the other half: a value that is written and read is the same value.

use isdn::Side;
use isdn::maintenance::ServiceMessage;
use isdn::q921::frame::{self, Frame, NotAFrame, Supervisory, Unnumbered};
use isdn::q921::{Message, N201_MAX};
use isdn::q931::channel::ChannelIdentification;
use isdn::q931::content;
use isdn::q931::element::{CauseElement, RestartClass};
use isdn::q931::message::{Elements, MessageType, split};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn side() -> impl Strategy<Value = Side> {
    select(&[Side::User, Side::Network][..])
}

fn supervisory() -> impl Strategy<Value = Supervisory> {
    select(&[Supervisory::ReceiveReady, Supervisory::ReceiveNotReady, Supervisory::Reject][..])
}

/// An element with this identifier.
fn element(identifier: u8, content: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    content.prop_map(move |content| {
        let mut octets = vec![identifier, content.len() as u8];
        octets.extend(content);
        octets
    })
}

/// Octet 3, and the interface identifier in as few octets as it needs (figure 4-18).
fn interface() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(vec![]),
        (0x80u8..).prop_map(|last| vec![last]),
        (1u8..0x80, 0x80u8..).prop_map(|(first, last)| vec![first, last]),
        (1u8..0x80, 0u8..0x80, 0x80u8..).prop_map(|(a, b, c)| vec![a, b, c]),
        (1u8..0x80, 0u8..0x80, 0u8..0x80, 0x80u8..).prop_map(|(a, b, c, d)| vec![a, b, c, d]),
    ]
}

/// No channel, any, the interface, by number one or several, slot maps of a T1 and of an E1 (figure 4-18, table 4-8).
fn channel_identification() -> impl Strategy<Value = Vec<u8>> {
    let selection = prop_oneof![
        Just((0u8, vec![])),
        Just((3, vec![])),
        Just((1, vec![])),
        (1u32..1 << 31).prop_map(|set| {
            let numbers: Vec<u8> = (1..=31).filter(|number| set & 1 << (number - 1) != 0).collect();
            let last = numbers.len() - 1;
            let octet = |(place, number): (usize, &u8)| if place == last { 0x80 | number } else { *number };
            (1, [0x83].into_iter().chain(numbers.iter().enumerate().map(octet)).collect())
        }),
        (1u8.., any::<u8>(), any::<u8>()).prop_map(|(a, b, c)| (1, vec![0x93, a, b, c])),
        (1u8.., any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(a, b, c, d)| (1, vec![0x93, a, b, c, d & 0xfe])),
    ];
    (interface(), any::<bool>(), selection).prop_map(|(interface, exclusive, (selection, rest))| {
        let explicit = if interface.is_empty() { 0 } else { 0x40 };
        let octet_3 = 0xa0 | explicit | if exclusive { 8 } else { 0 } | selection;
        [&[octet_3][..], &interface, &rest].concat()
    })
}

fn number(with_octet_3a: bool) -> impl Strategy<Value = Vec<u8>> {
    let octets_3 = (0u8..0x80, 0u8..3, 0u8..4).prop_map(move |(octet_3, presentation, screening)| {
        if with_octet_3a { vec![octet_3, 0x80 | presentation << 5 | screening] } else { vec![0x80 | octet_3] }
    });
    (octets_3, vec(select(&b"0123456789*#"[..]), 0..=32)).prop_map(|(mut octets, digits)| {
        octets.extend(digits);
        octets
    })
}

fn cause() -> impl Strategy<Value = Vec<u8>> {
    (0x80u8..0x90, 0x81u8.., vec(any::<u8>(), 0..=8))
        .prop_map(|(location, value, diagnostics)| [&[location, value][..], &diagnostics].concat())
}

fn bearer() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (select(&[0x80u8, 0x90][..]), 0xa2u8..=0xa3).prop_map(|(capability, law)| vec![capability, 0x90, law]),
        (0x80u8..)
            .prop_filter("speech and audio say their law", |code| !matches!(code, 0x80 | 0x90))
            .prop_map(|code| vec![code, 0x90]),
    ]
}

/// The elements we write, in ascending order, each there or not.
fn elements() -> impl Strategy<Value = Vec<u8>> {
    let display = (proptest::option::of(0x80u8..), "[ -~]{0,40}")
        .prop_map(|(set, text)| set.into_iter().chain(text.into_bytes()).collect::<Vec<u8>>());
    let maybe = |element: BoxedStrategy<Vec<u8>>| prop_oneof![Just(vec![]), element];
    let first = (
        maybe(Just(vec![0xa1]).boxed()),
        maybe(element(0x04, bearer()).boxed()),
        maybe(element(0x08, cause()).boxed()),
        maybe(element(0x14, vec(0u8..0x40, 1)).boxed()),
        maybe(element(0x18, channel_identification()).boxed()),
        vec(element(0x1e, vec(0x80u8.., 2).prop_map(|o| vec![o[0] & 0x8f, o[1]])), 0..=2).prop_map(|all| all.concat()),
        maybe(element(0x27, vec(0x80u8.., 1)).boxed()),
        maybe(element(0x28, display).boxed()),
    );
    let rest = (
        maybe(element(0x6c, number(true)).boxed()),
        maybe(element(0x70, number(false)).boxed()),
        maybe(element(0x74, number(true)).boxed()),
        maybe(element(0x79, select(&[[0x80u8], [0x86], [0x87]][..]).prop_map(|o| o.to_vec())).boxed()),
    );
    (first, rest).prop_map(|((a, b, c, d, e, f, g, h), (i, j, k, l))| [a, b, c, d, e, f, g, h, i, j, k, l].concat())
}

/// Every type of table 4-2.
fn types() -> impl Strategy<Value = u8> {
    let defined: Vec<u8> = (0..=255).filter(|kind| MessageType(*kind).is_defined()).collect();
    assert!(defined.len() >= 26);
    select(defined)
}

proptest! {
    /// I frames (Q.921 figure 5a).
    #[test]
    fn information_frames(from in side(), n_s in 0u8..128, n_r in 0u8..128, poll: bool, octets in vec(any::<u8>(), 0..=N201_MAX)) {
        let message = Message::from_slice(&octets).expect("N201 at most");
        let written = frame::write_information(from, n_s, n_r, poll, &message);
        prop_assert_eq!(frame::decode(&written, from, N201_MAX), Ok(Frame::Information { n_s, n_r, poll, information: &octets }));
        // Sent back by a loop it has the direction of a response, which no I frame has.
        prop_assert_eq!(frame::decode(&written, from.peer(), N201_MAX), Err(NotAFrame::UndefinedControl));
        prop_assert_eq!(frame::decode(&written, from, octets.len().saturating_sub(1)).is_err(), !octets.is_empty());
    }

    #[test]
    fn supervisory_frames(from in side(), function in supervisory(), command: bool, n_r in 0u8..128, poll_final: bool) {
        let written = frame::write_supervisory(from, function, command, n_r, poll_final);
        let read = Frame::Supervisory { function, command, n_r, poll_final };
        prop_assert_eq!(frame::decode(&written, from, N201_MAX), Ok(read));
        // To the other side, a command is a response.
        let turned = Frame::Supervisory { function, command: !command, n_r, poll_final };
        prop_assert_eq!(frame::decode(&written, from.peer(), N201_MAX), Ok(turned));
    }

    #[test]
    fn unnumbered_frames(from in side(), poll_final: bool, which in 0usize..7) {
        use Unnumbered::{Disc, Dm, Frmr, Sabme, Ua, Ui, Xid};
        let function = [Sabme, Disc, Ua, Dm, Frmr, Ui, Xid][which];
        let written = frame::write_unnumbered(from, function, poll_final);
        prop_assert_eq!(frame::decode(&written, from, N201_MAX), Ok(Frame::Unnumbered { function, poll_final }));
    }

    /// Messages of every type, with any of the elements that we write.
    #[test]
    fn messages(kind in types(), reference in 0u16.., elements in elements()) {
        let [high, low] = reference.to_be_bytes();
        let octets = [&[8, 2, high ^ 0x80, low, kind][..], &elements].concat();
        prop_assume!(octets.len() <= N201_MAX);
        let raw = split(&octets).expect("a message");
        let (content, faults) = content::decode(&raw);
        prop_assert_eq!(&faults, &content::Faults::default());
        let written = content::encode(raw.reference, raw.kind, &content).expect("short enough");
        // Who reads a reference turns its flag, and so does who writes it.
        prop_assert_eq!(&written[..4], &[8, 2, high, low]);
        prop_assert_eq!(&written[4..], &octets[4..]);
        let found: usize = Elements::new(&elements).map(|element| element.content.len()).sum();
        prop_assert!(found <= elements.len());
    }

    #[test]
    fn channel_identifications(octets in channel_identification()) {
        let element = ChannelIdentification::decode(&octets).expect("well formed");
        prop_assert_eq!(&element.encode()[..], &octets[..]);
    }

    #[test]
    fn causes(octets in cause()) {
        prop_assert_eq!(&CauseElement::decode(&octets).expect("well formed").encode()[..], &octets[..]);
    }

    /// SERVICE and SERVICE ACKNOWLEDGE for any channels and of any status, under either discriminator.
    #[test]
    fn maintenance_messages(national: bool, reply: bool, swapped: bool, status: u8, channels in channel_identification()) {
        // Under 0x43 either type is understood with either flag.
        let code = if (national && swapped) ^ national ^ reply { 0x07 } else { 0x0f };
        let start = [if national { 0x43 } else { 0x03 }, 2, if reply { 0x80 } else { 0 }, 0, code, 0x01, 1, status];
        let octets = [&start[..], &[0x18, channels.len() as u8], &channels].concat();
        let message = ServiceMessage::decode(&octets).expect("well formed");
        prop_assert_eq!(&message.encode()[..], &octets[..]);
    }
}

#[test]
fn restart_indicators() {
    for class in [RestartClass::IndicatedChannels, RestartClass::SingleInterface, RestartClass::AllInterfaces] {
        assert_eq!(RestartClass::decode(&class.encode()), Ok(class));
    }
}
