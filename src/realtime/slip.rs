//! A card on another clock, made to keep the leading card's time.
//!
//! The wrapped card is served whenever it is ready, between the ticks too, so that it is never kept waiting for the leader's time; its chunks wait in a short buffer in each
//! direction, and the tick takes one from there. When the card's clock is slower the buffer runs dry
//! and the idle pattern is used for one chunk; when it is faster the oldest chunk is dropped. Each is
//! a controlled slip: counted, told as [`CardEvent::Slip`], and never paid for with growing delay.
//! Source: ITU-T G.822 for what a slip is.

use hal::{CardEvent, ChunkLength, DFrame, Error, Line, Readiness, SpanIndex, Timeslot, Traffic};
use std::collections::VecDeque;
use std::os::fd::RawFd;

/// Chunks that may wait; half of them is where the buffer starts.
const DEPTH: usize = 4;
const SLOTS: usize = 31;

/// The chunks of every timeslot of every span in one direction.
struct Chunks {
    octets: Vec<u8>,
}

/// A card behind slip buffers.
pub struct SlipBuffered {
    inner: Box<dyn Traffic>,
    lines: Vec<Line>,
    samples: usize,
    /// Received and not yet taken by a tick, oldest first.
    incoming: VecDeque<Chunks>,
    /// Written by a tick and not yet taken by the card, oldest first.
    outgoing: VecDeque<Chunks>,
    /// Buffers nobody uses now.
    spare: Vec<Chunks>,
    /// What the present tick reads and writes.
    received: Chunks,
    to_send: Chunks,
    slipped: VecDeque<CardEvent>,
    slips: u64,
    primed: bool,
}

impl SlipBuffered {
    /// Wrap a card with spans of these lines.
    #[must_use]
    pub fn new(inner: Box<dyn Traffic>, lines: Vec<Line>, chunk: ChunkLength) -> Self {
        let samples = chunk.samples();
        let blank = || Chunks { octets: vec![0xff; lines.len() * SLOTS * samples] };
        let spare = (0..2 * DEPTH + 2).map(|_| blank()).collect();
        let (received, to_send) = (blank(), blank());
        let mut card = SlipBuffered {
            inner,
            lines,
            samples,
            incoming: VecDeque::with_capacity(DEPTH + 1),
            outgoing: VecDeque::with_capacity(DEPTH + 1),
            spare,
            received,
            to_send,
            slipped: VecDeque::with_capacity(64),
            slips: 0,
            primed: false,
        };
        card.idle_received();
        card.idle_to_send();
        card
    }

    /// Slips so far, of either kind.
    #[must_use]
    pub fn slips(&self) -> u64 {
        self.slips
    }

    fn place(&self, span: SpanIndex, timeslot: Timeslot) -> std::ops::Range<usize> {
        let at = (usize::from(span.0) * SLOTS + timeslot.index()) * self.samples;
        at..at + self.samples
    }

    fn idle(lines: &[Line], samples: usize, chunks: &mut Chunks) {
        for (line, octets) in lines.iter().zip(chunks.octets.chunks_exact_mut(SLOTS * samples)) {
            octets.fill(line.idle_octet());
        }
    }

    fn idle_received(&mut self) {
        Self::idle(&self.lines, self.samples, &mut self.received);
    }

    fn idle_to_send(&mut self) {
        Self::idle(&self.lines, self.samples, &mut self.to_send);
    }

    fn slip(&mut self) {
        self.slips += 1;
        for span in 0..self.lines.len() {
            if self.slipped.len() < self.slipped.capacity() {
                self.slipped.push_back(CardEvent::Slip(SpanIndex(span as u8)));
            }
        }
    }

    /// Exchange chunks with the card for as long as it is ready.
    fn exchange(&mut self) -> Result<(), Error> {
        // Bounded: a card that is always ready (its far end is absent) must not hold the tick up.
        for _ in 0..DEPTH {
            if self.inner.begin()? == Readiness::NotYet {
                break;
            }
            if self.incoming.len() == DEPTH
                && let Some(oldest) = self.incoming.pop_front()
            {
                self.spare.push(oldest);
                self.slip();
            }
            let Some(mut chunks) = self.spare.pop() else { break };
            let sending = self.outgoing.pop_front();
            for span in 0..self.lines.len() {
                let index = SpanIndex(span as u8);
                for slot in 1..=self.lines[span].timeslots() {
                    let at = self.place(index, Timeslot(slot));
                    chunks.octets[at.clone()].copy_from_slice(self.inner.received(index, Timeslot(slot)));
                    if let Some(sending) = &sending {
                        self.inner.to_send(index, Timeslot(slot)).copy_from_slice(&sending.octets[at]);
                    }
                }
            }
            self.incoming.push_back(chunks);
            self.spare.extend(sending);
            self.inner.end()?;
        }
        Ok(())
    }
}

impl Traffic for SlipBuffered {
    fn descriptors(&self) -> &[RawFd] {
        self.inner.descriptors()
    }

