//! Unavailable time begins with the first of ten severely errored seconds and ends with the first of ten others; what was
//! counted in between is put right, in the quarter it belongs to.
//!
//! Each test gives the seconds as a script and the counts worked out by hand, in the order
//! LCV PCV ES SES SEFS UAS CSS LES BES DM.

mod common;

use common::{Bench, MIDNIGHT, clean, crc, far_crc, row, with};
use line::{Availability, Defects, Framing};

/// Counts of a line on which nothing but CRC errors was seen.
fn crc_row(pcv: u32, es: u32, ses: u32, uas: u32) -> [u32; 10] {
    [0, pcv, es, ses, 0, uas, 0, 0, 0, 0]
}

fn now(bench: &Bench) -> [u32; 10] {
    row(&bench.near().current().counts)
}

#[test]
fn nine_severe_seconds_are_bad_but_available() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(5, clean()).pass(9, crc(400));
    assert_eq!(now(&bench), crc_row(3600, 9, 9, 0));
    bench.pass(1, clean()).pass(9, crc(400)).pass(1, crc(1));
    assert_eq!(now(&bench), crc_row(7201, 19, 18, 0), "the row is broken: counting starts anew");
    assert_eq!(bench.near().availability(), Availability::Available);
}

#[test]
fn the_tenth_takes_the_nine_before_it_along() {
    let mut bench = Bench::new(Framing::T1Esf);
    // second        0    1 .. 9   10 .. 19     20
    // CRC errors    7    0        400          400
    bench.pass(1, crc(1)).pass(9, clean()).pass(9, crc(400));
    assert_eq!(now(&bench), crc_row(3601, 10, 9, 0), "after the ninth they still count as severely errored");
    bench.pass(1, crc(400));
    assert_eq!(now(&bench), crc_row(1, 1, 0, 10), "the tenth: all ten were unavailable, and count as nothing else");
    bench.pass(1, crc(400));
    assert_eq!(now(&bench), crc_row(1, 1, 0, 11));
    assert_eq!(bench.near().availability(), Availability::Unavailable);
}

#[test]
fn ten_good_seconds_are_given_back() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(30, crc(400)).pass(9, crc(1));
    assert_eq!(now(&bench), crc_row(0, 0, 0, 39), "nine are not enough");
    bench.pass(1, crc(1));
    assert_eq!(now(&bench), crc_row(10, 10, 0, 30), "with the tenth the ten become errored but available");
    assert_eq!(bench.near().availability(), Availability::Available);
}

#[test]
fn nine_good_seconds_within_a_bad_time_stay_unavailable() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(10, crc(320)).pass(9, clean()).pass(1, crc(320)).pass(9, crc(5));
    assert_eq!(now(&bench), crc_row(0, 0, 0, 29));
    bench.pass(1, clean());
    assert_eq!(now(&bench), crc_row(45, 9, 0, 20).map_bes(9), "bursty seconds are given back too");
}

/// For rows of ESF in which some seconds had two or more errors but fewer than 320.
trait MapBes {
    fn map_bes(self, bes: u32) -> Self;
}

impl MapBes for [u32; 10] {
    fn map_bes(mut self, bes: u32) -> Self {
        self[8] = bes;
        self
    }
}

