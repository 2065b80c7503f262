//! The lines, watched: which failures stand on a span, and what it has suffered quarter by quarter.
//!
//! A monitor a span decides; what follows from its decisions is in `office::failing`. What was counted outlives the daemon
//! in a file, in which a span is found by card and place on it; while the daemon is down nobody counts, and that shows as
//! seconds that were not observed.
//!
//! Data path: reports about alarms, links and slips, the cards' counters once a second → here → [`line::Output`] for the
//! office, [`Report`] for those who ask, [`FILE`] for the next start.
//! Time: `now` since the daemon's start, `wall` since 1970, with every input; [`Lines::handle_timeout`] is wanted when
//! [`Lines::poll_timeout`] says so, and outputs are collected after each input.
//! Words: those of `line` and `hal`; here one becomes the other.

use super::ledger::Place;
use crate::gateway::WhenOut;
use crate::reports::What;
use hal::{Ahead, Alarms, Counters};
use line::show::Report;
use line::{Config, Defects, FailureKind, Framing, Monitor, Output, Raw, Snapshot};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name in the state directory.
pub const FILE: &str = "performance.json";

/// The layout of the file; that of another version is not read.
const VERSION: u32 = 1;

/// A span as the watch sees it.
#[derive(Debug)]
struct Watch {
    place: Place,
    monitor: Monitor,
    alarms: Alarms,
    /// The data link is there.
    link_up: bool,
    /// It ought not to be: we have taken it away.
    withdrawn: bool,
    /// Its D channel is one of two, each of which is told of by itself.
    one_of_two: bool,
    counters: Counters,
    /// Slips that were told one by one: a card does not count those of the buffer behind it.
    slips: Slips,
}

/// What slips say of the clocks.
///
/// Clocks that differ slip one way only, and seldom: at 50 parts in a million once in 100 s. A machine that is held up slips both
/// ways, and many times at once. So one of our own buffer counts when it goes further to one side than hold-ups explain, when no
/// tick had been late, and when the one before is some time ago.
#[derive(Debug, Default)]
struct Slips {
    /// Those that a difference of clocks explains, and nothing else.
    of_clocks: u64,
    /// How far the buffers have gone to the side on which the card is ahead.
    balance: i64,
    /// The lower end of the range within which it moves when ticks are late or early.
    from: i64,
    counted_at: Option<Duration>,
}

impl Slips {
    /// What a hold-up may put into a buffer and take out later.
    const RANGE: i64 = 4;
    /// At a tick of 5 ms a thousandth of difference, which no clock has.
    const LEAST_APART: Duration = Duration::from_secs(5);

    fn count(&mut self, at: Duration, ahead: Option<Ahead>, late: bool) {
        let Some(ahead) = ahead else {
            self.of_clocks += u64::from(!late);
            return;
        };
        self.balance += if ahead == Ahead::Card { 1 } else { -1 };
        let from = self.from.clamp(self.balance - Self::RANGE, self.balance);
        let further = std::mem::replace(&mut self.from, from) != from;
        let apart = self.counted_at.is_none_or(|before| at.saturating_sub(before) >= Self::LEAST_APART);
        if further && apart && !late {
            self.of_clocks += 1;
            self.counted_at = Some(at);
        }
    }
}

/// All spans, in the order of their numbers.
#[derive(Debug)]
pub struct Lines {
    file: PathBuf,
    spans: Vec<Watch>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    spans: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    card: String,
    span: u16,
    performance: Snapshot,
}

impl Lines {
    /// Begin to watch these spans; `counters` tells what the card of each has counted so far. No link is up yet.
    #[must_use]
    pub fn new(
        file: &Path,
        spans: Vec<(Place, Framing)>,
        now: Duration,
        wall: Duration,
        counters: impl Fn(u16) -> Counters,
    ) -> Lines {
        let watch = |(number, (place, framing)): (u16, (Place, Framing))| {
            let counters = counters(number);
            let mut monitor = Monitor::new(Config::new(framing), now, wall, raw(&counters, 0));
            monitor.handle_defects(now, if place.d_channel { Defects::LINK_DOWN } else { Defects::empty() });
            let (link_up, withdrawn, one_of_two) = (false, false, false);
            Watch {
                place,
                monitor,
                alarms: Alarms::empty(),
                link_up,
                withdrawn,
                one_of_two,
                counters,
                slips: Slips::default(),
            }
        };
        Lines { file: file.to_owned(), spans: (0u16..).zip(spans).map(watch).collect() }
    }

