//! A budget's definition, judged once for the config and the admin API alike.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use ledger::{BudgetSpec, Measure, OnExceed, Window};
use money::Nanos;

use super::typed::{BudgetSection, MeasureWord, OnExceedWord, WeekdayWord, WindowWord};

/// A budget without its name, as typed in the file or in a request.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub limit_usd: String,
    pub window: WindowWord,
    pub time_zone: String,
    pub week_starts: WeekdayWord,
    pub matches: BTreeMap<String, String>,
    pub per: Vec<String>,
    pub on_exceed: OnExceedWord,
    pub measure: MeasureWord,
    pub grant_share_percent: u16,
}

impl From<&BudgetSection> for Definition {
    fn from(section: &BudgetSection) -> Self {
        Self {
            limit_usd: section.limit_usd.0.clone(),
            window: section.window,
            time_zone: section.time_zone.clone(),
            week_starts: section.week_starts,
            matches: section.matches.clone(),
            per: section.per.clone(),
            on_exceed: section.on_exceed,
            measure: section.measure,
            grant_share_percent: section.grant_share_percent,
        }
    }
}

/// A budget, or the key that is wrong and what to write there.
pub(crate) fn mean(name: &str, definition: &Definition) -> Result<BudgetSpec, (&'static str, String)> {
    check_text(name).map_err(|problem| ("name", problem))?;
    check_attributes(definition)?;
    if !(1..=100).contains(&definition.grant_share_percent) {
        return Err(("grant_share_percent", format!("{} is out of range; write a number from 1 to 100", definition.grant_share_percent)));
    }
    if TimeZone::get(&definition.time_zone).is_err() {
        return Err((
            "time_zone",
            format!("`{}` is not a time zone; write an IANA name such as \"Europe/Berlin\" or \"UTC\"", short(&definition.time_zone)),
        ));
    }
    Ok(BudgetSpec {
        name: name.to_owned(),
        limit: limit(&definition.limit_usd).map_err(|problem| ("limit_usd", problem))?,
        window: window(definition.window),
        time_zone: definition.time_zone.clone(),
        week_starts_monday: definition.week_starts == WeekdayWord::Monday,
        matches: definition.matches.clone(),
        per: definition.per.clone(),
        on_exceed: on_exceed(definition.on_exceed).map_err(|problem| ("on_exceed", problem))?,
        measure: match definition.measure {
            MeasureWord::Billed => Measure::Billed,
            MeasureWord::List => Measure::List,
        },
        grant_share_thousandths: definition.grant_share_percent * 10,
        paused: false,
    })
}

/// A limit: an exact amount, or the word `none`.
pub(crate) fn limit(text: &str) -> Result<Option<Nanos>, String> {
    if text == "none" {
        return Ok(None);
    }
    let usage = "write an amount in dollars such as \"25.00\", or \"none\" to only observe";
    Nanos::from_usd(text).map(Some).map_err(|why| format!("`{}`: {why}; {usage}", short(text)))
}

fn on_exceed(word: OnExceedWord) -> Result<OnExceed, String> {
    match word {
        OnExceedWord::Block => Ok(OnExceed::Block),
        OnExceedWord::Shadow => Ok(OnExceed::Shadow),
        OnExceedWord::Downgrade => Err("`downgrade` is not available yet; write \"block\" or \"shadow\"".to_owned()),
    }
}

const fn window(word: WindowWord) -> Window {
    match word {
        WindowWord::Total => Window::Total,
        WindowWord::Minute => Window::Minute,
        WindowWord::Hour => Window::Hour,
        WindowWord::Day => Window::Day,
        WindowWord::Week => Window::Week,
        WindowWord::Month => Window::Month,
    }
}

fn check_attributes(definition: &Definition) -> Result<(), (&'static str, String)> {
    for (name, value) in &definition.matches {
        check_text(name).and_then(|()| check_value(value)).map_err(|problem| ("match", problem))?;
    }
    for (index, name) in definition.per.iter().enumerate() {
        check_text(name).map_err(|problem| ("per", problem))?;
        if definition.per[..index].contains(name) {
            return Err(("per", format!("`{}` is named twice; name each attribute once", short(name))));
        }
    }
    Ok(())
}

/// A name: 1 to 128 characters, none of them a control character.
pub(crate) fn check_text(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("a name is empty; write at least one character".to_owned());
    }
    if text.trim() != text {
        return Err(format!("`{}` begins or ends with a space; remove it", short(text)));
    }
    check_value(text)
}

/// A value: at most 256 bytes, none of them a control character.
pub(crate) fn check_value(text: &str) -> Result<(), String> {
    if text.len() > 256 {
        return Err(format!("`{}` is longer than 256 bytes; shorten it", short(text)));
    }
    if text.chars().any(char::is_control) {
        return Err("a name or value has a control character; remove it".to_owned());
    }
    Ok(())
}

/// At most 64 characters of what was typed, without control characters.
pub(crate) fn short(text: &str) -> String {
    let mut kept: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    if kept.chars().count() < text.chars().count() {
        kept.push('…');
    }
    kept
}
