//! Everything at once, from a seed: callers who come and hang up at any moment, desks that change their minds, links
//! that are cut, channels that go out of service. At every step a channel has at most one call; in the end there
//! is nothing left.

mod common;

use common::{Office, Policy, setup, with_subscribers};
use exchange::{Answer, CallerId, SpanId, Subscriber};
use hal::{Line, Timeslot};
use isdn::{Cause, ChannelChoice};
use std::collections::BTreeSet;
use std::time::Duration;

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

fn policy(dice: &mut Dice) -> Policy {
    match dice.throw(12) {
        0 => Policy::Refuse(34),
        1 => Policy::Refuse(44),
        2 => Policy::Refuse(17),
        3 => Policy::ProceedAndRefuse(42),
        4 => Policy::Ignore,
        5 => Policy::Ring,
        6 => Policy::Proceed,
        _ => Policy::Answer,
    }
}

/// A channel is in at most one call, and a call on one channel.
fn check(office: &Office, seed: u64) {
    let taken: Vec<CallerId> = office.switch.channels().filter_map(|channel| channel.caller).collect();
    let different: BTreeSet<CallerId> = taken.iter().copied().collect();
    assert_eq!(taken.len(), different.len(), "seed {seed}: a caller has two channels");
    assert_eq!(taken.len(), office.switch.calls(), "seed {seed}: a call without a channel");
    assert!(office.switch.channels().all(|c| c.channel != Timeslot(16)), "seed {seed}");
}

fn storm(mut office: Office, seed: u64, steps: u32) {
    let mut dice = Dice(seed);
    let spans = office.desks.len() as u64;
    for _ in 0..steps {
        let now = office.now;
        let span = dice.throw(spans) as usize;
        match dice.throw(20) {
            0..=6 => drop(office.dial("100")),
            7..=11 => {
                let calls: Vec<CallerId> = office.switch.channels().filter_map(|channel| channel.caller).collect();
                if !calls.is_empty() {
                    let caller = calls[dice.throw(calls.len() as u64) as usize];
                    office.switch.hang_up(now, caller, Cause::user(16));
                }
            }
            12 | 13 => {
                let calls: Vec<_> = office.desks[span].calls.keys().copied().collect();
                if !calls.is_empty() {
                    let call = calls[dice.throw(calls.len() as u64) as usize];
                    // It may be ending already.
                    let _ = office.desks[span].d.clear(now, call, Cause::user(16));
                }
            }
            14 => office.desks[span].policy = policy(&mut dice),
            15 => office.desks[span].cut = dice.throw(3) == 0,
            16 => {
                let channel = Timeslot(dice.throw(34) as u8);
                office.switch.channel_in_service(SpanId(span), channel, dice.throw(3) > 0);
            }
            17 => office.switch.span_usable(SpanId(span), dice.throw(4) > 0),
            _ => {
                let channel = match dice.throw(4) {
                    0 => ChannelChoice::Any,
                    1 => ChannelChoice::Exclusive((1 + dice.throw(31) as u8).into()),
                    _ => ChannelChoice::Preferred((1 + dice.throw(31) as u8).into()),
                };
                let called = ["200", "201", "202", "999"][dice.throw(4) as usize];
                // The link may be down.
                let _ = office.desks[span].d.dial(now, &setup(called, channel));
            }
        }
        office.settle();
        check(&office, seed);
        let wait = [0, 1, 20, 300, 5_000][dice.throw(5) as usize];
        office.pass(wait);
        check(&office, seed);
    }
    // Calm: everybody is reachable again and hangs up.
    for desk in &mut office.desks {
        desk.cut = false;
    }
    office.pass(200_000);
    let calls: Vec<CallerId> = office.switch.channels().filter_map(|channel| channel.caller).collect();
    for caller in calls {
        office.switch.hang_up(office.now, caller, Cause::user(16));
    }
    office.pass(200_000);
    // What the desks still have is theirs to end (a desk that never answered, for one).
    for span in 0..office.desks.len() {
        let now = office.now;
        let left: Vec<_> = office.desks[span].calls.keys().copied().collect();
        for call in left {
            let _ = office.desks[span].d.clear(now, call, Cause::user(16));
        }
    }
    office.pass(200_000);
    office.assert_idle();
}

#[test]
fn nothing_is_left_of_a_storm() {
    for seed in 0..40 {
        storm(Office::new(Line::E1, &[&[1, 1], &[1]]), seed, 300);
    }
}

#[test]
fn nothing_is_left_of_a_storm_from_both_sides_of_one_span() {
    let subscriber = |number: &str, answer| Subscriber { number: number.into(), answer };
    for seed in 0..40 {
        let subscribers = vec![
            subscriber("200", Answer::After(Duration::from_millis(700))),
            subscriber("201", Answer::Busy),
            subscriber("202", Answer::Never),
        ];
        storm(with_subscribers(Line::E1, subscribers), seed, 300);
    }
}
