//! Tests, as a technician orders them.
//!
//! What an order means is worked out here, from the picture and from what the cards can do; when what is done is the
//! schedule's (`crate::bench`).
//!
//! Time: milliseconds since 1970 in UTC.

use super::service::{calls_on, hit, resolve};
use super::{Desk, count};
use crate::bench::{
    BitPlan, CallPlan, CallSeen, Insert, Kind, Loop, Outcome, Plan, Reading, Refusal, Sent, Stage, Station, Test,
};
use crate::gateway::Holds;
use crate::office::audit::Entry;
use crate::office::ledger::Sets;
use crate::office::now_ms;
use crate::office::words::{location_in_words, ranges, released_by};
use board_loopback::Direction;
use board_loopback::rehearsal::Order as FaultOrder;
use control::{
    BitsFound, CallFound, CallHit, Fact, InsertErrors, LoopWord, Peer, Problem, Reply, SoundFound, SyncState, Target,
    TestChannel, TestInfo, TestKind, TestPlan, TestState, TestWish,
};
use dsp::bert::{Pattern, Sync};
use dsp::signals::Signal;
use dsp::tones::Tone;
use hal::{LoopRequest, Loopback, TimeslotLoopback};
use std::collections::BTreeMap;
use std::num::NonZeroU64;

/// What a test is, besides its channels.
struct Meaning {
    kind: Kind,
    loop_: Loop,
    run_ms: u64,
}

/// A test that could be begun.
struct Prepared {
    plan: Plan,
    calls: Vec<CallHit>,
    text: Vec<String>,
    left_out: Sets,
}

impl Desk {
    pub(super) fn test(&self, peer: &Peer, wish: &TestWish) -> Result<Reply, Problem> {
        let Prepared { mut plan, calls, left_out, .. } = self.prepare(wish)?;
        if !wish.drain && !calls.is_empty() {
            let text = format!("{} carries {} call(s), and a test takes no call away", plan.target, calls.len());
            return Err(Problem::conflict(text).with_hint("add --drain to wait until they have ended"));
        }
        let now = now_ms();
        let what = what_in_words(&plan);
        self.write_down(&Entry::new(now, peer, "test", &plan.target).because(Some(&what), None))?;
        plan.by.clone_from(&peer.name);
        let said = format!("test on {} by {}: {what}", plan.target, plan.by);
        plan.left_out = named(&left_out);
        let mut bench = self.shared.bench();
        let id = bench.begin(now, plan).map_err(|refusal| match refusal {
            Refusal::InTest(id) => Problem::conflict(format!("test {id} has {} of {}", has(wish), wish.target))
                .with_hint(format!("`trunkctl test stop {id}` ends it")),
            Refusal::TooMany => Problem::busy("as many tests go on as can be looked after"),
        })?;
        let fact = Fact::TestBegun { test: id, target: wish.target.to_string(), what, by: peer.name.clone() };
        self.shared.tell(log::Level::Info, "span", said, fact);
        let test = bench.tests().iter().find(|t| t.id == id);
        test.map(|t| Reply::Test(Box::new(info(t))))
            .ok_or_else(|| Problem::internal("a test was begun and is not there"))
    }

    pub(super) fn plan_test(&self, wish: &TestWish) -> Result<Reply, Problem> {
        let Prepared { plan, calls, text, .. } = self.prepare(wish)?;
        let channels = if matches!(plan.kind, Kind::Call(_)) { 1 } else { count(plan.each().count()) };
        Ok(Reply::TestPlan(TestPlan { target: plan.target.clone(), channels, calls, text }))
    }

    pub(super) fn tests(&self) -> Reply {
        Reply::Tests(self.shared.bench().tests().iter().map(info).collect())
    }

    pub(super) fn stop_test(&self, id: u64) -> Result<Reply, Problem> {
        if self.shared.bench().stop(now_ms(), id, Outcome::Stopped) {
            return Ok(Reply::done(format!("test {id} is stopped; its channels come back")));
        }
        Err(Problem::not_found(format!("no test {id} goes on")).with_hint("`trunkctl test list` lists them"))
    }

