//! The echo canceller on lines of our own making, in the manner of the tests of ITU-T G.168.
//!
//! A line is a hybrid (a decaying, ringing impulse response behind a delay), G.711 both ways, noise, and whoever speaks at the
//! near end. What is sent is speech, noise in bursts as long as those of the composite source signal, or tones. Where G.168
//! gives a limit it is named; the echo paths and signals are not its own, so this shows behaviour and certifies nothing.

mod support;

use dsp::echo::EchoCanceller;
use dsp::g711::Law;
use dsp::level::{peak_of, power_dbm0};
use support::add_noise;

const SECOND: usize = 8_000;

/// Echo paths: delay in samples, decay in samples, ringing in Hz, and a second reflection.
const HYBRIDS: [(usize, f32, f32, Option<usize>); 5] = [
    (4, 4.0, 1_000.0, None),
    (40, 14.0, 1_200.0, None),
    (90, 18.0, 1_000.0, None),
    (200, 12.0, 2_000.0, None),
    (30, 10.0, 900.0, Some(330)),
];

struct Hybrid {
    taps: Vec<f32>,
    /// What was sent, the last last.
    history: Vec<f32>,
}

impl Hybrid {
    fn new(shape: (usize, f32, f32, Option<usize>), erl_db: f32) -> Self {
        let (delay, decay, hz, second) = shape;
        let ring =
            |n: usize| (-(n as f32) / decay).exp() * (n as f32 * hz / 8_000.0 * std::f32::consts::TAU + 0.7).cos();
        let mut taps = vec![0.0; 1_000];
        for (from, gain) in [(Some(delay), 1.0), (second, -0.4)] {
            let Some(from) = from else { continue };
            taps[from..].iter_mut().enumerate().for_each(|(n, tap)| *tap += gain * ring(n));
        }
        let energy: f32 = taps.iter().map(|tap| tap * tap).sum();
        let scale = (10f32.powf(-erl_db / 10.0) / energy).sqrt();
        taps.iter_mut().for_each(|tap| *tap *= scale);
        // What rings on below the last bit of a sample is nothing.
        let last = taps.iter().rposition(|tap| tap.abs() > 1e-6).unwrap_or(0);
        taps.truncate(last + 1);
        Self { history: vec![0.0; 1_000], taps }
    }

    fn echo(&mut self, sent: i16) -> f32 {
        self.history.push(f32::from(sent));
        self.taps.iter().zip(self.history.iter().rev()).map(|(tap, sample)| tap * sample).sum()
    }
}

/// A leg whose far side is simulated.
struct Line {
    hybrid: Hybrid,
    law: Law,
    canceller: EchoCanceller,
}

/// What went over the line.
#[derive(Default)]
struct Heard {
    /// As it came from the line: echo and near end.
    received: Vec<i16>,
    /// What the canceller made of it.
    out: Vec<i16>,
}

impl Heard {
    /// Level of what came out in so many seconds from a point on.
    fn level(&self, from: f32, seconds: f32) -> f32 {
        level(&self.out, from, seconds)
    }
}

fn level(samples: &[i16], from: f32, seconds: f32) -> f32 {
    let from = (from * SECOND as f32) as usize;
    power_dbm0(&samples[from..from + (seconds * SECOND as f32) as usize])
}

impl Line {
    fn new(shape: (usize, f32, f32, Option<usize>), erl_db: f32, canceller: EchoCanceller) -> Self {
        Self { hybrid: Hybrid::new(shape, erl_db), law: Law::Mu, canceller }
    }

    /// Send this while the near end says that, in ticks of 5 ms.
    fn run(&mut self, sent: &[i16], near: &[i16]) -> Heard {
        let coded = |law: Law, sample: i16| law.decode_one(law.encode_one(sample));
        let mut heard = Heard::default();
        for (sent, near) in sent.chunks(40).zip(near.chunks(40)) {
            let sent: Vec<i16> = sent.iter().map(|&s| coded(self.law, s)).collect();
            let mut received: Vec<i16> = (sent.iter().zip(near))
                .map(|(&sent, &near)| coded(self.law, (self.hybrid.echo(sent) + f32::from(near)).round() as i16))
                .collect();
            heard.received.extend(&received);
            self.canceller.process(&sent, &mut received);
            heard.out.extend(received);
        }
        heard
    }
}

fn silence(seconds: usize) -> Vec<i16> {
    vec![0; seconds * SECOND]
}

