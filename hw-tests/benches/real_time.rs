//! How well the daemon keeps time under load: `cargo bench -p hw-tests --bench real_time -- --minutes 10`
//!
//! The daemon as a process on the software card, with its exchange, one, ten or 84 spans, 23, 240 or 2000 callers who all talk in
//! conferences, an encoder for each conference and 500 listeners; each with real-time scheduling and without. What it says
//! of itself (ticks, lateness, work) and what the kernel says of its threads (faults, switches, processor time) are
//! read before and after, and the difference is printed.
//!
//! `--minutes N` for each run (default 10), `--spans 1,10,84` which, `--tick 5|10|20`, `--listeners N`, `--fifo yes|no|both`,
//! `--pin yes|no`. Runs follow one another in this order, each tells how far it is, and at the end there is a table of all of them
//! for docs/BENCHMARKS.md. Nothing is asserted: this is for reading.
//!
//! Pinned (the default with two processors or more) the real-time thread has processor 0 for itself: the exchange, the encoders and
//! those who listen have the others. Without that the load is measured as much as the daemon. The exchange, in the field a machine
//! of its own, goes before all else there (`renice`, for who may): one that is late sends broken keys.

use control::{DialPlan, Repeat, Reservation, Reserve, Status, Timing};
use hw_tests::daemon::Daemon;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A load.
struct Load {
    spans: usize,
    /// `T1` or `E1`, and what is spoken on its D channel.
    line: &'static str,
    switch: &'static str,
    calls: usize,
    conferences: usize,
}

const LOADS: [Load; 3] = [
    Load { spans: 1, line: "T1", switch: "ni2", calls: 23, conferences: 1 },
    Load { spans: 10, line: "E1", switch: "euroisdn", calls: 240, conferences: 10 },
    Load { spans: 84, line: "E1", switch: "euroisdn", calls: 2000, conferences: 20 },
];

/// Spans on one card at most.
const SPANS_A_CARD: usize = 64;

/// Calls dialled together, and the pause until the next: 40 in a second.
const BATCH: usize = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// Until everything that happens once has happened.
const SETTLING: Duration = Duration::from_secs(5);

/// Between two words about how far a run is.
const TELL_EVERY: Duration = Duration::from_secs(30);

struct Arguments {
    minutes: f64,
    spans: Vec<usize>,
    tick_ms: u32,
    listeners: usize,
    fifo: Vec<bool>,
    pin: bool,
}

/// Processors there are.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn arguments() -> Result<Arguments, String> {
    let mut given = Arguments {
        minutes: 10.0,
        spans: vec![1, 10, 84],
        tick_ms: 5,
        listeners: 500,
        fifo: vec![true, false],
        pin: processors() > 1,
    };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} wants a value"))?;
        let wrong = || format!("{word} {value}: not understood");
        match word.as_str() {
            "--minutes" => given.minutes = value.parse().map_err(|_| wrong())?,
            "--spans" => {
                given.spans = value.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
            }
            "--tick" => given.tick_ms = value.parse().map_err(|_| wrong())?,
            "--listeners" => given.listeners = value.parse().map_err(|_| wrong())?,
            "--fifo" if value == "yes" => given.fifo = vec![true],
            "--fifo" if value == "no" => given.fifo = vec![false],
            "--fifo" if value == "both" => given.fifo = vec![true, false],
            "--pin" if value == "yes" && processors() > 1 => given.pin = true,
            "--pin" if value == "no" => given.pin = false,
            _ => return Err(wrong()),
        }
    }
    Ok(given)
}

