//! Faults put on a line on request: what each end sees of them, and nothing else.

mod common;

use board_loopback::faults::Direction;
use board_loopback::rehearsal::{Fault, FaultDesk};
use board_loopback::{LoopbackCard, Slot};
use common::{End, SPAN, pattern, span};
use hal::{
    Alarms, CardEvent, ChunkLength, Counters, ErrorKind, FrameFault, Line, LineError, LoopRequest, Loopback, SpanIndex,
    Support, Timeslot, TimeslotLoopback,
};

const CHUNK: ChunkLength = ChunkLength::Ms10;
/// Octets from one end to the other.
const DELAY: u64 = 160;

struct Pair {
    near: End,
    far: End,
    desk: FaultDesk,
}

fn pair(line: Line) -> Pair {
    let (mut card, far_end) = span(line, 20, 200);
    let desk = card.fault_desk();
    let near = End::start(card, CHUNK);
    let far = End::attach(&far_end, CHUNK);
    let mut pair = Pair { near, far, desk };
    pair.turns(3);
    pair
}

impl Pair {
    fn turns(&mut self, number: usize) {
        for _ in 0..number {
            self.near.ticks(1);
            self.far.ticks(1);
        }
    }

    fn order(&self, words: &str) {
        self.desk.obey(SPAN, words.parse().expect("an order")).expect("the span is there");
    }

    fn counters(&self) -> (Counters, Counters) {
        (self.near.running.control.counters(SPAN), self.far.running.control.counters(SPAN))
    }

    /// Bits of the timeslots that differ from what was sent, over so many ticks of the near end; timeslot by timeslot.
    fn wrong_bits(&mut self, ticks: usize) -> Vec<u64> {
        let mut wrong = vec![0; 32];
        for _ in 0..ticks {
            let from = self.near.heard.len() as u64;
            self.near.ticks(1);
            for timeslot in 1..=self.near.line.timeslots() {
                let received = self.near.running.traffic.received(SPAN, Timeslot(timeslot));
                let differing = received.iter().zip(from - DELAY..).map(|(octet, at)| octet ^ pattern(timeslot, at));
                wrong[usize::from(timeslot)] += differing.map(|bits| u64::from(bits.count_ones())).sum::<u64>();
            }
            self.far.ticks(1);
        }
        wrong
    }
}

#[test]
fn a_rate_of_errors_is_exact_and_both_ends_count_it_as_framers_do() {
    for (line, bits_a_second, checks_a_second) in [(Line::T1, 1_544_000, 8_000 / 24), (Line::E1, 2_048_000, 1_000)] {
        let mut pair = pair(line);
        pair.order("errors 1e-4");
        // A hundred seconds.
        let wrong: u64 = pair.wrong_bits(10_000).iter().sum();
        let errors = bits_a_second * 100 / 10_000;
        let (near, far) = pair.counters();
        assert!(near.line_code_violations.abs_diff(errors) <= 1, "{line}: {near:?}");
        // Those that did not hit a timeslot: one bit of 193, eight of 256.
        let framing = match line {
            Line::T1 => errors / 193,
            Line::E1 => errors / 32,
        };
        assert!((errors - wrong).abs_diff(framing) < framing / 5, "{line}: {wrong} of {errors}");
        // Of the framing bits of a T1 a quarter are alignment; of timeslot 0 of an E1 seven of eight in every
        // other frame.
        let alignment = if line == Line::T1 { framing / 4 } else { framing * 7 / 16 };
        assert!(near.framing_errors.abs_diff(alignment) < alignment / 3, "{line}: {near:?}");
        // A check is wrong once, however many of its bits are.
        assert!(near.path_code_violations < errors && near.path_code_violations <= checks_a_second * 100);
        assert!(near.path_code_violations > checks_a_second * 100 / 10);
        assert_eq!((near.slips, near.far_end_errors), (0, 0));
        assert_eq!(
            far.path_code_violations + far.line_code_violations + far.framing_errors,
            0,
            "the other way is well"
        );
        match line {
            Line::E1 => assert_eq!(far.far_end_errors, near.path_code_violations, "an E bit for each"),
            // About 115 a second, told as "101 to 319".
            Line::T1 => assert_eq!(far.far_end_errors, 101 * 100),
        }
        pair.order("clear errors");
        // A T1 has a report each second, errors or not.
        assert_eq!((near.far_end_reports, far.far_end_reports), if line == Line::T1 { (100, 100) } else { (0, 0) });
        // The check and the second under way still end.
        pair.turns(101);
        let errors = |pair: &Pair| {
            let (near, far) = pair.counters();
            [near, far].map(|counters| Counters { far_end_reports: 0, ..counters })
        };
        let before = errors(&pair);
        assert_eq!(pair.wrong_bits(100).iter().sum::<u64>(), 0);
        assert_eq!(errors(&pair), before);
    }
}

