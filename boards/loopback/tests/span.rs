//! What travels over a span besides samples: D-channel frames, alarms; and what a loopback turns back.

mod common;

use board_loopback::LoopbackCard;
use common::{End, SPAN, pattern, span};
use hal::{Alarms, Card, ChunkLength, ErrorKind, Line, Loopback, Readiness, SpanIndex, Timeslot};

const CHUNK: ChunkLength = ChunkLength::Ms10;

fn joined(line: Line) -> (End, End) {
    let (card, far_end) = span(line, 20, 200);
    let near = End::start(card, CHUNK);
    let far = End::attach(&far_end, CHUNK);
    let mut pair = (near, far);
    turns(&mut pair, 3);
    pair
}

fn turns((near, far): &mut (End, End), number: usize) {
    for _ in 0..number {
        near.ticks(1);
        far.ticks(1);
    }
}

#[test]
fn frames_arrive_in_order_both_ways() {
    let mut pair = joined(Line::E1);
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for number in 0..200_u8 {
        pair.0.send(&vec![number; 1 + usize::from(number)]).expect("room");
        pair.1.send(&[number, 0]).expect("room");
        turns(&mut pair, 1);
        up.extend(pair.1.frames());
        down.extend(pair.0.frames());
    }
    turns(&mut pair, 3);
    up.extend(pair.1.frames());
    down.extend(pair.0.frames());
    assert_eq!(up, (0..200_u8).map(|n| vec![n; 1 + usize::from(n)]).collect::<Vec<_>>());
    assert_eq!(down, (0..200_u8).map(|n| vec![n, 0]).collect::<Vec<_>>());
}

#[test]
fn a_full_queue_takes_no_frame_and_loses_none() {
    let mut pair = joined(Line::T1);
    for number in 0..64 {
        pair.0.send(&[number]).expect("room for 64");
    }
    assert_eq!(pair.0.send(&[64]).expect_err("full").kind(), ErrorKind::Retry);
    turns(&mut pair, 3);
    assert_eq!(pair.1.frames(), (0..64).map(|number| vec![number]).collect::<Vec<_>>());
    pair.0.send(&[64]).expect("room again");
}

#[test]
fn alarms_sent_are_seen_at_the_far_end() {
    let mut pair = joined(Line::E1);
    pair.0.running.control.send_alarms(SPAN, Alarms::RAI).expect("it can");
    turns(&mut pair, 1);
    assert_eq!(pair.1.alarms(), Alarms::RAI);
    pair.1.heard.clear();
    turns(&mut pair, 1);
    assert!(pair.1.heard.iter().any(|octet| *octet != Line::E1.idle_octet()), "it is heard all the same");

    pair.0.running.control.send_alarms(SPAN, Alarms::AIS).expect("it can");
    pair.0.send(&[1, 2]).expect("room");
    pair.1.heard.clear();
    turns(&mut pair, 5);
    assert_eq!(pair.1.alarms(), Alarms::AIS);
    assert!(pair.1.heard.iter().all(|octet| *octet == Line::E1.idle_octet()));
    assert!(pair.1.frames().is_empty());
    assert_eq!(pair.1.running.control.counters(SPAN).bad_frames, 1);

    pair.0.running.control.send_alarms(SPAN, Alarms::empty()).expect("it can");
    pair.1.heard.clear();
    turns(&mut pair, 1);
    assert_eq!(pair.1.alarms(), Alarms::empty());
    // Nothing was lost meanwhile: the count goes on as if it had been heard all the time.
    let heard = pair.1.heard.clone();
    turns(&mut pair, 1);
    assert_eq!(heard[79], pair.1.heard[80].wrapping_sub(1) % 251);
}

