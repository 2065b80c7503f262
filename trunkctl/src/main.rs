//! The technician's tool: sees and steers a running daemon over its control socket.
//!
//! Data path: command line → [`control::Client`] → answer → table or JSON on the standard output; what
//! went wrong on the standard error, or with `--json` on the standard output as `{"error":{...}}`.
//! Source: exit codes and examples are in the help text ([`args`]).
#![forbid(unsafe_code)]

mod args;
mod bench;
mod conference;
mod confirm;
mod dial;
mod doctor;
mod dtmf;
mod failure;
mod man;
mod output;
mod pcap;
mod selftest;
mod service;
mod show;
mod table;
mod top;
mod trace;
mod words;

use args::{Asking, AtLeast, Cli, CloseEvent, Command, Exchange, Plan};
use clap::{CommandFactory, Parser};
use confirm::Answer;
use control::{Client, Problem, WatchEnd};
use failure::Failure;
use output::Output;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    let failure = match run(cli, output) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(failure) if failure.is_quiet() => return ExitCode::SUCCESS,
        Err(failure) => failure,
    };
    let followed = matches!(failure, Failure::CallFailed(_) | Failure::TestFailed(_));
    let told_already = failure.is_told() || (followed && output.is_json());
    if output.is_json() && !told_already {
        // If even that cannot be written, the exit code is all there is.
        let _ = output.answer(&failure.json(), String::new);
    } else if !told_already {
        // A standard error that is closed is no reason to fail otherwise.
        let _ = writeln!(std::io::stderr(), "{}", failure.text());
    }
    ExitCode::from(failure.exit_code())
}

fn run(cli: Cli, output: Output) -> Result<(), Failure> {
    if let Command::Completions { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "trunkctl", &mut script);
        return output.text(&String::from_utf8_lossy(&script));
    }
    if let Command::Man { directory } = &cli.command {
        return man::write(directory.as_deref(), output);
    }
    if let Command::Doctor(wish) = &cli.command {
        return doctor::examine(cli.socket.as_deref(), wish, output);
    }
    if let Command::Dtmf(wish) = &cli.command {
        return dtmf::listen(wish, output);
    }
    if let Command::Top(_) = &cli.command {
        top::check(output)?;
    }
    let mut client = Client::find(cli.socket.as_deref())?;
    match cli.command {
        Command::Completions { .. } | Command::Man { .. } | Command::Doctor(_) | Command::Dtmf(_) => Ok(()),
        Command::Top(wish) => top::run(client, &wish),
        Command::Status => {
            let status = client.status()?;
            output.answer(&status, || show::status(&status, words::now_ms()))
        }
        Command::Spans => {
            let spans = client.spans()?;
            output.answer(&spans, || show::spans(&spans, words::now_ms()))
        }
        Command::Channels { span } => {
            let span = if span.is_empty() { None } else { Some(args::span(&span).map_err(Failure::Usage)?) };
            let channels = client.channels(span)?;
            output.answer(&channels, || show::channels(&channels, words::now_ms()))
        }
        Command::Calls { long } => {
            let calls = client.calls()?;
            let shown = if long { show::calls_long } else { show::calls };
            output.answer(&calls, || shown(&calls, words::now_ms()))
        }
        Command::Events => {
            let events = client.events()?;
            output.answer(&events, || show::events(&events, words::now_ms()))
        }
        Command::Ports => {
            let ports = client.ports()?;
            output.answer(&ports, || show::ports(&ports, words::now_ms()))
        }
        Command::Reserve(reserve) => self::reserve(&mut client, reserve, output),
        Command::Cancel(close) => close_event(&mut client, &close, "cancels", output),
        Command::End(close) => close_event(&mut client, &close, "ends", output),
        Command::Conference(what) => conference::conference(client, what, output),
        Command::HangUp { call, asking } => hang_up(&mut client, call, asking, output),
        Command::Suspend(wish) => service::suspend(&mut client, &wish, output),
        Command::Resume(wish) => service::resume(&mut client, &wish, output),
        Command::Plan(Plan::Suspend(wish)) => service::plan(&mut client, &wish, output),
        Command::Suspensions => {
            let all = client.suspensions()?;
            output.answer(&all, || show::suspensions(&all, words::now_ms()))
        }
        Command::Alarms { history } => {
            let alarms = client.alarms(history)?;
            output.answer(&alarms, || match history {
                true => show::past_alarms(&alarms),
                false => show::alarms(&alarms, words::now_ms()),
            })
        }
        Command::Performance(wish) => {
            let all = client.performance(wish.span)?;
            let view = control::LineView { intervals: wish.intervals, far: wish.far, day: wish.day };
            output.answer(&all, || show::performance(&all, view))
        }
        Command::Test(what) => bench::test(&mut client, &what, output),
        Command::Selftest { target } => selftest::selftest(&mut client, &target, output),
        Command::Fault { words } => bench::fault(&mut client, &words, output),
        Command::Watch { at_least } => watch(client, at_least, output, |_| true),
        Command::Trace(wish) => trace::trace(client, &wish, output),
        Command::Exchange(Exchange::Dial(dial)) => dial::dial(&mut client, &dial, output),
        Command::Exchange(Exchange::Calls) => {
            let calls = client.exchange_calls()?;
            output.answer(&calls, || show::exchange_calls(&calls, words::now_ms()))
        }
        Command::Exchange(Exchange::HangUp { id }) => {
            let done = client.exchange_hang_up(id)?;
            output.answer(&done, || words::clean(&done.text) + "\n")
        }
    }
}

