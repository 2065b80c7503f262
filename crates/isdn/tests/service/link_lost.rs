//! The link goes and comes: both ends tell everything again, what was said before is kept until then, and a link that stays
//! away for T309 leaves the far states unknown.
//!
//! Clauses: maintenance link; Q.931 9 T309

use crate::common::{Alone, Pair, SECOND, SHORT};
use crate::service_support::*;
use isdn::{FarState, Side, Switch, Timer};

/// The far end takes the link down and up again.
fn link_anew(alone: &mut Alone) {
    alone.far.release(alone.now);
    alone.settle();
    alone.far.establish(alone.now);
    alone.settle();
    assert!(alone.d.is_up());
}

/// Every channel, by both ends, as soon as the link is there.
#[test]
fn everything_is_told() {
    let mut pair = Pair::new(config(Side::User, Switch::Ess5), config(Side::Network, Switch::Ess5));
    pair.user.d.start(pair.now);
    pair.network.d.start(pair.now);
    pair.run(SECOND);
    for (arrow, what) in [('>', "SERVICE c"), ('<', "SERVICE c"), ('>', "SERVICE A"), ('<', "SERVICE A")] {
        let count = pair.ladder.iter().filter(|line| line.contains(&format!("{arrow} {what}"))).count();
        assert_eq!(count, 23, "{arrow} {what}: {:#?}", pair.ladder);
    }
    // Nothing has changed, so nobody is troubled with it.
    assert_eq!(pair.user.events, [isdn::Event::LinkUp { reset: false }]);
    assert_eq!(pair.user.d.counters().service.acknowledged, 23);
    pair.ladder.clear();
    pair.run(minutes(60));
    assert_eq!(pair.ladder, [""; 0]);
}

/// Changed at both ends while the link was away.
#[test]
fn what_changed_meanwhile() {
    let mut pair = pair(Switch::Ni2);
    set_in(&mut pair, Side::Network, 3, OUT);
    pair.cut = true;
    pair.run(SECOND * 60);
    assert!(!pair.user.d.is_up());
    set_in(&mut pair, Side::Network, 3, IN);
    set_in(&mut pair, Side::Network, 4, MAINTENANCE);
    set_in(&mut pair, Side::User, 5, OUT);
    assert_eq!(of(&pair.user.d, 5).pending.map(|pending| pending.until), Some(None), "it waits for the link");
    assert_eq!(states(&pair.user.d, 3).1, FarState::OutOfService, "until it says something else");
    pair.forget();
    pair.cut = false;
    pair.run(SECOND * 10);
    assert!(pair.user.d.is_up());
    assert_eq!(states(&pair.user.d, 3).1, FarState::InService);
    assert_eq!(states(&pair.user.d, 4).1, FarState::Maintenance);
    assert_eq!(states(&pair.network.d, 5).1, FarState::OutOfService);
    assert!(pair.user.events.contains(&settled(5, OUT, true)), "{:?}", pair.user.events);
}

/// A far end that acknowledges and tells nothing by itself: its acknowledgement on the new link lifts what it had said on the
/// old one; on the same link it does not.
#[test]
fn an_acknowledgement_counts_on_a_new_link() {
    let mut alone = alone(true);
    alone.say(&service(Switch::Ess5, 5, OUT));
    set(&mut alone, 5, OUT);
    alone.say(&acknowledge(Switch::Ess5, 5, OUT));
    set(&mut alone, 5, IN);
    alone.say(&acknowledge(Switch::Ess5, 5, IN));
    assert_eq!(states(&alone.d, 5), (IN, FarState::OutOfService));
    link_anew(&mut alone);
    assert_eq!(states(&alone.d, 5), (IN, FarState::OutOfService));
    alone.events.clear();
    // Its third within 30 s: told as soon as the pace allows.
    alone.run(SECOND * 31);
    alone.say(&acknowledge(Switch::Ess5, 5, IN));
    assert_eq!(alone.events, [far(5, FarState::InService)]);
}