#[test]
fn cross_connected_spans_hear_each_other() {
    let mut builder = LoopbackCard::builder("card");
    let (one, other) = builder.cross_connected(Line::T1);
    assert_eq!((one, other), (SpanIndex(0), SpanIndex(1)));
    let card = builder.build();
    assert_eq!(card.spans()[0].label, "cross-connected with span 1");
    let mut running = Box::new(card).start(CHUNK).expect("short enough");
    let traffic = &mut running.traffic;
    let mut heard = [Vec::new(), Vec::new()];
    let mut frames = Vec::new();
    for tick in 0..10_u8 {
        assert_eq!(traffic.begin().expect("it is there"), Readiness::Ready);
        for (span, heard) in [one, other].into_iter().zip(&mut heard) {
            heard.push(traffic.received(span, Timeslot(24))[0]);
            traffic.to_send(span, Timeslot(24)).fill(100 * span.0 + tick);
        }
        if tick == 0 {
            traffic.send_frame(one, &[42]).expect("room");
        }
        frames.extend(traffic.receive_frame(other).expect("it is there"));
        traffic.end().expect("it is there");
        assert_eq!(traffic.next_event(), None);
    }
    assert_eq!(heard[0], [255, 255, 100, 101, 102, 103, 104, 105, 106, 107]);
    assert_eq!(heard[1], [255, 255, 0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(frames.len(), 1);
}

#[test]
fn the_local_loopback_brings_back_what_we_send() {
    let mut pair = joined(Line::T1);
    pair.0.running.control.set_loopback(SPAN, Loopback::Local).expect("it can");
    turns(&mut pair, 1);
    assert_eq!(pair.0.alarms(), Alarms::LOOPBACK);
    pair.0.heard.clear();
    pair.0.send(&[7]).expect("room");
    assert!(pair.0.frames().is_empty(), "not in the same tick");
    turns(&mut pair, 2);
    // Sent in the tick before: a fourth and fifth chunk of the counter.
    assert!(pair.0.heard.iter().zip(240..).all(|(octet, at)| *octet == pattern(1, at)), "{:?}", pair.0.heard);
    assert_eq!(pair.0.frames(), [vec![7]]);
    // It works without anybody at the far end, too.
    drop(pair.1);
    pair.0.heard.clear();
    pair.0.ticks(2);
    assert!(pair.0.heard.iter().zip(400..).all(|(octet, at)| *octet == pattern(1, at)));
    assert_eq!(pair.0.alarms(), Alarms::LOOPBACK);
    pair.0.running.control.set_loopback(SPAN, Loopback::None).expect("it can");
    pair.0.ticks(1);
    assert_eq!(pair.0.alarms(), Alarms::LOS | Alarms::ABSENT);
}

#[test]
fn line_and_payload_loopbacks_send_back_what_arrives() {
    for loopback in [Loopback::Line, Loopback::Payload] {
        let mut pair = joined(Line::E1);
        pair.0.running.control.set_loopback(SPAN, loopback).expect("it can");
        pair.0.ticks(1);
        assert_eq!(pair.0.send(&[1]).expect_err("looped").kind(), ErrorKind::Alarm);
        pair.1.ticks(1);
        pair.1.send(&[5, 6]).expect("room");
        pair.1.running.control.send_alarms(SPAN, Alarms::RAI).expect("it can");
        turns(&mut pair, 8);
        assert_eq!(pair.0.alarms(), Alarms::LOOPBACK | Alarms::RAI);
        assert_eq!(pair.0.frames(), [vec![5, 6]], "we listen as well");
        assert_eq!(pair.1.frames(), [vec![5, 6]], "{loopback:?}");
        // The line loopback returns the whole signal, the other makes framing anew.
        let returned = if loopback == Loopback::Line { Alarms::RAI } else { Alarms::empty() };
        assert_eq!(pair.1.alarms(), returned);
        pair.1.heard.clear();
        turns(&mut pair, 4);
        // There and back, 20 ms each way: the counter of 40 ms ago.
        let now = (3 + 1 + 8) * 80;
        assert!(pair.1.heard.iter().zip(now - 320..).all(|(octet, at)| *octet == pattern(1, at)));
    }
}
