//! `trunkcastd`: the gateway daemon.

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{CommandFactory, Parser};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trunkcast::config::{Config, TEMPLATE};
use trunkcast::{daemon, doctor, prompts};

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

    /// Check a configuration ("-": standard input), say what is wrong with line and field, and what else keeps the daemon from starting
    /// with it on this machine, such as prompts that are not there; then exit.
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

    /// Check the packs of prompts in this directory (without one: those built in): each file's length, level and words, and what is
    /// missing or wrong; then exit.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["config", "check_config"])]
    // Of a path the parser would not take the empty one.
    #[arg(value_parser = OsStringValueParser::new().map(PathBuf::from))]
    check_prompts: Option<PathBuf>,

    /// Write the packs of prompts that are built in to this directory, to begin one's own with, and exit; files that are there
    /// stay as they are.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "check_config", "check_prompts"])]
    write_prompts: Option<PathBuf>,

    /// Print a completion script for a shell, and exit.
    #[arg(long, value_name = "SHELL", hide_short_help = true)]
    completions: Option<clap_complete::Shell>,

    /// Write the manual page to this directory, and exit.
    #[arg(long, value_name = "DIR", hide = true)]
    man: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  trunkcastd                                   the demonstration
  trunkcastd --print-config > trunkcastd.toml  a configuration to begin with
  trunkcastd --check-config trunkcastd.toml    is it right?
  trunkcastd --config trunkcastd.toml          run with it
  trunkcastd --write-prompts prompts           sounds in all languages, to begin one's own with
  trunkcastd --check-prompts prompts/nl        is this language whole and well?

Exit status: 0 after an orderly stop, 1 when it cannot start or go on, 2 for wrong arguments.";

fn tick(text: &str) -> Result<hal::ChunkLength, String> {
    let ms = text.parse().map_err(|_| "a number of milliseconds".to_owned())?;
    hal::ChunkLength::from_milliseconds(ms).ok_or_else(|| "a tick is 5, 10 or 20 ms long".to_owned())
}

/// Section 8: system administration (man-pages(7)).
fn write_manual(directory: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::Man::new(Arguments::command()).section("8").generate_to(directory)
}

/// What was asked for, to the standard output.
fn print(text: &[u8]) -> ExitCode {
    match std::io::stdout().write_all(text) {
        // Whoever reads has read enough: `trunkcastd --print-config | head`.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("trunkcastd: the standard output cannot be written: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(shell) = arguments.completions {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "trunkcastd", &mut script);
        return print(&script);
    }
    if let Some(directory) = &arguments.man {
        return match write_manual(directory) {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("trunkcastd: the manual page cannot be written to {}: {error}", directory.display());
                ExitCode::FAILURE
            }
        };
    }
    if arguments.print_config {
        return print(TEMPLATE.as_bytes());
    }
    if let Some(directory) = &arguments.check_prompts {
        let findings = prompts::check::packs(directory);
        let (faults, remarks) = (findings.faults, findings.remarks);
        let verdict = match (faults, remarks) {
            (0, 0) => "All is well.\n".to_owned(),
            _ => format!("Files that cannot be used: {faults}; files that should be better: {remarks}.\n"),
        };
        let printed = print((findings.text + &verdict).as_bytes());
        return if faults == 0 { printed } else { ExitCode::FAILURE };
    }
    if let Some(directory) = &arguments.write_prompts {
        return match prompts::write_built_in(directory) {
            Ok(()) => print(format!("{}: written\n", directory.display()).as_bytes()),
            Err(error) => {
                eprintln!("trunkcastd: the prompts cannot be written: {error}");
                ExitCode::FAILURE
            }
        };
    }
    if let Some(file) = &arguments.check_config {
        let given = if file.as_os_str() == "-" { Path::new("/dev/stdin") } else { file };
        return match Config::load(given) {
            Ok(config) => {
                let warnings = [daemon::preflight(&config), doctor::obstacles(&config)].concat();
                for warning in &warnings {
                    println!("{}: warning: {warning}", file.display());
                }
                let hindrances = daemon::hindrances(&config);
                for hindrance in &hindrances {
                    eprintln!("trunkcastd: {hindrance}");
                }
                if !hindrances.is_empty() {
                    return ExitCode::FAILURE;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_checked_where_no_directory_is_given() {
        let given = |arguments: &[&str]| Arguments::try_parse_from(arguments).expect("understood").check_prompts;
        assert_eq!(given(&["trunkcastd", "--check-prompts"]), Some(PathBuf::new()));
        assert_eq!(given(&["trunkcastd", "--check-prompts", "nl"]), Some(PathBuf::from("nl")));
    }

    #[test]
    fn the_command_line_is_consistent_and_has_its_manual_page() {
        Arguments::command().debug_assert();
        let directory = tempfile::tempdir().expect("a directory");
        let page = write_manual(&directory.path().join("man8")).expect("written");
        assert!(page.ends_with("man8/trunkcastd.8"));
        let text = std::fs::read_to_string(page).expect("read");
        assert!(text.contains(".TH trunkcastd 8") && text.contains("check\\-config"), "{text}");
    }
}
