//! Trunkcast: telephone calls into conferences and live audio.
//!
//! This crate is the gateway: the real-time loop, the calls, the conferences, and the wiring of all the
//! others. It is the one place that knows everybody; `docs/ARCHITECTURE.md` has the map.
#![forbid(unsafe_code)]

pub mod bench;
pub mod config;
pub mod control;
pub mod daemon;
pub mod demonstration;
pub mod doctor;
pub mod doorkeeper;
pub mod gateway;
pub mod logging;
pub mod metrics;
pub mod office;
pub mod prompts;
pub mod realtime;
pub mod reports;
pub mod trace;
pub mod voice;
