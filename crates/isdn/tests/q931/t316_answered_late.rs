//! Our RESTART is lost once: after T316 it goes out again, and the acknowledgement of the second counts as well as of the first.
//! One that comes when all is over means nothing.
//!
//! Clauses: Q.931 5.5.1, 9 T316

use crate::common::octets::{CHANNEL_5, ours};
use crate::common::{Alone, SECOND, exclusive};
use isdn::q931::message::MessageType;
use isdn::{Event, Side};

/// RESTART ACKNOWLEDGE of channel 5 for our request.
fn acknowledge() -> Vec<u8> {
    ours(0, MessageType::RESTART_ACKNOWLEDGE, &[&CHANNEL_5, &[0x79, 1, 0x80]])
}

#[test]
fn the_second_is_acknowledged() {
    let mut alone = Alone::up(Side::User);
    alone.d.restart(alone.now, 5).expect("up");
    alone.run(SECOND * 130);
    assert_eq!(alone.ladder, ["0.0 > RESTART global channel 5!", "120.0 > RESTART global channel 5!"]);
    alone.say(&acknowledge());
    assert!(matches!(alone.events[..], [Event::RestartDone { acknowledged: true, .. }]));
    alone.run(SECOND * 600);
    assert_eq!((alone.events.len(), alone.ladder.len()), (1, 2));
}

#[test]
fn too_late() {
    let mut alone = Alone::up(Side::User);
    alone.d.restart(alone.now, 5).expect("up");
    alone.run(SECOND * 241);
    assert!(matches!(alone.events[..], [Event::RestartDone { acknowledged: false, .. }]));
    alone.dial(exclusive(5));
    alone.say(&acknowledge());
    assert_eq!((alone.events.len(), alone.state()), (1, vec![1]), "the call that is there now is left alone");
}
