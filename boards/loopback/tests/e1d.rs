//! Another program at the far end: a client of the e1d socket, written from the protocol's description.

mod common;

use board_loopback::LoopbackCard;
use board_loopback::e1d::Server;
use common::{End, SPAN, pattern};
use hal::{Alarms, ChunkLength, Line};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, connect, recv, recvmsg, send, socket_with,
};
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

const INTERFACE_QUERY: u8 = 0;
const LINE_QUERY: u8 = 1;
const TIMESLOT_QUERY: u8 = 2;
const LINE_CONFIG: u8 = 3;
const OPEN: u8 = 4;
const RAW: u8 = 0x10;
const HDLC: u8 = 0x11;
const ANY: u8 = 0xff;

/// Nothing here is timed, but nothing may hang either.
const PATIENCE: Duration = Duration::from_secs(10);

struct Client {
    control: OwnedFd,
    /// Types of the events that came while waiting for an answer.
    events: Vec<u8>,
}

impl Client {
    fn connect(path: &Path) -> Client {
        let control = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let control = control.expect("a socket");
        connect(&control, &SocketAddrUnix::new(path).expect("a short path")).expect("somebody listens");
        Client { control, events: Vec::new() }
    }

    fn send(&self, packet: &[u8]) {
        send(&self.control, packet, SendFlags::NOSIGNAL).expect("the server is there");
    }

    /// One message: type, payload, descriptor. None: hung up.
    fn next(&mut self) -> Option<(u8, Vec<u8>, Option<OwnedFd>)> {
        let mut octets = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received =
            recvmsg(&self.control, &mut [IoSliceMut::new(&mut octets)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)
                .ok()
                .filter(|received| received.bytes > 0)?;
        let descriptor = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
            _ => None,
        });
        let packet = &octets[..received.bytes];
        assert_eq!(packet[..2], 0x01e1_u16.to_ne_bytes());
        assert_eq!(packet[2..4], (received.bytes as u16).to_ne_bytes());
        Some((packet[4], packet[8..].to_vec(), descriptor))
    }

    fn ask(&mut self, code: u8, address: [u8; 3], payload: &[u8]) -> (u8, Vec<u8>, Option<OwnedFd>) {
        self.send(&request(code, address, payload));
        loop {
            let answer = self.next().expect("an answer");
            if answer.0 & 0xc0 == 0x40 {
                self.events.push(answer.0);
            } else {
                return answer;
            }
        }
    }

    /// None: refused.
    fn open(&mut self, line: u8, timeslot: u8, mode: u8, force: bool, read_size: u16) -> Option<OwnedFd> {
        let size = read_size.to_ne_bytes();
        let flags = if force { 0x80 } else { 0 };
        let (code, payload, descriptor) = self.ask(OPEN, [0, line, timeslot], &[mode, flags, size[0], size[1]]);
        assert_eq!(code, OPEN | 0x80);
        if payload.is_empty() {
            assert!(descriptor.is_none());
            return None;
        }
        assert_eq!(payload, [timeslot, mode, 0, size[0], size[1], 1]);
        Some(descriptor.expect("a timeslot comes with its socket"))
    }
}

fn request(code: u8, [interface, line, timeslot]: [u8; 3], payload: &[u8]) -> Vec<u8> {
    let mut packet = 0x01e1_u16.to_ne_bytes().to_vec();
    packet.extend((8 + payload.len() as u16).to_ne_bytes());
    packet.extend([code, interface, line, timeslot]);
    packet.extend(payload);
    packet
}

/// A card of these lines, its far ends served on a socket in a directory of its own.
fn served(lines: &[Line]) -> (LoopbackCard, Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut builder = LoopbackCard::builder("card");
    // A near end that spins gives nobody up before the machine has had time to turn round.
    builder.delay_ms(40).patience(u32::MAX);
    let far_ends = lines.iter().map(|line| builder.span_on_socket(*line)).collect();
    let server = Server::spawn(directory.path().join("e1d.ctl"), far_ends).expect("nobody else is here");
    (builder.build(), server, directory)
}

