//! The real-time thread owns the D channel, so it may not allocate: not for calls, nor for errors, nor when the link goes.

mod common;

use common::{Dice, config, setup};
use isdn::{
    CallReference, Cause, Channel, ChannelChoice, DChannel, Event, Group, LinkId, Manner, Output, ServiceState, Side,
};
use std::time::Duration;

/// What one end does with the other's frames and its own events; no memory but what the D channel has.
fn pump(from: &mut DChannel, to: &mut DChannel, now: Duration, lose: &mut Dice, counts: &mut [u64; 3]) -> bool {
    let mut any = false;
    while let Some(output) = from.poll_output() {
        any = true;
        match output {
            Output::Frame(link, frame) => {
                if lose.below(50) != 0 {
                    to.handle_frame_on(now, link, frame);
                }
            }
            Output::Event(Event::Incoming { call, setup }) => {
                let channel = match setup.channel {
                    ChannelChoice::Exclusive(channel) => channel,
                    _ => Channel::new((lose.below(23) + 1) as u8),
                };
                let _ = from.proceed(now, call, channel);
                let _ = from.connect(now, call);
                counts[0] += 1;
            }
            Output::Event(Event::Connected { .. }) => counts[1] += 1,
            Output::Event(Event::Released { .. }) => counts[2] += 1,
            Output::Event(_) => {}
        }
    }
    any
}

#[test]
fn a_d_channel_allocates_nothing() {
    let with_service = |side| config(side).with_service_messages().expect("NI-2 has them");
    let mut user = Box::new(DChannel::new(with_service(Side::User)));
    let mut network = Box::new(DChannel::new(with_service(Side::Network)));
    let mut dice = Dice::new(1);
    let mut counts = [0; 3];
    let garbage: Vec<u8> = (0..=255).collect();
    let allocations = allocation_counter::measure(|| {
        let mut now = Duration::ZERO;
        user.start(now);
        network.start(now);
        for round in 0..20_000u64 {
            now += Duration::from_millis(100);
            match dice.below(13) {
                0 | 1 => {
                    let channel = Channel::new((dice.below(23) + 1) as u8);
                    let _ = network.dial(now, &setup(ChannelChoice::Preferred(channel)));
                }
                2 => drop(user.dial(now, &setup(ChannelChoice::Any))),
                3 => drop(user.restart(now, (dice.below(23) + 1) as u8)),
                4..=8 => {
                    let end = if dice.below(2) == 0 { &mut user } else { &mut network };
                    let call: Option<CallReference> = end.calls().next().map(|summary| summary.call);
                    if let Some(call) = call {
                        let _ = end.clear(now, call, Cause::user(16));
                    }
                }
                12 => {
                    let state = if dice.below(3) == 0 { ServiceState::OutOfService } else { ServiceState::InService };
                    let end = if dice.below(2) == 0 { &mut user } else { &mut network };
                    let _ = end.set_near(now, (dice.below(23) + 1) as u8, state, Manner::Drain);
                }
                9 => {
                    let length = dice.below(256) as usize;
                    user.handle_frame(now, &garbage[..length]);
                }
                _ => {}
            }
            if round % 5000 == 4999 {
                network.stop(now);
                network.start(now);
            }
            user.handle_timeout(now);
            network.handle_timeout(now);
            while pump(&mut user, &mut network, now, &mut dice, &mut counts)
                | pump(&mut network, &mut user, now, &mut dice, &mut counts)
            {}
        }
    });
    assert_eq!(allocations.count_total, 0);
    let [offered, connected, released] = counts;
    let told = user.counters().service;
    assert!(told.acknowledged > 500 && told.answers > 200, "and of services: {told:?}");
    assert!(offered > 500 && connected > 500 && released > 500, "there was traffic: {counts:?}");
}

/// Of a group: calls on every interface, D channels that fail and come back, and RESTART of all that is there.
#[test]
fn nor_does_one_of_several_interfaces_with_a_backup() {
    const INTERFACES: u64 = 3;
    let group = Group::new(&[0, 1, 2], 0, Some(1)).expect("a group can be so");
    let with_group = |side| config(side).with_group(group).expect("NI-2 has groups");
    let end = |side| Box::new(DChannel::new(with_group(side).with_service_messages().expect("NI-2 has them")));
    let (mut user, mut network) = (end(Side::User), end(Side::Network));
    let mut dice = Dice::new(2);
    let mut counts = [0; 3];
    let mut swaps = 0;
    let allocations = allocation_counter::measure(|| {
        let mut now = Duration::ZERO;
        user.start(now);
        network.start(now);
        for round in 0..20_000u64 {
            now += Duration::from_millis(100);
            let channel = Channel::on(dice.below(INTERFACES) as u8, (dice.below(24) + 1) as u8);
            let link = if dice.below(2) == 0 { LinkId::Primary } else { LinkId::Backup };
            let end = if dice.below(2) == 0 { &mut user } else { &mut network };
            match dice.below(10) {
                0..=3 => drop(network.dial(now, &setup(ChannelChoice::Exclusive(channel)))),
                4..=6 => {
                    let call: Option<CallReference> = end.calls().next().map(|summary| summary.call);
                    if let Some(call) = call {
                        let _ = end.clear(now, call, Cause::user(16));
                    }
                }
                7 => drop(end.restart(now, channel)),
                8 => {
                    let state = if dice.below(3) == 0 { ServiceState::OutOfService } else { ServiceState::InService };
                    let _ = end.set_near(now, channel, state, Manner::Drain);
                }
                _ => {
                    let before = end.active_link();
                    end.line_failed(now, link);
                    swaps += u64::from(before.is_some() && end.active_link() != before);
                    end.line_restored_on(now, link);
                }
            }
            if round % 5000 == 4999 {
                network.stop(now);
                network.start(now);
            }
            user.handle_timeout(now);
            network.handle_timeout(now);
            while pump(&mut user, &mut network, now, &mut dice, &mut counts)
                | pump(&mut network, &mut user, now, &mut dice, &mut counts)
            {}
        }
    });
    assert_eq!(allocations.count_total, 0);
    let [offered, connected, released] = counts;
    assert!(swaps > 100, "the backup was needed: {swaps}");
    assert!(offered > 500 && connected > 500 && released > 500, "there was traffic: {counts:?}");
}
