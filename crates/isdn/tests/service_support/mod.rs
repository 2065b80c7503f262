//! Ends with service messages on, and the octets of SERVICE as the far end writes them.

#![allow(dead_code, reason = "each test file uses its own part")]

use super::common::{Alone, Pair, SHORT};
use isdn::{ChannelService, Config, DChannel, Event, FarState, Manner, ServiceState, Side, Switch};
use std::time::Duration;

pub const IN: ServiceState = ServiceState::InService;
pub const MAINTENANCE: ServiceState = ServiceState::Maintenance;
pub const OUT: ServiceState = ServiceState::OutOfService;

/// The variants that have SERVICE.
pub const SPEAKERS: [Switch; 4] = [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4];

pub fn config(side: Side, switch: Switch) -> Config {
    Config::new(side, switch, false).with_service_messages().expect("the variant has SERVICE")
}

/// Both ends speak SERVICE, and have told one another everything.
pub fn pair(switch: Switch) -> Pair {
    Pair::up_with(config(Side::User, switch), config(Side::Network, switch))
}

/// One 5ESS subscriber that has told everything; the far end has acknowledged if `agreed`, and is silent otherwise.
pub fn alone(agreed: bool) -> Alone {
    alone_on(Switch::Ess5, agreed)
}

pub fn alone_on(switch: Switch, agreed: bool) -> Alone {
    let mut alone = Alone::up_with(config(Side::User, switch));
    if agreed {
        for channel in 1..=23 {
            alone.say(&acknowledge(switch, channel, IN));
        }
    }
    alone.ladder.clear();
    assert_eq!(alone.events, []);
    alone
}

fn octets(switch: Switch, reply: bool, channel: u8, state: ServiceState) -> Vec<u8> {
    let (discriminator, types) = if switch == Switch::Ni2 { (0x43, [7, 15]) } else { (0x03, [15, 7]) };
    let flag = if reply { 0x80 } else { 0 };
    let kind = types[usize::from(reply)];
    vec![discriminator, 2, flag, 0, kind, 1, 1, 0xc0 | state as u8, 0x18, 3, 0xa9, 0x83, 0x80 | channel]
}

/// SERVICE from the far end.
pub fn service(switch: Switch, channel: u8, state: ServiceState) -> Vec<u8> {
    octets(switch, false, channel, state)
}

/// SERVICE ACKNOWLEDGE from the far end.
pub fn acknowledge(switch: Switch, channel: u8, state: ServiceState) -> Vec<u8> {
    octets(switch, true, channel, state)
}

pub fn set(alone: &mut Alone, channel: u8, state: ServiceState) {
    alone.d.set_near(alone.now, channel, state, Manner::Force).expect("there is such a channel");
    alone.settle();
}

pub fn set_in(pair: &mut Pair, side: Side, channel: u8, state: ServiceState) {
    let now = pair.now;
    pair.end(side).d.set_near(now, channel, state, Manner::Force).expect("there is such a channel");
    pair.run(SHORT);
}

pub fn of(d: &DChannel, channel: u8) -> ChannelService {
    d.service(channel).expect("there is such a channel")
}

/// Near and far in one look.
pub fn states(d: &DChannel, channel: u8) -> (ServiceState, FarState) {
    let service = of(d, channel);
    (service.near, service.far)
}

/// Whether calls may come and go.
pub fn usable(d: &DChannel, channel: u8) -> (bool, bool) {
    let service = of(d, channel);
    (service.incoming, service.outgoing)
}

pub fn far(channel: u8, state: FarState) -> Event {
    Event::FarChanged { channel: channel.into(), state }
}

pub fn settled(channel: u8, state: ServiceState, acknowledged: bool) -> Event {
    Event::ServiceSettled { channel: channel.into(), state, acknowledged }
}

pub fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}
