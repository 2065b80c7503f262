//! Points in time as people and programs write them: RFC 3339.
//!
//! Everywhere else a point in time is a number of milliseconds since 1970-01-01T00:00:00Z, without leap
//! seconds, as the operating system has it.
//!
//! Source: RFC 3339, clause 5.6; the calendar arithmetic counts in years that begin in March, so that the
//! leap day is the last day of one.

const DAY_MS: u64 = 86_400_000;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: u64 = 719_468;
/// Days in 400 years, after which the calendar repeats.
const ERA_DAYS: u64 = 146_097;
/// The last millisecond that a year of four digits can express.
const LAST_MS: u64 = 253_402_300_799_999;

/// Milliseconds of UTC now, from the operating system's clock; 0 should it stand before 1970.
#[must_use]
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// `2026-11-20T14:18:45.123Z`. A time after the year 9999 is written as the last moment of it.
#[must_use]
pub fn rfc3339(ms: u64) -> String {
    let ms = ms.min(LAST_MS);
    let (day, in_day) = (ms / DAY_MS, ms % DAY_MS);
    let days = day + EPOCH_DAYS;
    let (era, day_of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    // Take out the leap days of the era, then what is left divides into years of 365 days.
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, the months' lengths 31 30 31 30 31 repeat: 153 days in five months.
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - days_before(march_month) + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (seconds, ms) = (in_day / 1000, in_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Milliseconds of UTC of what RFC 3339 allows: any offset, any number of decimals (those beyond the third
/// are cut off), `t`, `z` or a space as letters. A leap second is the first one of the next minute. None for
/// anything else, and for times before 1970.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    take(&mut rest, b"-")?;
    let month = number(&mut rest, 2).filter(|m| (1..=12).contains(m))?;
    take(&mut rest, b"-")?;
    let day = number(&mut rest, 2).filter(|&d| d >= 1 && d <= month_length(year, month))?;
    take(&mut rest, b"Tt ")?;
    let hour = number(&mut rest, 2).filter(|&h| h < 24)?;
    take(&mut rest, b":")?;
    let minute = number(&mut rest, 2).filter(|&m| m < 60)?;
    take(&mut rest, b":")?;
    let second = number(&mut rest, 2).filter(|&s| s <= 60)?;
    let mut ms = 0;
    if take(&mut rest, b".").is_some() {
        let decimals = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if decimals == 0 {
            return None;
        }
        ms = rest[..decimals.min(3)].iter().fold(0, |value, b| value * 10 + u64::from(b - b'0'));
        ms *= 10u64.pow(3 - decimals.min(3) as u32);
        rest = &rest[decimals..];
    }
    let offset_minutes = match take(&mut rest, b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = number(&mut rest, 2).filter(|&h| h < 24)?;
            take(&mut rest, b":")?;
            let minutes = (hours * 60 + number(&mut rest, 2).filter(|&m| m < 60)?) as i64;
            if sign == b'+' { minutes } else { -minutes }
        }
        _ => 0,
    };
    if !rest.is_empty() {
        return None;
    }
    let (march_year, march_month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 + days_before(march_month);
    let days = (days + day - 1).checked_sub(EPOCH_DAYS)?;
    let local = days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    local.checked_add_signed(-offset_minutes * 60_000)
}

/// Days of a year that begins in March before this month of it, counted from 0.
const fn days_before(march_month: u64) -> u64 {
    (153 * march_month + 2) / 5
}

const fn month_length(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

fn take(rest: &mut &[u8], any_of: &[u8]) -> Option<u8> {
    let (&first, others) = rest.split_first()?;
    any_of.contains(&first).then(|| {
        *rest = others;
        first
    })
}

fn number(rest: &mut &[u8], digits: usize) -> Option<u64> {
    let (front, others) = rest.split_at_checked(digits)?;
    *rest = others;
    front.iter().try_fold(0, |value, b| b.is_ascii_digit().then(|| value * 10 + u64::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        for (text, ms) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:00:00.000Z", 951_825_600_000),
            ("2026-11-20T14:18:45.123Z", 1_795_184_325_123),
            ("2100-03-01T00:00:00.000Z", 4_107_542_400_000),
            ("9999-12-31T23:59:59.999Z", LAST_MS),
        ] {
            assert_eq!(rfc3339(ms), text);
            assert_eq!(parse_rfc3339(text), Some(ms));
        }
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn other_ways_to_write_it() {
        let ms = Some(1_795_184_325_000);
        assert_eq!(parse_rfc3339("2026-11-20 14:18:45z"), ms);
        assert_eq!(parse_rfc3339("2026-11-20T15:48:45.0009+01:30"), ms);
        assert_eq!(parse_rfc3339("2026-11-19t23:18:45.0-15:00"), ms);
        assert_eq!(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00.5Z"), Some(500));
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20T14:18Z",
            "2026-11-20T14:18:45",
            "2026-13-20T14:18:45Z",
            "2026-00-20T14:18:45Z",
            "2026-11-31T14:18:45Z",
            "2026-02-29T14:18:45Z",
            "2100-02-29T14:18:45Z",
            "2026-11-20T24:18:45Z",
            "2026-11-20T14:60:45Z",
            "2026-11-20T14:18:61Z",
            "2026-11-20T14:18:45.Z",
            "2026-11-20T14:18:45Zx",
            "2026-11-20T14:18:45+1:00",
            "1969-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "1970-01-01T00:00:00+00:01",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_and_read_back(ms in 0..=LAST_MS) {
            prop_assert_eq!(parse_rfc3339(&rfc3339(ms)), Some(ms));
        }

        #[test]
        fn later_is_written_later(a in 0..=LAST_MS, b in 0..=LAST_MS) {
            prop_assert_eq!(a.cmp(&b), rfc3339(a).cmp(&rfc3339(b)));
        }

        #[test]
        fn whatever_is_written_is_answered(text in "[0-9TZ:+. -]{0,40}|.{0,30}") {
            let _ = parse_rfc3339(&text);
        }
    }
}
