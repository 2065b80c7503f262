//! Whole calls by the real clock: the daemon as a process, and somebody at the far end of its spans.
//!
//! A story takes minutes and next to nothing of the machine, so all of them are told in one program, several at once:
//! `cargo test -p hw-tests --test stories at_the_door` tells one.

mod at_the_door;
mod conference;
mod conversation;
mod dial_out;
mod event_stream;
mod host_keys;
mod hunt_group;
mod libpri_call;
mod libpri_dial_out;
mod libpri_exchange;
mod numbers_shown;
mod service_manager;
mod switchboard;
