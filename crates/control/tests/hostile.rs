//! Clients that mean harm or know no better: none of them stops the server, or the others.

mod common;

use common::Bench;
use control::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

fn connect(bench: &Bench) -> UnixStream {
    let stream = UnixStream::connect(&bench.path).expect("connected");
    // Only so that a failing test ends; no assertion depends on it.
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    stream
}

fn answer(stream: &UnixStream) -> Said {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("a line");
    serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"))
}

fn problem(stream: &UnixStream) -> Problem {
    match answer(stream) {
        Said::Error(problem) => problem,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn each_wrong_line_is_answered_and_the_next_good_one_too() {
    let bench = Bench::new(Limits::default(), 8);
    let mut stream = connect(&bench);
    let deep = format!("{{\"v\":1,\"request\":{}}}", "[".repeat(30_000));
    for line in [
        &b""[..],
        b"\0",
        b"\xff\xfe\xfd",
        b"GET / HTTP/1.1\r",
        b"{\"v\":1,\"request\":\"format_disk\"}",
        b"{\"v\":1,\"request\":{\"channels\":{\"span\":-1}}}",
        b"{\"v\":1,\"request\":{\"channels\":{\"span\":1},\"calls\":null}}",
        b"{\"v\":1e999,\"request\":\"status\"}",
        deep.as_bytes(),
    ] {
        stream.write_all(line).expect("written");
        stream.write_all(b"\n").expect("written");
        assert!(matches!(problem(&stream).kind, ProblemKind::Malformed | ProblemKind::Version), "{line:?}");
    }
    stream.write_all(b"{\"v\":1,\"request\":\"calls\"}\n").expect("written");
    assert_eq!(answer(&stream), Said::Ok(Reply::Calls(vec![])));
}

#[test]
fn noise_from_a_seed_does_no_harm() {
    let bench = Bench::new(Limits::default(), 8);
    let good = b"{\"v\":1,\"request\":{\"reserve\":{\"title\":\"t\",\"formats\":[\"mp3\"]}}}".to_vec();
    let mut seed = 0x5eed_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut stream = connect(&bench);
    for _ in 0..500 {
        let mut line = good.clone();
        for _ in 0..=random(4) {
            let at = random(line.len());
            line[at] = random(256) as u8;
        }
        // A line feed in the middle would make two lines, and two answers.
        line.iter_mut().filter(|octet| **octet == b'\n').for_each(|octet| *octet = b'?');
        line.push(b'\n');
        stream.write_all(&line).expect("written");
        let said = answer(&stream);
        assert!(matches!(said, Said::Error(_) | Said::Ok(Reply::Reserved(_))), "{said:?}");
    }
}

#[test]
fn a_line_without_end_is_cut_off_with_a_word() {
    let bench = Bench::new(Limits::default(), 8);
    let mut stream = connect(&bench);
    let chunk = [b'x'; 8192];
    // The server hangs up somewhere on the way, which is the point.
    for _ in 0..64 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    assert_eq!(problem(&stream).kind, ProblemKind::TooLong);
    assert!(bench.client().status().is_ok());
}

#[test]
fn the_longest_request_is_still_one() {
    let bench = Bench::new(Limits::default(), 8);
    let mut stream = connect(&bench);
    let request = "{\"v\":1,\"request\":\"calls\"}";
    let padding = " ".repeat(REQUEST_LINE_MAX - 1 - request.len());
    stream.write_all(format!("{padding}{request}\n").as_bytes()).expect("written");
    assert_eq!(answer(&stream), Said::Ok(Reply::Calls(vec![])));
}

#[test]
fn a_request_that_dawdles_is_given_up_and_a_silent_connection_closed() {
    let short = Duration::from_millis(20);
    let bench = Bench::new(Limits { line: short, ..Limits::default() }, 8);
    let mut stream = connect(&bench);
    stream.write_all(b"{\"v\":1,").expect("written");
    assert_eq!(problem(&stream).kind, ProblemKind::Malformed);
    let bench = Bench::new(Limits { idle: short, ..Limits::default() }, 8);
    let mut silent = connect(&bench);
    assert_eq!(silent.read(&mut [0; 1]).expect("closed"), 0);
}

#[test]
fn there_is_an_end_to_connections_and_a_place_again_when_one_goes() {
    let bench = Bench::new(Limits { connections: 3, ..Limits::default() }, 8);
    let mut inside: Vec<Client> = (0..3).map(|_| bench.client()).collect();
    // Answered, so they have their places.
    assert!(inside.iter_mut().all(|client| client.status().is_ok()));
    let refused = bench.client().status().expect_err("full");
    assert!(matches!(refused, ClientError::Refused(problem) if problem.kind == ProblemKind::Busy));
    assert!(inside[0].status().is_ok(), "those inside are not disturbed");
    inside.pop();
    while bench.client().status().is_err() {
        std::thread::yield_now();
    }
}

#[test]
fn a_client_that_never_reads_is_dropped_and_holds_up_nobody() {
    let limits = Limits { connections: 2, write: Duration::from_millis(20), ..Limits::default() };
    let bench = Bench::new(limits, 8);
    let mut deaf = connect(&bench);
    for _ in 0..20 {
        // About a megabyte of answer each.
        if deaf.write_all(b"{\"v\":1,\"request\":{\"channels\":{}}}\n").is_err() {
            break;
        }
    }
    let mut one = bench.client();
    assert!(one.status().is_ok());
    // The other place is free again when the deaf one was dropped.
    while bench.client().status().is_err() {
        std::thread::yield_now();
    }
}

#[test]
fn a_watcher_that_does_not_keep_up_gets_what_was_queued_and_the_reason() {
    let bench = Bench::new(Limits::default(), 4);
    let mut watching = bench.client().watch().expect("watching");
    bench.wait_for_watchers(1);
    let long = "x".repeat(60_000);
    let mut published = 0;
    // Until the socket's buffer and the queue are both full.
    while bench.fake.hub.watchers() == 1 {
        published += 1;
        bench.fake.hub.publish(Notice { call: Some(published), text: long.clone(), ..Notice::default() });
    }
    let heard: Vec<u64> = watching.by_ref().map(|n| n.expect("a notice").call.expect("numbered")).collect();
    assert!(heard.len() >= 4 && heard.iter().copied().eq(1..=heard.len() as u64), "{heard:?}");
    assert!((heard.len() as u64) < published);
    assert_eq!(watching.ended(), Some(WatchEnd::Slow));
}

#[test]
fn a_watcher_that_only_closed_its_own_side_still_hears() {
    let bench = Bench::new(Limits::default(), 8);
    let mut stream = connect(&bench);
    stream.write_all(b"{\"v\":1,\"request\":\"watch\"}").expect("written");
    stream.shutdown(Shutdown::Write).expect("shut");
    let mut lines = BufReader::new(&stream).lines();
    assert_eq!(lines.next().expect("a line").expect("read"), "{\"ok\":\"watching\"}");
    bench.fake.hub.publish(Notice { text: "heard".into(), ..Notice::default() });
    assert!(lines.next().expect("a line").expect("read").contains("heard"));
}

#[test]
fn watchers_that_go_away_give_their_places_back_though_nothing_happens() {
    let bench = Bench::new(Limits { connections: 1, ..Limits::default() }, 8);
    drop(bench.client().watch().expect("watching"));
    while bench.client().status().is_err() {
        std::thread::yield_now();
    }
}

#[test]
fn the_stop_does_not_wait_for_the_idle_or_the_deaf() {
    let mut bench = Bench::new(Limits::default(), 8);
    let _idle = connect(&bench);
    let mut half = connect(&bench);
    half.write_all(b"{\"v\"").expect("written");
    let mut client = bench.client();
    assert!(client.status().is_ok());
    // Comes back although the limits would allow all of them most of a minute.
    bench.server.stop();
    let mut rest = Vec::new();
    half.read_to_end(&mut rest).expect("closed");
}
