//! The owner takes the whole group down. The D channel that is down first does not call the other one up, nor does a line
//! that fails meanwhile; and both come back together.

use crate::common::{SECOND, SHORT};
use crate::support::{Ends, Primary};
use isdn::{Channel, Event, LinkState};

#[test]
fn neither_takes_over() {
    for withdrawn in [false, true] {
        let mut ends = Ends::up();
        ends.connected(Channel::on(2, 3));
        ends.forget();
        let now = ends.now;
        if withdrawn {
            ends.user.d.withdraw(now);
        } else {
            ends.network.d.stop(now);
            ends.user.d.stop(now);
        }
        ends.user.d.line_failed(now, Primary);
        ends.run(SECOND * 60);
        assert_eq!(ends.user.states(), [Some(LinkState::OutOfService); 2], "withdrawn: {withdrawn}");
        assert!(!ends.user.d.is_up() && ends.user.d.active_link().is_none());
        assert_eq!((ends.user.released(), ends.user.events.contains(&Event::LinkDown)), (vec![27], true));

        ends.network.d.start(ends.now);
        ends.user.d.start(ends.now);
        ends.run(SECOND * 60);
        assert_eq!(ends.user.states(), [Some(LinkState::InService), Some(LinkState::Standby)]);
        ends.connected(Channel::on(2, 4));
        ends.run(SHORT);
    }
}
