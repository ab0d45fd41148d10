//! Which facts of models are taken where several sources have them.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{Model, Modifier, Rule};

type Sold = BTreeSet<(String, String)>;

/// One row a sku, with the largest limits that any source names and the smallest prompt that can be cached.
pub fn models(sold: &Sold, found: Vec<Model>) -> Vec<Model> {
    let mut models: BTreeMap<(String, String), Model> = BTreeMap::new();
    // litellm knows what a model does; the others know only its window.
    let (first, then): (Vec<Model>, Vec<Model>) = found.into_iter().partition(|model| model.prov.source == "litellm");
    for model in first.into_iter().chain(then).filter(|model| sold.contains(&(model.seller.clone(), model.sku.clone()))) {
        let known = models.entry((model.seller.clone(), model.sku.clone())).or_insert_with(|| model.clone());
        known.facts.input_tokens_max = known.facts.input_tokens_max.max(model.facts.input_tokens_max);
        known.facts.output_tokens_max = known.facts.output_tokens_max.max(model.facts.output_tokens_max);
        known.facts.cache_tokens_min = smallest(known.facts.cache_tokens_min, model.facts.cache_tokens_min);
    }
    models.into_values().collect()
}

/// The smaller of two figures, where 0 means unknown.
fn smallest(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

/// A model whose output has no price doesn't chat.
pub fn correct_modes(models: &mut [Model], rules: &[Rule]) {
    let priced: BTreeSet<(&str, &str, &str)> =
        rules.iter().map(|rule| (rule.seller.as_str(), rule.sku.as_str(), rule.meter.name())).collect();
    for model in models.iter_mut().filter(|model| model.mode == "chat") {
        let has = |meter: &str| priced.contains(&(model.seller.as_str(), model.sku.as_str(), meter));
        if !has("output_tokens") || !has("input_tokens") {
            model.mode = "other".to_owned();
        }
    }
}

pub fn modifiers(sold: &Sold, found: Vec<Modifier>) -> Vec<Modifier> {
    let mut modifiers: BTreeMap<String, Modifier> = BTreeMap::new();
    for row in found.into_iter().filter(|row| sold.contains(&(row.seller.clone(), row.sku.clone()))) {
        modifiers.entry(row.id.clone()).or_insert(row);
    }
    modifiers.into_values().collect()
}
