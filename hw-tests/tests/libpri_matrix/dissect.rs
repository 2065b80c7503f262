//! What passed on a line, read by us and by a dissector made by others: frame by frame and field by field the same.
//!
//! Data path: frames as they passed → the decoders that our stack acts upon → what it believes was sent and received; the same
//! frames → a capture → tshark → what it finds.
//! Words: fields, what one frame says, by tshark's names for it; one that is not there has no entry.

use crate::bench::{Passed, Place, Told, ensure};
use hw_tests::capture::Capture;
use hw_tests::peers::tshark_fields;
use isdn::maintenance::{Discriminator, Kind, ServiceMessage};
use isdn::q921::N201_MAX;
use isdn::q921::frame::{Frame, Supervisory, Unnumbered, decode};
use isdn::q931::channel::{ChannelIdentification, Form, Selection};
use isdn::q931::content::{self, Content};
use isdn::q931::message::{CALL_CONTROL, MessageType, Reference, split};
use isdn::{Number, Side};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const MALFORMED: &str = "_ws.malformed";

/// The fields that are compared, and how tshark writes them.
const FIELDS: [(&str, Written); 27] = [
    ("lapd.direction", Written::Number),
    ("lapd.sapi", Written::Number),
    ("lapd.tei", Written::Number),
    ("lapd.cr", Written::Number),
    ("lapd.control.ftype", Written::Number),
    ("lapd.control.n_s", Written::Number),
    ("lapd.control.n_r", Written::Number),
    ("lapd.control.p", Written::Number),
    ("lapd.control.f", Written::Number),
    ("lapd.control.s_ftype", Written::Number),
    ("lapd.control.u_modifier_cmd", Written::Number),
    ("lapd.control.u_modifier_resp", Written::Number),
    ("q931.disc", Written::Number),
    ("q931.call_ref", Written::Octets),
    ("q931.call_ref_flag", Written::Number),
    ("q931.message_type", Written::Number),
    ("q931.maintenance_message_type", Written::Number),
    ("q931.channel.selection", Written::Number),
    ("q931.channel.exclusive", Written::Number),
    ("q931.channel.number", Written::Number),
    ("q931.cause_value", Written::Number),
    ("q931.cause_location", Written::Number),
    ("q931.call_state", Written::Number),
    ("q931.restart_indicator", Written::Number),
    ("q931.extension_ind_new_status", Written::Number),
    ("q931.called_party_number.digits", Written::Digits),
    ("q931.calling_party_number.digits", Written::Digits),
];

/// Messages without which the stories have not been told: of either end.
const TOLD: [MessageType; 10] = [
    MessageType::SETUP,
    MessageType::CALL_PROCEEDING,
    MessageType::ALERTING,
    MessageType::CONNECT,
    MessageType::CONNECT_ACKNOWLEDGE,
    MessageType::DISCONNECT,
    MessageType::RELEASE,
    MessageType::RELEASE_COMPLETE,
    MessageType::RESTART,
    MessageType::RESTART_ACKNOWLEDGE,
];

/// And of libpri and us. A link that was lost or reset makes us ask about calls; libpri never asks, and tells instead.
const TOLD_BY: [MessageType; 2] = [MessageType::STATUS, MessageType::STATUS_ENQUIRY];

/// Frame types as tshark counts them.
const I_FRAME: u32 = 0;
const S_FRAME: u32 = 1;
const U_FRAME: u32 = 3;

#[derive(Clone, Copy)]
enum Written {
    /// Decimal, `0x` and hexadecimal, or a word for a bit.
    Number,
    /// Hexadecimal, without more ado.
    Octets,
    /// As dialled.
    Digits,
}

type Fields = BTreeMap<&'static str, String>;

