//! We answer in the moment the caller gives up: CONNECT and DISCONNECT cross. The call is cleared, it was never connected, and
//! neither end answers what the other had sent before it knew.
//!
//! Clauses: Q.931 5.2.8, 5.3.5, 5.8.4

use crate::common::{NORMAL, Pair, SHORT, exclusive};
use isdn::{Event, Side};

#[test]
fn from_either_side() {
    for from in [Side::User, Side::Network] {
        let mut pair = Pair::up();
        let ours = pair.dial(from, exclusive(5));
        pair.run(SHORT);
        let theirs = pair.end(from.peer()).incoming();
        pair.proceed(from.peer(), theirs, 5);
        pair.ladder.clear();
        let now = pair.now;
        pair.end(from).d.clear(now, ours, NORMAL).expect("proceeding");
        pair.connect(from.peer(), theirs);
        pair.run(SHORT);
        pair.assert_idle();
        assert_eq!(pair.end(from).ended(), (16, false));
        assert_eq!(pair.end(from.peer()).ended(), (16, true));
        assert!(!pair.end(from).events.contains(&Event::Connected { call: ours }));
        let mut said: Vec<_> = pair.said().iter().map(|line| line[2..].to_string()).collect();
        said.sort();
        assert_eq!(said, ["CONNECT *1", "DISCONNECT 1 cause 16", "RELEASE *1 cause 16", "RELEASE COMPLETE 1"]);
    }
}
