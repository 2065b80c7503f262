//! A started line: the chunk of a tick, and how far ahead of the line we write.
//!
//! **The reserve.** The daemon takes from each timeslot's socket what the line needs and fills with what it likes when there is too
//! little; it does not say so. Nor can the socket be asked how much waits in it. But the line takes as many octets as it brings: with
//! a chunk answered for each one read, what waits is what was written ahead at the start, the reserve. When we were late by more than
//! that, as the chunks that have gathered show, the line has run dry and taken filling for the rest. So of the chunks gathered only
//! the first is answered, and the next that comes in time is answered after a fresh reserve: the delay is then at most a tick longer
//! than it was at the start, however often that happens.
//!
//! Data path: sockets ↔ [`Chunks`].
//! Time: none of its own.

use crate::wire::LineAddress;
use board_spans::{BoardSpan, Chunks, Look};
use hal::{Alarms, ChunkLength, D_FRAME_MAX, DFrame, Error, ErrorKind, FrameFault, Line, Timeslot};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};

/// Chunks that may have gathered; older ones are nobody's any more.
const GATHERED: usize = 4;

/// What both halves of a card know of a line.
#[derive(Default)]
pub(crate) struct LineState {
    alarms: AtomicU16,
    pub(crate) slips: AtomicU64,
    pub(crate) underruns: AtomicU64,
    pub(crate) bad_frames: AtomicU64,
}

impl LineState {
    pub(crate) fn alarms(&self) -> Alarms {
        Alarms::from_bits_truncate(self.alarms.load(Relaxed))
    }

    pub(crate) fn set_alarm(&self, alarm: Alarms, came: bool) {
        let mut alarms = self.alarms();
        alarms.set(alarm, came);
        self.alarms.store(alarms.bits(), Relaxed);
    }
}

/// A raw timeslot.
pub(crate) struct Bearer {
    timeslot: Timeslot,
    socket: OwnedFd,
    /// Octets of the chunk that is coming.
    filled: usize,
    reserved: bool,
}

impl Bearer {
    pub(crate) fn new(timeslot: Timeslot, socket: OwnedFd) -> Bearer {
        Bearer { timeslot, socket, filled: 0, reserved: false }
    }
}

/// See the module.
pub(crate) struct Span {
    at: LineAddress,
    chunks: Chunks,
    reserve: usize,
    bearers: Vec<Bearer>,
    d_channel: Option<OwnedFd>,
    state: Arc<LineState>,
    taken: bool,
    /// Chunks taken since there was none.
    gathered: usize,
    begun: bool,
    slipped: bool,
}

impl Span {
    pub(crate) fn new(
        (at, line): (LineAddress, Line),
        (samples, reserve): (usize, usize),
        bearers: Vec<Bearer>,
        d_channel: Option<OwnedFd>,
        state: Arc<LineState>,
    ) -> Span {
        Span {
            at,
            chunks: Chunks::new(line, samples),
            reserve,
            bearers,
            d_channel,
            state,
            taken: false,
            gathered: 0,
            begun: false,
            slipped: false,
        }
    }

    pub(crate) fn state(&self) -> &LineState {
        &self.state
    }

