//! The exchange tells its far end which channels it has taken out of service, listens to what that tells, and keeps calls away
//! from either.

use exchange::{CallOrder, Output, Server, SpanId, SpanPlan, Switch, SwitchPlan, TrunkGroup};
use hal::{Line, Timeslot};
use isdn::{ChannelChoice, Config, DChannel, Event, FarState, Manner, ServiceState, Side};
use std::time::Duration;

const SPAN: SpanId = SpanId(0);

struct Town {
    exchange: Switch,
    user: DChannel,
    heard: Vec<Event>,
    now: Duration,
}

impl Town {
    fn up(on: bool) -> Town {
        let servers = vec![Server { name: "s".into(), cards: vec![vec![SPAN]] }];
        let mut exchange = Switch::new(SwitchPlan {
            spans: vec![SpanPlan { line: Line::T1, switch: isdn::Switch::Ess5 }],
            groups: vec![TrunkGroup::for_all("g", servers)],
            ..SwitchPlan::default()
        });
        let mut config = Config::new(Side::User, isdn::Switch::Ess5, false);
        if on {
            exchange.with_service_messages(SPAN).expect("5ESS has them");
            config = config.with_service_messages().expect("5ESS has them");
        }
        let mut town = Town { exchange, user: DChannel::new(config), heard: Vec::new(), now: Duration::from_secs(1) };
        town.exchange.start(town.now);
        town.user.start(town.now);
        town.settle();
        assert!(town.exchange.link_up(SPAN));
        town.heard.clear();
        town
    }

    fn settle(&mut self) {
        let mut silent = false;
        while !silent {
            silent = true;
            while let Some(output) = self.exchange.poll_output() {
                silent = false;
                if let Output::Frame { frame, .. } = output {
                    self.user.handle_frame(self.now, &frame);
                }
            }
            while let Some(output) = self.user.poll_output() {
                silent = false;
                match output {
                    isdn::Output::Frame(_, frame) => self.exchange.handle_frame(self.now, SPAN, frame),
                    isdn::Output::Event(event) => self.heard.push(event),
                }
            }
        }
    }

    /// The channel that the next call is offered on.
    fn offered(&mut self) -> ChannelChoice {
        self.heard.clear();
        self.exchange.originate(self.now, &CallOrder { called: "100".into(), ..CallOrder::default() });
        self.settle();
        let offer = |event: &Event| match event {
            Event::Incoming { setup, .. } => Some(setup.channel),
            _ => None,
        };
        self.heard.iter().find_map(offer).expect("a call")
    }
}

#[test]
fn its_own_channel() {
    let mut town = Town::up(true);
    assert!(town.exchange.channel_in_service(SPAN, Timeslot(1), false));
    town.settle();
    assert_eq!(town.heard, [Event::FarChanged { channel: 1.into(), state: FarState::OutOfService }]);
    assert_eq!(town.offered(), ChannelChoice::Exclusive(2.into()));
    assert!(town.exchange.channel_in_service(SPAN, Timeslot(1), true));
    town.settle();
    assert_eq!(town.user.service(1).map(|service| service.far), Some(FarState::InService));
    assert_eq!(town.offered(), ChannelChoice::Exclusive(1.into()));
}

#[test]
fn a_channel_of_the_far_end() {
    let mut town = Town::up(true);
    for (channel, state) in [(1, ServiceState::OutOfService), (2, ServiceState::Maintenance)] {
        town.user.set_near(town.now, channel, state, Manner::Force).expect("there is such a channel");
    }
    town.settle();
    assert_eq!(town.heard.len(), 2, "both are acknowledged: {:?}", town.heard);
    assert_eq!(town.offered(), ChannelChoice::Exclusive(3.into()));
    town.user.set_near(town.now, 1, ServiceState::InService, Manner::Force).expect("there is a channel 1");
    town.settle();
    assert_eq!(town.offered(), ChannelChoice::Exclusive(1.into()));
}

/// Off: a channel is kept out of use all the same, and nobody is told.
#[test]
fn without_service_messages() {
    let mut town = Town::up(false);
    assert!(town.exchange.channel_in_service(SPAN, Timeslot(1), false));
    town.settle();
    assert_eq!(town.heard, []);
    assert_eq!(town.offered(), ChannelChoice::Exclusive(2.into()));
}

#[test]
fn a_dialect_without_them() {
    let spans = vec![SpanPlan { line: Line::E1, switch: isdn::Switch::EuroIsdn }];
    let mut exchange = Switch::new(SwitchPlan { spans, ..SwitchPlan::default() });
    assert_eq!(exchange.with_service_messages(SPAN), Err(isdn::NoServiceMessages));
}
