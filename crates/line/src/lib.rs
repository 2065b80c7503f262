//! What a T1 or E1 line has suffered: failures, performance intervals, alerts and error rates.
//!
//! A board says what is wrong now and counts what went wrong. People want to know what to repair: which failure stands
//! and since when, how the last day was, quarter by quarter, at both ends, and what is getting worse. That is made here.
//!
//! Data path: defects as they change and a framer's counters once a second → here → changes for log and alarm list,
//! intervals for those who ask.
//! Time: the caller supplies `now` since the start, and the clock on the wall where quarters of an hour matter.
//! Source: RFC 4805 (DS1-MIB), ANSI T1.231.
//!
//! The owner of a line gives [`Monitor`] what a board says, and asks it what to tell:
//!
//! ```
//! use line::{Config, Defects, Framing, Monitor, Output, Raw, show::{Report, View}};
//! use std::time::Duration;
//!
//! // Once a span, with what was kept of it: a new monitor counts from the counters as they are.
//! let (start, wall) = (Duration::ZERO, Duration::from_secs(1_772_323_200));
//! let mut monitor = Monitor::new(Config::new(Framing::T1Esf), start, wall, Raw::default());
//!
//! // Whenever the board says that its alarms have changed.
//! monitor.handle_defects(Duration::from_secs(1), Defects::LOS | Defects::LOF);
//!
//! // Whenever the time it asks for has come; about once a second.
//! for _ in 0..20 {
//!     let now = monitor.poll_timeout();
//!     monitor.handle_timeout(now, wall + now, &Raw::default());
//!     while let Some(output) = monitor.poll_output() {
//!         match output {
//!             Output::Failure(change) => println!("{now:?} {change:?}"),
//!             Output::Crossing(crossing) => println!("{now:?} {crossing:?}"),
//!             Output::Rate(change) => println!("{now:?} {change:?}"),
//!         }
//!     }
//! }
//!
//! // For those who ask, and for the disk.
//! let report = Report::of(&monitor, monitor.poll_timeout());
//! assert_eq!(report.failures[0].kind.name(), "LOS");
//! println!("{}", report.text(View { intervals: 96, far: true, day: true }));
//! let kept = monitor.snapshot();
//! # let _ = kept;
//! ```
#![forbid(unsafe_code)]

mod counts;
mod defects;
pub mod failure;
mod framing;
mod interval;
mod monitor;
mod performance;
mod rate;
mod registers;
mod sampler;
mod second;
pub mod show;
mod threshold;

pub use counts::{COUNTERS, Counter, Counts};
pub use defects::Defects;
pub use failure::{Change, FailureKind, Failures};
pub use framing::Framing;
pub use interval::{DAY, INTERVALS, Interval, QUARTER, Quality};
pub use monitor::{Config, Monitor, Output};
pub use performance::{EndPerformance, Failed, Performance, RestoreError, Snapshot};
pub use rate::{Limit, Rate, RateChange, RateKind};
pub use registers::Availability;
pub use sampler::{Raw, Sample, Sampler};
pub use second::{FarSecond, Second};
pub use threshold::{Crossing, End, Period, Thresholds};
