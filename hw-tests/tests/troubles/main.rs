//! The daemon in trouble: what it says, what it keeps, and that calls go on.
//!
//! Each test starts the daemon as a process in a directory of its own, takes something away from it, and looks at
//! what a technician would look at: exit status, log, `trunkctl`, the files, and what callers hear.

mod denied;
mod ending;
mod guessing;
mod pools;
mod shared_d_channel;
mod starting;
mod storage;
mod support;
mod suspended;
mod testing;
