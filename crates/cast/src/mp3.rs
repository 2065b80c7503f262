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

use crate::encoder::{Encoder, Frames};
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

pub(crate) const KBIT_S: u32 = 128;
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

    fn encode_block(&mut self, out: &mut Frames) {
        let input = InterleavedSlice::new(&self.block, 1, BLOCK_IN).expect("a whole block");
        let mut output = InterleavedSlice::new_mut(&mut self.resampled, 1, BLOCK_OUT).expect("room for a frame");
        self.resampler.process_into_buffer(&input, &mut output, None).expect("sizes are fixed");
        self.block.clear();
        let frame = self.codec.encode_frame(&self.header, &[&self.resampled[..]], None).unwrap_or_default();
        // A frame of another length would move all that follow off their places: silence stands in for it.
        if frame.len() == FRAME_BYTES {
            out.push(&frame);
        } else {
            let mut silence = [0; FRAME_BYTES];
            silence[..4].copy_from_slice(&self.header.to_bytes());
            out.stand_in(&silence);
        }
    }
}

impl Default for Mp3 {
    fn default() -> Self {
        Mp3::new()
    }
}

impl Encoder for Mp3 {
    fn push(&mut self, pcm: &[i16], out: &mut Frames) {
        for &sample in pcm {
            self.block.push(f32::from(sample) / 32768.0);
            if self.block.len() == BLOCK_IN {
                self.encode_block(out);
            }
        }
    }

    fn finish(&mut self, out: &mut Frames) {
        // What is in the filters comes out DELAY_SAMPLES later: that many more, then up to a whole block.
        let pending = self.block.len() + DELAY_SAMPLES.div_ceil(3);
        for _ in 0..pending.div_ceil(BLOCK_IN) {
            self.block.resize(BLOCK_IN, 0.0);
            self.encode_block(out);
        }
    }

    fn frame_ms(&self) -> u32 {
        FRAME_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusty_mp3::Mp3Decoder;
    use std::f32::consts::TAU;

    /// Something like speech: a swept voice in syllables with hiss between.
    fn speech(samples: usize) -> Vec<i16> {
        let mut seed = 1u32;
        (0..samples)
            .map(|n| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = (seed >> 16) as f32 / 65_536.0 - 0.5;
                let t = n as f32 / 8000.0;
                let syllable = (TAU * 3.0 * t).sin().max(0.0);
                let pitch = 120.0 + 40.0 * (TAU * 0.7 * t).sin();
                let voice: f32 = (1..20).map(|k| (TAU * pitch * k as f32 * t).sin() / k as f32).sum();
                (12_000.0 * syllable * voice * 0.4 + 300.0 * hiss) as i16
            })
            .collect()
    }

    fn encode(pcm: &[i16]) -> Vec<u8> {
        let (mut encoder, mut out) = (Mp3::new(), Frames::default());
        pcm.chunks(80).for_each(|chunk| encoder.push(chunk, &mut out));
        encoder.finish(&mut out);
        out.octets().to_vec()
    }

    fn decode(mp3: &[u8]) -> Vec<f32> {
        let mut decoder = Mp3Decoder::new();
        decoder.push(mp3);
        decoder.flush();
        let mut out = Vec::new();
        while let Ok(frame) = decoder.next_frame() {
            assert_eq!((frame.sample_rate, frame.channels), (STREAM_RATE, 1));
            out.extend_from_slice(&frame.samples);
        }
        out
    }

    /// MPEG-2 side information of one channel: `main_data_begin` (8 bits), private (1), `part2_3_length` (12).
    fn side_information(frame: &[u8]) -> (u8, usize) {
        let word = usize::from(frame[5]) << 16 | usize::from(frame[6]) << 8 | usize::from(frame[7]);
        (frame[4], word >> 11 & 0xFFF)
    }

