//! SETUP names a channel that is not idle here (5.2.3): refused with 44 if no other will do, offered as "any" otherwise;
//! taken when the far end can know better, because our RELEASE is out or our RESTART was ignored.
//!
//! Clauses: Q.931 4.5.13, 5.2.3; Q.850 2 (6), 2 (42), 2 (44), 2 (82)

use crate::common::{Alone, NORMAL, Pair, SECOND, SHORT};
use isdn::{Cause, Channel, ChannelChoice, Event, Side};

const BEARER: [u8; 5] = [0x04, 0x03, 0x80, 0x90, 0xa2];

/// A SETUP with call reference 2 and this channel identification.
fn setup(channel: &[u8]) -> Vec<u8> {
    let mut message = vec![0x08, 0x02, 0x00, 0x02, 0x05];
    message.extend(BEARER);
    message.extend([0x18, channel.len() as u8]);
    message.extend(channel);
    message
}

#[test]
fn in_use_and_exclusive() {
    for side in [Side::User, Side::Network] {
        let mut alone = Alone::up(side);
        alone.be_connected();
        assert_eq!(alone.ask(&setup(&[0xa9, 0x83, 0x85])), ["RELEASE COMPLETE *2 cause 44"]);
        assert_eq!(alone.events, []);
        assert_eq!(alone.state(), [10]);
        assert_eq!(alone.d.counters().calls.channel_conflicts, 1);
    }
}

#[test]
fn in_use_and_preferred() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    assert_eq!(alone.ask(&setup(&[0xa1, 0x83, 0x85])), [""; 0]);
    let Some(Event::Incoming { call, setup }) = alone.events.last().cloned() else { panic!("offered") };
    assert_eq!(setup.channel, ChannelChoice::Any);
    alone.d.proceed(alone.now, call, 9).expect("new");
    alone.settle();
    assert_eq!(alone.heard(), ["CALL PROCEEDING *2 channel 9!"]);
}

/// 82: identified channel does not exist. Several channels at once are for data calls.
#[test]
fn no_such_channel() {
    let mut alone = Alone::up(Side::User);
    for channel in
        [&[0xa9, 0x83, 0x98][..], &[0xa9, 0x83, 0x9f], &[0xe9, 0x81, 0x83, 0x85], &[0xa9, 0x83, 1, 0x82], &[0xa9]]
    {
        assert_eq!(alone.ask(&setup(channel)), ["RELEASE COMPLETE *2 cause 82"], "{channel:02x?}");
    }
    assert_eq!(alone.events, []);
}

/// "No channel" is call waiting: the owner refuses it.
#[test]
fn no_channel_and_any_channel() {
    let mut alone = Alone::up(Side::User);
    for (channel, expected) in [(0xa0, ChannelChoice::None), (0xa3, ChannelChoice::Any), (0xab, ChannelChoice::Any)] {
        alone.ask(&setup(&[channel]));
        let Some(Event::Incoming { call, setup }) = alone.events.last().cloned() else { panic!("offered") };
        assert_eq!(setup.channel, expected);
        assert_eq!(alone.d.connect(alone.now, call), Err(isdn::Refused::WrongState), "which channel?");
        alone.d.clear(alone.now, call, Cause::user(34)).expect("new");
        alone.settle();
        assert_eq!(alone.heard(), ["RELEASE COMPLETE *2 cause 34"]);
    }
}

/// Our RELEASE was confirmed, but the confirmation was lost with a link reset: the new SETUP says as much.
#[test]
fn offered_anew_while_releasing() {
    let mut alone = Alone::up(Side::User);
    let old = alone.be_connected();
    assert_eq!(alone.ask(&[0x08, 0x02, 0x00, 0x01, 0x45, 0x08, 0x02, 0x80, 0x90]), ["RELEASE *1 cause 16"]);
    alone.events.clear();
    alone.ask(&setup(&[0xa9, 0x83, 0x85]));
    assert!(matches!(
        alone.events[..],
        [Event::Released { call, cause: Cause { value: 16, .. }, by_peer: true }, Event::Incoming { .. }] if call == old
    ));
    assert_eq!(alone.state(), [6]);
}

/// While our RESTART waits to be acknowledged the first call is refused; a second shows that the exchange ignores RESTART.
#[test]
fn while_being_restarted() {
    let mut alone = Alone::up(Side::User);
    alone.d.restart(alone.now, 5).expect("up");
    alone.settle();
    assert_eq!(alone.heard(), ["RESTART global channel 5!"]);
    assert_eq!(alone.ask(&setup(&[0xa9, 0x83, 0x85])), ["RELEASE COMPLETE *2 cause 44"]);
    assert_eq!(alone.ask(&setup(&[0xa9, 0x83, 0x85])), [""; 0]);
    assert!(matches!(
        alone.events[..],
        [
            Event::RestartDone { channel: Channel { interface: 0, timeslot: 5 }, acknowledged: true },
            Event::Incoming { .. }
        ]
    ));
    alone.run(SECOND * 300);
    assert_eq!(alone.events.len(), 2, "nothing more is heard of the restart");
}

/// A far end that answers on another channel than the one insisted on: 6, channel unacceptable (5.2.3.1).
#[test]
fn the_answer_names_another_channel() {
    let mut pair = Pair::up();
    let ours = pair.dial(Side::Network, ChannelChoice::Exclusive(5.into()));
    pair.run(SHORT);
    let theirs = pair.user.incoming();
    let now = pair.now;
    pair.user.d.proceed(now, theirs, 6).expect("its owner is wrong, but may");
    pair.run(SHORT);
    assert_eq!(pair.network.released(), [(ours, 6, false)]);
    assert_eq!(pair.user.released(), [(theirs, 6, true)]);
    pair.assert_idle();
}

/// And on the one it preferred.
#[test]
fn a_preferred_channel_may_change() {
    let mut pair = Pair::up();
    let ours = pair.dial(Side::Network, ChannelChoice::Preferred(5.into()));
    pair.run(SHORT);
    let theirs = pair.user.incoming();
    let now = pair.now;
    pair.user.d.proceed(now, theirs, 6).expect("new");
    pair.user.d.connect(now, theirs).expect("proceeding");
    pair.run(SHORT);
    assert_eq!(
        pair.network.events,
        [Event::Proceeding { call: ours, channel: 6.into() }, Event::Connected { call: ours }]
    );
    pair.clear(Side::User, theirs, NORMAL);
    pair.assert_idle();
}

/// More calls than there may be: 42, switching equipment congestion.
#[test]
fn too_many_calls() {
    let mut alone = Alone::up_with(isdn::Config { max_calls: 1, ..crate::common::config(Side::User) });
    alone.be_connected();
    assert_eq!(alone.ask(&setup(&[0xa9, 0x83, 0x86])), ["RELEASE COMPLETE *2 cause 42"]);
}
