//! The prompts: which there are, and where their sound comes from.
//!
//! Each is a file `LANGUAGE/NAME.wav` (8 kHz, mono, 16 bit). English is built in; a directory of the
//! operator's own replaces it file by file.

use std::path::{Path, PathBuf};

macro_rules! prompts {
    ($($(#[$doc:meta])* $variant:ident = $file:literal),* $(,)?) => {
        /// Something said to a caller.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Prompt { $($(#[$doc])* $variant),* }

        impl Prompt {
            /// All of them.
            pub const ALL: &'static [Prompt] = &[$(Prompt::$variant),*];

            /// The file's name without `.wav`.
            #[must_use]
            pub const fn file(self) -> &'static str {
                match self { $(Prompt::$variant => $file),* }
            }

            fn built_in(self) -> &'static [u8] {
                match self { $(Prompt::$variant => include_bytes!(concat!("../assets/prompts/en/", $file, ".wav"))),* }
            }
        }
    };
}

prompts! {
    /// The greeting.
    Welcome = "welcome",
    /// Asks for the event number.
    EnterEvent = "enter-event",
    /// Asks for the PIN.
    EnterPin = "enter-pin",
    /// Number and PIN do not agree.
    NotRecognised = "not-recognised",
    /// No keys came.
    NothingEntered = "nothing-entered",
    /// The last word.
    Goodbye = "goodbye",
    /// The event was ended by its host.
    EventEnded = "event-ended",
    /// The event was cancelled.
    EventCancelled = "event-cancelled",
    /// The event is over.
    EventOver = "event-over",
    /// In the conference, with others.
    Joined = "joined",
    /// In the conference, alone.
    First = "first",
    /// Said to all when the host ends the event.
    HostEnded = "host-ended",
    /// Muted by the caller's own key.
    Muted = "muted",
    /// No longer muted.
    Unmuted = "unmuted",
    /// No port or place for this event.
    Unavailable = "unavailable",
    /// The server is being closed down.
    Closing = "closing",
}

/// A prompt that cannot be used.
#[derive(Debug)]
pub struct Error {
    file: PathBuf,
    why: String,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "prompt {}: {}", self.file.display(), self.why)
    }
}

impl std::error::Error for Error {}

/// The sound of all prompts, in memory before the first call.
#[derive(Debug)]
pub struct PromptSet {
    samples: Vec<Vec<i16>>,
}

impl PromptSet {
    /// Load the prompts of a language from `directory`, or the built-in ones when it is empty.
    ///
    /// # Errors
    /// When the language is not there, or a file cannot be read or is not 8 kHz, mono, 16 bit.
    pub fn load(directory: &Path, language: &str) -> Result<PromptSet, Error> {
        let mut samples = Vec::with_capacity(Prompt::ALL.len());
        for prompt in Prompt::ALL {
            let (file, octets) = if directory.as_os_str().is_empty() {
                if language != "en" {
                    let why = format!(
                        "language \"{language}\" is not built in (only \"en\" is): set call_in.prompts to a directory that \
                         has it"
                    );
                    return Err(Error { file: PathBuf::from(language), why });
                }
                (PathBuf::from(format!("en/{}.wav", prompt.file())), prompt.built_in().to_vec())
            } else {
                let file = directory.join(language).join(format!("{}.wav", prompt.file()));
                let octets = std::fs::read(&file).map_err(|e| Error { file: file.clone(), why: e.to_string() })?;
                (file, octets)
            };
            samples.push(read_wav(&octets).map_err(|why| Error { file, why })?);
        }
        Ok(PromptSet { samples })
    }

    /// The samples of a prompt.
    #[must_use]
    pub fn samples(&self, prompt: Prompt) -> &[i16] {
        &self.samples[prompt as usize]
    }

    /// How long a prompt takes.
    #[must_use]
    pub fn duration(&self, prompt: Prompt) -> std::time::Duration {
        std::time::Duration::from_micros(self.samples(prompt).len() as u64 * 125)
    }
}

/// The samples of a WAV file that must be 8 kHz, mono, 16 bit.
///
/// # Errors
/// Says in words what the file is instead.
pub fn read_wav(octets: &[u8]) -> Result<Vec<i16>, String> {
    let mut reader = hound::WavReader::new(octets).map_err(|e| format!("no readable WAV file: {e}"))?;
    let spec = reader.spec();
    if (spec.sample_rate, spec.channels, spec.bits_per_sample) != (8000, 1, 16) {
        return Err(format!(
            "{} Hz, {} channel(s), {} bit; needed: 8000 Hz, 1 channel, 16 bit (sox IN.wav -r 8000 -c 1 -b 16 OUT.wav)",
            spec.sample_rate, spec.channels, spec.bits_per_sample
        ));
    }
    reader.samples::<i16>().collect::<Result<_, _>>().map_err(|e| format!("breaks off: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_prompt_can_be_played() {
        let set = PromptSet::load(Path::new(""), "en").expect("built in");
        for prompt in Prompt::ALL {
            let length = set.duration(*prompt).as_secs_f32();
            assert!((0.3..15.0).contains(&length), "{}: {length} s", prompt.file());
        }
    }

    #[test]
    fn a_wrong_file_is_named_with_what_is_wrong() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("en")).expect("a directory");
        let file = dir.path().join("en/welcome.wav");
        let absent = PromptSet::load(dir.path(), "en").expect_err("no file").to_string();
        assert!(absent.contains("en/welcome.wav") && absent.contains("No such file"), "{absent}");
        std::fs::write(&file, b"RIFF nonsense").expect("written");
        assert!(PromptSet::load(dir.path(), "en").expect_err("nonsense").to_string().contains("no readable WAV"));
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        hound::WavWriter::create(&file, spec).expect("created").finalize().expect("written");
        let wrong = PromptSet::load(dir.path(), "en").expect_err("wrong rate").to_string();
        assert!(wrong.contains("44100 Hz") && wrong.contains("needed: 8000"), "{wrong}");
        assert!(PromptSet::load(Path::new(""), "xx").expect_err("no such language").to_string().contains("\"xx\""));
    }
}