    /// The D channel of this span is one of two that several spans share: what is told of the two together is not about it.
    pub fn set_one_of_two(&mut self, span: u16) {
        if let Some(watch) = self.spans.get_mut(usize::from(span)) {
            watch.one_of_two = true;
        }
    }

    /// Go on from what [`Lines::save`] wrote. Returned is what could not be used, in words.
    pub fn restore(&mut self) -> Vec<String> {
        let read = std::fs::read(&self.file).and_then(|text| Ok(serde_json::from_slice::<Written>(&text)?));
        let written = match read {
            Ok(written) if written.version == VERSION => written,
            Ok(Written { version, .. }) => {
                return vec![format!("{FILE} is in layout {version}, not {VERSION}; lines are counted anew")];
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => return vec![format!("{FILE}: {error}; lines are counted anew")],
        };
        let mut complaints = Vec::new();
        for Kept { card, span, performance } in written.spans {
            let is = |watch: &&mut Watch| watch.place.card == card && watch.place.span == span;
            // What belongs to a card that is not configured any more is forgotten.
            let Some(watch) = self.spans.iter_mut().find(is) else { continue };
            if let Err(error) = watch.monitor.restore(performance) {
                complaints.push(format!("span {span} of card {card}: {error}; it is counted anew"));
            }
        }
        complaints
    }

    /// Write down what has to outlive the daemon, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written; what was there stays.
    pub fn save(&self) -> io::Result<()> {
        let kept = |watch: &Watch| Kept {
            card: watch.place.card.clone(),
            span: watch.place.span,
            performance: watch.monitor.snapshot(),
        };
        let written = Written { version: VERSION, spans: self.spans.iter().map(kept).collect() };
        let fresh = self.file.with_extension("new");
        std::fs::write(&fresh, serde_json::to_vec(&written)?)?;
        std::fs::rename(fresh, &self.file)
    }

    /// Something happened that may concern a line.
    pub fn handle(&mut self, at: Duration, what: &What) {
        match what {
            What::Alarms { span, alarms } => self.change(at, *span, |watch| watch.alarms = *alarms),
            What::LinkUp { span, .. } | What::LinkDown { span } | What::LinkReleased { span } => {
                let up = matches!(what, What::LinkUp { .. });
                self.change(at, *span, |watch| watch.link_up = if watch.one_of_two { watch.link_up } else { up });
            }
            What::DChannel { span, state, .. } => {
                let up = matches!(state, isdn::LinkState::InService | isdn::LinkState::Standby);
                self.change(at, *span, |watch| watch.link_up = up);
            }
            // A link that we took away ourselves is not missed.
            What::SpanOut { span, out, how } if WhenOut::releases_link(*how) => {
                self.change(at, *span, |watch| watch.withdrawn = *out);
            }
            What::Slip { span, ahead, late } => self.change(at, *span, |watch| watch.slips.count(at, *ahead, *late)),
            _ => {}
        }
    }

    fn change(&mut self, at: Duration, span: u16, change: impl FnOnce(&mut Watch)) {
        let Some(watch) = self.spans.get_mut(usize::from(span)) else { return };
        change(watch);
        let mut defects = defects(watch.alarms);
        defects.set(Defects::LINK_DOWN, !watch.link_up && watch.place.d_channel && !watch.withdrawn);
        if defects != watch.monitor.failures().defects() {
            watch.monitor.handle_defects(at, defects);
        }
    }

    /// When [`Lines::handle_timeout`] is wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.spans.iter().map(|watch| watch.monitor.poll_timeout()).min()
    }

    /// Time has passed; `counters` tells what the card of a span has counted.
    pub fn handle_timeout(&mut self, now: Duration, wall: Duration, counters: impl Fn(u16) -> Counters) {
        for (number, watch) in (0u16..).zip(&mut self.spans) {
            if watch.monitor.poll_timeout() <= now {
                watch.counters = counters(number);
                watch.monitor.handle_timeout(now, wall, &raw(&watch.counters, watch.slips.of_clocks));
            }
        }
    }

    /// The next thing to tell, and the span it is about.
    pub fn poll_output(&mut self) -> Option<(u16, Output)> {
        (0u16..).zip(&mut self.spans).find_map(|(number, watch)| Some((number, watch.monitor.poll_output()?)))
    }