    pub(super) fn release_loops(&self, target: &Target) -> Result<Reply, Problem> {
        let sets = resolve(&self.shared.ledger(), target)?;
        let mut bench = self.shared.bench();
        let hit = |t: &Test| {
            t.plan.channels.iter().any(|(span, set)| sets.get(usize::from(*span)).is_some_and(|s| s & set != 0))
        };
        let looped = |t: &&Test| !t.is_over() && t.plan.kind == Kind::Loop && hit(t);
        let found: Vec<(u64, String)> =
            bench.tests().iter().filter(looped).map(|t| (t.id, t.plan.target.clone())).collect();
        if found.is_empty() {
            return Err(Problem::conflict(format!("no loopback of a test is on {target}"))
                .with_hint("`trunkctl test list` lists what goes on"));
        }
        for (id, _) in &found {
            bench.stop(now_ms(), *id, Outcome::Stopped);
        }
        let targets: Vec<String> = found.into_iter().map(|(_, target)| target).collect();
        Ok(Reply::done(format!("the loopback of {} is released", targets.join(", "))))
    }

    pub(super) fn fault(&self, peer: &Peer, span: u16, words: Option<&str>) -> Result<Reply, Problem> {
        let Some(Some((desk, own))) = self.faults.get(usize::from(span - 1)) else {
            return Err(Problem::not_found(format!("there is no span {span} on a software card"))
                .with_hint("faults can be put on the lines of software cards only; `trunkctl spans` lists the spans"));
        };
        if let Some(words) = words {
            let order: FaultOrder = words.parse().map_err(|why| Problem::malformed(format!("{why}")))?;
            let target = format!("span {span}");
            self.write_down(&Entry::new(now_ms(), peer, "fault", &target).because(Some(words), None))?;
            desk.obey(*own, order).map_err(|error| Problem::malformed(crate::office::chain(&error)))?;
            log::warn!(target: "span", "{target}: a fault is rehearsed by {}: {order}", peer.name);
        }
        let standing = [Direction::Received, Direction::Sent].into_iter().flat_map(|direction| {
            let sent = if direction == Direction::Sent { "sent " } else { "" };
            desk.standing(*own, direction).into_iter().map(move |fault| format!("{sent}{fault}"))
        });
        Ok(Reply::Faults(standing.collect()))
    }

    pub(super) fn port_fault(&self, peer: &Peer, port: u16, dead: Option<bool>) -> Result<Reply, Problem> {
        let unknown = |error: cast::Error| {
            Problem::not_found(error.to_string()).with_hint("`trunkctl ports` lists the stream ports")
        };
        let mut stands = self.caster.encoders_are_muted(port).map_err(unknown)?;
        if let Some(dead) = dead {
            let target = format!("stream port {port}");
            let words = if dead { "dead" } else { "clear" };
            self.write_down(&Entry::new(now_ms(), peer, "fault", &target).because(Some(words), None))?;
            self.caster.mute_encoders(port, dead).map_err(unknown)?;
            log::warn!(target: "stream", "{target}: a fault is rehearsed by {}: {words}", peer.name);
            stands = dead;
        }
        Ok(Reply::Faults(if stands { vec!["dead".to_owned()] } else { Vec::new() }))
    }

