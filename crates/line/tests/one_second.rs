//! What one second counts as, by framing: RFC 4805 section 3.4.3 as a table worked out by hand.

mod common;

use common::{Bench, clean, crc, far_crc, row, with};
use line::{Defects, FarSecond, Framing, Second};

const ESF: Framing = Framing::T1Esf;
const D4: Framing = Framing::T1D4;
const CRC4: Framing = Framing::E1Crc4;
const E1: Framing = Framing::E1;

fn violations(line: u32) -> Second {
    Second { line_violations: line, ..clean() }
}

fn framing_errors(errors: u32) -> Second {
    Second { framing_errors: errors, ..clean() }
}

#[test]
fn the_near_end_of_each_framing() {
    let slip = Second { slips: 2, ..clean() };
    let out_of_frame = Second { out_of_frame: true, ..clean() };
    #[rustfmt::skip]
    let table: [(&str, Framing, Second, [u32; 10]); 36] = [
        //                                                           LCV   PCV ES SES SEFS UAS CSS LES BES DM
        ("clean",                    ESF,  clean(),                 [0,    0,   0, 0, 0,   0,  0,  0,  0,  0]),
        ("one CRC error",            ESF,  crc(1),                  [0,    1,   1, 0, 0,   0,  0,  0,  0,  0]),
        ("bursty from two",          ESF,  crc(2),                  [0,    2,   1, 0, 0,   0,  0,  0,  1,  0]),
        ("bursty to 319",            ESF,  crc(319),                [0,    319, 1, 0, 0,   0,  0,  0,  1,  0]),
        ("severe from 320",          ESF,  crc(320),                [0,    320, 1, 1, 0,   0,  0,  0,  0,  0]),
        ("framing bits are path",    ESF,  framing_errors(3),       [0,    3,   1, 0, 0,   0,  0,  0,  1,  0]),
        ("line violations only",     ESF,  violations(5),           [5,    0,   0, 0, 0,   0,  0,  1,  0,  0]),
        ("and never severe",         ESF,  violations(9_999),       [9999, 0,   0, 0, 0,   0,  0,  1,  0,  0]),
        ("slips are not severe",     ESF,  slip,                    [0,    0,   1, 0, 0,   0,  1,  0,  0,  0]),
        ("out of frame",             ESF,  out_of_frame,            [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
        ("loss of frame",            ESF,  with(Defects::LOF),      [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
        ("loss of signal",           ESF,  with(Defects::LOS),      [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
        ("AIS",                      ESF,  with(Defects::AIS),      [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
        ("the card is gone",         ESF,  with(Defects::ABSENT),   [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
        ("RAI is the other end's",   ESF,  with(Defects::RAI),      [0,    0,   0, 0, 0,   0,  0,  0,  0,  0]),
        ("so is the data link",      ESF,  with(Defects::LINK_DOWN),[0,    0,   0, 0, 0,   0,  0,  0,  0,  0]),
        ("clean",                    D4,   clean(),                 [0,    0,   0, 0, 0,   0,  0,  0,  0,  0]),
        ("no CRC to count",          D4,   crc(400),                [0,    0,   0, 0, 0,   0,  0,  0,  0,  0]),
        ("one framing error",        D4,   framing_errors(1),       [0,    1,   1, 1, 0,   0,  0,  0,  0,  0]),
        ("violations are errors",    D4,   violations(1),           [1,    0,   1, 0, 0,   0,  0,  1,  0,  0]),
        ("not yet severe",           D4,   violations(1543),        [1543, 0,   1, 0, 0,   0,  0,  1,  0,  0]),
        ("severe",                   D4,   violations(1544),        [1544, 0,   1, 1, 0,   0,  0,  1,  0,  0]),
        ("loss of signal",           D4,   with(Defects::LOS),      [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
        ("clean",                    CRC4, clean(),                 [0,    0,   0, 0, 0,   0,  0,  0,  0,  0]),
        ("two CRC errors",           CRC4, crc(2),                  [0,    2,   1, 0, 0,   0,  0,  0,  0,  0]),
        ("not yet severe",           CRC4, crc(831),                [0,    831, 1, 0, 0,   0,  0,  0,  0,  0]),
        ("severe",                   CRC4, crc(832),                [0,    832, 1, 1, 0,   0,  0,  0,  0,  0]),
        ("line violations only",     CRC4, violations(2048),        [2048, 0,   0, 0, 0,   0,  0,  1,  0,  0]),
        ("no multiframe, no blocks", CRC4, with(Defects::LOMF),     [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
        ("AIS",                      CRC4, with(Defects::AIS),      [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
        ("framing errors",           E1,   framing_errors(7),       [0,    7,   1, 0, 0,   0,  0,  0,  0,  0]),
        ("violations are errors",    E1,   violations(2047),        [2047, 0,   1, 0, 0,   0,  0,  1,  0,  0]),
        ("severe",                   E1,   violations(2048),        [2048, 0,   1, 1, 0,   0,  0,  1,  0,  0]),
        ("no multiframe to lose",    E1,   with(Defects::LOMF),     [0,    0,   0, 0, 0,   0,  0,  0,  0,  0]),
        ("slip",                     E1,   slip,                    [0,    0,   1, 0, 0,   0,  1,  0,  0,  0]),
        ("out of frame",             E1,   out_of_frame,            [0,    0,   1, 1, 1,   0,  0,  0,  0,  0]),
    ];
    for (what, framing, second, expected) in table {
        let mut bench = Bench::new(framing);
        bench.pass(1, second);
        assert_eq!(row(&bench.near().current().counts), expected, "{framing}: {what}");
    }
}

#[test]
fn the_far_end_of_each_framing() {
    let far = |far| Second { far: Some(far), ..Second::default() };
    let none = FarSecond::default();
    let silent = Second::default();
    let rai = Second { defects: Defects::RAI, ..Second::default() };
    let los = with(Defects::LOS);
    let not_seen = None;
    #[rustfmt::skip]
    let table: [(&str, Framing, Second, Option<[u32; 10]>); 14] = [
        //                                                                     LCV PCV ES SES SEFS UAS CSS LES BES DM
        ("well",             ESF,  clean(),                              Some([0,  0,   0, 0, 0,   0,  0,  0,  0,  0])),
        ("one CRC error",    ESF,  far_crc(1),                           Some([0,  1,   1, 0, 0,   0,  0,  0,  0,  0])),
        ("bursty",           ESF,  far_crc(101),                         Some([0,  101, 1, 0, 0,   0,  0,  0,  1,  0])),
        ("G6",               ESF,  far_crc(320),                         Some([0,  320, 1, 1, 0,   0,  0,  0,  0,  0])),
        ("SE",               ESF,  far(FarSecond { out_of_frame: true, ..none }),   Some([0, 0, 1, 1, 1, 0, 0, 0, 0, 0])),
        ("LV",               ESF,  far(FarSecond { line_violation: true, ..none }), Some([0, 0, 0, 0, 0, 0, 0, 1, 0, 0])),
        ("SL",               ESF,  far(FarSecond { slip: true, ..none }),           Some([0, 0, 1, 0, 0, 0, 1, 0, 0, 0])),
        ("RAI, no report",   ESF,  rai,                                  Some([0,  0,   1, 1, 1,   0,  0,  0,  0,  0])),
        ("no report",        ESF,  silent,                               not_seen),
        ("we hear nothing",  ESF,  los,                                  not_seen),
        ("E bits",           CRC4, far_crc(831),                         Some([0,  831, 1, 0, 0,   0,  0,  0,  0,  0])),
        ("many E bits",      CRC4, far_crc(832),                         Some([0,  832, 1, 1, 0,   0,  0,  0,  0,  0])),
        ("RAI",              CRC4, with(Defects::RAI),                   Some([0,  0,   1, 1, 1,   0,  0,  0,  0,  0])),
        ("no multiframe",    CRC4, with(Defects::LOMF),                  not_seen),
    ];
    for (what, framing, second, expected) in table {
        let mut bench = Bench::new(framing);
        bench.pass(1, second);
        let current = bench.far().current();
        assert_eq!((current.observed == 1).then(|| row(&current.counts)), expected, "{framing}: {what}");
    }
    for framing in [D4, E1] {
        assert!(Bench::new(framing).performance.far().is_none(), "{framing} tells nothing of its far end");
    }
}