    /// The failures that stand on a span, worst first, and since when there has been the defect.
    pub fn standing(&self, span: u16) -> impl Iterator<Item = (FailureKind, Duration)> + '_ {
        self.spans.get(usize::from(span)).into_iter().flat_map(|watch| watch.monitor.failures().standing())
    }

    /// Whether a failure stands with which nothing that arrives on the span can be used.
    #[must_use]
    pub fn is_useless(&self, span: u16) -> bool {
        self.spans.get(usize::from(span)).is_some_and(|watch| watch.monitor.failures().any_of(Defects::LOSS))
    }

    /// Whether that keeps calls from the span. The failure stands for ten seconds after its cause has gone; a data link that is
    /// up again says that the line carries.
    #[must_use]
    pub fn keeps_from_calls(&self, span: u16) -> bool {
        let carries = |watch: &Watch| watch.link_up && watch.alarms.usable();
        self.is_useless(span) && !self.spans.get(usize::from(span)).is_some_and(carries)
    }

    /// What the card of a span had counted when it was last asked.
    #[must_use]
    pub fn counters(&self, span: u16) -> Counters {
        self.spans.get(usize::from(span)).map_or(Counters::default(), |watch| watch.counters)
    }

    /// Where a span is.
    #[must_use]
    pub fn place(&self, span: u16) -> Option<&Place> {
        Some(&self.spans.get(usize::from(span))?.place)
    }

    /// How many spans there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a server without a span has nothing to watch")]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// What a span has suffered.
    #[must_use]
    pub fn report(&self, span: u16, now: Duration) -> Option<Report> {
        Some(Report::of(&self.spans.get(usize::from(span))?.monitor, now))
    }
}

/// The alarms of a board as defects. A loopback, and the hold-off after a signal is back, are none.
fn defects(alarms: Alarms) -> Defects {
    let same = [
        (Alarms::ABSENT, Defects::ABSENT),
        (Alarms::LOS, Defects::LOS),
        (Alarms::AIS, Defects::AIS),
        (Alarms::LOF, Defects::LOF),
        (Alarms::LOMF, Defects::LOMF),
        (Alarms::RAI, Defects::RAI),
    ];
    same.into_iter().filter(|(alarm, _)| alarms.contains(*alarm)).map(|(_, defect)| defect).collect()
}

/// The counters of a board as the watch reads them.
fn raw(counters: &Counters, slips: u64) -> Raw {
    Raw {
        line_violations: counters.line_code_violations,
        crc_errors: counters.path_code_violations,
        framing_errors: counters.framing_errors,
        out_of_frame: counters.out_of_frame,
        // A card that counts its slips tells each of them as well.
        slips: counters.slips.max(slips),
        far_reports: counters.far_end_reports,
        far_crc_errors: counters.far_end_errors,
        far_out_of_frame: counters.far_end_out_of_frame,
        far_line_violations: counters.far_end_line_violations,
        far_slips: counters.far_end_slips,
        aborts: counters.aborted_frames,
        wrong_fcs: counters.wrong_fcs_frames,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slips at these seconds, to the side of the card where positive; how many say something of clocks.
    fn of_clocks(slips: impl IntoIterator<Item = (u64, i64)>, late: bool) -> u64 {
        let mut watch = Slips::default();
        for (second, count) in slips {
            for _ in 0..count.abs() {
                let ahead = if count > 0 { Ahead::Card } else { Ahead::Leader };
                watch.count(Duration::from_secs(second), Some(ahead), late);
            }
        }
        watch.of_clocks
    }

    #[test]
    fn clocks_that_differ_show_within_the_hour() {
        for side in [1, -1] {
            // A chunk of 5 ms in 100 s, in both directions at once.
            let counted = of_clocks((0..36).map(|n| (n * 100, 2 * side)), false);
            assert!((30..=36).contains(&counted), "{counted}");
        }
    }

    #[test]
    fn a_machine_that_is_held_up_is_no_difference_of_clocks() {
        let day = 86_400 / 10;
        assert_eq!(of_clocks((0..day).flat_map(|n| [(n * 10, 3), (n * 10 + 4, -3)]), false), 0, "in and out again");
        assert_eq!(of_clocks([(5, 500)], false), 1, "a machine that was suspended");
        assert_eq!(of_clocks((0..day).map(|n| (n * 10, 1)), true), 0, "ticks written off all day");
    }
}
