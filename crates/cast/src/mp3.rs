//! MP3 without a bit reservoir: MPEG-2 Layer III, 24 kHz, mono, 128 kbit/s, 384 octets every 24 ms.
//!
//! 128 kbit/s is far more than telephone speech needs. It is chosen for delay: browsers hold a progressive
//! response back until about 32 kB have come, so the wait is 32 kB over the bit rate, two seconds here. At
//! 24 kHz a frame has no padding slot at this rate and main data never fills it, so each frame stands alone
//! (`main_data_begin` = 0) and a stream may be entered, cut and joined at any of them. There is no tag
//! frame: a live stream has no length to tell.
//!
//! Data path: 8 kHz samples → blocks of 192 → resampled to 576 at 24 kHz → one frame.
//! Time: a block waits until it is full, 24 ms; resampling and the codec's filters add [`DELAY_SAMPLES`].
//! Source: ISO/IEC 13818-3 clause 2.4 (half sampling rates), ISO/IEC 11172-3 clause 2.4 for the rest.
//! Words: a *block* is the input of one frame.

use crate::encoder::{Encoder, Format};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};
use rusty_mp3::encode::Mp3Encode;
use rusty_mp3::encoder_header;
use rusty_mp3::header::FrameHeader;

/// Octets of a frame: 72 × 128 000 ÷ 24 000.
pub const FRAME_BYTES: usize = 384;
/// Milliseconds of a frame: 576 samples at 24 kHz.
pub const FRAME_MS: u32 = 24;
/// Samples a second inside the stream.
pub const STREAM_RATE: u32 = 24_000;
/// How late the sound is inside the stream, in its own samples: half the resampler's filter (288) and the
/// codec's analysis and synthesis filters (1057), 56 ms together.
pub const DELAY_SAMPLES: usize = 288 + 1057;

const KBIT_S: u32 = 128;
const BLOCK_IN: usize = 192;
const BLOCK_OUT: usize = 576;

/// The encoder.
pub struct Mp3 {
    header: FrameHeader,
    codec: Mp3Encode,
    resampler: Fft<f32>,
    block: Vec<f32>,
    resampled: Vec<f32>,
}

impl Mp3 {
    /// An encoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        let header = encoder_header(STREAM_RATE, 1, KBIT_S).expect("24 kHz is a rate of MPEG-2");
        let resampler = Fft::new(8000, STREAM_RATE as usize, BLOCK_IN, 1, FixedSync::Both).expect("1:3 is a ratio");
        assert_eq!((resampler.input_frames_next(), resampler.output_frames_next()), (BLOCK_IN, BLOCK_OUT));
        assert_eq!(header.frame_size(), FRAME_BYTES);
        Mp3 {
            header,
            codec: Mp3Encode::new(),
            resampler,
            block: Vec::with_capacity(BLOCK_IN),
            resampled: vec![0.0; BLOCK_OUT],
        }
    }

    fn encode_block(&mut self, out: &mut Vec<u8>) {
        let input = InterleavedSlice::new(&self.block, 1, BLOCK_IN).expect("a whole block");
        let mut output = InterleavedSlice::new_mut(&mut self.resampled, 1, BLOCK_OUT).expect("room for a frame");
        self.resampler.process_into_buffer(&input, &mut output, None).expect("sizes are fixed");
        self.block.clear();
        let frame = self.codec.encode_frame(&self.header, &[&self.resampled[..]], None).unwrap_or_default();
        // A frame of another length would move all that follow off their places: silence stands in for it.
        if frame.len() == FRAME_BYTES {
            out.extend_from_slice(&frame);
        } else {
            out.extend_from_slice(&self.header.to_bytes());
            out.resize(out.len() + FRAME_BYTES - 4, 0);
        }
    }
}

impl Default for Mp3 {
    fn default() -> Self {
        Mp3::new()
    }
}

impl Encoder for Mp3 {
    fn push(&mut self, pcm: &[i16], out: &mut Vec<u8>) {
        for &sample in pcm {
            self.block.push(f32::from(sample) / 32768.0);
            if self.block.len() == BLOCK_IN {
                self.encode_block(out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        // What is in the filters comes out DELAY_SAMPLES later: that many more, then up to a whole block.
        let pending = self.block.len() + DELAY_SAMPLES.div_ceil(3);
        for _ in 0..pending.div_ceil(BLOCK_IN) {
            self.block.resize(BLOCK_IN, 0.0);
            self.encode_block(out);
        }
    }

    fn frame_bytes(&self) -> usize {
        FRAME_BYTES
    }

    fn frame_ms(&self) -> u32 {
        FRAME_MS
    }

    fn sample_rate(&self) -> u32 {
        STREAM_RATE
    }

    fn content_type(&self) -> &'static str {
        Format::Mp3.content_type()
    }

    fn extension(&self) -> &'static str {
        Format::Mp3.extension()
    }
}