/// Run the near end until something is so.
fn run(near: &mut End, what: &str, mut until: impl FnMut(&mut End) -> bool) {
    let start = Instant::now();
    while !until(near) {
        assert!(start.elapsed() < PATIENCE, "{what}");
        if !near.tick() {
            std::thread::sleep(Duration::from_millis(1));
        } else if near.alarms().contains(Alarms::ABSENT) {
            // Nobody there: a span that runs freely has no pace.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn read_some(socket: &OwnedFd, into: &mut Vec<u8>) {
    let mut octets = [0; 4096];
    match recv(socket, &mut octets, RecvFlags::DONTWAIT) {
        Ok((length, _)) => into.extend(&octets[..length]),
        Err(Errno::AGAIN) => {}
        Err(error) => panic!("{error}"),
    }
}

/// The next datagram, if there is one now.
fn read_frame(socket: &OwnedFd) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    read_some(socket, &mut octets);
    (!octets.is_empty()).then_some(octets)
}

#[test]
fn queries_are_answered() {
    let (_card, server, _directory) = served(&[Line::E1, Line::T1]);
    let mut client = Client::connect(server.path());
    let answer = |client: &mut Client, code, address| {
        let (kind, payload, _) = client.ask(code, address, &[]);
        (kind, payload)
    };
    assert_eq!(answer(&mut client, INTERFACE_QUERY, [ANY; 3]), (0x80, vec![0, 2]));
    assert_eq!(answer(&mut client, LINE_QUERY, [0, ANY, ANY]), (0x81, vec![0, 0x20, 0, 1, 0x20, 0]));
    assert_eq!(answer(&mut client, LINE_QUERY, [0, 1, ANY]), (0x81, vec![1, 0x20, 0]));
    let (code, timeslots) = answer(&mut client, TIMESLOT_QUERY, [0, 1, ANY]);
    assert_eq!((code, timeslots.len()), (0x82, 24 * 6));
    assert_eq!(answer(&mut client, TIMESLOT_QUERY, [0, 0, 31]), (0x82, vec![31, 0, 0, 0, 0, 0]));

    // Of what is not there, nothing is told.
    assert_eq!(answer(&mut client, LINE_QUERY, [1, ANY, ANY]), (0x81, vec![]));
    assert_eq!(answer(&mut client, LINE_QUERY, [0, 2, ANY]), (0x81, vec![]));
    assert_eq!(answer(&mut client, TIMESLOT_QUERY, [0, 1, 25]), (0x82, vec![]));
    assert_eq!(answer(&mut client, TIMESLOT_QUERY, [0, ANY, 1]), (0x82, vec![]));
    // A request we do not know: 0xc0 and the low six bits of -EOPNOTSUPP, which is -95.
    assert_eq!(answer(&mut client, 5, [0, 0, ANY]), (0xe1, vec![]));
    assert!(client.open(0, 0, RAW, false, 160).is_none(), "framing");
    assert!(client.open(1, 25, RAW, false, 160).is_none(), "a T1");
    assert!(client.open(0, 1, RAW, false, 0).is_none(), "no size");
    assert!(client.open(0, 1, HDLC, false, 160).is_none(), "no D channel");
    assert!(client.open(0, 1, 0x77, false, 160).is_none(), "no such mode");

    // A line that is off opens nothing, until it is on again.
    let (code, info, _) = client.ask(LINE_CONFIG, [0, 1, ANY], &[0]);
    assert_eq!((code, &info[..]), (0x83, &[1, 0, 0][..]));
    assert!(client.open(1, 1, RAW, false, 160).is_none(), "off");
    let superchannel = client.ask(LINE_CONFIG, [0, 1, ANY], &[0x21]);
    assert_eq!((superchannel.0, &superchannel.1[..]), (0x83, &[][..]));
    assert_eq!(client.ask(LINE_CONFIG, [0, 1, ANY], &[0x20]).1, [1, 0x20, 0]);
    client.open(1, 1, RAW, false, 160).expect("on again");
}

#[test]
fn a_raw_timeslot_is_octet_for_octet_both_ways() {
    let (card, server, _directory) = served(&[Line::E1]);
    let mut near = End::start(card, ChunkLength::Ms10);
    near.listened = hal::Timeslot(9);
    near.ticks(1);
    assert!(near.alarms().contains(Alarms::ABSENT), "no program yet");
    let mut client = Client::connect(server.path());
    let timeslot = client.open(0, 9, RAW, false, 100).expect("it is free");
    near.heard.clear();
    // The client writes ahead of time, and from then on as much as it reads.
    let mut written = 0_u64;
    let mut write = |number: usize| {
        let octets: Vec<u8> = (written..).take(number).map(|at| pattern(9, at)).collect();
        written += number as u64;
        assert_eq!(send(&timeslot, &octets, SendFlags::NOSIGNAL), Ok(number));
    };
    write(400);
    let mut read = Vec::new();
    run(&mut near, "8,000 octets each way", |near| {
        let before = read.len();
        read_some(&timeslot, &mut read);
        if read.len() > before {
            write(read.len() - before);
        }
        read.len() >= 8_000 && near.heard.len() >= 8_000
    });
    assert_eq!(near.alarms(), Alarms::empty());
    // The near end began to count before anybody listened; then not an octet is missing.
    let start = read.iter().position(|octet| *octet != 0xd5).expect("something");
    assert_eq!(start, 320, "the delay of 40 ms");
    assert!(read[start..].windows(2).all(|w| u16::from(w[1]) == (u16::from(w[0]) + 1) % 251));
    let start = near.heard.iter().position(|octet| *octet == pattern(9, 0)).expect("something");
    assert!(near.heard[..start].iter().all(|octet| *octet == 0xd5));
    // On a machine that is held up the server may fill in whole chunks of the idle pattern, and counts
    // them; what the client wrote is never torn or reordered.
    let underruns = server.counts().underruns as usize;
    let mut next = (0..).map(|at| pattern(9, at));
    let mut filled = 0;
    for chunk in near.heard[start..].chunks_exact(80) {
        if chunk.iter().all(|octet| *octet == 0xd5) {
            filled += 1;
        } else {
            assert!(chunk.iter().all(|octet| *octet == next.next().expect("endless")));
        }
    }
    assert!(filled <= underruns);
    assert_eq!(server.counts().octets_lost, 0);
}

#[test]
fn frames_pass_whole_both_ways() {
    let (card, server, _directory) = served(&[Line::T1]);
    let mut near = End::start(card, ChunkLength::Ms10);
    let mut client = Client::connect(server.path());
    let d_channel = client.open(0, 24, HDLC, false, 264).expect("it is free");
    // Nothing, and too much: neither is a frame.
    send(&d_channel, &[], SendFlags::NOSIGNAL).expect("the server is there");
    send(&d_channel, &[0; 265], SendFlags::NOSIGNAL).expect("the server is there");
    for number in 0..20_u8 {
        send(&d_channel, &vec![number; 264 - usize::from(number)], SendFlags::NOSIGNAL).expect("the server is there");
    }
    let (mut up, mut down, mut sent) = (Vec::new(), Vec::new(), 0_u8);
    run(&mut near, "20 frames each way", |near| {
        if sent < 20 && near.send(&[sent, 1]).is_ok() {
            sent += 1;
        }
        up.extend(near.frames());
        down.extend(read_frame(&d_channel));
        up.len() == 20 && down.len() == 20
    });
    assert!(up.iter().zip(0..).all(|(frame, number)| *frame == vec![number; 264 - usize::from(number)]));
    assert!(down.iter().zip(0..).all(|(frame, number)| *frame == [number, 1]));
    assert_eq!(server.counts().frames_lost, 1);
}

#[test]
fn a_timeslot_has_one_owner_unless_forced() {
    let (card, server, _directory) = served(&[Line::T1]);
    let mut near = End::start(card, ChunkLength::Ms10);
    let mut one = Client::connect(server.path());
    let mut other = Client::connect(server.path());
    let first = one.open(0, 3, RAW, false, 80).expect("it is free");
    assert!(other.open(0, 3, RAW, false, 80).is_none(), "taken");
    let second = other.open(0, 3, RAW, true, 80).expect("by force");
    let mut octets = [0; 4096];
    run(&mut near, "the first owner's socket closed, the second one's alive", |_| {
        let ended = loop {
            match recv(&first, &mut octets, RecvFlags::DONTWAIT) {
                Ok((0, _)) => break true,
                Ok(_) => {}
                Err(_) => break false,
            }
        };
        ended && recv(&second, &mut octets, RecvFlags::DONTWAIT).is_ok_and(|(length, _)| length == 80)
    });
}

#[test]
fn a_client_may_die_at_any_moment() {
    let (card, server, _directory) = served(&[Line::T1]);
    let mut near = End::start(card, ChunkLength::Ms10);
    for round in 0..4 {
        let mut client = Client::connect(server.path());
        let raw = client.open(0, 1, RAW, false, 80).expect("it is free");
        let frames = client.open(0, 24, HDLC, false, 264).expect("it is free");
        run(&mut near, "the program is heard", |near| near.alarms().is_empty());
        // The control connection alone is no reason to close a timeslot.
        drop(client);
        near.send(&[1]).expect("room");
        run(&mut near, "a frame arrives", |_| read_frame(&frames).is_some());
        if round % 2 == 0 {
            drop(raw);
            drop(frames);
        } else {
            drop(frames);
            drop(raw);
        }
        run(&mut near, "the program is missed", |near| near.alarms() == Alarms::LOS | Alarms::ABSENT);
    }
    // One that does not speak the protocol is hung up on; the others do not notice.
    let mut stranger = Client::connect(server.path());
    stranger.send(b"GET / HTTP/1.1\r\n\r\n");
    assert!(stranger.next().is_none());
    assert_eq!(Client::connect(server.path()).ask(INTERFACE_QUERY, [ANY; 3], &[]).0, 0x80);
}

#[test]
fn a_client_that_does_not_read_loses_octets_and_delays_nobody() {
    let (card, server, _directory) = served(&[Line::T1]);
    let mut near = End::start(card, ChunkLength::Ms20);
    let mut client = Client::connect(server.path());
    let _deaf = client.open(0, 1, RAW, false, 80).expect("it is free");
    let awake = client.open(0, 2, RAW, false, 80).expect("it is free");
    let mut read = Vec::new();
    run(&mut near, "octets are lost", |_| {
        read_some(&awake, &mut read);
        server.counts().octets_lost > 800
    });
    let start = read.iter().position(|octet| *octet != 255).expect("something");
    assert!(read[start..].windows(2).all(|w| u16::from(w[1]) == (u16::from(w[0]) + 1) % 251));
    assert_eq!(server.counts().clients, 1);
    assert_eq!(server.counts().open_timeslots, 2);
}

#[test]
fn alarms_of_the_near_end_are_events() {
    let (card, server, _directory) = served(&[Line::E1]);
    let mut near = End::start(card, ChunkLength::Ms10);
    let mut client = Client::connect(server.path());
    let _timeslot = client.open(0, 1, RAW, false, 80).expect("it is free");
    near.running.control.send_alarms(SPAN, Alarms::RAI).expect("it can");
    let mut expect = |near: Option<&mut End>, code: u8| {
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let next = scope.spawn(|| {
                let event = client.next().expect("an event").0;
                done.store(true, std::sync::atomic::Ordering::Release);
                event
            });
            if let Some(near) = near {
                run(near, "an event comes", |_| done.load(std::sync::atomic::Ordering::Acquire));
            }
            assert_eq!(next.join().expect("no panic"), code);
        });
    };
    expect(Some(&mut near), 0x44);
    near.running.control.send_alarms(SPAN, Alarms::AIS).expect("it can");
    expect(Some(&mut near), 0x42);
    expect(Some(&mut near), 0x45);
    near.running.control.send_alarms(SPAN, Alarms::empty()).expect("it can");
    expect(Some(&mut near), 0x43);
    drop(near);
    expect(None, 0x40);
}

#[test]
fn the_socket_is_private_and_outlives_nobody() {
    let (_card, server, directory) = served(&[Line::T1]);
    let path = server.path().to_owned();
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let error = Server::spawn(&path, Vec::new()).err().expect("somebody listens");
    assert_eq!(error.kind(), hal::ErrorKind::GiveUp);
    drop(server);
    assert!(!path.exists());

    // Left over by a process that was killed: bound, and nobody listens.
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a socket");
    rustix::net::bind(&socket, &SocketAddrUnix::new(&path).expect("a short path")).expect("it is free");
    drop(socket);
    assert!(path.exists());
    drop(Server::spawn(&path, Vec::new()).expect("nobody listens"));

    let file = directory.path().join("file");
    std::fs::write(&file, "precious").expect("there is room");
    assert!(Server::spawn(&file, Vec::new()).is_err());
    assert_eq!(std::fs::read(&file).expect("untouched"), b"precious");
}
