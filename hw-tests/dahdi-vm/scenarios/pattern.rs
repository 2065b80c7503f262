//! A counter on every bearer channel in both directions: every octet sent comes, once, in order.
//!
//! Both ends are our board, and what is between them is the driver. Neither end writes ahead of the other: each answers a chunk with
//! a chunk, paced by the driver alone.

use crate::lines::Lines;
use board_dahdi::{DahdiCard, Kernel};
use hal::{Card, ChunkLength, Counters, Line, Readiness, Running, SpanIndex, Timeslot};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::time::Duration;

const SPAN: SpanIndex = SpanIndex(0);
/// Chunks until both ends have settled.
const BEGINNING: u64 = 50;

/// What an end has found.
#[derive(Default)]
struct Found {
    octets: u64,
    discontinuities: u64,
}

struct End {
    running: Running,
    line: Line,
    /// By timeslot: what was received last.
    last: [Option<u8>; 32],
    ticks: u64,
    found: Found,
    /// What the card had counted when the end had settled.
    settled: Counters,
}

impl End {
    fn start(lines: &Lines, end: usize, line: Line, chunk: ChunkLength) -> Result<End, String> {
        let card = DahdiCard::find(lines.card(end), Box::new(Kernel::default())).map_err(|e| in_words(&e))?;
        let running = Box::new(card).start(chunk).map_err(|e| in_words(&e))?;
        Ok(End { running, line, last: [None; 32], ticks: 0, found: Found::default(), settled: Counters::default() })
    }

    /// Every chunk that is there.
    fn turn(&mut self, samples: usize) -> Result<(), String> {
        while self.running.traffic.begin().map_err(|e| in_words(&e))? == Readiness::Ready {
            self.ticks += 1;
            if self.ticks == BEGINNING {
                self.settled = self.running.control.counters(SPAN);
            }
            for timeslot in self.line.bearers() {
                self.check(timeslot);
                let first = (self.ticks as usize * samples + usize::from(timeslot.0) * 7) as u8;
                let chunk = self.running.traffic.to_send(SPAN, timeslot);
                chunk.iter_mut().enumerate().for_each(|(place, octet)| *octet = first.wrapping_add(place as u8));
            }
            self.running.traffic.end().map_err(|e| in_words(&e))?;
        }
        Ok(())
    }

    fn check(&mut self, timeslot: Timeslot) {
        let last = &mut self.last[usize::from(timeslot.0)];
        for octet in self.running.traffic.received(SPAN, timeslot) {
            if self.ticks > BEGINNING {
                self.found.octets += 1;
                let expected = last.map(|last| last.wrapping_add(1));
                self.found.discontinuities += u64::from(expected.is_some_and(|expected| expected != *octet));
            }
            *last = Some(*octet);
        }
    }
}

pub fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text += &format!(": {source}");
        next = source.source();
    }
    text
}

/// So many seconds on all channels of a line.
pub fn run(line: Line, chunk: ChunkLength, seconds: u64) -> Result<String, String> {
    let lines = Lines::new(line).map_err(|e| format!("make the spans: {e}"))?;
    let mut ends = [End::start(&lines, 0, line, chunk)?, End::start(&lines, 1, line, chunk)?];
    let ticks = seconds * 1000 / u64::from(chunk.milliseconds()) + BEGINNING;
    let (mut poll, mut events) = (Poll::new().map_err(|e| in_words(&e))?, Events::with_capacity(8));
    for end in &ends {
        for descriptor in end.running.traffic.descriptors() {
            let registered = poll.registry().register(&mut SourceFd(descriptor), Token(0), Interest::READABLE);
            registered.map_err(|e| in_words(&e))?;
        }
    }
    while ends.iter().any(|end| end.ticks < ticks) {
        poll.poll(&mut events, Some(Duration::from_millis(100))).map_err(|e| in_words(&e))?;
        for end in &mut ends {
            end.turn(chunk.samples())?;
        }
    }
    let octets: u64 = ends.iter().map(|end| end.found.octets).sum();
    let discontinuities: u64 = ends.iter().map(|end| end.found.discontinuities).sum();
    let (slips, underruns) = ends.iter().fold((0, 0), |(slips, underruns), end| {
        let now = end.running.control.counters(SPAN);
        (slips + now.slips - end.settled.slips, underruns + now.underruns - end.settled.underruns)
    });
    let text = format!(
        "{octets} octets on {} channels both ways, {discontinuities} discontinuities, {slips} slips, {underruns} underruns",
        line.bearers().count()
    );
    if discontinuities + slips + underruns == 0 { Ok(text) } else { Err(text) }
}
