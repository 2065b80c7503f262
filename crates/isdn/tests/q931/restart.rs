//! RESTART in both directions (5.5): channels come back to idle at both ends, calls on them end without clearing messages.
//!
//! Clauses: Q.931 4.5.25, 5.5.1, 5.5.2, 9 T316; Q.850 2 (82)

use crate::common::{Alone, Pair, SECOND, SHORT};
use isdn::{ChannelChoice, ChannelSet, Event, Refused, Side, Timer};

/// Ours, acknowledged.
#[test]
fn one_channel() {
    let mut pair = Pair::up();
    let now = pair.now;
    pair.user.d.restart(now, 5).expect("up");
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["1.0 > RESTART global channel 5!", "1.0 < RESTART ACKNOWLEDGE *global channel 5!"]);
    assert_eq!(pair.user.events, [Event::RestartDone { channel: 5.into(), acknowledged: true }]);
    assert_eq!(pair.network.events, [Event::Restarted { channels: ChannelSet::on(0, 1 << 4) }]);
}

/// A call on the channel ends at both ends; one on another goes on.
#[test]
fn under_a_call() {
    let mut pair = Pair::up();
    let (ours, theirs) = pair.connected(Side::Network, 5);
    let (other, _) = pair.connected(Side::Network, 6);
    let now = pair.now;
    pair.network.d.restart(now, 5).expect("up");
    pair.run(SHORT);
    assert_eq!(pair.network.released(), [(ours, 41, false)]);
    assert!(matches!(
        pair.user.events[..],
        [Event::Released { call, by_peer: true, .. }, Event::Restarted { channels }]
            if call == theirs && channels.single() == Some(5.into())
    ));
    assert_eq!(pair.network.state(other), 10);
    assert_eq!(pair.ladder.len(), 2, "no clearing messages: {:?}", pair.ladder);
}

/// What other ends send, and the answer octet for octet (5.5.2: the same elements come back).
#[test]
fn every_form_is_answered() {
    // Elements, and the channels they mean.
    let cases: [(&[u8], u32); 6] = [
        (&[0x18, 3, 0xa9, 0x83, 0x85, 0x79, 1, 0x80], 1 << 4),
        (&[0x18, 5, 0xa9, 0x83, 0x01, 0x02, 0x83, 0x79, 1, 0x80], 0b111),
        (&[0x18, 6, 0xa9, 0x93, 0x00, 0x00, 0x00, 0x1e, 0x79, 1, 0x80], 0b1111),
        (&[0x79, 1, 0x87], 0x7fff_7fff),
        (&[0x79, 1, 0x86], 0x7fff_7fff),
        (&[0x18, 1, 0xa9, 0x79, 1, 0x86], 0x7fff_7fff),
    ];
    for (elements, channels) in cases {
        let config = isdn::Config { number_length: 0, ..isdn::Config::new(Side::User, isdn::Switch::EuroIsdn, true) };
        let mut alone = Alone::up_with(config);
        alone.be_connected();
        alone.far.send(alone.now, &[&[8, 2, 0x00, 0x00, 0x46], elements].concat()).expect("up");
        let mut answers = Vec::new();
        while let Some(isdn::q921::Output::Transmit(frame)) = alone.far.poll_output() {
            alone.d.handle_frame(alone.now, frame);
        }
        while let Some(output) = alone.d.poll_output() {
            match output {
                isdn::Output::Frame(_, frame) => answers.push(frame[4..].to_vec()),
                isdn::Output::Event(event) => alone.events.push(event),
            }
        }
        assert_eq!(answers[0], [&[8, 2, 0x80, 0x00, 0x4e], elements].concat());
        assert_eq!(
            alone.events.last(),
            Some(&Event::Restarted { channels: ChannelSet::on(0, channels) }),
            "{elements:02x?}"
        );
        let ended = channels & 1 << 4 != 0;
        assert_eq!(alone.released().len(), usize::from(ended), "the call is on channel 5");
    }
}

/// RESTART that cannot be carried out: STATUS says why, and nothing happens.
#[test]
fn what_cannot_be_restarted() {
    let cases: [(&[u8], &str); 6] = [
        (&[0x18, 3, 0xa9, 0x83, 0x85], "STATUS *global cause 96 [79] state 0"),
        (&[0x18, 3, 0xa9, 0x83, 0x85, 0x79, 1, 0x81], "STATUS *global cause 100 [79] state 0"),
        (&[0x79, 1, 0x80], "STATUS *global cause 96 [18] state 0"),
        (&[0x18, 1, 0x80, 0x79, 1, 0x80], "STATUS *global cause 100 [18] state 0"),
        (&[0x18, 3, 0xa9, 0x83, 0x98, 0x79, 1, 0x80], "STATUS *global cause 82 state 0"),
        (&[0x03, 0, 0x79, 1, 0x87], "STATUS *global cause 96 [03] state 0"),
    ];
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    for (elements, answer) in cases {
        assert_eq!(alone.ask(&[&[8, 2, 0x00, 0x00, 0x46], elements].concat()), [answer], "{elements:02x?}");
    }
    assert_eq!((alone.events.len(), alone.state()), (0, vec![10]));
}