/// Away for T309.
#[test]
fn away_for_t309() {
    let mut pair = pair(Switch::Ess5);
    set_in(&mut pair, Side::Network, 3, OUT);
    pair.cut = true;
    pair.run(SECOND * 40);
    assert!(!pair.user.d.is_up());
    pair.user.events.clear();
    pair.run(crate::common::t(Timer::T309) + SECOND * 40);
    let expected: Vec<_> = (1..=23).filter(|n| *n != 3).map(|channel| far(channel, FarState::Unknown)).collect();
    assert_eq!(pair.user.events, expected, "what it had called out of service is still that");
    pair.cut = false;
    pair.forget();
    pair.run(SECOND * 10);
    let known: Vec<_> = (1..=23).filter(|n| *n != 3).map(|channel| far(channel, FarState::InService)).collect();
    let told: Vec<_> =
        pair.user.events.iter().filter(|event| matches!(event, isdn::Event::FarChanged { .. })).cloned().collect();
    assert_eq!(told, known);
}

/// A link that comes and goes every few seconds for ten minutes costs two messages a minute and channel.
#[test]
fn a_link_that_flaps() {
    let mut alone = Alone::up_with(config(Side::User, Switch::Ess5));
    for _ in 0..120 {
        link_anew(&mut alone);
        alone.run(SECOND * 5);
    }
    let sent = alone.d.counters().service.requests_out;
    let (least, most) = (23 * 20, 23 * (3 + 20 + 1));
    assert!((least..=most).contains(&sent), "{sent} in ten minutes, not {}", 23 * 121);
}

/// Answers are lost with the link: what is pending is told again, and comes to an end.
#[test]
fn lost_under_an_order() {
    let mut pair = pair(Switch::Ess5);
    pair.cut = true;
    set_in(&mut pair, Side::User, 5, OUT);
    pair.run(SECOND * 60);
    pair.cut = false;
    pair.run(SECOND * 10 + SHORT);
    assert!(pair.user.events.contains(&settled(5, OUT, true)));
    assert_eq!(states(&pair.network.d, 5).1, FarState::OutOfService);
}

/// The far end resets the link while SERVICE waits for it to be less busy: that is sent on the new link, followed by the
/// newer one, and the acknowledgement of the older one is not taken for another opinion.
#[test]
fn a_reset_with_service_on_its_way() {
    let mut alone = Alone::up_with(config(Side::User, Switch::Ni2));
    for channel in 1..=23 {
        alone.say(&acknowledge(Switch::Ni2, channel, IN));
    }
    alone.run(SECOND * 100);
    // The far end is busy: RNR, nothing outstanding. So the order waits in the link.
    alone.d.handle_frame(alone.now, &[0x00, 0x01, 0x05, 23 << 1]);
    alone.d.set_near(alone.now, 5, OUT, isdn::Manner::Force).expect("there is such a channel");
    while alone.d.poll_output().is_some() {}
    alone.d.set_near(alone.now, 5, IN, isdn::Manner::Force).expect("there is such a channel");
    alone.ladder.clear();
    // SABME, from an end that has been started anew.
    alone.d.handle_frame(alone.now, &[0x02, 0x01, 0x7f]);
    *alone.far = isdn::q921::DataLink::new(Side::Network, isdn::q921::Parameters::default());
    alone.far.handle_frame(alone.now, &[0x00, 0x01, 0x7f]);
    while alone.far.poll_output().is_some() {}
    alone.settle();
    assert!(alone.heard().iter().any(|line| line.contains("channel 5!: out of service")), "it was on its way");
    alone.say(&acknowledge(Switch::Ni2, 5, OUT));
    alone.say(&acknowledge(Switch::Ni2, 5, IN));
    assert_eq!(states(&alone.d, 5), (IN, FarState::InService));
    assert_eq!(alone.d.counters().service.mismatches, 0);
}
