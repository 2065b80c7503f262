//! The web side of an installation: whoever wants to reserve an event, listen to it, lead it or look after all of them.
//!
//! It is a program of its own beside the gateway. Events are the directories of the content store, which the gateway reads as
//! well: number and PIN of a reservation open the conference at once, as both verify under the same key ring. What goes on in the
//! gateway it learns over the control socket, and that is where its orders go.
//!
//! ```text
//!   browser, program ──► serve ──► guard (rates, origins, headers) ──► api    JSON and XML
//!                                                                  └─► web    pages
//!                 events ◄── content store, key ring                └─► listen  attendee links, streams
//!                 gateway ◄── control socket ──► table (streams on the air), audience
//!                 records ──► journal, for the keeper and its database; the audience of each event
//! ```
//!
//! Time: the real clock; what decides by time (`limit`, `audience`) is given it.
//! Words: *account*, a person with a password; *token*, a program's; *actor*, whoever asks, as far as he is known.
#![forbid(unsafe_code)]

mod access;
mod accounts;
mod api;
mod audience;
mod body;
mod config;
mod events;
mod gateway;
mod guard;
mod limit;
mod listen;
mod logging;
mod minutes;
mod problem;
mod records;
mod relay;
mod run;
mod serve;
mod sessions;
mod state;
mod table;
mod usage;
mod web;

pub use accounts::{Accounts, Role, add_account, add_token};
pub use config::{Config, ConfigError, TEMPLATE};
pub use logging::log_to_stderr;
pub use run::{Running, start};
