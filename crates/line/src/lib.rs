//! What a T1 or E1 line has suffered: failures, performance intervals, alerts and error rates.
//!
//! A board says what is wrong now and counts what went wrong. People want to know what to repair: which failure stands
//! and since when, how the last day was, quarter by quarter, at both ends, and what is getting worse. That is made here.
//!
//! Data path: defects as they change and a framer's counters once a second → here → changes for log and alarm list,
//! intervals for those who ask.
//! Time: the caller supplies `now` since the start, and the clock on the wall where quarters of an hour matter.
//! Source: RFC 4805 (DS1-MIB), ANSI T1.231.
#![forbid(unsafe_code)]

mod counts;
mod defects;
pub mod failure;
mod framing;
mod interval;
mod performance;
mod registers;
mod second;
mod threshold;

pub use counts::{COUNTERS, Counter, Counts};
pub use defects::Defects;
pub use failure::{Change, FailureKind, Failures};
pub use framing::Framing;
pub use interval::{DAY, INTERVALS, Interval, QUARTER, Quality};
pub use performance::{EndPerformance, Failed, Performance, RestoreError, Snapshot};
pub use second::{FarSecond, Second};
pub use threshold::{Crossing, End, Period, Thresholds};
