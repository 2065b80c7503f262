//! Both D channels fail: T309 runs for the active calls from then on, and the primary is preferred when they come back (F.2).

use crate::common::SECOND;
use crate::support::{Backup, Ends, Primary};
use isdn::{Channel, Event, LinkState};

#[test]
fn back_before_t309() {
    let mut ends = Ends::up();
    let (ours, theirs) = ends.connected(Channel::on(2, 3));
    ends.cut = vec![Primary, Backup];
    ends.run(SECOND * 70);
    for end in [&ends.user, &ends.network] {
        assert!(end.events.contains(&Event::LinkDown));
        assert_eq!(end.states(), [Some(LinkState::OutOfService); 2]);
    }
    ends.cut.clear();
    ends.run(SECOND * 20);
    for end in [&ends.user, &ends.network] {
        assert_eq!(end.states(), [Some(LinkState::InService), Some(LinkState::Standby)], "priority is the primary's");
    }
    assert_eq!((ends.network.state(ours), ends.user.state(theirs)), (10, 10));
}

#[test]
fn back_after_t309() {
    let mut ends = Ends::up();
    ends.connected(Channel::on(2, 3));
    ends.cut = vec![Primary, Backup];
    ends.run(SECOND * 240);
    // 27: destination out of order.
    assert_eq!((ends.user.released(), ends.network.released()), (vec![27], vec![27]));
}

/// The primary never comes: the backup gets the signalling after T321.
#[test]
fn only_the_backup_comes_back() {
    let mut ends = Ends::up();
    ends.cut = vec![Primary, Backup];
    ends.run(SECOND * 120);
    ends.cut = vec![Primary];
    ends.run(SECOND * 60);
    for end in [&ends.user, &ends.network] {
        assert_eq!(end.states(), [Some(LinkState::OutOfService), Some(LinkState::InService)]);
    }
    ends.forget();
    ends.connected(Channel::on(2, 3));
}
