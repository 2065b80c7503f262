//! libpri as the exchange, stepped under the story's clock. What it reports of calls, SERVICE and its link is its view; it keeps
//! no table of channels itself, so the hunting is done here, as its users do it.

use super::{FarEnd, Trunk};
use hal::Line;
use hw_tests::stepped::{Answer, Peer};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;

/// As long as ours; libpri has six seconds unless told.
const T309: &str = "timer T309 90000";

/// See the module.
pub struct Libpri {
    peer: Peer,
    trunk: Trunk,
    now: Duration,
    frames: VecDeque<Vec<u8>>,
    up: bool,
    usable: bool,
    /// Channels with a call, and those where it is through.
    taken: u32,
    active: u32,
    /// What SERVICE said last, by channel.
    told: [u64; 32],
    /// The channels where the call being placed was refused, and the one where it is offered.
    refused: u32,
    offered: Option<u8>,
    causes: Vec<u8>,
}

const fn bit(channel: u8) -> u32 {
    1 << (channel - 1)
}

impl Libpri {
    pub fn start(now: Duration, trunk: Trunk) -> Libpri {
        let e1 = trunk.place.line() == Line::E1;
        let (peer, first) = Peer::start("network", trunk.place.switch.row().name, if e1 { "e1" } else { "t1" });
        let mut libpri = Libpri {
            peer,
            trunk,
            now: Duration::ZERO,
            frames: VecDeque::new(),
            up: false,
            usable: true,
            taken: 0,
            active: 0,
            told: [0; 32],
            refused: 0,
            offered: None,
            causes: Vec::new(),
        };
        libpri.take_in(first);
        libpri.order(now, T309);
        libpri
    }

    fn clock(&mut self, now: Duration) {
        if self.now != now {
            self.now = now;
            let answer = self.peer.time(now);
            self.take_in(answer);
        }
    }

    fn order(&mut self, now: Duration, order: &str) {
        self.clock(now);
        let answer = self.peer.order(order);
        self.take_in(answer);
    }

    fn take_in(&mut self, answer: Answer) {
        self.frames.extend(answer.frames);
        for event in answer.events {
            self.note(&event);
        }
    }

    fn note(&mut self, event: &Value) {
        let number = |field: &str| event[field].as_u64().and_then(|n| u8::try_from(n).ok());
        // What is not about one channel has -1 or 0.
        let channel = number("channel").filter(|n| (1..32).contains(n));
        match (event["event"].as_str().unwrap_or_default(), channel) {
            ("up", _) => self.up = true,
            ("down", _) => self.up = false,
            ("active", Some(channel)) => {
                self.active |= bit(channel);
                self.offered = None;
            }
            ("moved", Some(from)) => {
                let to = number("to").expect("to a channel");
                self.taken = self.taken & !bit(from) | bit(to);
                self.offered = Some(to);
            }
            ("ended", Some(channel)) => {
                (self.taken, self.active) = (self.taken & !bit(channel), self.active & !bit(channel));
                let cause = number("cause").unwrap_or(0);
                if self.offered.take_if(|offered| *offered == channel).is_some() && cause == 44 {
                    self.refused |= bit(channel);
                    self.offer(44);
                } else {
                    self.causes.push(cause);
                }
            }
            ("service", Some(channel)) => {
                self.told[usize::from(channel)] = event["status"].as_u64().expect("a state");
            }
            _ => {}
        }
    }

    /// On the next channel, or the caller is told this.
    fn offer(&mut self, otherwise: u8) {
        let (out, maintenance) = self.told();
        let idle = self.trunk.place.channels() & !(self.taken | self.refused | out | maintenance);
        if idle == 0 {
            self.causes.push(otherwise);
            return;
        }
        let channel = idle.trailing_zeros() as u8 + 1;
        self.taken |= bit(channel);
        self.offered = Some(channel);
        let word = if self.trunk.prefers { "prefer" } else { "call" };
        let answer = self.peer.order(&format!("{word} {channel} 5550100 2025550101"));
        self.take_in(answer);
    }

    fn of_state(&self, state: u64) -> u32 {
        (1..32u8).filter(|n| self.told[usize::from(*n)] == state).fold(0, |set, n| set | bit(n))
    }
}

impl FarEnd for Libpri {
    fn deadline(&self) -> Option<Duration> {
        self.peer.deadline
    }

    fn handle_time(&mut self, now: Duration) {
        self.clock(now);
    }

    fn handle_frame(&mut self, now: Duration, frame: &[u8]) {
        self.clock(now);
        let answer = self.peer.frame(frame);
        self.take_in(answer);
    }

    fn poll_frame(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    fn handle_line(&mut self, usable: bool) {
        self.usable = usable;
    }

    fn dial(&mut self, now: Duration) {
        self.clock(now);
        self.refused = 0;
        // 38: network out of order; 34: no channel available.
        if self.up && self.usable { self.offer(34) } else { self.causes.push(38) }
    }

    fn hang_up(&mut self, now: Duration, channel: u8) {
        self.order(now, &format!("clear {channel} 16"));
    }

    fn active(&self) -> u32 {
        self.active
    }

    fn told(&self) -> (u32, u32) {
        (self.of_state(2), self.of_state(1))
    }

    fn causes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.causes)
    }

    fn link_up(&self) -> bool {
        self.up
    }
}
