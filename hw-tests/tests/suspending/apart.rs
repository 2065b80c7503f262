//! Orders that come while the ends cannot hear one another, and a line that fails under calls.

use crate::town::{PACE, Place, SECOND, Terrain, Told, Town, ensure};
use std::time::Duration;
use trunkcast::gateway::NearSets;
use trunkcast::reports::What;

/// Nothing on the D channel arrives, and no alarm says so.
const DEAF: [&str; 2] = ["d-deaf", "sent d-deaf"];
/// The cable is cut.
const CUT: [&str; 2] = ["los", "sent los"];
const WELL: [&str; 2] = ["clear", "sent clear"];

/// The link is down; channels are suspended meanwhile, and announced as soon as it is up.
pub fn suspended_without_a_link(place: Place) -> Told {
    let mut town = Town::up(place, Terrain::default())?;
    town.dial_all(1..=2)?;
    town.line(&DEAF);
    town.pass(SECOND * 50);
    ensure!(!town.gateway.link_up(0) && !town.far.link_up(), "the link has not been missed");
    town.suspend(0b1110)?;
    town.pass(SECOND);
    let near = town.near();
    let expected = NearSets { out: 0b1100, draining: 0b10, ..NearSets::default() };
    ensure!(near == expected, "out at once, whoever knows: {near:x?}");
    town.line(&WELL);
    for _ in 0..30 {
        town.pass(SECOND);
        if town.gateway.link_up(0) {
            break;
        }
    }
    town.pass(SECOND * 2);
    let known = if place.has_service() { (0b1100, 0) } else { (0, 0) };
    let told = town.far.told();
    ensure!(told == known, "the link is up, and the exchange was told of {told:x?}");
    town.agree_on_calls("the link is up")?;
    ensure!(town.busy() == 0b11, "calls outlive a link that is lost for less than T309: {:#x}", town.busy());
    town.hang_up(2);
    town.agree_on_states(0b1110, "the second caller has hung up")?;
    town.dial_all([5])?;
    town.resume(0b1110)?;
    town.pass(PACE);
    town.as_good_as_new()
}

/// A call is ended here while the exchange cannot be told, and that does not ask when the link is back: RESTART of the channel tells
/// it. The other calls go on.
pub fn ended_without_a_link(place: Place) -> Told {
    let terrain = Terrain { span: "restart_at_start = true", never_enquires: true, ..Terrain::default() };
    let mut town = Town::up(place, terrain)?;
    town.dial_all(1..=3)?;
    town.restarted.clear();
    town.line(&DEAF);
    town.pass(SECOND * 50);
    ensure!(!town.gateway.link_up(0) && !town.far.link_up(), "the link has not been missed");
    town.end(2)?;
    town.line(&WELL);
    town.pass(PACE);
    ensure!(town.busy() == 0b101, "calls here on {:#x}", town.busy());
    town.agree_on_calls("the link is up")?;
    ensure!(town.restarted == [2].into(), "RESTART of {:?}", town.restarted);
    town.dial_all([2])?;
    town.as_good_as_new()
}

/// Nobody notices.
pub fn one_second(place: Place) -> Told {
    let town = cut(place, SECOND)?;
    ensure!(town.0.far.active() == 0b111, "a second's gap ended calls: {:#x} are left", town.0.far.active());
    ensure!(!town.1, "a second's gap took channels out");
    town.0.over()
}

/// A failure is declared, channels are out; calls wait for T309.
pub fn twenty_seconds(place: Place) -> Told {
    let town = cut(place, SECOND * 20)?;
    ensure!(town.0.far.active() == 0b111, "calls did not outlive 20 s: {:#x} are left", town.0.far.active());
    ensure!(town.1, "the failure took no channel out");
    town.0.over()
}

/// About as long as it takes both ends to miss the link, and T309: whatever becomes of the calls, it is the same at both ends.
pub fn hundred_seconds(place: Place) -> Told {
    let town = cut(place, SECOND * 100)?;
    ensure!(town.1, "the failure took no channel out");
    town.0.over()
}

/// Longer than T309: no call is left.
pub fn five_minutes(place: Place) -> Told {
    let town = cut(place, SECOND * 300)?;
    ensure!(town.0.far.active() == 0, "calls outlived T309: {:#x}", town.0.far.active());
    ensure!(town.1, "the failure took no channel out");
    town.0.over()
}

/// The signal goes under three calls for this long, with a channel suspended by a technician; a minute after it has come back. And
/// whether the failure took channels out.
fn cut(place: Place, lasts: Duration) -> Told<(Town, bool)> {
    let mut town = Town::up(place, Terrain::default())?;
    town.dial_all(1..=3)?;
    town.suspend(1 << 7)?;
    town.pass(SECOND * 5);
    town.told.clear();
    town.line(&CUT);
    town.pass(lasts);
    let idle = place.channels() & !0b111;
    let out = town.near().out & idle == idle;
    let span_out = town.told.iter().any(|what| matches!(what, What::SpanOut { .. }));
    ensure!(!span_out, "a failure passes: the exchange is not shown a span that is out");
    town.line(&WELL);
    town.pass(PACE * 2);
    town.agree_on_calls("the line is well again")?;
    Ok((town, out))
}

impl Town {
    /// What a technician took out is out, and nothing else.
    fn over(mut self) -> Told {
        self.agree_on_states(1 << 7, "the line is well again")?;
        self.dial_all(std::iter::once(if self.far.active() == 0 { 1 } else { 4 }))?;
        self.resume(1 << 7)?;
        self.pass(PACE);
        self.as_good_as_new()
    }
}
