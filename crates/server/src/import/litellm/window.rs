//! LiteLLM's durations (`30d`, `24h`, `1mo`) as windows of a budget.
//!
//! Since LiteLLM resets on the calendar, a day, a Monday's week (`7d`) and a month (`30d`, `1mo`) are the same here. What has no window of
//! its own takes the next smaller one with an even share of the limit: less can be spent in any stretch, never more.

/// A window, and what it makes of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// `minute`, `hour`, `day`, `week`, `month` or `total`.
    pub word: &'static str,
    /// The limit is divided by this.
    pub parts: i64,
    /// Whether it begins and ends as LiteLLM's does.
    pub is_exact: bool,
}

impl Window {
    /// Never starts anew.
    pub const TOTAL: Self = Self::exact("total");

    const fn exact(word: &'static str) -> Self {
        Self { word, parts: 1, is_exact: true }
    }

    const fn share(word: &'static str, parts: i64) -> Self {
        Self { word, parts, is_exact: false }
    }
}

/// The window of a duration; nothing where it isn't one, or is so short that no window is as strict.
pub(super) fn read(text: &str) -> Option<Window> {
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (count, unit) = text.split_at_checked(digits)?;
    let count: i64 = count.parse().ok().filter(|count| (1..=100_000).contains(count))?;
    match unit {
        "mo" => Some(if count == 1 { Window::exact("month") } else { Window::share("month", count) }),
        "w" => days(count.checked_mul(7)?),
        "d" => days(count),
        "h" => Some(hours(count)),
        "m" => Some(minutes(count)),
        "s" => seconds(count),
        _ => None,
    }
}

fn days(count: i64) -> Option<Window> {
    Some(match count {
        1 => Window::exact("day"),
        7 => Window::exact("week"),
        30 => Window::exact("month"),
        _ => Window::share("day", count),
    })
}

fn hours(count: i64) -> Window {
    match count {
        1 => Window::exact("hour"),
        24 => Window::exact("day"),
        _ if count % 24 == 0 => Window::share("day", count / 24),
        _ => Window::share("hour", count),
    }
}

fn minutes(count: i64) -> Window {
    match count {
        1 => Window::exact("minute"),
        _ if count % 60 == 0 => hours(count / 60),
        _ => Window::share("minute", count),
    }
}

/// Below a minute the whole limit holds for a minute, into which such stretches fit without a rest.
fn seconds(count: i64) -> Option<Window> {
    match count {
        _ if count % 60 == 0 => Some(minutes(count / 60)),
        _ if 60 % count == 0 => Some(Window::share("minute", 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_the_same_window_or_a_stricter_one() {
        let cases = [
            ("1mo", Some(("month", 1, true))),
            ("30d", Some(("month", 1, true))),
            ("7d", Some(("week", 1, true))),
            ("1w", Some(("week", 1, true))),
            ("1d", Some(("day", 1, true))),
            ("24h", Some(("day", 1, true))),
            ("1440m", Some(("day", 1, true))),
            ("1h", Some(("hour", 1, true))),
            ("60m", Some(("hour", 1, true))),
            ("1m", Some(("minute", 1, true))),
            ("60s", Some(("minute", 1, true))),
            ("2mo", Some(("month", 2, false))),
            ("10d", Some(("day", 10, false))),
            ("2w", Some(("day", 14, false))),
            ("48h", Some(("day", 2, false))),
            ("12h", Some(("hour", 12, false))),
            ("90m", Some(("minute", 90, false))),
            ("30s", Some(("minute", 1, false))),
            ("45s", None),
            ("0d", None),
            ("d", None),
            ("1y", None),
            ("1.5d", None),
            ("monthly", None),
            ("99999999999999999999d", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = read(text).map(|window| (window.word, window.parts, window.is_exact));
            assert_eq!(found, expected, "{text}");
        }
    }
}