#[test]
fn an_exact_rate_is_the_same_whatever_the_chunks_and_for_every_seed_in_other_places() {
    let places = |chunk: ChunkLength, seed: u64| {
        let mut builder = LoopbackCard::builder("card");
        builder.seed(seed);
        let far_end = builder.span_to_exchange(Line::E1);
        let mut card = builder.build();
        card.fault_desk().obey(SPAN, "errors 1e-3".parse().expect("an order")).expect("it is there");
        let (mut near, mut far) = (End::start(card, chunk), End::attach(&far_end, chunk));
        for _ in 0..400 / chunk.milliseconds() {
            near.ticks(1);
            far.ticks(1);
        }
        let sent = |at: usize| if at < 160 { Line::E1.idle_octet() } else { pattern(1, at as u64 - 160) };
        (0..near.heard.len()).filter(|at| near.heard[*at] != sent(*at)).collect::<Vec<_>>()
    };
    let first = places(ChunkLength::Ms20, 7);
    assert!(first.len() > 10);
    assert_eq!(places(ChunkLength::Ms5, 7), first);
    assert_ne!(places(ChunkLength::Ms20, 8), first);
}

#[test]
fn errors_that_come_so_many_times_come_so_many_times() {
    for line in [Line::T1, Line::E1] {
        let mut pair = pair(line);
        pair.order("line-code 7");
        pair.order("path 5");
        pair.order("framing 3");
        pair.order("sent path 2");
        assert_eq!(pair.desk.standing(SPAN, Direction::Sent), [Fault::Path(2)]);
        assert_eq!(pair.wrong_bits(200).iter().sum::<u64>(), 0, "no bit of a timeslot is touched");
        let (near, far) = pair.counters();
        assert_eq!((near.line_code_violations, near.path_code_violations, near.framing_errors), (7, 5, 3));
        assert_eq!((far.path_code_violations, near.far_end_errors), (2, 2), "{line}");
        // The report of a T1 says "2 to 5" and "1 to 1": five within a second are told as two.
        assert_eq!(far.far_end_errors, if line == Line::E1 { 5 } else { 2 });
        assert_eq!(pair.desk.standing(SPAN, Direction::Received), []);
    }
}

#[test]
fn errors_inserted_by_one_end_are_counted_by_the_other() {
    let mut pair = pair(Line::E1);
    for (error, count) in
        [(LineError::LineCode, 4), (LineError::Path, 3), (LineError::Framing, 2), (LineError::Payload, 6)]
    {
        pair.far.running.control.insert_errors(SPAN, error, count).expect("it can");
    }
    assert_eq!(pair.wrong_bits(100).iter().sum::<u64>(), 6, "payload errors are bits of timeslots");
    let (near, far) = pair.counters();
    assert_eq!((near.line_code_violations, near.path_code_violations, near.framing_errors), (4, 3, 2));
    assert_eq!(far, Counters { far_end_errors: 3, ..Counters::default() });
}

