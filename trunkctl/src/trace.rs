//! `trunkctl trace`: what goes over a D channel, in words or as a capture.
//!
//! Data path: [`control::Tracing`] → `isdn::explain` → text or JSON; or → `pcap` → a file.
//! Time: frames carry the server's date.

use crate::args::Trace;
use crate::failure::Failure;
use crate::output::Output;
use crate::pcap::Pcap;
use crate::words;
use control::{Client, Side, TraceFrame, TraceHead, TraceWish, Tracing, WatchEnd};
use isdn::explain::{Element, Explanation, explain, hex};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Show or write the frames that are asked for.
pub fn trace(client: Client, wish: &Trace, output: Output) -> Result<(), Failure> {
    let span = crate::args::span(&wish.span).map_err(Failure::Usage)?;
    let asked = TraceWish { span, ring: wish.ring, numbers: wish.numbers };
    let mut tracing = client.trace(asked)?;
    match wish.write.as_deref() {
        Some(file) => write(&mut tracing, wish, file, output)?,
        None => show(&mut tracing, wish, output)?,
    }
    match tracing.ended() {
        Some(WatchEnd::Complete) => Ok(()),
        Some(WatchEnd::Shutdown) => Err(Failure::WatchEnded("the daemon stops")),
        Some(WatchEnd::Slow) => Err(Failure::WatchEnded("frames came faster than they were read: some are lost")),
        Some(WatchEnd::Unknown) | None => Err(Failure::WatchEnded("the daemon tells no more")),
    }
}

fn show(tracing: &mut Tracing, wish: &Trace, output: Output) -> Result<(), Failure> {
    let head = tracing.head().clone();
    if !output.is_json() {
        output.text(&beginning(&head, wish.ring))?;
    }
    for frame in tracing {
        let frame = frame?;
        let explained = explain(&frame.octets.0, from_network(&head, &frame));
        if wish.messages && explained.message.is_none() {
            continue;
        }
        output.item(&document(&head, &frame, &explained), || block(&frame, &explained))?;
    }
    Ok(())
}

/// Which side of the access a frame is from. A gateway is the user, so that is what an unknown side is taken for.
fn from_network(head: &TraceHead, frame: &TraceFrame) -> bool {
    (head.side == Side::Network) == frame.sent
}

/// What the first line says of the trace.
fn beginning(head: &TraceHead, ring: bool) -> String {
    let held = if ring { words::count(head.held.into(), "frame") } else { "from now on".to_owned() };
    let lost = if head.lost == 0 { String::new() } else { format!(", {} lost", head.lost) };
    let of = [&head.card, &head.line, &head.switch].map(|word| words::clean(word)).join(" ");
    format!("span {} ({of}): {held}{lost}; times are UTC\n\n", head.span)
}

/// A frame as people read it: when, which way, what the link says; the message; the octets.
fn block(frame: &TraceFrame, explained: &Explanation) -> String {
    let ms = frame.at_us / 1000;
    let date = words::date(ms);
    let day = date.split(' ').next().unwrap_or_default();
    let way = if frame.sent { "sent    " } else { "received" };
    format!("{day} {}  {way}  {explained}\n  octets {}\n\n", words::time_of_day(ms), hex(&frame.octets.0))
}

/// A frame as programs read it.
fn document(head: &TraceHead, frame: &TraceFrame, explained: &Explanation) -> Value {
    let element = |e: &Element| {
        json!({
            "codeset": e.codeset,
            "identifier": e.identifier,
            "name": e.name,
            "value": e.value,
            "octets": control::Octets(e.octets.clone()),
        })
    };
    let message = explained.message.as_ref().map(|m| {
        json!({
            "protocol": m.protocol,
            "name": m.name,
            "call": m.call,
            "from_originator": m.from_originator,
            "elements": m.elements.iter().map(element).collect::<Vec<_>>(),
            "fault": m.fault,
        })
    });
    json!({
        "span": head.span,
        "number": frame.number,
        "at_us": frame.at_us,
        "sent": frame.sent,
        "from": if from_network(head, frame) { "network" } else { "user" },
        "octets": frame.octets,
        "link": explained.link,
        "message": message,
    })
}

fn write(tracing: &mut Tracing, wish: &Trace, file: &Path, output: Output) -> Result<(), Failure> {
    if file == Path::new("-") {
        // Whoever reads has read enough, or we cannot tell him: both are the standard output's.
        return capture(tracing, wish, io::stdout().lock(), Failure::from).map(drop);
    }
    let unwritable = |e: io::Error| Failure::Usage(format!("{} cannot be written: {e}", file.display()));
    if !wish.ring {
        // Told aside, since the answer comes at the end; a standard error that is closed is no reason to fail.
        let _ = writeln!(io::stderr(), "writing to {} until Ctrl-C", file.display());
    }
    let frames = capture(tracing, wish, create(file).map_err(unwritable)?, unwritable)?;
    let file = file.display().to_string();
    output.answer(&json!({ "file": file, "frames": frames }), || {
        format!("{} written to {}\n", words::count(frames, "frame"), words::clean(&file))
    })
}

/// For its owner only: it may hold callers' numbers.
fn create(file: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)
}

/// Frames written.
fn capture(
    tracing: &mut Tracing,
    wish: &Trace,
    output: impl Write,
    failed: impl Fn(io::Error) -> Failure,
) -> Result<u64, Failure> {
    let head = tracing.head().clone();
    let mut pcap = Pcap::begin(output).map_err(&failed)?;
    let mut frames = 0;
    for frame in tracing {
        let frame = frame?;
        let from_network = from_network(&head, &frame);
        if wish.messages && explain(&frame.octets.0, from_network).message.is_none() {
            continue;
        }
        pcap.add(frame.at_us, from_network, &frame.octets.0).map_err(&failed)?;
        frames += 1;
    }
    Ok(frames)
}
