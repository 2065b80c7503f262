//! Reservations a second, with the database away and there: what is kept, and what is in the database.
//!
//! `cargo bench -p records --bench outbox`; against another database `DATABASE=postgres://... cargo bench ...`.

use event::{EventNumber, KeyId};
use records::{Feed, Outbox, Record, Reservation, Writer, WriterSettings};
use std::path::Path;
use std::time::{Duration, Instant};

/// Who reserve at the same time.
const AT_ONCE: u32 = 64;
const SECONDS: u64 = 5;

fn main() {
    // `cargo test` runs benches to see whether they run.
    let seconds = if std::env::args().any(|argument| argument == "--bench") { SECONDS } else { 1 };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    println!("{:<12} {:>12} {:>14} {:>10}", "database", "kept/s", "in it/s", "behind s");
    let directory = tempfile::tempdir().expect("a directory");
    let away = format!("sqlite:{}", directory.path().join("not-there/records.db").display());
    let present = format!("sqlite:{}", directory.path().join("records.db").display());
    runtime.block_on(run("away", &directory.path().join("outbox-1"), &away, seconds));
    runtime.block_on(run("sqlite", &directory.path().join("outbox-2"), &present, seconds));
    if let Ok(other) = std::env::var("DATABASE") {
        runtime.block_on(run("other", &directory.path().join("outbox-3"), &other, seconds));
    }
}

async fn run(name: &str, directory: &Path, address: &str, seconds: u64) {
    let outbox = Outbox::open(directory).expect("opened");
    let feeds = vec![Feed::outbox(directory, outbox.tail())];
    let writer = Writer::start(WriterSettings::new(address, directory), feeds).expect("started");
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let tasks: Vec<_> = (0..AT_ONCE).map(|task| tokio::spawn(reserve(outbox.clone(), task, until))).collect();
    let mut kept = 0;
    for task in tasks {
        kept += task.await.expect("no panic");
    }
    let kept_in = begun.elapsed().as_secs_f64();
    if writer.progress().trouble.is_some() {
        println!("{name:<12} {:>12.0} {:>14} {:>10}", kept as f64 / kept_in, "-", "-");
        return;
    }
    while writer.progress().applied < kept {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let level_in = begun.elapsed().as_secs_f64();
    let (kept_rate, rate) = (kept as f64 / kept_in, kept as f64 / level_in);
    println!("{name:<12} {kept_rate:>12.0} {rate:>14.0} {:>10.2}", level_in - kept_in);
}

async fn reserve(outbox: Outbox, task: u32, until: Instant) -> u64 {
    let mut kept = 0;
    while Instant::now() < until {
        let record = Record::Reservation(Reservation {
            event: EventNumber::with_serial(KeyId::FIRST, task * 100_000 + kept as u32),
            title: "Annual meeting of the society".to_owned(),
            owner: Some("somebody".to_owned()),
            created_ms: 1_795_184_325_123,
            changed_ms: 1_795_184_325_123,
            starts_ms: Some(1_795_184_999_000),
            formats: vec!["mp3".to_owned()],
        });
        outbox.keep(&record).await.expect("kept");
        kept += 1;
    }
    kept
}
