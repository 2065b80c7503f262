//! Ticks, frames and events of a started card allocate nothing.

mod common;

use board_dahdi::abi::{alarm, event};
use common::{Double, started};
use hal::{Line, Readiness, SpanIndex};

#[test]
fn a_tick_allocates_nothing() {
    let lines = [Line::E1, Line::T1];
    let double = Double::new(&lines);
    let mut card = started(&double, &lines);
    let mut ticks = 0;
    for turn in 0..50 {
        double.pass(if turn == 30 { 70 } else { 10 });
        if turn == 20 {
            double.world().alarm(0, alarm::YELLOW);
            double.world().channel(0, 16).events.push_back(event::ABORT);
        }
        let allocated = allocation_counter::measure(|| {
            while card.traffic.next_event().is_some() {}
            let ready = card.traffic.begin().expect("present") == Readiness::Ready;
            ticks += u32::from(ready);
            assert!(card.traffic.receive_frame(SpanIndex(0)).expect("present").is_none());
            card.traffic.send_frame(SpanIndex(0), &[0, 1, 0x7f]).expect("taken");
            card.traffic.end().expect("present");
        });
        assert_eq!(allocated.count_total, 0, "turn {turn}");
    }
    assert!(ticks >= 49, "{ticks}");
}
