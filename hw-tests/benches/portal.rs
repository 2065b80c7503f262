//! What listeners cost beside Icecast, and how fast the portal reserves: `cargo bench -p hw-tests --bench portal`
//!
//! One caller speaks; the daemon casts it as MP3 on one stream port and pushes the same frames to an Icecast on this computer. In
//! each round two thousand listeners come to the one and as many to the other, and read what they get. Processor time and memory of
//! both servers are read from the kernel over the same seconds, before and meanwhile; what each spends with nobody listening is
//! taken off.
//!
//! Then events are reserved through the portal with a keeper beside it, whose database (SQLite) is there in one round and away in
//! the next; it is counted how many a second, and how long it takes from a reservation to sound in somebody's ears.
//!
//! `--listeners N` (default 2000), `--seconds N` for each measurement (default 20), `--rounds N` (default 3). Nothing is asserted:
//! this is for reading. Needs Debian's icecast2. A debug build is refused: its figures would say nothing.

use control::{DialPlan, Repeat};
use hw_tests::daemon::{Daemon, T1, free_ports, program};
use hw_tests::web::Portal;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

/// Until everything that happens once has happened.
const SETTLING: Duration = Duration::from_secs(5);
const RESERVATIONS: usize = 200;
/// Is the database there, and how many ask at a time.
const CASES: [(bool, usize); 4] = [(true, 1), (false, 1), (true, 4), (false, 4)];
/// Until the keeper has made its tables, or found that it cannot.
const KEEPING: Duration = Duration::from_secs(3);
const GENEROUS: &str = "open = true\n[limits]\nrequests = 200000000\nreservations = 200000000";

/// An Icecast on this port, for anybody but root, which it refuses to work for.
struct Icecast(Child);

