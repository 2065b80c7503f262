//! What both kinds of simulation share: the gateway's settings, the events there are, the callers'
//! intentions, and what must hold at every step.

use crate::random::Random;
use conference::{Happening, HostLeaves, Mode, Order, Policy, Room};
use event::{EventNumber, Keyring, Role};
use hal::Line;
use std::collections::BTreeSet;
use std::time::Duration;
use trunkcast::gateway::{CallId, Gateway, Settings};

/// Stream ports: few enough that they run out now and then.
pub const PORTS: usize = 4;
/// How long a stream lingers.
pub const LINGER: Duration = Duration::from_secs(30);
/// The simulated time.
pub const HOUR: Duration = Duration::from_secs(3600);
/// Time given at the end for every timer there is to run out (T309 is the longest).
pub const AFTERMATH: Duration = Duration::from_secs(300);

/// What came to pass.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub calls: u64,
    pub admitted: u64,
    pub wrong: u64,
    pub turned_away: u64,
    pub ended_by_host: u64,
    pub streams: u64,
    pub link_losses: u64,
    pub frames_lost: u64,
    pub orders: u64,
    pub kills: u64,
    pub shortages: u64,
    pub restarted: u64,
    pub controls: u64,
    pub muted: u64,
    pub waited: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.calls += other.calls;
        self.admitted += other.admitted;
        self.wrong += other.wrong;
        self.turned_away += other.turned_away;
        self.ended_by_host += other.ended_by_host;
        self.streams += other.streams;
        self.link_losses += other.link_losses;
        self.frames_lost += other.frames_lost;
        self.orders += other.orders;
        self.kills += other.kills;
        self.shortages += other.shortages;
        self.restarted += other.restarted;
        self.controls += other.controls;
        self.muted += other.muted;
        self.waited += other.waited;
    }

    /// Count a report.
    pub fn note(&mut self, what: &trunkcast::reports::What) {
        use trunkcast::reports::What;
        match what {
            What::CallTaken { .. } => self.calls += 1,
            What::Joined { .. } => self.admitted += 1,
            What::EntryWrong { .. } => self.wrong += 1,
            What::TurnedAway { .. } => self.turned_away += 1,
            What::EventClosed { by: Some(_), .. } => self.ended_by_host += 1,
            What::StreamStart { .. } => self.streams += 1,
            What::LinkDown { .. } => self.link_losses += 1,
            What::PortsShort { short: true, .. } => self.shortages += 1,
            What::Answered { answer: Ok(_), .. } => self.controls += 1,
            What::Conference { what: Happening::Muted { muted: Some(_), .. }, .. } => self.muted += 1,
            What::Conference { what: Happening::Waits { .. }, .. } => self.waited += 1,
            What::StartedAfresh { channels, .. } => self.restarted += u64::from(*channels),
            _ => {}
        }
    }
}

/// An event callers know of.
#[derive(Clone)]
pub struct KnownEvent {
    pub number: EventNumber,
    pub host_pin: String,
    pub speaker_pin: String,
}

/// The keys, and the events made with them.
pub fn events(random: &mut Random) -> (Keyring, Vec<KnownEvent>) {
    let keyring = Keyring::random();
    let count = 6 + random.below(12);
    let events = (0..count)
        .map(|_| {
            let number = EventNumber::random(keyring.current());
            let pin = |role| keyring.pin(number, role).expect("a current key").as_str().to_owned();
            KnownEvent { number, host_pin: pin(Role::Host), speaker_pin: pin(Role::Speaker) }
        })
        .collect();
    (keyring, events)
}

/// What hosts and callers key in conferences, and what the office orders.
pub const CONTROLS: [&str; 18] =
    ["*6", "*6", "*2", "*4", "*5", "*7", "*8", "*9", "*0", "#1", "#2", "#3", "#6", "#7", "#8", "##", "*1", "5"];

/// Rules of conferences: any.
pub fn rules(random: &mut Random) -> Policy {
    let seconds = |random: &mut Random, most| Duration::from_secs(1 + random.below(most));
    Policy {
        mode: *random.pick(&[Mode::Conversation, Mode::Conversation, Mode::Question, Mode::Lecture]),
        wait_for_host: random.once_in(3),
        waiting_room: random.once_in(4),
        host_leaves: match random.below(3) {
            0 => HostLeaves::End,
            1 => HostLeaves::Grace(seconds(random, 120)),
            _ => HostLeaves::GoOn,
        },
        names: random.once_in(3),
        max_members: random.below(4) as u16 * 2,
        min_members: random.below(3) as u16,
        min_grace: seconds(random, 60),
        max_duration: random.once_in(3).then(|| seconds(random, 900)),
        ..Policy::default()
    }
}

