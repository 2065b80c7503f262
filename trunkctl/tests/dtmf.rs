//! "Why was my 5 not heard?": a recording of a complaint, and what the technician is told of it.

mod common;

use common::{Bench, told};
use dsp::g711::{Law, encode};
use dsp::tones::DtmfSequence;
use serde_json::Value;
use std::path::PathBuf;

/// A good 5, one that was too short, one from a telephone whose tones are too high, a weak one, and a good #.
fn complaint() -> Vec<i16> {
    let press = |digit: &str, ms, level| DtmfSequence::new(digit, ms, 200, level).expect("a key");
    let mut samples = vec![0; 4_000];
    for mut press in [
        press("5", 80, -12.0),
        press("5", 22, -12.0),
        press("5", 80, -12.0).with_frequency_error(3.6),
        press("5", 80, -39.0).with_twist(2.0),
        press("#", 100, -9.0).with_twist(-3.0),
    ] {
        let from = samples.len();
        samples.resize(from + press.len_samples() as usize, 0);
        press.fill(&mut samples[from..]);
    }
    samples
}

fn wav(bench: &Bench, samples: &[i16], rate: u32) -> PathBuf {
    let mut octets = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    octets.extend([rate.to_le_bytes(), (2 * rate).to_le_bytes(), [2, 0, 16, 0], *b"data"].concat());
    octets.extend((2 * samples.len() as u32).to_le_bytes());
    octets.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    let file = bench.file("complaint.wav");
    std::fs::write(&file, octets).expect("written");
    file
}

#[test]
fn a_complaint_is_answered_as_committed() {
    let bench = Bench::new();
    let file = wav(&bench, &complaint(), 8_000);
    let shown = bench.shown(&["dtmf", file.to_str().expect("UTF-8")]);
    assert_eq!(shown, include_str!("screens/dtmf.txt"), "\n{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80));
    let hidden = bench.shown(&["dtmf", "--hide-keys", file.to_str().expect("UTF-8")]);
    assert_eq!(hidden, shown.replace(" 5 ", " x ").replace(" # ", " x "));
    assert!(bench.requests().is_empty(), "the daemon has nothing to do with it");
}

#[test]
fn a_program_gets_the_same_in_fields() {
    let bench = Bench::new();
    let mut octets = vec![0; complaint().len()];
    encode(Law::A, &complaint(), &mut octets);
    let file = bench.file("channel-17.al");
    std::fs::write(&file, octets).expect("written");
    let shown = bench.shown(&["dtmf", "--raw", "--law", "a", "--json", file.to_str().expect("UTF-8")]);
    let report: Value = serde_json::from_str(&shown).expect("JSON");
    let presses = report["presses"].as_array().expect("a list");
    let heard: Vec<_> = presses.iter().map(|press| (press["key"].as_str(), press["heard"].as_bool())).collect();
    let five = |heard| (Some("5"), Some(heard));
    assert_eq!(heard, [five(true), five(false), five(false), five(true), (Some("#"), Some(true))]);
    assert_eq!(presses[1]["reasons"][0]["reason"], "short");
    assert_eq!(presses[2]["reasons"][1]["reason"], "column_off");
    assert_eq!(presses[3]["reasons"][0]["reason"], "weak");
    assert_eq!(presses[4]["reasons"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_cannot_be_read_is_refused_with_a_way_out() {
    let bench = Bench::new();
    let file = wav(&bench, &complaint(), 44_100);
    let (code, _, error) = told(&bench.run(&["dtmf", file.to_str().expect("UTF-8")]));
    assert_eq!(code, 2);
    assert!(error.contains("44100 samples a second, where 8000 are needed") && error.contains("sox"), "{error}");
    let (code, _, error) = told(&bench.run(&["dtmf", "/nowhere.wav"]));
    assert_eq!(code, 2);
    assert!(error.contains("/nowhere.wav cannot be read"), "{error}");
}
