//! Test lines: numbers of the exchange that a technician calls to measure a trunk.
//!
//! Source: IEEE 743 and the North American test line types: type 102 answers with 1004 Hz at 0 dBm0, the milliwatt. Ours sounds
//! without the pause that others make after nine seconds, so that any second of it reads the same.

use crate::answer::Answer;
use crate::builder::Extension;
use crate::script::Step;
use crate::wav::SAMPLE_RATE;
use dsp::tones::{Oscillator, Tone};
use std::sync::Arc;
use std::time::Duration;

/// The number of the milliwatt, after its type.
pub const MILLIWATT_NUMBER: &str = "102";
const HZ: f32 = 1_004.0;
const DBM0: f32 = 0.0;
/// It rings as long as an exchange takes to see to it.
const RINGS_FOR: Duration = Duration::from_millis(200);

/// The milliwatt test line: it answers, and the tone stands until the caller hangs up.
#[must_use]
pub fn milliwatt() -> Extension {
    // A second holds whole periods, so it can be sent again and again.
    let mut second = vec![0; SAMPLE_RATE as usize];
    Oscillator::new(Tone::new(HZ, DBM0)).fill(&mut second);
    let tone = Step::SpeakLoop { clips: vec![Arc::from(second)], pause_ms: 0, times: None };
    Extension { number: MILLIWATT_NUMBER.to_owned(), answer: Answer::After(RINGS_FOR), script: vec![tone] }
}
