//! The recorder: what is streamed, in files, whatever happens to the daemon, the disk or the store.
//!
//! Three threads, because three things may take their time without holding up the others: [`writer`] hands
//! sound to the kernel, a syncer makes it reach the disk, [`publisher`] brings finished recordings to the
//! content store. Casting threads only put frames into a queue, and count what does not fit.
//!
//! Data path: encoded frames → [`Sink`] → writer → spool → publisher → content store.
//! Time: see [`RecorderSettings`].

mod disk;
mod publisher;
mod recovery;
pub(crate) mod sidecar;
#[cfg(test)]
mod tests;
mod writer;

use crate::error::Error;
use crate::events::{CastEvent, Reporter};
use crate::format::Format;
use crate::settings::RecorderSettings;
use crate::statistics::Statistics;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use disk::{Disk, LocalDisk};
use nix::fcntl::{Flock, FlockArg};
use publisher::{Finished, Publisher};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};
use writer::{Brief, Piece, Writer};

/// Recordings that may wait for the publisher; more stay in the spool until the next start.
const FINISHED_MOST: usize = 4096;
/// Orders that may wait for the writer.
const ORDERS_MOST: usize = 256;

/// The recorder's handle.
pub(crate) struct Recorder {
    orders: Sender<Brief>,
    done: Receiver<()>,
    settings: RecorderSettings,
    report: Reporter,
}

impl Recorder {
    /// Looks the spool over and starts the threads. They end by themselves when the handle and all sinks are gone.
    pub(crate) fn launch(settings: RecorderSettings, report: Reporter) -> Result<Self, Error> {
        let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
        let unusable = |source| Error::Spool { path: settings.spool.clone(), source };
        fs::create_dir_all(&settings.spool).map_err(unusable)?;
        let lock = lock(&settings.spool).map_err(unusable)?;
        let found = recovery::recover(&settings.spool, &report).map_err(unusable)?;

        let (orders, order_queue) = bounded(ORDERS_MOST);
        let (finished, finished_queue) = bounded(FINISHED_MOST);
        let (syncs, sync_queue) = bounded(ORDERS_MOST);
        let (failures, failure_queue) = bounded(ORDERS_MOST);
        let (alive, done) = bounded::<()>(0);
        let writer = Writer::new(settings.clone(), Arc::clone(&disk), finished, syncs, report.clone());
        let mut publisher = Publisher::new(settings.clone(), report.clone());
        let now = Instant::now();
        found.into_iter().for_each(|finished| publisher.take(now, finished));

        let hand_over = settings.hand_over;
        spawn("record", move || write_loop(writer, &order_queue, &failure_queue, hand_over))?;
        spawn("record-sync", move || sync_loop(disk.as_ref(), &sync_queue, &failures))?;
        spawn("record-publish", move || {
            publish_loop(publisher, &finished_queue);
            // In this order: who hears that all is done may want the spool.
            drop(lock);
            drop(alive);
        })?;
        Ok(Recorder { orders, done, settings, report })
    }

    /// Begins a recording; what is put into the sink is recorded until the sink is dropped. None of a format
    /// that is not recorded, and none if there are too many orders already.
    pub(crate) fn open(
        &self,
        event: &str,
        port: u16,
        format: Format,
        start_ms: u64,
        statistics: &Arc<Statistics>,
    ) -> Option<Sink> {
        let frame = format.frame_bytes()?;
        let frames = self.settings.buffer.as_millis() as usize / format.frame_ms() as usize;
        let (queue, pieces) = bounded(frames.max(1));
        let brief = Brief { event: event.to_owned(), port, format, start_ms, pieces };
        if self.orders.try_send(brief).is_err() {
            self.report.say(CastEvent::RecordingFailed {
                event: event.to_owned(),
                port,
                path: self.settings.spool.clone(),
                disk_full: false,
                error: "the recorder takes no more orders".to_owned(),
            });
            return None;
        }
        Some(Sink { queue, frame, missed: 0, statistics: Arc::clone(statistics) })
    }

    /// Waits until all that was recorded is closed and published, as far as the store takes it at once.
    pub(crate) fn finish(self, within: Duration) -> bool {
        let Recorder { orders, done, .. } = self;
        drop(orders);
        matches!(done.recv_timeout(within), Err(RecvTimeoutError::Disconnected))
    }
}

/// Where a casting thread puts the frames of one recording.
#[derive(Debug)]
pub(crate) struct Sink {
    queue: Sender<Piece>,
    frame: usize,
    missed: u64,
    statistics: Arc<Statistics>,
}

impl Sink {
    /// Whole frames; never waits. What does not fit is left out and told when there is room again.
    pub(crate) fn push(&mut self, frames: &[u8]) {
        if self.missed > 0 && self.queue.try_send(Piece::Gap(self.missed)).is_ok() {
            self.missed = 0;
        }
        if self.missed > 0 || self.queue.try_send(Piece::Frames(frames.into())).is_err() {
            let count = (frames.len() / self.frame) as u64;
            self.missed += count;
            self.statistics.recording_gaps.fetch_add(count, Relaxed);
        }
    }
}

/// Two recorders on one spool would cut each other's files; the second is refused.
fn lock(spool: &Path) -> io::Result<Flock<File>> {
    let file = File::options().create(true).append(true).open(spool.join(".lock"))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.into())
}

fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let built = thread::Builder::new().name(name.to_owned()).spawn(body);
    built.map(drop).map_err(|source| Error::Thread { what: "recorder's threads", source })
}

/// A file and why it did not reach the disk.
type SyncFailure = (PathBuf, io::Error);

fn write_loop(mut writer: Writer, orders: &Receiver<Brief>, failures: &Receiver<SyncFailure>, hand_over: Duration) {
    let mut turn_at = Instant::now() + hand_over;
    loop {
        // Without recordings there is nothing to do until one is begun.
        let order = if writer.is_idle() {
            orders.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            orders.recv_deadline(turn_at)
        };
        let now = Instant::now();
        match order {
            Ok(brief) => writer.open(now, brief),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if writer.is_idle() => return,
            Err(RecvTimeoutError::Disconnected) => thread::sleep(turn_at.saturating_duration_since(now)),
        }
        if Instant::now() >= turn_at {
            failures.try_iter().for_each(|(path, error)| writer.sync_failed(now, &path, &error));
            writer.turn(Instant::now());
            turn_at = Instant::now() + hand_over;
        }
    }
}

fn sync_loop(disk: &dyn Disk, paths: &Receiver<PathBuf>, failures: &Sender<SyncFailure>) {
    for path in paths {
        match disk.sync(&path) {
            // Published in the meantime: the publisher has synced it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(error) => drop(failures.try_send((path, error))),
            Ok(()) => {}
        }
    }
}

fn publish_loop(mut publisher: Publisher, finished: &Receiver<Finished>) {
    loop {
        let next = match publisher.next_due() {
            Some(due) => finished.recv_deadline(due),
            None => finished.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let now = Instant::now();
        match next {
            Ok(done) => publisher.take(now, done),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                publisher.hurry(now);
                publisher.turn(now);
                return;
            }
        }
        publisher.turn(now);
    }
}
