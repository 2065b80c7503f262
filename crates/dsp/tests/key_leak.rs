//! What is left of a press where other people listen.
//!
//! A caller keys; the conversation may keep the first 15 ms of each press, the stream nothing at all. Neither may hold
//! anything that a receiver calls a key: ours is asked, and a plain one that believes two frames of 12.75 ms.

mod support;

use dsp::dtmf::{COLUMN_HZ, ROW_HZ};
use dsp::keyfilter::{KeyFilter, STREAM_DELAY};
use dsp::level::power_dbm0;
use support::{ALL_KEYS, LEAD, Line, Random, keys};

/// Conversation and stream of a recording, the stream brought back to the time of the conversation.
fn filtered(samples: &[i16], chunk: usize) -> (Vec<i16>, Vec<i16>) {
    let mut filter = KeyFilter::new();
    let mut received = samples.to_vec();
    received.extend([0; STREAM_DELAY]);
    let (mut conversation, mut stream) = (vec![0; received.len()], vec![0; received.len()]);
    let outputs = conversation.chunks_mut(chunk).zip(stream.chunks_mut(chunk));
    for (received, (conversation, stream)) in received.chunks(chunk).zip(outputs) {
        filter.process(received, conversation, stream, &mut |_| {});
    }
    conversation.truncate(samples.len());
    (conversation, stream.split_off(STREAM_DELAY))
}

/// A receiver of the simplest kind: frames of 102 samples, the strongest row and column, eight times as strong as any
/// other, most of the energy; two frames alike are a key.
fn plain_receiver(samples: &[i16]) -> String {
    let power = |frame: &[i16], hz: f32| {
        let coefficient = 2.0 * (std::f32::consts::TAU * hz / 8_000.0).cos();
        let (one, two) = frame
            .iter()
            .fold((0.0f32, 0.0f32), |(one, two), &sample| (f32::from(sample) + coefficient * one - two, one));
        one * one + two * two - coefficient * one * two
    };
    let verdict = |frame: &[i16]| {
        let energy: f32 = frame.iter().map(|&sample| f32::from(sample) * f32::from(sample)).sum();
        let strongest = |group: [f32; 4]| {
            let powers = group.map(|hz| power(frame, hz));
            let best = (0..4).max_by(|&a, &b| powers[a].total_cmp(&powers[b]))?;
            (0..4).all(|i| i == best || powers[best] > 6.3 * powers[i]).then_some((best, powers[best]))
        };
        let ((row, low), (column, high)) = (strongest(ROW_HZ)?, strongest(COLUMN_HZ)?);
        let tones = low.min(high) > 1e7 && low < high * 10.0 && high < low * 4.0;
        (tones && low + high > 0.6 * 51.0 * energy).then_some((row, column))
    };
    let (mut found, mut before, mut on) = (String::new(), None, None);
    for frame in samples.chunks_exact(102) {
        let now = verdict(frame);
        if now == before && now != on {
            on = now;
            if let Some((row, column)) = now {
                found.push(ALL_KEYS.as_bytes()[row * 4 + column] as char);
            }
        }
        before = now;
    }
    found
}

#[test]
fn the_plain_receiver_hears_keys_at_all() {
    assert_eq!(plain_receiver(&Line::new(ALL_KEYS, 50, 50, -10.0).samples()), ALL_KEYS);
}

