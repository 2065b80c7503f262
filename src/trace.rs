//! What went over the D channels: every frame, always, the last ones of each span kept for whoever asks afterwards.
//!
//! Each card sits in a capturing one, whose bounded queue is all the real-time thread knows of this. A slow thread takes
//! the copies out, dates them, hides what callers keyed, and puts them into the ring of their span and to those who watch.
//! What explains frames is in `isdn::explain` and used by the technician's tool, not here.
//!
//! Data path: [`CaptureReader`] → [`Collector`] → rings and watchers' queues → [`control::TraceFeed`] → control socket.
//! Time: the card's ticks, dated by the server's clock as in `clock`; the collector looks every `BEAT`.
//! Words: see `isdn::explain` for what is hidden when.

mod clock;

use board_loopback::{CaptureReader, CapturedFrame, Direction};
use clock::TickClock;
use control::{Octets, Problem, Side, TraceFeed, TraceFrame, TraceHead, TraceWish, WatchEnd};
use isdn::explain::Masker;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Frames that are kept of each span: hours of an idle link, minutes of a busy one.
pub const RING: usize = 4096;

/// Copies that may wait for the collector, for each span of a card: almost four times what 64 kbit/s both ways bring in a
/// `BEAT`, so that a late thread loses nothing.
pub const QUEUE: usize = 256;

/// Frames a watcher may lag behind before he is let go.
const WATCHER_QUEUE: usize = 1024;

/// How often the collector looks.
const BEAT: Duration = Duration::from_millis(25);

/// Digits of a called number that are shown when no numbers are configured: the longest E.164 allows.
const E164_DIGITS: usize = 15;

/// The traces of all spans.
pub struct Traces {
    spans: Vec<SpanTrace>,
    closed: AtomicBool,
}

struct SpanTrace {
    card: String,
    line: String,
    switch: String,
    elsewhere: Option<String>,
    /// Copies of its card that were lost.
    lost: AtomicU64,
    kept: Mutex<Kept>,
}

struct Kept {
    ring: VecDeque<Arc<TraceFrame>>,
    /// The number of the last frame.
    number: u64,
    masker: Masker,
    watchers: Vec<SyncSender<Arc<TraceFrame>>>,
}

/// A span to be traced, in words.
#[derive(Clone, Debug, Default)]
pub struct SpanName {
    /// Its card.
    pub card: String,
    /// E1 or T1.
    pub line: String,
    /// The switch variant.
    pub switch: String,
    /// Where its D channel is, in words, if it has none of its own.
    pub elsewhere: Option<String>,
}

/// How many digits of a called number are the number, when these are the configured ones.
#[must_use]
pub fn dialled_digits(numbers: &[String]) -> usize {
    numbers.iter().map(String::len).max().unwrap_or(E164_DIGITS)
}

impl Traces {
    /// Empty rings for these spans, in the order of their numbers. Called numbers are shown up to `dialled` digits.
    #[must_use]
    pub fn new(spans: Vec<SpanName>, dialled: usize) -> Traces {
        let trace = |name: SpanName| SpanTrace {
            card: name.card,
            line: name.line,
            switch: name.switch,
            elsewhere: name.elsewhere,
            lost: AtomicU64::new(0),
            kept: Mutex::new(Kept {
                ring: VecDeque::new(),
                number: 0,
                masker: Masker::new(dialled),
                watchers: Vec::new(),
            }),
        };
        Traces { spans: spans.into_iter().map(trace).collect(), closed: AtomicBool::new(false) }
    }

    /// Take a frame of this span (counted from 0) in.
    fn add(&self, span: usize, at: Duration, captured: &CapturedFrame) {
        // A card that tells of more spans than it has is a mistake of ours, but no reason to lose the others.
        let Some(span) = self.spans.get(span) else { return };
        let sent = captured.direction == Direction::Sent;
        let mut octets = captured.frame.to_vec();
        let mut kept = span.kept();
        // We are the user's side of every span.
        kept.masker.hide_secrets(&mut octets, !sent);
        kept.number += 1;
        let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        let frame = Arc::new(TraceFrame { number: kept.number, at_us, sent, octets: Octets(octets) });
        // Whoever has gone or is late is forgotten; his end of the queue tells him.
        kept.watchers.retain(|watcher| watcher.try_send(frame.clone()).is_ok());
        if kept.ring.len() == RING {
            kept.ring.pop_front();
        }
        kept.ring.push_back(frame);
    }

