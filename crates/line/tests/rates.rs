//! Too many errors are one alarm, and few again is one line.

use line::{Limit, Rate, RateKind};
use std::time::Duration;

fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

#[test]
fn the_fifth_slip_of_a_day_is_too_many() {
    let mut rate = Rate::new(RateKind::Slips, Limit::SLIPS);
    const HOUR: u64 = 3_600;
    // One slip every four hours for four hours short of a day, and the fifth an hour after the fourth.
    for hour in [0, 4, 8, 12] {
        assert_eq!(rate.count(s(hour * HOUR), 1), None);
    }
    let change = rate.count(s(13 * HOUR), 1).expect("five in 24 hours");
    assert_eq!((change.raised, change.count, change.window), (true, 5, s(86_400)));
    assert_eq!(rate.count(s(14 * HOUR), 30), None, "told once");
    // The last slips leave the window a day after they came.
    assert_eq!(rate.count(s(37 * HOUR), 0), None);
    let change = rate.count(s(38 * HOUR), 0).expect("nothing is left");
    assert_eq!((change.raised, change.count), (false, 0));
}

#[test]
fn a_slip_in_six_hours_is_four_a_day() {
    let mut rate = Rate::new(RateKind::Slips, Limit::SLIPS);
    for hour in 0..24 * 30 {
        assert_eq!(rate.count(s(hour * 3_600), u64::from(hour % 6 == 0)), None, "hour {hour}");
    }
}

#[test]
fn between_raise_and_clear_nothing_is_told() {
    let mut rate = Rate::new(RateKind::Aborts, Limit { window: s(24), raise: 10, clear: 5 });
    assert!(rate.count(s(0), 10).is_some_and(|change| change.raised));
    // Six in each window from now on: too few to raise, too many to clear.
    for second in 1..200 {
        assert_eq!(rate.count(s(second), u64::from(second % 4 == 0)), None, "second {second}");
    }
    assert!(rate.count(s(203), 0).is_none_or(|change| !change.raised));
    assert!(rate.count(s(300), 0).is_some_and(|change| !change.raised) || !rate.is_raised());
}

#[test]
fn a_limit_of_none_is_never_reached() {
    let mut rate = Rate::new(RateKind::WrongFcs, Limit { window: s(60), raise: 0, clear: 0 });
    assert_eq!(rate.count(s(1), u64::MAX), None);
    assert_eq!(rate.count(s(2), u64::MAX), None);
    assert_eq!(rate.in_window(), u32::MAX);
}

#[test]
fn a_long_silence_empties_the_window() {
    let mut rate = Rate::new(RateKind::WrongFcs, Limit::FRAMES);
    assert!(rate.count(s(0), 100).is_some());
    assert!(rate.count(s(1_000_000), 0).is_some_and(|change| !change.raised && change.count == 0));
    assert_eq!(rate.count(s(1_000_001), 9), None);
    assert!(rate.count(s(1_000_002), 1).is_some_and(|change| change.raised));
}
