//! The software card: spans cross-connected, given to an exchange in software, or offered on a socket.
//!
//! A software span has two ends, each seen through a card. Both directions conserve samples: a fixed
//! number is in flight, so that nothing is lost or repeated by scheduling, and latency is exact. Also
//! here, because they are cards too: one that injects faults and one that copies D-channel frames.
//!
//! Data path: [`hal::Traffic`] of one end → rings → [`hal::Traffic`] of the other end.
//! Time: that of the callers; two ends in one thread under a virtual clock work as do two in two threads.
#![forbid(unsafe_code)]

mod capture;
mod card;
pub mod e1d;
mod engine;
pub mod faults;
mod joint;
mod pcap;
mod random;
mod span;

pub use capture::{CaptureReader, CapturedFrame, CapturingCard, Direction};
pub use card::{Builder, FarEnd, LoopbackCard, LoopbackSlot, Slot};
pub use faults::{FaultPlan, FaultyCard, FaultySlot};
pub use pcap::{PcapWriter, Side};
