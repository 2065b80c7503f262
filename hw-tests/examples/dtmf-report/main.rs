//! The accuracy of the key receiver, beside libspandsp's where that is installed: the tests ITU-T Q.24 speaks of, as a table.
//!
//! `cargo run --release -p hw-tests --example dtmf-report [-- --keys]`. With `--keys` the tolerance of frequency is listed key
//! by key. Every signal is made here, goes through a µ-law line unless the row says otherwise, and is heard by either detector
//! as it left the line. The same seeds give the same table.
//!
//! Source: ITU-T Q.24 (11/88) table A-1, and the limits in docs/DTMF.md.
//! Words: the *edges* of a limit are the last value at which every press was heard and the first at which none was.

mod detectors;
mod edges;
mod presses;
#[path = "../../../crates/dsp/tests/support/mod.rs"]
mod support;

use detectors::Detector;

/// One row: what is tested, what is wanted, and how to find out about one detector.
struct Row {
    name: &'static str,
    wanted: &'static str,
    examine: fn(&mut dyn Detector) -> String,
}

const fn row(name: &'static str, wanted: &'static str, examine: fn(&mut dyn Detector) -> String) -> Row {
    Row { name, wanted, examine }
}

const ROWS: [Row; 26] = [
    row("frequencies too high by: heard to / not from", "1.5 / 3.5 %", |d| edges::frequency(d, 1.0)),
    row("frequencies too low by", "1.5 / 3.5 %", |d| edges::frequency(d, -1.0)),
    row("twist, row over column", "8 dB / -", |d| edges::twist(d, -1.0)),
    row("twist, column over row", "4 dB / -", |d| edges::twist(d, 1.0)),
    row("level a tone down to", "-36 / -50 dBm0", edges::level),
    row("level a tone up to 0 dBm0", "all", edges::loudest),
    row("A-law, level a tone down to", "-36 / -50 dBm0", edges::level_on_a_law),
    row("length of a press: heard from / not to", "40 / 20 ms", edges::length),
    row("pause between equal keys: two from / one to", "40 / - ms", edges::pause),
    row("interruption of a press bridged to", "10 ms", edges::interruption),
    row("press to report, most", "40 ms", edges::delay),
    row("40/40 ms, noise 20 dB below: presses of 960", "960", |d| presses::noise(d, 20.0)),
    row("noise 15 dB below", "960", |d| presses::noise(d, 15.0)),
    row("noise 12 dB below", "-", |d| presses::noise(d, 12.0)),
    row("noise 9 dB below", "-", |d| presses::noise(d, 9.0)),
    row("noise 6 dB below", "-", |d| presses::noise(d, 6.0)),
    row("40/40 ms, ±1.5 %, twist -8 to 4 dB, -36 to 0 dBm0", "960", presses::in_the_limits),
    row("dial tone 350 + 440 Hz at -13 dBm0 beneath", "960", |d| presses::dial_tone(d, &[350.0, 440.0])),
    row("dial tone 425 Hz at -13 dBm0 beneath", "960", |d| presses::dial_tone(d, &[425.0])),
    row("prompt leaking back 20 dB below", "960", |d| presses::barge_in(d, 20.0)),
    row("prompt leaking back 15 dB below", "960", |d| presses::barge_in(d, 15.0)),
    row("prompt leaking back 10 dB below", "-", |d| presses::barge_in(d, 10.0)),
    row("PINs of six keys within the limits, of 300", "300", presses::pins),
    row("PINs: noise 12 dB, ±1 %, twist, -25 dBm0, 45/45 ms", "-", presses::harsh_pins),
    row("PINs: the same with noise 9 dB below", "-", presses::harsher_pins),
    row("keys in ten minutes of noise from -50 to -10 dBm0", "0", presses::noise_alone),
];

fn main() {
    let mut detectors = detectors::all();
    let names: Vec<_> = detectors.iter().map(|detector| detector.name()).collect();
    if std::env::args().any(|argument| argument == "--keys") {
        return edges::print_keys(&mut detectors);
    }
    println!("| {:<52} | {:<14} | {} |", "test", "wanted", columns(&names));
    println!("|{:-<54}|{:-<16}|{}", "", "", "------------------|".repeat(names.len()));
    for row in ROWS {
        let found: Vec<_> = detectors.iter_mut().map(|detector| (row.examine)(detector.as_mut())).collect();
        println!("| {:<52} | {:<14} | {} |", row.name, row.wanted, columns(&found));
    }
    if names.len() == 1 {
        println!("\nlibspandsp is not here (Debian package libspandsp-dev, and gcc): no column for it.");
    }
}

fn columns<T: std::fmt::Display>(cells: &[T]) -> String {
    cells.iter().map(|cell| format!("{cell:<16}")).collect::<Vec<_>>().join(" | ")
}
