//! What the exchange sees of a span whose last channel is out: each value of `out_of_service`.

use crate::town::{PACE, Place, SECOND, Terrain, Told, Town, ensure};
use hal::Alarms;

/// What can be seen: the data link, AIS on the line, and what a caller is told.
type Sight = (bool, bool, u8);

/// 34: the exchange knows that no channel is there; 38: nor a link; 44: it was refused on every channel.
const KNOWN: Sight = (true, false, 34);
const NO_LINK: Sight = (false, false, 38);
const NO_SIGNAL: Sight = (false, true, 38);
const REFUSED: Sight = (true, false, 44);

pub fn by_default(place: Place) -> Told {
    let sight = if place.has_service() { KNOWN } else { NO_LINK };
    shown(place, "out_of_service = \"default\"", sight)
}

pub fn by_d_channel(place: Place) -> Told {
    shown(place, "out_of_service = \"d_channel\"", NO_LINK)
}

pub fn by_alarm(place: Place) -> Told {
    shown(place, "out_of_service = \"alarm\"", NO_SIGNAL)
}

pub fn by_rejecting(place: Place) -> Told {
    let sight = if place.has_service() { KNOWN } else { REFUSED };
    shown(place, "out_of_service = \"reject\"", sight)
}

pub fn by_service(place: Place) -> Told {
    spoken(place, "out_of_service = \"service\"", KNOWN)
}

/// The link does not go before every SERVICE is acknowledged, so the exchange knows of each channel as well.
pub fn by_service_and_d_channel(place: Place) -> Told {
    spoken(place, "out_of_service = \"service_and_d_channel\"", NO_LINK)
}

/// What needs SERVICE is refused where there is none, when the configuration is read.
fn spoken(place: Place, span: &'static str, sight: Sight) -> Told {
    if place.has_service() {
        return shown(place, span, sight);
    }
    let refused = place.span(span).err().unwrap_or_default();
    ensure!(refused.contains("speaks of SERVICE"), "{span} without SERVICE: {refused:?}");
    Ok(())
}

fn shown(place: Place, span: &'static str, sight: Sight) -> Told {
    let mut town = Town::up(place, Terrain { span, ..Terrain::default() })?;
    let all = place.channels();
    town.dial_all(1..=1)?;
    town.suspend(all)?;
    town.pass(PACE);
    ensure!(town.span_out().is_none() && town.far.link_up(), "{span}: not while there is a call");
    town.hang_up(1);
    town.pass(PACE);
    ensure!(town.span_out() == Some(true), "{span}: out, and nobody was told");
    ensure!(town.near().out == all, "{span}: {:x?}", town.near());
    // A link that goes at once takes the last SERVICE with it.
    if sight.0 || span.contains("service_and") {
        town.agree_on_states(all, span)?;
    }
    ensure!(town.gateway.link_up(0) == town.far.link_up(), "{span}: the ends do not agree about the link");
    let ais = town.far_alarms().contains(Alarms::AIS);
    let seen = (town.far.link_up(), ais, town.dial().err().unwrap_or(0));
    ensure!(seen == sight, "{span}: link, AIS and cause are {seen:?}, not {sight:?}");
    // It stays so, whatever the exchange tries.
    town.pass(SECOND * 900);
    ensure!(town.far.link_up() == sight.0, "{span}: a quarter of an hour later the link is {}", town.far.link_up());
    town.resume(all)?;
    town.pass(PACE);
    ensure!(town.far_alarms().is_empty(), "{span}: resumed, the exchange sees {}", town.far_alarms());
    town.as_good_as_new()
}