/// Noise in bursts of 250 ms with pauses of 100 ms, at this level within a burst.
fn bursts(dbm0: f32, seconds: usize, seed: u64) -> Vec<i16> {
    let mut samples = silence(seconds);
    add_noise(&mut samples, dbm0, seed);
    samples.iter_mut().enumerate().for_each(|(n, s)| *s = if n % 2_800 < 2_000 { *s } else { 0 });
    samples
}

/// Somebody speaks, again and again, at this level on the average.
fn speech(name: &str, dbm0: f32, seconds: usize) -> Vec<i16> {
    let path = format!("{}/../../assets/speech/{name}.wav", env!("CARGO_MANIFEST_DIR"));
    let said: Vec<i16> =
        hound::WavReader::open(path).expect("the file").samples().map(|s| s.expect("16 bits")).collect();
    let gain = 10f32.powf((dbm0 - power_dbm0(&said)) / 20.0);
    said.iter().cycle().take(seconds * SECOND).map(|&s| (f32::from(s) * gain) as i16).collect()
}

fn all_lines() -> impl Iterator<Item = (usize, f32)> {
    (0..HYBRIDS.len()).flat_map(|path| [6.0, 12.0, 20.0].map(|erl| (path, erl)))
}

fn filter_alone() -> EchoCanceller {
    EchoCanceller::new(64).without_nonlinear_processor()
}

/// What differs between what came out and what the near end said.
fn difference(out: &[i16], near: &[i16]) -> Vec<i16> {
    out.iter().zip(near).map(|(out, near)| out.saturating_sub(*near)).collect()
}

/// As G.168 test 2: from nothing, on every line, at every level. G.165 asked for a combined loss of 27 dB after 500 ms.
#[test]
fn it_converges_on_every_line_at_every_level() {
    for (path, erl) in all_lines() {
        for dbm0 in [-10.0, -20.0, -30.0] {
            let sent = bursts(dbm0, 4, 3);
            let heard = Line::new(HYBRIDS[path], erl, EchoCanceller::new(64)).run(&sent, &silence(4));
            // The burst from 0.7 to 0.95 s.
            let early = heard.level(0.7, 0.25);
            assert!(early <= dbm0 - 27.0, "path {path}, ERL {erl} dB, {dbm0} dBm0: {early} dBm0 after half a second");
            let steady = heard.level(2.0, 2.0);
            assert!(steady <= -65.0, "path {path}, ERL {erl} dB, {dbm0} dBm0: {steady} dBm0 at last");
            let heard = Line::new(HYBRIDS[path], erl, filter_alone()).run(&sent, &silence(4));
            let alone = heard.level(3.5, 0.25);
            // What G.711 leaves of the echo, some 36 dB below it, and not less than its own idle noise.
            let limit = (dbm0 - erl - 31.0).max(-66.0);
            assert!(alone <= limit, "path {path}, ERL {erl} dB, {dbm0} dBm0: the filter alone leaves {alone} dBm0");
        }
    }
}

#[test]
fn it_learns_from_speech() {
    for (path, erl) in all_lines() {
        let sent = speech("lecture", -18.0, 8);
        let heard = Line::new(HYBRIDS[path], erl, EchoCanceller::new(64)).run(&sent, &silence(8));
        let (echo, left) = (level(&heard.received, 2.0, 6.0), heard.level(2.0, 6.0));
        assert!(left <= -60.0, "path {path}, ERL {erl} dB: {left} dBm0 are left of {echo}");
        let heard = Line::new(HYBRIDS[path], erl, filter_alone()).run(&sent, &silence(8));
        let left = heard.level(2.0, 6.0);
        assert!(left <= (echo - 18.0).max(-64.0), "path {path}, ERL {erl} dB: the filter leaves {left} dBm0 of {echo}");
    }
}

