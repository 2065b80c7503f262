//! The software card: its builder, its far ends, its traffic and its control.
//!
//! Looks after which ends make up a card and who holds them. What happens on a span is in `span`.
//!
//! Data path: as [`hal::Traffic`] has it, once for each span.
//! Time: whoever calls [`hal::Traffic::begin`]; there is no clock and no system call in here.
//! Words: *far end*, the other end of a span, which is a card in its own right once it is attached;
//! *seat*, where an end waits while no card holds it.

use crate::impair::Once;
use crate::joint::{BLOCK_MS, EndState, Half, Joint};
use crate::rehearsal::FaultDesk;
use crate::span::Span;
use hal::{
    Alarms, Capabilities, Card, CardEvent, ChunkLength, Control, Counters, DFrame, Error, ErrorKind, Line, LineError,
    LoopRequest, Loopback, Readiness, Running, Slot, SpanDescription, SpanIndex, Support, Timeslot, TimeslotLoopback,
    Traffic,
};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where an end of a span waits while no card holds it.
struct Seat {
    line: Line,
    label: String,
    half: Mutex<Option<Half>>,
}

impl Seat {
    fn new(half: Half, label: String) -> Arc<Self> {
        Arc::new(Seat { line: half.joint.line, label, half: Mutex::new(Some(half)) })
    }

    fn hold(self: &Arc<Self>) -> Option<Held> {
        let half = self.half.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Held { half: Some(half), attached: false, seat: Arc::clone(self) })
    }
}

/// An end held by a card; it goes back to its seat when the card goes.
pub(crate) struct Held {
    half: Option<Half>,
    attached: bool,
    seat: Arc<Seat>,
}

impl Held {
    /// The end. Its user attaches it; detaching is done here.
    pub(crate) fn half(&mut self) -> &mut Half {
        self.half.as_mut().expect("an end is held until it is let go")
    }

    /// Which end it is, of which joint.
    fn end(&mut self) -> (Arc<Joint>, usize) {
        (Arc::clone(&self.half().joint), self.half().side())
    }

