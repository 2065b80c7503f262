//! The server: the socket, a thread for each connection, and the [`Handler`] that knows the answers.
//!
//! Looks after who may connect and ask for what ([`Admission`]; unless told otherwise the daemon's own user alone), how many, how long they may
//! dawdle and how much they may say. What a request means is the handler's business.
//!
//! Data path: socket → line → [`Request`] → [`Handler::handle`] → [`Reply`] or [`Problem`] → line → socket.
//! Time: all waits are in [`Limits`]. [`Server::stop`] returns within about two seconds.

use crate::bind::{self, Bound};
use crate::line::{LineReader, NoLine, Waits};
use crate::{
    Admission, Peer, Problem, ProblemKind, REQUEST_LINE_MAX, Reply, Request, Said, Subscription, TraceFeed, TraceWish,
    WatchEnd, decode_request,
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a watcher's connection is looked at when nothing happens.
const WATCH_BEAT: Duration = Duration::from_millis(250);

/// How long connections may take to finish what they are at when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// Whoever knows the answers: the daemon.
///
/// The methods are called from the threads of connections, several at a time.
pub trait Handler: Send + Sync {
    /// Carry out a request of somebody. [`Request::check`] has passed; [`Request::Watch`] and [`Request::Trace`] do not come here.
    ///
    /// # Errors
    /// Why it was not carried out; nothing is changed then.
    fn handle(&self, peer: &Peer, request: Request) -> Result<Reply, Problem>;

    /// Somebody wanted something that he may not: to be noted. Nothing is done, unless it is overridden.
    fn denied(&self, peer: &Peer, request: &Request) {
        let _ = (peer, request);
    }

    /// Somebody wants to be told what happens: a subscription to the daemon's [`crate::NoticeHub`].
    fn watch(&self) -> Subscription;

    /// Somebody wants to see frames of a D channel.
    ///
    /// # Errors
    /// Why he cannot. Unless it is overridden, because nothing is traced.
    fn trace(&self, wish: TraceWish) -> Result<Box<dyn TraceFeed>, Problem> {
        Err(Problem::unavailable(format!("nothing is traced here, span {} neither", wish.span)))
    }
}

/// How much is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; one more is answered `busy`.
    pub connections: usize,
    /// How long a connection may be silent before a request.
    pub idle: Duration,
    /// How long a request may take to arrive, from its first octet.
    pub line: Duration,
    /// How long a client may leave an answer unread.
    pub write: Duration,
}

impl Default for Limits {
    /// 32 connections; 60 s of silence, 10 s for a request, 10 s for an answer.
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits { connections: 32, idle: seconds(60), line: seconds(10), write: seconds(10) }
    }
}

/// A control socket that is served. Dropping it stops it.
pub struct Server {
    shared: Arc<Shared>,
    bound: Bound,
    acceptor: Option<JoinHandle<()>>,
    listener: UnixStream,
}

struct Shared {
    handler: Arc<dyn Handler>,
    limits: Limits,
    admission: Admission,
    stopping: AtomicBool,
    connections: Mutex<Connections>,
    gone: Condvar,
}

#[derive(Default)]
struct Connections {
    open: HashMap<u64, UnixStream>,
    last: u64,
}

impl Server {
    /// Offer a socket at `path` and answer with `handler`.
    ///
    /// A socket that a dead daemon left behind is replaced. Its directory must exist.
    ///
    /// # Errors
    /// `AddrInUse` when a daemon answers there already, `AlreadyExists` when something other than a socket
    /// is there; what else the system refuses. The message names the path.
    pub fn bind(path: &Path, handler: Arc<dyn Handler>) -> io::Result<Server> {
        Server::bind_with(path, handler, Limits::default(), Admission::default())
    }

