//! The client: ask the daemon, wait for its answer.
//!
//! Blocking, one request at a time; made for the technician's tool and for tests.
//!
//! Time: an answer is awaited for 30 s, a notice for ever.

use crate::find::{self, Address, Tried};
use crate::line::{LineReader, NoLine, Waits};
use crate::{
    AlarmInfo, CallInfo, ChannelInfo, Check, ConferenceInfo, ConferenceOrder, DialPlan, Done, EventInfo,
    ExchangeCallInfo, Finding, Notice, PerformanceInfo, PortInfo, Problem, REPLY_LINE_MAX, Reply, Request, Reservation,
    Reserve, Resume, Said, SpanInfo, Status, Suspend, SuspendPlan, SuspensionInfo, Target, TestInfo, TestPlan,
    TestWish, TraceFrame, TraceHead, TraceWish, WatchEnd, encode_request,
};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// No daemon was found.
    NoDaemon {
        /// Where it was looked for, and what was wrong there.
        tried: Vec<Tried>,
    },
    /// The daemon refuses.
    Refused(Problem),
    /// The connection broke.
    Lost {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// What came back is no answer to what was asked.
    Nonsense {
        /// What was wrong with it.
        what: String,
    },
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::NoDaemon { tried } => {
                f.write_str("no daemon answers; its control socket was looked for at")?;
                for Tried { path, why } in tried {
                    write!(f, "\n  {}: {why}", path.display())?;
                }
                write!(
                    f,
                    "\nstart one with `cargo run --release`,\nor name the socket of one that runs with --socket PATH or {}",
                    find::ENVIRONMENT
                )
            }
            ClientError::Refused(problem) => problem.fmt(f),
            ClientError::Lost { doing, .. } => write!(f, "the connection to the daemon broke while {doing}"),
            ClientError::Nonsense { what } => write!(f, "the daemon's answer is not understood: {what}"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ClientError::Lost { source, .. } => Some(source),
            // `Display` shows the problem itself, so it is not its own source.
            ClientError::NoDaemon { .. } | ClientError::Refused(_) | ClientError::Nonsense { .. } => None,
        }
    }
}

/// A connection to the daemon.
pub struct Client {
    stream: UnixStream,
    lines: LineReader,
    path: PathBuf,
}

/// The methods that ask for one thing and get it.
macro_rules! ask {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) = $request:expr => $pattern:pat => $value:expr, $type:ty;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`ClientError`]: refused by the daemon, connection lost, or not understood.
            pub fn $name(&mut self, $($argument: $kind),*) -> Result<$type, ClientError> {
                match self.request(&$request)? {
                    $pattern => Ok($value),
                    other => Err(unexpected(&other)),
                }
            }
        )*
    };
}

impl Client {
    /// Connect to a socket.
    ///
    /// # Errors
    /// [`ClientError::NoDaemon`] with this one place in it.
    pub fn connect(path: &Path) -> Result<Client, ClientError> {
        Client::try_connect(path).map_err(|tried| ClientError::NoDaemon { tried: vec![tried] })
    }

    /// Connect to the running daemon: `named`, or the socket the environment names, or the first of the
    /// usual [`places`](crate::places) where somebody answers.
    ///
    /// # Errors
    /// [`ClientError::NoDaemon`] with all places that were tried.
    pub fn find(named: Option<&Path>) -> Result<Client, ClientError> {
        let environment = std::env::var_os(find::ENVIRONMENT).map(PathBuf::from);
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let places = find::places(named, environment.as_deref(), &directory);
        let trusted = places.len() == 1;
        let mut tried = Vec::new();
        for path in places {
            if let Some(why) = if trusted { None } else { find::suspicious(&path) } {
                tried.push(Tried { path, why });
                continue;
            }
            match Client::try_connect(&path) {
                Ok(client) => return Ok(client),
                Err(failed) => tried.push(failed),
            }
        }
        Err(ClientError::NoDaemon { tried })
    }

