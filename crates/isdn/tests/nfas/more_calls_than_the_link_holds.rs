//! Hundreds of calls are active when the backup takes over. Every one is asked about, which is more than the link holds at
//! once: those for which there is no room wait for their turn, and no call is cleared for it (Q.931 clause 5.8.10).

use crate::common::SECOND;
use crate::support::{Backup, Ends, Primary, config};
use isdn::q921::QUEUE_LENGTH;
use isdn::{Channel, Group, LinkState, Side};

const INTERFACES: u8 = 31;

#[test]
fn none_is_cleared() {
    let identifiers: Vec<u8> = (0..INTERFACES).collect();
    let group = Group::new(&identifiers, 0, Some(1)).expect("a group of the largest size");
    let mut ends = Ends::new(config(Side::User, group), config(Side::Network, group));
    ends.user.d.start(ends.now);
    ends.network.d.start(ends.now);
    ends.run(SECOND);
    let mut calls = Vec::new();
    for interface in 0..INTERFACES {
        calls.extend((1..=20).map(|timeslot| ends.connected(Channel::on(interface, timeslot))));
    }
    assert!(calls.len() > 4 * QUEUE_LENGTH);
    ends.forget();
    ends.cut.push(Primary);
    ends.user.d.line_failed(ends.now, Primary);
    ends.network.d.line_failed(ends.now, Primary);
    ends.run(SECOND * 60);
    assert_eq!((ends.user.d.active_link(), ends.network.d.active_link()), (Some(Backup), Some(Backup)));
    for (end, arrow) in [(&ends.user, '>'), (&ends.network, '<')] {
        assert_eq!(end.released().len(), 0, "calls were cleared");
        let enquiries = ends.ladder.iter().filter(|line| line.starts_with(arrow) && line.contains("STATUS ENQUIRY"));
        assert_eq!(enquiries.count(), calls.len(), "each is asked about, once");
        assert_eq!(end.d.counters().calls.not_sent, 0, "and nothing else found the link full");
        assert_eq!(end.states(), [Some(LinkState::OutOfService), Some(LinkState::InService)]);
    }
    assert!(calls.iter().all(|(ours, theirs)| (ends.network.state(*ours), ends.user.state(*theirs)) == (10, 10)));
}
