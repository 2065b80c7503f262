//! The control socket of osmo-e1d, octet by octet.
//!
//! The octets here come from the protocol's description and from what the daemon is known to send, not from the client: they were
//! written down before it was read. A server that knows nothing but them stands in for the daemon.
//!
//! Source: `include/osmocom/e1d/proto.h` of osmo-e1d (messages, sizes, modes), and its server: an answer's header leaves interface,
//! line and timeslot 0; a request that cannot be is answered with nothing behind the header; an error's type is 0xc0 with the low six
//! bits of the negative error number, whatever was asked.
//! Words: "line 1" is the second line of interface 0, which all of this is about.
#![cfg(target_endian = "little")]

use board_e1d::client::Connection;
use board_e1d::wire::{LineAddress, Message, Mode, open, read};
use board_e1d::{CardSettings, E1dCard, LineAt, SpanSettings};
use hal::{Alarms, Card, CardEvent, ChunkLength, ErrorKind, Line, Readiness, Running, SpanIndex, Timeslot};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, accept, bind, listen, recv, send, sendmsg, socket_with, socketpair,
};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread;

const AT: LineAddress = LineAddress { interface: 0, line: 1 };
const SPAN: SpanIndex = SpanIndex(0);

// What the client asks. By force the flags, the tenth octet, would be 0x80; we never say so.
const OPEN_RAW_5_BY_80: [u8; 12] = [0xe1, 0x01, 0x0c, 0x00, 0x04, 0x00, 0x01, 0x05, 0x10, 0x00, 0x50, 0x00];
const OPEN_RAW_5_BY_160: [u8; 12] = [0xe1, 0x01, 0x0c, 0x00, 0x04, 0x00, 0x01, 0x05, 0x10, 0x00, 0xa0, 0x00];
const OPEN_HDLC_16: [u8; 12] = [0xe1, 0x01, 0x0c, 0x00, 0x04, 0x00, 0x01, 0x10, 0x11, 0x00, 0x08, 0x01];
const OPEN_HDLC_16_BY_FORCE: [u8; 12] = [0xe1, 0x01, 0x0c, 0x00, 0x04, 0x00, 0x01, 0x10, 0x11, 0x80, 0x08, 0x01];

// What the daemon answers to that: timeslot, mode, flags, read size and status, of which it fills in the first two and the last.
const OPENED_RAW_5: [u8; 14] = [0xe1, 0x01, 0x0e, 0x00, 0x84, 0, 0, 0, 0x05, 0x10, 0x00, 0x00, 0x00, 0xa5];
const OPENED_HDLC_16: [u8; 14] = [0xe1, 0x01, 0x0e, 0x00, 0x84, 0, 0, 0, 0x10, 0x11, 0x00, 0x00, 0x00, 0xa5];
/// Another program has it, or there is none of this number.
const NOT_OPENED: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x84, 0, 0, 0];
/// The same as the header file describes it: a timeslot of number -1.
const OPENED_NONE: [u8; 14] = [0xe1, 0x01, 0x0e, 0x00, 0x84, 0, 0, 0, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00];
/// -1: the system gave it no sockets.
const FAILED: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0xff, 0, 0, 0];
/// -22, EINVAL.
const FAILED_AS_INVALID: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0xea, 0, 0, 0];

// Events carry the line, and timeslot 0.
const LOS: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x40, 0x00, 0x01, 0x00];
const LOS_GONE: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x41, 0x00, 0x01, 0x00];
const AIS: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x42, 0x00, 0x01, 0x00];
const AIS_GONE: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x43, 0x00, 0x01, 0x00];
const RAI: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x44, 0x00, 0x01, 0x00];
const RAI_GONE: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x45, 0x00, 0x01, 0x00];
const LOF: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x46, 0x00, 0x01, 0x00];
const LOF_GONE: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x47, 0x00, 0x01, 0x00];
const AIS_OF_LINE_0: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x42, 0x00, 0x00, 0x00];
/// The spare bits of timeslot 0 have changed.
const SA_BITS: [u8; 9] = [0xe1, 0x01, 0x09, 0x00, 0x7f, 0x00, 0x01, 0x00, 0xf1];
const EVENT_OF_TOMORROW: [u8; 8] = [0xe1, 0x01, 0x08, 0x00, 0x48, 0x00, 0x01, 0x00];

