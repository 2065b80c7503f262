//! Our ISDN stack beside libpri: the same work, the same octets, the same core, turn by turn.
//!
//! `cargo bench -p hw-tests --bench libpri [-- --json]`. The processor time of one thread is measured, not the clock's, so other
//! programs on the machine disturb little. Each round does every work once on either side; medians of the rounds are
//! printed, with the least and the most. libpri runs in `peers/libpri_bench.c`, a process of its own, and says there what each
//! work is; ours does the same here, with the same bookkeeping around it.
//!
//! libpri has no codec that can be called alone. So both stacks are compared on whole paths, from a D-channel frame to the
//! event and the answer; reading and writing alone are shown for ours without a number beside it.

use hw_tests::peers::{GCC, LIBPRI, compile_peer, require};
use isdn::maintenance::ServiceMessage;
use isdn::q921::FRAME_MAX;
use isdn::q931::content;
use isdn::q931::message::split;
use isdn::{
    Cause, ChannelChoice, Config, DChannel, Event, Number, Output, Presentation, Screening, Setup, Side, Switch,
};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const ROUNDS: usize = 15;

/// The memory one of our D channels takes, calls and queues included: it never takes more.
const D_CHANNEL: usize = size_of::<DChannel>();

/// Works that both do: name, what it is, turns in a round.
const WHOLE: [(&str, &str, u32); 5] = [
    ("poll", "RR in, RR out", 200_000),
    ("setup", "SETUP in, event, RELEASE COMPLETE out", 30_000),
    ("dial", "SETUP out, RELEASE COMPLETE in, event", 20_000),
    ("service", "SERVICE in, event, SERVICE ACKNOWLEDGE out", 80_000),
    ("call", "a whole call, both ends, eight messages", 6_000),
];

/// Works that only ours can do alone.
const CODEC: [(&str, &str, u32); 4] = [
    ("decode-setup", "SETUP decoded", 100_000),
    ("encode-setup", "SETUP encoded", 100_000),
    ("decode-service", "SERVICE decoded", 500_000),
    ("encode-service", "SERVICE encoded", 500_000),
];

fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a processor clock").into()
}

/// The other process: an order a line, an answer a line.
struct Libpri {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Libpri {
    /// Starts it; what it says of itself.
    fn start() -> (Libpri, Value) {
        let program = compile_peer("libpri_bench", &["-O2", "-lpri"]);
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("start libpri_bench");
        let mut answers = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        let about = answers.next().expect("it says what it is").expect("read from libpri_bench");
        (Libpri { child, answers }, serde_json::from_str(&about).expect("it speaks JSON"))
    }

    /// Nanoseconds a turn.
    fn work(&mut self, name: &str, turns: u32) -> f64 {
        let orders = self.child.stdin.as_mut().expect("it was piped");
        writeln!(orders, "{name} {turns}").expect("write to libpri_bench");
        let answer = self.answers.next().expect("libpri_bench goes on").expect("read from libpri_bench");
        answer.parse::<f64>().expect("it prints nanoseconds") / f64::from(turns)
    }
}

impl Drop for Libpri {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Our user side, and a network side of no more than numbers.
struct Alone {
    d: Box<DChannel>,
    now: Duration,
    /// N(S) of the next I frame to it, and of its next to us.
    next_number: u8,
    expected: u8,
    /// The frames on their way to it, and its last message: copied by their octets, as on libpri's side.
    line: Line,
    last: [u8; FRAME_MAX],
    /// What it tells of its channels, at the start.
    told: VecDeque<Vec<u8>>,
    released: u32,
    services: u32,
    turns: u32,
    reference: u16,
}

impl Alone {
    fn new() -> Alone {
        let config = Config::new(Side::User, Switch::Ni2, false).with_service_messages().expect("NI-2 has them");
        let mut alone = Alone {
            d: Box::new(DChannel::new(config)),
            now: Duration::ZERO,
            next_number: 0,
            expected: 0,
            line: Line::default(),
            last: [0; FRAME_MAX],
            told: VecDeque::new(),
            released: 0,
            services: 0,
            turns: 0,
            reference: 0,
        };
        // Establish as the network; what it then tells of its channels is acknowledged.
        alone.frame(&[0x02, 0x01, 0x7f]);
        while alone.d.counters().service.acknowledged < 23 {
            match alone.told.pop_front() {
                Some(mut answer) => {
                    (answer[2], answer[4]) = (0x80, 0x0f);
                    alone.message(&answer);
                }
                None => alone.poll(),
            }
        }
        alone
    }

    fn drain(&mut self) {
        while let Some(output) = self.d.poll_output() {
            match output {
                Output::Frame(_, frame) => {
                    if frame[2] & 1 == 0 {
                        self.expected = ((frame[2] >> 1) + 1) & 0x7f;
                        // SERVICE of NI-2, and of ours.
                        if (frame[4], frame[6], frame[8]) == (0x43, 0, 0x07) {
                            self.told.push_back(frame[4..].to_vec());
                        }
                        self.last[..frame.len()].copy_from_slice(frame);
                    }
                }
                Output::Event(Event::Incoming { call, .. }) => {
                    self.d.clear(self.now, call, Cause::user(34)).expect("it was there");
                }
                Output::Event(Event::Released { .. }) => self.released += 1,
                Output::Event(Event::FarChanged { .. }) => self.services += 1,
                Output::Event(_) => {}
            }
        }
    }

