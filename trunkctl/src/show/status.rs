//! `trunkctl status`.

use super::severity;
use crate::table::WIDTH;
use crate::words::{ago, brief, clean, count, date, duration, micros, wrapped};
use control::{DrainInfo, Status, Timing};
use std::fmt::Write;
use std::time::Duration;

/// How the daemon is.
pub fn status(status: &Status, now_ms: u64) -> String {
    let mut text = format!(
        "trunkcastd {} on {}, up {} (since {} UTC)\n",
        clean(&status.version),
        clean(&status.server),
        duration(Duration::from_secs(status.uptime_s)),
        date(status.started_at_ms)
    );
    if let Some(drain) = &status.drain {
        text += &wrapped(&format!("  {}", closing_down(drain, now_ms)), WIDTH, "  ");
    }
    let loop_ = &status.loop_;
    let mut line = |label: &str, what: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {label:<10} {}", clean(&what));
    };
    line(
        "calls",
        format!("{}, {}", count(status.calls.into(), "call"), count(status.conferences.into(), "conference")),
    );
    line(
        "streams",
        format!(
            "{}, {}, {}",
            count(status.streams.into(), "stream"),
            count(status.listeners.into(), "listener"),
            count(status.recordings.into(), "recording")
        ),
    );
    let failed = match status.failed_ports {
        0 => String::new(),
        failed => format!(", {failed} unavailable"),
    };
    line("ports", format!("{} of {} free{failed}", status.free_ports, status.total_ports));
    line(
        "tick",
        format!("{} ms; {}, {}", status.tick_ms, count(loop_.ticks, "tick"), count(loop_.overruns, "overrun")),
    );
    line("late", timing(&loop_.late));
    line("work", timing(&loop_.work));
    let realtime = &status.realtime;
    let granted = [("SCHED_FIFO", realtime.fifo), ("memory locked", realtime.locked), ("own core", realtime.pinned)];
    let granted = granted.map(|(what, yes)| format!("{what} {}", if yes { "yes" } else { "no" }));
    line("real time", granted.join(", "));
    if let Some(note) = &realtime.note {
        line("", note.clone());
    }
    if status.dropped_reports > 0 {
        line("reports", format!("{} dropped: the queue from the real-time thread was full", status.dropped_reports));
    }
    line("state", status.state_dir.clone());
    line("content", status.content_dir.clone());
    if status.alarms.is_empty() {
        text.push_str("no alarms\n");
        return text;
    }
    let _ = writeln!(text, "{}", count(status.alarms.len() as u64, "alarm"));
    for alarm in &status.alarms {
        let _ = writeln!(
            text,
            "  {:<8}  {}, for {}",
            severity(alarm.severity),
            clean(&alarm.what),
            ago(now_ms, alarm.since_ms)
        );
        text += &wrapped(&format!("            {}", clean(&alarm.text)), WIDTH, "            ");
    }
    text
}

/// How far a server that is closing down has come.
pub fn closing_down(drain: &DrainInfo, now_ms: u64) -> String {
    let left = Duration::from_millis(drain.until_ms.saturating_sub(now_ms));
    format!("CLOSING DOWN, callers let go in {}: {}", brief(left), super::service::progress(&drain.progress))
}

fn timing(timing: &Timing) -> String {
    let [p50, p99, max] = [timing.p50_us, timing.p99_us, timing.max_us].map(micros);
    format!("half within {p50}, 99% within {p99}, at most {max}")
}
