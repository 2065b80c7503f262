//! The daemon under a service manager: a test plays systemd on a datagram socket, hears that the daemon is ready, how it is, that
//! it lives, and how it drains at the end; and hears no heartbeat while the real-time thread alone is held fast.

use control::{Client, DialPlan, Hold, Reservation, Reserve, ServiceState};
use hw_tests::daemon::{Daemon, T1, program};
use hw_tests::peers::{Package, Probe, require};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const STRACE: Package = Package { name: "strace", probe: Probe::Program("strace") };
/// How long a loaded machine may take for anything.
const SOON: Duration = Duration::from_secs(30);
/// What the manager takes for death, in microseconds: the daemon has to say something every 300 ms.
const WATCHDOG_US: &str = "900000";

/// The manager's end of the socket. It is read all the time, as a manager does: the daemon waits for one that is behind.
struct Manager {
    messages: Receiver<String>,
    heard: Vec<String>,
}

impl Manager {
    /// What comes next, line by line; nothing within `wait`.
    fn hear(&mut self, wait: Duration) -> Vec<String> {
        let Ok(message) = self.messages.recv_timeout(wait) else { return Vec::new() };
        let lines: Vec<String> = message.lines().map(str::to_owned).collect();
        self.heard.extend(lines.iter().cloned());
        lines
    }

    /// Listen until a line begins so.
    fn wait_for(&mut self, beginning: &str) -> String {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            if let Some(line) = self.hear(Duration::from_millis(100)).into_iter().find(|l| l.starts_with(beginning)) {
                return line;
            }
        }
        panic!("no {beginning}, only {:?}", self.heard);
    }

    /// How many heartbeats come within `wait`.
    fn heartbeats(&mut self, wait: Duration) -> usize {
        let deadline = Instant::now() + wait;
        let mut count = 0;
        while let Some(rest) = deadline.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
            count += self.hear(rest).iter().filter(|line| *line == "WATCHDOG=1").count();
        }
        count
    }
}