impl Icecast {
    fn start(folder: &Path, port: u16, clients: usize) -> Option<Icecast> {
        let program = "/usr/bin/icecast2";
        if !Path::new(program).exists() {
            return None;
        }
        let text = format!(
            "<icecast><limits><clients>{}</clients><sources>2</sources></limits><authentication>\
             <source-password>bench</source-password><admin-user>admin</admin-user><admin-password>bench</admin-password>\
             </authentication><hostname>localhost</hostname><listen-socket><port>{port}</port><bind-address>127.0.0.1\
             </bind-address></listen-socket><paths><logdir>{}</logdir><webroot>/usr/share/icecast2/web</webroot>\
             <adminroot>/usr/share/icecast2/admin</adminroot></paths><logging><accesslog>-</accesslog><errorlog>-</errorlog>\
             </logging></icecast>",
            clients + 100,
            folder.display()
        );
        let file = folder.join("icecast.xml");
        fs::write(&file, text).expect("written");
        // Read by somebody else.
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
        let mut command = Command::new("setpriv");
        if nix::unistd::getuid().is_root() {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        let command = command.args([program, "-c"]).arg(&file).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let server = Icecast(child);
        (0..200).find(|_| {
            std::thread::sleep(Duration::from_millis(50));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Some(server)
    }
}

impl Drop for Icecast {
    fn drop(&mut self) {
        // It is going away in any case.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process has spent and holds.
#[derive(Clone, Copy, Debug)]
struct Spent {
    cpu_s: f64,
    rss_kib: f64,
}

fn spent(pid: u32) -> Spent {
    // Nanoseconds of each thread, those that have ended included in none; both servers keep theirs.
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let cpu_ns: u64 = tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
        .sum();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    Spent { cpu_s: cpu_ns as f64 / 1e9, rss_kib: rss.and_then(|kib| kib.trim().parse().ok()).expect("kilobytes") }
}

/// Shares of a processor over the same time, and what is held at its end.
fn measured(pids: [u32; 2], seconds: u64) -> [Spent; 2] {
    std::thread::sleep(SETTLING);
    let (began, before) = (Instant::now(), pids.map(spent));
    std::thread::sleep(Duration::from_secs(seconds));
    let (elapsed_s, after) = (began.elapsed().as_secs_f64(), pids.map(spent));
    [0, 1].map(|n| Spent { cpu_s: (after[n].cpu_s - before[n].cpu_s) / elapsed_s, rss_kib: after[n].rss_kib })
}

/// Median, least and greatest.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

/// Listeners who read what they get.
struct Crowd {
    done: Arc<AtomicBool>,
    octets: Arc<AtomicU64>,
    reading: Option<std::thread::JoinHandle<usize>>,
}

impl Crowd {
    fn come(count: usize, port: u16, path: &str) -> Crowd {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\r\n");
        let (done, octets) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stop, sum) = (done.clone(), octets.clone());
        let (come, coming) = mpsc::channel::<TcpStream>();
        // From the first on: a server drops whoever does not read while the others come.
        let reading = std::thread::spawn(move || {
            let (mut streams, mut buffer) = (Vec::new(), vec![0; 1 << 18]);
            while !stop.load(Ordering::Relaxed) {
                streams.extend(coming.try_iter());
                streams.retain_mut(|stream| match stream.read(&mut buffer) {
                    Ok(0) => false,
                    Ok(octets) => {
                        sum.fetch_add(octets as u64, Ordering::Relaxed);
                        true
                    }
                    Err(error) => error.kind() == ErrorKind::WouldBlock,
                });
                std::thread::sleep(Duration::from_millis(200));
            }
            streams.len()
        });
        for _ in 0..count {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
            stream.write_all(request.as_bytes()).expect("asked");
            stream.set_nonblocking(true).expect("set");
            come.send(stream).expect("somebody reads");
        }
        Crowd { done, octets, reading: Some(reading) }
    }

    /// How many are still there, and how much was read for each in kilobytes.
    fn go(mut self) -> (usize, f64) {
        self.done.store(true, Ordering::Relaxed);
        let left = self.reading.take().map_or(0, |reading| reading.join().expect("joined"));
        (left, self.octets.load(Ordering::Relaxed) as f64 / 1000.0 / left.max(1) as f64)
    }
}

fn reserve(portal: &Portal, title: &str) -> Value {
    let document = format!("{{\"title\": \"{title}\"}}");
    portal.ask("POST", "/api/v1/events", &["Content-Type: application/json"], &document).json()
}

fn call_in(daemon: &Daemon, event: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let speech = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/speech/a1.wav");
    let plan = DialPlan {
        event: text(&event["number"]),
        pin: text(&event["pins"]["host"]),
        wav: Some(speech.to_owned()),
        repeat: Repeat::Forever,
        key_on_ms: 60,
        key_off_ms: 60,
        ..DialPlan::default()
    };
    daemon.client().exchange_dial(plan).expect("dialled");
}

fn argument(name: &str, default: usize) -> usize {
    let mut words = std::env::args().skip_while(|word| word != name);
    words.nth(1).and_then(|word| word.parse().ok()).unwrap_or(default)
}

/// An event that is on the air and pushed to an Icecast, with the pids and ports of ours and of theirs, and its number.
struct OnAir {
    pids: [u32; 2],
    ports: [u16; 2],
    path: String,
    // In this order they end.
    _portal: Portal,
    _daemon: Daemon,
    _icecast: Icecast,
    _folder: tempfile::TempDir,
}

fn on_air(count: usize) -> Option<OnAir> {
    let folder = tempfile::tempdir().expect("a folder");
    let theirs = free_ports(1);
    let icecast = Icecast::start(folder.path(), theirs, count)?;
    let push =
        format!("push = [\"icecast://source:bench@127.0.0.1:{theirs}/{{event}}.mp3\"]\nmax_listeners = {}", count + 10);
    let daemon = Daemon::start("", &push, T1);
    let portal = Portal::beside(&daemon, GENEROUS);
    let event = reserve(&portal, "Many listeners");
    call_in(&daemon, &event);
    let number = event["number"].as_str().expect("text");
    let ours = daemon.wait_for("an event on the air", Duration::from_secs(60), |client| {
        client.ports().ok()?.into_iter().find(|port| port.event.as_deref() == Some(number)).map(|port| port.port)
    });
    Some(OnAir {
        pids: [daemon.pid(), icecast.0.id()],
        ports: [ours, theirs],
        path: format!("/{number}.mp3"),
        _portal: portal,
        _daemon: daemon,
        _icecast: icecast,
        _folder: folder,
    })
}

fn listeners(count: usize, seconds: u64, rounds: usize) -> Option<()> {
    let air = on_air(count)?;
    println!("round server     listeners  left  kB each  processor %  us a listener and second  KiB a listener");
    let (mut processor, mut memory, mut first) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()], None);
    for round in 1..=rounds {
        let alone = measured(air.pids, seconds);
        // What a crowd has left is not given back to the system: memory counts from before the first came.
        let first = *first.get_or_insert(alone);
        let crowds = air.ports.map(|port| Crowd::come(count, port, &air.path));
        let busy = measured(air.pids, seconds);
        for (n, crowd) in crowds.into_iter().enumerate() {
            let (left, read) = crowd.go();
            let cpu_s = busy[n].cpu_s - alone[n].cpu_s;
            let us = cpu_s.max(0.0) / count as f64 * 1e6;
            let kib = (busy[n].rss_kib - first[n].rss_kib).max(0.0) / count as f64;
            let name = ["trunkcastd", "icecast2"][n];
            println!("{round:5} {name:10} {count:9} {left:5} {read:8.0} {:12.1} {us:25.1} {kib:15.2}", cpu_s * 100.0);
            processor[n].push(us);
            memory[n].push(kib);
        }
    }
    for (what, [ours, theirs]) in [("processor", processor), ("memory", memory)] {
        let (ratio, least, most) = spread(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
        println!(
            "{what}: ours {:.2}, icecast2 {:.2}; ours / icecast2 {ratio:.2} (median of {rounds}, {least:.2} to {most:.2})",
            spread(ours).0,
            spread(theirs).0
        );
    }
    Some(())
}

/// A keeper that brings what the portal records to a database.
struct Keeper(Child);

impl Keeper {
    /// Its database is away when its place is one where nothing can be made.
    fn beside(daemon: &Daemon, present: bool) -> Keeper {
        let file = daemon.file("keeper.toml");
        let database = if present { daemon.file("records.db") } else { Path::new("/dev/null/records.db").to_owned() };
        let database = format!("sqlite:{}", database.display());
        let text = format!("state_dir = {:?}\nserver = \"bench\"\ndatabase = {database:?}\n", daemon.state());
        fs::write(&file, text).expect("written");
        let mut command = Command::new(keeper());
        let command =
            command.arg("--config").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Keeper(command.spawn().expect("the keeper starts"))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The keeper, built like the daemon; it is no part of what tests of the daemon wait for.
fn keeper() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut build = Command::new(env!("CARGO"));
        let build = build.args(["build", "--quiet", "--release", "-p", "keeper"]).current_dir(root);
        assert!(build.status().expect("cargo runs").success(), "the keeper does not build");
        program("trunkcast-keeper")
    });
    built.clone()
}

/// So many reservations a second by so many askers at a time.
fn reserved(portal: &Portal, at_once: usize) -> f64 {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for worker in 0..at_once {
            scope.spawn(move || {
                for nth in 0..RESERVATIONS / at_once {
                    let event = reserve(portal, &format!("Event {worker} {nth}"));
                    assert!(event["number"].is_string(), "{event}");
                }
            });
        }
    });
    RESERVATIONS as f64 / began.elapsed().as_secs_f64()
}

