//! Recordings: the same octets as the stream, in the store whole, whatever happened in between.

mod common;

use cast::{CastEvent, RecorderSettings};
use common::{FRAME, PATIENCE, assert_frames, get, station, until};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const STEM: &str = "123_20010909T014640Z_gw1";

fn settings(directory: &Path) -> RecorderSettings {
    let mut settings = RecorderSettings::new(directory.join("spool"), directory.join("store"), "gw1");
    settings.min_free_mb = 0;
    settings.hand_over = Duration::from_millis(5);
    settings
}

fn stored(directory: &Path, port: u16) -> PathBuf {
    directory.join(format!("store/events/123/{STEM}_p{port}.mp3"))
}

fn files(directory: &Path) -> usize {
    let hidden = |e: &fs::DirEntry| e.file_name().to_string_lossy().starts_with('.');
    fs::read_dir(directory).unwrap().filter(|e| !hidden(e.as_ref().unwrap())).count()
}

#[test]
fn the_recording_is_the_stream() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("store")).unwrap();
    let station = station(1, Some(settings(directory.path())), |_| {});
    let (mut voice, statistics) = station.start(station.port, "123", true);
    let (mut client, _) = get(station.port, "/123.mp3");
    voice.speak(250);
    let start = client.take(200 * FRAME);
    station.caster.stop(station.port).unwrap();
    let stream = [start, client.rest()].concat();
    assert_frames(&stream);
    let path = stored(directory.path(), station.port);
    let published = station.wait(|e| matches!(e, CastEvent::RecordingPublished { .. }));
    assert_eq!(published, CastEvent::RecordingPublished { event: "123".into(), path: path.clone() });
    assert!(fs::read(&path).unwrap() == stream);
    assert_eq!(statistics.read().recording_gaps, 0);
    let sidecar = fs::read_to_string(path.with_extension("mp3.json")).unwrap();
    let sidecar: serde_json::Value = serde_json::from_str(&sidecar).unwrap();
    let expected = serde_json::json!({
        "event": "123", "server": "gw1", "port": station.port, "format": "mp3", "start_ms": 1_000_000_000_000u64,
        "frame_bytes": 384, "frame_ms": 24, "sample_rate": 24_000, "state": "closed",
        "frames": stream.len() / FRAME, "octets": stream.len(), "gaps": [],
    });
    assert_eq!(sidecar, expected);
    assert_eq!(files(&directory.path().join("spool")), 0);
}

#[test]
fn shutting_down_closes_and_publishes() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("store")).unwrap();
    let station = station(2, Some(settings(directory.path())), |s| s.threads = 2);
    let (mut voice, statistics) = station.start(station.port, "123", true);
    voice.speak(40);
    until("it is encoded", || statistics.read().frames == 40);
    let (mut client, _) = get(station.port, "/123.mp3");
    assert!(station.caster.shutdown(PATIENCE));
    assert_eq!(client.rest().len(), 43 * FRAME);
    assert_eq!(fs::read(stored(directory.path(), station.port)).unwrap().len(), 43 * FRAME);
}

#[test]
fn what_the_store_did_not_take_it_gets_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = station(1, Some(settings(directory.path())), |_| {});
    let port = first.port;
    let (mut voice, _) = first.start(port, "123", true);
    voice.speak(40);
    first.caster.stop(port).unwrap();
    first.wait(|e| matches!(e, CastEvent::PublishDelayed { .. }));
    assert!(first.caster.shutdown(PATIENCE));
    assert_eq!(files(&directory.path().join("spool")), 2);

    fs::create_dir(directory.path().join("store")).unwrap();
    let second = station(1, Some(settings(directory.path())), |_| {});
    second.wait(|e| matches!(e, CastEvent::RecordingPublished { .. }));
    assert_frames(&fs::read(stored(directory.path(), port)).unwrap());
    assert_eq!(files(&directory.path().join("spool")), 0);
}

#[test]
fn while_it_grows_it_can_be_read_to_its_last_moment() {
    let directory = tempfile::tempdir().unwrap();
    let station = station(1, Some(settings(directory.path())), |_| {});
    let (mut voice, statistics) = station.start(station.port, "123", true);
    let path = directory.path().join(format!("spool/{STEM}_p{}.mp3", station.port));
    for frames in [30, 60, 90] {
        voice.speak(30);
        until("it is encoded", || statistics.read().frames == frames);
        until("it is in the file", || fs::metadata(&path).is_ok_and(|m| m.len() == frames * FRAME as u64));
        assert_frames(&fs::read(&path).unwrap());
    }
}

#[test]
fn a_stream_without_room_to_record_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path());
    settings.min_free_mb = u64::MAX / 4;
    let station = station(1, Some(settings), |_| {});
    let (mut voice, _) = station.start(station.port, "123", true);
    let failed = station.wait(|e| matches!(e, CastEvent::RecordingFailed { disk_full: true, .. }));
    assert!(failed.is_trouble());
    let (mut client, _) = get(station.port, "/123.mp3");
    voice.speak(100);
    assert_frames(&client.take(100 * FRAME));
}

#[test]
fn who_does_not_want_a_recording_has_none() {
    let directory = tempfile::tempdir().unwrap();
    let station = station(1, Some(settings(directory.path())), |_| {});
    let (mut voice, statistics) = station.start(station.port, "123", false);
    voice.speak(40);
    until("it is encoded", || statistics.read().frames == 40);
    assert!(station.caster.shutdown(PATIENCE));
    assert_eq!(files(&directory.path().join("spool")), 0);
}
