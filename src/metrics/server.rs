//! Answers scrapes: one thread, one connection at a time, every wait bounded.
//!
//! A scrape comes every few seconds from one or two machines, so they may queue. Who is slow to ask or to read is hung up
//! on after two seconds and holds the others up for no longer; the rest of the daemon never waits for any of them.
//!
//! Source: RFC 9112 for the messages; OpenMetrics 1.0 for the content type.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Octets of a request's head at most.
const HEAD_MOST: usize = 8192;
const FIELDS_MOST: usize = 64;

/// How long asking may take, and how long reading the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the thread looks whether it is to end, in milliseconds.
const BEAT_MS: u16 = 250;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The thread that answers scrapes.
pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listen at this address; `text` makes the answer to each scrape.
    ///
    /// # Errors
    /// When the address cannot be had, or no thread.
    pub fn bind(address: SocketAddr, text: impl Fn() -> String + Send + 'static) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread =
            std::thread::Builder::new().name("metrics".into()).spawn(move || serve(&listener, &stopped, &text))?;
        Ok(Server { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, stop: &AtomicBool, text: &dyn Fn() -> String) {
    while !stop.load(Relaxed) {
        let mut wait = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wait, PollTimeout::from(BEAT_MS)).is_err() {
            continue;
        }
        match listener.accept() {
            // Whoever hangs up early has decided so.
            Ok((stream, _)) => drop(answer(stream, stop, text)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            // Out of descriptors, for one: somebody will give some back.
            Err(_) => std::thread::sleep(Duration::from_millis(BEAT_MS.into())),
        }
    }
}

fn answer(mut stream: TcpStream, stop: &AtomicBool, text: &dyn Fn() -> String) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    let asked = request(&mut stream, stop)?;
    let (status, kind, body) = match &asked {
        Asked::Get(path) if path == "/metrics" => ("200 OK", OPEN_METRICS, text()),
        Asked::Get(path) if path == "/" => ("200 OK", PLAIN, "The metrics are at /metrics.\n".to_owned()),
        Asked::Get(_) => ("404 Not Found", PLAIN, "The metrics are at /metrics.\n".to_owned()),
        Asked::Other => ("405 Method Not Allowed", PLAIN, "GET only.\n".to_owned()),
        Asked::Nonsense => ("400 Bad Request", PLAIN, "No HTTP request.\n".to_owned()),
        Asked::TooLong => ("431 Request Header Fields Too Large", PLAIN, "Too long.\n".to_owned()),
    };
    let allow = if matches!(asked, Asked::Other) { "Allow: GET\r\n" } else { "" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}Connection: close\r\n\r\n"
    );
    write_all(&mut stream, (head + &body).as_bytes(), stop)
}

/// What was asked for.
enum Asked {
    /// GET of this path, without its query.
    Get(String),
    /// Another method.
    Other,
    /// No HTTP.
    Nonsense,
    /// A head without end.
    TooLong,
}

fn request(stream: &mut TcpStream, stop: &AtomicBool) -> io::Result<Asked> {
    let deadline = Instant::now() + PATIENCE;
    let mut octets = Vec::new();
    let mut some = [0; 1024];
    loop {
        let read = bounded(stream, deadline, stop, |stream| stream.read(&mut some))?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        octets.extend_from_slice(&some[..read]);
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MOST];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(&octets) {
            Ok(httparse::Status::Partial) if octets.len() >= HEAD_MOST => return Ok(Asked::TooLong),
            Ok(httparse::Status::Partial) => {}
            Ok(httparse::Status::Complete(_)) => {
                let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
                return Ok(if request.method == Some("GET") { Asked::Get(path.to_owned()) } else { Asked::Other });
            }
            Err(httparse::Error::TooManyHeaders) => return Ok(Asked::TooLong),
            Err(_) => return Ok(Asked::Nonsense),
        }
    }
}

fn write_all(stream: &mut TcpStream, mut octets: &[u8], stop: &AtomicBool) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !octets.is_empty() {
        let written = bounded(stream, deadline, stop, |stream| stream.write(octets))?;
        octets = &octets[written..];
    }
    Ok(())
}

/// Read or write some, until the deadline and no longer: also of somebody who sends an octet now and then.
fn bounded(
    stream: &mut TcpStream,
    deadline: Instant,
    stop: &AtomicBool,
    mut act: impl FnMut(&mut TcpStream) -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || stop.load(Relaxed) {
            return Err(ErrorKind::TimedOut.into());
        }
        let wait = Some(left.min(Duration::from_millis(BEAT_MS.into())));
        stream.set_read_timeout(wait)?;
        stream.set_write_timeout(wait)?;
        match act(stream) {
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            other => return other,
        }
    }
}
