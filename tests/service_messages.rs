//! SERVICE between a gateway and an exchange: the gateway answers, reports what the exchange says, and puts no call on a channel
//! that may not have one.

use event::Keyring;
use hal::Line;
use isdn::{
    CallReference, ChannelChoice, Config, DChannel, Event, FarState, Manner, Number, ServiceState, Setup, Side,
};
use std::time::Duration;
use trunkcast::gateway::{Gateway, Output, Settings};
use trunkcast::reports::What;

const SECOND: Duration = Duration::from_secs(1);

struct Town {
    gateway: Gateway,
    exchange: DChannel,
    told: Vec<What>,
    heard: Vec<Event>,
    now: Duration,
}

impl Town {
    fn up(exchange_has_them: bool) -> Town {
        let switch = isdn::Switch::Ni2;
        let mut gateway =
            Gateway::new(Settings { ports: 2, ..Settings::new(vec![(Line::T1, switch)], Keyring::random()) });
        gateway.with_service_messages(0).expect("NI-2 has them");
        let config = Config::new(Side::Network, switch, false);
        let config = if exchange_has_them { config.with_service_messages().expect("NI-2 has them") } else { config };
        let mut town =
            Town { gateway, exchange: DChannel::new(config), told: Vec::new(), heard: Vec::new(), now: Duration::ZERO };
        town.exchange.start(town.now);
        town.gateway.start(town.now);
        town.settle();
        assert!(town.gateway.link_up(0));
        town
    }

    fn settle(&mut self) {
        let mut silent = false;
        while !silent {
            silent = true;
            while let Some(output) = self.gateway.poll_output() {
                silent = false;
                match output {
                    Output::Frame(_, frame) => self.exchange.handle_frame(self.now, &frame),
                    Output::Report(report) => self.told.push(report.what),
                    Output::Voice(_) => {}
                }
            }
            while let Some(output) = self.exchange.poll_output() {
                silent = false;
                match output {
                    isdn::Output::Frame(_, frame) => self.gateway.handle_frame(self.now, 0, frame),
                    isdn::Output::Event(event) => self.heard.push(event),
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = [self.gateway.poll_timeout(), self.exchange.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
            .filter(|t| *t <= end)
        {
            self.now = self.now.max(next);
            self.gateway.handle_timeout(self.now);
            self.exchange.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn set(&mut self, channel: u8, state: ServiceState) {
        self.exchange.set_near(self.now, channel, state, Manner::Force).expect("there is such a channel");
        self.settle();
    }

    /// What was told of the exchange's states, and of what waits.
    fn services(&self) -> Vec<(u32, Option<FarState>)> {
        let service = |what: &What| match what {
            What::FarChanged { channels, state, .. } => Some((*channels, Some(*state))),
            What::ServicePending { channels, .. } => Some((*channels, None)),
            _ => None,
        };
        self.told.iter().filter_map(service).collect()
    }

    fn call(&mut self, channel: ChannelChoice) -> (CallReference, Option<u8>) {
        self.heard.clear();
        let setup = Setup { called: Number::new("100"), channel, ..Setup::default() };
        let call = self.exchange.dial(self.now, &setup).expect("placed");
        self.settle();
        let named = |event: &Event| match event {
            Event::Proceeding { channel, .. } => Some(channel.timeslot),
            _ => None,
        };
        (call, self.heard.iter().find_map(named))
    }
}

#[test]
fn the_exchange_is_answered_and_reported() {
    let mut town = Town::up(true);
    // Everything was told when the link came up, and acknowledged.
    let waited = town.services();
    assert_eq!((waited.first(), waited.last()), (Some(&(0x7f_ffff, None)), Some(&(0, None))));
    assert!(waited.iter().all(|(_, far)| far.is_none()), "nothing has changed: {waited:?}");
    town.told.clear();
    town.set(23, ServiceState::OutOfService);
    assert!(town.heard.contains(&Event::ServiceSettled {
        channel: 23.into(),
        state: ServiceState::OutOfService,
        acknowledged: true
    }));
    town.set(23, ServiceState::InService);
    assert_eq!(town.services(), [(1 << 22, Some(FarState::OutOfService)), (1 << 22, Some(FarState::InService))]);
    assert_eq!(town.gateway.lost_outputs(), 0);
}

#[test]
fn channels_that_may_have_no_call_are_not_chosen() {
    let mut town = Town::up(true);
    let (_, channel) = town.call(ChannelChoice::Any);
    assert_eq!(channel, Some(23), "the highest");
    town.set(22, ServiceState::Maintenance);
    town.set(21, ServiceState::OutOfService);
    let (_, channel) = town.call(ChannelChoice::Any);
    assert_eq!(channel, Some(20), "{:?}", town.heard);
}

#[test]
fn an_exchange_that_does_not_answer() {
    let mut town = Town::up(false);
    town.told.clear();
    town.pass(SECOND * 241);
    // Told of together.
    assert_eq!(town.services(), [(0x7f_ffff, Some(FarState::Unknown)), (0, None)]);
    let (_, channel) = town.call(ChannelChoice::Exclusive(5.into()));
    assert_eq!(channel, Some(5), "its calls are taken");
    assert_eq!(town.services()[2..], [(1 << 4, None)], "and asked about");
}

#[test]
fn a_variant_without_them() {
    let mut gateway = Gateway::new(Settings {
        ports: 2,
        ..Settings::new(vec![(Line::E1, isdn::Switch::EuroIsdn)], Keyring::random())
    });
    assert_eq!(gateway.with_service_messages(0), Err(isdn::NoServiceMessages));
}
