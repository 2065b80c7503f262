//! Suspending and resuming, as a technician orders it.
//!
//! An order is written down, in the audit log and then in the ledger, before anything follows from it; the office hands
//! it on. What an order would hit is worked out from the picture by the same code that reports its progress.
//!
//! Time: milliseconds since 1970 in UTC.

use super::{Desk, count};
use crate::gateway::{CallId, Holds, WhenOut};
use crate::office::audit::Entry;
use crate::office::ledger::{self, Ledger, Place, Suspension, Terms};
use crate::office::picture::{CallPicture, Picture};
use crate::office::words::ranges;
use crate::office::{chain, in_words, now_ms, ordered};
use control::{
    CallHit, DrainInfo, Fact, Hold, HoldInfo, Masked, Peer, Problem, Progress, Reply, Resume, SpanPlan, Suspend,
    SuspendPlan, SuspensionInfo, Target,
};
use hal::Timeslot;

impl Desk {
    pub(super) fn suspend(&self, peer: &Peer, wish: Suspend) -> Result<Reply, Problem> {
        let now = now_ms();
        if wish.until_ms.is_some_and(|until| until <= now) {
            return Err(Problem::malformed("`until_ms` is in the past"));
        }
        let mut ledger = self.shared.ledger();
        let sets = resolve(&ledger, &wish.target)?;
        let target = wish.target.to_string();
        let entry = Entry::new(now, peer, "suspend", &target);
        self.write_down(&entry.because(wish.reason.as_deref(), wish.ticket.as_deref()))?;
        let terms = Terms {
            hold: wish.hold,
            by: peer.name.clone(),
            forced_at_ms: wish.grace_s.map(|grace| now.saturating_add(grace.saturating_mul(1000))),
            until_ms: wish.until_ms,
            reason: wish.reason,
            ticket: wish.ticket,
        };
        let id = ledger.suspend(now, &wish.target, &sets, terms).map_err(|e| self.not_written(ledger::FILE, &e))?;
        let suspension =
            ledger.find(id).ok_or_else(|| Problem::internal("a suspension was written and is not there"))?;
        let fact = Fact::Suspended {
            order: ordered(suspension),
            hold: suspension.hold,
            forced_at_ms: suspension.forced_at_ms,
            until_ms: suspension.until_ms,
        };
        self.shared.tell(log::Level::Info, "server", format!("suspended: {}", in_words(suspension)), fact);
        Ok(Reply::Suspended(info(now, &ledger, suspension, &self.shared.picture())))
    }

    pub(super) fn resume(&self, peer: &Peer, wish: &Resume) -> Result<Reply, Problem> {
        let now = now_ms();
        let mut ledger = self.shared.ledger();
        let sets = resolve(&ledger, &wish.target)?;
        let target = wish.target.to_string();
        let held = ledger.held(now, wish.hold).0;
        if held.iter().zip(&sets).all(|(held, set)| held & set == 0) {
            return Err(Problem::conflict(format!("no channel of {target} is suspended"))
                .with_hint("`trunkctl suspensions` lists what is"));
        }
        let entry = Entry::new(now, peer, "resume", &target);
        self.write_down(&entry.because(wish.reason.as_deref(), wish.ticket.as_deref()))?;
        let covered = ledger.resume(&sets, wish.hold).map_err(|e| self.not_written(ledger::FILE, &e))?;
        let held = [Hold::Operator, Hold::Load].map(|hold| ledger.held(now, hold).0);
        let still: u32 =
            held.iter().flat_map(|held| held.iter().zip(&sets).map(|(held, set)| (held & set).count_ones())).sum();
        let orders = covered.iter().map(in_words).collect::<Vec<_>>().join("; ");
        let fact = Fact::Resumed {
            target: target.clone(),
            by: peer.name.clone(),
            reason: wish.reason.clone(),
            ticket: wish.ticket.clone(),
            orders: covered.iter().map(ordered).collect(),
        };
        let said = format!("resumed: {target} by {}; it was suspended: {orders}", peer.name);
        self.shared.tell(log::Level::Info, "server", said, fact);
        let mut text = format!("{target} is resumed; it was suspended: {orders}");
        if still > 0 {
            text += &format!("; {still} channel(s) stay out for another reason, see `trunkctl channels`");
        }
        Ok(Reply::done(text))
    }

