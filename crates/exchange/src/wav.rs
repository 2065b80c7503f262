//! Sound files: clips that callers speak, recordings of what they hear.
//!
//! Both are WAV, 8 kHz, one channel, 16 bit, because that is what a telephone line carries: a file that
//! would have to be converted is refused with what it is, rather than spoken at the wrong speed.
//!
//! Data path: file → [`load_clip`] → script; what a caller hears → [`Recording`] → file.
//! Time: none; files are read before dialling, and written by whoever drives the callers.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples a second on a telephone line.
pub const SAMPLE_RATE: u32 = 8000;

/// The longest clip that is loaded, in samples (one hour): it is kept in memory.
pub const CLIP_SAMPLES_MAX: u32 = 3600 * SAMPLE_RATE;

/// The longest recording, in samples (24 hours). A caller forgotten in a call does not fill the disk.
pub const RECORDING_SAMPLES_MAX: u64 = 24 * 3600 * SAMPLE_RATE as u64;

/// After so many samples the header of a recording is brought up to date, so that a killed process leaves
/// a file that can be played.
const FLUSH_EVERY: u64 = 5 * SAMPLE_RATE as u64;

/// Speech shared by those who speak it: linear samples, 8 kHz.
pub type Clip = Arc<[i16]>;

/// Why a sound file cannot be used.
#[derive(Debug)]
pub enum WavError {
    /// The file cannot be opened, or read to its end, or is no WAV file.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: hound::Error,
    },
    /// It is a WAV file of another kind.
    WrongFormat {
        /// The file.
        path: PathBuf,
        /// Its samples a second.
        rate: u32,
        /// Its channels.
        channels: u16,
        /// Bits of a sample.
        bits: u16,
        /// Whether the samples are floating point numbers.
        float: bool,
    },
    /// It holds no samples.
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than [`CLIP_SAMPLES_MAX`].
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length in seconds.
        seconds: u32,
    },
    /// The recording cannot be created.
    NotCreated {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: hound::Error,
    },
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WavError::Unreadable { path, .. } => write!(f, "cannot read the sound file {}", path.display()),
            WavError::WrongFormat { path, rate, channels, bits, float } => {
                let kind = if *float { "floating point" } else { "integer" };
                write!(
                    f,
                    "the sound file {} has {rate} Hz, {channels} channel(s), {bits} bit {kind}; a telephone line needs \
                     8000 Hz, 1 channel, 16 bit integer: convert it first",
                    path.display()
                )
            }
            WavError::Empty { path } => write!(f, "the sound file {} holds no samples", path.display()),
            WavError::TooLong { path, seconds } => write!(
                f,
                "the sound file {} lasts {seconds} s, longer than the {} s that are kept in memory",
                path.display(),
                CLIP_SAMPLES_MAX / SAMPLE_RATE
            ),
            WavError::NotCreated { path, .. } => write!(f, "cannot create the recording {}", path.display()),
        }
    }
}

impl std::error::Error for WavError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            WavError::Unreadable { source, .. } | WavError::NotCreated { source, .. } => Some(source),
            WavError::WrongFormat { .. } | WavError::Empty { .. } | WavError::TooLong { .. } => None,
        }
    }
}

/// Read a clip.
///
/// # Errors
/// [`WavError`] names the file and what is wrong with it.
pub fn load_clip(path: &Path) -> Result<Clip, WavError> {
    let unreadable = |source| WavError::Unreadable { path: path.to_owned(), source };
    let mut reader = hound::WavReader::open(path).map_err(unreadable)?;
    let spec = reader.spec();
    let float = spec.sample_format == hound::SampleFormat::Float;
    if spec.sample_rate != SAMPLE_RATE || spec.channels != 1 || spec.bits_per_sample != 16 || float {
        return Err(WavError::WrongFormat {
            path: path.to_owned(),
            rate: spec.sample_rate,
            channels: spec.channels,
            bits: spec.bits_per_sample,
            float,
        });
    }
    // The length a header claims is not believed before it is known to be bearable.
    if reader.duration() > CLIP_SAMPLES_MAX {
        return Err(WavError::TooLong { path: path.to_owned(), seconds: reader.duration() / SAMPLE_RATE });
    }
    let samples = reader.samples::<i16>().collect::<Result<Vec<i16>, _>>().map_err(unreadable)?;
    if samples.is_empty() {
        return Err(WavError::Empty { path: path.to_owned() });
    }
    Ok(samples.into())
}

/// A WAV file that grows while a caller listens.
///
/// However it ends (closed, dropped with a call that was cut off), its header says its true length.
pub struct Recording {
    path: PathBuf,
    writer: hound::WavWriter<Box<dyn Medium>>,
    written: u64,
}

/// What a recording is written to: a file, or in tests something that fails.
pub trait Medium: Write + Seek + Send {}

impl<T: Write + Seek + Send> Medium for T {}

impl Recording {
    /// Create the file, in place of an older one of this name.
    ///
    /// # Errors
    /// [`WavError::NotCreated`].
    pub fn create(path: &Path) -> Result<Recording, WavError> {
        let not_created = |source| WavError::NotCreated { path: path.to_owned(), source };
        // A file of this name may be another call's recording: that one keeps what it has, and loses its name.
        if path.is_file() {
            std::fs::remove_file(path).map_err(|why| not_created(hound::Error::IoError(why)))?;
        }
        let file = File::create(path).map_err(|why| not_created(hound::Error::IoError(why)))?;
        Recording::on(path, Box::new(BufWriter::new(file))).map_err(not_created)
    }

