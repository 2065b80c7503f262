//! A far end that says anything at any time: nothing panics, every call ends exactly once and last, nothing hangs, and
//! two ends that do not understand one another fall silent.
//!
//! Clauses: Q.931 5.8.4

use crate::common::{Alone, Dice, Pair, SECOND};
use isdn::{CallReference, Cause, ChannelChoice, Config, Event, Side, Switch};
use std::collections::HashSet;

/// A message that is nearly right: known types, few references, elements that are cut, doubled or wrong.
fn message(dice: &mut Dice) -> Vec<u8> {
    const TYPES: [u8; 22] = [
        0x01, 0x02, 0x03, 0x05, 0x05, 0x07, 0x0d, 0x0f, 0x45, 0x46, 0x4d, 0x4e, 0x5a, 0x60, 0x62, 0x6e, 0x75, 0x7b,
        0x7d, 0x7d, 0x3f, 0xff,
    ];
    const ELEMENTS: [&[u8]; 20] = [
        &[0x04, 3, 0x80, 0x90, 0xa2],
        &[0x04, 3, 0x80, 0x90, 0xa2],
        &[0x08, 2, 0x80, 0x90],
        &[0x08, 2, 0x82, 0x9e],
        &[0x08, 1, 0x80],
        &[0x14, 1, 10],
        &[0x14, 1, 0],
        &[0x18, 3, 0xa9, 0x83, 0x85],
        &[0x18, 3, 0xa1, 0x83, 0x86],
        &[0x18, 6, 0xa9, 0x93, 0, 0, 0, 0x1e],
        &[0x18, 1, 0xab],
        &[0x1e, 2, 0x82, 0x88],
        &[0x70, 3, 0x80, b'1', b'2'],
        &[0x79, 1, 0x80],
        &[0x79, 1, 0x87],
        &[0xa1],
        &[0x9d, 0x02, 0],
        &[0x02, 0],
        b"\x1c\x0f\x9f\x8b\x01\x00\xa1\x09\x02\x01\x01\x02\x01\x00\x80\x01A",
        b"\x1c\x04\x91\xa1\x7f\x02",
    ];
    let flag = if dice.below(2) == 0 { 0x80 } else { 0 };
    let mut octets = vec![8, 2, flag, dice.below(4) as u8, TYPES[dice.below(22) as usize]];
    // SETUP and RESTART should often be right.
    if octets[4] == 0x05 && dice.below(2) == 0 {
        octets.extend([0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa1, 0x83, 0x80 | (dice.below(31) + 1) as u8]);
    }
    for _ in 0..dice.below(5) {
        octets.extend(ELEMENTS[dice.below(20) as usize]);
    }
    if dice.below(6) == 0 {
        octets.splice(..5, [[0x03, 0x43][dice.below(2) as usize], 2, flag, 0, [0x07, 0x0f][dice.below(2) as usize]]);
        octets.extend([0x01, 1, 0xc0 | dice.below(4) as u8, 0x18, 3, 0xa9, 0x83, 0x80 | (dice.below(31) + 1) as u8]);
    }
    if dice.below(8) == 0 {
        let place = dice.below(octets.len() as u64) as usize;
        octets[place] = dice.roll() as u8;
    }
    if dice.below(8) == 0 {
        octets.truncate(dice.below(octets.len() as u64 + 1) as usize);
    }
    octets
}

/// `Released` comes once for every call, and nothing after it.
#[derive(Default)]
struct Ledger {
    open: HashSet<CallReference>,
    ended: u64,
}

impl Ledger {
    fn enter(&mut self, events: &[Event], dialled: &[CallReference]) {
        self.open.extend(dialled);
        for event in events {
            match event {
                Event::Incoming { call, .. } => assert!(self.open.insert(*call), "{event:?}: there already"),
                Event::Proceeding { call, .. }
                | Event::Alerting { call, .. }
                | Event::Name { call, .. }
                | Event::Progress { call, .. }
                | Event::Connected { call }
                | Event::Disconnecting { call, .. } => assert!(self.open.contains(call), "{event:?}: of no call"),
                Event::Released { call, .. } => {
                    assert!(self.open.remove(call), "{event:?}: of no call");
                    self.ended += 1;
                }
                Event::LinkUp { .. }
                | Event::LinkDown
                | Event::LinkState { .. }
                | Event::Restarted { .. }
                | Event::RestartDone { .. }
                | Event::FarChanged { .. }
                | Event::ServiceSettled { .. }
                | Event::ServiceContested { .. } => {}
            }
        }
    }
}

