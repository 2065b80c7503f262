//! Two data links and the line between them, on a virtual clock.
//!
//! The line has a delay and, when told, faults drawn from a seed: it loses frames, doubles them, and swaps neighbours.
//! Neighbours are swapped only among I and S frames: a real line never reorders, and a sequence number that overtakes an
//! establishment would belong to another link.

use crate::common::{Dice, Towards};
use isdn::Side;
use isdn::q921::{DataLink, Output, Parameters, StateName};
use std::time::Duration;

/// Chances in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub lost: u64,
    pub doubled: u64,
    pub swapped: u64,
}

/// What an owner of a link has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Up { reset: bool },
    Down,
    Message(Vec<u8>),
}

/// One end, its owner, and the frames on their way to it.
pub struct End {
    pub link: DataLink,
    pub seen: Vec<Seen>,
    towards: Towards,
}

impl End {
    pub fn messages(&self) -> Vec<Vec<u8>> {
        self.seen
            .iter()
            .filter_map(|seen| match seen {
                Seen::Message(octets) => Some(octets.clone()),
                Seen::Up { .. } | Seen::Down => None,
            })
            .collect()
    }
}

/// User and network, joined.
pub struct Pair {
    pub user: End,
    pub network: End,
    pub now: Duration,
    pub faults: Faults,
    /// Cut: everything is lost, both ways.
    pub cut: bool,
    /// Frames as they were sent, `>` from the user, `<` from the network.
    pub ladder: Vec<String>,
    dice: Dice,
}

impl Pair {
    pub fn new(parameters: Parameters, seed: u64) -> Self {
        let end = |side| End { link: DataLink::new(side, parameters), seen: Vec::new(), towards: Towards::default() };
        Pair {
            user: end(Side::User),
            network: end(Side::Network),
            now: Duration::ZERO,
            faults: Faults::default(),
            cut: false,
            ladder: Vec::new(),
            dice: Dice::new(seed),
        }
    }

    /// A pair that is up, with its ladder and what was seen forgotten.
    pub fn up(parameters: Parameters, seed: u64) -> Self {
        let mut pair = Pair::new(parameters, seed);
        pair.user.link.establish(pair.now);
        pair.network.link.establish(pair.now);
        pair.run(Duration::from_millis(100));
        assert_eq!(pair.user.link.state(), StateName::MultipleFrameEstablished);
        assert_eq!(pair.network.link.state(), StateName::MultipleFrameEstablished);
        pair.forget();
        pair
    }

    /// The user alone: the test plays the network by hand, what the user sends is lost.
    pub fn user_up_alone(parameters: Parameters) -> Self {
        let mut pair = Pair::up(parameters, 1);
        pair.cut = true;
        pair.network.link = DataLink::new(Side::Network, parameters);
        pair
    }

    pub fn forget(&mut self) {
        self.ladder.clear();
        self.user.seen.clear();
        self.network.seen.clear();
    }

