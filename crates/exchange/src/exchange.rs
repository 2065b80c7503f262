//! The exchange as a whole: signalling, callers, and the cards that carry both.
//!
//! Looks after turns: every tick takes one chunk from each card, gives it to the callers connected there and to
//! the switch, and hands back what they say. What a call is, is the switch's; what a caller does, is its script's.
//!
//! Data path: cards → frames to [`crate::switch`], octets to [`crate::caller`] → cards.
//! Time: `now` comes in with every call and is passed on; the audio counts samples. Under a virtual clock a run is
//! the same every time; [`Exchange::spawn`] runs it by the real one.
//! Words: *owed*, chunks that the clock has asked of a card and that it has not delivered yet.

use crate::answer::{Answer, Subscriber};
use crate::call::{CallerEvent, CallerId};
use crate::caller::Caller;
use crate::ear::Sink;
use crate::plan::Prepared;
use crate::route::{Server, SpanId, TrunkGroup};
use crate::script::{Progress, Script};
use crate::status::{CallerState, CallerStatus};
use crate::switch::{Output, SpanPlan, Switch, SwitchPlan};
use dsp::g711::Law;
use hal::{
    Alarms, Card, CardEvent, ChunkLength, Control, DFrame, ErrorKind, Line, Readiness, SpanIndex, Timeslot, Traffic,
};
use isdn::Cause;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Ended callers that are remembered for [`Exchange::callers`].
pub const ENDED_KEPT: usize = 64;

/// Chunks a card may owe before the clock stops asking for them: half a second or more of a far end that
/// stood still is not run through at full speed when it comes back.
const OWED_MAX: u32 = 50;

/// Chunks taken from one card in one turn, so that one that is far behind does not keep the others waiting.
const CHUNKS_A_TURN: u32 = 8;

/// D-channel frames of a span that wait for room in its card's queue. Q.921 recovers what is lost beyond.
const FRAMES_WAITING_MAX: usize = 256;

/// A number of the exchange, and what is heard there.
#[derive(Clone, Debug)]
pub struct Extension {
    /// The number; with a `*` at its end, all numbers that begin so.
    pub number: String,
    /// How it answers.
    pub answer: Answer,
    /// What whoever answers does.
    pub script: Script,
}

/// An exchange that is being put together.
pub struct Builder {
    chunk: ChunkLength,
    cards: Vec<(String, Box<dyn Card>, isdn::Switch)>,
    groups: Option<Vec<TrunkGroup>>,
    extensions: Vec<Extension>,
    channel_preferred: bool,
}

impl Builder {
    /// Add a card whose far end is the named server and speaks this dialect. Its spans get the next
    /// [`SpanId`]s. Without trunk groups of one's own there is one group: servers in the order of their first card.
    #[must_use]
    pub fn card(mut self, server: &str, card: Box<dyn Card>, switch: isdn::Switch) -> Builder {
        self.cards.push((server.to_owned(), card, switch));
        self
    }

    /// Route by these groups instead.
    #[must_use]
    pub fn groups(mut self, groups: Vec<TrunkGroup>) -> Builder {
        self.groups = Some(groups);
        self
    }

    /// Add a number that the far end can call.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Builder {
        self.extensions.push(extension);
        self
    }

    /// Name channels as preferred rather than exclusive when offering calls.
    #[must_use]
    pub fn prefer_channels(mut self) -> Builder {
        self.channel_preferred = true;
        self
    }

    /// Start the cards and bring their links up. `now` is on the clock that is given to [`Exchange::tick`].
    ///
    /// # Errors
    /// That of the first card that does not start.
    pub fn start(self, now: Duration) -> Result<Exchange, hal::Error> {
        let mut spans = Vec::new();
        let mut servers: Vec<Server> = Vec::new();
        let mut cards = Vec::new();
        for (server, card, switch) in self.cards {
            let first = spans.len();
            let name = card.name().to_owned();
            spans.extend(card.spans().iter().map(|span| SpanPlan { line: span.line, switch }));
            let running = card.start(self.chunk)?;
            let ids = (first..spans.len()).map(SpanId).collect();
            match servers.iter_mut().find(|known| known.name == server) {
                Some(known) => known.cards.push(ids),
                None => servers.push(Server { name: server, cards: vec![ids] }),
            }
            let lines = spans[first..].iter().map(|span| RunningSpan::new(span.line)).collect();
            cards.push(RunningCard {
                name,
                traffic: running.traffic,
                control: running.control,
                first,
                spans: lines,
                owed: 0,
                clock: 0,
                gone: false,
            });
        }
        let subscribers = self.extensions.iter();
        let plan = SwitchPlan {
            spans,
            groups: self.groups.unwrap_or_else(|| vec![TrunkGroup::for_all("all", servers)]),
            subscribers: subscribers.map(|e| Subscriber { number: e.number.clone(), answer: e.answer }).collect(),
            channel_preferred: self.channel_preferred,
        };
        let mut exchange = Exchange {
            chunk: self.chunk,
            started: now,
            switch: Switch::new(plan),
            cards,
            extensions: self.extensions,
            parties: BTreeMap::new(),
            ended: VecDeque::new(),
            frames_lost: 0,
        };
        // Alarms that are there already are no event.
        for card in &exchange.cards {
            for (index, span) in (0..card.spans.len()).zip(card.first..) {
                let alarms = card.control.alarms(SpanIndex(index as u8));
                exchange.switch.span_usable(SpanId(span), carries_calls(alarms));
            }
        }
        exchange.switch.start(now);
        exchange.carry_out(now);
        Ok(exchange)
    }
}

