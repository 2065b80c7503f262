//! libpri as a process of its own, moved on step by step under the test's clock.
//!
//! Data path: frames, times and orders → a socket pair → `peers/libpri_stepped.c` → frames, events, and when it wants to be
//! called next. Every step is answered before the next one is taken, so nothing depends on how fast either end is.
//! Time: none of its own.

use crate::peers;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socketpair};
use nix::sys::time::TimeVal;
use serde_json::Value;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long an answer may take on a machine that is busy with other tests.
const PATIENCE_SECONDS: i64 = 60;

/// See the module.
pub struct Peer {
    child: Child,
    socket: OwnedFd,
    /// When it wants to be called.
    pub deadline: Option<Duration>,
}

/// What a step brought.
#[derive(Default)]
pub struct Answer {
    /// Frames for the line.
    pub frames: Vec<Vec<u8>>,
    /// What it reports: JSON objects with `event` and what belongs to it.
    pub events: Vec<Value>,
}

impl Peer {
    /// Starts it in this role (`network` or `user`), with this switch, on this line (`e1` or `t1`).
    ///
    /// # Panics
    /// When it cannot be compiled or started; and, as every step does, when it does not answer.
    #[must_use]
    pub fn start(role: &str, switch: &str, line: &str) -> (Peer, Answer) {
        let (socket, far_end) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("a socket pair");
        setsockopt(&socket, ReceiveTimeout, &TimeVal::new(PATIENCE_SECONDS, 0)).expect("a time limit");
        let child = Command::new(peers::compile_peer("libpri_stepped", &["-lpri"]))
            .args([role, switch, line])
            .stdin(Stdio::from(far_end))
            .stdout(Stdio::null())
            .spawn()
            .expect("start libpri_stepped");
        let mut peer = Peer { child, socket, deadline: None };
        let answer = peer.answer();
        (peer, answer)
    }

    /// Hands it a frame.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn frame(&mut self, frame: &[u8]) -> Answer {
        self.step(b'F', frame)
    }

    /// Tells it the time.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn time(&mut self, now: Duration) -> Answer {
        self.step(b'T', now.as_micros().to_string().as_bytes())
    }

    /// Has it do something; see the end of its source for what it understands.
    ///
    /// # Panics
    /// When it does not answer, as after an order that makes no sense.
    pub fn order(&mut self, order: &str) -> Answer {
        self.step(b'C', order.as_bytes())
    }

    fn step(&mut self, kind: u8, octets: &[u8]) -> Answer {
        let datagram = [&[kind], octets].concat();
        send(self.socket.as_raw_fd(), &datagram, MsgFlags::MSG_NOSIGNAL).expect("libpri_stepped listens");
        self.answer()
    }

    fn answer(&mut self) -> Answer {
        let mut answer = Answer::default();
        let mut datagram = [0; 1024];
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut datagram, MsgFlags::empty()).unwrap_or(0);
            let Some((kind, octets)) = datagram[..length].split_first() else {
                panic!("libpri_stepped does not answer: {:?}", self.child.try_wait());
            };
            let text = || std::str::from_utf8(octets).expect("text");
            match kind {
                b'F' => answer.frames.push(octets.to_vec()),
                b'E' => answer.events.push(serde_json::from_str(text()).expect("JSON")),
                b'D' => {
                    let microseconds: i64 = text().parse().expect("a number");
                    self.deadline = u64::try_from(microseconds).ok().map(Duration::from_micros);
                    return answer;
                }
                other => panic!("a datagram of unknown kind {other}"),
            }
        }
    }
}

impl Drop for Peer {
    /// It would end by itself when the socket closes; a test that fails must not depend on that.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
