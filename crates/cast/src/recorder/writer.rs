//! Writing recordings to the spool.
//!
//! All recordings share one writer: they share the disk as well, and each has a queue of its own, long
//! enough for the disk to stop for a minute. A recording whose disk is full or broken stops: what it has is
//! closed and published, its queue is emptied and thrown away so that nothing piles up, and a new part is
//! begun when there is room. The stream knows nothing of all this.
//!
//! Data path: whole frames from casting threads → queue → here → files of the spool → publisher.
//! Time: one turn every [`hand_over`](crate::RecorderSettings::hand_over); `now` is given.
//! Words: a *part* is one file; an event has more than one if the disk was full or the daemon restarted.

use super::disk::{Disk, SpoolFile, is_full};
use super::publisher::Finished;
use super::sidecar::{Sidecar, State, beside};
use crate::events::{CastEvent, Reporter};
use crate::format::Format;
use crate::settings::RecorderSettings;
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What a casting thread hands over.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Whole frames.
    Frames(Box<[u8]>),
    /// So many frames were left out here, since the queue was full.
    Gap(u64),
}

/// A recording as its stream describes it.
#[derive(Debug)]
pub(crate) struct Brief {
    pub(crate) event: String,
    pub(crate) port: u16,
    pub(crate) format: Format,
    pub(crate) start_ms: u64,
    /// Its queue; closed when the stream ends.
    pub(crate) pieces: Receiver<Piece>,
}

/// Octets written with one call at most.
const WRITE_MOST: usize = 64 * 1024;

struct Recording {
    brief: Brief,
    /// Frames of the stream so far, recorded or not: the clock of later parts.
    position: u64,
    part: Option<Part>,
    try_at: Instant,
    failed: bool,
}

struct Part {
    file: Box<dyn SpoolFile>,
    path: PathBuf,
    sidecar: Sidecar,
    written: u64,
    sync_at: Instant,
    dirty: bool,
}

/// The writer of all recordings.
pub(crate) struct Writer {
    settings: RecorderSettings,
    disk: Arc<dyn Disk>,
    recordings: Vec<Recording>,
    finished: Sender<Finished>,
    syncs: Sender<PathBuf>,
    report: Reporter,
}

impl Writer {
    pub(crate) fn new(
        settings: RecorderSettings,
        disk: Arc<dyn Disk>,
        finished: Sender<Finished>,
        syncs: Sender<PathBuf>,
        report: Reporter,
    ) -> Self {
        Writer { settings, disk, recordings: Vec::new(), finished, syncs, report }
    }

    /// Begins a recording.
    pub(crate) fn open(&mut self, now: Instant, brief: Brief) {
        let mut recording = Recording { brief, position: 0, part: None, try_at: now, failed: false };
        self.begin_part(now, &mut recording);
        self.recordings.push(recording);
    }

    /// Writes what has come, closes what has ended, resumes what may go on.
    pub(crate) fn turn(&mut self, now: Instant) {
        let mut recordings = std::mem::take(&mut self.recordings);
        recordings.retain_mut(|recording| self.attend(now, recording));
        self.recordings = recordings;
    }

