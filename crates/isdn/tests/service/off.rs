//! Service messages are off unless both ends agreed to have them, and cannot be had where the variant has none. A channel can be
//! closed all the same.
//!
//! Clauses: maintenance off

use crate::common::{Alone, SHORT, setup};
use crate::service_support::*;
use isdn::{ChannelChoice, Config, FarState, NoServiceMessages, Refused, Side, Switch};

#[test]
fn off_by_default_and_refused_where_there_are_none() {
    for switch in SPEAKERS {
        assert_eq!(Config::new(Side::User, switch, false).service_messages, None);
        assert!(Config::new(Side::User, switch, false).with_service_messages().is_ok());
    }
    for switch in [Switch::EuroIsdn, Switch::Qsig] {
        let config = Config::new(Side::User, switch, true);
        assert_eq!(config.with_service_messages(), Err(NoServiceMessages));
        // Forced upon it from another variant: it still does not speak.
        let forced = Config { service_messages: Switch::Ess5.row().service, number_length: 0, ..config };
        let mut alone = Alone::up_with(forced);
        assert_eq!(alone.ask(&service(Switch::Ess5, 5, OUT)), [""; 0]);
        assert_eq!(states(&alone.d, 5), (IN, FarState::InService));
        assert_eq!(alone.d.counters().calls.maintenance, 1);
    }
}

/// Not a word about it, in hours and over a new link.
#[test]
fn nothing_is_said() {
    let mut alone = Alone::up(Side::User);
    assert_eq!(alone.ask(&service(Switch::Ni2, 5, OUT)), [""; 0]);
    assert_eq!(states(&alone.d, 5), (IN, FarState::InService));
    alone.run(minutes(60));
    assert_eq!((alone.ladder.len(), alone.events.len()), (0, 0));
}

/// A channel that is closed here refuses calls with 44, or has them elsewhere; its owner knows that nobody was told.
#[test]
fn closed_all_the_same() {
    for switch in [Switch::EuroIsdn, Switch::Ess5] {
        let end = |side| Config { number_length: 0, ..Config::new(side, switch, true) };
        let mut pair = crate::common::Pair::up_with(end(Side::User), end(Side::Network));
        set_in(&mut pair, Side::User, 5, OUT);
        assert_eq!((pair.ladder.len(), &pair.user.events[..]), (0, &[settled(5, OUT, false)][..]));
        let now = pair.now;
        assert_eq!(pair.user.d.dial(now, &setup(ChannelChoice::Exclusive(5.into()))), Err(Refused::OutOfService));
        let call = pair.dial(Side::Network, ChannelChoice::Exclusive(5.into()));
        pair.run(SHORT);
        assert_eq!(pair.network.released(), [(call, 44, true)]);
        set_in(&mut pair, Side::User, 5, IN);
        pair.connected(Side::Network, 5);
    }
}
