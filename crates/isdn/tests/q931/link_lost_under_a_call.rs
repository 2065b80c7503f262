//! The D channel goes away under calls. Those that are connected are held for T309, others end at once (5.8.9); when it
//! comes back both ends ask one another where they stand (5.8.10), and what one side has ended meanwhile is found out.
//!
//! Clauses: Q.931 5.8.8, 5.8.9, 5.8.10, 9 T309; Q.850 2 (27), 2 (41)

use crate::common::{Alone, NORMAL, Pair, SECOND, SHORT, t};
use isdn::q931::StateName;
use isdn::{Cause, ChannelChoice, Event, Side, Timer};

/// One second is nothing: layer 2 repeats what was lost, nobody is told.
#[test]
fn one_second() {
    let mut pair = Pair::up();
    let (ours, theirs) = pair.connected(Side::Network, 5);
    pair.cut = true;
    pair.run(SECOND);
    pair.cut = false;
    pair.run(SECOND * 10);
    assert_eq!((pair.network.state(ours), pair.user.state(theirs)), (10, 10));
    assert_eq!(pair.user.events, []);
    assert_eq!(pair.ladder, [""; 0]);
    pair.clear(Side::Network, ours, NORMAL);
    pair.assert_idle();
}

/// The line is cut so long that both ends see the link go down, then mended; calls that are set up go on.
#[test]
fn half_a_minute_and_a_bit() {
    let mut pair = Pair::up();
    let (ours, theirs) = pair.connected(Side::Network, 5);
    pair.cut = true;
    pair.run(SECOND * 60);
    assert_eq!(pair.user.events, [Event::LinkDown]);
    assert_eq!(pair.network.events, [Event::LinkDown]);
    assert!(!pair.user.d.is_up());
    pair.cut = false;
    pair.run(SECOND * 20);
    let text: Vec<_> = pair.ladder.iter().map(|line| line.split_once(' ').expect("time").1).collect();
    for expected in
        ["> STATUS ENQUIRY *1", "< STATUS ENQUIRY 1", "> STATUS *1 cause 30 state 10", "< STATUS 1 cause 30 state 10"]
    {
        assert!(text.contains(&expected), "{expected} in {text:?}");
    }
    // Well beyond T309 of either end.
    pair.run(t(Timer::T309) * 2);
    assert_eq!((pair.network.state(ours), pair.user.state(theirs)), (10, 10));
    assert_eq!(pair.user.released(), []);
    pair.clear(Side::User, theirs, NORMAL);
    assert_eq!(pair.network.ended(), (16, true));
    pair.assert_idle();
}

/// Longer than T309: both ends end the call by themselves, cause 27.
#[test]
fn longer_than_t309() {
    let mut pair = Pair::up();
    pair.connected(Side::Network, 5);
    pair.cut = true;
    // The network's idle link is found dead after T203 and the polls; T309 starts then.
    pair.run(SECOND * 30 + SECOND * 10 + t(Timer::T309));
    assert_eq!(pair.user.ended(), (27, false));
    assert_eq!(pair.network.ended(), (27, false));
    pair.cut = false;
    pair.run(SECOND * 10);
    assert!(pair.user.d.is_up() && pair.network.d.is_up());
    pair.assert_idle();
    assert_eq!(pair.user.released().len(), 1);
}

/// A hundred seconds with a far end that notices nothing because it polls rarely: the case that leaves one side talking to
/// nobody. Ours is over by T309; the enquiry, or its answer, ends theirs.
#[test]
fn one_side_gives_up_and_the_other_does_not() {
    let slow = isdn::Config {
        timers: crate::common::timers(Side::Network).with(Timer::T309, SECOND * 1000),
        ..crate::common::config(Side::Network)
    };
    let mut pair = Pair::up_with(crate::common::config(Side::User), slow);
    let (ours, theirs) = pair.connected(Side::Network, 5);
    pair.cut = true;
    pair.run(SECOND * 140);
    assert_eq!(pair.user.ended(), (27, false));
    assert_eq!(pair.network.state(ours), 10);
    pair.cut = false;
    pair.run(SECOND * 10);
    let text = pair.ladder.join("\n");
    assert!(text.contains("> STATUS *1 cause 30 state 0"), "{text}");
    assert_eq!(pair.network.released(), [(ours, 41, true)]);
    assert_eq!(pair.user.state(theirs), 0);
    pair.assert_idle();
}

/// Hung up while the link is down: over here at once, and over there as soon as they ask.
#[test]
fn cleared_while_the_link_is_down() {
    let mut pair = Pair::up();
    let (ours, theirs) = pair.connected(Side::Network, 5);
    pair.cut = true;
    pair.run(SECOND * 60);
    pair.clear(Side::User, theirs, NORMAL);
    assert_eq!(pair.user.ended(), (16, false));
    pair.cut = false;
    pair.run(SECOND * 20);
    assert_eq!(pair.network.released(), [(ours, 41, true)]);
    pair.assert_idle();
}

/// Calls that are being set up end with the link.
#[test]
fn calls_being_set_up_end_at_once() {
    for proceed in [false, true] {
        let mut pair = Pair::up();
        pair.dial(Side::Network, ChannelChoice::Exclusive(5.into()));
        pair.run(SHORT);
        let theirs = pair.user.incoming();
        let now = pair.now;
        if proceed {
            pair.user.d.proceed(now, theirs, 5).expect("new");
            pair.run(SHORT);
            let now = pair.now;
            pair.user.d.alert(now, theirs).expect("proceeding");
            pair.run(SHORT);
        }
        pair.cut = true;
        pair.run(SECOND * 50);
        assert_eq!(pair.user.ended(), (27, false));
        // The network's T303 may have been first.
        assert!(matches!(pair.network.ended(), (27 | 18, false)));
        pair.assert_idle();
    }
}

