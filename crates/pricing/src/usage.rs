//! What a call consumed, in meters that don't overlap.

use std::collections::BTreeMap;

/// Attributes that split a meter: `modality` (`text` when absent), `ttl`, `tool`, `size`, `quality`.
pub type Attrs = BTreeMap<String, String>;

/// What is counted. Names in the price book are snake case (`input_tokens`); see [`Meter::name`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meter {
    /// Input tokens that were neither read from nor written to a cache.
    InputTokens,
    /// Input tokens read from a prompt cache.
    CacheReadTokens,
    /// Input tokens written to a prompt cache; attribute `ttl` is `5m`, `1h` or `12h`.
    CacheWriteTokens,
    /// Output tokens, reasoning included unless the seller prices it apart.
    OutputTokens,
    /// Reasoning tokens, only where a rule prices them apart from output.
    ReasoningTokens,
    /// Tokens embedded.
    EmbeddingTokens,
    /// A call of a server tool; attribute `tool`.
    ToolCall,
    /// Any other meter of the price book by its name there: `image`, `second`, `character`, `request`, `vm_hour`, …
    Other(String),
}

impl Meter {
    /// The name in price books, cost lines and exports.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::InputTokens => "input_tokens",
            Self::CacheReadTokens => "cache_read_tokens",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::OutputTokens => "output_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::EmbeddingTokens => "embedding_tokens",
            Self::ToolCall => "tool_call",
            Self::Other(name) => name,
        }
    }

    /// The meter of that name; a name that isn't one of the constants is [`Meter::Other`].
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "input_tokens" => Self::InputTokens,
            "cache_read_tokens" => Self::CacheReadTokens,
            "cache_write_tokens" => Self::CacheWriteTokens,
            "output_tokens" => Self::OutputTokens,
            "reasoning_tokens" => Self::ReasoningTokens,
            "embedding_tokens" => Self::EmbeddingTokens,
            "tool_call" => Self::ToolCall,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// One meter's count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    /// What was counted.
    pub meter: Meter,
    /// What splits the meter, for example `modality = audio`.
    pub attrs: Attrs,
    /// How many units.
    pub quantity: u64,
}

/// What one attempt consumed: disjoint counts, zero counts left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The counts, in the order in which they are shown.
    pub lines: Vec<Metered>,
    /// How many of the output tokens were reasoning, for display; already counted inside the lines.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Adds a count without attributes; a zero count adds nothing.
    pub fn add(&mut self, meter: Meter, quantity: u64) {
        self.add_with(meter, Attrs::new(), quantity);
    }

    /// Adds a count with attributes; a zero count adds nothing.
    pub fn add_with(&mut self, meter: Meter, attrs: Attrs, quantity: u64) {
        if quantity > 0 {
            self.lines.push(Metered { meter, attrs, quantity });
        }
    }

    /// The sum over all attributes of one meter.
    #[must_use]
    pub fn total(&self, meter: &Meter) -> u64 {
        self.lines.iter().filter(|line| line.meter == *meter).fold(0, |sum, line| sum.saturating_add(line.quantity))
    }

    /// Tokens of the whole prompt, cached ones included: what context tiers compare with.
    #[must_use]
    pub fn prompt_tokens(&self) -> u64 {
        [Meter::InputTokens, Meter::CacheReadTokens, Meter::CacheWriteTokens]
            .iter()
            .fold(0, |sum, meter| sum.saturating_add(self.total(meter)))
    }
}