#[test]
fn the_ten_seconds_lie_across_a_quarter() {
    // Quarter 0 ends after second 899. Severe: seconds 894 to 905.
    let mut bench = Bench::new(Framing::E1Crc4);
    bench.pass(894, clean()).pass(6, crc(1000));
    assert_eq!(now(&bench), crc_row(6000, 6, 6, 0));
    bench.pass(3, crc(1000));
    let previous = |bench: &Bench| row(&bench.near().ended().next().expect("one has ended").counts);
    assert_eq!(previous(&bench), crc_row(6000, 6, 6, 0), "nine: the ended quarter stands as it was");
    assert_eq!(now(&bench), crc_row(3000, 3, 3, 0));
    bench.pass(1, crc(1000));
    assert_eq!(previous(&bench), crc_row(0, 0, 0, 6), "ten: the ended quarter is put right");
    assert_eq!(now(&bench), crc_row(0, 0, 0, 4));

    // And back: good from second 906; quarter 1 ends at 1800, so go bad at 1700 and good again at 1795.
    bench.pass(2, crc(1000)).pass(794, clean());
    assert_eq!(now(&bench), crc_row(0, 0, 0, 6));
    bench.pass(95, crc(1000)).pass(5, clean()).pass(4, crc(3));
    assert_eq!(previous(&bench), crc_row(0, 0, 0, 106), "not yet known to be good");
    assert_eq!(now(&bench), crc_row(0, 0, 0, 4));
    bench.pass(1, clean());
    assert_eq!(previous(&bench), crc_row(0, 0, 0, 101));
    assert_eq!(now(&bench), crc_row(12, 4, 0, 0));
}

#[test]
fn the_ten_seconds_lie_across_midnight() {
    let mut bench = Bench::at(Framing::T1Esf, MIDNIGHT - 10);
    bench.pass(5, clean()).pass(10, crc(400));
    let near = bench.near();
    assert_eq!(row(&near.previous_day().expect("a day has ended").counts), crc_row(0, 0, 0, 5));
    assert_eq!(row(&near.day().counts), crc_row(0, 0, 0, 5));
    assert_eq!(near.previous_day().map(|day| (day.start, day.observed)), Some((MIDNIGHT - 86_400, 10)));
}

#[test]
fn a_failure_does_not_wait_for_ten_seconds() {
    let mut bench = Bench::new(Framing::T1Esf);
    // Two severe seconds that were no part of the loss of signal, but came right before it, are taken along:
    // unavailability starts with the severely errored seconds before the condition that led to the failure.
    bench.pass(3, clean()).pass(2, crc(400)).pass(2, with(Defects::LOS));
    assert_eq!(now(&bench), [0, 800, 4, 4, 2, 0, 0, 0, 0, 0]);
    bench.failed.near = true;
    bench.pass(1, with(Defects::LOS));
    assert_eq!(now(&bench), crc_row(0, 0, 0, 5));
    // The failure is cleared after ten seconds; available time had begun with the first of them.
    bench.pass(9, clean());
    assert_eq!(now(&bench), crc_row(0, 0, 0, 14));
    bench.pass(1, clean());
    assert_eq!(now(&bench), crc_row(0, 0, 0, 5));
}

#[test]
fn the_far_end_has_times_of_its_own() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(12, far_crc(320));
    assert_eq!(row(&bench.far().current().counts), crc_row(0, 0, 0, 12));
    assert_eq!(now(&bench), crc_row(0, 0, 0, 0), "we receive well");
    // While we hear nothing, nobody knows about the far end: not counted as good, nor as bad.
    bench.failed.near = true;
    bench.pass(20, with(Defects::LOS));
    assert_eq!((bench.far().current().observed, row(&bench.far().current().counts)), (12, crc_row(0, 0, 0, 12)));
    assert_eq!(bench.far().availability(), Availability::Unknown);
    bench.failed.near = false;
    bench.pass(9, clean());
    assert_eq!(bench.far().availability(), Availability::Unavailable, "what it last was, until the contrary is seen");
    bench.pass(1, clean());
    assert_eq!((bench.far().current().observed, bench.far().availability()), (22, Availability::Available));
}

#[test]
fn a_slip_in_an_unavailable_second_is_not_counted() {
    let mut bench = Bench::new(Framing::E1Crc4);
    let slip = line::Second { slips: 1, line_violations: 4, ..clean() };
    bench.pass(10, with(Defects::LOF)).pass(3, slip);
    assert_eq!(now(&bench), crc_row(0, 0, 0, 13));
    bench.pass(7, clean());
    assert_eq!(now(&bench), [12, 0, 3, 0, 0, 10, 3, 3, 0, 0], "until it turns out to have been available");
}
