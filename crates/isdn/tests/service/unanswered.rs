//! A far end that leaves SERVICE unanswered: sent twice, 120 s apart, then the far state is unknown and an audit is made every
//! 15 minutes. Calls that it offers are taken all the while, and hasten the audit.
//!
//! Clauses: maintenance T3M1

use crate::common::{SECOND, setup};
use crate::service_support::*;
use isdn::service::Pending;
use isdn::{ChannelChoice, FarState, Refused, Side};

/// Who is sent what, when.
fn times(ladder: &[String], what: &str) -> Vec<String> {
    let line = |line: &String| line.split_once(' ').map(|(time, rest)| (time.to_string(), rest.contains(what)));
    ladder.iter().filter_map(line).filter(|(_, is)| *is).map(|(time, _)| time).collect()
}

#[test]
fn twice_then_every_fifteen_minutes() {
    let mut alone = alone(true);
    set(&mut alone, 5, OUT);
    let pending = |sent, until| Some(Pending { state: OUT, sent, until: Some(SECOND * until) });
    assert_eq!(of(&alone.d, 5).pending, pending(1, 120));
    alone.run(SECOND * 121);
    assert_eq!(of(&alone.d, 5).pending, pending(2, 240));
    assert_eq!(alone.events, []);
    alone.run(SECOND * 118);
    assert_eq!(alone.events, []);
    alone.run(SECOND * 2);
    assert_eq!(alone.events, [far(5, FarState::Unknown), settled(5, OUT, false)]);
    assert_eq!((states(&alone.d, 5), of(&alone.d, 5).pending), ((OUT, FarState::Unknown), None));
    alone.run(minutes(46));
    // 15 minutes from the one that went unanswered.
    assert_eq!(times(&alone.ladder, "SERVICE"), ["0.0", "120.0", "1020.0", "1920.0", "2820.0"]);
    assert_eq!(alone.d.counters().service.t3m1_expiries, 5);
    // The audit is answered: all is well.
    alone.events.clear();
    alone.run(minutes(13));
    alone.say(&acknowledge(isdn::Switch::Ess5, 5, OUT));
    assert_eq!(alone.events, [far(5, FarState::InService)]);
    alone.ladder.clear();
    alone.run(minutes(120));
    assert_eq!(alone.ladder, [""; 0]);
}

/// In service and never acknowledged since the link came up: no calls of ours, but theirs are taken.
#[test]
fn an_end_without_service_messages() {
    let mut alone = alone(false);
    for channel in 1..=23 {
        assert_eq!(usable(&alone.d, channel), (true, true), "calls go on while an answer is awaited");
    }
    alone.run(SECOND * 241);
    let unknown: Vec<_> = (1..=23).map(|channel| far(channel, FarState::Unknown)).collect();
    assert_eq!(alone.events, unknown);
    assert_eq!(alone.d.dial(alone.now, &setup(ChannelChoice::Exclusive(9.into()))), Err(Refused::OutOfService));
    assert_eq!(usable(&alone.d, 9), (true, false));
}

/// An incoming call on such a channel is taken, and asks at once.
#[test]
fn a_call_hastens_the_audit() {
    let mut alone = alone(false);
    alone.run(SECOND * 300);
    alone.ladder.clear();
    let call = alone.be_called();
    assert_eq!(alone.heard(), ["SERVICE channel 5!: in service"]);
    alone.d.proceed(alone.now, call, 5).expect("taken");
    alone.d.connect(alone.now, call).expect("taken");
    alone.settle();
    alone.events.clear();
    alone.say(&acknowledge(isdn::Switch::Ess5, 5, IN));
    assert_eq!(alone.events, [far(5, FarState::InService)]);
    assert_eq!((usable(&alone.d, 5), usable(&alone.d, 6)), ((true, true), (true, false)));
}

/// A burst of calls on it hastens one audit, not many.
#[test]
fn many_calls_hasten_one() {
    let mut alone = alone(false);
    alone.run(SECOND * 300);
    alone.ladder.clear();
    for reference in 1..=20u8 {
        alone.say(&[8, 2, 0, reference, 5, 4, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85]);
        alone.say(&[8, 2, 0, reference, 0x5a, 8, 2, 0x80, 0x90]);
    }
    assert_eq!(times(&alone.ladder, "SERVICE").len(), 1, "{:#?}", alone.ladder);
}

