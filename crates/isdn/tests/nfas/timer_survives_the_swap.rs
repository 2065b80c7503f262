//! A timer that was started on one D channel expires after the other has taken over: what it does is done there.

use crate::common::{SECOND, SHORT};
use crate::support::{Ends, Primary};
use isdn::{Cause, Channel};

/// DISCONNECT is lost with the primary. T305 sends RELEASE on the backup.
#[test]
fn t305() {
    let mut ends = Ends::up();
    let (ours, theirs) = ends.connected(Channel::on(2, 3));
    ends.forget();
    ends.cut.push(Primary);
    ends.network.d.clear(ends.now, ours, Cause::user(16)).expect("it is there");
    ends.run(SHORT);
    assert_eq!(ends.ladder, ["< P DISCONNECT 1 cause 16"]);
    ends.network.d.line_failed(ends.now, Primary);
    ends.run(SECOND * 40);
    assert!(ends.ladder.contains(&"< B RELEASE 1 cause 16".to_string()), "{:#?}", ends.ladder);
    assert_eq!((ends.network.state(ours), ends.user.state(theirs)), (0, 0));
    assert_eq!((ends.network.released(), ends.user.released()), (vec![16], vec![16]));
}
