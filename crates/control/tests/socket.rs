//! Client and server over a real socket: every request, every kind of answer, notices, the end.

mod common;

use common::Bench;
use control::*;
use std::path::Path;

#[test]
fn every_request_is_carried_to_the_daemon_and_its_answer_back() {
    let bench = Bench::new(Limits::default(), 8);
    let mut client = bench.client();
    assert_eq!(client.status().expect("answered").server, "fake");
    assert_eq!(client.spans().expect("answered")[0].number, 1);
    assert_eq!(client.channels(Some(2)).expect("answered").len(), 10_000);
    assert_eq!(client.calls().expect("answered"), []);
    assert_eq!(client.events().expect("answered"), []);
    assert_eq!(client.ports().expect("answered"), []);
    let reserve = Reserve { title: "Größe".into(), ..Reserve::default() };
    assert_eq!(client.reserve(reserve.clone()).expect("answered").title, "Größe");
    assert_eq!(client.cancel("100200305").expect("answered").text, "100200305 cancelled");
    assert_eq!(client.exchange_dial(DialPlan::default()).expect("answered"), 3);
    assert_eq!(client.exchange_calls().expect("answered"), []);
    let asked = bench.fake.asked.lock().expect("whole");
    assert_eq!(asked.len(), 10);
    assert_eq!(asked[2], Request::Channels { span: Some(2) });
    assert_eq!(asked[6], Request::Reserve(reserve));
}

#[test]
fn a_refusal_comes_with_kind_and_advice_and_the_connection_goes_on() {
    let bench = Bench::new(Limits::default(), 8);
    let mut client = bench.client();
    let Err(ClientError::Refused(problem)) = client.end("100200305") else { panic!("not refused") };
    assert_eq!(problem, Problem::conflict("100200305 is over").with_hint("none"));
    let Err(ClientError::Refused(problem)) = client.hang_up(5) else { panic!("not refused") };
    assert_eq!(problem.kind, ProblemKind::NotFound);
    assert_eq!(client.status().expect("answered").server, "fake");
}

#[test]
fn an_answer_to_another_question_is_not_taken_for_one() {
    let bench = Bench::new(Limits::default(), 8);
    assert!(matches!(bench.client().exchange_hang_up(1), Err(ClientError::Nonsense { .. })));
}

#[test]
fn what_is_out_of_range_does_not_reach_the_daemon() {
    let bench = Bench::new(Limits::default(), 8);
    let refused = bench.client().channels(Some(0)).expect_err("no span 0");
    assert!(matches!(refused, ClientError::Refused(problem) if problem.kind == ProblemKind::Malformed));
    assert!(bench.fake.asked.lock().expect("whole").is_empty());
}

#[test]
fn a_fault_of_the_daemon_costs_one_answer() {
    let bench = Bench::new(Limits::default(), 8);
    let mut client = bench.client();
    let Err(ClientError::Refused(problem)) = client.hang_up(666) else { panic!("not refused") };
    assert_eq!(problem.kind, ProblemKind::Internal);
    // The handler's own lock is not involved; the next request is answered on the same connection.
    assert_eq!(client.cancel("1").expect("answered").text, "1 cancelled");
}

#[test]
fn watchers_are_told_what_happens_in_order_until_the_daemon_stops() {
    let mut bench = Bench::new(Limits::default(), 8);
    let mut watchers: Vec<_> = (0..3).map(|_| bench.client().watch().expect("watching")).collect();
    bench.wait_for_watchers(3);
    for call in 1..=5 {
        bench.fake.hub.publish(Notice { call: Some(call), ..Notice::default() });
    }
    for watching in &mut watchers {
        let calls: Vec<_> = watching.take(5).map(|notice| notice.expect("a notice").call).collect();
        assert_eq!(calls, [Some(1), Some(2), Some(3), Some(4), Some(5)]);
    }
    bench.server.stop();
    for mut watching in watchers {
        assert!(watching.next().is_none());
        assert_eq!(watching.ended(), Some(WatchEnd::Shutdown));
        assert!(watching.next().is_none(), "an iterator that has ended stays so");
    }
}

#[test]
fn a_trace_begins_with_its_head_and_ends_when_that_was_all() {
    let bench = Bench::new(Limits::default(), 8);
    let wish = TraceWish { span: 1, ring: true, numbers: true };
    let mut tracing = bench.client().trace(wish).expect("traced");
    assert_eq!((tracing.head().span, tracing.head().held), (1, 3));
    let numbers: Vec<_> = tracing.by_ref().map(|frame| frame.expect("a frame").number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(tracing.ended(), Some(WatchEnd::Complete));
    assert_eq!(bench.fake.asked.lock().expect("whole")[..], [Request::Trace(wish)]);
}

#[test]
fn a_live_trace_lasts_until_the_daemon_stops() {
    let mut bench = Bench::new(Limits::default(), 8);
    let mut tracing = bench.client().trace(TraceWish { span: 1, ..TraceWish::default() }).expect("traced");
    let frames: Vec<_> = tracing.by_ref().take(3).map(|frame| frame.expect("a frame").octets).collect();
    assert_eq!(frames[2], Octets(vec![2, 1, 3]));
    bench.server.stop();
    assert!(tracing.next().is_none());
    assert_eq!(tracing.ended(), Some(WatchEnd::Shutdown));
}

#[test]
fn a_trace_that_cannot_be_had_costs_one_answer() {
    let bench = Bench::new(Limits::default(), 8);
    let kind = |span| match bench.client().trace(TraceWish { span, ..TraceWish::default() }) {
        Err(ClientError::Refused(problem)) => problem.kind,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("traced"),
    };
    assert_eq!([kind(2), kind(66), kind(0)], [ProblemKind::NotFound, ProblemKind::Internal, ProblemKind::Malformed]);
    assert_eq!(bench.client().status().expect("answered").server, "fake");
}

#[test]
fn after_the_stop_nobody_answers_and_nothing_is_left() {
    let mut bench = Bench::new(Limits::default(), 8);
    let mut client = bench.client();
    assert!(client.status().is_ok());
    bench.server.stop();
    bench.server.stop();
    assert!(!bench.path.exists());
    assert!(matches!(client.status(), Err(ClientError::Lost { .. })));
    assert!(matches!(Client::connect(&bench.path), Err(ClientError::NoDaemon { .. })));
}

#[test]
fn a_second_daemon_is_refused_and_the_first_goes_on() {
    let bench = Bench::new(Limits::default(), 8);
    let Err(refused) = Server::bind(&bench.path, bench.fake.clone()) else { panic!("two on one socket") };
    assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
    assert_eq!(bench.client().status().expect("answered").server, "fake");
}

#[test]
fn who_finds_no_daemon_is_told_where_it_was_looked_for_and_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let stale = directory.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).expect("bound"));
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("written");
    let missing = directory.path().join("missing.sock");
    for (path, why) in [(&stale, "left behind"), (&file, "not a socket"), (&missing, "not there")] {
        let Err(error) = Client::find(Some(path)) else { panic!("found {}", path.display()) };
        let text = error.to_string();
        assert!(text.contains(&path.display().to_string()) && text.contains(why), "{text}");
        assert!(text.contains("cargo run --release") && text.contains(ENVIRONMENT), "{text}");
    }
    assert!(matches!(Client::connect(Path::new("/")), Err(ClientError::NoDaemon { .. })));
}
