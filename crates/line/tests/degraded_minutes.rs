//! Degraded minutes: available seconds that are not severely errored, in groups of sixty, with more than one error in a
//! million bits.

mod common;

use common::{Bench, clean, crc};
use line::{Framing, Second};

fn degraded(bench: &Bench) -> u32 {
    bench.near().current().counts.dm
}

#[test]
fn ninety_three_errors_degrade_a_minute_of_t1() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(59, clean()).pass(1, crc(92));
    assert_eq!(degraded(&bench), 0, "92 of 92,640,000 bits");
    bench.pass(59, clean()).pass(1, crc(93));
    assert_eq!(degraded(&bench), 1);
    bench.pass(840 - 60, crc(2));
    assert_eq!(degraded(&bench), 1 + 13, "120 errors a minute");
}

#[test]
fn severe_seconds_are_left_out_of_the_sixty() {
    let mut bench = Bench::new(Framing::E1Crc4);
    // 30 s with 3 errors each, 5 severe seconds, 29 s with 3 errors: 59 seconds are together.
    bench.pass(30, crc(3)).pass(5, crc(900)).pass(29, crc(3));
    assert_eq!(degraded(&bench), 0);
    bench.pass(1, clean());
    assert_eq!(degraded(&bench), 1, "59 times 3 are 177, more than 122");
}

#[test]
fn without_a_crc_line_code_violations_are_the_errors() {
    let mut bench = Bench::new(Framing::E1);
    bench.pass(60, Second { line_violations: 3, ..clean() });
    assert_eq!(degraded(&bench), 1);
    let mut bench = Bench::new(Framing::E1Crc4);
    bench.pass(60, Second { line_violations: 3, ..clean() });
    assert_eq!(degraded(&bench), 0);
}

#[test]
fn a_minute_with_a_hole_is_not_a_minute() {
    let mut bench = Bench::new(Framing::T1Esf);
    bench.pass(59, crc(2)).unseen(100).pass(59, crc(2));
    assert_eq!(degraded(&bench), 0);
    bench.pass(1, clean());
    assert_eq!(degraded(&bench), 1);
}