/// As G.168 test 3: somebody speaks at the near end, faintly or loudly, over a filter that has converged.
#[test]
fn double_talk_does_not_make_it_diverge_and_both_are_heard() {
    for (path, erl) in [(0, 12.0), (1, 6.0), (3, 6.0), (4, 12.0)] {
        for dbm0 in [-35.0, -25.0, -15.0] {
            let sent = speech("lecture", -20.0, 16);
            let mut near = silence(16);
            near[6 * SECOND..12 * SECOND].copy_from_slice(&speech("a1", dbm0, 6));
            let what = format!("path {path}, ERL {erl} dB, near end {dbm0} dBm0");
            let heard = Line::new(HYBRIDS[path], erl, filter_alone()).run(&sent, &near);
            let echo = level(&difference(&heard.received, &near), 6.0, 6.0);
            let during = level(&difference(&heard.out, &near), 6.0, 6.0);
            // Or so far below the voice that nobody hears it.
            assert!(during <= (echo - 8.0).max(dbm0 - 23.0), "{what}: {during} dBm0 of {echo} during double talk");
            let (before, after) = (heard.level(4.0, 2.0), heard.level(12.0, 2.0));
            assert!(after <= before.max(-60.0) + 3.0, "{what}: {before} dBm0 before, {after} after");
            // With the nonlinear processor: the voice is as loud as it was, within 1 dB.
            let heard = Line::new(HYBRIDS[path], erl, EchoCanceller::new(64)).run(&sent, &near);
            let voice = heard.level(6.0, 6.0);
            assert!((voice - dbm0).abs() <= 1.0, "{what}: heard at {voice} dBm0");
            assert!(level(&difference(&heard.out, &near), 6.0, 6.0) <= dbm0 - 6.0, "{what}: and whole");
        }
    }
}

#[test]
fn two_who_speak_from_the_first_moment_do_not_keep_it_from_learning() {
    let (sent, near) = (speech("lecture", -20.0, 20), speech("a2", -20.0, 20));
    let mut line = Line::new(HYBRIDS[1], 6.0, filter_alone());
    let heard = line.run(&sent, &near);
    let echo = level(&difference(&heard.received, &near), 10.0, 10.0);
    let left = level(&difference(&heard.out, &near), 10.0, 10.0);
    assert!(left <= echo - 8.0, "{left} dBm0 of {echo}");
}

/// As G.168 test 6, with an open path: nothing comes back, and whoever speaks is heard as if there were no canceller.
#[test]
fn a_line_without_echo_loses_nothing() {
    let near = speech("a3", -25.0, 10);
    let mut line = Line::new(HYBRIDS[0], 90.0, EchoCanceller::new(64));
    let heard = line.run(&silence(10), &near);
    assert_eq!(heard.out, heard.received, "nothing is sent");
    let heard = line.run(&speech("lecture", -20.0, 10), &near);
    let changed = level(&difference(&heard.out, &near), 1.0, 9.0);
    assert!(changed <= -45.0, "somebody is sent: changed by {changed} dBm0 of -25");
}

#[test]
fn another_path_is_learnt_within_a_second() {
    let sent = speech("lecture", -18.0, 12);
    let mut line = Line::new(HYBRIDS[1], 8.0, EchoCanceller::new(64));
    line.run(&sent, &silence(12));
    // Another hybrid; then a slip of one chunk on the card; then the first hybrid turned round.
    for taps in [Hybrid::new(HYBRIDS[3], 8.0).taps, Hybrid::new((280, 12.0, 2_000.0, None), 8.0).taps] {
        line.hybrid.taps = taps;
        let heard = line.run(&sent, &silence(12));
        let (first, later) = (heard.level(0.0, 1.0), heard.level(1.0, 5.0));
        assert!(first <= level(&heard.received, 0.0, 1.0) + 1.0, "never made louder: {first} dBm0");
        assert!(later <= -60.0, "{later} dBm0");
    }
    line.hybrid.taps.iter_mut().for_each(|tap| *tap = -*tap);
    let heard = line.run(&sent, &silence(12));
    assert!(heard.level(1.0, 5.0) <= -60.0, "{} dBm0", heard.level(1.0, 5.0));
}

/// As G.168 test 7: a tone excites one frequency for long; the others must not be made up.
#[test]
fn a_tone_does_not_make_it_diverge() {
    let sent = speech("lecture", -18.0, 4);
    let mut line = Line::new(HYBRIDS[1], 6.0, filter_alone());
    let before = line.run(&sent, &silence(4)).level(3.0, 1.0);
    let tone: Vec<i16> = (0..20 * SECOND).map(|n| ((n as f32 * 0.6).sin() * peak_of(-10.0)) as i16).collect();
    let heard = line.run(&tone, &silence(20));
    assert!(heard.level(19.0, 1.0) <= -50.0, "the tone's echo: {} dBm0", heard.level(19.0, 1.0));
    let after = line.run(&sent, &silence(4)).level(3.0, 1.0);
    assert!(after <= before + 6.0, "{before} dBm0 before, {after} after");
}

