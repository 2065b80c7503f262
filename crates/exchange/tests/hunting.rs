//! A caller's way through a trunk group: lowest free channel, next span, next card, next server.
//!
//! Told with a switch and the desks of its spans; what a desk refuses with decides where the call goes on.

mod common;

use common::{Office, Policy, dialect, servers};
use exchange::{SpanId, SpanPlan, SwitchPlan, TrunkGroup};
use hal::{Line, Timeslot};

#[test]
fn calls_take_the_lowest_free_channel() {
    let mut office = Office::new(Line::E1, &[&[1]]);
    let first = office.dial("100");
    let second = office.dial("100");
    let third = office.dial("100");
    assert_eq!(office.story(first), ["try 0/1", "proceeding 0/1", "connected 0/1"]);
    assert_eq!(office.last(second), "connected 0/2");
    assert_eq!(office.last(third), "connected 0/3");
    office.hang_up(second);
    office.pass(1_000);
    let fourth = office.dial("100");
    assert_eq!(office.last(fourth), "connected 0/2", "the gap is filled");
    for caller in [first, third, fourth] {
        office.hang_up(caller);
    }
    office.pass(1_000);
    office.assert_idle();
}

#[test]
fn the_d_channel_is_never_given_to_a_caller_and_a_full_span_overflows() {
    for line in [Line::E1, Line::T1] {
        let mut office = Office::new(line, &[&[1, 1]]);
        let bearers = line.bearers().count();
        let callers: Vec<_> = (0..bearers + 1).map(|_| office.dial("100")).collect();
        for (caller, channel) in callers.iter().zip(line.bearers()) {
            assert_eq!(office.last(*caller), format!("connected 0/{channel}"));
        }
        assert_eq!(office.last(callers[bearers]), "connected 1/1");
        for caller in callers {
            office.hang_up(caller);
        }
        office.pass(1_000);
        office.assert_idle();
    }
}

#[test]
fn a_full_group_is_cause_34_and_a_dead_one_38() {
    let mut office = Office::new(Line::T1, &[&[1]]);
    let callers: Vec<_> = (0..23).map(|_| office.dial("100")).collect();
    let late = office.dial("100");
    assert_eq!(office.story(late), ["no route 34"]);
    for caller in callers {
        office.hang_up(caller);
    }
    office.pass(1_000);
    office.switch.span_usable(SpanId(0), false);
    let unlucky = office.dial("100");
    assert_eq!(office.story(unlucky), ["no route 38"]);
    office.assert_idle();
}

#[test]
fn requested_channel_not_available_means_only_that_channel() {
    let mut office = Office::new(Line::T1, &[&[1], &[1]]);
    office.desks[0].policy = Policy::Refuse(44);
    let caller = office.dial("100");
    office.pass(1_000);
    let story = office.story(caller);
    assert_eq!(story[..4], ["try 0/1", "refused 0/1 44", "try 0/2", "refused 0/2 44"]);
    assert_eq!(story[46..], ["try 1/1", "proceeding 1/1", "connected 1/1"], "all 23 were tried, then the next server");
    assert_eq!(office.desks[0].offers.len(), 23);
    office.hang_up(caller);
    office.pass(1_000);
    office.assert_idle();
}

#[test]
fn want_of_equipment_leads_to_the_next_span_then_card_then_server() {
    for cause in [34, 42, 41, 47, 38, 27] {
        let mut office = Office::new(Line::E1, &[&[2, 1], &[1]]);
        for desk in &mut office.desks[..3] {
            desk.policy = Policy::Refuse(cause);
        }
        let caller = office.dial("100");
        office.pass(1_000);
        let refused = |span| [format!("try {span}/1"), format!("refused {span}/1 {cause}")];
        let mut expected: Vec<String> = (0..3).flat_map(refused).collect();
        expected.extend(["try 3/1", "proceeding 3/1", "connected 3/1"].map(String::from));
        assert_eq!(office.story(caller), expected);
        office.hang_up(caller);
        office.pass(1_000);
        office.assert_idle();
    }
}

