//! Conferences: what people may do in them, and what becomes of it.
//!
//! [`Conferences`] knows who is in which conference as what, who waits, who is muted by whom, whose hand is raised, and
//! what a key means. It hears of people and orders, and says what is to be done; it never sees a call, a sample or a clock.
//!
//! ```text
//!               enter                     a host is there, or nobody waits for one
//!   (outside) ───────► Naming ─► Waiting(Host) ─► Waiting(Admission) ─► Present
//!                        │  names     │ wait_for_host    │ waiting_room     │
//!                        └────────────┴──────────────────┴──────────────────┴─ leave, or Dismiss and leave ─► (outside)
//! ```
//!
//! Data path: who comes and goes, keys, [`Order`]s → here → [`Output`]s.
//! Time: `now` is given; [`Conferences::poll_timeout`] says when [`Conferences::handle_timeout`] wants to be called. After every
//! input drain [`Conferences::poll_output`]. After construction nothing here allocates.
//! Source: ours; the keys and modes are those that conference services have trained people to expect.
//! Words: *seat*, where a member is; *room*, a conference; *floor*, the right to speak where only hosts may; *knock*, to wait for
//! a host to let one in.

mod hall;
mod inviting;
mod keyed;
mod keys;
mod member;
mod orders;
mod policy;
mod timing;
mod words;

pub use hall::{Conferences, State};
pub use inviting::Went;
pub use keys::{Action, Keyed, LONGEST, Menu, MenuError, Menus};
pub use member::Look;
pub use policy::{DialOut, EntryExit, HostLeaves, Policy, QuestionUnmute};
pub use words::{
    Answer, By, Count, Digits, EndReason, Happening, LastWord, Mode, MutedBy, Order, Output, Place, Refused, Role,
    Room, Says, Seat, Spoken, Tone, Waiting,
};
