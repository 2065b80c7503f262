//! Dates as text: compact for file names, and as playlists and HTTP want them.
//!
//! Source: ISO 8601 basic format; RFC 3339; RFC 9110 section 5.6.7 (IMF-fixdate).

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; 0 for a clock set before.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// A moment in the calendar.
struct Moment {
    year: u64,
    month: u64,
    day: u64,
    weekday: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

fn moment(unix_ms: u64) -> Moment {
    let seconds = unix_ms / 1000;
    let days = seconds / 86_400;
    // Counted from 1 March of year 0, leap days fall at the end of years, and 400 years are 146 097 days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Moment {
        year: era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        weekday: (days + 4) % 7,
        hour: seconds / 3600 % 24,
        minute: seconds / 60 % 60,
        second: seconds % 60,
    }
}

/// `20261120T142155Z`.
pub(crate) fn compact(unix_ms: u64) -> String {
    let m = moment(unix_ms);
    format!("{:04}{:02}{:02}T{:02}{:02}{:02}Z", m.year, m.month, m.day, m.hour, m.minute, m.second)
}

/// `2026-11-20T14:21:55.250Z`.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    let m = moment(unix_ms);
    let ms = unix_ms % 1000;
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{ms:03}Z", m.year, m.month, m.day, m.hour, m.minute, m.second)
}

/// The reverse of [`compact`]; `None` for anything else.
pub(crate) fn from_compact(text: &str) -> Option<u64> {
    let octets = text.as_bytes();
    if octets.len() != 16 || octets[8] != b'T' || octets[15] != b'Z' || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = &text[from..to];
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten()
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + day - 1 - 719_468;
    let ms = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1000;
    (compact(ms) == text).then_some(ms)
}

/// `Fri, 20 Nov 2026 14:21:55 GMT`.
pub(crate) fn http_date(unix_ms: u64) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let m = moment(unix_ms);
    let (day, month) = (DAYS[m.weekday as usize], MONTHS[m.month as usize - 1]);
    format!("{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT", m.day, m.year, m.hour, m.minute, m.second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        let cases = [
            (0, "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_000, "19941106T084937Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696_789, "20000229T123456Z", "Tue, 29 Feb 2000 12:34:56 GMT"),
            (1_795_184_515_000, "20261120T142155Z", "Fri, 20 Nov 2026 14:21:55 GMT"),
            (4_107_542_399_000, "21000228T235959Z", "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400_000, "21000301T000000Z", "Mon, 01 Mar 2100 00:00:00 GMT"),
        ];
        for (ms, name, date) in cases {
            assert_eq!(compact(ms), name);
            assert_eq!(http_date(ms), date);
            assert_eq!(from_compact(name), Some(ms / 1000 * 1000));
        }
        for wrong in
            ["", "20261120T142155", "20261320T142155Z", "20260230T142155Z", "2026112\u{e9}T14215Z", "+0261120T142155Z"]
        {
            assert_eq!(from_compact(wrong), None, "{wrong}");
        }
    }
}
