//! Quarters and days: what is kept, what was observed of it, a clock that is set, and a program that is started anew.

mod common;

use common::{Bench, MIDNIGHT, clean, crc, row};
use line::{Framing, INTERVALS, Performance, Quality, RestoreError, Snapshot};

#[test]
fn ended_quarters_are_kept_for_a_day() {
    let mut bench = Bench::new(Framing::T1Esf);
    for quarter in 0..100 {
        bench.pass(quarter, crc(1)).pass(900 - quarter, clean());
    }
    bench.pass(438, crc(2));
    let near = bench.near();
    assert_eq!((near.elapsed(), near.current().observed), (438, 438));
    let ended: Vec<_> = near.ended().collect();
    assert_eq!(ended.len(), INTERVALS);
    for (back, interval) in ended.iter().enumerate() {
        let quarter = 99 - back as u32;
        assert_eq!((interval.counts.es, interval.start), (quarter, MIDNIGHT + u64::from(quarter) * 900));
        assert_eq!(interval.quality(interval.length), Quality::Whole);
    }
    let (total, observed) = near.total();
    assert_eq!((total.es, observed), ((4..100).sum(), 86_400));
    assert_eq!(near.previous_day().map(|day| (day.counts.es, day.observed)), Some(((0..96).sum(), 86_400)));
    assert_eq!(near.day().counts.es, 96 + 97 + 98 + 99 + 438);
}

#[test]
fn a_quarter_in_which_nothing_happened_can_be_left_out() {
    let mut bench = Bench::new(Framing::E1Crc4);
    bench.pass(900, clean()).pass(899, clean()).pass(1, crc(1)).pass(899, clean()).unseen(1).pass(1, clean());
    let suppressed: Vec<_> = bench.near().ended().map(|interval| interval.zero_suppressed()).collect();
    // The last first: one second short of whole; an error; nothing at all.
    assert_eq!(suppressed, [false, false, true]);
}

#[test]
fn seconds_that_were_not_seen_are_missing_and_not_clean() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(100, clean()).unseen(59).pass(741, clean()).pass(1, clean());
    let interval = bench.near().ended().next().expect("one has ended");
    assert_eq!((interval.observed, interval.quality(900)), (841, Quality::Incomplete));
    assert!(!interval.is_valid());
    assert!(!interval.zero_suppressed());

    // Down over three quarters: the one it went down in, two of which nothing is known, the one it came back in.
    bench.pass(99, clean()).unseen(900 * 3).pass(800, clean()).pass(1, clean());
    let kept: Vec<_> = bench.near().ended().map(|i| ((i.start - MIDNIGHT) / 900, i.observed, i.quality(900))).collect();
    assert_eq!(
        kept,
        [
            (4, 800, Quality::Incomplete),
            (3, 0, Quality::Absent),
            (2, 0, Quality::Absent),
            (1, 100, Quality::Incomplete),
            (0, 841, Quality::Incomplete),
        ]
    );
    assert_eq!(bench.near().day().observed, 841 + 100 + 800 + 1);
}

#[test]
fn a_quarter_is_valid_within_ten_seconds() {
    for (missing, valid) in [(0, true), (10, true), (11, false)] {
        let mut bench = Bench::new(Framing::T1Esf);
        bench.pass(500, clean()).unseen(missing).pass(400 - missing as u32, clean()).pass(1, clean());
        assert_eq!(bench.near().ended().next().expect("one has ended").is_valid(), valid, "{missing} s missing");
    }
}

#[test]
fn a_hole_breaks_the_row_of_ten() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(5, crc(400)).unseen(1).pass(5, crc(400));
    assert_eq!(row(&bench.near().current().counts), [0, 4000, 10, 10, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn after_a_hole_longer_than_a_day_nothing_old_is_left() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(1000, crc(1)).unseen(86_400 * 40).pass(1, crc(1));
    let near = bench.near();
    assert_eq!(near.ended().count(), INTERVALS);
    assert!(near.ended().all(|interval| interval.quality(900) == Quality::Absent));
    let starts: Vec<_> = near.ended().map(|interval| interval.start).collect();
    assert!(starts.windows(2).all(|pair| pair[0] == pair[1] + 900) && starts[0] + 900 == near.current().start);
    let before = near.previous_day().expect("there was a day before");
    assert_eq!((before.start, before.observed), (near.day().start - 86_400, 0), "the day before is not the one of old");
}

#[test]
fn a_clock_set_back_marks_the_quarter() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(600, clean());
    bench.next -= 60;
    bench.pass(360, clean()).pass(1, clean());
    let interval = bench.near().ended().next().expect("one has ended");
    assert_eq!((interval.observed, interval.quality(900)), (960, Quality::ClockSet));
    assert!(!interval.is_valid());
    assert_eq!(bench.near().current().quality(1), Quality::Whole, "the next is sound");
}

