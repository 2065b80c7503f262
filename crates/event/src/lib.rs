//! Event numbers, PINs, roles, the guard against guessing, and what is kept about an event.
//!
//! A caller proves himself with an [`EventNumber`] and a PIN. Neither is looked up anywhere: the number
//! carries its own check digit and the id of the key under which the PIN is verified ([`Keyring`]).
//! Whoever guesses is slowed down and locked out by the [`Guard`]. What became of an event (ended,
//! cancelled, over) is remembered by the [`Journal`] and, for the real-time thread, in a [`ClosedSet`];
//! what its host wants of it is in [`info`], the `event-info.xml` of the content store. Who only listens
//! has no PIN but a [`link`], which proves itself as well.
//!
//! Data path: keyed digits, from the call's dialogue → [`EventNumber::parse`], [`Keyring::verify`],
//! [`Guard`] → a [`Role`], for the conference.
//! Time: given by the caller, as [`Duration`](std::time::Duration) since the start for the guard and as
//! milliseconds of UTC for what is written down.
//! Words: *key id*, the two digits that begin an event number; *grouped*, a number written for people.
//!
//! Parsing, verifying, the guard and the closed set neither allocate nor do input or output, so the
//! real-time thread may call them; key files, journal and event information are for other threads.
#![forbid(unsafe_code)]

mod closed;
mod files;
pub mod guard;
pub mod info;
mod journal;
mod key;
mod keyfile;
mod keyring;
pub mod link;
mod number;
mod pin;
mod role;
mod store;
mod table;
pub mod utc;
mod xml;

pub use closed::{ClosedSet, Full};
pub use guard::{Guard, Limits, NewLocks, Policy, Verdict};
pub use info::{EventInfo, InfoError, Recording, Request, Status};
pub use journal::{Closing, EventState, Happening, Journal, JournalError, Recovery};
pub use key::{Key, KeyId};
pub use keyfile::KeyFileError;
pub use keyring::{KeyState, Keyring, KeyringError};
pub use link::{Links, Refused};
pub use number::{EventNumber, NUMBER_DIGITS, NumberError};
pub use pin::{PIN_DIGITS, Pin};
pub use role::Role;
