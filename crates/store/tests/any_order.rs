//! Writes in any order, mirrors that go and come back at any moment, programs that are cut short: when all is
//! back and repaired, the mirrors are the same, and hold for each file what was acknowledged last, or something
//! newer that was on its way.

mod common;

use common::{Shelf, event};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    Write {
        event: u32,
        file: usize,
    },
    /// The write is given up after so many microseconds, and the program with it.
    Killed {
        event: u32,
        file: usize,
        after_us: u64,
    },
    Gone {
        mirror: usize,
    },
    Back {
        mirror: usize,
    },
    Repair {
        event: u32,
    },
    Restart,
}

const FILES: [&str; 3] = ["event-info.xml", "x.mp3", "y.mp3"];
const MIRRORS: [&str; 3] = ["a", "b", "c"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..2_u32, 0..3_usize).prop_map(|(event, file)| Step::Write { event, file }),
        2 => (0..2_u32, 0..3_usize, 0..3000_u64)
            .prop_map(|(event, file, after_us)| Step::Killed { event, file, after_us }),
        3 => (0..3_usize).prop_map(|mirror| Step::Gone { mirror }),
        4 => (0..3_usize).prop_map(|mirror| Step::Back { mirror }),
        2 => (0..2_u32).prop_map(|event| Step::Repair { event }),
        1 => Just(Step::Restart),
    ]
}

/// For each file what may be there: what was acknowledged last, and what was tried after that.
type Allowed = BTreeMap<(u32, usize), Vec<String>>;

fn play(steps: &[Step], enough: usize) {
    let shelf = Shelf::new(3);
    let mut allowed: Allowed = BTreeMap::new();
    let mut acknowledged: BTreeMap<(u32, usize), bool> = BTreeMap::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut program, mut store) = (runtime(), shelf.open(enough));
    for (number, step) in steps.iter().enumerate() {
        let text = format!("version {number}");
        match *step {
            Step::Write { event: e, file } => {
                let may_be = allowed.entry((e, file)).or_default();
                if program.block_on(store.put(event(e), FILES[file], text.clone())).is_ok() {
                    *may_be = vec![text];
                    acknowledged.insert((e, file), true);
                } else {
                    may_be.push(text);
                }
            }
            Step::Killed { event: e, file, after_us } => {
                allowed.entry((e, file)).or_default().push(text.clone());
                let write = async { store.put(event(e), FILES[file], text.clone()).await };
                let given = Duration::from_micros(after_us);
                let outcome = program.block_on(async { tokio::time::timeout(given, write).await });
                if matches!(outcome, Ok(Ok(_))) {
                    allowed.insert((e, file), vec![text]);
                    acknowledged.insert((e, file), true);
                }
                // What was going on is dropped where it stands.
                std::mem::replace(&mut program, runtime()).shutdown_timeout(Duration::from_secs(10));
                store = shelf.open(enough);
            }
            Step::Gone { mirror } => shelf.take_away(MIRRORS[mirror]),
            Step::Back { mirror } => shelf.bring_back(MIRRORS[mirror]),
            Step::Repair { event: e } => drop(program.block_on(store.repair(event(e)))),
            Step::Restart => {
                std::mem::replace(&mut program, runtime()).shutdown_timeout(Duration::from_secs(10));
                store = shelf.open(enough);
            }
        }
    }
    shelf.bring_all_back();
    std::mem::replace(&mut program, runtime()).shutdown_timeout(Duration::from_secs(10));
    let store = shelf.open(enough);
    // Those that are noted suffice: what is not noted is level.
    for event in store.behind() {
        let repaired = program.block_on(store.repair(event)).expect("repaired");
        assert!(repaired.failures.is_empty() && repaired.lost.is_empty(), "{repaired:?}");
    }
    assert!(store.behind().is_empty());
    assert_eq!(shelf.contents("b"), shelf.contents("a"));
    assert_eq!(shelf.contents("c"), shelf.contents("a"));
    for ((e, file), may_be) in &allowed {
        match program.block_on(store.get(event(*e), FILES[*file])) {
            Ok(octets) => {
                let text = String::from_utf8(octets.to_vec()).expect("text");
                assert!(may_be.contains(&text), "{text} is none of {may_be:?}");
            }
            Err(error) => assert!(!acknowledged.contains_key(&(*e, *file)), "{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn all_mirrors_become_the_same_and_nothing_acknowledged_is_lost(
        steps in proptest::collection::vec(step(), 1..25),
        enough in 1..3_usize,
    ) {
        play(&steps, enough);
    }
}
