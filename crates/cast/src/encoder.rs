//! What turns telephone speech into the octets of a stream, one implementation a [`Format`].
//!
//! An encoder owns nothing but its own history: samples come in, whole frames go out. Every format used
//! here must be cuttable at any frame, because listeners join, recordings break and archives are cut there.
//!
//! Data path: 8 kHz samples from the casting thread → here → whole frames for backlog and recording.
//! Time: none; a frame leaves when its samples have come.
//! Words: *frame* here is the smallest piece of a stream that decodes by itself.

use crate::mp3::{self, Mp3};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Samples a second of everything that is cast: telephone speech, mono.
pub const SAMPLE_RATE: u32 = 8000;

/// An encoder of one stream.
pub trait Encoder: Send {
    /// Takes speech (8 kHz, mono) and appends the frames that became whole to `out`; never part of a frame.
    fn push(&mut self, pcm: &[i16], out: &mut Vec<u8>);

    /// Appends what is still inside, filled up with silence to whole frames. The encoder is spent after it.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// Octets of a frame; the same for every frame of a stream.
    fn frame_bytes(&self) -> usize;

    /// Milliseconds of sound in a frame.
    fn frame_ms(&self) -> u32;

    /// Samples a second of the encoded sound.
    fn sample_rate(&self) -> u32;

    /// The media type for `Content-Type`.
    fn content_type(&self) -> &'static str;

    /// What comes after the dot of a path or file name.
    fn extension(&self) -> &'static str;
}

/// The formats a stream can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// MPEG-2 Audio Layer III, 128 kbit/s constant, 24 kHz, mono, no bit reservoir.
    Mp3,
}

impl Format {
    /// All of them, in the order they are offered.
    pub const ALL: [Format; 1] = [Format::Mp3];

    /// The name, which is also the extension of paths and files.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Format::Mp3 => "mp3",
        }
    }

    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Mp3 => "audio/mpeg",
        }
    }

    /// Kilobits a second, for what is said about a stream.
    #[must_use]
    pub fn kbit_s(self) -> u32 {
        match self {
            Format::Mp3 => 128,
        }
    }

    /// Octets of a frame.
    #[must_use]
    pub fn frame_bytes(self) -> usize {
        match self {
            Format::Mp3 => mp3::FRAME_BYTES,
        }
    }

    /// Milliseconds of sound in a frame.
    #[must_use]
    pub fn frame_ms(self) -> u32 {
        match self {
            Format::Mp3 => mp3::FRAME_MS,
        }
    }

    /// Samples a second of the encoded sound.
    #[must_use]
    pub fn sample_rate(self) -> u32 {
        match self {
            Format::Mp3 => mp3::STREAM_RATE,
        }
    }

    /// A new encoder.
    #[must_use]
    pub fn encoder(self) -> Box<dyn Encoder> {
        match self {
            Format::Mp3 => Box::new(Mp3::new()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
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

/// Sends a tone through an encoder: whole frames must come, and as many as it lasts.
///
/// # Errors
/// What is wrong with what came, in words.
pub fn prove(mut encoder: Box<dyn Encoder>) -> Result<Proof, String> {
    let begun = Instant::now();
    // Half the sampling rate over eight samples, loud enough that no encoder takes it for silence.
    let tone: Vec<i16> =
        (0..SAMPLE_RATE as usize * TRIED_MS / 1000).map(|n| if n % 8 < 4 { 8_000 } else { -8_000 }).collect();
    let mut out = Vec::new();
    let (octets, ms) = (encoder.frame_bytes(), encoder.frame_ms() as usize);
    let tried = catch_unwind(AssertUnwindSafe(|| {
        encoder.push(&tone, &mut out);
        encoder.finish(&mut out);
    }));
    let frames = out.len() / octets;
    match tried {
        Err(_) => Err("the encoder failed".to_owned()),
        Ok(()) if out.is_empty() => Err("the encoder gives nothing".to_owned()),
        Ok(()) if out.len() % octets != 0 || frames * ms < TRIED_MS => {
            Err(format!("{} octets are not the whole frames of {TRIED_MS} ms", out.len()))
        }
        Ok(()) => Ok(Proof { frames, tone_ms: TRIED_MS, within: begun.elapsed() }),
    }
}

/// An encoder that gives nothing, for rehearsals.
pub(crate) struct Muted(pub(crate) Box<dyn Encoder>);

impl Encoder for Muted {
    fn push(&mut self, _pcm: &[i16], _out: &mut Vec<u8>) {}

    fn finish(&mut self, _out: &mut Vec<u8>) {}

    fn frame_bytes(&self) -> usize {
        self.0.frame_bytes()
    }

    fn frame_ms(&self) -> u32 {
        self.0.frame_ms()
    }

    fn sample_rate(&self) -> u32 {
        self.0.sample_rate()
    }

    fn content_type(&self) -> &'static str {
        self.0.content_type()
    }

    fn extension(&self) -> &'static str {
        self.0.extension()
    }
}

/// No format has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat(pub String);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no stream format is called {:?}; known:", self.0)?;
        Format::ALL.iter().try_for_each(|format| write!(f, " {format}"))
    }
}

impl std::error::Error for UnknownFormat {}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let same = |f: &Format| f.extension().eq_ignore_ascii_case(name);
        Format::ALL.into_iter().find(same).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_is_proven_and_one_that_gives_nothing_is_not() {
        for format in Format::ALL {
            let proof = prove(format.encoder()).expect("it works");
            assert!(proof.frames * format.frame_ms() as usize >= TRIED_MS, "{proof}");
            assert_eq!(prove(Box::new(Muted(format.encoder()))), Err("the encoder gives nothing".to_owned()));
        }
    }

    #[test]
    fn names_round_trip() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
            assert_eq!(format.to_string().to_uppercase().parse(), Ok(format));
            assert_eq!(format.encoder().extension(), format.extension());
            assert_eq!(format.encoder().content_type(), format.content_type());
            assert_eq!(format.encoder().frame_bytes(), format.frame_bytes());
            assert_eq!(format.encoder().frame_ms(), format.frame_ms());
            assert_eq!(format.encoder().sample_rate(), format.sample_rate());
            let octets_s = format.frame_bytes() * 1000 / format.frame_ms() as usize;
            assert_eq!(octets_s, format.kbit_s() as usize * 125);
        }
        let error = "aac".parse::<Format>().unwrap_err();
        assert_eq!(error.to_string(), "no stream format is called \"aac\"; known: mp3");
    }
}
