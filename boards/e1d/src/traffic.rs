//! Both halves of a started card.
//!
//! The daemon has no counters for its clients, no loopbacks and no way to send alarms: what is asked of that is not supported.
//!
//! Data path: [`Span`]s ↔ [`hal::Traffic`]; the control socket → alarms.
//! Time: that of the lines. A tick begins when every line has its chunk; a line that falls silent while others go on is given up after
//! [`PATIENCE`] looks and carries idle.

use crate::client::Connection;
use crate::span::{LineState, Span};
use crate::wire::LineAddress;
use hal::{
    Alarms, CardEvent, Control, Counters, DFrame, Error, ErrorKind, Loopback, Readiness, SpanIndex, Timeslot, Traffic,
};
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// Looks at a line whose chunk is missing while others have theirs: a tick or two.
const PATIENCE: u32 = 3;
/// Events that may wait. More are only counted.
const EVENTS: usize = 256;
/// Events of lines taken in at a look.
const LINE_EVENTS: usize = 32;

/// The half for the real-time thread.
pub(crate) struct E1dTraffic {
    pub(crate) connection: Connection,
    pub(crate) spans: Vec<(LineAddress, Span)>,
    pub(crate) descriptors: Vec<RawFd>,
    pub(crate) reported: Vec<Alarms>,
    pub(crate) events: Box<heapless::Deque<CardEvent, EVENTS>>,
    pub(crate) removed: Arc<AtomicBool>,
    pub(crate) in_tick: bool,
    pub(crate) looks: u32,
    pub(crate) gone: bool,
}

impl E1dTraffic {
    fn here(&self, operation: &'static str) -> Result<(), Error> {
        if self.gone { Err(Error::new(ErrorKind::Reopen, operation)) } else { Ok(()) }
    }

    /// A socket that fails is a daemon that has gone, or has given the timeslot to somebody else.
    fn failed(&mut self, operation: &'static str, source: io::Error) -> Error {
        if !self.gone {
            self.gone = true;
            self.removed.store(true, Release);
            self.events.clear();
            let _ = self.events.push_back(CardEvent::Removed);
        }
        Error::io(ErrorKind::Reopen, operation, source)
    }

    fn span(&mut self, span: SpanIndex) -> Result<&mut Span, Error> {
        self.here("use a card that was removed")?;
        let known = self.spans.get_mut(usize::from(span.0)).map(|(_, span)| span);
        known.ok_or(Error::new(ErrorKind::Unsupported, "use a span the card lacks"))
    }

    fn look(&mut self) -> io::Result<bool> {
        for _ in 0..LINE_EVENTS {
            let Some((at, alarm, came)) = self.connection.next_event()? else { break };
            if let Some((_, span)) = self.spans.iter().find(|(known, _)| *known == at) {
                span.state().set_alarm(alarm, came);
            }
        }
        let mut taken = 0;
        for (_, span) in &mut self.spans {
            taken += usize::from(span.look()?);
        }
        if taken == 0 || taken == self.spans.len() {
            self.looks = 0;
            return Ok(taken > 0);
        }
        self.looks += 1;
        if self.looks < PATIENCE {
            return Ok(false);
        }
        self.looks = 0;
        self.spans.iter_mut().filter(|(_, span)| !span.is_taken()).for_each(|(_, span)| span.give_up());
        Ok(true)
    }
}

impl Traffic for E1dTraffic {
    fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        self.here("begin a tick")?;
        if !self.in_tick {
            self.in_tick = self.look().map_err(|error| self.failed("begin a tick", error))?;
        }
        Ok(if self.in_tick { Readiness::Ready } else { Readiness::NotYet })
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        self.spans.get(usize::from(span.0)).map_or(&[], |(_, span)| span.received(timeslot))
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        self.spans.get_mut(usize::from(span.0)).map_or(&mut [], |(_, span)| span.outgoing(timeslot))
    }

    fn end(&mut self) -> Result<(), Error> {
        self.here("end a tick")?;
        if std::mem::take(&mut self.in_tick) {
            for index in 0..self.spans.len() {
                if let Err(error) = self.spans[index].1.end() {
                    return Err(self.failed("end a tick", error));
                }
                if self.spans[index].1.take_slip() {
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
        let received = spans[usize::from(span.0)].1.receive_frame(lost);
        received.map_err(|error| self.failed("receive a D-channel frame", error))
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        self.span(span)?.send_frame(frame)
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if self.gone {
            return None;
        }
        for (index, ((_, span), reported)) in self.spans.iter().zip(&mut self.reported).enumerate() {
            let now = span.state().alarms();
            if now != *reported {
                *reported = now;
                return Some(CardEvent::Alarms(SpanIndex(index as u8), now));
            }
        }
        None
    }
}

/// The half for everyone else.
pub(crate) struct E1dControl {
    pub(crate) states: Vec<Arc<LineState>>,
    pub(crate) removed: Arc<AtomicBool>,
}

impl E1dControl {
    fn state(&self, span: SpanIndex, operation: &'static str) -> Result<&LineState, Error> {
        if self.removed.load(Acquire) {
            return Err(Error::new(ErrorKind::Reopen, operation));
        }
        let known = self.states.get(usize::from(span.0)).map(|state| &**state);
        known.ok_or(Error::new(ErrorKind::Unsupported, operation))
    }
}

impl Control for E1dControl {
    fn alarms(&self, span: SpanIndex) -> Alarms {
        self.state(span, "read the alarms").map_or(Alarms::ABSENT, LineState::alarms)
    }

    fn counters(&self, span: SpanIndex) -> Counters {
        let Some(state) = self.states.get(usize::from(span.0)) else { return Counters::default() };
        Counters {
            slips: state.slips.load(Relaxed),
            underruns: state.underruns.load(Relaxed),
            bad_frames: state.bad_frames.load(Relaxed),
            ..Counters::default()
        }
    }

    fn set_loopback(&mut self, span: SpanIndex, loopback: Loopback) -> Result<(), Error> {
        const OPERATION: &str = "set a loopback";
        self.state(span, OPERATION)?;
        if loopback == Loopback::None { Ok(()) } else { Err(Error::new(ErrorKind::Unsupported, OPERATION)) }
    }

    fn send_alarms(&mut self, span: SpanIndex, alarms: Alarms) -> Result<(), Error> {
        const OPERATION: &str = "send AIS or RAI";
        self.state(span, OPERATION)?;
        if alarms.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::Unsupported, OPERATION)) }
    }
}
