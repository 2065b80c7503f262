//! Two cards joined back to back in memory, with knobs for what goes wrong with cards.
//!
//! Where the board for software spans conserves and counts, this one is only a queue; it exists for the faults
//! that the exchange must live with: not ready, no room for frames, removed.

use hal::{Alarms, Capabilities, Card, CardEvent, ChunkLength, Control, Counters, DFrame, Error, ErrorKind, Line};
use hal::{Loopback, Readiness, Running, SpanDescription, SpanIndex, Timeslot, Traffic};
use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// What can be done to a pair of cards while they run.
#[derive(Default)]
pub struct Knobs {
    /// The exchange's end has gone.
    pub removed: AtomicBool,
    /// The exchange's end is not ready.
    pub stalled: AtomicBool,
    /// The exchange's end takes longer for a chunk than a chunk lasts.
    pub slow: AtomicBool,
    /// The exchange's end refuses so many frames for want of room.
    pub refusals: AtomicUsize,
    /// Events waiting at the exchange's end.
    pub events: Mutex<VecDeque<CardEvent>>,
}

#[derive(Default)]
struct Pipe {
    octets: VecDeque<u8>,
    frames: Vec<VecDeque<DFrame>>,
}

pub struct WireCard {
    name: String,
    spans: Vec<SpanDescription>,
    receive: Arc<Mutex<Pipe>>,
    send: Arc<Mutex<Pipe>>,
    knobs: Option<Arc<Knobs>>,
}

/// The exchange's card, the gateway's card, and the knobs of the former. Each direction holds two ticks.
pub fn pair(name: &str, line: Line, spans: usize, chunk: ChunkLength) -> (WireCard, WireCard, Arc<Knobs>) {
    let pipe = || {
        let delay = 2 * chunk.samples() * spans * usize::from(line.timeslots());
        let octets = std::iter::repeat_n(line.idle_octet(), delay).collect();
        Arc::new(Mutex::new(Pipe { octets, frames: vec![VecDeque::new(); spans] }))
    };
    let knobs = Arc::new(Knobs::default());
    let (one, other) = (pipe(), pipe());
    let card = |receive: &Arc<Mutex<Pipe>>, send: &Arc<Mutex<Pipe>>, knobs| WireCard {
        name: name.into(),
        spans: vec![SpanDescription { line, label: "a wire".into() }; spans],
        receive: receive.clone(),
        send: send.clone(),
        knobs,
    };
    (card(&one, &other, Some(knobs.clone())), card(&other, &one, None), knobs)
}

impl Card for WireCard {
    fn name(&self) -> &str {
        &self.name
    }

    fn spans(&self) -> &[SpanDescription] {
        &self.spans
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn start(self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error> {
        let line = self.spans[0].line;
        let octets = vec![line.idle_octet(); chunk.samples() * usize::from(line.timeslots()) * self.spans.len()];
        let traffic =
            WireTraffic { line, chunk: chunk.samples(), received: octets.clone(), to_send: octets, card: *self };
        Ok(Running { traffic: Box::new(traffic), control: Box::new(NoControl) })
    }
}

struct WireTraffic {
    line: Line,
    chunk: usize,
    received: Vec<u8>,
    to_send: Vec<u8>,
    card: WireCard,
}

impl WireTraffic {
    fn range(&self, span: SpanIndex, timeslot: Timeslot) -> std::ops::Range<usize> {
        let slot = usize::from(span.0) * usize::from(self.line.timeslots()) + timeslot.index();
        slot * self.chunk..(slot + 1) * self.chunk
    }

    fn gone(&self) -> Result<(), Error> {
        match &self.card.knobs {
            Some(knobs) if knobs.removed.load(Relaxed) => Err(Error::new(ErrorKind::Reopen, "use a wire")),
            _ => Ok(()),
        }
    }
}

impl Traffic for WireTraffic {
    fn descriptors(&self) -> &[RawFd] {
        &[]
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        self.gone()?;
        if self.card.knobs.as_ref().is_some_and(|knobs| knobs.stalled.load(Relaxed)) {
            return Ok(Readiness::NotYet);
        }
        if self.card.knobs.as_ref().is_some_and(|knobs| knobs.slow.load(Relaxed)) {
            // A thousandth of a second is eight samples.
            std::thread::sleep(std::time::Duration::from_millis(self.chunk as u64 / 4));
        }
        let mut pipe = self.card.receive.lock().expect("unpoisoned");
        if pipe.octets.len() < self.received.len() {
            return Ok(Readiness::NotYet);
        }
        let wanted = self.received.len();
        for (octet, arrived) in self.received.iter_mut().zip(pipe.octets.drain(..wanted)) {
            *octet = arrived;
        }
        self.to_send.fill(self.line.idle_octet());
        Ok(Readiness::Ready)
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        &self.received[self.range(span, timeslot)]
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        let range = self.range(span, timeslot);
        &mut self.to_send[range]
    }

    fn end(&mut self) -> Result<(), Error> {
        self.gone()?;
        self.card.send.lock().expect("unpoisoned").octets.extend(&self.to_send);
        Ok(())
    }

    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error> {
        self.gone()?;
        Ok(self.card.receive.lock().expect("unpoisoned").frames[usize::from(span.0)].pop_front())
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        self.gone()?;
        if let Some(knobs) = &self.card.knobs
            && knobs.refusals.load(Relaxed) > 0
        {
            knobs.refusals.fetch_sub(1, Relaxed);
            return Err(Error::new(ErrorKind::Retry, "send a frame over a wire"));
        }
        let frame = DFrame::new(frame).expect("short enough");
        self.card.send.lock().expect("unpoisoned").frames[usize::from(span.0)].push_back(frame);
        Ok(())
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        self.card.knobs.as_ref()?.events.lock().expect("unpoisoned").pop_front()
    }
}

struct NoControl;

impl Control for NoControl {
    fn alarms(&self, _: SpanIndex) -> Alarms {
        Alarms::empty()
    }

    fn counters(&self, _: SpanIndex) -> Counters {
        Counters::default()
    }

    fn set_loopback(&mut self, _: SpanIndex, _: Loopback) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "set a loopback"))
    }

    fn send_alarms(&mut self, _: SpanIndex, _: Alarms) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "send alarms"))
    }
}
