//! [`Item`]: what a price is for.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use pricing::{Attrs, Meter, Region, Rule};

/// What one price is for, without when it applies and who says so. Two sources that price one item can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Who sends the bill.
    pub seller: String,
    /// What is sold.
    pub sku: String,
    /// What is counted.
    pub meter: Meter,
    /// What splits the meter.
    pub attrs: Attrs,
    /// Request attributes that must be equal.
    pub select: BTreeMap<String, String>,
    /// Where.
    pub region: Region,
}

impl Item {
    /// What a rule prices.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        Self {
            seller: rule.seller.clone(),
            sku: rule.sku.clone(),
            meter: rule.meter.clone(),
            attrs: rule.attrs.clone(),
            select: rule.select.clone(),
            region: rule.region.clone(),
        }
    }

    fn order(&self) -> impl Ord + '_ {
        (&self.seller, &self.sku, self.meter.name(), &self.attrs, &self.select, place(&self.region))
    }
}

/// A region as something that can be sorted.
fn place(region: &Region) -> (u8, &[String]) {
    match region {
        Region::Global => (0, &[]),
        Region::Within(_, ids) => (region.specificity(), ids),
    }
}

/// A rule sorted by its item, without a copy of it.
pub(super) struct ByItem<'a>(pub &'a Rule);

impl ByItem<'_> {
    fn order(&self) -> impl Ord + '_ {
        let rule = self.0;
        (&rule.seller, &rule.sku, rule.meter.name(), &rule.attrs, &rule.select, place(&rule.region))
    }
}

impl PartialEq for ByItem<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ByItem<'_> {}

impl PartialOrd for ByItem<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByItem<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl fmt::Display for Item {
    /// `openai openai/gpt-5.5 input_tokens processing=online service_tier=standard region=us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.seller, self.sku, self.meter.name())?;
        for (key, value) in self.attrs.iter().chain(&self.select) {
            write!(f, " {key}={value}")?;
        }
        match &self.region {
            Region::Global => Ok(()),
            Region::Within(_, ids) => write!(f, " region={}", ids.join(",")),
        }
    }
}
