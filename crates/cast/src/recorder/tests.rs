//! The recorder on a disk that fills up, fails, tears and comes back; and killed at any moment.

use super::disk::SpoolFile;
use super::sidecar::{Gap, Sidecar, State, beside};
use super::*;
use crate::mp3::FRAME_BYTES;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, MutexGuard};

/// A disk with so much room; files are real, so that what reads them afterwards is what runs in earnest.
#[derive(Clone, Default)]
struct TestDisk(Arc<Mutex<Faults>>);

#[derive(Default)]
struct Faults {
    free_mb: u64,
    /// Octets that may still be written; `None` for as many as wanted.
    room: Option<u64>,
    broken: bool,
    synced: HashMap<PathBuf, u32>,
}

struct TestFile(File, TestDisk);

impl TestDisk {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.0.lock().unwrap()
    }
}

impl Disk for TestDisk {
    fn free_mb(&self, _: &Path) -> io::Result<u64> {
        Ok(self.faults().free_mb)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn SpoolFile>> {
        Ok(Box::new(TestFile(File::options().append(true).create_new(true).open(path)?, self.clone())))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        *self.faults().synced.entry(path.to_owned()).or_default() += 1;
        Ok(())
    }
}

impl Write for TestFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut faults = self.1.faults();
        if faults.broken {
            return Err(io::Error::from_raw_os_error(nix::errno::Errno::EIO as i32));
        }
        let count = faults.room.map_or(octets.len(), |room| octets.len().min(room as usize));
        if count == 0 {
            return Err(io::Error::from_raw_os_error(nix::errno::Errno::ENOSPC as i32));
        }
        faults.room = faults.room.map(|room| room - count as u64);
        self.0.write(&octets[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpoolFile for TestFile {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

struct Bench {
    _directory: tempfile::TempDir,
    settings: RecorderSettings,
    disk: TestDisk,
    writer: Writer,
    finished: Receiver<Finished>,
    syncs: Receiver<PathBuf>,
    events: Receiver<CastEvent>,
    report: Reporter,
    now: Instant,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let settings = RecorderSettings::new(directory.path().join("spool"), directory.path().join("store"), "gw");
    fs::create_dir(&settings.spool).unwrap();
    fs::create_dir(&settings.store).unwrap();
    let (tx, events) = crossbeam_channel::unbounded();
    let report = Reporter::new(tx);
    let (finished_tx, finished) = bounded(16);
    let (sync_tx, syncs) = bounded(16);
    let disk = TestDisk::default();
    disk.faults().free_mb = 1000;
    let writer = Writer::new(settings.clone(), Arc::new(disk.clone()), finished_tx, sync_tx, report.clone());
    Bench { _directory: directory, settings, disk, writer, finished, syncs, events, report, now: Instant::now() }
}

/// A frame that begins like one and is unlike its neighbours.
fn frame(n: u64) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xF3];
    frame.extend_from_slice(&n.to_be_bytes());
    frame.resize(FRAME_BYTES, n as u8);
    frame
}

fn frames(range: std::ops::Range<u64>) -> Vec<u8> {
    range.flat_map(frame).collect()
}

impl Bench {
    fn open(&mut self, queue: usize) -> Sink {
        let (tx, pieces) = bounded(queue);
        let (event, statistics) = ("77".to_owned(), Arc::default());
        self.writer.open(self.now, Brief { event, port: 10000, format: Format::Mp3, start_ms: 1_000_000, pieces });
        Sink { queue: tx, frame: FRAME_BYTES, missed: 0, statistics }
    }

    fn pass(&mut self, duration: Duration) {
        self.now += duration;
        self.writer.turn(self.now);
    }

    fn spooled(&self) -> Vec<PathBuf> {
        let read = fs::read_dir(&self.settings.spool).unwrap();
        let mut paths: Vec<_> =
            read.map(|e| e.unwrap().path()).filter(|p| p.extension() == Some("mp3".as_ref())).collect();
        paths.sort();
        paths
    }

    fn events(&self) -> Vec<CastEvent> {
        self.events.try_iter().collect()
    }
}

const TURN: Duration = Duration::from_millis(100);

#[test]
fn what_is_pushed_is_in_the_file_after_each_turn() {
    let mut bench = bench();
    let mut sink = bench.open(2500);
    let path = bench.spooled()[0].clone();
    assert_eq!(path.file_name().unwrap(), "77_19700101T001640Z_gw_p10000.mp3");
    assert_eq!(Sidecar::read(&beside(&path)).unwrap().state, State::Recording);
    for n in 0..100 {
        sink.push(&frame(n));
        if n % 4 == 3 {
            bench.pass(TURN);
            assert_eq!(fs::read(&path).unwrap(), frames(0..n + 1));
        }
    }
    drop(sink);
    bench.pass(TURN);
    assert!(bench.writer.is_idle());
    let finished = bench.finished.try_recv().unwrap();
    assert_eq!((finished.sidecar.frames, finished.sidecar.octets), (100, 38_400));
    assert_eq!(Sidecar::read(&beside(&path)).unwrap(), Sidecar { state: State::Closed, ..finished.sidecar });
}

#[test]
fn files_are_synced_every_few_seconds() {
    let mut bench = bench();
    let mut sink = bench.open(2500);
    let path = bench.spooled()[0].clone();
    for n in 0..200 {
        sink.push(&frame(n));
        bench.pass(TURN);
    }
    let asked = bench.syncs.try_iter().filter(|p| *p == path).count();
    assert!((3..=4).contains(&asked), "{asked}");
}

#[test]
fn a_full_disk_stops_the_part_at_a_whole_frame_and_a_new_one_follows() {
    let mut bench = bench();
    let mut sink = bench.open(2500);
    bench.disk.faults().room = Some(10 * FRAME_BYTES as u64 + 100);
    for n in 0..20 {
        sink.push(&frame(n));
    }
    bench.pass(TURN);
    let first = bench.finished.try_recv().unwrap();
    assert_eq!(fs::read(&first.path).unwrap(), frames(0..10));
    assert_eq!((first.sidecar.state, first.sidecar.frames), (State::Closed, 10));
    let events = bench.events();
    assert!(matches!(events[1], CastEvent::RecordingFailed { disk_full: true, .. }), "{events:?}");

    // Still full: nothing piles up, nothing is said again, no file is left behind.
    bench.disk.faults().free_mb = 0;
    for n in 20..2000 {
        sink.push(&frame(n));
        bench.pass(TURN);
        assert!(sink.queue.len() <= 1);
    }
    assert_eq!(bench.events(), []);
    assert_eq!(bench.spooled().len(), 1);

    // Room again, within the time asked for.
    (bench.disk.faults().free_mb, bench.disk.faults().room) = (1000, None);
    bench.pass(bench.settings.resume_every);
    sink.push(&frames(2000..2010));
    drop(sink);
    bench.pass(TURN);
    let second = bench.finished.try_recv().unwrap();
    assert_eq!(fs::read(&second.path).unwrap(), frames(2000..2010));
    assert_eq!(second.sidecar.start_ms, 1_000_000 + 2000 * 24);
    assert!(matches!(bench.events()[0], CastEvent::RecordingOpened { .. }));
}

#[test]
fn a_disk_below_the_reserve_is_not_begun_on_and_is_left_when_reached() {
    let mut bench = bench();
    bench.disk.faults().free_mb = 99;
    let mut sink = bench.open(2500);
    assert!(matches!(bench.events()[..], [CastEvent::RecordingFailed { disk_full: true, .. }]));
    assert!(bench.spooled().is_empty());
    sink.push(&frame(0));
    // What just suffices to begin does not suffice to resume.
    bench.disk.faults().free_mb = 105;
    bench.pass(bench.settings.resume_every);
    assert!(bench.spooled().is_empty());
    bench.disk.faults().free_mb = 110;
    bench.pass(bench.settings.resume_every);
    sink.push(&frame(1));
    bench.pass(TURN);
    bench.disk.faults().free_mb = 50;
    bench.pass(bench.settings.sync);
    let part = bench.finished.try_recv().unwrap();
    assert_eq!(fs::read(&part.path).unwrap(), frame(1));
    assert_eq!(part.sidecar.start_ms, 1_000_000 + 24);
    assert!(bench.events().iter().any(|e| matches!(e, CastEvent::RecordingFailed { disk_full: true, .. })));
}

#[test]
fn an_error_of_the_disk_is_no_want_of_room() {
    let mut bench = bench();
    let mut sink = bench.open(2500);
    sink.push(&frame(0));
    bench.pass(TURN);
    bench.disk.faults().broken = true;
    sink.push(&frame(1));
    bench.pass(TURN);
    assert_eq!(bench.finished.try_recv().unwrap().sidecar.frames, 1);
    assert!(bench.events().iter().any(|e| matches!(e, CastEvent::RecordingFailed { disk_full: false, .. })));
}

#[test]
fn what_did_not_reach_the_disk_stops_the_part() {
    let mut bench = bench();
    let mut sink = bench.open(2500);
    sink.push(&frame(0));
    bench.pass(TURN);
    let path = bench.spooled()[0].clone();
    bench.writer.sync_failed(bench.now, &path, &io::Error::other("unplugged"));
    assert_eq!(bench.finished.try_recv().unwrap().path, path);
}

#[test]
fn a_disk_that_cannot_follow_leaves_a_gap_that_is_told() {
    let mut bench = bench();
    let mut sink = bench.open(10);
    for n in 0..25 {
        sink.push(&frame(n));
    }
    bench.pass(TURN);
    for n in 25..30 {
        sink.push(&frame(n));
    }
    bench.pass(TURN);
    assert_eq!(sink.statistics.read().recording_gaps, 15);
    drop(sink);
    bench.pass(TURN);
    let part = bench.finished.try_recv().unwrap();
    assert_eq!(part.sidecar.gaps, [Gap { at_frame: 10, frames: 15 }]);
    assert_eq!(fs::read(&part.path).unwrap(), [frames(0..10), frames(25..30)].concat());
    assert!(bench.events().contains(&CastEvent::RecordingGap { event: "77".into(), port: 10000, frames: 15 }));
}

#[test]
fn two_recordings_of_one_second_have_two_files() {
    let mut bench = bench();
    let sinks = [bench.open(10), bench.open(10)];
    assert_eq!(bench.spooled().len(), 2);
    drop(sinks);
}

#[test]
fn killed_at_any_octet_the_whole_frames_are_recovered_and_published() {
    for torn in [0, 1, 100, FRAME_BYTES - 1] {
        let mut bench = bench();
        let mut sink = bench.open(2500);
        sink.push(&frames(0..30));
        bench.pass(TURN);
        let path = bench.spooled()[0].clone();
        // As if killed: nobody closes anything, and the last write is only there in part.
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(&frame(30)[..torn]).unwrap();
        fs::write(bench.settings.spool.join(".x.json.part"), "half").unwrap();

        let found = recovery::recover(&bench.settings.spool, &bench.report).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].sidecar.state, found[0].sidecar.frames), (State::Recovered, 30));
        assert_eq!(fs::read(&path).unwrap(), frames(0..30));
        let said = bench.events().into_iter().last().unwrap();
        let expected = CastEvent::RecordingRecovered { event: "77".into(), path, frames: 30, cut: torn as u64 };
        assert_eq!(said, expected);