/// Compares, and sees to it that neither end had to say that it did not understand the other.
pub fn alike(place: Place, passed: &[Passed], capture: &Path) -> Told {
    let mut writing = Capture::open(capture);
    for frame in passed {
        writing.note(frame.at, &frame.octets, frame.sender == Side::Network);
    }
    let names: Vec<_> = FIELDS.iter().map(|(name, _)| *name).chain([MALFORMED]).collect();
    let rows = tshark_fields(capture, &names);
    ensure!(rows.len() == passed.len(), "tshark finds {} frames, and {} passed", rows.len(), passed.len());
    let (mut directions, mut services) = ([BTreeSet::new(), BTreeSet::new()], BTreeSet::new());
    for (number, (frame, row)) in passed.iter().zip(&rows).enumerate() {
        let (story, octets) = (frame.story, &frame.octets);
        let here = || format!("frame {} ({story}, {octets:02x?})", number + 1);
        ensure!(row.last().is_some_and(String::is_empty), "{} is malformed to tshark", here());
        let found = found(row);
        let believed = believed(frame).map_err(|why| format!("{}: we cannot read it: {why}", here()))?;
        for (name, _) in FIELDS {
            let (ours, theirs) = (believed.get(name), found.get(name));
            ensure!(ours == theirs, "{}: {name} is {ours:?} to us, {theirs:?} to tshark", here());
        }
        let by_us = usize::from(frame.sender == place.side);
        if let (Some("8"), Some(message)) = (found.get("q931.disc").map(String::as_str), found.get("q931.message_type"))
        {
            directions[by_us].insert(message.clone());
        }
        if let Some(status) = found.get("q931.extension_ind_new_status") {
            services.insert((by_us, status.clone()));
        }
        // STATUS that answers or volunteers the state of a call that is up; with any other cause one end complains of the other.
        if let Some(state) = found.get("q931.call_state") {
            let (cause, expected) = (&found["q931.cause_value"], [("30", "10"), ("31", "10")]);
            ensure!(expected.contains(&(cause, state)), "{}: STATUS with cause {cause}, state {state}", here());
        }
    }
    for (by_us, messages) in directions.iter().enumerate() {
        let wanted = TOLD.iter().chain([&TOLD_BY[by_us]]);
        let missing: Vec<_> =
            wanted.filter(|kind| !messages.contains(&kind.0.to_string())).map(|kind| kind.name()).collect();
        ensure!(missing.is_empty(), "never sent by {}: {missing:?}", ["libpri", "us"][by_us]);
    }
    let told = if place.has_service() { 6 } else { 0 };
    ensure!(services.len() == told, "service states told by either side: {services:?}");
    Ok(())
}

/// tshark's view.
fn found(row: &[String]) -> Fields {
    let mut fields = Fields::new();
    for ((name, written), text) in FIELDS.iter().zip(row) {
        if text.is_empty() {
            continue;
        }
        let value = match written {
            Written::Digits => text.clone(),
            Written::Octets => u32::from_str_radix(text, 16).map_or_else(|_| text.clone(), |value| value.to_string()),
            Written::Number => text.split(',').map(number).collect::<Vec<_>>().join(","),
        };
        fields.insert(name, value);
    }
    fields
}

fn number(text: &str) -> String {
    let value = match (text, text.strip_prefix("0x")) {
        ("True", _) => Some(1),
        ("False", _) => Some(0),
        (_, Some(digits)) => u32::from_str_radix(digits, 16).ok(),
        (decimal, None) => decimal.parse().ok(),
    };
    value.map_or_else(|| text.to_owned(), |value: u32| value.to_string())
}

