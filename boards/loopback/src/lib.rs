//! The software card: spans cross-connected, given to an exchange in software, or offered on a socket.
//!
//! A software span has two ends, each seen through a card. Both directions conserve samples: a fixed
//! number is in flight, so that nothing is lost or repeated by scheduling, and latency is exact. Also
//! here, because they are cards too: one that injects faults and one that copies D-channel frames.
//!
//! Data path: [`hal::Traffic`] of one end → rings → [`hal::Traffic`] of the other end.
//! Time: that of the callers; two ends in one thread under a virtual clock work as do two in two threads.
//! A D-channel frame keeps its place among the octets: it comes out when those sent beside it do.
//!
//! ```
//! use board_loopback::LoopbackCard;
//! use hal::{Card, ChunkLength, Line, Readiness, SpanIndex};
//!
//! let mut builder = LoopbackCard::builder("card");
//! let far_end = builder.span_to_exchange(Line::T1);
//! let mut near = Box::new(builder.build()).start(ChunkLength::Ms10)?;
//! let mut far = Box::new(far_end.attach("exchange")?).start(ChunkLength::Ms20)?;
//! assert_eq!(near.traffic.begin()?, Readiness::Ready);
//! near.traffic.send_frame(SpanIndex(0), &[0x00, 0x01, 0x7f])?;
//! near.traffic.end()?;
//! # assert_eq!(far.traffic.begin()?, Readiness::Ready);
//! # Ok::<(), hal::Error>(())
//! ```
#![forbid(unsafe_code)]

mod capture;
mod card;
pub mod e1d;
mod engine;
pub mod faults;
mod faulty;
mod impair;
mod joint;
mod pcap;
mod random;
pub mod rehearsal;
mod ring;
mod span;

pub use capture::{CaptureReader, CapturedFrame, CapturingCard, Direction};
pub use card::{Builder, FarEnd, LoopbackCard, LoopbackSlot};
pub use faults::FaultPlan;
pub use faulty::{FaultyCard, FaultySlot};
pub use hal::Slot;
pub use pcap::{PcapWriter, Side};
pub use rehearsal::FaultDesk;
