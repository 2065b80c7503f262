//! The far end does not clear: after T305 DISCONNECT becomes RELEASE, after T308 RELEASE is repeated, after another T308
//! the call is over at this end and the channel in doubt (5.3.3, 5.3.4).
//!
//! Clauses: Q.931 5.3.3, 5.3.4, 9 T308

use crate::common::{Alone, NORMAL, SECOND};
use isdn::{Event, Side};

#[test]
fn nobody_answers() {
    let mut alone = Alone::up(Side::User);
    let call = alone.be_connected();
    alone.d.clear(alone.now, call, NORMAL).expect("active");
    alone.run(SECOND * 37);
    assert_eq!(alone.released(), []);
    alone.run(SECOND * 2);
    assert_eq!(
        alone.ladder,
        ["0.0 > DISCONNECT *1 cause 16", "30.0 > RELEASE *1 cause 16", "34.0 > RELEASE *1 cause 16",]
    );
    assert_eq!(alone.events, [Event::Released { call, cause: NORMAL, by_peer: false }]);
    assert_eq!(alone.d.counters().calls.releases_unanswered, 1);
    assert_eq!(alone.state(), []);
}

/// The far end begins, and does not confirm our RELEASE.
#[test]
fn the_far_end_begins_and_falls_silent() {
    let mut alone = Alone::up(Side::Network);
    alone.be_connected();
    assert_eq!(alone.ask(&[0x08, 0x02, 0x00, 0x01, 0x45, 0x08, 0x02, 0x80, 0x90]), ["RELEASE *1 cause 16"]);
    assert_eq!(alone.state(), [19]);
    alone.run(SECOND * 9);
    assert_eq!(alone.ladder, ["4.0 < RELEASE *1 cause 16"]);
    assert_eq!(alone.released(), [(16, true)]);
}

/// What crosses our clearing messages is not answered: 5.3.3 asks to ignore it.
#[test]
fn messages_that_cross_are_ignored() {
    let mut alone = Alone::up(Side::User);
    let call = alone.be_connected();
    alone.d.clear(alone.now, call, NORMAL).expect("active");
    alone.settle();
    for kind in [0x01, 0x07, 0x0f, 0x03, 0x6e, 0x7b] {
        assert_eq!(alone.ask(&[0x08, 0x02, 0x00, 0x01, kind]), [""; 0], "{kind:02x}");
    }
    assert_eq!(alone.state(), [11]);
    assert_eq!(alone.ask(&[0x08, 0x02, 0x00, 0x01, 0x4d]), ["RELEASE COMPLETE *1"]);
    assert_eq!(alone.released(), [(16, false)]);
}
