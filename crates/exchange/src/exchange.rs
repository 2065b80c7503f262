//! The exchange as a whole: signalling, callers, and the cards that carry both.
//!
//! Looks after turns: every tick takes one chunk from each card, gives it to the callers connected there and to
//! the switch, and hands back what they say. What a call is, is the switch's; what a caller does, is its script's.
//!
//! Data path: cards → frames to [`crate::switch`], octets to [`crate::caller`] → cards.
//! Time: `now` comes in with every call and is passed on; the audio counts samples. Under a virtual clock a run is
//! the same every time; [`Exchange::spawn`] runs it by the real one.

use crate::builder::Extension;
use crate::call::{CallerEvent, CallerId};
use crate::caller::Caller;
use crate::cards::{RunningCard, Turn, carries_calls};
use crate::ear::Sink;
use crate::party::{EndedCaller, Party};
use crate::plan::Prepared;
use crate::route::SpanId;
use crate::script::Progress;
use crate::status::{CallerState, CallerStatus};
use crate::switch::{Output, Switch, SwitchPlan};
use hal::{CardEvent, ChunkLength, DFrame, Timeslot};
use isdn::Cause;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Ended callers that are remembered for [`Exchange::callers`].
pub const ENDED_KEPT: usize = 64;

/// A telephone exchange in software.
pub struct Exchange {
    chunk: ChunkLength,
    started: Duration,
    switch: Switch,
    cards: Vec<RunningCard>,
    extensions: Vec<Extension>,
    parties: BTreeMap<CallerId, Party>,
    ended: VecDeque<EndedCaller>,
    /// Samples that are kept of what each extension hears.
    remembers: usize,
    frames_lost: u64,
}

impl Exchange {
    /// With its cards running; the links begin to come up.
    pub(crate) fn begin(
        now: Duration,
        chunk: ChunkLength,
        plan: SwitchPlan,
        with_service_messages: &[SpanId],
        cards: Vec<RunningCard>,
        extensions: Vec<Extension>,
    ) -> Exchange {
        let mut exchange = Exchange {
            chunk,
            started: now,
            switch: Switch::new(plan),
            cards,
            extensions,
            parties: BTreeMap::new(),
            ended: VecDeque::new(),
            remembers: 0,
            frames_lost: 0,
        };
        for span in with_service_messages {
            if let Err(why) = exchange.switch.with_service_messages(*span) {
                log::warn!("exchange: span {span}: {why}");
            }
        }
        // Alarms that are there already are no event.
        for card in &exchange.cards {
            for span in card.spans() {
                exchange.switch.span_usable(span, card.carries_calls(span));
            }
        }
        exchange.switch.start(now);
        exchange.carry_out(now);
        exchange
    }

    /// The same, which keeps so many samples of what each extension hears.
    pub(crate) fn remembering(self, samples: usize) -> Exchange {
        Exchange { remembers: samples, ..self }
    }

    /// The chunk length, which is how often [`Exchange::tick`] wants to be called.
    #[must_use]
    pub fn chunk(&self) -> ChunkLength {
        self.chunk
    }

    /// One turn over all cards. A card that is not ready is left out and catches up later.
    pub fn tick(&mut self, now: Duration) {
        self.switch.handle_timeout(now);
        self.hang_up_overdue(now);
        self.carry_out(now);
        for card in 0..self.cards.len() {
            self.turn(now, card);
        }
    }

    /// Dial. What becomes of it is seen in [`Exchange::callers`].
    pub fn dial(&mut self, now: Duration, call: Prepared) -> CallerId {
        let id = self.switch.originate(now, &call.order);
        let caller = Caller::new(call.script, call.sink, call.find_keys);
        let mut party = Party::new(id, CallerState::Trying, caller, self.since_start_ms(now));
        party.status.called = call.order.called;
        party.status.calling = call.order.calling.unwrap_or_default();
        party.status.name = call.order.name;
        party.hang_up_after = call.hang_up_after;
        self.parties.insert(id, party);
        self.carry_out(now);
        id
    }

