//! REJ: the far end misses frames from N(R) on. What it has is forgotten, the rest goes out again at once, in order; with a
//! poll of ours open, only its answer moves us.
//!
//! Clauses: Q.921 3.6.7, 5.6.4, 5.6.7

use crate::common::SECOND;
use crate::support::Pair;
use isdn::Side;
use isdn::q921::{Parameters, StateName};

/// Three frames out, none acknowledged.
fn three_out() -> Pair {
    let mut pair = Pair::user_up_alone(Parameters::default());
    for number in 0..3 {
        pair.send(Side::User, &[number]);
    }
    pair.forget();
    pair
}

#[test]
fn from_each_of_them_on() {
    for n_r in 0..=3 {
        let mut pair = three_out();
        pair.inject(Side::User, &[0x00, 0x01, 0x09, n_r << 1]);
        let again: Vec<_> = (n_r..3).map(|number| format!("> I {number} 0 lost")).collect();
        assert_eq!(pair.ladder, again);
        assert_eq!(pair.user.link.counters().rejects_in, 1);
    }
}

/// As a command with P it wants an answer with F, before the frames.
#[test]
fn as_a_poll() {
    let mut pair = three_out();
    pair.inject(Side::User, &[0x02, 0x01, 0x09, 1 << 1 | 1]);
    assert_eq!(pair.ladder, ["> RR 0 F lost", "> I 1 0 lost", "> I 2 0 lost"]);
}

/// Before our poll is answered it acknowledges, and nothing goes out; as the answer it sets the rest going.
#[test]
fn while_our_poll_is_open() {
    let mut pair = three_out();
    pair.run(SECOND);
    assert_eq!(pair.ladder, ["> RR 0 P lost"]);
    pair.forget();
    pair.inject(Side::User, &[0x00, 0x01, 0x09, 1 << 1]);
    assert_eq!((pair.user.link.state(), &pair.ladder[..]), (StateName::TimerRecovery, &[][..]));
    pair.inject(Side::User, &[0x00, 0x01, 0x09, 2 << 1 | 1]);
    assert_eq!(pair.user.link.state(), StateName::MultipleFrameEstablished);
    assert_eq!(pair.ladder, ["> I 2 0 lost"]);
}
