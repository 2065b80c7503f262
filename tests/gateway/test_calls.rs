//! A technician has the gateway place a call. It is a call like any other: nobody else gets its channel, and it leaves nothing.

use crate::town::{Town, seconds};
use exchange::{CallOrder, SpanId};
use hal::{Alarms, Timeslot};
use trunkcast::gateway::{CallId, Channel, Holds, NotPlaced};
use trunkcast::reports::{CallStage, Command, What};

/// Placed on span 1, to stay for ten seconds.
fn place(town: &mut Town, called: &str) {
    let called = isdn::Number::new(called);
    town.order(Command::PlaceCall { test: 1, span: Some(0), called, stay: seconds(10) });
}

/// The call that was placed last, and its channel.
fn placed(town: &Town) -> (CallId, Channel) {
    let placed = |what: &What| match what {
        What::TestCallPlaced { call, channel, .. } => Some((*call, *channel)),
        _ => None,
    };
    town.told.iter().rev().find_map(placed).expect("placed")
}

fn stages(town: &Town) -> Vec<CallStage> {
    let of = placed(town).0;
    let stage = |what: &What| match what {
        What::CallStage { call, stage } if *call == of => Some(*stage),
        _ => None,
    };
    town.told.iter().filter_map(stage).collect()
}

/// Its cause, and whether the far end began.
fn end(town: &Town) -> Option<(u8, bool)> {
    let of = placed(town).0;
    town.told.iter().find_map(|what| match what {
        What::CallEnded { call, cause, by_peer } if *call == of => Some((cause.value, *by_peer)),
        _ => None,
    })
}

fn not_placed(town: &Town) -> Option<NotPlaced> {
    town.told.iter().rev().find_map(|what| match what {
        What::TestCallNotPlaced { why, .. } => Some(*why),
        _ => None,
    })
}

#[test]
fn a_call_that_is_answered_stays_for_its_time_and_is_hung_up() {
    let mut town = Town::new(|_| {});
    place(&mut town, "102");
    assert_eq!(placed(&town).1, Channel { span: 0, timeslot: Timeslot(31) }, "highest first");
    town.pass(seconds(3));
    assert_eq!(stages(&town), [CallStage::Proceeding, CallStage::Alerting, CallStage::Answered]);
    // Ten seconds count from the answer, two seconds after SETUP.
    town.pass(seconds(8));
    assert_eq!(end(&town), None);
    town.pass(seconds(2));
    assert_eq!(end(&town), Some((16, false)));
    assert_eq!(town.voice.len(), 0, "the voice path has no part in it");
    town.check_empty();
}

#[test]
fn a_call_nobody_answers_is_given_up_in_time() {
    let mut town = Town::new(|_| {});
    place(&mut town, "103");
    town.pass(seconds(9));
    assert_eq!((stages(&town).len(), end(&town)), (2, None));
    town.pass(seconds(2));
    assert_eq!(end(&town), Some((16, false)));
    town.check_empty();
}

#[test]
fn a_call_that_is_refused_ends_with_the_cause() {
    for (called, cause) in [("999", 1), ("104", 17)] {
        let mut town = Town::new(|_| {});
        place(&mut town, called);
        town.pass(seconds(1));
        assert_eq!(end(&town), Some((cause, true)), "{called}");
        town.check_empty();
    }
}

#[test]
fn the_only_channel_there_is_carries_one_call_and_no_second() {
    let mut town = Town::new(|_| {});
    let all_but_the_last = 0x3fff_7fff;
    town.order(Command::Hold { span: 0, hold: Holds::OPERATOR, channels: all_but_the_last, forced: 0 });
    place(&mut town, "102");
    town.pass(seconds(3));
    place(&mut town, "102");
    assert_eq!(not_placed(&town), Some(NotPlaced::NoneIdle));
    let caller = town.dial(&CallOrder { called: "100".into(), ..CallOrder::default() });
    assert!(town.causes.contains_key(&caller), "there is no room for him");
    town.pass(seconds(15));
    assert_eq!(end(&town), Some((16, false)), "the test call has not heard of it");
    town.check_empty();
}

