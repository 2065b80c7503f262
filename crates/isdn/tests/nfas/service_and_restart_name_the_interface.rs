//! SERVICE and RESTART for channels of other interfaces: each names the interface, and touches no other.

use crate::common::SHORT;
use crate::support::Ends;
use isdn::{Cause, Channel, ChannelSet, Event, FarState, Manner, ServiceState};

#[test]
fn service_of_one_channel() {
    let mut ends = Ends::up_with(|config| config.with_service_messages().expect("NI-2 has them"));
    ends.run(SHORT * 50);
    ends.forget();
    let channel = Channel::on(2, 5);
    ends.user
        .d
        .set_near(ends.now, channel, ServiceState::OutOfService, Manner::Force)
        .expect("there is such a channel");
    ends.run(SHORT);
    assert_eq!(ends.network.events, [Event::FarChanged { channel, state: FarState::OutOfService }]);
    let state = ServiceState::OutOfService;
    assert_eq!(ends.user.events, [Event::ServiceSettled { channel, state, acknowledged: true }]);
    let outgoing = |channel| ends.network.d.service(channel).map(|service| service.outgoing);
    assert_eq!(
        (outgoing(channel), outgoing(Channel::on(1, 5)), outgoing(5.into())),
        (Some(false), Some(true), Some(true))
    );
}

#[test]
fn restart_of_one_channel() {
    let mut ends = Ends::up();
    let (_, ended) = ends.connected(Channel::on(2, 5));
    let (_, other) = ends.connected(Channel::on(1, 5));
    ends.forget();
    ends.network.d.restart(ends.now, Channel::on(2, 5)).expect("up");
    ends.run(SHORT);
    assert_eq!((ends.user.state(ended), ends.user.state(other)), (0, 10));
    assert!(ends.user.events.contains(&Event::Restarted { channels: ChannelSet::on(2, 1 << 4) }));
    assert!(ends.network.events.contains(&Event::RestartDone { channel: Channel::on(2, 5), acknowledged: true }));
    ends.user.d.clear(ends.now, other, Cause::user(16)).expect("it is there");
    ends.run(SHORT);
    assert_eq!((ends.user.d.calls().count(), ends.network.d.calls().count()), (0, 0));
}
