//! The real-time thread never waits: while calls come, talk, are streamed, listened to and hung up, strace sees it poll, read
//! its timer, and nothing else; and with memory locked it takes not one page fault.

use control::{DialPlan, Repeat, Reserve};
use hw_tests::daemon::Daemon;
use hw_tests::peers::{Package, Probe, require};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const STRACE: Package = Package { name: "strace", probe: Probe::Program("strace") };
/// How long the thread is watched.
const WATCHED: Duration = Duration::from_secs(8);

/// The number of the thread of this name.
fn thread_named(pid: u32, name: &str) -> u32 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut tasks = tasks.map(|t| t.expect("read").path());
    let task = tasks.find(|t| fs::read_to_string(t.join("comm")).is_ok_and(|c| c.trim() == name));
    let task = task.unwrap_or_else(|| panic!("no thread \"{name}\""));
    task.file_name().and_then(|n| n.to_str()?.parse().ok()).expect("a number")
}

/// Minor and major page faults of a thread so far.
fn faults(pid: u32, tid: u32) -> (u64, u64) {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).expect("it runs");
    // The name stands in brackets and may hold anything; fields are counted from behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let field = |number: usize| fields[number - 3].parse().expect("a number");
    (field(10), field(12))
}

/// The calls in a trace by what they are, with how often: `read(timerfd)`, `epoll_wait`.
fn calls(trace: &str) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for line in trace.lines().map(str::trim).filter(|l| !l.starts_with("---") && !l.starts_with("+++")) {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let name = name.rsplit(' ').next().unwrap_or(name);
        let what = match name {
            // A descriptor with what it is: `7<anon_inode:[timerfd]>`.
            "read" if rest.split(',').next().is_some_and(|d| d.contains("timerfd")) => "read(timerfd)",
            other => other,
        };
        *counted.entry(what.to_owned()).or_default() += 1;
    }
    counted
}

/// strace on this thread, seeing it; none, having said so, where the system forbids tracing a process of one's own.
fn attach(tid: u32, trace: &Path) -> Option<Child> {
    let mut strace = Command::new("strace")
        .args(["-y", "-p", &tid.to_string(), "-o"])
        .arg(trace)
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace runs");
    let deadline = Instant::now() + Duration::from_secs(10);
    while fs::metadata(trace).map_or(0, |m| m.len()) == 0 {
        if strace.try_wait().expect("ours").is_some() {
            let said = strace.wait_with_output().expect("ours").stderr;
            let said = String::from_utf8_lossy(&said);
            assert!(said.contains("not permitted"), "strace: {said}");
            let verdict =
                format!("SKIPPED system_calls: needs the right to trace a process, as root has it ({})", said.trim());
            assert!(env::var("CI").as_deref() != Ok("true"), "{verdict}, and under CI=true nothing may be skipped");
            // Written past the test harness, which keeps the output of tests that pass to itself.
            let _ = writeln!(std::io::stderr(), "{verdict}");
            return None;
        }
        assert!(Instant::now() < deadline, "strace sees nothing of the thread");
        thread::sleep(Duration::from_millis(20));
    }
    Some(strace)
}

fn listen(url: &str) -> TcpStream {
    let (host, path) = url.strip_prefix("http://").and_then(|u| u.split_once('/')).expect("an address");
    let mut stream = TcpStream::connect(host).expect("listening");
    write!(stream, "GET /{path} HTTP/1.0\r\n\r\n").expect("asked");
    let mut reader = stream.try_clone().expect("a descriptor");
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while matches!(reader.read(&mut buffer), Ok(1..)) {}
    });
    stream
}