/// The two SETUPs cross on the line: each end finds the channel taken, and the exchange may look for another (cause 44).
#[test]
fn a_call_that_crosses_it_on_the_same_channel_does_not_get_that() {
    let mut town = Town::new(|_| {});
    for channel in (1..31).filter(|channel| *channel != 16) {
        assert!(town.switch.channel_in_service(SpanId(0), Timeslot(channel), false));
    }
    town.pass(seconds(1));
    let called = isdn::Number::new("102");
    town.gateway.handle_command(town.now, Command::PlaceCall { test: 1, span: None, called, stay: seconds(10) });
    let caller = town.dial(&CallOrder { called: "100".into(), ..CallOrder::default() });
    assert_eq!(town.causes.get(&caller), Some(&44));
    assert_eq!(town.count(|w| matches!(w, What::CallTaken { .. })), 0);
    town.pass(seconds(15));
    town.check_empty();
}

#[test]
fn the_test_is_stopped_and_its_call_is_hung_up() {
    let mut town = Town::new(|_| {});
    place(&mut town, "102");
    town.pass(seconds(1));
    town.order(Command::HangUpTest { test: 2 });
    assert_eq!(end(&town), None, "another test");
    town.order(Command::HangUpTest { test: 1 });
    town.pass(seconds(1));
    assert_eq!(end(&town), Some((16, false)));
    town.check_empty();
}

#[test]
fn a_link_that_is_lost_ends_the_call_and_no_other_is_placed() {
    let mut town = Town::new(|_| {});
    place(&mut town, "103");
    town.pass(seconds(1));
    town.switch.stop(town.now);
    town.pass(seconds(1));
    assert!(end(&town).is_some_and(|(_, by_peer)| !by_peer), "nothing holds a call that was not answered");
    place(&mut town, "102");
    assert_eq!(not_placed(&town), Some(NotPlaced::LinkDown));
    town.check_empty();
}

#[test]
fn a_shutdown_in_the_middle_clears_it_and_places_no_other() {
    let mut town = Town::new(|_| {});
    place(&mut town, "102");
    town.pass(seconds(3));
    town.order(Command::Shutdown);
    town.pass(seconds(1));
    assert_eq!(end(&town), Some((16, false)));
    assert!(town.gateway.is_finished());
    place(&mut town, "102");
    assert_eq!(not_placed(&town), Some(NotPlaced::Closing));
    town.check_empty();
}

#[test]
fn a_server_that_drains_waits_for_it_and_a_suspended_span_has_none() {
    let mut town = Town::new(|_| {});
    place(&mut town, "102");
    town.pass(seconds(3));
    let all = 0x7fff_7fff;
    town.order(Command::Hold { span: 0, hold: Holds::OPERATOR, channels: all, forced: 0 });
    town.pass(seconds(1));
    assert_eq!(end(&town), None);
    let (.., draining) = near(&town);
    assert_eq!(draining, 1 << 30);
    place(&mut town, "102");
    assert_eq!(not_placed(&town), Some(NotPlaced::OutOfService));
    town.pass(seconds(10));
    assert_eq!(end(&town), Some((16, false)));
    assert_eq!(near(&town), (all, 0));
    place(&mut town, "102");
    assert_eq!(not_placed(&town), Some(NotPlaced::OutOfService), "the link is gone because we took it away");
    town.check_empty();
}

/// Channels that are out, and that wait for their calls.
fn near(town: &Town) -> (u32, u32) {
    let near = town.told.iter().rev().find_map(|what| match what {
        What::Near { sets, .. } => Some((sets.out, sets.draining)),
        _ => None,
    });
    near.expect("told")
}

#[test]
fn a_line_with_an_alarm_gets_no_test_call() {
    let mut town = Town::new(|_| {});
    town.gateway.handle_alarms(town.now, 0, Alarms::LOS);
    place(&mut town, "102");
    assert_eq!(not_placed(&town), Some(NotPlaced::OutOfService));
    let called = isdn::Number::new("102");
    town.order(Command::PlaceCall { test: 1, span: Some(1), called, stay: seconds(10) });
    assert_eq!(not_placed(&town), Some(NotPlaced::NoSpan));
    assert!(town.switch.link_up(SpanId(0)));
    town.check_empty();
}