fn started(server: &str) -> (Daemon, Manager) {
    let mut daemon = Daemon::prepare(server, "", T1);
    let path = daemon.file("notify");
    let socket = UnixDatagram::bind(&path).expect("bound");
    daemon.environment("NOTIFY_SOCKET", &path.display().to_string());
    daemon.environment("WATCHDOG_USEC", WATCHDOG_US);
    let (sender, messages) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            if sender.send(String::from_utf8_lossy(&buffer[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    daemon.run();
    let mut manager = Manager { messages, heard: Vec::new() };
    manager.wait_for("READY=1");
    (daemon, manager)
}

fn reserve(daemon: &Daemon) -> Reservation {
    daemon.client().reserve(Reserve { title: "Under way".into(), ..Reserve::default() }).expect("reserved")
}

/// Somebody keys number and PIN and stays until he is cleared; the number of his call.
fn call_in(daemon: &Daemon, event: &Reservation) -> u64 {
    let plan = DialPlan {
        event: Some(event.event.clone()),
        pin: Some(event.pins.speaker.clone()),
        key_on_ms: 60,
        key_off_ms: 60,
        ..DialPlan::default()
    };
    daemon.client().exchange_dial(plan).expect("dialled");
    daemon.wait_for("the caller in the conference", SOON, |client| {
        client.calls().ok()?.iter().find(|call| call.event.is_some()).map(|call| call.id)
    })
}

fn signal(daemon: &Daemon, signal: Signal) {
    kill(Pid::from_raw(daemon.pid().cast_signed()), signal).expect("it runs");
}

/// Channels out at our end, and how many of all are held for the drain.
fn out(client: &mut Client) -> Option<(usize, usize)> {
    let channels = client.channels(Some(1)).ok()?;
    let drained = channels.iter().filter(|c| c.holds.iter().any(|hold| hold.hold == Hold::Drain)).count();
    Some((channels.iter().filter(|c| c.near == ServiceState::OutOfService).count(), drained))
}

#[test]
fn a_manager_hears_that_the_daemon_is_ready_how_it_is_and_how_it_drains() {
    let (mut daemon, mut manager) = started("shutdown_drain_s = 3600");
    println!("{}", manager.wait_for("STATUS=0 calls, 0 conferences, 0 listeners"));
    manager.wait_for("WATCHDOG=1");
    let event = reserve(&daemon);
    let call = call_in(&daemon, &event);
    println!("{}", manager.wait_for("STATUS=1 call, 1 conference"));

    signal(&daemon, Signal::SIGTERM);
    manager.wait_for("STOPPING=1");
    assert_eq!(manager.wait_for("EXTEND_TIMEOUT_USEC="), "EXTEND_TIMEOUT_USEC=30000000");
    println!("{}", manager.wait_for("STATUS=closing down: 1 call left"));
    daemon.wait_for("the idle channels to be out", SOON, |client| (out(client)? == (22, 23)).then_some(()));
    let drain = daemon.client().status().expect("answered").drain.expect("it drains");
    assert_eq!((drain.progress.calls_left, drain.progress.channels_left, drain.progress.done), (1, 1, false));
    assert_eq!(drain.until_ms - drain.since_ms, 3_600_000);
    let shown = Command::new(program("trunkctl")).args(["status", "--socket"]).arg(daemon.socket()).output();
    let shown = String::from_utf8(shown.expect("run").stdout).expect("text");
    assert!(shown.contains("CLOSING DOWN, callers let go in 59 min"), "{shown}");
    assert!(shown.contains("22 of 23 channels out, 1 call left"), "{shown}");
    manager.wait_for("WATCHDOG=1");

    // Nobody gets in any more; whoever is in stays until he hangs up.
    daemon.client().exchange_dial(DialPlan::default()).expect("the exchange tries");
    daemon.wait_for("the call to fail", SOON, |client| {
        let calls = client.exchange_calls().ok()?;
        calls.iter().any(|call| call.state == control::ExchangeCallState::Ended).then_some(())
    });
    assert_eq!(daemon.client().calls().expect("answered").len(), 1);
    daemon.client().hang_up(call).expect("hung up");
    println!("{}", manager.wait_for("STATUS=no call is left"));
    assert!(daemon.ended().success(), "{}", daemon.log());

    daemon.run();
    manager.wait_for("READY=1");
    assert_eq!(out(&mut daemon.client()), Some((0, 0)), "a drain is no lock");
    call_in(&daemon, &event);
}

#[test]
fn a_drain_is_cut_short_by_its_time_or_by_another_signal_and_an_interrupt_begins_none() {
    for (patience, signals, said) in [
        (1, vec![Signal::SIGTERM], "waited for long enough"),
        (3600, vec![Signal::SIGTERM, Signal::SIGTERM], "SIGTERM: calls are waited for no longer"),
        (3600, vec![Signal::SIGTERM, Signal::SIGINT], "SIGINT: calls are waited for no longer"),
        (3600, vec![Signal::SIGINT], "SIGINT: callers are told"),
        (0, vec![Signal::SIGTERM], "SIGTERM: callers are told"),
    ] {
        let (mut daemon, mut manager) = started(&format!("shutdown_drain_s = {patience}"));
        let event = reserve(&daemon);
        call_in(&daemon, &event);
        for (place, one) in signals.iter().enumerate() {
            if place > 0 {
                manager.wait_for("STATUS=closing down: 1 call left");
            }
            signal(&daemon, *one);
        }
        assert!(daemon.ended().success(), "{}", daemon.log());
        let log = daemon.log();
        assert!(log.contains(said), "{patience} s, {signals:?}\n{log}");
        assert!(log.contains("we hung up, cause 16"), "the caller was let go as always\n{log}");
    }
}

#[test]
fn the_watchdog_starves_while_the_real_time_thread_is_held_fast() {
    if !require("the_watchdog_starves_while_the_real_time_thread_is_held_fast", &[STRACE]) {
        return;
    }
    let (daemon, mut manager) = started("");
    manager.wait_for("WATCHDOG=1");
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("it runs");
    let realtime = tasks
        .map(|task| task.expect("read").path())
        .find(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "realtime"))
        .expect("the thread is there");
    let thread = realtime.file_name().expect("a number").to_string_lossy().into_owned();
    // One thread alone cannot be sent SIGSTOP; a tracer can keep it from entering its next poll.
    let mut strace = Command::new("strace")
        .args([
            "-f",
            "-o",
            "/dev/null",
            "-e",
            "trace=epoll_wait",
            "-e",
            "inject=epoll_wait:delay_enter=120s",
            "-p",
            &thread,
        ])
        .stderr(Stdio::null())
        .spawn()
        .expect("strace starts");
    let ticks = || daemon.client().status().expect("the others go on").loop_.ticks;
    let deadline = Instant::now() + SOON;
    let held = loop {
        let before = ticks();
        std::thread::sleep(Duration::from_millis(500));
        if strace.try_wait().expect("ours").is_some() {
            eprintln!("SKIPPED: this system forbids tracing");
            return;
        }
        if ticks() == before {
            break before;
        }
        assert!(Instant::now() < deadline, "strace does not hold the thread");
    };
    // What it had done since the last feed may have been told once.
    manager.heartbeats(Duration::from_secs(1));
    assert_eq!(manager.heartbeats(Duration::from_secs(3)), 0, "the daemon claims to live");
    assert_eq!(ticks(), held);
    strace.kill().expect("ours");
    strace.wait().expect("ours");
    manager.wait_for("WATCHDOG=1");
    assert!(ticks() > held);
}
