//! A span of the software card with faults on it, and the watch over the span: what is declared and when, what is counted,
//! and what a restart leaves of it. Time is virtual, a tick of 10 ms after the other.

use board_loopback::rehearsal::FaultDesk;
use board_loopback::{FarEnd, LoopbackCard};
use hal::{Card, CardEvent, ChunkLength, Counters, Line, Readiness, Running, SpanIndex};
use line::show::Entry;
use line::{Availability, Change, Counts, FailureKind, Framing, Output, Quality};
use std::path::Path;
use std::time::Duration;
use trunkcast::office::ledger::Place;
use trunkcast::office::lines::Lines;
use trunkcast::reports::What;

const SPAN: SpanIndex = SpanIndex(0);
const TICK: Duration = Duration::from_millis(10);
/// 2026-03-01 12:00:00 UTC, the beginning of a quarter of an hour.
const WALL: Duration = Duration::from_secs(1_772_366_400);

fn place() -> Vec<(Place, Framing)> {
    vec![(Place { card: "soft0".into(), span: 1, line: Line::E1, d_channel: true }, Framing::E1Crc4)]
}

struct Rig {
    near: Running,
    far: Running,
    _far_end: FarEnd,
    desk: FaultDesk,
    lines: Lines,
    now: Duration,
    /// When the card said that its alarms had changed.
    changed: Vec<Duration>,
    told: Vec<(Duration, Output)>,
}

impl Rig {
    fn new(directory: &Path) -> Rig {
        let mut builder = LoopbackCard::builder("soft0");
        builder.delay_ms(20).patience(200);
        let far_end = builder.span_to_exchange(Line::E1);
        let mut card = builder.build();
        let desk = card.fault_desk();
        let near = Box::new(card).start(ChunkLength::Ms10).expect("a chunk is not longer than the delay");
        let far = far_end.attach("exchange").expect("nobody holds it");
        let far = Box::new(far).start(ChunkLength::Ms10).expect("the same");
        let file = directory.join(trunkcast::office::lines::FILE);
        let mut lines = Lines::new(&file, place(), Duration::ZERO, WALL, |_| near.control.counters(SPAN));
        lines.handle(Duration::ZERO, &What::LinkUp { span: 0, reset: false });
        let (now, changed, told) = (Duration::ZERO, Vec::new(), Vec::new());
        Rig { near, far, _far_end: far_end, desk, lines, now, changed, told }
    }

    fn order(&self, words: &str) {
        self.desk.obey(SPAN, words.parse().expect("an order")).expect("the span is there");
    }

    fn until(&mut self, end_ms: u64) {
        while self.now < Duration::from_millis(end_ms) {
            for end in [&mut self.near, &mut self.far] {
                assert_eq!(end.traffic.begin().expect("there"), Readiness::Ready);
                end.traffic.end().expect("there");
            }
            self.now += TICK;
            while let Some(event) = self.near.traffic.next_event() {
                match event {
                    CardEvent::Alarms(_, alarms) => {
                        self.changed.push(self.now);
                        self.lines.handle(self.now, &What::Alarms { span: 0, alarms });
                    }
                    CardEvent::Slip(_) => {
                        self.lines.handle(self.now, &What::Slip { span: 0, ahead: None, late: false });
                    }
                    _ => {}
                }
                self.collect();
            }
            while self.far.traffic.next_event().is_some() {}
            if self.lines.poll_timeout().is_some_and(|at| at <= self.now) {
                let control = &self.near.control;
                self.lines.handle_timeout(self.now, WALL + self.now, |_| control.counters(SPAN));
                self.collect();
            }
        }
    }

    fn collect(&mut self) {
        while let Some((0, output)) = self.lines.poll_output() {
            self.told.push((self.now, output));
        }
    }

    fn failures(&self) -> Vec<(Duration, FailureKind, bool)> {
        let told = self.told.iter().filter_map(|(at, output)| match output {
            Output::Failure(Change::Declared { kind, .. }) => Some((*at, *kind, true)),
            Output::Failure(Change::Cleared { kind, .. }) => Some((*at, *kind, false)),
            _ => None,
        });
        told.collect()
    }
}

