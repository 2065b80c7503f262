//! Our D channel and libpri on one line, under one clock that jumps from deadline to deadline.
//!
//! Data path: orders of a story → either end → frames over the line, noted as they pass → events of either end.
//! Time: both ends have [`Bench::now`]; a frame takes none.
//! Words: here and there, our end and libpri's; place, who plays which role in which language; story, what is tried in a place.

use hw_tests::stepped::{Answer, Peer};
use isdn::q921::{self, frame, frame::Frame};
use isdn::q931::StateName;
use isdn::{
    CallReference, Cause, ChannelChoice, Config, DChannel, Event, Location, Number, Output, Setup, Side, Switch, Timer,
};
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// What a story comes to: that all was well, or what was not.
pub type Told = Result<(), String>;

/// Ends a story with these words unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err(format!($($words)+));
        }
    };
}
pub(crate) use ensure;

pub const CALLED: &str = "5550100";
pub const CALLING: &str = "2025550101";
pub const SECOND: Duration = Duration::from_secs(1);

/// Long enough for two ends that can hear one another to finish what they are about, too short for a timer that means trouble.
const MOMENT: Duration = Duration::from_millis(500);

/// Our role, and the language.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub side: Side,
    pub switch: Switch,
}

impl Place {
    /// As in "4ess, we network".
    pub fn name(self) -> String {
        let role = if self.side == Side::User { "user" } else { "network" };
        format!("{}, we {role}", self.switch.row().name)
    }

    pub fn is_e1(self) -> bool {
        self.switch == Switch::EuroIsdn
    }

    pub fn has_service(self) -> bool {
        self.switch.row().service.is_some()
    }

    /// The bearer channels, by timeslot.
    pub fn channels(self) -> Vec<u8> {
        if self.is_e1() { (1..=15).chain(17..=31).collect() } else { (1..=23).collect() }
    }

    /// A cause as our end says it: Q.850's location of a user, or of the network next to one.
    pub fn our_cause(self, value: u8) -> Cause {
        let location = if self.side == Side::User { Location::User } else { Location::PublicLocal };
        Cause { value, location }
    }
}

/// What our end does with calls from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    Answer,
    /// RELEASE COMPLETE in answer to SETUP.
    Refuse(u8),
    /// CALL PROCEEDING first, then DISCONNECT.
    ProceedAndRefuse(u8),
}

/// What becomes of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Sound,
    Dead,
    /// Loses the answers that this end gives to polls, and nothing else.
    WithoutAnswersOf(Side),
    /// Loses one frame in so many, of whichever end.
    Losing(usize),
}

/// A frame on the line.
pub struct Passed {
    /// The story in which it did.
    pub story: &'static str,
    pub at: Duration,
    pub sender: Side,
    pub octets: Vec<u8>,
}

/// See the module.
pub struct Bench {
    pub place: Place,
    story: &'static str,
    config: Config,
    pub ours: DChannel,
    pub now: Duration,
    pub manners: Manners,
    /// What we were told, until a story takes it away.
    pub events: Vec<Event>,
    /// What libpri reported, until a story takes it away.
    pub seen: Vec<Value>,
    pub line: Line,
    pub passed: Vec<Passed>,
    /// Frames that either end has sent.
    sent: usize,
    /// Frames of ours that were lost, and how many had passed when our end began.
    lost: u64,
    passed_before: usize,
    active_there: BTreeSet<u8>,
    peer: Peer,
    towards_us: VecDeque<Vec<u8>>,
    towards_them: VecDeque<Vec<u8>>,
}

impl Bench {
    /// Both ends, the link up between them.
    pub fn up(place: Place, story: &'static str, service: bool) -> Result<Bench, String> {
        let mut config = Config::new(place.side, place.switch, place.is_e1());
        if service {
            config = config.with_service_messages().map_err(|error| error.to_string())?;
        }
        let (peer, first) = start_peer(place);
        let mut bench = Bench {
            place,
            story,
            config,
            ours: DChannel::new(config),
            now: Duration::ZERO,
            manners: Manners::Answer,
            events: Vec::new(),
            seen: Vec::new(),
            line: Line::Sound,
            passed: Vec::new(),
            sent: 0,
            lost: 0,
            passed_before: 0,
            active_there: BTreeSet::new(),
            peer,
            towards_us: VecDeque::new(),
            towards_them: VecDeque::new(),
        };
        bench.take_in(first);
        bench.come_up()?;
        let reports = bench.reports("up").len();
        ensure!(reports > 0, "libpri does not report that the link is up: {:?}", bench.seen);
        bench.forget();
        Ok(bench)
    }

    /// Our end has lost its power, and comes back with no memory of any call.
    pub fn start_ours_afresh(&mut self) -> Told {
        self.ours = DChannel::new(self.config);
        (self.lost, self.passed_before) = (0, self.passed.len());
        self.come_up()
    }

