//! Copies of D-channel frames: both ways, in order, with their tick; and counted when nobody reads.

mod common;

use board_loopback::{CapturingCard, Direction, PcapWriter, Side};
use common::{End, SPAN, span};
use hal::{ChunkLength, Line};
use std::time::{Duration, UNIX_EPOCH};

#[test]
fn what_passes_is_copied() {
    let (card, far_end) = span(Line::E1, 20, 200);
    let (card, mut reader) = CapturingCard::new(Box::new(card), 16);
    let mut near = End::start(card, ChunkLength::Ms20);
    let mut far = End::attach(&far_end, ChunkLength::Ms10);
    for number in 0..5 {
        near.ticks(1);
        far.ticks(1);
        near.send(&[1, number]).expect("room");
        far.send(&[2, number]).expect("room");
        far.ticks(1);
        near.frames();
        far.frames();
    }
    near.send(&[0; 265]).expect_err("too long, and not captured");
    let copies: Vec<_> = reader.by_ref().collect();
    assert!(reader.next().is_none());
    assert_eq!(reader.dropped(), 0);
    let sent: Vec<_> = copies.iter().filter(|copy| copy.direction == Direction::Sent).collect();
    let received: Vec<_> = copies.iter().filter(|copy| copy.direction == Direction::Received).collect();
    assert_eq!(sent.len(), 5);
    assert!(sent.iter().zip(0..).all(|(copy, number)| copy.frame[..] == [1, number] && copy.span == SPAN));
    assert!(
        sent.iter()
            .zip(1..)
            .all(|(copy, tick)| copy.tick == tick && copy.at == Duration::from_millis(20) * tick as u32)
    );
    assert!(received.len() >= 3);
    assert!(received.iter().zip(0..).all(|(copy, number)| copy.frame[..] == [2, number]));

    let mut pcap = PcapWriter::new(Vec::new(), Side::User, UNIX_EPOCH).expect("a vector takes everything");
    copies.iter().for_each(|copy| pcap.write(copy).expect("a vector takes everything"));
    assert_eq!(pcap.into_inner().len(), 24 + copies.len() * (16 + 16 + 2));

    assert!(!reader.is_over());
    drop(near);
    assert!(reader.is_over());
}

#[test]
fn a_reader_that_is_late_costs_copies_and_nothing_else() {
    let (card, far_end) = span(Line::E1, 20, 200);
    let (card, reader) = CapturingCard::new(Box::new(card), 3);
    let mut near = End::start(card, ChunkLength::Ms10);
    let mut far = End::attach(&far_end, ChunkLength::Ms10);
    near.ticks(1);
    far.ticks(1);
    for number in 0..10 {
        near.send(&[number]).expect("room");
    }
    for _ in 0..3 {
        near.ticks(1);
        far.ticks(1);
    }
    assert_eq!(far.frames().len(), 10);
    assert_eq!(reader.dropped(), 7);
    assert_eq!(reader.map(|copy| copy.frame[0]).collect::<Vec<_>>(), [0, 1, 2]);
}