/// The far end resets the link and has lost its calls, as after a restart of its program: nothing else would tell us.
#[test]
fn reset_by_a_far_end_that_has_forgotten() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    let sabme = [0x02, 0x01, 0x7f];
    alone.d.handle_frame(alone.now, &sabme);
    let mut heard = Vec::new();
    while let Some(output) = alone.d.poll_output() {
        if let isdn::Output::Frame(_, frame) = output {
            heard.push(frame.to_vec());
        }
    }
    // UA, then the enquiry in a fresh I frame.
    assert_eq!(heard[0], [0x02, 0x01, 0x73]);
    assert_eq!(heard[1], [0x00, 0x01, 0x00, 0x00, 0x08, 0x02, 0x80, 0x01, 0x75]);
    alone.d.handle_frame(
        alone.now,
        &[0x02, 0x01, 0x00, 0x02, 0x08, 0x02, 0x00, 0x01, 0x7d, 0x08, 0x02, 0x82, 0x9e, 0x14, 0x01, 0x00],
    );
    alone.settle();
    assert_eq!(alone.released(), [(41, true)]);
}

/// The same for a call of ours after PROGRESS, which no timer watches: it is asked about, and ends.
#[test]
fn reset_after_progress() {
    for ringing in [false, true] {
        let mut alone = Alone::up(Side::User);
        let call = alone.dial(ChannelChoice::Exclusive(5.into()));
        let value = call.value as u8;
        alone.say(&[8, 2, 0x80, value, 0x02]);
        if ringing {
            alone.say(&[8, 2, 0x80, value, 0x01]);
        }
        alone.say(&[8, 2, 0x80, value, 0x03, 0x1e, 2, 0x82, 0x88]);
        alone.run(SECOND * 600);
        assert_eq!(alone.state().len(), 1, "nothing watches it");
        // Both ends agree on the new link; the far end has no such call.
        alone.d.handle_frame(alone.now, &[0x02, 0x01, 0x7f]);
        alone.far = Alone::up(Side::User).far;
        alone.ladder.clear();
        alone.settle();
        assert_eq!(alone.heard(), [format!("STATUS ENQUIRY {value}")]);
        alone.say(&[8, 2, 0x80, value, 0x7d, 0x08, 2, 0x82, 0x9e, 0x14, 1, 0]);
        assert_eq!(alone.released(), [(41, true)]);
    }
}

/// A reset during the answer: CONNECT may be lost, T313 finds out. Nothing hangs.
#[test]
fn reset_while_connecting() {
    let mut alone = Alone::up(Side::User);
    let call = alone.be_called();
    alone.d.proceed(alone.now, call, 5).expect("new");
    alone.d.connect(alone.now, call).expect("proceeding");
    alone.settle();
    alone.d.handle_frame(alone.now, &[0x02, 0x01, 0x7f]);
    assert_eq!(alone.d.calls().map(|call| call.state).collect::<Vec<_>>(), [StateName::ConnectRequest]);
    while alone.d.poll_output().is_some() {}
    for _ in 0..200 {
        alone.now += SECOND;
        alone.d.handle_timeout(alone.now);
        while let Some(output) = alone.d.poll_output() {
            if let isdn::Output::Event(event) = output {
                alone.events.push(event);
            }
        }
    }
    assert_eq!(alone.released().len(), 1);
}

/// An enquiry that nobody answers ends the call in the end: 41, temporary failure.
#[test]
fn nobody_answers_the_enquiry() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    // The far end releases the link and establishes it again.
    alone.far.release(alone.now);
    alone.settle();
    assert_eq!(alone.events, [Event::LinkDown]);
    alone.far.establish(alone.now);
    alone.settle();
    alone.run(SECOND * 60);
    let text: Vec<_> = alone.ladder.iter().map(|line| line.split_once('>').expect("from the user").1).collect();
    assert_eq!(
        text,
        [
            " STATUS ENQUIRY *1",
            " STATUS ENQUIRY *1",
            " STATUS ENQUIRY *1",
            " DISCONNECT *1 cause 41",
            " RELEASE *1 cause 41",
            " RELEASE *1 cause 41"
        ]
    );
    assert_eq!(alone.released(), [(41, false)]);
}

/// Stopping on purpose ends everything here at once, and takes the link down.
#[test]
fn stopped() {
    let mut pair = Pair::up();
    let (ours, _) = pair.connected(Side::Network, 5);
    let now = pair.now;
    pair.user.d.stop(now);
    pair.run(SHORT);
    assert_eq!(pair.user.ended(), (27, false));
    assert_eq!(pair.user.events.last(), Some(&Event::LinkDown));
    assert_eq!(pair.network.events, [Event::LinkDown], "its call is held");
    // Started again: the far end asks, and learns.
    let now = pair.now;
    pair.user.d.start(now);
    pair.run(SECOND * 5);
    assert_eq!(pair.network.released(), [(ours, 41, true)]);
    let cause = Cause::user(16);
    assert_eq!(pair.network.d.clear(pair.now, ours, cause), Err(isdn::Refused::WrongState));
}
