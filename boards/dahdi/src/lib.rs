//! T1 and E1 cards behind the Linux DAHDI driver.
//!
//! A card here is a set of spans that share a clock: those of one board, or of boards joined by a timing cable. Each span's
//! timeslots are channels of the driver, one open file each; the last bearer channel of a span leads it.
//!
//! Data path: the driver's channels → [`hal::Traffic`], one read and one write a timeslot and tick; D-channel frames likewise.
//! Control path: the driver's control file → [`hal::Control`].
//! Time: the card's clock, seen as its leading channels becoming readable. There is no other clock in here.
//! Source: the user interface of DAHDI 2.11 and 3.x; its numbers and layouts are in [`abi`] and are asserted when this is compiled.
//! Words: *reserve*, what is ready for the driver to send beside the chunk of the present tick; *lead*, the channel of a span
//! whose chunk is waited for.

pub mod abi;
mod card;
mod control;
pub mod driver;
mod find;
mod meaning;
mod settings;
mod span;
mod sys;
mod traffic;

pub use card::DahdiCard;
pub use driver::{Driver, Node, Request};
pub use find::{FoundSpan, list};
pub use settings::{At, BuildOut, CardSettings, Coding, Framing, SpanSettings};
pub use sys::Kernel;
