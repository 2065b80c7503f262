//! The voice path beside libspandsp: the same octets, the same core, turn by turn.
//!
//! `cargo bench -p hw-tests --bench voice [-- --json] [-- --plain] [-- --stage=leg --channels=240 --input=speech]`. Nanoseconds for a
//! channel and a frame of 20 ms, of each stage and of the whole leg, for 1 to 10,000 channels in conferences of 32, over silence, a
//! conversation, speech of all at once and keys pressed by all without end. The processor time of one thread is measured; medians of the
//! rounds are printed, with the least and the most.
//! libspandsp runs in `peers/spandsp_voice.c`, a process of its own, and says there what each work is. Without it ours is
//! measured alone.
//!
//! What ours does besides, and is counted: keys are kept out of conversation and stream, the stream comes 80 ms later with a
//! sum of its own, talking is noticed and the level measured. The leg is the daemon's own [`VoicePath`], from the octets of a
//! timeslot to the octets of a timeslot.

use dsp::g711::{self, Law};
use dsp::keyfilter::KeyFilter;
use dsp::level::{TalkDetector, mean_square_of};
use dsp::mix::Sum;
use dsp::tones::DtmfSequence;
use hal::{ChunkLength, Line};
use hw_tests::peers::{GCC, SPANDSP, compile_peer, require};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use trunkcast::gateway::{Channel, ConferenceIndex, Voice};
use trunkcast::prompts::Sounds;
use trunkcast::voice::{Settings, ToSend, VoicePath};

const ROUNDS: usize = 9;
const FRAME: usize = 160;
/// Channels in a conference.
const PARTY: usize = 32;
/// How far apart in the octets neighbouring channels are.
const APART: usize = 1_616;
const CHANNELS: [usize; 5] = [1, 24, 240, 960, 10_000];
/// Frames of all channels together in a round, and of each at least: after the other program's turn nothing of ours is in the caches any more,
/// nor of theirs after ours, and neither is to be measured by how it comes back.
const WORK: usize = 20_000;
const FRAMES: usize = 20;
/// What a room behind an open microphone makes.
const QUIET_DBM0: f32 = -55.0;
const STAGES: [&str; 5] = ["decode", "keys", "mix", "encode", "leg"];

fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a processor clock").into()
}

/// The other process: an order a line, an answer a line.
struct Peer {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start() -> Peer {
        let program = compile_peer("spandsp_voice", &["-O2", "-lspandsp", "-lm"]);
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("start spandsp_voice");
        let answers = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        Peer { child, answers }
    }

    /// Nanoseconds a channel and frame.
    fn work(&mut self, stage: &str, channels: usize, frames: usize, input: &Path) -> f64 {
        let orders = self.child.stdin.as_mut().expect("it was piped");
        writeln!(orders, "{stage} {channels} {frames} {}", input.display()).expect("write to spandsp_voice");
        let answer = self.answers.next().expect("spandsp_voice goes on").expect("read from spandsp_voice");
        let time = answer.split(' ').next().expect("it prints nanoseconds");
        time.parse::<f64>().expect("it prints nanoseconds") / (channels * frames) as f64
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Octets as a span would bring them, in a file for the other process too.
struct Input {
    name: &'static str,
    octets: Vec<u8>,
    file: tempfile::NamedTempFile,
}

impl Input {
    fn new(name: &'static str, samples: &[i16]) -> Input {
        let mut octets = vec![0; samples.len()];
        g711::encode(Law::Mu, samples, &mut octets);
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&octets).expect("written");
        Input { name, octets, file }
    }

    fn all() -> [Input; 4] {
        let lecture = include_bytes!("../../assets/speech/lecture.wav");
        let mut lecture = hound::WavReader::new(&lecture[..]).expect("a WAV file");
        let speech: Vec<i16> = lecture.samples().map(|sample| sample.expect("a sample")).collect();
        let mut keys = vec![0; speech.len()];
        DtmfSequence::new(&"147*2580369#".repeat(80), 80, 70, -10.0).expect("only keys").fill(&mut keys);
        [
            Input::new("silence", &vec![0; speech.len()]),
            Input::new("conversation", &conversation(&speech)),
            Input::new("speech", &speech),
            Input::new("keys", &keys),
        ]
    }

    /// What a channel brings in a frame.
    fn received(&self, channel: usize, frame: usize) -> &[u8] {
        let begin = (channel * APART + frame * FRAME) % (self.octets.len() - FRAME);
        &self.octets[begin..begin + FRAME]
    }
}

/// Everybody talks an eighth of the time, an utterance of a second every eight, and else sends what a line brings whose owner listens: as
/// channels are [`APART`], none to five of the 32 in a conference talk at a time. ITU-T P.59 has utterances of a second on average.
fn conversation(speech: &[i16]) -> Vec<i16> {
    const SECOND: usize = 50 * FRAME;
    // White noise of peak p has a mean square of a third of p squared.
    let peak = (3.0 * mean_square_of(QUIET_DBM0)).sqrt() as i32;
    let mut random = 1u32;
    let in_turn = speech.iter().enumerate().map(|(at, &sample)| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (((random >> 16) as i32 - 32_768) * peak) >> 15;
        if (at / SECOND).is_multiple_of(8) { sample } else { noise as i16 }
    });
    in_turn.collect()
}

