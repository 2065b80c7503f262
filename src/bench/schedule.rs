//! Which test does what, and when: channels are held before anything is done to them, and given back after everything is undone.
//!
//! ```text
//!  Blocking ──► Running ──► Collecting ──► Over
//!      │           │             ▲
//!      │           └── stopped, call came, line gone
//!      └──────────────────────────────────► Over (a call is on the channel and is not waited for)
//! ```
//!
//! The hold stands from the order to the end, the loop from Running to the end of Collecting: so that a probe sees its loop
//! from the first octet to the last. Nothing is written down: a daemon that dies in the middle comes back without tests.
//!
//! Data path: orders, readings, probes that came back, calls that came → here → [`Order`]s.
//! Time: milliseconds, given; [`Schedule::look`] is called every now and then.

use super::calling::{CallPlan, CallSeen};
use super::probe::{BitPlan, Probe, Reading, Sent};
use crate::gateway::{CallId, Channel, Holds};
use crate::reports::CallStage;
use dsp::bert::Sync;
use hal::{LoopRequest, Loopback, Support, Timeslot, TimeslotLoopback};
use std::collections::{BTreeMap, VecDeque};

/// How long probes that are taken out, or should be done, are waited for.
pub(super) const PATIENCE_MS: u64 = 3_000;
/// How long the clearing of a call may take: longer than T305 and twice T308 together (Q.931 table 9-1), 38 s.
const CLEARING_MS: u64 = 45_000;
/// Tests that are over and still shown.
const REMEMBERED: usize = 32;
/// Unfinished tests at a time.
const AT_ONCE: usize = 64;

/// The loop a test runs over, or that is the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    /// Set by somebody else, if at all.
    None,
    /// Of whole spans.
    Span(Loopback),
    /// Of each channel.
    Timeslots(TimeslotLoopback),
    /// The far end is asked for it, and to release it.
    Asked {
        /// To set it.
        up: LoopRequest,
        /// To release it.
        down: LoopRequest,
    },
}

impl Loop {
    /// What is missing of a span that cannot have it.
    #[must_use]
    pub fn missing(self, support: Support) -> Option<String> {
        match self {
            Loop::Span(loopback) if !support.loops(loopback) => Some(format!("the {loopback} loopback")),
            Loop::Timeslots(loopback) if !support.loops_timeslot(loopback) => {
                Some(format!("the {loopback} loopback of single timeslots"))
            }
            Loop::Asked { .. } if !support.contains(Support::LOOP_REQUESTS) => {
                Some("asking the far end for a loopback".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the D channel of the span goes with it.
    #[must_use]
    pub fn takes_the_span(self) -> bool {
        matches!(self, Loop::Span(_) | Loop::Asked { .. })
    }
}

/// What a test does on its channels.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A pattern is sent and compared.
    Bits(BitPlan),
    /// What comes is measured, and this is sent, or nothing.
    Sound(Option<Sent>),
    /// Nothing: the loop is all there is.
    Loop,
    /// A call is placed, on a channel of the gateway's choice, and what is heard while it is up is measured.
    Call(CallPlan),
}

/// A test as it is ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In words.
    pub target: String,
    /// Who orders it.
    pub by: String,
    /// What is done.
    pub kind: Kind,
    /// Over which loop.
    pub loop_: Loop,
    /// The reason the channels are held for: one of them.
    pub hold: Holds,
    /// By span, the channels: bit n-1 stands for timeslot n.
    pub channels: BTreeMap<u16, u32>,
    /// Calls on them are waited for; else there must be none.
    pub drain: bool,
    /// How long it runs.
    pub run_ms: u64,
    /// Channels of the target that are left out, in words.
    pub left_out: Vec<String>,
}

impl Plan {
    /// Its channels.
    pub fn each(&self) -> impl Iterator<Item = Channel> {
        self.channels.iter().flat_map(|(&span, &set)| {
            (1..=31)
                .map(Timeslot)
                .filter(move |t| set & 1 << t.index() != 0)
                .map(move |timeslot| Channel { span, timeslot })
        })
    }

    fn has(&self, channel: Channel) -> bool {
        self.channels.get(&channel.span).is_some_and(|set| set & 1 << channel.timeslot.index() != 0)
    }
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All channels are well.
    Passed,
    /// Some are not.
    Failed,
    /// Its time was over; nothing was to be judged.
    Ended,
    /// Somebody stopped it.
    Stopped,
    /// It could not go on, and why.
    Broken(String),
}

/// How far a test has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its channels are being kept from calls.
    Blocking,
    /// It runs.
    Running,
    /// Its probes are being taken out; this is how it will have ended, `None` if that is for the readings to say.
    Collecting(Option<Outcome>),
    /// It is over.
    Over(Outcome),
}

/// A channel of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// The channel.
    pub channel: Channel,
    /// The last reading.
    pub reading: Option<Reading>,
    /// Its probe is at work.
    pub(super) at_work: bool,
}

