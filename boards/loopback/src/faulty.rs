//! A card that makes another card fail, from a seed or to a script.
//!
//! Looks after doing what the engine decides, and tells of it through the same events and counters a real
//! driver would use. Plans and counts are in `faults`.
//!
//! Data path: the inner card's octets, frames and events → here, some of them spoilt → the daemon.
//! Time: [`hal::Traffic::begin`], once a tick.

use crate::capture::Direction;
use crate::engine::{Engine, EngineSeat, HeldEngine};
use crate::faults::{FaultPlan, FaultTally, Mishap};
use hal::Slot;
use hal::{
    Alarms, Capabilities, Card, CardEvent, ChunkLength, Control, Counters, DFrame, Error, ErrorKind, FrameFault,
    FramerPattern, Line, LineError, LoopRequest, Loopback, PatternResult, Readiness, Running, SpanDescription,
    SpanIndex, Support, Timeslot, TimeslotLoopback, Traffic,
};
use heapless::Deque;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

/// Events that wait for the daemon; it drains them each tick.
const EVENTS: usize = 64;

const BEGIN: &str = "begin a tick";

/// The card around another card.
pub struct FaultyCard {
    inner: Box<dyn Card>,
    engine: HeldEngine,
}

impl FaultyCard {
    /// Put a faulty card around `inner`. Once removed it stays away: use a [`FaultySlot`] for one that
    /// comes back.
    #[must_use]
    pub fn new(inner: Box<dyn Card>, seed: u64, plan: FaultPlan) -> Self {
        FaultyCard { inner, engine: HeldEngine::new(Engine::new(seed, plan)) }
    }

    /// The counts, to be read while the card runs.
    #[must_use]
    pub fn tally(&self) -> FaultTally {
        FaultTally { tally: Arc::clone(&self.engine.tally) }
    }
}

/// Where a faulty card is found, and found again after a removal with its ticks and its luck going on.
pub struct FaultySlot {
    inner: Box<dyn Slot>,
    engine: EngineSeat,
    tally: FaultTally,
}

impl FaultySlot {
    /// Put a faulty card around whatever card is found in `inner`.
    #[must_use]
    pub fn new(inner: Box<dyn Slot>, seed: u64, plan: FaultPlan) -> Self {
        let engine = HeldEngine::new(Engine::new(seed, plan));
        let tally = FaultTally { tally: Arc::clone(&engine.tally) };
        // Dropping the engine leaves it in its seat.
        FaultySlot { inner, engine: engine.seat(), tally }
    }

    /// The counts, to be read while the card runs.
    #[must_use]
    pub fn tally(&self) -> FaultTally {
        self.tally.clone()
    }
}

impl Slot for FaultySlot {
    fn find(&mut self) -> Result<Box<dyn Card>, Error> {
        const OPERATION: &str = "find a card that was removed";
        let mut engine = self.engine.hold().ok_or(Error::new(ErrorKind::Reopen, OPERATION))?;
        if !engine.found() {
            return Err(Error::new(ErrorKind::Reopen, OPERATION));
        }
        Ok(Box::new(FaultyCard { inner: self.inner.find()?, engine }))
    }
}

impl Card for FaultyCard {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn spans(&self) -> &[SpanDescription] {
        self.inner.spans()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn without_d_channel(&mut self, span: SpanIndex) -> Result<(), Error> {
        self.inner.without_d_channel(span)
    }

    fn cancel_echo(&mut self, tail_ms: u32) -> Result<(), Error> {
        self.inner.cancel_echo(tail_ms)
    }

