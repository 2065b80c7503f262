//! Sound files of the telephone's kind: 8000 samples a second, 16-bit, µ-law or A-law, any number of channels.
//!
//! What is of another kind is refused with the command that converts it.
//!
//! Source: the RIFF chunks of a WAV file, the format codes of RFC 2361 (1 linear, 6 A-law, 7 µ-law; 0xFFFE says where the code is).

use dsp::g711::{Law, decode};
use std::fmt;

/// The channels of a recording.
#[derive(Debug, PartialEq, Eq)]
pub struct Sound {
    pub channels: Vec<Vec<i16>>,
    /// Octets that the header promises and the file has not: its end was cut off.
    pub missing: usize,
}

/// Channels there may be.
const CHANNELS_MAX: u32 = 64;

/// Why a file is of no use.
#[derive(Debug, PartialEq, Eq)]
pub enum WavError {
    /// No RIFF header, or no samples after it.
    NoWav,
    /// Another rate, by samples a second.
    Rate(u32),
    /// Another coding: format code, and bits in a sample.
    Coding(u16, u16),
    /// Its header says that there are so many channels.
    Channels(u32),
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CONVERT: &str = "convert it: sox FILE -r 8000 -b 16 -e signed converted.wav";
        match self {
            WavError::NoWav => write!(f, "no WAV file with sound; samples without a header need --raw"),
            WavError::Rate(rate) => write!(f, "{rate} samples a second, where 8000 are needed; {CONVERT}"),
            WavError::Channels(channels) => {
                write!(f, "a header with {channels} channels, where 1 to {CHANNELS_MAX} are")
            }
            WavError::Coding(code, bits) => {
                write!(f, "coding {code} with {bits} bits, where 16-bit linear, mu-law or A-law is needed; {CONVERT}")
            }
        }
    }
}

impl Sound {
    /// 16-bit samples, low octet first, channel by channel in turn.
    pub fn linear(octets: &[u8], channels: usize) -> Sound {
        let samples: Vec<i16> = octets.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        Sound::apart(&samples, channels)
    }

    /// Octets of a companded line, channel by channel in turn.
    pub fn companded(law: Law, octets: &[u8], channels: usize) -> Sound {
        let mut samples = vec![0; octets.len()];
        decode(law, octets, &mut samples);
        Sound::apart(&samples, channels)
    }

    fn apart(samples: &[i16], channels: usize) -> Sound {
        let one = |channel| samples.iter().skip(channel).step_by(channels).copied().collect();
        Sound { channels: (0..channels).map(one).collect(), missing: 0 }
    }
}

/// Reads a WAV file.
///
/// # Errors
///
/// [`WavError`], when it is none or of another kind.
pub fn read(octets: &[u8]) -> Result<Sound, WavError> {
    let number = |octets: &[u8]| octets.iter().rev().fold(0u32, |number, &octet| number << 8 | u32::from(octet));
    if octets.get(..4) != Some(b"RIFF".as_slice()) || octets.get(8..12) != Some(b"WAVE".as_slice()) {
        return Err(WavError::NoWav);
    }
    let (mut rest, mut format) = (&octets[12..], None);
    while rest.len() >= 8 {
        let length = number(&rest[4..8]) as usize;
        // A recorder that was cut off leaves a length that is too large, or none.
        let body = &rest[8..rest.len().min(length.saturating_add(8))];
        match &rest[..4] {
            b"fmt " if body.len() >= 16 => {
                let code = match number(&body[..2]) as u16 {
                    0xfffe if body.len() >= 26 => number(&body[24..26]) as u16,
                    code => code,
                };
                format = Some((code, number(&body[2..4]), number(&body[4..8]), number(&body[14..16]) as u16));
            }
            b"data" => {
                let (code, channels, rate, bits) = format.ok_or(WavError::NoWav)?;
                if !(1..=CHANNELS_MAX).contains(&channels) {
                    return Err(WavError::Channels(channels));
                }
                let channels = channels as usize;
                // Without a length, as a pipe leaves it, it goes to the end.
                let missing = match length {
                    0xffff_ffff => 0,
                    length => length.saturating_sub(body.len()),
                };
                let sound = match (code, bits) {
                    _ if rate != dsp::SAMPLE_RATE => Err(WavError::Rate(rate)),
                    (1, 16) => Ok(Sound::linear(body, channels)),
                    (6, 8) => Ok(Sound::companded(Law::A, body, channels)),
                    (7, 8) => Ok(Sound::companded(Law::Mu, body, channels)),
                    _ => Err(WavError::Coding(code, bits)),
                };
                return sound.map(|sound| Sound { missing, ..sound });
            }
            _ => {}
        }
        let next = length.saturating_add(8 + length % 2);
        rest = rest.get(next..).unwrap_or_default();
    }
    Err(WavError::NoWav)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(code: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut octets = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        octets.extend([code.to_le_bytes(), channels.to_le_bytes()].concat());
        octets.extend([rate.to_le_bytes(), [0; 4]].concat());
        octets.extend([[0; 2], bits.to_le_bytes()].concat());
        octets.extend(b"data");
        octets.extend((data.len() as u32).to_le_bytes());
        octets.extend(data);
        octets
    }

    #[test]
    fn the_kinds_of_a_telephone_are_read() {
        let channels = |octets: &[u8]| read(octets).expect("read").channels;
        assert_eq!(channels(&wav(1, 1, 8_000, 16, &[1, 0, 2, 0])), [[1, 2]]);
        assert_eq!(channels(&wav(1, 2, 8_000, 16, &[1, 0, 2, 0, 3, 0, 4, 0])), [[1, 3], [2, 4]]);
        assert_eq!(channels(&wav(7, 1, 8_000, 8, &[0xff, 0x80])), [[0, Law::Mu.decode_one(0x80)]]);
        assert_eq!(channels(&wav(6, 1, 8_000, 8, &[0xd5])), [[Law::A.decode_one(0xd5)]]);
    }

    #[test]
    fn others_are_refused_by_name() {
        assert_eq!(read(&wav(1, 1, 44_100, 16, &[])), Err(WavError::Rate(44_100)));
        assert_eq!(read(&wav(3, 1, 8_000, 32, &[])), Err(WavError::Coding(3, 32)));
        assert_eq!(read(b"RIFF\0\0\0\0WAVE"), Err(WavError::NoWav));
        assert_eq!(read(b"ID3"), Err(WavError::NoWav));
        assert_eq!(read(&wav(1, 0, 8_000, 16, &[1, 0])), Err(WavError::Channels(0)));
        assert!(WavError::Rate(44_100).to_string().contains("sox FILE -r 8000"));
    }

    #[test]
    fn a_file_cut_short_is_read_as_far_as_it_goes_and_says_what_is_missing() {
        let whole = wav(1, 1, 8_000, 16, &[1, 0, 2, 0, 3, 0]);
        assert_eq!(read(&whole).expect("read").missing, 0);
        let cut = read(&whole[..whole.len() - 4]).expect("read");
        assert_eq!((cut.channels, cut.missing), (vec![vec![1]], 4));
    }

    #[test]
    fn no_cut_makes_it_panic() {
        let whole = wav(1, 2, 8_000, 16, &[1, 0, 2, 0, 3, 0, 4, 0]);
        for end in 0..whole.len() {
            let _ = read(&whole[..end]);
        }
    }
}
