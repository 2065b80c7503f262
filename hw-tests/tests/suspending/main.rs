//! Suspending: every story in every place, the gateway on the software card against two exchanges.
//!
//! A place is one of four languages spoken with one of two exchanges, ours in software and libpri. Each story begins with a fresh
//! gateway and the link up, plays under a clock that costs no time, and ends with every channel in service at both ends.
//!
//! `cargo test -p hw-tests --test suspending -- --nocapture` prints the table.

mod apart;
mod crashing;
mod draining;
mod far_end;
mod ports;
mod silent;
mod town;
mod withdrawn;

use hw_tests::peers::{GCC, LIBPRI, require};
use isdn::Switch;
use std::thread;
use town::{Far, Place, Told};

const SWITCHES: [Switch; 4] = [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::EuroIsdn];

/// What is told, and how.
type Story = (&'static str, Where, fn(Place) -> Told);

/// Where a story can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Everywhere,
    /// Where the variant has SERVICE.
    WithService,
}
use Where::{Everywhere, WithService};

const STORIES: [Story; 21] = [
    ("ten calls drain", Everywhere, draining::ten_calls),
    ("resumed in the middle of a drain", Everywhere, draining::resumed_in_the_middle),
    ("channels in test", Everywhere, draining::channels_in_test),
    ("killed for 2 s in a drain", Everywhere, crashing::for_two_seconds),
    ("killed for 60 s in a drain", Everywhere, crashing::for_a_minute),
    ("the same, and nobody asks", Everywhere, crashing::for_a_minute_unasked),
    ("suspended while the link is down", Everywhere, apart::suspended_without_a_link),
    ("ended while the link is down", Everywhere, apart::ended_without_a_link),
    ("no signal for 1 s under calls", Everywhere, apart::one_second),
    ("no signal for 20 s under calls", Everywhere, apart::twenty_seconds),
    ("no signal for 100 s under calls", Everywhere, apart::hundred_seconds),
    ("no signal for 300 s under calls", Everywhere, apart::five_minutes),
    ("SERVICE never acknowledged", WithService, silent::service_is_never_acknowledged),
    ("a call on a channel in doubt", WithService, silent::a_call_on_a_channel_never_acknowledged),
    ("ports short and not for an hour", Everywhere, ports::short_and_not_short),
    ("out_of_service = \"default\"", Everywhere, withdrawn::by_default),
    ("\"d_channel\"", Everywhere, withdrawn::by_d_channel),
    ("\"alarm\"", Everywhere, withdrawn::by_alarm),
    ("\"reject\"", Everywhere, withdrawn::by_rejecting),
    ("\"service\"", Everywhere, withdrawn::by_service),
    ("\"service_and_d_channel\"", Everywhere, withdrawn::by_service_and_d_channel),
];

/// All stories in one place; none for one that cannot be told there.
fn column(place: Place) -> Vec<Option<Told>> {
    let here = |range: Where| range == Everywhere || place.has_service();
    STORIES.iter().map(|(_, range, story)| here(*range).then(|| story(place))).collect()
}

/// In both places of each switch, as far as this machine has them.
#[test]
fn every_story_in_every_place() {
    let mut fars = vec![Far::InSoftware];
    if require("suspending against libpri", &[GCC, LIBPRI]) {
        fars.push(Far::Libpri);
    }
    let places: Vec<_> =
        SWITCHES.iter().flat_map(|&switch| fars.iter().map(move |&far| Place { far, switch })).collect();
    let columns: Vec<_> = thread::scope(|scope| {
        let begin = |place: Place| {
            // Should a story panic, the message names the thread.
            let thread = thread::Builder::new().name(place.name());
            thread.spawn_scoped(scope, move || column(place)).expect("a thread")
        };
        let threads: Vec<_> = places.iter().map(|&place| begin(place)).collect();
        threads.into_iter().map(|thread| thread.join().expect("told above")).collect()
    });
    let mut failures = Vec::new();
    println!("{:36}{}", "", SWITCHES.map(|switch| format!("{:^16}", switch.row().name)).concat());
    println!("{:36}{}", "the exchange", "  ours   libpri ".repeat(SWITCHES.len()));
    for (row, (name, ..)) in STORIES.iter().enumerate() {
        let mut line = String::new();
        for (place, column) in places.iter().zip(&columns) {
            line += match &column[row] {
                None => "   -    ",
                Some(Ok(())) => "   ok   ",
                Some(Err(why)) => {
                    failures.push(format!("{}: {name}: {why}", place.name()));
                    " FAILED "
                }
            };
        }
        println!("{name:36}{line}");
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}
