//! The daemon is killed in the middle of a drain, and what it comes back with is on the disk.

use crate::town::Far;
use crate::town::{PACE, Place, SECOND, Terrain, Told, Town, channels, ensure};
use std::time::Duration;

/// Twelve calls on 1 to 12.
const BUSY: u32 = 0xfff;
/// Channels 3 to 16: ten with a call, the others idle.
const SUSPENDED: u32 = 0xfffc;

/// Before the exchange has noticed: for it the link was only reset.
pub fn for_two_seconds(place: Place) -> Told {
    killed(place, SECOND * 2, false)
}

/// Until the exchange has missed the link; its calls wait for T309.
pub fn for_a_minute(place: Place) -> Told {
    killed(place, SECOND * 60, false)
}

/// The same, with an exchange that never asks.
pub fn for_a_minute_unasked(place: Place) -> Told {
    killed(place, SECOND * 60, true)
}

fn killed(place: Place, away: Duration, never_enquires: bool) -> Told {
    let suspended = SUSPENDED & place.channels();
    let mut town = Town::up(place, Terrain { span: "restart_at_start = true", never_enquires, ..Terrain::default() })?;
    town.dial_all(1..=12)?;
    town.suspend(suspended)?;
    town.pass(SECOND * 5);
    ensure!(town.near().draining == BUSY & suspended, "it drains: {:x?}", town.near());
    town.crash();
    town.pass(away);
    town.come_back()?;
    ensure!(town.near().out == suspended, "out before the link is asked for: {:x?}", town.near());
    town.pass(PACE);
    ensure!(town.busy() == 0, "a daemon that has just started has calls on {:#x}", town.busy());
    town.agree_on_states(suspended, "started anew")?;

    // Of calls on channels that are in service the exchange is rid: it has asked, or RESTART told it. A channel that is out gets no
    // RESTART; an exchange that does not ask holds its call until the caller hangs up.
    let left = town.far.active();
    let asks = match place.far {
        Far::InSoftware => !never_enquires,
        // Of a link that was only reset it takes no notice.
        Far::Libpri => away > SECOND * 30,
    };
    let expected = if asks { 0 } else { BUSY & suspended };
    ensure!(left == expected, "started anew: the exchange has calls on {left:#x}, not {expected:#x}");
    for channel in channels(left) {
        town.hang_up(channel);
    }
    town.agree_on_calls("everybody has hung up")?;
    town.agree_on_states(suspended, "everybody has hung up")?;
    town.dial_all([1, 2].into_iter().chain(channels(place.channels() & !0xffff).take(5)))?;
    town.resume(suspended)?;
    town.pass(PACE);
    town.as_good_as_new()
}