/// Ours, ignored: sent twice, then given up; the channel takes no calls meanwhile, and takes them again afterwards.
#[test]
fn t316_expires_twice() {
    let mut alone = Alone::up(Side::User);
    alone.d.restart(alone.now, 5).expect("up");
    assert_eq!(alone.d.restart(alone.now, 5), Err(Refused::WrongState));
    assert_eq!(alone.d.restart(alone.now, 24), Err(Refused::WrongState));
    assert_eq!(
        alone.d.dial(alone.now, &crate::common::setup(ChannelChoice::Preferred(5.into()))),
        Err(Refused::WrongState)
    );
    alone.run(SECOND * 239);
    assert_eq!(alone.ladder, ["0.0 > RESTART global channel 5!", "120.0 > RESTART global channel 5!"]);
    assert_eq!(alone.events, []);
    alone.run(SECOND * 2);
    assert_eq!(alone.events, [Event::RestartDone { channel: 5.into(), acknowledged: false }]);
    assert_eq!(alone.d.counters().calls.expiries(Timer::T316), 2);
    alone.dial(ChannelChoice::Preferred(5.into()));
}

/// Many at once, each acknowledged on its own; one acknowledgement may be for several.
#[test]
fn many_channels() {
    let mut alone = Alone::up(Side::User);
    for channel in 1..=23 {
        alone.d.restart(alone.now, channel).expect("up");
    }
    alone.settle();
    assert_eq!(alone.ladder.len(), 23);
    alone.say(&[8, 2, 0x80, 0x00, 0x4e, 0x18, 5, 0xa9, 0x83, 0x01, 0x02, 0x83, 0x79, 1, 0x80]);
    assert_eq!(alone.events.len(), 3);
    alone.say(&[8, 2, 0x80, 0x00, 0x4e, 0x18, 5, 0xa9, 0x93, 0x7f, 0xff, 0xff, 0x79, 1, 0x80]);
    assert_eq!(alone.events.len(), 23);
    alone.run(SECOND * 300);
    assert_eq!(alone.events.len(), 23);
}

/// RESTART was lost, and the far end, which is idle there, puts a call of ours on the channel. RESTART is not sent again: it would
/// end the call at that end and not at this one.
#[test]
fn overtaken_by_a_call() {
    let mut alone = Alone::up(Side::User);
    alone.d.restart(alone.now, 5).expect("up");
    let call = alone.dial(ChannelChoice::Any);
    alone.say(&[8, 2, 0x80, call.value as u8, 0x02, 0x18, 3, 0xa9, 0x83, 0x85]);
    alone.say(&[8, 2, 0x80, call.value as u8, 0x07]);
    assert_eq!(alone.state(), [10]);
    alone.ladder.clear();
    alone.run(SECOND * 600);
    assert_eq!(alone.heard(), [""; 0]);
    assert_eq!(alone.events.last(), Some(&Event::RestartDone { channel: 5.into(), acknowledged: true }));
    assert_eq!(alone.state(), [10]);
}

/// RESTART and the channel for a call of ours cross: the far end names the channel, then sees RESTART and drops the call, and
/// acknowledges. Here the call is cleared; without that it would stay, connected to nothing.
#[test]
fn crossed_by_a_call() {
    let mut alone = Alone::up(Side::User);
    let call = alone.dial(ChannelChoice::Any);
    alone.d.restart(alone.now, 5).expect("up");
    alone.settle();
    let value = call.value as u8;
    alone.say(&[8, 2, 0x80, value, 0x02, 0x18, 3, 0xa9, 0x83, 0x85]);
    alone.say(&[8, 2, 0x80, value, 0x07]);
    assert_eq!(alone.state(), [10]);
    let heard = alone.ask(&[8, 2, 0x80, 0x00, 0x4e, 0x18, 3, 0xa9, 0x83, 0x85, 0x79, 1, 0x80]);
    assert_eq!(heard, [format!("DISCONNECT {value} cause 41")]);
    // It has no such call: cause 81.
    alone.say(&[8, 2, 0x80, value, 0x5a, 0x08, 2, 0x82, 0xd1]);
    assert_eq!(alone.released(), [(41, false)]);
}
