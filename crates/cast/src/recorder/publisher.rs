//! Bringing finished recordings into the content store.
//!
//! A recording appears under `events/<event>/` of the store whole or not at all, and never in place of
//! another: by a hard link where spool and store are one file system, else by a copy under a hidden name
//! that is linked or renamed when it has reached the disk. Its sidecar follows, so that who sees a sidecar
//! sees its recording. The store may be away for days, or answer slowly: nothing but this thread waits.
//! The store's own directory is not made here, since an absent one usually is a file system not mounted.
//!
//! Data path: spool → here → content store; then the spool's copy is removed.
//! Time: `now` is given; each recording is tried again with a pause that doubles.

use super::sidecar::{Sidecar, beside, hidden};
use crate::events::{CastEvent, Reporter};
use crate::settings::RecorderSettings;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A recording that grows no more.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// The file in the spool.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) sidecar: Sidecar,
}

struct Waiting {
    finished: Finished,
    due: Instant,
    pause: Duration,
}

/// Recordings on their way to the store.
pub(crate) struct Publisher {
    settings: RecorderSettings,
    waiting: Vec<Waiting>,
    report: Reporter,
}

impl Publisher {
    pub(crate) fn new(settings: RecorderSettings, report: Reporter) -> Self {
        Publisher { settings, waiting: Vec::new(), report }
    }

    /// Takes a recording over; the next turn publishes it.
    pub(crate) fn take(&mut self, now: Instant, finished: Finished) {
        self.waiting.push(Waiting { finished, due: now, pause: self.settings.retry_first });
    }

    /// When the next turn is wanted.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.waiting.iter().map(|w| w.due).min()
    }

    /// Makes everything due at once: the store is said to be back, or this is the last turn.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.waiting.iter_mut().for_each(|w| w.due = now);
    }

    /// Tries what is due; answers how many recordings still wait.
    pub(crate) fn turn(&mut self, now: Instant) -> usize {
        let Publisher { settings, waiting, report } = self;
        waiting.retain_mut(|w| {
            if w.due > now {
                return true;
            }
            let (event, path) = (w.finished.sidecar.event.clone(), w.finished.path.clone());
            match publish(&settings.store, &w.finished) {
                Ok(None) => false,
                Ok(Some(path)) => {
                    report.say(CastEvent::RecordingPublished { event, path });
                    false
                }
                Err(error) => {
                    let (error, retry_in) = (error.to_string(), w.pause);
                    report.say(CastEvent::PublishDelayed { event, path, error, retry_in });
                    w.due = now + w.pause;
                    w.pause = (w.pause * 2).min(settings.retry_most);
                    true
                }
            }
        });
        waiting.len()
    }
}

/// Publishes one recording and removes it from the spool; one without a frame is only removed.
fn publish(store: &Path, finished: &Finished) -> io::Result<Option<PathBuf>> {
    let Finished { path, sidecar } = finished;
    if sidecar.frames == 0 {
        remove(path)?;
        return Ok(None);
    }
    if !fs::metadata(store)?.is_dir() {
        return Err(io::Error::new(ErrorKind::NotADirectory, "the content store is not a directory"));
    }
    let directory = store.join("events").join(&sidecar.event);
    fs::create_dir_all(&directory)?;
    File::open(path)?.sync_all()?;
    let published = place(path, &directory)?;
    let described = beside(&published);
    let temporary = hidden(&described);
    write_synced(&temporary, &mut &sidecar.to_json()[..])?;
    // Only ours can be there already, from an attempt that did not get to its end.
    fs::rename(&temporary, &described)?;
    File::open(&directory)?.sync_all()?;
    remove(path)?;
    Ok(Some(published))
}

