//! A started span: its channels, the chunk of a tick, and the buffers of the driver.
//!
//! **The policy of the buffers.** The driver fills a buffer of one tick and lets us have it; at that moment what it has still to send
//! is the *reserve*. We answer within the tick, so that a sample leaves one tick and the reserve after it came. A tick that is late by
//! more than the reserve leaves the driver with nothing to send: it sends idle, and what we write next would be that much later for
//! ever. So after an underrun, or after samples were lost for want of a buffer, the span begins *afresh* with the first tick that is
//! in time again: what waits to be sent is thrown away and the reserve is laid anew. The delay is then what it was at the start. Four
//! buffers in each direction let a tick be late by three others before samples that arrive are lost.
//!
//! **The lead.** The driver serves the channels of a span in order, so the last bearer channel is the last to have its chunk: when it
//! can be read, so can the others.
//!
//! Data path: the driver's channels ↔ [`Chunks`].
//! Time: none of its own.

use crate::abi::{self, Buffers, event};
use crate::driver::{Node, Request};
use crate::find;
use crate::meaning;
use board_spans::{BoardSpan, Chunks, Look};
use hal::{Alarms, D_FRAME_MAX, DFrame, Error, ErrorKind, FrameFault, Line, Timeslot};
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Buffers of a bearer channel in each direction.
const BEARER_BUFFERS: i32 = 4;
/// Buffers of a D channel in each direction, and their octets: the driver's most.
const FRAME_BUFFERS: i32 = 32;
const FRAME_OCTETS: i32 = 1024;
/// Octets of the frame check sequence.
const FCS: usize = 2;
/// Events of a channel taken in at a time; the driver keeps no more.
const EVENTS: usize = 64;
/// Frames thrown away at a time, so that garbage cannot hold a tick up.
const ATTEMPTS: usize = 8;

/// What both halves of a card know of a span.
#[derive(Default)]
pub(crate) struct SpanState {
    alarms: AtomicU16,
    /// Timeslots looped to the network, as bits: the driver does it while we write nothing.
    pub(crate) looped: AtomicU32,
    pub(crate) slips: AtomicU64,
    pub(crate) underruns: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) wrong_fcs: AtomicU64,
    pub(crate) other_bad: AtomicU64,
}

impl SpanState {
    pub(crate) fn set_alarms(&self, alarms: Alarms) {
        self.alarms.store(alarms.bits(), Relaxed);
    }

    pub(crate) fn alarms(&self) -> Alarms {
        Alarms::from_bits_truncate(self.alarms.load(Relaxed))
    }

    fn is_looped(&self, timeslot: Timeslot) -> bool {
        self.looped.load(Relaxed) & (1 << timeslot.0) != 0
    }
}

/// An open channel.
pub(crate) struct Channel {
    pub(crate) timeslot: Timeslot,
    pub(crate) node: Arc<dyn Node>,
}

/// What a channel had to say.
#[derive(Default)]
struct Said {
    removed: bool,
    alarms: bool,
    late: bool,
}

/// See the module.
pub(crate) struct Span {
    number: i32,
    chunks: Chunks,
    reserve: usize,
    /// By timeslot; the last leads.
    bearers: Vec<Channel>,
    d_channel: Option<Channel>,
    state: Arc<SpanState>,
    taken: bool,
    still: bool,
    /// There was nothing when we last looked: the chunk that comes next is in time.
    in_time: bool,
    /// The buffers are to be set right, with the next tick in time.
    afresh: bool,
    /// This tick learnt that: it was late itself.
    late: bool,
    begun: bool,
    slipped: bool,
    alarms_stale: bool,
}

