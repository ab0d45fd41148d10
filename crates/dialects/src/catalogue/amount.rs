//! Prices compared and written: exact, whatever unit each is published for.

use std::fmt::Write as _;

use jiff::Timestamp;
use money::{Decimal, Exact, Rate};
use pricing::{Price, Rule, TierMode};

/// A price as what each band costs for a million units, so that sources with different units can be compared.
pub(super) type Plain = (bool, Vec<(u64, Option<Exact>)>);

/// The price without its unit.
pub(super) fn plain(price: &Price) -> Plain {
    match price {
        Price::Flat(rate) => (false, vec![(0, rate.times(1_000_000))]),
        Price::Tiers { steps, mode } => {
            let steps: Vec<_> = steps.iter().map(|step| (step.above, step.rate.times(1_000_000))).collect();
            (*mode == TierMode::Marginal && steps.len() > 1, steps)
        }
    }
}

pub(super) fn is_same(a: &Price, b: &Price) -> bool {
    a == b || plain(a) == plain(b)
}

/// `5`, bands as `5/10`, other units than one and a million with their count: `0.36 per 3600`.
pub(super) fn brief(price: &Price) -> String {
    let one = |rate: Rate| {
        if matches!(rate.per(), 1 | 1_000_000) { rate.price().to_string() } else { format!("{} per {}", rate.price(), rate.per()) }
    };
    price.rates().map(one).collect::<Vec<_>>().join("/")
}

/// All rows of one item in one line: `5 until 2026-11-23; 4 from 2026-11-23`.
pub(super) fn timeline<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> String {
    let mut rules: Vec<&Rule> = rules.into_iter().collect();
    rules.sort_by_key(|rule| (rule.schedule.is_some(), rule.valid.from, rule.price_kind));
    let mut text = String::new();
    for rule in rules {
        text.push_str(if text.is_empty() { "" } else { "; " });
        text.push_str(&brief(&rule.price));
        text.push_str(if rule.schedule.is_some() { " in peak hours" } else { "" });
        if let Some(from) = rule.valid.from {
            _ = write!(text, " from {}", day(from));
        }
        if let Some(to) = rule.valid.to {
            _ = write!(text, " until {}", day(to));
        }
    }
    text
}

/// The date, with the time of day where it isn't midnight UTC.
pub(super) fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.strip_suffix("T00:00:00Z").map_or(text.clone(), str::to_owned)
}

/// The price that rows have at a time: outside every schedule, the latest; a promotion before a list price.
pub(super) fn current<'a>(rules: impl IntoIterator<Item = &'a Rule>, at: Timestamp) -> Option<&'a Rule> {
    let open = rules.into_iter().filter(|rule| rule.valid.contains(at));
    open.max_by_key(|rule| (rule.schedule.is_none(), rule.price_kind, rule.valid.from))
}

/// The only rate of a price without bands.
pub(super) fn flat(price: &Price) -> Option<Rate> {
    match price {
        Price::Flat(rate) => Some(*rate),
        Price::Tiers { steps, .. } => steps.first().filter(|_| steps.len() == 1).map(|step| step.rate),
    }
}

/// The rate of the first band.
pub(super) fn base_rate(price: &Price) -> Rate {
    price.rate_at(0)
}

/// Two rates as integers of one unit, or `None` beyond 128 bits.
fn aligned(a: Rate, b: Rate) -> Option<(i128, i128)> {
    let ((a_digits, a_scale), (b_digits, b_scale)) = (a.price().parts(), b.price().parts());
    let scale = a_scale.max(b_scale);
    let whole =
        |digits: i128, own: u32, other_per: u64| digits.checked_mul(10_i128.checked_pow(scale - own)?)?.checked_mul(i128::from(other_per));
    Some((whole(a_digits, a_scale, b.per())?, whole(b_digits, b_scale, a.per())?))
}

/// Whether `a` is exactly `numerator / denominator` of `b`.
pub(super) fn is_factor(a: Rate, b: Rate, numerator: i128, denominator: i128) -> bool {
    let scaled = |(a, b): (i128, i128)| Some((a.checked_mul(denominator)?, b.checked_mul(numerator)?));
    !b.is_zero() && aligned(a, b).and_then(scaled).is_some_and(|(left, right)| left == right)
}

