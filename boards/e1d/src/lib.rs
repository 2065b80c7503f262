//! E1 lines of the user-space daemon osmo-e1d, such as those of an icE1usb, without a kernel module.
//!
//! The daemon drives the hardware; this board is its client. Each timeslot is a socket that the daemon hands over: a stream of octets
//! for speech, packets of one frame for the D channel, whose HDLC and check sequence are the daemon's.
//!
//! Data path: the daemon's sockets → [`hal::Traffic`], and back. Line events come on the control socket.
//! Time: the line's clock, seen as octets arriving. There is no other clock in here.
//! Source: the client protocol of osmo-e1d; [`client`] has its messages.
#![forbid(unsafe_code)]

mod card;
pub mod client;
mod span;
mod traffic;
pub mod wire;

pub use card::{CardSettings, E1dCard, LineAt, SpanSettings};
