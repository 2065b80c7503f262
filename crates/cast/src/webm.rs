//! Opus in WebM, for a browser's Media Source Extensions.
//!
//! A segment of unknown size holds clusters of unknown size, a second each, and each frame goes out as a
//! block of its own the moment it is there: the container adds no delay. A listener begins with the prelude
//! (EBML header, segment, tracks) and the newest cluster.
//!
//! Data path: Opus frames → blocks in clusters → backlog.
//! Time: counted in frames of 20 ms since the stream began.
//! Source: RFC 8794 (EBML: clause 4 for sizes, 11.2 for the header), RFC 9559 (Matroska: element ids in
//! clause 5, unknown sizes for live streams in clause 25), and WebM's guidelines for A_OPUS.
//! Words: a *cluster* is a run of blocks with one time for all, to which each adds its own.

use crate::container::{Container, Wrapped};
use crate::opus;

/// Frames of a cluster: a second, the most a new listener gets of what has been.
const CLUSTER_FRAMES: u64 = 50;
/// "Not known", as a size of eight octets.
const UNKNOWN: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// Ids of the elements that are written.
mod id {
    pub(super) const EBML: u32 = 0x1A45_DFA3;
    pub(super) const EBML_VERSION: u32 = 0x4286;
    pub(super) const EBML_READ_VERSION: u32 = 0x42F7;
    pub(super) const EBML_MAX_ID_LENGTH: u32 = 0x42F2;
    pub(super) const EBML_MAX_SIZE_LENGTH: u32 = 0x42F3;
    pub(super) const DOC_TYPE: u32 = 0x4282;
    pub(super) const DOC_TYPE_VERSION: u32 = 0x4287;
    pub(super) const DOC_TYPE_READ_VERSION: u32 = 0x4285;
    pub(super) const SEGMENT: u32 = 0x1853_8067;
    pub(super) const INFO: u32 = 0x1549_A966;
    pub(super) const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
    pub(super) const MUXING_APP: u32 = 0x4D80;
    pub(super) const WRITING_APP: u32 = 0x5741;
    pub(super) const TRACKS: u32 = 0x1654_AE6B;
    pub(super) const TRACK_ENTRY: u32 = 0xAE;
    pub(super) const TRACK_NUMBER: u32 = 0xD7;
    pub(super) const TRACK_UID: u32 = 0x73C5;
    pub(super) const TRACK_TYPE: u32 = 0x83;
    pub(super) const FLAG_LACING: u32 = 0x9C;
    pub(super) const DEFAULT_DURATION: u32 = 0x23_E383;
    pub(super) const CODEC_ID: u32 = 0x86;
    pub(super) const CODEC_PRIVATE: u32 = 0x63A2;
    pub(super) const CODEC_DELAY: u32 = 0x56AA;
    pub(super) const SEEK_PRE_ROLL: u32 = 0x56BB;
    pub(super) const AUDIO: u32 = 0xE1;
    pub(super) const SAMPLING_FREQUENCY: u32 = 0xB5;
    pub(super) const CHANNELS: u32 = 0x9F;
    pub(super) const CLUSTER: u32 = 0x1F43_B675;
    pub(super) const TIMESTAMP: u32 = 0xE7;
    pub(super) const SIMPLE_BLOCK: u32 = 0xA3;
}

/// One stream in WebM.
pub(crate) struct WebM {
    prelude: Vec<u8>,
    frames: u64,
    block: Vec<u8>,
}

impl WebM {
    /// At the start of a stream.
    pub(crate) fn new() -> Self {
        WebM { prelude: prelude(), frames: 0, block: Vec::new() }
    }
}

impl Container for WebM {
    fn prelude(&self) -> &[u8] {
        &self.prelude
    }