fn main() -> ExitCode {
    let given = match arguments() {
        Ok(given) => given,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    // Built before anybody is kept off a processor.
    let _ = hw_tests::daemon::program("trunkcastd");
    prepare(given.pin);
    let mut table = vec![
        "| spans, callers | scheduling | late p50 / p99 / p99.99 / max, us | work p50 / p99 / p99.99 / max, us | faults | \
         preempted | written off | underruns, slips |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for load in LOADS.iter().filter(|load| given.spans.contains(&load.spans)) {
        for &fifo in &given.fifo {
            table.push(run(load, fifo, &given));
        }
    }
    println!("\nFaults are those of the real-time thread, and of the encoders' threads.\n\n{}", table.join("\n"));
    ExitCode::SUCCESS
}

/// What the daemon inherits: as many open files as there may be, and all processors but that of its real-time thread.
fn prepare(pin: bool) {
    let files = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(why) = files {
        eprintln!("as many open files as there were: {}", why.desc());
    }
    if pin {
        keep_on(0, 1..processors());
    }
}

/// Keep a thread (0: this one, and all it starts) on these processors.
fn keep_on(thread: i32, processors: std::ops::Range<usize>) {
    let mut set = CpuSet::new();
    let kept = processors.into_iter().try_for_each(|processor| set.set(processor));
    if let Err(why) = kept.and_then(|()| sched_setaffinity(Pid::from_raw(thread), &set)) {
        eprintln!("not pinned: {}", why.desc());
    }
}

/// Have a thread go before others of its processor.
fn hurry(thread: &str) {
    let done = Command::new("renice").args(["-n", "-15", "-p", thread]).stdout(Stdio::null()).status();
    if !done.is_ok_and(|status| status.success()) {
        eprintln!("the exchange does not go before others: renice did not take it");
    }
}

/// One load, with real-time scheduling or without. Returns its row of the table.
fn run(load: &Load, fifo: bool, given: &Arguments) -> String {
    // What takes a while is told beside the figures.
    eprintln!("starting: {} spans, {}", load.spans, if fifo { "SCHED_FIFO" } else { "ordinary scheduling" });
    let daemon = start(load, fifo, given.tick_ms);
    for (tid, thread) in Reading::take(&daemon).threads {
        match thread.name.as_str() {
            "realtime" if given.pin => keep_on(tid.parse().expect("a number"), 0..1),
            "exchange" => hurry(&tid),
            _ => {}
        }
    }
    eprintln!("calling: {} callers", load.calls);
    let events = reserve(&daemon, load.conferences);
    let dialled = dial(&daemon, load, &events);
    let patience = Duration::from_secs(60);
    daemon.wait_for("everybody in conference", patience, |client| {
        let callers: u32 = client.events().ok()?.iter().map(|event| event.callers).sum();
        (callers as usize == load.calls).then_some(())
    });
    let urls: Vec<String> = daemon.wait_for("all streams", patience, |client| {
        let events = client.events().ok()?;
        let urls: Vec<_> = events.iter().filter_map(|event| Some(event.streams.first()?.url.clone())).collect();
        (urls.len() == load.conferences).then_some(urls)
    });
    eprintln!("measuring for {:.1} minutes", given.minutes);
    let audience = Audience::gather(&urls, given.listeners);
    std::thread::sleep(SETTLING);

    let (before, begun) = (Reading::take(&daemon), Instant::now());
    let length = Duration::from_secs_f64(given.minutes * 60.0);
    let mut calls_least = load.calls as u32;
    let mut told = Duration::ZERO;
    while begun.elapsed() < length {
        std::thread::sleep((length.saturating_sub(begun.elapsed())).min(Duration::from_secs(1)));
        let status = daemon.client().status().expect("it runs");
        calls_least = calls_least.min(status.calls);
        if begun.elapsed() >= told + TELL_EVERY {
            told = begun.elapsed();
            eprintln!(
                "  {:.1} of {:.1} minutes: {} calls, {} ticks, {} written off",
                told.as_secs_f64() / 60.0,
                given.minutes,
                status.calls,
                status.loop_.ticks,
                status.loop_.overruns
            );
        }
    }
    let after = Reading::take(&daemon);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "\n== {} spans ({}), {} callers in {} conferences, {} listeners, tick {} ms, {:.1} minutes, {}",
        load.spans,
        load.line,
        load.calls,
        load.conferences,
        given.listeners,
        given.tick_ms,
        seconds / 60.0,
        match (fifo, after.status.realtime.fifo) {
            (true, true) => "SCHED_FIFO".to_owned(),
            (true, false) => format!("SCHED_FIFO refused: {:?}", after.status.realtime.note),
            (false, _) => "no real-time scheduling".to_owned(),
        }
    );
    println!(
        "set up in {:.0} s; resident {} MB, locked {}; {} files open; real-time thread {}; fewest calls standing {calls_least}; \
         listeners got {:.1} MB/s, {} were cut off",
        dialled.as_secs_f64(),
        after.resident_kb / 1024,
        after.status.realtime.locked,
        fs::read_dir(format!("/proc/{}/fd", daemon.pid())).map_or(0, Iterator::count),
        if given.pin { "alone on its processor" } else { "anywhere" },
        audience.octets.load(Ordering::Relaxed) as f64 / 1e6 / (seconds + SETTLING.as_secs_f64()),
        audience.lost.load(Ordering::Relaxed),
    );
    after.print_since(&before, seconds);
    format!(
        "| {}, {calls_least} | {} {}",
        load.spans,
        if fifo { "SCHED_FIFO" } else { "ordinary" },
        after.row_since(&before)
    )
}

