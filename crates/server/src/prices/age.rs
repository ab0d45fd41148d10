//! How old the price book is, and when to say so.

use jiff::Timestamp;
use pricing::Rows;

/// Prices older than this are probably wrong for some model: over 15 months 14 % of prices changed.
pub(crate) const DAYS_MAX: i64 = 45;

/// Whole days since the newest facts were gathered.
pub(crate) fn days(as_of: Timestamp, now: Timestamp) -> i64 {
    (now.as_second() - as_of.as_second()).div_euclid(86_400)
}

/// What to tell of a book whose newest facts are of `as_of`; `None` while it is young enough.
pub(crate) fn warning(as_of: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let as_of = as_of?;
    let days = days(as_of, now);
    let date = as_of.strftime("%Y-%m-%d");
    (days > DAYS_MAX).then(|| format!("the price book is {days} days old (facts of {date}), so some prices are probably wrong"))
}

/// What to do about an old book.
pub(crate) const REMEDY: &str = "import newer lists with `mete prices import --file FILE`, or install a newer mete";

/// The newest date that rows name for themselves: when a price was learnt or began to apply, at most now.
pub(crate) fn newest_fact(rows: &Rows, now: Timestamp) -> Option<Timestamp> {
    rows.rules.iter().flat_map(|rule| [rule.recorded.from, rule.valid.from]).flatten().filter(|from| *from <= now).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_is_old_after_45_days_and_not_before() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-23T12:00:00Z");
        for (as_of, days) in
            [("2026-10-09T12:00:00Z", None), ("2026-10-08T12:00:00Z", Some("46 days")), ("2025-08-23T00:00:00Z", Some("457 days"))]
        {
            let said = warning(Some(at(as_of)), now);
            assert_eq!(said.is_some(), days.is_some(), "{as_of}: {said:?}");
            assert!(days.is_none_or(|days| said.as_deref().is_some_and(|said| said.contains(days))));
        }
        assert_eq!(warning(None, now), None);
        assert_eq!(warning(Some(at("2027-01-01T00:00:00Z")), now), None);
    }
}