    fn start(mut self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error> {
        let lines: Vec<Line> = self.inner.spans().iter().map(|span| span.line).collect();
        let Running { traffic, control } = self.inner.start(chunk)?;
        self.engine.start(lines.len());
        let shared = Arc::new(Shared {
            removed: AtomicBool::new(false),
            spans: lines.iter().map(|_| SharedSpan::default()).collect(),
        });
        Ok(Running {
            traffic: Box::new(FaultyTraffic {
                inner: Some(traffic),
                spans: lines.iter().map(|line| FaultySpan::new(*line, chunk)).collect(),
                chunk: chunk.samples(),
                engine: self.engine,
                events: Deque::new(),
                in_tick: false,
                shared: Arc::clone(&shared),
            }),
            control: Box::new(FaultyControl { inner: control, shared }),
        })
    }
}

/// What traffic tells control.
struct Shared {
    removed: AtomicBool,
    spans: Vec<SharedSpan>,
}

#[derive(Default)]
struct SharedSpan {
    alarms: AtomicU16,
    slips: AtomicU64,
    bad_frames: AtomicU64,
    aborted_frames: AtomicU64,
    wrong_fcs_frames: AtomicU64,
}

/// What is kept for a span while the card runs.
struct FaultySpan {
    line: Line,
    /// The chunk before this one, this one, and silence; timeslot by timeslot.
    previous: Box<[u8]>,
    current: Box<[u8]>,
    idle: Box<[u8]>,
    /// The slip buffer holds a chunk, so the one before is shown.
    behind: bool,
    again: Option<DFrame>,
    episode: Alarms,
    inner_alarms: Alarms,
    reported: Alarms,
}

impl FaultySpan {
    fn new(line: Line, chunk: ChunkLength) -> Self {
        let idle = || vec![line.idle_octet(); usize::from(line.timeslots()) * chunk.samples()].into_boxed_slice();
        FaultySpan {
            line,
            previous: idle(),
            current: idle(),
            idle: idle(),
            behind: false,
            again: None,
            episode: Alarms::empty(),
            inner_alarms: Alarms::empty(),
            reported: Alarms::empty(),
        }
    }

    fn shown(&self) -> &[u8] {
        if !self.episode.usable() {
            &self.idle
        } else if self.behind {
            &self.previous
        } else {
            &self.current
        }
    }
}

struct FaultyTraffic {
    /// None once removed.
    inner: Option<Box<dyn Traffic>>,
    spans: Vec<FaultySpan>,
    chunk: usize,
    engine: HeldEngine,
    events: Deque<CardEvent, EVENTS>,
    in_tick: bool,
    shared: Arc<Shared>,
}

impl FaultyTraffic {
    fn inner(&mut self, operation: &'static str) -> Result<&mut Box<dyn Traffic>, Error> {
        self.inner.as_mut().ok_or(Error::new(ErrorKind::Reopen, operation))
    }

