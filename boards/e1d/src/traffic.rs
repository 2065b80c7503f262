//! Both halves of a started card.
//!
//! The daemon has no counters for its clients, no loopbacks and no way to send alarms: what is asked of that is not supported.
//!
//! Data path: the control socket → alarms of the lines.
//! Time: none.

use crate::client::Connection;
use crate::span::{LineState, Span};
use board_spans::Board;
use hal::{Alarms, Control, Counters, Error, ErrorKind, Loopback, SpanIndex};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed};

/// Events of lines taken in at a look.
const LINE_EVENTS: usize = 32;

/// The daemon, for the lines of a card.
pub(crate) struct E1dBoard {
    pub(crate) connection: Connection,
}

impl Board for E1dBoard {
    type Span = Span;

    fn before_look(&mut self, spans: &mut [Span]) -> io::Result<()> {
        for _ in 0..LINE_EVENTS {
            let Some((at, alarm, came)) = self.connection.next_event()? else { break };
            if let Some(span) = spans.iter().find(|span| span.at() == at) {
                span.state().set_alarm(alarm, came);
            }
        }
        Ok(())
    }

    /// A socket that fails is a daemon that has gone, or has given the timeslot to somebody else.
    fn meaning(&self, operation: &'static str, source: io::Error) -> Error {
        Error::io(ErrorKind::Reopen, operation, source)
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
