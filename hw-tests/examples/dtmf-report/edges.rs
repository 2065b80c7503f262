//! Tests with an edge: how far a press may stray before it is not heard.

use crate::detectors::Detector;
use crate::support::{ALL_KEYS, LEAD, Line};
use dsp::g711::Law;

/// Lines of all keys for each value, three of them with other noise at the floor of a quiet line; how many presses of each are
/// heard.
fn heard(detector: &mut dyn Detector, line: &dyn Fn() -> Line) -> usize {
    (0..3).map(|seed| common(&detector.keys(&line().noise(-62.0, seed).samples()), ALL_KEYS)).sum()
}

const ALL: usize = 3 * 16;

/// Length of the longest common subsequence: keys heard in their order, whatever else was heard between.
pub fn common(heard: &str, sent: &str) -> usize {
    let mut lengths = vec![0; sent.len() + 1];
    for one in heard.chars() {
        let mut diagonal = 0;
        for (at, other) in sent.chars().enumerate() {
            let above = lengths[at + 1];
            lengths[at + 1] = if one == other { diagonal + 1 } else { above.max(lengths[at]) };
            diagonal = above;
        }
    }
    lengths[sent.len()]
}

/// The last step at which all were heard before the first at which some were not, and the first from which on none was.
fn edges(detector: &mut dyn Detector, steps: &[f32], line: &dyn Fn(f32) -> Line) -> (Option<f32>, Option<f32>) {
    let counts: Vec<_> = steps.iter().map(|&step| heard(detector, &|| line(step))).collect();
    let accepted = counts.iter().take_while(|&&count| count == ALL).count();
    let refused = counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
    (accepted.checked_sub(1).map(|at| steps[at]), steps.get(refused).copied())
}

fn show((accepted, refused): (Option<f32>, Option<f32>), decimals: usize) -> String {
    let number = |value: Option<f32>| value.map_or("-".to_owned(), |value| format!("{value:.decimals$}"));
    format!("{} / {}", number(accepted), number(refused))
}

fn steps(from: f32, to: f32, step: f32) -> Vec<f32> {
    let count = ((to - from) / step).round() as usize;
    (0..=count).map(|n| from + n as f32 * step).collect()
}

pub fn frequency(detector: &mut dyn Detector, sign: f32) -> String {
    let line = |percent: f32| Line::new(ALL_KEYS, 80, 80, -10.0).off_by(sign * percent);
    show(edges(detector, &steps(0.0, 6.0, 0.1), &line), 1)
}

pub fn twist(detector: &mut dyn Detector, sign: f32) -> String {
    let line = |db: f32| Line::new(ALL_KEYS, 80, 80, -5.0).twist(sign * db);
    show(edges(detector, &steps(0.0, 16.0, 0.5), &line), 1)
}

pub fn level(detector: &mut dyn Detector) -> String {
    let line = |db: f32| Line::new(ALL_KEYS, 80, 80, db);
    show(edges(detector, &steps(0.0, -56.0, -1.0), &line), 0)
}

pub fn level_on_a_law(detector: &mut dyn Detector) -> String {
    let line = |db: f32| Line { law: Some(Law::A), ..Line::new(ALL_KEYS, 80, 80, db) };
    show(edges(detector, &steps(0.0, -56.0, -1.0), &line), 0)
}

pub fn loudest(detector: &mut dyn Detector) -> String {
    let line = |db: f32| Line::new(ALL_KEYS, 80, 80, db);
    match edges(detector, &steps(-6.0, 0.0, 1.0), &line) {
        (Some(0.0), _) => "all".to_owned(),
        (accepted, _) => show((accepted, None), 0),
    }
}

pub fn length(detector: &mut dyn Detector) -> String {
    let line = |ms: f32| Line::new(ALL_KEYS, ms as u32, 80, -10.0);
    show(edges(detector, &steps(60.0, 4.0, -1.0), &line), 0)
}

/// Sixteen times the same key, for each key in turn.
pub fn pause(detector: &mut dyn Detector) -> String {
    let mut counts = vec![];
    let pauses = steps(60.0, 4.0, -1.0);
    for &pause in &pauses {
        let mut presses = 0;
        for key in ALL_KEYS.chars() {
            let line = Line::new(&key.to_string().repeat(8), 80, pause as u32, -10.0).noise(-62.0, 3);
            presses += detector.keys(&line.samples()).len() - 1;
        }
        counts.push(presses);
    }
    let two = counts.iter().take_while(|&&count| count == 16 * 7).count();
    let one = counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
    show((two.checked_sub(1).map(|at| pauses[at]), pauses.get(one).copied()), 0)
}

pub fn interruption(detector: &mut dyn Detector) -> String {
    let mut bridged = |samples: usize| {
        ALL_KEYS.chars().all(|key| {
            let mut line = Line::new(&key.to_string(), 200, 80, -10.0).noise(-62.0, 1).samples();
            line[LEAD + 800..LEAD + 800 + samples].fill(0);
            detector.keys(&line).len() == 1
        })
    };
    let most = (1..60).take_while(|&ms| bridged(ms * 8)).last();
    most.map_or("none".to_owned(), |ms| format!("{ms} ms"))
}

/// The line ends so many milliseconds after a press began: has it been heard by then?
pub fn delay(detector: &mut dyn Detector) -> String {
    let mut known = |ms: usize| {
        ALL_KEYS.chars().all(|key| {
            (0..8).all(|shift| {
                let line = Line::new(&key.to_string(), 120, 80, -10.0).noise(-22.0, shift as u64).samples();
                detector.keys(&line[shift * 13..LEAD + ms * 8]).len() == 1
            })
        })
    };
    (10..120).find(|&ms| known(ms)).map_or("-".to_owned(), |ms| format!("{ms} ms"))
}

/// The edges of frequency, key by key.
pub fn print_keys(detectors: &mut [Box<dyn Detector>]) {
    println!(
        "| key | detector  | too high, heard to / not from | too low      |\n|-----|-----------|-----------------------------|--------------|"
    );
    for key in ALL_KEYS.chars() {
        // The filter for dial tone changes nothing here.
        for detector in detectors.iter_mut().take(2) {
            let cell = |sign: f32, detector: &mut dyn Detector| {
                let mut count = |percent: f32| {
                    let line = Line::new(&key.to_string().repeat(16), 80, 80, -10.0).off_by(sign * percent);
                    detector.keys(&line.noise(-62.0, 1).samples()).len()
                };
                let counts: Vec<_> =
                    steps(0.0, 6.0, 0.1).into_iter().map(|percent| (percent, count(percent))).collect();
                let accepted = counts.iter().take_while(|(_, count)| *count == 16).last().map(|(percent, _)| *percent);
                let last = counts.iter().rposition(|(_, count)| *count > 0).map_or(0, |last| last + 1);
                show((accepted, counts.get(last).map(|(percent, _)| *percent)), 1)
            };
            let (high, low) = (cell(1.0, detector.as_mut()), cell(-1.0, detector.as_mut()));
            println!("| {key}   | {:<9} | {high:<27} | {low:<12} |", detector.name());
        }
    }
}