// What other programs ask and are answered: nothing to this client.
const TWO_INTERFACES: &[u8] = &[0xe1, 0x01, 0x0c, 0x00, 0x80, 0, 0, 0, 0x00, 0x02, 0x01, 0x01];
const OF_OTHERS: &[(&str, &[u8])] = &[
    ("which interfaces", &[0xe1, 0x01, 0x08, 0x00, 0x00, 0xff, 0xff, 0xff]),
    ("two, of two lines and of one", TWO_INTERFACES),
    ("none", &[0xe1, 0x01, 0x08, 0x00, 0x80, 0, 0, 0]),
    ("which lines", &[0xe1, 0x01, 0x08, 0x00, 0x01, 0x00, 0xff, 0xff]),
    ("two, of timeslots", &[0xe1, 0x01, 0x0e, 0x00, 0x81, 0, 0, 0, 0x00, 0x20, 0x00, 0x01, 0x20, 0x00]),
    ("one, a superchannel", &[0xe1, 0x01, 0x0b, 0x00, 0x81, 0, 0, 0, 0x01, 0x21, 0x00]),
    ("two, the second cut short", &[0xe1, 0x01, 0x0d, 0x00, 0x81, 0, 0, 0, 0x00, 0x20, 0x00, 0x01, 0x20]),
    ("which timeslots", &[0xe1, 0x01, 0x08, 0x00, 0x02, 0x00, 0x01, 0xff]),
    ("the fifth, raw", &[0xe1, 0x01, 0x0e, 0x00, 0x82, 0, 0, 0, 0x05, 0x10, 0x00, 0x00, 0x00, 0x00]),
    ("make it a line of timeslots", &[0xe1, 0x01, 0x09, 0x00, 0x03, 0x00, 0x01, 0xff, 0x20]),
    ("it is one", &[0xe1, 0x01, 0x0b, 0x00, 0x83, 0, 0, 0, 0x01, 0x20, 0x00]),
    ("open by force", &OPEN_HDLC_16_BY_FORCE),
    ("spare bits to send", &[0xe1, 0x01, 0x09, 0x00, 0x05, 0x00, 0x01, 0xff, 0xf1]),
    ("spare bits sent", &[0xe1, 0x01, 0x08, 0x00, 0x85, 0, 0, 0]),
    ("spare bits received", &SA_BITS),
    ("an event of tomorrow", &EVENT_OF_TOMORROW),
];

const MALFORMED: &[(&str, &[u8])] = &[
    ("nothing", &[]),
    ("a header one octet short", &[0xe1, 0x01, 0x08, 0x00, 0x40, 0x00, 0x01]),
    ("the other order of octets", &[0x01, 0xe1, 0x00, 0x08, 0x40, 0x00, 0x01, 0x00]),
    ("another version in the magic", &[0xe1, 0x02, 0x08, 0x00, 0x40, 0x00, 0x01, 0x00]),
    ("less than a header long, it says", &[0xe1, 0x01, 0x07, 0x00, 0x40, 0x00, 0x01, 0x00]),
    ("longer than it is, it says", &[0xe1, 0x01, 0x0e, 0x00, 0x84, 0, 0, 0, 0x05, 0x10]),
    ("shorter than it is, it says", &[0xe1, 0x01, 0x08, 0x00, 0x84, 0, 0, 0, 0x05, 0x10, 0x00, 0x00, 0x00, 0xa5]),
    ("an opened timeslot cut short", &[0xe1, 0x01, 0x0c, 0x00, 0x84, 0, 0, 0, 0x05, 0x10, 0x00, 0x00]),
    ("one octet too many of it", &[0xe1, 0x01, 0x0f, 0x00, 0x84, 0, 0, 0, 0x05, 0x10, 0x00, 0x00, 0x00, 0xa5, 0]),
];

