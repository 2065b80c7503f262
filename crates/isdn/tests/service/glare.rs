//! SERVICE and something else meet on the line: a call for the channel, SERVICE of the far end, its word against ours.
//!
//! Clauses: maintenance glare

use crate::common::{SECOND, SHORT, setup};
use crate::service_support::*;
use isdn::{ChannelChoice, Event, FarState, Manner, Side, Switch};

/// A call that was sent before our SERVICE came: taken when draining, refused with 44 when forced; or put elsewhere if it may.
#[test]
fn a_call_meets_service() {
    for (manner, choice, offered) in [
        (Manner::Drain, ChannelChoice::Exclusive(5.into()), Some(ChannelChoice::Exclusive(5.into()))),
        (Manner::Drain, ChannelChoice::Preferred(5.into()), Some(ChannelChoice::Preferred(5.into()))),
        (Manner::Force, ChannelChoice::Exclusive(5.into()), None),
        (Manner::Force, ChannelChoice::Preferred(5.into()), Some(ChannelChoice::Any)),
    ] {
        let mut pair = pair(Switch::Ess5);
        let call = pair.dial(Side::Network, choice);
        let now = pair.now;
        pair.user.d.set_near(now, 5, OUT, manner).expect("there is a channel 5");
        pair.run(SHORT);
        let offers: Vec<_> = pair.user.offers().into_iter().map(|setup| setup.channel).collect();
        assert_eq!(offers, Vec::from_iter(offered), "{manner:?}");
        let refused = pair.network.released();
        assert_eq!(refused, if offered.is_none() { vec![(call, 44, true)] } else { vec![] }, "{manner:?}");
        assert_eq!(states(&pair.user.d, 5).0, OUT);
    }
}

/// Once the far end knows, a drained channel takes no call either.
#[test]
fn drained_and_acknowledged() {
    let mut alone = alone(true);
    alone.d.set_near(alone.now, 5, OUT, Manner::Drain).expect("there is a channel 5");
    alone.settle();
    assert_eq!(usable(&alone.d, 5), (true, false));
    alone.say(&acknowledge(Switch::Ess5, 5, OUT));
    assert_eq!(usable(&alone.d, 5), (false, false));
    let said = alone.ask(&[8, 2, 0, 1, 5, 4, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85]);
    assert_eq!(said, ["RELEASE COMPLETE *1 cause 44"]);
    assert_eq!(alone.d.counters().calls.out_of_service, 1);
}

/// We ask for any channel, and the network names one that we have taken out of service: it is not accepted.
#[test]
fn the_network_names_it() {
    let mut pair = pair(Switch::Ess5);
    let call = pair.dial(Side::User, ChannelChoice::Any);
    pair.run(SHORT);
    let now = pair.now;
    pair.user.d.set_near(now, 5, OUT, Manner::Force).expect("there is a channel 5");
    let there = pair.network.incoming();
    pair.network.d.proceed(now, there, 5).expect("new");
    pair.run(SECOND);
    assert_eq!(pair.user.released(), [(call, 6, false)]);
    pair.assert_idle();
}

/// Both ends take the same channel out at once: both acknowledge, both states are kept, and each comes back on its own.
#[test]
fn both_at_once() {
    let mut pair = pair(Switch::Ni2);
    let now = pair.now;
    pair.user.d.set_near(now, 5, OUT, Manner::Force).expect("there is a channel 5");
    pair.network.d.set_near(now, 5, MAINTENANCE, Manner::Force).expect("there is a channel 5");
    pair.run(SHORT);
    assert_eq!(pair.ladder.len(), 4);
    assert_eq!(states(&pair.user.d, 5), (OUT, FarState::Maintenance));
    assert_eq!(states(&pair.network.d, 5), (MAINTENANCE, FarState::OutOfService));
    set_in(&mut pair, Side::User, 5, IN);
    assert_eq!(states(&pair.network.d, 5), (MAINTENANCE, FarState::InService));
    assert_eq!((usable(&pair.user.d, 5), usable(&pair.network.d, 5)), ((true, false), (false, false)));
    set_in(&mut pair, Side::Network, 5, IN);
    let now = pair.now;
    pair.user.d.dial(now, &setup(ChannelChoice::Exclusive(5.into()))).expect("both are in service");
}

/// The network calls a channel in service that we keep out of it: acknowledged, told once more, and the second time our owner is
/// told, once. Our state is never touched.
#[test]
fn the_network_cannot_clear_our_state() {
    let mut alone = alone(true);
    set(&mut alone, 5, OUT);
    alone.say(&acknowledge(Switch::Ess5, 5, OUT));
    alone.events.clear();
    let acknowledged = "SERVICE ACKNOWLEDGE channel 5!: in service";
    let said = alone.ask(&service(Switch::Ess5, 5, IN));
    assert_eq!(said, [acknowledged, "SERVICE channel 5!: out of service"]);
    alone.say(&acknowledge(Switch::Ess5, 5, OUT));
    assert_eq!(alone.events, []);
    for _ in 0..10 {
        assert_eq!(alone.ask(&service(Switch::Ess5, 5, IN)), [acknowledged]);
        alone.run(SECOND * 30);
    }
    assert_eq!(alone.events, [Event::ServiceContested { channel: 5.into() }]);
    assert_eq!((states(&alone.d, 5).0, alone.d.counters().service.contested), (OUT, 11));
    // With a new order it begins anew.
    set(&mut alone, 5, MAINTENANCE);
    alone.say(&acknowledge(Switch::Ess5, 5, MAINTENANCE));
    assert_eq!(alone.ask(&service(Switch::Ess5, 5, IN)).len(), 2);
}

/// Two ends of this kind do not dispute: each tells its own state.
#[test]
fn two_of_us_do_not_dispute() {
    let mut pair = pair(Switch::Ess5);
    for channel in 1..=23 {
        set_in(&mut pair, Side::User, channel, OUT);
    }
    pair.cut = true;
    pair.run(SECOND * 60);
    pair.cut = false;
    pair.forget();
    pair.run(minutes(60));
    assert_eq!(pair.user.d.counters().service.contested, 0, "{:#?}", pair.ladder);
    for channel in 1..=23 {
        assert_eq!(states(&pair.user.d, channel), (OUT, FarState::InService));
        assert_eq!(states(&pair.network.d, channel), (IN, FarState::OutOfService));
    }
}
