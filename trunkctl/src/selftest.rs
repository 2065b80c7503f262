//! `trunkctl selftest`: idle channels, encoders, stream ports, state directory, clock; passed, failed or skipped.
//!
//! Channels are tested a few at a time, so that the others take calls meanwhile.
//!
//! Time: two seconds of pattern for each few channels.

use crate::failure::Failure;
use crate::output::Output;
use crate::service::target;
use crate::show;
use control::{
    Check, Client, ClientError, LoopWord, ProblemKind, Target, TestChannel, TestInfo, TestKind, TestState, TestWish,
    Verdict,
};
use serde_json::json;
use std::thread;
use std::time::Duration;

/// Timeslots tested at a time.
const AT_ONCE: u8 = 8;
/// Seconds of pattern.
const SECONDS: u64 = 2;
/// How often a test is asked after.
const BEAT: Duration = Duration::from_millis(250);

/// Try everything, or these channels and everything else.
pub fn selftest(client: &mut Client, words: &[String], output: Output) -> Result<(), Failure> {
    let wanted = if words.is_empty() { Target::Server } else { target(words)? };
    let mut items = Vec::new();
    for (span, channels) in channels(client, &wanted)? {
        // By place, so that a part of a span that was asked for is never more than that.
        for few in channels.chunk_by(|a, b| (a - 1) / AT_ONCE == (b - 1) / AT_ONCE) {
            items.extend(try_channels(client, span, few)?);
        }
    }
    items.extend(client.checks()?);
    let failed = items.iter().filter(|item| item.verdict == Verdict::Failed).count();
    output.answer(&json!({ "passed": failed == 0, "items": items }), || show::checks(&items))?;
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::TestFailed(format!("{failed} of {} items failed", items.len())))
}

/// The channels of a target, by span.
fn channels(client: &mut Client, wanted: &Target) -> Result<Vec<(u16, Vec<u8>)>, Failure> {
    let spans = client.spans()?;
    let all = client.channels(None)?;
    let mut found = Vec::new();
    for span in spans {
        let meant = |channel: u8| match wanted {
            Target::Server => true,
            Target::Card(card) => *card == span.card,
            Target::Span(number) => *number == span.number,
            Target::Channels { span: number, first, last } => {
                *number == span.number && (*first..=*last).contains(&channel)
            }
        };
        let of_span = all.iter().filter(|c| c.span == span.number && meant(c.channel)).map(|c| c.channel);
        let of_span: Vec<u8> = of_span.collect();
        if !of_span.is_empty() {
            found.push((span.number, of_span));
        }
    }
    if found.is_empty() {
        return Err(Failure::Usage(format!("`{wanted}` means no channel of this server")));
    }
    Ok(found)
}

/// A pattern over a loop of each of these channels that is idle.
fn try_channels(client: &mut Client, span: u16, few: &[u8]) -> Result<Vec<Check>, Failure> {
    let (Some(&first), Some(&last)) = (few.first(), few.last()) else { return Ok(Vec::new()) };
    let wish = TestWish {
        target: Target::Channels { span, first, last },
        kind: TestKind::Bert { pattern: "2^23-1".into(), loop_: LoopWord::Timeslot, insert: None },
        drain: false,
        idle_only: true,
        for_s: Some(SECONDS),
    };
    let skipped = |channel: u8, why: &str| Check {
        what: format!("channel {span}/{channel}"),
        verdict: Verdict::Skipped,
        text: why.to_owned(),
    };
    let mut info = match client.test(wish) {
        Ok(info) => info,
        Err(ClientError::Refused(problem))
            if matches!(problem.kind, ProblemKind::Conflict | ProblemKind::Unavailable | ProblemKind::Busy) =>
        {
            return Ok(few.iter().map(|channel| skipped(*channel, &problem.message)).collect());
        }
        Err(error) => return Err(error.into()),
    };
    while info.state != TestState::Over {
        thread::sleep(BEAT);
        let found = client.tests()?.into_iter().find(|t| t.id == info.id);
        info = found.ok_or(Failure::WatchEnded("the daemon knows of the test no more"))?;
    }
    let judge = |channel: u8| match info.channels.iter().find(|c| c.channel == channel) {
        None => skipped(channel, "it carries a call, is held, or is in test"),
        Some(found) => judged(span, found, &info),
    };
    Ok(few.iter().map(|channel| judge(*channel)).collect())
}

fn judged(span: u16, found: &TestChannel, info: &TestInfo) -> Check {
    let bits = found.bits.clone().unwrap_or_default();
    let (verdict, text) = match found.passed {
        Some(true) => (Verdict::Passed, format!("{} bits, none wrong", bits.bits)),
        Some(false) if bits.bits == 0 => (Verdict::Failed, "the pattern does not come back".to_owned()),
        Some(false) => (
            Verdict::Failed,
            format!("{} of {} bits wrong, the pattern lost {} times", bits.bit_errors, bits.bits, bits.sync_losses),
        ),
        None => (Verdict::Skipped, info.outcome.clone().unwrap_or_default()),
    };
    Check { what: format!("channel {span}/{}", found.channel), verdict, text }
}
