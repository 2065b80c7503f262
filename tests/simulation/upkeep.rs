//! Technicians, a shortage of ports and the end of the daemon, in a simulated hour; and what must hold all the same.
//!
//! The daemon is killed at any moment, and a new one is given what the old one had on the disk: the sets of the ledger before the
//! links are asked for, and the ports held back. The exchange stays up and keeps what it believes.
//!
//! Words: disturbed: the D channel carries nothing, or there is no daemon; what must agree in a while gets its time anew.

use crate::random::Random;
use crate::world::Tally;
use event::EventNumber;
use exchange::{CallerId, SpanId, Switch};
use hal::Timeslot;
use isdn::FarState;
use std::collections::BTreeMap;
use std::time::Duration;
use trunkcast::gateway::{Channel, Gateway, Holds, Marks, NearSets, WhenOut};
use trunkcast::reports::{Command, What};

/// The bearer channels of the span.
pub const ALL: u32 = (1 << 23) - 1;
/// With four ports: short of them now and then.
const MARKS: Marks = Marks { low: 1, high: 2, dwell: Duration::from_secs(30) };
/// With four ports: short of them seldom.
const LOW_MARKS: Marks = Marks { low: 0, high: 1, dwell: Duration::from_secs(30) };
/// How long a port that was used is held back.
pub const PORT_REUSE: Duration = Duration::from_secs(120);
/// On a sound D channel the two ends agree about states and calls within this time: T309 and the 30 s of T203 for a link that one
/// end takes for up, a SERVICE that is lost with its link and told again on the next, the pace of SERVICE.
pub const BOUND: Duration = Duration::from_secs(240);

/// What a technician's orders have come to, by reason: the channels, and those of them that do not wait.
type Sets = BTreeMap<Holds, (u32, u32)>;

/// See the module.
pub struct Upkeep {
    /// SERVICE is spoken.
    pub service: bool,
    pub when_out: WhenOut,
    /// Technicians and shortages are rare, so that what a kill leaves behind is left to the two ends.
    pub calm: bool,
    /// What is on the disk.
    ledger: Sets,
    ports: BTreeMap<u16, (EventNumber, Option<Duration>)>,
    /// What the daemon has told since it started.
    near: NearSets,
    pending: u32,
    short: bool,
    /// Channels our exchange keeps back.
    theirs: u32,
    /// Calls of the exchange that the gateway does not know, and since when.
    unknown: BTreeMap<CallerId, Duration>,
    /// Channels whose state the two ends see differently, and since when.
    disputed: BTreeMap<u8, Duration>,
    pub tally: Tally,
}