/// Our side, for so many channels.
struct Ours {
    channels: Vec<Channel>,
    voice: VoicePath,
    _rings: Vec<rtrb::Consumer<i16>>,
    filters: Vec<KeyFilter>,
    talk: Vec<TalkDetector>,
    sums: Vec<Sum>,
    samples: Vec<[i16; FRAME]>,
    sent: Vec<[u8; FRAME]>,
    frame: usize,
}

/// What is sent, one channel after the other.
struct Sent<'a>(std::slice::IterMut<'a, [u8; FRAME]>);

impl ToSend for Sent<'_> {
    #[inline]
    fn of(&mut self, _: Channel) -> &mut [u8] {
        self.0.next().expect("one for each channel")
    }
}

impl Ours {
    fn new(count: usize, sounds: &Arc<Sounds>) -> Ours {
        let parties = count.div_ceil(PARTY);
        let lines = vec![Line::T1; count.div_ceil(24)];
        let (outlets, rings) = (0..parties).map(|_| rtrb::RingBuffer::new(1_000)).unzip();
        let mut voice = VoicePath::new(&lines, ChunkLength::Ms20, Settings::default(), sounds.clone(), outlets);
        let bearers = (0..lines.len() as u16)
            .flat_map(|span| Line::T1.bearers_beside(false).map(move |timeslot| Channel { span, timeslot }));
        let channels: Vec<Channel> = bearers.take(count).collect();
        assert_eq!(channels.len(), count);
        for (place, channel) in channels.iter().enumerate() {
            voice.command(Voice::Open(*channel));
            voice.command(Voice::Join(*channel, ConferenceIndex((place / PARTY) as u16)));
        }
        Ours {
            voice,
            _rings: rings,
            filters: vec![KeyFilter::new(); count],
            talk: vec![TalkDetector::default(); count],
            sums: (0..parties).map(|_| Sum::new(FRAME)).collect(),
            samples: vec![[0; FRAME]; count],
            sent: vec![[0; FRAME]; count],
            channels,
            frame: 0,
        }
    }

    fn decode(&mut self, input: &Input) {
        for (channel, samples) in self.samples.iter_mut().enumerate() {
            g711::decode(Law::Mu, input.received(channel, self.frame), samples);
        }
    }

    fn stage(&mut self, stage: &str, input: &Input) {
        self.frame += 1;
        match stage {
            "decode" => self.decode(input),
            "keys" => {
                for (filter, samples) in self.filters.iter_mut().zip(&self.samples) {
                    filter.room(FRAME).copy_from_slice(samples);
                    filter.hear(&mut |event| _ = black_box(event));
                }
            }
            "talk" => {
                for (talk, samples) in self.talk.iter_mut().zip(&self.samples) {
                    talk.process(samples, &mut |event| _ = black_box(event));
                }
            }
            "mix" => {
                for (sum, samples) in self.sums.iter_mut().zip(self.samples.chunks(PARTY)) {
                    sum.clear();
                    samples.iter().for_each(|samples| sum.add(samples));
                    let mut mixed = [0; FRAME];
                    for samples in samples {
                        sum.without(samples, &mut mixed);
                        black_box(&mixed);
                    }
                }
            }
            "encode" => {
                for (samples, sent) in self.samples.iter().zip(&mut self.sent) {
                    g711::encode(Law::Mu, samples, sent);
                }
            }
            _ => {
                let mut received = (0..).map(|place| input.received(place, self.frame));
                self.voice.receive_each(self.channels.iter().copied(), |_| received.next().expect("without end"));
                self.voice.mix();
                self.voice.transmit_each(self.channels.iter().copied(), Sent(self.sent.iter_mut()));
                while let Some(heard) = self.voice.poll_heard() {
                    black_box(heard);
                }
            }
        }
        black_box(&self.sent);
    }