/// Whether two pairs of rates differ by one factor.
pub(super) fn is_same_ratio(a: (Rate, Rate), b: (Rate, Rate)) -> bool {
    let cross = |(a, b): (i128, i128), (c, d): (i128, i128)| Some(a.checked_mul(d)? == b.checked_mul(c)?);
    aligned(a.0, a.1).zip(aligned(b.0, b.1)).and_then(|(a, b)| cross(a, b)).unwrap_or(false)
}

/// Whether two rates differ by at most a thousandth.
pub(super) fn is_near(a: Rate, b: Rate) -> bool {
    let near = |(a, b): (i128, i128)| Some((a - b).checked_abs()?.checked_mul(1_000)? <= b);
    aligned(a, b).and_then(near).unwrap_or(false)
}

/// Whether one of two rates is more than `times` the other.
pub(super) fn is_far(a: Rate, b: Rate, times: i128) -> bool {
    let far = |(a, b): (i128, i128)| Some(a > b.checked_mul(times)? || b > a.checked_mul(times)?);
    aligned(a, b).and_then(far).unwrap_or(true)
}

/// Whether `a` is above `b`, for one unit.
pub(super) fn is_above(a: Rate, b: Rate) -> bool {
    a.times(1_000_000) > b.times(1_000_000)
}

/// By how much a rate changed, in thousandths of the old one, rounded half away from zero; `None` from zero.
pub(super) fn permille(old: Rate, new: Rate) -> Option<i64> {
    let (old, new) = aligned(old, new)?;
    if old == 0 {
        return None;
    }
    let twice = new.checked_sub(old)?.checked_mul(2_000)?;
    let rounded = (twice.abs().checked_add(old)? / old.checked_mul(2)?).checked_mul(twice.signum())?;
    i64::try_from(rounded).ok()
}

/// Whether `short` is `long` rounded half up to the fewer digits that it has. Only from two digits on, and within a fifth: fewer
/// digits than that are another price.
pub(super) fn is_rounded(short: Rate, long: Rate) -> bool {
    let ((_, short_scale), (digits, scale)) = (short.price().parts(), long.price().parts());
    if short.per() != long.per() || short_scale < 2 || short_scale >= scale {
        return false;
    }
    let Some(unit) = 10_i128.checked_pow(scale - short_scale) else { return false };
    let (floor, rest) = (digits / unit, digits % unit);
    let fits = |rounded: i128| Decimal::new(rounded, short_scale) == short.price();
    let near = aligned(short, long).is_some_and(|(a, b)| (a - b).abs().saturating_mul(5) <= b);
    near && (fits(floor + i128::from(rest * 2 >= unit)) || (rest * 2 == unit && fits(floor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str, per: u64) -> Rate {
        Rate::new(Decimal::parse(text).unwrap(), per).unwrap()
    }

    #[test]
    fn a_change_is_told_in_thousandths_without_a_float() {
        for (old, new, expected) in [
            ("5", "4", Some(-200)),
            ("4", "5", Some(250)),
            ("3", "2", Some(-333)),
            ("0.3", "0.5", Some(667)),
            ("8", "8.004", Some(1)),
            ("8", "8.0039", Some(0)),
            ("0", "1", None),
        ] {
            assert_eq!(permille(rate(old, 1_000_000), rate(new, 1_000_000)), expected, "{old} → {new}");
        }
        assert_eq!(permille(rate("0.36", 3_600), rate("0.0002", 1)), Some(1_000));
    }

    #[test]
    fn rounding_has_two_digits_and_stays_near() {
        for (short, long, expected) in [
            ("0.03", "0.025", true),
            ("0.13", "0.125", true),
            ("0.12", "0.125", true),
            ("0.14", "0.125", false),
            ("1", "0.66", false),
            ("0.3", "0.25", false),
            ("0.01", "0.005", false),
            ("0.025", "0.03", false),
        ] {
            assert_eq!(is_rounded(rate(short, 1_000_000), rate(long, 1_000_000)), expected, "{short} of {long}");
        }
    }
}
