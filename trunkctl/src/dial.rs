//! `trunkctl exchange dial`: order a call, and follow it to its end.
//!
//! Time: a followed call is asked after four times a second; what is printed are its changes.

use crate::args::Dial;
use crate::failure::Failure;
use crate::output::Output;
use crate::{show, words};
use control::{Client, DialPlan, ExchangeCallInfo, ExchangeCallState, Request};
use serde_json::json;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How often a followed call is asked after.
const BEAT: Duration = Duration::from_millis(250);

/// Octets read in search of a PIN at most.
const PIN_TEXT_MAX: u64 = 1024;

/// Order the call; then tell its number, or follow it.
pub fn dial(client: &mut Client, dial: &Dial, output: Output) -> Result<(), Failure> {
    let plan = plan(dial)?;
    // What is wrong with the command line is told as such, before a daemon hears of it.
    Request::ExchangeDial(plan.clone()).check().map_err(|problem| Failure::Usage(problem.message))?;
    let id = client.exchange_dial(plan)?;
    let follows = dial.follow || (!dial.no_follow && output.is_terminal());
    if !follows {
        return output.answer(&json!({ "id": id }), || format!("call {id} is dialled\n"));
    }
    if !output.is_json() {
        output.text(&format!("call {id} is dialled; Ctrl-C stops watching it, not the call\n"))?;
    }
    let call = follow(client, id, output)?;
    if output.is_json() {
        output.answer(&call, String::new)?;
    } else if let Some(record) = call.record.as_ref().filter(|_| call.connected_ms > 0) {
        output.text(&format!("what was heard is in {}\n", words::clean(record)))?;
    }
    if call.connected_ms == 0 {
        // With --json the call itself has been printed, which says the same; the exit code tells.
        return Err(Failure::CallFailed(format!("call {id} did not get through")));
    }
    Ok(())
}

fn follow(client: &mut Client, id: u64, output: Output) -> Result<ExchangeCallInfo, Failure> {
    let begun = Instant::now();
    let mut told = String::new();
    let mut last = None;
    loop {
        let found = client.exchange_calls()?.into_iter().find(|call| call.id == id);
        let Some(call) = found else {
            // The daemon keeps ended calls for a while, so this one is long gone or was never made.
            return last.ok_or_else(|| Failure::CallFailed(format!("call {id} is not listed by the exchange")));
        };
        let progress = show::exchange_progress(&call);
        if progress != told && !output.is_json() {
            output.text(&format!("{:>7.1} s  {progress}\n", begun.elapsed().as_secs_f32()))?;
            told = progress;
        }
        if call.state == ExchangeCallState::Ended {
            return Ok(call);
        }
        last = Some(call);
        thread::sleep(BEAT);
    }
}

fn plan(dial: &Dial) -> Result<DialPlan, Failure> {
    Ok(DialPlan {
        called: dial.called.clone(),
        calling: dial.calling.clone(),
        name: dial.name.clone(),
        event: dial.event.clone(),
        pin: pin(dial)?,
        wav: dial.wav.as_deref().map(|file| absolute("--wav", file)).transpose()?,
        record: dial.record.as_deref().map(|file| absolute("--record", file)).transpose()?,
        repeat: dial.repeat,
        key_on_ms: dial.key_on,
        key_off_ms: dial.key_off,
        key_level_dbm0: dial.key_level,
        hold_ms: dial.hold.map(|hold| u64::try_from(hold.as_millis()).unwrap_or(u64::MAX)),
    })
}

/// The daemon's working directory is another than ours.
fn absolute(option: &str, file: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(file).map_err(|e| Failure::Usage(format!("{option} {}: {e}", file.display())))?;
    path.into_os_string().into_string().map_err(|path| {
        Failure::Usage(format!("{option} {}: the path is not UTF-8, which the daemon expects", path.display()))
    })
}

/// The PIN from wherever it is.
fn pin(dial: &Dial) -> Result<Option<String>, Failure> {
    if let Some(file) = &dial.pin_file {
        let told = |e: io::Error| Failure::Usage(format!("--pin-file {}: {e}", file.display()));
        let text = first_line(std::fs::File::open(file).map_err(told)?).map_err(told)?;
        return Ok(Some(text));
    }
    match dial.pin.as_deref() {
        Some("-") => {
            if io::stdin().is_terminal() {
                write!(io::stderr(), "PIN (shown as you type): ")?;
            }
            first_line(io::stdin().lock()).map(Some).map_err(|e| Failure::Usage(format!("--pin -: {e}")))
        }
        pin => Ok(pin.map(str::to_owned)),
    }
}

/// The first line, without white space around it.
fn first_line(source: impl Read) -> io::Result<String> {
    let mut line = String::new();
    io::BufRead::read_line(&mut io::BufReader::new(source.take(PIN_TEXT_MAX)), &mut line)?;
    let line = line.trim();
    if line.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "there is no PIN in it"));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_is_the_first_line_without_its_end() {
        assert_eq!(first_line(&b" 86421357\r\nsecond\n"[..]).expect("a PIN"), "86421357");
        assert!(first_line(&b"\n86421357"[..]).is_err());
        assert!(first_line(&b""[..]).is_err());
        let endless = io::repeat(b'1');
        assert_eq!(first_line(endless).expect("cut").len() as u64, PIN_TEXT_MAX);
    }

    #[test]
    fn files_are_named_from_the_root_on() {
        let path = absolute("--wav", Path::new("speech.wav")).expect("a path");
        assert!(path.starts_with('/') && path.ends_with("/speech.wav"));
        assert_eq!(absolute("--wav", Path::new("/a/b.wav")).expect("a path"), "/a/b.wav");
    }
}
