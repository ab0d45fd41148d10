//! What is known of models and sellers beside their prices.

use std::collections::BTreeMap;

use crate::{Layer, Provenance, Region, Span};

/// A dated name: (seller, raw id) → sku.
///
/// A name is matched whole, by letter case too. A pattern is a name with `{date}` (eight digits, or `2026-04-23`),
/// `{digits}`, `{word}` (letters, digits, `-`, `_`, `.`), `{region}` (a word that becomes the query's region) or `{any}`.
/// With `{name}` in the pattern and as its sku, the part that it matched is looked up as a name: `models/{name}`.
/// There is no nearest prefix: a name that no alias and no sku equals is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Whose name it is.
    pub seller: String,
    /// The name or pattern as clients and providers write it.
    pub name: String,
    /// The sku it stands for.
    pub sku: String,
    /// Attributes that the name implies, for example `route = us` for a Bedrock profile.
    pub select: BTreeMap<String, String>,
    /// When the name means this.
    pub valid: Span,
    /// When the book held it to be true.
    pub recorded: Span,
    /// Whose row it is.
    pub layer: Layer,
    /// Where it comes from.
    pub prov: Provenance,
}

impl Alias {
    /// Whether the name is a pattern.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.name.contains('{')
    }

    /// Whether the sku is what `{name}` matches in the pattern.
    #[must_use]
    pub fn is_nested(&self) -> bool {
        self.sku == "{name}"
    }
}

/// A dated factor on the rates of matching calls. A rule that itself selects what the modifier matches is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modifier {
    /// Names the modifier in cost lines.
    pub id: String,
    /// Whose.
    pub seller: String,
    /// The sku, or [`crate::Rule::ANY_SKU`].
    pub sku: String,
    /// Request attributes that must all be equal.
    pub select: BTreeMap<String, String>,
    /// Where it applies. A query without a region doesn't match a regional modifier.
    pub region: Region,
    /// The meters it applies to, by name; empty for all.
    pub meters: Vec<String>,
    /// The published factor.
    pub factor: money::Decimal,
    /// Modifiers apply by ascending order.
    pub order: u32,
    /// Ids of modifiers that don't apply beside this one.
    pub excludes: Vec<String>,
    /// When it applies.
    pub valid: Span,
    /// When the book held it to be true.
    pub recorded: Span,
    /// Whose row it is.
    pub layer: Layer,
    /// Where it comes from.
    pub prov: Provenance,
}

impl Modifier {
    /// Whether the factor is for this meter.
    #[must_use]
    pub fn is_for(&self, meter: &crate::Meter) -> bool {
        self.meters.is_empty() || self.meters.iter().any(|name| name == meter.name())
    }
}

/// A model of the price book, and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Whose; empty for every seller of the sku.
    pub seller: String,
    /// The sku.
    pub sku: String,
    /// What it does: `chat`, `embedding`, `image`, `audio`, …
    pub mode: String,
    /// Its facts.
    pub facts: ModelFacts,
    /// Whose row it is.
    pub layer: Layer,
    /// Where the facts come from.
    pub prov: Provenance,
}

/// What a model can do: its context window and its largest output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// Most input tokens, when known.
    pub input_tokens_max: Option<u64>,
    /// Most output tokens, when known.
    pub output_tokens_max: Option<u64>,
    /// Top decode rate in tokens a second, for calls whose client left mid-stream.
    pub decode_tokens_per_second: u64,
    /// The smallest prompt that can be written to a prompt cache; 0 when unknown.
    pub cache_tokens_min: u64,
    /// Whether this seller charges for writing a prompt cache.
    pub cache_writes_priced: bool,
    /// The tokenizer's family, for example `o200k_base`, `claude`, `gemini`; empty when unknown.
    pub tokenizer: String,
}

impl ModelFacts {
    /// The decode rate that is assumed where none is known: above what large models were seen to stream in 2026.
    pub const DECODE_TOKENS_PER_SECOND: u64 = 300;
    /// The largest output that is assumed where none is known. The ceiling is sent upstream, so a wrong value can't overspend.
    pub const OUTPUT_TOKENS_MAX: u64 = 131_072;
}

/// What a seller's usage counts include, and how it bills what a request doesn't say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Semantics {
    /// Whose.
    pub seller: String,
    /// Whether the reported input includes tokens that were read from a cache.
    pub input_includes_cache_read: bool,
    /// Whether the reported input includes tokens that were written to a cache.
    pub input_includes_cache_write: bool,
    /// Whether the reported output includes reasoning tokens.
    pub output_includes_reasoning: bool,
    /// Whether prompts are cached, and writes charged, without the request asking for it.
    pub automatic_cache_writes: bool,
    /// Whether the whole prompt is billed again after each use of a server tool.
    pub prompt_again_after_tools: bool,
    /// Whose row it is.
    pub layer: Layer,
    /// Where it comes from.
    pub prov: Provenance,
}

impl Default for Semantics {
    /// The shape of OpenAI's usage, which most compatible servers follow; what isn't known is taken to be the dearer way.
    fn default() -> Self {
        Self {
            seller: String::new(),
            input_includes_cache_read: true,
            input_includes_cache_write: true,
            output_includes_reasoning: true,
            automatic_cache_writes: true,
            prompt_again_after_tools: true,
            layer: Layer::Embedded,
            prov: Provenance::default(),
        }
    }
}
