//! metergraph: dated prices by channel and region, with multipliers for long context.

use anyhow::Context as _;
use money::Decimal;
use pricing::{Basis, Region, RegionScope, Rule, Span};
use serde_json::Value;

use super::names::Names;
use super::rows::{Counted, FixedAttrs, Source, decimal, instant, pairs, rule};

pub const SOURCE: Source = Source { name: "metergraph", version: "0.7.4", licence: "Apache-2.0" };

/// (channel, region) there → (seller, route) here. The in-region Bedrock rows there contradict AWS's own list and are left out.
fn place(channel: &str, region: &str) -> Option<(&'static str, &'static str)> {
    Some(match (channel, region) {
        ("openai-api", _) => ("openai", ""),
        ("anthropic-api", _) => ("anthropic", ""),
        ("google-api", _) => ("google", ""),
        ("google-vertex-ai", _) => ("vertex", ""),
        ("mistral-api", _) => ("mistral", ""),
        ("xai-api", _) => ("xai", ""),
        ("aws-bedrock", "global") => ("bedrock", "global"),
        ("aws-bedrock-geo", _) => ("bedrock", "regional"),
        _ => return None,
    })
}

/// Field there, meter here, its attributes, and whether it is for batches.
type Field = (&'static str, &'static str, FixedAttrs, bool);

const FIELDS: &[Field] = &[
    ("input_per_mtok", "input_tokens", &[], false),
    ("output_per_mtok", "output_tokens", &[], false),
    ("cache_read_per_mtok", "cache_read_tokens", &[], false),
    ("cache_write_5m_per_mtok", "cache_write_tokens", &[("ttl", "5m")], false),
    ("cache_write_1h_per_mtok", "cache_write_tokens", &[("ttl", "1h")], false),
    ("batch_input_per_mtok", "input_tokens", &[], true),
    ("batch_output_per_mtok", "output_tokens", &[], true),
    ("batch_cache_read_per_mtok", "cache_read_tokens", &[], true),
];

pub fn read(file: &Value, names: &mut Names) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for model in file["models"].as_array().context("models")? {
        let id = model["canonical_id"].as_str().context("canonical_id")?;
        let (publisher, name) = id.split_once('/').context("publisher/model")?;
        for price in model["prices"].as_array().into_iter().flatten() {
            let Some((seller, route)) = place(price["channel"].as_str().unwrap_or_default(), price["region"].as_str().unwrap_or_default())
            else {
                continue;
            };
            if seller == "bedrock" && publisher != "anthropic" {
                continue;
            }
            let sku = names.find_or_add(seller, name);
            rules.extend(price_rules(seller, route, &sku, id, price)?);
        }
    }
    rules.extend(tools(file)?);
    Ok(rules)
}

fn price_rules(seller: &str, route: &str, sku: &str, id: &str, price: &Value) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for (field, meter, attrs, is_batch) in FIELDS {
        let Some(base) = decimal(&price[*field]).filter(|base| !base.is_zero()) else { continue };
        let attrs: FixedAttrs = if *field == "cache_write_5m_per_mtok" && !sku.starts_with("anthropic/") { &[] } else { attrs };
        let steps = with_long_context(base, meter, &price["rules"]["long_context"]);
        let mut rule = rule(SOURCE, seller, sku, &Counted::tokens(meter, attrs), &steps)?;
        if *is_batch {
            rule.select.extend(pairs(&[("processing", "batch")]));
        }
        if !route.is_empty() {
            rule.select.extend(pairs(&[("route", route)]));
        }
        if price["region"] == "us" {
            rule.region = Region::Within(RegionScope::Geo, vec!["us".to_owned()]);
        }
        let end = |key: &str| price[key].as_str().map(instant).transpose();
        rule.valid = Span { from: end("effective_from")?, to: end("effective_to")? };
        rule.basis = Basis::Documented;
        rule.prov.key = format!("{id} {field}");
        rule.prov.url = price["source_url"].as_str().unwrap_or_default().to_owned();
        rules.push(rule);
    }
    Ok(rules)
}

fn with_long_context(base: Decimal, meter: &str, long: &Value) -> Vec<(u64, Decimal)> {
    let factor = decimal(&long[if meter == "output_tokens" { "output_multiplier" } else { "input_multiplier" }]);
    let dear = factor.and_then(|factor| base.checked_mul(factor));
    match (long["threshold"].as_u64(), dear) {
        (Some(above), Some(dear)) => vec![(0, base), (above, dear)],
        _ => vec![(0, base)],
    }
}

/// Fees of server tools that hold for every model of a seller.
fn tools(file: &Value) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for row in file["retrieval"].as_array().into_iter().flatten() {
        let tool: FixedAttrs = match row["operation"].as_str().unwrap_or_default() {
            "web_search" => &[("tool", "web_search")],
            "web_fetch" => &[("tool", "web_fetch")],
            "google_search_grounding" => &[("tool", "google_search")],
            _ => continue,
        };
        let Some((seller, _)) = place(row["channel"].as_str().unwrap_or_default(), "global") else { continue };
        let fee = decimal(&row["per_1k_usd"]).context("per_1k_usd")?;
        let mut rule = rule(SOURCE, seller, Rule::ANY_SKU, &Counted { meter: "tool_call", attrs: tool, per: 1_000 }, &[(0, fee)])?;
        rule.free = fee.is_zero();
        rule.unit = row["unit"].as_str().unwrap_or_default().to_owned();
        rule.prov.key = format!("retrieval {}", row["operation"].as_str().unwrap_or_default());
        rule.prov.url = row["source_url"].as_str().unwrap_or_default().to_owned();
        rule.publisher = String::new();
        rules.push(rule);
    }
    Ok(rules)
}
