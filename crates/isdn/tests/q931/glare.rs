//! Both ends call at the same moment and mean the same channel. The network's call has priority (5.7): the user gives the
//! channel up, the network refuses it.
//!
//! Clauses: Q.931 5.7; Q.850 2 (44)

use crate::common::{Pair, SHORT};
use isdn::{ChannelChoice, Side};

/// Both insist: one call is refused with 44 and the other goes through.
#[test]
fn both_insist() {
    let mut pair = Pair::up();
    let user = pair.dial(Side::User, ChannelChoice::Exclusive(5.into()));
    let network = pair.dial(Side::Network, ChannelChoice::Exclusive(5.into()));
    pair.run(SHORT);
    let text: Vec<_> = pair.ladder.iter().map(|line| &line[4..]).collect();
    assert_eq!(text, ["> SETUP 1 channel 5! to 100", "< SETUP 1 channel 5! to 100", "< RELEASE COMPLETE *1 cause 44"]);
    assert_eq!(pair.user.released(), [(user, 44, true)]);
    assert_eq!(pair.network.offers(), [], "the owner need not know of it");
    // The references are equal but for the flag, and the calls are not mixed up.
    let theirs = pair.user.incoming();
    assert_eq!((theirs.value, theirs.ours), (user.value, !user.ours));
    let now = pair.now;
    pair.user.d.connect(now, theirs).expect("the channel is free");
    pair.run(SHORT);
    assert!(pair.network.connected(network) && pair.user.connected(theirs));
    assert_eq!(pair.network.d.counters().calls.glare, 1);
    assert_eq!(pair.user.d.counters().calls.glare, 1);
    assert_eq!(pair.network.d.calls().count(), 1);
}

/// The user would take another channel: the network gives it one, and both calls go through.
#[test]
fn the_user_takes_another() {
    let mut pair = Pair::up();
    let user = pair.dial(Side::User, ChannelChoice::Preferred(5.into()));
    let network = pair.dial(Side::Network, ChannelChoice::Exclusive(5.into()));
    pair.run(SHORT);
    assert_eq!(pair.network.offers()[0].channel, ChannelChoice::Any);
    let (at_network, at_user) = (pair.network.incoming(), pair.user.incoming());
    let now = pair.now;
    pair.network.d.proceed(now, at_network, 6).expect("new");
    pair.network.d.connect(now, at_network).expect("proceeding");
    pair.user.d.connect(now, at_user).expect("the channel is free");
    pair.run(SHORT);
    assert!(pair.user.connected(user) && pair.network.connected(network));
    let mut channels: Vec<_> = pair.user.d.calls().map(|call| (call.call.ours, call.channel)).collect();
    channels.sort();
    assert_eq!(channels, [(false, Some(5.into())), (true, Some(6.into()))]);
}

/// The network would take another too: the user's owner chooses, and the user's own call stays where it was.
#[test]
fn the_network_takes_another() {
    let mut pair = Pair::up();
    pair.dial(Side::User, ChannelChoice::Exclusive(5.into()));
    pair.dial(Side::Network, ChannelChoice::Preferred(5.into()));
    pair.run(SHORT);
    // The network has priority all the same.
    assert_eq!(pair.user.offers()[0].channel, ChannelChoice::Preferred(5.into()));
    assert_eq!(pair.user.released().len(), 1);
}
