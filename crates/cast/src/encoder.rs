//! What turns telephone speech into frames, one implementation a [`Codec`](crate::Codec).
//!
//! An encoder owns nothing but its own history: samples come in, whole frames go out. Each frame lasts as
//! long as every other of its codec; how frames are wrapped for listeners is the containers' business.
//!
//! Data path: 8 kHz samples from the casting thread → here → whole frames for containers and recording.
//! Time: none; a frame leaves when its samples have come.
//! Words: *frame* here is the smallest piece an encoder gives; a *stand-in*, one that the encoder could not
//! make and that keeps the time of those after it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Samples a second of everything that is cast: telephone speech, mono.
pub const SAMPLE_RATE: u32 = 8000;

/// Whole frames, one after another.
#[derive(Debug, Default)]
pub struct Frames {
    octets: Vec<u8>,
    ends: Vec<usize>,
    stand_ins: usize,
}

impl Frames {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
        self.stand_ins = 0;
    }

    /// Appends a frame.
    pub fn push(&mut self, frame: &[u8]) {
        self.octets.extend_from_slice(frame);
        self.ends.push(self.octets.len());
    }

    /// Appends a frame in the place of one that could not be made.
    pub fn stand_in(&mut self, frame: &[u8]) {
        self.push(frame);
        self.stand_ins += 1;
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many of them could not be made.
    #[must_use]
    pub fn stand_ins(&self) -> usize {
        self.stand_ins
    }

    /// All of them without seams.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// One after another.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.octets[start..end])
    }
}

/// An encoder of one stream.
pub trait Encoder: Send {
    /// Takes speech (8 kHz, mono) and appends the frames that became whole to `out`.
    fn push(&mut self, pcm: &[i16], out: &mut Frames);

    /// Appends what is still inside, filled up with silence to whole frames. The encoder is spent after it.
    fn finish(&mut self, out: &mut Frames);

    /// Milliseconds of sound in a frame.
    fn frame_ms(&self) -> u32;
}

/// Milliseconds of tone an encoder is tried with.
const TRIED_MS: usize = 200;

/// What an encoder that was tried has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Frames, all of them whole.
    pub frames: usize,
    /// How long the tone lasted, in ms.
    pub tone_ms: usize,
    /// How long it took.
    pub within: Duration,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames of {} ms of tone in {} ms", self.frames, self.tone_ms, self.within.as_millis())
    }
}

/// Sends a tone through an encoder: frames must come, and as many as it lasts.
///
/// # Errors
/// What is wrong with what came, in words.
pub fn prove(mut encoder: Box<dyn Encoder>) -> Result<Proof, String> {
    let begun = Instant::now();
    // An eighth of the sampling rate, loud enough that no encoder takes it for silence.
    let tone: Vec<i16> =
        (0..SAMPLE_RATE as usize * TRIED_MS / 1000).map(|n| if n % 8 < 4 { 8_000 } else { -8_000 }).collect();
    let mut out = Frames::default();
    let tried = catch_unwind(AssertUnwindSafe(|| {
        encoder.push(&tone, &mut out);
        encoder.finish(&mut out);
    }));
    let (frames, ms) = (out.len(), out.len() * encoder.frame_ms() as usize);
    match tried {
        Err(_) => Err("the encoder failed".to_owned()),
        Ok(()) if out.octets().is_empty() => Err("the encoder gives nothing".to_owned()),
        Ok(()) if out.stand_ins() > 0 => Err(format!("{} of {frames} frames could not be encoded", out.stand_ins())),
        Ok(()) if ms < TRIED_MS => Err(format!("{frames} frames are not the {TRIED_MS} ms that were spoken")),
        Ok(()) => Ok(Proof { frames, tone_ms: TRIED_MS, within: begun.elapsed() }),
    }
}

/// An encoder that gives nothing, for rehearsals.
pub(crate) struct Muted(pub(crate) Box<dyn Encoder>);

impl Encoder for Muted {
    fn push(&mut self, _pcm: &[i16], _out: &mut Frames) {}

    fn finish(&mut self, _out: &mut Frames) {}

    fn frame_ms(&self) -> u32 {
        self.0.frame_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Codec;

    #[test]
    fn an_encoder_is_proven_and_one_that_gives_nothing_is_not() {
        for codec in Codec::ALL {
            let proof = prove(codec.encoder()).expect("it works");
            assert!(proof.frames * codec.encoder().frame_ms() as usize >= TRIED_MS, "{proof}");
            assert_eq!(prove(Box::new(Muted(codec.encoder()))), Err("the encoder gives nothing".to_owned()));
        }
    }

    #[test]
    fn an_encoder_that_only_stands_in_for_itself_is_found_out() {
        struct Helpless;
        impl Encoder for Helpless {
            fn push(&mut self, pcm: &[i16], out: &mut Frames) {
                pcm.chunks(160).for_each(|_| out.stand_in(&[0; 3]));
            }
            fn finish(&mut self, _out: &mut Frames) {}
            fn frame_ms(&self) -> u32 {
                20
            }
        }
        assert_eq!(prove(Box::new(Helpless)), Err("10 of 10 frames could not be encoded".to_owned()));
    }

    #[test]
    fn frames_keep_their_seams() {
        let mut frames = Frames::default();
        [&b"one"[..], b"", b"three"].into_iter().for_each(|frame| frames.push(frame));
        assert_eq!(frames.iter().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert_eq!((frames.len(), frames.octets()), (3, &b"onethree"[..]));
    }
}
