//! `trunkctl alarms`, `trunkctl performance`: what is wrong, what was, and what a line has suffered.

use super::severity;
use crate::table::{Set, Table, WIDTH};
use crate::words::{ago, brief, clean, date, wrapped};
use control::{AlarmInfo, LineView, PerformanceInfo};
use std::time::Duration;

/// Alarms that stand, and what to do about each.
pub fn alarms(alarms: &[AlarmInfo], now_ms: u64) -> String {
    if alarms.is_empty() {
        return "no alarms\n".into();
    }
    let mut text = String::new();
    for alarm in alarms {
        text +=
            &format!("{:<8}  {}, for {}\n", severity(alarm.severity), clean(&alarm.what), ago(now_ms, alarm.since_ms));
        // The indent counts for the first line as well.
        text += &wrapped(&format!("          {}", clean(&alarm.text)), WIDTH, "          ");
    }
    text
}

/// Alarms that stood, a line each: the advice was for then.
pub fn past_alarms(alarms: &[AlarmInfo]) -> String {
    if alarms.is_empty() {
        return "no alarms were cleared yet\n".into();
    }
    let mut table = Table::new(&[
        ("NO", Set::Right),
        ("SEVERITY", Set::Left),
        ("ABOUT", Set::Cut),
        ("BEGAN (UTC)", Set::Left),
        ("LASTED", Set::Left),
        ("CAUSE", Set::Cut),
    ]);
    for alarm in alarms {
        let lasted = alarm.cleared_ms.unwrap_or_default().saturating_sub(alarm.since_ms);
        table.row([
            alarm.id.to_string(),
            severity(alarm.severity).into(),
            alarm.what.clone(),
            date(alarm.since_ms),
            brief(Duration::from_millis(lasted)),
            super::or_dash(Some(alarm.cause.as_str()).filter(|cause| !cause.is_empty())),
        ]);
    }
    table.text()
}

/// What lines have suffered.
pub fn performance(all: &[PerformanceInfo], view: LineView) -> String {
    if all.is_empty() {
        return "no spans\n".into();
    }
    let one =
        |info: &PerformanceInfo| format!("Span {}, card {}. {}", info.span, clean(&info.card), info.report.text(view));
    all.iter().map(one).collect::<Vec<_>>().join("\n")
}
