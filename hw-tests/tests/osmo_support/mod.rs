//! libosmoabis as a process of its own, a line to it that loses frames when told to, and our end of the data link.
//!
//! The clock is the real one, because the peer's is. Nothing is asserted about how long things take: whatever is waited for is
//! waited for until [`PATIENCE`] is over.

use hw_tests::capture::Capture;
use hw_tests::peers;
use isdn::Side;
use isdn::q921::{DataLink, Output, Parameters, StateName};
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
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program at the far end, and what it has said.
pub struct Peer {
    child: Child,
    socket: Option<OwnedFd>,
    events: Receiver<Value>,
    /// Everything it has reported so far but messages.
    pub seen: Vec<(String, i64)>,
    /// The numbers of the messages it received.
    pub messages: Vec<u16>,
}

impl Peer {
    pub fn start(side: Side, arguments: &[&str]) -> Self {
        let program = peers::compile_peer("osmo_lapd", &["-losmoabis", "-losmogsm", "-losmocore"]);
        let (socket, far_end) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("a socket pair");
        let mut child = Command::new(program)
            .args(["--role", if side == Side::User { "network" } else { "user" }])
            .args(arguments)
            .stdin(Stdio::from(far_end))
            .stdout(Stdio::piped())
            .spawn()
            .expect("start osmo_lapd");
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
        Peer { child, socket: Some(socket), events, seen: Vec::new(), messages: Vec::new() }
    }

    fn send(&mut self, frame: &[u8]) {
        let socket = self.socket.as_ref().expect("it is open until the end");
        // No room, or nobody there any more: lost on the line.
        let _ = send(socket.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
    }

    fn receive(&mut self, wait: Duration) -> Option<Vec<u8>> {
        let socket = self.socket.as_ref().expect("it is open until the end");
        let milliseconds = u16::try_from(wait.as_millis()).unwrap_or(u16::MAX);
        let mut watched = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        poll(&mut watched, PollTimeout::from(milliseconds)).expect("poll");
        let mut octets = [0; 1024];
        let length = recv(socket.as_raw_fd(), &mut octets, MsgFlags::MSG_DONTWAIT).ok().filter(|n| *n > 0)?;
        Some(octets[..length].to_vec())
    }

    fn note(&mut self, event: &Value) {
        let name = event["event"].as_str().expect("an event has a name");
        let number = event["number"].as_i64().expect("an event has a number");
        if name == "message" {
            self.messages.push(u16::try_from(number).expect("it printed 16 bits"));
        } else {
            self.seen.push((name.to_owned(), number));
        }
    }

    /// Collects what it has reported.
    pub fn listen(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.note(&event);
        }
    }

    /// How often it has reported this.
    pub fn reported(&self, name: &str) -> usize {
        self.seen.iter().filter(|(event, _)| event == name).count()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("wait for osmo_lapd").is_some()
    }

    /// Closes the line and waits for its end: its exit status, after all it reported was collected.
    pub fn finish(&mut self) -> Option<i32> {
        drop(self.socket.take());
        let code = self.child.wait().expect("wait for osmo_lapd").code();
        while let Ok(event) = self.events.recv() {
            self.note(&event);
        }
        code
    }
}

impl Drop for Peer {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One direction of the line: what it loses, and what it has seen.
#[derive(Default)]
struct Direction {
    /// The N(S) of the next I frame that is not sent again.
    next_new: u8,
    /// The last N(R) seen in the other direction: `next_new` less this is what is under way.
    acknowledged: u8,
    widest_window: u8,
    lost: usize,
    sent_again: usize,
}

impl Direction {
    /// Notes an N(S), and says whether it is sent for the first time.
    fn is_new(&mut self, n_s: u8) -> bool {
        if n_s != self.next_new {
            self.sent_again += 1;
            return false;
        }
        self.next_new = (n_s + 1) & 0x7f;
        self.widest_window = self.widest_window.max(self.next_new.wrapping_sub(self.acknowledged) & 0x7f);
        true
    }
}

/// What the line made of the traffic: lost, sent again, widest window; to the peer and from it.
#[derive(Debug)]
pub struct Traffic {
    pub lost: [usize; 2],
    pub sent_again: [usize; 2],
    pub widest_window: [u8; 2],
}

/// Both ends, and the line between them.
pub struct Story {
    pub link: DataLink,
    pub peer: Peer,
    /// What our end told layer 3: each establishment, and whether it was a reset.
    pub established: Vec<bool>,
    pub released: usize,
    /// The numbers of the messages we received.
    pub messages: Vec<u16>,
    /// Messages we still want to send: from this number to that.
    pub to_send: std::ops::Range<u16>,
    /// Of a hundred frames lose so many.
    pub lose_percent: u64,
    seed: u64,
    directions: [Direction; 2],
    side: Side,
    parameters: Parameters,
    start: Instant,
    capture: Capture,
}

/// Position in [`Traffic`]'s fields.
const TO_PEER: usize = 0;
const FROM_PEER: usize = 1;

impl Story {
    pub fn begin(side: Side, parameters: Parameters, capture: &Path, arguments: &[&str]) -> Self {
        Story {
            link: DataLink::new(side, parameters),
            peer: Peer::start(side, arguments),
            established: Vec::new(),
            released: 0,
            messages: Vec::new(),
            to_send: 0..0,
            lose_percent: 0,
            seed: 0x9e37_79b9_7f4a_7c15,
            directions: Default::default(),
            side,
            parameters,
            start: Instant::now(),
            capture: Capture::open(capture),
        }
    }

    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub fn traffic(&self) -> Traffic {
        let [to, from] = &self.directions;
        Traffic {
            lost: [to.lost, from.lost],
            sent_again: [to.sent_again, from.sent_again],
            widest_window: [to.widest_window, from.widest_window],
        }
    }

