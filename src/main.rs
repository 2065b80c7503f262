//! `trunkcastd`: the gateway daemon.

use clap::Parser;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trunkcast::config::{Config, TEMPLATE};
use trunkcast::daemon;

/// Telephone calls into conferences and live audio.
///
/// Without arguments everything runs on the software card in ./trunkcast-state: a demonstration event, two
/// callers who talk, and an address to listen at. Stop it with Ctrl-C.
#[derive(Parser)]
#[command(name = "trunkcastd", version, about, long_about, after_help = EXAMPLES)]
struct Arguments {
    /// Run with this configuration.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print the configuration with every default, commented, and exit.
    #[arg(long, conflicts_with_all = ["config", "check_config"])]
    print_config: bool,

    /// Check a configuration ("-": standard input), say what is wrong with line and field, and exit.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    check_config: Option<PathBuf>,

    /// Keep everything in this directory instead of the configured one.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,

    /// Milliseconds of a tick (5, 10 or 20) instead of the configured ones.
    #[arg(long, value_name = "MS", value_parser = tick)]
    tick: Option<hal::ChunkLength>,

    /// Run the demonstration's callers also with a configuration of one's own.
    #[arg(long)]
    demo: bool,
}

const EXAMPLES: &str = "\
Examples:
  trunkcastd                                   the demonstration
  trunkcastd --print-config > trunkcastd.toml  a configuration to begin with
  trunkcastd --check-config trunkcastd.toml    is it right?
  trunkcastd --config trunkcastd.toml          run with it

Exit status: 0 after an orderly stop, 1 when it cannot start or go on, 2 for wrong arguments.";

fn tick(text: &str) -> Result<hal::ChunkLength, String> {
    let ms = text.parse().map_err(|_| "a number of milliseconds".to_owned())?;
    hal::ChunkLength::from_milliseconds(ms).ok_or_else(|| "a tick is 5, 10 or 20 ms long".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_config {
        return match std::io::stdout().write_all(TEMPLATE.as_bytes()) {
            // Whoever reads has read enough: `trunkcastd --print-config | head`.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                eprintln!("trunkcastd: cannot print the configuration: {error}");
                ExitCode::FAILURE
            }
            _ => ExitCode::SUCCESS,
        };
    }
    if let Some(file) = &arguments.check_config {
        let given = if file.as_os_str() == "-" { Path::new("/dev/stdin") } else { file };
        return match Config::load(given).map(|config| daemon::preflight(&config)) {
            Ok(warnings) => {
                for warning in &warnings {
                    println!("{}: warning: {warning}", file.display());
                }
                println!("{}: the configuration is valid", file.display());
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("trunkcastd: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let mut config = match arguments.config.as_deref().map_or_else(|| Ok(Config::default()), Config::load) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("trunkcastd: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(directory) = arguments.state_dir {
        config.server.state_dir = directory;
    }
    if let Some(tick) = arguments.tick {
        config.realtime.tick = tick;
    }
    let demonstrate = arguments.demo || arguments.config.is_none();
    match daemon::run(config, demonstrate) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("trunkcastd: {error}");
            ExitCode::FAILURE
        }
    }
}
