//! A call of ours leaves for a network that takes its time: PROGRESS says so, changes no state, and stops the timers that
//! would give the call up. The owner is told who said it and what, and whether there may be something to hear.
//!
//! Clauses: Q.931 3.1.8, 4.5.23, 5.1.6, 9 T301, 9 T304, 9 T310

use crate::common::{Alone, SECOND};
use isdn::{CallReference, ChannelChoice, Event, Location, Side};

/// From the far end for our call 1.
const SETUP_ACKNOWLEDGE: [u8; 10] = [8, 2, 0x80, 0x01, 0x0d, 0x18, 3, 0xa9, 0x83, 0x85];
const CALL_PROCEEDING: [u8; 10] = [8, 2, 0x80, 0x01, 0x02, 0x18, 3, 0xa9, 0x83, 0x85];
const ALERTING: [u8; 5] = [8, 2, 0x80, 0x01, 0x01];
const PROGRESS: [u8; 9] = [8, 2, 0x80, 0x01, 0x03, 0x1e, 2, 0x82, 0x88];
const CONNECT: [u8; 5] = [8, 2, 0x80, 0x01, 0x07];

/// Location and description of every `Progress`.
fn told(events: &[Event]) -> Vec<(Location, u8)> {
    let progress = |event: &Event| match event {
        Event::Progress { location, description, .. } => Some((*location, *description)),
        _ => None,
    };
    events.iter().filter_map(progress).collect()
}

/// T304, T310 and T301: each would end the call by now; none does after PROGRESS, on either side.
#[test]
fn no_timer_gives_up_a_call_that_gets_on() {
    for side in [Side::User, Side::Network] {
        let before: [&[&[u8]]; 3] = [&[&SETUP_ACKNOWLEDGE], &[&CALL_PROCEEDING], &[&CALL_PROCEEDING, &ALERTING]];
        for messages in before {
            let mut alone = Alone::up(side);
            alone.dial(ChannelChoice::Exclusive(5.into()));
            messages.iter().for_each(|message| alone.say(message));
            let state = alone.state();
            assert_eq!(alone.ask(&PROGRESS), [""; 0]);
            alone.run(SECOND * 3600);
            assert_eq!(alone.state(), state, "{side:?}");
            assert_eq!(told(&alone.events), [(Location::PublicLocal, 8)]);
            alone.say(&CONNECT);
            assert_eq!(alone.state(), [10]);
        }
    }
}

/// Descriptions come with other messages too; ALERTING says for itself whether there is something to hear.
#[test]
fn two_descriptions_in_call_proceeding() {
    let mut alone = Alone::up(Side::User);
    let call = alone.dial(ChannelChoice::Exclusive(5.into()));
    alone.say(&[&CALL_PROCEEDING[..], &[0x1e, 2, 0x84, 0x82, 0x1e, 2, 0x8a, 0x81]].concat());
    assert_eq!(told(&alone.events), [(Location::PublicRemote, 2), (Location::BeyondInterworking, 1)]);
    alone.say(&[&ALERTING[..], &[0x1e, 2, 0x82, 0x88]].concat());
    assert_eq!(alone.events.last(), Some(&Event::Alerting { call, in_band: true }));
    // That was no PROGRESS: T301 runs.
    alone.run(SECOND * 181);
    assert_eq!(alone.state(), [11]);
}

/// A call to us may be told of too, in any state before it is cleared.
#[test]
fn progress_of_a_call_to_us() {
    let mut alone = Alone::up(Side::User);
    let call = alone.be_called();
    let progress = [8, 2, 0x00, 0x01, 0x03, 0x1e, 2, 0x82, 0x83];
    assert_eq!(alone.ask(&progress), [""; 0]);
    alone.d.proceed(alone.now, call, 5).expect("new");
    alone.d.connect(alone.now, call).expect("proceeding");
    alone.settle();
    assert_eq!(alone.ask(&progress), [""; 0]);
    alone.say(&[8, 2, 0x00, 0x01, 0x0f]);
    assert_eq!(alone.ask(&progress), [""; 0]);
    assert_eq!(told(&alone.events), [(Location::PublicLocal, 3); 3]);
    assert_eq!(alone.state(), [10]);
}

/// Without the element there is nothing it says (mandatory, 3.1.8): 96, and T310 goes on.
#[test]
fn progress_without_a_description() {
    let mut alone = Alone::up(Side::User);
    alone.dial(ChannelChoice::Exclusive(5.into()));
    alone.say(&CALL_PROCEEDING);
    assert_eq!(alone.ask(&PROGRESS[..5]), ["STATUS 1 cause 96 [1e] state 3"]);
    assert_eq!(alone.ask(&[8, 2, 0x80, 0x01, 0x03, 0x1e, 1, 0x82]), ["STATUS 1 cause 100 [1e] state 3"]);
    alone.run(SECOND * 31);
    assert_eq!(alone.state(), [11]);
}

/// Before any other answer to SETUP it is out of turn, and T303 still watches.
#[test]
fn progress_before_anything_else() {
    let mut alone = Alone::up(Side::User);
    let call = alone.dial(ChannelChoice::Exclusive(5.into()));
    assert_eq!(call, CallReference { value: 1, ours: true });
    assert_eq!(alone.ask(&PROGRESS), ["STATUS 1 cause 101 [03] state 1"]);
    assert_eq!(told(&alone.events), []);
    alone.run(SECOND * 9);
    assert_eq!(alone.released(), [(18, false)]);
}
