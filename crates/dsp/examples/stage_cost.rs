//! Measures what one leg costs in each stage: `cargo run --release -p dsp --example stage_cost`
//!
//! Prints nanoseconds for a chunk of 10 ms, once over noise (the ordinary case: little to look at closely) and once over
//! keys pressed without end (the worst: every window is fitted).

use std::hint::black_box;
use std::time::Instant;

use dsp::agc::Agc;
use dsp::dtmf::DtmfReceiver;
use dsp::echo::EchoCanceller;
use dsp::g711::{Law, decode, encode};
use dsp::gate::NoiseGate;
use dsp::keyfilter::KeyFilter;
use dsp::level::TalkDetector;
use dsp::mix::Sum;
use dsp::talkers::{Floor, Talker};
use dsp::tones::DtmfSequence;

const CHUNK: usize = 80;
const SECONDS: usize = 20;
const PASSES: usize = 9;

fn main() {
    let mut state = 1u64;
    let noise: Vec<i16> = (0..8_000 * SECONDS)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 51) as i16 - 4_096
        })
        .collect();
    let mut keys = vec![0; noise.len()];
    let digits = "147*2580369#".repeat(1 + SECONDS);
    DtmfSequence::new(&digits, 80, 5, -10.0).expect("only keys in the string").fill(&mut keys);

    println!("{:24} {:>10} {:>10}", "ns a chunk of 10 ms", "noise", "keys");
    let (mut octets, mut samples, mut more) = ([0u8; CHUNK], [0i16; CHUNK], [0i16; CHUNK]);
    row("decode", &noise, &keys, |chunk| {
        octets[0] = chunk[0] as u8;
        decode(Law::Mu, black_box(&octets), &mut samples);
        black_box(&samples);
    });
    let mut receiver = DtmfReceiver::new();
    row("key receiver", &noise, &keys, |chunk| receiver.process(chunk, &mut |event| _ = black_box(event)));
    let mut filter = KeyFilter::new();
    row("key filter (whole)", &noise, &keys, |chunk| {
        filter.process(chunk, &mut samples, &mut more, &mut |event| _ = black_box(event));
        black_box((&samples, &more));
    });
    let mut talk = TalkDetector::default();
    row("talk detector", &noise, &keys, |chunk| talk.process(chunk, &mut |event| _ = black_box(event)));
    let mut sum = Sum::new(CHUNK);
    row("mix: add and take out", &noise, &keys, |chunk| {
        sum.clear();
        sum.add(chunk);
        sum.without(chunk, &mut more);
        black_box(&more);
    });
    let (mut gate, mut agc) = (NoiseGate::default(), Agc::default());
    row("noise gate", &noise, &keys, |chunk| {
        samples.copy_from_slice(chunk);
        gate.process(&mut samples, &mut more);
        black_box((&samples, &more));
    });
    row("automatic gain", &noise, &keys, |chunk| {
        samples.copy_from_slice(chunk);
        agc.process(true, &mut samples, &mut more);
        black_box((&samples, &more));
    });
    let (mut talker, mut floor) = (Talker::new(), Floor::new(3));
    row("loudest few", &noise, &keys, |chunk| {
        samples.copy_from_slice(chunk);
        talker.hear(&samples);
        floor.begin();
        floor.offer(0, &talker);
        black_box(talker.settle(floor.holds(0), &mut samples, &mut more));
    });
    for (name, tail_ms) in [("echo canceller, 64 ms", 64), ("echo canceller, 128 ms", 128)] {
        let mut canceller = EchoCanceller::new(tail_ms);
        row(name, &noise, &keys, |chunk| {
            // What comes back is what was sent, 12 dB down.
            samples.iter_mut().zip(chunk).for_each(|(sample, sent)| *sample = sent / 4);
            canceller.process(chunk, &mut samples);
            black_box(&samples);
        });
    }
    let mut canceller = EchoCanceller::new(64);
    row("the same, nothing sent", &noise, &keys, |chunk| {
        samples.copy_from_slice(chunk);
        canceller.process(&[0; CHUNK], &mut samples);
        black_box(&samples);
    });
    row("encode", &noise, &keys, |chunk| {
        encode(Law::Mu, chunk, &mut octets);
        black_box(&octets);
    });
}

fn row(name: &str, noise: &[i16], keys: &[i16], mut stage: impl FnMut(&[i16])) {
    // The best of some passes: whatever else the machine does only ever adds.
    let mut time = |samples: &[i16]| {
        let mut pass = || {
            let start = Instant::now();
            samples.chunks_exact(CHUNK).for_each(&mut stage);
            start.elapsed().as_nanos() as f64 / (samples.len() / CHUNK) as f64
        };
        (0..PASSES).map(|_| pass()).fold(f64::INFINITY, f64::min)
    };
    println!("{name:24} {:>10.0} {:>10.0}", time(noise), time(keys));
}
