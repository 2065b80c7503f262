//! Two D channels with their owners, and a bad line between them: whatever is lost, doubled or altered, and whichever end is
//! started anew in the middle of it, afterwards both ends have the same calls, end them, and can use every channel.
//!
//! Frames wait on the line until the script lets them arrive, so that messages cross.
//!
//! Time: virtual; the script says how much goes by.

use crate::ledger::Ledger;
use crate::owner::channel_for;
use crate::script::{Script, channels, opposite};
use isdn::q931::StateName;
use isdn::{
    CallReference, CallSummary, Cause, Channel, ChannelChoice, Config, DChannel, Event, Manner, Number, Output,
    ServiceState, Setup,
};
use std::collections::VecDeque;
use std::time::Duration;

const STEPS: usize = 300;
const TIME_MAX: Duration = Duration::from_secs(3600);
/// See the same in `stack`.
const ALL_TIMERS: Duration = Duration::from_secs(1200);
const SHORT: Duration = Duration::from_secs(3);
/// T305 and twice T308, and some more.
const CLEARING: Duration = Duration::from_secs(60);
const NORMAL: Cause = Cause::user(16);

/// What an owner does with a call that comes in.
#[derive(Clone, Copy, PartialEq)]
enum Manners {
    Answers,
    Rings,
    Proceeds,
    Refuses,
    Waits,
}

struct End {
    config: Config,
    d: Box<DChannel>,
    ledger: Ledger,
    manners: Manners,
    /// On their way to this end.
    towards: VecDeque<Vec<u8>>,
}

impl End {
    fn new(config: Config) -> End {
        End {
            config,
            d: Box::new(DChannel::new(config)),
            ledger: Ledger::default(),
            manners: Manners::Answers,
            towards: VecDeque::new(),
        }
    }

    /// A call by its place in the list; there may be none.
    fn call(&self, which: u8) -> Option<CallReference> {
        let calls: Vec<_> = self.d.calls().map(|summary| summary.call).collect();
        calls.get(usize::from(which) % calls.len().max(1)).copied()
    }

    /// An owner who has let calls wait answers them: nothing else ends one that the far end has forgotten.
    fn answer_what_waits(&mut self, now: Duration) {
        self.manners = Manners::Answers;
        for summary in self.d.calls().filter(|summary| !summary.call.ours).collect::<Vec<_>>() {
            let choice = summary.channel.map_or(ChannelChoice::Any, ChannelChoice::Exclusive);
            match channel_for(&self.d, self.config.e1, summary.call, choice) {
                Some(channel) => {
                    let _ = self.d.proceed(now, summary.call, channel);
                    let _ = self.d.connect(now, summary.call);
                }
                None => {
                    let _ = self.d.clear(now, summary.call, Cause::user(34));
                }
            }
        }
    }

    /// What the owner does about an event.
    fn heed(&mut self, now: Duration, event: &Event) {
        self.ledger.enter(event);
        let Event::Incoming { call, setup } = event else { return };
        let channel = channel_for(&self.d, self.config.e1, *call, setup.channel);
        let done = match (self.manners, channel) {
            (Manners::Waits, _) => Ok(()),
            (Manners::Refuses, _) | (_, None) => self.d.clear(now, *call, Cause::user(44)),
            (manners, Some(channel)) => self.d.proceed(now, *call, channel).and_then(|()| match manners {
                Manners::Answers => self.d.connect(now, *call),
                Manners::Rings => self.d.alert(now, *call),
                _ => Ok(()),
            }),
        };
        done.expect("it has just come in");
    }
}

struct Pair {
    ends: [End; 2],
    now: Duration,
    /// Nothing arrives.
    cut: bool,
    /// So many of the next frames are lost, by the end they go to.
    lose: [u8; 2],
    /// The next frame arrives twice.
    double: bool,
    /// The next frame arrives with this octet of it altered.
    alter: Option<(u8, u8)>,
    /// A frame has been altered: the ends may have been told different things.
    altered: bool,
}