/// An order of the office.
pub fn order(random: &mut Random, calls: &[CallId]) -> Order<CallId> {
    let who = calls.get(random.below(1 + calls.len() as u64) as usize).copied().unwrap_or(CallId(0));
    let flag = random.once_in(2);
    match random.below(14) {
        0 => Order::Mute(who),
        1 => Order::Unmute(who),
        2 => Order::MuteAll { lock: flag },
        3 => Order::UnmuteAll,
        4 => Order::Lock(random.once_in(4)),
        5 => Order::Mode(*random.pick(&[Mode::Conversation, Mode::Question, Mode::Lecture])),
        6 => Order::Kick(who),
        7 => Order::Admit(who),
        8 => Order::AdmitAll,
        9 => Order::CallOn(who),
        10 => Order::CallOnNext,
        11 => Order::LowerHand(who),
        12 => Order::Count,
        _ if random.once_in(6) => Order::End,
        _ => Order::LowerHands,
    }
}

/// A gateway with one T1.
pub fn gateway(keyring: Keyring, switch: isdn::Switch, rules: Policy) -> Gateway {
    Gateway::new(Settings {
        rules,
        ports: PORTS,
        port_reuse: Duration::from_secs(120),
        linger: LINGER,
        ..Settings::new(vec![(Line::T1, switch)], keyring)
    })
}

/// What somebody who calls means to key: event number and PIN, right or wrong.
pub fn entry(random: &mut Random, events: &[KnownEvent]) -> (String, String) {
    let event = random.pick(events);
    let number = event.number.to_string();
    match random.below(10) {
        // A slip of the finger in the number.
        0 => {
            let wrong: String = number.chars().rev().collect();
            (wrong, event.speaker_pin.clone())
        }
        // A guess.
        1 => (number, format!("{:08}", random.below(100_000_000))),
        // Too few digits.
        2 => (number[..4].to_owned(), event.speaker_pin[..3].to_owned()),
        3 | 4 => (number, event.host_pin.clone()),
        _ => (number, event.speaker_pin.clone()),
    }
}

/// What must hold at every step.
pub fn check(gateway: &Gateway) {
    let mut members = [0u16; PORTS];
    let mut ids = BTreeSet::new();
    for (channel, call, conference) in gateway.calls() {
        assert!(ids.insert(call), "call {call:?} is on two channels, one of them {channel:?}");
        if let Some(conference) = conference {
            members[usize::from(conference.0)] += 1;
        }
    }
    let mut on_ports = BTreeSet::new();
    for (index, event, count, _) in gateway.conferences() {
        assert!(on_ports.insert(event), "event {event} is on two ports");
        assert_eq!(members[usize::from(index.0)], count, "members of {event}");
        let seated = gateway.rooms().members_of(Room(usize::from(index.0))).count();
        assert_eq!(seated, usize::from(count), "who is in a conference has a seat in it");
        let state = gateway.rooms().state(Room(usize::from(index.0))).expect("it is open");
        assert_eq!(state.count.present + state.count.waiting, count, "in it or waiting");
        members[usize::from(index.0)] = 0;
    }
    assert_eq!(members, [0; PORTS], "callers in a conference that is not there");
    assert_eq!(
        gateway.ports().used().map(|(_, e)| e).collect::<BTreeSet<_>>(),
        on_ports,
        "a port without a conference"
    );
    assert_eq!(gateway.lost_outputs(), 0);
}

/// What must hold when everybody has hung up and every timer has run out.
pub fn check_end(gateway: &Gateway) {
    assert_eq!(gateway.calls().count(), 0, "calls left: {:?}", gateway.calls().collect::<Vec<_>>());
    assert_eq!(gateway.conferences().count(), 0, "conferences left");
    assert_eq!(gateway.ports().used().count(), 0, "ports left");
    assert_eq!(gateway.signalled_calls(0), 0, "the D channel still knows calls");
    assert!(gateway.link_up(0), "the D channel did not come back");
}
