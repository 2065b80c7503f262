//! Exchanges that can be at the other end of a story's span, and what is asked of either.
//!
//! Both hunt alike: the lowest channel that is idle and not out of service as far as they have been told; the next one
//! when a call is refused with cause 44.
//!
//! Data path: orders of a story and frames of the line → [`FarEnd`] → frames for the line, and its own view of the channels.
//! Time: `now` comes in; nothing is done before [`FarEnd::deadline`] or without an order or a frame.

mod in_software;
mod libpri;

pub use in_software::InSoftware;
pub use libpri::Libpri;

use crate::town::Place;
use std::time::Duration;

/// An exchange with one span. Sets of channels have bit n-1 for channel n.
pub trait FarEnd {
    /// When it wants to be called.
    fn deadline(&self) -> Option<Duration>;

    /// That time has come.
    fn handle_time(&mut self, now: Duration);

    /// A frame has come.
    fn handle_frame(&mut self, now: Duration, frame: &[u8]);

    /// The next frame for the line.
    fn poll_frame(&mut self) -> Option<Vec<u8>>;

    /// Layer 1 carries calls, or no longer.
    fn handle_line(&mut self, usable: bool);

    /// Somebody calls. What becomes of it is seen in [`FarEnd::active`] or in [`FarEnd::causes`].
    fn dial(&mut self, now: Duration);

    /// The caller on this channel hangs up.
    fn hang_up(&mut self, now: Duration, channel: u8);

    /// Channels with a call that is through.
    fn active(&self) -> u32;

    /// Channels it was told are out of service, and those in maintenance.
    fn told(&self) -> (u32, u32);

    /// Causes that callers were told since they were last taken away.
    fn causes(&mut self) -> Vec<u8>;

    /// Its data link is up.
    fn link_up(&self) -> bool;
}

/// What a span is at both ends, before anything runs.
#[derive(Clone, Copy, Debug)]
pub struct Trunk {
    /// Who is at the far end, and what is spoken.
    pub place: Place,
    /// With service messages.
    pub service: bool,
    /// Calls are offered on a channel that is only preferred.
    pub prefers: bool,
    /// The exchange in software does not ask about calls when the link is back; libpri does as it does.
    pub never_enquires: bool,
}
