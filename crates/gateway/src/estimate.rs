//! What a request may cost at most: price book × bound, for the provider that it would go to.

use bytes::Bytes;
use dialects::{Dialect, Operation};
use ledger::{AccountView, Attributes, RunId};
use money::Nanos;

/// A request to estimate, as it would be sent.
#[derive(Clone, Debug)]
pub struct EstimateAsk {
    /// Its language.
    pub dialect: Dialect,
    /// What it does.
    pub operation: Operation,
    /// The model, where the path and not the body names it (Gemini).
    pub model: Option<String>,
    /// The request's JSON.
    pub body: Bytes,
    /// What budgets match on.
    pub attributes: Attributes,
    /// The run that it would be part of.
    pub run: Option<RunId>,
}

/// What a request may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The provider that it would go to.
    pub provider: String,
    /// Whose prices.
    pub seller: String,
    /// The model that would be sent.
    pub model: String,
    /// The smallest hold that lets it pass: input and a floor of output.
    pub min: Nanos,
    /// The full bound.
    pub max: Nanos,
    /// What such calls cost so far, within `min` and `max` of what was seen; the bound itself where nothing is known.
    pub expected: Nanos,
    /// Tenth percentile of what is expected.
    pub expected_low: Nanos,
    /// Ninetieth percentile of what is expected.
    pub expected_high: Nanos,
    /// What `expected` rests on, for a person: `38 settled calls of gpt-5.5`, `no settled calls yet: the bound`.
    pub basis: String,
    /// Input tokens at most.
    pub input_tokens_max: u64,
    /// Output ceiling of the full bound.
    pub ceiling: u64,
    /// Why there is no bound (`min` to `max` are zero then): code `unpriced` or `unboundable` and a sentence.
    pub no_bound: Option<(String, String)>,
    /// The accounts that it would count on.
    pub budgets: Vec<AccountView>,
    /// Other models of the same dialect that are routed and cost less at most, cheapest first.
    pub alternatives: Vec<Alternative>,
}

/// A cheaper model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Its name.
    pub model: String,
    /// Its full bound for the same request.
    pub max: Nanos,
}

/// Why a request can't be estimated; the client's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EstimateError {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// Where, as a JSON pointer.
    pub param: Option<String>,
}
