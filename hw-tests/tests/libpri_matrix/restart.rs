//! RESTART with calls up: it ends the calls on the channels it names, no other, and the channels carry calls afterwards.

use crate::bench::{Bench, Told, ensure};
use isdn::Event;

const UP: [u8; 3] = [3, 7, 11];

/// One of three channels, then an idle one.
pub fn of_a_channel_by_us(bench: &mut Bench) -> Told {
    three_up(bench)?;
    restart(bench, &[7])?;
    bench.only_active([3, 11], "after RESTART of channel 7")?;
    restart(bench, &[5])?;
    bench.only_active([3, 11], "after RESTART of idle channel 5")?;
    all_usable(bench, &[7, 5])
}

/// Every channel in one go; our end restarts an interface channel by channel.
pub fn of_every_channel_by_us(bench: &mut Bench) -> Told {
    three_up(bench)?;
    let channels = bench.place.channels();
    restart(bench, &channels)?;
    bench.only_active([], "after RESTART of every channel")?;
    all_usable(bench, &channels)
}

/// Restarts these channels from here; both ends must take note.
pub fn restart(bench: &mut Bench, channels: &[u8]) -> Told {
    bench.forget();
    for &channel in channels {
        let ordered = bench.ours.restart(bench.now, channel);
        ordered.map_err(|refused| format!("our own end does not restart channel {channel}: {refused}"))?;
    }
    bench.finish();
    for &channel in channels {
        let done = Event::RestartDone { channel: channel.into(), acknowledged: true };
        ensure!(
            bench.events.contains(&done),
            "RESTART of channel {channel} is not acknowledged: {}",
            bench.situation()
        );
        let reported = bench.reports("restart").iter().any(|event| event["channel"] == channel);
        ensure!(reported, "libpri was not told of RESTART of channel {channel}: {}", bench.situation());
    }
    Ok(())
}

/// One of three channels, then an idle one.
pub fn of_a_channel_by_them(bench: &mut Bench) -> Told {
    three_up(bench)?;
    be_restarted(bench, 7, 1 << 6, &[7])?;
    bench.only_active([3, 11], "after RESTART of channel 7")?;
    be_restarted(bench, 5, 1 << 4, &[])?;
    bench.only_active([3, 11], "after RESTART of idle channel 5")?;
    all_usable(bench, &[7, 5])
}

/// The interface as a whole, which ends all calls.
pub fn of_the_interface_by_them(bench: &mut Bench) -> Told {
    three_up(bench)?;
    let channels = bench.place.channels();
    let all = channels.iter().fold(0, |set, channel| set | 1 << (channel - 1));
    be_restarted(bench, -1, all, &UP)?;
    bench.only_active([], "after RESTART of the interface")?;
    all_usable(bench, &channels)
}

/// `channel` is -1 for the interface; `set` is what we should be told, and `ended` has the calls that should end.
fn be_restarted(bench: &mut Bench, channel: i8, set: u32, ended: &[u8]) -> Told {
    bench.forget();
    bench.order(&format!("restart {channel}"));
    bench.finish();
    let told = Event::Restarted { channels: isdn::ChannelSet::on(0, set) };
    ensure!(bench.events.contains(&told), "RESTART of {channel} from the far end: {}", bench.situation());
    // 41: temporary failure, which is what we tell of a call that the far end has restarted away.
    let ends: Vec<_> = bench.released().iter().map(|(cause, by_peer)| (cause.value, *by_peer)).collect();
    ensure!(ends == vec![(41, true); ended.len()], "RESTART of {channel} from the far end ended calls with {ends:?}");
    let answered = bench.reports("restart_ack").len();
    ensure!(answered == 1, "libpri had {answered} acknowledgements of its RESTART of {channel}: {}", bench.situation());
    Ok(())
}

fn three_up(bench: &mut Bench) -> Told {
    for (channel, from_here) in UP.into_iter().zip([true, false, true]) {
        bench.connected(from_here, channel)?;
    }
    bench.only_active(UP, "three calls up")
}

/// Calls from both sides on these channels, one after the other.
fn all_usable(bench: &mut Bench, channels: &[u8]) -> Told {
    for &channel in channels {
        for from_here in [true, false] {
            let call = bench.connected(from_here, channel)?;
            bench.clear(call, 16)?;
            bench.finish();
        }
    }
    Ok(())
}
