//! One tick: cards, signalling, voice, and what they have to say to one another.
//!
//! ```text
//! events, frames ──► Gateway ──► Voice commands ──► VoicePath
//! timeslots ───────► VoicePath ──► keys, talk ────► Gateway ──► frames ──► cards
//! ```
//!
//! Time: `now` is given; the real-time thread and the simulation drive it alike. Nothing here
//! allocates after construction, blocks, or calls the system beyond the cards.

use crate::bench::Rack;
use crate::gateway::{Channel, Gateway, Output};
use crate::reports::{Order, Report, What};
use crate::voice::{Heard, ToSend, VoicePath, law_of};
use hal::{CardEvent, ErrorKind, Line, Readiness, SpanIndex, Traffic};
use std::time::Duration;

/// A started card and where its spans stand in the count over all cards.
pub struct EngineCard {
    /// The card.
    pub traffic: Box<dyn Traffic>,
    /// Its lines.
    pub lines: Vec<Line>,
}

struct Card {
    traffic: Box<dyn Traffic>,
    lines: Vec<Line>,
    first_span: u16,
    gone: bool,
    /// A chunk was taken in at the present tick.
    ready: bool,
}

impl Card {
    /// A span by its place on the card: what the card calls it, where it stands over all cards, its line.
    fn span(&self, place: usize) -> Option<(SpanIndex, u16, Line)> {
        let line = *self.lines.get(place)?;
        Some((SpanIndex(place as u8), self.first_span + place as u16, line))
    }
}

/// What is sent on a span of a card.
struct OfSpan<'a> {
    traffic: &'a mut dyn Traffic,
    /// What the card calls it.
    own: SpanIndex,
}

impl ToSend for OfSpan<'_> {
    fn of(&mut self, channel: Channel) -> &mut [u8] {
        self.traffic.to_send(self.own, channel.timeslot)
    }
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A tick was processed.
    Ticked,
    /// The leading card had no chunk yet.
    NotYet,
}

/// The gateway, the voice path and the cards, moved one tick at a time.
pub struct Engine {
    gateway: Gateway,
    voice: VoicePath,
    cards: Vec<Card>,
    reports: rtrb::Producer<Report>,
    reports_lost: u64,
    /// Rings that are used up, on their way to where they may be dropped.
    used_rings: rtrb::Producer<rtrb::Producer<i16>>,
    /// Probes on channels in test, if anything is tested here.
    rack: Option<Rack>,
    /// Until then slips may come from a tick that was late.
    late_until: Duration,
}

/// What a late tick may still be the cause of.
const AFTER_LATE: Duration = Duration::from_secs(5);

impl Engine {
    /// Put it together; the first card leads, others should be behind slip buffers.
    #[must_use]
    pub fn new(
        gateway: Gateway,
        voice: VoicePath,
        cards: Vec<EngineCard>,
        reports: rtrb::Producer<Report>,
        used_rings: rtrb::Producer<rtrb::Producer<i16>>,
    ) -> Engine {
        let mut first_span = 0;
        let cards = cards
            .into_iter()
            .map(|EngineCard { traffic, lines }| {
                let card = Card { traffic, first_span, gone: false, ready: false, lines };
                first_span += card.lines.len() as u16;
                card
            })
            .collect();
        Engine { gateway, voice, cards, reports, reports_lost: 0, used_rings, rack: None, late_until: Duration::ZERO }
    }

    /// With a rack for probes.
    #[must_use]
    pub fn with_rack(mut self, rack: Rack) -> Engine {
        self.rack = Some(rack);
        self
    }

    /// A tick began late by its own length or more, or was written off: what slips now says nothing of clocks.
    pub fn was_late(&mut self, now: Duration) {
        self.late_until = now + AFTER_LATE;
    }

    /// Establish the data links.
    pub fn start(&mut self, now: Duration) {
        self.gateway.start(now);
        self.carry_out(now);
    }

    /// Somebody outside wants something.
    pub fn order(&mut self, now: Duration, order: Order) {
        match order {
            Order::Gateway(command) => {
                self.gateway.handle_command(now, command);
                self.carry_out(now);
            }
            Order::Outlet(port, fresh) => {
                let used = self.voice.replace_outlet(port, fresh);
                // The office makes one ring for each stream that has ended and takes the used ones as
                // often as it looks, so there is room; dropping here would only cost time.
                let _ = self.used_rings.push(used);
            }
            Order::Probe(channel, probe) => {
                if let Some(rack) = &mut self.rack {
                    rack.place(channel, probe);
                }
            }
        }
    }