    fn prepare(&self, wish: &TestWish) -> Result<Prepared, Problem> {
        let Meaning { kind, loop_, run_ms } = meaning(wish)?;
        let ledger = self.shared.ledger();
        let mut sets = resolve(&ledger, &wish.target)?;
        if let Kind::Call(call) = &kind {
            return Ok(prepare_call(wish, call.clone()));
        }
        for (span, ((set, place), support)) in sets
            .iter()
            .zip(ledger.places())
            .zip(self.shared.supports.iter())
            .enumerate()
            .filter(|(_, ((s, _), _))| **s != 0)
        {
            if let Some(what) = loop_.missing(*support) {
                return Err(Problem::unavailable(format!("span {}: {what} is not supported by this card", span + 1))
                    .with_hint(format!("it has: {support}")));
            }
            if loop_.takes_the_span() && *set != place.bearers() {
                return Err(Problem::malformed(format!(
                    "this loopback takes all of span {}, so all of it must be named",
                    span + 1
                ))
                .with_hint(format!("name `span {}`, or loop single channels with `timeslot`", span + 1)));
            }
        }
        drop(ledger);
        let in_test = self.shared.bench().tests().iter().filter(|t| !t.is_over()).fold(
            vec![0; sets.len()],
            |mut all: Sets, test| {
                test.plan.channels.iter().for_each(|(span, set)| all[usize::from(*span)] |= set);
                all
            },
        );
        let picture = self.shared.picture();
        let mut left_out = vec![0; sets.len()];
        if wish.idle_only {
            for (span, set) in (0u16..).zip(&mut sets) {
                let held = picture.held.iter().filter(|((s, _), _)| *s == span).fold(0, |all, (_, held)| all | held);
                let busy = picture.calls.values().filter(|c| c.channel.span == span);
                let busy = busy.fold(0, |all, call| all | 1 << call.channel.timeslot.index());
                left_out[usize::from(span)] = *set & (held | busy | in_test[usize::from(span)]);
                *set &= !left_out[usize::from(span)];
            }
            if sets.iter().all(|set| *set == 0) {
                return Err(Problem::conflict(format!("no channel of {} is idle", wish.target)));
            }
        }
        let now = now_ms();
        let mut calls: Vec<CallHit> = calls_on(&picture, &sets).map(|(id, call)| hit(now, id, call)).collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.age_ms));
        drop(picture);
        let target = wish.target.to_string();
        let channels: BTreeMap<u16, u32> = (0u16..).zip(sets).filter(|(_, set)| *set != 0).collect();
        let mut text = vec!["its channels go into maintenance, and come back when the test is over".to_owned()];
        if !calls.is_empty() {
            text.push(if wish.drain {
                "the test begins when the calls have ended".to_owned()
            } else {
                "the test is refused while there are calls; --drain waits for them".to_owned()
            });
        }
        if loop_.takes_the_span() {
            let spans: Vec<String> = channels.keys().map(|span| (span + 1).to_string()).collect();
            text.push(format!("the D channel of span {} goes down while the loopback stands", spans.join(", ")));
        }
        text.push(format!("it ends by itself after {} s", run_ms / 1000));
        let hold = if wish.idle_only { Holds::SELF_TEST } else { Holds::TEST };
        let (by, left) = (String::new(), Vec::new());
        let plan = Plan { target, by, kind, loop_, hold, channels, drain: wish.drain, run_ms, left_out: left };
        Ok(Prepared { plan, calls, text, left_out })
    }
}

/// A call takes no channel but the one that the gateway finds idle when it is placed.
fn prepare_call(wish: &TestWish, call: CallPlan) -> Prepared {
    let over = call.span.map_or_else(|| "any span".to_owned(), |span| format!("span {}", span + 1));
    let seconds = call.stay_ms / 1000;
    let text = vec![
        format!("it calls {} on the highest idle channel of {over}", shown(&call.called)),
        format!("it waits {seconds} s for an answer, and hangs up {seconds} s after it"),
    ];
    let plan = Plan {
        target: wish.target.to_string(),
        by: String::new(),
        run_ms: call.stay_ms,
        kind: Kind::Call(call),
        loop_: Loop::None,
        hold: Holds::TEST,
        channels: BTreeMap::new(),
        drain: false,
        left_out: Vec::new(),
    };
    Prepared { plan, calls: Vec::new(), text, left_out: Sets::new() }
}

/// A number as it was asked for.
fn shown(called: &isdn::Number) -> String {
    format!("{}{}", if called.kind == 1 { "+" } else { "" }, called.digits)
}

/// Channels by span in words.
fn named(sets: &Sets) -> Vec<String> {
    let of_span = |(span, set): (usize, &u32)| format!("span {}: {}", span + 1, ranges(*set));
    sets.iter().enumerate().filter(|(_, set)| **set != 0).map(of_span).collect()
}

