//! What the tests share: chunks that count, and a way to run one tick of an end.
#![allow(dead_code, reason = "each test binary uses its own part")]

use board_loopback::{FarEnd, LoopbackCard};
use hal::{Alarms, Card, CardEvent, ChunkLength, Line, Readiness, Running, SpanIndex, Timeslot};

pub const SPAN: SpanIndex = SpanIndex(0);

/// One end of a span that sends a counter on every timeslot and keeps what it receives on one.
pub struct End {
    pub running: Running,
    pub line: Line,
    sent: u64,
    pub heard: Vec<u8>,
    pub listened: Timeslot,
    pub events: Vec<CardEvent>,
}

impl End {
    pub fn start(card: impl Card + 'static, chunk: ChunkLength) -> End {
        End::start_found(Box::new(card), chunk)
    }

    pub fn start_found(card: Box<dyn Card>, chunk: ChunkLength) -> End {
        let line = card.spans()[0].line;
        let running = card.start(chunk).expect("the chunk is not longer than the delay");
        End { running, line, sent: 0, heard: Vec::new(), listened: Timeslot(1), events: Vec::new() }
    }

    pub fn attach(far_end: &FarEnd, chunk: ChunkLength) -> End {
        End::start(far_end.attach("far end").expect("nobody holds it"), chunk)
    }

    /// One tick. False: not yet.
    pub fn tick(&mut self) -> bool {
        let traffic = &mut self.running.traffic;
        let readiness = traffic.begin().expect("the card is there");
        if readiness == Readiness::Ready {
            self.heard.extend_from_slice(traffic.received(SPAN, self.listened));
            let mut length = 0;
            for timeslot in 1..=self.line.timeslots() {
                let octets = traffic.to_send(SPAN, Timeslot(timeslot));
                length = octets.len() as u64;
                for (at, octet) in (self.sent..).zip(octets) {
                    *octet = pattern(timeslot, at);
                }
            }
            self.sent += length;
            traffic.end().expect("the card is there");
        }
        while let Some(event) = traffic.next_event() {
            self.events.push(event);
        }
        readiness == Readiness::Ready
    }

    pub fn ticks(&mut self, number: usize) {
        for _ in 0..number {
            assert!(self.tick());
        }
    }

    pub fn alarms(&self) -> Alarms {
        self.running.control.alarms(SPAN)
    }

    pub fn send(&mut self, frame: &[u8]) -> Result<(), hal::Error> {
        self.running.traffic.send_frame(SPAN, frame)
    }

    /// The frames received by now.
    pub fn frames(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.running.traffic.receive_frame(SPAN).expect("the card is there"))
            .map(|frame| frame.to_vec())
            .collect()
    }
}

/// What a sending end puts at a place of a timeslot: a counter whose period no chunk divides.
pub fn pattern(timeslot: u8, at: u64) -> u8 {
    ((at + u64::from(timeslot) * 17) % 251) as u8
}

/// A card with one span, and its far end.
pub fn span(line: Line, delay_ms: u32, patience: u32) -> (LoopbackCard, FarEnd) {
    let mut builder = LoopbackCard::builder("card");
    builder.delay_ms(delay_ms).patience(patience);
    let far_end = builder.span_to_exchange(line);
    (builder.build(), far_end)
}
