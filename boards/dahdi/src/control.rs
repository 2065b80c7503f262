//! The other half of a started card: alarms, counters, loopbacks, errors for a test.
//!
//! What a board can do of maintenance the driver does not say beforehand; it is asked for "no maintenance" when the card is found,
//! which changes nothing on a span that has none and is refused where there is none to be had. A single command may still be refused.
//!
//! Data path: none.
//! Time: the caller's; the office asks for counters once a second, and with them come alarms that no event told of.

use crate::abi::{Maintenance, maintenance};
use crate::driver::{Node, Request};
use crate::find;
use crate::meaning::{self, LineCounts};
use crate::span::{Channel, SpanState};
use hal::{
    Alarms, Control, Counters, Error, ErrorKind, Line, LineError, LoopRequest, Loopback, SpanIndex, Support, Timeslot,
    TimeslotLoopback,
};
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// A span, seen from here.
pub(crate) struct ControlledSpan {
    pub(crate) number: i32,
    pub(crate) support: Support,
    /// The driver has agreed to take echo out on all bearer channels.
    pub(crate) cancels_echo: bool,
    pub(crate) state: Arc<SpanState>,
    /// All channels, by timeslot.
    pub(crate) channels: Vec<Channel>,
    /// What the driver had counted when we last looked, and what that comes to since the start.
    pub(crate) counted: Mutex<(LineCounts, Counters)>,
}

/// See the module.
pub(crate) struct DahdiControl {
    pub(crate) control: Arc<dyn Node>,
    pub(crate) spans: Vec<ControlledSpan>,
    pub(crate) removed: Arc<AtomicBool>,
}

/// What a span can do; `maintained`: the driver has maintenance for it.
pub(crate) const fn support(line: Line, maintained: bool) -> Support {
    let always = Support::TIMESLOT_NETWORK;
    if !maintained {
        return always;
    }
    let both = always
        .union(Support::LOCAL_LOOPBACK)
        .union(Support::LINE_LOOPBACK)
        .union(Support::PAYLOAD_LOOPBACK)
        .union(Support::LINE_CODE_ERRORS)
        .union(Support::PATH_ERRORS)
        .union(Support::FRAMING_ERRORS);
    match line {
        Line::T1 => both.union(Support::LOOP_REQUESTS),
        Line::E1 => both,
    }
}

/// Whether the driver has maintenance for a span.
pub(crate) fn is_maintained(control: &dyn Node, span: i32) -> bool {
    control.request(Request::Maintenance(Maintenance { span, command: maintenance::NONE })).is_ok()
}

impl DahdiControl {
    fn able(&self, span: SpanIndex, able: bool, operation: &'static str) -> Result<&ControlledSpan, Error> {
        if self.removed.load(Acquire) {
            return Err(Error::new(ErrorKind::Reopen, operation));
        }
        let known = self.spans.get(usize::from(span.0)).filter(|_| able);
        known.ok_or(Error::new(ErrorKind::Unsupported, operation))
    }

    fn maintain(&self, span: SpanIndex, able: bool, command: i32, operation: &'static str) -> Result<(), Error> {
        let span = self.able(span, able, operation)?.number;
        let asked = self.control.request(Request::Maintenance(Maintenance { span, command }));
        asked.map_err(|source| meaning::failed(operation, source))
    }
}

impl Control for DahdiControl {
    fn alarms(&self, span: SpanIndex) -> Alarms {
        let Ok(known) = self.able(span, true, "read the alarms") else { return Alarms::ABSENT };
        match find::status(&*self.control, known.number) {
            Ok(info) => {
                let alarms = meaning::alarms(info.alarms);
                known.state.set_alarms(alarms);
                alarms
            }
            Err(_) => Alarms::ABSENT,
        }
    }