#[test]
fn alarms_are_seen_here_and_answered_there() {
    let mut pair = pair(Line::E1);
    for (word, here) in [("los", Alarms::LOS), ("lof", Alarms::LOF), ("ais", Alarms::AIS)] {
        pair.order(word);
        pair.turns(1);
        assert_eq!((pair.near.alarms(), pair.far.alarms()), (here, Alarms::RAI));
        let from = pair.near.heard.len();
        pair.far.heard.clear();
        pair.near.send(&[1]).expect("we are heard");
        pair.far.send(&[2]).expect("it does not know yet that it is not");
        pair.turns(4);
        assert!(pair.near.heard[from..].iter().all(|octet| *octet == Line::E1.idle_octet()));
        assert_eq!((pair.near.frames().len(), pair.far.frames().len()), (0, 1));
        assert!(pair.far.heard.iter().any(|octet| *octet != Line::E1.idle_octet()));
        pair.order(&format!("clear {word}"));
        pair.turns(1);
        assert_eq!((pair.near.alarms(), pair.far.alarms()), (Alarms::empty(), Alarms::empty()));
    }
    pair.order("sent rai");
    pair.turns(1);
    assert_eq!((pair.near.alarms(), pair.far.alarms()), (Alarms::empty(), Alarms::RAI));
    pair.order("los");
    pair.order("sent clear");
    assert_eq!(pair.desk.standing(SPAN, Direction::Received), [Fault::Los], "the other direction is its own");
    assert_eq!(pair.desk.standing(SPAN, Direction::Sent), []);
}

#[test]
fn slips_repeat_a_frame_and_drop_one_in_turn() {
    let mut pair = pair(Line::T1);
    let place = |pair: &Pair| {
        // How far what was heard last is behind what would be heard without slips.
        let (at, octet) = (pair.near.heard.len() as u64 - 1, *pair.near.heard.last().expect("something"));
        (0..3).find(|behind| pattern(1, at - DELAY - behind) == octet)
    };
    pair.near.events.clear();
    let mut places = vec![];
    pair.order("slips 3");
    for _ in 0..4 {
        pair.turns(1);
        places.push(place(&pair).expect("nothing else is wrong"));
    }
    assert_eq!(places, [1, 0, 1, 1]);
    assert_eq!(pair.near.events, [CardEvent::Slip(SPAN); 3]);
    assert_eq!(pair.counters().0.slips, 3);
    // The frame that was repeated is there twice, and nothing is missing around it.
    let heard = &pair.near.heard[3 * 80..4 * 80];
    assert_eq!(heard[0], pattern(1, 3 * 80 - DELAY - 1));
    assert_eq!(heard[1], pattern(1, 3 * 80 - DELAY));
}

#[test]
fn a_stuck_or_noisy_timeslot_harms_no_other() {
    let mut pair = pair(Line::E1);
    pair.order("stuck 7 0x55");
    pair.order("noisy 9");
    let wrong = pair.wrong_bits(100);
    let harmed: Vec<_> = (0..32).filter(|timeslot| wrong[*timeslot] > 0).collect();
    assert_eq!(harmed, [7, 9]);
    assert!(pair.near.running.traffic.received(SPAN, Timeslot(7)).iter().all(|octet| *octet == 0x55));
    // Half of the bits of noise are wrong.
    assert!(wrong[9].abs_diff(100 * 80 * 4) < 1_600, "{}", wrong[9]);
    assert_eq!(
        pair.desk.standing(SPAN, Direction::Received),
        [Fault::Stuck(Timeslot(7), 0x55), Fault::Noisy(Timeslot(9))]
    );
    pair.order("clear stuck 7");
    pair.order("clear noisy 9");
    assert_eq!(pair.wrong_bits(10).iter().sum::<u64>(), 0);
    let beyond = "stuck 25".parse().expect("an order");
    let t1 = self::pair(Line::T1);
    assert_eq!(t1.desk.obey(SPAN, beyond).expect_err("a T1 has 24").kind(), ErrorKind::Unsupported);
    assert_eq!(t1.desk.obey(SpanIndex(1), beyond).expect_err("one span").kind(), ErrorKind::Unsupported);
}

