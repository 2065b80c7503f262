//! A connection to osmo-e1d: timeslots are asked for, sockets come back, and events of the lines.
//!
//! Data path: the control socket → a descriptor for each timeslot opened.
//! Time: opening waits for the answer, `PATIENCE` at most; nothing else waits.

use crate::wire::{self, LineAddress, Message, Mode, PACKET_MAX};
use hal::Alarms;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, connect, recv, recvmsg, send, socket_with,
};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// How long an answer may take: the daemon does nothing slow.
const PATIENCE: Duration = Duration::from_secs(2);
/// Octets of the longest frame a D channel of the daemon carries.
pub const FRAME_MAX: usize = 264;

/// See the module. A timeslot opened through it stays open until its own socket is closed.
pub struct Connection {
    control: OwnedFd,
}

impl Connection {
    /// Connect to the daemon that listens here.
    ///
    /// # Errors
    /// The system's: `NotFound` or `ConnectionRefused` when nobody listens.
    pub fn open(path: &Path) -> io::Result<Connection> {
        let control = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        connect(&control, &SocketAddrUnix::new(path)?)?;
        set_socket_timeout(&control, Timeout::Recv, Some(PATIENCE))?;
        Ok(Connection { control })
    }

    /// Open a timeslot. Events that come before the answer are given to `event`.
    ///
    /// # Errors
    /// `AddrInUse` when the daemon refuses, which it does when another program has the timeslot or there is no such line; `Other`
    /// when it could not; `InvalidData` when the answer is none of this protocol or for another timeslot; the system's.
    pub fn timeslot(
        &self,
        at: LineAddress,
        timeslot: u8,
        mode: Mode,
        read_size: u16,
        mut event: impl FnMut(LineAddress, Alarms, bool),
    ) -> io::Result<OwnedFd> {
        send(&self.control, &wire::open(at, timeslot, mode, read_size), SendFlags::NOSIGNAL)?;
        loop {
            let mut octets = [0; PACKET_MAX];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut beside = RecvAncillaryBuffer::new(&mut space);
            let into = &mut [IoSliceMut::new(&mut octets)];
            let got = match recvmsg(&self.control, into, &mut beside, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => continue,
                other => other?,
            };
            if got.bytes == 0 {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let descriptor = beside.drain().find_map(|message| match message {
                RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
                _ => None,
            });
            match (wire::read(&octets[..got.bytes]), descriptor) {
                (Some(Message::Opened(which)), Some(descriptor)) if which == timeslot => {
                    rustix::io::ioctl_fionbio(&descriptor, true)?;
                    return Ok(descriptor);
                }
                (Some(Message::Alarm(at, alarm, came)), _) => event(at, alarm, came),
                (Some(Message::Refused), _) => return Err(io::ErrorKind::AddrInUse.into()),
                (Some(Message::Failed), _) => {
                    return Err(io::Error::other("osmo-e1d could not open it; its log says why"));
                }
                (Some(Message::Other), _) => {}
                (Some(Message::Opened(_)) | None, _) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// The next event, if there is one; without waiting.
    ///
    /// # Errors
    /// `ConnectionReset` when the daemon has gone; the system's.
    pub fn next_event(&self) -> io::Result<Option<(LineAddress, Alarms, bool)>> {
        let mut octets = [0; PACKET_MAX];
        loop {
            match recv(&self.control, &mut octets, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(io::ErrorKind::ConnectionReset.into()),
                Ok((length, _)) => {
                    if let Some(Message::Alarm(at, alarm, came)) = wire::read(&octets[..length]) {
                        return Ok(Some((at, alarm, came)));
                    }
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }
}

/// The D channel alone, for a far end that only signals.
pub struct DChannelSocket {
    frames: OwnedFd,
    _connection: Connection,
}

impl DChannelSocket {
    /// Take the D channel of the first line behind this socket.
    ///
    /// # Errors
    /// As for [`Connection::open`] and [`Connection::timeslot`].
    pub fn open(path: &Path, timeslot: u8) -> io::Result<DChannelSocket> {
        let connection = Connection::open(path)?;
        let at = LineAddress { interface: 0, line: 0 };
        let frames = connection.timeslot(at, timeslot, Mode::HdlcFcs, FRAME_MAX as u16, |_, _, _| {})?;
        Ok(DChannelSocket { frames, _connection: connection })
    }

    /// Send a frame; false: the line cannot take it now, or not any more.
    #[must_use]
    pub fn send(&self, frame: &[u8]) -> bool {
        send(&self.frames, frame, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).is_ok()
    }

    /// The next frame, if there is one.
    #[must_use]
    pub fn receive(&self) -> Option<Vec<u8>> {
        let mut octets = [0; FRAME_MAX];
        let (length, _) = recv(&self.frames, &mut octets, RecvFlags::DONTWAIT).ok().filter(|(n, _)| *n > 0)?;
        Some(octets[..length].to_vec())
    }
}

impl AsFd for DChannelSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.frames.as_fd()
    }
}