    /// The lead's: the daemon serves timeslots in order, so the last has its octets last.
    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.bearers.last().map(|lead| lead.socket.as_raw_fd())
    }

    pub(crate) fn at(&self) -> LineAddress {
        self.at
    }

    fn answer(&mut self, bearer: usize) -> io::Result<()> {
        if !std::mem::replace(&mut self.bearers[bearer].reserved, true) {
            let idle = [self.chunks.idle_octet(); ChunkLength::MAX_SAMPLES];
            let mut left = self.reserve;
            while left > 0 {
                let octets = left.min(idle.len());
                self.write(bearer, &idle[..octets])?;
                left -= octets;
            }
        }
        let chunk = self.chunks.copy_to_send(self.bearers[bearer].timeslot);
        self.write(bearer, &chunk[..self.chunks.samples()])
    }

    /// Throw away what has gathered on every timeslot: it is nobody's.
    fn throw_away(&mut self) -> io::Result<()> {
        let mut octets = [0; 4096];
        for bearer in &mut self.bearers {
            (bearer.filled, bearer.reserved) = (0, false);
            while read_some(&bearer.socket, &mut octets)? == Some(octets.len()) {}
        }
        Ok(())
    }

    /// Read towards the bearer's chunk; whether it is whole.
    fn read(&mut self, bearer: usize) -> io::Result<bool> {
        let bearer = &mut self.bearers[bearer];
        let chunk = self.chunks.received_mut(bearer.timeslot);
        while bearer.filled < chunk.len() {
            match read_some(&bearer.socket, &mut chunk[bearer.filled..])? {
                Some(octets) => bearer.filled += octets,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn write(&mut self, bearer: usize, octets: &[u8]) -> io::Result<()> {
        match send(&self.bearers[bearer].socket, octets, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(_) => Ok(()),
            // The daemon does not read: what it would get later is late.
            Err(Errno::AGAIN | Errno::INTR | Errno::NOBUFS) => {
                self.slipped = true;
                Ok(())
            }
            Err(errno) => Err(errno.into()),
        }
    }
}

impl BoardSpan for Span {
    fn is_taken(&self) -> bool {
        self.taken
    }

    fn look(&mut self) -> io::Result<Look> {
        if self.taken {
            return Ok(Look::Taken);
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.throw_away()?;
        }
        let mut missing = false;
        for bearer in 0..self.bearers.len() {
            missing |= !self.read(bearer)?;
        }
        if missing {
            self.gathered = 0;
            return Ok(Look::Waiting);
        }
        for bearer in &mut self.bearers {
            bearer.filled = 0;
        }
        if !self.state.alarms().usable() {
            self.chunks.silence_received();
        }
        self.gathered += 1;
        self.taken = true;
        if self.gathered > GATHERED {
            self.gathered = 0;
            self.slipped = true;
            self.throw_away()?;
        }
        Ok(Look::Taken)
    }

    fn give_up(&mut self) {
        self.chunks.silence_received();
        for bearer in &mut self.bearers {
            bearer.filled = 0;
        }
        self.gathered = 0;
    }

    /// Hand over what was written, unless more has gathered than the reserve bridged.
    fn end(&mut self) -> io::Result<()> {
        let taken = std::mem::take(&mut self.taken);
        let late = self.gathered.saturating_sub(1) * self.chunks.samples() > self.reserve;
        if taken && late {
            self.state.underruns.fetch_add(1, Relaxed);
            self.slipped = true;
        }
        for bearer in 0..self.bearers.len() {
            if !taken || late {
                self.bearers[bearer].reserved &= !late;
                continue;
            }
            self.answer(bearer)?;
        }
        self.chunks.clear_to_send();
        Ok(())
    }

    fn receive_frame(&mut self, lost: &mut dyn FnMut(FrameFault)) -> io::Result<Option<DFrame>> {
        let Some(socket) = &self.d_channel else { return Ok(None) };
        loop {
            // One octet more than fits, so that a longer frame shows.
            let mut octets = [0; D_FRAME_MAX + 1];
            match recv(socket, &mut octets, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(io::ErrorKind::ConnectionReset.into()),
                Ok((length, _)) => match DFrame::new(&octets[..length]) {
                    Some(frame) => return Ok(Some(frame)),
                    None => {
                        self.state.bad_frames.fetch_add(1, Relaxed);
                        lost(FrameFault::TooLong);
                    }
                },
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn send_frame(&mut self, frame: &[u8], _lost: &mut dyn FnMut(FrameFault)) -> Result<(), Error> {
        const SEND: &str = "send a D-channel frame";
        let Some(socket) = &self.d_channel else {
            return Err(Error::new(ErrorKind::Unsupported, "send a frame on a span without a D channel"));
        };
        if frame.len() > D_FRAME_MAX {
            return Err(Error::new(ErrorKind::Unsupported, "send so long a D-channel frame"));
        }
        send(socket, frame, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).map(drop).map_err(|errno| {
            let passing = matches!(errno, Errno::AGAIN | Errno::INTR | Errno::NOBUFS);
            let kind = if passing { ErrorKind::Retry } else { ErrorKind::Reopen };
            Error::io(kind, SEND, errno.into())
        })
    }

    fn take_slip(&mut self) -> bool {
        let slipped = std::mem::take(&mut self.slipped);
        self.state.slips.fetch_add(u64::from(slipped), Relaxed);
        slipped
    }

    fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    fn chunks_mut(&mut self) -> &mut Chunks {
        &mut self.chunks
    }

    fn alarms(&self) -> Alarms {
        self.state.alarms()
    }
}

/// Octets that are there; none: the daemon has closed it, which is an error.
fn read_some(socket: &OwnedFd, octets: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match recv(socket, &mut *octets, RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Err(io::ErrorKind::ConnectionReset.into()),
            Ok((length, _)) => return Ok(Some(length)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