#[test]
fn the_real_time_thread_only_polls_and_reads_its_timer() {
    if !require("system_calls", &[STRACE]) {
        return;
    }
    let mut daemon = Daemon::start("", "linger_s = 1", "");
    let mut client = daemon.client();
    let event = client.reserve(Reserve { title: "Watched".into(), ..Reserve::default() }).expect("reserved");
    let plan = |pin: &str| DialPlan {
        event: Some(event.event.clone()),
        pin: Some(pin.into()),
        wav: Some(format!("{}/../assets/speech/a1.wav", env!("CARGO_MANIFEST_DIR"))),
        repeat: Repeat::Forever,
        key_on_ms: 60,
        key_off_ms: 60,
        ..DialPlan::default()
    };
    let host = client.exchange_dial(plan(&event.pins.host)).expect("dialled");
    let url = daemon.wait_for("the stream", Duration::from_secs(30), |c| {
        Some(c.events().ok()?.first()?.streams.first()?.url.clone())
    });
    let mut listeners: Vec<TcpStream> = (0..4).map(|_| listen(&url)).collect();

    let (pid, tid) = (daemon.pid(), thread_named(daemon.pid(), "realtime"));
    let trace = daemon.file("trace");
    let Some(mut strace) = attach(tid, &trace) else { return };
    let (before, begun) = (faults(pid, tid), Instant::now());
    // Everything that happens to a gateway: a call comes, keys, joins, talks and goes; listeners come and go; the
    // stream ends and another begins; somebody asks and orders.
    let speaker = client.exchange_dial(plan(&event.pins.speaker)).expect("dialled");
    daemon.wait_for("the second caller", Duration::from_secs(30), |c| {
        (c.events().ok()?.first()?.callers == 2).then_some(())
    });
    listeners.push(listen(&url));
    drop(listeners.remove(0));
    client.exchange_hang_up(speaker).expect("hung up");
    thread::sleep(Duration::from_millis(500));
    client.exchange_hang_up(host).expect("hung up");
    daemon.wait_for("the end of the stream", Duration::from_secs(30), |c| {
        c.events().ok()?.first()?.streams.is_empty().then_some(())
    });
    client.exchange_dial(plan(&event.pins.host)).expect("dialled");
    daemon
        .wait_for("the stream again", Duration::from_secs(30), |c| c.events().ok()?.first()?.streams.first().map(drop));
    thread::sleep(WATCHED.saturating_sub(begun.elapsed()));
    let after = faults(pid, tid);
    let watched = begun.elapsed();
    let strace_pid = nix::unistd::Pid::from_raw(strace.id().cast_signed());
    nix::sys::signal::kill(strace_pid, nix::sys::signal::Signal::SIGINT).expect("it runs");
    strace.wait().expect("ours");

    let status = client.status().expect("answered");
    let calls = calls(&fs::read_to_string(&trace).expect("written"));
    let (minor, major) = (after.0 - before.0, after.1 - before.1);
    println!(
        "{watched:.1?} watched: {calls:?}; page faults: {minor} minor, {major} major; memory locked: {}",
        status.realtime.locked
    );
    let others: Vec<_> =
        calls.keys().filter(|c| !matches!(c.as_str(), "epoll_wait" | "epoll_pwait" | "read(timerfd)")).collect();
    let shown: Vec<String> = fs::read_to_string(&trace)
        .expect("written")
        .lines()
        .filter(|l| others.iter().any(|o| l.contains(o.as_str())))
        .take(20)
        .map(str::to_owned)
        .collect();
    assert!(others.is_empty(), "the real-time thread also called {others:?}\n{}", shown.join("\n"));
    // So that nothing seen means nothing done, not nothing watched; a busy machine runs several ticks a turn.
    let ticks = u64::try_from(watched.as_millis()).expect("short") / u64::from(status.tick_ms);
    assert!(calls["read(timerfd)"] as u64 > ticks / 10, "{calls:?} in {watched:?}");
    assert_eq!(major, 0, "page faults that waited for the disk");
    if status.realtime.locked {
        assert_eq!(minor, 0, "page faults although memory is locked");
    }
    assert!(daemon.terminate().success());
}