#[test]
fn a_signal_that_is_lost_is_a_failure_after_two_and_a_half_seconds_and_until_it_was_back_for_ten() {
    let directory = tempfile::tempdir().expect("a directory");
    for lasts_ms in [1_000, 4_000, 20_000, 100_000] {
        let mut rig = Rig::new(directory.path());
        rig.until(5_000);
        assert!(rig.changed.is_empty() && rig.told.is_empty());
        rig.order("los");
        rig.until(5_000 + lasts_ms);
        rig.order("clear los");
        rig.until(5_000 + lasts_ms + 30_000);
        let [came, went] = rig.changed[..] else { panic!("{:?}", rig.changed) };
        let declared = (came + Duration::from_millis(2_500), FailureKind::Los, true);
        let cleared = (went + Duration::from_secs(10), FailureKind::Los, false);
        let expected = if lasts_ms < 2_500 { vec![] } else { vec![declared, cleared] };
        assert_eq!(rig.failures(), expected, "{lasts_ms} ms");
        assert!(!rig.lines.is_useless(0));
    }
}

#[test]
fn a_signal_that_flickers_is_one_failure() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut rig = Rig::new(directory.path());
    for flicker in 0..6 {
        rig.order("los");
        rig.until(flicker * 8_000 + 4_000);
        rig.order("clear los");
        rig.until(flicker * 8_000 + 8_000);
        assert!(rig.lines.is_useless(0), "its channels are not given back in between");
    }
    rig.until(60_000);
    assert_eq!(rig.failures().len(), 2, "{:?}", rig.failures());
}

/// A quarter of an hour with errors put on the line, the counts worked out by hand.
#[test]
fn injected_errors_are_counted_as_the_standard_has_it_and_outlive_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut rig = Rig::new(directory.path());
    for (at_s, order) in [(10, "path 5"), (20, "path 900"), (30, "slips 1"), (40, "line-code 7")] {
        rig.until(at_s * 1_000);
        rig.order(order);
    }
    rig.until(60_400);
    rig.order("los");
    rig.until(80_400);
    rig.order("clear los");
    rig.until(930_000);

    // 10 s: five CRC-4 errors, an errored second. 20 s: 900 are more than 832 in a second, so a severe one. 30 s: a slip,
    // which is errored as well. 40 s: code violations count for the line alone. The signal is gone in parts of 21 seconds,
    // which are unavailable from the first on, and nothing else.
    let expected = Counts { lcv: 7, pcv: 905, es: 3, ses: 1, css: 1, les: 1, uas: 21, ..Counts::default() };
    let report = rig.lines.report(0, rig.now).expect("a span");
    let quarter = report.near.intervals[0];
    assert_eq!(quarter.counts, expected);
    assert_eq!((quarter.quality, quarter.start), (Quality::Whole, WALL.as_secs()));
    assert_eq!((report.near.availability, report.near.current.elapsed), (Availability::Available, 30));
    rig.lines.save().expect("written");

    // A minute later, by the clock on the wall; the card counts from zero.
    let file = directory.path().join(trunkcast::office::lines::FILE);
    let wall = WALL + rig.now + Duration::from_secs(60);
    let again = |place| Lines::new(&file, place, Duration::ZERO, wall, |_| Counters::default());
    let mut lines = again(place());
    assert_eq!(lines.restore(), Vec::<String>::new());
    for second in 1..=5 {
        let now = Duration::from_secs(second);
        lines.handle_timeout(now, wall + now, |_| Counters::default());
    }
    let report = lines.report(0, Duration::from_secs(5)).expect("a span");
    assert_eq!(report.near.intervals[0], quarter, "it is as it was");
    let Entry { elapsed, observed, quality, .. } = report.near.current;
    assert_eq!((elapsed, observed, quality), (95, 35, Quality::Incomplete), "nobody counted for a minute");

    let other = vec![(place()[0].0.clone(), Framing::E1)];
    let complaints = again(other).restore();
    assert!(complaints[0].contains("framed as E1 CRC-4"), "{complaints:?}");
    std::fs::write(&file, "{\"version\":1,").expect("written");
    let complaints = again(place()).restore();
    assert!(complaints[0].contains("counted anew"), "{complaints:?}");
}
