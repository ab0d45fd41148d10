//! Windows in named time zones: which period an instant falls into.
//!
//! The periods of a calendar cut time without gap or overlap, each with its start and without its end. A day, week or
//! month runs from the first instant of its first local date to the first instant of the next one's, so a day may have
//! 23 or 25 hours. Minutes and hours are cut on the local clock and at every change of the clock, so the hour that a
//! clock repeats in autumn is two hours.

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use crate::{BudgetSpec, Window};

/// One period of a window: `[start, end)`. Both are `None` for a window that never ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// The first instant.
    pub start: Option<Timestamp>,
    /// The first instant after it.
    pub end: Option<Timestamp>,
}

impl Period {
    /// Whether `at` lies in the period.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at < end)
    }
}

/// The tz database that is built in: the same on every machine, read from no disk.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A window with its time zone looked up.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    window: Window,
    zone: TimeZone,
    week_starts_monday: bool,
}

impl Calendar {
    /// Reads window and zone of a definition; `None` when the time zone isn't in the tz database that is built in.
    pub(crate) fn of(spec: &BudgetSpec) -> Option<Self> {
        let zone = ZONES.get(&spec.time_zone).ok()?;
        Some(Self { window: spec.window, zone, week_starts_monday: spec.week_starts_monday })
    }

    /// The same in UTC, for a journal that names a zone that this binary doesn't know.
    pub(crate) fn in_utc(spec: &BudgetSpec) -> Self {
        Self { window: spec.window, zone: TimeZone::UTC, week_starts_monday: spec.week_starts_monday }
    }

    /// The period that `at` falls into.
    pub(crate) fn period(&self, at: Timestamp) -> Period {
        const SECOND: i128 = 1_000_000_000;
        match self.window {
            Window::Total => Period::default(),
            Window::Minute => self.clock_period(at, 60 * SECOND),
            Window::Hour => self.clock_period(at, 3600 * SECOND),
            Window::Day | Window::Week | Window::Month => self.date_period(at),
        }
    }

    /// The period after `period`, which has an end.
    pub(crate) fn next(&self, period: Period) -> Option<Period> {
        period.end.map(|end| self.period(end))
    }

    fn clock_period(&self, at: Timestamp, length: i128) -> Period {
        let offset = self.zone.to_offset(at);
        let shift = i128::from(offset.seconds()) * 1_000_000_000;
        let local = at.as_nanosecond() + shift;
        let local_start = local - local.rem_euclid(length);
        let mut start = instant(local_start - shift);
        let mut end = instant(local_start + length - shift);
        if self.zone.to_offset(start) != offset {
            let just_after = instant(at.as_nanosecond() + 1);
            start = self.zone.preceding(just_after).next().map_or(start, |change| change.timestamp().max(start));
        }
        let last = instant(end.as_nanosecond() - 1);
        if self.zone.to_offset(last) != offset {
            end = self.zone.following(at).next().map_or(end, |change| change.timestamp().min(end));
        }
        Period { start: Some(start), end: Some(end) }
    }

    fn date_period(&self, at: Timestamp) -> Period {
        let mut date = self.first_date(self.zone.to_datetime(at).date());
        let mut start = self.first_instant(date);
        loop {
            let next = self.next_date(date);
            let end = self.first_instant(next);
            // A clock set back over midnight shows yesterday's date after today has begun.
            if at < end || next == date {
                return Period { start: Some(start), end: Some(end) };
            }
            (date, start) = (next, end);
        }
    }

    fn first_date(&self, date: Date) -> Date {
        let days_back = match self.window {
            Window::Week if self.week_starts_monday => date.weekday().to_monday_zero_offset(),
            Window::Week => date.weekday().to_sunday_zero_offset(),
            Window::Month => date.day() - 1,
            _ => 0,
        };
        date.saturating_sub(i64::from(days_back).days())
    }

    fn next_date(&self, date: Date) -> Date {
        match self.window {
            Window::Week => date.saturating_add(7.days()),
            Window::Month => date.saturating_add(1.month()),
            _ => date.saturating_add(1.day()),
        }
    }

    fn first_instant(&self, date: Date) -> Timestamp {
        let midnight = self.zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
        let out_of_range = if date.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let earlier = midnight.earlier().unwrap_or(out_of_range);
        match midnight.offset() {
            // No midnight: the day begins where the clock jumped to.
            AmbiguousOffset::Gap { .. } => self.zone.following(earlier).next().map_or(earlier, |change| change.timestamp()),
            _ => earlier,
        }
    }
}

