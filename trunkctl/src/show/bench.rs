//! `trunkctl test` and `trunkctl fault`.

use crate::table::{Set, Table, WIDTH};
use crate::words::{ago, brief, clean, count, wrapped};
use control::{BitsFound, CallFound, Check, SyncState, TestChannel, TestInfo, TestPlan, TestState, Verdict};
use std::time::Duration;

/// What a test would hit.
pub fn test_plan(plan: &TestPlan) -> String {
    let mut text = format!(
        "{}: {}, calls on them: {}\n",
        clean(&plan.target),
        count(plan.channels.into(), "channel"),
        plan.calls.len()
    );
    for call in &plan.calls {
        let age = brief(Duration::from_millis(call.age_ms));
        text += &format!("  call {} on channel {}/{}, for {age}\n", call.call, call.span, call.channel);
    }
    for sentence in &plan.text {
        text += &wrapped(&clean(sentence), WIDTH, "  ");
    }
    text
}

/// It is ordered.
pub fn test_begun(info: &TestInfo) -> String {
    let until = if info.state == TestState::Over { "" } else { "; `trunkctl test stop` ends it early" };
    // A call has its channel when it is placed.
    let channels = match info.channels.len() {
        0 => String::new(),
        some => format!(", {}", count(some as u64, "channel")),
    };
    let (id, target, what) = (info.id, clean(&info.target), clean(&info.what));
    let what = format!("test {id} on {target}{channels}: {what}{until}");
    wrapped(&what, WIDTH, "  ")
}

/// How it goes, in a line.
pub fn test_progress(info: &TestInfo) -> String {
    if info.channels.is_empty() {
        return "the call is being placed".into();
    }
    if info.state == TestState::Blocking {
        return "keeping calls away".into();
    }
    let bits: Vec<&BitsFound> = info.channels.iter().filter_map(|c| c.bits.as_ref()).collect();
    if let Some(first) = bits.first() {
        let sync = bits.iter().filter(|b| b.sync == SyncState::InSync).count();
        let state = match (sync, bits.len()) {
            (0, _) => "waiting for sync".to_owned(),
            (sync, all) if sync == all => "in sync".to_owned(),
            (sync, all) => format!("{sync} of {all} channels in sync"),
        };
        let (errors, compared) = (sum(&bits, |b| b.bit_errors), sum(&bits, |b| b.bits));
        let inserted = sum(&bits, |b| b.inserted);
        let with = if inserted == 0 { String::new() } else { format!(", {inserted} put in") };
        return format!(
            "{:>4} s  {state}, {} wrong of {compared} ({}){with}",
            first.seconds,
            count(errors, "bit"),
            rate(errors, compared)
        );
    }
    match info.channels.iter().find_map(|c| Some((c, c.sound.as_ref()?))) {
        Some((channel, heard)) => format!(
            "channel {}/{}: {:.1} dBm0, {:.1} Hz at {:.1} dBm0, noise {:.0} dBrnC0",
            channel.span, channel.channel, heard.level_dbm0, heard.tone_hz, heard.tone_dbm0, heard.notched_dbrnc0
        ),
        None => info.call.as_ref().map_or_else(|| "no reading yet".into(), call_progress),
    }
}

fn call_progress(call: &CallFound) -> String {
    let stage = match (call.answered_ms, call.alerting_ms, call.proceeding_ms) {
        (Some(ms), ..) => format!("answered after {ms} ms"),
        (None, Some(ms), _) => format!("it rings, after {ms} ms"),
        (None, None, Some(ms)) => format!("the exchange works on it, after {ms} ms"),
        (None, None, None) => "SETUP sent".to_owned(),
    };
    format!("channel {}/{}: {stage}", call.span, call.channel)
}

/// How far a call came, and how it ended.
fn call_result(call: &CallFound) -> String {
    let ms = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
    let mut table = Table::new(&[
        ("CHANNEL", Set::Left),
        ("PROCEEDING ms", Set::Right),
        ("ALERTING ms", Set::Right),
        ("ANSWERED ms", Set::Right),
        ("ENDED ms", Set::Right),
    ]);
    table.row([
        format!("{}/{}", call.span, call.channel),
        ms(call.proceeding_ms),
        ms(call.alerting_ms),
        ms(call.answered_ms),
        ms(call.ended_ms),
    ]);
    let mut text = table.text();
    if let (Some(cause), Some(location)) = (call.cause, &call.cause_location) {
        let by = if call.released_by.as_deref() == Some("far_end") { "the far end" } else { "this server" };
        let name = clean(call.cause_text.as_deref().unwrap_or("?"));
        let said = format!("cause {cause} ({name}), location {}, released by {by}", clean(location));
        text += &wrapped(&said, WIDTH, "  ");
    }
    text
}

