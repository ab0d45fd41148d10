//! [`Allowance`]: what a plan gives or demands beside its prices, dated like them.
//!
//! An allowance changes the bill of a whole period ([`crate::PriceBook::charge`]), never the price of one call: a hold can't
//! rely on units that a sibling call may have used up already, so calls are bounded and settled at list.

use money::Nanos;

use crate::{Attrs, Layer, Meter, PriceKind, Provenance, Span};

/// What a plan gives or demands in each period, beside its prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Names the allowance in the lines of a charge.
    pub id: String,
    /// Who sends the bill.
    pub seller: String,
    /// The plan; empty for everyone who buys from the seller.
    pub plan: String,
    /// The sku, or [`crate::Rule::ANY_SKU`].
    pub sku: String,
    /// What is given or demanded.
    pub grant: Grant,
    /// How often it starts anew.
    pub every: Period,
    /// When it applies.
    pub valid: Span,
    /// When the book held it to be true.
    pub recorded: Span,
    /// A promotion takes the place of the list's allowance, it isn't added to it.
    pub price_kind: PriceKind,
    /// Where it comes from.
    pub prov: Provenance,
    /// Whose row it is.
    pub layer: Layer,
}

/// What an allowance gives or demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The first units of a meter cost nothing.
    Free {
        /// What is counted.
        meter: Meter,
        /// What splits the meter.
        attrs: Attrs,
        /// How many units of each period.
        units: u64,
    },
    /// Calls up to this amount at list price cost nothing; all seats draw on one pool.
    Pool {
        /// What each seat adds to the pool.
        per_seat: Nanos,
    },
    /// The bill of a period is never below this.
    Minimum {
        /// The floor.
        floor: Nanos,
    },
}

impl Grant {
    /// Whether the grant is of an amount below zero, which no plan has.
    pub(crate) fn is_below_zero(&self) -> bool {
        match self {
            Self::Free { .. } => false,
            Self::Pool { per_seat: amount } | Self::Minimum { floor: amount } => *amount < Nanos::ZERO,
        }
    }

    /// Two grants of one kind and meter replace each other; others add up.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Free { meter: a, attrs: b, .. }, Self::Free { meter: c, attrs: d, .. }) => (a, b) == (c, d),
            (Self::Pool { .. }, Self::Pool { .. }) | (Self::Minimum { .. }, Self::Minimum { .. }) => true,
            _ => false,
        }
    }
}

/// How often an allowance starts anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// Every day: a free GiB of storage is a free GiB-day each day.
    Day,
    /// Every month.
    #[default]
    Month,
}