    fn try_connect(path: &Path) -> Result<Client, Tried> {
        let connect = || -> io::Result<UnixStream> {
            let address = Address::of(path)?;
            let stream = UnixStream::connect(address.path())?;
            stream.set_write_timeout(Some(ANSWER))?;
            Ok(stream)
        };
        match connect() {
            Ok(stream) => Ok(Client { stream, lines: LineReader::new(REPLY_LINE_MAX), path: path.to_owned() }),
            Err(e) => Err(Tried { path: path.to_owned(), why: find::in_words(path, &e) }),
        }
    }

    /// The socket it is connected to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ask for anything but `watch` and `trace`.
    ///
    /// # Errors
    /// [`ClientError`]: refused by the daemon, connection lost, or not understood.
    pub fn request(&mut self, request: &Request) -> Result<Reply, ClientError> {
        let mut line = encode_request(request).map_err(|e| ClientError::Nonsense { what: e.to_string() })?;
        line.push('\n');
        match self.stream.write_all(line.as_bytes()) {
            Ok(()) => {}
            // A server that hangs up at once has said why before.
            Err(e) if matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {}
            Err(source) => return Err(ClientError::Lost { doing: "asking", source }),
        }
        match self.read(Waits { idle: Some(ANSWER), line: Some(ANSWER) })? {
            Said::Ok(reply) => Ok(reply),
            Said::Error(problem) => Err(ClientError::Refused(problem)),
            Said::Notice(_) | Said::Frame(_) | Said::End(_) => {
                Err(ClientError::Nonsense { what: "a notice nobody asked for".into() })
            }
        }
    }

