//! Calls in both directions and every way they end; at the end nothing is left of any.

mod common;

use common::{Office, Policy, setup, with_subscribers};
use exchange::{Answer, CallerId, SpanId, Subscriber};
use hal::{Line, Timeslot};
use isdn::{Cause, ChannelChoice};
use std::time::Duration;

#[test]
fn a_caller_hangs_up_and_the_channel_is_free() {
    let mut office = Office::new(Line::E1, &[&[1]]);
    let caller = office.dial("100");
    office.pass(1_000);
    office.hang_up(caller);
    assert!(!office.switch.hang_up(office.now, caller, Cause::user(16)), "once is enough");
    office.pass(1_000);
    assert_eq!(office.story(caller), ["try 0/1", "proceeding 0/1", "connected 0/1", "ended 16"]);
    assert_eq!(office.desks[0].released.len(), 1);
    assert!(!office.switch.hang_up(office.now, caller, Cause::user(16)), "it is gone");
    office.assert_idle();
}

#[test]
fn the_far_end_hangs_up_and_the_caller_is_told() {
    let mut office = Office::new(Line::T1, &[&[1]]);
    let caller = office.dial("100");
    let call = office.desks[0].only_call();
    let now = office.now;
    office.desks[0].d.clear(now, call, Cause::user(16)).expect("active");
    office.pass(1_000);
    let story = office.story(caller);
    assert_eq!(story[2..], ["connected 0/1", "disconnecting 16", "ended by far end 16"]);
    office.assert_idle();
}

#[test]
fn both_hang_up_at_once() {
    let mut office = Office::new(Line::E1, &[&[1]]);
    let caller = office.dial("100");
    let call = office.desks[0].only_call();
    let now = office.now;
    office.desks[0].d.clear(now, call, Cause::user(16)).expect("active");
    office.hang_up(caller);
    office.pass(60_000);
    assert!(office.last(caller).starts_with("ended"), "{:?}", office.story(caller));
    office.assert_idle();
}

#[test]
fn a_caller_may_hang_up_at_any_moment() {
    for policy in [Policy::Ignore, Policy::Proceed, Policy::Ring, Policy::Answer] {
        for wait_ms in [0, 10, 5_000] {
            let mut office = Office::new(Line::T1, &[&[1], &[1]]);
            office.desks[0].policy = policy;
            let caller = office.dial("100");
            office.pass(wait_ms);
            office.hang_up(caller);
            office.pass(120_000);
            assert_eq!(office.last(caller), "ended 16", "{policy:?} {wait_ms}: {:?}", office.story(caller));
            assert!(office.desks[1].offers.is_empty(), "a caller who hung up is not offered elsewhere");
            assert_eq!(office.switch.calls(), 0);
            assert!(office.switch.channels().all(|c| c.caller.is_none()));
        }
    }
}

#[test]
fn ringing_is_told_and_what_is_said_then_is_final() {
    let mut office = Office::new(Line::T1, &[&[1], &[1]]);
    office.desks[0].policy = Policy::Ring;
    let caller = office.dial("100");
    office.pass(3_000);
    assert_eq!(office.story(caller), ["try 0/1", "proceeding 0/1", "alerting"]);
    let call = office.desks[0].only_call();
    let now = office.now;
    office.desks[0].d.clear(now, call, Cause::user(34)).expect("ringing");
    office.pass(1_000);
    assert_eq!(office.last(caller), "ended by far end 34");
    assert!(office.desks[1].offers.is_empty());
    office.assert_idle();
}

#[test]
fn a_connected_call_survives_a_short_loss_of_the_link() {
    let mut office = Office::new(Line::E1, &[&[1]]);
    let caller = office.dial("100");
    office.desks[0].cut = true;
    office.pass(1_000);
    office.desks[0].cut = false;
    office.pass(60_000);
    assert_eq!(office.last(caller), "connected 0/1");
    office.hang_up(caller);
    office.pass(1_000);
    office.assert_idle();
}

#[test]
fn a_connected_call_ends_when_the_link_stays_away() {
    let mut office = Office::new(Line::E1, &[&[1]]);
    let caller = office.dial("100");
    office.desks[0].cut = true;
    // Q.921 needs some seconds to notice, T309 has 90 at most.
    office.pass(150_000);
    assert!(office.last(caller).starts_with("ended"), "{:?}", office.story(caller));
    assert_eq!(office.switch.calls(), 0);
    assert!(office.switch.channels().all(|c| c.caller.is_none()));
}

fn subscribers() -> Vec<Subscriber> {
    let subscriber = |number: &str, answer| Subscriber { number: number.into(), answer };
    vec![
        subscriber("200", Answer::After(Duration::from_secs(3))),
        subscriber("201", Answer::Busy),
        subscriber("202", Answer::Never),
        subscriber("203", Answer::Refuse(21)),
    ]
}

/// Dial from the desk, and say what the desk was told in the end.
fn call_subscriber(office: &mut Office, called: &str, channel: ChannelChoice) -> Option<u8> {
    let now = office.now;
    office.desks[0].d.dial(now, &setup(called, channel)).expect("the link is up");
    office.pass(5_000);
    office.desks[0].released.pop().map(|(_, cause, _)| cause.value)
}

