//! Ends that come, go, hang, tick and signal in any order: what is heard is always silence or an unbroken
//! run of what the other end sent, and before every run there is the whole silence a session begins with.

mod common;

use board_loopback::Slot;
use common::{End, span};
use hal::{ChunkLength, Line};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Tick(usize, u8),
    Frame(usize),
    Go(usize),
    Come(usize, ChunkLength),
}

fn step() -> impl Strategy<Value = Step> {
    let end = || 0_usize..2;
    let chunk = prop_oneof![Just(ChunkLength::Ms5), Just(ChunkLength::Ms10), Just(ChunkLength::Ms20)];
    prop_oneof![
        20 => (end(), 1_u8..6).prop_map(|(end, ticks)| Step::Tick(end, ticks)),
        5 => end().prop_map(Step::Frame),
        1 => end().prop_map(Step::Go),
        3 => (end(), chunk).prop_map(|(end, chunk)| Step::Come(end, chunk)),
    ]
}

/// The idle octet of a T1, which the counter never has.
const IDLE: u8 = 255;
const DELAY: usize = 160;

fn check(heard: &[u8]) {
    let mut silence = 0;
    let mut last = None;
    for octet in heard {
        if *octet == IDLE {
            silence += 1;
            continue;
        }
        match last {
            Some(last) if silence == 0 => assert_eq!(u16::from(*octet), (u16::from(last) + 1) % 251, "torn"),
            _ => assert!(silence >= DELAY, "a run after only {silence} idle octets"),
        }
        silence = 0;
        last = Some(*octet);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_is_torn(steps in prop::collection::vec(step(), 1..400)) {
        let (card, far_end) = span(Line::T1, 20, 5);
        let mut near_slot = card.slot();
        drop(card);
        let mut ends: [Option<End>; 2] = [None, None];
        // Frames carry who sent them and a number that only goes up.
        let mut number = 0_u32;
        let mut newest = [0; 2];
        let mut runs = 0;
        for step in steps {
            match step {
                Step::Tick(side, ticks) => {
                    let Some(end) = &mut ends[side] else { continue };
                    for _ in 0..ticks {
                        end.tick();
                        for frame in end.frames() {
                            prop_assert_eq!(usize::from(frame[0]), 1 - side);
                            let received = u32::from_be_bytes([frame[1], frame[2], frame[3], frame[4]]);
                            prop_assert!(received > newest[side], "in order, and never twice");
                            newest[side] = received;
                        }
                    }
                }
                Step::Frame(side) => {
                    let Some(end) = &mut ends[side] else { continue };
                    number += 1;
                    let mut frame = vec![side as u8];
                    frame.extend(number.to_be_bytes());
                    let _ = end.send(&frame);
                }
                Step::Go(side) => {
                    if let Some(end) = ends[side].take() {
                        check(&end.heard);
                        runs += usize::from(end.heard.iter().any(|octet| *octet != IDLE));
                    }
                }
                Step::Come(side, chunk) => {
                    if ends[side].is_some() {
                        continue;
                    }
                    ends[side] = Some(match side {
                        0 => End::start_found(near_slot.find().expect("it is free"), chunk),
                        _ => End::attach(&far_end, chunk),
                    });
                }
            }
        }
        for end in ends.into_iter().flatten() {
            check(&end.heard);
            runs += usize::from(end.heard.iter().any(|octet| *octet != IDLE));
        }
        // Counted so that a change which silences everything does not pass.
        HEARD.fetch_add(runs, std::sync::atomic::Ordering::Relaxed);
        CASES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let cases = CASES.load(std::sync::atomic::Ordering::Relaxed);
        prop_assert!(cases < 50 || HEARD.load(std::sync::atomic::Ordering::Relaxed) > cases);
    }
}

static HEARD: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
static CASES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