    /// Frames for one who asks.
    ///
    /// # Errors
    /// There is no such span, or it has no D channel.
    pub fn feed(self: &Arc<Self>, wish: TraceWish) -> Result<Box<dyn TraceFeed>, Problem> {
        let index = usize::from(wish.span).checked_sub(1);
        let Some(span) = index.and_then(|index| self.spans.get(index)) else {
            return Err(Problem::not_found(format!("there is no span {}", wish.span))
                .with_hint(format!("spans are numbered 1 to {}", self.spans.len())));
        };
        if let Some(elsewhere) = &span.elsewhere {
            return Err(Problem::not_found(format!("span {} has no D channel: {elsewhere}", wish.span))
                .with_hint("trace that span; its messages name the interface they are about"));
        }
        let mut kept = span.kept();
        let head = TraceHead {
            span: wish.span,
            card: span.card.clone(),
            line: span.line.clone(),
            switch: span.switch.clone(),
            side: Side::User,
            held: u32::try_from(kept.ring.len()).unwrap_or(u32::MAX),
            lost: span.lost.load(Relaxed),
        };
        let source = if wish.ring {
            Source::Ring(kept.ring.iter().cloned().collect())
        } else {
            let (sender, receiver) = sync_channel(WATCHER_QUEUE);
            // With the traces closed there is nobody to send; the feed ends at once.
            if !self.closed.load(Relaxed) {
                kept.watchers.push(sender);
            }
            Source::Live(receiver)
        };
        Ok(Box::new(Feed { head, source, numbers: wish.numbers, traces: self.clone() }))
    }

    fn close(&self) {
        self.closed.store(true, Relaxed);
        self.spans.iter().for_each(|span| span.kept().watchers.clear());
    }
}

impl SpanTrace {
    /// What is kept is whole at every moment, so a panic elsewhere does not spoil it.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frames for one who asked: a copy of the ring, or a queue.
struct Feed {
    head: TraceHead,
    source: Source,
    numbers: bool,
    traces: Arc<Traces>,
}

enum Source {
    Ring(VecDeque<Arc<TraceFrame>>),
    Live(Receiver<Arc<TraceFrame>>),
}

impl TraceFeed for Feed {
    fn head(&self) -> TraceHead {
        self.head.clone()
    }

    fn next(&mut self, wait: Duration) -> Result<Option<TraceFrame>, WatchEnd> {
        let frame = match &mut self.source {
            Source::Ring(frames) => frames.pop_front().ok_or(WatchEnd::Complete)?,
            Source::Live(queue) => match queue.recv_timeout(wait) {
                Ok(frame) => frame,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) if self.traces.closed.load(Relaxed) => {
                    return Err(WatchEnd::Shutdown);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(WatchEnd::Slow),
            },
        };
        let mut frame = TraceFrame::clone(&frame);
        if !self.numbers {
            Masker::hide_persons(&mut frame.octets.0);
        }
        Ok(Some(frame))
    }
}

/// Takes copies from the cards into the traces.
pub struct Collector {
    traces: Arc<Traces>,
    cards: Vec<TracedCard>,
}

struct TracedCard {
    reader: CaptureReader,
    /// Its spans among all of them.
    first_span: usize,
    spans: usize,
    clock: TickClock,
}

impl Collector {
    /// For these traces, with no cards yet.
    #[must_use]
    pub fn new(traces: Arc<Traces>) -> Collector {
        Collector { traces, cards: Vec::new() }
    }

    /// One more card, whose spans come behind those of the cards before it.
    pub fn add(&mut self, reader: CaptureReader, spans: usize) {
        let first_span = self.cards.last().map_or(0, |card| card.first_span + card.spans);
        self.cards.push(TracedCard { reader, first_span, spans, clock: TickClock::default() });
    }

