//! Words and traits for cards, spans, timeslots, alarms, loopbacks and service states.
//!
//! A *card* is a board with one or more *spans* (T1 or E1 lines); a span carries 24 or 31 *timeslots*
//! of 64 kbit/s. Boards implement the traits here; the daemon sees nothing else of them. What a
//! timeslot is used for (speech, signalling) and what the octets mean is not this crate's business.
//!
//! Data path: line → board → [`Traffic`] → one chunk a timeslot and whole D-channel frames for the
//! daemon, and back. Control path: [`Control`], from another thread if need be.
//! Time: the daemon calls [`Traffic::begin`] and [`Traffic::end`] once a tick; the card whose samples
//! are waited for paces everything.
//! Source: the vocabulary is that of ITU-T G.704, G.732 and ANSI T1.403.
#![forbid(unsafe_code)]

mod alarms;
mod card;
mod error;
mod frame;
mod maintenance;
mod state;

pub use alarms::Alarms;
pub use card::{
    Ahead, Capabilities, Card, CardEvent, Control, Counters, FrameFault, Readiness, Running, Slot, SpanDescription,
    Traffic,
};
pub use error::{Error, ErrorKind};
pub use frame::{D_FRAME_MAX, DFrame};
pub use maintenance::{
    FramerPattern, LineError, LoopRequest, Loopback, PatternResult, Support, TimeslotLoopback, UnknownWord,
};
pub use state::{ChunkLength, Line, ServiceState, SpanIndex, Timeslot};
