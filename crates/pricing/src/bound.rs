//! What a request can cost at most, as a straight line in its output ceiling.

use money::{Exact, Nanos, Rate};

use crate::{Ask, PriceBook, PriceQuery, Unpriced};

/// The most that a request can cost, for any output ceiling: `fixed + ceiling × choices × output rate`.
///
/// Invariant: for every usage within the [`Ask`] and a ceiling `c`, `cost(usage) ≤ hold(c)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// All that doesn't depend on the ceiling: input at the dearest rate that could apply, tools, fixed units.
    pub fixed: Exact,
    /// The dearest output rate that could apply; `None` when the operation generates nothing.
    pub output: Option<Rate>,
    /// Parallel choices, each with its own ceiling.
    pub choices: u64,
    /// The model's own largest output: a request for more is clamped to it.
    pub output_tokens_max: u64,
    /// The ceiling that the request asked for, already clamped to the model's; the model's when absent.
    pub ceiling_wanted: u64,
    /// The price book's version.
    pub book: String,
}

/// Why a request has no bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unboundable {
    /// No price is known.
    Unpriced(Unpriced),
    /// A named part of the request can't be bounded: hidden input with an unknown window, a tool without a price or ceiling.
    NoBound {
        /// What it is, for the refusal's text.
        what: String,
    },
    /// The amount is beyond the range of money.
    TooLarge,
}

impl Bound {
    /// The hold for an output ceiling, rounded up; `None` beyond the range of money.
    #[must_use]
    pub fn hold(&self, ceiling: u64) -> Option<Nanos> {
        let Some(rate) = self.output else { return self.fixed.round_up() };
        let output = rate.times(ceiling.checked_mul(self.choices)?)?;
        self.fixed.checked_add(output)?.round_up()
    }

    /// The largest ceiling whose hold is within `amount`, at most `ceiling_wanted`; 0 when the fixed part alone is above it.
    #[must_use]
    pub fn ceiling_within(&self, amount: Nanos) -> u64 {
        let Some(rate) = self.output else { return self.ceiling_wanted };
        let Some(left) = Exact::from(amount).checked_sub(self.fixed).filter(|left| *left >= Exact::ZERO) else { return 0 };
        match rate.units_within(left) {
            Some(units) => (units / self.choices.max(1)).min(self.ceiling_wanted),
            None => self.ceiling_wanted,
        }
    }
}

impl PriceBook {
    /// Bounds a request, at the dearest tier, region, cache write and context band that could apply.
    ///
    /// # Errors
    /// Names what has no price or no bound.
    pub fn bound(&self, query: &PriceQuery, _ask: &Ask) -> Result<Bound, Unboundable> {
        Err(Unboundable::Unpriced(Unpriced { seller: query.seller.clone(), model: query.model.clone(), meter: None }))
    }
}