#[test]
fn the_d_channel_can_be_deaf_noisy_or_lossy() {
    let frames = |words: &str| {
        let mut pair = pair(Line::T1);
        pair.near.events.clear();
        pair.order(words);
        let mut arrived = 0;
        for number in 0..1_000_u16 {
            pair.far.send(&number.to_be_bytes()).expect("room");
            pair.turns(1);
            arrived += pair.near.frames().len() as u64;
        }
        let lost = CardEvent::FrameLost(SPAN, FrameFault::BadFcs);
        let told = pair.near.events.iter().filter(|event| **event == lost).count() as u64;
        let counters = pair.counters().0;
        assert_eq!(counters.wrong_fcs_frames, counters.bad_frames, "{words}: noise is no abort");
        (arrived, told, counters.bad_frames)
    };
    // The last frames are still on the way.
    let (arrived, told, bad) = frames("d-loss 20%");
    assert!((760..=840).contains(&arrived), "{arrived}");
    assert!(bad == told || bad == told + 1, "the last is told in the next tick: {told} of {bad}");
    assert!((997..=999).contains(&(arrived + bad)), "{arrived} and {bad}");
    assert_eq!(frames("d-deaf"), (0, 0, 0));
    assert_eq!(frames("stuck 24"), (0, 0, 0), "no flags, no frames");
    for noise in ["d-garbage", "noisy 24"] {
        let (arrived, told, bad) = frames(noise);
        assert!(arrived == 0 && bad > 1_000 && told.abs_diff(bad) <= 1, "{noise}: {arrived}, {told} of {bad}");
    }
    // Wrong bits hit frames too: at 10^-2 hardly a tick of a D channel is whole.
    let (arrived, _, bad) = frames("errors 1e-2");
    assert!(arrived < 20 && bad > 900, "{arrived} and {bad}");
    let (arrived, _, _) = frames("errors 1e-6");
    assert!(arrived > 900, "{arrived}");
}

