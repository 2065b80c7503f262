//! Opus in Ogg, for players at a low bit rate.
//!
//! A listener gets the two header pages and then pages of a fifth of a second from the newest entry on, with
//! the page numbers and positions they have in the stream: what RFC 7845 calls a stream joined in its course.
//!
//! Data path: Opus frames → pages → backlog.
//! Time: granule positions, in samples at 48 kHz since the stream began.
//! Source: RFC 3533 (pages), RFC 7845: clause 3 for the order of pages, 4 for granule positions, 5 for headers.

use crate::container::{Container, Wrapped};
use crate::opus;
use ogg::writing::{PacketWriteEndInfo, PacketWriter};

/// Frames of a page.
const PAGE_FRAMES: u64 = 10;

/// One stream in Ogg.
pub(crate) struct OggOpus {
    prelude: Vec<u8>,
    serial: u32,
    pages: PacketWriter<'static, Vec<u8>>,
    frames: u64,
    /// Held until it is known whether it is the last: only the last page may say so, and it must have a frame.
    held: Option<Vec<u8>>,
}

impl OggOpus {
    /// At the start of a stream; the serial number is made of its time, so that two streams have two.
    pub(crate) fn new(start_ms: u64) -> Self {
        let serial = (start_ms / 20) as u32;
        let mut ogg =
            OggOpus { prelude: Vec::new(), serial, pages: PacketWriter::new(Vec::new()), frames: 0, held: None };
        ogg.write(opus::identification().to_vec(), PacketWriteEndInfo::EndPage, 0);
        ogg.write(comments(), PacketWriteEndInfo::EndPage, 0);
        ogg.prelude = std::mem::take(ogg.pages.inner_mut());
        ogg
    }

    /// Into memory, which does not fail.
    fn write(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo, position: u64) {
        let _ = self.pages.write_packet(packet, self.serial, end, position);
    }

    /// The frame that was held, now that it is known what comes after it.
    fn let_go(&mut self, last: bool, out: &mut Wrapped) {
        let Some(frame) = self.held.take() else { return };
        self.frames += 1;
        let end = if last {
            PacketWriteEndInfo::EndStream
        } else if self.frames.is_multiple_of(PAGE_FRAMES) {
            PacketWriteEndInfo::EndPage
        } else {
            PacketWriteEndInfo::NormalPacket
        };
        // The position after the page's last frame, pre-skip included (RFC 7845, 4).
        self.write(frame, end, self.frames * u64::from(opus::FRAME_SAMPLES));
        let pages = std::mem::take(self.pages.inner_mut());
        if !pages.is_empty() {
            out.entry();
            out.piece(&pages);
        }
    }
}

impl Container for OggOpus {
    fn prelude(&self) -> &[u8] {
        &self.prelude
    }

    fn wrap(&mut self, frame: &[u8], out: &mut Wrapped) {
        self.let_go(false, out);
        self.held = Some(frame.to_vec());
    }

    fn finish(&mut self, out: &mut Wrapped) {
        self.let_go(true, out);
    }
}

/// The comment header: who wrote it, and no comments (RFC 7845, 5.2).
fn comments() -> Vec<u8> {
    let vendor = b"Trunkcast";
    let mut header = b"OpusTags".to_vec();
    header.extend_from_slice(&(vendor.len() as u32).to_le_bytes());
    header.extend_from_slice(vendor);
    header.extend_from_slice(&0u32.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use ogg::PacketReader;
    use std::io::Cursor;

    fn packets(octets: &[u8]) -> Vec<ogg::Packet> {
        let mut reader = PacketReader::new(Cursor::new(octets));
        std::iter::from_fn(|| reader.read_packet().unwrap()).collect()
    }

    #[test]
    fn a_listener_who_comes_late_has_whole_pages_with_their_positions() {
        let (mut ogg, mut out) = (OggOpus::new(1_795_184_515_250), Wrapped::default());
        (0..95u8).for_each(|n| ogg.wrap(&[n; 60], &mut out));
        ogg.finish(&mut out);
        assert_eq!((out.entries.len(), out.pieces), (10, 10));
        for late in [0, 3, 9] {
            let heard = [ogg.prelude(), &out.octets[out.entries[late]..]].concat();
            let packets = packets(&heard);
            assert_eq!(packets[0].data, opus::identification());
            assert!(packets[1].data.starts_with(b"OpusTags"));
            let sound = &packets[2..];
            assert_eq!(sound.len(), 95 - late * 10);
            for (n, packet) in (late * 10..).zip(sound) {
                assert_eq!(packet.data, [n as u8; 60]);
                assert_eq!(packet.stream_serial(), packets[0].stream_serial());
            }
            assert_eq!(sound[0].absgp_page(), ((late + 1) * 10).min(95) as u64 * 960);
            let last = sound.last().unwrap();
            assert_eq!((last.last_in_stream(), last.absgp_page()), (true, 95 * 960));
            assert!(sound[..sound.len() - 1].iter().all(|packet| !packet.last_in_stream()));
        }
    }

    #[test]
    fn a_stream_that_ends_with_a_page_says_so_on_that_page() {
        let (mut ogg, mut out) = (OggOpus::new(0), Wrapped::default());
        (0..20u8).for_each(|n| ogg.wrap(&[n; 60], &mut out));
        ogg.finish(&mut out);
        ogg.finish(&mut out);
        assert_eq!(out.entries.len(), 2);
        let packets = packets(&[ogg.prelude(), &out.octets[..]].concat());
        assert!(packets.last().unwrap().last_in_stream());
    }
}
