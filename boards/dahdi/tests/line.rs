//! What an emulated line cannot show: alarms of the far end, counters, maintenance, a board that is pulled out.

mod common;

use board_dahdi::abi::{alarm, maintenance};
use common::{Double, delay, echo_all, started};
use hal::{
    Alarms, CardEvent, ErrorKind, Line, LineError, LoopRequest, Loopback, SpanIndex, Support, Timeslot,
    TimeslotLoopback,
};

const SPAN: SpanIndex = SpanIndex(0);

#[test]
fn alarms_come_and_go_and_the_timeslots_carry_idle_meanwhile() {
    let double = Double::new(&[Line::E1]);
    let mut card = started(&double, &[Line::E1]);
    for (bits, alarms, heard) in [
        (alarm::YELLOW, Alarms::RAI, true),
        (alarm::BLUE, Alarms::AIS, false),
        (alarm::RED | alarm::LOS, Alarms::LOS, false),
        (0, Alarms::empty(), true),
    ] {
        double.world().alarm(0, bits);
        for _ in 0..2 {
            double.pass(10);
            assert_eq!(echo_all(&mut card, &[Line::E1]), 1, "time goes on");
        }
        let events: Vec<_> = std::iter::from_fn(|| card.traffic.next_event()).collect();
        assert_eq!(events, [CardEvent::Alarms(SPAN, alarms)]);
        assert_eq!(card.control.alarms(SPAN), alarms);
        let idle = card.traffic.received(SPAN, Timeslot(3)).iter().all(|octet| *octet == 0xd5);
        assert_eq!(idle, !heard, "{alarms}");
    }
}

#[test]
fn an_alarm_no_event_tells_of_is_seen_when_counters_are_read() {
    let double = Double::new(&[Line::T1]);
    let mut card = started(&double, &[Line::T1]);
    double.world().boards[0].alarms = alarm::YELLOW;
    double.world().boards[0].counters = [4, 5, 6];
    let counters = card.control.counters(SPAN);
    let counted = (counters.line_code_violations, counters.path_code_violations, counters.framing_errors);
    assert_eq!(counted, (4, 5, 6));
    assert_eq!(card.traffic.next_event(), Some(CardEvent::Alarms(SPAN, Alarms::RAI)));
}

#[test]
fn maintenance_is_passed_on_where_there_is_any() {
    let double = Double::new(&[Line::T1]);
    let mut card = started(&double, &[Line::T1]);
    double.world().boards[0].commands.clear();
    card.control.set_loopback(SPAN, Loopback::Line).expect("set");
    card.control.set_loopback(SPAN, Loopback::None).expect("released");
    card.control.request_loop(SPAN, LoopRequest::LineUp).expect("sent");
    card.control.insert_errors(SPAN, LineError::Path, 2).expect("inserted");
    let expected = [
        maintenance::LINE_LOOP,
        maintenance::NONE,
        maintenance::LOOP_UP,
        maintenance::CRC_ERROR,
        maintenance::CRC_ERROR,
    ];
    assert_eq!(double.world().boards[0].commands, expected);
    let refused = card.control.send_alarms(SPAN, Alarms::AIS).expect_err("no request for it");
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_driver_without_maintenance_says_so_before_anybody_tries() {
    let double = Double::new(&[Line::T1]);
    double.world().boards[0].maintenance = None;
    let mut card = started(&double, &[Line::T1]);
    assert_eq!(card.control.support(SPAN), Support::TIMESLOT_NETWORK);
    let refused = card.control.set_loopback(SPAN, Loopback::Local).expect_err("none");
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert_eq!(refused.to_string(), "set a loopback: not supported by this board");
    card.control.set_loopback(SPAN, Loopback::None).expect("there is none");
}

#[test]
fn a_timeslot_is_looped_while_we_send_nothing_on_it() {
    let double = Double::new(&[Line::T1]);
    let mut card = started(&double, &[Line::T1]);
    card.control.set_timeslot_loopback(SPAN, Timeslot(5), TimeslotLoopback::Network).expect("any driver does");
    for _ in 0..100 {
        double.pass(10);
        assert_eq!(echo_all(&mut card, &[Line::T1]), 1);
    }
    assert_eq!(delay(&double, 0, Timeslot(5), 4000), Some(0), "by the driver");
    assert_eq!(delay(&double, 0, Timeslot(6), 4000), Some(120), "by us");
    card.control.set_timeslot_loopback(SPAN, Timeslot(5), TimeslotLoopback::None).expect("released");
    assert!(!double.world().channel(0, 5).looped);
    let refused = card.control.set_timeslot_loopback(SPAN, Timeslot(5), TimeslotLoopback::Local).expect_err("none");
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_board_that_is_pulled_out_is_gone_once_and_for_all() {
    let double = Double::new(&[Line::E1]);
    let mut card = started(&double, &[Line::E1]);
    double.pass(10);
    assert_eq!(echo_all(&mut card, &[Line::E1]), 1);
    double.world().pull(0);
    assert_eq!(card.traffic.begin().expect_err("gone").kind(), ErrorKind::Reopen);
    assert_eq!(card.traffic.next_event(), Some(CardEvent::Removed));
    assert_eq!(card.traffic.next_event(), None);
    assert_eq!(card.traffic.end().expect_err("gone").kind(), ErrorKind::Reopen);
    assert_eq!(card.traffic.receive_frame(SPAN).expect_err("gone").kind(), ErrorKind::Reopen);
    assert_eq!(card.control.alarms(SPAN), Alarms::ABSENT);
    assert_eq!(card.control.set_loopback(SPAN, Loopback::None).expect_err("gone").kind(), ErrorKind::Reopen);
    drop(card);
    double.world().boards[0].pulled = false;
    double.world().channels.iter_mut().for_each(|channel| {
        channel.open = false;
        channel.events.clear();
    });
    let mut card = started(&double, &[Line::E1]);
    double.pass(10);
    assert_eq!(echo_all(&mut card, &[Line::E1]), 1, "found again");
}