    fn frame(&mut self, frame: &[u8]) {
        self.turns += 1;
        self.now += Duration::from_millis(1);
        self.line.put(frame);
        if let Some(frame) = self.line.take() {
            self.d.handle_frame(self.now, frame);
        }
        self.drain();
        if self.turns.is_multiple_of(1000) {
            self.d.handle_timeout(self.now);
            self.drain();
        }
    }

    fn message(&mut self, message: &[u8]) {
        let mut frame = [0; FRAME_MAX];
        frame[..4].copy_from_slice(&[0x02, 0x01, self.next_number << 1, self.expected << 1]);
        frame[4..4 + message.len()].copy_from_slice(message);
        self.next_number = (self.next_number + 1) & 0x7f;
        self.frame(&frame[..4 + message.len()]);
    }

    fn poll(&mut self) {
        self.frame(&[0x02, 0x01, 0x01, (self.expected << 1) | 1]);
    }

    fn setup(&mut self, setup: &mut [u8]) {
        self.reference = self.reference % 0x7fff + 1;
        setup[2..4].copy_from_slice(&self.reference.to_be_bytes());
        self.message(setup);
    }

    fn dial(&mut self, setup: &Setup) {
        self.d.dial(self.now, setup).expect("the link is up");
        self.drain();
        let answer = [0x08, 0x02, self.last[6] | 0x80, self.last[7], 0x5a, 0x08, 0x02, 0x80, 0xa2];
        self.message(&answer);
    }

    fn service(&mut self, service: &mut [u8]) {
        // Answers have a pace: let there be time.
        self.now += Duration::from_secs(60);
        service[7] ^= 0x02;
        self.message(service);
    }
}

/// Frames on their way, in places of their own as on libpri's side: what is copied is their octets.
struct Line {
    places: [([u8; FRAME_MAX], usize); ROOM],
    first: usize,
    count: usize,
}

const ROOM: usize = 64;

impl Default for Line {
    fn default() -> Line {
        Line { places: [([0; FRAME_MAX], 0); ROOM], first: 0, count: 0 }
    }
}

impl Line {
    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn put(&mut self, frame: &[u8]) {
        assert!(self.count < ROOM, "a queue is full");
        let (octets, length) = &mut self.places[(self.first + self.count) % ROOM];
        octets[..frame.len()].copy_from_slice(frame);
        *length = frame.len();
        self.count += 1;
    }

    fn take(&mut self) -> Option<&[u8]> {
        let at = self.first;
        self.count = self.count.checked_sub(1)?;
        self.first = (at + 1) % ROOM;
        let (octets, length) = &self.places[at];
        Some(&octets[..*length])
    }
}

/// Both ends of ours, joined in memory.
struct Pair {
    ends: [Box<DChannel>; 2],
    lines: [Line; 2],
    now: Duration,
    released: u32,
}

const USER: usize = 0;
const NETWORK: usize = 1;

impl Pair {
    fn new() -> Pair {
        let end = |side| Box::new(DChannel::new(Config::new(side, Switch::Ni2, false)));
        let ends = [end(Side::User), end(Side::Network)];
        let lines = [Line::default(), Line::default()];
        let mut pair = Pair { ends, lines, now: Duration::ZERO, released: 0 };
        pair.ends[NETWORK].start(pair.now);
        pair.run();
        assert!(pair.ends[USER].is_up() && pair.ends[NETWORK].is_up());
        pair
    }

    fn call(&mut self, setup: &Setup) {
        self.now += Duration::from_millis(1);
        self.ends[NETWORK].dial(self.now, setup).expect("the link is up");
        self.run();
    }

    fn run(&mut self) {
        loop {
            self.drain(NETWORK);
            self.drain(USER);
            if self.lines.iter().all(Line::is_empty) {
                break;
            }
            for end in [USER, NETWORK] {
                while let Some(frame) = self.lines[end].take() {
                    self.ends[end].handle_frame(self.now, frame);
                    self.drain(end);
                }
            }
        }
    }

    fn drain(&mut self, end: usize) {
        let (d, now) = (&mut self.ends[end], self.now);
        while let Some(output) = d.poll_output() {
            match output {
                Output::Frame(_, frame) => {
                    self.lines[1 - end].put(frame);
                }
                Output::Event(Event::Incoming { call, .. }) => {
                    d.proceed(now, call, 5).expect("it is new");
                    d.alert(now, call).expect("it is new");
                    d.connect(now, call).expect("it is not answered");
                }
                Output::Event(Event::Connected { call }) if end == NETWORK => {
                    d.clear(now, call, Cause::user(16)).expect("it is up");
                }
                Output::Event(Event::Released { .. }) => self.released += u32::from(end == NETWORK),
                Output::Event(_) => {}
            }
        }
    }
}

/// Nanoseconds a turn.
fn timed(turns: u32, mut once: impl FnMut()) -> f64 {
    let start = processor_time();
    for _ in 0..turns {
        once();
    }
    (processor_time() - start).as_nanos() as f64 / f64::from(turns)
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
        format!("{:>7.0} ({:.0} to {:.0})", self.median, self.least, self.most)
    }

