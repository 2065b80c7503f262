//! A started line: the chunk of a tick, and how far ahead of the line we write.
//!
//! **The reserve.** The daemon takes from each timeslot's socket what the line needs and fills with what it likes when there is too
//! little; it does not say so. Nor can the socket be asked how much waits in it. But the line takes as many octets as it brings: with
//! a chunk answered for each one read, what waits is what was written ahead at the start, the reserve. When we were late by more than
//! that, as the chunks that have gathered show, the line has run dry and taken filling for the rest. So of the chunks gathered only
//! the first is answered, and the next that comes in time is answered after a fresh reserve: the delay is then at most a tick longer
//! than it was at the start, however often that happens.
//!
//! Data path: sockets ↔ one buffer a direction for all timeslots.
//! Time: none of its own.

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
    line: Line,
    samples: usize,
    reserve: usize,
    bearers: Vec<Bearer>,
    d_channel: Option<OwnedFd>,
    received: Box<[u8]>,
    to_send: Box<[u8]>,
    state: Arc<LineState>,
    taken: bool,
    /// Chunks taken since there was none.
    gathered: usize,
    begun: bool,
    slipped: bool,
}

impl Span {
    pub(crate) fn new(
        line: Line,
        (samples, reserve): (usize, usize),
        bearers: Vec<Bearer>,
        d_channel: Option<OwnedFd>,
        state: Arc<LineState>,
    ) -> Span {
        let idle = || vec![line.idle_octet(); usize::from(line.timeslots()) * samples].into_boxed_slice();
        Span {
            line,
            samples,
            reserve,
            bearers,
            d_channel,
            received: idle(),
            to_send: idle(),
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

    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Look for a chunk of every timeslot, and take it in; whether it is there.
    pub(crate) fn look(&mut self) -> io::Result<bool> {
        if self.taken {
            return Ok(true);
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
            return Ok(false);
        }
        for bearer in &mut self.bearers {
            bearer.filled = 0;
        }
        if !self.state.alarms().usable() {
            self.received.fill(self.line.idle_octet());
        }
        self.gathered += 1;
        self.taken = true;
        if self.gathered > GATHERED {
            self.gathered = 0;
            self.slipped = true;
            self.throw_away()?;
        }
        Ok(true)
    }

    /// Others have their chunks: this one goes on with idle.
    pub(crate) fn give_up(&mut self) {
        self.received.fill(self.line.idle_octet());
        for bearer in &mut self.bearers {
            bearer.filled = 0;
        }
        self.gathered = 0;
    }

    /// Hand over what was written, unless more has gathered than the reserve bridged.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        let taken = std::mem::take(&mut self.taken);
        let late = self.gathered.saturating_sub(1) * self.samples > self.reserve;
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
        self.to_send.fill(self.line.idle_octet());
        Ok(())
    }

    fn answer(&mut self, bearer: usize) -> io::Result<()> {
        let place = self.place(self.bearers[bearer].timeslot);
        if !std::mem::replace(&mut self.bearers[bearer].reserved, true) {
            let idle = [self.line.idle_octet(); ChunkLength::MAX_SAMPLES];
            let mut left = self.reserve;
            while left > 0 {
                let octets = left.min(idle.len());
                self.write(bearer, &idle[..octets])?;
                left -= octets;
            }
        }
        let mut chunk = [0; ChunkLength::MAX_SAMPLES];
        let chunk = &mut chunk[..self.samples];
        chunk.copy_from_slice(&self.to_send[place]);
        self.write(bearer, chunk)
    }

    pub(crate) fn received(&self, timeslot: Timeslot) -> &[u8] {
        self.received.get(self.place(timeslot)).unwrap_or(&[])
    }

    pub(crate) fn outgoing(&mut self, timeslot: Timeslot) -> &mut [u8] {
        let place = self.place(timeslot);
        self.to_send.get_mut(place).unwrap_or(&mut [])
    }

    /// The next frame of the D channel; `lost` is told of one that is too long.
    pub(crate) fn receive_frame(&mut self, mut lost: impl FnMut(FrameFault)) -> io::Result<Option<DFrame>> {
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

    /// Send a frame.
    pub(crate) fn send_frame(&mut self, frame: &[u8]) -> Result<(), Error> {
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

    /// Whether a chunk was lost since this was last asked.
    pub(crate) fn take_slip(&mut self) -> bool {
        let slipped = std::mem::take(&mut self.slipped);
        self.state.slips.fetch_add(u64::from(slipped), Relaxed);
        slipped
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
        let place = self.place(self.bearers[bearer].timeslot);
        let bearer = &mut self.bearers[bearer];
        while bearer.filled < self.samples {
            let rest = place.start + bearer.filled..place.end;
            match read_some(&bearer.socket, &mut self.received[rest])? {
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

    fn place(&self, timeslot: Timeslot) -> std::ops::Range<usize> {
        let start = usize::from(timeslot.0).wrapping_sub(1).wrapping_mul(self.samples);
        start..start.wrapping_add(self.samples)
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
