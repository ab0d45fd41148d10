//! Facts of models and sellers that aren't prices.

use pricing::{Provenance, Semantics};

/// The family of a model's tokenizer, as its maker names it.
pub(super) fn tokenizer(sku: &str) -> &'static str {
    match sku.split_once('/') {
        Some(("openai", model))
            if ["gpt-3.5", "gpt-4-", "text-embedding", "babbage", "davinci"].iter().any(|start| model.starts_with(start))
                || model == "gpt-4" =>
        {
            "cl100k_base"
        }
        Some(("openai", _)) => "o200k_base",
        Some(("anthropic", _)) => "claude",
        Some(("google", _)) => "gemini",
        Some(("xai" | "x-ai", _)) => "grok",
        Some(("deepseek" | "deepseek-ai", _)) => "deepseek",
        Some(("mistral" | "mistralai", _)) => "mistral",
        _ => "",
    }
}

/// What each seller's usage counts include (the sellers' API references; genai-prices' extractors agree).
#[must_use]
pub fn semantics() -> Vec<Semantics> {
    let row = |seller: &str| Semantics {
        seller: seller.to_owned(),
        prompt_again_after_tools: false,
        prov: Provenance {
            source: "vendor".to_owned(),
            version: "2026-11".to_owned(),
            note: "API reference of the seller".to_owned(),
            ..Provenance::default()
        },
        ..Semantics::default()
    };
    let anthropic = |seller: &str| Semantics {
        input_includes_cache_read: false,
        input_includes_cache_write: false,
        automatic_cache_writes: false,
        prompt_again_after_tools: true,
        ..row(seller)
    };
    let google = |seller: &str| Semantics { output_includes_reasoning: false, automatic_cache_writes: false, ..row(seller) };
    vec![
        row("openai"),
        row("azure"),
        row("github-copilot"),
        row("deepseek"),
        row("mistral"),
        Semantics { output_includes_reasoning: false, ..row("xai") },
        anthropic("anthropic"),
        anthropic("bedrock"),
        google("google"),
        google("vertex"),
    ]
}
