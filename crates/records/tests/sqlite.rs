//! Records reach a SQLite database whatever is away, killed or full on the way, and each is counted once.

mod common;

use common::{Desk, event, happening, reservation, usage};
use records::{Counts, Database, EventFilter, EventState, Feed, Happened, Journal, Page, Record, Report, to_csv};
use std::fs;

#[tokio::test]
async fn what_is_kept_while_the_database_is_away_is_there_when_it_comes() {
    let desk = Desk::new();
    // The directory of the database is not there: a file system that is not mounted.
    let away = desk.path("disk/records.db");
    let writer = desk.writer(&format!("sqlite:{}", away.display()));
    for n in 0..1200 {
        desk.outbox().keep(&reservation(n, "Meeting", 10)).await.expect("kept without a database");
    }
    desk.until(&writer, |p| p.trouble.is_some()).await;
    assert_eq!(writer.progress().applied, 0);
    fs::create_dir(desk.path("disk")).expect("mounted");
    desk.until(&writer, |p| p.level && p.applied == 1200).await;
    let database = Database::open(&format!("sqlite:{}", away.display())).expect("an address");
    assert_eq!(database.counts().await.expect("counted"), Counts { events: 1200, open: 1200, ..Counts::default() });
    // Read-only, as after an error of its disk: nothing is applied, nothing is lost.
}

#[tokio::test]
async fn a_writer_that_starts_again_counts_nothing_twice() {
    let desk = Desk::new();
    let address = desk.sqlite();
    for round in 0..3_u32 {
        let writer = desk.writer(&address);
        for n in 0..100 {
            let happening = happening(n, u64::from(round), Happened::Other("joined".to_owned()));
            desk.outbox().keep(&happening).await.expect("kept");
        }
        desk.until(&writer, |p| p.level && p.applied >= 100).await;
        assert_eq!(writer.progress().applied, 100, "round {round}: what was applied before is not tried again");
    }
    let database = Database::open(&address).expect("an address");
    assert_eq!(database.counts().await.expect("counted").happenings, 300);
}

#[tokio::test]
async fn lines_nobody_can_use_are_set_aside_and_the_rest_goes_on() {
    let desk = Desk::new();
    let gateway = desk.path("gateway");
    fs::create_dir_all(gateway.join("records")).expect("made");
    let call =
        |n: u64| format!("{{\"server\":\"g1\",\"call\":{n},\"setup_ms\":{},\"event\":\"{}\"}}\n", n + 1, event(1));
    let mut lines = Vec::new();
    for n in 0..50_u64 {
        lines.extend(call(n).into_bytes());
        match n {
            7 => lines.extend(b"{\"server\":\"g1\",\"call\":99\n"),
            // A number that no database has room for, and text that none takes.
            9 => lines.extend(b"{\"server\":\"g1\",\"call\":18446744073709551615,\"setup_ms\":5}\n"),
            11 => lines.extend([vec![b'x'; 300_000], b"\n".to_vec()].concat()),
            13 => lines.extend(b"\xff\xfe\0\n"),
            _ => {}
        }
    }
    fs::write(gateway.join("records/calls-2026-11-21.jsonl"), &lines).expect("written");
    let address = desk.sqlite();
    let writer = desk.writer_with(&address, vec![Feed::calls(&gateway)]);
    desk.until(&writer, |p| p.level && p.applied == 50).await;
    assert_eq!(writer.progress().set_aside, 4);
    drop(writer);
    let writer = desk.writer_with(&address, vec![Feed::calls(&gateway)]);
    desk.until(&writer, |p| p.level).await;
    assert_eq!((writer.progress().applied, writer.progress().set_aside), (0, 4), "also after a start");
    let database = Database::open(&address).expect("an address");
    assert_eq!(database.counts().await.expect("counted").calls, 50);
}