struct RunningSpan {
    line: Line,
    waiting: VecDeque<DFrame>,
}

impl RunningSpan {
    fn new(line: Line) -> RunningSpan {
        RunningSpan { line, waiting: VecDeque::new() }
    }
}

struct RunningCard {
    name: String,
    traffic: Box<dyn Traffic>,
    control: Box<dyn Control>,
    /// The [`SpanId`] of its first span.
    first: usize,
    spans: Vec<RunningSpan>,
    owed: u32,
    /// Samples since the start.
    clock: u64,
    gone: bool,
}

impl RunningCard {
    fn span_index(&self, span: SpanId) -> Option<SpanIndex> {
        let index = span.0.checked_sub(self.first)?;
        (index < self.spans.len()).then(|| u8::try_from(index).ok().map(SpanIndex)).flatten()
    }
}

/// A caller and its bookkeeping.
struct Party {
    status: CallerStatus,
    /// Where it is heard, once connected.
    place: Option<(SpanId, Timeslot)>,
    caller: Option<Caller>,
    hang_up_after: Option<Duration>,
    hang_up_at: Option<Duration>,
}

/// A caller that is gone, with all it has heard if that was kept in memory.
#[derive(Clone, Debug)]
pub struct EndedCaller {
    /// As it was in the end.
    pub status: CallerStatus,
    /// What it heard, with [`Sink::Memory`].
    pub samples: Vec<i16>,
}

/// A telephone exchange in software.
pub struct Exchange {
    chunk: ChunkLength,
    started: Duration,
    switch: Switch,
    cards: Vec<RunningCard>,
    extensions: Vec<Extension>,
    parties: BTreeMap<CallerId, Party>,
    ended: VecDeque<EndedCaller>,
    frames_lost: u64,
}