    /// Leave the end to whoever comes next.
    pub(crate) fn let_go(&mut self) {
        if let Some(mut half) = self.half.take() {
            if self.attached {
                half.detach();
            }
            *self.seat.half.lock().unwrap_or_else(PoisonError::into_inner) = Some(half);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Describes a software card before it is made.
pub struct Builder {
    name: String,
    delay: u32,
    patience: u32,
    seed: u64,
    seats: Vec<Arc<Seat>>,
}

impl Builder {
    /// Milliseconds a sample is on its way from one end of a span to the other, for the spans added
    /// after this; 20 unless said otherwise. Rounded up to whole 5 ms and kept within 5 to 1,000. It
    /// has to be at least the longest chunk of either end, and is also how far the ends may run apart.
    pub fn delay_ms(&mut self, delay_ms: u32) -> &mut Self {
        self.delay = delay_ms.clamp(BLOCK_MS, 1_000).div_ceil(BLOCK_MS);
        self
    }

    /// Consecutive [`Readiness::NotYet`] answers before an attached far end that does not move is given
    /// up (then the span is in LOS and runs freely until the far end moves again), for the spans added after this; 200 unless said otherwise, at least 1.
    pub fn patience(&mut self, looks: u32) -> &mut Self {
        self.patience = looks.max(1);
        self
    }

    /// Where the places of injected errors are drawn from, for the spans added after this; 1 unless said otherwise.
    /// Each span and direction goes its own way.
    pub fn seed(&mut self, seed: u64) -> &mut Self {
        self.seed = seed;
        self
    }

    /// Two spans of this card joined to each other.
    pub fn cross_connected(&mut self, line: Line) -> (SpanIndex, SpanIndex) {
        let (first, second) = (self.next_index(), self.next_index().0 + 1);
        let (one, other) = self.pair(line);
        self.seats.push(Seat::new(one, format!("cross-connected with span {second}")));
        self.seats.push(Seat::new(other, format!("cross-connected with span {}", first.0)));
        (first, SpanIndex(second))
    }

    /// A span whose far end is handed to an exchange in this process.
    pub fn span_to_exchange(&mut self, line: Line) -> FarEnd {
        self.span_to(line, "exchange in software")
    }

    /// A span whose far end is offered to other programs by [`crate::e1d::Server`].
    pub fn span_on_socket(&mut self, line: Line) -> FarEnd {
        self.span_to(line, "program on a socket")
    }

    fn span_to(&mut self, line: Line, whom: &str) -> FarEnd {
        let index = self.next_index().0;
        let (near, far) = self.pair(line);
        self.seats.push(Seat::new(near, format!("far end: {whom}")));
        FarEnd { seat: Seat::new(far, format!("near end: {}, span {index}", self.name)) }
    }

    /// The card.
    #[must_use]
    pub fn build(self) -> LoopbackCard {
        LoopbackCard::hold(self.name, &self.seats, Arc::default()).expect("nobody else knows the seats yet")
    }

    fn pair(&self, line: Line) -> (Half, Half) {
        Half::pair(line, self.delay, self.patience, self.seed.wrapping_add(self.seats.len() as u64))
    }

    fn next_index(&self) -> SpanIndex {
        SpanIndex(u8::try_from(self.seats.len()).expect("a software card has fewer than 256 spans"))
    }
}

/// The other end of a span: a card in its own right, as often as it is attached anew.
#[derive(Clone)]
pub struct FarEnd {
    seat: Arc<Seat>,
}

impl FarEnd {
    /// The line's kind.
    #[must_use]
    pub fn line(&self) -> Line {
        self.seat.line
    }

    /// The card of this far end alone. Started it is attached; dropped it is gone, and can be had again.
    ///
    /// # Errors
    /// `Reopen` when another card holds this far end.
    pub fn attach(&self, name: impl Into<String>) -> Result<LoopbackCard, Error> {
        Self::card(name, std::slice::from_ref(self))
    }

    /// One card of several far ends, which may belong to different cards.
    ///
    /// # Errors
    /// `Reopen` when another card holds one of them.
    pub fn card(name: impl Into<String>, far_ends: &[FarEnd]) -> Result<LoopbackCard, Error> {
        let seats: Vec<_> = far_ends.iter().map(|far_end| Arc::clone(&far_end.seat)).collect();
        LoopbackCard::hold(name.into(), &seats, Arc::default())
    }
}

/// A card of software spans.
pub struct LoopbackCard {
    name: String,
    descriptions: Vec<SpanDescription>,
    held: Vec<Held>,
    removed: Arc<AtomicBool>,
}

impl LoopbackCard {
    /// Describe a card of this name, with no spans yet.
    #[must_use]
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder { name: name.into(), delay: 20 / BLOCK_MS, patience: 200, seed: 1, seats: Vec::new() }
    }

    /// Where this card is found again after it was dropped.
    #[must_use]
    pub fn slot(&self) -> LoopbackSlot {
        LoopbackSlot {
            name: self.name.clone(),
            seats: self.held.iter().map(|held| Arc::clone(&held.seat)).collect(),
            removed: Arc::clone(&self.removed),
        }
    }

    /// Where faults are put on the lines of this card, while it runs and after it was dropped.
    #[must_use]
    pub fn fault_desk(&mut self) -> FaultDesk {
        FaultDesk { ends: self.held.iter_mut().map(Held::end).collect(), removed: Arc::clone(&self.removed) }
    }

    fn hold(name: String, seats: &[Arc<Seat>], removed: Arc<AtomicBool>) -> Result<Self, Error> {
        let held: Option<Vec<_>> = seats.iter().map(Seat::hold).collect();
        let held = held.ok_or(Error::new(ErrorKind::Reopen, "find a software card that is in use"))?;
        let descriptions =
            seats.iter().map(|seat| SpanDescription { line: seat.line, label: seat.label.clone() }).collect();
        Ok(LoopbackCard { name, descriptions, held, removed })
    }
}

/// The place of a [`LoopbackCard`].
#[derive(Clone)]
pub struct LoopbackSlot {
    name: String,
    seats: Vec<Arc<Seat>>,
    removed: Arc<AtomicBool>,
}

impl Slot for LoopbackSlot {
    fn find(&mut self) -> Result<Box<dyn Card>, Error> {
        if self.removed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Reopen, "find a software card that was removed"));
        }
        Ok(Box::new(LoopbackCard::hold(self.name.clone(), &self.seats, Arc::clone(&self.removed))?))
    }
}