    /// Collect on a thread of its own, until all cards are gone.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn spawn(mut self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("trace".into()).spawn(move || {
            while self.turn(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()) {
                thread::sleep(BEAT);
            }
            self.traces.close();
        })
    }

    /// Take what there is; whether more can come. `now` is since 1970.
    fn turn(&mut self, now: Duration) -> bool {
        let mut more = false;
        for card in &mut self.cards {
            // Asked first: what comes between is taken below or in the next turn.
            more |= !card.reader.is_over();
            for captured in card.reader.by_ref() {
                let at = card.clock.date(captured.at, now);
                self.traces.add(card.first_span + usize::from(captured.span.0), at, &captured);
            }
            let lost = card.reader.dropped();
            for span in self.traces.spans.iter().skip(card.first_span).take(card.spans) {
                span.lost.store(lost, Relaxed);
            }
        }
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hal::{DFrame, SpanIndex};

    const NOW: Duration = Duration::ZERO;

    fn captured(direction: Direction, octets: &[u8]) -> CapturedFrame {
        let frame = DFrame::new(octets).expect("short");
        CapturedFrame { span: SpanIndex(0), direction, tick: 1, at: Duration::from_millis(10), frame }
    }

    fn traces(spans: usize) -> Arc<Traces> {
        Arc::new(Traces::new(vec![SpanName::default(); spans], 4))
    }

    fn wish(span: u16) -> TraceWish {
        TraceWish { span, ..TraceWish::default() }
    }

    fn all(feed: &mut dyn TraceFeed) -> Vec<TraceFrame> {
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = feed.next(NOW) {
            frames.push(frame);
        }
        frames
    }

    #[test]
    fn the_ring_holds_the_last_frames_of_its_span_in_order() {
        let traces = traces(2);
        for n in 0..=RING {
            let octets = [0x02, 0x01, 0x01, (n % 256) as u8];
            traces.add(1, Duration::from_micros(n as u64), &captured(Direction::Received, &octets));
        }
        let mut feed = traces.feed(TraceWish { ring: true, ..wish(2) }).expect("a span");
        assert_eq!(feed.head().held as usize, RING);
        let frames = all(&mut *feed);
        assert_eq!(frames.len(), RING);
        assert!(frames.iter().zip(2..).all(|(frame, n)| frame.number == n && frame.at_us == n - 1));
        assert_eq!(feed.next(NOW), Err(WatchEnd::Complete));
        let mut other = traces.feed(TraceWish { ring: true, ..wish(1) }).expect("a span");
        assert_eq!(other.next(NOW), Err(WatchEnd::Complete));
        for span in [0, 3, 65_535] {
            assert_eq!(traces.feed(wish(span)).err().expect("no such span").kind, control::ProblemKind::NotFound);
        }
    }

    #[test]
    fn what_is_keyed_never_gets_in_and_numbers_only_to_those_who_ask() {
        let traces = traces(1);
        let mut live = traces.feed(wish(1)).expect("a span");
        let setup = b"\x02\x01\x00\x00\x08\x02\x00\x01\x05\x6c\x06\x21\x834242\x70\x07\x8155501\x32\x2c\x03123";
        traces.add(0, NOW, &captured(Direction::Received, setup));
        let hidden = b"\x02\x01\x00\x00\x08\x02\x00\x01\x05\x6c\x06\x21\x83xx42\x70\x07\x815550xx\x2c\x03xxx";
        let shown = b"\x02\x01\x00\x00\x08\x02\x00\x01\x05\x6c\x06\x21\x834242\x70\x07\x815550xx\x2c\x03xxx";
        assert_eq!(live.next(NOW).expect("open").expect("queued").octets.0, hidden);
        let ring = |numbers| {
            let mut feed = traces.feed(TraceWish { span: 1, ring: true, numbers }).expect("a span");
            all(&mut *feed).remove(0).octets.0
        };
        assert_eq!(ring(false), hidden);
        assert_eq!(ring(true), shown);
    }

    #[test]
    fn a_watcher_who_is_late_is_let_go_and_the_others_go_on() {
        let traces = traces(1);
        let (mut slow, mut quick) = (traces.feed(wish(1)).expect("a span"), traces.feed(wish(1)).expect("a span"));
        for n in 1..=WATCHER_QUEUE as u64 + 1 {
            traces.add(0, NOW, &captured(Direction::Sent, &[0x00, 0x01, 0x7f]));
            let frame = quick.next(NOW).expect("open").expect("queued");
            assert!(frame.sent && frame.number == n);
        }
        assert_eq!(all(&mut *slow).len(), WATCHER_QUEUE);
        assert_eq!(slow.next(NOW), Err(WatchEnd::Slow));
        assert_eq!(quick.next(NOW), Ok(None));
        traces.close();
        assert_eq!(quick.next(NOW), Err(WatchEnd::Shutdown));
        assert_eq!(traces.feed(wish(1)).expect("a span").next(NOW), Err(WatchEnd::Shutdown));
    }

    /// A card of two spans, then one of one: ours is the third.
    #[test]
    fn frames_of_a_second_card_go_to_its_own_spans_until_it_is_gone() {
        use board_loopback::{CapturingCard, LoopbackCard};
        use hal::{Card, ChunkLength, Line};
        let traces = traces(3);
        let mut collector = Collector::new(traces.clone());
        let mut running = Vec::new();
        let mut far_ends = Vec::new();
        for spans in [2, 1] {
            let mut builder = LoopbackCard::builder("card");
            far_ends.extend((0..spans).map(|_| builder.span_to_exchange(Line::E1)));
            let (card, reader) = CapturingCard::new(Box::new(builder.build()), 2);
            collector.add(reader, spans);
            running.push(Box::new(card).start(ChunkLength::Ms10).expect("started"));
        }
        // Frames go out only to somebody.
        let far_end = far_ends.pop().expect("three").attach("far end").expect("free");
        let _far_end = Box::new(far_end).start(ChunkLength::Ms10).expect("started");
        let traffic = &mut running[1].traffic;
        traffic.begin().expect("present");
        for _ in 0..3 {
            traffic.send_frame(SpanIndex(0), &[0x00, 0x01, 0x7f]).expect("room");
        }
        assert!(collector.turn(Duration::from_secs(100)));
        let mut feed = traces.feed(TraceWish { ring: true, ..wish(3) }).expect("a span");
        assert_eq!((feed.head().held, feed.head().lost), (2, 1), "the queue has room for two");
        assert_eq!(feed.next(NOW).expect("held").expect("held").at_us, 100_000_000);
        assert_eq!(traces.feed(TraceWish { ring: true, ..wish(2) }).expect("a span").head().held, 0);
        drop(running);
        assert!(!collector.turn(Duration::from_secs(101)));
    }

    #[test]
    fn the_longest_number_is_shown_whole() {
        assert_eq!(dialled_digits(&["5550100".to_owned(), "123".to_owned()]), 7);
        assert_eq!(dialled_digits(&[]), 15);
    }
}
