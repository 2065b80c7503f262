//! RESTART of an interface with a call on every channel: all calls have ended, and the owner knows it, before the answer is
//! written. There is nothing that could still run when T317 would expire, which is why there is no such timer.
//!
//! Clauses: Q.931 5.5.2

use crate::common::{Alone, config};
use isdn::{Config, DChannel, Event, Output, Side, Switch};
use std::time::Duration;

/// SETUP on this channel, which is also the call reference.
fn setup(channel: u8) -> [u8; 19] {
    let bearer_and_channel = [0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x80 | channel];
    let mut message = [8, 2, 0x00, channel, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x70, 2, 0x81, b'9'];
    message[5..15].copy_from_slice(&bearer_and_channel);
    message
}

#[test]
fn all_calls_end_before_the_answer() {
    let mut alone = Alone::up_with(Config::new(Side::User, Switch::EuroIsdn, true));
    for channel in (1..=15).chain(17..=31) {
        alone.say(&setup(channel));
        let Some(Event::Incoming { call, .. }) = alone.events.last() else { panic!("channel {channel}") };
        let call = *call;
        alone.d.proceed(alone.now, call, channel).expect("new");
        alone.d.connect(alone.now, call).expect("proceeding");
        alone.settle();
        alone.say(&[8, 2, 0x00, channel, 0x0f]);
    }
    assert_eq!(alone.state(), [10; 30]);
    alone.events.clear();
    let before = alone.now;
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x00, 0x46, 0x79, 1, 0x87]), ["RESTART ACKNOWLEDGE *global"]);
    assert_eq!(alone.now, before, "no time has passed");
    let released = alone.events.iter().take_while(|event| matches!(event, Event::Released { .. })).count();
    assert_eq!(released, 30);
    assert!(matches!(alone.events[30..], [Event::Restarted { .. }]), "{:?}", &alone.events[30..]);
    assert_eq!(alone.d.counters().calls.events_dropped, 0);
}

/// Whoever collects the outputs gets them in this order: what became of the calls, and then the answer.
#[test]
fn the_answer_comes_behind_the_events() {
    let mut d = Box::new(DChannel::new(config(Side::User)));
    let now = Duration::from_secs(1);
    let mut frames = vec![vec![0x02, 0x01, 0x7f]];
    for (sequence, message) in [&setup(5)[..], &[8, 2, 0x00, 0x00, 0x46, 0x79, 1, 0x87]].into_iter().enumerate() {
        frames.push([&[0x02, 0x01, (sequence as u8) << 1, 0x00], message].concat());
    }
    let mut order = Vec::new();
    for frame in frames {
        d.handle_frame(now, &frame);
        while let Some(output) = d.poll_output() {
            match output {
                Output::Event(Event::Released { .. }) => order.push("released"),
                Output::Frame(_, frame) if frame.get(8) == Some(&0x4e) => order.push("answer"),
                _ => {}
            }
        }
    }
    assert_eq!(order, ["released", "answer"]);
}
