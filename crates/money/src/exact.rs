//! Prices of one unit, exact sums of them, and the two roundings that Mete uses.

use core::fmt;

use crate::{Decimal, Nanos};

/// Digits after the point that an exact amount keeps: 10⁻²⁴ $.
const EXACT_SCALE: u32 = 24;
/// Parts of an exact amount in one nano-dollar.
const PER_NANO: i128 = 1_000_000_000_000_000;

/// An exact, not yet rounded amount, in units of 10⁻²⁴ $.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exact(i128);

/// The exact price of one unit: a published decimal price per `per` units, never below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    price: Decimal,
    per: u64,
    unit: i128,
}

/// Why a price can't be used as a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateError {
    /// A price below zero.
    Negative,
    /// `per` is zero, or price ÷ per has no exact value with 24 digits after the point.
    Inexact,
    /// Above one million dollars for one unit.
    TooLarge,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negative => "a price below zero",
            Self::Inexact => "a price per unit that has no exact value with 24 digits; use a power of ten for `per`",
            Self::TooLarge => "a price above one million dollars for one unit; check the unit of the source",
        })
    }
}

impl std::error::Error for RateError {}

impl Rate {
    /// A unit that costs nothing.
    pub const FREE: Self = Self { price: Decimal::ZERO, per: 1, unit: 0 };

    /// `price` dollars for `per` units.
    ///
    /// # Errors
    /// The price is negative, has no exact value for one unit, or is absurdly large.
    pub fn new(price: Decimal, per: u64) -> Result<Self, RateError> {
        if price.is_negative() {
            return Err(RateError::Negative);
        }
        let whole = price.to_integer_at_scale(EXACT_SCALE).ok_or(RateError::Inexact)?;
        let per_units = i128::from(per);
        if per == 0 || whole % per_units != 0 {
            return Err(RateError::Inexact);
        }
        let unit = whole / per_units;
        if unit > 1_000_000 * 10_i128.pow(EXACT_SCALE) {
            return Err(RateError::TooLarge);
        }
        Ok(Self { price, per, unit })
    }

    /// The same rate times `factor` (a published multiplier such as `1.1` or `0.5`), still exact.
    ///
    /// # Errors
    /// As for [`Rate::new`].
    pub fn scaled(self, factor: Decimal) -> Result<Self, RateError> {
        let price = self.price.checked_mul(factor).ok_or(RateError::TooLarge)?;
        Self::new(price, self.per)
    }

    /// The published price, in dollars for [`Rate::per`] units.
    #[must_use]
    pub const fn price(self) -> Decimal {
        self.price
    }

    /// How many units the published price buys.
    #[must_use]
    pub const fn per(self) -> u64 {
        self.per
    }

    /// Whether the unit is free.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.unit == 0
    }

    /// `quantity` units at this rate, or `None` beyond the range of money.
    #[must_use]
    pub fn times(self, quantity: u64) -> Option<Exact> {
        self.unit.checked_mul(i128::from(quantity)).map(Exact)
    }

    /// How many whole units `amount` buys; `None` when the unit is free.
    #[must_use]
    pub fn units_within(self, amount: Exact) -> Option<u64> {
        if self.unit == 0 {
            return None;
        }
        Some(u64::try_from((amount.0.max(0)) / self.unit).unwrap_or(u64::MAX))
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rate {
    /// By the price of one unit.
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.unit.cmp(&other.unit).then(self.per.cmp(&other.per))
    }
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `self + other`, or `None` beyond the range of money.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// `self − other`, or `None` beyond the range of money.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// `self × count`, or `None` beyond the range of money.
    #[must_use]
    pub const fn checked_mul(self, count: u64) -> Option<Self> {
        match self.0.checked_mul(count as i128) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }

    /// The next whole nano-dollar at or above: the rounding of holds, which may never be too small.
    #[must_use]
    pub fn round_up(self) -> Option<Nanos> {
        let floor = self.0.div_euclid(PER_NANO);
        let up = if self.0.rem_euclid(PER_NANO) == 0 { floor } else { floor + 1 };
        i64::try_from(up).ok().map(Nanos::new)
    }

    /// The nearest whole nano-dollar, ties to even: the rounding of settlements.
    #[must_use]
    pub fn round_half_even(self) -> Option<Nanos> {
        let floor = self.0.div_euclid(PER_NANO);
        let rest = self.0.rem_euclid(PER_NANO);
        let half = PER_NANO / 2;
        let up = rest > half || (rest == half && floor % 2 != 0);
        i64::try_from(floor + i128::from(up)).ok().map(Nanos::new)
    }
}

