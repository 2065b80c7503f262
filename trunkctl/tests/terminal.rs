//! The full screen gives its terminal back however it ends: `script` brings a terminal of its own, a signal the end.

mod common;

use common::Bench;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(30);
/// xterm's alternate screen, entered and left.
const ENTERED: &str = "\u{1b}[?1049h";
const LEFT: &str = "\u{1b}[?1049l";

/// What comes from the terminal, as it comes.
struct Shown {
    octets: Receiver<Vec<u8>>,
    text: String,
}

impl Shown {
    /// The number of the process that fills the terminal.
    fn number(&self) -> Pid {
        Pid::from_raw(self.text.split('=').nth(1).and_then(|n| n.parse().ok()).expect("a number"))
    }

    /// Read until this has come, or the end.
    fn wait_for(&mut self, what: &str) {
        let deadline = Instant::now() + SOON;
        while !self.text.contains(what) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(octets) = self.octets.recv_timeout(left) else { panic!("no {what:?} in {:?}", self.text) };
            self.text += &String::from_utf8_lossy(&octets);
        }
    }
}

/// The full screen in a terminal, which `script` is; it has drawn something.
fn top(bench: &Bench) -> (Child, Shown) {
    let trunkctl = env!("CARGO_BIN_EXE_trunkctl");
    // The shell in the terminal becomes trunkctl, so that its number is known; the one around it then shows the terminal.
    let inside = format!(
        "stty rows 24 cols 80; sh -c 'echo number=$$=; exec {trunkctl} top'; echo status=$?=; stty -a; echo gone=by"
    );
    let mut script = Command::new("script")
        .args(["--quiet", "--flush", "--command", &inside, "/dev/null"])
        .current_dir(bench.directory.path())
        .env_remove(control::ENVIRONMENT)
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is part of every Debian");
    let (sender, octets) = channel();
    let mut output = script.stdout.take().expect("piped");
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut shown = Shown { octets, text: String::new() };
    shown.wait_for(ENTERED);
    shown.wait_for("Trunks");
    (script, shown)
}

/// The window is closed: the full screen ends, and does not read from a terminal that is gone until somebody finds it at 100 %.
#[test]
fn a_terminal_that_is_gone_ends_it() {
    let bench = Bench::new();
    let (mut script, shown) = top(&bench);
    let state = format!("/proc/{}/stat", shown.number());
    script.kill().expect("it runs");
    script.wait().expect("ours");
    let deadline = Instant::now() + SOON;
    // Nobody may be there to collect it: a zombie has ended, too.
    let runs = || std::fs::read_to_string(&state).is_ok_and(|text| !text.contains(") Z "));
    while runs() {
        assert!(Instant::now() < deadline, "it goes on without a terminal");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let bench = Bench::new();
        let (mut script, mut shown) = top(&bench);
        kill(shown.number(), signal).expect("it runs");
        shown.wait_for("gone=by");
        let after = shown.text.split_once(LEFT).map(|(_, after)| after);
        let after = after.unwrap_or_else(|| panic!("{signal}: the alternate screen stays: {:?}", shown.text));
        assert!(after.contains(&format!("status={}=", 128 + signal as i32)), "{signal}: it dies of it: {after}");
        for word in ["icanon", "echo", "isig"] {
            assert!(after.split_whitespace().any(|w| w == word), "{signal}: the terminal has lost {word}: {after}");
        }
        script.wait().expect("ours");
    }
}