/// Out of service by its own word, and a call on it all the same: taken, and what it says then counts.
#[test]
fn a_call_on_what_was_called_out() {
    let mut alone = alone(true);
    alone.say(&service(isdn::Switch::Ess5, 5, OUT));
    alone.ladder.clear();
    alone.events.clear();
    alone.be_called();
    assert_eq!(alone.heard(), ["SERVICE channel 5!: in service"]);
    alone.say(&acknowledge(isdn::Switch::Ess5, 5, IN));
    assert_eq!(alone.events.last(), Some(&far(5, FarState::InService)));
}

/// A configuration may refuse it.
#[test]
fn or_refused_if_so_configured() {
    let mut config = config(Side::User, isdn::Switch::Ess5);
    config.service_messages.as_mut().expect("on").incoming_when_far_out = false;
    let mut alone = crate::common::Alone::up_with(config);
    for channel in 1..=23 {
        alone.say(&acknowledge(isdn::Switch::Ess5, channel, IN));
    }
    alone.say(&service(isdn::Switch::Ess5, 5, OUT));
    let setup = [8, 2, 0, 1, 5, 4, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85];
    let said = alone.ask(&setup);
    assert_eq!(said, ["RELEASE COMPLETE *1 cause 44", "SERVICE channel 5!: in service"]);
    // The answer shows that it had forgotten; the next call goes through.
    alone.say(&acknowledge(isdn::Switch::Ess5, 5, IN));
    alone.be_called();
}

/// A far end that was silent speaks: it is told at once, without waiting for the audit.
#[test]
fn it_speaks_again() {
    let mut alone = alone(false);
    alone.run(SECOND * 300);
    alone.events.clear();
    let said = alone.ask(&service(isdn::Switch::Ess5, 5, IN));
    assert_eq!(said, ["SERVICE ACKNOWLEDGE channel 5!: in service", "SERVICE channel 5!: in service"]);
    assert_eq!(alone.events, [far(5, FarState::InService)]);
}

/// An acknowledgement of a worse state than the one told is believed, of a better one not; both are audited once.
#[test]
fn another_state_is_acknowledged() {
    let mut alone = alone(true);
    set(&mut alone, 5, IN);
    set(&mut alone, 6, OUT);
    set(&mut alone, 7, MAINTENANCE);
    alone.say(&acknowledge(isdn::Switch::Ess5, 6, IN));
    alone.say(&acknowledge(isdn::Switch::Ess5, 7, OUT));
    assert_eq!(states(&alone.d, 6), (OUT, FarState::InService));
    assert_eq!(states(&alone.d, 7), (MAINTENANCE, FarState::OutOfService));
    assert_eq!(alone.d.counters().service.mismatches, 2);
    // Not pending: ignored.
    alone.say(&acknowledge(isdn::Switch::Ess5, 5, OUT));
    assert_eq!(states(&alone.d, 5), (IN, FarState::InService));
    assert_eq!(alone.d.counters().service.unsolicited, 1);
    alone.ladder.clear();
    alone.run(SECOND * 901);
    assert_eq!(times(&alone.ladder, "SERVICE"), ["900.0", "900.0"]);
}

/// It had acknowledged something worse than it was told. When the audit is acknowledged as it should be, that is forgotten; what
/// it has said by itself is not.
#[test]
fn an_audit_lifts_what_an_acknowledgement_said() {
    let mut alone = alone(true);
    alone.say(&service(isdn::Switch::Ess5, 6, MAINTENANCE));
    for channel in [5, 6] {
        set(&mut alone, channel, OUT);
        alone.say(&acknowledge(isdn::Switch::Ess5, channel, OUT));
        set(&mut alone, channel, IN);
        alone.say(&acknowledge(isdn::Switch::Ess5, channel, OUT));
        assert_eq!(states(&alone.d, channel), (IN, FarState::OutOfService));
    }
    alone.events.clear();
    alone.run(SECOND * 901);
    for channel in [5, 6] {
        alone.say(&acknowledge(isdn::Switch::Ess5, channel, IN));
    }
    assert_eq!(alone.events, [far(5, FarState::InService), far(6, FarState::Maintenance)]);
    assert_eq!((usable(&alone.d, 5), usable(&alone.d, 6)), ((true, true), (true, false)));
}
