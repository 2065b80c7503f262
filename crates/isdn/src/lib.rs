//! ISDN primary rate signalling, both sides: Q.921, Q.931 and the switch variants, without input or output of its own.
//!
//! [`DChannel`] is what most users want: one D channel with its data link and its calls. Below it, [`q921`] carries
//! messages and [`q931`] gives them meaning; [`service`] tells and learns which channels may be used, with the messages of
//! [`maintenance`]; [`variant`] says in which points the exchanges of this world differ.
//!
//! Data path: D-channel frames from a card → [`DChannel::handle_frame`] → [`Event`]s for whoever handles calls;
//! orders from there → [`DChannel::dial`] and its neighbours → frames for the card.
//! Time: the caller supplies `now` with every input and calls [`DChannel::handle_timeout`] when
//! [`DChannel::poll_timeout`] says so. After every input it collects [`DChannel::poll_output`] until `None`.
//! Source: ITU-T Q.921 (09/97), Q.931 (05/98), Q.850 (05/98).
//! Words: see [`types`](Event).

#![forbid(unsafe_code)]

pub mod explain;
pub mod maintenance;
pub mod q921;
pub mod q931;
pub mod service;
pub mod variant;

mod channels;
mod dchannel;
mod group;
mod types;

pub use channels::{Channel, ChannelSet, INTERFACES_MAX, TIMESLOTS_MAX};
pub use dchannel::{Config, Counters, DChannel, Output};
pub use group::{Group, GroupError, IDENTIFIER_MAX, LinkId, LinkState};
pub use q921::LapdFrame;
pub use q931::{CallSummary, Timer, Timers};
pub use service::{ChannelService, FarState, Manner, NoServiceMessages, ServiceState};
pub use types::*;
pub use variant::Switch;
