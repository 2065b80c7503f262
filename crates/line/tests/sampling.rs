//! Counters are read about once a second; what is not known of a second is not made up.

mod common;

use common::MIDNIGHT;
use line::{Defects, FarSecond, Framing, Raw, Sampler, Second};
use std::time::Duration;

const WALL: Duration = Duration::from_secs(MIDNIGHT);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A line begun at time 0, at midnight.
struct Line {
    sampler: Sampler,
    raw: Raw,
    /// What the wall shows too much.
    ahead_s: i64,
}

impl Line {
    fn new(framing: Framing) -> Self {
        Line { sampler: Sampler::new(framing, ms(0), WALL, Raw::default()), raw: Raw::default(), ahead_s: 0 }
    }

    /// Read at this time after so many more CRC errors; seconds are counted from midnight.
    fn read(&mut self, at: u64, crc_errors: u64) -> Option<Option<(i64, u32, Second)>> {
        self.raw.crc_errors += crc_errors;
        let wall = (WALL + ms(at)).checked_add_signed(self.ahead_s);
        let sample = self.sampler.handle_counters(ms(at), wall, &self.raw)?;
        Some(sample.seconds.map(|(first, seconds, second)| (first as i64 - MIDNIGHT as i64, seconds, second)))
    }
}

trait Shift {
    fn checked_add_signed(self, seconds: i64) -> Duration;
}

impl Shift for Duration {
    fn checked_add_signed(self, seconds: i64) -> Duration {
        let shift = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 { self - shift } else { self + shift }
    }
}

fn e1(crc_errors: u32, defects: Defects) -> Second {
    Second { crc_errors, defects, far: Some(FarSecond::default()), ..Second::default() }
}

const NONE: Defects = Defects::empty();

#[test]
fn lateness_does_not_add_up() {
    let mut line = Line::new(Framing::E1Crc4);
    assert_eq!(line.read(999, 1), None, "not a second yet");
    for second in 0..3_600 {
        let late = second * 7 % 990;
        let read = line.read((second + 1) * 1_000 + late, 2).expect("a second has passed");
        let errors = if second == 0 { 3 } else { 2 };
        assert_eq!(read, Some((second as i64, 1, e1(errors, NONE))));
    }
}

#[test]
fn quiet_seconds_are_known_however_late() {
    let mut line = Line::new(Framing::E1Crc4);
    assert_eq!(line.read(5_400, 0), Some(Some((0, 5, e1(0, NONE)))));
    assert_eq!(line.read(6_000, 1), Some(Some((5, 1, e1(1, NONE)))));
    assert_eq!(line.read(66_999, 0), Some(Some((6, 60, e1(0, NONE)))));
    assert_eq!(line.read(66_999 + 61_000, 0), Some(None), "a minute is as far as trust goes");
}

#[test]
fn errors_of_several_seconds_are_of_none() {
    let mut line = Line::new(Framing::E1Crc4);
    assert_eq!(line.read(3_000, 900), Some(None), "300 each, or 900 in one?");
    assert_eq!(line.read(4_000, 5), Some(Some((3, 1, e1(5, NONE)))), "the second after is known");
    line.sampler.handle_defects(Defects::LOS);
    assert_eq!(line.read(6_000, 0), Some(None), "in which of the two it began is not known");
    assert_eq!(line.read(9_000, 0), Some(Some((6, 3, e1(0, Defects::LOS)))), "it stood in all three");
}

#[test]
fn a_short_defect_is_seen() {
    let mut line = Line::new(Framing::E1Crc4);
    line.sampler.handle_defects(Defects::AIS);
    line.sampler.handle_defects(NONE);
    assert_eq!(line.read(1_000, 0), Some(Some((0, 1, e1(0, Defects::AIS)))));
    assert_eq!(line.read(2_000, 0), Some(Some((1, 1, e1(0, NONE)))));
}

#[test]
fn a_card_started_anew_costs_a_second() {
    let mut line = Line::new(Framing::E1Crc4);
    assert_eq!(line.read(1_000, 50), Some(Some((0, 1, e1(50, NONE)))));
    line.raw = Raw::default();
    assert_eq!(line.read(2_000, 7), Some(None));
    assert_eq!(line.read(3_000, 3), Some(Some((2, 1, e1(3, NONE)))));
}

#[test]
fn the_wall_is_followed_when_it_was_set() {
    let mut line = Line::new(Framing::E1Crc4);
    assert_eq!(line.read(1_000, 0), Some(Some((0, 1, e1(0, NONE)))));
    line.ahead_s = 1;
    assert_eq!(line.read(2_000, 0), Some(Some((1, 1, e1(0, NONE)))), "a second is nothing");
    line.ahead_s = 100;
    assert_eq!(line.read(3_000, 0), Some(Some((102, 1, e1(0, NONE)))));
    assert_eq!(line.read(4_000, 0), Some(Some((103, 1, e1(0, NONE)))));
    line.ahead_s = -100;
    assert_eq!(line.read(5_000, 0), Some(Some((-96, 1, e1(0, NONE)))));
}

#[test]
fn reports_of_the_far_end_need_not_keep_to_our_seconds() {
    let mut line = Line::new(Framing::T1Esf);
    let mut heard = |at, reports| {
        line.raw.far_reports += reports;
        let (_, _, second) = line.read(at, 0).expect("a second").expect("known");
        second.far.is_some()
    };
    assert!(heard(1_000, 1));
    assert!(heard(2_000, 2), "one came early");
    assert!(heard(3_000, 0), "it was for this second");
    assert!(!heard(4_000, 0), "silence");
    assert!(heard(5_000, 9));
    assert!(heard(6_000, 0));
    assert!(!heard(7_000, 0), "many early ones are no more than one");
}
