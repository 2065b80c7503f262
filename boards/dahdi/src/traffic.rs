//! The real-time half of a started card.
//!
//! Data path: [`Span`]s ↔ [`hal::Traffic`].
//! Time: the card's. A tick begins when every span has its chunk; a span that falls silent while others go on is given up after
//! [`PATIENCE`] looks, carries idle, and is taken in again as soon as it moves.

use crate::driver::Node;
use crate::meaning;
use crate::span::{Look, Span};
use hal::{Alarms, CardEvent, DFrame, Error, ErrorKind, Readiness, SpanIndex, Timeslot, Traffic};
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Release};

/// Looks at a span whose chunk is missing while others have theirs: a tick or two, because each chunk and the timer bring one.
const PATIENCE: u32 = 3;
/// Events that may wait. More are only counted.
const EVENTS: usize = 256;

/// See the module.
pub(crate) struct DahdiTraffic {
    pub(crate) spans: Vec<Span>,
    pub(crate) control: Arc<dyn Node>,
    pub(crate) removed: Arc<AtomicBool>,
    pub(crate) descriptors: Vec<RawFd>,
    pub(crate) reported: Vec<Alarms>,
    pub(crate) events: Box<heapless::Deque<CardEvent, EVENTS>>,
    pub(crate) in_tick: bool,
    pub(crate) looks: u32,
    pub(crate) gone: bool,
}

impl DahdiTraffic {
    fn here(&self, operation: &'static str) -> Result<(), Error> {
        if self.gone { Err(Error::new(ErrorKind::Reopen, operation)) } else { Ok(()) }
    }

    /// What cannot be read or written any more is gone; all else the driver says is passing.
    fn failed(&mut self, operation: &'static str, source: io::Error) -> Error {
        let error = meaning::failed(operation, source);
        if error.kind() == ErrorKind::Reopen && !self.gone {
            self.gone = true;
            self.removed.store(true, Release);
            self.events.clear();
            let _ = self.events.push_back(CardEvent::Removed);
        }
        error
    }

    fn span(&mut self, span: SpanIndex) -> Result<&mut Span, Error> {
        self.here("use a card that was removed")?;
        self.spans.get_mut(usize::from(span.0)).ok_or(Error::new(ErrorKind::Unsupported, "use a span the card lacks"))
    }

    /// Look at every span; whether the tick can begin.
    fn look(&mut self) -> io::Result<bool> {
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
        self.spans.iter_mut().filter(|span| !span.is_taken()).for_each(Span::give_up);
        Ok(true)
    }
}

impl Traffic for DahdiTraffic {
    fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        self.here("begin a tick")?;
        if !self.in_tick {
            self.in_tick = self.look().map_err(|error| self.failed("begin a tick", error))?;
            for span in &mut self.spans {
                span.refresh_alarms(&*self.control);
            }
        }
        Ok(if self.in_tick { Readiness::Ready } else { Readiness::NotYet })
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        self.spans.get(usize::from(span.0)).map_or(&[], |span| span.received(timeslot))
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        self.spans.get_mut(usize::from(span.0)).map_or(&mut [], |span| span.outgoing(timeslot))
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
        self.span(span)?;
        let Self { spans, events, .. } = self;
        let lost = |fault| {
            let _ = events.push_back(CardEvent::FrameLost(span, fault));
        };
        let received = spans[usize::from(span.0)].receive_frame(lost);
        received.map_err(|error| self.failed("receive a D-channel frame", error))
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        self.span(span)?;
        let Self { spans, events, .. } = self;
        let lost = |fault| {
            let _ = events.push_back(CardEvent::FrameLost(span, fault));
        };
        spans[usize::from(span.0)].send_frame(frame, lost)
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if self.gone {
            return None;
        }
        for (index, (span, reported)) in self.spans.iter().zip(&mut self.reported).enumerate() {
            let now = span.state().alarms();
            if now != *reported {
                *reported = now;
                return Some(CardEvent::Alarms(SpanIndex(index as u8), now));
            }
        }
        None
    }
}
