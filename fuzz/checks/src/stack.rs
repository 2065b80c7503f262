//! A whole D channel, its owner, and a far end of which anything may come; then a far end as it should be.
//!
//! A script says what kind of D channel it is, and step by step what its owner orders, what comes over the line, and how
//! time goes by. After each step all that a D channel promises is looked at ([`Bench::look`]). At the end comes somebody
//! well-behaved, a new D channel of the other side, and has to find a D channel that forgets what was, brings the link up,
//! and takes and places a call on every channel ([`Bench::recover`]).
//!
//! Time: virtual; the script says how much goes by.
//! Words: bench, a D channel with what surrounds it.

use crate::ledger::Ledger;
use crate::owner::answer;
use crate::say;
use crate::script::{Script, channels, opposite};
use isdn::maintenance::{Kind, ServiceMessage};
use isdn::q921::frame::{self, Frame};
use isdn::q921::{DataLink, LapdFrame, Message, Parameters};
use isdn::q931::StateName;
use isdn::q931::message::MAINTENANCE;
use isdn::{
    CallReference, Cause, Channel, ChannelChoice, Config, DChannel, Event, Manner, Number, Output, ServiceState, Setup,
    Side,
};
use std::collections::VecDeque;
use std::time::Duration;

/// Steps a script may have: enough for anything, and few enough for a fuzzer's patience.
const STEPS: usize = 400;

/// What one input can set off: an outbox of frames, a window of messages, an acknowledgement.
const FRAMES_MAX: usize = 32 + 64 + 1;

/// Time a script may let go by in all.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// Longer than T301, T305 and twice T308 one after the other, and than twice T316 and the audit that follows if that is in vain.
const ALL_TIMERS: Duration = Duration::from_secs(1200);

/// For messages to go to and fro.
const SHORT: Duration = Duration::from_secs(3);

const NORMAL: Cause = Cause::user(16);

/// Who is at the other end of the line.
enum Far {
    /// A data link, above which the script speaks.
    Link(Box<DataLink>),
    /// Somebody well-behaved.
    Peer { d: Box<DChannel>, ledger: Ledger, e1: bool, frames: VecDeque<Vec<u8>> },
}

impl Far {
    fn handle_frame(&mut self, now: Duration, frame: &[u8]) {
        match self {
            Far::Link(link) => link.handle_frame(now, frame),
            Far::Peer { d: peer, .. } => peer.handle_frame(now, frame),
        }
        self.collect(now);
    }

    fn handle_timeout(&mut self, now: Duration) {
        match self {
            Far::Link(link) => link.handle_timeout(now),
            Far::Peer { d: peer, .. } => peer.handle_timeout(now),
        }
        self.collect(now);
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Far::Link(link) => link.poll_timeout(),
            Far::Peer { d: peer, .. } => peer.poll_timeout(),
        }
    }

    /// A peer's owner collects after every input, and answers the calls that come.
    fn collect(&mut self, now: Duration) {
        let Far::Peer { d: peer, ledger, e1, frames } = self else { return };
        while let Some(output) = peer.poll_output() {
            match output {
                Output::Frame(_, frame) => frames.push_back(frame.to_vec()),
                Output::Event(event) => {
                    ledger.enter(&event);
                    if let Event::Incoming { call, setup } = event {
                        answer(peer, *e1, now, call, setup.channel);
                    }
                }
            }
        }
    }

    /// The next frame.
    fn next_frame(&mut self, now: Duration) -> Option<Vec<u8>> {
        self.collect(now);
        match self {
            Far::Link(link) => loop {
                if let isdn::q921::Output::Transmit(frame) = link.poll_output()? {
                    return Some(frame.to_vec());
                }
            },
            Far::Peer { frames, .. } => frames.pop_front(),
        }
    }
}

struct Bench {
    d: Box<DChannel>,
    config: Config,
    far: Far,
    now: Duration,
    /// The next inputs carry a time that is so much too early.
    skew: Duration,
    /// The line is cut, both ways.
    cut: bool,
    ledger: Ledger,
    /// What the owner has ordered, by channel; no message may change it.
    near: [ServiceState; 32],
    /// Frames the D channel sent since the last input.
    frames: usize,
}

