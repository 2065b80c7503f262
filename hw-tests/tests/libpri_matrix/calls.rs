//! As many calls as there are channels, set up at the same moment and cleared at the same moment.

use crate::bench::{Bench, CALLED, CALLING, Told, ensure};
use isdn::Event;

pub fn all_ours(bench: &mut Bench) -> Told {
    all_at_once(bench, |_| true)
}

pub fn all_theirs(bench: &mut Bench) -> Told {
    all_at_once(bench, |_| false)
}

/// Odd channels from here, even ones from there.
pub fn half_and_half(bench: &mut Bench) -> Told {
    all_at_once(bench, |channel| channel % 2 == 1)
}

fn all_at_once(bench: &mut Bench, from_here: fn(u8) -> bool) -> Told {
    let channels = bench.place.channels();
    for &channel in &channels {
        if from_here(channel) {
            bench.dial(channel)?;
        } else {
            bench.be_called(channel);
        }
    }
    bench.finish();
    bench.only_active(channels.iter().copied(), "all called")?;
    for event in &bench.events {
        let Event::Incoming { setup, .. } = event else { continue };
        let calling = setup.calling.as_ref().map(|number| number.digits.as_str());
        let called = setup.called.digits.as_str();
        ensure!((called, calling) == (CALLED, Some(CALLING)), "libpri called {CALLED} from {CALLING}: {setup:?}");
    }
    for ring in bench.reports("ring") {
        let number = ring["called"] == CALLED && ring["calling"] == CALLING;
        // Information transfer capability 0 is speech (Q.931 table 4-6).
        ensure!(number && ring["bearer"] == 0, "we called {CALLED} from {CALLING} to speak: {ring}");
    }
    // Every channel can carry a call again afterwards, whoever cleared.
    for again in [false, true] {
        bench.forget();
        for &channel in &channels {
            if (channel % 3 == 0) == again {
                let call = bench.on_channel(channel)?;
                bench.clear(call, 16)?;
            } else {
                bench.order(&format!("clear {channel} 16"));
            }
        }
        bench.finish();
        bench.only_active([], "all cleared")?;
        let ends = bench.released();
        ensure!(ends.len() == channels.len(), "{} of {} calls were released", ends.len(), channels.len());
        ensure!(ends.iter().all(|(cause, _)| cause.value == 16), "cause 16 became another: {ends:?}");
        if again {
            return Ok(());
        }
        for &channel in &channels {
            bench.be_called(channel);
        }
        bench.finish();
        bench.only_active(channels.iter().copied(), "all called again")?;
    }
    Ok(())
}
