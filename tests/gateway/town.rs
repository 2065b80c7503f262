//! What the stories play in: a gateway with one E1, the exchange at its other end, and people who call.
//!
//! Frames arrive at once. A prompt takes two seconds. Whatever the gateway says is kept for the story to look at.

use dsp::dtmf::Key;
use event::{EventNumber, Keyring, Role};
use exchange::{
    Answer, CallOrder, CallerEvent, CallerId, Server, SpanId, SpanPlan, Subscriber, Switch, SwitchPlan, TrunkGroup,
};
use hal::{DFrame, Line};
use std::collections::BTreeMap;
use std::time::Duration;
use trunkcast::gateway::{Channel, ConferenceIndex, Gateway, Output, Settings, Voice};
use trunkcast::prompts::{Prompt, Said};
use trunkcast::reports::{Closed, Command, What};

pub const PROMPT: Duration = Duration::from_secs(2);
pub const LINGER: Duration = Duration::from_secs(30);
pub const PORT_REUSE: Duration = Duration::from_secs(900);

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// An event and its PINs.
#[derive(Clone)]
pub struct Known {
    pub number: EventNumber,
    pub host: String,
    pub speaker: String,
}

pub struct Town {
    pub now: Duration,
    pub gateway: Gateway,
    pub switch: Switch,
    pub keyring: Keyring,
    pub events: Vec<Known>,
    /// All there was to report, in order.
    pub told: Vec<What>,
    /// All the voice path was told, in order.
    pub voice: Vec<Voice>,
    /// What each connected caller's channel is.
    pub channels: BTreeMap<CallerId, Channel>,
    /// How calls ended, for the caller.
    pub causes: BTreeMap<CallerId, u8>,
    /// When what plays on a channel ends.
    playing: BTreeMap<Channel, Duration>,
}

/// Whom the gateway can call: 102 answers after two seconds, 103 rings for ever, 104 is busy. No other number is allocated.
fn subscribers() -> Vec<Subscriber> {
    let all = [("102", Answer::After(seconds(2))), ("103", Answer::Never), ("104", Answer::Busy)];
    all.map(|(number, answer)| Subscriber { number: number.into(), answer }).into()
}

impl Town {
    /// With a gateway of two ports, changed as the story wants it.
    pub fn new(change: impl FnOnce(&mut Settings)) -> Town {
        let keyring = Keyring::random();
        let events = (0..3).map(|_| {
            let number = EventNumber::random(keyring.current());
            let pin = |role| keyring.pin(number, role).expect("a current key").as_str().to_owned();
            Known { number, host: pin(Role::Host), speaker: pin(Role::Speaker) }
        });
        let events = events.collect();
        let mut settings = Settings {
            ports: 2,
            linger: LINGER,
            ..Settings::new(vec![(Line::E1, isdn::Switch::EuroIsdn)], keyring.clone())
        };
        change(&mut settings);
        let group = TrunkGroup::for_all("all", vec![Server { name: "gateway".into(), cards: vec![vec![SpanId(0)]] }]);
        let switch = Switch::new(SwitchPlan {
            spans: vec![SpanPlan { line: Line::E1, switch: isdn::Switch::EuroIsdn }],
            groups: vec![group],
            subscribers: subscribers(),
            ..SwitchPlan::default()
        });
        let mut town = Town {
            now: Duration::ZERO,
            gateway: Gateway::new(settings),
            switch,
            keyring,
            events,
            told: Vec::new(),
            voice: Vec::new(),
            channels: BTreeMap::new(),
            causes: BTreeMap::new(),
            playing: BTreeMap::new(),
        };
        town.gateway.start(town.now);
        town.switch.start(town.now);
        town.pass(seconds(5));
        assert!(town.gateway.link_up(0), "the D channel is up");
        town
    }

