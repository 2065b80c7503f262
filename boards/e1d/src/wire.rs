//! Messages of the control socket: octets here, meaning in [`crate::client`].
//!
//! Source: the client protocol of osmo-e1d. A packet is a header of eight octets (magic, length of the whole, type, interface, line,
//! timeslot), numbers in the machine's own byte order, and a payload. An answer's type is the request's with 0x80; it has no payload
//! when the request cannot be, and its header does not repeat what was asked about. An error's type is 0xc0 with the low six bits of
//! the negative error number, whatever the request was. Events, which nobody has asked for, have types from 0x40.

use hal::Alarms;

/// Octets of the longest packet looked at.
pub const PACKET_MAX: usize = 4096;
const HEADER: usize = 8;
const MAGIC: u16 = 0x01e1;
const TIMESLOT_OPEN: u8 = 0x04;
const CLASS: u8 = 0xc0;
const RESPONSE: u8 = 0x80;
const ERROR: u8 = 0xc0;
const EVENT: u8 = 0x40;
const NONE: u8 = 0xff;

/// Which line of which interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAddress {
    /// The interface: a board on the bus.
    pub interface: u8,
    /// Its line.
    pub line: u8,
}

/// What a timeslot is opened as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Octets as they are on the line.
    Raw,
    /// Frames, with flags, stuffing and check sequence made and taken away by the daemon.
    HdlcFcs,
}

/// The request to open a timeslot; `read_size` is how many octets at a time the daemon hands over of a raw one.
#[must_use]
pub fn open(at: LineAddress, timeslot: u8, mode: Mode, read_size: u16) -> [u8; HEADER + 4] {
    let mode = match mode {
        Mode::Raw => 0x10,
        Mode::HdlcFcs => 0x11,
    };
    let [magic, length, size] = [MAGIC, (HEADER + 4) as u16, read_size].map(u16::to_ne_bytes);
    let not_by_force = 0;
    [
        magic[0],
        magic[1],
        length[0],
        length[1],
        TIMESLOT_OPEN,
        at.interface,
        at.line,
        timeslot,
        mode,
        not_by_force,
        size[0],
        size[1],
    ]
}

/// What came on the control socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The timeslot of this number is open; its socket comes beside.
    Opened(u8),
    /// It is not: another program has it, or there is none.
    Refused,
    /// The daemon could not do what was asked.
    Failed,
    /// An alarm of a line came (`true`) or went.
    Alarm(LineAddress, Alarms, bool),
    /// Something this client has no use for.
    Other,
}

/// Read a packet; `None` when it is not of this protocol.
#[must_use]
pub fn read(packet: &[u8]) -> Option<Message> {
    let (header, payload) = packet.split_at_checked(HEADER)?;
    let magic = u16::from_ne_bytes([header[0], header[1]]);
    let length = u16::from_ne_bytes([header[2], header[3]]);
    if magic != MAGIC || usize::from(length) != packet.len() {
        return None;
    }
    let at = LineAddress { interface: header[5], line: header[6] };
    let kind = header[4];
    Some(match (kind & CLASS, kind & !CLASS) {
        (RESPONSE, TIMESLOT_OPEN) => opened(payload)?,
        (ERROR, _) => Message::Failed,
        (EVENT, event) => match alarm(event) {
            Some(alarm) => Message::Alarm(at, alarm, event % 2 == 0),
            None => Message::Other,
        },
        _ => Message::Other,
    })
}

/// What the daemon says of a timeslot it was to open: number, mode, flags, two octets of read size, status. It fills in neither the
/// flags nor the size. Number -1 is a timeslot it has not opened.
fn opened(payload: &[u8]) -> Option<Message> {
    match *payload {
        [] | [NONE, _, _, _, _, _] => Some(Message::Refused),
        [timeslot, _, _, _, _, _] => Some(Message::Opened(timeslot)),
        _ => None,
    }
}

/// Events come in pairs: on, off.
fn alarm(event: u8) -> Option<Alarms> {
    [Alarms::LOS, Alarms::AIS, Alarms::RAI, Alarms::LOF].get(usize::from(event / 2)).copied()
}