impl Card for LoopbackCard {
    fn name(&self) -> &str {
        &self.name
    }

    fn spans(&self) -> &[SpanDescription] {
        &self.descriptions
    }

    fn capabilities(&self) -> Capabilities {
        let support = self.descriptions.iter().map(|span| support(span.line)).collect();
        Capabilities { support, counters: true }
    }

    /// Every timeslot of a software span carries samples, and frames go beside them: nothing has to be changed.
    fn without_d_channel(&mut self, span: SpanIndex) -> Result<(), Error> {
        let known = usize::from(span.0) < self.descriptions.len();
        known.then_some(()).ok_or(Error::new(ErrorKind::Unsupported, "use a span the card lacks"))
    }

    fn start(self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error> {
        let mut ends = Vec::with_capacity(self.held.len());
        let mut spans = Vec::with_capacity(self.held.len());
        for mut held in self.held {
            held.attached = true;
            ends.push(held.end());
            spans.push(Span::start(held, chunk)?);
        }
        let reported = vec![Alarms::empty(); spans.len()];
        Ok(Running {
            traffic: Box::new(LoopbackTraffic {
                spans,
                reported,
                in_tick: false,
                removed: Arc::clone(&self.removed),
                gone: Gone::Here,
            }),
            control: Box::new(LoopbackControl { ends, removed: self.removed }),
        })
    }
}

/// What a software span can do. The messages that ask for loopbacks are those of a T1.
const fn support(line: Line) -> Support {
    let both = Support::all().difference(Support::PATTERNS.union(Support::LOOP_REQUESTS));
    match line {
        Line::T1 => both.union(Support::LOOP_REQUESTS),
        Line::E1 => both,
    }
}

struct LoopbackTraffic {
    spans: Vec<Span>,
    reported: Vec<Alarms>,
    in_tick: bool,
    removed: Arc<AtomicBool>,
    gone: Gone,
}

/// Whether the card was removed under way. It does not come back to this traffic: it is found anew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gone {
    Here,
    Untold,
    Told,
}

impl LoopbackTraffic {
    /// Notice a removal: the ends are let go, so that the far ends notice too.
    fn here(&mut self, operation: &'static str) -> Result<(), Error> {
        if self.gone == Gone::Here && self.removed.load(Ordering::Acquire) {
            self.gone = Gone::Untold;
            self.spans.iter_mut().for_each(Span::let_go);
        }
        if self.gone == Gone::Here { Ok(()) } else { Err(Error::new(ErrorKind::Reopen, operation)) }
    }

    fn span(&mut self, span: SpanIndex) -> Result<&mut Span, Error> {
        self.here("use a software card that was removed")?;
        self.spans.get_mut(usize::from(span.0)).ok_or(Error::new(ErrorKind::Unsupported, "use a span the card lacks"))
    }
}

impl Traffic for LoopbackTraffic {
    fn descriptors(&self) -> &[RawFd] {
        &[]
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        self.here("begin a tick")?;
        // Begun twice: the chunk that was taken is still there, and taking another would lose it.
        if self.in_tick {
            return Ok(Readiness::Ready);
        }
        // Every span looks, so that the patience of each runs whichever of them is late.
        let late = self.spans.iter_mut().fold(0, |late, span| late + usize::from(!span.look()));
        if late > 0 {
            return Ok(Readiness::NotYet);
        }
        for span in &mut self.spans {
            span.take();
        }
        self.in_tick = true;
        Ok(Readiness::Ready)
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        self.spans.get(usize::from(span.0)).map_or(&[], |span| span.received(timeslot))
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        match self.spans.get_mut(usize::from(span.0)) {
            Some(span) => span.outgoing(timeslot),
            None => &mut [],
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        self.here("end a tick")?;
        if std::mem::take(&mut self.in_tick) {
            for span in &mut self.spans {
                span.give();
            }
        }
        Ok(())
    }

    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error> {
        Ok(self.span(span)?.receive_frame())
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        let frame = DFrame::new(frame).ok_or(Error::new(ErrorKind::Unsupported, "send so long a D-channel frame"))?;
        self.span(span)?.send_frame(frame)
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        match self.gone {
            Gone::Here => {}
            Gone::Untold => {
                self.gone = Gone::Told;
                return Some(CardEvent::Removed);
            }
            Gone::Told => return None,
        }
        for (index, (span, reported)) in self.spans.iter_mut().zip(&mut self.reported).enumerate() {
            if let Some(event) = span.next_event(SpanIndex(index as u8)) {
                return Some(event);
            }
            if span.alarms() != *reported {
                *reported = span.alarms();
                return Some(CardEvent::Alarms(SpanIndex(index as u8), *reported));
            }
        }
        None
    }
}

struct LoopbackControl {
    ends: Vec<(Arc<Joint>, usize)>,
    removed: Arc<AtomicBool>,
}

impl LoopbackControl {
    fn end(&self, span: SpanIndex) -> Option<&EndState> {
        self.ends.get(usize::from(span.0)).map(|(joint, side)| joint.end(*side))
    }

