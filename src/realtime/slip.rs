//! A card on another clock, made to keep the leading card's time.
//!
//! The wrapped card is served whenever it is ready, between the ticks too, so that it is never kept waiting for the leader's time; its
//! chunks wait in a short queue in each direction, and the tick takes one from there. When the card's clock is slower the
//! queue from it runs dry and the idle pattern is used for one chunk; when it is faster a chunk more stays behind than before, and
//! is dropped. The same the other way round on the way to the card. Each is a controlled slip: counted, told as
//! [`CardEvent::BufferSlip`], and never paid for with growing delay.
//!
//! What a queue holds: a chunk of one clock must be whole before the other can use it, so it waits for the other's next beat, which
//! is less than a tick away. More than that is only there for jitter: a chunk that was not needed for a whole second
//! ([`WINDOW`]) is let go. Where it was needed after all the next one is kept longer, up to [`MOST_PATIENCE`] windows.
//!
//! Data path: card → queue → tick; tick → queue → card.
//! Time: that of the two clocks, counted in chunks.
//! Source: ITU-T G.822 for what a slip is.
//! Words: *dry*, asked for a chunk and without one.

use hal::{Ahead, CardEvent, ChunkLength, DFrame, Error, Line, Readiness, SpanIndex, Timeslot, Traffic};
use std::collections::VecDeque;
use std::os::fd::RawFd;

/// Chunks that a direction has room for: as many come in a heap when one of the two was held up.
const DEPTH: usize = 4;
/// Takes in which a chunk that is always left over shows that it is not needed: a second at a tick of 5 ms.
const WINDOW: u32 = 200;
/// Windows for which a chunk is kept when such chunks turned out to be needed.
const MOST_PATIENCE: u32 = 64;
/// Takes in a row from a queue that is dry, after which nothing is expected any more: as many as ticks are made up for.
const MOST_DRY: u32 = 50;
const SLOTS: usize = 31;

/// The chunks of every timeslot of every span in one direction.
struct Chunks {
    octets: Vec<u8>,
}

/// What waits in one direction, oldest first.
struct Queue {
    chunks: VecDeque<Chunks>,
    /// Fewest that were left behind by a take of the present window.
    least: usize,
    takes: u32,
    /// Windows after which what is always left over goes.
    patience: u32,
    /// The last slip was a chunk let go.
    let_go: bool,
    /// Takes in vain since the last that was not. From [`MOST_DRY`] on, and before the first chunk, nothing is expected.
    dry: u32,
}

impl Queue {
    fn new() -> Queue {
        let chunks = VecDeque::with_capacity(DEPTH + 1);
        Queue { chunks, least: usize::MAX, takes: 0, patience: 1, let_go: false, dry: MOST_DRY }
    }

    /// One more; the oldest, if there was no room.
    fn put(&mut self, chunk: Chunks) -> Option<Chunks> {
        let oldest = if self.chunks.len() == DEPTH { self.chunks.pop_front() } else { None };
        self.chunks.push_back(chunk);
        oldest
    }

    /// The oldest.
    fn take(&mut self) -> Result<Chunks, Dry> {
        self.takes += 1;
        let next = self.chunks.pop_front();
        self.least = self.least.min(self.chunks.len());
        if let Some(next) = next {
            self.dry = 0;
            return Ok(next);
        }
        if self.dry == MOST_DRY {
            return Err(Dry::Expected);
        }
        self.dry += 1;
        if std::mem::take(&mut self.let_go) {
            // What was let go is missing now: this is jitter, and no difference of clocks.
            self.patience = (self.patience * 2).min(MOST_PATIENCE);
        }
        Err(Dry::Slip)
    }

    /// One that has been left over for long enough.
    fn surplus(&mut self) -> Option<Chunks> {
        if self.takes < WINDOW * self.patience {
            return None;
        }
        self.takes = 0;
        if std::mem::replace(&mut self.least, usize::MAX) == 0 {
            return None;
        }
        if std::mem::replace(&mut self.let_go, true) {
            // Two in a row, and none was missed: the clocks differ.
            self.patience = 1;
        }
        self.chunks.pop_front()
    }
}

/// Why there is no chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dry {
    /// There was none before, or for long.
    Expected,
    Slip,
}

