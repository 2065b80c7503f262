//! A program that is killed while it writes, again and again: what it said was done is there.

mod common;

use common::{Shelf, event};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;
use store::Store;

const PLACE: &str = "TRUNKCAST_TEST_STORE";

/// What is killed: writes and says so, until it is.
#[tokio::test]
async fn the_program_that_is_killed() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let place = std::path::PathBuf::from(place);
    let mirror = |name: &str| store::MirrorConfig {
        name: name.to_owned(),
        at: place.join(name).display().to_string(),
        ..store::MirrorConfig::default()
    };
    let config = store::StoreConfig { mirrors: vec![mirror("a"), mirror("b")], enough: 1 };
    let store = Store::open(&config, &place.join("ledger")).expect("opened");
    for n in 0..u32::MAX {
        let text = format!("{n:08}").repeat(1000);
        store.put(event(n % 3), "event-info.xml", text).await.expect("written");
        println!("done {} {n}", n % 3);
    }
}

#[tokio::test]
async fn what_a_killed_program_said_was_done_is_there() {
    for round in 0..5 {
        let shelf = Shelf::new(2);
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "the_program_that_is_killed", "--nocapture"])
            .env(PLACE, shelf.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut last = [None; 3];
        let (mut said, stop_after) = (0, 40 + round * 7);
        let mut note = |line: &str| {
            let numbers: Vec<u32> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            if let (true, [which, n]) = (line.contains("done"), &numbers[..]) {
                last[*which as usize] = Some(*n);
                said += 1;
            }
            said
        };
        let mut killed = false;
        // What it said before it was killed may still be on its way.
        for line in lines {
            let Ok(line) = line else { break };
            if note(&line) >= stop_after && !killed {
                std::thread::sleep(Duration::from_micros(300 * round as u64));
                child.kill().expect("killed");
                killed = true;
            }
        }
        child.wait().expect("gone");
        let store = shelf.open(1);
        for event in store.behind() {
            let repaired = store.repair(event).await.expect("repaired");
            assert!(repaired.failures.is_empty() && repaired.lost.is_empty(), "{repaired:?}");
        }
        for (which, last) in (0_u32..).zip(last) {
            let octets = store.get(event(which), "event-info.xml").await.expect("read");
            let text = std::str::from_utf8(&octets).expect("text");
            let n: u32 = text[..8].parse().expect("a number");
            assert_eq!(text, format!("{n:08}").repeat(1000), "whole");
            assert!(Some(n) >= last, "round {round}: {n} is older than {last:?}");
        }
        assert_eq!(shelf.contents("a"), shelf.contents("b"), "round {round}");
    }
}