        let mut publisher = Publisher::new(bench.settings.clone(), bench.report.clone());
        found.into_iter().for_each(|f| publisher.take(bench.now, f));
        assert_eq!(publisher.turn(bench.now), 0);
        let stored = bench.settings.store.join("events/77/77_19700101T001640Z_gw_p10000.mp3");
        assert_eq!(fs::read(&stored).unwrap(), frames(0..30));
        assert_eq!(Sidecar::read(&beside(&stored)).unwrap().state, State::Recovered);
        let left = fs::read_dir(&bench.settings.spool).unwrap().count();
        assert_eq!(left, 0);
        assert!(recovery::recover(&bench.settings.spool, &bench.report).unwrap().is_empty());
    }
}

#[test]
fn frames_never_written_before_a_power_failure_are_cut() {
    let mut bench = bench();
    let mut sink = bench.open(2500);
    sink.push(&frames(0..5));
    bench.pass(TURN);
    let path = bench.spooled()[0].clone();
    File::options().append(true).open(&path).unwrap().write_all(&[0; 3 * FRAME_BYTES + 7]).unwrap();
    let found = recovery::recover(&bench.settings.spool, &bench.report).unwrap();
    assert_eq!(found[0].sidecar.frames, 5);
    assert_eq!(fs::read(&path).unwrap(), frames(0..5));
}

