//! The primary D channel fails: the backup takes over (Q.931 Annex F.2.2), no call ends, new calls come on it, and the
//! primary stands by when it is back.

use crate::common::{SECOND, SHORT};
use crate::support::{Backup, Ends, Primary};
use isdn::{Channel, Event, LinkState, Side};

#[test]
fn no_call_is_lost() {
    let mut ends = Ends::up();
    let calls = [Channel::on(0, 1), Channel::on(1, 2), Channel::on(2, 24)].map(|channel| ends.connected(channel));
    ends.forget();
    ends.cut.push(Primary);
    ends.run(SECOND * 60);
    for end in [&ends.user, &ends.network] {
        assert_eq!(end.states(), [Some(LinkState::OutOfService), Some(LinkState::InService)]);
        assert_eq!(end.released(), []);
        assert!(!end.events.contains(&Event::LinkDown), "the group was never without signalling");
    }
    for (ours, theirs) in calls {
        assert_eq!((ends.network.state(ours), ends.user.state(theirs)), (10, 10));
    }
    for (_, theirs) in calls {
        let enquiry = format!("> B STATUS ENQUIRY *{}", theirs.value);
        assert!(ends.ladder.contains(&enquiry), "every call is asked about: {:#?}", ends.ladder);
    }
    ends.connected(Channel::on(2, 5));

    ends.cut.clear();
    ends.run(SECOND * 10);
    for end in [&ends.user, &ends.network] {
        assert_eq!(end.states(), [Some(LinkState::Standby), Some(LinkState::InService)], "no call is moved twice");
    }
    ends.forget();
    ends.connected(Channel::on(0, 5));
    assert!(ends.ladder.iter().all(|line| line[2..].starts_with('B')));
}

/// Only one end sees the failure: it tells the other by establishing the backup anew and speaking on it.
#[test]
fn one_end_sees_it() {
    let mut ends = Ends::up();
    let (ours, theirs) = ends.connected(Channel::on(2, 3));
    ends.user.d.line_failed(ends.now, Primary);
    ends.run(SHORT);
    for end in [&ends.user, &ends.network] {
        assert_eq!((end.d.active_link(), end.released()), (Some(Backup), vec![]));
    }
    ends.run(SECOND * 60);
    assert_eq!((ends.network.state(ours), ends.user.state(theirs)), (10, 10));
    assert_eq!(ends.user.states(), [Some(LinkState::Standby), Some(LinkState::InService)]);
}

/// The owner takes the primary out for work on it, and puts it back.
#[test]
fn held_by_hand() {
    let mut ends = Ends::up();
    let (ours, _) = ends.connected(Channel::on(1, 3));
    ends.user.d.hold_link(ends.now, Primary, true);
    ends.run(SECOND * 120);
    assert_eq!(ends.user.states(), [Some(LinkState::Manual), Some(LinkState::InService)]);
    assert_eq!(ends.network.states(), [Some(LinkState::OutOfService), Some(LinkState::InService)]);
    assert_eq!(ends.network.state(ours), 10);
    ends.user.d.hold_link(ends.now, Primary, false);
    ends.run(SECOND * 10);
    for end in [&ends.user, &ends.network] {
        assert_eq!(end.states(), [Some(LinkState::Standby), Some(LinkState::InService)]);
    }
}

/// A call that was being set up goes on where it was.
#[test]
fn a_call_being_set_up() {
    let mut ends = Ends::up();
    ends.connected(Channel::on(2, 1));
    let ours = ends.dial(Side::Network, Channel::on(2, 2));
    let (theirs, _) = ends.user.incoming();
    let now = ends.now;
    ends.user.d.proceed(now, theirs, Channel::on(2, 2)).expect("new");
    ends.user.d.alert(now, theirs).expect("not answered");
    ends.run(SHORT);
    ends.user.d.line_failed(ends.now, Primary);
    ends.run(SHORT);
    let now = ends.now;
    ends.user.d.connect(now, theirs).expect("it still rings");
    ends.run(SHORT);
    assert_eq!((ends.network.state(ours), ends.user.state(theirs)), (10, 10));
}