#[test]
fn one_end_against_noise() {
    let mut ended = 0;
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let side = if seed % 2 == 0 { Side::User } else { Side::Network };
        let switch = [Switch::Ni2, Switch::EuroIsdn, Switch::Qsig][seed as usize % 3];
        let config = Config { number_length: 3, listen: seed % 5 == 0, ..Config::new(side, switch, seed % 4 < 2) };
        // On the variant that has them, every other time with service messages.
        let config = if seed % 6 == 0 { config.with_service_messages().expect("NI-2") } else { config };
        let mut alone = Alone::up_with(config);
        let mut ledger = Ledger::default();
        let mut refusals = 0;
        for _ in 0..400 {
            let mut dialled = Vec::new();
            let calls: Vec<_> = alone.d.calls().map(|summary| summary.call).collect();
            let some = calls.get(dice.below(8) as usize).copied();
            match (dice.below(16), some) {
                (0, _) => {
                    dialled.extend(alone.d.dial(alone.now, &crate::common::setup(ChannelChoice::Preferred(3.into()))));
                }
                (1, _) => dialled.extend(alone.d.dial(alone.now, &crate::common::setup(ChannelChoice::Any))),
                (2, Some(call)) => refusals += u64::from(alone.d.proceed(alone.now, call, 7).is_err()),
                (3, Some(call)) => refusals += u64::from(alone.d.alert(alone.now, call).is_err()),
                (4, Some(call)) => refusals += u64::from(alone.d.connect(alone.now, call).is_err()),
                (5, Some(call)) => refusals += u64::from(alone.d.clear(alone.now, call, Cause::user(16)).is_err()),
                (6, _) => refusals += u64::from(alone.d.restart(alone.now, 9).is_err()),
                (7, _) => alone.run(SECOND * dice.below(40) as u32),
                _ => {
                    let message = message(&mut dice);
                    alone.say(&message);
                }
            }
            alone.settle();
            ledger.enter(&alone.events, &dialled);
            alone.events.clear();
            alone.ladder.clear();
        }
        // Nobody says anything any more: what has been answered is cleared, the rest ends by itself.
        for summary in alone.d.calls().collect::<Vec<_>>() {
            let _ = alone.d.clear(alone.now, summary.call, Cause::user(16));
        }
        alone.run(SECOND * 400);
        ledger.enter(&alone.events, &[]);
        assert_eq!(alone.state(), [0u8; 0], "seed {seed}: calls that do not end");
        assert_eq!(ledger.open, HashSet::new(), "seed {seed}: calls that were not released");
        assert_eq!(alone.d.counters().calls.events_dropped, 0);
        assert!(refusals > 0, "seed {seed}");
        ended += ledger.ended;
    }
    assert!(ended > 1000, "{ended} calls");
}

/// Noise into both ends of a pair; then silence on the line but for layer 2, within a minute.
#[test]
fn two_ends_fall_silent() {
    for seed in 0..20 {
        let mut dice = Dice::new(seed);
        let mut pair = Pair::up();
        let (ours, theirs) = pair.connected(Side::Network, 5);
        for _ in 0..200 {
            let side = if dice.below(2) == 0 { Side::User } else { Side::Network };
            let now = pair.now;
            let noise = message(&mut dice);
            // UI-less noise: an I frame in sequence, as if the far end's layer 3 had gone mad.
            let end = pair.end(side);
            let sequence = end.d.link().counters().information_in as u8 & 0x7f;
            let acknowledged = 0;
            let address = if side == Side::User { 0x02 } else { 0x00 };
            let frame = [&[address, 0x01, sequence << 1, acknowledged], &noise[..]].concat();
            end.d.handle_frame(now, &frame);
            pair.run(SECOND / 100);
        }
        pair.run(SECOND * 60);
        let now = pair.now;
        let _ = pair.network.d.clear(now, ours, Cause::user(16));
        let _ = pair.user.d.clear(now, theirs, Cause::user(16));
        pair.run(SECOND * 300);
        pair.ladder.clear();
        pair.run(SECOND * 3600);
        assert_eq!(pair.ladder, [""; 0], "seed {seed}");
    }
}
