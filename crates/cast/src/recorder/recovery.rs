//! Recordings found in the spool at start-up: left by a crash, or not yet published.
//!
//! A recording whose writer was killed may end in the middle of a frame, and after a power failure in
//! octets that were never written. It is cut to its last whole frame and goes to the publisher like any
//! other. A file that is not ours is left alone and said.

use super::publisher::Finished;
use super::sidecar::{Sidecar, State, beside};
use crate::events::{CastEvent, Reporter};
use crate::format::Format;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Looks the spool over; answers what is to be published.
///
/// # Errors
/// Only if the directory cannot be read; trouble with one file is reported and does not keep the others.
pub(crate) fn recover(spool: &Path, report: &Reporter) -> io::Result<Vec<Finished>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(spool)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            if name.ends_with(".part") {
                let _ = fs::remove_file(&path);
            }
        } else if let Some(recording) = name.strip_suffix(".json") {
            // Published, then killed before the sidecar was removed; or killed before the first octet.
            if !path.with_file_name(recording).exists() {
                let _ = fs::remove_file(&path);
            }
        } else {
            match recover_one(&path, report) {
                Ok(finished) => found.push(finished),
                Err(error) => report.say(CastEvent::SpoolUnreadable { path, error: error.to_string() }),
            }
        }
    }
    // Oldest first, as they were made.
    found.sort_by_key(|f: &Finished| f.sidecar.start_ms);
    Ok(found)
}

fn recover_one(path: &Path, report: &Reporter) -> io::Result<Finished> {
    let read = Sidecar::read(&beside(path));
    let mut sidecar = match read {
        Ok(sidecar) => sidecar,
        Err(error) => Sidecar::from_name(path).ok_or(error)?,
    };
    let length = fs::metadata(path)?.len();
    if sidecar.state != State::Recording && sidecar.octets == length {
        return Ok(Finished { path: path.to_owned(), sidecar });
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let whole = whole_frames(&file, length, &sidecar)?;
    if whole != length {
        file.set_len(whole)?;
        file.sync_all()?;
    }
    sidecar.set_octets(whole);
    sidecar.state = State::Recovered;
    // Not written on a full disk; the publisher has it in memory all the same.
    let _ = sidecar.write(&beside(path));
    report.say(CastEvent::RecordingRecovered {
        event: sidecar.event.clone(),
        path: path.to_owned(),
        frames: sidecar.frames,
        cut: length - whole,
    });
    Ok(Finished { path: path.to_owned(), sidecar })
}

/// The length up to which the file ends in a frame. Octets that were never written are zeros: no frame of MP3
/// begins with them, and PCMU that has nothing else would be as loud as it can be for as long as a frame lasts.
fn whole_frames(file: &File, length: u64, sidecar: &Sidecar) -> io::Result<u64> {
    let frame = sidecar.frame_bytes as u64;
    let mut whole = length / frame * frame;
    let looked_at = if sidecar.format == Format::Mp3 { 2 } else { sidecar.frame_bytes };
    let mut mark = vec![0; looked_at];
    let mut first = vec![0; looked_at];
    if whole > 0 {
        file.read_exact_at(&mut first, 0)?;
    }
    while whole > 0 {
        file.read_exact_at(&mut mark, whole - frame)?;
        let is_sound = mark.iter().any(|&octet| octet != 0);
        // Every frame of MP3 begins with the same two octets.
        if is_sound && (sidecar.format != Format::Mp3 || mark == first) {
            break;
        }
        whole -= frame;
    }
    Ok(whole)
}