/// The claim: at -30 dBm0 a tone or more and 20 dB above noise, at most 15 ms of a press pass, at any phase of the chunks.
#[test]
fn fifteen_milliseconds_of_a_press_pass_and_no_more() {
    let mut random = Random::new(11);
    // So many, for the worst of keys, twist, error and moment hardly ever meet.
    for round in 0..8_000 {
        let key = &ALL_KEYS[round % 16..=round % 16];
        let level = [-30.0, -20.0, -10.0, -3.0][random.up_to(4)];
        let twist = [-8.0f32, -3.0, 0.0, 4.0][random.up_to(4)];
        let error = [-1.5, 0.0, 1.5][random.up_to(3)];
        // The weaker tone is at least -30 dBm0, too; the noise is 20 dB below both together.
        let louder = (level + twist.abs()).min(-3.0);
        let noise = 10.0 * (10f32.powf(louder / 10.0) + 10f32.powf((louder - twist.abs()) / 10.0)).log10() - 20.0;
        let line = Line::new(key, 60, 60, louder).twist(twist).off_by(error).noise(noise, round as u64);
        let skip = random.up_to(200);
        let samples = &line.samples()[skip..];
        let began = LEAD - skip;
        let (conversation, stream) = filtered(samples, [40, 80, 160][round % 3]);
        let passed = (began..began + 480).rev().find(|&n| conversation[n] != 0).map_or(0, |n| n + 1 - began);
        assert!(passed <= 120, "round {round}: {passed} samples of {key}, {louder} dBm0, twist {twist}, {error} %");
        assert!(stream[began - 8..began + 488].iter().all(|&sample| sample == 0), "round {round}: {key} in the stream");
    }
}

#[test]
fn nothing_of_any_press_is_in_the_stream() {
    for (level, noise) in [(0.0, None), (-10.0, Some(-22.0)), (-20.0, Some(-50.0)), (-36.0, Some(-48.0))] {
        for (on_ms, off_ms) in [(40, 40), (45, 61), (150, 90)] {
            let mut line = Line::new(ALL_KEYS, on_ms, off_ms, level);
            line.noise_dbm0 = noise;
            let (on, period) = (on_ms as usize * 8, (on_ms + off_ms) as usize * 8);
            let (_, stream) = filtered(&line.samples(), 80);
            for press in 0..16 {
                let began = LEAD + press * period;
                let left = &stream[began..began + on];
                assert!(left.iter().all(|&sample| sample == 0), "press {press} at {level} dBm0, {on_ms} ms");
            }
        }
    }
}

#[test]
fn no_receiver_finds_a_key_in_what_is_left() {
    for (on_ms, off_ms) in [(40, 40), (60, 40), (40, 60), (80, 80), (300, 50)] {
        for level in [0.0, -10.0, -20.0, -30.0] {
            for seed in 0..3 {
                let line = Line::new("5555112233#*0099AB", on_ms, off_ms, level).noise(level - 17.0, seed);
                let (conversation, stream) = filtered(&line.samples(), 40);
                for (name, left) in [("conversation", conversation), ("stream", stream)] {
                    assert_eq!(keys(&left), "", "{name}, {on_ms}/{off_ms} ms at {level} dBm0");
                    assert_eq!(plain_receiver(&left), "", "{name}, {on_ms}/{off_ms} ms at {level} dBm0");
                }
            }
        }
    }
}

#[test]
fn what_is_no_key_passes_untouched() {
    let mut samples = vec![0; 40_000];
    support::add_noise(&mut samples, -20.0, 4);
    let (conversation, stream) = filtered(&samples, 80);
    assert!(conversation == samples);
    assert!(stream == samples);
}

#[test]
fn a_voice_is_given_back_soon_after_a_press() {
    let (_, speech) = support::speech().swap_remove(0);
    let mut samples = Line::new("8", 100, 0, -10.0).samples();
    samples.truncate(LEAD + 800);
    samples.extend(speech.iter().skip_while(|sample| sample.abs() < 1_000));
    let (conversation, stream) = filtered(&samples, 80);
    for (name, heard, within) in [("conversation", conversation, 320), ("stream", stream, 240)] {
        let over = LEAD + 800;
        let back = (over..over + 4_000).rev().find(|&n| heard[n] != samples[n]).map_or(0, |n| n + 1 - over);
        assert!(back <= within, "{name} given back {back} samples after the press");
    }
}

#[test]
fn muting_does_not_click() {
    // Keys over a tone below their band: its steps from sample to sample stay small where the filter switches.
    let background = vec![dsp::tones::Tone::new(200.0, -20.0)];
    let samples = Line { background, ..Line::new("123456", 60, 60, -8.0) }.samples();
    let (_, stream) = filtered(&samples, 80);
    let largest = stream.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
    assert!(largest < Some(800), "{largest:?}");
    assert!(power_dbm0(&stream[..LEAD - 200]) > -21.0);
}
