//! The half of a card for the real-time thread, made of its spans.
//!
//! Data path: [`BoardSpan`]s ↔ [`hal::Traffic`].
//! Time: see the crate.

use crate::Chunks;
use hal::{Alarms, CardEvent, DFrame, Error, ErrorKind, FrameFault, Readiness, SpanIndex, Timeslot, Traffic};
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Release};

/// Looks at a span whose chunk is missing while others have theirs: a tick or two, because each chunk and the timer bring one.
pub const PATIENCE: u32 = 3;
/// Events that may wait. More are only counted.
const EVENTS: usize = 256;

/// Whether a chunk of a span was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is taken in.
    Taken,
    /// Not yet.
    Waiting,
    /// Not for long; nobody waits for it any more.
    Still,
}

/// A started span. What fails for good is an error; what passes is not.
pub trait BoardSpan: Send {
    /// Look for a chunk of every timeslot and take it in; once taken it stays so until [`BoardSpan::end`].
    ///
    /// # Errors
    /// That of a system call, when the span is lost by it.
    fn look(&mut self) -> io::Result<Look>;

    /// Whether the chunk of this tick is taken.
    fn is_taken(&self) -> bool;

    /// Others have their chunks: this one is not waited for, and carries idle.
    fn give_up(&mut self);

    /// Hand over what was written.
    ///
    /// # Errors
    /// That of a system call, when the span is lost by it.
    fn end(&mut self) -> io::Result<()>;

    /// Its chunks.
    fn chunks(&self) -> &Chunks;

    /// Its chunks, to be written.
    fn chunks_mut(&mut self) -> &mut Chunks;

    /// Whether a chunk was lost since this was last asked.
    fn take_slip(&mut self) -> bool;

    /// Its alarms now.
    fn alarms(&self) -> Alarms;

    /// The next frame of the D channel; `lost` is told of those that are none.
    ///
    /// # Errors
    /// That of a system call, when the span is lost by it.
    fn receive_frame(&mut self, lost: &mut dyn FnMut(FrameFault)) -> io::Result<Option<DFrame>>;

    /// Send a frame; `lost` is told of received ones that were lost meanwhile.
    ///
    /// # Errors
    /// As [`Traffic::send_frame`].
    fn send_frame(&mut self, frame: &[u8], lost: &mut dyn FnMut(FrameFault)) -> Result<(), Error>;
}

/// What is the card's and not a span's.
pub trait Board: Send {
    /// Its spans.
    type Span: BoardSpan;

    /// Take in what the card has to say of its spans, before they are looked at.
    ///
    /// # Errors
    /// That of a system call, when the card is lost by it.
    fn before_look(&mut self, _spans: &mut [Self::Span]) -> io::Result<()> {
        Ok(())
    }

    /// Ask the card for what a look has shown to have changed.
    fn after_look(&mut self, _spans: &mut [Self::Span]) {}

    /// What an error of a system call means; `Reopen` when the card is gone.
    fn meaning(&self, operation: &'static str, source: io::Error) -> Error;
}

/// See the module.
pub struct SpanTraffic<B: Board> {
    board: B,
    spans: Vec<B::Span>,
    descriptors: Vec<RawFd>,
    reported: Vec<Alarms>,
    events: Box<heapless::Deque<CardEvent, EVENTS>>,
    removed: Arc<AtomicBool>,
    in_tick: bool,
    looks: u32,
    gone: bool,
}

impl<B: Board> SpanTraffic<B> {
    /// Of these spans, which `descriptors` announce; `removed` is set when the card is gone.
    #[must_use]
    pub fn new(board: B, spans: Vec<B::Span>, descriptors: Vec<RawFd>, removed: Arc<AtomicBool>) -> SpanTraffic<B> {
        let reported = vec![Alarms::empty(); spans.len()];
        SpanTraffic {
            board,
            spans,
            descriptors,
            reported,
            events: Box::default(),
            removed,
            in_tick: false,
            looks: 0,
            gone: false,
        }
    }

    fn here(&self, operation: &'static str) -> Result<(), Error> {
        if self.gone { Err(Error::new(ErrorKind::Reopen, operation)) } else { Ok(()) }
    }

    fn failed(&mut self, operation: &'static str, source: io::Error) -> Error {
        let error = self.board.meaning(operation, source);
        if error.kind() == ErrorKind::Reopen && !self.gone {
            self.gone = true;
            self.removed.store(true, Release);
            self.events.clear();
            let _ = self.events.push_back(CardEvent::Removed);
        }
        error
    }

    /// A span, and whom to tell of its lost frames.
    fn span(&mut self, index: SpanIndex) -> Result<(&mut B::Span, impl FnMut(FrameFault) + '_), Error> {
        self.here("use a card that was removed")?;
        let Self { spans, events, .. } = self;
        let known = spans.get_mut(usize::from(index.0));
        let span = known.ok_or(Error::new(ErrorKind::Unsupported, "use a span the card lacks"))?;
        let lost = move |fault| {
            let _ = events.push_back(CardEvent::FrameLost(index, fault));
        };
        Ok((span, lost))
    }

    /// Look at every span; whether the tick can begin.
    fn look(&mut self) -> io::Result<bool> {
        self.board.before_look(&mut self.spans)?;
        let (mut taken, mut waiting) = (0, 0);
        for span in &mut self.spans {
            match span.look()? {
                Look::Taken => taken += 1,
                Look::Waiting => waiting += 1,
                Look::Still => {}
            }
        }
        if taken == 0 || waiting == 0 {
            self.looks = 0;
            return Ok(taken > 0);
        }
        self.looks += 1;
        if self.looks < PATIENCE {
            return Ok(false);
        }
        self.looks = 0;
        self.spans.iter_mut().filter(|span| !span.is_taken()).for_each(BoardSpan::give_up);
        Ok(true)
    }
}

impl<B: Board> Traffic for SpanTraffic<B> {
    fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        self.here("begin a tick")?;
        if !self.in_tick {
            self.in_tick = self.look().map_err(|error| self.failed("begin a tick", error))?;
            self.board.after_look(&mut self.spans);
        }
        Ok(if self.in_tick { Readiness::Ready } else { Readiness::NotYet })
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        self.spans.get(usize::from(span.0)).map_or(&[], |span| span.chunks().received(timeslot))
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        self.spans.get_mut(usize::from(span.0)).map_or(&mut [], |span| span.chunks_mut().to_send(timeslot))
    }

    fn end(&mut self) -> Result<(), Error> {
        self.here("end a tick")?;
        if std::mem::take(&mut self.in_tick) {
            for index in 0..self.spans.len() {
                if let Err(error) = self.spans[index].end() {
                    return Err(self.failed("end a tick", error));
                }
                if self.spans[index].take_slip() {
                    let _ = self.events.push_back(CardEvent::Slip(SpanIndex(index as u8)));
                }
            }
        }
        Ok(())
    }

    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error> {
        let (span, mut lost) = self.span(span)?;
        let received = span.receive_frame(&mut lost);
        drop(lost);
        received.map_err(|error| self.failed("receive a D-channel frame", error))
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        let (span, mut lost) = self.span(span)?;
        span.send_frame(frame, &mut lost)
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if self.gone {
            return None;
        }
        for (index, (span, reported)) in self.spans.iter().zip(&mut self.reported).enumerate() {
            let now = span.alarms();
            if now != *reported {
                *reported = now;
                return Some(CardEvent::Alarms(SpanIndex(index as u8), now));
            }
        }
        None
    }
}
