//! What boards have in common whose spans are read and written one by one.
//!
//! A board says what its spans do ([`BoardSpan`]) and what the card as a whole hears and what its failures mean ([`Board`]);
//! [`SpanTraffic`] makes of that the half of a card for the real-time thread.
//!
//! Data path: the board's spans, each with its [`Chunks`] ↔ [`hal::Traffic`].
//! Time: the card's. A tick begins when every span has its chunk; a span that falls silent while others go on is given up after
//! [`PATIENCE`] looks, carries idle, and is taken in again as soon as it moves.
#![forbid(unsafe_code)]

mod chunks;
mod traffic;

pub use chunks::Chunks;
pub use traffic::{Board, BoardSpan, Look, PATIENCE, SpanTraffic};
