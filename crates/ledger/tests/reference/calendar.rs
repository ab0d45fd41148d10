//! Periods by the calendar, as the reference ledger looks them up.

use jiff::tz::TimeZoneDatabase;
use jiff::{Timestamp, ToSpan, Unit};
use ledger::{BudgetSpec, Window};

/// The period on the calendar of the budget's zone. Good for zones whose clocks change by whole hours.
pub fn calendar_period(spec: &BudgetSpec, at: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    let zone = TimeZoneDatabase::bundled().get(&spec.time_zone).expect("a known zone");
    let local = at.to_zoned_datetime(zone);
    let day = local.start_of_day().expect("in range");
    let (start, end) = match spec.window {
        Window::Total => return (None, None),
        Window::Minute => {
            let start = local.round(jiff::ZonedDateTimeRound::new().smallest(Unit::Minute).mode(jiff::RoundMode::Trunc)).expect("in range");
            (start.clone(), start.checked_add(1.minute()).expect("in range"))
        }
        Window::Hour => {
            let past = i64::from(local.minute()) * 60_000_000_000
                + i64::from(local.second()) * 1_000_000_000
                + i64::from(local.subsec_nanosecond());
            let start = local.checked_sub(past.nanoseconds()).expect("in range");
            (start.clone(), start.checked_add(1.hour()).expect("in range"))
        }
        Window::Day => (day.clone(), day.tomorrow().expect("in range").start_of_day().expect("in range")),
        Window::Week => {
            let since = if spec.week_starts_monday { day.weekday().to_monday_zero_offset() } else { day.weekday().to_sunday_zero_offset() };
            let first = day.date().checked_sub(i64::from(since).days()).expect("in range");
            let next = first.checked_add(1.week()).expect("in range");
            let zone = day.time_zone();
            (first.to_zoned_datetime(zone.clone()).expect("in range"), next.to_zoned_datetime(zone.clone()).expect("in range"))
        }
        Window::Month => {
            let first = day.first_of_month().expect("in range").start_of_day().expect("in range");
            (first.clone(), first.checked_add(1.month()).expect("in range").start_of_day().expect("in range"))
        }
    };
    (Some(start.timestamp()), Some(end.timestamp()))
}
