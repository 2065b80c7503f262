//! One alert a counter and interval, when the threshold is reached by seconds that are counted for good.

mod common;

use common::{Bench, MIDNIGHT, clean, crc, far_crc};
use line::{Counter, Crossing, End, Framing, Period, Thresholds};

fn only(counter: Counter, quarter: u32, day: u32) -> Thresholds {
    let mut thresholds = Thresholds::none();
    thresholds.set(counter, Period::Quarter, quarter);
    thresholds.set(counter, Period::Day, day);
    thresholds
}

#[test]
fn one_alert_an_interval() {
    let mut bench = Bench::new(Framing::E1Crc4);
    bench.thresholds = only(Counter::Es, 3, 7);
    bench.pass(2, crc(1));
    assert_eq!(bench.crossings, [], "below it");
    bench.pass(1, crc(1));
    let first = Crossing {
        end: End::Near,
        period: Period::Quarter,
        start: MIDNIGHT,
        counter: Counter::Es,
        count: 3,
        threshold: 3,
    };
    assert_eq!(bench.crossings, [first]);
    bench.pass(3, crc(1));
    assert_eq!(bench.crossings.len(), 1, "not again in this quarter");
    bench.pass(1, crc(1));
    assert_eq!(bench.crossings[1..], [Crossing { period: Period::Day, count: 7, threshold: 7, ..first }]);
    bench.pass(893, clean()).pass(3, crc(1));
    assert_eq!(bench.crossings[2..], [Crossing { start: MIDNIGHT + 900, ..first }], "the next quarter has its own");
}

#[test]
fn nothing_is_told_that_has_to_be_taken_back() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.thresholds = only(Counter::Ses, 5, 0);
    bench.pass(40, crc(400));
    assert_eq!(bench.crossings, [], "they were unavailable, not severely errored");
    bench.pass(10, clean()).pass(5, crc(400)).pass(1, clean());
    assert_eq!(bench.crossings.len(), 1, "five that stayed available");
}

#[test]
fn a_quarter_that_has_ended_can_still_cross() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.thresholds = only(Counter::Uas, 5, 10);
    bench.pass(895, clean()).pass(10, far_crc(320));
    let told: Vec<_> = bench.crossings.iter().map(|c| (c.end, c.period, c.start - MIDNIGHT, c.count)).collect();
    assert_eq!(
        told,
        [(End::Far, Period::Quarter, 0, 5), (End::Far, Period::Quarter, 900, 5), (End::Far, Period::Day, 0, 10)]
    );
}

#[test]
fn a_restart_repeats_no_alert() {
    let mut bench = Bench::new(Framing::E1Crc4);
    bench.thresholds = only(Counter::Es, 3, 0);
    bench.pass(3, crc(1));
    bench.crossings.clear();
    let text = serde_json::to_string(&bench.performance.snapshot()).expect("can be written");
    let kept = serde_json::from_str(&text).expect("can be read");
    bench.performance = line::Performance::restore(Framing::E1Crc4, kept).expect("ours");
    bench.pass(3, crc(1));
    assert_eq!(bench.crossings, []);
}

#[test]
fn the_usual_thresholds() {
    let usual = Thresholds::default();
    let of = |counter| (usual.get(counter, Period::Quarter), usual.get(counter, Period::Day));
    assert_eq!(of(Counter::Es), (65, 648));
    assert_eq!(of(Counter::Ses), (10, 100));
    assert_eq!(of(Counter::Uas), (10, 10));
    assert_eq!(of(Counter::Dm), (0, 0), "off");
}