    /// Hang up (cause 16). False when there is no such call, or it is ending already.
    pub fn hang_up(&mut self, now: Duration, id: CallerId) -> bool {
        self.hang_up_with(now, id, Cause::user(16))
    }

    /// Hang up with a cause of one's own.
    pub fn hang_up_with(&mut self, now: Duration, id: CallerId, cause: Cause) -> bool {
        let hung_up = self.switch.hang_up(now, id, cause);
        if let (true, Some(party)) = (hung_up, self.parties.get_mut(&id)) {
            party.hang_up(cause);
        }
        self.carry_out(now);
        hung_up
    }

    /// All callers: those that ended (the last [`ENDED_KEPT`]), then those that are there, each in order of dialling.
    pub fn callers(&self) -> impl Iterator<Item = CallerStatus> + '_ {
        let ended = self.ended.iter().map(|ended| ended.status.clone());
        ended.chain(self.parties.values().map(Party::status))
    }

    /// One caller, as long as it is remembered.
    #[must_use]
    pub fn caller(&self, id: CallerId) -> Option<CallerStatus> {
        let ended = || self.ended.iter().find(|ended| ended.status.id == id).map(|ended| ended.status.clone());
        self.parties.get(&id).map(Party::status).or_else(ended)
    }

    /// Take a caller that has ended out of the list, with what it heard.
    pub fn take_ended(&mut self, id: CallerId) -> Option<EndedCaller> {
        let index = self.ended.iter().position(|ended| ended.status.id == id)?;
        self.ended.remove(index)
    }

    /// Hang everyone up (cause 16).
    pub fn hang_up_all(&mut self, now: Duration) {
        let all: Vec<CallerId> = self.parties.keys().copied().collect();
        for id in all {
            self.hang_up(now, id);
        }
    }

    /// The `now` it was started with.
    #[must_use]
    pub fn started(&self) -> Duration {
        self.started
    }

    /// The end: close the recordings of calls that are still there, and say how each caller is or ended.
    #[must_use]
    pub fn close(mut self) -> Vec<CallerStatus> {
        let left: Vec<CallerStatus> = std::mem::take(&mut self.parties).into_values().map(Party::abandon).collect();
        self.ended.into_iter().map(|ended| ended.status).chain(left).collect()
    }

    /// Callers that have not ended.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.parties.len()
    }

    /// The signalling, to look at.
    #[must_use]
    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    /// Take a channel out of service for new calls, or put it back. False when there is no such channel.
    pub fn channel_in_service(&mut self, span: SpanId, channel: Timeslot, in_service: bool) -> bool {
        self.switch.channel_in_service(span, channel, in_service)
    }

    /// Cards that have gone; they do not come back by themselves.
    #[must_use]
    pub fn cards_gone(&self) -> usize {
        self.cards.iter().filter(|card| card.is_gone()).count()
    }

    /// D-channel frames that were not sent for want of room.
    #[must_use]
    pub fn frames_lost(&self) -> u64 {
        self.frames_lost
    }

    /// Release the links. Calls that are still there end by themselves or never; hang up first.
    pub fn stop(&mut self, now: Duration) {
        self.switch.stop(now);
        self.carry_out(now);
    }

    fn since_start_ms(&self, now: Duration) -> u64 {
        u64::try_from(now.saturating_sub(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    fn hang_up_overdue(&mut self, now: Duration) {
        let overdue = |party: &Party| party.hang_up_at.is_some_and(|at| at <= now);
        let overdue: Vec<CallerId> = self.parties.iter().filter(|(_, p)| overdue(p)).map(|(id, _)| *id).collect();
        for id in overdue {
            if !self.hang_up(now, id) {
                // It is ending already.
                self.parties.entry(id).and_modify(|party| party.hang_up_at = None);
            }
        }
    }

    /// Take from one card what the clock has asked of it so far, as far as it is there.
    fn turn(&mut self, now: Duration, index: usize) {
        for _ in 0..self.cards[index].tick() {
            self.card_events(index);
            let done = match self.cards[index].begin() {
                Ok(Turn::Chunk) => self.one_chunk(now, index),
                Ok(Turn::Over) => return,
                Err(why) => Err(why),
            };
            if let Err(why) = done {
                if self.cards[index].failed(&why) {
                    self.cards[index].spans().for_each(|span| self.switch.span_usable(span, false));
                }
                return;
            }
        }
    }

    fn one_chunk(&mut self, now: Duration, index: usize) -> Result<(), hal::Error> {
        let switch = &mut self.switch;
        self.cards[index].receive_frames(|span, frame| switch.handle_frame(now, span, frame))?;
        self.carry_out(now);
        let card = &mut self.cards[index];
        let mut done: Vec<CallerId> = Vec::new();
        for (id, party) in &mut self.parties {
            let Some((span, channel)) = party.place else { continue };
            let Some((span, law)) = card.find(span) else { continue };
            let mut heard = [0; ChunkLength::MAX_SAMPLES];
            let received = card.traffic.received(span, channel);
            let heard = &mut heard[..received.len().min(ChunkLength::MAX_SAMPLES)];
            heard.copy_from_slice(&received[..heard.len()]);
            let out = card.traffic.to_send(span, channel);
            if party.caller.next_chunk(card.clock, heard, out, law) == Progress::HangUp {
                done.push(*id);
            }
        }
        for id in done {
            self.hang_up(now, id);
        }
        self.frames_lost += self.cards[index].end(self.chunk.samples())?;
        Ok(())
    }

    fn card_events(&mut self, index: usize) {
        let card = &mut self.cards[index];
        while let Some(event) = card.traffic.next_event() {
            match event {
                CardEvent::Alarms(span, alarms) => {
                    let id = card.span_id(span);
                    log::debug!("exchange: span {id}: alarms: {alarms}");
                    self.switch.span_usable(id, carries_calls(alarms));
                }
                CardEvent::FrameLost(span, fault) => {
                    log::debug!("exchange: card {}: span {}: frame lost: {fault:?}", card.name, span.0);
                }
                CardEvent::Slip(span) | CardEvent::BufferSlip(span, _) => {
                    log::debug!("exchange: card {}: span {}: slip", card.name, span.0);
                }
                // The next call fails, and says so itself.
                CardEvent::Removed => log::warn!("exchange: card {} was removed", card.name),
            }
        }
    }

    /// Do what the switch wants done.
    fn carry_out(&mut self, now: Duration) {
        while let Some(output) = self.switch.poll_output() {
            match output {
                Output::Frame { span, frame } => self.queue_frame(span, frame),
                Output::Caller { caller, event } => self.caller_event(now, caller, event),
            }
        }
    }

    fn queue_frame(&mut self, span: SpanId, frame: DFrame) {
        let found = self.cards.iter_mut().find_map(|card| card.find(span).map(|(index, _)| (card, index)));
        if !found.is_some_and(|(card, index)| card.queue_frame(index, frame)) {
            self.frames_lost += 1;
        }
    }

    fn caller_event(&mut self, now: Duration, id: CallerId, event: CallerEvent) {
        let now_ms = self.since_start_ms(now);
        if let CallerEvent::Called { called, .. } = &event {
            let extension = self.switch.subscriber(&called.digits).and_then(|place| self.extensions.get(place));
            let script = extension.map(|extension| extension.script.clone()).unwrap_or_default();
            let sink = if self.remembers > 0 { Sink::memory(self.remembers) } else { Sink::None };
            let caller = Caller::new(script, sink, true);
            self.parties.insert(id, Party::new(id, CallerState::Called, caller, now_ms));
        }
        let end = self.parties.get_mut(&id).and_then(|party| party.follow(event, now, now_ms));
        if let Some((cause, by_far_end)) = end
            && let Some(party) = self.parties.remove(&id)
        {
            if self.ended.len() == ENDED_KEPT {
                self.ended.pop_front();
            }
            self.ended.push_back(party.end(now_ms, cause, by_far_end));
        }
    }
}
