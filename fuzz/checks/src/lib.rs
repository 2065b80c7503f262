//! What must hold whatever comes from the line: one function a fuzz target, each taking any octets and panicking if a promise
//! of [`isdn`] is broken.
//!
//! The targets proper, in `fuzz/fuzz_targets`, only hand libFuzzer's octets on to here, so that `cargo test` can replay the
//! corpus of each without a fuzzer (`tests/corpus.rs`) and run each on noise (`tests/noise.rs`).
//!
//! Data path: octets of a fuzzer, a corpus or dice → here → nothing, or a panic.
//! Time: virtual, a part of the octets; see [`dchannel`] and [`pair`].
//! Source: the promises are those of `docs/ARCHITECTURE.md`, "What must always be true", and of each item's documentation.
//! Words: script, octets read as a sequence of steps.

#![forbid(unsafe_code)]

mod decoders;
mod ledger;
mod owner;
mod pair;
mod say;
mod script;
mod stack;

pub use decoders::{element, explain, lapd_frame, maintenance, message};
pub use pair::pair;
pub use stack::dchannel;

/// A check, and the name of its target and of its corpus.
pub type Check = (&'static str, fn(&[u8]));

/// All of them.
pub const CHECKS: [Check; 7] = [
    ("lapd_frame", lapd_frame),
    ("message", message),
    ("element", element),
    ("maintenance", maintenance),
    ("explain", explain),
    ("dchannel", dchannel),
    ("pair", pair),
];