    fn wrap(&mut self, frame: &[u8], out: &mut Wrapped) {
        let within = self.frames % CLUSTER_FRAMES;
        self.block.clear();
        if within == 0 {
            out.entry();
            write_id(&mut self.block, id::CLUSTER);
            self.block.extend_from_slice(&UNKNOWN);
            unsigned(&mut self.block, id::TIMESTAMP, self.frames * u64::from(opus::FRAME_MS));
        }
        write_id(&mut self.block, id::SIMPLE_BLOCK);
        write_size(&mut self.block, 4 + frame.len());
        let since_ms = (within * u64::from(opus::FRAME_MS)) as i16;
        // Track 1, time in the cluster, a key frame without lacing.
        self.block.push(0x81);
        self.block.extend_from_slice(&since_ms.to_be_bytes());
        self.block.push(0x80);
        self.block.extend_from_slice(frame);
        out.piece(&self.block);
        self.frames += 1;
    }

    /// Elements of unknown size end where the stream does.
    fn finish(&mut self, _out: &mut Wrapped) {}
}

fn prelude() -> Vec<u8> {
    let mut out = Vec::new();
    master(&mut out, id::EBML, |out| {
        unsigned(out, id::EBML_VERSION, 1);
        unsigned(out, id::EBML_READ_VERSION, 1);
        unsigned(out, id::EBML_MAX_ID_LENGTH, 4);
        unsigned(out, id::EBML_MAX_SIZE_LENGTH, 8);
        element(out, id::DOC_TYPE, b"webm");
        unsigned(out, id::DOC_TYPE_VERSION, 4);
        unsigned(out, id::DOC_TYPE_READ_VERSION, 2);
    });
    write_id(&mut out, id::SEGMENT);
    out.extend_from_slice(&UNKNOWN);
    master(&mut out, id::INFO, |out| {
        // Times are in milliseconds.
        unsigned(out, id::TIMESTAMP_SCALE, 1_000_000);
        element(out, id::MUXING_APP, b"Trunkcast");
        element(out, id::WRITING_APP, b"Trunkcast");
    });
    master(&mut out, id::TRACKS, |out| {
        master(out, id::TRACK_ENTRY, |out| {
            unsigned(out, id::TRACK_NUMBER, 1);
            unsigned(out, id::TRACK_UID, 1);
            unsigned(out, id::TRACK_TYPE, 2);
            unsigned(out, id::FLAG_LACING, 0);
            unsigned(out, id::DEFAULT_DURATION, u64::from(opus::FRAME_MS) * 1_000_000);
            element(out, id::CODEC_ID, b"A_OPUS");
            unsigned(out, id::CODEC_DELAY, u64::from(opus::PRE_SKIP) * 1_000_000_000 / u64::from(opus::STREAM_RATE));
            // Opus has to hear 80 ms before it sounds right (RFC 7845, 4.6).
            unsigned(out, id::SEEK_PRE_ROLL, 80_000_000);
            element(out, id::CODEC_PRIVATE, &opus::identification());
            master(out, id::AUDIO, |out| {
                element(out, id::SAMPLING_FREQUENCY, &f64::from(opus::STREAM_RATE).to_be_bytes());
                unsigned(out, id::CHANNELS, 1);
            });
        });
    });
    out
}

/// An id is written as it is: its length shows in its first octet.
fn write_id(out: &mut Vec<u8>, id: u32) {
    let octets = id.to_be_bytes();
    out.extend_from_slice(&octets[id.leading_zeros() as usize / 8..]);
}

/// A size in as few octets as hold it; all ones would mean "not known" (RFC 8794, 4.1 and 6.2).
fn write_size(out: &mut Vec<u8>, size: usize) {
    let length = (1..8).find(|length| size < (1 << (7 * length)) - 1).unwrap_or(8);
    let marked = size as u64 | 1 << (7 * length);
    out.extend_from_slice(&marked.to_be_bytes()[8 - length..]);
}

fn element(out: &mut Vec<u8>, id: u32, content: &[u8]) {
    write_id(out, id);
    write_size(out, content.len());
    out.extend_from_slice(content);
}

fn unsigned(out: &mut Vec<u8>, id: u32, value: u64) {
    let octets = value.to_be_bytes();
    element(out, id, &octets[(value.leading_zeros() as usize / 8).min(7)..]);
}

