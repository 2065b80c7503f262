//! The same against a PostgreSQL server, which is killed and started again while records come.

mod common;

use common::server::Server;
use common::{Desk, event, happening, reservation, usage};
use records::{Counts, Database, EventFilter, Feed, Happened, Page};
use std::fs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_before_during_and_after_counts_each_record_once() {
    let Some(server) = Server::prepare() else { return };
    server.kill();
    let desk = Desk::new();
    let gateway = desk.path("gateway");
    fs::create_dir_all(gateway.join("records")).expect("made");
    let call =
        |n: u64| format!("{{\"server\":\"g1\",\"call\":{n},\"setup_ms\":{},\"event\":\"{}\"}}\n", n + 1, event(1));
    let feeds = || vec![Feed::outbox(&desk.path("outbox"), desk.outbox().tail()), Feed::calls(&gateway)];
    let mut writer = desk.writer_with(&server.address(), feeds());
    // Before: it is away.
    for n in 0..500 {
        desk.outbox().keep(&reservation(n, "Meeting", 10)).await.expect("kept");
    }
    desk.until(&writer, |p| p.trouble.is_some()).await;
    server.start();
    // During: it goes and comes while records come, and so does the writer.
    let mut lines = String::new();
    for round in 0..4_u64 {
        for n in 0..400_u64 {
            let at = round * 400 + n;
            desk.outbox().keep(&happening(1, at, Happened::Other("joined".to_owned()))).await.expect("kept");
            desk.outbox().keep(&usage(1, at, "mp3", n)).await.expect("kept");
            lines.push_str(&call(at));
            fs::write(gateway.join("records/calls-2026-11-21.jsonl"), &lines).expect("written");
            if n == 150 {
                server.kill();
            }
            if n == 300 {
                drop(writer);
                writer = desk.writer_with(&server.address(), feeds());
                server.start();
            }
        }
    }
    // After: it is gone once more with the last of it.
    server.kill();
    desk.outbox().keep(&happening(1, 9999, Happened::Ended)).await.expect("kept");
    server.start();
    desk.until(&writer, |p| p.level).await;
    let database = Database::open(&server.address()).expect("an address");
    let counts = Counts { events: 500, open: 499, calls: 1600, happenings: 1601, listeners: 1600 };
    desk.until_async(async || database.counts().await.ok() == Some(counts)).await;
    assert_eq!(database.counts().await.expect("counted"), counts, "each once, none missing");
    assert_eq!(writer.progress().set_aside, 0);
    let report = database.report(event(1)).await.expect("asked");
    assert_eq!(report.most_listeners, 399);
    let found = EventFilter { text: Some("MEET".to_owned()), owner: Some("somebody".to_owned()), state: None };
    let page = database.events(&found, Page { offset: 499, limit: 10 }).await.expect("asked");
    assert_eq!((page.total, page.events.len()), (500, 1));
    assert_eq!(database.log(event(1), Page::default()).await.expect("asked").len(), 50);
    assert_eq!(database.calls(event(1), Page { offset: 1599, limit: 5 }).await.expect("asked")[0].call, 1599);
    assert_eq!(database.usage(event(1)).await.expect("asked").len(), 1600);
    assert_eq!(database.event(event(1)).await.expect("asked").expect("there").closed.as_deref(), Some("ended"));
    // What this database refuses for what it says is set aside, and the rest goes on.
    let refused = reservation(600, "with a \0 in it", 10);
    for record in [reservation(599, "before", 10), refused, reservation(601, "after", 10)] {
        desk.outbox().keep(&record).await.expect("kept");
    }
    desk.until(&writer, |p| p.set_aside == 1).await;
    // It may have been level before the last was kept.
    for serial in [599, 601] {
        let there = async || database.event(event(serial)).await.expect("asked").is_some();
        desk.until_async(there).await;
        assert!(there().await, "{serial}");
    }
    assert!(database.event(event(600)).await.expect("asked").is_none());
    assert_eq!(writer.progress().set_aside, 1);
}
