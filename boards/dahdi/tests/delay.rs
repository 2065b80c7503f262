//! What a channel brings is sent back without a gap, a tick and the reserve later; and so it is again after anything that went wrong.

mod common;

use board_dahdi::abi::signalling;
use common::{Double, delay, echo, echo_all, started, started_as};
use hal::{CardEvent, Line, SpanIndex, Timeslot};

/// A tick of 10 ms and a reserve of 5.
const DELAY: usize = (10 + 5) * 8;

#[test]
fn every_channel_is_delayed_by_a_tick_and_the_reserve() {
    for line in [Line::T1, Line::E1] {
        let double = Double::new(&[line]);
        let mut card = started(&double, &[line]);
        for _ in 0..1000 {
            double.pass(10);
            assert_eq!(echo_all(&mut card, &[line]), 1);
        }
        for timeslot in line.bearers() {
            // Ten seconds, less the beginning.
            assert_eq!(delay(&double, 0, timeslot, 79_000), Some(DELAY), "{line}, timeslot {timeslot}");
        }
        let counters = card.control.counters(SpanIndex(0));
        assert_eq!((counters.slips, counters.underruns), (0, 0));
        assert_eq!(card.traffic.next_event(), None);
    }
}

#[test]
fn a_tick_late_by_less_than_the_reserve_is_not_heard() {
    let double = Double::new(&[Line::T1]);
    let mut card = started(&double, &[Line::T1]);
    for tick in 0..200 {
        // Up to 4 ms late, and never the same twice.
        let late = tick % 5;
        double.pass(10 + late);
        assert_eq!(echo_all(&mut card, &[Line::T1]), 1);
        assert!(!echo(&mut card, &[Line::T1]));
        double.pass(0);
        // The rest of the tick.
        double.pass(10 - late);
        assert_eq!(echo_all(&mut card, &[Line::T1]), 1);
    }
    assert_eq!(delay(&double, 0, Timeslot(23), 20_000), Some(DELAY));
    assert_eq!(card.control.counters(SpanIndex(0)).slips, 0);
}

#[test]
fn after_a_stall_the_delay_is_what_it_was() {
    // From a little more than the reserve to far more than the buffers hold.
    for stall in [6, 9, 17, 25, 33, 41, 95, 500] {
        let double = Double::new(&[Line::E1]);
        let mut card = started(&double, &[Line::E1]);
        // Woken as soon as a chunk is there.
        let run = |card: &mut hal::Running| {
            for _ in 0..500 {
                double.pass(1);
                echo_all(card, &[Line::E1]);
            }
        };
        run(&mut card);
        double.pass(10 + stall);
        run(&mut card);
        for timeslot in Line::E1.bearers() {
            assert_eq!(delay(&double, 0, timeslot, 3000), Some(DELAY), "stall of {stall} ms, timeslot {timeslot}");
        }
        let counters = card.control.counters(SpanIndex(0));
        assert!(counters.slips >= 1 && counters.underruns >= 1, "{stall} ms: {counters:?}");
        assert_eq!(card.traffic.next_event(), Some(CardEvent::Slip(SpanIndex(0))));
    }
}

#[test]
fn a_span_that_falls_silent_does_not_hold_the_others() {
    let lines = [Line::T1, Line::T1];
    let double = Double::new(&lines);
    let mut card = started(&double, &lines);
    for _ in 0..20 {
        double.pass(10);
        assert_eq!(echo_all(&mut card, &lines), 1);
    }
    double.world().boards[1].running = false;
    for _ in 0..100 {
        double.pass(10);
        // The timer and the chunk's coming bring looks.
        let _ = (echo(&mut card, &lines), echo(&mut card, &lines));
    }
    assert_eq!(delay(&double, 0, Timeslot(23), 7000), Some(DELAY), "the other goes on");
    assert!(card.traffic.received(SpanIndex(1), Timeslot(1)).iter().all(|octet| *octet == 0xff), "idle");
    double.world().boards[1].running = true;
    for _ in 0..50 {
        double.pass(10);
        echo_all(&mut card, &lines);
    }
    for span in [0, 1] {
        assert_eq!(delay(&double, span, Timeslot(1), 3000), Some(DELAY), "span {span}");
    }
}

#[test]
fn what_gathers_between_the_start_and_the_first_tick_delays_nothing() {
    let double = Double::new(&[Line::T1]);
    let card = board_dahdi::DahdiCard::find(common::settings(&[Line::T1]), Box::new(double.clone())).expect("found");
    let mut card = hal::Card::start(Box::new(card), hal::ChunkLength::Ms10).expect("started");
    double.pass(777);
    assert_eq!(echo_all(&mut card, &[Line::T1]), 0);
    for _ in 0..100 {
        double.pass(10);
        assert_eq!(echo_all(&mut card, &[Line::T1]), 1);
    }
    assert_eq!(delay(&double, 0, Timeslot(1), 7000), Some(DELAY));
    assert_eq!(card.control.counters(SpanIndex(0)).slips, 0);
}

#[test]
fn echo_cancellation_is_asked_for_where_it_is_wanted() {
    let double = Double::new(&[Line::E1]);
    let mut settings = common::settings(&[Line::E1]);
    settings.echo_cancel_taps = 128;
    let card = started_as(&double, settings.clone());
    assert!(card.control.cancels_echo(SpanIndex(0)));
    let mut world = double.world();
    assert!(world.channels.iter().all(|c| (c.audio && c.taps == 128) == (c.signalling == signalling::CLEAR)));
    assert_eq!(world.channel(0, 16).taps, 0, "not on the D channel");
    drop(world);

    let double = Double::new(&[Line::E1]);
    double.world().channel(0, 7).without_canceller = true;
    let card = started_as(&double, settings);
    assert!(!card.control.cancels_echo(SpanIndex(0)), "one caller with echo is one too many");
    assert!(!double.world().channel(0, 7).audio, "as it was");
    let card = started_as(&Double::new(&[Line::E1]), common::settings(&[Line::E1]));
    assert!(!card.control.cancels_echo(SpanIndex(0)), "nobody has asked for it");
}
