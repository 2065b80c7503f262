//! What a port says to whoever asks, in each state, well-behaved or not.

mod common;

use cast::{Because, CastEvent, Caster, Door, Error, PortStatus, Seat, Settings, TurnedAway};
use common::{Client, ask, get, station, status, until};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_port_from_idle_to_over_and_back() {
    let station = station(1, None, |_| {});
    let (port, caster) = (station.port, &station.caster);
    let said = |path: &str| {
        let (mut client, head) = get(port, path);
        (status(&head), String::from_utf8(client.rest()).unwrap())
    };
    assert_eq!(said("/123.mp3").0, 404);
    assert_eq!(said("/"), (404, "Nothing is on the air on this port.\n".to_owned()));
    caster.reserve(port, "123").unwrap();
    let (_, head) = get(port, "/123.mp3");
    assert_eq!(status(&head), 503);
    assert!(head.contains("\r\nRetry-After: 2\r\n"));
    assert_eq!(said("/124.mp3").0, 404);
    let (mut voice, _) = station.start(port, "123", false);
    voice.speak(5);
    for path in ["/", "/123"] {
        let (code, page) = said(path);
        assert_eq!(code, 200);
        assert!(page.contains("<source src=\"123.mp3\" type=\"audio/mpeg\">") && page.contains("Annual meeting"));
    }
    assert_eq!(said("/123.opus").0, 404);
    caster.stop(port).unwrap();
    station.wait(|e| matches!(e, CastEvent::StreamStopped { .. }));
    assert_eq!(said("/123.mp3"), (410, "Event 123 is over.\n".to_owned()));
    assert_eq!(said("/124.mp3").0, 404);
    // The same event may come back to its port, and another may have it afterwards.
    drop(station.start(port, "123", false));
    assert_eq!(said("/").0, 200);
    caster.stop(port).unwrap();
    caster.reserve(port, "124").unwrap();
    until("the port is the other's", || said("/123.mp3").0 == 404 && said("/124.mp3").0 == 503);
    caster.stop(port).unwrap();
    until("the port is idle", || said("/124.mp3").0 == 404);
    assert!(matches!(caster.status()[..], [(p, PortStatus::Idle)] if p == port));
}