    /// The same with other limits, and for others than the daemon's own user and root.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub fn bind_with(
        path: &Path,
        handler: Arc<dyn Handler>,
        limits: Limits,
        admission: Admission,
    ) -> io::Result<Server> {
        let (listener, bound) = bind::bind(path, admission.group)?;
        // The same socket once more, as the type that can be shut down: that wakes the acceptor.
        let waker = UnixStream::from(OwnedFd::from(listener.try_clone()?));
        let shared = Arc::new(Shared {
            handler,
            limits,
            admission,
            stopping: AtomicBool::new(false),
            connections: Mutex::default(),
            gone: Condvar::new(),
        });
        let acceptor = {
            let shared = shared.clone();
            thread::Builder::new().name("control".into()).spawn(move || shared.accept(&listener))
        };
        let acceptor = acceptor.inspect_err(|_| bound.remove())?;
        Ok(Server { shared, bound, acceptor: Some(acceptor), listener: waker })
    }

    /// Where it is offered.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.bound.path()
    }

    /// Take no more connections, let requests under way be answered, tell watchers, remove the socket.
    pub fn stop(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Removed first: a daemon started now finds no socket rather than a deaf one.
        self.bound.remove();
        // Both fail only on a socket that is closed, which is what is wanted.
        let _ = self.listener.shutdown(Shutdown::Both);
        let _ = acceptor.join();
        self.shared.say_goodbye();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// The table is whole at every moment, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        loop {
            let accepted = listener.accept();
            if self.stopping() {
                return;
            }
            match accepted {
                Ok((stream, _)) => self.admit(stream),
                Err(e) if matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) => {}
                // No descriptors or memory left: it may pass, and must not make this thread spin.
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: UnixStream) {
        let Ok(own) = stream.try_clone() else { return };
        if stream.set_write_timeout(Some(self.limits.write)).is_err() {
            return;
        }
        let slot = {
            let mut connections = self.lock();
            if connections.open.len() >= self.limits.connections {
                drop(connections);
                let problem = Problem::busy("too many connections to the control socket").with_hint("try again later");
                // The buffer of a new connection is empty, so this does not wait.
                let _ = say(&stream, &Said::Error(problem));
                return;
            }
            connections.last += 1;
            let id = connections.last;
            connections.open.insert(id, own);
            Slot { shared: self.clone(), id }
        };
        // Without a thread to serve it the connection closes; the slot goes with the closure.
        let _ = thread::Builder::new().name("control client".into()).spawn(move || slot.shared.serve(stream));
    }

    /// Takes the stream, so that it is closed before its place in the table is given back.
    fn serve(&self, stream: UnixStream) {
        let stream = &stream;
        let peer = Peer::of(stream);
        let mut lines = LineReader::new(REQUEST_LINE_MAX);
        let waits = Waits { idle: Some(self.limits.idle), line: Some(self.limits.line) };
        loop {
            let said = match lines.next(stream, waits) {
                Ok(line) => match decode_request(&line).and_then(|request| self.allow(&peer, request)) {
                    Ok(Request::Watch) => {
                        // Whatever goes wrong with the connection ends it, and nothing else.
                        let _ = self.serve_watch(stream);
                        return;
                    }
                    Ok(Request::Trace(wish)) => match self.begin_trace(wish) {
                        Ok(feed) => {
                            let _ = self.serve_trace(stream, feed);
                            return;
                        }
                        Err(problem) => Said::Error(problem),
                    },
                    Ok(request) => self.carry_out(&peer, request),
                    Err(problem) => Said::Error(problem),
                },
                Err(NoLine::TooLong) => {
                    let what = format!("a request is longer than {REQUEST_LINE_MAX} octets");
                    let _ = say(stream, &Said::Error(Problem::new(ProblemKind::TooLong, what)));
                    return;
                }
                Err(NoLine::Unfinished) => {
                    let _ = say(stream, &Said::Error(Problem::malformed("the request did not end in time")));
                    return;
                }
                Err(NoLine::Closed | NoLine::Idle | NoLine::Io(_)) => return,
            };
            if say(stream, &said).is_err() || self.stopping() {
                return;
            }
        }
    }

    fn allow(&self, peer: &Peer, request: Request) -> Result<Request, Problem> {
        let checked = self.admission.check(peer, &request);
        if checked.is_err() {
            // What became of the note changes nothing about the answer.
            let _ = catch_unwind(AssertUnwindSafe(|| self.handler.denied(peer, &request)));
        }
        checked.map(|()| request)
    }

    fn carry_out(&self, peer: &Peer, request: Request) -> Said {
        // One request that trips over a fault of ours must not cost the others their answers.
        match catch_unwind(AssertUnwindSafe(|| self.handler.handle(peer, request))) {
            Ok(Ok(reply)) => Said::Ok(reply),
            Ok(Err(problem)) => Said::Error(problem),
            Err(_) => Said::Error(Problem::internal("the daemon failed over this request; its log says where")),
        }
    }

    fn serve_watch(&self, stream: &UnixStream) -> io::Result<()> {
        let Ok(subscription) = catch_unwind(AssertUnwindSafe(|| self.handler.watch())) else {
            return say(stream, &Said::Error(Problem::internal("the daemon failed over this request")));
        };
        say(stream, &Said::Ok(Reply::Watching))?;
        loop {
            match subscription.next(WATCH_BEAT) {
                Ok(Some(notice)) => say(stream, &Said::Notice(notice.as_ref().clone()))?,
                Ok(None) if self.stopping() => return say(stream, &Said::End(WatchEnd::Shutdown)),
                Ok(None) if hung_up(stream) => return Ok(()),
                Ok(None) => {}
                Err(why) => return say(stream, &Said::End(why)),
            }
        }
    }

    fn begin_trace(&self, wish: TraceWish) -> Result<Box<dyn TraceFeed>, Problem> {
        let begun = catch_unwind(AssertUnwindSafe(|| self.handler.trace(wish)));
        begun.unwrap_or_else(|_| Err(Problem::internal("the daemon failed over this request")))
    }

    /// As with notices, a watcher who leaves frames unread blocks only this thread, and that for
    /// [`Limits::write`] at most; meanwhile his feed fills up, and ends.
    fn serve_trace(&self, stream: &UnixStream, mut feed: Box<dyn TraceFeed>) -> io::Result<()> {
        say(stream, &Said::Ok(Reply::Tracing(feed.head())))?;
        loop {
            match feed.next(WATCH_BEAT) {
                _ if self.stopping() => return say(stream, &Said::End(WatchEnd::Shutdown)),
                Ok(Some(frame)) => say(stream, &Said::Frame(frame))?,
                Ok(None) if hung_up(stream) => return Ok(()),
                Ok(None) => {}
                Err(why) => return say(stream, &Said::End(why)),
            }
        }
    }

    fn say_goodbye(&self) {
        let deadline = Instant::now() + FAREWELL;
        let mut connections = self.lock();
        for stream in connections.open.values() {
            // No more requests; what is being answered still goes out.
            let _ = stream.shutdown(Shutdown::Read);
        }
        while !connections.open.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.gone.wait_timeout(connections, left);
            connections = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        for stream in connections.open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A place in the table of connections, given back when its thread ends.
struct Slot {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.lock().open.remove(&self.id);
        self.shared.gone.notify_all();
    }
}

fn say(mut stream: &UnixStream, said: &Said) -> io::Result<()> {
    let mut line = serde_json::to_vec(said).map_err(io::Error::other)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Whether the other side has closed both ways. One that merely has no more to ask still listens.
fn hung_up(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::new(stream.as_fd(), PollFlags::empty())];
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    poll(&mut fds, PollTimeout::ZERO).is_ok() && fds[0].revents().is_some_and(|events| events.intersects(gone))
}
