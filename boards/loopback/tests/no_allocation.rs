//! Nothing in a card's traffic allocates: not the software card, in a session or out of it, nor the
//! cards around it, whatever goes wrong.

mod common;

use board_loopback::faults::{FaultPlan, FrameChances};
use board_loopback::{CapturingCard, FaultyCard, LoopbackCard};
use hal::{Alarms, Card, ChunkLength, Line, Loopback, Readiness, Running, SpanIndex, Timeslot, TimeslotLoopback};

fn use_everything(ends: &mut [Running], ticks: usize) {
    for tick in 0..ticks {
        for Running { traffic, .. } in &mut *ends {
            if traffic.begin().expect("the card is there") == Readiness::NotYet {
                continue;
            }
            for span in [SpanIndex(0), SpanIndex(1)] {
                for timeslot in (1..=31).map(Timeslot) {
                    let first = traffic.received(span, timeslot).first().copied();
                    traffic.to_send(span, timeslot).fill(first.unwrap_or(0));
                }
                // Once in a while more than fits.
                for _ in 0..if tick % 50 == 0 { 80 } else { 2 } {
                    let _ = traffic.send_frame(span, &[3; 200]);
                }
                while traffic.receive_frame(span).expect("the card is there").is_some() {}
            }
            traffic.end().expect("the card is there");
            while traffic.next_event().is_some() {}
        }
    }
}

fn allocations(mut work: impl FnMut()) -> u64 {
    let counted = allocation_counter::measure(&mut work);
    counted.count_total
}

#[test]
fn a_tick_allocates_nothing() {
    assert!(allocations(|| drop(std::hint::black_box(Box::new(1)))) > 0, "the counter counts");

    let mut builder = LoopbackCard::builder("card");
    builder.patience(3);
    let far_ends = [builder.span_to_exchange(Line::E1), builder.span_to_exchange(Line::E1)];
    let chances = FrameChances { lose: 0.2, corrupt: 0.2, duplicate: 0.2 };
    let plan = FaultPlan {
        received: chances,
        sent: chances,
        slip: 0.1,
        alarm: 0.1,
        alarm_ticks: 1..=5,
        ..FaultPlan::default()
    };
    let mut card = builder.build();
    let desk = card.fault_desk();
    let faulty = FaultyCard::new(Box::new(card), 1, plan);
    let tally = faulty.tally();
    // A reader that never reads: its ring overflows.
    let (near, reader) = CapturingCard::new(Box::new(faulty), 100);
    let far = board_loopback::FarEnd::card("exchange", &far_ends).expect("nobody holds them");
    let near = Box::new(near).start(ChunkLength::Ms10).expect("short enough");
    let mut ends = vec![near];
    assert_eq!(allocations(|| use_everything(&mut ends, 50)), 0, "alone");
    ends.push(Box::new(far).start(ChunkLength::Ms20).expect("short enough"));
    assert_eq!(allocations(|| use_everything(&mut ends, 500)), 0, "in a session");
    for loopback in [Loopback::Local, Loopback::Line, Loopback::Payload, Loopback::None] {
        ends[0].control.set_loopback(SpanIndex(0), loopback).expect("it can");
        ends[1].control.send_alarms(SpanIndex(1), Alarms::AIS).expect("it can");
        assert_eq!(allocations(|| use_everything(&mut ends, 100)), 0, "{loopback:?}");
    }
    for words in
        ["errors 1e-3", "slips 50", "path 9", "stuck 3", "noisy 4", "d-loss 50%", "d-garbage", "sent errors 1e-5"]
    {
        desk.obey(SpanIndex(0), words.parse().expect("an order")).expect("it is there");
        ends[0].control.set_timeslot_loopback(SpanIndex(1), Timeslot(9), TimeslotLoopback::Network).expect("it can");
        assert_eq!(allocations(|| use_everything(&mut ends, 50)), 0, "{words}");
    }
    assert_eq!(allocations(|| use_everything(&mut ends[..1], 100)), 0, "with a far end that hangs");

    // All of it has really happened.
    let counts = tally.counts();
    assert!(counts.received.lost > 0 && counts.sent.duplicated > 0 && counts.slips > 0 && counts.alarm_episodes > 0);
    assert!(reader.dropped() > 0);
}
