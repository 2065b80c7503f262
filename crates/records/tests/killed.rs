//! A program that is killed while it keeps records and brings them to the database: what it said was kept
//! arrives, once.

mod common;

use common::{event, happening};
use records::{Backoff, Database, Feed, Happened, Outbox, Page, Writer, WriterSettings};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PLACE: &str = "TRUNKCAST_TEST_RECORDS";

fn start(place: &Path) -> (Outbox, Writer) {
    let outbox = Outbox::open(&place.join("outbox")).expect("opened");
    let mut settings = WriterSettings::new(&format!("sqlite:{}", place.join("db").display()), place.join("outbox"));
    settings.batch = 7;
    settings.look_every = Duration::from_millis(1);
    settings.backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(100));
    let feeds = vec![Feed::outbox(&place.join("outbox"), outbox.tail())];
    let writer = Writer::start(settings, feeds).expect("started");
    (outbox, writer)
}

/// What is killed: keeps and says so, until it is.
#[tokio::test]
async fn the_program_that_is_killed() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let (outbox, _writer) = start(Path::new(&place));
    let first: u64 = std::env::var("FIRST").expect("given").parse().expect("a number");
    for n in first.. {
        outbox.keep(&happening(1, n, Happened::Other("joined".to_owned()))).await.expect("kept");
        println!("kept {n}");
    }
}

#[tokio::test]
async fn what_a_killed_program_said_was_kept_arrives_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path();
    let (mut said, mut first) = (Vec::new(), 0_u64);
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "the_program_that_is_killed", "--nocapture"])
            .env(PLACE, place)
            .env("FIRST", first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut killed = false;
        let mut lines = 0;
        for line in BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok) {
            let number = line.split(' ').next_back().and_then(|word| word.parse::<u64>().ok());
            said.extend(number.filter(|_| line.contains("kept")));
            lines += 1;
            if lines > 50 + round * 13 && !killed {
                child.kill().expect("killed");
                killed = true;
            }
        }
        child.wait().expect("gone");
        // One that was kept without being said may be there too; it has a number of its own.
        first = said.last().expect("it said something") + 1000;
    }
    let (_outbox, writer) = start(place);
    for _ in 0..6000 {
        if writer.progress().level {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let database = Database::open(&format!("sqlite:{}", place.join("db").display())).expect("an address");
    let log = database.log(event(1), Page { offset: 0, limit: 1000 }).await.expect("asked");
    let arrived: Vec<u64> = log.iter().map(|row| row.at_ms).collect();
    let missing: Vec<_> = said.iter().filter(|n| !arrived.contains(n)).collect();
    assert!(missing.is_empty(), "{missing:?} of {} are missing", said.len());
    assert!(arrived.len() <= said.len() + 6, "at most one a life was kept and not said");
    assert_eq!(writer.progress().set_aside, 0);
}
