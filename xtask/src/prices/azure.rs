//! Azure retail meters of Azure OpenAI: the meter's name says model, direction, deployment, tier and context.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use jiff::Timestamp;
use money::Decimal;
use pricing::{Basis, Region, RegionScope, Rule, Span};
use serde_json::Value;

use super::names::Names;
use super::rows::{Counted, Source, decimal, instant, pairs, rule};

pub const SOURCE: Source = Source { name: "azure-retail", version: "2026-08-11", licence: "MIT" };

const PRODUCTS: &[&str] = &["Azure OpenAI", "Azure OpenAI GPT5", "Azure OpenAI Reasoning", "Azure OpenAI Embedding"];

/// Above this prompt size the meters that say `LongCo` apply.
const LONG_CONTEXT: u64 = 272_000;

/// What a meter's name says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    model: String,
    meter: &'static str,
    deployment: &'static str,
    tier: &'static str,
    long: bool,
}

/// Prices by band, as text so that they can be compared.
type Bands = Vec<(u64, String)>;
/// Region → since when, the price for a million, the meter.
type ByRegion = BTreeMap<String, (Timestamp, Decimal, String)>;

/// The rules, and the names of meters that couldn't be read.
pub fn read(file: &Value, names: &mut Names) -> anyhow::Result<(Vec<Rule>, Vec<String>)> {
    let mut unread = Vec::new();
    // (what) → region → (since, price for a million)
    let mut prices: BTreeMap<Name, ByRegion> = BTreeMap::new();
    for item in file["items"].as_array().context("items")? {
        if !item["productName"].as_str().is_some_and(|product| PRODUCTS.contains(&product)) {
            continue;
        }
        let meter = item["meterName"].as_str().context("meterName")?;
        let Some((name, price)) = parsed(meter, names).zip(for_million(item)) else {
            unread.push(meter.to_owned());
            continue;
        };
        let since = instant(item["effectiveStartDate"].as_str().context("effectiveStartDate")?)?;
        let regions = prices.entry(name).or_default();
        for region in item["regions"].as_array().into_iter().flatten().filter_map(Value::as_str).filter(|region| !region.is_empty()) {
            let latest = regions.entry(region.to_owned()).or_insert_with(|| (since, price, meter.to_owned()));
            if since > latest.0 {
                *latest = (since, price, meter.to_owned());
            }
        }
    }
    Ok((rules(&prices)?, unread))
}

fn for_million(item: &Value) -> Option<Decimal> {
    let price = decimal(&item["retailPrice"]).filter(|price| !price.is_zero())?;
    match item["unitOfMeasure"].as_str()? {
        "1M" => Some(price),
        "1K" => price.checked_mul(Decimal::new(1_000, 0)),
        _ => None,
    }
}

fn rules(prices: &BTreeMap<Name, ByRegion>) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for (name, regions) in prices.iter().filter(|(name, _)| !name.long) {
        let long = prices.get(&Name { long: true, ..name.clone() });
        // Regions with the same steps since the same time share a rule.
        let mut alike: BTreeMap<(Bands, Timestamp), (Vec<String>, String)> = BTreeMap::new();
        for (region, (since, price, meter)) in regions {
            let mut steps = vec![(0, price.to_string())];
            if let Some((_, price, _)) = long.and_then(|long| long.get(region)) {
                steps.push((LONG_CONTEXT, price.to_string()));
            }
            alike.entry((steps, *since)).or_insert_with(|| (Vec::new(), meter.clone())).0.push(region.clone());
        }
        let one_price = alike.keys().map(|(steps, _)| steps).collect::<BTreeSet<_>>().len() == 1;
        if name.deployment == "global" && one_price {
            let since = alike.keys().map(|(_, since)| *since).min();
            let meter = alike.values().next().map(|(_, meter)| meter.clone()).unwrap_or_default();
            if let Some((steps, _)) = alike.keys().next() {
                rules.push(one(name, steps, since, Region::Global, meter)?);
            }
            continue;
        }
        for ((steps, since), (regions, meter)) in &alike {
            rules.push(one(name, steps, Some(*since), Region::Within(RegionScope::Set, regions.clone()), meter.clone())?);
        }
    }
    Ok(rules)
}