/// The check.
pub fn pair(input: &[u8]) {
    let mut script = Script(input);
    let config = script.config();
    let mut pair = Pair {
        ends: [End::new(config), End::new(opposite(config))],
        now: Duration::from_secs(1),
        cut: false,
        lose: [0; 2],
        double: false,
        alter: None,
        altered: false,
    };
    let end = pair.now + TIME_MAX;
    pair.start();
    pair.run(SHORT);
    for _ in 0..STEPS {
        let Some(step) = script.step() else { break };
        pair.step(step, &mut script);
        if pair.now > end {
            break;
        }
    }
    pair.come_to_terms();
    pair.use_every_channel();
}

impl Pair {
    fn start(&mut self) {
        for at in 0..2 {
            let now = self.now;
            self.ends[at].d.start(now);
            self.drain(at);
        }
    }

    fn step(&mut self, step: u8, script: &mut Script<'_>) {
        let (at, now) = (usize::from(step >> 7), self.now);
        let end = &mut self.ends[at];
        match step % 20 {
            0 | 1 => {
                let setup = script.setup();
                if let Ok(call) = end.d.dial(now, &setup) {
                    end.ledger.dialled(call);
                }
            }
            2 => {
                let cause = script.cause();
                if let Some(call) = end.call(script.octet()) {
                    let _ = end.d.clear(now, call, cause);
                }
            }
            3 => {
                if let Some(call) = end.call(script.octet()) {
                    let _ = end.d.connect(now, call);
                }
            }
            4 => {
                if let Some(call) = end.call(script.octet()) {
                    let _ = end.d.alert(now, call);
                }
            }
            17 => {
                let cause = script.cause();
                if let Some(call) = end.call(script.octet()) {
                    let _ = end.d.disconnect_in_band(now, call, cause);
                }
            }
            5 => {
                let _ = end.d.restart(now, script.channel());
            }
            6 => {
                let (channel, (state, manner)) = (script.channel(), script.state());
                let _ = end.d.set_near(now, channel, state, manner);
            }
            7 => {
                let all = [Manners::Answers, Manners::Rings, Manners::Proceeds, Manners::Refuses, Manners::Waits];
                end.manners = all[usize::from(script.below(5))];
            }
            8 => end.d.stop(now),
            9 => end.d.start(now),
            // Started anew: it has forgotten everything.
            10 => {
                let manners = end.manners;
                let towards = std::mem::take(&mut end.towards);
                *end = End { manners, towards, ..End::new(end.config) };
                end.d.start(now);
            }
            11 => self.lose[at] = script.octet() & 0x0f,
            12 => self.cut = !self.cut,
            13 => self.double = true,
            14 => self.alter = Some((script.octet(), script.octet())),
            15 => self.run(Duration::from_millis(u64::from(script.octet()) * 20)),
            16 => self.run(Duration::from_secs(u64::from(script.octet()))),
            _ => {
                for _ in 0..=script.octet() & 0x0f {
                    self.arrive(at);
                }
            }
        }
        self.drain(0);
        self.drain(1);
    }

    /// One frame arrives at this end; false if none was on its way.
    fn arrive(&mut self, at: usize) -> bool {
        let Some(mut frame) = self.ends[at].towards.pop_front() else { return false };
        if self.cut {
            return true;
        }
        if self.lose[at] > 0 {
            self.lose[at] -= 1;
            return true;
        }
        if let Some((place, mask)) = self.alter.take() {
            let place = usize::from(place) % frame.len();
            frame[place] ^= mask;
            self.altered = true;
        }
        for _ in 0..=u8::from(std::mem::take(&mut self.double)) {
            self.ends[at].d.handle_frame(self.now, &frame);
            self.drain(at);
        }
        true
    }

    /// Takes the outputs of this end.
    fn drain(&mut self, at: usize) {
        let now = self.now;
        loop {
            match self.ends[at].d.poll_output() {
                Some(Output::Frame(_, frame)) => self.ends[1 - at].towards.push_back(frame.to_vec()),
                Some(Output::Event(event)) => self.ends[at].heed(now, &event),
                None => return,
            }
        }
    }

