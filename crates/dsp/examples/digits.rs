//! Prints the keys pressed in a recording: `cargo run -p dsp --example digits -- FILE.wav...`
//!
//! The file must be 8 kHz, 16 bit; of several channels each is listened to by itself.

use std::process::ExitCode;

use dsp::dtmf::{DtmfReceiver, KeyEvent};

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: digits FILE.wav...");
        return ExitCode::FAILURE;
    }
    for file in files {
        if let Err(error) = report(&file) {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn report(file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut reader = hound::WavReader::open(file)?;
    let spec = reader.spec();
    if spec.sample_rate != 8_000 || spec.bits_per_sample != 16 {
        return Err(
            format!("needs 8000 Hz and 16 bit, has {} Hz and {} bit", spec.sample_rate, spec.bits_per_sample).into()
        );
    }
    let samples = reader.samples::<i16>().collect::<Result<Vec<i16>, _>>()?;
    let channels = usize::from(spec.channels);
    for channel in 0..channels {
        let one: Vec<i16> = samples.iter().skip(channel).step_by(channels).copied().collect();
        DtmfReceiver::new().process(&one, &mut |event| {
            if let KeyEvent::Up { key, started_at, samples, .. } = event {
                println!("{file}: channel {channel}: {key} at {:.3} s for {} ms", seconds(started_at), samples / 8);
            }
        });
    }
    Ok(())
}

fn seconds(samples: u64) -> f64 {
    samples as f64 / f64::from(dsp::SAMPLE_RATE)
}
