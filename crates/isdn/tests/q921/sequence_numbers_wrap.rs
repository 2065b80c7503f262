//! After 127 comes 0, for N(S) and N(R) alike: on a good line, with a frame lost just there, and with a window across it.
//!
//! Clauses: Q.921 3.5.2, 5.6.1, 5.6.2, 5.8.1

use crate::common::SECOND;
use crate::support::Pair;
use isdn::Side;
use isdn::q921::{Parameters, StateName};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

/// Three hundred messages each way, one by one.
#[test]
fn more_than_twice_round() {
    let mut pair = Pair::up(Parameters::default(), 1);
    for number in 0..300u16 {
        pair.send(Side::User, &number.to_be_bytes());
        pair.send(Side::Network, &number.to_be_bytes());
        pair.run(SHORT);
    }
    let expected: Vec<_> = (0..300u16).map(|number| number.to_be_bytes().to_vec()).collect();
    assert_eq!(pair.user.messages(), expected);
    assert_eq!(pair.network.messages(), expected);
    assert!(pair.ladder.iter().any(|line| line.starts_with("> I 127 ")));
    assert!(pair.ladder.iter().any(|line| line == "> RR 0" || line.starts_with("> I 0 0")));
    let counters = pair.user.link.counters();
    assert_eq!((counters.retransmissions, counters.resets, counters.rejects_out), (0, 0, 0));
}

/// N(S) = 127 is lost: the gap is seen at 0, and both go out again.
#[test]
fn the_last_number_is_lost() {
    let mut pair = Pair::up(Parameters::default(), 1);
    for number in 0..127u8 {
        pair.send(Side::User, &[number]);
        pair.run(SHORT);
    }
    pair.forget();
    pair.cut = true;
    pair.send(Side::User, &[127]);
    pair.cut = false;
    pair.send(Side::User, &[128]);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> I 127 0 lost", "> I 0 0", "< REJ 127", "> I 127 0", "> I 0 0", "< RR 0", "< RR 1"]);
    assert_eq!(pair.network.messages(), [[127], [128]]);
}

/// With 125 to 3 unacknowledged, an acknowledgement of any of them is good, and of one beside them is not.
#[test]
fn acknowledged_across_the_wrap() {
    for (n_r, good) in [(124, false), (125, true), (127, true), (0, true), (4, true), (5, false), (64, false)] {
        let mut pair = Pair::user_up_alone(Parameters::default());
        for number in 0..125u8 {
            pair.send(Side::User, &[number]);
            pair.inject(Side::User, &[0x00, 0x01, 0x01, (number + 1) << 1]);
        }
        for number in 0..7u8 {
            pair.send(Side::User, &[number]);
        }
        pair.inject(Side::User, &[0x00, 0x01, 0x01, n_r << 1]);
        let state = if good { StateName::MultipleFrameEstablished } else { StateName::AwaitingEstablishment };
        assert_eq!(pair.user.link.state(), state, "N(R) = {n_r}");
        pair.run(SECOND);
    }
}
