//! The line goes dead under calls, loses frames, or either end sets the link up anew: calls that are Active stay so, and are cleared
//! as ever. Only an end that has lost its memory ends them.

use crate::bench::{Bench, Line, SECOND, Told, ensure};
use crate::restart;
use isdn::{Event, Timer};
use std::time::Duration;

/// Time for a link to come back and for both ends to compare notes.
const RECOVERY: Duration = Duration::from_secs(30);

pub fn one_second(bench: &mut Bench) -> Told {
    survived(bench, |bench| {
        dead_for(bench, SECOND);
        ensure!(bench.events.is_empty(), "our calls heard of a second's silence: {:?}", bench.events);
        ensure!(bench.seen.is_empty(), "libpri's calls heard of a second's silence: {:?}", bench.seen);
        Ok(())
    })
}

/// Some ends notice, some do not: it is a matter of T203.
pub fn twenty_seconds(bench: &mut Bench) -> Told {
    survived(bench, |bench| {
        dead_for(bench, SECOND * 20);
        Ok(())
    })
}

/// Both ends notice, and T309 holds the calls.
pub fn a_minute(bench: &mut Bench) -> Told {
    survived(bench, |bench| {
        dead_for(bench, SECOND * 60);
        ensure!(bench.events.contains(&Event::LinkDown), "a minute's silence went unnoticed here: {:?}", bench.events);
        ensure!(!bench.reports("down").is_empty(), "a minute's silence went unnoticed at libpri: {:?}", bench.seen);
        Ok(())
    })
}

/// Longer than T309: both ends give up by themselves, and the channels are free afterwards.
pub fn beyond_t309(bench: &mut Bench) -> Told {
    all_up(bench)?;
    let t309 = bench.place.switch.timers(bench.place.side).get(Timer::T309);
    dead_for(bench, SECOND * 60 + t309);
    bench.only_active([], "after T309")?;
    let ends = bench.released();
    ensure!(ends.iter().all(|end| *end == (bench.place.our_cause(27), false)), "T309 ends calls with 27: {ends:?}");
    all_up(bench).map(drop)
}

/// Our answers to libpri's polls are lost, and nothing else: it sets the link up anew while ours is up (Q.931 clause 5.8.8).
pub fn reset_by_them(bench: &mut Bench) -> Told {
    survived(bench, |bench| {
        trouble_for(bench, Line::WithoutAnswersOf(bench.place.side), SECOND * 20);
        let told = bench.events.contains(&Event::LinkUp { reset: true });
        ensure!(told, "we were not told that the link was reset: {:?}", bench.events);
        ensure!(!bench.events.contains(&Event::LinkDown), "a reset took our link down: {:?}", bench.events);
        Ok(())
    })
}

/// The other way round. libpri is told to wait longer before it polls than we do: who polls first keeps the other's T203 from running out.
pub fn reset_by_us(bench: &mut Bench) -> Told {
    bench.order("timer T203 120000");
    survived(bench, |bench| {
        trouble_for(bench, Line::WithoutAnswersOf(bench.place.side.peer()), SECOND * 50);
        let (link, seen) = (bench.ours.counters().link, &bench.seen);
        ensure!(link.polls_exhausted > 0, "we did not miss libpri's answers: {link:?}");
        ensure!(bench.reports("down").is_empty(), "a reset took libpri's link down: {seen:?}");
        Ok(())
    })
}

/// libpri starts anew and has forgotten its calls. Asked about them it answers RELEASE COMPLETE with 81, where clause 5.8.10 has
/// STATUS with state 0; they end either way.
pub fn forgotten_by_them(bench: &mut Bench) -> Told {
    let channels = all_up(bench)?;
    bench.start_theirs_afresh()?;
    bench.run(RECOVERY);
    bench.only_active([], "after libpri began anew")?;
    let ends: Vec<_> = bench.released().iter().map(|(cause, by_peer)| (cause.value, *by_peer)).collect();
    ensure!(ends == vec![(81, true); channels.len()], "calls that libpri has forgotten ended with {ends:?}");
    all_up(bench).map(drop)
}

