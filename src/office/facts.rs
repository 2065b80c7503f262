//! What happened, for programs: reports as [`Fact`]s, beside the sentences of [`super::words`].
//!
//! Data path: [`What`], the picture as it was before, who ordered it → here → [`control::Notice`]s.

use super::ledger::{Ledger, Suspension};
use super::picture::Picture;
use super::{conference, words};
use crate::gateway::Holds;
use crate::reports::What;
use crate::voice::Press;
use ::conference::By;
use control::{Fact, Hold, KeyPress, LinkFact, Masked, Ordered, ServiceState};

/// The fact of a report, if programs are told of it. `before` does not know of it yet.
#[must_use]
pub fn of(what: &What, before: &Picture) -> Option<Fact> {
    let link = |link| Some(Fact::Link { link });
    match what {
        What::LinkUp { reset: false, .. } => link(LinkFact::Up),
        What::LinkUp { reset: true, .. } => link(LinkFact::Reset),
        What::LinkDown { .. } => link(LinkFact::Down),
        What::LinkReleased { .. } => link(LinkFact::Released),
        What::LinkSilent { .. } => link(LinkFact::Silent),
        What::Alarms { alarms, .. } => {
            Some(Fact::Line { defects: alarms.iter_names().map(|(name, _)| name.to_owned()).collect() })
        }
        What::Held { span, hold, channels } => {
            let known = before.held.get(&(*span, *hold)).copied().unwrap_or_default();
            Some(Fact::Hold {
                hold: hold_of(*hold),
                placed: timeslots(channels & !known),
                released: timeslots(known & !channels),
                orders: Vec::new(),
            })
        }
        What::Near { sets, .. } => Some(Fact::Near {
            out_of_service: timeslots(sets.out),
            maintenance: timeslots(sets.maintenance),
            draining: timeslots(sets.draining),
        }),
        What::FarChanged { channels, state, .. } => {
            let state = match state {
                isdn::FarState::InService => ServiceState::InService,
                isdn::FarState::Maintenance => ServiceState::Maintenance,
                isdn::FarState::OutOfService => ServiceState::OutOfService,
                isdn::FarState::Unknown => ServiceState::Unknown,
            };
            Some(Fact::Far { channels: timeslots(*channels), state })
        }
        What::CallTaken { channel, called, calling, .. } => Some(Fact::CallTaken {
            channel: channel.timeslot.0,
            called: before.called(called),
            calling: calling
                .as_ref()
                .filter(|number| number.presentation == isdn::Presentation::Allowed && !number.digits.is_empty())
                .map(|number| Masked::new(&number.digits)),
        }),
        What::Refused { called, reason, .. } => {
            Some(Fact::CallRefused { called: before.called(called), cause: reason.cause().value })
        }
        What::TurnedAway { why, .. } => Some(conference::facts::turned_away(*why)),
        What::Conference { what, .. } => Some(conference::facts::of(what, |at| before.at_ms(at))),
        What::KeyLetGo { pressed, press, .. } => {
            Some(Fact::CallKey { press: key_press(before.at_ms(*pressed), *press) })
        }
        What::CallLanguage { language, .. } => {
            before.language(*language).map(|language| Fact::CallLanguage { language })
        }
        What::Talking { talking, .. } => Some(Fact::CallTalking { talking: *talking }),
        What::DialOutUnavailable { why, .. } => {
            Some(Fact::DialOutUnavailable { why: words::not_placed_in_words(*why).to_owned() })
        }
        What::InvitePlaced { channel, called, by, .. } => Some(Fact::InvitePlaced {
            channel: channel.timeslot.0,
            called: before.invited(called),
            by: conference::facts::doer(by.map_or(By::Office, By::Member)),
        }),
        What::InviteWent { went, cause, .. } => {
            Some(Fact::InviteWent { went: conference::state_of(*went), cause: cause.map(|cause| cause.value) })
        }
        What::Joined { role, .. } => Some(Fact::CallJoined { role: words::role_in_words(*role).to_owned() }),
        What::Left { remaining, .. } => Some(Fact::CallLeft { remaining: *remaining }),
        What::CallEnded { cause, by_peer, .. } => Some(Fact::CallEnded {
            cause: cause.value,
            cause_location: words::location_in_words(cause.location),
            released_by: words::released_by(*by_peer).to_owned(),
        }),
        _ => None,
    }
}

