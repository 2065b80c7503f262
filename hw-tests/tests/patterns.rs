//! A pattern test of every timeslot and of whole spans, over the software card's loopbacks and with faults on its line.
//!
//! The same test runs on a card of another kind whose spans are looped by a cable.

use board_loopback::{FaultDesk, LoopbackCard};
use dsp::bert::{Generator, Pattern, Receiver, Sync, Width, deal, gather};
use dsp::loopcode::{LoopCode, LoopCodeDetector, LoopCodeEvent, LoopCodeGenerator};
use dsp::selftest::{TestPlan, TimeslotTest, Verdict};
use hal::{Card, ChunkLength, Line, Loopback, Readiness, Running, SpanIndex, Timeslot, TimeslotLoopback};

const SPAN: SpanIndex = SpanIndex(0);
const CHUNK: ChunkLength = ChunkLength::Ms10;

/// A card and its far end, 20 ms apart.
fn span(line: Line) -> (Running, Running, FaultDesk) {
    let mut builder = LoopbackCard::builder("card");
    let far_end = builder.span_to_exchange(line);
    let mut card = builder.build();
    let desk = card.fault_desk();
    let near = Box::new(card).start(CHUNK).expect("a chunk is shorter than the delay");
    let far = Box::new(far_end.attach("exchange").expect("nobody holds it")).start(CHUNK).expect("likewise");
    (near, far, desk)
}

/// One tick of one end.
fn tick(end: &mut Running, work: impl FnOnce(&mut dyn hal::Traffic)) {
    assert_eq!(end.traffic.begin().expect("the card is there"), Readiness::Ready);
    work(&mut *end.traffic);
    end.traffic.end().expect("the card is there");
}

/// Test all timeslots of a span at once, each by itself.
fn test_all(near: &mut Running, far: &mut Running, line: Line, plan: TestPlan) -> Vec<Verdict> {
    let mut tests: Vec<_> = (0..line.timeslots()).map(|_| TimeslotTest::new(plan)).collect();
    while tests.iter().any(|test| test.verdict().is_none()) {
        tick(near, |traffic| {
            for (timeslot, test) in (1..).map(Timeslot).zip(&mut tests) {
                let mut received = [0; CHUNK.samples()];
                received.copy_from_slice(traffic.received(SPAN, timeslot));
                test.tick(&received, traffic.to_send(SPAN, timeslot));
            }
        });
        tick(far, |_| {});
    }
    tests.iter().map(|test| test.verdict().expect("all have ended")).collect()
}

fn plan() -> TestPlan {
    TestPlan { settle_ms: 500, measure_ms: 2_000, ..TestPlan::default() }
}

#[test]
fn every_timeslot_passes_over_every_loop_with_the_delay_of_that_loop() {
    for line in [Line::T1, Line::E1] {
        // At our framer one tick; at the far end there and back.
        for (set_at_near, loopback, delay) in
            [(true, Loopback::Local, 80), (false, Loopback::Line, 320), (false, Loopback::Payload, 320)]
        {
            let (mut near, mut far, _desk) = span(line);
            let end = if set_at_near { &mut near } else { &mut far };
            end.control.set_loopback(SPAN, loopback).expect("the software card has it");
            let verdicts = test_all(&mut near, &mut far, line, plan());
            assert_eq!(verdicts.len(), usize::from(line.timeslots()));
            for verdict in verdicts {
                let Verdict::Passed { delay: found, errors: 0, .. } = verdict else { panic!("{line}: {verdict}") };
                assert_eq!(found, Some(delay), "{line} {loopback}");
            }
        }
    }
}

#[test]
fn one_timeslot_is_tested_while_the_others_carry_something_else() {
    let (mut near, mut far, _desk) = span(Line::E1);
    near.control.set_timeslot_loopback(SPAN, Timeslot(7), TimeslotLoopback::Local).expect("the software card has it");
    let mut test = TimeslotTest::new(plan());
    // The neighbour counts the ticks.
    let count = |tick: u32| (tick % 251) as u8;
    let mut ticks = 0;
    while test.verdict().is_none() {
        ticks += 1;
        tick(&mut near, |traffic| {
            let mut received = [0; CHUNK.samples()];
            received.copy_from_slice(traffic.received(SPAN, Timeslot(7)));
            test.tick(&received, traffic.to_send(SPAN, Timeslot(7)));
            traffic.to_send(SPAN, Timeslot(8)).fill(count(ticks));
        });
        tick(&mut far, |traffic| {
            if ticks > 2 {
                assert_eq!(traffic.received(SPAN, Timeslot(8)), [count(ticks - 2); CHUNK.samples()]);
            }
        });
    }
    let verdict = test.verdict().expect("it has ended");
    assert!(matches!(verdict, Verdict::Passed { delay: Some(80), errors: 0, .. }), "{verdict}");
}

