//! Messages on the D channel that stands by are ignored (F.2.1), and counted.

use crate::common::{DELAY, SHORT};
use crate::support::{Backup, Ends, Primary};
use isdn::{Channel, LinkId, Side};

#[test]
fn a_setup_on_the_wrong_d_channel() {
    let mut ends = Ends::up();
    ends.connected(Channel::on(2, 3));
    ends.forget();
    // A SETUP as the network would send it first on a link that has just come up.
    let setup = [
        0x02, 0x01, 0x00, 0x00, 0x08, 0x02, 0x00, 0x63, 0x05, 0x04, 0x03, 0x80, 0x90, 0xa2, 0x18, 0x04, 0xe9, 0x82,
        0x83, 0x85,
    ];
    ends.user.d.handle_frame_on(ends.now, Backup, &setup);
    ends.drain(Side::User);
    assert_eq!((ends.user.events.len(), ends.user.d.active_link()), (0, Some(Primary)));
    assert_eq!(ends.user.d.counters().calls.on_standby, 1);
    let messages = |link: LinkId| ends.user.d.link_counters(link).map(|counters| counters.frames_in > 0);
    assert_eq!((messages(Primary), messages(Backup)), (Some(true), Some(true)));
}

/// An end that has forgotten everything begins on the primary; one that was on the backup follows it.
#[test]
fn an_end_that_starts_again() {
    let mut ends = Ends::up();
    ends.user.d.line_failed(ends.now, Primary);
    ends.run(SHORT + DELAY);
    ends.connected(Channel::on(2, 3));
    assert_eq!(ends.network.d.active_link(), Some(Backup));
    let fresh = Ends::new(
        crate::support::config(Side::User, crate::support::group()),
        crate::support::config(Side::Network, crate::support::group()),
    );
    ends.user = fresh.user;
    ends.user.d.start(ends.now);
    ends.run(crate::common::SECOND * 60);
    ends.forget();
    ends.connected(Channel::on(2, 7));
    assert_eq!(ends.user.d.active_link(), ends.network.d.active_link());
}