impl Station {
    /// Its probe came back; what that shows is the last word on the channel.
    pub(super) fn came_back(&mut self, mut probe: Box<Probe>) {
        self.at_work = false;
        self.reading = probe.read().or(self.reading);
    }

    /// Whether the pattern came back, and came back right: errors that were put in are no fault.
    #[must_use]
    pub fn passed(&self) -> bool {
        matches!(self.reading, Some(Reading::Bits { report, inserted, .. })
            if report.sync == Sync::InSync && !report.inverted && report.sync_losses == 0 && report.bit_errors == inserted)
    }
}

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its number; never given twice by a daemon.
    pub id: u64,
    /// As it was ordered.
    pub plan: Plan,
    /// When.
    pub since_ms: u64,
    /// How far it has come.
    pub stage: Stage,
    /// When the stage ends at the latest.
    pub until_ms: u64,
    /// Its channels.
    pub stations: Vec<Station>,
    /// The call it has placed.
    pub call: Option<CallSeen>,
}

impl Test {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    fn judged(&self) -> Outcome {
        match self.plan.kind {
            Kind::Bits(_) if self.stations.iter().all(Station::passed) => Outcome::Passed,
            Kind::Bits(_) => Outcome::Failed,
            Kind::Call(_) if self.call.is_some_and(|call| call.answered_ms.is_some()) => Outcome::Passed,
            Kind::Call(_) => Outcome::Failed,
            Kind::Sound(_) | Kind::Loop => Outcome::Ended,
        }
    }
}

/// What keeps a channel from being tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Nothing: it is kept from calls.
    Yes,
    /// The gateway has not said so yet.
    NotYet,
    /// A call is on it.
    Busy,
}

/// What the schedule wants done.
#[derive(Debug)]
pub enum Order {
    /// Hold exactly these channels of a span for this reason.
    Hold {
        /// The span.
        span: u16,
        /// The reason.
        hold: Holds,
        /// The channels.
        channels: u32,
    },
    /// Set a loopback of a span for a test.
    SpanLoop(u64, u16, Loopback),
    /// Set a loopback of a timeslot for a test.
    TimeslotLoop(u64, Channel, TimeslotLoopback),
    /// Ask the far end of a span, for a test.
    Ask(u64, u16, LoopRequest),
    /// Put a probe on a channel, or take it out.
    Probe(Channel, Option<Box<Probe>>),
    /// Place a call for a test.
    Call(u64, CallPlan),
    /// Clear the call of a test.
    HangUp(u64),
    /// A test is over.
    Over(u64),
}

/// Why a test is not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The test of this number has one of the channels, or a call on the same span.
    InTest(u64),
    /// There are too many already.
    TooMany,
}

/// All tests.
#[derive(Debug, Default)]
pub struct Schedule {
    tests: Vec<Test>,
    last: u64,
    /// By span, what the self-test in the background keeps from calls.
    kept: BTreeMap<u16, u32>,
    orders: VecDeque<Order>,
}

