//! Storage in trouble: a full disk, a content store that is away.

use super::support::{
    Listener, SOON, alarm, call_in, caller, cleared, contains, logged, on_air, raised, recordings, records, reserve,
    seconds, speaker, trunkctl,
};
use control::{CallStage, EventState};
use hw_tests::daemon::Daemon;
use hw_tests::peers::require;
use hw_tests::sound::FFMPEG;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A small file system of the test's own.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mount it; without the right to, says so, and the test is to return.
    fn mount(test: &str, at: &Path, megabytes: u32) -> Option<SmallDisk> {
        fs::create_dir_all(at).expect("a directory");
        let options = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        let why = match mounted {
            Ok(output) if output.status.success() => return Some(SmallDisk(at.to_owned())),
            Ok(output) => String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned(),
            Err(error) => error.to_string(),
        };
        let verdict = format!("SKIPPED {test}: needs the right to mount a tmpfs, as root has it ({why})");
        assert!(env::var("CI").as_deref() != Ok("true"), "{verdict}, and under CI=true nothing may be skipped");
        // Written past the test harness, which keeps the output of tests that pass to itself.
        let _ = writeln!(std::io::stderr(), "{verdict}");
        None
    }

    /// Leave not one block free.
    fn fill(&self) {
        let mut filler = OpenOptions::new().create(true).append(true).open(self.filler()).expect("created");
        let mut size = 1 << 20;
        while size > 0 {
            if filler.write_all(&vec![0; size]).is_err() {
                size /= 2;
            }
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).expect("removed");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since after a failure the daemon may still be there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_recording_never_the_call_and_loses_nothing_written() {
    const TEST: &str = "a_full_disk";
    if !require(TEST, &[FFMPEG]) {
        return;
    }
    let mut daemon = Daemon::prepare("", "linger_s = 1", "[recording]\nmin_free_mb = 1\n");
    let Some(disk) = SmallDisk::mount(TEST, &daemon.state(), 24) else { return };
    daemon.run();
    let event = reserve(&daemon, "On the air");
    let other = reserve(&daemon, "Ended while the disk is full");
    // The journal's next entry is to need a block of its own.
    let journal = daemon.state().join("events.jsonl");
    let left = || 4096 - fs::metadata(&journal).expect("there").len() % 4096;
    for turn in 0.. {
        assert!(turn < 200, "no entry ends close to the end of a block");
        if left() < 72 {
            break;
        }
        reserve(&daemon, "One more");
    }
    let ids = call_in(
        &daemon,
        &event.event,
        vec![speaker(&event.event, &event.pins.host), caller(&event.event, &event.pins.speaker)],
    );
    let (url, _) = on_air(&daemon, &event.event);
    let listener = Listener::to(&url);
    listener.wait_for(60_000);

    disk.fill();
    let text = raised(&daemon, "recording on port");
    assert!(text.contains("stopped (no room)") && text.contains("resumes by itself"), "{text}");
    println!("{text}");
    println!("{}", logged(&daemon, &["ERROR", "stopped (no room)", &event.event]));
    let (status, shown, _) = trunkctl(&daemon, &["status"]);
    assert!(status == Some(0) && shown.contains("recording on port"), "{shown}");
    // Stream and calls go on; somebody hangs up, an event is ended: both must be remembered.
    listener.wait_for(40_000);
    daemon.client().exchange_hang_up(ids[1]).expect("hung up");
    let text = daemon.wait_for("the alarm that a record waits", SOON, |c| {
        alarm(c, "call records").map(|a| a.text).filter(|t| t.contains("1 wait in memory, 0 lost"))
    });
    assert!(text.contains("cannot be written") && text.contains("No space left"), "{text}");
    println!("{text}");
    let (status, _, err) = trunkctl(&daemon, &["end", &other.event, "--yes"]);
    assert_eq!(status, Some(0), "{err}");
    let text = raised(&daemon, "journal");
    assert!(text.contains("kept in memory and tried again"), "{text}");
    println!("{text}");
    listener.wait_for(40_000);
    let calls = daemon.client().calls().expect("answered");
    assert_eq!(calls.iter().map(|c| c.state).collect::<Vec<_>>(), [CallStage::InConference]);

    disk.make_room();
    for alarm in ["recording on port", "call records", "journal"] {
        cleared(&daemon, alarm);
    }
    logged(&daemon, &["call records are written again"]);
    logged(&daemon, &["the event journal is written again"]);
    assert!(
        fs::read_to_string(&journal)
            .expect("there")
            .lines()
            .last()
            .is_some_and(|l| { l.contains(&other.event) && l.contains("\"ended\"") })
    );
    listener.wait_for(60_000);
    daemon.client().exchange_hang_up(ids[0]).expect("hung up");
    let store = daemon.state().join("content");
    daemon.wait_for("both parts of the recording", Duration::from_secs(75), |_| {
        (recordings(&store, &event.event).len() == 2).then_some(())
    });
    cleared(&daemon, "publishing recordings");
    assert!(daemon.terminate().success());

    let streamed = listener.heard();
    for part in recordings(&store, &event.event) {
        let octets = fs::read(&part).expect("there");
        assert!(octets.len() > 40_000 && octets.len() % 384 == 0, "{}: {} octets", part.display(), octets.len());
        assert!(contains(&streamed, &octets), "{} is not what was streamed", part.display());
        println!("{}: {:.1} s", part.display(), seconds(&part));
    }
    let records = records(&daemon);
    assert_eq!(records.len(), 2, "{records:?}");
    assert!(records.iter().all(|r| r["cause"] == 16 && r["event"] == event.event.as_str()), "{records:?}");
}

#[test]
fn a_content_store_that_is_away_keeps_nobody_from_calling_and_gets_its_recordings_later() {
    if !require("a_content_store_that_is_away", &[FFMPEG]) {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let (store, aside) = (place.path().join("store"), place.path().join("aside"));
    let mut daemon = Daemon::start(&format!("content_dir = {store:?}"), "linger_s = 1", "");
    let (known, unknown) = (reserve(&daemon, "Live before"), reserve(&daemon, "Called while it is away"));
    let mut ids = call_in(&daemon, &known.event, vec![speaker(&known.event, &known.pins.host)]);
    on_air(&daemon, &known.event);

    fs::rename(&store, &aside).expect("moved");
    fs::write(&store, "no directory").expect("written");
    ids.extend(call_in(&daemon, &unknown.event, vec![speaker(&unknown.event, &unknown.pins.speaker)]));
    let said = logged(&daemon, &["WARN", "its record cannot be had", "the configured formats are used"]);
    println!("{said}");
    for event in [&known.event, &unknown.event] {
        let (url, _) = on_air(&daemon, event);
        assert!(url.ends_with(".mp3"), "{url}");
        let listener = Listener::to(&url);
        listener.wait_for(50_000);
        let heard = listener.heard();
        assert!(heard.starts_with(b"HTTP/1.") && contains(&heard, b"audio/mpeg"), "{event} is heard as MP3");
    }
    let refused = daemon.client().reserve(control::Reserve { title: "No".into(), ..control::Reserve::default() });
    let refused = refused.expect_err("nowhere to put it").to_string();
    assert!(refused.contains("the event cannot be reserved"), "{refused}");
    println!("{refused}");

    for id in ids {
        daemon.client().exchange_hang_up(id).expect("hung up");
    }
    let text = raised(&daemon, "publishing recordings");
    assert!(text.contains("not published") && text.contains("next attempt in"), "{text}");
    println!("{text}");
    daemon.wait_for("the end of both streams", Duration::from_secs(20), |c| {
        c.events().ok()?.iter().all(|e| e.streams.is_empty()).then_some(())
    });
    // Gone altogether, at the next attempt.
    fs::remove_file(&store).expect("removed");
    logged(&daemon, &["not published", "No such file"]);

    fs::rename(&aside, &store).expect("moved back");
    cleared(&daemon, "publishing recordings");
    for event in [&known.event, &unknown.event] {
        let found = daemon.wait_for("the recording", Duration::from_secs(75), |_| recordings(&store, event).pop());
        assert!(seconds(&found) >= 2.0, "{}: {} s", found.display(), seconds(&found));
    }
    assert!(daemon.terminate().success());
    assert!(
        super::support::files_under(&daemon.state().join("spool")).iter().all(|f| f.ends_with(".lock")),
        "nothing is left in the spool"
    );

    // It is away when the daemon starts, too.
    fs::rename(&store, &aside).expect("moved");
    fs::write(&store, "no directory").expect("written");
    daemon.run();
    let text = raised(&daemon, "content store");
    assert!(text.contains(store.to_str().expect("text")), "{text}");
    println!("{text}");
    call_in(&daemon, &known.event, vec![caller(&known.event, &known.pins.host)]);
    fs::remove_file(&store).expect("removed");
    fs::rename(&aside, &store).expect("moved back");
    call_in(&daemon, &unknown.event, vec![caller(&unknown.event, &unknown.pins.host)]);
    let back = daemon.wait_for("the store's return", Duration::from_secs(10), |c| {
        let events = c.events().ok()?;
        (alarm(c, "content store").is_none()).then_some(events)
    });
    assert!(back.iter().all(|e| e.state == EventState::Live), "{back:?}");
}