    /// Nanoseconds a channel and frame.
    fn work(&mut self, stage: &str, frames: usize, input: &Input) -> f64 {
        self.decode(input);
        let start = processor_time();
        for _ in 0..frames {
            self.stage(stage, input);
        }
        (processor_time() - start).as_nanos() as f64 / (frames * self.channels.len()) as f64
    }
}

/// Least, median and most.
#[derive(Clone, Copy)]
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Spread {
        values.sort_by(f64::total_cmp);
        Spread { least: values[0], median: values[values.len() / 2], most: values[values.len() - 1] }
    }

    fn words(self) -> String {
        format!("{:>6.0} ({:.0} to {:.0})", self.median, self.least, self.most)
    }

    fn json(self) -> Value {
        json!({ "median": self.median, "least": self.least, "most": self.most })
    }
}

fn main() {
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    if asked("--plain") {
        simd::Instructions::PLAIN.put_to_use();
    }
    let instructions = simd::Instructions::in_use().name();
    let mut peer = require("the column of libspandsp", &[GCC, SPANDSP]).then(Peer::start);
    let (inputs, sounds) = (Input::all(), Arc::new(Sounds::english()));
    let mut rows = Vec::new();
    // `--input=speech`, `--stage=leg`, `--channels=240`: only that.
    let wanted = |kind: &str, name: &str| {
        let option = format!("--{kind}=");
        let mut of_kind = std::env::args().filter_map(|word| Some(word.strip_prefix(&option)?.to_owned())).peekable();
        of_kind.peek().is_none() || of_kind.any(|word| word == name)
    };
    if !asked("--json") {
        println!(
            "nanoseconds of processor time for a channel and 20 ms, median of {ROUNDS} rounds (least to most); ours with {instructions} instructions\n"
        );
        println!("{:<12} {:>8} {:<7} {:<24} {:<26} spandsp/ours", "input", "channels", "stage", "ours", "libspandsp");
    }
    for input in inputs.iter().filter(|input| wanted("input", input.name)) {
        for channels in CHANNELS.into_iter().filter(|channels| wanted("channels", &channels.to_string())) {
            let frames = WORK.div_ceil(channels).max(FRAMES);
            let mut ours = Ours::new(channels, &sounds);
            for stage in STAGES.into_iter().chain(["talk"]).filter(|stage| wanted("stage", stage)) {
                let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
                // One round to warm up.
                for round in 0..=ROUNDS {
                    let our_time = ours.work(stage, frames, input);
                    let their_time = peer
                        .as_mut()
                        .filter(|_| stage != "talk")
                        .map(|peer| peer.work(stage, channels, frames, input.file.path()));
                    if round > 0 {
                        our_times.push(our_time);
                        their_times.extend(their_time);
                    }
                }
                let ours = Spread::of(our_times);
                let theirs = (!their_times.is_empty()).then(|| Spread::of(their_times));
                let ratio = theirs.map(|theirs| theirs.median / ours.median);
                if !asked("--json") {
                    let (beside, ratio) = theirs.map_or_else(Default::default, |theirs| {
                        (theirs.words(), format!("{:.1}", ratio.unwrap_or_default()))
                    });
                    println!("{:<12} {channels:>8} {stage:<7} {:<24} {beside:<26} {ratio}", input.name, ours.words());
                }
                rows.push(json!({
                    "input": input.name, "channels": channels, "stage": stage, "ours_ns": ours.json(),
                    "spandsp_ns": theirs.map(Spread::json), "ratio": ratio,
                }));
            }
        }
    }
    if asked("--json") {
        println!("{}", json!({ "rounds": ROUNDS, "instructions": instructions, "works": rows }));
    }
}
