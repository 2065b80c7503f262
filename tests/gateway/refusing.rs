//! Calls that are not taken, and the cause the exchange is told (Q.850).

use crate::town::{Town, seconds};
use exchange::CallOrder;
use isdn::{Bearer, ChannelChoice, DChannel, Event, Setup};
use std::time::Duration;
use trunkcast::gateway::{Gateway, Output, Reason};
use trunkcast::prompts::Menu;
use trunkcast::reports::What;

fn refused(town: &Town) -> Vec<Reason> {
    let reasons = town.told.iter().filter_map(|w| match w {
        What::Refused { reason, .. } => Some(*reason),
        _ => None,
    });
    reasons.collect()
}

#[test]
fn a_data_call_is_refused_with_65() {
    let mut town = Town::new(|_| {});
    let caller = town.dial(&CallOrder { called: "100".into(), bearer: Bearer::Other(8), ..CallOrder::default() });
    assert_eq!((town.causes.get(&caller), refused(&town).as_slice()), (Some(&65), &[Reason::Bearer][..]));
    town.check_empty();
}

#[test]
fn a_number_that_is_not_ours_is_refused_with_1() {
    let mut town = Town::new(|s| s.numbers = vec![("100".into(), Menu::new())]);
    let caller = town.dial(&CallOrder { called: "101".into(), ..CallOrder::default() });
    assert_eq!((town.causes.get(&caller), refused(&town).as_slice()), (Some(&1), &[Reason::NotOurs][..]));
    town.call("5551");
}

/// An exchange that has forgotten everything dials on a channel that still has a call here.
#[test]
fn the_one_channel_that_will_do_is_busy_44() {
    let settings_town = Town::new(|_| {});
    let mut gateway: Gateway = settings_town.gateway;
    let mut now = settings_town.now;
    // The town's exchange is gone; in its place one whose first call has the reference of nobody's.
    let mut wire = Wire::new();
    wire.far.start(now);
    wire.carry(&mut gateway, now);
    let setup = |choice| Setup { channel: choice, ..Setup::default() };
    let first = wire.far.dial(now, &setup(ChannelChoice::Exclusive(9.into()))).expect("free");
    wire.carry(&mut gateway, now);
    let held = wire.far.dial(now, &setup(ChannelChoice::Exclusive(5.into()))).expect("free");
    wire.carry(&mut gateway, now);
    wire.far.clear(now, first, isdn::Cause::user(16)).expect("there");
    wire.carry(&mut gateway, now);
    assert!(wire.events.contains(&Event::Connected { call: held }));
    assert_eq!(gateway.calls().map(|(c, ..)| c.timeslot.0).collect::<Vec<_>>(), [5]);

    wire = Wire::new();
    now += Duration::from_millis(500);
    wire.far.start(now);
    // Before it can answer what has become of the call: then it would be cleared.
    while !wire.events.iter().any(|e| matches!(e, Event::LinkUp { .. })) {
        assert!(wire.step(&mut gateway, now), "the link comes up");
    }
    let again = wire.far.dial(now, &setup(ChannelChoice::Exclusive(5.into()))).expect("free, it believes");
    wire.carry(&mut gateway, now);
    let cause = wire.events.iter().find_map(|e| match e {
        Event::Released { call, cause, .. } if *call == again => Some(cause.value),
        _ => None,
    });
    assert_eq!(cause, Some(44));
}

#[test]
fn with_all_channels_taken_the_next_call_finds_none() {
    let mut town = Town::new(|_| {});
    for n in 0..30 {
        town.call(&format!("55{n}"));
    }
    assert_eq!(town.gateway.calls().count(), 30);
    let one_more = town.dial(&CallOrder { called: "100".into(), ..CallOrder::default() });
    assert_eq!(town.causes.get(&one_more), Some(&34));
    town.pass(seconds(90));
    town.check_empty();
}

/// The network side of a D channel, by hand.
struct Wire {
    far: DChannel,
    events: Vec<Event>,
}

impl Wire {
    fn new() -> Wire {
        let e1 = true;
        let far = DChannel::new(isdn::Config::new(isdn::Side::Network, isdn::Switch::EuroIsdn, e1));
        Wire { far, events: Vec::new() }
    }

    fn carry(&mut self, gateway: &mut Gateway, now: Duration) {
        while self.step(gateway, now) {}
    }

    /// Move one thing; false when there is none.
    fn step(&mut self, gateway: &mut Gateway, now: Duration) -> bool {
        if let Some(output) = self.far.poll_output() {
            match output {
                isdn::Output::Frame(_, frame) => gateway.handle_frame(now, 0, frame),
                isdn::Output::Event(event) => self.events.push(event),
            }
            return true;
        }
        let Some(output) = gateway.poll_output() else { return false };
        if let Output::Frame(_, frame) = output {
            self.far.handle_frame(now, &frame);
        }
        true
    }
}
