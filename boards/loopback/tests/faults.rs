//! A card that fails: the same way for the same seed, as a real driver would show it, and counted.

mod common;

use board_loopback::faults::{CardFault, Direction, FaultCounts, FaultPlan, FrameChances, Mishap, ScriptedFault};
use board_loopback::{FarEnd, FaultyCard, FaultySlot, Slot};
use common::{End, SPAN, pattern, span};
use hal::{Alarms, CardEvent, ChunkLength, ErrorKind, FrameFault, Line, Running};

const CHUNK: ChunkLength = ChunkLength::Ms10;

fn faulty(seed: u64, plan: FaultPlan) -> (FaultyCard, FarEnd) {
    let (card, far_end) = span(Line::T1, 20, 200);
    (FaultyCard::new(Box::new(card), seed, plan), far_end)
}

fn script(faults: &[(u64, CardFault)]) -> FaultPlan {
    let script = faults.iter().map(|&(tick, fault)| ScriptedFault { tick, fault }).collect();
    FaultPlan { script, ..FaultPlan::default() }
}

/// What came of a run.
#[derive(Debug, PartialEq)]
struct History {
    heard: Vec<u8>,
    down: Vec<Vec<u8>>,
    up: Vec<Vec<u8>>,
    events: Vec<CardEvent>,
    counts: FaultCounts,
}

/// 500 ticks with a frame each way in each; everything either end sees.
fn history(seed: u64, plan: FaultPlan) -> History {
    let (card, far_end) = faulty(seed, plan);
    let tally = card.tally();
    let mut near = End::start(card, CHUNK);
    let mut far = End::attach(&far_end, CHUNK);
    let (mut down, mut up) = (Vec::new(), Vec::new());
    for number in 0..500_u16 {
        near.ticks(1);
        let _ = near.send(&number.to_be_bytes());
        far.ticks(1);
        let _ = far.send(&number.to_be_bytes());
        down.extend(near.frames());
        up.extend(far.frames());
    }
    History { heard: near.heard.clone(), down, up, events: near.events.clone(), counts: tally.counts() }
}

fn storm() -> FaultPlan {
    FaultPlan {
        received: FrameChances { lose: 0.1, corrupt: 0.05, duplicate: 0.02 },
        sent: FrameChances { lose: 0.02, corrupt: 0.05, duplicate: 0.1 },
        slip: 0.02,
        alarm: 0.01,
        alarms: Alarms::AIS,
        alarm_ticks: 2..=20,
        ..FaultPlan::default()
    }
}

#[test]
fn a_seed_is_a_history() {
    let first = history(7, storm());
    assert_eq!(first, history(7, storm()));
    assert_ne!(first, history(8, storm()));
}

#[test]
fn no_plan_is_no_fault() {
    let History { heard, down, up, events, counts } = history(7, FaultPlan::default());
    assert!(heard[160..].iter().zip(0..).all(|(octet, at)| *octet == pattern(1, at)));
    // Those of the last three turns are still on their way.
    assert_eq!((down.len(), up.len()), (497, 497));
    assert!(events.is_empty());
    assert_eq!(counts, FaultCounts::default());
}

#[test]
fn the_counts_are_what_happened() {
    let History { heard, down, up, events, counts } = history(3, storm());
    // Of 500 frames each way the last three or so are still on the line.
    let received = counts.received;
    let on_the_line = down.len() as u64 + received.lost - received.duplicated;
    assert!((497..=500).contains(&on_the_line), "{counts:?}");
    let on_the_line = up.len() as u64 + counts.sent.lost - counts.sent.duplicated;
    assert!((495..=500).contains(&on_the_line), "{counts:?}");
    assert!(counts.received.corrupted > 0 && counts.sent.corrupted > 0);

    let number = |wanted: fn(&CardEvent) -> bool| events.iter().filter(|event| wanted(event)).count() as u64;
    assert_eq!(number(|event| matches!(event, CardEvent::Slip(_))), counts.slips);
    assert_eq!(number(|event| matches!(event, CardEvent::Alarms(_, Alarms::AIS))), counts.alarm_episodes);
    assert!(number(|event| matches!(event, CardEvent::FrameLost(..))) > 0);
    assert!(counts.slips > 0 && counts.alarm_episodes > 0);
    assert_eq!(counts.events_lost, 0);
    assert_eq!(heard.len(), 500 * 80, "however it slips, a tick is a tick");
}

#[test]
fn slips_repeat_a_chunk_and_drop_one_in_turn() {
    let (card, far_end) = faulty(1, script(&[(10, CardFault::Slip(SPAN)), (20, CardFault::Slip(SPAN))]));
    let mut near = End::start(card, CHUNK);
    let mut far = End::attach(&far_end, CHUNK);
    for _ in 0..30 {
        near.ticks(1);
        far.ticks(1);
    }
    let chunk = |tick: usize| near.heard[tick * 80];
    let of = |sent: u64| pattern(1, sent * 80);
    // Two chunks of delay; from tick 10 three; from tick 20 two again.
    assert_eq!([chunk(9), chunk(10), chunk(11), chunk(19)], [of(7), of(7), of(8), of(16)]);
    assert_eq!([chunk(20), chunk(21)], [of(18), of(19)]);
    assert_eq!(near.events, [CardEvent::Slip(SPAN), CardEvent::Slip(SPAN)]);
    assert_eq!(near.running.control.counters(SPAN).slips, 2);
}