fn one(name: &Name, steps: &[(u64, String)], since: Option<Timestamp>, region: Region, meter: String) -> anyhow::Result<Rule> {
    let steps: Vec<(u64, Decimal)> = steps
        .iter()
        .map(|(above, price)| Ok((*above, Decimal::parse(price).map_err(anyhow::Error::msg)?)))
        .collect::<anyhow::Result<_>>()?;
    let mut rule = rule(SOURCE, "azure", &name.model, &Counted::tokens(name.meter, &[]), &steps)?;
    rule.select.extend(pairs(&[("deployment", name.deployment)]));
    match name.tier {
        "batch" => rule.select.extend(pairs(&[("processing", "batch")])),
        "priority" => rule.select.extend(pairs(&[("service_tier", "priority")])),
        _ => {}
    }
    rule.region = region;
    rule.valid = Span { from: since, to: None };
    rule.basis = Basis::Documented;
    rule.prov.key = meter;
    rule.prov.url = "https://prices.azure.com/api/retail/prices".to_owned();
    Ok(rule)
}

fn parsed(meter: &str, names: &Names) -> Option<Name> {
    let lower = meter.to_lowercase().replace("data zone", "dz").replace("fine tuned", "ft").replace("1m tokens", "").replace("tokens", "");
    let mut name = Name { model: String::new(), meter: "", deployment: "", tier: "standard", long: false };
    let mut model: Vec<&str> = Vec::new();
    let (mut cached, mut write, mut output, mut input) = (false, false, false, false);
    for word in lower.split([' ', '-', '_']).filter(|word| !word.is_empty()) {
        match word {
            "inp" | "input" | "inpt" => input = true,
            "opt" | "outp" | "output" | "outpt" | "out" => output = true,
            "cd" | "cached" | "cchd" | "ccchd" | "cched" => cached = true,
            "wr" => write = true,
            "gl" | "glbl" | "global" | "glb" => name.deployment = "global",
            "dz" | "dzone" | "datazone" | "dzn" => name.deployment = "data_zone",
            "rgnl" | "regnl" | "regional" | "regn" => name.deployment = "regional",
            "batch" => name.tier = "batch",
            "pp" => name.tier = "priority",
            "std" | "shortco" => {}
            "longco" => name.long = true,
            "az" => {}
            other => model.push(other),
        }
    }
    name.meter = match (input, output, cached, write) {
        (_, false, true, true) => "cache_write_tokens",
        (_, false, true, false) => "cache_read_tokens",
        (true, false, false, false) => "input_tokens",
        (false, true, false, false) => "output_tokens",
        (false, false, false, false) if model.contains(&"embedding") => "input_tokens",
        _ => return None,
    };
    name.model = known_model(&model, names)?;
    (!name.deployment.is_empty()).then_some(name)
}

/// The model of a meter's remaining words, if exactly that name is known at OpenAI or Azure.
fn known_model(words: &[&str], names: &Names) -> Option<String> {
    let joined = words.join("-");
    let spelled = match joined.as_str() {
        "embedding-ada" => "text-embedding-ada-002".to_owned(),
        _ if joined.starts_with("text-embedding") || joined.starts_with("gpt") || joined.starts_with('o') || joined.starts_with("chat") => {
            joined.clone()
        }
        _ if joined.starts_with("embedding") => format!("text-{joined}"),
        _ if joined.starts_with("computer-use") => "computer-use-preview".to_owned(),
        _ if joined.starts_with(|letter: char| letter.is_ascii_digit()) => format!("gpt-{joined}"),
        _ => return None,
    };
    let find = |name: &str| names.find("azure", name).or_else(|| names.find("openai", name).filter(|sku| sku.starts_with("openai/")));
    find(&spelled).or_else(|| {
        // A month and day stands for the year in which that snapshot was published.
        let (name, date) = spelled.rsplit_once('-').filter(|(_, end)| end.len() == 4 && end.bytes().all(|byte| byte.is_ascii_digit()))?;
        ["2024", "2025", "2026"].iter().find_map(|year| find(&format!("{name}-{year}-{}-{}", &date[..2], &date[2..])))
    })
}

/// Regions of each data zone, for sources that say only `us` or `eu`.
pub fn data_zone_regions(geo: &str) -> Vec<String> {
    let regions: &[&str] = match geo {
        "us" => &["centralus", "eastus", "eastus2", "northcentralus", "southcentralus", "westus", "westus2", "westus3"],
        _ => &["francecentral", "germanywestcentral", "italynorth", "polandcentral", "spaincentral", "swedencentral", "westeurope"],
    };
    regions.iter().map(|region| (*region).to_owned()).collect()
}
