//! Two D channels and the line between them, or one D channel and a far end played by the test, on a virtual clock.
//!
//! What goes over the line is kept as text, one line a message, layer 2's own frames left out:
//!
//! ```text
//! 0.0 > SETUP 1 channel 5! to 100        0.0 seconds; > from the user, < from the network; call reference 1; ! exclusive
//! 0.0 < RELEASE COMPLETE *1 cause 44     * the flag: said by the side that did not choose the reference
//! ```

#![allow(dead_code, unused_imports, reason = "each test program uses its own part")]

use isdn::maintenance::{Kind, ServiceMessage};
use isdn::q921::{self, DataLink, Parameters, StateName as LinkState, frame};
use isdn::q931::channel::{ChannelIdentification, Selection};
use isdn::q931::content;
use isdn::q931::message::{Reference, split};
use isdn::{
    CallReference, Cause, ChannelChoice, Config, DChannel, Event, Number, Output, Setup, Side, Switch, Timer, Timers,
};
use std::time::Duration;

mod dice;
mod line;
pub mod octets;
pub mod states;

pub use dice::Dice;
pub use line::{DELAY, Towards};

pub const SECOND: Duration = Duration::from_secs(1);
/// Long enough for messages to go to and fro, too short for any timer.
pub const SHORT: Duration = Duration::from_millis(200);

pub const NORMAL: Cause = Cause::user(16);

pub fn config(side: Side) -> Config {
    Config::new(side, Switch::Ni2, false)
}

pub fn timers(side: Side) -> Timers {
    Switch::Ni2.timers(side)
}

pub fn t(timer: Timer) -> Duration {
    timers(Side::User).get(timer)
}

pub fn setup(channel: ChannelChoice) -> Setup {
    Setup { called: Number::new("100"), channel, ..Setup::default() }
}

/// This channel and no other.
pub fn exclusive(channel: u8) -> ChannelChoice {
    ChannelChoice::Exclusive(channel.into())
}

/// This channel, or another.
pub fn preferred(channel: u8) -> ChannelChoice {
    ChannelChoice::Preferred(channel.into())
}

/// A layer 3 message in words.
pub fn describe(octets: &[u8]) -> String {
    if let Ok(message) = ServiceMessage::decode(octets) {
        let kind = if message.kind == Kind::Service { "SERVICE" } else { "SERVICE ACKNOWLEDGE" };
        let state = message.state().map_or_else(|| format!("status {:02x}", message.status), |state| state.to_string());
        return format!("{kind}{}: {state}", describe_channels(Some(message.channels)));
    }
    let Ok(raw) = split(octets) else { return format!("{octets:02x?}") };
    let (content, _) = content::decode(&raw);
    let mut text = raw.kind.name().to_string();
    match raw.reference {
        // Read as the receiver sees it: `ours` is the flag.
        Reference::Call(CallReference { value, ours }) => text += &format!(" {}{value}", if ours { "*" } else { "" }),
        Reference::Global { ours } => text += &format!(" {}global", if ours { "*" } else { "" }),
    }
    text += &describe_channels(content.channel);
    if let Some(element) = content.cause {
        text += &format!(" cause {}", element.cause.value);
        if !element.diagnostics.is_empty() {
            text += &format!(" {:02x?}", &element.diagnostics[..]);
        }
    }
    if let Some(state) = content.call_state {
        text += &format!(" state {state}");
    }
    for progress in &content.progress {
        text += &format!(" progress {}", progress.description);
    }
    if let Some(number) = content.called {
        text += &format!(" to {}", number.digits);
    }
    if content.sending_complete {
        text += " complete";
    }
    text
}

fn describe_channels(element: Option<ChannelIdentification>) -> String {
    let Some(ChannelIdentification { exclusive, selection, .. }) = element else { return String::new() };
    let mark = if exclusive { "!" } else { "" };
    match selection {
        Selection::None => " no channel".into(),
        Selection::Any => format!(" any channel{mark}"),
        Selection::Interface => " interface".into(),
        Selection::Channels { set, .. } => {
            let numbers: Vec<String> =
                (1..32).filter(|n| set & 1 << (n - 1) != 0).map(|n: u32| n.to_string()).collect();
            format!(" channel {}{mark}", numbers.join(","))
        }
    }
}