impl fmt::Display for Exact {
    /// Dollars without loss, with at least two digits after the point: `$0.0000000123`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let one = 10_u128.pow(EXACT_SCALE);
        let fraction = format!("{:024}", magnitude % one);
        let kept = fraction.trim_end_matches('0').len().max(2);
        write!(f, "{sign}${}.{}", magnitude / one, &fraction[..kept])
    }
}

impl From<Nanos> for Exact {
    fn from(amount: Nanos) -> Self {
        Self(i128::from(amount.get()) * PER_NANO)
    }
}

/// Shares `total` among exact parts so that the shares sum to it: each part is cut to whole nano-dollars and what is
/// left goes to the largest remainders, the earlier part first. `total` is the rounded sum of `parts`.
#[must_use]
pub fn apportion(parts: &[Exact], total: Nanos) -> Vec<Nanos> {
    let mut shares: Vec<i64> = parts.iter().map(|part| i64::try_from(part.0.div_euclid(PER_NANO)).unwrap_or(i64::MAX)).collect();
    let given: i128 = shares.iter().map(|share| i128::from(*share)).sum();
    let mut left = i128::from(total.get()) - given;
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| core::cmp::Reverse(parts[index].0.rem_euclid(PER_NANO)));
    for index in order.into_iter().cycle().take(parts.len().saturating_mul(2)) {
        if left <= 0 {
            break;
        }
        shares[index] += 1;
        left -= 1;
    }
    shares.into_iter().map(Nanos::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_amount_is_written_without_loss() {
        let rate = Rate::new(Decimal::parse("1.25").unwrap(), 1_000_000).unwrap();
        for (quantity, text) in [(0, "$0.00"), (1, "$0.00000125"), (1_000_000, "$1.25"), (2_000_001, "$2.50000125")] {
            assert_eq!(rate.times(quantity).unwrap().to_string(), text);
        }
    }

    fn rate(price: &str, per: u64) -> Rate {
        Rate::new(Decimal::parse(price).unwrap(), per).unwrap()
    }

    #[test]
    fn a_cost_is_exact_until_it_is_rounded_once() {
        let cached = rate("0.125", 1_000_000);
        let sum = cached.times(3).unwrap();
        assert_eq!(sum.round_half_even(), Some(Nanos::new(375)));
        let tenth_of_a_nano = rate("0.0001", 1_000_000);
        let amounts: Vec<_> = [4, 5, 6, 15, 25].iter().map(|n| tenth_of_a_nano.times(*n).unwrap()).collect();
        let half_even: Vec<_> = amounts.iter().map(|amount| amount.round_half_even().unwrap().get()).collect();
        let up: Vec<_> = amounts.iter().map(|amount| amount.round_up().unwrap().get()).collect();
        assert_eq!(half_even, [0, 0, 1, 2, 2]);
        assert_eq!(up, [1, 1, 1, 2, 3]);
    }

    #[test]
    fn shares_sum_to_the_total() {
        let third = rate("0.0000333333", 1_000).times(1).unwrap();
        let parts = [third, third, third];
        let sum = third.checked_mul(3).unwrap().round_half_even().unwrap();
        let shares = apportion(&parts, sum);
        assert_eq!(shares.iter().map(|share| share.get()).sum::<i64>(), sum.get());
    }

    #[test]
    fn a_rate_that_is_not_exact_is_refused() {
        assert_eq!(Rate::new(Decimal::parse("1").unwrap(), 3), Err(RateError::Inexact));
        assert_eq!(Rate::new(Decimal::parse("1").unwrap(), 0), Err(RateError::Inexact));
        assert_eq!(Rate::new(Decimal::parse("-1").unwrap(), 1), Err(RateError::Negative));
        assert_eq!(rate("5.5", 1_000_000).scaled(Decimal::parse("1.1").unwrap()).unwrap().price().to_string(), "6.05");
    }
}
