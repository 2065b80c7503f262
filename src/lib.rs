//! The gateway daemon.
