//! A second of a line is counted without allocating, over a week and all that is kept.

mod common;

use common::{Bench, clean, crc, with};
use line::{Defects, Failures, Framing, Thresholds};
use std::time::Duration;

#[test]
fn a_week_of_seconds_allocates_nothing() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.thresholds = Thresholds::default();
    bench.crossings.reserve(100_000);
    let mut failures = Failures::default();
    let counted = allocation_counter::measure(|| {
        for round in 0..7 * 86_400 / 100_u64 {
            bench.pass(30, clean()).pass(12, crc(400)).pass(20, with(Defects::LOS)).pass(37, crc(3)).unseen(1);
            failures.handle_defects(Duration::from_secs(round * 100), Defects::LOS);
            failures.handle_defects(Duration::from_secs(round * 100 + 50), Defects::empty());
            while failures.poll_output().is_some() {}
        }
    });
    assert_eq!(bench.near().ended().count(), 96);
    assert!(!bench.crossings.is_empty());
    assert_eq!(counted.count_total, 0);
}

#[test]
fn what_was_restored_allocates_nothing_either() {
    let mut bench = Bench::new(Framing::E1Crc4);
    bench.pass(900 * 10, crc(1));
    let text = serde_json::to_string(&bench.performance.snapshot()).expect("can be written");
    let kept = serde_json::from_str(&text).expect("can be read");
    bench.performance = line::Performance::restore(Framing::E1Crc4, kept).expect("ours");
    let counted = allocation_counter::measure(|| {
        bench.pass(900 * 100, crc(1));
    });
    assert_eq!(bench.near().ended().count(), 96);
    assert_eq!(counted.count_total, 0);
}
