//! The network clears a call and leaves an announcement on the channel that says why. A machine releases at once; a user
//! that wants to listen holds the call until he has heard enough, the network releases it, or T306 runs out.
//!
//! Clauses: Q.931 5.3.4, 5.3.5, 5.4, 9 T306

use crate::common::{Alone, Pair, SECOND, SHORT, config};
use isdn::{CallReference, Cause, ChannelChoice, Config, Event, Location, Refused, Side, Timer};

/// 1: unallocated number, said by the exchange.
const WHY: Cause = Cause { value: 1, location: Location::PublicLocal };

fn pair(listen: bool) -> Pair {
    Pair::up_with(Config { listen, ..config(Side::User) }, config(Side::Network))
}

/// Calls from the user that the network has proceeded with, and is about to refuse.
fn proceeding(pair: &mut Pair) -> (CallReference, CallReference) {
    let ours = pair.dial(Side::User, ChannelChoice::Exclusive(5.into()));
    pair.run(SHORT);
    let theirs = pair.network.incoming();
    pair.network.d.proceed(pair.now, theirs, 5).expect("new");
    pair.run(SHORT);
    pair.forget();
    (ours, theirs)
}

fn said(pair: &Pair) -> Vec<String> {
    pair.ladder.iter().map(|line| line.split_once(' ').expect("time and text").1.to_owned()).collect()
}

#[test]
fn whoever_does_not_listen_releases_at_once() {
    let mut pair = pair(false);
    let (ours, theirs) = proceeding(&mut pair);
    pair.network.d.disconnect_in_band(pair.now, theirs, WHY).expect("a channel is agreed");
    pair.run(SHORT);
    let ladder = ["< DISCONNECT *1 cause 1 progress 8", "> RELEASE 1 cause 1", "< RELEASE COMPLETE *1"];
    assert_eq!(said(&pair), ladder);
    assert_eq!(pair.user.events[0], Event::Disconnecting { call: ours, cause: WHY, in_band: false });
    assert_eq!((pair.user.ended(), pair.network.ended()), ((1, true), (1, false)));
    pair.assert_idle();
}

#[test]
fn a_listener_hears_it_until_he_has_enough() {
    let mut pair = pair(true);
    let (ours, theirs) = proceeding(&mut pair);
    pair.network.d.disconnect_in_band(pair.now, theirs, WHY).expect("a channel is agreed");
    pair.run(SECOND * 10);
    assert_eq!(said(&pair), ["< DISCONNECT *1 cause 1 progress 8"]);
    assert_eq!((pair.user.state(ours), pair.network.state(theirs)), (12, 12));
    assert_eq!(pair.user.events, [Event::Disconnecting { call: ours, cause: WHY, in_band: true }]);
    pair.clear(Side::User, ours, Cause::user(16));
    assert_eq!(said(&pair)[1..], ["> RELEASE 1 cause 16", "< RELEASE COMPLETE *1"]);
    // The cause told is the first one said.
    assert_eq!((pair.user.ended(), pair.network.ended()), ((1, true), (1, false)));
    pair.assert_idle();
}

/// T306 at the network: it has said it for long enough.
#[test]
fn the_network_stops_after_t306() {
    let timers = isdn::Switch::Ni2.timers(Side::User).with(Timer::T306, SECOND * 60);
    let user = Config { listen: true, timers, ..config(Side::User) };
    let mut pair = Pair::up_with(user, config(Side::Network));
    let (_, theirs) = proceeding(&mut pair);
    pair.network.d.disconnect_in_band(pair.now, theirs, WHY).expect("a channel is agreed");
    pair.run(SECOND * 29);
    assert_eq!(said(&pair).len(), 1);
    pair.run(SECOND * 2);
    assert_eq!(said(&pair)[1..], ["< RELEASE *1 cause 1", "> RELEASE COMPLETE 1"]);
    assert_eq!(pair.network.d.counters().calls.expiries(Timer::T306), 1);
    assert_eq!((pair.user.ended(), pair.network.ended()), ((1, true), (1, false)));
    pair.assert_idle();
}

