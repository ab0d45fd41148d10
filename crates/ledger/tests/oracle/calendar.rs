//! Periods by the calendar, as the reference ledger finds them: by walking the local clock minute by minute.
//!
//! Slow and plain; what was found once is kept. Good for zones whose offsets are whole minutes, which all are since 1972.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use ledger::{BudgetSpec, Window};

const MINUTE: i64 = 60;

type Found = BTreeMap<(String, u8, bool), BTreeMap<Timestamp, Timestamp>>;

thread_local! {
    static FOUND: RefCell<Found> = RefCell::default();
}

/// The period on the calendar of the budget's zone.
pub fn calendar_period(spec: &BudgetSpec, at: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    if spec.window == Window::Total {
        return (None, None);
    }
    FOUND.with_borrow_mut(|found| {
        let known = found.entry((spec.time_zone.clone(), spec.window as u8, spec.week_starts_monday)).or_default();
        if let Some((start, end)) = known.range(..=at).next_back().filter(|(_, end)| at < **end) {
            return (Some(*start), Some(*end));
        }
        let zone = TimeZoneDatabase::bundled().get(&spec.time_zone).expect("a known zone");
        let (start, end) = match spec.window {
            Window::Minute => clock_period(&zone, at, 1),
            Window::Hour => clock_period(&zone, at, 60),
            _ => date_period(&zone, at, spec),
        };
        known.insert(start, end);
        (Some(start), Some(end))
    })
}

/// As long as the local clock shows the same hour (or minute) and wasn't changed.
fn clock_period(zone: &TimeZone, at: Timestamp, minutes: i64) -> (Timestamp, Timestamp) {
    let shown = |second: i64| {
        let offset = i64::from(zone.to_offset(second_at(second)).seconds());
        (offset, (second + offset).div_euclid(minutes * MINUTE))
    };
    let now = at.as_nanosecond().div_euclid(60_000_000_000) as i64 * MINUTE;
    let (mut start, mut end) = (now, now + MINUTE);
    while shown(start - MINUTE) == shown(now) {
        start -= MINUTE;
    }
    while shown(end) == shown(now) {
        end += MINUTE;
    }
    (second_at(start), second_at(end))
}

/// From the first minute that shows the period's first date, or a later one, to the first minute of the next period's.
fn date_period(zone: &TimeZone, at: Timestamp, spec: &BudgetSpec) -> (Timestamp, Timestamp) {
    let mut first = first_date(zone.to_datetime(at).date(), spec);
    loop {
        let next = match spec.window {
            Window::Day => first.checked_add(1.day()),
            Window::Week => first.checked_add(7.days()),
            _ => first.checked_add(1.month()),
        };
        let next = next.expect("in range");
        // Where a clock was set back over midnight, yesterday's date is shown again though today has begun.
        if at < first_minute(zone, next) {
            return (first_minute(zone, first), first_minute(zone, next));
        }
        first = next;
    }
}

fn first_date(date: Date, spec: &BudgetSpec) -> Date {
    let mut first = date;
    let is_first = |date: Date| match spec.window {
        Window::Day => true,
        Window::Week => date.weekday() == if spec.week_starts_monday { jiff::civil::Weekday::Monday } else { jiff::civil::Weekday::Sunday },
        _ => date.day() == 1,
    };
    while !is_first(first) {
        first = first.yesterday().expect("in range");
    }
    first
}

fn first_minute(zone: &TimeZone, date: Date) -> Timestamp {
    let noon_before = date.yesterday().expect("in range").at(12, 0, 0, 0).to_zoned_datetime(TimeZone::UTC);
    let mut second = noon_before.expect("in range").timestamp().as_second() - 12 * 60 * MINUTE;
    while zone.to_datetime(second_at(second)).date() < date {
        second += MINUTE;
    }
    second_at(second)
}

fn second_at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}
