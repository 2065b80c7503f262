//! The technician's test bench: patterns, tones, measurements and loopbacks on channels that carry no call.
//!
//! `schedule` decides what is done when, and is pure; `rounds` does it for the self-test of idle channels that goes on all the
//! time. `probe` is what works on one timeslot, `rack` holds the probes in the real-time thread. The office carries out what
//! schedule and rounds want (`office::bench`, `office::selftest`).
//!
//! ```text
//! trunkctl ─► Schedule ─► hold the channels ─► loop ─► probes to the rack ─┐
//!                ▲                                                         │ every tick: send, compare
//!                └── readings once a second, the probes back at the end ◄──┘
//! ```
//!
//! A test call is one more test: it holds no channels, as the gateway finds it an idle one like any call, and listens to it while
//! it is up (`calling`).
//!
//! Data path: orders of the control socket → here → holds for the gateway, loopbacks for the card, probes for the rack.
//! Time: milliseconds of the office for the schedule, octets of the timeslot for the probes.
//! Source: ITU-T O.150 to O.153 (patterns), ITU-T X.731 (in test).
//! Words: *probe*, what sends and measures on one timeslot; *rack*, where the probes at work are.

mod calling;
mod probe;
mod rack;
mod rounds;
mod schedule;

pub use calling::{CallEnd, CallPlan, CallSeen};
pub use probe::{BitPlan, Insert, Probe, Reading, Sent};
pub use rack::Rack;
pub use rounds::{Finding, Rounds, Step};
pub use schedule::{Blocked, Kind, Loop, Order, Outcome, Plan, Refusal, Schedule, Stage, Station, Test};
