//! Mirrors that go and come back, copies that go bad, and a gateway's directory that is brought along.

mod common;

use common::{Shelf, event, until};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use store::{Store, StoreConfig, StoreError};

const INFO: &str = "event-info.xml";

#[tokio::test]
async fn what_is_written_is_read_back_and_is_in_the_gateways_layout() {
    let shelf = Shelf::new(1);
    let store = shelf.open(1);
    for text in ["first", "second", ""] {
        store.put(event(1), INFO, text).await.expect("written");
        assert_eq!(store.get(event(1), INFO).await.expect("read"), text);
        assert_eq!(fs::read_to_string(shelf.file("a", event(1), INFO)).expect("a plain file"), text);
    }
    assert_eq!(store.events().await.expect("listed"), [event(1)]);
    let directory = shelf.file("a", event(1), "");
    assert_eq!(fs::metadata(directory).expect("there").permissions().mode() & 0o007, 0, "PINs are for nobody else");
    assert!(matches!(store.get(event(1), "none.mp3").await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.get(event(2), INFO).await, Err(StoreError::NotFound { .. })));
    for name in ["../x", ".hidden", "a/b", ""] {
        assert!(matches!(store.put(event(1), name, "x").await, Err(StoreError::Name { .. })), "{name}");
        assert!(matches!(store.get(event(1), name).await, Err(StoreError::Name { .. })), "{name}");
    }
}

#[tokio::test]
async fn a_mirror_that_was_away_is_brought_level_also_by_another_program() {
    let shelf = Shelf::new(3);
    let store = shelf.open(1);
    store.put(event(1), INFO, "old").await.expect("written");
    shelf.take_away("b");
    store.put(event(1), INFO, "new").await.expect("two are enough for one");
    let recording = shelf.path("recording.mp3");
    fs::write(&recording, vec![7; 20_000_000]).expect("written");
    store.put_file(event(1), "a.mp3", &recording).await.expect("written");
    until("it is noted who lacks it", async || store.behind() == [event(1)]).await;
    drop(store);
    shelf.bring_back("b");
    let store = shelf.open(1);
    assert_eq!(store.behind(), [event(1)], "the note outlived the program");
    let repaired = store.repair(event(1)).await.expect("repaired");
    assert_eq!((repaired.copied, repaired.failures.len(), store.behind().len()), (2, 0, 0));
    assert_eq!(shelf.contents("b"), shelf.contents("a"));
    assert_eq!(shelf.contents("c"), shelf.contents("a"));
    assert_eq!(store.repair(event(1)).await.expect("repaired").copied, 0, "level is level");
    let fetched = shelf.path("fetched.mp3");
    store.fetch(event(1), "a.mp3", &fetched).await.expect("fetched");
    assert_eq!(fs::read(fetched).expect("read"), fs::read(recording).expect("read"));
    assert!(matches!(store.get(event(1), "a.mp3").await, Err(StoreError::TooLong { .. })));
}

#[tokio::test]
async fn while_a_stale_mirror_is_not_level_the_others_are_read() {
    let shelf = Shelf::new(2);
    let store = shelf.open(1);
    store.put(event(1), INFO, "old").await.expect("written");
    shelf.take_away("a");
    store.put(event(1), INFO, "new").await.expect("written");
    until("noted", async || store.behind() == [event(1)]).await;
    shelf.bring_back("a");
    assert_eq!(store.get(event(1), INFO).await.expect("read"), "new");
}

