//! In which points the exchanges of this world differ, point by point over all of them: what each says, and what each
//! understands of what is said to it. How they tell names is in `calling_name`, how they speak SERVICE in the service tests.
//!
//! Clauses: Q.931 4.5.4, 4.5.23, 5.1.1, 5.2.4, 9 T305

use crate::common::{Alone, Pair, SECOND, SHORT};
use isdn::{ChannelChoice, Config, Event, Number, Screening, Setup, Side, Switch, Timer};

const ALL: [Switch; 6] = [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4, Switch::EuroIsdn, Switch::Qsig];

fn config(side: Side, switch: Switch) -> Config {
    Config::new(side, switch, true)
}

/// For which of them this holds.
fn those(holds: impl Fn(Switch) -> bool) -> Vec<Switch> {
    ALL.into_iter().filter(|switch| holds(*switch)).collect()
}

/// The SETUP that arrives with these elements behind bearer and channel.
fn offered(switch: Switch, elements: &[u8]) -> Option<Setup> {
    let mut alone = Alone::up_with(config(Side::User, switch));
    let start = [8, 2, 0x00, 0x01, 0x05, 0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85];
    alone.say(&[&start, elements].concat());
    let setup = |event: &Event| match event {
        Event::Incoming { setup, .. } => Some(setup.clone()),
        _ => None,
    };
    alone.events.iter().find_map(setup)
}

/// What the user says first when he dials.
fn dialled(switch: Switch, setup: &Setup) -> String {
    let mut pair = Pair::up_with(config(Side::User, switch), config(Side::Network, switch));
    pair.user.d.dial(pair.now, setup).expect("up");
    pair.run(SHORT);
    pair.ladder[0].clone()
}

/// Back into codeset 0 for one element: the exchanges of AT&T and Lucent do not mean it so.
#[test]
fn who_passes_over_what_was_shifted_for_once() {
    let complete = [0x70, 2, 0x81, b'9', 0x96, 0x01, 1, 0, 0x98, 0x6c, 3, 0x21, 0x83, b'7'];
    let passed_over = those(|switch| offered(switch, &complete).expect("a call").calling.is_none());
    assert_eq!(passed_over, [Switch::Ess5, Switch::Ess4]);
}

/// Octet 3 of the calling number says that it is the last, and octet 3a follows: North America.
#[test]
fn who_sends_an_octet_3a_without_saying_so() {
    let number = [0x6c, 3, 0xa1, 0x83, b'7', 0x70, 2, 0x81, b'9'];
    let understood = those(|switch| {
        let calling = offered(switch, &number).expect("a call").calling;
        calling.is_some_and(|number| number.digits == "7" && number.screening == Screening::Network)
    });
    assert_eq!(understood, [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4]);
    // Said properly it is understood everywhere.
    let proper = [0x6c, 3, 0x21, 0x83, b'7', 0x70, 2, 0x81, b'9'];
    let everywhere = those(|switch| offered(switch, &proper).expect("a call").calling.is_some());
    assert_eq!(everywhere, ALL);
}

/// ALERTING says that the called is no ISDN user; DMS-100 cannot bear it.
#[test]
fn who_is_told_that_the_called_is_no_isdn_user() {
    let told = those(|switch| {
        let mut alone = Alone::up_with(config(Side::User, switch));
        alone.say(&[8, 2, 0x00, 0x01, 0x05, 0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85, 0x70, 2, 0x81, b'9']);
        let Some(Event::Incoming { call, .. }) = alone.events.last() else { panic!("{switch:?}") };
        let call = *call;
        alone.ladder.clear();
        alone.d.proceed(alone.now, call, 5).expect("new");
        alone.d.alert(alone.now, call).expect("proceeding");
        alone.settle();
        alone.heard()[1].ends_with("ALERTING *1 progress 2")
    });
    assert_eq!(told, [Switch::Ni2, Switch::Ess5, Switch::Ess4, Switch::EuroIsdn, Switch::Qsig]);
}

/// A number dialled in one piece: EuroISDN wants to be told that it is whole.
#[test]
fn who_is_told_that_a_number_is_complete() {
    let setup = Setup { called: Number::new("100"), ..Setup::default() };
    assert_eq!(those(|switch| dialled(switch, &setup).ends_with(" complete")), [Switch::EuroIsdn]);
}

/// A calling number that may be shown has to be the network's own.
#[test]
fn who_wants_network_provided_numbers() {
    let wanted = those(|switch| {
        let mut pair = Pair::up_with(config(Side::User, switch), config(Side::Network, switch));
        let calling = Some(Number { screening: Screening::UserPassed, ..Number::new("1") });
        let setup = Setup { calling, called: Number::new("2"), ..Setup::default() };
        pair.user.d.dial(pair.now, &setup).expect("up");
        pair.run(SHORT);
        pair.network.offers()[0].calling.as_ref().is_some_and(|number| number.screening == Screening::Network)
    });
    assert_eq!(wanted, [Switch::Dms100, Switch::Ess4]);
}

/// No digits yet: Europe waits for them.
#[test]
fn who_sends_digits_one_by_one() {
    assert_eq!(those(|switch| offered(switch, &[]).is_none()), [Switch::EuroIsdn, Switch::Qsig]);
}

/// The link is asked after 10 s of silence in Europe, after 30 s in North America; DISCONNECT is given 4 s by AT&T's.
#[test]
fn who_waits_how_long() {
    let t203 = |switch| config(Side::User, switch).link.t203;
    assert_eq!(ALL.map(t203), [30, 30, 30, 30, 10, 10].map(|seconds| SECOND * seconds));
    let t305 = |switch: Switch| switch.timers(Side::User).get(Timer::T305);
    assert_eq!(ALL.map(t305), [30, 4, 30, 4, 30, 30].map(|seconds| SECOND * seconds));
}

/// On an E1, timeslot 17 is channel 17, or 16 where a configuration says that they are counted without a gap.
#[test]
fn timeslots_behind_the_d_channel() {
    let setup = Setup {
        channel: ChannelChoice::Exclusive(17.into()),
        ..Setup { called: Number::new("1"), ..Setup::default() }
    };
    assert_eq!(those(|switch| dialled(switch, &setup).contains("channel 17!")), ALL);
    let logical = |side| Config { logical_channels: true, ..config(side, Switch::Qsig) };
    let mut pair = Pair::up_with(logical(Side::User), logical(Side::Network));
    pair.user.d.dial(pair.now, &setup).expect("up");
    pair.run(SHORT);
    assert!(pair.ladder[0].contains("channel 16!"), "{:?}", pair.ladder);
    assert_eq!(pair.network.offers()[0].channel, setup.channel);
}
