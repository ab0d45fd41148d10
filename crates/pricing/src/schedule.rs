//! [`Schedule`]: prices that depend on the hour and the day.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Hours of the week in a time zone, with holidays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    zone: String,
    tz: TimeZone,
    /// Any of these slots is inside.
    pub slots: Vec<Slot>,
    /// Days that are treated as [`Schedule::on_holidays`] says.
    pub holidays: Vec<Date>,
    /// What a holiday means.
    pub on_holidays: Holidays,
}

/// Minutes of some weekdays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// ISO weekdays, Monday is 1; empty means every day.
    pub weekdays: Vec<u8>,
    /// First minute of the day inside, 0 to 1,439.
    pub from_minute: u16,
    /// First minute of the day after, up to 1,440. Slots don't cross midnight.
    pub to_minute: u16,
}

/// What a holiday does to a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holidays {
    /// Nothing: it is a day like any other.
    #[default]
    AsUsual,
    /// The whole day is inside.
    Inside,
    /// The whole day is outside.
    Outside,
}

/// Why a schedule can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleError {
    /// The time zone isn't in the bundled database.
    UnknownZone(String),
    /// A slot that is empty, ends after midnight or names a weekday outside 1 to 7.
    BadSlot,
}

impl core::fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownZone(zone) => write!(f, "unknown time zone `{zone}`; use a name such as Asia/Shanghai"),
            Self::BadSlot => f.write_str("a slot needs weekdays 1 to 7 and hours from 00:00 to 24:00 that don't cross midnight"),
        }
    }
}

impl std::error::Error for ScheduleError {}

impl Schedule {
    /// A schedule in a named time zone.
    ///
    /// # Errors
    /// The zone is unknown or a slot makes no sense.
    pub fn new(zone: &str, slots: Vec<Slot>, holidays: Vec<Date>, on_holidays: Holidays) -> Result<Self, ScheduleError> {
        let bundled = jiff::tz::TimeZoneDatabase::bundled();
        let tz = if zone == "UTC" { TimeZone::UTC } else { bundled.get(zone).map_err(|_| ScheduleError::UnknownZone(zone.to_owned()))? };
        let sound = |slot: &Slot| {
            slot.from_minute < slot.to_minute && slot.to_minute <= 1_440 && slot.weekdays.iter().all(|day| (1..=7).contains(day))
        };
        if slots.is_empty() || !slots.iter().all(sound) {
            return Err(ScheduleError::BadSlot);
        }
        Ok(Self { zone: zone.to_owned(), tz, slots, holidays, on_holidays })
    }

    /// The name of the time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Whether `at` is inside.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        let local = self.tz.to_datetime(at);
        if self.on_holidays != Holidays::AsUsual && self.holidays.contains(&local.date()) {
            return self.on_holidays == Holidays::Inside;
        }
        let weekday = local.date().weekday().to_monday_one_offset().unsigned_abs();
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        self.slots.iter().any(|slot| {
            (slot.weekdays.is_empty() || slot.weekdays.contains(&weekday)) && (slot.from_minute..slot.to_minute).contains(&minute)
        })
    }
}
