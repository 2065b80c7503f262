//! Opus in fragmented MP4: the boxes of HLS.
//!
//! Two files: the initialization segment, which says what the sound is, and media segments of one fragment
//! each. Every length is written after what it measures.
//!
//! Source: ISO/IEC 14496-12 (clause 4.2 for boxes, 8 for what they hold, 8.8 for fragments); "Encapsulation of
//! Opus in ISO Base Media File Format", version 0.8.1, clause 4.3; RFC 8216 clause 3.3.

use crate::encoder::Frames;
use crate::opus;

/// Octets in the first position of a box: its length, to be written when it is known.
const LENGTH: usize = 4;

/// The initialization segment.
pub(crate) fn initialization() -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, b"ftyp", |out| {
        out.extend_from_slice(b"iso5");
        out.extend_from_slice(&512u32.to_be_bytes());
        out.extend_from_slice(b"iso5iso6mp41");
    });
    put(&mut out, b"moov", |out| {
        full(out, b"mvhd", 0, 0, |out| {
            // Made, changed, times in a second, length: a live stream knows none but the third.
            words(out, &[0, 0, opus::STREAM_RATE, 0]);
            // Played as fast and as loud as it is.
            words(out, &[0x0001_0000, 0x0100_0000, 0, 0]);
            matrix(out);
            words(out, &[0; 6]);
            // The next track would be 2.
            words(out, &[2]);
        });
        put(out, b"trak", track);
        put(out, b"mvex", |out| {
            // Track 1, its only description, and no defaults: fragments say what they need.
            full(out, b"trex", 0, 0, |out| words(out, &[1, 1, 0, 0, 0]));
        });
    });
    out
}

fn track(out: &mut Vec<u8>) {
    // Enabled, in the movie.
    full(out, b"tkhd", 0, 3, |out| {
        words(out, &[0, 0, 1, 0, 0, 0, 0]);
        // Layer and group 0, full volume.
        words(out, &[0, 0x0100_0000]);
        matrix(out);
        words(out, &[0, 0]);
    });
    put(out, b"mdia", |out| {
        full(out, b"mdhd", 0, 0, |out| {
            words(out, &[0, 0, opus::STREAM_RATE, 0]);
            // Language not determined: "und" in three times five bits.
            words(out, &[0x55C4_0000]);
        });
        full(out, b"hdlr", 0, 0, |out| {
            words(out, &[0]);
            out.extend_from_slice(b"soun");
            words(out, &[0; 3]);
            out.extend_from_slice(b"sound\0");
        });
        put(out, b"minf", |out| {
            full(out, b"smhd", 0, 0, |out| words(out, &[0]));
            put(out, b"dinf", |out| {
                full(out, b"dref", 0, 0, |out| {
                    words(out, &[1]);
                    // The sound is in the same file.
                    full(out, b"url ", 0, 1, |_| {});
                });
            });
            put(out, b"stbl", |out| {
                full(out, b"stsd", 0, 0, |out| {
                    words(out, &[1]);
                    put(out, b"Opus", sample_entry);
                });
                // No samples here: all are in fragments.
                full(out, b"stts", 0, 0, |out| words(out, &[0]));
                full(out, b"stsc", 0, 0, |out| words(out, &[0]));
                full(out, b"stsz", 0, 0, |out| words(out, &[0, 0]));
                full(out, b"stco", 0, 0, |out| words(out, &[0]));
            });
        });
    });
}

fn sample_entry(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 6]);
    // Data reference 1.
    out.extend_from_slice(&1u16.to_be_bytes());
    words(out, &[0, 0]);
    // One channel of 16 bits at 48 kHz (16.16).
    out.extend_from_slice(&1u16.to_be_bytes());
    out.extend_from_slice(&16u16.to_be_bytes());
    words(out, &[0, opus::STREAM_RATE << 16]);
    put(out, b"dOps", |out| {
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(&opus::PRE_SKIP.to_be_bytes());
        // Chromium refuses an input rate of 8000.
        out.extend_from_slice(&opus::STREAM_RATE.to_be_bytes());
        out.extend_from_slice(&[0; 3]);
    });
}

