//! Tests of the whole daemon on the software card, and against exchanges made by others.
//!
//! The tests are in `tests/`; what they share is here. Programs that serve as peers are in `peers/`.

pub mod axe;
pub mod browser;
pub mod capture;
pub mod daemon;
pub mod delay;
pub mod peers;
pub mod sound;
pub mod stepped;
pub mod web;
