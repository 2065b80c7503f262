//! Sound files: 8 kHz, mono, 16 bit, and nothing else.

/// The samples of a WAV file that must be 8 kHz, mono, 16 bit.
///
/// # Errors
/// Says in words what the file is instead.
pub fn read(octets: &[u8]) -> Result<Vec<i16>, String> {
    let mut reader = hound::WavReader::new(octets).map_err(|e| format!("no readable WAV file: {e}"))?;
    let spec = reader.spec();
    if (spec.sample_rate, spec.channels, spec.bits_per_sample) != (8000, 1, 16) {
        return Err(format!(
            "{} Hz, {} channel(s), {} bit; needed: 8000 Hz, 1 channel, 16 bit (sox IN.wav -r 8000 -c 1 -b 16 OUT.wav)",
            spec.sample_rate, spec.channels, spec.bits_per_sample
        ));
    }
    let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().map_err(|e| format!("breaks off: {e}"))?;
    if samples.is_empty() { Err("holds no sound".to_owned()) } else { Ok(samples) }
}