    /// The joint of a span that can do this, and our side of it.
    fn able(&self, span: SpanIndex, able: bool, operation: &'static str) -> Result<(&Joint, usize), Error> {
        if self.removed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Reopen, operation));
        }
        let end = self.ends.get(usize::from(span.0)).filter(|_| able);
        end.map(|(joint, side)| (&**joint, *side)).ok_or(Error::new(ErrorKind::Unsupported, operation))
    }
}

impl Control for LoopbackControl {
    fn alarms(&self, span: SpanIndex) -> Alarms {
        self.end(span).filter(|_| !self.removed.load(Ordering::Acquire)).map_or(Alarms::ABSENT, EndState::alarms)
    }

    fn counters(&self, span: SpanIndex) -> Counters {
        self.end(span).map_or(Counters::default(), EndState::counters)
    }

    fn set_loopback(&mut self, span: SpanIndex, loopback: Loopback) -> Result<(), Error> {
        let able = self.support(span).loops(loopback);
        let (joint, side) = self.able(span, able, "set a loopback on a span the card lacks")?;
        joint.end(side).set_loopback(loopback);
        Ok(())
    }

    fn send_alarms(&mut self, span: SpanIndex, alarms: Alarms) -> Result<(), Error> {
        let able = (Alarms::AIS | Alarms::RAI).contains(alarms);
        let (joint, side) = self.able(span, able, "send alarms other than AIS and RAI")?;
        joint.end(side).set_sending(alarms);
        Ok(())
    }

    fn support(&self, span: SpanIndex) -> Support {
        self.ends.get(usize::from(span.0)).map_or(Support::empty(), |(joint, _)| support(joint.line))
    }

    fn set_timeslot_loopback(
        &mut self,
        span: SpanIndex,
        timeslot: Timeslot,
        loopback: TimeslotLoopback,
    ) -> Result<(), Error> {
        const OPERATION: &str = "set a loopback on a timeslot the card lacks";
        let (joint, side) = self.able(span, timeslot.0 > 0, OPERATION)?;
        if timeslot.0 > joint.line.timeslots() {
            return Err(Error::new(ErrorKind::Unsupported, OPERATION));
        }
        joint.end(side).set_timeslot_loopback(timeslot, loopback);
        Ok(())
    }

    fn request_loop(&mut self, span: SpanIndex, request: LoopRequest) -> Result<(), Error> {
        let able = self.support(span).contains(Support::LOOP_REQUESTS);
        let (joint, side) = self.able(span, able, "ask the far end for a loopback")?;
        joint.end(1 - side).hear_request(request);
        Ok(())
    }

    fn requested_loop(&mut self, span: SpanIndex) -> Option<LoopRequest> {
        self.end(span)?.take_request()
    }

    fn insert_errors(&mut self, span: SpanIndex, error: LineError, count: u32) -> Result<(), Error> {
        let able = self.support(span).inserts(error);
        let (joint, side) = self.able(span, able, "insert errors")?;
        let kind = match error {
            LineError::Payload => Once::Payload,
            LineError::LineCode => Once::LineCode,
            LineError::Path => Once::Path,
            LineError::Framing => Once::Framing,
        };
        joint.end(1 - side).impairments.add(kind, count);
        Ok(())
    }
}