/// A card behind slip buffers.
pub struct SlipBuffered {
    inner: Box<dyn Traffic>,
    lines: Vec<Line>,
    samples: usize,
    /// Received and not yet taken by a tick.
    incoming: Queue,
    /// Written by a tick and not yet taken by the card.
    outgoing: Queue,
    /// Buffers nobody uses now.
    spare: Vec<Chunks>,
    /// What the present tick reads and writes.
    received: Chunks,
    to_send: Chunks,
    slipped: VecDeque<CardEvent>,
    /// By span, whether anything arrives that could be missed.
    usable: Vec<bool>,
    slips: u64,
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
            samples,
            incoming: Queue::new(),
            outgoing: Queue::new(),
            spare,
            received,
            to_send,
            slipped: VecDeque::with_capacity(4 * lines.len().max(16)),
            usable: vec![true; lines.len()],
            lines,
            slips: 0,
        };
        card.idle_received();
        card.idle_to_send();
        card
    }

    /// Slips so far, in both directions.
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

    fn slip(&mut self, ahead: Ahead) {
        // On a line in alarm there is nothing to lose, and a card without a far end has no clock either.
        if !self.usable.contains(&true) {
            return;
        }
        self.slips += 1;
        for (span, _) in (0u8..).zip(&self.usable).filter(|(_, usable)| **usable) {
            if self.slipped.len() < self.slipped.capacity() {
                self.slipped.push_back(CardEvent::BufferSlip(SpanIndex(span), ahead));
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
            let Some(mut chunks) = self.spare.pop() else { break };
            let sending = self.outgoing.take();
            for span in 0..self.lines.len() {
                let index = SpanIndex(span as u8);
                for slot in 1..=self.lines[span].timeslots() {
                    let at = self.place(index, Timeslot(slot));
                    chunks.octets[at.clone()].copy_from_slice(self.inner.received(index, Timeslot(slot)));
                    if let Ok(sending) = &sending {
                        self.inner.to_send(index, Timeslot(slot)).copy_from_slice(&sending.octets[at]);
                    }
                }
            }
            self.inner.end()?;
            match sending {
                Ok(sent) => self.spare.push(sent),
                Err(Dry::Slip) => self.slip(Ahead::Card),
                Err(Dry::Expected) => {}
            }
            if let Some(surplus) = self.outgoing.surplus() {
                self.spare.push(surplus);
                self.slip(Ahead::Leader);
            }
            if let Some(oldest) = self.incoming.put(chunks) {
                self.spare.push(oldest);
                self.slip(Ahead::Card);
            }
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
        match self.incoming.take() {
            Ok(chunks) => {
                let used = std::mem::replace(&mut self.received, chunks);
                self.spare.push(used);
            }
            Err(dry) => {
                if dry == Dry::Slip {
                    self.slip(Ahead::Leader);
                }
                self.idle_received();
            }
        }
        if let Some(surplus) = self.incoming.surplus() {
            self.spare.push(surplus);
            self.slip(Ahead::Card);
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
        if let Some(empty) = self.spare.pop() {
            let full = std::mem::replace(&mut self.to_send, empty);
            if let Some(oldest) = self.outgoing.put(full) {
                self.spare.push(oldest);
                self.slip(Ahead::Leader);
            }
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
        let event = self.slipped.pop_front().or_else(|| self.inner.next_event())?;
        if let CardEvent::Alarms(span, alarms) = event
            && let Some(usable) = self.usable.get_mut(usize::from(span.0))
        {
            *usable = alarms.usable();
        }
        Some(event)
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
            // No chunk is mistaken for an idle one.
            self.samples[1] = 1;
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

    /// The card with its own clock behind slip buffers, and what it is told with.
    struct Pair {
        slip: SlipBuffered,
        pace: std::sync::Arc<std::sync::atomic::AtomicU32>,
        made: u32,
    }

    impl Pair {
        fn new() -> Pair {
            let pace = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
            let inner = OwnClock {
                due: 0,
                count: 0,
                samples: vec![0; 80],
                sent: vec![0; 80],
                seen: std::sync::Arc::default(),
                pace: pace.clone(),
            };
            Pair { slip: SlipBuffered::new(Box::new(inner), vec![Line::E1], ChunkLength::Ms10), pace, made: 0 }
        }

        /// So many chunks of the card have become whole.
        fn card(&mut self, chunks: u32) {
            self.made += chunks;
            self.pace.fetch_add(chunks, std::sync::atomic::Ordering::Relaxed);
            self.slip.serve().expect("present");
        }

        /// Our tick; how many chunks behind the latest what it got is, if it got one.
        fn tick(&mut self) -> Option<u32> {
            assert_eq!(self.slip.begin().expect("present"), Readiness::Ready);
            let &[count, mark, ..] = self.slip.received(SpanIndex(0), Timeslot(1)) else { panic!("an empty chunk") };
            self.slip.end().expect("present");
            (mark != Line::E1.idle_octet()).then_some(self.made.wrapping_sub(u32::from(count)) % 256)
        }

        /// How many slips each clock was ahead in since this was last asked: the card's, ours.
        fn told(&mut self) -> [u32; 2] {
            let mut told = [0; 2];
            while let Some(event) = self.slip.next_event() {
                let CardEvent::BufferSlip(_, ahead) = event else { panic!("{event:?}") };
                told[usize::from(ahead == Ahead::Leader)] += 1;
            }
            told
        }
    }

    /// Run `ticks` of our clock against a card that makes `card` chunks in the time of `ours` ticks.
    /// Returns ticks without a chunk, slips by the clock ahead, and the greatest delay in chunks.
    fn run(ticks: u32, card: u32, ours: u32) -> (u32, [u32; 2], u32) {
        let mut pair = Pair::new();
        let (mut idle, mut debt, mut delay, mut slips) = (0, ours / 2, 0, [0; 2]);
        for _ in 0..ticks {
            debt += card;
            pair.card(debt / ours);
            debt %= ours;
            match pair.tick() {
                Some(behind) => delay = delay.max(behind),
                None => idle += 1,
            }
            let [card, leader] = pair.told();
            slips = [slips[0] + card, slips[1] + leader];
        }
        (idle, slips, delay)
    }

    #[test]
    fn cards_on_one_clock_never_slip_and_nothing_stands_between_them() {
        assert_eq!(run(10_000, 1, 1), (0, [0, 0], 0));
    }

    #[test]
    fn a_faster_or_slower_clock_slips_one_way_and_never_adds_delay() {
        // A thousandth off: twenty times what any line is, so that a short run shows it.
        for (card, ours) in [(1001, 1000), (999, 1000)] {
            let (idle, [card_ahead, ours_ahead], delay) = run(100_000, card, ours);
            // A hundred chunks of difference, each of them once in either direction.
            let (with, against) = if card > ours { (card_ahead, ours_ahead) } else { (ours_ahead, card_ahead) };
            assert!((190..=201).contains(&with) && against == 0, "{card}/{ours}: {with} with, {against} against");
            assert_eq!(idle > 0, card < ours);
            assert!(delay <= 1, "{card}/{ours}: {delay} chunks behind");
        }
    }

    #[test]
    fn after_a_hold_up_of_either_nothing_is_left_standing() {
        let mut pair = Pair::new();
        for _ in 0..1000 {
            pair.card(1);
            pair.tick();
        }
        // The card was held up, and brings four chunks in a heap: idle is heard meanwhile, and then there is too much.
        for _ in 0..3 {
            assert_eq!(pair.tick(), None);
        }
        pair.card(4);
        assert_eq!(pair.tick(), Some(3));
        for _ in 0..2 * 3 * WINDOW {
            pair.card(1);
            pair.tick();
        }
        pair.card(1);
        assert_eq!(pair.tick(), Some(0), "as before");
        let [card_ahead, ours_ahead] = pair.told();
        assert_eq!(card_ahead, ours_ahead, "what was put in was taken out again: no clock is ahead");
        // We were held up, and make up for it: as long as there is room for a heap nothing is lost on the way in.
        pair.card(1);
        pair.card(1);
        pair.card(1);
        assert_eq!([pair.tick(), pair.tick(), pair.tick()], [Some(2), Some(1), Some(0)]);
    }

    #[test]
    fn a_chunk_that_jitter_needs_is_kept() {
        let mut pair = Pair::new();
        let mut by_minute = Vec::new();
        for _ in 0..20 {
            // Every three seconds the card is a tick late.
            for round in 0..12_000 {
                match round % 600 {
                    0 => {}
                    1 => pair.card(2),
                    _ => pair.card(1),
                }
                pair.tick();
            }
            by_minute.push(pair.told().iter().sum::<u32>());
        }
        let (first, last) = (by_minute[0], *by_minute.last().expect("some"));
        assert!(first >= 3 && last == 0, "slips by minute: {by_minute:?}");
    }

    #[test]
    fn on_a_line_in_alarm_nothing_is_missed() {
        let mut pair = Pair::new();
        pair.slip.usable = vec![false];
        for _ in 0..1000 {
            pair.card(2);
            pair.tick();
        }
        assert_eq!((pair.told(), pair.slip.slips()), ([0, 0], 0));
    }
}