fn meaning(wish: &TestWish) -> Result<Meaning, Problem> {
    let run_ms = |default_s: u64| wish.for_s.unwrap_or(default_s) * 1000;
    Ok(match &wish.kind {
        TestKind::Bert { pattern, loop_, insert } => {
            let pattern: Pattern = pattern.parse().map_err(|why| Problem::malformed(format!("{why}")))?;
            let insert = match insert {
                None => Insert::Nothing,
                Some(InsertErrors::OneIn(bits)) => NonZeroU64::new(*bits).map_or(Insert::Nothing, Insert::OneIn),
                Some(InsertErrors::Count(errors)) => Insert::Count(*errors),
            };
            let run_ms = run_ms(60);
            // A day of milliseconds, which the protocol allows at most, fits.
            let plan = BitPlan { pattern, insert, run_ms: u32::try_from(run_ms).unwrap_or(u32::MAX) };
            let loop_ = match loop_ {
                LoopWord::None | LoopWord::Unknown => Loop::None,
                LoopWord::Local => Loop::Span(Loopback::Local),
                LoopWord::Line => Loop::Asked { up: LoopRequest::LineUp, down: LoopRequest::LineDown },
                LoopWord::Payload => Loop::Asked { up: LoopRequest::PayloadUp, down: LoopRequest::PayloadDown },
                LoopWord::Timeslot => Loop::Timeslots(TimeslotLoopback::Local),
            };
            Meaning { kind: Kind::Bits(plan), loop_, run_ms }
        }
        TestKind::Loopback { loop_ } => {
            let loop_ = match loop_ {
                LoopWord::None | LoopWord::Unknown => Loop::None,
                LoopWord::Local => Loop::Span(Loopback::Local),
                LoopWord::Line => Loop::Span(Loopback::Line),
                LoopWord::Payload => Loop::Span(Loopback::Payload),
                LoopWord::Timeslot => Loop::Timeslots(TimeslotLoopback::Network),
            };
            Meaning { kind: Kind::Loop, loop_, run_ms: run_ms(20 * 60) }
        }
        TestKind::Tone { hz, dbm0 } => {
            let sent = Sent::Tone(Tone::new(*hz, *dbm0));
            Meaning { kind: Kind::Sound(Some(sent)), loop_: Loop::None, run_ms: run_ms(60) }
        }
        TestKind::Signal { name } => {
            let signal = Signal::of(name).ok_or_else(|| {
                let names: Vec<&str> = Signal::ALL.iter().map(|signal| signal.name).collect();
                Problem::malformed(format!("no signal is called `{name}`; there are {}", names.join(", ")))
            })?;
            Meaning { kind: Kind::Sound(Some(Sent::Signal(signal))), loop_: Loop::None, run_ms: run_ms(60) }
        }
        TestKind::Level => Meaning { kind: Kind::Sound(None), loop_: Loop::None, run_ms: run_ms(5) },
        TestKind::Call { called } => {
            let run_ms = run_ms(10);
            let span = if let Target::Span(span) = wish.target { Some(span - 1) } else { None };
            let (kind, digits) = called.strip_prefix('+').map_or((0, called.as_str()), |rest| (1, rest));
            let called = isdn::Number { kind, ..isdn::Number::new(digits) };
            let kind = Kind::Call(CallPlan { called, span, stay_ms: run_ms });
            Meaning { kind, loop_: Loop::None, run_ms }
        }
    })
}

/// What another test has that this one wants.
const fn has(wish: &TestWish) -> &'static str {
    if matches!(wish.kind, TestKind::Call { .. }) { "a call on a span" } else { "a channel" }
}

/// What a test does.
pub(crate) fn what_in_words(plan: &Plan) -> String {
    let over = match plan.loop_ {
        Loop::None => String::new(),
        Loop::Span(loopback) => format!("{loopback} loopback"),
        Loop::Timeslots(loopback) => format!("{loopback} loopback of each channel"),
        Loop::Asked { up, .. } => format!("{up} asked of the far end"),
    };
    let with = |what: String| if over.is_empty() { what } else { format!("{what}, {over}") };
    match &plan.kind {
        Kind::Bits(BitPlan { pattern, insert, .. }) => with(match insert {
            Insert::Nothing => format!("pattern {pattern}"),
            Insert::OneIn(bits) => format!("pattern {pattern} with an error in {bits} bits"),
            Insert::Count(errors) => format!("pattern {pattern} with {errors} errors"),
        }),
        Kind::Sound(Some(Sent::Tone(Tone { hz, dbm0 }))) => with(format!("tone of {hz} Hz at {dbm0} dBm0")),
        Kind::Sound(Some(Sent::Signal(signal))) => with(signal.what.to_owned()),
        Kind::Sound(None) => with("level".to_owned()),
        Kind::Loop => over,
        Kind::Call(call) => format!("call to {}", shown(&call.called)),
    }
}

/// How a test ended; none before it has.
pub(crate) fn outcome_in_words(test: &Test) -> Option<String> {
    let Stage::Over(outcome) = &test.stage else { return None };
    if let (Kind::Call(plan), Outcome::Passed | Outcome::Failed) = (&test.plan.kind, outcome) {
        return Some(call_in_words(plan, test.call.as_ref()));
    }
    let all = test.stations.len();
    Some(match outcome {
        Outcome::Passed => format!("passed, {all} of {all} channels"),
        Outcome::Failed => {
            let failed = test.stations.iter().filter(|s| !s.passed()).count();
            format!("failed, {failed} of {all} channels")
        }
        Outcome::Ended => "its time was over".to_owned(),
        Outcome::Stopped => "it was stopped".to_owned(),
        Outcome::Broken(why) => format!("it could not go on: {why}"),
    })
}

