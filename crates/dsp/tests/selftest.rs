//! A timeslot is tested over every kind of loop, and every kind of no loop.

use dsp::bert::{Generator, Pattern, Width};
use dsp::selftest::{Heard, TestPlan, TimeslotTest, Verdict};
use std::collections::VecDeque;

const CHUNK: usize = 80;

fn plan() -> TestPlan {
    TestPlan { settle_ms: 1_000, measure_ms: 3_000, ..TestPlan::default() }
}

/// Run a test over a line: `line` sees each octet that was sent `delay` octets ago with its number.
fn run(plan: TestPlan, delay: usize, mut line: impl FnMut(usize, u8) -> Option<u8>) -> (Verdict, usize) {
    let mut test = TimeslotTest::new(plan);
    let mut way: VecDeque<u8> = vec![0xff; delay].into();
    let mut at = 0;
    for tick in 1.. {
        let mut received = Vec::new();
        while received.len() < CHUNK {
            let octet = way.pop_front().unwrap_or(0xff);
            received.extend(line(at, octet));
            at += 1;
        }
        let mut to_send = [0xff; CHUNK];
        test.tick(&received, &mut to_send);
        way.extend(to_send);
        if let Some(verdict) = test.verdict() {
            return (verdict, tick);
        }
    }
    unreachable!("a test ends")
}

#[test]
fn a_loop_passes_with_its_delay() {
    for delay in [80, 160, 320, 1_000] {
        let (verdict, ticks) = run(plan(), delay, |_, octet| Some(octet));
        let Verdict::Passed { delay: Some(found), bits, errors: 0 } = verdict else { panic!("{verdict}") };
        assert_eq!(found as usize, delay);
        assert!(verdict.passed() && bits >= 3 * 64_000, "{verdict}");
        assert!(ticks <= delay / CHUNK + 2 + 25 + 300, "{ticks} ticks");
    }
    let (verdict, _) = run(plan(), 160, |_, octet| Some(octet));
    assert_eq!(verdict.to_string(), "passed: 192000 bits, 0 wrong, back after 20.000 ms");
    let seven = TestPlan { width: Width::Seven, pattern: Pattern::Qrss, ..plan() };
    let (verdict, _) = run(seven, 160, |_, octet| Some(octet & 0xfe));
    assert!(matches!(verdict, Verdict::Passed { delay: Some(160), .. }), "{verdict}");
    let fixed = TestPlan { pattern: Pattern::ThreeIn24, ..plan() };
    assert!(matches!(run(fixed, 160, |_, octet| Some(octet)).0, Verdict::Passed { delay: None, .. }));
}

#[test]
fn wrong_bits_are_counted_and_some_may_be_allowed() {
    let hit = |at: usize, octet: u8| Some(if at % 8_000 == 7_999 { octet ^ 4 } else { octet });
    let (verdict, _) = run(plan(), 160, hit);
    assert_eq!(verdict, Verdict::Errors { bits: 192_000, errors: 3 });
    assert_eq!(verdict.to_string(), "failed: 3 of 192000 bits wrong");
    let lenient = TestPlan { errors_allowed: 3, ..plan() };
    assert!(matches!(run(lenient, 160, hit).0, Verdict::Passed { errors: 3, .. }));
}

#[test]
fn a_slip_is_no_wrong_bit() {
    let (verdict, _) = run(plan(), 160, |at, octet| (at != 12_345).then_some(octet));
    assert_eq!(verdict, Verdict::Slipped { losses: 1 });
    assert!(!verdict.passed());
}

#[test]
fn no_loop_tells_what_is_there_instead() {
    for octet in [0xff, 0xd5, 0x00] {
        let (verdict, ticks) = run(plan(), 160, |_, _| Some(octet));
        assert_eq!((verdict, ticks), (Verdict::NoLoop { heard: Heard::Constant(octet) }, 100));
    }
    let (verdict, _) = run(plan(), 160, |at, _| Some((at * at / 7) as u8));
    assert_eq!(verdict, Verdict::NoLoop { heard: Heard::Other });
    // A loop that is taken away under way.
    let (verdict, _) = run(plan(), 160, |at, octet| Some(if at < 10_000 { octet } else { 0xd5 }));
    assert_eq!(verdict.to_string(), "failed: the pattern does not come back, only 0xd5");
    assert_eq!(run(plan(), 160, |_, octet| Some(!octet)).0, Verdict::Inverted);
}

/// What the last test sent is still on its way when the next one begins, and is the same pattern.
#[test]
fn what_an_earlier_test_left_on_the_way_is_let_pass() {
    let (mut generator, mut left) = (Generator::new(Pattern::Prbs23, Width::Full), [0; 1_600]);
    generator.fill(&mut [0; 5_000]);
    generator.fill(&mut left);
    let (verdict, _) = run(plan(), 1_600, |at, octet| Some(left.get(at).copied().unwrap_or(octet)));
    assert!(matches!(verdict, Verdict::Passed { delay: Some(1_600), errors: 0, .. }), "{verdict}");
}

#[test]
fn a_loop_set_late_is_waited_for_and_an_ended_test_leaves_the_timeslot_alone() {
    let (verdict, _) = run(plan(), 160, |at, octet| Some(if at < 6_000 { 0xff } else { octet }));
    assert!(matches!(verdict, Verdict::Passed { delay: Some(160), .. }), "{verdict}");

    let mut test = TimeslotTest::new(TestPlan { settle_ms: 10, ..plan() });
    let mut to_send = [0; CHUNK];
    test.tick(&[0xff; CHUNK], &mut to_send);
    assert!(test.verdict().is_some());
    let mut after = [0xd5; CHUNK];
    test.tick(&[0xff; CHUNK], &mut after);
    assert_eq!(after, [0xd5; CHUNK]);
}
