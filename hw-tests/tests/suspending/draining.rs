//! Channels are taken out under calls, and given back: what drains, what comes back, and what a test keeps away.

use crate::town::{PACE, Place, SECOND, Terrain, Told, Town, channels, ensure};
use isdn::Cause;
use trunkcast::gateway::NearSets;
use trunkcast::reports::What;

/// Ten calls are up, and the whole span is to go. Each channel follows its call; with the last one the exchange is shown a span that
/// is out, as the variant has it; resumed, everything is as it was.
pub fn ten_calls(place: Place) -> Told {
    let mut town = Town::up(place, Terrain::default())?;
    let all = place.channels();
    town.dial_all(1..=10)?;
    town.told.clear();
    town.suspend(all)?;
    town.pass(SECOND * 5);
    let mut busy = town.far.active();
    ensure!(busy.count_ones() == 10, "calls were cut off: {busy:#x} are left");
    draining(&town, busy)?;
    // Where the exchange can be told it offers no call; elsewhere it is refused on one channel after the other.
    let refused = town.dial();
    let expected = if place.has_service() { 34 } else { 44 };
    ensure!(refused == Err(expected), "a call to a span that drains came to {refused:?}");
    for channel in 1..=10 {
        ensure!(town.span_out().is_none() && town.gateway.link_up(0), "out before its last call had gone");
        town.hang_up(channel);
        busy &= !(1 << (channel - 1));
        if busy != 0 {
            draining(&town, busy)?;
        }
    }
    town.pass(PACE * 2);
    town.agree_on_states(all, "drained")?;
    ensure!(town.span_out() == Some(true), "the exchange is not shown that the span is out");
    let links = (town.gateway.link_up(0), town.far.link_up());
    let expected = place.has_service();
    ensure!(links == (expected, expected), "drained: the link is up here and there: {links:?}");
    let trouble = |what: &&What| matches!(what, What::LinkDown { .. } | What::LinkSilent { .. });
    ensure!(!town.told.iter().any(|what| trouble(&what)), "a suspension is no trouble: {:?}", town.told);

    town.resume(all)?;
    town.pass(PACE);
    ensure!(town.span_out() == Some(false), "the exchange is not shown that the span is back");
    town.as_good_as_new()
}

/// Idle channels are out and the exchange knows it where it can; busy ones drain.
fn draining(town: &Town, busy: u32) -> Told {
    let out = town.place.channels() & !busy;
    let (near, told) = (town.near(), town.far.told());
    let draining = NearSets { out, draining: busy, ..NearSets::default() };
    ensure!(near == draining, "draining {busy:#x}: {near:x?}");
    let known = if town.place.has_service() { (out, 0) } else { (0, 0) };
    ensure!(told == known, "draining {busy:#x}: the exchange was told of {told:x?}");
    town.agree_on_calls("draining")
}

/// Some have hung up, some not: whoever still talks goes on, and no channel is left behind.
pub fn resumed_in_the_middle(place: Place) -> Told {
    let mut town = Town::up(place, Terrain::default())?;
    town.dial_all(1..=10)?;
    town.told.clear();
    town.suspend(place.channels())?;
    town.pass(SECOND * 5);
    for channel in 2..=4 {
        town.hang_up(channel);
    }
    town.resume(place.channels())?;
    town.pass(PACE);
    let ended = town.told.iter().filter(|what| matches!(what, What::CallEnded { .. })).count();
    ensure!(ended == 3, "{ended} calls have ended, and three callers hung up");
    town.agree_on_states(0, "resumed")?;
    ensure!(town.span_out().is_none(), "it has never been out");
    for channel in channels(town.far.active()) {
        town.hang_up(channel);
    }
    let forced = |what: &What| matches!(what, What::CallEnded { cause: Cause { value, .. }, .. } if *value != 16);
    ensure!(!town.told.iter().any(forced), "not every call ended as it should: {:?}", town.told);
    town.as_good_as_new()
}

/// A test takes no call away and lets none come: that is told as maintenance, and over with the test.
pub fn channels_in_test(place: Place) -> Told {
    let mut town = Town::up(place, Terrain::default())?;
    town.dial_all(1..=3)?;
    town.test(0b1_1100);
    town.pass(SECOND * 5);
    let near = town.near();
    let expected = NearSets { maintenance: 0b1_1000, draining: 0b100, ..NearSets::default() };
    ensure!(near == expected, "in test: {near:x?}");
    let told = town.far.told();
    let known = if place.has_service() { (0, 0b1_1000) } else { (0, 0) };
    ensure!(told == known, "in test: the exchange was told of {told:x?}");
    let call = town.dial();
    ensure!(call == Ok(6), "a call while 3 to 5 are in test came to {call:?}");
    town.hang_up(3);
    ensure!(town.near().maintenance == 0b1_1100, "the last of them follows its call: {:x?}", town.near());
    town.test(0);
    town.pass(PACE);
    town.as_good_as_new()
}
