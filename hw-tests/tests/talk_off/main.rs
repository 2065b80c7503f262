//! Ten hours in which nobody presses a key, and no key is heard.
//!
//! People talk in many voices, music plays, exchanges send their tones; all of it at many speeds and levels goes through both
//! kinds of line to the key filter that every caller has. It must report nothing, and mute next to nothing: a voice that
//! resembles a key for a moment is taken from the conversation until it is known better.
//!
//! `TALK_OFF_HOURS=100 cargo test -p hw-tests --test talk_off -- --nocapture` listens for longer, to other variations of the
//! same material.
//!
//! Source: ITU-T Q.24 (11/88), clause 2 (imitation of signals by speech); no more than a share of 0.01 % muted is ours.

mod material;
mod music;
#[path = "../../../crates/dsp/tests/support/wav.rs"]
mod wav;

use dsp::dtmf::KeyEvent;
use dsp::g711::{Law, decode, encode};
use dsp::keyfilter::{KeyFilter, STREAM_DELAY};
use dsp::level::{dbm0_of, mean_square_of};
use hw_tests::peers::require;
use material::{Kind, PACKAGES, Recording, Varied};
use std::collections::BTreeMap;

const SECOND: usize = dsp::SAMPLE_RATE as usize;

/// What became of one kind of material.
#[derive(Debug, Default, Clone, Copy)]
struct Heard {
    samples: usize,
    keys: usize,
    conversation_muted: usize,
    stream_muted: usize,
}

impl Heard {
    fn add(&mut self, other: Self) {
        self.samples += other.samples;
        self.keys += other.keys;
        self.conversation_muted += other.conversation_muted;
        self.stream_muted += other.stream_muted;
    }

    fn share(&self, muted: usize) -> f64 {
        100.0 * muted as f64 / self.samples.max(1) as f64
    }
}

#[test]
fn nobody_presses_a_key_for_ten_hours() {
    if !require("nobody_presses_a_key_for_ten_hours", &PACKAGES) {
        return;
    }
    let hours = std::env::var("TALK_OFF_HOURS").ok().and_then(|hours| hours.parse().ok()).unwrap_or(10.0_f64);
    let wanted = (hours * 3_600.0) as usize * SECOND;
    let recordings = material::recordings();
    let mut heard: BTreeMap<Kind, Heard> = BTreeMap::new();
    let (mut total, mut round) = (Heard::default(), 0);
    while total.samples < wanted {
        for recording in &recordings {
            let varied = recording.vary(round);
            let one = listen(recording, &varied);
            heard.entry(recording.kind).or_default().add(one);
            total.add(one);
        }
        round += 1;
    }
    println!("{:<18} {:>7} {:>5} {:>22} {:>16}", "material", "hours", "keys", "conversation muted", "stream muted");
    for (kind, heard) in heard.iter().map(|(kind, heard)| (format!("{kind:?}"), heard)).chain([("all".into(), &total)])
    {
        let hours = heard.samples as f64 / (3_600 * SECOND) as f64;
        let (conversation, stream) = (heard.share(heard.conversation_muted), heard.share(heard.stream_muted));
        println!("{kind:<18} {hours:>7.2} {:>5} {conversation:>20.5} % {stream:>14.5} %", heard.keys);
    }
    assert_eq!(total.keys, 0, "keys that nobody pressed");
    let speech: Vec<_> = heard.iter().filter(|(kind, _)| kind.is_speech()).map(|(_, heard)| *heard).collect();
    let speech = speech.into_iter().fold(Heard::default(), |mut sum, heard| {
        sum.add(heard);
        sum
    });
    assert!(speech.share(speech.conversation_muted) < 0.01, "{speech:?}");
    assert!(speech.share(speech.stream_muted) < 0.01, "{speech:?}");
}

/// Sends it over a line at its level and through a caller's key filter.
fn listen(recording: &Recording, varied: &Varied) -> Heard {
    let mut received = varied.samples.clone();
    let power = received.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / received.len().max(1) as f64;
    let gain = (f64::from(mean_square_of(varied.dbm0)) / power.max(1.0)).sqrt();
    for sample in &mut received {
        *sample = (f64::from(*sample) * gain).clamp(-32_000.0, 32_000.0) as i16;
    }
    let mut octets = vec![0; received.len()];
    encode(varied.law, &received, &mut octets);
    decode(varied.law, &octets, &mut received);
    let silence = varied.law.decode_one(varied.law.encode_one(0));
    let length = received.len();
    received.resize(length + STREAM_DELAY, silence);

    let (mut conversation, mut stream) = (vec![0; received.len()], vec![0; received.len()]);
    let mut keys = 0;
    KeyFilter::new().process(&received, &mut conversation, &mut stream, &mut |event| {
        if let KeyEvent::Down { key, at, sound } = event {
            keys += 1;
            eprintln!(
                "{key} in {} at {:.3} s of round {} (speed {:.3}, {:.0} dBm0, {:?}): {sound:?}",
                recording.name,
                at as f64 / SECOND as f64,
                varied.round,
                varied.speed,
                varied.dbm0,
                varied.law,
            );
        }
    });
    let differs = |one: &[i16], other: &[i16]| one.iter().zip(other).filter(|(one, other)| one != other).count();
    Heard {
        samples: length,
        keys,
        conversation_muted: differs(&received, &conversation),
        stream_muted: differs(&received, &stream[STREAM_DELAY..]),
    }
}

#[test]
fn a_key_in_the_material_is_noticed() {
    let sequence = hw_tests::sound::keys("5");
    let recording = Recording { name: "a key".into(), kind: Kind::Music, rate: SECOND as f64, samples: sequence };
    let varied = Varied { samples: recording.samples.clone(), round: 0, speed: 1.0, dbm0: -10.0, law: Law::Mu };
    let heard = listen(&recording, &varied);
    assert_eq!(heard.keys, 1);
    assert!(heard.conversation_muted > 400 && heard.stream_muted > 600, "{heard:?}");
    assert!((dbm0_of(mean_square_of(-10.0)) + 10.0).abs() < 0.01);
}
