//! One end takes a channel out of service and puts it back; the other is told, acknowledges, and keeps to it.
//!
//! Clauses: maintenance SERVICE, SERVICE ACKNOWLEDGE

use crate::common::{Pair, SHORT, setup};
use crate::service_support::*;
use isdn::{ChannelChoice, FarState, Manner, Refused, Side, Switch};

/// All three states, from either side, on every variant that has SERVICE.
#[test]
fn every_state_from_either_side() {
    for switch in SPEAKERS {
        for side in [Side::User, Side::Network] {
            let mut pair = pair(switch);
            for state in [OUT, MAINTENANCE, IN] {
                set_in(&mut pair, side, 5, state);
                let arrows = if side == Side::User { ['>', '<'] } else { ['<', '>'] };
                let said: Vec<&str> = pair.ladder.iter().map(|line| line.split_once(' ').expect("a time").1).collect();
                let expected = [
                    format!("{} SERVICE channel 5!: {state}", arrows[0]),
                    format!("{} SERVICE ACKNOWLEDGE channel 5!: {state}", arrows[1]),
                ];
                assert_eq!(said, expected, "{switch:?}");
                assert_eq!(pair.end(side).events, [settled(5, state, true)]);
                assert_eq!(pair.end(side.peer()).events, [far(5, state.into())]);
                assert_eq!(states(&pair.end(side).d, 5), (state, FarState::InService));
                assert_eq!(states(&pair.end(side.peer()).d, 5), (IN, state.into()));
                assert_eq!(of(&pair.end(side).d, 5).pending, None);
                pair.forget();
                // A channel is told of three times at once at most.
                pair.run(minutes(1));
                assert_eq!(pair.ladder, [""; 0]);
            }
        }
    }
}

/// Octets as another stack wrote them for the same channel and state.
#[test]
fn octet_for_octet() {
    for (switch, sent, answer) in [
        (Switch::Ess5, [0x03, 2, 0x00, 0, 0x0f], [0x03, 2, 0x80, 0, 0x07]),
        (Switch::Ess4, [0x03, 2, 0x00, 0, 0x0f], [0x03, 2, 0x80, 0, 0x07]),
        (Switch::Dms100, [0x03, 2, 0x00, 0, 0x0f], [0x03, 2, 0x80, 0, 0x07]),
        (Switch::Ni2, [0x43, 2, 0x00, 0, 0x07], [0x43, 2, 0x80, 0, 0x0f]),
    ] {
        let elements = [0x01, 0x01, 0xc2, 0x18, 0x03, 0xa9, 0x83, 0x85];
        let mut user = isdn::DChannel::new(config(Side::User, switch));
        let mut network = isdn::DChannel::new(config(Side::Network, switch));
        let now = crate::common::SECOND;
        user.start(now);
        // What either end puts into I frames.
        let mut said: [Vec<Vec<u8>>; 2] = Default::default();
        let mut ordered = false;
        loop {
            let mut silent = true;
            for turn in [0, 1] {
                let (from, to) = if turn == 0 { (&mut user, &mut network) } else { (&mut network, &mut user) };
                while let Some(output) = from.poll_output() {
                    silent = false;
                    if let isdn::Output::Frame(_, frame) = output {
                        if frame[2] & 1 == 0 {
                            said[turn].push(frame[4..].to_vec());
                        }
                        to.handle_frame(now, frame);
                    }
                }
            }
            if silent && ordered {
                break;
            }
            if silent {
                ordered = true;
                user.set_near(now, 5, OUT, Manner::Drain).expect("there is a channel 5");
            }
        }
        assert_eq!(said[0].last().expect("sent"), &[&sent[..], &elements].concat(), "{switch:?}");
        assert_eq!(said[1].last().expect("answered"), &[&answer[..], &elements].concat(), "{switch:?}");
    }
}

/// No call is put on a channel that either end has taken away, and none is taken there; the next channel is not affected.
#[test]
fn calls_keep_away() {
    let mut pair = pair(Switch::Ess5);
    set_in(&mut pair, Side::User, 5, OUT);
    let now = pair.now;
    for side in [Side::User, Side::Network] {
        let end = pair.end(side);
        for choice in [ChannelChoice::Preferred(5.into()), ChannelChoice::Exclusive(5.into())] {
            assert_eq!(end.d.dial(now, &setup(choice)), Err(Refused::OutOfService), "{side:?}");
        }
        assert_eq!(usable(&end.d, 6), (true, true));
        assert_eq!(end.d.restart(now, 5), Err(Refused::OutOfService), "RESTART might put it back");
    }
    pair.connected(Side::Network, 6);
    set_in(&mut pair, Side::User, 5, IN);
    pair.connected(Side::Network, 5);
}