impl Schedule {
    /// Begin a test; its number.
    ///
    /// # Errors
    /// Another test has its channels, or there are too many.
    pub fn begin(&mut self, now_ms: u64, plan: Plan) -> Result<u64, Refusal> {
        let meets = |t: &Test| match (&plan.kind, &t.plan.kind) {
            (Kind::Call(call), Kind::Call(other)) => call.meets(other, t.call.map(|seen| seen.channel.span)),
            _ => plan.each().any(|c| t.plan.has(c)),
        };
        if let Some(other) = self.open().find(|t| meets(t)) {
            return Err(Refusal::InTest(other.id));
        }
        if self.open().count() >= AT_ONCE {
            return Err(Refusal::TooMany);
        }
        let over = self.tests.iter().filter(|t| t.is_over()).count();
        let mut forget = over.saturating_sub(REMEMBERED - 1);
        self.tests.retain(|test| {
            let kept = forget == 0 || !test.is_over();
            forget -= usize::from(!kept);
            kept
        });
        self.last += 1;
        let stations = plan.each().map(|channel| Station { channel, reading: None, at_work: false }).collect();
        let test = Test {
            id: self.last,
            since_ms: now_ms,
            stage: Stage::Blocking,
            until_ms: now_ms,
            stations,
            plan,
            call: None,
        };
        self.tests.push(test);
        self.hold(self.tests.len() - 1);
        Ok(self.last)
    }

    /// End a test early; false when there is none of this number that is not over.
    pub fn stop(&mut self, now_ms: u64, id: u64, why: Outcome) -> bool {
        let found = self.tests.iter().position(|t| t.id == id && !t.is_over());
        if let Some(index) = found {
            self.end(now_ms, index, Some(why));
        }
        found.is_some()
    }

    /// A call has come to a channel: no test keeps it waiting.
    pub fn call_came(&mut self, now_ms: u64, channel: Channel) {
        let running = |t: &Test| t.stage == Stage::Running && t.plan.has(channel);
        if let Some(index) = self.tests.iter().position(running) {
            let why = format!("a call came on channel {}/{}", channel.span + 1, channel.timeslot);
            self.end(now_ms, index, Some(Outcome::Broken(why)));
        }
    }

    /// The gateway has placed the call of a test.
    pub fn call_placed(&mut self, now_ms: u64, id: u64, call: CallId, channel: Channel) {
        if let Some(test) = self.tests.iter_mut().find(|t| t.id == id && !t.is_over()) {
            test.call = Some(CallSeen::new(now_ms, call, channel));
            test.stations = vec![Station { channel, reading: None, at_work: false }];
        }
    }

    /// It could not, and why.
    pub fn call_not_placed(&mut self, now_ms: u64, id: u64, why: String) {
        self.stop(now_ms, id, Outcome::Broken(why));
    }

    /// A call has come this far. Most calls are no test's.
    pub fn call_at(&mut self, now_ms: u64, call: CallId, stage: CallStage) {
        let Some(index) = self.calling(call) else { return };
        let test = &mut self.tests[index];
        let Some(seen) = test.call.as_mut() else { return };
        seen.at(now_ms, stage);
        let hears = stage == CallStage::Answered && test.stage == Stage::Running;
        if let Some(station) = test.stations.first_mut() {
            let probe = match stage {
                CallStage::Answered if hears => Some(Box::new(Probe::sound(None))),
                CallStage::Leaving if station.at_work => None,
                _ => return,
            };
            station.at_work |= hears;
            self.orders.push_back(Order::Probe(station.channel, probe));
        }
    }

    /// A call is gone.
    pub fn call_ended(&mut self, now_ms: u64, call: CallId, cause: isdn::Cause, by_peer: bool) {
        let Some(index) = self.calling(call) else { return };
        if let Some(seen) = self.tests[index].call.as_mut() {
            seen.ended(now_ms, cause, by_peer);
        }
        if self.tests[index].stage == Stage::Running {
            self.end(now_ms, index, None);
        }
    }