    fn json(self) -> Value {
        json!({ "median": self.median, "least": self.least, "most": self.most })
    }
}

fn main() {
    if !require("the bench beside libpri", &[GCC, LIBPRI]) {
        return;
    }
    let (mut libpri, about) = Libpri::start();
    let octets = |name: &str| unhex(about[name].as_str().expect("it tells its octets"));
    let (mut setup_octets, mut service_octets) = (octets("setup"), octets("service"));
    let number = |digits| Number { kind: 2, plan: 1, ..Number::new(digits) };
    let setup = Setup {
        called: number("2125550100"),
        calling: Some(Number {
            presentation: Presentation::Allowed,
            screening: Screening::UserPassed,
            ..number("2025550101")
        }),
        channel: ChannelChoice::Exclusive(5.into()),
        ..Setup::default()
    };
    let raw = setup_octets.clone();
    let raw = split(&raw).expect("libpri's SETUP is one");
    let (read, _) = content::decode(&raw);
    let service = ServiceMessage::decode(&service_octets).expect("it is one");

    let (mut alone, mut pair) = (Alone::new(), Pair::new());
    let mut ours = vec![Vec::new(); WHOLE.len()];
    let mut theirs = vec![Vec::new(); WHOLE.len()];
    let mut codec = vec![Vec::new(); CODEC.len()];
    // One round to warm up.
    for round in 0..=ROUNDS {
        for (place, (name, _, turns)) in WHOLE.into_iter().enumerate() {
            let before = (alone.released, alone.services, pair.released);
            let our_time = match name {
                "poll" => timed(turns, || alone.poll()),
                "setup" => timed(turns, || alone.setup(&mut setup_octets)),
                "dial" => timed(turns, || alone.dial(&setup)),
                "service" => timed(turns, || alone.service(&mut service_octets)),
                _ => timed(turns, || pair.call(&setup)),
            };
            let done = match name {
                "setup" | "dial" => alone.released - before.0,
                "service" => alone.services - before.1,
                "call" => pair.released - before.2,
                _ => turns,
            };
            assert_eq!(done, turns, "{name}: every turn came to its end");
            let their_time = libpri.work(name, turns);
            if round > 0 {
                ours[place].push(our_time);
                theirs[place].push(their_time);
            }
        }
        for (place, (name, _, turns)) in CODEC.into_iter().enumerate() {
            let time = match name {
                "decode-setup" => timed(turns, || {
                    let raw = split(black_box(&setup_octets)).expect("it is one");
                    black_box(content::decode(&raw));
                }),
                "encode-setup" => timed(turns, || {
                    black_box(content::encode(raw.reference, raw.kind, black_box(&read)).expect("it fits"));
                }),
                "decode-service" => timed(turns, || {
                    black_box(ServiceMessage::decode(black_box(&service_octets)).expect("it is one"));
                }),
                _ => timed(turns, || {
                    black_box(black_box(&service).encode());
                }),
            };
            if round > 0 {
                codec[place].push(time);
            }
        }
    }

    let version = about["version"].as_str().expect("it tells its version");
    let mut rows = Vec::new();
    for (place, (name, words, _)) in WHOLE.into_iter().enumerate() {
        rows.push((name, words, Spread::of(ours[place].clone()), Some(Spread::of(theirs[place].clone()))));
    }
    for (place, (name, words, _)) in CODEC.into_iter().enumerate() {
        rows.push((name, words, Spread::of(codec[place].clone()), None));
    }
    if std::env::args().any(|argument| argument == "--json") {
        let works: Vec<Value> = rows
            .iter()
            .map(|(name, _, ours, theirs)| {
                let ratio = theirs.map(|theirs| theirs.median / ours.median);
                json!({ "work": name, "ours_ns": ours.json(), "libpri_ns": theirs.map(Spread::json), "ratio": ratio })
            })
            .collect();
        println!("{}", json!({ "libpri": version, "rounds": ROUNDS, "d_channel_octets": D_CHANNEL, "works": works }));
        return;
    }
    println!("nanoseconds of processor time, median of {ROUNDS} rounds (least to most); libpri {version}\n");
    println!("{:<45} {:<24} {:<24} libpri/ours", "work", "ours", "libpri");
    for (_, words, ours, theirs) in &rows {
        let (beside, ratio) = theirs.map_or_else(
            || ("      - (no codec of its own)".into(), String::new()),
            |theirs| (theirs.words(), format!("{:.1}", theirs.median / ours.median)),
        );
        println!("{words:<45} {:<24} {beside:<24} {ratio}", ours.words());
    }
    println!("\none D channel of ours takes {D_CHANNEL} octets, and never more");
    let per_second = |spread: Spread| 1e9 / spread.median;
    if let (_, _, ours, Some(theirs)) = rows[4] {
        println!("calls per second and core: ours {:.0}, libpri {:.0}", per_second(ours), per_second(theirs));
    }
}
