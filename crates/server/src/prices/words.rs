//! Prices, regions and schedules as a person reads them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use money::Rate;
use pricing::{Holidays, Price, Region, Schedule, TierMode};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// `$5 per 1,000,000`, with its bands.
pub(crate) fn price_text(price: &Price) -> String {
    match price {
        Price::Flat(rate) => rate_text(*rate),
        Price::Tiers { mode, steps } => {
            let of = match mode {
                TierMode::WholeRequest => "prompt tokens",
                TierMode::Marginal => "units",
            };
            let step = |step: &pricing::Step| match step.above {
                0 => rate_text(step.rate),
                above => format!("${} above {} {of}", step.rate.price(), grouped(above)),
            };
            steps.iter().map(step).collect::<Vec<_>>().join(", ")
        }
    }
}

fn rate_text(rate: Rate) -> String {
    match rate.per() {
        1 => format!("${}", rate.price()),
        per => format!("${} per {}", rate.price(), grouped(per)),
    }
}

/// `1234567` → `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `everywhere`, or where.
pub(crate) fn region_text(region: &Region) -> String {
    match region {
        Region::Global => "everywhere".to_owned(),
        Region::Within(_, ids) => ids.join(", "),
    }
}

/// `k=v k2=v2`.
pub(crate) fn select_text(select: &BTreeMap<String, String>) -> String {
    select.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

/// `Mon–Fri 01:00–04:00 UTC, not on 31 holidays`.
pub(crate) fn schedule_text(schedule: &Schedule) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let slot = |slot: &pricing::Slot| {
        let days = days_text(&slot.weekdays);
        match (slot.from_minute, slot.to_minute) {
            (0, 1440) => days,
            (from, to) => format!("{days} {}–{}", clock(from), clock(to)),
        }
    };
    let slots = schedule.slots.iter().map(slot).collect::<Vec<_>>().join(", ");
    let holidays = match (schedule.on_holidays, schedule.holidays.len()) {
        (_, 0) | (Holidays::AsUsual, _) => String::new(),
        (Holidays::Inside, count) => format!(", and on {count} holidays"),
        (Holidays::Outside, count) => format!(", not on {count} holidays"),
    };
    format!("{slots} {}{holidays}", schedule.zone())
}

fn days_text(weekdays: &[u8]) -> String {
    let name = |day: &u8| usize::from(*day).checked_sub(1).and_then(|index| WEEKDAYS.get(index)).copied().unwrap_or("?");
    let runs = weekdays.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match weekdays {
        [] => "daily".to_owned(),
        [first, .., last] if runs && weekdays.len() > 2 => format!("{}–{}", name(first), name(last)),
        days => days.iter().map(name).collect::<Vec<_>>().join(" "),
    }
}

/// A time to the second, as a date where it is one's first instant in UTC.
pub(crate) fn date(at: Timestamp) -> String {
    let text = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    text.strip_suffix("T00:00:00Z").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_and_hours_are_read_as_a_person_writes_them() {
        let rows = dialects::price_book::read(
            r#"{"seller":"s","sku":"s/m","meter":"input_tokens","price":{"tiers":{"steps":[{"above":0,"price":"5"},{"above":272000,"price":"10"}]}},"schedule":{"tz":"UTC","slots":[{"weekdays":[1,2,3,4,5],"from":"01:00","to":"04:00"},{"weekdays":[6,7],"from":"00:00","to":"24:00"}],"holidays":["2026-10-01"],"on_holidays":"outside"}}
{"seller":"s","sku":"s/m","meter":"image","price":"0.04"}"#,
        )
        .unwrap();
        assert_eq!(price_text(&rows.rules[0].price), "$5 per 1,000,000, $10 above 272,000 prompt tokens");
        assert_eq!(price_text(&rows.rules[1].price), "$0.04");
        let schedule = rows.rules[0].schedule.as_ref().unwrap();
        assert_eq!(schedule_text(schedule), "Mon–Fri 01:00–04:00, Sat Sun UTC, not on 1 holidays");
        assert_eq!(date("2026-11-23T00:00:00Z".parse().unwrap()), "2026-11-23");
        assert_eq!(date("2026-11-23T12:30:00.5Z".parse().unwrap()), "2026-11-23T12:30:00Z");
    }
}