#[test]
fn timeslots_are_asked_for_and_never_by_force() {
    assert_eq!(open(AT, 5, Mode::Raw, 80), OPEN_RAW_5_BY_80);
    assert_eq!(open(AT, 5, Mode::Raw, 160), OPEN_RAW_5_BY_160);
    assert_eq!(open(AT, 16, Mode::HdlcFcs, 264), OPEN_HDLC_16);
}

#[test]
fn what_the_daemon_answers_is_told_apart() {
    assert_eq!(read(&OPENED_RAW_5), Some(Message::Opened(5)));
    assert_eq!(read(&OPENED_HDLC_16), Some(Message::Opened(16)));
    assert_eq!(read(&NOT_OPENED), Some(Message::Refused), "an answer with nothing in it");
    assert_eq!(read(&OPENED_NONE), Some(Message::Refused), "timeslot -1");
    assert_eq!(read(&FAILED), Some(Message::Failed), "its type tells the error, not the request");
    assert_eq!(read(&FAILED_AS_INVALID), Some(Message::Failed));
}

#[test]
fn events_are_alarms_that_come_and_go() {
    let events = [
        (LOS, LOS_GONE, Alarms::LOS),
        (AIS, AIS_GONE, Alarms::AIS),
        (RAI, RAI_GONE, Alarms::RAI),
        (LOF, LOF_GONE, Alarms::LOF),
    ];
    for (came, gone, alarm) in events {
        assert_eq!(read(&came), Some(Message::Alarm(AT, alarm, true)));
        assert_eq!(read(&gone), Some(Message::Alarm(AT, alarm, false)));
    }
}

#[test]
fn what_is_for_others_is_passed_over_and_what_is_malformed_is_not_read() {
    for (what, octets) in OF_OTHERS {
        assert_eq!(read(octets), Some(Message::Other), "{what}");
    }
    for (what, octets) in MALFORMED {
        assert_eq!(read(octets), None, "{what}");
    }
}

/// A socket where the daemon's would be.
fn listener(path: &Path) -> OwnedFd {
    let control = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let control = control.expect("a socket");
    bind(&control, &SocketAddrUnix::new(path).expect("a short path")).expect("the path is free");
    listen(&control, 1).expect("listening");
    control
}

/// Send an answer, with one end of a new pair of sockets beside it; the other end.
fn hand_over(control: &OwnedFd, answer: &[u8], kind: SocketType) -> OwnedFd {
    let pair = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None);
    let (ours, theirs) = pair.expect("a pair of sockets");
    let rights = [theirs.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    assert!(beside.push(SendAncillaryMessage::ScmRights(&rights)));
    sendmsg(control, &[IoSlice::new(answer)], &mut beside, SendFlags::NOSIGNAL).expect("the client is there");
    ours
}

fn tell(socket: &OwnedFd, octets: &[u8]) {
    assert_eq!(send(socket, octets, SendFlags::NOSIGNAL), Ok(octets.len()));
}

/// What has come on a socket.
fn hear(socket: &OwnedFd) -> Vec<u8> {
    let mut octets = [0; 4096];
    let (length, _) = recv(socket, &mut octets, RecvFlags::empty()).expect("something came");
    octets[..length].to_vec()
}

/// The daemon's side of a line all of whose timeslots are open.
struct Served {
    control: OwnedFd,
    /// Timeslots 1 to 31, the D channel's left out.
    bearers: Vec<(Timeslot, OwnedFd)>,
    d_channel: OwnedFd,
}

