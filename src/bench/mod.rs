//! The technician's test bench: patterns, tones, measurements and loopbacks on channels that carry no call.
//!
//! `schedule` decides what is done when, and is pure; `probe` is what works on one timeslot, `rack` holds the probes in the
//! real-time thread. The office carries out what the schedule wants (`office::bench`).
//!
//! ```text
//! trunkctl ─► Schedule ─► hold the channels ─► loop ─► probes to the rack ─┐
//!                ▲                                                         │ every tick: send, compare
//!                └── readings once a second, the probes back at the end ◄──┘
//! ```
//!
//! Data path: orders of the control socket → here → holds for the gateway, loopbacks for the card, probes for the rack.
//! Time: milliseconds of the office for the schedule, octets of the timeslot for the probes.
//! Source: ITU-T O.150 to O.153 (patterns), ITU-T X.731 (in test).
//! Words: *probe*, what sends and measures on one timeslot; *rack*, where the probes at work are.

mod probe;
mod rack;
mod schedule;

pub use probe::{BitPlan, Insert, Probe, Reading};
pub use rack::Rack;
pub use schedule::{Blocked, Kind, Loop, Order, Outcome, Plan, Refusal, Schedule, Stage, Station, Test};