/// A press of a key as programs are told of it.
#[must_use]
pub fn key_press(pressed_ms: u64, press: Press) -> KeyPress {
    KeyPress {
        pressed_ms,
        lasted_ms: press.lasted_ms,
        row_dbm0: press.row_dbm0,
        column_dbm0: press.column_dbm0,
        twist_db: press.twist_db(),
        snr_db: press.snr_db,
        off_frequency: press.off_frequency,
    }
}

/// Put the orders to it that are behind a hold on channels of a span. They stand in the ledger for as long as they hold.
pub fn add_orders(fact: &mut Fact, span: u16, ledger: &Ledger) {
    let Fact::Hold { hold, placed, released, orders } = fact else { return };
    let concerned = placed.iter().chain(released.iter()).fold(0u32, |set, n| set | 1 << (n - 1));
    let covers = |s: &&Suspension| {
        s.hold == *hold && ledger.sets(s).get(usize::from(span)).is_some_and(|set| set & concerned != 0)
    };
    *orders = ledger.suspensions().iter().filter(covers).map(ordered).collect();
}

/// Who ordered a suspension, and why.
#[must_use]
pub fn ordered(suspension: &Suspension) -> Ordered {
    Ordered {
        suspension: suspension.id,
        target: suspension.target.clone(),
        by: suspension.by.clone(),
        since_ms: suspension.since_ms,
        reason: suspension.reason.clone(),
        ticket: suspension.ticket.clone(),
    }
}

/// The protocol's word for a reason.
const fn hold_of(hold: Holds) -> Hold {
    match hold {
        Holds::OPERATOR => Hold::Operator,
        Holds::LOAD => Hold::Load,
        Holds::NO_PORT => Hold::NoPort,
        Holds::ALARM => Hold::Alarm,
        Holds::TEST => Hold::Test,
        Holds::SELF_TEST => Hold::SelfTest,
        Holds::DRAIN => Hold::Drain,
        _ => Hold::Unknown,
    }
}

/// Bit n-1 stands for timeslot n.
fn timeslots(set: u32) -> Vec<u8> {
    (1..=31).filter(|n| set & 1 << (n - 1) != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::ledger::{Place, Terms};
    use control::Target;

    #[test]
    fn a_hold_tells_what_has_changed_and_who_is_behind_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = Place { card: "soft0".into(), span: 1, line: hal::Line::T1, d_channel: true };
        let mut ledger = Ledger::open(&dir.path().join("service.json"), vec![place]).expect("nothing there yet");
        let mut suspend = |target: &str, by: &str| {
            let target: Target = target.parse().expect("a target");
            let sets = ledger.resolve(&target).expect("ours");
            let terms = Terms { by: by.into(), ticket: Some("T1".into()), ..Terms::default() };
            ledger.suspend(1000, &target, &sets, terms).expect("written");
        };
        suspend("channel 1/1", "kim");
        suspend("channel 1/2-3", "lee");
        let mut before = Picture::default();
        before.held.insert((0, Holds::OPERATOR), 0b1001);
        let mut fact = of(&What::Held { span: 0, hold: Holds::OPERATOR, channels: 0b111 }, &before);
        fact.iter_mut().for_each(|fact| add_orders(fact, 0, &ledger));
        let Some(Fact::Hold { hold: Hold::Operator, placed, released, orders }) = fact else { panic!("{fact:?}") };
        assert_eq!((placed, released), (vec![2, 3], vec![4]));
        let orders: Vec<_> = orders.iter().map(|o| (o.by.as_str(), o.ticket.as_deref())).collect();
        assert_eq!(orders, [("lee", Some("T1"))], "channel 1 was held before");
    }
}
