//! The test bench carried out: loopbacks to the cards, probes and holds to the real-time thread, readings back.
//!
//! What is decided, and in which order, is [`bench::Schedule`](crate::bench::Schedule)'s. A loopback that a daemon left behind
//! when it died is released before anything else is done with a card.
//!
//! Time: wall-clock; looked at as often as the office looks at anything.

use super::{CardControl, Office, chain, now_ms};
use crate::bench::{Blocked, Order, Outcome, Reading, Rounds, Stage};
use crate::gateway::Channel;
use crate::reports::{Command, Order as ToRealtime};
use control::Fact;
use hal::{Control, Loopback, SpanIndex, Support, Timeslot, TimeslotLoopback};
use std::time::Duration;

/// Timeslots a span has at most.
const TIMESLOTS: u8 = 31;

/// What each span can do for a test, and every loopback released.
pub(super) fn take_over(cards: &mut [CardControl]) -> Vec<Support> {
    let mut all = Vec::new();
    for card in cards {
        for span in (0..card.spans).map(|place| SpanIndex(place as u8)) {
            let support = card.control.support(span);
            // Refused is what the card never had.
            if support.intersects(Support::LOCAL_LOOPBACK | Support::LINE_LOOPBACK | Support::PAYLOAD_LOOPBACK) {
                let _ = card.control.set_loopback(span, Loopback::None);
            }
            if support.intersects(Support::TIMESLOT_LOCAL | Support::TIMESLOT_NETWORK) {
                for timeslot in (1..=TIMESLOTS).map(Timeslot) {
                    let _ = card.control.set_timeslot_loopback(span, timeslot, TimeslotLoopback::None);
                }
            }
            all.push(support);
        }
    }
    all
}

impl Office {
    /// Do what the tests want done.
    pub(super) fn see_to_tests(&mut self) {
        while let Ok((channel, probe)) = self.used_probes.pop() {
            match self.rounds_on(channel) {
                Some(rounds) => rounds.came_back(channel, probe),
                None => self.shared.bench().came_back(channel, probe),
            }
        }
        if self.shared.bench().is_idle() {
            return;
        }
        let rounds = self.self_test.as_ref().map(|test| &test.rounds);
        let testing = |channel| rounds.is_some_and(|rounds| rounds.is_testing(channel));
        // Never both locks at a time.
        let near = self.shared.picture().near.clone();
        let blocked = |channel: Channel| {
            let (sets, _) = near.get(&channel.span).copied().unwrap_or_default();
            let has = |set: u32| set & 1 << channel.timeslot.index() != 0;
            match (has(sets.draining), has(sets.out | sets.maintenance)) {
                (true, _) => Blocked::Busy,
                // The self-test gives its channel up, in a moment.
                (false, true) if testing(channel) => Blocked::NotYet,
                (false, true) => Blocked::Yes,
                (false, false) => Blocked::NotYet,
            }
        };
        self.shared.bench().look(now_ms(), blocked);
        self.do_as_tests_want();
    }

    /// A probe shows this.
    pub(super) fn read_probe(&mut self, channel: Channel, reading: Reading) {
        match self.rounds_on(channel) {
            Some(rounds) => rounds.read(channel, reading),
            None => self.shared.bench().read(channel, reading),
        }
    }

    /// The rounds, if this channel is theirs now: a test of a technician waits until it is not.
    fn rounds_on(&mut self, channel: Channel) -> Option<&mut Rounds> {
        self.self_test.as_mut().map(|test| &mut test.rounds).filter(|rounds| rounds.is_testing(channel))
    }

    /// The last thing: no loopback is left behind.
    pub(super) fn close_tests(&mut self) {
        self.shared.bench().close_all();
        self.do_as_tests_want();
    }

    fn do_as_tests_want(&mut self) {
        loop {
            let Some(order) = self.shared.bench().poll_order() else { return };
            match order {
                Order::Hold { span, hold, channels } => {
                    let command = Command::Hold { span, hold, channels, forced: 0 };
                    self.orders.push_back(ToRealtime::Gateway(command));
                }
                Order::Probe(channel, probe) => self.orders.push_back(ToRealtime::Probe(channel, probe)),
                Order::SpanLoop(id, span, loopback) => {
                    self.on_card(id, span, |control, own| control.set_loopback(own, loopback));
                }
                Order::TimeslotLoop(id, channel, loopback) => {
                    let timeslot = channel.timeslot;
                    self.on_card(id, channel.span, |control, own| {
                        control.set_timeslot_loopback(own, timeslot, loopback)
                    });
                }
                Order::Ask(id, span, request) => {
                    self.on_card(id, span, |control, own| control.request_loop(own, request));
                }
                Order::Call(test, call) => {
                    let stay = Duration::from_millis(call.stay_ms);
                    let command = Command::PlaceCall { test, span: call.span, called: call.called, stay };
                    self.orders.push_back(ToRealtime::Gateway(command));
                }
                Order::HangUp(test) => self.orders.push_back(ToRealtime::Gateway(Command::HangUpTest { test })),
                Order::Over(id) => self.tell_of_test(id),
            }
        }
    }

    /// A test whose card will not has come to its end.
    fn on_card(&mut self, id: u64, span: u16, act: impl FnOnce(&mut dyn Control, SpanIndex) -> Result<(), hal::Error>) {
        let Some((control, own)) = self.card_of(span) else { return };
        if let Err(error) = act(control, own) {
            let why = format!("span {}: the card refuses: {}", span + 1, chain(&error));
            self.shared.bench().stop(now_ms(), id, Outcome::Broken(why));
        }
    }

    fn tell_of_test(&self, id: u64) {
        let (said, fact) = {
            let bench = self.shared.bench();
            let Some(test) = bench.tests().iter().find(|test| test.id == id) else { return };
            let what = crate::control::bench::what_in_words(&test.plan);
            let how = crate::control::bench::outcome_in_words(test).unwrap_or_default();
            let (target, by) = (test.plan.target.clone(), test.plan.by.clone());
            let passed = match &test.stage {
                Stage::Over(Outcome::Passed) => Some(true),
                Stage::Over(Outcome::Failed | Outcome::Broken(_)) => Some(false),
                _ => None,
            };
            let said = format!("test {id} by {by} on {target} ({what}) is over: {how}");
            (said, Fact::TestOver { test: id, target, what, by, passed, outcome: how })
        };
        self.shared.tell(log::Level::Info, "span", said, fact);
    }
}