    /// Whether a card's clock sets the pace: that of the first card that is there, if it says when it is ready. Without one the
    /// timer does.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        let leader = self.cards.iter().enumerate().find(|(_, card)| !card.gone);
        leader.is_some_and(|(index, card)| index == 0 && !card.traffic.descriptors().is_empty())
    }

    /// Give every card a chance to move what it has between ticks.
    pub fn serve(&mut self, now: Duration) {
        for index in 0..self.cards.len() {
            if !self.cards[index].gone
                && let Err(error) = self.cards[index].traffic.serve()
            {
                self.card_failed(now, index, error.kind());
            }
        }
    }

    /// Process one tick if the leading card has a chunk.
    pub fn tick(&mut self, now: Duration) -> Turn {
        for index in 0..self.cards.len() {
            self.card_events(now, index);
            let begun = self.cards[index].traffic.begin();
            self.cards[index].ready = matches!(begun, Ok(Readiness::Ready));
            if begun.is_ok() && self.cards[index].gone {
                self.card_returned(now, index);
            }
            match begun {
                Ok(Readiness::Ready) => {}
                // The leader sets the pace. A follower is always ready behind its slip buffer; one
                // that is not misses this tick.
                Ok(Readiness::NotYet) if index == 0 => {
                    // Time goes on without samples: a card that stands still must not keep calls from
                    // being cleared, nor the daemon from ending.
                    self.timers(now);
                    return Turn::NotYet;
                }
                Ok(Readiness::NotYet) => {}
                Err(error) => self.card_failed(now, index, error.kind()),
            }
        }
        self.receive(now);
        self.timers(now);
        self.voice.mix();
        self.send(now);
        self.listen(now);
        Turn::Ticked
    }

    /// The gateway, to look at.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The voice path, to look at.
    #[must_use]
    pub fn voice(&self) -> &VoicePath {
        &self.voice
    }

    /// Reports that found no room in the queue to the office.
    #[must_use]
    pub fn reports_lost(&self) -> u64 {
        self.reports_lost + self.gateway.lost_outputs()
    }

    /// Descriptors to poll, of all cards.
    #[must_use]
    pub fn descriptors(&self) -> Vec<std::os::fd::RawFd> {
        self.cards.iter().flat_map(|c| c.traffic.descriptors().iter().copied()).collect()
    }

    fn card_events(&mut self, now: Duration, index: usize) {
        while let Some(event) = self.cards[index].traffic.next_event() {
            let span = |s: SpanIndex| self.cards[index].first_span + u16::from(s.0);
            match event {
                CardEvent::Alarms(s, alarms) => {
                    let span = span(s);
                    self.gateway.handle_alarms(now, span, alarms);
                }
                CardEvent::FrameLost(s, fault) => {
                    let span = span(s);
                    self.gateway.handle_frame_lost(now, span, fault);
                }
                CardEvent::Slip(s) => {
                    let span = span(s);
                    self.gateway.note(now, What::Slip { span, ahead: None, late: now < self.late_until });
                }
                CardEvent::BufferSlip(s, ahead) => {
                    let (span, late) = (span(s), now < self.late_until);
                    self.gateway.note(now, What::Slip { span, ahead: Some(ahead), late });
                }
                CardEvent::Removed => self.card_failed(now, index, ErrorKind::Reopen),
            }
        }
    }

    fn card_failed(&mut self, now: Duration, index: usize, kind: ErrorKind) {
        if kind != ErrorKind::Retry && !self.cards[index].gone {
            self.cards[index].gone = true;
            self.gateway.note(now, What::CardRemoved { card: index as u16 });
            let alarms = hal::Alarms::ABSENT | hal::Alarms::LOS;
            let mut place = 0;
            while let Some((_, span, _)) = self.cards[index].span(place) {
                self.gateway.handle_alarms(now, span, alarms);
                place += 1;
            }
        }
    }

    /// It is there again. What alarms it has it tells next.
    fn card_returned(&mut self, now: Duration, index: usize) {
        self.cards[index].gone = false;
        self.gateway.note(now, What::CardReturned { card: index as u16 });
        let mut place = 0;
        while let Some((_, span, _)) = self.cards[index].span(place) {
            self.gateway.handle_alarms(now, span, hal::Alarms::empty());
            place += 1;
        }
    }

    fn timers(&mut self, now: Duration) {
        if self.gateway.poll_timeout().is_some_and(|t| t <= now) {
            self.gateway.handle_timeout(now);
        }
        self.carry_out(now);
    }

    fn receive(&mut self, now: Duration) {
        for index in 0..self.cards.len() {
            if self.cards[index].gone || !self.cards[index].ready {
                self.hear_nothing(now, index);
                continue;
            }
            let mut place = 0;
            while let Some((own, span, line)) = self.cards[index].span(place) {
                place += 1;
                loop {
                    match self.cards[index].traffic.receive_frame(own) {
                        Ok(Some(frame)) => self.gateway.handle_frame(now, span, &frame),
                        Ok(None) => break,
                        Err(error) => {
                            self.card_failed(now, index, error.kind());
                            break;
                        }
                    }
                    self.carry_out(now);
                }
                // Only bearer channels are ever open.
                let bearers = line.bearers_beside(false).map(|timeslot| Channel { span, timeslot });
                let traffic = &self.cards[index].traffic;
                self.voice.receive_each(bearers, |channel| traffic.received(own, channel.timeslot));
            }
        }
        self.listen(now);
    }

    /// A card without a chunk in this tick: its callers are silent, else what they said last would be heard again and again.
    fn hear_nothing(&mut self, now: Duration, index: usize) {
        let mut place = 0;
        while let Some((_, span, line)) = self.cards[index].span(place) {
            place += 1;
            for timeslot in line.bearers_beside(false) {
                let channel = Channel { span, timeslot };
                if self.voice.is_open(channel) {
                    self.voice.receive_nothing(channel);
                }
            }
            if !self.cards[index].gone {
                self.gateway.note(now, What::Slip { span, ahead: Some(hal::Ahead::Leader), late: true });
            }
        }
    }

    fn listen(&mut self, now: Duration) {
        while let Some((channel, heard)) = self.voice.poll_heard() {
            match heard {
                Heard::Key(key) => self.gateway.handle_key(now, channel, key),
                Heard::Press(press) => self.gateway.handle_press(now, channel, press),
                Heard::PromptsDone => self.gateway.handle_prompts_done(now, channel),
                Heard::Talking(talking) => self.gateway.handle_talking(now, channel, talking),
                Heard::Named(said) => self.gateway.handle_named(now, channel, said),
                Heard::Level { tenth_dbm0, clipped } => self.gateway.handle_level(now, channel, tenth_dbm0, clipped),
            }
            self.carry_out(now);
        }
    }

    fn send(&mut self, now: Duration) {
        for index in 0..self.cards.len() {
            if self.cards[index].gone || !self.cards[index].ready {
                continue;
            }
            let mut place = 0;
            while let Some((own, span, line)) = self.cards[index].span(place) {
                place += 1;
                let bearers = || line.bearers_beside(false).map(|timeslot| Channel { span, timeslot });
                let traffic = &mut *self.cards[index].traffic;
                self.voice.transmit_each(bearers(), OfSpan { traffic, own });
                if self.rack.as_ref().is_some_and(|rack| !rack.is_empty()) {
                    for channel in bearers() {
                        if !self.voice.is_open(channel) {
                            self.probe(now, index, own, channel, line);
                        }
                    }
                }
            }
            if let Err(error) = self.cards[index].traffic.end() {
                self.card_failed(now, index, error.kind());
            }
        }
    }

    /// A channel without a caller may have a probe.
    fn probe(&mut self, now: Duration, index: usize, own: SpanIndex, channel: Channel, line: Line) {
        let Some(rack) = self.rack.as_mut().filter(|rack| rack.is_probed(channel)) else { return };
        let traffic = &mut self.cards[index].traffic;
        rack.take_in(traffic.received(own, channel.timeslot));
        let reading = rack.fill(channel, law_of(line), traffic.to_send(own, channel.timeslot));
        if let Some(reading) = reading {
            self.tell(Report { at: now, what: What::Probed { channel, reading } });
        }
    }

    fn carry_out(&mut self, now: Duration) {
        while let Some(output) = self.gateway.poll_output() {
            match output {
                Output::Frame(span, frame) => self.send_frame(now, span, &frame),
                Output::Voice(command) => self.voice.command(command),
                Output::Report(report) => {
                    self.tell(report);
                }
            }
        }
    }

    /// The office may be held up by a disk. What only describes the moment is left out first, so that
    /// what streams, records and lists are kept by finds room for minutes.
    fn tell(&mut self, report: Report) {
        let passing = matches!(
            report.what,
            What::Talking { .. }
                | What::Level { .. }
                | What::KeyPressed { .. }
                | What::KeyLetGo { .. }
                | What::FrameLost { .. }
                | What::Probed { .. }
                | What::FrameUnsent { .. }
                | What::Slip { .. }
        );
        let crowded = self.reports.slots() < self.reports.buffer().capacity() / 2;
        if (passing && crowded) || self.reports.push(report).is_err() {
            self.reports_lost += 1;
        }
    }

    fn send_frame(&mut self, now: Duration, span: u16, frame: &[u8]) {
        let index = self.cards.partition_point(|c| c.first_span <= span) - 1;
        let card = &mut self.cards[index];
        if card.gone {
            return;
        }
        let own = SpanIndex((span - card.first_span) as u8);
        if let Err(error) = card.traffic.send_frame(own, frame) {
            match error.kind() {
                // Lost on the way as far as Q.921 is concerned, which sends it again.
                ErrorKind::Retry => self.gateway.note(now, What::FrameUnsent { span }),
                ErrorKind::Alarm => {}
                kind => self.card_failed(now, index, kind),
            }
        }
    }
}