fn start(load: &Load, fifo: bool, tick_ms: u32) -> Daemon {
    let mut rest = format!("[loop]\ntick_ms = {tick_ms}\nrealtime = {fifo}\n[recording]\nenabled = false\n");
    // What tries idle channels would be one more thing that differs from run to run.
    rest += "[self_test]\nevery_s = 0\n";
    for span in 0..load.spans {
        if span % SPANS_A_CARD == 0 {
            rest += &format!("[[card]]\nboard = \"loopback\"\nname = \"soft{}\"\n", span / SPANS_A_CARD);
        }
        let Load { line, switch, .. } = load;
        rest += &format!("[[card.span]]\nline = \"{line}\"\nswitch = \"{switch}\"\nfar_end = \"exchange\"\n");
    }
    let ports = u16::try_from(load.conferences).expect("few") + 4;
    let mut daemon = Daemon::prepare_with_ports(ports, "", "low_water = 0\nhigh_water = 1", &rest);
    daemon.run();
    daemon
}

fn reserve(daemon: &Daemon, count: usize) -> Vec<Reservation> {
    let mut client = daemon.client();
    let title = |number| Reserve { title: format!("Load {number}"), ..Reserve::default() };
    (0..count).map(|number| client.reserve(title(number)).expect("reserved")).collect()
}

/// Have everybody call; how long it took.
fn dial(daemon: &Daemon, load: &Load, events: &[Reservation]) -> Duration {
    let begun = Instant::now();
    let mut client = daemon.client();
    for call in 0..load.calls {
        let event = &events[call % events.len()];
        let host = call < events.len();
        let plan = DialPlan {
            calling: Some(format!("2025{call:06}")),
            event: Some(event.event.clone()),
            pin: Some(if host { event.pins.host.clone() } else { event.pins.speaker.clone() }),
            wav: Some(format!(
                "{}/../assets/speech/{}.wav",
                env!("CARGO_MANIFEST_DIR"),
                ["a1", "b1", "a2", "b2"][call % 4]
            )),
            repeat: Repeat::Forever,
            key_on_ms: 60,
            key_off_ms: 60,
            ..DialPlan::default()
        };
        client.exchange_dial(plan).expect("dialled");
        if call % BATCH == BATCH - 1 {
            std::thread::sleep(PAUSE);
        }
    }
    begun.elapsed()
}

