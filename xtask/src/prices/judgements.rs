//! What we know better than the sources, each with its reason, and which sellers ship with the binary.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use dialects::price_sources::{Names, Reading, Source};
use jiff::Timestamp;
use pricing::{Meter, Price, Region, Rows, Rule, Step};

/// Sellers whose prices two maintained sources follow, or that publish them as data. Resellers of resellers stay out: import them.
const EMBEDDED: &[&str] = &[
    "ai21",
    "alibaba",
    "anthropic",
    "azure",
    "baseten",
    "bedrock",
    "cerebras",
    "cloudflare",
    "cohere",
    "databricks",
    "deepinfra",
    "deepgram",
    "deepseek",
    "elevenlabs",
    "fireworks",
    "github-copilot",
    "google",
    "groq",
    "inception",
    "meta",
    "minimax",
    "mistral",
    "moonshotai",
    "nebius",
    "novita",
    "openai",
    "openrouter",
    "ovhcloud",
    "perplexity",
    "sambanova",
    "together",
    "vercel",
    "vertex",
    "voyageai",
    "xai",
    "xiaomi",
    "zai",
    "zhipuai",
];

/// Ids that their seller answers by another model: (seller, id, since when). The redirect is a dated alias in `hand.jsonl`;
/// prices that a source still has for them end there.
const RETIRED: &[(&str, &str, &str)] = &[
    ("deepseek", "deepseek-chat", "2026-04-24T00:00:00Z"),
    ("deepseek", "deepseek-reasoner", "2026-04-24T00:00:00Z"),
    ("xai", "grok-code-fast-1", "2026-05-15T00:00:00Z"),
    ("xai", "grok-code-fast", "2026-05-15T00:00:00Z"),
    ("xai", "grok-code-fast-1-0825", "2026-05-15T00:00:00Z"),
];

/// (source, sku) whose prices there are out of date: genai-prices has DeepSeek's discount hours, which ended on 2025-09-05, and
/// litellm lists retired ids of DeepSeek and xAI at prices of other years.
const STALE: &[(&str, &str)] = &[
    ("genai-prices", "deepseek/deepseek-chat"),
    ("genai-prices", "deepseek/deepseek-reasoner"),
    ("litellm", "deepseek/deepseek-chat"),
    ("litellm", "deepseek/deepseek-reasoner"),
    ("litellm", "xai/grok-code-fast-1"),
    ("litellm", "xai/grok-code-fast"),
    ("litellm", "xai/grok-code-fast-1-0825"),
];

/// Names that moved to another model since a source wrote them down.
const MOVED: &[(Source, &str, &str)] = &[(Source::GenaiPrices, "mistral", "mistral-large-latest")];

pub fn is_embedded(seller: &str) -> bool {
    EMBEDDED.contains(&seller)
}

pub fn forget_moved(source: Source, names: &mut Names, reading: &mut Reading) {
    for (_, seller, name) in MOVED.iter().filter(|(whose, _, _)| *whose == source) {
        names.forget(seller, name);
        reading.rows.aliases.retain(|row| (row.seller.as_str(), row.name.as_str()) != (*seller, *name));
    }
}

/// What is left out of the sources' rows, and what is mended in them.
pub fn correct(rows: &mut Rows) {
    rows.rules.retain(|rule| !is_stale(rule) && !is_elsewhere(rule) && !is_dead_listing(rule) && !is_after(rule) && !contradicts_aws(rule));
    rows.rules.iter_mut().for_each(end_retired);
    one_limit(rows);
    only_litellm_and_retired(rows);
}

fn is_stale(rule: &Rule) -> bool {
    STALE.iter().any(|(source, sku)| {
        (rule.prov.source.as_str(), rule.sku.as_str()) == (*source, *sku) && matches!(rule.seller.as_str(), "deepseek" | "xai")
    })
}

/// Searches, rerankings and guardrails stand in `prices/resources/meters.jsonl`.
fn is_elsewhere(rule: &Rule) -> bool {
    rule.prov.source == "litellm" && matches!(rule.meter.name(), "query" | "x_guardrail_unit")
}

/// metergraph's prices of single Bedrock regions contradict AWS's own list.
fn contradicts_aws(rule: &Rule) -> bool {
    rule.prov.source == "metergraph" && rule.seller == "bedrock" && rule.region != Region::Global
}

/// Superseded views of models.dev: who believed what when matters to conflicts, not to prices.
fn is_dead_listing(rule: &Rule) -> bool {
    rule.prov.source == "model-prices" && rule.recorded.to.is_some()
}

/// Prices of an id from a time in which another model answers it.
fn is_after(rule: &Rule) -> bool {
    answered_since(rule).is_some_and(|when| rule.valid.from.is_some_and(|from| from >= when))
}

fn answered_since(rule: &Rule) -> Option<Timestamp> {
    let is_id = |(seller, id, _): &&(&str, &str, &str)| rule.seller == *seller && rule.sku.ends_with(&format!("/{id}"));
    RETIRED.iter().find(is_id).and_then(|(_, _, when)| when.parse().ok())
}

