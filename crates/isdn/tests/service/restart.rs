//! RESTART and service states: the calls go, our state stays and is told again, and a DMS-100 means by it that its own is in
//! service.
//!
//! Clauses: maintenance RESTART

use crate::common::SECOND;
use crate::service_support::*;
use isdn::{Event, FarState, Side, Switch};

const RESTART: [u8; 13] = [8, 2, 0x00, 0x00, 0x46, 0x18, 3, 0xa9, 0x83, 0x85, 0x79, 1, 0x80];

#[test]
fn the_far_state_after_a_restart() {
    for switch in SPEAKERS {
        let mut alone = alone_on(switch, true);
        alone.say(&service(switch, 5, OUT));
        alone.say(&service(switch, 6, OUT));
        alone.events.clear();
        let said = alone.ask(&RESTART);
        assert_eq!(said, ["RESTART ACKNOWLEDGE *global channel 5!"], "in service here: nothing to tell");
        let cleared = switch == Switch::Dms100;
        let expected = if cleared { FarState::InService } else { FarState::OutOfService };
        assert_eq!(states(&alone.d, 5), (IN, expected), "{switch:?}");
        assert_eq!(states(&alone.d, 6), (IN, FarState::OutOfService));
        assert_eq!(alone.events.len(), 1 + usize::from(cleared));
    }
}

#[test]
fn our_state_stays_and_is_told_again() {
    for switch in SPEAKERS {
        let mut alone = alone_on(switch, true);
        set(&mut alone, 5, OUT);
        alone.say(&acknowledge(switch, 5, OUT));
        let said = alone.ask(&RESTART);
        assert_eq!(said, ["RESTART ACKNOWLEDGE *global channel 5!", "SERVICE channel 5!: out of service"]);
        assert_eq!(states(&alone.d, 5).0, OUT);
        alone.say(&acknowledge(switch, 5, OUT));
        // The whole interface.
        alone.run(SECOND * 31);
        let said = alone.ask(&[8, 2, 0x00, 0x00, 0x46, 0x79, 1, 0x87]);
        assert_eq!(said, ["RESTART ACKNOWLEDGE *global", "SERVICE channel 5!: out of service"]);
    }
}

/// A call on it ends, whatever the states.
#[test]
fn under_a_call() {
    let mut pair = pair(Switch::Dms100);
    pair.connected(Side::Network, 5);
    set_in(&mut pair, Side::Network, 6, OUT);
    let now = pair.now;
    pair.network.d.restart(now, 5).expect("in service");
    pair.run(SECOND);
    pair.assert_idle();
    assert_eq!(states(&pair.user.d, 5), (IN, FarState::InService));
}

/// Ours, ignored twice: the channel takes no calls of ours until the far end has answered an audit.
#[test]
fn ours_unanswered() {
    let mut alone = alone(true);
    alone.d.restart(alone.now, 5).expect("in service");
    alone.run(SECOND * 241);
    assert_eq!(
        alone.events,
        [Event::RestartDone { channel: 5.into(), acknowledged: false }, far(5, FarState::Unknown)]
    );
    assert_eq!(usable(&alone.d, 5), (true, false));
    alone.ladder.clear();
    alone.run(minutes(15));
    assert_eq!(alone.heard(), ["SERVICE channel 5!: in service"]);
    alone.say(&acknowledge(Switch::Ess5, 5, IN));
    assert_eq!(usable(&alone.d, 5), (true, true));
}

/// Ours, ignored once, and the channel is taken out meanwhile: a second one might put it back, and waits until the channel is back.
#[test]
fn ours_unanswered_of_a_channel_that_goes_out() {
    for switch in SPEAKERS {
        let mut alone = alone_on(switch, true);
        alone.d.restart(alone.now, 5).expect("in service");
        alone.run(SECOND * 60);
        set(&mut alone, 5, OUT);
        alone.say(&acknowledge(switch, 5, OUT));
        alone.ladder.clear();
        alone.run(SECOND * 300);
        assert_eq!(alone.heard(), [""; 0], "{switch:?}: no RESTART of a channel out of service");
        set(&mut alone, 5, IN);
        alone.say(&acknowledge(switch, 5, IN));
        alone.ladder.clear();
        alone.run(SECOND * 120);
        assert_eq!(alone.heard(), ["RESTART global channel 5!"], "{switch:?}");
    }
}