/// Listeners who take in whatever comes, on one thread.
struct Audience {
    octets: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Audience {
    fn gather(urls: &[String], count: usize) -> Audience {
        let ours = Audience { octets: Arc::default(), lost: Arc::default(), over: Arc::default() };
        let mut streams: Vec<TcpStream> = (0..count).map(|listener| tune_in(&urls[listener % urls.len()])).collect();
        let (octets, lost, over) = (ours.octets.clone(), ours.lost.clone(), ours.over.clone());
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while !over.load(Ordering::Relaxed) {
                streams.retain_mut(|stream| match stream.read(&mut buffer) {
                    Ok(count @ 1..) => octets.fetch_add(count as u64, Ordering::Relaxed) < u64::MAX,
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => true,
                    Ok(0) | Err(_) => lost.fetch_add(1, Ordering::Relaxed) == u64::MAX,
                });
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        ours
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn tune_in(url: &str) -> TcpStream {
    let (host, path) = url.strip_prefix("http://").and_then(|u| u.split_once('/')).expect("an address");
    let mut stream = TcpStream::connect(host).expect("listening");
    write!(stream, "GET /{path} HTTP/1.0\r\n\r\n").expect("asked");
    stream.set_nonblocking(true).expect("a socket");
    stream
}

/// What the kernel has counted of a thread.
#[derive(Clone, Debug, Default)]
struct Thread {
    name: String,
    minor_faults: u64,
    major_faults: u64,
    /// Processor time in hundredths of a second.
    time: u64,
    /// Switches it asked for, by waiting, and those it did not.
    waited: u64,
    preempted: u64,
}

impl Thread {
    /// Source: proc_pid_stat(5), proc_pid_status(5).
    fn read(pid: u32, tid: &str) -> Option<Thread> {
        let of = |file| fs::read_to_string(format!("/proc/{pid}/task/{tid}/{file}")).ok();
        let stat = of("stat")?;
        // The name may hold anything, parentheses included; the rest is numbers.
        let (name, rest) = (stat.split_once('(')?.1.rsplit_once(')')?.0, stat.rsplit_once(')')?.1);
        let field = |number: usize| rest.split_whitespace().nth(number - 3)?.parse::<u64>().ok();
        let status = of("status")?;
        let count = |key: &str| status.lines().find_map(|l| l.strip_prefix(key)?.trim().parse().ok());
        Some(Thread {
            name: name.to_owned(),
            minor_faults: field(10)?,
            major_faults: field(12)?,
            time: field(14)? + field(15)?,
            waited: count("voluntary_ctxt_switches:")?,
            preempted: count("nonvoluntary_ctxt_switches:")?,
        })
    }
}

/// Everything at one moment.
struct Reading {
    status: Status,
    underruns: u64,
    slips: u64,
    refused: u64,
    threads: BTreeMap<String, Thread>,
    resident_kb: u64,
    stolen: u64,
}

/// Hundredths of a second that the processors of a virtual machine were another's. Source: proc(5), `/proc/stat`.
fn stolen() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    stat.lines().next().and_then(|all| all.split_whitespace().nth(8)?.parse().ok()).unwrap_or_default()
}

impl Reading {
    fn take(daemon: &Daemon) -> Reading {
        let mut client = daemon.client();
        let spans = client.spans().expect("it runs");
        let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("it runs");
        let tids = tasks.filter_map(|task| task.ok()?.file_name().into_string().ok());
        let threads = tids.filter_map(|tid| Some((tid.clone(), Thread::read(daemon.pid(), &tid)?))).collect();
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        Reading {
            status: client.status().expect("it runs"),
            underruns: spans.iter().map(|span| span.counters.underruns).sum(),
            slips: spans.iter().map(|span| span.counters.slips).sum(),
            refused: spans.iter().map(|span| span.counters.calls_refused).sum(),
            threads,
            resident_kb: resident.unwrap_or_default(),
            stolen: stolen(),
        }
    }

    /// Lateness and work of the ticks between two readings: p50, p99, p99.99 and the greatest, in microseconds.
    fn quantiles_since(&self, before: &Reading) -> [[u64; 4]; 2] {
        let (now, then) = (&self.status.loop_, &before.status.loop_);
        [(&now.late, &then.late), (&now.work, &then.work)].map(|(now, then)| {
            let counts = since(now, then);
            [0.5, 0.99, 0.9999, 1.0].map(|share| quantile(&counts, share))
        })
    }

    /// The rest of a row of the table.
    fn row_since(&self, before: &Reading) -> String {
        let (now, then) = (&self.status.loop_, &before.status.loop_);
        let [late, work] =
            self.quantiles_since(before).map(|[p50, p99, p9999, max]| format!("{p50} / {p99} / {p9999} / {max}"));
        let of = |name: &str, what: fn(&Thread) -> u64| -> u64 {
            let threads = self.threads.iter().filter(|(_, thread)| thread.name == name);
            threads.map(|(tid, thread)| what(thread) - before.threads.get(tid).map_or(0, what)).sum()
        };
        let faults = |thread: &Thread| thread.minor_faults + thread.major_faults;
        format!(
            "| {late} | {work} | {}, {} | {} | {} | {}, {} |",
            of("realtime", faults),
            of("casting", faults),
            of("realtime", |thread| thread.preempted),
            now.overruns - then.overruns,
            self.underruns - before.underruns,
            self.slips - before.slips,
        )
    }

    fn print_since(&self, before: &Reading, seconds: f64) {
        println!("{:10} {:>9} {:>9} {:>9} {:>9}", "us", "p50", "p99", "p99.99", "max <=");
        let (now, then) = (&self.status.loop_, &before.status.loop_);
        for (name, [p50, p99, p9999, max]) in ["lateness", "work"].into_iter().zip(self.quantiles_since(before)) {
            println!("{name:10} {p50:>9} {p99:>9} {p9999:>9} {max:>9}");
        }
        println!(
            "ticks {}, written off {}, underruns {}, slips {}, reports dropped {}, calls refused {}",
            now.ticks - then.ticks,
            now.overruns - then.overruns,
            self.underruns - before.underruns,
            self.slips - before.slips,
            self.status.dropped_reports - before.status.dropped_reports,
            self.refused - before.refused,
        );
        println!(
            "the processors were given to other machines for {:.2} s",
            (self.stolen - before.stolen) as f64 / 100.0
        );
        for alarm in &self.status.alarms {
            println!("alarm: {}", alarm.text);
        }
        println!(
            "{:16} {:>8} {:>10} {:>10} {:>12} {:>12}",
            "thread", "cpu %", "minor", "major", "waited/s", "preempted/s"
        );
        for (tid, thread) in &self.threads {
            let then = before.threads.get(tid).cloned().unwrap_or_default();
            let share = (thread.time - then.time) as f64 / seconds;
            if share >= 0.1 || thread.name == "realtime" {
                println!(
                    "{:16} {share:>8.1} {:>10} {:>10} {:>12.1} {:>12.1}",
                    thread.name,
                    thread.minor_faults - then.minor_faults,
                    thread.major_faults - then.major_faults,
                    (thread.waited - then.waited) as f64 / seconds,
                    (thread.preempted - then.preempted) as f64 / seconds,
                );
            }
        }
    }
}

/// What was counted between two readings: largest value of the bucket, and how often.
fn since(now: &Timing, then: &Timing) -> Vec<(u64, u64)> {
    let known: BTreeMap<u64, u64> = then.buckets.iter().map(|bucket| (bucket.up_to_us, bucket.count)).collect();
    let new = |up_to: u64, count: u64| count - known.get(&up_to).copied().unwrap_or_default();
    now.buckets
        .iter()
        .map(|bucket| (bucket.up_to_us, new(bucket.up_to_us, bucket.count)))
        .filter(|(_, n)| *n > 0)
        .collect()
}

fn quantile(counts: &[(u64, u64)], share: f64) -> u64 {
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let mut left = (total as f64 * share).ceil() as u64;
    for (up_to, count) in counts {
        if left <= *count {
            return *up_to;
        }
        left -= count;
    }
    counts.last().map_or(0, |(up_to, _)| *up_to)
}
