//! Opus for speech: 20 ms frames at 24 kbit/s, variable within bounds, from 8 kHz mono.
//!
//! The codec is somebody's young crate: what it refuses to encode is replaced by a frame that says "nothing
//! was received", which every decoder conceals, and what it panics over is caught by the stream.
//!
//! Data path: 8 kHz samples → blocks of 160 → one packet.
//! Time: a block waits until it is full, 20 ms; the codec adds [`PRE_SKIP`].
//! Source: RFC 6716 (3.1 for the first octet of a packet); RFC 7845 clause 5.1 for the identification header.

use crate::encoder::{Encoder, Frames};
use opus_pure::{Application, MAX_PACKET_BYTES, OpusEncoder};

/// Milliseconds of a frame.
pub(crate) const FRAME_MS: u32 = 20;
/// Kilobits a second, on average.
pub(crate) const KBIT_S: u32 = 24;
/// Samples a second inside the stream: Opus always counts at this rate.
pub(crate) const STREAM_RATE: u32 = 48_000;
/// Samples of a frame, counted so.
pub(crate) const FRAME_SAMPLES: u32 = STREAM_RATE / 1000 * FRAME_MS;
/// Samples at the beginning that are the codec's own and not to be heard, counted so: 6.5 ms.
pub(crate) const PRE_SKIP: u16 = 312;

/// Of 0 to 10: a third of a per cent of a core for each event; more is not heard in telephone speech.
const COMPLEXITY: i32 = 5;
const BLOCK: usize = 160;
/// SILK, narrowband, 20 ms, mono, one frame of no octets: nothing was received (RFC 6716, 3.1 and 3.2.1).
const NOTHING_RECEIVED: [u8; 1] = [1 << 3];

/// The encoder.
pub(crate) struct Opus {
    codec: OpusEncoder,
    block: Vec<i16>,
    packet: Box<[u8]>,
}

impl Opus {
    /// An encoder at the start of a stream.
    pub(crate) fn new() -> Self {
        let mut codec = OpusEncoder::new(8000, 1, Application::Voip).expect("8 kHz mono is one of its inputs");
        assert_eq!(codec.lookahead() * 6, usize::from(PRE_SKIP));
        codec.bitrate_bps = KBIT_S as i32 * 1000;
        codec.complexity = COMPLEXITY;
        Opus { codec, block: Vec::with_capacity(BLOCK), packet: vec![0; MAX_PACKET_BYTES].into_boxed_slice() }
    }

    fn encode_block(&mut self, out: &mut Frames) {
        match self.codec.encode_s16(&self.block, BLOCK, &mut self.packet) {
            Ok(length) => out.push(&self.packet[..length]),
            Err(_) => out.stand_in(&NOTHING_RECEIVED),
        }
        self.block.clear();
    }
}

impl Encoder for Opus {
    fn push(&mut self, pcm: &[i16], out: &mut Frames) {
        for &sample in pcm {
            self.block.push(sample);
            if self.block.len() == BLOCK {
                self.encode_block(out);
            }
        }
    }

    fn finish(&mut self, out: &mut Frames) {
        // What the codec holds back comes out that much later: so many more, then up to a whole block.
        let pending = self.block.len() + usize::from(PRE_SKIP) / 6;
        for _ in 0..pending.div_ceil(BLOCK) {
            self.block.resize(BLOCK, 0);
            self.encode_block(out);
        }
    }

    fn frame_ms(&self) -> u32 {
        FRAME_MS
    }
}

/// The identification header, which WebM carries as well: version 1, mono, pre-skip, input rate, no gain,
/// mapping family 0. The input rate is for information only; browsers have refused others than 48 kHz.
pub(crate) fn identification() -> [u8; 19] {
    let mut header = *b"OpusHead\x01\x01\0\0\0\0\0\0\0\0\0";
    header[10..12].copy_from_slice(&PRE_SKIP.to_le_bytes());
    header[12..16].copy_from_slice(&STREAM_RATE.to_le_bytes());
    header
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use opus_pure::OpusDecoder;

    /// What these packets sound like, at 8 kHz.
    pub(crate) fn decode<'a>(packets: impl Iterator<Item = &'a [u8]>) -> Vec<i16> {
        let mut decoder = OpusDecoder::new(8000, 1).unwrap();
        let mut block = [0; BLOCK];
        packets
            .flat_map(|packet| {
                assert_eq!(decoder.decode_s16(packet, BLOCK, &mut block).unwrap(), BLOCK);
                block
            })
            .collect()
    }

    /// How much of this frequency is in there, as an amplitude.
    fn amplitude(pcm: &[i16], hz: f64) -> f64 {
        let turn = std::f64::consts::TAU * hz / 8000.0;
        let (re, im) = pcm.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, &sample)| {
            let (sin, cos) = (turn * n as f64).sin_cos();
            (re + f64::from(sample) * cos, im + f64::from(sample) * sin)
        });
        re.hypot(im) * 2.0 / pcm.len() as f64
    }

    #[test]
    fn a_tone_comes_back_at_its_rate_and_silence_costs_little() {
        let tone = |n: usize| (f64::from(n as u32) * std::f64::consts::TAU * 440.0 / 8000.0).sin() * 8000.0;
        let pcm: Vec<i16> = (0..16_000).map(|n| tone(n) as i16).collect();
        let (mut encoder, mut out) = (Opus::new(), Frames::default());
        pcm.chunks(77).for_each(|chunk| encoder.push(chunk, &mut out));
        assert_eq!((out.len(), out.stand_ins()), (100, 0));
        let heard = decode(out.iter());
        assert!((6500.0..9500.0).contains(&amplitude(&heard[4000..], 440.0)), "{}", amplitude(&heard[4000..], 440.0));
        assert!(amplitude(&heard[4000..], 1000.0) < 300.0);
        assert!(out.octets().len() < 2 * 1000 * KBIT_S as usize / 8 * 5 / 4, "{} octets", out.octets().len());
        out.clear();
        encoder.push(&[0; 16_000], &mut out);
        encoder.finish(&mut out);
        assert_eq!(out.len(), 101);
        assert!(out.octets().len() < 1500, "{} octets of silence", out.octets().len());
    }

    #[test]
    fn what_stands_in_for_a_frame_is_a_frame() {
        assert_eq!(decode([&NOTHING_RECEIVED[..]; 3].into_iter()).len(), 3 * BLOCK);
    }
}