    #[test]
    fn every_frame_stands_alone() {
        let mut hard = speech(60_000);
        // Full-scale noise and steps: what would make an encoder want more bits than a frame has.
        let mut seed = 7u32;
        hard.extend((0..30_000).map(|n| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if n % 3000 < 1500 { (seed >> 16) as i16 } else { [i16::MIN, i16::MAX][n / 40 % 2] }
        }));
        hard.extend([0; 5000]);
        let mp3 = encode(&hard);
        assert_eq!(mp3.len() % FRAME_BYTES, 0);
        let header = encoder_header(STREAM_RATE, 1, KBIT_S).unwrap().to_bytes();
        for (n, frame) in mp3.chunks(FRAME_BYTES).enumerate() {
            assert_eq!(frame[..4], header, "frame {n}");
            let (main_data_begin, length) = side_information(frame);
            assert_eq!(main_data_begin, 0, "frame {n} leans on an earlier one");
            assert!(length <= (FRAME_BYTES - 4 - 9) * 8, "frame {n} spills over: {length} bits");
        }
        for tag in [&b"Xing"[..], b"Info", b"ID3"] {
            assert!(!mp3.windows(tag.len()).any(|w| w == tag));
        }
    }

    #[test]
    fn a_stream_cut_at_any_frame_decodes_like_the_whole() {
        let mp3 = encode(&speech(24_000));
        let whole = decode(&mp3);
        assert_eq!(whole.len(), mp3.len() / FRAME_BYTES * BLOCK_OUT);
        for cut in (1..mp3.len() / FRAME_BYTES - 3).step_by(7) {
            let rest = decode(&mp3[cut * FRAME_BYTES..]);
            // The first frame overlaps with one that is not there; the filters have settled after the second.
            let settled = 2 * BLOCK_OUT;
            let (rest, same) = (&rest[settled..], &whole[cut * BLOCK_OUT + settled..]);
            assert_eq!(rest.len(), same.len());
            let worst = rest.iter().zip(same).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4, "cut at {cut}: {worst}");
        }
    }

    #[test]
    fn the_sound_is_there_as_late_as_we_say() {
        let pcm = speech(24_000);
        let heard = decode(&encode(&pcm));
        let score = |delay: usize| {
            let pairs = (4000..20_000).map(|n| (f32::from(pcm[n]) / 32768.0, heard[n * 3 + delay]));
            let (mut xy, mut xx, mut yy) = (0.0f64, 0.0f64, 0.0f64);
            for (x, y) in pairs {
                let (x, y) = (f64::from(x), f64::from(y));
                (xy, xx, yy) = (xy + x * y, xx + x * x, yy + y * y);
            }
            xy / (xx * yy).sqrt()
        };
        let best = (0..3000).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap();
        assert!(best.abs_diff(DELAY_SAMPLES) <= 2, "{best} instead of {DELAY_SAMPLES}");
        assert!(score(best) > 0.99, "{}", score(best));
    }

    #[test]
    fn the_telephone_band_passes_level_and_nothing_else_does() {
        for hertz in [300.0, 1000.0, 2500.0, 3400.0] {
            let pcm: Vec<i16> =
                (0..16_000).map(|n| ((TAU * hertz * n as f32 / 8000.0).sin() * 10_000.0) as i16).collect();
            let heard = &decode(&encode(&pcm))[12_000..36_000];
            // One second exactly: a whole number of periods of both the tone and its image above 4 kHz.
            let level = |hertz: f32| {
                let turn = |n: usize| TAU * hertz * n as f32 / STREAM_RATE as f32;
                let (mut re, mut im) = (0.0, 0.0);
                for (n, sample) in heard.iter().enumerate() {
                    (re, im) = (re + sample * turn(n).cos(), im + sample * turn(n).sin());
                }
                20.0 * (re.hypot(im) / 12_000.0 / (10_000.0 / 32_768.0)).log10()
            };
            assert!(level(hertz).abs() < 0.5, "{hertz} Hz: {} dB", level(hertz));
            assert!(level(8000.0 - hertz) < -50.0, "image of {hertz} Hz: {} dB", level(8000.0 - hertz));
        }
    }

    #[test]
    fn the_last_sample_comes_out() {
        for length in [1, 100, 191, 192, 193, 1000] {
            let mut pcm = vec![0; length];
            *pcm.last_mut().unwrap() = 20_000;
            let heard = decode(&encode(&pcm));
            let peak = (0..heard.len()).max_by(|&a, &b| heard[a].abs().total_cmp(&heard[b].abs())).unwrap();
            assert!(peak.abs_diff((length - 1) * 3 + DELAY_SAMPLES) <= 2, "{length}: {peak} of {}", heard.len());
        }
    }

    #[test]
    fn chunks_do_not_matter() {
        let pcm = speech(4000);
        let (mut encoder, mut out) = (Mp3::new(), Frames::default());
        pcm.chunks(37).for_each(|chunk| encoder.push(chunk, &mut out));
        encoder.finish(&mut out);
        assert_eq!(out.octets(), encode(&pcm));
    }
}
