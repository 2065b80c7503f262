//! A timeslot that a client has open, and the socket it was given for it.
//!
//! Data path: received chunk → pieces of the size the client asked for → its socket; its octets, or the
//! idle pattern → chunk to send. A timeslot with frames: one datagram a frame, both ways.
//! Time: one turn a tick; nothing waits. What a client does not read in time is lost to it, and what it
//! has not written in time is replaced by a whole chunk of the idle pattern, so that its octets are never
//! torn apart and the next ones come a chunk later: the delay settles at what the client needs.
//! Source: the client protocol of osmo-e1d.

use super::Counts;
use hal::{D_FRAME_MAX, DFrame, ErrorKind, SpanIndex, Timeslot, Traffic};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socketpair, sockopt::SndBuf,
};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// What the kernel may hold of a raw timeslot each way, besides four pieces of the size asked for. The
/// kernel counts its own overhead too: with chunks of 80 octets it comes to about a quarter of a second.
const SOCKET_BUFFER: usize = 8 * 1024;
/// Frames taken from a client in one tick; more than a D channel carries in that time.
const FRAMES_A_TICK: usize = 64;
const NOW: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_NOSIGNAL);

/// The client has closed its end.
#[derive(Debug)]
pub(crate) struct Closed;

/// A timeslot in use.
pub(crate) enum OpenTimeslot {
    Raw(Raw),
    Frames(Box<Frames>),
}

/// Octets as they are.
pub(crate) struct Raw {
    socket: OwnedFd,
    read_size: usize,
    outbox: Vec<u8>,
    inbox: Vec<u8>,
    /// The client has written before: from then on it is expected to.
    writes: bool,
}

/// Whole frames without check sequence.
pub(crate) struct Frames {
    socket: OwnedFd,
    /// A frame the span had no room for.
    waiting: Option<DFrame>,
}

impl OpenTimeslot {
    /// A raw timeslot, and the client's end of its socket.
    pub(crate) fn raw(read_size: u16) -> Result<(OpenTimeslot, OwnedFd), Errno> {
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
        let read_size = usize::from(read_size);
        for end in [&ours, &theirs] {
            setsockopt(end, SndBuf, &(SOCKET_BUFFER + 4 * read_size))?;
        }
        let raw = Raw { socket: ours, read_size, outbox: Vec::new(), inbox: Vec::new(), writes: false };
        Ok((OpenTimeslot::Raw(raw), theirs))
    }

    /// A timeslot of frames, and the client's end of its socket.
    pub(crate) fn frames() -> Result<(OpenTimeslot, OwnedFd), Errno> {
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((OpenTimeslot::Frames(Box::new(Frames { socket: ours, waiting: None })), theirs))
    }

    /// One tick, between begin and end.
    pub(crate) fn turn(&mut self, traffic: &mut dyn Traffic, at: Timeslot, counts: &Counts) -> Result<(), Closed> {
        match self {
            OpenTimeslot::Raw(raw) => {
                raw.receive(traffic.received(SpanIndex(0), at), counts)?;
                raw.send(traffic.to_send(SpanIndex(0), at), counts)
            }
            OpenTimeslot::Frames(frames) => {
                frames.receive(traffic, counts)?;
                frames.send(traffic, counts)
            }
        }
    }
}

impl Raw {
    fn receive(&mut self, chunk: &[u8], counts: &Counts) -> Result<(), Closed> {
        self.outbox.extend_from_slice(chunk);
        while self.outbox.len() >= self.read_size {
            let sent = match send(self.socket.as_raw_fd(), &self.outbox[..self.read_size], NOW) {
                Ok(sent) => sent,
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => 0,
                Err(_) => return Err(Closed),
            };
            counts.add(&counts.octets_lost, self.read_size - sent);
            self.outbox.drain(..self.read_size);
        }
        Ok(())
    }

    fn send(&mut self, chunk: &mut [u8], counts: &Counts) -> Result<(), Closed> {
        let mut octets = [0; hal::ChunkLength::MAX_SAMPLES];
        while let Some(missing @ 1..) = chunk.len().checked_sub(self.inbox.len()) {
            let room = missing.min(octets.len());
            match recv(self.socket.as_raw_fd(), &mut octets[..room], NOW) {
                Ok(0) => return Err(Closed),
                Ok(read) => self.inbox.extend_from_slice(&octets[..read]),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => return Err(Closed),
            }
            self.writes = true;
        }
        if self.inbox.len() >= chunk.len() {
            let rest = self.inbox.split_off(chunk.len());
            chunk.copy_from_slice(&self.inbox);
            self.inbox = rest;
        } else if self.writes {
            counts.add(&counts.underruns, 1);
        }
        Ok(())
    }
}

impl Frames {
    fn receive(&mut self, traffic: &mut dyn Traffic, counts: &Counts) -> Result<(), Closed> {
        for _ in 0..FRAMES_A_TICK {
            let Ok(Some(frame)) = traffic.receive_frame(SpanIndex(0)) else { break };
            match send(self.socket.as_raw_fd(), &frame, NOW) {
                Ok(_) => {}
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => counts.add(&counts.frames_lost, 1),
                Err(_) => return Err(Closed),
            }
        }
        Ok(())
    }

    fn send(&mut self, traffic: &mut dyn Traffic, counts: &Counts) -> Result<(), Closed> {
        for _ in 0..FRAMES_A_TICK {
            let frame = match self.waiting.take() {
                Some(frame) => frame,
                None => match self.next_frame(counts)? {
                    Some(frame) => frame,
                    None => break,
                },
            };
            match traffic.send_frame(SpanIndex(0), &frame) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Retry => {
                    self.waiting = Some(frame);
                    break;
                }
                Err(_) => counts.add(&counts.frames_lost, 1),
            }
        }
        Ok(())
    }

    fn next_frame(&mut self, counts: &Counts) -> Result<Option<DFrame>, Closed> {
        loop {
            // One octet more than fits, so that a longer frame shows instead of arriving cut short.
            let mut octets = [0; D_FRAME_MAX + 1];
            match recv(self.socket.as_raw_fd(), &mut octets, NOW) {
                Ok(0) if self.hung_up() => return Err(Closed),
                // More would read the same for ever, had the client only closed its writing half.
                Ok(0) => return Ok(None),
                Ok(length) => match DFrame::new(&octets[..length]) {
                    Some(frame) => return Ok(Some(frame)),
                    None => counts.add(&counts.frames_lost, 1),
                },
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(_) => return Err(Closed),
            }
        }
    }

    /// Reading nothing means the end, or a datagram of no octets.
    fn hung_up(&self) -> bool {
        let mut descriptors = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let polled = poll(&mut descriptors, PollTimeout::ZERO);
        polled.is_err() || descriptors[0].revents().is_none_or(|events| events.contains(PollFlags::POLLHUP))
    }
}
