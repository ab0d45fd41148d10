//! Usage × price book → exact lines.

use money::{Nanos, Rate};

use crate::{Attrs, Meter, PriceBook, PriceQuery, Unpriced, Usage};

/// What a call cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Every line has a rate.
    Priced(Priced),
    /// At least one line has no known rate; the counts are kept.
    Unpriced(Unpriced),
}

/// A cost with its arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// Rounded once, half to even.
    pub total: Nanos,
    /// Lines whose `nanos` sum to `total`.
    pub lines: Vec<CostLine>,
    /// The sku that the model resolved to.
    pub sku: String,
    /// The price book's version.
    pub book: String,
}

/// One meter of one call: quantity × rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostLine {
    /// What was counted.
    pub meter: Meter,
    /// What splits the meter.
    pub attrs: Attrs,
    /// How many units.
    pub quantity: u64,
    /// The rate that applied, modifiers and tiers included.
    pub rate: Rate,
    /// This line's share of the rounded total.
    pub nanos: Nanos,
    /// The rule's id and source, as a person can look it up: `openai/gpt-5.5 input_tokens standard >272000 (source 2026-11)`.
    pub rule: String,
    /// Whether another rule of equal rank has a different price.
    pub conflict: bool,
}

impl PriceBook {
    /// Prices what was consumed.
    #[must_use]
    pub fn cost(&self, query: &PriceQuery, _usage: &Usage) -> Cost {
        Cost::Unpriced(Unpriced { seller: query.seller.clone(), model: query.model.clone(), meter: None })
    }
}
