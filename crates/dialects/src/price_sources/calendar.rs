//! DeepSeek's peak hours, which two sources give without the days that have none.

use jiff::Timestamp;
use jiff::civil::Date;
use pricing::{Holidays, Schedule, Slot};

/// Monday to Friday.
pub(super) const WORKDAYS: [u8; 5] = [1, 2, 3, 4, 5];
/// Minutes of the day, UTC, in which DeepSeek's prices double on workdays.
const DEEPSEEK_PEAK: [(u16, u16); 2] = [(60, 240), (360, 600)];
/// 2026-08-17 00:00 in Beijing: <https://api-docs.deepseek.com/zh-cn/updates>.
const DEEPSEEK_PEAK_SINCE: i64 = 1_786_896_000;
/// Public holidays of the State Council's notice for 2026, <https://www.gov.cn/zhengce/content/202511/content_7047090.htm>,
/// as (month, first day, last day).
const CHINA_2026: [(i8, i8, i8); 7] = [(1, 1, 3), (2, 15, 23), (4, 4, 6), (5, 1, 5), (6, 19, 21), (9, 25, 27), (10, 1, 7)];

/// Days on which DeepSeek charges no peak prices beside weekends.
pub(super) fn chinese_holidays() -> Vec<Date> {
    let days = CHINA_2026.iter().flat_map(|(month, first, last)| (*first..=*last).map(move |day| Date::new(2026, *month, day)));
    days.filter_map(Result::ok).collect()
}

/// Whether a slot is one of DeepSeek's peak hours.
pub(super) fn is_deepseek_peak(slot: &Slot) -> bool {
    DEEPSEEK_PEAK.contains(&(slot.from_minute, slot.to_minute))
}

/// When DeepSeek's peak prices began.
pub(super) fn deepseek_peak_since() -> Option<Timestamp> {
    Timestamp::from_second(DEEPSEEK_PEAK_SINCE).ok()
}

/// Peak hours of workdays: weekends and Chinese holidays have none.
pub(super) fn workday_peak(slots: impl IntoIterator<Item = (u16, u16)>, holidays: Vec<Date>) -> Result<Schedule, String> {
    let slots = slots.into_iter().map(|(from_minute, to_minute)| Slot { weekdays: WORKDAYS.to_vec(), from_minute, to_minute });
    Schedule::new("UTC", slots.collect(), holidays, Holidays::Outside).map_err(|error| error.to_string())
}

/// Minutes of the day of `16:30` or `16:30:00+00:00`.
pub(super) fn minute(text: &str) -> Result<u16, String> {
    let mut parts = text.split(':').map(str::parse::<u16>);
    match (parts.next(), parts.next()) {
        (Some(Ok(hour @ 0..=24)), Some(Ok(minute @ 0..=59))) if hour < 24 || minute == 0 => Ok(hour * 60 + minute),
        _ => Err(format!("`{text}` isn't a time of day such as 16:30")),
    }
}

/// Slots of some weekdays from one time of day to another; hours over midnight become two slots.
pub(super) fn slots(weekdays: &[u8], from: u16, to: u16) -> Vec<Slot> {
    let slot = |from_minute, to_minute| Slot { weekdays: weekdays.to_vec(), from_minute, to_minute };
    match (from, to) {
        (from, 0) => vec![slot(from, 1_440)],
        (from, to) if from < to => vec![slot(from, to)],
        (from, to) if from > to => vec![slot(from, 1_440), slot(0, to)],
        _ => vec![slot(0, 1_440)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_began_at_midnight_in_beijing_and_the_year_has_thirty_three_holidays() {
        assert_eq!(deepseek_peak_since().map(|at| at.to_string()).as_deref(), Some("2026-08-16T16:00:00Z"));
        assert_eq!(chinese_holidays().len(), 33);
    }

    #[test]
    fn hours_over_midnight_are_two_slots() {
        let hours = |from, to| slots(&[], from, to).iter().map(|slot| (slot.from_minute, slot.to_minute)).collect::<Vec<_>>();
        assert_eq!(hours(990, 30), [(990, 1_440), (0, 30)]);
        assert_eq!(hours(600, 0), [(600, 1_440)]);
        assert_eq!(hours(0, 0), [(0, 1_440)]);
        assert_eq!(minute("16:30:00+00:00"), Ok(990));
        assert!(minute("25:00").is_err());
    }
}
