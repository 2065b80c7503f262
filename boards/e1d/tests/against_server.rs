//! The client against the software card's own server of the protocol, whose near end tells what came through.

use board_e1d::wire::LineAddress;
use board_e1d::{CardSettings, E1dCard, LineAt, SpanSettings};
use board_loopback::LoopbackCard;
use board_loopback::e1d::Server;
use hal::{Alarms, Card, CardEvent, ChunkLength, DFrame, ErrorKind, Line, Readiness, Running, SpanIndex, Timeslot};
use std::path::Path;
use std::time::{Duration, Instant};

const SPAN: SpanIndex = SpanIndex(0);
const PATIENCE: Duration = Duration::from_secs(30);

fn settings(socket: &Path) -> CardSettings {
    let at = LineAt(LineAddress { interface: 0, line: 0 });
    CardSettings {
        name: "ice".into(),
        socket: socket.into(),
        reserve_ms: 20,
        spans: vec![SpanSettings { at, line: Line::E1 }],
    }
}

fn client(socket: &Path) -> Running {
    Box::new(E1dCard::find(settings(socket)).expect("found")).start(ChunkLength::Ms10).expect("started")
}

/// The near end of the server's line, and the server.
fn server(socket: &Path) -> (Running, Server) {
    let mut builder = LoopbackCard::builder("near");
    builder.patience(u32::MAX);
    let far_end = builder.span_on_socket(Line::E1);
    let near = Box::new(builder.build()).start(ChunkLength::Ms10).expect("started");
    (near, Server::spawn(socket, vec![far_end]).expect("a server"))
}

/// Both ends, ticking as they can, until this is so. Each sends its number on every bearer channel.
fn until(what: &str, ends: &mut [&mut Running; 2], mut so: impl FnMut(&mut [&mut Running; 2]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        for (number, end) in ends.iter_mut().enumerate() {
            if matches!(end.traffic.begin(), Ok(Readiness::Ready)) {
                for timeslot in Line::E1.bearers() {
                    end.traffic.to_send(SPAN, timeslot).fill(100 * number as u8 + timeslot.0);
                }
            }
        }
        let done = so(ends);
        for end in ends.iter_mut() {
            let _ = end.traffic.end();
        }
        if done {
            return;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn octets_and_frames_go_both_ways_on_their_timeslots() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("e1d.ctl");
    let (mut near, _server) = server(&socket);
    let mut ours = client(&socket);
    let frame = DFrame::new(&[0x02, 0x01, 0x7f]).expect("short");
    ours.traffic.send_frame(SPAN, &frame).expect("taken");
    let mut frames = [None, None];
    let mut answered = false;
    until("octets and frames", &mut [&mut near, &mut ours], |ends| {
        for (end, frame) in ends.iter_mut().zip(&mut frames) {
            if let Some(received) = end.traffic.receive_frame(SPAN).expect("here") {
                *frame = Some(received);
            }
        }
        if frames[0].is_some() && !std::mem::replace(&mut answered, true) {
            ends[0].traffic.send_frame(SPAN, &[0x00, 0x01, 0x73]).expect("taken");
        }
        let hears = |end: &Running, other: u8| {
            let all = |t: Timeslot| end.traffic.received(SPAN, t).iter().all(|octet| *octet == 100 * other + t.0);
            Line::E1.bearers().all(all)
        };
        hears(ends[0], 1) && hears(ends[1], 0) && frames.iter().all(Option::is_some)
    });
    assert_eq!(frames[0].as_deref(), Some(&*frame));
    assert_eq!(frames[1].as_deref(), Some(&[0x00, 0x01, 0x73][..]));
}

#[test]
fn alarms_of_the_line_come_as_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("e1d.ctl");
    let (mut near, _server) = server(&socket);
    let mut ours = client(&socket);
    until("a tick", &mut [&mut near, &mut ours], |ends| ends[1].traffic.received(SPAN, Timeslot(1))[0] == 1);
    for (sent, seen) in [(Alarms::AIS, Alarms::AIS), (Alarms::empty(), Alarms::empty())] {
        near.control.send_alarms(SPAN, sent).expect("any software span does");
        until("the alarm", &mut [&mut near, &mut ours], |ends| {
            std::iter::from_fn(|| ends[1].traffic.next_event()).any(|event| event == CardEvent::Alarms(SPAN, seen))
        });
        assert_eq!(ours.control.alarms(SPAN), seen);
    }
}

#[test]
fn a_server_that_restarts_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("e1d.ctl");
    let missing = E1dCard::find(settings(&socket)).err().expect("nobody listens");
    assert_eq!(missing.kind(), ErrorKind::Reopen);
    let (mut near, first) = server(&socket);
    let mut ours = client(&socket);
    until("a tick", &mut [&mut near, &mut ours], |ends| ends[1].traffic.received(SPAN, Timeslot(1))[0] == 1);
    drop(first);
    until("the end", &mut [&mut near, &mut ours], |ends| ends[1].traffic.begin().is_err());
    assert_eq!(ours.traffic.begin().expect_err("gone").kind(), ErrorKind::Reopen);
    assert_eq!(ours.control.alarms(SPAN), Alarms::ABSENT);
    assert_eq!(std::iter::from_fn(|| ours.traffic.next_event()).last(), Some(CardEvent::Removed));
    let (mut near, _second) = server(&socket);
    let mut ours = client(&socket);
    until("a tick again", &mut [&mut near, &mut ours], |ends| ends[1].traffic.received(SPAN, Timeslot(31))[0] == 31);
}

#[test]
fn a_timeslot_another_program_has_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("e1d.ctl");
    let (_near, _server) = server(&socket);
    let _first = client(&socket);
    let second = Box::new(E1dCard::find(settings(&socket)).expect("found")).start(ChunkLength::Ms10).err();
    let second = second.expect("the first has it");
    let why = std::error::Error::source(&second).map(ToString::to_string).unwrap_or_default();
    assert!(second.kind() == ErrorKind::Reopen && why.contains("line 0/0, timeslot 1: osmo-e1d refuses"), "{why}");
}