    pub(super) fn suspensions(&self) -> Reply {
        let (now, ledger) = (now_ms(), self.shared.ledger());
        let picture = self.shared.picture();
        Reply::Suspensions(ledger.suspensions().iter().map(|s| info(now, &ledger, s, &picture)).collect())
    }

    /// How far the daemon has come on its way out; `None` while it serves.
    #[must_use]
    pub fn drain(&self) -> Option<DrainInfo> {
        let ledger = self.shared.ledger();
        let picture = self.shared.picture();
        let (since_ms, until_ms) = picture.drain?;
        let all: Vec<u32> = ledger.places().iter().map(Place::bearers).collect();
        Some(DrainInfo { since_ms, until_ms, progress: progress(now_ms(), &all, Some(until_ms), &picture) })
    }

    pub(super) fn plan_suspend(&self, wish: &Suspend) -> Result<Reply, Problem> {
        let now = now_ms();
        let ledger = self.shared.ledger();
        let sets = resolve(&ledger, &wish.target)?;
        let held = ledger.held(now, Hold::Operator).0.into_iter().zip(ledger.held(now, Hold::Load).0);
        let held: Vec<u32> = held.map(|(operator, load)| operator | load).collect();
        let picture = self.shared.picture();
        let mut calls: Vec<CallHit> = calls_on(&picture, &sets).map(|(id, call)| hit(now, id, call)).collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.age_ms));
        let forced_at_ms = wish.grace_s.map(|grace| now.saturating_add(grace.saturating_mul(1000)));
        let channels = ones(&sets);
        let spans = || (0u16..).zip(ledger.places().iter().zip(&sets).zip(&held));
        let plan = SuspendPlan {
            target: wish.target.to_string(),
            channels,
            at_once: channels - count(calls.len()).min(channels),
            already: sets.iter().zip(&held).map(|(set, held)| (set & held).count_ones()).sum(),
            calls_text: match (calls.len(), wish.grace_s) {
                (0, _) => "no calls are hit".to_owned(),
                (_, None) => "calls go on until they end; each channel goes out then".to_owned(),
                (_, Some(0)) => "callers are told that the service is closing, and let go at once".to_owned(),
                (_, Some(grace)) => {
                    format!("calls may end by themselves for {grace} s; callers are told and let go then")
                }
            },
            estimate_s: estimate(now, calls.len(), forced_at_ms, &picture),
            calls,
            remaining: spans().map(|(_, ((place, set), held))| (place.bearers() & !set & !held).count_ones()).sum(),
            spans: spans()
                .filter(|(_, ((_, set), _))| **set != 0)
                .map(|(span, ((place, set), held))| span_plan(&picture, span, *set, (set | held) == place.bearers()))
                .collect(),
        };
        Ok(Reply::Plan(plan))
    }

    /// Why a channel is kept from calls. The picture is asked first: mostly there is no reason.
    pub(super) fn holds(&self, picture: &Picture, ledger: &Ledger, span: u16, timeslot: Timeslot) -> Vec<HoldInfo> {
        let has = |set: u32| set & 1 << timeslot.index() != 0;
        let held = |hold: Holds| picture.held.get(&(span, hold)).is_some_and(|set| has(*set));
        let mut told: Vec<HoldInfo> = Vec::new();
        if held(Holds::NO_PORT) {
            told.push(HoldInfo { hold: Hold::NoPort, ..HoldInfo::default() });
        }
        if held(Holds::ALARM) {
            let failure = picture.spans.get(usize::from(span)).and_then(|span| span.failures.first());
            told.push(HoldInfo {
                hold: Hold::Alarm,
                since_ms: failure.map_or(0, |(_, since_ms)| *since_ms),
                reason: failure.map(|(kind, _)| kind.to_string()),
                ..HoldInfo::default()
            });
        }
        if held(Holds::DRAIN) {
            let since_ms = picture.drain.map_or(0, |(since_ms, _)| since_ms);
            told.push(HoldInfo { hold: Hold::Drain, since_ms, ..HoldInfo::default() });
        }
        for (reason, hold) in [(Holds::TEST, Hold::Test), (Holds::SELF_TEST, Hold::SelfTest)] {
            if held(reason) {
                told.push(HoldInfo { hold, ..HoldInfo::default() });
            }
        }
        if !held(Holds::OPERATOR) && !held(Holds::LOAD) {
            return told;
        }
        let covers = |s: &&Suspension| ledger.sets(s).get(usize::from(span)).is_some_and(|set| has(*set));
        let ordered = |s: &Suspension| HoldInfo {
            hold: s.hold,
            suspension: Some(s.id),
            by: Some(s.by.clone()),
            since_ms: s.since_ms,
            reason: s.reason.clone(),
            ticket: s.ticket.clone(),
        };
        told.extend(ledger.suspensions().iter().filter(covers).map(ordered));
        told
    }

    pub(super) fn write_down(&self, entry: &Entry<'_>) -> Result<(), Problem> {
        self.audit.write(entry).map_err(|e| self.not_written(crate::office::audit::FILE, &e))
    }

    fn not_written(&self, file: &str, error: &std::io::Error) -> Problem {
        let file = self.state_dir.join(file);
        Problem::unavailable(format!("{} cannot be written: {}; nothing was changed", file.display(), chain(error)))
            .with_hint("make room, or see to its permissions, and try again")
    }
}

