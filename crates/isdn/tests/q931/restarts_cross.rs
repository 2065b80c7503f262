//! Both ends restart the same channel in the same moment: both acknowledge, both are done, and neither begins again.
//!
//! Clauses: Q.931 5.5.1, 5.5.2

use crate::common::{Pair, SECOND, SHORT};
use isdn::{Event, Side};

#[test]
fn both_are_done() {
    let mut pair = Pair::up();
    let (ours, theirs) = pair.connected(Side::Network, 5);
    let now = pair.now;
    pair.user.d.restart(now, 5).expect("up");
    pair.network.d.restart(now, 5).expect("up");
    pair.run(SHORT);
    assert_eq!(
        pair.said(),
        [
            "> RESTART global channel 5!",
            "< RESTART global channel 5!",
            "> RESTART ACKNOWLEDGE *global channel 5!",
            "< RESTART ACKNOWLEDGE *global channel 5!"
        ]
    );
    assert_eq!(pair.network.released(), [(ours, 41, false)]);
    assert_eq!(pair.user.released(), [(theirs, 41, false)]);
    for end in [&pair.user, &pair.network] {
        let done = |event: &&Event| matches!(event, Event::RestartDone { acknowledged: true, .. });
        assert_eq!(end.events.iter().filter(done).count(), 1);
    }
    pair.run(SECOND * 300);
    assert_eq!(pair.ladder.len(), 4);
    // The channel takes calls.
    pair.forget();
    pair.connected(Side::User, 5);
}
