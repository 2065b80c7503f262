//! Layer 3: Q.931's basic call, user and network side.
//!
//! [`message`] has the raw form, [`content`] and its neighbours the meaning; `call` with `clearing` and `status` is one
//! call's procedures, `calls` and `restart` are those of a D channel.
//!
//! ```text
//!   message ─► content ─► calls ─► call ─► clearing, status      (down: what happens to a message)
//!   (raw)      element      │        │
//!              channel      └► restart
//!                              desk: clock, link, events, counters, trace (around all of them)
//! ```
//!
//! Data path: information fields of I frames → here → [`Event`](crate::Event)s; orders of [`DChannel`](crate::DChannel)
//! → here → information fields.
//! Time: the timers of [`timers`]; `now` comes from the D channel.
//! Source: ITU-T Q.931 (05/98). Not here: basic rate (suspend, resume, call abort), packet mode, user-to-user
//! signalling, supplementary services but the caller's name; maintenance messages are
//! [`service`](crate::service)'s.

pub mod channel;
pub mod content;
pub mod counters;
pub mod element;
pub mod facility;
pub mod interfaces;
pub mod message;
pub mod timers;

mod call;
mod calls;
mod clearing;
mod desk;
mod links;
mod notices;
mod paper;
mod restart;
mod segments;
mod setup;
mod state;
mod status;
mod trace;

pub use counters::Counters;
pub use state::StateName;
pub use timers::{Timer, Timers};
pub use trace::{Transition, Why};

pub(crate) use call::Call;
pub(crate) use calls::Calls;
pub(crate) use desk::{Desk, Settings};
pub(crate) use links::{Change, Links};
pub(crate) use notices::Notice;
pub(crate) use restart::{Restarts, end_all_calls};
pub(crate) use segments::Segments;

use crate::{CallReference, Channel};
use std::time::Duration;

/// Calls a D channel can have for each interface, those that are ending included: twice the channels of an E1, and a few.
pub const CALLS_MAX: usize = 64;

/// A call as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSummary {
    /// The call.
    pub call: CallReference,
    /// Its state.
    pub state: StateName,
    /// Its B channel, as asked for or as agreed.
    pub channel: Option<Channel>,
    /// Since when it has been in this state.
    pub since: Duration,
}
