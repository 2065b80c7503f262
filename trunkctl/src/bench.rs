//! `trunkctl test`: patterns, tones, levels, loopbacks and calls; `trunkctl fault`.
//!
//! Time: a test that is followed is asked after once a second.

use crate::args::{self, Asking, Bench, Errors, LoopAt, Running};
use crate::confirm::{self, Answer};
use crate::failure::Failure;
use crate::output::Output;
use crate::service::target;
use crate::{show, words};
use control::{Client, Target, TestInfo, TestKind, TestState, TestWish};
use dsp::signals::Signal;
use serde_json::json;
use std::thread;
use std::time::Duration;

/// How often a test is asked after.
const BEAT: Duration = Duration::from_secs(1);

/// Do what is asked for on the test bench.
pub fn test(client: &mut Client, bench: &Bench, output: Output) -> Result<(), Failure> {
    match bench {
        Bench::Bert { target, pattern, insert_errors, loop_, running } => {
            let insert = insert_errors.as_ref().map(|Errors(insert)| *insert);
            let kind = TestKind::Bert { pattern: pattern.clone(), loop_: loop_.word(), insert };
            run(client, target, kind, running, output)
        }
        Bench::Tone { what, frequency, level, running } => {
            let (target, kind) = tone(what, *frequency, *level)?;
            run(client, target, kind, running, output)
        }
        Bench::Level { target, running } => run(client, target, TestKind::Level, running, output),
        Bench::Loopback { what, running } => {
            let (last, target) = what.split_last().ok_or_else(|| Failure::Usage("a target is missing".into()))?;
            let Some(at) = LoopAt::of(last) else {
                return Err(Failure::Usage(format!(
                    "`{last}` is no loopback: TARGET local, line, payload, timeslot or off"
                )));
            };
            match at {
                LoopAt::Off => {
                    let done = client.release_loops(self::target(target)?)?;
                    output.answer(&done, || words::clean(&done.text) + "\n")
                }
                LoopAt::Loop(loop_) => run(client, target, TestKind::Loopback { loop_: loop_.word() }, running, output),
            }
        }
        Bench::Call { number, span, for_, no_follow, asking } => {
            let wish = TestWish {
                target: span.map_or(Target::Server, Target::Span),
                kind: TestKind::Call { called: number.clone() },
                drain: false,
                idle_only: false,
                for_s: Some(for_.as_secs().max(1)),
            };
            begin(client, wish, *asking, *no_follow, output)
        }
        Bench::List => {
            let all = client.tests()?;
            output.answer(&all, || show::tests(&all, words::now_ms()))
        }
        Bench::Stop { id } => {
            let done = client.stop_test(*id)?;
            output.answer(&done, || words::clean(&done.text) + "\n")
        }
    }
}

/// Where to send what: a target is one word if it is the server, else two.
fn tone(what: &[String], hz: Option<f32>, dbm0: Option<f32>) -> Result<(&[String], TestKind), Failure> {
    let words = if what.first().is_some_and(|word| word == "server") { 1 } else { 2 };
    let (target, signal) = what.split_at(words.min(what.len()));
    let name = match signal {
        [] => return Ok((target, TestKind::Tone { hz: hz.unwrap_or(1_004.0), dbm0: dbm0.unwrap_or(-10.0) })),
        [name] if Signal::of(name).is_some() => name.clone(),
        words => {
            let names: Vec<&str> = Signal::ALL.iter().map(|signal| signal.name).collect();
            let (words, names) = (words::clean(&words.join(" ")), names.join(", "));
            return Err(Failure::Usage(format!("no signal is called `{words}`; there are {names}")));
        }
    };
    if hz.or(dbm0).is_some() {
        return Err(Failure::Usage(format!("`{name}` has its own frequencies and levels: give one or the other")));
    }
    Ok((target, TestKind::Signal { name }))
}

