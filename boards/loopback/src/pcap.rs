//! D-channel captures in the pcap format, as Wireshark reads them.
//!
//! Data path: [`CapturedFrame`] → here → a file or any other writer.
//! Time: the ticks of the capture, added to the date the caller gives.
//! Source: pcap format version 2.4, link type 177 (LINUX_LAPD): before each frame a "cooked" header of 16
//! octets, which tells the dissector which side of the access sent it.

use crate::capture::{CapturedFrame, Direction};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

const MAGIC: u32 = 0xa1b2_c3d4;
const LINK_TYPE_LINUX_LAPD: u32 = 177;
const SNAP_LENGTH: u32 = 65_535;
const COOKED_LENGTH: usize = 16;

/// Which side of the access the captured card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Terminal equipment: the daemon's usual place.
    User,
    /// The exchange.
    Network,
}

/// Writes one capture.
pub struct PcapWriter<W: Write> {
    output: W,
    side: Side,
    start: SystemTime,
}

impl<W: Write> PcapWriter<W> {
    /// Begin a capture of a card on this side whose ticks began at `start`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(mut output: W, side: Side, start: SystemTime) -> io::Result<Self> {
        let mut header = [0; 24];
        header[..4].copy_from_slice(&MAGIC.to_le_bytes());
        header[4..6].copy_from_slice(&2_u16.to_le_bytes());
        header[6..8].copy_from_slice(&4_u16.to_le_bytes());
        header[16..20].copy_from_slice(&SNAP_LENGTH.to_le_bytes());
        header[20..].copy_from_slice(&LINK_TYPE_LINUX_LAPD.to_le_bytes());
        output.write_all(&header)?;
        Ok(PcapWriter { output, side, start })
    }

    /// Add a frame. Which span it came from is not kept by the format: a file for each.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, captured: &CapturedFrame) -> io::Result<()> {
        let at = (self.start + captured.at).duration_since(UNIX_EPOCH).unwrap_or_default();
        let length = (COOKED_LENGTH + captured.frame.len()) as u32;
        let mut header = [0; 16];
        // 32 bits of seconds are what the format has; they wrap in 2106.
        header[..4].copy_from_slice(&(at.as_secs() as u32).to_le_bytes());
        header[4..8].copy_from_slice(&at.subsec_micros().to_le_bytes());
        header[8..12].copy_from_slice(&length.to_le_bytes());
        header[12..].copy_from_slice(&length.to_le_bytes());
        self.output.write_all(&header)?;
        self.output.write_all(&cooked(self.sent_by_network(captured.direction)))?;
        self.output.write_all(&captured.frame)
    }

    /// Hand what was written to the system.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.output
    }

    fn sent_by_network(&self, direction: Direction) -> bool {
        (self.side == Side::Network) == (direction == Direction::Sent)
    }
}

/// The cooked header: packet type "outgoing", hardware type LAPD, an address of one octet that is 1 for
/// frames of the network side, protocol LAPD. Big-endian, unlike everything before it.
fn cooked(from_network: bool) -> [u8; COOKED_LENGTH] {
    let mut header = [0; COOKED_LENGTH];
    header[..2].copy_from_slice(&4_u16.to_be_bytes());
    header[2..4].copy_from_slice(&0x2044_u16.to_be_bytes());
    header[4..6].copy_from_slice(&1_u16.to_be_bytes());
    header[6] = u8::from(from_network);
    header[14..].copy_from_slice(&0x0030_u16.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use hal::{DFrame, SpanIndex};
    use std::time::Duration;

    fn sabme(direction: Direction) -> CapturedFrame {
        let frame = DFrame::new(&[0x02, 0x01, 0x7f]).expect("short");
        CapturedFrame { span: SpanIndex(0), direction, tick: 150, at: Duration::from_millis(1_500), frame }
    }

    #[test]
    fn the_octets_are_those_of_the_format() {
        let start = UNIX_EPOCH + Duration::from_millis(0x6000_0000 * 1_000 + 250);
        let mut writer = PcapWriter::new(Vec::new(), Side::User, start).expect("a vector takes everything");
        writer.write(&sabme(Direction::Received)).expect("a vector takes everything");
        let written = writer.into_inner();
        assert_eq!(written[..24], *b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\xb1\0\0\0");
        // 1.5 s into the capture: one second later, and 750,000 microseconds.
        assert_eq!(written[24..40], *b"\x01\0\0\x60\xb0\x71\x0b\0\x13\0\0\0\x13\0\0\0");
        assert_eq!(written[40..56], *b"\0\x04\x20\x44\0\x01\x01\0\0\0\0\0\0\0\0\x30");
        assert_eq!(written[56..], [0x02, 0x01, 0x7f]);
    }

    #[test]
    fn the_network_side_is_marked_whichever_side_we_are() {
        for (side, direction, mark) in [
            (Side::User, Direction::Sent, 0),
            (Side::User, Direction::Received, 1),
            (Side::Network, Direction::Sent, 1),
            (Side::Network, Direction::Received, 0),
        ] {
            let mut writer = PcapWriter::new(Vec::new(), side, UNIX_EPOCH).expect("a vector takes everything");
            writer.write(&sabme(direction)).expect("a vector takes everything");
            assert_eq!(writer.into_inner()[46], mark, "{side:?} {direction:?}");
        }
    }
}