    ask! {
        /// Take channels out of service.
        suspend(suspend: Suspend) = Request::Suspend(suspend) => Reply::Suspended(info) => info, SuspensionInfo;
        /// What that would hit.
        plan_suspend(suspend: Suspend) = Request::PlanSuspend(suspend) => Reply::Plan(plan) => plan, SuspendPlan;
        /// Put channels back.
        resume(resume: Resume) = Request::Resume(resume) => Reply::Done(done) => done, Done;
        /// Begin a test.
        test(wish: TestWish) = Request::Test(wish) => Reply::Test(info) => *info, TestInfo;
        /// What that would hit.
        plan_test(wish: TestWish) = Request::PlanTest(wish) => Reply::TestPlan(plan) => plan, TestPlan;
        /// The tests that go on, and the last that are over.
        tests() = Request::Tests => Reply::Tests(all) => all, Vec<TestInfo>;
        /// Try everything but channels.
        checks() = Request::Checks => Reply::Checks(all) => all, Vec<Check>;
        /// End a test.
        stop_test(id: u64) = Request::StopTest { id } => Reply::Done(done) => done, Done;
        /// Release the loopbacks of tests.
        release_loops(target: Target) = Request::ReleaseLoops { target } => Reply::Done(done) => done, Done;
        /// Put a fault on a line, or clear it, or see what stands.
        fault(span: u16, words: Option<String>) = Request::Fault { span, words } => Reply::Faults(all) => all, Vec<String>;
        /// Let the encoders of a stream port be dead, or work again, or see what stands.
        port_fault(port: u16, dead: Option<bool>) = Request::PortFault { port, dead } => Reply::Faults(all) => all, Vec<String>;
        /// All suspensions.
        suspensions() = Request::Suspensions => Reply::Suspensions(all) => all, Vec<SuspensionInfo>;
        /// What is wrong with it.
        doctor() = Request::Doctor => Reply::Findings(findings) => findings, Vec<Finding>;
        /// The alarms that stand, or (`history`) the last that stood.
        alarms(history: bool) = Request::Alarms { history } => Reply::Alarms(alarms) => alarms, Vec<AlarmInfo>;
        /// What the line of a span (from 1), or of all, has suffered.
        performance(span: Option<u16>) = Request::Performance { span } => Reply::Performance(all) => all, Vec<PerformanceInfo>;
        /// How the daemon is.
        status() = Request::Status => Reply::Status(status) => *status, Status;
        /// Its spans.
        spans() = Request::Spans => Reply::Spans(spans) => spans, Vec<SpanInfo>;
        /// The channels of a span (from 1), or of all.
        channels(span: Option<u16>) = Request::Channels { span } => Reply::Channels(channels) => channels, Vec<ChannelInfo>;
        /// Its calls.
        calls() = Request::Calls => Reply::Calls(calls) => calls, Vec<CallInfo>;
        /// Its events.
        events() = Request::Events => Reply::Events(events) => events, Vec<EventInfo>;
        /// Its stream ports.
        ports() = Request::ListenPorts => Reply::Ports(ports) => ports, Vec<PortInfo>;
        /// Reserve an event.
        reserve(reserve: Reserve) = Request::Reserve(reserve) => Reply::Reserved(reservation) => reservation, Reservation;
        /// List an event that another program has reserved or changed.
        announce(event: &str) = Request::Announce { event: event.into() } => Reply::Done(done) => done, Done;
        /// Cancel an event.
        cancel(event: &str) = Request::Cancel { event: event.into() } => Reply::Done(done) => done, Done;
        /// End an event.
        end(event: &str) = Request::End { event: event.into() } => Reply::Done(done) => done, Done;
        /// The conferences that are on.
        conferences() = Request::Conferences => Reply::Conferences(all) => all, Vec<ConferenceInfo>;
        /// The conference of an event.
        conference(event: &str) = Request::Conference { event: event.into() } => Reply::Conference(info) => *info, ConferenceInfo;
        /// Do something in it.
        order_conference(event: &str, order: ConferenceOrder) = Request::ConferenceOrder { event: event.into(), order } => Reply::Done(done) => done, Done;
        /// Clear a call.
        hang_up(call: u64) = Request::HangUp { call } => Reply::Done(done) => done, Done;
        /// Make a call from the exchange in software; its number there.
        exchange_dial(plan: DialPlan) = Request::ExchangeDial(plan) => Reply::Dialled { id } => id, u64;
        /// The calls of the exchange in software.
        exchange_calls() = Request::ExchangeCalls => Reply::ExchangeCalls(calls) => calls, Vec<ExchangeCallInfo>;
        /// Hang up one of them.
        exchange_hang_up(id: u64) = Request::ExchangeHangUp { id } => Reply::Done(done) => done, Done;
    }

    /// Be told what happens from now on.
    ///
    /// # Errors
    /// [`ClientError`]: refused by the daemon, connection lost, or not understood.
    pub fn watch(mut self) -> Result<Watching, ClientError> {
        match self.request(&Request::Watch)? {
            Reply::Watching => Ok(Watching { client: Some(self), ended: None }),
            other => Err(unexpected(&other)),
        }
    }

    /// See frames of the D channel of a span.
    ///
    /// # Errors
    /// [`ClientError`]: refused by the daemon, connection lost, or not understood.
    pub fn trace(mut self, wish: TraceWish) -> Result<Tracing, ClientError> {
        match self.request(&Request::Trace(wish))? {
            Reply::Tracing(head) => Ok(Tracing { head, client: Some(self), ended: None }),
            other => Err(unexpected(&other)),
        }
    }

    fn read(&mut self, waits: Waits) -> Result<Said, ClientError> {
        let lost = |kind, why| ClientError::Lost { doing: "waiting for its answer", source: io::Error::new(kind, why) };
        let line = self.lines.next(&self.stream, waits).map_err(|no_line| match no_line {
            NoLine::Closed => lost(io::ErrorKind::UnexpectedEof, "it hung up"),
            NoLine::Idle | NoLine::Unfinished => lost(io::ErrorKind::TimedOut, "nothing came in time"),
            NoLine::TooLong => ClientError::Nonsense { what: format!("a line of more than {REPLY_LINE_MAX} octets") },
            NoLine::Io(source) => ClientError::Lost { doing: "waiting for its answer", source },
        })?;
        serde_json::from_slice(&line).map_err(|e| ClientError::Nonsense { what: e.to_string() })
    }
}

