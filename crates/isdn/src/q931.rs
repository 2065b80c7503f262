//! Q.931: the basic call.

mod state;
pub mod timers;

pub use state::StateName;
pub use timers::{Timer, Timers};

use crate::CallReference;
use std::time::Duration;

/// Calls one D channel can have, those that are ending included: twice the channels of an E1, and a few.
pub const CALLS_MAX: usize = 64;

/// A call as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSummary {
    /// The call.
    pub call: CallReference,
    /// Its state.
    pub state: StateName,
    /// Its B channel, once agreed or asked for.
    pub channel: Option<u8>,
    /// Since when it has been in this state.
    pub since: Duration,
}
