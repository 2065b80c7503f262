//! A far end comes, goes, hangs, and comes back: the near end is never stuck, never hears what is stale,
//! and counts from the beginning each time.

mod common;

use board_loopback::Slot;
use common::{End, SPAN, pattern, span};
use hal::{Alarms, CardEvent, ChunkLength, ErrorKind, Line, Running, Timeslot};

const CHUNK: ChunkLength = ChunkLength::Ms10;

fn idle(octets: &[u8]) -> bool {
    octets.iter().all(|octet| *octet == Line::E1.idle_octet())
}

/// The octets of a far end that has just been attached: silence for the delay, then its pattern from 0.
fn assert_begins_anew(heard: &[u8]) {
    assert!(heard.len() > 160, "long enough to say something");
    assert!(idle(&heard[..160]), "nothing stale");
    assert!(heard[160..].iter().zip(0..).all(|(octet, at)| *octet == pattern(1, at)), "from the beginning");
}

#[test]
fn nobody_there_is_silence_and_an_alarm() {
    let (card, far_end) = span(Line::E1, 20, 200);
    let mut near = End::start(card, CHUNK);
    near.ticks(1000);
    assert!(idle(&near.heard));
    assert_eq!(near.alarms(), Alarms::LOS | Alarms::ABSENT);
    assert_eq!(near.events, [CardEvent::Alarms(SPAN, Alarms::LOS | Alarms::ABSENT)]);
    assert_eq!(near.send(&[1]).expect_err("to nobody").kind(), ErrorKind::Alarm);

    // It is attached: silence of the promised length, then its samples from the first one.
    let mut far = End::attach(&far_end, CHUNK);
    near.heard.clear();
    for _ in 0..50 {
        near.ticks(1);
        far.ticks(1);
    }
    assert_begins_anew(&near.heard);
    assert_eq!(near.alarms(), Alarms::empty());
    assert_eq!(near.events[1..], [CardEvent::Alarms(SPAN, Alarms::empty())]);
}

#[test]
fn a_far_end_that_goes_and_comes_back_starts_clean() {
    let (card, far_end) = span(Line::E1, 20, 200);
    let mut near = End::start(card, CHUNK);
    for round in 0..5 {
        let mut far = End::attach(&far_end, CHUNK);
        near.heard.clear();
        for _ in 0..20 {
            near.ticks(1);
            far.ticks(1);
        }
        assert_begins_anew(&near.heard);
        // Both leave something in the rings.
        far.send(&[round]).expect("room for one");
        near.send(&[round]).expect("room for one");
        far.ticks(1);
        drop(far);
        near.heard.clear();
        near.ticks(30);
        assert!(idle(&near.heard));
        assert!(near.frames().is_empty(), "a frame of one who has gone");
        assert_eq!(near.alarms(), Alarms::LOS | Alarms::ABSENT);
    }
}

#[test]
fn the_near_card_is_found_again_in_its_slot() {
    let (card, far_end) = span(Line::E1, 20, 200);
    let mut slot = card.slot();
    assert_eq!(slot.find().err().expect("it is in use").kind(), ErrorKind::Reopen);
    let mut near = End::start(card, CHUNK);
    let mut far = End::attach(&far_end, CHUNK);
    near.ticks(1);
    assert!(far_end.attach("another").is_err(), "a far end has one owner");
    far.ticks(1);
    drop(near);
    far.ticks(1);
    assert_eq!(far.alarms(), Alarms::LOS | Alarms::ABSENT);
    let card = slot.find().expect("it was dropped");
    assert_eq!(card.name(), "card");
    let mut running = card.start(CHUNK).expect("as before");
    assert_eq!(running.traffic.begin().expect("it is there"), hal::Readiness::Ready);
    running.traffic.end().expect("it is there");
    far.ticks(1);
    assert_eq!(far.alarms(), Alarms::empty());
}

#[test]
fn a_far_end_that_hangs_is_given_up_and_taken_back() {
    let (card, far_end) = span(Line::E1, 20, 7);
    let mut near = End::start(card, CHUNK);
    let mut far = End::attach(&far_end, CHUNK);
    near.ticks(1);
    far.ticks(1);

    // The far end hangs: what is in flight is heard, then patience, then silence and an alarm.
    near.ticks(2);
    for _ in 0..6 {
        assert!(!near.tick());
        assert_eq!(near.alarms(), Alarms::empty());
    }
    near.heard.clear();
    near.ticks(500);
    assert!(idle(&near.heard));
    assert_eq!(near.alarms(), Alarms::LOS);
    assert_eq!(near.running.control.counters(SPAN).underruns, 500);

    // It moves again; its counter goes on, ours has not stopped either.
    near.heard.clear();
    far.heard.clear();
    for _ in 0..20 {
        far.ticks(1);
        near.ticks(1);
    }
    assert_eq!(near.alarms(), Alarms::empty());
    for heard in [&near.heard, &far.heard] {
        let start = heard.iter().position(|octet| *octet != Line::E1.idle_octet()).expect("something");
        assert_eq!(start, 160, "silence of the promised length");
        assert!(heard[start..].windows(2).all(|w| u16::from(w[1]) == (u16::from(w[0]) + 1) % 251));
    }
}

