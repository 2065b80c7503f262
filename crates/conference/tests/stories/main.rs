//! What callers and hosts expect of a conference, told as stories: one file a matter.

#[path = "../common/mod.rs"]
mod common;

mod door;
mod ending;
mod hands;
mod hosts_keys;
mod inviting;
mod muting;
mod names;
mod waiting;
