//! What both kinds of simulation share: the gateway's settings, the events there are, the callers'
//! intentions, and what must hold at every step.

use crate::random::Random;
use event::{EventNumber, Keyring, Role};
use hal::Line;
use std::collections::BTreeSet;
use std::time::Duration;
use trunkcast::gateway::{Gateway, Settings};

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

/// A gateway with one T1.
pub fn gateway(keyring: Keyring, switch: isdn::Switch) -> Gateway {
    Gateway::new(Settings {
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
