//! An outbox in a directory of its own, and records to put into it.
#![allow(dead_code)]

pub mod server;

use event::{EventNumber, KeyId};
use records::{
    Backoff, Feed, Happened, Happening, Outbox, Progress, Record, Reservation, Usage, Writer, WriterSettings,
};
use std::path::PathBuf;
use std::time::Duration;

pub struct Desk {
    directory: tempfile::TempDir,
    outbox: Outbox,
}

impl Desk {
    pub fn new() -> Desk {
        let directory = tempfile::tempdir().expect("a directory");
        let outbox = Outbox::open(&directory.path().join("outbox")).expect("opened");
        Desk { directory, outbox }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The address of a database that is made when it is first used.
    pub fn sqlite(&self) -> String {
        format!("sqlite:{}", self.path("records.db").display())
    }

    pub fn writer(&self, address: &str) -> Writer {
        self.writer_with(address, vec![Feed::outbox(&self.path("outbox"), self.outbox.tail())])
    }

    pub fn writer_with(&self, address: &str, feeds: Vec<Feed>) -> Writer {
        let mut settings = WriterSettings::new(address, self.path("outbox"));
        settings.look_every = Duration::from_millis(10);
        settings.backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(200));
        Writer::start(settings, feeds).expect("started")
    }

    /// Waits until the writer is as far as that; a minute at most, which is never needed.
    pub async fn until(&self, writer: &Writer, reached: impl Fn(&Progress) -> bool) {
        for _ in 0..6000 {
            if reached(&writer.progress()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came to that: {:?}", writer.progress());
    }
}

impl Desk {
    /// The same for what has to be asked.
    pub async fn until_async(&self, reached: impl AsyncFn() -> bool) {
        for _ in 0..600 {
            if reached().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

pub fn event(serial: u32) -> EventNumber {
    EventNumber::with_serial(KeyId::FIRST, serial)
}

pub fn reservation(serial: u32, title: &str, changed_ms: u64) -> Record {
    Record::Reservation(Reservation {
        event: event(serial),
        title: title.to_owned(),
        owner: Some("somebody".to_owned()),
        created_ms: 1,
        changed_ms,
        starts_ms: None,
        formats: vec!["mp3".to_owned(), "webm".to_owned()],
    })
}

pub fn happening(serial: u32, at_ms: u64, what: Happened) -> Record {
    Record::Happening(Happening { at_ms, server: "g1".to_owned(), event: event(serial), what, by: "host".to_owned() })
}

pub fn usage(serial: u32, minute: u64, format: &str, listeners: u64) -> Record {
    Record::Usage(Usage {
        event: event(serial),
        server: "g1".to_owned(),
        format: format.to_owned(),
        minute_ms: minute * 60_000,
        listeners,
        octets: listeners * 100,
    })
}
