//! Our REJ does not arrive. It is said once for each gap, however many frames follow, so the far end finds out by its T200 and
//! its poll; nothing is delivered twice or out of order.
//!
//! Clauses: Q.921 5.8.1, 5.6.7

use crate::common::SECOND;
use crate::support::Pair;
use isdn::Side;
use isdn::q921::Parameters;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

#[test]
fn once_for_each_gap() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.cut = true;
    pair.send(Side::User, b"0");
    pair.cut = false;
    for message in [b"1", b"2", b"3"] {
        pair.send(Side::User, message);
    }
    // The frames arrive, and what is answered is lost.
    pair.run(Duration::from_millis(4));
    pair.cut = true;
    pair.run(SHORT);
    pair.cut = false;
    assert_eq!(pair.ladder[4..], ["< REJ 0 lost"]);
    pair.run(SECOND);
    assert_eq!(pair.ladder[5..7], ["> RR 0 P", "< RR 0 F"]);
    assert_eq!(pair.network.messages(), [b"0", b"1", b"2", b"3"]);
    assert_eq!(pair.network.link.counters().sequence_errors, 3);
    assert_eq!(pair.network.link.counters().rejects_out, 1);
    // Once made good, the next gap is asked for anew.
    pair.cut = true;
    pair.send(Side::User, b"4");
    pair.cut = false;
    pair.send(Side::User, b"5");
    pair.run(SHORT);
    assert_eq!(pair.network.link.counters().rejects_out, 2);
    assert_eq!(pair.network.messages().len(), 6);
}
