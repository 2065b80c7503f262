//! libpri as a process of its own, its D channel on a socket, and a capture of what passes.
//!
//! The clock is the real one, because libpri's is. Nothing is asserted about how long things take: whatever is waited for is
//! waited for until [`PATIENCE`] is over.

#![allow(dead_code, reason = "each test file uses its own part")]

use hw_tests::capture::Capture;
use hw_tests::peers;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The far end of a D channel: the program, our end of the socket, and what it has said.
pub struct Libpri {
    child: Child,
    socket: OwnedFd,
    /// Kept so that the program can be started again on the same D channel.
    far_end: OwnedFd,
    events: Receiver<Value>,
    /// Everything it has reported so far.
    pub seen: Vec<Value>,
    start: Instant,
    capture: Capture,
    libpri_is_network: bool,
    frames: u64,
}

fn spawn(far_end: &OwnedFd, arguments: &[&str]) -> (Child, Receiver<Value>) {
    let program = peers::compile_peer("libpri_exchange", &["-lpri"]);
    let mut child = Command::new(program)
        .args(["--dchannel-fd", "0", "--timeout", "60"])
        .args(arguments)
        .stdin(Stdio::from(far_end.try_clone().expect("duplicate a descriptor")))
        .stdout(Stdio::piped())
        .spawn()
        .expect("start libpri_exchange");
    let output = child.stdout.take().expect("it was piped");
    let (sender, events) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
            if sender.send(event).is_err() {
                break;
            }
        }
    });
    (child, events)
}

impl Libpri {
    /// Starts it in this role (`network` or `user`) with this switch; all frames go to the capture, after those that are in it.
    pub fn start(role: &str, switch: &str, capture: &Path, arguments: &[&str]) -> Self {
        let (socket, far_end) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("a socket pair");
        let all = Self::arguments(role, switch, arguments);
        let (child, events) = spawn(&far_end, &all);
        let capture = Capture::open(capture);
        let libpri_is_network = role == "network";
        let (seen, start) = (Vec::new(), Instant::now());
        Libpri { child, socket, far_end, events, seen, start, capture, libpri_is_network, frames: 0 }
    }

    fn arguments<'a>(role: &'a str, switch: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
        let line = if switch == "euroisdn" { "--e1" } else { "--t1" };
        [&["--role", role, "--switch", switch, line], arguments].concat()
    }

    /// Ends it without a word and starts it again: an exchange that lost its power.
    pub fn restart(&mut self, role: &str, switch: &str, arguments: &[&str]) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ends");
        let all = Self::arguments(role, switch, arguments);
        (self.child, self.events) = spawn(&self.far_end, &all);
        self.seen.clear();
    }

    /// Time since the start: the `now` of our stack.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Hands a frame to libpri.
    pub fn send(&mut self, frame: &[u8]) {
        self.note(frame, !self.libpri_is_network);
        // A far end that has ended does not listen any more: what it thinks of that is checked by its exit.
        let _ = send(self.socket.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
    }

    /// The next frame from libpri, if one comes before this much time has passed.
    pub fn receive(&mut self, wait: Duration) -> Option<Vec<u8>> {
        let milliseconds = u16::try_from(wait.as_millis()).unwrap_or(u16::MAX);
        let mut watched = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        poll(&mut watched, PollTimeout::from(milliseconds)).expect("poll");
        let mut octets = [0; 1024];
        let length = recv(self.socket.as_raw_fd(), &mut octets, MsgFlags::MSG_DONTWAIT).ok().filter(|n| *n > 0)?;
        self.note(&octets[..length], self.libpri_is_network);
        Some(octets[..length].to_vec())
    }

    /// Collects what it has reported.
    pub fn listen(&mut self) {
        self.seen.extend(self.events.try_iter());
    }

    /// Whether it has reported an event of this name; the event.
    pub fn reported(&self, name: &str) -> Option<&Value> {
        self.seen.iter().find(|event| event["event"] == name)
    }

    /// Waits for its end, and returns its exit status and all it reported.
    pub fn finish(mut self) -> (Option<i32>, Vec<Value>) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait for libpri_exchange") {
                break status;
            }
            assert!(Instant::now() < deadline, "libpri_exchange does not end; it reported {:#?}", self.seen);
            std::thread::sleep(Duration::from_millis(5));
        };
        self.seen.extend(self.events.iter());
        let code = status.code();
        (code, std::mem::take(&mut self.seen))
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("wait for libpri_exchange").is_some()
    }

    fn note(&mut self, frame: &[u8], from_network: bool) {
        self.frames += 1;
        self.capture.note(self.start.elapsed(), frame, from_network);
    }
}

impl Drop for Libpri {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
