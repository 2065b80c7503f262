//! The limits of a key receiver, one by one, each with every key: what must be accepted and what must not.
//!
//! Source: ITU-T Q.24 (11/88), table A-1, at its strictest: frequency ±1.5 % accepted and ±3.5 % refused, twist +4 to
//! -8 dB, 40 ms of tone and of pause accepted, less than 20 ms of tone refused, an interruption of 10 ms bridged.

mod support;

use dsp::dtmf::KeyEvent;
use dsp::g711::Law;
use dsp::signals::Signal;
use dsp::tones::{DtmfSequence, Oscillator, Tone, ToneSequence};
use support::{ALL_KEYS, LEAD, Line, events, keys};

#[track_caller]
fn accepted(line: Line) {
    assert_eq!(keys(&line.clone().samples()), ALL_KEYS, "{line:?}");
}

#[track_caller]
fn refused(line: Line) {
    assert_eq!(keys(&line.clone().samples()), "", "{line:?}");
}

#[test]
fn shortest_keys_are_heard_at_every_level() {
    for level in [0.0, -3.0, -10.0, -20.0, -30.0, -36.0] {
        for law in [None, Some(Law::Mu), Some(Law::A)] {
            accepted(Line { law, ..Line::new(ALL_KEYS, 40, 40, level) });
        }
    }
    refused(Line::new(ALL_KEYS, 100, 100, -50.0));
}

#[test]
fn frequencies_are_held_to_their_tolerance() {
    for error in [-1.5, -0.8, 0.8, 1.5] {
        for twist in [-8.0, 0.0, 4.0] {
            accepted(Line::new(ALL_KEYS, 40, 40, -10.0).off_by(error).twist(twist));
        }
    }
    for error in [-6.0, -4.5, -3.5, 3.5, 4.5, 6.0] {
        refused(Line::new(ALL_KEYS, 100, 100, -10.0).off_by(error));
        refused(Line::new(ALL_KEYS, 100, 100, -10.0).off_by(error).noise(-25.0, 5));
    }
}

#[test]
fn twist_is_accepted_and_too_much_refused() {
    for twist in [-8.0, -4.0, 2.0, 4.0] {
        accepted(Line::new(ALL_KEYS, 40, 40, -5.0).twist(twist));
    }
    for twist in [-12.0, 8.0] {
        refused(Line::new(ALL_KEYS, 100, 100, -5.0).twist(twist));
    }
}

#[test]
fn what_is_too_short_is_no_key() {
    for on_ms in [5, 10, 15, 19, 23] {
        refused(Line::new(ALL_KEYS, on_ms, 60, -10.0));
        refused(Line::new(ALL_KEYS, on_ms, 60, -10.0).noise(-30.0, u64::from(on_ms)));
    }
}

#[test]
fn one_key_again_and_again_is_as_many_presses() {
    assert_eq!(keys(&Line::new("55555555555555555555", 40, 40, -10.0).samples()).len(), 20);
    assert_eq!(keys(&Line::new("5555555555", 500, 40, -10.0).noise(-22.0, 3).samples()).len(), 10);
}

#[test]
fn a_short_interruption_does_not_make_two_presses() {
    for gap in [8, 40, 80] {
        let mut samples = Line::new("7", 200, 100, -10.0).samples();
        samples[LEAD + 800..LEAD + 800 + gap].fill(0);
        assert_eq!(keys(&samples), "7", "gap of {gap} samples");
    }
}

#[test]
fn keys_without_a_pause_between_are_told_apart() {
    let samples = Line::new(ALL_KEYS, 80, 0, -10.0).samples();
    assert_eq!(keys(&samples), ALL_KEYS);
    let downs_and_ups = events(&samples);
    assert_eq!(downs_and_ups.len(), 32, "each press is let go before the next: {downs_and_ups:?}");
}

#[test]
fn noise_15_db_below_the_key_costs_none() {
    for seed in 0..20 {
        // Two tones at -10 dBm0 are -7 dBm0 together.
        accepted(Line::new(ALL_KEYS, 40, 40, -10.0).noise(-22.0, seed));
        accepted(Line::new(ALL_KEYS, 40, 40, -36.0).noise(-48.0, seed));
    }
    for seed in 20..30 {
        accepted(Line::new(ALL_KEYS, 40, 40, -10.0).twist(-8.0).off_by(1.5).noise(-24.4, seed));
        accepted(Line::new(ALL_KEYS, 40, 40, -10.0).twist(4.0).off_by(-1.5).noise(-23.5, seed));
    }
}

#[test]
fn noise_alone_is_no_key() {
    for level in [-50.0, -30.0, -10.0] {
        let mut samples = vec![0; 240_000];
        support::add_noise(&mut samples, level, 77);
        assert_eq!(events(&samples), []);
    }
}

#[test]
fn dial_tone_does_not_deafen() {
    for tones in [vec![Tone::new(350.0, -13.0), Tone::new(440.0, -13.0)], vec![Tone::new(425.0, -13.0)]] {
        accepted(Line { background: tones, ..Line::new(ALL_KEYS, 50, 50, -10.0) });
    }
}

