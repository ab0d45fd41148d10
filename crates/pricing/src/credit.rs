//! [`Credit`]: a seller's own pricing currency, such as GitHub's AI credit, which is worth one cent.
//!
//! Money stays in dollars; credits are how the seller's bill is read. Both ways are exact.

use jiff::Timestamp;
use money::{Decimal, Exact, Nanos, Rate};

use crate::{Meter, Price, PriceBook, Rule};

/// Decimals of a credit that are tried before an amount counts as having none: one nano-dollar of a cent's credit has seven.
const DECIMALS_MAX: u32 = 24;

/// What one credit of a seller is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Its name: `AI credit`.
    pub name: String,
    /// Dollars for one.
    pub usd: Decimal,
    /// The rule that says so.
    pub rule: String,
}

impl Credit {
    /// The meter of the rule that says what a credit is worth.
    pub const METER: &'static str = "credit";

    /// An amount in credits; `None` when it has no finite decimal, which a credit of a cent never lacks.
    #[must_use]
    pub fn of(&self, amount: Nanos) -> Option<Decimal> {
        let (mantissa, scale) = self.usd.parts();
        let nanos = i128::from(amount.get()).checked_mul(10_i128.checked_pow(scale)?)?;
        let divisor = mantissa.checked_mul(i128::from(Nanos::PER_DOLLAR))?;
        (0..=DECIMALS_MAX).find_map(|decimals| {
            let shifted = nanos.checked_mul(10_i128.checked_pow(decimals)?)?;
            (shifted.checked_rem(divisor)? == 0).then(|| Decimal::new(shifted / divisor, decimals))
        })
    }

    /// What a count of credits is worth; `None` below zero or beyond the range of money. Finer than a nano-dollar, since
    /// GitHub reports nano-credits.
    #[must_use]
    pub fn worth(&self, credits: Decimal) -> Option<Exact> {
        let (count, scale) = credits.parts();
        let of_last_digit = self.usd.checked_mul(Decimal::new(1, scale))?;
        Rate::new(of_last_digit, 1).ok()?.times(u64::try_from(count).ok()?)
    }
}

impl PriceBook {
    /// The pricing currency of a seller at a time, as known at another; `None` for sellers that bill in dollars.
    #[must_use]
    pub fn credit(&self, seller: &str, at: Timestamp, as_of: Timestamp) -> Option<Credit> {
        let shelves = &self.of(seller).shelves;
        let indexes = shelves.by_seller.get(seller)?.skus.get(Rule::ANY_SKU)?;
        let meter = Meter::Other(Credit::METER.to_owned());
        let rules = indexes.iter().filter_map(|index| shelves.rows.rules.get(*index));
        let current = rules.filter(|rule| rule.meter == meter && rule.valid.contains(at) && rule.recorded.contains(as_of));
        let rule = current.max_by_key(|rule| (rule.layer, rule.valid.from))?;
        let Price::Flat(rate) = rule.price else { return None };
        Some(Credit { name: rule.unit.clone(), usd: rate.price(), rule: rule.id.clone() })
    }
}