#[tokio::test]
async fn fewer_than_enough_is_said_with_who_and_why() {
    let shelf = Shelf::new(2);
    let store = shelf.open(2);
    shelf.take_away("b");
    let error = store.put(event(1), INFO, "text").await.expect_err("two are needed").to_string();
    assert!(error.starts_with("1 of 2 mirrors that are needed have it: the mirror b is away: "), "{error}");
    shelf.take_away("a");
    let error = store.get(event(1), INFO).await.expect_err("all are away");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_copy_gone_bad_is_passed_over_and_mended() {
    let shelf = Shelf::new(2);
    let store = shelf.open(2);
    store.put(event(1), INFO, "what it says").await.expect("written");
    // A bit turns over on the medium: the time of the file stays.
    flip(&shelf.file("a", event(1), INFO), 3);
    assert_eq!(store.get(event(1), INFO).await.expect("read"), "what it says");
    until("mended", async || shelf.contents("a") == shelf.contents("b")).await;
    // Of a copy nobody reads it is found out by a check.
    flip(&shelf.file("b", event(1), INFO), 0);
    assert_eq!(store.repair_all(false).await.expect("repaired").copied, 0, "lengths alone do not tell");
    assert_eq!(store.repair_all(true).await.expect("checked").copied, 1);
    assert_eq!(shelf.contents("a"), shelf.contents("b"));
    // With both gone bad it is said so, and neither is taken for good.
    flip(&shelf.file("a", event(1), INFO), 1);
    flip(&shelf.file("b", event(1), INFO), 2);
    assert!(matches!(store.get(event(1), INFO).await, Err(StoreError::Unavailable { .. })));
    assert_eq!(store.check(event(1)).await.expect("checked").lost, [INFO]);
}

/// Changes one bit and leaves the times as they were.
fn flip(path: &std::path::Path, place: usize) {
    let times = fs::metadata(path).expect("there").modified().expect("a time");
    let mut octets = fs::read(path).expect("read");
    octets[place] ^= 1;
    fs::write(path, octets).expect("written");
    fs::File::options().write(true).open(path).expect("opened").set_modified(times).expect("set");
}

#[tokio::test]
async fn a_removed_event_stays_removed_also_on_a_mirror_that_was_away() {
    let shelf = Shelf::new(2);
    let store = shelf.open(1);
    for serial in [1, 2] {
        store.put(event(serial), INFO, "text").await.expect("written");
        until("on both", async || shelf.file("b", event(serial), ".sums/event-info.xml.json").exists()).await;
    }
    shelf.take_away("b");
    store.remove(event(1)).await.expect("removed");
    assert!(matches!(store.get(event(1), INFO).await, Err(StoreError::Removed { .. })));
    assert!(matches!(store.put(event(1), INFO, "again").await, Err(StoreError::Removed { .. })));
    drop(store);
    shelf.bring_back("b");
    // Half a copy, from one who was killed, goes with the event; and so it does in one that stays, a day later.
    let (half, old) = (shelf.file("b", event(1), "x.mp3#1"), shelf.file("b", event(2), "x.mp3#1"));
    for path in [&half, &old] {
        fs::write(path, "half").expect("written");
    }
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
    fs::File::options().write(true).open(&old).expect("opened").set_modified(yesterday).expect("set");
    // Another server, with a ledger of its own, does not bring it back from there.
    let other = Store::open(&shelf.config(1), &shelf.path("other-ledger")).expect("opened");
    assert_eq!(other.events().await.expect("listed"), [event(2)]);
    other.repair_all(false).await.expect("repaired");
    for mirror in ["a", "b"] {
        assert!(!shelf.file(mirror, event(1), "").exists(), "{mirror}");
        assert!(shelf.file(mirror, event(2), INFO).exists(), "{mirror}");
    }
    assert_eq!(shelf.contents("a"), shelf.contents("b"));
    assert!(!half.exists() && !old.exists());
}

#[tokio::test]
async fn a_gateways_directory_is_brought_to_the_mirrors() {
    let shelf = Shelf::new(2);
    let content = shelf.path("content");
    let info = content.join(format!("events/{}", event(1)));
    fs::create_dir_all(&info).expect("made");
    fs::write(info.join(INFO), "reserved").expect("written");
    fs::write(info.join("x.mp3"), vec![1; 1000]).expect("written");
    fs::write(info.join(".y.mp3.part"), vec![2; 10]).expect("written");
    let store = shelf.open(2);
    assert_eq!(store.sync_event(&content, event(1)).await.expect("brought"), 2);
    assert_eq!(store.sync_event(&content, event(1)).await.expect("brought"), 0);
    assert!(!shelf.file("a", event(1), ".y.mp3.part").exists(), "what grows is left alone");
    fs::write(info.join(INFO), "cancelled").expect("written");
    assert_eq!(store.sync_event(&content, event(1)).await.expect("brought"), 1);
    assert_eq!(store.get(event(1), INFO).await.expect("read"), "cancelled");
    // What was changed in the store since is newer, and stays.
    store.put(event(1), INFO, "changed by the host").await.expect("written");
    assert_eq!(store.sync_event(&content, event(1)).await.expect("brought"), 0);
    assert_eq!(store.get(event(1), INFO).await.expect("read"), "changed by the host");
}

#[tokio::test]
async fn a_gateway_may_write_to_a_mirror_directly() {
    let shelf = Shelf::new(2);
    let store = shelf.open(1);
    store.put(event(1), INFO, "reserved").await.expect("written");
    until("on both", async || shelf.contents("a") == shelf.contents("b")).await;
    let beside = shelf.path("beside");
    fs::write(&beside, "live").expect("written");
    fs::rename(&beside, shelf.file("a", event(1), INFO)).expect("replaced, as a gateway does");
    fs::write(shelf.file("a", event(1), "x.mp3"), [1; 384]).expect("written");
    assert_eq!(store.get(event(1), INFO).await.expect("read"), "live");
    assert_eq!(store.sync_event(&shelf.path("a"), event(1)).await.expect("brought"), 2);
    assert_eq!(store.get(event(1), INFO).await.expect("read"), "live");
    assert_eq!(shelf.contents("a"), shelf.contents("b"));
    let alone = Store::open(&StoreConfig::directory(&shelf.path("a")), &shelf.path("l2")).expect("opened");
    assert_eq!(alone.get(event(1), "x.mp3").await.expect("read").len(), 384);
}

#[tokio::test]
async fn a_full_mirror_is_behind_until_there_is_room() {
    let shelf = Shelf::new(2);
    let full = shelf.path("b");
    let mounted =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&full).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "under CI=true nothing may be skipped");
        eprintln!("SKIPPED: needs the right to mount a tmpfs, as root has it");
        return;
    }
    let store = shelf.open(1);
    store.put(event(1), INFO, "text").await.expect("written");
    store.put(event(1), "a.mp3", vec![1; 3_000_000]).await.expect("one has room");
    until("noted", async || store.behind() == [event(1)]).await;
    let repaired = store.repair(event(1)).await.expect("tried");
    assert_eq!((repaired.copied, store.behind().len()), (0, 1));
    assert!(repaired.failures[0].to_string().contains("No space left"), "{}", repaired.failures[0]);
    assert!(!shelf.file("b", event(1), "a.mp3").exists(), "nothing half there");
    let more = std::process::Command::new("mount").args(["-o", "remount,size=8m"]).arg(&full).status();
    assert!(more.expect("mount runs").success());
    assert_eq!(store.repair(event(1)).await.expect("repaired").copied, 1);
    assert_eq!(shelf.contents("a"), shelf.contents("b"));
    assert!(std::process::Command::new("umount").arg(&full).status().expect("umount runs").success());
}