fn reserve(client: &mut Client, reserve: args::Reserve, output: Output) -> Result<(), Failure> {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let reservation = client.reserve(control::Reserve {
        title: reserve.title,
        formats: reserve.formats,
        over_after_s: seconds(reserve.over_after),
        archive_after_s: seconds(reserve.archive_after),
    })?;
    output.answer(&reservation, || show::reservation(&reservation))
}

/// Cancel or end an event, after showing what that does.
fn close_event(client: &mut Client, close: &CloseEvent, verb: &str, output: Output) -> Result<(), Failure> {
    if confirm::is_asked(close.asking) {
        // Nobody is asked about what cannot be.
        conference::is_a_number(client, &close.event)?;
        let events = client.events()?;
        let event = events.iter().find(|event| event.number == close.event);
        let what = show::closing(verb, &close.event, event);
        if confirm::confirm(close.asking, output, &what)? == Answer::DryRun {
            return output.answer(&confirm::WouldHit("event", &event), || what);
        }
    }
    let done = if verb == "ends" { client.end(&close.event)? } else { client.cancel(&close.event)? };
    output.answer(&done, || words::clean(&done.text) + "\n")
}

/// Clear a call, after showing whose it is.
fn hang_up(client: &mut Client, call: u64, asking: Asking, output: Output) -> Result<(), Failure> {
    if confirm::is_asked(asking) {
        let mut calls = client.calls()?;
        calls.retain(|c| c.id == call);
        if calls.is_empty() {
            let problem = Problem::not_found(format!("there is no call {call}"));
            return Err(control::ClientError::Refused(problem.with_hint("`trunkctl calls` lists them")).into());
        }
        let what = format!("This hangs up:\n{}", show::calls(&calls, words::now_ms()));
        if confirm::confirm(asking, output, &what)? == Answer::DryRun {
            return output.answer(&confirm::WouldHit("call", &calls.first()), || what);
        }
    }
    let done = client.hang_up(call)?;
    output.answer(&done, || words::clean(&done.text) + "\n")
}

/// Print notices as they come, those that are wanted.
fn watch(
    client: Client,
    at_least: AtLeast,
    output: Output,
    wanted: impl Fn(&control::Notice) -> bool,
) -> Result<(), Failure> {
    let mut watching = client.watch()?;
    for notice in &mut watching {
        let notice = notice?;
        if notice.severity >= at_least.severity() && wanted(&notice) {
            output.item(&notice, || show::notice(&notice))?;
        }
    }
    match watching.ended() {
        Some(WatchEnd::Shutdown) => Err(Failure::WatchEnded("the daemon stops")),
        Some(WatchEnd::Slow) => Err(Failure::WatchEnded("notices came faster than they were read: some are lost")),
        Some(WatchEnd::Complete | WatchEnd::Unknown) | None => Err(Failure::WatchEnded("the daemon tells no more")),
    }
}