impl Exchange {
    /// Begin to put an exchange together; all its cards run with this chunk length.
    #[must_use]
    pub fn builder(chunk: ChunkLength) -> Builder {
        Builder { chunk, cards: Vec::new(), groups: None, extensions: Vec::new(), channel_preferred: false }
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
        let mut party = self.new_party(now, id, CallerState::Trying, call.script, call.sink, call.find_keys);
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
            party.status.state = CallerState::Clearing;
            party.status.cause = Some(cause.value);
            party.place = None;
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
        let left = std::mem::take(&mut self.parties).into_values().map(|mut party| {
            let (heard, _) = party.caller.take().map(Caller::close).unwrap_or_default();
            CallerStatus { heard, ..party.status }
        });
        let left: Vec<CallerStatus> = left.collect();
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
        self.cards.iter().filter(|card| card.gone).count()
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

    fn new_party(
        &self,
        now: Duration,
        id: CallerId,
        state: CallerState,
        script: Script,
        sink: Sink,
        find_keys: bool,
    ) -> Party {
        let caller = Caller::new(script, sink, find_keys);
        let status = CallerStatus {
            id,
            called: String::new(),
            calling: String::new(),
            name: String::new(),
            state,
            span: 0,
            channel: 0,
            offers: 0,
            dialled_at_ms: self.since_start_ms(now),
            connected_at_ms: None,
            ended_at_ms: None,
            cause: None,
            by_far_end: false,
            heard: caller.heard().clone(),
        };
        Party { status, place: None, caller: Some(caller), hang_up_after: None, hang_up_at: None }
    }

    fn since_start_ms(&self, now: Duration) -> u64 {
        u64::try_from(now.saturating_sub(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    fn hang_up_overdue(&mut self, now: Duration) {
        let overdue = |party: &Party| party.hang_up_at.is_some_and(|at| at <= now);
        let overdue: Vec<CallerId> = self.parties.iter().filter(|(_, p)| overdue(p)).map(|(id, _)| *id).collect();
        for id in overdue {
            if let Some(party) = self.parties.get_mut(&id) {
                party.hang_up_at = None;
            }
            self.hang_up(now, id);
        }
    }

    /// Take from one card what the clock has asked of it so far, as far as it is there.
    fn turn(&mut self, now: Duration, index: usize) {
        let card = &mut self.cards[index];
        if card.gone {
            return;
        }
        // A card with descriptors has a clock of its own: it is ready as often as it is, whatever ours says.
        let self_paced = !card.traffic.descriptors().is_empty();
        card.owed = if self_paced { CHUNKS_A_TURN } else { (card.owed + 1).min(OWED_MAX) };
        for _ in 0..CHUNKS_A_TURN {
            if self.cards[index].owed == 0 {
                return;
            }
            self.card_events(index);
            match self.cards[index].traffic.begin() {
                Ok(Readiness::Ready) => self.cards[index].owed -= 1,
                Ok(Readiness::NotYet) => return,
                Err(why) => return self.card_failed(index, &why),
            }
            if let Err(why) = self.one_chunk(now, index) {
                return self.card_failed(index, &why);
            }
        }
    }

    fn one_chunk(&mut self, now: Duration, index: usize) -> Result<(), hal::Error> {
        let card = &mut self.cards[index];
        for span in 0..card.spans.len() {
            while let Some(frame) = card.traffic.receive_frame(SpanIndex(span as u8))? {
                self.switch.handle_frame(now, SpanId(card.first + span), &frame);
            }
        }
        self.carry_out(now);
        let card = &mut self.cards[index];
        let mut done: Vec<CallerId> = Vec::new();
        for (id, party) in &mut self.parties {
            let (Some((span, channel)), Some(caller)) = (party.place, &mut party.caller) else { continue };
            let Some(span) = card.span_index(span) else { continue };
            let law = match card.spans[usize::from(span.0)].line {
                Line::T1 => Law::Mu,
                Line::E1 => Law::A,
            };
            let mut heard = [0; ChunkLength::MAX_SAMPLES];
            let received = card.traffic.received(span, channel);
            let heard = &mut heard[..received.len().min(ChunkLength::MAX_SAMPLES)];
            heard.copy_from_slice(&received[..heard.len()]);
            let progress = caller.next_chunk(card.clock, heard, card.traffic.to_send(span, channel), law);
            if progress == Progress::HangUp {
                done.push(*id);
            }
        }
        card.clock += self.chunk.samples() as u64;
        for id in done {
            self.hang_up(now, id);
        }
        self.send_waiting(index)?;
        self.cards[index].traffic.end()
    }

    fn card_events(&mut self, index: usize) {
        let card = &mut self.cards[index];
        while let Some(event) = card.traffic.next_event() {
            match event {
                CardEvent::Alarms(span, alarms) => {
                    let id = SpanId(card.first + usize::from(span.0));
                    log::info!("exchange: span {id}: alarms: {alarms}");
                    self.switch.span_usable(id, carries_calls(alarms));
                }
                CardEvent::FrameLost(span, fault) => {
                    log::debug!("exchange: card {}: span {}: frame lost: {fault:?}", card.name, span.0);
                }
                CardEvent::Slip(span) => log::debug!("exchange: card {}: span {}: slip", card.name, span.0),
                // The next call fails, and says so itself.
                CardEvent::Removed => log::warn!("exchange: card {} was removed", card.name),
            }
        }
    }

    fn card_failed(&mut self, index: usize, why: &hal::Error) {
        let card = &mut self.cards[index];
        if matches!(why.kind(), ErrorKind::Retry | ErrorKind::Alarm) {
            log::debug!("exchange: card {}: {why}", card.name);
            return;
        }
        log::warn!("exchange: card {} is given up: {why}", card.name);
        card.gone = true;
        for span in 0..card.spans.len() {
            card.spans[span].waiting.clear();
            self.switch.span_usable(SpanId(card.first + span), false);
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
        for card in &mut self.cards {
            let Some(index) = card.span_index(span) else { continue };
            let waiting = &mut card.spans[usize::from(index.0)].waiting;
            if card.gone || waiting.len() == FRAMES_WAITING_MAX {
                self.frames_lost += 1;
            } else {
                waiting.push_back(frame);
            }
            return;
        }
    }

    fn send_waiting(&mut self, index: usize) -> Result<(), hal::Error> {
        let card = &mut self.cards[index];
        for (index, span) in card.spans.iter_mut().enumerate() {
            while let Some(frame) = span.waiting.front() {
                match card.traffic.send_frame(SpanIndex(index as u8), frame) {
                    Ok(()) => {}
                    Err(why) if why.kind() == ErrorKind::Retry => break,
                    // The span cannot send: a frame kept until it can would be answered by nobody.
                    Err(why) if why.kind() == ErrorKind::Alarm => self.frames_lost += 1,
                    Err(why) => return Err(why),
                }
                span.waiting.pop_front();
            }
        }
        Ok(())
    }

    fn caller_event(&mut self, now: Duration, id: CallerId, event: CallerEvent) {
        if let CallerEvent::Called { called, calling, .. } = &event {
            let extension = self.switch.subscriber(&called.digits).and_then(|place| self.extensions.get(place));
            let script = extension.map(|extension| extension.script.clone()).unwrap_or_default();
            let mut party = self.new_party(now, id, CallerState::Called, script, Sink::None, true);
            party.status.called = called.digits.to_string();
            party.status.calling = calling.as_ref().map(|n| n.digits.to_string()).unwrap_or_default();
            self.parties.insert(id, party);
        }
        let now_ms = self.since_start_ms(now);
        let Some(party) = self.parties.get_mut(&id) else { return };
        let status = &mut party.status;
        let at = |status: &mut CallerStatus, span: SpanId, channel: Timeslot| {
            status.span = u32::try_from(span.0 + 1).unwrap_or(u32::MAX);
            status.channel = channel.0;
        };
        match event {
            CallerEvent::Trying { span, channel } => {
                at(status, span, channel);
                status.offers += 1;
                status.state = CallerState::Trying;
            }
            CallerEvent::Refused { cause, .. } => status.cause = Some(cause.value),
            CallerEvent::Proceeding { span, channel } => {
                at(status, span, channel);
                status.state = CallerState::Proceeding;
            }
            CallerEvent::Called { span, channel, .. } => at(status, span, channel),
            CallerEvent::Alerting { .. } => status.state = CallerState::Alerting,
            CallerEvent::Connected { span, channel } => {
                at(status, span, channel);
                status.state = CallerState::Connected;
                status.connected_at_ms = Some(now_ms);
                // The refusals on the way here are history.
                status.cause = None;
                party.place = Some((span, channel));
                party.hang_up_at = party.hang_up_after.map(|after| now + after);
            }
            CallerEvent::Disconnecting { cause } => {
                status.state = CallerState::Clearing;
                status.cause = Some(cause.value);
                status.by_far_end = true;
                party.place = None;
            }
            CallerEvent::Ended { cause, by_far_end } => self.ended(now_ms, id, cause, by_far_end),
            CallerEvent::NoRoute { cause } => {
                let refused_by_far_end = status.offers > 0;
                self.ended(now_ms, id, cause, refused_by_far_end);
            }
        }
    }

    fn ended(&mut self, now_ms: u64, id: CallerId, cause: Cause, by_far_end: bool) {
        let Some(mut party) = self.parties.remove(&id) else { return };
        let (heard, samples) = party.caller.take().map(Caller::close).unwrap_or_default();
        let status = CallerStatus {
            state: CallerState::Ended,
            ended_at_ms: Some(now_ms),
            cause: Some(cause.value),
            by_far_end,
            heard,
            ..party.status
        };
        if self.ended.len() == ENDED_KEPT {
            self.ended.pop_front();
        }
        self.ended.push_back(EndedCaller { status, samples });
    }
}

/// A far end that says it does not hear us gets no new calls either.
fn carries_calls(alarms: Alarms) -> bool {
    alarms.usable() && !alarms.contains(Alarms::RAI)
}

impl Party {
    fn status(&self) -> CallerStatus {
        let heard = self.caller.as_ref().map(|caller| caller.heard().clone()).unwrap_or_default();
        CallerStatus { heard, ..self.status.clone() }
    }
}