fn master(out: &mut Vec<u8>, id: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    fill(&mut content);
    element(out, id, &content);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element as a reader finds it: id, content (all that follows, if its size is not known), the rest.
    fn read(octets: &[u8]) -> (u32, &[u8], &[u8]) {
        let id_length = octets[0].leading_zeros() as usize + 1;
        let id = octets[..id_length].iter().fold(0, |id, &octet| id << 8 | u32::from(octet));
        let octets = &octets[id_length..];
        let length = octets[0].leading_zeros() as usize + 1;
        let first = u64::from(octets[0]) & ((1 << (8 - length)) - 1);
        let size = octets[1..length].iter().fold(first, |size, &octet| size << 8 | u64::from(octet));
        let known = size != (1 << (7 * length)) - 1;
        let rest = &octets[length..];
        let (content, rest) = if known { rest.split_at(size as usize) } else { (rest, &[][..]) };
        (id, content, rest)
    }

    fn children(mut octets: &[u8]) -> Vec<(u32, &[u8])> {
        let mut found = Vec::new();
        while !octets.is_empty() {
            let (id, content, rest) = read(octets);
            found.push((id, content));
            octets = rest;
        }
        found
    }

    #[test]
    fn the_prelude_describes_opus() {
        let prelude = prelude();
        let (id, header, rest) = read(&prelude);
        assert_eq!((id, children(header)[4]), (id::EBML, (id::DOC_TYPE, &b"webm"[..])));
        let (id, segment, _) = read(rest);
        assert_eq!(id, id::SEGMENT);
        let parts = children(segment);
        assert_eq!(parts.iter().map(|p| p.0).collect::<Vec<_>>(), [id::INFO, id::TRACKS]);
        let tracks = children(parts[1].1);
        let entry = children(tracks[0].1);
        let of = |wanted: u32| entry.iter().find(|(id, _)| *id == wanted).unwrap().1;
        assert_eq!(of(id::CODEC_ID), b"A_OPUS");
        assert_eq!(of(id::CODEC_DELAY), &6_500_000u32.to_be_bytes()[1..]);
        assert_eq!(of(id::CODEC_PRIVATE), opus::identification());
        assert_eq!(children(of(id::AUDIO))[0].1, 48_000f64.to_be_bytes());
    }

    #[test]
    fn each_frame_leaves_at_once_and_each_second_can_be_begun_with() {
        let (mut webm, mut out) = (WebM::new(), Wrapped::default());
        for n in 0..125u8 {
            let before = out.octets.len();
            webm.wrap(&[n; 100], &mut out);
            assert!(out.octets.ends_with(&[n; 100]) && out.octets.len() < before + 125);
        }
        webm.finish(&mut out);
        assert_eq!((out.pieces, out.entries.len()), (125, 3));
        let ends = out.entries[1..].iter().copied().chain([out.octets.len()]);
        for (second, (&begin, end)) in out.entries.iter().zip(ends).enumerate() {
            let (id, cluster, _) = read(&out.octets[begin..end]);
            let parts = children(cluster);
            assert_eq!((id, parts[0].0), (id::CLUSTER, id::TIMESTAMP));
            let time = parts[0].1.iter().fold(0, |time, &octet| time << 8 | usize::from(octet));
            assert_eq!(time, second * 1000);
            for (n, (id, block)) in parts[1..].iter().enumerate() {
                let since = [((n * 20) >> 8) as u8, (n * 20) as u8];
                assert_eq!((*id, &block[..4]), (id::SIMPLE_BLOCK, &[0x81, since[0], since[1], 0x80][..]));
                assert_eq!(block[4..], [(second * 50 + n) as u8; 100]);
            }
        }
    }

    #[test]
    fn sizes_are_never_taken_for_unknown_ones() {
        for size in [0usize, 1, 126, 127, 128, 16_382, 16_383, 16_384, 2_097_150, 2_097_151] {
            let mut octets = Vec::new();
            write_size(&mut octets, size);
            let length = octets[0].leading_zeros() as usize + 1;
            assert_eq!(octets.len(), length, "{size}");
            let ones = octets.iter().skip(1).all(|&o| o == 0xff) && octets[0] == (0x1ff >> length) as u8;
            assert!(!ones, "{size}: {octets:x?}");
        }
    }
}