    /// Whether any recording is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.recordings.is_empty()
    }

    /// What was written to this file did not reach the disk.
    pub(crate) fn sync_failed(&mut self, now: Instant, path: &Path, error: &io::Error) {
        let mut recordings = std::mem::take(&mut self.recordings);
        for recording in &mut recordings {
            if recording.part.as_ref().is_some_and(|part| part.path == path) {
                self.fail(now, recording, error);
            }
        }
        self.recordings = recordings;
    }

    /// One recording's turn; false when it has ended.
    fn attend(&mut self, now: Instant, recording: &mut Recording) -> bool {
        if recording.part.is_none() && now >= recording.try_at {
            self.begin_part(now, recording);
        }
        let mut batch = Vec::new();
        // As much as the queue holds now and no more, so that one recording cannot keep the writer.
        for _ in 0..=recording.brief.pieces.len() {
            match recording.brief.pieces.try_recv() {
                Ok(Piece::Frames(frames)) => {
                    batch.extend_from_slice(&frames);
                    if batch.len() >= WRITE_MOST {
                        self.write(now, recording, &mut batch);
                    }
                }
                Ok(Piece::Gap(frames)) => {
                    self.write(now, recording, &mut batch);
                    self.gap(recording, frames);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.write(now, recording, &mut batch);
                    if let Some(part) = recording.part.take() {
                        self.close(part, &recording.brief);
                    }
                    return false;
                }
            }
        }
        self.write(now, recording, &mut batch);
        self.look_after(now, recording);
        true
    }

    fn begin_part(&mut self, now: Instant, recording: &mut Recording) {
        let brief = &recording.brief;
        let start_ms = brief.start_ms + recording.position * u64::from(brief.format.frame_ms());
        let sidecar = Sidecar::new(&brief.event, &self.settings.server, brief.port, brief.format, start_ms);
        let extension = brief.format.extension();
        let mut path = self.settings.spool.join(format!("{}.{extension}", sidecar.stem(1)));
        let mut number = 1;
        let made = loop {
            match self.create(&path, &sidecar, recording.failed) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists && number < 1000 => {
                    number += 1;
                    path = self.settings.spool.join(format!("{}.{extension}", sidecar.stem(number)));
                }
                made => break made,
            }
        };
        recording.try_at = now + self.settings.resume_every;
        let (event, port) = (brief.event.clone(), brief.port);
        match made {
            Ok(file) => {
                recording.failed = false;
                self.report.say(CastEvent::RecordingOpened { event, port, path: path.clone() });
                let _ = self.syncs.try_send(beside(&path));
                let _ = self.syncs.try_send(self.settings.spool.clone());
                let sync_at = now + self.settings.sync;
                recording.part = Some(Part { file, path, sidecar, written: 0, sync_at, dirty: false });
            }
            // Said once, not at every attempt.
            Err(_) if recording.failed => {}
            Err(error) => {
                recording.failed = true;
                let (disk_full, error) = (is_full(&error), error.to_string());
                self.report.say(CastEvent::RecordingFailed { event, port, path, disk_full, error });
            }
        }
    }

    /// A new file with its sidecar; neither, if anything fails.
    fn create(&self, path: &Path, sidecar: &Sidecar, again: bool) -> io::Result<Box<dyn SpoolFile>> {
        self.check_room(again)?;
        // The recording first: of two that want the name, one gets it.
        let file = self.disk.create(path)?;
        sidecar.write(&beside(path)).inspect_err(|_| {
            let _ = fs::remove_file(path);
        })?;
        Ok(file)
    }

    /// Room enough? A tenth more is asked for after it ran out once, lest parts of seconds follow one another.
    fn check_room(&self, again: bool) -> io::Result<()> {
        let least = self.settings.min_free_mb;
        let least = if again { least + least.div_ceil(10) } else { least };
        let free = self.disk.free_mb(&self.settings.spool)?;
        if free >= least {
            return Ok(());
        }
        let text = format!("{free} MB free in {}, {least} MB wanted", self.settings.spool.display());
        Err(io::Error::new(ErrorKind::StorageFull, text))
    }

    fn write(&mut self, now: Instant, recording: &mut Recording, batch: &mut Vec<u8>) {
        if batch.is_empty() {
            return;
        }
        recording.position += (batch.len() / recording.brief.format.frame_bytes().unwrap_or(1)) as u64;
        let Some(part) = &mut recording.part else {
            batch.clear();
            return;
        };
        let (count, result) = write_counted(part.file.as_mut(), batch);
        part.written += count;
        part.dirty = true;
        part.sidecar.set_octets(part.written);
        batch.clear();
        if let Err(error) = result {
            self.fail(now, recording, &error);
        }
    }

    fn gap(&mut self, recording: &mut Recording, frames: u64) {
        recording.position += frames;
        let Some(part) = &mut recording.part else { return };
        part.sidecar.gap(frames);
        let (event, port) = (recording.brief.event.clone(), recording.brief.port);
        self.report.say(CastEvent::RecordingGap { event, port, frames });
        // Without it the gap would be unknown only if we were killed before the close.
        let _ = part.sidecar.write(&beside(&part.path));
    }

    /// Syncing, and looking how much room is left.
    fn look_after(&mut self, now: Instant, recording: &mut Recording) {
        let Some(part) = &mut recording.part else { return };
        if now < part.sync_at {
            return;
        }
        part.sync_at = now + self.settings.sync;
        // Should the last one not be done yet, this one waits for the next time.
        if part.dirty && self.syncs.try_send(part.path.clone()).is_ok() {
            part.dirty = false;
        }
        if let Err(error) = self.check_room(false) {
            self.fail(now, recording, &error);
        }
    }

    fn fail(&mut self, now: Instant, recording: &mut Recording, error: &io::Error) {
        let Some(part) = recording.part.take() else { return };
        recording.failed = true;
        recording.try_at = now + self.settings.resume_every;
        self.report.say(CastEvent::RecordingFailed {
            event: recording.brief.event.clone(),
            port: recording.brief.port,
            path: part.path.clone(),
            disk_full: is_full(error),
            error: error.to_string(),
        });
        self.close(part, &recording.brief);
    }

    fn close(&mut self, mut part: Part, brief: &Brief) {
        let frame = part.sidecar.frame_bytes as u64;
        let whole = part.written / frame * frame;
        if whole != part.written {
            // If even this fails the next start will cut it; it is published as it is until then.
            let _ = part.file.cut(whole);
        }
        part.sidecar.set_octets(whole);
        part.sidecar.state = State::Closed;
        drop(part.file);
        self.report.say(CastEvent::RecordingClosed {
            event: brief.event.clone(),
            port: brief.port,
            path: part.path.clone(),
            frames: part.sidecar.frames,
            gaps: part.sidecar.gap_frames(),
        });
        // A full disk refuses this; the publisher has the sidecar in memory, a restart finds the file's length.
        let _ = part.sidecar.write(&beside(&part.path));
        // If the publisher's queue is full the next start finds it in the spool.
        let _ = self.finished.try_send(Finished { path: part.path, sidecar: part.sidecar });
    }
}

/// Like `write_all`, but says how much went out before an error.
fn write_counted(file: &mut dyn SpoolFile, mut octets: &[u8]) -> (u64, io::Result<()>) {
    let mut count = 0;
    while !octets.is_empty() {
        match file.write(octets) {
            Ok(0) => return (count, Err(ErrorKind::WriteZero.into())),
            Ok(n) => {
                count += n as u64;
                octets = &octets[n..];
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return (count, Err(e)),
        }
    }
    (count, Ok(()))
}