#[test]
fn a_loopback_of_a_timeslot_turns_back_that_timeslot_alone() {
    let mut pair = pair(Line::E1);
    let set = |pair: &mut Pair, timeslot, loopback| {
        pair.near.running.control.set_timeslot_loopback(SPAN, Timeslot(timeslot), loopback).expect("it can");
    };
    set(&mut pair, 3, TimeslotLoopback::Local);
    set(&mut pair, 5, TimeslotLoopback::Network);
    pair.turns(6);
    assert_eq!(pair.near.alarms(), Alarms::empty(), "the rest of the span goes on");
    let now = pair.near.heard.len() as u64;
    pair.near.ticks(1);
    let first = |end: &End, timeslot| end.running.traffic.received(SPAN, Timeslot(timeslot))[0];
    assert_eq!(first(&pair.near, 3), pattern(3, now - 80), "what we sent a tick ago");
    assert_eq!(first(&pair.near, 4), pattern(4, now - DELAY));
    pair.far.ticks(1);
    assert_eq!(first(&pair.far, 5), pattern(5, now - 2 * DELAY), "there and back");
    assert_eq!(first(&pair.far, 3), pattern(3, now - DELAY), "the line still carries what we send");

    // The D channel in a loop: both ends on the same side.
    set(&mut pair, 16, TimeslotLoopback::Network);
    pair.turns(1);
    pair.far.send(&[8]).expect("room");
    assert_eq!(pair.near.send(&[9]).expect_err("looped").kind(), ErrorKind::Alarm);
    pair.turns(6);
    assert_eq!(pair.far.frames(), [vec![8]], "its own frame");
    set(&mut pair, 16, TimeslotLoopback::Local);
    pair.turns(1);
    pair.near.frames();
    pair.near.send(&[9]).expect("room");
    pair.turns(1);
    assert_eq!(pair.near.frames(), [vec![9]], "our own frame");

    // One more timeslot takes nothing from the frames that are on their way, or from the others.
    pair.near.send(&[10]).expect("room");
    pair.turns(1);
    set(&mut pair, 7, TimeslotLoopback::Local);
    let now = pair.near.heard.len() as u64;
    pair.turns(1);
    assert_eq!(first(&pair.near, 3), pattern(3, now - 80), "what we sent a tick ago");
    assert_eq!(pair.near.frames(), [vec![10]]);

    for timeslot in [3, 5, 7, 16] {
        set(&mut pair, timeslot, TimeslotLoopback::None);
    }
    pair.turns(6);
    assert_eq!(pair.near.alarms(), Alarms::empty());
    assert_eq!(pair.wrong_bits(5).iter().sum::<u64>(), 0);
    for timeslot in [0, 32] {
        let error = pair.near.running.control.set_timeslot_loopback(SPAN, Timeslot(timeslot), TimeslotLoopback::Local);
        assert_eq!(error.expect_err("no such timeslot").kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn a_line_loopback_returns_wrong_checks_and_a_payload_loopback_only_wrong_bits() {
    for (loopback, returned) in [(Loopback::Line, 9), (Loopback::Payload, 0)] {
        let mut pair = pair(Line::E1);
        pair.near.running.control.set_loopback(SPAN, loopback).expect("it can");
        pair.order("path 9");
        pair.turns(20);
        let (near, far) = pair.counters();
        assert_eq!((near.path_code_violations, far.path_code_violations), (9, returned), "{loopback}");
    }
}

#[test]
fn a_request_is_heard_by_the_far_end_and_obeyed_only_if_it_wants() {
    let mut pair = pair(Line::T1);
    assert!(pair.near.running.control.support(SPAN).contains(Support::LOOP_REQUESTS));
    pair.near.running.control.request_loop(SPAN, LoopRequest::PayloadUp).expect("it can");
    pair.near.running.control.request_loop(SPAN, LoopRequest::LineUp).expect("it can");
    pair.turns(2);
    assert_eq!(pair.far.alarms(), Alarms::empty());
    let control = &mut pair.far.running.control;
    let request = control.requested_loop(SPAN).expect("the latest");
    assert_eq!((request, control.requested_loop(SPAN)), (LoopRequest::LineUp, None));
    control.set_loopback(SPAN, request.obeyed(Loopback::None)).expect("it can");
    pair.turns(1);
    assert_eq!(pair.far.alarms(), Alarms::LOOPBACK);

    let mut e1 = self::pair(Line::E1);
    let control = &mut e1.near.running.control;
    assert!(!control.support(SPAN).contains(Support::LOOP_REQUESTS));
    assert_eq!(control.request_loop(SPAN, LoopRequest::LineUp).expect_err("none").kind(), ErrorKind::Unsupported);
    assert!(!control.support(SPAN).contains(Support::PATTERNS));
    let error = control.pattern_result(SPAN).expect_err("none");
    assert_eq!(error.to_string(), "read the pattern receiver of the framer: not supported by this board");
}

#[test]
fn a_removed_card_comes_back_with_its_faults() {
    let (mut card, far_end) = span(Line::T1, 20, 200);
    let (desk, mut slot) = (card.fault_desk(), card.slot());
    let (mut near, mut far) = (End::start(card, CHUNK), End::attach(&far_end, CHUNK));
    let order = |words: &str| desk.obey(SPAN, words.parse().expect("an order")).expect("it is there");
    near.ticks(1);
    far.ticks(1);
    order("rai");
    order("removed");
    let traffic = &mut near.running.traffic;
    assert_eq!(traffic.begin().expect_err("gone").kind(), ErrorKind::Reopen);
    assert_eq!((traffic.next_event(), traffic.next_event()), (Some(CardEvent::Removed), None));
    assert_eq!(traffic.send_frame(SPAN, &[1]).expect_err("gone").kind(), ErrorKind::Reopen);
    assert_eq!(traffic.receive_frame(SPAN).expect_err("gone").kind(), ErrorKind::Reopen);
    assert_eq!(traffic.received(SPAN, Timeslot(24)).len(), 80, "buffers stay");
    assert_eq!(near.alarms(), Alarms::ABSENT);
    assert_eq!(near.running.control.set_loopback(SPAN, Loopback::Line).expect_err("gone").kind(), ErrorKind::Reopen);
    far.ticks(1);
    assert_eq!(far.alarms(), Alarms::LOS | Alarms::ABSENT);
    assert_eq!(slot.find().err().expect("not there").kind(), ErrorKind::Reopen);
    assert_eq!(desk.standing(SPAN, Direction::Received), [Fault::Rai, Fault::Removed]);

    order("clear removed");
    assert_eq!(near.running.traffic.begin().expect_err("it is to be found anew").kind(), ErrorKind::Reopen);
    drop(near);
    let mut near = End::start_found(slot.find().expect("it is back"), CHUNK);
    near.ticks(1);
    far.ticks(1);
    assert_eq!((near.alarms(), far.alarms()), (Alarms::RAI, Alarms::empty()));
}
