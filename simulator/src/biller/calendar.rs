//! Days and busy hours, by arithmetic of its own: prices that change at a date or with the hour.

/// Days without busy hours: the public holidays of China in 2026, by which DeepSeek goes.
const HOLIDAYS: &str = "2026-01-01 2026-01-02 2026-01-03 2026-02-15 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 \
    2026-02-21 2026-02-22 2026-02-23 2026-04-04 2026-04-05 2026-04-06 2026-05-01 2026-05-02 2026-05-03 2026-05-04 2026-05-05 \
    2026-06-19 2026-06-20 2026-06-21 2026-09-25 2026-09-26 2026-09-27 2026-10-01 2026-10-02 2026-10-03 2026-10-04 2026-10-05 \
    2026-10-06 2026-10-07";
const DAY: i64 = 86_400;

/// Whether DeepSeek's peak rates hold: Monday to Friday from 1 to 4 and from 6 to 10 o'clock UTC, but not on a holiday.
pub(super) fn is_busy(at: i64) -> bool {
    let (day, hour) = (at.div_euclid(DAY), at.rem_euclid(DAY) / 3_600);
    // The first of January 1970 was a Thursday; Monday is 0.
    let weekday = (day + 3).rem_euclid(7);
    let is_holiday = HOLIDAYS.split_whitespace().any(|date| seconds(date).is_some_and(|start| start.div_euclid(DAY) == day));
    weekday < 5 && !is_holiday && ((1..4).contains(&hour) || (6..10).contains(&hour))
}

/// `2026-08-16` or `2026-08-16T16:00` in UTC as seconds since 1970.
#[must_use]
pub fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once('T').unwrap_or((text.trim(), "00:00"));
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (hour, minute) = time.split_once(':')?;
    let clock = hour.parse::<i64>().ok()? * 3_600 + minute.parse::<i64>().ok()? * 60;
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let years: i64 = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum();
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months: i64 = lengths.iter().take(usize::try_from(month - 1).ok()?).sum();
    Some((years + months + day - 1) * DAY + clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_hours_are_those_of_working_days() {
        assert_eq!(seconds("2026-11-23T12:00"), Some(1_795_435_200));
        for (time, expected) in [
            ("2026-11-23T02:00", true),
            ("2026-11-23T00:59", false),
            ("2026-11-23T04:00", false),
            ("2026-11-23T06:00", true),
            ("2026-11-23T09:59", true),
            ("2026-11-23T10:00", false),
            ("2026-11-22T02:00", false),
            ("2026-10-01T02:00", false),
            ("2026-10-08T02:00", true),
        ] {
            assert_eq!(seconds(time).map(is_busy), Some(expected), "{time}");
        }
    }
}