/// A media segment: the fragment of this number (from 1) with these frames, the first at `time` (samples).
pub(crate) fn media(number: u32, time: u64, frames: &Frames) -> Vec<u8> {
    let mut out = Vec::new();
    let mut offset_at = 0;
    put(&mut out, b"styp", |out| {
        out.extend_from_slice(b"msdh");
        words(out, &[0]);
        out.extend_from_slice(b"msdhmsix");
    });
    let moof = out.len();
    put(&mut out, b"moof", |out| {
        full(out, b"mfhd", 0, 0, |out| words(out, &[number]));
        put(out, b"traf", |out| {
            // Offsets count from the moof (default-base-is-moof); every sample lasts as long and can be begun with.
            full(out, b"tfhd", 0, 0x02_0000 | 0x20 | 0x08, |out| words(out, &[1, opus::FRAME_SAMPLES, 0x0200_0000]));
            full(out, b"tfdt", 1, 0, |out| out.extend_from_slice(&time.to_be_bytes()));
            // An offset to the first sample, and a size for each.
            full(out, b"trun", 0, 0x200 | 0x01, |out| {
                words(out, &[frames.len() as u32]);
                offset_at = out.len();
                words(out, &[0]);
                frames.iter().for_each(|frame| words(out, &[frame.len() as u32]));
            });
        });
    });
    let first = (out.len() - moof + 8) as u32;
    out[offset_at..offset_at + 4].copy_from_slice(&first.to_be_bytes());
    put(&mut out, b"mdat", |out| out.extend_from_slice(frames.octets()));
    out
}

fn put(out: &mut Vec<u8>, kind: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    out.extend_from_slice(kind);
    fill(out);
    let length = (out.len() - begin) as u32;
    out[begin..begin + LENGTH].copy_from_slice(&length.to_be_bytes());
}

fn full(out: &mut Vec<u8>, kind: &[u8; 4], version: u8, flags: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    put(out, kind, |out| {
        words(out, &[u32::from(version) << 24 | flags]);
        fill(out);
    });
}

fn words(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|value| out.extend_from_slice(&value.to_be_bytes()));
}

/// Neither turned nor stretched.
fn matrix(out: &mut Vec<u8>) {
    words(out, &[0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of the first box on this path.
    fn find<'a>(octets: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
        let Some((kind, deeper)) = path.split_first() else { return octets };
        let mut rest = octets;
        loop {
            let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
            let (this, later) = rest.split_at(length);
            if &this[4..8] == *kind {
                return find(&this[8..], deeper);
            }
            rest = later;
        }
    }

    #[test]
    fn boxes_lie_within_one_another() {
        let init = initialization();
        let entry = find(&init, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"]);
        let dops = find(&find(&entry[8..], &[b"Opus"])[28..], &[b"dOps"]);
        assert_eq!(dops, [&[0, 1, 1, 0x38][..], &48_000u32.to_be_bytes(), &[0, 0, 0]].concat());
        assert_eq!(find(&init, &[b"moov", b"mvhd"]).len(), 100);
        assert_eq!(find(&init, &[b"moov", b"trak", b"tkhd"]).len(), 84);
        assert_eq!(find(&init, &[b"moov", b"mvex", b"trex"]).len(), 24);
    }

    #[test]
    fn the_offset_of_a_fragment_leads_to_its_first_sample() {
        let frames: Vec<Vec<u8>> = (1..=7u8).map(|n| vec![n; usize::from(n)]).collect();
        let mut all = Frames::default();
        frames.iter().for_each(|frame| all.push(frame));
        let segment = media(3, 96_000, &all);
        let fragment = find(&segment, &[b"moof", b"traf"]);
        assert_eq!(find(fragment, &[b"tfdt"])[4..], 96_000u64.to_be_bytes());
        let run = find(fragment, &[b"trun"]);
        let word = |at: usize| u32::from_be_bytes(run[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(word(4), 7);
        let moof = segment.windows(4).position(|w| w == b"moof").unwrap() - 4;
        let mut at = moof + word(8);
        for (n, frame) in frames.iter().enumerate() {
            assert_eq!(word(12 + 4 * n), frame.len());
            assert_eq!(&segment[at..at + frame.len()], frame);
            at += frame.len();
        }
        assert_eq!(at, segment.len());
    }
}
