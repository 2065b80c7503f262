//! Sound files: 8 kHz and mono; 16-bit samples, or G.711 as telephone systems keep it.
//!
//! Data path: the octets of a WAV file → samples.
//! Time: none.
//! Source: of the numbers of the codings, `mmreg.h` of the multimedia programming interface that defined the format.

use dsp::g711::{self, Law};

/// The samples of a WAV file that must be 8 kHz, mono, and 16 bit, A-law or µ-law.
///
/// # Errors
/// Says in words what the file is instead.
pub fn read(octets: &[u8]) -> Result<Vec<i16>, String> {
    let samples = match g711_of(octets) {
        Some((law, coded)) => {
            let mut samples = vec![0; coded.len()];
            g711::decode(law, coded, &mut samples);
            samples
        }
        None => linear(octets)?,
    };
    if samples.is_empty() { Err("holds no sound".to_owned()) } else { Ok(samples) }
}

fn linear(octets: &[u8]) -> Result<Vec<i16>, String> {
    let mut reader = hound::WavReader::new(octets).map_err(|e| format!("no readable WAV file: {e}"))?;
    let spec = reader.spec();
    if (spec.sample_rate, spec.channels, spec.bits_per_sample) != (8000, 1, 16) {
        return Err(format!(
            "{} Hz, {} channel(s), {} bit; needed: 8000 Hz, 1 channel, 16 bit (sox IN.wav -r 8000 -c 1 -b 16 OUT.wav)",
            spec.sample_rate, spec.channels, spec.bits_per_sample
        ));
    }
    reader.samples().collect::<Result<_, _>>().map_err(|e| format!("breaks off: {e}"))
}

/// The law and the octets of a file that is 8 kHz, mono G.711.
fn g711_of(octets: &[u8]) -> Option<(Law, &[u8])> {
    let mut rest = octets.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut law = None;
    loop {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let chunk = after.get(..length)?;
        match name {
            b"fmt " => {
                // Coding, channels, samples a second.
                law = match chunk.get(..8)? {
                    [6, 0, 1, 0, 0x40, 0x1f, 0, 0] => Some(Law::A),
                    [7, 0, 1, 0, 0x40, 0x1f, 0, 0] => Some(Law::Mu),
                    _ => return None,
                };
            }
            b"data" => return Some((law?, chunk)),
            _ => {}
        }
        // Chunks begin at even places.
        rest = after.get(length + length % 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(coding: u8, rate: u32, octets: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVEfact\x03\0\0\0abc\0fmt \x12\0\0\0".to_vec();
        file.extend([coding, 0, 1, 0]);
        file.extend(rate.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend([1, 0, 8, 0, 0, 0]);
        file.extend(b"data");
        file.extend((octets.len() as u32).to_le_bytes());
        file.extend(octets);
        file
    }

    #[test]
    fn g711_is_read_by_either_law() {
        let octets: Vec<u8> = (0..=255).collect();
        for (coding, law) in [(6, Law::A), (7, Law::Mu)] {
            let expected: Vec<i16> = octets.iter().map(|&octet| law.decode_one(octet)).collect();
            assert_eq!(read(&file(coding, 8000, &octets)), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_telephone_sound_is_refused_and_nothing_in_a_file_is_trusted() {
        let good = file(6, 8000, &[0; 100]);
        for wrong in [file(6, 16_000, &[0; 100]), file(5, 8000, &[0; 100]), file(6, 8000, &[])] {
            assert!(read(&wrong).is_err());
        }
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_err(), "{length} octets of it");
        }
    }
}
