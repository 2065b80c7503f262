//! An owner is to collect the outputs after every input. One who does not loses events and is told how many, but never
//! the end of a call: its channel would be lost to him for ever.
//!
//! Clauses: Q.931 5.3.3

use crate::common::{SECOND, config, setup, timers};
use isdn::q921::Parameters;
use isdn::{ChannelChoice, Config, DChannel, Event, Output, Side, Timer};

#[test]
fn the_end_of_a_call_is_never_lost() {
    let timers = timers(Side::User).with(Timer::T303, SECOND * 5000);
    // The link is patient, so that only calls end.
    let patient = SECOND * 100_000;
    let link = Parameters { t200: patient, t203: patient, ..Parameters::default() };
    let mut user = Box::new(DChannel::new(Config { timers, link, ..config(Side::User) }));
    let mut now = SECOND;
    // Up, by a far end that then falls silent: SABME.
    user.handle_frame(now, &[0x02, 0x01, 0x7f]);
    while user.poll_output().is_some() {}
    assert!(user.is_up());
    for channel in 1..=10 {
        user.dial(now, &setup(ChannelChoice::Exclusive(channel.into()))).expect("up");
    }
    // Events by the dozen: restarts that nobody acknowledges.
    for _ in 0..9 {
        for channel in 11..=23 {
            user.restart(now, channel).expect("up");
        }
        for _ in 0..2 {
            now += SECOND * 121;
            user.handle_timeout(now);
        }
    }
    let dropped = user.counters().calls.events_dropped;
    assert!(dropped > 0, "the queue has an end");
    for _ in 0..2 {
        now += SECOND * 5000;
        user.handle_timeout(now);
    }
    assert_eq!(user.counters().calls.released, 0, "the owner cannot be told yet");
    let (mut released, mut done) = (0, 0);
    while let Some(output) = user.poll_output() {
        match output {
            Output::Event(Event::Released { .. }) => released += 1,
            Output::Event(Event::RestartDone { .. }) => done += 1,
            _ => {}
        }
    }
    assert_eq!(released, 10);
    assert_eq!(done + dropped, 9 * 13);
    assert_eq!(user.calls().count(), 0);
}