impl Span {
    pub(crate) fn new(
        (number, line): (i32, Line),
        (samples, reserve): (usize, usize),
        bearers: Vec<Channel>,
        d_channel: Option<Channel>,
        state: Arc<SpanState>,
    ) -> Span {
        Span {
            number,
            chunks: Chunks::new(line, samples),
            reserve,
            bearers,
            d_channel,
            state,
            taken: false,
            still: false,
            in_time: false,
            afresh: false,
            late: false,
            begun: false,
            slipped: false,
            alarms_stale: true,
        }
    }

    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.bearers.last().map(|lead| lead.node.descriptor())
    }

    /// Ask the driver for the alarms, if it has said that they changed.
    pub(crate) fn refresh_alarms(&mut self, control: &dyn Node) {
        if std::mem::take(&mut self.alarms_stale)
            && let Ok(info) = find::status(control, self.number)
        {
            self.state.set_alarms(meaning::alarms(info.alarms));
        }
    }

    /// The first look: what has gathered since the start is nobody's.
    fn begin(&mut self) -> io::Result<()> {
        // In order, so that the lead's buffer is the last to fill.
        for bearer in 0..self.bearers.len() {
            self.bearers[bearer].node.request(Request::Flush(abi::FLUSH_RECEIVED | abi::FLUSH_SEND))?;
            self.lay_reserve(bearer)?;
            // The chunk of the tick that is gathering now.
            self.write(bearer)?;
        }
        self.begun = true;
        Ok(())
    }

    fn lay_reserve(&mut self, bearer: usize) -> io::Result<()> {
        let idle = [self.chunks.idle_octet(); hal::ChunkLength::MAX_SAMPLES];
        let mut left = self.reserve;
        while left > 0 {
            let octets = left.min(self.chunks.samples());
            if !self.write_octets(bearer, &idle[..octets])? {
                break;
            }
            left -= octets;
        }
        Ok(())
    }

    /// Read a bearer's chunk into its place; false: there is none.
    fn read(&mut self, bearer: usize) -> io::Result<bool> {
        let timeslot = self.bearers[bearer].timeslot;
        let length =
            self.past_events(bearer, |span| span.bearers[bearer].node.read(span.chunks.received_mut(timeslot)))?;
        if let Some(length) = length {
            let (idle, chunk) = (self.chunks.idle_octet(), self.chunks.received_mut(timeslot));
            let whole = length.min(chunk.len());
            chunk[whole..].fill(idle);
        }
        Ok(length.is_some())
    }

    /// Write a bearer's chunk; false: there was no room.
    fn write(&mut self, bearer: usize) -> io::Result<bool> {
        let chunk = self.chunks.copy_to_send(self.bearers[bearer].timeslot);
        self.write_octets(bearer, &chunk[..self.chunks.samples()])
    }

    fn write_octets(&mut self, bearer: usize, octets: &[u8]) -> io::Result<bool> {
        Ok(self.past_events(bearer, |span| span.bearers[bearer].node.write(octets))?.is_some())
    }

    /// Ask the driver, once more when events were in the way; none: it cannot now.
    fn past_events(
        &mut self,
        bearer: usize,
        mut ask: impl FnMut(&mut Span) -> io::Result<usize>,
    ) -> io::Result<Option<usize>> {
        for _ in 0..2 {
            match ask(self) {
                Ok(octets) => return Ok(Some(octets)),
                Err(error) if meaning::is_event(&error) => self.bearer_events(bearer)?,
                Err(error) if passing(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn bearer_events(&mut self, bearer: usize) -> io::Result<()> {
        let node = Arc::clone(&self.bearers[bearer].node);
        self.events(&*node, &mut |_| {})
    }

    /// Take in the events of a channel; until that is done the driver lets nothing through.
    fn events(&mut self, node: &dyn Node, lost: &mut dyn FnMut(FrameFault)) -> io::Result<()> {
        let mut said = Said::default();
        for _ in 0..EVENTS {
            let mut event = event::NONE;
            node.request(Request::Event(&mut event))?;
            match event {
                event::NONE => break,
                event::ALARM | event::NO_ALARM => said.alarms = true,
                event::ABORT => self.lose(FrameFault::Abort, lost),
                event::BAD_FCS => self.lose(FrameFault::BadFcs, lost),
                event::OVERRUN => self.lose(FrameFault::Overrun, lost),
                event::REMOVED => said.removed = true,
                event::READ_OVERRUN => said.late = true,
                event::WRITE_UNDERRUN => {
                    self.state.underruns.fetch_add(1, Relaxed);
                    said.late = true;
                }
                // Of channels with other signalling.
                _ => {}
            }
        }
        self.alarms_stale |= said.alarms;
        // Before the first tick nobody was there to be in time.
        self.late |= said.late && self.begun;
        self.afresh |= self.late;
        if said.removed { Err(io::Error::from_raw_os_error(libc::ENODEV)) } else { Ok(()) }
    }

    fn lose(&self, fault: FrameFault, lost: &mut dyn FnMut(FrameFault)) {
        let counter = match fault {
            FrameFault::Abort => &self.state.aborted,
            FrameFault::BadFcs => &self.state.wrong_fcs,
            FrameFault::Overrun | FrameFault::TooLong => &self.state.other_bad,
        };
        counter.fetch_add(1, Relaxed);
        lost(fault);
    }
}

impl BoardSpan for Span {
    fn look(&mut self) -> io::Result<Look> {
        if self.taken {
            return Ok(Look::Taken);
        }
        if !self.begun {
            self.begin()?;
        }
        let Some(lead) = self.bearers.len().checked_sub(1) else { return Ok(Look::Still) };
        if !self.read(lead)? {
            self.in_time = true;
            return Ok(if self.still { Look::Still } else { Look::Waiting });
        }
        // What the driver sent meanwhile was idle.
        self.afresh |= std::mem::take(&mut self.still);
        for bearer in 0..lead {
            if !self.read(bearer)? {
                self.state.underruns.fetch_add(1, Relaxed);
                let idle = self.chunks.idle_octet();
                self.chunks.received_mut(self.bearers[bearer].timeslot).fill(idle);
            }
        }
        if !self.state.alarms().usable() {
            self.chunks.silence_received();
        }
        self.taken = true;
        Ok(Look::Taken)
    }

    fn give_up(&mut self) {
        self.still = true;
        self.chunks.silence_received();
    }

    fn end(&mut self) -> io::Result<()> {
        let taken = std::mem::take(&mut self.taken);
        let set_right = taken && self.afresh && self.in_time && !self.late;
        for bearer in 0..self.bearers.len() {
            let Channel { timeslot, node } = &self.bearers[bearer];
            let timeslot = *timeslot;
            if !taken || self.state.is_looped(timeslot) {
                continue;
            }
            if set_right {
                node.request(Request::Flush(abi::FLUSH_SEND))?;
                self.lay_reserve(bearer)?;
            }
            if !self.write(bearer)? {
                self.slipped = true;
            }
        }
        if set_right {
            self.afresh = false;
            self.slipped = true;
        }
        (self.in_time, self.late) = (false, false);
        self.chunks.clear_to_send();
        Ok(())
    }

    fn receive_frame(&mut self, lost: &mut dyn FnMut(FrameFault)) -> io::Result<Option<DFrame>> {
        let Some(channel) = &self.d_channel else { return Ok(None) };
        let node = Arc::clone(&channel.node);
        for _ in 0..ATTEMPTS {
            // Longer than any frame that is taken, so that one too long shows.
            let mut octets = [0; D_FRAME_MAX + FCS + 1];
            match node.read(&mut octets) {
                Ok(length) => match length.checked_sub(FCS).map(|length| DFrame::new(&octets[..length])) {
                    Some(Some(frame)) => return Ok(Some(frame)),
                    Some(None) => self.lose(FrameFault::TooLong, lost),
                    None => self.lose(FrameFault::BadFcs, lost),
                },
                Err(error) if meaning::is_event(&error) => self.events(&*node, lost)?,
                Err(error) if passing(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn send_frame(&mut self, frame: &[u8], lost: &mut dyn FnMut(FrameFault)) -> Result<(), Error> {
        const SEND: &str = "send a D-channel frame";
        let Some(channel) = &self.d_channel else {
            return Err(Error::new(ErrorKind::Unsupported, "send a frame on a span without a D channel"));
        };
        if self.state.is_looped(channel.timeslot) {
            return Err(Error::new(ErrorKind::Alarm, SEND));
        }
        // The driver or the board writes the check sequence over the last two octets.
        let mut octets = [0; D_FRAME_MAX + FCS];
        let Some(place) = octets[..D_FRAME_MAX].get_mut(..frame.len()) else {
            return Err(Error::new(ErrorKind::Unsupported, "send so long a D-channel frame"));
        };
        place.copy_from_slice(frame);
        let node = Arc::clone(&channel.node);
        let whole = &octets[..frame.len() + FCS];
        let mut sent = node.write(whole);
        if sent.as_ref().is_err_and(meaning::is_event) {
            self.events(&*node, lost).map_err(|error| meaning::failed(SEND, error))?;
            sent = node.write(whole);
        }
        sent.map(drop).map_err(|error| meaning::failed(SEND, error))
    }

    fn take_slip(&mut self) -> bool {
        let slipped = std::mem::take(&mut self.slipped);
        self.state.slips.fetch_add(u64::from(slipped), Relaxed);
        slipped
    }

    fn is_taken(&self) -> bool {
        self.taken
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

/// The buffers of a channel.
pub(crate) fn buffers(samples: Option<usize>) -> Buffers {
    let (number, size) = samples.map_or((FRAME_BUFFERS, FRAME_OCTETS), |samples| (BEARER_BUFFERS, samples as i32));
    Buffers { send_policy: 0, receive_policy: 0, number, size, to_read: 0, to_send: 0 }
}

fn passing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR))
}
