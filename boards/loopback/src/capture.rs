//! A card that copies every D-channel frame of another card for whoever wants to see them.
//!
//! Looks after the copying; writing captures is in `pcap`.
//!
//! Data path: the inner card's frames pass through unchanged → a copy, with direction and tick → bounded
//! ring → [`CaptureReader`] in another thread.
//! Time: counted in ticks begun since the start; the reader adds the date.

use crate::ring::ring;
use hal::{
    Capabilities, Card, CardEvent, ChunkLength, DFrame, Error, Readiness, Running, SpanDescription, SpanIndex,
    Timeslot, Traffic,
};
use rtrb::{Consumer, Producer};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Which way a frame went, seen from the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the far end to us.
    Received,
    /// From us to the far end.
    Sent,
}

/// A copy of a D-channel frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedFrame {
    /// The span it went over.
    pub span: SpanIndex,
    /// Which way.
    pub direction: Direction,
    /// Ticks begun since the card was started.
    pub tick: u64,
    /// The same in time.
    pub at: Duration,
    /// The frame, without check sequence.
    pub frame: DFrame,
}

/// The card around another card.
pub struct CapturingCard {
    inner: Box<dyn Card>,
    copies: Producer<CapturedFrame>,
    dropped: Arc<AtomicU64>,
}

/// The copies, oldest first. As an iterator it ends when there is none *now*; ask again later.
pub struct CaptureReader {
    copies: Consumer<CapturedFrame>,
    dropped: Arc<AtomicU64>,
}

impl CapturingCard {
    /// Put a capturing card around `inner`. At most `capacity` copies (at least 1, about 300 octets each)
    /// wait for the reader; those that come when it is full are counted and lost.
    #[must_use]
    pub fn new(inner: Box<dyn Card>, capacity: usize) -> (CapturingCard, CaptureReader) {
        let blank = CapturedFrame {
            span: SpanIndex(0),
            direction: Direction::Received,
            tick: 0,
            at: Duration::ZERO,
            frame: DFrame::default(),
        };
        let (producer, consumer) = ring(capacity.max(1), blank);
        let dropped = Arc::new(AtomicU64::new(0));
        let reader = CaptureReader { copies: consumer, dropped: Arc::clone(&dropped) };
        (CapturingCard { inner, copies: producer, dropped }, reader)
    }
}

impl Iterator for CaptureReader {
    type Item = CapturedFrame;

    fn next(&mut self) -> Option<CapturedFrame> {
        self.copies.pop().ok()
    }
}

impl CaptureReader {
    /// Copies lost so far because the reader was late.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether the card has gone and everything was read.
    #[must_use]
    pub fn is_over(&self) -> bool {
        // In this order: a card may write its last copy between the two questions.
        self.copies.is_abandoned() && self.copies.is_empty()
    }
}

impl Card for CapturingCard {
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

    fn start(self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error> {
        let Running { traffic, control } = self.inner.start(chunk)?;
        let capturing = CapturingTraffic { inner: traffic, chunk, tick: 0, copies: self.copies, dropped: self.dropped };
        Ok(Running { traffic: Box::new(capturing), control })
    }
}

struct CapturingTraffic {
    inner: Box<dyn Traffic>,
    chunk: ChunkLength,
    tick: u64,
    copies: Producer<CapturedFrame>,
    dropped: Arc<AtomicU64>,
}

impl CapturingTraffic {
    fn copy(&mut self, span: SpanIndex, direction: Direction, frame: DFrame) {
        let at = Duration::from_millis(self.tick * u64::from(self.chunk.milliseconds()));
        if self.copies.push(CapturedFrame { span, direction, tick: self.tick, at, frame }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Traffic for CapturingTraffic {
    fn descriptors(&self) -> &[RawFd] {
        self.inner.descriptors()
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        let readiness = self.inner.begin()?;
        if readiness == Readiness::Ready {
            self.tick += 1;
        }
        Ok(readiness)
    }

    fn serve(&mut self) -> Result<(), Error> {
        self.inner.serve()
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        self.inner.received(span, timeslot)
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        self.inner.to_send(span, timeslot)
    }

    fn end(&mut self) -> Result<(), Error> {
        self.inner.end()
    }

    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error> {
        let frame = self.inner.receive_frame(span)?;
        if let Some(frame) = frame {
            self.copy(span, Direction::Received, frame);
        }
        Ok(frame)
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        self.inner.send_frame(span, frame)?;
        // A frame the card has taken fits, so this copies all that was sent.
        if let Some(frame) = DFrame::new(frame) {
            self.copy(span, Direction::Sent, frame);
        }
        Ok(())
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        self.inner.next_event()
    }
}
