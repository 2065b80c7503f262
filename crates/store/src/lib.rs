//! The content store: an event's files, in several places at once.
//!
//! Each event has a directory named by its number, with `event-info.xml` and recordings, as the gateway
//! writes it. A [`Store`] keeps that in any number of mirrors, which are directories or S3 buckets. A write is
//! done when enough of them have it; a mirror that is away is noted on the local disk and brought level when
//! it is back. Beside each file lies its checksum, so that a copy gone bad is found, passed over and mended.
//!
//! ```text
//! MIRROR/events/1012345679/event-info.xml
//! MIRROR/events/1012345679/.sums/event-info.xml.json     {"changed_ms":...,"length":...,"sha256":"..."}
//! MIRROR/removed/1012345679.json                         the event was removed, and is not to come back
//! ```
//!
//! Data path: octets or files → [`Store::put`], [`Store::put_file`] → mirrors; mirrors → [`Store::get`],
//! [`Store::fetch`]; a gateway's directory → [`Store::sync_event`] → mirrors; [`Store::repair`] among mirrors.
//! Time: milliseconds of UTC order the versions of a file; a mirror that fails is left alone for a while.
//! Words: *mirror*, one place; *sum*, what is kept beside a file: its checksum, length and time; *behind*, of a
//! mirror that lacks something; *ledger*, the notes about that on the local disk.
//!
//! Not here: what a call or a listener needs. Those never ask the store.
#![forbid(unsafe_code)]

mod config;
mod error;
mod ledger;
mod mirror;
mod name;
mod plan;
mod repair;
mod sum;
mod write;

pub use config::{MirrorConfig, StoreConfig};
pub use error::{MirrorError, StoreError};
pub use repair::Repaired;
pub use sum::Sum;
pub use write::{Store, Written};
