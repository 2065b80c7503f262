//! A call on an interface that has no D channel: its channel is named with the interface (4.5.13), timeslot 24 included.

use crate::common::SHORT;
use crate::support::{Ends, config, group};
use isdn::{Channel, ChannelChoice, Config, Group, GroupError, Output, Refused, Setup, Side, Switch};
use std::time::Duration;

#[test]
fn calls_on_all_interfaces() {
    let mut ends = Ends::up();
    let channels = [Channel::on(0, 23), Channel::on(1, 23), Channel::on(2, 1), Channel::on(2, 24)];
    let calls = channels.map(|channel| ends.connected(channel));
    for (channel, (ours, theirs)) in channels.into_iter().zip(calls) {
        let at =
            |call, d: &isdn::DChannel| d.calls().find(|summary| summary.call == call).and_then(|call| call.channel);
        assert_eq!((at(ours, &ends.network.d), at(theirs, &ends.user.d)), (Some(channel), Some(channel)));
    }
    let busy = Setup { channel: ChannelChoice::Exclusive(Channel::on(2, 1)), ..Setup::default() };
    assert_eq!(ends.network.d.dial(ends.now, &busy), Err(Refused::WrongState));
    ends.network.d.clear(ends.now, calls[3].0, isdn::Cause::user(16)).expect("it is there");
    ends.run(SHORT);
    assert_eq!((ends.user.released(), ends.network.d.calls().count()), (vec![16], 3));
}

/// Timeslot 24 is a D channel where there is one, the backup's included.
#[test]
fn d_channels_carry_no_calls() {
    let mut ends = Ends::up();
    for channel in [Channel::on(0, 24), Channel::on(1, 24), Channel::on(3, 1)] {
        let setup = Setup { channel: ChannelChoice::Exclusive(channel), ..Setup::default() };
        assert_eq!(ends.network.d.dial(ends.now, &setup), Err(Refused::WrongState), "{channel}");
    }
    assert!(ends.user.d.service(Channel::on(2, 24)).is_some());
}

/// The octets: `18 04 e9 82 83 81` is channel 1 of the interface with identifier 2, exclusively.
#[test]
fn the_interface_is_written_by_its_identifier() {
    let group = Group::new(&[5, 9], 0, None).expect("a group can be so");
    let mut ends = Ends::new(config(Side::User, group), config(Side::Network, group));
    ends.user.d.start(ends.now);
    ends.network.d.start(ends.now);
    ends.run(SHORT);
    let setup = Setup { channel: ChannelChoice::Exclusive(Channel::on(1, 1)), ..Setup::default() };
    ends.network.d.dial(ends.now, &setup).expect("the call is placed");
    let mut named = false;
    while let Some(output) = ends.network.d.poll_output() {
        if let Output::Frame(_, frame) = output {
            named |= frame.windows(6).any(|octets| octets == [0x18, 0x04, 0xe9, 0x89, 0x83, 0x81]);
        }
    }
    assert!(named);
}

/// Only some exchanges have it.
#[test]
fn variants_without_it_are_refused() {
    for (switch, e1, told) in [
        (Switch::Ess5, false, Some(GroupError::Variant("5ess"))),
        (Switch::EuroIsdn, true, Some(GroupError::Variant("euroisdn"))),
        (Switch::Qsig, true, Some(GroupError::Variant("qsig"))),
        (Switch::Ni2, true, Some(GroupError::E1)),
        (Switch::Ni2, false, None),
        (Switch::Ess4, false, None),
        (Switch::Dms100, false, None),
    ] {
        assert_eq!(Config::new(Side::User, switch, e1).with_group(group()).err(), told);
    }
}

/// An interface alone is named by nobody, and nothing is allocated for others.
#[test]
fn a_lone_d_channel_has_no_backup() {
    let d = isdn::DChannel::new(Config::new(Side::User, Switch::Ni2, false));
    assert_eq!((d.link_state(isdn::LinkId::Backup), d.poll_timeout()), (None, None::<Duration>));
}
