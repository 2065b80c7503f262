//! A portal that is killed between its journal and its answer: the request repeated finds its event, and the database
//! hears of it once.

mod common;

use common::{Place, Portal, length, number, program, reserve};
use records::{Counts, Database};
use std::fs;
use std::time::Duration;

const ROUNDS: usize = 12;

#[tokio::test]
async fn killed_between_journal_and_answer_a_repeated_request_finds_its_event_and_is_counted_once() {
    let place = Place::new();
    let program = program("portal", "trunkcast-portal");
    let outbox = place.path("state/portal/outbox");
    let mut without_answer = 0;
    for round in 0..ROUNDS {
        let key = format!("key-{round}");
        let mut portal = Portal::start(&program, place.directory.path());
        let before = length(&outbox);
        let asker = std::thread::spawn({
            let (address, key) = (portal.address.clone(), key.clone());
            move || reserve(&address, &key)
        });
        // The line is in the file; the disk has not answered yet, as a rule.
        while length(&outbox) == before && !asker.is_finished() {
            std::hint::spin_loop();
        }
        portal.running.kill();
        let first = asker.join().expect("it asks").filter(|(status, _)| *status == 201);
        without_answer += usize::from(first.is_none());

        let portal = Portal::start(&program, place.directory.path());
        let (status, body) = reserve(&portal.address, &key).expect("an answer");
        assert_eq!(status, 200, "it was reserved before: {body}");
        if let Some((_, told)) = first {
            assert_eq!(number(&told), number(&body));
        }
        let again = reserve(&portal.address, &key).expect("an answer");
        assert_eq!((again.0, number(&again.1)), (200, number(&body)));
    }
    assert!(without_answer > 0, "it was never killed before its answer");
    let events = event::info::list(&place.path("state/content")).expect("listed");
    assert_eq!(events.len(), ROUNDS, "an event a key");

    let keeper = place.keeper();
    let database = Database::open(&format!("sqlite:{}", place.path("records.db").display())).expect("an address");
    let counts = Counts { events: ROUNDS as u64, open: ROUNDS as u64, ..Counts::default() };
    let mut found = None;
    for _ in 0..600 {
        found = database.counts().await.ok();
        if found == Some(counts) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(keeper);
    assert_eq!(found, Some(counts), "{without_answer} of {ROUNDS} had no answer");
}

#[test]
fn a_reservation_that_cannot_be_recorded_is_refused_and_nothing_of_it_is_left() {
    let place = Place::new();
    let program = program("portal", "trunkcast-portal");
    // Where the journal's directory is to be there is a file: as unusable as a disk that is full.
    fs::write(place.path("state/portal"), "").expect("written");
    let portal = Portal::start(&program, place.directory.path());
    let (status, body) = reserve(&portal.address, "k").expect("an answer");
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("try again later") && !body.contains("pins"), "{body}");
    assert!(event::info::list(&place.path("state/content")).expect("listed").is_empty());
    fs::remove_file(place.path("state/portal")).expect("removed");
    let (status, body) = reserve(&portal.address, "k").expect("an answer");
    assert_eq!(status, 201, "{body}");
    assert_eq!(event::info::list(&place.path("state/content")).expect("listed").len(), 1);
}
