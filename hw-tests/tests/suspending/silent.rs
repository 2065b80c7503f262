//! An exchange that leaves SERVICE unanswered: told twice, then asked every quarter of an hour; its channel is not chosen, its calls
//! are taken, and an answer ends it all.

use crate::town::{Place, SECOND, Terrain, Told, Town, ensure};
use isdn::FarState;
use trunkcast::reports::What;

/// The channel that is not acknowledged from the start on, and one that is suspended later: of the first all goes well, but nobody
/// says so.
const UNHEARD: u8 = 23;
const SUSPENDED: u8 = 2;

const fn bit(channel: u8) -> u32 {
    1 << (channel - 1)
}

pub fn service_is_never_acknowledged(place: Place) -> Told {
    let terrain = Terrain { prefers: true, deaf_to: bit(UNHEARD), ..Terrain::default() };
    let mut town = Town::up(place, terrain)?;
    told(&mut town, 100, UNHEARD, 1, true)?;
    // T3M1, two minutes, twice.
    told(&mut town, 130, UNHEARD, 2, true)?;
    ensure!(far(&town, UNHEARD).is_none(), "given up too early: {:?}", far(&town, UNHEARD));
    told(&mut town, 250, UNHEARD, 2, false)?;
    ensure!(far(&town, UNHEARD) == Some(FarState::Unknown), "after both: {:?}", far(&town, UNHEARD));

    // Unaware that channel 2 is suspended the exchange offers a call there. As long as that is not settled, the two may have crossed;
    // then the call gets another channel, the highest that is in service at both ends as far as we know.
    town.deaf_to |= bit(SUSPENDED);
    town.suspend(bit(SUSPENDED))?;
    told(&mut town, 380, SUSPENDED, 3, true)?;
    told(&mut town, 500, SUSPENDED, 3, false)?;
    let calls = [town.dial(), town.dial()];
    ensure!(calls == [Ok(1), Ok(22)], "a call on a channel that is free, and one on one that is not: {calls:?}");

    // Every 15 minutes after the second.
    told(&mut town, 1010, UNHEARD, 2, false)?;
    told(&mut town, 1030, UNHEARD, 3, true)?;
    told(&mut town, 1150, UNHEARD, 3, false)?;
    ensure!(far(&town, UNHEARD) == Some(FarState::Unknown), "not acknowledged yet: {:?}", far(&town, UNHEARD));
    town.deaf_to = 0;
    told(&mut town, 1930, UNHEARD, 4, false)?;
    ensure!(far(&town, UNHEARD) == Some(FarState::InService), "acknowledged: {:?}", far(&town, UNHEARD));
    // The other one's turn comes within 15 minutes, too.
    town.pass(SECOND * 900);
    town.agree_on_states(bit(SUSPENDED), "all is acknowledged")?;
    town.resume(bit(SUSPENDED))?;
    town.pass(SECOND * 60);
    town.as_good_as_new()
}

/// A call that comes on such a channel is taken, and the exchange asked at once.
pub fn a_call_on_a_channel_never_acknowledged(place: Place) -> Told {
    let terrain = Terrain { deaf_to: bit(UNHEARD), ..Terrain::default() };
    let mut town = Town::up(place, terrain)?;
    town.dial_all(1..=22)?;
    told(&mut town, 250, UNHEARD, 2, false)?;
    town.deaf_to = 0;
    town.dial_all([UNHEARD])?;
    told(&mut town, 260, UNHEARD, 3, false)?;
    ensure!(far(&town, UNHEARD) == Some(FarState::InService), "acknowledged: {:?}", far(&town, UNHEARD));
    town.as_good_as_new()
}

/// At so many seconds from the start, SERVICE of a channel has been sent so often; and it is waited for, or not.
fn told(town: &mut Town, at: u32, channel: u8, times: u32, pending: bool) -> Told {
    let end = SECOND * at;
    town.pass(end.saturating_sub(town.now));
    let (sent, waits) = (town.services[usize::from(channel)], town.pending() & bit(channel) != 0);
    ensure!(sent == times, "after {at} s SERVICE was sent {sent} times, not {times}");
    ensure!(waits == pending, "after {at} s SERVICE is pending: {waits}");
    Ok(())
}

/// What was reported last of the exchange's state of a channel.
fn far(town: &Town, channel: u8) -> Option<FarState> {
    let far = |what: &What| match what {
        What::FarChanged { channels, state, .. } if channels & bit(channel) != 0 => Some(*state),
        _ => None,
    };
    town.told.iter().rev().find_map(far)
}