    /// Let time pass.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.carry();
            let prompts = self.playing.values().copied().min();
            let next = [self.gateway.poll_timeout(), self.switch.poll_timeout(), prompts];
            let next = next.into_iter().flatten().min().filter(|t| *t <= end);
            self.now = self.now.max(next.unwrap_or(end));
            if next.is_none() {
                return;
            }
            if self.gateway.poll_timeout().is_some_and(|t| t <= self.now) {
                self.gateway.handle_timeout(self.now);
            }
            if self.switch.poll_timeout().is_some_and(|t| t <= self.now) {
                self.switch.handle_timeout(self.now);
            }
            self.carry();
            let done = self.playing.iter().find(|(_, ends)| **ends <= self.now).map(|(channel, _)| *channel);
            if let Some(channel) = done {
                self.playing.remove(&channel);
                self.gateway.handle_prompts_done(self.now, channel);
            }
        }
    }

    /// Somebody dials and is answered.
    pub fn call(&mut self, calling: &str) -> CallerId {
        let caller =
            self.dial(&CallOrder { called: "100".into(), calling: Some(calling.to_owned()), ..CallOrder::default() });
        assert!(self.channels.contains_key(&caller), "{caller} is through: {:?}", self.causes);
        caller
    }

    /// Somebody dials.
    pub fn dial(&mut self, order: &CallOrder) -> CallerId {
        let caller = self.switch.originate(self.now, order);
        self.pass(seconds(1));
        caller
    }

    /// Somebody calls and keys this event's number and PIN.
    pub fn enter(&mut self, calling: &str, event: EventNumber, pin: &str) -> CallerId {
        let caller = self.call(calling);
        self.keys(caller, &event.to_string());
        self.keys(caller, pin);
        caller
    }

    pub fn keys(&mut self, caller: CallerId, keys: &str) {
        for c in keys.chars() {
            self.pass(Duration::from_millis(150));
            let channel = self.channels[&caller];
            self.gateway.handle_key(self.now, channel, Key::from_char(c).expect("a key"));
            self.carry();
        }
    }

    pub fn talk(&mut self, caller: CallerId, talking: bool) {
        self.gateway.handle_talking(self.now, self.channels[&caller], talking);
        self.carry();
    }

    pub fn hang_up(&mut self, caller: CallerId) {
        self.switch.hang_up(self.now, caller, exchange::exchange_cause(16));
        self.pass(seconds(1));
    }

    pub fn order(&mut self, command: Command) {
        self.gateway.handle_command(self.now, command);
        self.carry();
    }

    /// All that was said to a caller from this place in [`Town::voice`] on.
    pub fn heard(&self, channel: Channel, from: usize) -> Vec<Prompt> {
        let lists = self.voice[from..].iter().filter_map(|v| match v {
            Voice::Play(c, list) | Voice::Tell(c, list) if *c == channel => Some(list.to_vec()),
            _ => None,
        });
        let prompts = lists.flatten().filter_map(|said| match said {
            Said::Prompt(prompt) => Some(prompt),
            _ => None,
        });
        prompts.collect()
    }

    /// The caller's conference, if in one.
    pub fn conference(&self, caller: CallerId) -> Option<ConferenceIndex> {
        let channel = self.channels.get(&caller)?;
        self.gateway.calls().find(|(c, ..)| c == channel)?.2
    }

    /// How many reports there are of this kind.
    pub fn count(&self, which: impl Fn(&What) -> bool) -> usize {
        self.told.iter().filter(|what| which(what)).count()
    }

    /// Nothing is left of anything.
    pub fn check_empty(&self) {
        assert_eq!(self.gateway.calls().count(), 0, "calls");
        assert_eq!(self.gateway.conferences().count(), 0, "conferences");
        assert_eq!(self.gateway.ports().used().count(), 0, "ports");
        assert_eq!(self.gateway.signalled_calls(0), 0, "calls of the D channel");
        assert_eq!(self.switch.calls(), 0, "calls of the exchange");
        assert!(self.playing.is_empty(), "prompts");
        let taken = self
            .count(|w| matches!(w, What::CallTaken { .. } | What::TestCallPlaced { .. } | What::InvitePlaced { .. }));
        assert_eq!(taken, self.count(|w| matches!(w, What::CallEnded { .. })), "every call ends once");
        assert_eq!(self.gateway.lost_outputs(), 0);
    }

    fn carry(&mut self) {
        loop {
            if let Some(output) = self.gateway.poll_output() {
                match output {
                    Output::Frame(_, frame) => {
                        let frame = DFrame::new(&frame).expect("it fits");
                        self.switch.handle_frame(self.now, SpanId(0), &frame);
                    }
                    Output::Voice(command) => self.voice_command(command),
                    Output::Report(report) => self.told.push(report.what),
                }
            } else if let Some(output) = self.switch.poll_output() {
                match output {
                    exchange::Output::Frame { frame, .. } => self.gateway.handle_frame(self.now, 0, &frame),
                    exchange::Output::Caller { caller, event } => self.caller_event(caller, &event),
                }
            } else {
                return;
            }
        }
    }

    fn voice_command(&mut self, command: Voice) {
        match &command {
            Voice::Play(channel, list) => {
                self.playing.insert(*channel, self.now + PROMPT * list.len() as u32);
            }
            Voice::Tell(channel, list) => {
                let begins = self.playing.get(channel).copied().unwrap_or(self.now);
                self.playing.insert(*channel, begins + PROMPT * list.len() as u32);
            }
            Voice::PlayName(channel, _) => {
                self.playing.insert(*channel, self.now + PROMPT);
            }
            Voice::Hush(channel) | Voice::Close(channel) => {
                self.playing.remove(channel);
            }
            _ => {}
        }
        self.voice.push(command);
    }

    fn caller_event(&mut self, caller: CallerId, event: &CallerEvent) {
        match event {
            CallerEvent::Connected { channel, .. } => {
                self.channels.insert(caller, Channel { span: 0, timeslot: *channel });
            }
            CallerEvent::Ended { cause, .. } | CallerEvent::NoRoute { cause } => {
                self.causes.insert(caller, cause.value);
            }
            _ => {}
        }
    }
}

/// An order that closes an event.
pub fn close(event: EventNumber, closed: Closed) -> Command {
    Command::CloseEvent { event, closed }
}
