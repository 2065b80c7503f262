//! A caster on ports of its own, a voice for its streams, and listeners over real sockets.
//!
//! Nothing here is timed: a voice is fed as fast as it is taken, and a listener reads until it has what it
//! waits for. The time-outs only keep a failing test from standing still.
#![allow(dead_code)]

use cast::{CastEvent, Caster, Error, Format, RecorderSettings, Settings, Statistics, StreamStart};
use crossbeam_channel::Receiver;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

/// Octets of a frame.
pub const FRAME: usize = cast::mp3::FRAME_BYTES;
/// Until a test is given up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running caster.
pub struct Station {
    pub caster: Caster,
    pub events: Receiver<CastEvent>,
    pub port: u16,
}

/// Starts one with so many ports, wherever there are so many free.
pub fn station(ports: u16, recorder: Option<RecorderSettings>, change: impl Fn(&mut Settings)) -> Station {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..200 {
        // Below the range the system gives to outgoing connections; tests of other processes begin elsewhere.
        let offset = (std::process::id() as u16).wrapping_mul(131).wrapping_add(NEXT.fetch_add(16, Relaxed));
        let port = 16_000 + offset % 16_000;
        // However slow the machine is, silence comes only where a test wants it.
        let ports = port..=port + ports - 1;
        let mut settings = Settings { ports, dry_after: 3 * PATIENCE, ..Settings::default() };
        change(&mut settings);
        let (tx, events) = crossbeam_channel::bounded(1000);
        match Caster::launch(settings, recorder.clone(), tx) {
            Ok(caster) => return Station { caster, events, port },
            Err(Error::Bind { .. }) => {}
            Err(e) => panic!("{e}"),
        }
    }
    panic!("no free ports");
}

impl Station {
    /// Puts an event on the air.
    pub fn start(&self, port: u16, event: &str, record: bool) -> (Voice, Arc<Statistics>) {
        let (ring, samples) = rtrb::RingBuffer::new(16_000);
        let start = StreamStart {
            event: event.to_owned(),
            title: "Annual meeting".to_owned(),
            formats: vec![Format::Mp3],
            samples,
            started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000),
            record,
        };
        let statistics = self.caster.start(port, start).unwrap();
        (Voice { ring, spoken: 0 }, statistics)
    }

    /// Waits for an event that this accepts.
    pub fn wait(&self, wanted: impl Fn(&CastEvent) -> bool) -> CastEvent {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Others may come without end.
            let event = self.events.recv_deadline(deadline).expect("the event comes");
            if wanted(&event) {
                return event;
            }
        }
    }
}

/// Who speaks into a stream.
pub struct Voice {
    ring: rtrb::Producer<i16>,
    spoken: u64,
}

impl Voice {
    /// Speaks so many frames' worth, as fast as it is taken.
    pub fn speak(&mut self, frames: usize) {
        for _ in 0..frames * 192 {
            let sample = ((self.spoken as f64 * 0.21).sin() * 9000.0 * (self.spoken as f64 * 0.0007).sin()) as i16;
            self.spoken += 1;
            while self.ring.push(sample).is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// Waits until this is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A connection to a port.
pub struct Client {
    pub socket: TcpStream,
    early: Vec<u8>,
}

impl Client {
    pub fn connect(port: u16) -> Self {
        let socket = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { socket, early: Vec::new() }
    }

    pub fn send(&mut self, octets: &[u8]) {
        self.socket.write_all(octets).unwrap();
    }

    /// The head of the answer.
    pub fn head(&mut self) -> String {
        let mut octets = [0; 4096];
        loop {
            if let Some(at) = self.early.windows(4).position(|w| w == b"\r\n\r\n") {
                let head: Vec<u8> = self.early.drain(..at + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            let count = self.socket.read(&mut octets).unwrap();
            assert!(count > 0, "closed within the head");
            self.early.extend_from_slice(&octets[..count]);
        }
    }

    /// Exactly so many octets more.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        let early = self.early.len().min(count);
        octets[..early].copy_from_slice(&self.early[..early]);
        self.early.drain(..early);
        self.socket.read_exact(&mut octets[early..]).unwrap();
        octets
    }

    /// All until the other side closes in order.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut octets = std::mem::take(&mut self.early);
        self.socket.read_to_end(&mut octets).unwrap();
        octets
    }
}

/// Asks for a path and reads the head.
pub fn get(port: u16, path: &str) -> (Client, String) {
    ask(port, "GET", path, "")
}

/// Asks with any method and further lines.
pub fn ask(port: u16, method: &str, path: &str, lines: &str) -> (Client, String) {
    let mut client = Client::connect(port);
    client.send(format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{lines}\r\n").as_bytes());
    let head = client.head();
    (client, head)
}

/// The status of an answer.
pub fn status(head: &str) -> u16 {
    head[9..12].parse().unwrap()
}

/// These octets are whole frames and nothing else.
pub fn assert_frames(octets: &[u8]) {
    assert!(!octets.is_empty() && octets.len().is_multiple_of(FRAME), "{} octets", octets.len());
    for (n, frame) in octets.chunks(FRAME).enumerate() {
        assert_eq!(&frame[..2], &[0xFF, 0xF3], "frame {n}");
        assert_eq!(frame[4], 0, "frame {n} leans on another");
    }
}
