//! What is kept of events for reports: reservations, calls, listeners, and what happened in conferences.
//!
//! Nothing waits for the database. Whoever has something to keep gives it to the [`Outbox`], which answers
//! when it is in a file and on the disk. The gateway writes files of its own: call records and the journal of
//! events. A [`Writer`] follows all these files and brings what they say to the database, in order, once; while
//! the database is away the files wait. [`Database`] also answers the questions of pages and reports, which
//! are the only ones that notice an absent database.
//!
//! Data path: [`Record`] → [`Outbox`] → files; files of outbox and gateway → [`Feed`] → [`Writer`] → database;
//! database → [`Database`]'s questions → pages, CSV, JSON.
//! Time: milliseconds of UTC in records; the writer paces itself by the clock ([`Backoff`]).
//! Features: `database`, without which only the outbox is here: for programs that hand records in and have nothing to do with SQL.
//! Words: *feed*, files of lines in a directory; *mark*, by which a place in a file is known again; *set
//! aside*, of a line that no database would take.
//!
//! Not here: what a call or a listener needs. Those never ask the database.
#![forbid(unsafe_code)]

#[cfg(feature = "database")]
mod aside;
#[cfg(feature = "database")]
mod backoff;
#[cfg(feature = "database")]
mod csv;
#[cfg(feature = "database")]
mod database;
#[cfg(feature = "database")]
mod feed;
mod journal;
mod outbox;
mod record;
#[cfg(feature = "database")]
mod writer;

pub use journal::{Journal, JournalError, Tail};
pub use outbox::{Outbox, OutboxError};
pub use record::{Call, Happened, Happening, Record, Reservation, Unusable, Usage};
#[cfg(feature = "database")]
pub use {
    backoff::Backoff,
    csv::{Table, to_csv},
    database::query::{CallRow, Counts, EventFilter, EventPage, EventRow, EventState, LogRow, Page, Report, UsageRow},
    database::{Database, DatabaseError},
    feed::{Feed, Line},
    writer::{Progress, Writer, WriterSettings},
};