    fn serve(&mut self) -> Result<(), Error> {
        self.exchange()
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        self.exchange()?;
        if !self.primed {
            self.primed = self.incoming.len() >= DEPTH / 2;
        }
        let next = if self.primed { self.incoming.pop_front() } else { None };
        match next {
            Some(chunks) => {
                let used = std::mem::replace(&mut self.received, chunks);
                self.spare.push(used);
            }
            None => {
                if self.primed {
                    self.slip();
                    self.primed = false;
                }
                self.idle_received();
            }
        }
        self.idle_to_send();
        Ok(Readiness::Ready)
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        &self.received.octets[self.place(span, timeslot)]
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        let at = self.place(span, timeslot);
        &mut self.to_send.octets[at]
    }

    fn end(&mut self) -> Result<(), Error> {
        if self.outgoing.len() == DEPTH
            && let Some(oldest) = self.outgoing.pop_front()
        {
            self.spare.push(oldest);
        }
        if let Some(empty) = self.spare.pop() {
            let full = std::mem::replace(&mut self.to_send, empty);
            self.outgoing.push_back(full);
        }
        Ok(())
    }

    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error> {
        self.inner.receive_frame(span)
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        self.inner.send_frame(span, frame)
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        self.slipped.pop_front().or_else(|| self.inner.next_event())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A card whose clock is not ours: it becomes ready when told to, and counts chunks in every octet.
    struct OwnClock {
        due: u32,
        count: u8,
        samples: Vec<u8>,
        sent: Vec<u8>,
        seen: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
        pace: std::sync::Arc<std::sync::atomic::AtomicU32>,
    }

    impl Traffic for OwnClock {
        fn descriptors(&self) -> &[RawFd] {
            &[]
        }
        fn begin(&mut self) -> Result<Readiness, Error> {
            self.due += self.pace.swap(0, std::sync::atomic::Ordering::Relaxed);
            if self.due == 0 {
                return Ok(Readiness::NotYet);
            }
            self.due -= 1;
            self.count = self.count.wrapping_add(1);
            self.samples.fill(self.count);
            Ok(Readiness::Ready)
        }
        fn received(&self, _: SpanIndex, _: Timeslot) -> &[u8] {
            &self.samples
        }
        fn to_send(&mut self, _: SpanIndex, _: Timeslot) -> &mut [u8] {
            &mut self.sent
        }
        fn end(&mut self) -> Result<(), Error> {
            self.seen.lock().expect("no panic").push(self.sent[0]);
            Ok(())
        }
        fn receive_frame(&mut self, _: SpanIndex) -> Result<Option<DFrame>, Error> {
            Ok(None)
        }
        fn send_frame(&mut self, _: SpanIndex, _: &[u8]) -> Result<(), Error> {
            Ok(())
        }
        fn next_event(&mut self) -> Option<CardEvent> {
            None
        }
    }

    /// Run `ticks` of our clock against a card that makes `card` chunks in the time of `ours` ticks.
    /// Returns received chunk numbers (None for idle), slips, and the greatest delay in chunks.
    fn run(ticks: u32, card: u32, ours: u32) -> (Vec<Option<u8>>, u64, u8) {
        let pace = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let inner = OwnClock {
            due: 0,
            count: 0,
            samples: vec![0; 80],
            sent: vec![0; 80],
            seen: std::sync::Arc::default(),
            pace: pace.clone(),
        };
        let mut slip = SlipBuffered::new(Box::new(inner), vec![Line::E1], ChunkLength::Ms10);
        let (mut got, mut debt, mut made, mut delay) = (Vec::new(), 0, 0u8, 0);
        for _ in 0..ticks {
            debt += card;
            let chunks = debt / ours;
            debt %= ours;
            made = made.wrapping_add(chunks as u8);
            pace.fetch_add(chunks, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(slip.begin().expect("present"), Readiness::Ready);
            let octet = slip.received(SpanIndex(0), Timeslot(1))[0];
            let chunk = (octet != Line::E1.idle_octet()).then_some(octet);
            if let Some(chunk) = chunk {
                delay = delay.max(made.wrapping_sub(chunk));
            }
            got.push(chunk);
            slip.end().expect("present");
        }
        (got, slip.slips(), delay)
    }

    #[test]
    fn cards_on_one_clock_never_slip() {
        let (got, slips, delay) = run(200, 1, 1);
        assert_eq!(slips, 0);
        assert!(got[DEPTH..].windows(2).all(|w| w[1].expect("no idle") == w[0].expect("no idle").wrapping_add(1)));
        assert!(usize::from(delay) <= DEPTH);
    }

    #[test]
    fn a_faster_or_slower_clock_slips_and_never_adds_delay() {
        // 1 % off: far more than any line, so that a short run shows it.
        for (card, ours) in [(101, 100), (99, 100)] {
            let (_, slips, delay) = run(1000, card, ours);
            assert!((3..=12).contains(&slips), "{card}/{ours}: {slips} slips");
            assert!(usize::from(delay) <= DEPTH, "{card}/{ours}: {delay} chunks late");
        }
    }
}