#[tokio::test]
async fn files_of_the_gateway_are_followed_line_by_line() {
    let desk = Desk::new();
    let gateway = desk.path("gateway");
    fs::create_dir_all(gateway.join("records")).expect("made");
    let file = gateway.join("records/calls-2026-11-21.jsonl");
    let line =
        |n: u64| format!("{{\"server\":\"g1\",\"call\":{n},\"setup_ms\":{},\"event\":\"{}\"}}\n", 1000 + n, event(1));
    let address = desk.sqlite();
    let writer = desk.writer_with(&address, vec![Feed::calls(&gateway), Feed::events(&gateway, "g1")]);
    fs::write(&file, line(1) + &line(2)[..20]).expect("written");
    desk.until(&writer, |p| p.applied == 1).await;
    fs::write(&file, line(1) + &line(2) + &line(3)).expect("written");
    let ended = format!("{{\"at_ms\":7,\"event\":\"{}\",\"what\":\"ended\",\"by\":\"host\"}}\n", event(1));
    fs::write(gateway.join("events.jsonl"), ended).expect("written");
    desk.until(&writer, |p| p.applied == 4).await;
    drop(writer);
    // The power went: the end of the file was not on the disk, and another line came in its place.
    fs::write(&file, line(1) + &line(4)).expect("written");
    let writer = desk.writer_with(&address, vec![Feed::calls(&gateway)]);
    desk.until(&writer, |p| p.level).await;
    let database = Database::open(&address).expect("an address");
    let calls = database.calls(event(1), Page::default()).await.expect("asked");
    assert_eq!(calls.iter().map(|c| c.call).collect::<Vec<_>>(), [1, 2, 3, 4], "each once, none passed over");
    let row = database.event(event(1)).await.expect("asked").expect("known from the gateway alone");
    assert_eq!((row.closed.as_deref(), row.closed_ms, row.title.as_str()), (Some("ended"), Some(7), ""));
}

#[tokio::test]
async fn in_whatever_order_it_comes_the_same_is_known() {
    let records: Vec<Record> = vec![
        reservation(1, "First title", 10),
        reservation(1, "Second title", 20),
        happening(1, 30, Happened::Over),
        happening(1, 40, Happened::Cancelled),
        happening(1, 50, Happened::Ended),
    ];
    for turn in 0..records.len() {
        let desk = Desk::new();
        let address = desk.sqlite();
        let writer = desk.writer(&address);
        for n in 0..records.len() {
            desk.outbox().keep(&records[(n + turn) % records.len()]).await.expect("kept");
        }
        desk.until(&writer, |p| p.applied == 5).await;
        let database = Database::open(&address).expect("an address");
        let row = database.event(event(1)).await.expect("asked").expect("there");
        assert_eq!((row.title.as_str(), row.closed.as_deref()), ("Second title", Some("cancelled")), "turn {turn}");
        assert_eq!(row.created_ms, Some(1));
    }
}

