//! The far end acknowledges nothing: k frames go out and no more; each acknowledgement lets as many follow as it covers.
//!
//! Clauses: Q.921 5.6.1, 5.9.5

use crate::common::SECOND;
use crate::support::Pair;
use isdn::Side;
use isdn::q921::{K_MAX, Parameters};

/// A response of the network: RR, the frames before this one have arrived.
fn receive_ready(n_r: u8) -> [u8; 4] {
    [0x00, 0x01, 0x01, n_r << 1]
}

#[test]
fn as_many_as_k_allows() {
    for k in [1, 3, 7, K_MAX] {
        let mut pair = Pair::user_up_alone(Parameters { k, ..Parameters::default() });
        for number in 0..100 {
            pair.send(Side::User, &[number]);
        }
        assert_eq!(pair.ladder.len(), usize::from(k));
        assert_eq!(pair.ladder.last(), Some(&format!("> I {} 0 lost", k - 1)));
        pair.ladder.clear();
        pair.inject(Side::User, &receive_ready(1));
        assert_eq!(pair.ladder, [format!("> I {k} 0 lost")], "one acknowledged, one more");
        pair.ladder.clear();
        pair.inject(Side::User, &receive_ready(k + 1));
        let next: Vec<_> =
            (k + 1..2 * k + 1).take(100 - usize::from(k) - 1).map(|n| format!("> I {n} 0 lost")).collect();
        assert_eq!(pair.ladder, next, "all acknowledged, a window more");
    }
}

/// A full window and no answer: the poll asks, and only what the answer says is missing goes out again.
#[test]
fn the_far_end_took_three() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    for number in 0..10 {
        pair.send(Side::User, &[number]);
    }
    pair.ladder.clear();
    pair.run(SECOND);
    assert_eq!(pair.ladder, ["> RR 0 P lost"]);
    pair.ladder.clear();
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 3 << 1 | 1]); // RR F
    let again: Vec<_> = (3..10).map(|number| format!("> I {number} 0 lost")).collect();
    assert_eq!(pair.ladder, again);
    assert_eq!(pair.user.link.counters().retransmissions, 4);
}