/// We start anew. libpri, whose link was reset and not lost, neither asks nor tells: its calls stay until we send RESTART.
pub fn forgotten_by_us(bench: &mut Bench) -> Told {
    let channels = all_up(bench)?;
    bench.start_ours_afresh()?;
    bench.run(RECOVERY);
    restart::restart(bench, &channels)?;
    bench.only_active([], "after we began anew and sent RESTART")?;
    all_up(bench).map(drop)
}

/// A link that comes up, and calls one after the other, on a line that loses one frame in seven: layer 2 makes it good.
pub fn losses(bench: &mut Bench) -> Told {
    trouble_for(bench, Line::Dead, SECOND * 60);
    bench.line = Line::Losing(7);
    bench.run(RECOVERY);
    for channel in bench.place.channels() {
        bench.forget();
        if channel % 2 == 1 {
            bench.dial(channel)?;
        } else {
            bench.be_called(channel);
        }
        bench.run(RECOVERY);
        bench.only_active([channel], "called over a bad line")?;
        bench.order(&format!("clear {channel} 31"));
        bench.run(RECOVERY);
        bench.only_active([], "cleared over a bad line")?;
        let ends: Vec<_> = bench.released().iter().map(|(cause, by_peer)| (cause.value, *by_peer)).collect();
        ensure!(ends == [(31, true)], "a call over a bad line ended with {ends:?}");
    }
    let link = bench.ours.counters().link;
    ensure!(link.retransmissions > 0 && link.sequence_errors > 0, "the line was not bad: {link:?}");
    Ok(())
}

/// Tells the trouble in the middle of calls of both sides, and clears them one by one.
fn survived(bench: &mut Bench, trouble: impl Fn(&mut Bench) -> Told) -> Told {
    let channels = all_up(bench)?;
    trouble(bench)?;
    let enquiries = bench.ours.counters().calls.status_mismatches;
    ensure!(enquiries == 0, "{enquiries} calls were in another state there");
    bench.only_active(channels.iter().copied(), "after the trouble")?;
    ensure!(bench.released().is_empty(), "calls ended: {:?}", bench.released());
    bench.forget();
    for &channel in &channels {
        if channel % 2 == 1 {
            let call = bench.on_channel(channel)?;
            bench.clear(call, 16)?;
        } else {
            bench.order(&format!("clear {channel} 31"));
        }
    }
    bench.finish();
    bench.only_active([], "all cleared after the trouble")?;
    let (mut ends, mut expected): (Vec<_>, Vec<_>) = (
        bench.released().iter().map(|(cause, by_peer)| (cause.value, *by_peer)).collect(),
        channels.iter().map(|channel| if channel % 2 == 1 { (16, false) } else { (31, true) }).collect(),
    );
    ends.sort_unstable();
    expected.sort_unstable();
    ensure!(ends == expected, "calls cleared after the trouble ended with {ends:?}");
    // And both ends are as good as new.
    all_up(bench).map(drop)
}

/// A call on every channel, odd ones from here.
fn all_up(bench: &mut Bench) -> Result<Vec<u8>, String> {
    let channels = bench.place.channels();
    for &channel in &channels {
        if channel % 2 == 1 {
            bench.dial(channel)?;
        } else {
            bench.be_called(channel);
        }
    }
    bench.finish();
    bench.only_active(channels.iter().copied(), "all called")?;
    bench.forget();
    Ok(channels)
}

fn dead_for(bench: &mut Bench, time: Duration) {
    trouble_for(bench, Line::Dead, time);
}

fn trouble_for(bench: &mut Bench, line: Line, time: Duration) {
    bench.line = line;
    bench.run(time);
    bench.line = Line::Sound;
    bench.run(RECOVERY);
}