#[test]
fn other_tones_are_no_keys() {
    let mut samples = vec![0; 80_000];
    let signals = Signal::ALL.iter().map(Signal::sequence);
    for mut tone in [ToneSequence::entry(), ToneSequence::exit(), ToneSequence::knock()].into_iter().chain(signals) {
        tone.fill(&mut samples);
        assert_eq!(events(&samples), []);
    }
    // A row or a column by itself, and two tones of one group.
    for (one, other) in [(697.0, 770.0), (1_209.0, 1_477.0), (941.0, 941.0), (1_633.0, 1_633.0)] {
        let both = [Some(Tone::new(one, -10.0)), Some(Tone::new(other, -10.0))];
        let segment = dsp::tones::Segment { tones: both, samples: 8_000 };
        ToneSequence::once(&[segment]).fill(&mut samples);
        assert_eq!(events(&samples), []);
    }
}

/// A third tone 6 dB below the two: with them it is a chord or a voice, before them it is the line.
#[test]
fn what_comes_with_the_tones_is_no_noise() {
    let third = Tone::new(520.0, -13.0);
    for key in ALL_KEYS.chars() {
        let line = Line::new(&key.to_string(), 200, 100, -10.0).off_by(1.4);
        assert_eq!(keys(&Line { background: vec![third], ..line.clone() }.samples()), key.to_string());
        let mut chord = line.samples();
        let mut oscillator = Oscillator::new(third);
        for sample in &mut chord[LEAD..LEAD + 1_600] {
            *sample += oscillator.next_sample().round() as i16;
        }
        assert_eq!(keys(&chord), "", "a chord like {key}");
    }
}

#[test]
fn positions_tell_when_and_how_long() {
    for (on_ms, noise) in [(40, None), (60, None), (100, Some(-30.0)), (1_000, Some(-30.0))] {
        let line = Line { noise_dbm0: noise, ..Line::new("3", on_ms, 100, -10.0) };
        let [KeyEvent::Down { at, .. }, KeyEvent::Up { started_at, samples, .. }] = events(&line.samples())[..] else {
            panic!("one press of {on_ms} ms")
        };
        assert_eq!(at, started_at);
        assert!(at.abs_diff(LEAD as u64) <= 40, "began at {at}");
        assert!(samples.abs_diff(u64::from(on_ms) * 8) <= 64, "lasted {samples} samples, not {on_ms} ms");
    }
}

#[test]
fn a_press_says_how_it_sounded() {
    for (level, twist, error, noise) in
        [(-10.0, 0.0, 0.0, -60.0), (-20.0, 4.0, 1.5, -45.0), (-3.0, -8.0, -1.5, -30.0), (-30.0, -3.0, 0.7, -50.0)]
    {
        for key in dsp::dtmf::Key::ALL {
            let line = Line::new(&key.to_string(), 100, 100, level).twist(twist).off_by(error).noise(noise, 2);
            let [KeyEvent::Down { sound: early, .. }, KeyEvent::Up { sound, .. }] = events(&line.samples())[..] else {
                panic!("one press of {key}")
            };
            for sound in [early, sound] {
                let near = |heard: f32, sent: f32, by: f32| {
                    assert!((heard - sent).abs() <= by, "{key}: {sound:?}, not {sent}");
                };
                near(sound.row_dbm0, level - f32::max(twist, 0.0), 0.8);
                near(sound.column_dbm0, level + f32::min(twist, 0.0), 0.8);
                near(sound.twist_db(), twist, 0.6);
                near(sound.row_offset_hz, key.frequencies().0 * error / 100.0, 1.5);
                near(sound.column_offset_hz, key.frequencies().1 * error / 100.0, 1.5);
                // A companded line brings noise of its own, and the edges of the tone do.
                let rest = noise - 3.0..=f32::max(noise, level - 15.0) + 3.0;
                assert!(rest.contains(&sound.rest_dbm0), "{key}: {sound:?}");
            }
        }
    }
}

#[test]
fn a_key_is_reported_within_forty_milliseconds() {
    for digit in ALL_KEYS.chars() {
        let samples = Line::new(&digit.to_string(), 100, 100, -10.0).noise(-22.0, 9).samples();
        let mut receiver = dsp::dtmf::DtmfReceiver::new();
        receiver.process(&samples[..LEAD + 320], &mut |_| {});
        assert_eq!(receiver.held().map(|key| key.to_char()), Some(digit));
    }
}

#[test]
fn strange_input_is_survived() {
    for samples in [vec![i16::MIN; 20_000], vec![i16::MAX; 20_000], vec![], vec![0; 3]] {
        assert_eq!(events(&samples), []);
    }
    let square: Vec<i16> = (0..40_000).map(|n| if n / 4 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    assert_eq!(events(&square), []);
    assert!(DtmfSequence::new("12x", 40, 40, 0.0).is_err());
}
