//! GitHub's table of models and prices for Copilot, in dollars for a million tokens (one AI credit is $0.01).
//!
//! The YAML of GitHub's documentation as JSON: a list of rows, alone or as the newest of several stored versions.

use std::collections::BTreeMap;

use pricing::Basis;
use serde_json::Value;

use super::names::Names;
use super::rows::{Counted, Fact, Gathered, Steps, decimal, literal};
use super::{ReadError, Source};

pub(super) const URL: &str = "https://docs.github.com/en/copilot/reference/copilot-billing/models-and-pricing";

pub(super) fn read(file: &Value, names: &mut Names, out: &mut Gathered) -> Result<(), ReadError> {
    // The newest stored version comes first.
    let newest = &file["versions"][0]["rows"];
    let rows = [newest, &file["rows"], file].into_iter().find_map(Value::as_array);
    let rows = rows.ok_or_else(|| ReadError::new(Source::GithubCopilot, "`versions[0].rows`", "a list of models was expected"))?;
    let mut prices: BTreeMap<(String, &'static str), (Counted, Steps, Vec<String>)> = BTreeMap::new();
    for row in rows {
        let name = row["model"].as_str().ok_or_else(|| ReadError::new(Source::GithubCopilot, "a row", "it has no `model`"))?;
        let sku = names.find_or_add("github-copilot", &slug(name));
        names.add_sku("github-copilot", &sku);
        let above = match above(&row["threshold_tokens"]) {
            Ok(above) => above,
            Err(why) => {
                out.skip(name, why);
                continue;
            }
        };
        for (field, counted) in columns(&sku) {
            let text = plain(&literal(&row[field]));
            let Some(price) = decimal(&Value::String(text.clone())) else {
                if !matches!(text.as_str(), "" | "-" | "Not applicable" | "N/A") {
                    out.skip(&format!("{name} {field}"), format!("`{text}` is no price"));
                }
                continue;
            };
            let entry = prices.entry((sku.clone(), field)).or_insert_with(|| (counted, Vec::new(), Vec::new()));
            entry.1.push((above, price));
            entry.2.push(text);
        }
    }
    for ((sku, field), (counted, steps, raw)) in prices {
        let key = format!("{} {field}", sku.split_once('/').map_or("", |(_, model)| model));
        let fact = Fact { seller: "github-copilot", sku: &sku, key: &key, counted, steps, raw: raw.join(", ") };
        let Some(mut rule) = out.rule(fact) else { continue };
        rule.basis = Basis::Assumed;
        URL.clone_into(&mut rule.prov.url);
        out.push(rule);
    }
    Ok(())
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

/// `$1.25[^2]` → `1.25`.
fn plain(text: &str) -> String {
    let text = text.split("[^").next().unwrap_or_default().trim();
    text.trim_start_matches('$').replace(',', "")
}

/// `>272000` and `> 272K` are a band above, `≤ 272K` and nothing are the base.
fn above(threshold: &Value) -> Result<u64, String> {
    let text = plain(&literal(threshold));
    let Some(size) = text.strip_prefix('>') else { return Ok(0) };
    let size = size.trim().to_uppercase();
    let (digits, unit) = size.strip_suffix('K').map_or((size.as_str(), 1), |digits| (digits, 1_000));
    digits.trim().parse::<u64>().ok().and_then(|size| size.checked_mul(unit)).ok_or_else(|| format!("threshold `{text}` is no size"))
}

/// `Claude Opus 4.8 (fast mode) (preview)[^1]` → `claude-opus-4.8-fast`.
fn slug(model: &str) -> String {
    let model = model.split("[^").next().unwrap_or_default();
    model.replace(" (fast mode)", " fast").replace(" (preview)", "").trim().to_lowercase().replace(' ', "-")
}