pub(super) fn resolve(ledger: &Ledger, target: &Target) -> Result<ledger::Sets, Problem> {
    ledger.resolve(target).ok_or_else(|| {
        let mut cards: Vec<&str> = ledger.places().iter().map(|place| place.card.as_str()).collect();
        cards.dedup();
        Problem::not_found(format!("this server has no bearer channel that `{target}` means")).with_hint(format!(
            "its cards are {}; spans are numbered 1 to {}; the D channel's timeslot is no bearer channel",
            cards.join(", "),
            ledger.places().len()
        ))
    })
}

fn ones(sets: &[u32]) -> u32 {
    sets.iter().map(|set| set.count_ones()).sum()
}

pub(super) fn calls_on<'a>(picture: &'a Picture, sets: &'a [u32]) -> impl Iterator<Item = (CallId, &'a CallPicture)> {
    let on = |call: &CallPicture| {
        sets.get(usize::from(call.channel.span)).is_some_and(|set| set & 1 << call.channel.timeslot.index() != 0)
    };
    picture.calls.iter().filter(move |(_, call)| on(call)).map(|(id, call)| (*id, call))
}

pub(super) fn hit(now: u64, id: CallId, call: &CallPicture) -> CallHit {
    CallHit {
        call: id.0,
        span: call.channel.span + 1,
        channel: call.channel.timeslot.0,
        age_ms: now.saturating_sub(call.since_ms),
        event: call.event.map(|(event, _)| Masked::new(&event.to_string())),
    }
}

fn info(now: u64, ledger: &Ledger, suspension: &Suspension, picture: &Picture) -> SuspensionInfo {
    let sets = ledger.sets(suspension);
    let named = |(span, set): (usize, &u32)| format!("span {}: {}", span + 1, ranges(*set));
    SuspensionInfo {
        id: suspension.id,
        target: suspension.target.clone(),
        channels: sets.iter().enumerate().filter(|(_, set)| **set != 0).map(named).collect(),
        hold: suspension.hold,
        by: suspension.by.clone(),
        since_ms: suspension.since_ms,
        forced_at_ms: suspension.forced_at_ms,
        until_ms: suspension.until_ms,
        reason: suspension.reason.clone(),
        ticket: suspension.ticket.clone(),
        progress: progress(now, &sets, suspension.forced_at_ms, picture),
    }
}

