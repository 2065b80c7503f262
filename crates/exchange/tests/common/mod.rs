//! A switch and the user sides of its spans, joined by wires that carry frames at once, under a virtual clock.
//!
//! Each desk is what a gateway shows the exchange on one span: a user-side D channel and a policy.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub mod gateway;
pub mod wire;

use exchange::{CallOrder, CallerEvent, CallerId, Output, Server, SpanId, SpanPlan, Subscriber, Switch, SwitchPlan};
use exchange::{TrunkGroup, exchange_cause};
use hal::{Line, Timeslot};
use isdn::{CallReference, Cause, ChannelChoice, Config, DChannel, Event, Number, Setup, Side};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a desk does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Proceeds and answers.
    Answer,
    /// Proceeds, rings and no more.
    Ring,
    /// Proceeds and no more.
    Proceed,
    /// Says nothing at all.
    Ignore,
    /// Refuses at once with this cause.
    Refuse(u8),
    /// Proceeds, then finds that it cannot.
    ProceedAndRefuse(u8),
    /// Answers on this channel, whatever was asked for.
    AnswerOn(u8),
}

pub struct Desk {
    pub d: DChannel,
    pub policy: Policy,
    /// The wire is cut: no frame passes.
    pub cut: bool,
    pub offers: Vec<Setup>,
    /// Calls there are, with their channel.
    pub calls: BTreeMap<CallReference, u8>,
    pub connected: Vec<CallReference>,
    pub released: Vec<(CallReference, Cause, bool)>,
}

impl Desk {
    fn handle(&mut self, now: Duration, event: Event) {
        match event {
            Event::Incoming { call, setup } => {
                let asked = match setup.channel {
                    ChannelChoice::Exclusive(n) | ChannelChoice::Preferred(n) => n,
                    ChannelChoice::Any | ChannelChoice::None => 1.into(),
                };
                self.offers.push(setup);
                let cause = |value| Cause::user(value);
                let done = match self.policy {
                    Policy::Ignore => Ok(()),
                    Policy::Refuse(value) => self.d.clear(now, call, cause(value)),
                    Policy::Proceed => self.d.proceed(now, call, asked),
                    Policy::Ring => self.d.proceed(now, call, asked).and_then(|()| self.d.alert(now, call)),
                    Policy::Answer => self.d.proceed(now, call, asked).and_then(|()| self.d.connect(now, call)),
                    Policy::AnswerOn(other) => {
                        self.d.proceed(now, call, other).and_then(|()| self.d.connect(now, call))
                    }
                    Policy::ProceedAndRefuse(value) => {
                        self.d.proceed(now, call, asked).and_then(|()| self.d.clear(now, call, cause(value)))
                    }
                };
                done.expect("a desk may do all this with a new call");
                let channel = if let Policy::AnswerOn(other) = self.policy { other } else { asked.timeslot };
                self.calls.insert(call, channel);
            }
            Event::Connected { call } => self.connected.push(call),
            Event::Proceeding { call, channel } => {
                self.calls.insert(call, channel.timeslot);
            }
            Event::Released { call, cause, by_peer } => {
                self.calls.remove(&call);
                self.released.push((call, cause, by_peer));
            }
            _ => {}
        }
    }

    /// The only call at this desk.
    pub fn only_call(&self) -> CallReference {
        assert_eq!(self.calls.len(), 1, "calls at the desk: {:?}", self.calls);
        *self.calls.keys().next().expect("one")
    }
}

pub struct Office {
    pub now: Duration,
    pub switch: Switch,
    pub desks: Vec<Desk>,
    pub events: Vec<(CallerId, CallerEvent)>,
}

/// Servers named a, b, c... of cards of so many spans each, numbered on.
pub fn servers(cards: &[&[usize]]) -> Vec<Server> {
    let mut next = 0;
    let mut card = |spans: &usize| {
        next += spans;
        (next - spans..next).map(SpanId).collect()
    };
    let server = |(i, cards): (usize, &&[usize])| Server {
        name: char::from(b'a' + i as u8).to_string(),
        cards: cards.iter().map(&mut card).collect(),
    };
    cards.iter().enumerate().map(server).collect()
}

impl Office {
    /// Spans of one kind in one group, everybody answering, links up.
    pub fn new(line: Line, cards: &[&[usize]]) -> Office {
        let servers = servers(cards);
        let spans = servers.iter().flat_map(|s| s.cards.iter().flatten()).count();
        let plan = SwitchPlan {
            spans: vec![SpanPlan { line, switch: dialect(line) }; spans],
            groups: vec![TrunkGroup::for_all("all", servers)],
            ..SwitchPlan::default()
        };
        Office::of(plan)
    }

    /// An office of this plan, everybody answering, links up.
    pub fn of(plan: SwitchPlan) -> Office {
        let desk = |span: &SpanPlan| Desk {
            d: DChannel::new(Config::new(Side::User, span.switch, span.line == Line::E1)),
            policy: Policy::Answer,
            cut: false,
            offers: Vec::new(),
            calls: BTreeMap::new(),
            connected: Vec::new(),
            released: Vec::new(),
        };
        let desks = plan.spans.iter().map(desk).collect();
        let mut office = Office { now: Duration::from_secs(100), switch: Switch::new(plan), desks, events: Vec::new() };
        office.switch.start(office.now);
        for desk in &mut office.desks {
            desk.d.start(office.now);
        }
        office.pass(5_000);
        for span in 0..office.desks.len() {
            assert!(office.switch.link_up(SpanId(span)), "link {span} comes up");
        }
        office
    }

