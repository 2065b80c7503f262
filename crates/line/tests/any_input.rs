//! Whatever a line does: the registers agree with a plain count over the whole story, days are the sum of their quarters,
//! and no interval contradicts itself.

mod common;

use common::{Bench, MIDNIGHT, clean, crc, row, with};
use line::{Counter, Defects, EndPerformance, Framing, Interval, Second};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A stretch of a story: so many such seconds, or so many unseen ones.
#[derive(Clone, Debug)]
enum Stretch {
    Seen(u32, Second),
    Unseen(u64),
}

fn any_second() -> impl Strategy<Value = Second> {
    prop_oneof![
        4 => Just(clean()),
        2 => (1_u32..2_000).prop_map(crc),
        1 => Just(with(Defects::LOS | Defects::LOF)),
        1 => Just(with(Defects::AIS)),
        1 => Just(with(Defects::RAI)),
        1 => Just(Second::default()),
        1 => (0_u32..3_000, 0_u32..3, 0_u32..3)
            .prop_map(|(line_violations, framing_errors, slips)| Second { line_violations, framing_errors, slips, ..clean() }),
        1 => (0_u32..2_000).prop_map(common::far_crc),
    ]
}

fn any_story() -> impl Strategy<Value = Vec<Stretch>> {
    let stretch = prop_oneof![
        12 => (1_u32..25, any_second()).prop_map(|(n, second)| Stretch::Seen(n, second)),
        3 => (100_u32..2_000, any_second()).prop_map(|(n, second)| Stretch::Seen(n, second)),
        1 => (1_u64..3_000).prop_map(Stretch::Unseen),
    ];
    prop::collection::vec(stretch, 1..80)
}

fn any_framing() -> impl Strategy<Value = Framing> {
    prop::sample::select(vec![Framing::T1Esf, Framing::T1D4, Framing::E1Crc4, Framing::E1])
}

fn play(framing: Framing, start: u64, story: &[Stretch]) -> Bench {
    let mut bench = Bench::at(framing, start);
    for stretch in story {
        match stretch {
            Stretch::Seen(times, second) => bench.pass(*times, *second),
            Stretch::Unseen(seconds) => bench.unseen(*seconds),
        };
    }
    bench
}

/// The rule of ten over a whole story at once, looking ahead instead of correcting: ES, SES and UAS of each quarter.
fn plain_count(framing: Framing, start: u64, story: &[Stretch]) -> BTreeMap<u64, [u32; 3]> {
    // What each second is on its own is told by a bench that sees nothing else.
    let alone = |second: &Second| {
        let mut bench = Bench::new(framing);
        let counts = bench.pass(1, *second).near().current().counts;
        (counts.es, counts.ses)
    };
    let mut rows: Vec<(u64, Vec<(u32, u32)>)> = vec![(start, Vec::new())];
    for stretch in story {
        let (from, row) = rows.last_mut().expect("there is one");
        match stretch {
            Stretch::Seen(times, second) => row.extend(std::iter::repeat_n(alone(second), *times as usize)),
            Stretch::Unseen(seconds) => {
                let next = *from + row.len() as u64 + seconds;
                rows.push((next, Vec::new()));
            }
        }
    }
    let mut quarters = BTreeMap::<u64, [u32; 3]>::new();
    let mut unavailable = false;
    for (from, row) in rows {
        for (i, &(es, ses)) in row.iter().enumerate() {
            let against = |s: &(u32, u32)| (s.1 == 1) != unavailable;
            if row.get(i..i + 10).is_some_and(|ten| ten.iter().all(against)) {
                unavailable = !unavailable;
            }
            let at = from + i as u64;
            let [all_es, all_ses, all_uas] = quarters.entry(at - at % 900).or_default();
            if unavailable {
                *all_uas += 1;
            } else {
                *all_es += es;
                *all_ses += ses;
            }
        }
    }
    quarters
}

fn intervals(end: EndPerformance<'_>) -> Vec<Interval> {
    end.ended().chain([end.current()]).collect()
}