/// How a test call went.
fn call_in_words(plan: &CallPlan, call: Option<&CallSeen>) -> String {
    let Some((call, end)) = call.and_then(|call| Some((call, call.end?))) else {
        return "nothing was heard of it any more".to_owned();
    };
    let cause = format!("cause {} ({})", end.cause.value, isdn::explain::cause_name(end.cause.value));
    match (call.answered_ms, end.by_peer) {
        (Some(ms), false) => format!("answered after {ms} ms; ended here, {cause}"),
        (Some(ms), true) => format!("answered after {ms} ms; ended by the far end, {cause}"),
        (None, true) => format!("refused by the far end, {cause}, said by {}", location_in_words(end.cause.location)),
        (None, false) if end.cause.value == 16 => format!("no answer within {} s", plan.stay_ms / 1000),
        (None, false) => format!("given up here, {cause}"),
    }
}

fn call_found(call: &CallSeen) -> CallFound {
    CallFound {
        span: call.channel.span + 1,
        channel: call.channel.timeslot.0,
        proceeding_ms: call.proceeding_ms,
        alerting_ms: call.alerting_ms,
        answered_ms: call.answered_ms,
        ended_ms: call.end.map(|end| end.after_ms),
        cause: call.end.map(|end| end.cause.value),
        cause_text: call.end.map(|end| isdn::explain::cause_name(end.cause.value).to_owned()),
        cause_location: call.end.map(|end| location_in_words(end.cause.location)),
        released_by: call.end.map(|end| released_by(end.by_peer).to_owned()),
    }
}

fn info(test: &Test) -> TestInfo {
    let running = matches!(test.stage, Stage::Running);
    TestInfo {
        id: test.id,
        target: test.plan.target.clone(),
        what: what_in_words(&test.plan),
        by: test.plan.by.clone(),
        since_ms: test.since_ms,
        state: match test.stage {
            Stage::Blocking => TestState::Blocking,
            Stage::Running | Stage::Collecting(_) => TestState::Running,
            Stage::Over(_) => TestState::Over,
        },
        until_ms: running.then_some(test.until_ms),
        passed: match &test.stage {
            Stage::Over(Outcome::Passed) => Some(true),
            Stage::Over(Outcome::Failed | Outcome::Broken(_)) => Some(false),
            _ => None,
        },
        outcome: outcome_in_words(test),
        left_out: test.plan.left_out.clone(),
        channels: test.stations.iter().map(|station| channel(test, station)).collect(),
        call: test.call.as_ref().map(call_found),
    }
}

fn channel(test: &Test, station: &Station) -> TestChannel {
    let judged = matches!(test.stage, Stage::Over(Outcome::Passed | Outcome::Failed));
    let (bits, sound) = match station.reading {
        Some(Reading::Bits { report, inserted, .. }) => {
            let found = BitsFound {
                sync: match report.sync {
                    Sync::Waiting => SyncState::Waiting,
                    Sync::InSync => SyncState::InSync,
                    Sync::Lost => SyncState::Lost,
                },
                inverted: report.inverted,
                bits: report.bits,
                bit_errors: report.bit_errors,
                inserted,
                error_rate: report.error_rate(),
                seconds: report.seconds,
                seconds_in_sync: report.seconds_in_sync,
                errored_seconds: report.errored_seconds,
                sync_losses: report.sync_losses,
            };
            (Some(found), None)
        }
        Some(Reading::Sound(heard)) => {
            let found = SoundFound {
                level_dbm0: heard.level_dbm0,
                tone_hz: heard.tone_hz,
                tone_dbm0: heard.tone_dbm0,
                noise_dbrnc0: heard.noise_dbrnc0,
                notched_dbrnc0: heard.notched_dbrnc0,
            };
            (None, Some(found))
        }
        None => (None, None),
    };
    TestChannel {
        span: station.channel.span + 1,
        channel: station.channel.timeslot.0,
        bits,
        passed: (judged && test.call.is_none()).then(|| station.passed()),
        sound,
    }
}
