//! A call, from SETUP to the last RELEASE COMPLETE: in both directions, cleared by either side, on every variant.
//!
//! Clauses: Q.931 5.1.1, 5.1.2, 5.1.5, 5.1.7, 5.1.8, 5.1.9, 5.2.1, 5.2.5.1, 5.2.7, 5.2.8, 5.3.3, 5.3.4, 5.3.5; Q.850 2 (16)

use crate::common::{NORMAL, Pair, SHORT};
use isdn::q931::StateName;
use isdn::{
    Bearer, Cause, ChannelChoice, Config, Event, Location, Number, Presentation, Screening, Setup, Side, Switch,
};

/// From the network, as most of ours are: CALL PROCEEDING names the channel, CONNECT is acknowledged.
#[test]
fn the_network_calls() {
    let mut pair = Pair::up();
    let ours = pair.dial(Side::Network, ChannelChoice::Exclusive(5.into()));
    pair.run(SHORT);
    let theirs = pair.user.incoming();
    assert_eq!((pair.network.state(ours), pair.user.state(theirs)), (6, 6));
    let now = pair.now;
    pair.user.d.proceed(now, theirs, 5).expect("new");
    pair.run(SHORT);
    assert_eq!((pair.network.state(ours), pair.user.state(theirs)), (9, 9));
    let now = pair.now;
    pair.user.d.alert(now, theirs).expect("proceeding");
    pair.run(SHORT);
    assert_eq!((pair.network.state(ours), pair.user.state(theirs)), (7, 7));
    let now = pair.now;
    pair.user.d.connect(now, theirs).expect("ringing");
    assert_eq!(pair.user.state(theirs), 8);
    pair.run(SHORT);
    assert_eq!((pair.network.state(ours), pair.user.state(theirs)), (10, 10));
    pair.clear(Side::Network, ours, Cause { value: 16, location: Location::PublicLocal });
    assert_eq!(
        pair.ladder,
        [
            "1.0 < SETUP 1 channel 5! to 100",
            "1.2 > CALL PROCEEDING *1 channel 5!",
            "1.4 > ALERTING *1 progress 2",
            "1.6 > CONNECT *1",
            "1.6 < CONNECT ACKNOWLEDGE 1",
            "1.8 < DISCONNECT 1 cause 16",
            "1.8 > RELEASE *1 cause 16",
            "1.8 < RELEASE COMPLETE 1",
        ]
    );
    assert_eq!(
        pair.network.events,
        [
            Event::Proceeding { call: ours, channel: 5.into() },
            Event::Alerting { call: ours, in_band: false },
            Event::Connected { call: ours },
            Event::Released { call: ours, cause: Cause { value: 16, location: Location::PublicLocal }, by_peer: false },
        ]
    );
    let cause = Cause { value: 16, location: Location::PublicLocal };
    assert_eq!(
        pair.user.events[1..],
        [
            Event::Connected { call: theirs },
            Event::Disconnecting { call: theirs, cause, in_band: false },
            Event::Released { call: theirs, cause, by_peer: true },
        ]
    );
    pair.assert_idle();
}

/// From the user: the network is active as soon as it has sent CONNECT.
#[test]
fn the_user_calls() {
    let mut pair = Pair::up();
    let ours = pair.dial(Side::User, ChannelChoice::Any);
    pair.run(SHORT);
    let theirs = pair.network.incoming();
    assert_eq!(pair.network.offers()[0].channel, ChannelChoice::Any);
    assert_eq!((pair.user.state(ours), pair.network.state(theirs)), (1, 1));
    let now = pair.now;
    pair.network.d.proceed(now, theirs, 23).expect("new");
    pair.run(SHORT);
    assert_eq!((pair.user.state(ours), pair.network.state(theirs)), (3, 3));
    let now = pair.now;
    pair.network.d.alert(now, theirs).expect("proceeding");
    pair.run(SHORT);
    assert_eq!((pair.user.state(ours), pair.network.state(theirs)), (4, 4));
    let now = pair.now;
    pair.network.d.connect(now, theirs).expect("ringing");
    assert_eq!(pair.network.state(theirs), 10);
    pair.run(SHORT);
    pair.clear(Side::User, ours, NORMAL);
    assert_eq!(
        pair.ladder,
        [
            "1.0 > SETUP 1 to 100",
            "1.2 < CALL PROCEEDING *1 channel 23!",
            "1.4 < ALERTING *1 progress 8",
            "1.6 < CONNECT *1",
            "1.6 > CONNECT ACKNOWLEDGE 1",
            "1.8 > DISCONNECT 1 cause 16",
            "1.8 < RELEASE *1 cause 16",
            "1.8 > RELEASE COMPLETE 1",
        ]
    );
    assert!(pair.user.events.contains(&Event::Alerting { call: ours, in_band: true }));
    assert_eq!(pair.user.ended(), (16, false));
    assert_eq!(pair.network.ended(), (16, true));
    pair.assert_idle();
}

