//! Facts of models and sellers that aren't prices.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{Layer, Model, ModelFacts, Modifier, Provenance, Rule, Semantics};
use serde_json::Value;

use super::names::Names;
use super::{genai, litellm};

type Sold = BTreeSet<(String, String)>;

/// One row a sku: litellm's limits, with genai-prices' window where that is larger or the only one.
pub fn models(sold: &Sold, found: Vec<Model>, genai: &Value, names: &Names) -> Vec<Model> {
    let mut models: BTreeMap<(String, String), Model> = BTreeMap::new();
    for model in found.into_iter().filter(|model| sold.contains(&(model.seller.clone(), model.sku.clone()))) {
        let known = models.entry((model.seller.clone(), model.sku.clone())).or_insert_with(|| model.clone());
        known.facts.input_tokens_max = known.facts.input_tokens_max.max(model.facts.input_tokens_max);
        known.facts.output_tokens_max = known.facts.output_tokens_max.max(model.facts.output_tokens_max);
        known.facts.cache_tokens_min = smallest(known.facts.cache_tokens_min, model.facts.cache_tokens_min);
    }
    for (seller, sku, window) in windows(genai, names) {
        if !sold.contains(&(seller.clone(), sku.clone())) {
            continue;
        }
        let known = models.entry((seller.clone(), sku.clone())).or_insert_with(|| unlisted(&seller, &sku));
        known.facts.input_tokens_max = known.facts.input_tokens_max.max(Some(window));
    }
    for (seller, sku) in sold {
        models.entry((seller.clone(), sku.clone())).or_insert_with(|| unlisted(seller, sku));
    }
    models.into_values().collect()
}

/// The smaller of two figures, where 0 means unknown.
fn smallest(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

fn unlisted(seller: &str, sku: &str) -> Model {
    let prov = Provenance { source: genai::SOURCE.name.to_owned(), version: genai::SOURCE.version.to_owned(), ..Provenance::default() };
    let mode = if sku.contains("embed") { "embedding" } else { "chat" };
    let facts = ModelFacts { tokenizer: litellm::tokenizer(sku).to_owned(), ..ModelFacts::default() };
    Model { seller: seller.to_owned(), sku: sku.to_owned(), mode: mode.to_owned(), facts, layer: Layer::Embedded, prov }
}

/// A model whose output has no price doesn't chat.
pub fn correct_modes(models: &mut [Model], rules: &[Rule]) {
    let of = |model: &Model, meter: &str| {
        rules.iter().any(|rule| rule.seller == model.seller && rule.sku == model.sku && rule.meter.name() == meter)
    };
    for model in models.iter_mut().filter(|model| model.mode == "chat") {
        if !of(model, "output_tokens") || !of(model, "input_tokens") {
            model.mode = "other".to_owned();
        }
    }
}

fn windows(genai: &Value, names: &Names) -> Vec<(String, String, u64)> {
    let mut windows = Vec::new();
    for provider in genai.as_array().into_iter().flatten() {
        for model in provider["models"].as_array().into_iter().flatten() {
            let (Some(id), Some(window)) = (model["id"].as_str(), model["context_window"].as_u64()) else { continue };
            for seller in ["openai", "anthropic", "google", "vertex", "xai", "deepseek", "mistral", "github-copilot"] {
                let theirs = match seller {
                    "vertex" => "google",
                    "xai" => "x-ai",
                    other => other,
                };
                if provider["id"] == theirs {
                    windows.extend(names.find(seller, id).map(|sku| (seller.to_owned(), sku, window)));
                }
            }
        }
    }
    windows
}

pub fn modifiers(sold: &Sold, found: Vec<Modifier>) -> Vec<Modifier> {
    let mut modifiers: BTreeMap<String, Modifier> = BTreeMap::new();
    for row in found.into_iter().filter(|row| sold.contains(&(row.seller.clone(), row.sku.clone()))) {
        modifiers.entry(row.id.clone()).or_insert(row);
    }
    modifiers.into_values().collect()
}

/// What each seller's usage counts include (the sellers' API references; genai-prices' extractors agree).
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