#[test]
fn a_refusal_after_call_proceeding_still_leads_on() {
    let mut office = Office::new(Line::T1, &[&[1], &[1]]);
    office.desks[0].policy = Policy::ProceedAndRefuse(34);
    let caller = office.dial("100");
    office.pass(1_000);
    let expected = ["try 0/1", "proceeding 0/1", "refused 0/1 34", "try 1/1", "proceeding 1/1", "connected 1/1"];
    assert_eq!(office.story(caller), expected);
    office.hang_up(caller);
    office.pass(1_000);
    office.assert_idle();
}

#[test]
fn the_called_partys_own_word_is_final() {
    for cause in [17, 21, 1, 16, 88] {
        let mut office = Office::new(Line::T1, &[&[1], &[1]]);
        office.desks[0].policy = Policy::Refuse(cause);
        let caller = office.dial("100");
        office.pass(1_000);
        assert_eq!(office.story(caller), ["try 0/1".to_string(), format!("ended by far end {cause}")]);
        assert!(office.desks[1].offers.is_empty());
        office.assert_idle();
    }
}

#[test]
fn when_everybody_refuses_the_last_word_counts() {
    let mut office = Office::new(Line::T1, &[&[1], &[1]]);
    office.desks[0].policy = Policy::Refuse(34);
    office.desks[1].policy = Policy::Refuse(42);
    let caller = office.dial("100");
    office.pass(1_000);
    let expected = ["try 0/1", "refused 0/1 34", "try 1/1", "refused 1/1 42", "no route 42"];
    assert_eq!(office.story(caller), expected);
    office.assert_idle();
}

#[test]
fn a_desk_that_says_nothing_costs_t303_twice_and_then_the_next_is_asked() {
    let mut office = Office::new(Line::T1, &[&[1], &[1]]);
    office.desks[0].policy = Policy::Ignore;
    let dialled = office.now;
    let caller = office.dial("100");
    office.pass(7_000);
    assert_eq!(office.story(caller), ["try 0/1"], "T303 is 4 s, and the SETUP is repeated once");
    office.pass(2_000);
    let story = office.story(caller);
    assert!(story[1].starts_with("refused 0/1"), "{story:?}");
    assert_eq!(story[2..], ["try 1/1", "proceeding 1/1", "connected 1/1"]);
    assert_eq!(office.now - dialled, std::time::Duration::from_secs(9));
    office.hang_up(caller);
    office.pass(60_000);
    assert_eq!(office.switch.calls(), 0);
}

#[test]
fn channels_out_of_service_are_left_out() {
    let mut office = Office::new(Line::E1, &[&[1], &[1]]);
    for channel in [1, 2, 4] {
        assert!(office.switch.channel_in_service(SpanId(0), Timeslot(channel), false));
    }
    assert!(!office.switch.channel_in_service(SpanId(0), Timeslot(16), false), "the D channel is no bearer");
    assert!(!office.switch.channel_in_service(SpanId(9), Timeslot(1), false), "no such span");
    assert!(!office.switch.channel_in_service(SpanId(0), Timeslot(99), true), "no such channel");
    let (first, second) = (office.dial("100"), office.dial("100"));
    assert_eq!((office.last(first), office.last(second)), ("connected 0/3".into(), "connected 0/5".into()));
    // Taken out under a call, the call goes on; put back, it is hunted again.
    assert!(office.switch.channel_in_service(SpanId(0), Timeslot(3), false));
    office.pass(30_000);
    assert_eq!(office.last(first), "connected 0/3");
    office.switch.channel_in_service(SpanId(0), Timeslot(1), true);
    let third = office.dial("100");
    assert_eq!(office.last(third), "connected 0/1");
    for channel in Line::E1.bearers() {
        office.switch.channel_in_service(SpanId(0), channel, false);
    }
    let fourth = office.dial("100");
    assert_eq!(office.last(fourth), "connected 1/1", "nothing in service here");
    for caller in [first, second, third, fourth] {
        office.hang_up(caller);
    }
    office.pass(1_000);
    office.assert_idle();
}