fn consistent(framing: Framing, interval: &Interval) {
    let counts = &interval.counts;
    assert!(counts.es >= counts.ses && counts.ses >= counts.sefs, "{interval:?}");
    assert!(counts.es - counts.ses >= counts.bes, "{interval:?}");
    assert!(counts.es >= counts.css, "{interval:?}");
    assert!(counts.es.max(counts.les) + counts.uas <= interval.observed, "{interval:?}");
    // Sixty seconds that began in the interval before may end in this one.
    assert!(counts.dm <= interval.observed.div_ceil(60), "{interval:?}");
    assert!(framing == Framing::T1Esf || counts.bes == 0);
    assert!(interval.observed <= interval.length);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agrees_with_a_plain_count(framing in any_framing(), offset in 0_u64..86_400, story in any_story()) {
        let bench = play(framing, MIDNIGHT + offset, &story);
        let expected = plain_count(framing, MIDNIGHT + offset, &story);
        for interval in intervals(bench.near()) {
            let expected = expected.get(&interval.start).copied().unwrap_or_default();
            let counts = interval.counts;
            prop_assert_eq!([counts.es, counts.ses, counts.uas], expected, "quarter {}", interval.start);
        }
    }

    #[test]
    fn a_day_is_the_sum_of_its_quarters(framing in any_framing(), offset in 0_u64..86_400, story in any_story()) {
        let bench = play(framing, MIDNIGHT + offset, &story);
        for registers in [Some(bench.near()), bench.performance.far()].into_iter().flatten() {
            let quarters = intervals(registers);
            for day in registers.previous_day().into_iter().chain([registers.day()]) {
                let of_day = || quarters.iter().filter(|q| (day.start..day.start + 86_400).contains(&q.start));
                if quarters.len() > 96 && of_day().count() < 96 && day.start < registers.day().start {
                    continue; // more than 24 hours ago: its first quarters are no longer kept
                }
                for counter in Counter::ALL {
                    let sum: u32 = of_day().map(|q| q.counts.get(counter)).sum();
                    prop_assert_eq!(day.counts.get(counter), sum, "{:?}", counter);
                }
                prop_assert_eq!(day.observed, of_day().map(|q| q.observed).sum::<u32>());
            }
            let total = registers.total();
            for counter in Counter::ALL {
                let sum: u32 = registers.ended().map(|q| q.counts.get(counter)).sum();
                prop_assert_eq!(total.0.get(counter), sum);
            }
            quarters.iter().for_each(|interval| consistent(framing, interval));
        }
    }

    #[test]
    fn a_snapshot_at_any_moment_changes_nothing(framing in any_framing(), cut in 0_usize..80, story in any_story()) {
        let (before, after) = story.split_at(cut.min(story.len()));
        let mut bench = play(framing, MIDNIGHT, before);
        let text = serde_json::to_string(&bench.performance.snapshot()).expect("can be written");
        let kept = serde_json::from_str(&text).expect("can be read");
        bench.performance = line::Performance::restore(framing, kept).expect("is sound");
        for stretch in after {
            match stretch {
                Stretch::Seen(times, second) => bench.pass(*times, *second),
                Stretch::Unseen(seconds) => bench.unseen(*seconds),
            };
        }
        prop_assert_eq!(&bench.performance, &play(framing, MIDNIGHT, &story).performance);
    }

    #[test]
    fn a_wild_clock_breaks_nothing(framing in any_framing(), jumps in prop::collection::vec((any::<u32>(), 1_u32..50), 1..40)) {
        let mut bench = Bench::new(framing);
        let mut seconds = 0;
        for (at, times) in jumps {
            bench.next = u64::from(at);
            bench.pass(times, crc(1));
            seconds += u64::from(times);
        }
        let near = bench.near();
        prop_assert!(near.ended().count() <= 96);
        prop_assert!(u64::from(row(&near.total().0)[2]) <= seconds);
        let restored = line::Performance::restore(framing, bench.performance.snapshot());
        prop_assert_eq!(restored.as_ref(), Ok(&bench.performance));
    }
}