/// The called side clears: the same the other way round.
#[test]
fn the_called_side_clears() {
    for from in [Side::User, Side::Network] {
        let mut pair = Pair::up();
        let (_, theirs) = pair.connected(from, 3);
        pair.clear(from.peer(), theirs, NORMAL);
        assert_eq!(pair.end(from).ended(), (16, true));
        assert_eq!(pair.end(from.peer()).ended(), (16, false));
        pair.assert_idle();
    }
}

/// Both clear at once: DISCONNECT meets DISCONNECT, RELEASE meets RELEASE (5.3.5), and each keeps its own cause.
#[test]
fn both_clear_at_once() {
    let mut pair = Pair::up();
    let (ours, theirs) = pair.connected(Side::Network, 3);
    let now = pair.now;
    pair.user.d.clear(now, theirs, NORMAL).expect("active");
    pair.network.d.clear(now, ours, Cause::user(31)).expect("active");
    pair.run(SHORT);
    let text: Vec<_> = pair.ladder.iter().map(|line| &line[4..]).collect();
    assert_eq!(
        text,
        ["> DISCONNECT *1 cause 16", "< DISCONNECT 1 cause 31", "> RELEASE *1 cause 16", "< RELEASE 1 cause 31"]
    );
    assert_eq!(pair.user.ended(), (16, false));
    assert_eq!(pair.network.ended(), (31, false));
    pair.assert_idle();
}

/// Refused before anything else was said: RELEASE COMPLETE and nothing more (5.2.5.1).
#[test]
fn a_call_is_refused() {
    for from in [Side::User, Side::Network] {
        let mut pair = Pair::up();
        pair.dial(from, ChannelChoice::Exclusive(1.into()));
        pair.run(SHORT);
        let call = pair.end(from.peer()).incoming();
        pair.clear(from.peer(), call, Cause::user(34));
        assert!(pair.ladder[1].ends_with("RELEASE COMPLETE *1 cause 34"), "{:?}", pair.ladder);
        assert_eq!(pair.ladder.len(), 2);
        assert_eq!(pair.end(from).ended(), (34, true));
        assert_eq!(pair.end(from.peer()).ended(), (34, false));
        pair.assert_idle();
    }
}

/// The caller hangs up in each state before the answer.
#[test]
fn the_caller_gives_up() {
    for steps in 0..3 {
        let mut pair = Pair::up();
        let ours = pair.dial(Side::Network, ChannelChoice::Exclusive(2.into()));
        pair.run(SHORT);
        let theirs = pair.user.incoming();
        let now = pair.now;
        if steps > 0 {
            pair.user.d.proceed(now, theirs, 2).expect("new");
        }
        if steps > 1 {
            pair.user.d.alert(now, theirs).expect("proceeding");
        }
        pair.run(SHORT);
        pair.clear(Side::Network, ours, NORMAL);
        assert_eq!(pair.user.ended(), (16, true), "{steps} steps");
        assert_eq!(pair.network.ended(), (16, false));
        pair.assert_idle();
    }
}

/// What SETUP says arrives as it was said, on every variant and both kinds of line.
#[test]
fn a_setup_arrives_on_every_variant() {
    let switches = [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4, Switch::EuroIsdn, Switch::Qsig];
    for (switch, e1) in switches.into_iter().flat_map(|switch| [(switch, false), (switch, true)]) {
        let last = if e1 { 31 } else { 23 };
        let config = |side| Config::new(side, switch, e1);
        let mut pair = Pair::up_with(config(Side::User), config(Side::Network));
        let said = Setup {
            called: Number { kind: 4, ..Number::new("5551234") },
            calling: Some(Number {
                kind: 2,
                presentation: Presentation::Restricted,
                screening: Screening::Network,
                ..Number::new("2125550100")
            }),
            redirecting: Some(Number::new("42")),
            name: None,
            bearer: Bearer::Audio31,
            channel: ChannelChoice::Exclusive(last.into()),
            sending_complete: true,
        };
        let now = pair.now;
        let ours = pair.network.d.dial(now, &said).expect("up");
        pair.run(SHORT);
        assert_eq!(pair.user.offers(), [said], "{switch:?} {e1}");
        let theirs = pair.user.incoming();
        let now = pair.now;
        pair.user.d.connect(now, theirs).expect("the channel is known");
        pair.run(SHORT);
        assert!(pair.network.connected(ours) && pair.user.connected(theirs));
        assert_eq!(pair.network.d.calls().next().and_then(|call| call.channel), Some(last.into()));
        pair.clear(Side::User, theirs, NORMAL);
        pair.assert_idle();
    }
}

