//! The formats a stream can have: their names, addresses, media types and measures.
//!
//! A *format* is what a listener asks for; a *codec* is what makes the sound of it. WebM, Ogg and HLS carry
//! the same Opus frames in different wrappings, so an event that has all three encodes Opus once.
//!
//! Source: RFC 3003 (audio/mpeg), RFC 2046 clause 4.2 (audio/basic), RFC 7845 clause 9 (audio/ogg with Opus),
//! RFC 8216 clause 4 (HLS); audio/webm is WebM's own.

use crate::encoder::Encoder;
use crate::mp3::{self, Mp3};
use crate::opus::{self, Opus};
use crate::pcmu::{self, Pcmu};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The formats a stream can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// MPEG-2 Audio Layer III, 128 kbit/s constant, 24 kHz, mono, no bit reservoir: for players.
    Mp3,
    /// µ-law, 8 kHz, as on the line: for a browser's AudioWorklet, with the least delay. Every stream has it.
    Pcmu,
    /// Opus in WebM: for a browser's Media Source Extensions.
    Webm,
    /// Opus in Ogg: for players, at a low bit rate.
    Ogg,
    /// Opus in fragmented MP4, by HTTP Live Streaming: for delivery networks.
    Hls,
}

/// What makes the sound of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Codec {
    /// MPEG-2 Audio Layer III.
    Mp3,
    /// G.711 µ-law.
    Pcmu,
    /// Opus.
    Opus,
}

/// One format in figures.
struct Facts {
    name: &'static str,
    extension: &'static str,
    content_type: &'static str,
    codec: Codec,
    kbit_s: u32,
    sample_rate: u32,
}

impl Format {
    /// All of them, in the order they are offered.
    pub const ALL: [Format; 5] = [Format::Mp3, Format::Pcmu, Format::Webm, Format::Ogg, Format::Hls];

    fn facts(self) -> Facts {
        let opus = |name, extension, content_type| Facts {
            name,
            extension,
            content_type,
            codec: Codec::Opus,
            kbit_s: opus::KBIT_S,
            sample_rate: opus::STREAM_RATE,
        };
        match self {
            Format::Mp3 => Facts {
                name: "mp3",
                extension: "mp3",
                content_type: "audio/mpeg",
                codec: Codec::Mp3,
                kbit_s: mp3::KBIT_S,
                sample_rate: mp3::STREAM_RATE,
            },
            Format::Pcmu => Facts {
                name: "pcmu",
                extension: "ulaw",
                content_type: "audio/basic",
                codec: Codec::Pcmu,
                kbit_s: 64,
                sample_rate: 8000,
            },
            Format::Webm => opus("webm", "webm", "audio/webm; codecs=\"opus\""),
            Format::Ogg => opus("ogg", "ogg", "audio/ogg; codecs=opus"),
            Format::Hls => opus("hls", "m3u8", "application/vnd.apple.mpegurl"),
        }
    }

    /// Its name in configuration and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// What comes after the dot of its address, and of the names of its recordings.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.facts().extension
    }

    /// The format with this extension.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.extension() == extension)
    }

    /// The media type for `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        self.facts().content_type
    }

    /// What makes its sound.
    #[must_use]
    pub fn codec(self) -> Codec {
        self.facts().codec
    }

    /// Kilobits of sound a second, about, for what is said about a stream.
    #[must_use]
    pub fn kbit_s(self) -> u32 {
        self.facts().kbit_s
    }

    /// Samples a second of the encoded sound.
    #[must_use]
    pub fn sample_rate(self) -> u32 {
        self.facts().sample_rate
    }

    /// Octets of a frame, if all have as many: only such a format is recorded, since a file that a crash tore
    /// can be cut to whole frames without knowing what is in them.
    #[must_use]
    pub fn frame_bytes(self) -> Option<usize> {
        match self.codec() {
            Codec::Mp3 => Some(mp3::FRAME_BYTES),
            Codec::Pcmu => Some(pcmu::FRAME_BYTES),
            Codec::Opus => None,
        }
    }

    /// Milliseconds of sound in a frame.
    #[must_use]
    pub fn frame_ms(self) -> u32 {
        match self.codec() {
            Codec::Mp3 => mp3::FRAME_MS,
            Codec::Pcmu => pcmu::FRAME_MS,
            Codec::Opus => opus::FRAME_MS,
        }
    }

    /// Its place in [`Format::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl Codec {
    /// All of them.
    pub const ALL: [Codec; 3] = [Codec::Mp3, Codec::Pcmu, Codec::Opus];

    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Codec::Mp3 => "mp3",
            Codec::Pcmu => "pcmu",
            Codec::Opus => "opus",
        }
    }

    /// A new encoder.
    #[must_use]
    pub fn encoder(self) -> Box<dyn Encoder> {
        match self {
            Codec::Mp3 => Box::new(Mp3::new()),
            Codec::Pcmu => Box::new(Pcmu::new()),
            Codec::Opus => Box::new(Opus::new()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
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
        let same = |f: &Format| f.name().eq_ignore_ascii_case(name);
        Format::ALL.into_iter().find(same).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_measures_agree() {
        for (place, format) in Format::ALL.into_iter().enumerate() {
            assert_eq!(format.index(), place);
            assert_eq!(format.to_string().parse(), Ok(format));
            assert_eq!(format.to_string().to_uppercase().parse(), Ok(format));
            assert_eq!(Format::of_extension(format.extension()), Some(format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
            assert_eq!(format.codec().encoder().frame_ms(), format.frame_ms());
            if let Some(bytes) = format.frame_bytes() {
                assert_eq!(bytes * 1000 / format.frame_ms() as usize, format.kbit_s() as usize * 125);
            }
        }
        let error = "aac".parse::<Format>().unwrap_err();
        assert_eq!(error.to_string(), "no stream format is called \"aac\"; known: mp3 pcmu webm ogg hls");
    }
}