/// The message in an I frame, if it is one.
fn message_in(from: Side, octets: &[u8]) -> Option<Vec<u8>> {
    match frame::decode(octets, from, 260) {
        Ok(frame::Frame::Information { information, .. }) => Some(information.to_vec()),
        _ => None,
    }
}

fn line(now: Duration, from: Side, message: &[u8], lost: bool) -> String {
    let arrow = if from == Side::User { '>' } else { '<' };
    let tenths = now.as_millis() / 100;
    format!("{}.{} {arrow} {}{}", tenths / 10, tenths % 10, describe(message), if lost { " lost" } else { "" })
}

/// One end with its owner's memory, and the frames on their way to it.
pub struct End {
    pub d: DChannel,
    pub events: Vec<Event>,
    towards: Towards,
}

impl End {
    fn new(config: Config) -> Self {
        End { d: DChannel::new(config), events: Vec::new(), towards: Towards::default() }
    }

    /// The call of the last `Incoming`.
    pub fn incoming(&self) -> CallReference {
        let incoming = |event: &Event| match event {
            Event::Incoming { call, .. } => Some(*call),
            _ => None,
        };
        self.events.iter().rev().find_map(incoming).expect("a call came in")
    }

    pub fn offers(&self) -> Vec<Setup> {
        let offer = |event: &Event| match event {
            Event::Incoming { setup, .. } => Some(setup.clone()),
            _ => None,
        };
        self.events.iter().filter_map(offer).collect()
    }

    pub fn connected(&self, call: CallReference) -> bool {
        self.events.contains(&Event::Connected { call })
    }

    /// Cause and `by_peer` of every ended call.
    pub fn released(&self) -> Vec<(CallReference, u8, bool)> {
        let released = |event: &Event| match event {
            Event::Released { call, cause, by_peer } => Some((*call, cause.value, *by_peer)),
            _ => None,
        };
        self.events.iter().filter_map(released).collect()
    }

    /// The one ended call's cause and `by_peer`.
    pub fn ended(&self) -> (u8, bool) {
        match self.released()[..] {
            [(_, cause, by_peer)] => (cause, by_peer),
            ref other => panic!("not one call has ended: {other:?}"),
        }
    }

    pub fn state(&self, call: CallReference) -> u8 {
        let state = |summary: isdn::CallSummary| summary.state.number();
        self.d.calls().find(|summary| summary.call == call).map_or(0, state)
    }
}

/// User and network, joined.
pub struct Pair {
    pub user: End,
    pub network: End,
    pub now: Duration,
    /// Cut: everything is lost, both ways.
    pub cut: bool,
    pub ladder: Vec<String>,
}

impl Pair {
    pub fn new(user: Config, network: Config) -> Self {
        Pair { user: End::new(user), network: End::new(network), now: Duration::ZERO, cut: false, ladder: Vec::new() }
    }

    /// A pair that is up, what happened so far forgotten.
    pub fn up_with(user: Config, network: Config) -> Self {
        let mut pair = Pair::new(user, network);
        pair.user.d.start(pair.now);
        pair.network.d.start(pair.now);
        pair.run(SHORT);
        assert!(pair.user.d.is_up() && pair.network.d.is_up());
        pair.forget();
        pair.now = Duration::ZERO + SECOND;
        pair
    }

    pub fn up() -> Self {
        Pair::up_with(config(Side::User), config(Side::Network))
    }

    pub fn forget(&mut self) {
        self.ladder.clear();
        self.user.events.clear();
        self.network.events.clear();
    }