    fn counters(&self, span: SpanIndex) -> Counters {
        let Some(known) = self.spans.get(usize::from(span.0)) else { return Counters::default() };
        let mut counted = known.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.removed.load(Acquire)
            && let Ok(info) = find::status(&*self.control, known.number)
        {
            known.state.set_alarms(meaning::alarms(info.alarms));
            let now = LineCounts::of(&info);
            let (before, total) = &mut *counted;
            now.add_since(std::mem::replace(before, now), total);
        }
        let state = &known.state;
        let (aborted, wrong) = (state.aborted.load(Relaxed), state.wrong_fcs.load(Relaxed));
        Counters {
            slips: state.slips.load(Relaxed),
            underruns: state.underruns.load(Relaxed),
            aborted_frames: aborted,
            wrong_fcs_frames: wrong,
            bad_frames: aborted + wrong + state.other_bad.load(Relaxed),
            ..counted.1
        }
    }

    fn set_loopback(&mut self, span: SpanIndex, loopback: Loopback) -> Result<(), Error> {
        let command = match loopback {
            Loopback::None if !self.support(span).contains(Support::LOCAL_LOOPBACK) => {
                return self.able(span, true, "release a loopback").map(drop);
            }
            Loopback::None => maintenance::NONE,
            Loopback::Local => maintenance::LOCAL_LOOP,
            Loopback::Line => maintenance::LINE_LOOP,
            Loopback::Payload => maintenance::PAYLOAD_LOOP,
        };
        self.maintain(span, self.support(span).loops(loopback), command, "set a loopback")
    }

    fn send_alarms(&mut self, span: SpanIndex, alarms: Alarms) -> Result<(), Error> {
        // The driver lets the board send RAI by itself, and has no request for either.
        self.able(span, alarms.is_empty(), "send AIS or RAI").map(drop)
    }

    fn cancels_echo(&self, span: SpanIndex) -> bool {
        self.spans.get(usize::from(span.0)).is_some_and(|known| known.cancels_echo)
    }

    fn support(&self, span: SpanIndex) -> Support {
        self.spans.get(usize::from(span.0)).map_or(Support::empty(), |known| known.support)
    }

    fn set_timeslot_loopback(
        &mut self,
        span: SpanIndex,
        timeslot: Timeslot,
        loopback: TimeslotLoopback,
    ) -> Result<(), Error> {
        const OPERATION: &str = "set a loopback of a timeslot";
        let known = self.able(span, self.support(span).loops_timeslot(loopback), OPERATION)?;
        let channel = known.channels.iter().find(|channel| channel.timeslot == timeslot);
        let channel = channel.ok_or(Error::new(ErrorKind::Unsupported, OPERATION))?;
        let on = loopback == TimeslotLoopback::Network;
        let bit = 1 << timeslot.0;
        // The driver loops a channel for as long as there is nothing else to send on it: we stop first.
        if on {
            known.state.looped.fetch_or(bit, Relaxed);
        }
        let asked = channel.node.request(Request::Loopback(i32::from(on)));
        if !on || asked.is_err() {
            known.state.looped.fetch_and(!bit, Relaxed);
        }
        asked.map_err(|source| meaning::failed(OPERATION, source))
    }

    fn request_loop(&mut self, span: SpanIndex, request: LoopRequest) -> Result<(), Error> {
        let able = self.support(span).contains(Support::LOOP_REQUESTS);
        let command = match request {
            LoopRequest::LineUp => maintenance::LOOP_UP,
            LoopRequest::LineDown | LoopRequest::AllDown => maintenance::LOOP_DOWN,
            LoopRequest::PayloadUp | LoopRequest::PayloadDown => {
                return Err(Error::new(ErrorKind::Unsupported, "ask the far end for a loopback of the payload"));
            }
        };
        self.maintain(span, able, command, "ask the far end for a loopback")
    }

    fn insert_errors(&mut self, span: SpanIndex, error: LineError, count: u32) -> Result<(), Error> {
        let command = match error {
            LineError::LineCode => maintenance::BIPOLAR_ERROR,
            LineError::Path => maintenance::CRC_ERROR,
            LineError::Framing => maintenance::FRAMING_ERROR,
            LineError::Payload => return Err(Error::new(ErrorKind::Unsupported, "insert errors into the payload")),
        };
        let able = self.support(span).inserts(error);
        (0..count).try_for_each(|_| self.maintain(span, able, command, "insert errors"))
    }
}
