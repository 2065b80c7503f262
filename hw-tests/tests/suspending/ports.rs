//! Stream ports that flap around the mark for an hour: the D channel is not flooded.

use crate::town::{Place, SECOND, Terrain, Told, Town, ensure};
use event::{EventNumber, Role};
use std::collections::VecDeque;
use trunkcast::gateway::Marks;
use trunkcast::reports::What;

const HOUR: u32 = 3600;
const DWELL: u32 = 30;
/// An event that goes on has one of three ports, so a second one is one too many.
const PORTS: usize = 3;

/// An event goes on for the hour. As often as they are let in people call, wait, and open one event more for a moment.
pub fn short_and_not_short(place: Place) -> Told {
    let marks = Marks { low: 1, high: 2, dwell: SECOND * DWELL };
    let mut town = Town::up(place, Terrain { ports: Some((PORTS, marks)), ..Terrain::default() })?;
    let [lasting, brief] = [(); 2].map(|()| {
        let number = EventNumber::random(town.keyring.current());
        let pin = town.keyring.pin(number, Role::Host).expect("a current key");
        format!("{number}{}", pin.as_str())
    });
    town.dial_all([1])?;
    town.keys(1, &lasting);
    let (begin, mut crossings, mut short) = (town.now, 0, false);
    let mut waiting = VecDeque::new();
    while town.now < begin + SECOND * HOUR {
        waiting.extend(town.dial().ok());
        let Some(channel) = waiting.pop_front() else {
            town.pass(SECOND);
            continue;
        };
        town.keys(channel, &brief);
        short ^= look(&town, short, &mut crossings);
        town.hang_up(channel);
        short ^= look(&town, short, &mut crossings);
        // With plenty of callers in stock the ports flap while nobody is let in, too.
        if waiting.len() < 8 {
            waiting.extend(town.dial().ok());
        }
    }
    let changes = town.told.iter().filter(|what| matches!(what, What::PortsShort { .. })).count() as u32;
    ensure!(crossings > 3 * changes && changes > 20, "it did not flap: {crossings} crossings, {changes} changes");
    // One change at once, and then one in each dwell.
    let bound = 1 + HOUR / DWELL;
    ensure!(changes <= bound, "{changes} changes in an hour with a dwell of {DWELL} s");
    // A channel is told of when the link comes up, and once for a change.
    let most = town.services.iter().max().copied().unwrap_or(0);
    let expected = if place.has_service() { 1 + changes } else { 0 };
    ensure!(most <= expected, "{most} SERVICEs of a channel for {changes} changes");
    let all: u32 = town.services.iter().sum();
    ensure!(all > changes || !place.has_service(), "the exchange was not told: {all} SERVICEs");
    town.hang_up(1);
    for channel in waiting {
        town.hang_up(channel);
    }
    town.pass(SECOND * 60);
    town.as_good_as_new()
}

/// Whether the ports have crossed the mark since.
fn look(town: &Town, short: bool, crossings: &mut u32) -> bool {
    let crossed = (town.gateway.ports().free(town.now) <= 1) != short;
    *crossings += u32::from(crossed);
    crossed
}
