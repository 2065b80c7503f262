//! `trunkctl suspend`, `resume`, `plan suspend`: channels out of service and back.
//!
//! Time: a suspension that is followed is asked after once a second; dates are UTC.

use crate::args::{Resume, Suspend};
use crate::confirm::{self, Answer};
use crate::failure::Failure;
use crate::output::Output;
use crate::{show, words};
use control::{Client, SuspensionInfo, Target};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often a suspension is asked after.
const BEAT: Duration = Duration::from_secs(1);

/// Take channels out, after showing what that hits.
pub fn suspend(client: &mut Client, wish: &Suspend, output: Output) -> Result<(), Failure> {
    let order = order(wish)?;
    if confirm::is_asked(wish.asking) {
        let plan = client.plan_suspend(order.clone())?;
        let text = show::suspend_plan(&plan);
        if confirm::confirm(wish.asking, output, &text)? == Answer::DryRun {
            return output.answer(&confirm::WouldHit("plan", &plan), || text);
        }
    }
    let info = client.suspend(order)?;
    let follows = wish.follow || (!wish.no_follow && output.is_terminal());
    if !follows {
        return output.answer(&info, || show::suspended(&info));
    }
    if !output.is_json() {
        output.text(&show::suspended(&info))?;
    }
    follow(client, info, output)
}

/// Tell how far it has come until every channel is out.
fn follow(client: &mut Client, mut info: SuspensionInfo, output: Output) -> Result<(), Failure> {
    let (id, live) = (info.id, output.is_terminal());
    let mut told = String::new();
    loop {
        let progress = show::progress(&info.progress);
        if progress != told {
            if live {
                // Over the line before; the escape clears what was longer.
                output.text(&format!("\r\x1b[K{progress}"))?;
            } else {
                output.item(&info, || format!("{progress}\n"))?;
            }
            told = progress;
        }
        if info.progress.done && info.progress.unacknowledged == 0 {
            return if live { output.text("\n") } else { Ok(()) };
        }
        thread::sleep(BEAT);
        let found = client.suspensions()?.into_iter().find(|s| s.id == id);
        let Some(found) = found else {
            let newline = if live { "\n" } else { "" };
            return output.text(&if output.is_json() {
                "{\"resumed\":true}\n".to_owned()
            } else {
                format!("{newline}it was resumed meanwhile\n")
            });
        };
        info = found;
    }
}

/// Put channels back, after showing whose suspensions that ends.
pub fn resume(client: &mut Client, wish: &Resume, output: Output) -> Result<(), Failure> {
    let target = target(&wish.target)?;
    if confirm::is_asked(wish.asking) {
        let all = client.suspensions()?;
        let what = format!("This resumes {target}. Suspended are:\n{}", show::suspensions(&all, words::now_ms()));
        if confirm::confirm(wish.asking, output, &what)? == Answer::DryRun {
            return output.answer(&confirm::WouldHit("suspensions", &all), || what);
        }
    }
    let done = client.resume(control::Resume {
        target,
        hold: wish.hold.hold(),
        reason: wish.reason.clone(),
        ticket: wish.ticket.clone(),
    })?;
    output.answer(&done, || words::clean(&done.text) + "\n")
}

/// Only say what a suspension would hit.
pub fn plan(client: &mut Client, wish: &Suspend, output: Output) -> Result<(), Failure> {
    let plan = client.plan_suspend(order(wish)?)?;
    output.answer(&plan, || show::suspend_plan(&plan))
}

/// The target that these words name.
pub fn target(words: &[String]) -> Result<Target, Failure> {
    words.join(" ").parse().map_err(|e: control::NoTarget| Failure::Usage(e.to_string()))
}

fn order(wish: &Suspend) -> Result<control::Suspend, Failure> {
    let grace_s = match (wish.now, wish.grace) {
        (true, _) => Some(0),
        (false, grace) => grace.map(|grace| grace.as_secs()),
    };
    let order = control::Suspend {
        target: target(&wish.target)?,
        hold: wish.hold.hold(),
        grace_s,
        until_ms: wish.until.map(|until| {
            let since = until.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        }),
        reason: wish.reason.clone(),
        ticket: wish.ticket.clone(),
    };
    // What is wrong with the command line is told as such, before a daemon hears of it.
    control::Request::Suspend(order.clone()).check().map_err(|problem| Failure::Usage(problem.message))?;
    Ok(order)
}

/// A moment: `06:00` (the next, UTC), `2026-01-31T06:00:00Z`, or a time from now: `2h30m`.
pub fn moment(text: &str) -> Result<SystemTime, String> {
    moment_after(text, SystemTime::now())
}

fn moment_after(text: &str, now: SystemTime) -> Result<SystemTime, String> {
    if let Some((hours, minutes)) = text.split_once(':').filter(|_| text.len() == 5)
        && let (Ok(hours @ 0..24), Ok(minutes @ 0..60)) = (hours.parse::<u64>(), minutes.parse::<u64>())
    {
        let since = now.duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?.as_secs();
        let today = since - since % 86_400 + hours * 3600 + minutes * 60;
        let at = if today > since { today } else { today + 86_400 };
        return Ok(UNIX_EPOCH + Duration::from_secs(at));
    }
    if let Ok(after) = humantime::parse_duration(text) {
        return Ok(now + after);
    }
    humantime::parse_rfc3339_weak(text)
        .map_err(|_| format!("`{text}` is no time: 06:00 (UTC), 2026-01-31T06:00:00Z, or 2h30m from now"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_technicians_write_them() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let now = at(86_400 + 5 * 3600);
        assert_eq!(moment_after("06:00", now), Ok(at(86_400 + 6 * 3600)));
        assert_eq!(moment_after("04:30", now), Ok(at(2 * 86_400 + 4 * 3600 + 1800)), "tomorrow");
        assert_eq!(moment_after("2h30m", now), Ok(at(86_400 + 7 * 3600 + 1800)));
        assert_eq!(moment_after("1970-01-03 00:00:00", now), Ok(at(2 * 86_400)));
        for wrong in ["25:00", "later", "", "06:60"] {
            assert!(moment_after(wrong, now).is_err(), "{wrong}");
        }
    }
}
