//! What is told inside the virtual machine, with the real driver: `dahdi-scenarios SCENARIO...`.
//!
//! Each scenario makes its two spans, tells its story and says in a line how it went. `run.sh` starts the machine.

mod lines;
mod pattern;
mod place;
mod stories;

use hal::{ChunkLength, Line};
use place::Trunk;
use std::process::ExitCode;
use std::time::Instant;

/// What is told, and how; `Ok` with what was seen.
type Scenario = (&'static str, fn() -> Result<String, String>);

const NI2: Trunk = Trunk { line: Line::T1, switch: "ni2", service: true };
const EURO_ISDN: Trunk = Trunk { line: Line::E1, switch: "euroisdn", service: false };

const SCENARIOS: [Scenario; 13] = [
    ("patterns on every channel, T1", || pattern::run(Line::T1, ChunkLength::Ms10, 60)),
    ("patterns on every channel, E1", || pattern::run(Line::E1, ChunkLength::Ms10, 60)),
    ("calls on all channels, T1", || stories::all_channels(NI2)),
    ("calls on all channels, E1", || stories::all_channels(EURO_ISDN)),
    ("SERVICE for a channel, T1", || stories::service_messages(NI2)),
    ("ten calls drain, T1", || stories::ten_calls_drain(NI2)),
    ("ten calls drain, E1", || stories::ten_calls_drain(EURO_ISDN)),
    ("garbage on the D channel, T1", || stories::garbage(NI2)),
    ("garbage on the D channel, E1", || stories::garbage(EURO_ISDN)),
    ("no signal for 20 s under calls, T1", || stories::no_signal(NI2)),
    ("no signal for 20 s under calls, E1", || stories::no_signal(EURO_ISDN)),
    ("killed for 2 s, T1", || stories::killed(NI2)),
    ("killed for 2 s, E1", || stories::killed(EURO_ISDN)),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut failed = 0;
    for (name, tell) in SCENARIOS {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        println!("-- {name}");
        let begun = Instant::now();
        let told = tell();
        let seconds = begun.elapsed().as_secs_f64();
        match told {
            Ok(seen) => println!("ok      {name} ({seconds:.1} s): {seen}"),
            Err(why) => {
                failed += 1;
                println!("FAILED  {name} ({seconds:.1} s): {why}");
            }
        }
    }
    println!("{failed} of the scenarios failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