#[test]
fn scripted_mishaps_befall_the_next_frame_of_their_kind() {
    let received = |mishap| CardFault::Frame(SPAN, Direction::Received, mishap);
    let sent = |mishap| CardFault::Frame(SPAN, Direction::Sent, mishap);
    let plan = script(&[
        (0, received(Mishap::Lose)),
        (0, received(Mishap::Corrupt)),
        (0, received(Mishap::Duplicate)),
        (0, sent(Mishap::Duplicate)),
        (0, sent(Mishap::Lose)),
        (0, sent(Mishap::Corrupt)),
    ]);
    let (card, far_end) = faulty(1, plan);
    let mut near = End::start(card, CHUNK);
    let mut far = End::attach(&far_end, CHUNK);
    near.ticks(1);
    far.ticks(1);
    for number in 0..4_u8 {
        near.send(&[number; 10]).expect("room");
        far.send(&[number; 10]).expect("room");
    }
    for _ in 0..3 {
        near.ticks(1);
        far.ticks(1);
    }
    let bits = |frame: &[u8], number: u8| frame.iter().map(|octet| (octet ^ number).count_ones()).sum::<u32>();
    let (down, up) = (near.frames(), far.frames());
    // Lost, corrupted, twice, untouched.
    assert_eq!(down.len(), 4);
    assert_eq!(bits(&down[0], 1), 1);
    assert_eq!(down[1..], [[2; 10], [2; 10], [3; 10]]);
    // The order of the chances, not of the script: lost, corrupted, twice.
    assert_eq!(up.len(), 4);
    assert_eq!(bits(&up[0], 1), 1);
    assert_eq!(up[1..], [[2; 10], [2; 10], [3; 10]]);
    near.ticks(1);
    let lost = |event: &CardEvent| matches!(event, CardEvent::FrameLost(SPAN, FrameFault::BadFcs | FrameFault::Abort));
    assert_eq!(near.events.iter().filter(|event| lost(event)).count(), 1);
    let counters = near.running.control.counters(SPAN);
    let of = |fault| near.events.iter().filter(|e| **e == CardEvent::FrameLost(SPAN, fault)).count() as u64;
    assert_eq!(counters.bad_frames, 1);
    assert_eq!(counters.aborted_frames, of(FrameFault::Abort));
    assert_eq!(counters.wrong_fcs_frames, of(FrameFault::BadFcs));
}

#[test]
fn an_alarm_lasts_as_long_as_it_was_told_to() {
    let (card, far_end) = faulty(1, script(&[(5, CardFault::Alarms(SPAN, Alarms::LOF, 10))]));
    let mut near = End::start(card, CHUNK);
    let mut far = End::attach(&far_end, CHUNK);
    let mut alarmed = 0;
    for _ in 0..30 {
        near.ticks(1);
        alarmed += u32::from(near.alarms() == Alarms::LOF);
        far.ticks(1);
        far.send(&[1]).expect("room");
    }
    assert_eq!(alarmed, 10);
    assert_eq!(near.events, [CardEvent::Alarms(SPAN, Alarms::LOF), CardEvent::Alarms(SPAN, Alarms::empty())]);
    assert!(near.heard[5 * 80..15 * 80].iter().all(|octet| *octet == 255));
    assert_eq!(near.heard[15 * 80], pattern(1, 13 * 80), "the line itself was well all the time");
}

#[test]
fn a_removed_card_is_gone_for_both_ends_and_comes_back() {
    let (card, far_end) = span(Line::T1, 20, 200);
    let inner = card.slot();
    drop(card);
    let plan = script(&[(3, CardFault::Remove(2)), (6, CardFault::Slip(SPAN))]);
    let mut slot = FaultySlot::new(Box::new(inner), 1, plan);
    let tally = slot.tally();
    let mut far = End::attach(&far_end, CHUNK);
    let mut running = slot.find().expect("nothing has happened yet").start(CHUNK).expect("short enough");
    assert_eq!(slot.find().err().expect("in use").kind(), ErrorKind::Reopen);
    let tick = |running: &mut Running| {
        running.traffic.begin()?;
        running.traffic.end()
    };
    for _ in 0..3 {
        far.ticks(1);
        tick(&mut running).expect("not yet");
    }
    let gone = Some(ErrorKind::Reopen);
    for _ in 0..5 {
        assert_eq!(running.traffic.begin().err().map(|error| error.kind()), gone);
    }
    assert_eq!(running.traffic.next_event(), Some(CardEvent::Removed));
    assert_eq!(running.traffic.next_event(), None);
    assert_eq!(running.traffic.end().err().map(|error| error.kind()), gone);
    assert_eq!(running.traffic.send_frame(SPAN, &[1]).err().map(|error| error.kind()), gone);
    assert_eq!(running.traffic.receive_frame(SPAN).err().map(|error| error.kind()), gone);
    assert_eq!(running.control.alarms(SPAN), Alarms::ABSENT);
    assert_eq!(running.traffic.received(SPAN, hal::Timeslot(24)), [255; 80]);
    assert_eq!(running.traffic.to_send(SPAN, hal::Timeslot(24)).len(), 80);
    far.ticks(1);
    assert_eq!(far.alarms(), Alarms::LOS | Alarms::ABSENT);

    // Looked for twice in vain, after the daemon has let go of what is left of it.
    drop(running);
    assert!(slot.find().is_err());
    assert!(slot.find().is_err());
    let mut running = slot.find().expect("it is back").start(CHUNK).expect("short enough");
    let mut slips = 0;
    for _ in 0..4 {
        far.ticks(1);
        tick(&mut running).expect("it is there");
        slips += std::iter::from_fn(|| running.traffic.next_event()).filter(|e| *e == CardEvent::Slip(SPAN)).count();
    }
    assert_eq!(far.alarms(), Alarms::empty());
    assert_eq!(slips, 1, "the script goes on where it was");
    assert_eq!(tally.counts().removals, 1);
}
