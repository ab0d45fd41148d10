//! Fees of server tools that hold for every model of a seller and stand in no model's row.

use anyhow::Context as _;
use money::Decimal;
use pricing::Rule;

use super::rows::{Counted, FixedAttrs, Source, rule};

/// (seller, tool) in the seed table → tool here.
const TAKEN: &[(&str, &str, FixedAttrs)] = &[
    ("openai", "file_search", &[("tool", "file_search")]),
    ("openai", "code_interpreter", &[("tool", "code_interpreter")]),
    ("azure", "code_interpreter", &[("tool", "code_interpreter")]),
];

/// Tools whose sellers say that they cost only their tokens.
const FREE: &[(&str, FixedAttrs, &str)] = &[
    ("google", &[("tool", "url_context")], "https://ai.google.dev/gemini-api/docs/url-context"),
    ("google", &[("tool", "code_execution")], "https://ai.google.dev/gemini-api/docs/code-execution"),
    ("vertex", &[("tool", "url_context")], "https://ai.google.dev/gemini-api/docs/url-context"),
    ("vertex", &[("tool", "code_execution")], "https://ai.google.dev/gemini-api/docs/code-execution"),
];

/// Rows from the hand-made table of facts (`kind,seller,sku,meter,price_usd,per,…`) and from the sellers' own pages.
pub fn read(table: &str) -> anyhow::Result<Vec<Rule>> {
    let mut rules = seed(table)?;
    for (seller, attrs, url) in FREE {
        let mut rule = rule(VENDOR, seller, Rule::ANY_SKU, &Counted { meter: "tool_call", attrs, per: 1 }, &[(0, Decimal::ZERO)])?;
        rule.free = true;
        rule.prov.url = (*url).to_owned();
        rule.publisher = String::new();
        rules.push(rule);
    }
    Ok(rules)
}

const SEED: Source = Source { name: "seed-table", version: "2026-11", licence: "facts" };
const VENDOR: Source = Source { name: "vendor", version: "2026-11", licence: "facts" };

fn seed(table: &str) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [_, seller, tool, _, price, per, ..] = cells.as_slice() else { continue };
        let Some((_, _, attrs)) = TAKEN.iter().find(|(who, what, _)| who == seller && what == tool) else { continue };
        let per: u64 = per.split(' ').next().unwrap_or_default().parse().context("per")?;
        let price = Decimal::parse(price).map_err(anyhow::Error::msg)?;
        let mut rule = rule(SEED, seller, Rule::ANY_SKU, &Counted { meter: "tool_call", attrs, per }, &[(0, price)])?;
        rule.prov.key = format!("{seller} {tool}");
        rule.publisher = String::new();
        rules.push(rule);
    }
    Ok(rules)
}