/// How far channels have come on their way out.
pub(crate) fn progress(now: u64, sets: &[u32], forced_at_ms: Option<u64>, picture: &Picture) -> Progress {
    let calls = calls_on(picture, sets).count();
    let (mut left, mut unacknowledged) = (0, 0);
    for (span, set) in (0u16..).zip(sets) {
        let (near, _) = picture.near.get(&span).copied().unwrap_or_default();
        left += (set & (!near.out | near.draining)).count_ones();
        unacknowledged += (set & picture.pending.get(&span).copied().unwrap_or_default()).count_ones();
    }
    Progress {
        channels: ones(sets),
        channels_left: left,
        unacknowledged,
        calls_left: count(calls),
        oldest_call_ms: calls_on(picture, sets).map(|(_, call)| now.saturating_sub(call.since_ms)).max(),
        estimate_s: estimate(now, calls, forced_at_ms, picture),
        done: left == 0,
    }
}

/// Seconds until so many calls have ended. Calls that last as if they had no memory end one after the other, the last after
/// 1/n + 1/(n-1) + ... + 1 times their mean length.
fn estimate(now: u64, calls: usize, forced_at_ms: Option<u64>, picture: &Picture) -> Option<u64> {
    if calls == 0 {
        return Some(0);
    }
    let harmonic: f64 = (1..=calls).map(|n| 1.0 / n as f64).sum();
    let ended = picture.mean_call_ms.map(|mean| (mean * harmonic / 1000.0).round() as u64);
    let forced = forced_at_ms.map(|at| at.saturating_sub(now).div_ceil(1000));
    [ended, forced].into_iter().flatten().min()
}

fn span_plan(picture: &Picture, span: u16, set: u32, whole: bool) -> SpanPlan {
    let about = &picture.spans[usize::from(span)];
    let mut told = if about.service_messages {
        let when = if about.up { "at once" } else { "as soon as the D channel is up" };
        format!("SERVICE tells the exchange of each channel {when}, of a busy one when its call has ended")
    } else {
        "the exchange is told nothing of single channels, as there are no service messages: a call that insists on one of \
         them is refused with cause 44, any other gets another channel, or cause 34 when none is left"
            .to_owned()
    };
    if let (true, true, Some(shared)) = (whole, about.when_out.releases_link(), &about.shared) {
        told += &format!("; the D channel stays up until the last span of nfas {} is out", shared.group);
    } else if whole {
        told += match about.when_out {
            WhenOut::Service | WhenOut::Reject => "; the D channel stays up",
            WhenOut::DChannel | WhenOut::ServiceAndDChannel => {
                "; after the last call the D channel is taken down, so that the exchange routes elsewhere"
            }
            WhenOut::Alarm => "; after the last call the D channel is taken down and AIS is sent",
        };
    }
    let unanswered = if about.service_messages {
        "SERVICE is sent once more after 2 minutes; after 4 minutes an alarm is raised and it is asked every 15 minutes; the \
         channels are out at this end all the same"
    } else {
        "nothing has to be answered; calls the exchange goes on offering are refused"
    };
    SpanPlan { span: span + 1, channels: ranges(set), whole, told, unanswered: unanswered.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_that_of_the_last_of_many_calls_or_the_end_of_the_grace() {
        let picture = Picture { mean_call_ms: Some(600_000.0), ..Picture::default() };
        assert_eq!(estimate(0, 0, None, &picture), Some(0));
        assert_eq!(estimate(0, 1, None, &picture), Some(600));
        assert_eq!(estimate(0, 3, None, &picture), Some(1100));
        assert_eq!(estimate(5000, 3, Some(65_000), &picture), Some(60));
        assert_eq!(estimate(0, 3, None, &Picture::default()), None, "nothing is known yet");
    }
}
