//! The real-time thread owns the D channel, so it may not allocate: not for calls, nor for errors, nor when the link goes.

mod common;

use common::{Dice, config, setup};
use isdn::{CallReference, Cause, Channel, ChannelChoice, DChannel, Event, Manner, Output, ServiceState, Side};
use std::time::Duration;

/// What one end does with the other's frames and its own events; no memory but what the D channel has.
fn pump(from: &mut DChannel, to: &mut DChannel, now: Duration, lose: &mut Dice, counts: &mut [u64; 3]) -> bool {
    let mut any = false;
    while let Some(output) = from.poll_output() {
        any = true;
        match output {
            Output::Frame(_, frame) => {
                if lose.below(50) != 0 {
                    to.handle_frame(now, frame);
                }
            }
            Output::Event(Event::Incoming { call, .. }) => {
                let channel = (lose.below(23) + 1) as u8;
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