    fn calling(&self, call: CallId) -> Option<usize> {
        self.tests.iter().position(|t| !t.is_over() && t.call.is_some_and(|seen| seen.call == call))
    }

    /// A probe shows this.
    pub fn read(&mut self, channel: Channel, reading: Reading) {
        if let Some((station, true)) = self.station(channel) {
            station.reading = Some(reading);
        }
    }

    /// A probe came back.
    pub fn came_back(&mut self, channel: Channel, probe: Box<Probe>) {
        match self.station(channel) {
            Some((station, true)) => station.came_back(probe),
            // Part of what it heard last was the end of the call.
            Some((station, false)) => station.at_work = false,
            None => {}
        }
    }

    /// See what is due; `blocked` says of a channel how far the gateway has kept calls from it.
    pub fn look(&mut self, now_ms: u64, blocked: impl Fn(Channel) -> Blocked) {
        for index in 0..self.tests.len() {
            let test = &self.tests[index];
            match &test.stage {
                Stage::Blocking => {
                    let states = test.plan.each().map(|c| (c, blocked(c)));
                    let (mut all, mut busy) = (true, None);
                    for (channel, state) in states {
                        all &= state == Blocked::Yes;
                        busy = busy.or((state == Blocked::Busy).then_some(channel));
                    }
                    match busy {
                        Some(channel) if !test.plan.drain => {
                            let why = format!("a call is on channel {}/{}", channel.span + 1, channel.timeslot);
                            self.end(now_ms, index, Some(Outcome::Broken(why)));
                        }
                        _ if all => self.run(now_ms, index),
                        _ => {}
                    }
                }
                Stage::Running => {
                    let done = |s: &Station| matches!(s.reading, Some(Reading::Bits { done: true, .. }));
                    let bits = matches!(test.plan.kind, Kind::Bits(_));
                    // A pattern has a length, which the line's clock counts; a line that stands still has its patience.
                    let due = if bits { test.until_ms + PATIENCE_MS } else { test.until_ms };
                    if now_ms >= due || bits && test.stations.iter().all(done) {
                        self.end(now_ms, index, None);
                    }
                }
                Stage::Collecting(outcome) => {
                    let up = test.call.is_some_and(|call| call.end.is_none());
                    let back = !up && !test.stations.iter().any(|s| s.at_work);
                    if back || now_ms >= test.until_ms {
                        let outcome = outcome.clone().unwrap_or_else(|| test.judged());
                        self.close(index, outcome);
                    }
                }
                Stage::Over(_) => {}
            }
        }
    }

    /// Keep exactly these channels of a span from calls: they have failed, and no test of a technician has to go on for it.
    pub fn keep(&mut self, span: u16, channels: u32) {
        if self.kept.insert(span, channels).unwrap_or(0) != channels {
            self.hold_span(span, Holds::SELF_TEST);
        }
    }

