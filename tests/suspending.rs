//! Channels in and out of service between a gateway and exchanges: what is taken, refused, told and taken away, and that no
//! order of orders leaves a channel out by accident. Drains, crashes and failures of the line, against other exchanges too, are
//! told in `hw-tests/tests/suspending`.

use event::Keyring;
use hal::Line;
use isdn::{
    CallReference, Cause, ChannelChoice, Config, DChannel, Event, FarState, Manner, Number, ServiceState, Setup, Side,
    Switch,
};
use std::time::Duration;
use trunkcast::gateway::callin::Patience;
use trunkcast::gateway::{Gateway, Holds, NearSets, Output, Settings, Voice, WhenOut};
use trunkcast::reports::{Command, What};

const SECOND: Duration = Duration::from_secs(1);
/// All bearer channels of a T1, and of an E1.
const T1: u32 = (1 << 23) - 1;
const E1: u32 = ((1 << 31) - 1) & !(1 << 15);

/// A gateway that has just been made, its line, and whether it has service messages: it has where the variant does.
fn gateway(switch: Switch, when_out: WhenOut) -> (Gateway, Line, bool) {
    let service = switch.row().service.is_some();
    let line = if service { Line::T1 } else { Line::E1 };
    let mut gateway = Gateway::new(Settings {
        patience: Patience { first_digit: SECOND * 600, digit: SECOND * 600, tries: 3, repeat: false },
        ports: 2,
        ..Settings::new(vec![(line, switch)], Keyring::random())
    });
    gateway.set_when_out(0, when_out);
    if service {
        gateway.with_service_messages(0).expect("the variant has them");
    }
    (gateway, line, service)
}

struct Town {
    gateway: Gateway,
    exchange: DChannel,
    told: Vec<What>,
    heard: Vec<Event>,
    /// The channels of the RESTARTs we sent.
    restarted: Vec<u8>,
    now: Duration,
}

impl Town {
    /// One span, with service messages where the variant has them.
    fn new(switch: Switch, when_out: WhenOut) -> Town {
        let (gateway, line, service) = gateway(switch, when_out);
        let mut config = Config::new(Side::Network, switch, line == Line::E1);
        if service {
            config = config.with_service_messages().expect("the variant has them");
        }
        let exchange = DChannel::new(config);
        Town { gateway, exchange, told: Vec::new(), heard: Vec::new(), restarted: Vec::new(), now: Duration::ZERO }
    }

    fn up(switch: Switch, when_out: WhenOut) -> Town {
        let mut town = Town::new(switch, when_out);
        town.start();
        assert!(town.gateway.link_up(0));
        town
    }

    fn start(&mut self) {
        self.exchange.start(self.now);
        self.gateway.start(self.now);
        self.settle();
    }

