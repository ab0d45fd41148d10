//! The price book: rules with validity, aliases, and deterministic resolution.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// What is asked of the price book: whose price, for what, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceQuery {
    /// Who sends the bill: `openai`, `anthropic`, `google`, `azure`, `bedrock`, `github-copilot`, …
    pub seller: String,
    /// The model as the client or the provider named it; aliases are resolved here.
    pub model: String,
    /// The provider's region or empty.
    pub region: String,
    /// Exact request attributes: `service_tier`, `processing`, `deployment`, `speed`, `route`.
    pub select: BTreeMap<String, String>,
    /// When the call was admitted.
    pub at: Timestamp,
    /// As known at this time; equals `at` for live calls.
    pub as_of: Timestamp,
}

/// Why there is no price. Never the same as a price of zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpriced {
    /// The seller asked for.
    pub seller: String,
    /// The model asked for.
    pub model: String,
    /// The meter that has no rate, or `None` when the model is unknown.
    pub meter: Option<String>,
}

/// One price of one meter; the fields of shared schema section "price book". Completed by the price book's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {}

/// A dated name: (seller, raw id) → sku.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {}

/// A dated factor on matching rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modifier {}

/// What a model can do: its context window and its largest output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// Most input tokens, when known.
    pub input_tokens_max: Option<u64>,
    /// Most output tokens, when known.
    pub output_tokens_max: Option<u64>,
    /// Top decode rate in tokens a second, for calls whose client left mid-stream.
    pub decode_tokens_per_second: u64,
}

/// What a seller's usage counts include.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Semantics {}

/// Effective-dated rates of all sellers. Immutable; a reload makes a new one.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {}

impl PriceBook {
    /// Facts of the model behind a query, with conservative defaults where they are unknown.
    #[must_use]
    pub fn model_facts(&self, _query: &PriceQuery) -> ModelFacts {
        ModelFacts::default()
    }

    /// A hash that names this book; stored with every cost so that it can be repeated.
    #[must_use]
    pub fn version(&self) -> &str {
        ""
    }
}