#[test]
fn a_recording_without_a_readable_sidecar_is_known_by_its_name() {
    let mut bench = bench();
    let mut sink = bench.open(2500);
    sink.push(&frames(0..5));
    bench.pass(TURN);
    let path = bench.spooled()[0].clone();
    fs::write(beside(&path), "").unwrap();
    fs::write(bench.settings.spool.join("holiday.mp3"), "not ours").unwrap();
    let found = recovery::recover(&bench.settings.spool, &bench.report).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].sidecar.event.as_str(), found[0].sidecar.frames), ("77", 5));
    assert!(bench.events().iter().any(|e| matches!(e, CastEvent::SpoolUnreadable { .. })));
    assert!(bench.settings.spool.join("holiday.mp3").exists());
}

#[test]
fn threads_record_and_publish_and_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = RecorderSettings::new(directory.path().join("spool"), directory.path().join("store"), "gw");
    settings.min_free_mb = 0;
    settings.hand_over = Duration::from_millis(5);
    fs::create_dir(&settings.store).unwrap();
    let (tx, events) = crossbeam_channel::unbounded();
    let recorder = Recorder::launch(settings.clone(), Reporter::new(tx.clone())).unwrap();
    let second = Recorder::launch(settings.clone(), Reporter::new(tx));
    assert!(matches!(second, Err(Error::Spool { .. })));
    let statistics = Arc::default();
    let mut sink = recorder.open("77", 10000, Format::Mp3, 1_000_000, &statistics).unwrap();
    for n in 0..50 {
        sink.push(&frame(n));
    }
    drop(sink);
    assert!(recorder.finish(Duration::from_secs(20)));
    let path = settings.store.join("events/77/77_19700101T001640Z_gw_p10000.mp3");
    assert_eq!(fs::read(&path).unwrap(), frames(0..50));
    assert!(events.try_iter().any(|e| e == CastEvent::RecordingPublished { event: "77".into(), path: path.clone() }));
    assert_eq!(statistics.read().recording_gaps, 0);
}
