//! Times, counts and foreign text as people read them.
//!
//! Time: dates are UTC, since a technician compares them with the exchange's log and the daemon's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, now.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A duration with its two largest units: `2 h 5 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (large, unit, small, smaller) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => (seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => (seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => (seconds / 86_400, if seconds < 2 * 86_400 { "day" } else { "days" }, seconds / 3600 % 24, "h"),
    };
    if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {smaller}") }
}

/// A duration in one unit, for a column: `95 s`, `12 min`, `30 h`, `4 days`.
pub fn brief(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", seconds / 60),
        6000..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How long ago that was, in one unit; a dash when it is not known.
pub fn ago(now_ms: u64, since_ms: u64) -> String {
    if since_ms == 0 { "-".into() } else { brief(Duration::from_millis(now_ms.saturating_sub(since_ms))) }
}

/// Microseconds with a fitting unit: `80 us`, `1.2 ms`.
pub fn micros(us: u64) -> String {
    match us {
        0..1000 => format!("{us} us"),
        1000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

/// A count with its noun: `1 call`, `2 calls`.
pub fn count(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Date and time of day: `2026-01-31 12:00:00`, UTC.
pub fn date(ms: u64) -> String {
    let days = ms / 86_400_000;
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02} {}", &time_of_day(ms)[..8])
}

/// Time of day with milliseconds: `12:00:00.000`, UTC.
pub fn time_of_day(ms: u64) -> String {
    let (s, ms) = (ms / 1000 % 86_400, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

/// The Gregorian date of a day counted from 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years are counted from March on, so that the leap day is a year's last: the months before it then
    // have lengths that repeat every five (153 days), and years every 400 (146097 days).
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Text from elsewhere, without what would move the cursor or colour the terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A text in lines of at most `width` characters, all but the first indented; a word that is longer stays whole.
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let words = text.trim_start_matches(' ');
    let (mut lines, mut line) = (String::new(), text[..text.len() - words.len()].to_owned());
    let mut begun = false;
    for word in words.split(' ') {
        if begun && line.chars().count() + 1 + word.chars().count() > width {
            lines += &line;
            lines += "\n";
            line = indent.to_owned();
        } else if begun {
            line += " ";
        }
        line += word;
        begun = true;
    }
    lines + &line + "\n"
}

/// The beginning of a text, with an ellipsis when there is more.
pub fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7, "  "), "one two\n  three\n");
        assert_eq!(wrapped("a verylongword b", 6, ""), "a\nverylongword\nb\n");
        assert_eq!(wrapped("  indented text", 10, "    "), "  indented\n    text\n");
        assert_eq!(wrapped("", 10, " "), "\n");
    }

    #[test]
    fn durations_read_like_speech() {
        for (seconds, long, short) in [
            (0, "0 s", "0 s"),
            (59, "59 s", "59 s"),
            (60, "1 min", "60 s"),
            (125, "2 min 5 s", "2 min"),
            (3600, "1 h", "60 min"),
            (7500, "2 h 5 min", "2 h"),
            (86_400, "1 day", "24 h"),
            (200_000, "2 days 7 h", "2 days"),
        ] {
            let time = Duration::from_secs(seconds);
            assert_eq!((duration(time).as_str(), brief(time).as_str()), (long, short));
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (s, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_251_199, "2024-02-29 23:59:59"),
            (1_767_225_600, "2026-01-01 00:00:00"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(date(s * 1000), text);
        }
        assert_eq!(time_of_day(86_399_999), "23:59:59.999");
        assert!(!date(u64::MAX).is_empty());
    }

    #[test]
    fn microseconds_find_their_unit() {
        assert_eq!([micros(80), micros(1234), micros(2_500_000)], ["80 us", "1.2 ms", "2.5 s"]);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(clean("\u{1b}[31mred\u{7}\r\n\u{9b}2J"), "?[31mred????2J");
        assert_eq!(clean("Größe"), "Größe");
    }
}
