//! The D channel of a span whose far end is a socket, for a far end that only signals.
//!
//! Data path: the control socket of a span (`far_end = "socket"`) → a descriptor of its D channel → frames without check sequence.
//! Time: none; nothing waits but for an answer to the request.
//! Source: the client protocol of osmo-e1d; see `board_loopback::e1d`.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, connect, recv, recvmsg, send, socket_with,
};
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

const MAGIC: u16 = 0x01e1;
const TIMESLOT_OPEN: u8 = 0x04;
const RESPONSE: u8 = 0x80;
const ERROR: u8 = 0xc0;
const EVENT: u8 = 0x40;
const HDLC: u8 = 0x11;
/// Octets of the longest frame.
const FRAME_MAX: usize = 264;

/// See the module. Dropped, the far end is gone.
pub struct DChannelSocket {
    frames: OwnedFd,
    /// As long as it is open, the timeslot is.
    _control: OwnedFd,
}

impl DChannelSocket {
    /// Becomes the far end of the only span behind this socket.
    ///
    /// # Errors
    /// When nobody listens there, or somebody else has the D channel.
    pub fn open(path: &Path, timeslot: u8) -> Result<DChannelSocket, Errno> {
        let control = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        connect(&control, &SocketAddrUnix::new(path)?)?;
        let size = (FRAME_MAX as u16).to_ne_bytes();
        let mut request = Vec::from(MAGIC.to_ne_bytes());
        request.extend(12u16.to_ne_bytes());
        request.extend([TIMESLOT_OPEN, 0, 0, timeslot, HDLC, 0, size[0], size[1]]);
        send(&control, &request, SendFlags::NOSIGNAL)?;
        let frames = answer(&control)?;
        Ok(DChannelSocket { frames, _control: control })
    }

    /// Sends a frame; false: the span cannot take it now, or not any more.
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

/// The answer to the request; events of the line that come before it are passed over.
fn answer(control: &OwnedFd) -> Result<OwnedFd, Errno> {
    loop {
        let mut octets = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        recvmsg(control, &mut [IoSliceMut::new(&mut octets)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        let descriptor = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
            _ => None,
        });
        match (octets[4], descriptor) {
            (kind, Some(descriptor)) if kind == TIMESLOT_OPEN | RESPONSE => return Ok(descriptor),
            (kind, _) if kind & ERROR == EVENT => {}
            _ => return Err(Errno::BUSY),
        }
    }
}
