//! A daemon that is none: answers from a script, for the tests beside this directory.
#![allow(dead_code, reason = "each test program uses its part")]

use control::*;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Answers every request with the shortest answer of its kind, and remembers what it was asked.
pub struct Fake {
    pub hub: NoticeHub,
    pub asked: Mutex<Vec<Request>>,
    /// Who was refused what.
    pub denied: Mutex<Vec<(Option<u32>, Request)>>,
}

impl Handler for Fake {
    fn handle(&self, _: &Peer, request: Request) -> Result<Reply, Problem> {
        self.asked.lock().expect("whole").push(request.clone());
        Ok(match request {
            Request::Status => Reply::Status(Box::new(Status { server: "fake".into(), ..Status::default() })),
            Request::Spans => Reply::Spans(vec![SpanInfo { number: 1, ..SpanInfo::default() }]),
            // Far more than a request may hold, as a large server would answer.
            Request::Channels { .. } => Reply::Channels(vec![ChannelInfo::default(); 10_000]),
            Request::Calls => Reply::Calls(vec![]),
            Request::Events => Reply::Events(vec![]),
            Request::ListenPorts => Reply::Ports(vec![]),
            Request::Reserve(reserve) => Reply::Reserved(Reservation {
                title: reserve.title,
                event: "100200305".into(),
                ..Reservation::default()
            }),
            Request::Announce { event } => Reply::done(format!("{event} is listed")),
            Request::Cancel { event } => Reply::done(format!("{event} cancelled")),
            Request::End { event } => return Err(Problem::conflict(format!("{event} is over")).with_hint("none")),
            Request::Conferences => Reply::Conferences(vec![]),
            Request::Conference { .. } => Reply::Conference(Box::default()),
            Request::ConferenceOrder { order, .. } => Reply::done(order.verb()),
            Request::HangUp { call: 666 } => panic!("a fault of the daemon's, put here by the test"),
            Request::HangUp { call } => return Err(Problem::not_found(format!("there is no call {call}"))),
            Request::Suspend(wish) | Request::PlanSuspend(wish) => {
                return Err(Problem::not_found(format!("{} means nothing here", wish.target)));
            }
            Request::Resume(wish) => Reply::done(format!("{} is resumed", wish.target)),
            Request::Suspensions => Reply::Suspensions(vec![]),
            Request::Doctor => Reply::Findings(vec![]),
            Request::Alarms { .. } => Reply::Alarms(vec![]),
            Request::Performance { .. } => Reply::Performance(vec![]),
            Request::Watch | Request::Trace(_) => return Err(Problem::internal("the server keeps this to itself")),
            Request::ExchangeDial(_) => Reply::Dialled { id: 3 },
            Request::ExchangeCalls => Reply::ExchangeCalls(vec![]),
            // The wrong kind of answer.
            Request::Test(_)
            | Request::PlanTest(_)
            | Request::Tests
            | Request::Checks
            | Request::StopTest { .. }
            | Request::ReleaseLoops { .. }
            | Request::Fault { .. }
            | Request::PortFault { .. } => Reply::Tests(vec![]),
            Request::ExchangeHangUp { .. } => Reply::Watching,
        })
    }

    fn denied(&self, peer: &Peer, request: &Request) {
        self.denied.lock().expect("whole").push((peer.uid, request.clone()));
    }

    fn watch(&self) -> Subscription {
        self.hub.subscribe()
    }

    fn trace(&self, wish: TraceWish) -> Result<Box<dyn TraceFeed>, Problem> {
        self.asked.lock().expect("whole").push(Request::Trace(wish));
        match wish.span {
            1 => Ok(Box::new(Canned { wish, number: 0 })),
            66 => panic!("a fault of the daemon's, put here by the test"),
            span => Err(Problem::not_found(format!("there is no span {span}"))),
        }
    }
}

/// Three frames; then that was all, or silence.
struct Canned {
    wish: TraceWish,
    number: u64,
}

impl TraceFeed for Canned {
    fn head(&self) -> TraceHead {
        TraceHead { span: self.wish.span, side: Side::User, held: 3, ..TraceHead::default() }
    }

    fn next(&mut self, wait: std::time::Duration) -> Result<Option<TraceFrame>, WatchEnd> {
        if self.number < 3 {
            self.number += 1;
            let octets = Octets(vec![2, 1, self.number as u8]);
            return Ok(Some(TraceFrame { number: self.number, octets, ..TraceFrame::default() }));
        }
        if self.wish.ring {
            return Err(WatchEnd::Complete);
        }
        std::thread::sleep(wait);
        Ok(None)
    }
}

/// A served socket in a directory of its own.
pub struct Bench {
    pub fake: Arc<Fake>,
    pub server: Server,
    pub path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Bench {
    pub fn new(limits: Limits, queue: usize) -> Bench {
        Bench::with(limits, queue, Admission::default())
    }

    /// Admitting others than ourselves.
    pub fn admitting(admission: Admission) -> Bench {
        Bench::with(Limits::default(), 8, admission)
    }

    fn with(limits: Limits, queue: usize, admission: Admission) -> Bench {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        let fake = Arc::new(Fake { hub: NoticeHub::new(queue), asked: Mutex::default(), denied: Mutex::default() });
        let server = Server::bind_with(&path, fake.clone(), limits, admission).expect("bound");
        Bench { fake, server, path, _directory: directory }
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.path).expect("connected")
    }

    /// Wait until somebody watches; bounded by the test's own patience.
    pub fn wait_for_watchers(&self, count: usize) {
        while self.fake.hub.watchers() < count {
            std::thread::yield_now();
        }
    }
}