    fn tell(&mut self, event: CardEvent) {
        if self.events.push_back(event).is_err() {
            self.engine.tally.events_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn remove(&mut self) -> Error {
        // Dropping the inner card is what makes the far end notice.
        self.inner = None;
        self.engine.tally.removals.fetch_add(1, Ordering::Relaxed);
        self.shared.removed.store(true, Ordering::Release);
        self.tell(CardEvent::Removed);
        Error::new(ErrorKind::Reopen, BEGIN)
    }

    /// Take this tick's chunk of a span into the slip buffer, and its faults into account.
    fn take(&mut self, index: usize) {
        let Some(inner) = &self.inner else { return };
        let span = &mut self.spans[index];
        let at = SpanIndex(index as u8);
        std::mem::swap(&mut span.previous, &mut span.current);
        for (timeslot, octets) in (1..=span.line.timeslots()).zip(span.current.chunks_exact_mut(self.chunk)) {
            let received = inner.received(at, Timeslot(timeslot));
            if received.len() == octets.len() {
                octets.copy_from_slice(received);
            }
        }
        let fate = self.engine.span_fate(index);
        span.episode = fate.alarms;
        self.shared.spans[index].alarms.store(fate.alarms.bits(), Ordering::Release);
        let tally = &self.engine.tally;
        tally.alarm_episodes.fetch_add(u64::from(fate.episode_begins), Ordering::Relaxed);
        if fate.slip {
            span.behind = !span.behind;
            tally.slips.fetch_add(1, Ordering::Relaxed);
            self.shared.spans[index].slips.fetch_add(1, Ordering::Relaxed);
            self.tell(CardEvent::Slip(at));
        }
    }

    fn received_lost(&mut self, index: usize) {
        self.engine.tally.mishap(Direction::Received, Mishap::Lose);
        if let Some(span) = self.shared.spans.get(index) {
            span.bad_frames.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Traffic for FaultyTraffic {
    fn descriptors(&self) -> &[RawFd] {
        self.inner.as_ref().map_or(&[], |inner| inner.descriptors())
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        if self.in_tick {
            return Ok(Readiness::Ready);
        }
        if self.inner(BEGIN)?.begin()? == Readiness::NotYet {
            return Ok(Readiness::NotYet);
        }
        if self.engine.begin_tick() {
            return Err(self.remove());
        }
        for index in 0..self.spans.len() {
            self.take(index);
        }
        self.in_tick = true;
        Ok(Readiness::Ready)
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        let Some(span) = self.spans.get(usize::from(span.0)) else { return &[] };
        let shown = if self.inner.is_some() { span.shown() } else { &span.idle };
        timeslot.0.checked_sub(1).and_then(|index| shown.chunks_exact(self.chunk).nth(index.into())).unwrap_or(&[])
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        if let Some(inner) = &mut self.inner {
            return inner.to_send(span, timeslot);
        }
        // Nobody looks at the chunk before this one any more.
        let Some(span) = self.spans.get_mut(usize::from(span.0)) else { return &mut [] };
        let chunk = timeslot.0.checked_sub(1).and_then(|i| span.previous.chunks_exact_mut(self.chunk).nth(i.into()));
        chunk.unwrap_or(&mut [])
    }

    fn end(&mut self) -> Result<(), Error> {
        self.in_tick = false;
        self.inner("end a tick")?.end()
    }

    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error> {
        let index = usize::from(span.0);
        if let (Some(faulty), true) = (self.spans.get_mut(index), self.inner.is_some())
            && let Some(frame) = faulty.again.take()
        {
            return Ok(Some(frame));
        }
        while let Some(frame) = self.inner("receive a D-channel frame")?.receive_frame(span)? {
            if self.spans.get(index).is_some_and(|span| !span.episode.usable()) {
                self.received_lost(index);
                continue;
            }
            let mishap = self.engine.frame_fate(index, Direction::Received);
            match mishap {
                None => return Ok(Some(frame)),
                Some(Mishap::Lose) => {
                    self.received_lost(index);
                    let aborted = self.engine.coin(index);
                    let fault = if aborted { FrameFault::Abort } else { FrameFault::BadFcs };
                    if let Some(shared) = self.shared.spans.get(index) {
                        let counter = if aborted { &shared.aborted_frames } else { &shared.wrong_fcs_frames };
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                    self.tell(CardEvent::FrameLost(span, fault));
                }
                Some(Mishap::Corrupt) => {
                    self.engine.tally.mishap(Direction::Received, Mishap::Corrupt);
                    return Ok(Some(self.engine.spoil(index, Direction::Received, frame)));
                }
                Some(Mishap::Duplicate) => {
                    self.engine.tally.mishap(Direction::Received, Mishap::Duplicate);
                    self.spans[index].again = Some(frame);
                    return Ok(Some(frame));
                }
            }
        }
        Ok(None)
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        const OPERATION: &str = "send a D-channel frame";
        let index = usize::from(span.0);
        self.inner(OPERATION)?;
        // Too long, or no such span: the inner card says so better than we could.
        let whole = DFrame::new(frame).filter(|_| index < self.spans.len());
        let fate = whole.and_then(|whole| self.engine.frame_fate(index, Direction::Sent).map(|mishap| (whole, mishap)));
        let Some((whole, mishap)) = fate else { return self.inner(OPERATION)?.send_frame(span, frame) };
        match mishap {
            Mishap::Lose => {}
            Mishap::Corrupt => {
                let spoilt = self.engine.spoil(index, Direction::Sent, whole);
                self.inner(OPERATION)?.send_frame(span, &spoilt)?;
            }
            Mishap::Duplicate => {
                self.inner(OPERATION)?.send_frame(span, frame)?;
                // No room for the second one: then it is lost, as any duplicate would be.
                let _ = self.inner(OPERATION)?.send_frame(span, frame);
            }
        }
        self.engine.tally.mishap(Direction::Sent, mishap);
        Ok(())
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        while let Some(event) = self.inner.as_mut().and_then(|inner| inner.next_event()) {
            match event {
                CardEvent::Alarms(span, alarms) => {
                    if let Some(span) = self.spans.get_mut(usize::from(span.0)) {
                        span.inner_alarms = alarms;
                    }
                }
                other => return Some(other),
            }
        }
        for (index, span) in self.spans.iter_mut().enumerate() {
            let alarms = span.inner_alarms | span.episode;
            if self.inner.is_some() && alarms != span.reported {
                span.reported = alarms;
                return Some(CardEvent::Alarms(SpanIndex(index as u8), alarms));
            }
        }
        None
    }
}

struct FaultyControl {
    inner: Box<dyn Control>,
    shared: Arc<Shared>,
}

impl FaultyControl {
    fn here(&self, operation: &'static str) -> Result<(), Error> {
        if self.shared.removed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Reopen, operation));
        }
        Ok(())
    }
}

impl Control for FaultyControl {
    fn alarms(&self, span: SpanIndex) -> Alarms {
        if self.here("").is_err() {
            return Alarms::ABSENT;
        }
        let added = self.shared.spans.get(usize::from(span.0)).map_or(0, |span| span.alarms.load(Ordering::Acquire));
        self.inner.alarms(span) | Alarms::from_bits_truncate(added)
    }

    fn counters(&self, span: SpanIndex) -> Counters {
        let mut counters = self.inner.counters(span);
        if let Some(span) = self.shared.spans.get(usize::from(span.0)) {
            counters.slips += span.slips.load(Ordering::Relaxed);
            counters.bad_frames += span.bad_frames.load(Ordering::Relaxed);
            counters.aborted_frames += span.aborted_frames.load(Ordering::Relaxed);
            counters.wrong_fcs_frames += span.wrong_fcs_frames.load(Ordering::Relaxed);
        }
        counters
    }

    fn set_loopback(&mut self, span: SpanIndex, loopback: Loopback) -> Result<(), Error> {
        self.here("set a loopback")?;
        self.inner.set_loopback(span, loopback)
    }

    fn send_alarms(&mut self, span: SpanIndex, alarms: Alarms) -> Result<(), Error> {
        self.here("send alarms")?;
        self.inner.send_alarms(span, alarms)
    }

    fn support(&self, span: SpanIndex) -> Support {
        self.inner.support(span)
    }

    fn set_timeslot_loopback(
        &mut self,
        span: SpanIndex,
        timeslot: Timeslot,
        loopback: TimeslotLoopback,
    ) -> Result<(), Error> {
        self.here("set a loopback of a timeslot")?;
        self.inner.set_timeslot_loopback(span, timeslot, loopback)
    }

    fn request_loop(&mut self, span: SpanIndex, request: LoopRequest) -> Result<(), Error> {
        self.here("ask the far end for a loopback")?;
        self.inner.request_loop(span, request)
    }

    fn requested_loop(&mut self, span: SpanIndex) -> Option<LoopRequest> {
        self.inner.requested_loop(span)
    }

    fn insert_errors(&mut self, span: SpanIndex, error: LineError, count: u32) -> Result<(), Error> {
        self.here("insert errors")?;
        self.inner.insert_errors(span, error, count)
    }

    fn set_pattern(
        &mut self,
        span: SpanIndex,
        timeslots: &[Timeslot],
        pattern: Option<FramerPattern>,
    ) -> Result<(), Error> {
        self.here("send a pattern of the framer")?;
        self.inner.set_pattern(span, timeslots, pattern)
    }

    fn pattern_result(&self, span: SpanIndex) -> Result<PatternResult, Error> {
        self.here("read the pattern receiver of the framer")?;
        self.inner.pattern_result(span)
    }
}