    /// libpri has, and does.
    pub fn start_theirs_afresh(&mut self) -> Told {
        let (peer, first) = start_peer(self.place);
        self.peer = peer;
        self.active_there.clear();
        self.take_in(first);
        self.come_up()
    }

    fn come_up(&mut self) -> Told {
        // As long as ours, which is the Recommendation's for networks; libpri has six seconds unless told.
        let t309 = self.config.timers.get(Timer::T309).as_millis();
        self.order(&format!("timer T309 {t309}"));
        self.ours.start(self.now);
        self.run(SECOND * 3);
        ensure!(self.ours.is_up(), "the link does not come up: {:?}", self.seen);
        Ok(())
    }

    /// Has libpri do something. What it sends is under way until time passes.
    pub fn order(&mut self, order: &str) {
        let answer = self.peer.order(order);
        self.take_in(answer);
    }

    /// Lets both ends finish what is under way.
    pub fn finish(&mut self) {
        self.run(MOMENT);
    }

    /// Lets so much time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        loop {
            let wanted = [self.ours.poll_timeout(), self.peer.deadline].into_iter().flatten().min();
            let next = wanted.map_or(end, |wanted| wanted.clamp(self.now, end));
            if next == end && wanted.is_none_or(|wanted| wanted > end) {
                break;
            }
            self.now = next;
            self.tick();
        }
        self.now = end;
        self.tick();
    }

    fn tick(&mut self) {
        let answer = self.peer.time(self.now);
        self.take_in(answer);
        self.ours.handle_timeout(self.now);
        self.settle();
    }

    /// Carries frames until neither end has more to say.
    pub fn settle(&mut self) {
        loop {
            self.drain();
            if let Some(frame) = self.towards_them.pop_front() {
                let answer = self.peer.frame(&frame);
                self.take_in(answer);
            } else if let Some(frame) = self.towards_us.pop_front() {
                self.ours.handle_frame(self.now, &frame);
            } else {
                return;
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.ours.poll_output() {
            match output {
                Output::Frame(_, frame) => {
                    let frame = frame.to_vec();
                    if self.passes(self.place.side, &frame) {
                        self.towards_them.push_back(frame);
                    } else {
                        self.lost += 1;
                    }
                }
                Output::Event(event) => {
                    if let Event::Incoming { call, setup } = &event {
                        self.receive(*call, setup.channel);
                    }
                    self.events.push(event);
                }
            }
        }
    }

    fn receive(&mut self, call: CallReference, choice: ChannelChoice) {
        let (ChannelChoice::Exclusive(channel) | ChannelChoice::Preferred(channel)) = choice else { return };
        let (now, place) = (self.now, self.place);
        let expectation = "a call that has just come in";
        if !matches!(self.manners, Manners::Refuse(_)) {
            self.ours.proceed(now, call, channel).expect(expectation);
        }
        match self.manners {
            Manners::Answer => {
                self.ours.alert(now, call).expect(expectation);
                self.ours.connect(now, call).expect(expectation);
            }
            Manners::Refuse(cause) | Manners::ProceedAndRefuse(cause) => {
                self.ours.clear(now, call, place.our_cause(cause)).expect(expectation);
            }
        }
    }

    fn take_in(&mut self, answer: Answer) {
        for frame in answer.frames {
            if self.passes(self.place.side.peer(), &frame) {
                self.towards_us.push_back(frame);
            }
        }
        for event in answer.events {
            let channel = event["channel"].as_u64().and_then(|channel| u8::try_from(channel).ok()).unwrap_or(0);
            match event["event"].as_str() {
                Some("active") => drop(self.active_there.insert(channel)),
                Some("ended") => drop(self.active_there.remove(&channel)),
                _ => {}
            }
            self.seen.push(event);
        }
    }

    /// Whether a frame arrives; if it does it is noted.
    fn passes(&mut self, sender: Side, frame: &[u8]) -> bool {
        self.sent += 1;
        let is_answer = || {
            let read = frame::decode(frame, sender, q921::N201_MAX);
            matches!(read, Ok(Frame::Supervisory { command: false, poll_final: true, .. }))
        };
        let lost = match self.line {
            Line::Sound => false,
            Line::Dead => true,
            Line::WithoutAnswersOf(side) => side == sender && is_answer(),
            Line::Losing(one_in) => self.sent.is_multiple_of(one_in),
        };
        if !lost {
            self.passed.push(Passed { story: self.story, at: self.now, sender, octets: frame.to_vec() });
        }
        !lost
    }

    // Calls.

    /// We call on a channel.
    pub fn dial(&mut self, channel: u8) -> Result<CallReference, String> {
        let setup = Setup {
            called: Number::new(CALLED),
            calling: Some(Number::new(CALLING)),
            channel: ChannelChoice::Exclusive(channel.into()),
            sending_complete: true,
            ..Setup::default()
        };
        let call = self.ours.dial(self.now, &setup);
        call.map_err(|refused| format!("our own end does not call on channel {channel}: {refused}"))
    }

    /// libpri calls on a channel.
    pub fn be_called(&mut self, channel: u8) {
        self.order(&format!("call {channel} {CALLED} {CALLING}"));
    }

    /// A call from here or from there, connected; our reference of it.
    pub fn connected(&mut self, from_here: bool, channel: u8) -> Result<CallReference, String> {
        if from_here {
            self.dial(channel)?;
        } else {
            self.be_called(channel);
        }
        self.finish();
        let who = if from_here { "our" } else { "its" };
        let active = self.active_there.contains(&channel) && self.active_here().contains(&channel);
        ensure!(active, "{who} call on channel {channel} is not Active at both ends: {}", self.situation());
        self.on_channel(channel)
    }

    pub fn on_channel(&self, channel: u8) -> Result<CallReference, String> {
        let call = self.ours.calls().find(|call| call.channel == Some(channel.into()));
        call.map(|call| call.call).ok_or_else(|| format!("no call on channel {channel}: {}", self.situation()))
    }

    /// Begins to clear a call from here.
    pub fn clear(&mut self, call: CallReference, cause: u8) -> Told {
        let cause = self.place.our_cause(cause);
        self.ours.clear(self.now, call, cause).map_err(|refused| format!("{call:?} cannot be cleared: {refused}"))
    }

    /// The channels with an Active call at our end.
    pub fn active_here(&self) -> BTreeSet<u8> {
        let calls = self.ours.calls().filter(|call| call.state == StateName::Active);
        calls.filter_map(|call| call.channel.map(|channel| channel.timeslot)).collect()
    }

    /// Calls are Active at both ends on exactly these channels.
    pub fn only_active(&self, channels: impl IntoIterator<Item = u8>, when: &str) -> Told {
        let expected: BTreeSet<u8> = channels.into_iter().collect();
        let here = self.active_here();
        ensure!(here == expected, "{when}: Active here on {here:?}, not on {expected:?}; {}", self.situation());
        let there = &self.active_there;
        ensure!(*there == expected, "{when}: Active at libpri on {there:?}, not on {expected:?}");
        let all = self.ours.calls().count();
        ensure!(all == expected.len(), "{when}: {all} calls here, {} of them Active", expected.len());
        Ok(())
    }

    /// How our calls ended since events were last taken away.
    pub fn released(&self) -> Vec<(Cause, bool)> {
        let released = |event: &Event| match event {
            Event::Released { cause, by_peer, .. } => Some((*cause, *by_peer)),
            _ => None,
        };
        self.events.iter().filter_map(released).collect()
    }

    /// What libpri reported of this kind since reports were last taken away.
    pub fn reports(&self, name: &str) -> Vec<&Value> {
        self.seen.iter().filter(|event| event["event"] == name).collect()
    }

    /// Forgets what was told so far, at both ends.
    pub fn forget(&mut self) {
        self.events.clear();
        self.seen.clear();
    }

    /// For failures: where both ends stand, and the last they had to say.
    pub fn situation(&self) -> String {
        let calls: Vec<_> = self.ours.calls().map(|call| (call.channel, call.state)).collect();
        let (told, reported) = (last(&self.events), last(&self.seen));
        format!("calls here {calls:?}; we were told at last {told:?}; libpri reported at last {reported:?}")
    }

    /// Nothing was misunderstood at our end, and everything that passed was counted.
    pub fn content(&self) -> Told {
        let counters = self.ours.counters();
        let link = counters.link;
        let errors =
            [link.malformed, link.invalid, link.acknowledgement_errors, link.frame_rejects_in, link.other_address];
        ensure!(errors == [0; 5], "layer 2 found fault with a frame: {link:?}");
        let calls = counters.calls;
        let errors =
            [calls.not_understood, calls.unexpected, calls.element_missing, calls.element_invalid, calls.maintenance];
        ensure!(errors == [0; 5], "layer 3 found fault with a message: {calls:?}");
        let service = counters.service;
        let errors = [service.not_understood, service.mismatches, service.unsolicited, service.unknown_channel];
        ensure!(errors == [0; 4], "a service message was wrong: {service:?}");
        let passed = &self.passed[self.passed_before..];
        let from_us = passed.iter().filter(|frame| frame.sender == self.place.side).count() as u64;
        let to_us = passed.len() as u64 - from_us;
        let (out, lost) = (link.frames_out, self.lost);
        ensure!(out == from_us + lost, "we count {out} frames sent; {from_us} passed and {lost} were lost");
        ensure!(link.frames_in == to_us, "we count {} frames received, and {to_us} were", link.frames_in);
        Ok(())
    }
}

/// As many as one reads.
fn last<T>(all: &[T]) -> &[T] {
    &all[all.len().saturating_sub(5)..]
}

fn start_peer(place: Place) -> (Peer, Answer) {
    let role = if place.side == Side::User { "network" } else { "user" };
    Peer::start(role, place.switch.row().name, if place.is_e1() { "e1" } else { "t1" })
}
