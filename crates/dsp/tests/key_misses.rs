//! A caller complains that a key was not heard: the recording says why.

mod support;

use dsp::keycheck::{Departure, Finding, examine};
use support::{ALL_KEYS, LEAD, Line, speech};

fn one(line: Line) -> Finding {
    let findings = examine(&line.samples());
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.into_iter().next().unwrap()
}

#[test]
fn every_press_that_is_heard_is_told_and_nothing_else() {
    for noise in [-60.0, -25.0] {
        let findings = examine(&Line::new(ALL_KEYS, 60, 60, -10.0).noise(noise, 1).samples());
        let heard: String = findings.iter().map(|finding| finding.key.to_char()).collect();
        assert_eq!(heard, ALL_KEYS);
        assert!(findings.iter().all(|finding| finding.heard && finding.departures.is_empty()), "{findings:?}");
    }
}

#[test]
fn what_was_wrong_with_a_press_is_named() {
    let line = |key: char, on_ms| Line::new(&key.to_string(), on_ms, 100, -10.0).noise(-60.0, 4);
    for key in ALL_KEYS.chars() {
        for (line, wrong) in [
            (line(key, 22), vec![Departure::Short]),
            (line(key, 80).off_by(3.5), vec![Departure::RowOff, Departure::ColumnOff]),
            (line(key, 80).twist(-12.0), vec![Departure::RowStrong]),
            (line(key, 80).twist(9.0), vec![Departure::ColumnStrong]),
            (Line::new(&key.to_string(), 80, 100, -47.0).noise(-70.0, 4), vec![Departure::Weak]),
        ] {
            let shown = format!("{line:?}");
            let finding = one(line);
            assert_eq!((finding.key.to_char(), finding.heard), (key, false), "{shown}");
            assert_eq!(finding.departures, wrong, "{shown}: {finding:?}");
            assert!(finding.started_at.abs_diff(LEAD as u64) <= 40, "{finding:?}");
        }
    }
}

#[test]
fn what_is_heard_in_spite_of_something_is_told_so() {
    let finding = one(Line::new("8", 80, 100, -39.0).noise(-70.0, 4));
    assert!(finding.heard);
    assert_eq!(finding.departures, [Departure::Weak]);
}

#[test]
fn two_presses_that_were_heard_as_one_are_told_apart() {
    let findings = examine(&Line::new("55", 80, 24, -10.0).noise(-60.0, 4).samples());
    let told: Vec<_> = findings.iter().map(|finding| (finding.heard, finding.departures.clone())).collect();
    assert_eq!(told, [(true, vec![]), (false, vec![Departure::Pause])]);
}

#[test]
fn a_voice_hardly_comes_near_a_key() {
    let (mut samples, mut misses) = (0, 0);
    for (name, speech) in speech().into_iter().filter(|(name, _)| name.contains("speech")) {
        let findings = examine(&speech);
        assert!(findings.iter().all(|finding| !finding.heard), "{name}");
        samples += speech.len();
        misses += findings.len();
    }
    assert!(misses <= samples / (8_000 * 20), "{misses} in {} s", samples / 8_000);
}