fn end_retired(rule: &mut Rule) {
    if let Some(when) = answered_since(rule) {
        rule.valid.to = Some(rule.valid.to.map_or(when, |to| to.min(when)));
    }
}

/// genai-prices reads xAI's page as "from 200,000 tokens" for some models where the others say "above 200,000": one limit a model,
/// the lower one.
fn one_limit(rows: &mut Rows) {
    let is_lower = |rule: &&Rule| rule.seller == "xai" && steps(rule).iter().any(|step| step.above == 199_999);
    let lower: BTreeSet<String> = rows.rules.iter().filter(is_lower).map(|rule| rule.sku.clone()).collect();
    for rule in rows.rules.iter_mut().filter(|rule| rule.seller == "xai" && lower.contains(&rule.sku)) {
        if let Price::Tiers { steps, .. } = &mut rule.price {
            for step in steps.iter_mut().filter(|step| step.above == 200_000) {
                *step = Step { above: 199_999, rate: step.rate };
            }
        }
    }
}

fn steps(rule: &Rule) -> &[Step] {
    match &rule.price {
        Price::Flat(_) => &[],
        Price::Tiers { steps, .. } => steps,
    }
}

/// Models that only litellm lists and that it says are retired.
fn only_litellm_and_retired(rows: &mut Rows) {
    let listed: BTreeSet<(String, String)> =
        rows.rules.iter().filter(|rule| rule.prov.source != "litellm").map(|rule| (rule.seller.clone(), rule.sku.clone())).collect();
    // Google announces one date for its own API and for Vertex, and goes on answering: what others list there counts here too.
    let is_listed = |rule: &Rule| {
        let at = |seller: &str| listed.contains(&(seller.to_owned(), rule.sku.clone()));
        at(&rule.seller) || rule.seller == "vertex" && at("google")
    };
    rows.rules.retain(|rule| !rule.prov.note.contains("retired on") || is_listed(rule));
}

/// Rows that no file of a source says.
pub fn add_by_hand(rows: &mut Rows) -> anyhow::Result<()> {
    let hand = dialects::price_book::read(include_str!("hand.jsonl")).map_err(|errors| anyhow!("hand.jsonl: {}", errors[0]))?;
    let same = |a: &Rule, b: &Rule| {
        (&a.seller, &a.sku, &a.meter, &a.attrs, &a.select) == (&b.seller, &b.sku, &b.meter, &b.attrs, &b.select)
            && a.valid == b.valid
            && a.recorded == b.recorded
    };
    rows.rules.retain(|rule| !hand.rules.iter().any(|own| same(own, rule)));
    for reversed in hand.rules.iter().filter(|rule| rule.recorded.to.is_some()) {
        until_reversed(&mut rows.rules, reversed);
    }
    rows.rules.extend(hand.rules);
    rows.aliases.extend(hand.aliases);
    Ok(())
}

/// Before an announcement was withdrawn, the price of the time before it was held to end when it would begin.
fn until_reversed(rules: &mut Vec<Rule>, announced: &Rule) {
    let (begins, withdrawn) = (announced.valid.from, announced.recorded.to);
    let what = |rule: &Rule| (rule.seller.clone(), rule.sku.clone(), rule.meter.clone(), rule.attrs.clone(), rule.select.clone());
    let mut before = Vec::new();
    for rule in rules.iter_mut().filter(|rule| what(rule) == what(announced) && rule.valid.to.is_none()) {
        let mut held = rule.clone();
        held.valid.to = begins;
        held.recorded.to = withdrawn;
        before.push(held);
        rule.recorded.from = withdrawn;
    }
    rules.append(&mut before);
}

/// A cached token that is dearer than a fresh one is a mistake of the source; without the row it costs what a fresh one costs.
pub fn drop_dear_cache_reads(rules: &mut Vec<Rule>, notes: &mut Vec<String>) {
    let plain = |rule: &Rule| {
        (rule.seller.clone(), rule.sku.clone(), rule.attrs.clone(), rule.select.clone(), format!("{:?} {:?}", rule.region, rule.schedule))
    };
    let first = |rule: &Rule| rule.price.rates().next().and_then(|rate| rate.times(1_000_000));
    let input: BTreeMap<_, _> = rules
        .iter()
        .filter(|rule| rule.meter == Meter::InputTokens && rule.valid.to.is_none())
        .map(|rule| (plain(rule), first(rule)))
        .collect();
    rules.retain(|rule| {
        let is_dear = rule.meter == Meter::CacheReadTokens
            && rule.valid.to.is_none()
            && input.get(&plain(rule)).is_some_and(|price| first(rule) > *price);
        if is_dear {
            notes.push(format!("dropped {} {}: a cached token dearer than a fresh one", rule.seller, rule.sku));
        }
        !is_dear
    });
}
