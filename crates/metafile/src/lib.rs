//! Metafiles: lists of an event's live streams, in the formats players read.
//!
//! A player gets one address that does not change, and finds there where the event is heard now: the primary
//! stream first, then those to fall back on. Where the list comes from, and who may have it, is the caller's
//! business; so is what a format is called.
//!
//! Data path: [`Listing`] → [`Kind::write`] → the body of an answer; a suffix or an `Accept` line → [`Kind`].
//! Time: none.
//! Words: the *public address* of a stream is what listeners are told, which behind a delivery network is not
//! where this server casts; [`Base`] turns one into the other.
#![forbid(unsafe_code)]

mod accept;
mod base;
mod kind;

pub use accept::{Wanted, negotiate};
pub use base::{Base, BaseError};
pub use kind::Kind;

use serde::Serialize;

/// A live stream of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// Its format, as the installation calls it.
    pub format: String,
    /// The media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Kilobits a second, about.
    pub kbit_s: u32,
    /// Its public address.
    pub url: String,
}

/// The live streams of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The event's number.
    pub event: String,
    /// What it is called; its number when empty.
    pub title: String,
    /// The streams: primary first.
    pub streams: Vec<Stream>,
}

impl Listing {
    /// The same with the streams of one format only: a player that loses one is to go on with another of the
    /// same, and not to play all that there is one after another.
    #[must_use]
    pub fn only(mut self, format: &str) -> Listing {
        self.streams.retain(|stream| stream.format == format);
        self
    }

    /// What players show, in one line.
    fn shown(&self) -> String {
        let title = if self.title.is_empty() { &self.event } else { &self.title };
        title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}
