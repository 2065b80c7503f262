//! Messages of the e1d control socket: octets here, meaning in `server`.
//!
//! Data path: a packet from a client → [`Request`]; answers and events → a packet for a client.
//! Time: none.
//! Source: the client protocol of osmo-e1d. A packet is a header of eight octets in the machine's own
//! byte order (magic, length of the whole, type, interface, line, timeslot) and a payload.
//! An answer's header does not repeat what was asked about, and a request that cannot be is answered with
//! nothing behind it, as the daemon does.
//! Departure: a request we do not know, on which the daemon hangs up, is answered with an error.

use nix::errno::Errno;

/// Octets of the longest packet.
pub(crate) const PACKET_MAX: usize = 4096;
const MAGIC: u16 = 0x01e1;
const HEADER: usize = 8;
/// "Any", or "none", in a header field.
pub(crate) const ANY: u8 = 0xff;

const INTERFACE_QUERY: u8 = 0x00;
const LINE_QUERY: u8 = 0x01;
const TIMESLOT_QUERY: u8 = 0x02;
const LINE_CONFIG: u8 = 0x03;
const TIMESLOT_OPEN: u8 = 0x04;
const RESPONSE: u8 = 0x80;
const ERROR: u8 = 0xc0;
const CLASS: u8 = 0xc0;

/// Line modes: all timeslots dead, or each on its own.
pub(crate) const LINE_OFF: u8 = 0x00;
pub(crate) const LINE_CHANNELIZED: u8 = 0x20;
/// Timeslot modes.
pub(crate) const TIMESLOT_OFF: u8 = 0x00;
pub(crate) const TIMESLOT_RAW: u8 = 0x10;
pub(crate) const TIMESLOT_HDLC_FCS: u8 = 0x11;
const FLAG_FORCE: u8 = 0x80;

/// Which interface, line and timeslot a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) interface: u8,
    pub(crate) line: u8,
    pub(crate) timeslot: u8,
}

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    InterfaceQuery,
    LineQuery,
    TimeslotQuery,
    LineConfig {
        mode: u8,
    },
    TimeslotOpen {
        mode: u8,
        force: bool,
        /// Octets the client wants at a time from a raw timeslot.
        read_size: u16,
    },
}

/// A message from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) code: u8,
    pub(crate) address: Address,
    /// An error for what is well formed but is no request of ours: answered rather than hung up on.
    pub(crate) command: Result<Command, Errno>,
}

impl Request {
    /// The message in a packet, or `None` when it is not of this protocol at all.
    pub(crate) fn parse(packet: &[u8]) -> Option<Request> {
        let (header, payload) = packet.split_at_checked(HEADER)?;
        let magic = u16::from_ne_bytes([header[0], header[1]]);
        let length = u16::from_ne_bytes([header[2], header[3]]);
        let code = header[4];
        if magic != MAGIC || usize::from(length) != packet.len() || code & CLASS != 0 {
            return None;
        }
        let address = Address { interface: header[5], line: header[6], timeslot: header[7] };
        let command = match (code, payload) {
            (INTERFACE_QUERY, []) => Ok(Command::InterfaceQuery),
            (LINE_QUERY, []) => Ok(Command::LineQuery),
            (TIMESLOT_QUERY, []) => Ok(Command::TimeslotQuery),
            (LINE_CONFIG, &[mode]) => Ok(Command::LineConfig { mode }),
            (TIMESLOT_OPEN, &[mode, flags, size_0, size_1]) => Ok(Command::TimeslotOpen {
                mode,
                force: flags & FLAG_FORCE != 0,
                read_size: u16::from_ne_bytes([size_0, size_1]),
            }),
            (INTERFACE_QUERY..=TIMESLOT_OPEN, _) => Err(Errno::EINVAL),
            _ => Err(Errno::EOPNOTSUPP),
        };
        Some(Request { code, address, command })
    }
}

/// What the server knows of a line.
pub(crate) struct LineInfo {
    pub(crate) id: u8,
    pub(crate) mode: u8,
    pub(crate) usable: bool,
}

/// What the server knows of a timeslot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeslotInfo {
    pub(crate) id: u8,
    pub(crate) mode: u8,
    pub(crate) read_size: u16,
}

/// A packet being put together.
pub(crate) struct Packet(Vec<u8>);

impl Packet {
    /// About this line of the one interface.
    fn new(code: u8, line: u8) -> Packet {
        let mut octets = Vec::with_capacity(HEADER + 64);
        octets.extend(MAGIC.to_ne_bytes());
        octets.extend([0, 0, code, 0, line, 0]);
        Packet(octets)
    }

