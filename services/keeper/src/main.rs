//! `trunkcast-keeper`: brings what a gateway writes to a database and to other places.
//!
//! It reads the files of the gateway and its portal and nothing else: call records, the journal of events, what the portal
//! records, event information, recordings. The gateway does not know of it, and loses nothing while it, the database or a mirror is away.
//!
//! Data path: state directory → `records` → database; content directory → `store` → mirrors.
//! Time: it follows the files with a delay of about a second.
#![forbid(unsafe_code)]

mod config;
mod content;

use clap::{CommandFactory, Parser, Subcommand};
use config::Config;
use content::Content;
use event::EventNumber;
use records::{Database, Feed, Outbox, Page, Writer, WriterSettings, to_csv};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use store::Store;

/// Pause between attempts to bring mirrors level.
const LEVEL_EVERY: Duration = Duration::from_secs(5);

#[derive(Parser)]
#[command(name = "trunkcast-keeper", version, about = "Brings what a gateway writes to a database and to other places")]
struct Arguments {
    /// The configuration file.
    #[arg(long, default_value = "/etc/trunkcast/keeper.toml")]
    config: PathBuf,

    /// Print a completion script for a shell, and exit.
    #[arg(long, value_name = "SHELL", hide_short_help = true)]
    completions: Option<clap_complete::Shell>,

    /// Write the manual pages to this directory, and exit.
    #[arg(long, value_name = "DIR", hide = true)]
    man: Option<PathBuf>,
    #[command(subcommand)]
    order: Option<Order>,
}

#[derive(Subcommand)]
enum Order {
    /// Follow the gateway until told to stop (the default)
    Run,
    /// Print a configuration to begin with
    PrintConfig,
    /// Read every copy on every mirror, mend what is bad, bring all level; the keeper must not run
    Check,
    /// Remove an event from every mirror, for good; the keeper must not run
    Remove {
        /// The event's number
        event: EventNumber,
    },
    /// What the database has of an event
    Report {
        /// The event's number
        event: EventNumber,
        /// Its calls as CSV
        #[arg(long)]
        csv: bool,
    },
}

fn main() -> ExitCode {
    let _ = log::set_logger(&Stderr).map(|()| log::set_max_level(log::LevelFilter::Info));
    let arguments = Arguments::parse();
    if let Some(shell) = arguments.completions {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "trunkcast-keeper", &mut script);
        return match std::io::stdout().write_all(&script) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("the standard output cannot be written: {error}")),
        };
    }
    if let Some(directory) = &arguments.man {
        let written = std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::Man::new(Arguments::command()).section("8").generate_to(directory));
        return match written {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("the manual page cannot be written to {}: {error}", directory.display())),
        };
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(obey(&arguments.config, arguments.order.unwrap_or(Order::Run))) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &str) -> ExitCode {
    eprintln!("trunkcast-keeper: {error}");
    ExitCode::FAILURE
}

async fn obey(file: &Path, order: Order) -> Result<ExitCode, String> {
    if matches!(order, Order::PrintConfig) {
        print!("{}", config::TEMPLATE);
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(file)?;
    match order {
        Order::Run | Order::PrintConfig => run(&config).await,
        Order::Check => check(&open_store(&config)?.ok_or("no store is configured")?).await,
        Order::Remove { event } => {
            let store = open_store(&config)?.ok_or("no store is configured")?;
            store.remove(event).await.map_err(|e| e.to_string())?;
            let late =
                if store.behind().contains(&event) { "; mirrors that are away follow when they are back" } else { "" };
            println!("event {event} is removed{late}");
            Ok(ExitCode::SUCCESS)
        }
        Order::Report { event, csv } => report(&config, event, csv).await,
    }
}

fn open_store(config: &Config) -> Result<Option<Store>, String> {
    let open = |store| Store::open(store, &config.own("ledger")).map_err(|e| e.to_string());
    config.store.as_ref().map(open).transpose()
}

async fn run(config: &Config) -> Result<ExitCode, String> {
    let store = open_store(config)?;
    let (mut outbox, mut writer) = (None, None);
    if let Some(database) = &config.database {
        let directory = config.own("outbox");
        let opened = Outbox::open(&directory).map_err(|e| e.to_string())?;
        let feeds = vec![
            Feed::outbox(&directory, opened.tail()),
            Feed::calls(&config.state_dir),
            Feed::events(&config.state_dir, &config.server),
            Feed::outbox_elsewhere(&config.portal_outbox()),
        ];
        writer = Some(Writer::start(WriterSettings::new(database, &directory), feeds).map_err(|e| e.to_string())?);
        outbox = Some(opened);
    }
    log::info!("following {}", config.state_dir.display());
    let level = async {
        match &store {
            Some(store) => store.keep_level(LEVEL_EVERY).await,
            None => std::future::pending().await,
        }
    };
    let mut end =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|e| e.to_string())?;
    tokio::select! {
        () = Content::new(config.content_dir(), outbox, store.clone()).follow() => {}
        () = level => {}
        _ = end.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    if let Some(progress) = writer.as_ref().map(Writer::progress) {
        log::info!(
            "{} records brought to the database, {} set aside, {} octets wait for the next time",
            progress.applied,
            progress.set_aside,
            progress.behind
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(store: &Store) -> Result<ExitCode, String> {
    let repaired = store.repair_all(true).await.map_err(|e| e.to_string())?;
    println!(
        "{} copies made, {} files lost, {} failures",
        repaired.copied,
        repaired.lost.len(),
        repaired.failures.len()
    );
    repaired.lost.iter().for_each(|file| println!("lost: {file}"));
    repaired.failures.iter().for_each(|failure| println!("failed: {failure}"));
    let whole = repaired.lost.is_empty() && repaired.failures.is_empty();
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn report(config: &Config, event: EventNumber, csv: bool) -> Result<ExitCode, String> {
    let address = config.database.as_ref().ok_or("no database is configured")?;
    let database = Database::open(address).map_err(|e| e.to_string())?;
    let failed = |error: records::DatabaseError| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    if csv {
        let mut page = Page { offset: 0, limit: 1000 };
        let mut calls = Vec::new();
        loop {
            let some = database.calls(event, page).await.map_err(failed)?;
            page.offset += some.len() as u32;
            if some.is_empty() {
                break;
            }
            calls.extend(some);
        }
        print!("{}", to_csv(&calls));
    } else {
        let row = database.event(event).await.map_err(failed)?;
        let row = row.ok_or_else(|| format!("the database has not heard of event {event}"))?;
        let report = database.report(event).await.map_err(failed)?;
        let both = serde_json::json!({ "event": row, "report": report });
        println!("{}", serde_json::to_string_pretty(&both).map_err(|e| e.to_string())?);
    }
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The log: a line each on standard error, where the service manager picks it up.
struct Stderr;

impl log::Log for Stderr {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info && !metadata.target().starts_with("sqlx")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
            // With nobody to read it there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{now} {:<5} {}", record.level(), record.args());
        }
    }

    fn flush(&self) {}
}
