//! GitHub's table of models and prices for Copilot, in dollars for a million tokens (one AI credit is $0.01).

use std::collections::BTreeMap;

use anyhow::Context as _;
use pricing::Rule;
use serde_json::Value;

use super::names::Names;
use super::rows::{Counted, Source, Steps, decimal, rule};

pub const SOURCE: Source = Source { name: "github-docs", version: "024f6b0f", licence: "CC-BY-4.0" };

pub fn read(file: &Value, names: &mut Names) -> anyhow::Result<Vec<Rule>> {
    // The newest stored version comes first.
    let rows = file["versions"][0]["rows"].as_array().context("versions[0].rows")?;
    let mut prices: BTreeMap<(String, &'static str), (Counted, Steps)> = BTreeMap::new();
    for row in rows {
        let model = slug(row["model"].as_str().context("model")?);
        let sku = names.find_or_add("github-copilot", &model);
        let above = row["threshold_tokens"].as_str().and_then(|text| text.strip_prefix('>')).map_or(Ok(0), str::parse)?;
        for (field, counted) in columns(&sku) {
            let Some(price) = decimal(&row[field]) else { continue };
            prices.entry((sku.clone(), field)).or_insert_with(|| (counted, Vec::new())).1.push((above, price));
        }
    }
    let mut rules = Vec::new();
    for ((sku, field), (counted, mut steps)) in prices {
        steps.sort_by_key(|(above, _)| *above);
        let mut rule = rule(SOURCE, "github-copilot", &sku, &counted, &steps)?;
        rule.prov.key = format!("{} {field}", sku.split_once('/').map_or("", |(_, model)| model));
        rule.prov.url = "https://docs.github.com/en/copilot/reference/copilot-billing/models-and-pricing".to_owned();
        rules.push(rule);
    }
    Ok(rules)
}

fn columns(sku: &str) -> [(&'static str, Counted); 4] {
    let write: &[(&str, &str)] = if sku.starts_with("anthropic/") { &[("ttl", "5m")] } else { &[] };
    [
        ("input", Counted::tokens("input_tokens", &[])),
        ("cached_input", Counted::tokens("cache_read_tokens", &[])),
        ("output", Counted::tokens("output_tokens", &[])),
        ("cache_write", Counted::tokens("cache_write_tokens", write)),
    ]
}

/// `Claude Opus 4.8 (fast mode) (preview)` → `claude-opus-4.8-fast`.
fn slug(model: &str) -> String {
    model.replace(" (fast mode)", " fast").replace(" (preview)", "").trim().to_lowercase().replace(' ', "-")
}