#[test]
fn a_subscriber_rings_and_answers() {
    let mut office = with_subscribers(Line::E1, subscribers());
    let now = office.now;
    let call = office.desks[0].d.dial(now, &setup("200", ChannelChoice::Any)).expect("the link is up");
    office.pass(2_900);
    assert!(office.desks[0].connected.is_empty(), "it rings for three seconds");
    office.pass(200);
    assert_eq!(office.desks[0].connected, [call]);
    let subscriber = CallerId(1);
    assert_eq!(office.story(subscriber), ["called 0/1 200", "connected 0/1"]);
    office.hang_up(subscriber);
    office.pass(1_000);
    assert_eq!(office.last(subscriber), "ended 16");
    assert_eq!(office.desks[0].released.len(), 1);
    office.assert_idle();
}

#[test]
fn subscribers_refuse_in_their_own_words() {
    let mut office = with_subscribers(Line::T1, subscribers());
    assert_eq!(call_subscriber(&mut office, "201", ChannelChoice::Any), Some(17));
    assert_eq!(call_subscriber(&mut office, "203", ChannelChoice::Any), Some(21));
    assert_eq!(call_subscriber(&mut office, "999", ChannelChoice::Any), Some(1), "nobody has this number");
    assert_eq!(call_subscriber(&mut office, "202", ChannelChoice::Any), None, "it rings");
    let call = office.desks[0].only_call();
    let now = office.now;
    office.desks[0].d.clear(now, call, Cause::user(16)).expect("ringing");
    office.pass(1_000);
    assert_eq!(office.last(CallerId(1)), "ended by far end 16");
    office.assert_idle();
}

#[test]
fn a_call_from_the_far_end_gets_the_channel_it_insists_on_or_none() {
    let mut office = with_subscribers(Line::E1, subscribers());
    assert_eq!(call_subscriber(&mut office, "200", ChannelChoice::Exclusive(31.into())), None);
    assert_eq!(office.last(CallerId(1)), "connected 0/31");
    office.switch.channel_in_service(SpanId(0), Timeslot(5), false);
    assert_eq!(call_subscriber(&mut office, "200", ChannelChoice::Exclusive(5.into())), Some(44), "out of service");
    assert_eq!(call_subscriber(&mut office, "200", ChannelChoice::Preferred(5.into())), None);
    assert_eq!(office.last(CallerId(2)), "connected 0/1", "preferred: the lowest free one instead");
    for caller in [1, 2] {
        office.hang_up(CallerId(caller));
    }
    office.pass(1_000);
    office.assert_idle();
}

/// Clause 5.7: two SETUPs cross on one channel. The network's call has it; the user's gets another or none.
#[test]
fn two_setups_for_one_channel_cross_and_the_exchange_has_its_way() {
    for (asked, told, left) in
        [(ChannelChoice::Exclusive(1.into()), Some(44), 1), (ChannelChoice::Preferred(1.into()), None, 2)]
    {
        let mut office = with_subscribers(Line::E1, subscribers());
        let now = office.now;
        let theirs = office.desks[0].d.dial(now, &setup("200", asked)).expect("the link is up");
        let caller = office.dial("100");
        office.pass(5_000);
        assert_eq!(office.last(caller), "connected 0/1", "{asked:?}");
        let cause = office.desks[0].released.iter().find(|(call, ..)| *call == theirs).map(|(_, cause, _)| cause.value);
        assert_eq!(cause, told, "{asked:?}");
        let taken: Vec<u8> = office.switch.channels().filter(|c| c.caller.is_some()).map(|c| c.channel.0).collect();
        assert_eq!(taken, (1..=left).collect::<Vec<u8>>(), "{asked:?}");
        for caller in office.switch.channels().filter_map(|c| c.caller).collect::<Vec<_>>() {
            office.hang_up(caller);
        }
        office.pass(1_000);
        office.assert_idle();
    }
}

#[test]
fn calls_in_both_directions_fill_a_span_to_the_last_channel() {
    let mut office = with_subscribers(Line::T1, subscribers());
    for i in 0..23 {
        if i % 2 == 0 {
            let caller = office.dial("100");
            assert!(office.last(caller).starts_with("connected"), "{i}");
        } else {
            assert_eq!(call_subscriber(&mut office, "200", ChannelChoice::Any), None, "{i}");
        }
    }
    assert!(office.switch.channels().all(|c| c.caller.is_some()));
    assert_eq!(call_subscriber(&mut office, "200", ChannelChoice::Any), Some(34));
    for caller in 1..=23 {
        office.hang_up(CallerId(caller));
    }
    office.pass(5_000);
    office.assert_idle();
}

#[test]
fn frames_without_sense_do_no_harm() {
    let mut office = Office::new(Line::T1, &[&[1]]);
    let caller = office.dial("100");
    let mut state = 0x1234_5678_u64;
    for _ in 0..2_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let length = (state >> 59) as usize;
        let octets: Vec<u8> = (0..length).map(|i| (state >> (i % 8 * 8)) as u8 ^ i as u8).collect();
        let now = office.now;
        office.switch.handle_frame(now, SpanId(0), &octets);
        office.switch.handle_frame(now, SpanId(7), &octets);
        office.settle();
    }
    office.pass(200_000);
    let _ = office.switch.hang_up(office.now, caller, Cause::user(16));
    office.pass(200_000);
    office.assert_idle();
}
