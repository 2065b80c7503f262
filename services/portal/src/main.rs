//! `trunkcast-portal`: the web side, beside a gateway.

use clap::{CommandFactory, Parser, Subcommand};
use portal::{Config, Role, TEMPLATE, add_account, add_token};
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Reserve, attend, listen, manage: the web side of Trunkcast.
///
/// Runs beside trunkcastd, on the same server, with access to its keys, its content store and its control socket.
#[derive(Parser)]
#[command(name = "trunkcast-portal", version, about, long_about)]
struct Arguments {
    /// Run with this configuration.
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// Print the configuration with every default, commented, and exit.
    #[arg(long)]
    print_config: bool,

    /// Check a configuration, say what is wrong with line and field, and exit.
    #[arg(long, value_name = "FILE")]
    check_config: Option<PathBuf>,

    /// Print a completion script for a shell, and exit.
    #[arg(long, value_name = "SHELL", hide_short_help = true)]
    completions: Option<clap_complete::Shell>,

    /// Write the manual pages to this directory, and exit.
    #[arg(long, value_name = "DIR", hide = true)]
    man: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account for somebody; the password is read from the standard input.
    Account {
        /// The name to sign in with.
        name: String,
        /// viewer, host or operator.
        #[arg(long, default_value = "host")]
        role: Role,
    },
    /// Make a token for a program, and print it, once.
    Token {
        /// What the program is called.
        name: String,
        /// viewer, host or operator.
        #[arg(long, default_value = "host")]
        role: Role,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("trunkcast-portal: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    if let Some(shell) = arguments.completions {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "trunkcast-portal", &mut script);
        return std::io::stdout().write_all(&script).map_err(|e| format!("the standard output: {e}"));
    }
    if let Some(directory) = &arguments.man {
        let written = std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::Man::new(Arguments::command()).section("8").generate_to(directory));
        return written
            .map(drop)
            .map_err(|e| format!("the manual page cannot be written to {}: {e}", directory.display()));
    }
    if arguments.print_config {
        return std::io::stdout().write_all(TEMPLATE.as_bytes()).map_err(|e| format!("the standard output: {e}"));
    }
    if let Some(file) = arguments.check_config {
        Config::load(&file).map_err(|e| e.to_string())?;
        println!("{}: the configuration is valid", file.display());
        return Ok(());
    }
    let config = arguments.config.as_deref().map_or_else(|| Ok(Config::default()), Config::load);
    let config = config.map_err(|e| e.to_string())?;
    match arguments.command {
        Some(Command::Account { name, role }) => {
            let mut password = String::new();
            std::io::stdin()
                .lock()
                .read_line(&mut password)
                .map_err(|e| format!("the password cannot be read: {e}"))?;
            let file = config.accounts();
            add_account(&file, &name, role, password.trim_end_matches(['\r', '\n']))?;
            println!("{name} is {} from the next start of the portal on ({})", role.name(), file.display());
            Ok(())
        }
        Some(Command::Token { name, role }) => {
            let token = add_token(&config.accounts(), &name, role)?;
            println!("{token}");
            Ok(())
        }
        None => serve(config),
    }
}

fn serve(config: Config) -> Result<(), String> {
    portal::log_to_stderr();
    let running = portal::start(config)?;
    println!("the portal is at {}/", running.base());
    // Until a signal ends it: nothing here has to be written down first.
    loop {
        std::thread::park();
    }
}
