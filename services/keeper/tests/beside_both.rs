//! An event from its reservation to its report, with a gateway, a portal and a keeper, while the database is away before, during
//! and after it: everything works, and in the end each record is in the database once.

mod common;

use common::server::Server;
use common::{Place, Portal, Running, ask, number, program, reserve};
use control::{Client, DialPlan, EventState, Repeat};
use records::{Counts, Database};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// The software card, with the exchange in software at its far end.
const CARD: &str = "[[card]]\nboard = \"loopback\"\nname = \"soft0\"\n[[card.span]]\nline = \"T1\"\nswitch = \"ni2\"\nfar_end = \"exchange\"\n";

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(seen) = look().await {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {what}");
}

/// Four stream ports that nobody uses.
fn ports() -> u16 {
    let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let start = 30_000 + (std::process::id() % 500) as u16 * 10;
    (start..60_000).step_by(10).find(|first| (*first..first + 4).all(free)).expect("four free ports")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_stops_before_during_and_after_an_event_and_each_record_arrives_once() {
    let Some(server) = Server::prepare() else { return };
    let place = Place::new();
    place.keep_in(&server.address());
    let (first, state) = (ports(), place.path("state"));
    let gateway =
        format!("[server]\nname = \"g1\"\nstate_dir = {state:?}\n[stream]\nports = \"{first}-{}\"\n{CARD}", first + 3);
    fs::write(place.path("gateway.toml"), gateway).expect("written");
    let gateway = program("trunkcast", "trunkcastd");
    let portal = program("portal", "trunkcast-portal");
    // Before: the database is away when everything starts and the event is reserved.
    server.kill();
    let _gateway = Running::start(Command::new(gateway).arg("--config").arg(place.path("gateway.toml")));
    let socket = place.path("state/control.sock");
    let client = || Client::connect(&socket).ok();
    until("the gateway", async || client()?.status().ok()).await;
    let portal = Portal::start(&portal, place.directory.path());
    let _keeper = place.keeper();
    let (status, body) = reserve(&portal.address, "k").expect("an answer");
    assert_eq!(status, 201, "{body}");
    let event = number(&body);
    let document: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let pin = document["pins"]["host"].as_str().expect("a PIN").to_owned();
    let link = document["link"].as_str().expect("a link").to_owned();
    let path = link.split_once("/a/").map(|(_, rest)| format!("/a/{rest}")).expect("a path");
    until("the event listed before its first call", async || {
        client()?.events().ok()?.into_iter().find(|known| known.number == event && known.title == "Town hall")
    })
    .await;

    let database = Database::open(&server.address()).expect("an address");
    let counts = async || {
        let fresh = Database::open(&server.address()).expect("an address");
        let counts = fresh.counts().await.ok();
        fresh.close().await;
        counts
    };
    // It comes, and goes again in the middle of the event.
    server.start();
    until("the reservation in the database", async || counts().await.filter(|found| found.events == 1)).await;
    let speech = std::path::absolute("../../assets/speech/a1.wav").expect("a path");
    let plan = DialPlan {
        event: Some(event.clone()),
        pin: Some(pin),
        wav: speech.to_str().map(str::to_owned),
        repeat: Repeat::Forever,
        key_on_ms: 60,
        key_off_ms: 60,
        ..DialPlan::default()
    };
    until("the D channel", async || {
        client()?.spans().ok()?.iter().all(|span| span.link == control::LinkState::Up).then_some(())
    })
    .await;
    client().expect("it answers").exchange_dial(plan).expect("dialled");
    until("the event on the air", async || {
        client()?.events().ok()?.into_iter().find(|known| known.number == event && !known.streams.is_empty())
    })
    .await;
    server.kill();
    let listening = std::thread::spawn({
        let address = portal.address.clone();
        move || ask(&address, "GET", &format!("{path}live.mp3"), &[], "")
    });
    until("a listener", async || {
        client()?.events().ok()?.into_iter().find(|known| known.streams.iter().any(|stream| stream.listeners > 0))
    })
    .await;
    // The portal looks every second.
    until("the audience noted", async || {
        fs::read_to_string(state.join(format!("portal/audience/{event}.jsonl"))).ok().filter(|text| !text.is_empty())
    })
    .await;
    client().expect("it answers").end(&event).expect("ended");
    until("the end", async || {
        let found = client()?.events().ok()?.into_iter().find(|known| known.number == event)?;
        (found.state == EventState::Ended && found.callers == 0).then_some(())
    })
    .await;
    let (status, _) = listening.join().expect("it listens").expect("an answer");
    assert_eq!(status, 200, "heard while the database was away");
    until("the record of the event", async || {
        let number = event::EventNumber::parse(&event).expect("a number");
        let info = event::info::read(&state.join("content"), number).ok()?;
        (info.status == event::Status::Ended).then_some(())
    })
    .await;
    // After: it comes for a moment, goes, and comes for good. A minute of listeners is told when it is over, or at the next start.
    drop(portal);
    let _portal = Portal::start(&program("portal", "trunkcast-portal"), place.directory.path());
    server.start();
    server.kill();
    server.start();
    let wanted = |found: &Counts| found.calls == 1 && found.listeners >= 1 && found.open == 0;
    until("all records", async || counts().await.filter(wanted)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let found = counts().await.expect("counted");
    assert_eq!((found.events, found.open, found.calls), (1, 0, 1), "{found:?}");
    let number = event::EventNumber::parse(&event).expect("a number");
    let log = database.log(number, records::Page::default()).await.expect("asked");
    for what in ["reserved", "ended"] {
        assert_eq!(log.iter().filter(|row| row.what == what).count(), 1, "{what}: {log:?}");
    }
    let usage = database.usage(number).await.expect("asked");
    assert!(usage.iter().any(|row| row.format == "mp3" && row.listeners == 1 && row.server == "g1"), "{usage:?}");
    let report = database.report(number).await.expect("asked");
    assert_eq!((report.calls, report.most_listeners), (1, 1), "{report:?}");
}