    fn settle(&mut self) {
        let mut silent = false;
        while !silent {
            silent = true;
            while let Some(output) = self.gateway.poll_output() {
                silent = false;
                match output {
                    Output::Frame(_, frame) => {
                        if let Some([8, 2, 0, 0, 0x46, 0x18, 3, _, _, channel, ..]) = frame.get(4..) {
                            self.restarted.push(channel & 0x7f);
                        }
                        self.exchange.handle_frame(self.now, &frame);
                    }
                    Output::Report(report) => self.told.push(report.what),
                    // Prompts take no time here.
                    Output::Voice(Voice::Play(channel, _)) => self.gateway.handle_prompts_done(self.now, channel),
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
        let next = |town: &Town| {
            [town.gateway.poll_timeout(), town.exchange.poll_timeout()]
                .into_iter()
                .flatten()
                .min()
                .filter(|t| *t <= end)
        };
        while let Some(next) = next(self) {
            self.now = self.now.max(next);
            self.gateway.handle_timeout(self.now);
            self.exchange.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn hold(&mut self, hold: Holds, channels: u32, forced: u32) {
        self.gateway.handle_command(self.now, Command::Hold { span: 0, hold, channels, forced });
        self.settle();
    }

    fn suspend(&mut self, channels: u32) {
        self.hold(Holds::OPERATOR, channels, 0);
    }

    fn call(&mut self, channel: ChannelChoice) -> CallReference {
        let setup = Setup { called: Number::new("100"), channel, ..Setup::default() };
        let call = self.exchange.dial(self.now, &setup).expect("placed");
        self.settle();
        call
    }

    /// How the exchange saw a call end.
    fn cause(&self, call: CallReference) -> Option<u8> {
        self.heard.iter().find_map(|event| match event {
            Event::Released { call: c, cause, .. } if *c == call => Some(cause.value),
            _ => None,
        })
    }

    fn is_up(&self, call: CallReference) -> bool {
        self.heard.contains(&Event::Connected { call }) && self.cause(call).is_none()
    }

    fn hang_up(&mut self, call: CallReference) {
        self.exchange.clear(self.now, call, Cause::user(16)).expect("up");
        self.settle();
    }

    fn near(&self) -> NearSets {
        let near = |what: &What| match what {
            What::Near { sets, .. } => Some(*sets),
            _ => None,
        };
        self.told.iter().rev().find_map(near).unwrap_or_default()
    }

    /// The channels that the exchange believes us to keep out.
    fn far_out(&self) -> u32 {
        let out =
            |n: &u8| self.exchange.service(isdn::Channel::new(*n)).is_some_and(|s| s.far == FarState::OutOfService);
        (1..=31).filter(out).fold(0, |set, n| set | 1 << (n - 1))
    }

    fn span_out(&self) -> Option<bool> {
        let out = |what: &What| match what {
            What::SpanOut { out, .. } => Some(*out),
            _ => None,
        };
        self.told.iter().rev().find_map(out)
    }
}

#[test]
fn a_channel_is_back_when_no_reason_is_left_in_whatever_order() {
    for order in [[Holds::OPERATOR, Holds::LOAD], [Holds::LOAD, Holds::OPERATOR]] {
        let mut town = Town::up(Switch::Ess4, WhenOut::Service);
        town.hold(Holds::OPERATOR, 0b11, 0);
        town.hold(Holds::LOAD, 0b110, 0);
        assert_eq!(town.far_out(), 0b111);
        town.hold(order[0], 0, 0);
        let left = if order[0] == Holds::OPERATOR { 0b110 } else { 0b11 };
        assert_eq!(town.far_out(), left);
        town.hold(order[1], 0, 0);
        assert_eq!(town.far_out(), 0);
    }
}

#[test]
fn forced_calls_are_told_and_let_go_once() {
    let mut town = Town::up(Switch::Ni2, WhenOut::Service);
    let (kept, hit) = (town.call(ChannelChoice::Exclusive(1.into())), town.call(ChannelChoice::Exclusive(2.into())));
    town.hold(Holds::OPERATOR, 0b11, 0b10);
    assert_eq!(town.cause(hit), Some(16), "a normal end, after the last words");
    assert!(town.is_up(kept));
    town.hold(Holds::OPERATOR, 0b11, 0b11);
    assert_eq!(town.cause(kept), Some(16), "its grace is over");
}

/// A test keeps calls away but takes none away: the exchange is told of maintenance, a call on the channel goes on, and a
/// suspension that comes on top is the worse of the two.
#[test]
fn a_channel_in_test_is_in_maintenance_until_the_test_is_over() {
    for switch in [Switch::Ni2, Switch::EuroIsdn] {
        let mut town = Town::up(switch, WhenOut::Service);
        let call = town.call(ChannelChoice::Exclusive(3.into()));
        town.hold(Holds::TEST, 0b1110, 0);
        let tested = |maintenance, out, draining| NearSets { out, maintenance, draining };
        assert_eq!(town.near(), tested(0b1010, 0, 0b100), "{switch:?}");
        assert!(town.is_up(call), "{switch:?}: nobody was cut off");
        if switch == Switch::Ni2 {
            let told = town.exchange.service(isdn::Channel::new(2)).map(|s| s.far);
            assert_eq!(told, Some(FarState::Maintenance), "and offers no call on it");
        } else {
            let refused = town.call(ChannelChoice::Exclusive(2.into()));
            assert_eq!(town.cause(refused), Some(44), "it has not been told");
        }
        town.hang_up(call);
        assert_eq!(town.near(), tested(0b1110, 0, 0), "{switch:?}: it follows its call");
        town.suspend(0b10);
        assert_eq!(town.near(), tested(0b1100, 0b10, 0), "{switch:?}");
        town.hold(Holds::TEST, 0, 0);
        town.suspend(0);
        assert_eq!((town.near(), town.span_out()), (NearSets::default(), None), "{switch:?}: never the whole span");
    }
}

/// Without SERVICE the exchange goes on offering calls until the link has gone.
#[test]
fn without_service_messages_calls_are_refused_and_the_link_goes_with_the_last() {
    let mut town = Town::up(Switch::EuroIsdn, WhenOut::DChannel);
    let call = town.call(ChannelChoice::Exclusive(31.into()));
    town.suspend(E1 & !1);
    let refused = town.call(ChannelChoice::Exclusive(7.into()));
    assert_eq!(town.cause(refused), Some(44), "it insists on a channel that is out");
    let moved = town.call(ChannelChoice::Preferred(7.into()));
    assert!(town.is_up(moved), "another is found: the one that is left");
    let refused = town.call(ChannelChoice::Any);
    assert_eq!(town.cause(refused), Some(34), "none is left");

    town.suspend(E1);
    town.hang_up(moved);
    assert!(town.gateway.link_up(0), "a call goes on");
    town.hang_up(call);
    assert_eq!(town.span_out(), Some(true));
    town.pass(SECOND * 120);
    assert!(!town.gateway.link_up(0), "and the exchange does not get it back");
    assert!(town.told.iter().any(|what| matches!(what, What::LinkReleased { span: 0 })));
    assert!(!town.told.iter().any(|what| matches!(what, What::LinkDown { .. } | What::LinkSilent { .. })), "no alarm");

    town.suspend(E1 & !1);
    town.pass(SECOND * 5);
    assert!(town.gateway.link_up(0));
    let call = town.call(ChannelChoice::Any);
    assert!(town.is_up(call), "on the one channel that is back");
}

/// A daemon that was killed hands its locks over before it asks for the link: no call comes in between.
#[test]
fn what_was_suspended_before_a_restart_is_told_on_the_new_link() {
    for switch in [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4] {
        let mut town = Town::new(switch, WhenOut::Service);
        town.suspend(T1 & !1);
        town.start();
        assert_eq!(town.far_out(), T1 & !1, "{switch:?}");
        let call = town.call(ChannelChoice::Any);
        assert!(town.is_up(call), "{switch:?}");
    }
    let mut town = Town::new(Switch::EuroIsdn, WhenOut::DChannel);
    town.suspend(E1);
    town.start();
    town.pass(SECOND * 60);
    assert!(!town.gateway.link_up(0), "the whole span is suspended: no link was asked for");
    town.suspend(0);
    town.pass(SECOND * 5);
    assert!(town.gateway.link_up(0));
}

/// The network can never clear a technician's lock: not by SERVICE, not by RESTART, not by a reset of the link.
#[test]
fn nothing_the_exchange_does_undoes_a_suspension() {
    for switch in [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4] {
        let mut town = Town::up(switch, WhenOut::Service);
        town.suspend(1 << 4);
        for _ in 0..3 {
            town.exchange
                .set_near(town.now, isdn::Channel::new(5), ServiceState::OutOfService, Manner::Drain)
                .expect("a channel");
            town.settle();
            town.exchange
                .set_near(town.now, isdn::Channel::new(5), ServiceState::InService, Manner::Drain)
                .expect("a channel");
            town.settle();
            town.pass(SECOND * 60);
        }
        // Refused where the exchange knows; where it does not care, answered.
        let _ = town.exchange.restart(town.now, isdn::Channel::new(5));
        town.settle();
        town.exchange.stop(town.now);
        town.settle();
        town.exchange.start(town.now);
        town.settle();
        town.pass(SECOND * 300);
        assert_eq!(town.near(), NearSets { out: 1 << 4, ..NearSets::default() }, "{switch:?}");
        assert_eq!(town.far_out(), 1 << 4, "{switch:?}: and the exchange is told so again");
    }
}

/// A line that fails keeps its channels from new calls, not its calls from going on; when it is well the exchange hears of it
/// on a link that has come up anew.
#[test]
fn a_line_that_fails_holds_its_channels_and_keeps_its_calls() {
    for switch in [Switch::Ni2, Switch::EuroIsdn] {
        let mut town = Town::up(switch, WhenOut::DChannel);
        let call = town.call(ChannelChoice::Exclusive(3.into()));
        town.hold(Holds::OPERATOR, 0b1, 0);
        town.hold(Holds::ALARM, u32::MAX, 0);
        let all = if switch == Switch::Ni2 { T1 } else { E1 };
        assert_eq!(town.near(), NearSets { out: all & !0b100, draining: 0b100, ..NearSets::default() }, "{switch:?}");
        assert!(town.is_up(call) && town.gateway.link_up(0), "{switch:?}: nothing is dropped by us");
        assert_eq!(town.span_out(), None, "{switch:?}: it passes, so the exchange is not shown a span that is out");
        // The link goes and comes back while the failure stands.
        town.exchange.stop(town.now);
        town.settle();
        town.exchange.start(town.now);
        town.pass(SECOND * 5);
        town.hold(Holds::ALARM, 0, 0);
        // SERVICE has a pace.
        town.pass(SECOND * 60);
        assert_eq!(
            town.near(),
            NearSets { out: 0b1, draining: 0, ..NearSets::default() },
            "{switch:?}: what a technician took out stays out"
        );
        assert_eq!(town.far_out(), if switch == Switch::Ni2 { 0b1 } else { 0 }, "{switch:?}");
        let after = town.call(ChannelChoice::Exclusive(5.into()));
        assert!(town.is_up(after), "{switch:?}");
    }
}

/// An exchange may have calls that a daemon which was killed knows nothing of, on any channel; not every exchange asks. Channels
/// that are out are left alone, because RESTART might put them back, until they come back.
#[test]
fn a_daemon_started_anew_restarts_each_channel_once() {
    for switch in [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::EuroIsdn] {
        let mut town = Town::new(switch, WhenOut::Reject);
        town.gateway.set_restart_at_start(0, true);
        town.suspend(1 << 4);
        town.start();
        let new = town.call(ChannelChoice::Exclusive(9.into()));
        assert_eq!(town.restarted, [0u8; 0], "{switch:?}: not before both ends have told what is out");
        town.pass(SECOND * 5);
        let all = if switch == Switch::EuroIsdn { E1 } else { T1 };
        let expected = |set: u32| (1..=31u8).filter(|n| set & 1 << (n - 1) != 0).collect::<Vec<_>>();
        assert_eq!(town.restarted, expected(all & !(1 << 4 | 1 << 8)), "{switch:?}: neither out nor in a call");
        assert!(town.is_up(new), "{switch:?}: a call that came since is left alone");
        assert_eq!(town.near(), NearSets { out: 1 << 4, draining: 0, ..NearSets::default() }, "{switch:?}");

        town.restarted.clear();
        town.suspend(0);
        town.pass(SECOND * 5);
        assert_eq!(town.restarted, [5], "{switch:?}: now that it is back");
        town.hang_up(new);
        town.pass(SECOND * 200);
        assert_eq!(town.restarted, [5], "{switch:?}: and that was all");
        for n in 1..=8u8 {
            let call = town.call(ChannelChoice::Exclusive(n.into()));
            assert!(town.is_up(call), "{switch:?}: channel {n} takes calls");
        }
    }
}

/// A daemon that is stopped with patience gives its channels up as their calls end, so that the exchange, which goes on, routes
/// elsewhere; the daemon that is started after it has every channel, as nobody has suspended one.
#[test]
fn a_drain_at_the_end_leaves_no_channel_out_after_the_next_start() {
    for (switch, when_out) in [
        (Switch::Ni2, WhenOut::Service),
        (Switch::Ni2, WhenOut::ServiceAndDChannel),
        (Switch::Dms100, WhenOut::Service),
        (Switch::Ess5, WhenOut::Reject),
        (Switch::EuroIsdn, WhenOut::DChannel),
        (Switch::EuroIsdn, WhenOut::Reject),
    ] {
        let mut town = Town::up(switch, when_out);
        let (all, service) = if switch == Switch::EuroIsdn { (E1, false) } else { (T1, true) };
        let call = town.call(ChannelChoice::Exclusive(3.into()));
        town.hold(Holds::DRAIN, u32::MAX, 0);
        assert_eq!(town.near(), NearSets { out: all & !0b100, draining: 0b100, ..NearSets::default() }, "{switch:?}");
        assert!(town.is_up(call) && town.gateway.link_up(0), "{switch:?}: calls are waited for");
        if service {
            assert_eq!(town.far_out(), all & !0b100, "{switch:?}: the exchange routes elsewhere");
        }
        let late = town.call(ChannelChoice::Any);
        assert!(matches!(town.cause(late), Some(34 | 44)), "{switch:?}: {:?}", town.cause(late));
        town.hang_up(call);
        town.pass(SECOND * 5);
        assert_eq!(town.near().out, all, "{switch:?}");
        assert_eq!(town.gateway.link_up(0), !when_out.releases_link(), "{switch:?}: gone with the last call, or told");
        town.gateway.handle_command(town.now, Command::Shutdown);
        town.settle();
        town.pass(SECOND * 5);
        assert!(town.gateway.is_finished(), "{switch:?}");

        town.gateway = gateway(switch, when_out).0;
        town.told.clear();
        town.gateway.start(town.now);
        town.settle();
        town.pass(SECOND * 5);
        assert!(town.gateway.link_up(0), "{switch:?}");
        assert_eq!((town.near(), town.far_out()), (NearSets::default(), 0), "{switch:?}: every channel is back");
        for n in (1..=31u8).filter(|n| all & 1 << (n - 1) != 0) {
            let call = town.call(ChannelChoice::Exclusive(n.into()));
            assert!(town.is_up(call), "{switch:?}: channel {n}");
        }
    }
}
