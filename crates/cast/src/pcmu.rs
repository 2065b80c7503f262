//! PCMU: the line's own µ-law at 8 kHz, which a browser's AudioWorklet plays with a tenth of a second's delay.
//!
//! Nothing is modelled and nothing waits in a filter: a sample is an octet. A frame is 20 ms only because
//! something has to be the unit of sending and recording. A listener who asks for `.ulaw` gets octets and
//! nothing else; players that would not know what they are ask for `.au`, which begins with [`AU_HEADER`].
//!
//! Data path: 8 kHz samples → blocks of 160 → 160 octets.
//! Source: ITU-T G.711 table 2a; RFC 2046 clause 4.2 (audio/basic); the header is that of NeXT and Sun.

use crate::encoder::{Encoder, Frames};
use dsp::g711::Law;

/// Octets of a frame.
pub(crate) const FRAME_BYTES: usize = 160;
/// Milliseconds of a frame.
pub(crate) const FRAME_MS: u32 = 20;

/// What makes a file of µ-law tell what it is: magic number, where the sound begins, a length that is not
/// known, encoding 1 (µ-law), 8000 samples a second, one channel.
pub(crate) const AU_HEADER: [u8; 24] =
    *b".snd\x00\x00\x00\x18\xff\xff\xff\xff\x00\x00\x00\x01\x00\x00\x1f\x40\x00\x00\x00\x01";

/// The encoder.
#[derive(Debug)]
pub(crate) struct Pcmu {
    block: Vec<u8>,
}

impl Pcmu {
    /// An encoder at the start of a stream.
    pub(crate) fn new() -> Self {
        Pcmu { block: Vec::with_capacity(FRAME_BYTES) }
    }
}

impl Encoder for Pcmu {
    fn push(&mut self, pcm: &[i16], out: &mut Frames) {
        for &sample in pcm {
            self.block.push(Law::Mu.encode_one(sample));
            if self.block.len() == FRAME_BYTES {
                out.push(&self.block);
                self.block.clear();
            }
        }
    }

    fn finish(&mut self, out: &mut Frames) {
        if !self.block.is_empty() {
            self.block.resize(FRAME_BYTES, Law::Mu.idle_octet());
            out.push(&self.block);
            self.block.clear();
        }
    }

    fn frame_ms(&self) -> u32 {
        FRAME_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_its_octet_and_the_rest_is_silence() {
        let pcm: Vec<i16> = (0..400).map(|n| (n * 77 - 15_000) as i16).collect();
        let (mut encoder, mut out) = (Pcmu::new(), Frames::default());
        pcm.chunks(33).for_each(|chunk| encoder.push(chunk, &mut out));
        assert_eq!(out.len(), 2);
        encoder.finish(&mut out);
        encoder.finish(&mut out);
        assert_eq!((out.len(), out.octets().len()), (3, 480));
        let expected = pcm.iter().map(|&sample| Law::Mu.encode_one(sample)).chain([0xff; 80]);
        assert!(out.octets().iter().copied().eq(expected));
    }
}