#[test]
fn a_far_end_that_was_attached_and_never_moved_costs_patience_once() {
    let (card, far_end) = span(Line::E1, 20, 7);
    let _far = End::attach(&far_end, CHUNK);
    let mut near = End::start(card, CHUNK);
    let vain = (0..100).filter(|_| !near.tick()).count();
    assert_eq!(vain, 6);
    assert_eq!(near.alarms(), Alarms::LOS);
}

#[test]
fn a_card_waits_for_the_latest_of_its_spans() {
    let mut builder = board_loopback::LoopbackCard::builder("card");
    builder.patience(5);
    let ends = [builder.span_to_exchange(Line::T1), builder.span_to_exchange(Line::T1)];
    let mut near = End::start(builder.build(), CHUNK);
    let [mut one, mut other] = ends.each_ref().map(|end| End::attach(end, CHUNK));
    near.ticks(2);
    one.ticks(2);
    assert!(!near.tick(), "the other one has sent nothing");
    assert_eq!(near.heard.len(), 160, "and nothing was taken from the first");
    other.ticks(1);
    near.ticks(1);
    assert_eq!(near.heard.len(), 240);
}

#[test]
fn one_card_of_several_far_ends() {
    let mut builder = board_loopback::LoopbackCard::builder("card");
    let ends = [builder.span_to_exchange(Line::T1), builder.span_to_exchange(Line::E1)];
    let near = builder.build();
    let far = board_loopback::FarEnd::card("exchange", &ends).expect("nobody holds them");
    assert_eq!(hal::Card::spans(&far).len(), 2);
    assert!(board_loopback::FarEnd::card("again", &ends[1..]).is_err());
    let (mut near, mut far) = (End::start(near, CHUNK), End::start(far, CHUNK));
    near.ticks(1);
    near.running.traffic.send_frame(hal::SpanIndex(1), &[9]).expect("room");
    for _ in 0..3 {
        far.ticks(1);
        near.ticks(1);
    }
    assert!(far.frames().is_empty(), "it was sent on the other span");
    // Sent before the near end's second tick: heard after the delay of two.
    far.ticks(1);
    let frame = far.running.traffic.receive_frame(hal::SpanIndex(1)).expect("the card is there");
    assert_eq!(frame.as_deref(), Some(&[9_u8][..]));
}

#[test]
fn what_the_card_lacks_is_no_panic() {
    let (card, far_end) = span(Line::T1, 20, 200);
    let mut near = End::start(card, CHUNK);
    let mut far = End::attach(&far_end, CHUNK);
    near.ticks(1);
    far.ticks(1);
    let nowhere = hal::SpanIndex(1);
    let Running { traffic, control } = &mut near.running;
    for timeslot in [Timeslot(0), Timeslot(25), Timeslot(255)] {
        assert!(traffic.received(SPAN, timeslot).is_empty());
        assert!(traffic.to_send(SPAN, timeslot).is_empty());
    }
    assert!(traffic.received(nowhere, Timeslot(1)).is_empty());
    assert!(traffic.to_send(nowhere, Timeslot(1)).is_empty());
    assert_eq!(traffic.send_frame(nowhere, &[1]).expect_err("nowhere").kind(), ErrorKind::Unsupported);
    assert_eq!(traffic.receive_frame(nowhere).expect_err("nowhere").kind(), ErrorKind::Unsupported);
    assert_eq!(traffic.send_frame(SPAN, &[0; 265]).expect_err("too long").kind(), ErrorKind::Unsupported);
    assert_eq!(control.alarms(nowhere), Alarms::ABSENT);
    assert_eq!(control.counters(nowhere), hal::Counters::default());
    assert!(control.send_alarms(SPAN, Alarms::LOS).is_err(), "nobody can send a loss of signal");
    assert!(control.set_loopback(nowhere, hal::Loopback::Local).is_err());
    // A tick ended twice, or begun twice, is one tick.
    traffic.end().expect("the card is there");
    assert_eq!(traffic.begin().expect("the card is there"), hal::Readiness::Ready);
    assert_eq!(traffic.begin().expect("the card is there"), hal::Readiness::Ready);
    traffic.end().expect("the card is there");
    near.ticks(1);
    assert!(!near.tick(), "three ticks, as the delay of two and one of the far end allow");
}