/// DMS-100 and 4ESS take a calling number that may be shown only as network provided.
#[test]
fn screening_as_the_exchange_wants_it() {
    for (switch, screening) in [(Switch::Ni2, Screening::UserPassed), (Switch::Dms100, Screening::Network)] {
        let config = |side| Config::new(side, switch, false);
        let mut pair = Pair::up_with(config(Side::User), config(Side::Network));
        let calling = Some(Number { screening: Screening::UserPassed, ..Number::new("1") });
        let now = pair.now;
        pair.user.d.dial(now, &Setup { calling, called: Number::new("2"), ..Setup::default() }).expect("up");
        pair.run(SHORT);
        let arrived = pair.network.offers()[0].calling.clone().map(|number| number.screening);
        assert_eq!(arrived, Some(screening), "{switch:?}");
    }
}

/// All channels of an E1 at once, in both directions, and all references different.
#[test]
fn thirty_calls_at_once() {
    let config = |side| Config::new(side, Switch::EuroIsdn, true);
    let mut pair = Pair::up_with(config(Side::User), config(Side::Network));
    let mut calls = Vec::new();
    for channel in (1..=15).chain(17..=31) {
        let from = if channel % 2 == 0 { Side::User } else { Side::Network };
        calls.push((from, pair.connected(from, channel).0));
    }
    assert_eq!(pair.user.d.calls().filter(|call| call.state == StateName::Active).count(), 30);
    let now = pair.now;
    for (from, call) in calls {
        pair.end(from).d.clear(now, call, NORMAL).expect("active");
    }
    pair.run(SHORT * 5);
    assert_eq!(pair.user.released().len(), 30);
    assert_eq!(pair.network.released().len(), 30);
    pair.assert_idle();
}

/// Orders that do not fit are refused and change nothing.
#[test]
fn orders_out_of_turn_are_refused() {
    use isdn::Refused::{Full, LinkDown, WrongState};
    let mut down = Pair::new(crate::common::config(Side::User), crate::common::config(Side::Network));
    assert_eq!(down.user.d.dial(down.now, &Setup::default()), Err(LinkDown));
    assert_eq!(down.user.d.restart(down.now, 1), Err(LinkDown));

    let mut pair = Pair::up_with(
        crate::common::config(Side::User),
        Config { max_calls: 1, ..crate::common::config(Side::Network) },
    );
    let ours = pair.dial(Side::Network, ChannelChoice::Exclusive(5.into()));
    pair.run(SHORT);
    let now = pair.now;
    let theirs = pair.user.incoming();
    let busy = crate::common::setup(ChannelChoice::Preferred(5.into()));
    assert_eq!(pair.network.d.dial(now, &busy), Err(WrongState));
    assert_eq!(pair.network.d.dial(now, &crate::common::setup(ChannelChoice::Exclusive(24.into()))), Err(WrongState));
    assert_eq!(pair.network.d.dial(now, &crate::common::setup(ChannelChoice::Any)), Err(Full));
    assert_eq!(pair.network.d.proceed(now, ours, 5), Err(WrongState));
    assert_eq!(pair.network.d.connect(now, ours), Err(WrongState));
    assert_eq!(pair.user.d.proceed(now, theirs, 24), Err(WrongState));
    assert_eq!(pair.user.d.proceed(now, ours, 5), Err(WrongState), "that is the other end's");
    pair.user.d.connect(now, theirs).expect("new");
    assert_eq!(pair.user.d.alert(now, theirs), Err(WrongState));
    pair.run(SHORT);
    pair.user.d.clear(pair.now, theirs, NORMAL).expect("active");
    assert_eq!(pair.user.d.clear(pair.now, theirs, NORMAL), Err(WrongState));
    pair.run(SHORT);
    pair.assert_idle();
}

/// Every change of state is remembered, with what made it so.
#[test]
fn the_trace_tells_the_story() {
    use isdn::q931::Why;
    use isdn::q931::message::MessageType;
    let mut pair = Pair::up();
    let (_, theirs) = pair.connected(Side::Network, 3);
    pair.clear(Side::User, theirs, NORMAL);
    let story: Vec<_> =
        pair.user.d.transitions().map(|step| (step.from.number(), step.to.number(), step.why)).collect();
    assert_eq!(
        story,
        [
            (6, 9, Why::Ordered),
            (9, 8, Why::Ordered),
            (8, 10, Why::Received(MessageType::CONNECT_ACKNOWLEDGE)),
            (10, 11, Why::Ordered),
            (11, 0, Why::Received(MessageType::RELEASE)),
        ]
    );
}