    /// The answer to a request. As it is, with nothing in it: what was asked for is not there, or taken.
    pub(crate) fn response(request: &Request) -> Packet {
        Packet::new(request.code | RESPONSE, 0)
    }

    /// The answer to a request that is not granted.
    pub(crate) fn refusal(request: &Request, why: Errno) -> Packet {
        match why {
            Errno::ENODEV | Errno::EBUSY | Errno::EINVAL => Packet::response(request),
            // The low six bits of the negative number; which request it was the client knows.
            failed => Packet::new(ERROR | (-(failed as i32) & 0x3f) as u8, 0),
        }
    }

    /// An event: `code` from [`crate::e1d::alarm_events`].
    pub(crate) fn event(code: u8, line: u8) -> Packet {
        Packet::new(code, line)
    }

    pub(crate) fn interface(&mut self, id: u8, lines: u8) {
        self.0.extend([id, lines]);
    }

    pub(crate) fn line(&mut self, info: &LineInfo) {
        self.0.extend([info.id, info.mode, u8::from(info.usable)]);
    }

    pub(crate) fn timeslot(&mut self, info: TimeslotInfo) {
        self.0.extend([info.id, info.mode, 0]);
        self.0.extend(info.read_size.to_ne_bytes());
        self.0.push(u8::from(info.mode != TIMESLOT_OFF));
    }

    /// The octets, length filled in.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let length = self.0.len() as u16;
        self.0[2..4].copy_from_slice(&length.to_ne_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = MAGIC.to_ne_bytes().to_vec();
        packet.extend((8 + payload.len() as u16).to_ne_bytes());
        packet.extend([code, 0, 1, 16]);
        packet.extend(payload);
        packet
    }

    #[test]
    fn an_open_request_is_read() {
        let size = 160_u16.to_ne_bytes();
        let request = Request::parse(&packet(4, &[0x11, 0x80, size[0], size[1]])).expect("well formed");
        assert_eq!(request.address, Address { interface: 0, line: 1, timeslot: 16 });
        let open = Command::TimeslotOpen { mode: TIMESLOT_HDLC_FCS, force: true, read_size: 160 };
        assert_eq!(request.command, Ok(open));
    }

    #[test]
    fn what_is_not_of_the_protocol_is_told_from_what_cannot_be_done() {
        assert_eq!(Request::parse(&[]), None);
        assert_eq!(Request::parse(&packet(0, &[])[..7]), None);
        let mut longer = packet(0, &[]);
        longer.push(0);
        assert_eq!(Request::parse(&longer), None, "the length says otherwise");
        let mut other = packet(0, &[]);
        other[0] ^= 1;
        assert_eq!(Request::parse(&other), None, "the magic says otherwise");
        assert_eq!(Request::parse(&packet(0x80, &[])), None, "a client does not answer");
        assert_eq!(Request::parse(&packet(4, &[0x10])).expect("well formed").command, Err(Errno::EINVAL));
        assert_eq!(Request::parse(&packet(5, &[1])).expect("well formed").command, Err(Errno::EOPNOTSUPP));
    }

    proptest::proptest! {
        #[test]
        fn no_packet_is_too_strange(mut octets in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            Request::parse(&octets);
            // Nearly right, which goes further.
            let length = (octets.len() as u16).to_ne_bytes();
            for (octet, right) in octets.iter_mut().zip(MAGIC.to_ne_bytes().into_iter().chain(length)) {
                *octet = right;
            }
            let parsed = Request::parse(&octets);
            let for_us = octets.len() >= HEADER && octets[4] & CLASS == 0;
            proptest::prop_assert_eq!(parsed.is_some(), for_us);
        }
    }

    #[test]
    fn answers_have_the_layout_clients_expect() {
        let request = Request::parse(&packet(2, &[])).expect("well formed");
        let mut answer = Packet::response(&request);
        answer.timeslot(TimeslotInfo { id: 16, mode: TIMESLOT_RAW, read_size: 80 });
        let octets = answer.finish();
        let size = 80_u16.to_ne_bytes();
        assert_eq!(octets[2..4], 14_u16.to_ne_bytes());
        assert_eq!(octets[4..], [0x82, 0, 0, 0, 16, 0x10, 0, size[0], size[1], 1]);
        assert_eq!(Packet::refusal(&request, Errno::EBUSY).finish()[4..], [0x82, 0, 0, 0]);
        assert_eq!(Packet::refusal(&request, Errno::EPERM).finish()[4..], [0xff, 0, 0, 0]);
        assert_eq!(Packet::event(0x40, 1).finish()[4..], [0x40, 0, 1, 0]);
    }
}