/// Removes a recording from the spool; the sidecar last, because one without recording tells what happened.
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    match fs::remove_file(beside(path)) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Puts the file into the directory under its own name, or that name with a number.
fn place(path: &Path, directory: &Path) -> io::Result<PathBuf> {
    if let Ok(placed) = claim(path, path, directory) {
        return Ok(placed);
    }
    // Another file system, or one without hard links.
    let name = path.file_name().unwrap_or_default();
    let temporary = hidden(&directory.join(name));
    write_synced(&temporary, &mut File::open(path)?)?;
    let placed = match claim(&temporary, path, directory) {
        Ok(placed) => placed,
        // Without hard links nothing else is both whole and careful; the name is this server's alone.
        Err(_) if !directory.join(name).exists() => {
            fs::rename(&temporary, directory.join(name))?;
            return Ok(directory.join(name));
        }
        Err(e) => return Err(e),
    };
    fs::remove_file(&temporary)?;
    Ok(placed)
}

/// Links `from` into the directory as `named`; if that is there and the same already, it is done.
fn claim(from: &Path, named: &Path, directory: &Path) -> io::Result<PathBuf> {
    let stem = named.file_stem().unwrap_or_default().to_string_lossy();
    let extension = named.extension().unwrap_or_default().to_string_lossy();
    for number in 1..1000 {
        let name = if number == 1 { format!("{stem}.{extension}") } else { format!("{stem}-{number}.{extension}") };
        let to = directory.join(name);
        match fs::hard_link(from, &to) {
            Ok(()) => return Ok(to),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                if is_same(from, &to)? {
                    return Ok(to);
                }
            }
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "a thousand recordings of this name are in the store"))
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (a, b) = (fs::metadata(one)?, fs::metadata(other)?);
    if (a.dev(), a.ino()) == (b.dev(), b.ino()) {
        return Ok(true);
    }
    if a.len() != b.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (File::open(one)?, File::open(other)?);
    let (mut left, mut right) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let count = a.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        b.read_exact(&mut right[..count])?;
        if left[..count] != right[..count] {
            return Ok(false);
        }
    }
}