/// Put a fault on a line, or list those that stand.
pub fn fault(client: &mut Client, words: &[String], output: Output) -> Result<(), Failure> {
    if let [word, rest @ ..] = words
        && word == "port"
    {
        return port_fault(client, rest, output);
    }
    let named = if words.first().is_some_and(|word| word == "span") { 2 } else { 1 };
    let (named, order) = words.split_at(named.min(words.len()));
    let span = args::span(named).map_err(Failure::Usage)?;
    let standing = client.fault(span, (!order.is_empty()).then(|| order.join(" ")))?;
    output.answer(&json!({ "span": span, "faults": standing }), || show::faults(&format!("span {span}"), &standing))
}

fn port_fault(client: &mut Client, words: &[String], output: Output) -> Result<(), Failure> {
    let usage =
        |what: String| Failure::Usage(format!("{what}; write `fault port 10003 dead` or `fault port 10003 clear`"));
    let [port, order @ ..] = words else { return Err(usage("a stream port is missing".to_owned())) };
    let port: u16 = port.parse().map_err(|_| usage(format!("`{port}` is no port")))?;
    let dead = match order {
        [] => None,
        [word] if word == "dead" => Some(true),
        [word] if word == "clear" => Some(false),
        words => return Err(usage(format!("no fault of a stream port is called `{}`", words.join(" ")))),
    };
    let standing = client.port_fault(port, dead)?;
    output.answer(&json!({ "port": port, "faults": standing }), || {
        show::faults(&format!("stream port {port}"), &standing)
    })
}

fn run(
    client: &mut Client,
    words: &[String],
    kind: TestKind,
    running: &Running,
    output: Output,
) -> Result<(), Failure> {
    // A loopback stands in the background; whatever measures is looked at.
    let no_follow = running.no_follow || matches!(kind, TestKind::Loopback { .. });
    let wish = TestWish {
        target: target(words)?,
        kind,
        drain: running.drain,
        idle_only: false,
        for_s: running.for_.map(|time| time.as_secs().max(1)),
    };
    begin(client, wish, running.asking, no_follow, output)
}

fn begin(client: &mut Client, wish: TestWish, asking: Asking, no_follow: bool, output: Output) -> Result<(), Failure> {
    // What is wrong with the command line is told as such, before a daemon hears of it.
    control::Request::Test(wish.clone()).check().map_err(|problem| Failure::Usage(problem.message))?;
    if confirm::is_asked(asking) {
        let plan = client.plan_test(wish.clone())?;
        let text = show::test_plan(&plan);
        if confirm::confirm(asking, output, &text)? == Answer::DryRun {
            return output.answer(&confirm::WouldHit("plan", &plan), || text);
        }
    }
    let info = client.test(wish)?;
    if no_follow {
        return output.answer(&info, || show::test_begun(&info));
    }
    follow(client, info, output)
}

/// Tell what it shows, once a second, until it is over; then the verdict.
fn follow(client: &mut Client, mut info: TestInfo, output: Output) -> Result<(), Failure> {
    let (id, live) = (info.id, output.is_terminal());
    let mut told = String::new();
    if !output.is_json() {
        output.text(&show::test_begun(&info))?;
    }
    while info.state != TestState::Over {
        let line = show::test_progress(&info);
        if line != told {
            if live {
                // Over the line before; the escape clears what was longer.
                output.text(&format!("\r\x1b[K{line}"))?;
            } else {
                output.item(&info, || format!("{line}\n"))?;
            }
            told = line;
        }
        thread::sleep(BEAT);
        let found = client.tests()?.into_iter().find(|t| t.id == id);
        info = found.ok_or(Failure::WatchEnded("the daemon knows of the test no more"))?;
    }
    if live {
        output.text("\n")?;
    }
    output.item(&info, || show::test_result(&info))?;
    match info.passed {
        Some(false) => Err(Failure::TestFailed(info.outcome.unwrap_or_else(|| "failed".into()))),
        _ => Ok(()),
    }
}
