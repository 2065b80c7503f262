//! `trunkctl suspend`, `plan suspend`, `suspensions`.

use crate::table::{Set, Table, WIDTH};
use crate::words::{ago, brief, clean, count, date, wrapped};
use control::{Progress, SuspendPlan, SuspensionInfo};
use std::time::Duration;

/// Calls shown of a plan; a server has thousands.
const CALLS_SHOWN: usize = 20;

/// What a suspension would hit.
pub fn suspend_plan(plan: &SuspendPlan) -> String {
    let (target, channels) = (clean(&plan.target), count(plan.channels.into(), "channel"));
    let mut text =
        format!("{target}: {channels}, {} out at once; {} remain in service here\n", plan.at_once, plan.remaining);
    if plan.already > 0 {
        text += &format!("{} suspended already\n", plan.already);
    }
    text += &wrapped(&format!("calls hit: {}; {}", plan.calls.len(), clean(&plan.calls_text)), WIDTH, "  ");
    if !plan.calls.is_empty() {
        let mut table =
            Table::new(&[("CALL", Set::Right), ("CHANNEL", Set::Left), ("FOR", Set::Left), ("EVENT", Set::CutFront)]);
        for call in plan.calls.iter().take(CALLS_SHOWN) {
            table.row([
                call.call.to_string(),
                format!("{}/{}", call.span, call.channel),
                brief(Duration::from_millis(call.age_ms)),
                super::or_dash(call.event.as_ref()),
            ]);
        }
        text += &table.text();
        if plan.calls.len() > CALLS_SHOWN {
            text += &format!("and {} more\n", plan.calls.len() - CALLS_SHOWN);
        }
        text += &match plan.estimate_s {
            Some(seconds) => format!("the last of them ends in about {}\n", brief(Duration::from_secs(seconds))),
            None => "no call has ended yet, so nobody can say how long they last\n".to_owned(),
        };
    }
    for span in &plan.spans {
        let what = if span.whole { "the whole span".to_owned() } else { format!("channels {}", clean(&span.channels)) };
        text += &wrapped(&format!("span {}, {what}: {}", span.span, clean(&span.told)), WIDTH, "  ");
        text += &wrapped(&format!("  without an answer: {}", clean(&span.unanswered)), WIDTH, "    ");
    }
    text
}

/// It is ordered.
pub fn suspended(info: &SuspensionInfo) -> String {
    let what = format!("{} is suspended (number {}): {}", clean(&info.target), info.id, progress(&info.progress));
    let mut text = wrapped(&what, WIDTH, "  ");
    if let Some(until) = info.until_ms {
        text += &format!("it comes back by itself at {} UTC\n", date(until));
    }
    text
}

/// How far it has come, in a line.
pub fn progress(progress: &Progress) -> String {
    let out = progress.channels - progress.channels_left.min(progress.channels);
    let mut text = format!("{out} of {} out", count(progress.channels.into(), "channel"));
    if progress.calls_left > 0 {
        text += &format!(", {} left", count(progress.calls_left.into(), "call"));
        if let Some(oldest) = progress.oldest_call_ms {
            text += &format!(", the oldest {}", brief(Duration::from_millis(oldest)));
        }
        if let Some(estimate) = progress.estimate_s {
            text += &format!(", about {} to go", brief(Duration::from_secs(estimate)));
        }
    }
    if progress.unacknowledged > 0 {
        text += &format!(", {} not acknowledged by the exchange", progress.unacknowledged);
    }
    text
}

/// All suspensions.
pub fn suspensions(all: &[SuspensionInfo], now_ms: u64) -> String {
    if all.is_empty() {
        return "nothing is suspended\n".into();
    }
    let mut table = Table::new(&[
        ("NO", Set::Right),
        ("TARGET", Set::Cut),
        ("BY", Set::Cut),
        ("FOR", Set::Left),
        ("OUT", Set::Right),
        ("CALLS", Set::Right),
        ("TICKET", Set::Cut),
    ]);
    for one in all {
        let Progress { channels, channels_left, calls_left, .. } = one.progress;
        table.row([
            one.id.to_string(),
            one.target.clone(),
            one.by.clone(),
            ago(now_ms, one.since_ms),
            format!("{}/{channels}", channels - channels_left.min(channels)),
            calls_left.to_string(),
            super::or_dash(one.ticket.as_ref()),
        ]);
        if let Some(reason) = &one.reason {
            table.remark(reason);
        }
        for (what, at) in [("calls are let go at", one.forced_at_ms), ("comes back at", one.until_ms)] {
            if let Some(at) = at.filter(|at| *at > now_ms) {
                table.note(&format!("{what} {} UTC", date(at)));
            }
        }
    }
    table.text()
}