fn unexpected(reply: &Reply) -> ClientError {
    let what = match reply {
        Reply::Status(_) => "a status",
        Reply::Spans(_) => "spans",
        Reply::Channels(_) => "channels",
        Reply::Calls(_) => "calls",
        Reply::Events(_) => "events",
        Reply::Ports(_) => "ports",
        Reply::Conferences(_) => "conferences",
        Reply::Conference(_) => "a conference",
        Reply::Reserved(_) => "a reservation",
        Reply::Suspended(_) => "a suspension",
        Reply::Plan(_) => "a plan",
        Reply::Suspensions(_) => "suspensions",
        Reply::Findings(_) => "findings",
        Reply::Alarms(_) => "alarms",
        Reply::Performance(_) => "performance of lines",
        Reply::Test(_) => "a test",
        Reply::TestPlan(_) => "a plan of a test",
        Reply::Tests(_) => "tests",
        Reply::Checks(_) => "a self-test",
        Reply::Faults(_) => "faults",
        Reply::Watching => "the beginning of notices",
        Reply::Tracing(_) => "the beginning of a trace",
        Reply::Dialled { .. } => "the number of a call",
        Reply::ExchangeCalls(_) => "calls of the exchange",
        Reply::Done(_) => "word that it is done",
    };
    ClientError::Nonsense { what: format!("{what}, which was not asked for") }
}

/// Notices as they come. The iterator ends when the daemon says so; [`Watching::ended`] tells why.
pub struct Watching {
    client: Option<Client>,
    ended: Option<WatchEnd>,
}

impl Watching {
    /// Why the notices ended, when the daemon said so.
    #[must_use]
    pub fn ended(&self) -> Option<WatchEnd> {
        self.ended
    }
}

impl Iterator for Watching {
    type Item = Result<Notice, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let said = self.client.as_mut()?.read(Waits { idle: None, line: Some(ANSWER) });
        let item = match said {
            Ok(Said::Notice(notice)) => return Some(Ok(notice)),
            Ok(Said::End(why)) => {
                self.ended = Some(why);
                None
            }
            Ok(Said::Error(problem)) => Some(Err(ClientError::Refused(problem))),
            Ok(Said::Ok(reply)) => Some(Err(unexpected(&reply))),
            Ok(Said::Frame(_)) => Some(Err(ClientError::Nonsense { what: "a frame nobody asked for".into() })),
            Err(e) => Some(Err(e)),
        };
        self.client = None;
        item
    }
}

/// Frames as they come. The iterator ends when the daemon says so; [`Tracing::ended`] tells why.
pub struct Tracing {
    head: TraceHead,
    client: Option<Client>,
    ended: Option<WatchEnd>,
}

impl Tracing {
    /// Of what it is a trace.
    #[must_use]
    pub fn head(&self) -> &TraceHead {
        &self.head
    }

    /// Why the frames ended, when the daemon said so.
    #[must_use]
    pub fn ended(&self) -> Option<WatchEnd> {
        self.ended
    }
}

impl Iterator for Tracing {
    type Item = Result<TraceFrame, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = match self.client.as_mut()?.read(Waits { idle: None, line: Some(ANSWER) }) {
            Ok(Said::Frame(frame)) => return Some(Ok(frame)),
            Ok(Said::End(why)) => {
                self.ended = Some(why);
                None
            }
            Ok(Said::Error(problem)) => Some(Err(ClientError::Refused(problem))),
            Ok(Said::Ok(reply)) => Some(Err(unexpected(&reply))),
            Ok(Said::Notice(_)) => Some(Err(ClientError::Nonsense { what: "a notice nobody asked for".into() })),
            Err(e) => Some(Err(e)),
        };
        self.client = None;
        item
    }
}
