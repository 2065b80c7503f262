//! The matrix: every story in every place, our D channel against libpri.
//!
//! A place is one of five languages with us in one of two roles. Each story begins with both ends fresh and the link up, plays
//! under a clock that costs no time, and must leave nobody misunderstood. All that passed on the line is read by an independent
//! dissector at the end.
//!
//! `cargo test -p hw-tests --test libpri_matrix -- --nocapture` prints the matrix.

mod bench;
mod calls;
mod clearing;
mod dissect;
mod outage;
mod restart;
mod service;

use bench::{Bench, Passed, Place, Told};
use hw_tests::peers::{GCC, LIBPRI, TSHARK, require};
use isdn::{Side, Switch};
use std::thread;

const SWITCHES: [Switch; 5] = [Switch::Ni2, Switch::Ess5, Switch::Ess4, Switch::Dms100, Switch::EuroIsdn];

/// Where a story can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Everywhere,
    /// Where the variant has SERVICE, and with it on.
    WithService,
    WithoutService,
}

/// What is told, where, and how.
type Story = (&'static str, Where, fn(&mut Bench) -> Told);

const STORIES: [Story; 25] = [
    ("a call of ours on every channel", Where::Everywhere, calls::all_ours),
    ("a call of theirs on every channel", Where::Everywhere, calls::all_theirs),
    ("calls of both on every channel", Where::Everywhere, calls::half_and_half),
    ("cleared by us with 12 causes", Where::Everywhere, clearing::by_us),
    ("cleared by them with 12 causes", Where::Everywhere, clearing::by_them),
    ("refused by us with 12 causes", Where::Everywhere, clearing::refused_by_us),
    ("refused by them with 12 causes", Where::Everywhere, clearing::refused_by_them),
    ("RESTART of a channel by us", Where::Everywhere, restart::of_a_channel_by_us),
    ("RESTART of every channel by us", Where::Everywhere, restart::of_every_channel_by_us),
    ("RESTART of a channel by them", Where::Everywhere, restart::of_a_channel_by_them),
    ("RESTART of the interface by them", Where::Everywhere, restart::of_the_interface_by_them),
    ("three states told by us", Where::WithService, service::told_by_us),
    ("three states told by them", Where::WithService, service::told_by_them),
    ("RESTART of a channel kept back", Where::WithService, service::restarted_by_them),
    ("kept back by us without SERVICE", Where::WithoutService, service::kept_by_us_without_messages),
    ("kept back by them without SERVICE", Where::WithoutService, service::kept_by_them_without_messages),
    ("line dead for 1 s under calls", Where::Everywhere, outage::one_second),
    ("line dead for 20 s under calls", Where::Everywhere, outage::twenty_seconds),
    ("line dead for 60 s under calls", Where::Everywhere, outage::a_minute),
    ("line dead beyond T309", Where::Everywhere, outage::beyond_t309),
    ("link reset by us under calls", Where::Everywhere, outage::reset_by_us),
    ("link reset by them under calls", Where::Everywhere, outage::reset_by_them),
    ("our end starts anew under calls", Where::Everywhere, outage::forgotten_by_us),
    ("their end starts anew under calls", Where::Everywhere, outage::forgotten_by_them),
    ("one frame in seven lost", Where::Everywhere, outage::losses),
];

const DISSECTED: &str = "all of it dissected alike";

/// A square of the matrix: what it came to, or that the story has no place here.
type Square = Option<Told>;

fn tell(place: Place, (name, range, story): Story, passed: &mut Vec<Passed>) -> Square {
    let here = match range {
        Where::Everywhere => true,
        Where::WithService => place.has_service(),
        Where::WithoutService => !place.has_service(),
    };
    here.then(|| {
        let mut bench = Bench::up(place, name, range == Where::WithService)?;
        let told = story(&mut bench).and_then(|()| bench.content());
        passed.append(&mut bench.passed);
        told
    })
}

/// All squares of a place, the dissector's last.
fn column(place: Place) -> Vec<Square> {
    let mut passed = Vec::new();
    let mut squares: Vec<_> = STORIES.iter().map(|story| tell(place, *story, &mut passed)).collect();
    let folder = tempfile::tempdir().expect("a folder");
    squares.push(Some(dissect::alike(place, &passed, &folder.path().join("all.pcap"))));
    squares
}

#[test]
fn every_story_in_every_place() {
    if !require("libpri_matrix", &[GCC, LIBPRI, TSHARK]) {
        return;
    }
    let sides = [Side::User, Side::Network];
    let places: Vec<_> = SWITCHES.iter().flat_map(|&switch| sides.map(|side| Place { side, switch })).collect();
    let columns: Vec<_> = thread::scope(|scope| {
        let begin = |place: Place| {
            // Should a story panic, the message names the thread.
            let thread = thread::Builder::new().name(place.name());
            thread.spawn_scoped(scope, move || column(place)).expect("a thread")
        };
        let threads: Vec<_> = places.iter().map(|&place| begin(place)).collect();
        threads.into_iter().map(|thread| thread.join().expect("told above")).collect()
    });

    let names: Vec<_> = STORIES.iter().map(|(name, ..)| *name).chain([DISSECTED]).collect();
    let mut failures = Vec::new();
    println!("{:34}{}", "we are", SWITCHES.map(|switch| format!("{:^14}", switch.row().name)).concat());
    println!("{:34}{}", "", "  user    net ".repeat(SWITCHES.len()));
    for (row, name) in names.iter().enumerate() {
        let mut line = String::new();
        for (place, column) in places.iter().zip(&columns) {
            line += match &column[row] {
                None => "   -   ",
                Some(Ok(())) => "   ok  ",
                Some(Err(why)) => {
                    failures.push(format!("{}: {name}: {why}", place.name()));
                    " FAILED"
                }
            };
        }
        println!("{name:34}{line}");
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}