/// In maintenance at the far end: calls of ours keep away, calls it offers are taken.
#[test]
fn maintenance_lets_calls_in() {
    let mut pair = pair(Switch::Ess5);
    set_in(&mut pair, Side::Network, 5, MAINTENANCE);
    assert_eq!(usable(&pair.user.d, 5), (true, false));
    let now = pair.now;
    assert_eq!(pair.user.d.dial(now, &setup(ChannelChoice::Exclusive(5.into()))), Err(Refused::OutOfService));
}

/// Under a call: it goes on, at both ends.
#[test]
fn under_a_call() {
    for side in [Side::User, Side::Network] {
        let mut pair = pair(Switch::Ni2);
        let (ours, theirs) = pair.connected(Side::Network, 5);
        set_in(&mut pair, side, 5, OUT);
        pair.run(minutes(5));
        assert_eq!((pair.network.state(ours), pair.user.state(theirs)), (10, 10));
        assert_eq!(pair.end(side).events, [settled(5, OUT, true)]);
        pair.clear(Side::Network, ours, crate::common::NORMAL);
        pair.assert_idle();
        assert_eq!(states(&pair.end(side).d, 5).0, OUT, "after the call too");
    }
}

/// Locked and unlocked before the first acknowledgement is there: it is not taken for the answer to the second.
#[test]
fn a_newer_order_overtakes() {
    let mut pair = pair(Switch::Ess5);
    let now = pair.now;
    pair.user.d.set_near(now, 5, OUT, Manner::Force).expect("there is a channel 5");
    pair.user.d.set_near(now, 5, IN, Manner::Force).expect("there is a channel 5");
    pair.run(SHORT);
    assert_eq!(pair.ladder.len(), 4);
    assert_eq!(pair.user.events, [settled(5, IN, true)]);
    assert_eq!(states(&pair.user.d, 5), (IN, FarState::InService));
    assert_eq!(states(&pair.network.d, 5), (IN, FarState::InService));
    assert_eq!(pair.user.d.counters().service.mismatches, 0);
}

/// A capacity that comes and goes every second does not fill the D channel: three at once, then one in 30 s; and the last
/// state is the one that arrives.
#[test]
fn a_channel_that_flaps() {
    let mut pair = pair(Switch::Ess5);
    for turn in 0..120 {
        set_in(&mut pair, Side::User, 5, if turn % 2 == 0 { OUT } else { IN });
        pair.run(crate::common::SECOND - SHORT);
    }
    set_in(&mut pair, Side::User, 5, OUT);
    pair.run(minutes(2));
    let sent = pair.ladder.iter().filter(|line| line.contains("> SERVICE channel")).count();
    assert!((4..=8).contains(&sent), "{sent} in two minutes: {:#?}", pair.ladder);
    assert_eq!(states(&pair.network.d, 5).1, FarState::OutOfService);
    assert_eq!(pair.user.events.last(), Some(&settled(5, OUT, true)));
    assert_eq!(pair.user.d.counters().service.mismatches, 0);
}

/// The same order again is not sent again, and is answered all the same.
#[test]
fn the_same_again() {
    let mut pair = pair(Switch::Ess5);
    set_in(&mut pair, Side::User, 5, OUT);
    pair.forget();
    set_in(&mut pair, Side::User, 5, OUT);
    assert_eq!((pair.ladder.len(), &pair.user.events[..]), (0, &[settled(5, OUT, true)][..]));
    let now = pair.now;
    for channel in [0, 24, 31, 255] {
        assert_eq!(pair.user.d.set_near(now, channel, OUT, Manner::Force), Err(Refused::WrongState));
        assert_eq!(pair.user.d.service(channel), None);
    }
}

/// The channel numbers of an E1 whose messages count to 30.
#[test]
fn logical_numbers() {
    let end = |side| {
        let config = isdn::Config::new(side, Switch::Ess5, true).with_service_messages().expect("has SERVICE");
        isdn::Config { logical_channels: true, ..config }
    };
    let mut pair = Pair::up_with(end(Side::User), end(Side::Network));
    set_in(&mut pair, Side::User, 17, OUT);
    assert!(pair.ladder[0].ends_with("SERVICE channel 16!: out of service"), "{:?}", pair.ladder);
    assert_eq!(pair.network.events, [far(17, FarState::OutOfService)]);
    assert_eq!(pair.user.events, [settled(17, OUT, true)]);
}
