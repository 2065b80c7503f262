//! What a T1 or E1 line has suffered: its failures.
//!
//! Data path: defects as they change → here → changes for log and alarm list.
//! Time: the caller supplies `now` since the start.
//! Source: ANSI T1.231, RFC 4805.
#![forbid(unsafe_code)]

mod defects;
pub mod failure;

pub use defects::Defects;
pub use failure::{Change, FailureKind, Failures};