fn write_synced(path: &Path, from: &mut impl Read) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    let written = io::copy(from, &mut file).and_then(|_| file.flush()).and_then(|()| file.sync_all());
    if written.is_err() {
        // A store without room should not also keep the half of it.
        let _ = fs::remove_file(path);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::recorder::sidecar::State;
    use crossbeam_channel::Receiver;

    struct Bench {
        directory: tempfile::TempDir,
        settings: RecorderSettings,
        publisher: Publisher,
        events: Receiver<CastEvent>,
        now: Instant,
    }

    fn bench() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let settings = RecorderSettings::new(directory.path().join("spool"), directory.path().join("store"), "gw");
        fs::create_dir(&settings.spool).unwrap();
        let (tx, events) = crossbeam_channel::unbounded();
        let publisher = Publisher::new(settings.clone(), Reporter::new(tx));
        Bench { directory, settings, publisher, events, now: Instant::now() }
    }

    impl Bench {
        fn recording(&self, start_ms: u64, octets: &[u8]) -> Finished {
            let mut sidecar = Sidecar::new("77", "gw", 10000, Format::Mp3, start_ms);
            sidecar.set_octets(octets.len() as u64);
            sidecar.state = State::Closed;
            let path = self.settings.spool.join(format!("{}.mp3", sidecar.stem(1)));
            fs::write(&path, octets).unwrap();
            sidecar.write(&beside(&path)).unwrap();
            Finished { path, sidecar }
        }

        fn stored(&self) -> Vec<String> {
            let read = fs::read_dir(self.settings.store.join("events/77"));
            let mut names: Vec<_> =
                read.into_iter().flatten().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }

        fn spooled(&self) -> usize {
            fs::read_dir(&self.settings.spool).unwrap().count()
        }
    }

    #[test]
    fn a_recording_moves_to_the_store_with_its_sidecar() {
        let mut bench = bench();
        fs::create_dir(&bench.settings.store).unwrap();
        let finished = bench.recording(1000, &[1; 768]);
        bench.publisher.take(bench.now, finished.clone());
        assert_eq!(bench.publisher.turn(bench.now), 0);
        assert_eq!(bench.stored(), ["77_19700101T000001Z_gw_p10000.mp3", "77_19700101T000001Z_gw_p10000.mp3.json"]);
        assert_eq!(bench.spooled(), 0);
        let path = bench.settings.store.join("events/77/77_19700101T000001Z_gw_p10000.mp3");
        assert_eq!(fs::read(&path).unwrap(), [1; 768]);
        assert_eq!(Sidecar::read(&beside(&path)).unwrap(), finished.sidecar);
        assert_eq!(bench.events.try_recv().unwrap(), CastEvent::RecordingPublished { event: "77".into(), path });
    }

    #[test]
    fn a_store_that_is_away_is_tried_again_ever_less_often() {
        let mut bench = bench();
        bench.publisher.take(bench.now, bench.recording(1000, &[1; 384]));
        let mut pauses = Vec::new();
        for _ in 0..9 {
            assert_eq!(bench.publisher.turn(bench.publisher.next_due().unwrap()), 1);
            match bench.events.try_recv().unwrap() {
                CastEvent::PublishDelayed { retry_in, .. } => pauses.push(retry_in.as_secs()),
                other => panic!("{other}"),
            }
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(bench.spooled(), 2);
        let due = bench.publisher.next_due().unwrap();
        fs::create_dir(&bench.settings.store).unwrap();
        assert_eq!(bench.publisher.turn(due - Duration::from_millis(1)), 1);
        assert_eq!(bench.publisher.turn(due), 0);
        assert_eq!(bench.stored().len(), 2);
    }

    #[test]
    fn nothing_in_the_store_is_overwritten() {
        let mut bench = bench();
        let there = bench.settings.store.join("events/77");
        fs::create_dir_all(&there).unwrap();
        fs::write(there.join("77_19700101T000001Z_gw_p10000.mp3"), [9; 384]).unwrap();
        bench.publisher.take(bench.now, bench.recording(1000, &[1; 384]));
        assert_eq!(bench.publisher.turn(bench.now), 0);
        assert_eq!(fs::read(there.join("77_19700101T000001Z_gw_p10000.mp3")).unwrap(), [9; 384]);
        assert_eq!(fs::read(there.join("77_19700101T000001Z_gw_p10000-2.mp3")).unwrap(), [1; 384]);
        assert!(there.join("77_19700101T000001Z_gw_p10000-2.mp3.json").exists());
    }

    #[test]
    fn an_attempt_cut_short_is_completed_not_repeated() {
        let mut bench = bench();
        let there = bench.settings.store.join("events/77");
        fs::create_dir_all(&there).unwrap();
        let finished = bench.recording(1000, &[1; 384]);
        // Linked, then killed; and a copy half made under its hidden name from another attempt.
        fs::hard_link(&finished.path, there.join(finished.path.file_name().unwrap())).unwrap();
        fs::write(hidden(&there.join(finished.path.file_name().unwrap())), [1; 100]).unwrap();
        bench.publisher.take(bench.now, finished);
        assert_eq!(bench.publisher.turn(bench.now), 0);
        let visible: Vec<_> = bench.stored().into_iter().filter(|n| !n.starts_with('.')).collect();
        assert_eq!(visible.len(), 2);
        assert_eq!(bench.spooled(), 0);
    }

    #[test]
    fn a_copy_replaces_the_link_where_there_can_be_none() {
        let bench = bench();
        let finished = bench.recording(1000, &[3; 3840]);
        let target = bench.directory.path().join("target");
        fs::create_dir(&target).unwrap();
        let temporary = hidden(&target.join(finished.path.file_name().unwrap()));
        write_synced(&temporary, &mut File::open(&finished.path).unwrap()).unwrap();
        let placed = claim(&temporary, &finished.path, &target).unwrap();
        assert_eq!(fs::read(&placed).unwrap(), [3; 3840]);
        // Again, as after a crash before the spool was emptied: found to be the same.
        assert_eq!(claim(&finished.path, &finished.path, &target).unwrap(), placed);
    }

    #[test]
    fn an_empty_recording_is_not_published() {
        let mut bench = bench();
        bench.publisher.take(bench.now, bench.recording(1000, &[]));
        assert_eq!(bench.publisher.turn(bench.now), 0);
        assert_eq!(bench.spooled(), 0);
        assert!(bench.events.is_empty());
    }
}
