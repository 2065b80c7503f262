//! D-channel captures as Wireshark reads them.
//!
//! Data path: frames of `trace` → here → a file, or a pipe to a dissector.
//! Source: pcap format version 2.4, link type 177 (LINUX_LAPD): each frame has 16 octets before it, of which the seventh
//! tells which side of the access sent it. Big-endian there, little-endian in pcap's own headers.

use std::io::{self, Write};

/// A capture that is being written. Every packet goes out in one piece, so that whoever ends us leaves a whole one.
pub struct Pcap<W: Write> {
    output: W,
}

impl<W: Write> Pcap<W> {
    /// Begin a capture.
    pub fn begin(mut output: W) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_c3d4_u32.to_le_bytes());
        header.extend(2_u16.to_le_bytes());
        header.extend(4_u16.to_le_bytes());
        // Time zone and accuracy, which nobody uses; the longest packet; the link type.
        for field in [0, 0, 65_535, 177_u32] {
            header.extend(field.to_le_bytes());
        }
        output.write_all(&header)?;
        output.flush()?;
        Ok(Pcap { output })
    }

    /// Add a frame of that date, in microseconds since 1970.
    pub fn add(&mut self, at_us: u64, from_network: bool, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(16 + frame.len()).map_err(io::Error::other)?;
        // 32 bits of seconds are what the format has; they wrap in 2106.
        let date = [(at_us / 1_000_000) as u32, (at_us % 1_000_000) as u32];
        let mut packet = Vec::with_capacity(32 + frame.len());
        for field in [date[0], date[1], length, length] {
            packet.extend(field.to_le_bytes());
        }
        // Seen by the one who sent it, over LAPD, with an address of one octet; at the end the protocol, LAPD again.
        packet.extend([0x00, 0x04, 0x20, 0x44, 0x00, 0x01, u8::from(from_network)]);
        packet.extend([0; 7]);
        packet.extend([0x00, 0x30]);
        packet.extend(frame);
        self.output.write_all(&packet)?;
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_octets_are_those_of_the_format() {
        let mut written = Vec::new();
        let mut pcap = Pcap::begin(&mut written).expect("a vector takes everything");
        pcap.add(0x6000_0001_u64 * 1_000_000 + 750_000, true, &[0x02, 0x01, 0x7f]).expect("a vector takes everything");
        pcap.add(0, false, &[]).expect("a vector takes everything");
        assert_eq!(written[..24], *b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\xb1\0\0\0");
        assert_eq!(written[24..40], *b"\x01\0\0\x60\xb0\x71\x0b\0\x13\0\0\0\x13\0\0\0");
        assert_eq!(written[40..56], *b"\0\x04\x20\x44\0\x01\x01\0\0\0\0\0\0\0\0\x30");
        assert_eq!(written[56..59], [0x02, 0x01, 0x7f]);
        assert_eq!(written[59 + 16 + 6], 0, "the user's side");
        assert_eq!(written.len(), 59 + 32);
    }
}
