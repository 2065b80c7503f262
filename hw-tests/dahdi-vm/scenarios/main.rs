//! What is told inside the virtual machine, with the real driver: `dahdi-scenarios SCENARIO...`.
//!
//! Each scenario makes its two spans, tells its story and says in a line how it went. `run.sh` starts the machine.

mod lines;
mod pattern;

use hal::{ChunkLength, Line};
use std::process::ExitCode;
use std::time::Instant;

/// What is told, and how; `Ok` with what was seen.
type Scenario = (&'static str, fn() -> Result<String, String>);

const SCENARIOS: [Scenario; 2] = [
    ("patterns on every channel, T1", || pattern::run(Line::T1, ChunkLength::Ms10, 60)),
    ("patterns on every channel, E1", || pattern::run(Line::E1, ChunkLength::Ms10, 60)),
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