    /// Lets all frames arrive and time go by, from timer to timer.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let mut frames = 0;
            while self.arrive(0) | self.arrive(1) {
                frames += 1;
                assert!(frames < 5000, "the two ends do not fall silent");
            }
            let next = self.ends.iter().filter_map(|end| end.d.poll_timeout()).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            for at in 0..2 {
                let now = self.now;
                self.ends[at].d.handle_timeout(now);
                self.drain(at);
                let next = self.ends[at].d.poll_timeout();
                assert!(next.is_none_or(|next| next > now), "{next:?} is in the past of {now:?}");
            }
        }
        self.now = end;
    }

    /// The line is good again: after a while, calls that are left are connected, and the same at both ends. They end.
    fn come_to_terms(&mut self) {
        (self.cut, self.lose, self.double, self.alter) = (false, [0; 2], false, None);
        for at in 0..2 {
            for channel in channels(self.ends[at].config.e1) {
                let state = ServiceState::InService;
                self.ends[at].d.set_near(self.now, channel, state, Manner::Force).expect("there is such a channel");
                self.drain(at);
            }
            self.ends[at].answer_what_waits(self.now);
            self.drain(at);
        }
        self.start();
        self.run(ALL_TIMERS);
        let ours: Vec<_> = self.ends[0].d.calls().collect();
        for call in &ours {
            assert_eq!(call.state, StateName::Active, "{call:?} hangs");
        }
        if !self.altered {
            assert_eq!(calls(&ours, true), calls(&self.ends[1].d.calls().collect::<Vec<_>>(), false));
        }
        for at in 0..2 {
            for call in self.ends[at].d.calls().map(|summary| summary.call).collect::<Vec<_>>() {
                let _ = self.ends[at].d.clear(self.now, call, NORMAL);
            }
            self.drain(at);
        }
        self.run(CLEARING);
        self.assert_idle();
        if self.altered {
            // What they were told of channels may not be what was said. A new link tells it again.
            self.ends[0].d.stop(self.now);
            self.drain(0);
            self.run(SHORT);
            self.start();
            self.run(SHORT);
        }
    }

    fn use_every_channel(&mut self) {
        let all: Vec<_> = channels(self.ends[0].config.e1).collect();
        for some in all.chunks(self.ends[0].config.max_calls) {
            for at in 0..2 {
                let mut placed = Vec::new();
                for channel in some {
                    let setup = Setup {
                        called: Number::new("100"),
                        channel: ChannelChoice::Exclusive(*channel),
                        sending_complete: true,
                        ..Setup::default()
                    };
                    let call = self.ends[at].d.dial(self.now, &setup);
                    let call = call.unwrap_or_else(|why| panic!("channel {channel}: {why}"));
                    self.ends[at].ledger.dialled(call);
                    placed.push(call);
                    self.drain(at);
                }
                self.run(SHORT);
                assert_eq!(self.ends[at].ledger.connected().collect::<Vec<_>>(), placed);
                for call in placed {
                    self.ends[at].d.clear(self.now, call, NORMAL).expect("it is connected");
                    self.drain(at);
                }
                self.run(SHORT);
                self.assert_idle();
            }
        }
    }

    fn assert_idle(&self) {
        for end in &self.ends {
            assert!(end.d.is_up() && end.ledger.up);
            assert_eq!((end.d.calls().next(), end.ledger.open().next()), (None, None));
            assert_eq!(end.d.counters().calls.events_dropped, 0);
        }
    }
}

/// Calls in order, as the one side sees them or the other.
fn calls(summaries: &[CallSummary], turned: bool) -> Vec<(CallReference, StateName, Option<Channel>)> {
    let reference = |call: CallReference| CallReference { ours: call.ours != turned, ..call };
    let mut calls: Vec<_> =
        summaries.iter().map(|summary| (reference(summary.call), summary.state, summary.channel)).collect();
    calls.sort();
    calls
}