    pub fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::User => &mut self.user,
            Side::Network => &mut self.network,
        }
    }

    pub fn drain(&mut self, side: Side) {
        let (now, cut) = (self.now, self.cut);
        while let Some(output) = self.end(side).d.poll_output() {
            match output {
                Output::Event(event) => self.end(side).events.push(event),
                Output::Frame(_, frame) => {
                    let frame = frame.to_vec();
                    if let Some(message) = message_in(side, &frame) {
                        self.ladder.push(line(now, side, &message, cut));
                    }
                    if !cut {
                        self.end(side.peer()).towards.put(now, &frame);
                    }
                }
            }
        }
    }

    fn next_event(&self) -> Option<Duration> {
        [&self.user, &self.network]
            .into_iter()
            .flat_map(|end| [end.d.poll_timeout(), end.towards.next()])
            .flatten()
            .min()
    }

    /// Lets time pass, from event to event.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain(Side::User);
        self.drain(Side::Network);
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            let now = self.now;
            for side in [Side::User, Side::Network] {
                while let Some(frame) = self.end(side).towards.take(now) {
                    self.end(side).d.handle_frame(now, &frame);
                    self.drain(side);
                }
                if self.end(side).d.poll_timeout().is_some_and(|deadline| deadline <= now) {
                    self.end(side).d.handle_timeout(now);
                    self.drain(side);
                }
            }
        }
        self.now = end;
    }

    pub fn dial(&mut self, from: Side, channel: ChannelChoice) -> CallReference {
        let now = self.now;
        let call = self.end(from).d.dial(now, &setup(channel)).expect("the call is placed");
        self.drain(from);
        call
    }

    pub fn proceed(&mut self, side: Side, call: CallReference, channel: u8) {
        let now = self.now;
        self.end(side).d.proceed(now, call, channel).expect("it may proceed");
        self.run(SHORT);
    }

    pub fn alert(&mut self, side: Side, call: CallReference) {
        let now = self.now;
        self.end(side).d.alert(now, call).expect("it may ring");
        self.run(SHORT);
    }

    pub fn connect(&mut self, side: Side, call: CallReference) {
        let now = self.now;
        self.end(side).d.connect(now, call).expect("it may be answered");
        self.run(SHORT);
    }

    /// What was said, without its times.
    pub fn said(&self) -> Vec<&str> {
        self.ladder.iter().map(|line| line.split_once(' ').map_or(&line[..], |(_, text)| text)).collect()
    }

    pub fn clear(&mut self, side: Side, call: CallReference, cause: Cause) {
        let now = self.now;
        self.end(side).d.clear(now, call, cause).expect("the call can be cleared");
        self.run(SHORT);
    }

    /// A connected call from `from` on a channel, with its references at both ends; what happened so far is forgotten.
    pub fn connected(&mut self, from: Side, channel: u8) -> (CallReference, CallReference) {
        let ours = self.dial(from, ChannelChoice::Exclusive(channel.into()));
        self.run(SHORT);
        let now = self.now;
        let far = self.end(from.peer());
        let theirs = far.incoming();
        far.d.proceed(now, theirs, channel).expect("new");
        far.d.connect(now, theirs).expect("not answered");
        self.run(SHORT);
        assert!(self.end(from).connected(ours) && self.end(from.peer()).connected(theirs));
        self.forget();
        (ours, theirs)
    }

    /// Nothing is left of any call.
    pub fn assert_idle(&self) {
        assert_eq!(self.user.d.calls().collect::<Vec<_>>(), [], "at the user");
        assert_eq!(self.network.d.calls().collect::<Vec<_>>(), [], "at the network");
    }
}

/// One D channel, and a data link for the test to say what it likes.
pub struct Alone {
    pub d: DChannel,
    pub side: Side,
    pub far: Box<DataLink>,
    pub now: Duration,
    pub events: Vec<Event>,
    pub ladder: Vec<String>,
}

impl Alone {
    pub fn up_with(config: Config) -> Self {
        let side = config.side;
        let mut alone = Alone {
            d: DChannel::new(config),
            side,
            far: Box::new(DataLink::new(side.peer(), Parameters::default())),
            now: Duration::ZERO,
            events: Vec::new(),
            ladder: Vec::new(),
        };
        alone.d.start(alone.now);
        alone.settle();
        assert!(alone.d.is_up());
        alone.events.clear();
        alone
    }

    pub fn up(side: Side) -> Self {
        Alone::up_with(config(side))
    }