#[test]
fn a_link_that_is_down_is_left_out_and_taken_up_again() {
    let mut office = Office::new(Line::T1, &[&[1], &[1]]);
    office.desks[0].cut = true;
    office.pass(60_000);
    assert!(!office.switch.link_up(SpanId(0)), "the cut was noticed");
    let caller = office.dial("100");
    assert_eq!(office.story(caller), ["try 1/1", "proceeding 1/1", "connected 1/1"]);
    office.desks[0].cut = false;
    office.pass(60_000);
    assert!(office.switch.link_up(SpanId(0)), "and its end");
    let next = office.dial("100");
    assert_eq!(office.last(next), "connected 0/1");
    office.hang_up(caller);
    office.hang_up(next);
    office.pass(1_000);
    office.assert_idle();
}

#[test]
fn a_link_lost_while_the_call_is_offered_sends_it_elsewhere() {
    let mut office = Office::new(Line::T1, &[&[1], &[1]]);
    office.desks[0].policy = Policy::Proceed;
    let caller = office.dial("100");
    assert_eq!(office.last(caller), "proceeding 0/1");
    office.desks[0].cut = true;
    office.pass(60_000);
    let story = office.story(caller);
    assert!(story[2].starts_with("refused 0/1"), "{story:?}");
    assert_eq!(story[3..], ["try 1/1", "proceeding 1/1", "connected 1/1"]);
    office.hang_up(caller);
    office.desks[0].cut = false;
    office.pass(120_000);
    office.assert_idle();
}

#[test]
fn numbers_are_routed_by_their_longest_prefix() {
    let group = |name: &str, prefix: &str, cards: &[&[usize]], first: usize| {
        let mut servers = servers(cards);
        servers.iter_mut().flat_map(|s| s.cards.iter_mut().flatten()).for_each(|span| span.0 += first);
        TrunkGroup { name: name.into(), prefixes: vec![prefix.into()], servers }
    };
    let span = SpanPlan { line: Line::T1, switch: dialect(Line::T1) };
    let mut office = Office::of(SwitchPlan {
        spans: vec![span; 2],
        groups: vec![group("west", "55", &[&[1]], 0), group("east", "559", &[&[1]], 1)],
        ..SwitchPlan::default()
    });
    let (west, east, nowhere) = (office.dial("5510"), office.dial("+5590"), office.dial("1"));
    assert_eq!((office.last(west), office.last(east)), ("connected 0/1".into(), "connected 1/1".into()));
    assert_eq!(office.story(nowhere), ["no route 3"]);
    assert_eq!(office.desks[1].offers[0].called.kind, 1, "international, and without the plus");
    office.hang_up(west);
    office.hang_up(east);
    office.pass(1_000);
    office.assert_idle();
}

#[test]
fn a_preferred_channel_may_be_exchanged_for_a_free_one() {
    let span = SpanPlan { line: Line::E1, switch: dialect(Line::E1) };
    let mut office = Office::of(SwitchPlan {
        spans: vec![span],
        groups: vec![TrunkGroup::for_all("all", servers(&[&[1]]))],
        channel_preferred: true,
        ..SwitchPlan::default()
    });
    office.desks[0].policy = Policy::AnswerOn(20);
    let first = office.dial("100");
    assert_eq!(office.story(first), ["try 0/1", "proceeding 0/20", "connected 0/20"]);
    let occupied: Vec<u8> = office.switch.channels().filter(|c| c.caller.is_some()).map(|c| c.channel.0).collect();
    assert_eq!(occupied, [20]);
    // The next is answered on the same channel, where somebody talks already: not acceptable, and nobody is cut off.
    let second = office.dial("100");
    office.pass(60_000);
    assert_eq!(office.story(second), ["try 0/1", "refused 0/1 6", "no route 6"]);
    assert_eq!(office.last(first), "connected 0/20");
    office.hang_up(first);
    office.pass(60_000);
    office.assert_idle();
}