    /// Our end loses its power and starts again.
    pub fn restart_us(&mut self) {
        self.link = DataLink::new(self.side, self.parameters);
        self.link.establish(self.now());
    }

    /// The peer loses its power and starts again.
    pub fn restart_peer(&mut self, arguments: &[&str]) {
        self.peer = Peer::start(self.side, arguments);
    }

    /// Both ends think the link up.
    pub fn is_up(&self) -> bool {
        self.link.state() >= StateName::MultipleFrameEstablished
            && self.peer.reported("established") + self.peer.reported("established_by_peer") > 0
    }

    /// Hands our end a frame as if the peer had sent it.
    pub fn forge(&mut self, frame: &[u8]) {
        let now = self.now();
        self.capture.note(now, frame, self.side == Side::User);
        self.link.handle_frame(now, frame);
    }

    /// One turn: time, messages to send, what the line brings, and everything there is to collect.
    pub fn turn(&mut self) {
        let now = self.now();
        if self.link.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.link.handle_timeout(now);
        }
        self.drain();
        if self.link.state() >= StateName::MultipleFrameEstablished {
            while let Some(number) = self.to_send.clone().next()
                && self.link.send(now, &message(number)).is_ok()
            {
                self.to_send.start += 1;
            }
        }
        self.drain();
        // All that is on the line arrives before any of it is answered.
        let mut wait = Duration::from_millis(2);
        let mut arrived = Vec::new();
        while let Some(frame) = self.peer.receive(wait) {
            wait = Duration::ZERO;
            self.capture.note(self.start.elapsed(), &frame, self.side == Side::User);
            if self.carries(FROM_PEER, &frame) {
                arrived.push(frame);
            }
        }
        for frame in arrived {
            self.link.handle_frame(self.start.elapsed(), &frame);
        }
        self.drain();
        self.peer.listen();
    }

    pub fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut Story) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            if Instant::now() > deadline {
                let (state, counters, seen) = (self.link.state(), self.link.counters(), &self.peer.seen);
                let (ours, theirs, line) = (self.messages.len(), self.peer.messages.len(), self.traffic());
                panic!(
                    "waiting for {what}: {state:?}, {ours} messages here, {theirs} there; {line:?}, {counters:?}, {seen:?}"
                );
            }
            self.turn();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.link.poll_output() {
            match output {
                Output::Transmit(frame) => {
                    self.capture.note(self.start.elapsed(), frame, self.side == Side::Network);
                    let frame = frame.to_vec();
                    if self.carries(TO_PEER, &frame) {
                        self.peer.send(&frame);
                    }
                }
                Output::Established { reset } => self.established.push(reset),
                Output::Released => self.released += 1,
                Output::Information(octets) => {
                    let number = u16::from_be_bytes([octets[2], octets[3]]);
                    assert_eq!(octets[..], message(number), "a message is damaged");
                    self.messages.push(number);
                }
            }
        }
    }

    /// Whether the line carries a frame. It loses at random, but not what makes a loss good: REJ, and I frames sent again.
    fn carries(&mut self, direction: usize, frame: &[u8]) -> bool {
        let is_repair = match frame[2..] {
            // UA: both count from 0 again.
            [0x73] => {
                for direction in &mut self.directions {
                    (direction.next_new, direction.acknowledged) = (0, 0);
                }
                false
            }
            [n_s, n_r, ..] if n_s & 1 == 0 => {
                self.directions[1 - direction].acknowledged = n_r >> 1;
                !self.directions[direction].is_new(n_s >> 1)
            }
            [control, n_r] => {
                self.directions[1 - direction].acknowledged = n_r >> 1;
                control == 0x09
            }
            _ => false,
        };
        // xorshift64.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let lost = self.seed % 100 < self.lose_percent && !is_repair;
        self.directions[direction].lost += usize::from(lost);
        !lost
    }
}

/// A numbered message of 8 to 260 octets, as `peers/osmo_lapd.c` makes and checks them: INFORMATION with user-user information.
pub fn message(number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    let filler = usize::from(number % 253);
    let mut octets = vec![0x08, 0x02, high, low, 0x7b, 0x7e, filler as u8 + 1, 0x00];
    octets.resize(8 + filler, low);
    octets
}