    /// Lets both say all they have to say; the line is without delay.
    pub fn settle(&mut self) {
        loop {
            let mut silent = true;
            while let Some(output) = self.d.poll_output() {
                silent = false;
                match output {
                    Output::Event(event) => self.events.push(event),
                    Output::Frame(_, frame) => {
                        if let Some(message) = message_in(self.side, frame) {
                            self.ladder.push(line(self.now, self.side, &message, false));
                        }
                        self.far.handle_frame(self.now, frame);
                    }
                }
            }
            while let Some(output) = self.far.poll_output() {
                silent = false;
                if let q921::Output::Transmit(frame) = output {
                    self.d.handle_frame(self.now, frame);
                    while let Some(output) = self.d.poll_output() {
                        match output {
                            Output::Event(event) => self.events.push(event),
                            Output::Frame(_, frame) => {
                                if let Some(message) = message_in(self.side, frame) {
                                    self.ladder.push(line(self.now, self.side, &message, false));
                                }
                                self.far.handle_frame(self.now, frame);
                            }
                        }
                    }
                }
            }
            if silent {
                return;
            }
        }
    }

    /// The far end says this: a message from its discriminator on.
    pub fn say(&mut self, message: &[u8]) {
        assert_eq!(self.far.state(), LinkState::MultipleFrameEstablished);
        self.far.send(self.now, message).expect("the link takes it");
        self.settle();
    }

    /// What the D channel has answered since.
    pub fn heard(&mut self) -> Vec<String> {
        let text = |line: String| line.splitn(3, ' ').nth(2).unwrap_or_default().to_string();
        self.ladder.drain(..).map(text).collect()
    }

    /// The far end says this; what comes back?
    pub fn ask(&mut self, message: &[u8]) -> Vec<String> {
        self.ladder.clear();
        self.say(message);
        self.heard()
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        while let Some(next) =
            [self.d.poll_timeout(), self.far.poll_timeout()].into_iter().flatten().min().filter(|next| *next <= end)
        {
            self.now = self.now.max(next);
            self.d.handle_timeout(self.now);
            self.far.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    pub fn dial(&mut self, channel: ChannelChoice) -> CallReference {
        let call = self.d.dial(self.now, &setup(channel)).expect("the call is placed");
        self.settle();
        call
    }

    /// Our owner's orders, each carried out.
    pub fn proceed(&mut self, call: CallReference, channel: u8) {
        self.d.proceed(self.now, call, channel).expect("it may proceed");
        self.settle();
    }

    pub fn alert(&mut self, call: CallReference) {
        self.d.alert(self.now, call).expect("it may ring");
        self.settle();
    }

    pub fn connect(&mut self, call: CallReference) {
        self.d.connect(self.now, call).expect("it may be answered");
        self.settle();
    }

    pub fn clear(&mut self, call: CallReference, cause: Cause) {
        self.d.clear(self.now, call, cause).expect("it may be cleared");
        self.settle();
    }

    /// The last call that was offered, and what its SETUP said.
    pub fn offered(&self) -> (CallReference, Setup) {
        let offer = |event: &Event| match event {
            Event::Incoming { call, setup } => Some((*call, setup.clone())),
            _ => None,
        };
        self.events.iter().rev().find_map(offer).expect("a call was offered")
    }

    /// The far end calls on channel 5, exclusively, with call reference 1.
    pub fn be_called(&mut self) -> CallReference {
        self.say(&[0x08, 0x02, 0x00, 0x01, 0x05, 0x04, 0x03, 0x80, 0x90, 0xa2, 0x18, 0x03, 0xa9, 0x83, 0x85]);
        let call = CallReference { value: 1, ours: false };
        assert!(matches!(self.events.last(), Some(Event::Incoming { call: of, .. }) if *of == call));
        call
    }

    /// And is answered.
    pub fn be_connected(&mut self) -> CallReference {
        let call = self.be_called();
        self.d.proceed(self.now, call, 5).expect("new");
        self.d.connect(self.now, call).expect("not answered");
        self.settle();
        self.say(&[0x08, 0x02, 0x00, 0x01, 0x0f]);
        assert!(self.events.contains(&Event::Connected { call }));
        self.events.clear();
        self.ladder.clear();
        call
    }

    pub fn state(&self) -> Vec<u8> {
        self.d.calls().map(|summary| summary.state.number()).collect()
    }

    pub fn released(&self) -> Vec<(u8, bool)> {
        let released = |event: &Event| match event {
            Event::Released { cause, by_peer, .. } => Some((cause.value, *by_peer)),
            _ => None,
        };
        self.events.iter().filter_map(released).collect()
    }
}