/// Take the next client and open for it what it asks for, in its order: the thirty, and the D channel.
fn serve(listener: &OwnedFd) -> Served {
    let control = accept(listener).expect("a client");
    let mut bearers = Vec::new();
    for timeslot in (1..=31).filter(|timeslot| *timeslot != 16) {
        let (mut asked, mut answer) = (OPEN_RAW_5_BY_80, OPENED_RAW_5);
        (asked[7], answer[8]) = (timeslot, timeslot);
        assert_eq!(hear(&control), asked, "timeslot {timeslot}");
        bearers.push((Timeslot(timeslot), hand_over(&control, &answer, SocketType::STREAM)));
    }
    assert_eq!(hear(&control), OPEN_HDLC_16);
    // The daemon speaks to all its clients at once: this is not what was asked for, nor is it wrong.
    for aside in [&RAI[..], &SA_BITS, &EVENT_OF_TOMORROW, TWO_INTERFACES] {
        tell(&control, aside);
    }
    let d_channel = hand_over(&control, &OPENED_HDLC_16, SocketType::SEQPACKET);
    Served { control, bearers, d_channel }
}

fn settings(socket: &Path) -> CardSettings {
    let spans = vec![SpanSettings { at: LineAt(AT), line: Line::E1 }];
    CardSettings { name: "ice".into(), socket: socket.into(), reserve_ms: 10, spans }
}

/// Both sides of a line that has just been opened.
fn opened(path: &Path, listener: &OwnedFd) -> (Running, Served) {
    thread::scope(|scope| {
        let served = scope.spawn(|| serve(listener));
        let ours = E1dCard::find(settings(path)).map(|card| Box::new(card).start(ChunkLength::Ms10));
        (ours.expect("found").expect("started"), served.join().expect("asked as described"))
    })
}

/// One tick: the line brings 80 octets of its number on each timeslot, and gets each one's number with 100 added.
fn carry_a_chunk(ours: &mut Running, served: &Served) {
    for (timeslot, socket) in &served.bearers {
        tell(socket, &[timeslot.0; 80]);
    }
    assert_eq!(ours.traffic.begin().expect("here"), Readiness::Ready);
    for (timeslot, _) in &served.bearers {
        assert_eq!(ours.traffic.received(SPAN, *timeslot), [timeslot.0; 80], "timeslot {timeslot}");
        ours.traffic.to_send(SPAN, *timeslot).fill(100 + timeslot.0);
    }
    ours.traffic.end().expect("here");
}

#[test]
fn a_line_is_opened_carries_octets_and_frames_tells_its_alarms_and_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("e1d.ctl");
    let daemon = listener(&path);
    let (mut ours, served) = opened(&path, &daemon);
    assert_eq!(ours.control.alarms(SPAN), Alarms::RAI, "told while the D channel was being opened");
    tell(&served.control, &RAI_GONE);
    assert_eq!(ours.traffic.begin().expect("here"), Readiness::NotYet, "nothing has come");

    // A chunk, after the reserve of 10 ms of the E1's idle octet.
    carry_a_chunk(&mut ours, &served);
    for (timeslot, socket) in &served.bearers {
        let sent = hear(socket);
        assert_eq!(sent, [[0xd5; 80], [100 + timeslot.0; 80]].concat(), "timeslot {timeslot}");
    }
    // A frame a datagram, its check sequence the daemon's affair.
    tell(&served.d_channel, &[0x02, 0x01, 0x7f]);
    let frame = ours.traffic.receive_frame(SPAN).expect("here");
    assert_eq!(frame.as_deref(), Some(&[0x02, 0x01, 0x7f][..]));
    ours.traffic.send_frame(SPAN, &[0x00, 0x01, 0x73]).expect("taken");
    ours.traffic.send_frame(SPAN, &[0x00, 0x01, 0x01, 0x00]).expect("taken");
    assert_eq!(hear(&served.d_channel), [0x00, 0x01, 0x73]);
    assert_eq!(hear(&served.d_channel), [0x00, 0x01, 0x01, 0x00]);

    // The line is pulled out and put back; what happens to its neighbour is not ours.
    for (event, alarms) in [(LOS, Alarms::LOS), (LOS_GONE, Alarms::empty())] {
        tell(&served.control, &AIS_OF_LINE_0);
        tell(&served.control, &event);
        assert_eq!(ours.traffic.begin().expect("here"), Readiness::NotYet);
        assert_eq!(ours.traffic.next_event(), Some(CardEvent::Alarms(SPAN, alarms)));
        assert_eq!(ours.control.alarms(SPAN), alarms);
    }
    carry_a_chunk(&mut ours, &served);

    // The daemon ends, and is there again.
    drop(served);
    assert_eq!(ours.traffic.begin().expect_err("it has closed").kind(), ErrorKind::Reopen);
    assert_eq!(ours.traffic.next_event(), Some(CardEvent::Removed));
    assert_eq!(ours.control.alarms(SPAN), Alarms::ABSENT);
    let (mut again, served) = opened(&path, &daemon);
    assert_eq!(again.traffic.begin().expect("here"), Readiness::NotYet);
    tell(&served.control, &RAI_GONE);
    carry_a_chunk(&mut again, &served);
}