#[test]
fn a_clock_set_back_over_quarters_begins_an_earlier_one_again() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(1900, crc(1));
    bench.next = MIDNIGHT + 900;
    bench.pass(900, crc(1)).pass(1, crc(1));
    let kept: Vec<_> = bench.near().ended().map(|i| ((i.start - MIDNIGHT) / 900, i.observed, i.quality(900))).collect();
    assert_eq!(
        kept,
        [(1, 900, Quality::ClockSet), (2, 100, Quality::ClockSet), (1, 900, Quality::Whole), (0, 900, Quality::Whole)]
    );
    assert_eq!(bench.near().day().counts.es, 2801, "no error is lost or counted twice");
}

#[test]
fn a_restart_costs_the_seconds_it_took() {
    let mut bench = Bench::new(Framing::E1Crc4);
    bench.pass(895, crc(1)).pass(5, crc(1000)).pass(2, crc(1000));
    let kept = serde_json::to_string(&bench.performance.snapshot()).expect("a snapshot can be written");
    let snapshot: Snapshot = serde_json::from_str(&kept).expect("and read");
    let restored = Performance::restore(Framing::E1Crc4, snapshot).expect("it is ours");
    assert_eq!(restored, bench.performance);

    // Restored without loss of a second, the row of ten goes on; the old quarter is put right.
    let mut quick = Bench { performance: restored.clone(), ..Bench::at(Framing::E1Crc4, bench.next) };
    quick.pass(3, crc(1000));
    assert_eq!(row(&quick.near().ended().next().expect("kept").counts), [0, 895, 895, 0, 0, 5, 0, 0, 0, 0]);

    // After 59 s the quarter lacks 59 s, and nothing is said of what the line did meanwhile.
    let mut slow = Bench { performance: restored, ..Bench::at(Framing::E1Crc4, bench.next + 59) };
    slow.pass(900 - 61, clean()).pass(1, clean());
    let interval = slow.near().ended().next().expect("ended");
    assert_eq!((interval.observed, interval.quality(900)), (841, Quality::Incomplete));
    assert_eq!(interval.counts.ses, 2);
}

#[test]
fn what_is_read_from_a_disk_may_be_anything() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(2000, crc(1)).pass(4, crc(400));
    let kept = serde_json::to_value(bench.performance.snapshot()).expect("a snapshot can be written");
    let restore = |value: serde_json::Value| {
        Performance::restore(Framing::T1Esf, serde_json::from_value(value).expect("it has the form of one"))
    };
    assert!(restore(kept.clone()).is_ok());
    let changed = |pointer: &str, value: serde_json::Value| {
        let mut changed = kept.clone();
        *changed.pointer_mut(pointer).expect("there is such a field") = value;
        restore(changed).map(|_| ())
    };
    assert_eq!(changed("/version", 2.into()), Err(RestoreError::Version(2)));
    assert_eq!(changed("/performance/framing", "e1".into()), Err(RestoreError::Framing(Framing::E1)));
    assert_eq!(changed("/performance/far", serde_json::Value::Null), Err(RestoreError::Damaged));
    assert_eq!(changed("/performance/last", u64::MAX.into()), Err(RestoreError::Damaged));
    assert_eq!(changed("/performance/near/unavailable", true.into()), Err(RestoreError::Damaged));
    assert_eq!(changed("/performance/near/quarter/start", 7.into()), Err(RestoreError::Damaged));
    assert_eq!(changed("/performance/near/day/length", 0.into()), Err(RestoreError::Damaged));
    assert_eq!(changed("/performance/near/minute/seconds", 60.into()), Err(RestoreError::Damaged));
    assert_eq!(changed("/performance/near/ended", serde_json::json!([])), Ok(()), "history may be short");
}
