//! Far ends of spans, offered to other programs on a socket.
//!
//! Any program that speaks the client protocol of osmo-e1d can be the exchange (or the terminal) at the
//! far end: it opens timeslots and gets a socket for each. Messages are in `wire`, the thread in
//! `server`, a line in `line`, a timeslot's socket in `timeslot`.
//!
//! Data path: [`FarEnd`] ↔ timeslots' sockets ↔ another program.
//! Time: the server's own timer, 10 ms a tick; the span's conserved samples absorb its jitter.
//! Source: the client protocol of osmo-e1d: a SOCK_SEQPACKET control socket; raw timeslots on a stream
//! socket, D channels on a packet socket with one frame a datagram and no check sequence.

mod line;
mod server;
mod timeslot;
mod wire;

use crate::card::FarEnd;
use hal::{Alarms, Error, ErrorKind};
use line::ServedLine;
use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket};
use nix::sys::stat::{Mode, fchmod};
use server::Service;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

/// What the server has counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounts {
    /// Control connections now.
    pub clients: u64,
    /// Timeslots open now.
    pub open_timeslots: u64,
    /// Octets of raw timeslots that a client did not read in time.
    pub octets_lost: u64,
    /// Chunks of the idle pattern sent because a client that writes had not written enough.
    pub underruns: u64,
    /// D-channel frames that a client did not read in time, that were too long, or that the span in alarm
    /// could not carry.
    pub frames_lost: u64,
}

/// The same, while they are counted.
#[derive(Default)]
pub(crate) struct Counts {
    clients: AtomicU64,
    open_timeslots: AtomicU64,
    octets_lost: AtomicU64,
    underruns: AtomicU64,
    frames_lost: AtomicU64,
}

impl Counts {
    fn add(&self, counter: &AtomicU64, number: usize) {
        counter.fetch_add(number as u64, Ordering::Relaxed);
    }

    fn set(&self, counter: &AtomicU64, number: usize) {
        counter.store(number as u64, Ordering::Relaxed);
    }
}

/// A running server. Dropped, it stops and removes its socket.
pub struct Server {
    path: PathBuf,
    stop: Arc<EventFd>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Offer these far ends as lines 0, 1, … of interface 0 on a socket at `path`, which only the owner
    /// of this process can use (mode 0600). A socket left over by a process that has gone is replaced.
    ///
    /// # Errors
    /// `GiveUp` when the path is in use by another process or is something other than a socket, or the
    /// system refuses a socket or a thread.
    pub fn spawn(path: impl Into<PathBuf>, far_ends: Vec<FarEnd>) -> Result<Server, Error> {
        let path = path.into();
        let failed = |source| Error::io(ErrorKind::GiveUp, "offer far ends on an e1d socket", source);
        if far_ends.len() >= usize::from(wire::ANY) {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "more lines than the protocol numbers")));
        }
        let stop = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        let stop = Arc::new(stop.map_err(|errno| failed(errno.into()))?);
        let listener = listener(&path).map_err(failed)?;
        let counts = Arc::new(Counts::default());
        let lines = far_ends.into_iter().map(ServedLine::new).collect();
        let service = Service::new(listener, Arc::clone(&stop), lines, Arc::clone(&counts));
        let thread = std::thread::Builder::new().name("e1d".into()).spawn(move || service.run()).map_err(failed)?;
        Ok(Server { path, stop, counts, thread: Some(thread) })
    }

    /// Where the socket is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The counts now (those of clients and timeslots as of the last tick).
    #[must_use]
    pub fn counts(&self) -> ServerCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServerCounts {
            clients: read(&self.counts.clients),
            open_timeslots: read(&self.counts.open_timeslots),
            octets_lost: read(&self.counts.octets_lost),
            underruns: read(&self.counts.underruns),
            frames_lost: read(&self.counts.frames_lost),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let told = self.stop.write(1);
        if let (Some(thread), Ok(_)) = (self.thread.take(), told) {
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// The event that an alarm came and the one that it went, for those the protocol has.
pub(crate) fn alarm_events(alarm: Alarms) -> Option<(u8, u8)> {
    match alarm {
        Alarms::LOS => Some((0x40, 0x41)),
        Alarms::AIS => Some((0x42, 0x43)),
        Alarms::RAI => Some((0x44, 0x45)),
        Alarms::LOF => Some((0x46, 0x47)),
        _ => None,
    }
}

fn listener(path: &Path) -> io::Result<UnixListener> {
    let address = UnixAddr::new(path)?;
    remove_leftover(path, &address)?;
    let descriptor = packet_socket()?;
    // Before binding: the file system entry takes its mode from the socket, so that there is no moment
    // in which others could connect.
    fchmod(&descriptor, Mode::S_IRUSR | Mode::S_IWUSR)?;
    bind(descriptor.as_raw_fd(), &address)?;
    listen(&descriptor, Backlog::new(16)?)?;
    // The standard library's listener owns what it accepts; it does not mind that these are packets.
    let listener = UnixListener::from(descriptor);
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Remove a socket nobody listens on.
fn remove_leftover(path: &Path, address: &UnixAddr) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the path is there and is no socket"));
    }
    match connect(packet_socket()?.as_raw_fd(), address) {
        Err(Errno::ECONNREFUSED) => fs::remove_file(path),
        Err(Errno::ENOENT) => Ok(()),
        // It answers, or is of another kind, or full: in any case somebody's.
        _ => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on the socket")),
    }
}

fn packet_socket() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
}