/// Our view.
fn believed(passed: &Passed) -> Result<Fields, String> {
    let frame = decode(&passed.octets, passed.sender, N201_MAX).map_err(|why| format!("{why:?}"))?;
    let from_network = passed.sender == Side::Network;
    let mut fields = Fields::new();
    let mut put = |name, value: u32| drop(fields.insert(name, value.to_string()));
    put("lapd.direction", from_network.into());
    put("lapd.sapi", 0);
    put("lapd.tei", 0);
    let (command, poll_final, kind) = match frame {
        Frame::Information { poll, .. } => (true, poll, I_FRAME),
        Frame::Supervisory { command, poll_final, .. } => (command, poll_final, S_FRAME),
        Frame::Unnumbered { function, poll_final } => {
            (matches!(function, Unnumbered::Sabme | Unnumbered::Disc), poll_final, U_FRAME)
        }
    };
    // Set in commands of the network and in responses of the user (Q.921 table 1).
    put("lapd.cr", (command == from_network).into());
    put("lapd.control.ftype", kind);
    if poll_final {
        put(if command { "lapd.control.p" } else { "lapd.control.f" }, 1);
    }
    match frame {
        Frame::Information { n_s, n_r, information, .. } => {
            put("lapd.control.n_s", n_s.into());
            put("lapd.control.n_r", n_r.into());
            message(&mut fields, information)?;
        }
        Frame::Supervisory { function, n_r, .. } => {
            put("lapd.control.n_r", n_r.into());
            // The two bits S of the first control octet (Q.921 table 5).
            let function = match function {
                Supervisory::ReceiveReady => 0,
                Supervisory::ReceiveNotReady => 1,
                Supervisory::Reject => 2,
            };
            put("lapd.control.s_ftype", function);
        }
        Frame::Unnumbered { function, .. } => {
            // The five bits M of the control octet (Q.921 table 5).
            let modifier = match function {
                Unnumbered::Sabme => 0x1b,
                Unnumbered::Disc => 0x10,
                Unnumbered::Ua => 0x18,
                Unnumbered::Dm => 0x03,
                other => return Err(format!("{other:?} has no business here")),
            };
            put(if command { "lapd.control.u_modifier_cmd" } else { "lapd.control.u_modifier_resp" }, modifier);
        }
    }
    Ok(fields)
}

fn message(fields: &mut Fields, octets: &[u8]) -> Result<(), String> {
    let mut put = |name, value: u32| drop(fields.insert(name, value.to_string()));
    if let Ok(service) = ServiceMessage::decode(octets) {
        put("q931.disc", service.discriminator as u32);
        put("q931.call_ref", 0);
        put("q931.call_ref_flag", (service.kind == Kind::Acknowledge).into());
        // tshark knows 0x03 only, and takes 0x43 for a protocol whose messages are those of call control.
        let kind = match service.discriminator {
            Discriminator::Exchange => "q931.maintenance_message_type",
            Discriminator::National => "q931.message_type",
        };
        put(kind, service.code.into());
        put("q931.extension_ind_new_status", (service.status & 0x07).into());
        channels(fields, &service.channels);
        return Ok(());
    }
    let raw = split(octets).map_err(|why| format!("{why:?}"))?;
    // Read as whoever receives it: the flag says whether he chose the reference.
    let (value, flag) = match raw.reference {
        Reference::Call(call) => (call.value, call.ours),
        Reference::Global { ours } => (0, ours),
    };
    put("q931.disc", CALL_CONTROL.into());
    put("q931.call_ref", value.into());
    put("q931.call_ref_flag", flag.into());
    put("q931.message_type", raw.kind.0.into());
    let (content, faults) = content::decode(&raw);
    if faults != content::Faults::default() {
        return Err(format!("{faults:?}"));
    }
    let Content { cause, call_state, channel, restart, called, calling, .. } = content;
    if let Some(element) = cause {
        put("q931.cause_value", element.cause.value.into());
        put("q931.cause_location", element.cause.location.code().into());
    }
    if let Some(state) = call_state {
        put("q931.call_state", state.into());
    }
    if let Some(class) = restart {
        put("q931.restart_indicator", (class.encode()[0] & 0x07).into());
    }
    let digits = |number: Number| number.digits.as_str().to_owned();
    fields.extend(called.map(|number| ("q931.called_party_number.digits", digits(number))));
    fields.extend(calling.map(|number| ("q931.calling_party_number.digits", digits(number))));
    if let Some(element) = channel {
        channels(fields, &element);
    }
    Ok(())
}

fn channels(fields: &mut Fields, element: &ChannelIdentification) {
    // Information channel selection (Q.931 table 4-8).
    let selection = match element.selection {
        Selection::None => 0,
        Selection::Interface | Selection::Channels { .. } => 1,
        Selection::Any => 3,
    };
    fields.insert("q931.channel.selection", selection.to_string());
    fields.insert("q931.channel.exclusive", u8::from(element.exclusive).to_string());
    if let Selection::Channels { set, form: Form::Number } = element.selection {
        let numbers: Vec<_> = (1..=32).filter(|n| set & 1 << (n - 1) != 0).map(|n: u32| n.to_string()).collect();
        fields.insert("q931.channel.number", numbers.join(","));
    }
}