    /// Let so many milliseconds pass.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        loop {
            self.settle();
            let desks = self.desks.iter().filter_map(|desk| desk.d.poll_timeout());
            let Some(next) = desks.chain(self.switch.poll_timeout()).min().filter(|next| *next <= until) else { break };
            // A timer that is due but stays set must not hold time up.
            self.now = next.max(self.now + Duration::from_micros(1)).min(until);
            self.switch.handle_timeout(self.now);
            for desk in &mut self.desks {
                desk.d.handle_timeout(self.now);
            }
            if self.now == until {
                self.settle();
                return;
            }
        }
        self.now = until;
    }

    /// Carry everything to where it belongs until nobody has anything to say.
    pub fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let mut silent = true;
            // One at a time: a desk collects after each frame.
            if let Some(output) = self.switch.poll_output() {
                silent = false;
                match output {
                    Output::Frame { span, frame } => {
                        let desk = &mut self.desks[span.0];
                        if !desk.cut {
                            desk.d.handle_frame(self.now, &frame);
                        }
                    }
                    Output::Caller { caller, event } => self.events.push((caller, event)),
                }
            }
            for (span, desk) in self.desks.iter_mut().enumerate() {
                while let Some(output) = desk.d.poll_output() {
                    silent = false;
                    match output {
                        isdn::Output::Frame(_, frame) if !desk.cut => {
                            self.switch.handle_frame(self.now, SpanId(span), frame);
                        }
                        isdn::Output::Frame(_, _) => {}
                        isdn::Output::Event(event) => desk.handle(self.now, event),
                    }
                }
            }
            if silent {
                return;
            }
        }
        panic!("switch and desks talk without end");
    }

    pub fn dial(&mut self, called: &str) -> CallerId {
        let order = CallOrder { called: called.into(), ..CallOrder::default() };
        let caller = self.switch.originate(self.now, &order);
        self.settle();
        caller
    }

    pub fn hang_up(&mut self, caller: CallerId) {
        assert!(self.switch.hang_up(self.now, caller, Cause::user(16)), "there is a call to hang up");
        self.settle();
    }

    /// What happened to a caller, in short words.
    pub fn story(&self, caller: CallerId) -> Vec<String> {
        let at = |span: &SpanId, channel: &Timeslot| format!("{}/{channel}", span.0);
        let short = |event: &CallerEvent| match event {
            CallerEvent::Trying { span, channel } => format!("try {}", at(span, channel)),
            CallerEvent::Refused { span, channel, cause } => format!("refused {} {}", at(span, channel), cause.value),
            CallerEvent::Proceeding { span, channel } => format!("proceeding {}", at(span, channel)),
            CallerEvent::Alerting { .. } => "alerting".into(),
            CallerEvent::Called { span, channel, called, .. } => {
                format!("called {} {}", at(span, channel), called.digits)
            }
            CallerEvent::Connected { span, channel } => format!("connected {}", at(span, channel)),
            CallerEvent::Disconnecting { cause } => format!("disconnecting {}", cause.value),
            CallerEvent::Ended { cause, by_far_end: true } => format!("ended by far end {}", cause.value),
            CallerEvent::Ended { cause, by_far_end: false } => format!("ended {}", cause.value),
            CallerEvent::NoRoute { cause } => format!("no route {}", cause.value),
        };
        self.events.iter().filter(|(id, _)| *id == caller).map(|(_, event)| short(event)).collect()
    }

    /// The last line of a caller's story.
    pub fn last(&self, caller: CallerId) -> String {
        self.story(caller).pop().unwrap_or_default()
    }

    /// Nothing is left of any call, at either end, and every story has exactly one end, which is last.
    pub fn assert_idle(&self) {
        assert_eq!(self.switch.calls(), 0, "calls in the switch");
        for channel in self.switch.channels() {
            assert_eq!(channel.caller, None, "channel {} of span {}", channel.channel, channel.span.0);
        }
        for (span, desk) in self.desks.iter().enumerate() {
            assert_eq!(desk.d.calls().count(), 0, "calls at desk {span}");
            assert_eq!(self.switch.d_channel(SpanId(span)).map(|d| d.calls().count()), Some(0), "span {span}");
        }
        let mut callers: Vec<CallerId> = self.events.iter().map(|(id, _)| *id).collect();
        callers.sort_unstable();
        callers.dedup();
        for caller in callers {
            let story = self.story(caller);
            let ends = story.iter().filter(|line| line.starts_with("ended") || line.starts_with("no route")).count();
            let last = story.last().expect("events");
            assert!(ends == 1 && (last.starts_with("ended") || last.starts_with("no route")), "{story:?}");
        }
    }
}

pub fn dialect(line: Line) -> isdn::Switch {
    match line {
        Line::T1 => isdn::Switch::Ni2,
        Line::E1 => isdn::Switch::EuroIsdn,
    }
}

pub fn with_subscribers(line: Line, subscribers: Vec<Subscriber>) -> Office {
    Office::of(SwitchPlan {
        spans: vec![SpanPlan { line, switch: dialect(line) }],
        groups: vec![TrunkGroup::for_all("all", servers(&[&[1]]))],
        subscribers,
        ..SwitchPlan::default()
    })
}

/// A SETUP from a desk.
pub fn setup(called: &str, channel: ChannelChoice) -> Setup {
    Setup {
        called: Number::new(called),
        calling: Some(Number::new("4711")),
        channel,
        sending_complete: true,
        ..Setup::default()
    }
}

/// A cause the exchange would say.
pub fn cause(value: u8) -> Cause {
    exchange_cause(value)
}