fn reservations(rounds: usize) {
    keeper();
    let mut rates = vec![Vec::new(); 4];
    for _ in 0..rounds {
        for (nth, (present, at_once)) in CASES.into_iter().enumerate() {
            let daemon = Daemon::start("", "", T1);
            let portal = Portal::beside(&daemon, GENEROUS);
            let _keeper = Keeper::beside(&daemon, present);
            // The first makes the tables' rows wait for nothing that happens once.
            reserve(&portal, "The first");
            std::thread::sleep(KEEPING);
            assert_eq!(daemon.file("records.db").exists(), present, "the database is where it should be");
            rates[nth].push(reserved(&portal, at_once));
        }
    }
    println!("reservations a second, {RESERVATIONS} in each of {rounds} rounds: median, least, greatest");
    for ((present, at_once), rates) in CASES.into_iter().zip(rates) {
        let (median, least, most) = spread(rates);
        let database = if present { "present" } else { "away" };
        println!("database {database:7} {at_once} at a time: {median:5.0} {least:5.0} {most:5.0}");
    }
}

fn reserve_to_live() {
    let daemon = Daemon::start("", "", T1);
    let portal = Portal::beside(&daemon, GENEROUS);
    let began = Instant::now();
    let event = reserve(&portal, "Reserve to live");
    let reserved = began.elapsed();
    call_in(&daemon, &event);
    let link = event["link"].as_str().expect("text");
    daemon.wait_for("an event on the air", Duration::from_secs(60), |_| {
        let answer = portal.ask("GET", &format!("{link}state"), &[], "").json();
        (answer["state"] == "live").then_some(())
    });
    let heard = portal.hear(&format!("{link}live.ulaw"), 800);
    assert_eq!(heard.status, 200);
    println!(
        "a reservation takes {reserved:.1?}; from it to sound, with a caller who keys at once: {:.1?}",
        began.elapsed()
    );
}

fn main() -> ExitCode {
    let builds = program("");
    if !builds.ends_with("release") {
        println!("{} holds debug builds, whose figures say nothing: run `cargo bench`", builds.display());
        return ExitCode::FAILURE;
    }
    let (count, seconds, rounds) = (argument("--listeners", 2000), argument("--seconds", 20), argument("--rounds", 3));
    let most = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit").1;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("up to what is allowed");
    println!("release builds of {}", builds.display());
    if listeners(count, seconds as u64, rounds).is_none() {
        println!("listeners: not measured, icecast2 is not installed or does not start");
    }
    reservations(rounds);
    reserve_to_live();
    ExitCode::SUCCESS
}
