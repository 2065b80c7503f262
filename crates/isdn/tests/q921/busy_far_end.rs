//! The far end says RNR: we hold our messages, ask it every T200 whether it can take them, and lose none (5.6.5).
//!
//! Clauses: Q.921 3.6.8, 5.6.5, 5.6.7

use crate::common::SECOND;
use crate::support::Pair;
use isdn::Side;
use isdn::q921::{Parameters, StateName};

const RNR_0: [u8; 4] = [0x00, 0x01, 0x05, 0x00];
const RNR_0_FINAL: [u8; 4] = [0x00, 0x01, 0x05, 0x01];
const RR_0_FINAL: [u8; 4] = [0x00, 0x01, 0x01, 0x01];

#[test]
fn a_busy_far_end_is_asked_and_then_served() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.inject(Side::User, &RNR_0);
    pair.send(Side::User, b"held");
    assert_eq!(pair.ladder, [""; 0]);

    // For a minute it stays busy, but answers: no end of patience.
    for _ in 0..60 {
        pair.run(SECOND);
        assert_eq!(pair.ladder, ["> RR 0 P lost"]);
        assert_eq!(pair.user.link.state(), StateName::TimerRecovery);
        pair.ladder.clear();
        pair.inject(Side::User, &RNR_0_FINAL);
        assert_eq!(pair.user.link.state(), StateName::MultipleFrameEstablished);
    }
    assert_eq!(pair.user.link.counters().resets, 0);
    assert_eq!(pair.user.link.counters().receiver_not_ready_in, 61);

    pair.run(SECOND);
    pair.inject(Side::User, &RR_0_FINAL);
    assert_eq!(pair.ladder, ["> RR 0 P lost", "> I 0 0 lost"]);
}

/// It says so itself that it is ready again, with RR or REJ: no poll is waited for.
#[test]
fn the_end_of_busy_is_heard_at_once() {
    for ready in [[0x00, 0x01, 0x01, 0x00], [0x00, 0x01, 0x09, 0x00]] {
        let mut pair = Pair::up(Parameters::default(), 1);
        pair.inject(Side::User, &RNR_0);
        pair.send(Side::User, b"held");
        pair.inject(Side::User, &ready);
        assert_eq!(pair.ladder, ["> I 0 0"]);
        pair.run(SECOND);
        assert_eq!(pair.network.messages(), [b"held"]);
    }
}

/// Busy with some of ours on the way: what it did not take is sent again, what it took is not.
#[test]
fn frames_under_way_when_it_became_busy_are_repeated() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    for number in 0..3u8 {
        pair.send(Side::User, &[number]);
    }
    pair.inject(Side::User, &[0x00, 0x01, 0x05, 0x02]); // RNR, took the first
    pair.ladder.clear();
    pair.run(SECOND);
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 0x03]); // RR F, still after the first
    assert_eq!(pair.ladder, ["> RR 0 P lost", "> I 1 0 lost", "> I 2 0 lost"]);
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 0x06]);
    pair.ladder.clear();
    pair.run(SECOND * 9);
    assert_eq!(pair.ladder, [""; 0], "nothing left to repeat");
}

/// A busy far end that stops answering is lost like any other.
#[test]
fn a_busy_far_end_that_falls_silent_is_lost() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.inject(Side::User, &RNR_0);
    pair.run(SECOND * 5);
    assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment);
    assert_eq!(pair.user.link.counters().polls_exhausted, 1);
}