/// What comes of asking for timeslot 5 when the daemon answers with these octets, and with a descriptor or without.
fn answered(octets: &[u8], with_descriptor: bool) -> io::Result<OwnedFd> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("e1d.ctl");
    let daemon = listener(&path);
    thread::scope(|scope| {
        scope.spawn(|| {
            let control = accept(&daemon).expect("a client");
            assert_eq!(hear(&control), OPEN_RAW_5_BY_80);
            if with_descriptor {
                hand_over(&control, octets, SocketType::STREAM);
            } else {
                tell(&control, octets);
            }
        });
        Connection::open(&path).expect("found").timeslot(AT, 5, Mode::Raw, 80, |_, _, _| {})
    })
}

#[test]
fn only_the_timeslot_that_was_asked_for_counts_as_opened() {
    assert!(answered(&OPENED_RAW_5, true).is_ok());
    let why = |octets: &[u8], with_descriptor| answered(octets, with_descriptor).expect_err("not opened").kind();
    assert_eq!(why(&OPENED_RAW_5, false), io::ErrorKind::InvalidData, "no socket beside");
    assert_eq!(why(&OPENED_HDLC_16, true), io::ErrorKind::InvalidData, "another timeslot");
    assert_eq!(why(&NOT_OPENED, false), io::ErrorKind::AddrInUse);
    assert_eq!(why(&OPENED_NONE, false), io::ErrorKind::AddrInUse);
    assert_eq!(why(&FAILED, false), io::ErrorKind::Other);
    assert_eq!(why(TWO_INTERFACES, false), io::ErrorKind::ConnectionReset, "passed over, and then it has gone");
    for (what, octets) in &MALFORMED[1..] {
        assert_eq!(why(octets, false), io::ErrorKind::InvalidData, "{what}");
    }
}

#[test]
fn a_refusal_and_a_failure_are_told_in_words() {
    for (answer, words) in [
        (NOT_OPENED, "line 0/1, timeslot 1: osmo-e1d refuses: another program has it, or there is no such line"),
        (FAILED, "line 0/1, timeslot 1: osmo-e1d could not open it; its log says why"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("e1d.ctl");
        let daemon = listener(&path);
        let error = thread::scope(|scope| {
            scope.spawn(|| {
                let control = accept(&daemon).expect("a client");
                hear(&control);
                tell(&control, &answer);
            });
            let card = E1dCard::find(settings(&path)).expect("found");
            Box::new(card).start(ChunkLength::Ms10).err().expect("not opened")
        });
        assert_eq!(error.kind(), ErrorKind::Reopen);
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some(words));
    }
}