impl Upkeep {
    /// Chooses what this seed is about.
    pub fn new(random: &mut Random, switch: isdn::Switch) -> Upkeep {
        let service = switch.row().service.is_some() && !random.once_in(3);
        let told = [WhenOut::Service, WhenOut::ServiceAndDChannel, WhenOut::DChannel, WhenOut::Reject];
        let untold = [WhenOut::DChannel, WhenOut::Reject];
        Upkeep {
            service,
            when_out: *random.pick(if service { &told[..] } else { &untold[..] }),
            calm: random.once_in(3),
            ledger: Sets::from([(Holds::OPERATOR, (0, 0)), (Holds::LOAD, (0, 0))]),
            ports: BTreeMap::new(),
            near: NearSets::default(),
            pending: 0,
            short: false,
            theirs: 0,
            unknown: BTreeMap::new(),
            disputed: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// What a daemon that starts is given, as `src/daemon.rs` does.
    pub fn hand_over(&mut self, now: Duration, gateway: &mut Gateway) {
        gateway.set_when_out(0, self.when_out);
        gateway.set_marks(if self.calm { LOW_MARKS } else { MARKS });
        gateway.set_restart_at_start(0, true);
        if self.service {
            gateway.with_service_messages(0).expect("the variant has them");
        }
        for (port, (event, until)) in &mut self.ports {
            gateway.hold_port(*port, *event, *until.get_or_insert(now + PORT_REUSE));
        }
        self.ledger.keys().copied().collect::<Vec<_>>().into_iter().for_each(|hold| {
            gateway.handle_command(now, self.order(hold));
        });
    }

    /// The daemon is gone, with everything it had in memory.
    pub fn killed(&mut self) {
        (self.near, self.pending, self.short) = (NearSets::default(), 0, false);
        self.disturbed();
        self.tally.kills += 1;
    }

    /// The D channel carries nothing, or there is no daemon.
    pub fn disturbed(&mut self) {
        self.unknown.clear();
        self.disputed.clear();
    }

    /// A technician, or the group of servers, makes up its mind.
    pub fn ordered(&mut self, random: &mut Random) -> Command {
        let hold = *random.pick(&[Holds::OPERATOR, Holds::LOAD]);
        let some = random.below(u64::from(ALL) + 1) as u32;
        let (channels, forced) = self.ledger[&hold];
        let sets = match random.below(8) {
            0 => (ALL, 0),
            1 => (ALL, ALL),
            2 => (some, 0),
            3 => (channels | 1 << random.below(23), forced),
            // The grace of a suspension is over.
            4 => (channels, channels & some),
            5 => (channels & some, forced & some),
            _ => (0, 0),
        };
        self.ledger.insert(hold, sets);
        self.tally.orders += 1;
        self.order(hold)
    }

    /// Everything is resumed.
    pub fn resumed(&mut self) -> [Command; 2] {
        self.ledger.values_mut().for_each(|sets| *sets = (0, 0));
        [self.order(Holds::OPERATOR), self.order(Holds::LOAD)]
    }

    fn order(&self, hold: Holds) -> Command {
        let (channels, forced) = self.ledger[&hold];
        Command::Hold { span: 0, hold, channels, forced }
    }

    /// The exchange keeps a channel back, or no longer.
    pub fn they_order(&mut self, random: &mut Random, switch: &mut Switch) {
        let place = random.below(23) as u8;
        self.theirs ^= 1 << place;
        switch.channel_in_service(SpanId(0), Timeslot(place + 1), self.theirs & 1 << place == 0);
    }

    /// The exchange gives all of them back.
    pub fn they_resume(&mut self, switch: &mut Switch) {
        for place in 0..23u8 {
            if self.theirs & 1 << place != 0 {
                switch.channel_in_service(SpanId(0), Timeslot(place + 1), true);
            }
        }
        self.theirs = 0;
    }

    fn held(&self) -> u32 {
        let ledger = self.ledger.values().fold(0, |set, (channels, _)| set | channels);
        if self.short { ALL } else { ledger }
    }

    fn forced(&self) -> u32 {
        self.ledger.values().fold(0, |set, (_, forced)| set | forced)
    }

    /// The daemon reports.
    pub fn note(&mut self, now: Duration, what: &What) {
        self.tally.note(what);
        match what {
            What::Near { sets, .. } => self.near = *sets,
            What::ServicePending { channels, .. } => self.pending = *channels,
            What::PortsShort { short, .. } => self.short = *short,
            What::CallTaken { channel, .. } => {
                let bit = 1 << channel.timeslot.index();
                // The one exception: the exchange offered it before it heard of a drain.
                let crossed = self.service && self.pending & bit != 0 && self.forced() & bit == 0;
                assert!(
                    self.near.out & bit == 0 || crossed,
                    "a call was taken on {channel:?}, which is out of service"
                );
            }
            What::StreamStart { event, port } => drop(self.ports.insert(*port, (*event, None))),
            What::StreamStop { event, port } => drop(self.ports.insert(*port, (*event, Some(now + PORT_REUSE)))),
            What::ConferenceOpened { event, port } => {
                if let Some((before, until)) = self.ports.get(port) {
                    let over = until.is_some_and(|until| until <= now);
                    assert!(over || before == event, "port {port} went from one event to another before its time");
                }
            }
            _ => {}
        }
    }

    /// What must hold at every step.
    pub fn check(&mut self, now: Duration, gateway: &Gateway, switch: &Switch, callers: &BTreeMap<CallerId, Channel>) {
        let (out, draining) = (self.near.out, self.near.draining);
        assert_eq!(out | draining, self.held(), "channels that are out or draining, and those that are held");
        let busy = gateway.calls().fold(0, |set, (channel, ..)| set | 1 << channel.timeslot.index());
        assert_eq!(self.held() & !busy & !out, 0, "held, idle and not out");
        assert_eq!(draining, self.held() & busy, "draining, and those with a call that are held");
        self.check_calls(now, busy, callers);
        self.check_states(now, gateway, switch);
    }

    /// The exchange has calls that the gateway does not know only for so long; unless the channel is out, when RESTART might
    /// put it back, and the caller has to hang up.
    fn check_calls(&mut self, now: Duration, busy: u32, callers: &BTreeMap<CallerId, Channel>) {
        let open = !(busy | self.held() | self.theirs);
        let unknown = |channel: &Channel| open & 1 << channel.timeslot.index() != 0;
        self.unknown.retain(|caller, _| callers.get(caller).is_some_and(unknown));
        for (caller, channel) in callers.iter().filter(|(_, channel)| unknown(channel)) {
            let since = *self.unknown.entry(*caller).or_insert(now);
            assert!(
                now - since <= BOUND,
                "{channel:?} has a call at the exchange since {since:?} that nobody knows here"
            );
        }
    }

    /// What the exchange believes of a channel is what the channel is.
    fn check_states(&mut self, now: Duration, gateway: &Gateway, switch: &Switch) {
        if !self.service || !gateway.link_up(0) || !switch.link_up(SpanId(0)) {
            return self.disputed.clear();
        }
        let d = switch.d_channel(SpanId(0)).expect("there is one span");
        for n in 1..=23u8 {
            let out = self.near.out & 1 << (n - 1) != 0;
            let believed = d.service(n).map(|service| service.far);
            if believed == Some(if out { FarState::OutOfService } else { FarState::InService }) {
                self.disputed.remove(&n);
                continue;
            }
            let since = *self.disputed.entry(n).or_insert(now);
            assert!(now - since <= BOUND, "channel {n}: out {out}, at the exchange {believed:?}, since {since:?}");
        }
    }

    /// What must hold at the end, when nothing holds a channel.
    pub fn check_end(&self, switch: &Switch) {
        assert_eq!(self.near, NearSets::default(), "channels stay out, and nothing holds them");
        assert_eq!(self.pending, 0, "SERVICE is still pending");
        let d = switch.d_channel(SpanId(0)).expect("there is one span");
        for n in 1..=23u8 {
            let service = d.service(n).expect("a channel");
            assert!(service.incoming && service.outgoing, "channel {n} is lost for the exchange: {service:?}");
            assert!(service.far == FarState::InService, "channel {n} is {:?} in the exchange's view", service.far);
        }
    }
}