#[test]
fn methods_besides_get() {
    let station = station(1, None, |_| {});
    let (_voice, statistics) = station.start(station.port, "123", false);
    let (mut client, head) = ask(station.port, "HEAD", "/123.mp3", "");
    assert_eq!((status(&head), client.rest().len()), (200, 0));
    assert!(head.contains("\r\nContent-Type: audio/mpeg\r\n") && !head.contains("\r\nContent-Length"));
    let (mut client, head) = ask(station.port, "HEAD", "/", "");
    assert_eq!((status(&head), client.rest().len()), (200, 0));
    let lines = "Origin: http://a\r\nAccess-Control-Request-Method: GET\r\n";
    let (mut client, head) = ask(station.port, "OPTIONS", "/123.mp3", lines);
    assert_eq!((status(&head), client.rest().len()), (204, 0));
    assert!(head.contains("\r\nAccess-Control-Allow-Origin: *\r\n"));
    assert!(head.contains("\r\nAccess-Control-Allow-Headers: Range, Icy-MetaData, Content-Type\r\n"));
    // A body we never asked for must not cost the sender our answer.
    let body = "x".repeat(30_000);
    let (mut client, head) = ask(station.port, "POST", "/123.mp3", "Content-Length: 30000\r\n");
    client.send(body.as_bytes());
    assert_eq!(status(&head), 405);
    assert!(head.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    assert_eq!(client.rest(), b"Streams are fetched with GET.\n");
    assert_eq!(statistics.read().listeners_total, 0);
}

#[test]
fn a_request_may_come_in_pieces() {
    let station = station(1, None, |_| {});
    let (mut voice, _) = station.start(station.port, "123", false);
    voice.speak(5);
    let mut client = Client::connect(station.port);
    client.socket.set_nodelay(true).unwrap();
    for octet in b"GET /123.mp3 HTTP/1.1\r\nHost: test\r\n\r\n" {
        client.send(&[*octet]);
    }
    assert_eq!(status(&client.head()), 200);
    // A listener that says no more but goes on listening.
    client.socket.shutdown(std::net::Shutdown::Write).unwrap();
    voice.speak(100);
    common::assert_frames(&client.take(50 * common::FRAME));
}

#[test]
fn what_is_no_request_is_refused() {
    let station = station(1, None, |_| {});
    for (octets, code) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc".to_vec(), 400),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), 400),
        (b"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        ([b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec(), vec![b'x'; 20_000]].concat(), 431),
        ([b"GET /".to_vec(), vec![b'x'; 8200]].concat(), 431),
    ] {
        let mut client = Client::connect(station.port);
        client.send(&octets);
        assert_eq!(status(&client.head()), code);
        assert!(!client.rest().is_empty());
    }
}

#[test]
fn who_connects_and_does_not_ask_is_closed() {
    let station = station(1, None, |s| s.head_timeout = Duration::from_millis(50));
    let mut silent = Client::connect(station.port);
    let mut slow = Client::connect(station.port);
    // May be closed already, on a slow machine.
    let _ = slow.socket.write_all(b"GET / HTT");
    for client in [&mut silent, &mut slow] {
        assert_eq!(client.socket.read(&mut [0; 10]).unwrap_or(0), 0);
    }
}

#[test]
fn many_who_do_not_ask_keep_nobody_out() {
    let station = station(1, None, |s| s.max_asking = 8);
    let mut idlers: Vec<Client> = (0..50).map(|_| Client::connect(station.port)).collect();
    assert_eq!(status(&get(station.port, "/").1), 404);
    // Those who came first were closed for those who came later.
    for idler in &mut idlers[..40] {
        assert_eq!(idler.socket.read(&mut [0; 10]).unwrap_or(0), 0);
    }
}

#[test]
fn wrong_orders_are_refused_at_once() {
    let station = station(1, None, |_| {});
    let (port, caster) = (station.port, &station.caster);
    assert!(matches!(caster.reserve(port + 1, "1"), Err(Error::NotOurs(_))));
    for event in ["", "a/b", "..", "a b", "\u{e9}", &"1".repeat(65)] {
        assert!(matches!(caster.reserve(port, event), Err(Error::BadEvent(_))), "{event}");
    }
    assert!(matches!(caster.stop(port), Err(Error::NotLive(_))));
    assert!(matches!(caster.set_title(port, "x"), Err(Error::NotLive(_))));
    let _voice = station.start(port, "1", false);
    assert!(matches!(caster.reserve(port, "2"), Err(Error::Live(_))));
    assert!(matches!(caster.release(port), Err(Error::Live(_))));
    caster.stop(port).unwrap();
    caster.release(port).unwrap();
    let (tx, _rx) = crossbeam_channel::bounded(1);
    let taken = Settings { ports: port..=port, ..Settings::default() };
    let error = Caster::launch(taken, None, tx.clone()).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on 127.0.0.1:{port}"));
    #[expect(clippy::reversed_empty_ranges)]
    let none = Settings { ports: 2..=1, ..Settings::default() };
    assert!(matches!(Caster::launch(none, None, tx), Err(Error::NoPorts)));
}

/// Lets in whoever says the word, one at a time.
#[derive(Debug, Default)]
struct Doorman {
    seats: Arc<()>,
}

impl Door for Doorman {
    fn admit(&self, event: &str, pass: Option<&str>, to_stay: bool) -> Result<Option<Seat>, TurnedAway> {
        let no = |because, text: &str| Err(TurnedAway { because, text: text.to_owned() });
        match pass {
            Some("word") if event == "123" && to_stay && Arc::strong_count(&self.seats) > 1 => {
                no(Because::TooMany, "one listens")
            }
            Some("word") if event == "123" => Ok(to_stay.then(|| Box::new(self.seats.clone()) as Seat)),
            Some("late") => no(Because::Gone, "it was good once"),
            _ => no(Because::Forbidden, "say the word"),
        }
    }
}

#[test]
fn behind_a_door_nothing_is_given_out_without_a_pass() {
    let doorman = Arc::new(Doorman::default());
    let station = station(1, None, |settings| settings.door = Some(doorman.clone()));
    let port = station.port;
    let said = |path: &str| {
        let (mut client, head) = get(port, path);
        (status(&head), String::from_utf8_lossy(&client.rest()).into_owned())
    };
    assert_eq!(said("/m/word/123.mp3").0, 404, "nothing is on the air");
    let (mut voice, _) = station.start(port, "123", false);
    voice.speak(5);
    for path in ["/", "/123", "/123.mp3", "/live.mp3", "/listen.m3u", "/m/other/123.mp3", "/m//123.mp3"] {
        assert_eq!(said(path), (403, "say the word\n".to_owned()), "{path}");
    }
    assert_eq!(said("/m/late/123.mp3"), (410, "it was good once\n".to_owned()));
    let (_, head) = ask(port, "OPTIONS", "/123.mp3", "Origin: http://a\r\n");
    assert_eq!(status(&head), 204, "browsers ask this before they show their pass");
    let (code, list) = said("/m/word/listen.m3u");
    assert!(code == 200 && list.ends_with(&format!(":{port}/m/word/123.mp3\n")), "{list}");
    assert!(said("/m/word/").1.contains("<source src=\"123.mp3\""), "links stay behind the same door");
    assert_eq!(Arc::strong_count(&doorman.seats), 1, "nobody listens yet");

    let (mut listener, head) = get(port, "/m/word/123.mp3");
    assert_eq!(status(&head), 200);
    assert_eq!(listener.take(400).len(), 400);
    let (_, head) = get(port, "/m/word/123.mp3");
    assert!(status(&head) == 429 && head.contains("\r\nRetry-After: "), "{head}");
    assert_eq!(said("/m/word/listen.m3u").0, 200, "who only asks takes no seat");
    drop(listener);
    until("the seat is free again", || {
        voice.speak(1);
        Arc::strong_count(&doorman.seats) == 1
    });
}