fn instant(nanoseconds: i128) -> Timestamp {
    let out_of_range = if nanoseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_nanosecond(nanoseconds).unwrap_or(out_of_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(window: Window, zone: &str, monday: bool) -> Calendar {
        let zone = ZONES.get(zone).unwrap();
        Calendar { window, zone, week_starts_monday: monday }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_cut_on_the_local_calendar() {
        use Window::{Day, Hour, Minute, Month, Week};
        // window, zone, week starts Monday, instant, period start, period end, hours
        let rows: &[(Window, &str, bool, &str, &str, &str)] = &[
            // Spring forward: the day has 23 hours; autumn: 25.
            (Day, "Europe/Berlin", true, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            (Day, "Europe/Berlin", true, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            (Day, "Europe/Berlin", true, "2026-10-25T22:59:59.999999999Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            (Day, "Europe/Berlin", true, "2026-10-25T23:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z"),
            // The clock jumps over midnight: the day begins at 01:00 and has 23 hours.
            (Day, "America/Sao_Paulo", true, "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
            (Day, "America/Sao_Paulo", true, "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"),
            // The clock is set back at midnight: Saturday has 25 hours.
            (Day, "America/Sao_Paulo", true, "2019-02-17T02:30:00Z", "2019-02-16T02:00:00Z", "2019-02-17T03:00:00Z"),
            // The clock is set back over midnight (00:01 → 23:01): Sunday begins once, at its first midnight.
            (Day, "America/St_Johns", true, "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
            (Day, "America/St_Johns", true, "2010-11-07T02:45:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
            // The clock jumps from 23:30 to 00:30: the day begins at 00:30.
            (Day, "America/Toronto", true, "1919-03-31T12:00:00Z", "1919-03-31T04:30:00Z", "1919-04-01T04:00:00Z"),
            // A date that a country skipped.
            (Day, "Pacific/Apia", true, "2011-12-30T09:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
            (Day, "Pacific/Apia", true, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
            // An offset of 5:45.
            (Day, "Asia/Kathmandu", true, "2026-01-01T00:00:00Z", "2025-12-31T18:15:00Z", "2026-01-01T18:15:00Z"),
            (Hour, "Asia/Kathmandu", true, "2026-01-01T00:14:59Z", "2025-12-31T23:15:00Z", "2026-01-01T00:15:00Z"),
            (Minute, "Asia/Kathmandu", true, "2026-01-01T00:14:59Z", "2026-01-01T00:14:00Z", "2026-01-01T00:15:00Z"),
            // The hour that is shown twice is two hours; half an hour of summer time cuts an hour short.
            (Hour, "Europe/Berlin", true, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
            (Hour, "Europe/Berlin", true, "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"),
            (Hour, "Australia/Lord_Howe", true, "2026-04-04T15:10:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z"),
            (Hour, "Australia/Lord_Howe", true, "2026-10-03T15:40:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"),
            // Weeks from Monday or Sunday; 2026-03-29 is a Sunday.
            (Week, "Europe/Berlin", true, "2026-03-29T12:00:00Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
            (Week, "Europe/Berlin", false, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-04-04T22:00:00Z"),
            (Week, "UTC", false, "2026-03-28T23:59:59Z", "2026-03-22T00:00:00Z", "2026-03-29T00:00:00Z"),
            (Month, "Europe/Berlin", true, "2026-03-31T21:59:59Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
            (Month, "UTC", true, "2028-02-29T23:59:59Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            (Month, "UTC", true, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ];
        for (window, zone, monday, instant, start, end) in rows {
            let period = calendar(*window, zone, *monday).period(at(instant));
            let expected = Period { start: Some(at(start)), end: Some(at(end)) };
            assert_eq!(period, expected, "{window:?} {zone} {instant}");
        }
        assert_eq!(calendar(Window::Total, "UTC", true).period(at("2026-01-01T00:00:00Z")), Period::default());
    }

    #[test]
    fn periods_follow_each_other_without_gap_or_overlap() {
        let zones = ["Europe/Berlin", "America/St_Johns", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"];
        for zone in zones {
            for window in [Window::Hour, Window::Day, Window::Week, Window::Month] {
                let calendar = calendar(window, zone, true);
                let mut period = calendar.period(at("2009-12-30T00:00:00Z"));
                for _ in 0..20_000 {
                    let (start, end) = (period.start.unwrap(), period.end.unwrap());
                    assert!(start < end, "{zone} {window:?} {start}");
                    let last = instant(end.as_nanosecond() - 1);
                    assert_eq!(calendar.period(last), period, "{zone} {window:?} {last}");
                    let next = calendar.next(period).unwrap();
                    assert_eq!(next.start, Some(end), "{zone} {window:?} {end}");
                    if end > at("2012-02-01T00:00:00Z") {
                        break;
                    }
                    period = next;
                }
            }
        }
    }

    #[test]
    fn the_ends_of_time_have_a_period_too() {
        for window in [Window::Minute, Window::Hour, Window::Day, Window::Week, Window::Month] {
            for instant in [Timestamp::MIN, Timestamp::MAX] {
                for zone in ["UTC", "Europe/Berlin", "Pacific/Apia", "America/New_York"] {
                    let period = calendar(window, zone, true).period(instant);
                    assert!(period.start <= Some(instant), "{window:?} {zone} {period:?}");
                }
            }
        }
    }
}
