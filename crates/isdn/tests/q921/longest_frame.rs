//! N201 octets of information arrive whole, one more does not: sent it is refused, received it condemns the link.
//!
//! Clauses: Q.921 5.9.3, 5.8.5

use crate::support::Pair;
use isdn::Side;
use isdn::q921::{N201_MAX, Parameters, SendError, StateName};
use std::time::Duration;

#[test]
fn the_last_octet_counts() {
    for n201 in [1, 128, N201_MAX] {
        let mut pair = Pair::up(Parameters { n201, ..Parameters::default() }, 1);
        let longest = vec![0x55; n201];
        pair.send(Side::User, &longest);
        pair.send(Side::Network, &longest);
        pair.run(Duration::from_millis(100));
        assert_eq!((pair.user.messages(), pair.network.messages()), (vec![longest.clone()], vec![longest]));
        let longer = vec![0x55; n201 + 1];
        assert_eq!(pair.user.link.send(pair.now, &longer), Err(SendError::TooLong));
        pair.inject(Side::User, &[&[0x02, 0x01, 2, 2], &longer[..]].concat());
        assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment, "N201 = {n201}");
        assert_eq!(pair.user.messages().len(), 1);
    }
}

/// An I frame without information is a frame like any other.
#[test]
fn nothing_at_all() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.inject(Side::User, &[0x02, 0x01, 0, 0]);
    assert_eq!(pair.user.messages(), [b""]);
    assert_eq!(pair.ladder, ["> RR 1"]);
}