#[tokio::test]
async fn pages_and_reports_are_answered() {
    let desk = Desk::new();
    let address = desk.sqlite();
    let writer = desk.writer(&address);
    for n in 0..30 {
        desk.outbox().keep(&reservation(n, if n < 10 { "50% off" } else { "50 things off" }, 10)).await.expect("kept");
    }
    desk.outbox().keep(&happening(3, 9, Happened::Ended)).await.expect("kept");
    let call = |joined_ms, seconds| {
        Record::Call(Box::new(records::Call {
            server: "g1".to_owned(),
            setup_ms: 1000 + seconds,
            event: Some(event(3).to_string()),
            joined_ms,
            left_ms: joined_ms.map(|ms| ms + 5000),
            seconds: Some(seconds),
            talk_ms: 700,
            ..records::Call::default()
        }))
    };
    for record in [call(Some(2000), 61), call(Some(3000), 5), call(None, 9)] {
        desk.outbox().keep(&record).await.expect("kept");
    }
    for (minute, format, listeners) in [(0, "mp3", 10), (0, "webm", 5), (1, "mp3", 12), (1, "mp3", 8)] {
        desk.outbox().keep(&usage(3, minute, format, listeners)).await.expect("kept");
    }
    desk.until(&writer, |p| p.level && p.applied == 38).await;
    let database = Database::open(&address).expect("an address");
    let page = |filter| {
        let database = &database;
        async move { database.events(&filter, Page { offset: 5, limit: 3 }).await.expect("asked") }
    };
    let found = page(EventFilter { text: Some("50% OFF".to_owned()), ..EventFilter::default() }).await;
    assert_eq!((found.total, found.events.len()), (10, 3));
    let found = page(EventFilter { state: Some(EventState::Open), ..EventFilter::default() }).await;
    assert_eq!(found.total, 29);
    let found = page(EventFilter { owner: Some("nobody".to_owned()), ..EventFilter::default() }).await;
    assert_eq!(found.total, 0);
    let report = database.report(event(3)).await.expect("asked");
    let expected = Report {
        calls: 2,
        call_seconds: 66,
        talk_ms: 1400,
        first_ms: Some(2000),
        last_ms: Some(8000),
        most_listeners: 15,
        listener_minutes: 27,
        octets: 2700,
    };
    assert_eq!(report, expected);
    let usage = database.usage(event(3)).await.expect("asked");
    assert_eq!(usage.len(), 3);
    assert!(
        to_csv(&usage)
            .starts_with("minute,server,format,listeners,octets\r\n1970-01-01T00:00:00.000Z,g1,mp3,10,1000\r\n")
    );
    assert_eq!(database.report(event(4)).await.expect("asked"), Report::default(), "an event nobody called");
}

#[tokio::test]
async fn two_writers_with_one_database_count_once() {
    let desk = Desk::new();
    let gateway = desk.path("gateway");
    fs::create_dir_all(gateway.join("records")).expect("made");
    let lines: String = (0..2000)
        .map(|n| format!("{{\"server\":\"g1\",\"call\":{n},\"setup_ms\":{},\"event\":\"{}\"}}\n", n + 1, event(1)))
        .collect();
    fs::write(gateway.join("records/calls-2026-11-21.jsonl"), lines).expect("written");
    let address = desk.sqlite();
    let writers = [0, 1].map(|_| desk.writer_with(&address, vec![Feed::calls(&gateway)]));
    for writer in &writers {
        desk.until(writer, |p| p.level).await;
    }
    let applied: u64 = writers.iter().map(|w| w.progress().applied).sum();
    assert_eq!(applied, 2000, "each line by one of them");
}

#[tokio::test]
async fn the_outbox_of_another_program_is_followed_as_it_grows_loses_lines_and_begins_segments() {
    let desk = Desk::new();
    let place = desk.path("portal");
    let mut journal = Journal::open_with(&place, 2000).expect("opened");
    let line = |n: u32| happening(n, 1, Happened::Other("joined".to_owned())).to_line();
    let writer = desk.writer_with(&desk.sqlite(), vec![Feed::outbox_elsewhere(&place)]);
    for n in 0..200 {
        journal.append(&[line(n)]).expect("written");
    }
    desk.until(&writer, |p| p.level && p.applied == 200).await;
    let segments = || {
        let names = fs::read_dir(&place).expect("listed").map(|entry| entry.expect("read").path());
        let mut segments: Vec<_> = names.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
        segments.sort();
        segments
    };
    assert_eq!(segments().len(), 2, "the last, and the one that may be written while it is begun");
    // A line is read before the disk refuses it and it is taken off again.
    let last = segments().pop().expect("one");
    let whole = fs::read(&last).expect("read");
    fs::write(&last, [&whole[..], &line(900)].concat()).expect("written");
    desk.until(&writer, |p| p.level && p.applied == 201).await;
    fs::write(&last, &whole).expect("taken off");
    journal.append(&[line(500), line(501), line(502)]).expect("written");
    let database = Database::open(&desk.sqlite()).expect("an address");
    desk.until_async(async || database.counts().await.expect("counted").happenings >= 204).await;
    desk.until(&writer, |p| p.level).await;
    assert_eq!(database.counts().await.expect("counted").happenings, 204);
    assert_eq!(writer.progress().set_aside, 0, "no line was read from its middle");
}