#[test]
fn faults_of_a_line_are_found_in_the_timeslots_that_have_them() {
    let (mut near, mut far, desk) = span(Line::E1);
    far.control.set_loopback(SPAN, Loopback::Line).expect("the software card has it");
    for words in ["stuck 3 0x54", "noisy 5"] {
        desk.obey(SPAN, words.parse().expect("an order")).expect("the span is there");
    }
    let verdicts = test_all(&mut near, &mut far, Line::E1, plan());
    for (timeslot, verdict) in (1..).zip(verdicts) {
        match timeslot {
            3 => assert_eq!(verdict.to_string(), "failed: the pattern does not come back, only 0x54"),
            5 => assert!(verdict.to_string().ends_with("something else does"), "{verdict}"),
            _ => assert!(verdict.passed(), "timeslot {timeslot}: {verdict}"),
        }
    }
    desk.obey(SPAN, "clear".parse().expect("an order")).expect("the span is there");
    assert!(test_all(&mut near, &mut far, Line::E1, plan()).into_iter().all(Verdict::passed));
}

#[test]
fn wrong_bits_of_a_whole_span_are_counted_by_the_tester_and_the_framer_alike() {
    let (mut near, mut far, desk) = span(Line::T1);
    far.control.set_loopback(SPAN, Loopback::Line).expect("the software card has it");
    let mut generator = Generator::new(Pattern::Qrss, Width::Full);
    let mut receiver = Receiver::new(Pattern::Qrss, Width::Full, 24);
    let mut turn = |receiver: &mut Receiver, ticks: usize| {
        let (mut channel, mut chunk) = ([0; 24 * CHUNK.samples()], [0; CHUNK.samples()]);
        for _ in 0..ticks {
            tick(&mut near, |traffic| {
                for at in 0..24 {
                    chunk.copy_from_slice(traffic.received(SPAN, Timeslot(at as u8 + 1)));
                    gather(&chunk, 24, at, &mut channel);
                }
                receiver.process(&channel);
                generator.fill(&mut channel);
                for at in 0..24 {
                    deal(&channel, 24, at, traffic.to_send(SPAN, Timeslot(at as u8 + 1)));
                }
            });
            tick(&mut far, |_| {});
        }
        near.control.counters(SPAN)
    };
    turn(&mut receiver, 10);
    desk.obey(SPAN, "errors 1e-5".parse().expect("an order")).expect("the span is there");
    let counters = turn(&mut receiver, 6_000);
    desk.obey(SPAN, "clear".parse().expect("an order")).expect("the span is there");
    turn(&mut receiver, 10);

    // A minute of 1,544,000 bits a second, one in 100,000 wrong; one bit of 193 is framing, which no tester sees.
    let report = receiver.report();
    assert!(counters.line_code_violations.abs_diff(926) <= 1, "{counters:?}");
    assert_eq!((report.sync, report.sync_losses), (Sync::InSync, 0));
    let unseen = counters.line_code_violations - report.bit_errors;
    assert!(unseen <= 15, "{unseen} in framing of {}", counters.line_code_violations);
    let rate = report.error_rate().expect("bits were compared");
    assert!((0.95e-5..1.01e-5).contains(&rate), "{rate:e}");

    // A slip of one frame is a loss, not wrong bits.
    desk.obey(SPAN, "slips 1".parse().expect("an order")).expect("the span is there");
    assert_eq!(turn(&mut receiver, 10).slips, 1);
    let after = receiver.report();
    assert_eq!((after.sync, after.sync_losses, after.bit_errors), (Sync::InSync, 1, report.bit_errors));
}

#[test]
fn a_loop_code_in_band_reaches_the_far_end_through_errors() {
    let (mut near, mut far, desk) = span(Line::T1);
    desk.obey(SPAN, "sent errors 1e-3".parse().expect("an order")).expect("the span is there");
    let (mut code, mut detector) = (LoopCodeGenerator::new(LoopCode::LineUp), LoopCodeDetector::new());
    let (mut heard, mut channel) = (Vec::new(), [0; 24 * CHUNK.samples()]);
    for ticks in 0..100 * LoopCodeGenerator::SECONDS {
        tick(&mut near, |traffic| {
            code.fill(&mut channel);
            for at in 0..24 {
                deal(&channel, 24, at, traffic.to_send(SPAN, Timeslot(at as u8 + 1)));
            }
        });
        tick(&mut far, |traffic| {
            for at in 0..24 {
                gather(traffic.received(SPAN, Timeslot(at as u8 + 1)), 24, at, &mut channel);
            }
            detector.process(&channel, &mut |event| heard.push((ticks, event)));
        });
    }
    // 20 ms on the way, then five seconds, judged in tenths.
    assert_eq!(heard, [(509, LoopCodeEvent::Heard(LoopCode::LineUp))]);
}
