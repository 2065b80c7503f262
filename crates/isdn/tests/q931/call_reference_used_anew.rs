//! The far end is started anew and begins to count its call references from 1 again, while we still hold a call of that value:
//! its SETUP must not be taken for a repetition of the old one, or one end has the call on this channel and the other on that
//! one. And a first response that is lost with a link is made good: the next one names the channel again.
//!
//! Clauses: Q.931 4.3, 5.1.2, 5.2.3.1, 5.8.3.2, 5.8.8; Q.850 2 (41)

use crate::common::octets::{SPEECH, cause, channel, status, theirs};
use crate::common::states::{InState, all};
use crate::common::{Alone, Pair, SECOND, SHORT, config, preferred};
use isdn::q931::message::MessageType;
use isdn::{DChannel, Side};

/// The far end establishes the link that was up.
fn reset(alone: &mut Alone) {
    alone.far.establish_anew(alone.now);
    alone.settle();
    alone.heard();
}

fn setup_on_6() -> Vec<u8> {
    [&SPEECH[..], &channel(6)].concat()
}

/// The far end has called and been answered, in whatever way.
fn answered() -> impl Iterator<Item = InState> {
    let was = |(side, state)| match side {
        Side::User => matches!(state, 7..=9),
        Side::Network => matches!(state, 3 | 4),
    };
    let active = [Side::User, Side::Network].map(|side| {
        let mut alone = Alone::up(side);
        let call = alone.be_connected();
        InState { alone, call }
    });
    all().filter(move |it| was(*it)).map(|(side, state)| InState::new(side, state)).chain(active)
}

/// The exchange fails while a call of its rings, and is back at once. Our owner answers just as it calls again; the new call
/// wants channel 1, the old one is on 5. A CONNECT without a channel would say to the exchange that 1 is agreed.
#[test]
fn an_exchange_that_was_started_anew() {
    for from in [Side::User, Side::Network] {
        let mut pair = Pair::up();
        let old = pair.dial(from, preferred(5));
        pair.run(SHORT);
        let theirs = pair.end(from.peer()).incoming();
        pair.proceed(from.peer(), theirs, 5);
        pair.alert(from.peer(), theirs);
        pair.forget();

        let now = pair.now;
        pair.end(from).d = DChannel::new(config(from));
        pair.end(from).d.start(now);
        pair.drain(from);
        // Our answer, and the question about the old call.
        pair.cut = true;
        pair.run(SECOND / 100);
        pair.cut = false;
        while !pair.end(from).d.is_up() {
            pair.run(SECOND / 1000);
        }
        let new = pair.dial(from, preferred(1));
        assert_eq!(new, old);
        let now = pair.now;
        pair.end(from.peer()).d.connect(now, theirs).expect("it rings");
        pair.run(SECOND * 60);
        assert_eq!(pair.end(from.peer()).released(), [(theirs, 41, true)], "{:?}", pair.ladder);
        pair.assert_idle();

        // The next attempt.
        let again = pair.dial(from, preferred(1));
        pair.run(SHORT);
        let theirs = pair.end(from.peer()).incoming();
        pair.proceed(from.peer(), theirs, 1);
        pair.connect(from.peer(), theirs);
        assert!(pair.end(from).connected(again));
    }
}

/// Whatever it was: what the far end has, it would not ask for.
#[test]
fn ends_what_was_answered_before_the_reset() {
    for mut it in answered() {
        let (side, state) = (it.alone.side, it.alone.state());
        reset(&mut it.alone);
        assert_eq!(it.say(MessageType::SETUP, &setup_on_6()), ["RELEASE *1 cause 41"], "{side:?} {state:?}");
        assert_eq!(it.say(MessageType::RELEASE_COMPLETE, &cause(41)), [""; 0]);
        assert_eq!((it.alone.released(), it.alone.state()), (vec![(41, true)], vec![]), "{side:?} {state:?}");
    }
}

/// The far end has said since that it has our answer: SETUP was sent before it came, and is ignored as ever.
#[test]
fn ignored_when_the_far_end_has_our_answer() {
    for mut it in answered() {
        let (side, state) = (it.alone.side, it.alone.state());
        reset(&mut it.alone);
        it.say(MessageType::STATUS, &status(30, if state == [10] { 10 } else { 3 + 6 * u8::from(side == Side::User) }));
        assert_eq!(it.say(MessageType::SETUP, &setup_on_6()), [""; 0], "{side:?} {state:?}");
        assert_eq!(it.alone.state(), state);
    }
}

/// Nothing was answered, so there is nothing to disagree on: one SETUP or the other, the answer names the channel.
#[test]
fn ignored_when_nothing_was_answered() {
    for side in [Side::User, Side::Network] {
        let mut alone = Alone::up(side);
        let call = alone.be_called();
        reset(&mut alone);
        assert_eq!(alone.ask(&theirs(1, MessageType::SETUP, &[&setup_on_6()])), [""; 0]);
        alone.proceed(call, 5);
        assert_eq!(alone.heard(), ["CALL PROCEEDING *1 channel 5!"]);
    }
}

/// CALL PROCEEDING is lost with the link, and nobody has been started anew: the far end waits for its first response still, and
/// would take one without a channel for consent to what it preferred. It rings after the link is up again, or just before.
#[test]
fn a_lost_first_response_is_made_good() {
    for (side, before) in [(Side::User, false), (Side::Network, false), (Side::User, true), (Side::Network, true)] {
        let mut pair = Pair::up();
        let ours = pair.dial(side.peer(), preferred(5));
        pair.run(SHORT);
        let theirs = pair.end(side).incoming();
        pair.cut = true;
        pair.proceed(side, theirs, 7);
        pair.cut = false;
        pair.forget();
        let now = pair.now;
        pair.end(side).d.handle_frame(now, malformed(side.peer()));
        if !before {
            pair.run(SHORT);
        }
        pair.alert(side, theirs);
        let said = pair.said();
        assert!(said.iter().any(|line| line.contains("ALERTING *1 channel 7!")), "{said:?}");
        pair.connect(side, theirs);
        let summary = pair.end(side.peer()).d.calls().find(|summary| summary.call == ours).expect("it is connected");
        assert_eq!((summary.state.number(), summary.channel), (10, Some(7.into())));
    }
}

/// A frame that nobody may send: whoever receives it establishes the link anew.
fn malformed(from: Side) -> &'static [u8] {
    // A supervisory frame, one octet too long.
    if from == Side::User { &[0x00, 0x01, 0x01, 0x00, 0x00] } else { &[0x02, 0x01, 0x01, 0x00, 0x00] }
}