/// The check.
pub fn dchannel(input: &[u8]) {
    let mut script = Script(input);
    let config = script.config();
    let far = DataLink::new(config.side.peer(), Parameters::default());
    let mut bench = Bench {
        d: Box::new(DChannel::new(config)),
        config,
        far: Far::Link(Box::new(far)),
        now: Duration::from_secs(1),
        skew: Duration::ZERO,
        cut: false,
        ledger: Ledger::default(),
        near: [ServiceState::InService; 32],
        frames: 0,
    };
    let end = bench.now + TIME_MAX;
    for _ in 0..STEPS {
        let Some(step) = script.step() else { break };
        bench.step(step, &mut script);
        if bench.now > end {
            break;
        }
    }
    bench.recover();
}

impl Bench {
    fn step(&mut self, step: u8, script: &mut Script<'_>) {
        let call = |bench: &Bench, script: &mut Script<'_>| {
            let which = usize::from(script.octet());
            let calls: Vec<_> = bench.d.calls().map(|summary| summary.call).collect();
            // One in 16 orders is about a call that nobody has.
            let nobody = CallReference { value: 0x7000, ours: which & 1 == 0 };
            if which >= 240 || calls.is_empty() { nobody } else { calls[which % calls.len()] }
        };
        match step % 28 {
            0 => self.input(|d, now| d.start(now)),
            1 => self.input(|d, now| d.stop(now)),
            2 => self.input(|d, now| d.line_restored(now)),
            3 => {
                let setup = script.setup();
                let dialled = self.input(|d, now| d.dial(now, &setup));
                assert!(self.ledger.up || dialled.is_err(), "a call without a link");
            }
            4 => {
                let (call, channel) = (call(self, script), script.channel());
                let _ = self.input(|d, now| d.proceed(now, call, channel));
            }
            5 => {
                let call = call(self, script);
                let _ = self.input(|d, now| d.alert(now, call));
            }
            6 => {
                let call = call(self, script);
                let _ = self.input(|d, now| d.connect(now, call));
            }
            7 => {
                let (call, cause) = (call(self, script), script.cause());
                let _ = self.input(|d, now| d.clear(now, call, cause));
            }
            8 => {
                let channel = script.channel();
                let _ = self.input(|d, now| d.restart(now, channel));
            }
            9 => {
                let (channel, (state, manner)) = (script.channel(), script.state());
                self.order_near(channel, state, manner);
            }
            10 => self.run(Duration::from_millis(u64::from(script.octet()) * 10)),
            11 => self.run(Duration::from_secs(u64::from(script.octet()))),
            // Nobody looked at the clock for a while.
            12 => self.now += Duration::from_secs(u64::from(script.octet()) * 4),
            13 => self.skew = Duration::from_millis(u64::from(script.octet()) * 100),
            14 => self.cut = !self.cut,
            15 => {
                let frame = script.counted();
                self.input(|d, now| d.handle_frame(now, frame));
            }
            16 => {
                let message = script.counted();
                self.say(message);
            }
            17 => {
                let message = say::maintenance(script);
                self.say(&message);
            }
            18 => {
                let message = say::setup(script);
                self.say(&message);
            }
            19 => self.far_link(|link, now| link.establish(now)),
            20 => self.far_link(|link, now| link.release(now)),
            // A message in a frame with sequence numbers of the script's choosing.
            21 => {
                let (n_s, n_r) = (script.octet(), script.octet());
                let message = Message::from_slice(script.counted()).unwrap_or_default();
                let frame =
                    frame::write_information(self.config.side.peer(), n_s & 0x7f, n_r >> 1, n_r & 1 != 0, &message);
                self.input(|d, now| d.handle_frame(now, &frame));
            }
            22 => {
                let (call, cause) = (call(self, script), script.cause());
                let _ = self.input(|d, now| d.disconnect_in_band(now, call, cause));
            }
            _ => {
                let calls: Vec<_> = self.d.calls().map(|summary| summary.call).collect();
                let message = say::call_control(script, &calls);
                self.say(&message);
            }
        }
        self.settle();
    }

    fn order_near(&mut self, channel: Channel, state: ServiceState, manner: Manner) {
        if self.input(|d, now| d.set_near(now, channel, state, manner)).is_ok() {
            self.near[usize::from(channel.timeslot)] = state;
        }
        self.look();
    }

    /// The far end's data link is told to do something.
    fn far_link(&mut self, order: impl FnOnce(&mut DataLink, Duration)) {
        if let Far::Link(link) = &mut self.far {
            order(link, self.now);
        }
    }

    /// The far end's layer 3 says this, if its link is up.
    fn say(&mut self, message: &[u8]) {
        self.settle();
        let before = self.d.counters();
        let now = self.now;
        self.far_link(|link, _| {
            let _ = link.send(now, message);
        });
        self.settle();
        let after = self.d.counters();
        // What is a maintenance message and no request brings no answer of any kind. A link that had to be established again
        // brings messages of its own.
        let arrived = after.link.information_in == before.link.information_in + 1;
        let calm = after.link.resets == before.link.resets && after.link.established == before.link.established;
        let request = ServiceMessage::decode(message).is_ok_and(|message| message.kind == Kind::Service);
        let maintenance = message.first().is_some_and(|first| MAINTENANCE.contains(first));
        if arrived && calm && maintenance && !(request && self.config.service_messages.is_some()) {
            assert_eq!(before.calls.messages_out, after.calls.messages_out, "{message:02x?} was answered");
        }
    }

    /// An input, everything that follows from it, and a look at what must hold.
    fn input<T>(&mut self, order: impl FnOnce(&mut DChannel, Duration) -> T) -> T
    where
        T: Dialled,
    {
        let now = self.now.saturating_sub(std::mem::take(&mut self.skew));
        self.frames = 0;
        let done = self.without_memory(|d| order(d, now));
        if let Some(call) = done.call() {
            self.ledger.dialled(call);
        }
        self.drain();
        done
    }

    /// Nothing is allocated by a D channel that has been made.
    fn without_memory<T>(&mut self, order: impl FnOnce(&mut DChannel) -> T) -> T {
        let mut done = None;
        let taken = allocation_counter::measure(|| done = Some(order(&mut self.d)));
        assert_eq!(taken.count_total, 0, "memory was allocated");
        done.expect("measured once")
    }

    /// Takes all outputs, and lets the far end have the frames.
    fn drain(&mut self) {
        loop {
            let (mut event, mut frame) = (None, LapdFrame::new());
            self.without_memory(|d| match d.poll_output() {
                Some(Output::Event(told)) => event = Some(told),
                Some(Output::Frame(_, lent)) => frame.extend_from_slice(lent).expect("no frame is longer"),
                None => {}
            });
            match event {
                Some(event) => {
                    self.ledger.enter(&event);
                    if let (Far::Peer { e1, .. }, Event::Incoming { call, setup }) = (&self.far, event) {
                        let (e1, now) = (*e1, self.now);
                        self.without_memory(|d| answer(d, e1, now, call, setup.channel));
                    }
                }
                None if frame.is_empty() => return,
                None => {
                    self.frames += 1;
                    assert!(self.frames <= FRAMES_MAX, "one input, and no end of frames");
                    self.look_at(&frame);
                    if !self.cut {
                        self.far.handle_frame(self.now, &frame);
                    }
                }
            }
        }
    }

    /// What we send can be read, and is no maintenance message where there are none.
    fn look_at(&self, frame: &[u8]) {
        let read = frame::decode(frame, self.config.side, 260).expect("we sent it");
        if let Frame::Information { information, .. } = read
            && MAINTENANCE.contains(&information[0])
        {
            assert!(self.config.service_messages.is_some(), "service messages are off");
            ServiceMessage::decode(information).expect("we sent it");
        }
    }

    /// Lets both ends say what they have to say; no time goes by.
    fn settle(&mut self) {
        for _ in 0..2000 {
            if self.d.poll_timeout().is_some_and(|at| at <= self.now) {
                self.skew = Duration::ZERO;
                self.input(|d, now| d.handle_timeout(now));
                let next = self.d.poll_timeout();
                assert!(next.is_none_or(|at| at > self.now), "{next:?} is in the past of {:?}", self.now);
            } else {
                self.frames = 0;
                self.drain();
            }
            if self.far.poll_timeout().is_some_and(|at| at <= self.now) {
                self.far.handle_timeout(self.now);
            }
            let Some(frame) = self.far.next_frame(self.now) else {
                self.look();
                return;
            };
            if !self.cut {
                self.input(|d, now| d.handle_frame(now, &frame));
            }
        }
        panic!("the two ends do not fall silent");
    }

    /// Lets time go by, from timer to timer.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        let next = |bench: &Bench| [bench.d.poll_timeout(), bench.far.poll_timeout()].into_iter().flatten().min();
        while let Some(next) = next(self).filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.settle();
        }
        self.now = end;
    }

    /// What must hold whenever all has been said.
    fn look(&self) {
        assert_eq!(self.d.is_up(), self.ledger.up);
        let calls: Vec<_> = self.d.calls().map(|summary| summary.call).collect();
        assert!(calls.len() <= self.config.max_calls, "{} calls", calls.len());
        for call in self.ledger.open() {
            assert!(calls.contains(&call), "{call:?} has vanished and was not released");
        }
        let counters = self.d.counters();
        assert_eq!((counters.calls.events_dropped, counters.link.outputs_dropped), (0, 0));
        for channel in channels(self.config.e1) {
            let service = self.d.service(channel).expect("there is such a channel");
            assert_eq!(
                service.near,
                self.near[usize::from(channel.timeslot)],
                "channel {channel} was changed from outside"
            );
        }
    }

    /// Somebody well-behaved comes to the other end: after a while nothing is left of what was, and every channel works.
    fn recover(&mut self) {
        self.cut = false;
        self.skew = Duration::ZERO;
        for channel in channels(self.config.e1) {
            self.order_near(channel, ServiceState::InService, Manner::Force);
        }
        let mut peer = Box::new(DChannel::new(opposite(self.config)));
        peer.start(self.now);
        self.far = Far::Peer { d: peer, ledger: Ledger::default(), e1: self.config.e1, frames: VecDeque::new() };
        self.run(ALL_TIMERS);
        assert!(self.d.is_up(), "the link does not come up");
        self.hang_up_what_is_new();
        let left: Vec<_> = self.d.calls().collect();
        assert!(left.is_empty(), "calls that do not end: {left:?}");
        assert_eq!(self.ledger.open().next(), None, "calls that were not released");
        let all: Vec<_> = channels(self.config.e1).collect();
        for some in all.chunks(self.config.max_calls) {
            self.call_on(some, Side::User);
            self.call_on(some, Side::Network);
        }
    }

    /// A SETUP of ours that was still on its way has become a call with the new far end: then both know it.
    fn hang_up_what_is_new(&mut self) {
        let Far::Peer { d: peer, .. } = &self.far else { return };
        let theirs: Vec<_> = peer.calls().map(|summary| (summary.call, summary.state, summary.channel)).collect();
        for summary in self.d.calls().collect::<Vec<_>>() {
            let call = CallReference { ours: !summary.call.ours, ..summary.call };
            let same = (call, StateName::Active, summary.channel);
            assert!(summary.state == StateName::Active && theirs.contains(&same), "{summary:?} and {theirs:?}");
            self.input(|d, now| d.clear(now, summary.call, NORMAL)).expect("it is connected");
        }
        self.run(SHORT);
    }

    /// One side calls on these channels, all at once; every call is connected, and ends.
    fn call_on(&mut self, channels: &[Channel], from: Side) {
        for channel in channels {
            let setup = Setup {
                called: Number::new("100"),
                channel: ChannelChoice::Exclusive(*channel),
                sending_complete: true,
                ..Setup::default()
            };
            if from == self.config.side {
                let dialled = self.input(|d, now| d.dial(now, &setup));
                assert!(dialled.is_ok(), "channel {channel}: {dialled:?}");
            } else if let Far::Peer { d: peer, ledger, .. } = &mut self.far {
                let call = peer.dial(self.now, &setup);
                ledger.dialled(call.unwrap_or_else(|why| panic!("channel {channel}: {why}")));
            }
        }
        self.run(SHORT);
        let connected: Vec<_> = self.ledger.connected().collect();
        assert_eq!(connected.len(), channels.len(), "called by the {from:?}");
        for call in connected {
            self.input(|d, now| d.clear(now, call, NORMAL)).expect("it is connected");
        }
        self.run(SHORT);
        assert_eq!(self.ledger.open().next(), None, "a call does not end");
        let Far::Peer { d: peer, ledger, .. } = &self.far else { return };
        assert_eq!((peer.calls().next(), ledger.open().next()), (None, None));
    }
}

/// The results of inputs; one of them is a call of the owner's.
trait Dialled {
    fn call(&self) -> Option<CallReference> {
        None
    }
}

impl Dialled for () {}

impl Dialled for Result<(), isdn::Refused> {}

impl Dialled for Result<CallReference, isdn::Refused> {
    fn call(&self) -> Option<CallReference> {
        self.ok()
    }
}
