//! Two T1s that share our D channel, and libpri at the far end of it, in either role: calls on the interface without a D channel,
//! timeslot 24 included, and RESTART of one of its channels.
//!
//! libpri is moved on step by step (`hw_tests::stepped`); its channels from 32 on are those of the second interface.

use hw_tests::peers::{GCC, LIBPRI, require};
use hw_tests::stepped::{Answer, Peer};
use isdn::q931::StateName;
use isdn::{Channel, ChannelChoice, Config, DChannel, Event, Group, Number, Output, Setup, Side, Switch};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct Line {
    ours: Box<DChannel>,
    peer: Peer,
    now: Duration,
    towards_us: VecDeque<Vec<u8>>,
    seen: Vec<Value>,
}

impl Line {
    fn up(side: Side, switch: Switch) -> Line {
        let group = Group::new(&[0, 1], 0, None).expect("a group can be so");
        let config = Config::new(side, switch, false).with_group(group).expect("the variant has groups");
        let role = if side == Side::User { "network" } else { "user" };
        let (peer, first) = Peer::start(role, switch.row().name, "t1");
        let (now, towards_us, seen) = (Duration::ZERO, VecDeque::new(), Vec::new());
        let mut line = Line { ours: Box::new(DChannel::new(config)), peer, now, towards_us, seen };
        line.take_in(first);
        line.ours.start(line.now);
        line.pass(SECOND * 3);
        assert!(line.ours.is_up(), "{:?}", line.seen);
        line
    }

    fn take_in(&mut self, answer: Answer) {
        self.towards_us.extend(answer.frames);
        self.seen.extend(answer.events);
    }

    /// Carries frames until neither end has more to say. Calls from there are answered where they ask to be.
    fn settle(&mut self) {
        loop {
            let mut frames = Vec::new();
            let mut offered = Vec::new();
            while let Some(output) = self.ours.poll_output() {
                match output {
                    Output::Frame(_, frame) => frames.push(frame.to_vec()),
                    Output::Event(Event::Incoming { call, setup }) => offered.push((call, setup.channel)),
                    Output::Event(_) => {}
                }
            }
            let silent = frames.is_empty() && offered.is_empty();
            for (call, choice) in offered {
                let ChannelChoice::Exclusive(channel) = choice else { panic!("libpri insists: {choice:?}") };
                self.ours.proceed(self.now, call, channel).expect("new");
                self.ours.connect(self.now, call).expect("not answered");
            }
            for frame in frames {
                let answer = self.peer.frame(&frame);
                self.take_in(answer);
            }
            match self.towards_us.pop_front() {
                Some(frame) => self.ours.handle_frame(self.now, &frame),
                None if silent => return,
                None => {}
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        loop {
            let wanted = [self.ours.poll_timeout(), self.peer.deadline].into_iter().flatten().min();
            self.now = wanted.map_or(end, |wanted| wanted.clamp(self.now, end));
            let answer = self.peer.time(self.now);
            self.take_in(answer);
            self.ours.handle_timeout(self.now);
            self.settle();
            if wanted.is_none_or(|wanted| wanted >= end) {
                self.now = end;
                return;
            }
        }
    }

    fn order(&mut self, order: &str) {
        let answer = self.peer.order(order);
        self.take_in(answer);
        self.pass(SECOND);
    }

    fn dial(&mut self, channel: Channel) {
        let channel = ChannelChoice::Exclusive(channel);
        let setup = Setup { called: Number::new("5550100"), channel, ..Setup::default() };
        self.ours.dial(self.now, &setup).expect("the call is placed");
        self.pass(SECOND);
    }

    /// The channels with an Active call, here as interface and timeslot.
    fn active(&self) -> Vec<(u8, u8)> {
        let active = self.ours.calls().filter(|call| call.state == StateName::Active);
        let mut channels: Vec<_> = active.filter_map(|call| call.channel).map(|c| (c.interface, c.timeslot)).collect();
        channels.sort_unstable();
        channels
    }

    /// The channels of which libpri has reported this.
    fn reported(&self, event: &str) -> Vec<u64> {
        let of = self.seen.iter().filter(|seen| seen["event"] == event);
        let mut channels: Vec<u64> = of.filter_map(|seen| seen["channel"].as_u64()).collect();
        channels.sort_unstable();
        channels
    }
}

#[test]
fn calls_on_the_interface_without_a_d_channel() {
    if !require("libpri_nfas", &[GCC, LIBPRI]) {
        return;
    }
    for switch in [Switch::Ni2, Switch::Ess4, Switch::Dms100] {
        for side in [Side::User, Side::Network] {
            let place = format!("{}, we {side:?}", switch.row().name);
            let mut line = Line::up(side, switch);
            // Channels 5 and 24 of the second interface, and 5 of the first.
            for channel in [37, 56, 5] {
                line.order(&format!("call {channel} 5550100 2025550101"));
            }
            assert_eq!(line.active(), [(0, 5), (1, 5), (1, 24)], "{place}: {:?}", line.seen);
            line.dial(Channel::on(1, 6));
            line.dial(Channel::on(0, 6));
            assert_eq!(line.reported("ring"), [6, 38], "{place}");
            assert_eq!(line.reported("active"), [5, 6, 37, 38, 56], "{place}: {:?}", line.seen);

            line.seen.clear();
            line.ours.restart(line.now, Channel::on(1, 5)).expect("the link is up");
            line.pass(SECOND);
            assert_eq!((line.reported("restart"), line.reported("ended")), (vec![37], vec![37]), "{place}");
            assert_eq!(line.active(), [(0, 5), (0, 6), (1, 6), (1, 24)], "{place}: the others go on");

            line.order("clear 56 16");
            line.order("clear 38 16");
            assert_eq!(line.active(), [(0, 5), (0, 6)], "{place}");
            let calls = line.ours.counters().calls;
            assert_eq!((calls.not_understood, calls.element_invalid, calls.element_missing), (0, 0, 0), "{place}");
        }
    }
}
