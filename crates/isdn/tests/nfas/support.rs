//! Two ends with three interfaces, a primary D channel on the first and a backup on the second, on a virtual clock.

use crate::common::{DELAY, SHORT, describe};
use isdn::q921::frame::{self, Frame};
use isdn::{
    CallReference, Channel, ChannelChoice, Config, DChannel, Event, Group, LinkId, LinkState, Number, Output, Setup,
    Side, Switch,
};
use std::collections::VecDeque;
use std::time::Duration;

pub use LinkId::{Backup, Primary};

pub fn group() -> Group {
    Group::new(&[0, 1, 2], 0, Some(1)).expect("a group can be so")
}

pub fn config(side: Side, group: Group) -> Config {
    Config::new(side, Switch::Ni2, false).with_group(group).expect("NI-2 has groups")
}

pub struct End {
    pub d: DChannel,
    pub events: Vec<Event>,
    towards: VecDeque<(Duration, LinkId, Vec<u8>)>,
}

impl End {
    pub fn states(&self) -> [Option<LinkState>; 2] {
        [self.d.link_state(Primary), self.d.link_state(Backup)]
    }

    pub fn incoming(&self) -> (CallReference, ChannelChoice) {
        let incoming = |event: &Event| match event {
            Event::Incoming { call, setup } => Some((*call, setup.channel)),
            _ => None,
        };
        self.events.iter().rev().find_map(incoming).expect("a call came in")
    }

    pub fn released(&self) -> Vec<u8> {
        let cause = |event: &Event| match event {
            Event::Released { cause, .. } => Some(cause.value),
            _ => None,
        };
        self.events.iter().filter_map(cause).collect()
    }

    pub fn state(&self, call: CallReference) -> u8 {
        self.d.calls().find(|summary| summary.call == call).map_or(0, |summary| summary.state.number())
    }
}

pub struct Ends {
    pub user: End,
    pub network: End,
    pub now: Duration,
    /// D channels whose lines are cut.
    pub cut: Vec<LinkId>,
    /// Messages, as `> P SETUP 1 channel 5!`: direction, D channel, words.
    pub ladder: Vec<String>,
}

impl Ends {
    pub fn new(user: Config, network: Config) -> Ends {
        let end = |config| End { d: DChannel::new(config), events: Vec::new(), towards: VecDeque::new() };
        let (now, cut, ladder) = (Duration::ZERO, Vec::new(), Vec::new());
        Ends { user: end(user), network: end(network), now, cut, ladder }
    }

    /// Both D channels up, the primary at work, what happened so far forgotten.
    pub fn up() -> Ends {
        Ends::up_with(|config| config)
    }

    pub fn up_with(alter: impl Fn(Config) -> Config) -> Ends {
        let mut ends = Ends::new(alter(config(Side::User, group())), alter(config(Side::Network, group())));
        ends.user.d.start(ends.now);
        ends.network.d.start(ends.now);
        ends.run(SHORT);
        for end in [&ends.user, &ends.network] {
            assert_eq!(end.states(), [Some(LinkState::InService), Some(LinkState::Standby)]);
        }
        ends.forget();
        ends
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
        let now = self.now;
        while let Some(output) = self.end(side).d.poll_output() {
            match output {
                Output::Event(event) => self.end(side).events.push(event),
                Output::Frame(link, frame) => {
                    let frame = frame.to_vec();
                    if let Ok(Frame::Information { information, .. }) = frame::decode(&frame, side, 260) {
                        let arrow = if side == Side::User { '>' } else { '<' };
                        let letter = if link == Primary { 'P' } else { 'B' };
                        self.ladder.push(format!("{arrow} {letter} {}", describe(information)));
                    }
                    if !self.cut.contains(&link) {
                        self.end(side.peer()).towards.push_back((now + DELAY, link, frame));
                    }
                }
            }
        }
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain(Side::User);
        self.drain(Side::Network);
        loop {
            let wakes = [&self.user, &self.network]
                .into_iter()
                .flat_map(|end| [end.d.poll_timeout(), end.towards.front().map(|(arrival, ..)| *arrival)]);
            let Some(next) = wakes.flatten().min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            let now = self.now;
            for side in [Side::User, Side::Network] {
                while self.end(side).towards.front().is_some_and(|(arrival, ..)| *arrival <= now) {
                    let Some((_, link, frame)) = self.end(side).towards.pop_front() else { break };
                    self.end(side).d.handle_frame_on(now, link, &frame);
                    self.drain(side);
                }
                self.end(side).d.handle_timeout(now);
                self.drain(side);
            }
        }
        self.now = end;
    }

    pub fn dial(&mut self, from: Side, channel: Channel) -> CallReference {
        let now = self.now;
        let setup =
            Setup { called: Number::new("100"), channel: ChannelChoice::Exclusive(channel), ..Setup::default() };
        let call = self.end(from).d.dial(now, &setup).expect("the call is placed");
        self.run(SHORT);
        call
    }

    /// A connected call from the network, with its references at the network and at the user.
    pub fn connected(&mut self, channel: Channel) -> (CallReference, CallReference) {
        let ours = self.dial(Side::Network, channel);
        let (theirs, choice) = self.user.incoming();
        assert_eq!(choice, ChannelChoice::Exclusive(channel));
        let now = self.now;
        self.user.d.proceed(now, theirs, channel).expect("new");
        self.user.d.connect(now, theirs).expect("not answered");
        self.run(SHORT);
        assert_eq!((self.network.state(ours), self.user.state(theirs)), (10, 10));
        (ours, theirs)
    }
}