/// How it ended, and what was found on each channel.
pub fn test_result(info: &TestInfo) -> String {
    let mut text = info.call.as_ref().map(call_result).unwrap_or_default();
    if info.channels.iter().any(|c| c.bits.is_some()) {
        let mut table = Table::new(&[
            ("CHANNEL", Set::Left),
            ("VERDICT", Set::Left),
            ("SYNC", Set::Left),
            ("BITS", Set::Right),
            ("WRONG", Set::Right),
            ("PUT IN", Set::Right),
            ("RATE", Set::Right),
            ("ES", Set::Right),
            ("LOST", Set::Right),
        ]);
        for channel in &info.channels {
            let Some(bits) = &channel.bits else { continue };
            table.row([
                name(channel),
                if channel.passed == Some(true) { "passed".into() } else { "FAILED".into() },
                sync(bits),
                bits.bits.to_string(),
                bits.bit_errors.to_string(),
                bits.inserted.to_string(),
                rate(bits.bit_errors, bits.bits),
                bits.errored_seconds.to_string(),
                bits.sync_losses.to_string(),
            ]);
        }
        text += &table.text();
    }
    if info.channels.iter().any(|c| c.sound.is_some()) {
        let mut table = Table::new(&[
            ("CHANNEL", Set::Left),
            ("LEVEL dBm0", Set::Right),
            ("TONE Hz", Set::Right),
            ("AT dBm0", Set::Right),
            ("NOISE dBrnC0", Set::Right),
            ("WITHOUT TONE", Set::Right),
        ]);
        for channel in &info.channels {
            let Some(heard) = &channel.sound else { continue };
            table.row([
                name(channel),
                format!("{:.1}", heard.level_dbm0),
                format!("{:.1}", heard.tone_hz),
                format!("{:.1}", heard.tone_dbm0),
                format!("{:.1}", heard.noise_dbrnc0),
                format!("{:.1}", heard.notched_dbrnc0),
            ]);
        }
        text += &table.text();
    }
    let outcome = info.outcome.as_deref().unwrap_or("not over");
    text + &wrapped(&format!("test {}: {}", info.id, clean(outcome)), WIDTH, "  ")
}

/// All tests.
pub fn tests(all: &[TestInfo], now_ms: u64) -> String {
    if all.is_empty() {
        return "nothing is or was tested since the daemon started\n".into();
    }
    let mut table = Table::new(&[
        ("NO", Set::Right),
        ("TARGET", Set::Cut),
        ("BY", Set::Cut),
        ("FOR", Set::Left),
        ("STATE", Set::Left),
        ("WHAT", Set::Cut),
    ]);
    for one in all {
        let state = match (one.state, one.passed) {
            (TestState::Blocking, _) => "blocking",
            (TestState::Running, _) => "running",
            (TestState::Over, Some(true)) => "passed",
            (TestState::Over, Some(false)) => "FAILED",
            (TestState::Over, None) => "over",
            (TestState::Unknown, _) => "?",
        };
        let since = ago(now_ms, one.since_ms);
        table.row([one.id.to_string(), one.target.clone(), one.by.clone(), since, state.into(), one.what.clone()]);
        if let Some(outcome) = &one.outcome {
            table.remark(outcome);
        } else if one.state == TestState::Running {
            table.note(&test_progress(one));
        }
    }
    table.text()
}

/// The self-test, item by item, and a line to sum it up.
pub fn checks(items: &[Check]) -> String {
    let mut table = Table::new(&[("ITEM", Set::Cut), ("VERDICT", Set::Left), ("FIGURES", Set::Cut)]);
    for item in items {
        let verdict = match item.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
            Verdict::Unknown => "?",
        };
        table.row([item.what.clone(), verdict.into(), item.text.clone()]);
    }
    let number = |verdict| items.iter().filter(|item| item.verdict == verdict).count();
    let [passed, failed, skipped] = [Verdict::Passed, Verdict::Failed, Verdict::Skipped].map(number);
    table.text() + &format!("{passed} passed, {failed} failed, {skipped} skipped\n")
}

/// The faults that stand on a line.
pub fn faults(what: &str, standing: &[String]) -> String {
    if standing.is_empty() {
        return format!("no fault stands on {what}\n");
    }
    standing.iter().map(|fault| format!("{what}: {}\n", clean(fault))).collect()
}

fn name(channel: &TestChannel) -> String {
    format!("{}/{}", channel.span, channel.channel)
}

fn sync(bits: &BitsFound) -> String {
    match (bits.sync, bits.inverted) {
        (SyncState::InSync, false) => "in sync",
        (SyncState::InSync, true) => "turned over",
        (SyncState::Waiting, _) => "never",
        (SyncState::Lost, _) => "lost",
        (SyncState::Unknown, _) => "?",
    }
    .into()
}

fn sum(bits: &[&BitsFound], of: impl Fn(&BitsFound) -> u64) -> u64 {
    bits.iter().map(|b| of(b)).sum()
}

fn rate(errors: u64, bits: u64) -> String {
    match (errors, bits) {
        (_, 0) => "-".into(),
        (0, _) => "0".into(),
        (errors, bits) => format!("{:.1e}", errors as f64 / bits as f64),
    }
}
