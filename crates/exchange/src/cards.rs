//! A started card of the exchange: its pace, its spans, and the frames that wait for room.
//!
//! Looks after when a chunk is taken and which board errors matter; what is done with a chunk is
//! [`crate::Exchange`]'s.
//!
//! Data path: [`hal::Traffic`] → frames and octets of one chunk → exchange → the same way back.
//! Time: one turn each time the exchange's clock ticks.
//! Words: *owed*, chunks that the clock has asked of a card and that it has not delivered yet.

use crate::route::SpanId;
use dsp::g711::Law;
use hal::{Alarms, Control, DFrame, ErrorKind, Line, Readiness, Running, SpanIndex, Traffic};
use std::collections::VecDeque;

/// Chunks a card may owe before the clock stops asking for them: half a second or more of a far end that
/// stood still is not run through at full speed when it comes back.
pub(crate) const OWED_MAX: u32 = 50;

/// Chunks taken from one card in one turn, so that one that is far behind does not keep the others waiting.
const CHUNKS_A_TURN: u32 = 8;

/// D-channel frames of a span that wait for room in its card's queue. Q.921 recovers what is lost beyond.
const FRAMES_WAITING_MAX: usize = 256;

/// D-channel frames of one span looked at in one chunk: far more than 64 kbit/s can carry.
const FRAMES_A_CHUNK: usize = 64;

struct RunningSpan {
    law: Law,
    waiting: VecDeque<DFrame>,
}

/// A card that carries calls.
pub(crate) struct RunningCard {
    pub(crate) name: String,
    pub(crate) traffic: Box<dyn Traffic>,
    control: Box<dyn Control>,
    /// The [`SpanId`] of its first span.
    first: usize,
    spans: Vec<RunningSpan>,
    owed: u32,
    /// Samples since the start.
    pub(crate) clock: u64,
    gone: bool,
}

/// What became of an attempt to take a chunk.
pub(crate) enum Turn {
    /// A chunk is there to be handled.
    Chunk,
    /// Nothing more in this turn.
    Over,
}

impl RunningCard {
    /// A card whose first span has this number.
    pub(crate) fn new(name: String, running: Running, first: SpanId, lines: impl Iterator<Item = Line>) -> RunningCard {
        let law = |line| if line == Line::E1 { Law::A } else { Law::Mu };
        let span = |line| RunningSpan { law: law(line), waiting: VecDeque::new() };
        let (traffic, control) = (running.traffic, running.control);
        RunningCard {
            name,
            traffic,
            control,
            first: first.0,
            spans: lines.map(span).collect(),
            owed: 0,
            clock: 0,
            gone: false,
        }
    }

    /// Its spans, as the exchange counts them.
    pub(crate) fn spans(&self) -> impl Iterator<Item = SpanId> + use<> {
        (self.first..self.first + self.spans.len()).map(SpanId)
    }

    /// The exchange's number of a span that the card names.
    pub(crate) fn span_id(&self, span: SpanIndex) -> SpanId {
        SpanId(self.first + usize::from(span.0))
    }

    /// The card's own number of a span, and its law, if it is one of the card's.
    pub(crate) fn find(&self, span: SpanId) -> Option<(SpanIndex, Law)> {
        let index = span.0.checked_sub(self.first)?;
        let law = self.spans.get(index)?.law;
        Some((SpanIndex(u8::try_from(index).ok()?), law))
    }

    /// Whether new calls may be put on a span of this card, as layer 1 has it now.
    pub(crate) fn carries_calls(&self, span: SpanId) -> bool {
        self.find(span).is_some_and(|(index, _)| !self.gone && carries_calls(self.control.alarms(index)))
    }

    /// Whether the card has gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// The clock has ticked: how many chunks may be taken in this turn.
    pub(crate) fn tick(&mut self) -> u32 {
        if self.gone {
            return 0;
        }
        // A card with descriptors has a clock of its own: it is ready as often as it is, whatever ours says.
        let self_paced = !self.traffic.descriptors().is_empty();
        self.owed = if self_paced { CHUNKS_A_TURN } else { (self.owed + 1).min(OWED_MAX) };
        self.owed.min(CHUNKS_A_TURN)
    }

    /// Take one chunk, if it is there.
    pub(crate) fn begin(&mut self) -> Result<Turn, hal::Error> {
        match self.traffic.begin()? {
            Readiness::Ready => {
                self.owed = self.owed.saturating_sub(1);
                Ok(Turn::Chunk)
            }
            Readiness::NotYet => Ok(Turn::Over),
        }
    }

    /// The D-channel frames that came with this chunk, each handed to `take`.
    pub(crate) fn receive_frames(&mut self, mut take: impl FnMut(SpanId, &DFrame)) -> Result<(), hal::Error> {
        for (index, span) in (0..=u8::MAX).zip(self.spans()) {
            for _ in 0..FRAMES_A_CHUNK {
                let Some(frame) = self.traffic.receive_frame(SpanIndex(index))? else { break };
                take(span, &frame);
            }
        }
        Ok(())
    }

    /// Keep a frame until the next chunk. False when it was lost for want of room.
    pub(crate) fn queue_frame(&mut self, span: SpanIndex, frame: DFrame) -> bool {
        let waiting = &mut self.spans[usize::from(span.0)].waiting;
        if self.gone || waiting.len() == FRAMES_WAITING_MAX {
            return false;
        }
        waiting.push_back(frame);
        true
    }

    /// Hand over the frames that wait, then the chunk. Returns the number of frames that were lost.
    pub(crate) fn end(&mut self, samples: usize) -> Result<u64, hal::Error> {
        let mut lost = 0;
        for (index, span) in (0..=u8::MAX).zip(&mut self.spans) {
            while let Some(frame) = span.waiting.front() {
                match self.traffic.send_frame(SpanIndex(index), frame) {
                    Ok(()) => {}
                    Err(why) if why.kind() == ErrorKind::Retry => break,
                    // The span cannot send: a frame kept until it can would be answered by nobody.
                    Err(why) if why.kind() == ErrorKind::Alarm => lost += 1,
                    Err(why) => return Err(why),
                }
                span.waiting.pop_front();
            }
        }
        self.clock += samples as u64;
        self.traffic.end()?;
        Ok(lost)
    }

    /// Something failed. True when that means the card has gone.
    pub(crate) fn failed(&mut self, why: &hal::Error) -> bool {
        if matches!(why.kind(), ErrorKind::Retry | ErrorKind::Alarm) {
            log::debug!("exchange: card {}: {why}", self.name);
            return false;
        }
        log::warn!("exchange: card {} is given up: {why}", self.name);
        self.gone = true;
        self.spans.iter_mut().for_each(|span| span.waiting.clear());
        true
    }
}

/// A far end that says it does not hear us gets no new calls either.
pub(crate) fn carries_calls(alarms: Alarms) -> bool {
    alarms.usable() && !alarms.contains(Alarms::RAI)
}