    /// Begin a recording on any medium; `path` is its name.
    ///
    /// # Errors
    /// The medium's.
    pub fn on(path: &Path, medium: Box<dyn Medium>) -> Result<Recording, hound::Error> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(medium, spec)?;
        // A call that never connects leaves a valid file without samples.
        writer.flush()?;
        Ok(Recording { path: path.to_owned(), writer, written: 0 })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Append samples; beyond [`RECORDING_SAMPLES_MAX`] they are left out.
    ///
    /// # Errors
    /// The file system's, such as a full disk. What was written before stays readable.
    pub fn write(&mut self, samples: &[i16]) -> Result<(), hound::Error> {
        let before = self.written;
        let room = RECORDING_SAMPLES_MAX.saturating_sub(before);
        for &sample in samples.iter().take(usize::try_from(room).unwrap_or(usize::MAX)) {
            self.writer.write_sample(sample)?;
            self.written += 1;
        }
        if before / FLUSH_EVERY != self.written / FLUSH_EVERY {
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Bring the header up to date and close the file.
    ///
    /// # Errors
    /// The file system's.
    pub fn close(self) -> Result<(), hound::Error> {
        self.writer.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, spec: hound::WavSpec, samples: usize) {
        let mut writer = hound::WavWriter::create(path, spec).expect("creates");
        for i in 0..samples {
            match spec.sample_format {
                hound::SampleFormat::Int => writer.write_sample(i as i16).expect("writes"),
                hound::SampleFormat::Float => writer.write_sample(0.5f32).expect("writes"),
            }
        }
        writer.finalize().expect("closes");
    }

    fn telephone() -> hound::WavSpec {
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int }
    }

    #[test]
    fn what_was_recorded_can_be_spoken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        let mut recording = Recording::create(&path).expect("creates");
        recording.write(&[1, -2, 3]).expect("writes");
        recording.write(&[i16::MIN, i16::MAX]).expect("writes");
        recording.close().expect("closes");
        assert_eq!(*load_clip(&path).expect("loads"), [1, -2, 3, i16::MIN, i16::MAX]);
    }

    #[test]
    fn a_recording_that_is_dropped_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        let mut recording = Recording::create(&path).expect("creates");
        recording.write(&[7; 100]).expect("writes");
        drop(recording);
        assert_eq!(load_clip(&path).expect("loads").len(), 100);
    }

    #[test]
    fn two_recordings_of_one_name_do_not_mix() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        let mut first = Recording::create(&path).expect("creates");
        let mut second = Recording::create(&path).expect("creates");
        second.write(&[2; 10]).expect("writes");
        first.write(&[1; 50]).expect("writes");
        second.close().expect("closes");
        first.close().expect("closes");
        assert_eq!(*load_clip(&path).expect("loads"), [2; 10]);
    }

    #[test]
    fn a_recording_can_be_read_while_it_grows() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        let mut recording = Recording::create(&path).expect("creates");
        assert!(matches!(load_clip(&path), Err(WavError::Empty { .. })), "a valid file from the first moment");
        for _ in 0..60 {
            recording.write(&[7; 800]).expect("writes");
        }
        assert_eq!(load_clip(&path).expect("loads").len(), 40_000, "up to the last full five seconds");
    }

    #[test]
    fn files_of_another_kind_are_refused_with_what_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        write(&path, hound::WavSpec { sample_rate: 44_100, channels: 2, ..telephone() }, 4);
        let message = load_clip(&path).expect_err("refuses").to_string();
        assert!(message.contains("44100 Hz, 2 channel(s), 16 bit integer"), "{message}");
        write(
            &path,
            hound::WavSpec { bits_per_sample: 32, sample_format: hound::SampleFormat::Float, ..telephone() },
            4,
        );
        let message = load_clip(&path).expect_err("refuses").to_string();
        assert!(message.contains("32 bit floating point"), "{message}");
        write(&path, telephone(), 0);
        assert!(matches!(load_clip(&path), Err(WavError::Empty { .. })));
    }

    #[test]
    fn files_that_are_absent_torn_or_no_sound_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        let message = load_clip(&path).expect_err("refuses").to_string();
        assert!(message.contains("a.wav"), "{message}");
        std::fs::write(&path, b"RIFFs and other music").expect("writes");
        assert!(matches!(load_clip(&path), Err(WavError::Unreadable { .. })));
        write(&path, telephone(), 1000);
        let octets = std::fs::read(&path).expect("reads");
        std::fs::write(&path, &octets[..500]).expect("writes");
        assert!(matches!(load_clip(&path), Err(WavError::Unreadable { .. })));
        assert!(matches!(Recording::create(&folder.path().join("no/such/a.wav")), Err(WavError::NotCreated { .. })));
    }

    #[test]
    fn a_clip_that_claims_to_last_for_days_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        write(&path, telephone(), 10);
        let mut octets = std::fs::read(&path).expect("reads");
        octets[40..44].copy_from_slice(&0x7000_0000u32.to_le_bytes());
        std::fs::write(&path, &octets).expect("writes");
        assert!(matches!(load_clip(&path), Err(WavError::TooLong { .. } | WavError::Unreadable { .. })));
    }
}