    /// What is to be done next.
    pub fn poll_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// All tests, the oldest first.
    #[must_use]
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// Whether nothing is going on.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.orders.is_empty() && self.open().next().is_none()
    }

    /// Everything ends at once, as the daemon does.
    pub fn close_all(&mut self) {
        for index in 0..self.tests.len() {
            if !self.tests[index].is_over() {
                self.close(index, Outcome::Stopped);
            }
        }
    }

    fn open(&self) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(|t| !t.is_over())
    }

    /// The channel of a test, and whether what its probe hears belongs to the test.
    fn station(&mut self, channel: Channel) -> Option<(&mut Station, bool)> {
        self.tests.iter_mut().filter(|t| !t.is_over()).find_map(|test| {
            let listens = test.call.is_none_or(|call| !call.leaving);
            let station = test.stations.iter_mut().find(|s| s.channel == channel)?;
            Some((station, listens))
        })
    }

    /// Hold what all tests together want of the spans and the reason of this one.
    fn hold(&mut self, index: usize) {
        let (hold, spans) = {
            let plan = &self.tests[index].plan;
            (plan.hold, plan.channels.keys().copied().collect::<Vec<u16>>())
        };
        spans.into_iter().for_each(|span| self.hold_span(span, hold));
    }

    fn hold_span(&mut self, span: u16, hold: Holds) {
        let of_span = |t: &Test| t.plan.channels.get(&span).copied().unwrap_or_default();
        let kept = if hold == Holds::SELF_TEST { self.kept.get(&span).copied().unwrap_or_default() } else { 0 };
        let channels = self.open().filter(|t| t.plan.hold == hold).map(of_span).fold(kept, |all, set| all | set);
        self.orders.push_back(Order::Hold { span, hold, channels });
    }

    fn run(&mut self, now_ms: u64, index: usize) {
        self.set_loop(index, true);
        let test = &mut self.tests[index];
        (test.stage, test.until_ms) = (Stage::Running, now_ms + test.plan.run_ms);
        if let Kind::Call(call) = &test.plan.kind {
            // The gateway hangs up by itself; this is for the case that nothing is heard of it.
            test.until_ms = now_ms + 2 * call.stay_ms + CLEARING_MS;
            self.orders.push_back(Order::Call(test.id, call.clone()));
        }
        for station in &mut test.stations {
            let probe = match test.plan.kind {
                Kind::Bits(plan) => Probe::bits(plan),
                Kind::Sound(sent) => Probe::sound(sent),
                Kind::Loop | Kind::Call(_) => continue,
            };
            station.at_work = true;
            self.orders.push_back(Order::Probe(station.channel, Some(Box::new(probe))));
        }
    }

    /// Take the probes out, and wait for them; `None` if it is for them to say how it ended.
    fn end(&mut self, now_ms: u64, index: usize, outcome: Option<Outcome>) {
        match self.tests[index].stage {
            Stage::Blocking => self.close(index, outcome.unwrap_or(Outcome::Stopped)),
            Stage::Running => {
                let test = &mut self.tests[index];
                (test.stage, test.until_ms) = (Stage::Collecting(outcome), now_ms + PATIENCE_MS);
                for station in test.stations.iter().filter(|s| s.at_work) {
                    self.orders.push_back(Order::Probe(station.channel, None));
                }
                let calls = matches!(test.plan.kind, Kind::Call(_));
                if calls && test.call.is_none_or(|call| call.end.is_none()) {
                    self.orders.push_back(Order::HangUp(test.id));
                }
            }
            Stage::Collecting(_) | Stage::Over(_) => {}
        }
    }

    fn close(&mut self, index: usize, outcome: Outcome) {
        if matches!(self.tests[index].stage, Stage::Running | Stage::Collecting(_)) {
            self.set_loop(index, false);
        }
        let id = self.tests[index].id;
        self.tests[index].stage = Stage::Over(outcome);
        self.hold(index);
        self.orders.push_back(Order::Over(id));
    }

    fn set_loop(&mut self, index: usize, on: bool) {
        let test = &self.tests[index];
        let (id, spans) = (test.id, test.plan.channels.keys().copied());
        match test.plan.loop_ {
            Loop::None => {}
            Loop::Span(loopback) => {
                let loopback = if on { loopback } else { Loopback::None };
                self.orders.extend(spans.map(|span| Order::SpanLoop(id, span, loopback)));
            }
            Loop::Timeslots(loopback) => {
                let loopback = if on { loopback } else { TimeslotLoopback::None };
                self.orders.extend(test.plan.each().map(|channel| Order::TimeslotLoop(id, channel, loopback)));
            }
            Loop::Asked { up, down } => {
                let request = if on { up } else { down };
                self.orders.extend(spans.map(|span| Order::Ask(id, span, request)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Insert;
    use dsp::bert::Pattern;
    use dsp::g711::Law;

    const BITS: BitPlan = BitPlan { pattern: Pattern::Qrss, insert: Insert::Nothing, run_ms: 2_000 };

    fn plan(channels: u32, kind: Kind, loop_: Loop) -> Plan {
        Plan {
            target: "a target".into(),
            by: "somebody".into(),
            kind,
            loop_,
            hold: Holds::TEST,
            channels: BTreeMap::from([(0, channels)]),
            drain: false,
            run_ms: 2_000,
            left_out: Vec::new(),
        }
    }

    fn channel(timeslot: u8) -> Channel {
        Channel { span: 0, timeslot: Timeslot(timeslot) }
    }

    /// What was ordered, in short; probes are kept.
    fn ordered(schedule: &mut Schedule, probes: &mut Vec<(Channel, Box<Probe>)>) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(order) = schedule.poll_order() {
            told.push(match order {
                Order::Hold { channels, .. } => format!("hold {channels:#b}"),
                Order::SpanLoop(_, span, loopback) => format!("loop {span} {loopback}"),
                Order::TimeslotLoop(_, c, loopback) => format!("loop {}/{} {loopback}", c.span, c.timeslot),
                Order::Ask(_, span, request) => format!("ask {span} {request}"),
                Order::Probe(c, Some(probe)) => {
                    probes.push((c, probe));
                    format!("probe {}", c.timeslot)
                }
                Order::Probe(c, None) => format!("no probe {}", c.timeslot),
                Order::Call(id, call) => format!("call {id} {}", call.called.digits),
                Order::HangUp(id) => format!("hang up {id}"),
                Order::Over(id) => format!("over {id}"),
            });
        }
        told
    }

    #[test]
    fn a_test_holds_loops_probes_and_undoes_it_in_the_other_order() {
        let (mut schedule, mut probes) = (Schedule::default(), Vec::new());
        let local = Loop::Timeslots(TimeslotLoopback::Local);
        let id = schedule.begin(0, plan(0b100, Kind::Bits(BITS), local)).expect("free");
        assert_eq!(ordered(&mut schedule, &mut probes), ["hold 0b100"]);
        schedule.look(10, |_| Blocked::NotYet);
        assert_eq!(ordered(&mut schedule, &mut probes), Vec::<String>::new(), "a call could still come");
        schedule.look(20, |_| Blocked::Yes);
        assert_eq!(ordered(&mut schedule, &mut probes), ["loop 0/3 local", "probe 3"]);

        let (channel, mut probe) = probes.pop().expect("it was made");
        let mut wire = [0xff; 80];
        for _ in 0..200 {
            let received = wire;
            if let Some(reading) = probe.tick(Law::Mu, &received, &mut wire) {
                schedule.read(channel, reading);
            }
        }
        schedule.look(2_020, |_| Blocked::Yes);
        assert_eq!(ordered(&mut schedule, &mut probes), ["no probe 3"]);
        schedule.look(2_030, |_| Blocked::Yes);
        assert_eq!(ordered(&mut schedule, &mut probes), Vec::<String>::new(), "the loop stands while the probe is out");
        schedule.came_back(channel, probe);
        schedule.look(2_040, |_| Blocked::Yes);
        assert_eq!(ordered(&mut schedule, &mut probes), ["loop 0/3 none", "hold 0b0", format!("over {id}").as_str()]);
        assert_eq!(schedule.tests()[0].stage, Stage::Over(Outcome::Passed));
        assert!(schedule.is_idle());
    }

    #[test]
    fn a_busy_channel_is_refused_or_waited_for() {
        let (mut schedule, mut probes) = (Schedule::default(), Vec::new());
        schedule.begin(0, plan(0b1, Kind::Sound(None), Loop::None)).expect("free");
        let waiting = Plan { drain: true, ..plan(0b10, Kind::Sound(None), Loop::None) };
        schedule.begin(0, waiting).expect("free");
        ordered(&mut schedule, &mut probes);
        schedule.look(10, |_| Blocked::Busy);
        assert_eq!(ordered(&mut schedule, &mut probes), ["hold 0b10", "over 1"], "the other keeps its hold");
        assert_eq!(schedule.tests()[0].stage, Stage::Over(Outcome::Broken("a call is on channel 1/1".into())));
        schedule.look(1_000_000, |_| Blocked::Busy);
        schedule.look(1_000_001, |_| Blocked::Yes);
        assert_eq!(ordered(&mut schedule, &mut probes), ["probe 2"], "it begins when the call has ended");
        assert_eq!(schedule.begin(0, plan(0b10, Kind::Loop, Loop::None)), Err(Refusal::InTest(2)));
    }

    #[test]
    fn a_call_ends_the_test_of_its_channel_and_no_other() {
        let (mut schedule, mut probes) = (Schedule::default(), Vec::new());
        schedule.begin(0, plan(0b1, Kind::Sound(None), Loop::Timeslots(TimeslotLoopback::Local))).expect("free");
        schedule.begin(0, plan(0b10, Kind::Sound(None), Loop::None)).expect("free");
        schedule.look(1, |_| Blocked::Yes);
        ordered(&mut schedule, &mut probes);
        schedule.call_came(5, channel(1));
        assert_eq!(ordered(&mut schedule, &mut probes), ["no probe 1"]);
        // The real-time thread does not answer: the loop is released all the same.
        schedule.look(5 + PATIENCE_MS, |_| Blocked::Yes);
        assert_eq!(ordered(&mut schedule, &mut probes)[..3], ["loop 0/1 none", "hold 0b10", "over 1"]);
    }

    #[test]
    fn a_loopback_ends_by_itself_and_all_of_them_with_the_daemon() {
        let (mut schedule, mut probes) = (Schedule::default(), Vec::new());
        schedule.begin(0, plan(0b1, Kind::Loop, Loop::Span(Loopback::Line))).expect("free");
        schedule.look(1, |_| Blocked::Yes);
        schedule.look(2_000, |_| Blocked::Yes);
        assert_eq!(ordered(&mut schedule, &mut probes), ["hold 0b1", "loop 0 line"], "not yet");
        schedule.look(2_001, |_| Blocked::Yes);
        schedule.look(2_002, |_| Blocked::Yes);
        assert_eq!(ordered(&mut schedule, &mut probes), ["loop 0 none", "hold 0b0", "over 1"]);

        let asked = Loop::Asked { up: LoopRequest::LineUp, down: LoopRequest::LineDown };
        schedule.begin(0, plan(0b1, Kind::Bits(BITS), asked)).expect("free");
        schedule.look(1, |_| Blocked::Yes);
        schedule.close_all();
        let told = ordered(&mut schedule, &mut probes);
        assert_eq!(told, ["hold 0b1", "ask 0 line-up", "probe 1", "ask 0 line-down", "hold 0b0", "over 2"]);
    }

    #[test]
    fn what_the_self_test_keeps_stays_kept_when_a_test_is_over() {
        let (mut schedule, mut probes) = (Schedule::default(), Vec::new());
        schedule.keep(0, 0b100);
        schedule.keep(0, 0b100);
        assert_eq!(ordered(&mut schedule, &mut probes), ["hold 0b100"]);
        let id = schedule.begin(0, Plan { hold: Holds::SELF_TEST, ..plan(0b1, Kind::Loop, Loop::None) }).expect("free");
        schedule.stop(0, id, Outcome::Stopped);
        assert_eq!(ordered(&mut schedule, &mut probes), ["hold 0b101", "hold 0b100", "over 1"]);
        schedule.keep(0, 0);
        assert_eq!(ordered(&mut schedule, &mut probes), ["hold 0b0"]);
    }

    fn call(span: Option<u16>) -> Plan {
        let kind = Kind::Call(CallPlan { called: isdn::Number::new("102"), span, stay_ms: 5_000 });
        Plan { channels: BTreeMap::new(), ..plan(0, kind, Loop::None) }
    }

    #[test]
    fn a_test_call_listens_while_it_is_up_and_passes_when_it_was_answered() {
        let (mut schedule, mut probes) = (Schedule::default(), Vec::new());
        let id = schedule.begin(0, call(None)).expect("free");
        assert_eq!(schedule.begin(0, call(Some(3))), Err(Refusal::InTest(id)), "one at a time on a span");
        schedule.look(10, |_| Blocked::NotYet);
        assert_eq!(ordered(&mut schedule, &mut probes), ["call 1 102"]);
        schedule.call_placed(100, id, CallId(7), channel(23));
        schedule.call_at(150, CallId(7), CallStage::Proceeding);
        schedule.call_at(170, CallId(8), CallStage::Answered);
        assert_eq!(ordered(&mut schedule, &mut probes), Vec::<String>::new(), "another call, or not yet up");
        schedule.call_at(900, CallId(7), CallStage::Answered);
        assert_eq!(ordered(&mut schedule, &mut probes), ["probe 23"]);
        let heard = |level| Reading::Sound(dsp::measure::Reading { level_dbm0: level, ..silence() });
        schedule.read(channel(23), heard(0.0));
        schedule.call_at(5_900, CallId(7), CallStage::Leaving);
        schedule.read(channel(23), heard(-20.0));
        schedule.call_ended(5_950, CallId(7), isdn::Cause::user(16), false);
        schedule.look(5_960, |_| Blocked::NotYet);
        assert!(!schedule.tests()[0].is_over(), "the probe is still out");
        schedule.came_back(channel(23), probes.pop().expect("it was made").1);
        schedule.look(5_970, |_| Blocked::NotYet);
        let test = &schedule.tests()[0];
        assert_eq!(test.stage, Stage::Over(Outcome::Passed));
        assert_eq!(test.stations[0].reading, Some(heard(0.0)), "what came after the call is not heard");
        let seen = test.call.expect("placed");
        assert_eq!((seen.proceeding_ms, seen.alerting_ms, seen.answered_ms), (Some(50), None, Some(800)));
        assert_eq!(ordered(&mut schedule, &mut probes), ["no probe 23", "no probe 23", "over 1"]);
    }

    fn silence() -> dsp::measure::Reading {
        let mut meter = dsp::measure::Meter::new();
        meter.process(&[0; 8_000]);
        meter.read().expect("a second")
    }

    #[test]
    fn a_test_call_that_is_stopped_is_hung_up_and_one_that_was_not_placed_says_why() {
        let (mut schedule, mut probes) = (Schedule::default(), Vec::new());
        let stopped = schedule.begin(0, call(Some(0))).expect("free");
        let unplaced = schedule.begin(0, call(Some(1))).expect("another span");
        schedule.look(10, |_| Blocked::NotYet);
        ordered(&mut schedule, &mut probes);
        schedule.call_placed(20, stopped, CallId(7), channel(23));
        schedule.call_not_placed(20, unplaced, "the link is down".into());
        schedule.stop(30, stopped, Outcome::Stopped);
        assert_eq!(ordered(&mut schedule, &mut probes), ["hang up 2", "hang up 1"]);
        schedule.look(40, |_| Blocked::NotYet);
        assert!(!schedule.tests()[0].is_over(), "its call is not gone yet");
        schedule.call_ended(50, CallId(7), isdn::Cause::user(16), false);
        schedule.look(60, |_| Blocked::NotYet);
        let stages: Vec<&Stage> = schedule.tests().iter().map(|t| &t.stage).collect();
        let why = Outcome::Broken("the link is down".into());
        assert_eq!(stages, [&Stage::Over(Outcome::Stopped), &Stage::Over(why)]);
    }

    #[test]
    fn what_is_over_is_remembered_for_a_while() {
        let mut schedule = Schedule::default();
        for _ in 0..100 {
            let id = schedule.begin(0, plan(0b1, Kind::Loop, Loop::None)).expect("free");
            assert!(schedule.stop(0, id, Outcome::Stopped) && !schedule.stop(0, id, Outcome::Stopped));
        }
        assert_eq!(schedule.tests().len(), REMEMBERED);
        assert_eq!(schedule.tests().last().map(|t| t.id), Some(100));
    }
}