/// And at a user whom the network lets listen for ever.
#[test]
fn a_listener_stops_after_t306() {
    let mut alone = Alone::up_with(Config { listen: true, ..config(Side::User) });
    alone.be_connected();
    let disconnect = [8, 2, 0x00, 0x01, 0x45, 0x08, 2, 0x82, 0x90, 0x1e, 2, 0x82, 0x88];
    assert_eq!(alone.ask(&disconnect), [""; 0]);
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x75]), ["STATUS *1 cause 30 state 12"]);
    alone.run(SECOND * 29);
    assert_eq!(alone.heard(), [""; 0]);
    alone.run(SECOND * 2);
    assert_eq!(alone.heard(), ["RELEASE *1 cause 16"]);
    alone.say(&[8, 2, 0x00, 0x01, 0x5a]);
    assert_eq!(alone.released(), [(16, true)]);
}

/// DISCONNECT again, without a tone this time, ends the listening; so does the loss of the link.
#[test]
fn listening_ends_with_the_tone() {
    let disconnect = [8, 2, 0x00, 0x01, 0x45, 0x08, 2, 0x82, 0x91, 0x1e, 2, 0x82, 0x88];
    let mut alone = Alone::up_with(Config { listen: true, ..config(Side::User) });
    alone.be_connected();
    alone.say(&disconnect);
    assert_eq!(alone.ask(&disconnect[..9]), ["RELEASE *1 cause 17"]);
    let mut alone = Alone::up_with(Config { listen: true, ..config(Side::User) });
    alone.be_connected();
    alone.say(&disconnect);
    alone.far.release(alone.now);
    alone.settle();
    assert_eq!(alone.released(), [(17, true)]);
}

/// Other descriptions are about nothing to hear, and a call whose channel is not agreed has nowhere to hear it.
#[test]
fn nothing_to_hear() {
    let mut alone = Alone::up_with(Config { listen: true, ..config(Side::User) });
    alone.be_connected();
    let other = [8, 2, 0x00, 0x01, 0x45, 0x08, 2, 0x82, 0x90, 0x1e, 2, 0x82, 0x82];
    assert_eq!(alone.ask(&other), ["RELEASE *1 cause 16"]);
    let mut alone = Alone::up_with(Config { listen: true, ..config(Side::User) });
    alone.dial(ChannelChoice::Exclusive(5.into()));
    let early = [8, 2, 0x80, 0x01, 0x45, 0x08, 2, 0x82, 0x81, 0x1e, 2, 0x82, 0x88];
    assert_eq!(alone.ask(&early), ["RELEASE 1 cause 1"]);
}

/// Both hang up at once: the tone has nobody to hear it (5.3.5).
#[test]
fn both_at_once() {
    let mut pair = pair(true);
    let (ours, theirs) = pair.connected(Side::User, 5);
    pair.network.d.disconnect_in_band(pair.now, theirs, WHY).expect("connected");
    pair.user.d.clear(pair.now, ours, Cause::user(16)).expect("connected");
    pair.run(SHORT);
    assert_eq!((pair.user.ended(), pair.network.ended()), ((16, false), (1, false)));
    pair.assert_idle();
}

#[test]
fn orders_that_do_not_fit_are_refused() {
    let mut pair = pair(true);
    let (ours, theirs) = proceeding(&mut pair);
    let now = pair.now;
    assert_eq!(pair.user.d.disconnect_in_band(now, ours, WHY), Err(Refused::WrongState), "the user's");
    pair.network.d.disconnect_in_band(now, theirs, WHY).expect("proceeding");
    assert_eq!(pair.network.d.disconnect_in_band(now, theirs, WHY), Err(Refused::WrongState), "again");
    pair.dial(Side::User, ChannelChoice::Exclusive(6.into()));
    pair.run(SHORT);
    let new = pair.network.incoming();
    let now = pair.now;
    assert_eq!(pair.network.d.disconnect_in_band(now, new, WHY), Err(Refused::WrongState), "no channel agreed");
}