    pub fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::User => &mut self.user,
            Side::Network => &mut self.network,
        }
    }

    /// Collects what an end has to say.
    pub fn drain(&mut self, side: Side) {
        while let Some(output) = self.end(side).link.poll_output() {
            match output {
                Output::Transmit(frame) => {
                    let frame = frame.to_vec();
                    self.put_on_line(side, &frame);
                }
                Output::Established { reset } => self.end(side).seen.push(Seen::Up { reset }),
                Output::Released => self.end(side).seen.push(Seen::Down),
                Output::Information(message) => {
                    let message = Seen::Message(message.to_vec());
                    self.end(side).seen.push(message);
                }
            }
        }
    }

    fn put_on_line(&mut self, from: Side, frame: &[u8]) {
        let faults = self.faults;
        let lost = self.cut || self.dice.percent(faults.lost);
        self.ladder.push(format!("{}{}", describe(from, frame), if lost { " lost" } else { "" }));
        if lost {
            return;
        }
        let copies = if self.dice.percent(faults.doubled) { 2 } else { 1 };
        let swap = self.dice.percent(faults.swapped);
        let now = self.now;
        let towards = &mut self.end(from.peer()).towards;
        for _ in 0..copies {
            towards.put(now, frame);
        }
        if swap {
            towards.swap_last(|frame| frame[2] & 0x03 != 0x03);
        }
    }

    /// Puts a frame of the test's making on the line towards `side`.
    pub fn inject(&mut self, side: Side, frame: &[u8]) {
        let now = self.now;
        self.end(side).link.handle_frame(now, frame);
        self.drain(side);
    }

    pub fn send(&mut self, from: Side, message: &[u8]) {
        let now = self.now;
        self.end(from).link.send(now, message).expect("the link takes it");
        self.drain(from);
    }

    fn next_event(&self) -> Option<Duration> {
        [&self.user, &self.network]
            .into_iter()
            .flat_map(|end| [end.link.poll_timeout(), end.towards.next()])
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
                    self.end(side).link.handle_frame(now, &frame);
                    self.drain(side);
                }
                if self.end(side).link.poll_timeout().is_some_and(|deadline| deadline <= now) {
                    self.end(side).link.handle_timeout(now);
                    self.drain(side);
                }
            }
        }
        self.now = end;
    }
}

/// A frame in a word or two, for ladders.
pub fn describe(from: Side, frame: &[u8]) -> String {
    use isdn::q921::frame::{Frame, Supervisory, Unnumbered, decode};
    let arrow = if from == Side::User { '>' } else { '<' };
    let bit = |set: bool, name: &str| if set { format!(" {name}") } else { String::new() };
    let text = match decode(frame, from, 260).expect("the links send frames") {
        Frame::Information { n_s, n_r, poll, .. } => format!("I {n_s} {n_r}{}", bit(poll, "P")),
        Frame::Supervisory { function, command, n_r, poll_final } => {
            let name = match function {
                Supervisory::ReceiveReady => "RR",
                Supervisory::ReceiveNotReady => "RNR",
                Supervisory::Reject => "REJ",
            };
            format!("{name} {n_r}{}", bit(poll_final, if command { "P" } else { "F" }))
        }
        Frame::Unnumbered { function, poll_final } => {
            let (name, command) = match function {
                Unnumbered::Sabme => ("SABME", true),
                Unnumbered::Disc => ("DISC", true),
                Unnumbered::Ua => ("UA", false),
                Unnumbered::Dm => ("DM", false),
                Unnumbered::Frmr => ("FRMR", false),
                Unnumbered::Ui => ("UI", true),
                Unnumbered::Xid => ("XID", true),
            };
            format!("{name}{}", bit(poll_final, if command { "P" } else { "F" }))
        }
    };
    format!("{arrow} {text}")
}

/// The user in this state, and a far end that says only what the test makes it say.
pub fn user_in(state: StateName) -> Pair {
    let parameters = Parameters::default();
    let mut pair = match state {
        StateName::TeiAssigned | StateName::AwaitingEstablishment => Pair::new(parameters, 1),
        _ => Pair::user_up_alone(parameters),
    };
    pair.cut = true;
    match state {
        StateName::TeiAssigned | StateName::MultipleFrameEstablished => {}
        StateName::AwaitingEstablishment => pair.user.link.establish(pair.now),
        StateName::AwaitingRelease => pair.user.link.release(pair.now),
        StateName::TimerRecovery => pair.run(parameters.t203),
    }
    pair.drain(Side::User);
    pair.forget();
    assert_eq!(pair.user.link.state(), state);
    pair
}

/// What the user in this state answers to a frame, what its owner sees, and where it stands then.
pub fn fate(state: StateName, frame: &[u8]) -> (Vec<String>, Vec<Seen>, StateName) {
    let mut pair = user_in(state);
    pair.inject(Side::User, frame);
    let said = pair.ladder.iter().map(|line| line.trim_end_matches(" lost").to_string()).collect();
    (said, pair.user.seen, pair.user.link.state())
}
