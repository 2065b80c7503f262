//! What stands beside a recording: a small JSON file that says what the recording is.
//!
//! It is named after the recording with `.json` appended, is written before the recording's first octet and
//! rewritten when the recording is closed or found after a crash. While it says `recording` its counts are
//! not kept up: the file's length is the truth then.
//!
//! Words: the *stem* of a recording is its name without extension:
//! `<event>_<start in UTC>_<server>_p<port>`.

use crate::format::Format;
use crate::utc;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The contents of a sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sidecar {
    /// The event's number.
    pub(crate) event: String,
    /// The server that recorded.
    pub(crate) server: String,
    /// The stream's port.
    pub(crate) port: u16,
    /// The format.
    pub(crate) format: Format,
    /// When the first frame's sound was spoken: milliseconds since 1970, UTC.
    pub(crate) start_ms: u64,
    /// Octets of a frame.
    pub(crate) frame_bytes: usize,
    /// Milliseconds of a frame.
    pub(crate) frame_ms: u32,
    /// Samples a second of the encoded sound.
    pub(crate) sample_rate: u32,
    /// How far the recording is.
    pub(crate) state: State,
    /// Whole frames.
    pub(crate) frames: u64,
    /// Octets.
    pub(crate) octets: u64,
    /// Where frames of the stream are missing, in order.
    pub(crate) gaps: Vec<Gap>,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It grows, or its writer was killed.
    Recording,
    /// It is complete.
    Closed,
    /// It was found after a crash and cut to whole frames.
    Recovered,
}

/// Frames that are in the stream and not in the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    /// Before this frame of the recording, counted from 0.
    pub(crate) at_frame: u64,
    /// How many.
    pub(crate) frames: u64,
}

/// Gaps listed one by one; later ones are added to the last.
const GAPS_MOST: usize = 1000;

impl Sidecar {
    /// The sidecar of a recording about to begin.
    pub(crate) fn new(event: &str, server: &str, port: u16, format: Format, start_ms: u64) -> Self {
        Sidecar {
            event: event.to_owned(),
            server: server.to_owned(),
            port,
            format,
            start_ms,
            frame_bytes: format.frame_bytes().unwrap_or(1),
            frame_ms: format.frame_ms(),
            sample_rate: format.sample_rate(),
            state: State::Recording,
            frames: 0,
            octets: 0,
            gaps: Vec::new(),
        }
    }

    /// What can be told from a recording's name alone, should its sidecar be unreadable.
    pub(crate) fn from_name(path: &Path) -> Option<Self> {
        let format = Format::of_extension(path.extension()?.to_str()?).filter(|f| f.frame_bytes().is_some())?;
        let mut parts = path.file_stem()?.to_str()?.split('_');
        let (event, start, server, port) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let port = port.strip_prefix('p')?.split('-').next()?.parse().ok()?;
        let named = !event.is_empty() && parts.next().is_none();
        named.then(|| Some(Sidecar::new(event, server, port, format, utc::from_compact(start)?)))?
    }

    /// The stem of the recording's name; the number tells recordings of one second apart, from 1.
    pub(crate) fn stem(&self, number: u32) -> String {
        let server = name_part(&self.server);
        let stem = format!("{}_{}_{server}_p{}", self.event, utc::compact(self.start_ms), self.port);
        if number == 1 { stem } else { format!("{stem}-{number}") }
    }

    /// Frames were left out here.
    pub(crate) fn gap(&mut self, frames: u64) {
        let listed = self.gaps.len();
        match self.gaps.last_mut() {
            Some(last) if last.at_frame == self.frames || listed >= GAPS_MOST => last.frames += frames,
            _ => self.gaps.push(Gap { at_frame: self.frames, frames }),
        }
    }

    /// Frames left out in all.
    pub(crate) fn gap_frames(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.frames).sum()
    }

    /// The recording has so many octets, whole frames.
    pub(crate) fn set_octets(&mut self, octets: u64) {
        self.octets = octets;
        self.frames = octets / self.frame_bytes as u64;
    }

    /// Reads a sidecar; what does not fit together is refused like what is no JSON.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let sidecar: Sidecar = serde_json::from_slice(&fs::read(path)?)?;
        if sidecar.frame_bytes == 0 || !crate::caster::is_event(&sidecar.event) {
            return Err(io::Error::new(ErrorKind::InvalidData, "not the sidecar of a recording"));
        }
        Ok(sidecar)
    }

    /// Writes it to the path, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let temporary = hidden(path);
        let mut file = File::create(&temporary)?;
        let written = file.write_all(&self.to_json()).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// The octets of the file.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("plain fields");
        json.push(b'\n');
        json
    }
}

/// The sidecar's path for a recording's.
pub(crate) fn beside(recording: &Path) -> PathBuf {
    let mut name = recording.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// A name in the same directory that nobody looks at.
pub(crate) fn hidden(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.part"))
}

/// A server's name as part of a file name: underscores separate the parts there.
fn name_part(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let part: String = text.chars().take(64).map(plain).collect();
    if part.is_empty() { "server".to_owned() } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sidecar() -> Sidecar {
        Sidecar::new("12345", "gw_1/x", 10003, Format::Mp3, 1_795_184_515_250)
    }

    #[test]
    fn the_name_tells_nearly_everything() {
        let sidecar = sidecar();
        assert_eq!(sidecar.stem(1), "12345_20261120T142155Z_gw-1-x_p10003");
        for number in [1, 2] {
            let path = PathBuf::from(format!("/spool/{}.mp3", sidecar.stem(number)));
            let told = Sidecar::from_name(&path).unwrap();
            let expected = Sidecar { server: "gw-1-x".to_owned(), start_ms: 1_795_184_515_000, ..sidecar.clone() };
            assert_eq!(told, expected);
        }
        for wrong in ["a.mp3", "1_2_3_p4.mp3", "12_20261120T142155Z_gw_p1.wav", "_20261120T142155Z_gw_p1.mp3", "x"] {
            assert_eq!(Sidecar::from_name(Path::new(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn it_reads_back_and_bad_ones_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = beside(&directory.path().join("a.mp3"));
        let mut sidecar = sidecar();
        sidecar.set_octets(3840);
        sidecar.gap(7);
        sidecar.gap(3);
        sidecar.write(&path).unwrap();
        assert_eq!(Sidecar::read(&path).unwrap(), sidecar);
        assert_eq!(sidecar.gaps, [Gap { at_frame: 10, frames: 10 }]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let evil = Sidecar { event: "../../etc".to_owned(), ..sidecar };
        evil.write(&path).unwrap();
        assert!(Sidecar::read(&path).is_err());
        fs::write(&path, "{}").unwrap();
        assert!(Sidecar::read(&path).is_err());
    }

    #[test]
    fn gaps_do_not_grow_without_end() {
        let mut sidecar = sidecar();
        for n in 1..5000 {
            sidecar.set_octets(n * 384);
            sidecar.gap(1);
        }
        assert_eq!((sidecar.gaps.len(), sidecar.gap_frames()), (GAPS_MOST, 4999));
    }
}
