//! Every establishment sets all sequence numbers to 0 at both ends, whoever began it and however far they had come.
//!
//! Clauses: Q.921 5.5.1.1, 5.5.1.2, 5.7.2

use crate::support::{Pair, Seen};
use isdn::Side;
use isdn::q921::Parameters;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

/// Both ends have sent a few; then one of them establishes again.
fn talked() -> Pair {
    let mut pair = Pair::up(Parameters::default(), 1);
    for number in 0..5u8 {
        pair.send(Side::User, &[number]);
        pair.send(Side::Network, &[number]);
        pair.run(SHORT);
    }
    pair.forget();
    pair
}

#[test]
fn from_either_end() {
    for side in [Side::User, Side::Network] {
        let mut pair = talked();
        // A frame it can make nothing of makes this end establish.
        let first = if side == Side::User { 0x02 } else { 0x00 };
        pair.inject(side, &[first, 0x01, 0xe3]);
        pair.run(SHORT);
        pair.send(Side::User, b"a");
        pair.run(SHORT);
        pair.send(Side::Network, b"b");
        pair.run(SHORT);
        let (here, there) = if side == Side::User { ('>', '<') } else { ('<', '>') };
        assert_eq!(
            pair.ladder,
            [
                format!("{here} SABME P"),
                format!("{there} UA F"),
                "> I 0 0".into(),
                "< RR 1".into(),
                "< I 0 1".into(),
                "> RR 1".into()
            ]
        );
        assert_eq!(pair.user.seen, [Seen::Up { reset: true }, Seen::Message(b"b".to_vec())]);
    }
}