/// G.168 clause 7: a modem wants a clear line.
#[test]
fn a_modem_gets_a_clear_line_and_a_fax_tone_alone_does_not() {
    for (reversals, clear) in [(true, true), (false, false)] {
        let mut line = Line::new(HYBRIDS[1], 6.0, EchoCanceller::new(64));
        let tone: Vec<i16> = (0..2 * SECOND)
            .map(|n| {
                let turned = if reversals && (n / 3_600) % 2 == 1 { std::f32::consts::PI } else { 0.0 };
                ((n as f32 / 8_000.0 * 2_100.0 * std::f32::consts::TAU + turned).sin() * peak_of(-12.0)) as i16
            })
            .collect();
        line.run(&tone, &silence(2));
        assert_eq!(line.canceller.is_disabled(), clear);
        let mut data = silence(3);
        add_noise(&mut data, -15.0, 9);
        let heard = line.run(&data, &silence(3));
        assert_eq!(heard.out == heard.received, clear);
        // The modem hangs up: for the next speech there is a canceller again.
        line.run(&silence(1), &silence(1));
        let heard = line.run(&speech("lecture", -18.0, 4), &silence(4));
        assert!(heard.level(2.0, 2.0) <= -60.0);
    }
}

/// G.168 clause 3.4: the noise behind a caller does not come and go with what is sent to him.
#[test]
fn the_background_does_not_pump() {
    let mut near = silence(20);
    add_noise(&mut near, -52.0, 5);
    let sent: Vec<i16> = [silence(5), speech("lecture", -18.0, 15)].concat();
    let heard = Line::new(HYBRIDS[1], 12.0, EchoCanceller::new(64)).run(&sent, &near);
    for second in 7..19 {
        let level = heard.level(second as f32, 1.0);
        assert!((level + 52.0).abs() <= 4.0, "{level} dBm0 in second {second}");
    }
}

#[test]
fn a_far_echo_needs_the_long_tail() {
    let sent = bursts(-15.0, 6, 4);
    // 700 samples are 87 ms.
    let left = |tail| {
        let canceller = EchoCanceller::new(tail).without_nonlinear_processor();
        let mut line = Line::new((700, 10.0, 1_000.0, None), 10.0, canceller);
        line.run(&sent, &silence(6)).level(4.2, 0.25)
    };
    assert!(left(128) <= -50.0, "{} dBm0", left(128));
    assert!(left(64) >= -27.0, "{} dBm0", left(64));
}

#[test]
fn the_length_of_a_tick_changes_nothing() {
    let (sent, mut line) = (speech("lecture", -18.0, 3), Line::new(HYBRIDS[1], 8.0, EchoCanceller::new(64)));
    let received = line.run(&sent, &speech("a4", -30.0, 3)).received;
    let run = |chunk: usize| {
        let (mut canceller, mut out) = (EchoCanceller::new(64), received.clone());
        for (sent, out) in sent.chunks(chunk).zip(out.chunks_mut(chunk)) {
            canceller.process(sent, out);
        }
        out
    };
    assert!(run(40) == run(80) && run(40) == run(160));
}

#[test]
fn nothing_is_kept_from_one_caller_to_the_next() {
    let sent = speech("lecture", -18.0, 3);
    let mut fresh = Line::new(HYBRIDS[1], 8.0, EchoCanceller::new(64));
    let mut used = Line::new(HYBRIDS[3], 8.0, EchoCanceller::new(64));
    used.run(&sent, &speech("a1", -20.0, 3));
    used.hybrid = Hybrid::new(HYBRIDS[1], 8.0);
    used.canceller.reset();
    assert!(fresh.run(&sent, &silence(3)).out == used.run(&sent, &silence(3)).out);
}

#[test]
fn every_processor_hears_the_same() {
    let (sent, near) = (speech("lecture", -18.0, 3), speech("a4", -30.0, 3));
    let with = |instructions: simd::Instructions| {
        instructions.put_to_use();
        Line::new(HYBRIDS[1], 8.0, EchoCanceller::new(64)).run(&sent, &near).out
    };
    let plain = with(simd::Instructions::PLAIN);
    for instructions in simd::Instructions::all() {
        assert!(with(instructions) == plain, "{}", instructions.name());
    }
}
