//! Sound for tests: speech to say, recordings to compare, detectors to ask.

use crate::peers::{self, Package, Probe};
use dsp::dtmf::{DtmfReceiver, KeyEvent};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Recorded speech, made for telephone systems.
pub const RECORDED_SPEECH: Package = Package {
    name: "asterisk-core-sounds-en-wav",
    probe: Probe::File("/usr/share/asterisk/sounds/en_US_f_Allison/conf-adminmenu.wav"),
};
/// A decoder made by others.
pub const FFMPEG: Package = Package { name: "ffmpeg", probe: Probe::Program("ffmpeg") };
/// An ordinary HTTP client.
pub const CURL: Package = Package { name: "curl", probe: Probe::Program("curl") };

/// So many seconds of a person's recorded speech, 8 kHz.
///
/// # Panics
/// When [`RECORDED_SPEECH`] is not there.
#[must_use]
pub fn recorded_speech(seconds: usize) -> Vec<i16> {
    let directory = Path::new("/usr/share/asterisk/sounds/en_US_f_Allison");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("the package is installed")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "wav"))
        // Sentences rather than single words and beeps.
        .filter(|path| path.metadata().is_ok_and(|m| (40_000..400_000).contains(&m.len())))
        .collect();
    files.sort();
    let mut speech = Vec::with_capacity(seconds * 8000);
    for file in files {
        speech.extend(read(&file));
        speech.extend([0; 3200]);
        if speech.len() >= seconds * 8000 {
            break;
        }
    }
    speech.truncate(seconds * 8000);
    assert_eq!(speech.len(), seconds * 8000, "not enough recorded speech");
    speech
}

/// A WAV file of 8 kHz, mono, 16 bit.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn read(file: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8000, 1), "{}", file.display());
    reader.samples::<i16>().map(|s| s.expect("whole")).collect()
}

/// Write a WAV file of 8 kHz, mono, 16 bit.
///
/// # Panics
/// When it cannot be written.
pub fn write(file: &Path, samples: &[i16]) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(file, spec).expect("created");
    for &sample in samples {
        writer.write_sample(sample).expect("written");
    }
    writer.finalize().expect("written");
}

/// Keys as they sound: 100 ms each with 100 ms between.
///
/// # Panics
/// When one is no key.
#[must_use]
pub fn keys(digits: &str) -> Vec<i16> {
    let mut sequence = dsp::tones::DtmfSequence::new(digits, 100, 100, -8.0).expect("keys");
    let mut samples = vec![0; sequence.len_samples() as usize];
    sequence.fill(&mut samples);
    samples
}

/// What a recording or stream sounds like at 8 kHz, by a decoder made by others.
///
/// # Panics
/// When it cannot be decoded.
#[must_use]
pub fn decode(file: &Path) -> Vec<i16> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-ar", "8000", "-ac", "1", "-f", "s16le", "-"])
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.trim().is_empty(), "ffmpeg on {}: {said}", file.display());
    out.stdout.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
}

/// The keys our detector finds.
#[must_use]
pub fn our_digits(samples: &[i16]) -> String {
    let mut digits = String::new();
    DtmfReceiver::new().process(samples, &mut |event| {
        if let KeyEvent::Down { key, .. } = event {
            digits.push(key.to_char());
        }
    });
    digits
}

/// The keys libspandsp's detector finds.
///
/// # Panics
/// When the peer cannot be compiled or run.
#[must_use]
pub fn spandsp_digits(directory: &Path, samples: &[i16]) -> String {
    let program = peers::compile_peer("spandsp_digits", &["-lspandsp", "-lm"]);
    let file = directory.join("spandsp.wav");
    write(&file, samples);
    let out = Command::new(program).arg(&file).output().expect("the peer runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}
